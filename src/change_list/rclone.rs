//! `list-format: rclone-combined`: `rclone check DIRECTORY REMOTE: --combined FILE`, before the upload (rclone's documentation,
//! "rclone check", 2026-11; held against rclone 1.60).

use super::item::{Item, Problem, Read};
use super::line::{self, shown};
use super::path;
use crate::model::{ChangeKind, EntryKind, RepoPath};

/// Reads the list.
pub(super) fn read(bytes: &[u8], directory: Option<&RepoPath>) -> Vec<Read> {
    line::split(bytes).entries.into_iter().map(|(number, line)| (number, item(line, directory))).collect()
}

fn item(line: &[u8], directory: Option<&RepoPath>) -> Result<Item, Problem> {
    let &[symbol, b' ', ref name @ ..] = line else {
        let help =
            "write the list with `rclone check DIRECTORY REMOTE: --combined FILE`, and keep rclone's log out of it";
        return Err(Problem::new(format!("{} isn't a line of `rclone check --combined`", shown(line)), help));
    };
    let path = path::of(&decoded(name), directory)?;
    let kind = match symbol {
        b'=' => return Ok(Item::Unchanged),
        b'*' => ChangeKind::Modified,
        b'+' => ChangeKind::Added,
        b'-' => ChangeKind::Deleted,
        b'!' => {
            return Err(Problem::new(
                format!("rclone couldn't compare `{path}`"),
                "see rclone's own log for the reason, and run it again: nobody knows whether the file changed",
            ));
        }
        _ => {
            let symbol = String::from_utf8_lossy(&line[..1]).into_owned();
            return Err(Problem::new(
                format!("`{symbol}` isn't a sign of `rclone check --combined`"),
                "the signs are `=`, `*`, `+`, `-` and `!`",
            ));
        }
    };
    Ok(Item::Changed(path, kind, EntryKind::File))
}

/// The name of a file as it is on the disk: rclone shows control characters as their pictures (`␊`), and a picture that is in
/// the name itself with a `‛` before it (rclone's documentation, "Encoding").
fn decoded(name: &[u8]) -> Vec<u8> {
    const QUOTE: char = '‛';
    let picture = |character: char| match u32::from(character) {
        code @ 0x2401..=0x241f => u8::try_from(code - 0x2400).ok(),
        0x2421 => Some(0x7f),
        _ => None,
    };
    let mut decoded = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        let mut characters = chunk.valid().chars().peekable();
        while let Some(character) = characters.next() {
            let quoted = characters.peek().copied().filter(|next| character == QUOTE && picture(*next).is_some());
            match (quoted, picture(character)) {
                (Some(next), _) => {
                    characters.next();
                    decoded.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
                }
                (None, Some(control)) => decoded.push(control),
                (None, None) => decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        decoded.extend_from_slice(chunk.invalid());
    }
    decoded
}
