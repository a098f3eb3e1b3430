//! A file of the work tree becomes the answer whether a commit holds just this content in its place.

use std::path::Path;

use crate::git::entries::Mode;
use crate::git::range::Commit;

use super::Repository;
use super::objects::Kind;

impl Repository {
    /// Whether a directory lies in a checkout, be it a broken one.
    pub(in crate::git) fn is_around(directory: &Path) -> bool {
        directory.ancestors().any(|above| above.join(".git").symlink_metadata().is_ok())
    }

    /// Whether `commit` has this content at the place of `file`, an absolute path without links.
    pub(in crate::git) fn has_content(&self, commit: &Commit, file: &Path, content: &[u8]) -> bool {
        let Ok(place) = file.strip_prefix(&self.directory) else { return false };
        let Some(id) = Kind::Blob.digest(content) else { return false };
        let names: Vec<&[u8]> = place.iter().map(std::ffi::OsStr::as_encoded_bytes).collect();
        let found = self.objects.at(commit.id, &names.join(&b'/'));
        let is_file = |mode| matches!(mode, Mode::File | Mode::Executable | Mode::Symlink);
        found.is_ok_and(|item| item.is_some_and(|item| is_file(item.mode) && item.id == id))
    }
}
