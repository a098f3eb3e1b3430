//! Where a provider's keys come from: here, or asked for with a proof of who asks. Values only; `search.rs` finds them.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::error::Error;
use crate::provider::credentials::Credentials;
use crate::provider::exchange::ExchangeSpec;

/// Where a provider's keys come from.
pub enum Source {
    /// They are here.
    Keys {
        /// The keys.
        keys: Credentials,
        /// Where they were found, in words.
        from: String,
    },
    /// They are asked for.
    Role(Box<Role>),
    /// Somebody tells them, and others when they end.
    Told(Teller),
}

impl Source {
    /// What stays the same when keys are renewed: the key's id, the role, or who tells them.
    pub fn account(&self) -> String {
        match self {
            Self::Keys { keys, .. } => keys.access_key_id.clone(),
            Self::Role(role) => role.role.clone(),
            Self::Told(teller) => teller.account(),
        }
    }

    /// Which keys they are, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Keys { from, .. } => format!("the keys of {from}"),
            Self::Role(role) => format!("keys of the role {}, {}", role.role, role.evidence.words()),
            Self::Told(teller) => format!("the keys of {}", teller.words()),
        }
    }

    /// Whose keys they would be, as it follows `no keys`.
    pub fn whose(&self) -> String {
        match self {
            Self::Keys { from, .. } => format!("of {from}"),
            Self::Role(role) => format!("of the role `{}`", role.role),
            Self::Told(teller) => format!("from {}", teller.words()),
        }
    }
}

/// Who tells keys.
pub struct Teller {
    /// Who it is.
    pub who: Who,
    /// The vendor, whose form the answer has.
    pub exchange: &'static ExchangeSpec,
    /// Where that was found, in words.
    pub from: String,
}

/// Who tells keys.
pub enum Who {
    /// A program, with its arguments; run in this folder.
    Program(Vec<String>, Option<PathBuf>),
    /// An address.
    Address(Url),
}

impl Teller {
    /// What stays the same whatever the keys are.
    pub fn account(&self) -> String {
        match &self.who {
            Who::Program(command, _) => command.join(" "),
            Who::Address(url) => url.to_string(),
        }
    }

    /// Who it is, in words.
    pub fn words(&self) -> String {
        match &self.who {
            Who::Program(..) => format!("the program of {}", self.from),
            Who::Address(url) => format!("`{}`, as {} names it", url.host_str().unwrap_or_default(), self.from),
        }
    }
}

/// A role to ask for.
pub struct Role {
    /// The vendor's way to it.
    pub exchange: &'static ExchangeSpec,
    /// Its name.
    pub role: String,
    /// The session's name.
    pub session: String,
    /// The id that an outsider who plays the role must name, if there is one.
    pub external_id: Option<String>,
    /// How many seconds the keys shall live, if that is said.
    pub life: Option<u32>,
    /// What narrows what the keys may do, if there is anything.
    pub policy: Option<String>,
    /// Where to ask.
    pub endpoint: Url,
    /// What proves who asks.
    pub evidence: Evidence,
}

impl Role {
    /// Checks that a token meant for one cloud doesn't go to another: the service of a provider's region that is one of its own has
    /// to be named.
    ///
    /// # Errors
    /// [`Error::Credentials`]: it isn't named.
    pub fn check_region(&self, provider: &str, region: &str) -> Result<(), Error> {
        let is_usual = self.endpoint.as_str().trim_end_matches('/') == self.exchange.endpoint;
        if !is_usual || !self.exchange.elsewhere.contains(&region) {
            return Ok(());
        }
        Err(Error::Credentials {
            message: format!("where roles for `{provider}` in the region `{region}` are asked for isn't known"),
            help: format!("name that cloud's token service in `{}`", self.exchange.endpoint_name),
        })
    }
}

/// What proves who asks for a role.
pub enum Evidence {
    /// A key, and where it was found.
    Keys(Credentials, String),
    /// A token, and whose it is in the vendor's words.
    Token(String, Token),
    /// Keys that have to be got themselves.
    Source(Box<Source>),
}

/// Where a token comes from.
pub enum Token {
    /// It was given, under this name.
    Given(&'static str, SecretString),
    /// A file, which somebody renews.
    File(PathBuf),
    /// GitHub gives it to a job that may ask.
    GitHub {
        /// Where to ask; the audience is added to it.
        url: Url,
        /// What opens that.
        bearer: SecretString,
        /// Whom the token is for.
        audience: String,
    },
}

impl Evidence {
    /// Which proof it is, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Keys(_, from) => format!("by the keys of {from}"),
            Self::Source(source) => match &**source {
                Source::Role(role) => format!("by the role {}, {}", role.role, role.evidence.words()),
                Source::Told(teller) => format!("by {}", teller.words()),
                Source::Keys { .. } => format!("by {}", source.words()),
            },
            Self::Token(_, Token::Given(name, _)) => format!("by the OIDC token in `{name}`"),
            Self::Token(_, Token::File(_)) => "by the OIDC token of a file".into(),
            Self::Token(_, Token::GitHub { .. }) => "by GitHub's OIDC token".into(),
        }
    }
}
