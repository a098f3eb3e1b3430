//! Rules about folders that a build writes: no commit ever changes them, which is said.

use std::fs;

use crate::config::{Changes, Symlinks};
use crate::error::Error;
use crate::git::Changed;
use crate::git::search::Search;
use crate::git::time_limit::LIMIT;
use crate::model::RepoPath;

use super::checkout::{Checkout, Files, environment_of, lines, refusal};
use super::symlinks::following;

fn tree(paths: &[&str]) -> Files {
    let entry = |path: &&str| match path.strip_suffix('@') {
        Some(submodule) => (submodule.as_bytes().to_vec(), ("160000", vec![b'1'; 40])),
        None => (path.as_bytes().to_vec(), ("100644", path.as_bytes().to_vec())),
    };
    paths.iter().map(entry).collect()
}

/// The changes of a checkout with these folders, by rules for these files.
fn changed(before: &[&str], after: &[&str], folders: &[&str], files: &[&str]) -> Result<Changed, Error> {
    let checkout = Checkout::with(&[tree(before), tree(after)]);
    for folder in folders {
        fs::create_dir_all(checkout.path.join(folder)).unwrap();
    }
    let changes = Changes::Git { base: Some("main~1".into()), head: Some("main".into()) };
    let environment = environment_of(&[]);
    let following = following(files, Symlinks::Follow);
    Search::begin(&checkout.path, &changes, &environment, LIMIT)?.finish(Some((&following, &environment)))
}

#[test]
fn rules_about_a_built_folder_alone_are_refused_by_its_name() {
    for files in [&["dist/**", "!dist/**/*.map"][..], &["dist/assets/*.js", "dist/*.html"]] {
        let message = refusal(changed(&["a"], &["a", "b"], &["dist/assets"], files).map(|_| ()));
        assert!(message.contains("the rules only select files in `dist`, which isn't in git"), "{message}");
        assert!(message.contains("set `changes: directory` and `directory: dist`"), "{message}");
    }
}

#[test]
fn a_built_folder_next_to_committed_ones_is_found() {
    let found = changed(
        &["static/a", "site/x"],
        &["static/a", "static/b", "site/x"],
        &["site/dist", "static"],
        &["static/**", "site/dist/**"],
    )
    .unwrap();
    assert_eq!(lines(&found.files), ["A static/b"]);
    assert_eq!(found.built, [RepoPath::new("site/dist")]);
}

#[test]
fn folders_that_commits_have_or_had_or_may_have_say_nothing() {
    for (before, after, folders, files) in [
        // Committed, and unchanged.
        (&["dist/a"][..], &["dist/a", "b"][..], &["dist"][..], &["dist/**"][..]),
        // Not built yet, in a job of its own; or a folder of a preset that the site hasn't.
        (&["a"], &["a", "b"], &[], &["dist/**"]),
        // Taken out of git by this very commit.
        (&["dist/a", "b"], &["b"], &["dist"], &["dist/**"]),
        // In a submodule, which has commits of its own.
        (&["themes/mini@"], &["themes/mini@", "b"], &["themes/mini/static"], &["themes/mini/static/**"]),
        // Everywhere.
        (&["a"], &["a", "b"], &["dist"], &["**/*.html"]),
    ] {
        let found = changed(before, after, folders, files).unwrap();
        assert_eq!((found.built, found.warnings), (Vec::new(), Vec::new()), "{files:?}");
    }
}
