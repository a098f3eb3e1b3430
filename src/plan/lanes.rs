//! The plan as a value: a lane for each target, with its tasks and batches.

use std::cell::OnceCell;

use sha2::{Digest, Sha256};

use crate::config::Target;
use crate::model::{BatchNumber, Operation, PurgeMode, Quota, QuotaEntry, Skipped, Task, TaskIndex};

/// Everything that is to be done, decided before anything is sent.
#[derive(Debug, Default)]
pub struct Plan {
    /// One per target that has tasks, in the order of the configuration.
    pub lanes: Vec<Lane>,
    /// Changed files that gave no task, and why.
    pub skipped: Vec<Skipped>,
    /// The value of [`Plan::digest`], once it was computed.
    pub(crate) digest: OnceCell<String>,
}

/// What is to be done at one target.
#[derive(Debug)]
pub struct Lane {
    /// Where.
    pub target: Target,
    /// Refreshes by kind, then prefetches; each in the order of the changes.
    pub tasks: Vec<PlannedTask>,
    /// As they would go out if nothing were refused and every refresh took equally long. The execution sends the refresh
    /// batches as they are, and cuts prefetches as their refreshes end.
    pub batches: Vec<Batch>,
}

/// A task in its lane.
#[derive(Debug)]
pub struct PlannedTask {
    /// What to do.
    pub task: Task,
    /// Why it can't be sent at all: a URL that is over-long, or isn't one. It ends as failed.
    pub refused: Option<String>,
    /// Why it isn't sent in this run: its origin doesn't serve what was deployed. It ends as unsubmitted.
    pub held: Option<String>,
    /// The refresh of the same lane that covers this one, which isn't sent then: its outcome is that one's.
    pub covered_by: Option<TaskIndex>,
    /// For a prefetch, the refreshes of the same lane that must be done before it; empty if there is none.
    pub after: Vec<TaskIndex>,
    /// The place of a prefetch by popularity, the hottest first; `u32::MAX` if nobody says.
    pub rank: u32,
}

/// URLs that go out in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// From 1, within the lane.
    pub number: BatchNumber,
    /// What to do.
    pub operation: Operation,
    /// How a refresh treats what it drops.
    pub mode: PurgeMode,
    /// The tasks, by their place in the lane.
    pub tasks: Vec<TaskIndex>,
}

impl Plan {
    /// How many tasks there are over all lanes.
    pub fn len(&self) -> usize {
        self.lanes.iter().map(|lane| lane.tasks.len()).sum()
    }

    /// The lanes of each account, by their places, with its provider's standard daily quota.
    pub fn accounts(&self) -> Vec<(Vec<usize>, Quota)> {
        let keys: Vec<String> = self.lanes.iter().map(|lane| lane.target.account()).collect();
        let mut accounts: Vec<(Vec<usize>, Quota)> = Vec::new();
        for (place, lane) in self.lanes.iter().enumerate() {
            let spec = lane.target.provider;
            match accounts.iter_mut().find(|(lanes, _)| keys[lanes[0]] == keys[place]) {
                Some((lanes, _)) => lanes.push(place),
                None => {
                    let known = spec.operations.iter().filter_map(|of| Some((of.operation, of.per_day?)));
                    let entry = |(operation, limit)| QuotaEntry { operation, limit, remaining: limit };
                    accounts.push((vec![place], Quota { entries: known.map(entry).collect() }));
                }
            }
        }
        accounts
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Identifies the plan: 64 hex digits over version, targets, operations and URLs. Same commits, configuration and
    /// version: same digest.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| digest(&self.lanes))
    }
}

impl PlannedTask {
    /// A task that waits for no other one.
    pub fn alone(task: Task) -> Self {
        Self { task, refused: None, held: None, covered_by: None, after: Vec::new(), rank: u32::MAX }
    }

    /// Whether it will be submitted, if nothing goes wrong.
    pub fn costs_quota(&self) -> bool {
        self.refused.is_none() && self.covered_by.is_none()
    }
}

impl Lane {
    /// Whether an operation is done once the provider accepted it, because it has no status to query.
    pub fn is_done_when_accepted(&self, operation: Operation) -> bool {
        let provider = self.target.provider;
        provider.tracking.is_none() && provider.operation(operation).is_some() && !provider.is_warmed(operation)
    }

    /// How many refreshes and prefetches will be submitted.
    pub fn size(&self) -> u64 {
        self.tasks.iter().filter(|planned| planned.costs_quota()).count() as u64
    }

    /// How many URLs of an operation will be submitted: what it costs of the day's quota.
    pub fn cost(&self, operation: Operation) -> u64 {
        let counts = |planned: &&PlannedTask| planned.task.operation == operation && planned.costs_quota();
        self.tasks.iter().filter(counts).count() as u64
    }
}

fn digest(lanes: &[Lane]) -> String {
    let mut hash = Sha256::new();
    let mut field = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    field(env!("CARGO_PKG_VERSION"));
    for lane in lanes {
        field(&lane.target.name);
        field(lane.target.provider.name);
        field(&format!("{:?}", lane.target.options));
        let how = |planned: &PlannedTask| (planned.task.operation, planned.task.mode);
        for alike in lane.tasks.chunk_by(|one, other| how(one) == how(other)) {
            let (operation, mode) = how(&alike[0]);
            let how = format!("{operation:?} {mode:?}");
            for planned in alike {
                field(&how);
                field(&planned.task.subject.text());
            }
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
