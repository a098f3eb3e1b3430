//! The job's OIDC token, which proves to a vendor's token service who requests credentials: where it comes from, and how it is
//! obtained.

use std::path::PathBuf;

use bytes::Bytes;
use http::Request;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::account_variables::AccountVariables;
use super::profile::read_text;
use crate::config::CredentialInputs;
use crate::environment::nonempty;
use crate::error::Error;
use crate::provider::assume_role::RoleSpec;
use crate::provider::{Api, ApiError, ApiErrorKind, ApiName};

/// Where a runner of GitHub issues tokens.
const GITHUB_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
/// What it demands for one.
pub(super) const GITHUB_BEARER: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
/// The call in errors; it has no name of its own.
const GITHUB_API: &str = "GitHub's OIDC token";

/// Where an OIDC token comes from.
pub enum OidcToken {
    /// It is set under this name.
    Set(String, SecretString),
    /// A file, which somebody renews.
    File(PathBuf),
    /// GitHub issues it to a job that has the permission.
    GitHub {
        /// Where to request it; the audience is added.
        url: Url,
        /// The bearer token of the request.
        bearer: SecretString,
        /// The token's audience.
        audience: String,
    },
}

impl OidcToken {
    /// Where the token for a role comes from: the option, the vendor's own variables, or GitHub.
    ///
    /// # Errors
    /// [`Error::Credentials`]: GitHub's variable is no URL.
    pub(super) fn find(
        spec: &RoleSpec,
        inputs: &CredentialInputs,
        variables: &AccountVariables<'_>,
    ) -> Result<Option<Self>, Error> {
        if let Some(token) = inputs.oidc_token.clone() {
            return Ok(Some(Self::Set("oidc-token".into(), token)));
        }
        if let Some((name, token)) = variables.shared(spec.variables.oidc_token) {
            return Ok(Some(Self::Set(name, token.into())));
        }
        if let Some((_, file)) = variables.shared(spec.variables.oidc_token_file) {
            return Ok(Some(Self::File(file.into())));
        }
        let [url, bearer] = [GITHUB_URL, GITHUB_BEARER].map(|name| nonempty(variables.environment(), name));
        let (Some(url), Some(bearer)) = (url, bearer) else { return Ok(None) };
        let url = Url::parse(&url).map_err(|_| Error::Credentials {
            message: format!("`{GITHUB_URL}` is no valid URL"),
            help: "only the runner may set this variable: let nothing else set it".into(),
        })?;
        let audience = inputs.oidc_audience.clone().unwrap_or_else(|| spec.audience.to_owned());
        Ok(Some(Self::GitHub { url, bearer: bearer.into(), audience }))
    }

    /// The token of now: it lives for minutes, so it is obtained each time where that is possible.
    ///
    /// # Errors
    /// `Credentials`: there is none, or the job lacks the permission; any other kind where GitHub can't be reached.
    pub(super) async fn obtain(&self, api: &dyn Api) -> Result<SecretString, ApiError> {
        match self {
            Self::Set(_, token) => Ok(token.clone()),
            Self::File(file) => {
                let unreadable = |reason: String| {
                    let message = format!("can't read the token in `{}`: {reason}", file.display());
                    let error = ApiError::new(ApiErrorKind::Credentials, "OIDC token", message);
                    ApiError { help: Some("check who writes the file, and its permissions".into()), ..error }
                };
                let text = read_text(file).map_err(unreadable)?;
                let token = text.trim();
                if token.is_empty() { Err(unreadable("it is empty".into())) } else { Ok(SecretString::from(token)) }
            }
            Self::GitHub { url, bearer, audience } => from_github(url, bearer, audience, api).await,
        }
    }

    /// Which token it is, in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Set(name, _) => format!("the OIDC token in `{name}`"),
            Self::File(_) => "the OIDC token in a file".into(),
            Self::GitHub { .. } => "GitHub's OIDC token".into(),
        }
    }
}

/// As the runner's own toolkit does it (actions/toolkit, `oidc-utils.ts`).
async fn from_github(
    url: &Url,
    bearer: &SecretString,
    audience: &str,
    api: &dyn Api,
) -> Result<SecretString, ApiError> {
    let refused = |kind, message: &str| {
        let error = ApiError::new(kind, GITHUB_API, message);
        ApiError { help: Some("check the job's `permissions: id-token: write`".into()), ..error }
    };
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("audience", audience);
    let request = Request::get(url.as_str())
        .header("accept", "application/json")
        .header("authorization", format!("Bearer {}", bearer.expose_secret()))
        .extension(ApiName(GITHUB_API))
        .body(Bytes::new())
        .map_err(|_| refused(ApiErrorKind::Credentials, "the runner's variables make no request"))?;
    let response = api.call(request).await?;
    let status = response.status();
    if !status.is_success() {
        let kind = match status.as_u16() {
            429 => ApiErrorKind::Throttled,
            500.. => ApiErrorKind::Server,
            _ => ApiErrorKind::Credentials,
        };
        return Err(ApiError { status: Some(status.as_u16()), ..refused(kind, "GitHub refuses a token to the job") });
    }
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    match body["value"].as_str().filter(|token| !token.is_empty()) {
        Some(token) => Ok(SecretString::from(token)),
        None => Err(refused(ApiErrorKind::Server, "the response is no JSON with a token in `value`")),
    }
}
