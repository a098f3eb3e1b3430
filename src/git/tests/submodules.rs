//! Submodules that are replaced by the files that changed in them, against `git diff --submodule` in each repository by itself.

use crate::config::Changes;
use crate::error::Error;
use crate::git::Changed;
use crate::git::search::Search;
use crate::git::time_limit::LIMIT;

use super::checkout::{Checkout, environment_of, lines, refusal};
use super::pairs::files;

/// What is found between two revisions, submodules included.
fn between(checkout: &Checkout, base: Option<&str>, variables: &[(&str, &str)]) -> Result<Changed, Error> {
    let environment = environment_of(variables);
    let changes = match base {
        Some(base) => Changes::Git { base: Some(base.to_owned()), head: None },
        None => Changes::All { head: None },
    };
    Search::begin(&checkout.path, &changes, &environment, LIMIT)?.finish(Some(&environment))
}

fn submodule(checkout: &Checkout, arguments: &[&str]) {
    checkout.git(&[&["-c", "protocol.file.allow=always", "submodule", "--quiet"], arguments].concat());
}

fn commit(checkout: &Checkout) {
    checkout.git(&["add", "--all"]);
    checkout.git(&["commit", "--quiet", "--message=x"]);
}

/// Puts the submodule at `path` to a revision, and the commit of it into the outer repository.
fn put(checkout: &Checkout, path: &str, revision: &str) {
    checkout.git(&["-C", path, "checkout", "--quiet", revision]);
    commit(checkout);
}

/// `theme` with three commits, and a site that has it as `themes/main`, first at its first commit, then at its last.
fn site() -> (Checkout, Checkout) {
    let theme = Checkout::with(&[files("a b c"), files("a b d"), files("a d e x/y")]);
    let site = Checkout::with(&[files("index.html z")]);
    site.git(&["reset", "--quiet", "--hard"]);
    submodule(&site, &["add", theme.path.to_str().unwrap(), "themes/main"]);
    put(&site, "themes/main", "HEAD~2");
    std::fs::write(site.path.join("index.html"), "new").unwrap();
    put(&site, "themes/main", "main");
    (site, theme)
}

#[test]
fn a_changed_submodule_stands_for_what_changed_in_it() {
    let (site, theme) = site();
    let found = between(&site, Some("HEAD~1"), &[]).unwrap();
    let mut expected = vec!["M index.html".to_owned()];
    for line in theme.git(&["diff", "--no-renames", "--name-status", "main~2", "main"]).lines() {
        expected.push(line.replace('\t', " themes/main/"));
    }
    assert_eq!(lines(&found.files), expected);
    assert!(expected.len() == 6 && found.files.is_sorted_by(|one, other| one.path <= other.path));
    // Back again, and nothing but the submodule.
    put(&site, "themes/main", "main~1");
    assert_eq!(lines(&between(&site, Some("HEAD~1"), &[]).unwrap().files).len(), 3);
}

#[test]
fn a_new_submodule_is_new_as_a_whole_and_all_means_its_files_too() {
    let (site, _theme) = site();
    let added = ["A themes/main/a", "A themes/main/d", "A themes/main/e", "A themes/main/x/y"];
    let found = lines(&between(&site, Some("HEAD~2"), &[]).unwrap().files);
    assert_eq!(found[..2], ["A .gitmodules", "M index.html"]);
    assert_eq!(found[2..], added);
    assert_eq!(lines(&between(&site, None, &[]).unwrap().files)[2..6], added);
}

#[test]
fn a_renamed_file_keeps_both_of_its_paths() {
    let theme = Checkout::with(&[files("a old/name"), {
        let mut moved = files("a");
        moved.insert(b"new/name".to_vec(), ("100644", b"old/name".to_vec()));
        moved
    }]);
    let site = Checkout::with(&[files("z")]);
    site.git(&["reset", "--quiet", "--hard"]);
    submodule(&site, &["add", theme.path.to_str().unwrap(), "t"]);
    put(&site, "t", "HEAD~1");
    put(&site, "t", "main");
    assert_eq!(lines(&between(&site, Some("HEAD~1"), &[]).unwrap().files), ["R t/old/name t/new/name"]);
}

#[test]
fn submodules_in_submodules() {
    let (inner, _theme) = site();
    let outer = Checkout::with(&[files("z")]);
    outer.git(&["reset", "--quiet", "--hard"]);
    submodule(&outer, &["add", inner.path.to_str().unwrap(), "site"]);
    submodule(&outer, &["update", "--init", "--recursive"]);
    put(&outer, "site", "HEAD~1");
    put(&outer, "site", "main");
    let found = between(&outer, Some("HEAD~1"), &[]).unwrap();
    assert_eq!(
        lines(&found.files),
        [
            "M site/index.html",
            "D site/themes/main/b",
            "D site/themes/main/c",
            "A site/themes/main/d",
            "A site/themes/main/e",
            "A site/themes/main/x/y"
        ]
    );
}

#[test]
fn a_submodule_that_is_not_checked_out_is_a_named_error() {
    let (site, _theme) = site();
    let clone = site.clone(&[]);
    for (variables, remedy) in [
        (&[][..], "git submodule update --init"),
        (&[("GITHUB_ACTIONS", "true")], "`submodules: true`"),
        (&[("GITLAB_CI", "true")], "`GIT_SUBMODULE_STRATEGY: normal`"),
    ] {
        let refused = refusal(between(&clone, Some("HEAD~1"), variables));
        assert!(refused.contains("`themes/main` changed and isn't checked out"), "{refused}");
        assert!(refused.contains(remedy), "{refused}");
    }
    // Removed, so that no one can know its files any more.
    site.git(&["rm", "--quiet", "themes/main"]);
    commit(&site);
    let refused = refusal(between(&site, Some("HEAD~1"), &[]));
    assert!(refused.contains("if it was removed"), "{refused}");
}

#[test]
fn a_commit_that_the_submodules_clone_lacks_is_a_named_error() {
    let (site, theme) = site();
    let clone = site.clone(&[]);
    // By its path, git would ignore the depth.
    clone.git(&["config", "submodule.themes/main.url", &format!("file://{}", theme.path.display())]);
    submodule(&clone, &["update", "--init", "--depth=1"]);
    let first = theme.id("main~2");
    let refused = refusal(between(&clone, Some("HEAD~1"), &[("GITLAB_CI", "true")]));
    assert!(refused.contains(&first), "{refused}");
    assert!(refused.contains("`themes/main` isn't in its shallow clone"), "{refused}");
    assert!(refused.contains("`GIT_SUBMODULE_DEPTH: 0`"), "{refused}");
}

#[cfg(unix)]
#[test]
fn a_submodule_whose_repository_lies_elsewhere_is_not_read() {
    let (site, theme) = site();
    let place = site.path.join("themes/main");
    let link = place.join(".git");
    let outside = theme.path.join(".git");
    let original = std::fs::read(&link).unwrap();
    let refused = || {
        let refused = refusal(between(&site, Some("HEAD~1"), &[]));
        assert!(refused.contains("lies outside of this checkout"), "{refused}");
    };
    std::fs::write(&link, format!("gitdir: {}\n", outside.display())).unwrap();
    refused();
    std::fs::write(&link, "nonsense").unwrap();
    refused();
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    refused();
    std::fs::remove_file(&link).unwrap();
    std::fs::write(&link, original).unwrap();
    assert!(between(&site, Some("HEAD~1"), &[]).is_ok());
    let ci = [("GITHUB_ACTIONS", "true"), ("GITHUB_WORKSPACE", site.path.to_str().unwrap())];
    assert!(between(&site, Some("HEAD~1"), &ci).is_ok());
    let head = site.path.join(".git/modules/themes/main/HEAD");
    std::fs::remove_file(&head).unwrap();
    std::os::unix::fs::symlink(outside.join("HEAD"), &head).unwrap();
    let of_ci = refusal(between(&site, Some("HEAD~1"), &ci));
    assert!(of_ci.contains("lies outside of this checkout"), "{of_ci}");
    std::fs::write(site.path.join(".git/modules/themes/main/commondir"), outside.to_str().unwrap()).unwrap();
    refused();
    std::fs::rename(&place, site.path.join("themes/moved")).unwrap();
    std::os::unix::fs::symlink(&theme.path, &place).unwrap();
    refused();
}
