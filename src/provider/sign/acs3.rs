//! Signature V3, ACS3-HMAC-SHA256: what the vendor's SDKs use today.
//!
//! It covers the query, some headers, and the body by its hash. We sign the fewest headers that the gateway demands
//! (host, content type with a body, everything `x-acs-`), since a proxy may alter any other.

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::Signed;
use super::acs::{Call, FORM, timestamp};
use super::canonical::{self, hash, names, signature};
use crate::provider::credentials::AccessKey;

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Signs a call.
///
/// # Errors
/// When the access key id or the token holds a character that can't travel in a header.
pub fn sign(call: &Call<'_>, key: &AccessKey, now: Timestamp, nonce: &str) -> Result<Signed, http::Error> {
    let body = call.body();
    let (host, time, body_hash) = (call.host(), timestamp(now), hash(body.as_bytes()));
    let mut headers = vec![
        ("host", host.as_str()),
        ("x-acs-action", call.action),
        ("x-acs-content-sha256", body_hash.as_str()),
        ("x-acs-date", time.as_str()),
        ("x-acs-signature-nonce", nonce),
        ("x-acs-version", call.version),
    ];
    if !body.is_empty() {
        headers.push(("content-type", FORM));
    }
    if let Some(token) = &key.security_token {
        headers.push(("x-acs-security-token", token.expose_secret()));
    }
    headers.sort_unstable();

    let query = canonical::query(call.query.iter().map(|(name, value)| (*name, value.as_str())));
    let string_to_sign = string_to_sign(&canonical::request(call.method.as_str(), "/", &query, &headers, &body_hash));
    let authorization = format!(
        "{ALGORITHM} Credential={},SignedHeaders={},Signature={}",
        key.id,
        names(&headers),
        signature(&string_to_sign, &key.secret),
    );

    let mut request = http::Request::builder().method(&call.method).uri(call.uri(&query));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request =
        request.header("accept", "application/json").header("authorization", authorization).body(Bytes::from(body))?;
    Ok(Signed { request, string_to_sign })
}

pub(super) fn string_to_sign(canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}", hash(canonical_request.as_bytes()))
}
