//! Explains the result of each rule for a path: the core of `cdn-purge explain`.

use std::cmp::Reverse;
use std::sync::Arc;

use super::files::Verdict;
use super::front_matter::FrontMatter;
use super::placeholder::{Placeholder, TemplateContext};
use super::rule::{Rule, RuleUrls};
use super::url;
use crate::model::{RefreshKind, RepoPath, TargetName};

/// The results of the rules for a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The path.
    pub path: RepoPath,
    /// One per rule, in the order of the configuration.
    pub rules: Vec<RuleExplanation>,
    /// If no rule matches it: which one comes closest, as a sentence fragment.
    pub closest: Option<String>,
}

/// The result of one rule for a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleExplanation {
    /// The rule's name.
    pub rule: Arc<str>,
    /// Its result.
    pub finding: Finding,
}

/// The result of matching a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The rule selects it.
    Matched {
        /// The including pattern that matched first.
        pattern: String,
        /// The value of each placeholder, in the order in which they are listed; then `{1}`…, then the
        /// front matter's.
        placeholders: Vec<(String, String)>,
        /// The URLs, in the order of the rule's templates.
        urls: Vec<ExplainedUrl>,
        /// Why templates give no URL, a sentence fragment each; and the rule's own warning.
        warnings: Vec<String>,
        /// The targets that serve the URLs.
        targets: Vec<TargetName>,
    },
    /// An including pattern matches it, and so does an excluding one.
    Excluded {
        /// The excluding pattern, without its `!`.
        by: String,
    },
    /// No including pattern matches it.
    Unmatched,
}

/// A URL and what a change of the file does to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedUrl {
    /// The URL.
    pub url: String,
    /// How it is refreshed; `None` if it isn't.
    pub refresh: Option<RefreshKind>,
    /// Whether it is prefetched, unless the file is gone.
    pub prefetch: bool,
    /// Why it can't be requested at all.
    pub problem: Option<String>,
}

/// Explains the result of each rule for a path; with its front matter, or why that can't be read, if a rule needs it.
pub fn explain(path: &RepoPath, rules: &[Rule], front: &Result<FrontMatter, String>) -> Explanation {
    let explain = |rule: &Rule| RuleExplanation { rule: Arc::clone(&rule.name), finding: find(path, rule, front) };
    let explained: Vec<_> = rules.iter().map(explain).collect();
    let is_matched = explained.iter().any(|rule| rule.finding != Finding::Unmatched);
    Explanation {
        path: path.clone(),
        rules: explained,
        closest: if is_matched { None } else { closest(path.as_bytes(), rules) },
    }
}

impl Explanation {
    /// As text, a line each, without line ends. File names are in it as they are: the log sanitizes them.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.path.to_string()];
        for RuleExplanation { rule, finding } in &self.rules {
            match finding {
                Finding::Matched { pattern, placeholders, urls, warnings, targets } => {
                    lines.push(format!("  rule `{rule}` matches it by `{pattern}`, for {}", targets.join(", ")));
                    lines.extend(placeholders.iter().map(|(name, value)| match value.as_str() {
                        "" => format!("    {name} is empty"),
                        value => format!("    {name} = {value}"),
                    }));
                    lines.extend(urls.iter().map(|url| format!("    {}", url.line())));
                    lines.extend(warnings.iter().map(|warning| format!("    warning: {warning}")));
                }
                Finding::Excluded { by } => lines.push(format!("  rule `{rule}` excludes it by `!{by}`")),
                Finding::Unmatched => lines.push(format!("  rule `{rule}` doesn't match it")),
            }
        }
        lines.extend(self.closest.iter().map(|closest| format!("  {closest}")));
        lines
    }
}

impl ExplainedUrl {
    fn line(&self) -> String {
        let refresh = self.refresh.map(|kind| match kind {
            RefreshKind::Url => "refresh".to_owned(),
            kind => format!("refresh ({})", kind.name()),
        });
        let operations: Vec<_> = refresh.into_iter().chain(self.prefetch.then(|| "prefetch".into())).collect();
        let operations = if operations.is_empty() { "nothing".into() } else { operations.join(" + ") };
        let problem = self.problem.as_ref().map(|problem| format!(" (can't be requested: {problem})"));
        format!("{operations} → {}{}", self.url, problem.unwrap_or_default())
    }
}

fn find(path: &RepoPath, rule: &Rule, front: &Result<FrontMatter, String>) -> Finding {
    let found = match rule.files.judge(path.as_bytes()) {
        Verdict::Matched(found) => found,
        Verdict::Excluded { by } => return Finding::Excluded { by: by.into() },
        Verdict::Unmatched => return Finding::Unmatched,
    };
    let needs_front = rule.needs_front_matter();
    let greedy = rule.greedy_warning(&found).map(|[title, help]| format!("{title}: {help}"));
    let context = TemplateContext::new(path, found, front.as_ref().ok().filter(|_| needs_front));
    let text = |bytes: &[u8]| RepoPath::new(bytes).to_string();
    let named =
        Placeholder::NAMED.iter().map(|(name, placeholder)| (format!("{{{name}}}"), text(context.value(placeholder))));
    let captures = found.captures();
    let numbered = (1_usize..).zip(captures.all()).map(|(number, value)| (format!("{{{number}}}"), text(value)));
    let fronted = front.iter().filter(|_| needs_front).flat_map(FrontMatter::shown);
    let fronted = fronted.map(|(key, value)| (format!("{{front.{key}}}"), value));
    let RuleUrls { urls, missing } = rule.urls_of(&context);
    let unread =
        front.as_ref().err().filter(|_| needs_front).map(|why| format!("its front matter can't be read: {why}"));
    let urls = urls.into_iter().map(|rule_url| ExplainedUrl {
        refresh: (rule.refresh && !rule.immutable).then_some(rule_url.kind),
        prefetch: rule.prefetch && rule_url.is_fetched,
        problem: url::check_kind(rule_url.kind, &rule_url.url).err(),
        url: rule_url.url,
    });
    Finding::Matched {
        pattern: found.pattern().into(),
        placeholders: named.chain(numbered).chain(fronted).collect(),
        urls: urls.collect(),
        warnings: unread
            .into_iter()
            .chain(missing)
            .chain(greedy)
            .chain(rule.warning.as_deref().map(str::to_owned))
            .collect(),
        targets: rule.targets.clone(),
    }
}

/// The rule with the pattern that spells out the longest beginning of the path; without one, the most similar pattern.
fn closest(path: &[u8], rules: &[Rule]) -> Option<String> {
    let patterns = || rules.iter().flat_map(|rule| rule.files.including().map(move |glob| (rule, glob)));
    let shared = |prefix: &str| {
        let same = prefix.bytes().zip(path).take_while(|(a, b)| a == *b).count();
        path[..same].iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1)
    };
    let (rule, glob) = patterns().min_by_key(|(_, glob)| Reverse(shared(glob.prefix())))?;
    let length = shared(glob.prefix());
    if length > 0 {
        let start = RepoPath::new(&path[..length]);
        return Some(format!(
            "rule `{}` comes closest: its pattern `{}` begins with `{start}` too",
            rule.name,
            glob.text()
        ));
    }
    let text = String::from_utf8_lossy(path);
    let likeness = |pattern: &str| strsim::normalized_damerau_levenshtein(pattern, &text);
    let (rule, glob) = patterns().max_by(|(_, a), (_, b)| likeness(a.text()).total_cmp(&likeness(b.text())))?;
    (likeness(glob.text()) > 0.3)
        .then(|| format!("rule `{}` comes closest: its pattern is `{}`", rule.name, glob.text()))
}

#[cfg(test)]
mod tests;
