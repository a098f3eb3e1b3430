//! Listings of an object store from before the upload, in the formats of the tools that make them.
//!
//! Every parser gives [`ListedFile`]s. To add a format, add a row to [`FORMATS`]: how its first bytes are recognized, and how it is
//! read.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

use super::digest::{Digest, DigestKind};
use super::errors;
use super::walk::MOST;
use crate::error::Error;

/// A larger listing isn't read: some 250,000 objects with long names.
const LARGEST: u64 = 256 << 20;

/// A file as an object store lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// As the built directory names it: below the directory, `/`-separated, without a `/` before it.
    pub path: Box<[u8]>,
    /// In bytes.
    pub size: u64,
    /// The digest of its content, the safest that the listing has. `None` where it has none, or one that isn't the content's (the ETag
    /// of a multipart upload): then the file counts as changed.
    pub digest: Option<Digest>,
}

/// A format of listings.
struct Format {
    /// For messages.
    name: &'static str,
    /// Whether a text looks like it.
    fits: fn(&[u8]) -> bool,
    /// Reads it; the error is a sentence fragment.
    parse: fn(&[u8]) -> Result<Vec<ListedFile>, String>,
}

const FORMATS: &[Format] = &[Format { name: "rclone lsjson -R --hash", fits: looks_like_lsjson, parse: lsjson }];

/// Reads a listing; the files are in the order of their paths.
///
/// # Errors
/// A file that can't be read or is of no known format; a listing without files, or with the same path twice.
pub fn read_listing(path: &Path) -> Result<Vec<ListedFile>, Error> {
    let unlisted = |why: &str| errors::unlisted(path, why);
    let about = std::fs::metadata(path).map_err(|error| unlisted(&error.to_string()))?;
    if !about.is_file() {
        return Err(unlisted("it is no regular file"));
    }
    if about.len() > LARGEST {
        return Err(unlisted(&format!("it is larger than {} MiB", LARGEST >> 20)));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| unlisted(&error.to_string()))?;
    parse(&bytes).map_err(|why| unlisted(&why))
}

/// Reads a listing; the error is a sentence fragment.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<ListedFile>, String> {
    let Some(format) = FORMATS.iter().find(|format| (format.fits)(bytes)) else {
        let known: Vec<String> = FORMATS.iter().map(|format| format!("`{}`", format.name)).collect();
        return Err(format!("it is of no format that is known here, which are those of {}", known.join(", ")));
    };
    let mut files = (format.parse)(bytes).map_err(|why| format!("as the output of `{}`, {why}", format.name))?;
    if files.len() > MOST {
        return Err(format!("it has more than {MOST} files"));
    }
    files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    match files.windows(2).find(|pair| pair[0].path == pair[1].path) {
        Some(pair) => Err(format!("it lists `{}` twice", crate::model::RepoPath::new(pair[0].path.clone()))),
        None => Ok(files),
    }
}

/// An object of `rclone lsjson`. <https://rclone.org/commands/rclone_lsjson/>, 2026-11.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Object {
    path: String,
    size: i64,
    is_dir: bool,
    #[serde(default)]
    hashes: Hashes,
}

#[derive(Default, Deserialize)]
struct Hashes {
    md5: Option<String>,
    sha1: Option<String>,
    sha256: Option<String>,
}

fn looks_like_lsjson(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
    let start = start.trim_start_matches('\u{feff}').trim();
    let Some(inside) = start.strip_prefix('[') else { return false };
    inside.trim_start().starts_with(']') || inside.contains("\"IsDir\"")
}

fn lsjson(bytes: &[u8]) -> Result<Vec<ListedFile>, String> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let objects: Vec<Object> = serde_json::from_slice(bytes).map_err(|error| format!("it can't be read: {error}"))?;
    let files = objects.into_iter().filter(|object| !object.is_dir).map(|object| {
        let wrong = |what: &str| format!("`{}` has {what}", object.path);
        let digest = |text: &Option<String>, kind| match text.as_deref().filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => Digest::parse(kind, text).map(Some).ok_or_else(|| wrong("a hash that is none")),
        };
        let Hashes { md5, sha1, sha256 } = &object.hashes;
        let all = [digest(sha256, DigestKind::Sha256)?, digest(sha1, DigestKind::Sha1)?, digest(md5, DigestKind::Md5)?];
        if object.path.is_empty() || object.path.starts_with('/') {
            return Err(wrong("a path that is none"));
        }
        Ok(ListedFile {
            // `-1`: the store doesn't know, so it counts as changed.
            size: u64::try_from(object.size).unwrap_or(u64::MAX),
            digest: all.into_iter().flatten().next(),
            path: object.path.into_bytes().into(),
        })
    });
    files.collect()
}
