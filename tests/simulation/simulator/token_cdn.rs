//! A made-up provider of the simplest kind: a bearer token, one call, what it accepts is done, and a lost answer is followed by the
//! same request again, since a second execution changes nothing.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cdn_purge::model::{Operation, RefreshKind};
use cdn_purge::provider::{
    Accepted, AfterLostAnswer, Api, ApiError, ApiErrorKind, ApiName, CallSpec, EndpointSpec, OperationSpec, PolicySpec,
    Provider, ProviderContext, QuerySpec, Rate, Spec, Submission,
};
use cdn_purge::providers::Registration;
use emulators::{Emulator, EmulatorSettings, LedgerEntry};
use http::{Request, Response};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::json;

/// The token that the vendor takes.
pub const TOKEN: &str = "open-sesame-4711";

const PURGE: CallSpec = CallSpec::new("Purge", "purge", Rate::per_minute(300).burst(25));

/// The provider as data.
pub static TOKEN_CDN: Spec = Spec {
    name: "token-cdn",
    title: "Token CDN",
    docs: "https://token.example/",
    endpoints: &[EndpointSpec { region: "everywhere", url: "https://api.token.example" }],
    options: &[],
    credentials: &[],
    operations: &[OperationSpec {
        after_lost_answer: AfterLostAnswer::Resend,
        ..OperationSpec::new(Operation::Refresh(RefreshKind::Url), PURGE, 3, None, "")
    }],
    tracking: None,
    quota: None,
    signature_validity: Duration::from_mins(15),
    url_characters: 1_000,
    prefetch_delay: Duration::ZERO,
    queries: QuerySpec::NOTHING,
    policy: PolicySpec { version: "1", is_lower_case: false, resource: None, always: &[] },
    signs: &[],
};

/// What the program can do with it.
pub static REGISTRATION: Registration = Registration {
    spec: &TOKEN_CDN,
    open: |context| Box::new(TokenCdn(context)),
    roles: None,
    profiles: &[],
    emulator: Some(|settings| Box::new(Vendor { settings: settings.clone(), ledger: Vec::new() })),
};

struct TokenCdn(ProviderContext);

#[async_trait(?Send)]
impl Provider for TokenCdn {
    fn spec(&self) -> &'static Spec {
        &TOKEN_CDN
    }

    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError> {
        let credentials = self.0.credentials.current();
        let endpoint = format!("{}purge", self.0.endpoint);
        let request = Request::post(endpoint)
            .header("authorization", format!("Bearer {}", credentials.token(PURGE.api)?.expose_secret()))
            .extension(ApiName(PURGE.api))
            .body(Bytes::from(json!(submission.values()).to_string()))
            .map_err(|error| ApiError::unsignable(PURGE.api, &error))?;
        let error = |kind| ApiError::new(kind, PURGE.api, "refused");
        let response = api.call(request).await?;
        match response.status().as_u16() {
            200 if &**response.body() == b"null" => Ok(Accepted::Done { request_id: None }),
            401 => Err(error(ApiErrorKind::Credentials)),
            422 => Err(error(ApiErrorKind::Refused)),
            429 => Err(error(ApiErrorKind::Throttled)),
            _ => Err(error(ApiErrorKind::Ambiguous)),
        }
    }
}

struct Vendor {
    settings: EmulatorSettings,
    ledger: Vec<LedgerEntry>,
}

impl Emulator for Vendor {
    fn claims(&self, request: &Request<Bytes>) -> bool {
        request.uri().path() == "/purge"
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let answer = |status: u16, body: &'static str| {
            let mut response = Response::new(Bytes::from_static(body.as_bytes()));
            *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
            response
        };
        let is_known = |value: &http::HeaderValue| value.as_bytes() == format!("Bearer {TOKEN}").as_bytes();
        if !request.headers().get("authorization").is_some_and(is_known) {
            return answer(401, "who are you");
        }
        let urls: Vec<String> = serde_json::from_slice(request.body()).unwrap_or_default();
        if urls.iter().any(|url| self.settings.refuse.iter().any(|part| url.contains(&**part))) {
            return answer(422, "no such page");
        }
        let operation = emulators::Operation::RefreshUrl;
        let entry = |url| LedgerEntry { at: now, operation, url, task_id: String::new() };
        self.ledger.extend(urls.into_iter().map(entry));
        answer(200, "null")
    }

    fn ledger(&self) -> &[LedgerEntry] {
        &self.ledger
    }

    fn call_name(&self, _: &Request<Bytes>) -> String {
        PURGE.api.to_owned()
    }
}
