//! Options of `mock-server`: how the emulators and their server behave.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches};
use emulators::edge::EdgeFault;
use emulators::faults::Faults;
use emulators::{EmulatorSettings, Rows};
use jiff::SignedDuration;
use url::Url;

use super::network::endpoint;
use crate::error::{Diagnostic, Error};

/// How the emulators and their server behave.
#[derive(Clone, Debug)]
pub struct MockServerOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// There and back together.
    pub latency: Duration,
    /// How every vendor behaves; the credentials are filled in for each.
    pub vendor: EmulatorSettings,
    /// What goes wrong.
    pub faults: Faults,
    /// File for a line of JSON per accepted URL.
    pub ledger: Option<PathBuf>,
    /// Caches that are purged of what is complete.
    pub edges: Vec<Url>,
    /// What goes wrong with their purges.
    pub edge_faults: Vec<EdgeFault>,
}

/// A friendly vendor on a free port.
impl Default for MockServerOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            latency: Duration::ZERO,
            vendor: EmulatorSettings::default(),
            faults: Faults::none(),
            ledger: None,
            edges: Vec::new(),
            edge_faults: Vec::new(),
        }
    }
}

/// What the command takes, as clap knows it.
pub(super) fn options() -> impl IntoIterator<Item = Arg> {
    let one = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let many = |name, value, help| one(name, value, help).action(ArgAction::Append);
    [
        one("listen", "ADDRESS", "Address and port to listen on [default: 127.0.0.1:8700]"),
        one("latency", "TIME", "Delay every response, as 50ms [default: 0ms]"),
        one("task-seconds", "SECONDS", "How long a task takes [default: 5]"),
        one("listing-lag", "TIME", "How long until a task shows up in the task list, as 2s [default: 0s]"),
        one("calls-per-second", "N", "Replaces every provider's own rate limit"),
        one("quota", "N", "Replaces every provider's own daily quota"),
        many("fail", "TEXT", "Fail tasks whose URL contains this"),
        many("refuse", "TEXT", "Refuse calls with a URL that contains this"),
        many("hang", "TEXT", "Never finish tasks whose URL contains this"),
        many("forbid", "API", "Deny the access key a call, by the vendor's name of it"),
        one("token-seconds", "SECONDS", "When temporary credentials expire [default: 3600]"),
        one("rows", "url|task", "Rows of the task list: one per URL or one per task [default: url]"),
        one("clock-offset", "SECONDS", "The emulators' clock minus the real one [default: 0]")
            .allow_hyphen_values(true),
        many(
            "fault",
            "CALL=KIND",
            "A fault on request, as RefreshObjectCaches#2=KIND; a wrong kind lists the right ones",
        ),
        one("seed", "N", "Seed of the chance in faults [default: 0]"),
        one("ledger", "PATH", "File for a line of JSON per accepted URL"),
        many(
            "edge",
            "URL",
            "A cache, as http://127.0.0.1:8080, that gets a PURGE when a task is complete; repeatable, the last one is the shield",
        ),
        many(
            "edge-fault",
            "KIND[:TEXT]",
            "How purges of the caches go wrong: not-purged, one-forgotten, too-early, variant-left, soft or shield-late; \
             for all URLs, or for those that contain TEXT",
        ),
    ]
}

/// Reads the flags.
///
/// # Errors
/// Every value that can't be read, at once.
pub(super) fn read(matches: &mut ArgMatches) -> Result<MockServerOptions, Error> {
    let mut reader = Reader { matches, problems: Vec::new() };
    let friendly = MockServerOptions::default();
    let options = MockServerOptions {
        listen: reader
            .one("listen", "an address and a port, as `127.0.0.1:8700`", |text| text.parse().ok())
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8700))),
        latency: reader.one("latency", TIME, time).unwrap_or(friendly.latency),
        vendor: vendor(&mut reader),
        faults: reader.faults(),
        ledger: reader.one("ledger", "a path", |text| Some(PathBuf::from(text))),
        edges: reader.edges(),
        edge_faults: reader.edge_faults(),
    };
    if reader.problems.is_empty() { Ok(options) } else { Err(Error::Inputs(reader.problems)) }
}

/// How every vendor behaves: friendly, but for what a flag says.
fn vendor(reader: &mut Reader<'_>) -> EmulatorSettings {
    let friendly = EmulatorSettings::default();
    EmulatorSettings {
        task_duration: reader.one("task-seconds", "seconds, as `5` or `0.5`", seconds).or(friendly.task_duration),
        listing_lag: reader.one("listing-lag", TIME, time).unwrap_or(friendly.listing_lag),
        calls_per_second: reader.one("calls-per-second", "a number above 0", |text| {
            f64::from_str(text).ok().filter(|rate| rate.is_finite() && *rate > 0.0)
        }),
        quota: reader.one("quota", "a whole number", |text| text.parse().ok()),
        fail: reader.many("fail"),
        refuse: reader.many("refuse"),
        hang: reader.many("hang"),
        forbid: reader.many("forbid"),
        session_duration: reader
            .one("token-seconds", "seconds, as `900` or `2.5`", seconds)
            .unwrap_or(friendly.session_duration),
        rows: reader.one("rows", "`url` or `task`", rows).unwrap_or(friendly.rows),
        clock_offset_seconds: reader
            .one("clock-offset", "seconds, as `-1200`", |text| {
                i64::from_str(text).ok().filter(|seconds| seconds.unsigned_abs() <= LONGEST.as_secs())
            })
            .unwrap_or(friendly.clock_offset_seconds),
        ..friendly
    }
}

const TIME: &str = "a time, as `50ms`, `2s` or `1m`";

/// A year: further the clock's own range would be in sight.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok().filter(|time| *time <= LONGEST)
}

fn rows(text: &str) -> Option<Rows> {
    match text {
        "url" => Some(Rows::PerUrl),
        "task" => Some(Rows::PerTask),
        _ => None,
    }
}

fn time(text: &str) -> Option<Duration> {
    let time: SignedDuration = text.parse().ok()?;
    Duration::try_from(time).ok().filter(|time| *time <= LONGEST)
}

struct Reader<'a> {
    matches: &'a mut ArgMatches,
    problems: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn one<T>(&mut self, name: &str, valid: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text: String = self.matches.remove_one(name)?;
        let value = read(text.trim());
        if value.is_none() {
            self.problems.push(Diagnostic::new(format!("`--{name}` is `{text}`"), format!("give {valid}")));
        }
        value
    }

    fn faults(&mut self) -> Faults {
        let seed = self.one("seed", "a whole number", |text| text.parse().ok()).unwrap_or(0);
        Faults::parse(&self.many("fault"), seed).unwrap_or_else(|errors| {
            self.problems.extend(errors.into_iter().map(|error| Diagnostic::new(error.message, error.help)));
            Faults::none()
        })
    }

    fn edges(&mut self) -> Vec<Url> {
        let mut edges = Vec::new();
        for text in self.many("edge") {
            match endpoint(&text) {
                Ok(edge) => edges.push(edge),
                Err(help) => {
                    self.problems.push(Diagnostic::new("`--edge` holds a URL that can't be a cache's", help));
                }
            }
        }
        edges
    }

    fn edge_faults(&mut self) -> Vec<EdgeFault> {
        let mut faults = Vec::new();
        for text in self.many("edge-fault") {
            match EdgeFault::parse(&text) {
                Ok(fault) => faults.push(fault),
                Err(error) => self.problems.push(Diagnostic::new(error.message, error.help)),
            }
        }
        faults
    }

    fn many(&mut self, name: &str) -> Vec<String> {
        self.matches.remove_many(name).into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<MockServerOptions, Error> {
        let arguments = std::iter::once("mock-server").chain(line.split_whitespace());
        read(&mut clap::Command::new("mock-server").args(options()).try_get_matches_from(arguments).unwrap())
    }

    #[test]
    fn without_flags_a_friendly_vendor_is_served_on_loopback() {
        let options = parse("").unwrap();
        assert!(options.listen.ip().is_loopback());
        assert_eq!(options.latency, Duration::ZERO);
        assert_eq!(options.vendor.task_duration, EmulatorSettings::default().task_duration);
    }

    #[test]
    fn every_flag_shapes_the_emulators() {
        let options = parse(
            "--listen 127.0.0.1:0 --latency 50ms --task-seconds 0.5 --listing-lag 2s --calls-per-second 50 --quota 7 \
             --fail a --fail b --refuse c --hang d --forbid PushObjectCache --token-seconds 7 --rows task --clock-offset -1200 \
             --fault *%0.5=500-after --seed 9 --ledger l.jsonl --edge http://127.0.0.1:8080 --edge http://[::1]:81 \
             --edge-fault soft --edge-fault not-purged:/a",
        )
        .unwrap();
        assert_eq!(options.listen.port(), 0);
        assert_eq!(
            (options.latency, options.vendor.task_duration),
            (Duration::from_millis(50), Some(Duration::from_millis(500)))
        );
        assert_eq!(options.vendor.listing_lag, Duration::from_secs(2));
        assert_eq!((options.vendor.calls_per_second, options.vendor.quota), (Some(50.0), Some(7)));
        assert_eq!(
            (options.vendor.fail, options.vendor.refuse),
            (vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()])
        );
        assert_eq!(
            (options.vendor.hang, options.vendor.forbid),
            (vec!["d".to_owned()], vec!["PushObjectCache".to_owned()])
        );
        assert_eq!(options.vendor.session_duration, Duration::from_secs(7));
        assert_eq!((options.vendor.rows, options.vendor.clock_offset_seconds), (Rows::PerTask, -1200));
        let mut expected = Faults::parse(&["*%0.5=500-after"], 9).unwrap();
        let (mut faults, calls) = (options.faults, ["a"; 50]);
        assert_eq!(calls.map(|call| faults.next(call)), calls.map(|call| expected.next(call)));
        assert_eq!(options.ledger, Some(PathBuf::from("l.jsonl")));
        let edges: Vec<_> = options.edges.iter().map(Url::as_str).collect();
        assert_eq!(edges, ["http://127.0.0.1:8080/", "http://[::1]:81/"]);
        assert_eq!(options.edge_faults, ["soft", "not-purged:/a"].map(|fault| EdgeFault::parse(fault).unwrap()));
    }

    #[test]
    fn all_values_that_cannot_be_read_are_told_at_once() {
        let error = parse(
            "--listen here --latency 5 --task-seconds=-1 --calls-per-second 0 --rows x --quota many --fault x --edge \
             http://cache.example --edge-fault x",
        )
        .unwrap_err();
        assert_eq!(error.diagnostics().len(), 9);
        assert_eq!(error.diagnostics()[1].title, "`--latency` is `5`");
    }
}
