//! What an emulator of a vendor is, how it is shaped, and what stands around all of them: faults, one gateway for a set of
//! emulators, and a way there without a network.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use jiff::Timestamp;
use secrecy::SecretString;

use super::ApiErrorKind;
use super::credentials::AccessKey;
use crate::model::Operation;

#[cfg(test)]
pub(crate) mod fake;
pub mod faults;
pub mod gateway;
#[cfg(test)]
pub(crate) mod line;
pub mod simulation;
pub mod tokens;
pub mod window;

/// A vendor in memory: takes requests as the vendor would, and keeps a ledger of what it accepted.
pub trait Emulator {
    /// Whether this request is meant for this vendor and product.
    fn claims(&self, request: &http::Request<Bytes>) -> bool;

    /// Answers a request that arrived at `now`.
    fn handle(&mut self, request: &http::Request<Bytes>, now: Timestamp) -> http::Response<Bytes>;

    /// Everything it accepted, in order.
    fn ledger(&self) -> &[LedgerEntry];

    /// The vendor's name of the call that a request makes, which faults are aimed by; where there are only paths, the
    /// method and the path.
    fn api(&self, request: &http::Request<Bytes>) -> String {
        format!("{} {}", request.method(), request.uri().path())
    }

    /// A refusal for the rate of calls, in the vendor's shape.
    fn throttled(&self, retry_after: Option<Duration>) -> http::Response<Bytes> {
        let mut response = json(StatusCode::TOO_MANY_REQUESTS, r#"{"error":"too many requests"}"#);
        if let Some(wait) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_millis().div_ceil(1000) as u64));
        }
        response
    }

    /// Every refusal that the vendor documents for a call of ours: its code, and what it allows to do next. For the tests that
    /// hold each of them against each call.
    fn refusals(&self) -> &'static [(&'static str, ApiErrorKind)] {
        &[]
    }

    /// The refusal with this code, documented or not, in the vendor's shape; `now` is the caller's clock.
    fn refused(&self, code: &str, now: Timestamp) -> http::Response<Bytes> {
        let _ = now;
        let body = format!(r#"{{"error":"{code}"}}"#);
        typed(StatusCode::BAD_REQUEST, "application/json; charset=utf-8", body.into())
    }

    /// A server error, in the vendor's shape.
    fn server_error(&self) -> http::Response<Bytes> {
        json(StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":"internal error"}"#)
    }
}

/// One accepted address.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LedgerEntry {
    /// When.
    pub at: Timestamp,
    /// What was asked.
    pub operation: Operation,
    /// The address.
    pub url: String,
    /// Under which task id.
    pub task_id: String,
}

/// How the emulators behave; the defaults are a friendly vendor.
#[derive(Clone, Debug)]
pub struct EmulatorSettings {
    /// The only key that is accepted.
    pub access_key_id: String,
    /// Its secret.
    pub access_key_secret: SecretString,
    /// The token that must come with it, if any.
    pub security_token: Option<SecretString>,
    /// How long a task takes; `None`: as long as the vendor says it usually does.
    pub task_duration: Option<Duration>,
    /// How long after its acceptance a task shows up in the records.
    pub listing_lag: Duration,
    /// Replaces every documented number of calls per second.
    pub calls_per_second: Option<f64>,
    /// Replaces every documented daily quota.
    pub quota: Option<u64>,
    /// Tasks whose address contains one of these fail.
    pub fail: Vec<String>,
    /// Batches with an address that contains one of these are refused as malformed.
    pub refuse: Vec<String>,
    /// Tasks whose address contains one of these never end.
    pub hang: Vec<String>,
    /// Whether the records hold a row for each address, or one for each task id.
    pub rows: Rows,
    /// Which addresses share a task id.
    pub ids: Ids,
    /// The emulator's clock minus the real one, in seconds.
    pub clock_offset_seconds: i64,
    /// Calls (the vendor's names) that the key may not make.
    pub forbid: Vec<String>,
    /// The longest life of keys that a role gives.
    pub token_life: Duration,
}

/// The rows of a task id that covers several addresses; which of the two the vendor keeps is not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// A row for each address.
    PerUrl,
    /// One row, with the first address, for each task id.
    PerTask,
}

/// The addresses that get one task id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Those that the vendor's documentation says.
    Merged,
    /// Those of one call.
    PerCall,
    /// None: each has its own.
    PerUrl,
}

impl Default for EmulatorSettings {
    fn default() -> Self {
        Self {
            access_key_id: "demonstration-key".into(),
            access_key_secret: "demonstration-secret".into(),
            security_token: None,
            task_duration: Some(Duration::from_secs(5)),
            listing_lag: Duration::ZERO,
            calls_per_second: None,
            quota: None,
            fail: Vec::new(),
            refuse: Vec::new(),
            hang: Vec::new(),
            rows: Rows::PerUrl,
            ids: Ids::Merged,
            clock_offset_seconds: 0,
            forbid: Vec::new(),
            token_life: Duration::from_secs(3600),
        }
    }
}

impl EmulatorSettings {
    /// The access key that is accepted.
    pub fn access_key(&self) -> AccessKey {
        AccessKey::new(self.access_key_id.clone(), self.access_key_secret.clone())
            .with_token(self.security_token.clone())
    }
}

fn json(status: StatusCode, text: &'static str) -> http::Response<Bytes> {
    typed(status, "application/json; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn typed(status: StatusCode, content_type: &'static str, body: Bytes) -> http::Response<Bytes> {
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
