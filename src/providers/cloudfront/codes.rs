//! The vendor's errors: their shape, and what each code allows.
//!
//! Sources: botocore 1.44.5 for the codes of the calls and the words of an old signature, and the common errors of the CloudFront API
//! reference, November 2026.

use crate::provider::ApiErrorKind::{
    Clock, Credentials, Denied, Expired, Forbidden, Refused, Server, Throttled, TooLarge,
};
use crate::provider::BodyFormat;
use crate::provider::error_format::{Code, ErrorFormat};

/// The shape of errors of all services.
pub(super) const XML: ErrorFormat = ErrorFormat {
    body: BodyFormat::Xml,
    inside: "Error",
    code: &["Code"],
    message: &["Message"],
    request_id: &["RequestId"],
    request_id_header: "x-amzn-requestid",
    ..ErrorFormat::USUAL
};

/// Errors of CloudFront.
pub(super) static ERROR_FORMAT: ErrorFormat = ErrorFormat {
    codes: CODES,
    by_status: |status, has_code| match status {
        401 => Some(Credentials),
        403 if has_code => Some(Forbidden),
        404 => Some(Denied),
        _ => None,
    },
    amend: |error, _| {
        // A clock that is off has the code of a wrong signature.
        let is_time = ["Signature expired", "Signature not yet current"].iter().any(|it| error.message.contains(it));
        if error.kind == Credentials && is_time {
            (error.kind, error.help) = (Clock, None);
        }
    },
    ..XML
};

/// What each allows.
static CODES: &[Code] = &[
    // Others of ours or of somebody else's must be done first.
    Code::new(
        Throttled,
        "wait until other invalidations of the distribution are done",
        &["TooManyInvalidationsInProgress"],
    )
    .wait(20),
    Code::new(Throttled, "", &["Throttling*", "RequestLimitExceeded", "SlowDown"]),
    Code::new(TooLarge, "", &["BatchTooLarge"]),
    Code::new(
        Refused,
        "a path begins with `/`, is percent-encoded, and has a `*` at most at its end",
        &["InvalidArgument"],
    ),
    Code::new(
        Denied,
        "set the target's `distribution` to the id of one of the account's distributions or tenants",
        &["NoSuchDistribution", "EntityNotFound"],
    ),
    Code::new(Denied, "", &["NoSuchInvalidation"]),
    // Ours is the batch's own.
    Code::new(
        Denied,
        "this would be a defect of the program: please report it",
        &["InvalidationBatchAlreadyExists", "InconsistentQuantities", "MissingBody", "MalformedXML"],
    ),
    Code::new(Forbidden, "grant `{permission}` to the user or role", &["AccessDenied*"]),
    Code::new(
        Credentials,
        "check the access key, its secret, and the token of temporary credentials",
        &["SignatureDoesNotMatch", "InvalidClientTokenId", "IncompleteSignature", "MissingAuthenticationToken*"],
    ),
    Code::new(Expired, "", &["ExpiredToken*"]),
    Code::new(Clock, "", &["RequestExpired"]),
    Code::new(Server, "", &["InternalError", "InternalFailure", "ServiceUnavailable"]),
];
