//! Where keys come from: the vendor's names in the environment, the file of its libraries, and its token service, whose keys end
//! (`AssumeAgencyWithOIDC`). The vendor calls a role an agency.
//!
//! Sources, as the comments name them:
//! - `sts 3.1.219`: huaweicloudsdksts 3.1.219 for Python, whose request is in `tests/vectors/huawei-oidc.json`
//! - `sdk 3.1.219`, `terraform 2026`: see `spec.rs`
//!
//! Nobody tried the token service on a live account: the spelling of the names, and whether the CDN takes keys of an agency, are
//! unproven.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::json;

use super::answer::WORDING;
use super::spec::EUROPE;
use crate::provider::exchange::{Asked, ExchangeSpec, KeyNames, Proof};
use crate::provider::profile::{Kind, ProfileNames, ProfileSpec};
use crate::provider::{ApiError, ApiErrorKind, CredentialSpec};

/// Where the keys come from, in order.
pub(super) const CREDENTIALS: &[CredentialSpec] = &[
    // sdk 3.1.219
    CredentialSpec::new("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
        .account("HUAWEICLOUD_SDK_DOMAIN_ID"),
    CredentialSpec::new("CLOUD_SDK_AK", "CLOUD_SDK_SK", ""), // the samples of the vendor's documentation
    // terraform 2026
    CredentialSpec::new("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN").account("HW_DOMAIN_ID"),
];

/// Where the vendor's libraries keep keys. Source: sdk 3.1.219.
pub(super) static PROFILES: &[ProfileSpec] = &[ProfileSpec {
    path_name: "HUAWEICLOUD_SDK_CREDENTIALS_FILE",
    default: "global", // the section of services without a region
    ..ProfileSpec::ini(".huaweicloud/credentials", &LIBRARY)
}];

/// Other kinds are not read. Source: sdk 3.1.219.
static LIBRARY: ProfileNames = ProfileNames {
    kinds: &[("", Kind::KeyOrTemporary)],
    id: "ak",
    secret: "sk",
    token: "security_token",
    account: "domain_id",
    ..ProfileNames::NONE
};

/// The Security Token Service.
pub(super) static EXCHANGE: ExchangeSpec = ExchangeSpec {
    // The service is a regional one; unproven: that this region serves every account. Another is named by the variable.
    endpoint: "https://sts.cn-north-4.myhuaweicloud.com",
    endpoint_name: "HUAWEICLOUD_SDK_STS_ENDPOINT",      // sdk 3.1.219
    regional: "https://sts.{region}.myhuaweicloud.com", // unproven: the form of the default
    // The vendor names none: it must be one of the client ids of the identity provider, so `oidc-audience` may be needed.
    audience: "sts.myhuaweicloud.com",
    role: "HUAWEICLOUD_OIDC_AGENCY_URN", // this and the following: sdk 3.1.219
    provider: "HUAWEICLOUD_OIDC_PROVIDER_URN",
    token: "HUAWEICLOUD_OIDC_ID_TOKEN",
    token_file: "HUAWEICLOUD_OIDC_TOKEN_FILE",
    session: "HUAWEICLOUD_OIDC_SESSION_NAME",
    policy: "HUAWEICLOUD_OIDC_POLICY",
    life: "HUAWEICLOUD_OIDC_DURATION_SECONDS",
    unread: &["HUAWEICLOUD_OIDC_POLICY_IDS"],
    elsewhere: &[EUROPE],
    role_shape: "iam::ACCOUNT:agency:NAME",
    provider_shape: "iam::ACCOUNT:oidc-provider:NAME",
    by_token: API, // an agency is assumed with a token only
    permission: "sts:agencies:assumeWithOIDC",
    helps: &[(
        "",
        "compare the agency's trust policy and the OIDC provider with the token's issuer, audience and subject",
    )],
    keys_in: "credentials", // sts 3.1.219
    ..ExchangeSpec::new(request, &WORDING, KEYS)
};

/// Source: sts 3.1.219.
const KEYS: KeyNames = KeyNames {
    id: &["access_key_id"],
    secret: &["secret_access_key"],
    token: &["security_token"],
    expires: &["expiration"],
};

/// The call. Source: sts 3.1.219.
pub(super) const API: &str = "AssumeAgencyWithOIDC";
/// Its path. Source: sts 3.1.219.
pub(super) const PATH: &str = "/v5/agencies/assume-with-oidc";

/// How long the keys shall live, in seconds: the default of the vendor's. Source: sts 3.1.219.
const LIFE: u32 = 3_600;

/// The request to the vendor's Security Token Service.
pub(super) fn request(asked: &Asked<'_>, _: Timestamp, _: &str) -> Result<Request<Bytes>, ApiError> {
    let Proof::Token { provider, token } = asked.proof else {
        return Err(ApiError::new(ApiErrorKind::Credentials, API, "an agency is assumed with a token only"));
    };
    let mut body = json!({
        "provider_urn": provider,
        "agency_urn": asked.role,
        "agency_session_name": asked.session,
        "id_token": token.expose_secret(),
        "duration_seconds": asked.life.unwrap_or(LIFE),
    });
    if let Some(policy) = asked.policy {
        body["policy"] = policy.into();
    }
    asked.post(API, PATH, "application/json;charset=UTF-8", body.to_string())
}

#[cfg(test)]
mod tests {
    use http::Response;
    use secrecy::SecretString;
    use serde_json::Value;
    use url::Url;

    use super::*;
    use crate::provider::profile::Holds;

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
        let (external_id, life, policy) = (None, None, None);
        let asked = Asked { endpoint: &endpoint, role: &role, session: &session, external_id, life, policy, proof };
        let ours = request(&asked, Timestamp::UNIX_EPOCH, "").unwrap();
        assert_eq!((ours.method().as_str(), ours.uri().path()), ("POST", vector["target"].as_str().unwrap()));
        assert_eq!(ours.headers()["content-type"], "application/json;charset=UTF-8");
        theirs["duration_seconds"] = LIFE.into();
        assert_eq!(serde_json::from_slice::<Value>(ours.body()).unwrap(), theirs);
        let narrowed =
            request(&Asked { life: Some(900), policy: Some("{}"), ..asked }, Timestamp::UNIX_EPOCH, "").unwrap();
        let narrowed: Value = serde_json::from_slice(narrowed.body()).unwrap();
        assert_eq!((&narrowed["duration_seconds"], &narrowed["policy"]), (&900.into(), &"{}".into()));
        let body = r#"{"credentials":{"access_key_id":"i","secret_access_key":"s","security_token":"t","expiration":"2099-01-01T00:00:00.000000Z"}}"#;
        let keys = EXCHANGE.read(&asked, &Response::new(Bytes::from_static(body.as_bytes()))).unwrap();
        assert_eq!(keys.expires, Some("2099-01-01T00:00:00Z".parse().unwrap()));
        let refusal = Response::builder().status(403).body(Bytes::from_static(b"{}")).unwrap();
        assert!(EXCHANGE.read(&asked, &refusal).is_err());
    }

    #[test]
    fn the_libraries_file_is_read_by_its_section_global() {
        let read = |text: &str| PROFILES[0].read(text, &|_| None);
        let text = "[basic]\nak=x\nsk=y\n[global]\nak = i\nsk = s\ndomain_id = d\n";
        let Holds::Keys(keys) = read(text).unwrap().unwrap().holds else { panic!("no keys") };
        assert_eq!((keys.access_key_id.as_str(), keys.account_id.as_deref()), ("i", Some("d")));
        assert!(read("[basic]\nak=x\nsk=y\n").unwrap().is_err());
        assert!(read("[global]\nidp_id=x\n").is_err());
    }
}
