//! Task ids → what became of them, asked again and again until every one has ended or the time is over.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::{QueryClient, pagination, refused};
use crate::error::Error;
use crate::provider::{ApiError, Record, RecordFilter, TaskState};

/// The first pause between two questions; it grows.
const FIRST: Duration = Duration::from_secs(2);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(20);
/// The last question is put so long before the time is over; of a short time, a tenth.
const LAST: Duration = Duration::from_secs(3);
/// The longest time without a word.
const SILENCE: Duration = Duration::from_secs(30);

/// What is known of a task at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitedTask {
    /// Its id.
    pub task_id: String,
    /// Its rows; none: the provider never told of it.
    pub rows: Vec<Record>,
}

impl WaitedTask {
    /// Whether its rows are there and all have ended.
    pub fn has_ended(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.state != TaskState::Running)
    }

    /// Takes what rows tell now. One that is gone keeps what it told: that it vanished is no end.
    fn learn(&mut self, rows: impl Iterator<Item = Record>) {
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

/// Follows tasks for as long as `patience`; gives them in the order in which they were named.
///
/// # Errors
/// [`Error::Provider`]: what the provider refuses, as keys that may not ask.
pub async fn wait(client: &QueryClient<'_>, task_ids: &[String], patience: Duration) -> Result<Vec<WaitedTask>, Error> {
    let spec = client.provider.spec();
    let Some(limit) = spec.status() else { return Err(super::not_offered(spec, "status of tasks")) };
    let last = Instant::now() + patience.saturating_sub(LAST.min(patience / 10));
    let mut known: BTreeMap<&str, WaitedTask> = BTreeMap::new();
    let (mut pause, mut told) = (FIRST, Instant::now());
    loop {
        let open: Vec<String> =
            task_ids.iter().filter(|id| known.get(id.as_str()).is_none_or(|task| !task.has_ended())).cloned().collect();
        for ids in open.chunks(limit.ids_per_call.max(1)) {
            let rows = rows(client, ids).await.map_err(refused)?;
            for id in task_ids.iter().filter(|id| ids.contains(id)) {
                // Where one id was asked for, a row needn't repeat it.
                let is_of = |row: &&Record| row.task_id == *id || (row.task_id.is_empty() && ids.len() == 1);
                let task = known.entry(id).or_insert_with(|| WaitedTask { task_id: id.clone(), rows: Vec::new() });
                task.learn(rows.iter().filter(is_of).cloned());
            }
        }
        let ended = known.values().filter(|task| task.has_ended()).count();
        let now = Instant::now();
        if ended == known.len() || now >= last {
            return Ok(task_ids.iter().filter_map(|id| known.remove(id.as_str())).collect());
        }
        if now >= told + SILENCE {
            told = now;
            let unknown: Vec<&str> =
                known.values().filter(|task| task.rows.is_empty()).map(|task| &*task.task_id).collect();
            let unknown = match &unknown[..] {
                [] => String::new(),
                [first] => format!("; the provider doesn't know {first}"),
                [first, others @ ..] => format!("; the provider doesn't know {first} and {} more", others.len()),
            };
            (client.tell)(&format!("{ended} of {} tasks have ended{unknown}", known.len()));
        }
        tokio::time::sleep(pause.min(last - now)).await;
        pause = pause.mul_f64(1.5).min(LONGEST);
    }
}

/// The rows of some tasks: by their ids, or where these don't give all of them, from the records.
async fn rows(client: &QueryClient<'_>, ids: &[String]) -> Result<Vec<Record>, ApiError> {
    let spec = client.provider.spec();
    let page = async |number| client.provider.status(ids, number, client.api).await;
    let Some(status) = spec.status() else { return Ok(Vec::new()) };
    let listed = pagination::whole(client, status, None, key, page).await?;
    let Some(records) = spec.records().filter(|_| listed.is_short) else { return Ok(listed.rows) };
    let mut rows = listed.rows;
    for id in ids {
        let filter = RecordFilter { task_id: Some(id.clone()), ..RecordFilter::default() };
        let page = async |number| client.provider.records(&filter, number, client.api).await;
        rows.extend(pagination::all(client, &records.call, None, key, page).await?);
    }
    Ok(rows)
}

fn key(row: &Record) -> String {
    format!("{}\0{}\0{}", row.task_id, row.url, row.kind)
}
