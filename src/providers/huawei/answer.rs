//! An answer becomes an accepted task id, a page of rows, a quota, points, files or domains; anything else becomes an error.
//!
//! A business error comes as a success with `error` in its body, so that is looked for before anything else. The vendor
//! spells statuses in either case of letters, and ids as text or as numbers: all of it is read alike.

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

use super::refusal::Words;
use crate::model::{Operation, Quota, QuotaEntry};
use crate::provider::{Accepted, ApiError, Domain, DomainPage, LogFile, LogPage, Page, Point, Record, TaskState};

/// What came back from one call.
pub(super) struct Answer {
    pub(super) api: &'static str,
    pub(super) permission: &'static str,
    /// Whether the call may have changed something.
    pub(super) submits: bool,
    /// The time in the signature.
    pub(super) signed_at: Timestamp,
    pub(super) response: Response<Bytes>,
}

impl Answer {
    /// The id of an accepted task. Without it nothing proves that the batch was taken, whatever the status.
    pub(super) fn accepted(&self, field: &str) -> Result<Accepted, ApiError> {
        let body = self.body()?;
        match text(&body[field]).filter(|id| is_plausible_id(id)) {
            Some(id) => Ok(Accepted { task_ids: vec![id], request_id: self.request_id(None) }),
            None => Err(self.unreadable(&format!("JSON without a task id in `{field}`"))),
        }
    }

    /// The rows of one task. That it is `task_done` says only that nothing is under way; its rows tell what came of it.
    pub(super) fn detail(&self, task_id: &str) -> Result<Page, ApiError> {
        let body = self.body()?;
        let Some(rows) = body["urls"].as_array() else {
            return Err(self.unreadable("JSON without a list in `urls`"));
        };
        let of_task = |mut record: Record| {
            task_id.clone_into(&mut record.task_id);
            if let Some(task_type) = body["task_type"].as_str() {
                record.prefetch = is_prefetch(task_type);
            }
            record
        };
        let records: Vec<Record> = rows.iter().map(|row| of_task(record(row))).collect();
        Ok(Page { total: total(&body, records.len()), records })
    }

    /// The rows of the record query.
    pub(super) fn records(&self) -> Result<Page, ApiError> {
        let (rows, total) = self.list("result")?;
        Ok(Page { records: rows.iter().map(record).collect(), total })
    }

    /// What is left; an operation that isn't among them is left out.
    pub(super) fn quota(&self, names: &[(Operation, &str)]) -> Result<Quota, ApiError> {
        let (rows, _) = self.list("quotas")?;
        let entry = |&(operation, name): &(Operation, &str)| {
            let row = rows.iter().find(|row| row["type"].as_str() == Some(name))?;
            let (limit, used) = (number(&row["quota_limit"])?, number(&row["used"])?);
            let (limit, used) = (limit.max(0.0) as u64, used.max(0.0) as u64);
            Some(QuotaEntry { operation, limit, remaining: limit.saturating_sub(used) })
        };
        Ok(Quota { entries: names.iter().filter_map(entry).collect() })
    }

    /// One value for each width from `start` on, by domain where the answer tells them apart.
    pub(super) fn points(&self, name: &str, start: Timestamp, width: Duration) -> Result<Vec<Point>, ApiError> {
        let body = self.body()?;
        let Some(result) = body["result"].as_object() else {
            return Err(self.unreadable("JSON without an object in `result`"));
        };
        let series = result.iter().filter_map(|(key, value)| match value {
            Value::Array(values) if key == name => Some((None, values)),
            Value::Object(_) => Some((Some(key.clone()), value[name].as_array()?)),
            _ => None,
        });
        let mut points = Vec::new();
        for (domain, values) in series {
            let mut at = start;
            for value in values {
                points.extend(number(value).map(|value| Point { at, domain: domain.clone(), value }));
                at = at.saturating_add(width).unwrap_or(at);
            }
        }
        Ok(points)
    }

    /// The rows of the list of log files. Their links are as good as keys.
    pub(super) fn log_page(&self) -> Result<LogPage, ApiError> {
        let (rows, total) = self.list("logs")?;
        let file = |row: &Value| {
            Some(LogFile {
                domain: text(&row["domain_name"]).unwrap_or_default(),
                name: text(&row["name"])?,
                url: text(&row["link"])?.into(),
                bytes: number(&row["size"]).map_or(0, |bytes| bytes.max(0.0) as u64),
                since: moment(&row["start_time"]),
                until: moment(&row["end_time"]),
            })
        };
        Ok(LogPage { files: rows.iter().filter_map(file).collect(), total })
    }

    /// The rows of the list of domains.
    pub(super) fn domain_page(&self) -> Result<DomainPage, ApiError> {
        let (rows, total) = self.list("domains")?;
        let domain = |row: &Value| {
            Some(Domain {
                name: text(&row["domain_name"])?,
                status: text(&row["domain_status"]).unwrap_or_default(),
                service: text(&row["business_type"]).unwrap_or_default(),
                cname: text(&row["cname"]),
            })
        };
        Ok(DomainPage { domains: rows.iter().filter_map(domain).collect(), total })
    }

    fn list(&self, field: &str) -> Result<(Vec<Value>, usize), ApiError> {
        let mut body = self.body()?;
        let total = total(&body, 0);
        match body[field].take() {
            Value::Array(rows) => Ok((rows, total)),
            // An empty list may be left out, if the rest is there.
            Value::Null if body["total"].is_number() => Ok((Vec::new(), total)),
            _ => Err(self.unreadable(&format!("JSON without a list in `{field}`"))),
        }
    }

    /// A good answer's object; the error that it holds, if it holds one.
    fn body(&self) -> Result<Value, ApiError> {
        if !self.response.status().is_success() {
            return Err(self.refusal());
        }
        let body = self.response.body();
        match serde_json::from_slice::<Value>(body) {
            Ok(value @ Value::Object(_)) => match Words::of(&value).filter(|words| words.code.is_some()) {
                Some(words) => Err(self.refused(words)),
                None => Ok(value),
            },
            Ok(_) => Err(self.unreadable("JSON, but not an object")),
            Err(error) => Err(self.unreadable(&match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None => "an empty body".to_owned(),
                Some(b'<') => "HTML or XML instead of JSON, perhaps from a proxy".to_owned(),
                Some(_) if error.is_eof() => format!("JSON that breaks off after {} bytes", body.len()),
                Some(_) => format!("{} bytes that can't be read as the answer", body.len()),
            })),
        }
    }

    /// The vendor's id of the request: in the body, else in a header.
    pub(super) fn request_id(&self, in_body: Option<&str>) -> Option<String> {
        let in_header = || self.response.headers().get("x-request-id")?.to_str().ok();
        let id = in_body.filter(|id| !id.is_empty()).or_else(in_header)?;
        (!id.is_empty()).then(|| id.chars().take(128).collect())
    }
}

/// A row of a task's details or of the record query. Any status but the two final words counts as not finished.
fn record(row: &Value) -> Record {
    let status = text(&row["status"]).unwrap_or_default();
    let task_type = text(&row["task_type"]).or_else(|| text(&row["type"])).unwrap_or_default();
    let why = || {
        let words: Vec<String> = ["fail_classify", "fail_desc"].iter().filter_map(|name| text(&row[*name])).collect();
        if words.is_empty() { "no description".to_owned() } else { words.join(": ") }
    };
    let state = match status.trim().to_ascii_lowercase().as_str() {
        "succeed" => TaskState::Complete,
        "failed" => TaskState::Failed(why()),
        _ => TaskState::Running,
    };
    let prefetch = is_prefetch(&task_type);
    Record {
        task_id: text(&row["task_id"]).unwrap_or_default(),
        url: text(&row["url"]).unwrap_or_default(),
        prefetch,
        kind: text(&row["file_type"]).filter(|_| !prefetch).unwrap_or(task_type),
        state,
        status,
        percent: None,
        created: moment(&row["create_time"]),
    }
}

/// `PREHEATING` or `preheating`, and not `REFRESH_AFTER_PREHEATING`.
fn is_prefetch(task_type: &str) -> bool {
    task_type.trim().eq_ignore_ascii_case("preheating")
}

fn is_plausible_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn total(body: &Value, otherwise: usize) -> usize {
    number(&body["total"]).map_or(otherwise, |total| total.max(0.0) as usize)
}

/// Text or a number, as text; nothing of anything else, nor of empty text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// Milliseconds since the epoch; 0 is no moment.
fn moment(value: &Value) -> Option<Timestamp> {
    let milliseconds = number(value).filter(|milliseconds| *milliseconds > 0.0)?;
    Timestamp::from_millisecond(milliseconds as i64).ok()
}
