//! Numbers and durations as people read them.

use std::time::Duration;

/// `1 URL`, `1,000 URLs`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let numbers = [0_u64, 999, 1_000, 12_345, 1_234_567];
        assert_eq!(numbers.map(grouped), ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn durations_are_as_precise_as_they_matter() {
        let times = [(0, 300), (9, 960), (41, 999), (330, 0), (300, 0), (7_500, 0), (3_600, 0)];
        let words = times.map(|(seconds, millis)| duration(Duration::new(seconds, millis * 1_000_000)));
        assert_eq!(words, ["0.3 s", "10.0 s", "41 s", "5 min 30 s", "5 min", "2 h 5 min", "1 h"]);
    }
}
