//! The files of the working directory that differ from a commit: what isn't committed, and what is new and not ignored.
//!
//! libgit2 compares, as `git status` does. The index is read and never written, and no filter of the user's is started.

use std::io::Read as _;
use std::path::Path;

use git2::{Delta, DiffOptions, FileMode};

use crate::environment::Environment;
use crate::error::Error;
use crate::model::{Change, ChangeKind, EntryKind, RepoPath};

use super::errors;
use super::repository::Repository;
use super::search::{Changed, Range};
use super::time_limit::{LIMIT, Reader};

/// The word for the working directory in place of a commit.
const WORKTREE: &str = "worktree";

/// The changes of the working directory since a commit, by default the one that is checked out. Submodules aren't compared.
///
/// # Errors
/// [`Error::Checkout`]: no repository, an unknown revision, a working directory that can't be read.
pub fn uncommitted(start: &Path, base: Option<&str>, environment: &Environment) -> Result<Changed, Error> {
    let base = base.map(str::to_owned);
    Reader::open(start, environment, LIMIT)?.ask(move |repository| {
        let (commit, reason) = match &base {
            Some(revision) => (repository.given(revision, "base")?, "`base` as given"),
            None => (repository.head()?, "`HEAD`, since the working directory is compared"),
        };
        let files = changes(repository, repository.tree(commit.id)?)
            .map_err(|error| errors::unreadable("the working directory", error.message()))?;
        Ok(Changed {
            range: Range { base: Some(commit.id.to_string()), head: WORKTREE.into(), reason: reason.into() },
            files,
            unexpanded: Vec::new(),
            built: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
        })
    })
}

fn changes(repository: &Repository, tree: git2::Oid) -> Result<Vec<Change>, git2::Error> {
    let tree = repository.git.find_tree(tree)?;
    let mut options = DiffOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).include_typechange(true).ignore_submodules(true);
    let diff = repository.git.diff_tree_to_workdir_with_index(Some(&tree), Some(&mut options))?;
    let mut found = Vec::new();
    for delta in diff.deltas() {
        let (kind, file) = match delta.status() {
            Delta::Added | Delta::Untracked => (ChangeKind::Added, delta.new_file()),
            Delta::Deleted => (ChangeKind::Deleted, delta.old_file()),
            Delta::Modified | Delta::Typechange | Delta::Conflicted => (ChangeKind::Modified, delta.new_file()),
            Delta::Unmodified | Delta::Ignored | Delta::Unreadable | Delta::Renamed | Delta::Copied => continue,
        };
        let Some(path) = file.path_bytes() else { continue };
        let entry = if file.mode() == FileMode::Link { EntryKind::Symlink } else { EntryKind::File };
        // A folder that is a repository of its own is listed as one path, and its files are none of this one.
        if !path.ends_with(b"/") {
            found.push(Change { path: RepoPath::new(path), kind, entry });
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// The beginning of a file of the working directory: up to `most` bytes, and one more if there are more.
///
/// # Errors
/// A sentence fragment on why there is none.
pub fn worktree_content(root: &Path, path: &RepoPath, most: usize) -> Result<Vec<u8>, String> {
    let name = std::str::from_utf8(path.as_bytes()).map_err(|_| "its name isn't UTF-8".to_owned())?;
    let file = root.join(name);
    match file.symlink_metadata() {
        Ok(about) if about.is_file() => {}
        Ok(_) => return Err("it isn't a regular file".to_owned()),
        Err(error) => return Err(error.to_string()),
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = std::fs::File::open(&file).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| error.to_string())
}
