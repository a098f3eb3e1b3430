//! Accepted URLs as tasks with ids, which take their time: the vendor's task list.
//!
//! Indexed by id and by URL, since a run of ten thousand URLs queries its tasks thousands of times.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::request::contains_any;
use crate::{EmulatorSettings, LedgerEntry, Operation, Rows};

/// Everything that was accepted. A row's place is its place in the ledger.
pub(crate) struct Tasks {
    settings: EmulatorSettings,
    first_id: u64,
    kept: SignedDuration,
    ledger: Vec<LedgerEntry>,
    rows: Vec<Row>,
    by_id: Vec<Vec<usize>>,
    by_url: HashMap<String, Vec<usize>>,
}

struct Row {
    id: u64,
    /// On the vendor's clock.
    created: Timestamp,
    takes: Duration,
    /// What comes of it in the end; `None`: it never ends.
    end: Option<Progress>,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Progress {
    /// Under way, with the share that is done, from 0 to 1.
    Running(f64),
    Complete,
    Failed,
}

impl Tasks {
    pub(crate) fn new(settings: EmulatorSettings, first_id: u64, kept: SignedDuration) -> Self {
        let (ledger, rows, by_id) = (Vec::new(), Vec::new(), Vec::new());
        Self { settings, first_id, kept, ledger, rows, by_id, by_url: HashMap::new() }
    }

    pub(crate) fn ledger(&self) -> &[LedgerEntry] {
        &self.ledger
    }

    /// The id of the next task.
    pub(crate) fn next_id(&self) -> u64 {
        self.first_id + self.by_id.len() as u64
    }

    /// Takes a URL under an id: a known one, or the next. `now` is on the vendor's clock.
    pub(crate) fn accept(&mut self, id: u64, operation: Operation, url: &str, now: Timestamp, typical: Duration) {
        let settings = &self.settings;
        let end = match () {
            () if contains_any(url, &settings.hang) => None,
            () if contains_any(url, &settings.fail) => Some(Progress::Failed),
            () => Some(Progress::Complete),
        };
        let (takes, place) = (settings.task_duration.unwrap_or(typical), self.rows.len());
        let at = now - SignedDuration::from_secs(settings.clock_offset_seconds);
        self.rows.push(Row { id, created: now, takes, end });
        if id == self.next_id() {
            self.by_id.push(Vec::new());
        }
        if let Some(places) = self.by_id.get_mut((id - self.first_id) as usize) {
            places.push(place);
        }
        self.by_url.entry(url.to_owned()).or_default().push(place);
        self.ledger.push(LedgerEntry { at, operation, url: url.to_owned(), task_id: id.to_string() });
    }

    /// How long after its acceptance the task of a row is complete, if it ever is.
    pub(crate) fn takes(&self, place: usize) -> Option<Duration> {
        let row = &self.rows[place];
        (row.end == Some(Progress::Complete)).then_some(row.takes)
    }

    /// The ids of all tasks, oldest first.
    pub(crate) fn ids(&self) -> Range<u64> {
        self.first_id..self.next_id()
    }

    /// The places of a task's rows, oldest first.
    pub(crate) fn of_id(&self, id: u64) -> &[usize] {
        let index = id.checked_sub(self.first_id).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.by_id.get(index)).map_or(&[], Vec::as_slice)
    }

    /// The places of the rows of exactly this URL, oldest first.
    pub(crate) fn of_url(&self, url: &str) -> &[usize] {
        self.by_url.get(url).map_or(&[], Vec::as_slice)
    }

    /// The places of the rows that were created in this time, start and end included.
    pub(crate) fn created_within(&self, start: Timestamp, end: Timestamp) -> Range<usize> {
        let from = self.rows.partition_point(|row| row.created < start);
        from..self.rows.partition_point(|row| row.created <= end).max(from)
    }

    /// What was accepted at a place.
    pub(crate) fn entry(&self, place: usize) -> &LedgerEntry {
        &self.ledger[place]
    }

    pub(crate) fn id(&self, place: usize) -> u64 {
        self.rows[place].id
    }

    pub(crate) fn created(&self, place: usize) -> Timestamp {
        self.rows[place].created
    }

    /// Whether a row shows up: after the lag, as long as tasks are kept, and only a task's first if it has one row.
    pub(crate) fn is_listed(&self, place: usize, now: Timestamp) -> bool {
        let row = &self.rows[place];
        let lag = SignedDuration::try_from(self.settings.listing_lag).unwrap_or(SignedDuration::MAX);
        let is_first = || self.of_id(row.id).first() == Some(&place);
        (lag..=self.kept).contains(&now.duration_since(row.created))
            && (self.settings.rows == Rows::PerUrl || is_first())
    }

    /// How far the task of a row is; if it has one row, how far all of its URLs are.
    pub(crate) fn progress(&self, place: usize, now: Timestamp) -> Progress {
        let one = |place: usize| {
            let row = &self.rows[place];
            let age = now.duration_since(row.created).as_secs_f64();
            let share = if row.takes.is_zero() { 1.0 } else { age / row.takes.as_secs_f64() };
            row.end.filter(|_| share >= 1.0).unwrap_or(Progress::Running(share.clamp(0.0, 1.0)))
        };
        if self.settings.rows == Rows::PerUrl {
            return one(place);
        }
        let all = || self.of_id(self.rows[place].id).iter().map(|place| one(*place));
        let is_running = |progress: &Progress| matches!(progress, Progress::Running(_));
        all().find(is_running).or_else(|| all().find(|one| *one == Progress::Failed)).unwrap_or(Progress::Complete)
    }
}
