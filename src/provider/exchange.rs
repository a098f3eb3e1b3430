//! How a vendor gives keys that end for a proof of who asks: what it is called, one request, and the reading of its answer.
//!
//! Data and pure functions: who sends the request, and when, is no concern of a vendor.

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::credentials::Credentials;
use super::json::Row;
use super::wording::{Sent, Wording};
use super::{ApiError, ApiErrorKind};

/// A vendor's way from a proof to keys.
#[derive(Debug)]
pub struct ExchangeSpec {
    /// Where it is served, without a trailing slash.
    pub endpoint: &'static str,
    /// The environment name that replaces that.
    pub endpoint_name: &'static str,
    /// Where it is served in `{region}`, likewise; empty: a region makes no difference.
    pub regional: &'static str,
    /// The environment name of the region; empty: there is none.
    pub region: &'static str,
    /// The audience that a token is asked for, unless another is named.
    pub audience: &'static str,
    /// The environment name of the role.
    pub role: &'static str,
    /// The environment name of the provider of tokens, as the vendor knows it.
    pub provider: &'static str,
    /// The environment name of the token itself; empty: there is none.
    pub token: &'static str,
    /// The environment name of a file with the token; read anew for each exchange.
    pub token_file: &'static str,
    /// The environment name of the session's name.
    pub session: &'static str,
    /// The environment name of a policy that narrows what the keys may do; empty: there is none.
    pub policy: &'static str,
    /// The environment name of how many seconds they shall live; empty: there is none.
    pub life: &'static str,
    /// Environment names that would narrow the keys, or change them, and that nobody here reads.
    pub unread: &'static [&'static str],
    /// The provider's regions that are another cloud: its service has to be named, for a token isn't for strangers.
    pub elsewhere: &'static [&'static str],
    /// What a role's name looks like, where `ACCOUNT` is of letters and digits, and `NAME` is the end: `acs:ram::ACCOUNT:role/NAME`.
    pub role_shape: &'static str,
    /// What a provider's name looks like.
    pub provider_shape: &'static str,
    /// The environment name of an address that answers with keys; empty: there is none.
    pub address: &'static str,
    /// The vendor's name of the call with a token.
    pub by_token: &'static str,
    /// The vendor's name of the call with a key; empty: a key can't ask for a role.
    pub by_keys: &'static str,
    /// The one request; signed anew at each call where the proof is a key. It is `Credentials` where the proof can't be one, or
    /// can't travel.
    pub request: fn(&Asked<'_>, Timestamp, &str) -> Result<Request<Bytes>, ApiError>,
    /// Why an object that a program printed, or an address answered with, can't hold keys; `None`: it may.
    pub vain: fn(Row<'_>) -> Option<&'static str>,
    /// The permission that it needs.
    pub permission: &'static str,
    /// How its errors are worded.
    pub wording: &'static Wording,
    /// The beginnings of codes, each with what to do; of two that fit, the first counts.
    pub helps: &'static [(&'static str, &'static str)],
    /// The object of a good answer that holds the keys.
    pub keys_in: &'static str,
    /// What the parts of the keys are called there, and where they are told.
    pub keys: KeyNames,
}

impl ExchangeSpec {
    /// A service by its request, its words for errors and those for keys, for a vendor to begin with; everything else is empty.
    pub const fn new(
        request: fn(&Asked<'_>, Timestamp, &str) -> Result<Request<Bytes>, ApiError>,
        wording: &'static Wording,
        keys: KeyNames,
    ) -> Self {
        Self {
            endpoint: "",
            endpoint_name: "",
            regional: "",
            region: "",
            audience: "",
            role: "",
            provider: "",
            token: "",
            token_file: "",
            session: "",
            policy: "",
            life: "",
            unread: &[],
            elsewhere: &[],
            role_shape: "",
            provider_shape: "",
            address: "",
            by_token: "",
            by_keys: "",
            request,
            vain: |_| None,
            permission: "",
            wording,
            helps: &[],
            keys_in: "",
            keys,
        }
    }

    /// Whether this text can be the name of one of the vendor's roles.
    pub fn is_role(&self, text: &str) -> bool {
        let shape = self.role_shape.split_once("ACCOUNT");
        let parts = shape.and_then(|(start, rest)| text.strip_prefix(start)?.split_once(rest.strip_suffix("NAME")?));
        parts.is_some_and(|(account, name)| {
            !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !name.is_empty()
        })
    }

    /// The vendor's name of the call for such a proof.
    pub fn api(&self, proof: &Proof<'_>) -> &'static str {
        match proof {
            Proof::Token { .. } => self.by_token,
            Proof::Keys(_) => self.by_keys,
        }
    }

    /// Whether a key may ask for a role, too.
    pub fn takes_keys(&self) -> bool {
        !self.by_keys.is_empty()
    }

    /// The keys in the answer to the request. What the vendor refuses is `Credentials` or `Forbidden`; what may pass is
    /// `Throttled` or `Server`.
    ///
    /// # Errors
    /// Any of these kinds, with the vendor's own words.
    pub fn read(&self, asked: &Asked<'_>, response: &Response<Bytes>) -> Result<Credentials, ApiError> {
        let (api, permission) = (self.api(&asked.proof), self.permission);
        let sent = Sent { api, permission, submits: false, signed_at: None, signed: "" };
        let answer = self.wording.read(&sent, response).map_err(|error| self.refused(error))?;
        let keys = self.keys.read(answer.row().object(self.keys_in)).filter(|keys| keys.security_token.is_some());
        keys.ok_or_else(|| answer.without(&format!("keys in `{}`", self.keys_in)))
    }

    /// The keys that a program printed or an address answered with, in the vendor's JSON.
    ///
    /// # Errors
    /// Why it holds none, without any value.
    pub fn told(&self, text: &[u8]) -> Result<Credentials, String> {
        let body: Value = serde_json::from_slice(text).map_err(|_| "it isn't JSON".to_owned())?;
        if let Some(why) = (self.vain)(Row(&body)) {
            return Err(why.to_owned());
        }
        let keys = self.keys.read(Row(&body)).ok_or_else(|| "it lacks the access key's id or its secret".to_owned())?;
        match Row(&body).first(self.keys.expires) {
            Some(_) if keys.expires.is_none() => Err(format!("its `{}` is no time", self.keys.expires[0])),
            _ => Ok(keys),
        }
    }

    /// What is refused here is a matter of keys and permissions, whatever it is called.
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

/// The fields of keys in a vendor's JSON; each has one name or several.
#[derive(Debug)]
pub struct KeyNames {
    /// The key's id.
    pub id: &'static [&'static str],
    /// Its secret.
    pub secret: &'static [&'static str],
    /// The token that goes with it.
    pub token: &'static [&'static str],
    /// When it ends.
    pub expires: &'static [&'static str],
}

impl KeyNames {
    /// The keys in an object, if it holds any.
    pub fn read(&self, row: Row<'_>) -> Option<Credentials> {
        let field =
            |names: &[&str]| row.first(names).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let keys = Credentials::fixed(field(self.id)?, field(self.secret)?.into());
        let expires = field(self.expires).and_then(|time| time.parse().ok());
        Some(Credentials { expires, ..keys.with_token(field(self.token).map(Into::into)) })
    }
}

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Scheme, host and port.
    pub endpoint: &'a Url,
    /// The role's name.
    pub role: &'a str,
    /// The session's name, as the vendor's logs show it.
    pub session: &'a str,
    /// The id that an outsider who plays the role must name, if there is one; of no use with a token.
    pub external_id: Option<&'a str>,
    /// How many seconds the keys shall live; `None`: as long as every role allows.
    pub life: Option<u32>,
    /// What narrows what the keys may do, in the vendor's language, if there is anything.
    pub policy: Option<&'a str>,
    /// Why the vendor should give it.
    pub proof: Proof<'a>,
}

impl Asked<'_> {
    /// A request that nobody signs, with the call's name, path and query, and what its body is.
    ///
    /// # Errors
    /// `Credentials`: what is asked for makes no request.
    pub fn post(&self, api: &'static str, target: &str, kind: &str, body: String) -> Result<Request<Bytes>, ApiError> {
        Request::post(format!("{}{target}", self.endpoint.as_str().trim_end_matches('/')))
            .header("accept", "application/json")
            .header("content-type", kind)
            .body(Bytes::from(body))
            .map_err(|error| ApiError::unsignable(api, &error))
    }
}

/// What proves who asks.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// A token, and whose it is.
    Token {
        /// The provider of tokens, as the vendor knows it.
        provider: &'a str,
        /// The token.
        token: &'a SecretString,
    },
    /// A key that may play the role.
    Keys(&'a Credentials),
}
