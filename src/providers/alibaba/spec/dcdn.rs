//! DCDN, API version 2018-01-15: how it differs from CDN. The sources are named in `spec.rs`.

use super::cdn::CDN_SPEC;
use super::{AREA, HEADERS, L2_PRELOAD, Product, QUERY_HASH_KEY, SIGNATURE, takes, takes_tags};
use crate::model::Kind::{Directory, File, IgnoreParams, Regex};
use crate::model::Operation::{Prefetch, Refresh};
use crate::provider::{Asks, CallSpec, EndpointSpec, OptionSpec, Spec};

/// Alibaba Cloud DCDN, API version 2018-01-15.
pub static ALIBABA_DCDN: Spec = Spec {
    name: "alibaba-dcdn",
    title: "Alibaba Cloud DCDN",
    docs: "https://www.alibabacloud.com/help/en/dcdn/developer-reference/api-dcdn-2018-01-15-overview",
    endpoints: &[EndpointSpec { region: "everywhere", url: "https://dcdn.aliyuncs.com" }], // reference 2026-04
    options: &[AREA, L2_PRELOAD, HEADERS, QUERY_HASH_KEY, SIGNATURE, OptionSpec::PREFETCH_DELAY],
    operations: &[
        takes(Refresh(File), REFRESH, 1_000, Some(10_000), "Url"), // DCDN guide 2025-09
        takes(Refresh(Directory), REFRESH, 100, Some(100), "Dir"), // DCDN guide 2025-09
        // Neither is documented: as for CDN and as for files, and DescribeDcdnRefreshQuota says what a day has.
        takes(Refresh(Regex), REFRESH, 1, None, "Regex"),
        takes(Refresh(IgnoreParams), REFRESH, 1_000, None, "IgnoreParams"),
        takes_tags(TAGS),
        takes(Prefetch, PREFETCH, 100, Some(1_000), "Preload"), // DCDN guide 2025-09
    ],
    // Reference 2026-04.
    status: CallSpec::new("DescribeDcdnRefreshTaskById", "dcdn:DescribeDcdnRefreshTaskById", 30.0).ids(10),
    // 5 in DCDN guide 2025-09, 10 in reference 2026-04; the lower one is safe. The rows: reference 2026-04.
    records: CallSpec::new("DescribeDcdnRefreshTasks", "dcdn:DescribeDcdnRefreshTasks", 5.0).rows(50),
    quota: CallSpec::new("DescribeDcdnRefreshQuota", "dcdn:DescribeDcdnRefreshQuota", 20.0), // reference 2026-04
    asks: Asks::NOTHING,
    ..CDN_SPEC
};

/// DCDN, version 2018-01-15.
pub(super) static DCDN: Product = Product {
    version: "2018-01-15",
    prefetch_ids: "PreloadTaskId", // reference 2026-04
};

/// Of all refreshes but that of tags: DCDN guide 2025-09.
const REFRESH: CallSpec = CallSpec::new("RefreshDcdnObjectCaches", "dcdn:RefreshDcdnObjectCaches", 30.0);

/// The permission is named as all of this vendor are; how often is not documented: as often as the slowest call of CDN.
const TAGS: CallSpec = CallSpec::new("RefreshDcdnObjectCacheByCacheTag", "dcdn:RefreshDcdnObjectCacheByCacheTag", 10.0);

/// DCDN guide 2025-09.
const PREFETCH: CallSpec = CallSpec::new("PreloadDcdnObjectCaches", "dcdn:PreloadDcdnObjectCaches", 15.0);
