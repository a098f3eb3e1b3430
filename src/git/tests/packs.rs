//! Objects and references in every form that git writes them in, against git itself.

use std::path::{Path, PathBuf};

use fastrand::Rng;

use crate::environment::Environment;
use crate::git::entries::ObjectId;
use crate::git::git::Repository;
use crate::git::git::store::Store;

use super::checkout::{Checkout, Files};

fn open(checkout: &Checkout) -> Repository {
    Repository::open(&checkout.path, &Environment::new()).unwrap()
}

/// A history whose directories change a little each time, as those of people do, with one that no single piece of a file holds,
/// and tags that are objects.
fn long_history() -> Checkout {
    let mut rng = Rng::with_seed(7);
    let mut files = Files::new();
    for number in 0..600 {
        let folder = if number < 400 { "large".to_owned() } else { format!("folder-{}", number % 7) };
        let content = format!("{number}").into_bytes();
        files.insert(format!("{folder}/page-{number}.html").into_bytes(), ("100644", content));
    }
    let mut commits = vec![files.clone()];
    for number in 0..24 {
        for _ in 0..3 {
            let path = files.keys().nth(rng.usize(..files.len())).unwrap().clone();
            files.insert(path, ("100644", format!("{number} {}", rng.u32(..)).into_bytes()));
        }
        commits.push(files.clone());
    }
    let checkout = Checkout::with(&commits);
    for tag in ["v1", "v2"] {
        checkout.git(&["tag", "--annotate", "--message=x", tag, "HEAD~3"]);
    }
    checkout.git(&["tag", "--annotate", "--message=x", "v3", "v2"]);
    checkout
}

/// Every object that is no file is what git says it is; how many they are.
#[track_caller]
fn compare(checkout: &Checkout, repository: &Repository) -> usize {
    let list = checkout.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"]);
    let (mut asked, mut compared) = (String::new(), 0);
    for line in list.lines() {
        let (id, kind) = line.split_once(' ').unwrap();
        let (told, _) = repository.object(ObjectId::from_hex(id).unwrap()).unwrap().unwrap();
        assert_eq!(told, kind, "{id}");
        if kind != "blob" {
            asked.extend([id, "\n"]);
        }
    }
    let said = checkout.run(&["cat-file", "--batch"], asked.as_bytes());
    let mut said = &said[..];
    for id in asked.lines() {
        let (_, content) = repository.object(ObjectId::from_hex(id).unwrap()).unwrap().unwrap();
        let behind = said.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        assert_eq!(&said[behind..behind + content.len()], &content[..], "{id}");
        said = &said[behind + content.len() + 1..];
        compared += 1;
    }
    assert!(said.is_empty());
    compared
}

fn files_of(checkout: &Checkout, ending: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(checkout.path.join(".git/objects/pack")).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == ending)).collect()
}

#[test]
fn objects_in_every_form_of_a_pack_are_read_as_git_reads_them() {
    let checkout = long_history();
    let repack = ["repack", "-adfq", "--depth=50", "--window=60"];
    let forms: [(&str, &[&str]); 5] = [
        ("against objects before", &[]),
        ("against objects by name", &["-c", "repack.useDeltaBaseOffset=false"]),
        ("an index of version 1", &["-c", "pack.indexVersion=1"]),
        ("not compressed", &["-c", "pack.compression=0"]),
        ("without differences", &["-c", "pack.depth=0", "-c", "pack.window=0"]),
    ];
    let all = compare(&checkout, &open(&checkout));
    assert!(all > 80, "{all}");
    for (form, settings) in forms {
        checkout.git(&[settings, &repack[..if form == "without differences" { 2 } else { 4 }]].concat());
        assert_eq!(compare(&checkout, &open(&checkout)), all, "{form}");
    }
    // Most objects stand on others there: the same test with nothing of it would show little.
    checkout.git(&repack);
    let index = files_of(&checkout, "idx").remove(0);
    let told = checkout.git(&["verify-pack", "-v", index.to_str().unwrap()]);
    let deltas = told.lines().filter(|line| line.split_whitespace().count() == 7).count();
    assert!(deltas > 40, "{deltas}");
}

#[test]
fn places_that_need_eight_bytes_are_read() {
    let checkout = long_history();
    checkout.git(&["repack", "-adq"]);
    let pack = files_of(&checkout, "pack").remove(0);
    let name = pack.to_str().unwrap().to_owned();
    let index = pack.with_extension("idx");
    std::fs::remove_file(&index).unwrap();
    // All that lie behind the first kilobyte.
    checkout.git(&["index-pack", "--index-version=2,0x400", "-o", index.to_str().unwrap(), &name]);
    assert!(compare(&checkout, &open(&checkout)) > 80);
}

#[test]
fn objects_in_many_packs_and_beside_them_are_read() {
    let checkout = long_history();
    let packs = checkout.path.join(".git/objects/pack");
    let moved = checkout.outside().join("packs");
    std::fs::rename(&packs, &moved).unwrap();
    std::fs::create_dir(&packs).unwrap();
    for pack in std::fs::read_dir(&moved).unwrap().map(|file| file.unwrap().path()) {
        if pack.extension().is_some_and(|extension| extension == "pack") {
            checkout.run(&["unpack-objects", "-q"], &std::fs::read(pack).unwrap());
        }
    }
    let all = compare(&checkout, &open(&checkout));
    for end in ["main~18", "main~12", "main~6"] {
        let listed = checkout.run(&["rev-list", "--objects", end, "--not", &format!("{end}~5")], b"");
        let name = packs.join("pack").to_str().unwrap().to_owned();
        checkout.run(&["pack-objects", "-q", &name], &listed);
    }
    checkout.git(&["prune-packed", "--quiet"]);
    assert_eq!(files_of(&checkout, "pack").len(), 3);
    assert_eq!(compare(&checkout, &open(&checkout)), all);
    // Git may keep an index of all packs beside theirs.
    checkout.git(&["multi-pack-index", "write"]);
    assert_eq!(compare(&checkout, &open(&checkout)), all);
}

#[test]
fn what_was_packed_anew_meanwhile_is_found() {
    for already_read in [false, true] {
        let checkout = long_history();
        let repository = open(&checkout);
        if already_read {
            repository.given("HEAD", "base").unwrap();
        }
        checkout.git(&["repack", "-adfq", "--depth=3"]);
        let second = checkout.id("HEAD~1");
        assert_eq!(repository.given("HEAD~1", "base").unwrap().id.to_string(), second);
        let all = compare(&checkout, &repository);
        checkout.git(&["tag", "--annotate", "--message=x", "v4", "HEAD~1"]);
        assert_eq!(compare(&checkout, &repository), all + 1, "and what came with a file of its own");
    }
}

/// As git does it, which says so beside what it prints.
#[test]
fn an_index_that_cannot_be_read_is_in_the_way_of_no_object_that_is_elsewhere() {
    let checkout = long_history();
    let packs = checkout.path.join(".git/objects/pack");
    for (name, text) in [("pack-a", ""), ("pack-z", "cut off")] {
        std::fs::write(packs.join(name).with_extension("idx"), text).unwrap();
        std::fs::write(packs.join(name).with_extension("pack"), "").unwrap();
    }
    let repository = open(&checkout);
    for revision in ["HEAD", "HEAD~20", "v3"] {
        assert_eq!(repository.given(revision, "base").unwrap().id.to_string(), checkout.id(revision));
    }
    let refused = repository.given(&"1".repeat(40), "base").err().unwrap().to_string();
    assert!(refused.contains("pack-z.idx"), "{refused}");
}

/// macOS writes such files beside all others where a disk keeps no more of a file than its content.
#[test]
fn hidden_files_beside_the_packs_are_no_packs() {
    let checkout = long_history();
    for index in files_of(&checkout, "idx") {
        for ending in ["idx", "pack"] {
            let name = format!("._{}.{ending}", index.file_stem().unwrap().to_str().unwrap());
            std::fs::write(index.with_file_name(name), b"\0\x05\x16\x07\0\x02").unwrap();
        }
    }
    let repository = open(&checkout);
    let full = checkout.id("HEAD~3");
    assert_eq!(repository.given(&full[..12], "base").unwrap().id.to_string(), full);
    let refused = repository.given("0000", "base").err().unwrap().to_string();
    assert!(refused.contains("unknown revision"), "{refused}");
}

#[cfg(unix)]
#[test]
fn a_list_of_other_folders_of_objects_is_read_as_git_reads_it() {
    let origin = long_history();
    let clone = origin.clone_from_path(&["--shared"]);
    let objects = clone.path.join(".git/objects");
    std::os::unix::fs::symlink(origin.path.join(".git/objects"), objects.join("pool")).unwrap();
    // The folder itself, by many names: each would lead to all of them again.
    let round: String = (0..100).map(|times| format!("../objects{}\n", "/../objects".repeat(times))).collect();
    for list in ["pool\n", "# a\n\n./pool\n", "/nowhere\n../objects/pool", &format!("{round}pool\n")] {
        std::fs::write(objects.join("info/alternates"), list).unwrap();
        let head = clone.id("HEAD");
        assert_eq!(open(&clone).head().unwrap().id.to_string(), head, "{list}");
    }
}

#[test]
fn an_index_that_cannot_be_read_is_named() {
    let checkout = long_history();
    let index = files_of(&checkout, "idx").remove(0);
    std::fs::remove_file(&index).unwrap();
    for (bytes, why) in
        [(&b"\xfftOc"[..], "unexpected end of file"), (&[0xff; 2000], "damaged"), (&[0; 1024], "damaged")]
    {
        std::fs::write(&index, bytes).unwrap();
        let refused = Repository::open(&checkout.path, &Environment::new()).unwrap().head().err().unwrap().to_string();
        let name = index.file_name().unwrap().to_str().unwrap();
        assert!(refused.contains(name) && refused.contains(why), "{refused}");
    }
}

/// Whatever git resolves is resolved to the same here, and what git doesn't isn't.
#[track_caller]
fn compare_names(checkout: &Checkout, path: &Path, names: &[&str]) {
    let repository = Repository::open(path, &Environment::new()).unwrap();
    let (mut known, mut unknown) = (0, 0);
    for name in names {
        let revision = format!("{name}^{{commit}}");
        let path = path.to_str().unwrap();
        let said = checkout.run(&["-C", path, "cat-file", "--batch-check=%(objectname)"], revision.as_bytes());
        let said = String::from_utf8(said).unwrap();
        match repository.given(name, "base") {
            Ok(commit) => {
                assert_eq!(said.trim_end(), commit.id.to_string(), "{name}");
                known += 1;
            }
            Err(error) => {
                assert!(said.contains("missing") || said.contains("ambiguous"), "{name}: {said}: {error}");
                unknown += 1;
            }
        }
    }
    assert!(known > 10 && unknown > 5, "{known} {unknown}");
}

#[test]
fn names_are_resolved_as_git_resolves_them() {
    let origin = long_history();
    origin.git(&["branch", "topic", "main~4"]);
    origin.git(&["branch", "release/1.0", "main~5"]);
    let checkout = origin.clone(&[]);
    checkout.git(&["branch", "topic", "main~6"]);
    // The tag counts, and not the branch of its name.
    checkout.git(&["branch", "both", "main~7"]);
    checkout.git(&["tag", "both", "main~8"]);
    checkout.git(&["update-ref", "ORIG_HEAD", "main~9"]);
    checkout.git(&["fetch", "--quiet", "origin", "topic"]);
    checkout.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/topic"]);
    checkout.git(&["symbolic-ref", "refs/heads/nowhere", "refs/heads/none"]);
    checkout.git(&["update-ref", "refs/custom/x", "main~10"]);
    checkout.git(&["update-ref", "refs/bisect/bad", "main~11"]);
    let full = checkout.id("main~3");
    let names = [
        "HEAD",
        "@",
        "main",
        "heads/main",
        "refs/heads/main",
        "topic",
        "origin/topic",
        "remotes/origin/topic",
        "origin",
        "refs/remotes/origin/HEAD",
        "origin/release/1.0",
        "release/1.0",
        "v1",
        "tags/v1",
        "v2",
        "v3",
        "v3~1",
        "both",
        "heads/both",
        "ORIG_HEAD",
        "FETCH_HEAD",
        "alias",
        "nowhere",
        "custom/x",
        "refs/custom/x",
        "bisect/bad",
        "config",
        "refs",
        "refs/heads",
        "refs/heads/",
        "heads",
        "main/",
        "/main",
        "main.lock",
        "../config",
        "index",
        "x",
        "v",
        "HEAD~25",
        "HEAD^2",
        &full,
        &full[..12],
        &full[..4],
        &full.to_uppercase(),
        &format!("v1-3-g{}", &full[..10]),
        &format!("v1-3-g{full}"),
        "0000",
    ];
    compare_names(&checkout, &checkout.path, &names);
    checkout.git(&["pack-refs", "--all"]);
    compare_names(&checkout, &checkout.path, &names);
    // Some in files again, over what the list says; and some gone from both.
    checkout.git(&["update-ref", "refs/heads/topic", "main~12"]);
    checkout.git(&["tag", "--delete", "v1"]);
    compare_names(&checkout, &checkout.path, &names);
    let linked = checkout.outside().join("linked");
    checkout.git(&["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap(), "main~13"]);
    compare_names(&checkout, &linked, &names);
}

#[test]
fn references_that_lead_round_or_say_nothing_are_named() {
    let checkout = Checkout::with_three_commits();
    let heads = checkout.path.join(".git/refs/heads");
    for (name, text) in [("round", "ref: refs/heads/about\n"), ("about", "ref: refs/heads/round\n"), ("nothing", "\n")]
    {
        std::fs::write(heads.join(name), text).unwrap();
    }
    std::fs::write(heads.join("long"), vec![b'1'; 9000]).unwrap();
    let repository = open(&checkout);
    for (name, why) in [("round", "without an end"), ("nothing", "names no object"), ("long", "too long")] {
        let refused = repository.given(name, "base").err().unwrap().to_string();
        assert!(refused.contains(name) && refused.contains(why), "{refused}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_file_of_the_repository_is_refused_at_once() {
    for (place, why) in [
        ("HEAD", "it is no file"),
        ("config", "it is no file"),
        ("refs/heads/main", "it is no file"),
        ("packed-refs", "it is no file"),
        ("objects/pack/pack-z.idx", "unknown revision"),
        ("objects/info/alternates", "unknown revision"),
    ] {
        let checkout = Checkout::with_three_commits();
        let file = checkout.path.join(".git").join(place);
        if place.ends_with("idx") {
            std::fs::write(file.with_extension("pack"), "").unwrap();
        } else if file.exists() {
            std::fs::remove_file(&file).unwrap();
        }
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        let refused = Repository::open(&checkout.path, &Environment::new())
            .and_then(|repository| {
                [repository.head(), repository.given("none", "base")]
                    .into_iter()
                    .find_map(Result::err)
                    .map_or(Ok(()), Err)
            })
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(refused.contains(why), "{place}: {refused}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_the_list_where_history_is_cut_off_says_nothing() {
    let checkout = Checkout::with_three_commits();
    let file = checkout.path.join(".git/shallow");
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    assert_eq!(open(&checkout).ends(), []);
}

#[test]
fn the_settings_of_the_work_tree_say_last_whether_it_is_bare() {
    let checkout = Checkout::with_three_commits();
    checkout.git(&["config", "extensions.worktreeConfig", "true"]);
    for (shared, own, is_bare) in [(true, "bare = false", false), (false, "bare", true), (true, "x = 1", true)] {
        checkout.git(&["config", "core.bare", &shared.to_string()]);
        std::fs::write(checkout.path.join(".git/config.worktree"), format!("[core]\n\t{own}\n")).unwrap();
        assert_eq!(checkout.git(&["rev-parse", "--is-bare-repository"]), is_bare.to_string());
        assert_eq!(Repository::open(&checkout.path, &Environment::new()).is_err(), is_bare, "{shared} {own}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_list_of_other_folders_holds_up_no_fetch() {
    let checkout = Checkout::with_three_commits();
    let objects = checkout.path.join(".git/objects");
    assert!(std::process::Command::new("mkfifo").arg(objects.join("info/alternates")).status().unwrap().success());
    let refused = Store::create(checkout.outside(), &objects).err().unwrap().to_string();
    assert!(refused.contains("nothing came of it"), "{refused}");
}
