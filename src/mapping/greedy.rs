//! Finds captures that a greedy wildcard takes apart: on `a-b-c.md`, the `{1}` of `*-*.md` is `a-b`.

use super::transform::date;

/// A wildcard that took a text which the pattern has after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Greedy<'g> {
    /// The number of the wildcard, from 1.
    pub(super) number: usize,
    /// The text between it and the next wildcard of the same name.
    pub(super) separator: &'g str,
}

/// The first such wildcard of a pattern that captured these texts. Patterns with `[…]`, `{…}` or `\` aren't looked at: they say
/// more of what a wildcard may take.
pub(super) fn greedy<'g>(pattern: &'g str, captures: &[&[u8]]) -> Option<Greedy<'g>> {
    if pattern.contains(['[', '{', '\\']) {
        return None;
    }
    let mut number = 0;
    let mut rest = pattern;
    while let Some(start) = rest.find(['*', '?']) {
        number += 1;
        let length = if rest[start..].starts_with("**") { 2 } else { 1 };
        let is_star = length == 1 && rest[start..].starts_with('*');
        rest = &rest[start + length..];
        let separator = &rest[..rest.find(['*', '?']).unwrap_or(0)];
        let is_followed = rest[separator.len()..].starts_with('*') && !rest[separator.len()..].starts_with("**");
        let taken = captures.get(number - 1)?;
        let holds = || taken.windows(separator.len()).any(|window| window == separator.as_bytes());
        if is_star && is_followed && !separator.is_empty() && !separator.contains('/') && holds() {
            return Some(Greedy { number, separator });
        }
    }
    None
}

impl Greedy<'_> {
    /// What the wildcard took; and the pattern and the placeholders that do it right. `captures` are those of [`greedy`].
    pub(super) fn warning(self, pattern: &str, captures: &[&[u8]]) -> [String; 2] {
        let Self { number, separator } = self;
        let taken = String::from_utf8_lossy(captures[number - 1]);
        // The wildcard and those that follow it with the same text between them are one in the right pattern.
        let end = wildcard_end(pattern, number);
        let mut rest = &pattern[end..];
        let mut whole = captures[number - 1].to_vec();
        for capture in &captures[number..] {
            let Some(after) = rest.strip_prefix(separator).and_then(|rest| rest.strip_prefix('*')) else { break };
            if after.starts_with('*') {
                break;
            }
            whole = [&whole, separator.as_bytes(), capture].concat();
            rest = after;
        }
        let right = format!("{}{rest}", &pattern[..end]);
        let placeholders = if separator == "-" && date(&whole).is_some() {
            ["date:year", "date:month", "date:day", "strip-date"]
                .map(|part| format!("`{{{number}|{part}}}`"))
                .join(", ")
        } else {
            format!(
                "`{{{number}|before:{separator}}}` for the part before the first `{separator}`, `{{{number}|after:{separator}}}` for the rest"
            )
        };
        [
            format!("`{{{number}}}` of `{pattern}` is `{taken}`, up to the last `{separator}`"),
            format!("write `{right}`, and {placeholders}"),
        ]
    }
}

/// The place after the wildcard with this number, from 1, of a pattern.
fn wildcard_end(pattern: &str, number: usize) -> usize {
    let mut end = 0;
    for _ in 0..number {
        let start = end + pattern[end..].find(['*', '?']).unwrap_or(0);
        end = start + if pattern[start..].starts_with("**") { 2 } else { 1 };
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_that_takes_the_next_separator_is_found() {
        for (pattern, captures, expected) in [
            ("*-*.md", &["a-b", "c"][..], Some((1, "-"))),
            ("*-*.md", &["a", "b"], None),
            ("posts/**/*-*-*-*.md", &["", "2014-05-06-turns-2", "0", "0", "x"], Some((2, "-"))),
            ("*/*.md", &["a", "b"], None),
            ("**/*.md", &["a/b", "c"], None),
            ("?-*.md", &["-", "c"], None),
            ("*[-]*.md", &["a-b", "-", "c"], None),
            ("*__*", &["a__b", "c"], Some((1, "__"))),
        ] {
            let captures: Vec<&[u8]> = captures.iter().map(|text| text.as_bytes()).collect();
            let found = greedy(pattern, &captures).map(|found| (found.number, found.separator));
            assert_eq!(found, expected, "{pattern}");
        }
    }
    #[test]
    fn the_warning_has_the_pattern_and_the_placeholders_that_do_it_right() {
        for (pattern, captures, expected) in [
            (
                "posts/**/*-*-*-*.md",
                &["", "2014-05-06-turns-2", "0", "0", "x"][..],
                "`{2}` of `posts/**/*-*-*-*.md` is `2014-05-06-turns-2`, up to the last `-`: write `posts/**/*.md`, and `{2|date:year}`, \
                 `{2|date:month}`, `{2|date:day}`, `{2|strip-date}`",
            ),
            (
                "*/*-*/*-*.md",
                &["a", "b", "c", "d-e", "f"],
                "`{4}` of `*/*-*/*-*.md` is `d-e`, up to the last `-`: write `*/*-*/*.md`, and `{4|before:-}` for the part before the first \
                 `-`, `{4|after:-}` for the rest",
            ),
        ] {
            let captures: Vec<&[u8]> = captures.iter().map(|text| text.as_bytes()).collect();
            assert_eq!(greedy(pattern, &captures).unwrap().warning(pattern, &captures).join(": "), expected);
        }
    }
}
