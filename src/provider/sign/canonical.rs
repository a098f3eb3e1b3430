//! What the schemes share: the one percent-encoding, and the parts of what HMAC-SHA256 signs.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

/// What stays as it is: `A-Z a-z 0-9 - _ . ~`; every other byte becomes `%XX` in upper case.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Percent-encodes a name or a value, as UTF-8.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// `name=value` pairs, encoded and joined with `&`, in the order in which they come.
pub fn joined<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// [`joined`], sorted by name in byte order: the form that every scheme signs.
pub(super) fn query<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_unstable();
    joined(pairs)
}

/// The host as it is in the `Host` header: with the port, if it isn't the scheme's own.
pub(super) fn host(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The URL of a request. `path` and `query`: encoded.
pub(super) fn url(endpoint: &Url, path: &str, query: &str) -> String {
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}://{}{path}{mark}{query}", endpoint.scheme(), host(endpoint))
}

/// A time as the headers of some schemes have it: `20191115T033655Z`.
pub fn compact_time(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// `path` and `query`: encoded; `headers`: the signed ones, lower-case names, sorted; `body_hash`: of [`hash`].
pub(super) fn request(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body_hash: &str) -> String {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    format!("{method}\n{path}\n{query}\n{lines}\n{}\n{body_hash}", names(headers))
}

/// The names of the signed headers, as the `Authorization` header lists them.
pub(super) fn names(headers: &[(&str, &str)]) -> String {
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    names.join(";")
}

/// SHA-256, in lower-case hex digits.
pub(super) fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// HMAC-SHA256, in lower-case hex digits.
pub(super) fn signature(string_to_sign: &str, secret: &SecretString) -> String {
    hex(&hmac(secret.expose_secret().as_bytes(), string_to_sign))
}

/// The same by a key that is derived from the secret step by step: for a day, a service, and so on. `prefix` comes before the
/// secret.
pub(super) fn scoped_signature(string_to_sign: &str, prefix: &str, secret: &SecretString, scope: &[&str]) -> String {
    let secret = SecretString::from(format!("{prefix}{}", secret.expose_secret()));
    let key = scope.iter().fold(secret.expose_secret().as_bytes().to_vec(), |key, step| hmac(&key, step).to_vec());
    hex(&hmac(&key, string_to_sign))
}

fn hmac(key: &[u8], data: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(data.as_bytes());
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}
