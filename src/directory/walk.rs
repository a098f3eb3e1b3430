//! Lists the files of a directory: names as bytes, links followed inside of it only. Files are neither opened nor asked for their sizes.

use std::ffi::OsStr;
use std::fs::{self, FileType};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::errors;
use crate::error::Error;

/// The most files, and the most directories.
pub(super) const MOST: usize = 250_000;

/// So many entries that can't be compared are named.
const NAMED: usize = 10;

/// A directory on the way down, by where it really is.
struct Level {
    real: PathBuf,
    above: Option<Rc<Self>>,
}

/// Lists the paths of the files below `root`, which has no links in it: below it, `/`-separated, in order. `name` is the directory's
/// for messages.
///
/// # Errors
/// What is neither a file nor a directory, what can't be read, links that lead out or around in a circle; too much of it.
pub(super) fn walk(root: &Path, name: &str) -> Result<Vec<Box<[u8]>>, Error> {
    let mut walk = Walk { root, found: Vec::new(), problems: Vec::new(), more: 0, open: Vec::new() };
    walk.open.push((Vec::new(), Rc::new(Level { real: root.to_owned(), above: None })));
    let mut directories = 0;
    while let Some((path, level)) = walk.open.pop() {
        directories += 1;
        if directories > MOST || walk.found.len() > MOST {
            return Err(errors::too_many(name, MOST));
        }
        walk.directory(&path, &level);
    }
    if !walk.problems.is_empty() {
        return Err(errors::unreadable(name, &walk.problems, walk.more));
    }
    walk.found.sort_unstable();
    Ok(walk.found)
}

struct Walk<'a> {
    root: &'a Path,
    found: Vec<Box<[u8]>>,
    problems: Vec<String>,
    more: usize,
    open: Vec<(Vec<u8>, Rc<Level>)>,
}

impl Walk<'_> {
    fn directory(&mut self, path: &[u8], level: &Rc<Level>) {
        let entries = match fs::read_dir(&level.real) {
            Ok(entries) => entries,
            Err(error) => return self.problem(path, &error.to_string()),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.problem(path, &error.to_string()),
            };
            if self.found.len() > MOST {
                return;
            }
            let file_name = entry.file_name();
            let mut below = Vec::with_capacity(path.len() + 1 + file_name.len());
            if !path.is_empty() {
                below.extend_from_slice(path);
                below.push(b'/');
            }
            match bytes_of(&file_name) {
                Some(bytes) => below.extend_from_slice(&bytes),
                None => {
                    self.problem(path, "a name that isn't Unicode");
                    continue;
                }
            }
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => self.link(below, &entry.path(), level),
                Ok(kind) if kind.is_dir() => {
                    self.open.push((below, Rc::new(Level { real: entry.path(), above: Some(Rc::clone(level)) })));
                }
                Ok(kind) => self.file(below, kind),
                Err(error) => self.problem(&below, &error.to_string()),
            }
        }
    }

    fn link(&mut self, path: Vec<u8>, place: &Path, level: &Rc<Level>) {
        let real = match place.canonicalize() {
            Ok(real) => real,
            Err(error) => return self.problem(&path, &format!("a link that leads nowhere: {error}")),
        };
        if !real.starts_with(self.root) {
            return self.problem(&path, "a link that leads out of the directory");
        }
        match fs::metadata(&real) {
            Ok(about) if about.is_dir() => {
                let mut levels = std::iter::successors(Some(level), |level| level.above.as_ref());
                if levels.any(|level| level.real == real) {
                    return self.problem(&path, "a link to a directory that it lies in");
                }
                self.open.push((path, Rc::new(Level { real, above: Some(Rc::clone(level)) })));
            }
            Ok(about) => self.file(path, about.file_type()),
            Err(error) => self.problem(&path, &error.to_string()),
        }
    }

    fn file(&mut self, path: Vec<u8>, kind: FileType) {
        if kind.is_file() {
            self.found.push(path.into());
        } else {
            self.problem(&path, special(kind));
        }
    }

    fn problem(&mut self, path: &[u8], why: &str) {
        if self.problems.len() < NAMED {
            let path = crate::model::RepoPath::new(path).to_string();
            self.problems.push(format!("`{}` ({why})", if path.is_empty() { "." } else { &path }));
        } else {
            self.more += 1;
        }
    }
}

#[cfg(unix)]
fn bytes_of(name: &OsStr) -> Option<std::borrow::Cow<'_, [u8]>> {
    Some(std::borrow::Cow::Borrowed(std::os::unix::ffi::OsStrExt::as_bytes(name)))
}

#[cfg(not(unix))]
fn bytes_of(name: &OsStr) -> Option<std::borrow::Cow<'_, [u8]>> {
    name.to_str().map(|name| std::borrow::Cow::Borrowed(name.as_bytes()))
}

/// The place of a file in the file system.
pub(super) fn place_of(root: &Path, path: &[u8]) -> PathBuf {
    #[cfg(unix)]
    let name: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(path);
    #[cfg(not(unix))]
    let name = OsStr::new(std::str::from_utf8(path).unwrap_or_default());
    root.join(name)
}

#[cfg(unix)]
fn special(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> &'static str {
    "no file"
}
