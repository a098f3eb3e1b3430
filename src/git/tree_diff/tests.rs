//! The walk over trees that are made in memory, against a comparison of two plain maps.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;
use sha1::{Digest, Sha1};

use super::*;

/// A file's mode as git writes it, and its content.
type Leaf = (&'static str, u8);
type Files = BTreeMap<Vec<u8>, Leaf>;

/// Trees by name, and which of them were read.
#[derive(Default)]
struct Memory {
    trees: HashMap<Oid, Vec<u8>>,
    read: RefCell<Vec<Oid>>,
}

impl TreeSource for Memory {
    fn read(&self, tree: Oid) -> Result<Vec<u8>, Error> {
        self.read.borrow_mut().push(tree);
        Ok(self.trees.get(&tree).expect("the walk reads only trees that other trees name").clone())
    }
}

fn differences(source: &Memory, base: Option<Oid>, head: Oid, limits: Limits) -> Result<Vec<Difference>, Error> {
    Ok(walk(source, base, head, limits)?.differences)
}

impl Memory {
    fn add(&mut self, bytes: Vec<u8>) -> Oid {
        let id = Oid::from_bytes(&Sha1::digest(&bytes)).unwrap();
        self.trees.insert(id, bytes);
        id
    }

    /// Writes the trees of some files and gives the root's name.
    fn write(&mut self, files: &Files) -> Oid {
        let mut entries: BTreeMap<Vec<u8>, (Vec<u8>, &str, Oid)> = BTreeMap::new();
        let mut directories: BTreeMap<Vec<u8>, Files> = BTreeMap::new();
        for (path, leaf) in files {
            match path.iter().position(|&byte| byte == b'/') {
                None => {
                    let id = Oid::from_bytes(&[leaf.1; 20]).unwrap();
                    entries.insert(path.clone(), (path.clone(), leaf.0, id));
                }
                Some(slash) => {
                    let inside = directories.entry(path[..slash].to_vec()).or_default();
                    inside.insert(path[slash + 1..].to_vec(), *leaf);
                }
            }
        }
        for (name, files) in directories {
            let id = self.write(&files);
            entries.insert([&name[..], b"/"].concat(), (name, "40000", id));
        }
        let mut bytes = Vec::new();
        for (name, mode, id) in entries.values() {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        self.add(bytes)
    }
}

fn entry_kind(mode: &str) -> EntryKind {
    match mode {
        "120000" => EntryKind::Symlink,
        "160000" => EntryKind::Submodule,
        _ => EntryKind::File,
    }
}

/// The same answer from two maps, without trees.
fn naive(base: &Files, head: &Files) -> Vec<Difference> {
    let difference = |path: &Vec<u8>, side, leaf: &Leaf| Difference {
        path: path.clone(),
        side,
        entry: entry_kind(leaf.0),
        id: Oid::from_bytes(&[leaf.1; 20]).unwrap(),
    };
    let mut paths: Vec<&Vec<u8>> = base.keys().chain(head.keys()).collect();
    paths.sort();
    paths.dedup();
    let mut found = Vec::new();
    for path in paths {
        match (base.get(path), head.get(path)) {
            (Some(old), None) => found.push(difference(path, Side::Deleted, old)),
            (None, Some(new)) => found.push(difference(path, Side::Added, new)),
            (Some(old), Some(new)) if old == new => {}
            (Some(old), Some(new)) if (old.0 == "160000") != (new.0 == "160000") => {
                found.push(difference(path, Side::Deleted, old));
                found.push(difference(path, Side::Added, new));
            }
            (_, Some(new)) => found.push(difference(path, Side::Modified, new)),
            (None, None) => unreachable!("the path comes from one of the two"),
        }
    }
    found
}

/// Inserts a file and removes whatever can't coexist with it.
fn put(files: &mut Files, path: Vec<u8>, leaf: Leaf) {
    let below = [&path[..], b"/"].concat();
    files.retain(|other, _| !other.starts_with(&below) && !path.starts_with(&[&other[..], b"/"].concat()));
    files.insert(path, leaf);
}

/// Names that sort around `/` and are no UTF-8, few enough to meet often.
fn path() -> impl Strategy<Value = Vec<u8>> {
    let names: [&[u8]; 9] = [b"a", b"a.b", b"a-", b"a0", b"b", b"\xff\n", "é".as_bytes(), b"\"%#", b" "];
    let name = proptest::sample::select(names.to_vec());
    proptest::collection::vec(name, 1..4).prop_map(|names| names.join(&b'/'))
}

fn files() -> impl Strategy<Value = Vec<(Vec<u8>, Leaf)>> {
    let mode = proptest::sample::select(vec!["100644", "100755", "120000", "160000"]);
    proptest::collection::vec((path(), (mode, 0_u8..4)), 0..24)
}

fn map(entries: Vec<(Vec<u8>, Leaf)>, mut files: Files) -> Files {
    entries.into_iter().for_each(|(path, leaf)| put(&mut files, path, leaf));
    files
}

proptest! {
    #[test]
    fn the_walk_finds_what_two_maps_differ_in(common in files(), base in files(), head in files()) {
        let common = map(common, Files::new());
        let (base, head) = (map(base, common.clone()), map(head, common));
        let mut memory = Memory::default();
        let (old, new) = (memory.write(&base), memory.write(&head));
        let found = differences(&memory, Some(old), new, Limits::default()).unwrap();
        prop_assert_eq!(&found, &naive(&base, &head));
        prop_assert!(found.is_sorted_by(|one, other| one.path <= other.path));
        let all = differences(&memory, None, new, Limits::default()).unwrap();
        prop_assert_eq!(all, naive(&Files::new(), &head));
    }

    #[test]
    fn no_bytes_make_the_walk_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), cut in 0_usize..80) {
        let mut memory = Memory::default();
        let mut tree = b"100644 a\0aaaaaaaaaaaaaaaaaaaa100755 b\0bbbbbbbbbbbbbbbbbbbb".to_vec();
        tree.truncate(cut);
        tree.extend(bytes);
        tree.retain(|&byte| byte != b'4'); // no directory, so no tree that isn't there
        let head = memory.add(tree);
        // Either is right, as long as it is an answer.
        if let Ok(found) = differences(&memory, None, head, Limits::default()) {
            prop_assert!(found.is_sorted_by(|one, other| one.path < other.path));
        }
    }
}

#[test]
fn equal_directories_are_not_read() {
    let mut base = Files::new();
    for directory in 0..50 {
        for file in 0..10 {
            base.insert(format!("d{directory:02}/inner/{file}").into_bytes(), ("100644", directory));
        }
    }
    let mut head = base.clone();
    head.insert(b"d07/inner/3".to_vec(), ("100644", 200));
    let mut memory = Memory::default();
    let (old, new) = (memory.write(&base), memory.write(&head));
    assert_eq!(differences(&memory, Some(old), new, Limits::default()).unwrap().len(), 1);
    assert_eq!(memory.read.borrow().len(), 6, "root, d07 and d07/inner, of both sides");
    memory.read.borrow_mut().clear();
    assert_eq!(differences(&memory, Some(new), new, Limits::default()).unwrap(), []);
    assert!(memory.read.borrow().is_empty());
}

/// Long runs of the same entries are passed over as bytes: where they end, what comes after, and what is out of order there.
#[test]
fn one_change_anywhere_in_a_large_directory_is_found() {
    let files: Files = (0..400).map(|number| (format!("f{number:03}").into_bytes(), ("100644", 1))).collect();
    let mut memory = Memory::default();
    let base = memory.write(&files);
    for place in 0..400 {
        let name = format!("f{place:03}").into_bytes();
        let (mut changed, mut fewer, mut more) = (files.clone(), files.clone(), files.clone());
        changed.insert(name.clone(), ("100755", 1));
        fewer.remove(&name);
        more.insert([&name[..], b".a"].concat(), ("100644", 1));
        for head in [changed, fewer, more] {
            let id = memory.write(&head);
            assert_eq!(differences(&memory, Some(base), id, Limits::default()).unwrap(), naive(&files, &head));
            assert_eq!(differences(&memory, Some(id), base, Limits::default()).unwrap(), naive(&head, &files));
        }
    }
    let mut unsorted = memory.trees[&base].clone();
    unsorted.extend_from_slice(b"100644 a\0aaaaaaaaaaaaaaaaaaaa");
    let head = memory.add(unsorted);
    let message = differences(&memory, Some(base), head, Limits::default()).unwrap_err().to_string();
    assert!(message.contains("in order"), "{message}");
}

#[test]
fn directories_inside_each_other_beyond_the_limit_are_refused() {
    let mut memory = Memory::default();
    let mut tree = memory.write(&Files::from([(b"f".to_vec(), ("100644", 1))]));
    for _ in 0..5000 {
        tree = memory.add([b"40000 d\0", tree.as_bytes()].concat());
    }
    let message = differences(&memory, None, tree, Limits::default()).unwrap_err().to_string();
    assert!(message.contains("4096 directories"), "{message}");
    let deep = Limits { depth: 5001, ..Limits::default() };
    assert_eq!(differences(&memory, None, tree, deep).unwrap().len(), 1);
}

#[test]
fn a_few_trees_that_stand_for_billions_of_paths_are_refused() {
    let mut memory = Memory::default();
    let mut tree = memory.write(&Files::from([(b"f".to_vec(), ("100644", 1))]));
    for _ in 0..10 {
        let entries: Vec<Vec<u8>> =
            (b'a'..=b'j').map(|name| [b"40000 ", &[name, 0][..], tree.as_bytes()].concat()).collect();
        tree = memory.add(entries.concat());
    }
    let small = Limits { steps: 1000, ..Limits::default() };
    let message = differences(&memory, None, tree, small).unwrap_err().to_string();
    assert!(message.contains("more than 1000 paths differ"), "{message}");
    let narrow = Limits { bytes: 2 << 20, ..Limits::default() };
    let message = differences(&memory, None, tree, narrow).unwrap_err().to_string();
    assert!(message.contains("the paths that differ take more than 2 MiB"), "{message}");
    memory.read.borrow_mut().clear();
    differences(&memory, None, tree, small).unwrap_err();
    let distinct: HashSet<Oid> = memory.read.borrow().iter().copied().collect();
    assert_eq!(distinct.len(), 11);
}

#[test]
fn a_malformed_tree_deep_inside_is_an_error_and_no_shorter_list() {
    let mut memory = Memory::default();
    let broken = memory.add(b"100644 b\0bbbbbbbbbbbbbbbbbbbb100644 a\0aaaaaaaaaaaaaaaaaaaa".to_vec());
    let head = memory.add([b"40000 d\0", broken.as_bytes()].concat());
    let message = differences(&memory, None, head, Limits::default()).unwrap_err().to_string();
    assert_eq!(message, format!("the tree `{broken}` is malformed: its entries aren't in order"));
}

fn tree(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (mode, name) in entries {
        bytes.extend_from_slice(mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(&[7; 20]);
    }
    bytes
}

fn read_all(bytes: Vec<u8>) -> Result<Vec<(Vec<u8>, Mode)>, Error> {
    let mut entries = Entries::new(Oid::from_bytes(&[1; 20]).unwrap(), bytes)?;
    let mut all = Vec::new();
    while let Some(entry) = entries.current() {
        all.push((entry.name.to_vec(), entry.item.mode));
        entries.advance()?;
    }
    Ok(all)
}

#[test]
fn entries_are_read_in_gits_order() {
    let bytes =
        tree(&[("100664", b"a"), ("100755", b"a.b"), ("40000", b"a"), ("120000", b"a0"), ("160000", b"\xff\n")]);
    let all = read_all(bytes).unwrap();
    let modes: Vec<Mode> = all.iter().map(|(_, mode)| *mode).collect();
    assert_eq!(modes, [Mode::File, Mode::Executable, Mode::Directory, Mode::Symlink, Mode::Submodule]);
}

#[test]
fn everything_a_tree_can_get_wrong_is_refused_with_the_objects_name() {
    let mut cut = tree(&[("100644", b"a")]);
    cut.pop();
    for (bytes, why) in [
        (b"100644".to_vec(), "no mode"),
        (b"100644 a".to_vec(), "inside a name"),
        (cut, "inside an object's name"),
        (tree(&[("", b"a")]), "mode"),
        (tree(&[("100648", b"a")]), "mode"),
        (tree(&[("7100644", b"a")]), "mode"),
        (tree(&[("010000", b"a")]), "mode"),
        (tree(&[("100644", b"")]), "no checkout can hold"),
        (tree(&[("40000", b"..")]), "no checkout can hold"),
        (tree(&[("40000", b".git")]), "no checkout can hold"),
        (tree(&[("100644", b"a/b")]), "`/`"),
        (tree(&[("100644", b"b"), ("100644", b"a")]), "order"),
        (tree(&[("100644", b"a"), ("100755", b"a")]), "order"),
        (tree(&[("40000", b"a"), ("100644", b"a.b")]), "order"),
    ] {
        let message = read_all(bytes).unwrap_err().to_string();
        assert!(message.contains(why), "{message} lacks {why}");
        assert!(message.contains(&"01".repeat(20)), "{message}");
    }
}
