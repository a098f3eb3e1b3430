//! Waits for tasks by their ids: polls until each has ended or the time is over.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::client::{QueryClient, failed, not_offered};
use super::pagination::all_pages;
use crate::error::Error;
use crate::provider::{ApiError, CallSpec, Record, RecordFilter, RecordKind, TaskState};

/// The first pause between two polls; it grows.
const FIRST: Duration = Duration::from_secs(2);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(20);
/// The last poll comes this long before the time is over; with a short timeout, a tenth of it.
const LAST: Duration = Duration::from_secs(3);
/// The longest time between two notes.
const SILENCE: Duration = Duration::from_secs(30);

/// A task and its rows when waiting ended.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitedTask {
    /// Its id.
    pub task_id: String,
    /// Its rows; none: the provider doesn't know the task.
    pub rows: Vec<Record>,
}

impl WaitedTask {
    /// Whether it has rows and all have ended.
    pub fn has_ended(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.state != TaskState::Running)
    }

    /// Takes its rows of a poll. A row that vanished keeps its last state: to vanish is not to end.
    fn update(&mut self, rows: Vec<Record>) {
        let mut places: HashMap<String, usize> = self.rows.iter().map(key).zip(0..).collect();
        for row in rows {
            let place = *places.entry(key(&row)).or_insert(self.rows.len());
            match self.rows.get_mut(place) {
                Some(known) => *known = row,
                None => self.rows.push(row),
            }
        }
    }
}

/// Waits for tasks until the timeout; returns each once, in the given order.
///
/// # Errors
/// [`Error::Provider`]: a refusal of the provider, such as missing permissions.
pub async fn wait(client: &QueryClient<'_>, task_ids: &[String], timeout: Duration) -> Result<Vec<WaitedTask>, Error> {
    let spec = client.provider.spec();
    let Some(status) = spec.status() else { return Err(not_offered(spec, "status of tasks")) };
    let mut tasks: Vec<WaitedTask> = Vec::new();
    for id in task_ids {
        if tasks.iter().all(|task| task.task_id != *id) {
            tasks.push(WaitedTask { task_id: id.clone(), rows: Vec::new() });
        }
    }
    let last = Instant::now() + timeout.saturating_sub(LAST.min(timeout / 10));
    let (mut pause, mut noted) = (FIRST, Instant::now());
    loop {
        let open = tasks.iter().filter(|task| !task.has_ended()).map(|task| task.task_id.clone());
        for ids in open.collect::<Vec<_>>().chunks(status.ids_per_call.max(1)) {
            let mut rows = rows(client, status, false, ids).await.map_err(failed)?;
            if let Some(of_prefetches) = spec.tracking_of(true).filter(|_| spec.tracks_prefetches_apart()) {
                // An id doesn't say of which kind its task is.
                rows.extend(self::rows(client, &of_prefetches.status, true, ids).await.map_err(failed)?);
            }
            for task in tasks.iter_mut().filter(|task| ids.contains(&task.task_id)) {
                // If a call names one id, its rows needn't repeat it.
                let is_its = |row: &&Record| row.task_id == task.task_id || (row.task_id.is_empty() && ids.len() == 1);
                let its = rows.iter().filter(is_its).cloned().collect();
                task.update(its);
            }
        }
        let ended = tasks.iter().filter(|task| task.has_ended()).count();
        let now = Instant::now();
        if ended == tasks.len() || now >= last {
            return Ok(tasks);
        }
        if now >= noted + SILENCE {
            noted = now;
            let unknown: Vec<&str> =
                tasks.iter().filter(|task| task.rows.is_empty()).map(|task| &*task.task_id).collect();
            let unknown = match &unknown[..] {
                [] => String::new(),
                [first] => format!("; the provider doesn't know {first}"),
                [first, others @ ..] => format!("; the provider doesn't know {first} and {} more", others.len()),
            };
            (client.note)(&format!("{ended} of {} tasks have ended{unknown}", tasks.len()));
        }
        sleep(pause.min(last - now)).await;
        pause = pause.mul_f64(1.5).min(LONGEST);
    }
}

/// The rows of tasks: by their ids, or from the task history if the ids don't give all of them.
async fn rows(
    client: &QueryClient<'_>,
    status: &CallSpec,
    are_prefetches: bool,
    ids: &[String],
) -> Result<Vec<Record>, ApiError> {
    let page = async |number| match are_prefetches {
        true => client.provider.prefetch_status(ids, number, client.api).await,
        false => client.provider.status(ids, number, client.api).await,
    };
    let mut list = all_pages(client, status, None, key, page).await?;
    let history = client.provider.spec().tracking_of(are_prefetches).and_then(|tracking| tracking.records.as_ref());
    if let Some(history) = history.filter(|_| list.is_short) {
        for id in ids {
            let kind = are_prefetches.then_some(RecordKind::Prefetch);
            let filter = RecordFilter { task_id: Some(id.clone()), kind, ..RecordFilter::default() };
            let page = async |number| client.provider.records(&filter, number, client.api).await;
            list.rows.extend(all_pages(client, history.of_task(), None, key, page).await?.noting_missing(client));
        }
    }
    Ok(list.rows)
}

/// Identifies a row of a task.
fn key(row: &Record) -> String {
    format!("{}\0{}\0{}", row.task_id, row.url, row.kind)
}
