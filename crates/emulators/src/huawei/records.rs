//! Tasks, their rows, and the record query, each with its own spelling, as the vendor's documentation has them.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::spec::FOREIGN;
use super::HuaweiEmulator;
use super::calls::{DAY, malformed, moment, number, page};
use super::reply::Refusal;
use super::request::Arrived;
use super::tasks::Task;

/// What the status of an address can be.
const STATUSES: [&str; 6] = ["processing", "succeed", "failed", "waiting", "refreshing", "preheating"];

impl HuaweiEmulator {
    /// The rows of one task. One that isn't there, or not yet, is answered as if it were somebody else's.
    /// (terraform 2026, see `spec.rs`)
    pub(super) fn detail(&self, id: &str, request: &Arrived<'_>, now: Timestamp) -> Result<String, Refusal> {
        let (size, skipped) = page(request, 30)?;
        let since = moment(request, "create_time")?.unwrap_or(now - 7 * DAY);
        let Some(task) = self.tasks.find(id).filter(|task| self.shows(task, now) && task.created >= since) else {
            let message = "The URL domain name is not the acceleration domain name of the current tenant.";
            return Err(Refusal::new(FOREIGN, message));
        };
        let (status, url) = (request.parameter("status"), request.parameter("url"));
        let fits = |place: &usize| {
            status.is_none_or(|status| self.tasks.status(*place, now) == status)
                && url.is_none_or(|url| self.tasks.url(*place) == url)
        };
        let row = |place: usize| {
            let status = self.tasks.status(place, now);
            let mut row = json!({
                "id": (place + 1).to_string(), "url": self.tasks.url(place), "status": status,
                "create_time": task.created.as_millisecond(), "task_id": id, "task_type": task.task_type().to_uppercase(),
            });
            if status == "failed" {
                row["fail_classify"] = "ORIGIN_ERROR".into();
                row["fail_desc"] = "the origin server answered 502".into();
            }
            row
        };
        let rows: Vec<Value> = task.places.clone().filter(fits).skip(skipped).take(size).map(row).collect();
        let mut answer = self.counts(task, now);
        answer["urls"] = rows.into();
        Ok(answer.to_string())
    }

    /// The list of tasks.
    pub(super) fn history(&self, request: &Arrived<'_>, now: Timestamp) -> Result<String, Refusal> {
        if request.parameter("page_size").is_some() != request.parameter("page_number").is_some() {
            return Err(malformed("page_size and page_number go together"));
        }
        let (size, skipped) = page(request, 30)?;
        let (start, end) = (moment(request, "start_date")?, moment(request, "end_date")?);
        let file_type = request.parameter("file_type").unwrap_or("file");
        let (task_type, status) = (request.parameter("task_type"), request.parameter("status"));
        let fits = |task: &&Task| {
            self.shows(task, now)
                && task.file_type() == file_type
                && task_type.is_none_or(|asked| asked == task.task_type())
                && start.is_none_or(|start| task.created >= start)
                && end.is_none_or(|end| task.created <= end)
        };
        let rows = self.tasks.all().iter().filter(fits).map(|task| self.counts(task, now));
        let mut rows: Vec<Value> = rows.filter(|row| status.is_none_or(|asked| row["status"] == asked)).collect();
        let field = request.parameter("order_field").unwrap_or("create_time");
        match request.parameter("order_type").unwrap_or("desc") {
            "asc" => rows.sort_by_key(|row| row[field].as_i64()),
            "desc" => rows.sort_by_key(|row| Reverse(row[field].as_i64())),
            _ => return Err(malformed("order_type is neither asc nor desc")),
        }
        let total = rows.len();
        let tasks: Vec<Value> = rows.into_iter().skip(skipped).take(size).collect();
        Ok(json!({"total": total, "tasks": tasks}).to_string())
    }

    /// A task as both show it. It is done when nothing of it is under way, whatever came of it.
    fn counts(&self, task: &Task, now: Timestamp) -> Value {
        let count = |word: &str| task.places.clone().filter(|place| self.tasks.status(*place, now) == word).count();
        let (total, succeeded, failed) = (task.places.len(), count("succeed"), count("failed"));
        let processing = total - succeeded - failed;
        json!({
            "id": task.id.to_string(), "task_type": task.task_type(), "file_type": task.file_type(),
            "status": if processing == 0 { "task_done" } else { "task_inprocess" },
            "processing": processing, "succeed": succeeded, "failed": failed, "total": total,
            "create_time": task.created.as_millisecond(),
        })
    }

    /// The record query, newest first.
    pub(super) fn records(&self, request: &Arrived<'_>, now: Timestamp) -> Result<String, Refusal> {
        let (limit, offset) = (number(request, "limit", 10, (1, 100))?, number(request, "offset", 0, (0, 10_000_000))?);
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
        let task_type = word("task_type", &["refresh", "preheating"])?;
        let file_type = word("file_type", &["file", "directory"])?;
        let fits = |place: &usize| {
            let task = self.tasks.task_of(*place);
            self.shows(task, now)
                && (start..end).contains(&task.created)
                && task_type.as_deref().is_none_or(|asked| asked == task.task_type())
                && file_type.as_deref().is_none_or(|asked| asked == task.file_type())
                && status.as_deref().is_none_or(|asked| asked == self.tasks.status(*place, now))
        };
        let places: Vec<usize> = match request.parameter("url") {
            Some(url) => self.tasks.of_url(url).iter().rev().copied().filter(fits).collect(),
            None => self.tasks.everywhere().rev().filter(fits).collect(),
        };
        let row = |place: &usize| {
            let task = self.tasks.task_of(*place);
            let mut row = json!({
                "id": place + 1, "url": self.tasks.url(*place), "status": self.tasks.status(*place, now).to_uppercase(),
                "type": task.task_type().to_uppercase(), "task_id": task.id, "file_type": task.file_type(),
                "create_time": task.created.as_millisecond(), "modify_time": now.as_millisecond(),
            });
            if task.file_type() == "directory" {
                row["mode"] = task.mode.as_str().into();
            }
            row
        };
        let rows: Vec<Value> = places.iter().skip(offset).take(limit).map(row).collect();
        Ok(json!({"total": places.len(), "count": rows.len(), "result": rows}).to_string())
    }

    fn shows(&self, task: &Task, now: Timestamp) -> bool {
        task.is_listed(&self.settings, now)
    }
}

/// The day that `now` is in, in UTC+8 (not documented where a day begins).
fn today(now: Timestamp) -> (Timestamp, Timestamp) {
    let ahead = 8 * 3_600;
    let midnight = (now.as_second() + ahead).div_euclid(86_400) * 86_400 - ahead;
    let start = Timestamp::from_second(midnight).unwrap_or(now);
    (start, start + DAY)
}
