//! The commits that a run is about, by the host's words. What is checked out has to be one of them or descend from one.

use git2::Oid;
use serde_json::Value;

use crate::environment::Environment;
use crate::git::oid;

use super::decision::{NamedCommit, Place};
use super::host::{Host, variable};

/// The commits that a run is about, the most telling one first; none where the host names none.
///
/// A field that is absent or no commit counts as not named: the decision, which needs more fields, reads them strictly.
pub(in crate::git) fn event_commits(environment: &Environment, event: Option<&Value>) -> Vec<NamedCommit> {
    let variables: &[&'static str] = match Host::of(environment) {
        Host::GitHub => return github(environment, event),
        // A merged results pipeline is about its merge commit; the source branch may be checked out in its place.
        Host::GitLab => {
            &["CI_COMMIT_SHA", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA"]
        }
        Host::Jenkins => &["GIT_COMMIT"],
        Host::CircleCi => &["CIRCLE_SHA1"],
        Host::Bitbucket => &["BITBUCKET_COMMIT"],
        Host::Azure => &["BUILD_SOURCEVERSION", "SYSTEM_PULLREQUEST_SOURCECOMMITID"],
        // `HEAD` in a build that was started by hand without a commit.
        Host::Buildkite => &["BUILDKITE_COMMIT"],
        Host::Woodpecker => &["CI_COMMIT_SHA"],
        Host::OtherCi | Host::Local => &[],
    };
    variables.iter().filter_map(|field| of_variable(environment, field)).collect()
}

/// `GITHUB_SHA` is the job's commit: the trial merge of a pull request, and on `pull_request_target` the branch that it goes to
/// (GitHub Docs, "Events that trigger workflows", 2026-11). A `workflow_run` has the default branch there, whatever it is about.
fn github(environment: &Environment, event: Option<&Value>) -> Vec<NamedCommit> {
    let name = variable(environment, "GITHUB_EVENT_NAME").unwrap_or_default();
    let fields: &[&'static str] = match name {
        "push" => &["after"],
        "pull_request" => &["pull_request.head.sha"],
        "pull_request_target" => &["pull_request.head.sha", "pull_request.base.sha"],
        "merge_group" => &["merge_group.head_sha"],
        "workflow_run" => &["workflow_run.head_sha"],
        "deployment" | "deployment_status" => &["deployment.sha"],
        _ => &[],
    };
    let of_event = fields.iter().filter_map(|field| {
        let value = field.split('.').try_fold(event?, |value, key| value.get(key));
        let id = value.and_then(Value::as_str).and_then(commit)?;
        Some(NamedCommit { id, field, place: Place::Event })
    });
    of_event.chain(of_variable(environment, "GITHUB_SHA").filter(|_| name != "workflow_run")).collect()
}

fn of_variable(environment: &Environment, field: &'static str) -> Option<NamedCommit> {
    let id = variable(environment, field).and_then(commit)?;
    Some(NamedCommit { id, field, place: Place::Environment })
}

fn commit(text: &str) -> Option<Oid> {
    oid::parse(text).filter(|id| !id.is_zero())
}
