//! Directories in place of URLs: which files are served, what is left of the quota, and what becomes of the plan.

use super::git_http::FetchTransport;
use super::job::Job;
use super::verification::Sources;
use super::{Ready, following};
use crate::ci::Console;
use crate::config::{Changes, Collapse, LogLevel, Mode};
use crate::error::Error;
use crate::exec;
use crate::exec::interrupt::Interrupt;
use crate::exec::journal::Entry;
use crate::git;
use crate::mapping::Rule;
use crate::model::{Change, EntryKind, Event, EventKind, LaneIndex, Operation, Quota, RefreshKind, RepoPath, Task};
use crate::plan::{Collapsed, CollapsedDirectory, Plan, UrlTree, limits};
use crate::report::Report;
use crate::text::format::{counted, grouped};

/// So many directories are in a record of the journal, whose lines have a greatest length.
const IN_A_RECORD: usize = 100;

impl Job<'_> {
    /// Adds all files that are served to the directories of the plan's URLs; `None` if the files aren't known.
    ///
    /// # Errors
    /// The files of the commit can't be read.
    async fn with_files(
        &self,
        mut tree: UrlTree,
        plan: &Plan,
        sources: Sources<'_>,
        console: &mut Console,
    ) -> Result<Option<UrlTree>, Error> {
        let rules = &self.settings.rules;
        let files: Vec<RepoPath> = match (sources.built, sources.range) {
            (Some(built), _) => built.paths().collect(),
            (None, Some(range)) => {
                // What isn't committed is in the plan already.
                let commit = range.base.as_ref().filter(|_| self.settings.worktree).unwrap_or(&range.head);
                let files = self.committed_files(commit, console).await?;
                if let Some(folder) = files.iter().find(|change| may_hold_files(change, rules)) {
                    let text =
                        format!("the files in `{}` aren't known, so no directory takes the place of URLs", folder.path);
                    console.note(LogLevel::Normal, &text);
                    return Ok(None);
                }
                files.into_iter().map(|change| change.path).collect()
            }
            (None, None) => {
                let text = "a list of changed files doesn't say which others are served, so no directory takes the place of URLs";
                console.note(LogLevel::Normal, text);
                return Ok(None);
            }
        };
        tree.add_files(files, plan, rules);
        Ok(Some(tree))
    }

    /// All files of a commit, also those of submodules and behind links.
    async fn committed_files(&self, commit: &str, console: &mut Console) -> Result<Vec<Change>, Error> {
        let settings = self.settings;
        let transport = FetchTransport::new(console, settings, self.network, self.started);
        let all = Changes::All { head: Some(commit.to_owned()) };
        let following = following(settings);
        Ok(git::search(&settings.repository, &all, &following, self.environment, &transport.fetching()).await?.files)
    }

    /// Puts directories in place of URLs, by what is left of each account's quota. Gives their records, and sentences about them.
    fn collapse(&self, plan: &mut Plan, tree: &UrlTree, accounts: &[(Vec<usize>, Quota)]) -> (Vec<Entry>, Vec<String>) {
        let settings = self.settings;
        let (mut records, mut notes) = (Vec::new(), Vec::new());
        for (lanes, quota) in accounts {
            let always = settings.collapse == Collapse::Always;
            let found = tree.collapse(plan, (lanes, quota), settings.over_refresh, settings.max_urls, always);
            let Some(found) = found else { continue };
            notes.push(sentence(&found, "takes", "take"));
            records.extend(recorded(&found));
            notes.extend(found.largest.iter().map(detail));
            plan.take(found, settings.batch_size);
        }
        (records, notes)
    }

    /// What directories would save with `collapse: auto` where the plan is too large, a sentence for each account. No run fails for
    /// want of it.
    async fn suggestions(
        &self,
        plan: &Plan,
        sources: Sources<'_>,
        accounts: &[(Vec<usize>, Quota)],
        console: &mut Console,
    ) -> Vec<String> {
        let settings = self.settings;
        if !self.is_too_large(plan, accounts) {
            return Vec::new();
        }
        let Some(tree) = UrlTree::new(plan, &settings.rules) else { return Vec::new() };
        let tree = match self.with_files(tree, plan, sources, console).await {
            Ok(Some(tree)) => tree,
            Ok(None) => return Vec::new(),
            Err(error) => return vec![format!("what `collapse: auto` would save isn't known: {error}")],
        };
        let found = accounts.iter().filter_map(|(lanes, quota)| {
            tree.collapse(plan, (lanes, quota), settings.over_refresh, settings.max_urls, false)
        });
        found.map(|found| format!("with `collapse: auto`, {}", sentence(&found, "would take", "would take"))).collect()
    }

    /// The same before anything is known of the provider: by the standard quota in a plan, and only by the cap in a run that doesn't
    /// ask for directories. One that asks for them waits for the live quota.
    ///
    /// # Errors
    /// The files of the commit can't be read; or the plan is too large, and no directory may change that.
    pub(super) async fn collapse_planned(
        &self,
        plan: &mut Plan,
        sources: Sources<'_>,
        console: &mut Console,
    ) -> Result<Vec<String>, Error> {
        let settings = self.settings;
        let (is_dry, asks) = (settings.mode == Mode::DryRun, settings.collapse != Collapse::Never);
        if asks && !is_dry {
            return Ok(Vec::new());
        }
        let unknown = |(lanes, quota)| (lanes, if is_dry { quota } else { Quota::default() });
        let accounts: Vec<_> = plan.accounts().into_iter().map(unknown).collect();
        let notes = match asks {
            true => {
                let tree = self.is_collapsing(plan, &accounts).then(|| UrlTree::new(plan, &settings.rules)).flatten();
                self.collapse_by(plan, tree, sources, &accounts, console).await?.1
            }
            false => said(self.suggestions(plan, sources, &accounts, console).await, console),
        };
        limits::size(&plan.lanes, settings.max_urls)?;
        Ok(notes)
    }

    /// Whether the settings ask for directories at these quotas.
    fn is_collapsing(&self, plan: &Plan, accounts: &[(Vec<usize>, Quota)]) -> bool {
        self.settings.collapse == Collapse::Always || self.is_too_large(plan, accounts)
    }

    /// Puts directories in place of URLs, if there are any that may be, and says so.
    ///
    /// # Errors
    /// The files of the commit can't be read.
    async fn collapse_by(
        &self,
        plan: &mut Plan,
        tree: Option<UrlTree>,
        sources: Sources<'_>,
        accounts: &[(Vec<usize>, Quota)],
        console: &mut Console,
    ) -> Result<(Vec<Entry>, Vec<String>), Error> {
        if let Some(tree) = tree
            && let Some(tree) = self.with_files(tree, plan, sources, console).await?
        {
            let (records, notes) = self.collapse(plan, &tree, accounts);
            return Ok((records, said(notes, console)));
        }
        Ok(Default::default())
    }

    /// The same in a run that sends something: by the live quota; or as the run decided that this one continues.
    ///
    /// # Errors
    /// The journal can't be written, or its run had directories that this one can't have; or the plan is too large.
    pub(super) async fn collapse_live(
        &self,
        plan: &mut Plan,
        sources: Sources<'_>,
        ready: &mut Ready,
        interrupt: &Interrupt,
        console: &mut Console,
    ) -> Result<Vec<String>, Error> {
        let settings = self.settings;
        let Ready { connections, quotas, options, journal, past, .. } = ready;
        let (mut records, mut notes) = (Vec::new(), Vec::new());
        if past.begun.is_some() && !past.collapsed.is_empty() {
            let tree = UrlTree::new(plan, &settings.rules);
            let decided = tree.map(|tree| tree.again(&past.collapsed)).unwrap_or_default();
            if decided.directories.len() < past.collapsed.len() {
                return Err(journal.of_other_directories());
            }
            notes = said(
                vec![format!("{}, as in the run that is continued", place_taken(&decided, "takes", "take"))],
                console,
            );
            plan.take(decided, settings.batch_size);
        } else if past.begun.is_none()
            && settings.collapse != Collapse::Never
            && let Some(tree) = UrlTree::new(plan, &settings.rules)
        {
            let mut note = |event: &Event| {
                if let EventKind::Noted { text } = &event.kind {
                    console.note(LogLevel::Normal, text);
                }
            };
            let read = exec::read_quotas(plan, &connections.connections, options, interrupt.clone(), &mut note).await;
            let known = |(lanes, standard): (Vec<usize>, Quota)| {
                let quota = read.of(lanes[0]).filter(|quota| !quota.entries.is_empty()).cloned().unwrap_or(standard);
                (lanes, quota)
            };
            let accounts: Vec<_> = plan.accounts().into_iter().map(known).collect();
            let tree = Some(tree).filter(|_| self.is_collapsing(plan, &accounts));
            (records, notes) = self.collapse_by(plan, tree, sources, &accounts, console).await?;
            *quotas = Some(read);
        }
        limits::size(&plan.lanes, settings.max_urls)?;
        if !records.is_empty() {
            past.disown();
            journal.write_all(&records).map_err(|error| journal.unwritable(&error))?;
        }
        Ok(notes)
    }

    /// What directories would have saved in a run whose URLs didn't fit the quota.
    pub(super) async fn suggest(&self, report: &mut Report<'_>, sources: Sources<'_>, console: &mut Console) {
        let settings = self.settings;
        let url = Operation::Refresh(RefreshKind::Url);
        if settings.collapse != Collapse::Never
            || settings.mode == Mode::DryRun
            || !report.unfinished().any(|task| task.operation == url)
        {
            return;
        }
        let plan = report.plan();
        let known = |(lanes, _): (Vec<usize>, Quota)| Some((report.quota_before(lanes[0])?.clone(), lanes));
        let quotas: Vec<_> =
            plan.accounts().into_iter().filter_map(known).map(|(quota, lanes)| (lanes, quota)).collect();
        let notes = self.suggestions(plan, sources, &quotas, console).await;
        said(notes, console).into_iter().for_each(|note| report.add_note(note));
    }

    /// Whether the plan is above the cap, or above what is left of an account's quota.
    fn is_too_large(&self, plan: &Plan, accounts: &[(Vec<usize>, Quota)]) -> bool {
        let url = Operation::Refresh(RefreshKind::Url);
        let is_above = |(lanes, quota): &(Vec<usize>, Quota)| {
            let cost: u64 = lanes.iter().map(|&lane| plan.lanes[lane].cost(url)).sum();
            quota.remaining(url).is_some_and(|most| cost > most)
        };
        limits::size(&plan.lanes, self.settings.max_urls).is_err() || accounts.iter().any(is_above)
    }
}

/// Says sentences, and gives them back.
fn said(notes: Vec<String>, console: &mut Console) -> Vec<String> {
    notes.iter().for_each(|note| console.note(LogLevel::Normal, note));
    notes
}

/// Whether a submodule or a folder behind a link may hold files of a rule.
fn may_hold_files(change: &Change, rules: &[Rule]) -> bool {
    let is_folder = matches!(change.entry, EntryKind::Submodule | EntryKind::Folder);
    let folder = [change.path.as_bytes(), b"/"].concat();
    is_folder && rules.iter().any(|rule| rule.complete && rule.files.may_match_below(&folder))
}

/// What directories save and touch: `2 directories take the place of 2,100 URLs: 2,098 refreshes fewer, and no unchanged file is
/// refreshed`. With the verb for one directory, and for several.
fn sentence(found: &Collapsed, one: &str, several: &str) -> String {
    let unchanged = match found.unchanged {
        0 => "no unchanged file is refreshed".to_owned(),
        1 => "1 unchanged file is refreshed too".to_owned(),
        several => format!("{} unchanged files are refreshed too", grouped(several)),
    };
    let saved = (found.urls as usize).saturating_sub(found.directories.len());
    format!(
        "{}: {} fewer, and {unchanged}{}",
        place_taken(found, one, several),
        counted(saved, "refresh", "refreshes"),
        if found.fits { "" } else { "; what is left still doesn't fit" },
    )
}

/// The first part of that: `2 directories take the place of 2,100 URLs`.
fn place_taken(found: &Collapsed, one: &str, several: &str) -> String {
    let count = found.directories.len();
    format!(
        "{} {} the place of {}",
        counted(count, "directory", "directories"),
        if count == 1 { one } else { several },
        counted(found.urls as usize, "URL", "URLs"),
    )
}

/// What a directory covers and touches.
fn detail(directory: &CollapsedDirectory) -> String {
    let CollapsedDirectory { url, urls, unchanged, named } = directory;
    let names: Vec<String> = named.iter().map(|file| format!("`{file}`")).collect();
    let touched = match unchanged - named.len() {
        _ if named.is_empty() => String::new(),
        0 => format!(", and {}: {}", counted(*unchanged, "unchanged file", "unchanged files"), names.join(", ")),
        more => {
            format!(", and {} unchanged files: {} and {} more", grouped(*unchanged), names.join(", "), grouped(more))
        }
    };
    format!("`{url}` covers {}{touched}", counted(*urls as usize, "URL", "URLs"))
}

/// The records of directories.
fn recorded(found: &Collapsed) -> Vec<Entry> {
    let record = |directories: &[(usize, Task)]| Entry::Collapsed {
        lane: directories[0].0 as LaneIndex,
        mode: directories[0].1.mode,
        directories: directories.iter().map(|(_, task)| task.subject.value.clone()).collect(),
    };
    let alike = found.directories.chunk_by(|(lane, one), (other, task)| lane == other && one.mode == task.mode);
    alike.flat_map(|alike| alike.chunks(IN_A_RECORD)).map(record).collect()
}
