//! Daily quotas.

use serde::Serialize;

use super::operation::Operation;

/// What a provider still grants today. An operation that is absent is not limited, or the provider doesn't say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// One entry per operation with a limit.
    pub entries: Vec<QuotaEntry>,
}

/// One operation's allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct QuotaEntry {
    /// The operation.
    pub operation: Operation,
    /// Per day.
    pub limit: u64,
    /// Left until the reset.
    pub remaining: u64,
}

impl Quota {
    /// What is left for an operation; `None` when the provider doesn't say.
    pub fn remaining(&self, operation: Operation) -> Option<u64> {
        self.entries.iter().find(|entry| entry.operation == operation).map(|entry| entry.remaining)
    }
}
