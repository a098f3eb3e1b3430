//! Rules as text that a later run can read: which URLs a file had when the rules were others.

use serde::{Deserialize, Serialize};

use super::encoding::Encoded;
use super::files::Globs;
use super::rule::Rule;
use super::template::Template;
use crate::model::{PurgeMode, RefreshKind};

/// The rules of an earlier run.
#[derive(Debug)]
pub struct SavedRules {
    /// The rules, in their order.
    pub rules: Vec<Rule>,
}

/// A rule in the words it was written in. What says nothing is left out, so that a new key of rules doesn't make all others
/// differ.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SavedRule {
    name: String,
    files: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    urls: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    directories: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    targets: Vec<String>,
    refresh: bool,
    kind: RefreshKind,
    #[serde(default, skip_serializing_if = "is_default")]
    mode: PurgeMode,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    index: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    encoded: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    queries: Vec<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    allow_everything: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The rules as text: the same rules give the same text. Without what decides about prefetches alone.
pub fn save(rules: &[Rule]) -> String {
    let saved: Vec<SavedRule> = rules.iter().map(SavedRule::new).collect();
    serde_json::to_string(&saved).expect("texts can be written as JSON")
}

impl SavedRules {
    /// Reads what [`save`] wrote.
    ///
    /// # Errors
    /// What this version can't read, as a sentence fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let saved: Vec<SavedRule> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let rules = saved.into_iter().map(SavedRule::rule).collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }
}

impl SavedRule {
    fn new(rule: &Rule) -> Self {
        // Whoever adds a key to rules decides here whether a URL depends on it.
        let Rule {
            name,
            files,
            urls,
            directories,
            tags,
            targets,
            refresh,
            prefetch: _,
            kind,
            mode,
            index,
            encoded,
            queries,
            allow_everything,
            immutable: _,
            complete: _,
            warning: _,
        } = rule;
        let texts = |templates: &[Template]| templates.iter().map(|template| template.text().to_owned()).collect();
        Self {
            name: name.to_string(),
            files: files.texts().collect(),
            urls: texts(urls),
            directories: texts(directories),
            tags: texts(tags),
            targets: targets.iter().map(ToString::to_string).collect(),
            refresh: *refresh,
            kind: *kind,
            mode: *mode,
            index: index.clone(),
            encoded: encoded.iter().map(|form| form_name(*form).to_owned()).collect(),
            queries: queries.clone(),
            allow_everything: *allow_everything,
        }
    }

    fn rule(self) -> Result<Rule, String> {
        let of_urls = match self.kind {
            RefreshKind::Regex => Template::parse_expression,
            RefreshKind::Directory => Template::parse_directory,
            _ => Template::parse,
        };
        Ok(Rule {
            files: Globs::parse(&self.files).map_err(|problems| first(problems.into_iter().map(|one| one.message)))?,
            urls: templates(&self.urls, of_urls)?,
            directories: templates(&self.directories, Template::parse_directory)?,
            tags: templates(&self.tags, Template::parse_tag)?,
            targets: self.targets.iter().map(|name| name.as_str().into()).collect(),
            refresh: self.refresh,
            prefetch: false,
            kind: self.kind,
            mode: self.mode,
            index: self.index,
            encoded: self.encoded.iter().map(|name| form(name)).collect::<Result<_, _>>()?,
            queries: self.queries,
            allow_everything: self.allow_everything,
            immutable: false,
            complete: false,
            warning: None,
            name: self.name.into(),
        })
    }
}

fn templates(
    texts: &[String],
    parse: fn(&str) -> Result<Template, Vec<super::template::TemplateProblem>>,
) -> Result<Vec<Template>, String> {
    let parsed = texts.iter().map(|text| {
        parse(text).map_err(|problems| format!("`{text}`: {}", first(problems.into_iter().map(|one| one.message))))
    });
    parsed.collect()
}

fn first(mut messages: impl Iterator<Item = String>) -> String {
    messages.next().unwrap_or_default()
}

const FORMS: [(&str, Encoded); 3] =
    [("encoded", Encoded::Encoded), ("browser", Encoded::Browser), ("raw", Encoded::Raw)];

fn form_name(form: Encoded) -> &'static str {
    FORMS.iter().find(|(_, known)| *known == form).map_or("encoded", |(name, _)| name)
}

fn form(name: &str) -> Result<Encoded, String> {
    let found = FORMS.iter().find(|(known, _)| *known == name);
    found.map(|(_, form)| *form).ok_or_else(|| format!("`{name}` is no encoding"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::rule;
    use super::*;

    #[test]
    fn what_is_read_again_gives_the_same_text_and_the_same_urls() {
        let mut pages = rule("pages", &["dist/**", "!dist/**/*.map"], &["https://h.example/{tail}"]);
        pages.index = vec!["index.html".into()];
        pages.queries = vec!["w=1".into()];
        pages.encoded = vec![Encoded::Encoded, Encoded::Raw];
        pages.directories = vec![Template::parse_directory("https://h.example/{dir}/").unwrap()];
        let mut pattern = rule("pattern", &["a/*"], &[]);
        pattern.kind = RefreshKind::Regex;
        pattern.urls = vec![Template::parse_expression(r"https://h\.example/{1}/.*").unwrap()];
        let rules = [pages, pattern];
        let text = save(&rules);
        let read = SavedRules::parse(&text).unwrap();
        assert_eq!(save(&read.rules), text);
        let paths = ["dist/é/index.html", "dist/a.map", "a/b"].map(crate::model::RepoPath::new);
        let urls = |rules: &[Rule]| {
            let tasks = super::super::refreshes(&paths, rules, false);
            tasks.into_iter().map(|task| (task.operation, task.subject)).collect::<Vec<_>>()
        };
        assert_eq!(urls(&read.rules), urls(&rules));
        assert!(urls(&rules).len() > 8);
    }

    #[test]
    fn a_change_about_prefetches_alone_is_none() {
        let mut other = rule("pages", &["**"], &["https://h.example/{tail}"]);
        let before = save(std::slice::from_ref(&other));
        other.prefetch = !other.prefetch;
        assert_eq!(save(&[other]), before);
    }

    #[test]
    fn what_this_version_cannot_read_says_why() {
        let text = save(&[rule("pages", &["**"], &["https://h.example/{tail}"])]);
        for (from, to, why) in
            [("{tail}", "{pth}", "placeholder"), ("**", "[", "unclosed"), ("\"url\"", "\"galaxy\"", "galaxy")]
        {
            let problem = SavedRules::parse(&text.replacen(from, to, 1)).unwrap_err();
            assert!(problem.contains(why), "{problem}");
        }
    }
}
