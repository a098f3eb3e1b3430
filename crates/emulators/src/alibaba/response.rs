//! An answer or a refusal becomes the vendor's response, in JSON or in XML.

use bytes::Bytes;
use http::{HeaderValue, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::request::Arrived;

/// The vendor's no.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

/// The response to a request. `answer`: a JSON object without its `RequestId`.
pub(super) fn reply(
    answer: Result<String, Refusal>,
    request: &Arrived<'_>,
    request_id: &str,
    now: Timestamp,
) -> Response<Bytes> {
    let (status, root, body) = match answer {
        Ok(fields) => (200, format!("{}Response", request.action().unwrap_or_default()), with_id(&fields, request_id)),
        Err(Refusal { status, code, message }) => {
            let recommend = format!("https://api.aliyun.com/troubleshoot?q={code}&requestId={request_id}");
            let body = json!({
                "RequestId": request_id, "HostId": request.host,
                "Code": code, "Message": message, "Recommend": recommend,
            });
            (status, "Error".to_owned(), body.to_string())
        }
    };
    let (content_type, body) = if request.wants_json() {
        ("application/json;charset=utf-8", body)
    } else {
        let value = serde_json::from_str(&body).unwrap_or(Value::Null);
        ("text/xml;charset=utf-8", format!("<?xml version='1.0' encoding='UTF-8'?>{}", xml(&root, &value)))
    };
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("date", date(now))
        .header("x-acs-request-id", request_id)
        .body(Bytes::from(body))
        .expect("a status and headers that are spelt above")
}

/// As a `Date` header has it.
pub(super) fn date(now: Timestamp) -> HeaderValue {
    let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::try_from(text).expect("digits and ASCII letters make a header value")
}

/// A refusal that no request led to: a fault on request.
pub(super) fn error(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let body = json!({"RequestId": "00000000-FA01-4A11-8A11-000000000000", "Code": code, "Message": message});
    Response::builder()
        .status(status)
        .header("content-type", "application/json;charset=utf-8")
        .body(Bytes::from(body.to_string()))
        .expect("a status and a header that are spelt above")
}

/// Text surgery, so that a page with thousands of rows isn't parsed only for one more field.
fn with_id(fields: &str, request_id: &str) -> String {
    let rest = fields.strip_prefix('{').unwrap_or(fields);
    let comma = if rest == "}" { "" } else { "," };
    format!("{{\"RequestId\":\"{request_id}\"{comma}{rest}")
}

fn xml(name: &str, value: &Value) -> String {
    let inside = match value {
        Value::Object(fields) => return element(name, &children(fields)),
        Value::Array(items) => return items.iter().map(|item| xml(name, item)).collect(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        other => other.to_string(),
    };
    element(name, &inside)
}

fn children(fields: &Map<String, Value>) -> String {
    fields.iter().map(|(name, value)| xml(name, value)).collect()
}

fn element(name: &str, inside: &str) -> String {
    format!("<{name}>{inside}</{name}>")
}
