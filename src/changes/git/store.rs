//! A pack that comes over the network becomes objects in a folder of its own, beside a repository that stays as it is.
//!
//! A bare repository in a temporary folder, which sees the other one's objects too: a pack may hold differences to them. It goes
//! away with its owner.

use std::io::Write;
use std::path::{Path, PathBuf};

use git2::RepositoryInitOptions;

use crate::error::Error;

/// The folder, and the repository in it.
pub(in crate::changes) struct Store {
    inner: git2::Repository,
    folder: Folder,
}

impl Store {
    /// Makes the folder below `temporary`, readable for nobody else. Objects in `others` count as there.
    ///
    /// # Errors
    /// A folder that can't be written to.
    pub(in crate::changes) fn create(temporary: &Path, others: &Path) -> Result<Self, Error> {
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(|error| no_store(temporary, &error.to_string()))?;
        let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = Folder(temporary.join(format!("cdn-purge-fetched-{name}")));
        make_private(&folder.0).map_err(|error| no_store(temporary, &error.to_string()))?;
        let mut options = RepositoryInitOptions::new();
        options.bare(true).external_template(false).no_reinit(true);
        let failed = |error: git2::Error| no_store(temporary, error.message());
        let inner = git2::Repository::init_opts(&folder.0, &options).map_err(failed)?;
        let others = others.to_str().ok_or_else(|| no_store(others, "the folder's name isn't Unicode"))?;
        inner.odb().and_then(|odb| odb.add_disk_alternate(others)).map_err(failed)?;
        Ok(Self { inner, folder })
    }

    /// Where the objects come to lie.
    pub(in crate::changes) fn objects(&self) -> PathBuf {
        self.folder.0.join("objects")
    }

    /// Its object database.
    ///
    /// # Errors
    /// One that can't be opened, in libgit2's words.
    pub(in crate::changes) fn database(&self) -> Result<Database<'_>, String> {
        self.inner.odb().map(Database).map_err(words)
    }
}

/// The objects of a store.
pub(in crate::changes) struct Database<'a>(git2::Odb<'a>);

impl Database<'_> {
    /// A place to write a pack to.
    ///
    /// # Errors
    /// One that can't be made, in libgit2's words.
    pub(in crate::changes) fn pack(&self) -> Result<Pack<'_>, String> {
        self.0.packwriter().map(Pack).map_err(words)
    }
}

/// A pack that is being written.
pub(in crate::changes) struct Pack<'a>(git2::OdbPackwriter<'a>);

impl Pack<'_> {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Bytes that are no pack.
    pub(in crate::changes) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.0.write_all(bytes).map_err(|_| "the server's pack can't be read".to_owned())
    }

    /// Ends the pack; its objects can be read from now on.
    ///
    /// # Errors
    /// A pack that isn't whole, or that stands on objects that aren't here, in libgit2's words.
    pub(in crate::changes) fn finish(mut self) -> Result<(), String> {
        self.0.commit().map(drop).map_err(|error| format!("the server's pack can't be used: {}", error.message()))
    }
}

fn words(error: git2::Error) -> String {
    error.message().to_owned()
}

fn no_store(folder: &Path, why: &str) -> Error {
    Error::Checkout {
        message: format!("nothing can be fetched into `{}`: {why}", folder.display()),
        help: "let the temporary folder (`RUNNER_TEMP`, `TMPDIR`) be one that can be written to; or set `fetch: false`"
            .to_owned(),
    }
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

/// A folder that goes away with its owner.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What can't be removed lies in the runner's temporary folder, which is cleaned by others.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
