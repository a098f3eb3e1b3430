//! What each documented error code allows to do next; the sources are named in `spec.rs`.

use crate::provider::ApiErrorKind::{
    Ambiguous, Clock, Credentials, Denied, Expired, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge,
};
use crate::provider::error_format::Code;

const QUEUE: &str =
    "the account's prefetch queue is full, or its prefetch quota for today is gone: the summary says what is left";
const RESET: &str = "the quota is reset at 00:00 UTC+8; request a higher one in the console";
const DOMAIN: &str = "the domain must belong to the account of the access key and be online";
const SERVICE: &str = "see in the console whether CDN is activated, paid for and not suspended";
const GRANT: &str = "grant `{permission}` to the RAM user or role";
const KEY: &str = "check the access key id, and that it is enabled";
const TOKEN: &str = "get new temporary credentials, and pass id, secret and token of one and the same";
const NO_API: &str = "the endpoint doesn't serve this API";

/// Every documented code that a call of ours can meet; of two rows that fit, the first counts.
pub(in crate::providers::alibaba) const CODES: &[Code] = &[
    Code::new(Throttled, "", &["Throttling*"]), // gateway codes 2026; terraform 2026
    Code::new(Throttled, "", &["Rejected.Throttling"]), // terraform 2026
    Code::new(Throttled, "", &["TooManyRequests"]), // prefetch page 2024-11; DCDN guide 2025-09
    Code::new(Throttled, "", &["ServiceBusy", "SystemBusy"]).wait(30), // guide 2021-07; the first: the domain is being configured
    // The rate; the refresh queue is full: DCDN guide 2025-09.
    Code::new(Throttled, "", &["QuotaPerMinuteExceeded.*", "TooMany.Refresh"]).wait(60),
    Code::new(Throttled, QUEUE, &["PreloadQueueFull"]).wait(60), // prefetch page 2024-11
    Code::new(QuotaSpent, RESET, &["QuotaExceeded.*"]),          // prefetch page 2024-11; DCDN guide 2025-09
    Code::new(TooLarge, "", &["SingleRequest.OverLimit"]),       // DCDN guide 2025-09
    Code::new(TooLarge, "", &["InvalidObjectPath.ExceedsMaximum"]), // guide 2021-07
    Code::new(TooLarge, "", &["InvalidObjectPath.Size.Malformed"]), // prefetch page 2024-11
    Code::new(Refused, "", &["InvalidObjectPath.*"]),            // prefetch page 2024-11
    Code::new(Refused, "", &["ObjectPath.Malformed", "InvalidExtensiveDomain*"]), // the second: a wildcard; DCDN guide 2025-09
    Code::new(Refused, DOMAIN, &["InvalidDomain.*"]),                             // guide 2021-07
    Code::new(Denied, "", &["MissingParameter*", "InvalidObjectType*"]),          // guide 2021-07
    Code::new(Denied, "look at the target's `headers`", &["InvalidCustomHeader*"]), // prefetch page 2024-11
    Code::new(Denied, SERVICE, &["IllegalOperation*", "OperationDenied*"]),       // guide 2021-07
    Code::new(Denied, SERVICE, &["AccountArrears", "InsufficientBalance"]),       // DCDN guide 2025-09
    Code::new(Refused, "", &["InvalidTaskId*"]), // reference 2026-04; perhaps of an id that isn't visible yet
    Code::new(Denied, "records are kept for three days", &["InvalidTime"]), // reference 2026-04
    Code::new(Denied, "", &["MissingTimeParameter", "InvalidStartTime*", "InvalidEndTime*"]), // reference 2026-04
    Code::new(Denied, "", &["InvalidStatus*", "DomainNameOverLimit"]), // reference 2026-04
    Code::new(Denied, NO_API, &["InvalidAction*", "InvalidVersion*"]), // this and the following: gateway codes 2026
    Code::new(Forbidden, GRANT, &["Forbidden*", "NoPermission*"]),
    Code::new(Credentials, "", &["SignatureDoesNotMatch"]), // `answer.rs` finds out why
    Code::new(Credentials, KEY, &["InvalidAccessKeyId.*"]),
    Code::new(Expired, TOKEN, &["InvalidSecurityToken.Expired"]),
    Code::new(Credentials, TOKEN, &["InvalidSecurityToken.*", "MissingSecurityToken"]),
    Code::new(Clock, "", &["InvalidTimeStamp.Expired"]), // more than 15 minutes off
    Code::new(Denied, "", &["InvalidTimeStamp.*"]),
    Code::new(Ambiguous, "", &["SignatureNonceUsed"]), // ours are new, so something on the way sent it twice
    Code::new(Server, "", &["ServiceUnavailable", "InternalError*", "UnknownError"]),
];
