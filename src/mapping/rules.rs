//! The `files:` of a rule become globs with exclusion: which files the rule is about, and what their wildcards matched.
//!
//! A file is in when an including pattern matches it and no excluding one does, whatever their order; of several including
//! patterns, the first as written gives the captures.

use super::glob::{Captures, Glob};

/// The most patterns in one rule.
const MOST_PATTERNS: usize = 1000;

/// The `files:` of a rule: patterns, of which those that begin with `!` exclude.
#[derive(Debug)]
pub struct Globs {
    including: Vec<Glob>,
    excluding: Vec<Glob>,
}

/// What is wrong with one pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobProblem {
    /// Which pattern, from 0.
    pub pattern: usize,
    /// Lowercase fragment: `unclosed \`[\``.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// What the patterns of a rule say of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict<'g, 'p> {
    /// It is in.
    Matched(Match<'g, 'p>),
    /// An including pattern matches it, and so does this excluding one.
    Excluded {
        /// As written, without the `!`.
        by: &'g str,
    },
    /// No including pattern matches it.
    Unmatched,
}

/// An including pattern that matches a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match<'g, 'p> {
    /// The pattern as written.
    pub(super) pattern: &'g str,
    /// What its wildcards matched.
    pub(super) captures: Captures<'p>,
    /// The path behind the directories that the pattern spells out.
    pub(super) tail: &'p [u8],
}

impl Globs {
    /// Reads the patterns of a rule.
    ///
    /// # Errors
    /// Every pattern that can't be read, and a list without a single including pattern.
    pub fn parse(patterns: &[String]) -> Result<Self, Vec<GlobProblem>> {
        if patterns.len() > MOST_PATTERNS {
            return Err(vec![GlobProblem {
                pattern: MOST_PATTERNS,
                message: format!("{} patterns in one rule; {MOST_PATTERNS} is the limit", patterns.len()),
                help: Some("write several rules, or patterns that match more".into()),
            }]);
        }
        let mut globs = Self { including: Vec::new(), excluding: Vec::new() };
        let mut problems = Vec::new();
        for (pattern, text) in patterns.iter().enumerate() {
            let (list, text) = match text.strip_prefix('!') {
                Some(text) => (&mut globs.excluding, text),
                None => (&mut globs.including, text.as_str()),
            };
            match Glob::parse(text) {
                Ok(glob) => list.push(glob),
                Err(problem) => {
                    problems.push(GlobProblem { pattern, message: problem.message, help: problem.help });
                }
            }
        }
        if problems.is_empty() && globs.including.is_empty() {
            problems.push(GlobProblem {
                pattern: 0,
                message: "no pattern says which files are in".into(),
                help: Some("add one without `!`, such as `**` for every file".into()),
            });
        }
        if problems.is_empty() { Ok(globs) } else { Err(problems) }
    }

    /// How many wildcards (`{1}`…) every including pattern is sure to fill: the least over them. `*`, `?`, `[…]`, `**` and
    /// `{a,b}` are one each; what stands inside braces is part of theirs.
    pub fn wildcards(&self) -> usize {
        self.including.iter().map(Glob::wildcards).min().unwrap_or(0)
    }

    /// Whether a path is in.
    pub fn matches(&self, path: &[u8]) -> bool {
        matches!(self.judge(path), Verdict::Matched(_))
    }

    /// What the patterns say of a path.
    pub(super) fn judge<'g, 'p>(&'g self, path: &'p [u8]) -> Verdict<'g, 'p> {
        let Some((glob, captures)) = self.including.iter().find_map(|glob| Some((glob, glob.captures(path)?))) else {
            return Verdict::Unmatched;
        };
        match self.excluding.iter().find(|glob| glob.captures(path).is_some()) {
            Some(by) => Verdict::Excluded { by: by.text() },
            None => Verdict::Matched(Match { pattern: glob.text(), captures, tail: &path[glob.directory().len()..] }),
        }
    }

    /// The including patterns, in the order in which they are written.
    pub(super) fn including(&self) -> &[Glob] {
        &self.including
    }
}
