//! The documented errors of the products and of the gateway in front of them: written from the documentation and not from a
//! client's table, so that each is checked against the other. Sources: the list of common errors of
//! tencentcloud.com/document/product/228/35237, and `errorcodes.py` of sdk 3.1.169. All of them come with HTTP 200.

use crate::Meaning::{
    Clock, Credentials, Denied, Expired, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge,
};
use crate::emulator::DocumentedErrors;

/// A permission that CAM doesn't grant.
pub(super) const FORBIDDEN: &str = "UnauthorizedOperation.CdnCamUnauthorized";

/// Every documented error of a call here.
pub(super) const DOCUMENTED: &[DocumentedErrors] = &[
    DocumentedErrors::new(
        200,
        Throttled,
        &[
            "RequestLimitExceeded",
            "RequestLimitExceeded.IPLimitExceeded",
            "RequestLimitExceeded.UinLimitExceeded",
            "UnauthorizedOperation.OperationTooOften",
            "LimitExceeded.CdnHostOpTooOften",
            "LimitExceeded.RateLimitExceeded",
        ],
    ),
    DocumentedErrors::new(
        200,
        Server,
        &["InternalError", "InternalError.CdnSystemError", "InternalError.ProxyServer", "FailedOperation"],
    ),
    DocumentedErrors::new(
        200,
        TooLarge,
        &[
            "LimitExceeded.CdnPurgeUrlExceedBatchLimit",
            "LimitExceeded.CdnPurgePathExceedBatchLimit",
            "LimitExceeded.CdnPushExceedBatchLimit",
            "LimitExceeded.BatchQuota",
        ],
    ),
    DocumentedErrors::new(
        200,
        QuotaSpent,
        &[
            "LimitExceeded.CdnPurgeUrlExceedDayLimit",
            "LimitExceeded.CdnPurgePathExceedDayLimit",
            "LimitExceeded.CdnPushExceedDayLimit",
            "LimitExceeded.DailyQuota",
        ],
    ),
    DocumentedErrors::new(200, Clock, &["AuthFailure.SignatureExpire"]),
    DocumentedErrors::new(200, Expired, &["AuthFailure.TokenFailure"]),
    DocumentedErrors::new(
        200,
        Credentials,
        &[
            "AuthFailure",
            "AuthFailure.InvalidAuthorization",
            "AuthFailure.InvalidSecretId",
            "AuthFailure.SecretIdNotFound",
            "AuthFailure.SignatureFailure",
        ],
    ),
    DocumentedErrors::new(
        200,
        Forbidden,
        &[
            FORBIDDEN,
            "UnauthorizedOperation",
            "UnauthorizedOperation.NoPermission",
            "UnauthorizedOperation.CamUnauthorized",
            "AuthFailure.UnauthorizedOperation",
        ],
    ),
    DocumentedErrors::new(
        200,
        Refused,
        &[
            "UnauthorizedOperation.CdnHostUnauthorized",
            "InvalidParameter.CdnUrlExceedLength",
            "InvalidParameter.CdnPurgeWildcardNotAllowed",
            "InvalidParameter.CdnPushWildcardNotAllowed",
            "InvalidParameter.CdnParamError",
            "InvalidParameter.CdnHostInvalidParam",
            "InvalidParameter.InvalidParameter",
            "InvalidParameterValue.DomainNotMatchZone",
        ],
    ),
    DocumentedErrors::new(
        200,
        Denied,
        &[
            "UnauthorizedOperation.CdnUserIsSuspended",
            "UnauthorizedOperation.CdnUserIsIsolated",
            "ResourceNotFound.CdnUserNotExists",
            "InvalidParameter.ZoneNotFound",
            "LimitExceeded.PackNotAllow",
            "OperationDenied.UserMigrating",
            "InvalidAction",
        ],
    ),
];
