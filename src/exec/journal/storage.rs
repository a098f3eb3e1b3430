//! Where a journal is kept: a file that this run alone has open. A simulation keeps it in memory, and loses what wasn't synced.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What a journal is written to. What is written comes after all that it holds.
pub trait Storage: fmt::Debug {
    /// How many bytes it holds.
    ///
    /// # Errors
    /// It can't be read.
    fn length(&self) -> io::Result<u64>;

    /// All that it holds, from the start.
    ///
    /// # Errors
    /// It can't be read.
    fn content(&mut self) -> io::Result<Box<dyn BufRead + '_>>;

    /// Cuts off what follows so many bytes.
    ///
    /// # Errors
    /// It can't be written.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Writes bytes; a crash may lose them, or all but the first of them.
    ///
    /// # Errors
    /// It can't be written.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns once all that was written is on the disk, where a crash can't lose it.
    ///
    /// # Errors
    /// It can't be written.
    fn sync(&mut self) -> io::Result<()>;

    /// The same, and the name of a new file too.
    ///
    /// # Errors
    /// It can't be written.
    fn sync_new(&mut self) -> io::Result<()> {
        self.sync()
    }
}

/// A journal's file, locked.
#[derive(Debug)]
pub(super) struct LockedFile {
    /// The open file, which holds the lock.
    pub(super) file: File,
    path: PathBuf,
}

impl LockedFile {
    /// Takes the file, if no other run has it.
    ///
    /// # Errors
    /// `WouldBlock`: another run has it.
    pub(super) fn lock(file: File, path: &Path) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self { file, path: path.to_owned() })
    }
}

impl Storage for LockedFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn content(&mut self) -> io::Result<Box<dyn BufRead + '_>> {
        self.file.seek(SeekFrom::Start(0))?;
        Ok(Box::new(BufReader::new(&self.file)))
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        if self.length()? > length {
            self.file.set_len(length)?;
        }
        self.file.seek(SeekFrom::End(0))?;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_new(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        sync_directory(&self.path)
    }
}

/// Lets the next run have the file at once. Closing it alone doesn't: a child process that is just being started holds the
/// same open file until it has become its program, and the lock with it.
impl Drop for LockedFile {
    fn drop(&mut self) {
        // Nothing is lost when this fails: the lock goes with the last holder of the file.
        let _ = self.file.unlock();
    }
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
