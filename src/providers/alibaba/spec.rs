//! Alibaba Cloud CDN as data: limits, options, names in requests and answers, and what each error code allows.
//!
//! A sibling product (DCDN, VOD) is another [`Spec`] and another [`Product`], with the same code behind them.
//!
//! Sources, as the comments name them:
//! - `reference 2026-04`: the OpenAPI metadata of the vendor, github.com/aliyun/aliyun-openapi-meta at 2563691 of
//!   2026-04-21, and the operation notes inside @alicloud/cdn20180510 5.0.0, which say the same
//! - `guide 2021-07`: github.com/AlibabaCloudDocs/cdn, July 2021
//! - `DCDN guide 2025-09`: the DCDN pages of help.aliyun.com as of September 2025
//! - `prefetch page 2024-11`: the PushObjectCache page of help.aliyun.com, November 2024
//! - `gateway codes 2026`: help.aliyun.com/document_detail/434846
//! - `terraform 2026`: terraform-provider-alicloud at 81c43b6, its list of errors that are worth a retry

use std::time::Duration;

use crate::model::{Kind, Operation};
use crate::provider::ApiErrorKind::{
    self, Ambiguous, Clock, Credentials, Denied, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge,
};
use crate::provider::{
    Asks, CallLimit, CredentialSpec, EndpointSpec, OperationSpec, OptionSpec, OptionValueSpec, Spec,
};

use super::Alibaba;
use super::emulator::AlibabaEmulator;

/// Alibaba Cloud CDN, API version 2018-05-10.
pub static ALIBABA_CDN: Spec = Spec {
    name: "alibaba-cdn",
    title: "Alibaba Cloud CDN",
    docs: "https://www.alibabacloud.com/help/en/cdn/developer-reference/api-cdn-2018-05-10-overview",
    endpoints: &[EndpointSpec { region: "mainland", url: "https://cdn.aliyuncs.com" }], // reference 2026-04
    options: &[
        OptionSpec {
            name: "area",
            help: "prefetch inside (`domestic`) or outside (`overseas`) the Chinese mainland only; unset: both",
            value: OptionValueSpec::OneOf(&["domestic", "overseas"]),
        },
        OptionSpec {
            name: "l2-preload",
            help: "prefetch only to the layer of nodes that fetches from the origin",
            value: OptionValueSpec::Boolean,
        },
        OptionSpec {
            name: "headers",
            help: "request headers of a prefetch; unset: `Accept-Encoding: gzip`",
            value: OptionValueSpec::Headers,
        },
        OptionSpec {
            name: "query-hash-key",
            help: "take the cache key of a prefetch from the domain's settings; unset: the address is the key",
            value: OptionValueSpec::Boolean,
        },
        OptionSpec {
            name: "consistency-hash",
            help: "prefetch by hash, for mainland domains that fetch from the origin by hash",
            value: OptionValueSpec::Boolean,
        },
        OptionSpec {
            name: "signature",
            help: "`v3` (ACS3-HMAC-SHA256), or `v1` (HMAC-SHA1) for a private gateway that knows no other; unset: `v3`",
            value: OptionValueSpec::OneOf(&["v3", "v1"]),
        },
        OptionSpec::SETTLE,
    ],
    credentials: &[
        CredentialSpec {
            access_key_id: "ALIBABA_CLOUD_ACCESS_KEY_ID", // alibabacloud_credentials 1.0.12
            access_key_secret: "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            security_token: "ALIBABA_CLOUD_SECURITY_TOKEN",
        },
        CredentialSpec {
            access_key_id: "ALICLOUD_ACCESS_KEY", // terraform 2026; aliyun/configure-aliyun-credentials-action 1.0.7
            access_key_secret: "ALICLOUD_SECRET_KEY",
            security_token: "ALICLOUD_SECURITY_TOKEN",
        },
        CredentialSpec {
            access_key_id: "ALIBABACLOUD_ACCESS_KEY_ID", // aliyun-cli at eadd68d
            access_key_secret: "ALIBABACLOUD_ACCESS_KEY_SECRET",
            security_token: "ALIBABACLOUD_SECURITY_TOKEN",
        },
    ],
    operations: &[
        OperationSpec {
            per_call: 1_000,       // reference 2026-04
            per_day: Some(10_000), // reference 2026-04
            ..refresh(Kind::File)
        },
        OperationSpec {
            per_call: 100,      // reference 2026-04
            per_day: Some(100), // reference 2026-04
            ..refresh(Kind::Directory)
        },
        OperationSpec {
            per_call: 1,       // reference 2026-04
            per_day: Some(20), // reference 2026-04
            ..refresh(Kind::Regex)
        },
        OperationSpec {
            per_call: 1_000, // not documented for this type; taken as for files
            per_day: None,   // not documented; DescribeRefreshQuota says it
            ..refresh(Kind::IgnoreParams)
        },
        OperationSpec {
            operation: Operation::Prefetch,
            api: "PushObjectCache",
            permission: "cdn:PushObjectCache",
            per_call: 100,                     // reference 2026-04
            per_day: Some(1_000),              // reference 2026-04
            hosts_per_call: Some(10),          // documented for a refresh, reference 2026-04; taken as the same here
            request_line_bytes: Some(7_500), // not documented; gateways of its kind cut at 8 KiB, with the other parameters
            calls_per_second: 50.0,          // prefetch page 2024-11
            typical: Duration::from_secs(600), // 5 to 30 minutes, reference 2026-04
        },
    ],
    status: CallLimit {
        api: "DescribeRefreshTaskById",
        permission: "cdn:DescribeRefreshTaskById",
        calls_per_second: 30.0, // reference 2026-04
        ids_per_call: 10,       // reference 2026-04
        rows_per_page: 0,       // there is no paging: reference 2026-04
    },
    records: CallLimit {
        api: "DescribeRefreshTasks",
        permission: "cdn:DescribeRefreshTasks",
        calls_per_second: 5.0, // DCDN guide 2025-09; 10 in reference 2026-04, and the lower one is safe
        ids_per_call: 1,       // a list of ids is not documented
        rows_per_page: 100,    // reference 2026-04
    },
    records_kept: Duration::from_secs(3 * 24 * 3600), // reference 2026-04
    records_span: Duration::from_secs(3 * 24 * 3600), // reference 2026-04
    quota: CallLimit {
        api: "DescribeRefreshQuota",
        permission: "cdn:DescribeRefreshQuota",
        calls_per_second: 20.0, // reference 2026-04
        ids_per_call: 1,
        rows_per_page: 1,
    },
    quota_reset: "00:00 UTC+8", // the quota management page of help.aliyun.com, read 2026-11
    url_characters: 1_024,      // reference 2026-04
    settle: Duration::ZERO,     // no page asks for a pause
    asks: Asks::NOTHING,
    open: |opening| Box::new(Alibaba::open(&CDN, opening)),
    emulator: |settings| Box::new(AlibabaEmulator::new(&ALIBABA_CDN, &CDN, settings)),
};

/// What the four types of a refresh share; the limits that differ are set beside each.
const fn refresh(kind: Kind) -> OperationSpec {
    OperationSpec {
        operation: Operation::Refresh(kind),
        api: "RefreshObjectCaches",
        permission: "cdn:RefreshObjectCaches",
        per_call: 1,
        per_day: None,
        hosts_per_call: Some(10),          // reference 2026-04
        request_line_bytes: None,          // the addresses travel in the body, reference 2026-04
        calls_per_second: 50.0,            // reference 2026-04
        typical: Duration::from_secs(330), // 5 to 6 minutes, reference 2026-04
    }
}

/// The names that differ between the vendor's products and that nobody outside this folder needs.
pub(super) struct Product {
    /// Of the API.
    pub(super) version: &'static str,
    /// Whether a refresh's parameters travel in a form body.
    pub(super) refresh_in_form: bool,
    /// Where the answer to a refresh holds its task ids.
    pub(super) refresh_ids: &'static str,
    /// Where the answer to a prefetch holds its task ids.
    pub(super) prefetch_ids: &'static str,
    /// The level between `Tasks` and the rows in the answer to a list of records.
    pub(super) rows: &'static str,
    /// How the fields of a quota begin: `Url` for `UrlQuota` and `UrlRemain`.
    pub(super) quota: &'static [(Operation, &'static str)],
}

/// CDN, version 2018-05-10.
pub(super) static CDN: Product = Product {
    version: "2018-05-10",
    refresh_in_form: true,        // reference 2026-04
    refresh_ids: "RefreshTaskId", // reference 2026-04
    prefetch_ids: "PushTaskId",   // reference 2026-04
    rows: "CDNTask",              // reference 2026-04
    quota: &[
        (Operation::Refresh(Kind::File), "Url"), // this and the following: reference 2026-04
        (Operation::Refresh(Kind::Directory), "Dir"),
        (Operation::Refresh(Kind::Regex), "Regex"),
        (Operation::Refresh(Kind::IgnoreParams), "IgnoreParams"),
        (Operation::Prefetch, "Preload"),
    ],
};

/// The word for a kind in `ObjectType`.
pub(super) fn object_type(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "File",                 // reference 2026-04
        Kind::Directory => "Directory",       // reference 2026-04
        Kind::Regex => "Regex",               // reference 2026-04
        Kind::IgnoreParams => "IgnoreParams", // reference 2026-04 in Chinese; its English text still says ExQuery
        Kind::Tag => "CacheTag",              // not documented: tags have a call of their own, without this parameter
    }
}

/// What an error code allows to do next.
pub(super) struct Code {
    /// The code, or its beginning if it ends in `*`. Compared without regard to case.
    pub(super) pattern: &'static str,
    /// What may be done next.
    pub(super) kind: ApiErrorKind,
    /// Wait at least so many seconds before the next attempt.
    pub(super) wait_seconds: u64,
    /// What to do; `{permission}` stands for the permission of the call. Empty if there is nothing to say.
    pub(super) help: &'static str,
}

/// The first row that fits a code.
pub(super) fn meaning(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|row| match row.pattern.strip_suffix('*') {
        Some(start) => code.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
        None => code.eq_ignore_ascii_case(row.pattern),
    })
}

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
pub(super) static CODES: &[Code] = &[
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
    code("SignatureDoesNotMatch", Credentials, 0, ""), // gateway codes 2026; `refusal.rs` finds out why
    code("InvalidAccessKeyId.*", Credentials, 0, KEY), // gateway codes 2026
    code("InvalidSecurityToken.*", Credentials, 0, TOKEN), // gateway codes 2026
    code("MissingSecurityToken", Credentials, 0, TOKEN), // gateway codes 2026
    code("InvalidTimeStamp.Expired", Clock, 0, ""), // more than 15 minutes off: gateway codes 2026
    code("InvalidTimeStamp.*", Denied, 0, ""),     // gateway codes 2026
    code("SignatureNonceUsed", Ambiguous, 0, ""), // gateway codes 2026; ours are new, so something on the way sent it twice
    code("ServiceUnavailable", Server, 0, ""),    // gateway codes 2026
    code("InternalError*", Server, 0, ""),        // gateway codes 2026
    code("UnknownError", Server, 0, ""),          // gateway codes 2026
];
