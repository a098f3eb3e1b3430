//! Everything that can be wrong with a checkout: each is named, says what to do, and is never an empty list.

use std::io::Write;
use std::path::Path;

use serde_json::json;

use crate::config::{Changes, UrlOptions};
use crate::environment::Environment;
use crate::error::{Error, ExitCode};
use crate::git::find;
use crate::mapping::Encoded;
use crate::model::RefreshKind;

use super::checkout::{Checkout, environment_of, lines, refusal};

#[cfg(unix)]
use super::checkout::{give_away, native};

const GITHUB: &[(&str, &str)] = &[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push")];
const GITLAB: &[(&str, &str)] = &[("GITLAB_CI", "true")];

fn found_in(start: &Path, environment: &[(&str, &str)]) -> String {
    refusal(find(start, &Changes::Git { base: None, head: None }, &environment_of(environment)))
}

#[track_caller]
fn says(refused: &str, words: &[&str]) {
    for word in words {
        assert!(refused.contains(word), "{refused:?} lacks {word:?}");
    }
}

#[test]
fn no_repository() {
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().canonicalize().unwrap();
    says(&found_in(&path, &[]), &["no git repository", path.to_str().unwrap()]);
    says(&found_in(&path, GITHUB), &["`actions/checkout` before this step"]);
    says(&found_in(&path, GITLAB), &["GIT_STRATEGY"]);
    says(&found_in(&path.join("nowhere"), &[]), &["nowhere", "can't be opened"]);
    std::fs::create_dir(path.join(".git")).unwrap();
    says(&found_in(&path, &[]), &["no git repository"]);
    std::fs::write(path.join(".git/HEAD"), "nonsense").unwrap();
    says(&found_in(&path, &[]), &["can't be opened"]);
}

#[test]
fn every_refusal_ends_with_the_exit_code_of_the_checkout() {
    let empty = tempfile::tempdir().unwrap();
    let error = find(empty.path(), &Changes::All { head: None }, &Environment::new()).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Checkout);
}

#[test]
fn a_bare_repository() {
    let origin = Checkout::with_three_commits();
    let bare = origin.clone(&["--bare"]);
    says(&found_in(&bare.path, &[]), &["is a bare repository", bare.path.to_str().unwrap()]);
    says(&found_in(&bare.path.join("refs"), &[]), &["is a bare repository"]);
    origin.git(&["config", "core.bare", "true"]);
    says(&found_in(&origin.path, &[]), &["is a bare repository"]);
}

#[test]
fn a_branch_without_a_commit() {
    let checkout = Checkout::empty(&[]);
    says(&refusal(checkout.found(&[])), &["no commit at `HEAD` yet", "commit something"]);
    says(&refusal(checkout.found(GITHUB)), &["no commit at `HEAD` yet"]);
}

#[test]
fn an_unknown_revision() {
    let checkout = Checkout::with_three_commits();
    says(&refusal(checkout.between("v9", "HEAD")), &["unknown revision `v9` in `base`", "git rev-parse"]);
    says(&refusal(checkout.between("HEAD", "v9")), &["unknown revision `v9` in `head`"]);
    says(&refusal(checkout.between(&"a".repeat(40), "HEAD")), &["unknown revision"]);
    for odd in ["HEAD~99", "HEAD~", "a..b", "-x", "@{", "^", ":/never said", "\u{1f600}", "a\0b", "HEAD:"] {
        if let Err(error) = checkout.between(odd, "HEAD") {
            says(&refusal::<()>(Err(error)), &["`base`"]);
        } else {
            assert_eq!(odd, "HEAD~", "git takes this one for `HEAD~1`");
        }
    }
}

#[test]
fn a_revision_that_only_the_remote_has_is_suggested_and_not_guessed() {
    let origin = Checkout::with_three_commits();
    origin.git(&["branch", "release/1", "HEAD~1"]);
    let clone = origin.clone(&[]);
    says(&refusal(clone.between("release/1", "HEAD")), &["did you mean `origin/release/1`?"]);
    assert_eq!(lines(&clone.between("origin/release/1", "HEAD").unwrap().files), ["M one"]);
}

#[test]
fn all_zeros_by_hand() {
    let refused = refusal(Checkout::with_three_commits().between(&"0".repeat(40), "HEAD"));
    says(&refused, &["`base` is all zeros", "leave `base` out"]);
}

#[test]
fn a_revision_that_is_no_commit() {
    let checkout = Checkout::with_three_commits();
    says(&refusal(checkout.between("HEAD^{tree}", "HEAD")), &["`HEAD^{tree}` in `base` is a tree, not a commit"]);
    says(&refusal(checkout.between("HEAD:one", "HEAD")), &["is a blob, not a commit"]);
}

#[test]
fn a_shallow_clone_is_never_taken_for_a_first_commit() {
    let clone = Checkout::with_three_commits().clone(&["--depth=1"]);
    says(&refusal(clone.found(&[])), &["parent commit", "isn't in this clone", "git fetch --unshallow"]);
    let changes = Changes::Git { base: Some("HEAD~1".to_owned()), head: None };
    let by_hand = |environment| refusal(find(&clone.path, &changes, &environment_of(environment)));
    says(&by_hand(GITHUB), &["unknown revision `HEAD~1`", "shallow", "`fetch-depth: 0`"]);
    says(&by_hand(GITLAB), &["shallow", "`GIT_DEPTH: 0`"]);
}

#[test]
fn a_clone_that_is_deep_enough_is_enough() {
    let clone = Checkout::with_three_commits().clone(&["--depth=2"]);
    assert_eq!(lines(&clone.found(&[]).unwrap().files), ["M one"]);
    says(&refusal(clone.between("HEAD~2", "HEAD")), &["shallow clone"]);
}

#[test]
fn a_base_that_was_fetched_alone_is_enough() {
    let origin = Checkout::with_three_commits();
    origin.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let clone = origin.clone(&["--depth=1"]);
    let before = origin.id("HEAD~2");
    let event = json!({ "ref": "refs/heads/main", "before": before, "after": origin.id("HEAD") });
    let refused = refusal(clone.found_on_github("push", &event));
    says(&refused, &[&before, "`before` of the event", "`fetch-depth: 0`"]);
    clone.git(&["fetch", "--quiet", "--depth=1", "origin", &before]);
    assert_eq!(lines(&clone.found_on_github("push", &event).unwrap().files), ["M one", "A two"]);
}

#[test]
fn a_before_that_a_force_push_overwrote_is_named() {
    let checkout = Checkout::with_three_commits();
    let event =
        json!({ "ref": "refs/heads/main", "before": "d".repeat(40), "after": checkout.id("HEAD"), "forced": true });
    let refused = refusal(checkout.found_on_github("push", &event));
    says(&refused, &[&"d".repeat(40), "force push", "git fetch origin"]);
}

#[test]
fn the_merge_checkout_of_a_pull_request_needs_its_first_parent() {
    let origin = Checkout::with_three_commits();
    origin.git(&["checkout", "--quiet", "-b", "topic", "HEAD~1"]);
    origin.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    origin.git(&["merge", "--quiet", "--message=x", "main"]);
    let sha = |revision: &str| json!({ "sha": origin.id(revision) });
    let event = json!({ "pull_request": { "base": sha("topic~1"), "head": sha("main") } });
    let clone = origin.clone(&["--depth=1", "--branch=topic"]);
    says(&refusal(clone.found_on_github("pull_request", &event)), &["parent commit", "`fetch-depth: 2`"]);
    let clone = origin.clone(&["--depth=2", "--branch=topic"]);
    assert_eq!(lines(&clone.found_on_github("pull_request", &event).unwrap().files), ["M one"]);
}

#[test]
fn a_merge_base_in_a_shallow_clone_is_not_trusted() {
    let origin = Checkout::with_three_commits();
    let clone = origin.clone(&["--depth=2", "--no-single-branch"]);
    let event = json!({
        "ref": "refs/heads/topic", "before": "0".repeat(40), "after": clone.id("HEAD"),
        "repository": { "default_branch": "main" },
    });
    says(&refusal(clone.found_on_github("push", &event)), &["merge base with `main`", "shallow", "`fetch-depth: 0`"]);
    let linked = clone.outside().join("linked");
    clone.git(&["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap(), "HEAD"]);
    let changes = Changes::Git { base: Some("HEAD~2".to_owned()), head: None };
    says(&refusal(find(&linked, &changes, &Environment::new())), &["shallow clone"]);
}

#[test]
fn formats_that_cannot_be_read() {
    let sha256 = Checkout::empty(&["--object-format=sha256"]);
    says(&found_in(&sha256.path, &[]), &["another object format than SHA-1", "sha256"]);
    let reftable = Checkout::with_three_commits();
    reftable.git(&["config", "core.repositoryFormatVersion", "1"]);
    reftable.git(&["config", "extensions.refStorage", "reftable"]);
    says(&found_in(&reftable.path, &[]), &["an extension of git", "refstorage"]);
}

/// The file of an object that isn't packed.
fn loose(checkout: &Checkout, id: &str) -> std::path::PathBuf {
    checkout.path.join(".git/objects").join(&id[..2]).join(&id[2..])
}

fn with_loose_objects() -> Checkout {
    let checkout = Checkout::with_three_commits();
    let packs = checkout.path.join(".git/objects/pack");
    let moved = checkout.outside().join("pack");
    std::fs::rename(packs, &moved).unwrap();
    for file in std::fs::read_dir(moved).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "pack") {
            checkout.run(&["unpack-objects", "-q"], &std::fs::read(file).unwrap());
        }
    }
    checkout
}

#[test]
fn damaged_and_missing_objects() {
    for revision in ["HEAD^{tree}", "HEAD~1^{tree}", "HEAD", "HEAD~1"] {
        let checkout = with_loose_objects();
        let id = checkout.git(&["rev-parse", revision]);
        let file = loose(&checkout, &id);
        std::fs::remove_file(&file).unwrap();
        says(&refusal(checkout.found(&[])), &[if revision == "HEAD" { "`HEAD`" } else { &id }]);
        std::fs::File::create(&file).unwrap().write_all(b"no zlib at all").unwrap();
        says(&refusal(checkout.found(&[])), &["can't be read", "git fsck"]);
    }
}

#[test]
fn a_tree_that_git_itself_would_not_write() {
    let checkout = Checkout::with_three_commits();
    let tree = b"100644 b\0bbbbbbbbbbbbbbbbbbbb100644 a\0aaaaaaaaaaaaaaaaaaaa";
    let tree = checkout.run(&["hash-object", "-t", "tree", "--literally", "-w", "--stdin"], tree);
    let tree = String::from_utf8(tree).unwrap();
    let head = checkout.git(&["commit-tree", "-m", "x", "-p", "HEAD", tree.trim()]);
    says(&refusal(checkout.between("HEAD", &head)), &["malformed", tree.trim(), "in order"]);
    let blob = checkout.git(&["rev-parse", "HEAD:one"]);
    let commit = format!("tree {blob}\nauthor t <t@example.com> 1 +0000\ncommitter t <t@example.com> 1 +0000\n\nx\n");
    let commit = checkout.run(&["hash-object", "-t", "commit", "--literally", "-w", "--stdin"], commit.as_bytes());
    let commit = String::from_utf8(commit).unwrap();
    says(&refusal(checkout.between("HEAD", commit.trim())), &[&blob, "is a blob"]);
}

#[test]
fn urls_that_are_given_have_no_changed_files() {
    let listing = UrlOptions {
        arguments: Vec::new(),
        file: Some("urls.txt".into()),
        kind: RefreshKind::Url,
        encoded: vec![Encoded::Encoded],
        mode: crate::model::PurgeMode::Default,
        allow_everything: false,
    };
    let error = find(Path::new("."), &Changes::Urls(listing), &Environment::new()).unwrap_err();
    assert!(matches!(error, Error::Inputs(_)), "{error:?}");
}

/// In a container the checkout belongs to the runner's user and this program runs as root: the one path that the CI made is
/// trusted, and no other. Only root can set the scene; for anyone else the first assertion is that git keeps them from it.
#[cfg(unix)]
#[test]
fn a_repository_of_another_user_is_refused_unless_the_ci_made_it() {
    let checkout = Checkout::with_three_commits();
    if let Err(error) = give_away(&checkout.path, 12_345) {
        assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
        return;
    }
    let path = checkout.path.to_str().unwrap();
    let parent = checkout.path.parent().unwrap().to_str().unwrap();
    says(&refusal(checkout.found(&[])), &["belongs to another user", "safe.directory", path]);
    says(&refusal(checkout.found(&[("GITHUB_WORKSPACE", path)])), &["belongs to another user"]);
    says(&refusal(checkout.found(&[("GITHUB_ACTIONS", "true"), ("GITHUB_WORKSPACE", parent)])), &["another user"]);

    let changes = Changes::Git { base: Some("HEAD~1".to_owned()), head: None };
    for trusted in [("GITHUB_ACTIONS", "GITHUB_WORKSPACE"), ("GITLAB_CI", "CI_PROJECT_DIR")] {
        let indirect = format!("{path}/../site");
        let environment = environment_of(&[(trusted.0, "true"), (trusted.1, &indirect)]);
        assert_eq!(lines(&find(&checkout.path, &changes, &environment).unwrap().files), ["M one"]);
    }
    says(&refusal(checkout.found(&[])), &["belongs to another user"]);
}

#[cfg(unix)]
#[test]
fn a_directory_whose_name_is_no_utf8_is_opened() {
    let checkout = Checkout::with_three_commits();
    let odd = checkout.outside().join(native(b"caf\xe9"));
    std::fs::rename(&checkout.path, &odd).unwrap();
    let changes = Changes::Git { base: None, head: None };
    assert_eq!(lines(&find(&odd, &changes, &Environment::new()).unwrap().files), ["M one"]);
}
