//! Parses times and time spans: `2026-11-20T10:00:00Z`, `2026-11-20`, `3h`, `7d`, `now`.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::parse_value::{ValueProblem, quoted};
use crate::text::duration;

/// A point in time: RFC 3339; a date, or a time without an offset, in UTC; a span before now; `now`.
pub(super) fn moment(text: &str, now: Timestamp) -> Result<Timestamp, ValueProblem> {
    if text == "now" {
        return Ok(now);
    }
    if let Some(span) = duration::parse(text).filter(|_| !duration::is_number(text)) {
        let ago = SignedDuration::try_from(span).ok().and_then(|span| now.checked_sub(span).ok());
        return ago.ok_or_else(|| problem(text));
    }
    let civil = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    // A plain number would be read as a date in some short forms.
    let is_written_out = text.contains('-');
    text.parse().ok().or_else(civil).filter(|_| is_written_out).ok_or_else(|| problem(text))
}

fn problem(text: &str) -> ValueProblem {
    ValueProblem {
        message: format!("is {}", quoted(text)),
        help: "write a time as `2026-11-20T10:00:00Z` or `2026-11-20` (UTC), or how long ago as `3h` or `7d`".into(),
    }
}

/// A span: `5m`, `1h`, `1d`, `1d12h`.
pub(super) fn span(text: &str) -> Result<Duration, ValueProblem> {
    duration::parse(text).filter(|span| !span.is_zero() && !duration::is_number(text)).ok_or_else(|| ValueProblem {
        message: format!("is {}", quoted(text)),
        help: "write a time span as `5m`, `1h` or `1d`".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_moment_is_read_in_every_way_in_which_people_write_it() {
        for (text, expected) in [
            ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
            ("2026-11-20T10:00:00+08:00", "2026-11-20T02:00:00Z"),
            ("2026-11-20 10:00:00.5Z", "2026-11-20T10:00:00.5Z"),
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("2026-11-20T10:00", "2026-11-20T10:00:00Z"),
            ("3h", "2026-11-25T09:00:00Z"),
            ("7d", "2026-11-18T12:00:00Z"),
            ("1d12h", "2026-11-24T00:00:00Z"),
            ("now", "2026-11-25T12:00:00Z"),
        ] {
            assert_eq!(moment(text, now()).unwrap(), expected.parse().unwrap(), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_said_so() {
        for text in
            ["", "yesterday", "20261120", "2026-13-01", "3", "-3h", "3h2d", "99999999999999999999d", "9999999999d"]
        {
            assert!(moment(text, now()).unwrap_err().help.contains("2026-11-20"), "{text}");
        }
    }

    #[test]
    fn a_span_has_units() {
        assert_eq!(span("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(span("1d"), Ok(Duration::from_secs(86_400)));
        for text in ["", "5", "0m", "m", "1mo"] {
            assert!(span(text).is_err(), "{text}");
        }
    }
}
