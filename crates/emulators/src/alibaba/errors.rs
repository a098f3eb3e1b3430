//! Every documented refusal that a call of ours can meet, with what it allows to do next: written from the documentation and
//! not from the client's table, so that each is held against the other. The sources are named in `spec.rs`.

use crate::provider::ApiErrorKind::{
    self, Ambiguous, Clock, Credentials, Denied, Expired, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge,
};

/// The codes of the gateway and of the three products' pages.
pub(super) const DOCUMENTED: &[(&str, ApiErrorKind)] = &[
    ("Throttling", Throttled),
    ("Throttling.User", Throttled),
    ("Throttling.Api", Throttled),
    ("Rejected.Throttling", Throttled),
    ("TooManyRequests", Throttled),
    ("ServiceBusy", Throttled),
    ("SystemBusy", Throttled),
    ("QuotaPerMinuteExceeded.Refresh", Throttled),
    ("TooMany.Refresh", Throttled),
    ("PreloadQueueFull", Throttled),
    ("ServiceUnavailable", Server),
    ("ServiceUnAvailable", Server),
    ("InternalError", Server),
    ("UnknownError", Server),
    ("QuotaExceeded.Refresh", QuotaSpent),
    ("QuotaExceeded.Preload", QuotaSpent),
    ("SingleRequest.OverLimit", TooLarge),
    ("InvalidObjectPath.ExceedsMaximum", TooLarge),
    ("InvalidObjectPath.Size.Malformed", TooLarge),
    ("InvalidObjectPath.Malformed", Refused),
    ("ObjectPath.Malformed", Refused),
    ("InvalidDomain.NotFound", Refused),
    ("InvalidDomain.Offline", Refused),
    ("InvalidDomain.Configure_failed", Refused),
    ("InvalidExtensiveDomain.ValueNotSupported", Refused),
    ("InvalidTaskId.Malformed", Refused),
    ("MissingParameter", Denied),
    ("MissingParameter.ObjectType", Denied),
    ("MissingTimeParameter", Denied),
    ("InvalidObjectType.Malformed", Denied),
    ("InvalidObjectType.ValueNotSupported", Denied),
    ("InvalidCustomHeader", Denied),
    ("InvalidTime", Denied),
    ("InvalidStartTime.Malformed", Denied),
    ("InvalidStartTime.ValueNotSupported", Denied),
    ("InvalidEndTime.Malformed", Denied),
    ("InvalidEndTime.Mismatch", Denied),
    ("InvalidStatus.ValueNotSupported", Denied),
    ("DomainNameOverLimit", Denied),
    ("IllegalOperation", Denied),
    ("OperationDenied", Denied),
    ("OperationDenied.Suspended", Denied),
    ("AccountArrears", Denied),
    ("InsufficientBalance", Denied),
    ("InvalidAction.NotFound", Denied),
    ("InvalidVersion", Denied),
    ("InvalidTimeStamp.Format", Denied),
    ("InvalidTimeStamp.Expired", Clock),
    ("Forbidden", Forbidden),
    ("Forbidden.RAM", Forbidden),
    ("NoPermission", Forbidden),
    ("SignatureDoesNotMatch", Credentials),
    ("InvalidAccessKeyId.NotFound", Credentials),
    ("InvalidAccessKeyId.Inactive", Credentials),
    ("InvalidSecurityToken.Expired", Expired),
    ("InvalidSecurityToken.Malformed", Credentials),
    ("InvalidSecurityToken.MismatchWithAccessKey", Credentials),
    ("MissingSecurityToken", Credentials),
    ("SignatureNonceUsed", Ambiguous),
];

/// The status that goes with a code; the pages differ, and the client must not care.
pub(super) fn status(code: &str) -> u16 {
    match code {
        "TooManyRequests" => 429,
        "ServiceBusy"
        | "SystemBusy"
        | "IllegalOperation"
        | "OperationDenied"
        | "OperationDenied.Suspended"
        | "Forbidden"
        | "Forbidden.RAM"
        | "NoPermission" => 403,
        "InvalidDomain.NotFound"
        | "InvalidDomain.Offline"
        | "InvalidAccessKeyId.NotFound"
        | "InvalidAction.NotFound" => 404,
        "InvalidDomain.Configure_failed" | "InternalError" | "UnknownError" | "DomainNameOverLimit" => 500,
        "ServiceUnavailable" | "ServiceUnAvailable" => 503,
        _ => 400,
    }
}
