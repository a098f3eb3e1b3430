//! The other CIs, by the variables that each of them sets.

use super::*;

/// On the commit `a`, a child of `1`.
fn on(variables: &[(&str, &str)]) -> World {
    World::on(commit('a', &['1']), variables)
}

const JENKINS: [(&str, &str); 2] = [("JENKINS_URL", "https://jenkins.example.com/"), ("BUILD_NUMBER", "7")];

fn jenkins(variables: &[(&str, &str)]) -> World {
    on(&[&JENKINS, variables].concat())
}

fn azure(reason: &str, reference: &str) -> World {
    on(&[("TF_BUILD", "True"), ("BUILD_REASON", reason), ("BUILD_SOURCEBRANCH", reference)])
}

fn woodpecker(event: &str, variables: &[(&str, &str)]) -> World {
    on(&[&[("CI", "woodpecker"), ("CI_PIPELINE_EVENT", event), ("CI_COMMIT_BRANCH", "main")], variables].concat())
}

#[test]
fn every_ci_names_the_branch_that_a_pull_request_goes_to() {
    for world in [
        jenkins(&[("CHANGE_ID", "3"), ("CHANGE_TARGET", "main"), ("GIT_PREVIOUS_SUCCESSFUL_COMMIT", &hex('b'))]),
        on(&[
            ("BITBUCKET_BUILD_NUMBER", "7"),
            ("BITBUCKET_PR_ID", "3"),
            ("BITBUCKET_PR_DESTINATION_COMMIT", "dddddddddddd"),
            ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
        ]),
        azure("PullRequest", "refs/pull/3/merge").with("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"),
        azure("PullRequest", "refs/pull/3/merge").with("SYSTEM_PULLREQUEST_TARGETBRANCH", "main"),
        on(&[("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "3"), ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main")]),
        woodpecker("pull_request", &[("CI_COMMIT_TARGET_BRANCH", "main"), ("CI_PREV_COMMIT_SHA", &hex('b'))]),
    ] {
        let decision = world.decide().unwrap();
        let base = Base::MergeBaseWithBranch("main".to_owned());
        assert_eq!((decision.base, decision.head), (base, Head::CheckedOut), "{:?}", world.environment);
        assert_eq!(decision.reason, "the merge base with `main`, the branch that the pull request goes to");
    }
}

#[test]
fn a_tag_starts_at_the_tag_before_it_on_every_ci() {
    for world in [
        jenkins(&[("TAG_NAME", "v1.2"), ("GIT_PREVIOUS_SUCCESSFUL_COMMIT", &hex('b'))]),
        on(&[("CIRCLECI", "true"), ("CIRCLE_TAG", "v1.2")]),
        on(&[("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_TAG", "v1.2")]),
        azure("IndividualCI", "refs/tags/v1.2"),
        azure("Manual", "refs/tags/v1.2"),
        on(&[("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "false"), ("BUILDKITE_TAG", "v1.2")]),
        woodpecker("tag", &[("CI_COMMIT_TAG", "v1.2"), ("CI_PREV_COMMIT_SHA", &hex('b'))]),
        woodpecker("release", &[("CI_COMMIT_TAG", "v1.2")]),
    ] {
        assert_eq!(world.decide().unwrap().base, Base::PreviousTag(Some("v1.2".to_owned())), "{:?}", world.environment);
    }
}

#[test]
fn what_a_person_or_a_clock_started_takes_the_parent_and_says_so() {
    for world in [
        azure("Manual", "refs/heads/main"),
        azure("Schedule", "refs/heads/main"),
        on(&[("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "false"), ("BUILDKITE_SOURCE", "ui")]),
        on(&[("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "false"), ("BUILDKITE_SOURCE", "schedule")]),
        woodpecker("manual", &[("CI_PREV_COMMIT_SHA", &hex('b'))]),
        woodpecker("cron", &[("CI_PREV_COMMIT_SHA", &hex('b'))]),
    ] {
        let decision = world.decide().unwrap();
        assert_eq!(decision.base, Base::Parent(id('1')), "{:?}", world.environment);
        assert!(decision.reason.ends_with("names no earlier commit; `base` names another"), "{}", decision.reason);
    }
}

#[test]
fn a_push_without_a_word_of_what_was_before_is_a_named_error_with_this_cis_remedy() {
    for (world, remedy) in [
        (jenkins(&[]), "`scmVars.GIT_PREVIOUS_SUCCESSFUL_COMMIT`"),
        (on(&[("CIRCLECI", "true"), ("CIRCLE_BRANCH", "main")]), "`--base << pipeline.git.base_revision >>`"),
        (on(&[("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_BRANCH", "main")]), "give `base`"),
        (azure("IndividualCI", "refs/heads/main"), "`IndividualCI`"),
        (azure("BatchedCI", "refs/heads/main"), "`BatchedCI`"),
        (azure("ResourceTrigger", "refs/heads/main"), "give `base`"),
        (on(&[("BUILDKITE", "true"), ("BUILDKITE_SOURCE", "webhook")]), "`buildkite-agent meta-data`"),
        (on(&[("BUILDKITE", "true"), ("BUILDKITE_SOURCE", "trigger_job")]), "`trigger_job`"),
        (woodpecker("deployment", &[]), "`deployment`"),
        (woodpecker("pull_request_closed", &[]), "`pull_request_closed`"),
    ] {
        let refused = world.refused();
        assert!(refused.contains(remedy) && refused.contains("doesn't say which commit was deployed"), "{refused}");
    }
}

#[test]
fn a_variable_that_is_absent_or_no_commit_is_a_named_error() {
    let bitbucket = [("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_PR_ID", "3")];
    for (world, name) in [
        (jenkins(&[("GIT_PREVIOUS_SUCCESSFUL_COMMIT", "null")]), "`GIT_PREVIOUS_SUCCESSFUL_COMMIT`"),
        (jenkins(&[("GIT_PREVIOUS_SUCCESSFUL_COMMIT", &hex('b')), ("GIT_COMMIT", "HEAD")]), "`GIT_COMMIT`"),
        (on(&bitbucket), "`BITBUCKET_PR_DESTINATION_COMMIT`"),
        (on(&bitbucket).with("BITBUCKET_PR_DESTINATION_COMMIT", "dddddddddddd"), "`BITBUCKET_PR_DESTINATION_BRANCH`"),
        (on(&[("TF_BUILD", "True")]), "`BUILD_REASON`"),
        (azure("Manual", ""), "`BUILD_SOURCEBRANCH`"),
        (azure("PullRequest", "refs/pull/3/merge"), "`SYSTEM_PULLREQUEST_TARGETBRANCH`"),
        (on(&[("BUILDKITE", "true")]), "`BUILDKITE_SOURCE`"),
        (on(&[("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "3")]), "`BUILDKITE_PULL_REQUEST_BASE_BRANCH`"),
        (woodpecker("", &[]), "`CI_PIPELINE_EVENT`"),
        (woodpecker("tag", &[]), "`CI_COMMIT_TAG`"),
        (woodpecker("pull_request", &[]), "`CI_COMMIT_TARGET_BRANCH`"),
        (woodpecker("push", &[]), "`CI_REPO_DEFAULT_BRANCH`"),
        (woodpecker("push", &[("CI_PREV_COMMIT_SHA", &hex('b'))]), "`CI_PREV_PIPELINE_EVENT`"),
    ] {
        let refused = world.refused();
        assert!(refused.contains(name) && refused.contains("give `base`"), "{refused} lacks {name}");
    }
}

#[test]
fn jenkins_starts_at_its_last_successful_build() {
    let previous = ("GIT_PREVIOUS_SUCCESSFUL_COMMIT", hex('b'));
    let decision = jenkins(&[(previous.0, &previous.1), ("GIT_COMMIT", &hex('a'))]).decide().unwrap();
    assert_eq!((decision.base, decision.head), (Base::Named(variable_of('b', previous.0)), Head::CheckedOut));
    assert_eq!(decision.reason, "`GIT_PREVIOUS_SUCCESSFUL_COMMIT`: what the last successful build deployed");
}

#[test]
fn every_ci_names_the_commit_that_its_job_is_about() {
    for (world, field) in [
        (jenkins(&[("GIT_COMMIT", &hex('c'))]), "GIT_COMMIT"),
        (on(&[("CIRCLECI", "true"), ("CIRCLE_SHA1", &hex('c'))]), "CIRCLE_SHA1"),
        (on(&[("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_COMMIT", &hex('c'))]), "BITBUCKET_COMMIT"),
        (azure("Manual", "refs/heads/main").with("BUILD_SOURCEVERSION", &hex('c')), "BUILD_SOURCEVERSION"),
        (on(&[("BUILDKITE", "true"), ("BUILDKITE_COMMIT", &hex('c'))]), "BUILDKITE_COMMIT"),
        (woodpecker("push", &[("CI_COMMIT_SHA", &hex('c'))]), "CI_COMMIT_SHA"),
        (on(&[("GITLAB_CI", "true"), ("CI_COMMIT_SHA", &hex('c'))]), "CI_COMMIT_SHA"),
    ] {
        assert_eq!(world.about(), [variable_of('c', field)]);
        // Not a commit of 40 digits, as Buildkite's `HEAD`.
        assert_eq!(world.with(field, "HEAD").about(), []);
    }
    assert_eq!(on(&[("GIT_COMMIT", &hex('c'))]).about(), [], "of another CI");
    assert_eq!(World::local(commit('a', &[])).with("GITHUB_SHA", &hex('c')).about(), []);
}

#[test]
fn what_a_person_started_counts_from_the_parent_of_its_own_commit_and_not_of_one_that_the_job_made() {
    for world in [azure("Manual", "refs/heads/main"), azure("Schedule", "refs/heads/main")] {
        let decision = world.with("BUILD_SOURCEVERSION", &hex('1')).decide().unwrap();
        assert_eq!(decision.base, Base::ParentOf(variable_of('1', "BUILD_SOURCEVERSION")));
        assert!(decision.reason.starts_with("the first parent of the commit `1111"), "{}", decision.reason);
    }
}

#[test]
fn bitbuckets_merge_of_the_destination_starts_at_the_destination() {
    for (digits, base) in
        [("dddddddddddd", true), ("DDDDDDDDDDDD", true), (&*hex('d'), true), ("ddd", false), ("eeeeeeeeeeee", false)]
    {
        let world = on(&[
            ("BITBUCKET_BUILD_NUMBER", "7"),
            ("BITBUCKET_PR_ID", "3"),
            ("BITBUCKET_PR_DESTINATION_COMMIT", digits),
            ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
        ]);
        let decision = World { head: commit('a', &['1', 'd']), ..world }.decide().unwrap();
        let by_commit = Base::Named(variable_of('d', "BITBUCKET_PR_DESTINATION_COMMIT"));
        let by_branch = Base::MergeBaseWithBranch("main".to_owned());
        assert_eq!(decision.base, if base { by_commit } else { by_branch }, "{digits}");
    }
}

#[test]
fn azures_trial_merge_starts_at_its_first_parent() {
    let world = azure("PullRequest", "refs/pull/3/merge").with("SYSTEM_PULLREQUEST_TARGETBRANCH", "main");
    let world = World { head: commit('a', &['1', 'e']), ..world.with("SYSTEM_PULLREQUEST_SOURCECOMMITID", &hex('e')) };
    assert_eq!(world.decide().unwrap().base, Base::Parent(id('1')));
    let other = World { head: commit('a', &['e', '1']), ..world };
    assert_eq!(other.decide().unwrap().base, Base::MergeBaseWithBranch("main".to_owned()));
}

#[test]
fn buildkites_merge_queue_starts_at_what_the_queue_puts_it_on() {
    let base = ("BUILDKITE_MERGE_QUEUE_BASE_COMMIT", hex('b'));
    let decision = on(&[("BUILDKITE", "true"), (base.0, &base.1), ("BUILDKITE_SOURCE", "webhook")]).decide().unwrap();
    assert_eq!(decision.base, Base::Named(variable_of('b', base.0)));
}

#[test]
fn woodpeckers_push_starts_at_the_branchs_last_pipeline() {
    for event in ["push", "manual", "cron"] {
        let previous = [("CI_PREV_COMMIT_SHA", &*hex('b')), ("CI_PREV_PIPELINE_EVENT", event)];
        let decision = woodpecker("push", &previous).with("CI_PIPELINE_PARENT", "0").decide().unwrap();
        assert_eq!(decision.base, Base::Named(variable_of('b', "CI_PREV_COMMIT_SHA")), "{event}");
    }
}

#[test]
fn woodpeckers_first_pipeline_is_compared_with_the_default_branch() {
    let world = woodpecker("push", &[("CI_REPO_DEFAULT_BRANCH", "main")]);
    assert_eq!(world.decide().unwrap().base, Base::Nothing);
    let branch = world.with("CI_COMMIT_BRANCH", "topic").decide().unwrap();
    assert_eq!(branch.base, Base::MergeBaseWithBranch("main".to_owned()));
}

#[test]
fn a_previous_pipeline_that_deployed_nothing_is_a_named_error() {
    let previous = |event| [("CI_PREV_COMMIT_SHA", hex('b')), ("CI_PREV_PIPELINE_EVENT", String::from(event))];
    for event in ["pull_request", "tag", "deployment"] {
        let [commit, event_of_it] = previous(event);
        let refused = woodpecker("push", &[(commit.0, &commit.1), (event_of_it.0, &event_of_it.1)]).refused();
        assert!(refused.contains(&format!("`{event}`")), "{refused}");
    }
    let [commit, event] = previous("push");
    let restarted = woodpecker("push", &[(commit.0, &commit.1), (event.0, &event.1), ("CI_PIPELINE_PARENT", "6")]);
    assert!(restarted.refused().contains("a restarted Woodpecker pipeline"));
}
