//! How a plan is carried out.

use std::time::Duration;

use jiff::Timestamp;

use super::durations::Durations;
use crate::config::{ShortQuota, Wait};

/// How a plan is carried out.
#[derive(Clone, Debug)]
pub struct Options {
    /// What to wait for.
    pub wait: Wait,
    /// How long to wait for a refresh after the provider accepted it.
    pub refresh_timeout: Duration,
    /// How long to wait for a prefetch after the provider accepted it.
    pub prefetch_timeout: Duration,
    /// The most URLs in a batch.
    pub batch_size: Option<usize>,
    /// What goes out where the day's quota is short.
    pub short_quota: ShortQuota,
    /// How many URLs are warmed at the same time at one target.
    pub warm_concurrency: usize,
    /// The next batch only when the one before is done.
    pub sequential: bool,
    /// How long tasks took in earlier runs.
    pub durations: Durations,
    /// Where jitter comes from.
    pub seed: u64,
    /// When the program started, on the wall clock; the time of events counts from here on the monotonic one.
    pub started: Timestamp,
}
