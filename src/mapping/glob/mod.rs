//! One pattern of a rule's `files:` becomes a matcher of paths that knows what each wildcard matched.
//!
//! Patterns mean what `globset` takes them to mean (a property test compares the two), with the traps closed: `?` and
//! `[…]` match a character where `globset` matches a byte, neither ever matches a `/`, and what would silently match
//! nothing (`public/`, `./public`, `**.html`) is a problem with its remedy. It is our own because addresses need what the
//! wildcards matched, and because a hundred regular expressions take longer to compile than the whole run may take.

mod matching;
mod parse;

use matching::Program;
use parse::{Piece, Problem};

/// The longest pattern, in bytes.
pub(super) const LONGEST: usize = 1024;

/// How many wildcards have a number: `{1}` to `{9}`.
pub(super) const NUMBERED: usize = 9;

/// A pattern, ready to match.
#[derive(Debug)]
pub(super) struct Glob {
    text: Box<str>,
    /// What every match begins with.
    prefix: Box<[u8]>,
    /// What every match ends with, behind the prefix.
    suffix: Box<[u8]>,
    /// One of these stands before the suffix, if any are listed: most paths are turned away by them.
    endings: Vec<Box<[u8]>>,
    /// What lies between the two; `None` if nothing does.
    middle: Option<Program>,
    /// The length of the directories in the prefix, with their `/`.
    directories: usize,
    wildcards: usize,
}

/// What a pattern's wildcards matched, in the order in which they stand in it: at most [`NUMBERED`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Captures<'p> {
    values: [&'p [u8]; NUMBERED],
    count: usize,
}

impl<'p> Captures<'p> {
    /// What wildcard `number` (from 1) matched; empty if there is no such wildcard.
    pub(super) fn get(&self, number: usize) -> &'p [u8] {
        number.checked_sub(1).and_then(|index| self.values.get(index)).copied().unwrap_or_default()
    }

    /// What each numbered wildcard matched.
    pub(super) fn all(&self) -> &[&'p [u8]] {
        &self.values[..self.count]
    }

    fn set(&mut self, slot: usize, value: &'p [u8]) {
        if let Some(place) = self.values.get_mut(slot) {
            *place = value;
        }
    }
}

impl Glob {
    /// Reads one pattern, without the `!` of an exclusion.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let mut pieces = parse::parse(text)?;
        let wildcards = pieces.iter().filter(|piece| !matches!(piece, Piece::Literal(_))).count();
        let prefix = match pieces.first() {
            Some(Piece::Literal(_)) => literal(pieces.remove(0)),
            _ => Box::default(),
        };
        let suffix = match pieces.last() {
            Some(Piece::Literal(_)) => pieces.pop().map(literal).unwrap_or_default(),
            _ => Box::default(),
        };
        let directories = prefix.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let endings = endings(pieces.last());
        let middle = (!pieces.is_empty()).then(|| Program::new(&pieces));
        Ok(Self { text: text.into(), prefix, suffix, endings, middle, directories, wildcards })
    }

    /// The pattern as it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text every match begins with.
    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The directories that the pattern spells out, with their `/`: where `{tail}` begins.
    pub(super) fn directory(&self) -> &[u8] {
        &self.prefix[..self.directories]
    }

    /// How many wildcards it has; every one of them is filled by every match.
    pub(super) fn wildcards(&self) -> usize {
        self.wildcards
    }

    /// What the wildcards match in `path`: as much as they can, from left to right. `None` if the pattern doesn't match.
    pub(super) fn captures<'p>(&self, path: &'p [u8]) -> Option<Captures<'p>> {
        let middle = path.strip_prefix(&*self.prefix)?.strip_suffix(&*self.suffix)?;
        if !self.endings.is_empty() && !self.endings.iter().any(|ending| middle.ends_with(ending)) {
            return None;
        }
        let mut captures = Captures { count: self.wildcards.min(NUMBERED), ..Captures::default() };
        match &self.middle {
            Some(program) => program.run(middle, &mut captures).then_some(captures),
            None => middle.is_empty().then_some(captures),
        }
    }
}

fn literal(piece: Piece) -> Box<[u8]> {
    match piece {
        Piece::Literal(text) => text.into_bytes().into_boxed_slice(),
        _ => Box::default(),
    }
}

/// The alternatives of a pattern's last piece, such as `{js,css}`, if all of them are literal.
fn endings(last: Option<&Piece>) -> Vec<Box<[u8]>> {
    let Some(Piece::Choice(alternatives)) = last else { return Vec::new() };
    let literal = |alternative: &Vec<Piece>| match alternative.as_slice() {
        [] => Some(Box::default()),
        [Piece::Literal(text)] => Some(text.as_bytes().into()),
        _ => None,
    };
    alternatives.iter().map(literal).collect::<Option<_>>().unwrap_or_default()
}

#[cfg(test)]
mod tests;
