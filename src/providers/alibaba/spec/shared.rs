//! What the vendor's products share: options, limits, names in requests and answers. `spec.rs` names the sources.

use std::time::Duration;

use crate::model::{Operation, PurgeMode, RefreshKind};
use crate::provider::OptionValueSpec::{Boolean, Headers, OneOf};
use crate::provider::{CallSpec, IntervalSpec, MeasureSpec, OperationSpec, OptionSpec};

/// The names that differ between the vendor's products and that nobody outside this folder needs.
pub(in crate::providers::alibaba) struct Product {
    /// Of the API.
    pub(in crate::providers::alibaba) version: &'static str,
    /// Where the answer to a prefetch holds its task ids.
    pub(in crate::providers::alibaba) prefetch_ids: &'static str,
}

/// Where the answer to a refresh holds its task ids.
pub(in crate::providers::alibaba) const REFRESH_IDS: &str = "RefreshTaskId"; // reference 2026-04; an old example of DCDN says PushTaskId

/// The word for a kind in `ObjectType`.
pub(in crate::providers::alibaba) fn object_type(kind: RefreshKind) -> &'static str {
    match kind {
        RefreshKind::Url => "File",              // reference 2026-04
        RefreshKind::Directory => "Directory",   // reference 2026-04
        RefreshKind::Regex => "Regex",           // reference 2026-04
        RefreshKind::AnyQuery => "IgnoreParams", // reference 2026-04 in Chinese; its English text still says ExQuery
        _ => "CacheTag", // never sent: tags have a call of their own, without this parameter, and the others aren't offered
    }
}

/// An operation that takes so many URLs in a call, and in a day where that is documented; with how the fields of a quota
/// begin: `UrlQuota`, `UrlRemain` (reference 2026-04).
pub(super) const fn takes(
    operation: Operation,
    call: CallSpec,
    per_call: usize,
    per_day: Option<u64>,
    quota: &'static str,
) -> OperationSpec {
    OperationSpec {
        hosts_per_call: Some(10), // documented for a refresh, reference 2026-04; taken as the same for a prefetch
        request_line_bytes: Some(7_500), // not documented: gateways of its kind cut it at 8 KiB, with the other parameters
        // A prefetch 5 to 30 minutes, a refresh 5 to 6: reference 2026-04.
        typical: Duration::from_secs(if matches!(operation, Operation::Prefetch) { 600 } else { 330 }),
        // `Force` deletes instead of comparing; it has no meaning for single files: reference 2026-04.
        modes: match operation {
            Operation::Prefetch | Operation::Refresh(RefreshKind::Url) => &[],
            Operation::Refresh(_) => &[PurgeMode::Soft, PurgeMode::Hard],
        },
        ..OperationSpec::new(operation, call, per_call, per_day, quota)
    }
}

/// A refresh by tag. How many is not documented (a call that is too large is halved), and the quota doesn't say it.
pub(super) const fn takes_tags(call: CallSpec) -> OperationSpec {
    // `DomainName` is one domain: reference 2026-04.
    OperationSpec { hosts_per_call: Some(1), ..takes(Operation::Refresh(RefreshKind::Tag), call, 100, None, "") }
}

/// Bytes.
pub(super) const fn traffic(call: CallSpec, intervals: &'static [IntervalSpec]) -> MeasureSpec {
    MeasureSpec { call, name: "TrafficDataPerInterval", domains_per_call: 500, intervals } // reference 2026-04
}

/// Bits per second.
pub(super) const fn bandwidth(call: CallSpec, intervals: &'static [IntervalSpec]) -> MeasureSpec {
    MeasureSpec { call, name: "BpsDataPerInterval", domains_per_call: 500, intervals } // reference 2026-04
}

pub(super) const AREA: OptionSpec = OptionSpec::new("area", OneOf(&["domestic", "overseas"]))
    .help("prefetch inside (`domestic`) or outside (`overseas`) the Chinese mainland only; unset: both")
    .sent_as("Area"); // this and the following: reference 2026-04

pub(super) const L2_PRELOAD: OptionSpec = OptionSpec::new("l2-preload", Boolean)
    .help("prefetch only to the layer of nodes that fetches from the origin")
    .sent_as("L2Preload");

pub(super) const HEADERS: OptionSpec = OptionSpec::new("headers", Headers)
    .help("request headers of a prefetch; unset: `Accept-Encoding: gzip`, which an empty value leaves out") // reference 2026-04
    .sent_as("WithHeader");

pub(super) const QUERY_HASH_KEY: OptionSpec = OptionSpec::new("query-hash-key", Boolean)
    .help("take the cache key of a prefetch from the domain's settings; unset: the URL is the key")
    .sent_as("QueryHashkey");

pub(super) const CONSISTENCY_HASH: OptionSpec = OptionSpec::new("consistency-hash", Boolean)
    .help("prefetch by hash, for mainland domains that fetch from the origin by hash")
    .sent_as("ConsistencyHash");

pub(super) const SIGNATURE: OptionSpec = OptionSpec::new("signature", OneOf(&["v3", "v1"]))
    .help("`v3` (ACS3-HMAC-SHA256), or `v1` (HMAC-SHA1) for a private gateway that knows no other; unset: `v3`");
