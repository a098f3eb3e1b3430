//! CDN, API version 2018-05-10; the sources are named in `spec.rs`.

use std::time::Duration;

use super::super::Alibaba;
use super::super::credentials::Sts;
use super::super::emulator::AlibabaEmulator;
use super::keys::{CREDENTIALS, PROFILES};
use super::{
    AREA, CONSISTENCY_HASH, HEADERS, L2_PRELOAD, POLICY, Product, QUERY_HASH_KEY, SIGNATURE, ask, days, interval,
    submission,
};
use crate::model::{Kind, Operation};
use crate::provider::{
    Asks, CallSpec, EndpointSpec, IntervalSpec, LogSpec, MeasureSpec, OperationSpec, OptionSpec, OptionValueSpec, Spec,
};

/// Alibaba Cloud CDN, API version 2018-05-10.
pub static ALIBABA_CDN: Spec = Spec {
    name: "alibaba-cdn",
    title: "Alibaba Cloud CDN",
    docs: "https://www.alibabacloud.com/help/en/cdn/developer-reference/api-cdn-2018-05-10-overview",
    endpoints: &[
        EndpointSpec { region: "mainland", url: "https://cdn.aliyuncs.com" }, // reference 2026-04
        EndpointSpec { region: "overseas", url: "https://cdn.ap-southeast-1.aliyuncs.com" }, // reference 2026-04
    ],
    options: &[
        OptionSpec {
            name: "region",
            help: "where the API is asked: in the Chinese `mainland`, or `overseas` in Singapore; unset: `mainland`",
            value: OptionValueSpec::OneOf(&["mainland", "overseas"]),
        },
        AREA,
        L2_PRELOAD,
        HEADERS,
        QUERY_HASH_KEY,
        CONSISTENCY_HASH,
        SIGNATURE,
        OptionSpec::SETTLE,
    ],
    credentials: CREDENTIALS,
    exchange: Some(&Sts),
    profiles: PROFILES,
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
            per_call: 100,           // not documented; a call that is too large is halved
            per_day: None,           // not documented
            hosts_per_call: Some(1), // DomainName is one domain: reference 2026-04
            calls_per_second: 10.0,  // not documented; that of the slowest call here
            ..submission(
                Operation::Refresh(Kind::Tag),
                "RefreshObjectCacheByCacheTag",
                "cdn:RefreshObjectCacheByCacheTag", // the page of this call at help.aliyun.com, read 2026-11
            )
        },
        OperationSpec {
            per_call: 100,          // reference 2026-04
            per_day: Some(1_000),   // reference 2026-04
            calls_per_second: 50.0, // prefetch page 2024-11
            ..submission(Operation::Prefetch, "PushObjectCache", "cdn:PushObjectCache")
        },
    ],
    status: CallSpec {
        ids_per_call: 10,                                                      // reference 2026-04
        ..ask("DescribeRefreshTaskById", "cdn:DescribeRefreshTaskById", 30.0)  // reference 2026-04; there is no paging
    },
    records: CallSpec {
        rows_per_page: 100, // reference 2026-04
        // DCDN guide 2025-09; 10 in reference 2026-04, and the lower one is safe. A list of ids is not documented.
        ..ask("DescribeRefreshTasks", "cdn:DescribeRefreshTasks", 5.0)
    },
    records_kept: days(3),                                                // reference 2026-04
    records_span: days(3),                                                // reference 2026-04
    quota: ask("DescribeRefreshQuota", "cdn:DescribeRefreshQuota", 20.0), // reference 2026-04
    quota_reset: "00:00 UTC+8", // the quota management page of help.aliyun.com, read 2026-11
    url_characters: 1_024,      // reference 2026-04
    settle: Duration::ZERO,     // no page asks for a pause
    asks: Asks {
        traffic: Some(MeasureSpec {
            call: ask("DescribeDomainTrafficData", "cdn:DescribeDomainTrafficData", 100.0), // reference 2026-04
            domains_per_call: 500,                                                          // reference 2026-04
            intervals: INTERVALS,
        }),
        bandwidth: Some(MeasureSpec {
            call: ask("DescribeDomainBpsData", "cdn:DescribeDomainBpsData", 150.0), // reference 2026-04
            domains_per_call: 500,                                                  // reference 2026-04
            intervals: INTERVALS,
        }),
        logs: Some(LogSpec {
            call: CallSpec {
                rows_per_page: 300, // the default; 1,000 at most: reference 2026-04
                ..ask("DescribeCdnDomainLogs", "cdn:DescribeCdnDomainLogs", 100.0)  // reference 2026-04
            },
            span: days(1),  // not documented; a day is what is listed without times
            kept: days(31), // reference 2026-04
        }),
        domains: Some(CallSpec {
            rows_per_page: 500,                                             // reference 2026-04
            ..ask("DescribeUserDomains", "cdn:DescribeUserDomains", 100.0)  // reference 2026-04
        }),
    },
    policy: POLICY,
    open: |opening| Box::new(Alibaba::open(&CDN, opening)),
    emulator: |settings| Box::new(AlibabaEmulator::new(&ALIBABA_CDN, &CDN, settings)),
};

/// Of traffic and bandwidth alike: reference 2026-04.
const INTERVALS: &[IntervalSpec] =
    &[interval(300, days(3), days(93)), interval(3_600, days(31), days(186)), interval(86_400, days(366), days(366))];

/// What the four types of a refresh share.
const fn refresh(kind: Kind) -> OperationSpec {
    OperationSpec {
        request_line_bytes: None, // the addresses travel in the body, reference 2026-04
        calls_per_second: 50.0,   // reference 2026-04
        ..submission(Operation::Refresh(kind), "RefreshObjectCaches", "cdn:RefreshObjectCaches")
    }
}

/// CDN, version 2018-05-10.
pub(in crate::providers::alibaba) static CDN: Product = Product {
    version: "2018-05-10",
    refresh_in_form: true,        // reference 2026-04
    refresh_ids: "RefreshTaskId", // reference 2026-04
    prefetch_ids: "PushTaskId",   // reference 2026-04
    prefetch_options: &[
        ("Area", "area"), // this and the following: reference 2026-04
        ("L2Preload", "l2-preload"),
        ("WithHeader", "headers"),
        ("QueryHashkey", "query-hash-key"),
        ("ConsistencyHash", "consistency-hash"),
    ],
    rows: "CDNTask", // reference 2026-04
    quota: &[
        (Operation::Refresh(Kind::File), "Url"), // this and the following: reference 2026-04
        (Operation::Refresh(Kind::Directory), "Dir"),
        (Operation::Refresh(Kind::Regex), "Regex"),
        (Operation::Refresh(Kind::IgnoreParams), "IgnoreParams"),
        (Operation::Prefetch, "Preload"),
    ],
    log_page: "PageIndex",  // reference 2026-04
    measures_as_text: true, // guide 2021-07
};
