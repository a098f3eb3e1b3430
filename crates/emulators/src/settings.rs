//! How the emulators behave.

use std::time::Duration;

use secrecy::SecretString;

/// How an emulator behaves; the defaults are a friendly vendor.
#[derive(Clone, Debug)]
pub struct EmulatorSettings {
    /// The only access key that is accepted.
    pub access_key_id: String,
    /// Its secret.
    pub access_key_secret: SecretString,
    /// The session token that must come with it, if any.
    pub security_token: Option<SecretString>,
    /// How long a task takes; `None`: as long as the vendor says it usually does.
    pub task_duration: Option<Duration>,
    /// How long after its acceptance a task shows up in the task list.
    pub listing_lag: Duration,
    /// Replaces every documented number of calls per second.
    pub calls_per_second: Option<f64>,
    /// Replaces every documented daily quota.
    pub quota: Option<u64>,
    /// Tasks whose URL contains one of these fail.
    pub fail: Vec<String>,
    /// Calls with a URL that contains one of these are refused as malformed.
    pub refuse: Vec<String>,
    /// Tasks whose URL contains one of these never end.
    pub hang: Vec<String>,
    /// The rows of the task list, where the vendor's documentation leaves a choice.
    pub rows: Rows,
    /// Which URLs share a task id, where the vendor's documentation leaves a choice.
    pub ids: Ids,
    /// The emulator's clock minus the real one, in seconds.
    pub clock_offset_seconds: i64,
    /// Calls (the vendor's names) that the key may not make.
    pub forbid: Vec<String>,
    /// The zones of the account, where a vendor has zones; empty: every domain is one.
    pub zones: Vec<String>,
    /// Replaces every documented number of URLs in a call.
    pub per_call: Option<usize>,
    /// The longest life of session credentials.
    pub session_duration: Duration,
}

/// The rows of a task id that covers several URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// A row for each URL.
    PerUrl,
    /// One row, with the first URL, for each task id.
    PerTask,
}

/// The URLs that share a task id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Those that the vendor's documentation says.
    Merged,
    /// Those of one call.
    PerCall,
    /// None: each has its own.
    PerUrl,
}

impl Default for EmulatorSettings {
    fn default() -> Self {
        Self {
            access_key_id: "demonstration-key".into(),
            access_key_secret: "demonstration-secret".into(),
            security_token: None,
            task_duration: Some(Duration::from_secs(5)),
            listing_lag: Duration::ZERO,
            calls_per_second: None,
            quota: None,
            fail: Vec::new(),
            refuse: Vec::new(),
            hang: Vec::new(),
            rows: Rows::PerUrl,
            ids: Ids::Merged,
            clock_offset_seconds: 0,
            forbid: Vec::new(),
            zones: Vec::new(),
            per_call: None,
            session_duration: Duration::from_secs(3600),
        }
    }
}
