//! Credentials of a provider: their kinds, where a person sets them, and how others are obtained. Secrets are in types that
//! can't be printed.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{Api, ApiError, ApiErrorKind};

/// The credentials of one account.
#[derive(Clone)]
pub enum Credentials {
    /// A pair that requests are signed with.
    AccessKey(AccessKey),
    /// A bearer token.
    Token(SecretString),
}

/// An access key, and the token that goes with a temporary one.
#[derive(Clone)]
pub struct AccessKey {
    /// Not a secret by itself, yet never printed.
    pub id: String,
    /// The secret.
    pub secret: SecretString,
    /// The token of temporary credentials.
    pub security_token: Option<SecretString>,
    /// The id of the account, where the vendor wants it in a request.
    pub account_id: Option<String>,
}

impl AccessKey {
    /// An access key without a token.
    pub fn new(id: impl Into<String>, secret: SecretString) -> Self {
        Self { id: id.into(), secret, security_token: None, account_id: None }
    }

    /// The same with a token.
    #[must_use]
    pub fn with_token(self, security_token: Option<SecretString>) -> Self {
        Self { security_token, ..self }
    }
}

impl From<AccessKey> for Credentials {
    fn from(key: AccessKey) -> Self {
        Self::AccessKey(key)
    }
}

impl Credentials {
    /// The access key, for whoever signs the call `api` with one.
    ///
    /// # Errors
    /// `Credentials`: they are of another kind.
    pub fn access_key(&self, api: &'static str) -> Result<&AccessKey, ApiError> {
        match self {
            Self::AccessKey(key) => Ok(key),
            Self::Token(_) => Err(of_another_kind(api, "an access key", "a bearer token")),
        }
    }

    /// The bearer token, for whoever sends the call `api` with one.
    ///
    /// # Errors
    /// `Credentials`: they are of another kind.
    pub fn token(&self, api: &'static str) -> Result<&SecretString, ApiError> {
        match self {
            Self::Token(token) => Ok(token),
            Self::AccessKey(_) => Err(of_another_kind(api, "a bearer token", "an access key")),
        }
    }

    /// All that must never be printed.
    pub fn secrets(&self) -> Vec<&SecretString> {
        match self {
            Self::AccessKey(key) => std::iter::once(&key.secret).chain(&key.security_token).collect(),
            Self::Token(token) => vec![token],
        }
    }

    /// Names the account in a journal: the access key's id; a token has no name.
    pub fn id(&self) -> &str {
        match self {
            Self::AccessKey(key) => &key.id,
            Self::Token(_) => "token",
        }
    }

    /// The same credentials, of this account unless they name one.
    #[must_use]
    pub fn of_account(self, account_id: Option<&str>) -> Self {
        match self {
            Self::AccessKey(key) => {
                let account_id = key.account_id.clone().or_else(|| account_id.map(str::to_owned));
                Self::AccessKey(AccessKey { account_id, ..key })
            }
            token @ Self::Token(_) => token,
        }
    }
}

fn of_another_kind(api: &'static str, needed: &str, found: &str) -> ApiError {
    let error = ApiError::new(ApiErrorKind::Credentials, api, format!("this call needs {needed}, not {found}"));
    ApiError { help: Some("`cdn-purge providers` lists the variables to set".into()), ..error }
}

/// The credentials of one account, shared by everything that signs for it: a refresh is for all of them.
#[derive(Clone)]
pub struct SharedCredentials(Rc<RefCell<Credentials>>);

impl SharedCredentials {
    /// Shares credentials.
    pub fn new(credentials: impl Into<Credentials>) -> Self {
        Self(Rc::new(RefCell::new(credentials.into())))
    }

    /// The credentials to use now.
    pub fn current(&self) -> Credentials {
        self.0.borrow().clone()
    }

    /// Uses others from now on.
    pub fn replace(&self, credentials: Credentials) {
        *self.0.borrow_mut() = credentials;
    }
}

/// Obtains credentials that expire.
#[async_trait(?Send)]
pub trait CredentialSource {
    /// Obtains new credentials. Sends each request once.
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn obtain(&self, api: &dyn Api) -> Result<Issued, ApiError>;
}

/// New credentials.
#[derive(Clone)]
pub struct Issued {
    /// The credentials.
    pub credentials: Credentials,
    /// When they expire, on the clock of the service that issued them; `None`: never, or nobody knows.
    pub expires: Option<Timestamp>,
    /// How long they are valid from now on, by the same clock.
    pub lifetime: Option<Duration>,
}

impl Issued {
    /// Credentials that don't expire, as far as anybody knows.
    pub fn forever(credentials: impl Into<Credentials>) -> Self {
        Self { credentials: credentials.into(), expires: None, lifetime: None }
    }

    /// Credentials that expire then; `now` is the time on the clock of the service that issued them.
    pub fn until(credentials: impl Into<Credentials>, expires: Option<Timestamp>, now: Timestamp) -> Self {
        let lifetime = expires.map(|end| Duration::try_from(end.duration_since(now)).unwrap_or_default());
        Self { credentials: credentials.into(), expires, lifetime }
    }
}

/// One way to set a provider's credentials: the fields of an access key, or a token.
#[derive(Clone, Copy, Debug)]
pub struct CredentialSpec(pub &'static [Field]);

/// A part of credentials, and the environment variable that holds it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The variable.
    pub name: &'static str,
    /// The part.
    pub part: Part,
}

/// A part of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// An access key's id.
    Id,
    /// Its secret.
    Secret,
    /// The token that goes with a temporary access key.
    SecurityToken,
    /// The account of an access key.
    AccountId,
    /// A bearer token.
    Token,
}

impl Part {
    /// This part in this variable.
    pub const fn from(self, name: &'static str) -> Field {
        Field { name, part: self }
    }

    /// Whether credentials can't do without it.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Id | Self::Secret | Self::Token)
    }

    /// Whether it must never be printed.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::SecurityToken | Self::Token)
    }
}

impl CredentialSpec {
    /// The variable of a part, if there is one.
    pub fn name(&self, part: Part) -> Option<&'static str> {
        self.0.iter().find(|field| field.part == part).map(|field| field.name)
    }

    /// The variables that have to be set.
    pub fn required(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter(|field| field.part.is_required()).map(|field| field.name)
    }

    /// The credentials that these parts make; `None` where a required one is missing.
    pub fn credentials(&self, part: impl Fn(Part) -> Option<SecretString>) -> Option<Credentials> {
        let text = |part_| part(part_).map(|text| text.expose_secret().to_owned());
        if self.name(Part::Token).is_some() {
            return part(Part::Token).map(Credentials::Token);
        }
        let key = AccessKey::new(text(Part::Id)?, part(Part::Secret)?).with_token(part(Part::SecurityToken));
        Some(AccessKey { account_id: text(Part::AccountId), ..key }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_another_kind_are_refused_by_name_and_without_their_value() {
        let key = Credentials::from(AccessKey::new("hunter1", "hunter2".into()));
        let token = Credentials::Token("hunter3".into());
        assert!(key.access_key("Refresh").is_ok() && token.token("Refresh").is_ok());
        let errors = [key.token("Refresh").err(), token.access_key("Refresh").err()].map(|error| error.unwrap());
        assert_eq!(errors.clone().map(|error| error.kind), [ApiErrorKind::Credentials; 2]);
        let texts = errors.map(|error| error.to_string());
        assert!(texts[0].starts_with("Refresh: this call needs a bearer token, not an access key"), "{}", texts[0]);
        assert!(texts[1].starts_with("Refresh: this call needs an access key, not a bearer token"), "{}", texts[1]);
        assert!(texts.iter().all(|text| !text.contains("hunter")));
    }

    #[test]
    fn a_token_and_an_access_key_are_described_in_the_same_way() {
        const TOKEN: CredentialSpec = CredentialSpec(&[Part::Token.from("CDN_API_TOKEN")]);
        let made = TOKEN.credentials(|part| (part == Part::Token).then(|| "t".into()));
        assert_eq!(made.unwrap().token("x").unwrap().expose_secret(), "t");
        assert!(TOKEN.credentials(|_| None).is_none());
        const KEY: CredentialSpec =
            CredentialSpec(&[Part::Id.from("ID"), Part::Secret.from("SECRET"), Part::AccountId.from("ACCOUNT")]);
        assert_eq!(KEY.required().collect::<Vec<_>>(), ["ID", "SECRET"]);
        let made = KEY.credentials(|part| (part != Part::SecurityToken).then(|| "v".into())).unwrap();
        let made = made.access_key("x").unwrap();
        assert_eq!((made.id.as_str(), made.account_id.as_deref()), ("v", Some("v")));
        assert!(KEY.credentials(|part| (part == Part::Id).then(|| "v".into())).is_none());
    }
}
