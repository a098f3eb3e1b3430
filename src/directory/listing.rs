//! Listings of an object store from before the upload, in the formats of the tools that make them.
//!
//! Every parser gives [`ListedFile`]s. To add a format, add a row to [`FORMATS`]: how it is recognized, and how it is read. A parser
//! is strict: a line that isn't understood, and a listing that isn't complete, is an error, since a file that is missing in it
//! counts as new, and one that was deleted stays in the caches.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::errors;
use super::walk::MOST;
use crate::error::Error;
use crate::model::RepoPath;

pub use self::object::ListedFile;

mod aws;
mod object;
mod obsutil;
mod ossutil;
mod rclone;

#[cfg(test)]
mod tests;

/// A larger listing isn't read: some 250,000 objects with long names.
const LARGEST: u64 = 256 << 20;

/// A format of listings.
struct Format {
    /// For messages.
    name: &'static str,
    /// Whether a text looks like it.
    fits: fn(&[u8]) -> bool,
    /// Reads it; the error is a sentence fragment.
    parse: fn(&[u8]) -> Result<Vec<ListedFile>, String>,
}

const FORMATS: &[Format] = &[
    Format { name: "rclone lsjson -R --hash", fits: rclone::fits, parse: rclone::parse },
    Format { name: "aws s3api list-objects-v2", fits: aws::fits, parse: aws::parse },
    Format { name: "ossutil ls", fits: ossutil::fits, parse: ossutil::parse },
    Format { name: "obsutil ls -bf=raw", fits: obsutil::fits, parse: obsutil::parse },
];

/// Reads a listing; the files are in the order of their paths. Those whose names begin with `prefix` are taken, without it.
///
/// # Errors
/// A file that can't be read or is of no known format; a listing that isn't complete, or has the same path twice.
pub fn read_listing(path: &Path, prefix: &str) -> Result<Vec<ListedFile>, Error> {
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
    parse(&bytes, prefix).map_err(|why| unlisted(&why))
}

/// Reads a listing; the error is a sentence fragment.
fn parse(bytes: &[u8], prefix: &str) -> Result<Vec<ListedFile>, String> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let Some(format) = FORMATS.iter().find(|format| (format.fits)(bytes)) else {
        let known: Vec<String> = FORMATS.iter().map(|format| format!("`{}`", format.name)).collect();
        return Err(format!("it is of no format that is known here, which are those of {}", known.join(", ")));
    };
    let mut files = (format.parse)(bytes).map_err(|why| format!("as the output of `{}`, {why}", format.name))?;
    let has_files = !files.is_empty();
    if !prefix.is_empty() {
        files.retain_mut(|file| match file.path.strip_prefix(prefix.as_bytes()) {
            Some(path) => {
                file.path = path.into();
                true
            }
            None => false,
        });
    }
    if has_files && files.is_empty() {
        return Err(format!("no name in it begins with `{prefix}`, which is `listing-prefix`"));
    }
    if files.len() > MOST {
        return Err(format!("it has more than {MOST} files"));
    }
    let shown = |file: &ListedFile| RepoPath::new(file.path.clone());
    if let Some(file) = files.iter().find(|file| file.path.is_empty() || file.path.starts_with(b"/")) {
        return Err(format!("it lists `{}`, which is no path", shown(file)));
    }
    files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    match files.windows(2).find(|pair| pair[0].path == pair[1].path) {
        Some(pair) => Err(format!("it lists `{}` twice", shown(&pair[0]))),
        None => Ok(files),
    }
}
