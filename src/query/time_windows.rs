//! A range of time → the ranges that one call takes each; and whether a provider still keeps what was asked for.
//!
//! Pure. A range holds its beginning and not its end, so that ranges which meet have no moment twice and miss none.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, ExitCode};

/// How much older than it is kept something may be asked for: what `--since 72h` means grows older while it is asked for.
pub(super) const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// From a moment on, up to another and without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWindow {
    /// Its first moment.
    pub since: Timestamp,
    /// The first moment behind it.
    pub until: Timestamp,
}

impl TimeWindow {
    /// The range that was asked for, by default the `usual` time up to now. What is older than `kept` can't be asked for,
    /// what lies ahead isn't there yet.
    ///
    /// # Errors
    /// [`Error::Provider`]: it ends before it begins, or begins before what the provider keeps of `what`.
    pub fn asked(
        (since, until): (Option<Timestamp>, Option<Timestamp>),
        now: Timestamp,
        usual: Duration,
        kept: Duration,
        what: &str,
    ) -> Result<Self, Error> {
        let until = until.unwrap_or(now).min(now);
        let oldest = before(now, kept);
        let since = since.unwrap_or_else(|| before(until, usual).max(oldest));
        let wrong = |message: String, help: String| Err(Error::Provider { message, help, exit_code: ExitCode::Usage });
        if since >= until {
            let message = format!("the range begins at {} and ends at {}", shown(since), shown(until));
            return wrong(message, "name a beginning before the end, and before now".into());
        }
        if since.saturating_add(LEEWAY).is_ok_and(|since| since < oldest) {
            return wrong(
                format!("{what} reach back to {} and no further, and {} was asked for", shown(oldest), shown(since)),
                format!("begin at most {} ago", days(kept)),
            );
        }
        Ok(Self { since: since.max(oldest).min(until), until })
    }

    /// The same range out to whole steps, as rows and points are told in such steps: `begins` after each multiple since the epoch.
    #[must_use]
    pub fn widened(self, step: Duration, begins: Duration) -> Self {
        let (step, begins) = (signed(step).as_secs().max(1), signed(begins).as_secs());
        let floor = |second: i64| (second - begins).div_euclid(step) * step + begins;
        let ceiling = |at: Timestamp| floor(at.as_second() + i64::from(at.subsec_nanosecond() > 0) + step - 1);
        let timestamp = |second: i64, otherwise| Timestamp::from_second(second).unwrap_or(otherwise);
        Self {
            since: timestamp(floor(self.since.as_second()), self.since),
            until: timestamp(ceiling(self.until), self.until),
        }
    }

    /// The same range without those steps at its beginning that aren't kept whole any more when the question arrives. One at least
    /// is left.
    #[must_use]
    pub fn kept_whole(self, now: Timestamp, kept: Duration, step: Duration) -> Self {
        let oldest = before(now, kept).saturating_add(LEEWAY).unwrap_or(self.since);
        let missing = oldest.duration_since(self.since);
        let missing = missing.as_secs() + i64::from(missing.subsec_nanos() > 0);
        let seconds = signed(step).as_secs().max(1);
        let steps =
            if oldest > self.since { missing.div_euclid(seconds) + i64::from(missing % seconds > 0) } else { 0 };
        let last = before(self.until, step);
        let since = self.since.saturating_add(SignedDuration::from_secs(steps.saturating_mul(seconds))).unwrap_or(last);
        Self { since: since.min(last).max(self.since), ..self }
    }

    /// The same range without the step at its end that isn't over yet. One at least is left.
    #[must_use]
    pub fn over(self, now: Timestamp, step: Duration) -> Self {
        let is_over = self.until <= now || self.length() <= step;
        Self { until: if is_over { self.until } else { before(self.until, step) }, ..self }
    }

    /// Cuts it into ranges no longer than `span`, the oldest first; each begins where the one before ends. A span of nothing
    /// is none.
    pub fn cut(self, span: Duration) -> Vec<Self> {
        let Ok(span) = SignedDuration::try_from(span) else { return vec![self] };
        let mut pieces = Vec::new();
        let mut since = self.since;
        while since < self.until {
            let end = since.saturating_add(span).unwrap_or(self.until);
            let until = if end > since { end.min(self.until) } else { self.until };
            pieces.push(Self { since, until });
            since = until;
        }
        pieces
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        self.until.duration_since(self.since).unsigned_abs()
    }
}

/// As a span that may be negative; the longest, if need be.
pub(super) fn signed(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
}

/// A moment earlier; the earliest that there is, if need be.
pub(super) fn before(moment: Timestamp, by: Duration) -> Timestamp {
    moment.saturating_sub(signed(by)).unwrap_or(Timestamp::MIN)
}

fn shown(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

/// `3d`, or `36h` where it is no whole number of days.
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
        let told = result.unwrap_err().diagnostics().remove(0);
        format!("{}: {}", told.title, told.help.unwrap())
    }

    #[test]
    fn a_range_that_nobody_names_is_the_usual_one_up_to_now() {
        let range = TimeWindow::asked((None, None), now(), DAY, DAY * 3, "records").unwrap();
        assert_eq!((range.length(), range.until), (DAY, now()));
        assert_eq!(TimeWindow::asked((None, None), now(), DAY * 9, DAY * 3, "records").unwrap().length(), DAY * 3);
        let ahead = Some(now() + SignedDuration::from_hours(9));
        assert_eq!(TimeWindow::asked((None, ahead), now(), DAY, DAY * 3, "records").unwrap().until, now());
    }

    #[test]
    fn what_is_not_kept_is_told_with_how_far_back_it_goes() {
        let since = Some(now() - SignedDuration::from_hours(24 * 5));
        assert_eq!(
            problem(TimeWindow::asked((since, None), now(), DAY, DAY * 3, "the records of Bare CDN")),
            "the records of Bare CDN reach back to 2026-11-22T12:00:00Z and no further, and 2026-11-20T12:00:00Z was asked for: \
             begin at most 3d ago"
        );
        // What was the edge when it was typed is still asked for.
        let since = Some(now() - SignedDuration::from_hours(72) - SignedDuration::from_secs(5));
        assert_eq!(TimeWindow::asked((since, None), now(), DAY, DAY * 3, "records").unwrap().length(), DAY * 3);
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_told() {
        let hours = |hours| Some(now() - SignedDuration::from_hours(hours));
        assert!(
            problem(TimeWindow::asked((hours(1), hours(2)), now(), DAY, DAY, "x"))
                .starts_with("the range begins at 2026-11-25T11:00:00Z and ends at 2026-11-25T10:00:00Z")
        );
        assert!(TimeWindow::asked((hours(-1), None), now(), DAY, DAY, "x").is_err());
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
    fn what_is_not_kept_whole_when_the_question_arrives_is_left_out() {
        let range = |since: i64| TimeWindow { since: at(since), until: at(1_000_000) };
        let kept_whole = |since: i64, step: u64| {
            range(since)
                .kept_whole(at(1_000_000), Duration::from_secs(100_000), Duration::from_secs(step))
                .since
                .as_second()
        };
        assert_eq!(kept_whole(900_060, 3_600), 900_060);
        assert_eq!(kept_whole(900_000, 3_600), 903_600);
        assert_eq!(kept_whole(899_999, 1), 900_060);
        // One at least is left.
        assert_eq!(kept_whole(0, 300_000), 700_000);
        assert_eq!(kept_whole(0, 3_000_000), 0);
    }

    #[test]
    fn a_step_that_is_not_over_is_left_out_unless_there_is_no_other() {
        let over = |since: i64, now: i64| {
            TimeWindow { since: at(since), until: at(7_200) }
                .over(at(now), Duration::from_secs(3_600))
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
            let pieces = range.cut(Duration::from_secs(span));
            prop_assert_eq!(pieces[0].since, range.since);
            prop_assert_eq!(pieces.last().unwrap().until, range.until);
            prop_assert!(pieces.windows(2).all(|pair| pair[0].until == pair[1].since));
            prop_assert!(pieces.iter().all(|piece| piece.since < piece.until));
            prop_assert!(span == 0 || pieces.iter().all(|piece| piece.length() <= Duration::from_secs(span)));
        }
    }
}
