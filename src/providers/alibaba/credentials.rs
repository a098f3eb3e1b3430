//! Keys that end, from the vendor's STS, for a token (`AssumeRoleWithOIDC`) or for a key (`AssumeRole`); and the files in
//! which the vendor's own tools keep keys.
//!
//! Sources, as the comments name them:
//! - `STS page 2024-12`: the pages AssumeRole and AssumeRoleWithOIDC of help.aliyun.com, December 2024
//! - `STS codes 2026`: help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-errorcodes, read in November 2026
//! - `credentials 1.0.12`: alibabacloud_credentials 1.0.12 for Python, and @alicloud/credentials 2.4.7, which sends the same
//! - `aliyun-cli`: github.com/aliyun/aliyun-cli at eadd68d

use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::answer::Answer;
use crate::provider::credentials::Credentials;
use crate::provider::exchange::{Asked, Exchange, ExchangeSpec, Holds, Profile, ProfileSpec, Proof, ini};
use crate::provider::sign::acs::{Call, timestamp};
use crate::provider::sign::acs1;
use crate::provider::sign::canonical::joined;
use crate::provider::{ApiError, ApiErrorKind, ApiName};

/// The API's version. Source: STS page 2024-12.
pub(super) const VERSION: &str = "2015-04-01";
/// With a token; not signed.
pub(super) const WITH_OIDC: &str = "AssumeRoleWithOIDC";
/// With a key.
pub(super) const WITH_KEY: &str = "AssumeRole";

/// How long the keys shall live, in seconds: the most that every role allows. Source: STS page 2024-12.
const LIFE: &str = "3600";

/// The vendor's Security Token Service.
pub(super) struct Sts;

static SPEC: ExchangeSpec = ExchangeSpec {
    endpoint: "https://sts.aliyuncs.com", // STS page 2024-12
    endpoint_name: "ALIBABA_CLOUD_STS_ENDPOINT",
    audience: "sts.aliyuncs.com",   // aliyun/configure-aliyun-credentials-action 1.0.7
    role: "ALIBABA_CLOUD_ROLE_ARN", // this and the following: credentials 1.0.12
    provider: "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    token: "",
    token_file: "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    session: "ALIBABA_CLOUD_ROLE_SESSION_NAME",
    role_shape: "acs:ram::ACCOUNT:role/NAME",
    provider_shape: "acs:ram::ACCOUNT:oidc-provider/NAME",
    address: "ALIBABA_CLOUD_CREDENTIALS_URI",
    takes_keys: true,
};

impl Exchange for Sts {
    fn spec(&self) -> &'static ExchangeSpec {
        &SPEC
    }

    /// Source of the shape: STS page 2024-12.
    fn is_role(&self, text: &str) -> bool {
        let rest = text.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(":role/"));
        rest.is_some_and(|(account, name)| {
            !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty()
        })
    }

    fn request(&self, asked: &Asked<'_>, now: Timestamp, nonce: &str) -> Result<Request<Bytes>, ApiError> {
        let mut form = vec![
            ("DurationSeconds", LIFE.to_owned()),
            ("RoleArn", asked.role.to_owned()),
            ("RoleSessionName", asked.session.to_owned()),
        ];
        let unsendable = |_| {
            let message = "the keys or the role hold a character that no request can carry";
            ApiError::new(ApiErrorKind::Credentials, api(asked), message)
        };
        let mut request = match asked.proof {
            Proof::Keys(keys) => {
                let call = Call {
                    method: Method::POST,
                    endpoint: asked.endpoint,
                    action: WITH_KEY,
                    version: VERSION,
                    query: Vec::new(),
                    form,
                };
                // By V1, as credentials 1.0.12 does: that the service takes V3 is not documented.
                acs1::sign(&call, keys, now, nonce).map_err(unsendable)?.request
            }
            Proof::Token { provider, token } => {
                form.push(("OIDCProviderArn", provider.to_owned()));
                form.push(("OIDCToken", token.expose_secret().to_owned()));
                let time = timestamp(now);
                let query = [("Action", WITH_OIDC), ("Format", "JSON"), ("Timestamp", &time), ("Version", VERSION)];
                let uri = format!("{}/?{}", asked.endpoint.as_str().trim_end_matches('/'), joined(query));
                let body = joined(form.iter().map(|(name, value)| (*name, value.as_str())));
                Request::post(uri)
                    .header("accept", "application/json")
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(Bytes::from(body))
                    .map_err(unsendable)?
            }
        };
        request.extensions_mut().insert(ApiName(api(asked)));
        Ok(request)
    }

    fn read(&self, asked: &Asked<'_>, response: Response<Bytes>) -> Result<Credentials, ApiError> {
        let is_good = response.status().is_success();
        let answer = Answer {
            api: api(asked),
            permission: "sts:AssumeRole",
            submits: false,
            string_to_sign: String::new(),
            response,
        };
        if !is_good {
            return Err(refused(answer.refusal()));
        }
        let body: Value = serde_json::from_slice(answer.response.body()).unwrap_or_default();
        let field = |name: &str| body["Credentials"][name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let (Some(id), Some(secret), Some(token)) =
            (field("AccessKeyId"), field("AccessKeySecret"), field("SecurityToken"))
        else {
            return Err(answer.unreadable("JSON without keys in `Credentials`"));
        };
        let expires = field("Expiration").and_then(|time| time.parse().ok());
        Ok(Credentials { expires, ..Credentials::fixed(id, secret.into()).with_token(Some(token.into())) })
    }

    fn told(&self, text: &[u8]) -> Result<Credentials, String> {
        told(text)
    }
}

fn api(asked: &Asked<'_>) -> &'static str {
    match asked.proof {
        Proof::Token { .. } => WITH_OIDC,
        Proof::Keys(_) => WITH_KEY,
    }
}

/// What the service refuses is a matter of keys and permissions, whatever it is called. Source of the codes: STS codes 2026.
fn refused(error: ApiError) -> ApiError {
    let code = error.code.as_deref().unwrap_or_default();
    let help = match code {
        "AuthenticationFail.NoPermission" => {
            "let the role's trust policy name this OIDC provider, with the token's issuer, audience and subject, and look for a \
             mistyped provider"
        }
        "AuthenticationFail.OIDCToken.AudienceNotMatch" => {
            "let the token's audience (`oidc-audience`, on GitLab `aud`) be a client id of the OIDC provider"
        }
        "AuthenticationFail.OIDCToken.Expired" => {
            "begin the step with a new token: GitLab's lives as long as the job may"
        }
        _ if code.starts_with("AuthenticationFail") => {
            "compare the OIDC provider in the console with the token's issuer"
        }
        _ if code.starts_with("EntityNotExist") => "look for a mistyped role, and for its account",
        "NoPermission" => {
            "grant `sts:AssumeRole` on the role to the key's user, and let the role's trust policy name it"
        }
        _ => "",
    };
    let kind = match error.kind {
        ApiErrorKind::Refused | ApiErrorKind::Denied | ApiErrorKind::TooLarge | ApiErrorKind::Expired => {
            ApiErrorKind::Credentials
        }
        kind => kind,
    };
    let help = if help.is_empty() { error.help } else { Some(help.to_owned()) };
    ApiError { kind, help, ..error }
}

/// Where the vendor's tools keep keys, in the order of credentials 1.0.12.
pub(super) static PROFILES: &[ProfileSpec] = &[
    ProfileSpec {
        path: ".aliyun/config.json", // aliyun-cli
        path_name: "",
        forbidden_by: &["ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "ALIBABA_CLOUD_IGNORE_PROFILE"],
        read: cli_profile,
    },
    ProfileSpec {
        path: ".alibabacloud/credentials.ini", // credentials 1.0.12
        path_name: "ALIBABA_CLOUD_CREDENTIALS_FILE",
        forbidden_by: &[],
        read: sdk_profile,
    },
    ProfileSpec {
        path: ".alibabacloud/credentials", // @alicloud/credentials 2.4.7
        path_name: "",
        forbidden_by: &[],
        read: sdk_profile,
    },
];

/// The name under which both kinds of file let a person choose a profile. Source: aliyun-cli; credentials 1.0.12.
const PROFILE_NAME: &str = "ALIBABA_CLOUD_PROFILE";

/// The file of the vendor's command line. Source: aliyun-cli.
fn cli_profile(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Profile>, String> {
    let file: Value = serde_json::from_str(text).map_err(|_| "it isn't JSON".to_owned())?;
    let current = || file["current"].as_str().map(str::to_owned).filter(|name| !name.is_empty());
    let chosen = environment(PROFILE_NAME);
    let name = chosen.clone().or_else(current).unwrap_or_else(|| "default".into());
    let profiles = file["profiles"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(profile) = profiles.iter().find(|profile| profile["name"].as_str() == Some(&name)) else {
        return if chosen.is_some() { Err(format!("it has no profile `{name}`")) } else { Ok(None) };
    };
    // What `aliyun configure` leaves before anybody gave a key.
    let is_blank = |name: &str| profile[name].as_str().is_none_or(str::is_empty);
    if matches!(profile["mode"].as_str(), None | Some("" | "AK"))
        && is_blank("access_key_id")
        && is_blank("access_key_secret")
    {
        return Ok(None);
    }
    let holds = holds(profiles, &name, CHAIN)?;
    Ok(Some(Profile { name, holds }))
}

/// So many profiles may stand behind one another: more are a circle.
const CHAIN: usize = 8;

/// What a profile of the command line holds. Source of modes and names: aliyun-cli.
fn holds(profiles: &[Value], name: &str, chain: usize) -> Result<Holds, String> {
    let Some(profile) = profiles.iter().find(|profile| profile["name"].as_str() == Some(name)) else {
        return Err(format!("it has no profile `{name}`, which another one names as its source"));
    };
    let Some(chain) = chain.checked_sub(1) else {
        return Err(format!("the profiles behind `{name}` form a circle"));
    };
    let field = |name: &str| profile[name].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let mode = field("mode").unwrap_or_else(|| "AK".into());
    let need = |key: &str| {
        field(key).ok_or_else(|| format!("its profile `{name}` lacks `{key}`, which the mode `{mode}` needs"))
    };
    let keys = || Ok::<_, String>(Credentials::fixed(need("access_key_id")?, need("access_key_secret")?.into()));
    let session = field("ram_session_name");
    Ok(match mode.as_str() {
        "AK" => Holds::Keys(keys()?),
        "StsToken" => Holds::Keys(keys()?.with_token(Some(need("sts_token")?.into()))),
        "RamRoleArn" => Holds::Role { role: need("ram_role_arn")?, session, by: Box::new(Holds::Keys(keys()?)) },
        "ChainableRamRoleArn" => {
            let by = holds(profiles, &need("source_profile")?, chain)?;
            Holds::Role { role: need("ram_role_arn")?, session, by: Box::new(by) }
        }
        "OIDC" => Holds::Federated {
            role: need("ram_role_arn")?,
            session,
            provider: need("oidc_provider_arn")?,
            token_file: need("oidc_token_file")?.into(),
        },
        // At spaces, as the command line cuts it: no shell reads it.
        "External" => {
            let command = need("process_command")?;
            Holds::Program(command.split_ascii_whitespace().map(str::to_owned).collect())
        }
        _ => {
            return Err(format!(
                "its profile `{name}` has the mode `{mode}`; `AK`, `StsToken`, `RamRoleArn`, `ChainableRamRoleArn`, `OIDC` and \
                 `External` can be read"
            ));
        }
    })
}

/// The file of the vendor's libraries. Source: credentials 1.0.12.
fn sdk_profile(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Profile>, String> {
    let chosen = environment(PROFILE_NAME);
    let name = chosen.clone().unwrap_or_else(|| "default".into());
    let Some((_, pairs)) = ini(text).into_iter().find(|(section, _)| *section == name) else {
        return if chosen.is_some() { Err(format!("it has no section `{name}`")) } else { Ok(None) };
    };
    let field = |key: &str| {
        pairs.iter().find(|(known, value)| known == key && !value.is_empty()).map(|(_, value)| value.clone())
    };
    let kind = field("type").unwrap_or_else(|| "access_key".into());
    let need = |key: &str| field(key).ok_or_else(|| format!("its section `{name}` lacks `{key}`"));
    let keys = || Ok::<_, String>(Credentials::fixed(need("access_key_id")?, need("access_key_secret")?.into()));
    let session = field("role_session_name");
    let holds = match kind.as_str() {
        "access_key" => Holds::Keys(keys()?),
        "sts" => Holds::Keys(keys()?.with_token(field("security_token").map(Into::into))),
        "ram_role_arn" => Holds::Role { role: need("role_arn")?, session, by: Box::new(Holds::Keys(keys()?)) },
        "oidc_role_arn" => Holds::Federated {
            role: need("role_arn")?,
            session,
            provider: need("oidc_provider_arn")?,
            token_file: need("oidc_token_file_path")?.into(),
        },
        _ => {
            return Err(format!(
                "its section `{name}` has the type `{kind}`; `access_key`, `sts`, `ram_role_arn` and `oidc_role_arn` can be read"
            ));
        }
    };
    Ok(Some(Profile { name, holds }))
}

/// Keys in the JSON of a program (aliyun-cli: `mode`, `access_key_id` …) or of an address (credentials 1.0.12: `AccessKeyId` …).
fn told(text: &[u8]) -> Result<Credentials, String> {
    let body: Value = serde_json::from_slice(text).map_err(|_| "it isn't JSON".to_owned())?;
    let field = |names: [&str; 2]| {
        let texts = names.into_iter().filter_map(|name| body[name].as_str().map(str::trim));
        texts.into_iter().find(|text| !text.is_empty()).map(str::to_owned)
    };
    if body["Code"].as_str().is_some_and(|code| code != "Success") {
        return Err("it says that it has none".to_owned());
    }
    if body["mode"].as_str().is_some_and(|mode| !matches!(mode, "AK" | "StsToken")) {
        return Err("its `mode` is neither `AK` nor `StsToken`".to_owned());
    }
    let (Some(id), Some(secret)) =
        (field(["access_key_id", "AccessKeyId"]), field(["access_key_secret", "AccessKeySecret"]))
    else {
        return Err("it lacks the access key's id or its secret".to_owned());
    };
    let token = field(["sts_token", "SecurityToken"]).map(Into::into);
    let expires = match field(["expiration", "Expiration"]).map(|time| time.parse()) {
        Some(Ok(time)) => Some(time),
        Some(Err(_)) => return Err("its `Expiration` is no time".to_owned()),
        None => None,
    };
    Ok(Credentials { expires, ..Credentials::fixed(id, secret.into()).with_token(token) })
}
