//! The walk against `git diff --name-status` on random repositories, and by hand where a rule is ours.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::config::Changes;
use crate::environment::Environment;
use crate::git::find;
use crate::model::{Change, ChangeKind, EntryKind};

use super::checkout::{Checkout, File, Files, lines};

/// Names that meet each other around `/` in the order, and those that tools trip over.
const NAMES: [&[u8]; 22] = [
    b"a",
    b"a.b",
    b"a-b",
    b"a0",
    b"ab",
    b"A",
    b"index.html",
    b" leading",
    b"two words",
    b"tab\there",
    b"new\nline",
    b"quo\"te",
    b"back\\slash",
    b"100%",
    b"#hash",
    b"what?",
    b"plus+",
    b"\xff\xfe",
    "caf\u{e9}".as_bytes(),
    "cafe\u{301}".as_bytes(),
    "\u{1f600}".as_bytes(),
    b"::set-output",
];

/// How a random repository is shaped.
struct Shape {
    names: usize,
    depth: usize,
    files: usize,
    changes: usize,
}

fn random_path(rng: &mut Rng, shape: &Shape) -> Vec<u8> {
    let names: Vec<&[u8]> = (0..rng.usize(1..=shape.depth)).map(|_| NAMES[rng.usize(..shape.names)]).collect();
    names.join(&b'/')
}

fn random_file(rng: &mut Rng) -> File {
    match rng.u8(..20) {
        0 => ("160000", rng.u8(1..4).to_string().repeat(40).into_bytes()),
        1..4 => ("120000", format!("target {}", rng.u8(..3)).into_bytes()),
        4..7 => ("100755", rng.u8(..9).to_string().into_bytes()),
        7 => ("100644", Vec::new()),
        _ => ("100644", rng.u8(..9).to_string().into_bytes()),
    }
}

fn put(files: &mut Files, path: Vec<u8>, file: File) {
    let below = [&path[..], b"/"].concat();
    files.retain(|other, _| !other.starts_with(&below) && !path.starts_with(&[&other[..], b"/"].concat()));
    files.insert(path, file);
}

fn change(rng: &mut Rng, shape: &Shape, files: &mut Files) {
    for _ in 0..shape.changes {
        let existing = files.keys().nth(rng.usize(..files.len().max(1))).cloned();
        match (rng.u8(..4), existing) {
            (0, Some(path)) => drop(files.remove(&path)),
            (1, Some(path)) => drop(files.insert(path, random_file(rng))),
            (2, Some(path)) => {
                let file = files.remove(&path).unwrap();
                put(files, random_path(rng, shape), file);
            }
            _ => put(files, random_path(rng, shape), random_file(rng)),
        }
    }
}

/// `git diff --no-renames --name-status -z`, by path. A change of type counts as a modification.
pub(super) fn git_says(checkout: &Checkout, base: &str, head: &str) -> BTreeMap<Vec<u8>, char> {
    let output = checkout.run(&["diff", "--no-renames", "--name-status", "-z", base, head], b"");
    let mut fields = output.split(|&byte| byte == 0);
    let mut changes = BTreeMap::new();
    while let (Some([status]), Some(path)) = (fields.next(), fields.next()) {
        changes.insert(path.to_vec(), if *status == b'T' { 'M' } else { char::from(*status) });
    }
    changes
}

/// Our changes in git's terms: a rename is a deletion and an addition, and both at one path are a modification.
pub(super) fn we_say(files: &[Change]) -> BTreeMap<Vec<u8>, char> {
    let mut changes = BTreeMap::new();
    let mut add = |path: &[u8], status| {
        changes.entry(path.to_vec()).and_modify(|status| *status = 'M').or_insert(status);
    };
    for change in files {
        match &change.kind {
            ChangeKind::Added => add(change.path.as_bytes(), 'A'),
            ChangeKind::Modified => add(change.path.as_bytes(), 'M'),
            ChangeKind::Deleted => add(change.path.as_bytes(), 'D'),
            ChangeKind::Renamed { from } => {
                add(from.as_bytes(), 'D');
                add(change.path.as_bytes(), 'A');
            }
        }
    }
    changes
}

#[test]
fn random_repositories_differ_as_git_says() {
    let shapes = [
        Shape { names: 22, depth: 1, files: 15, changes: 4 },
        Shape { names: 6, depth: 3, files: 20, changes: 8 },
        Shape { names: 22, depth: 6, files: 120, changes: 15 },
        Shape { names: 3, depth: 8, files: 30, changes: 20 },
    ];
    for (seed, shape) in shapes.iter().enumerate() {
        let mut rng = Rng::with_seed(seed as u64);
        let mut files = Files::new();
        (0..shape.files).for_each(|_| put(&mut files, random_path(&mut rng, shape), random_file(&mut rng)));
        let commits: Vec<Files> = (0..10)
            .map(|_| {
                change(&mut rng, shape, &mut files);
                files.clone()
            })
            .collect();
        let checkout = Checkout::with(&commits);
        for back in 0..9 {
            let (base, head) = (format!("HEAD~{}", back + 1), format!("HEAD~{back}"));
            let found = checkout.between(&base, &head).unwrap();
            assert_eq!(we_say(&found.files), git_says(&checkout, &base, &head), "seed {seed}, {base}..{head}");
            assert!(found.files.is_sorted_by(|one, other| one.path <= other.path));
        }
    }
}

#[test]
fn all_means_every_tracked_file() {
    let mut files = Files::new();
    NAMES.iter().for_each(|name| put(&mut files, [b"d/", *name].concat(), ("100644", name.to_vec())));
    let checkout = Checkout::with(&[files.clone()]);
    let found = find(&checkout.path, &Changes::All { head: None }, &Environment::new()).unwrap();
    assert_eq!(found.range.base, None);
    assert_eq!(found.range.head, checkout.id("HEAD"));
    assert!(found.files.iter().all(|change| change.kind == ChangeKind::Added));
    let found: Vec<&[u8]> = found.files.iter().map(|change| change.path.as_bytes()).collect();
    let expected: Vec<&[u8]> = files.keys().map(Vec::as_slice).collect();
    assert_eq!(found, expected);
}

/// Two commits of these files, and the changes between them.
fn between(base: &[(&str, File)], head: &[(&str, File)]) -> Vec<Change> {
    let files = |list: &[(&str, File)]| -> Files {
        list.iter().map(|(path, file)| (path.as_bytes().to_vec(), file.clone())).collect()
    };
    Checkout::with(&[files(base), files(head)]).between("HEAD~1", "HEAD").unwrap().files
}

fn file(content: &str) -> File {
    ("100644", content.into())
}

fn submodule() -> File {
    ("160000", "1".repeat(40).into_bytes())
}

#[test]
fn a_change_of_mode_alone_is_a_modification() {
    let changes = between(&[("run.sh", file("x"))], &[("run.sh", ("100755", b"x".to_vec()))]);
    assert_eq!(lines(&changes), ["M run.sh"]);
}

#[test]
fn a_file_that_becomes_a_symlink_is_a_modification_of_a_symlink() {
    let changes = between(&[("a", file("b"))], &[("a", ("120000", b"b".to_vec()))]);
    assert_eq!(lines(&changes), ["M a"]);
    assert_eq!(changes[0].entry, EntryKind::Symlink);
}

#[test]
fn a_file_that_becomes_a_directory_is_deleted_and_its_files_are_added() {
    let changes = between(&[("a", file("1")), ("a.b", file("2"))], &[("a.b", file("2")), ("a/c", file("3"))]);
    assert_eq!(lines(&changes), ["D a", "A a/c"]);
    let back = between(&[("a.b", file("2")), ("a/c", file("3"))], &[("a", file("1")), ("a.b", file("2"))]);
    assert_eq!(lines(&back), ["A a", "D a/c"]);
}

#[test]
fn a_submodule_is_reported_as_one_and_never_looked_into() {
    let moved = ("160000", "2".repeat(40).into_bytes());
    let changes = between(&[("lib", submodule()), ("new", file("1"))], &[("lib", moved), ("new", file("1"))]);
    assert_eq!(lines(&changes), ["M lib"]);
    assert_eq!(changes[0].entry, EntryKind::Submodule);
}

#[test]
fn a_file_and_a_submodule_that_change_places_are_a_deletion_and_an_addition() {
    let changes = between(&[("lib", file("1"))], &[("lib", submodule())]);
    assert_eq!(lines(&changes), ["D lib", "A lib"]);
    assert_eq!([changes[0].entry, changes[1].entry], [EntryKind::File, EntryKind::Submodule]);
    let back = between(&[("lib", submodule())], &[("lib", file("1"))]);
    assert_eq!([back[0].entry, back[1].entry], [EntryKind::Submodule, EntryKind::File]);
}

#[test]
fn exact_renames_are_those_that_git_finds() {
    let base =
        [("old/index.html", "index"), ("old/about.html", "about"), ("kept", "kept"), ("Case.txt", "case"), ("e", "")];
    let head =
        [("new/index.html", "index"), ("new/team.html", "about"), ("kept", "kept"), ("case.txt", "case"), ("f", "")];
    let files = |list: &[(&str, &str)]| -> Files {
        list.iter().map(|(path, content)| (path.as_bytes().to_vec(), file(content))).collect()
    };
    let checkout = Checkout::with(&[files(&base), files(&head)]);
    let ours = lines(&checkout.between("HEAD~1", "HEAD").unwrap().files);
    let git = checkout.git(&["diff", "-M100%", "--no-rename-empty", "--name-status", "HEAD~1", "HEAD"]);
    let mut git: Vec<String> = git.lines().map(|line| line.replace("R100", "R").replace('\t', " ")).collect();
    git.sort_by_key(|line| line.split(' ').next_back().map(str::to_owned));
    assert_eq!(ours, git);
    assert_eq!(ours.iter().filter(|line| line.starts_with('R')).count(), 3);
}

#[test]
fn a_path_of_four_thousand_bytes_comes_through() {
    let long = vec!["directory-with-a-long-name-0123456789"; 110].join("/");
    assert_eq!(lines(&between(&[("a", file("1"))], &[("a", file("1")), (&long, file("2"))])), [format!("A {long}")]);
}
