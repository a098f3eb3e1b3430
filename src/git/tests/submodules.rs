//! Submodules that are replaced by the files that changed in them, against `git diff --submodule` in each repository by itself.

use crate::config::{Changes, Symlinks};
use crate::error::Error;
use crate::git::Changed;
use crate::git::search::Search;
use crate::git::time_limit::LIMIT;

use crate::model::EntryKind;

use super::checkout::{Checkout, environment_of, lines};
use super::pairs::files;
use super::symlinks::following;

/// What is found between two revisions, submodules included.
fn between(checkout: &Checkout, base: Option<&str>, variables: &[(&str, &str)]) -> Result<Changed, Error> {
    let environment = environment_of(variables);
    let changes = match base {
        Some(base) => Changes::Git { base: Some(base.to_owned()), head: None },
        None => Changes::All { head: None },
    };
    let following = following(&["**"], Symlinks::Follow);
    Search::begin(&checkout.path, &changes, &environment, LIMIT)?.finish(Some((&following, &environment)))
}

/// Why the one submodule that changed can't be compared, and what to do; it stays in the list as itself.
fn unexpanded(changed: Result<Changed, Error>) -> String {
    let changed = changed.unwrap();
    let [only] = &changed.unexpanded[..] else { panic!("{:?}", changed.unexpanded) };
    let own: Vec<_> = changed.files.iter().filter(|change| change.path == only.path).collect();
    assert!(own.len() == 1 && own[0].entry == EntryKind::Submodule, "{own:?}");
    let inside = [only.path.as_bytes(), b"/"].concat();
    assert!(!changed.files.iter().any(|change| change.path.as_bytes().starts_with(&inside)));
    format!("{}; {}", only.message, only.help)
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
    let mut expected = vec!["M index.html".to_owned(), "M themes/main".to_owned()];
    for line in theme.git(&["diff", "--no-renames", "--name-status", "main~2", "main"]).lines() {
        expected.push(line.replace('\t', " themes/main/"));
    }
    assert_eq!(lines(&found.files), expected);
    assert!(expected.len() == 7 && found.files.is_sorted_by(|one, other| one.path <= other.path));
    // Back again, and nothing but the submodule.
    put(&site, "themes/main", "main~1");
    assert_eq!(lines(&between(&site, Some("HEAD~1"), &[]).unwrap().files).len(), 4);
}

#[test]
fn a_new_submodule_is_new_as_a_whole_and_all_means_its_files_too() {
    let (site, _theme) = site();
    let added = ["A themes/main", "A themes/main/a", "A themes/main/d", "A themes/main/e", "A themes/main/x/y"];
    let found = lines(&between(&site, Some("HEAD~2"), &[]).unwrap().files);
    assert_eq!(found[..2], ["A .gitmodules", "M index.html"]);
    assert_eq!(found[2..], added);
    assert_eq!(lines(&between(&site, None, &[]).unwrap().files)[2..7], added);
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
    assert_eq!(lines(&between(&site, Some("HEAD~1"), &[]).unwrap().files), ["M t", "R t/old/name t/new/name"]);
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
            "M site",
            "M site/index.html",
            "M site/themes/main",
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
        let refused = unexpanded(between(&clone, Some("HEAD~1"), variables));
        assert!(refused.contains("`themes/main` changed and isn't checked out"), "{refused}");
        assert!(refused.contains(remedy), "{refused}");
    }
}

#[test]
fn a_removed_submodule_means_its_files_where_its_repository_is_still_here() {
    let (site, _theme) = site();
    site.git(&["rm", "--quiet", "themes/main"]);
    commit(&site);
    let gone = ["D themes/main", "D themes/main/a", "D themes/main/d", "D themes/main/e", "D themes/main/x/y"];
    assert_eq!(lines(&between(&site, Some("HEAD~1"), &[]).unwrap().files)[1..], gone);
    let ci = [("GITHUB_ACTIONS", "true"), ("GITHUB_WORKSPACE", site.path.to_str().unwrap())];
    assert_eq!(lines(&between(&site, Some("HEAD~1"), &ci).unwrap().files)[1..], gone);
    // Its repository has a name of its own, and never lies elsewhere.
    let modules = site.path.join(".git/modules/themes");
    std::fs::rename(modules.join("main"), site.outside().join("main")).unwrap();
    assert!(unexpanded(between(&site, Some("HEAD~1"), &[])).contains("isn't checked out"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(site.outside().join("main"), modules.join("main")).unwrap();
        let refused = unexpanded(between(&site, Some("HEAD~1"), &[]));
        assert!(refused.contains("lies outside of this checkout"), "{refused}");
    }
}

#[test]
fn a_submodule_that_moved_is_gone_at_one_path_and_new_at_the_other() {
    let (site, _theme) = site();
    site.git(&["mv", "themes/main", "look"]);
    commit(&site);
    let found = lines(&between(&site, Some("HEAD~1"), &[]).unwrap().files);
    assert_eq!(found[..3], ["M .gitmodules", "A look", "A look/a"]);
    assert_eq!(found[6..8], ["D themes/main", "D themes/main/a"]);
    assert_eq!(found.len(), 11);
}

#[test]
fn a_folder_that_became_a_submodule_is_what_differs_between_the_two() {
    let theme = Checkout::with(&[files("a b")]);
    let mut before = files("t/a t/c z");
    before.insert(b"t/b".to_vec(), ("100644", b"other".to_vec()));
    let site = Checkout::with(&[before]);
    site.git(&["reset", "--quiet", "--hard"]);
    site.git(&["rm", "--quiet", "-r", "t"]);
    submodule(&site, &["add", theme.path.to_str().unwrap(), "t"]);
    commit(&site);
    // The file `a` is the same, which takes both repositories to know: it is refreshed once too often.
    assert_eq!(
        lines(&between(&site, Some("HEAD~1"), &[]).unwrap().files),
        ["A .gitmodules", "A t", "M t/a", "M t/b", "D t/c"]
    );
}

#[test]
fn an_old_commit_that_the_submodules_clone_lacks_means_every_file_at_the_new_one() {
    let (site, theme) = site();
    let clone = site.clone(&[]);
    // By its path, git would ignore the depth.
    clone.git(&["config", "submodule.themes/main.url", &format!("file://{}", theme.path.display())]);
    submodule(&clone, &["update", "--init", "--depth=1"]);
    let first = theme.id("main~2");
    let found = between(&clone, Some("HEAD~1"), &[("GITLAB_CI", "true")]).unwrap();
    let all = ["M themes/main", "M themes/main/a", "M themes/main/d", "M themes/main/e", "M themes/main/x/y"];
    assert_eq!(lines(&found.files)[1..], all);
    let [warning] = &found.warnings[..] else { panic!("{:?}", found.warnings) };
    for words in
        [&*first, "`themes/main` isn't in its shallow clone", "so all 4 files in it", "`GIT_SUBMODULE_DEPTH: 0`"]
    {
        assert!(warning.contains(words), "{warning}");
    }
    // The new one is needed.
    site.git(&["-C", "themes/main", "commit", "--quiet", "--allow-empty", "--message=x"]);
    commit(&site);
    clone.git(&["pull", "--quiet", "--no-recurse-submodules"]);
    let refused = unexpanded(between(&clone, Some("HEAD~1"), &[]));
    assert!(refused.contains("`themes/main` isn't in its shallow clone"), "{refused}");
}

#[cfg(unix)]
#[test]
fn files_of_a_submodule_change_behind_a_link_into_it_too() {
    let (site, _theme) = site();
    std::os::unix::fs::symlink("../themes/main/x", site.path.join("themes/x")).unwrap();
    std::os::unix::fs::symlink("themes", site.path.join("looks")).unwrap();
    commit(&site);
    put(&site, "themes/main", "HEAD~1");
    let found = lines(&between(&site, Some("HEAD~1"), &[]).unwrap().files);
    assert_eq!(
        found,
        [
            "A looks/main/b",
            "D looks/main/e",
            "D looks/main/x/y",
            "D looks/x/y",
            "M themes/main",
            "A themes/main/b",
            "D themes/main/e",
            "D themes/main/x/y",
            "D themes/x/y"
        ]
    );
    // Where it isn't checked out, each path at which its files are served is a submodule's.
    let clone = site.clone(&[]);
    let changed = between(&clone, Some("HEAD~1"), &[]).unwrap();
    let paths: Vec<String> = changed.unexpanded.iter().map(|unexpanded| unexpanded.path.to_string()).collect();
    assert_eq!(paths[0], "themes/main");
    for path in ["looks/main", "looks/x", "themes/x"] {
        assert!(paths.iter().any(|known| known == path), "{path} in {paths:?}");
        let own: Vec<_> = changed.files.iter().filter(|change| change.path.to_string() == path).collect();
        assert!(own.len() == 1 && own[0].entry == EntryKind::Submodule, "{path}: {own:?}");
    }
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
        let refused = unexpanded(between(&site, Some("HEAD~1"), &[]));
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
    let of_ci = unexpanded(between(&site, Some("HEAD~1"), &ci));
    assert!(of_ci.contains("lies outside of this checkout"), "{of_ci}");
    std::fs::write(site.path.join(".git/modules/themes/main/commondir"), outside.to_str().unwrap()).unwrap();
    refused();
    std::fs::rename(&place, site.path.join("themes/moved")).unwrap();
    std::os::unix::fs::symlink(&theme.path, &place).unwrap();
    refused();
}
