//! Every row of the table of events, and everything an event can get wrong.

use serde_json::json;

use super::*;

const ZERO: &str = "0000000000000000000000000000000000000000";

fn hex(digit: char) -> String {
    digit.to_string().repeat(40)
}

fn id(digit: char) -> ObjectId {
    ObjectId::from_hex(&hex(digit)).unwrap()
}

fn named(digit: char, field: &'static str) -> NamedCommit {
    NamedCommit { id: id(digit), field }
}

fn commit(own: char, parents: &[char]) -> Commit {
    Commit { id: id(own), parents: parents.iter().map(|&parent| id(parent)).collect() }
}

/// A run in which nothing but the head is known; the tests change what they are about.
struct World {
    base: Option<&'static str>,
    head_given: bool,
    head: Commit,
    environment: Environment,
    event: Option<Value>,
}

impl World {
    fn local(head: Commit) -> Self {
        Self { base: None, head_given: false, head, environment: Environment::new(), event: None }
    }

    fn github(head: Commit, name: &str, event: Value) -> Self {
        let world = Self { event: Some(event), ..Self::local(head) };
        world.with("GITHUB_ACTIONS", "true").with("CI", "true").with("GITHUB_EVENT_NAME", name)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn decide(&self) -> Result<Decision, Error> {
        decide(&Told {
            base: self.base,
            head_given: self.head_given,
            head: &self.head,
            environment: &self.environment,
            event: self.event.as_ref(),
        })
    }

    fn refused(&self) -> String {
        let Err(Error::Checkout { message, help }) = self.decide() else {
            panic!("it was decided: {:?}", self.decide())
        };
        format!("{message}; {help}")
    }
}

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
fn what_a_person_gives_beats_every_event() {
    let mut world = World::github(commit('a', &['1']), "schedule", json!({}));
    world.base = Some("v1.2");
    let decision = world.decide().unwrap();
    assert_eq!((decision.base, decision.head), (Base::Given("v1.2".to_owned()), Head::Told));
    assert_eq!(decision.reason, "`base` as given");
    world.head_given = true;
    assert_eq!(world.decide().unwrap().reason, "`base` and `head` as given");
}

#[test]
fn without_a_ci_the_parent_of_head_counts_and_is_said_aloud() {
    let decision = World::local(commit('a', &['1', '2'])).decide().unwrap();
    assert_eq!(decision.base, Base::Parent(id('1')));
    assert!(decision.reason.contains("`--base` names another"), "{}", decision.reason);
}

#[test]
fn in_the_first_commit_everything_is_new() {
    let decision = World::local(commit('a', &[])).decide().unwrap();
    assert_eq!(decision.base, Base::Nothing);
    assert_eq!(decision.reason, "`HEAD` is the first commit: everything in it is new");
}

#[test]
fn a_push_starts_at_its_before_even_a_forced_one() {
    let mut event = push_event("refs/heads/main", &hex('b'), &hex('a'));
    let decision = World::github(commit('a', &['1']), "push", event.clone()).decide().unwrap();
    assert_eq!((decision.base, decision.head), (Base::Named(named('b', "before")), Head::Told));
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
    assert_eq!(decision.reason, "`feature/x` is a new branch: the merge base with the default branch `main`");
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
        assert_eq!((decision.base, decision.head), (Base::Parent(id('1')), Head::Told), "{name}");
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
    assert_eq!(decision.head, Head::Told);
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
    assert_eq!(decision.head, Head::Told);
}

#[test]
fn every_other_event_is_a_named_error_that_asks_for_a_base() {
    for name in ["merge_group", "release", "schedule", "workflow_dispatch", "workflow_run", "deployment"] {
        let refused = World::github(commit('a', &['1']), name, json!({})).refused();
        assert!(refused.contains(&format!("a `{name}` event")), "{refused}");
        assert!(refused.contains("give `base"), "{refused}");
    }
    let tag = World::github(commit('a', &['1']), "push", push_event("refs/tags/v1", ZERO, &hex('a'))).refused();
    assert!(tag.contains("`refs/tags/v1`") && tag.contains("give `base`"), "{tag}");
}

#[test]
fn every_other_ci_is_a_named_error_that_asks_for_a_base() {
    let gitlab = World::local(commit('a', &['1'])).with("CI", "true").with("GITLAB_CI", "true").refused();
    assert!(gitlab.contains("give `base`") && gitlab.contains("CI_COMMIT_BEFORE_SHA"), "{gitlab}");
    let other = World::local(commit('a', &['1'])).with("CI", "1").refused();
    assert!(other.contains("give `base`"), "{other}");
    let nameless = World::local(commit('a', &['1'])).with("GITHUB_ACTIONS", "true").refused();
    assert!(nameless.contains("`GITHUB_EVENT_NAME`"), "{nameless}");
}

#[test]
fn empty_variables_and_false_are_no_ci() {
    let world = World::local(commit('a', &['1'])).with("CI", "false").with("GITHUB_ACTIONS", "").with("GITLAB_CI", "");
    assert_eq!(world.decide().unwrap().base, Base::Parent(id('1')));
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
        ("pull_request", json!({ "pull_request": null }), "`pull_request.base.sha`"),
        ("pull_request", json!({ "pull_request": { "base": { "sha": hex('b') } } }), "`pull_request.head.sha`"),
    ] {
        let refused = World::github(commit('a', &['1']), name, event).refused();
        assert!(refused.contains(field) && refused.contains("give `base`"), "{refused} lacks {field}");
    }
}
