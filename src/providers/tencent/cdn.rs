//! Content Delivery Network, API version 2018-06-06.

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Map, Value};

use super::answer::{self, ZONE};
use super::client::{Client, paging, parameters};
use super::spec::{DOMAINS, PREFETCH_QUOTA, PREFETCH_RECORDS, PURGE_QUOTA, PURGE_RECORDS, TENCENT_CDN};
use crate::model::{Operation, PurgeMode, Quota, RefreshKind};
use crate::provider::{
    Accepted, Api, ApiError, CallSpec, Domain, Page, Provider, ProviderContext, RecordFilter, RecordKind, RecordStatus,
    RecordsSpec, Spec, Submission,
};

/// The product, opened for one target.
struct Cdn(Client);

/// Opens it for a target.
pub fn open(context: ProviderContext) -> Box<dyn Provider> {
    Box::new(Cdn(Client { context, service: "cdn", version: "2018-06-06" }))
}

impl Cdn {
    fn area(&self) -> Option<&str> {
        self.0.context.word("area")
    }

    /// The rows of one task, a page of them.
    async fn tasks(&self, call: &CallSpec, ids: &[String], page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let [offset, limit] = paging(call, page);
        let body = parameters([("TaskId", ids.first().cloned().map(Value::from)), offset, limit]);
        answer::cdn_records(&self.0.call(call, false, body, api).await?)
    }
}

#[async_trait(?Send)]
impl Provider for Cdn {
    fn spec(&self) -> &'static Spec {
        &TENCENT_CDN
    }

    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError> {
        let Submission { operation, mode, .. } = submission;
        let limits = TENCENT_CDN.able(operation)?;
        let is_prefetch = operation == Operation::Prefetch;
        // A purge knows no word for both areas: it is for those of the domain, unless it names one.
        let area = self.area().filter(|area| is_prefetch || *area != "global");
        let mut body: Map<String, Value> =
            parameters([("Area", area.map(Value::from)), ("UrlEncode", self.0.encodes())]);
        let urls = if operation == Operation::Refresh(RefreshKind::Directory) {
            // `flush` drops only what changed at the origin, as far as the origin says so: `delete` drops all. There is no default.
            let flush = if mode == PurgeMode::Soft { "flush" } else { "delete" };
            body.insert("FlushType".into(), flush.into());
            "Paths"
        } else {
            body.extend(self.0.headers().filter(|_| is_prefetch).map(|headers| ("Headers".to_owned(), headers)));
            "Urls"
        };
        body.insert(urls.into(), submission.values().into());
        answer::accepted(&self.0.call(&limits.call, true, body, api).await?)
    }

    async fn status(&self, task_ids: &[String], page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        self.tasks(&PURGE_RECORDS.call, task_ids, page, api).await
    }

    async fn prefetch_status(&self, task_ids: &[String], page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        self.tasks(&PREFETCH_RECORDS.call, task_ids, page, api).await
    }

    async fn records(&self, filter: &RecordFilter, page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let (list, kind): (&RecordsSpec, _) = match filter.kind {
            None => (&PURGE_RECORDS, None),
            Some(RecordKind::Prefetch) => (&PREFETCH_RECORDS, None),
            Some(RecordKind::File) => (&PURGE_RECORDS, Some("url")),
            Some(RecordKind::Directory) => (&PURGE_RECORDS, Some("path")),
            // There are none.
            Some(RecordKind::Regex) => return Ok(Page::default()),
        };
        let status = match filter.status {
            Some(RecordStatus::Running) => Some("process"),
            Some(RecordStatus::Complete) => Some("done"),
            // A prefetch that failed is `fail` or `invalid`, and only one can be a filter.
            Some(RecordStatus::Failed) if filter.kind != Some(RecordKind::Prefetch) => Some("fail"),
            Some(RecordStatus::Failed) | None => None,
        };
        // Either a task's id or a time range is required.
        let window = filter.window_or_latest(list, &TENCENT_CDN, api);
        let (start, end) = window.map(|(start, end)| (local(start), local(end))).unzip();
        let [offset, limit] = paging(&list.call, page);
        let text = |text: Option<&str>| text.map(Value::from);
        let body = parameters([
            ("TaskId", text(filter.task_id.as_deref())),
            ("StartTime", text(start.as_deref())),
            ("EndTime", text(end.as_deref())),
            ("Keyword", text(filter.url.as_deref().or(filter.domain.as_deref()))),
            ("PurgeType", text(kind)),
            ("Status", text(status)),
            offset,
            limit,
        ]);
        answer::cdn_records(&self.0.call(&list.call, false, body, api).await?)
    }

    async fn quota(&self, api: &dyn Api) -> Result<Quota, ApiError> {
        answer::cdn_quota(&self.0.call(&PURGE_QUOTA, false, Map::new(), api).await?, &TENCENT_CDN, self.area())
    }

    async fn prefetch_quota(&self, api: &dyn Api) -> Result<Quota, ApiError> {
        answer::cdn_quota(&self.0.call(&PREFETCH_QUOTA, false, Map::new(), api).await?, &TENCENT_CDN, self.area())
    }

    async fn domains(&self, _: &CallSpec, page: u32, api: &dyn Api) -> Result<Page<Domain>, ApiError> {
        let body = parameters(paging(&DOMAINS, page));
        self.0.call(&DOMAINS, false, body, api).await?.page("Domains", answer::cdn_domain)
    }
}

/// `2018-08-08 00:00:00`, in the vendor's time zone.
fn local(time: Timestamp) -> String {
    Offset::UTC.to_datetime(time.saturating_add(ZONE).unwrap_or(time)).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
