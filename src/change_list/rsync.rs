//! `list-format: rsync-itemize`: the lines of `rsync --itemize-changes` (rsync's manual page, "--itemize-changes", 2026-11; held
//! against rsync 3.5).
//!
//! Without `--checksum`, rsync goes by size and time, and lists every file of a new build as changed. The lines don't show it.

use super::item::{Item, Problem, Read};
use super::line::{self, shown};
use super::path;
use crate::model::{ChangeKind, EntryKind, RepoPath};

const DELETING: &[u8] = b"*deleting";
/// How long the flags of a line are: two and nine attributes, of which old versions have seven.
const FLAGS: [usize; 2] = [11, 9];

/// Reads the list.
pub(super) fn read(bytes: &[u8], directory: Option<&RepoPath>) -> Vec<Read> {
    line::split(bytes).entries.into_iter().map(|(number, line)| (number, item(line, directory))).collect()
}

/// Whether a line is one of a change, as far as its beginning tells.
pub(super) fn is_item(line: &[u8]) -> bool {
    line.starts_with(DELETING) || flags(line).is_some()
}

/// The flags of a line, and the name after them.
fn flags(line: &[u8]) -> Option<(&[u8], &[u8])> {
    FLAGS.iter().find_map(|&length| {
        let (flags, rest) = line.split_at_checked(length)?;
        let name = rest.strip_prefix(b" ").filter(|name| !name.is_empty())?;
        let is_attribute = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'T' | b'.' | b'+' | b'?' | b' ');
        let fits = matches!(flags[0], b'<' | b'>' | b'c' | b'h' | b'.')
            && matches!(flags[1], b'f' | b'd' | b'L' | b'D' | b'S')
            && flags[2..].iter().all(is_attribute);
        fits.then_some((flags, name))
    })
}

fn item(line: &[u8], directory: Option<&RepoPath>) -> Result<Item, Problem> {
    if let Some(rest) = line.strip_prefix(DELETING) {
        // Padded to the length of the flags, with a space after them.
        let name = rest.strip_prefix(b"   ").or_else(|| rest.strip_prefix(b" ")).unwrap_or(rest);
        if name.ends_with(b"/") {
            // Its files have lines of their own.
            return Ok(Item::Nothing);
        }
        return Ok(Item::Changed(path::of(&decoded(name), directory)?, ChangeKind::Deleted, EntryKind::File));
    }
    let Some((flags, name)) = flags(line) else {
        if is_headline(line) {
            return Ok(Item::Nothing);
        }
        return Err(Problem::new(
            format!("{} isn't a line of `rsync --itemize-changes`", shown(line)),
            "write the list with `rsync --checksum --delete --itemize-changes`, and nothing else into it",
        ));
    };
    let is_new = flags[2..].starts_with(b"+");
    let kind = if is_new { ChangeKind::Added } else { ChangeKind::Modified };
    let (entry, separator): (_, &[u8]) = match (flags[0], flags[1]) {
        (_, b'd') => return Ok(Item::Nothing),
        // Only attributes differ.
        (b'.', _) => return Ok(Item::Unchanged),
        // Devices, pipes and sockets, which no server serves.
        (_, b'D' | b'S') => return Ok(Item::Nothing),
        (_, b'L') => (EntryKind::Symlink, b" -> "),
        (b'h', _) => (EntryKind::File, b" => "),
        _ => (EntryKind::File, b""),
    };
    let end = (!separator.is_empty()).then(|| name.windows(separator.len()).position(|part| part == separator));
    let name = &name[..end.flatten().unwrap_or(name.len())];
    Ok(Item::Changed(path::of(&decoded(name), directory)?, kind, entry))
}

/// Whether a line is one that rsync prints around its changes.
fn is_headline(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    begins(&[
        "sending incremental file list",
        "receiving incremental file list",
        "building file list",
        "receiving file list",
    ]) || begins(&["created directory "])
        || text.starts_with("sent ") && text.contains(" bytes  received ") && text.ends_with(" bytes/sec")
        || text.starts_with("total size is ") && text.contains("  speedup is ")
}

/// A name as it is on the disk: rsync shows bytes that can't be printed as `\#` and three octal digits.
fn decoded(name: &[u8]) -> Vec<u8> {
    let (mut decoded, mut at) = (Vec::with_capacity(name.len()), 0);
    while at < name.len() {
        let escaped = name[at..].strip_prefix(b"\\#").and_then(|rest| path::octal(rest.get(..3)?));
        decoded.push(escaped.unwrap_or(name[at]));
        at += if escaped.is_some() { 5 } else { 1 };
    }
    decoded
}
