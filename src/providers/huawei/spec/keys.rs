//! Where keys come from, as data: the vendor's names in the environment, its token service, and the file of its libraries.
//!
//! Sources, as the comments name them:
//! - `sts 3.1.219`: huaweicloudsdksts 3.1.219 for Python, whose request is in `tests/vectors/huawei-oidc.json`
//! - `sdk 3.1.219`, `terraform 2026`: see `spec.rs`

use super::super::answer::WORDING;
use super::super::credentials::{API, request};
use crate::provider::CredentialSpec;
use crate::provider::exchange::{ExchangeSpec, KeyNames};
use crate::provider::profile::{Format, Kind, ProfileNames, ProfileSpec};

/// Where the keys come from, in order.
pub(super) const CREDENTIALS: &[CredentialSpec] = &[
    // sdk 3.1.219
    CredentialSpec::new("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
        .account("HUAWEICLOUD_SDK_DOMAIN_ID"),
    CredentialSpec::new("CLOUD_SDK_AK", "CLOUD_SDK_SK", ""), // the samples of the vendor's documentation
    // terraform 2026
    CredentialSpec::new("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN").account("HW_DOMAIN_ID"),
];

/// The Security Token Service.
pub(in crate::providers::huawei) static EXCHANGE: ExchangeSpec = ExchangeSpec {
    // The service is a regional one; unproven: that this region serves every account. Another is named by the variable.
    endpoint: "https://sts.cn-north-4.myhuaweicloud.com",
    endpoint_name: "HUAWEICLOUD_SDK_STS_ENDPOINT",      // sdk 3.1.219
    regional: "https://sts.{region}.myhuaweicloud.com", // unproven: the form of the default
    region: "",
    // The vendor names none: it must be one of the client ids of the identity provider, so `oidc-audience` may be needed.
    audience: "sts.myhuaweicloud.com",
    role: "HUAWEICLOUD_OIDC_AGENCY_URN", // this and the following: sdk 3.1.219
    provider: "HUAWEICLOUD_OIDC_PROVIDER_URN",
    token: "HUAWEICLOUD_OIDC_ID_TOKEN",
    token_file: "HUAWEICLOUD_OIDC_TOKEN_FILE",
    session: "HUAWEICLOUD_OIDC_SESSION_NAME",
    role_shape: "iam::ACCOUNT:agency:NAME",
    provider_shape: "iam::ACCOUNT:oidc-provider:NAME",
    address: "",
    is_role: |text| text.starts_with("iam::") && text.contains(":agency:") && !text.ends_with(':'),
    by_token: API,
    by_keys: "", // an agency is assumed with a token only
    request,
    told: |_| Err("this vendor has no such keys".to_owned()),
    permission: "sts:agencies:assumeWithOIDC",
    wording: &WORDING,
    helps: &[(
        "",
        "compare the agency's trust policy and the OIDC provider with the token's issuer, audience and subject",
    )],
    keys_in: "credentials", // this and the following: sts 3.1.219
    keys: KeyNames {
        id: &["access_key_id"],
        secret: &["secret_access_key"],
        token: &["security_token"],
        expires: &["expiration"],
    },
};

/// Where the vendor's libraries keep keys. Source: sdk 3.1.219.
pub(in crate::providers::huawei) static PROFILES: &[ProfileSpec] = &[ProfileSpec {
    path: ".huaweicloud/credentials",
    path_name: "HUAWEICLOUD_SDK_CREDENTIALS_FILE",
    forbidden_by: &[],
    format: Format::Ini,
    chosen_by: "",
    default: "global", // the section of services without a region: sdk 3.1.219
    names: &LIBRARY,
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
