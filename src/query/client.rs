//! A client for queries: each call within its rate limit, retried while that may help, with valid credentials.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::connection::Connection;
use crate::client::rate_limit::RateLimiters;
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
    connection: &'a Connection<'a>,
    rate_limiters: RateLimiters,
    random: RefCell<fastrand::Rng>,
    budget: RefCell<RetryBudget>,
    timeout: Duration,
    refusals: Rc<Cell<usize>>,
}

impl<'a> QueryClient<'a> {
    /// A client of the provider of a connection. `note` shows notes on long waits and doubtful lists; jitter comes from `seed`.
    pub fn new(connection: &'a Connection<'a>, seed: u64, note: &'a dyn Fn(&str)) -> Self {
        Self {
            provider: &*connection.provider,
            api: &*connection.api,
            note,
            connection,
            rate_limiters: RateLimiters::default(),
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

    /// Sends one call, and repeats it while that may help: within its rate limit, and by the provider's clock.
    pub(super) async fn call<T>(
        &self,
        spec: &CallSpec,
        send: impl AsyncFn() -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let start = Instant::now();
        let transient = |errors: u32, error: &ApiError| {
            let wait = retry::delay(errors, error, &mut self.random.borrow_mut());
            if start.elapsed() + wait > self.timeout || !self.budget.borrow_mut().withdraw(error.kind) {
                return None;
            }
            if errors == 3 {
                (self.note)(&format!("retrying for up to {} s: {error}", self.timeout.as_secs()));
            }
            Some(wait)
        };
        let rate_limiter = self.rate_limiters.of(&self.connection.account, spec, &self.connection.target);
        let answer = self.connection.query(&rate_limiter, self.note, send, transient).await;
        match &answer {
            Ok(_) => {
                self.budget.borrow_mut().deposit();
                self.refusals.set(0);
            }
            Err(error) if error.kind == ApiErrorKind::Credentials => self.refusals.set(self.refusals.get() + 1),
            Err(error) if retry::is_transient(error.kind) => {}
            Err(_) => self.refusals.set(0),
        }
        answer
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
    let asks = &spec.queries;
    let offers = [
        ("records", spec.records().is_some()),
        ("quota", spec.quota.is_some()),
        ("traffic", asks.traffic.is_some()),
        ("bandwidth", asks.bandwidth.is_some()),
        ("logs", asks.logs.is_some()),
        ("domains", asks.domains.is_some()),
    ];
    let offers: Vec<&str> = offers.into_iter().filter_map(|(name, is)| is.then_some(name)).collect();
    let help = match offers.is_empty() {
        true => "it offers no queries".to_owned(),
        false => format!("it offers {}", offers.join(", ")),
    };
    let instead = "; what it accepts is done, and the report of a run lists it";
    let instead = if spec.tracking.is_none() { instead } else { "" };
    unusable(format!("{} offers no {what}", spec.title), help + instead)
}
