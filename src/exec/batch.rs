//! Batches of a lane and the state of each. A batch is in exactly one state; [`Batches::set`] is the only way to change it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::journal::TaskIds;
use crate::model::{BatchNumber, Operation, TaskIndex};
use crate::plan;

/// When a request left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SentAt {
    /// In this run.
    Moment(Instant),
    /// In an earlier run, by its journal.
    Earlier {
        /// The time in the journal.
        at: Timestamp,
        /// Whether that is the provider's time. If not, it's off by up to the validity of a signature.
        is_providers: bool,
        /// How long before this run's lane started, by the clocks.
        age: Duration,
    },
}

/// What an earlier run left for a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resume {
    /// Tasks that are done, each with its task id and how long ago it was sent, as far as that is known.
    pub done: Vec<(TaskIndex, Option<String>, Option<Duration>)>,
    /// Batches whose tasks haven't all ended.
    pub open: Vec<ResumedBatch>,
    /// The highest batch number so far.
    pub last_batch: BatchNumber,
    /// Task ids of earlier submissions: no trace of those of this run.
    pub earlier: TaskIds,
}

/// A batch of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResumedBatch {
    /// Operation and tasks.
    pub content: plan::Batch,
    /// How often it was sent.
    pub attempts: u32,
    /// When it was sent last.
    pub sent: SentAt,
    /// Its task ids; empty: whether it was accepted isn't known.
    pub task_ids: Vec<String>,
}

/// A batch, and how often it was tried.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// Operation and tasks.
    pub content: plan::Batch,
    /// How often it was sent.
    pub attempts: u32,
    /// How often it was sent again after its answer was lost.
    pub resends: u32,
    /// The error of an attempt that may have been executed, if it's sent again all the same.
    pub lost: Option<String>,
    /// Where it is.
    pub state: BatchState,
}

/// Where a batch is.
#[derive(Clone, Debug)]
pub(super) enum BatchState {
    /// Certainly not accepted: it may be sent, not before this moment.
    Queued {
        /// When it may leave.
        not_before: Instant,
    },
    /// Being sent; the answer isn't here.
    InFlight,
    /// It was sent, and no answer says whether it was executed.
    Uncertain(Uncertain),
    /// The provider accepted it; not all of its tasks have ended.
    Accepted(Accepted),
    /// Nothing more happens to it.
    Closed,
}

/// A batch whose answer was lost.
#[derive(Clone, Debug)]
pub(super) struct Uncertain {
    /// When it left.
    pub sent: SentAt,
    /// When the client gave up on the answer: until then the provider can have executed it.
    pub gave_up: Instant,
    /// The error.
    pub why: String,
    /// Whether the answer was a refusal with a code that isn't documented: not certain, but no reason to send the same again.
    pub is_refusal: bool,
    /// The tasks whose URLs the records don't show, though they would by now.
    pub absent: BTreeSet<TaskIndex>,
    /// The next query of the records.
    pub query: RecordQuery,
}

/// A batch that the provider accepted.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    /// Its task ids.
    pub task_ids: Vec<String>,
    /// Since when that is known.
    pub at: Instant,
    /// When it left.
    pub sent: SentAt,
    /// Whether the provider's answer said so; if not, its records do.
    pub acknowledged: bool,
    /// Tasks without an outcome.
    pub open: usize,
    /// The query of the records for a URL that no row of its ids names; `None`: not needed.
    pub query: Option<RecordQuery>,
}

/// When the records are queried about a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordQuery {
    /// The next query, or when the one in flight was sent.
    pub at: Instant,
    /// Whether one is in flight.
    pub is_in_flight: bool,
    /// How many were sent.
    pub count: usize,
}

impl RecordQuery {
    /// A first query at this moment.
    pub(super) fn first(at: Instant) -> Self {
        Self { at, is_in_flight: false, count: 0 }
    }

    /// The same, sent now.
    pub(super) fn queried(self, now: Instant) -> Self {
        Self { at: now, is_in_flight: true, count: self.count + 1 }
    }

    /// Whether it should be sent now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        !self.is_in_flight && self.at <= now
    }
}

/// The batches of a lane.
#[derive(Debug, Default)]
pub(super) struct Batches {
    all: BTreeMap<BatchNumber, Batch>,
    /// Those that are queued, in the order in which they leave.
    queue: VecDeque<BatchNumber>,
    in_flight: BTreeSet<BatchNumber>,
    uncertain: BTreeSet<BatchNumber>,
    accepted: BTreeSet<BatchNumber>,
    last: BatchNumber,
}

impl Batches {
    /// None; numbers continue after `last`.
    pub(super) fn after(last: BatchNumber) -> Self {
        Self { last, ..Self::default() }
    }

    /// A new number.
    pub(super) fn number(&mut self) -> BatchNumber {
        self.last += 1;
        self.last
    }

    /// Adds a batch, closed until its state is set.
    pub(super) fn add(&mut self, content: plan::Batch, attempts: u32) -> BatchNumber {
        let number = content.number;
        self.all.insert(number, Batch { content, attempts, resends: 0, lost: None, state: BatchState::Closed });
        number
    }

    /// The batch of a number, unless it's closed and forgotten.
    pub(super) fn get(&self, number: BatchNumber) -> Option<&Batch> {
        self.all.get(&number)
    }

    /// The same, to change anything but its state.
    pub(super) fn get_mut(&mut self, number: BatchNumber) -> Option<&mut Batch> {
        self.all.get_mut(&number)
    }

    /// Changes the state of a batch. A queued batch leaves first if `is_first`, else last.
    pub(super) fn set(&mut self, number: BatchNumber, state: BatchState, is_first: bool) {
        let Some(batch) = self.all.get_mut(&number) else { return };
        match batch.state {
            BatchState::Queued { .. } => self.queue.retain(|&other| other != number),
            BatchState::Uncertain(_) => drop(self.uncertain.remove(&number)),
            BatchState::Accepted(_) => drop(self.accepted.remove(&number)),
            BatchState::InFlight => drop(self.in_flight.remove(&number)),
            BatchState::Closed => {}
        }
        match state {
            BatchState::Queued { .. } if is_first => self.queue.push_front(number),
            BatchState::Queued { .. } => self.queue.push_back(number),
            BatchState::Uncertain(_) => drop(self.uncertain.insert(number)),
            BatchState::Accepted(_) => drop(self.accepted.insert(number)),
            BatchState::InFlight => drop(self.in_flight.insert(number)),
            BatchState::Closed => {
                self.all.remove(&number);
                return;
            }
        }
        batch.state = state;
    }

    /// The queued batches, in order, each with the moment from which it may leave.
    pub(super) fn queued(&self) -> impl Iterator<Item = (&Batch, Instant)> {
        self.queue.iter().filter_map(|number| match self.all.get(number)? {
            batch @ Batch { state: BatchState::Queued { not_before }, .. } => Some((batch, *not_before)),
            _ => None,
        })
    }

    /// The batches whose answer was lost.
    pub(super) fn uncertain(&self) -> impl Iterator<Item = (&Batch, &Uncertain)> {
        self.uncertain.iter().filter_map(|number| match self.all.get(number)? {
            batch @ Batch { state: BatchState::Uncertain(uncertain), .. } => Some((batch, uncertain)),
            _ => None,
        })
    }

    /// The batches that the provider accepted.
    pub(super) fn accepted(&self) -> impl Iterator<Item = (&Batch, &Accepted)> {
        self.accepted.iter().filter_map(|number| match self.all.get(number)? {
            batch @ Batch { state: BatchState::Accepted(accepted), .. } => Some((batch, accepted)),
            _ => None,
        })
    }

    /// The batches that are at the provider, or may be.
    pub(super) fn under_way(&self) -> impl Iterator<Item = &plan::Batch> {
        let numbers = self.in_flight.iter().chain(&self.uncertain).chain(&self.accepted);
        numbers.filter_map(|number| Some(&self.all.get(number)?.content))
    }

    /// How a batch is uncertain, if it is.
    pub(super) fn uncertain_mut(&mut self, number: BatchNumber) -> Option<&mut Uncertain> {
        match &mut self.all.get_mut(&number)?.state {
            BatchState::Uncertain(uncertain) => Some(uncertain),
            _ => None,
        }
    }

    /// How a batch is accepted, if it is.
    pub(super) fn accepted_mut(&mut self, number: BatchNumber) -> Option<&mut Accepted> {
        match &mut self.all.get_mut(&number)?.state {
            BatchState::Accepted(accepted) => Some(accepted),
            _ => None,
        }
    }

    /// The same, to read.
    pub(super) fn accepted_of(&self, number: BatchNumber) -> Option<&Accepted> {
        match &self.all.get(&number)?.state {
            BatchState::Accepted(accepted) => Some(accepted),
            _ => None,
        }
    }

    /// The tasks of a batch.
    pub(super) fn tasks(&self, number: BatchNumber) -> &[TaskIndex] {
        self.all.get(&number).map_or(&[], |batch| &batch.content.tasks)
    }

    /// Whether a batch of an operation is queued.
    pub(super) fn is_queued(&self, operation: Operation) -> bool {
        self.queued().any(|(batch, _)| batch.content.operation == operation)
    }

    /// Whether an operation has a batch that isn't accepted: queued, or uncertain.
    pub(super) fn is_unaccepted(&self, operation: Operation) -> bool {
        self.is_queued(operation) || self.uncertain().any(|(batch, _)| batch.content.operation == operation)
    }
}
