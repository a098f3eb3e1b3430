//! Refreshes credentials before they expire, and once more when the provider says that they have expired: one exchange at a time,
//! for everything that shares them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::retry;
use crate::provider::credentials::{CredentialSource, Issued, SharedCredentials};
use crate::provider::{Api, ApiError, ApiErrorKind};

/// How long before they expire credentials are refreshed; a quarter of their lifetime, if that is shorter.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// How often an exchange is tried in a row.
const TRIES: u32 = 4;
/// How long to wait after a refresh that failed, while the credentials are still valid.
const HOLD: Duration = Duration::from_secs(30);
/// How often in a row credentials that are called expired are refreshed, without a success between.
const FUTILE: u32 = 2;

/// The credentials of one account, and how they are refreshed.
pub struct CredentialRefresh {
    credentials: SharedCredentials,
    source: Box<dyn CredentialSource>,
    api: Rc<dyn Api>,
    /// One exchange at a time.
    turn: Mutex<()>,
    obtained: Cell<Instant>,
    lifetime: Cell<Option<Duration>>,
    expires: Cell<Option<Timestamp>>,
    /// The provider said that they have expired.
    called_expired: Cell<bool>,
    futile: Cell<u32>,
    /// No exchange before this.
    held: Cell<Instant>,
    /// The error of the last exchange, if there will be no other.
    failed: RefCell<Option<ApiError>>,
    random: RefCell<fastrand::Rng>,
}

impl CredentialRefresh {
    /// Obtains the first credentials; jitter comes from `seed`.
    ///
    /// # Errors
    /// The error of the exchange, after some retries where these may help.
    pub async fn start(source: Box<dyn CredentialSource>, api: Rc<dyn Api>, seed: u64) -> Result<Self, ApiError> {
        let random = RefCell::new(fastrand::Rng::with_seed(seed));
        let issued = obtain(&*source, &*api, &random).await?;
        let now = Instant::now();
        Ok(Self {
            credentials: SharedCredentials::new(issued.credentials),
            source,
            api,
            turn: Mutex::new(()),
            obtained: Cell::new(now),
            lifetime: Cell::new(issued.lifetime),
            expires: Cell::new(issued.expires),
            called_expired: Cell::new(false),
            futile: Cell::new(0),
            held: Cell::new(now),
            failed: RefCell::new(None),
            random,
        })
    }

    /// The credentials, which a refresh replaces.
    pub fn credentials(&self) -> SharedCredentials {
        self.credentials.clone()
    }

    /// When the credentials expire, as far as that is known.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires.get()
    }

    /// Refreshes the credentials if they expire soon. Only the caller that refreshed them learns of it.
    ///
    /// # Errors
    /// `Credentials`: they have expired, and there are no others.
    pub async fn ensure_valid(&self) -> Result<Option<Refreshed>, ApiError> {
        if !self.is_due() {
            return self.failure();
        }
        let _turn = self.turn.lock().await;
        if !self.is_due() {
            return self.failure();
        }
        match obtain(&*self.source, &*self.api, &self.random).await {
            Ok(issued) => {
                self.credentials.replace(issued.credentials);
                self.obtained.set(Instant::now());
                self.lifetime.set(issued.lifetime);
                self.expires.set(issued.expires);
                self.called_expired.set(false);
                Ok(Some(Refreshed { expires: issued.expires }))
            }
            Err(_) if !self.has_expired() => {
                self.held.set(Instant::now() + HOLD);
                Ok(None)
            }
            Err(error) => {
                let message = format!("the credentials have expired, and there are no new ones: {}", error.message);
                let error = ApiError { kind: ApiErrorKind::Credentials, message, ..error };
                *self.failed.borrow_mut() = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Learns from a response. A request that was sent at `sent` with expired credentials may be sent again with others
    /// (`Expired`), unless new ones didn't help either (`Credentials`).
    ///
    /// # Errors
    /// The response's error, with a kind that says so.
    pub fn observe<T>(&self, sent: Instant, result: Result<T, ApiError>) -> Result<T, ApiError> {
        let error = match result {
            Ok(value) => {
                self.futile.set(0);
                return Ok(value);
            }
            Err(error) => error,
        };
        let is_older = sent < self.obtained.get();
        let says_so = error.kind == ApiErrorKind::Expired;
        if !says_so && !(error.kind == ApiErrorKind::Credentials && (is_older || self.expires_soon(sent))) {
            return Err(error);
        }
        let may_help = self.called_expired.get() || is_older || self.futile.get() < FUTILE;
        if may_help && !is_older && !self.called_expired.replace(true) {
            self.futile.set(self.futile.get() + 1);
        }
        let kind = if may_help { ApiErrorKind::Expired } else { ApiErrorKind::Credentials };
        Err(ApiError { kind, ..error })
    }

    fn failure(&self) -> Result<Option<Refreshed>, ApiError> {
        self.failed.borrow().clone().map_or(Ok(None), Err)
    }

    fn is_due(&self) -> bool {
        let now = Instant::now();
        let is_soon = now >= self.held.get() && self.expires_soon(now);
        self.failed.borrow().is_none() && (self.called_expired.get() || is_soon)
    }

    fn expires_soon(&self, at: Instant) -> bool {
        self.lifetime.get().is_some_and(|lifetime| at + MARGIN.min(lifetime / 4) >= self.obtained.get() + lifetime)
    }

    fn has_expired(&self) -> bool {
        let is_over = |lifetime| Instant::now() >= self.obtained.get() + lifetime;
        self.called_expired.get() || self.lifetime.get().is_some_and(is_over)
    }
}

/// Credentials were refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// When the new ones expire, as far as that is known.
    pub expires: Option<Timestamp>,
}

impl Refreshed {
    /// The note for the log, with the provider's name.
    pub fn sentence(self, provider: &str) -> String {
        let until = self.expires.map(|expires| format!(", valid until {}", expires.strftime("%H:%M:%SZ")));
        format!("`{provider}`: credentials refreshed{}", until.unwrap_or_default())
    }
}

/// [`CredentialRefresh::observe`] for credentials that can't be refreshed.
///
/// # Errors
/// The response's error; `Expired` becomes `Credentials`.
pub fn without_refresh<T>(result: Result<T, ApiError>) -> Result<T, ApiError> {
    result.map_err(|error| match error.kind {
        ApiErrorKind::Expired => ApiError { kind: ApiErrorKind::Credentials, ..error },
        _ => error,
    })
}

/// An exchange changes nothing, so it may be tried again.
async fn obtain(
    source: &dyn CredentialSource,
    api: &dyn Api,
    random: &RefCell<fastrand::Rng>,
) -> Result<Issued, ApiError> {
    let next = |errors, error: &ApiError| {
        let may_help = retry::is_transient(error.kind) && errors < TRIES;
        may_help.then(|| retry::delay(errors, error, &mut random.borrow_mut()))
    };
    retry::until(async || source.obtain(api).await, next).await
}
