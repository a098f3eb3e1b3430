//! Chooses the commits to compare from the variables of the other CIs, one function each.
//!
//! None of them but Jenkins and Woodpecker says what was there before a push: there the answer is an error with the remedy of
//! that CI. All of them name the tag, and all but CircleCI the target branch of a pull request.

use git2::Oid;

use crate::error::Error;

use super::decision::{
    Base, Decision, GIVE_BASE, Head, NamedCommit, Place, Run, commit_in, new_branch, previous_tag, required, started,
    target_branch, undecided,
};
use super::host::variable;

/// Decides for a Jenkins build. `CHANGE_TARGET` and `TAG_NAME` are set in multibranch projects (Jenkins, `env-vars.html`,
/// 2026-11), `GIT_PREVIOUS_SUCCESSFUL_COMMIT` is not in a branch's first build (Jenkins git plugin, README, 2026-11).
pub(super) fn jenkins(run: &Run<'_>) -> Result<Decision, Error> {
    if let Some(target) = variable(run.environment, "CHANGE_TARGET") {
        return Ok(target_branch(target));
    }
    if let Some(tag) = variable(run.environment, "TAG_NAME") {
        return Ok(previous_tag(tag));
    }
    let Some(previous) = commit_in(run.environment, "GIT_PREVIOUS_SUCCESSFUL_COMMIT")? else {
        return Err(undecided(
            "a build without `GIT_PREVIOUS_SUCCESSFUL_COMMIT` (a branch's first build, or a script that doesn't pass it on)",
            "give `base`, in a scripted pipeline `scmVars.GIT_PREVIOUS_SUCCESSFUL_COMMIT` of `scmVars = checkout scm`; or `changes: all`",
        ));
    };
    // With more than one checkout in a build the variables may speak of another repository: `checkout_check` compares them.
    commit_in(run.environment, "GIT_COMMIT")?;
    let reason = "`GIT_PREVIOUS_SUCCESSFUL_COMMIT`: what the last successful build deployed".to_owned();
    Ok(Decision { base: Base::Named(previous), head: Head::CheckedOut, reason })
}

/// Decides for a CircleCI job. `pipeline.git.base_revision` is a value of the configuration and no variable
/// (CircleCI Docs, "Project values and variables", 2026-09-29).
pub(super) fn circle_ci(run: &Run<'_>) -> Result<Decision, Error> {
    if let Some(tag) = variable(run.environment, "CIRCLE_TAG") {
        return Ok(previous_tag(tag));
    }
    Err(undecided(
        "CircleCI's environment",
        "give `--base << pipeline.git.base_revision >>` in the job's command: the commit of the pipeline before this one",
    ))
}

/// Decides for a step in Bitbucket Pipelines (Atlassian Support, "Variables and secrets", 2026-11).
pub(super) fn bitbucket(run: &Run<'_>) -> Result<Decision, Error> {
    if variable(run.environment, "BITBUCKET_PR_ID").is_some() {
        return bitbucket_pull_request(run);
    }
    if let Some(tag) = variable(run.environment, "BITBUCKET_TAG") {
        return Ok(previous_tag(tag));
    }
    Err(undecided(
        "Bitbucket's environment",
        "give `base`, such as a tag that your pipeline moves after each deployment; or `changes: all`",
    ))
}

/// Bitbucket merges the destination into the source before a pull request's steps start. Its variable may be the commit's
/// first digits only, so it is the merge commit that names the destination; a fast-forward leaves no such commit.
fn bitbucket_pull_request(run: &Run<'_>) -> Result<Decision, Error> {
    const FIELD: &str = "BITBUCKET_PR_DESTINATION_COMMIT";
    let digits = required(run.environment, FIELD)?;
    let names = |id: &Oid| digits.len() >= 12 && id.to_string().starts_with(&digits.to_ascii_lowercase());
    if let [_, merged] = run.head.parents.as_slice()
        && names(merged)
    {
        let base = NamedCommit { id: *merged, field: FIELD, place: Place::Environment };
        let reason = format!("`{FIELD}`, which is merged into the checkout: the branch that the pull request goes to");
        return Ok(Decision { base: Base::Named(base), head: Head::CheckedOut, reason });
    }
    Ok(target_branch(required(run.environment, "BITBUCKET_PR_DESTINATION_BRANCH")?))
}

/// Decides for a job in Azure Pipelines (Microsoft Learn, "Use predefined variables", 2026-11).
pub(super) fn azure(run: &Run<'_>) -> Result<Decision, Error> {
    let reason = required(run.environment, "BUILD_REASON")?;
    let reference = required(run.environment, "BUILD_SOURCEBRANCH")?;
    if let Some(tag) = reference.strip_prefix("refs/tags/") {
        return Ok(previous_tag(tag));
    }
    match reason {
        "PullRequest" => azure_pull_request(run),
        "Manual" => Ok(started(run, "a run started by hand")),
        "Schedule" => Ok(started(run, "a scheduled run")),
        _ => Err(undecided(
            &format!("an Azure Pipelines run whose `BUILD_REASON` is `{reason}`"),
            "give `base`, such as a tag that your pipeline moves after each deployment; or `changes: all`",
        )),
    }
}

/// A pull request's run checks out a trial merge, whose second parent is the commit under review.
fn azure_pull_request(run: &Run<'_>) -> Result<Decision, Error> {
    let reviewed = commit_in(run.environment, "SYSTEM_PULLREQUEST_SOURCECOMMITID")?;
    if let ([target, merged], Some(reviewed)) = (run.head.parents.as_slice(), reviewed)
        && *merged == reviewed.id
    {
        let reason = "the first parent of the pull request's merge commit: the branch that it goes to".to_owned();
        return Ok(Decision { base: Base::Parent(*target), head: Head::CheckedOut, reason });
    }
    // The branch's full name in Azure Repos, its short one from GitHub.
    Ok(target_branch(required(run.environment, "SYSTEM_PULLREQUEST_TARGETBRANCH")?))
}

/// Decides for a Buildkite job (Buildkite Docs, "Environment variables" and "GitHub merge queue", 2026-11).
pub(super) fn buildkite(run: &Run<'_>) -> Result<Decision, Error> {
    if let Some(base) = commit_in(run.environment, "BUILDKITE_MERGE_QUEUE_BASE_COMMIT")? {
        let reason =
            "`BUILDKITE_MERGE_QUEUE_BASE_COMMIT`: the commit that the merge queue puts this build on".to_owned();
        return Ok(Decision { base: Base::Named(base), head: Head::CheckedOut, reason });
    }
    if variable(run.environment, "BUILDKITE_PULL_REQUEST").is_some_and(|number| number != "false") {
        return Ok(target_branch(required(run.environment, "BUILDKITE_PULL_REQUEST_BASE_BRANCH")?));
    }
    if let Some(tag) = variable(run.environment, "BUILDKITE_TAG") {
        return Ok(previous_tag(tag));
    }
    match required(run.environment, "BUILDKITE_SOURCE")? {
        "ui" => Ok(started(run, "a build started by hand")),
        "schedule" => Ok(started(run, "a scheduled build")),
        source => Err(undecided(
            &format!("a Buildkite build whose `BUILDKITE_SOURCE` is `{source}`"),
            "give `base`: keep the deployed commit with `buildkite-agent meta-data` or in a tag; or `changes: all`",
        )),
    }
}

/// Decides for a Woodpecker step (Woodpecker CI Docs, "Environment variables", 2026-11).
pub(super) fn woodpecker(run: &Run<'_>) -> Result<Decision, Error> {
    match required(run.environment, "CI_PIPELINE_EVENT")? {
        "push" => woodpecker_push(run),
        "pull_request" => Ok(target_branch(required(run.environment, "CI_COMMIT_TARGET_BRANCH")?)),
        "tag" | "release" => Ok(previous_tag(required(run.environment, "CI_COMMIT_TAG")?)),
        "manual" => Ok(started(run, "a pipeline started by hand")),
        "cron" => Ok(started(run, "a scheduled pipeline")),
        event => Err(undecided(&format!("a Woodpecker pipeline for the event `{event}`"), GIVE_BASE)),
    }
}

/// The previous commit is that of the last pipeline with the same branch, whatever it was for
/// (woodpecker `GetPipelineLastBefore`, v3, 2026-11): a pull request's too, whose branch is the one that it goes to, and for a
/// restarted pipeline the run that it repeats. Neither was on the CDN before this push.
fn woodpecker_push(run: &Run<'_>) -> Result<Decision, Error> {
    let branch = required(run.environment, "CI_COMMIT_BRANCH")?;
    let remedy = "give `base`, such as a tag that your pipeline moves after each deployment; or `changes: all`";
    if variable(run.environment, "CI_PIPELINE_PARENT").is_some_and(|parent| parent != "0") {
        return Err(undecided("a restarted Woodpecker pipeline", remedy));
    }
    let Some(previous) = commit_in(run.environment, "CI_PREV_COMMIT_SHA")? else {
        let default = required(run.environment, "CI_REPO_DEFAULT_BRANCH")?;
        return Ok(new_branch(branch, default, "the first pipeline"));
    };
    match variable(run.environment, "CI_PREV_PIPELINE_EVENT") {
        Some("push" | "manual" | "cron") => {
            let reason = "`CI_PREV_COMMIT_SHA`: the commit of the branch's last pipeline".to_owned();
            Ok(Decision { base: Base::Named(previous), head: Head::CheckedOut, reason })
        }
        Some(event) => {
            Err(undecided(&format!("a Woodpecker pipeline that follows one for the event `{event}`"), remedy))
        }
        None => Err(undecided("an environment without `CI_PREV_PIPELINE_EVENT`", remedy)),
    }
}
