//! The keys a provider signs with, in a type that can't be printed.

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
}
