//! Credentials: the vendor's environment variables, the file of its libraries, and its Security Token Service, which issues
//! temporary ones for an OIDC token (`AssumeRoleWithWebIdentity`).
//!
//! Sources, as the comments name them:
//! - `common 3.1.195`: tencentcloud-sdk-python-common 3.1.195, its `credential.py`
//! - `sts 3.0.1459`: tencentcloud-sdk-python-sts 3.0.1459
//!
//! Nobody tried the token service on a live account: that GitHub or GitLab can be registered as an OIDC provider of CAM is unproven.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::json;

use super::answer::ERROR_FORMAT;
use crate::provider::assume_role::{Proof, RoleRequest, RoleService, RoleSpec, RoleVariables, TokenCall, issued_key};
use crate::provider::credentials::Issued;
use crate::provider::credentials::Part::{Id, Secret, SecurityToken};
use crate::provider::json::Row;
use crate::provider::profile::{Format, Profile, ProfileCredentials, ProfileFile};
use crate::provider::sign::tc3::Call;
use crate::provider::{Api, ApiError, ApiErrorKind, CredentialSpec};

/// The variables of the credentials; the first that are set count.
pub(super) const CREDENTIALS: &[CredentialSpec] = &[
    // Common 3.1.195; the token: tencentcloudstack/terraform-provider-tencentcloud, read in November 2026.
    CredentialSpec(&[
        Id.from("TENCENTCLOUD_SECRET_ID"),
        Secret.from("TENCENTCLOUD_SECRET_KEY"),
        SecurityToken.from("TENCENTCLOUD_SECURITY_TOKEN"),
    ]),
];

/// Where the vendor's libraries keep credentials. Source: common 3.1.195.
pub(crate) static PROFILES: &[ProfileFile] = &[ProfileFile {
    path: ".tencentcloud/credentials",
    path_variable: "",
    disabled_by: &[],
    format: Format::Ini,
    profile_variable: "",
    default: "default",
    read: library_profile,
}];

fn library_profile(section: &Profile<'_>) -> Result<Option<ProfileCredentials>, String> {
    Ok(Some(ProfileCredentials::Key(section.access_key("secret_id", "secret_key")?)))
}

/// The Security Token Service.
pub(crate) struct Sts;

static ROLES: RoleSpec = RoleSpec {
    role_form: "qcs::cam::uin/ACCOUNT:roleName/NAME",
    provider_form: "NAME",
    audience: "sts.tencentcloudapi.com", // the vendor names none: it is one of the client ids of the identity provider
    takes_access_key: false,
    // Common 3.1.195: those of its clusters.
    variables: RoleVariables {
        role: "TKE_ROLE_ARN",
        oidc_provider: "TKE_PROVIDER_ID",
        oidc_token_file: "TKE_WEB_IDENTITY_TOKEN_FILE",
        region: "TKE_REGION",
        endpoint: "TENCENTCLOUD_STS_ENDPOINT", // ours: the vendor has none
        ..RoleVariables::NONE
    },
};

/// The call. Source: common 3.1.195.
pub(super) const API: &str = "AssumeRoleWithWebIdentity";

/// Its region, which the common parameters require and the service doesn't depend on.
const REGION: HeaderValue = HeaderValue::from_static("ap-guangzhou");

/// How long the credentials are valid, in seconds; the vendor's default is two hours (common 3.1.195), and a role may allow less.
const DURATION: u32 = 3_600;

#[async_trait(?Send)]
impl RoleService for Sts {
    fn spec(&self) -> &'static RoleSpec {
        &ROLES
    }

    /// One for all regions. Source: common 3.1.195. Unproven: that it serves accounts of the international site.
    fn endpoint(&self, _: Option<&str>) -> String {
        "https://sts.tencentcloudapi.com".to_owned()
    }

    async fn assume(&self, role: &RoleRequest, proof: Proof<'_>, api: &dyn Api) -> Result<Issued, ApiError> {
        let call = TokenCall {
            api: API,
            permission: "sts:AssumeRoleWithWebIdentity",
            format: &ERROR_FORMAT,
            helps: &[(
                "",
                "compare the role's trust policy and the OIDC provider of CAM with the token's issuer, audience and subject",
            )],
            credentials_in: "", // the end stands next to them: sts 3.0.1459
        };
        call.issue(request(role, proof, api.now())?, api, |row, now| self.read(row, now)).await
    }

    /// Source: sts 3.0.1459.
    fn read(&self, row: Row<'_>, now: Timestamp) -> Result<Issued, String> {
        let key = row.object("Credentials");
        let issued = issued_key(key, [["TmpSecretId"], ["TmpSecretKey"], ["Token"], ["ExpiredTime"]], now)?;
        Ok(Issued::until(issued.credentials, row.moment("ExpiredTime"), now))
    }
}

/// The request to the service: not signed, and it says so. Source: common 3.1.195.
fn request(role: &RoleRequest, proof: Proof<'_>, now: Timestamp) -> Result<Request<Bytes>, ApiError> {
    let Proof::OidcToken { provider, token } = proof else {
        return Err(ApiError::new(ApiErrorKind::Credentials, API, "only an OIDC token can assume a role"));
    };
    let body = json!({
        "ProviderId": provider,
        "WebIdentityToken": token.expose_secret(),
        "RoleArn": role.role,
        "RoleSessionName": role.session,
        "DurationSeconds": role.duration.unwrap_or(DURATION),
    });
    let body = body.to_string();
    let call =
        Call { endpoint: &role.endpoint, service: "sts", version: "2018-08-13", action: API, body: String::new() };
    let request = call.unsigned().header("authorization", "SKIP").header("x-tc-timestamp", now.as_second());
    let request = request.header("x-tc-region", REGION).body(Bytes::from(body));
    request.map_err(|error| ApiError::unsignable(API, &error))
}
