//! Which files changed: two commits (`range`), and the walk over their trees (`tree`).

use std::path::Path;

use crate::error::Error;
use crate::inputs::{Changes, Environment};
use crate::model::Change;

/// The two commits whose difference counts, and why these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The commit that was deployed before, 40 hex digits; `None`: everything in head is new.
    pub base: Option<String>,
    /// The commit that is deployed now, 40 hex digits.
    pub head: String,
    /// One sentence fragment for the log and the report: `the push's \`before\`, what the CDN has served until now`.
    pub reason: String,
}

/// What changed, and between which commits.
#[derive(Debug)]
pub struct Changed {
    /// Between which commits.
    pub range: Range,
    /// By path, in byte order.
    pub files: Vec<Change>,
}

/// Finds the repository at or above `start`, decides the range and walks the two trees.
///
/// # Errors
/// [`Error::Checkout`] with its remedy: no repository, a bare one, no commit yet, an unknown revision, a base that isn't in
/// this clone. Never an empty list in place of an error.
pub fn find(start: &Path, changes: &Changes, environment: &Environment) -> Result<Changed, Error> {
    let _ = (start, changes, environment);
    unimplemented!()
}
