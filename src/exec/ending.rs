//! How tasks of a lane end without the provider's verdict: their time is over, their operation is stopped, a signal came.

use std::time::Duration;

use tokio::time::Instant;

use super::journal::Entry;
use super::lane::{LaneRun, class};
use super::state::{Ended, Uncertain};
use crate::model::{BatchNumber, EventKind, Operation, Outcome, Signal, StopCause, TaskIndex};

/// How long requests in flight may still take after a signal. A runner kills 7.5 s after SIGINT and 2.5 s after SIGTERM.
/// (actions/runner 2.336.0)
const GRACE: [(Signal, Duration); 2] =
    [(Signal::Interrupt, Duration::from_secs(3)), (Signal::Terminate, Duration::from_millis(500))];

impl LaneRun<'_> {
    /// Ends tasks whose time is over, and what a signal leaves.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.shared.journal_broken.get() && !self.state.queue.is_empty() {
            self.stop(None, StopCause::Journal, "the journal can't be written any more, so nothing more may be sent");
        }
        if let Some((signal, until)) = self.interrupted
            && (now >= until || self.submitting == 0)
        {
            let why = super::interrupted_by(signal);
            for task in self.state.unended() {
                self.end(
                    task,
                    Outcome::Unknown(format!(
                        "{why} before its outcome was known; a run with the same `journal` goes on from here"
                    )),
                );
            }
            return;
        }
        let late = |(batch, taken): (&BatchNumber, &super::state::Taken)| {
            (now >= taken.taken + self.timeout(taken.batch.operation)).then_some((*batch, taken.batch.operation))
        };
        let late: Vec<(BatchNumber, Operation)> = self.state.taken.iter().filter_map(late).collect();
        for (batch, operation) in late {
            let waited = self.timeout(operation);
            for task in self.state.open_of(batch) {
                self.end(task, Outcome::Unknown(format!("it wasn't finished {waited:?} after the provider took it")));
            }
        }
        for operation in Operation::ALL {
            if self.stuck_at(operation).is_some_and(|at| now >= at) {
                let last = self.last_refusal.get(&operation).map(|why| format!("; the last time: {why}"));
                let why =
                    format!("the time to wait passed without the provider taking a batch{}", last.unwrap_or_default());
                self.stop(Some(operation), StopCause::Deadline, &why);
                self.give_up_all(operation, &why);
            }
        }
    }

    /// When the provider will have taken nothing of an operation for too long, although something of it is to be sent.
    fn stuck_at(&self, operation: Operation) -> Option<Instant> {
        // With `sequential` it is we who wait, as long as a batch that was taken isn't done.
        let is_our_turn = !self.shared.options.sequential || self.state.taken.is_empty();
        let is_wanted = is_our_turn && self.has_unsent(operation);
        is_wanted.then(|| self.progress[class(operation)] + self.timeout(operation))
    }

    pub(super) fn has_unsent(&self, operation: Operation) -> bool {
        let queued = self.state.queue.iter().any(|pending| pending.batch.operation == operation);
        queued || self.state.uncertain.values().any(|uncertain| uncertain.batch.operation == operation)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let taken = self.state.taken.values().map(|taken| taken.taken + self.timeout(taken.batch.operation));
        taken.chain(Operation::ALL.into_iter().filter_map(|operation| self.stuck_at(operation))).min()
    }

    fn timeout(&self, operation: Operation) -> Duration {
        match operation {
            Operation::Refresh(_) => self.shared.options.refresh_timeout,
            Operation::Prefetch => self.shared.options.prefetch_timeout,
        }
    }

    /// Nothing more is submitted; what is in flight gets a little time.
    pub(super) fn interrupt(&mut self, signal: Signal, now: Instant) {
        self.shared.tell_interrupted(signal);
        let grace = GRACE.iter().find(|(of, _)| *of == signal).map_or(Duration::ZERO, |(_, grace)| *grace);
        // A second signal is a warning, and gives no more time than the first one left.
        let until = self.interrupted.map_or(now + grace, |(_, until)| until.min(now + grace));
        self.interrupted = Some((signal, until));
        self.stop(None, StopCause::Interrupted, super::interrupted_by(signal));
        for operation in Operation::ALL {
            self.give_up_all(operation, super::interrupted_by(signal));
        }
    }

    /// Submits nothing more for an operation, or for any: what waits ends as unsubmitted. What is uncertain stays so until
    /// the records tell, and isn't sent again.
    pub(super) fn stop(&mut self, operation: Option<Operation>, cause: StopCause, why: &str) {
        let stops = |other: Operation| operation.is_none_or(|operation| operation == other);
        let news = Operation::ALL.into_iter().filter(|&other| stops(other) && !self.stopped.contains_key(&other));
        let news: Vec<Operation> = news.collect();
        if news.is_empty() {
            return;
        }
        // Who refuses the keys isn't asked again: some lock a key that comes with a wrong signature too often.
        self.quota_was_read &= cause != StopCause::Credentials;
        self.shared.emit(EventKind::LaneStopped { lane: self.index, operation, cause, why: why.to_owned() });
        self.stopped.extend(news.iter().map(|&other| (other, why.to_owned())));
        self.state.queue.retain(|pending| !stops(pending.batch.operation));
        for task in self.state.waiting(stops) {
            self.end(task, Outcome::Unsubmitted(why.to_owned()));
        }
    }

    /// The records aren't asked any longer for what is uncertain of an operation.
    pub(super) fn give_up_all(&mut self, operation: Operation, why: &str) {
        let of =
            |(batch, uncertain): (&BatchNumber, &Uncertain)| (uncertain.batch.operation == operation).then_some(*batch);
        let doubtful: Vec<BatchNumber> = self.state.uncertain.iter().filter_map(of).collect();
        for batch in doubtful {
            if let Some(uncertain) = self.state.uncertain.remove(&batch) {
                self.give_up(&uncertain, why);
            }
        }
    }

    /// Nobody will tell any more whether a batch was taken.
    pub(super) fn give_up(&mut self, uncertain: &Uncertain, why: &str) {
        for &task in &uncertain.batch.tasks {
            self.end(
                task,
                Outcome::Unknown(format!("whether the provider took it isn't known: {}; {why}", uncertain.why)),
            );
        }
    }

    /// Gives a task its outcome; what waited for it and can't follow gets its own.
    pub(super) fn end(&mut self, task: TaskIndex, outcome: Outcome) {
        self.end_under(task, outcome, None);
    }

    /// The same, where the provider said which of a batch's ids the task is under.
    pub(super) fn end_under(&mut self, task: TaskIndex, outcome: Outcome, id: Option<&str>) {
        let now = Instant::now();
        let batch = self.state.batch_of(task);
        let ended = self.state.end(task, outcome, id, now);
        if let Some(closed) = batch.and_then(|batch| self.state.closed(batch)) {
            for id in &closed.task_ids {
                self.poll.leave(id, closed.batch.number);
            }
            if self.shared.options.sequential {
                // Whatever waited for this batch, of either class, couldn't be taken before.
                self.progress = [now, now];
            }
        }
        for ended in ended {
            self.tell(ended);
        }
    }

    /// Whether a task isn't done because nobody wants to wait for it: it was taken and isn't followed, or it is a prefetch whose
    /// refresh wasn't done by then.
    fn is_left(&self, task: TaskIndex, outcome: &Outcome, was_taken: bool) -> bool {
        let operation = self.state.operation(task);
        match outcome {
            _ if self.follows(operation) => false,
            Outcome::Unknown(_) => was_taken,
            Outcome::Unsubmitted(_) => self.state.is_blocked(task) && !self.stopped.contains_key(&operation),
            Outcome::Done | Outcome::Failed(_) => false,
        }
    }

    pub(super) fn tell(&self, ended: Ended) {
        let Ended { task, outcome, task_id } = ended;
        let is_left = self.is_left(task, &outcome, task_id.is_some());
        self.shared.note_outcome(&outcome, is_left, self.state.is_blocked(task));
        self.shared.record(&Entry::Ended {
            lane: self.index,
            task,
            // A server's words may repeat a secret; they go to the report alone, which is redacted.
            outcome: outcome.without_reason(),
            task_id: task_id.clone(),
        });
        self.shared.emit(EventKind::TaskFinished { lane: self.index, task, outcome, task_id });
    }
}
