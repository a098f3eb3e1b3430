//! Where the patterns of the rules were written, for warnings about them.

use std::ops::Range;

use super::file::source::Source;
use crate::error::Diagnostic;
use crate::mapping::PatternPlace;

/// The places of all patterns of the rules.
#[derive(Debug, Default)]
pub struct PatternPlaces {
    /// The configuration file; `None` where the rule was given by options.
    pub(super) source: Option<Source>,
    /// Of each rule, the range of each pattern; none of a rule that a preset wrote.
    pub(super) spans: Vec<Vec<Range<usize>>>,
}

impl PatternPlaces {
    /// Whether a person wrote the rule, and not a preset.
    pub fn is_written(&self, rule: usize) -> bool {
        self.spans.get(rule).is_some_and(|spans| !spans.is_empty())
    }

    /// A warning about a pattern.
    pub fn warning(&self, place: PatternPlace, title: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        let span = self.spans.get(place.rule).and_then(|spans| spans.get(place.pattern));
        match (&self.source, span) {
            (Some(source), Some(span)) => source.diagnostic(span, title, help),
            _ => Diagnostic::new(title, help),
        }
    }
}
