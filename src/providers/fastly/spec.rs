//! Fastly as data: limits, options, and what each status allows.
//!
//! Sources, as the comments name them:
//! - `sdk 15.0.0`: the clients fastly 15.0.0 for Python and 13.0.0 for JavaScript, November 2026
//! - `reference 2026`: the API reference of fastly.com/documentation (purging, index, tokens), stored copies read in November 2026
//! - `tests 2026`: test suites of other clients, read in November 2026

use std::time::Duration;

use crate::model::Operation::Refresh;
use crate::model::{PurgeMode, RefreshKind};
use crate::provider::ApiErrorKind::{Credentials, Denied, Forbidden, Refused};
use crate::provider::OptionValueSpec::Text;
use crate::provider::credentials::{CredentialSpec, Part};
use crate::provider::error_format::{Code, ErrorFormat};
use crate::provider::{CallSpec, EndpointSpec, OperationSpec, OptionSpec, PolicySpec, QuerySpec, Rate, Spec};

/// Fastly.
pub static FASTLY: Spec = Spec {
    name: "fastly",
    title: "Fastly",
    docs: "https://www.fastly.com/documentation/reference/api/purging/",
    endpoints: &[EndpointSpec { region: "global", url: "https://api.fastly.com" }], // sdk 15.0.0
    options: &[OptionSpec::new("service", Text).help("id of the service; cache tags and `everything` need it")],
    credentials: &[
        CredentialSpec(&[Part::Token.from("FASTLY_API_TOKEN")]), // sdk 15.0.0
        CredentialSpec(&[Part::Token.from("FASTLY_API_KEY")]),   // the Terraform provider, from memory
    ],
    operations: &[
        OperationSpec::new(Refresh(RefreshKind::Url), PURGE_URL, 1, None, "").modes(MODES).at_once().resent(),
        OperationSpec::new(Refresh(RefreshKind::Tag), PURGE_KEYS, 256, None, "").modes(MODES).at_once().resent(), // sdk 15.0.0
        // It empties what was filled since, so it isn't sent again where it may have been executed; a soft one isn't possible.
        OperationSpec {
            typical: Duration::from_secs(60), // reference 2026
            ..OperationSpec::new(Refresh(RefreshKind::Everything), PURGE_ALL, 1, None, "")
        },
    ],
    tracking: None,
    quota: None,
    signature_validity: Duration::from_mins(15), // nothing is signed
    url_characters: 4_096,                       // not documented: the usual
    prefetch_delay: Duration::ZERO,
    queries: QuerySpec { grants: Some(TOKEN), ..QuerySpec::NOTHING },
    policy: PolicySpec::NAMES,
    signs: &["fastly.toml", "fastly_service_vcl", "fastly_service_compute"],
};

const MODES: &[PurgeMode] = &[PurgeMode::Soft, PurgeMode::Hard];
const HOUR: Duration = Duration::from_hours(1);

/// The names of the scopes of a token: reference 2026.
pub(super) const PURGE_SELECT: &str = "purge_select";
pub(super) const PURGE_EVERYTHING: &str = "purge_all";

/// The names of calls are those of the vendor's clients; the rates: reference 2026.
const PURGE_URL: CallSpec = CallSpec::new("purge_single_url", PURGE_SELECT, Rate::in_window(100_000, HOUR));
/// Unproven: that each key counts, and not each call.
const PURGE_KEYS: CallSpec = CallSpec::new("bulk_purge_tag", PURGE_SELECT, Rate::in_window(100_000, HOUR).of_items());
const PURGE_ALL: CallSpec = CallSpec::new("purge_all", PURGE_EVERYTHING, Rate::in_window(1_000, HOUR));
/// How often isn't documented.
pub(super) const TOKEN: CallSpec = CallSpec::new("get_token_current", "", Rate::per_second(5));

/// The vendor has no codes: `msg` says what a status means (tests 2026), and may not be there.
pub(super) static ERROR_FORMAT: ErrorFormat = ErrorFormat {
    code: &[],
    message: &["msg", "detail"],
    status_is_code: true,
    reset: "fastly-ratelimit-reset", // reference 2026
    codes: CODES,
    by_status: |status, has_code| match status {
        400 => Some(Refused),
        401 => Some(Credentials),
        403 if has_code => Some(Forbidden),
        404 | 405 => Some(Denied),
        _ => None,
    },
    ..ErrorFormat::USUAL
};

static CODES: &[Code] = &[
    Code::new(Credentials, "set a token that is valid, and hasn't expired", &["401"]),
    Code::new(Forbidden, "give the token the scope `{permission}`, for this service", &["403"]),
    Code::new(
        Denied,
        "set the target's `service` to the id of a service of this account; a host must be one of its domains",
        &["404"],
    ),
];
