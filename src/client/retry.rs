//! How often and how late something is tried again.

use std::time::Duration;

use crate::provider::{ApiError, ApiErrorKind};

/// The first wait.
const BASE: Duration = Duration::from_secs(1);
/// The longest wait of our own choosing.
const CAP: Duration = Duration::from_secs(60);
/// The longest wait a server can ask for. The vendor's own SDK obeys up to 120 s (alibabacloud_tea_openapi 0.4.6).
const HINT_CAP: Duration = Duration::from_secs(120);

/// How long to wait after the `attempt`th failure (from 1): exponential with jitter over its upper half, and not less than
/// the server asks for, within bounds.
pub fn delay(attempt: u32, error: &ApiError, random: &mut fastrand::Rng) -> Duration {
    let full = BASE.saturating_mul(1 << attempt.clamp(1, 7).saturating_sub(1)).min(CAP);
    let ours = full.mul_f64(0.5 + 0.5 * random.f64());
    let theirs = error.retry_after.unwrap_or_default().min(HINT_CAP);
    // Those who were all told the same time would all come back at the same time.
    let theirs = theirs.mul_f64(1.0 + 0.1 * random.f64());
    ours.max(theirs)
}

/// What a lane may spend on retries of refreshes, or of prefetches: a provider that fails for minutes is left alone, and the rest can be resumed.
#[derive(Debug)]
pub struct Budget(u32);

impl Budget {
    /// A full budget: a hundred throttles or connections that don't come about, or some thirty failures of other kinds, without
    /// a success between them.
    pub fn full() -> Self {
        Self(500)
    }

    /// Pays for one retry; `false` when it can't.
    pub fn pay(&mut self, kind: ApiErrorKind) -> bool {
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
    pub fn earn(&mut self) {
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
        let mut budget = Budget::full();
        let paid = std::iter::repeat_with(|| budget.pay(ApiErrorKind::Throttled)).take_while(|paid| *paid).count();
        assert_eq!(paid, 100);
        budget.earn();
        assert!(budget.pay(ApiErrorKind::Throttled));
    }
}
