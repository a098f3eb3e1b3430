//! Which configuration may decide what is sent, on events that anyone can cause.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::git::trusted;

use super::checkout::{Checkout, Files, environment_of, refusal};

const OPEN: [&str; 4] = ["pull_request_target", "workflow_run", "issue_comment", "discussion_comment"];

/// `main` has a configuration, and so has `topic`, another one.
fn world() -> Checkout {
    let files = |config: &str| -> Files {
        let file = |path: &str, text: &str| (path.as_bytes().to_vec(), ("100644", text.as_bytes().to_vec()));
        [file(".github/cdn-purge.yml", config), file("public/index.html", config)].into_iter().collect()
    };
    let world = Checkout::with(&[files("version: 1 # main\n")]);
    world.import("topic", Some("refs/heads/main"), &[files("version: 1 # a stranger's\n")]);
    world
}

fn config(world: &Checkout) -> PathBuf {
    world.path.join(".github/cdn-purge.yml")
}

/// In a job whose event is `name`, for the project's commit `sha`; of a `workflow_run`, the first run's event and commit.
fn judged(world: &Checkout, config: &Path, name: &str, first: (&str, &str, &str)) -> Result<(), crate::error::Error> {
    let (event, head, from) = first;
    let content = json!({
        "repository": { "full_name": "octo/site" },
        "workflow_run": { "event": event, "head_sha": world.id(head), "head_repository": { "full_name": from } },
    });
    let file = world.outside().join("event.json");
    std::fs::write(&file, content.to_string()).unwrap();
    trusted(
        config,
        &environment_of(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", name),
            ("GITHUB_EVENT_PATH", file.to_str().unwrap()),
            ("GITHUB_SHA", &world.id("main")),
        ]),
    )
}

const BY_STRANGER: (&str, &str, &str) = ("pull_request", "topic", "stranger/site");

#[test]
fn the_projects_own_configuration_is_trusted() {
    let world = world();
    world.git(&["checkout", "--quiet", "--force", "main"]);
    for name in OPEN {
        judged(&world, &config(&world), name, BY_STRANGER).unwrap();
    }
}

#[test]
fn the_configuration_of_a_strangers_commit_is_refused() {
    let world = world();
    world.git(&["checkout", "--quiet", "--force", "topic"]);
    for name in OPEN {
        let refused = refusal(judged(&world, &config(&world), name, BY_STRANGER));
        assert!(refused.contains(name) && refused.contains(&world.id("topic")), "{refused}");
        assert!(refused.contains("$RUNNER_TEMP"), "{refused}");
    }
    // A merge with the project's branch has the stranger's file as well.
    world.git(&["checkout", "--quiet", "--detach", "main"]);
    world.git(&["merge", "--quiet", "--no-ff", "--message=x", "topic"]);
    refusal(judged(&world, &config(&world), "pull_request_target", BY_STRANGER));
}

#[test]
fn other_events_and_other_hosts_are_no_concern_of_this() {
    let world = world();
    world.git(&["checkout", "--quiet", "--force", "topic"]);
    for name in ["push", "pull_request", "schedule", "workflow_dispatch"] {
        judged(&world, &config(&world), name, BY_STRANGER).unwrap();
    }
    let gitlab = environment_of(&[("GITLAB_CI", "true"), ("GITHUB_EVENT_NAME", "issue_comment")]);
    trusted(&config(&world), &gitlab).unwrap();
}

#[test]
fn what_was_put_over_the_projects_file_is_refused() {
    let world = world();
    world.git(&["checkout", "--quiet", "--force", "main"]);
    std::fs::write(config(&world), "version: 1 # out of an artifact\n").unwrap();
    let refused = refusal(judged(&world, &config(&world), "workflow_run", BY_STRANGER));
    assert!(refused.contains("holds another file"), "{refused}");
    let added = world.path.join("cdn-purge.yml");
    std::fs::write(&added, "version: 1 # out of an artifact\n").unwrap();
    refusal(judged(&world, &added, "workflow_run", BY_STRANGER));
    #[cfg(unix)]
    {
        let link = world.path.join("link.yml");
        std::os::unix::fs::symlink(&added, &link).unwrap();
        refusal(judged(&world, &link, "workflow_run", BY_STRANGER));
    }
}

/// A whole repository may come out of an artifact, with objects in it that aren't what their names say.
#[test]
fn objects_that_were_put_in_the_place_of_the_projects_are_refused() {
    for revision in ["topic", "topic^{tree}", "topic:.github"] {
        let world = world();
        let artifact = world.clone(&["--branch=main"]);
        let packs = artifact.path.join(".git/objects/pack");
        let moved = artifact.outside().join("packs");
        std::fs::rename(&packs, &moved).unwrap();
        for pack in std::fs::read_dir(moved).unwrap().map(|file| file.unwrap().path()) {
            if pack.extension().is_some_and(|extension| extension == "pack") {
                artifact.run(&["unpack-objects", "-q"], &std::fs::read(pack).unwrap());
            }
        }
        let file = |revision: &str| {
            let id = world.git(&["rev-parse", revision]);
            artifact.path.join(".git/objects").join(&id[..2]).join(&id[2..])
        };
        let replaced = file(&revision.replace("topic", "main"));
        std::fs::remove_file(&replaced).unwrap();
        std::fs::copy(file(revision), replaced).unwrap();
        std::fs::write(config(&artifact), "version: 1 # a stranger's\n").unwrap();
        let refused = refusal(judged(&world, &config(&artifact), "workflow_run", BY_STRANGER));
        assert!(refused.contains("holds another file"), "{refused}");
    }
}

#[test]
fn a_file_that_only_the_workflow_can_have_written_is_trusted() {
    let world = world();
    world.git(&["checkout", "--quiet", "--force", "topic"]);
    let written = world.outside().join("cdn-purge.yml");
    std::fs::write(&written, "version: 1\n").unwrap();
    judged(&world, &written, "pull_request_target", BY_STRANGER).unwrap();
    refusal(judged(&world, &world.outside().join("nowhere.yml"), "pull_request_target", BY_STRANGER));
}

#[test]
fn a_run_that_follows_a_push_to_the_project_is_trusted_with_that_commit() {
    let world = world();
    world.git(&["checkout", "--quiet", "--force", "topic"]);
    for first in ["push", "schedule", "release", "merge_group"] {
        judged(&world, &config(&world), "workflow_run", (first, "topic", "octo/site")).unwrap();
    }
    for first in [
        ("push", "topic", "stranger/site"),
        ("push", "main", "octo/site"),
        ("pull_request", "topic", "octo/site"),
        ("issue_comment", "topic", "octo/site"),
    ] {
        refusal(judged(&world, &config(&world), "workflow_run", first));
    }
    refusal(judged(&world, &config(&world), "pull_request_target", ("push", "topic", "octo/site")));
}
