//! What an answer changes: a batch taken, refused or in doubt; a row that ends a task; a trace of a lost one.
//!
//! The rule behind all of it: a batch is sent again only when it certainly wasn't executed, and a task is done only when a
//! row of the provider's records says so.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::journal::Entry;
use super::lane::{LaneRun, class};
use super::requests::Answer;
use super::retry;
use super::state::Pending;
use crate::model::{BatchNumber, EventKind, Operation, Outcome, StopCause, TaskIndex};
use crate::plan::Batch;
use crate::provider::{Accepted, ApiError, ApiErrorKind, Page, Record, TaskState};

/// How often a clock is corrected before the keys are to blame.
const CLOCK_CORRECTIONS: u32 = 2;

impl LaneRun<'_> {
    pub(super) fn absorb(&mut self, answer: Answer, now: Instant) {
        self.answered(&answer);
        match answer {
            Answer::Held(pending) => self.put_back(pending, now),
            Answer::Submitted { pending, sent, sent_at, result } => match result {
                Ok(accepted) => self.taken(pending.batch, accepted, sent_at, now),
                Err(error) => self.not_taken(pending, &error, sent, sent_at, now),
            },
            Answer::Status { task_ids, page, seen, result } => match result {
                Ok(answer) => self.status(&task_ids, page, seen, &answer, now),
                Err(error) => self.status_failed(&task_ids, &error, now),
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
            None => self.state.queue.insert(0, Pending { not_before, ..pending }),
        }
    }

    pub(super) fn taken(&mut self, batch: Batch, accepted: Accepted, sent_at: Timestamp, now: Instant) {
        self.budget.earn();
        self.budget.earn();
        let Accepted { task_ids, request_id } = accepted;
        let number = batch.number;
        self.shared.record(&Entry::Taken { lane: self.index, batch: number, task_ids: task_ids.clone() });
        let lane = self.index;
        self.shared.emit(EventKind::BatchSubmitted { lane, batch: number, task_ids: task_ids.clone(), request_id });
        self.accept(batch, task_ids, sent_at, now);
    }

    /// Follows a batch that the provider took.
    pub(super) fn accept(&mut self, batch: Batch, task_ids: Vec<String>, sent_at: Timestamp, now: Instant) {
        let (number, operation, size) = (batch.number, batch.operation, batch.tasks.len());
        self.progress[class(operation)] = now;
        for id in &task_ids {
            self.poll.follow(id, number, size, operation == Operation::Prefetch, now);
        }
        let tasks = batch.tasks.clone();
        self.state.take(batch, task_ids, sent_at, now);
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
                let why = error.to_string();
                self.doubt(pending.batch, pending.attempts + 1, sent, sent_at, why);
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
                if self.correct_clock(error) {
                    self.shared.emit(EventKind::BatchRetried { lane: self.index, batch, why, after: Duration::ZERO });
                } else {
                    self.stop(None, StopCause::Credentials, &why);
                }
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
        if !self.budget.pay(error.kind) {
            let why = format!("the provider couldn't be made to take anything for a long time: {error}");
            self.requeue(pending, now);
            self.stop(None, StopCause::RetriesSpent, &why);
            return;
        }
        let after = retry::delay(pending.attempts + 1, error, &mut self.random);
        let until = now + after;
        if error.kind == ApiErrorKind::Throttled
            && let Some(limits) = self.spec.operation(operation)
        {
            self.shared.pace(self.spec.name, limits.api, limits.calls_per_second).throttled(now);
        }
        self.held.insert(operation, until);
        self.shared.emit(EventKind::BatchRetried { lane: self.index, batch, why: error.to_string(), after });
        self.requeue(pending, until);
    }

    /// Cuts a refused batch in two; an address that is refused alone has failed.
    fn split(&mut self, batch: &Batch, error: &ApiError, now: Instant) {
        if let [task] = batch.tasks[..] {
            self.end(task, Outcome::Failed(format!("refused: {error}")));
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
        for tasks in batch.tasks.chunks(half) {
            let number = self.state.number();
            let half = Batch { number, tasks: tasks.to_vec(), ..batch.clone() };
            self.state.queue.push(Pending { batch: half, attempts: 0, not_before: now });
        }
    }

    /// Takes the provider's clock as the right one; `false` when that was tried often enough.
    fn correct_clock(&mut self, error: &ApiError) -> bool {
        self.clock_corrections += 1;
        match error.server_time {
            Some(server) if self.clock_corrections <= CLOCK_CORRECTIONS => {
                self.access.api.correct_clock(server);
                true
            }
            _ => false,
        }
    }

    fn status(&mut self, task_ids: &[String], page: u32, seen: usize, answer: &Page, now: Instant) {
        self.failed_questions = 0;
        let mut ids: std::collections::HashMap<&str, (bool, Option<String>)> = std::collections::HashMap::new();
        for record in &answer.records {
            let (ended, failure) = ids.entry(&record.task_id).or_insert((true, None));
            match &record.state {
                TaskState::Running => *ended = false,
                TaskState::Failed(why) => *failure = Some(why.clone()),
                TaskState::Complete => {}
            }
            for task in self.state.attribute(record) {
                self.verdict(task, record, now);
            }
        }
        let seen = seen + answer.records.len();
        let rows = self.spec.status.rows_per_page;
        if rows > 0 && answer.records.len() >= rows && seen < answer.total {
            self.pages.push((task_ids.to_vec(), page + 1, seen));
            return;
        }
        self.poll.asked(task_ids, now, now);
        if page == 1 {
            for (id, (_, failure)) in ids.into_iter().filter(|(_, (ended, _))| *ended) {
                self.settle(id, failure, now);
            }
        }
    }

    pub(super) fn verdict(&mut self, task: TaskIndex, record: &Record, now: Instant) {
        let outcome = match &record.state {
            TaskState::Running => return,
            TaskState::Complete => Outcome::Done,
            TaskState::Failed(why) => Outcome::Failed(format!("the provider's task {} failed: {why}", record.task_id)),
        };
        if let Some(taken) = self.state.batch_of(task).and_then(|batch| self.state.taken.get(&batch)) {
            let prefetch = taken.batch.operation == Operation::Prefetch;
            self.poll.learn(prefetch, now - taken.taken);
        }
        self.end_under(task, outcome, Some(&record.task_id));
    }

    fn status_failed(&mut self, task_ids: &[String], error: &ApiError, now: Instant) {
        self.failed_questions += 1;
        match error.kind {
            ApiErrorKind::Forbidden | ApiErrorKind::Denied | ApiErrorKind::Credentials => {
                let why = format!("the provider took it, and can't be asked how far it is: {error}");
                self.blind = Some(why.clone());
                if error.kind == ApiErrorKind::Credentials {
                    self.stop(None, StopCause::Credentials, &error.to_string());
                }
                let open: Vec<BatchNumber> = self.state.taken.keys().copied().collect();
                for task in open.into_iter().flat_map(|batch| self.state.open_of(batch)).collect::<Vec<_>>() {
                    self.end(task, Outcome::Unknown(why.clone()));
                }
            }
            ApiErrorKind::Clock if self.correct_clock(error) => self.poll.asked(task_ids, now, now),
            _ => {
                let until = now + retry::delay(self.failed_questions, error, &mut self.random);
                if error.kind == ApiErrorKind::Throttled {
                    let status = &self.spec.status;
                    self.shared.pace(self.spec.name, status.api, status.calls_per_second).throttled(until);
                }
                self.poll.asked(task_ids, until, now);
            }
        }
    }
}
