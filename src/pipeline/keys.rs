//! A role becomes keys: the token is got, the vendor asked over the network, and every secret on the way handed on to be
//! masked before anything is said. Keys that a program or an address tells come the same way.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::ci::Console;
use crate::client::credential_refresh::{Issued, Obtain};
use crate::credentials::search::read_token;
use crate::credentials::sources::{Evidence, Role, Source, Teller, Token, Who};
use crate::credentials::{of_account, process};
use crate::error::{Error, ExitCode};
use crate::provider::clock::{Clock, date};
use crate::provider::credentials::Credentials;
use crate::provider::exchange::{Asked, Proof};
use crate::provider::http::{HttpApi, Network};
use crate::provider::{Api as _, ApiError, ApiErrorKind, ApiName};

/// The call in errors about GitHub's token; it has no name of its own.
const TOKEN: &str = "GitHub's OIDC token";

/// Secrets that came to be during a run and that the console doesn't know yet.
#[derive(Clone, Default)]
pub struct Unmasked(Rc<RefCell<Vec<SecretString>>>);

impl Unmasked {
    /// Adds what is secret of some keys.
    pub(super) fn add(&self, keys: &Credentials) {
        self.add_secret(&keys.access_key_secret);
        keys.security_token.iter().for_each(|token| self.add_secret(token));
    }

    fn add_secret(&self, secret: &SecretString) {
        self.0.borrow_mut().push(secret.clone());
    }

    /// All of them; each is given once.
    pub fn take(&self) -> Vec<SecretString> {
        std::mem::take(&mut self.0.borrow_mut())
    }

    /// Makes a console hide them from now on.
    pub fn mask(&self, console: &mut Console) {
        for secret in self.take() {
            console.mask(&secret);
        }
    }
}

/// Asks for keys that end.
pub(super) struct Exchanger {
    source: Source,
    /// The account's id, where nothing else tells it.
    account_id: Option<String>,
    http: HttpApi,
    unmasked: Unmasked,
    clock_corrected: Cell<bool>,
}

impl Exchanger {
    /// Gets ready; nothing is sent.
    ///
    /// # Errors
    /// `Network`, as [`Network::open`].
    pub(super) fn new(
        source: Source,
        account_id: Option<String>,
        network: &Network,
        clock: Clock,
        unmasked: Unmasked,
    ) -> Result<Self, Error> {
        let http = network.open(&endpoints(&source), clock)?;
        Ok(Self { source, account_id, http, unmasked, clock_corrected: Cell::new(false) })
    }

    /// The proof of now: a token lives for minutes, so a new one is got each time where that is possible.
    async fn token(&self, token: &Token) -> Result<SecretString, ApiError> {
        let token = match token {
            Token::Given(_, token) => token.clone(),
            Token::File(file) => read_token(file).map_err(|reason| {
                let error = ApiError::new(ApiErrorKind::Credentials, "OIDC token", reason);
                ApiError { help: Some("let whoever renews the file keep it readable".into()), ..error }
            })?,
            Token::GitHub { url, bearer, audience } => self.ask_github(url, bearer, audience).await?,
        };
        self.unmasked.add_secret(&token);
        Ok(token)
    }

    /// As the runner's own toolkit does it (actions/toolkit, `oidc-utils.ts`).
    async fn ask_github(&self, url: &Url, bearer: &SecretString, audience: &str) -> Result<SecretString, ApiError> {
        let refused = |kind, message: String| {
            let error = ApiError::new(kind, TOKEN, message);
            ApiError { help: Some("look at the job's `permissions: id-token: write`".into()), ..error }
        };
        let mut url = url.clone();
        url.query_pairs_mut().append_pair("audience", audience);
        let request = Request::get(url.as_str())
            .header("accept", "application/json")
            .header("authorization", format!("Bearer {}", bearer.expose_secret()))
            .extension(ApiName(TOKEN))
            .body(Bytes::new())
            .map_err(|_| refused(ApiErrorKind::Credentials, "the runner's variables make no request".into()))?;
        let response = self.http.call(request).await?;
        let status = response.status();
        if !status.is_success() {
            let kind = match status.as_u16() {
                429 => ApiErrorKind::Throttled,
                500.. => ApiErrorKind::Server,
                _ => ApiErrorKind::Credentials,
            };
            return Err(ApiError {
                status: Some(status.as_u16()),
                ..refused(kind, "GitHub gives the job no token".into())
            });
        }
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        match body["value"].as_str().filter(|token| !token.is_empty()) {
            Some(token) => Ok(SecretString::from(token)),
            None => Err(refused(ApiErrorKind::Server, "the answer is no JSON with a token in `value`".into())),
        }
    }
}

#[async_trait(?Send)]
impl Obtain for Exchanger {
    async fn obtain(&self) -> Result<Issued, ApiError> {
        let Issued { credentials, life } = self.get(&self.source).await?;
        Ok(Issued { credentials: of_account(credentials, self.account_id.as_deref()), life })
    }
}

impl Exchanger {
    async fn get(&self, source: &Source) -> Result<Issued, ApiError> {
        let issued = match source {
            Source::Keys { keys, .. } => Issued { credentials: keys.clone(), life: None },
            Source::Role(role) => self.play(role).await?,
            Source::Told(teller) => self.ask(teller).await?,
        };
        self.unmasked.add(&issued.credentials);
        Ok(issued)
    }

    /// Asks the vendor for the keys of a role.
    async fn play(&self, role: &Role) -> Result<Issued, ApiError> {
        let Role { exchange, role, session, external_id, life, policy, endpoint, evidence } = role;
        let (token, others);
        let proof = match evidence {
            Evidence::Keys(keys, _) => {
                self.unmasked.add(keys);
                Proof::Keys(keys)
            }
            Evidence::Source(source) => {
                others = Box::pin(self.get(source)).await?.credentials;
                Proof::Keys(&others)
            }
            Evidence::Token(provider, source) => {
                token = self.token(source).await?;
                Proof::Token { provider, token: &token }
            }
        };
        let (external_id, policy) = (external_id.as_deref(), policy.as_deref());
        let asked = Asked { endpoint, role, session, external_id, life: *life, policy, proof };
        let mut request = (exchange.request)(&asked, self.http.now(), &self.http.nonce())?;
        request.extensions_mut().insert(ApiName(exchange.api(&asked.proof)));
        let response = self.http.call(request).await?;
        let now = date(response.headers()).unwrap_or_else(|| self.http.now());
        let credentials = exchange.read(&asked, &response).map_err(|error| match (error.kind, error.server_time) {
            // Certainly not executed: once more, by the vendor's clock.
            (ApiErrorKind::Clock, Some(server)) if !self.clock_corrected.replace(true) => {
                self.http.correct_clock(server);
                ApiError { kind: ApiErrorKind::Unsent, ..error }
            }
            _ => error,
        })?;
        let life = left(&credentials, now);
        Ok(Issued { credentials, life })
    }

    /// Lets somebody tell keys.
    async fn ask(&self, teller: &Teller) -> Result<Issued, ApiError> {
        const WHO: &str = "the keys";
        let no = |kind, why: String| {
            let error = ApiError::new(kind, WHO, format!("{}: {why}", teller.words()));
            ApiError { help: Some("ask it by hand, and look at what it gives".into()), ..error }
        };
        let text = match &teller.who {
            Who::Program(command, home) => {
                let printed = process::run(command, home.as_deref()).await;
                Bytes::from(printed.map_err(|why| no(ApiErrorKind::Credentials, why))?)
            }
            Who::Address(url) => {
                let request = Request::get(url.as_str()).extension(ApiName(WHO)).body(Bytes::new());
                let request = request.map_err(|_| no(ApiErrorKind::Credentials, "it makes no request".into()))?;
                let response = self.http.call(request).await?;
                let status = response.status();
                if !status.is_success() {
                    let kind = if status.is_server_error() { ApiErrorKind::Server } else { ApiErrorKind::Credentials };
                    return Err(ApiError { status: Some(status.as_u16()), ..no(kind, "it gives none".into()) });
                }
                response.into_body()
            }
        };
        let credentials = teller.exchange.told(&text).map_err(|why| no(ApiErrorKind::Credentials, why))?;
        let life = left(&credentials, self.http.now());
        Ok(Issued { credentials, life })
    }
}

/// How long keys live from now on, if that is known.
fn left(credentials: &Credentials, now: Timestamp) -> Option<Duration> {
    credentials.expires.map(|end| Duration::try_from(end.duration_since(now)).unwrap_or_default())
}

/// Everything that is asked on the way from a source to keys.
fn endpoints(source: &Source) -> Vec<Url> {
    match source {
        Source::Keys { .. } | Source::Told(Teller { who: Who::Program(..), .. }) => Vec::new(),
        Source::Told(Teller { who: Who::Address(url), .. }) => vec![url.clone()],
        Source::Role(role) => {
            let mut all = match &role.evidence {
                Evidence::Source(source) => endpoints(source),
                Evidence::Token(_, Token::GitHub { url, .. }) => vec![url.clone()],
                Evidence::Token(..) | Evidence::Keys(..) => Vec::new(),
            };
            all.push(role.endpoint.clone());
            all
        }
    }
}

/// Why a run can't begin: there are no keys of this role or from this place.
pub(super) fn no_keys(provider: &str, whose: &str, error: ApiError) -> Error {
    let (exit_code, help) = match error.kind {
        ApiErrorKind::Unsent | ApiErrorKind::Throttled | ApiErrorKind::Server | ApiErrorKind::Ambiguous => (
            ExitCode::Failed,
            "look at the network and the endpoint, and run it again: nothing was sent to the provider",
        ),
        _ => (ExitCode::Credentials, "look at the role and its trust policy"),
    };
    let help = error.help.clone().unwrap_or_else(|| help.to_owned());
    let message = format!("no keys {whose} for `{provider}`: {}", ApiError { help: None, ..error });
    Error::Provider { message, help, exit_code }
}
