//! An emulator, its ledger, and the errors that its vendor documents.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;

use crate::response;

/// A vendor's product in memory.
pub trait Emulator {
    /// Whether this request is meant for this vendor and product.
    fn claims(&self, request: &http::Request<Bytes>) -> bool;

    /// Answers a request that arrives at `now`.
    fn handle(&mut self, request: &http::Request<Bytes>, now: Timestamp) -> http::Response<Bytes>;

    /// Everything it accepted, in order.
    fn ledger(&self) -> &[LedgerEntry];

    /// How long after its acceptance the task at this place of the ledger is complete; `None`: it never is. At once, unless
    /// the vendor has tasks.
    fn takes(&self, place: usize) -> Option<Duration> {
        let _ = place;
        Some(Duration::ZERO)
    }

    /// The vendor's name of the call that a request makes, by which faults are aimed: the method and the path, unless the
    /// vendor names its calls.
    fn call_name(&self, request: &http::Request<Bytes>) -> String {
        format!("{} {}", request.method(), request.uri().path())
    }

    /// Every error that the vendor documents for the calls here.
    fn errors(&self) -> &'static [DocumentedErrors] {
        &[]
    }

    /// The error with this code, documented or not, in the vendor's shape; `now` is the caller's clock.
    fn error(&self, code: &str, now: Timestamp) -> http::Response<Bytes> {
        let _ = now;
        response::json(StatusCode::BAD_REQUEST.as_u16(), format!(r#"{{"error":"{code}"}}"#))
    }

    /// The error of a client that calls too often, in the vendor's shape.
    fn throttled(&self, retry_after: Option<Duration>) -> http::Response<Bytes> {
        let throttled = response::json(StatusCode::TOO_MANY_REQUESTS.as_u16(), r#"{"error":"too many requests"}"#);
        response::retry_after(throttled, retry_after)
    }

    /// A server error, in the vendor's shape.
    fn server_error(&self) -> http::Response<Bytes> {
        response::json(StatusCode::INTERNAL_SERVER_ERROR.as_u16(), r#"{"error":"internal error"}"#)
    }
}

/// What a request does with a URL, a directory, a regular expression or a cache tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Purge one URL.
    RefreshUrl,
    /// Purge everything below a URL that ends in `/`.
    RefreshDirectory,
    /// Purge all URLs that match a regular expression.
    RefreshRegex,
    /// Purge one URL with all its query strings.
    RefreshAnyQuery,
    /// Purge everything that begins with a URL.
    RefreshPrefix,
    /// Purge everything with a cache tag.
    RefreshTag,
    /// Purge everything of a host.
    RefreshHost,
    /// Purge everything of a zone or service.
    RefreshEverything,
    /// Fetch a URL into the caches.
    Prefetch,
}

/// One accepted URL, directory, regular expression or tag.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LedgerEntry {
    /// When, on the caller's clock.
    pub at: Timestamp,
    /// What to do with it.
    pub operation: Operation,
    /// The URL; of a cache tag, `https://HOST/#TAG`, percent-encoded.
    pub url: String,
    /// The task's id.
    pub task_id: String,
}

/// Documented error codes that share an HTTP status and a meaning.
#[derive(Debug)]
pub struct DocumentedErrors {
    /// The HTTP status.
    pub status: u16,
    /// What the client may conclude.
    pub meaning: Meaning,
    /// The codes.
    pub codes: &'static [&'static str],
}

impl DocumentedErrors {
    /// Codes of this status and meaning.
    pub(crate) const fn new(status: u16, meaning: Meaning, codes: &'static [&'static str]) -> Self {
        Self { status, meaning, codes }
    }
}

/// The documented HTTP status of a code.
pub(crate) fn status_of(documented: &[DocumentedErrors], code: &str) -> Option<u16> {
    documented.iter().find(|errors| errors.codes.contains(&code)).map(|errors| errors.status)
}

/// What the documentation lets a client conclude from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Too many calls: not executed, try again later.
    Throttled,
    /// A server error: executed or not.
    Server,
    /// Executed or not, for another reason than a server error.
    Ambiguous,
    /// The client's clock is off.
    Clock,
    /// The day's quota is spent.
    QuotaSpent,
    /// Key, token or signature are wrong.
    Credentials,
    /// The session token has expired.
    Expired,
    /// The key lacks a permission.
    Forbidden,
    /// The call can't succeed, whatever the URLs.
    Denied,
    /// A URL of the call is refused, so nothing was executed.
    Refused,
    /// The call holds too many URLs.
    TooLarge,
}
