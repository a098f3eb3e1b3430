//! Changed submodules become the files that changed in them.
//!
//! Each is compared in its own repository, between the two commits that it was at. It is never left out in silence: one that
//! can't be compared is an error with its name.

use crate::environment::Environment;
use crate::error::Error;
use crate::model::{Change, ChangeKind, EntryKind, RepoPath};

use super::entries::ObjectId;
use super::git::Repository;
use super::remedy::submodules::too_deep;
use super::tree::Side;
use super::{Changed, renames};

/// Submodules inside each other. People have two or three.
const DEEPEST: usize = 16;

/// Puts the changed files of changed submodules in their places.
///
/// # Errors
/// [`Error::Checkout`] for a submodule that isn't checked out, lies elsewhere, or lacks one of its two commits.
pub(super) fn expand(changed: Changed, repository: &Repository, environment: &Environment) -> Result<Changed, Error> {
    let Changed { range, files } = changed;
    let commit = |text: &str| ObjectId::from_hex(text);
    let (base, head) = (range.base.as_deref().and_then(commit), commit(&range.head));
    let level = Level { repository, base, head, above: Vec::new(), depth: 0 };
    let mut found = level.expand(files, environment)?;
    // By path; what stands twice, deleted and added, keeps that order.
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Changed { range, files: found })
}

/// A repository whose changes are at hand.
struct Level<'a> {
    repository: &'a Repository,
    /// Its two commits.
    base: Option<ObjectId>,
    head: Option<ObjectId>,
    /// Where it lies in the outermost one, with a `/` at the end; empty for that itself.
    above: Vec<u8>,
    depth: usize,
}

impl Level<'_> {
    /// Its changes, with those of the submodules in the place of the submodules, by their paths in the outermost repository.
    fn expand(&self, changes: Vec<Change>, environment: &Environment) -> Result<Vec<Change>, Error> {
        let mut expanded = Vec::with_capacity(changes.len());
        for mut change in changes {
            if change.entry == EntryKind::Submodule {
                expanded.append(&mut self.inside(&change, environment)?);
                continue;
            }
            if !self.above.is_empty() {
                change.path = self.named(&change.path);
                if let ChangeKind::Renamed { from } = &mut change.kind {
                    *from = self.named(from);
                }
            }
            expanded.push(change);
        }
        Ok(expanded)
    }

    /// The changed files of a submodule.
    fn inside(&self, change: &Change, environment: &Environment) -> Result<Vec<Change>, Error> {
        let path = change.path.as_bytes();
        if self.depth == DEEPEST {
            return Err(too_deep(&self.named(&change.path).to_string()));
        }
        let at = |commit: Option<ObjectId>| match commit {
            Some(commit) => self.repository.submodule_commit(commit, path),
            None => Ok(None),
        };
        let (base, head) = match change.kind {
            ChangeKind::Added => (None, at(self.head)?),
            ChangeKind::Deleted => (at(self.base)?, None),
            _ => (at(self.base)?, at(self.head)?),
        };
        let repository = self.repository.submodule(path, environment)?;
        for commit in [base, head].into_iter().flatten() {
            if !repository.has_commit(commit)? {
                return Err(repository.lacks(path, commit));
            }
        }
        let mut differences = match (base, head) {
            (base, Some(head)) => repository.differences(base, head)?,
            (Some(base), None) => repository.differences(None, base)?,
            (None, None) => Vec::new(),
        };
        if head.is_none() {
            differences.iter_mut().for_each(|difference| difference.side = Side::Deleted);
        }
        let changes = renames::pair(differences);
        let above = [&self.above[..], path, b"/"].concat();
        Level { repository: &repository, base, head, above, depth: self.depth + 1 }.expand(changes, environment)
    }

    fn named(&self, path: &RepoPath) -> RepoPath {
        RepoPath::new([&self.above[..], path.as_bytes()].concat())
    }
}
