//! The CDN of ApsaraVideo VOD, API version 2017-03-21; the sources are named in `spec.rs`.

use std::time::Duration;

use super::super::Alibaba;
use super::super::credentials::Sts;
use super::super::emulator::AlibabaEmulator;
use super::keys::{CREDENTIALS, PROFILES};
use super::{AREA, DAY, HEADERS, L2_PRELOAD, POLICY, Product, SIGNATURE, ask, days, interval, submission};
use crate::model::{Kind, Operation};
use crate::provider::{
    Asks, CallSpec, EndpointSpec, IntervalSpec, LogSpec, MeasureSpec, OperationSpec, OptionSpec, Spec,
};

/// ApsaraVideo VOD's CDN, API version 2017-03-21.
pub static ALIBABA_VOD: Spec = Spec {
    name: "alibaba-vod",
    title: "ApsaraVideo VOD",
    docs: "https://www.alibabacloud.com/help/en/vod/developer-reference/api-vod-2017-03-21-overview",
    // These calls are available in China (Shanghai) only: VOD page 2026-08.
    endpoints: &[EndpointSpec { region: "cn-shanghai", url: "https://vod.cn-shanghai.aliyuncs.com" }],
    options: &[AREA, L2_PRELOAD, HEADERS, SIGNATURE, OptionSpec::SETTLE],
    credentials: CREDENTIALS,
    exchange: Some(&Sts),
    profiles: PROFILES,
    operations: &[
        OperationSpec {
            per_call: 1_000,      // not documented; taken as for CDN, and a call that is too large is halved
            per_day: Some(2_000), // reference 2026-04
            ..refresh(Kind::File)
        },
        OperationSpec {
            per_call: 100,      // as many as a day has: reference 2026-04
            per_day: Some(100), // reference 2026-04
            ..refresh(Kind::Directory)
        },
        OperationSpec {
            per_call: 1,   // not documented; taken as for CDN
            per_day: None, // not documented, and the quota doesn't say it
            ..refresh(Kind::Regex)
        },
        OperationSpec {
            per_call: 1_000, // not documented; taken as for files
            per_day: None,   // not documented, and the quota doesn't say it
            ..refresh(Kind::IgnoreParams)
        },
        OperationSpec {
            per_call: 100,          // 1,000 are refused: reference 2026-04; taken as for CDN
            per_day: Some(500),     // reference 2026-04
            calls_per_second: 30.0, // VOD guide 2021-07
            ..submission(Operation::Prefetch, "PreloadVodObjectCaches", "vod:PreloadVodObjectCaches")
        },
    ],
    // There is no call by id: the list is asked, one id at a time.
    status: CallSpec { ..RECORDS },
    records: CallSpec { ..RECORDS },
    records_kept: days(3),                                                      // reference 2026-04
    records_span: days(3),                                                      // reference 2026-04
    quota: ask("DescribeVodRefreshQuota", "vod:DescribeVodRefreshQuota", 30.0), // VOD guide 2021-07
    quota_reset: "00:00 UTC+8",                                                 // documented for CDN; taken as the same
    url_characters: 1_024,  // documented for CDN, reference 2026-04; taken as the same
    settle: Duration::ZERO, // no page asks for a pause
    asks: Asks {
        traffic: Some(MeasureSpec {
            call: ask("DescribeVodDomainTrafficData", "vod:DescribeVodDomainTrafficData", 30.0), // VOD guide 2021-07
            domains_per_call: 500,                                                               // reference 2026-04
            intervals: INTERVALS,
        }),
        bandwidth: Some(MeasureSpec {
            call: ask("DescribeVodDomainBpsData", "vod:DescribeVodDomainBpsData", 30.0), // VOD guide 2021-07
            domains_per_call: 500,                                                       // reference 2026-04
            intervals: INTERVALS,
        }),
        logs: Some(LogSpec {
            call: CallSpec {
                rows_per_page: 300, // the default; 1,000 at most: reference 2026-04
                ..ask("DescribeVodDomainLog", "vod:DescribeVodDomainLog", 30.0)  // VOD guide 2021-07
            },
            span: days(31), // a year is documented, reference 2026-04; a month keeps the number of pages small
            kept: days(365), // not documented; the longest range that may be asked for
        }),
        domains: None, // VOD has no call for it among those of its CDN
    },
    policy: POLICY,
    open: |opening| Box::new(Alibaba::open(&VOD, opening)),
    emulator: |settings| Box::new(AlibabaEmulator::new(&ALIBABA_VOD, &VOD, settings)),
};

const RECORDS: CallSpec = CallSpec {
    rows_per_page: 50,                                                     // reference 2026-04
    ..ask("DescribeVodRefreshTasks", "vod:DescribeVodRefreshTasks", 30.0)  // VOD guide 2021-07
};

/// The reference has an interval for each length of range: 300 s below three days, an hour below 31, else a day. How long
/// points are kept is the 90 days of an older text (VOD guide 2021-07).
const INTERVALS: &[IntervalSpec] = &[
    interval(300, Duration::from_secs(3 * DAY - 300), days(90)),
    interval(3_600, Duration::from_secs(31 * DAY - 3_600), days(90)),
    interval(86_400, days(90), days(90)),
];

/// What the four types of a refresh share.
const fn refresh(kind: Kind) -> OperationSpec {
    OperationSpec {
        calls_per_second: 30.0, // VOD guide 2021-07
        ..submission(Operation::Refresh(kind), "RefreshVodObjectCaches", "vod:RefreshVodObjectCaches")
    }
}

/// VOD, version 2017-03-21.
static VOD: Product = Product {
    version: "2017-03-21",
    refresh_in_form: false,        // reference 2026-04
    refresh_ids: "RefreshTaskId",  // reference 2026-04
    prefetch_ids: "PreloadTaskId", // reference 2026-04
    prefetch_options: &[
        ("Area", "area"), // this and the following: reference 2026-04
        ("L2Preload", "l2-preload"),
        ("WithHeader", "headers"),
    ],
    rows: "Task", // reference 2026-04
    quota: &[
        (Operation::Refresh(Kind::File), "Url"), // this and the following: reference 2026-04
        (Operation::Refresh(Kind::Directory), "Dir"),
        (Operation::Prefetch, "Preload"),
    ],
    log_page: "PageNumber",  // reference 2026-04
    measures_as_text: false, // VOD guide 2021-07 shows numbers
};
