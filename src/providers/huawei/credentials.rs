//! Credentials: the vendor's environment variables, the file of its libraries, and its token service, which issues temporary ones
//! for an OIDC token (`AssumeAgencyWithOIDC`). The vendor calls a role an agency.
//!
//! Sources, as the comments name them:
//! - `sts 3.1.219`: huaweicloudsdksts 3.1.219 for Python, whose request is in `tests/vectors/huawei-oidc.json`
//! - `sdk 3.1.219`, `terraform 2026`: see `spec.rs`
//!
//! Nobody tried the token service on a live account: the form of the names, and whether the CDN accepts credentials of an
//! agency, are unproven.

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::json;

use super::answer::ERROR_FORMAT;
use crate::provider::assume_role::{Proof, RoleRequest, RoleService, RoleSpec, RoleVariables, TokenCall, issued_key};
use crate::provider::credentials::Part::{AccountId, Id, Secret, SecurityToken};
use crate::provider::credentials::{AccessKey, Issued};
use crate::provider::json::Row;
use crate::provider::profile::{Format, Profile, ProfileCredentials, ProfileFile};
use crate::provider::{Api, ApiError, ApiErrorKind, CredentialSpec};

/// The region that is a cloud of its own, with accounts of its own.
pub(super) const EUROPE: &str = "europe";

/// The variables of the credentials; the first that are set count.
pub(super) const CREDENTIALS: &[CredentialSpec] = &[
    // sdk 3.1.219
    CredentialSpec(&[
        Id.from("HUAWEICLOUD_SDK_AK"),
        Secret.from("HUAWEICLOUD_SDK_SK"),
        SecurityToken.from("HUAWEICLOUD_SDK_SECURITY_TOKEN"),
        AccountId.from("HUAWEICLOUD_SDK_DOMAIN_ID"),
    ]),
    CredentialSpec(&[Id.from("CLOUD_SDK_AK"), Secret.from("CLOUD_SDK_SK")]), // the samples of the vendor's documentation
    // terraform 2026
    CredentialSpec(&[
        Id.from("HW_ACCESS_KEY"),
        Secret.from("HW_SECRET_KEY"),
        SecurityToken.from("HW_SECURITY_TOKEN"),
        AccountId.from("HW_DOMAIN_ID"),
    ]),
];

/// Where the vendor's libraries keep credentials. Source: sdk 3.1.219.
pub(crate) static PROFILES: &[ProfileFile] = &[ProfileFile {
    path: ".huaweicloud/credentials",
    path_variable: "HUAWEICLOUD_SDK_CREDENTIALS_FILE",
    disabled_by: &[],
    format: Format::Ini,
    profile_variable: "",
    default: "global", // the section of services without a region
    read: library_profile,
}];

/// Other kinds are not read. Source: sdk 3.1.219.
fn library_profile(section: &Profile<'_>) -> Result<Option<ProfileCredentials>, String> {
    let key = section.access_key("ak", "sk")?.with_token(section.field("security_token").map(Into::into));
    Ok(Some(ProfileCredentials::Key(AccessKey { account_id: section.field("domain_id"), ..key })))
}

/// The Security Token Service.
pub(crate) struct Sts;

static ROLES: RoleSpec = RoleSpec {
    role_form: "iam::ACCOUNT:agency:NAME",
    provider_form: "iam::ACCOUNT:oidc-provider:NAME",
    // The vendor names none: it must be one of the client ids of the identity provider, so `oidc-audience` may be needed.
    audience: "sts.myhuaweicloud.com",
    takes_access_key: false,
    // sdk 3.1.219
    variables: RoleVariables {
        role: "HUAWEICLOUD_OIDC_AGENCY_URN",
        oidc_provider: "HUAWEICLOUD_OIDC_PROVIDER_URN",
        oidc_token: "HUAWEICLOUD_OIDC_ID_TOKEN",
        oidc_token_file: "HUAWEICLOUD_OIDC_TOKEN_FILE",
        session: "HUAWEICLOUD_OIDC_SESSION_NAME",
        policy: "HUAWEICLOUD_OIDC_POLICY",
        duration: "HUAWEICLOUD_OIDC_DURATION_SECONDS",
        endpoint: "HUAWEICLOUD_SDK_STS_ENDPOINT",
        unsupported: &["HUAWEICLOUD_OIDC_POLICY_IDS"],
        ..RoleVariables::NONE
    },
};

#[async_trait(?Send)]
impl RoleService for Sts {
    fn spec(&self) -> &'static RoleSpec {
        &ROLES
    }

    /// The service is a regional one; unproven: that this region serves every account. The variable names another.
    fn endpoint(&self, _: Option<&str>) -> String {
        "https://sts.cn-north-4.myhuaweicloud.com".to_owned()
    }

    fn serves(&self, provider_region: &str) -> bool {
        provider_region != EUROPE
    }

    async fn assume(&self, role: &RoleRequest, proof: Proof<'_>, api: &dyn Api) -> Result<Issued, ApiError> {
        let call = TokenCall {
            api: API,
            permission: "sts:agencies:assumeWithOIDC",
            format: &ERROR_FORMAT,
            helps: &[(
                "",
                "compare the agency's trust policy and the OIDC provider with the token's issuer, audience and subject",
            )],
            credentials_in: "credentials", // sts 3.1.219
        };
        call.issue(request(role, proof)?, api, |row, now| self.read(row, now)).await
    }

    /// Source: sts 3.1.219.
    fn read(&self, row: Row<'_>, now: Timestamp) -> Result<Issued, String> {
        issued_key(row, [["access_key_id"], ["secret_access_key"], ["security_token"], ["expiration"]], now)
    }
}

/// The call. Source: sts 3.1.219.
pub(super) const API: &str = "AssumeAgencyWithOIDC";
/// Its path. Source: sts 3.1.219.
pub(super) const PATH: &str = "/v5/agencies/assume-with-oidc";

/// How long the credentials are valid, in seconds: the vendor's default. Source: sts 3.1.219.
const DURATION: u32 = 3_600;

/// The request to the service.
fn request(role: &RoleRequest, proof: Proof<'_>) -> Result<Request<Bytes>, ApiError> {
    let Proof::OidcToken { provider, token } = proof else {
        return Err(ApiError::new(ApiErrorKind::Credentials, API, "only an OIDC token can assume an agency"));
    };
    let mut body = json!({
        "provider_urn": provider,
        "agency_urn": role.role,
        "agency_session_name": role.session,
        "id_token": token.expose_secret(),
        "duration_seconds": role.duration.unwrap_or(DURATION),
    });
    if let Some(policy) = &role.policy {
        body["policy"] = policy.as_str().into();
    }
    role.post(API, PATH, "application/json;charset=UTF-8", body.to_string())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http::Response;
    use secrecy::SecretString;
    use serde_json::Value;
    use url::Url;

    use super::*;
    use crate::credentials::profile::read;
    use crate::provider::test_harness::Canned;

    #[test]
    fn the_request_is_the_one_of_the_vendors_sdk() {
        let file: Value = serde_json::from_str(include_str!("../../../tests/vectors/huawei-oidc.json")).unwrap();
        let vector = &file["oidc_sts_v5"][0];
        let mut theirs: Value = serde_json::from_str(vector["body_text"].as_str().unwrap()).unwrap();
        let text = |name: &str| theirs[name].as_str().unwrap().to_owned();
        let (provider, token) = (text("provider_urn"), SecretString::from(text("id_token")));
        let role = RoleRequest {
            endpoint: Url::parse("http://127.0.0.1:18432").unwrap(),
            role: text("agency_urn"),
            session: text("agency_session_name"),
            external_id: None,
            duration: None,
            policy: None,
        };
        let proof = Proof::OidcToken { provider: &provider, token: &token };
        let ours = request(&role, proof).unwrap();
        assert_eq!((ours.method().as_str(), ours.uri().path()), ("POST", vector["target"].as_str().unwrap()));
        assert_eq!(ours.headers()["content-type"], "application/json;charset=UTF-8");
        theirs["duration_seconds"] = DURATION.into();
        assert_eq!(serde_json::from_slice::<Value>(ours.body()).unwrap(), theirs);
        let restricted = RoleRequest { duration: Some(900), policy: Some("{}".into()), ..role.clone() };
        let restricted: Value = serde_json::from_slice(request(&restricted, proof).unwrap().body()).unwrap();
        assert_eq!((&restricted["duration_seconds"], &restricted["policy"]), (&900.into(), &"{}".into()));
        let assume = |response| Sts.assume(&role, proof, &Canned(response)).now_or_never().unwrap();
        let body = r#"{"credentials":{"access_key_id":"i","secret_access_key":"s","security_token":"t","expiration":"2099-01-01T00:00:00.000000Z"}}"#;
        let issued = assume(Response::new(Bytes::from_static(body.as_bytes()))).unwrap();
        assert_eq!(issued.expires, Some("2099-01-01T00:00:00Z".parse().unwrap()));
        let refusal = Response::builder().status(403).body(Bytes::from_static(b"{}")).unwrap();
        assert!(assume(refusal).is_err());
    }

    #[test]
    fn the_libraries_file_is_read_by_its_section_global() {
        let read = |text: &str| read(&PROFILES[0], text, None, &Default::default());
        let text = "[basic]\nak=x\nsk=y\n[global]\nak = i\nsk = s\ndomain_id = d\n";
        let (_, ProfileCredentials::Key(key)) = read(text).unwrap().unwrap() else { panic!("no access key") };
        assert_eq!((key.id.as_str(), key.account_id.as_deref()), ("i", Some("d")));
        assert!(read("[basic]\nak=x\nsk=y\n").unwrap().is_err());
        assert!(read("[global]\nidp_id=x\n").is_err());
    }
}
