//! Traffic and bandwidth over a time range: every point once, in order.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::client::{QueryClient, failed, not_offered, unusable};
use super::time_windows::{DEFAULT, LEEWAY, TimeWindow, signed};
use crate::error::Error;
use crate::provider::{IntervalSpec, Measure, MeasureQuestion, Point};

/// A query for one metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsQuery {
    /// The metric.
    pub measure: Measure,
    /// Of these domains; empty: of the whole account.
    pub domains: Vec<String>,
    /// The start.
    pub since: Option<Timestamp>,
    /// The end.
    pub until: Option<Timestamp>,
    /// The length of time of one point, if it matters.
    pub interval: Option<Duration>,
}

/// The points of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// The length of time of one point.
    pub interval: Duration,
    /// The range of all points, in whole intervals.
    pub window: TimeWindow,
    /// By domain, then by time.
    pub points: Vec<Point>,
}

/// Reads all points, in as many calls as their windows and groups of domains take.
///
/// # Errors
/// [`Error::Provider`]: a range or an interval that the provider doesn't keep, or a refusal of the provider.
pub async fn metrics(client: &QueryClient<'_>, query: &MetricsQuery) -> Result<Metrics, Error> {
    let spec = client.provider.spec();
    let Some(offer) = spec.queries.measure(query.measure) else { return Err(not_offered(spec, query.measure.name())) };
    let now = client.api.server_now();
    let name = format!("the {} of {}", query.measure.name(), spec.title);
    let kept = offer.intervals.iter().map(|interval| interval.kept).max().unwrap_or_default();
    let window = TimeWindow::requested((query.since, query.until), now, DEFAULT, kept, &name)?;
    let interval = choose(offer.intervals, window, now, query.interval, &name)?;
    let window =
        window.widened(interval.interval, interval.begins).without_expired(now, interval.kept, interval.interval);
    // The vendor's days may begin at another time than is known, so that the first begins before the window.
    let first = window.since.saturating_sub(signed(interval.interval)).unwrap_or(window.since);
    let mut sums: BTreeMap<(Option<String>, Timestamp), f64> = BTreeMap::new();
    let groups: Vec<&[String]> = match &query.domains[..] {
        [] => vec![&[]],
        domains => domains.chunks(offer.domains_per_call.max(1)).collect(),
    };
    for domains in groups {
        let mut points: BTreeMap<(Option<String>, Timestamp), f64> = BTreeMap::new();
        for part in window.split(interval.span) {
            let question = MeasureQuestion {
                offer,
                domains: domains.to_vec(),
                since: part.since,
                // The last point may not be over yet.
                until: if now > part.since { part.until.min(now) } else { part.until },
                interval: interval.interval,
            };
            let answer = client.call(&offer.call, async || client.provider.measure(&question, client.api).await).await;
            let in_window = |point: &Point| first < point.at && point.at < window.until;
            for point in answer.map_err(failed)?.into_iter().filter(in_window) {
                // The sum over a single domain is that domain's.
                let domain = point.domain.or_else(|| (query.domains.len() == 1).then(|| domains[0].clone()));
                points.insert((domain, point.at), point.value);
            }
        }
        for (place, value) in points {
            *sums.entry(place).or_default() += value;
        }
    }
    let points = sums.into_iter().map(|((domain, at), value)| Point { at, domain, value }).collect();
    Ok(Metrics { interval: interval.interval, window, points })
}

/// The interval that the user names, else the shortest that covers the window in one call.
fn choose<'s>(
    intervals: &'s [IntervalSpec],
    window: TimeWindow,
    now: Timestamp,
    wanted: Option<Duration>,
    name: &str,
) -> Result<&'s IntervalSpec, Error> {
    // A window may be as much older.
    let age = now.duration_since(window.since).saturating_sub(LEEWAY).unsigned_abs();
    let reaches = |interval: &&IntervalSpec| interval.kept >= age;
    let listed = |intervals: &mut dyn Iterator<Item = &'s IntervalSpec>| {
        intervals.map(|interval| format!("`{}`", interval_text(interval.interval))).collect::<Vec<_>>().join(", ")
    };
    if let Some(wanted) = wanted {
        let text = interval_text(wanted);
        let Some(interval) = intervals.iter().find(|interval| interval.interval == wanted) else {
            let help = format!("available intervals are {}", listed(&mut intervals.iter()));
            return Err(unusable(format!("{name} isn't available by the interval `{text}`"), help));
        };
        return Some(interval).filter(reaches).ok_or_else(|| {
            let title =
                format!("{name} by the interval `{text}` is kept for {} h only", interval.kept.as_secs() / 3600);
            unusable(
                title,
                format!("begin later, or set the interval to {}", listed(&mut intervals.iter().filter(reaches))),
            )
        });
    }
    let mut kept = intervals.iter().filter(reaches);
    let first = kept.clone().find(|interval| interval.span >= window.length());
    first
        .or_else(|| kept.next_back())
        .ok_or_else(|| unusable(format!("{name} doesn't reach back so far"), "begin later".into()))
}

/// An interval as text: `5m`, `1h`, `1d`.
pub fn interval_text(interval: Duration) -> String {
    let seconds = interval.as_secs();
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let unit = units.into_iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
}
