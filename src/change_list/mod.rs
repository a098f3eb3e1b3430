//! Parses the list of changed files that a deploy tool writes: `changes: list`.
//!
//! A tool that compares contents knows exactly what it changes. Its list is read strictly: a line that isn't understood is an
//! error with its number, since a lost line is a stale page. A list of another tool is recognized and named.

use std::collections::BTreeMap;

use crate::config::ListFormat;
use crate::error::{Diagnostic, Error, Place};
use crate::model::{Change, ChangeKind, EntryKind, RepoPath};

use self::item::{Item, Problem, Read};

mod foreign;
mod git;
mod item;
mod line;
mod names;
mod path;
mod rclone;
mod rsync;

#[cfg(test)]
mod tests;

/// The most problems that are shown of one list.
const SHOWN: usize = 20;

/// A list, read.
#[derive(Debug, PartialEq, Eq)]
pub struct ChangeList {
    /// By path, in byte order; each path once.
    pub changes: Vec<Change>,
    /// How many files it names as unchanged.
    pub unchanged: usize,
}

/// Parses a list. `name` is how messages call it. With a `directory`, the paths are relative to it, else to the repository.
///
/// # Errors
/// [`Error::Inputs`]: every line that isn't understood (the first twenty), errors of the tool that wrote it, a list of another tool.
pub fn parse(bytes: &[u8], format: ListFormat, name: &str, directory: Option<&RepoPath>) -> Result<ChangeList, Error> {
    let problem = |number: usize, title: String, help: String| Diagnostic {
        title,
        place: Some(Place { file: name.to_owned(), line: number, column: 1 }),
        snippet: String::new(),
        help: Some(format!("{help}; nothing was sent")),
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Some((what, help)) = foreign::whole(bytes, format) {
        return Err(Error::Inputs(vec![problem(1, format!("`{name}` looks like {what}"), help.to_owned())]));
    }
    let read: Vec<Read> = match format {
        ListFormat::Names => names::read(bytes, directory),
        ListFormat::Git => git::read(bytes, directory),
        ListFormat::RcloneCombined => rclone::read(bytes, directory),
        ListFormat::RsyncItemize => rsync::read(bytes, directory),
    };
    let (mut found, mut problems, mut unchanged, mut count) = (BTreeMap::new(), Vec::new(), 0, 0);
    for (number, item) in read {
        match item {
            Ok(Item::Changed(path, kind, entry)) => add(&mut found, path, kind, entry),
            Ok(Item::Unchanged) => unchanged += 1,
            Ok(Item::Nothing) => {}
            Err(Problem { what, help }) => {
                count += 1;
                if count <= SHOWN {
                    problems.push(problem(number, what, help));
                }
            }
        }
    }
    if count > SHOWN {
        let title = format!("{} more entries of `{name}` can't be read", count - SHOWN);
        problems.push(Diagnostic::new(title, "correct the first ones; nothing was sent"));
    }
    if !problems.is_empty() {
        return Err(Error::Inputs(problems));
    }
    if format == ListFormat::RcloneCombined && found.is_empty() && unchanged == 0 {
        return Err(Error::usage(
            format!("`{name}` is empty, and `rclone check --combined` lists every file, also the unchanged ones"),
            "check that rclone compared the right directories, and that it ended without an error of its own",
        ));
    }
    let changes = found.into_iter().map(|(path, (kind, entry))| Change { path, kind, entry }).collect();
    Ok(ChangeList { changes, unchanged })
}

/// Adds a change. A path that is named twice, deleted and added, say, is a changed one.
fn add(found: &mut BTreeMap<RepoPath, (ChangeKind, EntryKind)>, path: RepoPath, kind: ChangeKind, entry: EntryKind) {
    let known = found.entry(path).or_insert_with(|| (kind.clone(), entry));
    if known.0 != kind {
        let is_renamed = |kind: &ChangeKind| matches!(kind, ChangeKind::Renamed { .. });
        // The old name is lost otherwise.
        let keeps = if is_renamed(&kind) {
            kind
        } else if is_renamed(&known.0) {
            return;
        } else {
            ChangeKind::Modified
        };
        *known = (keeps, entry);
    }
}
