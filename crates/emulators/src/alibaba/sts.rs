//! The vendor's Security Token Service in memory: a role's keys for an OIDC token or for the key, which all of its products
//! take until they end. The sources are named in `../credentials.rs`.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::super::credentials::{VERSION, WITH_KEY, WITH_OIDC};
use super::AlibabaEmulator;
use super::reply::Refusal;
use super::request::Arrived;
use crate::provider::emulation::tokens::{Flaw, flaw};

/// How the ids of the service's keys begin. Source: STS page 2024-12.
pub(super) const PREFIX: &str = "STS.";

/// What a token must be for, unless somebody makes another client id in the console; this console has none.
const AUDIENCE: &str = "sts.aliyuncs.com";

/// Whether a request is for this service.
pub(super) fn is_meant(request: &Arrived<'_>) -> bool {
    request.version() == Some(VERSION)
}

impl AlibabaEmulator {
    pub(super) fn sts(&mut self, request: &Arrived<'_>, now: Timestamp) -> Result<String, Refusal> {
        let action = request.action().unwrap_or_default();
        match action {
            WITH_OIDC => {}
            WITH_KEY => self.let_in(request, now)?,
            _ => {
                return Err(Refusal::new(404, "InvalidAction.NotFound", "Specified api is not found."));
            }
        }
        let needed = |name: &str| {
            let refusal = || Refusal::new(400, "MissingParameter", format!("{name} is mandatory for this action."));
            request.parameter(name).ok_or_else(refusal)
        };
        let (role, session) = (needed("RoleArn")?, needed("RoleSessionName")?);
        let Some((account, name)) = role.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(":role/")) else {
            return Err(Refusal::new(400, "InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed."));
        };
        let takes = |letter: char| letter.is_ascii_alphanumeric() || ".@-_".contains(letter);
        if !(2..=64).contains(&session.len()) || !session.chars().all(takes) {
            let message = "The parameter RoleSessionName is wrongly formed.";
            return Err(Refusal::new(400, "InvalidParameter.RoleSessionName", message));
        }
        let seconds = request.parameter("DurationSeconds").unwrap_or("3600").parse().unwrap_or(0);
        if !(900..=3600).contains(&seconds) {
            let message = "The Min/Max value of DurationSeconds is 15min/1hr.";
            return Err(Refusal::new(400, "InvalidParameter.DurationSeconds", message));
        }
        if action == WITH_OIDC {
            self.believe(needed("OIDCProviderArn")?, needed("OIDCToken")?, account, now)?;
        }
        if self.settings.forbid.iter().any(|forbidden| forbidden == action) {
            let message = "You are not authorized to do this action. You should be authorized by RAM.";
            return Err(Refusal::new(403, "NoPermission", message));
        }
        let key = self.settings.give(PREFIX, now, Duration::from_secs(seconds));
        let answer = json!({
            "AssumedRoleUser": {
                "Arn": format!("acs:ram::{account}:role/{name}/{session}"), "AssumedRoleId": format!("3000:{session}"),
            },
            "Credentials": {
                "AccessKeyId": key.id, "AccessKeySecret": key.secret, "SecurityToken": key.token,
                "Expiration": key.ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            },
        });
        Ok(answer.to_string())
    }

    /// The token, as far as one can see without the issuer's keys. Source of codes, messages and status: STS codes 2026.
    fn believe(&self, provider: &str, token: &str, account: &str, now: Timestamp) -> Result<(), Refusal> {
        if !provider.starts_with(&format!("acs:ram::{account}:oidc-provider/")) {
            let message = "No such OIDC Provider registered.";
            return Err(Refusal::new(401, "AuthenticationFail.NoPermission", message));
        }
        let (code, message) = match flaw(token, AUDIENCE, now) {
            None => return Ok(()),
            Some(Flaw::Malformed) => (
                "AuthenticationFail.OIDCToken.Invalid",
                "The number of Jwt field should be divided into 3 parts with '.' .",
            ),
            Some(Flaw::Expired) => ("AuthenticationFail.OIDCToken.Expired", "This JsonWebToken is expired."),
            Some(Flaw::Audience) => ("AuthenticationFail.OIDCToken.AudienceNotMatch", "Invalid audience."),
        };
        Err(Refusal::new(401, code, message))
    }
}
