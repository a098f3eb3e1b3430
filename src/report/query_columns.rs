//! The columns of each query, and the rows that a provider's response becomes.

use jiff::Timestamp;

use crate::model::QuotaEntry;
use crate::provider::{Domain, LogFile, Measure, Point, Record, TaskState};
use crate::report::phrases::operation_word;
use crate::report::table::Value;

/// The columns of records.
pub const RECORDS: &[&str] =
    &["target", "created", "operation", "kind", "status", "percent", "url", "task_id", "provider_status", "reason"];
/// The columns of a quota.
pub const QUOTA: &[&str] = &["target", "operation", "limit", "left", "used", "reset"];
/// The columns of traffic.
pub const TRAFFIC: &[&str] = &["target", "domain", "at", "bytes"];
/// The columns of bandwidth.
pub const BANDWIDTH: &[&str] = &["target", "domain", "at", "bits_per_second"];
/// The columns of log files.
pub const LOGS: &[&str] = &["target", "domain", "name", "bytes", "since", "until"];
/// The same with the signed URLs.
pub const LOGS_WITH_LINKS: &[&str] = &["target", "domain", "name", "bytes", "since", "until", "url"];
/// The columns of domains.
pub const DOMAINS: &[&str] = &["target", "name", "status", "service", "cname"];

/// A record as a row of [`RECORDS`].
pub fn record(target: &str, record: Record) -> Vec<Value> {
    let (status, reason) = match record.state {
        TaskState::Running => ("running", String::new()),
        TaskState::Complete => ("complete", String::new()),
        TaskState::Failed(why) => ("failed", why),
    };
    vec![
        Value::text(target),
        record.created.map_or(Value::Nothing, Value::Time),
        Value::text(if record.prefetch { "prefetch" } else { "refresh" }),
        Value::text(record.kind),
        Value::text(status),
        record.percent.map_or(Value::Nothing, Value::Percent),
        Value::text(record.url),
        Value::text(record.task_id),
        Value::text(record.status),
        Value::text(reason),
    ]
}

/// An operation's allowance as a row of [`QUOTA`].
pub fn quota(target: &str, entry: &QuotaEntry, reset: &str) -> Vec<Value> {
    vec![
        Value::text(target),
        Value::Text(operation_word(entry.operation)),
        Value::Count(entry.limit),
        Value::Count(entry.remaining),
        Value::Count(entry.limit.saturating_sub(entry.remaining)),
        Value::text(reset),
    ]
}

/// The columns of something measured.
pub fn measured(measure: Measure) -> &'static [&'static str] {
    match measure {
        Measure::Traffic => TRAFFIC,
        Measure::Bandwidth => BANDWIDTH,
    }
}

/// A point as a row of [`measured`].
pub fn point(target: &str, measure: Measure, point: &Point) -> Vec<Value> {
    let value = match measure {
        Measure::Traffic => Value::Bytes(point.value),
        Measure::Bandwidth => Value::BitRate(point.value),
    };
    vec![Value::text(target), Value::text(point.domain.clone().unwrap_or_default()), Value::Time(point.at), value]
}

/// A log file as a row of [`LOGS`], or with its signed URL as one of [`LOGS_WITH_LINKS`].
pub fn log(target: &str, file: &LogFile, with_link: bool) -> Vec<Value> {
    let time = |time: Option<Timestamp>| time.map_or(Value::Nothing, Value::Time);
    let mut row = vec![
        Value::text(target),
        Value::text(&*file.domain),
        Value::text(&*file.name),
        Value::Bytes(file.bytes as f64),
        time(file.since),
        time(file.until),
    ];
    row.extend(with_link.then(|| Value::text(secrecy::ExposeSecret::expose_secret(&file.url))));
    row
}

/// A domain as a row of [`DOMAINS`].
pub fn domain(target: &str, domain: Domain) -> Vec<Value> {
    let cname = domain.cname.unwrap_or_default();
    vec![
        Value::text(target),
        Value::text(domain.name),
        Value::text(domain.status),
        Value::text(domain.service),
        Value::text(cname),
    ]
}

/// The sum and the peak of points, or their peak and mean, in a line.
pub fn total(measure: Measure, points: &[(Timestamp, f64)]) -> String {
    use crate::report::table::scaled;
    let Some((at, peak)) = points.iter().copied().max_by(|one, other| one.1.total_cmp(&other.1)) else {
        return "no data".into();
    };
    let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
    let sum: f64 = points.iter().map(|(_, value)| value).sum();
    match measure {
        Measure::Traffic => format!("{} in all; at most {} from {at}", scaled(sum, "B"), scaled(peak, "B")),
        Measure::Bandwidth => {
            let mean = sum / points.len() as f64;
            format!("{} at most, from {at}; {} on average", scaled(peak, "bit/s"), scaled(mean, "bit/s"))
        }
    }
}
