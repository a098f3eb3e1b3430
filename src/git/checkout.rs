//! The checkout of a job whose changes aren't a matter of commits: where it is, and which commit it is of.

use std::path::{Path, PathBuf};

use crate::environment::Environment;

use super::range::variable;
use super::repository::Repository;
use super::time_limit::{LIMIT, Reader};

/// The directory of the checkout that `start` lies in: the one with `.git`; without one `start` itself.
pub fn root(start: &Path) -> PathBuf {
    let start = start.canonicalize().unwrap_or_else(|_| start.to_owned());
    let root = start.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok());
    root.unwrap_or(&start).to_owned()
}

/// The commit that is checked out, 40 hex digits; without a repository that can be read, the one that the CI names.
pub fn head_commit(start: &Path, environment: &Environment) -> Option<String> {
    let head = Reader::open(start, environment, LIMIT).and_then(|reader| reader.ask(Repository::head));
    let named = || {
        let named = ["GITHUB_SHA", "CI_COMMIT_SHA"].into_iter().find_map(|name| variable(environment, name))?;
        super::oid::parse(named).map(|id| id.to_string())
    };
    head.ok().map(|commit| commit.id.to_string()).or_else(named)
}
