//! A file becomes the bytes at a place in it, or all of them.
//!
//! Read where they lie, and not mapped into memory: a file that is cut off meanwhile is an error then, and no signal.

use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A file whose parts are read in any order.
pub(super) struct Places {
    /// `None`: all of it is in memory.
    file: Option<File>,
    memory: OnceCell<Vec<u8>>,
    /// In bytes.
    pub(super) length: u64,
}

/// A repository may have hundreds of small packs, and a process no more than 256 open files (macOS).
const SMALL: u64 = 128 << 10;

impl Places {
    /// Opens a file.
    ///
    /// # Errors
    /// One that can't be opened; what is no file, such as a pipe that would never end.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if !path.metadata()?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file: Some(file), memory: OnceCell::new(), length })
    }

    /// The same; a small one is read at once.
    ///
    /// # Errors
    /// As for [`Places::open`].
    pub(super) fn open_or_read(path: &Path) -> io::Result<Self> {
        let mut places = Self::open(path)?;
        if places.length <= SMALL {
            places.keep()?;
            places.file = None;
        }
        Ok(places)
    }

    /// Reads all of it into memory, once.
    ///
    /// # Errors
    /// A disk that can't be read; a file that is shorter than it was.
    pub(super) fn keep(&self) -> io::Result<()> {
        if self.memory.get().is_none() {
            let mut bytes = vec![0; usize::try_from(self.length).map_err(io::Error::other)?];
            self.bytes_into(0, &mut bytes)?;
            let _ = self.memory.set(bytes);
        }
        Ok(())
    }

    /// The bytes from `at` on, `N` of them.
    ///
    /// # Errors
    /// Fewer than that are there.
    pub(super) fn bytes<const N: usize>(&self, at: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.bytes_into(at, &mut bytes).map(|()| bytes)
    }

    /// The bytes from `at` on, without a copy if they are in memory and else in `buffer`, as many as that holds.
    ///
    /// # Errors
    /// Fewer bytes than that are there.
    pub(super) fn view<'a>(&'a self, at: u64, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        if let Some(held) = self.held(at) {
            return held.get(..buffer.len()).ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        }
        self.bytes_into(at, buffer)?;
        Ok(buffer)
    }

    /// What is in memory from `at` on; `None` if the file isn't.
    fn held(&self, at: u64) -> Option<&[u8]> {
        let memory = self.memory.get()?;
        Some(usize::try_from(at).ok().and_then(|at| memory.get(at..)).unwrap_or_default())
    }

    /// Fills all of `buffer` with what stands from `at` on.
    ///
    /// # Errors
    /// Fewer bytes than that are there.
    pub(super) fn bytes_into(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        if self.fill(at, buffer)? < buffer.len() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Fills `buffer` with what stands from `at` on; the number of bytes is less only where the file ends.
    ///
    /// # Errors
    /// A disk that can't be read.
    pub(super) fn fill(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(held) = self.held(at) {
            let filled = held.len().min(buffer.len());
            buffer[..filled].copy_from_slice(&held[..filled]);
            return Ok(filled);
        }
        let Some(file) = &self.file else { return Ok(0) };
        let mut filled = 0;
        while filled < buffer.len() {
            match read_at(file, at + filled as u64, &mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// A piece of one of several files, which are told apart by a number.
#[derive(Default)]
pub(super) struct Window {
    file: usize,
    start: u64,
    bytes: Vec<u8>,
}

/// So much is read where nothing was read before: it holds most objects, and what a directory of a hundred files takes.
const FIRST: usize = 4 << 10;

/// The most that is read ahead, where one place after the other is asked for, as along a history.
const AHEAD: usize = 64 << 10;

impl Window {
    /// What stands from `at` on, up to `end`: at least so many bytes, or less where they end.
    ///
    /// # Errors
    /// A disk that can't be read.
    pub(super) fn at(&mut self, places: &Places, file: usize, at: u64, end: u64, least: usize) -> io::Result<&[u8]> {
        let (here, length) = (at.wrapping_sub(self.start), self.bytes.len());
        let is_known = self.file == file && here <= length as u64;
        let behind = if is_known { usize::try_from(here).unwrap_or(length) } else { length };
        if length - behind < least && self.start + (length as u64) < end || !is_known {
            let size = if is_known { (2 * length).clamp(FIRST, AHEAD) } else { FIRST };
            let left = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
            self.bytes.resize(size.max(least).min(left), 0);
            let filled = places.fill(at, &mut self.bytes)?;
            self.bytes.truncate(filled);
            (self.file, self.start) = (file, at);
            return Ok(&self.bytes);
        }
        Ok(&self.bytes[behind..])
    }
}

/// What a file holds; `None` if there is none, or a folder in its place.
///
/// # Errors
/// A file that can't be read or has more than `longest` bytes; what is no file, such as a pipe that would never end.
pub(super) fn whole(path: &Path, longest: u64) -> io::Result<Option<Vec<u8>>> {
    let metadata = match path.metadata() {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        metadata => metadata?,
    };
    if metadata.is_dir() {
        return Ok(None);
    }
    if !metadata.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    // A few bytes more than there should be, so that the end is met without another buffer.
    let mut text = Vec::with_capacity(usize::try_from(metadata.len().min(longest)).map_or(0, |length| length + 64));
    File::open(path)?.take(longest + 1).read_to_end(&mut text)?;
    if text.len() as u64 > longest { Err(io::Error::other("it is too long")) } else { Ok(Some(text)) }
}

#[cfg(unix)]
fn read_at(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}
