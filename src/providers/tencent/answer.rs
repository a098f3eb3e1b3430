//! Parses Tencent Cloud's responses: accepted task ids, pages of rows, quotas and domains, with the names of their fields and
//! errors as data.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::codes::CODES;
use crate::model::Quota;
use crate::provider::answer::{Answer, state};
use crate::provider::error_format::ErrorFormat;
use crate::provider::json::Row;
use crate::provider::{Accepted, ApiError, Domain, Page, Record, Spec, TaskState};

/// Every answer is HTTP 200 and wrapped in `Response`, errors too. Source: tencentcloud-sdk-python-common 3.1.195.
pub(super) static ERROR_FORMAT: ErrorFormat = ErrorFormat {
    errors_may_look_good: true,
    total: "TotalCount",
    proof: "RequestId",
    envelope: "Response",
    inside: "Error",
    code: &["Code"],
    message: &["Message"],
    request_id: &["RequestId"],
    codes: CODES,
    ..ErrorFormat::USUAL
};

/// The id of an accepted task.
pub(super) fn accepted(answer: &Answer) -> Result<Accepted, ApiError> {
    Ok(Accepted::Tracked { task_ids: answer.task_ids("TaskId")?, request_id: answer.request_id() })
}

/// A page of purges or of prefetches: each answer has one of the two lists.
pub(super) fn cdn_records(answer: &Answer) -> Result<Page, ApiError> {
    let list = if answer.row().rows("PushLogs").is_some_and(|rows| rows.is_some()) { "PushLogs" } else { "PurgeLogs" };
    answer.page(list, |row| {
        let status = row.word("Status");
        let prefetch = list == "PushLogs";
        Some(Record {
            task_id: row.word("TaskId"),
            url: row.word("Url"),
            prefetch,
            kind: if prefetch { "push".to_owned() } else { row.word("PurgeType") },
            state: match &*status {
                // The origin's answer to a prefetch was 4xx or 5xx: sdk 3.1.169.
                "invalid" => TaskState::Failed("invalid: the origin answered with an error".to_owned()),
                _ => state(&status, "done", "fail", None),
            },
            status,
            percent: row.number("Percent"),
            created: local_time(row, "CreateTime"),
        })
    })
}

/// The time zone of times without one. Source: reference 2024-12 (see `spec.rs`).
pub(super) const ZONE: SignedDuration = SignedDuration::from_hours(8);

/// A time in the vendor's time zone, unless it says another.
fn local_time(row: Row<'_>, name: &str) -> Option<Timestamp> {
    let (text, time) = (row.text(name)?, row.moment(name)?);
    if text.parse::<Timestamp>().is_ok() { Some(time) } else { time.checked_sub(ZONE).ok() }
}

/// What is left. Each area has its own, and which of them a URL takes from depends on its domain: where the target doesn't say it,
/// the larger counts, since a run isn't stopped before the vendor would.
pub(super) fn cdn_quota(answer: &Answer, spec: &Spec, area: Option<&str>) -> Result<Quota, ApiError> {
    let lists = ["UrlPurge", "PathPurge", "UrlPush"];
    if !lists.iter().any(|list| answer.row().rows(list).flatten().is_some()) {
        return Err(answer.without("a list in `UrlPurge` or `UrlPush`"));
    }
    Ok(spec.left(|name| {
        let rows = answer.rows(name).ok()?;
        let is_it = |row: &Row<'_>| area.is_none_or(|area| area == "global" || row.word("Area") == area);
        let left =
            rows.into_iter().filter(is_it).filter_map(|row| Some((row.count("Available")?, row.count("Total")?)));
        left.max().map(|(left, total)| (total, left))
    }))
}

/// One of the account's domains.
pub(super) fn cdn_domain(row: Row<'_>) -> Option<Domain> {
    Some(Domain {
        name: row.text("Domain")?,
        status: row.word("Status"),
        service: row.word("ServiceType"),
        cname: row.text("Cname"),
        is_zone: false,
    })
}

/// The id of an accepted job, but for the targets that were refused, each with its reason. A target that isn't among those that
/// were sent proves nothing.
pub(super) fn zone_accepted(answer: &Answer, targets: &[String]) -> Result<Accepted, ApiError> {
    let mut refused: BTreeMap<usize, String> = BTreeMap::new();
    for row in answer.rows("FailedList")? {
        let why = row.text("Reason").unwrap_or_else(|| "no reason given".to_owned());
        for target in row.0["Targets"].as_array().into_iter().flatten().filter_map(|target| target.as_str()) {
            let mut places = (0..).zip(targets).filter(|(_, known)| *known == target).peekable();
            if places.peek().is_none() {
                return Err(answer.unreadable("about a target that wasn't sent"));
            }
            refused.extend(places.map(|(place, _)| (place, why.clone())));
        }
    }
    let all_refused = !refused.is_empty() && refused.len() == targets.len();
    let rest = match answer.task_ids("JobId") {
        // Whether a job without targets has an id isn't documented.
        _ if all_refused => None,
        Ok(task_ids) => Some(Accepted::Tracked { task_ids, request_id: answer.request_id() }),
        Err(error) => return Err(error),
    };
    Ok(match rest {
        Some(rest) if refused.is_empty() => rest,
        rest => Accepted::Partly { rest: rest.map(Box::new), refused: refused.into_iter().collect() },
    })
}

/// A page of purges or of prefetches of a zone.
pub(super) fn zone_records(answer: &Answer) -> Result<Page, ApiError> {
    answer.page("Tasks", |row| {
        let (status, kind, target) = (row.word("Status"), row.word("Type"), row.word("Target"));
        let why: Vec<String> = ["FailType", "FailMessage"].iter().filter_map(|name| row.text(name)).collect();
        let state = match &*status {
            "timeout" | "canceled" | "invalid" => TaskState::Failed([vec![status.clone()], why].concat().join(": ")),
            _ => state(&status, "success", "failed", Some(why.join(": ")).filter(|why| !why.is_empty())),
        };
        Some(Record {
            task_id: row.word("JobId"),
            // unproven: a purge of everything names no URL, but nothing or its zone.
            url: if kind == "purge_all" && !target.contains("://") { String::new() } else { target },
            prefetch: kind.starts_with("prefetch"),
            kind: if kind == "purge_prefix" { "directory".to_owned() } else { kind.replace("purge_", "") },
            state,
            status,
            percent: None,
            created: row.moment("CreateTime"),
        })
    })
}

/// What is left in a zone, of purges and of prefetches.
pub(super) fn zone_quota(answer: &Answer, spec: &Spec) -> Result<Quota, ApiError> {
    let rows = [answer.rows("PurgeQuota")?, answer.rows("PrefetchQuota")?].concat();
    Ok(spec.left(|name| {
        let row = rows.iter().find(|row| row.word("Type") == name)?;
        Some((row.count("Daily")?, row.count("DailyAvailable")?))
    }))
}

/// One of the account's zones.
pub(super) fn zone(row: Row<'_>) -> Option<Domain> {
    let status = row.word("ActiveStatus");
    let status = if status == "active" { "online".to_owned() } else { status };
    Some(Domain { name: row.text("ZoneName")?, status, service: row.word("Area"), cname: None, is_zone: true })
}
