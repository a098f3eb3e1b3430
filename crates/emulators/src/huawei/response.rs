//! The vendor's response.

use bytes::Bytes;
use http::{HeaderValue, Response};
use jiff::Timestamp;
use serde_json::json;

use super::errors;
use crate::response::{Answer, ErrorCode, dated, typed};

/// A parameter that the service refuses.
pub(super) fn malformed(why: &str) -> ErrorCode {
    ErrorCode::new("CDN.0001", format!("The request parameter is missing or malformed: {why}."))
}

/// A request that the gateway refuses.
pub(super) fn bad_request(why: &str) -> ErrorCode {
    ErrorCode::new("APIGW.0201", format!("Bad request: {why}"))
}

/// A sender that isn't known.
pub(super) fn unauthenticated(why: &str) -> ErrorCode {
    ErrorCode::new("APIGW.0301", format!("Incorrect IAM authentication information: {why}"))
}

/// The response to a request.
pub(super) fn respond(answer: Answer, path: &str, request_id: &str, now: Timestamp) -> Response<Bytes> {
    let response = match answer {
        Ok(body) => with_id(200, body, request_id),
        Err(ErrorCode { code, message }) => error(code, &message, path, request_id),
    };
    dated(response, now)
}

/// An error with the status that is documented for its code. That of the gateway, and of the query for rows, is flat; every other
/// is nested.
pub(super) fn error(code: &str, message: &str, path: &str, request_id: &str) -> Response<Bytes> {
    let is_flat = code.starts_with("APIG") || path.ends_with("/url-tasks");
    let body = if is_flat {
        json!({"error_code": code, "error_msg": message, "request_id": request_id})
    } else {
        json!({"error": {"error_code": code, "error_msg": message}})
    };
    with_id(errors::status(code), body.to_string(), request_id)
}

fn with_id(status: u16, body: String, request_id: &str) -> Response<Bytes> {
    let mut response = typed(status, "application/json", body);
    let id = HeaderValue::try_from(request_id).expect("digits and letters make a header value");
    response.headers_mut().insert("x-request-id", id);
    response
}
