//! Fastly: purges of URLs, surrogate keys and whole services. What it accepts is done: it reports no status.
//!
//! `spec.rs` is the vendor as data. `README.md` holds links, permissions and what is unproven.

use async_trait::async_trait;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::model::{Operation, PurgeMode, RefreshKind};
use crate::provider::answer::Answer;
use crate::provider::credentials::Credentials;
use crate::provider::sign::{secret_header, unsigned};
use crate::provider::{Accepted, Api, ApiError, CallSpec, Grants, Provider, ProviderContext, Spec, Submission};

use spec::{ERROR_FORMAT, PURGE_EVERYTHING, PURGE_SELECT};

mod spec;
#[cfg(test)]
mod tests;

pub use spec::FASTLY;

/// Fastly, opened for one target.
struct Fastly(ProviderContext);

/// Opens it for a target.
pub fn open(context: ProviderContext) -> Box<dyn Provider> {
    Box::new(Fastly(context))
}

impl Fastly {
    /// Sends one call to a path, which begins without `/` and is sent as it is.
    async fn call(
        &self,
        call: &CallSpec,
        (method, path): (Method, &str),
        is_soft: bool,
        body: String,
        api: &dyn Api,
    ) -> Result<Answer, ApiError> {
        let submits = method == Method::POST;
        let sign = |credentials: &Credentials, _| {
            let request = Request::builder().method(method).uri(format!("{}{path}", self.0.endpoint));
            let request = request.header(ACCEPT, "application/json").header(CONTENT_TYPE, "application/json");
            let request = if is_soft { request.header("fastly-soft-purge", "1") } else { request };
            let token = credentials.token(call.api)?;
            unsigned(secret_header(request, "fastly-key", token.expose_secret(), call.api)?, body, call.api)
        };
        ERROR_FORMAT.ask(call, submits, &self.0.credentials, api, sign).await
    }

    /// The id of the target's service.
    fn service(&self, api: &'static str) -> Result<&str, ApiError> {
        let is_id = |id: &&str| id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.0.word("service").filter(is_id).ok_or_else(|| {
            let message = "the target's `service` isn't set, or isn't the id of a service";
            let help = "set it: URLs are purged without, cache tags and everything aren't";
            ApiError::denied(api, message, help)
        })
    }
}

#[async_trait(?Send)]
impl Provider for Fastly {
    fn spec(&self) -> &'static Spec {
        &FASTLY
    }

    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError> {
        let Submission { operation, mode, .. } = submission;
        let call = &FASTLY.able(operation)?.call;
        let values = submission.values();
        // Keys travel in the body: in a path, the vendor's own clients don't encode them.
        let (path, body) = match operation {
            Operation::Refresh(RefreshKind::Tag) => {
                (format!("service/{}/purge", self.service(call.api)?), json!({ "surrogate_keys": values }).to_string())
            }
            Operation::Refresh(RefreshKind::Everything) => {
                (format!("service/{}/purge_all", self.service(call.api)?), String::new())
            }
            _ => {
                let url = values.first().copied().unwrap_or_default();
                (format!("purge/{}", url.split_once("://").map_or(url, |(_, rest)| rest)), String::new())
            }
        };
        let is_soft = mode == PurgeMode::Soft;
        let answer = self.call(call, (Method::POST, &path), is_soft, body, api).await?;
        let row = answer.row();
        if operation == Operation::Refresh(RefreshKind::Tag) {
            return match values.iter().find(|key| row.text(key).is_none()) {
                None => Ok(Accepted::Done { request_id: answer.request_id() }),
                Some(key) => Err(answer.without(&format!("the key `{key}`"))),
            };
        }
        match row.word("status").as_str() {
            "ok" => Ok(Accepted::Done { request_id: row.text("id").or(answer.request_id()) }),
            _ => Err(answer.without("`status: ok`")),
        }
    }

    async fn grants(&self, offer: &CallSpec, api: &dyn Api) -> Result<Grants, ApiError> {
        let answer = self.call(offer, (Method::GET, "tokens/self"), false, String::new(), api).await?;
        let scope = answer.row().word("scope");
        let has = |name: &&'static str| scope.split_whitespace().any(|word| word == "global" || word == *name);
        let (granted, missing) = [PURGE_SELECT, PURGE_EVERYTHING].into_iter().partition(has);
        Ok(Grants { granted, missing })
    }
}
