//! The rate of one API of one account: how soon the next call may leave.
//!
//! A token bucket in its "theoretical arrival time" form: a call takes its slot at once and sleeps until it comes, so calls
//! leave in the order in which they asked. A throttle cuts the rate, successes bring it back slowly; the documented limit is
//! never exceeded in any second.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The slowest rate, as a share of the limit.
const FLOOR: f64 = 0.02;
/// What a throttle leaves of the rate.
const CUT: f64 = 0.7;
/// What a success adds to the rate, as a share of the limit.
const RECOVERY: f64 = 0.01;

/// The pace of one API.
#[derive(Debug)]
pub struct Pace {
    limit: f64,
    rate: Cell<f64>,
    burst: f64,
    /// When the bucket would be full again, were nothing else to come.
    next: Cell<Instant>,
    last_cut: Cell<Option<Instant>>,
}

impl Pace {
    /// The pace of an API that allows so many calls in any second. The burst is part of the limit, not on top of it.
    pub fn new(calls_per_second: f64) -> Self {
        let burst = (calls_per_second * 0.04).floor().max(1.0);
        let limit = if calls_per_second > 2.0 { calls_per_second - burst } else { calls_per_second * 0.9 };
        Self { limit, rate: Cell::new(limit), burst, next: Cell::new(Instant::now()), last_cut: Cell::new(None) }
    }

    /// Waits for the next free slot.
    pub async fn slot(&self) {
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

    /// The provider said "slower": cuts the rate, once a second at most, and lets nothing leave before `until`.
    pub fn throttled(&self, until: Instant) {
        let now = Instant::now();
        if self.last_cut.get().is_none_or(|last| now >= last + Duration::from_secs(1)) {
            self.rate.set((self.rate.get() * CUT).max(self.limit * FLOOR));
            self.last_cut.set(Some(now));
        }
        self.next.set(self.next.get().max(until));
    }

    /// A call went through: the rate comes back, never above the limit.
    pub fn succeeded(&self) {
        self.rate.set((self.rate.get() + self.limit * RECOVERY).min(self.limit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn departures(pace: &Pace, count: usize) -> Vec<f64> {
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..count {
            pace.slot().await;
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
            let times = departures(&Pace::new(limit), 300).await;
            assert!(most_in_a_second(&times) as f64 <= limit.max(1.0), "{limit}: {}", most_in_a_second(&times));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nine_tenths_of_the_limit_are_used() {
        let times = departures(&Pace::new(50.0), 500).await;
        assert!(times[499] < 500.0 / 45.0, "{}", times[499]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_cuts_the_rate_and_successes_bring_it_back() {
        let pace = Pace::new(50.0);
        let start = Instant::now();
        pace.throttled(start + Duration::from_secs(10));
        pace.slot().await;
        assert!(start.elapsed() >= Duration::from_millis(9_900));
        assert!(pace.rate.get() < 34.0);
        for _ in 0..200 {
            pace.succeeded();
        }
        assert_eq!(pace.rate.get(), pace.limit);
    }
}
