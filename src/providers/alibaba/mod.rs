//! Alibaba Cloud's CDN, DCDN and VOD: our calls as the vendor's, each one signed request.
//!
//! `spec.rs` is the vendor as data, `answer.rs` reads what comes back, and `credentials.rs` finds credentials. `README.md` holds links, permissions and what is unproven.

use async_trait::async_trait;
use http::Method;

use crate::model::{Operation, PurgeMode, Quota, RefreshKind, Subject};
use crate::provider::answer::Answer;
use crate::provider::credentials::Credentials;
use crate::provider::sign::acs::{Call, timestamp};
use crate::provider::sign::{acs1, acs3};
use crate::provider::{
    Accepted, Api, ApiError, ApiErrorKind, CallSpec, Domain, LogFile, LogQuestion, MeasureQuestion, Page, Parameters,
    Point, Provider, ProviderContext, RecordFilter, RecordKind, RecordStatus, Spec, Submission, present,
};

use answer::ERROR_FORMAT;
use spec::{Product, REFRESH_IDS, object_type};

mod answer;
mod credentials;
mod spec;
#[cfg(test)]
mod tests;

pub(super) use credentials::{PROFILES, Sts};
pub use spec::{ALIBABA_CDN, ALIBABA_DCDN, ALIBABA_VOD};

/// The names of a page's length and number. Source: reference 2026-04 (see `spec.rs`).
const PAGE: [&str; 2] = ["PageSize", "PageNumber"];

/// One of the vendor's products, opened for one target.
struct Alibaba {
    context: ProviderContext,
    product: &'static Product,
}

/// Opens one of the products for a target.
pub fn open(context: ProviderContext) -> Box<dyn Provider> {
    let product = Product::of(context.spec);
    Box::new(Alibaba { context, product })
}

impl Alibaba {
    /// Signs and sends one call, with its parameters in the query or in a form. If it `submits`, it may change something.
    async fn call(
        &self,
        call: &CallSpec,
        submits: bool,
        query: Parameters,
        form: Parameters,
        api: &dyn Api,
    ) -> Result<Answer, ApiError> {
        let ProviderContext { endpoint, credentials, .. } = &self.context;
        let (action, version) = (call.api, self.product.version);
        let request = Call { method: Method::POST, endpoint, action, version, query, form };
        let sign = if self.context.word("signature") == Some("v1") { acs1::sign } else { acs3::sign };
        let sign = |credentials: &Credentials, now| {
            let signed = sign(&request, credentials.access_key(action)?, now, &api.nonce());
            signed.map_err(|error| ApiError::unsignable(action, &error))
        };
        ERROR_FORMAT.ask(call, submits, credentials, api, sign).await
    }

    /// Sends a call that changes nothing.
    async fn read(&self, call: &CallSpec, query: Parameters, api: &dyn Api) -> Result<Answer, ApiError> {
        self.call(call, false, query, Vec::new(), api).await
    }
}

#[async_trait(?Send)]
impl Provider for Alibaba {
    fn spec(&self) -> &'static Spec {
        self.context.spec
    }

    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError> {
        let Submission { operation, mode, subjects, .. } = submission;
        let limits = self.spec().able(operation)?;
        let unfit = |message: String| ApiError::new(ApiErrorKind::Refused, limits.call.api, message);
        if subjects.iter().any(|subject| subject.value.contains(['\n', '\r'])) {
            return Err(unfit("a URL holds a line break, which would make it two".to_owned()));
        }
        let urls = || ("ObjectPath", submission.values().join("\n"));
        let mut parameters = match operation {
            Operation::Refresh(RefreshKind::Tag) => tags(subjects).map_err(unfit)?,
            Operation::Refresh(kind) => vec![urls(), ("ObjectType", object_type(kind).to_owned())],
            Operation::Prefetch => [self.context.parameters(), vec![urls()]].concat(),
        };
        if mode == PurgeMode::Hard && limits.modes.contains(&mode) {
            parameters.push(("Force", "true".to_owned()));
        }
        // What isn't counted in the request line doesn't travel there.
        let in_line = limits.request_line_bytes.is_some();
        let (query, form) = if in_line { (parameters, Vec::new()) } else { (Vec::new(), parameters) };
        let ids = if operation == Operation::Prefetch { self.product.prefetch_ids } else { REFRESH_IDS };
        answer::accepted(&self.call(&limits.call, true, query, form, api).await?, ids)
    }

    /// By id there is no paging: the first page holds everything. A product without that call lists the tasks of one id.
    async fn status(&self, task_ids: &[String], page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let status = self.spec().offered(self.spec().status(), "status of tasks")?;
        if status.rows_per_page > 0 {
            let filter = RecordFilter { task_id: task_ids.first().cloned(), ..RecordFilter::default() };
            return self.records(&filter, page, api).await;
        }
        if page > 1 || task_ids.is_empty() {
            return Ok(Page::default());
        }
        self.read(status, vec![("TaskId", task_ids.join(","))], api).await?.page("Tasks", answer::record)
    }

    async fn records(&self, filter: &RecordFilter, page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let list = self.spec().offered(self.spec().records(), "records")?;
        let limit = &list.call;
        if filter.kind.is_none() && (filter.domain.is_some() || filter.status.is_some()) {
            let error =
                ApiError::new(ApiErrorKind::Denied, limit.api, "a domain or a status is queried without a kind");
            return Err(ApiError { help: Some("name a kind of task, and query each kind".into()), ..error });
        }
        let mut query = limit.page(PAGE, page);
        query.extend(present([
            ("TaskId", filter.task_id.as_deref()),
            ("ObjectPath", filter.url.as_deref()),
            ("DomainName", filter.domain.as_deref()),
            ("ObjectType", filter.kind.map(record_kind)),
            ("Status", filter.status.map(record_status)),
        ]));
        if let Some((start, end)) = filter.window(list, api.server_now()) {
            query.extend([("StartTime", timestamp(start)), ("EndTime", timestamp(end))]);
        }
        self.read(limit, query, api).await?.page("Tasks", answer::record)
    }

    async fn quota(&self, api: &dyn Api) -> Result<Quota, ApiError> {
        let quota = self.spec().offered(self.spec().quota.as_ref(), "quota")?;
        answer::quota(&self.read(&quota.call, Vec::new(), api).await?, self.spec())
    }

    async fn measure(&self, question: &MeasureQuestion, api: &dyn Api) -> Result<Vec<Point>, ApiError> {
        let mut query = vec![("Interval", question.interval.as_secs().to_string())];
        if !question.domains.is_empty() {
            query.push(("DomainName", question.domains.join(",")));
        }
        query.extend([("StartTime", timestamp(question.since)), ("EndTime", timestamp(question.until))]);
        Ok(self.read(&question.offer.call, query, api).await?.page(question.offer.name, answer::point)?.rows)
    }

    async fn logs(&self, question: &LogQuestion, page: u32, api: &dyn Api) -> Result<Page<LogFile>, ApiError> {
        let mut query = question.offer.call.page(PAGE, page);
        query.push(("DomainName", question.domain.clone()));
        query.extend([("StartTime", timestamp(question.since)), ("EndTime", timestamp(question.until))]);
        // The paths come without a scheme, and are served as the API is.
        answer::logs(&self.read(&question.offer.call, query, api).await?, self.context.endpoint.scheme())
    }

    async fn domains(&self, offer: &CallSpec, page: u32, api: &dyn Api) -> Result<Page<Domain>, ApiError> {
        self.read(offer, offer.page(PAGE, page), api).await?.page("Domains", answer::domain)
    }
}

/// The parameters of a refresh by tag; all tags are of one host.
fn tags(tags: &[&Subject]) -> Result<Parameters, String> {
    let host = tags.first().and_then(|tag| tag.host.as_deref()).ok_or("a tag without its host")?;
    if tags.iter().any(|tag| tag.host.as_deref() != Some(host)) {
        return Err("the tags of one call are of several hosts".to_owned());
    }
    let names: Vec<&str> = tags.iter().map(|tag| &*tag.value).collect();
    Ok(vec![("DomainName", host.to_owned()), ("CacheTag", names.join(","))])
}

/// The word in the list of records. Source: reference 2026-04 (see `spec.rs`).
fn record_kind(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::File => "file",
        RecordKind::Directory => "directory",
        RecordKind::Regex => "regex",
        RecordKind::Prefetch => "preload",
    }
}

/// The word in the list of records. Source: reference 2026-04 (see `spec.rs`).
fn record_status(status: RecordStatus) -> &'static str {
    match status {
        RecordStatus::Running => "Refreshing",
        RecordStatus::Complete => "Complete",
        RecordStatus::Failed => "Failed",
    }
}
