//! What an answer to a submission changes: a batch taken, refused or in doubt.
//!
//! The rule behind all of it: a batch is sent again only when it certainly wasn't executed.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::journal::Entry;
use super::lane::{LaneRun, class};
use super::requests::Answer;
use super::state::Pending;
use crate::client::retry;
use crate::model::{BatchNumber, EventKind, Operation, Outcome, StopCause};
use crate::plan::Batch;
use crate::provider::{Accepted, ApiError, ApiErrorKind};

/// How long a provider that was never heard is tried: a name that doesn't resolve today won't in ten minutes.
const UNREACHABLE: Duration = Duration::from_secs(60);
/// So many addresses that are refused alone, with none ever taken, say that all will be.
const REFUSED_ALONE: usize = 20;
/// The longest wait before a provider that can't be reached is tried again.
const PROBE: Duration = Duration::from_secs(10);
/// How often a clock is corrected before the keys are to blame.
const CLOCK_CORRECTIONS: u32 = 2;

impl LaneRun<'_> {
    pub(super) fn absorb(&mut self, answer: Answer, now: Instant) {
        self.answered(&answer);
        self.proved |= answer.proves_keys();
        match answer {
            Answer::Held(pending) => self.put_back(pending, now),
            Answer::Keyless(pending, error) => {
                self.put_back(pending, now);
                self.stop(None, StopCause::Credentials, &error.to_string());
            }
            Answer::Submitted { pending, sent, sent_at, result } => {
                let is_silent =
                    result.as_ref().is_err_and(|error| error.status.is_none() && error.kind == ApiErrorKind::Unsent);
                self.unreachable_since = self.unreachable_since.or(Some(now)).filter(|_| is_silent);
                match result {
                    Ok(accepted) => self.taken(pending.batch, accepted, sent_at, now, true),
                    Err(error) => self.not_taken(pending, &error, sent, sent_at, now),
                }
            }
            Answer::Status { reading, result } => match result {
                Ok(answer) => self.status(reading, answer, now),
                Err(error) => self.status_failed(&reading, &error, now),
            },
            Answer::Looked { batch, task, result } if self.state.uncertain.contains_key(&batch) => {
                self.looked_for_batch(batch, task, result, now);
            }
            Answer::Looked { batch, task, result } => self.looked_for_task(batch, task, result, now),
        }
    }

    /// A batch that never left goes back to its place, unless its operation was stopped in the meantime.
    pub(super) fn put_back(&mut self, pending: Pending, not_before: Instant) {
        self.state.mark_out(&pending.batch.tasks, false);
        match self.stopped.get(&pending.batch.operation).cloned() {
            Some(why) => {
                for &task in &pending.batch.tasks {
                    self.end(task, Outcome::Unsubmitted(why.clone()));
                }
            }
            None => self.state.queue.push_front(Pending { not_before, ..pending }),
        }
    }

    /// The provider took a batch: it said so (`acknowledged`), or its records show it.
    pub(super) fn taken(
        &mut self,
        batch: Batch,
        accepted: Accepted,
        sent_at: Timestamp,
        now: Instant,
        acknowledged: bool,
    ) {
        self.budgets[class(batch.operation)].deposit();
        self.was_taken.insert(batch.operation);
        self.last_refusal.remove(&batch.operation);
        let Accepted { task_ids, request_id } = accepted;
        let number = batch.number;
        self.shared.record(&Entry::Taken { lane: self.index, batch: number, task_ids: task_ids.clone() });
        let lane = self.index;
        self.shared.emit(EventKind::BatchSubmitted { lane, batch: number, task_ids: task_ids.clone(), request_id });
        self.accept(batch, task_ids, sent_at, now, acknowledged);
    }

    /// Follows a batch that the provider took.
    pub(super) fn accept(
        &mut self,
        batch: Batch,
        task_ids: Vec<String>,
        sent_at: Timestamp,
        now: Instant,
        acknowledged: bool,
    ) {
        let (number, operation, size) = (batch.number, batch.operation, batch.tasks.len());
        self.progress[class(operation)] = now;
        for id in &task_ids {
            self.poll.follow(id, number, size, operation == Operation::Prefetch, now);
        }
        let tasks = batch.tasks.clone();
        let age = self.age(sent_at);
        self.state.take(batch, task_ids, sent_at, (now, age), acknowledged);
        let left = if self.follows(operation) {
            self.blind.clone()
        } else {
            Some("the provider took it; it isn't followed, as `wait` asks".to_owned())
        };
        if let Some(why) = left {
            for task in tasks {
                self.end(task, Outcome::Unknown(why.clone()));
            }
        }
    }

    fn not_taken(&mut self, pending: Pending, error: &ApiError, sent: Instant, sent_at: Timestamp, now: Instant) {
        let operation = pending.batch.operation;
        match error.kind {
            ApiErrorKind::Server | ApiErrorKind::Ambiguous => {
                let pending = Pending { attempts: pending.attempts + 1, ..pending };
                self.doubt(pending, sent, sent_at, error.to_string());
                return;
            }
            kind => self.record_not_taken(pending.batch.number, format!("{}: {kind:?}", error.api)),
        }
        self.state.mark_out(&pending.batch.tasks, false);
        match error.kind {
            ApiErrorKind::Unsent | ApiErrorKind::Throttled => self.again_later(pending, error, now),
            ApiErrorKind::Clock => {
                let (batch, why) = (pending.batch.number, error.to_string());
                self.requeue(pending, now);
                if self.clock_corrected.is_some_and(|at| at > sent) || self.correct_clock(error) {
                    self.shared.emit(EventKind::BatchRetried { lane: self.index, batch, why, after: Duration::ZERO });
                } else {
                    self.stop(None, StopCause::Credentials, &why);
                }
            }
            ApiErrorKind::Expired => {
                let (batch, why) = (pending.batch.number, error.to_string());
                self.shared.emit(EventKind::BatchRetried { lane: self.index, batch, why, after: Duration::ZERO });
                self.requeue(pending, now);
            }
            ApiErrorKind::Refused | ApiErrorKind::TooLarge => self.split(&pending.batch, error, now),
            ApiErrorKind::QuotaSpent => self.stop_with(pending, Some(operation), StopCause::Quota, error, now),
            ApiErrorKind::Credentials => self.stop_with(pending, None, StopCause::Credentials, error, now),
            ApiErrorKind::Forbidden => self.stop_with(pending, Some(operation), StopCause::Credentials, error, now),
            ApiErrorKind::Denied => self.stop_with(pending, Some(operation), StopCause::Denied, error, now),
            ApiErrorKind::Server | ApiErrorKind::Ambiguous => unreachable!("returned above"),
        }
    }

    /// `why` is in our own words: a server may repeat a secret in its.
    pub(super) fn record_not_taken(&self, batch: BatchNumber, why: String) {
        self.shared.record(&Entry::NotTaken { lane: self.index, batch, why });
    }

    fn stop_with(
        &mut self,
        pending: Pending,
        operation: Option<Operation>,
        cause: StopCause,
        error: &ApiError,
        now: Instant,
    ) {
        self.requeue(pending, now);
        self.stop(operation, cause, &error.to_string());
    }

    /// Puts a batch that certainly wasn't executed back into the queue; if its operation is stopped, its tasks end.
    fn requeue(&mut self, pending: Pending, not_before: Instant) {
        let attempts = pending.attempts + 1;
        self.put_back(Pending { attempts, ..pending }, not_before);
    }

    /// Certainly not executed: the same batch again, later; nothing else of this operation leaves before.
    fn again_later(&mut self, pending: Pending, error: &ApiError, now: Instant) {
        let (batch, operation) = (pending.batch.number, pending.batch.operation);
        self.last_refusal.insert(operation, error.to_string());
        let is_unreachable = self.unreachable_since.is_some_and(|since| now >= since + UNREACHABLE);
        if is_unreachable && self.was_taken.is_empty() {
            let why = format!("the provider couldn't be reached for {} s: {error}", UNREACHABLE.as_secs());
            self.requeue(pending, now);
            self.stop(None, StopCause::RetriesSpent, &why);
            return;
        }
        // What was in flight together with the one that brought the wait is one and the same refusal.
        let is_held = self.held.get(&operation).is_some_and(|&until| until > now);
        if !is_held && !self.budgets[class(operation)].withdraw(error.kind) {
            let why = format!("the provider couldn't be made to take anything for a long time: {error}");
            self.requeue(pending, now);
            self.stop(Some(operation), StopCause::RetriesSpent, &why);
            return;
        }
        let mut after = retry::delay(pending.attempts + 1, error, &mut self.random);
        if error.kind == ApiErrorKind::Unsent {
            // Nobody is spared by a longer wait, and a network that comes back is met soon.
            after = after.min(PROBE);
        }
        let until = now + after;
        let held = self.held.entry(operation).or_insert(until);
        *held = until.max(*held);
        self.shared.emit(EventKind::BatchRetried { lane: self.index, batch, why: error.to_string(), after });
        self.requeue(pending, until);
    }

    /// Cuts a refused batch in two; an address that is refused alone has failed.
    fn split(&mut self, batch: &Batch, error: &ApiError, now: Instant) {
        if let [task] = batch.tasks[..] {
            self.end(task, Outcome::Failed(format!("refused: {error}")));
            self.refused_alone += 1;
            if self.refused_alone == REFUSED_ALONE && !self.was_taken.contains(&batch.operation) {
                let why = format!("{REFUSED_ALONE} addresses were refused alone and none was taken: {error}");
                self.stop(Some(batch.operation), StopCause::Denied, &why);
            }
            return;
        }
        let half = batch.tasks.len().div_ceil(2);
        if error.kind == ApiErrorKind::TooLarge {
            let largest = self.largest.entry(batch.operation).or_insert(half);
            *largest = half.min(*largest);
        }
        self.shared.emit(EventKind::BatchSplit { lane: self.index, batch: batch.number, why: error.to_string() });
        if let Some(why) = self.stopped.get(&batch.operation).cloned() {
            for &task in &batch.tasks {
                self.end(task, Outcome::Unsubmitted(why.clone()));
            }
            return;
        }
        // The halves go first, so that what is refused alone is found before everything else was tried.
        for tasks in batch.tasks.chunks(half).rev() {
            let number = self.state.number();
            let (operation, force) = (batch.operation, batch.force);
            let half = Batch { number, operation, force, tasks: tasks.to_vec() };
            self.state.queue.push_front(Pending { batch: half, attempts: 0, absences: 0, not_before: now });
        }
    }

    /// Takes the provider's clock as the right one; `false` when that was tried often enough.
    pub(super) fn correct_clock(&mut self, error: &ApiError) -> bool {
        self.clock_corrections += 1;
        self.clock_corrected = Some(Instant::now());
        match error.server_time {
            Some(server) if self.clock_corrections <= CLOCK_CORRECTIONS => {
                self.connection.api.correct_clock(server);
                true
            }
            _ => false,
        }
    }
}
