//! The claim of a request about its sender, by either of the vendor's signatures: signature 2023-10 for V3, "Signature method" of
//! guide 2021-07 for V1.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::errors::missing;
use super::response::is_v3;
use crate::request::Received;
use crate::response::ErrorCode;
use crate::signing::{escape, hmac_sha1, hmac_sha256, lower_hex, query, sha256};

/// A request's sender, and its proof.
pub(super) struct Claim<'r> {
    pub(super) access_key_id: &'r str,
    pub(super) time: &'r str,
    pub(super) nonce: &'r str,
    pub(super) token: Option<&'r str>,
    pub(super) signature: &'r str,
    pub(super) string_to_sign: String,
    is_v3: bool,
}

impl Claim<'_> {
    /// The signature that the holder of this secret would send.
    pub(super) fn expected(&self, secret: &str) -> String {
        if self.is_v3 {
            lower_hex(hmac_sha256(secret, &self.string_to_sign))
        } else {
            STANDARD.encode(hmac_sha1(&format!("{secret}&"), &self.string_to_sign))
        }
    }
}

/// Reads the claim.
pub(super) fn claim<'r>(request: &'r Received<'r>) -> Result<Claim<'r>, ErrorCode> {
    if !matches!(request.method, "GET" | "POST") {
        return Err(ErrorCode::new("UnsupportedHTTPMethod", "This http method is not supported."));
    }
    if is_v3(request) { claim_v3(request) } else { claim_v1(request) }
}

/// `2026-11-22T00:51:54Z` and nothing else.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    (text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T').then(|| text.parse().ok())?
}

fn claim_v1<'r>(request: &'r Received<'r>) -> Result<Claim<'r>, ErrorCode> {
    let needed = |name: &str| request.parameter(name).ok_or_else(|| missing(&format!("{name} is")));
    if needed("SignatureMethod")? != "HMAC-SHA1" || needed("SignatureVersion")? != "1.0" {
        return Err(ErrorCode::new("InvalidParameter", "Specified signature method or version is not valid."));
    }
    let mut parameters: Vec<_> = request.parameters().filter(|(name, _)| *name != "Signature").collect();
    parameters.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    Ok(Claim {
        access_key_id: needed("AccessKeyId")?,
        time: needed("Timestamp")?,
        nonce: needed("SignatureNonce")?,
        token: request.parameter("SecurityToken"),
        signature: needed("Signature")?,
        string_to_sign: format!("{}&{}&{}", request.method, escape("/"), escape(&query(parameters))),
        is_v3: false,
    })
}

fn claim_v3<'r>(request: &'r Received<'r>) -> Result<Claim<'r>, ErrorCode> {
    let needed = |name: &str| request.header(name).ok_or_else(|| missing(&format!("{name} is")));
    let (access_key_id, signed_headers, signature) = authorization(needed("authorization")?)?;
    let body_hash = sha256(request.body);
    if needed("x-acs-content-sha256")? != body_hash {
        return Err(ErrorCode::new("SignatureDoesNotMatch", "x-acs-content-sha256 is not the hash of the body."));
    }
    let mut names: Vec<&str> = signed_headers.split(';').collect();
    names.sort_unstable();
    all_are_signed(request, &names)?;

    let mut parameters: Vec<_> = request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    parameters.sort_unstable();
    let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, query(parameters));
    for name in &names {
        canonical += &format!("{name}:{}\n", header(request, name));
    }
    canonical += &format!("\n{signed_headers}\n{body_hash}");
    Ok(Claim {
        access_key_id,
        time: needed("x-acs-date")?,
        nonce: needed("x-acs-signature-nonce")?,
        token: request.header("x-acs-security-token"),
        signature,
        string_to_sign: format!("ACS3-HMAC-SHA256\n{}", sha256(canonical)),
        is_v3: true,
    })
}

/// `ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…`.
fn authorization(text: &str) -> Result<(&str, &str, &str), ErrorCode> {
    let fields = text.trim_start_matches("ACS3-HMAC-SHA256").split(',').map(str::trim);
    let field = |name: &str| fields.clone().find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    match (field("Credential"), field("SignedHeaders"), field("Signature")) {
        (Some(id), Some(headers), Some(signature)) => Ok((id, headers, signature)),
        _ => Err(missing("Authorization is")),
    }
}

/// The host, everything that begins with `x-acs-`, and the content type of a body have to be signed.
fn all_are_signed(request: &Received<'_>, names: &[&str]) -> Result<(), ErrorCode> {
    let vendors_own = request.headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-acs-"));
    let content_type = (!request.body.is_empty()).then_some("content-type");
    match vendors_own.chain(["host"]).chain(content_type).find(|name| !names.contains(name)) {
        None => Ok(()),
        Some(name) => Err(ErrorCode::new("SignatureDoesNotMatch", format!("The header {name} is not signed."))),
    }
}

/// A header's value without the space around it; several values sorted and joined.
fn header(request: &Received<'_>, name: &str) -> String {
    if name == "host" {
        return request.host.trim().to_owned();
    }
    let values = request.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut values: Vec<_> = values.map(str::trim).collect();
    values.sort_unstable();
    values.join(",")
}
