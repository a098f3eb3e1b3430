//! Huawei Cloud CDN: our calls as the vendor's, each one signed request.
//!
//! `spec.rs` is the vendor as data, `answer.rs` reads what comes back, and `credentials.rs` finds credentials. `README.md` holds links, permissions and what is unproven.

use async_trait::async_trait;
use http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::model::{Operation, PurgeMode, Quota, RefreshKind};
use crate::provider::answer::Answer;
use crate::provider::credentials::{AccessKey, Credentials};
use crate::provider::sign::sdk_hmac::{self, Call};
use crate::provider::{
    Accepted, Api, ApiError, CallSpec, Domain, LogFile, LogQuestion, MeasureQuestion, OptionValue, Page, Parameters,
    Point, Provider, ProviderContext, RecordFilter, RecordKind, RecordStatus, Spec, Submission, present,
};

use answer::ERROR_FORMAT;
use codes::FOREIGN;
use credentials::EUROPE;
use spec::{QUOTA, RECORDS, STATUS};

mod answer;
mod codes;
mod credentials;
mod spec;
#[cfg(test)]
mod tests;

pub(super) use credentials::{PROFILES, Sts};
pub use spec::HUAWEI_CDN;

/// The names of a page's length and number. Source: sdk 3.1.219 (see `spec.rs`).
const PAGE: [&str; 2] = ["page_size", "page_number"];

/// Huawei Cloud CDN, opened for one target.
struct Huawei(ProviderContext);

/// Opens it for a target.
pub fn open(context: ProviderContext) -> Box<dyn Provider> {
    Box::new(Huawei(context))
}

impl Huawei {
    /// Signs and sends one call; with a body, it may change something.
    async fn call(
        &self,
        call: &CallSpec,
        path: &str,
        query: Parameters,
        body: Option<Value>,
        api: &dyn Api,
    ) -> Result<Answer, ApiError> {
        let submits = body.is_some();
        let method = if submits { Method::POST } else { Method::GET };
        let body = body.map(|body| body.to_string());
        let request = Call { method, endpoint: &self.0.endpoint, path, query, body };
        let account = self.0.word("domain-id").map(str::to_owned);
        let sign = |credentials: &Credentials, now| {
            let key = credentials.access_key(call.api)?.clone();
            let key = AccessKey { account_id: account.or(key.account_id), ..key };
            sdk_hmac::sign(&request, &key, now).map_err(|error| ApiError::unsignable(call.api, &error))
        };
        ERROR_FORMAT.ask(call, submits, &self.0.credentials, api, sign).await
    }

    /// The rows of one task, a page of so many; those of one URL, if the filter names it. Tasks are found for seven days, or from
    /// the filter's beginning on (sdk 3.1.219).
    async fn detail(&self, filter: &RecordFilter, page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let Some(task_id) = &filter.task_id else { return Ok(Page::default()) };
        let mut query = self.0.parameters();
        let created = filter.since.map(milliseconds);
        query.extend(present([("url", filter.url.as_deref()), ("create_time", created.as_deref())]));
        query.extend(STATUS.page(PAGE, page));
        let path = format!("/v1.0/cdn/historytasks/{task_id}/detail");
        let answer = self.call(&STATUS, &path, query, None, api).await;
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
        let Submission { operation, mode, .. } = submission;
        let limits = HUAWEI_CDN.able(operation)?;
        // An option at its default isn't sent: the European cloud doesn't document the options.
        let mut task = Map::from_iter([("urls".to_owned(), json!(submission.values()))]);
        if let Some(OptionValue::Boolean(encode)) = self.0.options.get("zh-url-encode") {
            task.insert("zh_url_encode".into(), (*encode).into());
        }
        let (path, field) = match operation {
            Operation::Refresh(kind) => {
                let directory = kind == RefreshKind::Directory;
                task.insert("type".into(), if directory { "directory" } else { "file" }.into());
                // Everything below the directory, or only what changed at the origin: sdk 3.1.219.
                match mode {
                    PurgeMode::Hard if directory => drop(task.insert("mode".into(), "all".into())),
                    PurgeMode::Soft if directory => drop(task.insert("mode".into(), "detect_modify_refresh".into())),
                    _ => {}
                }
                ("/v1.0/cdn/content/refresh-tasks", "refresh_task")
            }
            Operation::Prefetch => ("/v1.0/cdn/content/preheating-tasks", "preheating_task"),
        };
        let body = Some(json!({ field: task }));
        answer::accepted(&self.call(&limits.call, path, self.0.parameters(), body, api).await?, field)
    }

    async fn status(&self, task_ids: &[String], page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let filter = RecordFilter { task_id: task_ids.first().cloned(), ..RecordFilter::default() };
        self.detail(&filter, page, api).await
    }

    /// The record query knows no task ids, so those of a task come from its details.
    /// The record query has no parameter for a domain, nor for all tasks that aren't finished: rows of others come with them,
    /// since a page with rows left out would look like the last one.
    async fn records(&self, filter: &RecordFilter, page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let limit = &RECORDS.call;
        if filter.task_id.is_some() {
            return self.detail(filter, page, api).await;
        }
        let offset = (page.max(1) as usize - 1) * limit.rows_per_page;
        let mut query = vec![("limit", limit.rows_per_page.to_string()), ("offset", offset.to_string())];
        let (task_type, file_type) = match filter.kind {
            None => (None, None),
            Some(RecordKind::Prefetch) => (Some("PREHEATING"), None),
            Some(RecordKind::File) => (Some("REFRESH"), Some("file")),
            Some(RecordKind::Directory) => (Some("REFRESH"), Some("directory")),
            // There are none.
            Some(_) => return Ok(Page::default()),
        };
        let status = match filter.status {
            // Four statuses mean unfinished, and only one can be a filter: so none is sent.
            None | Some(RecordStatus::Running) => None,
            Some(RecordStatus::Complete) => Some("succeed"),
            Some(RecordStatus::Failed) => Some("failed"),
        };
        let words =
            [("url", filter.url.as_deref()), ("task_type", task_type), ("file_type", file_type), ("status", status)];
        query.extend(present(words));
        if let Some((start, end)) = filter.window(&RECORDS, api.server_now()) {
            query.extend([("start_time", milliseconds(start)), ("end_time", milliseconds(end))]);
        }
        self.call(limit, "/v1.0/cdn/contentgateway/url-tasks", query, None, api).await?.page("result", answer::record)
    }

    async fn quota(&self, api: &dyn Api) -> Result<Quota, ApiError> {
        answer::quota(&self.call(&QUOTA.call, "/v1.0/cdn/quota", Vec::new(), None, api).await?, &HUAWEI_CDN)
    }

    async fn measure(&self, question: &MeasureQuestion, api: &dyn Api) -> Result<Vec<Point>, ApiError> {
        // An unfinished interval is queried only if there is no other.
        let width = question.interval.as_secs().max(1);
        let widths = (question.until.duration_since(question.since).unsigned_abs().as_secs() / width).max(1);
        let end = question.since.as_second().saturating_add_unsigned(widths * width) * 1_000;
        let domains = if question.domains.is_empty() { "all".to_owned() } else { question.domains.join(",") };
        let mut query = self.0.parameters();
        query.extend([
            ("action", "detail".to_owned()),
            ("start_time", milliseconds(question.since)),
            ("end_time", end.to_string()),
            ("domain_name", domains),
            ("stat_type", question.offer.name.to_owned()),
            ("interval", width.to_string()),
            ("group_by", "domain".to_owned()),
        ]);
        // Without it the vendor counts the Chinese mainland alone; in Europe the word isn't documented.
        if self.0.word("region") != Some(EUROPE) {
            query.push(("service_area", "global".to_owned()));
        }
        let answer = self.call(&question.offer.call, "/v1.0/cdn/statistics/domain-stats", query, None, api).await?;
        answer::points(&answer, question)
    }

    async fn logs(&self, question: &LogQuestion, page: u32, api: &dyn Api) -> Result<Page<LogFile>, ApiError> {
        let mut query = self.0.parameters();
        query.extend([
            ("domain_name", question.domain.clone()),
            ("start_time", milliseconds(question.since)),
            ("end_time", milliseconds(question.until)),
        ]);
        query.extend(question.offer.call.page(PAGE, page));
        self.call(&question.offer.call, "/v1.0/cdn/logs", query, None, api).await?.page("logs", answer::log_file)
    }

    async fn domains(&self, offer: &CallSpec, page: u32, api: &dyn Api) -> Result<Page<Domain>, ApiError> {
        let mut query = self.0.parameters();
        query.extend(offer.page(PAGE, page));
        self.call(offer, "/v1.0/cdn/domains", query, None, api).await?.page("domains", answer::domain)
    }
}

fn milliseconds(time: Timestamp) -> String {
    time.as_millisecond().to_string()
}
