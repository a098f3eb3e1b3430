//! One target's part of a run, as a state machine: [`Lane::step`] takes what happened and returns what to do.
//!
//! Nothing here waits, reads a clock or sends: time and answers are inputs, requests and records are commands. The driver
//! performs them (`driver.rs`). The states of a batch:
//!
//! ```text
//!  Queued ───── its gate is open, its time has come, a place in flight is free ────→ InFlight
//!  InFlight ──→ Queued      throttled, unsent, clock, expired; or it never left
//!  InFlight ──→ Accepted    the provider says so
//!  InFlight ──→ Uncertain   the answer is lost, or a refusal that isn't documented
//!  InFlight ──→ Closed      refused: its halves are queued, a single URL has failed; accepted as done
//!  Uncertain ─→ Accepted    the records show it
//!  Uncertain ─→ Queued      the records don't show it, long enough after we gave up; or a resend is harmless
//!  Uncertain ─→ Closed      nobody can tell: unknown; an undocumented refusal that the records don't show: as refused
//!  Accepted ──→ Closed      every task is done, failed, timed out, or in a batch of its own since it wasn't accepted
//!  Queued ────→ Closed      its operation is stopped: unsubmitted
//! ```
//!
//! A new batch is Queued; one of an earlier run is Accepted if it has task ids, else Uncertain.
//!
//! The main rule: a batch is sent again only if it certainly wasn't executed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::batch::{Accepted, Batch, BatchState, Batches, RecordQuery, Resume, ResumedBatch, SentAt, Uncertain};
use super::durations::Durations;
use super::gate::{Gates, Passage};
use super::interrupt::interrupted_by;
use super::journal::Entry;
use super::options::Options;
use super::prefetch_gate::PrefetchGate;
use super::record_match::RecordMatch;
use super::tracking::{AfterPage, RowShape, StatusQuery, StatusSource, Tracking};
use crate::client::retry;
use crate::model::{BatchNumber, EventKind, LaneIndex, Operation, Outcome, RefreshKind, Signal, StopCause, TaskIndex};
use crate::plan::allotment::LeftOut;
use crate::plan::{self, batch};
use crate::provider;
use crate::provider::http::READ_TIMEOUT;
use crate::provider::{AfterLostAnswer, ApiError, ApiErrorKind, InProgress, Page, Record, Spec, TaskState};

/// Requests that change something, in flight at the same time. 50 calls a second over an ocean (250 ms) need 12.5.
const SUBMITS: usize = 16;
/// Queries in flight at the same time.
const QUERIES: usize = 8;
/// How long a provider that never answered is tried: a name that doesn't resolve today won't in ten minutes.
const UNREACHABLE: Duration = Duration::from_secs(60);
/// So many URLs refused alone, with none ever accepted, say that all will be.
const REFUSED_ALONE: usize = 20;
/// The longest wait before a provider that can't be reached is tried again.
const PROBE: Duration = Duration::from_secs(10);
/// How often a clock is corrected before the credentials are to blame.
const CLOCK_CORRECTIONS: u32 = 2;
/// How long the provider's records may lag. What they don't show so long after we gave up on the answer wasn't executed.
/// Unproven: no vendor states it.
const RECORD_LAG: Duration = Duration::from_secs(30);
/// How long after it left a request may be executed at last: a gateway may hold it until the client gives up, and longer.
const LATEST_EXECUTION: Duration = READ_TIMEOUT.saturating_add(RECORD_LAG);
/// When to query the records for a URL that no row of its task names, or again after a list that broke off.
const MISSING: Duration = Duration::from_secs(10);
/// How often a later page of a list is queried again before its first one is.
const PAGE_RETRIES: u32 = 3;
/// How often a batch is sent again after its answer was lost.
const RESENDS: u32 = 8;
/// How long requests in flight may still take after a signal. A runner kills 7.5 s after SIGINT and 2.5 s after SIGTERM.
/// (actions/runner 2.336.0)
const GRACE: [(Signal, Duration); 2] =
    [(Signal::Interrupt, Duration::from_secs(3)), (Signal::Terminate, Duration::from_millis(500))];

/// What happened.
pub(super) enum Input {
    /// The lane starts.
    Start(Preflight),
    /// The time at which it wants to be woken.
    Tick,
    /// A batch didn't leave.
    NotSent {
        /// The batch.
        batch: BatchNumber,
        /// The credentials have expired, and there are no others; `None`: a signal came, or the journal can't be written.
        error: Option<ApiError>,
    },
    /// A batch left at `sent`, and this came back.
    Submitted {
        /// The batch.
        batch: BatchNumber,
        /// When it left.
        sent: Instant,
        /// The answer.
        result: Result<provider::Accepted, ApiError>,
    },
    /// A page of a status query.
    Status {
        /// The query.
        query: StatusQuery,
        /// The page.
        result: Result<Page, ApiError>,
    },
    /// All pages of the records for a URL.
    Records {
        /// The batch that they were queried for.
        batch: BatchNumber,
        /// The task whose URL it is.
        task: TaskIndex,
        /// When the batch can have been accepted, on the provider's clock, by what is known of that clock now.
        accepted: RangeInclusive<Timestamp>,
        /// The rows.
        result: Result<Page, ApiError>,
    },
    /// A signal came.
    Signal(Signal),
    /// The journal can't be written any more.
    JournalBroken,
}

/// What is known before the lane starts.
#[derive(Debug, Default)]
pub(super) struct Preflight {
    /// Why it may not submit anything at all.
    pub refusal: Option<(StopCause, String)>,
    /// What the day's quota doesn't reach for.
    pub left_out: LeftOut,
    /// Whether the provider knew the credentials.
    pub credentials_proven: bool,
    /// What an earlier run left.
    pub resume: Resume,
}

/// What to do.
#[derive(Debug)]
pub(super) enum Command {
    /// Write this batch to the journal, then send it.
    Submit {
        /// The batch.
        batch: plan::Batch,
        /// From 1.
        attempt: u32,
    },
    /// Query the status of some ids, one page.
    AskStatus(StatusQuery),
    /// Query the records for the URL of a task.
    AskRecords {
        /// The batch that it's for.
        batch: BatchNumber,
        /// The task.
        task: TaskIndex,
        /// When the batch left.
        sent: SentAt,
        /// Whether the query may name a time range.
        has_range: bool,
    },
    /// Sign by this clock from now on.
    CorrectClock(Timestamp),
    /// Write a record to the journal.
    Journal(Entry),
    /// Report an event.
    Emit(EventKind),
    /// Give a tick at this moment, if nothing comes before.
    Wake(Instant),
}

/// The outcomes of the tasks, for the journal's last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// Whether every task so far is done.
    pub complete: bool,
    /// Whether every task so far is done, or isn't because nobody waits for it.
    pub as_asked: bool,
    /// Whether every task so far is done or failed, or can't be tried since its refresh isn't done.
    pub all_final: bool,
}

impl Default for Summary {
    fn default() -> Self {
        Self { complete: true, as_asked: true, all_final: true }
    }
}

impl Summary {
    /// The outcomes of two lanes.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            complete: self.complete && other.complete,
            as_asked: self.as_asked && other.as_asked,
            all_final: self.all_final && other.all_final,
        }
    }
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In no batch.
    Waiting,
    /// In this batch.
    InBatch(BatchNumber),
    /// It has its outcome.
    Ended,
}

/// What is known of the connection.
#[derive(Debug, Default)]
struct Session {
    /// Whether the provider knew the credentials. Until then one request leaves at a time: some vendors lock an access key
    /// that comes with a wrong signature too often.
    credentials_proven: bool,
    /// Whether the provider refused the credentials.
    credentials_refused: bool,
    /// Since when no submission reached the provider at all.
    unreachable_since: Option<Instant>,
    clock_corrections: u32,
    clock_corrected: Option<Instant>,
    /// The signal, and how long requests in flight may still take.
    interrupted: Option<(Signal, Instant)>,
    journal_broken: bool,
    /// Queries in a row that failed.
    failed_queries: u32,
    /// Whether the records refused a time range.
    records_refuse_range: bool,
    submitting: usize,
    /// Those of them that warm a URL: they may take long, and refreshes need places too.
    warming: usize,
    querying: usize,
}

/// One target's part of a run.
pub(super) struct Lane<'a> {
    index: LaneIndex,
    plan: &'a plan::Lane,
    spec: &'static Spec,
    options: &'a Options,
    random: fastrand::Rng,
    now: Instant,
    places: Vec<Place>,
    /// Tasks without an outcome.
    open: usize,
    batches: Batches,
    prefetches: PrefetchGate,
    /// For each refresh, the ones that it covers.
    covered: HashMap<TaskIndex, Vec<TaskIndex>>,
    gates: Gates,
    records: RecordMatch<'a>,
    tracking: Tracking,
    session: Session,
    summary: Summary,
    said_paused: bool,
    pages: Vec<StatusQuery>,
    commands: Vec<Command>,
}

impl<'a> Lane<'a> {
    /// A lane in which nothing happened; it begins with [`Input::Start`].
    pub(super) fn new(index: LaneIndex, plan: &'a plan::Lane, options: &'a Options, now: Instant) -> Self {
        let spec = plan.target.provider;
        let timeouts = [options.refresh_timeout, options.prefetch_timeout];
        let operations = plan.tasks.iter().map(|planned| planned.task.operation);
        let mut covered: HashMap<TaskIndex, Vec<TaskIndex>> = HashMap::new();
        for (task, planned) in (0..).zip(&plan.tasks) {
            planned.covered_by.iter().for_each(|wider| covered.entry(*wider).or_default().push(task));
        }
        Self {
            index,
            plan,
            spec,
            options,
            random: fastrand::Rng::with_seed(options.seed.wrapping_add(u64::from(index))),
            now,
            places: vec![Place::Waiting; plan.tasks.len()],
            open: plan.tasks.len(),
            batches: Batches::default(),
            prefetches: PrefetchGate::new(&plan.tasks, spec.prefetch_delay(&plan.target.options)),
            covered,
            gates: Gates::new(operations, timeouts, now),
            records: RecordMatch::new(&plan.tasks),
            tracking: Tracking::new(spec, timeouts, &options.durations),
            session: Session::default(),
            summary: Summary::default(),
            said_paused: false,
            pages: Vec::new(),
            commands: Vec::new(),
        }
    }

    /// Tasks without an outcome.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// The operations of which nothing more may leave.
    pub(super) fn stopped(&self) -> Vec<Operation> {
        self.gates.all_stopped()
    }

    /// The outcomes of the tasks so far.
    pub(super) fn summary(&self) -> Summary {
        self.summary
    }

    /// How long its tasks took.
    pub(super) fn durations(&self) -> Durations {
        self.tracking.durations()
    }

    /// Whether the quota may be read at the end: the provider knew the credentials, and nobody is in a hurry.
    pub(super) fn may_read_quota(&self) -> bool {
        !self.session.credentials_refused && self.session.interrupted.is_none()
    }

    /// Takes what happened at `now`, and returns what to do, in this order.
    pub(super) fn step(&mut self, now: Instant, input: Input) -> Vec<Command> {
        self.now = now;
        self.absorb(input);
        self.expire();
        if self.open > 0 {
            self.dispatch();
            let wake = self.wake();
            self.commands.push(Command::Wake(wake));
        }
        std::mem::take(&mut self.commands)
    }

    fn absorb(&mut self, input: Input) {
        match input {
            Input::Start(preflight) => self.start(preflight),
            Input::Tick => {}
            Input::NotSent { batch, error } => {
                self.returned(batch);
                self.requeue(batch, self.now);
                if let Some(error) = error {
                    self.stop(None, StopCause::Credentials, &error.to_string());
                }
            }
            Input::Submitted { batch, sent, result } => {
                // What the edge answers says nothing of the provider's API.
                if !self.returned(batch) {
                    self.session.credentials_proven |= proves_credentials(&result);
                    let unsent = |error: &ApiError| error.status.is_none() && error.kind == ApiErrorKind::Unsent;
                    let is_silent = result.as_ref().is_err_and(unsent);
                    self.session.unreachable_since =
                        self.session.unreachable_since.or(Some(self.now)).filter(|_| is_silent);
                }
                match result {
                    Ok(receipt) => self.on_accepted(batch, receipt, SentAt::Moment(sent), true),
                    Err(error) => self.on_refused(batch, &error, sent),
                }
            }
            Input::Status { query, result } => {
                self.session.querying -= 1;
                self.session.credentials_proven |= proves_credentials(&result);
                match result {
                    Ok(page) => self.on_status(query, page),
                    Err(error) => self.on_status_error(query, &error),
                }
            }
            Input::Records { batch, task, accepted, result } => {
                self.session.querying -= 1;
                self.session.credentials_proven |= proves_credentials(&result);
                if self.batches.uncertain_mut(batch).is_some() {
                    self.on_records_of_batch(batch, task, &accepted, result);
                } else {
                    self.on_records_of_task(batch, task, &accepted, result);
                }
            }
            Input::Signal(signal) => self.interrupt(signal),
            Input::JournalBroken => self.session.journal_broken = true,
        }
    }

    // Start

    /// Takes over what an earlier run left, fails what can't be sent, and queues the rest.
    fn start(&mut self, preflight: Preflight) {
        let Preflight { refusal, left_out, credentials_proven, resume } = preflight;
        self.session.credentials_proven = credentials_proven;
        self.batches = Batches::after(resume.last_batch);
        self.records.earlier = resume.earlier;
        for (task, task_id, age) in resume.done {
            if let Some(age) = age {
                self.prefetches.accepted(task, age.saturating_sub(LATEST_EXECUTION), self.now);
            }
            self.gates.of(self.operation(task)).accepted_before = true;
            self.finish(task, Outcome::Done, task_id);
        }
        for ResumedBatch { mut content, attempts, sent, task_ids } in resume.open {
            content.tasks.retain(|&task| self.places[task as usize] != Place::Ended);
            let operation = content.operation;
            // Of a batch that may be accepted in part the records have to show which.
            let acknowledged = !self.has_parts(operation);
            let number = self.batches.add(content, attempts);
            self.claim(number);
            if task_ids.is_empty() {
                let why = "an earlier run ended before the answer to this batch came".to_owned();
                self.mark_uncertain(number, sent, why, false);
            } else {
                self.gates.of(operation).accepted_before = true;
                self.accept(number, task_ids, sent, acknowledged);
            }
        }
        let plan = self.plan;
        for (task, planned) in (0..).zip(&plan.tasks) {
            if let Some(reason) = &planned.refused {
                self.end(task, Outcome::Failed(reason.clone()));
            }
            // What an earlier run sent is followed all the same.
            if let (Some(reason), Place::Waiting) = (&planned.held, self.places[task as usize]) {
                self.end(task, Outcome::Unsubmitted(reason.clone()));
            }
        }
        if let Some((cause, why)) = refusal {
            self.stop(None, cause, &why);
            if cause == StopCause::Credentials {
                self.stop_tracking(&why);
                self.gates.operations().into_iter().for_each(|operation| self.give_up_all(operation, &why));
            }
            return;
        }
        for (operation, why, tasks) in left_out.operations {
            let (lane, cause) = (self.index, StopCause::Quota);
            self.emit(EventKind::LaneStopped { lane, operation: Some(operation), cause, why: why.clone() });
            for task in tasks {
                // It is the quota that keeps it from being sent, and not its refresh: the next run has it to send.
                self.prefetches.leave_out(task);
                self.end(task, Outcome::Unsubmitted(why.clone()));
            }
        }
        for operation in self.gates.operations() {
            let is_it = |task: &TaskIndex| self.is_waiting(*task) && self.operation(*task) == operation;
            let tasks: Vec<TaskIndex> = (0..).take(plan.tasks.len()).filter(is_it).collect();
            match operation {
                Operation::Refresh(_) => self.enqueue(operation, &tasks, self.options.batch_size),
                Operation::Prefetch => self.prefetches.open(self.now),
            }
        }
    }

    // Sending

    /// Starts everything that may start now.
    fn dispatch(&mut self) {
        self.cut_ready();
        while let Some(number) = self.next_batch() {
            self.batches.set(number, BatchState::InFlight, false);
            let Some(batch) = self.batches.get(number) else { break };
            let (batch, attempt) = (batch.content.clone(), batch.attempts + 1);
            self.session.submitting += 1;
            self.session.warming += usize::from(self.spec.is_warmed(batch.operation));
            self.commands.push(Command::Submit { batch, attempt });
        }
        let now = self.now;
        for query in self.pages.extract_if(.., |query| query.not_before.is_none_or(|at| at <= now)) {
            self.session.querying += 1;
            self.commands.push(Command::AskStatus(query));
        }
        let queries = self.most(QUERIES);
        while self.session.querying < queries
            && let Some(query) = self.tracking.due(self.now)
        {
            self.session.querying += 1;
            self.commands.push(Command::AskStatus(query));
        }
        while self.session.querying < queries
            && let Some(command) = self.next_record_query()
        {
            self.session.querying += 1;
            self.commands.push(command);
        }
    }

    /// Cuts prefetches that became ready into batches: whole ones at once, the rest when nothing else waits for a slot and
    /// the first has waited as long as a slot takes.
    fn cut_ready(&mut self) {
        let operation = Operation::Prefetch;
        if self.prefetches.end_pauses(self.now) {
            // They couldn't be accepted before.
            self.gates.class(operation).progress = self.now;
        }
        if let Some(end) = self.prefetches.next_end()
            && !std::mem::replace(&mut self.said_paused, true)
        {
            let (target, pause) = (&self.plan.target.name, self.prefetches.pause);
            let left = end.duration_since(self.now).as_secs_f64().ceil();
            self.note(format!(
                "{target}: prefetches wait until {pause:?} after the refresh of their URL was accepted (`prefetch-delay`); \
                 the first waits for {left} s more"
            ));
        }
        let Some(limits) = self.spec.operation(operation) else { return };
        let Some((count, since)) = self.prefetches.ready() else { return };
        if self.gates.stopped(operation).is_some() {
            return;
        }
        let most = self.options.batch_size.into_iter().chain(self.gates.largest(operation)).min();
        let all = !self.batches.is_queued(operation) && self.now >= since + slot(self.spec, operation);
        if all || batch::is_full(self.plan, operation, count, most) {
            let per_batch = batch::most(self.plan, limits, most);
            if !self.batches.is_unaccepted(operation) {
                // None could be accepted while their refreshes weren't done.
                self.gates.class(operation).progress = self.now;
            }
            let tasks = self.prefetches.take_ready(all, per_batch);
            self.enqueue(operation, &tasks, most);
        }
    }

    /// Queues tasks of one operation, cut into new batches.
    fn enqueue(&mut self, operation: Operation, tasks: &[TaskIndex], most: Option<usize>) {
        for mut content in batch::cut(self.plan, operation, tasks, most) {
            content.number = self.batches.number();
            self.queue(content, false, None);
        }
    }

    /// Queues a new batch; `lost` is that of the batch that it is a part of.
    fn queue(&mut self, content: plan::Batch, is_first: bool, lost: Option<String>) {
        let number = self.batches.add(content, 0);
        if let Some(batch) = self.batches.get_mut(number) {
            batch.lost = lost;
        }
        self.claim(number);
        self.batches.set(number, BatchState::Queued { not_before: self.now }, is_first);
    }

    /// How the tasks of a batch end that isn't sent any more.
    fn unsent(&self, number: BatchNumber, why: &str) -> Outcome {
        match self.batches.get(number).and_then(|batch| batch.lost.as_ref()) {
            Some(lost) => Outcome::Unknown(format!("whether the provider accepted it isn't known: {lost}; {why}")),
            None => Outcome::Unsubmitted(why.to_owned()),
        }
    }

    /// The tasks of a batch are in it from now on.
    fn claim(&mut self, number: BatchNumber) {
        for &task in self.batches.tasks(number) {
            let place = &mut self.places[task as usize];
            if *place != Place::Ended {
                *place = Place::InBatch(number);
                self.prefetches.remove(task);
            }
        }
    }

    /// The batch that leaves next, if one may.
    fn next_batch(&mut self) -> Option<BatchNumber> {
        // One is enough to find out whether the provider can be reached again.
        let submits = if self.session.unreachable_since.is_some() { 1 } else { self.most(SUBMITS) };
        let must_wait = self.options.sequential && self.is_busy();
        if self.session.submitting >= submits || must_wait || self.session.interrupted.is_some() {
            return None;
        }
        let now = self.now;
        let may_warm = self.session.warming < self.options.warm_concurrency;
        // What is under way is counted once, however many batches wait for room.
        let mut room: BTreeMap<Operation, usize> = BTreeMap::new();
        let is_free = |(batch, not_before): &(&Batch, Instant)| {
            let has_place = may_warm || !self.spec.is_warmed(batch.content.operation);
            has_place
                && *not_before <= now
                && self.gates.held_until(batch.content.operation).is_none_or(|until| until <= now)
                && {
                    let operation = batch.content.operation;
                    batch.content.tasks.len() <= *room.entry(operation).or_insert_with(|| self.room(operation))
                }
        };
        let (batch, _) = self.batches.queued().find(is_free)?;
        let number = batch.content.number;
        // The provider was seen to take less than the batch was cut for.
        if let Some(most) = self.gates.largest(batch.content.operation)
            && batch.content.tasks.len() > most
        {
            let rest = self.batches.number();
            let batch = self.batches.get_mut(number)?;
            let tasks = batch.content.tasks.split_off(most);
            let content = plan::Batch { number: rest, tasks, ..batch.content.clone() };
            let lost = batch.lost.clone();
            self.queue(content, true, lost);
        }
        Some(number)
    }

    /// How many subjects of an operation may be under way.
    fn in_progress(&self, operation: Operation) -> Option<&'static InProgress> {
        self.spec.operation(operation)?.in_progress
    }

    /// How many subjects a batch of an operation may have to be under way along with those that are. One that is too large by itself is
    /// the provider's to refuse.
    fn room(&self, operation: Operation) -> usize {
        let Some(limit) = self.in_progress(operation) else { return usize::MAX };
        let shares = |other: &&plan::Batch| self.in_progress(other.operation).is_some_and(|it| it.name == limit.name);
        match self.batches.under_way().filter(shares).map(|other| other.tasks.len()).sum() {
            0 => usize::MAX,
            count => limit.most.saturating_sub(count),
        }
    }

    /// Whether a batch of an operation may have to wait until one that was accepted is done.
    fn waits_for_accepted(&self, operation: Operation) -> bool {
        self.options.sequential || self.in_progress(operation).is_some()
    }

    /// Whether a batch is out: with `sequential` the next one waits for it.
    fn is_busy(&self) -> bool {
        let is_out = self.batches.accepted().next().is_some() || self.batches.uncertain().next().is_some();
        self.session.submitting > 0 || is_out
    }

    /// So many requests in flight, or one while the credentials aren't known to be good.
    fn most(&self, requests: usize) -> usize {
        if self.session.credentials_proven { requests } else { 1 }
    }

    /// When something can happen that no answer brings.
    fn wake(&self) -> Instant {
        let now = self.now;
        let queued = self
            .batches
            .queued()
            .map(|(batch, not_before)| not_before.max(self.gates.held_until(batch.content.operation).unwrap_or(now)));
        let uncertain = self.batches.uncertain().map(|(_, uncertain)| uncertain.query);
        let missing = self.batches.accepted().filter_map(|(_, accepted)| accepted.query);
        let records = uncertain.chain(missing).filter(|query| !query.is_in_flight).map(|query| query.at);
        let pages = self.pages.iter().filter_map(|query| query.not_before);
        let queries = self.tracking.next().into_iter().chain(records).chain(pages);
        let may_query = self.session.querying < self.most(QUERIES);
        let ready = self.prefetches.ready().filter(|_| self.gates.stopped(Operation::Prefetch).is_none());
        let ready = ready.map(|(_, since)| since + slot(self.spec, Operation::Prefetch));
        // What waits for room in flight is woken by an answer.
        let all = queued.filter(|&at| at > now);
        let all = all.chain(queries.filter(|&at| at > now || may_query)).chain(ready.filter(|&at| at > now));
        let all = all.chain(self.prefetches.next_end()).chain(self.session.interrupted.map(|(_, until)| until));
        // Never a busy loop: what is due already and is still there waits for an answer.
        all.chain(self.next_deadline()).min().unwrap_or(now + RECORD_LAG).max(now + Duration::from_millis(1))
    }

    // Answers to submissions

    /// A batch isn't in flight any more; gives whether it warmed a URL.
    fn returned(&mut self, number: BatchNumber) -> bool {
        let batch = self.batches.get(number);
        let is_warmed = batch.is_some_and(|batch| self.spec.is_warmed(batch.content.operation));
        self.session.submitting -= 1;
        self.session.warming -= usize::from(is_warmed);
        is_warmed
    }

    /// The provider accepted a batch: it said so (`acknowledged`), or its records show it.
    fn on_accepted(&mut self, number: BatchNumber, receipt: provider::Accepted, sent: SentAt, acknowledged: bool) {
        let Some(batch) = self.batches.get(number) else { return };
        let operation = batch.content.operation;
        self.gates.class(operation).retries.deposit();
        let gate = self.gates.of(operation);
        gate.accepted_any = true;
        gate.last_refusal = None;
        let (task_ids, request_id, is_done) = match receipt {
            provider::Accepted::Done { request_id } => (Vec::new(), request_id, true),
            provider::Accepted::Tracked { task_ids, request_id } => (task_ids, request_id, false),
            provider::Accepted::Partly { rest, refused } => {
                self.fail_refused(number, &refused);
                match rest {
                    Some(rest) => self.on_accepted(number, *rest, sent, acknowledged),
                    None => {
                        let why = "the provider neither accepted nor refused it".to_owned();
                        self.close(number, &Outcome::Unknown(why));
                    }
                }
                return;
            }
        };
        let lane = self.index;
        self.journal(Entry::Taken { lane, batch: number, task_ids: task_ids.clone(), is_done });
        self.emit(EventKind::BatchSubmitted { lane, batch: number, task_ids: task_ids.clone(), request_id });
        if is_done {
            self.gates.class(operation).progress = self.now;
            let tasks = self.batches.tasks(number).to_vec();
            tasks.into_iter().for_each(|task| self.prefetches.accepted(task, Duration::ZERO, self.now));
            self.close(number, &Outcome::Done);
        } else {
            self.accept(number, task_ids, sent, acknowledged);
        }
    }

    /// Fails the tasks of a batch, by their places in it, that the provider refused while it accepted the others. This is in the
    /// journal before the others' ids: no later run may take them for accepted.
    fn fail_refused(&mut self, number: BatchNumber, refused: &[(usize, String)]) {
        let tasks = self.batches.tasks(number).to_vec();
        for (place, why) in refused {
            if let Some(&task) = tasks.get(*place) {
                self.end(task, Outcome::Failed(format!("refused: {why}")));
            }
        }
        let places = &self.places;
        if let Some(batch) = self.batches.get_mut(number) {
            batch.content.tasks.retain(|&task| places[task as usize] != Place::Ended);
        }
        if let Some(operation) = self.batches.get(number).map(|batch| batch.content.operation) {
            self.gates.class(operation).progress = self.now;
        }
    }

    /// Follows a batch that the provider accepted.
    fn accept(&mut self, number: BatchNumber, task_ids: Vec<String>, sent: SentAt, acknowledged: bool) {
        let Some(batch) = self.batches.get(number) else { return };
        let (operation, tasks) = (batch.content.operation, batch.content.tasks.clone());
        self.gates.class(operation).progress = self.now;
        let earlier = if let SentAt::Earlier { age, .. } = sent { age } else { Duration::ZERO };
        for id in &task_ids {
            self.tracking.follow(id, number, tasks.len(), operation, (self.now, earlier));
        }
        // It may have been on its way for a while.
        let age = self.age(sent).saturating_sub(LATEST_EXECUTION);
        let open = tasks.iter().filter(|&&task| self.places[task as usize] == Place::InBatch(number)).count();
        let accepted = Accepted { task_ids, at: self.now, sent, acknowledged, open, query: None };
        self.batches.set(number, BatchState::Accepted(accepted), false);
        tasks.iter().for_each(|&task| self.prefetches.accepted(task, age, self.now));
        let left = match &self.tracking.source {
            _ if !self.options.wait.follows(operation) => {
                Some("the provider accepted it; `wait` excludes it".to_owned())
            }
            StatusSource::Unavailable(why) => Some(why.clone()),
            _ => None,
        };
        if let Some(why) = left {
            tasks.into_iter().for_each(|task| self.end(task, Outcome::Unknown(why.clone())));
        }
        if open == 0 {
            self.close_if_over(number);
        }
    }

    /// How long ago something was sent.
    fn age(&self, sent: SentAt) -> Duration {
        match sent {
            SentAt::Moment(moment) => self.now.saturating_duration_since(moment),
            SentAt::Earlier { age, .. } => age,
        }
    }

    fn on_refused(&mut self, number: BatchNumber, error: &ApiError, sent: Instant) {
        let Some(batch) = self.batches.get_mut(number) else { return };
        batch.attempts += 1;
        let operation = batch.content.operation;
        if matches!(error.kind, ApiErrorKind::Server | ApiErrorKind::Ambiguous | ApiErrorKind::Undocumented) {
            let is_refusal = error.kind == ApiErrorKind::Undocumented;
            self.mark_uncertain(number, SentAt::Moment(sent), error.to_string(), is_refusal);
            return;
        }
        self.journal_not_taken(number, format!("{}: {:?}", error.api, error.kind));
        match error.kind {
            ApiErrorKind::Unsent | ApiErrorKind::Throttled => self.retry_later(number, error),
            ApiErrorKind::Clock => {
                self.requeue(number, self.now);
                let is_corrected = self.session.clock_corrected.is_some_and(|at| at > sent);
                if is_corrected || self.correct_clock(error) {
                    self.report_retry(number, error.to_string(), Duration::ZERO);
                } else {
                    self.stop(None, StopCause::Credentials, &error.to_string());
                }
            }
            ApiErrorKind::Expired => {
                self.report_retry(number, error.to_string(), Duration::ZERO);
                self.requeue(number, self.now);
            }
            ApiErrorKind::Refused | ApiErrorKind::TooLarge => {
                self.split(number, &error.to_string(), error.kind == ApiErrorKind::TooLarge);
            }
            ApiErrorKind::QuotaSpent => self.requeue_and_stop(number, Some(operation), StopCause::Quota, error),
            ApiErrorKind::Credentials => self.requeue_and_stop(number, None, StopCause::Credentials, error),
            ApiErrorKind::Forbidden => self.requeue_and_stop(number, Some(operation), StopCause::Credentials, error),
            ApiErrorKind::Denied => self.requeue_and_stop(number, Some(operation), StopCause::Denied, error),
            ApiErrorKind::Server | ApiErrorKind::Ambiguous | ApiErrorKind::Undocumented => {
                unreachable!("returned above")
            }
        }
    }

    /// A batch that certainly wasn't executed goes back to the front of the queue, unless its operation was stopped.
    fn requeue(&mut self, number: BatchNumber, not_before: Instant) {
        let Some(batch) = self.batches.get(number) else { return };
        match self.gates.stopped(batch.content.operation).map(str::to_owned) {
            Some(why) => self.close(number, &self.unsent(number, &why)),
            None => self.batches.set(number, BatchState::Queued { not_before }, true),
        }
    }

    fn requeue_and_stop(
        &mut self,
        number: BatchNumber,
        operation: Option<Operation>,
        cause: StopCause,
        error: &ApiError,
    ) {
        self.requeue(number, self.now);
        self.stop(operation, cause, &error.to_string());
    }

    /// Certainly not executed: the same batch later; nothing else of this operation leaves before.
    fn retry_later(&mut self, number: BatchNumber, error: &ApiError) {
        let Some(batch) = self.batches.get(number) else { return };
        let (operation, attempts) = (batch.content.operation, batch.attempts);
        self.gates.of(operation).last_refusal = Some(error.to_string());
        let is_unreachable = self.session.unreachable_since.is_some_and(|since| self.now >= since + UNREACHABLE);
        if is_unreachable && !self.gates.accepted_any() {
            let why = format!("the provider couldn't be reached for {} s: {error}", UNREACHABLE.as_secs());
            self.requeue(number, self.now);
            self.stop(None, StopCause::RetriesSpent, &why);
            return;
        }
        // What was in flight together with the one that brought the wait is one and the same refusal.
        let is_held = self.gates.held_until(operation).is_some_and(|until| until > self.now);
        if !is_held && !self.gates.class(operation).retries.withdraw(error.kind) {
            let why = format!("the provider accepted nothing for a long time: {error}");
            self.requeue(number, self.now);
            self.stop(Some(operation), StopCause::RetriesSpent, &why);
            return;
        }
        let mut after = retry::delay(attempts, error, &mut self.random);
        if error.kind == ApiErrorKind::Unsent {
            // Nobody is spared by a longer wait, and a network that comes back is met soon.
            after = after.min(PROBE);
        }
        self.gates.hold(operation, self.now + after);
        self.report_retry(number, error.to_string(), after);
        self.requeue(number, self.now + after);
    }

    /// Cuts a refused batch in two; a URL that is refused alone has failed.
    fn split(&mut self, number: BatchNumber, why: &str, is_too_large: bool) {
        let Some(batch) = self.batches.get(number) else { return };
        let content = batch.content.clone();
        let gate = self.gates.of(content.operation);
        if content.tasks.len() < 2 {
            gate.refused_alone += 1;
            let is_hopeless = gate.refused_alone == REFUSED_ALONE && !gate.accepted_any && !gate.accepted_before;
            self.close(number, &Outcome::Failed(format!("refused: {why}")));
            if is_hopeless {
                let why = format!("{REFUSED_ALONE} URLs were refused alone and none was accepted: {why}");
                self.stop(Some(content.operation), StopCause::Denied, &why);
            }
            return;
        }
        let half = content.tasks.len().div_ceil(2);
        if is_too_large {
            gate.largest = Some(gate.largest.map_or(half, |largest| largest.min(half)));
        }
        self.emit(EventKind::BatchSplit { lane: self.index, batch: number, why: why.to_owned() });
        if let Some(why) = self.gates.stopped(content.operation).map(str::to_owned) {
            self.close(number, &self.unsent(number, &why));
            return;
        }
        let lost = self.batches.get(number).and_then(|batch| batch.lost.clone());
        self.batches.set(number, BatchState::Closed, false);
        // The halves go first, so that what is refused alone is found before everything else was tried.
        for tasks in content.tasks.chunks(half).rev() {
            let number = self.batches.number();
            self.queue(plan::Batch { number, tasks: tasks.to_vec(), ..content.clone() }, true, lost.clone());
        }
    }

    /// The same where a query was refused for the clock.
    fn learn_clock(&mut self, error: &ApiError) -> bool {
        error.kind == ApiErrorKind::Clock && self.correct_clock(error)
    }

    /// Takes the provider's clock as the right one; `false` when that was tried often enough.
    fn correct_clock(&mut self, error: &ApiError) -> bool {
        self.session.clock_corrections += 1;
        self.session.clock_corrected = Some(self.now);
        match error.server_time {
            Some(server) if self.session.clock_corrections <= CLOCK_CORRECTIONS => {
                self.commands.push(Command::CorrectClock(server));
                true
            }
            _ => false,
        }
    }

    // Lost answers

    /// A batch left, and no answer says whether it was executed: the records are queried.
    fn mark_uncertain(&mut self, number: BatchNumber, sent: SentAt, why: String, is_refusal: bool) {
        self.emit(EventKind::BatchUncertain { lane: self.index, batch: number, why: why.clone() });
        let soon = match sent {
            SentAt::Moment(moment) => moment,
            SentAt::Earlier { .. } => self.now,
        };
        let query = RecordQuery::first(soon + Duration::from_secs(1));
        // A request of a run that was killed may still be on its way.
        let on_its_way = match sent {
            SentAt::Moment(_) => Duration::ZERO,
            SentAt::Earlier { age, is_providers: true, .. } => READ_TIMEOUT.saturating_sub(age),
            SentAt::Earlier { .. } => READ_TIMEOUT,
        };
        let gave_up = self.now + on_its_way;
        let uncertain = Uncertain { sent, gave_up, why, is_refusal, absent: BTreeSet::new(), query };
        self.batches.set(number, BatchState::Uncertain(uncertain), false);
        let operation = self.batches.get(number).map(|batch| batch.content.operation);
        let limits = operation.and_then(|operation| self.spec.operation(operation));
        if let Some((signal, _)) = self.session.interrupted {
            self.give_up(number, interrupted_by(signal));
        } else if limits.is_some_and(|limits| limits.after_lost_answer == AfterLostAnswer::Resend) {
            self.resend(number);
        } else if self.spec.records().is_none() {
            self.give_up(number, "and the provider has no records that would show it");
        }
    }

    /// Sends a batch again that may have been executed, where that is harmless.
    fn resend(&mut self, number: BatchNumber) {
        let Some(batch) = self.batches.get_mut(number) else { return };
        let BatchState::Uncertain(Uncertain { why, is_refusal, .. }) = &batch.state else { return };
        let (why, is_refusal, operation) = (why.clone(), *is_refusal, batch.content.operation);
        batch.lost = Some(why.clone());
        if is_refusal && (batch.content.tasks.len() > 1 || batch.resends > 0) {
            // What is refused again isn't sent as it is a third time: its halves show which URL it is about.
            self.split(number, &why, false);
            return;
        }
        batch.resends += 1;
        let after = Duration::from_secs(1 << batch.resends.min(5));
        let is_last = batch.resends > RESENDS;
        if is_last || !self.gates.class(operation).retries.withdraw(ApiErrorKind::Server) {
            self.give_up(number, "and it was sent again and again");
            return;
        }
        if self.gates.stopped(operation).is_none() {
            self.report_retry(number, why, after);
        }
        self.requeue(number, self.now + after);
    }

    /// The next query of the records: for a batch whose answer was lost, or for a URL that no row names.
    fn next_record_query(&mut self) -> Option<Command> {
        let now = self.now;
        let has_range = !self.session.records_refuse_range;
        let uncertain = self.batches.uncertain().find(|(_, uncertain)| uncertain.query.is_due(now));
        if let Some(batch) = uncertain.map(|(batch, _)| batch.content.number) {
            let tasks = self.batches.tasks(batch).to_vec();
            let next = self.next_proof(batch);
            let uncertain = self.batches.uncertain_mut(batch)?;
            // Another URL each time, should the provider have accepted a part of them only.
            let place = uncertain.query.count % tasks.len().max(1);
            let task = next.filter(|_| !uncertain.absent.is_empty()).or(tasks.get(place).copied())?;
            uncertain.query = uncertain.query.queried(now);
            return Some(Command::AskRecords { batch, task, sent: uncertain.sent, has_range });
        }
        loop {
            let is_due = |(_, accepted): &(&Batch, &Accepted)| accepted.query.is_some_and(|query| query.is_due(now));
            let batch = self.batches.accepted().find(is_due)?.0.content.number;
            let unnamed = self.unnamed_of(batch);
            let accepted = self.batches.accepted_mut(batch)?;
            let query = accepted.query.as_mut()?;
            let Some(&task) = unnamed.get(query.count % unnamed.len().max(1)) else {
                accepted.query = None;
                continue;
            };
            *query = query.queried(now);
            return Some(Command::AskRecords { batch, task, sent: accepted.sent, has_range });
        }
    }

    /// The next task of an uncertain batch whose absence from the records has to be seen before it is certain that the batch wasn't
    /// accepted. A provider that keeps one row for each task names its first URL alone, so that one counts; of a batch that may be
    /// accepted in part all do.
    fn next_proof(&self, number: BatchNumber) -> Option<TaskIndex> {
        let batch = self.batches.get(number)?;
        let BatchState::Uncertain(uncertain) = &batch.state else { return None };
        let count = if self.has_parts(batch.content.operation) { usize::MAX } else { 1 };
        batch.content.tasks.iter().take(count).copied().find(|task| !uncertain.absent.contains(task))
    }

    /// Whether a batch of an operation may be accepted in part.
    fn has_parts(&self, operation: Operation) -> bool {
        self.spec.operation(operation).is_some_and(|limits| limits.has_parts)
    }

    fn on_records_of_batch(
        &mut self,
        number: BatchNumber,
        task: TaskIndex,
        accepted: &RangeInclusive<Timestamp>,
        result: Result<Page, ApiError>,
    ) {
        let now = self.now;
        let is_range_refused = result.as_ref().is_err_and(|error| self.drop_range(error));
        let is_clock_corrected = result.as_ref().is_err_and(|error| self.learn_clock(error));
        let operation = self.batches.get(number).map(|batch| batch.content.operation);
        let Some(uncertain) = self.batches.uncertain_mut(number) else { return };
        uncertain.query.is_in_flight = false;
        let page = match result {
            Ok(page) => page,
            Err(_) if is_range_refused || is_clock_corrected => {
                uncertain.query.at = now;
                return;
            }
            Err(error) if is_final(error.kind) => {
                self.give_up(number, &format!("and the records can't be read: {error}"));
                self.stop_without_credentials(&error);
                return;
            }
            Err(error) => {
                let count = u32::try_from(uncertain.query.count).unwrap_or(u32::MAX);
                uncertain.query.at = now + retry::delay(count, &error, &mut self.random);
                return;
            }
        };
        let (sent, absent_from, queried_at) = (uncertain.sent, uncertain.gave_up + RECORD_LAG, uncertain.query.at);
        let is_cut = (1..page.total).contains(&page.rows.len());
        // More rows may be counted than were given: then the trace may be among the others.
        // A response shows the records as they were when they were queried, and it may have taken long.
        let again = if queried_at < absent_from { Some(absent_from) } else { is_cut.then(|| now + MISSING) };
        if let Some(again) = again {
            uncertain.query.at = again;
        }
        if let Some(record) = page.rows.into_iter().find(|record| self.is_trace(record, task, accepted)) {
            let receipt = provider::Accepted::Tracked { task_ids: vec![record.task_id], request_id: None };
            self.on_accepted(number, receipt, sent, false);
        } else if again.is_some() {
            // Queried again.
        } else if operation == Some(Operation::Refresh(RefreshKind::Tag)) {
            // What a row shows of a tag isn't documented, so that there is none proves nothing.
            self.give_up(number, "and no record has to name a tag");
        } else {
            if let Some(uncertain) = self.batches.uncertain_mut(number) {
                uncertain.absent.insert(task);
                uncertain.query.at = now;
            }
            if self.next_proof(number).is_none() {
                self.on_absent(number);
            }
        }
    }

    /// The records may refuse a time range; without one they are queried again, once.
    fn drop_range(&mut self, error: &ApiError) -> bool {
        let is_refused = matches!(error.kind, ApiErrorKind::Denied | ApiErrorKind::Refused);
        is_refused && !std::mem::replace(&mut self.session.records_refuse_range, true)
    }

    /// The records prove that a batch wasn't accepted.
    fn on_absent(&mut self, number: BatchNumber) {
        let Some(batch) = self.batches.get_mut(number) else { return };
        let BatchState::Uncertain(Uncertain { why, is_refusal, .. }) = &batch.state else { return };
        let (proof, is_refusal) = (format!("{why}; the provider's records don't show it"), *is_refusal);
        let operation = batch.content.operation;
        let is_last = batch.resends >= RESENDS;
        batch.resends += 1;
        self.journal_not_taken(number, "the provider's records don't show it".to_owned());
        if is_refusal {
            self.split(number, &proof, false);
        } else if is_last || !self.gates.class(operation).retries.withdraw(ApiErrorKind::Server) {
            self.close(number, &Outcome::Unsubmitted(proof));
        } else {
            if self.gates.stopped(operation).is_none() {
                self.report_retry(number, proof, Duration::ZERO);
            }
            self.requeue(number, self.now);
        }
    }

    /// Whether a record is what a submission of this task left that can have been accepted at that time.
    fn is_trace(&self, record: &Record, task: TaskIndex, accepted: &RangeInclusive<Timestamp>) -> bool {
        self.records.is_about(record, task) && record.created.is_none_or(|created| accepted.contains(&created))
    }

    /// Nobody can tell any more whether a batch was accepted.
    fn give_up(&mut self, number: BatchNumber, why: &str) {
        let lost = self.batches.uncertain_mut(number).map(|uncertain| uncertain.why.clone()).unwrap_or_default();
        self.close(number, &Outcome::Unknown(format!("whether the provider accepted it isn't known: {lost}; {why}")));
    }

    /// The records aren't queried any longer for what is uncertain of an operation.
    fn give_up_all(&mut self, operation: Operation, why: &str) {
        let of =
            |(batch, _): (&Batch, &Uncertain)| (batch.content.operation == operation).then_some(batch.content.number);
        let uncertain: Vec<BatchNumber> = self.batches.uncertain().filter_map(of).collect();
        uncertain.into_iter().for_each(|batch| self.give_up(batch, why));
    }

    // Status

    fn on_status(&mut self, mut query: StatusQuery, mut page: Page) {
        self.session.failed_queries = 0;
        let (rows, total) = (page.rows.len(), page.total);
        self.tracking.count_rows(&mut query, &mut page);
        for record in page.rows {
            self.on_row(&record);
        }
        match self.tracking.after_page(query, rows, total, self.now) {
            AfterPage::Next(query) => self.pages.push(query),
            AfterPage::Cut => self.ask_records_for_status("the provider doesn't give all rows of a task by its id"),
            AfterPage::Complete(ids) => ids.iter().for_each(|id| self.query_unnamed(id)),
        }
    }

    /// A row of the records: the tasks that it names have its state.
    fn on_row(&mut self, record: &Record) {
        let batches = self.tracking.batches(&record.task_id).to_vec();
        let (places, accepted) = (&self.places, &self.batches);
        let may_be = |task: TaskIndex| {
            matches!(places[task as usize], Place::InBatch(batch)
                if batches.contains(&batch) && accepted.accepted_of(batch).is_some())
        };
        let tasks = match self.spec.tracking.as_ref().is_some_and(|tracking| tracking.whole_batches) {
            true => batches.iter().flat_map(|&batch| self.open_of(batch)).filter(|&task| may_be(task)).collect(),
            false => self.records.attribute(record, may_be),
        };
        let outcome = match &record.state {
            TaskState::Running => return,
            TaskState::Complete => Outcome::Done,
            TaskState::Failed(why) => Outcome::Failed(format!("the provider's task {} failed: {why}", record.task_id)),
        };
        for task in tasks {
            if let Some(accepted) = self.batch_of(task).and_then(|batch| self.batches.accepted_of(batch)) {
                // Of a batch of an earlier run it isn't known how long it took.
                if matches!(accepted.sent, SentAt::Moment(_)) {
                    self.tracking.learn(&record.task_id, self.operation(task), self.now - accepted.at);
                }
            }
            self.finish(task, outcome.clone(), Some(record.task_id.clone()));
        }
    }

    fn on_status_error(&mut self, mut query: StatusQuery, error: &ApiError) {
        let (now, ids) = (self.now, &query.task_ids);
        match error.kind {
            // Perhaps one of them isn't visible yet.
            ApiErrorKind::Refused | ApiErrorKind::TooLarge => {
                self.tracking.separate(ids);
                self.tracking.answered(ids, now, now);
            }
            ApiErrorKind::Forbidden | ApiErrorKind::Denied if !query.by_records => {
                self.tracking.answered(ids, now, now);
                self.ask_records_for_status(&error.to_string());
            }
            ApiErrorKind::Forbidden | ApiErrorKind::Denied | ApiErrorKind::Credentials => {
                self.stop_tracking(&error.to_string());
                self.stop_without_credentials(error);
            }
            ApiErrorKind::Expired => self.tracking.answered(ids, now, now),
            ApiErrorKind::Clock if self.correct_clock(error) => self.tracking.answered(ids, now, now),
            _ => {
                self.session.failed_queries += 1;
                let until = now + retry::delay(self.session.failed_queries, error, &mut self.random);
                // The page alone: a list that is throttled at its third page would never be read to its end if each query began with the first.
                if query.page > 1 && query.failures < PAGE_RETRIES {
                    query.failures += 1;
                    query.not_before = Some(until);
                    self.pages.push(query);
                } else {
                    self.tracking.unanswered(ids, until);
                }
            }
        }
    }

    /// The records say how far a task is by its id too, one at a time.
    fn ask_records_for_status(&mut self, why: &str) {
        if self.tracking.source != StatusSource::ByTaskId {
            return;
        }
        if self.spec.records().is_none() {
            self.stop_tracking(why);
            return;
        }
        self.tracking.source = StatusSource::ByRecords;
        self.note(format!("{}: querying the records for the status of tasks: {why}", self.plan.target.name));
    }

    /// What was accepted isn't followed any more.
    fn stop_tracking(&mut self, why: &str) {
        let why = format!("the provider accepted it, and its status can't be queried: {why}");
        self.tracking.source = StatusSource::Unavailable(why.clone());
        let accepted: Vec<BatchNumber> = self.batches.accepted().map(|(batch, _)| batch.content.number).collect();
        for task in accepted.into_iter().flat_map(|batch| self.open_of(batch)).collect::<Vec<_>>() {
            self.end(task, Outcome::Unknown(why.clone()));
        }
    }

    /// Credentials that may not query may not submit either, and it is they that a person should look at.
    fn stop_without_credentials(&mut self, error: &ApiError) {
        if error.kind == ApiErrorKind::Credentials {
            self.stop(None, StopCause::Credentials, &error.to_string());
        }
    }

    // URLs that no row names

    /// Every row of an id has ended: URLs of its batches that no row named are queried one by one.
    fn query_unnamed(&mut self, id: &str) {
        if self.spec.records().is_none() {
            return;
        }
        for batch in self.tracking.batches(id).to_vec() {
            if let Some(accepted) = self.batches.accepted_mut(batch) {
                let at = (accepted.at + MISSING).max(self.now);
                accepted.query.get_or_insert(RecordQuery::first(at));
            }
        }
    }

    /// What the records say of a URL that no row of its task named.
    fn on_records_of_task(
        &mut self,
        number: BatchNumber,
        task: TaskIndex,
        accepted: &RangeInclusive<Timestamp>,
        result: Result<Page, ApiError>,
    ) {
        let now = self.now;
        let is_clock_corrected = result.as_ref().is_err_and(|error| self.learn_clock(error));
        let Some(batch) = self.batches.accepted_mut(number) else { return };
        let since = batch.at;
        let Some(query) = batch.query.as_mut() else { return };
        query.is_in_flight = false;
        let queried_at = query.at;
        // More rows may be counted than were given.
        let is_whole = result.as_ref().is_ok_and(|page| page.total <= page.rows.len());
        let page = match result {
            Ok(page) => page,
            Err(error) if error.kind == ApiErrorKind::Credentials => {
                self.stop_tracking(&error.to_string());
                self.stop_without_credentials(&error);
                return;
            }
            Err(_) if is_clock_corrected => {
                query.at = now;
                return;
            }
            // What can't be read names nothing either.
            Err(error) if is_final(error.kind) && !self.drop_range(&error) => Page::default(),
            Err(error) => {
                self.session.failed_queries += 1;
                let at = now + retry::delay(self.session.failed_queries, &error, &mut self.random);
                self.query_again(number, at);
                return;
            }
        };
        self.query_again(number, now + MISSING);
        self.session.failed_queries = 0;
        if let Some(record) = page.rows.into_iter().find(|record| self.is_trace(record, task, accepted)) {
            // The others may each have an id of their own: no reason to wait before the next query.
            self.query_again(number, now);
            self.link(number, &record.task_id);
            self.on_row(&record);
        } else if queried_at >= since + RECORD_LAG {
            self.settle_unnamed(number, task, is_whole);
        }
    }

    fn query_again(&mut self, number: BatchNumber, at: Instant) {
        if let Some(query) = self.batches.accepted_mut(number).and_then(|accepted| accepted.query.as_mut()) {
            query.at = at;
        }
    }

    /// Another id that a batch's URLs were accepted under.
    fn link(&mut self, number: BatchNumber, id: &str) {
        let operation = self.batches.get(number).map(|batch| batch.content.operation);
        let Some((accepted, operation)) = self.batches.accepted_mut(number).zip(operation) else { return };
        if accepted.task_ids.iter().any(|known| known == id) {
            return;
        }
        accepted.task_ids.push(id.to_owned());
        let (task_ids, size) = (accepted.task_ids.clone(), accepted.open);
        self.journal(Entry::Taken { lane: self.index, batch: number, task_ids, is_done: false });
        self.tracking.follow(id, number, size, operation, (self.now, Duration::ZERO));
    }

    /// Long after the acceptance, neither the rows of a batch's ids nor the records name a URL. If the provider keeps a row
    /// for each batch instead of each URL (not documented either way), its ids speak for all their URLs; else, or once it was
    /// seen to keep a row for each URL, nobody knows what became of this one. Of a batch that may be accepted in part, records that
    /// `are_whole` show that this one wasn't.
    fn settle_unnamed(&mut self, number: BatchNumber, task: TaskIndex, are_whole: bool) {
        let Some(accepted) = self.batches.accepted_of(number) else { return };
        if are_whole && !accepted.acknowledged && self.has_parts(self.operation(task)) {
            self.send_apart(number, task);
            return;
        }
        let complete: Option<Vec<_>> = accepted.task_ids.iter().map(|id| self.tracking.complete(id)).collect();
        let Some(complete) = complete else { return };
        let tasks = self.batches.tasks(number);
        let host_of = |&task: &TaskIndex| host(&self.plan.tasks[task as usize].task.subject.text()).to_owned();
        let hosts: HashSet<String> = tasks.iter().map(host_of).collect();
        let is_whole = accepted.acknowledged && accepted.task_ids.len() <= hosts.len();
        let may_be = self.tracking.row_shape != RowShape::PerUrl && complete.iter().all(|rows| rows.is_row_per_batch);
        if !may_be || !(is_whole || self.tracking.row_shape == RowShape::PerBatch) {
            self.end(
                task,
                Outcome::Unknown("the provider accepted its batch, and its records don't name it".to_owned()),
            );
            return;
        }
        let failure = complete.iter().find_map(|rows| rows.failure.clone());
        self.tracking.row_shape = RowShape::PerBatch;
        let outcome =
            failure.map_or(Outcome::Done, |why| Outcome::Failed(format!("the provider's task failed: {why}")));
        self.unnamed_of(number).into_iter().for_each(|task| self.end(task, outcome.clone()));
    }

    /// Takes a task out of a batch that was accepted without it, as the records show, and queues it alone.
    fn send_apart(&mut self, number: BatchNumber, task: TaskIndex) {
        let apart = self.batches.number();
        let Some(batch) = self.batches.get_mut(number) else { return };
        batch.content.tasks.retain(|&other| other != task);
        let content = plan::Batch { number: apart, tasks: vec![task], ..batch.content.clone() };
        if let Some(accepted) = self.batches.accepted_mut(number) {
            accepted.open -= 1;
        }
        let operation = content.operation;
        if !self.batches.is_unaccepted(operation) {
            // It couldn't be accepted before.
            self.gates.class(operation).progress = self.now;
        }
        self.queue(content, false, None);
        self.requeue(apart, self.now);
        self.close_if_over(number);
    }

    // Ends

    /// Ends tasks that time out, and what a signal leaves.
    fn expire(&mut self) {
        let now = self.now;
        if self.session.journal_broken && self.batches.queued().next().is_some() {
            self.stop(None, StopCause::Journal, "the journal can't be written any more, so nothing more may be sent");
        }
        if let Some((signal, until)) = self.session.interrupted
            && (now >= until || self.session.submitting == 0)
        {
            let why = interrupted_by(signal);
            let why = format!("{why} before its outcome was known; a run with the same `journal` continues from here");
            for task in (0..).take(self.places.len()) {
                self.end(task, Outcome::Unknown(why.clone()));
            }
            return;
        }
        let late = |(batch, accepted): (&Batch, &Accepted)| {
            let operation = batch.content.operation;
            (now >= accepted.at + self.gates.timeout(operation)).then_some((batch.content.number, operation))
        };
        let late: Vec<(BatchNumber, Operation)> = self.batches.accepted().filter_map(late).collect();
        for (batch, operation) in late {
            let waited = self.gates.timeout(operation);
            let why = format!("it wasn't finished {waited:?} after the provider accepted it");
            self.open_of(batch).into_iter().for_each(|task| self.end(task, Outcome::Unknown(why.clone())));
        }
        for operation in self.gates.operations() {
            if self.stuck_at(operation).is_some_and(|at| now >= at) {
                let last = self.gates.of(operation).last_refusal.as_ref().map(|why| format!("; the last error: {why}"));
                let why = format!("the provider accepted no batch before the timeout{}", last.unwrap_or_default());
                self.stop(Some(operation), StopCause::Deadline, &why);
                self.give_up_all(operation, &why);
            }
        }
    }

    /// When the provider will have accepted nothing of an operation for too long, although something of it is to be sent.
    fn stuck_at(&self, operation: Operation) -> Option<Instant> {
        // It is we who wait, as long as a batch that was accepted isn't done.
        let is_our_turn = !self.waits_for_accepted(operation) || self.batches.accepted().next().is_none();
        let is_wanted = is_our_turn && self.batches.is_unaccepted(operation);
        is_wanted.then(|| self.gates.progress(operation) + self.gates.timeout(operation))
    }

    fn next_deadline(&self) -> Option<Instant> {
        let accepted =
            self.batches.accepted().map(|(batch, accepted)| accepted.at + self.gates.timeout(batch.content.operation));
        let operations = self.gates.operations();
        accepted.chain(operations.into_iter().filter_map(|operation| self.stuck_at(operation))).min()
    }

    /// Nothing more is submitted; what is in flight gets a little time.
    fn interrupt(&mut self, signal: Signal) {
        let grace = GRACE.iter().find(|(of, _)| *of == signal).map_or(Duration::ZERO, |(_, grace)| *grace);
        // A second signal is a warning, and gives no more time than the first one left.
        let until = self.session.interrupted.map_or(self.now + grace, |(_, until)| until.min(self.now + grace));
        self.session.interrupted = Some((signal, until));
        self.stop(None, StopCause::Interrupted, interrupted_by(signal));
        for operation in self.gates.operations() {
            self.give_up_all(operation, interrupted_by(signal));
        }
    }

    /// Submits nothing more for an operation, or for any: what waits ends as unsubmitted. What is uncertain stays so until
    /// the records tell, and isn't sent again.
    fn stop(&mut self, operation: Option<Operation>, cause: StopCause, why: &str) {
        let mut news = self.gates.operations();
        news.retain(|&other| operation.is_none_or(|it| it == other) && self.gates.stopped(other).is_none());
        if news.is_empty() {
            return;
        }
        // A provider that rejects the credentials isn't queried again.
        self.session.credentials_refused |= cause == StopCause::Credentials;
        self.emit(EventKind::LaneStopped { lane: self.index, operation, cause, why: why.to_owned() });
        for &other in &news {
            self.gates.of(other).passage = Passage::Stopped(why.to_owned());
        }
        let queued = self.batches.queued().filter(|(batch, _)| news.contains(&batch.content.operation));
        let queued: Vec<BatchNumber> = queued.map(|(batch, _)| batch.content.number).collect();
        let mut ends: Vec<(TaskIndex, Outcome)> = Vec::new();
        for number in queued {
            let outcome = self.unsent(number, why);
            ends.extend(self.batches.tasks(number).iter().map(|&task| (task, outcome.clone())));
            self.batches.set(number, BatchState::Closed, false);
        }
        let waits = |task: &TaskIndex| self.is_waiting(*task) && news.contains(&self.operation(*task));
        let waiting = (0..).take(self.places.len()).filter(waits);
        ends.extend(waiting.map(|task| (task, Outcome::Unsubmitted(why.to_owned()))));
        ends.sort_by_key(|(task, _)| *task);
        ends.into_iter().for_each(|(task, outcome)| self.end(task, outcome));
    }

    /// Closes a batch that isn't accepted; its tasks have this outcome.
    fn close(&mut self, number: BatchNumber, outcome: &Outcome) {
        let tasks = self.batches.tasks(number).to_vec();
        self.batches.set(number, BatchState::Closed, false);
        tasks.into_iter().for_each(|task| self.end(task, outcome.clone()));
    }

    /// Gives a task its outcome; what waited for it and can't follow gets its own.
    fn end(&mut self, task: TaskIndex, outcome: Outcome) {
        self.finish(task, outcome, None);
    }

    /// The same, with its task id where it is known. What has an outcome keeps it, whatever a later row says.
    fn finish(&mut self, task: TaskIndex, outcome: Outcome, task_id: Option<String>) {
        let place = std::mem::replace(&mut self.places[task as usize], Place::Ended);
        let mut id = task_id;
        let batch = match place {
            Place::Ended => return,
            Place::Waiting => None,
            Place::InBatch(number) => Some(number),
        };
        self.prefetches.remove(task);
        if let Some(accepted) = batch.and_then(|number| self.batches.accepted_mut(number)) {
            accepted.open -= 1;
            id = id.or_else(|| Some(accepted.task_ids.join(",")));
        }
        self.open -= 1;
        let name = outcome.name();
        let is_done = outcome == Outcome::Done;
        let left = if is_done {
            self.prefetches.done(task, self.now);
            Vec::new()
        } else {
            self.prefetches.not_done(task)
        };
        if let Some(number) = batch {
            self.close_if_over(number);
        }
        self.tell(task, outcome.clone(), id.clone());
        for prefetch in left {
            self.end(prefetch, Outcome::Unsubmitted(format!("its refresh isn't done: {name}")));
        }
        for covered in self.covered.remove(&task).unwrap_or_default() {
            let outcome = self.covered_outcome(task, &outcome);
            self.finish(covered, outcome, id.clone());
        }
    }

    /// Closes an accepted batch whose tasks have all ended.
    fn close_if_over(&mut self, number: BatchNumber) {
        let Some(accepted) = self.batches.accepted_of(number).filter(|accepted| accepted.open == 0) else { return };
        let operation = self.batches.get(number).map(|batch| batch.content.operation);
        for id in &accepted.task_ids {
            self.tracking.leave(id, number);
        }
        self.batches.set(number, BatchState::Closed, false);
        if operation.is_some_and(|operation| self.waits_for_accepted(operation)) {
            // Whatever waited for this batch, of either class, couldn't be accepted before.
            self.gates.restart_progress(self.now);
        }
    }

    fn tell(&mut self, task: TaskIndex, outcome: Outcome, task_id: Option<String>) {
        let operation = self.operation(task);
        let is_blocked = self.prefetches.is_blocked(task);
        // Nobody wants to wait for it: it was accepted and isn't followed, or it is a prefetch whose refresh wasn't done by then.
        let is_left = !self.options.wait.follows(operation)
            && match &outcome {
                Outcome::Unknown(_) => task_id.is_some(),
                Outcome::Unsubmitted(_) => is_blocked && self.gates.stopped(operation).is_none(),
                Outcome::Done | Outcome::Failed(_) => false,
            };
        let is_done = outcome == Outcome::Done;
        let is_final = match &outcome {
            Outcome::Done | Outcome::Failed(_) => true,
            Outcome::Unsubmitted(_) => is_blocked,
            Outcome::Unknown(_) => false,
        };
        self.summary.complete &= is_done;
        self.summary.as_asked &= is_done || is_left;
        self.summary.all_final &= is_final;
        let lane = self.index;
        // A server's words may repeat a secret; they go to the report alone, which is redacted.
        self.journal(Entry::Ended { lane, task, outcome: outcome.without_reason(), task_id: task_id.clone() });
        self.emit(EventKind::TaskFinished { lane, task, outcome, task_id });
    }

    // Little helpers

    /// Whether a task is in no batch, has no outcome, and may be sent: not one that another covers.
    fn is_waiting(&self, task: TaskIndex) -> bool {
        self.places[task as usize] == Place::Waiting && self.plan.tasks[task as usize].covered_by.is_none()
    }

    /// The outcome of what a refresh with this outcome covers.
    fn covered_outcome(&self, wider: TaskIndex, outcome: &Outcome) -> Outcome {
        let because = |why: &str| format!("covered by `{}`: {why}", self.plan.tasks[wider as usize].task.subject);
        match outcome {
            Outcome::Done => Outcome::Done,
            Outcome::Failed(why) => Outcome::Failed(because(why)),
            Outcome::Unknown(why) => Outcome::Unknown(because(why)),
            Outcome::Unsubmitted(why) => Outcome::Unsubmitted(because(why)),
        }
    }

    fn operation(&self, task: TaskIndex) -> Operation {
        self.plan.tasks[task as usize].task.operation
    }

    /// The batch that a task was accepted in.
    fn batch_of(&self, task: TaskIndex) -> Option<BatchNumber> {
        match self.places[task as usize] {
            Place::InBatch(batch) => Some(batch),
            _ => None,
        }
    }

    /// Tasks of a batch that have no outcome yet.
    fn open_of(&self, batch: BatchNumber) -> Vec<TaskIndex> {
        let tasks = self.batches.tasks(batch).iter().copied();
        tasks.filter(|&task| self.places[task as usize] == Place::InBatch(batch)).collect()
    }

    /// Those of them that no row has named.
    fn unnamed_of(&self, batch: BatchNumber) -> Vec<TaskIndex> {
        self.open_of(batch).into_iter().filter(|&task| !self.records.is_named(task)).collect()
    }

    fn journal(&mut self, entry: Entry) {
        self.commands.push(Command::Journal(entry));
    }

    /// `why` is in our own words: a server may repeat a secret in its.
    fn journal_not_taken(&mut self, batch: BatchNumber, why: String) {
        self.journal(Entry::NotTaken { lane: self.index, batch, why });
    }

    fn emit(&mut self, kind: EventKind) {
        self.commands.push(Command::Emit(kind));
    }

    fn note(&mut self, text: String) {
        self.emit(EventKind::Noted { text });
    }

    fn report_retry(&mut self, batch: BatchNumber, why: String, after: Duration) {
        self.emit(EventKind::BatchRetried { lane: self.index, batch, why, after });
    }
}

/// Whether a response proves that the credentials are valid.
pub(super) fn proves_credentials<T>(answer: &Result<T, ApiError>) -> bool {
    let is_known = |kind| matches!(kind, ApiErrorKind::Forbidden | ApiErrorKind::Denied | ApiErrorKind::Refused);
    answer.as_ref().map_or_else(|error| is_known(error.kind), |_| true)
}

/// Whether repeating the query can't help.
fn is_final(kind: ApiErrorKind) -> bool {
    matches!(kind, ApiErrorKind::Forbidden | ApiErrorKind::Credentials | ApiErrorKind::Denied)
}

/// How long a slot of an operation's call takes.
fn slot(spec: &Spec, operation: Operation) -> Duration {
    spec.operation(operation)
        .map_or(Duration::ZERO, |limits| Duration::from_secs_f64(1.0 / limits.call.rate.amount_per_second()))
}

fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
