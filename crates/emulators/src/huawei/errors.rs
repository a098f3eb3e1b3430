//! The documented errors of the service and of the gateway in front of it: written from the documentation and not from a client's
//! table, so that each is checked against the other. Source: support.huaweicloud.com/intl/en-us/api-cdn/ErrorCode and the error codes
//! of API Gateway, read in 2025.

use crate::Meaning::{Credentials, Denied, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge};
use crate::emulator::{DocumentedErrors, status_of};

/// Every documented error of a call here. The service says most of its errors with a success.
pub(super) const DOCUMENTED: &[DocumentedErrors] = &[
    DocumentedErrors::new(500, Server, &["CDN.0000", "APIGW.0605"]),
    DocumentedErrors::new(400, Refused, &["CDN.0001"]),
    DocumentedErrors::new(404, Refused, &["CDN.0003"]),
    DocumentedErrors::new(200, Refused, &["CDN.0105", "CDN.0106", "CDN.0108", "CDN.0115", "CDN.0116", "CDN.0127"]),
    DocumentedErrors::new(200, QuotaSpent, &["CDN.0005", "CDN.0110"]),
    DocumentedErrors::new(200, Denied, &["CDN.0015", "CDN.0016", "CDN.0114"]),
    DocumentedErrors::new(404, Denied, &["APIGW.0101", "APIGW.0103"]),
    DocumentedErrors::new(413, TooLarge, &["APIGW.0201"]),
    DocumentedErrors::new(403, Forbidden, &["CDN.0004", "CDN.0020", "CDN.0021", "APIGW.0302"]),
    // APIGW.0303 comes with the server's own time in its `Date`, so it isn't the clock. The gateway has an older name too.
    DocumentedErrors::new(401, Credentials, &["CDN.0002", "APIGW.0301", "APIGW.0303", "APIG.0301"]),
    DocumentedErrors::new(429, Throttled, &["APIGW.0308", "APIG.0308"]),
];

/// The HTTP status of a code, documented or not.
pub(super) fn status(code: &str) -> u16 {
    match status_of(DOCUMENTED, code) {
        Some(status) => status,
        None if code.starts_with("CDN.") => 200,
        None => 400,
    }
}
