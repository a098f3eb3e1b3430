//! Submissions and the quota, each with the refusals that are documented.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::spec::HUAWEI_CDN;
use super::HuaweiEmulator;
use super::reply::Refusal;
use super::request::Arrived;
use crate::model::{Operation, RefreshKind};
use crate::provider::OperationSpec;

impl HuaweiEmulator {
    pub(super) fn refresh(&mut self, request: &Arrived<'_>, now: Timestamp, at: Timestamp) -> Result<String, Refusal> {
        let task = task(request, "refresh_task")?;
        let kind = match &task["type"] {
            Value::Null => RefreshKind::Url,
            Value::String(word) if word == "file" => RefreshKind::Url,
            Value::String(word) if word == "directory" => RefreshKind::Directory,
            _ => return Err(malformed("type is neither file nor directory")),
        };
        let mode = match &task["mode"] {
            Value::Null => "all",
            Value::String(word) if ["all", "detect_modify_refresh"].contains(&word.as_str()) => word,
            _ => return Err(malformed("mode is neither all nor detect_modify_refresh")),
        };
        let id = self.submit(Operation::Refresh(kind), mode, &task, now, at)?;
        Ok(json!({"refresh_task": id.to_string()}).to_string())
    }

    pub(super) fn prefetch(&mut self, request: &Arrived<'_>, now: Timestamp, at: Timestamp) -> Result<String, Refusal> {
        let task = task(request, "preheating_task")?;
        let id = self.submit(Operation::Prefetch, "", &task, now, at)?;
        Ok(json!({"preheating_task": id.to_string()}).to_string())
    }

    fn submit(
        &mut self,
        operation: Operation,
        mode: &str,
        task: &Value,
        now: Timestamp,
        at: Timestamp,
    ) -> Result<u64, Refusal> {
        if !matches!(task["zh_url_encode"], Value::Null | Value::Bool(_)) {
            return Err(malformed("zh_url_encode is no boolean"));
        }
        let urls = task["urls"].as_array().ok_or_else(|| malformed("urls is no list"))?;
        let urls: Option<Vec<&str>> = urls.iter().map(Value::as_str).collect();
        let urls = urls.filter(|urls| !urls.is_empty()).ok_or_else(|| malformed("urls is no list of addresses"))?;
        let limit = HUAWEI_CDN.operation(operation).ok_or_else(|| malformed("there is no such task"))?;
        if urls.len() > limit.per_call {
            return Err(Refusal::new("CDN.0110", "The number of URLs exceeds the limit of one request."));
        }
        if let Some(url) = urls.iter().find(|url| !self.would_take(operation, url)) {
            return Err(malformed(&format!("the URL {url} is not valid")));
        }
        self.charge(operation, urls.len() as u64, now)?;
        let takes = self.settings.task_duration.unwrap_or(limit.typical);
        Ok(self.tasks.accept(operation, mode, &urls, &self.settings, (now, at), takes))
    }

    fn would_take(&self, operation: Operation, url: &str) -> bool {
        let is_refused = self.settings.refuse.iter().any(|mark| url.contains(mark.as_str()));
        let wrong_end = operation == Operation::Refresh(RefreshKind::Directory) && !url.ends_with('/');
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
        let is_host =
            host.contains('.') && !host.contains(|c: char| c.is_whitespace() || c.is_control() || "*\\%@".contains(c));
        is_host && !is_refused && !wrong_end && url.chars().count() <= HUAWEI_CDN.url_characters
    }

    /// Takes from the day's quota: all or nothing.
    fn charge(&mut self, operation: Operation, count: u64, now: Timestamp) -> Result<(), Refusal> {
        let limit = self.daily(operation);
        let used = self.used.entry((day(now), operation)).or_default();
        if limit.is_some_and(|limit| *used + count > limit) {
            return Err(Refusal::new("CDN.0110", "The number of URLs exceeds the quota of today."));
        }
        *used += count;
        Ok(())
    }

    fn daily(&self, operation: Operation) -> Option<u64> {
        self.settings.quota.or_else(|| HUAWEI_CDN.operation(operation)?.per_day)
    }

    pub(super) fn quota(&self, now: Timestamp) -> String {
        let row = |&OperationSpec { operation, quota: name, .. }: &OperationSpec| {
            let used = self.used.get(&(day(now), operation)).copied().unwrap_or(0);
            json!({"type": name, "quota_limit": self.daily(operation), "used": used, "user_domain_id": ACCOUNT})
        };
        let other = json!({"type": "domain", "quota_limit": 100, "used": 1, "user_domain_id": ACCOUNT});
        json!({"quotas": HUAWEI_CDN.operations.iter().map(row).chain([other]).collect::<Vec<_>>()}).to_string()
    }
}

/// The id of the emulated account.
const ACCOUNT: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

fn task(request: &Arrived<'_>, field: &str) -> Result<Value, Refusal> {
    let mut body: Value = serde_json::from_slice(request.body).map_err(|_| malformed("the body is no JSON"))?;
    Some(body[field].take()).filter(Value::is_object).ok_or_else(|| malformed(&format!("{field} is missing")))
}

pub(super) fn malformed(why: &str) -> Refusal {
    Refusal::new("CDN.0001", format!("The request parameter is missing or malformed: {why}."))
}

/// The day in UTC+8, where the quota is taken to begin anew.
fn day(now: Timestamp) -> i64 {
    (now + SignedDuration::from_hours(8)).as_second().div_euclid(86_400)
}

/// A number from `least` to `most`.
pub(super) fn number(
    request: &Arrived<'_>,
    name: &str,
    default: usize,
    (least, most): (usize, usize),
) -> Result<usize, Refusal> {
    match request.parameter(name).map(str::parse::<usize>) {
        None => Ok(default),
        Some(Ok(number)) if (least..=most).contains(&number) => Ok(number),
        Some(_) => Err(malformed(&format!("{name} is not between {least} and {most}"))),
    }
}

/// Milliseconds since the epoch.
pub(super) fn moment(request: &Arrived<'_>, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = request.parameter(name) else { return Ok(None) };
    let time = text.parse().ok().and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
    time.map(Some).ok_or_else(|| malformed(&format!("{name} is no number of milliseconds")))
}

/// A page's size and what comes before it.
pub(super) fn page(request: &Arrived<'_>, default: usize) -> Result<(usize, usize), Refusal> {
    let size = number(request, "page_size", default, (1, 10_000))?;
    let page = number(request, "page_number", 1, (1, 65_535))?;
    Ok((size, (page - 1) * size))
}

/// As a whole day is spelled here.
pub(super) const DAY: Duration = Duration::from_secs(86_400);
