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

use crate::model::Operation::{Prefetch, Refresh};
use crate::model::{PurgeMode, RefreshKind};
use crate::provider::OptionValueSpec::{Boolean, OneOf, Text};
use crate::provider::{
    CallSpec, EndpointSpec, IntervalSpec, LogSpec, MeasureSpec, OperationSpec, OptionSpec, PolicySpec, QuerySpec,
    QuotaSpec, Rate, RecordsSpec, Spec, TrackingSpec, days,
};

use super::credentials::{CREDENTIALS, EUROPE};

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
        OptionSpec::new("region", OneOf(&["global", EUROPE]))
            .help("`europe` for the separate European cloud; unset: `global`"),
        OptionSpec::new("zh-url-encode", Boolean)
            .help("accept URLs with Chinese characters in percent-encoded form only")
            .encodes(), // reference 2025-11
        OptionSpec::new("enterprise-project", Text)
            .help("the enterprise project's id, or `all`; IAM users need it where that feature is on")
            .sent_as("enterprise_project_id"), // with every call but those for records and quota: sdk 3.1.219
        OptionSpec::new("domain-id", Text)
            .help("the account's id, sent with each request; unset: the one that comes with the credentials"),
        OptionSpec::PREFETCH_DELAY,
    ],
    credentials: CREDENTIALS,
    // In a call: sdk 3.1.219; in a day: quotas 2026; the names in the quota: sdk 3.1.219. How long they take is the usual: a refresh
    // about 5 minutes, reference 2025-11; of a prefetch it says only that it depends on the files. No number of hosts is documented, and
    // the URLs travel in the body.
    operations: &[
        OperationSpec::new(Refresh(RefreshKind::Url), REFRESH, 1_000, Some(2_000), "file_refresh"),
        OperationSpec::new(Refresh(RefreshKind::Directory), REFRESH, 100, Some(100), "dir_refresh")
            .covering() // "all resources in the directory": sdk 3.1.219
            .modes(&[PurgeMode::Soft, PurgeMode::Hard]),
        OperationSpec::new(Prefetch, PREFETCH, 1_000, Some(1_000), "preheat"),
    ],
    tracking: Some(TrackingSpec { status: STATUS, records: Some(RECORDS), prefetches: None, whole_batches: false }),
    quota: Some(QUOTA),
    signature_validity: Duration::from_mins(15), // the default: not documented
    url_characters: 4_096,                       // sdk 3.1.219
    prefetch_delay: Duration::from_mins(5),      // faq 2026
    queries: QuerySpec {
        traffic: Some(statistics("flux")), // sdk 3.1.219
        bandwidth: Some(statistics("bw")), // sdk 3.1.219
        logs: Some(LogSpec {
            // Policies 2026; reference 2025-11. Rows: up to 10,000, sdk 3.1.219.
            call: CallSpec::new("ShowLogs", "cdn:log:queryLogs", Rate::per_second(20)).rows(1_000),
            step: Duration::from_hours(1), // whole hours: sdk 3.1.219
            span: days(30),                // sdk 3.1.219
            kept: days(30),                // reference 2025-11
        }),
        // Policies 2026; how often is not documented: as for statistics. Rows: up to 10,000, sdk 3.1.219.
        grants: None,
        domains: Some(CallSpec::new("ListDomains", "cdn:configuration:queryDomains", Rate::per_second(15)).rows(1_000)),
    },
    policy: PolicySpec {
        version: "1.1", // this and the following: policies 2026
        is_lower_case: false,
        resource: None,
        // Without it an IAM user can't act on domains, whatever else is granted.
        always: &["cdn:configuration:queryDomains"],
    },
    signs: &["huaweicloud_cdn_domain"], // terraform 2026
};

/// Policies 2026; reference 2025-11. The id is in the path. A page may have 10,000 rows (sdk 3.1.219): this holds a whole task.
pub(super) const STATUS: CallSpec =
    CallSpec::new("ShowHistoryTaskDetails", "cdn:configuration:queryCacheHistoryTask", Rate::per_second(30))
        .rows(2_000);

/// Policies 2026; reference 2025-11, as are the times. The rows: sdk 3.1.219.
pub(super) const RECORDS: RecordsSpec = RecordsSpec {
    call: CallSpec::new("ShowUrlTaskInfo", "cdn:configuration:queryCacheHistoryTask", Rate::per_second(5)).rows(100),
    // The list has no parameter for a task id.
    of_task: Some(STATUS),
    kept: days(15),
    span: days(1),
};

/// The permission was not seen in a page; with identity policies none is needed: policies 2026. How often: reference 2026-01.
pub(super) const QUOTA: QuotaSpec = QuotaSpec {
    call: CallSpec::new("ShowQuota", "cdn:configuration:queryQuota", Rate::per_second(5)),
    of_prefetches: None,
    reset: "00:00 UTC+8", // not documented; the statistics' days begin there: sdk 3.1.219
};

/// support.huaweicloud.com/api-cdn/CreateRefreshTasks, read in November 2026.
const REFRESH: CallSpec = CallSpec::new("CreateRefreshTasks", "cdn:configuration:refreshCache", Rate::per_second(30));

/// Policies 2026; reference 2025-11.
const PREFETCH: CallSpec =
    CallSpec::new("CreatePreheatingTasks", "cdn:configuration:preheatCache", Rate::per_second(30));

/// Traffic and bandwidth are one call; policies 2026; reference 2026-01, as is the number of domains.
const fn statistics(name: &'static str) -> MeasureSpec {
    let call = CallSpec::new("ShowDomainStats", "cdn:statistics:queryStats", Rate::per_second(15));
    MeasureSpec { call, name, domains_per_call: 20, intervals: INTERVALS }
}

const INTERVALS: &[IntervalSpec] = &[
    IntervalSpec::new(Duration::from_mins(5), days(7), KEPT), // this and the following: sdk 3.1.219
    IntervalSpec::new(Duration::from_hours(1), days(31), KEPT),
    IntervalSpec::new(days(1), days(31), KEPT).begins(Duration::from_hours(16)), // in UTC+8
];

/// How long points are kept.
const KEPT: Duration = days(90); // reference 2026-01
