//! What the provider's records are searched for: a batch whose answer was lost, and addresses that no row of their task names.
//!
//! A batch in doubt is sent again only when the records, long enough after it left, show no trace of it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::journal::Entry;
use super::lane::LaneRun;
use super::retry;
use super::state::{Pending, Uncertain};
use crate::model::{BatchNumber, EventKind, Operation, Outcome, TaskIndex};
use crate::plan::Batch;
use crate::provider::{Accepted, ApiError, ApiErrorKind, Page, Record};

/// How long the provider's records may lag behind; what they don't show by then was not taken. Unproven: no vendor states it.
const SETTLE: Duration = Duration::from_secs(30);
/// When to ask for an address that no row of its task names.
const MISSING: Duration = Duration::from_secs(10);
/// How often a batch whose answer was lost is sent again, each time after the records proved it absent.
const RESENDS: u32 = 3;

impl LaneRun<'_> {
    /// A batch left and no answer tells whether it was executed: the records are asked.
    pub(super) fn doubt(&mut self, batch: Batch, attempts: u32, sent: Instant, sent_at: Timestamp, why: String) {
        self.state.mark_out(&batch.tasks, true);
        let number = batch.number;
        self.shared.emit(EventKind::BatchUncertain { lane: self.index, batch: number, why: why.clone() });
        let next_look = sent + Duration::from_secs(1);
        let uncertain = Uncertain { batch, attempts, sent, sent_at, why, next_look, looking: false, looks: 0 };
        if let Some(stopped) = self.stopped.get(&uncertain.batch.operation).cloned() {
            self.give_up(&uncertain, &stopped);
            return;
        }
        self.state.uncertain.insert(number, uncertain);
    }

    /// The next question to the records: for a batch in doubt, or for an address that no row names.
    pub(super) fn next_look(&mut self, now: Instant) -> Option<(BatchNumber, TaskIndex, Timestamp)> {
        let due = |uncertain: &&mut Uncertain| !uncertain.looking && uncertain.next_look <= now;
        if let Some(uncertain) = self.state.uncertain.values_mut().find(due) {
            uncertain.looking = true;
            uncertain.looks += 1;
            let first = *uncertain.batch.tasks.first()?;
            return Some((uncertain.batch.number, first, uncertain.sent_at));
        }
        let due =
            self.state.taken.values().find(|taken| !taken.looking && taken.next_look.is_some_and(|at| at <= now))?;
        let (batch, since) = (due.batch.number, due.sent_at);
        let open = self.state.open_of(batch);
        let taken = self.state.taken.get_mut(&batch)?;
        let task = *open.get(taken.looks % open.len().max(1))?;
        taken.looking = true;
        taken.looks += 1;
        Some((batch, task, since))
    }

    pub(super) fn looked_for_batch(
        &mut self,
        number: BatchNumber,
        task: TaskIndex,
        result: Result<Page, ApiError>,
        now: Instant,
    ) {
        let Some(mut uncertain) = self.state.uncertain.remove(&number) else { return };
        uncertain.looking = false;
        let found = match result {
            Ok(page) => page.records.into_iter().find(|record| self.is_trace(record, task, uncertain.sent_at)),
            Err(error)
                if matches!(error.kind, ApiErrorKind::Forbidden | ApiErrorKind::Credentials | ApiErrorKind::Denied) =>
            {
                self.give_up(&uncertain, &format!("and the records can't be read: {error}"));
                return;
            }
            Err(error) => {
                uncertain.next_look = now + retry::delay(uncertain.looks, &error, &mut self.random);
                self.state.uncertain.insert(number, uncertain);
                return;
            }
        };
        if let Some(record) = found {
            let accepted = Accepted { task_ids: vec![record.task_id], request_id: None };
            self.taken(uncertain.batch, accepted, uncertain.sent_at, now);
        } else if now < uncertain.sent + SETTLE {
            uncertain.next_look = uncertain.sent + SETTLE;
            self.state.uncertain.insert(number, uncertain);
        } else {
            self.absent(uncertain, now);
        }
    }

    /// The records prove that a batch wasn't taken.
    fn absent(&mut self, uncertain: Uncertain, now: Instant) {
        let Uncertain { batch, attempts, why, .. } = uncertain;
        let proof = format!("{why}; the provider's records don't show it");
        self.record_not_taken(batch.number, "the provider's records don't show it".to_owned());
        self.state.mark_out(&batch.tasks, false);
        if attempts > RESENDS || !self.budget.pay(ApiErrorKind::Server) {
            for &task in &batch.tasks {
                self.end(task, Outcome::Unsubmitted(proof.clone()));
            }
            return;
        }
        let (lane, number) = (self.index, batch.number);
        self.shared.emit(EventKind::BatchRetried { lane, batch: number, why: proof, after: Duration::ZERO });
        self.put_back(Pending { batch, attempts, not_before: now }, now);
    }

    /// Whether a record is what a submission of this task at this time left.
    fn is_trace(&self, record: &Record, task: TaskIndex, sent_at: Timestamp) -> bool {
        let whole_seconds = Timestamp::from_second(sent_at.as_second()).unwrap_or(sent_at);
        let earliest = whole_seconds.checked_sub(Duration::from_secs(2)).unwrap_or(whole_seconds);
        let prefetch = self.state.operation(task) == Operation::Prefetch;
        record.url == self.state.url(task)
            && record.prefetch == prefetch
            && record.created.is_none_or(|created| created >= earliest)
    }

    /// Every row of an id has ended: addresses of its batches that no row named are asked for one by one.
    pub(super) fn settle(&mut self, id: &str, failure: Option<String>, now: Instant) {
        self.settled.insert(id.to_owned(), failure);
        for batch in self.poll.batches(id).to_vec() {
            if let Some(taken) = self.state.taken.get_mut(&batch) {
                let at = (taken.taken + MISSING).max(now);
                taken.next_look.get_or_insert(at);
            }
        }
    }

    /// What the records say of an address that no row of its task named.
    pub(super) fn looked_for_task(
        &mut self,
        number: BatchNumber,
        task: TaskIndex,
        result: Result<Page, ApiError>,
        now: Instant,
    ) {
        let Some(taken) = self.state.taken.get_mut(&number) else { return };
        taken.looking = false;
        let (since, sent_at) = (taken.taken, taken.sent_at);
        let page = match result {
            Ok(page) => page,
            Err(error) => {
                self.failed_questions += 1;
                taken.next_look = Some(now + retry::delay(self.failed_questions, &error, &mut self.random));
                return;
            }
        };
        self.failed_questions = 0;
        taken.next_look = Some(now + MISSING);
        if let Some(record) = page.records.iter().find(|record| self.is_trace(record, task, sent_at)) {
            self.link(number, &record.task_id, now);
            if self.state.batch_of(task) == Some(number) {
                self.verdict(task, record, now);
            }
        } else if now >= since + SETTLE {
            self.end_by_id(number);
        }
    }

    /// Another id that a batch's addresses were taken under.
    fn link(&mut self, number: BatchNumber, id: &str, now: Instant) {
        let Some(taken) = self.state.taken.get_mut(&number) else { return };
        if taken.task_ids.iter().any(|known| known == id) {
            return;
        }
        taken.task_ids.push(id.to_owned());
        taken.next_look = None;
        let (task_ids, size) = (taken.task_ids.clone(), taken.open);
        let prefetch = taken.batch.operation == Operation::Prefetch;
        self.shared.record(&Entry::Taken { lane: self.index, batch: number, task_ids });
        self.poll.follow(id, number, size, prefetch, now);
    }

    /// The provider keeps a row for each task id instead of each address (not documented either way): long after the
    /// acceptance, its ids speak for all their addresses.
    fn end_by_id(&mut self, number: BatchNumber) {
        let Some(taken) = self.state.taken.get(&number) else { return };
        let verdicts: Option<Vec<_>> = taken.task_ids.iter().map(|id| self.settled.get(id)).collect();
        let Some(verdicts) = verdicts else { return };
        let failure = verdicts.into_iter().flatten().next().cloned();
        let outcome =
            failure.map_or(Outcome::Done, |why| Outcome::Failed(format!("the provider's task failed: {why}")));
        for task in self.state.open_of(number) {
            self.end(task, outcome.clone());
        }
    }
}
