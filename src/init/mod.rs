//! Recognises the kind of site in a repository, and writes a first configuration for it.
//!
//! Values in, values out. A page that a rule misses stays stale and looks green, so nothing is guessed: what the repository doesn't
//! show is a [`Question`].

pub use self::draft::{Draft, draft};
pub use self::hosts::SiteUrl;
pub use self::paths::is_plain;
pub use self::repository::{Choices, Decision, MOST_BYTES, Question, Repository, Subject, recognise, wanted};
pub use self::workflow::{Workflow, WorkflowHost, deployments};

mod candidates;
mod draft;
mod generators;
mod hosts;
mod paths;
mod repository;
mod workflow;

#[cfg(test)]
mod tests;
