//! Parses `base`: a revision, or one of the three ways to name the commit that an earlier run deployed.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::parse_value::quoted;
use crate::mapping::Globs;

/// A base that isn't a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseSpec {
    /// `last-success`: the commit of the last run of this workflow and branch that ended well.
    LastSuccess,
    /// `tag:PATTERN`: the nearest tag in the history of head whose name matches.
    Tag(TagPattern),
    /// `file:PATH`: the commit that is named in a file.
    File(PathBuf),
}

/// A pattern of tags' names, in the language of a rule's `files`: `v*`, `release/**`.
#[derive(Clone, Debug)]
pub struct TagPattern {
    text: Arc<str>,
    globs: Arc<Globs>,
}

impl TagPattern {
    /// Whether a tag of this name is meant.
    pub fn matches(&self, name: &str) -> bool {
        self.globs.matches(name.as_bytes())
    }
}

impl fmt::Display for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for TagPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for TagPattern {}

impl BaseSpec {
    /// What `base` means; `None`: it is a revision. The error is what to do, and continues a sentence that begins with the
    /// option.
    pub(super) fn parse(text: &str) -> Option<Result<Self, (String, String)>> {
        if text == "last-success" {
            return Some(Ok(Self::LastSuccess));
        }
        if let Some(pattern) = text.strip_prefix("tag:") {
            let globs = Globs::parse(&[pattern.to_owned()]).map_err(|problems| {
                let problem = problems.into_iter().next();
                let (message, help) = problem.map_or_else(Default::default, |one| (one.message, one.help));
                (format!("is {}: {message}", quoted(text)), help)
            });
            return Some(globs.map(|globs| Self::Tag(TagPattern { text: pattern.into(), globs: Arc::new(globs) })));
        }
        let path = text.strip_prefix("file:")?;
        Some(if path.is_empty() {
            Err((format!("is {}", quoted(text)), "name the file: `file:PATH`".to_owned()))
        } else {
            Ok(Self::File(PathBuf::from(path)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_words_are_no_revisions_and_all_others_are() {
        assert_eq!(BaseSpec::parse("last-success").unwrap().unwrap(), BaseSpec::LastSuccess);
        let BaseSpec::Tag(pattern) = BaseSpec::parse("tag:v[0-9]*").unwrap().unwrap() else { panic!("a pattern") };
        assert!(pattern.matches("v1.2") && !pattern.matches("vx") && !pattern.matches("v1/2"));
        assert_eq!(BaseSpec::parse("file:a/b").unwrap().unwrap(), BaseSpec::File("a/b".into()));
        for revision in ["main", "v1", "HEAD~2", "refs/heads/last-success", "last-success~1", "files", "tags"] {
            assert!(BaseSpec::parse(revision).is_none(), "{revision}");
        }
    }

    #[test]
    fn what_is_missing_or_no_pattern_is_said() {
        assert_eq!(BaseSpec::parse("file:").unwrap().unwrap_err().0, "is `file:`");
        for text in ["tag:", "tag:[v", "tag:!v*"] {
            let (message, help) = BaseSpec::parse(text).unwrap().unwrap_err();
            assert!(message.contains(text) && !help.is_empty(), "{message}: {help}");
        }
    }
}
