//! Chooses the commits to compare from the variables of a GitLab pipeline.
//!
//! The variables are those of GitLab Docs, "Predefined CI/CD variables reference" (18.x, 2026-11): `CI_COMMIT_BEFORE_SHA` is all
//! zeros in merge request pipelines, in the first pipeline of a branch or tag, and when a pipeline is started by hand.

use crate::error::Error;

use super::decision::{
    Base, Decision, GIVE_BASE, Head, NamedCommit, Run, commit_in, new_branch, previous_tag, required, started,
    undecided,
};
use super::host::variable;

/// Decides for a job.
///
/// # Errors
/// A pipeline that doesn't say what was deployed, or lacks a variable.
pub(super) fn decide(run: &Run<'_>) -> Result<Decision, Error> {
    let source = required(run.environment, "CI_PIPELINE_SOURCE")?;
    if variable(run.environment, "CI_MERGE_REQUEST_IID").is_some() {
        // Of a child pipeline too, whose parent was started for the merge request (gitlab `app/models/ci/bridge.rb`, 2026-11).
        return merge_request(run);
    }
    if let Some(tag) = variable(run.environment, "CI_COMMIT_TAG") {
        return tag_pipeline(run, tag);
    }
    match source {
        "push" | "webide" => push(run),
        "web" => Ok(started(run, "a pipeline started by hand")),
        "schedule" => Ok(started(run, "a scheduled pipeline")),
        "parent_pipeline" => child(run),
        "merge_request_event" => Err(undecided("a merge request pipeline without `CI_MERGE_REQUEST_IID`", GIVE_BASE)),
        "external_pull_request_event" => external_pull_request(run),
        "trigger" | "api" | "chat" | "pipeline" => Err(undecided(
            &format!("a pipeline whose `CI_PIPELINE_SOURCE` is `{source}`"),
            "let whoever starts it pass the commit that was deployed as a variable, and give that as `base`; or use `changes: all`",
        )),
        _ => Err(undecided(&format!("a pipeline whose `CI_PIPELINE_SOURCE` is `{source}`"), GIVE_BASE)),
    }
}

/// What the CDN has served until now is the content before the push, whatever happened to the history.
fn push(run: &Run<'_>) -> Result<Decision, Error> {
    let branch = required(run.environment, "CI_COMMIT_BRANCH")?;
    let before = before(run)?;
    if before.id.is_zero() {
        let default = required(run.environment, "CI_DEFAULT_BRANCH")?;
        return Ok(new_branch(branch, default, "the first pipeline"));
    }
    Ok(from_before(before, "push"))
}

/// A child pipeline gets its parent's `CI_COMMIT_BEFORE_SHA`, but not what started the parent
/// (gitlab `app/models/ci/bridge.rb`, 2026-11).
fn child(run: &Run<'_>) -> Result<Decision, Error> {
    let before = before(run)?;
    if before.id.is_zero() {
        return Err(undecided(
            "a child pipeline whose `CI_COMMIT_BEFORE_SHA` is all zeros (its parent is a branch's first, or was started by hand or on a schedule)",
            "give `base`, which the parent can pass as a variable; or let the job run in the parent; or use `changes: all`",
        ));
    }
    Ok(from_before(before, "push that started the parent pipeline"))
}

/// A tag that was moved has a commit from before, as a branch has.
fn tag_pipeline(run: &Run<'_>, tag: &str) -> Result<Decision, Error> {
    match commit_in(run.environment, "CI_COMMIT_BEFORE_SHA")? {
        Some(before) if !before.id.is_zero() => {
            let reason = format!(
                "`CI_COMMIT_BEFORE_SHA` of the tag `{tag}`, which was moved: what the CDN has served until now"
            );
            Ok(Decision { base: Base::Named(before), head: Head::CheckedOut, reason })
        }
        _ => Ok(previous_tag(tag)),
    }
}

fn before(run: &Run<'_>) -> Result<NamedCommit, Error> {
    commit_in(run.environment, "CI_COMMIT_BEFORE_SHA")?
        .ok_or_else(|| undecided("an environment without `CI_COMMIT_BEFORE_SHA`", GIVE_BASE))
}

fn from_before(before: NamedCommit, push: &str) -> Decision {
    let reason = format!("`CI_COMMIT_BEFORE_SHA` of the {push}: what the CDN has served until now");
    Decision { base: Base::Named(before), head: Head::CheckedOut, reason }
}

/// A merged results pipeline and a merge train run on a commit that has the target in it, a plain one on the source branch.
fn merge_request(run: &Run<'_>) -> Result<Decision, Error> {
    let kind = match variable(run.environment, "CI_MERGE_REQUEST_EVENT_TYPE") {
        Some("merged_result") => "merged results pipeline",
        Some("merge_train") => "merge train",
        Some("detached") | None => return plain_merge_request(run),
        Some(other) => {
            return Err(undecided(
                &format!("a merge request pipeline whose `CI_MERGE_REQUEST_EVENT_TYPE` is `{other}`"),
                GIVE_BASE,
            ));
        }
    };
    let source = commit_in(run.environment, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")?;
    let target = commit_in(run.environment, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA")?;
    if let ([first, second], Some(source)) = (run.head.parents.as_slice(), &source)
        && *second == source.id
        && target.as_ref().is_none_or(|target| target.id == *first)
    {
        let reason = format!("the first parent of the {kind}'s merge commit: the branch that it goes to");
        return Ok(Decision { base: Base::Parent(*first), head: Head::CheckedOut, reason });
    }
    // A train of a project that merges by fast-forward rebases, so that there is no merge commit.
    match target {
        Some(target) if !target.id.is_zero() && is_the_jobs_commit(run) => {
            let reason = format!("`CI_MERGE_REQUEST_TARGET_BRANCH_SHA`: the base of the {kind}");
            Ok(Decision { base: Base::Named(target), head: Head::CheckedOut, reason })
        }
        Some(target) if !target.id.is_zero() => Ok(merge_base_with(target)),
        _ => Err(undecided(
            &format!("a {kind} without `CI_MERGE_REQUEST_TARGET_BRANCH_SHA`, whose checkout isn't its merge commit,"),
            GIVE_BASE,
        )),
    }
}

/// The base of the merge request's difference is the merge base as GitLab found it, with the whole history at hand.
fn plain_merge_request(run: &Run<'_>) -> Result<Decision, Error> {
    match commit_in(run.environment, "CI_MERGE_REQUEST_DIFF_BASE_SHA")? {
        Some(base) if !base.id.is_zero() && is_the_jobs_commit(run) => {
            let reason =
                "`CI_MERGE_REQUEST_DIFF_BASE_SHA`: where the merge request left the branch that it goes to".to_owned();
            Ok(Decision { base: Base::Named(base), head: Head::CheckedOut, reason })
        }
        Some(base) if !base.id.is_zero() => Ok(merge_base_with(base)),
        _ => Err(undecided("a merge request pipeline without `CI_MERGE_REQUEST_DIFF_BASE_SHA`", GIVE_BASE)),
    }
}

/// A pull request on GitHub, built here.
fn external_pull_request(run: &Run<'_>) -> Result<Decision, Error> {
    match commit_in(run.environment, "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA")? {
        Some(target) if !target.id.is_zero() => Ok(merge_base_with(target)),
        _ => Err(undecided("a pipeline without `CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA`", GIVE_BASE)),
    }
}

fn merge_base_with(target: NamedCommit) -> Decision {
    let reason = format!("the merge base with `{}`, which the merge request goes to", target.field);
    Decision { base: Base::MergeBaseWith(target), head: Head::CheckedOut, reason }
}

/// The commit that GitLab checked out for the job, which its variables speak of.
fn is_the_jobs_commit(run: &Run<'_>) -> bool {
    commit_in(run.environment, "CI_COMMIT_SHA")
        .is_ok_and(|commit| commit.is_some_and(|commit| commit.id == run.head.id))
}
