//! Where two builds of a site differ: the first differing bytes of each file (`explain --twice`).

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use jiff::Timestamp;

use super::built_file::BuiltFile;
use super::compare::{Comparison, compare};
use super::errors;
use super::files::read;
use super::manifest::{Entry, State};
use super::reproducible;
use super::walk::place_of;
use crate::error::Error;
use crate::model::{ChangeKind, RepoPath};

/// So many files are shown.
const SHOWN: usize = 20;

/// So many bytes around the first difference are shown.
const BEFORE: usize = 24;
const AFTER: usize = 40;

/// Two builds, and what the second one changes of the first.
#[derive(Debug)]
pub struct Difference {
    comparison: Comparison,
    /// Of each changed file that is shown: the path, the place of the first difference, and what is there in each build.
    shown: Vec<(RepoPath, u64, [String; 2])>,
    remedy: &'static str,
}

/// Compares two builds.
///
/// # Errors
/// A directory that can't be read.
pub fn difference(one: &Path, other: &Path, now: Timestamp) -> Result<Difference, Error> {
    let builds = [one, other].map(|build| {
        let name = build.file_name().and_then(|name| name.to_str());
        let above = build.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match name {
            Some(name) => read(above, name, now),
            None => Err(errors::missing(&build.display().to_string(), "it has no name of its own")),
        }
    });
    let [before, after] = builds;
    let (before, after) = (before?, after?);
    let entry = |file: &BuiltFile| Entry {
        path: file.path.clone(),
        content: Some((file.digest, file.size)),
        stamp: None,
        state: State::Fresh,
    };
    let entries: Vec<Entry> = before.files.iter().map(entry).collect();
    let comparison = compare(&entries, &after.files, "build");
    let mut shown = Vec::new();
    for change in comparison.changes.iter().filter(|change| change.kind == ChangeKind::Modified).take(SHOWN) {
        let path = change.path.as_bytes().strip_prefix(b"build/").unwrap_or_default();
        let unread = |error: std::io::Error| errors::missing(&one.display().to_string(), &error.to_string());
        let (place, texts) = first_difference(&place_of(one, path), &place_of(other, path)).map_err(unread)?;
        shown.push((RepoPath::new(path), place, texts));
    }
    Ok(Difference { comparison, shown, remedy: reproducible::remedy(&after.files) })
}

/// For a person, line by line. What the files hold is in them as it is, as text: the log sanitizes it.
pub fn lines_of(difference: &Difference) -> Vec<String> {
    let Difference { comparison, shown, remedy } = difference;
    let mut lines = vec![format!("the second build: {}", comparison.counts.words())];
    for (path, place, [one, other]) in shown {
        lines.push(format!("{path}, from byte {place}"));
        lines.push(format!("  - {one}"));
        lines.push(format!("  + {other}"));
    }
    let more = comparison.counts.changed.saturating_sub(shown.len());
    if more > 0 {
        lines.push(format!("… and {more} more changed files"));
    }
    let others = comparison.changes.iter().filter_map(|change| {
        let path =
            |path: &RepoPath| RepoPath::new(path.as_bytes().strip_prefix(b"build/").unwrap_or_default()).to_string();
        match &change.kind {
            ChangeKind::Added => Some(format!("{}: only in the second build", path(&change.path))),
            ChangeKind::Deleted => Some(format!("{}: only in the first build", path(&change.path))),
            ChangeKind::Renamed { from } => Some(format!("{}: was {}", path(&change.path), path(from))),
            ChangeKind::Modified => None,
        }
    });
    let others: Vec<String> = others.collect();
    lines.extend(others.iter().take(SHOWN).cloned());
    if others.len() > SHOWN {
        lines.push(format!("… and {} more added, removed or renamed files", others.len() - SHOWN));
    }
    if !comparison.changes.is_empty() {
        lines.push(format!("if the sources are the same: {remedy}"));
    }
    lines
}

/// The place of the first byte that differs, and the text around it in each file.
fn first_difference(one: &Path, other: &Path) -> std::io::Result<(u64, [String; 2])> {
    let (mut one, mut other) = (BufReader::new(File::open(one)?), BufReader::new(File::open(other)?));
    let mut before = Vec::new();
    let mut place = 0_u64;
    let next = |file: &mut BufReader<File>| file.bytes().next().transpose();
    loop {
        let (left, right) = (next(&mut one)?, next(&mut other)?);
        match (left, right) {
            (Some(left), Some(right)) if left == right => {
                before.push(left);
                if before.len() > 64 * BEFORE {
                    before.drain(..before.len() - BEFORE);
                }
                place += 1;
            }
            _ => {
                let start = before.len().saturating_sub(BEFORE);
                let text = |first: Option<u8>, file: &mut BufReader<File>| {
                    let mut bytes = before[start..].to_vec();
                    bytes.extend(first);
                    file.take(AFTER as u64).read_to_end(&mut bytes)?;
                    Ok::<_, std::io::Error>(String::from_utf8_lossy(&bytes).escape_debug().to_string())
                };
                return Ok((place, [text(left, &mut one)?, text(right, &mut other)?]));
            }
        }
    }
}
