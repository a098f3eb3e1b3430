//! A temporary folder for fetched packs.

use std::fs::File;
use std::io::{BufWriter, Write};
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
/// How a pack begins.
const MAGIC: &[u8] = b"PACK";

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
    /// One that can't be made.
    pub(super) fn pack(&self) -> Result<Pack, String> {
        let file = File::create(self.0.join(INCOMING)).map_err(|error| unwritten(&error))?;
        Ok(Pack { file: BufWriter::new(file), begun: 0 })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // A folder that can't be removed lies in the runner's temporary folder, which others clean.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A pack that is being received.
pub(super) struct Pack {
    file: BufWriter<File>,
    /// How many bytes of [`MAGIC`] have come.
    begun: usize,
}

impl Pack {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Bytes that don't begin as a pack does; a disk that is full.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let rest = &MAGIC[self.begun..];
        let known = rest.len().min(bytes.len());
        if rest[..known] != bytes[..known] {
            return Err("the server's pack can't be read".to_owned());
        }
        self.begun += known;
        self.file.write_all(bytes).map_err(|error| unwritten(&error))
    }

    /// Ends the pack.
    ///
    /// # Errors
    /// A disk that is full.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        self.file.flush().map_err(|error| unwritten(&error))
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
    let mut pack = File::open(&incoming).map_err(|error| unwritten(&error))?;
    std::io::copy(&mut pack, &mut indexer).map_err(|error| format!("the server's pack can't be read: {error}"))?;
    indexer.commit().map_err(unusable)?;
    // A file that can't be removed goes away with the folder.
    let _ = std::fs::remove_file(incoming);
    repository.add_objects(folder).map_err(|error| error.to_string())
}

fn unwritten(error: &std::io::Error) -> String {
    format!("the server's pack can't be kept: {error}")
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
