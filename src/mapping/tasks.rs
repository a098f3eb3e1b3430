//! Maps changed files to tasks: which URLs each change makes stale, and why.
//!
//! Every changed path ends in at least one task or in one [`Skipped`] with its reason; nothing is dropped on the way. A URL
//! that can't be requested (over-long, with a `..`) is a task too, for the plan to report.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::files::{GlobIndex, Match, Verdict};
use super::front_matter::FrontMatter;
use super::placeholder::TemplateContext;
use super::rule::{Overrides, Rule, RuleUrls};
use super::unmatched::PatternPlace;
use crate::model::{
    Change, ChangeKind, EntryKind, Operation, PurgeMode, Reason, RefreshKind, RepoPath, Side, Skipped, Subject,
    TargetName, Task,
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
    /// Files whose content changed although a rule says that it never does, with the rule's name.
    pub broken_promises: Vec<(Arc<str>, RepoPath)>,
    /// URLs that a rule couldn't make of a file, a sentence each.
    pub warnings: Vec<String>,
    /// The first rule that only warns, and matched.
    pub warned_by: Option<Arc<str>>,
}

/// The front matter of files, at each side of the comparison; or why it couldn't be read.
pub type FrontMatters = BTreeMap<(Side, RepoPath), Result<FrontMatter, String>>;

/// The files whose front matter the rules need for these changes: as they were, and as they are.
pub fn front_matter_files(changes: &[Change], rules: &[Rule]) -> Vec<(Side, RepoPath)> {
    let needing: Vec<&Rule> = rules.iter().filter(|rule| rule.needs_front_matter()).collect();
    let mut files = BTreeSet::new();
    if needing.is_empty() {
        return Vec::new();
    }
    let index = GlobIndex::new(needing.iter().map(|rule| &rule.files));
    let is_needed = |path: &RepoPath| {
        index.judge(path.as_bytes()).iter().any(|(_, verdict)| matches!(verdict, Verdict::Matched(_)))
    };
    for change in changes.iter().filter(|change| matches!(change.entry, EntryKind::File | EntryKind::Symlink)) {
        let versions = versions(change)
            .into_iter()
            .flat_map(|version| version.sides.iter().map(move |side| (*side, version.path)));
        files.extend(versions.filter(|(_, path)| is_needed(path)).map(|(side, path)| (side, path.clone())));
    }
    files.into_iter().collect()
}

/// A path of a change, and the commits that hold it, the one that gives the current URLs first.
struct Version<'c> {
    path: &'c RepoPath,
    fate: Fate,
    sides: &'static [Side],
}

/// The paths of a change.
fn versions(change: &Change) -> Vec<Version<'_>> {
    let at = |path, fate, sides| Version { path, fate, sides };
    match &change.kind {
        ChangeKind::Added => vec![at(&change.path, Fate::New, &[Side::Head])],
        ChangeKind::Modified => vec![at(&change.path, Fate::Changed, &[Side::Head, Side::Base])],
        ChangeKind::Deleted => vec![at(&change.path, Fate::Gone, &[Side::Base])],
        ChangeKind::Renamed { from } => {
            vec![at(from, Fate::Gone, &[Side::Base]), at(&change.path, Fate::New, &[Side::Head])]
        }
    }
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

/// Maps changed files to tasks by the rules, without the front matter of any.
pub fn map(changes: &[Change], rules: &[Rule], overrides: Overrides) -> Mapped {
    map_with(changes, rules, overrides, &FrontMatters::new())
}

/// Maps changed files to tasks by the rules, with the front matter of those that [`front_matter_files`] names.
pub fn map_with(changes: &[Change], rules: &[Rule], overrides: Overrides, fronts: &FrontMatters) -> Mapped {
    let mut mapped = Mapped::default();
    let rules = Rules::new(rules, overrides, fronts);
    for change in changes {
        for version in versions(change) {
            mapped.add(&version, change.entry, &rules);
        }
    }
    mapped
}

/// Every refresh that the rules know for these files, whatever happened to them; with `even_unrefreshed` also those of rules
/// that don't refresh.
pub fn refreshes(paths: &[RepoPath], rules: &[Rule], even_unrefreshed: bool) -> Vec<Task> {
    let mut tasks = Vec::new();
    for_each_refresh(paths, rules, even_unrefreshed, &mut |task| tasks.push(task));
    tasks
}

/// The same, one by one: what isn't kept takes no memory.
pub fn for_each_refresh(paths: &[RepoPath], rules: &[Rule], even_unrefreshed: bool, take: &mut dyn FnMut(Task)) {
    let overrides = Overrides { refresh: even_unrefreshed.then_some(true), prefetch: Some(false) };
    let fronts = FrontMatters::new();
    let rules = Rules { keeps_promises: false, ..Rules::new(rules, overrides, &fronts) };
    for path in paths {
        let mut mapped = Mapped::default();
        mapped.add(&Version { path, fate: Fate::Changed, sides: &[Side::Head] }, EntryKind::File, &rules);
        mapped.tasks.into_iter().for_each(&mut *take);
    }
}

/// Of each rule, the first of these files on which a greedy wildcard takes a capture apart that a template uses: the pattern, the file,
/// and the warning with its remedy.
pub fn greedy_captures(rules: &[Rule], files: &[RepoPath]) -> Vec<(PatternPlace, RepoPath, [String; 2])> {
    let index = GlobIndex::new(rules.iter().map(|rule| &rule.files));
    let mut found: BTreeMap<usize, (PatternPlace, RepoPath, [String; 2])> = BTreeMap::new();
    for file in files {
        for (place, verdict) in index.judge(file.as_bytes()) {
            let Verdict::Matched(matched) = verdict else { continue };
            let rule = &rules[place];
            if let Some(warning) = rule.greedy_warning(&matched).filter(|_| !found.contains_key(&place)) {
                let pattern =
                    rule.files.including_places().find(|pattern| rule.files.text(*pattern) == matched.pattern());
                let pattern = PatternPlace { rule: place, pattern: pattern.unwrap_or_default() };
                found.insert(place, (pattern, file.clone(), warning));
            }
        }
    }
    found.into_values().collect()
}

/// What became of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It wasn't there before.
    New,
    /// Its content is another.
    Changed,
    /// It isn't there any more.
    Gone,
}

/// All rules, with the run's overrides.
struct Rules<'r> {
    rules: &'r [Rule],
    index: GlobIndex<'r>,
    overrides: Overrides,
    fronts: &'r FrontMatters,
    /// Whether [`Rule::immutable`] counts.
    keeps_promises: bool,
    /// The places of rules about whose captures there is a warning: one is enough.
    greedy: RefCell<BTreeSet<usize>>,
}

impl<'r> Rules<'r> {
    fn new(rules: &'r [Rule], overrides: Overrides, fronts: &'r FrontMatters) -> Self {
        let index = GlobIndex::new(rules.iter().map(|rule| &rule.files));
        Self { rules, index, overrides, fronts, keeps_promises: true, greedy: RefCell::default() }
    }
}

impl Mapped {
    /// Maps one path.
    fn add(&mut self, version: &Version<'_>, entry: EntryKind, rules: &Rules<'_>) {
        let (path, fate) = (version.path, version.fate);
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
                    let is_immutable = rule.immutable && rules.keeps_promises;
                    let actions = RuleActions::new(rule, rules.overrides, fate, is_immutable);
                    if is_immutable && fate == Fate::Changed {
                        self.broken_promises.push((Arc::clone(&rule.name), path.clone()));
                    }
                    let mut missing = Vec::new();
                    let greedy_warning = rule.greedy_warning(&found);
                    if actions.refresh || actions.prefetch {
                        let file = file.get_or_insert_with(|| Arc::new(path.clone()));
                        if entry == EntryKind::Submodule && may_match_below(rule) {
                            let urls = rule.urls_of_folder(&TemplateContext::new(path, found, None));
                            missing = self.add_tasks(rule, file, actions, urls, &[]);
                        } else {
                            missing = self.add_versions(rule, file, actions, version, found, rules.fronts);
                        }
                        covered.extend(rule.covers_folders().then_some(place));
                    }
                    if self.tasks.len() == before && !rule.is_warning_only() {
                        reasons.push(actions.no_task(rule, &missing));
                    }
                    if let Some(greedy) = greedy_warning.filter(|_| rules.greedy.borrow_mut().insert(place)) {
                        self.warnings.push(format!("`{path}`: rule `{}`: {}", rule.name, greedy.join(": ")));
                    }
                    let warning = |missing| format!("`{path}`: rule `{}`: {missing}", rule.name);
                    self.warnings.extend(missing.into_iter().map(warning));
                    if let Some(warning) = &rule.warning {
                        self.warnings.push(format!("`{path}`: {warning}"));
                        reasons.push(format!("rule `{}` only warns", rule.name));
                        self.warned_by = self.warned_by.take().or_else(|| Some(Arc::clone(&rule.name)));
                    }
                }
                Verdict::Excluded { by } => reasons.push(format!("excluded by `!{by}` of rule `{}`", rule.name)),
                Verdict::Unmatched => {}
            }
        }
        if entry == EntryKind::Submodule {
            let lost = rules.rules.iter().enumerate().find(|(place, rule)| {
                let actions = RuleActions::new(rule, rules.overrides, fate, rule.immutable && rules.keeps_promises);
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

    /// Adds the tasks of a rule for a path, in each version of its front matter; gives what is missing in one.
    fn add_versions(
        &mut self,
        rule: &Rule,
        file: &Arc<RepoPath>,
        actions: RuleActions,
        version: &Version<'_>,
        found: Match<'_, '_>,
        fronts: &FrontMatters,
    ) -> Vec<String> {
        if !rule.needs_front_matter() {
            let urls = rule.urls_of(&TemplateContext::new(file, found, None));
            return self.add_tasks(rule, file, actions, urls, &[]);
        }
        let mut missing = Vec::new();
        let mut current = Vec::new();
        for (place, side) in version.sides.iter().enumerate() {
            let front = match fronts.get(&(*side, version.path.clone())) {
                Some(Ok(front)) => Some(front),
                Some(Err(problem)) => {
                    let when = if *side == Side::Base { " before the change" } else { "" };
                    missing.push(format!("its front matter{when} can't be read: {problem}"));
                    None
                }
                None => None,
            };
            let context = TemplateContext::new(file, found, front);
            // The URLs of the version before: where they are others, nothing is there any more.
            let actions = if place > 0 { RuleActions { prefetch: false, gone: true, ..actions } } else { actions };
            let before = self.tasks.len();
            let of_version = self.add_tasks(rule, file, actions, rule.urls_of(&context), &current);
            if place == 0 {
                current = self.tasks[before..].iter().map(|task| task.subject.clone()).collect();
                missing.extend(of_version);
            }
        }
        missing
    }

    /// Adds the tasks of a rule for a file, without those of some subjects; gives the reasons for which templates gave no URL.
    fn add_tasks(
        &mut self,
        rule: &Rule,
        file: &Arc<RepoPath>,
        actions: RuleActions,
        RuleUrls { urls, missing }: RuleUrls,
        without: &[Subject],
    ) -> Vec<String> {
        for rule_url in urls {
            let subject = match rule_url.kind {
                RefreshKind::Tag => Subject::of(rule_url.kind, &rule_url.url),
                _ => Subject::url(rule_url.url),
            };
            if without.contains(&subject) {
                continue;
            }
            let refresh = (Operation::Refresh(rule_url.kind), rule.mode);
            let prefetch = (Operation::Prefetch, PurgeMode::Default);
            let wanted = [(actions.refresh, refresh), (actions.prefetch && rule_url.is_fetched, prefetch)];
            let wanted = wanted.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, operation)| operation);
            let wanted =
                rule.targets.iter().flat_map(|target| wanted.clone().map(move |operation| (target, operation)));
            // The last of the tasks takes the text, and the others have copies.
            let subjects = std::iter::repeat_n(subject, wanted.clone().count());
            for (subject, (target, (operation, mode))) in subjects.zip(wanted) {
                let because = vec![Reason { rule: Arc::clone(&rule.name), file: Some(Arc::clone(file)) }];
                self.tasks.push(Task { target: Arc::clone(target), operation, mode, subject, because });
            }
        }
        missing
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
    immutable: bool,
}

impl RuleActions {
    fn new(rule: &Rule, overrides: Overrides, fate: Fate, immutable: bool) -> Self {
        let gone = fate == Fate::Gone;
        Self {
            refresh: overrides.refresh.unwrap_or(rule.refresh) && !immutable,
            prefetch: overrides.prefetch.unwrap_or(rule.prefetch) && !gone,
            gone,
            immutable,
        }
    }

    /// The reason for which a matching rule gave no task, in case no other gave one.
    fn no_task(self, rule: &Rule, missing: &[String]) -> String {
        let name = &rule.name;
        match self {
            _ if !missing.is_empty() => format!("rule `{name}` matches it, and {}", missing.join(", and ")),
            Self { refresh: true, .. } => format!("rule `{name}` matches it and names no URL"),
            Self { prefetch: true, .. } => {
                format!("rule `{name}` matches it and only prefetches, and has no page to fetch")
            }
            Self { immutable: true, .. } => format!("rule `{name}` matches it, and what it matches is immutable"),
            Self { gone: true, .. } => {
                format!("rule `{name}` matches it and doesn't refresh; a deleted file is never prefetched")
            }
            _ => format!("rule `{name}` matches it and neither refreshes nor prefetches"),
        }
    }
}
