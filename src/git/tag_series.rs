//! Parses the names of tags into series (`site@`, `docs/v`) and versions, so that a tag is compared with one of its own kind.
//!
//! Names only say which tags belong together, and which are candidates. The order of tags is that of the history.

/// Words that mark a candidate for a version, as semantic versions, Python, Ruby and Maven write them.
const CANDIDATES: &[&str] = &[
    "alpha",
    "beta",
    "rc",
    "cr",
    "pre",
    "preview",
    "prerelease",
    "dev",
    "canary",
    "next",
    "nightly",
    "snapshot",
    "milestone",
    "ea",
    "insiders",
    "unstable",
    "experimental",
    "edge",
    "test",
    "staging",
];
/// Letters that mark one before a number: `1.0b2`, `1.0-m3`.
const CANDIDATE_LETTERS: &[&str] = &["a", "b", "c", "m"];
/// Words after a version that is out: `1.0.post1`, `1.0-hotfix.2`, `4.2.Final`.
const STABLE: &[&str] =
    &["post", "p", "hotfix", "patch", "fix", "r", "rev", "sp", "u", "final", "ga", "release", "stable", "lts"];

/// The tags that are versions of one thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Series {
    /// The text before the version, without a `v`.
    prefix: String,
    /// The text after it, with `#` for each number that is counted up.
    suffix: String,
    /// Whether the version is a date: `2026-11-30` isn't the version after `1.9.0`.
    is_dated: bool,
}

/// The name of a tag that is a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) series: Series,
    /// A pattern for the tags of its series, as `base: tag:` takes it.
    pub(super) pattern: String,
    /// Whether it comes before a version (`-rc.1`).
    pub(super) is_candidate: bool,
}

/// Parses the name of a tag. `None`: it has no version (`latest`).
pub(super) fn parse(name: &str) -> Option<Version> {
    let bytes = name.as_bytes();
    let starts = (0..bytes.len()).filter(|&at| is_digit(bytes, at) && (at == 0 || !is_digit(bytes, at - 1)));
    // `s3-site-v1.2.3` has three numbers' starts. The version begins after a separator, has the most parts, and nothing strange
    // after it.
    let best = starts.map(|start| Reading::at(name, start)).reduce(
        |best, next| {
            if next.rank() > best.rank() { next } else { best }
        },
    );
    best.map(Reading::version)
}

/// A name with the version taken to begin at one of its numbers.
struct Reading<'a> {
    prefix: &'a str,
    numbers: &'a str,
    parts: usize,
    rest: Rest<'a>,
}

/// What follows the numbers of a version.
enum Rest<'a> {
    Stable,
    Candidate,
    /// Text that says which thing the version is of.
    Suffix(&'a str),
}

impl<'a> Reading<'a> {
    fn at(name: &'a str, start: usize) -> Self {
        let bytes = name.as_bytes();
        let (mut end, mut parts) = (start, 0);
        loop {
            while is_digit(bytes, end) {
                end += 1;
            }
            parts += 1;
            let mut next = end;
            next += usize::from(matches!(bytes.get(next), Some(b'.' | b'-' | b'_')));
            // `2026-11-30T1200`, `2026-W48` and `2026q4` are one date.
            next += usize::from(matches!(bytes.get(next), Some(b'T' | b'W' | b'w' | b'Q' | b'q')));
            let word = name[next..].split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
            if next == end || !is_digit(bytes, next) || !is_number && is_commit(word) {
                break;
            }
            end = next;
        }
        Self { prefix: &name[..start], numbers: &name[start..end], parts, rest: Rest::of(&name[end..]) }
    }

    /// Later numbers win only with a higher rank.
    fn rank(&self) -> (bool, bool, bool, usize) {
        let marker = self.prefix.strip_suffix(['v', 'V', 'r', 'R']).unwrap_or(self.prefix);
        let is_after_separator = marker.is_empty() || marker.ends_with(['/', '@', '-', '_', '.', '+']);
        (is_after_separator, self.parts > 1, !matches!(self.rest, Rest::Suffix(_)), self.parts)
    }

    fn version(self) -> Version {
        let year: Option<u32> = self.numbers.get(..4).and_then(|year| year.parse().ok());
        let digits = self.numbers.bytes().take_while(u8::is_ascii_digit).count();
        // A counter of four digits is no year.
        let is_date = matches!((digits, self.parts), (4, 2..) | (8 | 12 | 14, _));
        let is_dated = is_date && year.is_some_and(|year| (1990..2200).contains(&year));
        let suffix = if let Rest::Suffix(suffix) = self.rest { suffix } else { "" };
        let is_marked = |prefix: &&str| prefix.is_empty() || prefix.ends_with(|c: char| !c.is_alphanumeric());
        let prefix = self.prefix.strip_suffix(['v', 'V']).filter(is_marked).unwrap_or(self.prefix);
        let suffix = without_counters(suffix);
        let pattern = format!("{}*{}", self.prefix, suffix.replace('#', "*"));
        let series = Series { prefix: prefix.to_owned(), suffix, is_dated };
        Version { series, pattern, is_candidate: matches!(self.rest, Rest::Candidate) }
    }
}

impl<'a> Rest<'a> {
    fn of(text: &'a str) -> Self {
        // The build metadata of a semantic version orders nothing.
        let text = text.split_once('+').map_or(text, |(text, _)| text);
        let word = text.strip_prefix(['-', '.', '_', '~']).unwrap_or(text);
        let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (letters, after) = word.split_at(letters);
        let lower = letters.to_ascii_lowercase();
        let is_numbered = after.trim_start_matches(['.', '-', '_']).starts_with(|c: char| c.is_ascii_digit());
        let is_whole = after.is_empty() || is_numbered || after.starts_with(['.', '-']);
        if word.is_empty() || is_commit(word) {
            Self::Stable
        } else if CANDIDATES.contains(&&*lower) && is_whole || CANDIDATE_LETTERS.contains(&&*lower) && is_numbered {
            Self::Candidate
        } else if STABLE.contains(&&*lower) && (after.is_empty() || is_numbered)
            || word.len() == text.len() && letters.len() == 1 && after.is_empty()
        {
            // Of one letter alone: `1.1.1w`.
            Self::Stable
        } else {
            Self::Suffix(text)
        }
    }
}

/// Whether a text is a commit's digits, as `git describe` writes them.
fn is_commit(word: &str) -> bool {
    let digits = word.strip_prefix('g').unwrap_or(word);
    let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex && (6..=40).contains(&digits.len()) && digits.bytes().any(|byte| byte.is_ascii_digit())
}

/// A text with `#` for each number after a separator: `-site-2` is followed by `-site-3`, and `-arm64` by `-arm64`.
fn without_counters(text: &str) -> String {
    let mut short = String::new();
    for character in text.chars() {
        match character {
            '0'..='9' if short.ends_with('#') => {}
            '0'..='9' if !short.ends_with(|c: char| c.is_alphanumeric()) => short.push('#'),
            other => short.push(other),
        }
    }
    short
}

fn is_digit(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(name: &str) -> String {
        parse(name).unwrap().pattern
    }

    fn is_candidate(name: &str) -> bool {
        parse(name).unwrap().is_candidate
    }

    #[test]
    fn tags_of_one_scheme_are_one_series_and_those_of_another_are_not() {
        let schemes: &[&[&str]] = &[
            &["v1.2.3", "1.2.3", "V1.2.3", "v1.2", "v1", "v1.2.3-rc.1", "v2.0.0-beta", "v1.2.3+build.5", "1.0rc1"],
            &["site@1.2.0", "site@1.1.0", "site@v1.0.0-alpha.1"],
            &["@acme/site@1.2.0", "@acme/site@1.1.0"],
            &["pkg/v1.2.3", "pkg/1.2.4", "pkg/v2.0.0-rc1"],
            &["docs-v1.2", "docs-1.3", "docs-v1.4.0-rc.1", "docs-1.4.0.post1"],
            &["2026-11-30", "2026.11.30", "20261130", "2026-11-30.2", "20261130T1200", "2026.1.0", "20261130-g1a2b3c4"],
            &["release/2026-11-30", "release/2026.12.01"],
            &["build-123", "build-124", "build-1999", "build-2000"],
            &["release1", "release2"],
            &["v1.2.3-arm64", "v1.2.4-arm64"],
            &["v1.2.3-arm32"],
            &["v1.2.3-site-2", "1.2.3-site-10"],
            &["q/2026-W48", "q/2026w49", "q/2026-Q4"],
            &["s3-site-v1.2.3", "s3-site-v1.2.4-rc.2"],
            &["1.2.3-docs", "v1.2.4-docs"],
        ];
        for (number, scheme) in schemes.iter().enumerate() {
            for name in *scheme {
                assert_eq!(parse(name).unwrap().series, parse(scheme[0]).unwrap().series, "{name}");
                for other in schemes.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, other)| other) {
                    assert_ne!(parse(name).unwrap().series, parse(other[0]).unwrap().series, "{name} and {}", other[0]);
                }
            }
        }
        for name in ["latest", "production", "of-a-file", "", "v", "release/next"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn candidates_are_known_by_their_words() {
        for name in [
            "v1.2.3-rc.1",
            "1.0.0-alpha",
            "1.0.0-alpha.beta",
            "1.0rc1",
            "1.0b2",
            "v1-beta2",
            "2.0.0.CR1",
            "1.0-SNAPSHOT",
            "site@1.0.0-next.12",
            "v1.2.3_dev4",
            "1.0.0-rc1+build.7",
            "5.0-m3",
            "1.0.0-canary-20261130",
        ] {
            assert!(is_candidate(name), "{name}");
        }
        for name in [
            "v1.2.3",
            "1.0.0+rc.1",
            "1.0.post1",
            "1.1.1w",
            "4.2.Final",
            "v1.2.3-5-g1a2b3c4",
            "1.0.0-hotfix.2",
            "v1.2.3-arm64",
            "2026-11-30",
            "rc-1",
            "v2.1.0-release",
            "1.0.0-1a2b3c4d",
        ] {
            assert!(!is_candidate(name), "{name}");
        }
    }

    #[test]
    fn a_series_is_shown_as_the_pattern_of_its_tags() {
        for (name, expected) in [
            ("v1.2.3-rc.1", "v*"),
            ("site@1.2.0", "site@*"),
            ("1.2.3-docs", "*-docs"),
            ("v1.2.3-arm64", "v*-arm64"),
            ("1.2.3-site-4", "*-site-*"),
            ("s3-site-v1.2.3", "s3-site-v*"),
            ("release/2026-11-30", "release/*"),
        ] {
            assert_eq!(pattern(name), expected);
        }
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic_and_the_same_name_is_the_same_series(name in "[a-z0-9v@/.+_T~é-]{0,24}") {
            prop_assert_eq!(parse(&name), parse(&name));
            prop_assert_eq!(parse(&name).is_some(), name.bytes().any(|byte| byte.is_ascii_digit()));
        }

        /// Whatever is before it, the next version of a tag is in its series.
        #[test]
        fn a_higher_number_is_the_same_series(prefix in "([a-z]{1,6}[@/-]){0,2}v?", major in 0_u32..99, minor in 0_u32..99) {
            let (one, next) = (format!("{prefix}{major}.{minor}"), format!("{prefix}{major}.{}", minor + 1));
            prop_assert_eq!(parse(&one).unwrap().series, parse(&next).unwrap().series);
        }
    }
}
