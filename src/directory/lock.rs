//! A lock on a manifest, so that one run at a time reads and writes it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::errors;
use crate::error::Error;

/// A manifest that no other run of this machine reads or writes, as long as this value lives. The lock is the operating system's: it
/// ends with the process, however that ends. The empty file next to the manifest that it is taken on stays.
#[derive(Debug)]
pub struct Lock {
    file: Option<File>,
}

impl Lock {
    /// The file that is locked for a manifest.
    pub fn file_for(manifest: &Path) -> PathBuf {
        let mut name = manifest.as_os_str().to_owned();
        name.push(".lock");
        name.into()
    }

    /// Takes the lock. Where the file system has no locks, runs at the same time are noticed when they write the manifest.
    ///
    /// # Errors
    /// Another run has it; the file can't be made.
    pub fn take(manifest: &Path) -> Result<Self, Error> {
        let path = Self::file_for(manifest);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), fs::create_dir_all);
        let opened = made.and_then(|()| OpenOptions::new().create(true).truncate(false).write(true).open(&path));
        // One of another user can be locked, too.
        let file =
            opened.or_else(|error| File::open(&path).map_err(|_| errors::unlocked(manifest, &error.to_string())))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(errors::in_use(manifest)),
            Err(TryLockError::Error(_)) => Ok(Self { file: None }),
        }
    }
}

/// Lets the next run have it at once: a child process that is just being started holds the same open file for a moment.
impl Drop for Lock {
    fn drop(&mut self) {
        // The lock goes with the last holder of the file anyway.
        let _ = self.file.as_ref().map(File::unlock);
    }
}
