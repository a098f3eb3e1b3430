//! A file of a built directory, as it was read.

use super::digest::Digest;

/// A file of a built directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltFile {
    /// Below the directory, `/`-separated.
    pub path: Box<[u8]>,
    /// In bytes.
    pub size: u64,
    /// Of its content.
    pub digest: Digest,
    /// A number for its times and its inode; `None` where they don't tell whether it changed.
    pub stamp: Option<u64>,
}
