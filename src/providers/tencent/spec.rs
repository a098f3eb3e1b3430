//! Tencent Cloud's products as data: limits, options, names in requests and answers.
//!
//! Sources, as the comments name them:
//! - `sdk 3.1.169`: tencentcloud-sdk-python-cdn 3.1.169, November 2026: its models, their notes and its error codes
//! - `sdk 3.1.194`: tencentcloud-sdk-python-teo 3.1.194, November 2026, likewise
//! - `faq 57250`: cloud.tencent.com/document/product/1552/57250, March 2025
//! - `reference 2024-12`: the API pages of tencentcloud.com/document/product/228 as of December 2024
//! - `quotas 2026`: the pages about purges and prefetches of tencentcloud.com/document/product/228, read in November 2026

use std::time::Duration;

use super::credentials::CREDENTIALS;
use crate::model::Operation::{Prefetch, Refresh};
use crate::model::{PurgeMode, RefreshKind};
use crate::provider::OptionValueSpec::{Boolean, Headers, OneOf, Text};
use crate::provider::{
    CallSpec, EndpointSpec, OperationSpec, OptionSpec, PolicySpec, QuerySpec, QuotaSpec, Rate, RecordsSpec, Spec,
    TrackingSpec, days,
};

/// Content Delivery Network, API version 2018-06-06.
pub static TENCENT_CDN: Spec = Spec {
    name: "tencent-cdn",
    title: "Tencent Cloud CDN",
    docs: "https://www.tencentcloud.com/document/product/228",
    endpoints: &[
        EndpointSpec { region: "china", url: "https://cdn.tencentcloudapi.com" }, // sdk 3.1.169
        EndpointSpec { region: "international", url: "https://cdn.intl.tencentcloudapi.com" }, // reference 2024-12
    ],
    options: &[
        REGION,
        OptionSpec::new("area", OneOf(&["mainland", "overseas", "global"])).help(
            "where to purge and prefetch: inside the Chinese mainland, outside, or both; unset: purges wherever the domain is served, \
             prefetches as the vendor does by default, in the mainland",
        ), // sdk 3.1.169
        OptionSpec::new("headers", Headers).help("request headers of a prefetch, at most 20"), // sdk 3.1.169
        URL_ENCODE,
        OptionSpec::PREFETCH_DELAY,
    ],
    credentials: CREDENTIALS,
    // In a call: sdk 3.1.169; in a day, for each of the two areas: quotas 2026. Of directories in a call, one page says 20 and the SDK
    // 500: the lower one is safe.
    operations: &[
        OperationSpec::new(Refresh(RefreshKind::Url), call("PurgeUrlsCache", "cdn:PurgeUrlsCache"), 1_000, Some(10_000), "UrlPurge"),
        OperationSpec::new(Refresh(RefreshKind::Directory), call("PurgePathCache", "cdn:PurgePathCache"), 20, Some(100), "PathPurge")
            .modes(&[PurgeMode::Soft, PurgeMode::Hard]),
        OperationSpec::new(Prefetch, call("PushUrlsCache", "cdn:PushUrlsCache"), 500, Some(1_000), "UrlPush"),
    ],
    tracking: Some(TrackingSpec {
        status: PURGE_RECORDS.call,
        records: Some(PURGE_RECORDS),
        prefetches: Some(&TrackingSpec {
            status: PREFETCH_RECORDS.call,
            records: Some(PREFETCH_RECORDS),
            prefetches: None,
            whole_batches: false,
        }),
        whole_batches: false,
    }),
    // When a day ends: quotas 2026.
    quota: Some(QuotaSpec { call: PURGE_QUOTA, of_prefetches: Some(PREFETCH_QUOTA), reset: "00:00 UTC+8" }),
    signature_validity: Duration::from_mins(5), // common parameters, reference 2024-12
    url_characters: 2_048,                      // unproven: not documented; longer ones are refused by a code of their own
    prefetch_delay: Duration::ZERO,             // no page mentions a pause
    queries: QuerySpec { domains: Some(DOMAINS), ..QuerySpec::NOTHING },
    policy: POLICY,
    signs: &["tencentcloud_cdn_domain"],
};

/// EdgeOne, API version 2022-09-01.
pub static TENCENT_EDGEONE: Spec = Spec {
    name: "tencent-edgeone",
    title: "Tencent Cloud EdgeOne",
    docs: "https://www.tencentcloud.com/document/product/1145",
    endpoints: &[
        EndpointSpec { region: "china", url: "https://teo.tencentcloudapi.com" }, // sdk 3.1.194
        EndpointSpec { region: "international", url: "https://teo.intl.tencentcloudapi.com" }, // reference 2024-12
    ],
    options: &[
        REGION,
        OptionSpec::new("zone", Text).help("zone of the URLs, by id or name; unset: found by the host"),
        OptionSpec::new("headers", Headers).help("request headers of a prefetch"), // sdk 3.1.194
        URL_ENCODE,
        OptionSpec::PREFETCH_DELAY,
    ],
    credentials: CREDENTIALS,
    // In a call: faq 57250; in a day: by the plan that a zone has, and a run reads it.
    operations: &[
        purge(RefreshKind::Url, 5_000, "purge_url"),
        purge(RefreshKind::Directory, 1_000, "purge_prefix").modes(MODES),
        // `CacheTag` has a list of domains, for all tags of the call: one host, so that no tag is purged at another's.
        OperationSpec { hosts_per_call: Some(1), ..purge(RefreshKind::Tag, 100, "purge_cache_tag") },
        purge(RefreshKind::Host, 1_000, "purge_host").modes(MODES),
        purge(RefreshKind::Everything, 1, "purge_all").modes(MODES),
        OperationSpec {
            typical: Duration::from_mins(10),
            ..OperationSpec::new(
                Prefetch,
                call("CreatePrefetchTask", "teo:CreatePrefetchTask"),
                5_000,
                None,
                "prefetch_url",
            )
            .in_parts()
        },
    ],
    tracking: Some(TrackingSpec {
        status: ZONE_PURGES.call,
        records: Some(ZONE_PURGES),
        prefetches: Some(&TrackingSpec {
            status: ZONE_PREFETCHES.call,
            records: Some(ZONE_PREFETCHES),
            prefetches: None,
            whole_batches: false,
        }),
        whole_batches: false,
    }),
    quota: Some(QuotaSpec { call: ZONE_QUOTA, of_prefetches: None, reset: "00:00 UTC+8" }), // quotas 2026
    signature_validity: Duration::from_mins(5), // common parameters, reference 2024-12
    url_characters: 2_048,                      // unproven: not documented
    prefetch_delay: Duration::ZERO,             // no page mentions a pause
    queries: QuerySpec { domains: Some(ZONES), ..QuerySpec::NOTHING },
    policy: POLICY,
    signs: &["tencentcloud_teo_zone", "tencentcloud_teo_acceleration_domain"],
};

/// `invalidate` and `delete`: sdk 3.1.194.
const MODES: &[PurgeMode] = &[PurgeMode::Soft, PurgeMode::Hard];

/// A purge of a kind takes a minute, and up to five of many: faq 57250. `FailedList` names the targets that it refuses: sdk 3.1.194.
const fn purge(kind: RefreshKind, per_call: usize, quota: &'static str) -> OperationSpec {
    let call = call("CreatePurgeTask", "teo:CreatePurgeTask");
    let operation = OperationSpec::new(Refresh(kind), call, per_call, None, quota).in_parts();
    OperationSpec { typical: Duration::from_mins(1), ..operation }
}

/// Of purges in a zone, by id and by target. Up to 1,000 rows: sdk 3.1.194.
pub(super) const ZONE_PURGES: RecordsSpec = list(call("DescribePurgeTasks", "teo:DescribePurgeTasks").rows(1_000));
/// The same of prefetches.
pub(super) const ZONE_PREFETCHES: RecordsSpec =
    list(call("DescribePrefetchTasks", "teo:DescribePrefetchTasks").rows(1_000));

pub(super) const ZONE_QUOTA: CallSpec = call("DescribeContentQuota", "teo:DescribeContentQuota");

/// The account's zones, up to 100 on a page: sdk 3.1.194.
pub(super) const ZONES: CallSpec = call("DescribeZones", "teo:DescribeZones").rows(100);

/// On every resource: the spelling of resources wasn't seen in a page. CAM policy syntax, read in November 2026.
pub(super) const POLICY: PolicySpec =
    PolicySpec { version: "2.0", is_lower_case: true, resource: Some("*"), always: &[] };

pub(super) const REGION: OptionSpec = OptionSpec::new("region", OneOf(&["china", "international"]))
    .help("the site that the account belongs to: `china` (cloud.tencent.com) or `international` (tencentcloud.com); unset: `china`");

pub(super) const URL_ENCODE: OptionSpec = OptionSpec::new("url-encode", Boolean)
    .help("have the vendor percent-encode each URL, so that only the encoded form is purged")
    .encodes(); // sdk 3.1.169

/// Each may be called 20 times a second: reference 2024-12.
pub(super) const fn call(api: &'static str, permission: &'static str) -> CallSpec {
    CallSpec::new(api, permission, Rate::per_second(20))
}

/// Status by id and the list of tasks are one call. The most rows of a page aren't documented: an answer that holds fewer than asked
/// has its URLs looked up one by one.
pub(super) const PURGE_RECORDS: RecordsSpec = list(call("DescribePurgeTasks", "cdn:DescribePurgeTasks").rows(100));
/// The same of prefetches.
pub(super) const PREFETCH_RECORDS: RecordsSpec = list(call("DescribePushTasks", "cdn:DescribePushTasks").rows(100));

/// How far back it reaches, and how long a range may be, isn't documented; the console shows a month.
const fn list(call: CallSpec) -> RecordsSpec {
    RecordsSpec { call, of_task: None, kept: days(30), span: days(1) }
}

pub(super) const PURGE_QUOTA: CallSpec = call("DescribePurgeQuota", "cdn:DescribePurgeQuota");
pub(super) const PREFETCH_QUOTA: CallSpec = call("DescribePushQuota", "cdn:DescribePushQuota");

/// At most 1,000 rows: sdk 3.1.169.
pub(super) const DOMAINS: CallSpec = call("DescribeDomains", "cdn:DescribeDomains").rows(1_000);
