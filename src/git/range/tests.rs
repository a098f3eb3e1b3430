//! Every row of the table of events, and everything an event can get wrong.

use git2::Oid;
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::git::oid;

use super::*;

mod github;
mod gitlab;
mod others;

const ZERO: &str = "0000000000000000000000000000000000000000";

fn hex(digit: char) -> String {
    digit.to_string().repeat(40)
}

fn id(digit: char) -> Oid {
    oid::parse(&hex(digit)).unwrap()
}

fn named(digit: char, field: &'static str) -> NamedCommit {
    NamedCommit { id: id(digit), field, place: Place::Event }
}

fn variable_of(digit: char, field: &'static str) -> NamedCommit {
    NamedCommit { id: id(digit), field, place: Place::Environment }
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

    /// On a CI with these variables.
    fn on(head: Commit, variables: &[(&str, &str)]) -> Self {
        variables.iter().fold(Self::local(head).with("CI", "true"), |world, (name, value)| world.with(name, value))
    }

    fn github(head: Commit, name: &str, event: Value) -> Self {
        let world = Self { event: Some(event), ..Self::local(head) };
        world.with("GITHUB_ACTIONS", "true").with("CI", "true").with("GITHUB_EVENT_NAME", name)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The commits that the run is about.
    fn about(&self) -> Vec<NamedCommit> {
        event_commits(&self.environment, self.event.as_ref())
    }

    fn decide(&self) -> Result<Decision, Error> {
        decide(&Run {
            about: &self.about(),
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

#[test]
fn what_a_person_gives_beats_every_event() {
    let mut world = World::github(commit('a', &['1']), "schedule", json!({}));
    world.base = Some("v1.2");
    let decision = world.decide().unwrap();
    assert_eq!((decision.base, decision.head), (Base::Given("v1.2".to_owned()), Head::CheckedOut));
    assert_eq!(decision.reason, "`base` as given");
    world.head_given = true;
    assert_eq!(world.decide().unwrap().reason, "`base` and `head` as given");
}

#[test]
fn without_a_ci_the_parent_of_head_counts_and_is_said_aloud() {
    let decision = World::local(commit('a', &['1', '2'])).decide().unwrap();
    assert_eq!(decision.base, Base::Parent(id('1')));
    assert!(decision.reason.contains("set `--base` to compare with another"), "{}", decision.reason);
}

#[test]
fn in_the_first_commit_everything_is_new() {
    let decision = World::local(commit('a', &[])).decide().unwrap();
    assert_eq!(decision.base, Base::Nothing);
    assert_eq!(decision.reason, "`HEAD` is the first commit: everything in it is new");
}

#[test]
fn empty_variables_and_false_are_no_ci() {
    let world = World::local(commit('a', &['1'])).with("CI", "false").with("GITHUB_ACTIONS", "").with("GITLAB_CI", "");
    assert_eq!(world.decide().unwrap().base, Base::Parent(id('1')));
}

#[test]
fn a_ci_that_nothing_is_known_of_is_a_named_error() {
    let refused = World::local(commit('a', &['1'])).with("CI", "1").refused();
    assert!(refused.contains("give `base`"), "{refused}");
}

#[test]
fn the_url_of_a_jenkins_alone_is_no_ci() {
    let world = World::local(commit('a', &['1'])).with("JENKINS_URL", "https://jenkins.example.com/");
    assert_eq!(world.decide().unwrap().base, Base::Parent(id('1')));
}
