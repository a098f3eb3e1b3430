//! Address templates: literal text and placeholders, percent-encoded once per segment.

use std::ops::Range;

/// A parsed template: `https://www.example.com/{tail}`.
#[derive(Clone, Debug)]
pub struct Template {}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateProblem {
    /// The bytes of the template's text to blame.
    pub span: Range<usize>,
    /// Lowercase fragment: `unknown placeholder \`{pth}\``.
    pub message: String,
    /// What to do: `did you mean \`{path}\`?`.
    pub help: Option<String>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Every problem in it: unknown placeholders (with the nearest known name), unclosed braces, no scheme or host.
    pub fn parse(text: &str) -> Result<Self, Vec<TemplateProblem>> {
        let _ = text;
        Ok(Self {})
    }

    /// The highest numbered placeholder, `{1}`…`{9}`, with its place in the text; `None` without one.
    pub fn highest_capture(&self) -> Option<(usize, Range<usize>)> {
        None
    }
}
