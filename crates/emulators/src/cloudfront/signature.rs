//! The claim of a request about its sender, by AWS4-HMAC-SHA256: written from "Create a signed AWS API request" of the IAM user guide,
//! and compared with requests of the vendor's SDK.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::EmulatorSettings;
use crate::request::Received;
use crate::response::ErrorCode;
use crate::signing::{hmac_sha256_by, lower_hex, query, sha256};

/// How the ids of session credentials begin here.
pub(super) const SESSION_PREFIX: &str = "ASIASESSION";

/// The regions of the API, in the global cloud and in China's: endpoints of botocore 1.44.5, November 2026.
const REGIONS: [&str; 2] = ["us-east-1", "cn-northwest-1"];

/// How far a signature's time may be from ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Key, clock, signature and token.
pub(super) fn authenticate(
    request: &Received<'_>,
    settings: &EmulatorSettings,
    now: Timestamp,
) -> Result<(), ErrorCode> {
    let incomplete = |what: &str| ErrorCode::new("IncompleteSignature", format!("Authorization header: {what}."));
    let mismatch = |why: &str| ErrorCode::new("SignatureDoesNotMatch", why);
    let missing = || ErrorCode::new("MissingAuthenticationToken", "Request is missing Authentication Token");
    let authorization = request.header("authorization").ok_or_else(missing)?;
    let parts = parts(authorization);
    let (credential, signed_headers, signature) = parts.ok_or_else(|| incomplete("a part is missing"))?;
    let scope: Vec<&str> = credential.split('/').collect();
    let [id, date, region, service, "aws4_request"] = scope[..] else { return Err(incomplete("no valid credential")) };
    let time = request.header("x-amz-date").unwrap_or_default();
    let signed_at = DateTime::strptime("%Y%m%dT%H%M%SZ", time).ok().and_then(|time| time.to_zoned(TimeZone::UTC).ok());
    let signed_at = signed_at.ok_or_else(|| incomplete("the date is no time"))?.timestamp();
    if service != "cloudfront" || !REGIONS.contains(&region) || !time.starts_with(date) {
        return Err(mismatch(
            "Credential should be scoped to a valid region, to cloudfront, and to the date of the request.",
        ));
    }
    let key = settings.key(SESSION_PREFIX, id);
    let key = key.ok_or_else(|| ErrorCode::new("InvalidClientTokenId", "The security token is invalid."))?;
    let names: Vec<&str> = signed_headers.split(';').collect();
    let token = request.header("x-amz-security-token");
    let needed = ["host", "x-amz-date"].into_iter().chain(token.map(|_| "x-amz-security-token"));
    if !names.is_sorted() || needed.into_iter().any(|name| !names.contains(&name)) {
        return Err(mismatch("Host, date and token must be signed, sorted."));
    }
    let line = |name: &&str| {
        let value = if *name == "host" { request.host } else { request.header(name).unwrap_or_default() };
        format!("{name}:{}\n", value.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let headers: String = names.iter().map(line).collect();
    let mut pairs: Vec<(&str, &str)> =
        request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    pairs.sort_unstable();
    let canonical =
        [request.method, request.path, &query(pairs), &headers, signed_headers, &sha256(request.body)].join("\n");
    let scope = [date, region, service, "aws4_request"];
    let string_to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{}\n{}", scope.join("/"), sha256(canonical));
    let derived = format!("AWS4{}", key.secret).into_bytes();
    let derived = scope.iter().fold(derived, |key, step| hmac_sha256_by(&key, step));
    if signature != lower_hex(hmac_sha256_by(&derived, &string_to_sign)) {
        return Err(mismatch("The request signature we calculated does not match the signature you provided."));
    }
    let age = now.duration_since(signed_at);
    if age.abs() > SKEW {
        let word = if age.is_positive() { "Signature expired" } else { "Signature not yet current" };
        return Err(mismatch(&format!("{word}: {time} is too far from {}", now.strftime("%Y%m%dT%H%M%SZ"))));
    }
    if key.expires.is_some_and(|expires| now >= expires) {
        return Err(ErrorCode::new("ExpiredToken", "The security token included in the request is expired"));
    }
    if key.token.as_deref() == token {
        Ok(())
    } else {
        Err(ErrorCode::new("InvalidClientTokenId", "The security token included in the request is invalid."))
    }
}

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let fields = text.strip_prefix("AWS4-HMAC-SHA256 ")?.split(',').map(str::trim);
    let field = |name: &str| fields.clone().find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    Some((field("Credential")?, field("SignedHeaders")?, field("Signature")?))
}
