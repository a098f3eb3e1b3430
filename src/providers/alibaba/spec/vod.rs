//! The CDN of ApsaraVideo VOD, API version 2017-03-21: how it differs from the CDN alone. The sources are named in `spec.rs`.

use std::time::Duration;

use super::cdn::{CDN_SPEC, quota, tracking};
use super::shared::{AREA, HEADERS, L2_PRELOAD, Product, SIGNATURE, bandwidth, takes, traffic};
use crate::model::Operation::{Prefetch, Refresh};
use crate::model::RefreshKind::{AnyQuery, Directory, Regex, Url};
use crate::provider::{CallSpec, EndpointSpec, IntervalSpec, LogSpec, OptionSpec, QuerySpec, Rate, Spec, days};

/// ApsaraVideo VOD's CDN, API version 2017-03-21.
pub static ALIBABA_VOD: Spec = Spec {
    name: "alibaba-vod",
    title: "ApsaraVideo VOD",
    docs: "https://www.alibabacloud.com/help/en/vod/developer-reference/api-vod-2017-03-21-overview",
    // These calls are available in China (Shanghai) only: VOD page 2026-08.
    endpoints: &[EndpointSpec { region: "cn-shanghai", url: "https://vod.cn-shanghai.aliyuncs.com" }],
    options: &[AREA, L2_PRELOAD, HEADERS, SIGNATURE, OptionSpec::PREFETCH_DELAY],
    operations: &[
        // A day: reference 2026-04. A call: not documented; as for CDN, and a call that is too large is halved.
        takes(Refresh(Url), REFRESH, 1_000, Some(2_000), "Url"),
        takes(Refresh(Directory), REFRESH, 100, Some(100), "Dir").covering(), // as many as a day has: reference 2026-04
        // Neither is documented: as for CDN, and the quota doesn't say what a day has.
        takes(Refresh(Regex), REFRESH, 1, None, ""),
        takes(Refresh(AnyQuery), REFRESH, 1_000, None, ""),
        takes(Prefetch, PREFETCH, 100, Some(500), "Preload"), // 1,000 in a call are refused: reference 2026-04; taken as for CDN
    ],
    // There is no call by id: the list is queried, one id at a time.
    tracking: tracking(RECORDS, RECORDS),
    // VOD guide 2021-07.
    quota: quota(CallSpec::new("DescribeVodRefreshQuota", "vod:DescribeVodRefreshQuota", Rate::per_second(30))),
    queries: QuerySpec {
        traffic: Some(traffic(TRAFFIC, INTERVALS)),
        bandwidth: Some(bandwidth(BANDWIDTH, INTERVALS)),
        logs: Some(LogSpec {
            call: CallSpec::new("DescribeVodDomainLog", "vod:DescribeVodDomainLog", Rate::per_second(30)) // VOD guide 2021-07
                .rows(300), // the default; 1,000 at most: reference 2026-04
            step: Duration::from_secs(1), // as its times are spelled: reference 2026-04
            span: days(31), // a year is documented, reference 2026-04; a month keeps the number of pages small
            kept: days(365), // not documented; the longest range of a query
        }),
        grants: None,
        domains: None, // VOD has no call for it among those of its CDN
    },
    signs: &["alicloud_vod_domain"],
    ..CDN_SPEC
};

/// VOD, version 2017-03-21.
pub(super) static VOD: Product = Product {
    version: "2017-03-21",
    prefetch_ids: "PreloadTaskId", // reference 2026-04
};

// How often, here and below: VOD guide 2021-07.
const REFRESH: CallSpec = CallSpec::new("RefreshVodObjectCaches", "vod:RefreshVodObjectCaches", Rate::per_second(30));
const PREFETCH: CallSpec = CallSpec::new("PreloadVodObjectCaches", "vod:PreloadVodObjectCaches", Rate::per_second(30));
const RECORDS: CallSpec =
    CallSpec::new("DescribeVodRefreshTasks", "vod:DescribeVodRefreshTasks", Rate::per_second(30)).rows(50); // reference 2026-04
const TRAFFIC: CallSpec =
    CallSpec::new("DescribeVodDomainTrafficData", "vod:DescribeVodDomainTrafficData", Rate::per_second(30));
const BANDWIDTH: CallSpec =
    CallSpec::new("DescribeVodDomainBpsData", "vod:DescribeVodDomainBpsData", Rate::per_second(30));

/// The reference has an interval for each length of range: 300 s below three days, an hour below 31, else a day. How long
/// points are kept is the 90 days of an older text (VOD guide 2021-07).
const INTERVALS: &[IntervalSpec] = &[
    IntervalSpec::new(Duration::from_mins(5), days(3).saturating_sub(Duration::from_mins(5)), days(90)),
    IntervalSpec::new(Duration::from_hours(1), days(31).saturating_sub(Duration::from_hours(1)), days(90)),
    IntervalSpec::new(days(1), days(90), days(90)),
];
