//! `list-format: git`: `git diff --name-status`, a line for each file or with `-z` (git's documentation, "diff-format", 2026-11).

use super::item::{Item, Problem, Read};
use super::line::{self, shown};
use super::path;
use crate::model::{ChangeKind, EntryKind, RepoPath};

const HELP: &str = "write the list with `git diff --name-status -z BASE HEAD`";

/// Reads the list.
pub(super) fn read(bytes: &[u8], directory: Option<&RepoPath>) -> Vec<Read> {
    let entries = line::split(bytes);
    if !entries.has_nul {
        return entries.entries.into_iter().map(|(number, line)| (number, of_line(line, directory))).collect();
    }
    let mut fields = entries.entries.into_iter().peekable();
    let mut read = Vec::new();
    while let Some((number, status)) = fields.next() {
        let count = paths_of(status);
        let paths: Vec<&[u8]> = (0..count.unwrap_or(1)).filter_map(|_| fields.next().map(|(_, path)| path)).collect();
        let is_cut = count.is_some_and(|count| paths.len() < count) || fields.peek().is_none() && !entries.is_ended;
        let item = if is_cut {
            Err(Problem::new("the list breaks off", HELP))
        } else {
            item(status, paths.into_iter().map(<[u8]>::to_vec).collect(), directory)
        };
        let is_lost = item.is_err();
        read.push((number, item));
        if is_lost {
            // Where the next entry begins isn't known.
            break;
        }
    }
    read
}

fn of_line(line: &[u8], directory: Option<&RepoPath>) -> Result<Item, Problem> {
    let mut fields = line.split(|&byte| byte == b'\t');
    let status = fields.next().unwrap_or_default();
    let paths = fields.map(path::unquoted).collect::<Result<Vec<_>, _>>()?;
    item(status, paths, directory)
}

/// How many paths follow a status; `None` if it is none.
fn paths_of(status: &[u8]) -> Option<usize> {
    let (letter, score) = status.split_first()?;
    let is_status = score.len() <= 3 && score.iter().all(u8::is_ascii_digit);
    match letter {
        b'A' | b'D' | b'M' | b'T' | b'U' | b'X' | b'B' if is_status => Some(1),
        b'R' | b'C' if is_status => Some(2),
        _ => None,
    }
}

fn item(status: &[u8], paths: Vec<Vec<u8>>, directory: Option<&RepoPath>) -> Result<Item, Problem> {
    let Some(count) = paths_of(status) else {
        return Err(Problem::new(format!("{} isn't the status of a file", shown(status)), HELP));
    };
    if paths.len() != count {
        let what = format!("the status {} has {} paths, and not {count}", shown(status), paths.len());
        return Err(Problem::new(what, HELP));
    }
    let mut paths = paths.iter().map(|text| path::of(text, directory)).collect::<Result<Vec<_>, _>>()?;
    let path = paths.pop().ok_or_else(|| Problem::new("the list breaks off", HELP))?;
    let kind = match (status[0], paths.pop()) {
        (b'R', Some(from)) => ChangeKind::Renamed { from },
        (b'A' | b'C', _) => ChangeKind::Added,
        (b'D', _) => ChangeKind::Deleted,
        (b'U', _) => {
            return Err(Problem::new(format!("`{path}` isn't merged"), "resolve the conflict, and commit it"));
        }
        (b'X', _) => return Err(Problem::new(format!("git doesn't know what changed about `{path}`"), HELP)),
        _ => ChangeKind::Modified,
    };
    Ok(Item::Changed(path, kind, EntryKind::File))
}
