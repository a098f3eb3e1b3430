//! The same two commits in every kind of checkout that git can make: the answer is the same, or a refusal that says why.

use std::path::Path;

use crate::config::Changes;
use crate::environment::Environment;
use crate::git::find;

use super::against_git::{git_says, we_say};
use super::checkout::{Checkout, Files, refusal};

/// Two commits of a tree with directories, the second with a change in each of some of them.
fn origin() -> Checkout {
    let file = |text: &str| ("100644", text.as_bytes().to_vec());
    let mut files = Files::new();
    for number in 0..60 {
        files.insert(format!("d{}/e{}/{number}", number % 5, number % 3).into_bytes(), file(&number.to_string()));
    }
    let mut changed = files.clone();
    changed.remove(&b"d0/e0/0"[..]);
    changed.insert(b"d1/e1/1".to_vec(), file("new"));
    changed.insert(b"d4/f/new".to_vec(), file("new"));
    let origin = Checkout::with(&[files, changed]);
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    origin.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    origin
}

fn last_commit(start: &Path) -> Result<std::collections::BTreeMap<Vec<u8>, char>, crate::error::Error> {
    let changes = Changes::Git { base: Some("HEAD~1".to_owned()), head: None };
    find(start, &changes, &Environment::new()).map(|found| we_say(&found.files))
}

/// Asserts that the changes of the last commit are those that git reports in the origin: three paths.
#[track_caller]
fn assert_same(origin: &Checkout, start: &Path) {
    let git = git_says(origin, "main~1", "main");
    assert_eq!(git.len(), 3);
    assert_eq!(last_commit(start).unwrap(), git);
}

#[test]
fn packed_and_loose_and_both() {
    let origin = origin();
    assert_same(&origin, &origin.path);
    let clone = origin.clone(&[]);
    assert_same(&origin, &clone.path);
    let packs = clone.path.join(".git/objects/pack");
    for file in std::fs::read_dir(&packs).unwrap().map(|file| file.unwrap().path()) {
        let moved = clone.outside().join(file.file_name().unwrap());
        std::fs::rename(&file, &moved).unwrap();
        if moved.extension().is_some_and(|extension| extension == "pack") {
            clone.run(&["unpack-objects", "-q"], &std::fs::read(moved).unwrap());
        }
    }
    assert_eq!(std::fs::read_dir(&packs).unwrap().count(), 0);
    assert_same(&origin, &clone.path);
    let base = clone.git(&["rev-list", "--objects", "HEAD~1"]);
    clone.run(&["pack-objects", "--quiet", ".git/objects/pack/pack"], base.as_bytes());
    clone.git(&["prune-packed", "--quiet"]);
    assert_same(&origin, &clone.path);
    clone.git(&["-c", "pack.writeBitmaps=false", "repack", "-q", "-a", "-d", "--depth=50", "--window=50"]);
    clone.git(&["multi-pack-index", "write"]);
    clone.git(&["commit-graph", "write", "--reachable"]);
    assert_same(&origin, &clone.path);
}

/// Deltas by the base's name instead of its place, as servers send them to clients that ask for no `ofs-delta`.
#[test]
fn deltas_by_name() {
    let origin = origin();
    let clone = origin.clone(&[]);
    clone.git(&["-c", "repack.useDeltaBaseOffset=false", "repack", "-q", "-a", "-d", "-f"]);
    assert_same(&origin, &clone.path);
}

/// Shared object databases are what runners use to save time, so their place is free: an object is found there by its digest
/// only, and only when this repository's own commits name it.
#[test]
fn objects_in_another_repository() {
    let origin = origin();
    for arguments in [&["--shared"][..], &["--reference", origin.path.to_str().unwrap()]] {
        let clone = origin.clone_from_path(arguments);
        assert!(clone.path.join(".git/objects/info/alternates").exists());
        assert_same(&origin, &clone.path);
    }
    let lost = origin.clone_from_path(&["--shared"]);
    std::fs::write(lost.path.join(".git/objects/info/alternates"), "/nowhere/objects\n").unwrap();
    let refused = refusal(last_commit(&lost.path));
    assert!(refused.contains("HEAD"), "{refused}");
}

#[test]
fn partial_and_shallow() {
    let origin = origin();
    for arguments in [&["--filter=blob:none"][..], &["--filter=blob:none", "--no-checkout"], &["--depth=2"]] {
        assert_same(&origin, &origin.clone(arguments).path);
    }
    let both = origin.clone(&["--filter=blob:none", "--depth=2", "--no-checkout"]);
    assert_same(&origin, &both.path);
    // As other versions of git mark it.
    both.git(&["config", "extensions.partialClone", "origin"]);
    assert_same(&origin, &both.path);
    // Nothing was fetched for it: the contents of the files are still not there.
    let blob = origin.git(&["rev-parse", "main:d1/e1/1"]);
    assert!(both.git(&["rev-list", "--objects", "--all", "--missing=print"]).contains(&format!("?{blob}")));
}

#[test]
fn a_clone_without_trees_is_refused_by_their_name() {
    let origin = origin();
    let clone = origin.clone(&["--filter=tree:0", "--no-checkout"]);
    let tree = origin.git(&["rev-parse", "main~1^{tree}"]);
    let refused = refusal(last_commit(&clone.path));
    assert!(refused.contains(&tree) && refused.contains("isn't in this clone"), "{refused}");
}

#[test]
fn sparse() {
    let origin = origin();
    let clone = origin.clone(&["--filter=blob:none", "--sparse"]);
    assert_same(&origin, &clone.path);
    clone.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "d3"]);
    assert_eq!(clone.git(&["config", "index.sparse"]), "true");
    assert!(!clone.path.join("d1").exists());
    assert_same(&origin, &clone.path);
}

#[test]
fn linked_work_trees() {
    let origin = origin();
    let clone = origin.clone(&["--filter=blob:none"]);
    clone.git(&["config", "extensions.worktreeConfig", "true"]);
    let linked = clone.outside().join("linked");
    clone.git(&["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap()]);
    assert_same(&origin, &linked);
    let inside = clone.path.join("inside");
    clone.git(&["worktree", "add", "--quiet", "--detach", inside.to_str().unwrap()]);
    assert_same(&origin, &inside);
    std::fs::remove_dir_all(clone.path.join(".git/worktrees")).unwrap();
    let refused = refusal(last_commit(&linked));
    assert!(refused.contains("linked"), "{refused}");
}

#[test]
fn a_git_directory_elsewhere() {
    let origin = origin();
    let elsewhere = origin.outside().join("elsewhere");
    let clone = origin.clone(&["--separate-git-dir", elsewhere.to_str().unwrap()]);
    assert!(clone.path.join(".git").is_file());
    assert_same(&origin, &clone.path);
}

/// The formats of git that can't be read, with commits in them, each by its name.
#[test]
fn other_formats() {
    for (arguments, words) in [
        (&["--object-format=sha256"][..], ["another object format than SHA-1", "`url-file`"]),
        (&["--ref-format=reftable"], ["an extension of git", "--ref-format=files"]),
    ] {
        let checkout = Checkout::empty(arguments);
        checkout.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
        let refused = refusal(checkout.found(&[]));
        assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
    }
}
