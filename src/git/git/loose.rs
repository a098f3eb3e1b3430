//! The file of an object that isn't packed becomes the object.
//!
//! Not by libgit2 (1.9.7), whose `git_zstream_get_output` never comes back from a file that was cut off, as a full disk or a
//! killed process leaves it (libgit2 issue 7342, 2026-08).

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use flate2::read::ZlibDecoder;

use crate::error::Error;
use crate::git::entries::ObjectId;
use crate::git::remedy;

use super::folders;
use super::objects::{Content, Kind, LARGEST, Object};

/// Git's longest header, as `commit 12345678901234567890` and a zero.
const LONGEST_HEADER: usize = 32;

/// The object in the folder `objects`, if it has a file of its own there.
///
/// # Errors
/// A file that ends before its object does, or holds something else.
pub(super) fn read(objects: &Path, id: ObjectId) -> Result<Option<Object>, Error> {
    let name = id.to_string();
    let path = objects.join(&name[..2]).join(&name[2..]);
    let damaged = |why: &str| remedy::unreadable(&format!("the object `{id}`"), why);
    let Ok(metadata) = path.metadata() else { return Ok(None) };
    if !metadata.is_file() {
        return Err(damaged("what stands in its place is no file"));
    }
    let by_system = |error: std::io::Error| damaged(&format!("its file is damaged: {error}"));
    let mut file = ZlibDecoder::new(File::open(path).map_err(by_system)?);
    let mut content = Vec::new();
    file.by_ref().take(LONGEST_HEADER as u64).read_to_end(&mut content).map_err(by_system)?;
    let (kind, size, start) = header(&content).ok_or_else(|| damaged("its file begins with no object"))?;
    content.drain(..start);
    if kind == Kind::Blob {
        return Ok(Some(Object { kind, content: Content::default() }));
    }
    if size > LARGEST {
        return Err(damaged(&format!("it has {size} bytes")));
    }
    // One more than there should be, to see what is longer.
    file.take((size + 1).saturating_sub(content.len()) as u64).read_to_end(&mut content).map_err(by_system)?;
    if content.len() != size {
        let length = content.len();
        return Err(damaged(&format!("its file holds {length} bytes, and says {size}")));
    }
    Ok(Some(Object { kind, content: Rc::new(content) }))
}

/// The objects in the folder `objects` that have files of their own and names that begin with these digits, at least two.
pub(super) fn beginning(objects: &Path, digits: &str) -> Vec<ObjectId> {
    let (folder, rest) = digits.split_at(2);
    let names = folders::names(&objects.join(folder)).filter_map(|name| name.into_string().ok());
    let fitting = names.filter(|name| name.starts_with(rest));
    fitting.filter_map(|name| ObjectId::from_hex(&format!("{folder}{name}"))).collect()
}

/// What an object says of itself, as `kind SP size NUL`: its kind, its size, and where its content begins.
fn header(beginning: &[u8]) -> Option<(Kind, usize, usize)> {
    let end = beginning.iter().position(|&byte| byte == 0)?;
    let (kind, size) = std::str::from_utf8(&beginning[..end]).ok()?.split_once(' ')?;
    Some((Kind::named(kind)?, size.parse().ok()?, end + 1))
}
