//! A connection to a provider: what it is, how it is reached, and how its credentials are refreshed.

use std::rc::Rc;

use tokio::time::Instant;

use super::credential_refresh::{CredentialRefresh, Refreshed, without_refresh};
use crate::provider::{Api, ApiError, Provider};

/// A connection to the provider of one target.
pub struct Connection {
    /// The provider, opened for the target.
    pub provider: Box<dyn Provider>,
    /// The network, or an emulator.
    pub api: Rc<dyn Api>,
    /// How its credentials are refreshed, if they expire and others can be obtained.
    pub refresh: Option<Rc<CredentialRefresh>>,
}

impl Connection {
    /// Refreshes the credentials if they expire soon; see [`CredentialRefresh::ensure_valid`].
    ///
    /// # Errors
    /// `Credentials`: they have expired, and there are no others.
    pub async fn ensure_valid(&self) -> Result<Option<Refreshed>, ApiError> {
        match &self.refresh {
            Some(refresh) => refresh.ensure_valid().await,
            None => Ok(None),
        }
    }

    /// Learns from the answer to a request that was sent at `sent`; see [`CredentialRefresh::observe`].
    ///
    /// # Errors
    /// The answer's error; its kind says whether other credentials may help.
    pub fn observe<T>(&self, sent: Instant, result: Result<T, ApiError>) -> Result<T, ApiError> {
        match &self.refresh {
            Some(refresh) => refresh.observe(sent, result),
            None => without_refresh(result),
        }
    }
}
