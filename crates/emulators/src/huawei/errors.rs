//! Every documented refusal that a call of ours can meet, with what it allows to do next: written from the documentation and
//! not from the client's table, so that each is held against the other. The sources are named in `spec.rs`.

use crate::provider::ApiErrorKind::{
    self, Credentials, Denied, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge,
};

/// The codes of the service and of the gateway in front of it.
pub(super) const DOCUMENTED: &[(&str, ApiErrorKind)] = &[
    ("CDN.0000", Server),
    ("CDN.0001", Refused),
    ("CDN.0002", Credentials),
    ("CDN.0003", Refused),
    ("CDN.0004", Forbidden),
    ("CDN.0005", QuotaSpent),
    ("CDN.0015", Denied),
    ("CDN.0016", Denied),
    ("CDN.0020", Forbidden),
    ("CDN.0021", Forbidden),
    ("CDN.0105", Refused),
    ("CDN.0106", Refused),
    ("CDN.0108", Refused),
    ("CDN.0110", QuotaSpent),
    ("CDN.0114", Denied),
    ("CDN.0115", Refused),
    ("CDN.0116", Refused),
    ("CDN.0127", Refused),
    ("APIGW.0101", Denied),
    ("APIGW.0103", Denied),
    ("APIGW.0201", TooLarge),
    ("APIGW.0301", Credentials),
    ("APIGW.0302", Forbidden),
    // With the server's own time in its `Date`, for then it isn't the clock.
    ("APIGW.0303", Credentials),
    ("APIGW.0308", Throttled),
    ("APIGW.0605", Server),
    // The gateway has an older name too.
    ("APIG.0301", Credentials),
    ("APIG.0308", Throttled),
];

/// The HTTP status of a code: the service says most of its refusals with a success. An unknown one is a bad request.
pub(super) fn status(code: &str) -> u16 {
    let number = code.rsplit('.').next().unwrap_or_default();
    match (code.starts_with("APIG"), number) {
        (false, "0000") | (true, "0605") => 500,
        (false, "0002") | (true, "0301" | "0303") => 401,
        (false, "0003") | (true, "0101" | "0103") => 404,
        (false, "0004" | "0020" | "0021") | (true, "0302") => 403,
        (false, "0001") => 400,
        (true, "0201") => 413,
        (true, "0308") => 429,
        (false, _) if code.starts_with("CDN.") => 200,
        _ => 400,
    }
}
