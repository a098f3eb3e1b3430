//! The documented errors of the gateway and of the three products' pages: written from the documentation and not from a client's
//! table, so that each is held against the other.

use crate::DocumentedErrors;
use crate::Meaning::{
    self, Ambiguous, Clock, Credentials, Denied, Expired, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge,
};

/// Every documented error of a call here. The pages differ in the statuses, and a client must not care.
pub(super) const DOCUMENTED: &[DocumentedErrors] = &[
    errors(400, Throttled, &["Throttling", "Throttling.User", "Throttling.Api", "Rejected.Throttling"]),
    errors(400, Throttled, &["QuotaPerMinuteExceeded.Refresh", "TooMany.Refresh", "PreloadQueueFull"]),
    errors(403, Throttled, &["ServiceBusy", "SystemBusy"]),
    errors(429, Throttled, &["TooManyRequests"]),
    errors(500, Server, &["InternalError", "UnknownError"]),
    errors(503, Server, &["ServiceUnavailable", "ServiceUnAvailable"]),
    errors(400, QuotaSpent, &["QuotaExceeded.Refresh", "QuotaExceeded.Preload"]),
    errors(400, TooLarge, &["SingleRequest.OverLimit", "InvalidObjectPath.ExceedsMaximum"]),
    errors(400, TooLarge, &["InvalidObjectPath.Size.Malformed"]),
    errors(400, Refused, &["InvalidObjectPath.Malformed", "ObjectPath.Malformed", "InvalidTaskId.Malformed"]),
    errors(400, Refused, &["InvalidExtensiveDomain.ValueNotSupported"]),
    errors(404, Refused, &["InvalidDomain.NotFound", "InvalidDomain.Offline"]),
    errors(500, Refused, &["InvalidDomain.Configure_failed"]),
    errors(400, Denied, &["MissingParameter", "MissingParameter.ObjectType", "MissingTimeParameter"]),
    errors(400, Denied, &["InvalidObjectType.Malformed", "InvalidObjectType.ValueNotSupported", "InvalidCustomHeader"]),
    errors(400, Denied, &["InvalidTime", "InvalidStartTime.Malformed", "InvalidStartTime.ValueNotSupported"]),
    errors(400, Denied, &["InvalidEndTime.Malformed", "InvalidEndTime.Mismatch", "InvalidStatus.ValueNotSupported"]),
    errors(400, Denied, &["AccountArrears", "InsufficientBalance", "InvalidVersion", "InvalidTimeStamp.Format"]),
    errors(403, Denied, &["IllegalOperation", "OperationDenied", "OperationDenied.Suspended"]),
    errors(404, Denied, &["InvalidAction.NotFound"]),
    errors(500, Denied, &["DomainNameOverLimit"]),
    errors(400, Clock, &["InvalidTimeStamp.Expired"]),
    errors(403, Forbidden, &["Forbidden", "Forbidden.RAM", "NoPermission"]),
    errors(400, Credentials, &["SignatureDoesNotMatch", "InvalidAccessKeyId.Inactive", "MissingSecurityToken"]),
    errors(400, Credentials, &["InvalidSecurityToken.Malformed", "InvalidSecurityToken.MismatchWithAccessKey"]),
    errors(404, Credentials, &["InvalidAccessKeyId.NotFound"]),
    errors(400, Expired, &["InvalidSecurityToken.Expired"]),
    errors(400, Ambiguous, &["SignatureNonceUsed"]),
];

const fn errors(status: u16, meaning: Meaning, codes: &'static [&'static str]) -> DocumentedErrors {
    DocumentedErrors { status, meaning, codes }
}

/// The HTTP status of a code, documented or not.
pub(super) fn status(code: &str) -> u16 {
    match DOCUMENTED.iter().find(|errors| errors.codes.contains(&code)) {
        Some(errors) => errors.status,
        None if code.starts_with("AuthenticationFail.") => 401, // STS codes 2026
        None if code == "UnsupportedHTTPMethod" => 405,
        None => 400,
    }
}
