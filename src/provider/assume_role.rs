//! Temporary credentials of a role: a vendor's token service as a trait, and the helpers that every one of them needs.

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use super::credentials::{AccessKey, Credentials, Issued};
use super::error_format::{ErrorFormat, SentRequest};
use super::json::Row;
use super::{Api, ApiError, ApiErrorKind, ApiName, clock};

/// A vendor's token service.
#[async_trait(?Send)]
pub trait RoleService: Sync {
    /// How a person names a role, and the vendor's own variables for it.
    fn spec(&self) -> &'static RoleSpec;

    /// Where the service is, without a trailing slash; in a region if one is named.
    fn endpoint(&self, region: Option<&str>) -> String;

    /// Whether the default endpoint belongs to the same cloud as this region of the provider: another cloud must not get the
    /// token.
    fn serves(&self, provider_region: &str) -> bool {
        let _ = provider_region;
        true
    }

    /// Obtains credentials of a role. Sends each request once.
    ///
    /// # Errors
    /// `Credentials` or `Forbidden` where the service refuses; any other [`ApiErrorKind`] where it can't be reached.
    async fn assume(&self, role: &RoleRequest, proof: Proof<'_>, api: &dyn Api) -> Result<Issued, ApiError>;

    /// Reads credentials in the vendor's JSON: of the service, of a program, or of a URL. `now` is the clock of who sent them.
    ///
    /// # Errors
    /// Why it holds none, without any value.
    fn read(&self, row: Row<'_>, now: Timestamp) -> Result<Issued, String>;
}

/// How a person names a role, and the vendor's own variables for it.
#[derive(Debug)]
pub struct RoleSpec {
    /// The form of a role's name, where `ACCOUNT` is letters and digits, and `NAME` is the end: `acs:ram::ACCOUNT:role/NAME`.
    pub role_form: &'static str,
    /// The form of an OIDC provider's name; empty: the service finds it by the token.
    pub provider_form: &'static str,
    /// The audience of an OIDC token, unless another is set.
    pub audience: &'static str,
    /// Whether an access key may assume a role, too.
    pub takes_access_key: bool,
    /// The environment variables.
    pub variables: RoleVariables,
}

/// The environment variables about roles that the vendor's own tools read; one that doesn't exist is empty.
#[derive(Debug)]
pub struct RoleVariables {
    /// The role.
    pub role: &'static str,
    /// The OIDC provider, as the vendor names it.
    pub oidc_provider: &'static str,
    /// The OIDC token.
    pub oidc_token: &'static str,
    /// A file with the OIDC token; read again for each exchange.
    pub oidc_token_file: &'static str,
    /// The session's name.
    pub session: &'static str,
    /// A policy that restricts the credentials.
    pub policy: &'static str,
    /// How many seconds the credentials are valid.
    pub duration: &'static str,
    /// The region of the service.
    pub region: &'static str,
    /// The service's endpoint.
    pub endpoint: &'static str,
    /// A URL that answers with credentials.
    pub credentials_url: &'static str,
    /// Variables that would restrict the credentials, and that we don't support.
    pub unsupported: &'static [&'static str],
}

impl RoleVariables {
    /// No variable at all, for a vendor to begin with.
    pub const NONE: Self = Self {
        role: "",
        oidc_provider: "",
        oidc_token: "",
        oidc_token_file: "",
        session: "",
        policy: "",
        duration: "",
        region: "",
        endpoint: "",
        credentials_url: "",
        unsupported: &[],
    };
}

impl RoleSpec {
    /// Whether this text can be the name of one of the vendor's roles.
    pub fn is_role(&self, text: &str) -> bool {
        let form = self.role_form.split_once("ACCOUNT");
        let parts = form.and_then(|(start, rest)| text.strip_prefix(start)?.split_once(rest.strip_suffix("NAME")?));
        parts.is_some_and(|(account, name)| {
            !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !name.is_empty()
        })
    }
}

/// A request for credentials of a role.
#[derive(Clone)]
pub struct RoleRequest {
    /// Scheme, host and port of the service.
    pub endpoint: Url,
    /// The role's name.
    pub role: String,
    /// The session's name in the vendor's logs.
    pub session: String,
    /// The id that somebody outside the account has to name, if there is one; only for an access key.
    pub external_id: Option<String>,
    /// How many seconds the credentials are valid; `None`: as long as every role allows.
    pub duration: Option<u32>,
    /// A policy that restricts the credentials, in the vendor's language.
    pub policy: Option<String>,
}

impl RoleRequest {
    /// An unsigned request to the service; `path` may have a query.
    ///
    /// # Errors
    /// `Credentials`: the parts make no request.
    pub fn post(
        &self,
        api: &'static str,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Result<Request<Bytes>, ApiError> {
        Request::post(format!("{}{path}", self.endpoint.as_str().trim_end_matches('/')))
            .header("accept", "application/json")
            .header("content-type", content_type)
            .body(Bytes::from(body))
            .map_err(|error| ApiError::unsignable(api, &error))
    }
}

/// Proves who requests the credentials of a role.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// An OIDC token.
    OidcToken {
        /// The OIDC provider, as the vendor names it.
        provider: &'a str,
        /// The token.
        token: &'a SecretString,
    },
    /// An access key that may assume the role.
    AccessKey(&'a AccessKey),
}

/// A call of a token service.
pub struct TokenCall {
    /// The vendor's name of the call.
    pub api: &'static str,
    /// The permission that it needs.
    pub permission: &'static str,
    /// How its errors are worded.
    pub format: &'static ErrorFormat,
    /// Help by the beginning of the error's code; the first that fits counts.
    pub helps: &'static [(&'static str, &'static str)],
    /// The object of a good answer that holds the credentials; empty: the whole answer.
    pub credentials_in: &'static str,
}

impl TokenCall {
    /// Sends the request, once, and reads the credentials in the answer with `read`, which gets the time on the service's clock.
    ///
    /// # Errors
    /// `Credentials` or `Forbidden` with the vendor's own fields; any other kind where the service can't be reached.
    pub async fn issue(
        &self,
        mut request: Request<Bytes>,
        api: &dyn Api,
        read: impl FnOnce(Row<'_>, Timestamp) -> Result<Issued, String>,
    ) -> Result<Issued, ApiError> {
        request.extensions_mut().insert(ApiName(self.api));
        let response = api.call(request).await?;
        let now = clock::date(response.headers()).unwrap_or_else(|| api.now());
        let sent =
            SentRequest { api: self.api, permission: self.permission, submits: false, signed_at: None, signed: "" };
        let answer = self.format.read(&sent, &response).map_err(|error| self.refused(error))?;
        let is_temporary = |issued: &Issued| match &issued.credentials {
            Credentials::AccessKey(key) => key.security_token.is_some(),
            Credentials::Token(_) => true,
        };
        let row = answer.row();
        let row = if self.credentials_in.is_empty() { row } else { row.object(self.credentials_in) };
        let issued = read(row, now).ok().filter(is_temporary);
        issued.ok_or_else(|| answer.without("credentials"))
    }

    /// Any refusal here is about credentials and permissions.
    fn refused(&self, error: ApiError) -> ApiError {
        let kind = match error.kind {
            ApiErrorKind::Refused | ApiErrorKind::Denied | ApiErrorKind::TooLarge | ApiErrorKind::Expired => {
                ApiErrorKind::Credentials
            }
            kind => kind,
        };
        let code = error.code.as_deref().unwrap_or_default();
        let help = self.helps.iter().find(|(start, _)| code.starts_with(start)).map(|(_, help)| (*help).to_owned());
        let is_refusal = matches!(kind, ApiErrorKind::Credentials | ApiErrorKind::Forbidden);
        ApiError { kind, help: help.filter(|_| is_refusal).or(error.help), ..error }
    }
}

/// Reads an access key from an object: its id, secret, token and end, each under the first of its names that has text.
///
/// # Errors
/// Why it holds none, without any value.
pub fn issued_key<const N: usize>(row: Row<'_>, names: [[&str; N]; 4], now: Timestamp) -> Result<Issued, String> {
    let [id, secret, token, _] = names.map(|names| row.first(&names).map(|text| text.trim().to_owned()));
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (Some(id), Some(secret)) = (some(id), some(secret)) else {
        return Err("it lacks the access key's id or its secret".to_owned());
    };
    let expires = match names[3].iter().find(|name| row.text(name).is_some()) {
        Some(name) => Some(row.moment(name).ok_or_else(|| format!("its `{name}` is no time"))?),
        None => None,
    };
    Ok(Issued::until(AccessKey::new(id, secret.into()).with_token(some(token).map(Into::into)), expires, now))
}
