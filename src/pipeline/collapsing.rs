//! Directories in place of URLs: which files are served, what is left of the quota, and what becomes of the plan.

use super::built::BuiltSite;
use super::connect::Connections;
use super::git_http::FetchTransport;
use super::job::Job;
use super::{following, unless_interrupted};
use crate::ci::Console;
use crate::config::{Changes, Collapse, LogLevel, Mode};
use crate::error::Error;
use crate::exec::interrupt::Interrupt;
use crate::exec::journal::{Entry, Journal, Past};
use crate::exec::{self, AccountQuotas, Options};
use crate::git::{self, Range};
use crate::mapping::Rule;
use crate::model::{Change, EntryKind, Event, EventKind, LaneIndex, Operation, Quota, RefreshKind, RepoPath, Task};
use crate::plan::{Collapsed, CollapsedDirectory, Plan, UrlTree, limits};
use crate::report::Report;
use crate::text::format::{counted, grouped};

/// So many directories are in a record of the journal, whose lines have a greatest length.
const IN_A_RECORD: usize = 100;

/// What the files are of: two commits, or a built directory.
type About<'a> = (Option<&'a Range>, Option<&'a BuiltSite>);

impl Job<'_> {
    /// The directories of the plan's URLs, with all files that are served; `None` if no directory can take the place of any, or if the
    /// files aren't known.
    ///
    /// # Errors
    /// The files of the commit can't be read.
    async fn url_tree(
        &self,
        plan: &Plan,
        (range, built): About<'_>,
        console: &mut Console,
    ) -> Result<Option<UrlTree>, Error> {
        let rules = &self.settings.rules;
        let Some(mut tree) = UrlTree::new(plan, rules) else { return Ok(None) };
        let files: Vec<RepoPath> = match (built, range) {
            (Some(built), _) => built.paths().collect(),
            (None, Some(range)) => {
                let files = self.committed_files(&range.head, console).await?;
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
    async fn committed_files(&self, head: &str, console: &mut Console) -> Result<Vec<Change>, Error> {
        let settings = self.settings;
        let transport = FetchTransport::new(console, settings, self.network, self.started);
        let all = Changes::All { head: Some(head.to_owned()) };
        let following = following(settings);
        Ok(git::search(&settings.repository, &all, &following, self.environment, &transport.fetching()).await?.files)
    }

    /// Puts directories in place of URLs where the settings ask for it, by what is left of each account's quota. Gives them, and
    /// sentences about them; with `never` only what would be saved where the URLs don't fit.
    fn collapse(&self, plan: &mut Plan, tree: &UrlTree, accounts: &[(Vec<usize>, Quota)]) -> (Vec<Entry>, Vec<String>) {
        let settings = self.settings;
        let (mut records, mut notes) = (Vec::new(), Vec::new());
        for (lanes, quota) in accounts {
            let always = settings.collapse == Collapse::Always;
            let found = tree.collapse(plan, (lanes, quota), settings.over_refresh, settings.max_urls, always);
            let Some(found) = found else { continue };
            let rest = if found.fits { "" } else { "; what is left still doesn't fit" };
            if settings.collapse == Collapse::Never {
                notes.push(format!("with `collapse: auto`, {}{rest}", sentence(&found, "would take", "would take")));
                continue;
            }
            notes.push(format!("{}{rest}", sentence(&found, "takes", "take")));
            records.extend(recorded(&found));
            notes.extend(found.largest.iter().map(detail));
            plan.take(found, settings.batch_size);
        }
        (records, notes)
    }

    /// The same before anything is known of the provider: by the standard quota in a plan, and only by the cap in a run that doesn't
    /// ask for directories. One that asks for them waits for the live quota.
    ///
    /// # Errors
    /// The files of the commit can't be read; or the plan is too large, and no directory may change that.
    pub(super) async fn collapse_planned(
        &self,
        plan: &mut Plan,
        about: About<'_>,
        console: &mut Console,
    ) -> Result<Vec<String>, Error> {
        let settings = self.settings;
        let (is_dry, asks) = (settings.mode == Mode::DryRun, settings.collapse != Collapse::Never);
        let mut notes = Vec::new();
        if asks && !is_dry {
            return Ok(notes);
        }
        let unknown = |(lanes, quota)| (lanes, if is_dry { quota } else { Quota::default() });
        let accounts: Vec<_> = plan.accounts().into_iter().map(unknown).collect();
        if !plan.is_empty()
            && (settings.collapse == Collapse::Always || self.is_too_large(plan, &accounts))
            && let Some(tree) = self.url_tree(plan, about, console).await?
        {
            notes = said(self.collapse(plan, &tree, &accounts).1, console);
        }
        limits::size(&plan.lanes, settings.max_urls)?;
        Ok(notes)
    }

    /// The same in a run that sends something: by the live quota, which it gives if it was read; or as the run decided that this one
    /// continues.
    ///
    /// # Errors
    /// The journal can't be written, or its run had directories that this one can't have; or the plan is too large.
    #[expect(clippy::too_many_arguments, reason = "each is a value of its own")]
    pub(super) async fn collapse_live(
        &self,
        plan: &mut Plan,
        about: About<'_>,
        all: &Connections,
        options: &Options,
        (journal, past): (&mut Journal, &mut Past),
        interrupt: &Interrupt,
        console: &mut Console,
    ) -> Result<(Vec<String>, Option<AccountQuotas>), Error> {
        let settings = self.settings;
        if past.begun.is_some() {
            if past.collapsed.is_empty() {
                return Ok((Vec::new(), None));
            }
            let tree = self.url_tree(plan, about, console).await?;
            let decided = tree.map(|tree| tree.again(&past.collapsed)).unwrap_or_default();
            if decided.directories.len() < past.collapsed.len() {
                return Err(journal.of_other_directories());
            }
            let notes = said(vec![sentence(&decided, "takes", "take")], console);
            plan.take(decided, settings.batch_size);
            return Ok((notes, None));
        }
        let (mut records, mut notes, mut quotas) = (Vec::new(), Vec::new(), None);
        if settings.collapse != Collapse::Never && UrlTree::new(plan, &settings.rules).is_some() {
            let mut note = |event: &Event| {
                if let EventKind::Noted { text } = &event.kind {
                    console.note(LogLevel::Normal, text);
                }
            };
            let read = exec::read_quotas(plan, &all.connections, options, interrupt.clone(), &mut note);
            quotas = unless_interrupted(interrupt, read).await;
            let known = |(lanes, standard): (Vec<usize>, Quota)| {
                let read = quotas.as_ref().and_then(|read| read.of(lanes[0])).filter(|quota| !quota.entries.is_empty());
                let quota = read.cloned().unwrap_or(standard);
                (lanes, quota)
            };
            let accounts: Vec<_> = plan.accounts().into_iter().map(known).collect();
            if (settings.collapse == Collapse::Always || self.is_too_large(plan, &accounts))
                && let Some(tree) = self.url_tree(plan, about, console).await?
            {
                let (found, sentences) = self.collapse(plan, &tree, &accounts);
                notes = said(sentences, console);
                records = found;
            }
        }
        limits::size(&plan.lanes, settings.max_urls)?;
        if !records.is_empty() {
            past.disown();
            journal.write_all(&records).map_err(|error| journal.unwritable(&error))?;
        }
        Ok((notes, quotas))
    }

    /// What directories would have saved in a run whose URLs didn't fit the quota.
    ///
    /// # Errors
    /// The files of the commit can't be read.
    pub(super) async fn suggest(
        &self,
        report: &mut Report<'_>,
        about: About<'_>,
        console: &mut Console,
    ) -> Result<(), Error> {
        let settings = self.settings;
        let url = Operation::Refresh(RefreshKind::Url);
        if settings.collapse != Collapse::Never
            || settings.mode == Mode::DryRun
            || !report.unfinished().any(|task| task.operation == url)
        {
            return Ok(());
        }
        let plan = report.plan();
        let known = |(lanes, _): (Vec<usize>, Quota)| Some((report.quota_before(lanes[0])?.clone(), lanes));
        let quotas: Vec<_> =
            plan.accounts().into_iter().filter_map(known).map(|(quota, lanes)| (lanes, quota)).collect();
        if !self.is_too_large(plan, &quotas) {
            return Ok(());
        }
        let Some(tree) = self.url_tree(plan, about, console).await? else { return Ok(()) };
        let found = quotas.iter().filter_map(|(lanes, quota)| {
            tree.collapse(plan, (lanes, quota), settings.over_refresh, settings.max_urls, false)
        });
        let notes: Vec<String> = found
            .map(|found| format!("with `collapse: auto`, {}", sentence(&found, "would take", "would take")))
            .collect();
        for note in notes {
            console.note(LogLevel::Normal, &note);
            report.add_note(note);
        }
        Ok(())
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
    let count = found.directories.len();
    let unchanged = match found.unchanged {
        0 => "no unchanged file is refreshed".to_owned(),
        1 => "1 unchanged file is refreshed too".to_owned(),
        several => format!("{} unchanged files are refreshed too", grouped(several)),
    };
    format!(
        "{} {} the place of {}: {} fewer, and {unchanged}",
        counted(count, "directory", "directories"),
        if count == 1 { one } else { several },
        counted(found.urls as usize, "URL", "URLs"),
        counted((found.urls as usize).saturating_sub(count), "refresh", "refreshes"),
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
