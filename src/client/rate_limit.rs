//! The rate of one API of one account: how soon the next call may leave.
//!
//! A token bucket in its "theoretical arrival time" form: a call takes its slot at once and sleeps until it comes, so calls
//! leave in the order in which they asked. A throttle cuts the rate, successes bring it back slowly; the documented limit is
//! never exceeded in any second, as the calls really leave: a thread that was busy for a while doesn't make up for it.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::provider::{ApiError, ApiErrorKind, CallSpec};

/// A second, and what the way to the server may take from the distance of two calls.
const WINDOW: Duration = Duration::from_millis(1_050);
/// What is left of the limit for a steady stream, so that no second holds too many at the server either.
const STEADY: f64 = 0.92;
/// The slowest rate, as a share of the limit.
const FLOOR: f64 = 0.02;
/// What a throttle leaves of the rate.
const CUT: f64 = 0.7;
/// What a success adds to the rate, as a share of the limit.
const RECOVERY: f64 = 0.01;

/// Limits the rate of one API.
#[derive(Debug)]
pub struct RateLimiter {
    limit: f64,
    rate: Cell<f64>,
    burst: f64,
    /// When the bucket would be full again, were nothing else to come.
    next: Cell<Instant>,
    last_cut: Cell<Option<Instant>>,
    /// When the last calls left, as many as the limit allows in a second.
    left: RefCell<VecDeque<Instant>>,
    most: usize,
}

impl RateLimiter {
    /// For an API that allows `calls_per_second` in any second. The burst is part of the limit, not on top of it.
    pub fn new(calls_per_second: f64) -> Self {
        let burst = (calls_per_second * 0.04).floor().max(1.0);
        let limit = calls_per_second * if calls_per_second > 2.0 { STEADY } else { 0.9 };
        Self {
            limit,
            rate: Cell::new(limit),
            burst,
            next: Cell::new(Instant::now()),
            last_cut: Cell::new(None),
            left: RefCell::default(),
            most: (calls_per_second.floor() as usize).max(1),
        }
    }

    /// Waits until a call may leave, and counts it.
    pub async fn acquire(&self) {
        self.reserve().await;
        self.depart().await;
    }

    /// Takes the next free slot and waits for it. The call itself counts from [`RateLimiter::depart`].
    pub async fn reserve(&self) {
        let now = Instant::now();
        let interval = Duration::from_secs_f64(1.0 / self.rate.get());
        let tolerance = interval.mul_f64(self.burst - 1.0);
        let next = self.next.get().max(now);
        self.next.set(next + interval);
        let slot = next.checked_sub(tolerance).unwrap_or(now);
        if slot > now {
            sleep_until(slot).await;
        }
    }

    /// Waits while the last second holds as many calls as the limit allows, which is so only after something delayed them.
    pub async fn depart(&self) {
        while let Err(free) = self.try_to_depart(Instant::now()) {
            sleep_until(free).await;
        }
    }

    /// Notes that a call leaves now; or says when to try again.
    fn try_to_depart(&self, now: Instant) -> Result<(), Instant> {
        let mut left = self.left.borrow_mut();
        if left.len() >= self.most {
            let free = left[0] + WINDOW;
            if free > now {
                return Err(free);
            }
            left.pop_front();
        }
        left.push_back(now);
        Ok(())
    }

    /// Adapts the rate to a response, and returns it.
    pub fn on_response<T>(&self, answer: Result<T, ApiError>) -> Result<T, ApiError> {
        match &answer {
            Ok(_) => self.succeeded(),
            Err(error) if error.kind == ApiErrorKind::Throttled => self.throttled(Instant::now()),
            Err(_) => {}
        }
        answer
    }

    /// The provider said "slower": cuts the rate, once a second at most, and lets nothing leave before `until`.
    fn throttled(&self, until: Instant) {
        let now = Instant::now();
        if self.last_cut.get().is_none_or(|last| now >= last + Duration::from_secs(1)) {
            self.rate.set((self.rate.get() * CUT).max(self.limit * FLOOR));
            self.last_cut.set(Some(now));
        }
        self.next.set(self.next.get().max(until));
    }

    /// A call went through: the rate comes back, never above the limit.
    fn succeeded(&self) {
        self.rate.set((self.rate.get() + self.limit * RECOVERY).min(self.limit));
    }
}

/// The rate limiters of an account's calls.
#[derive(Default)]
pub struct RateLimiters(RefCell<HashMap<(&'static str, &'static str), Rc<RateLimiter>>>);

impl RateLimiters {
    /// The one of a provider's call.
    pub fn of(&self, provider: &'static str, call: &CallSpec) -> Rc<RateLimiter> {
        let mut limiters = self.0.borrow_mut();
        let new = || Rc::new(RateLimiter::new(call.rate.amount_per_second()));
        Rc::clone(limiters.entry((provider, call.api)).or_insert_with(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn departures(limiter: &RateLimiter, count: usize) -> Vec<f64> {
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..count {
            limiter.acquire().await;
            times.push(start.elapsed().as_secs_f64());
        }
        times
    }

    fn most_in_a_second(times: &[f64]) -> usize {
        let within = |first: &f64| times.iter().filter(|&time| time >= first && *time < first + 1.0).count();
        times.iter().map(within).max().unwrap_or(0)
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_holds_more_calls_than_the_limit() {
        for limit in [0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 50.0, 100.0] {
            let times = departures(&RateLimiter::new(limit), 300).await;
            assert!(most_in_a_second(&times) as f64 <= limit.max(1.0), "{limit}: {}", most_in_a_second(&times));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_were_delayed_together_do_not_leave_together_with_those_behind_them() {
        let limiter = RateLimiter::new(5.0);
        let left = RefCell::new(Vec::new());
        let start = Instant::now();
        let calls = (0..20).map(|_| async {
            limiter.acquire().await;
            left.borrow_mut().push(start.elapsed().as_secs_f64());
        });
        // The thread is busy with something else while the first ten turns come.
        let (calls, busy) = (futures_util::future::join_all(calls), tokio::time::advance(Duration::from_secs(2)));
        futures_util::future::join(calls, busy).await;
        let left = left.into_inner();
        assert!(most_in_a_second(&left) <= 5, "{left:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn nine_tenths_of_the_limit_are_used() {
        let times = departures(&RateLimiter::new(50.0), 500).await;
        assert!(times[499] < 500.0 / 45.0, "{}", times[499]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_cuts_the_rate_and_successes_bring_it_back() {
        let limiter = RateLimiter::new(50.0);
        let start = Instant::now();
        limiter.throttled(start + Duration::from_secs(10));
        limiter.acquire().await;
        assert!(start.elapsed() >= Duration::from_millis(9_900));
        assert!(limiter.rate.get() < 34.0);
        for _ in 0..200 {
            limiter.succeeded();
        }
        assert_eq!(limiter.rate.get(), limiter.limit);
    }
}
