//! A good answer becomes accepted task ids, a page of rows, a quota, points, files or domains; and what the vendor calls things
//! in answers and errors, as data.

use std::time::Duration;

use super::spec::CODES;
use crate::model::{Operation, Quota, QuotaEntry};
use crate::provider::answer::{Answer, Sent, Wording, state};
use crate::provider::json::Row;
use crate::provider::{Accepted, ApiError, Domain, DomainPage, LogFile, LogPage, Page, Point, Record};

/// The vendor sends one code with different statuses, and errors in JSON, JSON in lower case, or XML (gateway codes 2026, see
/// `spec.rs`).
pub(super) static WORDING: Wording = Wording {
    good: 200..=200,
    errors_may_look_good: false,
    nested_lists: true, // `Tasks.CDNTask` in one call, `Tasks` in another: reference 2026-04
    inside: "",
    code: &["Code", "code"],
    message: &["Message", "message"],
    request_id: &["RequestId", "requestId"],
    link: &["Recommend", "recommend"],
    request_id_header: "x-acs-request-id",
    // Source: alibabacloud_tea_openapi 0.4.6.
    waits: &[("x-acs-retry-after", Duration::from_millis(1)), ("retry-after", Duration::from_secs(1))],
    alias: ("", ""),
    codes: CODES,
    by_status: |_, _| None,
    amend: explain_signature,
};

/// The server says what it signed: if that is what we signed, only the secret can differ. Neither text is passed on, for
/// V1's holds the security token.
fn explain_signature(error: &mut ApiError, sent: &Sent<'_>) {
    if !error.code.as_ref().is_some_and(|code| code.eq_ignore_ascii_case("SignatureDoesNotMatch")) {
        return;
    }
    let signed = sent.signed.lines().last().unwrap_or_default();
    let belongs_to_it = |c: char| c.is_ascii_alphanumeric() || "&%-_.~".contains(c);
    let same = error.message.split(|c| !belongs_to_it(c)).any(|part| part.trim_end_matches('.') == signed);
    error.message = error.message.split(['.', ':', '[']).next().unwrap_or_default().chars().take(200).collect();
    error.help = Some(if same {
        "the server signed the same text, so the access key secret is wrong: look for a stray character".into()
    } else {
        "check the access key secret; if it is right, something on the way alters the request".into()
    });
}

/// The rows of a list, which may be left out of an answer that has a request id.
fn rows<'a>(answer: &'a Answer, field: &str) -> Result<Vec<Row<'a>>, ApiError> {
    answer.rows(field, answer.request_id().is_some())
}

/// The task ids of an accepted batch. Without one of them and the request's id nothing proves that it was taken.
pub(super) fn accepted(answer: &Answer, field: &str) -> Result<Accepted, ApiError> {
    let task_ids = answer.task_ids(field)?;
    let request_id = answer.request_id().ok_or_else(|| answer.without("a request id"))?;
    Ok(Accepted { task_ids, request_id: Some(request_id) })
}

/// The rows of `Tasks`.
pub(super) fn page(answer: &Answer) -> Result<Page, ApiError> {
    let records: Vec<Record> = rows(answer, "Tasks")?.into_iter().map(record).collect();
    Ok(Page { total: answer.total("TotalCount", records.len()), records })
}

fn record(row: Row<'_>) -> Record {
    let (status, kind) = (row.word("Status"), row.word("ObjectType"));
    // `99.37%`.
    let percent = row.word("Process").trim().trim_end_matches('%').parse().ok();
    Record {
        task_id: row.word("TaskId"),
        url: row.word("ObjectPath"),
        prefetch: kind.eq_ignore_ascii_case("preload"),
        kind,
        state: state(&status, "complete", "failed", row.text("Description")),
        status,
        percent: percent.filter(|percent: &f64| percent.is_finite() && *percent >= 0.0),
        created: row.moment("CreationTime"),
    }
}

/// What is left; an operation whose numbers are missing or unreadable is left out. `prefixes`: how the names of its fields
/// begin.
pub(super) fn quota(answer: &Answer, prefixes: &[(Operation, &str)]) -> Result<Quota, ApiError> {
    let count = |prefix: &str, suffix: &str| answer.row().count(&format!("{prefix}{suffix}"));
    let entry = |&(operation, prefix): &(Operation, &str)| {
        Some(QuotaEntry { operation, limit: count(prefix, "Quota")?, remaining: count(prefix, "Remain")? })
    };
    let entries: Vec<QuotaEntry> = prefixes.iter().filter_map(entry).collect();
    if answer.code().is_some() || (entries.is_empty() && answer.request_id().is_none()) {
        return Err(answer.without("a request id or a quota"));
    }
    Ok(Quota { entries })
}

/// Measured values, in the order of time. A row without a readable time or value is left out.
pub(super) fn points(answer: &Answer, field: &str) -> Result<Vec<Point>, ApiError> {
    let point = |row: Row<'_>| Some(Point { at: row.moment("TimeStamp")?, domain: None, value: row.number("Value")? });
    let mut points: Vec<Point> = rows(answer, field)?.into_iter().filter_map(point).collect();
    points.sort_by_key(|point| point.at);
    Ok(points)
}

/// Log files; their paths get `scheme` if they have none.
pub(super) fn logs(answer: &Answer, scheme: &str) -> Result<LogPage, ApiError> {
    let mut page = LogPage::default();
    for of_domain in rows(answer, "DomainLogDetails")? {
        let files = of_domain.rows("LogInfos").flatten().unwrap_or_default();
        let total = of_domain.object("PageInfos").count("Total");
        page.total += total.map_or(files.len(), |total| total as usize);
        page.files.extend(files.into_iter().map(|row| {
            let path = row.word("LogPath");
            let url = if path.contains("://") { path } else { format!("{scheme}://{path}") };
            LogFile {
                domain: of_domain.word("DomainName"),
                name: row.word("LogName"),
                url: url.into(),
                bytes: row.count("LogSize").unwrap_or(0),
                since: row.moment("StartTime"),
                until: row.moment("EndTime"),
            }
        }));
    }
    Ok(page)
}

/// The account's domains.
pub(super) fn domains(answer: &Answer) -> Result<DomainPage, ApiError> {
    let domain = |row: Row<'_>| Domain {
        name: row.word("DomainName"),
        status: row.word("DomainStatus"),
        service: row.word("CdnType"),
        cname: row.text("Cname"),
    };
    let domains: Vec<Domain> = rows(answer, "Domains")?.into_iter().map(domain).collect();
    Ok(DomainPage { total: answer.total("TotalCount", domains.len()), domains })
}
