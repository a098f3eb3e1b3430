//! The decision which two commits count, and the decisions that several hosts share.

use git2::Oid;
use serde_json::Value;

use crate::config::TagPattern;
use crate::environment::Environment;
use crate::error::Error;
use crate::git::oid;

use super::host::variable;

/// A commit and its parents as the commit itself names them, whether a shallow clone holds them or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) struct Commit {
    pub(in crate::git) id: Oid,
    pub(in crate::git) parents: Vec<Oid>,
}

/// A run: everything the decision follows from.
pub(in crate::git) struct Run<'a> {
    /// `base`, as a person gave it.
    pub(in crate::git) base: Option<&'a str>,
    /// Whether a person gave `head`.
    pub(in crate::git) head_given: bool,
    /// The commit of `head`, else the one that is checked out.
    pub(in crate::git) head: &'a Commit,
    /// The process's environment.
    pub(in crate::git) environment: &'a Environment,
    /// The content of GitHub's event file.
    pub(in crate::git) event: Option<&'a Value>,
    /// The commits that the run is about, by the host's words; empty if it names none.
    pub(in crate::git) about: &'a [NamedCommit],
}

/// Which two commits count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) struct Decision {
    pub(in crate::git) base: Base,
    pub(in crate::git) head: Head,
    /// Why, as a sentence fragment.
    pub(in crate::git) reason: String,
}

/// The commit that was deployed before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) enum Base {
    /// A revision as a person gave it.
    Given(String),
    /// A commit that the host named.
    Named(NamedCommit),
    /// The first parent of head.
    Parent(Oid),
    /// The first parent of a commit that the host named. Without a parent, everything in head is new.
    ParentOf(NamedCommit),
    /// Where head parted from a branch.
    MergeBaseWithBranch(String),
    /// Where head parted from a commit that the host named.
    MergeBaseWith(NamedCommit),
    /// The nearest tag in the history of head, other than the one that the run is for. None at all: everything in head is new.
    PreviousTag(Option<String>),
    /// The nearest tag of these names in the history of head. None at all: everything in head is new.
    MatchingTag(TagPattern),
    /// A commit that was looked for and found already.
    Found(Oid),
    /// None: everything in head is new.
    Nothing,
}

/// The commit that is deployed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) enum Head {
    /// [`Run::head`].
    CheckedOut,
    /// A commit that the host named.
    Named(NamedCommit),
}

/// A commit with the place where the host named it, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) struct NamedCommit {
    pub(in crate::git) id: Oid,
    /// `before`, `pull_request.base.sha`, `CI_COMMIT_BEFORE_SHA`.
    pub(in crate::git) field: &'static str,
    pub(in crate::git) place: Place,
}

impl NamedCommit {
    /// For messages: the commit, and where it was named.
    pub(in crate::git) fn description(&self) -> String {
        let Self { id, field, place } = self;
        match place {
            Place::Event => format!("the commit `{id}` (`{field}` of the event)"),
            Place::Environment => format!("the commit `{id}` (`{field}`)"),
            Place::Run => format!("the commit `{id}` (`{field}` of the last run that ended well)"),
            Place::Deployment => format!("the commit `{id}` (`{field}` of the last deployment that succeeded)"),
            Place::File => format!("the commit `{id}` (in the file of `{field}`)"),
        }
    }
}

/// Where a host names commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::git) enum Place {
    /// A field of the event file.
    Event,
    /// A variable.
    Environment,
    /// The CI's records of earlier runs.
    Run,
    /// The CI's records of deployments.
    Deployment,
    /// A file that an earlier run wrote.
    File,
}

/// The first parent of head, with `why` it is that; of the first commit, everything.
pub(super) fn parent_of_head(run: &Run<'_>, why: &str) -> Decision {
    let commit = if run.head_given { "`head`" } else { "`HEAD`" };
    let (base, reason) = match run.head.parents.first() {
        Some(parent) => (Base::Parent(*parent), format!("the first parent of {commit}, {why}")),
        None => (Base::Nothing, format!("{commit} is the first commit: everything in it is new")),
    };
    Decision { base, head: Head::CheckedOut, reason }
}

/// A run that a person or a clock started: no host knows what was deployed before it, so the reason says what is taken for it.
/// A commit that the job made itself, on top of the host's one, isn't alone in what it deploys.
pub(super) fn started(run: &Run<'_>, cause: &str) -> Decision {
    let why = format!("as {cause} names no earlier commit; `base` names another");
    match run.about.first() {
        Some(named) if !run.head_given && run.about.iter().all(|named| named.id != run.head.id) => {
            let reason = format!("the first parent of {}, {why}", named.description());
            Decision { base: Base::ParentOf(named.clone()), head: Head::CheckedOut, reason }
        }
        _ => parent_of_head(run, &why),
    }
}

/// A run of a tag.
pub(super) fn previous_tag(tag: &str) -> Decision {
    let reason = format!("the nearest tag in the history of the tag `{tag}`");
    Decision { base: Base::PreviousTag(Some(tag.to_owned())), head: Head::CheckedOut, reason }
}

/// A branch without a commit that was there before.
pub(super) fn new_branch(branch: &str, default: &str, what: &str) -> Decision {
    let (base, reason) = if branch == default {
        (Base::Nothing, format!("{what} of the default branch `{default}`: everything in it is new"))
    } else {
        let reason = format!("{what} of `{branch}`: the merge base with the default branch `{default}`");
        (Base::MergeBaseWithBranch(default.to_owned()), reason)
    };
    Decision { base, head: Head::CheckedOut, reason }
}

/// A pull request whose target the host names as a branch. A merge of the two that is checked out has that branch's commit
/// for its merge base.
pub(super) fn target_branch(target: &str) -> Decision {
    let target = target.strip_prefix("refs/heads/").unwrap_or(target);
    let reason = format!("the merge base with `{target}`, the branch that the pull request goes to");
    Decision { base: Base::MergeBaseWithBranch(target.to_owned()), head: Head::CheckedOut, reason }
}

pub(super) const GIVE_BASE: &str = "give `base`: the commit, tag or branch whose content the CDN has served until now";

pub(super) fn undecided(by: &str, remedy: &str) -> Error {
    Error::Checkout { message: format!("{by} doesn't say which commit was deployed before"), help: remedy.to_owned() }
}

/// A variable that has to be there.
pub(super) fn required<'a>(environment: &'a Environment, name: &'static str) -> Result<&'a str, Error> {
    variable(environment, name).ok_or_else(|| undecided(&format!("an environment without `{name}`"), GIVE_BASE))
}

/// A variable that holds a commit, read strictly: an absent one is `None`, anything that is no commit an error.
pub(super) fn commit_in(environment: &Environment, name: &'static str) -> Result<Option<NamedCommit>, Error> {
    let Some(text) = variable(environment, name) else {
        return Ok(None);
    };
    let id = oid::parse(text).ok_or_else(|| Error::Checkout {
        message: format!("`{name}` isn't a commit of 40 digits: `{text}`"),
        help: GIVE_BASE.to_owned(),
    })?;
    Ok(Some(NamedCommit { id, field: name, place: Place::Environment }))
}
