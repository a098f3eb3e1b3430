//! The vendor's error codes: what each allows. `spec.rs` names the sources.

use crate::provider::ApiErrorKind::{Credentials, Denied, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge};
use crate::provider::error_format::Code;

/// What `/detail` says of a task that isn't visible yet, and everything else of a host that isn't the account's.
pub(super) const FOREIGN: &str = "CDN.0108"; // terraform 2026

const RESET: &str = "request a higher quota with a service ticket";
const DOMAIN: &str = "the domain must belong to the account of the access key, and be enabled or being configured";
const SERVICE: &str = "see in the console whether CDN is activated and paid for";
const GRANT: &str = "grant `{permission}` to the IAM user, and the policy CDN DomainReadOnlyAccess with it";
const PROJECT: &str = "set `enterprise-project` of the target to `all` or to the domain's project, or grant `{permission}` in that project";
const KEY: &str = "check the access key, its secret, and the token of temporary credentials; after five refused signatures in a row \
                   the vendor locks a key for five minutes";
const NO_API: &str = "the endpoint doesn't serve this API; some accounts have it enabled by a service ticket";

/// Every documented code that a call of ours can meet; of two rows that fit, the first counts. Source: codes 2025.
pub(super) const CODES: &[Code] = &[
    Code::new(Server, "", &["CDN.0000", "APIGW.0605"]), // an internal error; the backend isn't there
    Code::new(Throttled, "", &["APIGW.0308"]),          // the rate of calls
    Code::new(QuotaSpent, RESET, &["CDN.0005", "CDN.0110"]), // the upper limit; more URLs than the quota holds
    Code::new(Denied, "", &["APIGW.0201"]).at(400),     // a bad request
    Code::new(TooLarge, "", &["APIGW.0201"]),           // a body above 12 MB
    Code::new(Refused, "", &["CDN.0001"]),              // a parameter is missing or malformed: perhaps a URL
    Code::new(Refused, "", &["CDN.0003", "CDN.0127"]),  // the object doesn't exist; the domain is malformed
    // The domain doesn't exist; its state allows nothing; another account's; it is banned; it is locked.
    Code::new(Refused, DOMAIN, &["CDN.0105", "CDN.0106", FOREIGN, "CDN.0115", "CDN.0116"]),
    Code::new(Denied, SERVICE, &["CDN.0015", "CDN.0016", "CDN.0114"]), // the area; the service type; not subscribed to
    Code::new(Denied, "", &["CDN.0201", "CDN.0202", "CDN.0203"]), // statistics: the domain, the time, the interval is wrong
    Code::new(Denied, NO_API, &["APIGW.0101", "APIGW.0103"]),     // no such API; no such backend
    Code::new(Forbidden, GRANT, &["CDN.0004", "APIGW.0302"]),     // no permission; not authorized
    Code::new(Forbidden, PROJECT, &["CDN.0020", "CDN.0021"]), // no grant on the enterprise project; the fine-grained check failed
    // Not authenticated; the signature, the key or the token is wrong, or the key is locked, twice.
    Code::new(Credentials, KEY, &["CDN.0002", "APIGW.0301", "APIGW.0303"]),
];
