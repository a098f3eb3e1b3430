//! What the host tells becomes the decision which two commits count, and why.
//!
//! Pure, because a wrong base loses purges without anyone noticing: every event is decided here from plain values, `git.rs`
//! only looks up what was decided. There is no guess and no empty answer: what can't be decided is an error that says so.

use serde_json::Value;

use crate::config::TagPattern;
use crate::environment::Environment;
use crate::error::Error;

use super::entries::ObjectId;

mod github;
mod gitlab;
mod others;
pub(super) mod words;

/// Where this program runs, as far as commits are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// GitHub Actions; Gitea's and Forgejo's too, which speak its language.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Jenkins.
    Jenkins,
    /// CircleCI.
    CircleCi,
    /// Bitbucket Pipelines.
    Bitbucket,
    /// Azure Pipelines.
    Azure,
    /// Buildkite.
    Buildkite,
    /// Woodpecker CI.
    Woodpecker,
    /// Some other CI.
    OtherCi,
    /// No CI: a person's own machine.
    Local,
}

impl Host {
    /// What the environment says.
    pub(super) fn of(environment: &Environment) -> Self {
        let on = |name| variable(environment, name).is_some_and(|value| !value.eq_ignore_ascii_case("false"));
        if on("GITHUB_ACTIONS") || on("GITEA_ACTIONS") || on("FORGEJO_ACTIONS") {
            Self::GitHub
        } else if on("GITLAB_CI") {
            Self::GitLab
        } else if on("JENKINS_URL") && on("BUILD_NUMBER") {
            // The address alone is also what Jenkins' command line client reads on a person's machine.
            Self::Jenkins
        } else if on("CIRCLECI") {
            Self::CircleCi
        } else if on("BITBUCKET_BUILD_NUMBER") {
            Self::Bitbucket
        } else if on("TF_BUILD") {
            Self::Azure
        } else if on("BUILDKITE") {
            Self::Buildkite
        } else if variable(environment, "CI") == Some("woodpecker") {
            Self::Woodpecker
        } else if on("CI") {
            Self::OtherCi
        } else {
            Self::Local
        }
    }
}

/// A commit and its parents as the commit itself names them, whether a shallow clone holds them or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) id: ObjectId,
    pub(super) parents: Vec<ObjectId>,
}

/// Everything the decision follows from.
pub(super) struct Told<'a> {
    /// `base`, as a person gave it.
    pub(super) base: Option<&'a str>,
    /// Whether a person gave `head`.
    pub(super) head_given: bool,
    /// The commit of `head`, else the one that is checked out.
    pub(super) head: &'a Commit,
    /// The process's environment.
    pub(super) environment: &'a Environment,
    /// The content of GitHub's event file.
    pub(super) event: Option<&'a Value>,
}

/// Which two commits count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) base: Base,
    pub(super) head: Head,
    /// Why, as a sentence fragment.
    pub(super) reason: String,
}

/// The commit that was deployed before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// A revision as a person gave it.
    Given(String),
    /// A commit that the host named.
    Named(NamedCommit),
    /// The first parent of head.
    Parent(ObjectId),
    /// Where head parted from a branch.
    MergeBaseWithBranch(String),
    /// Where head parted from a commit that the host named.
    MergeBaseWith(NamedCommit),
    /// The nearest tag in the history of head, other than the one that the run is for. None at all: everything in head is new.
    PreviousTag(Option<String>),
    /// The nearest tag of these names in the history of head. None at all: everything in head is new.
    MatchingTag(TagPattern),
    /// A commit that was looked for and found already.
    Found(ObjectId),
    /// None: everything in head is new.
    Nothing,
}

/// The commit that is deployed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// [`Told::head`].
    Told,
    /// A commit that the host named.
    Named(NamedCommit),
}

/// A commit with the place where the host named it, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedCommit {
    pub(super) id: ObjectId,
    /// `before`, `pull_request.base.sha`, `CI_COMMIT_BEFORE_SHA`.
    pub(super) field: &'static str,
    pub(super) place: Place,
}

/// Where a host names commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A field of the event file.
    Event,
    /// A variable.
    Environment,
    /// The CI's records of earlier runs.
    Run,
    /// A file that an earlier run wrote.
    File,
}

/// Decides which two commits count.
///
/// # Errors
/// [`Error::Checkout`] when the host's words don't decide it; the remedy is always a `base` of one's own.
pub(super) fn decide(told: &Told<'_>) -> Result<Decision, Error> {
    if let Some(base) = told.base {
        let reason = if told.head_given { "`base` and `head` as given" } else { "`base` as given" };
        return Ok(Decision { base: Base::Given(base.to_owned()), head: Head::Told, reason: reason.to_owned() });
    }
    match Host::of(told.environment) {
        Host::GitHub => github::decide(told),
        Host::GitLab => gitlab::decide(told),
        Host::Jenkins => others::jenkins(told),
        Host::CircleCi => others::circle_ci(told),
        Host::Bitbucket => others::bitbucket(told),
        Host::Azure => others::azure(told),
        Host::Buildkite => others::buildkite(told),
        Host::Woodpecker => others::woodpecker(told),
        Host::OtherCi => Err(undecided("what this CI tells (`CI` is set)", GIVE_BASE)),
        Host::Local => Ok(local(told)),
    }
}

/// The decision of `changes: all`.
pub(super) fn everything() -> Decision {
    let reason = "every tracked file, as `changes: all` asks".to_owned();
    Decision { base: Base::Nothing, head: Head::Told, reason }
}

/// The decision of `base: tag:PATTERN`.
pub(super) fn since_tag(pattern: &TagPattern) -> Decision {
    let reason = format!("the nearest tag in the history of head whose name matches `{pattern}`");
    Decision { base: Base::MatchingTag(pattern.clone()), head: Head::Told, reason }
}

/// No host says what was deployed, so it is the last commit, and the reason says so.
fn local(told: &Told<'_>) -> Decision {
    parent_of_head(told, "as nothing else is known; `--base` names another")
}

/// The first parent of head, with `why` it is that; of the first commit, everything.
fn parent_of_head(told: &Told<'_>, why: &str) -> Decision {
    let commit = if told.head_given { "`head`" } else { "`HEAD`" };
    let (base, reason) = match told.head.parents.first() {
        Some(parent) => (Base::Parent(*parent), format!("the first parent of {commit}, {why}")),
        None => (Base::Nothing, format!("{commit} is the first commit: everything in it is new")),
    };
    Decision { base, head: Head::Told, reason }
}

/// A run that a person or a clock started: no host knows what was deployed before it, so the reason says what is taken for it.
fn started(told: &Told<'_>, run: &str) -> Decision {
    parent_of_head(told, &format!("as {run} names no earlier commit; `base` names another"))
}

/// A run of a tag.
fn previous_tag(tag: &str) -> Decision {
    let reason = format!("the nearest tag in the history of the tag `{tag}`");
    Decision { base: Base::PreviousTag(Some(tag.to_owned())), head: Head::Told, reason }
}

/// A branch without a commit that was there before.
fn new_branch(branch: &str, default: &str, what: &str) -> Decision {
    let (base, reason) = if branch == default {
        (Base::Nothing, format!("{what} of the default branch `{default}`: everything in it is new"))
    } else {
        let reason = format!("{what} of `{branch}`: the merge base with the default branch `{default}`");
        (Base::MergeBaseWithBranch(default.to_owned()), reason)
    };
    Decision { base, head: Head::Told, reason }
}

/// A pull request whose target the host names as a branch. A merge of the two that is checked out has that branch's commit
/// for its merge base.
fn target_branch(target: &str) -> Decision {
    let target = target.strip_prefix("refs/heads/").unwrap_or(target);
    let reason = format!("the merge base with `{target}`, the branch that the pull request goes to");
    Decision { base: Base::MergeBaseWithBranch(target.to_owned()), head: Head::Told, reason }
}

const GIVE_BASE: &str = "give `base`: the commit, tag or branch whose content the CDN has served until now";

fn undecided(by: &str, remedy: &str) -> Error {
    Error::Checkout { message: format!("{by} doesn't say which commit was deployed before"), help: remedy.to_owned() }
}

/// A variable's value; an empty one counts as absent.
pub(super) fn variable<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// A variable that has to be there.
fn required<'a>(environment: &'a Environment, name: &'static str) -> Result<&'a str, Error> {
    variable(environment, name).ok_or_else(|| undecided(&format!("an environment without `{name}`"), GIVE_BASE))
}

/// A variable that holds a commit, read strictly: an absent one is `None`, anything that is no commit an error.
fn commit_in(environment: &Environment, name: &'static str) -> Result<Option<NamedCommit>, Error> {
    let Some(text) = variable(environment, name) else {
        return Ok(None);
    };
    let id = ObjectId::from_hex(text).ok_or_else(|| Error::Checkout {
        message: format!("`{name}` isn't a commit of 40 digits: `{text}`"),
        help: GIVE_BASE.to_owned(),
    })?;
    Ok(Some(NamedCommit { id, field: name, place: Place::Environment }))
}

#[cfg(test)]
mod tests;
