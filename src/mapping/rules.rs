//! Globs with exclusion: which files a rule is about, and what their wildcards matched.

/// The `files:` of a rule: patterns, of which those that begin with `!` exclude.
#[derive(Debug)]
pub struct Globs {}

/// What is wrong with one pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobProblem {
    /// Which pattern, from 0.
    pub pattern: usize,
    /// Lowercase fragment: `unclosed character class`.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Globs {
    /// Reads the patterns of a rule.
    ///
    /// # Errors
    /// Every pattern that can't be read, and a list without a single including pattern.
    pub fn parse(patterns: &[String]) -> Result<Self, Vec<GlobProblem>> {
        let _ = patterns;
        Ok(Self {})
    }

    /// How many wildcards (`{1}`…) every including pattern is sure to fill: the least over them.
    pub fn wildcards(&self) -> usize {
        0
    }
}
