//! What a lane sends: each request waits for its slot, and one that changes something is in the journal before it leaves.

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::journal::{self, Entry};
use super::lane::LaneRun;
use super::state::Pending;
use crate::model::{BatchNumber, EventKind, TaskIndex};
use crate::provider::{Accepted, ApiError, Page, RecordFilter, Submission};

/// How far the provider's clock may be from ours when its records are searched.
const SKEW: Duration = Duration::from_secs(5);

/// What came of something in flight.
pub(super) enum Answer {
    /// A batch didn't leave: its lane was stopped while it waited for its slot.
    Held(Pending),
    /// A batch left.
    Submitted { pending: Pending, sent: Instant, sent_at: Timestamp, result: Result<Accepted, ApiError> },
    /// How far some tasks are.
    Status { task_ids: Vec<String>, page: u32, seen: usize, result: Result<Page, ApiError> },
    /// What the records say of an address of an uncertain batch, or of one that no row names.
    Looked { batch: BatchNumber, task: TaskIndex, result: Result<Page, ApiError> },
}

/// A request in flight.
pub(super) type Job<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

impl<'a> LaneRun<'a> {
    pub(super) fn submit(&self, pending: Pending) -> Job<'a> {
        let (index, access, shared, lane) = (self.index, self.access, self.shared, self.state.lane);
        let limits =
            self.spec.operation(pending.batch.operation).expect("a batch is only cut for what the provider offers");
        let pace = shared.pace(self.spec.name, limits.api, limits.calls_per_second);
        Box::pin(async move {
            let mut interrupt = shared.interrupt.clone();
            tokio::select! {
                biased;
                _ = interrupt.other_than(None) => return Answer::Held(pending),
                () = pace.slot() => {}
            }
            let (batch, attempt) = (&pending.batch, pending.attempts + 1);
            let (sent, sent_at) = (Instant::now(), access.api.now());
            let (operation, force) = (batch.operation, batch.force);
            let tasks = journal::ranges(&batch.tasks);
            let entry = Entry::Sent { lane: index, batch: batch.number, operation, force, attempt, tasks, at: sent_at };
            if !shared.record(&entry) {
                return Answer::Held(pending);
            }
            let size = batch.tasks.len();
            shared.emit(EventKind::BatchStarted { lane: index, batch: batch.number, operation, size, attempt });
            let urls: Vec<&str> = batch.tasks.iter().map(|&task| &*lane.tasks[task as usize].task.url).collect();
            shared.count_call();
            let result = access.provider.submit(Submission { operation, force, urls: &urls }, &*access.api).await;
            if result.is_ok() {
                pace.succeeded();
            }
            Answer::Submitted { pending, sent, sent_at, result }
        })
    }

    pub(super) fn ask_status(&self, task_ids: Vec<String>, page: u32, seen: usize) -> Job<'a> {
        let (access, shared) = (self.access, self.shared);
        let pace = shared.pace(self.spec.name, self.spec.status.api, self.spec.status.calls_per_second);
        Box::pin(async move {
            pace.slot().await;
            shared.count_call();
            let result = access.provider.status(&task_ids, page, &*access.api).await;
            Answer::Status { task_ids, page, seen, result }
        })
    }

    pub(super) fn look(&self, batch: BatchNumber, task: TaskIndex, since: Timestamp) -> Job<'a> {
        let (access, shared, url) = (self.access, self.shared, self.state.url(task));
        let pace = shared.pace(self.spec.name, self.spec.records.api, self.spec.records.calls_per_second);
        Box::pin(async move {
            pace.slot().await;
            shared.count_call();
            let until = access.api.now().checked_add(Duration::from_secs(60)).ok();
            let since = since.checked_sub(SKEW).ok();
            let filter = RecordFilter { url: Some(url.to_owned()), since, until, task_id: None };
            let result = access.provider.records(&filter, 1, &*access.api).await;
            Answer::Looked { batch, task, result }
        })
    }
}
