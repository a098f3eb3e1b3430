//! The vendor's response: always HTTP 200, and wrapped.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use crate::response::{Answer, typed};

/// The response to a request.
pub(super) fn respond(answer: Answer, request_id: &str) -> Response<Bytes> {
    match answer {
        Ok(body) => {
            let mut content: Value = serde_json::from_str(&body).unwrap_or_default();
            content["RequestId"] = request_id.into();
            whole(&content)
        }
        Err(refused) => error(refused.code, &refused.message, request_id),
    }
}

/// An error.
pub(super) fn error(code: &str, message: &str, request_id: &str) -> Response<Bytes> {
    whole(&json!({"Error": {"Code": code, "Message": message}, "RequestId": request_id}))
}

fn whole(content: &Value) -> Response<Bytes> {
    typed(200, "application/json", json!({ "Response": content }).to_string())
}
