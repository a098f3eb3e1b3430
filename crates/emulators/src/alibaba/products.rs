//! The products as data: calls with their rates, limits, and how their responses differ. The sources are named in `mod.rs`.

use std::time::Duration;

use crate::Operation::{self, Prefetch, RefreshAnyQuery, RefreshDirectory, RefreshRegex, RefreshTag, RefreshUrl};
use crate::account::Limit;

/// The calls, whatever a product names them.
#[derive(Clone, Copy)]
pub(super) enum Call {
    Refresh,
    RefreshTags,
    Prefetch,
    Status,
    Records,
    Quota,
    Measure(Measure),
    Logs,
    Domains,
}

/// What statistics are about.
#[derive(Clone, Copy)]
pub(super) enum Measure {
    Traffic,
    Bandwidth,
}

/// One of the vendor's products.
pub(super) struct Product {
    /// As the gateway's users know it.
    pub(super) name: &'static str,
    /// Of the API.
    pub(super) version: &'static str,
    /// Each with its name, and how often in a second it may be called.
    pub(super) calls: &'static [(Call, &'static str, f64)],
    pub(super) limits: &'static [Limit],
    /// Where the response to a prefetch has its task ids.
    pub(super) prefetch_ids: &'static str,
    /// Rows in a page of the task list.
    pub(super) rows_per_page: usize,
    /// The level between `Tasks` and the rows of that list.
    pub(super) rows: &'static str,
    pub(super) intervals: &'static [Interval],
    /// Whether measured values are text.
    pub(super) measures_as_text: bool,
    /// How long log files are kept.
    pub(super) logs_kept: Duration,
    /// The name of a page's number in a list of log files.
    pub(super) log_page: &'static str,
}

/// A width of measured points.
pub(super) struct Interval {
    pub(super) seconds: u64,
    /// The longest time range of one query.
    pub(super) span: Duration,
    pub(super) kept: Duration,
}

/// The longest URL, in characters: reference 2026-04.
pub(super) const URL_CHARACTERS: usize = 1_024;

/// Task ids in one call: reference 2026-04.
pub(super) const IDS_PER_CALL: usize = 10;

/// Hosts in one call: reference 2026-04.
pub(super) const HOSTS_PER_CALL: usize = 10;

/// Domains in one query of statistics: reference 2026-04.
pub(super) const DOMAINS_PER_CALL: usize = 500;

// A rate that no page names is that of the slowest call of the product.
pub(super) static CDN: Product = Product {
    name: "alibaba-cdn",
    version: "2018-05-10",
    // Reference 2026-04; PushObjectCache: its page of November 2024.
    calls: &[
        (Call::Refresh, "RefreshObjectCaches", 50.0),
        (Call::RefreshTags, "RefreshObjectCacheByCacheTag", 10.0),
        (Call::Prefetch, "PushObjectCache", 50.0),
        (Call::Status, "DescribeRefreshTaskById", 30.0),
        (Call::Records, "DescribeRefreshTasks", 5.0), // 10 in reference 2026-04, 5 in the guide
        (Call::Quota, "DescribeRefreshQuota", 20.0),
        (Call::Measure(Measure::Traffic), "DescribeDomainTrafficData", 100.0),
        (Call::Measure(Measure::Bandwidth), "DescribeDomainBpsData", 150.0),
        (Call::Logs, "DescribeCdnDomainLogs", 100.0),
        (Call::Domains, "DescribeUserDomains", 100.0),
    ],
    limits: &[
        limit(RefreshUrl, 1_000, Some(10_000), "Url"),
        limit(RefreshDirectory, 100, Some(100), "Dir"),
        limit(RefreshRegex, 1, Some(20), "Regex"),
        limit(RefreshAnyQuery, 1_000, None, "IgnoreParams"),
        limit(RefreshTag, 100, None, ""),
        limit(Prefetch, 100, Some(1_000), "Preload"),
    ],
    prefetch_ids: "PushTaskId",
    rows_per_page: 100,
    rows: "CDNTask",
    intervals: &[
        interval(300, days(3), days(93)),
        interval(3_600, days(31), days(186)),
        interval(86_400, days(366), days(366)),
    ],
    measures_as_text: true, // guide 2021-07
    logs_kept: days(31),
    log_page: "PageIndex",
};

pub(super) static DCDN: Product = Product {
    name: "alibaba-dcdn",
    version: "2018-01-15",
    // The DCDN pages of help.aliyun.com as of September 2025.
    calls: &[
        (Call::Refresh, "RefreshDcdnObjectCaches", 30.0),
        (Call::RefreshTags, "RefreshDcdnObjectCacheByCacheTag", 10.0),
        (Call::Prefetch, "PreloadDcdnObjectCaches", 15.0),
        (Call::Status, "DescribeDcdnRefreshTaskById", 30.0),
        (Call::Records, "DescribeDcdnRefreshTasks", 5.0),
        (Call::Quota, "DescribeDcdnRefreshQuota", 20.0),
    ],
    limits: &[
        limit(RefreshUrl, 1_000, Some(10_000), "Url"),
        limit(RefreshDirectory, 100, Some(100), "Dir"),
        limit(RefreshRegex, 1, None, "Regex"),
        limit(RefreshAnyQuery, 1_000, None, "IgnoreParams"),
        limit(RefreshTag, 100, None, ""),
        limit(Prefetch, 100, Some(1_000), "Preload"),
    ],
    prefetch_ids: "PreloadTaskId",
    rows_per_page: 50,
    rows: "Task",
    intervals: &[],
    measures_as_text: false,
    logs_kept: Duration::ZERO,
    log_page: "PageNumber",
};

pub(super) static VOD: Product = Product {
    name: "alibaba-vod",
    version: "2017-03-21",
    // VOD guide 2021-07.
    calls: &[
        (Call::Refresh, "RefreshVodObjectCaches", 30.0),
        (Call::Prefetch, "PreloadVodObjectCaches", 30.0),
        (Call::Records, "DescribeVodRefreshTasks", 30.0),
        (Call::Quota, "DescribeVodRefreshQuota", 30.0),
        (Call::Measure(Measure::Traffic), "DescribeVodDomainTrafficData", 30.0),
        (Call::Measure(Measure::Bandwidth), "DescribeVodDomainBpsData", 30.0),
        (Call::Logs, "DescribeVodDomainLog", 30.0),
    ],
    limits: &[
        limit(RefreshUrl, 1_000, Some(2_000), "Url"),
        limit(RefreshDirectory, 100, Some(100), "Dir"),
        limit(RefreshRegex, 1, None, ""),
        limit(RefreshAnyQuery, 1_000, None, ""),
        limit(Prefetch, 100, Some(500), "Preload"),
    ],
    prefetch_ids: "PreloadTaskId",
    rows_per_page: 50,
    rows: "Task",
    intervals: &[
        interval(300, days(3).saturating_sub(Duration::from_secs(300)), days(90)),
        interval(3_600, days(31).saturating_sub(Duration::from_secs(3_600)), days(90)),
        interval(86_400, days(90), days(90)),
    ],
    measures_as_text: false,
    logs_kept: days(365),
    log_page: "PageNumber",
};

const fn limit(operation: Operation, per_call: usize, per_day: Option<u64>, quota: &'static str) -> Limit {
    // A prefetch takes 5 to 30 minutes, a refresh 5 to 6: reference 2026-04.
    let typical = Duration::from_secs(if matches!(operation, Prefetch) { 600 } else { 330 });
    Limit { operation, per_call, per_day, quota, typical }
}

const fn interval(seconds: u64, span: Duration, kept: Duration) -> Interval {
    Interval { seconds, span, kept }
}

const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}
