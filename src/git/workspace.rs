//! Keeps the search inside of the directory that the CI made for the job.
//!
//! Where the CI names that directory, `.git` has to lead to a place inside of it: otherwise a crafted checkout could make this
//! program read another repository of the machine and report its file names. Objects may be shared with a place outside
//! (`objects/info/alternates`, or a link), because runners do that to save time: an object is read there only by the digest that
//! a commit of this repository names. Without a CI git's own rules hold, since work trees and repositories lie anywhere.

use std::fs::{DirEntry, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::error::Error;

use super::errors;
use super::range::{Host, variable};

/// `.git` as a file, and `commondir`, are one line with a path.
const LONGEST_LINK: u64 = 8 << 10;

/// The one directory that the CI made for this job. In a container it belongs to another user.
pub(super) fn of(environment: &Environment) -> Option<PathBuf> {
    let name = match Host::of(environment) {
        Host::GitHub => "GITHUB_WORKSPACE",
        Host::GitLab => "CI_PROJECT_DIR",
        _ => return None,
    };
    variable(environment, name).and_then(|path| Path::new(path).canonicalize().ok())
}

/// Refuses a repository outside of `workspace` for a `directory` inside of it; both are without links.
///
/// # Errors
/// A `.git` or a `commondir` that leads out of the workspace, or nowhere.
pub(super) fn enclosed(directory: &Path, workspace: &Path) -> Result<(), Error> {
    if !directory.starts_with(workspace) || is_inside(git_directory(directory), workspace) {
        return Ok(());
    }
    Err(errors::outside(directory, workspace))
}

/// Whether a repository's files, and those that it shares with others, lie inside of `workspace`.
pub(super) fn is_inside(files: Option<PathBuf>, workspace: &Path) -> bool {
    let is_inside = |path: Option<PathBuf>| path.is_some_and(|path| path.starts_with(workspace));
    let shared = files.as_deref().and_then(common_directory);
    let has_no_way_out = [&files, &shared].into_iter().flatten().all(|folder| !leads_out(folder, workspace));
    is_inside(files) && is_inside(shared) && has_no_way_out
}

/// The parts that make a repository this one: its commits and its settings. With these from elsewhere it would be another.
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

/// The content of a file that names a path; `None` for anything but a regular file, such as a pipe that would never end.
fn link(file: &Path) -> Option<Vec<u8>> {
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    File::open(file).ok()?.take(LONGEST_LINK).read_to_end(&mut text).ok()?;
    Some(text)
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
