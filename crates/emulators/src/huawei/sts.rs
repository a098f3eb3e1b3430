//! The vendor's Security Token Service in memory: an agency's keys for an OIDC token. The sources are named in
//! `../credentials.rs`; the codes of its refusals are not documented where we looked, and are the gateway's here.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::credentials::{API, PATH};
use super::HuaweiEmulator;
use super::reply::Refusal;
use super::request::Arrived;
use crate::provider::emulation::tokens::flaw;

/// How the ids of the service's keys begin here; the vendor's are not documented.
pub(super) const PREFIX: &str = "HST";

/// What a token must be for, unless somebody makes another client id in the console; this console has none.
const AUDIENCE: &str = "sts.myhuaweicloud.com";

/// Whether a request is for this service.
pub(super) fn is_meant(path: &str) -> bool {
    path == PATH
}

impl HuaweiEmulator {
    pub(super) fn sts(&self, request: &Arrived<'_>, now: Timestamp) -> Result<String, Refusal> {
        let refused = |why: &str| Refusal::new("APIGW.0201", format!("Bad request: {why}"));
        let body: Value = serde_json::from_slice(request.body).map_err(|_| refused("the body isn't JSON"))?;
        let word = |name: &str| body[name].as_str().unwrap_or_default();
        let named = |text: &'_ str, kind: &str| {
            let parts = text.strip_prefix("iam::").and_then(|rest| rest.split_once(kind));
            parts.is_some_and(|(account, name)| !account.is_empty() && !name.is_empty())
        };
        let (agency, session) = (word("agency_urn"), word("agency_session_name"));
        if request.method != "POST" || !named(agency, ":agency:") || !named(word("provider_urn"), ":oidc-provider:") {
            return Err(refused("the agency or the provider of tokens isn't named"));
        }
        let takes = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
        if !(2..=128).contains(&session.len()) || !session.chars().all(takes) {
            return Err(refused("agency_session_name is wrongly formed"));
        }
        let asked = body.get("duration_seconds").map_or(Some(3_600), Value::as_u64);
        let Some(seconds) = asked.filter(|seconds| (900..=43_200).contains(seconds)) else {
            return Err(refused("duration_seconds is out of range"));
        };
        if let Some(flaw) = flaw(word("id_token"), AUDIENCE, now) {
            return Err(Refusal::unknown(&format!("the id_token is {flaw:?}")));
        }
        if self.settings.forbid.iter().any(|forbidden| forbidden == API) {
            return Err(Refusal::new("APIGW.0302", "the agency doesn't trust this identity"));
        }
        let key = self.settings.give(PREFIX, now, Duration::from_secs(seconds));
        let answer = json!({
            "credentials": {
                "access_key_id": key.id, "secret_access_key": key.secret, "security_token": key.token,
                "expiration": key.ends.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
            },
            "assumed_agency": {"urn": format!("{agency}/{session}"), "id": format!("3000:{session}")},
        });
        Ok(answer.to_string())
    }
}
