//! Bunny as data: limits, options, and what each error key allows.
//!
//! Sources, as the comments name them:
//! - `limits 2026`: "Purge Rate Limits" of docs.bunny.net, a stored copy of November 2026
//! - `reference 2026`: the API reference of docs.bunny.net, stored copies read in November 2026
//! - `clients 2026`: the community clients bunny-sdk 0.0.16 (PyPI) and 0.0.31 (npm), and others, read in November 2026
//! - `issue 25`: cp6/BunnyCDN-API #25, 2023

use std::time::Duration;

use crate::model::Operation::Refresh;
use crate::model::RefreshKind;
use crate::provider::ApiErrorKind::{Credentials, Denied, Forbidden, Refused};
use crate::provider::OptionValueSpec::Text;
use crate::provider::credentials::{CredentialSpec, Part};
use crate::provider::error_format::{Code, ErrorFormat};
use crate::provider::{CallSpec, EndpointSpec, OperationSpec, OptionSpec, PolicySpec, QuerySpec, Rate, Spec};

/// Bunny.
pub static BUNNY: Spec = Spec {
    name: "bunny",
    title: "bunny.net",
    docs: "https://docs.bunny.net/docs/cdn-purge-cache",
    endpoints: &[EndpointSpec { region: "global", url: "https://api.bunny.net" }], // reference 2026
    options: &[OptionSpec::new("pull-zone", Text).help("id of the pull zone of the URLs; unset: found by the host")],
    credentials: &[
        CredentialSpec(&[Part::Token.from("BUNNY_API_KEY")]), // clients 2026
        CredentialSpec(&[Part::Token.from("BUNNYNET_API_KEY")]), // the Terraform provider, from memory
        CredentialSpec(&[Part::Token.from("BUNNY_ACCESS_KEY")]), // clients 2026
    ],
    operations: &[
        OperationSpec::new(Refresh(RefreshKind::Url), PURGE, 1, None, "").at_once().resent(),
        OperationSpec::new(Refresh(RefreshKind::Directory), PURGE_BELOW, 1, None, "").at_once().resent(),
        OperationSpec::new(Refresh(RefreshKind::Prefix), PURGE_BELOW, 1, None, "").at_once().resent(),
        OperationSpec::new(Refresh(RefreshKind::Tag), PURGE_ZONE, 1, None, "").at_once().resent(),
        // It empties what was filled since, so it isn't sent again where it may have been executed.
        OperationSpec::new(Refresh(RefreshKind::Everything), PURGE_ZONE, 1, None, "").at_once(),
    ],
    tracking: None,
    quota: None,
    signature_validity: Duration::from_mins(15), // nothing is signed
    url_characters: 2_048,                       // not documented; percent-encoded once more it must fit a request line
    prefetch_delay: Duration::ZERO,
    queries: QuerySpec { domains: Some(ZONES), ..QuerySpec::NOTHING },
    policy: PolicySpec::NAMES,
    signs: &["bunnynet_pullzone", "bunnynet_pullzone_hostname"],
};

/// The account's key can do everything: there are no smaller ones in the public reference (reference 2026).
const KEY: &str = "the account's API key";

/// URLs, 120 at once, then 5 a second: limits 2026.
const PURGE: CallSpec = CallSpec::new("purge", KEY, Rate::per_second(5).burst(120));
/// What ends in `/` or `*`, 20 at once, then one each two seconds: limits 2026.
const PURGE_BELOW: CallSpec = CallSpec::new("purge", KEY, Rate::per_minute(30).burst(20));
/// Not documented: as for directories.
const PURGE_ZONE: CallSpec = CallSpec::new("purgeCache", KEY, Rate::per_minute(30).burst(20));
/// How often isn't documented. Up to 1,000 rows: clients 2026.
pub(super) const ZONES: CallSpec = CallSpec::new("pullzone", KEY, Rate::per_second(4)).rows(1_000);

pub(super) static ERROR_FORMAT: ErrorFormat = ErrorFormat {
    may_be_empty: true, // 204, or 200 without a body: reference 2026
    // Not documented, but a body that names an error is no success, whatever its status.
    errors_may_look_good: true,
    code: &["ErrorKey"],
    message: &["Message"],
    status_is_code: true, // a 401 has no key: clients 2026
    total: "TotalItems",
    codes: CODES,
    by_status: |status, has_code| match status {
        400 => Some(Refused),
        401 => Some(Credentials),
        403 if has_code => Some(Forbidden),
        404 => Some(Denied),
        _ => None,
    },
    ..ErrorFormat::USUAL
};

static CODES: &[Code] = &[
    Code::new(Credentials, "set the API key of the account, not the password of a storage zone", &["401"]), // clients 2026
    // Issue 25.
    Code::new(
        Denied,
        "the host must be one of a pull zone's hostnames in the account of the key",
        &["pullZone.not_found"],
    ),
];
