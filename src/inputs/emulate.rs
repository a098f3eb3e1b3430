//! The flags of `emulate` become the emulators' settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches};

use super::given::unplaced;
use crate::error::{Diagnostic, Error};
use crate::provider::emulation::{EmulatorSettings, Rows};

/// What `emulate` was asked for.
#[derive(Clone, Debug)]
pub struct EmulateArguments {
    /// Where to serve; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How long every answer is held back.
    pub latency: Duration,
    /// How the emulators behave; the keys are still the demonstration keys.
    pub settings: EmulatorSettings,
    /// Faults on request, as they were typed.
    pub faults: Vec<String>,
    /// Where the ledger is written at the end.
    pub ledger: Option<PathBuf>,
}

/// The command as clap knows it.
pub(super) fn command() -> clap::Command {
    let one = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let many = |name, value, help| one(name, value, help).action(ArgAction::Append);
    clap::Command::new("emulate").about("Serves the built-in emulators of all providers over HTTP").args([
        one("listen", "ADDRESS", "Where to serve [default: 127.0.0.1:8700]"),
        one("latency", "TIME", "Hold every answer back for so long, as 50ms [default: 0ms]"),
        one("task-seconds", "SECONDS", "How long a task takes [default: 5]"),
        one("listing-lag", "TIME", "How long until a task shows up in the records, as 2s [default: 0s]"),
        one("calls-per-second", "N", "Replaces every provider's own rate"),
        one("quota", "N", "Replaces every provider's own daily quota"),
        many("fail", "TEXT", "Tasks whose address contains this fail"),
        many("refuse", "TEXT", "Batches with an address that contains this are refused"),
        many("hang", "TEXT", "Tasks whose address contains this never end"),
        many("forbid", "API", "A call that the key may not make, by the vendor's name"),
        one("rows", "url|task", "Whether the records hold a row per address or per task [default: url]"),
        one("clock-offset", "SECONDS", "The emulators' clock minus the real one [default: 0]")
            .allow_hyphen_values(true),
        many("fault", "SPEC", "A fault on request"),
        one("ledger", "PATH", "Where to write what was accepted"),
    ])
}

/// Reads the flags.
///
/// # Errors
/// Every value that can't be read, at once.
pub(super) fn read(matches: &mut ArgMatches) -> Result<EmulateArguments, Error> {
    let mut reader = Reader { matches, problems: Vec::new() };
    let listen = reader.one("listen", "an address and a port, as `127.0.0.1:8700`", |text| text.parse().ok());
    let latency = reader.one("latency", TIME, time);
    let ledger = reader.one("ledger", "a path", |text| Some(PathBuf::from(text)));
    let friendly = EmulatorSettings::default();
    let settings = EmulatorSettings {
        task_duration: reader
            .one("task-seconds", "seconds, as `5` or `0.5`", |text| {
                Duration::try_from_secs_f64(text.parse().ok()?).ok().filter(|time| *time <= LONGEST)
            })
            .unwrap_or(friendly.task_duration),
        listing_lag: reader.one("listing-lag", TIME, time).unwrap_or_default(),
        calls_per_second: reader.one("calls-per-second", "a number above 0", |text| {
            f64::from_str(text).ok().filter(|rate| rate.is_finite() && *rate > 0.0)
        }),
        quota: reader.one("quota", "a whole number", |text| text.parse().ok()),
        fail: reader.many("fail"),
        refuse: reader.many("refuse"),
        hang: reader.many("hang"),
        forbid: reader.many("forbid"),
        rows: reader
            .one("rows", "`url` or `task`", |text| match text {
                "url" => Some(Rows::PerUrl),
                "task" => Some(Rows::PerTask),
                _ => None,
            })
            .unwrap_or(friendly.rows),
        clock_offset_seconds: reader
            .one("clock-offset", "seconds, as `-1200`", |text| {
                i64::from_str(text).ok().filter(|seconds| seconds.unsigned_abs() <= LONGEST.as_secs())
            })
            .unwrap_or_default(),
        ..friendly
    };
    let faults = reader.many("fault");
    if !reader.problems.is_empty() {
        return Err(Error::Inputs(reader.problems));
    }
    let listen = listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8700)));
    Ok(EmulateArguments { listen, latency: latency.unwrap_or_default(), settings, faults, ledger })
}

const TIME: &str = "a time, as `50ms`, `2s` or `1m`";

/// A year: further the clock's own range would be in sight.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

fn time(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let milliseconds: u64 = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => return None,
    };
    let time = Duration::from_millis(u64::from_str(digits).ok()?.checked_mul(milliseconds)?);
    (time <= LONGEST).then_some(time)
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
            self.problems.push(unplaced(format!("`--{name}` is `{text}`"), format!("give {valid}")));
        }
        value
    }

    fn many(&mut self, name: &str) -> Vec<String> {
        self.matches.remove_many(name).into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<EmulateArguments, Error> {
        let arguments = std::iter::once("emulate").chain(line.split_whitespace());
        read(&mut command().try_get_matches_from(arguments).unwrap())
    }

    #[test]
    fn without_flags_a_friendly_vendor_is_served_on_loopback() {
        let arguments = parse("").unwrap();
        assert!(arguments.listen.ip().is_loopback());
        assert_eq!(arguments.latency, Duration::ZERO);
        assert_eq!(arguments.settings.task_duration, EmulatorSettings::default().task_duration);
    }

    #[test]
    fn every_flag_shapes_the_emulators() {
        let arguments = parse(
            "--listen 127.0.0.1:0 --latency 50ms --task-seconds 0.5 --listing-lag 2s --calls-per-second 50 --quota 7 \
             --fail a --fail b --refuse c --hang d --forbid PushObjectCache --rows task --clock-offset -1200 \
             --fault x --ledger l.jsonl",
        )
        .unwrap();
        assert_eq!(arguments.latency, Duration::from_millis(50));
        let settings = arguments.settings;
        assert_eq!(settings.task_duration, Duration::from_millis(500));
        assert_eq!(settings.listing_lag, Duration::from_secs(2));
        assert_eq!((settings.calls_per_second, settings.quota), (Some(50.0), Some(7)));
        assert_eq!(
            (settings.fail, settings.refuse, settings.hang),
            (vec!["a".into(), "b".into()], vec!["c".into()], vec!["d".into()])
        );
        assert_eq!((settings.rows, settings.clock_offset_seconds), (Rows::PerTask, -1200));
        assert_eq!((settings.forbid, arguments.faults), (vec!["PushObjectCache".to_owned()], vec!["x".to_owned()]));
        assert_eq!(arguments.ledger, Some(PathBuf::from("l.jsonl")));
    }

    #[test]
    fn all_values_that_cannot_be_read_are_told_at_once() {
        let error = parse("--listen here --latency 5 --task-seconds=-1 --calls-per-second 0 --rows x --quota many")
            .unwrap_err();
        assert_eq!(error.diagnostics().len(), 6);
        assert_eq!(error.diagnostics()[1].title, "`--latency` is `5`");
    }
}
