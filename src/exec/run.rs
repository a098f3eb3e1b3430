//! What the lanes of a run share: events, journal, signal, rate limits.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::interrupt::Interrupt;
use super::journal::{Entry, Journal};
use super::options::Options;
use super::verification::Verifier;
use crate::client::connection::Connection;
use crate::client::rate_limit::{RateLimiter, RateLimiters};
use crate::model::{Event, EventKind, LaneIndex, Signal};
use crate::plan;
use crate::provider::{ApiError, CallSpec};

/// The longest time without an event while something is waited for.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// What the lanes of a run share.
pub(super) struct Run<'a> {
    /// How the plan is carried out.
    pub options: &'a Options,
    /// Whether and by what the run was interrupted.
    pub interrupt: Interrupt,
    journal: RefCell<Journal>,
    /// Batches that are about to leave and aren't in the journal yet.
    leaving: RefCell<Vec<Entry>>,
    /// Whose turn it is to leave, first come, first served.
    turn: Mutex<()>,
    /// How many such batches there were, and how many of them are on the disk.
    queued: Cell<u64>,
    synced: Cell<u64>,
    journal_broken: Cell<bool>,
    sink: RefCell<&'a mut dyn FnMut(&Event)>,
    start: Instant,
    /// When the last event was reported.
    silent_since: Cell<Instant>,
    told_interrupted: Cell<bool>,
    /// Lanes of one account share its rates.
    pub limiters: Rc<RateLimiters>,
    calls: Cell<u64>,
    /// The beginning of each batch's reference: of the plan, and of the run that began it.
    reference: String,
    /// What verifies URLs as their refreshes are done.
    pub verifier: Option<Verifier<'a>>,
}

impl<'a> Run<'a> {
    /// A run that begins now, of the plan with this digest.
    pub(super) fn new(
        options: &'a Options,
        plan: &str,
        journal: Journal,
        interrupt: Interrupt,
        sink: &'a mut dyn FnMut(&Event),
    ) -> Self {
        let plan = plan.get(..16).unwrap_or(plan);
        let began = journal.opened().unwrap_or(options.started).as_nanosecond();
        Self {
            reference: format!("cdn-purge-{plan}-{began}"),
            options,
            interrupt,
            journal: RefCell::new(journal),
            leaving: RefCell::default(),
            turn: Mutex::default(),
            queued: Cell::new(0),
            synced: Cell::new(0),
            journal_broken: Cell::new(false),
            sink: RefCell::new(sink),
            start: Instant::now(),
            silent_since: Cell::new(Instant::now()),
            told_interrupted: Cell::new(false),
            limiters: Rc::default(),
            calls: Cell::new(0),
            verifier: None,
        }
    }

    /// Reports an event.
    pub(super) fn emit(&self, kind: EventKind) {
        let elapsed = self.start.elapsed();
        self.silent_since.set(Instant::now());
        let at = self.options.started.checked_add(elapsed).unwrap_or(self.options.started);
        self.verifier.iter().for_each(|verifier| verifier.hear(&kind));
        (self.sink.borrow_mut())(&Event { at, elapsed, kind });
    }

    /// What a future returns; nothing if a signal comes first.
    pub(super) async fn unless_interrupted<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            signal = self.interrupt.other_than(None) => {
                self.report_signal(signal);
                None
            }
            value = future => Some(value),
        }
    }

    /// Reports a signal, once for all lanes.
    pub(super) fn report_signal(&self, signal: Signal) {
        if !self.told_interrupted.replace(true) {
            self.emit(EventKind::Interrupted { signal });
        }
    }

    /// Whether a signal was reported.
    pub(super) fn is_interrupted(&self) -> bool {
        self.told_interrupted.get()
    }

    /// When a lane should break the silence, so that nobody takes the run for dead.
    pub(super) fn silence_ends(&self) -> Instant {
        self.silent_since.get() + SILENCE
    }

    /// Breaks a long silence.
    pub(super) fn report_waiting(&self, lane: LaneIndex, open: usize) {
        if Instant::now() >= self.silence_ends() {
            self.emit(EventKind::Waiting { lane, open });
        }
    }

    /// The rate limiter of a call.
    pub(super) fn limiter(&self, connection: &Connection<'_>, call: &CallSpec) -> Rc<RateLimiter> {
        self.limiters.of(&connection.account, call, &connection.target)
    }

    /// What a vendor may know a batch by; see [`Submission::reference`](crate::provider::Submission). A batch that lost tasks is
    /// another one.
    pub(super) fn reference(&self, lane: LaneIndex, batch: &plan::Batch) -> String {
        format!("{}-{lane}-{}-{}", self.reference, batch.number, batch.tasks.len())
    }

    /// Reports a note.
    pub(super) fn note(&self, text: &str) {
        self.emit(EventKind::Noted { text: text.to_owned() });
    }

    /// Makes one call that changes nothing; see [`Connection::call`].
    ///
    /// # Errors
    /// Those of the call.
    pub(super) async fn ask<T>(
        &self,
        connection: &Connection<'_>,
        call: &CallSpec,
        request: impl AsyncFnOnce() -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let limiter = self.limiter(connection, call);
        let counted = async || {
            self.count_calls(1);
            request().await
        };
        connection.call(&limiter, &|text| self.note(text), counted).await
    }

    /// Counts requests.
    pub(super) fn count_calls(&self, count: u64) {
        self.calls.set(self.calls.get() + count);
    }

    /// How many requests were sent.
    pub(super) fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Writes records to the journal. Once that fails, nothing is sent any more.
    pub(super) fn record(&self, entries: &[Entry]) {
        self.attempt(|journal| journal.write_all(entries));
    }

    /// The same, and they are on the disk when this returns.
    pub(super) fn record_synced(&self, entries: &[Entry]) {
        self.attempt(|journal| journal.write_synced(entries));
    }

    /// Writes the record of a batch that is about to leave, and returns once it's on the disk; `false`: it may not leave.
    ///
    /// All that is due at the same moment is synced at once, by whoever comes first: it waits until the others are here. They
    /// leave in the order in which they came.
    pub(super) async fn record_leaving(&self, entry: Entry) -> bool {
        self.leaving.borrow_mut().push(entry);
        self.queued.set(self.queued.get() + 1);
        let number = self.queued.get();
        let _turn = self.turn.lock().await;
        if self.synced.get() < number {
            tokio::task::yield_now().await;
            let entries = self.leaving.take();
            self.synced.set(self.queued.get());
            self.record_synced(&entries);
        }
        !self.journal_broken.get()
    }

    /// Whether the journal can't be written any more.
    pub(super) fn is_journal_broken(&self) -> bool {
        self.journal_broken.get()
    }

    /// The journal, when the run is over.
    pub(super) fn take_journal(&self) -> Journal {
        self.journal.replace(Journal::none())
    }

    fn attempt(&self, write: impl FnOnce(&mut Journal) -> io::Result<()>) {
        if !self.journal_broken.get() && write(&mut self.journal.borrow_mut()).is_err() {
            self.journal_broken.set(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use futures_util::stream::FuturesUnordered;
    use jiff::Timestamp;

    use super::super::{durations::Durations, interrupt};
    use super::*;
    use crate::config::Wait;
    use crate::model::{Operation, PurgeMode, RefreshKind};

    #[tokio::test]
    async fn batches_that_are_due_together_are_written_together_and_leave_in_their_order() {
        let options = Options {
            wait: Wait::All,
            short_quota: crate::config::ShortQuota::Refuse,
            refresh_timeout: Duration::ZERO,
            prefetch_timeout: Duration::ZERO,
            batch_size: None,
            warm_concurrency: 4,
            sequential: false,
            durations: Durations::default(),
            seed: 1,
            started: Timestamp::UNIX_EPOCH,
        };
        let (_interrupter, interrupt) = interrupt::channel();
        let mut sink = |_: &Event| {};
        let run = Run::new(&options, "plan", Journal::none(), interrupt, &mut sink);
        let entry = |batch| Entry::Sent {
            lane: 0,
            batch,
            operation: Operation::Refresh(RefreshKind::Url),
            mode: PurgeMode::Default,
            attempt: 1,
            tasks: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
            is_provider_time: true,
        };
        let run = &run;
        let leaving: FuturesUnordered<_> = (0..5)
            .map(|batch| async move {
                let may_leave = run.record_leaving(entry(batch)).await;
                (batch, may_leave, run.queued.get(), run.synced.get())
            })
            .collect();
        let left: Vec<_> = leaving.collect().await;
        assert_eq!(left, (0..5).map(|batch| (batch, true, 5, 5)).collect::<Vec<_>>());
    }
}
