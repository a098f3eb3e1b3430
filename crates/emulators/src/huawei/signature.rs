//! The claim of a request about its sender, by SDK-HMAC-SHA256: written from the API signature guide of support.huaweicloud.com
//! (read in November 2026), and compared with requests of the vendor's SDK.

use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::response::unauthenticated;
use crate::request::Received;
use crate::response::ErrorCode;
use crate::signing::{escape, hmac_sha256, lower_hex, query, sha256};

/// A request's sender, and its proof.
pub(super) struct Claim<'r> {
    pub(super) access_key_id: &'r str,
    pub(super) date: &'r str,
    pub(super) token: Option<&'r str>,
    pub(super) signature: &'r str,
    string_to_sign: String,
}

impl Claim<'_> {
    /// The signature that the holder of this secret would send.
    pub(super) fn expected(&self, secret: &str) -> String {
        lower_hex(hmac_sha256(secret, &self.string_to_sign))
    }
}

/// Reads the claim.
pub(super) fn claim<'r>(request: &Received<'r>) -> Result<Claim<'r>, ErrorCode> {
    let authorization = request.header("authorization").ok_or_else(|| unauthenticated("no authorization"))?;
    let parts = parts(authorization).ok_or_else(|| unauthenticated("the authorization is malformed"))?;
    let (access_key_id, signed_headers, signature) = parts;
    let date = request.header("x-sdk-date").ok_or_else(|| unauthenticated("no x-sdk-date"))?;
    let mut names: Vec<&str> = signed_headers.split(';').collect();
    let must_be_signed = |name: &&str| *name == "x-sdk-date" || request.headers.contains_key(*name);
    let needed = ["x-sdk-date", "x-security-token", "x-domain-id"].into_iter().filter(must_be_signed);
    if let Some(name) = needed.into_iter().find(|name| !names.contains(name)) {
        return Err(unauthenticated(&format!("{name} is not signed")));
    }
    names.sort_unstable();

    let path = percent_decode_str(request.path).decode_utf8_lossy();
    let path: Vec<String> = path.trim_end_matches('/').split('/').map(escape).collect();
    let mut parameters: Vec<_> = request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    parameters.sort_unstable();
    let mut canonical = format!("{}\n{}/\n{}\n", request.method, path.join("/"), query(parameters));
    for name in &names {
        let value = if *name == "host" { request.host } else { request.header(name).unwrap_or_default() };
        canonical += &format!("{name}:{}\n", value.trim());
    }
    canonical += &format!("\n{}\n{}", names.join(";"), sha256(request.body));
    Ok(Claim {
        access_key_id,
        date,
        token: request.header("x-security-token"),
        signature,
        string_to_sign: format!("SDK-HMAC-SHA256\n{date}\n{}", sha256(canonical)),
    })
}

/// `20191115T033655Z` and nothing else.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let has_shape = text.len() == 16 && text.is_ascii() && text.as_bytes()[8] == b'T' && text.ends_with('Z');
    has_shape.then(|| text.parse().ok())?
}

/// `SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…`.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let fields = text.strip_prefix("SDK-HMAC-SHA256 ")?.split(',').map(str::trim);
    let field = |name: &str| fields.clone().find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    Some((field("Access")?, field("SignedHeaders")?, field("Signature")?))
}
