//! Retries: how often, after how long, and for how many retries a budget lasts.

use std::time::Duration;

use tokio::time::sleep;

use crate::provider::{ApiError, ApiErrorKind};

/// The first wait.
const BASE: Duration = Duration::from_secs(1);
/// The longest wait of our own choosing.
const CAP: Duration = Duration::from_secs(60);
/// The longest wait a server can ask for. The vendor's own SDK obeys up to 120 s (alibabacloud_tea_openapi 0.4.6).
const HINT_CAP: Duration = Duration::from_secs(120);

/// How long to wait after the `attempt`th failure (from 1): exponential with jitter over its upper half, and not less than
/// the server requests, within bounds.
pub fn delay(attempt: u32, error: &ApiError, random: &mut fastrand::Rng) -> Duration {
    let full = BASE.saturating_mul(1 << attempt.clamp(1, 7).saturating_sub(1)).min(CAP);
    let ours = full.mul_f64(0.5 + 0.5 * random.f64());
    let theirs = error.retry_after.unwrap_or_default().min(HINT_CAP);
    // Clients that all got the same delay would all come back at the same time.
    let theirs = theirs.mul_f64(1.0 + 0.1 * random.f64());
    ours.max(theirs)
}

/// Whether the same call may succeed a little later: the error is about the network, the load or the server.
pub fn is_transient(kind: ApiErrorKind) -> bool {
    matches!(kind, ApiErrorKind::Unsent | ApiErrorKind::Throttled | ApiErrorKind::Server | ApiErrorKind::Ambiguous)
}

/// Calls until a call succeeds. After the `n`th error (from 1) `next` gives the time to wait before the next call; `None` ends
/// it. Only for calls that change nothing: it doesn't consider what a failed call may have done.
///
/// # Errors
/// The error of the last call.
pub async fn until<T>(
    mut call: impl AsyncFnMut() -> Result<T, ApiError>,
    mut next: impl FnMut(u32, &ApiError) -> Option<Duration>,
) -> Result<T, ApiError> {
    let mut errors = 0;
    loop {
        let error = match call().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        errors += 1;
        match next(errors, &error) {
            None => return Err(error),
            Some(Duration::ZERO) => {}
            Some(wait) => sleep(wait).await,
        }
    }
}

/// Limits the retries of refreshes, or of prefetches: a provider that fails for minutes is left alone, and the rest can be
/// resumed.
#[derive(Debug)]
pub struct RetryBudget(u32);

impl RetryBudget {
    /// A full budget: a hundred throttles or connections that don't come about, or some thirty failures of other kinds, without
    /// a success between them.
    pub fn full() -> Self {
        Self(500)
    }

    /// Pays for one retry; `false`: the budget is spent.
    pub fn withdraw(&mut self, kind: ApiErrorKind) -> bool {
        let price = if matches!(kind, ApiErrorKind::Throttled | ApiErrorKind::Unsent) { 5 } else { 14 };
        match self.0.checked_sub(price) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// A call went through.
    pub fn deposit(&mut self) {
        self.0 = (self.0 + 10).min(500);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(retry_after: Option<Duration>) -> ApiError {
        ApiError { retry_after, ..ApiError::new(ApiErrorKind::Throttled, "RefreshObjectCaches", "slower") }
    }

    #[test]
    fn waits_grow_and_stay_below_a_minute() {
        let mut random = fastrand::Rng::with_seed(1);
        for attempt in 1..100 {
            let wait = delay(attempt, &throttle(None), &mut random);
            assert!(wait >= Duration::from_millis(500) && wait <= CAP, "{attempt}: {wait:?}");
        }
        assert!(delay(6, &throttle(None), &mut random) >= Duration::from_secs(16));
    }

    #[test]
    fn a_servers_wish_is_obeyed_within_bounds() {
        let mut random = fastrand::Rng::with_seed(1);
        assert!(delay(1, &throttle(Some(Duration::from_secs(30))), &mut random) >= Duration::from_secs(30));
        assert!(delay(1, &throttle(Some(Duration::MAX)), &mut random) <= Duration::from_secs(132));
    }

    #[test]
    fn an_empty_budget_pays_nothing_until_something_succeeds() {
        let mut budget = RetryBudget::full();
        let paid = std::iter::repeat_with(|| budget.withdraw(ApiErrorKind::Throttled)).take_while(|paid| *paid).count();
        assert_eq!(paid, 100);
        budget.deposit();
        assert!(budget.withdraw(ApiErrorKind::Throttled));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_is_repeated_after_each_wait_until_it_succeeds_or_no_wait_is_given() {
        let start = tokio::time::Instant::now();
        let mut calls = 0;
        let third = async || {
            calls += 1;
            if calls < 3 { Err(throttle(None)) } else { Ok(calls) }
        };
        let result = until(third, |errors, _| Some(Duration::from_secs(u64::from(errors)))).await;
        assert_eq!((result, start.elapsed()), (Ok(3), Duration::from_secs(3)));
        let result: Result<(), _> =
            until(async || Err(throttle(None)), |errors, _| (errors < 4).then_some(Duration::ZERO)).await;
        assert_eq!((result, start.elapsed()), (Err(throttle(None)), Duration::from_secs(3)));
    }
}
