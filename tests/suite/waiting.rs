//! `wait` resumes an earlier run: it submits nothing, and never succeeds without having waited for anything.

use std::cell::RefCell;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;

use cdn_purge::commands::{World, execute};
use cdn_purge::error::ExitCode;

#[derive(Clone, Default)]
struct Screen(Rc<RefCell<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A folder with one commit of `public/a.html`, and with an empty journal.
fn checkout() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let repository = git2::Repository::init(folder.path()).unwrap();
    let mut tree = git2::build::TreeUpdateBuilder::new();
    tree.upsert("public/a.html", repository.blob(b"a").unwrap(), git2::FileMode::Blob);
    let empty = repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap()).unwrap();
    let tree = repository.find_tree(tree.create_updated(&repository, &empty).unwrap()).unwrap();
    let author = git2::Signature::new("a", "a@example.com", &git2::Time::new(1_800_000_000, 0)).unwrap();
    repository.commit(Some("HEAD"), &author, &author, "a", &tree, &[]).unwrap();
    std::fs::write(folder.path().join("journal"), "").unwrap();
    folder
}

/// How it ends, and what it says.
fn wait(folder: &Path, journal: &str, rule: &[&str]) -> (ExitCode, String) {
    let journal = folder.join(journal);
    let options = ["-C", folder.to_str().unwrap(), "--journal", journal.to_str().unwrap(), "--provider", "alibaba-cdn"];
    let keys = ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"];
    let screen = Screen::default();
    let code = execute(World {
        arguments: ["cdn-purge", "wait"].iter().chain(&options).chain(rule).map(Into::into).collect(),
        environment: keys.iter().map(|name| ((*name).to_owned(), "demonstration".to_owned())).collect(),
        out: Box::new(screen.clone()),
        err: Box::new(screen.clone()),
        is_terminal: false,
        out_columns: None,
        err_columns: None,
        now: jiff::Timestamp::UNIX_EPOCH,
    });
    let printed = String::from_utf8(screen.0.borrow().clone()).unwrap();
    (code, printed)
}

const RULE: [&str; 4] = ["--files", "public/**", "--urls", "https://www.example.com/{tail}"];

#[test]
fn without_the_rules_of_the_run_there_is_nothing_to_wait_for() {
    let (code, printed) = wait(checkout().path(), "journal", &[]);
    assert!(code == ExitCode::Usage && printed.contains("given without `files` and `urls`"), "{printed}");
}

#[test]
fn a_plan_without_urls_is_no_success() {
    let rule = ["--files", "elsewhere/**", RULE[2], RULE[3]];
    let (code, printed) = wait(checkout().path(), "journal", &rule);
    assert!(code == ExitCode::Checkout && printed.contains("this plan has no URL"), "{printed}");
}

#[test]
fn without_a_journal_nothing_is_begun() {
    let (code, printed) = wait(checkout().path(), "no-journal", &RULE);
    assert!(code == ExitCode::Checkout && printed.contains("there is no journal"), "{printed}");
}

#[test]
fn a_journal_that_tells_of_nothing_sent_begins_nothing() {
    let (code, printed) = wait(checkout().path(), "journal", &RULE);
    assert!(code == ExitCode::Checkout && printed.contains("has nothing to continue"), "{printed}");
}
