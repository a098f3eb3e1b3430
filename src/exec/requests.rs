//! What a lane sends: each request waits for its slot, and one that changes something is in the journal before it leaves.

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::follow::{PAGES, Reading, has_more};
use super::journal::{self, Entry};
use super::lane::LaneRun;
use super::state::Pending;
use crate::model::{BatchNumber, EventKind, TaskIndex};
use crate::provider::{Accepted, ApiError, ApiErrorKind, Page, RecordFilter, Submission};

/// How far the provider's clock may be from ours when its records are searched.
const SKEW: Duration = Duration::from_secs(5);

/// What came of something in flight.
pub(super) enum Answer {
    /// A batch didn't leave: its lane was stopped while it waited for its slot.
    Held(Pending),
    /// A batch didn't leave: its keys have ended, and there are no others.
    Keyless(Pending, ApiError),
    /// A batch left.
    Submitted { pending: Pending, sent: Instant, sent_at: Timestamp, result: Result<Accepted, ApiError> },
    /// How far some tasks are.
    Status { reading: Reading, result: Result<Page, ApiError> },
    /// What the records say of an address of an uncertain batch, or of one that no row names: all their pages.
    Looked { batch: BatchNumber, task: TaskIndex, result: Result<Page, ApiError> },
}

impl Answer {
    /// Whether the provider knew the keys: it did what was asked, or had another reason not to.
    pub(super) fn proves_keys(&self) -> bool {
        match self {
            Self::Held(_) | Self::Keyless(..) => false,
            Self::Submitted { result, .. } => knows_keys(result),
            Self::Status { result, .. } | Self::Looked { result, .. } => knows_keys(result),
        }
    }
}

/// Whether an answer can only come to somebody who is known.
pub(super) fn knows_keys<T>(answer: &Result<T, ApiError>) -> bool {
    let known = |kind| matches!(kind, ApiErrorKind::Forbidden | ApiErrorKind::Denied | ApiErrorKind::Refused);
    answer.as_ref().map_or_else(|error| known(error.kind), |_| true)
}

/// A request in flight.
pub(super) type Job<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

impl<'a> LaneRun<'a> {
    pub(super) fn submit(&self, pending: Pending) -> Job<'a> {
        let (index, connection, shared, lane) = (self.index, self.connection, self.shared, self.state.lane);
        let limits =
            self.spec.operation(pending.batch.operation).expect("a batch is only cut for what the provider offers");
        let pace = shared.pace(self.spec.name, &limits.call);
        Box::pin(async move {
            let mut interrupt = shared.interrupt.clone();
            let ready = async {
                shared.ensure_valid(connection).await?;
                pace.reserve().await;
                Ok(())
            };
            let ready = tokio::select! {
                biased;
                _ = interrupt.other_than(None) => return Answer::Held(pending),
                ready = ready => ready,
            };
            if let Err(error) = ready {
                return Answer::Keyless(pending, error);
            }
            let (batch, attempt) = (&pending.batch, pending.attempts + 1);
            let sent_at = connection.api.server_now();
            let (operation, force) = (batch.operation, batch.force);
            let tasks = journal::ranges(&batch.tasks);
            let entry = Entry::Sent { lane: index, batch: batch.number, operation, force, attempt, tasks, at: sent_at };
            if !shared.record(&entry) {
                return Answer::Held(pending);
            }
            let size = batch.tasks.len();
            shared.emit(EventKind::BatchStarted { lane: index, batch: batch.number, operation, size, attempt });
            let urls: Vec<&str> = batch.tasks.iter().map(|&task| &*lane.tasks[task as usize].task.url).collect();
            pace.depart().await;
            let sent = Instant::now();
            shared.count_call();
            let submission = Submission { operation, force, urls: &urls };
            let result = connection
                .observe(sent, pace.on_response(connection.provider.submit(submission, &*connection.api).await));
            Answer::Submitted { pending, sent, sent_at, result }
        })
    }

    pub(super) fn ask_status(&self, reading: Reading) -> Job<'a> {
        let (connection, shared) = (self.connection, self.shared);
        let limit = super::list_or_status(self.spec, reading.listed);
        let pace = shared.pace(self.spec.name, limit);
        Box::pin(async move {
            if let Err(error) = shared.ensure_valid(connection).await {
                return Answer::Status { reading, result: Err(error) };
            }
            pace.acquire().await;
            shared.count_call();
            let sent = Instant::now();
            let result = if reading.listed {
                let filter = RecordFilter { task_id: reading.task_ids.first().cloned(), ..RecordFilter::default() };
                connection.provider.records(&filter, reading.page, &*connection.api).await
            } else {
                connection.provider.status(&reading.task_ids, reading.page, &*connection.api).await
            };
            Answer::Status { reading, result: connection.observe(sent, pace.on_response(result)) }
        })
    }

    pub(super) fn look(&self, batch: BatchNumber, task: TaskIndex, since: Timestamp) -> Job<'a> {
        let (connection, shared, url) = (self.connection, self.shared, self.state.url(task));
        let pace = shared.pace(self.spec.name, super::list_or_status(self.spec, true));
        let (limit, timeless) = (super::list_or_status(self.spec, true), self.timeless);
        Box::pin(async move {
            let until = connection.api.server_now().checked_add(Duration::from_secs(60)).ok().filter(|_| !timeless);
            let since = since.checked_sub(SKEW).ok().filter(|_| !timeless);
            let filter = RecordFilter { url: Some(url.to_owned()), since, until, ..RecordFilter::default() };
            let mut all = Page::default();
            // One page, unless the provider doesn't care for the address: then what isn't on it may be on the next.
            for number in 1..=PAGES {
                if let Err(error) = shared.ensure_valid(connection).await {
                    return Answer::Looked { batch, task, result: Err(error) };
                }
                pace.acquire().await;
                shared.count_call();
                let sent = Instant::now();
                let records = pace.on_response(connection.provider.records(&filter, number, &*connection.api).await);
                let result = match connection.observe(sent, records) {
                    Ok(page) => page,
                    Err(error) => return Answer::Looked { batch, task, result: Err(error) },
                };
                let seen = all.rows.len() + result.rows.len();
                let has_more = has_more(limit, number, &result, seen);
                all.total = result.total;
                all.rows.extend(result.rows);
                if !has_more && number < PAGES {
                    return Answer::Looked { batch, task, result: Ok(all) };
                }
            }
            let error = ApiError::new(ApiErrorKind::Server, limit.api, "the list of records doesn't end");
            Answer::Looked { batch, task, result: Err(error) }
        })
    }
}
