//! When a prefetch may leave: once every refresh before it is done and the pause after the last of them is over.
//!
//! `Blocked(refreshes) → Paused(until) → Ready → Gone (in a batch, or ended)`

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Operation, TaskIndex};
use crate::plan::PlannedTask;

/// What a prefetch waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// So many refreshes.
    Blocked(usize),
    /// The end of the pause.
    Paused(Instant),
    /// A batch.
    Ready,
    /// Nothing: it's in a batch, or ended with so many refreshes left.
    Gone(usize),
}

/// The prefetches of a lane that are in no batch yet.
#[derive(Debug)]
pub(super) struct PrefetchGate {
    waits: HashMap<TaskIndex, Wait>,
    /// For each refresh, the prefetches after it.
    after: HashMap<TaskIndex, Vec<TaskIndex>>,
    /// For each prefetch, the end of the longest pause after its refreshes.
    pauses: HashMap<TaskIndex, Instant>,
    paused: BTreeSet<(Instant, TaskIndex)>,
    /// By popularity.
    ready: BTreeSet<(u32, TaskIndex)>,
    ranks: HashMap<TaskIndex, u32>,
    ready_since: Option<Instant>,
    /// The time between the acceptance of a refresh and its prefetch.
    pub pause: Duration,
}

impl PrefetchGate {
    /// The prefetches among these tasks: all are blocked until [`PrefetchGate::open`].
    pub(super) fn new(tasks: &[PlannedTask], pause: Duration) -> Self {
        let mut after: HashMap<TaskIndex, Vec<TaskIndex>> = HashMap::new();
        let (mut waits, mut ranks) = (HashMap::new(), HashMap::new());
        for (index, planned) in (0..).zip(tasks).filter(|(_, planned)| planned.task.operation == Operation::Prefetch) {
            waits.insert(index, Wait::Blocked(planned.after.len()));
            ranks.insert(index, planned.rank);
            for &refresh in &planned.after {
                after.entry(refresh).or_default().push(index);
            }
        }
        let (pauses, paused, ready) = (HashMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { waits, after, pauses, paused, ready, ranks, ready_since: None, pause }
    }

    /// Lets prefetches without a refresh pass.
    pub(super) fn open(&mut self, now: Instant) {
        let free: Vec<TaskIndex> =
            self.waits.iter().filter(|(_, wait)| **wait == Wait::Blocked(0)).map(|(task, _)| *task).collect();
        free.into_iter().for_each(|task| self.pass(task, now));
    }

    /// A refresh was accepted `age` ago: its prefetches keep the rest of the pause.
    pub(super) fn accepted(&mut self, refresh: TaskIndex, age: Duration, now: Instant) {
        let rest = self.pause.saturating_sub(age);
        for &prefetch in self.after.get(&refresh).filter(|_| !rest.is_zero()).into_iter().flatten() {
            let until = self.pauses.entry(prefetch).or_insert(now + rest);
            *until = (now + rest).max(*until);
        }
    }

    /// A refresh is done.
    pub(super) fn done(&mut self, refresh: TaskIndex, now: Instant) {
        for prefetch in self.after.remove(&refresh).unwrap_or_default() {
            match self.waits.get_mut(&prefetch) {
                Some(Wait::Blocked(refreshes)) => {
                    *refreshes -= 1;
                    if *refreshes == 0 {
                        self.pass(prefetch, now);
                    }
                }
                Some(Wait::Gone(refreshes)) => *refreshes = refreshes.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// A refresh won't be done: the prefetches that can't leave any more.
    pub(super) fn not_done(&mut self, refresh: TaskIndex) -> Vec<TaskIndex> {
        let mut after = self.after.remove(&refresh).unwrap_or_default();
        after.retain(|task| self.is_waiting(*task));
        after
    }

    /// A prefetch is in a batch, or has ended.
    pub(super) fn remove(&mut self, task: TaskIndex) {
        let Some(wait) = self.waits.get_mut(&task) else { return };
        let before = std::mem::replace(wait, Wait::Gone(0));
        match before {
            Wait::Blocked(refreshes) | Wait::Gone(refreshes) => *wait = Wait::Gone(refreshes),
            Wait::Paused(until) => drop(self.paused.remove(&(until, task))),
            Wait::Ready => drop(self.ready.remove(&(self.ranks[&task], task))),
        }
        if self.ready.is_empty() {
            self.ready_since = None;
        }
    }

    /// A prefetch isn't wanted in this run, whatever becomes of its refreshes.
    pub(super) fn leave_out(&mut self, task: TaskIndex) {
        self.remove(task);
        self.waits.remove(&task);
    }

    /// Ends pauses whose time is over; whether one was.
    pub(super) fn end_pauses(&mut self, now: Instant) -> bool {
        let mut is_over = false;
        while let Some(&(_, task)) = self.paused.first().filter(|(until, _)| *until <= now) {
            self.paused.pop_first();
            self.pass(task, now);
            is_over = true;
        }
        is_over
    }

    /// When the next pause ends.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.paused.first().map(|(until, _)| *until)
    }

    /// How many are ready, and since when.
    pub(super) fn ready(&self) -> Option<(usize, Instant)> {
        self.ready_since.map(|since| (self.ready.len(), since))
    }

    /// Takes those that are ready: all, or only as many as fill whole batches.
    pub(super) fn take_ready(&mut self, all: bool, per_batch: usize) -> Vec<TaskIndex> {
        let count = if all { self.ready.len() } else { self.ready.len() - self.ready.len() % per_batch };
        let taken: Vec<TaskIndex> = self.ready.iter().map(|&(_, task)| task).take(count).collect();
        taken.iter().for_each(|&task| self.remove(task));
        taken
    }

    /// Whether it is in no batch and hasn't ended.
    pub(super) fn is_waiting(&self, task: TaskIndex) -> bool {
        self.waits.get(&task).is_some_and(|wait| !matches!(wait, Wait::Gone(_)))
    }

    /// Whether a refresh before it isn't done.
    pub(super) fn is_blocked(&self, task: TaskIndex) -> bool {
        matches!(self.waits.get(&task), Some(Wait::Blocked(1..) | Wait::Gone(1..)))
    }

    fn pass(&mut self, task: TaskIndex, now: Instant) {
        let wait = match self.pauses.get(&task) {
            Some(&until) if until > now => {
                self.paused.insert((until, task));
                Wait::Paused(until)
            }
            _ => {
                self.ready.insert((self.ranks[&task], task));
                self.ready_since.get_or_insert(now);
                Wait::Ready
            }
        };
        self.waits.insert(task, wait);
    }
}
