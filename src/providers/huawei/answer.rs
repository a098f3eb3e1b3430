//! Parses Huawei Cloud's responses: accepted task ids, pages of rows, quotas, metrics, log files and domains, with the names
//! of their fields and errors as data.

use std::time::Duration;

use super::codes::CODES;
use crate::model::Quota;
use crate::provider::answer::{Answer, state};
use crate::provider::error_format::ErrorFormat;
use crate::provider::json::{self, Row};
use crate::provider::{Accepted, ApiError, Domain, LogFile, MeasureQuestion, Page, Point, Record, Spec};

/// A business error comes as a success with `error` in its body. Other forms: huaweicloudsdkcore 3.1.219 reads them too.
pub(super) static ERROR_FORMAT: ErrorFormat = ErrorFormat {
    errors_may_look_good: true,
    proof: "total",
    inside: "error",
    code: &["error_code", "code", "errorCode"],
    message: &["error_msg", "message", "errorMsg"],
    alias: ("APIG.", "APIGW."),
    codes: CODES,
    // 15 minutes, less what the whole seconds of a `Date` and the way may take: API signature guide of support.huaweicloud.com,
    // read in November 2026.
    skew: Some(Duration::from_secs(15 * 60 - 5)),
    ..ErrorFormat::USUAL
};

/// The id of an accepted task.
pub(super) fn accepted(answer: &Answer, field: &str) -> Result<Accepted, ApiError> {
    Ok(Accepted::Tracked { task_ids: answer.task_ids(field)?, request_id: answer.request_id() })
}

/// The rows of one task. That it is `task_done` says only that nothing is under way; its rows hold the outcomes.
pub(super) fn detail(answer: &Answer, task_id: &str) -> Result<Page, ApiError> {
    let task_type = answer.row().text("task_type");
    answer.page("urls", |row| {
        let record = record(row)?;
        let prefetch = task_type.as_deref().map_or(record.prefetch, is_prefetch);
        Some(Record { task_id: task_id.to_owned(), prefetch, ..record })
    })
}

/// A row of a task's details or of the record query.
pub(super) fn record(row: Row<'_>) -> Option<Record> {
    let (status, task_type) = (row.word("status"), row.first(&["task_type", "type"]).unwrap_or_default());
    let why: Vec<String> = ["fail_classify", "fail_desc"].iter().filter_map(|name| row.text(name)).collect();
    let prefetch = is_prefetch(&task_type);
    Some(Record {
        task_id: row.word("task_id"),
        url: row.word("url"),
        prefetch,
        kind: row.text("file_type").filter(|_| !prefetch).unwrap_or(task_type),
        state: state(&status, "succeed", "failed", Some(why.join(": ")).filter(|why| !why.is_empty())),
        status,
        percent: None,
        created: row.moment("create_time"),
    })
}

/// `PREHEATING` or `preheating`, and not `REFRESH_AFTER_PREHEATING`.
fn is_prefetch(task_type: &str) -> bool {
    task_type.trim().eq_ignore_ascii_case("preheating")
}

/// What is left.
pub(super) fn quota(answer: &Answer, spec: &Spec) -> Result<Quota, ApiError> {
    let rows = answer.rows("quotas")?;
    Ok(spec.left(|name| {
        let row = rows.iter().find(|row| row.word("type") == name)?;
        let (limit, used) = (row.count("quota_limit")?, row.count("used")?);
        Some((limit, limit.saturating_sub(used)))
    }))
}

/// One value for each width from the question's beginning on, by domain where the response distinguishes them.
pub(super) fn points(answer: &Answer, question: &MeasureQuestion) -> Result<Vec<Point>, ApiError> {
    let name = question.offer.name;
    let result = answer.row().object("result");
    let domains = result.0.as_object().ok_or_else(|| answer.without("an object in `result`"))?;
    let by_domain = domains.iter().map(|(domain, value)| (Some(domain), &value[name]));
    let mut points = Vec::new();
    for (domain, values) in by_domain.chain([(None, &result.0[name])]) {
        for (at, value) in question.widths().zip(values.as_array().into_iter().flatten()) {
            points.extend(json::number(value).map(|value| Point { at, domain: domain.cloned(), value }));
        }
    }
    Ok(points)
}

/// A log file. Its link is as good as a key.
pub(super) fn log_file(row: Row<'_>) -> Option<LogFile> {
    Some(LogFile {
        domain: row.word("domain_name"),
        name: row.text("name")?,
        url: row.text("link")?.into(),
        bytes: row.count("size").unwrap_or(0),
        since: row.moment("start_time"),
        until: row.moment("end_time"),
    })
}

/// One of the account's domains.
pub(super) fn domain(row: Row<'_>) -> Option<Domain> {
    Some(Domain {
        is_zone: false,
        name: row.text("domain_name")?,
        status: row.word("domain_status"),
        service: row.word("business_type"),
        cname: row.text("cname"),
    })
}
