//! One target's part of a run: decides what goes out next, waits for whatever comes first, and ends every task.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use super::follow::Reading;
use super::journal::PastLane;
use super::poll::Poll;
use super::requests::{Answer, Job};
use super::state::{LaneState, Pending};
use super::{Beginning, SILENCE, Shared};
use crate::client::connection::Connection;
use crate::client::retry::RetryBudget;
use crate::model::{EventKind, LaneIndex, Moment, Operation, Outcome, Signal, StopCause, TaskIndex};
use crate::plan::{Batch, Lane, cut};
use crate::provider::http::READ_TIMEOUT;
use crate::provider::{OperationSpec, Spec};

/// Requests that change something, in flight at the same time. 50 calls a second over an ocean (250 ms) need 12.5.
const SUBMITS: usize = 16;
/// Questions in flight at the same time.
const QUESTIONS: usize = 8;
/// A lane while it runs.
pub(super) struct LaneRun<'a> {
    pub(super) index: LaneIndex,
    pub(super) spec: &'static Spec,
    pub(super) connection: &'a Connection,
    pub(super) shared: &'a Shared<'a>,
    pub(super) state: LaneState<'a>,
    pub(super) poll: Poll,
    /// Of refreshes, and of prefetches.
    pub(super) budgets: [RetryBudget; 2],
    pub(super) random: fastrand::Rng,
    /// Operations that nothing is submitted for any more, and why.
    pub(super) stopped: HashMap<Operation, String>,
    /// Operations that nothing is submitted for before this.
    pub(super) held: HashMap<Operation, Instant>,
    /// Why the last batch of an operation wasn't taken, until one is.
    pub(super) last_refusal: HashMap<Operation, String>,
    /// The largest batch that the provider was seen to take, where it takes less than its documentation says.
    pub(super) largest: HashMap<Operation, usize>,
    /// Operations that the provider took something of.
    pub(super) was_taken: HashSet<Operation>,
    /// Addresses that were refused alone.
    pub(super) refused_alone: usize,
    /// Since when no submission reached the provider at all.
    pub(super) unreachable_since: Option<Instant>,
    pub(super) clock_corrections: u32,
    pub(super) clock_corrected: Option<Instant>,
    pub(super) submitting: usize,
    pub(super) asking: usize,
    /// When a batch of refreshes, and of prefetches, last was taken, or could first be after something else kept it back.
    pub(super) progress: [Instant; 2],
    pub(super) interrupted: Option<(Signal, Instant)>,
    pub(super) quota_was_read: bool,
    /// Whether the provider knew the keys. Until then one request goes out at a time: some lock a key that comes with a wrong
    /// signature too often.
    pub(super) proved: bool,
    /// Whether it was said that prefetches wait for the pause after their refreshes.
    told_settling: bool,
    /// Why taken tasks can't be followed, when the provider won't say how far they are.
    pub(super) blind: Option<String>,
    /// Whether the records are asked how far tasks are, since the call for that can't be made.
    pub(super) listing: bool,
    /// Whether the records are asked without a time range, since they refused one.
    pub(super) timeless: bool,
    /// Whether the provider was seen to keep one row for each batch.
    pub(super) row_per_batch: bool,
    /// Whether the provider was seen to keep more rows than batches under an id: then a row speaks for its address alone.
    pub(super) row_per_address: bool,
    /// Questions that go on with the next page.
    pub(super) pages: Vec<Reading>,
    /// Questions in a row that failed.
    pub(super) failed_questions: u32,
}

impl<'a> LaneRun<'a> {
    pub(super) fn new(
        index: LaneIndex,
        lane: &'a Lane,
        connection: &'a Connection,
        shared: &'a Shared<'a>,
        past: &PastLane,
        beginning: Beginning,
    ) -> Self {
        let now = Instant::now();
        let mut run = Self {
            index,
            spec: lane.target.provider,
            connection,
            shared,
            state: LaneState::new(lane, past.last_batch),
            poll: Poll::new([shared.options.refresh_timeout, shared.options.prefetch_timeout]),
            budgets: [RetryBudget::full(), RetryBudget::full()],
            random: fastrand::Rng::with_seed(shared.options.seed.wrapping_add(u64::from(index))),
            stopped: HashMap::new(),
            held: HashMap::new(),
            last_refusal: HashMap::new(),
            largest: HashMap::new(),
            was_taken: HashSet::new(),
            refused_alone: 0,
            unreachable_since: None,
            clock_corrections: 0,
            clock_corrected: None,
            submitting: 0,
            asking: 0,
            progress: [now, now],
            interrupted: None,
            quota_was_read: beginning.refusal.is_none(),
            proved: beginning.proved,
            told_settling: false,
            blind: None,
            pages: Vec::new(),
            listing: false,
            timeless: false,
            row_per_batch: false,
            row_per_address: false,
            failed_questions: 0,
        };
        run.prepare(past, beginning, now);
        run
    }

    /// Takes over what an earlier run left, fails what can't be sent, and queues the rest.
    fn prepare(&mut self, past: &PastLane, beginning: Beginning, now: Instant) {
        for (&task, task_id) in &past.done {
            if let Some(&sent) = past.done_after.get(&task) {
                self.state.settle_after(task, self.age(sent), now);
            }
            for mut ended in self.state.end(task, Outcome::Done, None, now) {
                ended.task_id = ended.task_id.or_else(|| task_id.clone());
                self.tell(ended);
            }
        }
        for (&number, open) in &past.open {
            let tasks: Vec<TaskIndex> = open.tasks.iter().copied().filter(|&task| !self.state.is_ended(task)).collect();
            let batch = crate::plan::Batch { number, operation: open.operation, force: open.force, tasks };
            if open.task_ids.is_empty() {
                let why = "an earlier run ended before the answer to this batch came".to_owned();
                self.doubt(
                    Pending { batch, attempts: open.attempt, absences: 0, not_before: now },
                    now,
                    open.sent,
                    why,
                );
            } else {
                self.accept(batch, open.task_ids.clone(), open.sent, now, true);
            }
        }
        let lane = self.state.lane;
        for (task, planned) in (0..).zip(&lane.tasks) {
            if let Some(reason) = &planned.refused {
                self.end(task, Outcome::Failed(reason.clone()));
            }
        }
        if let Some((cause, why)) = beginning.refusal {
            self.stop(None, cause, &why);
            if cause == StopCause::Credentials {
                self.leave_taken(&why);
                Operation::ALL.into_iter().for_each(|operation| self.give_up_all(operation, &why));
            }
            return;
        }
        let fresh = self.state.waiting(|_| true);
        for operation in Operation::ALL {
            let tasks = fresh.iter().copied().filter(|&task| self.state.operation(task) == operation);
            let tasks: Vec<TaskIndex> = tasks.collect();
            match operation {
                Operation::Refresh(_) => self.state.enqueue(operation, &tasks, self.shared.options.batch_size, now),
                Operation::Prefetch => self.state.release(tasks, now),
            }
        }
    }

    /// Runs until every task has its outcome.
    pub(super) async fn run(mut self) {
        let mut jobs: FuturesUnordered<Job<'a>> = FuturesUnordered::new();
        let mut interrupt = self.shared.interrupt.clone();
        loop {
            let now = Instant::now();
            self.expire(now);
            if self.state.open == 0 {
                break;
            }
            self.dispatch(&jobs, now);
            self.shared.tell_waiting(self.index, self.state.open, now);
            let known = self.interrupted.map(|(signal, _)| signal);
            let wake = self.wake(now);
            tokio::select! {
                biased;
                signal = interrupt.other_than(known) => self.interrupt(signal, Instant::now()),
                Some(answer) = jobs.next(), if !jobs.is_empty() => self.absorb(answer, Instant::now()),
                () = sleep_until(wake) => {}
            }
        }
        self.read_quota_again().await;
    }

    /// Starts everything that may start now.
    fn dispatch(&mut self, jobs: &FuturesUnordered<Job<'a>>, now: Instant) {
        self.cut_ready(now);
        while let Some(pending) = self.next_pending(now) {
            self.submitting += 1;
            jobs.push(self.submit(pending));
        }
        for reading in std::mem::take(&mut self.pages) {
            self.asking += 1;
            jobs.push(self.ask_status(reading));
        }
        let questions = self.most(QUESTIONS);
        let ids_per_call = if self.listing { 1 } else { super::tracking(self.spec).status.ids_per_call };
        while self.asking < questions
            && let Some(task_ids) = self.poll.due(ids_per_call, now)
        {
            self.asking += 1;
            jobs.push(self.ask_status(Reading::of(task_ids, self.listing)));
        }
        while self.asking < questions
            && let Some((batch, task, since)) = self.next_look(now)
        {
            self.asking += 1;
            jobs.push(self.look(batch, task, since));
        }
    }

    /// Cuts prefetches that became ready into batches: whole ones at once, the rest when nothing else waits for a slot and
    /// the first has waited as long as a slot takes.
    fn cut_ready(&mut self, now: Instant) {
        let operation = Operation::Prefetch;
        if self.state.release_settled(now) {
            // They couldn't be taken before.
            self.progress[class(operation)] = now;
        }
        if self.state.next_settled().is_some() && !std::mem::replace(&mut self.told_settling, true) {
            let (target, pause) = (&self.state.lane.target.name, self.state.prefetch_delay);
            let text = format!(
                "{target}: prefetches wait until {pause:?} after the refresh of their address was taken (`prefetch-delay`)"
            );
            self.shared.emit(EventKind::Noted { text });
        }
        let Some(limits) = self.spec.operation(operation) else { return };
        let Some(since) = self.state.ready_since else { return };
        if self.stopped.contains_key(&operation) {
            return;
        }
        let most = self.largest_batch(operation);
        let queued = self.state.queue.iter().any(|pending| pending.batch.operation == operation);
        let all = !queued && now >= since + slot(limits);
        if all || cut::is_full(self.spec, operation, self.state.ready(), most) {
            let per_batch = most.map_or(limits.per_call, |most| most.min(limits.per_call)).max(1);
            if !self.has_unsent(operation) {
                // None could be taken while their refreshes weren't done.
                self.progress[class(operation)] = now;
            }
            let tasks = self.state.take_ready(all, per_batch);
            self.state.enqueue(operation, &tasks, most, now);
        }
    }

    pub(super) fn largest_batch(&self, operation: Operation) -> Option<usize> {
        let asked = self.shared.options.batch_size;
        let seen = self.largest.get(&operation).copied();
        asked.into_iter().chain(seen).min()
    }

    fn next_pending(&mut self, now: Instant) -> Option<Pending> {
        let alone = self.shared.options.sequential;
        // One is enough to find out whether the provider can be reached again.
        let submits = if self.unreachable_since.is_some() { 1 } else { self.most(SUBMITS) };
        if self.submitting >= submits || (alone && self.is_busy()) || self.interrupted.is_some() {
            return None;
        }
        let free = |pending: &Pending| {
            let held = self.held.get(&pending.batch.operation).is_some_and(|&until| until > now);
            pending.not_before <= now && !held
        };
        let place = self.state.queue.iter().position(free)?;
        let mut pending = self.state.queue.remove(place)?;
        // The provider was seen to take less than the batch was cut for.
        if let Some(&most) = self.largest.get(&pending.batch.operation)
            && pending.batch.tasks.len() > most
        {
            let rest = pending.batch.tasks.split_off(most);
            let batch = Batch { number: self.state.number(), tasks: rest, ..pending.batch.clone() };
            self.state.queue.insert(place, Pending { batch, ..pending.clone() });
        }
        self.state.mark_out(&pending.batch.tasks, true);
        Some(pending)
    }

    /// Whether a batch is out: with `sequential` the next one waits for it.
    fn is_busy(&self) -> bool {
        self.submitting > 0 || !self.state.taken.is_empty() || !self.state.uncertain.is_empty()
    }

    /// When something can happen that no answer brings.
    fn wake(&self, now: Instant) -> Instant {
        let pending = self.state.queue.iter().map(|pending| {
            let held = self.held.get(&pending.batch.operation).copied().unwrap_or(now);
            pending.not_before.max(held)
        });
        // What waits for room in flight is woken by an answer.
        let pending = pending.filter(|&at| at > now);
        let looks =
            self.state.uncertain.values().filter(|uncertain| !uncertain.looking).map(|uncertain| uncertain.next_look);
        let missing = self.state.taken.values().filter(|taken| !taken.looking).filter_map(|taken| taken.next_look);
        let ready = self
            .state
            .ready_since
            .filter(|_| !self.stopped.contains_key(&Operation::Prefetch))
            .and_then(|since| Some(since + slot(self.spec.operation(Operation::Prefetch)?)));
        let grace = self.interrupted.map(|(_, until)| until);
        let asks = self
            .poll
            .next()
            .into_iter()
            .chain(looks)
            .chain(missing)
            .filter(|&at| at > now || self.asking < self.most(QUESTIONS));
        let all = pending
            .chain(asks)
            .chain(ready.filter(|&at| at > now))
            .chain(self.state.next_settled())
            .chain(grace)
            .chain(self.next_deadline())
            .chain([self.shared.silent_since.get() + SILENCE]);
        // Never a busy loop: what is due already and still stands waits for an answer.
        all.min().unwrap_or(now + SILENCE).max(now + Duration::from_millis(1))
    }

    /// So many requests in flight, or one while the keys aren't known to be good.
    fn most(&self, requests: usize) -> usize {
        if self.proved { requests } else { 1 }
    }

    /// How long ago the provider took what was sent then, at least: its answer may have been on its way for a while.
    pub(super) fn age(&self, sent: Timestamp) -> Duration {
        let age = self.connection.api.server_now().duration_since(sent);
        Duration::try_from(age).unwrap_or_default().saturating_sub(READ_TIMEOUT)
    }

    /// Whether the settings ask to wait for this.
    pub(super) fn follows(&self, operation: Operation) -> bool {
        self.shared.options.wait.follows(operation)
    }

    pub(super) fn answered(&mut self, answer: &Answer) {
        match answer {
            Answer::Held(_) | Answer::Keyless(..) | Answer::Submitted { .. } => self.submitting -= 1,
            Answer::Status { .. } | Answer::Looked { .. } => self.asking -= 1,
        }
    }

    /// The quota after the run, for the report; a provider that won't say is not asked twice.
    async fn read_quota_again(&self) {
        let Some(quota) = self.spec.quota.as_ref().filter(|_| self.quota_was_read && self.interrupted.is_none()) else {
            return;
        };
        let pace = self.shared.pace(self.spec.name, &quota.call);
        let read = async {
            self.shared.ensure_valid(self.connection).await?;
            pace.acquire().await;
            self.shared.count_call();
            self.connection.provider.quota(&*self.connection.api).await
        };
        if let Some(Ok(quota)) = self.shared.unless_interrupted(read).await {
            self.shared.emit(EventKind::QuotaRead { lane: self.index, quota, moment: Moment::After });
        }
    }
}

/// How long a slot of a call takes.
fn slot(limits: &OperationSpec) -> Duration {
    Duration::from_secs_f64(1.0 / limits.call.rate.amount_per_second())
}

/// Refreshes and prefetches are timed apart.
pub(super) fn class(operation: Operation) -> usize {
    usize::from(operation == Operation::Prefetch)
}
