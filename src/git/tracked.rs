//! The search for patterns that match no tracked file: a walk over a commit's tree that enters only folders in which one may match.

use std::collections::VecDeque;
use std::path::Path;

use git2::Oid;

use crate::environment::Environment;
use crate::error::Error;
use crate::mapping::Unmatched;

use super::oid;
use super::repository::Repository;
use super::time_limit::{LIMIT, Reader};
use super::tree_diff::{Entries, Mode, TreeSource};

/// A `.gitignore` that is read is at most so large, in bytes.
const LARGEST_IGNORE_FILE: usize = 64 * 1024;

/// The result of the search.
#[derive(Debug)]
pub struct Tracked {
    /// The patterns that match no tracked file.
    pub unmatched: Unmatched,
    /// The tracked files, those near to the root first, where a pattern is left or they were asked for; not more than were asked for.
    pub files: Vec<Vec<u8>>,
    /// The `.gitignore` files among them: the path of each, and its text.
    pub ignore_files: Vec<(String, String)>,
}

/// Which commit is searched, and how far.
#[derive(Clone, Debug)]
pub struct TrackedSearch {
    /// The commit, 40 hex digits; without it the one that is checked out.
    pub commit: Option<String>,
    /// The most files and folders that are visited.
    pub most: usize,
    /// The most files and folders that are listed.
    pub most_listed: usize,
    /// Whether the tracked files are listed in any case.
    pub lists_files: bool,
}

/// Removes the patterns that match a tracked file; `None` if the search would visit too much. Files in submodules and behind symbolic
/// links aren't known: a pattern that may match there counts as matched.
///
/// # Errors
/// A repository or a tree that can't be read.
pub fn tracked(
    start: &Path,
    search: &TrackedSearch,
    mut unmatched: Unmatched,
    environment: &Environment,
) -> Result<Option<Tracked>, Error> {
    let TrackedSearch { commit, most, most_listed, lists_files } = search.clone();
    let commit = commit.as_deref().and_then(oid::parse);
    Reader::open(start, environment, LIMIT)?.ask(move |repository| {
        let commit = match commit {
            Some(commit) => commit,
            None => repository.head()?.id,
        };
        let tree = repository.tree(commit)?;
        let is_over = walk(repository, tree, most, |path, mode, _| {
            match mode {
                Mode::Directory => return Step::enter_if(unmatched.may_match_below(path)),
                Mode::Submodule | Mode::Symlink => {
                    unmatched.take(path);
                    unmatched.take_folder(&[path, b"/"].concat());
                }
                Mode::File | Mode::Executable => unmatched.take(path),
            }
            if unmatched.is_empty() { Step::Stop } else { Step::Pass }
        })?;
        if !is_over {
            return Ok(None);
        }
        let mut found = Tracked { unmatched, files: Vec::new(), ignore_files: Vec::new() };
        if found.unmatched.is_empty() && !lists_files {
            return Ok(Some(found));
        }
        let mut ignore_files = Vec::new();
        walk(repository, tree, most_listed, |path, mode, id| {
            if mode == Mode::Directory {
                return Step::Enter;
            }
            if mode.is_file() && (path == b".gitignore" || path.ends_with(b"/.gitignore")) {
                ignore_files.push((String::from_utf8_lossy(path).into_owned(), id));
            }
            found.files.push(path.to_vec());
            Step::Pass
        })?;
        for (path, id) in ignore_files {
            let text = repository.blob(id, LARGEST_IGNORE_FILE)?.unwrap_or_default();
            found.ignore_files.push((path, String::from_utf8_lossy(&text).into_owned()));
        }
        Ok(Some(found))
    })
}

/// What follows the visit of an entry.
enum Step {
    Enter,
    Pass,
    Stop,
}

impl Step {
    fn enter_if(is_wanted: bool) -> Self {
        if is_wanted { Self::Enter } else { Self::Pass }
    }
}

/// Visits the entries of a tree, those near to the root first; `false` if there were more than `most`. The paths of folders end in `/`.
fn walk(
    repository: &Repository,
    root: Oid,
    most: usize,
    mut visit: impl FnMut(&[u8], Mode, Oid) -> Step,
) -> Result<bool, Error> {
    let odb = repository.odb()?;
    let mut folders = VecDeque::from([(Vec::new(), root)]);
    let mut visited = 0;
    while let Some((folder, tree)) = folders.pop_front() {
        let mut entries = Entries::new(tree, TreeSource::read(&odb, tree)?)?;
        while let Some(entry) = entries.current() {
            visited += 1;
            if visited > most {
                return Ok(false);
            }
            let mut path = [&folder, entry.name].concat();
            if entry.item.mode == Mode::Directory {
                path.push(b'/');
            }
            match visit(&path, entry.item.mode, entry.item.id) {
                Step::Enter => folders.push_back((path, entry.item.id)),
                Step::Pass => {}
                Step::Stop => return Ok(true),
            }
            entries.advance()?;
        }
    }
    Ok(true)
}
