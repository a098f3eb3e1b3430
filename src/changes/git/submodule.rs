//! A submodule's place in a checkout becomes its own repository, if it is checked out and lies where git puts it.

use crate::changes::remedy::submodules as remedy;
use crate::error::Error;
use crate::inputs::Environment;

use super::enclosure::{common_directory, git_directory, native};
use super::{ObjectId, Repository, object_id, oid, open_trusted, trusted_directory};

impl Repository {
    /// The commit that a submodule is at in `commit`; `None` if no submodule is there.
    pub(in crate::changes) fn submodule_commit(&self, commit: ObjectId, path: &[u8]) -> Option<ObjectId> {
        let tree = self.inner.find_commit(oid(commit)).and_then(|commit| commit.tree()).ok()?;
        let entry = tree.get_path(&native(path)?).ok()?;
        (entry.kind() == Some(git2::ObjectType::Commit)).then(|| object_id(entry.id()))
    }

    /// Whether a commit is in this repository.
    pub(in crate::changes) fn has_commit(&self, commit: ObjectId) -> bool {
        self.inner.find_commit(oid(commit)).is_ok()
    }

    /// The repository of the submodule at `path`.
    ///
    /// # Errors
    /// A submodule that isn't checked out, or whose files lie outside of this checkout.
    pub(in crate::changes) fn submodule(&self, path: &[u8], environment: &Environment) -> Result<Self, Error> {
        let shown = String::from_utf8_lossy(path);
        let absent = || remedy::not_checked_out(&shown, self.host);
        let directory = self.directory.join(native(path).ok_or_else(absent)?);
        if directory.join(".git").symlink_metadata().is_err() {
            return Err(absent());
        }
        // Where the files really are, before any of them is read.
        let inside = [self.directory.clone(), self.inner.commondir().canonicalize().unwrap_or_default()];
        let is_own = directory.canonicalize().is_ok_and(|real| real == directory);
        let files = git_directory(&directory).filter(|files| inside.iter().any(|own| files.starts_with(own)));
        if !is_own || files.is_none() || files.as_deref().and_then(common_directory) != files {
            return Err(remedy::elsewhere(&shown));
        }
        // It was checked out together with the one directory that is trusted.
        let trusted = trusted_directory(environment).filter(|trusted| directory.starts_with(trusted));
        let inner = open_trusted(&directory, trusted.is_some().then_some(&*directory))
            .map_err(|error| remedy::unopened(&shown, error.message()))?;
        Ok(Self { inner, directory, host: self.host })
    }

    /// That a commit of the submodule at `path`, which this is, can't be compared without.
    pub(in crate::changes) fn lacks(&self, path: &[u8], commit: ObjectId) -> Error {
        remedy::commit_not_here(&String::from_utf8_lossy(path), commit, self.is_shallow(), self.host)
    }
}
