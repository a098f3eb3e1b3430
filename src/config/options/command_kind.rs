//! The commands that read options, and the sets of them that the options of the table name.

use CommandKind::{
    Bandwidth, Check, Demo, Domains, Explain, ExplainRange, Logs, Prefetch, Quota, Records, Refresh, Run, Traffic, Wait,
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
    /// Whether the command is given addresses, and needs no rules.
    pub fn takes_urls(self) -> bool {
        matches!(self, Refresh | Prefetch)
    }

    /// Whether the command only asks.
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

/// What only a run that begins can be asked for.
pub(super) const BEGINS: &[CommandKind] = &[Run, Check, Refresh, Prefetch];
/// Commands that make the plan: `wait` finds the journal by it, and goes on with all of it.
pub(super) const PLANS: &[CommandKind] = &[Run, Check, Wait, Refresh, Prefetch];
/// Commands that need the rules.
pub(super) const MAPS: &[CommandKind] = &[Run, Check, Explain, ExplainRange, Wait];
/// Commands that prefetch what else they do.
pub(super) const WARMS: &[CommandKind] = &[Run, Check, Explain, ExplainRange, Wait, Refresh];
/// Commands that are given addresses.
pub(super) const LISTS: &[CommandKind] = &[Refresh, Prefetch];
/// Commands that only ask.
pub(super) const ASKS: &[CommandKind] = &[Records, Quota, Traffic, Bandwidth, Logs, Domains];
/// Commands that ask for a range of time.
pub(super) const RANGES: &[CommandKind] = &[Records, Traffic, Bandwidth, Logs];
/// Commands that need a target.
pub(super) const PLACES: &[CommandKind] =
    &[Run, Check, Explain, ExplainRange, Wait, Refresh, Prefetch, Records, Quota, Traffic, Bandwidth, Logs, Domains];
/// Commands that choose among the targets.
pub(super) const CHOOSES: &[CommandKind] =
    &[Wait, Refresh, Prefetch, Records, Quota, Traffic, Bandwidth, Logs, Domains];
/// Commands that talk to a provider.
pub(super) const REACHES: &[CommandKind] =
    &[Run, Check, Wait, Refresh, Prefetch, Records, Quota, Traffic, Bandwidth, Logs, Domains];
/// Every command that prints a story.
pub(super) const SPEAKS: &[CommandKind] = &[
    Run,
    Check,
    Explain,
    ExplainRange,
    Wait,
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
