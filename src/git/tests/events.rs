//! From a CI host's variables and event to the list of changes, on real repositories.

use serde_json::json;

use crate::config::Changes;
use crate::environment::Environment;
use crate::git::find;

use super::checkout::{Checkout, Files, environment_of, lines, refusal};

const ZERO: &str = "0000000000000000000000000000000000000000";

fn files(list: &[(&str, &str)]) -> Files {
    list.iter().map(|(path, content)| (path.as_bytes().to_vec(), ("100644", content.as_bytes().to_vec()))).collect()
}

fn push_event(branch: &str, before: &str, after: &str) -> serde_json::Value {
    json!({
        "ref": format!("refs/heads/{branch}"), "before": before, "after": after,
        "repository": { "default_branch": "main" },
    })
}

/// `main` has `a` and `b`; `topic` left it after `a` and has `c`.
fn parted() -> Checkout {
    let checkout = Checkout::with(&[files(&[("a", "1")]), files(&[("a", "1"), ("b", "1")])]);
    checkout.import("topic", Some("refs/heads/main~1"), &[files(&[("a", "1"), ("c", "1")])]);
    checkout
}

#[test]
fn without_a_ci_the_last_commit_counts() {
    let checkout = Checkout::with_three_commits();
    let found = checkout.found(&[]).unwrap();
    assert_eq!(lines(&found.files), ["M one"]);
    assert_eq!(found.range.base, Some(checkout.id("HEAD~1")));
    assert_eq!(found.range.head, checkout.id("HEAD"));
}

#[test]
fn the_first_commit_is_new_as_a_whole() {
    let checkout = Checkout::with(&[files(&[("a", "1"), ("b/c", "1")])]);
    let found = checkout.found(&[]).unwrap();
    assert_eq!(found.range.base, None);
    assert_eq!(lines(&found.files), ["A a", "A b/c"]);
}

#[test]
fn a_given_head_moves_the_local_base_with_it() {
    let checkout = Checkout::with_three_commits();
    let changes = Changes::Git { base: None, head: Some("HEAD~1".to_owned()) };
    assert_eq!(lines(&find(&checkout.path, &changes, &Environment::new()).unwrap().files), ["A two"]);
}

#[test]
fn a_subdirectory_finds_the_repository_above_it_and_all_of_its_changes() {
    let checkout = Checkout::with_three_commits();
    let inside = checkout.path.join("docs/deep");
    std::fs::create_dir_all(&inside).unwrap();
    let changes = Changes::Git { base: None, head: None };
    assert_eq!(lines(&find(&inside, &changes, &Environment::new()).unwrap().files), ["M one"]);
    assert_eq!(lines(&find(&checkout.path.join(".git"), &changes, &Environment::new()).unwrap().files), ["M one"]);
}

#[test]
fn a_linked_work_tree_has_its_own_head() {
    let checkout = Checkout::with_three_commits();
    let linked = checkout.outside().join("linked");
    checkout.git(&["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap(), "HEAD~1"]);
    let changes = Changes::Git { base: None, head: None };
    assert_eq!(lines(&find(&linked, &changes, &Environment::new()).unwrap().files), ["A two"]);
}

#[test]
fn the_same_commit_twice_is_an_empty_list_that_says_so() {
    let found = Checkout::with_three_commits().between("HEAD", "main").unwrap();
    assert_eq!(lines(&found.files), [""; 0]);
    assert!(found.range.reason.ends_with("base and head are the same commit, so nothing differs"));
}

#[test]
fn an_annotated_tag_stands_for_its_commit() {
    let checkout = Checkout::with_three_commits();
    checkout.git(&["tag", "--annotate", "--message=x", "v1", "HEAD~2"]);
    checkout.git(&["tag", "--annotate", "--message=x", "of-a-tag", "v1"]);
    for tag in ["v1", "of-a-tag", "refs/tags/v1"] {
        let found = checkout.between(tag, "HEAD").unwrap();
        assert_eq!(found.range.base, Some(checkout.id("HEAD~2")));
        assert_eq!(lines(&found.files), ["M one", "A two"]);
    }
}

#[test]
fn a_push_counts_from_its_before() {
    let checkout = Checkout::with_three_commits();
    let event = push_event("main", &checkout.id("HEAD~2"), &checkout.id("HEAD"));
    let found = checkout.found_on_github("push", &event).unwrap();
    assert_eq!(lines(&found.files), ["M one", "A two"]);
    assert_eq!(found.range.reason, "`before` of the push: what the CDN has served until now");
}

#[test]
fn a_forced_push_counts_from_its_before_and_not_from_where_the_histories_parted() {
    let checkout = parted();
    let mut event = push_event("main", &checkout.id("topic"), &checkout.id("main"));
    event["forced"] = json!(true);
    assert_eq!(lines(&checkout.found_on_github("push", &event).unwrap().files), ["R c b"]);
}

#[test]
fn a_new_branch_counts_from_where_it_left_the_default_branch() {
    let origin = parted();
    let clone = origin.clone(&["--branch=topic"]);
    let event = push_event("topic", ZERO, &clone.id("HEAD"));
    let found = clone.found_on_github("push", &event).unwrap();
    assert_eq!(lines(&found.files), ["A c"]);
    assert_eq!(found.range.base, Some(origin.id("main~1")));
    let single = origin.clone(&["--branch=topic", "--single-branch"]);
    let refused = refusal(single.found_on_github("push", &event));
    assert!(refused.contains("branch `main` isn't in this clone") && refused.contains("fetch-depth: 0"), "{refused}");
}

#[test]
fn the_first_push_of_the_default_branch_is_new_as_a_whole() {
    let checkout = Checkout::with_three_commits();
    let found = checkout.found_on_github("push", &push_event("main", ZERO, &checkout.id("HEAD"))).unwrap();
    assert_eq!(lines(&found.files), ["A one", "A two"]);
}

#[test]
fn a_pull_request_counts_what_it_brings_to_its_target() {
    let checkout = parted();
    let sha = |revision: &str| json!({ "sha": checkout.id(revision) });
    let event = json!({ "pull_request": { "base": sha("main"), "head": sha("topic") } });
    checkout.git(&["checkout", "--quiet", "topic"]);
    let of_its_head = checkout.found_on_github("pull_request", &event).unwrap();
    assert_eq!(lines(&of_its_head.files), ["A c"]);
    assert_eq!(of_its_head.range.base, Some(checkout.id("main~1")));

    checkout.git(&["checkout", "--quiet", "main"]);
    let of_its_target = checkout.found_on_github("pull_request_target", &event).unwrap();
    assert_eq!(lines(&of_its_target.files), ["A c"], "although the checkout is the target branch");

    checkout.git(&["checkout", "--quiet", "--detach", "main"]);
    checkout.git(&["merge", "--quiet", "--no-ff", "--message=x", "topic"]);
    let merged = checkout.found_on_github("pull_request", &event).unwrap();
    assert_eq!(lines(&merged.files), ["A c"]);
    assert_eq!(merged.range.base, Some(checkout.id("main")));
    assert_eq!(merged.range.head, checkout.id("HEAD"));
}

#[test]
fn branches_without_a_commit_in_common_are_a_named_error() {
    let checkout = Checkout::with_three_commits();
    checkout.git(&["checkout", "--quiet", "--orphan", "other"]);
    checkout.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    let refused = refusal(checkout.found_on_github("push", &push_event("other", ZERO, &checkout.id("HEAD"))));
    assert!(refused.contains("no commit in common") && refused.contains("give `base`"), "{refused}");
}

#[test]
fn a_given_base_needs_no_event() {
    let checkout = Checkout::with_three_commits();
    let environment = environment_of(&[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_PATH", "/nowhere")]);
    let changes = Changes::Git { base: Some("HEAD~2".to_owned()), head: None };
    assert_eq!(lines(&find(&checkout.path, &changes, &environment).unwrap().files), ["M one", "A two"]);
}

#[test]
fn an_event_file_that_cannot_be_used_is_a_named_error() {
    let checkout = Checkout::with_three_commits();
    let file = checkout.outside().join("event");
    let path = file.to_str().unwrap();
    let refused = || {
        let environment = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push"), ("GITHUB_EVENT_PATH", path)];
        let refused = refusal(checkout.found(&environment));
        assert!(refused.contains(path) && refused.contains("give `base`"), "{refused}");
        refused
    };
    assert!(refused().contains("can't be read"));
    std::fs::write(&file, "{\"ref\": ").unwrap();
    assert!(refused().contains("isn't JSON"));
    std::fs::write(&file, "[".repeat(100_000)).unwrap();
    assert!(refused().contains("isn't JSON"));
    std::fs::File::create(&file).unwrap().set_len((32 << 20) + 1).unwrap();
    assert!(refused().contains("larger than 32 MiB"));
}
