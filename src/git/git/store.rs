//! A pack that comes over the network becomes objects in a folder of its own, beside a repository that stays as it is.
//!
//! A bare repository in a temporary folder, which sees the other one's objects too: a pack may hold differences to them. It goes
//! away with its owner.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use git2::RepositoryInitOptions;

use crate::error::Error;

use super::watch::{self, Progress};

/// The folder, and the repository in it.
pub(in crate::git) struct Store {
    inner: Arc<Mutex<git2::Repository>>,
    folder: Folder,
}

impl Store {
    /// Makes the folder below `temporary`, readable for nobody else. Objects in `others` count as there.
    ///
    /// # Errors
    /// A folder that can't be written to.
    pub(in crate::git) fn create(temporary: &Path, others: &Path) -> Result<Self, Error> {
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(|error| no_store(temporary, &error.to_string()))?;
        let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = Folder(temporary.join(format!("cdn-purge-fetched-{name}")));
        make_private(&folder.0).map_err(|error| no_store(temporary, &error.to_string()))?;
        let others = others.to_str().ok_or_else(|| no_store(others, "the folder's name isn't Unicode"))?;
        let (path, others) = (folder.0.clone(), others.to_owned());
        let made = watch::over(&Progress::default(), move || repository(&path, &others));
        let made = made.map_err(|why| no_store(temporary, &why))?;
        let inner = made.map_err(|error| no_store(temporary, error.message()))?;
        Ok(Self { inner: Arc::new(Mutex::new(inner)), folder })
    }

    /// Where the objects come to lie.
    pub(in crate::git) fn objects(&self) -> PathBuf {
        self.folder.0.join("objects")
    }

    /// A place to write a pack to.
    ///
    /// # Errors
    /// One that can't be made.
    pub(in crate::git) fn pack(&self) -> Result<Pack<'_>, String> {
        let path = self.folder.0.join("incoming");
        let file = File::create(&path).map_err(|error| unwritten(&error))?;
        Ok(Pack { store: self, path, file: BufWriter::new(file), begun: 0 })
    }
}

/// Makes the repository. What is read of the others' folder for it may be a pipe, too.
fn repository(folder: &Path, others: &str) -> Result<git2::Repository, git2::Error> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).no_reinit(true);
    let inner = git2::Repository::init_opts(folder, &options)?;
    inner.odb()?.add_disk_alternate(others)?;
    Ok(inner)
}

/// A pack that is being written.
pub(in crate::git) struct Pack<'a> {
    store: &'a Store,
    path: PathBuf,
    file: BufWriter<File>,
    /// How many bytes of [`PACK`] have come.
    begun: usize,
}

/// How a pack begins.
const PACK: &[u8] = b"PACK";

impl Pack<'_> {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Bytes that don't begin as a pack does; a disk that is full.
    pub(in crate::git) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let rest = &PACK[self.begun..];
        let known = rest.len().min(bytes.len());
        if rest[..known] != bytes[..known] {
            return Err(unread());
        }
        self.begun += known;
        self.file.write_all(bytes).map_err(|error| unwritten(&error))
    }

    /// Ends the pack; its objects can be read from now on. Where it stands on objects of the clone, libgit2 reads those, on a thread that is
    /// watched.
    ///
    /// # Errors
    /// A pack that can't be read or isn't whole, or that stands on objects that aren't here or can't be read, in libgit2's words.
    pub(in crate::git) fn finish(self) -> Result<(), String> {
        let Self { store, path, file, .. } = self;
        file.into_inner().map_err(|error| unwritten(error.error()))?;
        let progress = Progress::default();
        let (inner, steps) = (Arc::clone(&store.inner), progress.clone());
        let done = watch::over(&progress, move || {
            let inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
            index(&inner, &path, &steps)
        });
        done.unwrap_or_else(|why| Err(unusable(&why)))
    }
}

/// Takes the pack in a file into the repository.
fn index(repository: &git2::Repository, path: &Path, progress: &Progress) -> Result<(), String> {
    let odb = repository.odb().map_err(words)?;
    let mut pack = odb.packwriter().map_err(words)?;
    pack.progress(|_| {
        progress.step();
        true
    });
    let mut file = File::open(path).map_err(|error| unwritten(&error))?;
    std::io::copy(&mut file, &mut pack).map_err(|_| unread())?;
    pack.commit().map(drop).map_err(|error| unusable(error.message()))?;
    // It is in the repository now; what can't be removed goes away with the folder.
    let _ = std::fs::remove_file(path);
    Ok(())
}

fn unusable(why: &str) -> String {
    format!("the server's pack can't be used: {why}")
}

fn unread() -> String {
    "the server's pack can't be read".to_owned()
}

fn unwritten(error: &std::io::Error) -> String {
    format!("the server's pack can't be kept: {error}")
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
