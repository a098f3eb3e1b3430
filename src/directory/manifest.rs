//! The manifest of a built site: what the caches may still hold of each file.
//!
//! It describes the caches, not the build: a file whose refresh isn't done keeps its former digest and is marked, so that the
//! next run refreshes it whatever it is then. One line each: the format, a JSON object about the run, the files in the order of
//! their paths, and a SHA-256 over all lines before it, which names the manifest:
//!
//! ```text
//! cdn-purge-manifest 1
//! {"program":"cdn-purge 0.1.0",…}
//! = 9f86d081… 1234 - index.html
//! sha256 60303ae2…
//! ```
//!
//! A file's line has its state, digest, size, stamp and path. `-` stands for a digest or a stamp that isn't known.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::built_file::BuiltFile;
use super::digest::{Digest, DigestKind};
use super::errors;
use super::site::{Run, Site};
use super::walk::MOST;
use crate::error::Error;

/// The format.
const VERSION: &str = "1";

/// What the first line begins with.
const MAGIC: &str = "cdn-purge-manifest ";

/// A larger manifest isn't one.
const LARGEST: u64 = 32 << 20;

/// `sha256 `, 64 digits and the end of the line.
const TRAILER: usize = 72;

/// About the run that wrote a manifest. Unknown fields are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Name and version of the program.
    pub program: String,
    /// Of the files' digests: `sha256`.
    pub algorithm: String,
    /// When it was written.
    pub created: Timestamp,
    /// Which site it is of.
    pub site: Site,
    /// The commit that was built, if known.
    pub commit: Option<String>,
    /// The run that wrote it, if the CI numbers its runs.
    pub run: Option<Run>,
    /// The manifest that this one followed.
    pub previous: Option<String>,
    /// 64 hex digits over the built files.
    pub build: String,
    /// The hosts of the rules' URLs, in lower case.
    pub hosts: Vec<String>,
    /// The provider of each target.
    pub targets: BTreeMap<String, String>,
    /// The rules by which the files were refreshed, as text.
    pub rules: String,
}

/// What the caches may hold of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// This content, or nothing.
    Fresh,
    /// This content or another one: its refresh isn't done.
    Unrefreshed,
    /// As [`State::Fresh`], and its prefetch isn't done.
    Unprefetched,
}

/// A file's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Below the directory, `/`-separated.
    pub path: Box<[u8]>,
    /// Digest and size; `None` for a file that wasn't there before and whose refresh isn't done.
    pub content: Option<(Digest, u64)>,
    /// See [`BuiltFile::stamp`].
    pub stamp: Option<u64>,
    /// What the caches may hold of it.
    pub state: State,
}

/// A manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// About the run that wrote it.
    pub header: Header,
    /// In the order of their paths.
    pub entries: Vec<Entry>,
    /// 64 hex digits that name it.
    pub id: String,
}

/// A manifest as it is stored.
#[derive(Debug)]
pub struct Stored {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// 64 hex digits that name it.
    pub id: String,
}

impl State {
    fn letter(self) -> char {
        match self {
            Self::Fresh => '=',
            Self::Unrefreshed => '!',
            Self::Unprefetched => '>',
        }
    }

    fn of(letter: &[u8]) -> Option<Self> {
        [Self::Fresh, Self::Unrefreshed, Self::Unprefetched]
            .into_iter()
            .find(|state| letter.len() == 1 && char::from(letter[0]) == state.letter())
    }
}

impl Manifest {
    /// Reads the manifest in a file; `None` if there is none.
    ///
    /// # Errors
    /// A file that can't be read, is too large, was cut off or changed, or is of a newer version.
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        bytes(path)?.map(|bytes| Self::parse(path, &bytes)).transpose()
    }

    /// The name of the manifest in a file; `None` if there is none.
    ///
    /// # Errors
    /// As [`Manifest::read`], without a look at its lines.
    pub fn id_in(path: &Path) -> Result<Option<String>, Error> {
        let Some(bytes) = bytes(path)? else { return Ok(None) };
        let (_, id) = body(path, &bytes)?;
        Ok(Some(id))
    }

    /// Reads a manifest; `path` is for messages.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let (body, id) = body(path, bytes)?;
        let unusable = |why: &str| errors::unusable(path, why);
        let mut lines = body.split(|&byte| byte == b'\n');
        // The last line ends too.
        let (_, header) = (lines.next(), lines.next().ok_or_else(|| unusable("it has no line about its run"))?);
        let header: Header = serde_json::from_slice(header)
            .map_err(|error| unusable(&format!("its second line isn't about a run: {error}")))?;
        if header.algorithm != "sha256" {
            return Err(unusable("its digests aren't SHA-256"));
        }
        let mut entries: Vec<Entry> = Vec::new();
        for (number, line) in (3..).zip(lines).filter(|(_, line)| !line.is_empty()) {
            let entry = entry(line).ok_or_else(|| unusable(&format!("its line {number} isn't about a file")))?;
            if entries.last().is_some_and(|last| last.path >= entry.path) {
                return Err(unusable(&format!("its line {number} isn't in the order of paths")));
            }
            if entries.len() == MOST {
                return Err(unusable(&format!("it has more than {MOST} files")));
            }
            entries.push(entry);
        }
        Ok(Self { header, entries, id })
    }

    /// Writes a manifest; `path` is for messages.
    ///
    /// # Errors
    /// It would be larger than one can be.
    pub fn write(path: &Path, header: &Header, entries: &[Entry]) -> Result<Stored, Error> {
        let mut bytes = Vec::with_capacity(1024 + entries.len() * 128);
        let header = serde_json::to_string(header).expect("texts and numbers can be written as JSON");
        let mut text = String::new();
        let _ = write!(text, "{MAGIC}{VERSION}\n{header}\n");
        bytes.append(&mut text.into_bytes());
        for Entry { path, content, stamp, state } in entries {
            let mut text = String::new();
            let _ = match content {
                Some((digest, size)) => write!(text, "{} {digest} {size} ", state.letter()),
                None => write!(text, "{} - 0 ", state.letter()),
            };
            let _ = match stamp {
                Some(stamp) => write!(text, "{stamp:016x} "),
                None => write!(text, "- "),
            };
            bytes.extend_from_slice(text.as_bytes());
            escape(path, &mut bytes);
            bytes.push(b'\n');
        }
        let id = Digest::sha256(&bytes).to_string();
        bytes.extend_from_slice(format!("sha256 {id}\n").as_bytes());
        if bytes.len() as u64 > LARGEST {
            return Err(errors::too_large(path, LARGEST >> 20));
        }
        Ok(Stored { bytes, id })
    }

    /// Refuses a manifest of another site, of a newer run unless that is meant, and a build that lost most of its files.
    ///
    /// # Errors
    /// Those, by name.
    pub fn check_site(&self, path: &Path, site: &Site) -> Result<(), Error> {
        let theirs = &self.header.site;
        if let (Some(theirs), Some(ours)) = (&theirs.repository, &site.repository)
            && theirs != ours
        {
            return Err(errors::other_site(path, "repository", theirs, ours));
        }
        if theirs.directory != site.directory {
            return Err(errors::other_site(path, "directory", &theirs.directory, &site.directory));
        }
        Ok(())
    }

    /// Refuses a manifest of a newer run than this one.
    ///
    /// # Errors
    /// That, with both runs.
    pub fn check_run(&self, path: &Path, run: Option<&Run>) -> Result<(), Error> {
        match (&self.header.run, run) {
            (Some(theirs), Some(ours)) if theirs.is_newer_than(ours) => {
                Err(errors::newer_run(path, &theirs.to_string(), &ours.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// The run or the time that it is of, for messages: `run 481 (commit 1a2b3c4d5e6f)`.
    pub fn origin(&self) -> String {
        let Header { run, commit, created, .. } = &self.header;
        let run = run
            .as_ref()
            .map_or_else(|| format!("the run of {}", created.strftime("%Y-%m-%dT%H:%M:%SZ")), Run::to_string);
        let commit = commit.as_deref().map(|commit| format!(" (commit {})", commit.get(..12).unwrap_or(commit)));
        format!("{run}{}", commit.unwrap_or_default())
    }

    /// The entry of a file.
    pub fn entry(&self, path: &[u8]) -> Option<&Entry> {
        self.entries.binary_search_by(|entry| (*entry.path).cmp(path)).ok().map(|place| &self.entries[place])
    }
}

impl Entry {
    /// The entries of a manifest that another run wrote while this one was at work: what this one refreshed may hold the content of
    /// either, so the next run refreshes it again. In the order of paths.
    pub fn also_changed_by(theirs: &[Self], changed: &HashSet<Box<[u8]>>) -> Vec<Self> {
        let is_known = |path: &[u8]| theirs.binary_search_by(|entry| (*entry.path).cmp(path)).is_ok();
        let marked = |entry: &Self| {
            if changed.contains(&entry.path) {
                Self { stamp: None, state: State::Unrefreshed, ..entry.clone() }
            } else {
                entry.clone()
            }
        };
        let new = changed.iter().filter(|path| !is_known(path)).map(|path| Self {
            path: path.clone(),
            content: None,
            stamp: None,
            state: State::Unrefreshed,
        });
        let mut entries: Vec<Self> = theirs.iter().map(marked).chain(new).collect();
        entries.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        entries
    }

    /// What the caches may hold after a run: `before` is the manifest that it followed, `unrefreshed` and `unprefetched` are the
    /// files whose refresh or prefetch isn't done.
    pub fn after(
        before: &[Self],
        built: &[BuiltFile],
        unrefreshed: &HashSet<&[u8]>,
        unprefetched: &HashSet<&[u8]>,
    ) -> Vec<Self> {
        let mut entries = Vec::with_capacity(built.len());
        let (mut before, mut built) = (before.iter().peekable(), built.iter().peekable());
        loop {
            let path = match (before.peek(), built.peek()) {
                (None, None) => return entries,
                (Some(old), None) => &old.path,
                (None, Some(new)) => &new.path,
                (Some(old), Some(new)) => (&old.path).min(&new.path),
            };
            let old = before.next_if(|old| old.path == *path);
            let new = built.next_if(|new| new.path == *path);
            if unrefreshed.contains(&**path) {
                let content = old.and_then(|old| old.content);
                entries.push(Self { path: path.clone(), content, stamp: None, state: State::Unrefreshed });
            } else if let Some(new) = new {
                let state = if unprefetched.contains(&**path) { State::Unprefetched } else { State::Fresh };
                let content = Some((new.digest, new.size));
                entries.push(Self { path: path.clone(), content, stamp: new.stamp, state });
            }
        }
    }
}

fn bytes(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let unreadable = |error: std::io::Error| errors::unusable(path, &error.to_string());
    match std::fs::metadata(path) {
        Ok(about) if !about.is_file() => return Err(errors::unusable(path, "it is no regular file")),
        Ok(about) if about.len() > LARGEST => {
            return Err(errors::unusable(path, &format!("it is larger than {} MiB", LARGEST >> 20)));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    Ok(Some(bytes))
}

/// All lines but the last, whose digest fits them, and the digest.
fn body<'a>(path: &Path, bytes: &'a [u8]) -> Result<(&'a [u8], String), Error> {
    let first = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let first = &first[..first.len().min(100)];
    let version = std::str::from_utf8(first).ok().and_then(|line| line.strip_prefix(MAGIC));
    let version = version.ok_or_else(|| errors::unusable(path, "it doesn't begin as a manifest does"))?;
    if version != VERSION && !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(errors::newer_version(path, version));
    }
    let (body, trailer) = bytes.split_at(bytes.len().saturating_sub(TRAILER));
    let id = Digest::sha256(body).to_string();
    if version != VERSION || trailer != format!("sha256 {id}\n").as_bytes() {
        return Err(errors::unusable(path, "it was cut off or changed: its digest doesn't fit"));
    }
    Ok((body, id))
}

fn entry(line: &[u8]) -> Option<Entry> {
    let mut fields = line.splitn(5, |&byte| byte == b' ');
    let state = State::of(fields.next()?)?;
    let digest = std::str::from_utf8(fields.next()?).ok()?;
    let size: u64 = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let stamp = std::str::from_utf8(fields.next()?).ok()?;
    let path = unescape(fields.next()?)?;
    let content = match digest {
        "-" => None,
        digest => Some((Digest::parse(DigestKind::Sha256, digest)?, size)),
    };
    let stamp = match stamp {
        "-" => None,
        stamp => Some(u64::from_str_radix(stamp, 16).ok()?),
    };
    // Only what isn't refreshed may be without a content.
    if path.is_empty() || (content.is_none() && state != State::Unrefreshed) {
        return None;
    }
    Some(Entry { path: path.into(), content, stamp, state })
}

/// A path on one line: a line break is `\n`, a carriage return `\r`, a backslash `\\`.
fn escape(path: &[u8], line: &mut Vec<u8>) {
    for &byte in path {
        match byte {
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\\' => line.extend_from_slice(b"\\\\"),
            byte => line.push(byte),
        }
    }
}

fn unescape(line: &[u8]) -> Option<Vec<u8>> {
    let mut path = Vec::with_capacity(line.len());
    let mut bytes = line.iter();
    while let Some(&byte) = bytes.next() {
        path.push(match byte {
            b'\\' => match bytes.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b'\\' => b'\\',
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(path)
}
