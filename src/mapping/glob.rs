//! Compiles one pattern of a rule's `files:`: which paths it matches, and what each wildcard captures.
//!
//! A pattern is translated once into two forms. The first is a glob for a [`globset::GlobSet`], which finds the few
//! patterns that may match a path, and for most patterns decides. The second is a regular expression with a group for each
//! wildcard, compiled when it is first needed, which decides for the others, and captures. Patterns mean what `globset` takes them to mean, with its traps closed: `?` and
//! `[…]` match a character where `globset` matches a byte, neither ever matches a `/`, and a pattern that would match nothing
//! (`public/`, `./public`, `**.html`) is refused with a remedy.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::str::Chars;
use std::sync::OnceLock;

use globset::GlobBuilder;
use memchr::memchr_iter;
use regex::bytes::Regex;

/// The longest pattern, in bytes.
const LONGEST: usize = 1024;
/// Braces inside braces, at most.
const DEEPEST: usize = 8;
/// How many wildcards have a number: `{1}` to `{9}`.
const NUMBERED: usize = 9;
/// A character that isn't `/`, as the bytes of UTF-8. A class of all characters takes fifty times as long to compile.
const ANY_CHARACTER: &str = r"(?:[^/\x80-\xff]|[\xc2-\xf4][\x80-\xbf]{1,3})";
/// Replaces a byte outside UTF-8 while a path is matched: a noncharacter, which no pattern means.
const STRAY_BYTE: char = '\u{10ffff}';

/// A pattern, ready to match.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    text: Box<str>,
    /// The text before the first wildcard: every match begins with it.
    prefix: Box<str>,
    /// The other texts outside of braces, none of them empty: every match has them, one after the other.
    literals: Box<[String]>,
    wildcards: usize,
    indexed: Option<globset::Glob>,
    /// Whether that matches the same paths, and no others.
    is_indexed_exactly: bool,
    expression: Box<str>,
    compiled: OnceLock<Regex>,
    /// The beginnings of matches that end in a `/`, as an expression; some may have no such match.
    openings: Box<str>,
    compiled_openings: OnceLock<Option<Regex>>,
}

/// A problem in a pattern, and its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) help: String,
}

/// The text that each wildcard matched, in the pattern's order: at most [`NUMBERED`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Captures<'p> {
    values: [&'p [u8]; NUMBERED],
    count: usize,
}

impl<'p> Captures<'p> {
    /// The text that wildcard `number` (from 1) matched; empty if there is no such wildcard.
    pub(super) fn get(&self, number: usize) -> &'p [u8] {
        number.checked_sub(1).and_then(|index| self.values.get(index)).copied().unwrap_or_default()
    }

    /// The text that each numbered wildcard matched.
    pub(super) fn all(&self) -> &[&'p [u8]] {
        &self.values[..self.count]
    }
}

impl Glob {
    /// Reads one pattern, without the `!` of an exclusion.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        check_text(text)?;
        let mut translation = Translation::default();
        translation.sequence(text, true, true, 0)?;
        let Translation { expression, glob, prefix, literals, wildcards, is_wider, stars_in_braces, openings } =
            translation;
        let mut builder = GlobBuilder::new(&glob);
        builder.literal_separator(true).backslash_escape(true).empty_alternates(true);
        Ok(Self {
            text: text.into(),
            prefix: prefix.into(),
            literals: literals.into(),
            wildcards,
            // `**` in braces is no directory wildcard to globset.
            indexed: if stars_in_braces { None } else { builder.build().ok() },
            is_indexed_exactly: !is_wider,
            // Bytes compile in a seventh of the time. A text is UTF-8, so only what matches one character needs more.
            expression: format!(r"(?s-u)\A{expression}\z").into(),
            compiled: OnceLock::new(),
            openings: if openings.is_empty() {
                "".into()
            } else {
                format!(r"(?s-u)\A(?:{})\z", openings.join("|")).into()
            },
            compiled_openings: OnceLock::new(),
        })
    }

    /// The pattern as it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text that every match begins with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The directories that the pattern spells out, with their `/`: `{tail}` begins after them.
    pub(super) fn directory(&self) -> &str {
        &self.prefix[..self.prefix.rfind('/').map_or(0, |slash| slash + 1)]
    }

    /// Whether the pattern can match a path below a folder; its path ends in `/`. In doubt it can.
    pub(super) fn may_match_below(&self, folder: &[u8]) -> bool {
        if self.prefix.as_bytes().starts_with(folder) {
            return true;
        }
        if self.openings.is_empty() || !folder.starts_with(self.directory().as_bytes()) {
            return false;
        }
        let openings = self.compiled_openings.get_or_init(|| Regex::new(&self.openings).ok());
        openings.as_ref().is_none_or(|openings| openings.is_match(readable(folder).as_bytes()))
    }

    /// Whether the pattern matches every path below a folder, as `docs/**` does. In doubt it doesn't.
    pub(super) fn matches_all_below(&self, folder: &[u8]) -> bool {
        let directory = self.directory();
        self.text.strip_suffix("**") == Some(directory) && folder.starts_with(directory.as_bytes())
    }

    /// The number of wildcards; every match fills each of them.
    pub(super) fn wildcards(&self) -> usize {
        self.wildcards
    }

    /// A glob for a set that matches at least the same paths; `None` if the pattern has none, and may match any path.
    pub(super) fn indexed(&self) -> Option<&globset::Glob> {
        self.indexed.as_ref()
    }

    /// Whether [`Glob::indexed`] matches no other paths than the pattern.
    pub(super) fn is_indexed_exactly(&self) -> bool {
        self.is_indexed_exactly
    }

    /// Whether the pattern matches a path.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        let Some(rest) = path.strip_prefix(self.prefix.as_bytes()) else { return false };
        if self.wildcards == 0 {
            return rest.is_empty();
        }
        if self.text.strip_suffix("**") == Some(&*self.prefix) {
            return !rest.is_empty();
        }
        self.has_literals(rest) && self.regex().is_match(readable(path).as_bytes())
    }

    /// Whether a path after the prefix has the other literals in their order. It rules out nearly all paths that don't match,
    /// for a hundredth of the time that an expression takes to compile and match.
    fn has_literals(&self, mut rest: &[u8]) -> bool {
        self.literals.iter().all(|literal| {
            let literal = literal.as_bytes();
            // Paths are too short for a search that has to be prepared.
            let found = memchr_iter(literal[0], rest).find(|&start| rest[start..].starts_with(literal));
            found.inspect(|start| rest = &rest[start + literal.len()..]).is_some()
        })
    }

    /// The text that each wildcard matches in `path`: as much as it can, from left to right. `None` if the pattern doesn't match.
    pub(super) fn captures<'p>(&self, path: &'p [u8]) -> Option<Captures<'p>> {
        if !path.starts_with(self.prefix.as_bytes()) {
            return None;
        }
        let text = readable(path);
        let found = self.regex().captures(text.as_bytes())?;
        // Every stray byte is four in the text.
        let place = |at: usize| at - (STRAY_BYTE.len_utf8() - 1) * text[..at].matches(STRAY_BYTE).count();
        let mut captures = Captures { count: self.wildcards.min(NUMBERED), ..Captures::default() };
        for (value, group) in captures.values.iter_mut().zip(found.iter().skip(1)) {
            *value = group.map_or(&[], |group| match text {
                Cow::Borrowed(_) => &path[group.range()],
                Cow::Owned(_) => &path[place(group.start())..place(group.end())],
            });
        }
        Some(captures)
    }

    fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            Regex::new(&self.expression).expect("a pattern of the allowed length is an expression of an allowed size")
        })
    }
}

/// A path as characters. Each byte that is no part of UTF-8 counts as one.
fn readable(path: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(path) {
        return text.into();
    }
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| STRAY_BYTE));
    }
    text.into()
}

fn problem(message: impl Into<String>, help: impl Into<String>) -> Problem {
    Problem { message: message.into(), help: help.into() }
}

/// Checks the text as a whole: its length, and segments that no path in git has.
fn check_text(text: &str) -> Result<(), Problem> {
    if text.is_empty() {
        return Err(problem("an empty pattern matches nothing", "remove it, or write `**` for every file"));
    }
    if text.len() > LONGEST {
        return Err(problem(
            format!("a pattern of {} bytes; {LONGEST} is the limit", text.len()),
            "split it into several patterns",
        ));
    }
    if text.contains(char::is_control) {
        return Err(problem(
            "a line break or another control character in a pattern",
            "write each pattern as an item of a list; in a name, `?` matches such a character",
        ));
    }
    if text.trim() != text {
        return Err(problem(
            "white space at an end of a pattern",
            "remove it; `[ ]` matches a space at the beginning or end of a name",
        ));
    }
    if let Some(rest) = text.strip_prefix("./").or_else(|| text.strip_prefix('/')) {
        return Err(problem(
            "a pattern begins at the repository's root, without `/` or `./`",
            format!("write `{}`", if rest.is_empty() { "**" } else { rest.trim_start_matches('/') }),
        ));
    }
    if let Some(directory) = text.strip_suffix('/') {
        return Err(problem(
            "a pattern matches files, and this names a directory",
            format!("did you mean `{}/**`?", directory.trim_end_matches("/**")),
        ));
    }
    text.split('/').try_for_each(check_segment)
}

/// Checks that a whole segment can be one of a path in git.
fn check_segment(segment: &str) -> Result<(), Problem> {
    match segment {
        "" => Err(problem("no path contains `//`", "write `/`, or `/**/` for any directories between")),
        "." | ".." => Err(problem(
            format!("no path in a repository contains `{segment}`"),
            "patterns begin at the repository's root, wherever the configuration lies",
        )),
        _ => Ok(()),
    }
}

/// Checks literal text inside braces, where a segment may be empty by mistake. `begins` and `ends` say whether the text
/// begins, and ends, with a segment.
fn check_literal(text: &str, begins: bool, ends: bool) -> Result<(), Problem> {
    if (begins && text.starts_with('/')) || (ends && text.ends_with('/')) {
        return Err(misplaced_slash());
    }
    let last = text.matches('/').count();
    let is_whole = |place: usize| (place > 0 || begins) && (place < last || ends);
    let whole = text.split('/').enumerate().filter(|(place, _)| is_whole(*place));
    whole.map(|(_, segment)| segment).try_for_each(check_segment)
}

fn misplaced_slash() -> Problem {
    problem(
        "an alternative with a `/` in place of a name matches nothing",
        "write `{public,docs}/**`; for everything in a directory `{docs/**,index.html}`",
    )
}

/// A pattern in the two forms in which it is matched.
#[derive(Default)]
struct Translation {
    /// The regular expression.
    expression: String,
    /// The glob for a set, which matches as much or more.
    glob: String,
    prefix: String,
    literals: Vec<String>,
    wildcards: usize,
    /// Whether the glob matches more.
    is_wider: bool,
    stars_in_braces: bool,
    /// For each folder that a match begins with, an expression of that beginning.
    openings: Vec<String>,
}

impl Translation {
    /// Translates a part of a pattern: all of it, or an alternative `depth` braces deep. `begins` and `ends` say whether
    /// the part begins, and ends, with a segment.
    fn sequence(&mut self, part: &str, begins: bool, ends: bool, depth: usize) -> Result<(), Problem> {
        let mut rest = part;
        let mut at_start = begins;
        while let Some(first) = rest.chars().next() {
            let literal = &rest[..rest.find(['*', '?', '[', '{', '}', '\\']).unwrap_or(rest.len())];
            let after = &rest[literal.len().max(first.len_utf8())..];
            let is_segment_end = |after: &str| if after.is_empty() { ends } else { after.starts_with('/') };
            let mut starts_next = false;
            rest = match first {
                '*' => {
                    let stars = rest.len() - rest.trim_start_matches('*').len();
                    let after = &rest[stars..];
                    let is_whole = at_start && is_segment_end(after);
                    match (stars, after.strip_prefix('/')) {
                        (1, _) => {
                            self.wildcard("[^/]*", "*", depth);
                            after
                        }
                        (2, _) if !is_whole => {
                            return Err(problem(
                                "`**` next to other characters of a segment",
                                "`**` matches whole directories: `public/**/*.html`; within a segment write `*`",
                            ));
                        }
                        (2, Some("")) if ends => return Err(misplaced_slash()),
                        (2, Some(after)) => {
                            self.any_folder(depth);
                            self.expression.push_str("(?:");
                            self.wildcard(".+", "**/", depth);
                            self.expression.push_str("/)?");
                            starts_next = true;
                            after
                        }
                        (2, None) => {
                            self.any_folder(depth);
                            self.wildcard(".+", "**", depth);
                            after
                        }
                        _ => {
                            return Err(problem(
                                "three or more `*` in a row",
                                "write `*` within a segment, `**` for whole directories",
                            ));
                        }
                    }
                }
                // To globset a character is a byte: its `*` matches no less.
                '?' => {
                    self.is_wider = true;
                    self.wildcard(ANY_CHARACTER, "*", depth);
                    after
                }
                '[' => {
                    let (class, after) = class(after)?;
                    self.is_wider = true;
                    self.wildcard(&class, "*", depth);
                    after
                }
                '{' => {
                    let (alternatives, after) = alternatives(after)?;
                    if depth == DEEPEST {
                        return Err(problem(
                            format!("braces inside braces, more than {DEEPEST} deep"),
                            "split it into several patterns",
                        ));
                    }
                    if alternatives.iter().any(|alternative| alternative.contains('/') || alternative.contains("**")) {
                        self.any_folder(depth);
                    }
                    self.open_group(depth);
                    self.glob.push('{');
                    for (place, alternative) in alternatives.into_iter().enumerate() {
                        if place > 0 {
                            self.expression.push('|');
                            self.glob.push(',');
                        }
                        self.sequence(alternative, at_start, is_segment_end(after), depth + 1)?;
                    }
                    self.expression.push(')');
                    self.glob.push('}');
                    after
                }
                '}' => return Err(problem("`}` without `{`", "write `\\}` for a plain brace")),
                '\\' => {
                    let mut characters = after.chars();
                    let plain = escaped(&mut characters)?;
                    self.literal(plain.encode_utf8(&mut [0; 4]), depth);
                    characters.as_str()
                }
                _ => {
                    check_literal(literal, at_start, after.is_empty() && ends)?;
                    self.literal(literal, depth);
                    starts_next = literal.ends_with('/');
                    after
                }
            };
            at_start = starts_next;
        }
        Ok(())
    }

    fn literal(&mut self, text: &str, depth: usize) {
        if depth == 0 {
            let slashes = text.match_indices('/').map(|(slash, _)| &text[..=slash]);
            let openings: Vec<_> = slashes.map(|folder| self.expression.clone() + &regex::escape(folder)).collect();
            self.openings.extend(openings);
        }
        self.expression.push_str(&regex::escape(text));
        for character in text.chars() {
            // As a class, so that a `*` at the glob's end is always a wildcard.
            match character {
                '*' | '?' | '[' | ']' | '{' | '}' | ',' | '\\' => self.glob.extend(['[', character, ']']),
                plain => self.glob.push(plain),
            }
        }
        match (depth, self.wildcards) {
            (0, 0) => self.prefix.push_str(text),
            (0, _) => self.literals.push(text.to_owned()),
            _ => {}
        }
    }

    /// Notes that a match can go on through any folder from here.
    fn any_folder(&mut self, depth: usize) {
        if depth == 0 {
            self.openings.push(format!("{}.*/", self.expression));
        }
    }

    fn wildcard(&mut self, expression: &str, glob: &str, depth: usize) {
        self.open_group(depth);
        self.expression.push_str(expression);
        self.expression.push(')');
        self.stars_in_braces |= depth > 0 && glob.starts_with("**");
        // Two `*` in a row would be `**`.
        if glob != "*" || !self.glob.ends_with('*') {
            self.glob.push_str(glob);
        }
    }

    /// Begins a group, which is numbered for the first wildcards outside braces.
    fn open_group(&mut self, depth: usize) {
        self.wildcards += usize::from(depth == 0);
        self.expression.push_str(if depth == 0 && self.wildcards <= NUMBERED { "(" } else { "(?:" });
    }
}

/// Reads the character after a `\`.
fn escaped(characters: &mut Chars<'_>) -> Result<char, Problem> {
    match characters.next() {
        Some('*') if characters.as_str().starts_with('*') => Err(problem(
            "`\\**` is a plain `*` and a wildcard",
            "directories are separated by `/`: write `/**`; for a name with a plain `*` write `[*]*`",
        )),
        Some(special) if "*?[]{}!,-^\\".contains(special) => Ok(special),
        Some(plain) => Err(problem(
            format!("`\\{plain}` has no meaning"),
            "`\\` makes one of `* ? [ ] { } , ! \\` a plain character; directories are separated by `/`",
        )),
        None => Err(problem("`\\` at the end", "write `\\\\` for a plain backslash")),
    }
}

/// Splits the text after a `{` into the two or more alternatives of these braces, and what follows them.
fn alternatives(text: &str) -> Result<(Vec<&str>, &str), Problem> {
    let mut alternatives = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    let mut characters = text.chars();
    loop {
        let place = text.len() - characters.as_str().len();
        match characters.next() {
            Some('\\') => {
                escaped(&mut characters)?;
            }
            Some('[') => characters = class(characters.as_str())?.1.chars(),
            Some('{') => depth += 1,
            Some('}') if depth > 0 => depth -= 1,
            Some(end @ (',' | '}')) if depth == 0 => {
                alternatives.push(&text[start..place]);
                start = place + 1;
                if end == '}' {
                    break;
                }
            }
            Some(_) => {}
            None => return Err(problem("unclosed `{`", "close it with `}`, or write `\\{` for a plain brace")),
        }
    }
    if alternatives.len() == 1 {
        return Err(problem(
            "braces around a single alternative",
            "braces choose: `*.{js,css}`; placeholders such as `{tail}` belong in `urls`",
        ));
    }
    Ok((alternatives, &text[start..]))
}

/// Translates the text after a `[` to a class of a regular expression; gives it with what follows the `]`. A `]` that comes
/// first is one of the characters.
fn class(text: &str) -> Result<(String, &str), Problem> {
    let unclosed = || problem("unclosed `[`", "close it with `]`, or write `\\[` for a plain bracket");
    let negated = text.strip_prefix(['!', '^']);
    let mut class = String::from(if negated.is_some() { "(?u:[[^" } else { "(?u:[[" });
    let mut characters = negated.unwrap_or(text).chars();
    let mut is_first = true;
    loop {
        let low = match characters.next().ok_or_else(unclosed)? {
            ']' if !is_first => break,
            '[' if characters.as_str().strip_prefix(':').is_some_and(|name| name.contains(":]")) => {
                return Err(problem("`[:…:]` is no class here", "write the characters: `[0-9]`, `[a-z]`"));
            }
            '\\' => escaped(&mut characters)?,
            plain => plain,
        };
        is_first = false;
        let mut high = low;
        // A `-` that comes last is one of the characters.
        if characters.as_str().starts_with('-') && !characters.as_str().starts_with("-]") {
            characters.next();
            high = match characters.next().ok_or_else(unclosed)? {
                '\\' => escaped(&mut characters)?,
                plain => plain,
            };
        }
        if low > high {
            return Err(problem(format!("the range `{low}-{high}` runs backwards"), format!("write `{high}-{low}`")));
        }
        if low == '/' || high == '/' {
            return Err(problem("a `/` in `[…]`", "`[…]` is one character of a name; write the `/` outside"));
        }
        write!(class, r"\x{{{:x}}}-\x{{{:x}}}", u32::from(low), u32::from(high)).expect("a string takes any text");
    }
    class.push_str("]&&[^/]])");
    Ok((class, characters.as_str()))
}

#[cfg(test)]
mod tests;
