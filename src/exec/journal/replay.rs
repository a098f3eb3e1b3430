//! Replays a journal: which tasks of an earlier run are done, submitted or in doubt.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::entry::{Entry, Purpose};
use crate::model::{BatchNumber, LaneIndex, Operation, Outcome, PurgeMode, TaskIndex};

/// What an earlier run left, per lane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// Lanes by index.
    pub lanes: BTreeMap<LaneIndex, PastLane>,
    /// The directories that took the place of URLs in each lane.
    pub collapsed: BTreeSet<(LaneIndex, PurgeMode, String)>,
    /// The tasks whose URLs were refreshed once more, since they were stale.
    pub repaired: BTreeSet<(LaneIndex, TaskIndex)>,
    /// When that run began, if it left anything.
    pub begun: Option<Timestamp>,
    /// When a run of the same plan began, if it left something that doesn't count any more.
    pub outdated: Option<Timestamp>,
    /// When it sent something last, or ended.
    pub last: Option<Timestamp>,
    /// How much the provider's clock was ahead of its machine's, as far as that is known.
    pub ahead: SignedDuration,
    /// Whether it ended with every task done or failed: nothing is under way, and only failed tasks could be tried again.
    pub all_final: bool,
    /// Whether outputs and reports of its end were written.
    pub is_published: bool,
    /// Whether it ended with everything done.
    pub complete: bool,
    /// Whether it ended with nothing left but tasks that `wait` excludes.
    pub as_asked: bool,
    /// The accounts of its lanes, as in [`Identity::lanes`], if a run that continued it had one that it lacked; else empty.
    ///
    /// [`Identity::lanes`]: super::Identity::lanes
    pub accounts: Vec<String>,
}

/// Task ids, each with the tasks that were sent under it; none, where the plan numbered its tasks otherwise then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskIds(BTreeMap<String, BTreeSet<TaskIndex>>);

impl TaskIds {
    /// Adds tasks of an id. One that has none stays so: which tasks it is of isn't known.
    pub fn add(&mut self, id: &str, tasks: impl IntoIterator<Item = TaskIndex>) {
        match self.0.get_mut(id) {
            Some(known) if known.is_empty() => {}
            Some(known) => known.extend(tasks),
            None => drop(self.0.insert(id.to_owned(), tasks.into_iter().collect())),
        }
    }

    /// Adds all ids of others.
    pub fn add_all(&mut self, others: &Self) {
        others.0.iter().for_each(|(id, tasks)| self.add(id, tasks.iter().copied()));
    }

    /// Whether an id may be of what was sent of a task.
    pub fn may_be_of(&self, id: &str, task: TaskIndex) -> bool {
        self.0.get(id).is_some_and(|tasks| tasks.is_empty() || tasks.contains(&task))
    }

    /// The ids with their tasks.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &BTreeSet<TaskIndex>)> {
        self.0.iter().map(|(id, tasks)| (&**id, tasks))
    }

    /// Which tasks they are of isn't known any more: the plan numbers its tasks otherwise now.
    fn disown(&mut self) {
        self.0.values_mut().for_each(BTreeSet::clear);
    }
}

/// What an earlier run left in a lane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastLane {
    /// Tasks that are done, with their provider's task id.
    pub done: BTreeMap<TaskIndex, Option<String>>,
    /// When these were sent.
    pub done_after: BTreeMap<TaskIndex, SentTime>,
    /// Batches that were sent, and whose tasks aren't all ended.
    pub open: BTreeMap<BatchNumber, PastBatch>,
    /// The highest batch number so far.
    pub last_batch: BatchNumber,
    /// The task ids under which tasks are done or failed.
    pub ended: TaskIds,
    /// Those of the run before that one, which was over.
    pub earlier: TaskIds,
}

/// A batch that was sent and isn't ended.
#[derive(Clone, Debug, PartialEq)]
pub struct PastBatch {
    /// Its operation.
    pub operation: Operation,
    /// How a refresh treats what it drops.
    pub mode: PurgeMode,
    /// Its last attempt, from 1.
    pub attempt: u32,
    /// The tasks that aren't ended.
    pub tasks: BTreeSet<TaskIndex>,
    /// When it was sent.
    pub sent: SentTime,
    /// Its task ids; empty: whether it was accepted isn't known.
    pub task_ids: Vec<String>,
    /// Whether an attempt before the last one may have been executed: it got no answer that was certain.
    pub is_doubtful: bool,
}

/// When a request left, by a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentTime {
    /// On the provider's clock, or if that wasn't known on the clock that signed.
    pub at: Timestamp,
    /// Whether it is the provider's.
    pub is_providers: bool,
}

/// Takes records one by one, and gives the state that they hold. Records that contradict what came before are read as the
/// later word.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// The state after the records so far.
    pub past: Past,
    /// In which open batch each task is.
    places: HashMap<(LaneIndex, TaskIndex), BatchNumber>,
    /// Batches that this run sent before it knew the provider's clock.
    unclocked: HashMap<LaneIndex, Vec<BatchNumber>>,
}

impl Replay {
    /// Takes the next record.
    pub(super) fn take(&mut self, record: &Entry) {
        let Self { past, places, unclocked } = self;
        // What follows an end takes up what that left.
        if !matches!(record, Entry::Published | Entry::Continued { .. } | Entry::Clock { .. }) {
            (past.complete, past.as_asked, past.all_final, past.is_published) = (false, false, false, false);
        }
        match record {
            Entry::Collapsed { lane, mode, directories } => {
                past.disown();
                past.collapsed.extend(directories.iter().map(|directory| (*lane, *mode, directory.clone())));
            }
            Entry::Repaired { lane, tasks } => past.repaired.extend(all(tasks).map(|task| (*lane, task))),
            Entry::Opened { .. } => unclocked.clear(),
            Entry::Continued { lanes, .. } => {
                unclocked.clear();
                past.continue_as(lanes);
            }
            Entry::Earlier { lane, task_id, tasks } => {
                past.lanes.entry(*lane).or_default().earlier.add(task_id, all(tasks));
            }
            Entry::Clock { lane: index, ahead } => {
                past.ahead = SignedDuration::from_millis(*ahead);
                let lane = past.lanes.entry(*index).or_default();
                for batch in unclocked.remove(index).into_iter().flatten() {
                    let sent = lane.open.get_mut(&batch).map(|open| &mut open.sent);
                    for sent in sent.into_iter().filter(|sent| !sent.is_providers) {
                        let at = sent.at.checked_add(SignedDuration::from_millis(*ahead)).unwrap_or(sent.at);
                        *sent = SentTime { at, is_providers: true };
                        past.last = Some(at);
                    }
                }
            }
            Entry::Sent { lane: index, batch, operation, mode, attempt, tasks, at, is_provider_time } => {
                past.last = Some(*at);
                if !is_provider_time {
                    unclocked.entry(*index).or_default().push(*batch);
                }
                let lane = past.lanes.entry(*index).or_default();
                // What is open, and has no task ids, got no answer that was certain; nor did a batch that is sent in parts.
                let mut is_doubtful = lane.open.remove(batch).is_some();
                let tasks: BTreeSet<TaskIndex> = all(tasks).collect();
                for &task in &tasks {
                    if let Some(before) = places.insert((*index, task), *batch) {
                        is_doubtful |= lane.open.contains_key(&before);
                        lane.leave(before, task);
                    }
                }
                lane.last_batch = lane.last_batch.max(*batch);
                let (operation, mode, attempt) = (*operation, *mode, *attempt);
                let sent = SentTime { at: *at, is_providers: *is_provider_time };
                let task_ids = Vec::new();
                lane.open.insert(*batch, PastBatch { operation, mode, attempt, tasks, sent, task_ids, is_doubtful });
            }
            Entry::Taken { lane: index, batch, is_done: true, .. } => {
                let lane = past.lanes.entry(*index).or_default();
                let open = lane.open.remove(batch);
                for (task, sent) in open.iter().flat_map(|open| open.tasks.iter().map(|&task| (task, open.sent))) {
                    places.remove(&(*index, task));
                    lane.done.insert(task, None);
                    lane.done_after.insert(task, sent);
                }
            }
            Entry::Taken { lane, batch, task_ids, .. } => {
                if let Some(open) = past.lanes.entry(*lane).or_default().open.get_mut(batch) {
                    open.task_ids.clone_from(task_ids);
                }
            }
            // It is about the last attempt.
            Entry::NotTaken { lane, batch, .. } => {
                past.lanes.entry(*lane).or_default().open.retain(|number, open| number != batch || open.is_doubtful);
            }
            Entry::Ended { lane: index, task, outcome, task_id } => {
                let lane = past.lanes.entry(*index).or_default();
                if matches!(outcome, Outcome::Done) {
                    lane.done.insert(*task, task_id.clone());
                    let sent = places.get(&(*index, *task)).and_then(|batch| Some(lane.open.get(batch)?.sent));
                    lane.done_after.extend(sent.map(|sent| (*task, sent)));
                }
                if matches!(outcome, Outcome::Done | Outcome::Failed(_)) {
                    for id in task_id.iter().flat_map(|ids| ids.split(',')) {
                        lane.ended.add(id, [*task]);
                    }
                }
                if matches!(outcome, Outcome::Done | Outcome::Failed(_))
                    && let Some(batch) = places.remove(&(*index, *task))
                {
                    lane.leave(batch, *task);
                }
            }
            Entry::Closed { at, complete, as_asked, all_final } => {
                past.last = Some(*at);
                (past.complete, past.as_asked, past.all_final) = (*complete, *as_asked, *all_final);
            }
            Entry::Published => past.is_published = true,
        }
    }
}

/// The tasks of ranges.
fn all(ranges: &[[TaskIndex; 2]]) -> impl Iterator<Item = TaskIndex> {
    ranges.iter().flat_map(|[first, last]| *first..=*last)
}

impl Past {
    /// What a run of the same plan has to know that starts over.
    pub(super) fn started_over(&self) -> Self {
        let ids = self.lanes.iter().map(|(&index, lane)| (index, lane.task_ids()));
        let lanes = ids.map(|(index, earlier)| (index, PastLane { earlier, ..PastLane::default() }));
        let lanes = lanes.filter(|(_, lane)| *lane != PastLane::default()).collect();
        let mut past = Self { lanes, ..Self::default() };
        if !self.collapsed.is_empty() {
            past.disown();
        }
        past
    }

    /// What a run has to know that continues this one, with these accounts if they changed. Directories that nothing was sent for
    /// don't count: it decides for itself.
    pub(super) fn continue_as(&mut self, accounts: &[String]) {
        if !accounts.is_empty() {
            self.accounts = accounts.to_vec();
        }
        if !self.collapsed.is_empty() && !self.holds_something() {
            self.collapsed.clear();
            self.disown();
        }
    }

    /// Directories that take the place of URLs, or don't any more, change the places of tasks in the plan: the tasks of all task
    /// ids so far aren't known then.
    pub fn disown(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.earlier.disown();
            lane.ended.disown();
        }
    }

    /// Whether something was accepted, or may have been, that a run which starts over would send twice.
    pub(super) fn holds_something(&self) -> bool {
        self.lanes.values().any(|lane| !lane.done.is_empty() || !lane.open.is_empty())
    }

    /// Whether nothing is left to do but to wait for tasks that `wait` excluded, or to retry failed ones.
    pub(super) fn is_over(&self) -> bool {
        self.as_asked || self.all_final
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
    /// The task ids that the provider has of this run, for one that starts over; if it got none, those of the run before it.
    pub(super) fn task_ids(&self) -> TaskIds {
        let mut ids = self.ended.clone();
        for batch in self.open.values() {
            for id in &batch.task_ids {
                ids.add(id, batch.tasks.iter().copied());
            }
        }
        if ids == TaskIds::default() { self.earlier.clone() } else { ids }
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
