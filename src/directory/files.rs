//! Reads the files of a built directory: their sizes and digests, on all cores.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;

use super::built_file::BuiltFile;
use super::digest::{Digest, DigestKind};
use super::errors;
use super::listing::ListedFile;
use super::manifest::{Entry, Manifest};
use super::walk::{Found, place_of, walk};
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

/// Reads the files of the directory `name` below `root`, the repository's. With `trusted`, files whose size and times are as this
/// manifest has them keep its digest.
///
/// # Errors
/// A directory that is missing, lies outside of the repository, or holds what can't be read.
pub fn read(root: &Path, name: &str, trusted: Option<&Manifest>, now: Timestamp) -> Result<BuiltFiles, Error> {
    let known = |found: &Found| {
        let entries: &[Entry] = trusted.map_or(&[], |manifest| &manifest.entries);
        let place = entries.binary_search_by(|entry| entry.path.cmp(&found.path)).ok()?;
        let entry = &entries[place];
        let (digest, size) = entry.content?;
        (found.stamp.is_some() && found.stamp == entry.stamp && found.size == size).then_some(digest)
    };
    let way = |found: &Found| known(found).map_or(Way::Read(DigestKind::Sha256), Way::Known);
    read_by(root, name, now, &way)
}

/// The same, with the algorithms that a listing uses. `listed` is in the order of paths.
///
/// # Errors
/// As [`read`].
pub fn read_for_listing(root: &Path, name: &str, listed: &[ListedFile], now: Timestamp) -> Result<BuiltFiles, Error> {
    let way = |found: &Found| {
        let place = listed.binary_search_by(|listed| listed.path.cmp(&found.path)).ok();
        let listed = place.map(|place| &listed[place]).filter(|listed| listed.size == found.size);
        let digest = listed.and_then(|listed| listed.digest.as_ref());
        Way::Read(digest.map_or(DigestKind::Sha256, Digest::kind))
    };
    read_by(root, name, now, &way)
}

/// How a file's digest is had.
enum Way {
    Read(DigestKind),
    Known(Digest),
}

fn read_by(
    root: &Path,
    name: &str,
    now: Timestamp,
    way: &(impl Fn(&Found) -> Way + Sync),
) -> Result<BuiltFiles, Error> {
    let missing = |error: io::Error| errors::missing(name, &error.to_string());
    let root = root.canonicalize().map_err(missing)?;
    let directory = root.join(name).canonicalize().map_err(missing)?;
    if !directory.starts_with(&root) || directory == root {
        return Err(errors::outside(name));
    }
    if !directory.is_dir() {
        return Err(errors::missing(name, "it is no directory"));
    }
    let found = walk(&directory, name, now)?;
    let (digests, trusted) = digests(&directory, &found, way);
    let mut files = Vec::with_capacity(found.len());
    let (mut problems, mut more) = (Vec::new(), 0);
    for (found, digest) in found.into_iter().zip(digests) {
        match digest {
            Ok(digest) => {
                let Found { path, size, stamp } = found;
                files.push(BuiltFile { path, size, digest, stamp });
            }
            Err(why) if problems.len() < 10 => {
                problems.push(format!("`{}` ({why})", crate::model::RepoPath::new(found.path)));
            }
            Err(_) => more += 1,
        }
    }
    if !problems.is_empty() {
        return Err(errors::unreadable(name, &problems, more));
    }
    let build = build(&files);
    Ok(BuiltFiles { files, build, trusted })
}

type Outcome = Result<Digest, String>;

/// The digests of files, in their order, and how many weren't read.
fn digests(directory: &Path, found: &[Found], way: &(impl Fn(&Found) -> Way + Sync)) -> (Vec<Outcome>, usize) {
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut done, mut buffer) = (Vec::new(), Vec::new());
        loop {
            let start = next.fetch_add(SHARE, Ordering::Relaxed);
            let Some(share) = found.get(start..found.len().min(start + SHARE)).filter(|share| !share.is_empty()) else {
                return done;
            };
            for (index, found) in (start..).zip(share) {
                let (digest, trusted) = match way(found) {
                    Way::Known(digest) => (Ok(digest), true),
                    Way::Read(kind) => (digest(directory, found, kind, &mut buffer), false),
                };
                done.push((index, digest, trusted));
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(MOST_THREADS).min(found.len().div_ceil(SHARE));
    let mut outcomes: Vec<Outcome> = vec![Err(String::new()); found.len()];
    let mut trusted = 0;
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = vec![work()];
        all.extend(others.into_iter().map(|thread| thread.join().expect("reading files doesn't panic")));
        for (index, outcome, is_trusted) in all.into_iter().flatten() {
            outcomes[index] = outcome;
            trusted += usize::from(is_trusted);
        }
    });
    (outcomes, trusted)
}

fn digest(directory: &Path, found: &Found, kind: DigestKind, buffer: &mut Vec<u8>) -> Outcome {
    let read = File::open(place_of(directory, &found.path)).and_then(|mut file| Digest::of(kind, &mut file, buffer));
    match read {
        Ok((digest, size)) if size == found.size => Ok(digest),
        Ok(_) => Err("it changed while it was read".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn build(files: &[BuiltFile]) -> String {
    let mut text = Vec::new();
    for file in files {
        text.extend_from_slice(file.digest.to_string().as_bytes());
        text.extend_from_slice(&(file.path.len() as u64).to_be_bytes());
        text.extend_from_slice(&file.path);
    }
    Digest::sha256(&text).to_string()
}
