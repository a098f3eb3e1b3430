//! The vendor's response, in JSON or in XML, and what its requests name.

use bytes::Bytes;
use http::{HeaderValue, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::errors::status;
use crate::request::Received;
use crate::response::{Answer, ErrorCode, dated, typed};

const JSON: &str = "application/json;charset=utf-8";

/// Whether a request is signed by V3; if not, V1 it must be.
pub(super) fn is_v3(request: &Received<'_>) -> bool {
    request.header("authorization").is_some_and(|text| text.starts_with("ACS3-HMAC-SHA256"))
}

/// The call's name.
pub(super) fn action<'r>(request: &'r Received<'_>) -> Option<&'r str> {
    if is_v3(request) { request.header("x-acs-action") } else { request.parameter("Action") }
}

/// The API's version.
pub(super) fn version<'r>(request: &'r Received<'_>) -> Option<&'r str> {
    if is_v3(request) { request.header("x-acs-version") } else { request.parameter("Version") }
}

/// `2026-11-22T00:51:54Z`.
pub(super) fn timestamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The response to a request. `answer`: a JSON object without its `RequestId`. V3 is answered in JSON, V1 only with `Format=JSON`.
pub(super) fn respond(answer: Answer, request: &Received<'_>, request_id: &str, now: Timestamp) -> Response<Bytes> {
    let (status, root, body) = match answer {
        Ok(fields) => (200, format!("{}Response", action(request).unwrap_or_default()), with_id(&fields, request_id)),
        Err(ErrorCode { code, message }) => {
            let recommend = format!("https://api.aliyun.com/troubleshoot?q={code}&requestId={request_id}");
            let body = json!({
                "RequestId": request_id, "HostId": request.host,
                "Code": code, "Message": message, "Recommend": recommend,
            });
            (status(code), "Error".to_owned(), body.to_string())
        }
    };
    let asks_for_json = || request.parameter("Format").is_some_and(|format| format.eq_ignore_ascii_case("json"));
    let mut response = if is_v3(request) || asks_for_json() {
        typed(status, JSON, body)
    } else {
        let value = serde_json::from_str(&body).unwrap_or(Value::Null);
        let body = format!("<?xml version='1.0' encoding='UTF-8'?>{}", xml(&root, &value));
        typed(status, "text/xml;charset=utf-8", body)
    };
    let id = HeaderValue::try_from(request_id).expect("digits and letters make a header value");
    response.headers_mut().insert("x-acs-request-id", id);
    dated(response, now)
}

/// An error that no request led to: a fault.
pub(super) fn error(code: &str, message: &str) -> Response<Bytes> {
    let body = json!({"RequestId": "00000000-FA01-4A11-8A11-000000000000", "Code": code, "Message": message});
    typed(status(code), JSON, body.to_string())
}

/// Text surgery, so that a page with thousands of rows isn't parsed only for one more field.
fn with_id(fields: &str, request_id: &str) -> String {
    let rest = fields.strip_prefix('{').unwrap_or(fields);
    let comma = if rest == "}" { "" } else { "," };
    format!("{{\"RequestId\":\"{request_id}\"{comma}{rest}")
}

fn xml(name: &str, value: &Value) -> String {
    let inside = match value {
        Value::Array(items) => return items.iter().map(|item| xml(name, item)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| xml(name, value)).collect(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        other => other.to_string(),
    };
    format!("<{name}>{inside}</{name}>")
}
