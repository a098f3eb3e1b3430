//! Huawei Cloud CDN: our calls as the vendor's, each one signed request.
//!
//! `spec.rs` is the vendor as data, `answer.rs` reads what comes back, `credentials.rs` gets keys, and `emulator.rs` is the
//! vendor in memory. `README.md` holds links, permissions and what is unproven.

use async_trait::async_trait;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::model::{Kind, Operation, Quota};
use crate::provider::answer::{Answer, Sent};
use crate::provider::credentials::Keys;
use crate::provider::sign::sdk_hmac::{self, Call};
use crate::provider::{
    Accepted, Api, ApiError, CallSpec, DomainPage, LogPage, LogQuestion, Measure, MeasureQuestion, Opening,
    OptionValue, Options, Page, Point, Provider, RecordFilter, RecordKind, RecordStatus, Spec, Submission,
};

use spec::{EUROPE, FOREIGN, QUOTAS};

mod answer;
mod credentials;
mod emulator;
mod spec;
#[cfg(test)]
mod tests;

pub use spec::HUAWEI_CDN;

/// The names of a page's length and number. Source: sdk 3.1.219 (see `spec.rs`).
const PAGE: [&str; 2] = ["page_size", "page_number"];

/// Huawei Cloud CDN, opened for one target.
struct Huawei {
    options: Options,
    endpoint: url::Url,
    keys: Keys,
}

/// Decoded parameters, in any order.
type Parameters = Vec<(&'static str, String)>;

/// A call of ours, before it is signed.
struct Asked<'a> {
    api: &'static str,
    permission: &'static str,
    path: &'a str,
    query: Parameters,
    /// With one, it may change something, so that a lost answer leaves doubt.
    body: Option<Value>,
}

impl Huawei {
    fn open(opening: Opening) -> Self {
        let Opening { options, endpoint, keys, .. } = opening;
        Self { options, endpoint, keys }
    }

    /// Signs and sends one call.
    async fn call(&self, asked: Asked<'_>, api: &dyn Api) -> Result<Answer, ApiError> {
        let mut credentials = self.keys.current();
        credentials.account_id = self.word("domain-id").map(str::to_owned).or(credentials.account_id);
        let submits = asked.body.is_some();
        let call = Call {
            method: if submits { Method::POST } else { Method::GET },
            endpoint: &self.endpoint,
            path: asked.path,
            query: asked.query,
            body: asked.body.map(|body| body.to_string()),
        };
        let signed_at = api.now();
        let request =
            sdk_hmac::sign(&call, &credentials, signed_at).map_err(|error| ApiError::unsignable(asked.api, &error))?;
        let (api_name, permission) = (asked.api, asked.permission);
        let sent = Sent { api: api_name, permission, submits, signed_at: Some(signed_at), signed: "" };
        answer::WORDING.ask(request, &sent, api).await
    }

    /// Sends a call that changes nothing.
    async fn read(&self, limit: &CallSpec, path: &str, query: Parameters, api: &dyn Api) -> Result<Answer, ApiError> {
        let asked = Asked { api: limit.api, permission: limit.permission, path, query, body: None };
        self.call(asked, api).await
    }

    fn word(&self, option: &str) -> Option<&str> {
        match self.options.get(option) {
            Some(OptionValue::Word(word)) if !word.is_empty() => Some(word),
            _ => None,
        }
    }

    /// The parameters of every call but the record query; absent where the target names no project.
    fn project(&self) -> Parameters {
        self.word("enterprise-project").map(|id| ("enterprise_project_id", id.to_owned())).into_iter().collect()
    }

    /// The rows of one task, a page of so many.
    async fn detail(
        &self,
        task_id: &str,
        url: Option<&str>,
        rows: usize,
        page: u32,
        api: &dyn Api,
    ) -> Result<Page, ApiError> {
        let mut query = self.project();
        query.extend(url.map(|url| ("url", url.to_owned())));
        query.extend(CallSpec { rows_per_page: rows, ..HUAWEI_CDN.status }.page(PAGE, page));
        let path = format!("/v1.0/cdn/historytasks/{task_id}/detail");
        let answer = self.read(&HUAWEI_CDN.status, &path, query, api).await;
        match answer.and_then(|answer| answer::detail(&answer, task_id)) {
            // Not visible yet, since the id is one that the vendor gave us.
            Err(error) if error.code.as_deref() == Some(FOREIGN) => Ok(Page::default()),
            page => page,
        }
    }
}

#[async_trait(?Send)]
impl Provider for Huawei {
    fn spec(&self) -> &'static Spec {
        &HUAWEI_CDN
    }

    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError> {
        let Submission { operation, urls, .. } = submission;
        let limit = HUAWEI_CDN.able(operation)?;
        // What wasn't asked for isn't sent: the European cloud doesn't document the options.
        let mut task = Map::from_iter([("urls".to_owned(), json!(urls))]);
        if let Some(OptionValue::Boolean(encode)) = self.options.get("zh-url-encode") {
            task.insert("zh_url_encode".into(), (*encode).into());
        }
        let (path, field) = match operation {
            Operation::Refresh(kind) => {
                let directory = kind == Kind::Directory;
                task.insert("type".into(), if directory { "directory" } else { "file" }.into());
                if let (true, Some(mode)) = (directory, self.word("mode")) {
                    task.insert("mode".into(), mode.replace('-', "_").into());
                }
                ("/v1.0/cdn/content/refresh-tasks", "refresh_task")
            }
            Operation::Prefetch => ("/v1.0/cdn/content/preheating-tasks", "preheating_task"),
        };
        let body = Some(json!({ field: task }));
        let asked = Asked { api: limit.api, permission: limit.permission, path, query: self.project(), body };
        answer::accepted(&self.call(asked, api).await?, field)
    }

    async fn status(&self, task_ids: &[String], page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        match task_ids.first() {
            Some(id) => self.detail(id, None, HUAWEI_CDN.status.rows_per_page, page, api).await,
            None => Ok(Page::default()),
        }
    }

    /// The record query knows no task ids, so those of a task come from its details.
    /// The record query has no parameter for a domain, nor for all tasks that aren't finished: rows of others come with them,
    /// since a page with rows left out would look like the last one.
    async fn records(&self, filter: &RecordFilter, page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let limit = &HUAWEI_CDN.records;
        if let Some(id) = &filter.task_id {
            return self.detail(id, filter.url.as_deref(), limit.rows_per_page, page, api).await;
        }
        let offset = (page.max(1) as usize - 1) * limit.rows_per_page;
        let mut query = vec![("limit", limit.rows_per_page.to_string()), ("offset", offset.to_string())];
        query.extend(filter.url.clone().map(|url| ("url", url)));
        let (task_type, file_type) = match filter.kind {
            None => (None, None),
            Some(RecordKind::Prefetch) => (Some("PREHEATING"), None),
            Some(RecordKind::File) => (Some("REFRESH"), Some("file")),
            Some(RecordKind::Directory) => (Some("REFRESH"), Some("directory")),
            // There are none.
            Some(_) => return Ok(Page::default()),
        };
        query.extend(task_type.map(|word| ("task_type", word.to_owned())));
        query.extend(file_type.map(|word| ("file_type", word.to_owned())));
        query.extend(filter.status.and_then(status_word).map(|word| ("status", word.to_owned())));
        if filter.since.is_some() || filter.until.is_some() {
            let (start, end) = window(filter);
            query.extend([("start_time", milliseconds(start)), ("end_time", milliseconds(end))]);
        }
        answer::records(&self.read(limit, "/v1.0/cdn/contentgateway/url-tasks", query, api).await?)
    }

    async fn quota(&self, api: &dyn Api) -> Result<Quota, ApiError> {
        answer::quota(&self.read(&HUAWEI_CDN.quota, "/v1.0/cdn/quota", Vec::new(), api).await?, &QUOTAS)
    }

    async fn measure(&self, question: &MeasureQuestion, api: &dyn Api) -> Result<Vec<Point>, ApiError> {
        let (spec, stat_type) = match question.measure {
            Measure::Traffic => (&HUAWEI_CDN.asks.traffic, "flux"),
            Measure::Bandwidth => (&HUAWEI_CDN.asks.bandwidth, "bw"),
        };
        let Some(spec) = spec else { return Ok(Vec::new()) };
        let width = question.interval.as_secs().max(1).cast_signed();
        let start = whole(question.since, width);
        let end = whole(question.until, width).max(start.saturating_add(question.interval).unwrap_or(start));
        let domains = if question.domains.is_empty() { "all".to_owned() } else { question.domains.join(",") };
        let mut query = self.project();
        query.extend([
            ("action", "detail".to_owned()),
            ("start_time", milliseconds(start)),
            ("end_time", milliseconds(end)),
            ("domain_name", domains),
            ("stat_type", stat_type.to_owned()),
            ("interval", width.to_string()),
            ("group_by", "domain".to_owned()),
        ]);
        // Without it the vendor counts the Chinese mainland alone; in Europe the word isn't documented.
        if self.word("region") != Some(EUROPE) {
            query.push(("service_area", "global".to_owned()));
        }
        let answer = self.read(&spec.call, "/v1.0/cdn/statistics/domain-stats", query, api).await?;
        answer::points(&answer, stat_type, start, question.interval)
    }

    async fn logs(&self, question: &LogQuestion, page: u32, api: &dyn Api) -> Result<LogPage, ApiError> {
        let Some(spec) = &HUAWEI_CDN.asks.logs else { return Ok(LogPage::default()) };
        // Whole hours, around what was asked for.
        let start = whole(question.since, 3_600);
        let end =
            whole(question.until.saturating_add(SignedDuration::from_secs(3_599)).unwrap_or(question.until), 3_600);
        let longest = start.saturating_add(spec.span).unwrap_or(end);
        let mut query = self.project();
        query.extend([
            ("domain_name", question.domain.clone()),
            ("start_time", milliseconds(start)),
            ("end_time", milliseconds(end.min(longest))),
        ]);
        query.extend(spec.call.page(PAGE, page));
        answer::logs(&self.read(&spec.call, "/v1.0/cdn/logs", query, api).await?)
    }

    async fn domains(&self, page: u32, api: &dyn Api) -> Result<DomainPage, ApiError> {
        let Some(limit) = &HUAWEI_CDN.asks.domains else { return Ok(DomainPage::default()) };
        let mut query = self.project();
        query.extend(limit.page(PAGE, page));
        answer::domains(&self.read(limit, "/v1.0/cdn/domains", query, api).await?)
    }
}

/// The word of the record query; there are four for what isn't finished, and one can be asked for: none is then.
fn status_word(status: RecordStatus) -> Option<&'static str> {
    match status {
        RecordStatus::Running => None,
        RecordStatus::Complete => Some("succeed"),
        RecordStatus::Failed => Some("failed"),
    }
}

/// Both times, no more than a day apart: the vendor wants that. Without an end it is the day from the beginning on.
fn window(filter: &RecordFilter) -> (Timestamp, Timestamp) {
    let day = HUAWEI_CDN.records_span;
    let start = filter.since.or_else(|| filter.until?.checked_sub(day).ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    let longest = start.saturating_add(day).unwrap_or(start);
    // A range of nothing is none; a millisecond is.
    let least = start.saturating_add(SignedDuration::from_millis(1)).unwrap_or(start);
    (start, filter.until.unwrap_or(longest).min(longest).max(least))
}

fn milliseconds(time: Timestamp) -> String {
    time.as_millisecond().to_string()
}

/// The last moment before this that begins a width of so many seconds. Days begin in UTC+8 (see `spec.rs`).
fn whole(time: Timestamp, width: i64) -> Timestamp {
    let ahead = if width >= 24 * 3_600 { 8 * 3_600 } else { 0 };
    let seconds = (time.as_second() + ahead).div_euclid(width) * width - ahead;
    Timestamp::from_second(seconds).unwrap_or(time)
}
