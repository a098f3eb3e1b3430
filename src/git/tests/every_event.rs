//! A table of every kind of run on every host: what is checked out, what the host reports, and the pair that is right, or the
//! words of the refusal. Each row runs on a real repository, and its files are compared with what `git diff` says for that pair.
//!
//! The events are shaped as the hosts send them: GitHub Docs, "Webhook events and payloads"; Gitea, `modules/structs/hook.go` and
//! `services/actions/context.go` (Forgejo has both); GitLab Docs, "Predefined CI/CD variables"; the other CIs' lists of variables;
//! all of 2026-11.

use serde_json::{Value, json};

use crate::config::Changes;
use crate::git::find;

use super::checkout::{Checkout, Variables, environment_of, refusal};
use super::pairs::{EMPTY, assert_pair, files, parted};

const ZERO: &str = "0000000000000000000000000000000000000000";

/// [`parted`], with `merged` (`topic` merged into `main`), `destination` (`main` merged into `topic`), `train` (`second`, which
/// is on `main`, merged into `merged`), `rebased` (`topic` put onto `main`), and tags.
fn world() -> Checkout {
    let world = parted();
    for (branch, from, other) in [("merged", "main", "topic"), ("destination", "topic", "main")] {
        world.git(&["checkout", "--quiet", "-b", branch, from]);
        world.git(&["merge", "--quiet", "--no-ff", "--message=x", other]);
    }
    world.import("second", Some("refs/heads/main"), &[files("b c d z")]);
    world.git(&["checkout", "--quiet", "-b", "train", "merged"]);
    world.git(&["merge", "--quiet", "--no-ff", "--message=x", "second"]);
    world.git(&["checkout", "--quiet", "-b", "rebased", "topic"]);
    world.git(&["rebase", "--quiet", "main"]);
    for (tag, revision) in [("v1", "main~3"), ("v2", "main~1"), ("v3", "main"), ("latest", "main")] {
        world.git(&["tag", tag, revision]);
    }
    world
}

/// What is right for a row.
enum Right {
    /// The commits of base and head.
    Pair(&'static str, &'static str),
    /// These words in the refusal.
    Refused(&'static str),
}

use Right::{Pair, Refused};

/// A run: what it is, what is checked out, what the host reports.
struct Row {
    name: &'static str,
    checked_out: &'static str,
    variables: Vec<(&'static str, String)>,
    event: Option<Value>,
    right: Right,
}

/// Rows on one host.
struct Table<'a> {
    world: &'a Checkout,
    host: &'static [(&'static str, &'static str)],
    rows: Vec<Row>,
}

impl<'a> Table<'a> {
    fn on(world: &'a Checkout, host: &'static [(&'static str, &'static str)]) -> Self {
        Self { world, host, rows: Vec::new() }
    }

    fn id(&self, revision: &str) -> String {
        if revision == ZERO { ZERO.to_owned() } else { self.world.id(revision) }
    }

    /// A row given by variables; a value that begins with `@` is the commit of a revision.
    fn row(&mut self, name: &'static str, checked_out: &'static str, variables: &[(&'static str, &str)], right: Right) {
        let value = |text: &str| text.strip_prefix('@').map_or_else(|| text.to_owned(), |revision| self.id(revision));
        let variables = self.host.iter().chain(variables).map(|(name, text)| (*name, value(text))).collect();
        self.rows.push(Row { name, checked_out, variables, event: None, right });
    }

    /// A row given by an event file, as GitHub does.
    fn event(&mut self, name: &'static str, kind: &str, checked_out: &'static str, event: Value, right: Right) {
        let sha = format!("@{checked_out}");
        self.row(name, checked_out, &[("GITHUB_EVENT_NAME", kind), ("GITHUB_SHA", &sha)], right);
        self.rows.last_mut().unwrap().event = Some(event);
    }

    #[track_caller]
    fn check(self) {
        let file = self.world.outside().join("event.json");
        for Row { name, checked_out, mut variables, event, right } in self.rows {
            self.world.git(&["checkout", "--quiet", "--detach", checked_out]);
            if let Some(event) = event {
                std::fs::write(&file, serde_json::to_vec(&event).unwrap()).unwrap();
                variables.push(("GITHUB_EVENT_PATH", file.to_str().unwrap().to_owned()));
            }
            let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
            let found = self.world.found(&variables);
            match (right, found) {
                (Pair(base, head), Ok(found)) => {
                    assert_eq!(found.range.base.is_none(), base == EMPTY, "{name}: {}", found.range.reason);
                    assert!(!found.range.reason.is_empty(), "{name}");
                    assert_pair(self.world, &found, base, head);
                }
                (Refused(words), found) => {
                    let refused = refusal(found);
                    assert!(refused.contains(words), "{name}: {refused}");
                    assert!(refused.contains("base") || refused.contains("github.event.deleted"), "{name}: {refused}");
                }
                (Pair(..), Err(error)) => panic!("{name}: {error}"),
            }
        }
    }
}

fn person() -> Value {
    json!({ "login": "octocat", "id": 1, "type": "User" })
}

fn repository() -> Value {
    json!({
        "id": 7, "full_name": "octo/site", "private": false, "fork": false, "default_branch": "main",
        "clone_url": "https://forge.example.com/octo/site.git", "owner": person(),
    })
}

/// GitHub's, with what a push of these commits has.
fn push(reference: &str, before: &str, after: &str, forced: bool) -> Value {
    let commit = json!({
        "id": after, "message": "x", "timestamp": "2026-11-01T10:00:00Z", "distinct": true,
        "added": [], "removed": [], "modified": ["not-to-be-trusted"],
    });
    json!({
        "ref": reference, "before": before, "after": after, "base_ref": null, "compare": "https://forge.example.com/compare",
        "created": before == ZERO, "deleted": after == ZERO, "forced": forced,
        "head_commit": if after == ZERO { Value::Null } else { json!(&commit) }, "commits": [&commit],
        "pusher": { "name": "octocat", "email": "octocat@example.com" }, "repository": repository(), "sender": person(),
    })
}

fn pull_request(base: &str, head: &str) -> Value {
    let side = |name: &str, sha: &str| json!({ "label": format!("octo:{name}"), "ref": name, "sha": sha, "repo": repository() });
    json!({
        "action": "synchronize", "number": 3, "before": ZERO, "after": head, "repository": repository(), "sender": person(),
        "pull_request": {
            "number": 3, "state": "open", "merged": false, "mergeable": null, "merge_commit_sha": "b".repeat(40),
            "base": side("main", base), "head": side("topic", head), "changed_files": 2,
        },
    })
}

fn release(action: &str, tag: &str) -> Value {
    let release =
        json!({ "tag_name": tag, "target_commitish": "main", "draft": false, "prerelease": false, "name": tag });
    json!({ "action": action, "release": release, "repository": repository(), "sender": person() })
}

fn workflow_run(event: &str, head: &str) -> Value {
    json!({
        "action": "completed", "repository": repository(), "sender": person(), "workflow": { "id": 9, "name": "ci" },
        "workflow_run": {
            "id": 11, "name": "ci", "event": event, "status": "completed", "conclusion": "success", "head_branch": "main",
            "head_sha": head, "head_repository": repository(), "repository": repository(), "pull_requests": [],
        },
    })
}

const GITHUB: &[(&str, &str)] = &[("CI", "true"), ("GITHUB_ACTIONS", "true")];

#[test]
fn github() {
    let world = world();
    let mut table = Table::on(&world, GITHUB);
    let [main, topic, older, merged] = ["main", "topic", "main~2", "merged"].map(|revision| world.id(revision));
    let branch = |before: &str, after: &str, forced| push("refs/heads/main", before, after, forced);
    table.event("push", "push", "main", branch(&older, &main, false), Pair("main~2", "main"));
    table.event("forced push", "push", "main", branch(&topic, &main, true), Pair("topic", "main"));
    table.event("first push", "push", "main", branch(ZERO, &main, false), Pair(EMPTY, "main"));
    let new = push("refs/heads/topic", ZERO, &topic, false);
    table.event("new branch", "push", "topic", new, Pair("main~2", "topic"));
    let deleted = push("refs/heads/old", &topic, ZERO, false);
    table.event("deleted branch", "push", "main", deleted, Refused("a push that deletes `refs/heads/old`"));
    let deleted = push("refs/tags/old", &topic, ZERO, false);
    table.event("deleted tag", "push", "main", deleted, Refused("a push that deletes `refs/tags/old`"));
    table.event("tag", "push", "main", push("refs/tags/v3", ZERO, &main, false), Pair("v2", "main"));
    table.event("first tag", "push", "v1", push("refs/tags/v1", ZERO, &world.id("v1"), false), Pair(EMPTY, "v1"));
    table.event("moved tag", "push", "main", push("refs/tags/latest", &older, &main, true), Pair("main~2", "main"));

    let request = || pull_request(&world.id("main~1"), &topic);
    table.event("pull request, trial merge", "pull_request", "merged", request(), Pair("main", "merged"));
    table.event("pull request, its head", "pull_request", "topic", request(), Pair("main~2", "topic"));
    table.event("pull request for its target", "pull_request_target", "main", request(), Pair("main~2", "topic"));
    table.event("the same, its head", "pull_request_target", "topic", request(), Pair("main~2", "topic"));

    let group = json!({
        "action": "checks_requested", "repository": repository(), "sender": person(),
        "merge_group": {
            "head_sha": merged, "head_ref": "refs/heads/gh-readonly-queue/main/pr-3", "base_sha": main,
            "base_ref": "refs/heads/main", "head_commit": { "id": merged, "message": "x" },
        },
    });
    table.event("merge queue", "merge_group", "merged", group, Pair("main", "merged"));
    table.event("release", "release", "main", release("published", "v3"), Pair("v2", "main"));
    table.event("release of an older tag", "release", "v2", release("released", "v2"), Pair("v1", "v2"));
    table.event("deleted release", "release", "main", release("deleted", "v3"), Refused("that was deleted"));

    let empty = || json!({ "inputs": null, "repository": repository(), "sender": person() });
    table.event("by hand", "workflow_dispatch", "main", empty(), Pair("main~1", "main"));
    table.event("by hand, on a tag", "workflow_dispatch", "main", empty(), Pair("v2", "main"));
    let on_tag = [("GITHUB_REF_TYPE", "tag".to_owned()), ("GITHUB_REF_NAME", "v3".to_owned())];
    table.rows.last_mut().unwrap().variables.extend(on_tag);
    table.event("schedule", "schedule", "main", json!({ "schedule": "0 3 * * *" }), Pair("main~1", "main"));
    let call = json!({ "action": "deploy", "branch": "main", "client_payload": {}, "repository": repository() });
    table.event("from outside", "repository_dispatch", "main", call, Pair("main~1", "main"));
    table.event("after a schedule", "workflow_run", "main", workflow_run("schedule", &main), Pair("main~1", "main"));
    let after_push = Refused("follows a `push` event");
    table.event("after a push", "workflow_run", "main", workflow_run("push", &main), after_push);
    let elsewhere = Refused("`workflow_run.head_sha`");
    table.event("after another commit", "workflow_run", "main", workflow_run("schedule", &topic), elsewhere);
    for kind in
        ["issue_comment", "create", "deployment", "page_build", "registry_package", "workflow_call", "newly_made"]
    {
        table.event("undecided", kind, "main", empty(), Refused("doesn't say which commit was deployed before"));
    }
    table.check();
}

/// Gitea's push has `compare_url` and `total_commits`, and neither `forced` nor `created`; its pull requests are checked out at
/// their head. Forgejo sends the same.
#[test]
fn gitea_and_forgejo() {
    let world = world();
    let [main, topic, older] = ["main", "topic", "main~2"].map(|revision| world.id(revision));
    let push = |reference: &str, before: &str, after: &str| {
        json!({
            "ref": reference, "before": before, "after": after, "compare_url": "https://forge.example.com/compare",
            "commits": [], "total_commits": 2, "head_commit": null, "repository": repository(), "pusher": person(),
            "sender": person(),
        })
    };
    for host in [&[("CI", "true"), ("GITEA_ACTIONS", "true")], &[("CI", "true"), ("FORGEJO_ACTIONS", "true")]] {
        let mut table = Table::on(&world, host);
        table.event("push", "push", "main", push("refs/heads/main", &older, &main), Pair("main~2", "main"));
        table.event("forced push", "push", "main", push("refs/heads/main", &topic, &main), Pair("topic", "main"));
        table.event("first push", "push", "main", push("refs/heads/main", ZERO, &main), Pair(EMPTY, "main"));
        table.event("new branch", "push", "topic", push("refs/heads/topic", ZERO, &topic), Pair("main~2", "topic"));
        table.event("tag", "push", "main", push("refs/tags/v3", ZERO, &main), Pair("v2", "main"));
        let deleted = push("refs/heads/old", &topic, ZERO);
        table.event("deleted branch", "push", "main", deleted, Refused("a push that deletes `refs/heads/old`"));
        let by_hand = json!({ "inputs": {}, "repository": repository(), "sender": person() });
        table.event("by hand", "workflow_dispatch", "main", by_hand, Pair("main~1", "main"));
        let target = pull_request(&main, &topic);
        table.event("pull request for its target", "pull_request_target", "main", target, Pair("main~2", "topic"));
        let mut request = pull_request(&main, &topic);
        request["action"] = json!("synchronized");
        request["commit_id"] = json!("");
        request["pull_request"]["merge_base"] = json!(older);
        table.event("pull request", "pull_request", "topic", request, Pair("main~2", "topic"));
        table.event("release", "release", "main", release("published", "v3"), Pair("v2", "main"));
        table.event("schedule", "schedule", "main", json!({ "schedule": "@daily" }), Pair("main~1", "main"));
        let called = push("refs/heads/main", &older, &main);
        table.event("a workflow that is called", "workflow_call", "main", called, Refused("`workflow_call` event"));
        table.check();
    }
}

#[test]
fn gitlab() {
    let world = world();
    let mut table = Table::on(&world, &[("CI", "true"), ("GITLAB_CI", "true"), ("CI_DEFAULT_BRANCH", "main")]);
    let mut row = |name, source, at, more: &[(&'static str, &str)], right| {
        let sha = format!("@{at}");
        let own = [("CI_PIPELINE_SOURCE", source), ("CI_COMMIT_SHA", &*sha)];
        table.row(name, at, &[&own[..], more].concat(), right);
    };
    let branch = |before| [("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_BEFORE_SHA", before)];
    let of_topic = [("CI_COMMIT_BRANCH", "topic"), ("CI_COMMIT_BEFORE_SHA", ZERO)];
    let tag = |before| [("CI_COMMIT_TAG", "v3"), ("CI_COMMIT_BEFORE_SHA", before)];
    row("push", "push", "main", &branch("@main~2"), Pair("main~2", "main"));
    row("forced push", "push", "main", &branch("@topic"), Pair("topic", "main"));
    row("first pipeline of a branch", "push", "topic", &of_topic, Pair("main~2", "topic"));
    row("first pipeline of all", "push", "main", &branch(ZERO), Pair(EMPTY, "main"));
    row("web editor", "webide", "main", &branch("@main~1"), Pair("main~1", "main"));
    row("tag", "push", "main", &tag(ZERO), Pair("v2", "main"));
    row("moved tag", "push", "main", &tag("@main~2"), Pair("main~2", "main"));
    row("by hand", "web", "main", &branch(ZERO), Pair("main~1", "main"));
    row("by hand, on a tag", "web", "main", &tag(ZERO), Pair("v2", "main"));
    row("schedule", "schedule", "main", &branch(ZERO), Pair("main~1", "main"));
    row("child of a push", "parent_pipeline", "main", &branch("@main~2"), Pair("main~2", "main"));
    row("child of a first", "parent_pipeline", "main", &branch(ZERO), Refused("a child pipeline"));

    let merge_request = |kind, source, target| {
        [
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_EVENT_TYPE", kind),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "@main~2"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", source),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", target),
            ("CI_COMMIT_BEFORE_SHA", ZERO),
        ]
    };
    let plain = merge_request("detached", "", "");
    row("merge request", "merge_request_event", "topic", &plain, Pair("main~2", "topic"));
    row("child of a merge request", "parent_pipeline", "topic", &plain, Pair("main~2", "topic"));
    let results = merge_request("merged_result", "@topic", "@main");
    row("merged results", "merge_request_event", "merged", &results, Pair("main", "merged"));
    let train = merge_request("merge_train", "@second", "@merged");
    row("merge train, second car", "merge_request_event", "train", &train, Pair("merged", "train"));
    let rebased = merge_request("merge_train", "@topic", "@main");
    row("merge train that rebases", "merge_request_event", "rebased", &rebased, Pair("main", "rebased"));
    let external = [("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA", "@main")];
    row("pull request on GitHub", "external_pull_request_event", "topic", &external, Pair("main~2", "topic"));
    for source in ["trigger", "api", "chat", "pipeline", "ondemand_dast_scan", "security_orchestration_policy"] {
        row("by a program", source, "main", &branch(ZERO), Refused("whose `CI_PIPELINE_SOURCE` is"));
    }
    table.check();
}

#[test]
fn jenkins() {
    let world = world();
    let host = &[("JENKINS_URL", "https://jenkins.example.com/"), ("BUILD_NUMBER", "7"), ("GIT_BRANCH", "origin/main")];
    let mut table = Table::on(&world, host);
    let previous =
        [("GIT_COMMIT", "@main"), ("GIT_PREVIOUS_SUCCESSFUL_COMMIT", "@main~2"), ("GIT_PREVIOUS_COMMIT", "@main~1")];
    table.row("after a failed build", "main", &previous, Pair("main~2", "main"));
    table.row("first build", "main", &[("GIT_COMMIT", "@main")], Refused("a branch's first build"));
    let request = [("CHANGE_ID", "3"), ("CHANGE_TARGET", "main"), ("CHANGE_BRANCH", "topic"), ("BRANCH_NAME", "PR-3")];
    table.row("pull request", "topic", &request, Pair("main~2", "topic"));
    table.row("pull request, merged", "merged", &request, Pair("main", "merged"));
    table.row("tag", "main", &[("TAG_NAME", "v3"), ("BRANCH_NAME", "v3")], Pair("v2", "main"));
    table.check();
}

#[test]
fn circle_ci_and_bitbucket() {
    let world = world();
    let mut table = Table::on(&world, &[("CI", "true"), ("CIRCLECI", "true"), ("CIRCLE_BUILD_NUM", "7")]);
    table.row("tag", "main", &[("CIRCLE_TAG", "v3"), ("CIRCLE_SHA1", "@main")], Pair("v2", "main"));
    table.row("push", "main", &[("CIRCLE_BRANCH", "main"), ("CIRCLE_SHA1", "@main")], Refused("`--base"));
    table.check();
    let mut table =
        Table::on(&world, &[("CI", "true"), ("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_WORKSPACE", "octo")]);
    let destination = world.id("main")[..12].to_owned();
    let request = [
        ("BITBUCKET_PR_ID", "3"),
        ("BITBUCKET_PR_DESTINATION_COMMIT", &*destination),
        ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
        ("BITBUCKET_BRANCH", "topic"),
    ];
    table.row("pull request", "destination", &request, Pair("main", "destination"));
    table.row("pull request, up to date", "rebased", &request, Pair("main", "rebased"));
    table.row("tag", "main", &[("BITBUCKET_TAG", "v3"), ("BITBUCKET_COMMIT", "@main")], Pair("v2", "main"));
    table.row("push", "main", &[("BITBUCKET_BRANCH", "main")], Refused("Bitbucket's environment"));
    table.check();
}

#[test]
fn azure_pipelines() {
    let world = world();
    let mut table = Table::on(&world, &[("TF_BUILD", "True"), ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/octo/")]);
    let of = |reason, reference| [("BUILD_REASON", reason), ("BUILD_SOURCEBRANCH", reference)];
    let request = of("PullRequest", "refs/pull/3/merge");
    let azure =
        [("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"), ("SYSTEM_PULLREQUEST_SOURCECOMMITID", "@topic")];
    table.row("pull request", "merged", &[request, azure].concat(), Pair("main", "merged"));
    let github = [("SYSTEM_PULLREQUEST_TARGETBRANCH", "main"), ("SYSTEM_PULLREQUEST_TARGETBRANCHNAME", "main")];
    table.row("pull request on GitHub", "merged", &[request, github].concat(), Pair("main", "merged"));
    table.row("pull request, its head", "topic", &[request, azure].concat(), Pair("main~2", "topic"));
    table.row("tag", "main", &of("IndividualCI", "refs/tags/v3"), Pair("v2", "main"));
    table.row("by hand", "main", &of("Manual", "refs/heads/main"), Pair("main~1", "main"));
    table.row("schedule", "main", &of("Schedule", "refs/heads/main"), Pair("main~1", "main"));
    for reason in ["IndividualCI", "BatchedCI", "ResourceTrigger", "BuildCompletion"] {
        table.row("push", "main", &of(reason, "refs/heads/main"), Refused("whose `BUILD_REASON` is"));
    }
    table.check();
}

#[test]
fn buildkite() {
    let world = world();
    let mut table = Table::on(&world, &[("CI", "true"), ("BUILDKITE", "true"), ("BUILDKITE_BRANCH", "main")]);
    let no_request = ("BUILDKITE_PULL_REQUEST", "false");
    let of = |source| [no_request, ("BUILDKITE_SOURCE", source)];
    let request = [("BUILDKITE_PULL_REQUEST", "3"), ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main")];
    table.row("pull request", "topic", &request, Pair("main~2", "topic"));
    let queue = [
        no_request,
        ("BUILDKITE_SOURCE", "webhook"),
        ("BUILDKITE_GITHUB_EVENT", "merge_group"),
        ("BUILDKITE_MERGE_QUEUE_BASE_BRANCH", "main"),
        ("BUILDKITE_MERGE_QUEUE_BASE_COMMIT", "@main"),
    ];
    table.row("merge queue", "merged", &queue, Pair("main", "merged"));
    table.row(
        "tag",
        "main",
        &[no_request, ("BUILDKITE_TAG", "v3"), ("BUILDKITE_SOURCE", "webhook")],
        Pair("v2", "main"),
    );
    table.row("by hand", "main", &of("ui"), Pair("main~1", "main"));
    table.row("schedule", "main", &of("schedule"), Pair("main~1", "main"));
    for source in ["webhook", "api", "trigger_job"] {
        table.row("push", "main", &of(source), Refused("whose `BUILDKITE_SOURCE` is"));
    }
    table.check();
}

#[test]
fn woodpecker() {
    let world = world();
    let mut table = Table::on(
        &world,
        &[
            ("CI", "woodpecker"),
            ("CI_REPO_DEFAULT_BRANCH", "main"),
            ("CI_PIPELINE_PARENT", "0"),
            ("CI_PREV_PIPELINE_PARENT", "0"),
        ],
    );
    let of = |event, branch| [("CI_PIPELINE_EVENT", event), ("CI_COMMIT_BRANCH", branch)];
    let previous = |event| [("CI_PREV_COMMIT_SHA", "@main~2"), ("CI_PREV_PIPELINE_EVENT", event)];
    table.row("push", "main", &[of("push", "main"), previous("push")].concat(), Pair("main~2", "main"));
    table.row("first push of a branch", "topic", &of("push", "topic"), Pair("main~2", "topic"));
    table.row("first push of all", "main", &of("push", "main"), Pair(EMPTY, "main"));
    let after = [of("push", "main"), previous("pull_request")].concat();
    table.row("push after a pull request", "main", &after, Refused("follows one for the event `pull_request`"));
    let request = [&of("pull_request", "main")[..], &[("CI_COMMIT_TARGET_BRANCH", "main")], &previous("push")].concat();
    table.row("pull request", "topic", &request, Pair("main~2", "topic"));
    for event in ["tag", "release"] {
        table.row("tag", "main", &[("CI_PIPELINE_EVENT", event), ("CI_COMMIT_TAG", "v3")], Pair("v2", "main"));
    }
    for event in ["manual", "cron"] {
        table.row("started", "main", &[of(event, "main"), previous("push")].concat(), Pair("main~1", "main"));
    }
    for event in ["deployment", "pull_request_closed", "pull_request_metadata"] {
        table.row("undecided", "main", &of(event, "main"), Refused("a Woodpecker pipeline for the event"));
    }
    table.check();
}

#[test]
fn another_ci_and_none() {
    let world = world();
    let mut table = Table::on(&world, &[]);
    table.row("another CI", "main", &[("CI", "true")], Refused("give `base`"));
    table.row("no CI", "main", &[], Pair("main~1", "main"));
    table.row("no CI, a merge", "merged", &[], Pair("main", "merged"));
    table.row("no CI, the first commit", "main~3", &[], Pair(EMPTY, "main~3"));
    table.check();
    let pairs: [(Variables<'_>, &str, Option<&str>, &str); 3] = [
        (&[], "v1", None, "train"),
        (&[("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", "trigger")], "topic", None, "train"),
        (&[("CI", "true")], "v1", Some("topic"), "topic"),
    ];
    world.git(&["checkout", "--quiet", "train"]);
    for (variables, base, head, expected) in pairs {
        let changes = Changes::Git { base: Some(base.to_owned()), head: head.map(str::to_owned) };
        let found = find(&world.path, &changes, &environment_of(variables)).unwrap();
        assert_pair(&world, &found, base, expected);
    }
}

/// What is checked out in a job that isn't about it: another branch, an earlier commit (a rollback by `ref`), and the branch of
/// built files, which has no commit in common with the sources.
const FOREIGN: [&str; 3] = ["topic", "main~1", "built"];

/// Each event of each host, about `main` or `merged` and with something else checked out.
#[test]
fn no_event_is_compared_with_a_checkout_that_it_is_not_about() {
    let world = world();
    world.git(&["checkout", "--quiet", "--orphan", "built"]);
    world.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    let [main, older, merged] = ["main", "main~2", "merged"].map(|revision| world.id(revision));
    let group = json!({ "merge_group": { "head_sha": merged, "base_sha": main } });
    let empty = || json!({ "repository": repository() });
    let events: [(&str, &str, Value); 11] = [
        ("push", "main", push("refs/heads/main", &older, &main, false)),
        ("push", "main", push("refs/heads/main", ZERO, &main, false)),
        ("push", "main", push("refs/tags/v3", ZERO, &main, false)),
        ("pull_request", "merged", pull_request(&main, &world.id("second"))),
        ("pull_request_target", "main", pull_request(&main, &world.id("second"))),
        ("merge_group", "merged", group),
        ("release", "main", release("published", "v3")),
        ("workflow_run", "main", workflow_run("schedule", &main)),
        ("workflow_dispatch", "main", empty()),
        ("schedule", "main", empty()),
        ("repository_dispatch", "main", empty()),
    ];
    for host in [GITHUB, &[("CI", "true"), ("GITEA_ACTIONS", "true")], &[("CI", "true"), ("FORGEJO_ACTIONS", "true")]] {
        let mut table = Table::on(&world, host);
        for checked_out in FOREIGN {
            for (kind, about, event) in &events {
                let sha = format!("@{about}");
                table.row(
                    kind,
                    checked_out,
                    &[("GITHUB_EVENT_NAME", kind), ("GITHUB_SHA", &sha)],
                    Refused("is checked out; this run is about"),
                );
                table.rows.last_mut().unwrap().event = Some(event.clone());
            }
        }
        table.check();
    }

    let gitlab: &[(&str, &str)] = &[("GITLAB_CI", "true"), ("CI_DEFAULT_BRANCH", "main"), ("CI_COMMIT_SHA", "@main")];
    let merge_request = |kind| {
        [
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_COMMIT_SHA", "@merged"),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_EVENT_TYPE", kind),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "@main~2"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "@second"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "@main"),
        ]
    };
    let of = |source, before| {
        [("CI_PIPELINE_SOURCE", source), ("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_BEFORE_SHA", before)]
    };
    let on_tag = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_TAG", "v3"), ("CI_COMMIT_BEFORE_SHA", ZERO)];
    let external = [
        ("CI_PIPELINE_SOURCE", "external_pull_request_event"),
        ("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA", "@main"),
    ];
    let jenkins: &[(&str, &str)] =
        &[("JENKINS_URL", "https://jenkins.example.com/"), ("BUILD_NUMBER", "7"), ("GIT_COMMIT", "@main")];
    let circle_ci: &[(&str, &str)] = &[("CIRCLECI", "true"), ("CIRCLE_SHA1", "@main")];
    let bitbucket: &[(&str, &str)] = &[("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_COMMIT", "@main")];
    let azure: &[(&str, &str)] = &[("TF_BUILD", "True"), ("BUILD_SOURCEVERSION", "@main")];
    let buildkite: &[(&str, &str)] = &[("BUILDKITE", "true"), ("BUILDKITE_COMMIT", "@main")];
    let woodpecker: &[(&str, &str)] =
        &[("CI", "woodpecker"), ("CI_REPO_DEFAULT_BRANCH", "main"), ("CI_COMMIT_SHA", "@main")];
    type Variables<'a> = Vec<(&'a str, &'a str)>;
    let runs: [(&[(&str, &str)], Variables<'_>); 28] = [
        (gitlab, of("push", "@main~2").to_vec()),
        (gitlab, of("push", ZERO).to_vec()),
        (gitlab, of("webide", "@main~2").to_vec()),
        (gitlab, of("web", ZERO).to_vec()),
        (gitlab, of("schedule", ZERO).to_vec()),
        (gitlab, of("parent_pipeline", "@main~2").to_vec()),
        (gitlab, on_tag.to_vec()),
        (gitlab, merge_request("detached").to_vec()),
        (gitlab, merge_request("merged_result").to_vec()),
        (gitlab, merge_request("merge_train").to_vec()),
        (gitlab, external.to_vec()),
        (jenkins, vec![("GIT_PREVIOUS_SUCCESSFUL_COMMIT", "@main~2")]),
        (jenkins, vec![("CHANGE_TARGET", "main")]),
        (jenkins, vec![("TAG_NAME", "v3")]),
        (circle_ci, vec![("CIRCLE_TAG", "v3")]),
        (bitbucket, vec![("BITBUCKET_TAG", "v3")]),
        (
            bitbucket,
            vec![
                ("BITBUCKET_PR_ID", "3"),
                ("BITBUCKET_PR_DESTINATION_COMMIT", "dddddddddddd"),
                ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
            ],
        ),
        (azure, vec![("BUILD_REASON", "Manual"), ("BUILD_SOURCEBRANCH", "refs/heads/main")]),
        (azure, vec![("BUILD_REASON", "Schedule"), ("BUILD_SOURCEBRANCH", "refs/heads/main")]),
        (azure, vec![("BUILD_REASON", "IndividualCI"), ("BUILD_SOURCEBRANCH", "refs/tags/v3")]),
        (
            azure,
            vec![
                ("BUILD_REASON", "PullRequest"),
                ("BUILD_SOURCEBRANCH", "refs/pull/3/merge"),
                ("SYSTEM_PULLREQUEST_TARGETBRANCH", "main"),
            ],
        ),
        (buildkite, vec![("BUILDKITE_SOURCE", "ui")]),
        (buildkite, vec![("BUILDKITE_TAG", "v3")]),
        (buildkite, vec![("BUILDKITE_PULL_REQUEST", "3"), ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main")]),
        (buildkite, vec![("BUILDKITE_MERGE_QUEUE_BASE_COMMIT", "@main~2")]),
        (
            woodpecker,
            vec![
                ("CI_PIPELINE_EVENT", "push"),
                ("CI_COMMIT_BRANCH", "main"),
                ("CI_PREV_COMMIT_SHA", "@main~2"),
                ("CI_PREV_PIPELINE_EVENT", "push"),
            ],
        ),
        (woodpecker, vec![("CI_PIPELINE_EVENT", "pull_request"), ("CI_COMMIT_TARGET_BRANCH", "main")]),
        (woodpecker, vec![("CI_PIPELINE_EVENT", "tag"), ("CI_COMMIT_TAG", "v3")]),
    ];
    let mut table = Table::on(&world, &[]);
    for checked_out in FOREIGN {
        for (host, own) in &runs {
            table.row(
                "foreign checkout",
                checked_out,
                &[*host, own].concat(),
                Refused("is checked out; this run is about"),
            );
        }
    }
    table.check();
}

/// A commit that the job made on top of its own: what it adds is deployed, along with what the event brought.
#[test]
fn a_commit_that_the_job_made_is_compared_as_a_part_of_the_event() {
    let world = world();
    world.import("made", Some("refs/heads/main"), &[files("b c d new")]);
    world.import("made-merge", Some("refs/heads/merged"), &[files("a b c d x y new")]);
    let [main, older, topic] = ["main", "main~2", "topic"].map(|revision| world.id(revision));
    let mut table = Table::on(&world, GITHUB);
    let on = |table: &mut Table<'_>, kind: &'static str, sha: &str, checked_out, event: Value, right| {
        table.row(kind, checked_out, &[("GITHUB_EVENT_NAME", kind), ("GITHUB_SHA", sha)], right);
        table.rows.last_mut().unwrap().event = Some(event);
    };
    on(&mut table, "push", "@main", "made", push("refs/heads/main", &older, &main, false), Pair("main~2", "made"));
    on(&mut table, "schedule", "@main", "made", json!({}), Pair("main~1", "made"));
    on(&mut table, "workflow_dispatch", "@main~3", "made", json!({}), Pair(EMPTY, "made"));
    on(&mut table, "workflow_run", "@main", "made", workflow_run("schedule", &main), Pair("main~1", "made"));
    on(&mut table, "pull_request", "@merged", "made-merge", pull_request(&main, &topic), Pair("main", "made-merge"));
    table.check();
    let mut table =
        Table::on(&world, &[("GITLAB_CI", "true"), ("CI_DEFAULT_BRANCH", "main"), ("CI_COMMIT_SHA", "@main")]);
    table.row("by hand", "made", &[("CI_PIPELINE_SOURCE", "web")], Pair("main~1", "made"));
    let push = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_BEFORE_SHA", "@main~2")];
    table.row("push", "made", &push, Pair("main~2", "made"));
    table.check();
}

/// Another repository, which has none of the event's commits; and a person's word for the base, which is enough.
#[test]
fn another_repository_is_refused_until_a_person_gives_the_base() {
    let [world, other] = [world(), Checkout::with(&[files("a"), files("a b")])];
    let main = world.id("main");
    let event = push("refs/heads/main", &world.id("main~2"), &main, false);
    let refused = refusal(other.found_on_github("push", &event));
    assert!(refused.contains(&format!("this run is about the commit `{main}` (`after` of the event)")), "{refused}");
    assert!(refused.contains("another repository") && refused.contains("`base: file:PATH`"), "{refused}");
    let environment =
        environment_of(&[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push"), ("GITHUB_SHA", &main)]);
    let changes = Changes::Git { base: Some("main~1".to_owned()), head: None };
    assert_pair(&other, &find(&other.path, &changes, &environment).unwrap(), "main~1", "main");
    let head = Changes::Git { base: Some("main~1".to_owned()), head: Some("main".to_owned()) };
    assert_pair(&other, &find(&other.path, &head, &environment).unwrap(), "main~1", "main");
}
