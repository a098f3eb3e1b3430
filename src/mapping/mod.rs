//! Changed files × rules → tasks: which addresses a change makes stale, and why.
//!
//! Every changed path ends in at least one task or in one [`Skipped`] with its reason; nothing is dropped on the way. An
//! address that can't be asked for (over-long, a `..` in it) is a task all the same, for the plan to report.

use std::sync::Arc;

use crate::model::{
    Change, ChangeKind, EntryKind, Operation, Reason, RefreshKind, RepoPath, Skipped, TargetName, Task,
};
use index::Index;
use placeholder::TemplateContext;
use rules::Verdict;
use template::Form;

mod encoding;
pub mod explain;
mod glob;
mod index;
mod placeholder;
pub mod rules;
mod scope;
pub mod template;
pub mod url;

pub use explain::explain;
pub use rules::{GlobProblem, Globs};
pub use template::{Template, TemplateProblem};

/// A rule of the configuration, ready to use.
#[derive(Debug)]
pub struct Rule {
    /// Its `name:`, else `rules[0]`.
    pub name: Arc<str>,
    /// Which files it is about.
    pub files: Globs,
    /// Addresses of those files.
    pub urls: Vec<Template>,
    /// Directories to refresh for those files.
    pub directories: Vec<Template>,
    /// Cache tags to refresh for those files, as addresses of [`crate::model::Tag`].
    pub tags: Vec<Template>,
    /// Where the addresses live; never empty.
    pub targets: Vec<TargetName>,
    /// Whether to refresh.
    pub refresh: bool,
    /// Whether to prefetch what still exists.
    pub prefetch: bool,
    /// How `urls` are refreshed.
    pub kind: RefreshKind,
    /// Delete instead of revalidate.
    pub force: bool,
    /// File names that also stand for their directory (`index.html`).
    pub index: Vec<String>,
    /// The forms of names outside ASCII.
    pub encoded: Encoded,
    /// Query strings (without `?`) that are cached as variants beside the plain address.
    pub queries: Vec<String>,
    /// Whether `directories` may name the root of a host.
    pub allow_everything: bool,
}

/// In which forms an address with characters outside ASCII is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// Percent-encoded only (the default).
    Encoded,
    /// As it is only.
    Raw,
    /// Both, as two addresses.
    Both,
}

/// What was asked for the whole run, whatever the rules say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// In place of [`Rule::refresh`].
    pub refresh: Option<bool>,
    /// In place of [`Rule::prefetch`].
    pub prefetch: Option<bool>,
}

/// What the mapping of some changes gave.
#[derive(Debug, Default)]
pub struct Mapped {
    /// In the order of changes, then rules; not merged.
    pub tasks: Vec<Task>,
    /// Every path that gave no task. Of a rename, each side for itself.
    pub skipped: Vec<Skipped>,
}

/// Tasks for addresses that were given instead of changed files, at every target; `rule` is what they remember, `kind` and
/// `force` are how they are refreshed.
pub fn given(
    urls: &[String],
    rule: &str,
    (kind, force): (RefreshKind, bool),
    targets: &[TargetName],
    overrides: Overrides,
) -> Mapped {
    let because = vec![Reason { rule: Arc::from(rule), file: None }];
    let refresh = overrides.refresh.unwrap_or(true).then_some(Operation::Refresh(kind));
    let prefetch = overrides.prefetch.unwrap_or(false).then_some(Operation::Prefetch);
    let mut mapped = Mapped::default();
    for target in targets {
        for operation in [refresh, prefetch].into_iter().flatten() {
            mapped.tasks.extend(urls.iter().map(|url| Task {
                target: target.clone(),
                operation,
                force: force && operation != Operation::Prefetch,
                url: url.clone(),
                because: because.clone(),
            }));
        }
    }
    mapped
}

/// Maps changes to tasks. Addresses that can't be asked for (a `..` in it, an over-long name) are not dropped here: the plan
/// reports them.
pub fn map(changes: &[Change], rules: &[Rule], overrides: Overrides) -> Mapped {
    let mut mapped = Mapped::default();
    let rules = Index::new(rules);
    for change in changes {
        let deleted = change.kind == ChangeKind::Deleted;
        if let ChangeKind::Renamed { from } = &change.kind {
            mapped.add(from, change.entry, true, &rules, overrides);
        }
        mapped.add(&change.path, change.entry, deleted, &rules, overrides);
    }
    mapped
}

impl Mapped {
    /// Maps one path; `gone` if nothing stands there any more.
    fn add(&mut self, path: &RepoPath, entry: EntryKind, gone: bool, rules: &Index<'_>, overrides: Overrides) {
        if entry == EntryKind::Submodule {
            return self.skip(path, "a submodule; its files live in another repository".into());
        }
        let before = self.tasks.len();
        let mut file = None;
        let mut reasons = Vec::new();
        for rule in rules.candidates(path.as_bytes()) {
            match rule.files.judge(path.as_bytes()) {
                Verdict::Matched(found) => {
                    let actions = RuleActions::new(rule, overrides, gone);
                    if actions.refresh || actions.prefetch {
                        let file = file.get_or_insert_with(|| Arc::new(path.clone()));
                        self.add_tasks(rule, file, actions, &TemplateContext::new(path, found));
                    }
                    if self.tasks.len() == before {
                        reasons.push(actions.nothing(rule));
                    }
                }
                Verdict::Excluded { by } => reasons.push(format!("excluded by `!{by}` of rule `{}`", rule.name)),
                Verdict::Unmatched => {}
            }
        }
        if self.tasks.len() == before {
            let why = if reasons.is_empty() { "no rule matches it".into() } else { reasons.join("; ") };
            self.skip(path, why);
        }
    }

    fn add_tasks(&mut self, rule: &Rule, file: &Arc<RepoPath>, actions: RuleActions, context: &TemplateContext<'_>) {
        for address in addresses(rule, context) {
            for target in &rule.targets {
                let task = |operation, force| Task {
                    target: Arc::clone(target),
                    operation,
                    force,
                    url: address.url.clone(),
                    because: vec![Reason { rule: Arc::clone(&rule.name), file: Some(Arc::clone(file)) }],
                };
                if actions.refresh {
                    self.tasks.push(task(Operation::Refresh(address.kind), rule.force));
                }
                if actions.prefetch && address.is_page() {
                    self.tasks.push(task(Operation::Prefetch, false));
                }
            }
        }
    }

    fn skip(&mut self, path: &RepoPath, why: String) {
        self.skipped.push(Skipped { file: path.clone(), why });
    }
}

/// What is to be done with the addresses of one path.
#[derive(Clone, Copy, Debug)]
struct RuleActions {
    refresh: bool,
    prefetch: bool,
    gone: bool,
}

impl RuleActions {
    fn new(rule: &Rule, overrides: Overrides, gone: bool) -> Self {
        Self {
            refresh: overrides.refresh.unwrap_or(rule.refresh),
            prefetch: overrides.prefetch.unwrap_or(rule.prefetch) && !gone,
            gone,
        }
    }

    /// Why a matching rule gave no task, should no other have given one.
    fn nothing(self, rule: &Rule) -> String {
        let name = &rule.name;
        match self {
            Self { refresh: true, .. } => format!("rule `{name}` matches it and names no address"),
            Self { prefetch: true, .. } => {
                format!("rule `{name}` matches it and only prefetches, and has no page to fetch")
            }
            Self { gone: true, .. } => {
                format!("rule `{name}` matches it and doesn't refresh; a file that is gone is not prefetched")
            }
            _ => format!("rule `{name}` matches it and neither refreshes nor prefetches"),
        }
    }
}

/// An address that a rule gives for a file, and how it is refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RuleUrl {
    url: String,
    kind: RefreshKind,
}

impl RuleUrl {
    /// Whether it is one page, which can be fetched.
    fn is_page(&self) -> bool {
        matches!(self.kind, RefreshKind::Url | RefreshKind::AnyQuery)
    }
}

/// Every address that a rule gives for a file, in the order of its templates.
fn addresses(rule: &Rule, context: &TemplateContext<'_>) -> Vec<RuleUrl> {
    let mut addresses = Vec::new();
    for template in &rule.urls {
        for url in forms(template, context, rule.encoded, rule.kind == RefreshKind::Regex) {
            match rule.kind {
                RefreshKind::Regex => addresses.push(RuleUrl { url, kind: RefreshKind::Regex }),
                RefreshKind::Directory => {
                    addresses.push(RuleUrl { url: url::as_directory(url), kind: RefreshKind::Directory })
                }
                kind @ (RefreshKind::Tag | RefreshKind::Prefix | RefreshKind::Host | RefreshKind::Everything) => {
                    addresses.push(RuleUrl { url, kind });
                }
                kind @ (RefreshKind::Url | RefreshKind::AnyQuery) => {
                    let of_index = url::of_index(&url, &rule.index);
                    for url in std::iter::once(url).chain(of_index) {
                        let variants: Vec<_> = rule.queries.iter().map(|query| url::with_query(&url, query)).collect();
                        addresses.extend(std::iter::once(url).chain(variants).map(|url| RuleUrl { url, kind }));
                    }
                }
            }
        }
    }
    for template in &rule.directories {
        let urls = forms(template, context, rule.encoded, false);
        addresses.extend(urls.map(|url| RuleUrl { url: url::as_directory(url), kind: RefreshKind::Directory }));
    }
    for template in &rule.tags {
        let urls = forms(template, context, Encoded::Encoded, false);
        addresses.extend(urls.map(|url| RuleUrl { url, kind: RefreshKind::Tag }));
    }
    addresses
}

/// The forms in which a template's address is asked for, each once.
fn forms(
    template: &Template,
    context: &TemplateContext<'_>,
    encoded: Encoded,
    expression: bool,
) -> impl Iterator<Item = String> {
    let render = |raw| {
        let url = template.render(context, Form { raw, expression });
        if expression { url } else { url::with_lower_host(url) }
    };
    let first = render(encoded == Encoded::Raw);
    let second = (encoded == Encoded::Both).then(|| render(true)).filter(|second| *second != first);
    std::iter::once(first).chain(second)
}

#[cfg(test)]
mod tests;
