//! Where a provider's credentials come from: configured, or obtained by a role or from an external source. Values only;
//! `search.rs` finds them.

use std::path::PathBuf;

use url::Url;

use super::oidc::OidcToken;
use crate::error::Error;
use crate::provider::assume_role::{RoleRequest, RoleService};
use crate::provider::credentials::Credentials;

/// Where a provider's credentials come from.
pub enum Source {
    /// Somebody configured them.
    Configured {
        /// The credentials.
        credentials: Credentials,
        /// Where they were found, in words.
        from: String,
    },
    /// A role.
    Role(Box<Role>),
    /// A command or a URL.
    External(ExternalSource),
}

impl Source {
    /// Names the account in a journal: what stays the same when credentials are refreshed.
    pub fn account(&self) -> String {
        match self {
            Self::Configured { credentials, .. } => credentials.id().to_owned(),
            Self::Role(role) => role.request.role.clone(),
            Self::External(ExternalSource { place: Place::Command(command, _), .. }) => command.join(" "),
            Self::External(ExternalSource { place: Place::Url(url), .. }) => url.to_string(),
        }
    }

    /// Which source it is, with what proves a role; follows `credentials`.
    pub fn words(&self) -> String {
        match self {
            Self::Role(role) => format!("of the role {}, with {}", role.request.role, role.proof.words()),
            Self::Configured { .. } | Self::External(_) => self.short(),
        }
    }

    /// Which source it is; follows `credentials`.
    pub fn short(&self) -> String {
        match self {
            Self::Configured { from, .. } => format!("from {from}"),
            Self::Role(role) => format!("of the role `{}`", role.request.role),
            Self::External(external) => format!("from {}", external.words()),
        }
    }

    /// The URLs that requests for these credentials go to.
    pub fn endpoints(&self) -> Vec<Url> {
        match self {
            Self::Configured { .. } | Self::External(ExternalSource { place: Place::Command(..), .. }) => Vec::new(),
            Self::External(ExternalSource { place: Place::Url(url), .. }) => vec![url.clone()],
            Self::Role(role) => {
                let mut all = match &role.proof {
                    ProofSource::Credentials(source) => source.endpoints(),
                    ProofSource::OidcToken { token: OidcToken::GitHub { url, .. }, .. } => vec![url.clone()],
                    ProofSource::OidcToken { .. } => Vec::new(),
                };
                all.push(role.request.endpoint.clone());
                all
            }
        }
    }
}

/// A command or a URL that gives credentials.
pub struct ExternalSource {
    /// Which it is.
    pub place: Place,
    /// The vendor, in whose JSON the answer is.
    pub service: &'static dyn RoleService,
    /// Where it was found, in words.
    pub from: String,
}

/// Which command or URL gives credentials.
pub enum Place {
    /// A command with its arguments; it runs in this folder.
    Command(Vec<String>, Option<PathBuf>),
    /// A URL.
    Url(Url),
}

impl ExternalSource {
    /// Which source it is, in words.
    pub fn words(&self) -> String {
        match &self.place {
            Place::Command(..) => format!("the command of {}", self.from),
            Place::Url(url) => format!("`{}`, set in {}", url.host_str().unwrap_or_default(), self.from),
        }
    }
}

/// A role to assume.
pub struct Role {
    /// The vendor's token service.
    pub service: &'static dyn RoleService,
    /// What to request of it.
    pub request: RoleRequest,
    /// What proves who requests it.
    pub proof: ProofSource,
}

impl Role {
    /// Checks that a token meant for one cloud doesn't go to another: where a region of the provider is another cloud, somebody
    /// has to name its token service.
    ///
    /// # Errors
    /// [`Error::Credentials`]: it isn't named.
    pub fn check_region(&self, provider: &str, region: &str) -> Result<(), Error> {
        let is_default = self.request.endpoint.as_str().trim_end_matches('/') == self.service.endpoint(None);
        if !is_default || self.service.serves(region) {
            return Ok(());
        }
        Err(Error::Credentials {
            message: format!("the token service for `{provider}` in the region `{region}` is unknown"),
            help: format!("set the URL of that cloud's token service in `{}`", self.service.spec().variables.endpoint),
        })
    }
}

/// What proves who requests the credentials of a role.
pub enum ProofSource {
    /// An OIDC token.
    OidcToken {
        /// The OIDC provider, as the vendor names it.
        provider: String,
        /// Where the token comes from.
        token: OidcToken,
    },
    /// Other credentials.
    Credentials(Box<Source>),
}

impl ProofSource {
    /// Which proof it is, in words.
    pub fn words(&self) -> String {
        match self {
            Self::OidcToken { token, .. } => token.words(),
            Self::Credentials(source) => format!("the credentials {}", source.words()),
        }
    }
}
