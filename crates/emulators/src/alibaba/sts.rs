//! The vendor's Security Token Service: a role's credentials for an OIDC token or for an access key, which all of its products
//! accept until they expire. Codes, messages and statuses: STS codes 2026.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::errors::missing;
use super::response::{action, timestamp, version};
use super::state::{Alibaba, SESSION_PREFIX};
use crate::request::Received;
use crate::response::{Answer, ErrorCode};
use crate::session_credentials::{Flaw, flaw};

const VERSION: &str = "2015-04-01";
const WITH_OIDC: &str = "AssumeRoleWithOIDC";
const WITH_KEY: &str = "AssumeRole";

/// What a token must be for, unless somebody makes another client id in the console; this console has none.
const AUDIENCE: &str = "sts.aliyuncs.com";

/// Whether a request is for this service.
pub(super) fn is_meant(request: &Received<'_>) -> bool {
    version(request) == Some(VERSION)
}

impl Alibaba {
    pub(super) fn sts(&mut self, request: &Received<'_>, now: Timestamp) -> Answer {
        let action = action(request).unwrap_or_default();
        match action {
            WITH_OIDC => {}
            WITH_KEY => self.authenticate(request, now)?,
            _ => return Err(ErrorCode::new("InvalidAction.NotFound", "Specified api is not found.")),
        }
        let needed = |name: &str| request.parameter(name).ok_or_else(|| missing(&format!("{name} is")));
        let malformed = |code, name: &str| ErrorCode::new(code, format!("The parameter {name} is wrongly formed."));
        let (role, session) = (needed("RoleArn")?, needed("RoleSessionName")?);
        let (account, name) = role
            .strip_prefix("acs:ram::")
            .and_then(|rest| rest.split_once(":role/"))
            .ok_or_else(|| malformed("InvalidParameter.RoleArn", "RoleArn"))?;
        let takes = |letter: char| letter.is_ascii_alphanumeric() || ".@-_".contains(letter);
        if !(2..=64).contains(&session.len()) || !session.chars().all(takes) {
            return Err(malformed("InvalidParameter.RoleSessionName", "RoleSessionName"));
        }
        let seconds = request.parameter("DurationSeconds").unwrap_or("3600").parse().unwrap_or(0);
        if !(900..=3600).contains(&seconds) {
            let message = "The Min/Max value of DurationSeconds is 15min/1hr.";
            return Err(ErrorCode::new("InvalidParameter.DurationSeconds", message));
        }
        if action == WITH_OIDC {
            verify(needed("OIDCProviderArn")?, needed("OIDCToken")?, account, now)?;
        }
        if self.account.is_forbidden(action) {
            let message = "You are not authorized to do this action. You should be authorized by RAM.";
            return Err(ErrorCode::new("NoPermission", message));
        }
        let key = self.account.settings.issue(SESSION_PREFIX, now, Duration::from_secs(seconds));
        Ok(json!({
            "AssumedRoleUser": {
                "Arn": format!("acs:ram::{account}:role/{name}/{session}"), "AssumedRoleId": format!("3000:{session}"),
            },
            "Credentials": {
                "AccessKeyId": key.id, "AccessKeySecret": key.secret, "SecurityToken": key.token,
                "Expiration": timestamp(key.expires),
            },
        })
        .to_string())
    }
}

/// Checks the token, except its signature: the issuer's keys are unknown here.
fn verify(provider: &str, token: &str, account: &str, now: Timestamp) -> Result<(), ErrorCode> {
    if !provider.starts_with(&format!("acs:ram::{account}:oidc-provider/")) {
        return Err(ErrorCode::new("AuthenticationFail.NoPermission", "No such OIDC Provider registered."));
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
    Err(ErrorCode::new(code, message))
}
