//! The list of tasks, the rows of a task, and the rows of all tasks, each with its own field names, as the documentation has them.

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::response::malformed;
use super::state::{FIRST_ID, Huawei};
use crate::Operation;
use crate::request::Received;
use crate::response::{Answer, ErrorCode};
use crate::sample::page;
use crate::tasks::Progress;

/// The statuses of a row.
const STATUSES: [&str; 6] = ["processing", "succeed", "failed", "waiting", "refreshing", "preheating"];

pub(super) const DAY: Duration = Duration::from_secs(86_400);

impl Huawei {
    /// The rows of one task. One that isn't there, or not yet, is answered as if it were somebody else's: terraform 2026.
    pub(super) fn detail(&self, id: &str, request: &Received<'_>, now: Timestamp) -> Answer {
        let (size, skipped) = paging(request, 30)?;
        let since = moment(request, "create_time")?.unwrap_or(now - 7 * DAY);
        let tasks = &self.account.tasks;
        let places = tasks.of_id(id.parse().unwrap_or(0));
        let listed = places.first().filter(|first| tasks.is_listed(**first, now) && tasks.created(**first) >= since);
        let Some(&first) = listed else {
            let message = "The URL domain name is not the acceleration domain name of the current tenant.";
            return Err(ErrorCode::new("CDN.0108", message));
        };
        let (status, url) = (request.parameter("status"), request.parameter("url"));
        let fits = |place: &&usize| {
            status.is_none_or(|status| self.status(**place, now) == status)
                && url.is_none_or(|url| tasks.entry(**place).url == url)
        };
        let row = |place: &usize| {
            let (entry, status) = (tasks.entry(*place), self.status(*place, now));
            let mut row = json!({
                "id": (place + 1).to_string(), "url": entry.url, "status": status, "task_id": id,
                "create_time": tasks.created(*place).as_millisecond(), "task_type": task_type(entry.operation).to_uppercase(),
            });
            if status == "failed" {
                row["fail_classify"] = "ORIGIN_ERROR".into();
                row["fail_desc"] = "the origin server answered 502".into();
            }
            row
        };
        let mut answer = self.counts(first, now);
        answer["urls"] = page(places.iter().filter(fits), skipped, size).map(row).collect();
        Ok(answer.to_string())
    }

    /// The list of tasks.
    pub(super) fn history(&self, request: &Received<'_>, now: Timestamp) -> Answer {
        if request.parameter("page_size").is_some() != request.parameter("page_number").is_some() {
            return Err(malformed("page_size and page_number go together"));
        }
        let (size, skipped) = paging(request, 30)?;
        let (start, end) = (moment(request, "start_date")?, moment(request, "end_date")?);
        let wanted_file_type = request.parameter("file_type").unwrap_or("file");
        let (wanted_type, status) = (request.parameter("task_type"), request.parameter("status"));
        let tasks = &self.account.tasks;
        let fits = |place: &usize| {
            let (operation, created) = (tasks.entry(*place).operation, tasks.created(*place));
            tasks.is_listed(*place, now)
                && file_type(operation) == wanted_file_type
                && wanted_type.is_none_or(|wanted| wanted == task_type(operation))
                && start.is_none_or(|start| created >= start)
                && end.is_none_or(|end| created <= end)
        };
        let firsts = tasks.ids().filter_map(|id| tasks.of_id(id).first().copied());
        let rows = firsts.filter(fits).map(|first| self.counts(first, now));
        let mut rows: Vec<Value> = rows.filter(|row| status.is_none_or(|wanted| row["status"] == wanted)).collect();
        let field = request.parameter("order_field").unwrap_or("create_time");
        match request.parameter("order_type").unwrap_or("desc") {
            "asc" => rows.sort_by_key(|row| row[field].as_i64()),
            "desc" => rows.sort_by_key(|row| Reverse(row[field].as_i64())),
            _ => return Err(malformed("order_type is neither asc nor desc")),
        }
        let total = rows.len();
        Ok(json!({"total": total, "tasks": page(rows, skipped, size).collect::<Vec<_>>()}).to_string())
    }

    /// The task whose first row is at `first`, as both show it. It is done when nothing of it is under way, whatever came of it.
    fn counts(&self, first: usize, now: Timestamp) -> Value {
        let tasks = &self.account.tasks;
        let (id, operation) = (tasks.id(first), tasks.entry(first).operation);
        let count = |end| tasks.of_id(id).iter().filter(|place| tasks.progress(**place, now) == end).count();
        let (total, succeeded, failed) = (tasks.of_id(id).len(), count(Progress::Complete), count(Progress::Failed));
        let processing = total - succeeded - failed;
        json!({
            "id": id.to_string(), "task_type": task_type(operation), "file_type": file_type(operation),
            "status": if processing == 0 { "task_done" } else { "task_inprocess" },
            "processing": processing, "succeed": succeeded, "failed": failed, "total": total,
            "create_time": tasks.created(first).as_millisecond(),
        })
    }

    /// The rows of all tasks, newest first.
    pub(super) fn records(&self, request: &Received<'_>, now: Timestamp) -> Answer {
        let number = |name, default, range| request.number(name, default, range).map_err(|message| malformed(&message));
        let (limit, offset) = (number("limit", 10, 1..=100)?, number("offset", 0, 0..=10_000_000)?);
        let (start, end) = match (moment(request, "start_time")?, moment(request, "end_time")?) {
            (None, None) => today(now),
            (Some(start), Some(end)) if start < end && end.duration_since(start).unsigned_abs() <= DAY => (start, end),
            _ => return Err(malformed("start_time and end_time go together, and are 24 hours apart at most")),
        };
        let word = |name: &str, known: &[&str]| match request.parameter(name).map(str::to_lowercase) {
            Some(word) if !known.contains(&word.as_str()) => Err(malformed(&format!("{name} is {word}"))),
            word => Ok(word),
        };
        let status = word("status", &STATUSES)?;
        let wanted_type = word("task_type", &["refresh", "preheating"])?;
        let wanted_file_type = word("file_type", &["file", "directory"])?;
        let tasks = &self.account.tasks;
        let fits = |place: &usize| {
            let operation = tasks.entry(*place).operation;
            tasks.is_listed(*place, now)
                && (start..end).contains(&tasks.created(*place))
                && wanted_type.as_deref().is_none_or(|wanted| wanted == task_type(operation))
                && wanted_file_type.as_deref().is_none_or(|wanted| wanted == file_type(operation))
                && status.as_deref().is_none_or(|wanted| wanted == self.status(*place, now))
        };
        let places: Vec<usize> = match request.parameter("url") {
            Some(url) => tasks.of_url(url).iter().rev().copied().filter(fits).collect(),
            None => tasks.created_within(start, end).rev().filter(fits).collect(),
        };
        let row = |place: &usize| {
            let (entry, id) = (tasks.entry(*place), tasks.id(*place));
            let mut row = json!({
                "id": place + 1, "url": entry.url, "status": self.status(*place, now).to_uppercase(),
                "type": task_type(entry.operation).to_uppercase(), "task_id": id, "file_type": file_type(entry.operation),
                "create_time": tasks.created(*place).as_millisecond(), "modify_time": now.as_millisecond(),
            });
            if entry.operation == Operation::RefreshDirectory {
                row["mode"] = self.modes[(id - FIRST_ID) as usize].as_str().into();
            }
            row
        };
        let rows: Vec<Value> = page(&places, offset, limit).map(row).collect();
        Ok(json!({"total": places.len(), "count": rows.len(), "result": rows}).to_string())
    }

    /// The status of a row, in lower case.
    fn status(&self, place: usize, now: Timestamp) -> &'static str {
        match (self.account.tasks.progress(place, now), self.account.tasks.entry(place).operation) {
            (Progress::Running(share), _) if share < 0.1 => "waiting",
            (Progress::Running(_), Operation::Prefetch) => "preheating",
            (Progress::Running(_), _) => "refreshing",
            (Progress::Complete, _) => "succeed",
            (Progress::Failed, _) => "failed",
        }
    }
}

fn file_type(operation: Operation) -> &'static str {
    if operation == Operation::RefreshDirectory { "directory" } else { "file" }
}

/// The word of the list of tasks; that of the rows is in upper case.
fn task_type(operation: Operation) -> &'static str {
    if operation == Operation::Prefetch { "preheating" } else { "refresh" }
}

/// Milliseconds since the epoch.
pub(super) fn moment(request: &Received<'_>, name: &str) -> Result<Option<Timestamp>, ErrorCode> {
    let Some(text) = request.parameter(name) else { return Ok(None) };
    let time = text.parse().ok().and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
    time.map(Some).ok_or_else(|| malformed(&format!("{name} is no number of milliseconds")))
}

/// A page's size, and how many rows come before it.
pub(super) fn paging(request: &Received<'_>, default: usize) -> Result<(usize, usize), ErrorCode> {
    let invalid = |message: String| malformed(&message);
    let size = request.number("page_size", default, 1..=10_000).map_err(invalid)?;
    let page = request.number("page_number", 1, 1..=65_535).map_err(invalid)?;
    Ok((size, (page - 1) * size))
}

/// The day that `now` is in, in UTC+8 (not documented where a day begins).
fn today(now: Timestamp) -> (Timestamp, Timestamp) {
    let ahead = 8 * 3_600;
    let midnight = (now.as_second() + ahead).div_euclid(86_400) * 86_400 - ahead;
    let start = Timestamp::from_second(midnight).unwrap_or(now);
    (start, start + DAY)
}
