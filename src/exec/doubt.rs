//! What the provider's records are searched for: a batch whose answer was lost, and addresses that no row of their task names.
//!
//! A batch in doubt is sent again only when the records, long enough after it left, show no trace of it.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::journal::Entry;
use super::lane::{LaneRun, class};
use super::state::{Pending, Taken, Uncertain};
use crate::client::retry;
use crate::model::{BatchNumber, EventKind, Operation, Outcome, RefreshKind, TaskIndex};
use crate::provider::{Accepted, ApiError, ApiErrorKind, Page, Record};

/// How long the provider's records may lag behind; what they don't show by then was not taken. Unproven: no vendor states it.
const SETTLE: Duration = Duration::from_secs(30);
/// When to ask for an address that no row of its task names, or again after a list that broke off.
const MISSING: Duration = Duration::from_secs(10);
/// How often a batch is sent again after the records proved that it wasn't taken.
const RESENDS: u32 = 8;

impl LaneRun<'_> {
    /// A batch left and no answer tells whether it was executed: the records are asked.
    pub(super) fn doubt(&mut self, pending: Pending, sent: Instant, sent_at: Timestamp, why: String) {
        let Pending { batch, attempts, absences, .. } = pending;
        self.state.mark_out(&batch.tasks, true);
        let number = batch.number;
        self.shared.emit(EventKind::BatchUncertain { lane: self.index, batch: number, why: why.clone() });
        let next_look = sent + Duration::from_secs(1);
        let uncertain =
            Uncertain { batch, attempts, absences, sent, sent_at, why, next_look, looking: false, looks: 0 };
        if let Some((signal, _)) = self.interrupted {
            self.give_up(&uncertain, super::interrupted_by(signal));
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
            // Another address each time, should the provider have taken a part of them only.
            let tasks = &uncertain.batch.tasks;
            let task = *tasks.get((uncertain.looks as usize - 1) % tasks.len().max(1))?;
            return Some((uncertain.batch.number, task, uncertain.sent_at));
        }
        let due =
            self.state.taken.values().find(|taken| !taken.looking && taken.next_look.is_some_and(|at| at <= now))?;
        let (batch, since) = (due.batch.number, due.sent_at);
        let unnamed = self.state.unnamed_of(batch);
        let taken = self.state.taken.get_mut(&batch)?;
        let Some(task) = unnamed.get(taken.looks % unnamed.len().max(1)).copied() else {
            taken.next_look = None;
            return self.next_look(now);
        };
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
        let (found, is_cut) = match result {
            Ok(page) => {
                let is_cut = (1..page.total).contains(&page.rows.len());
                let trace = |record: &Record| self.is_trace(record, task, uncertain.sent_at);
                (page.rows.into_iter().find(trace), is_cut)
            }
            Err(error) if self.looks_otherwise(&error) => {
                uncertain.next_look = now;
                self.state.uncertain.insert(number, uncertain);
                return;
            }
            Err(error) if is_final(error.kind) => {
                self.give_up(&uncertain, &format!("and the records can't be read: {error}"));
                self.stop_without_keys(&error);
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
            self.taken(uncertain.batch, accepted, uncertain.sent_at, now, false);
        } else if now < uncertain.sent + SETTLE {
            uncertain.next_look = uncertain.sent + SETTLE;
            self.state.uncertain.insert(number, uncertain);
        } else if is_cut {
            // More rows are counted than were given: the trace may be among the others.
            uncertain.next_look = now + MISSING;
            self.state.uncertain.insert(number, uncertain);
        } else if uncertain.batch.operation == Operation::Refresh(RefreshKind::Tag) {
            // What a row shows of a tag isn't documented, so that there is none proves nothing.
            self.give_up(&uncertain, "and no record has to name a tag");
        } else {
            self.absent(uncertain, now);
        }
    }

    /// The records may refuse a time range; without one they are asked again, once.
    fn looks_otherwise(&mut self, error: &ApiError) -> bool {
        let refused = matches!(error.kind, ApiErrorKind::Denied | ApiErrorKind::Refused);
        refused && !std::mem::replace(&mut self.timeless, true)
    }

    /// The records prove that a batch wasn't taken.
    fn absent(&mut self, uncertain: Uncertain, now: Instant) {
        let Uncertain { batch, attempts, absences, why, .. } = uncertain;
        let proof = format!("{why}; the provider's records don't show it");
        self.record_not_taken(batch.number, "the provider's records don't show it".to_owned());
        self.state.mark_out(&batch.tasks, false);
        if absences >= RESENDS || !self.budgets[class(batch.operation)].withdraw(ApiErrorKind::Server) {
            for &task in &batch.tasks {
                self.end(task, Outcome::Unsubmitted(proof.clone()));
            }
            return;
        }
        if !self.stopped.contains_key(&batch.operation) {
            let (lane, number) = (self.index, batch.number);
            self.shared.emit(EventKind::BatchRetried { lane, batch: number, why: proof, after: Duration::ZERO });
        }
        self.put_back(Pending { batch, attempts, absences: absences + 1, not_before: now }, now);
    }

    /// Whether a record is what a submission of this task at this time left.
    fn is_trace(&self, record: &Record, task: TaskIndex, sent_at: Timestamp) -> bool {
        let whole_seconds = Timestamp::from_second(sent_at.as_second()).unwrap_or(sent_at);
        let earliest = whole_seconds.checked_sub(Duration::from_secs(2)).unwrap_or(whole_seconds);
        self.state.is_about(record, task) && record.created.is_none_or(|created| created >= earliest)
    }

    /// Every row of an id has ended: addresses of its batches that no row named are asked for one by one.
    pub(super) fn look_for_unnamed(&mut self, id: &str, now: Instant) {
        for &batch in self.poll.batches(id) {
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
            Err(error) if error.kind == ApiErrorKind::Credentials => {
                self.go_blind(&error);
                return;
            }
            // What can't be read names nothing either.
            Err(error) if is_final(error.kind) && !self.looks_otherwise(&error) => Page::default(),
            Err(error) => {
                self.failed_questions += 1;
                let at = now + retry::delay(self.failed_questions, &error, &mut self.random);
                if let Some(taken) = self.state.taken.get_mut(&number) {
                    taken.next_look = Some(at);
                }
                return;
            }
        };
        taken_next(self.state.taken.get_mut(&number), now + MISSING);
        self.failed_questions = 0;
        let found = page.rows.into_iter().find(|record| self.is_trace(record, task, sent_at));
        if let Some(record) = found {
            // The others may each have an id of their own: no reason to wait before asking for the next.
            taken_next(self.state.taken.get_mut(&number), now);
            self.link(number, &record.task_id, now);
            let batches = self.poll.batches(&record.task_id).to_vec();
            for task in self.state.attribute(&record, &batches) {
                self.verdict(task, &record, now);
            }
        } else if now >= since + SETTLE {
            self.settle_unnamed(number, task);
        }
    }

    /// Another id that a batch's addresses were taken under.
    fn link(&mut self, number: BatchNumber, id: &str, now: Instant) {
        let Some(taken) = self.state.taken.get_mut(&number) else { return };
        if taken.task_ids.iter().any(|known| known == id) {
            return;
        }
        taken.task_ids.push(id.to_owned());
        let (task_ids, size) = (taken.task_ids.clone(), taken.open);
        let prefetch = taken.batch.operation == Operation::Prefetch;
        self.shared.record(&Entry::Taken { lane: self.index, batch: number, task_ids });
        self.poll.follow(id, number, size, prefetch, now);
    }

    /// Long after the acceptance, neither the rows of a batch's ids nor the records name an address. If the provider keeps
    /// a row for each batch instead of each address (not documented either way), its ids speak for all their addresses;
    /// else, or once it was seen to keep a row for each address, nobody knows what became of this one.
    fn settle_unnamed(&mut self, number: BatchNumber, task: TaskIndex) {
        let Some(taken) = self.state.taken.get(&number) else { return };
        let settled: Option<Vec<_>> = taken.task_ids.iter().map(|id| self.poll.settled(id)).collect();
        let Some(settled) = settled else { return };
        let hosts: HashSet<&str> = taken.batch.tasks.iter().map(|&task| host(self.state.url(task))).collect();
        let is_whole = taken.acknowledged && taken.task_ids.len() <= hosts.len();
        let may_be = !self.row_per_address && settled.iter().all(|id| id.is_row_per_batch);
        if !may_be || !(is_whole || self.row_per_batch) {
            self.end(task, Outcome::Unknown("the provider took its batch, and its records don't name it".to_owned()));
            return;
        }
        let failure = settled.iter().find_map(|id| id.failure.clone());
        self.row_per_batch = true;
        let outcome =
            failure.map_or(Outcome::Done, |why| Outcome::Failed(format!("the provider's task failed: {why}")));
        for task in self.state.unnamed_of(number) {
            self.end(task, outcome.clone());
        }
    }
}

/// Whether asking again can't help.
fn is_final(kind: ApiErrorKind) -> bool {
    matches!(kind, ApiErrorKind::Forbidden | ApiErrorKind::Credentials | ApiErrorKind::Denied)
}

fn taken_next(taken: Option<&mut Taken>, at: Instant) {
    if let Some(taken) = taken {
        taken.next_look = Some(at);
    }
}

fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default()
}
