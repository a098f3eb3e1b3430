//! Every kind of run on a repository of its own, against what `git diff` says for the pair that is right.

use serde_json::json;

use crate::git::Changed;

use super::against_git::{git_says, we_say};
use super::checkout::{Checkout, Files, refusal};

const ZERO: &str = "0000000000000000000000000000000000000000";
/// Git's name for a tree without entries.
pub(super) const EMPTY: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

pub(super) fn files(names: &str) -> Files {
    names.split(' ').map(|name| (name.as_bytes().to_vec(), ("100644", name.as_bytes().to_vec()))).collect()
}

/// `main` has four commits; `topic` left it after the second and has two of its own.
pub(super) fn parted() -> Checkout {
    let checkout = Checkout::with(&[files("a"), files("a b"), files("a b c"), files("b c d")]);
    checkout.import("topic", Some("refs/heads/main~2"), &[files("a b x"), files("a x y")]);
    checkout
}

/// [`parted`], with the merge of `topic` into `main` checked out as `merged`.
fn merged() -> Checkout {
    let checkout = parted();
    checkout.git(&["checkout", "--quiet", "-b", "merged", "main"]);
    checkout.git(&["merge", "--quiet", "--no-ff", "--message=x", "topic"]);
    checkout
}

/// Between these two commits, and as git says.
#[track_caller]
pub(super) fn assert_pair(checkout: &Checkout, found: &Changed, base: &str, head: &str) {
    assert_eq!(found.range.head, checkout.id(head), "{}", found.range.reason);
    let of_base = if base == EMPTY { None } else { Some(checkout.id(base)) };
    assert_eq!(found.range.base, of_base, "{}", found.range.reason);
    let git = git_says(checkout, base, head);
    assert!(!git.is_empty(), "a pair without a difference shows nothing");
    assert_eq!(we_say(&found.files), git);
}

/// In a job on GitLab.
fn on_gitlab(checkout: &Checkout, source: &str, variables: &[(&str, &str)]) -> Changed {
    let head = checkout.id("HEAD");
    let common = [
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_SOURCE", source),
        ("CI_COMMIT_SHA", &*head),
        ("CI_DEFAULT_BRANCH", "main"),
    ];
    checkout.found(&[&common[..], variables].concat()).unwrap()
}

#[test]
fn a_merge_group_of_github() {
    let checkout = merged();
    let sha = |revision: &str| checkout.id(revision);
    let event = json!({ "merge_group": { "base_sha": sha("main"), "head_sha": sha("merged") } });
    assert_pair(&checkout, &checkout.found_on_github("merge_group", &event).unwrap(), "main", "merged");
    checkout.git(&["checkout", "--quiet", "topic"]);
    let refused = refusal(checkout.found_on_github("merge_group", &event));
    assert!(refused.contains("`merge_group.head_sha` of the event"), "{refused}");
}

#[test]
fn a_run_of_github_that_a_person_or_a_clock_started() {
    let checkout = parted();
    for name in ["workflow_dispatch", "schedule", "repository_dispatch"] {
        assert_pair(&checkout, &checkout.found_on_github(name, &json!({})).unwrap(), "main~1", "main");
    }
    let event = json!({ "workflow_run": { "event": "schedule", "head_sha": checkout.id("main") } });
    assert_pair(&checkout, &checkout.found_on_github("workflow_run", &event).unwrap(), "main~1", "main");
    let shallow = checkout.clone(&["--depth=1"]);
    let refused = refusal(shallow.found_on_github("schedule", &json!({})));
    assert!(refused.contains("parent commit") && refused.contains("`fetch-depth: 2`"), "{refused}");
}

#[test]
fn a_push_to_gitlab() {
    let checkout = parted();
    let before = checkout.id("main~3");
    let branch = ("CI_COMMIT_BRANCH", "main");
    let found = on_gitlab(&checkout, "push", &[branch, ("CI_COMMIT_BEFORE_SHA", &before)]);
    assert_pair(&checkout, &found, "main~3", "main");
    let child = on_gitlab(&checkout, "parent_pipeline", &[branch, ("CI_COMMIT_BEFORE_SHA", &before)]);
    assert_pair(&checkout, &child, "main~3", "main");
    let first = on_gitlab(&checkout, "push", &[branch, ("CI_COMMIT_BEFORE_SHA", ZERO)]);
    assert_pair(&checkout, &first, EMPTY, "main");
    let by_hand = on_gitlab(&checkout, "web", &[branch, ("CI_COMMIT_BEFORE_SHA", ZERO)]);
    assert_pair(&checkout, &by_hand, "main~1", "main");
    checkout.git(&["checkout", "--quiet", "topic"]);
    let topic = on_gitlab(&checkout, "push", &[("CI_COMMIT_BRANCH", "topic"), ("CI_COMMIT_BEFORE_SHA", ZERO)]);
    assert_pair(&checkout, &topic, "main~2", "topic");
}

#[test]
fn a_before_that_gitlabs_shallow_clone_lacks_is_named() {
    let origin = parted();
    let clone = origin.clone(&["--depth=1"]);
    let before = origin.id("main~2");
    let refused = refusal(clone.found(&[
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_SOURCE", "push"),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_COMMIT_BEFORE_SHA", &before),
    ]));
    assert!(refused.contains(&format!("`{before}` (`CI_COMMIT_BEFORE_SHA`)")), "{refused}");
    assert!(refused.contains("`GIT_DEPTH: 0`"), "{refused}");
}

#[test]
fn a_merge_request_of_gitlab() {
    let checkout = parted();
    checkout.git(&["checkout", "--quiet", "topic"]);
    let base = checkout.id("main~2");
    let found = on_gitlab(
        &checkout,
        "merge_request_event",
        &[
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_EVENT_TYPE", "detached"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base),
            ("CI_COMMIT_BEFORE_SHA", ZERO),
        ],
    );
    assert_pair(&checkout, &found, "main~2", "topic");
}

/// In a merged results pipeline or a merge train, whose merge is based on `target`.
fn in_merge(checkout: &Checkout, kind: &str, source: &str, target: &str) -> Changed {
    let (base, source, target) = (checkout.id("main~2"), checkout.id(source), checkout.id(target));
    let variables = [
        ("CI_MERGE_REQUEST_IID", "7"),
        ("CI_MERGE_REQUEST_EVENT_TYPE", kind),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &*base),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &source),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", &target),
    ];
    on_gitlab(checkout, "merge_request_event", &variables)
}

#[test]
fn merged_results_of_gitlab() {
    let checkout = merged();
    assert_pair(&checkout, &in_merge(&checkout, "merged_result", "topic", "main"), "main", "merged");
}

#[test]
fn a_merge_train_of_gitlab() {
    let checkout = merged();
    checkout.import("second", Some("refs/heads/main"), &[files("b c d z")]);
    checkout.git(&["checkout", "--quiet", "-b", "train"]);
    checkout.git(&["merge", "--quiet", "--no-ff", "--message=x", "second"]);
    let found = in_merge(&checkout, "merge_train", "second", "merged");
    assert_pair(&checkout, &found, "merged", "train");
    assert_eq!(found.range.reason, "the first parent of the merge train's merge commit: the branch that it goes to");
}

#[test]
fn a_merge_train_of_gitlab_that_rebases() {
    let checkout = parted();
    checkout.git(&["checkout", "--quiet", "-b", "rebased", "topic"]);
    checkout.git(&["rebase", "--quiet", "main"]);
    assert_pair(&checkout, &in_merge(&checkout, "merge_train", "topic", "main"), "main", "rebased");
}

#[test]
fn a_pull_request_that_jenkins_merged_or_not() {
    let origin = merged();
    for (branch, base) in [("topic", "main~2"), ("merged", "main")] {
        let clone = origin.clone(&[&format!("--branch={branch}")]);
        let found = clone
            .found(&[("JENKINS_URL", "https://jenkins.example.com/"), ("BUILD_NUMBER", "7"), ("CHANGE_TARGET", "main")])
            .unwrap();
        let base = if branch == "topic" { origin.id(base) } else { origin.id("main") };
        assert_pair(&clone, &found, &base, branch);
    }
}

#[test]
fn a_pull_request_that_bitbucket_merged() {
    let checkout = parted();
    checkout.git(&["checkout", "--quiet", "-b", "merged", "topic"]);
    checkout.git(&["merge", "--quiet", "--no-ff", "--message=x", "main"]);
    let destination = checkout.id("main");
    let found = checkout
        .found(&[
            ("BITBUCKET_BUILD_NUMBER", "7"),
            ("BITBUCKET_PR_ID", "3"),
            ("BITBUCKET_PR_DESTINATION_COMMIT", &destination[..12]),
            ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
        ])
        .unwrap();
    assert_pair(&checkout, &found, "main", "merged");
}
