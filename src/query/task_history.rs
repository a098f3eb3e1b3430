//! The task history: every record that a filter lets through, newest first.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

use super::client::{QueryClient, failed, not_offered};
use super::pagination::all_pages;
use super::time_windows::TimeWindow;
use crate::error::Error;
use crate::provider::{
    ApiError, ApiErrorKind, Record, RecordFilter, RecordKind, RecordStatus, RecordsSpec, Spec, TaskState,
};

/// Gives each record to `take` as soon as its time window is read: newest first, each once, at most `most`. Returns their
/// number. Without a time range, the whole history is read.
///
/// # Errors
/// [`Error::Provider`]: a range that isn't kept, or a refusal of the provider. Records that were given before stay given.
pub async fn records(
    client: &QueryClient<'_>,
    filter: &RecordFilter,
    most: Option<usize>,
    take: &mut dyn FnMut(Record),
) -> Result<usize, Error> {
    let spec = client.provider.spec();
    let Some(history) = spec.records() else { return Err(not_offered(spec, "records")) };
    let mut given = HashSet::new();
    for window in windows(client, history, filter)? {
        let left = most.map_or(usize::MAX, |most| most.saturating_sub(given.len()));
        if left == 0 {
            break;
        }
        let (since, until) = (window.map(|window| window.since), window.map(|window| window.until));
        let wanted = RecordFilter { since, until, ..filter.clone() };
        let is_open =
            filter.kind.is_none() && filter.status.is_none() && filter.domain.is_none() && filter.url.is_none();
        let read = async |filter: &RecordFilter, most| -> Result<Vec<Record>, ApiError> {
            let mut rows = Vec::new();
            for kind in kinds(spec, filter.kind) {
                let (filter, is_prefetch) =
                    (RecordFilter { kind, ..filter.clone() }, kind == Some(RecordKind::Prefetch));
                let list = spec.tracking_of(is_prefetch).and_then(|tracking| tracking.records.as_ref());
                let call = list.unwrap_or(history).call_for(&filter);
                let page = async |number| client.provider.records(&filter, number, client.api).await;
                rows.extend(all_pages(client, call, most, record_key, page).await?.noting_missing(client));
            }
            Ok(rows)
        };
        // Rows that the provider should have left out don't count towards the most.
        let mut rows = match read(&wanted, most.map(|_| left).filter(|_| is_open)).await {
            // Some providers filter by domain or status only together with a kind: read all, and filter here.
            Err(error) if error.kind == ApiErrorKind::Denied && filter.kind.is_none() && !is_open => {
                read(&RecordFilter { domain: None, status: None, ..wanted.clone() }, None).await
            }
            rows => rows,
        }
        .map_err(failed)?;
        rows.retain(|row| lets_through(&wanted, row));
        rows.sort_by_key(|row| Reverse(row.created));
        let mut room = left;
        for row in rows {
            if room > 0 && given.insert(record_key(&row)) {
                room -= 1;
                take(row);
            }
        }
    }
    Ok(given.len())
}

/// The kinds to ask for, one after the other: refreshes and prefetches, where each has its own list.
fn kinds(spec: &Spec, wanted: Option<RecordKind>) -> Vec<Option<RecordKind>> {
    match wanted {
        None if spec.tracks_prefetches_apart() => vec![None, Some(RecordKind::Prefetch)],
        wanted => vec![wanted],
    }
}

/// The windows of one call each, newest first; a task id without a range needs no window.
fn windows(
    client: &QueryClient<'_>,
    history: &RecordsSpec,
    filter: &RecordFilter,
) -> Result<Vec<Option<TimeWindow>>, Error> {
    if filter.task_id.is_some() && filter.since.is_none() && filter.until.is_none() {
        return Ok(vec![None]);
    }
    let what = format!("the records of {}", client.provider.spec().title);
    let range = (filter.since, filter.until);
    let window = TimeWindow::requested(range, client.api.server_now(), history.kept, history.kept, &what)?;
    let windows = window.widened(Duration::from_secs(1), Duration::ZERO).split(history.span);
    Ok(windows.into_iter().rev().map(Some).collect())
}

/// Identifies a record among all others.
pub fn record_key(row: &Record) -> String {
    format!("{}\0{}\0{}\0{:?}", row.task_id, row.url, row.kind, row.created)
}

/// Whether a record matches a filter: not every provider leaves out what it should. A field that a record doesn't have
/// matches.
fn lets_through(filter: &RecordFilter, row: &Record) -> bool {
    let in_time = row.created.is_none_or(|created| {
        filter.since.is_none_or(|since| since <= created) && filter.until.is_none_or(|until| created < until)
    });
    let status = match row.state {
        TaskState::Running => RecordStatus::Running,
        TaskState::Complete => RecordStatus::Complete,
        TaskState::Failed(_) => RecordStatus::Failed,
    };
    in_time
        && filter.status.is_none_or(|wanted| wanted == status)
        && filter.kind.is_none_or(|kind| is_kind(row, kind))
        && filter.domain.as_ref().is_none_or(|domain| is_at(row, domain))
}

/// Whether one of a record's URLs is at a domain.
fn is_at(row: &Record, domain: &str) -> bool {
    let hosts = row.url.split(['\n', '\r', ',']).map(|url| {
        let rest = url.trim().split_once("://").map_or(url.trim(), |(_, rest)| rest);
        rest.split(['/', '?', '#', ':']).next().unwrap_or_default()
    });
    hosts.into_iter().any(|host| host.eq_ignore_ascii_case(domain))
}

fn is_kind(row: &Record, kind: RecordKind) -> bool {
    let word = match kind {
        RecordKind::Prefetch => return row.prefetch,
        RecordKind::File => "file",
        RecordKind::Directory => "directory",
        RecordKind::Regex => "regex",
    };
    let is_known = |other: &&str| row.kind.eq_ignore_ascii_case(other);
    let other = ["file", "directory", "regex"].iter().any(|known| is_known(known) && *known != word);
    !row.prefetch && !other
}
