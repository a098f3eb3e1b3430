//! Purges, prefetches, their tasks, the quota and the domains of the CDN.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::state::{Product, Tencent, malformed, paging, text, texts};
use crate::Operation;
use crate::account::{Limit, limit};
use crate::request::{host_of, is_host};
use crate::response::{Answer, ErrorCode};
use crate::sample::page;
use crate::tasks::Progress;

pub(super) static PRODUCT: Product = Product {
    version: "2018-06-06",
    service: "cdn",
    actions: &[
        "PurgeUrlsCache",
        "PurgePathCache",
        "PushUrlsCache",
        "DescribePurgeTasks",
        "DescribePushTasks",
        "DescribePurgeQuota",
        "DescribePushQuota",
        "DescribeDomains",
    ],
    answer,
};

/// The domains that are there from the beginning.
const DOMAINS: [&str; 2] = ["img.example.com", "www.example.com"];

/// In a call: sdk 3.1.169; in a day: quotas 2026; how long a task takes: quotas 2026.
static LIMITS: [Limit; 3] = [
    of(Operation::RefreshUrl, 1_000, 10_000, "UrlPurge", 300),
    of(Operation::RefreshDirectory, 500, 100, "PathPurge", 300),
    of(Operation::Prefetch, 500, 1_000, "UrlPush", 600),
];

const fn of(operation: Operation, per_call: usize, per_day: u64, quota: &'static str, typical: u64) -> Limit {
    Limit { operation, per_call, per_day: Some(per_day), quota, typical: Duration::from_secs(typical) }
}

fn answer(tencent: &mut Tencent, action: &str, body: &Value, now: Timestamp) -> Answer {
    match action {
        "PurgeUrlsCache" => tencent.submit(Operation::RefreshUrl, "Urls", body, now),
        "PurgePathCache" => match text(body, "FlushType") {
            "flush" | "delete" => tencent.submit(Operation::RefreshDirectory, "Paths", body, now),
            _ => Err(malformed("FlushType is neither flush nor delete")),
        },
        "PushUrlsCache" => tencent.submit(Operation::Prefetch, "Urls", body, now),
        "DescribePurgeTasks" => tencent.list(false, body, now),
        "DescribePushTasks" => tencent.list(true, body, now),
        "DescribePurgeQuota" => Ok(tencent.left(&LIMITS[..2], now)),
        "DescribePushQuota" => Ok(tencent.left(&LIMITS[2..], now)),
        _ => tencent.domains(body),
    }
}

impl Tencent {
    fn submit(&mut self, operation: Operation, list: &str, body: &Value, now: Timestamp) -> Answer {
        let urls = texts(body, list)?;
        let limit = limit(&LIMITS, operation).ok_or_else(|| malformed("there is no such task"))?;
        let areas: &[&str] = if operation == Operation::Prefetch {
            &["", "mainland", "overseas", "global"]
        } else {
            &["", "mainland", "overseas"]
        };
        if !areas.contains(&text(body, "Area")) || !matches!(body["UrlEncode"], Value::Null | Value::Bool(_)) {
            return Err(malformed("Area or UrlEncode has a wrong value"));
        }
        let (batch, day) = match operation {
            Operation::RefreshUrl => {
                ("LimitExceeded.CdnPurgeUrlExceedBatchLimit", "LimitExceeded.CdnPurgeUrlExceedDayLimit")
            }
            Operation::Prefetch => ("LimitExceeded.CdnPushExceedBatchLimit", "LimitExceeded.CdnPushExceedDayLimit"),
            _ => ("LimitExceeded.CdnPurgePathExceedBatchLimit", "LimitExceeded.CdnPurgePathExceedDayLimit"),
        };
        if urls.len() > limit.per_call {
            return Err(ErrorCode::new(batch, "The number of URLs exceeds the limit of one submission."));
        }
        // One that is refused spoils the batch; not documented either way.
        for url in &urls {
            self.check(operation, url)?;
        }
        if !self.account.spend(limit, urls.len() as u64, now) {
            return Err(ErrorCode::new(day, "The number of URLs exceeds the limit of a day."));
        }
        let id = self.account.tasks.next_id();
        for url in urls {
            self.account.tasks.accept(id, operation, url, now, limit.typical);
        }
        Ok(json!({"TaskId": id.to_string()}).to_string())
    }

    fn check(&self, operation: Operation, url: &str) -> Result<(), ErrorCode> {
        let host = host_of(url).filter(|host| is_host(host));
        let has_scheme = url.starts_with("https://") || url.starts_with("http://");
        if host.is_none() || !has_scheme || (operation == Operation::RefreshDirectory && !url.ends_with('/')) {
            return Err(malformed(&format!("the URL {url} is not valid")));
        }
        if url.contains('*') {
            let is_prefetch = operation == Operation::Prefetch;
            let codes = ["InvalidParameter.CdnPurgeWildcardNotAllowed", "InvalidParameter.CdnPushWildcardNotAllowed"];
            return Err(ErrorCode::new(codes[usize::from(is_prefetch)], "Wildcards are not supported."));
        }
        if self.account.refuses(url) {
            let message = format!("You have no permission to operate the domain of {url}.");
            return Err(ErrorCode::new("UnauthorizedOperation.CdnHostUnauthorized", message));
        }
        Ok(())
    }

    /// The rows of purges or of prefetches, newest first.
    fn list(&self, of_prefetches: bool, body: &Value, now: Timestamp) -> Answer {
        let (offset, size) = paging(body, 1_000)?;
        let tasks = &self.account.tasks;
        let time = |name: &str| match text(body, name) {
            "" => Ok(None),
            time => self::time(time).map(Some).ok_or_else(|| malformed(&format!("{name} is no time"))),
        };
        let (id, start, end) = (text(body, "TaskId"), time("StartTime")?, time("EndTime")?);
        let mut places: Vec<usize> = match (id, start, end) {
            ("", Some(start), Some(end)) if start <= end => tasks.created_within(start, end).collect(),
            ("", ..) => return Err(malformed("either TaskId or a time range is required")),
            (id, ..) => tasks.of_id(id.parse().unwrap_or(0)).to_vec(),
        };
        let (word, kind, status) = (text(body, "Keyword"), text(body, "PurgeType"), text(body, "Status"));
        let fits = |place: &usize| {
            let (entry, created) = (tasks.entry(*place), tasks.created(*place));
            tasks.is_listed(*place, now)
                && (entry.operation == Operation::Prefetch) == of_prefetches
                && (word.is_empty() || entry.url == word || host_of(&entry.url).as_deref() == Some(word))
                && (kind.is_empty() || kind == purge_type(entry.operation))
                && (status.is_empty() || status == self.status(*place, now))
                && start.is_none_or(|start| created >= start)
                && end.is_none_or(|end| created <= end)
        };
        places.retain(fits);
        places.reverse();
        let row = |place: &usize| {
            let entry = tasks.entry(*place);
            let created =
                Offset::UTC.to_datetime(tasks.created(*place) + AHEAD).strftime("%Y-%m-%d %H:%M:%S").to_string();
            let mut row = json!({
                "TaskId": tasks.id(*place).to_string(), "Url": entry.url, "Status": self.status(*place, now),
                "CreateTime": created,
            });
            if of_prefetches {
                let share = if let Progress::Running(share) = tasks.progress(*place, now) { share } else { 1.0 };
                row["Percent"] = ((share * 100.0) as u64).into();
                row["Area"] = "mainland".into();
                row["UpdateTime"] = Value::Null;
            } else {
                row["PurgeType"] = purge_type(entry.operation).into();
                row["FlushType"] = if entry.operation == Operation::RefreshUrl { "delete" } else { "flush" }.into();
            }
            row
        };
        let rows: Vec<Value> = page(&places, offset, size).map(row).collect();
        let list = if of_prefetches { "PushLogs" } else { "PurgeLogs" };
        Ok(json!({list: rows, "TotalCount": places.len()}).to_string())
    }

    fn status(&self, place: usize, now: Timestamp) -> &'static str {
        let tasks = &self.account.tasks;
        match (tasks.progress(place, now), tasks.entry(place).operation) {
            (Progress::Running(_), _) => "process",
            (Progress::Complete, _) => "done",
            (Progress::Failed, Operation::Prefetch) => "invalid",
            (Progress::Failed, _) => "fail",
        }
    }

    /// What is left, the same in both areas.
    fn left(&self, limits: &[Limit], now: Timestamp) -> String {
        let mut answer = json!({});
        for limit in limits {
            let total = self.account.daily(limit).unwrap_or_default();
            let available = total.saturating_sub(self.account.spent(limit, now));
            let row = |area| json!({"Batch": limit.per_call, "Total": total, "Available": available, "Area": area});
            answer[limit.quota] = json!([row("mainland"), row("overseas")]);
        }
        answer.to_string()
    }

    fn domains(&self, body: &Value) -> Answer {
        let (offset, size) = paging(body, 1_000)?;
        let names = self.account.domains(&DOMAINS);
        let row = |name: &String| {
            json!({
                "ResourceId": "cdn-1", "Domain": name, "Cname": format!("{name}.cdn.dnsv1.com"), "Status": "online",
                "ServiceType": "web", "Area": "global", "Disable": "normal",
            })
        };
        let rows: Vec<Value> = page(&names, offset, size).map(row).collect();
        Ok(json!({"Domains": rows, "TotalNumber": names.len()}).to_string())
    }
}

/// How far the vendor's time zone is ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(8);

fn purge_type(operation: Operation) -> &'static str {
    if operation == Operation::RefreshDirectory { "path" } else { "url" }
}

/// `2018-08-08 00:00:00`, in the vendor's time zone.
fn time(text: &str) -> Option<Timestamp> {
    let local: DateTime = text.parse().ok()?;
    Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp() - AHEAD)
}
