//! An answer that isn't a good one becomes an error that says what may be done next, with the vendor's own words.
//!
//! The code decides, for the vendor's business errors come as a success; the status decides only where the code is unknown
//! or there is none.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use super::answer::{Answer, text};
use super::spec::meaning;
use crate::provider::{ApiError, ApiErrorKind, clock};

/// The longest wait that we take from a header; the vendor documents none.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// How far the clock may be off: 15 minutes, less what the whole seconds of a `Date` and the way may take.
/// (API signature guide of support.huaweicloud.com, read in November 2026)
const SKEW: SignedDuration = SignedDuration::from_secs(15 * 60 - 5);

/// In characters: what a server says is not trusted to be short.
const LONGEST_MESSAGE: usize = 1_000;

impl Answer {
    /// The error in an answer whose status isn't a success.
    pub(super) fn refusal(&self) -> ApiError {
        if self.response.status().is_redirection() {
            return self.unreadable(&format!("a redirect to {}; nothing is sent there", self.redirect_host()));
        }
        let body: Value = serde_json::from_slice(self.response.body()).unwrap_or_default();
        match Words::of(&body) {
            Some(words) if words.code.is_some() => self.refused(words),
            words => self.refused_without_code(words.unwrap_or_default()),
        }
    }

    /// The error in these words, whatever the status is.
    pub(super) fn refused(&self, words: Words) -> ApiError {
        let Words { code, message, request_id } = words;
        let known = code.as_deref().and_then(meaning);
        let status = self.response.status().as_u16();
        let kind = match (known, status) {
            (_, 413) => ApiErrorKind::TooLarge,
            // Documented for a body that is too large, and for any request that isn't one.
            (Some(row), 400) if row.kind == ApiErrorKind::TooLarge => ApiErrorKind::Denied,
            (Some(row), 401) if row.kind == ApiErrorKind::Credentials && self.is_clock_off() => ApiErrorKind::Clock,
            (Some(row), _) => row.kind,
            (None, 401) => ApiErrorKind::Credentials,
            (None, 403) => ApiErrorKind::Forbidden,
            (None, 429) => ApiErrorKind::Throttled,
            (None, 500..) => ApiErrorKind::Server,
            (None, _) => ApiErrorKind::Refused,
        };
        let help = known.map(|row| row.help).filter(|help| !help.is_empty() && kind != ApiErrorKind::Clock);
        ApiError {
            code,
            request_id: self.request_id(request_id.as_deref()),
            retry_after: self.asked_to_wait(),
            help: help.map(|help| help.replace("{permission}", self.permission)),
            ..self.error(kind, message.as_deref().unwrap_or("no message"))
        }
    }

    /// Something that isn't the vendor's answer to this call: after a submission, whether it was taken is not known.
    pub(super) fn unreadable(&self, what: &str) -> ApiError {
        let kind = if self.submits { ApiErrorKind::Ambiguous } else { ApiErrorKind::Server };
        ApiError { request_id: self.request_id(None), ..self.error(kind, &format!("the answer is {what}")) }
    }

    /// The gateway in front of the API may refuse in its own way. A 401 is never tried again, whoever says it: the vendor
    /// locks a key after five of them.
    fn refused_without_code(&self, words: Words) -> ApiError {
        let status = self.response.status();
        let kind = match status.as_u16() {
            401 if self.is_clock_off() => ApiErrorKind::Clock,
            401 => ApiErrorKind::Credentials,
            413 | 414 => ApiErrorKind::TooLarge,
            429 => ApiErrorKind::Throttled,
            500.. => ApiErrorKind::Server,
            _ => return self.unreadable("an error without a code, perhaps from a proxy"),
        };
        let reason = status.canonical_reason().unwrap_or("no reason given");
        let message = words.message.unwrap_or_else(|| format!("an error without a code: {reason}"));
        let request_id = self.request_id(words.request_id.as_deref());
        ApiError { retry_after: self.asked_to_wait(), request_id, ..self.error(kind, &message) }
    }

    fn error(&self, kind: ApiErrorKind, message: &str) -> ApiError {
        let message: String = message.chars().take(LONGEST_MESSAGE).collect();
        ApiError {
            status: Some(self.response.status().as_u16()),
            server_time: clock::date(self.response.headers()),
            ..ApiError::new(kind, self.api, message)
        }
    }

    /// Whether the server's clock is so far from the time in the signature that no signature can be right.
    fn is_clock_off(&self) -> bool {
        let date = clock::date(self.response.headers());
        date.is_some_and(|date| date.duration_since(self.signed_at).abs() > SKEW)
    }

    /// `Retry-After` in seconds; nonsense is as good as nothing.
    fn asked_to_wait(&self) -> Option<Duration> {
        let seconds: u64 = self.response.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
        (seconds > 0).then(|| Duration::from_secs(seconds).min(LONGEST_WAIT))
    }

    fn redirect_host(&self) -> String {
        let location = self.response.headers().get("location").and_then(|location| location.to_str().ok());
        let host = location.and_then(|location| url::Url::parse(location).ok()?.host_str().map(str::to_owned));
        match (host, location) {
            (Some(host), _) => format!("`{host}`"),
            (None, Some(_)) => "another path of the same host".to_owned(),
            (None, None) => "nowhere".to_owned(),
        }
    }
}

/// The vendor's words in an error, in any of the shapes its services and its gateway use. None is trusted.
#[derive(Default)]
pub(super) struct Words {
    pub(super) code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

impl Words {
    /// Those of a body: `{"error":{"error_code":…,"error_msg":…}}`, or the fields alone. Other spellings:
    /// huaweicloudsdkcore 3.1.219 reads them too.
    pub(super) fn of(body: &Value) -> Option<Self> {
        let fields = if body["error"].is_object() { &body["error"] } else { body };
        let first = |names: &[&str]| names.iter().find_map(|name| text(&fields[*name]));
        let cut = |text: String| text.chars().take(128).collect();
        Some(Self {
            code: first(&["error_code", "code", "errorCode"]).map(cut),
            message: first(&["error_msg", "message", "errorMsg"]),
            request_id: first(&["request_id"]).or_else(|| text(&body["request_id"])),
        })
        .filter(|_| fields.is_object())
    }
}
