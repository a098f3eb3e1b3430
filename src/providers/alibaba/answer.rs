//! Parses Alibaba Cloud's responses: accepted task ids, pages of rows, quotas, metrics, log files and domains, with the names
//! of their fields and errors as data.

use std::time::Duration;

use super::spec::CODES;
use crate::model::Quota;
use crate::provider::answer::{Answer, state};
use crate::provider::error_format::{ErrorFormat, SentRequest};
use crate::provider::json::Row;
use crate::provider::{Accepted, ApiError, Domain, LogFile, Page, Point, Record, Spec};

/// The vendor sends one code with different statuses, and errors in JSON, JSON in lower case, or XML (gateway codes 2026, see
/// `spec.rs`).
pub(super) static ERROR_FORMAT: ErrorFormat = ErrorFormat {
    good: 200..=200,
    nested_lists: true, // `Tasks.CDNTask` in one call, `Tasks` in another: reference 2026-04
    total: "TotalCount",
    proof: "RequestId",
    code: &["Code", "code"],
    message: &["Message", "message"],
    request_id: &["RequestId", "requestId"],
    link: &["Recommend", "recommend"],
    request_id_header: "x-acs-request-id",
    // Source: alibabacloud_tea_openapi 0.4.6.
    waits: &[("x-acs-retry-after", Duration::from_millis(1)), ("retry-after", Duration::from_secs(1))],
    codes: CODES,
    by_status: |_, _| None, // a 403 may be throttling, a full queue or a suspended service: guide 2021-07
    amend: explain_signature,
    ..ErrorFormat::USUAL
};

/// The server says what it signed: if that is what we signed, only the secret can differ. Neither text is passed on, for
/// V1's holds the security token.
fn explain_signature(error: &mut ApiError, sent: &SentRequest<'_>) {
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

/// The task ids of an accepted batch. Without one of them and the request's id nothing proves that it was accepted.
pub(super) fn accepted(answer: &Answer, field: &str) -> Result<Accepted, ApiError> {
    let task_ids = answer.task_ids(field)?;
    let request_id = answer.request_id().ok_or_else(|| answer.without("a request id"))?;
    Ok(Accepted::Tracked { task_ids, request_id: Some(request_id) })
}

/// A row of `Tasks`.
pub(super) fn record(row: Row<'_>) -> Option<Record> {
    let (status, kind) = (row.word("Status"), row.word("ObjectType"));
    // `99.37%`.
    let percent = row.word("Process").trim().trim_end_matches('%').parse().ok();
    Some(Record {
        task_id: row.word("TaskId"),
        url: row.word("ObjectPath"),
        prefetch: kind.eq_ignore_ascii_case("preload"),
        kind,
        state: state(&status, "complete", "failed", row.text("Description")),
        status,
        percent: percent.filter(|percent: &f64| percent.is_finite() && *percent >= 0.0),
        created: row.moment("CreationTime"),
    })
}

/// What is left, by how the names of an operation's fields begin.
pub(super) fn quota(answer: &Answer, spec: &Spec) -> Result<Quota, ApiError> {
    let count = |name: String| answer.row().count(&name);
    let quota = spec.left(|name| Some((count(format!("{name}Quota"))?, count(format!("{name}Remain"))?)));
    if answer.code().is_some() || (quota.entries.is_empty() && answer.request_id().is_none()) {
        return Err(answer.without("a request id or a quota"));
    }
    Ok(quota)
}

/// A measured value; without a readable time or value it is none.
pub(super) fn point(row: Row<'_>) -> Option<Point> {
    Some(Point { at: row.moment("TimeStamp")?, domain: None, value: row.number("Value")? })
}

/// The log files of each domain; their paths get `scheme` if they have none.
pub(super) fn logs(answer: &Answer, scheme: &str) -> Result<Page<LogFile>, ApiError> {
    let mut page = Page::default();
    for of_domain in answer.rows("DomainLogDetails")? {
        let files = of_domain.rows("LogInfos").flatten().unwrap_or_default();
        let total = of_domain.object("PageInfos").count("Total");
        page.total += total.map_or(files.len(), |total| total as usize);
        page.rows.extend(files.into_iter().map(|row| {
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

/// One of the account's domains.
pub(super) fn domain(row: Row<'_>) -> Option<Domain> {
    Some(Domain {
        is_zone: false,
        name: row.word("DomainName"),
        status: row.word("DomainStatus"),
        service: row.word("CdnType"),
        cname: row.text("Cname"),
    })
}
