//! The errors that users and other clients of the API met: the vendor documents no list. Codes that aren't here, and their
//! statuses, are made up by nobody: each is in an issue or a test of another client, read in 2026.

use bytes::Bytes;
use http::Response;
use serde_json::json;

use crate::Meaning::{Credentials, Denied, Forbidden, Refused, Server, Throttled, TooLarge};
use crate::emulator::{DocumentedErrors, status_of};
use crate::response::{ErrorCode, json as json_response};

/// Every error of a call here.
pub(super) const DOCUMENTED: &[DocumentedErrors] = &[
    DocumentedErrors::new(429, Throttled, &["1134", "1115", "971"]),
    DocumentedErrors::new(400, TooLarge, &["1094"]),
    DocumentedErrors::new(400, Refused, &["1016", "1092"]),
    DocumentedErrors::new(400, Denied, &["1012", "1014"]),
    DocumentedErrors::new(403, Denied, &["1107"]),
    DocumentedErrors::new(404, Denied, &["7000", "7003"]),
    DocumentedErrors::new(400, Credentials, &["6003", "9106"]),
    DocumentedErrors::new(401, Credentials, &["9103", "10000"]),
    DocumentedErrors::new(403, Forbidden, &["9109"]),
    DocumentedErrors::new(500, Server, &["10001"]),
];

/// The error of a client that calls too often.
pub(super) fn too_many() -> ErrorCode {
    let text = "Unable to purge, rate limit reached. Please wait and consider throttling your request speed";
    ErrorCode::new("1134", text)
}

/// The message that names the most items of a call.
pub(super) fn maximum(most: usize) -> String {
    format!("Invalid purge request: a maximum of {most} items is allowed")
}

/// The error as a response; one that nobody met comes with a success, as the vendor's shape allows.
pub(super) fn respond(code: &str, message: &str) -> Response<Bytes> {
    let number: Option<u64> = code.parse().ok();
    let code_value = number.map_or_else(|| json!(code), |number| json!(number));
    let body = json!({
        "success": false, "errors": [{"code": code_value, "message": message}], "messages": [], "result": null,
    });
    json_response(status_of(DOCUMENTED, code).unwrap_or(200), body.to_string())
}
