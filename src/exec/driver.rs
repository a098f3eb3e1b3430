//! Performs what a lane commands, and feeds it what happens: the only part that waits.
//!
//! Every request waits for its rate limit; one that changes something is in the journal before it leaves.

use std::cell::Cell;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use super::batch::{Resume, ResumedBatch, SentAt};
use super::durations::Durations;
use super::journal::{self, Entry, PastLane, SentTime};
use super::lane::{Command, Input, Lane, Preflight, Summary};
use super::quota;
use super::run::{Run, SILENCE};
use super::tracking::{PAGES, StatusQuery, has_more};
use super::watched::Watched;
use crate::client::connection::Connection;
use crate::model::{BatchNumber, EventKind, LaneIndex, Operation, TaskIndex};
use crate::plan;
use crate::provider::http::READ_TIMEOUT;
use crate::provider::{Api, ApiError, ApiErrorKind, Page, RecordFilter, RecordKind, Submission, latest_now};

/// How far the provider's clock may be from what we know of it, when its records are queried.
const SKEW: Duration = Duration::from_secs(3);
/// How much earlier than the time we know a record may have been created: `Date` has whole seconds.
const DATE_PRECISION: Duration = Duration::from_secs(2);

/// How long after the time we know, at most, a request can have been executed: a rate limit and a gateway may hold it, and the
/// answer that the time is known from may have been slow.
const ON_ITS_WAY: Duration = Duration::from_mins(5);
/// How much too early the provider's time may be that one answer taught: `Date` has whole seconds, cut, and the answer was on its
/// way for a while.
const DATE_LAG: Duration = READ_TIMEOUT.saturating_add(Duration::from_secs(1));

/// A request in flight.
type Job<'a> = Pin<Box<dyn Future<Output = Input> + 'a>>;

/// A lane and its way to the provider.
pub(super) struct Driver<'a> {
    index: LaneIndex,
    plan: &'a plan::Lane,
    connection: &'a Connection<'a>,
    run: &'a Run<'a>,
    lane: Lane<'a>,
    jobs: FuturesUnordered<Job<'a>>,
    wake: Instant,
    /// The operations that were stopped: a batch that waits for its turn doesn't leave any more.
    stopped: Rc<Watched<Vec<Operation>>>,
    /// Whether the provider's clock is in the journal.
    is_clock_noted: Rc<Cell<bool>>,
}

impl<'a> Driver<'a> {
    /// A driver of a lane in which nothing happened yet.
    pub(super) fn new(
        index: LaneIndex,
        plan: &'a plan::Lane,
        connection: &'a Connection<'a>,
        run: &'a Run<'a>,
    ) -> Self {
        let now = Instant::now();
        let lane = Lane::new(index, plan, run.options, now);
        Self {
            index,
            plan,
            connection,
            run,
            lane,
            jobs: FuturesUnordered::new(),
            wake: now,
            stopped: Rc::default(),
            is_clock_noted: Rc::default(),
        }
    }

    /// Runs the lane until every task has its outcome.
    pub(super) async fn run(mut self, preflight: Preflight) -> (Summary, Durations) {
        let mut known = None;
        let mut is_broken = false;
        let mut is_idle = true;
        let mut input = Input::Start(preflight);
        loop {
            self.step(input);
            if self.run.is_journal_broken() && !std::mem::replace(&mut is_broken, true) {
                self.step(Input::JournalBroken);
            }
            if self.lane.open() == 0 {
                break;
            }
            is_idle = false;
            self.run.report_waiting(self.index, self.lane.open());
            let wake = self.wake.min(self.run.silence_ends()).max(Instant::now() + Duration::from_millis(1));
            input = tokio::select! {
                biased;
                signal = self.run.interrupt.other_than(known) => {
                    known = Some(signal);
                    self.run.report_signal(signal);
                    Input::Signal(signal)
                }
                Some(input) = self.jobs.next(), if !self.jobs.is_empty() => input,
                () = sleep_until(wake) => Input::Tick,
            };
        }
        // Where an earlier run did everything, nothing is sent at all.
        if !is_idle && self.lane.may_read_quota() {
            let has_prefetches = self.plan.cost(Operation::Prefetch) > 0;
            quota::read_again(self.index, self.connection, has_prefetches, self.run).await;
            note_clock(self.run, self.connection, self.index, &self.is_clock_noted);
        }
        (self.lane.summary(), self.lane.durations())
    }

    fn step(&mut self, input: Input) {
        let now = Instant::now();
        note_clock(self.run, self.connection, self.index, &self.is_clock_noted);
        self.wake = now + SILENCE;
        // An answer ends up to thousands of tasks, whose records are written in one piece. What is submitted leaves later.
        let mut records = Vec::new();
        for command in self.lane.step(now, input) {
            match command {
                Command::Submit { batch, attempt } => self.jobs.push(self.submit(batch, attempt)),
                Command::AskStatus(query) => self.jobs.push(self.ask_status(query)),
                Command::AskRecords { batch, task, sent, has_range } => {
                    self.jobs.push(self.ask_records(batch, task, sent, has_range));
                }
                Command::CorrectClock(server) => self.connection.api.correct_clock(server),
                Command::Journal(entry) => records.push(entry),
                Command::Emit(event) => self.run.emit(event),
                Command::Wake(at) => self.wake = at,
            }
        }
        if !records.is_empty() {
            self.run.record(&records);
        }
        let stopped = self.lane.stopped();
        if *self.stopped.value() != stopped {
            self.stopped.set(stopped);
        }
    }

    fn submit(&self, batch: plan::Batch, attempt: u32) -> Job<'a> {
        let (lane, connection, run, plan) = (self.index, self.connection, self.run, self.plan);
        let spec = plan.target.provider;
        let limits = spec.operation(batch.operation).expect("a batch is only cut for what the provider offers");
        let limiter = run.limiter(connection, &limits.call);
        let (stopped, is_clock_noted) = (Rc::clone(&self.stopped), Rc::clone(&self.is_clock_noted));
        Box::pin(async move {
            let (number, operation) = (batch.number, batch.operation);
            let is_stopped = |all: &Vec<Operation>| all.contains(&operation).then_some(());
            let ready = async {
                if !spec.is_warmed(batch.operation) {
                    connection.ensure_valid(&|text| run.note(text)).await?;
                }
                limiter.reserve(batch.tasks.len()).await;
                Ok(())
            };
            let ready = tokio::select! {
                biased;
                _ = run.interrupt.other_than(None) => return Input::NotSent { batch: number, error: None },
                () = stopped.wait_for(is_stopped) => return Input::NotSent { batch: number, error: None },
                ready = ready => ready,
            };
            if let Err(error) = ready {
                return Input::NotSent { batch: number, error: Some(error) };
            }
            let (mode, size) = (batch.mode, batch.tasks.len());
            let tasks = journal::ranges(&batch.tasks);
            // Before the first time on that clock: without the one, the next run takes the other for its own clock's.
            note_clock(run, connection, lane, &is_clock_noted);
            let (at, is_provider_time) = (connection.api.server_now(), connection.api.server_time().is_some());
            let entry = Entry::Sent { lane, batch: number, operation, mode, attempt, tasks, at, is_provider_time };
            if !run.record_leaving(entry).await {
                return Input::NotSent { batch: number, error: None };
            }
            run.emit(EventKind::BatchStarted { lane, batch: number, operation, tasks: batch.tasks.clone(), attempt });
            let subjects: Vec<_> = batch.tasks.iter().map(|&task| &plan.tasks[task as usize].task.subject).collect();
            let is_leaving = tokio::select! {
                biased;
                _ = run.interrupt.other_than(None) => false,
                () = stopped.wait_for(is_stopped) => false,
                () = limiter.depart(size) => true,
            };
            // Signed by the provider's clock, it may be executed at a time that is far from the one in its record.
            if let Some(clock) = clock(connection, lane).filter(|_| is_leaving && !is_provider_time) {
                run.record_synced(&[clock]);
            }
            if !is_leaving || run.is_journal_broken() {
                run.record(&[Entry::NotTaken { lane, batch: number, why: "it never left".into() }]);
                return Input::NotSent { batch: number, error: None };
            }
            let sent = Instant::now();
            run.count_calls(1);
            let reference = run.reference(lane, &batch);
            let submission = Submission { operation, mode, subjects: &subjects, reference: &reference };
            let result = limiter.on_response(connection.submit(submission).await);
            Input::Submitted { batch: number, sent, result }
        })
    }

    fn ask_status(&self, query: StatusQuery) -> Job<'a> {
        let (connection, run, spec) = (self.connection, self.run, self.plan.target.provider);
        Box::pin(async move {
            let provider = &connection.provider;
            let call = query.call(spec);
            let kind = query.are_prefetches.then_some(RecordKind::Prefetch);
            let (ids, number, api) = (&query.task_ids, query.page, &*connection.api);
            let filter = RecordFilter { task_id: ids.first().cloned(), kind, ..RecordFilter::default() };
            let page = async || match (query.by_records, query.are_prefetches) {
                (true, _) => provider.records(&filter, number, api).await,
                (false, true) => provider.prefetch_status(ids, number, api).await,
                (false, false) => provider.status(ids, number, api).await,
            };
            let result = ask(run, connection, call, page).await;
            Input::Status { query, result }
        })
    }

    fn ask_records(&self, batch: BatchNumber, task: TaskIndex, sent: SentAt, has_range: bool) -> Job<'a> {
        let (connection, run, plan) = (self.connection, self.run, self.plan);
        Box::pin(async move {
            let asked = &plan.tasks[task as usize].task;
            let is_prefetch = asked.operation == Operation::Prefetch && plan.target.provider.tracks_prefetches_apart();
            let result = records(run, connection, asked.subject.to_string(), is_prefetch, sent, has_range).await;
            Input::Records { batch, task, accepted: accepted(connection, sent), result }
        })
    }
}

/// Writes down the provider's clock once it's known, for batches that left before, and for the next run, which has to know how long
/// ago they left: its clock may be another.
fn note_clock(run: &Run<'_>, connection: &Connection<'_>, lane: LaneIndex, is_noted: &Cell<bool>) {
    if !is_noted.get()
        && let Some(clock) = clock(connection, lane)
    {
        is_noted.set(true);
        run.record(&[clock]);
    }
}

/// The provider's clock, once it's known.
fn clock(connection: &Connection<'_>, lane: LaneIndex) -> Option<Entry> {
    let api = &*connection.api;
    let ahead = api.server_time()?.duration_since(api.machine_time()).as_millis();
    Some(Entry::Clock { lane, ahead: i64::try_from(ahead).unwrap_or_default() })
}

/// All records of a URL since a batch left. One page, unless the provider doesn't care for the URL: then what isn't on it may
/// be on the next.
async fn records(
    run: &Run<'_>,
    connection: &Connection<'_>,
    url: String,
    is_prefetch: bool,
    sent: SentAt,
    has_range: bool,
) -> Result<Page, ApiError> {
    let api = &*connection.api;
    let spec = connection.provider.spec();
    let list = spec.tracking_of(is_prefetch).and_then(|tracking| tracking.records.as_ref());
    let call = list.map(|records| &records.call);
    let since = accepted(connection, sent).start().checked_sub(SKEW).ok().filter(|_| has_range);
    let until = has_range.then(|| latest_now(spec, api));
    let kind = is_prefetch.then_some(RecordKind::Prefetch);
    let filter = RecordFilter { url: Some(url), kind, since, until, ..RecordFilter::default() };
    let mut all = Page::default();
    for number in 1..=PAGES {
        let page = ask(run, connection, call, async || connection.provider.records(&filter, number, api).await).await?;
        let rows = page.rows.len();
        all.total = page.total;
        all.rows.extend(page.rows);
        let is_last = !call.is_some_and(|call| has_more(call, number, rows, all.rows.len(), page.total));
        if is_last && number < PAGES {
            return Ok(all);
        }
    }
    let api = call.map_or("", |call| call.api);
    Err(ApiError::new(ApiErrorKind::Server, api, "the list of records doesn't end"))
}

/// One query, in the rate of its call.
async fn ask<T>(
    run: &Run<'_>,
    connection: &Connection<'_>,
    call: Option<&crate::provider::CallSpec>,
    query: impl AsyncFnOnce() -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let spec = connection.provider.spec();
    let call = spec.offered(call, "records of tasks")?;
    run.ask(connection, call, query).await
}

/// When a batch that left then can have been accepted, on the provider's clock. As long as that clock isn't known, it may be off by
/// as much as a signature allows.
fn accepted(connection: &Connection, sent: SentAt) -> RangeInclusive<Timestamp> {
    let api = &*connection.api;
    let (at, is_providers) = match sent {
        SentAt::Moment(moment) => {
            let now = api.server_now();
            (now.checked_sub(moment.elapsed()).unwrap_or(now), api.server_time().is_some())
        }
        SentAt::Earlier { at, is_providers, .. } => (at, is_providers),
    };
    let margin = if is_providers { DATE_PRECISION } else { connection.provider.spec().signature_validity };
    let whole_seconds = Timestamp::from_second(at.as_second()).unwrap_or(at);
    let earliest = whole_seconds.checked_sub(margin).unwrap_or(whole_seconds);
    earliest..=at.checked_add(margin + ON_ITS_WAY).unwrap_or(Timestamp::MAX)
}

/// What an earlier run left for a lane, by the provider's clock as far as it's known.
pub(super) fn resume(past: &PastLane, api: &dyn Api) -> Resume {
    // By two clocks of which nothing is known no time has certainly passed.
    let age = |sent: SentTime| match api.server_time().filter(|_| sent.is_providers) {
        Some(now) => Duration::try_from(now.duration_since(sent.at)).unwrap_or_default().saturating_sub(DATE_LAG),
        None => Duration::ZERO,
    };
    let done =
        past.done.iter().map(|(&task, id)| (task, id.clone(), past.done_after.get(&task).map(|&sent| age(sent))));
    let open = past.open.iter().map(|(&number, open)| ResumedBatch {
        content: plan::Batch {
            number,
            operation: open.operation,
            mode: open.mode,
            tasks: open.tasks.iter().copied().collect(),
        },
        attempts: open.attempt,
        sent: SentAt::Earlier { at: open.sent.at, is_providers: open.sent.is_providers, age: age(open.sent) },
        task_ids: open.task_ids.clone(),
    });
    let mut earlier = past.earlier.clone();
    earlier.add_all(&past.ended);
    Resume { done: done.collect(), open: open.collect(), last_batch: past.last_batch, earlier }
}
