//! Plan → events: carries a plan out, and is the only part that waits.
//!
//! A lane (`lane.rs`) decides what goes out next from what it knows (`state.rs`); everything that is sent passes the pace of
//! its API (`pace.rs`) and, if it changes anything, the journal (`journal.rs`) first.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::client::connection::Connection;
use crate::client::rate_limit::RateLimiter;
use crate::client::retry;
use crate::config::Wait;
use crate::model::{Event, EventKind, LaneIndex, Moment, Operation, Outcome, Resumed, Signal, StopCause};
use crate::plan::guard::{self, Verdict};
use crate::plan::{Lane, Plan};
use crate::provider::{ApiError, ApiErrorKind, CallSpec};
use interrupt::Interrupt;
use journal::{Entry, Journal, Past, PastLane};
use lane::LaneRun;

mod answers;
mod doubt;
mod ending;
mod follow;
pub mod interrupt;
pub mod journal;
mod lane;
mod poll;
mod requests;
mod spelling;
mod state;

/// The longest time without an event while something is waited for.
const SILENCE: Duration = Duration::from_secs(30);

/// How a plan is carried out.
#[derive(Clone, Debug)]
pub struct Options {
    /// What to wait for.
    pub wait: Wait,
    /// How long to wait for a refresh after the provider took it.
    pub refresh_timeout: Duration,
    /// How long to wait for a prefetch after the provider took it.
    pub prefetch_timeout: Duration,
    /// At most so many addresses in a batch.
    pub batch_size: Option<usize>,
    /// The next batch only when the one before is done.
    pub sequential: bool,
    /// Where jitter comes from.
    pub seed: u64,
    /// When the program started, on the wall clock; the time of events counts from here on the monotonic one.
    pub started: Timestamp,
}

/// Carries out a plan; `connections` are those of its lanes, in order. Every task ends in exactly one outcome, told to `sink`.
pub async fn execute(
    plan: &Plan,
    connections: &[Connection],
    options: &Options,
    journal: Journal,
    past: &Past,
    interrupt: Interrupt,
    sink: &mut dyn FnMut(&Event),
) {
    let shared = Shared {
        options,
        journal: RefCell::new(journal),
        journal_broken: Cell::new(false),
        sink: RefCell::new(sink),
        interrupt,
        start: Instant::now(),
        silent_since: Cell::new(Instant::now()),
        told_interrupted: Cell::new(false),
        paces: RefCell::new(HashMap::new()),
        calls: Cell::new(0),
        complete: Cell::new(true),
        as_asked: Cell::new(true),
        settled: Cell::new(true),
    };
    let none = PastLane::default();
    let past_of = |index: usize| past.lanes.get(&lane_index(index)).unwrap_or(&none);
    let resumed = past.begun.map(|begun| {
        let lanes = (0..plan.lanes.len()).map(past_of);
        let tasks = lanes.map(|past| past.done.len() + past.open.values().map(|open| open.tasks.len()).sum::<usize>());
        Resumed { tasks: tasks.sum(), begun, journal: shared.journal.borrow().path().to_owned() }
    });
    if let Some(begun) = past.outdated {
        let begun = begun.strftime("%Y-%m-%dT%H:%M:%SZ");
        let text =
            format!("the run that began at {begun} is too long ago to go on from: all of its addresses are sent");
        shared.emit(EventKind::Noted { text });
    }
    shared.emit(EventKind::RunStarted { tasks: plan.len(), resumed });

    let beginnings = quotas(plan, connections, past, &shared).await;
    let lanes = plan.lanes.iter().zip(connections).zip(beginnings).enumerate().map(
        |(index, ((lane, connection), beginning))| {
            LaneRun::new(lane_index(index), lane, connection, &shared, past_of(index), beginning).run()
        },
    );
    futures_util::future::join_all(lanes).await;

    let (complete, as_asked, settled) = (shared.complete.get(), shared.as_asked.get(), shared.settled.get());
    if shared.journal.borrow_mut().write(&Entry::Closed { complete, as_asked, settled }).is_err() {
        shared.emit(EventKind::Noted { text: "the journal's last record couldn't be written".into() });
    }
    shared.emit(EventKind::RunFinished { calls: shared.calls.get() });
}

/// How a lane begins.
#[derive(Debug, Default)]
struct Beginning {
    /// Why it may not submit anything.
    refusal: Option<(StopCause, String)>,
    /// Whether the provider knew the keys.
    proved: bool,
}

/// Reads each account's quota, once, and holds what its lanes still have to submit against it. A quota that can't be read is
/// no reason to stop (the provider's refusals are believed later); keys that are refused are.
async fn quotas(plan: &Plan, connections: &[Connection], past: &Past, shared: &Shared<'_>) -> Vec<Beginning> {
    let mut beginnings: Vec<Beginning> = plan.lanes.iter().map(|_| Beginning::default()).collect();
    // Lanes of one account share the way there.
    let shares = |one: &Connection, other: &Connection| {
        Rc::ptr_eq(&one.api, &other.api) && one.provider.spec().name == other.provider.spec().name
    };
    let account =
        |index: usize| connections.iter().position(|other| shares(&connections[index], other)).unwrap_or(index);
    let accounts: Vec<usize> = (0..connections.len()).map(account).collect();
    let reads = accounts.iter().enumerate().map(|(index, &account)| async move {
        match index == account {
            true => Some(read_quota(&connections[index], lane_index(index), shared).await),
            false => None,
        }
    });
    let reads = futures_util::future::join_all(reads).await;
    for (index, &account) in accounts.iter().enumerate() {
        let Some(quota) = &reads[account] else { continue };
        let lane = &plan.lanes[index];
        let provider = lane.target.provider;
        beginnings[index].proved = requests::knows_keys(quota);
        match quota {
            Ok(quota) => {
                let same = plan.lanes.iter().enumerate().filter(|(at, _)| accounts[*at] == account);
                let costs: Vec<(Operation, u64)> = Operation::ALL
                    .into_iter()
                    .map(|operation| {
                        (
                            operation,
                            same.clone().map(|(at, lane)| cost(lane, past.lanes.get(&lane_index(at)), operation)).sum(),
                        )
                    })
                    .collect();
                shared.emit(EventKind::QuotaRead {
                    lane: lane_index(index),
                    quota: quota.clone(),
                    moment: Moment::Before,
                });
                match guard::fits(&costs, quota, provider.quota.as_ref().map_or("", |quota| quota.reset)) {
                    Verdict::Fits => {}
                    Verdict::FitsDearly(sentence) => shared.emit(EventKind::Noted { text: sentence }),
                    Verdict::Short(sentence) => beginnings[index].refusal = Some((StopCause::Quota, sentence)),
                }
            }
            Err(error) if error.kind == ApiErrorKind::Credentials => {
                beginnings[index].refusal = Some((StopCause::Credentials, error.to_string()));
            }
            Err(_) if shared.told_interrupted.get() || index != account => {}
            Err(error) => shared.emit(EventKind::Noted {
                text: format!("the quota of `{}` can't be read, going on without: {error}", lane.target.name),
            }),
        }
    }
    beginnings
}

/// What a lane still has to submit of an operation.
fn cost(lane: &Lane, past: Option<&PastLane>, operation: Operation) -> u64 {
    let Some(past) = past else { return lane.cost(operation) };
    let of = |task: &&u32| lane.tasks[**task as usize].task.operation == operation;
    let spent =
        past.done.keys().filter(of).count() + past.open.values().flat_map(|open| &open.tasks).filter(of).count();
    lane.cost(operation).saturating_sub(spent as u64)
}

/// Asks for the quota, a few times if need be; a clock that is off is corrected here already.
async fn read_quota(
    connection: &Connection,
    index: LaneIndex,
    shared: &Shared<'_>,
) -> Result<crate::model::Quota, ApiError> {
    let spec = connection.provider.spec();
    let Some(limits) = &spec.quota else { return Ok(crate::model::Quota::default()) };
    let pace = shared.pace(spec.name, &limits.call);
    let mut random = fastrand::Rng::with_seed(shared.options.seed ^ u64::from(index));
    let call = async || {
        shared.ensure_valid(connection).await?;
        pace.acquire().await;
        shared.count_call();
        let sent = Instant::now();
        connection.observe(sent, pace.on_response(connection.provider.quota(&*connection.api).await))
    };
    let next = |errors: u32, error: &ApiError| match (error.kind, error.server_time) {
        (ApiErrorKind::Clock, Some(server)) if errors <= 2 => {
            connection.api.correct_clock(server);
            let text = format!("this machine's clock is off; signing by the provider's: {error}");
            shared.emit(EventKind::Noted { text });
            Some(Duration::ZERO)
        }
        (ApiErrorKind::Expired, _) => Some(Duration::ZERO),
        (kind, _) if retry::is_transient(kind) && errors < 3 => Some(retry::delay(errors, error, &mut random)),
        _ => None,
    };
    let read = shared.unless_interrupted(retry::until(call, next)).await.unwrap_or_else(|| Err(unread(spec)));
    read.map_err(|error| match error.kind {
        ApiErrorKind::Clock => ApiError { kind: ApiErrorKind::Credentials, ..error },
        _ => error,
    })
}

fn unread(spec: &crate::provider::Spec) -> ApiError {
    ApiError::new(ApiErrorKind::Unsent, spec.quota.as_ref().map_or("", |quota| quota.call.api), "a signal came")
}

/// How a provider tracks its tasks.
fn tracking(spec: &'static crate::provider::Spec) -> &'static crate::provider::TrackingSpec {
    spec.tracking.as_ref().expect("every provider of the registry tracks its tasks")
}

/// The call that lists tasks, or the one that asks for their status by id.
fn list_or_status(spec: &'static crate::provider::Spec, listed: bool) -> &'static CallSpec {
    let tracking = tracking(spec);
    tracking.records.as_ref().filter(|_| listed).map_or(&tracking.status, |records| &records.call)
}

fn lane_index(index: usize) -> LaneIndex {
    LaneIndex::try_from(index).expect("a configuration of 256 KiB holds fewer than 65,536 targets")
}

/// What the lanes of a run share.
struct Shared<'a> {
    options: &'a Options,
    journal: RefCell<Journal>,
    journal_broken: Cell<bool>,
    sink: RefCell<&'a mut dyn FnMut(&Event)>,
    interrupt: Interrupt,
    start: Instant,
    /// When something was told last.
    silent_since: Cell<Instant>,
    told_interrupted: Cell<bool>,
    /// By provider and call: lanes of one provider share its account.
    paces: RefCell<HashMap<(&'static str, &'static str), Rc<RateLimiter>>>,
    calls: Cell<u64>,
    /// Whether every task so far is done.
    complete: Cell<bool>,
    /// Whether every task so far is done, or isn't because nobody wants to wait for it.
    as_asked: Cell<bool>,
    /// Whether every task so far is done or failed, or can't be tried since its refresh isn't done.
    settled: Cell<bool>,
}

impl Shared<'_> {
    fn emit(&self, kind: EventKind) {
        let elapsed = self.start.elapsed();
        self.silent_since.set(Instant::now());
        let at = self.options.started.checked_add(elapsed).unwrap_or(self.options.started);
        (self.sink.borrow_mut())(&Event { at, elapsed, kind });
    }

    /// What a future comes to; nothing if a signal comes first.
    async fn unless_interrupted<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut interrupt = self.interrupt.clone();
        tokio::select! {
            biased;
            signal = interrupt.other_than(None) => {
                self.tell_interrupted(signal);
                None
            }
            value = future => Some(value),
        }
    }

    /// Tells of a signal, once for all lanes.
    fn tell_interrupted(&self, signal: Signal) {
        if !self.told_interrupted.replace(true) {
            self.emit(EventKind::Interrupted { signal });
        }
    }

    /// Breaks a long silence, so that nobody takes the run for dead.
    fn tell_waiting(&self, lane: LaneIndex, open: usize, now: Instant) {
        if now >= self.silent_since.get() + SILENCE {
            self.emit(EventKind::Waiting { lane, open });
        }
    }

    fn pace(&self, provider: &'static str, call: &CallSpec) -> Rc<RateLimiter> {
        let mut paces = self.paces.borrow_mut();
        Rc::clone(
            paces
                .entry((provider, call.api))
                .or_insert_with(|| Rc::new(RateLimiter::new(call.rate.amount_per_second()))),
        )
    }

    /// Sees to it that the keys are good for what is sent next.
    async fn ensure_valid(&self, connection: &Connection) -> Result<(), ApiError> {
        if let Some(refreshed) = connection.ensure_valid().await? {
            self.emit(EventKind::Noted { text: refreshed.sentence(connection.provider.spec().name) });
        }
        Ok(())
    }

    fn count_call(&self) {
        self.calls.set(self.calls.get() + 1);
    }

    /// Writes to the journal. Once that fails, nothing is sent any more.
    fn record(&self, entry: &Entry) -> bool {
        if !self.journal_broken.get() && self.journal.borrow_mut().write(entry).is_err() {
            self.journal_broken.set(true);
        }
        !self.journal_broken.get()
    }

    fn note_outcome(&self, outcome: &Outcome, is_left: bool, is_blocked: bool) {
        let is_done = *outcome == Outcome::Done;
        let is_settled = match outcome {
            Outcome::Done | Outcome::Failed(_) => true,
            Outcome::Unsubmitted(_) => is_blocked,
            Outcome::Unknown(_) => false,
        };
        self.settled.set(self.settled.get() && is_settled);
        self.complete.set(self.complete.get() && is_done);
        self.as_asked.set(self.as_asked.get() && (is_done || is_left));
    }
}

/// The sentence for what an interruption leaves.
pub(crate) fn interrupted_by(signal: Signal) -> &'static str {
    match signal {
        Signal::Interrupt => "the run was interrupted (SIGINT)",
        Signal::Terminate => "the run was ended (SIGTERM)",
    }
}
