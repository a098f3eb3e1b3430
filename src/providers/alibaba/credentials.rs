//! Credentials: the vendor's environment variables, the files of its tools, and its token service, which issues temporary ones for
//! an OIDC token (`AssumeRoleWithOIDC`) or an access key (`AssumeRole`).
//!
//! Sources, as the comments name them:
//! - `STS page 2024-12`: the pages AssumeRole and AssumeRoleWithOIDC of help.aliyun.com, December 2024
//! - `STS codes 2026`: help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-errorcodes, read in November 2026
//! - `credentials 1.0.12`: alibabacloud_credentials 1.0.12 for Python, and @alicloud/credentials 2.4.7, which sends the same
//! - `aliyun-cli`: github.com/aliyun/aliyun-cli at eadd68d
//! - `terraform 2026`: see `spec.rs`

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request};
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::answer::ERROR_FORMAT;
use crate::provider::assume_role::{Proof, RoleRequest, RoleService, RoleSpec, RoleVariables, TokenCall, issued_key};
use crate::provider::credentials::Issued;
use crate::provider::credentials::Part::{Id, Secret, SecurityToken};
use crate::provider::json::Row;
use crate::provider::profile::{AssumeRoleOptions, Format, Profile, ProfileCredentials, ProfileFile};
use crate::provider::sign::acs::{Call, timestamp};
use crate::provider::sign::acs1;
use crate::provider::sign::canonical::joined;
use crate::provider::{Api, ApiError, CredentialSpec, present};

/// The variables of each product's credentials; the first that are set count.
pub(super) const CREDENTIALS: &[CredentialSpec] = &[
    // alibabacloud_credentials 1.0.12
    CredentialSpec(&[
        Id.from("ALIBABA_CLOUD_ACCESS_KEY_ID"),
        Secret.from("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        SecurityToken.from("ALIBABA_CLOUD_SECURITY_TOKEN"),
    ]),
    // terraform 2026; aliyun/configure-aliyun-credentials-action 1.0.7
    CredentialSpec(&[
        Id.from("ALICLOUD_ACCESS_KEY"),
        Secret.from("ALICLOUD_SECRET_KEY"),
        SecurityToken.from("ALICLOUD_SECURITY_TOKEN"),
    ]),
    // aliyun-cli at eadd68d, this and the following
    CredentialSpec(&[
        Id.from("ALICLOUD_ACCESS_KEY_ID"),
        Secret.from("ALICLOUD_ACCESS_KEY_SECRET"),
        SecurityToken.from("ALICLOUD_SECURITY_TOKEN"),
    ]),
    CredentialSpec(&[
        Id.from("ALIBABACLOUD_ACCESS_KEY_ID"),
        Secret.from("ALIBABACLOUD_ACCESS_KEY_SECRET"),
        SecurityToken.from("ALIBABACLOUD_SECURITY_TOKEN"),
    ]),
];

/// Where the vendor's tools keep credentials, in the order of credentials 1.0.12. Source of the variable: aliyun-cli.
pub(crate) static PROFILES: &[ProfileFile] = &[
    ProfileFile {
        path: ".aliyun/config.json", // aliyun-cli
        path_variable: "",
        disabled_by: &["ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "ALIBABA_CLOUD_IGNORE_PROFILE"],
        format: Format::Json,
        profile_variable: "ALIBABA_CLOUD_PROFILE",
        default: "default",
        read: cli_profile,
    },
    ProfileFile { path_variable: "ALIBABA_CLOUD_CREDENTIALS_FILE", ..library_file(".alibabacloud/credentials.ini") }, // credentials 1.0.12
    library_file(".alibabacloud/credentials"), // @alicloud/credentials 2.4.7
];

const fn library_file(path: &'static str) -> ProfileFile {
    ProfileFile {
        path,
        path_variable: "",
        disabled_by: &[],
        format: Format::Ini,
        profile_variable: "ALIBABA_CLOUD_PROFILE",
        default: "default",
        read: library_profile,
    }
}

/// A profile of the vendor's command line. Source of modes and names: aliyun-cli.
fn cli_profile(profile: &Profile<'_>) -> Result<Option<ProfileCredentials>, String> {
    use ProfileCredentials::{Command, Federated, Key, Role};
    let key = || profile.access_key("access_key_id", "access_key_secret");
    let role = || profile.need("ram_role_arn");
    let options = AssumeRoleOptions {
        session: profile.field("ram_session_name"),
        external_id: profile.field("external_id"),
        duration: profile.number("expired_seconds")?,
        region: profile.field("sts_region"),
        policy: None,
    };
    Ok(Some(match &*profile.field("mode").unwrap_or_else(|| "AK".to_owned()) {
        // What the command line leaves before anybody configured it.
        "AK" if ["access_key_id", "access_key_secret"].iter().all(|name| profile.field(name).is_none()) => {
            return Ok(None);
        }
        "AK" => Key(key()?),
        "StsToken" => Key(key()?.with_token(Some(profile.need("sts_token")?.into()))),
        "RamRoleArn" => Role { role: role()?, options, by: Box::new(Key(key()?)) },
        "ChainableRamRoleArn" => {
            let by = Box::new(profile.source("source_profile")?);
            Role { role: role()?, options, by }
        }
        "OIDC" => Federated {
            role: role()?,
            options,
            provider: profile.need("oidc_provider_arn")?,
            token_file: profile.need("oidc_token_file")?.into(),
        },
        // Cut at spaces, since no shell reads it.
        "External" => Command(profile.need("process_command")?.split_ascii_whitespace().map(str::to_owned).collect()),
        other => {
            let modes = ["AK", "StsToken", "RamRoleArn", "ChainableRamRoleArn", "OIDC", "External"];
            return Err(profile.unsupported("mode", other, &modes));
        }
    }))
}

/// A section of the file of the vendor's libraries. Source: credentials 1.0.12, which reads no external id, duration and region there.
fn library_profile(section: &Profile<'_>) -> Result<Option<ProfileCredentials>, String> {
    use ProfileCredentials::{Federated, Key, Role};
    let key = || section.access_key("access_key_id", "access_key_secret");
    let role = || section.need("role_arn");
    let (session, policy) = (section.field("role_session_name"), section.field("policy"));
    let options = AssumeRoleOptions { session, policy, ..AssumeRoleOptions::default() };
    Ok(Some(match &*section.field("type").unwrap_or_else(|| "access_key".to_owned()) {
        "access_key" => Key(key()?),
        "sts" => Key(key()?.with_token(Some(section.need("security_token")?.into()))),
        "ram_role_arn" => Role { role: role()?, options, by: Box::new(Key(key()?)) },
        "oidc_role_arn" => Federated {
            role: role()?,
            options,
            provider: section.need("oidc_provider_arn")?,
            token_file: section.need("oidc_token_file_path")?.into(),
        },
        other => {
            return Err(section.unsupported("type", other, &["access_key", "sts", "ram_role_arn", "oidc_role_arn"]));
        }
    }))
}

/// The Security Token Service.
pub(crate) struct Sts;

static ROLES: RoleSpec = RoleSpec {
    role_form: "acs:ram::ACCOUNT:role/NAME",
    provider_form: "acs:ram::ACCOUNT:oidc-provider/NAME",
    audience: "sts.aliyuncs.com", // aliyun/configure-aliyun-credentials-action 1.0.7
    takes_access_key: true,
    // credentials 1.0.12
    variables: RoleVariables {
        role: "ALIBABA_CLOUD_ROLE_ARN",
        oidc_provider: "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
        oidc_token_file: "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
        session: "ALIBABA_CLOUD_ROLE_SESSION_NAME",
        region: "ALIBABA_CLOUD_STS_REGION",
        endpoint: "ALIBABA_CLOUD_STS_ENDPOINT",
        credentials_url: "ALIBABA_CLOUD_CREDENTIALS_URI",
        ..RoleVariables::NONE
    },
};

#[async_trait(?Send)]
impl RoleService for Sts {
    fn spec(&self) -> &'static RoleSpec {
        &ROLES
    }

    fn endpoint(&self, region: Option<&str>) -> String {
        match region {
            None => "https://sts.aliyuncs.com".to_owned(), // STS page 2024-12
            Some(region) => format!("https://sts.{region}.aliyuncs.com"), // credentials 1.0.12
        }
    }

    async fn assume(&self, role: &RoleRequest, proof: Proof<'_>, api: &dyn Api) -> Result<Issued, ApiError> {
        let request = request(role, proof, api.now(), &api.nonce())?;
        let call = TokenCall {
            api: if matches!(proof, Proof::AccessKey(_)) { WITH_KEY } else { WITH_OIDC },
            permission: "sts:AssumeRole",
            format: &ERROR_FORMAT,
            helps: HELPS,
            credentials_in: "Credentials", // STS page 2024-12
        };
        call.issue(request, api, |row, now| self.read(row, now)).await
    }

    /// Names of the service and of a URL (credentials 1.0.12), then those of a program (aliyun-cli). A program says in `mode` what
    /// it prints, and a URL in `Code` whether it has credentials.
    fn read(&self, row: Row<'_>, now: Timestamp) -> Result<Issued, String> {
        if row.text("Code").is_some_and(|code| code != "Success") {
            return Err("it says that it has none".to_owned());
        }
        if row.text("mode").is_some_and(|mode| !matches!(&*mode, "AK" | "StsToken")) {
            return Err("its `mode` is neither `AK` nor `StsToken`".to_owned());
        }
        let (id, secret) = (["AccessKeyId", "access_key_id"], ["AccessKeySecret", "access_key_secret"]);
        issued_key(row, [id, secret, ["SecurityToken", "sts_token"], ["Expiration", "expiration"]], now)
    }
}

/// Source of the codes: STS codes 2026.
const HELPS: &[(&str, &str)] = &[
    (
        "AuthenticationFail.NoPermission",
        "let the role's trust policy name this OIDC provider, with the token's issuer, audience and subject, and look for a \
         mistyped provider",
    ),
    (
        "AuthenticationFail.OIDCToken.AudienceNotMatch",
        "let the token's audience (`oidc-audience`, on GitLab `aud`) be a client id of the OIDC provider",
    ),
    ("AuthenticationFail.OIDCToken.Expired", "begin the step with a new token: GitLab's lives as long as the job may"),
    ("AuthenticationFail", "compare the OIDC provider in the console with the token's issuer"),
    ("EntityNotExist", "look for a mistyped role, and for its account"),
    (
        "NoPermission",
        "grant `sts:AssumeRole` on the role to the access key's user, and let the role's trust policy name it",
    ),
];

/// The API's version. Source: STS page 2024-12.
pub(super) const VERSION: &str = "2015-04-01";
/// With an OIDC token; not signed.
pub(super) const WITH_OIDC: &str = "AssumeRoleWithOIDC";
/// With an access key.
pub(super) const WITH_KEY: &str = "AssumeRole";

/// How long the credentials are valid, in seconds: the most that every role allows. Source: STS page 2024-12.
const DURATION: u32 = 3_600;

/// The request to the service.
pub(super) fn request(
    role: &RoleRequest,
    proof: Proof<'_>,
    now: Timestamp,
    nonce: &str,
) -> Result<Request<Bytes>, ApiError> {
    let mut form = vec![
        ("DurationSeconds", role.duration.unwrap_or(DURATION).to_string()),
        ("RoleArn", role.role.clone()),
        ("RoleSessionName", role.session.clone()),
    ];
    form.extend(present([("Policy", role.policy.as_deref())])); // STS page 2024-12
    match proof {
        Proof::AccessKey(key) => {
            form.extend(present([("ExternalId", role.external_id.as_deref())])); // STS page 2024-12
            let (endpoint, query) = (&role.endpoint, Vec::new());
            let call = Call { method: Method::POST, endpoint, action: WITH_KEY, version: VERSION, query, form };
            // By V1, as credentials 1.0.12 does: that the service takes V3 is not documented.
            let signed = acs1::sign(&call, key, now, nonce).map_err(|error| ApiError::unsignable(WITH_KEY, &error))?;
            Ok(signed.request)
        }
        Proof::OidcToken { provider, token } => {
            form.push(("OIDCProviderArn", provider.to_owned()));
            form.push(("OIDCToken", token.expose_secret().to_owned()));
            let time = timestamp(now);
            let query = [("Action", WITH_OIDC), ("Format", "JSON"), ("Timestamp", &time), ("Version", VERSION)];
            let body = joined(form.iter().map(|(name, value)| (*name, value.as_str())));
            role.post(WITH_OIDC, &format!("/?{}", joined(query)), "application/x-www-form-urlencoded", body)
        }
    }
}
