//! What the host tells becomes the decision which two commits count, and why.
//!
//! Pure, because a wrong base loses purges without anyone noticing: every event is decided here from plain values, `git.rs`
//! only looks up what was decided. There is no guess and no empty answer: what can't be decided is an error that says so.

use serde_json::Value;

use crate::error::Error;
use crate::inputs::Environment;

use super::entries::ObjectId;

/// Where this program runs, as far as commits are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Some other CI.
    OtherCi,
    /// No CI: a person's own machine.
    Local,
}

impl Host {
    /// What the environment says.
    pub(super) fn of(environment: &Environment) -> Self {
        let on = |name| variable(environment, name).is_some_and(|value| !value.eq_ignore_ascii_case("false"));
        if on("GITHUB_ACTIONS") {
            Self::GitHub
        } else if on("GITLAB_CI") {
            Self::GitLab
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
    /// `before`, `pull_request.base.sha`.
    pub(super) field: &'static str,
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
        Host::GitHub => github(told),
        Host::GitLab => Err(undecided(
            "GitLab's variables",
            "give `base`: `$CI_MERGE_REQUEST_DIFF_BASE_SHA` in a merge request pipeline, else `$CI_COMMIT_BEFORE_SHA`",
        )),
        Host::OtherCi => Err(undecided("what this CI tells (`CI` is set)", GIVE_BASE)),
        Host::Local => Ok(local(told)),
    }
}

/// The decision of `changes: all`.
pub(super) fn everything() -> Decision {
    let reason = "every tracked file, as `changes: all` asks".to_owned();
    Decision { base: Base::Nothing, head: Head::Told, reason }
}

/// No host says what was deployed, so it is the last commit, and the reason says so.
fn local(told: &Told<'_>) -> Decision {
    let commit = if told.head_given { "`head`" } else { "`HEAD`" };
    let (base, reason) = match told.head.parents.first() {
        Some(parent) => (
            Base::Parent(*parent),
            format!("the first parent of {commit}, as nothing else is known; `--base` names another"),
        ),
        None => (Base::Nothing, format!("{commit} is the first commit: everything in it is new")),
    };
    Decision { base, head: Head::Told, reason }
}

fn github(told: &Told<'_>) -> Result<Decision, Error> {
    let Some(name) = variable(told.environment, "GITHUB_EVENT_NAME") else {
        return Err(undecided("an environment without `GITHUB_EVENT_NAME`", GIVE_BASE));
    };
    let remedy = match name {
        "push" | "pull_request" | "pull_request_target" => {
            let Some(event) = told.event else {
                return Err(undecided("an environment without `GITHUB_EVENT_PATH`", GIVE_BASE));
            };
            let event = Event { name, content: event };
            return if name == "push" { push(&event) } else { pull_request(told, &event) };
        }
        "merge_group" => "give `base: ${{ github.event.merge_group.base_sha }}`",
        "release" => GIVE_TAG,
        "schedule" | "workflow_dispatch" | "repository_dispatch" => {
            "give `base`, such as `HEAD~1` with `fetch-depth: 2`, or `changes: all`"
        }
        _ => GIVE_BASE,
    };
    Err(undecided(&format!("a `{name}` event"), remedy))
}

/// What the CDN has served until now is the content before the push, whatever happened to the history.
fn push(event: &Event<'_>) -> Result<Decision, Error> {
    let reference = event.text(&["ref"])?;
    let before = event.commit(&["before"], "before")?;
    let after = event.commit(&["after"], "after")?;
    if after.id.is_zero() {
        return Err(undecided(
            &format!("a push that deletes `{reference}`"),
            "skip the job when a branch is deleted: `if: ${{ !github.event.deleted }}`",
        ));
    }
    let Some(branch) = reference.strip_prefix("refs/heads/") else {
        return Err(undecided(&format!("a push of `{reference}`"), GIVE_TAG));
    };
    let forced = event.content.get("forced").and_then(Value::as_bool).unwrap_or(false);
    let (base, reason) = if before.id.is_zero() {
        let default = event.text(&["repository", "default_branch"])?;
        if branch == default {
            (Base::Nothing, format!("the first push of the default branch `{default}`: everything in it is new"))
        } else {
            let reason = format!("`{branch}` is a new branch: the merge base with the default branch `{default}`");
            (Base::MergeBaseWithBranch(default.to_owned()), reason)
        }
    } else {
        let push = if forced { "forced push" } else { "push" };
        (Base::Named(before), format!("`before` of the {push}: what the CDN has served until now"))
    };
    Ok(Decision { base, head: Head::Told, reason })
}

fn pull_request(told: &Told<'_>, event: &Event<'_>) -> Result<Decision, Error> {
    let base = event.commit(&["pull_request", "base", "sha"], "pull_request.base.sha")?;
    let head = event.commit(&["pull_request", "head", "sha"], "pull_request.head.sha")?;
    if let Some(parent) = target_of_merge_checkout(told, event, head.id) {
        // The event's base can be older than the merge, the merge's own parent can't.
        let reason = "the first parent of the pull request's merge commit: the branch that it goes to".to_owned();
        return Ok(Decision { base: Base::Parent(parent), head: Head::Told, reason });
    }
    let reason = "the merge base of the pull request and the branch that it goes to".to_owned();
    let head = if told.head_given || told.head.id == head.id { Head::Told } else { Head::Named(head) };
    Ok(Decision { base: Base::MergeBaseWith(base), head, reason })
}

/// The first parent of head, if head is GitHub's trial merge of this pull request. Not every merge commit is one: a pull request
/// may end in a merge itself, and in a `pull_request_target` job the checkout is the target branch.
fn target_of_merge_checkout(told: &Told<'_>, event: &Event<'_>, pull_request: ObjectId) -> Option<ObjectId> {
    let [target, merged] = *told.head.parents.as_slice() else {
        return None;
    };
    let is_the_jobs_commit =
        variable(told.environment, "GITHUB_SHA").and_then(ObjectId::from_hex) == Some(told.head.id);
    let is_trial = event.name == "pull_request" && is_the_jobs_commit && told.head.id != pull_request;
    (merged == pull_request || is_trial).then_some(target)
}

const GIVE_BASE: &str = "give `base`: the commit, tag or branch whose content the CDN has served until now";
const GIVE_TAG: &str = "give `base`: the tag that was deployed before, or `changes: all`";

fn undecided(by: &str, remedy: &str) -> Error {
    Error::Checkout { message: format!("{by} doesn't say which commit was deployed before"), help: remedy.to_owned() }
}

/// A variable's value; an empty one counts as absent.
fn variable<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// GitHub's event, read strictly: a field that is absent or no commit is an error, never a default.
struct Event<'a> {
    name: &'a str,
    content: &'a Value,
}

impl<'a> Event<'a> {
    fn text(&self, path: &[&str]) -> Result<&'a str, Error> {
        let value = path.iter().try_fold(self.content, |value, key| value.get(key)).and_then(Value::as_str);
        value.filter(|text| !text.is_empty()).ok_or_else(|| self.lacks(&path.join("."), "text"))
    }

    fn commit(&self, path: &[&str], field: &'static str) -> Result<NamedCommit, Error> {
        let id = ObjectId::from_hex(self.text(path)?).ok_or_else(|| self.lacks(field, "a commit of 40 digits"))?;
        Ok(NamedCommit { id, field })
    }

    fn lacks(&self, field: &str, what: &str) -> Error {
        Error::Checkout {
            message: format!("`{field}` of the `{}` event isn't {what}", self.name),
            help: format!("the file that `GITHUB_EVENT_PATH` names isn't GitHub's event; {GIVE_BASE}"),
        }
    }
}

#[cfg(test)]
mod tests;
