//! Workflow runs, by the payloads that GitHub, Gitea and Forgejo write.

use serde_json::json;

use super::*;

fn push_event(branch: &str, before: &str, after: &str) -> Value {
    json!({
        "ref": branch, "before": before, "after": after, "forced": false,
        "repository": { "default_branch": "main" },
    })
}

fn pull_request_event() -> Value {
    json!({ "pull_request": { "base": { "sha": hex('b') }, "head": { "sha": hex('e') } } })
}

#[test]
fn a_push_starts_at_its_before_even_a_forced_one() {
    let mut event = push_event("refs/heads/main", &hex('b'), &hex('a'));
    let decision = World::github(commit('a', &['1']), "push", event.clone()).decide().unwrap();
    assert_eq!((decision.base, decision.head), (Base::Named(named('b', "before")), Head::CheckedOut));
    assert_eq!(decision.reason, "`before` of the push: what the CDN has served until now");
    event["forced"] = json!(true);
    let decision = World::github(commit('a', &[]), "push", event).decide().unwrap();
    assert_eq!(decision.base, Base::Named(named('b', "before")));
    assert_eq!(decision.reason, "`before` of the forced push: what the CDN has served until now");
}

#[test]
fn a_new_branch_starts_where_it_left_the_default_branch() {
    let event = push_event("refs/heads/feature/x", ZERO, &hex('a'));
    let decision = World::github(commit('a', &['1']), "push", event).decide().unwrap();
    assert_eq!(decision.base, Base::MergeBaseWithBranch("main".to_owned()));
    assert_eq!(decision.reason, "the first push of `feature/x`: the merge base with the default branch `main`");
}

#[test]
fn the_first_push_of_the_default_branch_is_new_as_a_whole() {
    let event = push_event("refs/heads/main", ZERO, &hex('a'));
    let decision = World::github(commit('a', &['1']), "push", event).decide().unwrap();
    assert_eq!(decision.base, Base::Nothing);
}

#[test]
fn a_deleted_branch_is_a_named_error() {
    let refused = World::github(commit('a', &['1']), "push", push_event("refs/heads/old", &hex('b'), ZERO)).refused();
    assert!(refused.contains("deletes `refs/heads/old`"), "{refused}");
    assert!(refused.contains("github.event.deleted"), "{refused}");
}

#[test]
fn a_merge_checkout_of_a_pull_request_starts_at_its_first_parent() {
    for name in ["pull_request", "pull_request_target"] {
        let decision = World::github(commit('a', &['1', 'e']), name, pull_request_event()).decide().unwrap();
        assert_eq!((decision.base, decision.head), (Base::Parent(id('1')), Head::CheckedOut), "{name}");
    }
}

#[test]
fn a_trial_merge_that_is_newer_than_the_event_is_known_by_the_jobs_commit() {
    let world = World::github(commit('a', &['1', '7']), "pull_request", pull_request_event());
    assert_eq!(world.decide().unwrap().head, Head::Named(named('e', "pull_request.head.sha")));
    assert_eq!(world.with("GITHUB_SHA", &hex('a')).decide().unwrap().base, Base::Parent(id('1')));
}

#[test]
fn a_pull_request_that_ends_in_a_merge_of_its_own_starts_at_the_merge_base() {
    let world = World::github(commit('e', &['1', '2']), "pull_request", pull_request_event());
    let decision = world.with("GITHUB_SHA", &hex('e')).decide().unwrap();
    assert_eq!(decision.base, Base::MergeBaseWith(named('b', "pull_request.base.sha")));
    assert_eq!(decision.head, Head::CheckedOut);
}

#[test]
fn a_checkout_of_the_target_branch_is_not_taken_for_the_pull_request() {
    // The target's last commit is the merge of an earlier pull request.
    let world = World::github(commit('b', &['1', '2']), "pull_request_target", pull_request_event());
    let decision = world.with("GITHUB_SHA", &hex('b')).decide().unwrap();
    assert_eq!(decision.base, Base::MergeBaseWith(named('b', "pull_request.base.sha")));
    assert_eq!(decision.head, Head::Named(named('e', "pull_request.head.sha")));
}

#[test]
fn a_given_head_stays_the_head_of_a_pull_request() {
    let mut world = World::github(commit('a', &['1']), "pull_request", pull_request_event());
    world.head_given = true;
    let decision = world.decide().unwrap();
    assert_eq!(decision.base, Base::MergeBaseWith(named('b', "pull_request.base.sha")));
    assert_eq!(decision.head, Head::CheckedOut);
}

#[test]
fn an_event_that_lacks_a_field_is_a_named_error() {
    let mut without_file = World::github(commit('a', &['1']), "push", json!({}));
    without_file.event = None;
    assert!(without_file.refused().contains("`GITHUB_EVENT_PATH`"));
    for (name, event, field) in [
        ("push", json!([]), "`ref`"),
        ("push", json!({ "ref": "refs/heads/x" }), "`before`"),
        ("push", json!({ "ref": "refs/heads/x", "before": "abc", "after": hex('a') }), "`before`"),
        ("push", json!({ "ref": "refs/heads/x", "before": 7, "after": hex('a') }), "`before`"),
        ("push", json!({ "ref": "refs/heads/x", "before": hex('b'), "after": "HEAD" }), "`after`"),
        ("push", json!({ "ref": "refs/heads/x", "before": ZERO, "after": hex('a') }), "`repository.default_branch`"),
        ("merge_group", json!({ "merge_group": { "head_sha": hex('e') } }), "`merge_group.base_sha`"),
        ("merge_group", json!({ "merge_group": { "base_sha": hex('b') } }), "`merge_group.head_sha`"),
        ("release", json!({ "action": "published", "release": {} }), "`release.tag_name`"),
        ("release", json!({ "release": { "tag_name": "v1" } }), "`action`"),
        ("workflow_run", json!({ "workflow_run": { "event": "schedule" } }), "`workflow_run.head_sha`"),
        ("workflow_run", json!({ "workflow_run": { "head_sha": hex('a') } }), "`workflow_run.event`"),
        ("pull_request", json!({ "pull_request": null }), "`pull_request.base.sha`"),
        ("pull_request", json!({ "pull_request": { "base": { "sha": hex('b') } } }), "`pull_request.head.sha`"),
    ] {
        let refused = World::github(commit('a', &['1']), name, event).refused();
        assert!(refused.contains(field) && refused.contains("give `base`"), "{refused} lacks {field}");
    }
}

#[test]
fn a_pushed_tag_starts_at_the_tag_before_it() {
    let event = push_event("refs/tags/v1.2", ZERO, &hex('a'));
    let decision = World::github(commit('a', &['1']), "push", event).decide().unwrap();
    assert_eq!((decision.base, decision.head), (Base::PreviousTag(Some("v1.2".to_owned())), Head::CheckedOut));
    assert_eq!(decision.reason, "the nearest tag in the history of the tag `v1.2`");
}

#[test]
fn a_tag_that_was_moved_starts_where_it_was() {
    let mut event = push_event("refs/tags/live", &hex('b'), &hex('a'));
    event["forced"] = json!(true);
    let decision = World::github(commit('a', &['1']), "push", event).decide().unwrap();
    assert_eq!(decision.base, Base::Named(named('b', "before")));
    assert_eq!(decision.reason, "`before` of the tag `live`, which was moved: what the CDN has served until now");
}

#[test]
fn a_deleted_tag_is_a_named_error() {
    let refused = World::github(commit('a', &['1']), "push", push_event("refs/tags/v1", &hex('b'), ZERO)).refused();
    assert!(refused.contains("deletes `refs/tags/v1`") && refused.contains("github.event.deleted"), "{refused}");
}

#[test]
fn a_push_of_something_else_is_a_named_error() {
    let event = push_event("refs/notes/commits", &hex('b'), &hex('a'));
    let refused = World::github(commit('a', &['1']), "push", event).refused();
    assert!(refused.contains("a push of `refs/notes/commits`") && refused.contains("give `base`"), "{refused}");
}

#[test]
fn a_release_starts_at_the_tag_before_its_own() {
    for action in ["published", "released", "prereleased", "created", "edited", "updated"] {
        let event = json!({ "action": action, "release": { "tag_name": "v1.2", "target_commitish": "main" } });
        let decision = World::github(commit('a', &['1']), "release", event).decide().unwrap();
        assert_eq!(
            (decision.base, decision.head),
            (Base::PreviousTag(Some("v1.2".to_owned())), Head::CheckedOut),
            "{action}"
        );
    }
}

#[test]
fn a_release_that_is_withdrawn_is_a_named_error() {
    for action in ["deleted", "unpublished"] {
        let event = json!({ "action": action, "release": { "tag_name": "v1.2" } });
        let refused = World::github(commit('a', &['1']), "release", event).refused();
        assert!(refused.contains(action) && refused.contains("`v1.2`") && refused.contains("published"), "{refused}");
    }
}

fn merge_group_event() -> Value {
    json!({
        "action": "checks_requested",
        "merge_group": {
            "base_ref": "refs/heads/main", "base_sha": hex('b'),
            "head_ref": "refs/heads/gh-readonly-queue/main/pr-7-bbbb", "head_sha": hex('e'),
        },
    })
}

#[test]
fn a_merge_group_starts_at_what_the_queue_puts_it_on() {
    let decision = World::github(commit('e', &['1', '2']), "merge_group", merge_group_event()).decide().unwrap();
    assert_eq!((decision.base, decision.head), (Base::Named(named('b', "merge_group.base_sha")), Head::CheckedOut));
    assert_eq!(decision.reason, "`merge_group.base_sha`: the commit that the merge queue puts this group on");
}

#[test]
fn a_merge_group_ends_at_its_own_commit_whatever_is_checked_out() {
    let mut world = World::github(commit('a', &['1']), "merge_group", merge_group_event());
    assert_eq!(world.decide().unwrap().head, Head::Named(named('e', "merge_group.head_sha")));
    world.head_given = true;
    assert_eq!(world.decide().unwrap().head, Head::CheckedOut);
}

#[test]
fn what_a_person_or_a_clock_started_takes_the_parent_and_says_so() {
    for name in ["workflow_dispatch", "schedule", "repository_dispatch"] {
        let mut world = World::github(commit('a', &['1', '2']), name, json!({ "inputs": null }));
        world.event = None;
        let decision = world.decide().unwrap();
        assert_eq!((decision.base, decision.head), (Base::Parent(id('1')), Head::CheckedOut), "{name}");
        let said =
            format!("the first parent of `HEAD`, as a `{name}` event names no earlier commit; `base` names another");
        assert_eq!(decision.reason, said);
        let first = World::github(commit('a', &[]), name, json!({})).decide().unwrap();
        assert_eq!(first.base, Base::Nothing);
    }
}

#[test]
fn a_workflow_that_is_started_on_a_tag_starts_at_the_tag_before_it() {
    let world = World::github(commit('a', &['1']), "workflow_dispatch", json!({}));
    let decision = world.with("GITHUB_REF_TYPE", "tag").with("GITHUB_REF_NAME", "v1.2").decide().unwrap();
    assert_eq!(decision.base, Base::PreviousTag(Some("v1.2".to_owned())));
}

fn workflow_run_event(first: &str) -> Value {
    json!({ "action": "completed", "workflow_run": { "event": first, "head_branch": "main", "head_sha": hex('a') } })
}

#[test]
fn a_workflow_run_takes_the_parent_of_the_commit_that_it_is_about() {
    let decision = World::github(commit('a', &['1']), "workflow_run", workflow_run_event("schedule")).decide().unwrap();
    assert_eq!(decision.base, Base::Parent(id('1')));
    assert!(decision.reason.contains("a `workflow_run` event names no earlier commit"), "{}", decision.reason);
}

#[test]
fn a_workflow_run_is_about_the_commit_of_the_first_run_and_not_about_the_default_branch() {
    let world = World::github(commit('c', &['a']), "workflow_run", workflow_run_event("schedule"));
    let mut world = world.with("GITHUB_SHA", &hex('c'));
    assert_eq!(world.about(), [named('a', "workflow_run.head_sha")]);
    assert_eq!(world.decide().unwrap().base, Base::ParentOf(named('a', "workflow_run.head_sha")));
    world.head_given = true;
    assert_eq!(world.decide().unwrap().base, Base::Parent(id('a')));
}

#[test]
fn an_event_names_its_commit_and_the_jobs() {
    let job = variable_of('c', "GITHUB_SHA");
    let [head, base] = [named('e', "pull_request.head.sha"), named('b', "pull_request.base.sha")];
    for (name, event, about) in [
        ("push", push_event("refs/heads/main", &hex('b'), &hex('a')), vec![named('a', "after")]),
        ("push", push_event("refs/heads/main", &hex('b'), ZERO), vec![]),
        ("pull_request", pull_request_event(), vec![head.clone()]),
        ("pull_request_target", pull_request_event(), vec![head, base]),
        ("merge_group", merge_group_event(), vec![named('e', "merge_group.head_sha")]),
        ("deployment", json!({ "deployment": { "sha": hex('e') } }), vec![named('e', "deployment.sha")]),
        ("deployment_status", json!({ "deployment": { "sha": hex('e') } }), vec![named('e', "deployment.sha")]),
        ("release", json!({ "action": "published" }), vec![]),
        ("schedule", json!({}), vec![]),
        ("workflow_dispatch", json!({}), vec![]),
    ] {
        let world = World::github(commit('a', &['1']), name, event).with("GITHUB_SHA", &hex('c'));
        assert_eq!(world.about(), [about, vec![job.clone()]].concat(), "{name}");
    }
}

#[test]
fn a_workflow_run_after_a_push_or_a_pull_request_is_a_named_error() {
    for first in ["push", "pull_request", "pull_request_target", "merge_group", "release", "issue_comment"] {
        let refused = World::github(commit('a', &['1']), "workflow_run", workflow_run_event(first)).refused();
        assert!(refused.contains(&format!("`{first}` event")) && refused.contains("give `base`"), "{refused}");
    }
}

#[test]
fn every_other_event_is_a_named_error_that_asks_for_a_base() {
    for name in ["create", "delete", "deployment", "deployment_status", "issue_comment", "status", "check_suite", "new"]
    {
        let refused = World::github(commit('a', &['1']), name, json!({ "ref": "main" })).refused();
        assert!(
            refused.contains(&format!("`{name}` event doesn't say")) && refused.contains("give `base`"),
            "{refused}"
        );
    }
    let nameless = World::local(commit('a', &['1'])).with("GITHUB_ACTIONS", "true").refused();
    assert!(nameless.contains("`GITHUB_EVENT_NAME`"), "{nameless}");
}

#[test]
fn gitea_and_forgejo_are_read_as_github_is() {
    for host in ["GITEA_ACTIONS", "FORGEJO_ACTIONS"] {
        // Gitea's push has no `forced`.
        let event = json!({ "ref": "refs/heads/main", "before": hex('b'), "after": hex('a'),
            "repository": { "default_branch": "main" } });
        let world = World { event: Some(event), ..World::local(commit('a', &['1'])) };
        let decision = world.with(host, "true").with("GITHUB_EVENT_NAME", "push").decide().unwrap();
        assert_eq!(decision.base, Base::Named(named('b', "before")));
    }
}
