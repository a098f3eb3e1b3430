//! The claim of a request about its sender, by TC3-HMAC-SHA256: written from the page "Signature v3" of the API reference at
//! tencentcloud.com/document/product/228 (December 2024), and compared with requests of the vendor's SDK.

use jiff::{SignedDuration, Timestamp};

use crate::EmulatorSettings;
use crate::request::Received;
use crate::response::ErrorCode;
use crate::signing::{hmac_sha256_by, lower_hex, sha256};

use super::state::SESSION_PREFIX;

fn refused(code: &'static str, why: &str) -> ErrorCode {
    ErrorCode::new(code, why)
}

/// Key, clock, signature and token.
pub(super) fn authenticate(
    request: &Received<'_>,
    service: &str,
    settings: &EmulatorSettings,
    now: Timestamp,
) -> Result<(), ErrorCode> {
    let invalid = || refused("AuthFailure.InvalidAuthorization", "The authorization header is malformed.");
    let authorization = request.header("authorization").ok_or_else(invalid)?;
    let (credential, signed_headers, signature) = parts(authorization).ok_or_else(invalid)?;
    let mut scope = credential.split('/');
    let (Some(id), Some(date), Some(of_service), Some("tc3_request"), None) =
        (scope.next(), scope.next(), scope.next(), scope.next(), scope.next())
    else {
        return Err(invalid());
    };
    let timestamp = request.header("x-tc-timestamp").unwrap_or_default();
    let time = timestamp.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or_else(invalid)?;
    if of_service != service || time.strftime("%Y-%m-%d").to_string() != date {
        return Err(refused("AuthFailure.SignatureFailure", "The credential's date or service is wrong."));
    }
    let key = settings.key(SESSION_PREFIX, id);
    let key = key.ok_or_else(|| refused("AuthFailure.SecretIdNotFound", "The SecretId is not found."))?;
    if now.duration_since(time).abs() > SignedDuration::from_mins(5) {
        return Err(refused("AuthFailure.SignatureExpire", "The provided signature has expired."));
    }
    let names: Vec<&str> = signed_headers.split(';').collect();
    if !["content-type", "host"].iter().all(|name| names.contains(name)) || !names.is_sorted() {
        return Err(refused("AuthFailure.SignatureFailure", "content-type and host must be signed, sorted."));
    }
    let line = |name: &&str| {
        let value = if *name == "host" { request.host } else { request.header(name).unwrap_or_default() };
        format!("{name}:{}\n", value.trim().to_lowercase())
    };
    let headers: String = names.iter().map(line).collect();
    let canonical = format!("POST\n/\n\n{headers}\n{signed_headers}\n{}", sha256(request.body));
    let string_to_sign = format!("TC3-HMAC-SHA256\n{timestamp}\n{date}/{service}/tc3_request\n{}", sha256(canonical));
    let mut derived = format!("TC3{}", key.secret).into_bytes();
    for step in [date, service, "tc3_request"] {
        derived = hmac_sha256_by(&derived, step);
    }
    if signature != lower_hex(hmac_sha256_by(&derived, &string_to_sign)) {
        return Err(refused("AuthFailure.SignatureFailure", "The provided credentials could not be validated."));
    }
    if key.expires.is_some_and(|expires| now >= expires) {
        return Err(refused("AuthFailure.TokenFailure", "The token has expired."));
    }
    let token = request.header("x-tc-token");
    if key.token.as_deref() == token { Ok(()) } else { Err(refused("AuthFailure.TokenFailure", "The token is wrong.")) }
}

/// `TC3-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let fields = text.strip_prefix("TC3-HMAC-SHA256 ")?.split(',').map(str::trim);
    let field = |name: &str| fields.clone().find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    Some((field("Credential")?, field("SignedHeaders")?, field("Signature")?))
}
