//! A question for something measured → its points over the whole range, in order, each once.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::time_windows::{LEEWAY, signed};
use super::{QueryClient, TimeWindow, not_offered, refused};
use crate::error::{Error, ExitCode};
use crate::provider::{IntervalSpec, Measure, MeasureQuestion, Point};

/// The range that is asked for when nobody names one.
const USUAL: Duration = Duration::from_secs(24 * 3600);

/// What to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsQuery {
    /// What.
    pub measure: Measure,
    /// Of these domains; empty: of the whole account.
    pub domains: Vec<String>,
    /// From this on.
    pub since: Option<Timestamp>,
    /// Up to this.
    pub until: Option<Timestamp>,
    /// The width of a point, if it matters.
    pub interval: Option<Duration>,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// The width of a point.
    pub interval: Duration,
    /// What the points lie in: whole widths.
    pub range: TimeWindow,
    /// By domain, then in order of time.
    pub points: Vec<Point>,
}

/// Asks for all of it: in ranges and groups of domains as one call takes them.
///
/// # Errors
/// [`Error::Provider`]: a range or a width that the provider doesn't keep, or what it refuses.
pub async fn metrics(client: &QueryClient<'_>, wanted: &MetricsQuery) -> Result<Metrics, Error> {
    let spec = client.provider.spec();
    let Some(limits) = spec.asks.measure(wanted.measure) else { return Err(not_offered(spec, wanted.measure.name())) };
    let now = client.api.server_now();
    let name = format!("the {} of {}", wanted.measure.name(), spec.title);
    let kept = limits.intervals.iter().map(|interval| interval.kept).max().unwrap_or_default();
    let range = TimeWindow::asked((wanted.since, wanted.until), now, USUAL, kept, &name)?;
    let interval = choose(limits.intervals, range, now, wanted.interval, &name)?;
    let range = range.widened(interval.interval, interval.begins).kept_whole(now, interval.kept, interval.interval);
    let mut sums: BTreeMap<(Option<String>, Timestamp), f64> = BTreeMap::new();
    let groups: Vec<&[String]> = if wanted.domains.is_empty() {
        vec![&[]]
    } else {
        wanted.domains.chunks(limits.domains_per_call.max(1)).collect()
    };
    for domains in groups {
        // The vendor's days may begin elsewhere than is known of it, so that the first begins before the range.
        let first = range.since.saturating_sub(signed(interval.interval)).unwrap_or(range.since);
        let mut points: BTreeMap<(Option<String>, Timestamp), f64> = BTreeMap::new();
        for piece in range.cut(interval.span) {
            let question = MeasureQuestion {
                offer: limits,
                domains: domains.to_vec(),
                since: piece.since,
                // The last point may not be over yet.
                until: if now > piece.since { piece.until.min(now) } else { piece.until },
                interval: interval.interval,
            };
            let answer = client.ask(&limits.call, async || client.provider.measure(&question, client.api).await);
            let told = answer.await.map_err(refused)?.into_iter();
            for point in told.filter(|point| first < point.at && point.at < range.until) {
                // One domain that was asked for alone is what the sum is of.
                let domain = point.domain.or_else(|| (wanted.domains.len() == 1).then(|| domains[0].clone()));
                points.insert((domain, point.at), point.value);
            }
        }
        for (place, value) in points {
            *sums.entry(place).or_default() += value;
        }
    }
    let points = sums.into_iter().map(|((domain, at), value)| Point { at, domain, value }).collect();
    Ok(Metrics { interval: interval.interval, range, points })
}

/// The width of the points: as it is wished, else the narrowest that one call gives over the whole range.
fn choose<'s>(
    intervals: &'s [IntervalSpec],
    range: TimeWindow,
    now: Timestamp,
    wished: Option<Duration>,
    name: &str,
) -> Result<&'s IntervalSpec, Error> {
    // As much older as a range may be.
    let age = now.duration_since(range.since).saturating_sub(LEEWAY).unsigned_abs();
    let reaches = |interval: &&IntervalSpec| interval.kept >= age;
    let wrong = |message: String, help: String| Error::Provider { message, help, exit_code: ExitCode::Usage };
    let words = |of: &mut dyn Iterator<Item = &'s IntervalSpec>| {
        of.map(|interval| format!("`{}`", width(interval.interval))).collect::<Vec<_>>().join(", ")
    };
    if let Some(wished) = wished {
        let Some(interval) = intervals.iter().find(|interval| interval.interval == wished) else {
            let message = format!("{name} isn't told by `{}`", width(wished));
            return Err(wrong(message, format!("the widths of a point are {}", words(&mut intervals.iter()))));
        };
        return Some(interval).filter(reaches).ok_or_else(|| {
            let message =
                format!("{name} by `{}` is kept for {} h only", width(wished), interval.kept.as_secs() / 3600);
            let wider = words(&mut intervals.iter().filter(reaches));
            wrong(message, format!("begin later, or ask by {wider}"))
        });
    }
    let mut kept = intervals.iter().filter(reaches);
    let first = kept.clone().find(|interval| interval.span >= range.length());
    first
        .or_else(|| kept.next_back())
        .ok_or_else(|| wrong(format!("{name} doesn't reach back so far"), "begin later".into()))
}

/// `5m`, `1h`, `1d`.
pub fn width(interval: Duration) -> String {
    let seconds = interval.as_secs();
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let unit = units.into_iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
}
