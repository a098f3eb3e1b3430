//! Keys that end are renewed before they do, and once more when the provider says that they have: one exchange at a time,
//! for everybody who shares them.
//!
//! Apart from the providers, because it waits and tries again; an exchange itself sends each request once.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::retry;
use crate::provider::credentials::{Credentials, Keys};
use crate::provider::{ApiError, ApiErrorKind};

/// So long before their end keys are renewed, or a quarter of their life before it, if that is shorter.
const AHEAD: Duration = Duration::from_secs(5 * 60);
/// How often an exchange is tried in a row.
const TRIES: u32 = 4;
/// How long keys that are still good are kept after a renewal that failed.
const HOLD: Duration = Duration::from_secs(30);
/// So often in a row keys that are said to have ended are replaced, with no good answer between.
const FRUITLESS: u32 = 2;

/// Where keys come from.
#[async_trait(?Send)]
pub trait Obtain {
    /// Gets new keys. Sends what that takes, each request once.
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn obtain(&self) -> Result<Issued, ApiError>;
}

/// Keys, fresh.
#[derive(Clone)]
pub struct Issued {
    /// The keys.
    pub credentials: Credentials,
    /// How long they live, by the clock of who gave them; `None`: that isn't known.
    pub life: Option<Duration>,
}

/// The keys of one account, and how they are renewed.
pub struct CredentialRefresh {
    keys: Keys,
    source: Box<dyn Obtain>,
    /// One exchange at a time.
    turn: Mutex<()>,
    obtained: Cell<Instant>,
    life: Cell<Option<Duration>>,
    /// The provider said that they have ended.
    ended: Cell<bool>,
    fruitless: Cell<u32>,
    /// No new try before this.
    held: Cell<Instant>,
    /// What the last exchange came to, if there will be no other.
    failed: RefCell<Option<ApiError>>,
    random: RefCell<fastrand::Rng>,
}

impl CredentialRefresh {
    /// Gets the first keys.
    ///
    /// # Errors
    /// What the exchange comes to, after a few tries where trying may help.
    pub async fn start(source: Box<dyn Obtain>, seed: u64) -> Result<Self, ApiError> {
        let random = RefCell::new(fastrand::Rng::with_seed(seed));
        let issued = patiently(&*source, &random).await?;
        let now = Instant::now();
        Ok(Self {
            keys: Keys::new(issued.credentials),
            source,
            turn: Mutex::new(()),
            obtained: Cell::new(now),
            life: Cell::new(issued.life),
            ended: Cell::new(false),
            fruitless: Cell::new(0),
            held: Cell::new(now),
            failed: RefCell::new(None),
            random,
        })
    }

    /// The keys, which this renews in their place.
    pub fn keys(&self) -> Keys {
        self.keys.clone()
    }

    /// Renews the keys if little of their life is left. Gives when the new ones end (if that is known), for the one caller
    /// that renewed them.
    ///
    /// # Errors
    /// `Credentials`: the keys have ended, and there are no others.
    pub async fn ensure_valid(&self) -> Result<Option<Refreshed>, ApiError> {
        if !self.is_due() {
            return self.failure();
        }
        let _turn = self.turn.lock().await;
        if !self.is_due() {
            return self.failure();
        }
        match patiently(&*self.source, &self.random).await {
            Ok(issued) => {
                let until = issued.credentials.expires;
                self.keys.renew(issued.credentials);
                self.obtained.set(Instant::now());
                self.life.set(issued.life);
                self.ended.set(false);
                Ok(Some(Refreshed { until }))
            }
            Err(_) if !self.is_over() => {
                self.held.set(Instant::now() + HOLD);
                Ok(None)
            }
            Err(error) => {
                let message = format!("the keys have ended, and there are no new ones: {}", error.message);
                let error = ApiError { kind: ApiErrorKind::Credentials, message, ..error };
                *self.failed.borrow_mut() = Some(error.clone());
                Err(error)
            }
        }
    }

    /// What an answer says of the keys: a request that was sent at `sent` with keys that have ended may be sent again with
    /// others (`Expired`), unless new ones didn't help either (`Credentials`).
    pub fn observe<T>(&self, sent: Instant, result: Result<T, ApiError>) -> Result<T, ApiError> {
        let error = match result {
            Ok(value) => {
                self.fruitless.set(0);
                return Ok(value);
            }
            Err(error) => error,
        };
        let were_over = self.life.get().is_some_and(|life| sent + AHEAD.min(life / 4) >= self.obtained.get() + life);
        let says_so = error.kind == ApiErrorKind::Expired;
        if !says_so && !(error.kind == ApiErrorKind::Credentials && (were_over || sent < self.obtained.get())) {
            return Err(error);
        }
        let may_help = self.ended.get() || sent < self.obtained.get() || self.fruitless.get() < FRUITLESS;
        if may_help && sent >= self.obtained.get() && !self.ended.replace(true) {
            self.fruitless.set(self.fruitless.get() + 1);
        }
        let kind = if may_help { ApiErrorKind::Expired } else { ApiErrorKind::Credentials };
        Err(ApiError { kind, ..error })
    }

    fn failure(&self) -> Result<Option<Refreshed>, ApiError> {
        self.failed.borrow().clone().map_or(Ok(None), Err)
    }

    fn is_due(&self) -> bool {
        let now = Instant::now();
        let is_near = |life: Duration| now + AHEAD.min(life / 4) >= self.obtained.get() + life;
        self.failed.borrow().is_none()
            && (self.ended.get() || (now >= self.held.get() && self.life.get().is_some_and(is_near)))
    }

    fn is_over(&self) -> bool {
        self.ended.get() || self.life.get().is_some_and(|life| Instant::now() >= self.obtained.get() + life)
    }
}

/// Keys were renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// When they end, as far as that is known.
    pub until: Option<Timestamp>,
}

impl Refreshed {
    /// What is said of it, with the provider's name.
    pub fn sentence(self, provider: &str) -> String {
        let until = self.until.map(|until| format!(", which end at {}", until.strftime("%H:%M:%SZ")));
        format!("`{provider}`: new keys{}", until.unwrap_or_default())
    }
}

/// [`CredentialRefresh::observe`] for credentials that can't be refreshed.
pub fn without_refresh<T>(result: Result<T, ApiError>) -> Result<T, ApiError> {
    result.map_err(|error| match error.kind {
        ApiErrorKind::Expired => ApiError { kind: ApiErrorKind::Credentials, ..error },
        _ => error,
    })
}

/// An exchange changes nothing, so what may pass is tried again.
async fn patiently(source: &dyn Obtain, random: &RefCell<fastrand::Rng>) -> Result<Issued, ApiError> {
    let next = |errors, error: &ApiError| {
        let may_help = retry::is_transient(error.kind) && errors < TRIES;
        may_help.then(|| retry::delay(errors, error, &mut random.borrow_mut()))
    };
    retry::until(async || source.obtain().await, next).await
}
