//! The task list, by filter and page.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::errors::unknown_type;
use super::response::timestamp;
use super::signature;
use super::state::{Alibaba, KEPT};
use crate::Operation;
use crate::request::{Received, host_of};
use crate::response::{Answer, ErrorCode};
use crate::sample::page;
use crate::tasks::Progress;

/// One row as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Row<'t> {
    task_id: &'t str,
    object_path: String,
    object_type: &'static str,
    status: &'static str,
    process: String,
    creation_time: String,
    description: &'static str,
}

/// The list's words for the operations: reference 2026-04; those of the last two are not documented.
const OBJECT_TYPES: [(&str, Operation); 6] = [
    ("file", Operation::RefreshUrl),
    ("directory", Operation::RefreshDirectory),
    ("regex", Operation::RefreshRegex),
    ("preload", Operation::Prefetch),
    ("ignoreParams", Operation::RefreshAnyQuery),
    ("cacheTag", Operation::RefreshTag),
];

impl Alibaba {
    /// Newest first.
    pub(super) fn records(&self, request: &Received<'_>, now: Timestamp) -> Answer {
        let (start, end) = window(request, now)?;
        let id = request.parameter("TaskId").map(str::parse).transpose();
        let id = id.map_err(|_| ErrorCode::new("InvalidTaskId.Malformed", "TaskId is not a number."))?;
        let (number, size) = paging(request, "PageNumber", 20, self.product.rows_per_page)?;
        let (url, domain) = (request.parameter("ObjectPath"), request.parameter("DomainName"));
        let (object_type, status) = (request.parameter("ObjectType"), request.parameter("Status"));
        let refused = |code, message: &str| Err(ErrorCode::new(code, message));
        if (domain.is_some() || status.is_some()) && object_type.is_none() {
            return refused("MissingParameter.ObjectType", "ObjectType must go with DomainName or Status.");
        }
        if domain.is_some_and(|domain| domain.contains(',')) {
            return refused("DomainNameOverLimit", "Only one DomainName is supported.");
        }
        if status.is_some_and(|status| !matches!(status, "Complete" | "Refreshing" | "Failed")) {
            return refused("InvalidStatus.ValueNotSupported", "Status is not supported.");
        }
        let known = |word: &str| OBJECT_TYPES.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
        let operation = object_type.map(|word| known(word).map(|(_, operation)| operation).ok_or_else(unknown_type));
        let operation = operation.transpose()?;

        let tasks = &self.account.tasks;
        let fits = |place: &usize| {
            let entry = tasks.entry(*place);
            (start..=end).contains(&tasks.created(*place))
                && tasks.is_listed(*place, now)
                && id.is_none_or(|id| tasks.id(*place) == id)
                && url.is_none_or(|url| entry.url == url)
                && domain
                    .is_none_or(|domain| host_of(&entry.url).is_some_and(|host| domain.eq_ignore_ascii_case(&host)))
                && operation.is_none_or(|operation| entry.operation == operation)
                && status.is_none_or(|status| word(tasks.progress(*place, now)) == status)
        };
        let places: Vec<usize> = match (id, url) {
            (Some(id), _) => tasks.of_id(id).iter().rev().copied().filter(fits).collect(),
            (None, Some(url)) => tasks.of_url(url).iter().rev().copied().filter(fits).collect(),
            (None, None) => tasks.created_within(start, end).rev().filter(fits).collect(),
        };
        let rows: Vec<_> = page(&places, (number - 1) * size, size).map(|place| self.row(*place, now)).collect();
        let rows =
            serde_json::to_string(&BTreeMap::from([(self.product.rows, rows)])).expect("rows hold nothing but text");
        Ok(format!("{{\"PageNumber\":{number},\"PageSize\":{size},\"TotalCount\":{},\"Tasks\":{rows}}}", places.len()))
    }

    pub(super) fn row(&self, place: usize, now: Timestamp) -> Row<'_> {
        let tasks = &self.account.tasks;
        let (entry, progress) = (tasks.entry(place), tasks.progress(place, now));
        Row {
            task_id: &entry.task_id,
            // Of a refresh by tag, the tag: what the vendor shows there is not documented.
            object_path: match (entry.operation, entry.url.split_once("/#")) {
                (Operation::RefreshTag, Some((_, tag))) => percent_decode_str(tag).decode_utf8_lossy().into_owned(),
                _ => entry.url.clone(),
            },
            object_type: OBJECT_TYPES.iter().find(|known| known.1 == entry.operation).map_or("", |known| known.0),
            status: word(progress),
            process: match progress {
                Progress::Complete => "100%".to_owned(),
                Progress::Running(share) => format!("{:.2}%", (share * 100.0).min(99.0)),
                Progress::Failed => "99.00%".to_owned(),
            },
            creation_time: timestamp(tasks.created(place)),
            description: if progress == Progress::Failed { "Origin Return StatusCode 5XX" } else { "" },
        }
    }
}

fn word(progress: Progress) -> &'static str {
    match progress {
        Progress::Running(_) => "Refreshing",
        Progress::Complete => "Complete",
        Progress::Failed => "Failed",
    }
}

/// Start and end, both or none.
pub(super) fn times(request: &Received<'_>) -> Result<Option<(Timestamp, Timestamp)>, ErrorCode> {
    let (start, end) = match (request.parameter("StartTime"), request.parameter("EndTime")) {
        (None, None) => return Ok(None),
        (Some(start), Some(end)) => (signature::time(start), signature::time(end)),
        _ => return Err(ErrorCode::new("MissingTimeParameter", "StartTime and EndTime must be given together.")),
    };
    let malformed = |code, name: &str| ErrorCode::new(code, format!("{name} is not well formatted."));
    let start = start.ok_or_else(|| malformed("InvalidStartTime.Malformed", "StartTime"))?;
    let end = end.ok_or_else(|| malformed("InvalidEndTime.Malformed", "EndTime"))?;
    if end <= start {
        return Err(ErrorCode::new("InvalidEndTime.Mismatch", "EndTime is not after StartTime."));
    }
    Ok(Some((start, end)))
}

/// Not older than three days. The whole second of the end counts.
fn window(request: &Received<'_>, now: Timestamp) -> Result<(Timestamp, Timestamp), ErrorCode> {
    let oldest = now - KEPT;
    let Some((start, end)) = times(request)? else { return Ok((oldest, now)) };
    match () {
        () if start < oldest => Err(ErrorCode::new("InvalidTime", "StartTime is more than three days ago.")),
        () if start > now => Err(ErrorCode::new("InvalidStartTime.ValueNotSupported", "StartTime is in the future.")),
        () => Ok((start, end + SignedDuration::from_millis(999))),
    }
}

/// A page's number and size. Which code the vendor has for numbers that are too large is not documented.
pub(super) fn paging(
    request: &Received<'_>,
    number: &str,
    default: usize,
    largest: usize,
) -> Result<(usize, usize), ErrorCode> {
    let invalid = |message| ErrorCode::new("InvalidParameter", message);
    let number = request.number(number, 1, 1..=100_000).map_err(invalid)?;
    Ok((number, request.number("PageSize", default, 1..=largest).map_err(invalid)?))
}
