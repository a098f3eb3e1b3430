//! Signature V1: HMAC-SHA1 over all parameters, for older private gateways that know no other.
//!
//! The vendor's documentation calls it the RPC signature (`SignatureVersion=1.0`); its SDKs call it `v2`. Headers are not
//! covered; where a parameter travels, query or form, makes no difference.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;

use super::Signed;
use super::acs::{Call, FORM, timestamp};
use super::canonical::{self, encode};
use crate::provider::credentials::AccessKey;

/// Signs a call.
///
/// # Errors
/// When the URL of the request can't be built.
pub fn sign(call: &Call<'_>, key: &AccessKey, now: Timestamp, nonce: &str) -> Result<Signed, http::Error> {
    let time = timestamp(now);
    let mut query: Vec<(&str, &str)> = call.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    query.extend([
        ("AccessKeyId", key.id.as_str()),
        ("Action", call.action),
        ("Format", "JSON"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", nonce),
        ("SignatureVersion", "1.0"),
        ("Timestamp", &time),
        ("Version", call.version),
    ]);
    if let Some(token) = &key.security_token {
        query.push(("SecurityToken", token.expose_secret()));
    }
    let all = query.iter().copied().chain(call.form.iter().map(|(name, value)| (*name, value.as_str())));
    let string_to_sign = string_to_sign(call.method.as_str(), all);
    let signature = signature(&string_to_sign, &key.secret);
    query.push(("Signature", &signature));

    let body = call.body();
    let mut request = http::Request::builder()
        .method(&call.method)
        .uri(call.uri(&canonical::query(query)))
        .header("host", call.host())
        .header("accept", "application/json");
    if !body.is_empty() {
        request = request.header("content-type", FORM);
    }
    Ok(Signed { request: request.body(Bytes::from(body))?, string_to_sign })
}

/// What is signed: the method, the path and all parameters of query and form but `Signature`.
pub(super) fn string_to_sign<'p>(method: &str, parameters: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    format!("{method}&%2F&{}", encode(&canonical::query(parameters)))
}

pub(super) fn signature(string_to_sign: &str, secret: &SecretString) -> String {
    let key = SecretString::from(format!("{}&", secret.expose_secret()));
    let mut mac = Hmac::<Sha1>::new_from_slice(key.expose_secret().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(string_to_sign.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}
