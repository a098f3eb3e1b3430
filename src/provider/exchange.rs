//! How a vendor gives keys that end for a proof of who asks: what it is called, one request, and the reading of its answer.
//!
//! Data and pure functions: who sends the request, and when, is no concern of a vendor.

use std::path::PathBuf;

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use super::ApiError;
use super::credentials::Credentials;

/// A vendor's way from a proof to keys.
pub trait Exchange: Sync {
    /// What inputs, documentation and messages need to know of it.
    fn spec(&self) -> &'static ExchangeSpec;

    /// Whether this text can be the name of one of the vendor's roles.
    fn is_role(&self, text: &str) -> bool;

    /// The one request; signed anew at each call where the proof is a key.
    ///
    /// # Errors
    /// `Credentials` where the proof can't be one, or can't travel.
    fn request(&self, asked: &Asked<'_>, now: Timestamp, nonce: &str) -> Result<Request<Bytes>, ApiError>;

    /// The keys in the answer to it. What the vendor refuses is `Credentials` or `Forbidden`; what may pass is `Throttled`
    /// or `Server`.
    ///
    /// # Errors
    /// Any of these kinds, with the vendor's own words.
    fn read(&self, asked: &Asked<'_>, response: Response<Bytes>) -> Result<Credentials, ApiError>;

    /// The keys that a program printed or an address answered with, in the vendor's JSON.
    ///
    /// # Errors
    /// A sentence fragment without any value.
    fn told(&self, text: &[u8]) -> Result<Credentials, String> {
        let _ = text;
        Err("this vendor has no such keys".to_owned())
    }
}

/// The names of an exchange.
#[derive(Debug)]
pub struct ExchangeSpec {
    /// Where it is served, without a trailing slash.
    pub endpoint: &'static str,
    /// The environment name that replaces that.
    pub endpoint_name: &'static str,
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
    /// What a role's name looks like: `acs:ram::ACCOUNT:role/NAME`.
    pub role_shape: &'static str,
    /// What a provider's name looks like.
    pub provider_shape: &'static str,
    /// The environment name of an address that answers with keys; empty: there is none.
    pub address: &'static str,
    /// Whether a key may ask for a role, too.
    pub takes_keys: bool,
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
    /// Why the vendor should give it.
    pub proof: Proof<'a>,
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

/// A file in a person's home that holds keys.
pub struct ProfileSpec {
    /// Below the home.
    pub path: &'static str,
    /// The environment name of another place; empty: there is none.
    pub path_name: &'static str,
    /// Environment names that forbid the file when they are `true`.
    pub forbidden_by: &'static [&'static str],
    /// Reads it, with the environment's answers to a name. `None` where it holds no keys of this kind.
    pub read: ReadProfile,
}

/// Reads the text of a profile; the error is a sentence fragment without any value of the file but names.
pub type ReadProfile = fn(&str, &dyn Fn(&str) -> Option<String>) -> Result<Option<Profile>, String>;

/// A profile.
#[derive(Clone)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub holds: Holds,
}

/// What a profile holds.
#[derive(Clone)]
pub enum Holds {
    /// Keys.
    Keys(Credentials),
    /// A role to play with what another profile, or this one, holds.
    Role {
        /// Its name.
        role: String,
        /// The session's name, if it has one.
        session: Option<String>,
        /// What proves who asks for it.
        by: Box<Self>,
    },
    /// A role to play with a token in a file.
    Federated {
        /// Its name.
        role: String,
        /// The session's name, if it has one.
        session: Option<String>,
        /// The provider of tokens, as the vendor knows it.
        provider: String,
        /// The file; read anew for each exchange.
        token_file: PathBuf,
    },
    /// A program that prints keys, with its arguments.
    Program(Vec<String>),
}

/// The sections of an INI file: `[name]`, then `key = value`; `#` and `;` begin a comment. Keys in lower case.
pub fn ini(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut sections: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push((name.trim().to_owned(), Vec::new()));
        } else if let (Some((key, value)), Some((_, pairs))) = (line.split_once('='), sections.last_mut()) {
            pairs.push((key.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ini_file_is_read_by_sections_and_never_panics() {
        let text =
            "\u{feff}lost = 1\r\n[default]\r\n# no\nAccess_Key_Id = a=b \n;no\nempty=\n[ other ]\nx=1\n[bad\ny=2";
        let expected = vec![
            ("default".to_owned(), vec![("access_key_id".into(), "a=b".into()), ("empty".into(), String::new())]),
            ("other".to_owned(), vec![("x".into(), "1".into()), ("y".into(), "2".into())]),
        ];
        assert_eq!(ini(text), expected);
        assert_eq!(ini(""), []);
    }
}
