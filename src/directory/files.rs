//! Reads the files of a built directory: their sizes and digests, on all cores.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;

use super::built_file::BuiltFile;
use super::digest::{Digest, DigestKind};
use super::errors;
use super::listing::ListedFile;
use super::manifest::Manifest;
use super::stamp::stamp;
use super::walk::{place_of, walk};
use crate::error::Error;

/// More threads than these only wait for the same disk.
const MOST_THREADS: usize = 8;

/// So many files are taken by a thread at once.
const SHARE: usize = 64;

/// All files of a built directory.
#[derive(Debug)]
pub struct BuiltFiles {
    /// In the order of their paths.
    pub files: Vec<BuiltFile>,
    /// 64 hex digits over paths and contents: equal for equal builds.
    pub build: String,
    /// How many of the files weren't read, because their times are those of the manifest.
    pub trusted: usize,
}

/// The files of a built directory, found and not read.
#[derive(Debug)]
pub struct FoundFiles {
    directory: PathBuf,
    /// For messages.
    name: String,
    /// In order.
    paths: Vec<Box<[u8]>>,
}

/// Lists the files of the directory `name` below `root`, the repository's.
///
/// # Errors
/// A directory that is missing, lies outside of the repository, or holds what is no file.
pub fn find(root: &Path, name: &str) -> Result<FoundFiles, Error> {
    let missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => errors::missing(name, "it isn't there"),
        _ => errors::missing(name, &error.to_string()),
    };
    let root = root.canonicalize().map_err(missing)?;
    let directory = root.join(name).canonicalize().map_err(missing)?;
    if !directory.starts_with(&root) || directory == root {
        return Err(errors::outside(name));
    }
    if !directory.is_dir() {
        return Err(errors::missing(name, "it is no directory"));
    }
    let paths = walk(&directory, name)?;
    Ok(FoundFiles { directory, name: name.to_owned(), paths })
}

/// Finds the files and reads all of them.
///
/// # Errors
/// As [`find`] and [`FoundFiles::read`].
pub fn read(root: &Path, name: &str, now: Timestamp) -> Result<BuiltFiles, Error> {
    find(root, name)?.read(None, now)
}

/// How a file's digest is had.
enum Way {
    Read(DigestKind),
    Known(Digest),
}

/// Decides that, by path, size and stamp.
type Decide<'a> = &'a (dyn Fn(&[u8], u64, Option<u64>) -> Way + Sync);

/// A file that was read, and whether by its times alone; or why it can't be.
type Outcome = Result<(BuiltFile, bool), String>;

impl FoundFiles {
    /// How many they are.
    pub fn count(&self) -> usize {
        self.paths.len()
    }

    /// Reads the files. With `trusted`, those whose size and times are as this manifest has them keep its digest.
    ///
    /// # Errors
    /// Files that can't be read.
    pub fn read(self, trusted: Option<&Manifest>, now: Timestamp) -> Result<BuiltFiles, Error> {
        self.read_by(now, &|path, size, stamp| {
            let entry = trusted.and_then(|manifest| manifest.entry(path));
            match entry.and_then(|entry| entry.content.filter(|_| entry.stamp == stamp)) {
                Some((digest, known)) if stamp.is_some() && known == size => Way::Known(digest),
                _ => Way::Read(DigestKind::Sha256),
            }
        })
    }

    /// The same, with the algorithms that a listing uses. `listed` is in the order of paths.
    ///
    /// # Errors
    /// As [`FoundFiles::read`].
    pub fn read_for_listing(self, listed: &[ListedFile], now: Timestamp) -> Result<BuiltFiles, Error> {
        self.read_by(now, &|path, size, _| {
            let place = listed.binary_search_by(|listed| (*listed.path).cmp(path)).ok();
            let listed = place.map(|place| &listed[place]).filter(|listed| listed.size == size);
            let digest = listed.and_then(|listed| listed.digest.as_ref());
            Way::Read(digest.map_or(DigestKind::Sha256, Digest::kind))
        })
    }

    fn read_by(self, now: Timestamp, decide: Decide<'_>) -> Result<BuiltFiles, Error> {
        let mut files = Vec::with_capacity(self.paths.len());
        let (mut problems, mut more, mut trusted) = (Vec::new(), 0, 0);
        for (path, outcome) in self.paths.iter().zip(self.outcomes(now, decide)) {
            match outcome {
                Ok((file, is_trusted)) => {
                    trusted += usize::from(is_trusted);
                    files.push(file);
                }
                Err(why) if problems.len() < 10 => {
                    problems.push(format!("`{}` ({why})", crate::model::RepoPath::new(path.clone())));
                }
                Err(_) => more += 1,
            }
        }
        if !problems.is_empty() {
            return Err(errors::unreadable(&self.name, &problems, more));
        }
        let build = build(&files);
        Ok(BuiltFiles { files, build, trusted })
    }

    /// What becomes of each file, in their order; on all cores.
    fn outcomes(&self, now: Timestamp, decide: Decide<'_>) -> Vec<Outcome> {
        let paths = &self.paths;
        let next = AtomicUsize::new(0);
        let work = || {
            let (mut done, mut buffer) = (Vec::new(), Vec::new());
            loop {
                let start = next.fetch_add(SHARE, Ordering::Relaxed);
                let share = paths.get(start..paths.len().min(start + SHARE)).unwrap_or_default();
                if share.is_empty() {
                    return done;
                }
                let outcomes: Vec<Outcome> =
                    share.iter().map(|path| outcome(&self.directory, path, now, decide, &mut buffer)).collect();
                done.push((start, outcomes));
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.min(MOST_THREADS).min(paths.len().div_ceil(SHARE));
        let mut shares = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut shares = work();
            let theirs = others.into_iter().map(|thread| thread.join().expect("reading files doesn't panic"));
            shares.extend(theirs.flatten());
            shares
        });
        shares.sort_unstable_by_key(|(start, _)| *start);
        shares.into_iter().flat_map(|(_, outcomes)| outcomes).collect()
    }
}

fn outcome(directory: &Path, path: &[u8], now: Timestamp, decide: Decide<'_>, buffer: &mut Vec<u8>) -> Outcome {
    let place = place_of(directory, path);
    let about = std::fs::metadata(&place).map_err(|error| error.to_string())?;
    let (size, stamp) = (about.len(), stamp(&about, now));
    let (digest, is_trusted) = match decide(path, size, stamp) {
        Way::Known(digest) => (digest, true),
        Way::Read(kind) => {
            let read = File::open(&place).and_then(|mut file| Digest::of(kind, &mut file, buffer));
            match read {
                Ok((digest, read)) if read == size => (digest, false),
                Ok(_) => return Err("it changed while it was read".to_owned()),
                Err(error) => return Err(error.to_string()),
            }
        }
    };
    Ok((BuiltFile { path: path.into(), size, digest, stamp }, is_trusted))
}

fn build(files: &[BuiltFile]) -> String {
    let lengths: Vec<[u8; 8]> = files.iter().map(|file| (file.path.len() as u64).to_be_bytes()).collect();
    let parts = files.iter().zip(&lengths);
    Digest::sha256_of(&mut parts.flat_map(|(file, length)| [file.digest.as_bytes(), length.as_slice(), &*file.path]))
        .to_string()
}
