//! A client for queries: each call within its rate limit, retried while that may help, with valid credentials.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::credential_refresh::{self, CredentialRefresh};
use crate::client::rate_limit::RateLimiter;
use crate::client::retry::{self, RetryBudget};
use crate::error::{Error, ExitCode};
use crate::provider::{Api, ApiError, ApiErrorKind, CallSpec, Provider, Spec};

/// How long one call is retried, unless the caller says otherwise.
pub(super) const TIMEOUT: Duration = Duration::from_secs(180);

/// Sends queries to one provider.
pub struct QueryClient<'a> {
    pub(super) provider: &'a dyn Provider,
    pub(super) api: &'a dyn Api,
    /// Shows a person what they should know: a long wait, a doubtful list.
    pub(super) note: &'a dyn Fn(&str),
    credentials: Option<&'a CredentialRefresh>,
    rate_limiters: RefCell<HashMap<&'static str, Rc<RateLimiter>>>,
    random: RefCell<fastrand::Rng>,
    budget: RefCell<RetryBudget>,
    timeout: Duration,
    refusals: Rc<Cell<usize>>,
}

impl<'a> QueryClient<'a> {
    /// A client of a provider. `note` shows notes on long waits and doubtful lists; jitter comes from `seed`.
    pub fn new(provider: &'a dyn Provider, api: &'a dyn Api, seed: u64, note: &'a dyn Fn(&str)) -> Self {
        Self {
            provider,
            api,
            note,
            credentials: None,
            rate_limiters: RefCell::default(),
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
            budget: RefCell::new(RetryBudget::full()),
            timeout: TIMEOUT,
            refusals: Rc::default(),
        }
    }

    /// Retries each call for this long, and no longer.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Counts here how many calls in a row fail with refused credentials.
    #[must_use]
    pub fn with_refusals(self, refusals: Rc<Cell<usize>>) -> Self {
        Self { refusals, ..self }
    }

    /// Refreshes the credentials before they expire.
    #[must_use]
    pub fn with_credentials(self, credentials: Option<&'a CredentialRefresh>) -> Self {
        Self { credentials, ..self }
    }

    /// Sends one call, and repeats it while that may help: within its rate limit, and by the provider's clock.
    pub(super) async fn call<T>(
        &self,
        spec: &CallSpec,
        send: impl AsyncFn() -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let rate_limiter = self.rate_limiter(spec);
        let start = Instant::now();
        let mut is_corrected = false;
        let call = async || {
            let Some(credentials) = self.credentials else {
                rate_limiter.acquire().await;
                return credential_refresh::without_refresh(rate_limiter.on_response(send().await));
            };
            if let Some(refreshed) = credentials.ensure_valid().await? {
                (self.note)(&refreshed.sentence(self.provider.spec().name));
            }
            rate_limiter.acquire().await;
            let sent = Instant::now();
            credentials.observe(sent, rate_limiter.on_response(send().await))
        };
        let next = |errors: u32, error: &ApiError| match (error.kind, error.server_time) {
            (ApiErrorKind::Expired, _) => Some(Duration::ZERO),
            (ApiErrorKind::Clock, Some(server)) if !is_corrected => {
                is_corrected = true;
                self.api.correct_clock(server);
                (self.note)(&format!("this machine's clock is wrong; requests are signed by the provider's: {error}"));
                Some(Duration::ZERO)
            }
            (kind, _) if retry::is_transient(kind) => {
                let wait = retry::delay(errors, error, &mut self.random.borrow_mut());
                if start.elapsed() + wait > self.timeout || !self.budget.borrow_mut().withdraw(kind) {
                    return None;
                }
                if errors == 3 {
                    (self.note)(&format!("retrying for up to {} s: {error}", self.timeout.as_secs()));
                }
                Some(wait)
            }
            (kind, _) => {
                self.refusals.set(if kind == ApiErrorKind::Credentials { self.refusals.get() + 1 } else { 0 });
                None
            }
        };
        let answer = retry::until(call, next).await?;
        self.budget.borrow_mut().deposit();
        self.refusals.set(0);
        Ok(answer)
    }

    fn rate_limiter(&self, spec: &CallSpec) -> Rc<RateLimiter> {
        let new = || Rc::new(RateLimiter::new(spec.rate.amount_per_second()));
        Rc::clone(self.rate_limiters.borrow_mut().entry(spec.api).or_insert_with(new))
    }
}

/// The error of a query that a call's error ends.
pub(super) fn failed(error: ApiError) -> Error {
    let (exit_code, help) = match error.kind {
        ApiErrorKind::Credentials => (ExitCode::Credentials, "check the credentials, and the account they belong to"),
        ApiErrorKind::Forbidden => {
            (ExitCode::Credentials, "grant the permission; `cdn-purge providers` lists all that are needed")
        }
        ApiErrorKind::Unsent => (ExitCode::Failed, "check the network and the endpoint, and run the command again"),
        ApiErrorKind::Throttled | ApiErrorKind::Server | ApiErrorKind::Ambiguous => {
            (ExitCode::Failed, "run the command again in a few minutes; a query changes nothing")
        }
        _ => (ExitCode::Failed, "correct the query"),
    };
    let help = error.help.clone().unwrap_or_else(|| help.to_owned());
    Error::Provider { message: ApiError { help: None, ..error }.to_string(), help, exit_code }
}

/// The error of a query that the user has to change.
pub(super) fn unusable(message: String, help: String) -> Error {
    Error::Provider { message, help, exit_code: ExitCode::Usage }
}

/// The error of a query that a provider doesn't offer, with those that it does.
pub(super) fn not_offered(spec: &Spec, what: &str) -> Error {
    let asks = &spec.asks;
    let offers = [
        ("records", spec.records().is_some()),
        ("quota", spec.quota.is_some()),
        ("traffic", asks.traffic.is_some()),
        ("bandwidth", asks.bandwidth.is_some()),
        ("logs", asks.logs.is_some()),
        ("domains", asks.domains.is_some()),
    ];
    let offers: Vec<&str> = offers.into_iter().filter_map(|(name, is)| is.then_some(name)).collect();
    unusable(format!("{} offers no {what}", spec.title), format!("it offers {}", offers.join(", ")))
}
