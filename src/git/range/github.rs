//! Chooses the commits to compare from the event on GitHub Actions, Gitea and Forgejo, which share its format.
//!
//! The fields are those of GitHub Docs, "Webhook events and payloads" and "Events that trigger workflows" (2026-11). Gitea and
//! Forgejo are taken to send the same names for the events that they have (unproven: their sources were not read): every field
//! is read strictly, so another shape is refused and never misread.

use git2::Oid;
use serde_json::Value;

use crate::error::Error;
use crate::git::oid;

use super::decision::{
    Base, Decision, GIVE_BASE, Head, NamedCommit, Place, Run, new_branch, previous_tag, started, undecided,
};
use super::host::variable;

/// Decides for a workflow run.
///
/// # Errors
/// An event that doesn't say what was deployed, or lacks a field.
pub(super) fn decide(run: &Run<'_>) -> Result<Decision, Error> {
    let Some(name) = variable(run.environment, "GITHUB_EVENT_NAME") else {
        return Err(undecided("an environment without `GITHUB_EVENT_NAME`", GIVE_BASE));
    };
    let decide: fn(&Run<'_>, &Event<'_>) -> Result<Decision, Error> = match name {
        "push" => push,
        "pull_request" | "pull_request_target" => pull_request,
        "merge_group" => merge_group,
        "release" => release,
        "workflow_run" => workflow_run,
        "schedule" | "workflow_dispatch" | "repository_dispatch" => return Ok(dispatched(run, name)),
        _ => return Err(undecided(&format!("{} `{name}` event", article(name)), remedy(name))),
    };
    let Some(content) = run.event else {
        return Err(undecided("an environment without `GITHUB_EVENT_PATH`", GIVE_BASE));
    };
    decide(run, &Event { name, content })
}

/// What to do about an event that can't be decided.
fn remedy(name: &str) -> &'static str {
    match name {
        "create" => "start the workflow `on: push`, which also runs for new branches and tags; or give `base`",
        "delete" => "take `delete` out of the workflow's `on`, as nothing is deployed by it; or give `base`",
        _ => GIVE_BASE,
    }
}

fn article(name: &str) -> &'static str {
    if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// Started by a person, a clock or another program. A person can start a workflow on a tag.
fn dispatched(run: &Run<'_>, name: &str) -> Decision {
    match (variable(run.environment, "GITHUB_REF_TYPE"), variable(run.environment, "GITHUB_REF_NAME")) {
        (Some("tag"), Some(tag)) => previous_tag(tag),
        _ => started(run, &format!("a `{name}` event")),
    }
}

/// What the CDN has served until now is the content before the push, whatever happened to the history.
fn push(_: &Run<'_>, event: &Event<'_>) -> Result<Decision, Error> {
    let reference = event.text(&["ref"])?;
    let before = event.commit(&["before"], "before")?;
    let after = event.commit(&["after"], "after")?;
    if after.id.is_zero() {
        return Err(undecided(
            &format!("a push that deletes `{reference}`"),
            "skip the job when a branch or tag is deleted: `if: ${{ !github.event.deleted }}`",
        ));
    }
    let branch = reference.strip_prefix("refs/heads/");
    let tag = reference.strip_prefix("refs/tags/");
    let reason = match (branch, tag) {
        (Some(branch), _) if before.id.is_zero() => {
            let default = event.text(&["repository", "default_branch"])?;
            return Ok(new_branch(branch, default, "the first push"));
        }
        (_, Some(tag)) if before.id.is_zero() => return Ok(previous_tag(tag)),
        (Some(_), _) => {
            let forced = event.content.get("forced").and_then(Value::as_bool).unwrap_or(false);
            let push = if forced { "forced push" } else { "push" };
            format!("`before` of the {push}: what the CDN has served until now")
        }
        (_, Some(tag)) => format!("`before` of the tag `{tag}`, which was moved: what the CDN has served until now"),
        (None, None) => return Err(undecided(&format!("a push of `{reference}`"), GIVE_BASE)),
    };
    Ok(Decision { base: Base::Named(before), head: Head::CheckedOut, reason })
}

fn pull_request(run: &Run<'_>, event: &Event<'_>) -> Result<Decision, Error> {
    let base = event.commit(&["pull_request", "base", "sha"], "pull_request.base.sha")?;
    let head = event.commit(&["pull_request", "head", "sha"], "pull_request.head.sha")?;
    if let Some(parent) = target_of_merge_checkout(run, event, head.id) {
        // The event's base can be older than the merge, the merge's own parent can't.
        let reason = "the first parent of the pull request's merge commit: the branch that it goes to".to_owned();
        return Ok(Decision { base: Base::Parent(parent), head: Head::CheckedOut, reason });
    }
    let reason = "the merge base of the pull request and the branch that it goes to".to_owned();
    Ok(Decision { base: Base::MergeBaseWith(base), head: head_of(run, head), reason })
}

/// The first parent of head, if head is GitHub's trial merge of this pull request. Not every merge commit is one: a pull request
/// may end in a merge itself, and in a `pull_request_target` job the checkout is the target branch.
fn target_of_merge_checkout(run: &Run<'_>, event: &Event<'_>, pull_request: Oid) -> Option<Oid> {
    let [target, merged] = *run.head.parents.as_slice() else {
        return None;
    };
    let is_the_jobs_commit = variable(run.environment, "GITHUB_SHA").and_then(oid::parse) == Some(run.head.id);
    let is_trial = event.name == "pull_request" && is_the_jobs_commit && run.head.id != pull_request;
    (merged == pull_request || is_trial).then_some(target)
}

/// A group in the merge queue is based on its `base_sha`: the target branch, or the group before it in the queue.
fn merge_group(run: &Run<'_>, event: &Event<'_>) -> Result<Decision, Error> {
    let base = event.commit(&["merge_group", "base_sha"], "merge_group.base_sha")?;
    let head = event.commit(&["merge_group", "head_sha"], "merge_group.head_sha")?;
    let reason = "`merge_group.base_sha`: the commit that the merge queue puts this group on".to_owned();
    Ok(Decision { base: Base::Named(base), head: head_of(run, head), reason })
}

/// What is checked out is the tag's commit.
fn release(_: &Run<'_>, event: &Event<'_>) -> Result<Decision, Error> {
    let tag = event.text(&["release", "tag_name"])?;
    match event.text(&["action"])? {
        action @ ("deleted" | "unpublished") => Err(undecided(
            &format!("a `release` event of `{tag}` that was {action}"),
            "start the workflow on `published` only: `on: { release: { types: [published] } }`; or give `base`",
        )),
        _ => Ok(previous_tag(tag)),
    }
}

/// The run that this one follows says which commit it was about, and not what came before: after a push, that can be several
/// commits, so its parent would leave changes out.
fn workflow_run(run: &Run<'_>, event: &Event<'_>) -> Result<Decision, Error> {
    event.commit(&["workflow_run", "head_sha"], "workflow_run.head_sha")?;
    match event.text(&["workflow_run", "event"])? {
        "schedule" | "workflow_dispatch" | "repository_dispatch" => {}
        first => {
            let by = format!("a `workflow_run` event that follows {} `{first}` event", article(first));
            return Err(undecided(&by, "let the job run in the first workflow; or give `base`"));
        }
    }
    Ok(started(run, "a `workflow_run` event"))
}

/// The commit that the event is about, unless a person gave another.
fn head_of(run: &Run<'_>, of_event: NamedCommit) -> Head {
    if run.head_given || run.head.id == of_event.id { Head::CheckedOut } else { Head::Named(of_event) }
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
        let id = oid::parse(self.text(path)?).ok_or_else(|| self.lacks(field, "a commit of 40 digits"))?;
        Ok(NamedCommit { id, field, place: Place::Event })
    }

    fn lacks(&self, field: &str, what: &str) -> Error {
        Error::Checkout {
            message: format!("`{field}` of the `{}` event isn't {what}", self.name),
            help: format!("the file that `GITHUB_EVENT_PATH` names isn't GitHub's event; {GIVE_BASE}"),
        }
    }
}
