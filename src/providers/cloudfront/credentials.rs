//! Credentials: the vendor's environment variables, the file of its tools, and its Security Token Service, which issues temporary ones
//! for an OIDC token (`AssumeRoleWithWebIdentity`).
//!
//! Sources, as the comments name them:
//! - `sdk 1.44.5`: botocore 1.44.5, its `credentials.py`, its model of STS, and its requests against a local server, November 2026

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::codes::XML;
use crate::provider::ApiErrorKind::{Credentials, Forbidden, Server, Throttled};
use crate::provider::assume_role::{Proof, RoleRequest, RoleService, RoleSpec, RoleVariables, TokenCall, issued_key};
use crate::provider::credentials::Issued;
use crate::provider::credentials::Part::{Id, Secret, SecurityToken};
use crate::provider::error_format::{Code, ErrorFormat};
use crate::provider::json::Row;
use crate::provider::profile::{Format, Profile, ProfileCredentials, ProfileFile};
use crate::provider::sign::canonical;
use crate::provider::{Api, ApiError, CredentialSpec};

/// The region of the API in China, a cloud of its own.
pub(super) const CHINA: &str = "china";

/// The variables of the credentials. Source: sdk 1.44.5.
pub(super) const CREDENTIALS: &[CredentialSpec] = &[CredentialSpec(&[
    Id.from("AWS_ACCESS_KEY_ID"),
    Secret.from("AWS_SECRET_ACCESS_KEY"),
    SecurityToken.from("AWS_SESSION_TOKEN"),
])];

/// Where the vendor's tools keep credentials. Source: sdk 1.44.5.
pub(crate) static PROFILES: &[ProfileFile] = &[ProfileFile {
    path: ".aws/credentials",
    path_variable: "AWS_SHARED_CREDENTIALS_FILE",
    disabled_by: &[],
    format: Format::Ini,
    profile_variable: "AWS_PROFILE",
    default: "default",
    read: |section: &Profile<'_>| {
        let key = section.access_key("aws_access_key_id", "aws_secret_access_key")?;
        Ok(Some(ProfileCredentials::Key(key.with_token(section.field("aws_session_token").map(Into::into)))))
    },
}];

/// The Security Token Service.
pub(crate) struct Sts;

static ROLES: RoleSpec = RoleSpec {
    role_form: "arn:aws:iam::ACCOUNT:role/NAME",
    provider_form: "",             // the service finds it by the token's issuer: sdk 1.44.5
    audience: "sts.amazonaws.com", // aws-actions/configure-aws-credentials, November 2026
    takes_access_key: false,
    // Sdk 1.44.5.
    variables: RoleVariables {
        role: "AWS_ROLE_ARN",
        oidc_token_file: "AWS_WEB_IDENTITY_TOKEN_FILE",
        session: "AWS_ROLE_SESSION_NAME",
        region: "AWS_REGION",
        endpoint: "AWS_ENDPOINT_URL_STS",
        ..RoleVariables::NONE
    },
};

/// The call. Source: sdk 1.44.5.
pub(super) const API: &str = "AssumeRoleWithWebIdentity";

/// How long the credentials are valid, in seconds: the vendor's default, and what each role allows. Source: sdk 1.44.5.
const DURATION: u32 = 3_600;

/// Its errors. Source: sdk 1.44.5.
static ERROR_FORMAT: ErrorFormat = ErrorFormat {
    envelope: "AssumeRoleWithWebIdentityResult",
    codes: &[
        Code::new(Forbidden, "", &["AccessDenied"]),
        Code::new(Server, "", &["IDPCommunicationError"]),
        Code::new(Throttled, "", &["Throttling*"]),
        Code::new(Credentials, "", &["ExpiredToken*"]),
    ],
    ..XML
};

#[async_trait(?Send)]
impl RoleService for Sts {
    fn spec(&self) -> &'static RoleSpec {
        &ROLES
    }

    /// One for all regions, or that of a region. Source: sdk 1.44.5.
    fn endpoint(&self, region: Option<&str>) -> String {
        region.map_or_else(
            || "https://sts.amazonaws.com".to_owned(),
            |region| format!("https://sts.{region}.amazonaws.com"),
        )
    }

    fn serves(&self, provider_region: &str) -> bool {
        provider_region != CHINA
    }

    async fn assume(&self, role: &RoleRequest, proof: Proof<'_>, api: &dyn Api) -> Result<Issued, ApiError> {
        let call = TokenCall {
            api: API,
            permission: "sts:AssumeRoleWithWebIdentity",
            format: &ERROR_FORMAT,
            helps: &[(
                "",
                "compare the role's trust policy and the OIDC provider of IAM with the token's issuer, audience and subject",
            )],
            credentials_in: "Credentials",
        };
        call.issue(request(role, proof)?, api, |row, now| self.read(row, now)).await
    }

    /// Source: sdk 1.44.5.
    fn read(&self, row: Row<'_>, now: Timestamp) -> Result<Issued, String> {
        issued_key(row, [["AccessKeyId"], ["SecretAccessKey"], ["SessionToken"], ["Expiration"]], now)
    }
}

/// The request to the service, which isn't signed: a form. Source: sdk 1.44.5.
fn request(role: &RoleRequest, proof: Proof<'_>) -> Result<Request<Bytes>, ApiError> {
    let Proof::OidcToken { token, .. } = proof else {
        return Err(ApiError::new(Credentials, API, "only an OIDC token can assume a role"));
    };
    let duration = role.duration.unwrap_or(DURATION).to_string();
    let fields = [
        ("Action", API),
        ("Version", "2011-06-15"),
        ("RoleArn", &role.role),
        ("RoleSessionName", &role.session),
        ("WebIdentityToken", token.expose_secret()),
        ("DurationSeconds", &duration),
    ];
    let policy = role.policy.as_deref().map(|policy| ("Policy", policy));
    Request::post(role.endpoint.as_str())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(canonical::joined(fields.into_iter().chain(policy)).into())
        .map_err(|error| ApiError::unsignable(API, &error))
}
