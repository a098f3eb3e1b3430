//! Durations as people write them: `90s`, `15m`, `1h30m`, `7d`.

use std::time::Duration;

use jiff::SpanRelativeTo;
use jiff::fmt::friendly::SpanParser;

/// Parses a duration; a day has 24 hours, and a plain number counts seconds. `None` if it isn't one, or is negative.
pub fn parse(text: &str) -> Option<Duration> {
    if is_number(text) {
        return text.parse().ok().map(Duration::from_secs);
    }
    let span = SpanParser::new().parse_span(text).ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?.try_into().ok()
}

/// Whether a text is a number without a unit.
pub fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parsed_as_people_write_them() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("15min", 900),
            ("2h", 7200),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("1.5h", 5400),
            ("1h5s", 3605),
            ("1d12h", 129_600),
            ("45", 45),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_durations() {
        for text in ["", "m", "-5s", "5s1h", "5m5m", "99999999999999999999h", "9999999999d", "٣s", "1mo", "5s ago"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
