//! Alibaba Cloud's CDN, DCDN and VOD: our calls as the vendor's, each one signed request.
//!
//! `spec.rs` is the vendor as data, `answer.rs` reads what comes back, `credentials.rs` gets keys, and `emulator.rs` is the
//! vendor in memory. `README.md` holds links, permissions and what is unproven.

use async_trait::async_trait;
use http::Method;
use jiff::{SignedDuration, Timestamp};

use crate::model::{Kind, Operation, Quota, Tag};
use crate::provider::answer::{Answer, Sent};
use crate::provider::credentials::Keys;
use crate::provider::sign::acs::{Call, Sign, timestamp};
use crate::provider::sign::{acs1, acs3};
use crate::provider::{
    Accepted, Api, ApiError, ApiErrorKind, CallSpec, DomainPage, LogPage, LogQuestion, Measure, MeasureQuestion,
    Opening, OptionValue, Options, Page, Point, Provider, RecordFilter, RecordKind, RecordStatus, Spec, Submission,
    not_offered,
};

use spec::{Product, object_type};

mod answer;
mod credentials;
mod emulator;
mod spec;
#[cfg(test)]
mod tests;

pub use spec::{ALIBABA_CDN, ALIBABA_DCDN, ALIBABA_VOD};

/// How long the vendor keeps records. Source: reference 2026-04 (see `spec.rs`).
const RECORDS_ARE_KEPT: SignedDuration = SignedDuration::from_hours(3 * 24);

/// The names of a page's length and number. Source: reference 2026-04 (see `spec.rs`).
const PAGE: [&str; 2] = ["PageSize", "PageNumber"];

/// One of the vendor's products, opened for one target.
struct Alibaba {
    spec: &'static Spec,
    product: &'static Product,
    options: Options,
    endpoint: url::Url,
    keys: Keys,
    sign: Sign,
}

/// Decoded parameters, in any order.
type Parameters = Vec<(&'static str, String)>;

impl Alibaba {
    fn open(product: &'static Product, opening: Opening) -> Self {
        let Opening { spec, options, endpoint, keys } = opening;
        let v1 = matches!(options.get("signature"), Some(OptionValue::Word(word)) if word == "v1");
        Self { spec, product, options, endpoint, keys, sign: if v1 { acs1::sign } else { acs3::sign } }
    }

    /// Signs and sends one call.
    async fn call(&self, asked: Asked, api: &dyn Api) -> Result<Answer, ApiError> {
        let call = Call {
            method: Method::POST,
            endpoint: &self.endpoint,
            action: asked.api,
            version: self.product.version,
            query: asked.query,
            form: asked.form,
        };
        let now = api.now();
        let signed = (self.sign)(&call, &self.keys.current(), now, &api.nonce())
            .map_err(|error| ApiError::unsignable(asked.api, &error))?;
        let sent = Sent {
            api: asked.api,
            permission: asked.permission,
            submits: asked.submits,
            signed_at: Some(now),
            signed: &signed.string_to_sign,
        };
        answer::WORDING.ask(signed.request, &sent, api).await
    }

    /// Sends a call that changes nothing.
    async fn read(&self, limit: &'static CallSpec, query: Parameters, api: &dyn Api) -> Result<Answer, ApiError> {
        let asked = Asked { api: limit.api, permission: limit.permission, submits: false, query, form: Vec::new() };
        self.call(asked, api).await
    }

    /// `WithHeader`, `Area` and the other parameters of a prefetch, from the target's options; absent where unset.
    fn prefetch_options(&self) -> Parameters {
        let value = |option: &OptionValue| match option {
            OptionValue::Boolean(yes) => yes.to_string(),
            OptionValue::Word(word) => word.clone(),
            OptionValue::Duration(span) => span.as_secs().to_string(),
            OptionValue::Headers(headers) => serde_json::to_string(headers).expect("a map of strings is JSON"),
        };
        let names = self.product.prefetch_options.iter();
        names.filter_map(|&(name, option)| Some((name, value(self.options.get(option)?)))).collect()
    }
}

/// A call of ours, before it is signed.
struct Asked {
    api: &'static str,
    permission: &'static str,
    /// Whether it may change something, so that a lost answer leaves doubt.
    submits: bool,
    query: Parameters,
    form: Parameters,
}

#[async_trait(?Send)]
impl Provider for Alibaba {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError> {
        let Submission { operation, force, urls } = submission;
        let limit = self.spec.able(operation)?;
        let unfit = |message: String| ApiError::new(ApiErrorKind::Refused, limit.api, message);
        if urls.iter().any(|url| url.contains(['\n', '\r'])) {
            return Err(unfit("an address holds a line break, which would make it two".to_owned()));
        }
        let mut parameters = match operation {
            Operation::Refresh(Kind::Tag) => tags(urls).map_err(unfit)?,
            _ => vec![("ObjectPath", urls.join("\n"))],
        };
        match operation {
            Operation::Refresh(Kind::Tag) | Operation::Prefetch => {}
            Operation::Refresh(kind) => parameters.push(("ObjectType", object_type(kind).to_owned())),
        }
        let (in_form, ids) = match operation {
            Operation::Refresh(kind) => {
                if force && kind != Kind::File {
                    parameters.push(("Force", "true".to_owned()));
                }
                (self.product.refresh_in_form && kind != Kind::Tag, self.product.refresh_ids)
            }
            Operation::Prefetch => {
                parameters.extend(self.prefetch_options());
                (false, self.product.prefetch_ids)
            }
        };
        let (query, form) = if in_form { (Vec::new(), parameters) } else { (parameters, Vec::new()) };
        let asked = Asked { api: limit.api, permission: limit.permission, submits: true, query, form };
        answer::accepted(&self.call(asked, api).await?, ids)
    }

    /// By id there is no paging: the first page holds everything. A product without that call lists what one id stands for.
    async fn status(&self, task_ids: &[String], page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        if self.spec.status.rows_per_page > 0 {
            let filter = RecordFilter { task_id: task_ids.first().cloned(), ..RecordFilter::default() };
            return self.records(&filter, page, api).await;
        }
        if page > 1 || task_ids.is_empty() {
            return Ok(Page::default());
        }
        answer::page(&self.read(&self.spec.status, vec![("TaskId", task_ids.join(","))], api).await?)
    }

    async fn records(&self, filter: &RecordFilter, page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let limit = &self.spec.records;
        if filter.kind.is_none() && (filter.domain.is_some() || filter.status.is_some()) {
            let error =
                ApiError::new(ApiErrorKind::Denied, limit.api, "a domain or a status is asked for without a kind");
            return Err(ApiError { help: Some("name a kind of task, and ask for each kind".into()), ..error });
        }
        let mut query = limit.page(PAGE, page);
        query.extend(filter.task_id.clone().map(|id| ("TaskId", id)));
        query.extend(filter.url.clone().map(|url| ("ObjectPath", url)));
        query.extend(filter.domain.clone().map(|domain| ("DomainName", domain)));
        query.extend(filter.kind.map(|kind| ("ObjectType", record_kind(kind).to_owned())));
        query.extend(filter.status.map(|status| ("Status", record_status(status).to_owned())));
        if filter.since.is_some() || filter.until.is_some() {
            let (start, end) = window(filter, api.server_now());
            query.extend([("StartTime", timestamp(start)), ("EndTime", timestamp(end))]);
        }
        answer::page(&self.read(limit, query, api).await?)
    }

    async fn quota(&self, api: &dyn Api) -> Result<Quota, ApiError> {
        answer::quota(&self.read(&self.spec.quota, Vec::new(), api).await?, self.product.quota)
    }

    async fn measure(&self, question: &MeasureQuestion, api: &dyn Api) -> Result<Vec<Point>, ApiError> {
        let (spec, field) = match question.measure {
            Measure::Traffic => (&self.spec.asks.traffic, "TrafficDataPerInterval"), // reference 2026-04
            Measure::Bandwidth => (&self.spec.asks.bandwidth, "BpsDataPerInterval"), // reference 2026-04
        };
        let spec = spec.as_ref().ok_or_else(|| not_offered(self.spec, question.measure.name()))?;
        let mut query = vec![("Interval", question.interval.as_secs().to_string())];
        if !question.domains.is_empty() {
            query.push(("DomainName", question.domains.join(",")));
        }
        query.extend([("StartTime", timestamp(question.since)), ("EndTime", timestamp(question.until))]);
        answer::points(&self.read(&spec.call, query, api).await?, field)
    }

    async fn logs(&self, question: &LogQuestion, page: u32, api: &dyn Api) -> Result<LogPage, ApiError> {
        let spec = self.spec.asks.logs.as_ref().ok_or_else(|| not_offered(self.spec, "logs"))?;
        let mut query = spec.call.page(PAGE, page);
        query.push(("DomainName", question.domain.clone()));
        query.extend([("StartTime", timestamp(question.since)), ("EndTime", timestamp(question.until))]);
        // The paths come without a scheme, and are served as the API is.
        answer::logs(&self.read(&spec.call, query, api).await?, self.endpoint.scheme())
    }

    async fn domains(&self, page: u32, api: &dyn Api) -> Result<DomainPage, ApiError> {
        let limit = self.spec.asks.domains.as_ref().ok_or_else(|| not_offered(self.spec, "domains"))?;
        answer::domains(&self.read(limit, limit.page(PAGE, page), api).await?)
    }
}

/// The parameters of a refresh by tag; all tags are of one host.
fn tags(urls: &[&str]) -> Result<Parameters, String> {
    let tags: Vec<Tag> = urls.iter().map(|url| Tag::read(url)).collect::<Result<_, _>>()?;
    let host = tags.first().map_or("", |tag| &tag.host);
    if tags.iter().any(|tag| tag.host != host) {
        return Err("the tags of one call are of several hosts".to_owned());
    }
    let names: Vec<&str> = tags.iter().map(|tag| &*tag.name).collect();
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

/// Start and end around what was asked for, even when cut to whole seconds: the vendor wants both, and nothing too old.
fn window(filter: &RecordFilter, now: Timestamp) -> (Timestamp, Timestamp) {
    // A minute less, so that the request doesn't grow too old on its way.
    let oldest = now - RECORDS_ARE_KEPT + SignedDuration::from_mins(1);
    let start = filter.since.map_or(oldest, |since| since.max(oldest));
    let end = filter.until.unwrap_or(now).max(start) + SignedDuration::from_secs(1);
    (start, end)
}
