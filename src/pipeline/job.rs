//! The main job: everything that it is given.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::ci::Console;
use crate::config::Settings;
use crate::environment::Environment;
use crate::exec::journal::Identity;
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
    /// The journal's file: as named, else in the runner's temporary folder or this person's state folder, under a name of its
    /// own.
    pub(super) fn state_file(&self, console: &Console, identity: &Identity) -> PathBuf {
        let named = self.settings.journal.clone();
        named.unwrap_or_else(|| console.host().state_folder(self.environment).join(identity.file_name()))
    }

    /// The seed of this run's jitter.
    pub(crate) fn seed(&self) -> u64 {
        u64::try_from(self.started.as_nanosecond() & i128::from(u64::MAX)).unwrap_or_default()
    }
}
