//! CDN, API version 2018-05-10; the sources are named in `spec.rs`.

use std::time::Duration;

use super::super::credentials::CREDENTIALS;
use super::shared::{
    AREA, CONSISTENCY_HASH, HEADERS, L2_PRELOAD, Product, QUERY_HASH_KEY, SIGNATURE, bandwidth, takes, takes_tags,
    traffic,
};
use crate::model::Operation::{Prefetch, Refresh};
use crate::model::RefreshKind::{self, AnyQuery, Directory, Regex, Url};
use crate::provider::{
    CallSpec, EndpointSpec, IntervalSpec, LogSpec, OperationSpec, OptionSpec, OptionValueSpec, PolicySpec, QuerySpec,
    QuotaSpec, Rate, RecordsSpec, Spec, TrackingSpec, days,
};

/// Alibaba Cloud CDN, API version 2018-05-10.
pub static ALIBABA_CDN: Spec = CDN_SPEC;

/// The base of the vendor's other products: each says how it differs.
pub(super) const CDN_SPEC: Spec = Spec {
    name: "alibaba-cdn",
    title: "Alibaba Cloud CDN",
    docs: "https://www.alibabacloud.com/help/en/cdn/developer-reference/api-cdn-2018-05-10-overview",
    endpoints: &[
        EndpointSpec { region: "mainland", url: "https://cdn.aliyuncs.com" }, // reference 2026-04
        EndpointSpec { region: "overseas", url: "https://cdn.ap-southeast-1.aliyuncs.com" }, // reference 2026-04
    ],
    options: &[
        OptionSpec::new("region", OptionValueSpec::OneOf(&["mainland", "overseas"]))
            .help("the region of the API: the Chinese `mainland`, or `overseas` in Singapore; unset: `mainland`"),
        AREA,
        L2_PRELOAD,
        HEADERS,
        QUERY_HASH_KEY,
        CONSISTENCY_HASH,
        SIGNATURE,
        OptionSpec::PREFETCH_DELAY,
    ],
    credentials: CREDENTIALS,
    operations: &[
        refresh(Url, 1_000, Some(10_000), "Url"),             // reference 2026-04
        refresh(Directory, 100, Some(100), "Dir").covering(), // subdirectories included: reference 2026-04
        refresh(Regex, 1, Some(20), "Regex"),                 // reference 2026-04
        // Not documented for this type: as for files, and DescribeRefreshQuota says what a day has.
        refresh(AnyQuery, 1_000, None, "IgnoreParams"),
        takes_tags(TAGS),
        takes(Prefetch, PREFETCH, 100, Some(1_000), "Preload"), // reference 2026-04
    ],
    tracking: tracking(
        CallSpec::new("DescribeRefreshTaskById", "cdn:DescribeRefreshTaskById", Rate::per_second(30)) // reference 2026-04
            .ids(10), // reference 2026-04; there is no paging
        // 5 in DCDN guide 2025-09, 10 in reference 2026-04; the lower one is safe. The rows: reference 2026-04. A list of ids is
        // not documented.
        CallSpec::new("DescribeRefreshTasks", "cdn:DescribeRefreshTasks", Rate::per_second(5)).rows(100),
    ),
    // Reference 2026-04.
    quota: quota(CallSpec::new("DescribeRefreshQuota", "cdn:DescribeRefreshQuota", Rate::per_second(20))),
    signature_validity: Duration::from_mins(15), // help, signature page, 2023-10
    url_characters: 1_024,                       // reference 2026-04; DCDN guide 2025-09; taken as the same for VOD
    prefetch_delay: Duration::ZERO,              // no page mentions a pause
    queries: QuerySpec {
        traffic: Some(traffic(TRAFFIC, INTERVALS)),
        bandwidth: Some(bandwidth(BANDWIDTH, INTERVALS)),
        logs: Some(LogSpec {
            call: CallSpec::new("DescribeCdnDomainLogs", "cdn:DescribeCdnDomainLogs", Rate::per_second(100)) // reference 2026-04
                .rows(300), // the default; 1,000 at most: reference 2026-04
            step: Duration::from_secs(1), // as its times are spelled: reference 2026-04
            span: days(1),                // not documented; a day is what is listed without times
            kept: days(31),               // reference 2026-04
        }),
        // Reference 2026-04.
        grants: None,
        domains: Some(CallSpec::new("DescribeUserDomains", "cdn:DescribeUserDomains", Rate::per_second(100)).rows(500)),
    },
    // For every resource: not each of these calls can be narrowed to a domain. Source: "Policy structure and syntax" of
    // 2026-05-27, www.alibabacloud.com/help/document_detail/93739.html
    policy: PolicySpec { version: "1", is_lower_case: false, resource: Some("*"), always: &[] },
    signs: &["alicloud_cdn_domain"],
};

/// CDN, version 2018-05-10.
pub(super) static CDN: Product = Product {
    version: "2018-05-10",
    prefetch_ids: "PushTaskId", // reference 2026-04
};

/// Status by id, and the list of tasks.
pub(super) const fn tracking(status: CallSpec, records: CallSpec) -> Option<TrackingSpec> {
    // How far the list reaches back, of all three products: reference 2026-04.
    let records = Some(RecordsSpec { call: records, of_task: None, kept: days(3), span: days(3) });
    Some(TrackingSpec { status, records, prefetches: None, whole_batches: false })
}

/// The quota's call. When a day ends: the quota management page of help.aliyun.com, read 2026-11; taken as the same for all.
pub(super) const fn quota(call: CallSpec) -> Option<QuotaSpec> {
    Some(QuotaSpec { call, of_prefetches: None, reset: "00:00 UTC+8" })
}

/// A refresh of anything but tags.
const fn refresh(kind: RefreshKind, per_call: usize, per_day: Option<u64>, quota: &'static str) -> OperationSpec {
    let call = CallSpec::new("RefreshObjectCaches", "cdn:RefreshObjectCaches", Rate::per_second(50)); // reference 2026-04
    // The URLs travel in a form, and with the other products they don't: reference 2026-04.
    OperationSpec { request_line_bytes: None, ..takes(Refresh(kind), call, per_call, per_day, quota) }
}

/// The page of this call at help.aliyun.com, read 2026-11; how often is not documented: as often as the slowest call here.
const TAGS: CallSpec =
    CallSpec::new("RefreshObjectCacheByCacheTag", "cdn:RefreshObjectCacheByCacheTag", Rate::per_second(10));

/// Prefetch page 2024-11.
const PREFETCH: CallSpec = CallSpec::new("PushObjectCache", "cdn:PushObjectCache", Rate::per_second(50));

/// Reference 2026-04.
const TRAFFIC: CallSpec =
    CallSpec::new("DescribeDomainTrafficData", "cdn:DescribeDomainTrafficData", Rate::per_second(100));

/// Reference 2026-04.
const BANDWIDTH: CallSpec = CallSpec::new("DescribeDomainBpsData", "cdn:DescribeDomainBpsData", Rate::per_second(150));

/// Of traffic and bandwidth alike: reference 2026-04.
const INTERVALS: &[IntervalSpec] = &[
    IntervalSpec::new(Duration::from_mins(5), days(3), days(93)),
    IntervalSpec::new(Duration::from_hours(1), days(31), days(186)),
    IntervalSpec::new(days(1), days(366), days(366)),
];
