//! Changed files: paths of the repository, and how each differs between two commits.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// A path inside the repository: the bytes git stores, `/`-separated, relative, never empty. Not necessarily UTF-8. All clones share
/// them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Arc<[u8]>);

impl RepoPath {
    /// Wraps the bytes git gave for a path.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into())
    }

    /// The bytes as git stores them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Without loss: the path itself where it is UTF-8, else in git's own quoted form (`"caf\351.html"`). A UTF-8 path that
/// opens with a quote is quoted too, so that the two forms can't be confused. Control characters are left to the sanitizer.
impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(&self.0) {
            Ok(text) if !text.starts_with('"') => f.write_str(text),
            _ => {
                f.write_str("\"")?;
                for &byte in &*self.0 {
                    match byte {
                        b'"' => f.write_str("\\\"")?,
                        b'\\' => f.write_str("\\\\")?,
                        0x20..=0x7e => write!(f, "{}", char::from(byte))?,
                        _ => write!(f, "\\{byte:03o}")?,
                    }
                }
                f.write_str("\"")
            }
        }
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepoPath({:?})", self.to_string())
    }
}

impl Serialize for RepoPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What happened to a path between base and head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Not in base.
    Added,
    /// In both, with other content, mode or type.
    Modified,
    /// Not in head.
    Deleted,
    /// Exactly the same content was at `from` in base, and `from` is gone in head.
    Renamed {
        /// The path in base.
        from: RepoPath,
    },
}

/// The kind of entry at a path (in head; in base for a deletion).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file, executable or not.
    File,
    /// A symbolic link: served under its own path, so its change is a change of that path.
    Symlink,
    /// A submodule whose changed files aren't known: only URLs that aren't about single files can be given for it.
    Submodule,
    /// A folder whose changed files are changes of their own: a submodule, or a symbolic link to a folder. It counts for rules
    /// that name it and no file in it.
    Folder,
}

/// One path that differs between base and head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path in head (in base for a deletion).
    pub path: RepoPath,
    /// What happened to it.
    pub kind: ChangeKind,
    /// The value.
    pub entry: EntryKind,
}

/// One of the two commits that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The commit that was deployed before.
    Base,
    /// The commit that is deployed now.
    Head,
}
