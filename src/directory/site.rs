//! Which site a manifest is of, and which run: as the CI names them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::environment::{Environment, nonempty};

/// A built site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The repository as the CI names it, `owner/name`; `None` without a CI that does.
    pub repository: Option<String>,
    /// The built directory, from the repository's root.
    pub directory: String,
}

impl Site {
    /// The site that this job builds into a directory.
    pub fn of(directory: &str, environment: &Environment) -> Self {
        let name = ["GITHUB_REPOSITORY", "CI_PROJECT_PATH"].into_iter().find_map(|name| nonempty(environment, name));
        Self { repository: name, directory: directory.to_owned() }
    }
}

/// A run of a CI that numbers its runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// `github` or `gitlab`.
    pub ci: String,
    /// The number that people see.
    pub number: u64,
    /// From 1; of GitLab the job's id.
    pub attempt: u64,
    /// A number that is larger for later runs of all workflows.
    pub order: u64,
}

impl Run {
    /// The run of this job; `None` without a CI, and on one that doesn't number its runs.
    pub fn of(environment: &Environment) -> Option<Self> {
        let number = |name: &str| nonempty(environment, name).and_then(|text| text.parse().ok());
        let is = |name: &str| nonempty(environment, name).as_deref() == Some("true");
        let run = |ci: &str, [order, shown, attempt]: [&str; 3]| {
            let order = number(order)?;
            let (shown, attempt) = (number(shown).unwrap_or(order), number(attempt).unwrap_or(1));
            Some(Self { ci: ci.to_owned(), number: shown, attempt, order })
        };
        if is("GITHUB_ACTIONS") {
            run("github", ["GITHUB_RUN_ID", "GITHUB_RUN_NUMBER", "GITHUB_RUN_ATTEMPT"])
        } else if is("GITLAB_CI") {
            run("gitlab", ["CI_PIPELINE_ID", "CI_PIPELINE_IID", "CI_JOB_ID"])
        } else {
            None
        }
    }

    /// Whether it began after another run of the same CI.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        self.ci == other.ci && (self.order, self.attempt) > (other.order, other.attempt)
    }
}

/// `run 481`, `run 481, attempt 2`, `pipeline 481`.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ci.as_str(), self.attempt) {
            ("gitlab", _) => write!(f, "pipeline {}", self.number),
            (_, 1) => write!(f, "run {}", self.number),
            (_, attempt) => write!(f, "run {}, attempt {attempt}", self.number),
        }
    }
}
