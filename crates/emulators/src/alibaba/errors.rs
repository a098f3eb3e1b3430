//! The documented errors of the gateway and of the three products' pages: written from the documentation and not from a client's
//! table, so that each is checked against the other.

use crate::Meaning::{
    Ambiguous, Clock, Credentials, Denied, Expired, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge,
};
use crate::emulator::{DocumentedErrors, status_of};
use crate::response::ErrorCode;

/// Every documented error of a call here. The pages differ in the statuses, and a client must not care.
pub(super) const DOCUMENTED: &[DocumentedErrors] = &[
    DocumentedErrors::new(400, Throttled, &["Throttling", "Throttling.User", "Throttling.Api", "Rejected.Throttling"]),
    DocumentedErrors::new(400, Throttled, &["QuotaPerMinuteExceeded.Refresh", "TooMany.Refresh", "PreloadQueueFull"]),
    DocumentedErrors::new(403, Throttled, &["ServiceBusy", "SystemBusy"]),
    DocumentedErrors::new(429, Throttled, &["TooManyRequests"]),
    DocumentedErrors::new(500, Server, &["InternalError", "UnknownError"]),
    DocumentedErrors::new(503, Server, &["ServiceUnavailable", "ServiceUnAvailable"]),
    DocumentedErrors::new(400, QuotaSpent, &["QuotaExceeded.Refresh", "QuotaExceeded.Preload"]),
    DocumentedErrors::new(400, TooLarge, &["SingleRequest.OverLimit", "InvalidObjectPath.ExceedsMaximum"]),
    DocumentedErrors::new(400, TooLarge, &["InvalidObjectPath.Size.Malformed"]),
    DocumentedErrors::new(
        400,
        Refused,
        &["InvalidObjectPath.Malformed", "ObjectPath.Malformed", "InvalidTaskId.Malformed"],
    ),
    DocumentedErrors::new(400, Refused, &["InvalidExtensiveDomain.ValueNotSupported"]),
    DocumentedErrors::new(404, Refused, &["InvalidDomain.NotFound", "InvalidDomain.Offline"]),
    DocumentedErrors::new(500, Refused, &["InvalidDomain.Configure_failed"]),
    DocumentedErrors::new(400, Denied, &["MissingParameter", "MissingParameter.ObjectType", "MissingTimeParameter"]),
    DocumentedErrors::new(
        400,
        Denied,
        &["InvalidObjectType.Malformed", "InvalidObjectType.ValueNotSupported", "InvalidCustomHeader"],
    ),
    DocumentedErrors::new(
        400,
        Denied,
        &["InvalidTime", "InvalidStartTime.Malformed", "InvalidStartTime.ValueNotSupported"],
    ),
    DocumentedErrors::new(
        400,
        Denied,
        &["InvalidEndTime.Malformed", "InvalidEndTime.Mismatch", "InvalidStatus.ValueNotSupported"],
    ),
    DocumentedErrors::new(
        400,
        Denied,
        &["AccountArrears", "InsufficientBalance", "InvalidVersion", "InvalidTimeStamp.Format"],
    ),
    DocumentedErrors::new(403, Denied, &["IllegalOperation", "OperationDenied", "OperationDenied.Suspended"]),
    DocumentedErrors::new(404, Denied, &["InvalidAction.NotFound"]),
    DocumentedErrors::new(500, Denied, &["DomainNameOverLimit"]),
    DocumentedErrors::new(400, Clock, &["InvalidTimeStamp.Expired"]),
    DocumentedErrors::new(403, Forbidden, &["Forbidden", "Forbidden.RAM", "NoPermission"]),
    DocumentedErrors::new(
        400,
        Credentials,
        &["SignatureDoesNotMatch", "InvalidAccessKeyId.Inactive", "MissingSecurityToken"],
    ),
    DocumentedErrors::new(
        400,
        Credentials,
        &["InvalidSecurityToken.Malformed", "InvalidSecurityToken.MismatchWithAccessKey"],
    ),
    DocumentedErrors::new(404, Credentials, &["InvalidAccessKeyId.NotFound"]),
    DocumentedErrors::new(400, Expired, &["InvalidSecurityToken.Expired"]),
    DocumentedErrors::new(400, Ambiguous, &["SignatureNonceUsed"]),
];

/// The HTTP status of a code, documented or not.
pub(super) fn status(code: &str) -> u16 {
    match status_of(DOCUMENTED, code) {
        Some(status) => status,
        None if code.starts_with("AuthenticationFail.") => 401, // STS codes 2026
        None if code == "UnsupportedHTTPMethod" => 405,
        None => 400,
    }
}

pub(super) fn no_domain() -> ErrorCode {
    ErrorCode::new("InvalidDomain.NotFound", "The specified domain does not exist.")
}

/// `what`: `TaskId is`.
pub(super) fn missing(what: &str) -> ErrorCode {
    ErrorCode::new("MissingParameter", format!("{what} mandatory for this action."))
}

pub(super) fn unknown_type() -> ErrorCode {
    ErrorCode::new("InvalidObjectType.ValueNotSupported", "ObjectType is not supported.")
}
