//! Whether the batches of an operation may leave, and what the provider's answers taught of it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::retry::RetryBudget;
use crate::model::Operation;

/// Whether batches may leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Passage {
    /// Yes.
    #[default]
    Open,
    /// Not before this moment.
    Held(Instant),
    /// Never again in this run, and why.
    Stopped(String),
}

/// The gate of one operation.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate {
    /// Whether batches may leave.
    pub passage: Passage,
    /// The largest batch that the provider was seen to take, where that is less than documented.
    pub largest: Option<usize>,
    /// Why the last batch wasn't accepted; `None` once one is.
    pub last_refusal: Option<String>,
    /// Whether the provider accepted a batch.
    pub accepted_any: bool,
    /// Whether it accepted one in an earlier run.
    pub accepted_before: bool,
    /// URLs that were refused alone.
    pub refused_alone: usize,
}

/// All gates of a lane.
#[derive(Debug)]
pub(super) struct Gates {
    gates: BTreeMap<Operation, Gate>,
    classes: [Class; 2],
}

/// Refreshes, or prefetches: each with its own retries and times.
#[derive(Debug)]
pub(super) struct Class {
    /// Its retries.
    pub retries: RetryBudget,
    /// When a batch last was accepted, or could first be after something else held it back.
    pub progress: Instant,
    /// How long a batch is waited for, to be accepted and then to end.
    pub timeout: Duration,
}

impl Gates {
    /// Open gates for these operations; a refresh, and a prefetch, is waited for so long.
    pub(super) fn new(operations: impl Iterator<Item = Operation>, timeouts: [Duration; 2], now: Instant) -> Self {
        let class = |timeout| Class { retries: RetryBudget::full(), progress: now, timeout };
        Self { gates: operations.map(|operation| (operation, Gate::default())).collect(), classes: timeouts.map(class) }
    }

    /// The operations of the lane.
    pub(super) fn operations(&self) -> Vec<Operation> {
        self.gates.keys().copied().collect()
    }

    /// The gate of an operation.
    pub(super) fn of(&mut self, operation: Operation) -> &mut Gate {
        self.gates.entry(operation).or_default()
    }

    /// Its class.
    pub(super) fn class(&mut self, operation: Operation) -> &mut Class {
        &mut self.classes[operation.class()]
    }

    /// How long a batch of an operation is waited for.
    pub(super) fn timeout(&self, operation: Operation) -> Duration {
        self.classes[operation.class()].timeout
    }

    /// When its class made progress last.
    pub(super) fn progress(&self, operation: Operation) -> Instant {
        self.classes[operation.class()].progress
    }

    /// Batches of both classes can only be accepted from now on.
    pub(super) fn restart_progress(&mut self, now: Instant) {
        self.classes.iter_mut().for_each(|class| class.progress = now);
    }

    /// Why an operation is stopped, if it is.
    pub(super) fn stopped(&self, operation: Operation) -> Option<&str> {
        match &self.gates.get(&operation)?.passage {
            Passage::Stopped(why) => Some(why),
            _ => None,
        }
    }

    /// The operations that are stopped.
    pub(super) fn all_stopped(&self) -> Vec<Operation> {
        let is_stopped = |(_, gate): &(&Operation, &Gate)| matches!(gate.passage, Passage::Stopped(_));
        self.gates.iter().filter(is_stopped).map(|(operation, _)| *operation).collect()
    }

    /// Until when an operation is held.
    pub(super) fn held_until(&self, operation: Operation) -> Option<Instant> {
        match self.gates.get(&operation)?.passage {
            Passage::Held(until) => Some(until),
            _ => None,
        }
    }

    /// Holds an operation; a hold is never shortened, and a stop never lifted.
    pub(super) fn hold(&mut self, operation: Operation, until: Instant) {
        let gate = self.of(operation);
        gate.passage = match std::mem::take(&mut gate.passage) {
            Passage::Stopped(why) => Passage::Stopped(why),
            Passage::Held(before) => Passage::Held(before.max(until)),
            Passage::Open => Passage::Held(until),
        };
    }

    /// Whether the provider accepted a batch of any operation.
    pub(super) fn accepted_any(&self) -> bool {
        self.gates.values().any(|gate| gate.accepted_any)
    }

    /// The largest batch that the provider was seen to take.
    pub(super) fn largest(&self, operation: Operation) -> Option<usize> {
        self.gates.get(&operation)?.largest
    }
}
