//! CloudFront: invalidations of paths, of what begins like one, and of cache tags, in one distribution.
//!
//! `spec.rs` is the vendor as data, `codes.rs` says what errors allow, and `credentials.rs` finds credentials. `README.md` holds links, permissions and what is unproven.

use std::cell::RefCell;
use std::collections::HashSet;

use async_trait::async_trait;
use http::Method;
use serde_json::Value;

use crate::model::{Operation, RefreshKind, Subject};
use crate::provider::answer::{Answer, is_plausible_id};
use crate::provider::credentials::Credentials;
use crate::provider::json::Row;
use crate::provider::sign::sigv4;
use crate::provider::{
    Accepted, Api, ApiError, ApiErrorKind, CallSpec, Domain, Page, Parameters, Provider, ProviderContext, Record, Spec,
    Submission, TaskState,
};

use codes::ERROR_FORMAT;
use credentials::CHINA;
use spec::{CREATE_FOR_TENANT, DISTRIBUTIONS, STATUS, STATUS_OF_TENANT, TENANT_PREFIX};

mod codes;
mod credentials;
mod spec;
#[cfg(test)]
mod tests;

pub(super) use credentials::{PROFILES, Sts};
pub use spec::CLOUDFRONT;

/// Source: sdk 1.44.5 (see `spec.rs`).
const NAMESPACE: &str = "http://cloudfront.amazonaws.com/doc/2020-05-31/";

/// How long a tag may be: tags 2026 (see `spec.rs`).
const TAG_CHARACTERS: usize = 256;

/// CloudFront, opened for one target.
struct CloudFront {
    context: ProviderContext,
    /// The id of the target's distribution or tenant; empty until it is known.
    distribution: String,
    /// Where the next page of distributions begins.
    marker: RefCell<String>,
    /// How many pages of them came in the search for the target's, and which fits each host best so far.
    pages: u32,
    found: Vec<(usize, String)>,
}

/// Opens it for a target.
pub fn open(context: ProviderContext) -> Box<dyn Provider> {
    let found = vec![(0, String::new()); context.hosts.len()];
    Box::new(CloudFront { context, distribution: String::new(), marker: RefCell::default(), pages: 0, found })
}

impl CloudFront {
    /// Signs and sends one call; with a body, it changes something.
    async fn call(
        &self,
        call: &CallSpec,
        path: &str,
        query: Parameters,
        body: Option<String>,
        api: &dyn Api,
    ) -> Result<Answer, ApiError> {
        let (submits, endpoint) = (body.is_some(), &self.context.endpoint);
        let region = if self.context.word("region") == Some(CHINA) { "cn-northwest-1" } else { "us-east-1" };
        let path = &format!("/2020-05-31/{path}");
        let sign = |credentials: &Credentials, now| {
            let (service, query, body) = ("cloudfront", &query[..], body.unwrap_or_default());
            let (api, method) = (call.api, if submits { Method::POST } else { Method::GET });
            let request = sigv4::Call { api, method, endpoint, path, query, service, region, body };
            sigv4::sign(request, credentials.access_key(call.api)?, now)
        };
        ERROR_FORMAT.ask(call, submits, &self.context.credentials, api, sign).await
    }

    /// A call for the invalidations of the distribution, or of the tenant, and their path: `distribution/ID/invalidation`.
    fn invalidations(&self, of_distribution: CallSpec, of_tenant: CallSpec) -> Result<(CallSpec, String), ApiError> {
        let id = &self.distribution;
        if id.is_empty() {
            let (message, help) = ("the distribution isn't known", "set the target's `distribution`");
            return Err(ApiError::denied(of_distribution.api, message, help));
        }
        let is_tenant = id.starts_with(TENANT_PREFIX);
        let (call, kind) =
            if is_tenant { (of_tenant, "distribution-tenant") } else { (of_distribution, "distribution") };
        Ok((call, format!("{kind}/{id}/invalidation")))
    }

    /// A page (from 1) of the account's distributions, and whether there is another. A page begins where the one before ended.
    async fn distributions(&self, page: u32, api: &dyn Api) -> Result<(Answer, bool), ApiError> {
        let mut query: Parameters = vec![("MaxItems", DISTRIBUTIONS.rows_per_page.to_string())];
        // Kept until its page has come: the call may be repeated.
        let marker = self.marker.borrow().clone();
        if page > 1 {
            query.push(("Marker", marker));
        }
        let answer = self.call(&DISTRIBUTIONS, "distribution", query, None, api).await?;
        let row = answer.row();
        if row.text("IsTruncated").is_none() {
            return Err(answer.without("`IsTruncated`"));
        }
        let next = row.word("NextMarker");
        let has_more = row.word("IsTruncated") == "true" && !next.is_empty();
        self.marker.replace(next);
        Ok((answer, has_more))
    }
}

/// The elements of one name: XML doesn't say of one whether it could be several.
fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(all) => all,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

/// The distributions of a page.
fn summaries(answer: &Answer) -> Vec<Row<'_>> {
    elements(&answer.row().object("Items").0["DistributionSummary"]).iter().map(Row).collect()
}

/// The names that a distribution serves: the vendor's own, and its aliases, which may begin with `*.`.
fn names(summary: Row<'_>) -> Vec<String> {
    let aliases = elements(&summary.object("Aliases").object("Items").0["CNAME"]).iter().filter_map(Value::as_str);
    let all = aliases.map(str::to_ascii_lowercase);
    all.chain(summary.text("DomainName")).collect()
}

/// How well a name fits a host: how much of the host it spells out, or `None`.
fn fit(name: &str, host: &str) -> Option<usize> {
    match name.strip_prefix('*') {
        Some(end) => (host.len() > end.len() && host.ends_with(end)).then_some(end.len()),
        None => (name == host).then_some(name.len()),
    }
}

/// The path of an invalidation, or why it can't be one.
fn item(operation: Operation, subject: &Subject) -> Result<String, (String, &'static str)> {
    let value = &*subject.value;
    let Operation::Refresh(kind) = operation else {
        return Err(("nothing can be fetched ahead".to_owned(), ""));
    };
    match kind {
        RefreshKind::Everything => return Ok("/*".to_owned()),
        RefreshKind::Tag if value.len() <= TAG_CHARACTERS && value.bytes().all(|byte| byte.is_ascii_graphic()) => {
            return Ok(format!("#{value}"));
        }
        RefreshKind::Tag => {
            let message = format!("the cache tag is longer than {TAG_CHARACTERS} characters, or isn't visible ASCII");
            return Err((message, "the vendor matches no such tag: choose another one"));
        }
        _ => {}
    }
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |slash| &rest[slash..]);
    if path.contains('*') {
        let message = "a `*` would purge everything that begins like the URL, or nothing at all".to_owned();
        return Err((message, "use the kind `prefix` and leave the `*` out"));
    }
    Ok(match kind {
        RefreshKind::Directory if !path.ends_with('/') => format!("{path}/*"),
        RefreshKind::Directory | RefreshKind::Prefix => format!("{path}*"),
        _ => path.to_owned(),
    })
}

/// The body of an invalidation. Source: sdk 1.44.5, to the letter.
fn batch(paths: &[String], reference: &str) -> String {
    let escaped = |path: &String| path.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let items: String = paths.iter().map(|path| format!("<Path>{}</Path>", escaped(path))).collect();
    let paths = format!("<Paths><Quantity>{}</Quantity><Items>{items}</Items></Paths>", paths.len());
    format!(
        "<InvalidationBatch xmlns=\"{NAMESPACE}\">{paths}<CallerReference>{reference}</CallerReference></InvalidationBatch>"
    )
}

#[async_trait(?Send)]
impl Provider for CloudFront {
    fn spec(&self) -> &'static Spec {
        &CLOUDFRONT
    }

    /// Finds the distribution by the hosts: the one with the alias that spells out most of each.
    async fn prepare(&mut self, api: &dyn Api) -> Result<(), ApiError> {
        let denied = |message: String, help| Err(ApiError::denied(DISTRIBUTIONS.api, message, help));
        if let Some(id) = self.context.word("distribution") {
            if !is_plausible_id(id) {
                let help = "copy the id from the list of distributions: `distribution: E2EXAMPLE1234`";
                return denied(format!("`distribution` is `{id}`, which is no id"), help);
            }
            self.distribution = id.to_owned();
            return Ok(());
        }
        let hosts = &self.context.hosts;
        if hosts.is_empty() {
            return Ok(());
        }
        // A further try continues after the pages that came: each of them may be at the rate limit.
        for page in self.pages + 1..=100 {
            let answer = self.distributions(page, api).await.map_err(|error| match error.kind {
                ApiErrorKind::Forbidden => {
                    error.helped("grant `cloudfront:ListDistributions`, or set the target's `distribution` to its id")
                }
                _ => error,
            });
            let (answer, has_more) = answer?;
            self.pages = page;
            for summary in summaries(&answer) {
                let names = names(summary);
                for (host, best) in hosts.iter().zip(&mut self.found) {
                    let fit = names.iter().filter_map(|name| fit(name, host)).max().unwrap_or_default();
                    if fit > best.0 {
                        *best = (fit, summary.word("Id"));
                    }
                }
            }
            // No name fits better than the host itself.
            let is_exact = hosts.iter().zip(&self.found).all(|(host, (fit, _))| *fit == host.len());
            if !has_more || is_exact {
                break;
            }
        }
        if let Some((host, _)) = hosts.iter().zip(&self.found).find(|(_, (fit, _))| *fit == 0) {
            let help = "check that the credentials are for this account, or set the target's `distribution` to the id of the \
                        distribution or of its tenant";
            return denied(format!("no distribution of the account has the alias `{host}`"), help);
        }
        let id = self.found.first().map(|(_, id)| id.clone()).unwrap_or_default();
        if let Some((host, _)) = hosts.iter().zip(&self.found).find(|(_, (_, other))| *other != id) {
            let help = "a target has one distribution: make a target for each, and name it in the rules";
            return denied(format!("`{host}` isn't an alias of the distribution of `{}`", hosts[0]), help);
        }
        self.distribution = id;
        Ok(())
    }

    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError> {
        let limits = CLOUDFRONT.able(submission.operation)?;
        let (call, path) = self.invalidations(limits.call, CREATE_FOR_TENANT)?;
        let mut paths: Vec<String> = Vec::new();
        let mut known = HashSet::new();
        for subject in submission.subjects {
            let item = item(submission.operation, subject);
            let refused = |(message, help)| ApiError::new(ApiErrorKind::Refused, call.api, message).helped(help);
            let item = item.map_err(refused)?;
            // Of two hosts of the distribution, a path is one path.
            if known.insert(item.clone()) {
                paths.push(item);
            }
        }
        let body = batch(&paths, submission.reference);
        let answer = self.call(&call, &path, Vec::new(), Some(body), api).await?;
        Ok(Accepted::Tracked { task_ids: answer.task_ids("Id")?, request_id: answer.request_id() })
    }

    async fn status(&self, task_ids: &[String], _: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let id = task_ids.first().map_or("", String::as_str);
        if !is_plausible_id(id) {
            return Err(ApiError::new(
                ApiErrorKind::Refused,
                STATUS.api,
                format!("`{id}` is no id of an invalidation"),
            ));
        }
        let (call, path) = self.invalidations(STATUS, STATUS_OF_TENANT)?;
        let answer = match self.call(&call, &format!("{path}/{id}"), Vec::new(), None, api).await {
            // Not visible yet.
            Err(error) if error.code.as_deref() == Some("NoSuchInvalidation") => return Ok(Page::default()),
            answer => answer?,
        };
        let row = answer.row();
        let status = row.text("Status").ok_or_else(|| answer.without("`Status`"))?;
        let items = row.object("InvalidationBatch").object("Paths").object("Items");
        let paths: Vec<&str> = elements(&items.0["Path"]).iter().filter_map(Value::as_str).collect();
        // There is no failed state.
        let state = if status == "Completed" { TaskState::Complete } else { TaskState::Running };
        let record = Record {
            task_id: id.to_owned(),
            url: paths.join("\n"),
            prefetch: false,
            kind: String::new(),
            state,
            status,
            percent: None,
            created: row.moment("CreateTime"),
        };
        Ok(Page { rows: vec![record], total: 1 })
    }

    /// The names of all distributions.
    async fn domains(&self, _: &CallSpec, page: u32, api: &dyn Api) -> Result<Page<Domain>, ApiError> {
        if page > 1 && self.marker.borrow().is_empty() {
            // The page before was the last one.
            return Ok(Page::default());
        }
        let (answer, has_more) = self.distributions(page, api).await?;
        let mut rows = Vec::new();
        for summary in summaries(&answer) {
            let status = if summary.word("Enabled") == "true" { "online" } else { "offline" };
            let cname = summary.text("DomainName");
            rows.extend(names(summary).into_iter().map(|name| Domain {
                name,
                status: status.to_owned(),
                service: summary.word("Id"),
                cname: cname.clone(),
                is_zone: false,
            }));
        }
        // A distribution may have several names, so that their number says nothing about another page.
        let total = if has_more { usize::MAX } else { rows.len() };
        Ok(Page { rows, total })
    }
}
