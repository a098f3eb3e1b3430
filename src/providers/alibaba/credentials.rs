//! Keys that end, from the vendor's STS, for a token (`AssumeRoleWithOIDC`) or for a key (`AssumeRole`); and keys that somebody
//! tells. What all of it is called stands in `spec/keys.rs`, with the sources.

use bytes::Bytes;
use http::{Method, Request};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::spec::{EXCHANGE, KEYS};
use crate::provider::credentials::Credentials;
use crate::provider::exchange::{Asked, Proof};
use crate::provider::json::Row;
use crate::provider::sign::acs::{Call, timestamp};
use crate::provider::sign::acs1;
use crate::provider::sign::canonical::joined;
use crate::provider::{ApiError, ApiErrorKind};

/// The API's version. Source: STS page 2024-12.
pub(super) const VERSION: &str = "2015-04-01";
/// With a token; not signed.
pub(super) const WITH_OIDC: &str = "AssumeRoleWithOIDC";
/// With a key.
pub(super) const WITH_KEY: &str = "AssumeRole";

/// How long the keys shall live, in seconds: the most that every role allows. Source: STS page 2024-12.
const LIFE: u32 = 3_600;

/// Source of the shape: STS page 2024-12.
pub(super) fn is_role(text: &str) -> bool {
    let rest = text.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(":role/"));
    rest.is_some_and(|(account, name)| {
        !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty()
    })
}

/// The request to the vendor's Security Token Service.
pub(super) fn request(asked: &Asked<'_>, now: Timestamp, nonce: &str) -> Result<Request<Bytes>, ApiError> {
    let mut form = vec![
        ("DurationSeconds", asked.life.unwrap_or(LIFE).to_string()),
        ("RoleArn", asked.role.to_owned()),
        ("RoleSessionName", asked.session.to_owned()),
    ];
    let unsendable = |_| {
        let message = "the keys or the role hold a character that no request can carry";
        ApiError::new(ApiErrorKind::Credentials, EXCHANGE.api(&asked.proof), message)
    };
    match asked.proof {
        Proof::Keys(keys) => {
            form.extend(asked.external_id.map(|id| ("ExternalId", id.to_owned()))); // STS page 2024-12
            let call = Call {
                method: Method::POST,
                endpoint: asked.endpoint,
                action: WITH_KEY,
                version: VERSION,
                query: Vec::new(),
                form,
            };
            // By V1, as credentials 1.0.12 does: that the service takes V3 is not documented.
            Ok(acs1::sign(&call, keys, now, nonce).map_err(unsendable)?.request)
        }
        Proof::Token { provider, token } => {
            form.push(("OIDCProviderArn", provider.to_owned()));
            form.push(("OIDCToken", token.expose_secret().to_owned()));
            let time = timestamp(now);
            let query = [("Action", WITH_OIDC), ("Format", "JSON"), ("Timestamp", &time), ("Version", VERSION)];
            let uri = format!("{}/?{}", asked.endpoint.as_str().trim_end_matches('/'), joined(query));
            let body = joined(form.iter().map(|(name, value)| (*name, value.as_str())));
            Request::post(uri)
                .header("accept", "application/json")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Bytes::from(body))
                .map_err(unsendable)
        }
    }
}

/// From a program, whose `mode` says what it gives (aliyun-cli), or from an address, whose `Code` says how it went
/// (credentials 1.0.12).
pub(super) fn told(text: &[u8]) -> Result<Credentials, String> {
    let body: Value = serde_json::from_slice(text).map_err(|_| "it isn't JSON".to_owned())?;
    let row = Row(&body);
    if row.text("Code").is_some_and(|code| code != "Success") {
        return Err("it says that it has none".to_owned());
    }
    if row.text("mode").is_some_and(|mode| !matches!(mode.as_str(), "AK" | "StsToken")) {
        return Err("its `mode` is neither `AK` nor `StsToken`".to_owned());
    }
    let keys = KEYS.read(row).ok_or_else(|| "it lacks the access key's id or its secret".to_owned())?;
    match row.first(KEYS.expires) {
        Some(_) if keys.expires.is_none() => Err("its `Expiration` is no time".to_owned()),
        _ => Ok(keys),
    }
}
