//! Read the inputs, find the changed files, map them to CDN URLs, plan batches, run them, and report.
//!
//! That sentence as code. The inputs are read before, since they decide what is run in which time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::change_list::{self, ChangeList};
use crate::ci::progress::Expected;
use crate::ci::{CiHost, Console, Progress, Severity, files};
use crate::config::url_list::{self, UrlList};
use crate::config::{
    Changes, DirectoryOptions, ListOptions, LogLevel, Mode, OnEmpty, Settings, Submodules, UrlOptions, Wait,
};
use crate::config::{list_file, popularity_file};
use crate::credentials::exchange::PendingMasks;
use crate::error::{Diagnostic, Error, ExitCode};
use crate::exec::durations::Durations;
use crate::exec::interrupt::Interrupt;
use crate::exec::journal::{Identity, Journal, Past, Purpose};
use crate::exec::{self, AccountQuotas, Execution, Options};
use crate::git::{self, Following, Range};
use crate::mapping::{self, FrontMatter, FrontMatters, Mapped, Overrides};
use crate::model::{Change, EntryKind, Event, EventKind, EventSink, Operation, RepoPath, Side, Signal, Skipped};
use crate::plan::popularity::{self, Ranked, Unusable};
use crate::plan::{self, Lane, Limits, Plan};
use crate::report::phrases::short_commit;
use crate::report::{self, Collector, Context, Report, Status};
use crate::text::format::{counted, grouped};

use self::built::BuiltSite;
use self::connect::Connections;
use self::git_http::FetchTransport;
pub use self::job::Job;
use self::own_thread::apart;
use self::verification::{ExpectedPages, Sources};

mod built;
mod collapsing;
pub mod connect;
pub(crate) mod git_http;
mod job;
pub mod lint;
mod note;
mod origin;
mod own_thread;
mod verification;

/// How many skipped files a dry run names on a terminal; the report has them all.
const SHOWN: usize = 20;

impl Job<'_> {
    /// The sentence, whole.
    ///
    /// # Errors
    /// Whatever keeps it from a report: the checkout, a plan that is refused, credentials, the journal.
    pub async fn run(&self, console: &mut Console, interrupt: Interrupt) -> Result<ExitCode, Error> {
        let result = self.perform(console, interrupt.clone()).await;
        if let Err(error) = &result {
            note::write(self, |_| report::markdown::error(error), interrupt, console).await;
        }
        result
    }

    async fn perform(&self, console: &mut Console, interrupt: Interrupt) -> Result<ExitCode, Error> {
        let settings = self.settings;
        if let (true, Some(config)) = (settings.mode.is_real(), &settings.config) {
            git::trusted(config, self.environment)?;
        }
        fold(console, "changes and plan");
        let Some(found) = unless_interrupted(&interrupt, self.find(console)).await else {
            return self.interrupted(console, interrupt.signal(), "the changes were looked for");
        };
        let Found { range, changes, changed_files, mapped, unresolved, mut built, warnings } = found?;
        for warning in settings.warnings.iter().chain(&warnings).filter(|_| !settings.resume) {
            console.diagnostic(warning, Severity::Warning);
        }
        warn(&mapped.warnings, console);
        let mut limits = Limits::of(settings);
        limits.roots_allowed.extend(built.iter().flat_map(|built| built.former_roots.iter().cloned()));
        let warned_by = mapped.warned_by.clone();
        let mut plan = plan::make(mapped, &settings.targets, &limits)?;
        if let Some(rule) = warned_by.filter(|_| plan.is_empty() && settings.on_empty != OnEmpty::Ok) {
            return Err(only_warned(&rule));
        }
        if let Some(error) = unresolved.filter(|_| plan.is_empty() || settings.submodules == Submodules::Require) {
            return Err(error);
        }
        if settings.resume && plan.is_empty() {
            return Err(no_journal("this plan has no URL, so no run can have left a journal of it".into()));
        }
        if plan.is_empty() {
            self.announce_empty(&plan, changed_files, console);
        }
        if let Some(sentence) = plan::limits::doubled(&plan) {
            console.announce(Severity::Warning, &sentence);
        }
        if let Some(sentence) = plan::limits::in_one_form_of_two(&plan) {
            console.note(LogLevel::Normal, &sentence);
        }
        let sources = Sources { changes: &changes, range: range.as_ref(), built: built.as_ref() };
        let noted = async {
            let mut notes: Vec<String> = self.rank_prefetches(&mut plan, console).await?.into_iter().collect();
            notes.extend(self.collapse_planned(&mut plan, sources, console).await?);
            Ok::<_, Error>(notes)
        };
        let Some(noted) = unless_interrupted(&interrupt, noted).await else {
            return self.interrupted(console, interrupt.signal(), "the plan was made");
        };
        let mut notes = noted?;
        // What was done for a build is stale after another one, also where both are of the same commit.
        let head = match &built {
            Some(built) => Some(built.build().to_owned()),
            None => range.as_ref().map(|range| range.head.clone()),
        };
        let mut context = Context {
            mode: settings.mode,
            verify: false,
            edges: Vec::new(),
            range: range.clone(),
            list: match &settings.changes {
                Changes::List(options) => Some(list_file::name(&options.file)),
                _ => None,
            },
            changed_files,
            built: built.as_ref().map(|built| built.origin.clone()),
            fail_on: settings.fail_on,
            on_empty: settings.on_empty,
            wait: settings.wait,
            started: self.started,
            commit_page: CiHost::commit_page(self.environment),
            config: settings.config.as_ref().map(|path| path.display().to_string()),
        };
        let (mut ready, mut verify) = (None, None);
        if settings.mode == Mode::Verify && !plan.is_empty() {
            let Some(found) =
                unless_interrupted(&interrupt, self.gate(&mut plan, sources, &Past::default(), console)).await
            else {
                return self.interrupted(console, interrupt.signal(), "the files to compare were read");
            };
            verify = found?;
        } else if !plan.is_empty() && settings.mode != Mode::DryRun {
            if settings.mode == Mode::Real {
                origin::check(self, &plan, context.range.as_ref().map(|range| range.head.as_str()))?;
            }
            fold(console, "refresh and prefetch");
            let masks = PendingMasks::default();
            let connections = unless_interrupted(&interrupt, connect::connect(self, &plan, head, &masks)).await;
            connect::mask(&masks, console);
            let Some(connections) = connections else {
                return self.interrupted(console, interrupt.signal(), "credentials were requested");
            };
            let connections = connections?;
            for (level, note) in &connections.notes {
                console.note(*level, note);
            }
            let (journal, past) = self.journal(console, &connections.identity)?;
            let options = self.options(&journal);
            let quotas = None;
            let mut to_send = Ready { connections, quotas, options, journal, past, masks };
            let noted = self.collapse_live(&mut plan, sources, &mut to_send, &interrupt, console);
            let Some(noted) = unless_interrupted(&interrupt, noted).await else {
                return self.interrupted(console, interrupt.signal(), "the quota was read");
            };
            notes.extend(noted?);
            let gate = self.gate(&mut plan, sources, &to_send.past, console);
            let Some(found) = unless_interrupted(&interrupt, gate).await else {
                return self.interrupted(console, interrupt.signal(), "the origin was waited for");
            };
            verify = found?;
            if let Some(built) = built.as_mut().filter(|_| settings.mode == Mode::Real) {
                built.begin()?;
            }
            ready = Some(to_send);
        }
        let mut journal = None;
        context.verify = verify.is_some();
        context.edges = verify.iter().flat_map(|verify| &verify.edges).filter_map(|edge| edge.name.clone()).collect();
        let mut collector = Collector::new(&plan, context);
        notes.into_iter().for_each(|note| collector.note(note));
        if let (Mode::Verify, Some(verify)) = (settings.mode, &verify) {
            exec::verify(&plan, verify, self.started, interrupt.clone(), &mut |event| collector.take(event)).await;
        } else if let Some(ready) = ready {
            let executed = self.execute(&plan, ready, verify.as_ref(), &mut collector, console, interrupt.clone());
            journal = executed.await;
        }
        console.end_group();
        let mut report = collector.finish();
        let sources = Sources { changes: &changes, range: range.as_ref(), built: built.as_ref() };
        // After a signal nobody waits for it.
        let noted = async {
            self.suggest(&mut report, sources, console).await;
            verification::note_newer_deployment(self, &mut report, sources.range, console).await;
        };
        let _ = unless_interrupted(&interrupt, noted).await;
        let kept = match built.as_mut().filter(|_| settings.mode == Mode::Real) {
            Some(built) => built.finish(self, &mut report),
            None => Ok(()),
        };
        let (mut code, is_published) = publish(&report, settings, console);
        if let Err(error) = &kept {
            console.error(error);
            code = code.worst(error.exit_code());
        }
        let is_published = is_published && kept.is_ok();
        note::write(self, |bytes| report::markdown::markdown(&report, bytes), interrupt, console).await;
        if let Some(journal) = &mut journal {
            // A log that couldn't be written turns the run red, too.
            let is_published = is_published && console.is_written() && journal.published().is_ok();
            let from = format!("from the journal `{}`", journal.path().display());
            let next = match report.status() {
                Status::Done if is_published => None,
                _ if code == ExitCode::Quota => {
                    Some(format!("the same command with `--resume` sends the rest {from}, when the quota is back"))
                }
                Status::Done => Some(format!("the same command publishes this result {from}, and sends nothing again")),
                Status::Stale if is_published => {
                    Some("the same command purges and verifies all URLs of this plan again".to_owned())
                }
                _ => Some(format!("{} continues {from}", self.continuation())),
            };
            next.iter().for_each(|text| console.note(LogLevel::Normal, text));
        }
        Ok(code)
    }

    /// Reads what the URLs of a real run should serve, where it verifies them or has an origin, and waits for that origin: with all
    /// of them, whereas a sample is verified. A run that resumes another one waits too: the first one may have held URLs back.
    ///
    /// # Errors
    /// Those of [`origin::wait`]; nothing was sent.
    async fn gate(
        &self,
        plan: &mut Plan,
        sources: Sources<'_>,
        past: &Past,
        console: &mut Console,
    ) -> Result<Option<exec::Verify>, Error> {
        let settings = self.settings;
        let is_gated = settings.mode == Mode::Real;
        let has_origin = is_gated && !settings.origins.is_empty();
        let expected = match settings.mode.is_real() && (settings.verify || has_origin) {
            true => {
                let most = if has_origin { usize::MAX } else { settings.verify_urls };
                Some(ExpectedPages::read(self, plan, sources, most, console).await)
            }
            false => None,
        };
        if has_origin || (is_gated && settings.wait_for.is_some()) {
            let head = sources.range.map(|range| range.head.as_str());
            origin::wait(self, plan, head, past, expected.as_ref(), console).await?;
        }
        let verified = expected.filter(|_| settings.verify);
        let unsent = if is_gated { origin::unsent(plan, past) } else { BTreeSet::new() };
        Ok(verified.map(|expected| expected.verify(self, plan, &unsent, console)))
    }

    /// Says what `on-empty` makes of a plan without URLs.
    fn announce_empty(&self, plan: &Plan, changed_files: usize, console: &mut Console) {
        let settings = self.settings;
        let is_selected =
            |skipped: &Skipped| settings.rules.iter().any(|rule| rule.files.matches(skipped.file.as_bytes()));
        let is_any_selected = plan.skipped.iter().any(is_selected);
        let severity = match settings.on_empty {
            OnEmpty::Fail => Severity::Error,
            OnEmpty::Warn if changed_files > 0 && !is_any_selected => Severity::Warning,
            OnEmpty::Warn | OnEmpty::Ok => return,
        };
        let text = match plan.skipped.first().filter(|_| !is_any_selected) {
            Some(first) => {
                let files = match changed_files {
                    1 => "the changed file".to_owned(),
                    several => format!("any of the {} changed files", grouped(several)),
                };
                format!(
                    "no rule selects {files}, so nothing is refreshed: `cdn-purge explain {}` shows why; if that is expected, set \
                     `on-empty: ok`",
                    first.file
                )
            }
            None if changed_files == 0 => "no file changed, so nothing is refreshed".to_owned(),
            None => "the changed files have no URL to refresh".to_owned(),
        };
        console.announce(severity, &text);
    }

    /// What continues the run that a journal is of.
    fn continuation(&self) -> &'static str {
        match self.settings.wait {
            Wait::All => "the same command within two hours, or `cdn-purge wait` with its options,",
            _ => "`cdn-purge wait` with the same options",
        }
    }

    /// Ends a run that a signal stopped before anything could be sent.
    fn interrupted(&self, console: &mut Console, signal: Option<Signal>, during: &str) -> Result<ExitCode, Error> {
        console.end_group();
        console.announce(Severity::Error, &format!("interrupted while {during}: nothing was sent"));
        console.host().write_outputs(&report::outputs::outputs_of_error(), console.redactor())?;
        Ok(if signal == Some(Signal::Terminate) { ExitCode::Terminated } else { ExitCode::Interrupted })
    }

    /// The changes of the source that the settings name, and their tasks; or the tasks of given URLs.
    async fn find(&self, console: &mut Console) -> Result<Found, Error> {
        let overrides = Overrides { refresh: self.settings.refresh, prefetch: self.settings.prefetch };
        match &self.settings.changes {
            Changes::Urls(listing) => self.find_urls(listing, overrides, console).await,
            Changes::Directory(options) => self.find_built(options, overrides, console).await,
            Changes::List(options) => self.find_listed(options, overrides, console).await,
            Changes::Git { .. } | Changes::Since { .. } | Changes::All { .. } => {
                self.find_committed(overrides, console).await
            }
        }
    }

    /// The tasks of given URLs.
    async fn find_urls(
        &self,
        listing: &UrlOptions,
        overrides: Overrides,
        console: &mut Console,
    ) -> Result<Found, Error> {
        let targets: Vec<_> = self.settings.targets.iter().map(|target| target.name.clone()).collect();
        let mut mapped = Mapped::default();
        for listed in given_urls(self.settings, listing).await? {
            let count = counted(listed.urls.len(), "URL", "URLs");
            console.note(LogLevel::Normal, &format!("{count} from {}", listed.place));
            let how = (listing.kind, listing.mode);
            let given = mapping::map_urls(&listed.urls, listed.rule, how, &targets, overrides);
            mapped.tasks.extend(given.tasks);
        }
        Ok(Found { mapped, ..Found::default() })
    }

    /// The files of a built directory that differ from its manifest.
    async fn find_built(
        &self,
        options: &DirectoryOptions,
        overrides: Overrides,
        console: &mut Console,
    ) -> Result<Found, Error> {
        refuse_front_matter(self.settings)?;
        let (built, mapped) = built::find(self, options, overrides, console).await?;
        let (range, changed_files) = (built.range.clone(), built.changed_files);
        let warnings = lint::built(self.settings, &built);
        Ok(Found { range, changed_files, mapped, built: Some(built), warnings, ..Found::default() })
    }

    /// The files that a deploy tool's list names.
    async fn find_listed(
        &self,
        options: &ListOptions,
        overrides: Overrides,
        console: &mut Console,
    ) -> Result<Found, Error> {
        refuse_front_matter(self.settings)?;
        let list = changes_of_list(self.settings, options, console).await?;
        let mapped = mapping::map(&list, &self.settings.rules, overrides);
        Ok(Found { changed_files: list.len(), mapped, ..Found::default() })
    }

    /// The files that differ between two commits, or all files of one.
    async fn find_committed(&self, overrides: Overrides, console: &mut Console) -> Result<Found, Error> {
        let settings = self.settings;
        let (mut changed, fronts) = {
            let Settings { repository, changes, .. } = settings;
            let transport = FetchTransport::new(console, settings, self.network, self.started);
            let fetching = transport.fetching();
            let changed = match changes {
                Changes::Git { base, .. } if settings.worktree => {
                    git::uncommitted(repository, base.as_deref(), self.environment)?
                }
                _ if settings.worktree => git::uncommitted(repository, None, self.environment)?,
                _ => git::search(repository, changes, &following(settings), self.environment, &fetching).await?,
            };
            let fronts = self.front_matters(&changed, &fetching).await?;
            (changed, fronts)
        };
        let range = &changed.range;
        let base = range.base.as_deref().map_or("nothing", short_commit);
        let head = short_commit(&range.head);
        let files = counted(changed.files.len(), "changed file", "changed files");
        // The plan says it.
        let level = if settings.mode == Mode::DryRun { LogLevel::Verbose } else { LogLevel::Normal };
        console.note(level, &format!("{files} between {base} and {head}: {}", range.reason));
        for warning in &changed.warnings {
            console.announce(Severity::Warning, warning);
        }
        for note in &changed.notes {
            console.note(LogLevel::Normal, note);
        }
        let changed_files = changed.files.len();
        let mut ignored = Vec::new();
        if settings.submodules == Submodules::Ignore {
            ignored = changed.files.extract_if(.., |change| change.entry == EntryKind::Submodule).collect();
        }
        let mut mapped = mapping::map_with(&changed.files, &settings.rules, overrides, &fronts);
        mapped.skipped.extend(ignored.into_iter().map(|Change { path, .. }| Skipped {
            file: path,
            why: "a submodule, and `submodules` is `ignore`".to_owned(),
        }));
        let mut unresolved = None;
        for (path, rule) in &mapped.unresolved {
            let Some(reason) = changed.unexpanded.iter().find(|unexpanded| unexpanded.path == *path) else { continue };
            let message = format!("{}; rule `{rule}` may have URLs for some of them", reason.message);
            if settings.submodules == Submodules::Follow {
                console.announce(Severity::Warning, &format!("{message}, which aren't refreshed: {}", reason.help));
            }
            unresolved.get_or_insert(Error::Checkout { message, help: reason.help.clone() });
        }
        let warnings = lint::committed(settings, &changed, self.environment);
        let (range, changes) = (Some(changed.range), changed.files);
        Ok(Found { range, changes, changed_files, mapped, unresolved, built: None, warnings })
    }

    /// The front matter that the rules need, of the changed files as they are, in the commit or in the working directory, and as they were.
    async fn front_matters(&self, changed: &git::Changed, fetching: &git::Fetching<'_>) -> Result<FrontMatters, Error> {
        let Settings { repository, rules, worktree, .. } = self.settings;
        let wanted = mapping::front_matter_files(&changed.files, rules);
        let is_here = |(side, _): &(Side, RepoPath)| *worktree && *side == Side::Head;
        let (here, committed): (Vec<_>, Vec<_>) = wanted.into_iter().partition(is_here);
        let most = mapping::MOST_FRONT_MATTER_BYTES;
        let before = git::contents(repository, &changed.range, &committed, most, self.environment, fetching).await?;
        let root = git::root(repository);
        let now = here.iter().map(|(_, path)| git::worktree_content(&root, path, most));
        let contents: Vec<_> = before.into_iter().chain(now).collect();
        let parsed = contents.into_iter().map(|content| content.and_then(|content| FrontMatter::parse(&content)));
        Ok(committed.into_iter().chain(here).zip(parsed).collect())
    }

    /// Ranks the prefetches by the source of their popularity, if there are any of both; gives a sentence about it.
    async fn rank_prefetches(&self, plan: &mut Plan, console: &mut Console) -> Result<Option<String>, Error> {
        let Some(file) = &self.settings.popularity else { return Ok(None) };
        if plan.lanes.iter().all(|lane| lane.cost(Operation::Prefetch) == 0) {
            return Ok(None);
        }
        let name = file.display();
        let index: Vec<String> = self.settings.rules.iter().flat_map(|rule| rule.index.clone()).collect();
        let (mut unranked, path) = (std::mem::take(plan), self.settings.repository.join(file));
        let (ranked_plan, ranked) = apart(move || {
            let opened = popularity_file::open(&path).map_err(Unusable::Unreadable);
            let ranked = opened.and_then(|mut source| popularity::rank(&mut unranked, &mut *source, &index));
            (unranked, ranked)
        })
        .await;
        *plan = ranked_plan;
        let help = "name a file with one URL or path a line, the hottest first, or an access log in the common or combined format; \
                    nothing was sent";
        match ranked {
            Ok(Ranked { known, all }) => {
                let all = counted(all, "prefetch", "prefetches");
                let text = format!("`{name}` knows {} of {all}: the most popular ones go out first", grouped(known));
                console.note(LogLevel::Normal, &text);
                Ok(Some(text))
            }
            Err(Unusable::Unreadable(error)) => {
                Err(Error::usage(format!("`popularity`: `{name}` can't be read: {error}"), help))
            }
            Err(Unusable::Foreign(line, what)) => {
                Err(Error::usage(format!("`popularity`: `{name}`, line {line}: {what}"), help))
            }
        }
    }

    /// How the plan is carried out.
    fn options(&self, journal: &Journal) -> Options {
        let settings = self.settings;
        Options {
            wait: settings.wait,
            short_quota: settings.short_quota,
            refresh_timeout: settings.refresh_timeout,
            prefetch_timeout: settings.prefetch_timeout,
            batch_size: settings.batch_size,
            warm_concurrency: settings.warm_concurrency,
            sequential: settings.sequential,
            durations: match self.durations_file(journal) {
                Some(file) => Durations::load(&file),
                None => Durations::unknown(settings.endpoints.iter().map(|(spec, _)| spec.name)),
            },
            seed: self.seed(),
            started: self.started,
        }
    }

    /// Where it is kept how long tasks take. What is measured at an endpoint of the user's own says nothing of the vendor's.
    fn durations_file(&self, journal: &Journal) -> Option<PathBuf> {
        let is_vendors = self.settings.mode == Mode::Real && self.settings.endpoints.is_empty();
        is_vendors.then(|| journal.path().with_file_name("cdn-purge-durations.json"))
    }

    /// Carries the plan out; gives the journal; a simulation has none.
    async fn execute(
        &self,
        plan: &Plan,
        ready: Ready,
        verify: Option<&exec::Verify>,
        collector: &mut Collector<'_>,
        console: &mut Console,
        interrupt: Interrupt,
    ) -> Option<Journal> {
        let settings = self.settings;
        let Ready { connections, quotas, options, journal, past, masks } = ready;
        let durations = self.durations_file(&journal);
        let expected: Vec<_> = plan.lanes.iter().map(|lane| expected(lane, &options)).collect();
        let mut progress = Progress::new(console, plan, &expected);
        let mut sink = |event: &Event| {
            // Before anything is said or written that could hold one.
            masks.take().iter().for_each(|secret| progress.mask(secret));
            collector.take(event);
            // In virtual time nobody waits, so nobody needs a sign that nothing is stuck.
            if settings.mode == Mode::Real || !matches!(event.kind, EventKind::Waiting { .. }) {
                progress.take(event);
            }
        };
        let (connections, options, past) = (&*connections.connections, &options, &past);
        let execution = Execution { plan, connections, quotas, options, past, verify };
        let executed = exec::execute(execution, journal, interrupt, &mut sink).await;
        if let Some(file) = durations {
            // Without it the next run polls less cleverly, that's all.
            let _ = executed.durations.save(&file);
        }
        Some(executed.journal).filter(|_| settings.mode == Mode::Real)
    }

    /// The journal that this run writes, and what an earlier run left in it.
    fn journal(&self, console: &mut Console, identity: &Identity) -> Result<(Journal, Past), Error> {
        if self.settings.mode != Mode::Real {
            return Ok((Journal::none(), Past::default()));
        }
        let path = self.state_file(console, identity);
        files::refuse_links(&path)?;
        let purpose = if self.settings.resume { Purpose::Finish } else { Purpose::Run(self.settings.wait) };
        if self.settings.resume && !path.exists() {
            return Err(no_journal(format!("there is no journal `{}` to continue from", path.display())));
        }
        console.note(LogLevel::Verbose, &format!("the journal is `{}`", path.display()));
        let (journal, past) = Journal::open(&path, identity, purpose, self.started)?;
        if self.settings.resume && past.lanes.is_empty() {
            return Err(no_journal(format!(
                "the journal `{}` has nothing to continue: its run is over with everything done, sent nothing, or is older than \
                 the provider's records",
                path.display()
            )));
        }
        Ok((journal, past))
    }
}

/// How long the tasks of a lane may take: as earlier runs measured, else as the vendor says.
fn expected(lane: &Lane, options: &Options) -> Expected {
    let provider = lane.target.provider;
    let usual = [0, 1].map(|class| match options.durations.of(provider.name, class) {
        Some(known) if known.is_unknown() => None,
        Some(known) => Some(known.last_of(1)),
        None => {
            let is_it = |operation: &Operation| usize::from(*operation == Operation::Prefetch) == class;
            let planned = lane.batches.iter().map(|batch| batch.operation).filter(is_it);
            planned.filter_map(|operation| provider.operation(operation)).map(|spec| spec.typical).max()
        }
    });
    Expected { timeouts: [options.refresh_timeout, options.prefetch_timeout], usual }
}

/// A run that is about to send: what it needs besides the plan.
struct Ready {
    connections: Connections,
    /// The quotas, if they were read to decide about directories.
    quotas: Option<AccountQuotas>,
    options: Options,
    journal: Journal,
    /// What an earlier run left in the journal.
    past: Past,
    /// Secrets that come up meanwhile.
    masks: PendingMasks,
}

/// The tasks of a run, and what they come from.
#[derive(Default)]
struct Found {
    /// The files that differ between the two commits.
    changes: Vec<Change>,
    /// Nothing where URLs were given; of a built directory the manifest's and this one, where both are known.
    range: Option<Range>,
    changed_files: usize,
    mapped: Mapped,
    /// The first submodule whose changed files aren't known and may have URLs: an error where nothing else is to be done.
    unresolved: Option<Error>,
    /// The built directory that the changes are of.
    built: Option<BuiltSite>,
    /// About rules that can't work.
    warnings: Vec<Diagnostic>,
}

/// Refuses rules that could give no URL: front matter is read from commits alone.
fn refuse_front_matter(settings: &Settings) -> Result<(), Error> {
    match settings.rules.iter().find(|rule| rule.needs_front_matter()) {
        None => Ok(()),
        Some(rule) => Err(Error::usage(
            format!(
                "rule `{}` takes values from the front matter of pages, which is read for files in git only",
                rule.name
            ),
            "write its URLs by the names of the files: `{tail}`; or leave `changes` out to go by the commits",
        )),
    }
}

/// Which changes are replaced by those that they lead to.
pub fn following(settings: &Settings) -> Following {
    Following {
        submodules: settings.submodules,
        symlinks: settings.symlinks,
        reach: settings.rules.iter().map(|rule| rule.files.clone()).collect(),
    }
}

/// The error of a run in which rules only warn: what they warn of is stale, and a step that does nothing must not be green.
fn only_warned(rule: &str) -> Error {
    Error::PlanRefused {
        message: format!(
            "nothing is refreshed: the rule `{rule}` only warns, and no other rule has a URL for the changed files"
        ),
        help: "do what its warning says, or set `on-empty: ok` if nothing is stale".into(),
        exit_code: ExitCode::Usage,
    }
}

/// Announces warnings about single files, the first of them in full.
fn warn(warnings: &[String], console: &mut Console) {
    for warning in warnings.iter().take(SHOWN) {
        console.announce(Severity::Warning, warning);
    }
    if warnings.len() > SHOWN {
        let more = counted(warnings.len() - SHOWN, "more warning", "more warnings");
        console
            .announce(Severity::Warning, &format!("and {more} about other files: `cdn-purge explain PATH` shows them"));
    }
}

/// The output of a future; nothing if a signal comes first.
async fn unless_interrupted<T>(interrupt: &Interrupt, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        _ = interrupt.other_than(None) => None,
        value = future => Some(value),
    }
}

/// The URLs that are given.
async fn given_urls(settings: &Settings, listing: &UrlOptions) -> Result<Vec<UrlList>, Error> {
    let (listing, targets, hosts) = (listing.clone(), settings.targets.clone(), settings.allow_hosts.clone());
    apart(move || url_list::read(&listing, &targets, hosts.as_deref())).await
}

/// Reads a deploy tool's list of changed files.
///
/// # Errors
/// It can't be read, or isn't such a list.
pub async fn read_list(settings: &Settings, options: &ListOptions) -> Result<ChangeList, Error> {
    let ListOptions { file, format, directory } = options;
    let name = list_file::name(file);
    let file = if file == Path::new("-") { file.clone() } else { settings.repository.join(file) };
    let bytes = apart(move || list_file::read(&file)).await?;
    let directory = directory.as_ref().map(|directory| RepoPath::new(directory.as_bytes()));
    change_list::parse(&bytes, *format, &name, directory.as_ref())
}

/// The changes that a deploy tool's list names.
async fn changes_of_list(
    settings: &Settings,
    options: &ListOptions,
    console: &mut Console,
) -> Result<Vec<Change>, Error> {
    let name = list_file::name(&options.file);
    let ChangeList { changes, unchanged } = read_list(settings, options).await?;
    let count = counted(changes.len(), "changed file", "changed files");
    let others = if unchanged > 0 { format!(" and {unchanged} unchanged") } else { String::new() };
    console.note(LogLevel::Normal, &format!("{count}{others} in the list `{name}`"));
    if changes.is_empty() && unchanged == 0 {
        let text = format!(
            "the list `{name}` is empty, so nothing is refreshed; if its tool failed, repeat the run with its list"
        );
        console.announce(Severity::Warning, &text);
    }
    Ok(changes)
}

fn no_journal(message: String) -> Error {
    let help =
        "name the journal of the earlier run with `journal`, and give the same commits, configuration and options";
    Error::Journal { message, help: help.into() }
}

/// Folds what follows, where the host can.
fn fold(console: &mut Console, title: &str) {
    if !matches!(console.host(), CiHost::Plain { .. }) {
        console.group(title);
    }
}

/// Everything a person or a program reads afterwards. What can't be written is said and turns the run red; the rest is
/// written all the same, the outputs last. Gives whether everything was written, too.
fn publish(report: &Report<'_>, settings: &Settings, console: &mut Console) -> (ExitCode, bool) {
    let is_ci = !matches!(console.host(), CiHost::Plain { .. });
    let text = match settings.mode {
        Mode::DryRun => report::terminal::plan(report, SHOWN),
        // What the log has said already isn't said again.
        Mode::Verify => report::terminal::summary(report),
        Mode::Simulate | Mode::Real if console.look().level > LogLevel::Quiet => report::terminal::result(report),
        Mode::Simulate | Mode::Real => report::terminal::summary(report),
    };
    let is_said = report.status() == Status::NothingToDo;
    let (verdict, rest) = text.split_once('\n').unwrap_or((&text, ""));
    if is_ci && !is_said && report.exit_code() != ExitCode::Success {
        // A red step says why at its top, where the host shows annotations.
        console.announce(Severity::Error, verdict);
        console.summary(rest);
    } else {
        console.summary(&text);
    }
    let file = settings.report_file.clone().or_else(|| console.host().report_file());
    let reported = file
        .as_deref()
        .map_or(Ok(()), |file| files::replace(file, console.redactor(), |writer| report::json::write(report, writer)));
    let file = file.filter(|_| reported.is_ok());
    let junit = console.host().junit_file().map_or(Ok(()), |file| {
        files::replace(&file, console.redactor(), |writer| report::junit::write(report, writer))
    });
    let page = write_page(report, settings, console);
    let base = keep_base(report, settings, console);
    let written = [reported, junit, page, base, summarize(report, console), hand_out(report, file.as_deref(), console)];
    let is_written = written.iter().all(Result::is_ok);
    let code = written.into_iter().filter_map(Result::err).fold(report.exit_code(), |code, error| {
        console.error(&error);
        code.worst(error.exit_code())
    });
    (code, is_written)
}

/// Writes the HTML report, if one is wanted: from the JSON report, whose secrets are redacted before anything is escaped.
fn write_page(report: &Report<'_>, settings: &Settings, console: &mut Console) -> Result<(), Error> {
    let Some(file) = &settings.report_html else { return Ok(()) };
    let redactor = console.redactor();
    files::replace(file, redactor, |page| {
        let mut json = redactor.writer(Vec::new());
        report::json::write(report, &mut json)?;
        report::html::write(&json.finish()?, page)
    })?;
    console.note(LogLevel::Verbose, &format!("the HTML report is `{}`", file.display()));
    Ok(())
}

/// Keeps the commit that is deployed now, for the run that begins where this one ended well.
fn keep_base(report: &Report<'_>, settings: &Settings, console: &Console) -> Result<(), Error> {
    let is_deployed = matches!(report.status(), Status::Done | Status::NothingToDo) && settings.mode == Mode::Real;
    match (&settings.save_base, report.head()) {
        (Some(file), Some(head)) if is_deployed => {
            files::replace(file, console.redactor(), |writer| writeln!(writer, "{head}"))
        }
        _ => Ok(()),
    }
}

fn summarize(report: &Report<'_>, console: &mut Console) -> Result<(), Error> {
    let Some(budget) = console.host().summary_budget()? else { return Ok(()) };
    let markdown = report::markdown::markdown(report, budget);
    if markdown.is_empty() {
        console.announce(Severity::Warning, "the job summary is full already; the report has everything");
    }
    console.host().write_summary(&markdown, console.redactor())
}

fn hand_out(report: &Report<'_>, file: Option<&Path>, console: &mut Console) -> Result<(), Error> {
    let (outputs, mut notes) = report::outputs::outputs(report, file);
    notes.extend(console.host().write_outputs(&outputs, console.redactor())?);
    for note in notes {
        console.announce(Severity::Warning, &note);
    }
    Ok(())
}
