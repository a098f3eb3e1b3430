//! Numbers, times and quotas → words, the same in every report.

use std::time::Duration;

use crate::model::{Operation, QuotaEntry, Resumed};

/// `1 address`, `1,000 addresses`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// `10,000`.
pub fn grouped(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What an earlier run left, and what to do where that is not wanted: nothing tells whether what it refreshed is stale again.
pub fn earlier_run(earlier: &Resumed) -> String {
    let Resumed { tasks, begun, journal } = earlier;
    let begun = begun.strftime("%Y-%m-%dT%H:%M:%SZ");
    let (tasks, journal) = (grouped(*tasks), journal.display());
    format!(
        "{tasks} done or followed from the run that began at {begun}; to send all again, delete its journal `{journal}`"
    )
}

/// `0.3 s`, `41 s`, `5 min 30 s`, `2 h 5 min`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0..10) => format!("{:.1} s", duration.as_secs_f64()),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{} h", grouped(hours)),
        (hours, minutes, _) => format!("{} h {minutes} min", grouped(hours)),
    }
}

/// `9,988 of 10,000 URL refreshes`.
pub fn quota_word(entry: &QuotaEntry) -> String {
    format!("{} of {} {}", grouped(entry.remaining), grouped(entry.limit), entry.operation.unit())
}

/// `no more URL refreshes are submitted`, `nothing more is submitted`.
pub fn stop_word(operation: Option<Operation>) -> String {
    match operation {
        Some(operation) => format!("no more {} are submitted", operation.unit()),
        None => "nothing more is submitted".into(),
    }
}

/// The first 12 digits of a commit's id.
pub fn short_commit(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// `refresh`, `refresh (directory)`, `prefetch`.
pub fn operation_word(operation: Operation) -> String {
    match operation {
        Operation::Refresh(crate::model::RefreshKind::Url) | Operation::Prefetch => operation.name().into(),
        Operation::Refresh(kind) => format!("refresh ({})", kind.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let numbers = [0_u64, 999, 1_000, 12_345, 1_234_567];
        assert_eq!(numbers.map(grouped), ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn times_are_told_as_exactly_as_they_matter() {
        let times = [(0, 300), (9, 960), (41, 999), (330, 0), (300, 0), (7_500, 0), (3_600, 0)];
        let words = times.map(|(seconds, millis)| duration(Duration::new(seconds, millis * 1_000_000)));
        assert_eq!(words, ["0.3 s", "10.0 s", "41 s", "5 min 30 s", "5 min", "2 h 5 min", "1 h"]);
    }
}
