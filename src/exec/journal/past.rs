//! Records of a journal become what they tell of an earlier run: what is done, what is under way, what is in doubt.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::{Entry, Purpose};
use crate::model::{BatchNumber, LaneIndex, Operation, Outcome, PurgeMode, TaskIndex};

/// What an earlier run left, per lane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// Lanes by index.
    pub lanes: BTreeMap<LaneIndex, PastLane>,
    /// When that run began, if it left anything.
    pub begun: Option<Timestamp>,
    /// When a run of the same plan about no two commits began, if it left something and is too long ago to count.
    pub outdated: Option<Timestamp>,
    /// When it sent something last.
    pub last: Option<Timestamp>,
    /// Whether it came to its end.
    pub ended: bool,
    /// Whether it came to its end with every task done or failed: nothing is under way, and there is nothing to try but again.
    pub settled: bool,
    /// Whether it came to its end with everything done.
    pub complete: bool,
    /// Whether it came to its end with nothing left but what it was asked not to wait for.
    pub as_asked: bool,
}

/// What an earlier run left in a lane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastLane {
    /// Tasks that are done, with their provider's task id.
    pub done: BTreeMap<TaskIndex, Option<String>>,
    /// When these were sent, on the clock that signs.
    pub done_after: BTreeMap<TaskIndex, Timestamp>,
    /// Batches that were sent, and whose tasks aren't all ended.
    pub open: BTreeMap<BatchNumber, PastBatch>,
    /// The highest batch number so far.
    pub last_batch: BatchNumber,
}

/// A batch that was sent and isn't ended.
#[derive(Clone, Debug, PartialEq)]
pub struct PastBatch {
    /// What it asks for.
    pub operation: Operation,
    /// Delete instead of revalidate.
    pub mode: PurgeMode,
    /// Its last attempt, from 1.
    pub attempt: u32,
    /// The tasks that aren't ended.
    pub tasks: BTreeSet<TaskIndex>,
    /// When it was sent, on the clock that signs.
    pub sent: Timestamp,
    /// Its task ids; empty: whether it was taken isn't known.
    pub task_ids: Vec<String>,
}

/// What records tell. Records that contradict what came before are read as the later word.
pub fn replay(records: &[Entry]) -> Past {
    let mut past = Past::default();
    // In which open batch each task is.
    let mut places: HashMap<(LaneIndex, TaskIndex), BatchNumber> = HashMap::new();
    for record in records {
        // What follows an end takes up what that left.
        (past.ended, past.as_asked, past.settled) = (false, false, false);
        match record {
            Entry::Opened { .. } => {}
            Entry::Sent { lane: index, batch, operation, mode, attempt, tasks, at } => {
                past.last = past.last.max(Some(*at));
                let lane = past.lanes.entry(*index).or_default();
                lane.close(*batch);
                let tasks: BTreeSet<TaskIndex> = tasks.iter().flat_map(|[first, last]| *first..=*last).collect();
                for &task in &tasks {
                    if let Some(before) = places.insert((*index, task), *batch) {
                        lane.leave(before, task);
                    }
                }
                lane.last_batch = lane.last_batch.max(*batch);
                let (operation, mode, attempt, sent) = (*operation, *mode, *attempt, *at);
                lane.open.insert(*batch, PastBatch { operation, mode, attempt, tasks, sent, task_ids: Vec::new() });
            }
            Entry::Taken { lane, batch, task_ids } => {
                if let Some(open) = past.lanes.entry(*lane).or_default().open.get_mut(batch) {
                    open.task_ids.clone_from(task_ids);
                }
            }
            Entry::NotTaken { lane, batch, .. } => past.lanes.entry(*lane).or_default().close(*batch),
            Entry::Ended { lane: index, task, outcome, task_id } => {
                let lane = past.lanes.entry(*index).or_default();
                if matches!(outcome, Outcome::Done) {
                    lane.done.insert(*task, task_id.clone());
                    let sent = places.get(&(*index, *task)).and_then(|batch| Some(lane.open.get(batch)?.sent));
                    lane.done_after.extend(sent.map(|sent| (*task, sent)));
                }
                if matches!(outcome, Outcome::Done | Outcome::Failed(_))
                    && let Some(batch) = places.remove(&(*index, *task))
                {
                    lane.leave(batch, *task);
                }
            }
            Entry::Closed { complete, as_asked, settled } => {
                (past.ended, past.complete, past.as_asked, past.settled) = (true, *complete, *as_asked, *settled);
            }
        }
    }
    past
}

impl Past {
    /// Whether something was taken, or may have been, that a run which begins anew would send twice.
    pub(super) fn holds_something(&self) -> bool {
        self.lanes.values().any(|lane| !lane.done.is_empty() || !lane.open.is_empty())
    }

    /// Whether a run waits for something that this one left.
    pub(super) fn is_taken_up(&self, purpose: Purpose) -> bool {
        let mut left = self.lanes.values().flat_map(|lane| lane.open.values());
        left.any(|batch| match purpose {
            Purpose::Run(wait) => wait.follows(batch.operation),
            Purpose::Finish => true,
        })
    }
}

impl PastLane {
    fn close(&mut self, batch: BatchNumber) {
        self.open.remove(&batch);
    }

    fn leave(&mut self, batch: BatchNumber, task: TaskIndex) {
        if let Some(open) = self.open.get_mut(&batch) {
            open.tasks.remove(&task);
            if open.tasks.is_empty() {
                self.open.remove(&batch);
            }
        }
    }
}
