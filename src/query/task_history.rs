//! A filter → every record that it lets through, newest first.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

use super::{QueryClient, TimeWindow, pagination, refused};
use crate::error::Error;
use crate::provider::{ApiErrorKind, Record, RecordFilter, RecordKind, RecordStatus, RecordsSpec, TaskState};

/// Gives each record to `take` as soon as its range of time is read: newest first, each once, at most `most`. Gives how
/// many there were. Without a range, all that the provider keeps is asked for.
///
/// # Errors
/// [`Error::Provider`]: a range that isn't kept, or what the provider refuses. What was given before stays given.
pub async fn records(
    client: &QueryClient<'_>,
    filter: &RecordFilter,
    most: Option<usize>,
    take: &mut dyn FnMut(Record),
) -> Result<usize, Error> {
    let spec = client.provider.spec();
    let Some(list) = spec.records() else { return Err(super::not_offered(spec, "records")) };
    let mut given = HashSet::new();
    for piece in pieces(client, list, filter)? {
        let left = most.map(|most| most.saturating_sub(given.len()));
        if left == Some(0) {
            break;
        }
        let question = RecordFilter {
            since: piece.map(|range| range.since),
            until: piece.map(|range| range.until),
            ..filter.clone()
        };
        let page = async |number| client.provider.records(&question, number, client.api).await;
        // Rows that the provider wouldn't leave out don't count towards the most that are wanted.
        let most_read = left.filter(|_| filters_nothing(filter));
        let mut rows = match pagination::all(client, &list.call, most_read, key, page).await {
            Err(error) if error.kind == ApiErrorKind::Denied && filter.kind.is_none() && !filters_nothing(filter) => {
                // Some providers take a domain or a status beside a kind only: then all is asked for, and filtered here.
                let bare = RecordFilter { domain: None, status: None, ..question.clone() };
                let page = async |number| client.provider.records(&bare, number, client.api).await;
                pagination::all(client, &list.call, None, key, page).await
            }
            rows => rows,
        }
        .map_err(refused)?;
        rows.retain(|row| lets_through(&question, row));
        rows.sort_by_key(|row| Reverse(row.created));
        for row in
            rows.into_iter().filter(|row| given.insert(key(row))).take(left.unwrap_or(usize::MAX)).collect::<Vec<_>>()
        {
            take(row);
        }
    }
    Ok(given.len())
}

/// The ranges to ask for, the newest first; one without limits where a task id says enough.
fn pieces(
    client: &QueryClient<'_>,
    list: &RecordsSpec,
    filter: &RecordFilter,
) -> Result<Vec<Option<TimeWindow>>, Error> {
    let spec = client.provider.spec();
    if filter.task_id.is_some() && filter.since.is_none() && filter.until.is_none() {
        return Ok(vec![None]);
    }
    let now = client.api.server_now();
    let what = format!("the records of {}", spec.title);
    let asked = (filter.since, filter.until);
    let range = TimeWindow::asked(asked, now, list.kept, list.kept, &what)?;
    let mut pieces: Vec<_> =
        range.widened(Duration::from_secs(1), Duration::ZERO).cut(list.span).into_iter().map(Some).collect();
    pieces.reverse();
    Ok(pieces)
}

/// What tells a record from every other one.
pub fn key(row: &Record) -> String {
    format!("{}\0{}\0{}\0{:?}", row.task_id, row.url, row.kind, row.created)
}

fn filters_nothing(filter: &RecordFilter) -> bool {
    filter.kind.is_none() && filter.status.is_none() && filter.domain.is_none() && filter.url.is_none()
}

/// Whether a record is one of those that were asked for: not every provider leaves out what it should. What can't be told
/// of a record counts for it.
fn lets_through(filter: &RecordFilter, row: &Record) -> bool {
    let in_time = row.created.is_none_or(|created| {
        filter.since.is_none_or(|since| since <= created) && filter.until.is_none_or(|until| created < until)
    });
    let kind = filter.kind.is_none_or(|kind| is_kind(row, kind));
    let status = filter.status.is_none_or(|status| match row.state {
        TaskState::Running => status == RecordStatus::Running,
        TaskState::Complete => status == RecordStatus::Complete,
        TaskState::Failed(_) => status == RecordStatus::Failed,
    });
    let domain = filter.domain.as_ref().is_none_or(|domain| is_at(row, domain));
    in_time && kind && status && domain
}

/// Whether one of a record's addresses is at a domain.
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
