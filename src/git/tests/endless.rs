//! Objects at which libgit2 never comes back: each search runs in a process of its own, which is killed when it takes too long.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use flate2::Compression;
use flate2::read::ZlibEncoder;

use crate::config::Changes;
use crate::git::git::Repository;
use crate::git::{find, submodules};

use super::checkout::{Checkout, environment_of, refusal};
use super::pairs::{files, parted};

const START: &str = "CDN_PURGE_TEST_START";
const BASE: &str = "CDN_PURGE_TEST_BASE";

/// What a search from `start` is refused with. `base` is a revision, `tag:NAME` for a run for that tag, or nothing for the
/// first run of the branch `topic`.
fn refused_in_time(start: &Path, base: &str) -> String {
    refused_by(Command::new(std::env::current_exe().unwrap()), start, base)
}

/// The same, where `command` starts the search.
fn refused_by(mut command: Command, start: &Path, base: &str) -> String {
    let mut child = command
        .args(["--exact", "git::tests::endless::the_search_of_the_other_tests", "--ignored", "--nocapture"])
        .env(START, start)
        .env(BASE, base)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let (told, news) = channel();
    let reader = std::thread::spawn(move || {
        let mut said = String::new();
        out.read_to_string(&mut said).unwrap();
        told.send(said).unwrap();
    });
    let Ok(said) = news.recv_timeout(Duration::from_secs(60)) else {
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("the search for `{base}` doesn't end");
    };
    reader.join().unwrap();
    child.wait().unwrap();
    let refused = said.split("<<").nth(1).and_then(|rest| rest.split(">>").next());
    refused.unwrap_or_else(|| panic!("the search for `{base}` says only: {said}")).to_owned()
}

#[test]
#[ignore = "the others start it"]
fn the_search_of_the_other_tests() {
    let [start, base] = [START, BASE].map(|name| std::env::var(name).unwrap_or_default());
    let start = Path::new(&start);
    let zero = "0".repeat(40);
    let gitlab = [("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", &zero)];
    let (changes, more) = match (&*base, base.strip_prefix("tag:")) {
        (_, Some(tag)) => (Changes::Git { base: None, head: None }, vec![("CI_COMMIT_TAG", tag)]),
        ("", _) => (
            Changes::Git { base: None, head: None },
            vec![("CI_COMMIT_BRANCH", "topic"), ("CI_DEFAULT_BRANCH", "main")],
        ),
        _ => (Changes::Git { base: Some(base.clone()), head: None }, Vec::new()),
    };
    let variables = environment_of(&[&gitlab[..], &more].concat());
    let found = find(start, &changes, &variables)
        .and_then(|found| submodules::expand(found, &Repository::open(start, &variables)?, &variables));
    println!("<<{}>>", refusal(found));
}

/// Every object in a file of its own.
fn unpack(checkout: &Checkout) {
    let packs = checkout.path.join(".git/objects/pack");
    let moved = checkout.outside().join("packs");
    std::fs::rename(packs, &moved).unwrap();
    for file in std::fs::read_dir(moved).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "pack") {
            checkout.run(&["unpack-objects", "-q"], &std::fs::read(file).unwrap());
        }
    }
}

/// The file of an object.
fn loose(git: &Path, id: &str) -> PathBuf {
    git.join("objects").join(&id[..2]).join(&id[2..])
}

/// Cuts off the file of an object while `search` runs, at several places; each time the object must be named.
#[track_caller]
fn cut(git: &Path, id: &str, search: impl Fn() -> String) {
    let file = loose(git, id);
    let good = std::fs::read(&file).unwrap();
    for end in [good.len() - 1, good.len() / 2, 0] {
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, &good[..end]).unwrap();
        let refused = search();
        assert!(refused.contains(id) && refused.contains("git fsck"), "{end} bytes of {id}: {refused}");
    }
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, good).unwrap();
}

#[test]
fn a_commit_of_the_history_that_is_cut_off_is_named() {
    let checkout = Checkout::with(&["a", "b", "c", "d", "e", "f", "g"].map(files));
    unpack(&checkout);
    let (git, middle) = (checkout.path.join(".git"), checkout.id("HEAD~3"));
    for base in ["HEAD~6", "main~4^0", &format!("{}~5", &checkout.id("HEAD")[..9]), "HEAD^^^^^", &middle[..8]] {
        cut(&git, &middle, || refused_in_time(&checkout.path, base));
    }
    let tree = checkout.git(&["rev-parse", "HEAD~3^{tree}"]);
    cut(&git, &tree, || refused_in_time(&checkout.path, "HEAD~3"));
}

#[test]
fn a_commit_before_the_merge_base_and_beside_tags_that_is_cut_off_is_named() {
    let checkout = parted();
    unpack(&checkout);
    checkout.git(&["tag", "v1", "main~3"]);
    checkout.git(&["tag", "--annotate", "--message=x", "v2", "main~3"]);
    checkout.git(&["checkout", "--quiet", "--force", "topic"]);
    checkout.git(&["tag", "v9"]);
    let git = checkout.path.join(".git");
    let between = checkout.id("topic~1");
    cut(&git, &between, || refused_in_time(&checkout.path, ""));
    cut(&git, &between, || refused_in_time(&checkout.path, "tag:v9"));
    let of_main = checkout.id("main~1");
    cut(&git, &of_main, || refused_in_time(&checkout.path, ""));
    // The tag's own object, and then its commit.
    let tag = checkout.git(&["rev-parse", "refs/tags/v2"]);
    assert_ne!(tag, checkout.id("v2"));
    for base in ["v2", "v2^{}", "tag:v9"] {
        cut(&git, &tag, || refused_in_time(&checkout.path, base));
    }
    cut(&git, &checkout.id("v1"), || refused_in_time(&checkout.path, "tag:v9"));
}

#[test]
fn an_object_of_another_repository_that_is_cut_off_is_named() {
    let origin = Checkout::with(&["a", "b", "c"].map(files));
    unpack(&origin);
    let second = origin.clone_from_path(&["--shared"]);
    let third = second.clone_from_path(&["--shared"]);
    for revision in ["HEAD", "HEAD~1", "HEAD~2", "HEAD^{tree}", "HEAD~2^{tree}"] {
        let id = origin.git(&["rev-parse", revision]);
        cut(&origin.path.join(".git"), &id, || refused_in_time(&third.path, "HEAD~2"));
    }
}

#[test]
fn an_object_of_a_submodule_that_is_cut_off_is_named() {
    let theme = Checkout::with(&["a", "b", "c"].map(files));
    let site = Checkout::with(&[files("z")]);
    site.git(&["reset", "--quiet", "--hard"]);
    site.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", theme.path.to_str().unwrap(), "t"]);
    for revision in ["HEAD~2", "main"] {
        site.git(&["-C", "t", "checkout", "--quiet", revision]);
        site.git(&["add", "--all"]);
        site.git(&["commit", "--quiet", "--message=x"]);
    }
    let git = site.path.join(".git/modules/t");
    let pack = std::fs::read_dir(git.join("objects/pack")).unwrap().map(|file| file.unwrap().path());
    let pack = pack.into_iter().find(|file| file.extension().is_some_and(|ending| ending == "pack"));
    if let Some(pack) = pack {
        let bytes = std::fs::read(&pack).unwrap();
        std::fs::remove_dir_all(git.join("objects/pack")).unwrap();
        site.run(&["-C", "t", "unpack-objects", "-q"], &bytes);
    }
    for revision in ["main", "main~2", "main^{tree}", "main~2^{tree}"] {
        let id = theme.git(&["rev-parse", revision]);
        cut(&git, &id, || refused_in_time(&site.path, "HEAD~1"));
    }
}

/// An object of a pack: its name, the number of its kind, the name of the object that it stands on, if that is how it is
/// written, and its content.
type Packed<'a> = (&'a str, u8, Option<&'a str>, &'a [u8]);

fn bytes(id: &str) -> Vec<u8> {
    (0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// Writes a pack and an index for it that git itself would never write: names are free, and so is what stands on what.
fn write_pack(git: &Path, objects: &[Packed<'_>]) {
    let count = u32::try_from(objects.len()).unwrap().to_be_bytes();
    let mut pack = [&b"PACK\0\0\0\x02"[..], &count].concat();
    let mut places: Vec<(Vec<u8>, u32)> = Vec::new();
    for (id, kind, base, content) in objects {
        places.push((bytes(id), u32::try_from(pack.len()).unwrap()));
        assert!(content.len() < 1 << 11);
        let low = u8::try_from(content.len() & 15).unwrap();
        pack.extend([0x80 | kind << 4 | low, u8::try_from(content.len() >> 4).unwrap()]);
        pack.extend(base.map(bytes).unwrap_or_default());
        ZlibEncoder::new(*content, Compression::fast()).read_to_end(&mut pack).unwrap();
    }
    pack.extend([7; 20]);
    places.sort();
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    for first in 0..=255 {
        let below = places.iter().filter(|(id, _)| id[0] <= first).count();
        index.extend(u32::try_from(below).unwrap().to_be_bytes());
    }
    places.iter().for_each(|(id, _)| index.extend(id));
    index.extend(vec![0; 4 * places.len()]);
    places.iter().for_each(|(_, place)| index.extend(place.to_be_bytes()));
    // The checksums of the pack, which nobody compares with its bytes, and of the index.
    index.extend([[7; 20], [9; 20]].concat());
    let folder = git.join("objects/pack");
    std::fs::write(folder.join("pack-0000000000000000000000000000000000000000.pack"), pack).unwrap();
    std::fs::write(folder.join("pack-0000000000000000000000000000000000000000.idx"), index).unwrap();
}

/// A change of one byte to another, in the form of a pack.
const DELTA: &[u8] = &[1, 1, 1, b'x'];

#[test]
fn objects_of_a_pack_that_stand_on_each_other_are_refused() {
    let [one, two, three] = ["1", "2", "3"].map(|digit| digit.repeat(40));
    let rings: [&[Packed<'_>]; 3] = [
        &[(&one, 7, Some(&one), DELTA)],
        &[(&one, 7, Some(&two), DELTA), (&two, 7, Some(&one), DELTA)],
        &[(&one, 7, Some(&two), DELTA), (&two, 7, Some(&three), DELTA), (&three, 7, Some(&two), DELTA)],
    ];
    for (number, ring) in rings.into_iter().enumerate() {
        let checkout = Checkout::with_three_commits();
        write_pack(&checkout.path.join(".git"), ring);
        // As a commit, as a directory of a commit, and as a commit of the history.
        let who = "author t <t@example.com> 1 +0000\ncommitter t <t@example.com> 1 +0000\n\nx\n";
        let commit = |text: String| {
            let written =
                checkout.run(&["hash-object", "-t", "commit", "--literally", "-w", "--stdin"], text.as_bytes());
            String::from_utf8(written).unwrap().trim().to_owned()
        };
        let of_tree = commit(format!("tree {one}\n{who}"));
        let tree = checkout.git(&["rev-parse", "HEAD^{tree}"]);
        let of_parent = commit(format!("tree {tree}\nparent {one}\n{who}"));
        // Each takes as long as the program waits for one object.
        for base in &[&*one, &of_tree, &format!("{of_parent}~1")][number..] {
            let refused = refused_in_time(&checkout.path, base);
            assert!(refused.contains(&one) && refused.contains("git fsck"), "{refused}");
        }
    }
}

#[test]
fn objects_of_a_pack_that_are_of_no_kind_or_stand_on_nothing_are_refused() {
    let [one, two] = ["1", "2"].map(|digit| digit.repeat(40));
    let wrong: [&[Packed<'_>]; 5] = [
        &[(&one, 0, None, b"x")],
        &[(&one, 5, None, b"x")],
        &[(&one, 7, Some(&two), DELTA)],
        // Standing on what comes just there, and before the beginning.
        &[(&one, 6, None, b"\0")],
        &[(&two, 3, None, b"x"), (&one, 6, None, DELTA)],
    ];
    for objects in wrong {
        let checkout = Checkout::with_three_commits();
        write_pack(&checkout.path.join(".git"), objects);
        let who = "author t <t@example.com> 1 +0000\ncommitter t <t@example.com> 1 +0000\n\nx\n";
        let text = format!("tree {one}\n{who}");
        let written = checkout.run(&["hash-object", "-t", "commit", "--literally", "-w", "--stdin"], text.as_bytes());
        let of_tree = String::from_utf8(written).unwrap();
        for base in [&*one, of_tree.trim()] {
            let refused = refused_in_time(&checkout.path, base);
            assert!(refused.contains(&one) && refused.contains("git fsck"), "{refused}");
        }
    }
}

/// Nothing of this is an error of ours: the same searches find what they look for when nothing is cut off.
#[test]
fn whole_objects_are_found() {
    let checkout = Checkout::with(&["a", "b", "c", "d"].map(files));
    unpack(&checkout);
    for base in ["HEAD~3", "HEAD^^^0~1", "main~2^0~1"] {
        let found = checkout.between(base, "HEAD").unwrap();
        assert_eq!(found.range.base, Some(checkout.id(base)), "{base}");
    }
}

/// A runner that never packs anew has one pack for each time that it fetched.
#[cfg(unix)]
#[test]
fn a_history_in_more_packs_than_files_may_be_open_is_read() {
    let checkout = Checkout::with(&[files("a")]);
    for number in 0..60 {
        checkout.import("main", Some("refs/heads/main^0"), &[files(&format!("{number}"))]);
    }
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 48 && exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    let refused = refused_by(limited, &checkout.path, "main~100");
    assert!(refused.contains("unknown revision `main~100`"), "{refused}");
}

/// Git goes into all of them, round by round.
#[cfg(unix)]
#[test]
fn folders_of_references_that_lead_round_are_refused() {
    let checkout = Checkout::with_three_commits();
    let tags = checkout.path.join(".git/refs/tags");
    for name in ["v2", "v1", "v0"] {
        checkout.git(&["tag", name, "HEAD~1"]);
    }
    for name in ["round", "about"] {
        std::os::unix::fs::symlink(".", tags.join(name)).unwrap();
    }
    let refused = refused_in_time(&checkout.path, "tag:v2");
    assert!(refused.contains("refs/tags/") && refused.contains("lead round"), "{refused}");
}
