//! The file and log commands of GitHub Actions.
//!
//! Sources: docs.github.com "Workflow commands for GitHub Actions", actions/toolkit `packages/core/src/command.ts` and
//! actions/runner `ActionCommand.cs`, `FileCommandManager.cs`, `ExecutionContext.cs`; 2026-11-22.

use std::fmt::Write as _;

use crate::ci::redactor::Redactor;
use crate::error::{Error, Place};
use crate::report::outputs::Output;
use crate::text::sanitize;

pub mod comment;

/// The runner shows ten annotations of a kind and step; one is left for its own, `Process completed with exit code …`.
pub(super) const ANNOTATIONS: usize = 9;

/// The runner cuts messages at 4,096 UTF-16 units; the rest is for the ellipsis.
const MESSAGE_UNITS: usize = 4_000;

/// The lines for `GITHUB_OUTPUT`: `name=value` where the value is plain, else between delimiters that nobody can guess.
///
/// # Errors
/// Those of `random`.
pub(super) fn output_records(
    outputs: &[Output],
    redactor: &Redactor,
    mut random: impl FnMut() -> Result<String, Error>,
) -> Result<String, Error> {
    let mut text = String::new();
    for (name, value) in outputs {
        let value = redactor.redact(value);
        if value.chars().all(is_plain) {
            text.push_str(&format!("{name}={value}\n"));
            continue;
        }
        let delimiter = loop {
            let delimiter = format!("cdn_purge_{}", random()?);
            if !value.contains(&delimiter) {
                break delimiter;
            }
        };
        text.push_str(&format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"));
    }
    Ok(text)
}

/// `::error file=…,line=…,col=…,title=…::message`; the level is `error`, `warning` or `notice`.
pub(super) fn annotation(level: &str, title: &str, message: &str, place: Option<&Place>) -> String {
    let mut line = format!("::{level} ");
    if let Some(place) = place {
        let file = property(&place.file);
        write!(line, "file={file},line={},col={},", place.line, place.column).expect("writing to a string can't fail");
    }
    line + &format!("title={}::{}", property(title), data(&cut(message)))
}

/// `::group::title`.
pub(super) fn group(title: &str) -> String {
    format!("::group::{}", data(title))
}

/// `::add-mask::value`, the value as it is.
pub(super) fn add_mask(value: &str) -> String {
    format!("::add-mask::{}", escape(value))
}

/// A command's data: sanitized line by line, then escaped so that it stays in its line.
fn data(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(sanitize).collect();
    escape(&lines.join("\n"))
}

fn property(text: &str) -> String {
    escape(&sanitize(text)).replace(':', "%3A").replace(',', "%2C")
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn cut(message: &str) -> String {
    let mut units = 0;
    let end = message.char_indices().find(|(_, character)| {
        units += character.len_utf16();
        units > MESSAGE_UNITS
    });
    match end {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

/// What needs no delimiter, and no quotes in a shell that it is pasted into.
fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "._:/,@+-".contains(character)
}
