//! `records`, `quota`, `traffic`, `bandwidth`, `logs`, `domains`, and `wait` for tasks by their ids: each target is queried
//! in turn, and a target that fails doesn't stop the others.

use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::rc::Rc;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::run;
use crate::ci::downloads::Downloads;
use crate::ci::{CiHost, Console, Look};
use crate::client::retry;
use crate::config::query_options::{self, OutputFormat, Query, QueryOptions};
use crate::config::{CommandKind, Flags, LogLevel, Target};
use crate::credentials::exchange::PendingMasks;
use crate::environment::Environment;
use crate::error::{Error, ExitCode};
use crate::pipeline::{Job, connect};
use crate::provider::clock::Clock;
use crate::provider::http::{HttpApi, Network};
use crate::provider::{ApiError, ApiErrorKind, LogFile, Measure, Record, TaskState};
use crate::query::{
    Metrics, MetricsQuery, QueryClient, domains, interval_text, logs, metrics, quota, record_key, records, wait,
};
use crate::report::plot::{Series, plot};
use crate::report::query_columns;
use crate::report::table::{Format, TableWriter, Value, scaled};
use crate::text::format::counted;

/// How many log files are downloaded at the same time.
const DOWNLOADS: usize = 4;
/// How many times a download is tried.
const TRIES: u32 = 4;
/// How often in a row a provider may refuse the credentials before its other targets are skipped. A vendor that locks a key does so
/// after five times, and somebody may begin once more.
const REFUSALS: usize = 2;

/// The surroundings of a query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage<'a> {
    /// The process's environment variables.
    pub(super) environment: &'a Environment,
    /// Whether standard error is a terminal.
    pub(super) is_terminal: bool,
    /// How wide standard output is; `None` if it is no terminal.
    pub(super) out_columns: Option<usize>,
    /// The wall clock at the start.
    pub(super) now: Timestamp,
}

/// Runs a query and prints its results.
///
/// # Errors
/// [`Error::Inputs`]: the options can't be used. A target's error is printed and becomes the exit code.
pub(super) fn run(
    command: CommandKind,
    flags: &Flags,
    stage: Stage<'_>,
    console: &mut Console,
) -> Result<ExitCode, Error> {
    let options = query_options::read(command, flags, stage.environment, stage.now)?;
    run::prepare(&options.settings, stage.environment, console, stage.is_terminal);
    if matches!(options.shown, OutputFormat::Json | OutputFormat::Csv)
        && matches!(console.host(), CiHost::GitHub { .. })
    {
        // Log and results share a stream there, and a program reads this one.
        console.set_look(Look { level: LogLevel::Quiet, ..console.look() });
    }
    run::block_on(false, async {
        let answer = Answer::new(&options, stage, console);
        let mut code = ExitCode::Success;
        for target in &options.settings.targets {
            if let Some(why) = answer.refusals.forbid(target) {
                answer.note(&why);
                continue;
            }
            code = code.worst(answer.query(target).await.unwrap_or_else(|error| {
                answer.console().error(&error);
                error.exit_code()
            }));
        }
        answer.end(code == ExitCode::Success);
        code
    })
}

/// How often in a row each provider refused the credentials: some lock a key that is refused too often.
#[derive(Default)]
pub(super) struct Refusals(RefCell<BTreeMap<&'static str, Rc<std::cell::Cell<usize>>>>);

impl Refusals {
    /// The reason for which a target isn't queried any more, if there is one.
    pub(super) fn forbid(&self, target: &Target) -> Option<String> {
        let (name, provider) = (&target.name, target.provider.name);
        let is_refused = self.of(target).get() >= REFUSALS;
        is_refused.then(|| format!("{name}: skipped, since `{provider}` refused the credentials {REFUSALS} times"))
    }

    /// The counter of a target's provider.
    pub(super) fn of(&self, target: &Target) -> Rc<std::cell::Cell<usize>> {
        Rc::clone(self.0.borrow_mut().entry(target.provider.name).or_default())
    }
}

/// The results of a query while they are printed.
struct Answer<'a> {
    options: &'a QueryOptions,
    stage: Stage<'a>,
    network: Network,
    /// Secrets to hide before the console prints anything more.
    masks: PendingMasks,
    refusals: Refusals,
    console: RefCell<&'a mut Console>,
    table: RefCell<TableWriter>,
}

impl<'a> Answer<'a> {
    fn new(options: &'a QueryOptions, stage: Stage<'a>, console: &'a mut Console) -> Self {
        let (name, columns) = match &options.question {
            Query::Records(..) | Query::Tasks(_) => ("records", query_columns::RECORDS),
            Query::Quota => ("quota", query_columns::QUOTA),
            Query::Measure { measure, .. } => (measure.name(), query_columns::measured(*measure)),
            Query::Logs { show_signed_urls: true, .. } => ("logs", query_columns::LOGS_WITH_LINKS),
            Query::Logs { .. } => ("logs", query_columns::LOGS),
            Query::Domains => ("domains", query_columns::DOMAINS),
        };
        let format = match options.shown {
            OutputFormat::Json => Format::Json,
            OutputFormat::Csv => Format::Csv,
            OutputFormat::Auto | OutputFormat::Table | OutputFormat::Plot => Format::Table { width: stage.out_columns },
        };
        let table = RefCell::new(TableWriter::new(name, columns, format));
        let network = Network::new(stage.environment);
        let (masks, refusals) = (PendingMasks::default(), Refusals::default());
        Self { options, stage, network, masks, refusals, console: RefCell::new(console), table }
    }

    /// The console, with every secret so far masked.
    fn console(&self) -> RefMut<'_, &'a mut Console> {
        let mut console = self.console.borrow_mut();
        connect::mask(&self.masks, &mut console);
        console
    }

    fn note(&self, text: &str) {
        self.console().note(LogLevel::Normal, text);
    }

    fn row(&self, cells: Vec<Value>) {
        let (head, line) = {
            let mut table = self.table.borrow_mut();
            let head = if table.count() == 0 { table.head() } else { None };
            (head, table.row(cells))
        };
        for line in [head, line].into_iter().flatten() {
            self.console().result(&line);
        }
    }

    /// Prints the end. A document without rows is printed too, unless a target failed.
    fn end(self, is_good: bool) {
        connect::mask(&self.masks, &mut self.console.borrow_mut());
        let table = self.table.into_inner();
        let console = self.console.into_inner();
        let is_empty = table.count() == 0;
        let is_plotted = matches!(self.options.question, Query::Measure { .. })
            && matches!(
                (self.options.shown, self.stage.out_columns),
                (OutputFormat::Plot, _) | (OutputFormat::Auto, Some(_))
            );
        if is_plotted || (is_empty && !is_good) {
            return;
        }
        if let Some(head) = table.head().filter(|_| is_empty) {
            console.result(&head);
        }
        if is_empty && matches!(self.options.shown, OutputFormat::Auto | OutputFormat::Table) {
            console.note(LogLevel::Normal, "nothing was found");
            return;
        }
        console.result(&table.end());
    }

    /// Queries one target.
    async fn query(&self, target: &Target) -> Result<ExitCode, Error> {
        let job = Job {
            settings: &self.options.settings,
            environment: self.stage.environment,
            network: &self.network,
            started: self.stage.now,
        };
        let (connection, notes) = connect::reach(&job, target, Vec::new(), &self.masks).await?;
        for (level, note) in &notes {
            self.console().note(*level, note);
        }
        let note = |text: &str| self.note(text);
        let client = QueryClient::new(&connection, job.seed(), &note).with_refusals(self.refusals.of(target));
        let name = &*target.name;
        match &self.options.question {
            Query::Records(filters, most) => {
                // The provider may treat two encodings of a URL as one.
                let mut shown = HashSet::new();
                for filter in filters {
                    let left = most.map(|most| most.saturating_sub(shown.len()));
                    let take = &mut |record: Record| {
                        if shown.insert(record_key(&record)) {
                            self.row(query_columns::record(name, record));
                        }
                    };
                    records(&client, filter, left, take).await?;
                }
            }
            Query::Quota => {
                for entry in quota(&client).await?.entries {
                    self.row(query_columns::quota(
                        name,
                        &entry,
                        target.provider.quota.as_ref().map_or("", |quota| quota.reset),
                    ));
                }
            }
            Query::Domains => {
                for domain in domains(&client).await? {
                    self.row(query_columns::domain(name, domain));
                }
            }
            Query::Measure { measure, domains, range: (since, until), interval } => {
                let (measure, interval) = (*measure, *interval);
                let query = MetricsQuery { measure, domains: domains.clone(), since: *since, until: *until, interval };
                self.metrics(name, &query, &metrics(&client, &query).await?);
            }
            Query::Logs { domains, range, download, show_signed_urls } => {
                let mut code = ExitCode::Success;
                for domain in domains {
                    let files = logs(&client, domain, *range).await?;
                    for file in &files {
                        self.row(query_columns::log(name, file, *show_signed_urls));
                    }
                    if let Some(folder) = download {
                        code = code.worst(self.download(&files, folder, job.seed()).await?);
                    }
                }
                return Ok(code);
            }
            Query::Tasks(ids) => return self.tasks(&client, name, ids).await,
        }
        Ok(ExitCode::Success)
    }

    /// Waits for tasks until they end.
    async fn tasks(&self, client: &QueryClient<'_>, target: &str, ids: &[String]) -> Result<ExitCode, Error> {
        let settings = &self.options.settings;
        let timeout = settings.refresh_timeout.max(settings.prefetch_timeout);
        let mut code = ExitCode::Success;
        for task in wait(client, ids, timeout).await? {
            if !task.has_ended() {
                code = code.worst(ExitCode::Unknown);
                let what = if task.rows.is_empty() { "isn't known to the provider" } else { "hasn't ended" };
                self.note(&format!("task {}: {what} after {} s", task.task_id, timeout.as_secs()));
            }
            for row in task.rows {
                if matches!(row.state, TaskState::Failed(_)) {
                    code = code.worst(ExitCode::Failed);
                }
                self.row(query_columns::record(target, row));
            }
        }
        Ok(code)
    }

    /// Prints the points of a metric: as a plot, or as rows with the total in the log.
    fn metrics(&self, target: &str, query: &MetricsQuery, metrics: &Metrics) {
        let measure = query.measure;
        let is_plot = match self.options.shown {
            OutputFormat::Plot => true,
            OutputFormat::Auto => self.stage.out_columns.is_some(),
            OutputFormat::Table | OutputFormat::Json | OutputFormat::Csv => false,
        };
        let mut series: BTreeMap<Option<&str>, Vec<(Timestamp, f64)>> = BTreeMap::new();
        for point in &metrics.points {
            series.entry(point.domain.as_deref()).or_default().push((point.at, point.value));
            if !is_plot {
                self.row(query_columns::point(target, measure, point));
            }
        }
        let unit = match measure {
            Measure::Traffic => "B",
            Measure::Bandwidth => "bit/s",
        };
        let together = match query.domains.len() {
            0 => "all domains".to_owned(),
            count => format!("{} together", counted(count, "domain", "domains")),
        };
        for (domain, values) in &series {
            let whose = domain.unwrap_or(&together);
            let head = format!("{target}: {} of {whose} by {}", measure.name(), interval_text(metrics.interval));
            let total = query_columns::total(measure, values);
            if is_plot {
                let range = (metrics.window.since, metrics.window.until);
                let series = Series { values, range, interval: metrics.interval };
                let columns = self.stage.out_columns.unwrap_or(80);
                let drawn = plot(series, columns, |value| scaled(value, unit));
                self.console().result(&format!("{head}\n{drawn}{total}\n"));
            } else if matches!(self.options.shown, OutputFormat::Auto | OutputFormat::Table) {
                self.note(&format!("{head}: {total}"));
            }
        }
        if series.is_empty() && is_plot {
            self.note(&format!("{target}: nothing was measured"));
        }
    }

    /// Downloads log files, a few at the same time, except those that exist already.
    async fn download(&self, files: &[LogFile], folder: &Path, seed: u64) -> Result<ExitCode, Error> {
        let api = self.network.open(&[], Clock::new(self.stage.now))?;
        let downloads = Downloads::new(folder);
        let is_there = |file: &&LogFile| downloads.has(&file.domain, &file.name, file.bytes);
        let missing: Vec<&LogFile> = files.iter().filter(|file| !is_there(file)).collect();
        let random = RefCell::new(fastrand::Rng::with_seed(seed));
        let fetched =
            stream::iter(&missing).map(|file| download(&api, &downloads, file, &random)).buffer_unordered(DOWNLOADS);
        let results: Vec<(&LogFile, Result<u64, ApiError>)> = fetched.collect().await;
        let bytes: u64 = results.iter().filter_map(|(_, result)| result.as_ref().ok()).sum();
        for (file, came) in results.iter().filter_map(|(file, result)| Some((file, *result.as_ref().ok()?))) {
            if file.bytes > 0 && came != file.bytes {
                let (name, listed) = (&file.name, file.bytes);
                self.note(&format!("`{name}`: {came} bytes came, twice, and the provider lists {listed}"));
            }
        }
        let failures: Vec<_> =
            results.iter().filter_map(|(file, result)| Some((&file.name, result.as_ref().err()?))).collect();
        for (name, error) in &failures {
            let message = format!("`{name}` wasn't fetched: {error}");
            let help = "run the command again: a signed URL expires after some time, and files that exist aren't fetched again";
            let error = Error::Provider { message, help: help.into(), exit_code: ExitCode::Failed };
            self.console().error(&error);
        }
        let (count, there) = (missing.len() - failures.len(), files.len() - missing.len());
        self.note(&format!(
            "{} fetched into `{}` ({}), {there} there already",
            counted(count, "file", "files"),
            folder.display(),
            scaled(bytes as f64, "B")
        ));
        Ok(if failures.is_empty() { ExitCode::Success } else { ExitCode::Failed })
    }
}

/// Downloads one log file, and retries while that may help. Returns its size too.
async fn download<'f>(
    api: &HttpApi,
    downloads: &Downloads,
    file: &'f LogFile,
    random: &RefCell<fastrand::Rng>,
) -> (&'f LogFile, Result<u64, ApiError>) {
    let mut expected = file.bytes;
    let next = |errors, error: &ApiError| {
        let may_help = retry::is_transient(error.kind) && errors < TRIES;
        may_help.then(|| retry::delay(errors, error, &mut random.borrow_mut()))
    };
    (file, retry::until(async || download_once(api, downloads, file, &mut expected).await, next).await)
}

/// Downloads one log file once. Its size is expected the next time: a size that comes twice is right, whatever the provider lists.
async fn download_once(
    api: &HttpApi,
    downloads: &Downloads,
    file: &LogFile,
    expected: &mut u64,
) -> Result<u64, ApiError> {
    let unwritable = |error: std::io::Error| {
        ApiError::new(ApiErrorKind::Denied, "download", format!("the file can't be written: {error}"))
    };
    let mut part = downloads.begin(&file.domain, &file.name).map_err(unwritable)?;
    let bytes = api.download(&file.url, &mut |piece| part.write(piece)).await?;
    if *expected > 0 && bytes != *expected {
        let message = format!("{bytes} bytes came, and the provider lists {}", file.bytes);
        *expected = bytes;
        return Err(ApiError::new(ApiErrorKind::Ambiguous, "download", message));
    }
    part.finish().map_err(unwritable)?;
    Ok(bytes)
}
