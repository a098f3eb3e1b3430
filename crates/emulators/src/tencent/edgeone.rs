//! Purges, prefetches, their tasks, the quota and the zones of EdgeOne. A target that is refused doesn't spoil its batch.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::state::{Product, Tencent, malformed, paging, text, texts};
use crate::Operation;
use crate::account::{Limit, limit};
use crate::request::{host_of, is_host};
use crate::response::{Answer, ErrorCode};
use crate::sample::page;
use crate::signing::escape;
use crate::tasks::Progress;

pub(super) static PRODUCT: Product = Product {
    version: "2022-09-01",
    service: "teo",
    actions: &[
        "CreatePurgeTask",
        "CreatePrefetchTask",
        "DescribePurgeTasks",
        "DescribePrefetchTasks",
        "DescribeContentQuota",
        "DescribeZones",
    ],
    answer,
};

/// The account's zones, by id and name. Any other id of the vendor's form is a zone of any host, for whoever brings their own.
const ZONES: [(&str, &str); 3] = [
    ("zone-27q0p0bal192", "example.com"),
    ("zone-2noz78a8ev6k", "example.net"),
    ("zone-2zpqp7qztest", "shop.example.com"),
];

/// In a call: cloud.tencent.com/document/product/1552/57250, March 2025; days are by the plan, here as large as a free one's.
static LIMITS: [Limit; 6] = [
    of(Operation::RefreshUrl, 5_000, 10_000, "purge_url", 60),
    of(Operation::RefreshDirectory, 1_000, 1_000, "purge_prefix", 60),
    of(Operation::RefreshHost, 1_000, 1_000, "purge_host", 60),
    of(Operation::RefreshTag, 100, 1_000, "purge_cache_tag", 60),
    of(Operation::RefreshEverything, 1, 1_000, "purge_all", 60),
    of(Operation::Prefetch, 5_000, 10_000, "prefetch_url", 600),
];

const fn of(operation: Operation, per_call: usize, per_day: u64, quota: &'static str, typical: u64) -> Limit {
    Limit { operation, per_call, per_day: Some(per_day), quota, typical: Duration::from_secs(typical) }
}

fn answer(tencent: &mut Tencent, action: &str, body: &Value, now: Timestamp) -> Answer {
    if action == "DescribeZones" {
        let (offset, size) = paging(body, 100)?;
        let row = |(id, name): (&str, &str)| json!({"ZoneId": id, "ZoneName": name, "Area": "global", "Type": "partial", "ActiveStatus": "active"});
        let rows: Vec<Value> = page(ZONES, offset, size).map(row).collect();
        return Ok(json!({"Zones": rows, "TotalCount": ZONES.len()}).to_string());
    }
    let id = text(body, "ZoneId");
    let is_id = |rest: &str| rest.len() == 12 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let zone = match ZONES.iter().find(|(known, _)| *known == id) {
        Some((_, zone)) => *zone,
        None if id.strip_prefix("zone-").is_some_and(is_id) => ANY,
        None => return Err(ErrorCode::new("InvalidParameter.ZoneNotFound", "The zone doesn't exist.")),
    };
    match action {
        "CreatePurgeTask" => {
            let kind = text(body, "Type");
            let limit = LIMITS.iter().find(|limit| limit.quota == kind && kind != "prefetch_url");
            let limit = limit.ok_or_else(|| malformed("Type is no kind of purge"))?;
            if !["", "invalidate", "delete"].contains(&text(body, "Method")) {
                return Err(malformed("Method is neither invalidate nor delete"));
            }
            tencent.create(limit, zone, body, now)
        }
        "CreatePrefetchTask" => {
            let limit = limit(&LIMITS, Operation::Prefetch).ok_or_else(|| malformed("there is no such task"))?;
            tencent.create(limit, zone, body, now)
        }
        "DescribePurgeTasks" => tencent.tasks(false, zone, body, now),
        "DescribePrefetchTasks" => tencent.tasks(true, zone, body, now),
        _ => Ok(tencent.zone_quota(now)),
    }
}

/// The name of a zone whose hosts aren't known.
const ANY: &str = "any.zone";

fn is_in(host: &str, zone: &str) -> bool {
    if zone == ANY {
        return true;
    }
    let host = host.split(':').next().unwrap_or_default();
    host.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl Tencent {
    fn create(&mut self, limit: &Limit, zone: &str, body: &Value, now: Timestamp) -> Answer {
        let everything = limit.operation == Operation::RefreshEverything;
        let targets = if everything { vec![""] } else { texts(body, "Targets")? };
        if targets.len() > limit.per_call {
            return Err(ErrorCode::new("LimitExceeded.BatchQuota", "The number of targets exceeds the batch quota."));
        }
        let tagged = match limit.operation {
            Operation::RefreshTag => texts(&body["CacheTag"], "Domains")?,
            _ => Vec::new(),
        };
        if tagged.iter().any(|host| !is_in(host, zone)) {
            return Err(ErrorCode::new("InvalidParameterValue.DomainNotMatchZone", "A domain isn't in the zone."));
        }
        let mut urls = Vec::new();
        let mut failed: Vec<&str> = Vec::new();
        for target in &targets {
            let url = match limit.operation {
                Operation::RefreshEverything => format!("https://{zone}/"),
                Operation::RefreshHost => format!("https://{target}/"),
                Operation::RefreshTag => format!("https://{}/#{}", tagged[0], escape(target)),
                _ => (*target).to_owned(),
            };
            let has_scheme = url.starts_with("https://") || url.starts_with("http://");
            let ends_well = limit.operation != Operation::RefreshDirectory || url.ends_with('/');
            let host = host_of(&url).filter(|host| is_host(host) && is_in(host, zone));
            match has_scheme && ends_well && host.is_some() && !url.contains('*') && !self.account.refuses(&url) {
                true => urls.push(url),
                false => failed.push(target),
            }
        }
        if !self.account.spend(limit, urls.len() as u64, now) {
            return Err(ErrorCode::new("LimitExceeded.DailyQuota", "The daily quota is exceeded."));
        }
        let id = self.account.tasks.next_id();
        for url in &urls {
            self.account.tasks.accept(id, limit.operation, url, now, limit.typical);
        }
        let failed = if failed.is_empty() {
            Value::Null
        } else {
            json!([{"Reason": "the target isn't in the zone", "Targets": failed}])
        };
        let job = if urls.is_empty() { String::new() } else { id.to_string() };
        Ok(json!({"JobId": job, "FailedList": failed}).to_string())
    }

    /// The rows of a zone, newest first.
    fn tasks(&self, of_prefetches: bool, zone: &str, body: &Value, now: Timestamp) -> Answer {
        let (offset, size) = paging(body, 1_000)?;
        let filter = |name: &str| {
            let filters = body["Filters"].as_array().into_iter().flatten();
            filters.filter(|filter| filter["Name"] == name).find_map(|filter| filter["Values"][0].as_str())
        };
        let time = |name: &str| match text(body, name) {
            "" => Ok(None),
            time => time.parse::<Timestamp>().map(Some).map_err(|_| malformed(&format!("{name} is no time"))),
        };
        let (start, end) = (time("StartTime")?, time("EndTime")?);
        let tasks = &self.account.tasks;
        let mut places: Vec<usize> = match (filter("job-id"), start, end) {
            (Some(id), ..) => tasks.of_id(id.parse().unwrap_or(0)).to_vec(),
            (None, Some(start), Some(end)) if start <= end => tasks.created_within(start, end).collect(),
            _ => return Err(malformed("either job-id or a time range is required")),
        };
        places.retain(|&place| {
            let entry = tasks.entry(place);
            let is = |name: &str, value: &str| filter(name).is_none_or(|wanted| wanted == value);
            tasks.is_listed(place, now)
                && (entry.operation == Operation::Prefetch) == of_prefetches
                && host_of(&entry.url).is_some_and(|host| is_in(&host, zone))
                && is("target", &target(&entry.url, entry.operation))
                && is("domains", &host_of(&entry.url).unwrap_or_default())
                && is("type", kind(entry.operation))
                && is("statuses", self.zone_status(place, now))
        });
        places.reverse();
        let row = |place: &usize| {
            let (entry, status) = (tasks.entry(*place), self.zone_status(*place, now));
            let created = tasks.created(*place).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let mut row = json!({
                "JobId": tasks.id(*place).to_string(), "Target": target(&entry.url, entry.operation),
                "Type": kind(entry.operation), "Method": "delete", "Status": status, "CreateTime": created, "UpdateTime": created,
                "FailType": "", "FailMessage": "",
            });
            if status == "failed" {
                row["FailType"] = "originPullFailed".into();
                row["FailMessage"] = "the origin answered 502".into();
            }
            row
        };
        let rows: Vec<Value> = page(&places, offset, size).map(row).collect();
        Ok(json!({"Tasks": rows, "TotalCount": places.len()}).to_string())
    }

    fn zone_status(&self, place: usize, now: Timestamp) -> &'static str {
        match self.account.tasks.progress(place, now) {
            Progress::Running(_) => "processing",
            Progress::Complete => "success",
            Progress::Failed => "failed",
        }
    }

    fn zone_quota(&self, now: Timestamp) -> String {
        let row = |limit: &Limit| {
            let daily = self.account.daily(limit).unwrap_or_default();
            let left = daily.saturating_sub(self.account.spent(limit, now));
            json!({"Type": limit.quota, "Batch": limit.per_call, "Daily": daily, "DailyAvailable": left})
        };
        let rows: Vec<Value> = LIMITS.iter().map(row).collect();
        json!({"PurgeQuota": rows[..5], "PrefetchQuota": rows[5..]}).to_string()
    }
}

fn kind(operation: Operation) -> &'static str {
    limit(&LIMITS, operation).map_or("", |limit| limit.quota)
}

/// What was accepted, as it was sent.
fn target(url: &str, operation: Operation) -> String {
    match operation {
        Operation::RefreshHost => host_of(url).unwrap_or_default(),
        Operation::RefreshEverything => String::new(),
        Operation::RefreshTag => {
            let tag = url.split_once('#').map_or("", |(_, tag)| tag);
            percent_encoding::percent_decode_str(tag).decode_utf8_lossy().into_owned()
        }
        _ => url.to_owned(),
    }
}
