//! Finds the line and column of a byte range in the configuration file, and prints that line with a caret below it.
//!
//! Lines that name a secret are masked before they are shown, so that a misplaced key doesn't travel on into a log.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::error::{Diagnostic, Place};

/// A file's text, and its name as the person named it.
#[derive(Debug)]
pub(crate) struct Source {
    name: String,
    text: String,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl Source {
    /// Takes a file's text; a byte order mark before it is no part of it.
    pub(crate) fn new(name: impl Into<String>, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: name.into(), text: text.to_owned(), lines }
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The position of a byte of the text.
    pub(crate) fn place(&self, at: usize) -> Place {
        let at = floor(&self.text, at);
        let line = self.line_of(at);
        let column = self.text[self.lines[line]..at].chars().count() + 1;
        Place { file: self.name.clone(), line: line + 1, column }
    }

    /// A problem at a range of the text.
    pub(crate) fn diagnostic(
        &self,
        span: &Range<usize>,
        title: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic {
            title: title.into(),
            place: Some(self.place(span.start)),
            snippet: self.snippet(span),
            help: Some(help.into()),
        }
    }

    /// The first line of a range, with carets under it. One line only: what is drawn grows with it.
    fn snippet(&self, span: &Range<usize>) -> String {
        let start = floor(&self.text, span.start);
        let index = self.line_of(start);
        let begin = self.lines[index];
        let end = self.lines.get(index + 1).copied().unwrap_or(self.text.len());
        let line = masked(self.text[begin..end].trim_end_matches(['\n', '\r']));
        let from = (start - begin).min(line.len());
        let to = floor(&self.text, span.end).clamp(start, end).saturating_sub(begin).clamp(from, line.len());
        let (line, from, to) = window(&line, from, to);
        let snippet = Snippet::source(line)
            .path(self.name.as_str())
            .line_start(index + 1)
            .annotation(AnnotationKind::Primary.span(from..to));
        Renderer::plain().render(&[Group::with_level(Level::ERROR).element(snippet)])
    }

    fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|begin| *begin <= at) - 1
    }
}

/// The problems found in a file, in the order in which they were found.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    source: &'a Source,
    listed: Vec<Diagnostic>,
    more: usize,
    warnings: Vec<Diagnostic>,
}

/// A file with more problems than these has one problem, and nobody reads on.
const MOST_LISTED: usize = 50;

impl<'a> Findings<'a> {
    /// Begins with none.
    pub(crate) fn new(source: &'a Source) -> Self {
        Self { source, listed: Vec::new(), more: 0, warnings: Vec::new() }
    }

    /// Where the problems are.
    pub(crate) fn source(&self) -> &'a Source {
        self.source
    }

    /// Adds a problem.
    pub(crate) fn report(&mut self, span: &Range<usize>, title: impl Into<String>, help: impl Into<String>) {
        if self.listed.len() < MOST_LISTED {
            self.listed.push(self.source.diagnostic(span, title, help));
        } else {
            self.more += 1;
        }
    }

    /// Adds a warning: what can be used, and is most likely not what was meant.
    pub(crate) fn warn(&mut self, span: &Range<usize>, title: impl Into<String>, help: impl Into<String>) {
        if self.warnings.len() < MOST_LISTED {
            self.warnings.push(self.source.diagnostic(span, title, help));
        }
    }

    /// The warnings so far, in order of place.
    pub(crate) fn take_warnings(&mut self) -> Vec<Diagnostic> {
        let mut warnings = std::mem::take(&mut self.warnings);
        sort(&mut warnings);
        warnings
    }

    /// How many problems there are.
    pub(crate) fn count(&self) -> usize {
        self.listed.len() + self.more
    }

    /// All problems, in order of place.
    pub(crate) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        sort(&mut self.listed);
        if self.more > 0 {
            self.listed.push(Diagnostic {
                title: format!("and {} more problems in `{}`", self.more, self.source.name),
                place: None,
                snippet: String::new(),
                help: Some("correct those above first".into()),
            });
        }
        self.listed
    }
}

/// In order of place.
fn sort(problems: &mut [Diagnostic]) {
    problems.sort_by_key(|problem| problem.place.as_ref().map(|place| (place.line, place.column)));
}

/// The part of an over-long line that surrounds a range.
fn window(line: &str, from: usize, to: usize) -> (&str, usize, usize) {
    const AROUND: usize = 512;
    if line.len() <= 2 * AROUND {
        return (line, from, to);
    }
    let begin = floor(line, from.saturating_sub(AROUND));
    let end = floor(line, from + AROUND);
    (&line[begin..end], from - begin, to.min(end) - begin)
}

/// The line, with everything after a key that looks like a secret's replaced by an asterisk for each byte, so that places
/// stay what they are.
fn masked(line: &str) -> String {
    let mut key_begin = 0;
    for (at, letter) in line.char_indices() {
        match letter {
            ':' | '=' if secret_key(line[key_begin..at].trim_matches([' ', '\t', '-', '"', '\'', '?'])) => {
                let (key, value) = line.split_at(at + 1);
                let stars = value.bytes().map(|byte| if byte == b' ' { ' ' } else { '*' });
                return key.chars().chain(stars).collect();
            }
            ':' | ',' | '{' | '[' | '=' => key_begin = at + letter.len_utf8(),
            _ => {}
        }
    }
    line.to_owned()
}

/// Whether a key is one that would hold a secret.
pub(super) fn secret_key(name: &str) -> bool {
    let name: String = name.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect();
    let parts = ["secret", "token", "password", "passwd", "accesskey", "apikey", "privatekey", "credential"];
    matches!(name.as_str(), "ak" | "sk") || parts.iter().any(|part| name.contains(part))
}

/// The nearest character boundary at or before an offset.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let source = Source::new("a.yml", "\u{feff}größe: 1\r\nwert: 2\r\n");
        assert_eq!(source.place(0).to_string(), "a.yml:1:1");
        let value = source.text().find('1').unwrap();
        assert_eq!(source.place(value).to_string(), "a.yml:1:8");
        let second = source.text().find("wert").unwrap();
        assert_eq!(source.place(second).to_string(), "a.yml:2:1");
        assert_eq!(source.place(9999).line, 3);
    }

    #[test]
    fn the_line_is_shown_with_a_caret() {
        let source = Source::new("a.yml", "version: 1\nrulez: []\n");
        let at = source.text().find("rulez").unwrap();
        assert_eq!(
            source.diagnostic(&(at..at + 5), "title", "help").snippet,
            " --> a.yml:2:1\n  |\n2 | rulez: []\n  | ^^^^^"
        );
    }

    #[test]
    fn a_secret_on_the_line_is_not_shown() {
        let source = Source::new("a.yml", "  \"access-key-secret\": hunter2\nx: {token: 'a b', y: 1}\n");
        for span in [2..19, 35..40] {
            let snippet = source.diagnostic(&span, "title", "help").snippet;
            assert!(!snippet.contains("hunter2") && !snippet.contains("a b"), "{snippet}");
        }
    }

    #[test]
    fn a_range_over_several_lines_an_empty_one_and_one_past_the_end_are_drawn() {
        let source = Source::new("a.yml", "a: |\n  x\n  y\n");
        for span in [0..12, 5..5, 500..600] {
            assert!(source.diagnostic(&span, "title", "help").snippet.contains("a.yml:"));
        }
        assert!(Source::new("a.yml", "").diagnostic(&(0..0), "title", "help").snippet.contains("a.yml:1:1"));
    }

    #[test]
    fn an_endless_line_is_shown_in_part() {
        let text = format!("x: {}", "é".repeat(100_000));
        let snippet = Source::new("a.yml", &text).diagnostic(&(50_001..150_000), "title", "help").snippet;
        assert!(snippet.len() < 4000, "{}", snippet.len());
    }
}
