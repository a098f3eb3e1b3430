//! Accepted addresses become tasks with ids, and tasks grow old: the vendor's records.
//!
//! Indexed by id and by address, since a run of ten thousand addresses asks for its tasks thousands of times.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::model::{Operation, RefreshKind, Tag};
use crate::provider::emulation::{EmulatorSettings, Ids, LedgerEntry, Rows};
use crate::provider::sign::acs::timestamp;

/// Everything that was accepted. A row's place is its place in the ledger.
#[derive(Default)]
pub(super) struct Tasks {
    ledger: Vec<LedgerEntry>,
    rows: Vec<Row>,
    by_id: HashMap<u64, Vec<usize>>,
    by_url: HashMap<String, Vec<usize>>,
    /// The id that further addresses of the same operation and host get within the same second.
    open: HashMap<(Operation, String), OpenId>,
}

struct Row {
    id: u64,
    /// On the vendor's clock.
    created: Timestamp,
    takes: Duration,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Complete,
    Failed,
    Never,
}

struct OpenId {
    second: i64,
    id: u64,
    size: usize,
}

/// One row as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Shown<'t> {
    pub(super) task_id: &'t str,
    /// Of a refresh by tag, the tag: what the vendor shows there is not documented.
    pub(super) object_path: Cow<'t, str>,
    pub(super) object_type: &'static str,
    pub(super) status: &'static str,
    pub(super) process: String,
    pub(super) creation_time: String,
    pub(super) description: &'static str,
}

/// The first id; the vendor's are of this size. Source: guide 2021-07 (see `spec.rs`).
const FIRST_ID: u64 = 18_392_588_710;

impl Tasks {
    pub(super) fn ledger(&self) -> &[LedgerEntry] {
        &self.ledger
    }

    /// Takes addresses, each with its host, and returns their ids, each once. `created` is on the vendor's clock, `at`
    /// on the caller's; each `takes` so long.
    pub(super) fn accept(
        &mut self,
        operation: Operation,
        urls: &[(&str, String)],
        settings: &EmulatorSettings,
        (created, at): (Timestamp, Timestamp),
        takes: Duration,
    ) -> Vec<u64> {
        let holds_one_of = |url: &str, marks: &[String]| marks.iter().any(|mark| url.contains(mark.as_str()));
        let mut ids = Vec::new();
        let of_call = FIRST_ID + self.by_id.len() as u64;
        for (url, host) in urls {
            let id = match settings.ids {
                Ids::Merged => self.id(operation, host, created),
                Ids::PerCall => of_call,
                Ids::PerUrl => FIRST_ID + self.by_id.len() as u64,
            };
            if ids.last() != Some(&id) && !ids.contains(&id) {
                ids.push(id);
            }
            let end = match () {
                () if holds_one_of(url, &settings.hang) => End::Never,
                () if holds_one_of(url, &settings.fail) => End::Failed,
                () => End::Complete,
            };
            let place = self.rows.len();
            self.rows.push(Row { id, created, takes, end });
            self.by_id.entry(id).or_default().push(place);
            self.by_url.entry((*url).to_owned()).or_default().push(place);
            self.ledger.push(LedgerEntry { at, operation, url: (*url).to_owned(), task_id: id.to_string() });
        }
        ids
    }

    /// Addresses of one host share an id within one second, up to 2,000 refreshes or 500 prefetches; directories and
    /// regular expressions have one each. Source: the operation notes in alibabacloud_cdn20180510 9.2.0.
    fn id(&mut self, operation: Operation, host: &str, created: Timestamp) -> u64 {
        let shared_by = match operation {
            Operation::Refresh(RefreshKind::Url | RefreshKind::AnyQuery) => 2_000,
            Operation::Refresh(_) => 1,
            Operation::Prefetch => 500,
        };
        let next = FIRST_ID + self.by_id.len() as u64;
        let second = created.as_second();
        let open = self.open.entry((operation, host.to_owned())).or_insert(OpenId { second, id: next, size: 0 });
        if open.second != second || open.size >= shared_by {
            *open = OpenId { second, id: next, size: 0 };
        }
        open.size += 1;
        open.id
    }

    /// Where the rows of a task id are, oldest first.
    pub(super) fn of_id(&self, id: u64) -> &[usize] {
        self.by_id.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Where the rows of exactly this address are, oldest first.
    pub(super) fn of_url(&self, url: &str) -> &[usize] {
        self.by_url.get(url).map_or(&[], Vec::as_slice)
    }

    /// Where the rows are that were created in this time, start and end included.
    pub(super) fn created_within(&self, start: Timestamp, end: Timestamp) -> std::ops::Range<usize> {
        let from = self.rows.partition_point(|row| row.created < start);
        from..self.rows.partition_point(|row| row.created <= end).max(from)
    }

    pub(super) fn operation(&self, place: usize) -> Operation {
        self.ledger[place].operation
    }

    pub(super) fn created(&self, place: usize) -> Timestamp {
        self.rows[place].created
    }

    pub(super) fn url(&self, place: usize) -> &str {
        &self.ledger[place].url
    }

    pub(super) fn id_of(&self, place: usize) -> u64 {
        self.rows[place].id
    }

    /// Whether a row shows up at all: after the lag, for three days, and only an id's first if there is a row per id.
    pub(super) fn is_listed(&self, place: usize, settings: &EmulatorSettings, now: Timestamp) -> bool {
        let row = &self.rows[place];
        let age = now.duration_since(row.created);
        let lag = SignedDuration::try_from(settings.listing_lag).unwrap_or(SignedDuration::MAX);
        let is_first = || self.of_id(row.id).first() == Some(&place);
        age >= lag && age <= SignedDuration::from_hours(72) && (settings.rows == Rows::PerUrl || is_first())
    }

    /// The vendor's word for how far a row is.
    pub(super) fn status(&self, place: usize, settings: &EmulatorSettings, now: Timestamp) -> &'static str {
        let one = |place: usize| {
            let row = &self.rows[place];
            let over = now.duration_since(row.created).unsigned_abs() >= row.takes;
            if over { row.end } else { End::Never }
        };
        let end = match settings.rows {
            Rows::PerUrl => one(place),
            Rows::PerTask => {
                let all = || self.of_id(self.rows[place].id).iter().map(|place| one(*place));
                let any = |end| all().any(|one| one == end);
                if any(End::Never) {
                    End::Never
                } else if any(End::Failed) {
                    End::Failed
                } else {
                    End::Complete
                }
            }
        };
        match end {
            End::Never => "Refreshing",
            End::Failed => "Failed",
            End::Complete => "Complete",
        }
    }

    pub(super) fn shown(&self, place: usize, settings: &EmulatorSettings, now: Timestamp) -> Shown<'_> {
        let (row, entry) = (&self.rows[place], &self.ledger[place]);
        let status = self.status(place, settings, now);
        let share = now.duration_since(row.created).as_secs_f64() / row.takes.as_secs_f64().max(1e-9);
        let process = match status {
            "Complete" => "100%".to_owned(),
            _ => format!("{:.2}%", (share * 100.0).clamp(0.0, 99.0)),
        };
        Shown {
            task_id: &entry.task_id,
            object_path: match entry.operation {
                Operation::Refresh(RefreshKind::Tag) => {
                    Tag::read(&entry.url).map_or_else(|_| "".into(), |tag| tag.name.into())
                }
                _ => Cow::Borrowed(&entry.url),
            },
            object_type: object_type(entry.operation),
            status,
            process,
            creation_time: timestamp(row.created),
            description: if status == "Failed" { "Origin Return StatusCode 5XX" } else { "" },
        }
    }
}

/// The word in the records. Source: reference 2026-04 (see `spec.rs`); those of the last two are not documented.
pub(super) fn object_type(operation: Operation) -> &'static str {
    match operation {
        Operation::Refresh(RefreshKind::Url) => "file",
        Operation::Refresh(RefreshKind::Directory) => "directory",
        Operation::Refresh(RefreshKind::Regex) => "regex",
        Operation::Prefetch => "preload",
        Operation::Refresh(RefreshKind::AnyQuery) => "ignoreParams",
        Operation::Refresh(_) => "cacheTag",
    }
}
