//! The result of the search for the last deployment.

use crate::git::range::NamedCommit;

/// The result of the search.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::git) enum Found {
    /// The commit, and why it is that one.
    Commit(NamedCommit, String),
    /// No run yet, and why; as the end of a sentence.
    Nothing(String),
}
