//! How far the accepted tasks are: whom to ask, for which ids, when, and what their rows said.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{BatchNumber, Operation};
use crate::provider::{CallSpec, Page, Record, Spec, TaskState};

/// The time between two polls, as a share of the task's age: the delay of a verdict stays below it.
const SHARE: f64 = 0.08;
/// The shortest and the longest time between two polls.
const BOUNDS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// The first poll.
const FIRST: Duration = Duration::from_secs(1);
/// The last poll is so long before a task times out: its answer must be here by then, and others may wait for their turn too.
/// Of a short timeout it is a tenth.
const LAST: Duration = Duration::from_secs(3);
/// The most rows that one answer should hold.
const ROWS: usize = 5_000;
/// The most pages that are read of one list: what doesn't end isn't a list.
pub(super) const PAGES: u32 = 100;

/// Who says how far tasks are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StatusSource {
    /// The call that takes task ids.
    ByTaskId,
    /// The records, one id at a time, since that call can't be used.
    ByRecords,
    /// Nobody, and why.
    Unavailable(String),
}

/// What a row of a task id stands for; no vendor documents it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowShape {
    /// Not seen yet.
    Unknown,
    /// The provider was seen to keep one row for each batch.
    PerBatch,
    /// The provider was seen to keep more rows than batches: a row stands for its URL alone.
    PerUrl,
}

/// A query for the status of some ids, with what its pages said so far.
#[derive(Debug, Default)]
pub(super) struct StatusQuery {
    /// The ids.
    pub task_ids: Vec<String>,
    /// Whether the records are asked.
    pub by_records: bool,
    /// From 1.
    pub page: u32,
    seen: usize,
    rows: HashMap<String, IdRows>,
}

/// What the rows of an id said.
#[derive(Debug, Default)]
struct IdRows {
    count: usize,
    /// How many batches the id stood for when the first row came; they end while rows are read.
    batches: Option<usize>,
    is_running: bool,
    failure: Option<String>,
}

/// What follows from a page of a status query.
pub(super) enum AfterPage {
    /// The next page is needed.
    Next(StatusQuery),
    /// The provider doesn't give all rows by id.
    Cut,
    /// Each row of these ids has ended.
    Complete(Vec<String>),
}

/// A task id that is followed.
#[derive(Debug)]
struct Followed {
    batches: Vec<BatchNumber>,
    /// How many batches it ever stood for.
    submissions: usize,
    class: usize,
    since: Instant,
    next: Instant,
    is_asked: bool,
    /// Asked for in a call of its own: a call with others was refused.
    alone: bool,
    rows: usize,
    complete: Option<CompleteRows>,
}

/// A task id whose rows have all ended.
#[derive(Clone, Debug)]
pub(super) struct CompleteRows {
    /// Whether there are no more rows than batches: then a row may stand for all URLs of its batch.
    pub is_row_per_batch: bool,
    /// The description of a row that failed.
    pub failure: Option<String>,
}

/// All task ids of a lane that are followed.
#[derive(Debug)]
pub(super) struct Tracking {
    /// Who says how far tasks are.
    pub source: StatusSource,
    /// What a row stands for.
    pub row_shape: RowShape,
    spec: &'static Spec,
    ids: HashMap<Rc<str>, Followed>,
    /// Those that aren't asked for now, by the time of their next poll.
    waiting: BTreeSet<(Instant, Rc<str>)>,
    /// The shortest time that a refresh, and a prefetch, took in this run.
    fastest: [Option<Duration>; 2],
    /// How long a refresh, and a prefetch, is waited for.
    timeouts: [Duration; 2],
}

impl Tracking {
    /// Follows nothing yet; a refresh, and a prefetch, will be waited for so long.
    pub(super) fn new(spec: &'static Spec, timeouts: [Duration; 2]) -> Self {
        Self {
            source: StatusSource::ByTaskId,
            row_shape: RowShape::Unknown,
            spec,
            ids: HashMap::new(),
            waiting: BTreeSet::new(),
            fastest: [None; 2],
            timeouts,
        }
    }

    /// Follows an id for a batch of so many URLs.
    pub(super) fn follow(&mut self, id: &str, batch: BatchNumber, size: usize, operation: Operation, now: Instant) {
        let class = class(operation);
        let learned = self.fastest[class].map_or(FIRST, |fastest| fastest.mul_f64(0.95));
        let last = last_poll(self.timeouts[class]);
        let first = if last.is_zero() { learned } else { learned.min(last) };
        let id: Rc<str> = id.into();
        let followed = self.ids.entry(Rc::clone(&id)).or_insert_with(|| {
            let next = now + first;
            self.waiting.insert((next, id));
            Followed {
                batches: Vec::new(),
                submissions: 0,
                class,
                since: now,
                next,
                is_asked: false,
                alone: false,
                rows: 0,
                complete: None,
            }
        });
        followed.batches.push(batch);
        followed.submissions += 1;
        followed.rows += size;
        // Its rows didn't speak of this batch yet.
        followed.complete = None;
    }

    /// No longer follows an id for a batch.
    pub(super) fn leave(&mut self, id: &str, batch: BatchNumber) {
        if let Some(followed) = self.ids.get_mut(id) {
            followed.batches.retain(|&other| other != batch);
            if followed.batches.is_empty()
                && let Some((id, followed)) = self.ids.remove_entry(id)
            {
                self.waiting.remove(&(followed.next, id));
            }
        }
    }

    /// The batches that an id is followed for.
    pub(super) fn batches(&self, id: &str) -> &[BatchNumber] {
        self.ids.get(id).map_or(&[], |followed| &followed.batches)
    }

    /// What the rows of an id came to, once each has ended.
    pub(super) fn complete(&self, id: &str) -> Option<&CompleteRows> {
        self.ids.get(id)?.complete.as_ref()
    }

    /// Asks for these ids one by one from now on.
    pub(super) fn separate(&mut self, ids: &[String]) {
        for id in ids {
            if let Some(followed) = self.ids.get_mut(&**id) {
                followed.alone = true;
            }
        }
    }

    /// A query for the ids that are due now, and for those that soon will be. They count as asked until [`Tracking::answered`].
    pub(super) fn due(&mut self, now: Instant) -> Option<StatusQuery> {
        let (by_records, most) = match self.source {
            StatusSource::ByTaskId => (false, self.spec.status()?.ids_per_call.max(1)),
            StatusSource::ByRecords => (true, 1),
            StatusSource::Unavailable(_) => return None,
        };
        self.waiting.first().filter(|(next, _)| *next <= now)?;
        let mut rows = 0;
        let mut due: Vec<(Instant, Rc<str>)> = Vec::new();
        for (next, id) in self.waiting.iter().take(most * 4) {
            let Some(followed) = self.ids.get(id) else { continue };
            rows += followed.rows;
            let soon = *next <= now + (now - followed.since).mul_f64(SHARE / 2.0);
            if !soon || due.len() >= most || (rows > ROWS && !due.is_empty()) {
                break;
            }
            if followed.alone && !due.is_empty() {
                continue;
            }
            due.push((*next, Rc::clone(id)));
            if followed.alone {
                break;
            }
        }
        for place in &due {
            self.waiting.remove(place);
            if let Some(followed) = self.ids.get_mut(&place.1) {
                followed.is_asked = true;
            }
        }
        let task_ids = due.into_iter().map(|(_, id)| id.to_string()).collect();
        Some(StatusQuery { task_ids, by_records, page: 1, ..StatusQuery::default() })
    }

    /// The answer for some ids is here; those that are still followed are asked for again, not before `not_before`.
    pub(super) fn answered(&mut self, ids: &[String], not_before: Instant, now: Instant) {
        for id in ids {
            let Some(followed) = self.ids.get_mut(&**id).filter(|followed| followed.is_asked) else { continue };
            followed.is_asked = false;
            let wait = (now - followed.since).mul_f64(SHARE).clamp(BOUNDS.0, BOUNDS.1);
            let fastest = self.fastest[followed.class];
            let learned = fastest.map_or(now, |fastest| followed.since + fastest.mul_f64(0.95));
            let last = followed.since + last_poll(self.timeouts[followed.class]);
            followed.next = (now + wait).max(learned);
            if now < last {
                // A task that ends between two polls would end as unknown if the second came too late.
                followed.next = followed.next.min(last);
            }
            followed.next = followed.next.max(not_before);
            self.waiting.insert((followed.next, id.as_str().into()));
        }
    }

    /// A task took this long from its acceptance to its verdict.
    pub(super) fn learn(&mut self, operation: Operation, took: Duration) {
        let fastest = &mut self.fastest[class(operation)];
        *fastest = Some(fastest.map_or(took, |fastest| fastest.min(took)));
    }

    /// When the next id is due.
    pub(super) fn next(&self) -> Option<Instant> {
        match self.source {
            StatusSource::Unavailable(_) => None,
            _ => self.waiting.first().map(|(next, _)| *next),
        }
    }

    /// Counts the rows of a page; those of ids that were asked for are left in it, each with its id.
    pub(super) fn count_rows(&mut self, query: &mut StatusQuery, page: &mut Page) {
        query.seen += page.rows.len();
        if let [id] = &query.task_ids[..] {
            // Where one id is asked for, a row needn't repeat it.
            page.rows.iter_mut().filter(|row| row.task_id.is_empty()).for_each(|row| row.task_id.clone_from(id));
        }
        page.rows.retain(|row: &Record| query.task_ids.contains(&row.task_id));
        for row in &page.rows {
            let rows = query.rows.entry(row.task_id.clone()).or_default();
            rows.count += 1;
            rows.batches = rows.batches.or_else(|| self.ids.get(&*row.task_id).map(|followed| followed.submissions));
            if rows.batches.is_some_and(|batches| rows.count > batches) {
                self.row_shape = RowShape::PerUrl;
            }
            match &row.state {
                TaskState::Running => rows.is_running = true,
                TaskState::Failed(why) => rows.failure = Some(why.clone()),
                TaskState::Complete => {}
            }
        }
    }

    /// What follows once the rows of a page were read; `rows` and `total` as the page had them.
    pub(super) fn after_page(&mut self, mut query: StatusQuery, rows: usize, total: usize, now: Instant) -> AfterPage {
        let records = self.spec.records().map(|records| &records.call);
        let call = if query.by_records { records } else { self.spec.status() };
        if call.is_some_and(|call| has_more(call, query.page, rows, query.seen, total)) {
            query.page += 1;
            return AfterPage::Next(query);
        }
        self.answered(&query.task_ids, now, now);
        let is_cut = query.seen < total;
        if is_cut && !query.by_records {
            return AfterPage::Cut;
        }
        let mut complete = Vec::new();
        for (id, rows) in query.rows.into_iter().filter(|(_, rows)| !rows.is_running) {
            // Rows that are counted and not given speak for URLs of their own all the same.
            let count = if is_cut { rows.count.max(total) } else { rows.count };
            if let Some(followed) = self.ids.get_mut(&*id) {
                let is_row_per_batch = count <= followed.submissions;
                followed.complete = Some(CompleteRows { is_row_per_batch, failure: rows.failure });
            }
            complete.push(id);
        }
        complete.sort();
        AfterPage::Complete(complete)
    }
}

/// Whether to read another page after this one, with `rows` rows, and `seen` over all pages.
pub(super) fn has_more(call: &CallSpec, number: u32, rows: usize, seen: usize, total: usize) -> bool {
    number < PAGES && call.has_next_page(rows, seen, total)
}

/// When to poll for the last time, of so long a timeout.
fn last_poll(timeout: Duration) -> Duration {
    timeout.saturating_sub(LAST.min(timeout / 10))
}

fn class(operation: Operation) -> usize {
    usize::from(operation == Operation::Prefetch)
}
