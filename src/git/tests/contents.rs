//! The beginnings of files at both ends of a comparison, in whole clones, shallow ones and ones without contents.

use crate::config::Changes;
use crate::environment::Environment;
use crate::git::{Range, content_at_head};
use crate::model::{RepoPath, Side};

use super::checkout::{Checkout, Files};
use super::forge::{Forge, REMOTE_URL};

fn site() -> Checkout {
    let file = |content: &str| ("100644", content.as_bytes().to_vec());
    let before = Files::from([
        (b"a/b.md".to_vec(), file("old1")),
        (b"gone.md".to_vec(), file("gone for ever")),
        (b"same.md".to_vec(), file("same")),
    ]);
    let after = Files::from([
        (b"a/b.md".to_vec(), file("new1")),
        (b"link.md".to_vec(), ("120000", b"same.md".to_vec())),
        (b"same.md".to_vec(), file("same")),
    ]);
    Checkout::with(&[before, after])
}

fn wanted() -> Vec<(Side, RepoPath)> {
    [
        (Side::Base, "a/b.md"),
        (Side::Base, "gone.md"),
        (Side::Base, "same.md"),
        (Side::Head, "a/b.md"),
        (Side::Head, "gone.md"),
        (Side::Head, "link.md"),
        (Side::Head, "a"),
    ]
    .map(|(side, path)| (side, RepoPath::new(path)))
    .to_vec()
}

fn read(clone: &Checkout, forge: &Forge, range: &Range) -> String {
    let read = forge.contents(clone, range, &wanted()).unwrap();
    let line = |content: Result<Vec<u8>, String>| match content {
        Ok(content) => String::from_utf8(content).unwrap(),
        Err(problem) => format!("({problem})"),
    };
    read.into_iter().map(line).collect::<Vec<_>>().join(" ")
}

/// One byte more than is wanted says that there is more.
const ALL: &str = "old1 gone  same new1 (it isn't committed) (it isn't a regular file) (it isn't a regular file)";

fn range_of(origin: &Checkout) -> Range {
    Range { base: Some(origin.id("HEAD~1")), head: origin.id("HEAD"), reason: String::new() }
}

#[test]
fn both_versions_of_a_file_are_read_from_a_whole_clone_without_the_network() {
    let origin = site();
    let forge = Forge::of(&origin);
    assert_eq!(read(&origin, &forge, &range_of(&origin)), ALL);
    assert!(forge.requests.borrow().is_empty());
    let at_head = |path: &str| content_at_head(&origin.path, &RepoPath::new(path), 4, &Environment::new()).unwrap();
    assert_eq!(at_head("same.md").unwrap(), b"same");
    assert!(at_head("gone.md").is_err());
}

#[test]
fn contents_that_a_clone_lacks_are_fetched_by_themselves() {
    let origin = site();
    let range = range_of(&origin);
    for arguments in [&["--depth=1"][..], &["--filter=blob:none", "--no-checkout"]] {
        let forge = Forge::of(&origin);
        let clone = origin.clone(arguments);
        clone.git(&["remote", "set-url", "origin", REMOTE_URL]);
        assert_eq!(read(&clone, &forge, &range), ALL, "{arguments:?}");
        let notes = forge.notes.borrow().join("\n");
        assert!(notes.contains("fetched the contents of "), "{notes}");
        assert_eq!(std::fs::read_dir(forge.temporary.path()).unwrap().count(), 0, "nothing is left behind");
    }
}

#[test]
fn what_the_working_directory_is_compared_with_is_fetched_too() {
    let origin = site();
    let range = Range { head: "worktree".into(), ..range_of(&origin) };
    let forge = Forge::of(&origin);
    let clone = origin.clone(&["--filter=blob:none", "--no-checkout"]);
    clone.git(&["remote", "set-url", "origin", REMOTE_URL]);
    let read = read(&clone, &forge, &range);
    assert!(read.starts_with("old1 gone "), "{read}");
}

#[test]
fn contents_that_can_not_be_had_are_said_for_each_file() {
    let origin = site();
    let range = range_of(&origin);
    let clone = origin.clone(&["--depth=1"]);
    clone.git(&["remote", "set-url", "origin", REMOTE_URL]);
    let forge = Forge { is_on: false, ..Forge::of(&origin) };
    let said = read(&clone, &forge, &range);
    assert!(said.starts_with("(it isn't in this clone: ") && said.contains(" new1 "), "{said}");
    let everything = Range { base: None, ..range };
    assert!(read(&clone, &forge, &everything).starts_with("(there is no commit before the change) "));
    let all = Changes::All { head: None };
    assert!(forge.search(&clone, &all, &Environment::new()).is_ok());
}
