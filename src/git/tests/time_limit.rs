//! Hostile and damaged repositories at which libgit2 may never end: each is refused within the time limit, with the remedy.
//!
//! Each search runs in a process of its own, which must end by itself although a thread of it may hang.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::config::{Changes, Symlinks};
use crate::git::Changed;
use crate::git::search::Search;

use super::checkout::{Checkout, environment_of, lines};
use super::pairs::{files, parted};
use super::symlinks::following;

const START: &str = "CDN_PURGE_TEST_START";
const BASE: &str = "CDN_PURGE_TEST_BASE";
const LIMIT: &str = "CDN_PURGE_TEST_LIMIT";

/// Far less than a run has, and more than each of these searches needs.
const SHORT: Duration = Duration::from_millis(1500);

/// The result of a search from `start`, in a process that has to end by itself: the changes, or the refusal and its remedy. `base`
/// is a revision, `tag:NAME` for a run for that tag, or nothing for the first run of the branch `topic`.
fn searched(start: &Path, base: &str, limit: Duration) -> Result<String, String> {
    searched_by(Command::new(std::env::current_exe().unwrap()), start, base, limit)
}

/// The same, where `command` starts the search.
fn searched_by(mut command: Command, start: &Path, base: &str, limit: Duration) -> Result<String, String> {
    let mut child = command
        .args(["--exact", "git::tests::time_limit::the_search_of_the_other_tests", "--ignored", "--nocapture"])
        .env(START, start)
        .env(BASE, base)
        .env(LIMIT, limit.as_millis().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let (send, news) = channel();
    let reader = std::thread::spawn(move || {
        let mut said = String::new();
        out.read_to_string(&mut said).unwrap();
        send.send(said).unwrap();
    });
    let Ok(said) = news.recv_timeout(limit + Duration::from_secs(60)) else {
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("the search for `{base}` doesn't end");
    };
    reader.join().unwrap();
    child.wait().unwrap();
    let between = |open: &str, close: &str| Some(said.split_once(open)?.1.split_once(close)?.0.to_owned());
    match (between("<<", ">>"), between("((", "))")) {
        (Some(refused), _) => Err(refused),
        (None, Some(found)) => Ok(found),
        (None, None) => panic!("the search for `{base}` says only: {said}"),
    }
}

#[test]
#[ignore = "the others start it"]
fn the_search_of_the_other_tests() {
    let [start, base, limit] = [START, BASE, LIMIT].map(|name| std::env::var(name).unwrap_or_default());
    let limit = Duration::from_millis(limit.parse().unwrap());
    let zero = "0".repeat(40);
    let gitlab = [("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", &zero)];
    let nothing = Changes::Git { base: None, head: None };
    let (changes, variables) = match (&*base, base.strip_prefix("tag:")) {
        (_, Some(tag)) => (nothing, [&gitlab[..], &[("CI_COMMIT_TAG", tag)]].concat()),
        ("", _) => (nothing, [&gitlab[..], &[("CI_COMMIT_BRANCH", "topic"), ("CI_DEFAULT_BRANCH", "main")]].concat()),
        _ => (Changes::Git { base: Some(base.clone()), head: None }, gitlab[..1].to_vec()),
    };
    let variables = environment_of(&variables);
    let found = Search::begin(Path::new(&start), &changes, &variables, limit)
        .and_then(|search| search.finish(Some((&following(&["**"], Symlinks::Follow), &variables))));
    match found {
        Ok(Changed { unexpanded, .. }) if !unexpanded.is_empty() => {
            println!("<<{}; {}>>", unexpanded[0].message, unexpanded[0].help);
        }
        Ok(found) => println!("(({}))", lines(&found.files).join(", ")),
        Err(error) => println!("<<{}>>", super::checkout::refusal::<()>(Err(error))),
    }
}

/// That a search is refused within the time limit, with the remedy; the refusal.
#[track_caller]
fn refused(start: &Path, base: &str) -> String {
    let begin = Instant::now();
    let refused = searched(start, base, SHORT).unwrap_err();
    assert!(refused.contains("git fsck"), "{base}: {refused}");
    assert!(begin.elapsed() < SHORT + Duration::from_secs(30), "{base} took {:?}", begin.elapsed());
    refused
}

/// Every object in a file of its own.
fn unpack(checkout: &Checkout, git: &Path) {
    let moved = checkout.outside().join("packs");
    std::fs::rename(git.join("objects/pack"), &moved).unwrap();
    std::fs::create_dir(git.join("objects/pack")).unwrap();
    for file in std::fs::read_dir(moved).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "pack") {
            let git = git.to_str().unwrap();
            checkout.run(&["--git-dir", git, "unpack-objects", "-q"], &std::fs::read(file).unwrap());
        }
    }
}

/// The file of an object.
fn loose(git: &Path, id: &str) -> PathBuf {
    git.join("objects").join(&id[..2]).join(&id[2..])
}

/// Cuts off the file of an object while `search` runs, as a full disk or a killed job leaves it. The end of the file is its
/// checksum; without that the object itself is whole, so git refuses it and libgit2 may not.
#[track_caller]
fn cut(git: &Path, id: &str, search: impl Fn()) {
    let file = loose(git, id);
    let good = std::fs::read(&file).unwrap();
    for end in [good.len() / 2, 0] {
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, &good[..end]).unwrap();
        search();
    }
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, good).unwrap();
}

#[test]
fn an_object_of_the_history_that_is_cut_off_is_refused() {
    let checkout = Checkout::with(&["a", "b", "c", "d", "e", "f", "g"].map(files));
    let git = checkout.path.join(".git");
    unpack(&checkout, &git);
    let middle = checkout.id("HEAD~3");
    for base in ["HEAD~6", &middle[..8]] {
        cut(&git, &middle, || drop(refused(&checkout.path, base)));
    }
    for revision in ["HEAD", "HEAD~3^{tree}"] {
        let id = checkout.git(&["rev-parse", revision]);
        cut(&git, &id, || drop(refused(&checkout.path, "HEAD~3")));
    }
    assert_eq!(searched(&checkout.path, "HEAD~1", Duration::from_secs(60)).unwrap().matches(' ').count(), 3);
}

#[test]
fn a_commit_before_the_merge_base_and_a_tag_that_are_cut_off_are_refused() {
    let checkout = parted();
    let git = checkout.path.join(".git");
    unpack(&checkout, &git);
    checkout.git(&["tag", "--annotate", "--message=x", "v2", "main~3"]);
    checkout.git(&["checkout", "--quiet", "--force", "topic"]);
    checkout.git(&["tag", "v9"]);
    let between = checkout.id("topic~1");
    cut(&git, &between, || drop(refused(&checkout.path, "")));
    cut(&git, &between, || drop(refused(&checkout.path, "tag:v9")));
    let tag = checkout.git(&["rev-parse", "refs/tags/v2"]);
    cut(&git, &tag, || drop(refused(&checkout.path, "tag:v9")));
}

#[test]
fn an_object_of_another_repository_or_a_submodule_that_is_cut_off_is_refused() {
    let origin = Checkout::with(&["a", "b", "c"].map(files));
    unpack(&origin, &origin.path.join(".git"));
    let clone = origin.clone_from_path(&["--shared"]);
    let id = origin.git(&["rev-parse", "HEAD~2^{tree}"]);
    cut(&origin.path.join(".git"), &id, || drop(refused(&clone.path, "HEAD~2")));

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
    if git.join("objects/pack").read_dir().unwrap().count() > 0 {
        unpack(&site, &git);
    }
    let id = theme.git(&["rev-parse", "main^{tree}"]);
    cut(&git, &id, || drop(refused(&site.path, "HEAD~1")));
}

/// An object of a pack: its name, the number of its kind, the name of the object that it is a delta to, if it is one, and its
/// content.
type Packed<'a> = (&'a str, u8, Option<&'a str>, &'a [u8]);

fn bytes(id: &str) -> Vec<u8> {
    (0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// In zlib's format, not compressed.
fn stored(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let (mut one, mut two) = (1_u32, 0_u32);
    for byte in content {
        one = (one + u32::from(*byte)) % 65_521;
        two = (two + one) % 65_521;
    }
    let checksum = (two << 16 | one).to_be_bytes();
    [&[0x78, 1, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), content, &checksum].concat()
}

/// Writes a pack and an index for it that git itself would never write: names are free, and so are the bases of deltas.
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
        pack.extend(stored(content));
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

/// A commit with this tree and parents, without a look at them.
fn commit(checkout: &Checkout, tree: &str, parents: &[&str]) -> String {
    let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
    let who = "author t <t@example.com> 1 +0000\ncommitter t <t@example.com> 1 +0000\n\nx\n";
    let text = format!("tree {tree}\n{parents}{who}");
    let written = checkout.run(&["hash-object", "-t", "commit", "--literally", "-w", "--stdin"], text.as_bytes());
    String::from_utf8(written).unwrap().trim().to_owned()
}

/// A change of one byte to another, in the form of a pack.
const DELTA: &[u8] = &[1, 1, 1, b'x'];

#[test]
fn deltas_in_a_cycle_are_refused() {
    let [one, two] = ["1", "2"].map(|digit| digit.repeat(40));
    let itself: &[Packed<'_>] = &[(&one, 7, Some(&one), DELTA)];
    let each_other: &[Packed<'_>] = &[(&one, 7, Some(&two), DELTA), (&two, 7, Some(&one), DELTA)];
    for cycle in [itself, each_other] {
        let checkout = Checkout::with_three_commits();
        write_pack(&checkout.path.join(".git"), cycle);
        let of_tree = commit(&checkout, &one, &[]);
        let of_parent = commit(&checkout, &checkout.git(&["rev-parse", "HEAD^{tree}"]), &[&one]);
        for base in [&*one, &of_tree, &format!("{of_parent}~1")] {
            refused(&checkout.path, base);
        }
    }
}

#[test]
fn objects_of_a_pack_of_no_kind_or_with_an_impossible_base_are_refused() {
    let [one, two] = ["1", "2"].map(|digit| digit.repeat(40));
    let wrong: [&[Packed<'_>]; 5] = [
        &[(&one, 0, None, b"x")],
        &[(&one, 5, None, b"x")],
        &[(&one, 7, Some(&two), DELTA)],
        // A delta to itself, and to a place before the beginning.
        &[(&one, 6, None, b"\0")],
        &[(&two, 3, None, b"x"), (&one, 6, None, DELTA)],
    ];
    for objects in wrong {
        let checkout = Checkout::with_three_commits();
        write_pack(&checkout.path.join(".git"), objects);
        let of_tree = commit(&checkout, &one, &[]);
        for base in [&*one, &of_tree] {
            let refused = searched(&checkout.path, base, SHORT).unwrap_err();
            assert!(refused.contains(&one) || refused.contains("git fsck"), "{refused}");
        }
    }
}

/// A tree that says to be of 200 GiB, and one of 300 MiB that says the truth.
#[test]
fn a_huge_tree_is_refused_before_it_fills_the_memory() {
    let checkout = Checkout::with_three_commits();
    let git = checkout.path.join(".git");
    let one = "1".repeat(40);
    let file = loose(&git, &one);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, stored(b"tree 214748364800\x00100644 a\x00")).unwrap();
    let of_tree = commit(&checkout, &one, &[]);
    let refused_size = refused(&checkout.path, &of_tree);
    assert!(refused_size.contains("it has 214748364800 bytes"), "{refused_size}");
    let zeros = vec![0; 300 << 20];
    let written = checkout.run(&["hash-object", "-t", "tree", "--literally", "-w", "--stdin"], &zeros);
    let of_zeros = commit(&checkout, String::from_utf8(written).unwrap().trim(), &[]);
    let refused_size = refused(&checkout.path, &of_zeros);
    assert!(refused_size.contains("it has 314572800 bytes"), "{refused_size}");
}

#[cfg(unix)]
fn pipe(file: &Path) {
    if file.exists() {
        std::fs::remove_file(file).unwrap();
    }
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(file).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_file_of_the_repository_is_refused() {
    for place in ["HEAD", "config", "refs/heads/main", "packed-refs", "objects/info/alternates", "shallow"] {
        let checkout = Checkout::with_three_commits();
        pipe(&checkout.path.join(".git").join(place));
        match searched(&checkout.path, "HEAD~1", SHORT) {
            Ok(found) => assert_eq!(found, "M one", "{place}"),
            Err(refused) => {
                assert!(refused.contains("git fsck") || refused.contains("git status"), "{place}: {refused}");
            }
        }
    }
    let checkout = Checkout::with_three_commits();
    pipe(&loose(&checkout.path.join(".git"), &"1".repeat(40)));
    refused(&checkout.path, &commit(&checkout, &"1".repeat(40), &[]));
    pipe(&checkout.path.join(".git/refs/heads/pipe"));
    refused(&checkout.path, "pipe");
    let included = checkout.outside().join("included");
    pipe(&included);
    checkout.git(&["config", "include.path", included.to_str().unwrap()]);
    refused(&checkout.path, "HEAD~1");
}

#[cfg(unix)]
#[test]
fn alternates_that_loop_end() {
    let origin = Checkout::with_three_commits();
    let clone = origin.clone_from_path(&["--shared"]);
    let objects = clone.path.join(".git/objects");
    let round: String = (0..100).map(|times| format!("../objects{}\n", "/../objects".repeat(times))).collect();
    let away = origin.path.join(".git/objects");
    std::fs::create_dir_all(away.join("info")).unwrap();
    std::fs::write(away.join("info/alternates"), format!("{}\n", objects.display())).unwrap();
    std::fs::write(objects.join("info/alternates"), format!("{round}{}\n", away.display())).unwrap();
    assert_eq!(searched(&clone.path, "HEAD~1", Duration::from_secs(60)).unwrap(), "M one");
}

/// A runner that never repacks has one pack for each time that it fetched.
#[cfg(unix)]
#[test]
fn a_history_in_more_packs_than_files_may_be_open_is_read() {
    let checkout = Checkout::with(&[files("a")]);
    for number in 0..60 {
        checkout.import("main", Some("refs/heads/main^0"), &[files(&format!("{number}"))]);
    }
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 48 && exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    let refused = searched_by(limited, &checkout.path, "main~100", Duration::from_secs(60)).unwrap_err();
    assert!(refused.contains("unknown revision `main~100`"), "{refused}");
}

/// Git goes into all of them, round by round.
#[cfg(unix)]
#[test]
fn folders_of_references_that_loop_end() {
    let checkout = Checkout::with_three_commits();
    let tags = checkout.path.join(".git/refs/tags");
    for name in ["v2", "v1", "v0"] {
        checkout.git(&["tag", name, "HEAD~1"]);
    }
    for name in ["round", "about"] {
        std::os::unix::fs::symlink(".", tags.join(name)).unwrap();
    }
    refused(&checkout.path, "tag:v2");
}
