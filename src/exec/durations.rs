//! How long the tasks of a provider take: the vendor's word at first, then what runs measured.
//!
//! Durations are taken as lognormal: many small factors multiply. Only intervals are seen, from the poll that found a task
//! running to the one that found it ended.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The spread that is assumed where only one point of a distribution is known.
pub(super) const ASSUMED_SPREAD: f64 = 0.2;
/// The kinds of task that are measured apart.
const KINDS: [&str; 2] = ["refresh", "prefetch"];
/// The spread of a distribution that says nothing.
const UNKNOWN_SPREAD: f64 = 1.0;
/// A file of durations larger than this isn't ours.
const LARGEST: u64 = 64 << 10;

/// The distribution of how long tasks take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The median, in seconds.
    pub median: f64,
    /// The standard deviation of the logarithm.
    pub spread: f64,
}

impl Distribution {
    /// Whether it says nothing; see [`Durations::unknown`].
    pub fn is_unknown(&self) -> bool {
        self.spread >= UNKNOWN_SPREAD
    }

    /// Through the shares that had ended at two ages; with one point, the spread is `assumed`.
    pub fn through(points: &[(Duration, f64)], assumed: Option<f64>) -> Option<Self> {
        let (last, first) = (points.last()?, points.first()?);
        let (rise, run) = (quantile(last.1) - quantile(first.1), (last.0.as_secs_f64() / first.0.as_secs_f64()).ln());
        let spread = if rise > 0.05 { run / rise } else { assumed.unwrap_or(ASSUMED_SPREAD) }.clamp(0.01, 1.0);
        Some(Self { median: (last.0.as_secs_f64().ln() - spread * quantile(last.1)).exp(), spread })
    }

    /// When the last of so many tasks is expected to end.
    pub fn last_of(&self, count: usize) -> Duration {
        let share = 1.0 - 0.6 / count.max(1) as f64;
        Duration::try_from_secs_f64(self.median * (self.spread * quantile(share)).exp()).unwrap_or(Duration::MAX)
    }
}

/// What was measured of one kind of task.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measurement {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Measurement {
    /// A task was running at one age (zero: not looked) and had ended at another.
    pub fn add(&mut self, running: Duration, ended: Duration) {
        let ended = ended.as_secs_f64().max(0.01);
        let middle = (running.as_secs_f64().clamp(ended / 2.0, ended) * ended).sqrt().ln();
        self.count += 1.0;
        self.sum += middle;
        self.squares += middle * middle;
    }

    /// The distribution that it shows, if it shows one.
    pub fn distribution(&self) -> Option<Distribution> {
        let mean = self.sum / self.count;
        let variance = (self.squares / self.count - mean * mean).max(0.0);
        (self.count > 0.0).then(|| Distribution { median: mean.exp(), spread: variance.sqrt() })
    }
}

/// A provider's kind of task, as durations are kept.
pub(super) fn key(provider: &str, class: usize) -> String {
    format!("{provider} {}", KINDS[class])
}

/// By provider and kind of task: `alibaba-cdn refresh`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Durations(pub BTreeMap<String, Distribution>);

impl Durations {
    /// How long a provider's refreshes (0) or prefetches (1) take, if that is known.
    pub fn of(&self, provider: &str, class: usize) -> Option<Distribution> {
        self.0.get(&key(provider, class)).copied()
    }

    /// For providers at an endpoint of the user's own, such as the mock server: how long its tasks take isn't the vendor's
    /// word, so it is polled from the first second on, ever less often.
    pub fn unknown(providers: impl Iterator<Item = &'static str>) -> Self {
        let soon = Distribution { median: 1.0, spread: UNKNOWN_SPREAD };
        let kinds = providers.flat_map(|name| [0, 1].map(|class| (key(name, class), soon)));
        Self(kinds.collect())
    }

    /// Those that earlier runs measured; none where the file can't be read.
    pub fn load(path: &Path) -> Self {
        let is_ours = fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= LARGEST);
        let read = is_ours.then(|| fs::read(path).ok()).flatten();
        let read: Self = read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let is_sound = |distribution: &Distribution| {
            (0.01..1e6).contains(&distribution.median) && (0.0..=2.0).contains(&distribution.spread)
        };
        Self(read.0.into_iter().filter(|(_, distribution)| is_sound(distribution)).collect())
    }

    /// Keeps them for the next run, on top of what the file has.
    ///
    /// # Errors
    /// The file can't be written; nothing but speed is lost.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let mut all = Self::load(path);
        all.0.extend(self.0.iter().map(|(kind, distribution)| (kind.clone(), *distribution)));
        let new = path.with_extension(format!("{}.new", std::process::id()));
        // A checkout may hold a symbolic link in its place, which must not be followed.
        let _ = fs::remove_file(&new);
        let mut file = fs::File::create_new(&new)?;
        file.write_all(&serde_json::to_vec(&all)?)?;
        fs::rename(new, path)
    }
}

/// The standard normal quantile of a share, to three digits. (Abramowitz and Stegun, 26.2.23)
fn quantile(share: f64) -> f64 {
    let share = share.clamp(1e-6, 1.0 - 1e-6);
    let tail = if share < 0.5 { share } else { 1.0 - share };
    let t = (-2.0 * tail.ln()).sqrt();
    let z =
        t - (2.515_517 + t * (0.802_853 + t * 0.010_328)) / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
    if share < 0.5 { -z } else { z }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_table() {
        for (share, z) in [(0.5, 0.0), (0.84134, 1.0), (0.02275, -2.0), (0.99865, 3.0)] {
            assert!((quantile(share) - z).abs() < 1e-3, "{share}: {}", quantile(share));
        }
    }

    #[test]
    fn two_points_tell_when_the_last_of_a_thousand_ends() {
        let seconds = |seconds: f64| Duration::from_secs_f64(seconds);
        let points = [(seconds(300.0), 0.5), (seconds(300.0 * f64::exp(0.15)), 0.84134)];
        let found = Distribution::through(&points, None).unwrap();
        assert!((found.median - 300.0).abs() < 1.0 && (found.spread - 0.15).abs() < 0.001, "{found:?}");
        let last = found.last_of(1_000).as_secs_f64();
        assert!((470.0..500.0).contains(&last), "{last}");
    }

    #[test]
    fn what_was_measured_is_kept_beside_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("durations.json");
        let of = |kind: &str, median| Durations([(kind.to_owned(), Distribution { median, spread: 0.1 })].into());
        of("a refresh", 5.0).save(&path).unwrap();
        of("a prefetch", 9.0).save(&path).unwrap();
        of("a refresh", 6.0).save(&path).unwrap();
        assert_eq!(Durations::load(&path).0.into_values().map(|found| found.median).collect::<Vec<_>>(), [9.0, 6.0]);
        std::fs::write(&path, r#"{"a refresh":{"median":-1,"spread":0}}"#).unwrap();
        assert_eq!(Durations::load(&path), Durations::default());
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_in_the_place_of_the_file_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("durations.json"), folder.path().join("other"));
        std::fs::write(&other, "mine").unwrap();
        for link in
            ["durations.json".to_owned(), "durations.new".to_owned(), format!("durations.{}.new", std::process::id())]
        {
            std::os::unix::fs::symlink(&other, folder.path().join(link)).unwrap();
        }
        Durations([("a refresh".to_owned(), Distribution { median: 5.0, spread: 0.1 })].into()).save(&path).unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), b"mine");
        assert_eq!(Durations::load(&path).0.len(), 1);
        assert!(!std::fs::symlink_metadata(&path).unwrap().is_symlink());
    }
}
