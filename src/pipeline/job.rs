//! The main job: everything that it is given.

use jiff::Timestamp;

use crate::config::Settings;
use crate::environment::Environment;
use crate::provider::http::Network;

/// The main job, with everything it is given.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// What the inputs were understood to be.
    pub settings: &'a Settings,
    /// The process's environment variables.
    pub environment: &'a Environment,
    /// The network: the providers, and other servers that a job queries.
    pub network: &'a Network,
    /// The wall clock at the start.
    pub started: Timestamp,
}

impl Job<'_> {
    /// The seed of this run's jitter.
    pub(crate) fn seed(&self) -> u64 {
        u64::try_from(self.started.as_nanosecond() & i128::from(u64::MAX)).unwrap_or_default()
    }
}
