//! The commands that read options, and sets of them for the option table.

use CommandKind::{
    Bandwidth, Check, Demo, Domains, Explain, ExplainRange, Logs, Prefetch, Quota, Records, Refresh, Run, Traffic,
    Verify, Wait,
};

/// A command that reads options of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// `run`, `plan`.
    Run,
    /// `explain`.
    Explain,
    /// `explain --range`, which takes the options of `explain`.
    ExplainRange,
    /// `check`.
    Check,
    /// `wait`.
    Wait,
    /// `verify`.
    Verify,
    /// `demo`.
    Demo,
    /// `refresh`.
    Refresh,
    /// `prefetch`.
    Prefetch,
    /// `records`.
    Records,
    /// `quota`.
    Quota,
    /// `traffic`.
    Traffic,
    /// `bandwidth`.
    Bandwidth,
    /// `logs`.
    Logs,
    /// `domains`.
    Domains,
}

impl CommandKind {
    /// Whether the command takes URLs, and needs no rules.
    pub fn takes_urls(self) -> bool {
        matches!(self, Refresh | Prefetch)
    }

    /// Whether the command only queries.
    pub fn is_query(self) -> bool {
        matches!(self, Records | Quota | Traffic | Bandwidth | Logs | Domains)
    }

    /// The command's name.
    pub fn name(self) -> &'static str {
        match self {
            Run => "run",
            Explain | ExplainRange => "explain",
            Check => "check",
            Wait => "wait",
            Verify => "verify",
            Demo => "demo",
            Refresh => "refresh",
            Prefetch => "prefetch",
            Records => "records",
            Quota => "quota",
            Traffic => "traffic",
            Bandwidth => "bandwidth",
            Logs => "logs",
            Domains => "domains",
        }
    }
}

/// Commands that start a run.
pub(super) const NEW_RUNS: &[CommandKind] = &[Run, Check, Refresh, Prefetch];
/// Commands that make the plan: `wait` finds the journal by it, and resumes it.
pub(super) const JOBS: &[CommandKind] = &[Run, Check, Wait, Refresh, Prefetch];
/// Commands that make the plan, and the one that sends nothing of it.
pub(super) const VERIFYING: &[CommandKind] = &[Run, Check, Wait, Refresh, Prefetch, Verify];
/// Commands that need the rules.
pub(super) const RULES: &[CommandKind] = &[Run, Check, Explain, ExplainRange, Wait, Verify];
/// Commands that may prefetch in addition.
pub(super) const WARMING: &[CommandKind] = &[Run, Check, Explain, ExplainRange, Wait, Refresh];
/// Commands that take URLs.
pub(super) const URLS: &[CommandKind] = &[Refresh, Prefetch];
/// Commands that only query.
pub(super) const QUERIES: &[CommandKind] = &[Records, Quota, Traffic, Bandwidth, Logs, Domains];
/// Commands that query a time range.
pub(super) const RANGES: &[CommandKind] = &[Records, Traffic, Bandwidth, Logs];
/// Commands that need a target.
pub(super) const TARGETS: &[CommandKind] = &[
    Run,
    Check,
    Explain,
    ExplainRange,
    Wait,
    Verify,
    Refresh,
    Prefetch,
    Records,
    Quota,
    Traffic,
    Bandwidth,
    Logs,
    Domains,
];
/// Commands that call a provider.
pub(super) const PROVIDERS: &[CommandKind] =
    &[Run, Check, Wait, Refresh, Prefetch, Records, Quota, Traffic, Bandwidth, Logs, Domains];
/// Every command that prints progress.
pub(super) const ALL: &[CommandKind] = &[
    Run,
    Check,
    Explain,
    ExplainRange,
    Wait,
    Verify,
    Demo,
    Refresh,
    Prefetch,
    Records,
    Quota,
    Traffic,
    Bandwidth,
    Logs,
    Domains,
];
