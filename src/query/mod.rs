//! A question → all of its answer: ranges of time are cut to what one call takes, pages are read to the end, throttles are
//! waited out, and rows merged so that none is missing and none stands twice.
//!
//! Beside `exec` the only part that waits. What it sends changes nothing at the provider, so whatever failed may be asked
//! again.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::credential_refresh::{self, CredentialRefresh};
use crate::client::rate_limit::RateLimiter;
use crate::client::retry::{self, RetryBudget};
use crate::error::{Error, ExitCode};
use crate::provider::{Api, ApiError, ApiErrorKind, CallSpec, Domain, Provider};

pub mod logs;
pub mod metrics;
mod pagination;
pub mod permissions;
pub mod task_history;
#[cfg(test)]
mod tests;
pub mod time_windows;
pub mod wait;

pub use time_windows::TimeWindow;

/// How long one question is tried again and again.
const PATIENCE: Duration = Duration::from_secs(180);

/// Asks one provider.
pub struct QueryClient<'a> {
    provider: &'a dyn Provider,
    api: &'a dyn Api,
    tell: &'a dyn Fn(&str),
    renewal: Option<&'a CredentialRefresh>,
    paces: RefCell<HashMap<&'static str, Rc<RateLimiter>>>,
    random: RefCell<fastrand::Rng>,
    budget: RefCell<RetryBudget>,
    patience: Duration,
    refusals: Rc<Cell<usize>>,
}

impl<'a> QueryClient<'a> {
    /// Asks a provider by this way out; `tell` hears what a person should know of a long wait or a doubtful answer, and
    /// jitter comes from `seed`.
    pub fn new(provider: &'a dyn Provider, api: &'a dyn Api, seed: u64, tell: &'a dyn Fn(&str)) -> Self {
        Self {
            provider,
            api,
            tell,
            renewal: None,
            paces: RefCell::default(),
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
            budget: RefCell::new(RetryBudget::full()),
            patience: PATIENCE,
            refusals: Rc::default(),
        }
    }

    /// The same, trying each question for so long and no longer.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same, counting here how many questions in a row end with the keys refused.
    pub fn counting(self, refusals: Rc<Cell<usize>>) -> Self {
        Self { refusals, ..self }
    }

    /// The same, with keys that are renewed before they end.
    pub fn renewing(self, renewal: Option<&'a CredentialRefresh>) -> Self {
        Self { renewal, ..self }
    }

    /// What is left for today.
    ///
    /// # Errors
    /// [`Error::Provider`].
    pub async fn quota(&self) -> Result<crate::model::Quota, Error> {
        let spec = self.provider.spec();
        let Some(limit) = &spec.quota else { return Err(not_offered(spec, "quota")) };
        self.ask(&limit.call, async || self.provider.quota(self.api).await).await.map_err(refused)
    }

    /// Every domain of the account.
    ///
    /// # Errors
    /// [`Error::Provider`].
    pub async fn domains(&self) -> Result<Vec<Domain>, Error> {
        let spec = self.provider.spec();
        let Some(offer) = &spec.asks.domains else { return Err(not_offered(spec, "domains")) };
        self.domains_of(offer).await.map_err(refused)
    }

    async fn domains_of(&self, offer: &CallSpec) -> Result<Vec<Domain>, ApiError> {
        let page = async |number| self.provider.domains(offer, number, self.api).await;
        pagination::all(self, offer, None, |domain: &Domain| domain.name.clone(), page).await
    }

    /// Puts one question, again and again while that may help: in the pace of its call, by the clock of the provider.
    async fn ask<T>(&self, limit: &CallSpec, question: impl AsyncFn() -> Result<T, ApiError>) -> Result<T, ApiError> {
        let pace = self.pace(limit);
        let began = Instant::now();
        let mut corrected = false;
        let call = async || {
            if let Some(renewed) = match self.renewal {
                Some(renewal) => renewal.ensure_valid().await?,
                None => None,
            } {
                (self.tell)(&renewed.sentence(self.provider.spec().name));
            }
            pace.acquire().await;
            let sent = Instant::now();
            let answer = pace.on_response(question().await);
            match self.renewal {
                Some(renewal) => renewal.observe(sent, answer),
                None => credential_refresh::without_refresh(answer),
            }
        };
        let next = |errors: u32, error: &ApiError| match (error.kind, error.server_time) {
            (ApiErrorKind::Expired, _) => Some(Duration::ZERO),
            (ApiErrorKind::Clock, Some(server)) if !corrected => {
                corrected = true;
                self.api.correct_clock(server);
                (self.tell)(&format!("this machine's clock is off; signing by the provider's: {error}"));
                Some(Duration::ZERO)
            }
            (kind, _) if retry::is_transient(kind) => {
                let wait = retry::delay(errors, error, &mut self.random.borrow_mut());
                if began.elapsed() + wait > self.patience || !self.budget.borrow_mut().withdraw(kind) {
                    return None;
                }
                if errors == 3 {
                    (self.tell)(&format!("asking again for up to {} s: {error}", self.patience.as_secs()));
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

    fn pace(&self, limit: &CallSpec) -> Rc<RateLimiter> {
        let mut paces = self.paces.borrow_mut();
        Rc::clone(paces.entry(limit.api).or_insert_with(|| Rc::new(RateLimiter::new(limit.rate.amount_per_second()))))
    }
}

/// A provider's refusal as what ends a question.
fn refused(error: ApiError) -> Error {
    let (exit_code, help) = match error.kind {
        ApiErrorKind::Credentials => (ExitCode::Credentials, "look at the keys, and which account they belong to"),
        ApiErrorKind::Forbidden => {
            (ExitCode::Credentials, "give the key the permission; `cdn-purge providers` lists them")
        }
        ApiErrorKind::Unsent => (ExitCode::Failed, "look at the network and the endpoint, and ask again"),
        ApiErrorKind::Throttled | ApiErrorKind::Server | ApiErrorKind::Ambiguous => {
            (ExitCode::Failed, "ask again in a few minutes; nothing was changed by asking")
        }
        _ => (ExitCode::Failed, "correct what was asked for"),
    };
    let help = error.help.clone().unwrap_or_else(|| help.to_owned());
    Error::Provider { message: ApiError { help: None, ..error }.to_string(), help, exit_code }
}

/// That a provider can't be asked this, and what it can be asked.
fn not_offered(spec: &crate::provider::Spec, what: &str) -> Error {
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
    Error::Provider {
        message: format!("{} offers no {what}", spec.title),
        help: format!("it can be asked for {}", offers.join(", ")),
        exit_code: ExitCode::Usage,
    }
}
