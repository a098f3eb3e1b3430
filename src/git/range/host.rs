//! The CI that this program runs in, as far as commits are concerned: which one, what started it, its default branch.

use serde_json::Value;

use crate::environment::Environment;

/// A CI, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::git) enum Host {
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
    pub(in crate::git) fn of(environment: &Environment) -> Self {
        let on = |name| variable(environment, name).is_some_and(|value| !value.eq_ignore_ascii_case("false"));
        if on("GITHUB_ACTIONS") || on("GITEA_ACTIONS") || on("FORGEJO_ACTIONS") {
            Self::GitHub
        } else if on("GITLAB_CI") {
            Self::GitLab
        } else if on("JENKINS_URL") && on("BUILD_NUMBER") {
            // The URL alone is also what Jenkins' command line client reads on a person's machine.
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
        Host::OtherCi => ("an unknown CI", ""),
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

/// A variable's value; an empty one counts as absent.
pub(in crate::git) fn variable<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
}
