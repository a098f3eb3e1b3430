//! Time ranges: what a query names, widened to the provider's steps and split into windows of one call each.
//!
//! Pure. A window includes its start and excludes its end, so that windows which meet share no instant and miss none.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::client::unusable;
use crate::error::Error;

/// The range of logs and metrics if the user names none.
pub(super) const DEFAULT: Duration = Duration::from_secs(24 * 3600);

/// How much older than its retention something may be requested: the start of `--since 72h` ages until it is sent.
pub(super) const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// A range of time, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWindow {
    /// Its start, which is part of it.
    pub since: Timestamp,
    /// Its end, which is not part of it.
    pub until: Timestamp,
}

impl TimeWindow {
    /// The range that the user names: up to now if there is no end, and as long as `default` if there is no start. Nothing
    /// older than `kept` can be requested, and nothing in the future exists.
    ///
    /// # Errors
    /// [`Error::Provider`]: the range ends before it begins, or begins before the provider's retention of `what`.
    pub fn requested(
        (since, until): (Option<Timestamp>, Option<Timestamp>),
        now: Timestamp,
        default: Duration,
        kept: Duration,
        what: &str,
    ) -> Result<Self, Error> {
        let until = until.unwrap_or(now).min(now);
        let oldest = before(now, kept);
        let since = since.unwrap_or_else(|| before(until, default).max(oldest));
        if since >= until {
            let title = format!("the range begins at {} and ends at {}", shown(since), shown(until));
            return Err(unusable(title, "name a start before the end, and before now".into()));
        }
        if since.saturating_add(LEEWAY).is_ok_and(|since| since < oldest) {
            let title = format!("{what} reach back to {}, not to {}", shown(oldest), shown(since));
            return Err(unusable(title, format!("begin at most {} ago", days(kept))));
        }
        Ok(Self { since: since.max(oldest).min(until), until })
    }

    /// The range widened to whole steps, which begin `offset` after each multiple of `step` since the epoch.
    #[must_use]
    pub fn widened(self, step: Duration, offset: Duration) -> Self {
        let (step, offset) = (seconds(step).max(1), seconds(offset));
        let floor = |second: i64| (second - offset).div_euclid(step) * step + offset;
        let at = |second, otherwise| Timestamp::from_second(second).unwrap_or(otherwise);
        Self {
            since: at(floor(self.since.as_second()), self.since),
            until: at(floor(ceiling(self.until) + step - 1), self.until),
        }
    }

    /// The range without the steps at its start that the provider may have deleted in part before the call arrives. At least
    /// one step is left.
    #[must_use]
    pub fn without_expired(self, now: Timestamp, kept: Duration, step: Duration) -> Self {
        let oldest = before(now, kept).saturating_add(LEEWAY).unwrap_or(self.since);
        let seconds = seconds(step).max(1);
        let missing = oldest.duration_since(self.since);
        let missing = (missing.as_secs() + i64::from(missing.subsec_nanos() > 0)).max(0);
        let steps = missing.div_euclid(seconds) + i64::from(missing % seconds > 0);
        let last = before(self.until, step);
        let since = self.since.saturating_add(SignedDuration::from_secs(steps.saturating_mul(seconds))).unwrap_or(last);
        Self { since: since.min(last).max(self.since), ..self }
    }

    /// The range without the step at its end that isn't over yet. At least one step is left.
    #[must_use]
    pub fn without_unfinished(self, now: Timestamp, step: Duration) -> Self {
        let is_over = self.until <= now || self.length() <= step;
        Self { until: if is_over { self.until } else { before(self.until, step) }, ..self }
    }

    /// Splits the range into windows no longer than `span`, the oldest first; each begins where the one before ends. A span
    /// of zero is no limit.
    pub fn split(self, span: Duration) -> Vec<Self> {
        let mut windows = Vec::new();
        let mut since = self.since;
        while since < self.until {
            let end = since.saturating_add(signed(span)).unwrap_or(self.until);
            let until = if end > since { end.min(self.until) } else { self.until };
            windows.push(Self { since, until });
            since = until;
        }
        windows
    }

    /// Its length.
    pub fn length(&self) -> Duration {
        self.until.duration_since(self.since).unsigned_abs()
    }
}

/// A duration that may be subtracted; the longest, if need be.
pub(super) fn signed(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
}

fn seconds(span: Duration) -> i64 {
    signed(span).as_secs()
}

/// The second of a point in time, or the next if it has a fraction.
fn ceiling(moment: Timestamp) -> i64 {
    moment.as_second() + i64::from(moment.subsec_nanosecond() > 0)
}

/// An earlier point in time; the earliest that exists, if need be.
pub(super) fn before(moment: Timestamp, by: Duration) -> Timestamp {
    moment.saturating_sub(signed(by)).unwrap_or(Timestamp::MIN)
}

fn shown(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

/// `3d`, or `36h` if it is no whole number of days.
fn days(span: Duration) -> String {
    let hours = span.as_secs() / 3600;
    if hours.is_multiple_of(24) { format!("{}d", hours / 24) } else { format!("{hours}h") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    fn problem(result: Result<TimeWindow, Error>) -> String {
        let error = result.unwrap_err().diagnostics().remove(0);
        format!("{}: {}", error.title, error.help.unwrap())
    }

    #[test]
    fn a_range_without_start_and_end_is_the_default_up_to_now() {
        let range = TimeWindow::requested((None, None), now(), DAY, DAY * 3, "records").unwrap();
        assert_eq!((range.length(), range.until), (DAY, now()));
        assert_eq!(TimeWindow::requested((None, None), now(), DAY * 9, DAY * 3, "records").unwrap().length(), DAY * 3);
        let ahead = Some(now() + SignedDuration::from_hours(9));
        assert_eq!(TimeWindow::requested((None, ahead), now(), DAY, DAY * 3, "records").unwrap().until, now());
    }

    #[test]
    fn a_range_beyond_the_retention_is_refused_with_the_oldest_start() {
        let since = Some(now() - SignedDuration::from_hours(24 * 5));
        assert_eq!(
            problem(TimeWindow::requested((since, None), now(), DAY, DAY * 3, "the records of Bare CDN")),
            "the records of Bare CDN reach back to 2026-11-22T12:00:00Z, not to 2026-11-20T12:00:00Z: begin at most 3d ago"
        );
        // A start that was kept when it was typed is still requested.
        let since = Some(now() - SignedDuration::from_hours(72) - SignedDuration::from_secs(5));
        assert_eq!(TimeWindow::requested((since, None), now(), DAY, DAY * 3, "records").unwrap().length(), DAY * 3);
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_refused() {
        let hours = |hours| Some(now() - SignedDuration::from_hours(hours));
        assert!(
            problem(TimeWindow::requested((hours(1), hours(2)), now(), DAY, DAY, "x"))
                .starts_with("the range begins at 2026-11-25T11:00:00Z and ends at 2026-11-25T10:00:00Z")
        );
        assert!(TimeWindow::requested((hours(-1), None), now(), DAY, DAY, "x").is_err());
    }

    #[test]
    fn a_range_is_widened_to_whole_steps() {
        let range = TimeWindow { since: at(299), until: at(601) }.widened(Duration::from_secs(300), Duration::ZERO);
        assert_eq!(range, TimeWindow { since: at(0), until: at(900) });
        assert_eq!(range.widened(Duration::from_secs(300), Duration::ZERO), range);
        let fraction = TimeWindow { since: at(-1), until: "1970-01-01T00:00:00.5Z".parse().unwrap() };
        let days = TimeWindow { since: at(-1), until: at(57_601) }.widened(DAY, DAY * 2 / 3);
        assert_eq!(days, TimeWindow { since: at(-28_800), until: at(57_600 + 86_400) });
        assert_eq!(days.widened(DAY, DAY * 2 / 3), days);
        assert_eq!(
            fraction.widened(Duration::from_secs(1), Duration::ZERO),
            TimeWindow { since: at(-1), until: at(1) }
        );
    }

    #[test]
    fn a_step_that_expires_before_the_call_arrives_is_left_out() {
        let range = |since: i64| TimeWindow { since: at(since), until: at(1_000_000) };
        let kept_whole = |since: i64, step: u64| {
            range(since)
                .without_expired(at(1_000_000), Duration::from_secs(100_000), Duration::from_secs(step))
                .since
                .as_second()
        };
        assert_eq!(kept_whole(900_060, 3_600), 900_060);
        assert_eq!(kept_whole(900_000, 3_600), 903_600);
        assert_eq!(kept_whole(899_999, 1), 900_060);
        // At least one is left.
        assert_eq!(kept_whole(0, 300_000), 700_000);
        assert_eq!(kept_whole(0, 3_000_000), 0);
    }

    #[test]
    fn a_step_that_is_not_over_is_left_out_unless_there_is_no_other() {
        let over = |since: i64, now: i64| {
            TimeWindow { since: at(since), until: at(7_200) }
                .without_unfinished(at(now), Duration::from_secs(3_600))
                .until
                .as_second()
        };
        assert_eq!([over(0, 7_199), over(0, 7_200), over(3_600, 7_199)], [3_600, 7_200, 7_200]);
    }

    proptest! {
        #[test]
        fn the_pieces_of_a_range_meet_and_together_are_the_range(
            since in -1_000_000_i64..1_000_000, length in 1_i64..500_000, span in 0_u64..100_000
        ) {
            prop_assume!(span == 0 || length / (span as i64) < 5_000);
            let range = TimeWindow { since: at(since), until: at(since + length) };
            let pieces = range.split(Duration::from_secs(span));
            prop_assert_eq!(pieces[0].since, range.since);
            prop_assert_eq!(pieces.last().unwrap().until, range.until);
            prop_assert!(pieces.windows(2).all(|pair| pair[0].until == pair[1].since));
            prop_assert!(pieces.iter().all(|piece| piece.since < piece.until));
            prop_assert!(span == 0 || pieces.iter().all(|piece| piece.length() <= Duration::from_secs(span)));
        }
    }
}
