//! Finds captures that a greedy wildcard takes apart: on `a-b-c.md`, the `{1}` of `*-*.md` is `a-b`.

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
    /// The warning, with the remedy.
    pub(super) fn warning(self, pattern: &str, taken: &[u8]) -> String {
        let Self { number, separator } = self;
        format!(
            "`{{{number}}}` of `{pattern}` is `{}`, up to the last `{separator}`: for the part before the first one write one `*` and \
             `{{stem|before:{separator}}}`, for the rest `{{stem|after:{separator}}}`, for a date `{{stem|date:year}}` and \
             `{{stem|strip-date}}`",
            String::from_utf8_lossy(taken)
        )
    }
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
}
