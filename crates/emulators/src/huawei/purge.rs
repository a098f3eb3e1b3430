//! Refreshes, prefetches, and the quota.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::response::malformed;
use super::state::{Huawei, LIMITS, URL_CHARACTERS};
use crate::Operation;
use crate::account::limit;
use crate::request::{Received, host_of, is_host};
use crate::response::{Answer, ErrorCode};

/// The id of the emulated account.
const ACCOUNT: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

impl Huawei {
    pub(super) fn refresh(&mut self, request: &Received<'_>, now: Timestamp) -> Answer {
        let task = task(request, "refresh_task")?;
        let operation = match &task["type"] {
            Value::Null => Operation::RefreshUrl,
            Value::String(word) if word == "file" => Operation::RefreshUrl,
            Value::String(word) if word == "directory" => Operation::RefreshDirectory,
            _ => return Err(malformed("type is neither file nor directory")),
        };
        let mode = match &task["mode"] {
            Value::Null => "all",
            Value::String(word) if ["all", "detect_modify_refresh"].contains(&word.as_str()) => word,
            _ => return Err(malformed("mode is neither all nor detect_modify_refresh")),
        };
        let id = self.submit(operation, mode, &task, now)?;
        Ok(json!({"refresh_task": id.to_string()}).to_string())
    }

    pub(super) fn prefetch(&mut self, request: &Received<'_>, now: Timestamp) -> Answer {
        let task = task(request, "preheating_task")?;
        let id = self.submit(Operation::Prefetch, "", &task, now)?;
        Ok(json!({"preheating_task": id.to_string()}).to_string())
    }

    fn submit(&mut self, operation: Operation, mode: &str, task: &Value, now: Timestamp) -> Result<u64, ErrorCode> {
        if !matches!(task["zh_url_encode"], Value::Null | Value::Bool(_)) {
            return Err(malformed("zh_url_encode is no boolean"));
        }
        let urls: Option<Vec<&str>> = task["urls"].as_array().and_then(|urls| urls.iter().map(Value::as_str).collect());
        let urls = urls.filter(|urls| !urls.is_empty()).ok_or_else(|| malformed("urls is no list of URLs"))?;
        let limit = limit(&LIMITS, operation).ok_or_else(|| malformed("there is no such task"))?;
        if urls.len() > limit.per_call {
            return Err(ErrorCode::new("CDN.0110", "The number of URLs exceeds the limit of one request."));
        }
        if let Some(url) = urls.iter().find(|url| !self.would_take(operation, url)) {
            return Err(malformed(&format!("the URL {url} is not valid")));
        }
        if !self.account.spend(limit, urls.len() as u64, now) {
            return Err(ErrorCode::new("CDN.0110", "The number of URLs exceeds the quota of today."));
        }
        let id = self.account.tasks.next_id();
        for url in urls {
            self.account.tasks.accept(id, operation, url, now, limit.typical);
        }
        self.modes.push(mode.to_owned());
        Ok(id)
    }

    fn would_take(&self, operation: Operation, url: &str) -> bool {
        let wrong_end = operation == Operation::RefreshDirectory && !url.ends_with('/');
        let has_scheme = url.starts_with("https://") || url.starts_with("http://");
        let fits = has_scheme && !wrong_end && url.chars().count() <= URL_CHARACTERS;
        fits && host_of(url).is_some_and(|host| is_host(&host)) && !self.account.refuses(url)
    }

    pub(super) fn quota(&self, now: Timestamp) -> String {
        let row = |name: &str, limit: Option<u64>, used: u64| json!({"type": name, "quota_limit": limit, "used": used, "user_domain_id": ACCOUNT});
        let rows =
            LIMITS.iter().map(|limit| row(limit.quota, self.account.daily(limit), self.account.spent(limit, now)));
        json!({"quotas": rows.chain([row("domain", Some(100), 1)]).collect::<Vec<_>>()}).to_string()
    }
}

fn task(request: &Received<'_>, field: &str) -> Result<Value, ErrorCode> {
    let mut body: Value = serde_json::from_slice(request.body).map_err(|_| malformed("the body is no JSON"))?;
    Some(body[field].take()).filter(Value::is_object).ok_or_else(|| malformed(&format!("{field} is missing")))
}
