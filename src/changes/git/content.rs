//! A file of the work tree becomes the answer whether a commit holds just this content in its place.

use std::path::Path;

use git2::{ObjectType, Oid};

use crate::changes::range::Commit;

use super::{Repository, oid};

impl Repository {
    /// Whether a directory lies in a checkout, be it a broken one.
    pub(in crate::changes) fn is_around(directory: &Path) -> bool {
        directory.ancestors().any(|above| above.join(".git").symlink_metadata().is_ok())
    }

    /// Whether `commit` has this content at the place of `file`, an absolute path without links.
    pub(in crate::changes) fn has_content(&self, commit: &Commit, file: &Path, content: &[u8]) -> bool {
        let Ok(place) = file.strip_prefix(&self.directory) else { return false };
        let entry = self
            .inner
            .find_commit(oid(commit.id))
            .and_then(|commit| commit.tree())
            .and_then(|tree| tree.get_path(place));
        let (Ok(entry), Ok(id)) = (entry, Oid::hash_object(ObjectType::Blob, content)) else { return false };
        entry.kind() == Some(ObjectType::Blob) && entry.id() == id
    }
}
