//! Maps changed files to tasks: which URLs each change makes stale, and why.
//!
//! Every changed path ends in at least one task or in one [`Skipped`] with its reason; nothing is dropped on the way. A URL
//! that can't be requested (over-long, with a `..`) is a task too, for the plan to report.

use std::sync::Arc;

use super::files::{GlobIndex, Verdict};
use super::placeholder::TemplateContext;
use super::rule::{Overrides, Rule, RuleUrl};
use crate::model::{
    Change, ChangeKind, EntryKind, Operation, PurgeMode, Reason, RefreshKind, RepoPath, Skipped, Subject, TargetName,
    Task,
};

/// The tasks of some changes.
#[derive(Debug, Default)]
pub struct Mapped {
    /// In the order of changes, then rules; not merged.
    pub tasks: Vec<Task>,
    /// Every path that gave no task. Of a rename, each side for itself.
    pub skipped: Vec<Skipped>,
    /// Submodules whose changed files aren't known, each with a rule that may have URLs for some of them.
    pub unresolved: Vec<(RepoPath, Arc<str>)>,
}

/// Maps URLs that were listed instead of changed files to tasks, at every target. `rule` is the name in their reason, `kind`
/// and `mode` are how they are refreshed.
pub fn map_urls(
    urls: &[String],
    rule: &str,
    (kind, mode): (RefreshKind, PurgeMode),
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
                mode: if operation == Operation::Prefetch { PurgeMode::Default } else { mode },
                subject: Subject::of(kind, url),
                because: because.clone(),
            }));
        }
    }
    mapped
}

/// Maps changed files to tasks by the rules.
pub fn map(changes: &[Change], rules: &[Rule], overrides: Overrides) -> Mapped {
    let mut mapped = Mapped::default();
    let rules = Rules { rules, index: GlobIndex::new(rules.iter().map(|rule| &rule.files)), overrides };
    for change in changes {
        let deleted = change.kind == ChangeKind::Deleted;
        if let ChangeKind::Renamed { from } = &change.kind {
            mapped.add(from, change.entry, true, &rules);
        }
        mapped.add(&change.path, change.entry, deleted, &rules);
    }
    mapped
}

/// All rules, with the run's overrides.
struct Rules<'r> {
    rules: &'r [Rule],
    index: GlobIndex<'r>,
    overrides: Overrides,
}

impl Mapped {
    /// Maps one path; `gone` if the file doesn't exist any more.
    fn add(&mut self, path: &RepoPath, entry: EntryKind, gone: bool, rules: &Rules<'_>) {
        let folder = match entry {
            EntryKind::File | EntryKind::Symlink => None,
            EntryKind::Submodule | EntryKind::Folder => Some([path.as_bytes(), b"/"].concat()),
        };
        let may_match_below = |rule: &Rule| folder.as_ref().is_some_and(|folder| rule.files.may_match_below(folder));
        let before = self.tasks.len();
        let mut file = None;
        let mut reasons = Vec::new();
        let mut covered = Vec::new();
        for (place, verdict) in rules.index.judge(path.as_bytes()) {
            let rule = &rules.rules[place];
            match verdict {
                Verdict::Matched(_) if entry == EntryKind::Folder && may_match_below(rule) => {
                    reasons.push(format!("a folder; rule `{}` is about the files that changed in it", rule.name));
                }
                Verdict::Matched(found) => {
                    let actions = RuleActions::new(rule, rules.overrides, gone);
                    if actions.refresh || actions.prefetch {
                        let file = file.get_or_insert_with(|| Arc::new(path.clone()));
                        let context = TemplateContext::new(path, found);
                        let is_whole = entry == EntryKind::Submodule && may_match_below(rule);
                        let urls = if is_whole { rule.urls_of_folder(&context) } else { rule.urls_of(&context) };
                        self.add_tasks(rule, file, actions, urls);
                        covered.extend(rule.covers_folders().then_some(place));
                    }
                    if self.tasks.len() == before {
                        reasons.push(actions.no_task(rule));
                    }
                }
                Verdict::Excluded { by } => reasons.push(format!("excluded by `!{by}` of rule `{}`", rule.name)),
                Verdict::Unmatched => {}
            }
        }
        if entry == EntryKind::Submodule {
            let lost = rules.rules.iter().enumerate().find(|(place, rule)| {
                let actions = RuleActions::new(rule, rules.overrides, gone);
                let acts = actions.refresh || actions.prefetch;
                acts && !covered.contains(place) && may_match_below(rule)
            });
            if let Some((_, rule)) = lost {
                reasons =
                    vec![format!("a submodule whose changed files aren't known; rule `{}` may select some", rule.name)];
                self.unresolved.push((path.clone(), Arc::clone(&rule.name)));
            } else if reasons.is_empty() {
                reasons.push("a submodule; no rule selects files in it".into());
            }
        }
        if self.tasks.len() == before {
            let why = if reasons.is_empty() { "no rule matches it".into() } else { reasons.join("; ") };
            self.skip(path, why);
        }
    }

    fn add_tasks(&mut self, rule: &Rule, file: &Arc<RepoPath>, actions: RuleActions, urls: Vec<RuleUrl>) {
        for rule_url in urls {
            for target in &rule.targets {
                let subject = Subject::of(rule_url.kind, &rule_url.url);
                let task = |operation, mode| Task {
                    target: Arc::clone(target),
                    operation,
                    mode,
                    subject: subject.clone(),
                    because: vec![Reason { rule: Arc::clone(&rule.name), file: Some(Arc::clone(file)) }],
                };
                if actions.refresh {
                    self.tasks.push(task(Operation::Refresh(rule_url.kind), rule.mode));
                }
                if actions.prefetch && rule_url.is_page() {
                    self.tasks.push(task(Operation::Prefetch, PurgeMode::Default));
                }
            }
        }
    }

    fn skip(&mut self, path: &RepoPath, why: String) {
        self.skipped.push(Skipped { file: path.clone(), why });
    }
}

/// The actions of a rule on the URLs of one path.
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

    /// The reason for which a matching rule gave no task, in case no other gave one.
    fn no_task(self, rule: &Rule) -> String {
        let name = &rule.name;
        match self {
            Self { refresh: true, .. } => format!("rule `{name}` matches it and names no URL"),
            Self { prefetch: true, .. } => {
                format!("rule `{name}` matches it and only prefetches, and has no page to fetch")
            }
            Self { gone: true, .. } => {
                format!("rule `{name}` matches it and doesn't refresh; a deleted file is never prefetched")
            }
            _ => format!("rule `{name}` matches it and neither refreshes nor prefetches"),
        }
    }
}
