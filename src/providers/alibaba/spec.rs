//! Alibaba Cloud's products as data: limits, options, names in requests and answers, and what each error code allows.
//!
//! CDN, DCDN and VOD are a [`Spec`](crate::provider::Spec) and a [`Product`] each, with the same code behind them.
//!
//! Sources, as the comments name them:
//! - `reference 2026-04`: the OpenAPI metadata of the vendor, github.com/aliyun/aliyun-openapi-meta at 2563691 of
//!   2026-04-21, and the operation notes inside @alicloud/cdn20180510 5.0.0, dcdn20180115 2.5.0 and
//!   alibabacloud_vod20170321 3.6.1, which say the same
//! - `guide 2021-07`: github.com/AlibabaCloudDocs/cdn, July 2021
//! - `DCDN guide 2025-09`: the DCDN pages of help.aliyun.com as of September 2025
//! - `prefetch page 2024-11`: the PushObjectCache page of help.aliyun.com, November 2024
//! - `gateway codes 2026`: help.aliyun.com/document_detail/434846
//! - `terraform 2026`: terraform-provider-alicloud at 81c43b6, its list of errors that are worth a retry

//! - `VOD page 2026-08`: the VOD pages of help.aliyun.com, August 2026
//! - `VOD guide 2021-07`: github.com/AlibabaCloudDocs/vod, July 2021

use std::time::Duration;

use crate::model::{Kind, Operation};
use crate::provider::{CallSpec, IntervalSpec, OperationSpec, OptionSpec, OptionValueSpec, PolicySpec};

mod cdn;
mod codes;
mod dcdn;
mod keys;
mod vod;

pub use cdn::ALIBABA_CDN;
#[cfg(test)]
pub(super) use cdn::CDN;
pub(super) use codes::CODES;
pub use dcdn::ALIBABA_DCDN;
#[cfg(test)]
pub(super) use keys::PROFILES;
pub(super) use keys::{EXCHANGE, KEYS};
pub use vod::ALIBABA_VOD;

/// The names that differ between the vendor's products and that nobody outside this folder needs.
pub(super) struct Product {
    /// Of the API.
    pub(super) version: &'static str,
    /// Whether a refresh's parameters travel in a form body.
    pub(super) refresh_in_form: bool,
    /// Where the answer to a refresh holds its task ids.
    pub(super) refresh_ids: &'static str,
    /// Where the answer to a prefetch holds its task ids.
    pub(super) prefetch_ids: &'static str,
    /// The parameters of a prefetch, each with the option of a target that sets it.
    pub(super) prefetch_options: &'static [(&'static str, &'static str)],
    /// The level between `Tasks` and the rows in the answer to a list of records.
    pub(super) rows: &'static str,
    /// How the fields of a quota begin: `Url` for `UrlQuota` and `UrlRemain`.
    pub(super) quota: &'static [(Operation, &'static str)],
    /// The name of a page's number in the answer to a list of log files.
    pub(super) log_page: &'static str,
    /// Whether measured values come as text.
    pub(super) measures_as_text: bool,
}

/// The word for a kind in `ObjectType`.
pub(super) fn object_type(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "File",                 // reference 2026-04
        Kind::Directory => "Directory",       // reference 2026-04
        Kind::Regex => "Regex",               // reference 2026-04
        Kind::IgnoreParams => "IgnoreParams", // reference 2026-04 in Chinese; its English text still says ExQuery
        Kind::Tag => "CacheTag",              // never sent: tags have a call of their own, without this parameter
    }
}

/// So many addresses travel in a request line; not documented: gateways of its kind cut at 8 KiB, with the other parameters.
const REQUEST_LINE_BYTES: Option<usize> = Some(7_500);

const DAY: u64 = 24 * 3600;

/// Days of 24 hours.
const fn days(count: u64) -> Duration {
    Duration::from_secs(count * DAY)
}

const fn interval(seconds: u64, span: Duration, kept: Duration) -> IntervalSpec {
    IntervalSpec { interval: Duration::from_secs(seconds), span, kept }
}

/// A call that only asks, for one thing, with an answer in one piece.
const fn ask(api: &'static str, permission: &'static str, calls_per_second: f64) -> CallSpec {
    CallSpec { api, permission, calls_per_second, ids_per_call: 1, rows_per_page: 0 }
}

/// A kind of refresh, or a prefetch, without the limits that differ: they are set beside each.
const fn submission(operation: Operation, api: &'static str, permission: &'static str) -> OperationSpec {
    OperationSpec {
        operation,
        api,
        permission,
        per_call: 1,
        per_day: None,
        hosts_per_call: Some(10), // documented for a refresh, reference 2026-04; taken as the same for a prefetch
        request_line_bytes: REQUEST_LINE_BYTES,
        calls_per_second: 10.0,
        typical: match operation {
            Operation::Refresh(_) => Duration::from_secs(330), // 5 to 6 minutes, reference 2026-04
            Operation::Prefetch => Duration::from_secs(600),   // 5 to 30 minutes, reference 2026-04
        },
    }
}

const AREA: OptionSpec = OptionSpec {
    name: "area",
    help: "prefetch inside (`domestic`) or outside (`overseas`) the Chinese mainland only; unset: both",
    value: OptionValueSpec::OneOf(&["domestic", "overseas"]),
};

const L2_PRELOAD: OptionSpec = OptionSpec {
    name: "l2-preload",
    help: "prefetch only to the layer of nodes that fetches from the origin",
    value: OptionValueSpec::Boolean,
};

const HEADERS: OptionSpec = OptionSpec {
    name: "headers",
    help: "request headers of a prefetch; unset: `Accept-Encoding: gzip`",
    value: OptionValueSpec::Headers,
};

const QUERY_HASH_KEY: OptionSpec = OptionSpec {
    name: "query-hash-key",
    help: "take the cache key of a prefetch from the domain's settings; unset: the address is the key",
    value: OptionValueSpec::Boolean,
};

const CONSISTENCY_HASH: OptionSpec = OptionSpec {
    name: "consistency-hash",
    help: "prefetch by hash, for mainland domains that fetch from the origin by hash",
    value: OptionValueSpec::Boolean,
};

const SIGNATURE: OptionSpec = OptionSpec {
    name: "signature",
    help: "`v3` (ACS3-HMAC-SHA256), or `v1` (HMAC-SHA1) for a private gateway that knows no other; unset: `v3`",
    value: OptionValueSpec::OneOf(&["v3", "v1"]),
};

/// For every resource: not each of these calls can be narrowed to a domain. Source: "Policy structure and syntax" of 2026-05-27,
/// www.alibabacloud.com/help/document_detail/93739.html
const POLICY: PolicySpec = PolicySpec { version: "1", resource: Some("*"), always: &[] };
