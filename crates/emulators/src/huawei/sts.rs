//! The vendor's Security Token Service: an agency's credentials for an OIDC token. Source: the API reference of STS of
//! support.huaweicloud.com; the codes of its errors are not documented where we looked, and are the gateway's here.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::response::{bad_request, unauthenticated};
use super::state::{Huawei, SESSION_PREFIX};
use crate::request::Received;
use crate::response::{Answer, ErrorCode};
use crate::session_credentials::flaw;

/// The vendor's name of the call.
pub(super) const API: &str = "AssumeAgencyWithOIDC";

/// What a token must be for, unless somebody makes another client id in the console; this console has none.
const AUDIENCE: &str = "sts.myhuaweicloud.com";

/// Whether a request is for this service.
pub(super) fn is_meant(path: &str) -> bool {
    path == "/v5/agencies/assume-with-oidc"
}

impl Huawei {
    pub(super) fn sts(&self, request: &Received<'_>, now: Timestamp) -> Answer {
        let body: Value = serde_json::from_slice(request.body).map_err(|_| bad_request("the body isn't JSON"))?;
        let word = |name: &str| body[name].as_str().unwrap_or_default();
        let is_named = |text: &str, kind: &str| {
            let parts = text.strip_prefix("iam::").and_then(|rest| rest.split_once(kind));
            parts.is_some_and(|(account, name)| !account.is_empty() && !name.is_empty())
        };
        let (agency, session) = (word("agency_urn"), word("agency_session_name"));
        let are_named = is_named(agency, ":agency:") && is_named(word("provider_urn"), ":oidc-provider:");
        if request.method != "POST" || !are_named {
            return Err(bad_request("the agency or the provider of tokens isn't named"));
        }
        let takes = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
        if !(2..=128).contains(&session.len()) || !session.chars().all(takes) {
            return Err(bad_request("agency_session_name is wrongly formed"));
        }
        let requested = body.get("duration_seconds").map_or(Some(3_600), Value::as_u64);
        let Some(seconds) = requested.filter(|seconds| (900..=43_200).contains(seconds)) else {
            return Err(bad_request("duration_seconds is out of range"));
        };
        if let Some(flaw) = flaw(word("id_token"), AUDIENCE, now) {
            return Err(unauthenticated(&format!("the id_token is {flaw:?}")));
        }
        if self.account.is_forbidden(API) {
            return Err(ErrorCode::new("APIGW.0302", "the agency doesn't trust this identity"));
        }
        let key = self.account.settings.issue(SESSION_PREFIX, now, Duration::from_secs(seconds));
        Ok(json!({
            "credentials": {
                "access_key_id": key.id, "secret_access_key": key.secret, "security_token": key.token,
                "expiration": key.expires.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
            },
            "assumed_agency": {"urn": format!("{agency}/{session}"), "id": format!("3000:{session}")},
        })
        .to_string())
    }
}
