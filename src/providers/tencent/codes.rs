//! The vendor's error codes: what each allows. `spec.rs` names the sources.

use crate::provider::ApiErrorKind::{
    Clock, Credentials, Denied, Expired, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge,
};
use crate::provider::error_format::Code;

const DOMAIN: &str = "the domain must belong to the account of the access key, and be online";
const ACCOUNT: &str = "see in the console whether the service is activated and paid for";
const GRANT: &str = "grant `{permission}` to the CAM user or role";
const KEY: &str = "check the access key, its secret, and the token of temporary credentials";
const RESET: &str = "the console's quota page says what the account has, and a service ticket raises it";

/// The codes that a call of ours can meet; of two rows that fit, the first counts. Source: sdk 3.1.169, whose lists name the
/// codes, and the list of common errors of tencentcloud.com/document/product/228/35237; what each allows is ours.
pub(super) const CODES: &[Code] = &[
    Code::new(
        Throttled,
        "",
        &[
            "RequestLimitExceeded*",
            "LimitExceeded.RateLimitExceeded",
            "UnauthorizedOperation.OperationTooOften",
            "LimitExceeded.CdnHostOpTooOften",
        ],
    )
    .wait(1),
    // Whether it was executed isn't documented.
    Code::new(Server, "", &["InternalError*", "FailedOperation*"]),
    Code::new(
        TooLarge,
        "",
        &[
            "LimitExceeded.CdnPurgeUrlExceedBatchLimit",
            "LimitExceeded.CdnPurgePathExceedBatchLimit",
            "LimitExceeded.CdnPurgeExceedBatchLimit",
            "LimitExceeded.CdnPushExceedBatchLimit",
            "LimitExceeded.BatchQuota",
        ],
    ),
    Code::new(
        QuotaSpent,
        RESET,
        &[
            "LimitExceeded.CdnPurgeUrlExceedDayLimit",
            "LimitExceeded.CdnPurgePathExceedDayLimit",
            "LimitExceeded.CdnPurgeExceedDayLimit",
            "LimitExceeded.CdnPushExceedDayLimit",
            "LimitExceeded.DailyQuota",
        ],
    ),
    Code::new(Clock, "", &["AuthFailure.SignatureExpire"]),
    Code::new(Expired, "", &["AuthFailure.TokenFailure"]),
    Code::new(Forbidden, GRANT, &["AuthFailure.UnauthorizedOperation"]),
    Code::new(Credentials, KEY, &["AuthFailure*"]),
    Code::new(
        Refused,
        "",
        &[
            "InvalidParameter.CdnUrlExceedLength",
            "InvalidParameter.CdnPurgeWildcardNotAllowed",
            "InvalidParameter.CdnPushWildcardNotAllowed",
            "InvalidParameter.CdnParamError",
            "InvalidParameter.InvalidParameter",
        ],
    ),
    Code::new(
        Refused,
        DOMAIN,
        &[
            "UnauthorizedOperation.CdnHostUnauthorized",
            "InvalidParameter.CdnHostInvalidParam",
            "InvalidParameterValue.DomainNotMatchZone",
            "ResourceNotFound.CdnHostNotExists",
            "ResourceUnavailable.CdnHostIsNotOnline",
            "ResourceUnavailable.CdnHostIsLocked",
        ],
    ),
    Code::new(
        Denied,
        ACCOUNT,
        &[
            "UnauthorizedOperation.CdnUserIsSuspended",
            "UnauthorizedOperation.CdnUserIsIsolated",
            "ResourceNotFound.CdnUserNotExists",
            "InvalidParameter.ZoneNotFound",
            "ResourceUnavailable.ZoneNotFound",
            "LimitExceeded.PackNotAllow",
            "OperationDenied*",
        ],
    ),
    Code::new(Denied, "", &["InvalidAction", "NoSuchVersion", "UnsupportedOperation", "MissingParameter"]),
    Code::new(
        Forbidden,
        GRANT,
        &[
            "UnauthorizedOperation.CdnCamUnauthorized",
            "UnauthorizedOperation.CamUnauthorized",
            "UnauthorizedOperation.NoPermission",
            "UnauthorizedOperation",
        ],
    ),
];
