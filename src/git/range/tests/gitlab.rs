//! GitLab's pipelines, by the variables that each kind has.

use super::*;

/// A job of a pipeline with this source, on the commit `a`.
fn job(source: &str, variables: &[(&str, &str)]) -> World {
    let world = World::on(commit('a', &['1']), &[("GITLAB_CI", "true"), ("CI_DEFAULT_BRANCH", "main")]);
    let world = world.with("CI_PIPELINE_SOURCE", source).with("CI_COMMIT_SHA", &hex('a'));
    variables.iter().fold(world, |world, (name, value)| world.with(name, value))
}

fn push(branch: &str, before: &str) -> World {
    job("push", &[("CI_COMMIT_BRANCH", branch), ("CI_COMMIT_BEFORE_SHA", before)])
}

/// A job of a merge request pipeline of this type.
fn merge_request(kind: &str) -> World {
    job(
        "merge_request_event",
        &[
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_EVENT_TYPE", kind),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &hex('b')),
            ("CI_COMMIT_BEFORE_SHA", ZERO),
        ],
    )
}

/// A job of a pipeline on a commit that has the target `t` and the source `e` in it.
fn merged(kind: &str, parents: &[char]) -> World {
    let world = merge_request(kind).with("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &hex('e'));
    let world = world.with("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", &hex('d'));
    World { head: commit('a', parents), ..world }
}

#[test]
fn a_push_starts_at_its_before() {
    for source in ["push", "webide"] {
        let world = push("main", &hex('b')).with("CI_PIPELINE_SOURCE", source);
        let decision = world.decide().unwrap();
        let base = Base::Named(variable_of('b', "CI_COMMIT_BEFORE_SHA"));
        assert_eq!((decision.base, decision.head), (base, Head::CheckedOut));
        assert_eq!(decision.reason, "`CI_COMMIT_BEFORE_SHA` of the push: what the CDN has served until now");
    }
}

#[test]
fn the_first_pipeline_of_a_branch_starts_where_it_left_the_default_branch() {
    let decision = push("feature/x", ZERO).decide().unwrap();
    assert_eq!(decision.base, Base::MergeBaseWithBranch("main".to_owned()));
    assert_eq!(decision.reason, "the first pipeline of `feature/x`: the merge base with the default branch `main`");
}

#[test]
fn the_first_pipeline_of_the_default_branch_is_new_as_a_whole() {
    let decision = push("main", ZERO).decide().unwrap();
    assert_eq!(decision.base, Base::Nothing);
    assert_eq!(decision.reason, "the first pipeline of the default branch `main`: everything in it is new");
}

#[test]
fn a_tag_starts_at_the_tag_before_it_however_its_pipeline_was_started() {
    for source in ["push", "web", "schedule", "api", "parent_pipeline"] {
        let decision = job(source, &[("CI_COMMIT_TAG", "v1.2"), ("CI_COMMIT_BEFORE_SHA", ZERO)]).decide().unwrap();
        assert_eq!(decision.base, Base::PreviousTag(Some("v1.2".to_owned())), "{source}");
    }
}

#[test]
fn a_tag_that_was_moved_starts_where_it_was() {
    let decision = job("push", &[("CI_COMMIT_TAG", "live"), ("CI_COMMIT_BEFORE_SHA", &hex('b'))]).decide().unwrap();
    assert_eq!(decision.base, Base::Named(variable_of('b', "CI_COMMIT_BEFORE_SHA")));
    assert!(decision.reason.contains("`live`, which was moved"), "{}", decision.reason);
}

#[test]
fn a_merge_request_starts_where_it_left_its_target() {
    for world in [merge_request("detached"), merge_request("")] {
        let decision = world.decide().unwrap();
        let base = Base::Named(variable_of('b', "CI_MERGE_REQUEST_DIFF_BASE_SHA"));
        assert_eq!((decision.base, decision.head), (base, Head::CheckedOut));
    }
}

#[test]
fn another_checkout_than_the_merge_requests_is_compared_by_the_merge_base() {
    let world = World { head: commit('c', &['1']), ..merge_request("detached") };
    assert_eq!(world.decide().unwrap().base, Base::MergeBaseWith(variable_of('b', "CI_MERGE_REQUEST_DIFF_BASE_SHA")));
    let world = World { head: commit('c', &['1']), ..merged("merge_train", &[]) };
    assert_eq!(
        world.decide().unwrap().base,
        Base::MergeBaseWith(variable_of('d', "CI_MERGE_REQUEST_TARGET_BRANCH_SHA"))
    );
}

#[test]
fn a_merge_commit_of_the_target_and_the_source_starts_at_the_target() {
    for (kind, said) in [("merged_result", "merged results pipeline"), ("merge_train", "merge train")] {
        let decision = merged(kind, &['d', 'e']).decide().unwrap();
        assert_eq!((decision.base, decision.head), (Base::Parent(id('d')), Head::CheckedOut));
        assert_eq!(
            decision.reason,
            format!("the first parent of the {said}'s merge commit: the branch that it goes to")
        );
    }
}

#[test]
fn a_commit_that_is_not_that_merge_starts_at_the_target_that_gitlab_names() {
    // A train of rebased commits; a merge of the source's own; parents the other way round.
    for parents in [&['1'][..], &['1', '2'], &['e', 'd'], &['2', 'e']] {
        let decision = merged("merge_train", parents).decide().unwrap();
        let base = Base::Named(variable_of('d', "CI_MERGE_REQUEST_TARGET_BRANCH_SHA"));
        assert_eq!(decision.base, base, "{parents:?}");
        assert_eq!(decision.reason, "`CI_MERGE_REQUEST_TARGET_BRANCH_SHA`: the base of the merge train");
    }
}

#[test]
fn a_merge_request_that_lacks_its_commits_is_a_named_error() {
    for (world, name) in [
        (merge_request("detached").with("CI_MERGE_REQUEST_DIFF_BASE_SHA", ""), "`CI_MERGE_REQUEST_DIFF_BASE_SHA`"),
        (merge_request("detached").with("CI_MERGE_REQUEST_DIFF_BASE_SHA", ZERO), "`CI_MERGE_REQUEST_DIFF_BASE_SHA`"),
        (merge_request("merged_result"), "`CI_MERGE_REQUEST_TARGET_BRANCH_SHA`"),
        (merge_request("something"), "`something`"),
        (job("merge_request_event", &[]), "`CI_MERGE_REQUEST_IID`"),
    ] {
        let refused = world.refused();
        assert!(refused.contains(name) && refused.contains("give `base`"), "{refused}");
    }
}

#[test]
fn a_pipeline_started_by_hand_or_a_clock_takes_the_parent_and_says_so() {
    for (source, said) in [("web", "a pipeline started by hand"), ("schedule", "a scheduled pipeline")] {
        let decision = job(source, &[("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_BEFORE_SHA", ZERO)]).decide().unwrap();
        assert_eq!(decision.base, Base::Parent(id('1')));
        let reason = format!("the first parent of `HEAD`, as {said} names no earlier commit; `base` names another");
        assert_eq!(decision.reason, reason);
    }
}

#[test]
fn a_child_pipeline_is_about_what_its_parent_was_about() {
    let of_push = push("main", &hex('b')).with("CI_PIPELINE_SOURCE", "parent_pipeline").decide().unwrap();
    assert_eq!(of_push.base, Base::Named(variable_of('b', "CI_COMMIT_BEFORE_SHA")));
    let of_merge_request = merge_request("detached").with("CI_PIPELINE_SOURCE", "parent_pipeline").decide().unwrap();
    assert_eq!(of_merge_request.base, Base::Named(variable_of('b', "CI_MERGE_REQUEST_DIFF_BASE_SHA")));
}

#[test]
fn a_child_pipeline_whose_parent_may_be_anything_is_a_named_error() {
    let refused = push("main", ZERO).with("CI_PIPELINE_SOURCE", "parent_pipeline").refused();
    assert!(refused.contains("child pipeline") && refused.contains("give `base`"), "{refused}");
}

#[test]
fn a_pull_request_of_github_starts_at_the_merge_base() {
    let target = ("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA", hex('d'));
    let decision = job("external_pull_request_event", &[(target.0, &target.1)]).decide().unwrap();
    assert_eq!(decision.base, Base::MergeBaseWith(variable_of('d', target.0)));
    assert!(job("external_pull_request_event", &[]).refused().contains(target.0));
}

#[test]
fn a_pipeline_that_a_program_started_is_a_named_error() {
    for source in ["trigger", "api", "pipeline", "chat", "external", "ondemand_dast_scan", "new"] {
        let refused = job(source, &[("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_BEFORE_SHA", ZERO)]).refused();
        assert!(refused.contains(&format!("`{source}`")) && refused.contains("`base`"), "{refused}");
    }
}

#[test]
fn a_variable_that_is_absent_or_no_commit_is_a_named_error() {
    for (world, name) in [
        (push("main", &hex('b')).with("CI_PIPELINE_SOURCE", ""), "`CI_PIPELINE_SOURCE`"),
        (push("main", ""), "`CI_COMMIT_BEFORE_SHA`"),
        (push("main", "bbbbbbb"), "`CI_COMMIT_BEFORE_SHA`"),
        (push("", &hex('b')), "`CI_COMMIT_BRANCH`"),
        (push("x", ZERO).with("CI_DEFAULT_BRANCH", ""), "`CI_DEFAULT_BRANCH`"),
    ] {
        let refused = world.refused();
        assert!(refused.contains(name) && refused.contains("give `base`"), "{refused} lacks {name}");
    }
}
