//! DCDN, API version 2018-01-15: how it differs from CDN. The sources are named in `spec.rs`.

use super::cdn::{CDN_SPEC, quota, tracking};
use super::shared::{AREA, HEADERS, L2_PRELOAD, Product, QUERY_HASH_KEY, SIGNATURE, takes, takes_tags};
use crate::model::Operation::{Prefetch, Refresh};
use crate::model::RefreshKind::{AnyQuery, Directory, Regex, Url};
use crate::provider::{CallSpec, EndpointSpec, OptionSpec, QuerySpec, Rate, Spec};

/// Alibaba Cloud DCDN, API version 2018-01-15.
pub static ALIBABA_DCDN: Spec = Spec {
    name: "alibaba-dcdn",
    title: "Alibaba Cloud DCDN",
    docs: "https://www.alibabacloud.com/help/en/dcdn/developer-reference/api-dcdn-2018-01-15-overview",
    endpoints: &[EndpointSpec { region: "everywhere", url: "https://dcdn.aliyuncs.com" }], // reference 2026-04
    options: &[AREA, L2_PRELOAD, HEADERS, QUERY_HASH_KEY, SIGNATURE, OptionSpec::PREFETCH_DELAY],
    operations: &[
        takes(Refresh(Url), REFRESH, 1_000, Some(10_000), "Url"), // DCDN guide 2025-09
        takes(Refresh(Directory), REFRESH, 100, Some(100), "Dir").covering(), // DCDN guide 2025-09
        // Neither is documented: as for CDN and as for files, and DescribeDcdnRefreshQuota says what a day has.
        takes(Refresh(Regex), REFRESH, 1, None, "Regex"),
        takes(Refresh(AnyQuery), REFRESH, 1_000, None, "IgnoreParams"),
        takes_tags(TAGS),
        takes(Prefetch, PREFETCH, 100, Some(1_000), "Preload"), // DCDN guide 2025-09
    ],
    tracking: tracking(
        // Reference 2026-04.
        CallSpec::new("DescribeDcdnRefreshTaskById", "dcdn:DescribeDcdnRefreshTaskById", Rate::per_second(30)).ids(10),
        // 5 in DCDN guide 2025-09, 10 in reference 2026-04; the lower one is safe. The rows: reference 2026-04.
        CallSpec::new("DescribeDcdnRefreshTasks", "dcdn:DescribeDcdnRefreshTasks", Rate::per_second(5)).rows(50),
    ),
    // Reference 2026-04.
    quota: quota(CallSpec::new("DescribeDcdnRefreshQuota", "dcdn:DescribeDcdnRefreshQuota", Rate::per_second(20))),
    queries: QuerySpec::NOTHING,
    signs: &["alicloud_dcdn_domain"],
    ..CDN_SPEC
};

/// DCDN, version 2018-01-15.
pub(super) static DCDN: Product = Product {
    version: "2018-01-15",
    prefetch_ids: "PreloadTaskId", // reference 2026-04
};

/// Of all refreshes but that of tags: DCDN guide 2025-09.
const REFRESH: CallSpec =
    CallSpec::new("RefreshDcdnObjectCaches", "dcdn:RefreshDcdnObjectCaches", Rate::per_second(30));

/// The permission is named as all of this vendor are; how often is not documented: as often as the slowest call of CDN.
const TAGS: CallSpec =
    CallSpec::new("RefreshDcdnObjectCacheByCacheTag", "dcdn:RefreshDcdnObjectCacheByCacheTag", Rate::per_second(10));

/// DCDN guide 2025-09.
const PREFETCH: CallSpec =
    CallSpec::new("PreloadDcdnObjectCaches", "dcdn:PreloadDcdnObjectCaches", Rate::per_second(15));
