//! A submodule's place in a checkout becomes its own repository, if it is checked out and lies where git puts it.

use std::path::PathBuf;

use crate::environment::Environment;
use crate::error::Error;
use crate::git::entries::Mode;
use crate::git::remedy::submodules as remedy;

use super::admission::{Refused, admit};
use super::enclosure::{common_directory, git_directory, leads_out, native};
use super::{ObjectId, Repository, trusted_directory};

impl Repository {
    /// The commit that a submodule is at in `commit`; `None` if no submodule is there.
    ///
    /// # Errors
    /// A commit or a directory that can't be read.
    pub(in crate::git) fn submodule_commit(&self, commit: ObjectId, path: &[u8]) -> Result<Option<ObjectId>, Error> {
        let found = self.objects.at(commit, path)?;
        Ok(found.filter(|item| item.mode == Mode::Submodule).map(|item| item.id))
    }

    /// Whether a commit is in this repository.
    ///
    /// # Errors
    /// One that can't be read.
    pub(in crate::git) fn has_commit(&self, commit: ObjectId) -> Result<bool, Error> {
        Ok(self.objects.commit(commit)?.is_some())
    }

    /// The repository of the submodule at `path`.
    ///
    /// # Errors
    /// A submodule that isn't checked out, or whose files lie outside of this checkout.
    pub(in crate::git) fn submodule(&self, path: &[u8], environment: &Environment) -> Result<Self, Error> {
        let shown = String::from_utf8_lossy(path);
        let absent = || remedy::not_checked_out(&shown, self.host);
        let directory = self.directory.join(native(path).ok_or_else(absent)?);
        if directory.join(".git").symlink_metadata().is_err() {
            return Err(absent());
        }
        // Where the files really are, before any of them is read.
        let inside = [self.directory.clone(), self.common.canonicalize().unwrap_or_default()];
        let is_own = directory.canonicalize().is_ok_and(|real| real == directory);
        let files = git_directory(&directory).filter(|files| inside.iter().any(|own| files.starts_with(own)));
        // It was checked out together with the one directory that is trusted.
        let trusted = trusted_directory(environment).filter(|trusted| directory.starts_with(trusted));
        let has_way_out = |files: &PathBuf| trusted.as_ref().is_some_and(|trusted| leads_out(files, trusted));
        let Some(own) =
            files.filter(|files| is_own && !has_way_out(files) && common_directory(files).as_ref() == Some(files))
        else {
            return Err(remedy::elsewhere(&shown));
        };
        match admit(&directory, &own, trusted.is_some()) {
            Ok(admitted) => Ok(Self::new(admitted, own, directory, self.host)),
            Err(Refused::Foreign) => Err(remedy::unopened(&shown, "it belongs to another user")),
            Err(Refused::Unreadable(why)) => Err(remedy::unopened(&shown, &why)),
        }
    }

    /// That a commit of the submodule at `path`, which this is, can't be compared without.
    pub(in crate::git) fn lacks(&self, path: &[u8], commit: ObjectId) -> Error {
        remedy::commit_not_here(&String::from_utf8_lossy(path), commit, self.is_shallow(), self.host)
    }
}
