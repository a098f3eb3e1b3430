//! Rate limits: calls come in with their time, and those above the rate are refused.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

/// When the latest calls arrived, by the name of the call.
#[derive(Default)]
pub(crate) struct RateWindow(HashMap<&'static str, VecDeque<Timestamp>>);

impl RateWindow {
    /// Whether a call may pass: at most so many in any second (for a broken number, in the time that holds whole calls).
    pub(crate) fn admits(&mut self, name: &'static str, per_second: f64, now: Timestamp) -> bool {
        if per_second <= 0.0 {
            return false;
        }
        let calls = per_second.ceil();
        self.admits_in(name, calls, SignedDuration::from_secs_f64((calls / per_second).min(86_400.0)), now)
    }

    /// Whether a call may pass: at most so many in any span.
    pub(crate) fn admits_in(&mut self, name: &'static str, calls: f64, span: SignedDuration, now: Timestamp) -> bool {
        let arrivals = self.0.entry(name).or_default();
        while arrivals.front().is_some_and(|first| now.duration_since(*first) >= span) {
            arrivals.pop_front();
        }
        let fits = (arrivals.len() as f64) < calls;
        if fits {
            arrivals.push_back(now);
        }
        fits
    }
}

/// A token bucket: full at the start, and filled again at a steady rate.
pub(crate) struct Bucket {
    capacity: f64,
    per_second: f64,
    level: f64,
    filled: Option<Timestamp>,
}

impl Bucket {
    pub(crate) fn new(capacity: f64, per_second: f64) -> Self {
        Self { capacity, per_second, level: capacity, filled: None }
    }

    /// Takes so many tokens, all or none; says in how many seconds there are enough if there aren't.
    pub(crate) fn take(&mut self, count: usize, now: Timestamp) -> Result<(), u64> {
        let passed = self.filled.map_or(0.0, |filled| now.duration_since(filled).as_secs_f64().max(0.0));
        self.level = (self.level + passed * self.per_second).min(self.capacity);
        self.filled = Some(now);
        let missing = count as f64 - self.level;
        if missing > 1e-6 {
            return Err((missing / self.per_second).ceil() as u64);
        }
        self.level -= count as f64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(per_second: f64, milliseconds: &[i64]) -> Vec<bool> {
        let mut window = RateWindow::default();
        let at = |ms: &i64| Timestamp::from_millisecond(*ms).unwrap();
        milliseconds.iter().map(|ms| window.admits("call", per_second, at(ms))).collect()
    }

    #[test]
    fn as_many_calls_pass_as_any_span_may_hold() {
        assert_eq!(passed(2.0, &[0, 10, 20, 999, 1_000, 1_005, 1_010]), [true, true, false, false, true, false, true]);
        assert_eq!(passed(0.5, &[0, 1_999, 2_000]), [true, false, true]);
        assert_eq!(passed(1.5, &[0, 0, 0, 1_334]), [true, true, false, true]);
        assert_eq!(passed(0.0, &[0]), [false]);
    }

    #[test]
    fn a_bucket_is_full_at_first_and_fills_at_its_rate() {
        let mut bucket = Bucket::new(25.0, 5.0 / 60.0);
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        assert_eq!((bucket.take(25, at(0)), bucket.take(1, at(0))), (Ok(()), Err(12)));
        assert_eq!((bucket.take(1, at(12)), bucket.take(1, at(12))), (Ok(()), Err(12)));
        assert_eq!((bucket.take(25, at(3_600)), bucket.take(1, at(3_600))), (Ok(()), Err(12)));
    }

    #[test]
    fn each_call_has_a_rate_of_its_own() {
        let mut window = RateWindow::default();
        let now = Timestamp::UNIX_EPOCH;
        assert!(window.admits("one", 1.0, now) && window.admits("other", 1.0, now) && !window.admits("one", 1.0, now));
    }
}
