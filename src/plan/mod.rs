//! Tasks → plan: merged, guarded, ordered and cut into batches by each provider's limits.

use crate::inputs::Target;
use crate::model::{BatchNumber, Operation, Skipped, Task, TaskIndex};

/// Everything that is to be done, decided before anything is sent.
#[derive(Debug)]
pub struct Plan {
    /// One per target that has tasks, in the order of the configuration.
    pub lanes: Vec<Lane>,
    /// Changed files that gave no task, and why.
    pub skipped: Vec<Skipped>,
    /// Identifies the plan: 64 hex digits over targets, operations and addresses. Same commits, configuration and version: same digest.
    pub digest: String,
}

/// What is to be done at one target.
#[derive(Debug)]
pub struct Lane {
    /// Where.
    pub target: Target,
    /// Refreshes by kind, then prefetches; each in the order of the changes.
    pub tasks: Vec<PlannedTask>,
    /// As they would go out if nothing were refused and every refresh took equally long. The execution sends the refresh
    /// batches as they stand, and cuts prefetches as their refreshes end.
    pub batches: Vec<Batch>,
}

/// A task in its lane.
#[derive(Debug)]
pub struct PlannedTask {
    /// What to do.
    pub task: Task,
    /// Why it can't be sent at all: an address that is over-long, or isn't one. It ends as failed.
    pub refused: Option<String>,
    /// For a prefetch, the refreshes of the same lane that must be done before it; empty if there is none.
    pub after: Vec<TaskIndex>,
}

/// Addresses that go out in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// From 1, within the lane.
    pub number: BatchNumber,
    /// What to do.
    pub operation: Operation,
    /// Delete instead of revalidate.
    pub force: bool,
    /// The tasks, by their place in the lane.
    pub tasks: Vec<TaskIndex>,
}
