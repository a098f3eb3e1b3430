//! Revisions, references and objects in the forms that git writes them in, against git itself.

use std::path::{Path, PathBuf};

use fastrand::Rng;

use crate::environment::Environment;
use crate::git::repository::Repository;

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

fn files_of(checkout: &Checkout, ending: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(checkout.path.join(".git/objects/pack")).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == ending)).collect()
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
        // And an object with a file of its own.
        checkout.git(&["tag", "--annotate", "--message=x", "v4", "HEAD~1"]);
        assert_eq!(repository.given("v4", "base").unwrap().id.to_string(), second);
    }
}

/// As git does it, which says so in addition to its output.
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
}

/// macOS writes such files next to all others where a disk keeps no more of a file than its content.
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
    for list in ["./pool\n", "# a\n\n./pool\n", "/nowhere\n../objects/pool", &format!("{round}./pool\n")] {
        std::fs::write(objects.join("info/alternates"), list).unwrap();
        let head = clone.id("HEAD");
        assert_eq!(open(&clone).head().unwrap().id.to_string(), head, "{list}");
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
    for (name, why) in [("round", "levels deep"), ("nothing", "corrupted"), ("long", "corrupted")] {
        let refused = repository.given(name, "base").err().unwrap().to_string();
        assert!(refused.contains(name) && refused.contains(why), "{refused}");
    }
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
