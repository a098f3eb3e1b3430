//! DCDN, API version 2018-01-15; the sources are named in `spec.rs`.

use std::time::Duration;

use super::super::Alibaba;
use super::super::credentials::Sts;
use super::super::emulator::AlibabaEmulator;
use super::keys::{CREDENTIALS, PROFILES};
use super::{AREA, HEADERS, L2_PRELOAD, POLICY, Product, QUERY_HASH_KEY, SIGNATURE, ask, days, submission};
use crate::model::{Kind, Operation};
use crate::provider::{Asks, CallSpec, EndpointSpec, OperationSpec, OptionSpec, Spec};

/// Alibaba Cloud DCDN, API version 2018-01-15.
pub static ALIBABA_DCDN: Spec = Spec {
    name: "alibaba-dcdn",
    title: "Alibaba Cloud DCDN",
    docs: "https://www.alibabacloud.com/help/en/dcdn/developer-reference/api-dcdn-2018-01-15-overview",
    endpoints: &[EndpointSpec { region: "everywhere", url: "https://dcdn.aliyuncs.com" }], // reference 2026-04
    options: &[AREA, L2_PRELOAD, HEADERS, QUERY_HASH_KEY, SIGNATURE, OptionSpec::SETTLE],
    credentials: CREDENTIALS,
    exchange: Some(&Sts),
    profiles: PROFILES,
    operations: &[
        OperationSpec {
            per_call: 1_000,       // DCDN guide 2025-09
            per_day: Some(10_000), // DCDN guide 2025-09
            ..refresh(Kind::File)
        },
        OperationSpec {
            per_call: 100,      // DCDN guide 2025-09
            per_day: Some(100), // DCDN guide 2025-09
            ..refresh(Kind::Directory)
        },
        OperationSpec {
            per_call: 1,   // not documented; taken as for CDN
            per_day: None, // not documented; DescribeDcdnRefreshQuota says it
            ..refresh(Kind::Regex)
        },
        OperationSpec {
            per_call: 1_000, // not documented; taken as for files
            per_day: None,   // not documented; DescribeDcdnRefreshQuota says it
            ..refresh(Kind::IgnoreParams)
        },
        OperationSpec {
            per_call: 100,           // not documented; a call that is too large is halved
            per_day: None,           // not documented
            hosts_per_call: Some(1), // DomainName is one domain: reference 2026-04
            calls_per_second: 10.0,  // not documented; that of the slowest call here
            ..submission(
                Operation::Refresh(Kind::Tag),
                "RefreshDcdnObjectCacheByCacheTag",
                "dcdn:RefreshDcdnObjectCacheByCacheTag", // named as all permissions of this vendor are
            )
        },
        OperationSpec {
            per_call: 100,          // DCDN guide 2025-09
            per_day: Some(1_000),   // DCDN guide 2025-09
            calls_per_second: 15.0, // DCDN guide 2025-09
            ..submission(Operation::Prefetch, "PreloadDcdnObjectCaches", "dcdn:PreloadDcdnObjectCaches")
        },
    ],
    status: CallSpec {
        ids_per_call: 10,                                                               // reference 2026-04
        ..ask("DescribeDcdnRefreshTaskById", "dcdn:DescribeDcdnRefreshTaskById", 30.0)  // reference 2026-04
    },
    records: CallSpec {
        rows_per_page: 50, // reference 2026-04
        // 5 in DCDN guide 2025-09, 10 in reference 2026-04; the lower one is safe.
        ..ask("DescribeDcdnRefreshTasks", "dcdn:DescribeDcdnRefreshTasks", 5.0)
    },
    records_kept: days(3), // reference 2026-04
    records_span: days(3), // reference 2026-04
    quota: ask("DescribeDcdnRefreshQuota", "dcdn:DescribeDcdnRefreshQuota", 20.0), // reference 2026-04
    quota_reset: "00:00 UTC+8", // documented for CDN; taken as the same
    url_characters: 1_024, // DCDN guide 2025-09
    settle: Duration::ZERO, // no page asks for a pause
    asks: Asks::NOTHING,
    policy: POLICY,
    open: |opening| Box::new(Alibaba::open(&DCDN, opening)),
    emulator: |settings| Box::new(AlibabaEmulator::new(&ALIBABA_DCDN, &DCDN, settings)),
};

/// What the four types of a refresh share.
const fn refresh(kind: Kind) -> OperationSpec {
    OperationSpec {
        calls_per_second: 30.0, // DCDN guide 2025-09
        ..submission(Operation::Refresh(kind), "RefreshDcdnObjectCaches", "dcdn:RefreshDcdnObjectCaches")
    }
}

/// DCDN, version 2018-01-15.
static DCDN: Product = Product {
    version: "2018-01-15",
    refresh_in_form: false,        // reference 2026-04
    refresh_ids: "RefreshTaskId",  // reference 2026-04; an old example says PushTaskId
    prefetch_ids: "PreloadTaskId", // reference 2026-04
    prefetch_options: &[
        ("Area", "area"), // this and the following: reference 2026-04
        ("L2Preload", "l2-preload"),
        ("WithHeader", "headers"),
        ("QueryHashkey", "query-hash-key"),
    ],
    rows: "Task", // reference 2026-04
    quota: &[
        (Operation::Refresh(Kind::File), "Url"), // this and the following: reference 2026-04
        (Operation::Refresh(Kind::Directory), "Dir"),
        (Operation::Refresh(Kind::Regex), "Regex"),
        (Operation::Refresh(Kind::IgnoreParams), "IgnoreParams"),
        (Operation::Prefetch, "Preload"),
    ],
    log_page: "PageIndex",   // not asked for
    measures_as_text: false, // not asked for
};
