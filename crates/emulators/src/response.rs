//! Responses of the emulators, and the vendors' errors as responses.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use jiff::Timestamp;

/// The body of a successful response, or an error.
pub(crate) type Answer = Result<String, ErrorCode>;

/// A vendor's error, before it has its shape.
#[derive(Debug)]
pub(crate) struct ErrorCode {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl ErrorCode {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// A response of this type.
pub(crate) fn typed(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    typed(status, "application/json; charset=utf-8", body)
}

/// Adds how many whole seconds to wait.
pub(crate) fn retry_after(mut response: Response<Bytes>, wait: Option<Duration>) -> Response<Bytes> {
    if let Some(wait) = wait {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_millis().div_ceil(1000) as u64));
    }
    response
}

/// Adds the vendor's clock.
pub(crate) fn dated(mut response: Response<Bytes>, now: Timestamp) -> Response<Bytes> {
    let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    response.headers_mut().insert("date", text.parse().expect("a date is visible ASCII"));
    response
}
