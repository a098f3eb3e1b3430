//! Parses `base`: a revision, or one of the ways to name the commit that an earlier run deployed.

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
    /// `deployment:ENVIRONMENT`: the commit of the last successful deployment to this environment of the CI.
    Deployment(String),
    /// `tag:PATTERN`: the nearest tag in the history of head whose name matches.
    Tag(TagPattern),
    /// `file:PATH`: the commit that is named in a file.
    File(PathBuf),
}

/// Patterns of tags' names, in the language of a rule's `files`, with spaces between them: `v* !*-rc*`, `release/**`.
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

impl fmt::Display for BaseSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LastSuccess => f.write_str("last-success"),
            Self::Deployment(environment) => write!(f, "deployment:{environment}"),
            Self::Tag(pattern) => write!(f, "tag:{pattern}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl BaseSpec {
    /// What `base` means; `None`: it is a revision. The error is what to do, and continues a sentence that begins with the
    /// option.
    pub(super) fn parse(text: &str) -> Option<Result<Self, (String, String)>> {
        if text == "last-success" {
            return Some(Ok(Self::LastSuccess));
        }
        if let Some(pattern) = text.strip_prefix("tag:") {
            // No tag's name has a space.
            let patterns: Vec<String> = pattern.split_whitespace().map(str::to_owned).collect();
            let patterns = if patterns.is_empty() { vec![String::new()] } else { patterns };
            let globs = Globs::parse(&patterns).map_err(|problems| {
                let problem = problems.into_iter().next();
                let (message, help) = problem.map_or_else(Default::default, |one| (one.message, one.help));
                (format!("is {}: {message}", quoted(text)), help)
            });
            return Some(globs.map(|globs| Self::Tag(TagPattern { text: pattern.into(), globs: Arc::new(globs) })));
        }
        if let Some(environment) = text.strip_prefix("deployment:") {
            return Some(if environment.trim().is_empty() {
                Err((format!("is {}", quoted(text)), "name the environment: `deployment:production`".to_owned()))
            } else {
                Ok(Self::Deployment(environment.to_owned()))
            });
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
    fn four_words_are_no_revisions_and_all_others_are() {
        assert_eq!(BaseSpec::parse("last-success").unwrap().unwrap(), BaseSpec::LastSuccess);
        let BaseSpec::Tag(pattern) = BaseSpec::parse("tag:v[0-9]*").unwrap().unwrap() else { panic!("a pattern") };
        assert!(pattern.matches("v1.2") && !pattern.matches("vx") && !pattern.matches("v1/2"));
        let BaseSpec::Tag(pattern) = BaseSpec::parse("tag:v* site@*  !*-rc* !v0.*").unwrap().unwrap() else {
            panic!("patterns")
        };
        let matching =
            ["v1.2", "site@1.2.0", "v1.2-rc.1", "site@1.2.0-rc1", "v0.9", "docs@1"].map(|name| pattern.matches(name));
        assert_eq!(matching, [true, true, false, false, false, false]);
        assert_eq!(pattern.to_string(), "v* site@*  !*-rc* !v0.*");
        assert_eq!(BaseSpec::parse("file:a/b").unwrap().unwrap(), BaseSpec::File("a/b".into()));
        let deployment = BaseSpec::parse("deployment:eu/production").unwrap().unwrap();
        assert_eq!(deployment, BaseSpec::Deployment("eu/production".into()));
        for text in ["last-success", "deployment:eu/production", "tag:v* !*-rc*", "file:a/b"] {
            assert_eq!(BaseSpec::parse(text).unwrap().unwrap().to_string(), text);
        }
        for revision in
            ["main", "v1", "HEAD~2", "refs/heads/last-success", "last-success~1", "files", "tags", "deployment"]
        {
            assert!(BaseSpec::parse(revision).is_none(), "{revision}");
        }
    }

    #[test]
    fn what_is_missing_or_no_pattern_is_said() {
        for text in ["file:", "deployment:", "deployment: "] {
            let (message, help) = BaseSpec::parse(text).unwrap().unwrap_err();
            assert_eq!(message, format!("is `{text}`"));
            assert!(help.starts_with("name the "), "{help}");
        }
        for text in ["tag:", "tag: ", "tag:[v", "tag:!v*", "tag:v* ![x"] {
            let (message, help) = BaseSpec::parse(text).unwrap().unwrap_err();
            assert!(message.contains(text) && !help.is_empty(), "{message}: {help}");
        }
    }
}
