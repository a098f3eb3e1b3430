//! The documented errors of the calls here, written from the model of the API and the list of common errors: not from a client's table, so that
//! each is checked against the other.

use bytes::Bytes;
use http::Response;

use crate::DocumentedErrors;
use crate::Meaning::{Clock, Credentials, Denied, Expired, Forbidden, Refused, Server, Throttled, TooLarge};
use crate::emulator::status_of;
use crate::response::typed;

/// Every documented error of a call here.
pub(super) const DOCUMENTED: &[DocumentedErrors] = &[
    DocumentedErrors::new(400, Throttled, &["TooManyInvalidationsInProgress", "Throttling"]),
    DocumentedErrors::new(429, Throttled, &["ThrottlingException"]),
    DocumentedErrors::new(503, Throttled, &["SlowDown", "RequestLimitExceeded"]),
    DocumentedErrors::new(413, TooLarge, &["BatchTooLarge"]),
    DocumentedErrors::new(400, Refused, &["InvalidArgument"]),
    DocumentedErrors::new(
        400,
        Denied,
        &["InvalidationBatchAlreadyExists", "InconsistentQuantities", "MissingBody", "MalformedXML"],
    ),
    DocumentedErrors::new(404, Denied, &["NoSuchDistribution", "EntityNotFound", "NoSuchInvalidation"]),
    DocumentedErrors::new(403, Forbidden, &["AccessDenied", "AccessDeniedException"]),
    DocumentedErrors::new(
        403,
        Credentials,
        &["SignatureDoesNotMatch", "InvalidClientTokenId", "IncompleteSignature", "MissingAuthenticationToken"],
    ),
    DocumentedErrors::new(403, Expired, &["ExpiredToken", "ExpiredTokenException"]),
    DocumentedErrors::new(403, Clock, &["RequestExpired"]),
    DocumentedErrors::new(500, Server, &["InternalError", "InternalFailure"]),
    DocumentedErrors::new(503, Server, &["ServiceUnavailable"]),
];

/// An error in the vendor's shape; one of the token service where it isn't among these.
pub(super) fn error(code: &str, message: &str, namespace: &str, request_id: &str) -> Response<Bytes> {
    let status = status_of(DOCUMENTED, code).unwrap_or(400);
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    let message = escaped(message);
    xml(
        status,
        request_id,
        format!(
            "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>{request_id}</RequestId></ErrorResponse>"
        ),
    )
}

/// Text as it is in XML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An answer.
pub(super) fn xml(status: u16, request_id: &str, body: String) -> Response<Bytes> {
    let mut response = typed(status, "text/xml", format!("<?xml version=\"1.0\"?>\n{body}"));
    response.headers_mut().insert("x-amzn-requestid", request_id.parse().expect("digits make a header value"));
    response
}
