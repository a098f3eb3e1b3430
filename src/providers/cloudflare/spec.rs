//! Cloudflare as data: limits, options, and what each error code allows.
//!
//! Sources, as the comments name them:
//! - `limits 2026-07`: the purge limits of developers.cloudflare.com/cache/how-to/purge-cache, 2026-07-29; those of the Free plan
//! - `issue 21338`: cloudflare/cloudflare-docs #21338 (2025-04-02), and MnemeHQ/mneme #215 (2026-07-01): HTTP 400 above 30 URLs in a
//!   call, whatever the page says
//! - `issue 5458`: cloudflare/cloudflare-docs #5458 (2022-08-10): purges by tag, host, prefix and of everything count towards 1,200
//!   calls in five minutes
//! - `sdk 5.9.0`: the clients cloudflare 5.9.0 for Python and 7.3.0 for TypeScript, November 2026: paths, variables and notes
//! - `tests 2026`: test suites of other clients, read in November 2026
//! - `issue 25`, `issue 61`: cloudflare/cloudflare-php of these numbers

use std::time::Duration;

use crate::model::Operation::Refresh;
use crate::model::{PurgeMode, RefreshKind};
use crate::provider::ApiErrorKind::{Credentials, Denied, Refused, Server, Throttled};
use crate::provider::OptionValueSpec::{Headers, Number, Text};
use crate::provider::credentials::{CredentialSpec, Part};
use crate::provider::error_format::{Code, ErrorFormat, SentRequest};
use crate::provider::{
    ApiError, ApiErrorKind, CallSpec, EndpointSpec, OperationSpec, OptionSpec, PolicySpec, QuerySpec, Rate, SharedRate,
    Spec,
};

/// Cloudflare, API version 4.
pub static CLOUDFLARE: Spec = Spec {
    name: "cloudflare",
    title: "Cloudflare",
    docs: "https://developers.cloudflare.com/cache/how-to/purge-cache/",
    endpoints: &[EndpointSpec { region: "global", url: "https://api.cloudflare.com" }], // sdk 5.9.0
    options: &[
        OptionSpec::new("zone", Text).help("zone of the URLs, by id or name; unset: found by the host"),
        OptionSpec::new("files-per-call", Number(1, 500))
            .help("URLs in a request, if your plan takes more than 30; unset: `30`"),
        OptionSpec::new("headers", Headers)
            .help("request headers of the variant to purge, such as `CF-Device-Type: mobile`, one value each"),
    ],
    credentials: &[
        CredentialSpec(&[Part::Token.from("CLOUDFLARE_API_TOKEN")]), // sdk 5.9.0
        CredentialSpec(&[Part::Token.from("CF_API_TOKEN")]), // unproven: older versions of wrangler, from memory
        CredentialSpec(&[Part::Id.from("CLOUDFLARE_EMAIL"), Part::Secret.from("CLOUDFLARE_API_KEY")]), // sdk 5.9.0
    ],
    operations: &[
        OperationSpec { per_call_option: "files-per-call", ..purge(RefreshKind::Url, FILES, 30) }, // issue 21338
        // The other numbers: limits 2026-07.
        purge(RefreshKind::Directory, PURGE, 100),
        purge(RefreshKind::Prefix, PURGE, 100),
        purge(RefreshKind::Tag, PURGE, 100),
        // A prefix doesn't cover URLs: with a rule that rewrites paths it means the origin's path, and a URL the visitor's (prefix 2026).
        purge(RefreshKind::Host, PURGE, 100).covering(),
        // A second execution empties what was filled since, so it isn't sent again where it may have been executed.
        OperationSpec::new(Refresh(RefreshKind::Everything), PURGE, 1, None, "").modes(MODES).at_once().covering(),
    ],
    tracking: None,
    quota: None,
    signature_validity: Duration::from_mins(15), // nothing is signed
    url_characters: 4_096,                       // not documented: the usual
    prefetch_delay: Duration::ZERO,
    queries: QuerySpec { domains: Some(ZONES), ..QuerySpec::NOTHING },
    policy: PolicySpec::NAMES,
    signs: &["wrangler.toml", "wrangler.json", "wrangler.jsonc", "cloudflare_zone", "cloudflare_record"],
};

const fn purge(kind: RefreshKind, call: CallSpec, per_call: usize) -> OperationSpec {
    OperationSpec::new(Refresh(kind), call, per_call, None, "").modes(MODES).at_once().resent()
}

/// The API's name of a purge, and of an invalidation: sdk 5.9.0.
const PURGE_API: &str = "purge_cache";
pub(super) const INVALIDATE_API: &str = "invalidate_cache";

const MODES: &[PurgeMode] = &[PurgeMode::Soft, PurgeMode::Hard];

/// A permission as the page of tokens names it: limits 2026-07.
const PURGE_PERMISSION: &str = "Zone > Cache Purge > Purge";

/// URLs by the second: limits 2026-07.
const FILES: CallSpec = CallSpec::new(PURGE_API, PURGE_PERMISSION, Rate::per_second(800).of_items()).sharing(ALL_CALLS);
/// Everything else by the minute: limits 2026-07.
const PURGE: CallSpec = CallSpec::new(PURGE_API, PURGE_PERMISSION, Rate::per_minute(5).burst(25)).sharing(ALL_CALLS);

/// All calls of a user, 1,200: issue 5458. Ten are left for looking up zones. Unproven: that purges by URL count, too.
const ALL_CALLS: &[SharedRate] =
    &[SharedRate { name: "all calls", rate: Rate::in_window(1_190, Duration::from_mins(5)) }];

/// The zones, by name or all: sdk 5.9.0; up to 50 on a page.
pub(super) const ZONES: CallSpec =
    CallSpec::new("zones", "Zone > Zone > Read", Rate::per_second(4)).sharing(ALL_CALLS).rows(50);

pub(super) static ERROR_FORMAT: ErrorFormat = ErrorFormat {
    errors_may_look_good: true,
    inside: "errors",
    codes: CODES,
    request_id_header: "cf-ray",
    by_status: |status, has_code| match status {
        400 => Some(Refused),
        401 => Some(Credentials),
        403 if has_code => Some(ApiErrorKind::Forbidden),
        404 | 405 => Some(Denied),
        408 | 409 => Some(Server),
        _ => None,
    },
    amend,
    ..ErrorFormat::USUAL
};

/// What codes say beyond their status. The vendor lists none.
static CODES: &[Code] = &[
    Code::new(Throttled, "", &["1134", "1115", "971"]), // tests 2026; 971 from memory
    Code::new(Credentials, "set an API token that is valid, and nothing else", &["6003", "9103", "9106"]), // tests 2026
    Code::new(Denied, "the zone's plan doesn't have this kind of purge", &["1107"]), // issue 25
    Code::new(Denied, "this is a defect of cdn-purge; please report it", &["1012", "1014"]), // issue 61
    Code::new(Denied, "set `zone` to the id of a zone, or to its name", &["7000", "7003"]), // docs of Workers' API, 2024
];

/// A call with too many items is refused with a sentence that names the most: no code of it is documented.
fn amend(error: &mut ApiError, _: &SentRequest<'_>) {
    let text = error.message.to_ascii_lowercase();
    let names_a_number = text.bytes().any(|byte| byte.is_ascii_digit());
    let is_limit =
        ["maximum", "at most", "more than", "up to", "exceed", "too many"].iter().any(|word| text.contains(word));
    match error.kind {
        Refused | ApiErrorKind::Undocumented if names_a_number && is_limit => error.kind = ApiErrorKind::TooLarge,
        ApiErrorKind::Forbidden if error.help.is_none() => {
            error.help = Some(format!("give the token `{PURGE_PERMISSION}` for this zone"));
        }
        _ => {}
    }
}
