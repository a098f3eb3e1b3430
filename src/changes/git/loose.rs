//! The file of an object that isn't packed becomes the object.
//!
//! Not by libgit2 (1.9.7), whose `git_zstream_get_output` never comes back from a file that was cut off, as a full disk or a
//! killed process leaves it (libgit2 issue 7342, 2026-08).

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;
use git2::ObjectType;

use crate::changes::entries::ObjectId;
use crate::changes::remedy;
use crate::error::Error;

use super::enclosure::native;
use super::objects::{LARGEST, Object};

/// Git's longest header, as `commit 12345678901234567890` and a zero.
const LONGEST_HEADER: usize = 32;

/// How far a repository's objects may lead to another's. Git and libgit2 stop at five.
const DEEPEST: usize = 6;

/// A list of other folders of objects is a few lines.
const LONGEST_LIST: u64 = 1 << 20;

/// The folders, this one and those that it leads to (`info/alternates`), that have any object that isn't packed: the clones of a
/// CI have none, and need no look for each object.
pub(super) fn folders(objects: &Path) -> Vec<PathBuf> {
    let mut all = vec![objects.to_owned()];
    let mut open = vec![(objects.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for other in others(&folder) {
            if depth < DEEPEST && !all.contains(&other) {
                all.push(other.clone());
                open.push((other, depth + 1));
            }
        }
    }
    all.retain(|folder| has_any(folder));
    all
}

fn has_any(objects: &Path) -> bool {
    std::fs::read_dir(objects).is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().len() == 2))
}

/// As libgit2 reads the list: a path that begins with a dot is seen from the folder.
fn others(objects: &Path) -> Vec<PathBuf> {
    let file = objects.join("info/alternates");
    let mut text = Vec::new();
    if file.metadata().is_ok_and(|metadata| metadata.is_file())
        && let Ok(file) = File::open(file)
    {
        // What can't be read of it, libgit2 can't read either.
        let _ = file.take(LONGEST_LIST).read_to_end(&mut text);
    }
    let lines = text.split(|byte| b"\r\n".contains(byte)).filter(|line| !line.is_empty() && line[0] != b'#');
    lines.filter_map(|line| Some(if line[0] == b'.' { objects.join(native(line)?) } else { native(line)? })).collect()
}

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
    if kind == ObjectType::Blob {
        return Ok(Some(Object { kind, content: Vec::new() }));
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
    Ok(Some(Object { kind, content }))
}

/// What an object says of itself, as `kind SP size NUL`: its kind, its size, and where its content begins.
fn header(beginning: &[u8]) -> Option<(ObjectType, usize, usize)> {
    let end = beginning.iter().position(|&byte| byte == 0)?;
    let (kind, size) = std::str::from_utf8(&beginning[..end]).ok()?.split_once(' ')?;
    Some((ObjectType::from_str(kind)?, size.parse().ok()?, end + 1))
}
