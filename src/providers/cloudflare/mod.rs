//! Cloudflare: purges and invalidations of a zone. What it accepts is done: it reports no status.
//!
//! `spec.rs` is the vendor as data. `README.md` holds links, permissions and what is unproven.

use async_trait::async_trait;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::model::{Operation, PurgeMode, RefreshKind};
use crate::provider::answer::Answer;
use crate::provider::credentials::Credentials;
use crate::provider::sign::{secret_header, unsigned};
use crate::provider::{
    Accepted, Api, ApiError, ApiErrorKind, CallSpec, Domain, OptionValue, Page, Parameters, Provider, ProviderContext,
    Spec, Submission, zone,
};

use spec::{ERROR_FORMAT, INVALIDATE_API, ZONES};

mod spec;
#[cfg(test)]
mod tests;

pub use spec::CLOUDFLARE;

/// The names of a page's length and number. Source: sdk 5.9.0 (see `spec.rs`).
const PAGE: [&str; 2] = ["per_page", "page"];

/// Cloudflare, opened for one target.
struct Cloudflare {
    context: ProviderContext,
    /// The id of the target's zone; empty until it is known.
    zone: String,
}

/// Opens it for a target.
pub fn open(context: ProviderContext) -> Box<dyn Provider> {
    Box::new(Cloudflare { context, zone: String::new() })
}

impl Cloudflare {
    /// Sends one call; with a body, it changes something.
    async fn call(
        &self,
        call: &CallSpec,
        path: &str,
        query: Parameters,
        body: Option<Value>,
        api: &dyn Api,
    ) -> Result<Answer, ApiError> {
        let mut url = self.context.endpoint.clone();
        url.set_path(&format!("/client/v4{path}"));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let sign = |credentials: &Credentials, _| {
            let request = Request::builder().method(method).uri(url.as_str()).header(CONTENT_TYPE, "application/json");
            let request = match credentials {
                Credentials::Token(token) => {
                    secret_header(request, "authorization", &format!("Bearer {}", token.expose_secret()), call.api)?
                }
                Credentials::AccessKey(key) => {
                    let request = request.header("x-auth-email", &key.id);
                    secret_header(request, "x-auth-key", key.secret.expose_secret(), call.api)?
                }
            };
            unsigned(request, body.map_or_else(String::new, |body| body.to_string()), call.api)
        };
        let submits = call.api != ZONES.api;
        let answer = ERROR_FORMAT.ask(call, submits, &self.context.credentials, api, sign).await?;
        // A failure may come with a success's status, and without a code.
        if answer.row().is_true("success") { Ok(answer) } else { Err(answer.without("`success: true`")) }
    }

    /// The id of the zone of this name, if the account has one.
    async fn zone(&self, name: &str, api: &dyn Api) -> Result<Option<String>, ApiError> {
        let answer = self.call(&ZONES, "/zones", vec![("name", name.to_owned())], None, api).await;
        let help = "give the token `Zone > Zone > Read`, or set the target's `zone` to the zone's id";
        let answer = answer.map_err(|error| match error.kind {
            ApiErrorKind::Forbidden => error.helped(help),
            _ => error,
        })?;
        Ok(answer.rows("result")?.first().and_then(|row| row.text("id")))
    }

    /// One item of `files`, with the headers of the variant if the target names any.
    fn file(&self, url: &str) -> Value {
        match self.context.options.get("headers") {
            Some(OptionValue::Headers(headers)) => {
                let headers: serde_json::Map<_, _> = headers
                    .iter()
                    .map(|(name, values)| (name.clone(), values.first().map_or("", |value| value.trim()).into()))
                    .collect();
                json!({ "url": url, "headers": headers })
            }
            _ => url.into(),
        }
    }
}

/// A zone's id is 32 hex digits.
fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[async_trait(?Send)]
impl Provider for Cloudflare {
    fn spec(&self) -> &'static Spec {
        &CLOUDFLARE
    }

    /// Finds the zone: by its name, else by the longest name that is one and that the hosts end in.
    async fn prepare(&mut self, api: &dyn Api) -> Result<(), ApiError> {
        let hosts = &self.context.hosts;
        if let Some(OptionValue::Headers(headers)) = self.context.options.get("headers")
            && let Some((name, _)) = headers.iter().find(|(_, values)| values.len() > 1)
        {
            let message = format!("`headers` has several values of `{name}`");
            return Err(ApiError::denied(ZONES.api, message, "make a target for each variant"));
        }
        let named = self.context.word("zone");
        if let Some(id) = named.filter(|named| is_id(named)) {
            self.zone = id.to_ascii_lowercase();
            return Ok(());
        }
        let named = named.map(str::to_ascii_lowercase);
        let host = hosts.first().map_or("", String::as_str);
        let above = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]);
        let names = std::iter::once(host).chain(above).filter(|name| name.contains('.'));
        if named.is_none() && host.is_empty() {
            return Ok(());
        }
        for name in named.as_ref().map_or_else(|| names.collect(), |named| vec![named.as_str()]) {
            let Some(id) = self.zone(name, api).await? else { continue };
            zone::holds(hosts, name, ZONES.api)?;
            self.zone = id;
            return Ok(());
        }
        let help = "check that the token is for this zone, or set the target's `zone` to its id";
        Err(zone::missing(named.as_deref(), host, ZONES.api, help))
    }

    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError> {
        let Submission { operation, mode, .. } = submission;
        if self.zone.is_empty() {
            return Err(zone::unknown(ZONES.api));
        }
        let limits = CLOUDFLARE.able(operation)?;
        let call = if mode == PurgeMode::Soft { CallSpec { api: INVALIDATE_API, ..limits.call } } else { limits.call };
        let values = submission.values();
        let without_scheme = |url: &&str| url.split_once("://").map_or(*url, |(_, rest)| rest).to_owned();
        let body = match operation {
            Operation::Refresh(RefreshKind::Tag) => json!({ "tags": values }),
            Operation::Refresh(RefreshKind::Everything) => json!({ "purge_everything": true }),
            Operation::Refresh(RefreshKind::Host) => {
                let hosts = values.iter().map(without_scheme).map(|host| host.trim_end_matches('/').to_owned());
                json!({ "hosts": hosts.collect::<Vec<_>>() })
            }
            Operation::Refresh(RefreshKind::Directory | RefreshKind::Prefix) => {
                json!({ "prefixes": values.iter().map(without_scheme).collect::<Vec<_>>() })
            }
            _ => json!({ "files": values.iter().map(|url| self.file(url)).collect::<Vec<_>>() }),
        };
        let path = format!("/zones/{}/{}", self.zone, call.api);
        let answer = self.call(&call, &path, Vec::new(), Some(body), api).await?;
        Ok(Accepted::Done { request_id: answer.request_id() })
    }

    async fn domains(&self, offer: &CallSpec, page: u32, api: &dyn Api) -> Result<Page<Domain>, ApiError> {
        let answer = self.call(offer, "/zones", offer.page(PAGE, page), None, api).await?;
        answer.page("result", |row| {
            let service = row.object("plan").word("name");
            Some(Domain { name: row.text("name")?, status: row.word("status"), service, cname: None, is_zone: true })
        })
    }
}
