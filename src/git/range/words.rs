//! Where a run is and what started it, in words; and which branch is the default one, as far as the host tells.

use serde_json::Value;

use crate::environment::Environment;

use super::{Host, variable};

/// The host, and what it calls the cause of the run: ``GitHub Actions, `push` ``.
pub(in crate::git) fn started_by(environment: &Environment) -> String {
    let (host, cause) = match Host::of(environment) {
        Host::GitHub if variable(environment, "GITEA_ACTIONS").is_some() => ("Gitea Actions", "GITHUB_EVENT_NAME"),
        Host::GitHub if variable(environment, "FORGEJO_ACTIONS").is_some() => ("Forgejo Actions", "GITHUB_EVENT_NAME"),
        Host::GitHub => ("GitHub Actions", "GITHUB_EVENT_NAME"),
        Host::GitLab => ("GitLab CI", "CI_PIPELINE_SOURCE"),
        Host::Jenkins => ("Jenkins", "BRANCH_NAME"),
        Host::CircleCi => ("CircleCI", "CIRCLE_BRANCH"),
        Host::Bitbucket => ("Bitbucket Pipelines", "BITBUCKET_BRANCH"),
        Host::Azure => ("Azure Pipelines", "BUILD_REASON"),
        Host::Buildkite => ("Buildkite", "BUILDKITE_SOURCE"),
        Host::Woodpecker => ("Woodpecker CI", "CI_PIPELINE_EVENT"),
        Host::OtherCi => ("a CI that isn't known", ""),
        Host::Local => ("no CI", ""),
    };
    match variable(environment, cause) {
        Some(cause) => format!("{host}, `{cause}`"),
        None => host.to_owned(),
    }
}

/// The default branch by the host's words: a clone that a CI made often doesn't know it.
pub(in crate::git) fn default_branch(environment: &Environment, event: Option<&Value>) -> Option<String> {
    let of_event = event.and_then(|event| event.pointer("/repository/default_branch")).and_then(Value::as_str);
    of_event
        .or_else(|| variable(environment, "CI_DEFAULT_BRANCH"))
        .or_else(|| variable(environment, "CI_REPO_DEFAULT_BRANCH"))
        .or_else(|| variable(environment, "BUILDKITE_PIPELINE_DEFAULT_BRANCH"))
        .map(str::to_owned)
}
