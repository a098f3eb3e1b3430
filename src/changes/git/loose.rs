//! The file of an object that isn't packed becomes the answer whether it is whole.
//!
//! libgit2 (1.9.7, `git_zstream_get_output`) never comes back from a file that was cut off, as a full disk or a killed process
//! leaves it. So each one that a run is known to need is inflated to its end before libgit2 sees it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::ZlibDecoder;

use crate::changes::entries::ObjectId;
use crate::changes::remedy;
use crate::error::Error;

use super::LARGEST_TREE;

/// Git's longest header, as `commit 12345678901234567890` and a zero.
const LONGEST_HEADER: usize = 32;

/// Looks at the file of an object in the folder `objects`, if it has one of its own there.
///
/// # Errors
/// A file that ends before its object does, or holds something else.
pub(super) fn check(objects: &Path, id: ObjectId) -> Result<(), Error> {
    let name = id.to_string();
    let Ok(file) = File::open(objects.join(&name[..2]).join(&name[2..])) else { return Ok(()) };
    let damaged = |why: &str| remedy::unreadable(&format!("the object `{id}`"), why);
    let mut content = ZlibDecoder::new(file).take((LARGEST_TREE + LONGEST_HEADER) as u64);
    let mut block = [0; 8192];
    let (mut header, mut read) = (Vec::new(), 0);
    loop {
        let count = content.read(&mut block).map_err(|error| damaged(&format!("its file is damaged: {error}")))?;
        if header.len() < LONGEST_HEADER {
            header.extend_from_slice(&block[..count.min(LONGEST_HEADER - header.len())]);
        }
        read += count;
        if count == 0 {
            break;
        }
    }
    let whole = length(&header).ok_or_else(|| damaged("its file begins with no object"))?;
    match read.cmp(&whole) {
        // What is larger than any tree is told by who asked for it.
        _ if whole > LARGEST_TREE => Ok(()),
        std::cmp::Ordering::Equal => Ok(()),
        _ => Err(damaged(&format!("its file holds {read} of {whole} bytes"))),
    }
}

/// Whether a folder of objects has any that isn't packed: the clones of a CI have none, and need no look for each object.
pub(super) fn any(objects: &Path) -> bool {
    std::fs::read_dir(objects).is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().len() == 2))
}

/// How long an object is that begins with `kind SP length NUL`, together with that.
fn length(header: &[u8]) -> Option<usize> {
    let end = header.iter().position(|&byte| byte == 0)?;
    let text = std::str::from_utf8(&header[..end]).ok()?;
    let (_, size) = text.split_once(' ')?;
    size.parse::<usize>().ok()?.checked_add(end + 1)
}
