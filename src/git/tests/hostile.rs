//! Repositories that somebody made to do harm: no program is started, nothing is read where it leads, and each is refused by name.

use std::io::Write;
use std::path::{Path, PathBuf};

use fastrand::Rng;

use crate::config::Changes;
use crate::environment::Environment;
use crate::error::Error;
use crate::git::{Changed, find};

use super::against_git::{git_says, we_say};
use super::checkout::{Checkout, environment_of, lines, refusal};

fn found(start: &Path, variables: &[(&str, &str)]) -> Result<Changed, Error> {
    find(start, &Changes::Git { base: Some("HEAD~1".to_owned()), head: None }, &environment_of(variables))
}

/// A program that creates a file, and that file.
#[cfg(unix)]
fn canary(checkout: &Checkout) -> (PathBuf, PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    let [program, trace] = ["canary", "trace"].map(|name| checkout.outside().join(name));
    std::fs::write(&program, format!("#!/bin/sh\ntouch '{}'\n", trace.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    (program, trace)
}

#[cfg(unix)]
#[test]
fn no_setting_starts_a_program() {
    let checkout = Checkout::with_three_commits();
    checkout.git(&["reset", "--quiet", "--hard"]);
    let (program, trace) = canary(&checkout);
    let hooks = checkout.outside().join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    for hook in ["post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman", "pre-auto-gc"] {
        std::fs::copy(&program, hooks.join(hook)).unwrap();
    }
    let (program, hooks) = (program.to_str().unwrap(), hooks.to_str().unwrap());
    std::fs::write(checkout.path.join(".gitattributes"), "* filter=x diff=x merge=x\n").unwrap();
    for (name, value) in [
        ("core.fsmonitor", program),
        ("core.hooksPath", hooks),
        ("core.sshCommand", program),
        ("core.pager", program),
        ("core.editor", program),
        ("core.askPass", program),
        ("core.alternateRefsCommand", program),
        ("core.gitProxy", program),
        ("diff.external", program),
        ("diff.x.command", program),
        ("diff.x.textconv", program),
        ("filter.x.clean", program),
        ("filter.x.smudge", program),
        ("filter.x.process", program),
        ("filter.x.required", "true"),
        ("merge.x.driver", program),
        ("credential.helper", program),
        ("gpg.program", program),
        ("protocol.ext.allow", "always"),
        ("remote.origin.url", &format!("ext::{program}")),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", program),
        ("remote.origin.vcs", "canary"),
        ("uploadpack.packObjectsHook", program),
    ] {
        checkout.git(&["config", name, value]);
    }
    assert_eq!(lines(&found(&checkout.path, &[]).unwrap().files), ["M one"]);
    assert_eq!(lines(&checkout.found(&[]).unwrap().files), ["M one"]);
    // Objects that are missing are what git would start a program for.
    refusal(checkout.between(&"a".repeat(40), "HEAD"));
    std::fs::write(checkout.path.join(".git/objects/info/alternates"), "/nowhere\n").unwrap();
    assert_eq!(lines(&found(&checkout.path, &[]).unwrap().files), ["M one"]);
    assert!(!trace.exists());
    // With the filters it would wait for a program that speaks their protocol.
    std::fs::remove_file(checkout.path.join(".gitattributes")).unwrap();
    checkout.git(&["status"]);
    assert!(trace.exists(), "git starts one, so the trap works");
}

#[test]
fn settings_that_lead_outside_change_nothing() {
    let checkout = Checkout::with_three_commits();
    let outside = checkout.outside().to_str().unwrap().to_owned();
    for (name, value) in [
        ("core.worktree", &*outside),
        ("include.path", "/nowhere/at/all"),
        ("core.excludesFile", "/nowhere/at/all"),
        ("core.attributesFile", "/nowhere/at/all"),
    ] {
        checkout.git(&["config", "--file", ".git/config", name, value]);
        assert_eq!(lines(&found(&checkout.path, &[]).unwrap().files), ["M one"], "{name}");
    }
    // As git does it.
    checkout.git(&["config", "--file", ".git/config", "core.worktree", "/nowhere/at/all"]);
    let refused = refusal(found(&checkout.path, &[]));
    assert!(refused.contains("/nowhere/at/all") && refused.contains("git status"), "{refused}");
}

/// Settings may include other files, as `actions/checkout` has its credentials. A file that isn't settings is refused, as git does
/// it, and its content isn't reported.
#[test]
fn a_file_that_is_included_as_settings_is_not_reported() {
    let checkout = Checkout::with_three_commits();
    let secret = checkout.outside().join("secret");
    std::fs::write(&secret, "hunter2 is the password\n").unwrap();
    let config = checkout.path.join(".git/config");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}[include]\n\tpath = {}\n", secret.display())).unwrap();
    let refused = refusal(found(&checkout.path, &[]));
    assert!(refused.contains("can't be opened") && !refused.contains("hunter2"), "{refused}");
}

/// In a CI that names its directory, `.git` leads to a place inside of it.
#[cfg(unix)]
#[test]
fn a_repository_outside_of_the_workspace_is_not_read() {
    use std::os::unix::fs::symlink;
    let victim = Checkout::with_three_commits();
    let root = tempfile::tempdir().unwrap();
    let workspace = root.path().canonicalize().unwrap();
    let checkout = workspace.join("site");
    std::fs::create_dir(&checkout).unwrap();
    let dot_git = checkout.join(".git");
    let outside = victim.path.join(".git");
    let ci = [("GITHUB_ACTIONS", "true"), ("GITHUB_WORKSPACE", workspace.to_str().unwrap())];
    let refused = || {
        let refused = refusal(found(&checkout, &ci));
        assert!(refused.contains("leads out of") && refused.contains(workspace.to_str().unwrap()), "{refused}");
    };
    symlink(&outside, &dot_git).unwrap();
    refused();
    // On a person's own machine it is git's rules that hold: a link like this is how some keep their repositories.
    assert_eq!(lines(&found(&checkout, &[]).unwrap().files), ["M one"]);
    std::fs::remove_file(&dot_git).unwrap();
    std::fs::write(&dot_git, format!("gitdir: {}\n", outside.display())).unwrap();
    refused();
    std::fs::write(&dot_git, "gitdir: /dev/stdin\n").unwrap();
    refused();
    std::fs::write(&dot_git, "nonsense").unwrap();
    refused();
    std::fs::remove_file(&dot_git).unwrap();
    std::fs::create_dir(&dot_git).unwrap();
    std::fs::write(dot_git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    std::fs::write(dot_git.join("commondir"), outside.to_str().unwrap()).unwrap();
    refused();
    std::fs::remove_dir_all(&dot_git).unwrap();
    victim.git(&["worktree", "add", "--quiet", "--detach", checkout.join("linked").to_str().unwrap()]);
    let linked = refusal(found(&checkout.join("linked"), &ci));
    assert!(linked.contains("a linked work tree must lie"), "{linked}");

    let own = victim.clone(&[]);
    let inside = own.path.join("linked");
    own.git(&["worktree", "add", "--quiet", "--detach", inside.to_str().unwrap()]);
    let ci = [("GITLAB_CI", "true"), ("CI_PROJECT_DIR", own.path.to_str().unwrap())];
    for start in [&own.path, &inside] {
        assert_eq!(lines(&found(start, &ci).unwrap().files), ["M one"]);
    }
}

/// The same bit by bit: each part of `.git` that says which commits are this repository's is a link to another one's.
#[cfg(unix)]
#[test]
fn a_repository_that_is_another_one_by_links_is_not_read() {
    use std::os::unix::fs::symlink;
    let victim = Checkout::with_three_commits();
    let outside = victim.path.join(".git");
    victim.git(&["pack-refs", "--all"]);
    victim.git(&["branch", "topic"]);
    for part in ["HEAD", "config", "packed-refs", "refs", "refs/heads", "refs/heads/topic", "refs/nothing", "shallow"] {
        let checkout = victim.clone(&[]);
        checkout.git(&["branch", "topic"]);
        let place = checkout.path.join(".git").join(part);
        let ci = [("GITHUB_ACTIONS", "true"), ("GITHUB_WORKSPACE", checkout.path.to_str().unwrap())];
        assert_eq!(lines(&found(&checkout.path, &ci).unwrap().files), ["M one"]);
        if place.is_dir() {
            std::fs::remove_dir_all(&place).unwrap();
        } else if place.exists() {
            std::fs::remove_file(&place).unwrap();
        }
        symlink(outside.join(part), &place).unwrap();
        let refused = refusal(found(&checkout.path, &ci));
        assert!(refused.contains("leads out of"), "{part}: {refused}");
        // A link to a place inside is no way out.
        std::fs::remove_file(&place).unwrap();
        symlink(checkout.path.join(".git/description"), &place).unwrap();
        std::fs::write(checkout.path.join(".git/description"), "").unwrap();
        assert!(
            !found(&checkout.path, &ci).err().is_some_and(|error| error.to_string().contains("leads out")),
            "{part}"
        );
    }
}

/// A folder of the tracked files that looks like a bare repository, with settings of its own.
#[test]
fn a_bare_repository_among_the_files_is_refused() {
    let checkout = Checkout::with_three_commits();
    let nested = checkout.path.join("docs/nested");
    std::fs::create_dir_all(nested.join("refs")).unwrap();
    std::fs::create_dir_all(nested.join("objects")).unwrap();
    std::fs::write(nested.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    std::fs::write(nested.join("config"), "[core]\n\tfsmonitor = true\n").unwrap();
    for start in [&nested, &nested.join("refs")] {
        let refused = refusal(found(start, &[]));
        assert!(refused.contains("is a bare repository"), "{refused}");
    }
    assert_eq!(lines(&found(&checkout.path.join("docs"), &[]).unwrap().files), ["M one"]);
}

/// The file of an object that isn't packed, or where it would be.
fn loose(checkout: &Checkout, id: &str) -> PathBuf {
    checkout.path.join(".git/objects").join(&id[..2]).join(&id[2..])
}

/// Git's names exclude a tree that holds itself; a file of another object in its place doesn't.
#[test]
fn a_tree_that_holds_itself_is_refused() {
    let checkout = Checkout::with_three_commits();
    let own = "1".repeat(40);
    let tree = [b"40000 d\0", &[0x11; 20][..]].concat();
    let written = checkout.run(&["hash-object", "-t", "tree", "--literally", "-w", "--stdin"], &tree);
    let written = loose(&checkout, String::from_utf8(written).unwrap().trim());
    std::fs::create_dir_all(loose(&checkout, &own).parent().unwrap()).unwrap();
    std::fs::rename(written, loose(&checkout, &own)).unwrap();
    let commit = format!("tree {own}\nauthor t <t@example.com> 1 +0000\ncommitter t <t@example.com> 1 +0000\n\nx\n");
    let commit = checkout.run(&["hash-object", "-t", "commit", "--literally", "-w", "--stdin"], commit.as_bytes());
    let refused = refusal(checkout.between("HEAD", String::from_utf8(commit).unwrap().trim()));
    assert!(refused.contains("more than 4096 directories lie inside each other"), "{refused}");
}

/// The only file in the folder of packs with this ending.
fn packed(checkout: &Checkout, ending: &str) -> PathBuf {
    let mut files =
        std::fs::read_dir(checkout.path.join(".git/objects/pack")).unwrap().map(|file| file.unwrap().path());
    files.find(|file| file.extension().is_some_and(|extension| extension == ending)).unwrap()
}

fn overwrite(file: &Path, bytes: &[u8]) {
    // Git makes these read-only.
    std::fs::remove_file(file).unwrap();
    std::fs::File::create(file).unwrap().write_all(bytes).unwrap();
}

#[test]
fn packs_that_are_cut_off_or_lie_are_refused_or_read_right() {
    let checkout = Checkout::with_three_commits();
    let right = git_says(&checkout, "HEAD~1", "HEAD");
    let mut refused = 0;
    for ending in ["pack", "idx"] {
        let file = packed(&checkout, ending);
        let good = std::fs::read(&file).unwrap();
        let mut broken: Vec<Vec<u8>> = (0..good.len()).step_by(7).map(|end| good[..end].to_vec()).collect();
        // The checksum at the end; the count and the magic at the beginning; what comes before the checksum, or the offsets.
        for place in [good.len() - 1, 0, 4, 11, good.len() - 41, good.len() - 45] {
            broken.push(good.clone());
            broken.last_mut().unwrap()[place] ^= 0xff;
        }
        broken.push([&good[..], &[0; 4096]].concat());
        broken.push(vec![0xff; good.len()]);
        for bytes in broken {
            overwrite(&file, &bytes);
            match found(&checkout.path, &[]) {
                Ok(found) => assert_eq!(we_say(&found.files), right),
                Err(error) => refused += usize::from(!refusal::<()>(Err(error)).is_empty()),
            }
        }
        overwrite(&file, &good);
    }
    assert!(refused > 50, "only {refused} were refused");
    assert_eq!(we_say(&found(&checkout.path, &[]).unwrap().files), right);
}

/// Any byte of any pack, index or reference may be another one: there is an answer or a refusal, and it comes soon.
#[test]
fn no_byte_of_a_repository_makes_a_panic_or_an_endless_loop() {
    let mut rng = Rng::with_seed(4);
    for _ in 0..4 {
        let checkout = Checkout::with_three_commits();
        let mut files = Vec::new();
        let mut folders = vec![checkout.path.join(".git")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() { folders.push(entry) } else { files.push(entry) }
            }
        }
        files.retain(|file| file.metadata().unwrap().len() > 0);
        files.sort();
        for _ in 0..150 {
            let file = &files[rng.usize(..files.len())];
            let good = std::fs::read(file).unwrap();
            let mut bytes = good.clone();
            for _ in 0..rng.usize(1..4) {
                let place = rng.usize(..bytes.len());
                bytes[place] = rng.u8(..);
            }
            overwrite(file, &bytes);
            for changes in [Changes::Git { base: Some("HEAD~1".to_owned()), head: None }, Changes::All { head: None }] {
                if let Err(error) = find(&checkout.path, &changes, &Environment::new()) {
                    assert!(!refusal::<()>(Err(error)).is_empty());
                }
            }
            overwrite(file, &good);
        }
        // At another path: libgit2 shares packs of one path in a process, and a thread that reads may still hold a damaged one.
        let restored = checkout.path.with_extension("restored");
        std::fs::rename(&checkout.path, &restored).unwrap();
        assert_eq!(lines(&found(&restored, &[]).unwrap().files), ["M one"]);
    }
}
