//! What a lane knows of its tasks: which wait, which are out, which ended. Values only; time comes in as an argument.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::spelling;
use crate::model::{BatchNumber, Operation, Outcome, RefreshKind, Tag, TaskIndex};
use crate::plan::{Batch, Lane, cut};
use crate::provider::Record;

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Not sent.
    Waiting,
    /// In flight, or sent and not known to be taken.
    Out,
    /// The provider took it in this batch.
    Taken(BatchNumber),
    /// It has its outcome.
    Ended,
}

/// A batch that may be sent.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) batch: Batch,
    /// How often it was sent already.
    pub(super) attempts: u32,
    /// How often of these the records proved that it wasn't taken.
    pub(super) absences: u32,
    pub(super) not_before: Instant,
}

/// A batch that was sent, and of which it isn't known whether the provider took it.
#[derive(Clone, Debug)]
pub(super) struct Uncertain {
    pub(super) batch: Batch,
    pub(super) attempts: u32,
    pub(super) absences: u32,
    pub(super) sent: Instant,
    /// On the provider's clock.
    pub(super) sent_at: Timestamp,
    pub(super) why: String,
    pub(super) next_look: Instant,
    pub(super) looking: bool,
    pub(super) looks: u32,
}

/// A batch that the provider took.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) batch: Batch,
    pub(super) task_ids: Vec<String>,
    pub(super) taken: Instant,
    /// Whether the provider said so itself; else its records show a trace.
    pub(super) acknowledged: bool,
    /// On the provider's clock.
    pub(super) sent_at: Timestamp,
    /// Tasks without an outcome.
    pub(super) open: usize,
    /// When to ask for addresses that no row of its ids names.
    pub(super) next_look: Option<Instant>,
    pub(super) looking: bool,
    pub(super) looks: usize,
}

/// An ended task.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ended {
    pub(super) task: TaskIndex,
    pub(super) outcome: Outcome,
    pub(super) task_id: Option<String>,
}

pub(super) struct LaneState<'a> {
    pub(super) lane: &'a Lane,
    progress: Vec<Progress>,
    /// For each task, how many refreshes must still be done before it.
    blocked: Vec<usize>,
    /// For each refresh, the prefetches behind it.
    behind: HashMap<TaskIndex, Vec<TaskIndex>>,
    by_url: HashMap<&'a str, Vec<TaskIndex>>,
    /// The same, by what an address has in common with all its spellings.
    by_key: HashMap<String, Vec<TaskIndex>>,
    /// For each prefetch, when the pause after the last of its refreshes ends.
    settled: HashMap<TaskIndex, Instant>,
    /// Prefetches whose refreshes are done, by the end of that pause.
    settling: BTreeSet<(Instant, TaskIndex)>,
    /// How long an address needs between its refresh and its prefetch.
    pub(super) prefetch_delay: Duration,
    /// Refreshes by tag, by the tag alone.
    by_tag: HashMap<String, Vec<TaskIndex>>,
    /// Whether a row of the records named a task.
    named: Vec<bool>,
    /// Batches that may be sent, in order.
    pub(super) queue: VecDeque<Pending>,
    /// Prefetches whose refreshes are done, and that are in no batch yet.
    ready: BTreeSet<TaskIndex>,
    pub(super) ready_since: Option<Instant>,
    pub(super) uncertain: BTreeMap<BatchNumber, Uncertain>,
    pub(super) taken: BTreeMap<BatchNumber, Taken>,
    pub(super) open: usize,
    next_batch: BatchNumber,
}

impl<'a> LaneState<'a> {
    /// Everything waits; batch numbers go on after `last_batch`.
    pub(super) fn new(lane: &'a Lane, last_batch: BatchNumber) -> Self {
        let mut behind: HashMap<TaskIndex, Vec<TaskIndex>> = HashMap::new();
        let mut by_url: HashMap<&str, Vec<TaskIndex>> = HashMap::new();
        let mut by_key: HashMap<String, Vec<TaskIndex>> = HashMap::new();
        let mut by_tag: HashMap<String, Vec<TaskIndex>> = HashMap::new();
        for (index, planned) in (0..).zip(&lane.tasks) {
            by_url.entry(&planned.task.url).or_default().push(index);
            by_key.entry(spelling::key(&planned.task.url)).or_default().push(index);
            if planned.task.operation == Operation::Refresh(RefreshKind::Tag)
                && let Ok(tag) = Tag::read(&planned.task.url)
            {
                by_tag.entry(tag.name).or_default().push(index);
            }
            for &refresh in &planned.after {
                behind.entry(refresh).or_default().push(index);
            }
        }
        Self {
            lane,
            progress: vec![Progress::Waiting; lane.tasks.len()],
            blocked: lane.tasks.iter().map(|planned| planned.after.len()).collect(),
            behind,
            settled: HashMap::new(),
            settling: BTreeSet::new(),
            prefetch_delay: lane.target.provider.prefetch_delay(&lane.target.options),
            by_url,
            by_key,
            by_tag,
            named: vec![false; lane.tasks.len()],
            queue: VecDeque::new(),
            ready: BTreeSet::new(),
            ready_since: None,
            uncertain: BTreeMap::new(),
            taken: BTreeMap::new(),
            open: lane.tasks.len(),
            next_batch: last_batch + 1,
        }
    }

    pub(super) fn operation(&self, task: TaskIndex) -> Operation {
        self.lane.tasks[task as usize].task.operation
    }

    pub(super) fn url(&self, task: TaskIndex) -> &'a str {
        &self.lane.tasks[task as usize].task.url
    }

    pub(super) fn is_ended(&self, task: TaskIndex) -> bool {
        self.progress[task as usize] == Progress::Ended
    }

    /// Whether a refresh must still be done before it.
    pub(super) fn is_blocked(&self, task: TaskIndex) -> bool {
        self.blocked[task as usize] > 0
    }

    /// Every task that has no outcome yet.
    pub(super) fn unended(&self) -> Vec<TaskIndex> {
        (0..).zip(&self.progress).filter(|(_, progress)| **progress != Progress::Ended).map(|(task, _)| task).collect()
    }

    /// Queues tasks of one operation for sending: cut into batches, with new numbers.
    pub(super) fn enqueue(&mut self, operation: Operation, tasks: &[TaskIndex], most: Option<usize>, now: Instant) {
        for mut batch in cut::cut(self.lane, operation, tasks, most) {
            batch.number = self.number();
            self.queue.push_back(Pending { batch, attempts: 0, absences: 0, not_before: now });
        }
    }

    /// A new batch number.
    pub(super) fn number(&mut self) -> BatchNumber {
        let number = self.next_batch;
        self.next_batch += 1;
        number
    }

    /// Notes which prefetches may go out: those that no refresh blocks, each once the pause after its refresh is over.
    pub(super) fn release(&mut self, tasks: impl IntoIterator<Item = TaskIndex>, now: Instant) {
        for task in tasks {
            if self.blocked[task as usize] > 0 || self.progress[task as usize] != Progress::Waiting {
                continue;
            }
            match self.settled.get(&task) {
                Some(&at) if at > now => {
                    self.settling.insert((at, task));
                }
                _ => {
                    self.ready.insert(task);
                    self.ready_since.get_or_insert(now);
                }
            }
        }
    }

    /// Notes which pauses are over; whether one is.
    pub(super) fn release_settled(&mut self, now: Instant) -> bool {
        let mut is_over = false;
        while let Some(&(_, task)) = self.settling.first().filter(|(at, _)| *at <= now) {
            self.settling.pop_first();
            self.release([task], now);
            is_over = true;
        }
        is_over
    }

    /// When the next pause is over, of a prefetch that still waits for it.
    pub(super) fn next_settled(&self) -> Option<Instant> {
        let waits = |(_, task): &&(Instant, TaskIndex)| self.progress[*task as usize] == Progress::Waiting;
        self.settling.iter().find(waits).map(|(at, _)| *at)
    }

    /// A refresh was taken so long ago: what prefetches its address keeps the rest of the pause.
    pub(super) fn settle_after(&mut self, refresh: TaskIndex, age: Duration, now: Instant) {
        let pause = self.prefetch_delay.saturating_sub(age);
        if pause.is_zero() {
            return;
        }
        for &prefetch in self.behind.get(&refresh).map_or(&[][..], Vec::as_slice) {
            let settled = self.settled.entry(prefetch).or_insert(now + pause);
            *settled = (now + pause).max(*settled);
        }
    }

    /// The prefetches that are ready, to be cut into batches: all of them, or only as many as fill whole batches.
    pub(super) fn take_ready(&mut self, all: bool, per_batch: usize) -> Vec<TaskIndex> {
        let mut ready = std::mem::take(&mut self.ready);
        ready.retain(|&task| self.progress[task as usize] == Progress::Waiting);
        let count = if all { ready.len() } else { ready.len() - ready.len() % per_batch };
        let mut now = Vec::from_iter(ready);
        self.ready.extend(now.split_off(count));
        if self.ready.is_empty() {
            self.ready_since = None;
        }
        now
    }

    /// The task is in a batch that leaves now; or it doesn't leave after all.
    pub(super) fn mark_out(&mut self, tasks: &[TaskIndex], out: bool) {
        for &task in tasks {
            let progress = &mut self.progress[task as usize];
            if *progress != Progress::Ended {
                *progress = if out { Progress::Out } else { Progress::Waiting };
            }
        }
    }

    /// Tasks of some operations that were not sent.
    pub(super) fn waiting(&self, of: impl Fn(Operation) -> bool) -> Vec<TaskIndex> {
        let tasks = (0..).zip(&self.progress).filter(|(_, progress)| **progress == Progress::Waiting);
        tasks.map(|(task, _)| task).filter(|&task| of(self.operation(task))).collect()
    }

    /// How many prefetches are ready.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The provider took a batch.
    pub(super) fn take(
        &mut self,
        batch: Batch,
        task_ids: Vec<String>,
        sent_at: Timestamp,
        (now, age): (Instant, Duration),
        acknowledged: bool,
    ) {
        let number = batch.number;
        let mut open = 0;
        for &task in &batch.tasks {
            if !self.is_ended(task) {
                self.progress[task as usize] = Progress::Taken(number);
                open += 1;
            }
        }
        let (taken, next_look) = (now, None);
        for &task in &batch.tasks {
            self.settle_after(task, age, now);
        }
        let taken = Taken { batch, task_ids, taken, acknowledged, sent_at, open, next_look, looking: false, looks: 0 };
        self.taken.insert(number, taken);
    }

    /// The tasks that a row of the records speaks of: of its address, and taken in one of these batches. They count as named.
    pub(super) fn attribute(&mut self, record: &Record, batches: &[BatchNumber]) -> Vec<TaskIndex> {
        let is_under = |task: &TaskIndex| {
            matches!(self.progress[*task as usize], Progress::Taken(batch) if batches.contains(&batch))
                && spelling::fits(self.operation(*task), record)
        };
        let mut tasks: Vec<TaskIndex> = self.spelled(&record.url).iter().copied().filter(is_under).collect();
        if tasks.is_empty() {
            // Some row may stand for several addresses.
            let all = spelling::several(&record.url).flat_map(|url| self.spelled(url));
            tasks.extend(all.copied().filter(is_under));
        }
        if tasks.is_empty() && !self.by_tag.is_empty() {
            // A row of one of our ids may name its tags alone.
            let all = record.url.split(',').filter_map(|tag| self.by_tag.get(tag.trim())).flatten();
            tasks.extend(all.copied().filter(is_under));
        }
        for &task in &tasks {
            self.named[task as usize] = true;
        }
        tasks
    }

    /// The tasks of an address, spelled exactly so; if there are none, of the one that is spelled most like it.
    fn spelled(&self, url: &str) -> &[TaskIndex] {
        let nearest = || {
            let alike = self.by_key.get(&spelling::key(url))?;
            let address = spelling::nearest(url, alike.iter().map(|&task| self.url(task)))?;
            self.by_url.get(address)
        };
        self.by_url.get(url).or_else(nearest).map_or(&[], Vec::as_slice)
    }

    /// Whether a row is about the address and the operation of a task.
    pub(super) fn is_about(&self, record: &Record, task: TaskIndex) -> bool {
        let mut urls = std::iter::once(&*record.url).chain(spelling::several(&record.url));
        spelling::fits(self.operation(task), record) && urls.any(|url| self.spelled(url).contains(&task))
    }

    /// The batch that a task was taken in.
    pub(super) fn batch_of(&self, task: TaskIndex) -> Option<BatchNumber> {
        match self.progress[task as usize] {
            Progress::Taken(batch) => Some(batch),
            _ => None,
        }
    }

    /// Tasks of a taken batch that have no outcome yet.
    pub(super) fn open_of(&self, batch: BatchNumber) -> Vec<TaskIndex> {
        let tasks = self.taken.get(&batch).map_or(&[][..], |taken| &taken.batch.tasks);
        tasks.iter().copied().filter(|&task| self.progress[task as usize] == Progress::Taken(batch)).collect()
    }

    /// A taken batch whose tasks have all ended, which is forgotten.
    pub(super) fn closed(&mut self, batch: BatchNumber) -> Option<Taken> {
        self.taken.get(&batch).filter(|taken| taken.open == 0)?;
        self.taken.remove(&batch)
    }

    /// Those of them that no row has named.
    pub(super) fn unnamed_of(&self, batch: BatchNumber) -> Vec<TaskIndex> {
        self.open_of(batch).into_iter().filter(|&task| !self.named[task as usize]).collect()
    }

    /// Gives a task its outcome (`id`: under which of its batch's ids, if that is known), and those that can't follow it theirs. What already has one keeps it: the first verdict
    /// stands, whatever a later row says.
    pub(super) fn end(&mut self, task: TaskIndex, outcome: Outcome, id: Option<&str>, now: Instant) -> Vec<Ended> {
        if self.is_ended(task) {
            return Vec::new();
        }
        let mut task_id = None;
        if let Progress::Taken(batch) = self.progress[task as usize]
            && let Some(taken) = self.taken.get_mut(&batch)
        {
            taken.open -= 1;
            task_id = Some(id.map_or_else(|| taken.task_ids.join(","), str::to_owned));
        }
        self.progress[task as usize] = Progress::Ended;
        self.open -= 1;
        let done = outcome == Outcome::Done;
        let left_behind = Outcome::Unsubmitted(format!("its refresh isn't done: {}", outcome.name()));
        let mut ended = vec![Ended { task, outcome, task_id }];
        for prefetch in self.behind.remove(&task).unwrap_or_default() {
            if done {
                self.blocked[prefetch as usize] -= 1;
                self.release([prefetch], now);
            } else {
                ended.extend(self.end(prefetch, left_behind.clone(), None, now));
            }
        }
        ended
    }
}
