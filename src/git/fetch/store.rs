//! A temporary folder for fetched packs.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use git2::Indexer;

use crate::error::Error;
use crate::git::repository::Repository;

/// The folder, which is removed with its owner.
pub(super) struct Store(PathBuf);

/// The folder of packs, as in a repository's `objects`.
const PACKS: &str = "pack";
/// A pack that is being received.
const INCOMING: &str = "incoming";
impl Store {
    /// Makes the folder below `temporary`, readable for nobody else.
    ///
    /// # Errors
    /// A folder that can't be written to.
    pub(super) fn create(temporary: &Path) -> Result<Self, Error> {
        let unusable = |why: String| Error::Checkout {
            message: format!("nothing can be fetched into `{}`: {why}", temporary.display()),
            help: "set `RUNNER_TEMP` or `TMPDIR` to a writable folder; or set `fetch: false`".to_owned(),
        };
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(|error| unusable(error.to_string()))?;
        let store = Self(temporary.join(format!("cdn-purge-fetched-{:016x}", u64::from_ne_bytes(name))));
        for folder in [store.0.clone(), store.0.join(PACKS)] {
            make_private(&folder).map_err(|error| unusable(error.to_string()))?;
        }
        Ok(store)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// A file for a pack that is being received.
    ///
    /// # Errors
    /// One that can't be made, as text for a message.
    pub(super) fn incoming(&self) -> Result<BufWriter<File>, String> {
        let file = File::create(self.0.join(INCOMING)).map_err(|error| format!("the pack can't be kept: {error}"))?;
        Ok(BufWriter::new(file))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // A folder that can't be removed lies in the runner's temporary folder, which others clean.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Indexes the pack that was received into a store's `folder`, and reads its objects from now on. It may contain deltas to
/// objects of `repository`.
///
/// # Errors
/// A pack that isn't whole, or whose deltas need objects that aren't here.
pub(super) fn index(repository: &Repository, folder: &Path) -> Result<(), String> {
    let unusable = |error: git2::Error| format!("the server's pack can't be used: {}", error.message());
    let odb = repository.git.odb().map_err(unusable)?;
    let mut indexer = Indexer::new(Some(&odb), &folder.join(PACKS), 0o600, false).map_err(unusable)?;
    let incoming = folder.join(INCOMING);
    let unread = |error: std::io::Error| format!("the server's pack can't be read: {error}");
    let mut pack = File::open(&incoming).map_err(unread)?;
    std::io::copy(&mut pack, &mut indexer).map_err(unread)?;
    indexer.commit().map_err(unusable)?;
    // A file that can't be removed goes away with the folder.
    let _ = std::fs::remove_file(incoming);
    repository.add_objects(folder).map_err(|error| error.to_string())
}

#[cfg(unix)]
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir(folder)
}
