//! The files that a rule selects, by the patterns of its `files:`.
//!
//! A file is selected if an including pattern matches it and no excluding one does, in whatever order they are written. If
//! several including patterns match, the first as written gives the captures.

use std::collections::HashMap;
use std::sync::Arc;

use globset::{Candidate, GlobSet, GlobSetBuilder};

use super::glob::{Captures, Glob};

/// The most patterns in one rule.
const MOST_PATTERNS: usize = 1000;

/// The `files:` of a rule: patterns, of which those that begin with `!` exclude.
#[derive(Clone, Debug)]
pub struct Globs {
    /// Shared by all clones, with what each pattern has compiled.
    patterns: Arc<[Pattern]>,
}

#[derive(Debug)]
struct Pattern {
    glob: Glob,
    excludes: bool,
}

/// A problem in one pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobProblem {
    /// The pattern's place in the list, from 0.
    pub pattern: usize,
    /// Lowercase fragment: `unclosed \`[\``.
    pub message: String,
    /// The remedy.
    pub help: String,
}

/// The verdict of a rule's patterns on a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict<'g, 'p> {
    /// The path is selected.
    Matched(Match<'g, 'p>),
    /// An including pattern matches the path, and so does this excluding one.
    Excluded {
        /// As written, without the `!`.
        by: &'g str,
    },
    /// No including pattern matches the path.
    Unmatched,
}

/// An including pattern that matches a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match<'g, 'p> {
    glob: &'g Glob,
    path: &'p [u8],
}

impl<'g, 'p> Match<'g, 'p> {
    /// The pattern as written.
    pub(super) fn pattern(&self) -> &'g str {
        self.glob.text()
    }

    /// The path after the directories that the pattern spells out.
    pub(super) fn tail(&self) -> &'p [u8] {
        &self.path[self.glob.directory().len()..]
    }

    /// The text that its wildcards matched: found on demand, since few templates need it.
    pub(super) fn captures(&self) -> Captures<'p> {
        self.glob.captures(self.path).unwrap_or_default()
    }
}

impl Globs {
    /// Reads the patterns of a rule.
    ///
    /// # Errors
    /// Every pattern that can't be read, and a list without a single including pattern.
    pub fn parse(patterns: &[String]) -> Result<Self, Vec<GlobProblem>> {
        let wrong = |pattern, message: String, help: &str| vec![GlobProblem { pattern, message, help: help.into() }];
        if patterns.len() > MOST_PATTERNS {
            let message = format!("{} patterns in one rule; {MOST_PATTERNS} is the limit", patterns.len());
            return Err(wrong(MOST_PATTERNS, message, "write several rules, or patterns that match more"));
        }
        let mut read = Vec::with_capacity(patterns.len());
        let mut problems = Vec::new();
        for (pattern, text) in patterns.iter().enumerate() {
            let excluded = text.strip_prefix('!');
            match Glob::parse(excluded.unwrap_or(text)) {
                Ok(glob) => read.push(Pattern { glob, excludes: excluded.is_some() }),
                Err(problem) => {
                    problems.push(GlobProblem { pattern, message: problem.message, help: problem.help });
                }
            }
        }
        let globs = Self { patterns: read.into() };
        if problems.is_empty() && globs.including().next().is_none() {
            let help = "add one without `!`, such as `**` for every file";
            problems = wrong(0, "no pattern includes any files".into(), help);
        }
        if problems.is_empty() { Ok(globs) } else { Err(problems) }
    }

    /// The number of wildcards (`{1}`…) that every including pattern fills: the least of them. `*`, `?`, `[…]`, `**` and
    /// `{a,b}` are one each; those inside braces are part of the braces.
    pub fn wildcards(&self) -> usize {
        self.including().map(Glob::wildcards).min().unwrap_or(0)
    }

    /// Whether a path is selected.
    pub fn matches(&self, path: &[u8]) -> bool {
        matches!(self.judge(path), Verdict::Matched(_))
    }

    /// Whether a path below a folder, which ends in `/`, can be selected. In doubt it can.
    pub fn may_match_below(&self, folder: &[u8]) -> bool {
        let mut excluding = self.patterns.iter().filter(|pattern| pattern.excludes);
        self.including().any(|glob| glob.may_match_below(folder))
            && !excluding.any(|pattern| pattern.glob.matches_all_below(folder))
    }

    /// The places of the including patterns among all of them.
    pub fn including_places(&self) -> impl Iterator<Item = usize> {
        self.patterns.iter().enumerate().filter(|(_, pattern)| !pattern.excludes).map(|(place, _)| place)
    }

    /// Whether the pattern at a place may match a path below a folder, which ends in `/`. In doubt it may.
    pub fn may_match_at(&self, place: usize, folder: &[u8]) -> bool {
        self.patterns[place].glob.may_match_below(folder)
    }

    /// Whether the pattern at a place matches a path; and if so, whether no pattern excludes it.
    pub(super) fn match_at(&self, place: usize, path: &[u8]) -> Option<bool> {
        let excludes = |pattern: &Pattern| pattern.excludes && pattern.glob.matches(path);
        self.patterns[place].glob.matches(path).then(|| !self.patterns.iter().any(excludes))
    }

    /// The pattern at a place as it was written, without the `!` of an exclusion.
    pub fn text(&self, place: usize) -> &str {
        self.patterns[place].glob.text()
    }

    /// The folders that the including patterns spell out, each ending in `/`; the root is empty.
    pub(super) fn directories(&self) -> impl Iterator<Item = &str> {
        self.including().map(Glob::directory)
    }

    /// The verdict of the patterns on a path.
    pub(super) fn judge<'p>(&self, path: &'p [u8]) -> Verdict<'_, 'p> {
        self.judge_by((0..self.patterns.len()).map(|place| (place, false)), path)
    }

    /// The same by these patterns alone, in ascending order, each with whether a set says that its glob matches.
    fn judge_by<'p>(&self, patterns: impl Iterator<Item = (usize, bool)> + Clone, path: &'p [u8]) -> Verdict<'_, 'p> {
        let find = |excludes| {
            let patterns = patterns.clone().map(|(place, is_found)| (&self.patterns[place], is_found));
            let matches = |glob: &Glob, is_found| (is_found && glob.is_indexed_exactly()) || glob.matches(path);
            patterns
                .filter(|(pattern, _)| pattern.excludes == excludes)
                .find_map(|(Pattern { glob, .. }, is_found)| matches(glob, is_found).then_some(glob))
        };
        match find(false) {
            None => Verdict::Unmatched,
            Some(glob) => match find(true) {
                Some(by) => Verdict::Excluded { by: by.text() },
                None => Verdict::Matched(Match { glob, path }),
            },
        }
    }

    /// The patterns as they were written.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        self.patterns.iter().map(
            |Pattern { glob, excludes }| {
                if *excludes { format!("!{}", glob.text()) } else { glob.text().to_owned() }
            },
        )
    }

    /// The including patterns, in the order in which they are written.
    pub(super) fn including(&self) -> impl Iterator<Item = &Glob> {
        self.patterns.iter().filter(|pattern| !pattern.excludes).map(|pattern| &pattern.glob)
    }
}

/// The patterns of many rules in one set, which finds the few that may match a path.
pub(super) struct GlobIndex<'g> {
    rules: Vec<&'g Globs>,
    set: GlobSet,
    /// For each glob of the set, the places of its rules and of its patterns there: many rules exclude the same.
    indexed: Vec<Vec<(usize, usize)>>,
    /// The patterns that no set holds: they may match any path.
    others: Vec<(usize, usize)>,
}

impl<'g> GlobIndex<'g> {
    /// Collects the patterns of rules.
    pub(super) fn new(rules: impl Iterator<Item = &'g Globs>) -> Self {
        let mut index = Self { rules: rules.collect(), set: GlobSet::empty(), indexed: Vec::new(), others: Vec::new() };
        let (mut set, mut known) = (GlobSetBuilder::new(), HashMap::new());
        for (rule, globs) in index.rules.iter().enumerate() {
            for (place, pattern) in globs.patterns.iter().enumerate() {
                match pattern.glob.indexed() {
                    Some(glob) => {
                        let number = *known.entry(glob.glob()).or_insert_with(|| {
                            set.add(glob.clone());
                            index.indexed.push(Vec::new());
                            index.indexed.len() - 1
                        });
                        index.indexed[number].push((rule, place));
                    }
                    None => index.others.push((rule, place)),
                }
            }
        }
        match set.build() {
            Ok(set) => index.set = set,
            // Thousands of long patterns: each is matched against every path.
            Err(_) => index.others.extend(index.indexed.drain(..).flatten()),
        }
        index
    }

    /// The verdicts on a path of all rules but those that don't match it, with their places, in their order.
    pub(super) fn judge<'p>(&self, path: &'p [u8]) -> Vec<(usize, Verdict<'g, 'p>)> {
        let found = self.set.matches_candidate(&Candidate::from_bytes(path));
        let found = found.into_iter().flat_map(|glob| &self.indexed[glob]).map(|&place| (place, true));
        let mut places: Vec<_> = found.chain(self.others.iter().map(|&place| (place, false))).collect();
        places.sort_unstable();
        let verdict = |places: &[((usize, usize), bool)]| {
            let rule = places[0].0.0;
            (rule, self.rules[rule].judge_by(places.iter().map(|&((_, place), is_found)| (place, is_found)), path))
        };
        places.chunk_by(|(a, _), (b, _)| a.0 == b.0).map(verdict).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn globs(patterns: &[&str]) -> Globs {
        Globs::parse(&patterns.iter().map(|&pattern| pattern.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    proptest! {
        #[test]
        fn an_index_finds_every_rule_that_matches_and_its_verdict(
            patterns in prop::collection::vec(prop::sample::select(vec![
                "a/**", "a/b/c", "a/b*/*", "{a,b}/**", "**/c", "a", "!a/b/**", "{a/**,b}", "?/[!b]*", "é/?", "![é-\u{ff}]/**", r"\*?",
                "a/**/c", "**/b/**", "*b*", "!**/{,*b}c", "{a,b/{c,*}}*", "!*a", "**/a*/**/b",
            ]), 1..5),
            path in "[abcé*x]{1,2}(/[abcéx]{1,2}){0,3}",
        ) {
            // A byte that is no part of UTF-8.
            let path: Vec<u8> = path.bytes().map(|byte| if byte == b'x' { 0xff } else { byte }).collect();
            let mut with_more = vec!["c/*"];
            with_more.extend(&patterns);
            let rules = [globs(&with_more), globs(&["b/**"]), globs(&["**"])];
            let text = |verdict: Verdict<'_, '_>| match verdict {
                Verdict::Matched(found) => format!("{} {:?} {:?}", found.pattern(), found.captures(), found.tail()),
                other => format!("{other:?}"),
            };
            let expected: Vec<_> = rules.iter().map(|rule| rule.judge(&path)).enumerate()
                .filter(|(_, verdict)| !matches!(verdict, Verdict::Unmatched))
                .map(|(place, verdict)| (place, text(verdict)))
                .collect();
            let index = GlobIndex::new(rules.iter());
            let found = index.judge(&path);
            let in_b = found.iter().any(|(place, _)| *place == 1);
            prop_assert_eq!(in_b, path.starts_with(b"b/"), "a rule of another directory isn't looked at");
            let found: Vec<_> = found.into_iter()
                .filter(|(_, verdict)| !matches!(verdict, Verdict::Unmatched))
                .map(|(place, verdict)| (place, text(verdict)))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_can_be_selected_below_a_folder() {
        for (patterns, below, not_below) in [
            (&["docs/**"][..], &["docs/", "docs/a/", "docs/a/b/"][..], &["doc/", "docsy/", "x/docs/"][..]),
            (&["docs/a/b/*.html"], &["docs/", "docs/a/", "docs/a/b/"], &["docs/a/b/c/", "docs/ab/", "docs/a/c/"]),
            (&["themes/*"], &["themes/"], &["themes/mini/", "x/"]),
            (&["themes/*/x.css"], &["themes/", "themes/mini/"], &["themes/mini/layouts/"]),
            (&["*.html"], &[], &["a/", "a.html/"]),
            (&["**/*.html"], &["a/", "a/b/", "é/"], &[]),
            (&["a/**/b/c"], &["a/", "a/x/", "a/b/", "a/x/y/b/"], &["b/"]),
            (&["{a/b,c}/d"], &["a/", "a/b/", "c/"], &[]),
            (&["p{a,b}/d/e"], &["pa/", "pb/d/"], &["pc/", "pa/e/"]),
            (&["**", "!vendor/**"], &["a/"], &["vendor/", "vendor/lib/"]),
            (&["**", "!vendor/*"], &["vendor/lib/"], &[]),
        ] {
            let globs = globs(patterns);
            for folder in below {
                assert!(globs.may_match_below(folder.as_bytes()), "{patterns:?} below {folder}");
            }
            for folder in not_below {
                assert!(!globs.may_match_below(folder.as_bytes()), "{patterns:?} below {folder}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_folder_of_a_path_that_is_selected_is_never_out_of_reach(
            patterns in prop::collection::vec(prop::sample::select(vec![
                "a/**", "a/b/c", "a/b*/*", "{a,b}/**", "**/c", "a/**/c", "{a/**,b}", "{a/b,c}/?", "?/[!b]*", "é/?", "*/*/*",
                "!a/b/**", "!a/**/c",
            ]), 1..4),
            path in "[abcé]{1,2}(/[abcé]){1,3}",
        ) {
            let mut with_one = vec!["c/*"];
            with_one.extend(&patterns);
            let globs = globs(&with_one);
            if globs.matches(path.as_bytes()) {
                for (slash, _) in path.match_indices('/') {
                    prop_assert!(globs.may_match_below(&path.as_bytes()[..=slash]), "{} of {:?}", &path[..=slash], with_one);
                }
            }
        }
    }

    /// Prints the time of a large configuration: `cargo test --release -- --ignored --nocapture hundred_patterns`.
    #[test]
    #[ignore = "a measurement"]
    fn a_hundred_patterns_on_a_thousand_paths() {
        let start = std::time::Instant::now();
        let rules: Vec<_> = (0..100)
            .map(|number| match number % 5 {
                0 => globs(&[&format!("content/{number}/**/*.md")]),
                1 => globs(&[&format!("public/{number}/**"), "!**/*.map"]),
                2 => globs(&[&format!("src/*/{number}-*.{{js,css}}")]),
                3 => globs(&[&format!("**/{number}/index.html")]),
                _ => globs(&[&format!("assets/{number}/[a-f]*-????.png")]),
            })
            .collect();
        let index = GlobIndex::new(rules.iter());
        let built = start.elapsed();
        let mut matched = 0;
        for number in 0..1000 {
            let rule = number % 100;
            let path = match rule % 5 {
                0 => format!("content/{rule}/a/b/{number}.md"),
                1 => format!("public/{rule}/a/{number}.html"),
                2 => format!("src/lib/{rule}-{number}.js"),
                3 => format!("docs/{rule}/index.html"),
                _ => format!("assets/{rule}/alpha-{:04}.png", number),
            };
            matched += index.judge(path.as_bytes()).len();
        }
        eprintln!("set {built:?}, all {:?}, {matched} matches", start.elapsed());
    }
}
