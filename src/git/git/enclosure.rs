//! A checkout becomes the answer whether its repository lies where the CI put it.
//!
//! Where the CI names the directory that it made, `.git` has to lead to a place inside of it: otherwise a crafted checkout could
//! have another repository of this machine read and its names told. Objects may be shared with a place outside
//! (`objects/info/alternates`, or a link), because runners do that to save time: an object is read there only by the digest that a commit of
//! this repository names. Without a CI the rules are git's own, for work trees and their repositories lie anywhere.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::git::remedy;

use super::place;

/// `.git` as a file, and `commondir`, are one line with a path.
const LONGEST_LINK: u64 = 8 << 10;

/// Refuses a repository outside of `workspace` for a `directory` inside of it; both are without links.
///
/// # Errors
/// A `.git` or a `commondir` that leads out of the workspace, or nowhere.
pub(super) fn enclosed(directory: &Path, workspace: &Path) -> Result<(), Error> {
    if !directory.starts_with(workspace) {
        return Ok(());
    }
    if is_inside(git_directory(directory), workspace) { Ok(()) } else { Err(remedy::outside(directory, workspace)) }
}

/// Whether a repository's files, and those that it shares with others, lie inside of `workspace`.
pub(super) fn is_inside(files: Option<PathBuf>, workspace: &Path) -> bool {
    let is_inside = |path: Option<PathBuf>| path.is_some_and(|path| path.starts_with(workspace));
    let shared = files.as_deref().and_then(common_directory);
    let has_no_way_out = [&files, &shared].into_iter().flatten().all(|folder| !leads_out(folder, workspace));
    is_inside(files) && is_inside(shared) && has_no_way_out
}

/// What says in a repository which commits are its own, and how it is set up. With these from elsewhere it would be another one.
const OWN: [&str; 6] = ["HEAD", "config", "config.worktree", "packed-refs", "refs", "shallow"];

/// Whether something of this is a link to a place outside of `workspace`, or to none.
pub(super) fn leads_out(files: &Path, workspace: &Path) -> bool {
    let mut open: Vec<PathBuf> = OWN.iter().map(|name| files.join(name)).collect();
    while let Some(path) = open.pop() {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_symlink() && !path.canonicalize().is_ok_and(|real| real.starts_with(workspace)) {
            return true;
        }
        if metadata.is_dir() {
            let Ok(entries) = path.read_dir() else { return true };
            let is_file = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
            open.extend(entries.flatten().filter(|entry| !is_file(entry)).map(|entry| entry.path()));
        }
    }
    false
}

/// The directory that the `.git` of a checkout is, or leads to, without links.
pub(super) fn git_directory(directory: &Path) -> Option<PathBuf> {
    let dot_git = directory.join(".git");
    if dot_git.metadata().ok()?.is_dir() {
        return dot_git.canonicalize().ok();
    }
    let link = link(&dot_git)?;
    let path = link.strip_prefix(b"gitdir:")?;
    directory.join(native(path.trim_ascii())?).canonicalize().ok()
}

/// The directory that a linked work tree's files belong to; the same one without such a link.
pub(super) fn common_directory(files: &Path) -> Option<PathBuf> {
    let file = files.join("commondir");
    if file.symlink_metadata().is_err() {
        return Some(files.to_owned());
    }
    files.join(native(link(&file)?.trim_ascii())?).canonicalize().ok()
}

/// What a file that names a path says. Anything but a file, such as a pipe that would never end, says nothing.
fn link(file: &Path) -> Option<Vec<u8>> {
    place::whole(file, LONGEST_LINK).ok()?
}

/// A path as the file system takes it.
#[cfg(unix)]
pub(super) fn native(path: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(path)))
}

#[cfg(not(unix))]
pub(super) fn native(path: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(path).ok().map(PathBuf::from)
}
