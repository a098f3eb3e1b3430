//! Obtains temporary credentials of a role, or those of a command or a URL. Every secret on the way is handed on, to be masked
//! before anything is logged.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use secrecy::SecretString;
use serde_json::Value;

use super::process;
use super::sources::{ExternalSource, Place, ProofSource, Role, Source};
use crate::client::retry::is_transient;
use crate::error::{Error, ExitCode};
use crate::provider::assume_role::Proof;
use crate::provider::credentials::{CredentialSource, Credentials, Issued};
use crate::provider::json::Row;
use crate::provider::{Api, ApiError, ApiErrorKind, ApiName};

/// The call in errors about a command or a URL.
const EXTERNAL: &str = "credentials";

/// Secrets that the console doesn't mask yet.
#[derive(Clone, Default)]
pub struct PendingMasks(Rc<RefCell<Vec<SecretString>>>);

impl PendingMasks {
    /// Adds the secrets of some credentials.
    pub fn add(&self, credentials: &Credentials) {
        self.0.borrow_mut().extend(credentials.secrets().into_iter().cloned());
    }

    /// Takes all of them; each is given once.
    pub fn take(&self) -> Vec<SecretString> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

/// Obtains credentials from a source, again and again.
pub struct TokenExchange {
    source: Source,
    /// The account's id, unless the credentials name it.
    account_id: Option<String>,
    masks: PendingMasks,
    clock_corrected: Cell<bool>,
}

impl TokenExchange {
    /// Gets ready; nothing is sent.
    pub fn new(source: Source, account_id: Option<String>, masks: PendingMasks) -> Self {
        Self { source, account_id, masks, clock_corrected: Cell::new(false) }
    }

    async fn issue(&self, source: &Source, api: &dyn Api) -> Result<Issued, ApiError> {
        let issued = match source {
            Source::Configured { credentials, .. } => Issued::forever(credentials.clone()),
            Source::Role(role) => self.assume(role, api).await?,
            Source::External(external) => read(external, api).await?,
        };
        self.masks.add(&issued.credentials);
        Ok(issued)
    }

    async fn assume(&self, role: &Role, api: &dyn Api) -> Result<Issued, ApiError> {
        let (token, credentials);
        let proof = match &role.proof {
            ProofSource::Credentials(source) => {
                credentials = Box::pin(self.issue(source, api)).await?.credentials;
                Proof::AccessKey(credentials.access_key(EXTERNAL)?)
            }
            ProofSource::OidcToken { provider, token: source } => {
                token = source.obtain(api).await?;
                self.masks.add(&Credentials::Token(token.clone()));
                Proof::OidcToken { provider, token: &token }
            }
        };
        role.service.assume(&role.request, proof, api).await.map_err(|error| match (error.kind, error.server_time) {
            // Certainly not executed: once more, by the vendor's clock.
            (ApiErrorKind::Clock, Some(server)) if !self.clock_corrected.replace(true) => {
                api.correct_clock(server);
                ApiError { kind: ApiErrorKind::Unsent, ..error }
            }
            _ => error,
        })
    }
}

#[async_trait(?Send)]
impl CredentialSource for TokenExchange {
    async fn obtain(&self, api: &dyn Api) -> Result<Issued, ApiError> {
        let issued = self.issue(&self.source, api).await?;
        Ok(Issued { credentials: issued.credentials.of_account(self.account_id.as_deref()), ..issued })
    }
}

/// Reads credentials from a command or a URL.
async fn read(external: &ExternalSource, api: &dyn Api) -> Result<Issued, ApiError> {
    let failed = |kind, why: &str| {
        let error = ApiError::new(kind, EXTERNAL, format!("{}: {why}", external.words()));
        ApiError { help: Some("run or open it by hand, and check its output".into()), ..error }
    };
    let rejected = |why: &str| failed(ApiErrorKind::Credentials, why);
    let text = match &external.place {
        Place::Command(command, home) => {
            let printed = process::run(command, home.as_deref()).await;
            Bytes::from(printed.map_err(|why| rejected(&why))?)
        }
        Place::Url(url) => {
            let request = Request::get(url.as_str()).extension(ApiName(EXTERNAL)).body(Bytes::new());
            let response = api.call(request.map_err(|_| rejected("it makes no request"))?).await?;
            let status = response.status();
            if !status.is_success() {
                let kind = if status.is_server_error() { ApiErrorKind::Server } else { ApiErrorKind::Credentials };
                return Err(ApiError { status: Some(status.as_u16()), ..failed(kind, "it has no credentials") });
            }
            response.into_body()
        }
    };
    let body: Value = serde_json::from_slice(&text).map_err(|_| rejected("it isn't JSON"))?;
    external.service.read(Row(&body), api.now()).map_err(|why| rejected(&why))
}

/// The error for a run that can't begin: credentials from this source (see [`Source::short`]) can't be obtained.
pub fn unobtainable(provider: &str, source: &str, error: ApiError) -> Error {
    let (exit_code, help) = if is_transient(error.kind) {
        (ExitCode::Failed, "check the network and the endpoint, and run it again: nothing was sent to the provider")
    } else {
        (ExitCode::Credentials, "check the role and its trust policy")
    };
    let help = error.help.clone().unwrap_or_else(|| help.to_owned());
    let message = format!("no credentials {source} for `{provider}`: {}", ApiError { help: None, ..error });
    Error::Provider { message, help, exit_code }
}
