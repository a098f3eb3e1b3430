//! Bunny: purges of URLs, of what is below one, of cache tags and of pull zones. What it accepts is done: it reports no status.
//!
//! `spec.rs` is the vendor as data. `README.md` holds links, permissions and what is unproven.

use async_trait::async_trait;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::model::{Operation, RefreshKind};
use crate::provider::answer::Answer;
use crate::provider::credentials::Credentials;
use crate::provider::json::Row;
use crate::provider::sign::{secret_header, unsigned};
use crate::provider::{
    Accepted, Api, ApiError, ApiErrorKind, CallSpec, Domain, Page, Parameters, Provider, ProviderContext, Spec,
    Submission,
};

use spec::{ERROR_FORMAT, ZONES};

mod spec;
#[cfg(test)]
mod tests;

pub use spec::BUNNY;

/// The names of a page's length and number. Source: clients 2026 (see `spec.rs`).
const PAGE: [&str; 2] = ["perPage", "page"];

/// Bunny, opened for one target.
struct Bunny {
    context: ProviderContext,
    /// The id of the target's pull zone; empty until it is known.
    zone: String,
}

/// Opens it for a target.
pub fn open(context: ProviderContext) -> Box<dyn Provider> {
    Box::new(Bunny { context, zone: String::new() })
}

impl Bunny {
    /// Sends one call.
    async fn call(
        &self,
        call: &CallSpec,
        (method, path): (Method, &str),
        query: Parameters,
        body: String,
        api: &dyn Api,
    ) -> Result<Answer, ApiError> {
        let submits = method == Method::POST;
        let mut url = self.context.endpoint.clone();
        url.set_path(path);
        if !query.is_empty() {
            // A URL in it is percent-encoded once more: without, it would end at its first `&`.
            url.query_pairs_mut().extend_pairs(query);
        }
        let sign = |credentials: &Credentials, _| {
            let request = Request::builder().method(method).uri(url.as_str());
            let request = request.header(ACCEPT, "application/json").header(CONTENT_TYPE, "application/json");
            let key = credentials.token(call.api)?;
            unsigned(secret_header(request, "accesskey", key.expose_secret(), call.api)?, body, call.api)
        };
        ERROR_FORMAT.ask(call, submits, &self.context.credentials, api, sign).await
    }

    /// A page of the pull zones, those that a search finds or all.
    async fn zones(&self, search: Option<&str>, page: u32, api: &dyn Api) -> Result<Answer, ApiError> {
        let mut query = ZONES.page(PAGE, page);
        query.extend(search.map(|search| ("search", search.to_owned())));
        self.call(&ZONES, (Method::GET, "/pullzone"), query, String::new(), api).await
    }
}

/// The hostnames of a pull zone.
fn hostnames(zone: Row<'_>) -> Vec<String> {
    let rows = zone.rows("Hostnames").flatten().unwrap_or_default();
    rows.into_iter().filter_map(|hostname| hostname.text("Value")).map(|name| name.to_ascii_lowercase()).collect()
}

/// A purge that was done has nothing to say: a message is about an error, whatever the status.
fn done(answer: &Answer) -> Result<Accepted, ApiError> {
    match answer.row().text("Message") {
        Some(_) => Err(answer.unreadable("a success with a message")),
        None => Ok(Accepted::Done { request_id: answer.request_id() }),
    }
}

#[async_trait(?Send)]
impl Provider for Bunny {
    fn spec(&self) -> &'static Spec {
        &BUNNY
    }

    /// Finds the pull zone by the hosts. Unproven: whether the search finds hostnames; if not, all zones are listed.
    async fn prepare(&mut self, api: &dyn Api) -> Result<(), ApiError> {
        if let Some(id) = self.context.word("pull-zone") {
            if !id.bytes().all(|byte| byte.is_ascii_digit()) {
                let help = "write the number from the zone's page: `pull-zone: 12345`";
                return Err(ApiError::denied(ZONES.api, format!("`pull-zone` is `{id}`, which is no id"), help));
            }
            self.zone = id.to_owned();
            return Ok(());
        }
        let hosts = &self.context.hosts;
        let Some(host) = hosts.first() else { return Ok(()) };
        for search in [Some(host.as_str()), None] {
            let (mut page, mut seen) = (1, 0);
            loop {
                let answer = self.zones(search, page, api).await?;
                let rows = answer.rows("Items")?;
                if let Some(zone) = rows.iter().find(|zone| hostnames(**zone).contains(host)) {
                    let names = hostnames(*zone);
                    if let Some(other) = hosts.iter().find(|host| !names.contains(host)) {
                        let message = format!("`{other}` isn't a hostname of the pull zone of `{host}`");
                        let help = "a target has one pull zone: make a target for each, and name it in the rules";
                        return Err(ApiError::denied(ZONES.api, message, help));
                    }
                    self.zone = zone.word("Id");
                    return Ok(());
                }
                seen += rows.len();
                if !answer.row().is_true("HasMoreItems") || rows.is_empty() || seen > 100_000 {
                    break;
                }
                page += 1;
            }
        }
        let message = format!("no pull zone of the account has the hostname `{host}`");
        let help = "check that the key is the account's, or set the target's `pull-zone`";
        Err(ApiError::denied(ZONES.api, message, help))
    }

    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError> {
        let call = &BUNNY.able(submission.operation)?.call;
        let value = submission.values().first().copied().unwrap_or_default();
        let (is_exact, url) = match submission.operation {
            Operation::Refresh(kind @ (RefreshKind::Tag | RefreshKind::Everything)) => {
                if self.zone.is_empty() {
                    let help = "set the target's `pull-zone`";
                    return Err(ApiError::denied(call.api, "the pull zone isn't known", help));
                }
                let body = if kind == RefreshKind::Tag {
                    json!({ "CacheTag": value })
                } else {
                    Value::Object(Default::default())
                };
                let path = format!("/pullzone/{}/purgeCache", self.zone);
                return done(&self.call(call, (Method::POST, &path), Vec::new(), body.to_string(), api).await?);
            }
            Operation::Refresh(RefreshKind::Directory) => (false, value.to_owned()),
            Operation::Refresh(RefreshKind::Prefix) => (false, format!("{value}*")),
            // What ends in `/`, in its path or in its query, is a directory, unless it says otherwise.
            _ => {
                let path = value.split('?').next().unwrap_or_default();
                (path.ends_with('/') || value.ends_with('/'), value.to_owned())
            }
        };
        if value.contains('*') {
            let message = "a `*` would purge everything that begins like the URL".to_owned();
            let help = "use the kind `prefix` and leave the `*` out";
            return Err(ApiError::new(ApiErrorKind::Refused, call.api, message).helped(help));
        }
        let query = vec![("url", url), ("async", "false".to_owned()), ("exactPath", is_exact.to_string())];
        done(&self.call(call, (Method::POST, "/purge"), query, String::new(), api).await?)
    }

    /// The hostnames of all pull zones.
    async fn domains(&self, _: &CallSpec, page: u32, api: &dyn Api) -> Result<Page<Domain>, ApiError> {
        let answer = self.zones(None, page, api).await?;
        let mut rows = Vec::new();
        for zone in answer.rows("Items")? {
            let status = if zone.is_true("Enabled") { "online" } else { "offline" };
            rows.extend(hostnames(zone).into_iter().map(|name| Domain {
                name,
                status: status.to_owned(),
                service: zone.word("Name"),
                cname: None,
                is_zone: false,
            }));
        }
        // A zone may have several hostnames, so that their number says nothing about another page.
        let total = if answer.row().is_true("HasMoreItems") { usize::MAX } else { rows.len() };
        Ok(Page { rows, total })
    }
}
