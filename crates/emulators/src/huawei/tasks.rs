//! Accepted addresses become tasks with ids, and tasks grow old: the vendor's records.
//!
//! Indexed by address, since a run of ten thousand addresses asks for its tasks thousands of times; a task's rows are next
//! to each other.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Operation, RefreshKind};
use crate::provider::emulation::{EmulatorSettings, LedgerEntry};

/// Everything that was accepted. A row's place is its place in the ledger.
#[derive(Default)]
pub(super) struct Tasks {
    ledger: Vec<LedgerEntry>,
    rows: Vec<Row>,
    tasks: Vec<Task>,
    by_url: HashMap<String, Vec<usize>>,
}

struct Row {
    /// The place of its task.
    task: usize,
    end: End,
}

/// A call that was accepted.
pub(super) struct Task {
    pub(super) id: u64,
    pub(super) operation: Operation,
    /// For a directory.
    pub(super) mode: String,
    /// On the vendor's clock.
    pub(super) created: Timestamp,
    /// The places of its rows.
    pub(super) places: Range<usize>,
    takes: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Succeeded,
    Failed,
    Never,
}

/// The first id; those of new examples are numbers of about this size.
const FIRST_ID: u64 = 2_000_345;

/// How long records are kept. Source: reference 2025-11 (see `spec.rs`).
const KEPT: SignedDuration = SignedDuration::from_hours(15 * 24);

impl Tasks {
    pub(super) fn ledger(&self) -> &[LedgerEntry] {
        &self.ledger
    }

    /// Takes addresses and returns their task's id. `created` is on the vendor's clock, `at` on the caller's; each `takes`
    /// so long.
    pub(super) fn accept(
        &mut self,
        operation: Operation,
        mode: &str,
        urls: &[&str],
        settings: &EmulatorSettings,
        (created, at): (Timestamp, Timestamp),
        takes: Duration,
    ) -> u64 {
        let holds_one_of = |url: &str, marks: &[String]| marks.iter().any(|mark| url.contains(mark.as_str()));
        let (task, first) = (self.tasks.len(), self.rows.len());
        let id = FIRST_ID + task as u64;
        for url in urls {
            let end = match () {
                () if holds_one_of(url, &settings.hang) => End::Never,
                () if holds_one_of(url, &settings.fail) => End::Failed,
                () => End::Succeeded,
            };
            self.by_url.entry((*url).to_owned()).or_default().push(self.rows.len());
            self.rows.push(Row { task, end });
            self.ledger.push(LedgerEntry { at, operation, url: (*url).to_owned(), task_id: id.to_string() });
        }
        let places = first..self.rows.len();
        self.tasks.push(Task { id, operation, mode: mode.to_owned(), created, places, takes });
        id
    }

    pub(super) fn all(&self) -> &[Task] {
        &self.tasks
    }

    pub(super) fn find(&self, id: &str) -> Option<&Task> {
        let id: u64 = id.parse().ok()?;
        self.tasks.get(usize::try_from(id.checked_sub(FIRST_ID)?).ok()?)
    }

    /// Where the rows of exactly this address are, oldest first.
    pub(super) fn of_url(&self, url: &str) -> &[usize] {
        self.by_url.get(url).map_or(&[], Vec::as_slice)
    }

    /// Where all rows are, oldest first.
    pub(super) fn everywhere(&self) -> Range<usize> {
        0..self.rows.len()
    }

    pub(super) fn task_of(&self, place: usize) -> &Task {
        &self.tasks[self.rows[place].task]
    }

    pub(super) fn url(&self, place: usize) -> &str {
        &self.ledger[place].url
    }

    /// The status of a row, in lower case.
    pub(super) fn status(&self, place: usize, now: Timestamp) -> &'static str {
        let task = self.task_of(place);
        let age = now.duration_since(task.created).as_secs_f64();
        let takes = task.takes.as_secs_f64();
        let working = if task.operation == Operation::Prefetch { "preheating" } else { "refreshing" };
        match self.rows[place].end {
            _ if age < takes / 10.0 => "waiting",
            End::Never => working,
            _ if age < takes => working,
            End::Succeeded => "succeed",
            End::Failed => "failed",
        }
    }
}

impl Task {
    /// Whether it shows up at all: after the lag, for fifteen days.
    pub(super) fn is_listed(&self, settings: &EmulatorSettings, now: Timestamp) -> bool {
        let age = now.duration_since(self.created);
        let lag = SignedDuration::try_from(settings.listing_lag).unwrap_or(SignedDuration::MAX);
        (lag..=KEPT).contains(&age)
    }

    pub(super) fn file_type(&self) -> &'static str {
        if self.operation == Operation::Refresh(RefreshKind::Directory) { "directory" } else { "file" }
    }

    /// The word of the task lists; that of its rows is in upper case.
    pub(super) fn task_type(&self) -> &'static str {
        if self.operation == Operation::Prefetch { "preheating" } else { "refresh" }
    }
}
