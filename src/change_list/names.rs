//! `list-format: names`: a path a line, or with a NUL after each. Nobody knows what happened to them, so they count as changed.

use super::item::{Item, Problem, Read};
use super::line::{self, shown};
use super::path;
use crate::model::{ChangeKind, EntryKind, RepoPath};

/// Reads the list.
pub(super) fn read(bytes: &[u8], directory: Option<&RepoPath>) -> Vec<Read> {
    let entries = line::split(bytes);
    let is_plain = entries.has_nul;
    let item = |entry: &[u8]| {
        let name = if is_plain { entry.to_vec() } else { path::unquoted(entry)? };
        if !is_plain && entry.contains(&b'\\') && !entry.starts_with(b"\"") {
            // PowerShell lists `dist\a.html`, which no rule matches.
            return Err(Problem::new(
                format!("{} has a `\\`", shown(entry)),
                "write `/` between directories; for a name with a `\\`, separate the names with NULs",
            ));
        }
        Ok(Item::Changed(path::of(&name, directory)?, ChangeKind::Modified, EntryKind::File))
    };
    entries.entries.into_iter().map(|(number, entry)| (number, item(entry))).collect()
}
