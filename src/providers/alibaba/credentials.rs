//! Where keys come from: the vendor's names in the environment, the files of its tools, and its token service, whose keys end, for
//! a token (`AssumeRoleWithOIDC`) or for a key (`AssumeRole`).
//!
//! Sources, as the comments name them:
//! - `STS page 2024-12`: the pages AssumeRole and AssumeRoleWithOIDC of help.aliyun.com, December 2024
//! - `STS codes 2026`: help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-errorcodes, read in November 2026
//! - `credentials 1.0.12`: alibabacloud_credentials 1.0.12 for Python, and @alicloud/credentials 2.4.7, which sends the same
//! - `aliyun-cli`: github.com/aliyun/aliyun-cli at eadd68d
//! - `terraform 2026`: see `spec.rs`

use bytes::Bytes;
use http::{Method, Request};
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::answer::WORDING;
use crate::provider::exchange::{Asked, ExchangeSpec, KeyNames, Proof};
use crate::provider::json::Row;
use crate::provider::profile::{Format, Kind, ProfileNames, ProfileSpec};
use crate::provider::sign::acs::{Call, timestamp};
use crate::provider::sign::acs1;
use crate::provider::sign::canonical::joined;
use crate::provider::{ApiError, CredentialSpec, given};

/// Where the keys of each product come from, in order.
pub(super) const CREDENTIALS: &[CredentialSpec] = &[
    // alibabacloud_credentials 1.0.12
    CredentialSpec::new(
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABA_CLOUD_SECURITY_TOKEN",
    ),
    // terraform 2026; aliyun/configure-aliyun-credentials-action 1.0.7
    CredentialSpec::new("ALICLOUD_ACCESS_KEY", "ALICLOUD_SECRET_KEY", "ALICLOUD_SECURITY_TOKEN"),
    // aliyun-cli at eadd68d, this and the following
    CredentialSpec::new("ALICLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECURITY_TOKEN"),
    CredentialSpec::new("ALIBABACLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_SECRET", "ALIBABACLOUD_SECURITY_TOKEN"),
];

/// The name under which every file lets a person choose a profile. Source: aliyun-cli; credentials 1.0.12.
const CHOSEN_BY: &str = "ALIBABA_CLOUD_PROFILE";

/// Where the vendor's tools keep keys, in the order of credentials 1.0.12.
pub(super) static PROFILES: &[ProfileSpec] = &[
    ProfileSpec {
        path: ".aliyun/config.json", // aliyun-cli
        path_name: "",
        forbidden_by: &["ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "ALIBABA_CLOUD_IGNORE_PROFILE"],
        format: Format::Json,
        chosen_by: CHOSEN_BY,
        default: "default",
        names: &COMMAND_LINE,
    },
    ProfileSpec {
        path_name: "ALIBABA_CLOUD_CREDENTIALS_FILE",
        chosen_by: CHOSEN_BY,
        ..ProfileSpec::ini(".alibabacloud/credentials.ini", &LIBRARY) // credentials 1.0.12
    },
    // @alicloud/credentials 2.4.7
    ProfileSpec { chosen_by: CHOSEN_BY, ..ProfileSpec::ini(".alibabacloud/credentials", &LIBRARY) },
];

/// The file of the vendor's command line. Source of modes and names: aliyun-cli.
static COMMAND_LINE: ProfileNames = ProfileNames {
    kind: "mode",
    kinds: &[
        ("AK", Kind::Key),
        ("StsToken", Kind::Temporary),
        ("RamRoleArn", Kind::Role),
        ("ChainableRamRoleArn", Kind::Chained),
        ("OIDC", Kind::Federated),
        ("External", Kind::Program),
    ],
    id: "access_key_id",
    secret: "access_key_secret",
    token: "sts_token",
    role: "ram_role_arn",
    session: "ram_session_name",
    external_id: "external_id",
    life: "expired_seconds",
    region: "sts_region",
    source: "source_profile",
    provider: "oidc_provider_arn",
    token_file: "oidc_token_file",
    program: "process_command",
    ..ProfileNames::NONE
};

/// The file of the vendor's libraries. Source: credentials 1.0.12.
static LIBRARY: ProfileNames = ProfileNames {
    kind: "type",
    kinds: &[
        ("access_key", Kind::Key),
        ("sts", Kind::Temporary),
        ("ram_role_arn", Kind::Role),
        ("oidc_role_arn", Kind::Federated),
    ],
    id: "access_key_id",
    secret: "access_key_secret",
    token: "security_token",
    role: "role_arn",
    session: "role_session_name",
    policy: "policy",
    provider: "oidc_provider_arn",
    token_file: "oidc_token_file_path",
    ..ProfileNames::NONE // an external id, a life and a region are not read from this file
};

/// The Security Token Service.
pub(super) static EXCHANGE: ExchangeSpec = ExchangeSpec {
    endpoint: "https://sts.aliyuncs.com", // STS page 2024-12
    endpoint_name: "ALIBABA_CLOUD_STS_ENDPOINT",
    regional: "https://sts.{region}.aliyuncs.com", // this and the following: credentials 1.0.12
    region: "ALIBABA_CLOUD_STS_REGION",
    audience: "sts.aliyuncs.com",   // aliyun/configure-aliyun-credentials-action 1.0.7
    role: "ALIBABA_CLOUD_ROLE_ARN", // this and the following: credentials 1.0.12
    provider: "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    token_file: "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    session: "ALIBABA_CLOUD_ROLE_SESSION_NAME",
    role_shape: "acs:ram::ACCOUNT:role/NAME",
    provider_shape: "acs:ram::ACCOUNT:oidc-provider/NAME",
    address: "ALIBABA_CLOUD_CREDENTIALS_URI",
    by_token: WITH_OIDC,
    by_keys: WITH_KEY,
    vain,
    permission: "sts:AssumeRole",
    helps: HELPS,
    keys_in: "Credentials", // STS page 2024-12
    ..ExchangeSpec::new(request, &WORDING, KEYS)
};

/// The words of STS and of `ALIBABA_CLOUD_CREDENTIALS_URI` (credentials 1.0.12), and those of a program (aliyun-cli).
const KEYS: KeyNames = KeyNames {
    id: &["AccessKeyId", "access_key_id"],
    secret: &["AccessKeySecret", "access_key_secret"],
    token: &["SecurityToken", "sts_token"],
    expires: &["Expiration", "expiration"],
};

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
    ("NoPermission", "grant `sts:AssumeRole` on the role to the key's user, and let the role's trust policy name it"),
];

/// The API's version. Source: STS page 2024-12.
pub(super) const VERSION: &str = "2015-04-01";
/// With a token; not signed.
pub(super) const WITH_OIDC: &str = "AssumeRoleWithOIDC";
/// With a key.
pub(super) const WITH_KEY: &str = "AssumeRole";

/// How long the keys shall live, in seconds: the most that every role allows. Source: STS page 2024-12.
const LIFE: u32 = 3_600;

/// The request to the vendor's Security Token Service.
fn request(asked: &Asked<'_>, now: Timestamp, nonce: &str) -> Result<Request<Bytes>, ApiError> {
    let mut form = vec![
        ("DurationSeconds", asked.life.unwrap_or(LIFE).to_string()),
        ("RoleArn", asked.role.to_owned()),
        ("RoleSessionName", asked.session.to_owned()),
    ];
    form.extend(given([("Policy", asked.policy)])); // STS page 2024-12
    match asked.proof {
        Proof::Keys(keys) => {
            form.extend(asked.external_id.map(|id| ("ExternalId", id.to_owned()))); // STS page 2024-12
            let (endpoint, query) = (asked.endpoint, Vec::new());
            let call = Call { method: Method::POST, endpoint, action: WITH_KEY, version: VERSION, query, form };
            // By V1, as credentials 1.0.12 does: that the service takes V3 is not documented.
            let signed = acs1::sign(&call, keys, now, nonce).map_err(|error| ApiError::unsignable(WITH_KEY, &error))?;
            Ok(signed.request)
        }
        Proof::Token { provider, token } => {
            form.push(("OIDCProviderArn", provider.to_owned()));
            form.push(("OIDCToken", token.expose_secret().to_owned()));
            let time = timestamp(now);
            let query = [("Action", WITH_OIDC), ("Format", "JSON"), ("Timestamp", &time), ("Version", VERSION)];
            let body = joined(form.iter().map(|(name, value)| (*name, value.as_str())));
            asked.post(WITH_OIDC, &format!("/?{}", joined(query)), "application/x-www-form-urlencoded", body)
        }
    }
}

/// What a program gives stands in its `mode` (aliyun-cli), how an address fared in its `Code` (credentials 1.0.12).
fn vain(row: Row<'_>) -> Option<&'static str> {
    if row.text("Code").is_some_and(|code| code != "Success") {
        return Some("it says that it has none");
    }
    let is_vain = row.text("mode").is_some_and(|mode| !matches!(mode.as_str(), "AK" | "StsToken"));
    is_vain.then_some("its `mode` is neither `AK` nor `StsToken`")
}
