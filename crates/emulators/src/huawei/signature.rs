//! What a request claims about its sender, and the signature it should carry: the vendor's side of SDK-HMAC-SHA256.
//!
//! This shares nothing with `provider/sign/`: another decoder, another encoder, another order of work. Written from the API
//! signature guide of support.huaweicloud.com (read in November 2026), and held against requests of the vendor's SDK.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::reply::Refusal;
use super::request::Arrived;

/// A request's sender, its proof, and the proof that we'd accept.
pub(super) struct Claim<'r> {
    pub(super) access_key_id: &'r str,
    pub(super) date: &'r str,
    pub(super) token: Option<&'r str>,
    pub(super) signature: &'r str,
    pub(super) expected: String,
}

/// Whose request this claims to be.
pub(super) fn access_key_id<'r>(request: &Arrived<'r>) -> Option<&'r str> {
    parts(request.header("authorization")?).map(|(id, _, _)| id)
}

/// Reads the claim and computes the signature that goes with it.
pub(super) fn claim<'r>(request: &Arrived<'r>, secret: &str) -> Result<Claim<'r>, Refusal> {
    let authorization = request.header("authorization").ok_or_else(|| Refusal::unknown("no authorization"))?;
    let (access_key_id, signed_headers, signature) =
        parts(authorization).ok_or_else(|| Refusal::unknown("the authorization is malformed"))?;
    let date = request.header("x-sdk-date").ok_or_else(|| Refusal::unknown("no x-sdk-date"))?;
    let mut names: Vec<&str> = signed_headers.split(';').collect();
    let must_be_signed = |name: &&str| *name == "x-sdk-date" || request.headers.contains_key(*name);
    for name in ["x-sdk-date", "x-security-token", "x-domain-id"].into_iter().filter(must_be_signed) {
        if !names.contains(&name) {
            return Err(Refusal::unknown(&format!("{name} is not signed")));
        }
    }
    names.sort_unstable();

    let mut canonical = String::new();
    canonical += request.method;
    canonical.push('\n');
    let path = percent_encoding::percent_decode_str(request.path).decode_utf8_lossy();
    for (place, segment) in path.trim_end_matches('/').split('/').enumerate() {
        if place > 0 {
            canonical.push('/');
        }
        canonical += &escape(segment);
    }
    canonical += "/\n";
    let mut parameters: Vec<_> = request.query.iter().collect();
    parameters.sort();
    for (place, (name, value)) in parameters.iter().enumerate() {
        if place > 0 {
            canonical.push('&');
        }
        canonical += &format!("{}={}", escape(name), escape(value));
    }
    canonical.push('\n');
    for name in &names {
        let value = if *name == "host" { request.host } else { request.header(name).unwrap_or_default() };
        canonical += &format!("{name}:{}\n", value.trim());
    }
    canonical += &format!("\n{}\n{}", names.join(";"), lower_hex(Sha256::digest(request.body)));

    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    mac.update(format!("SDK-HMAC-SHA256\n{date}\n{}", lower_hex(Sha256::digest(canonical))).as_bytes());
    Ok(Claim {
        access_key_id,
        date,
        token: request.header("x-security-token"),
        signature,
        expected: lower_hex(mac.finalize().into_bytes()),
    })
}

/// `20191115T033655Z` and nothing else.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let shape = text.len() == 16 && text.is_ascii() && text.as_bytes()[8] == b'T' && text.ends_with('Z');
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    shape.then(|| {
        let [year, month, day] = [part(0, 4), part(4, 6), part(6, 8)];
        let [hour, minute, second] = [part(9, 11), part(11, 13), part(13, 15)];
        format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()
    })?
}

/// `SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…`.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let fields = text.strip_prefix("SDK-HMAC-SHA256 ")?.split(',').map(str::trim);
    let field = |name: &str| fields.clone().find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    Some((field("Access")?, field("SignedHeaders")?, field("Signature")?))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("%{byte:02X}");
        }
    }
    escaped
}

fn lower_hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
