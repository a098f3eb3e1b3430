//! What a request claims about its sender, and the signature it should carry: the vendor's side of both schemes.
//!
//! This shares nothing with `provider/sign/`: another decoder, another encoder, another order of work. Written from the
//! pages "Request structure and signature, V3" (alibabacloud.com, October 2023) and "Signature method" (guide 2021-07).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::reply::Refusal;
use super::request::Arrived;

/// A request's sender, its proof, and the proof that we'd accept.
pub(super) struct Claim<'r> {
    pub(super) access_key_id: &'r str,
    pub(super) time: &'r str,
    pub(super) nonce: &'r str,
    pub(super) token: Option<&'r str>,
    pub(super) signature: &'r str,
    pub(super) expected: String,
    pub(super) string_to_sign: String,
}

/// Reads the claim and computes the signature that goes with it.
pub(super) fn claim<'r>(request: &'r Arrived<'r>, secret: &str) -> Result<Claim<'r>, Refusal> {
    if !matches!(request.method, "GET" | "POST") {
        return Err(Refusal::new(405, "UnsupportedHTTPMethod", "This http method is not supported."));
    }
    if request.is_v3() { claim_v3(request, secret) } else { claim_v1(request, secret) }
}

/// `2026-11-22T00:51:54Z` and nothing else.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    (text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T').then(|| text.parse().ok())?
}

fn missing(name: &str) -> Refusal {
    Refusal::new(400, "MissingParameter", format!("{name} is mandatory for this action."))
}

fn claim_v1<'r>(request: &'r Arrived<'r>, secret: &str) -> Result<Claim<'r>, Refusal> {
    let needed = |name: &str| request.parameter(name).ok_or_else(|| missing(name));
    if needed("SignatureMethod")? != "HMAC-SHA1" || needed("SignatureVersion")? != "1.0" {
        return Err(Refusal::new(400, "InvalidParameter", "Specified signature method or version is not valid."));
    }
    let mut parameters: Vec<_> = request.parameters().filter(|(name, _)| *name != "Signature").collect();
    parameters.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let string_to_sign = format!("{}&{}&{}", request.method, escape("/"), escape(&query(&parameters)));
    let mut mac = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()).expect("any length will do");
    mac.update(string_to_sign.as_bytes());
    Ok(Claim {
        access_key_id: needed("AccessKeyId")?,
        time: needed("Timestamp")?,
        nonce: needed("SignatureNonce")?,
        token: request.parameter("SecurityToken"),
        signature: needed("Signature")?,
        expected: STANDARD.encode(mac.finalize().into_bytes()),
        string_to_sign,
    })
}

fn claim_v3<'r>(request: &'r Arrived<'r>, secret: &str) -> Result<Claim<'r>, Refusal> {
    let needed = |name: &str| request.header(name).ok_or_else(|| missing(name));
    let (access_key_id, signed_headers, signature) = authorization(needed("authorization")?)?;
    let body_hash = lower_hex(Sha256::digest(request.body));
    if needed("x-acs-content-sha256")? != body_hash {
        return Err(Refusal::new(400, "SignatureDoesNotMatch", "x-acs-content-sha256 is not the hash of the body."));
    }
    let mut names: Vec<&str> = signed_headers.split(';').collect();
    names.sort_unstable();
    all_are_signed(request, &names)?;

    let mut canonical = format!("{}\n{}\n", request.method, request.path);
    let mut parameters: Vec<_> = request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    parameters.sort();
    canonical += &query(&parameters);
    canonical.push('\n');
    for name in &names {
        canonical.push_str(name);
        canonical.push(':');
        canonical += &header(request, name);
        canonical.push('\n');
    }
    canonical += &format!("\n{signed_headers}\n{body_hash}");

    let string_to_sign = format!("ACS3-HMAC-SHA256\n{}", lower_hex(Sha256::digest(canonical)));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    mac.update(string_to_sign.as_bytes());
    Ok(Claim {
        access_key_id,
        time: needed("x-acs-date")?,
        nonce: needed("x-acs-signature-nonce")?,
        token: request.header("x-acs-security-token"),
        signature,
        expected: lower_hex(mac.finalize().into_bytes()),
        string_to_sign,
    })
}

/// `ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…`.
fn authorization(text: &str) -> Result<(&str, &str, &str), Refusal> {
    let fields = text.trim_start_matches("ACS3-HMAC-SHA256").split(',').map(str::trim);
    let field = |name: &str| fields.clone().find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    match (field("Credential"), field("SignedHeaders"), field("Signature")) {
        (Some(id), Some(headers), Some(signature)) => Ok((id, headers, signature)),
        _ => Err(missing("Authorization")),
    }
}

/// The host, everything that begins with `x-acs-`, and the content type of a body have to be signed.
fn all_are_signed(request: &Arrived<'_>, names: &[&str]) -> Result<(), Refusal> {
    let vendors_own = request.headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-acs-"));
    let content_type = (!request.body.is_empty()).then_some("content-type");
    match vendors_own.chain(["host"]).chain(content_type).find(|name| !names.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Refusal::new(400, "SignatureDoesNotMatch", format!("The header {name} is not signed."))),
    }
}

/// A header's value without the space around it; several values sorted and joined.
fn header(request: &Arrived<'_>, name: &str) -> String {
    if name == "host" {
        return request.host.trim().to_owned();
    }
    let mut values: Vec<_> = request.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    values.iter_mut().for_each(|value| *value = value.trim());
    values.sort_unstable();
    values.join(",")
}

fn query(parameters: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (place, (name, value)) in parameters.iter().enumerate() {
        if place > 0 {
            text.push('&');
        }
        text += &escape(name);
        text.push('=');
        text += &escape(value);
    }
    text
}

fn escape(text: &str) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.extend(['%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
        }
    }
    escaped
}

fn lower_hex(bytes: impl AsRef<[u8]>) -> String {
    bytes
        .as_ref()
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
