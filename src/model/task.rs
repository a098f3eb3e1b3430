//! Tasks and their outcomes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::change::RepoPath;
use super::operation::{Operation, PurgeMode};
use super::subject::Subject;

/// The name of a target in the configuration.
pub type TargetName = Arc<str>;

/// Why a URL is in the plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Reason {
    /// The rule's name: its `name:`, else its place in the list (`rules[0]`); `url-file` or `arguments` for given URLs.
    pub rule: Arc<str>,
    /// The changed file; absent for URLs that were given.
    pub file: Option<Arc<RepoPath>>,
}

/// One operation on one URL at one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Where the URL lives.
    pub target: TargetName,
    /// What to do with it.
    pub operation: Operation,
    /// How a refresh treats what it drops.
    pub mode: PurgeMode,
    /// The URL, or what covers several.
    pub subject: Subject,
    /// Every rule and file that it comes from; never empty.
    pub because: Vec<Reason>,
}

/// A changed file that no URL came from, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The file.
    pub file: RepoPath,
    /// A sentence fragment: `no rule matches it`, `a submodule; its files live in another repository`.
    pub why: String,
}

/// How a task ended. Every task ends in exactly one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "reason")]
pub enum Outcome {
    /// The provider reports it as complete.
    Done,
    /// The provider refused this URL or reports its task as failed.
    Failed(String),
    /// The provider never got it, or certainly has not accepted it.
    Unsubmitted(String),
    /// It was or may have been accepted, and no result came in time.
    Unknown(String),
}

impl Outcome {
    /// The word in outputs and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Unsubmitted(_) => "unsubmitted",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Why, where there is something to say.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Done => None,
            Self::Failed(reason) | Self::Unsubmitted(reason) | Self::Unknown(reason) => Some(reason),
        }
    }

    /// The same outcome, with nothing said about it.
    pub fn without_reason(&self) -> Self {
        match self {
            Self::Done => Self::Done,
            Self::Failed(_) => Self::Failed(String::new()),
            Self::Unsubmitted(_) => Self::Unsubmitted(String::new()),
            Self::Unknown(_) => Self::Unknown(String::new()),
        }
    }
}

/// A task's place in its lane's list.
pub type TaskIndex = u32;

/// A batch's number within its lane, counted from 1.
pub type BatchNumber = u32;

/// A lane's place in the plan.
pub type LaneIndex = u16;
