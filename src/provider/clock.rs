//! A moment on the wall clock becomes the time to sign with: monotonic, on tokio's clock, corrected by the provider's.
//!
//! Apart because the network and the rehearsal tell the time in the same way, and because a wall clock that is stepped
//! during a run must change nothing.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Counts on from one reading of the wall clock.
#[derive(Clone, Debug)]
pub struct Clock {
    base: Timestamp,
    start: Instant,
    offset: Cell<SignedDuration>,
}

impl Clock {
    /// A clock that shows `base` now.
    pub fn new(base: Timestamp) -> Self {
        Self { base, start: Instant::now(), offset: Cell::new(SignedDuration::ZERO) }
    }

    /// The time, with what [`Clock::correct`] learned.
    pub fn now(&self) -> Timestamp {
        shift(self.uncorrected(), self.offset.get())
    }

    /// The time as this machine believes it to be.
    pub fn uncorrected(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.start.elapsed()).unwrap_or(SignedDuration::MAX);
        shift(self.base, elapsed)
    }

    /// Takes `server` as the right time from now on.
    pub fn correct(&self, server: Timestamp) {
        self.offset.set(server.duration_since(self.uncorrected()));
    }
}

/// Saturates: a clock must not panic, whatever a server's `Date` says.
fn shift(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn noon() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn it_counts_on_from_its_base() {
        let clock = Clock::new(noon());
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now(), "2026-11-22T12:01:30Z".parse().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_correction_holds_from_then_on_and_is_not_added_up() {
        let clock = Clock::new(noon());
        clock.correct("2026-11-22T12:20:00Z".parse().unwrap());
        clock.correct("2026-11-22T11:40:00Z".parse().unwrap());
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(clock.now(), "2026-11-22T11:41:00Z".parse().unwrap());
        assert_eq!(clock.uncorrected(), "2026-11-22T12:01:00Z".parse().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn an_absurd_correction_does_not_panic() {
        let clock = Clock::new(noon());
        clock.correct(Timestamp::MAX);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(clock.now(), Timestamp::MAX);
        clock.correct(Timestamp::MIN);
        assert!(clock.now() <= noon());
    }
}
