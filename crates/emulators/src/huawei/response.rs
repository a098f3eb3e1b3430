//! An answer or a refusal becomes the vendor's response.

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;
use serde_json::json;

use super::refusals;

/// The vendor's no.
#[derive(Debug)]
pub(super) struct Refusal {
    code: String,
    message: String,
    is_flat: bool,
}

impl Refusal {
    /// What the gateway in front says is flat; what the service says is nested, and mostly a success.
    pub(super) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let code = code.into();
        Self { is_flat: code.starts_with("APIG"), code, message: message.into() }
    }

    /// Of somebody who isn't known.
    pub(super) fn unknown(why: &str) -> Self {
        Self::new("APIGW.0301", format!("Incorrect IAM authentication information: {why}"))
    }

    /// As the record query says it.
    pub(super) fn flat(self) -> Self {
        Self { is_flat: true, ..self }
    }
}

/// The response to a request.
pub(super) fn reply(answer: Result<String, Refusal>, request_id: &str, now: Timestamp) -> Response<Bytes> {
    let mut response = match answer {
        Ok(body) => typed(200, body, request_id),
        Err(refusal) => refused(&refusal, request_id),
    };
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    response.headers_mut().insert("date", date.parse().expect("a date is visible ASCII"));
    response
}

/// A refusal with the status that its code is documented with; a code that isn't known is a bad request.
pub(super) fn refused(refusal: &Refusal, request_id: &str) -> Response<Bytes> {
    let Refusal { code, message, is_flat } = refusal;
    let status = refusals::status(code);
    let words = json!({"error_code": code, "error_msg": message});
    let body = if *is_flat {
        json!({"error_code": code, "error_msg": message, "request_id": request_id})
    } else {
        json!({ "error": words })
    };
    typed(status, body.to_string(), request_id)
}

/// The file behind a link.
pub(super) fn file(content: Vec<u8>) -> Response<Bytes> {
    Response::builder()
        .header("content-type", "application/gzip")
        .body(content.into())
        .expect("a header that is spelt above")
}

fn typed(status: u16, body: String, request_id: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("x-request-id", request_id)
        .body(body.into())
        .expect("a status and headers that are spelt above")
}
