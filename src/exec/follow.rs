//! Rows of the provider's records become verdicts: which task each speaks of, and when an id's rows have all ended.
//!
//! A task is done only when a row says so: one that names it, or the only row of a batch that the provider took as one.

use std::collections::HashMap;

use tokio::time::Instant;

use super::lane::LaneRun;
use crate::client::retry;
use crate::model::{BatchNumber, EventKind, Operation, Outcome, StopCause, TaskIndex};
use crate::provider::{ApiError, ApiErrorKind, CallSpec, Page, Record, TaskState};

/// The most pages that are read of one list: what doesn't end isn't a list.
pub(super) const PAGES: u32 = 100;

/// A question how far some tasks are, and what its pages told so far.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) task_ids: Vec<String>,
    /// Asked of the records instead, one id at a time.
    pub(super) listed: bool,
    /// From 1.
    pub(super) page: u32,
    seen: usize,
    told: HashMap<String, Told>,
}

/// What the rows of an id told.
#[derive(Debug, Default)]
struct Told {
    rows: usize,
    /// How many batches the id stood for when the first of them came; they end while rows are read.
    batches: Option<usize>,
    is_running: bool,
    failure: Option<String>,
}

impl Reading {
    pub(super) fn of(task_ids: Vec<String>, listed: bool) -> Self {
        Self { task_ids, listed, page: 1, ..Self::default() }
    }
}

/// Whether there is a page after this one, `seen` rows included: a full page, or a total that isn't reached yet. Neither is
/// trusted alone; what the provider says of the total is a hint only.
pub(super) fn has_more(limit: &CallSpec, number: u32, page: &Page, seen: usize) -> bool {
    let full = page.rows.len() >= limit.rows_per_page;
    limit.rows_per_page > 0 && number < PAGES && !page.rows.is_empty() && (full || seen < page.total)
}

impl LaneRun<'_> {
    pub(super) fn status(&mut self, mut reading: Reading, answer: Page, now: Instant) {
        self.failed_questions = 0;
        reading.seen += answer.rows.len();
        let limit = super::list_or_status(self.spec, reading.listed);
        let has_more = has_more(limit, reading.page, &answer, reading.seen);
        let total = answer.total;
        let is_cut = !has_more && reading.seen < total;
        for mut record in answer.rows {
            if let ([id], true) = (&reading.task_ids[..], record.task_id.is_empty()) {
                record.task_id.clone_from(id);
            }
            if !reading.task_ids.contains(&record.task_id) {
                continue;
            }
            let told = reading.told.entry(record.task_id.clone()).or_default();
            told.rows += 1;
            told.batches = told.batches.or_else(|| self.poll.submissions(&record.task_id));
            self.row_per_address |= told.batches.is_some_and(|batches| told.rows > batches);
            match &record.state {
                TaskState::Running => told.is_running = true,
                TaskState::Failed(why) => told.failure = Some(why.clone()),
                TaskState::Complete => {}
            }
            for task in self.state.attribute(&record, self.poll.batches(&record.task_id)) {
                self.verdict(task, &record, now);
            }
        }
        if has_more {
            reading.page += 1;
            self.pages.push(reading);
            return;
        }
        self.poll.asked(&reading.task_ids, now, now);
        if is_cut && !reading.listed {
            self.list_instead("the provider doesn't give all rows of a task by its id");
            return;
        }
        for (id, told) in reading.told.into_iter().filter(|(_, told)| !told.is_running) {
            // Rows that are counted and not given speak for addresses of their own all the same.
            let rows = if is_cut { told.rows.max(total) } else { told.rows };
            self.poll.settle(&id, rows, told.failure);
            self.look_for_unnamed(&id, now);
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

    pub(super) fn status_failed(&mut self, reading: &Reading, error: &ApiError, now: Instant) {
        let ids = &reading.task_ids;
        match error.kind {
            // Perhaps one of them isn't visible yet.
            ApiErrorKind::Refused | ApiErrorKind::TooLarge => {
                self.poll.part(ids);
                self.poll.asked(ids, now, now);
            }
            ApiErrorKind::Forbidden | ApiErrorKind::Denied if !reading.listed => {
                self.poll.asked(ids, now, now);
                self.list_instead(&error.to_string());
            }
            ApiErrorKind::Forbidden | ApiErrorKind::Denied | ApiErrorKind::Credentials => self.go_blind(error),
            ApiErrorKind::Expired => self.poll.asked(ids, now, now),
            ApiErrorKind::Clock if self.correct_clock(error) => self.poll.asked(ids, now, now),
            _ => {
                self.failed_questions += 1;
                let until = now + retry::delay(self.failed_questions, error, &mut self.random);
                self.poll.asked(ids, until, now);
            }
        }
    }

    /// The records tell of a task by its id too, one at a time.
    fn list_instead(&mut self, why: &str) {
        if !self.listing {
            self.listing = true;
            let text = format!("{}: asking the records how far tasks are: {why}", self.state.lane.target.name);
            self.shared.emit(EventKind::Noted { text });
        }
    }

    /// The provider won't say how far anything is.
    pub(super) fn go_blind(&mut self, error: &ApiError) {
        self.leave_taken(&error.to_string());
        self.stop_without_keys(error);
    }

    /// Keys that may not ask may not submit either, and it is they that a person should look at.
    pub(super) fn stop_without_keys(&mut self, error: &ApiError) {
        if error.kind == ApiErrorKind::Credentials {
            self.stop(None, StopCause::Credentials, &error.to_string());
        }
    }

    /// What was taken isn't followed any more.
    pub(super) fn leave_taken(&mut self, why: &str) {
        let why = format!("the provider took it, and can't be asked how far it is: {why}");
        self.blind = Some(why.clone());
        let open: Vec<BatchNumber> = self.state.taken.keys().copied().collect();
        for task in open.into_iter().flat_map(|batch| self.state.open_of(batch)).collect::<Vec<_>>() {
            self.end(task, Outcome::Unknown(why.clone()));
        }
    }
}
