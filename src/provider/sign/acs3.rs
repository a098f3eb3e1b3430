//! Signature V3, ACS3-HMAC-SHA256: what the vendor's SDKs use today.
//!
//! It covers the query, some headers, and the body by its hash. We sign the fewest headers that the gateway demands
//! (host, content type with a body, everything `x-acs-`), since a proxy may alter any other.

use std::fmt::Write;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::acs::{Call, FORM, Signed, canonical_query, timestamp};
use crate::provider::credentials::Credentials;

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Signs a call.
///
/// # Errors
/// When the access key id or the token holds a character that can't travel in a header.
pub fn sign(call: &Call<'_>, credentials: &Credentials, now: Timestamp, nonce: &str) -> Result<Signed, http::Error> {
    let body = call.body();
    let (host, time, body_hash) = (call.host(), timestamp(now), hex(&Sha256::digest(body.as_bytes())));
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
    if let Some(token) = &credentials.security_token {
        headers.push(("x-acs-security-token", token.expose_secret()));
    }
    headers.sort_unstable();

    let query = canonical_query(call.query.iter().map(|(name, value)| (*name, value.as_str())));
    let string_to_sign = string_to_sign(&canonical_request(call.method.as_str(), &query, &headers, &body_hash));
    let authorization = format!(
        "{ALGORITHM} Credential={},SignedHeaders={},Signature={}",
        credentials.access_key_id,
        names(&headers),
        signature(&string_to_sign, &credentials.access_key_secret),
    );

    let mut request = http::Request::builder().method(&call.method).uri(call.uri(&query));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request =
        request.header("accept", "application/json").header("authorization", authorization).body(Bytes::from(body))?;
    Ok(Signed { request, string_to_sign })
}

/// `headers`: the signed ones, lower-case names, sorted.
pub(super) fn canonical_request(method: &str, query: &str, headers: &[(&str, &str)], body_hash: &str) -> String {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    format!("{method}\n/\n{query}\n{lines}\n{}\n{body_hash}", names(headers))
}

pub(super) fn string_to_sign(canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}", hex(&Sha256::digest(canonical_request.as_bytes())))
}

pub(super) fn signature(string_to_sign: &str, secret: &SecretString) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(string_to_sign.as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn names(headers: &[(&str, &str)]) -> String {
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    names.join(";")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}
