//! Huawei Cloud CDN as data: limits, options, names in requests and answers, and what each error code allows.
//!
//! Sources, as the comments name them:
//! - `sdk 3.1.219`: huaweicloudsdkcdn and huaweicloudsdkcore 3.1.219 for Python, November 2026: its models and their notes
//! - `reference 2025-11`, `reference 2026-01`: the API pages of support.huaweicloud.com/intl/en-us/api-cdn as of these months
//! - `policies 2026`: support.huaweicloud.com/api-cdn/cdn_02_0122 and the authorization notes of the API pages
//! - `quotas 2026`: the quota page of huaweicloud.com, read in November 2026
//! - `faq 2026`: the purge and prefetch FAQ of huaweicloud.com, read in November 2026
//! - `codes 2025`: support.huaweicloud.com/intl/en-us/api-cdn/ErrorCode and the error codes of API Gateway
//! - `terraform 2026`: terraform-provider-huaweicloud, its CDN resources

use std::time::Duration;

use crate::model::{Kind, Operation};
use crate::provider::ApiErrorKind::{
    self, Credentials, Denied, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge,
};
use crate::provider::answer::Code;
use crate::provider::{
    Asks, CallSpec, EndpointSpec, IntervalSpec, LogSpec, MeasureSpec, OperationSpec, OptionSpec, OptionValueSpec,
    PolicySpec, Spec,
};

use super::Huawei;
use super::credentials::Sts;
use super::emulator::HuaweiEmulator;
use keys::CREDENTIALS;

mod keys;

pub(super) use keys::{EXCHANGE, PROFILES};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The region that is a cloud of its own, with accounts of its own.
pub(super) const EUROPE: &str = "europe";

/// Huawei Cloud CDN, API version 1.0.
pub static HUAWEI_CDN: Spec = Spec {
    name: "huawei-cdn",
    title: "Huawei Cloud CDN",
    docs: "https://support.huaweicloud.com/intl/en-us/api-cdn/cdn_02_0001.html",
    endpoints: &[
        EndpointSpec { region: "global", url: "https://cdn.myhuaweicloud.com" }, // sdk 3.1.219
        EndpointSpec { region: EUROPE, url: "https://cdn.myhuaweicloud.eu" },    // sdk 3.1.219
    ],
    options: &[
        OptionSpec {
            name: "region",
            help: "`europe` for the separate European cloud; unset: `global`",
            value: OptionValueSpec::OneOf(&["global", EUROPE]),
        },
        OptionSpec {
            name: "mode",
            help: "refresh everything below a directory, or only what changed at the origin; unset: `all`",
            value: OptionValueSpec::OneOf(&["all", "detect-modify-refresh"]),
        },
        OptionSpec {
            name: "zh-url-encode",
            help: "take addresses with Chinese characters in their encoded form only",
            value: OptionValueSpec::Boolean,
        },
        OptionSpec {
            name: "enterprise-project",
            help: "the enterprise project's id, or `all`; IAM users need it where that feature is on",
            value: OptionValueSpec::Text,
        },
        OptionSpec {
            name: "domain-id",
            help: "the account's id, sent with each request; unset: the one that comes with the keys",
            value: OptionValueSpec::Text,
        },
        OptionSpec::SETTLE,
    ],
    credentials: CREDENTIALS,
    exchange: Some(&Sts),
    profiles: PROFILES,
    operations: &[
        OperationSpec {
            per_call: 1_000,      // sdk 3.1.219
            per_day: Some(2_000), // quotas 2026
            ..refresh(Kind::File)
        },
        OperationSpec {
            per_call: 100,      // sdk 3.1.219
            per_day: Some(100), // quotas 2026
            ..refresh(Kind::Directory)
        },
        OperationSpec {
            operation: Operation::Prefetch,
            api: "CreatePreheatingTasks",
            permission: "cdn:configuration:preheatCache", // policies 2026
            per_call: 1_000,                              // sdk 3.1.219
            per_day: Some(1_000),                         // quotas 2026
            hosts_per_call: None,                         // none is documented
            request_line_bytes: None,                     // the addresses travel in the body
            calls_per_second: 30.0,                       // reference 2025-11
            typical: Duration::from_secs(600), // depends on the files: reference 2025-11; taken as with others
        },
    ],
    status: CallSpec {
        api: "ShowHistoryTaskDetails",
        permission: "cdn:configuration:queryCacheHistoryTask", // policies 2026
        calls_per_second: 30.0,                                // reference 2025-11
        ids_per_call: 1,                                       // the id is in the path
        rows_per_page: 2_000,                                  // up to 10,000: sdk 3.1.219; holds a whole task
    },
    records: CallSpec {
        api: "ShowUrlTaskInfo",
        permission: "cdn:configuration:queryCacheHistoryTask", // policies 2026
        calls_per_second: 5.0,                                 // reference 2025-11
        ids_per_call: 1,
        rows_per_page: 100, // sdk 3.1.219
    },
    records_kept: Duration::from_secs(15 * 24 * 3_600), // reference 2025-11
    records_span: DAY,                                  // reference 2025-11
    quota: CallSpec {
        api: "ShowQuota",
        permission: "cdn:configuration:queryQuota", // not seen in a page; with identity policies none is needed: policies 2026
        calls_per_second: 5.0,                      // reference 2026-01
        ids_per_call: 1,
        rows_per_page: 1,
    },
    quota_reset: "00:00 UTC+8", // not documented; the statistics' days begin there: sdk 3.1.219
    url_characters: 4_096,      // sdk 3.1.219
    settle: Duration::from_secs(300), // faq 2026
    asks: Asks {
        traffic: Some(STATISTICS),
        bandwidth: Some(STATISTICS),
        logs: Some(LogSpec {
            call: CallSpec {
                api: "ShowLogs",
                permission: "cdn:log:queryLogs", // policies 2026
                calls_per_second: 20.0,          // reference 2025-11
                ids_per_call: 1,
                rows_per_page: 1_000, // up to 10,000: sdk 3.1.219
            },
            span: Duration::from_secs(30 * 24 * 3_600), // sdk 3.1.219
            kept: Duration::from_secs(30 * 24 * 3_600), // reference 2025-11
        }),
        domains: Some(CallSpec {
            api: "ListDomains",
            permission: "cdn:configuration:queryDomains", // policies 2026
            calls_per_second: 15.0,                       // not documented; as for statistics
            ids_per_call: 1,
            rows_per_page: 1_000, // up to 10,000: sdk 3.1.219
        }),
    },
    policy: PolicySpec {
        version: "1.1", // this and the following: policies 2026
        resource: None,
        // Without it an IAM user can't act on domains, whatever else is granted.
        always: &["cdn:configuration:queryDomains"],
    },
    open: |opening| Box::new(Huawei::open(opening)),
    emulator: |settings| Box::new(HuaweiEmulator::new(settings)),
};

/// What the two types of a refresh share; the limits that differ are set beside each.
const fn refresh(kind: Kind) -> OperationSpec {
    OperationSpec {
        operation: Operation::Refresh(kind),
        api: "CreateRefreshTasks",
        permission: "cdn:configuration:refreshCache", // not seen in a page; spelled like that of a prefetch
        per_call: 1,
        per_day: None,
        hosts_per_call: None,              // none is documented
        request_line_bytes: None,          // the addresses travel in the body
        calls_per_second: 30.0,            // not documented; as for a prefetch
        typical: Duration::from_secs(300), // about 5 minutes: reference 2025-11
    }
}

/// Traffic and bandwidth are one call.
const STATISTICS: MeasureSpec = MeasureSpec {
    call: CallSpec {
        api: "ShowDomainStats",
        permission: "cdn:statistics:queryStats", // policies 2026
        calls_per_second: 15.0,                  // reference 2026-01
        ids_per_call: 1,
        rows_per_page: 0,
    },
    domains_per_call: 20, // reference 2026-01
    intervals: &[
        interval(Duration::from_secs(300), 7), // this and the following: sdk 3.1.219
        interval(HOUR, 31),
        interval(DAY, 31),
    ],
};

const fn interval(interval: Duration, days: u64) -> IntervalSpec {
    IntervalSpec {
        interval,
        span: Duration::from_secs(days * 24 * 3_600),
        kept: Duration::from_secs(90 * 24 * 3_600), // reference 2026-01
    }
}

/// The names of an operation's quota.
pub(super) const QUOTAS: [(Operation, &str); 3] = [
    (Operation::Refresh(Kind::File), "file_refresh"), // this and the following: sdk 3.1.219
    (Operation::Refresh(Kind::Directory), "dir_refresh"),
    (Operation::Prefetch, "preheat"),
];

const fn code(pattern: &'static str, kind: ApiErrorKind, help: &'static str) -> Code {
    Code { pattern, kind, wait_seconds: 0, help }
}

/// What `/detail` says of a task that isn't visible yet, and everything else of a host that isn't the account's.
pub(super) const FOREIGN: &str = "CDN.0108"; // terraform 2026

const RESET: &str = "a higher quota can be asked for with a service ticket";
const DOMAIN: &str = "the domain must belong to the account of the access key, and be enabled or being configured";
const SERVICE: &str = "see in the console whether CDN is activated and paid for";
const GRANT: &str = "grant `{permission}` to the IAM user, and the policy CDN DomainReadOnlyAccess with it";
const PROJECT: &str = "set `enterprise-project` of the target to `all` or to the domain's project, or grant `{permission}` in that project";
const KEY: &str = "check the access key, its secret, and the token of temporary keys; after five refused signatures in a row \
                   the vendor locks a key for five minutes";
const NO_API: &str = "the endpoint doesn't serve this API; some accounts have it enabled by a service ticket";

/// Every documented code that a call of ours can meet.
pub(super) const CODES: &[Code] = &[
    code("CDN.0000", Server, ""),         // this and the following: codes 2025
    code("CDN.0001", Refused, ""),        // a parameter is missing or malformed: perhaps an address
    code("CDN.0002", Credentials, KEY),   // not authenticated
    code("CDN.0003", Refused, ""),        // the object doesn't exist
    code("CDN.0004", Forbidden, GRANT),   // no permission
    code("CDN.0005", QuotaSpent, RESET),  // the upper limit is exceeded
    code("CDN.0015", Denied, SERVICE),    // the service area isn't supported
    code("CDN.0016", Denied, SERVICE),    // the service type isn't supported
    code("CDN.0020", Forbidden, PROJECT), // no grant on the enterprise project
    code("CDN.0021", Forbidden, PROJECT), // the fine-grained check failed
    code("CDN.0105", Refused, DOMAIN),    // the domain doesn't exist
    code("CDN.0106", Refused, DOMAIN),    // not allowed in the domain's state
    code(FOREIGN, Refused, DOMAIN),       // the address is of another account's domain
    code("CDN.0110", QuotaSpent, RESET),  // more addresses than the quota holds
    code("CDN.0114", Denied, SERVICE),    // CDN isn't subscribed to
    code("CDN.0115", Refused, DOMAIN),    // the domain is banned
    code("CDN.0116", Refused, DOMAIN),    // the domain is locked
    code("CDN.0127", Refused, ""),        // the domain is malformed
    code("CDN.0201", Denied, ""),         // statistics: the domain is wrong
    code("CDN.0202", Denied, ""),         // statistics: the time is wrong
    code("CDN.0203", Denied, ""),         // statistics: the interval is wrong
    code("APIGW.0101", Denied, NO_API),   // no such API
    code("APIGW.0103", Denied, NO_API),   // no such backend
    code("APIGW.0201", TooLarge, ""),     // a body above 12 MB; with 400 a bad request, see `answer.rs`
    code("APIGW.0301", Credentials, KEY), // the signature, the key or the token is wrong, or the key is locked
    code("APIGW.0302", Forbidden, GRANT), // not authorized
    code("APIGW.0303", Credentials, KEY), // as 0301; `answer.rs` finds out whether the clock is off
    code("APIGW.0308", Throttled, ""),    // the rate of calls
    code("APIGW.0605", Server, ""),       // the backend isn't there
];
