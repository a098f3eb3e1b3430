//! Verification: once a URL's refresh is done it is fetched through the CDN, while the rest of the run proceeds.
//!
//! It changes nothing about the outcome that the provider reported, and sends nothing to the provider: it adds a verdict, with
//! its evidence. What is stale or unreachable is fetched again after a while, since many caches serve the old copy once more.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep};

use super::interrupt::Interrupt;
use crate::client::rate_limit::RateLimiter;
use crate::freshness::{Expected, has_encodings, judge};
use crate::model::{Event, EventKind, LaneIndex, Outcome, TaskIndex, Verdict, Verification};
use crate::plan::Plan;
use crate::provider::Rate;
use crate::provider::edge::{Edge, Fetch};

/// The encodings that a URL is fetched in: caches store them apart, and a refresh may miss one.
const ENCODINGS: [&str; 2] = ["identity", "gzip"];
/// How many URLs are fetched at the same time.
const AT_A_TIME: usize = 4;
/// How many fetches leave in a second.
const RATE: Rate = Rate::per_second(60);
/// The pauses before a URL is fetched again.
const PAUSES: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15)];
/// How long after its acceptance a URL is first fetched where the provider has no status: earlier, this fetch could fill a cache
/// from another that isn't purged yet.
const SETTLING: Duration = Duration::from_secs(2);
/// The most bytes of a body that are read.
const MOST: u64 = 5 * 1024 * 1024;

/// What is verified.
pub struct Verify {
    /// The CDN as visitors reach it.
    pub edge: Rc<dyn Edge>,
    /// The tasks to verify, each with what its URL should serve.
    pub expected: HashMap<(LaneIndex, TaskIndex), Expected>,
}

/// Verifies the URLs of a plan as they are now; nothing is sent to a provider.
pub async fn verify(
    plan: &Plan,
    verify: &Verify,
    started: Timestamp,
    interrupt: Interrupt,
    sink: &mut dyn FnMut(&Event),
) {
    let (begin, sink) = (Instant::now(), RefCell::new(sink));
    let emit = |kind| {
        let elapsed = begin.elapsed();
        let at = started.checked_add(elapsed).unwrap_or(started);
        (sink.borrow_mut())(&Event { at, elapsed, kind });
    };
    emit(EventKind::RunStarted { tasks: plan.len(), resumed: None });
    let verifier = Verifier::new(verify, plan);
    let mut keys: Vec<_> = verify.expected.keys().copied().collect();
    keys.sort_unstable();
    keys.into_iter().for_each(|key| verifier.add(key));
    verifier.close();
    verifier.run(&emit, interrupt.clone()).await;
    if let Some(signal) = interrupt.signal() {
        emit(EventKind::Interrupted { signal });
    }
    emit(EventKind::RunFinished { calls: 0 });
}

/// Verifies the URLs of a run as their refreshes are done.
pub(super) struct Verifier<'v> {
    verify: &'v Verify,
    plan: &'v Plan,
    /// When the first request with a task left.
    sent: RefCell<HashMap<(LaneIndex, TaskIndex), Instant>>,
    /// Those whose refresh is done.
    due: RefCell<Vec<(LaneIndex, TaskIndex)>>,
    /// Whether no more will come.
    is_closed: Cell<bool>,
    news: Notify,
    places: Semaphore,
    limiter: RateLimiter,
}

impl<'v> Verifier<'v> {
    pub(super) fn new(verify: &'v Verify, plan: &'v Plan) -> Self {
        Self {
            verify,
            plan,
            sent: RefCell::default(),
            due: RefCell::default(),
            is_closed: Cell::new(false),
            news: Notify::new(),
            places: Semaphore::new(AT_A_TIME),
            limiter: RateLimiter::new(&RATE),
        }
    }

    /// Learns from an event of the run.
    pub(super) fn hear(&self, event: &EventKind) {
        match event {
            EventKind::BatchStarted { lane, tasks, .. } => {
                let mut sent = self.sent.borrow_mut();
                let wanted =
                    tasks.iter().map(|&task| (*lane, task)).filter(|key| self.verify.expected.contains_key(key));
                wanted.for_each(|key| {
                    sent.entry(key).or_insert_with(Instant::now);
                });
            }
            EventKind::TaskFinished { lane, task, outcome: Outcome::Done, .. } => self.add((*lane, *task)),
            _ => {}
        }
    }

    /// Verifies a task from now on, if it is one to verify.
    pub(super) fn add(&self, key: (LaneIndex, TaskIndex)) {
        if self.verify.expected.contains_key(&key) {
            self.due.borrow_mut().push(key);
            self.news.notify_one();
        }
    }

    /// No more tasks will come.
    pub(super) fn close(&self) {
        self.is_closed.set(true);
        self.news.notify_one();
    }

    /// Verifies until no more tasks come, or a signal does.
    pub(super) async fn run(&self, emit: &dyn Fn(EventKind), mut interrupt: Interrupt) {
        let mut jobs = FuturesUnordered::new();
        loop {
            jobs.extend(self.due.take().into_iter().map(|key| self.verify(key)));
            if self.is_closed.get() && jobs.is_empty() && self.due.borrow().is_empty() {
                return;
            }
            tokio::select! {
                biased;
                _ = interrupt.other_than(None) => return,
                Some(verified) = jobs.next(), if !jobs.is_empty() => emit(verified),
                () = self.news.notified() => {}
            }
        }
    }

    async fn verify(&self, key: (LaneIndex, TaskIndex)) -> EventKind {
        let (index, task) = key;
        let lane = &self.plan.lanes[usize::from(index)];
        let planned = &lane.tasks[task as usize].task;
        let sent = self.sent.borrow().get(&key).copied();
        if sent.is_some() && lane.is_done_when_accepted(planned.operation) {
            sleep(SETTLING).await;
        }
        let mut tries = 1;
        loop {
            let verification = self.fetch(&planned.subject.value, &self.verify.expected[&key], sent, tries).await;
            let may_change = matches!(verification.verdict, Verdict::Stale | Verdict::Unreachable);
            match PAUSES.get(tries as usize - 1).filter(|_| may_change) {
                Some(pause) => sleep(*pause).await,
                None => return EventKind::Verified { lane: index, task, verification },
            }
            tries += 1;
        }
    }

    /// Fetches a URL in each encoding, and gives the worst verdict.
    async fn fetch(&self, url: &str, expected: &Expected, sent: Option<Instant>, tries: u32) -> Verification {
        let _place = self.places.acquire().await.expect("the semaphore is never closed");
        let mut worst: Option<Verification> = None;
        for encoding in ENCODINGS {
            self.limiter.acquire(1).await;
            let answer = self.verify.edge.get(Fetch { url, encoding, most: MOST, keep: 0 }).await;
            let ((verdict, evidence), has_more) = match answer {
                Ok(page) => (judge(&page, expected, sent.map(|sent| sent.elapsed())), has_encodings(&page)),
                Err(why) => ((Verdict::Unreachable, why), false),
            };
            if worst.as_ref().is_none_or(|worst| verdict > worst.verdict) {
                worst = Some(Verification { verdict, evidence, encoding: encoding.to_owned(), tries });
            }
            // Nothing is worse than these.
            if !has_more || matches!(verdict, Verdict::Stale | Verdict::Unreachable) {
                break;
            }
        }
        worst.expect("there is an encoding to fetch in")
    }
}

#[cfg(test)]
mod tests;
