//! Keys that end, from the vendor's STS, for a token (`AssumeAgencyWithOIDC`); and the file in which the vendor's own
//! libraries keep keys. The vendor calls a role an agency.
//!
//! Sources, as the comments name them:
//! - `sts 3.1.219`: huaweicloudsdksts 3.1.219 for Python, whose request is in `tests/vectors/huawei-oidc.json`
//! - `sdk 3.1.219`: huaweicloudsdkcore 3.1.219
//!
//! Nobody tried it on a live account: the spelling of the names, and whether the CDN takes keys of an agency, are unproven.

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::answer::Answer;
use crate::provider::credentials::Credentials;
use crate::provider::exchange::{Asked, Exchange, ExchangeSpec, Profile, ProfileSpec, Proof, ini};
use crate::provider::{ApiError, ApiErrorKind, ApiName};

/// The call. Source: sts 3.1.219.
pub(super) const API: &str = "AssumeAgencyWithOIDC";
/// Its path. Source: sts 3.1.219.
pub(super) const PATH: &str = "/v5/agencies/assume-with-oidc";

/// How long the keys shall live, in seconds: the default of the vendor's. Source: sts 3.1.219.
const LIFE: u32 = 3_600;

/// The vendor's Security Token Service.
pub(super) struct Sts;

static SPEC: ExchangeSpec = ExchangeSpec {
    // The service is a regional one; unproven: that this region serves every account. Another is named by the variable.
    endpoint: "https://sts.cn-north-4.myhuaweicloud.com",
    endpoint_name: "HUAWEICLOUD_SDK_STS_ENDPOINT", // sdk 3.1.219
    // The vendor names none: it must be one of the client ids of the identity provider, so `oidc-audience` may be needed.
    audience: "sts.myhuaweicloud.com",
    role: "HUAWEICLOUD_OIDC_AGENCY_URN", // this and the following: sdk 3.1.219
    provider: "HUAWEICLOUD_OIDC_PROVIDER_URN",
    token_file: "HUAWEICLOUD_OIDC_TOKEN_FILE",
    session: "HUAWEICLOUD_OIDC_SESSION_NAME",
    role_shape: "iam::ACCOUNT:agency:NAME",
    provider_shape: "iam::ACCOUNT:oidc-provider:NAME",
    takes_keys: false,
};

impl Exchange for Sts {
    fn spec(&self) -> &'static ExchangeSpec {
        &SPEC
    }

    fn is_role(&self, text: &str) -> bool {
        text.starts_with("iam::") && text.contains(":agency:") && !text.ends_with(':')
    }

    fn request(&self, asked: &Asked<'_>, _: Timestamp, _: &str) -> Result<Request<Bytes>, ApiError> {
        let Proof::Token { provider, token } = asked.proof else {
            return Err(ApiError::new(ApiErrorKind::Credentials, API, "an agency is assumed with a token only"));
        };
        let body = json!({
            "provider_urn": provider,
            "agency_urn": asked.role,
            "agency_session_name": asked.session,
            "id_token": token.expose_secret(),
            "duration_seconds": LIFE,
        });
        Request::post(format!("{}{PATH}", asked.endpoint.as_str().trim_end_matches('/')))
            .header("content-type", "application/json;charset=UTF-8")
            .extension(ApiName(API))
            .body(Bytes::from(body.to_string()))
            .map_err(|_| ApiError::new(ApiErrorKind::Credentials, API, "the endpoint makes no address"))
    }

    fn read(&self, _: &Asked<'_>, response: Response<Bytes>) -> Result<Credentials, ApiError> {
        let is_good = response.status().is_success();
        let answer = Answer {
            api: API,
            permission: "sts:agencies:assumeWithOIDC",
            submits: false,
            signed_at: Timestamp::MAX,
            response,
        };
        if !is_good {
            let error = answer.refusal();
            let kind = match error.kind {
                ApiErrorKind::Refused | ApiErrorKind::Denied | ApiErrorKind::TooLarge | ApiErrorKind::Clock => {
                    ApiErrorKind::Credentials
                }
                kind => kind,
            };
            let help =
                "compare the agency's trust policy and the OIDC provider with the token's issuer, audience and subject";
            return Err(ApiError { kind, help: error.help.or_else(|| Some(help.into())), ..error });
        }
        let body: Value = serde_json::from_slice(answer.response.body()).unwrap_or_default();
        let field = |name: &str| body["credentials"][name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let (Some(id), Some(secret), Some(token)) =
            (field("access_key_id"), field("secret_access_key"), field("security_token"))
        else {
            return Err(answer.unreadable("JSON without keys in `credentials`"));
        };
        let expires = field("expiration").and_then(|time| time.parse().ok());
        Ok(Credentials { expires, ..Credentials::fixed(id, secret.into()).with_token(Some(token.into())) })
    }
}

/// Where the vendor's libraries keep keys. Source: sdk 3.1.219.
pub(super) static PROFILES: &[ProfileSpec] = &[ProfileSpec {
    path: ".huaweicloud/credentials",
    path_name: "HUAWEICLOUD_SDK_CREDENTIALS_FILE",
    forbidden_by: &[],
    read: sdk_profile,
}];

/// The section `global`, which is that of services without a region. Source: sdk 3.1.219.
fn sdk_profile(text: &str, _: &dyn Fn(&str) -> Option<String>) -> Result<Option<Profile>, String> {
    let Some((name, pairs)) = ini(text).into_iter().find(|(section, _)| section == "global") else {
        return Ok(None);
    };
    let field = |key: &str| {
        pairs.iter().find(|(known, value)| known == key && !value.is_empty()).map(|(_, value)| value.clone())
    };
    let (Some(id), Some(secret)) = (field("ak"), field("sk")) else {
        return Err("its section `global` lacks `ak` or `sk`; other ways are not read from it".to_owned());
    };
    let keys = Credentials::fixed(id, secret.into()).with_token(field("security_token").map(Into::into));
    Ok(Some(Profile { name, keys: Credentials { account_id: field("domain_id"), ..keys }, role: None }))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use url::Url;

    use super::*;

    #[test]
    fn the_request_is_the_one_of_the_vendors_sdk() {
        let file: Value = serde_json::from_str(include_str!("../../../tests/vectors/huawei-oidc.json")).unwrap();
        let vector = &file["oidc_sts_v5"][0];
        let mut theirs: Value = serde_json::from_str(vector["body_text"].as_str().unwrap()).unwrap();
        let text = |name: &str| theirs[name].as_str().unwrap().to_owned();
        let (role, session, provider) = (text("agency_urn"), text("agency_session_name"), text("provider_urn"));
        let token = SecretString::from(text("id_token"));
        let endpoint = Url::parse("http://127.0.0.1:18432").unwrap();
        let proof = Proof::Token { provider: &provider, token: &token };
        let asked = Asked { endpoint: &endpoint, role: &role, session: &session, proof };
        let ours = Sts.request(&asked, Timestamp::UNIX_EPOCH, "").unwrap();
        assert_eq!((ours.method().as_str(), ours.uri().path()), ("POST", vector["target"].as_str().unwrap()));
        assert_eq!(ours.headers()["content-type"], "application/json;charset=UTF-8");
        theirs["duration_seconds"] = LIFE.into();
        assert_eq!(serde_json::from_slice::<Value>(ours.body()).unwrap(), theirs);
        let body = r#"{"credentials":{"access_key_id":"i","secret_access_key":"s","security_token":"t","expiration":"2099-01-01T00:00:00.000000Z"}}"#;
        let keys = Sts.read(&asked, Response::new(Bytes::from_static(body.as_bytes()))).unwrap();
        assert_eq!(keys.expires, Some("2099-01-01T00:00:00Z".parse().unwrap()));
        let refusal = Response::builder().status(403).body(Bytes::from_static(b"{}")).unwrap();
        assert!(Sts.read(&asked, refusal).is_err());
    }

    #[test]
    fn the_libraries_file_is_read_by_its_section_global() {
        let none = |_: &str| None;
        let keys =
            sdk_profile("[basic]\nak=x\nsk=y\n[global]\nak = i\nsk = s\ndomain_id = d\n", &none).unwrap().unwrap().keys;
        assert_eq!((keys.access_key_id.as_str(), keys.account_id.as_deref()), ("i", Some("d")));
        assert!(sdk_profile("[basic]\nak=x\nsk=y\n", &none).unwrap().is_none());
        assert!(sdk_profile("[global]\nidp_id=x\n", &none).is_err());
    }
}
