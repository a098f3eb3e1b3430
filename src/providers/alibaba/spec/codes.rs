//! What each documented error code allows to do next; the sources are named in `spec.rs`.

use crate::provider::ApiErrorKind::{
    self, Ambiguous, Clock, Credentials, Denied, Expired, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge,
};
use crate::provider::answer::Code;

const fn code(pattern: &'static str, kind: ApiErrorKind, wait_seconds: u64, help: &'static str) -> Code {
    Code { pattern, kind, wait_seconds, help }
}

const QUEUE: &str =
    "the account's prefetch queue is full, or its prefetch quota for today is gone: the summary says what is left";
const RESET: &str = "the quota comes back at 00:00 UTC+8; a higher one can be asked for in the console";
const DOMAIN: &str = "the domain must belong to the account of the access key and be online";
const SERVICE: &str = "see in the console whether CDN is activated, paid for and not suspended";
const GRANT: &str = "grant `{permission}` to the RAM user or role";
const KEY: &str = "check the access key id, and that it is enabled";
const TOKEN: &str = "get new temporary credentials, and pass id, secret and token of one and the same";

/// Every documented code that a call of ours can meet; of two rows that fit, the first counts.
pub(in crate::providers::alibaba) const CODES: &[Code] = &[
    code("Throttling*", Throttled, 0, ""),         // gateway codes 2026; terraform 2026
    code("Rejected.Throttling", Throttled, 0, ""), // terraform 2026
    code("TooManyRequests", Throttled, 0, ""),     // prefetch page 2024-11; DCDN guide 2025-09
    code("ServiceBusy", Throttled, 30, ""),        // the domain is being configured: guide 2021-07
    code("SystemBusy", Throttled, 30, ""),         // guide 2021-07
    code("QuotaPerMinuteExceeded.*", Throttled, 60, ""), // DCDN guide 2025-09
    code("TooMany.Refresh", Throttled, 60, ""),    // the refresh queue is full: DCDN guide 2025-09
    code("PreloadQueueFull", Throttled, 60, QUEUE), // prefetch page 2024-11
    code("QuotaExceeded.*", QuotaSpent, 0, RESET), // prefetch page 2024-11; DCDN guide 2025-09
    code("SingleRequest.OverLimit", TooLarge, 0, ""), // DCDN guide 2025-09
    code("InvalidObjectPath.ExceedsMaximum", TooLarge, 0, ""), // guide 2021-07
    code("InvalidObjectPath.Size.Malformed", TooLarge, 0, ""), // prefetch page 2024-11
    code("InvalidObjectPath.*", Refused, 0, ""),   // prefetch page 2024-11
    code("ObjectPath.Malformed", Refused, 0, ""),  // DCDN guide 2025-09
    code("InvalidDomain.*", Refused, 0, DOMAIN),   // guide 2021-07
    code("InvalidExtensiveDomain*", Refused, 0, ""), // a wildcard domain: DCDN guide 2025-09
    code("MissingParameter*", Denied, 0, ""),      // guide 2021-07
    code("InvalidObjectType*", Denied, 0, ""),     // guide 2021-07
    code("InvalidCustomHeader*", Denied, 0, "look at the target's `headers`"), // prefetch page 2024-11
    code("IllegalOperation*", Denied, 0, SERVICE), // guide 2021-07
    code("OperationDenied*", Denied, 0, SERVICE),  // guide 2021-07
    code("AccountArrears", Denied, 0, SERVICE),    // DCDN guide 2025-09
    code("InsufficientBalance", Denied, 0, SERVICE), // DCDN guide 2025-09
    code("InvalidAction*", Denied, 0, "the endpoint doesn't serve this API"), // gateway codes 2026
    code("InvalidVersion*", Denied, 0, "the endpoint doesn't serve this API"), // gateway codes 2026
    code("InvalidTaskId*", Refused, 0, ""),        // reference 2026-04; perhaps of an id that isn't visible yet
    code("MissingTimeParameter", Denied, 0, ""),   // reference 2026-04
    code("InvalidTime", Denied, 0, "records are kept for three days"), // reference 2026-04
    code("InvalidStartTime*", Denied, 0, ""),      // reference 2026-04
    code("InvalidEndTime*", Denied, 0, ""),        // reference 2026-04
    code("InvalidStatus*", Denied, 0, ""),         // reference 2026-04
    code("DomainNameOverLimit", Denied, 0, ""),    // reference 2026-04
    code("Forbidden*", Forbidden, 0, GRANT),       // gateway codes 2026
    code("NoPermission*", Forbidden, 0, GRANT),    // gateway codes 2026
    code("SignatureDoesNotMatch", Credentials, 0, ""), // gateway codes 2026; `answer.rs` finds out why
    code("InvalidAccessKeyId.*", Credentials, 0, KEY), // gateway codes 2026
    code("InvalidSecurityToken.Expired", Expired, 0, TOKEN), // gateway codes 2026
    code("InvalidSecurityToken.*", Credentials, 0, TOKEN), // gateway codes 2026
    code("MissingSecurityToken", Credentials, 0, TOKEN), // gateway codes 2026
    code("InvalidTimeStamp.Expired", Clock, 0, ""), // more than 15 minutes off: gateway codes 2026
    code("InvalidTimeStamp.*", Denied, 0, ""),     // gateway codes 2026
    code("SignatureNonceUsed", Ambiguous, 0, ""), // gateway codes 2026; ours are new, so something on the way sent it twice
    code("ServiceUnavailable", Server, 0, ""),    // gateway codes 2026
    code("InternalError*", Server, 0, ""),        // gateway codes 2026
    code("UnknownError", Server, 0, ""),          // gateway codes 2026
];
