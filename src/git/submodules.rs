//! The changed files inside of changed submodules.
//!
//! Each submodule is compared in its own repository, between the two commits that it was at. None is left out silently: one that
//! can't be compared is an error with its name.

use std::path::PathBuf;

use git2::{ErrorCode, Oid};

use crate::environment::Environment;
use crate::error::Error;
use crate::model::{Change, ChangeKind, EntryKind, RepoPath};

use super::repository::Repository;
use super::tree_diff::{Mode, Side};
use super::{errors, renames, workspace};

/// Submodules inside each other. People have two or three.
const DEEPEST: usize = 16;

/// Replaces changed submodules by the files that changed in them, between the commits `base` and `head` of `repository`.
///
/// # Errors
/// [`Error::Checkout`] for a submodule that isn't checked out, lies elsewhere, or lacks one of its two commits.
pub(super) fn expand(
    files: Vec<Change>,
    repository: &Repository,
    base: Option<Oid>,
    head: Oid,
    environment: &Environment,
) -> Result<Vec<Change>, Error> {
    let level = Level { repository, base, head: Some(head), above: Vec::new(), depth: 0 };
    let mut found = level.expand(files, environment)?;
    // By path; a deleted and added path keeps that order.
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// A repository whose changes are at hand.
struct Level<'a> {
    repository: &'a Repository,
    /// Its two commits.
    base: Option<Oid>,
    head: Option<Oid>,
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
            return Err(errors::submodules_too_deep(&self.named(&change.path).to_string()));
        }
        let at = |commit: Option<Oid>| match commit {
            Some(commit) => commit_of(self.repository, commit, path),
            None => Ok(None),
        };
        let (base, head) = match change.kind {
            ChangeKind::Added => (None, at(self.head)?),
            ChangeKind::Deleted => (at(self.base)?, None),
            _ => (at(self.base)?, at(self.head)?),
        };
        let repository = open(self.repository, path, environment)?;
        for commit in [base, head].into_iter().flatten() {
            if !repository.has_commit(commit)? {
                let (path, host) = (String::from_utf8_lossy(path), repository.host);
                return Err(errors::submodule_commit_not_here(&path, commit, repository.is_shallow(), host));
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

/// The commit that a submodule is at in `commit`; `None` if no submodule is there.
fn commit_of(repository: &Repository, commit: Oid, path: &[u8]) -> Result<Option<Oid>, Error> {
    let found = repository.entry(commit, path)?;
    Ok(found.filter(|item| item.mode == Mode::Submodule).map(|item| item.id))
}

/// The repository of the submodule at `path`, which must lie where git puts it.
fn open(parent: &Repository, path: &[u8], environment: &Environment) -> Result<Repository, Error> {
    let shown = String::from_utf8_lossy(path);
    let absent = || errors::submodule_not_checked_out(&shown, parent.host);
    let directory = parent.directory.join(workspace::native(path).ok_or_else(absent)?);
    if directory.join(".git").symlink_metadata().is_err() {
        return Err(absent());
    }
    // The real place of the files, before any of them is read.
    let inside = [parent.directory.clone(), parent.git.commondir().canonicalize().unwrap_or_default()];
    let is_own = directory.canonicalize().is_ok_and(|real| real == directory);
    let files = workspace::git_directory(&directory).filter(|files| inside.iter().any(|own| files.starts_with(own)));
    // It was checked out together with the one directory that is trusted.
    let trusted = workspace::of(environment).filter(|trusted| directory.starts_with(trusted));
    let has_way_out = |files: &PathBuf| trusted.as_ref().is_some_and(|trusted| workspace::leads_out(files, trusted));
    let is_whole = |files: &PathBuf| workspace::common_directory(files).as_ref() == Some(files);
    if !files.is_some_and(|files| is_own && !has_way_out(&files) && is_whole(&files)) {
        return Err(errors::submodule_elsewhere(&shown));
    }
    Repository::open_in(&directory, parent.host, trusted.is_some()).map_err(|error| match error.code() {
        ErrorCode::Owner => errors::submodule_unopened(&shown, "it belongs to another user"),
        _ => errors::submodule_unopened(&shown, error.message()),
    })
}
