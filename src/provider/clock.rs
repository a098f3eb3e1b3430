//! The clock: wall time for signatures, monotonic time for waits.
//!
//! Apart because the network and the simulation tell the time in the same way, and because a wall clock that is stepped
//! during a run must change nothing.

use std::cell::Cell;

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A `Date` further from the time we sign with can't be that of a server that takes our signatures: they are good for
/// fifteen minutes (alibabacloud help, signature page, 2023-10).
const BELIEVABLE: SignedDuration = SignedDuration::from_mins(15);

/// Counts on from one reading of the wall clock.
#[derive(Clone, Debug)]
pub struct Clock {
    base: Timestamp,
    start: Instant,
    offset: Cell<SignedDuration>,
    /// The provider's clock minus this machine's, by its last good answer.
    server: Cell<Option<SignedDuration>>,
}

impl Clock {
    /// A clock that shows `base` now.
    pub fn new(base: Timestamp) -> Self {
        Self { base, start: Instant::now(), offset: Cell::new(SignedDuration::ZERO), server: Cell::new(None) }
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
        let offset = server.duration_since(self.uncorrected());
        self.offset.set(offset);
        self.server.set(Some(offset));
    }

    /// Learns the provider's time from the `Date` of an answer that it gave just now. That has whole seconds, cut: what is
    /// learned is up to a second, and the way of the answer, too early.
    pub fn learn(&self, date: Timestamp) {
        if date.duration_since(self.now()).abs() <= BELIEVABLE {
            self.server.set(Some(date.duration_since(self.uncorrected())));
        }
    }

    /// The time on the provider's clock, once one of its responses contained it.
    pub fn server_time(&self) -> Option<Timestamp> {
        Some(shift(self.uncorrected(), self.server.get()?))
    }
}

/// The server's clock by an answer's `Date`; not from an answer that lay in some cache.
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    if headers.contains_key("age") {
        return None;
    }
    Some(jiff::fmt::rfc2822::parse(headers.get("date")?.to_str().ok()?).ok()?.timestamp())
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

    fn headers(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_providers_time_comes_from_its_answers_and_changes_no_signature() {
        let clock = Clock::new(noon());
        assert_eq!(clock.server_time(), None);
        clock.learn(date(&headers(&[("date", "Sun, 22 Nov 2026 12:00:10 GMT")])).unwrap());
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.server_time(), Some("2026-11-22T12:00:15Z".parse().unwrap()));
        assert_eq!(clock.now(), "2026-11-22T12:00:05Z".parse().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_date_that_is_cached_absurd_or_unreadable_teaches_nothing() {
        assert_eq!(date(&headers(&[("date", "Sun, 22 Nov 2026 12:00:10 GMT"), ("age", "3")])), None);
        assert_eq!(date(&headers(&[("date", "soon")])), None);
        let clock = Clock::new(noon());
        clock.learn("2026-11-22T13:00:10Z".parse().unwrap());
        assert_eq!(clock.server_time(), None);
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
