//! Where keys come from, as data: the vendor's names in the environment, its token service, and the files of its tools.
//!
//! Sources, as the comments name them:
//! - `STS page 2024-12`: the pages AssumeRole and AssumeRoleWithOIDC of help.aliyun.com, December 2024
//! - `STS codes 2026`: help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-errorcodes, read in November 2026
//! - `credentials 1.0.12`: alibabacloud_credentials 1.0.12 for Python, and @alicloud/credentials 2.4.7, which sends the same
//! - `aliyun-cli`: github.com/aliyun/aliyun-cli at eadd68d
//! - `terraform 2026`: see `spec.rs`

use super::super::answer::WORDING;
use super::super::credentials::{WITH_KEY, WITH_OIDC, is_role, request, told};
use crate::provider::CredentialSpec;
use crate::provider::exchange::{ExchangeSpec, KeyNames};
use crate::provider::profile::{Format, Kind, ProfileNames, ProfileSpec};

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
    // aliyun-cli at eadd68d
    CredentialSpec::new("ALIBABACLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_SECRET", "ALIBABACLOUD_SECURITY_TOKEN"),
];

/// The Security Token Service.
pub(in crate::providers::alibaba) static EXCHANGE: ExchangeSpec = ExchangeSpec {
    endpoint: "https://sts.aliyuncs.com", // STS page 2024-12
    endpoint_name: "ALIBABA_CLOUD_STS_ENDPOINT",
    regional: "https://sts.{region}.aliyuncs.com", // this and the following: credentials 1.0.12
    region: "ALIBABA_CLOUD_STS_REGION",
    audience: "sts.aliyuncs.com",   // aliyun/configure-aliyun-credentials-action 1.0.7
    role: "ALIBABA_CLOUD_ROLE_ARN", // this and the following: credentials 1.0.12
    provider: "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    token: "",
    token_file: "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    session: "ALIBABA_CLOUD_ROLE_SESSION_NAME",
    role_shape: "acs:ram::ACCOUNT:role/NAME",
    provider_shape: "acs:ram::ACCOUNT:oidc-provider/NAME",
    address: "ALIBABA_CLOUD_CREDENTIALS_URI",
    is_role,
    by_token: WITH_OIDC,
    by_keys: WITH_KEY,
    request,
    told,
    permission: "sts:AssumeRole",
    wording: &WORDING,
    helps: HELPS,
    keys_in: "Credentials", // STS page 2024-12
    keys: KEYS,
};

/// The words of STS and of `ALIBABA_CLOUD_CREDENTIALS_URI` (credentials 1.0.12), and those of a program (aliyun-cli).
pub(in crate::providers::alibaba) const KEYS: KeyNames = KeyNames {
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

/// The name under which every file lets a person choose a profile. Source: aliyun-cli; credentials 1.0.12.
const CHOSEN_BY: &str = "ALIBABA_CLOUD_PROFILE";

/// Where the vendor's tools keep keys, in the order of credentials 1.0.12.
pub(in crate::providers::alibaba) static PROFILES: &[ProfileSpec] = &[
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
        path: ".alibabacloud/credentials.ini", // credentials 1.0.12
        path_name: "ALIBABA_CLOUD_CREDENTIALS_FILE",
        ..LIBRARY_FILE
    },
    ProfileSpec {
        path: ".alibabacloud/credentials", // @alicloud/credentials 2.4.7
        ..LIBRARY_FILE
    },
];

const LIBRARY_FILE: ProfileSpec = ProfileSpec {
    path: "",
    path_name: "",
    forbidden_by: &[],
    format: Format::Ini,
    chosen_by: CHOSEN_BY,
    default: "default",
    names: &LIBRARY,
};

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
    provider: "oidc_provider_arn",
    token_file: "oidc_token_file_path",
    ..ProfileNames::NONE // an external id, a life and a region are not read from this file
};
