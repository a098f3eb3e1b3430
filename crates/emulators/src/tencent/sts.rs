//! The Security Token Service: a role's credentials for an OIDC token. Source: tencentcloud-sdk-python-sts 3.0.1459, its models and
//! error codes.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::state::{SESSION_PREFIX, Tencent, text};
use crate::request::Received;
use crate::response::{Answer, ErrorCode};
use crate::session_credentials::{Flaw, flaw};

/// Of its API.
pub(super) const VERSION: &str = "2018-08-13";

/// The only call of it here.
const ACTION: &str = "AssumeRoleWithWebIdentity";

/// What a token must be for: the client id of the emulated OIDC provider.
const AUDIENCE: &str = "sts.tencentcloudapi.com";

/// Whether a request is for this service.
pub(super) fn is_meant(request: &Received<'_>) -> bool {
    request.header("x-tc-version") == Some(VERSION)
}

impl Tencent {
    pub(super) fn sts(&self, request: &Received<'_>, body: &Value, now: Timestamp) -> Answer {
        if request.header("x-tc-action") != Some(ACTION) {
            return Err(ErrorCode::new("InvalidAction", "The action is not found."));
        }
        if request.header("authorization") != Some("SKIP") || request.header("x-tc-region").is_none() {
            let message = "This call isn't signed, and names a region.";
            return Err(ErrorCode::new("AuthFailure.InvalidAuthorization", message));
        }
        let role = text(body, "RoleArn").strip_prefix("qcs::cam::uin/").and_then(|rest| rest.split_once(":roleName/"));
        let is_named = role.is_some_and(|(account, name)| !account.is_empty() && !name.is_empty());
        let session = text(body, "RoleSessionName");
        let takes = |letter: char| letter.is_ascii_alphanumeric() || "_=,.@-".contains(letter);
        if !is_named || text(body, "ProviderId").is_empty() || session.is_empty() || !session.chars().all(takes) {
            return Err(ErrorCode::new(
                "InvalidParameter.ParamError",
                "The role, the provider or the session is wrong.",
            ));
        }
        let requested = body.get("DurationSeconds").map_or(Some(7_200), Value::as_u64);
        let Some(seconds) = requested.filter(|seconds| (1..=43_200).contains(seconds)) else {
            return Err(ErrorCode::new("InvalidParameter.OverTimeError", "DurationSeconds is out of range."));
        };
        if let Some(flaw) = flaw(text(body, "WebIdentityToken"), AUDIENCE, now) {
            let code = match flaw {
                Flaw::Expired => "InvalidParameter.WebIdentityTokenExpired",
                Flaw::Malformed | Flaw::Audience => "InvalidParameter.WebIdentityTokenError",
            };
            return Err(ErrorCode::new(code, format!("the token is {flaw:?}")));
        }
        if self.account.is_forbidden(ACTION) {
            return Err(ErrorCode::new("UnauthorizedOperation", "The role doesn't trust this identity."));
        }
        let key = self.account.settings.issue(SESSION_PREFIX, now, Duration::from_secs(seconds));
        Ok(json!({
            "Credentials": {"Token": key.token, "TmpSecretId": key.id, "TmpSecretKey": key.secret},
            "ExpiredTime": key.expires.as_second(), "Expiration": key.expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        })
        .to_string())
    }
}
