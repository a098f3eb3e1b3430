//! Queries and their results: records of tasks, metrics, log files, domains. Values only.

use std::time::Duration;

use jiff::Timestamp;

use super::api::Api;
use super::spec::{CallSpec, LogSpec, MeasureSpec, RecordsSpec, Spec};

/// How far a task is, in the provider's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Not finished, or a word we don't know.
    Running,
    /// Finished well.
    Complete,
    /// Finished badly, with the provider's description.
    Failed(String),
}

/// One row of the provider's records.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The provider's task id.
    pub task_id: String,
    /// The URL as the provider spells it; several, separated by line breaks or commas, if it keeps one row per task.
    pub url: String,
    /// Whether it is a prefetch; else some refresh.
    pub prefetch: bool,
    /// The operation, in the provider's word.
    pub kind: String,
    /// How far it is.
    pub state: TaskState,
    /// The status in the provider's own word.
    pub status: String,
    /// Progress in percent, if given.
    pub percent: Option<f64>,
    /// When it was created.
    pub created: Option<Timestamp>,
}

/// A page of a list, of records unless something else is named.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T = Record> {
    /// The rows of this page.
    pub rows: Vec<T>,
    /// How many there are over all pages, as the provider says; a hint only.
    pub total: usize,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), total: 0 }
    }
}

/// The permissions that credentials have, as far as the provider says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Those that they have.
    pub granted: Vec<&'static str>,
    /// Those that they lack.
    pub missing: Vec<&'static str>,
}

/// Which records to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Of this task.
    pub task_id: Option<String>,
    /// Of exactly this URL.
    pub url: Option<String>,
    /// Of this domain.
    pub domain: Option<String>,
    /// Of this kind.
    pub kind: Option<RecordKind>,
    /// As far as this.
    pub status: Option<RecordStatus>,
    /// Created at or after this.
    pub since: Option<Timestamp>,
    /// Created before this.
    pub until: Option<Timestamp>,
}

impl RecordsSpec {
    /// The call that a filter needs.
    pub fn call_for(&self, filter: &RecordFilter) -> &CallSpec {
        if filter.task_id.is_some() { self.of_task() } else { &self.call }
    }
}

impl RecordFilter {
    /// The range's beginning and its end, as both are sent; `None` where all times will do. It begins no earlier than the
    /// provider keeps records, is no longer than one question may name, and a second at least, so that whole seconds hold it.
    pub fn window(&self, list: &RecordsSpec, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        if self.since.is_none() && self.until.is_none() {
            return None;
        }
        let later = |at: Timestamp, by: Duration| at.saturating_add(by).unwrap_or(at);
        let earlier = |at: Timestamp, by: Duration| at.saturating_sub(by).unwrap_or(at);
        // A minute less, so that the request doesn't grow too old on its way.
        let oldest = later(earlier(now, list.kept), Duration::from_mins(1));
        let until = self.until.unwrap_or(now);
        let start = self.since.unwrap_or_else(|| earlier(until, list.span)).max(oldest);
        let end = later(until.max(start), Duration::from_secs(1)).min(later(start, list.span));
        Some((start, end))
    }

    /// The same for a provider that wants a range where no task id is named: the latest that it may be.
    pub fn window_or_latest(&self, list: &RecordsSpec, spec: &Spec, api: &dyn Api) -> Option<(Timestamp, Timestamp)> {
        let until = self.until.or_else(|| self.task_id.is_none().then(|| latest_now(spec, api)));
        Self { until, ..self.clone() }.window(list, api.server_now())
    }
}

/// The latest that the provider's clock may show now. The answer that taught it may have been on its way for a while; as long as none
/// did, the clock may be off by as much as a signature allows.
pub fn latest_now(spec: &Spec, api: &dyn Api) -> Timestamp {
    let ahead = if api.server_time().is_some() { Duration::from_mins(1) } else { spec.signature_validity };
    api.server_now().saturating_add(ahead).unwrap_or(Timestamp::MAX)
}

/// The kinds of task that records distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A refresh of URLs.
    File,
    /// A refresh of directories.
    Directory,
    /// A refresh by a pattern.
    Regex,
    /// A prefetch.
    Prefetch,
}

/// The status of a task, as a filter for records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordStatus {
    /// Not finished.
    Running,
    /// Finished well.
    Complete,
    /// Finished badly.
    Failed,
}

/// A question for something measured.
#[derive(Clone, Debug)]
pub struct MeasureQuestion {
    /// What, by the entry in the provider's [`QuerySpec`](super::QuerySpec): only these are available.
    pub offer: &'static MeasureSpec,
    /// Of these domains; empty: of the whole account.
    pub domains: Vec<String>,
    /// From this on: a point begins here, by [`IntervalSpec::begins`](super::IntervalSpec::begins).
    pub since: Timestamp,
    /// Up to this.
    pub until: Timestamp,
    /// The width of a point.
    pub interval: Duration,
}

impl MeasureQuestion {
    /// When each point begins, from the first on and without an end.
    pub fn widths(&self) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(Some(self.since), |at| at.checked_add(self.interval).ok())
    }
}

/// One measured value.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// When its width begins.
    pub at: Timestamp,
    /// The domain, where the provider distinguishes them; otherwise it is the sum over those that were queried.
    pub domain: Option<String>,
    /// Bytes, or bits per second.
    pub value: f64,
}

/// A question for log files.
#[derive(Clone, Debug)]
pub struct LogQuestion {
    /// The entry in the provider's [`QuerySpec`](super::QuerySpec).
    pub offer: &'static LogSpec,
    /// Of this domain.
    pub domain: String,
    /// From this on.
    pub since: Timestamp,
    /// Up to this.
    pub until: Timestamp,
}

/// A log file.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// Whose requests it holds.
    pub domain: String,
    /// Its name.
    pub name: String,
    /// Where it can be fetched for some time: whoever has the URL can, since it is signed.
    pub url: secrecy::SecretString,
    /// Its size in bytes, as the provider says.
    pub bytes: u64,
    /// Its start, which is part of it.
    pub since: Option<Timestamp>,
    /// Its end, which is not part of it.
    pub until: Option<Timestamp>,
}

/// A domain of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// The provider's word for its state: `online`, `configuring` ….
    pub status: String,
    /// The provider's word for what it serves: `web`, `download`, `video` ….
    pub service: String,
    /// Where its users are sent.
    pub cname: Option<String>,
    /// Whether everything below its name is part of it.
    pub is_zone: bool,
}
