//! Changes behind symbolic links, against what a checkout of each commit serves: two folders, read with their links followed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;

use crate::config::{Changes, Submodules, Symlinks};
use crate::error::Error;
use crate::git::search::Search;
use crate::git::time_limit::LIMIT;
use crate::git::{Changed, Following};
use crate::mapping::Globs;
use crate::model::{ChangeKind, EntryKind};

use super::checkout::{Checkout, Files, environment_of, lines, refusal};

pub(super) fn following(files: &[&str], symlinks: Symlinks) -> Following {
    let files: Vec<String> = files.iter().map(|&pattern| pattern.to_owned()).collect();
    let reach = [Globs::parse(&files).unwrap()].into_iter().collect();
    Following { submodules: Submodules::Follow, symlinks, reach }
}

/// A tree as a line of files: `a/b`, with content `a/b=1`, or links, `a->b`.
fn tree(text: &str) -> Files {
    let entry = |word: &str| match word.split_once("->") {
        Some((path, target)) => (path.as_bytes().to_vec(), ("120000", target.as_bytes().to_vec())),
        None => {
            let (path, content) = word.split_once('=').unwrap_or((word, word));
            (path.as_bytes().to_vec(), ("100644", content.as_bytes().to_vec()))
        }
    };
    text.split_whitespace().map(entry).collect()
}

fn changed(before: &str, after: &str, files: &[&str], symlinks: Symlinks) -> Result<Changed, Error> {
    between(&Checkout::with(&[tree(before), tree(after)]), &following(files, symlinks))
}

fn between(checkout: &Checkout, following: &Following) -> Result<Changed, Error> {
    let changes = Changes::Git { base: Some("main~1".into()), head: Some("main".into()) };
    let environment = environment_of(&[]);
    Search::begin(&checkout.path, &changes, &environment, LIMIT)?.finish(Some((following, &environment)))
}

fn of(before: &str, after: &str) -> Vec<String> {
    let found = changed(before, after, &["**"], Symlinks::Follow).unwrap();
    assert_eq!((found.warnings, found.notes), (Vec::new(), Vec::new()));
    lines(&found.files)
}

#[test]
fn a_moved_link_to_a_folder_is_what_differs_between_the_two_folders() {
    let before = "1.1/index.html=old 1.1/same=s 1.1/gone 1.2/index.html=new 1.2/same=s 1.2/guide/index.html";
    let found =
        changed(&format!("{before} latest->1.1"), &format!("{before} latest->1.2"), &["**"], Symlinks::Follow).unwrap();
    assert_eq!(lines(&found.files), ["M latest", "D latest/gone", "A latest/guide/index.html", "M latest/index.html"]);
    assert_eq!(found.files[0].entry, EntryKind::Folder);
    assert_eq!(found.warnings, [""; 0]);
}

#[test]
fn a_change_behind_a_link_is_one_at_its_path_too() {
    let links = "latest->1.2 docs/current->../latest docs/page.html->../1.2/guide.html deep/a/b/c->../../../1.2/sub";
    assert_eq!(
        of(
            &format!("1.2/guide.html=1 1.2/sub/x=1 1.1/x {links}"),
            &format!("1.2/guide.html=2 1.2/sub/y=1 1.1/x {links}")
        ),
        [
            "M 1.2/guide.html",
            "R 1.2/sub/x 1.2/sub/y",
            "D deep/a/b/c/x",
            "A deep/a/b/c/y",
            "M docs/current/guide.html",
            "D docs/current/sub/x",
            "A docs/current/sub/y",
            "M docs/page.html",
            "M latest/guide.html",
            "D latest/sub/x",
            "A latest/sub/y",
        ]
    );
}

#[test]
fn a_link_that_comes_goes_or_becomes_a_folder_brings_its_files_along() {
    assert_eq!(of("d/a d/b", "d/a d/b l->d"), ["A l", "A l/a", "A l/b"]);
    assert_eq!(of("d/a d/b l->d", "d/a d/b"), ["D l", "D l/a", "D l/b"]);
    assert_eq!(of("d/a d/b l->d", "d/a d/b l/a=2"), ["D l", "A l/a", "D l/b"]);
    assert_eq!(of("d/a d/b l->d", "d/a d/b l=2"), ["M l", "D l/a", "D l/b"]);
    // A file that was served at the link's path isn't any more.
    let found = changed("d/a l=2", "d/a l->d", &["**"], Symlinks::Follow).unwrap();
    assert_eq!(lines(&found.files), ["M l", "A l/a"]);
    assert_eq!(found.files[0].entry, EntryKind::Symlink);
    // Its folder is gone, or there at last.
    assert_eq!(of("d/a l->d x", "l->d x"), ["D d/a", "D l/a"]);
    assert_eq!(of("l->d x", "d/a l->d x"), ["A d/a", "A l/a"]);
}

#[test]
fn a_link_to_a_file_changes_with_the_file() {
    assert_eq!(of("f=1 g l->f m->l", "f=2 g l->f m->l"), ["M f", "M l", "M m"]);
    assert_eq!(of("f=1 g l->f m->l", "g l->f m->l"), ["D f", "D l", "D m"]);
    assert_eq!(of("f=1 g=2 l->f m->l", "f=1 g=2 l->g m->l"), ["M l", "M m"]);
}

#[test]
fn links_in_folders_behind_links_are_followed_too() {
    // `a` leads to `b`, in which `x` leads to `c`; where `b/x` moves, `a/x` moves.
    assert_eq!(of("a->b b/x->../c c/f=1", "a->b b/x->../c c/f=2"), ["M a/x/f", "M b/x/f", "M c/f"]);
    assert_eq!(of("a->b b/x->../c c/f=1 d/f=2", "a->b b/x->../d c/f=1 d/f=2"), ["M a/x/f", "M b/x", "M b/x/f"]);
}

#[test]
fn a_rule_that_names_a_link_and_nothing_below_it_hears_of_changes_behind() {
    let found = changed("d/a=1 l->d m->d", "d/a=2 l->d m->d", &["l", "d/**"], Symlinks::Follow).unwrap();
    assert_eq!(lines(&found.files), ["M d/a", "M l"]);
    assert_eq!(found.files[1].entry, EntryKind::Folder);
}

#[test]
fn a_link_out_of_the_repository_is_never_followed_and_is_named_when_it_is_changed() {
    for (target, why) in [
        ("/etc", "`s/l` leads to an absolute path"),
        ("../../../etc", "`s/l` leads out of the repository"),
        ("../..", "`s/l` leads out of the repository"),
        ("l", "`s/l` leads in a circle"),
        ("m", "`s/l` leads in a circle"),
    ] {
        let after = format!("f=1 s/x s/l->{target} s/m->l");
        let found = changed("f=1 s/x s/m->l", &after, &["**"], Symlinks::Follow).unwrap();
        assert_eq!(lines(&found.files), ["A s/l"], "{target}");
        assert!(found.warnings.len() == 1 && found.warnings[0].contains(why), "{target}: {:?}", found.warnings);
        // No news, or nothing of a rule's concern.
        let of_page =
            |before: &str, files| changed(before, &after.replace("f=1", "f=2"), files, Symlinks::Follow).unwrap();
        assert_eq!(of_page(&after, &["**"]).warnings, [""; 0]);
        assert_eq!(of_page("s/m->l", &["f"]).warnings, [""; 0]);
    }
}

#[test]
fn what_a_link_led_to_is_gone_from_its_path_once_it_is_not_followed() {
    for target in ["/etc", "../../..", "s/l", "l", "."] {
        let found =
            changed("d/a d/b l->d", &format!("d/a d/b l->{target} s/l->../l"), &["**"], Symlinks::Follow).unwrap();
        let gone: Vec<String> = lines(&found.files).into_iter().filter(|line| line.starts_with("D ")).collect();
        assert_eq!(gone, ["D l/a", "D l/b"], "{target}");
        assert!(!found.warnings.is_empty(), "{target}");
        // Nothing new in the next run.
        let links = format!("l->{target} s/l->../l");
        assert_eq!(
            lines(
                &changed(&format!("d/a {links}"), &format!("d/a=2 {links}"), &["d/**"], Symlinks::Follow)
                    .unwrap()
                    .files
            ),
            ["M d/a"]
        );
    }
}

#[test]
fn a_link_to_a_folder_that_contains_it_is_refused_by_name() {
    for target in [".", "..", "../s"] {
        let (before, after) = (format!("s/f=1 s/l->{target}"), format!("s/f=2 s/l->{target}"));
        let found = changed(&before, &after, &["**"], Symlinks::Follow).unwrap();
        assert_eq!(lines(&found.files), ["M s/f"]);
        assert!(found.warnings[0].contains("the symbolic link `s/l` leads to"), "{:?}", found.warnings);
        assert!(found.warnings[0].contains("which contains it"), "{:?}", found.warnings);
    }
    // Two that lead to each other's folders are followed once.
    let found =
        changed("a/f=1 a/x->../b b/g b/y->../a", "a/f=2 a/x->../b b/g b/y->../a", &["**"], Symlinks::Follow).unwrap();
    assert_eq!(lines(&found.files), ["M a/f", "M a/x/y/f", "M b/y/f"]);
    assert!(found.warnings[0].contains("so it is followed once"), "{:?}", found.warnings);
}

#[test]
fn links_that_multiply_files_beyond_all_bounds_are_an_error() {
    // Each of 24 folders has two links to the next one: 16 million paths of one file.
    let links = |end: &str| {
        let folders: String = (1..=24).map(|n| format!("{n}/a->../{m} {n}/b->../{m} ", m = n + 1)).collect();
        format!("{folders} 25/f={end}")
    };
    let refused = refusal(changed(&links("1"), &links("2"), &["**"], Symlinks::Follow));
    assert!(refused.contains("lead to more than") && refused.contains("`symlinks: ignore`"), "{refused}");
    assert_eq!(lines(&changed(&links("1"), &links("2"), &["**"], Symlinks::Ignore).unwrap().files), ["M 25/f"]);
}

#[test]
fn links_are_searched_where_changes_are_where_rules_point_and_in_the_nearest_folders_of_those() {
    let many: String = (0..400).map(|n| format!("p/{n:03}/x q/{n:03}/x ")).collect();
    let of = |link: &str, files: &[&str], symlinks| {
        let found = changed(&format!("{many} {link} d/f=1"), &format!("{many} {link} d/f=2"), files, symlinks).unwrap();
        (found.files.len() == 2, found.notes)
    };
    let (is_found, notes) = of("p/399/deep/l->../../../d", &["**"], Symlinks::Follow);
    assert!(!is_found && notes.len() == 1 && notes[0].contains("`symlinks: everywhere`"), "{notes:?}");
    assert_eq!(of("p/399/deep/l->../../../d", &["**"], Symlinks::Everywhere), (true, Vec::new()));
    // In a folder that a rule spells out, on the way there, and next to what changed.
    assert!(of("p/399/deep/l->../../../d", &["p/399/deep/*/f", "q/*"], Symlinks::Follow).0);
    assert!(of("p/l->../d", &["p/l/**"], Symlinks::Follow).0);
    assert!(of("d/l->f", &["**"], Symlinks::Follow).0);
    // Where no rule selects anything, none is searched.
    assert_eq!(of("x", &["nothing/**"], Symlinks::Follow).1, [""; 0]);
}

#[test]
fn an_old_target_that_a_partial_clone_lacks_means_every_file_of_the_new_one() {
    let checkout = Checkout::with(&[tree("a/x b/x=2 b/y l->a"), tree("a/x b/x=2 b/y l->b")]);
    checkout.git(&["config", "uploadpack.allowFilter", "true"]);
    let clone = checkout.clone(&["--filter=blob:none"]);
    let found = between(&clone, &following(&["**"], Symlinks::Follow)).unwrap();
    assert_eq!(lines(&found.files), ["M l", "M l/x", "M l/y"]);
    assert!(found.warnings[0].contains("its old target isn't in this clone"), "{:?}", found.warnings);
}

/// The files that a folder serves, by their paths, with links followed; those out of the folder aren't.
#[cfg(unix)]
fn served(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![(String::new(), root.to_owned())];
    while let Some((path, folder)) = open.pop() {
        for entry in folder.read_dir().unwrap() {
            let entry = entry.unwrap();
            let path = format!("{path}{}", entry.file_name().to_str().unwrap());
            let Ok(real) = entry.path().canonicalize() else { continue };
            match real.starts_with(root) {
                true if real.is_dir() => open.push((format!("{path}/"), real)),
                true => drop(files.insert(path, std::fs::read(real).unwrap())),
                false => {}
            }
        }
    }
    files
}

/// A tree of some files, most of them in three folders, and links of which each leads to a folder with a later name, so in no circle.
fn any_tree() -> impl Strategy<Value = String> {
    let file = ("[abc]/[xyz](/[xy])?|[lm]", 1..4_u8).prop_map(|(path, content)| format!("{path}={content}"));
    let link = prop_oneof![
        ("[l-o]", "[abc](/[xyz])?").prop_map(|(link, target)| format!("{link}->{target}")),
        ("[f-k]", "[l-o](/[xyz])?").prop_map(|(link, target)| format!("{link}->{target}")),
        ("[de]/[f-k]", "[a-c]|[l-o]|[l-o]/[xyz]").prop_map(|(link, target)| format!("{link}->../{target}")),
        "a/[l-o]"
            .prop_flat_map(|link| (Just(link), "[bc](/[xyz])?"))
            .prop_map(|(link, target)| format!("{link}->../{target}")),
    ];
    (prop::collection::vec(file, 3..8), prop::collection::vec(link, 0..5))
        .prop_map(|(files, links)| [files, links].concat().join(" "))
}

/// Without names that are a file and a folder at once.
fn possible(files: Files) -> Files {
    let names: BTreeSet<Vec<u8>> = files.keys().cloned().collect();
    let is_folder = |path: &Vec<u8>| names.iter().any(|name| name.starts_with(&[&path[..], b"/"].concat()));
    files.into_iter().filter(|(path, _)| !is_folder(path)).collect()
}

#[cfg(unix)]
fn write(folder: &Path, files: &Files) {
    for (path, (mode, content)) in files {
        let path = folder.join(std::str::from_utf8(path).unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        if *mode == "120000" {
            std::os::unix::fs::symlink(std::str::from_utf8(content).unwrap(), path).unwrap();
        } else {
            std::fs::write(path, content).unwrap();
        }
    }
}

#[cfg(unix)]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_changed_behind_links_is_what_two_checkouts_serve_differently(before in any_tree(), after in any_tree()) {
        let (before, after) = (possible(tree(&before)), possible(tree(&after)));
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let [old, new] = [("old", &before), ("new", &after)].map(|(name, files)| {
            std::fs::create_dir(root.join(name)).unwrap();
            write(&root.join(name), files);
            served(&root.join(name))
        });
        let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let expected: BTreeSet<(String, bool)> = paths.into_iter()
            .filter(|path| old.get(*path) != new.get(*path))
            .map(|path| (path.clone(), new.contains_key(path)))
            .collect();
        let found = between(&Checkout::with(&[before.clone(), after.clone()]), &following(&["**"], Symlinks::Everywhere)).unwrap();
        let mut ours = BTreeSet::new();
        for change in found.files.iter().filter(|change| change.entry != EntryKind::Folder) {
            let path = change.path.to_string();
            if let ChangeKind::Renamed { from } = &change.kind {
                ours.insert((from.to_string(), new.contains_key(&from.to_string())));
            }
            // A link that leads nowhere, before and after, is a change of its own.
            if old.contains_key(&path) || new.contains_key(&path) {
                ours.insert((path.clone(), new.contains_key(&path)));
            }
            let is_gone = change.kind == ChangeKind::Deleted;
            prop_assert!(!is_gone || !new.contains_key(&path), "{} is served", path);
        }
        let missing: Vec<_> = expected.difference(&ours).collect();
        prop_assert!(missing.is_empty(), "not found: {:?} in {:?}", missing, lines(&found.files));
        // A file that moved to where a link served the same content is more than is needed.
        for (path, _) in ours.difference(&expected) {
            let is_own = |files: &Files| files.contains_key(path.as_bytes());
            prop_assert!(is_own(&before) || is_own(&after), "{} is served as before", path);
        }
    }
}
