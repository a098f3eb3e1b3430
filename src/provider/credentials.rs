//! The keys a provider signs with, in types that can't be printed.

use std::cell::RefCell;
use std::rc::Rc;

use jiff::Timestamp;
use secrecy::SecretString;

/// An access key, and the token beside it when it is a temporary one.
#[derive(Clone)]
pub struct Credentials {
    /// Not a secret by itself, yet never printed.
    pub access_key_id: String,
    /// The secret.
    pub access_key_secret: SecretString,
    /// The token of temporary credentials.
    pub security_token: Option<SecretString>,
    /// The id of the account they belong to, where the vendor wants it beside them.
    pub account_id: Option<String>,
    /// When they end, as far as that is known.
    pub expires: Option<Timestamp>,
}

impl Credentials {
    /// An access key that doesn't end.
    pub fn fixed(access_key_id: impl Into<String>, access_key_secret: SecretString) -> Self {
        let (access_key_id, security_token) = (access_key_id.into(), None);
        Self { access_key_id, access_key_secret, security_token, account_id: None, expires: None }
    }

    /// The same with a token beside it.
    pub fn with_token(self, security_token: Option<SecretString>) -> Self {
        Self { security_token, ..self }
    }
}

/// The keys of one account, shared by everything that signs for it: who renews them renews them for all.
#[derive(Clone)]
pub struct Keys(Rc<RefCell<Credentials>>);

impl Keys {
    /// These, until they are renewed.
    pub fn new(credentials: Credentials) -> Self {
        Self(Rc::new(RefCell::new(credentials)))
    }

    /// Those that count now.
    pub fn current(&self) -> Credentials {
        self.0.borrow().clone()
    }

    /// Takes others from now on.
    pub fn renew(&self, credentials: Credentials) {
        *self.0.borrow_mut() = credentials;
    }
}
