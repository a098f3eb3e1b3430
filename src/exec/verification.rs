//! Verification: once a URL's refresh is done it is fetched through the CDN, while the rest of the run proceeds.
//!
//! It changes nothing about the outcome that the provider reported: it adds a verdict, with its evidence. What is stale or unreachable is fetched again after a while, since many caches serve the old copy once more.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow::{self, Break, Continue};
use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::fetch_retries::{all, retried};
use super::interrupt::Interrupt;
use crate::client::rate_limit::RateLimiter;
use crate::freshness::{Before, Expected, has_encodings, judge};
use crate::model::{Event, EventKind, LaneIndex, Outcome, TaskIndex, Verdict, Verification};
use crate::plan::Plan;
use crate::provider::Rate;
use crate::provider::edge::{Edge, Fetch, NoAnswer, Page};

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
/// How much time one host may cost at one edge with fetches that came to nothing, taken together: a minute where four run at a time. The rest
/// of a host that is down isn't fetched, whereas one that refuses connections at once gets all of its tries.
const LOST: Duration = Duration::from_mins(4);

/// A task, by its place in the plan.
type Key = (LaneIndex, TaskIndex);

/// A task, the edge at which it was fetched, and the encoding.
type Fetched = (Key, usize, &'static str);

/// An edge of the CDN.
#[derive(Clone)]
pub struct PointOfPresence {
    /// How reports call it; `None`: the only one, and the nearest to this machine.
    pub name: Option<String>,
    /// The CDN as visitors reach it there.
    pub edge: Rc<dyn Edge>,
}

/// How long verification takes at most once nothing else is left to do: so long, and this for each URL at each edge. An edge that is
/// slow, and answers all the same, could keep a job for hours.
const TIME: Duration = Duration::from_mins(5);
const TIME_EACH: Duration = Duration::from_millis(500);

/// How long the fetches take at most that come before anything is sent.
const BEFORE: Duration = Duration::from_secs(10);

/// What is verified.
pub struct Verify {
    /// The edges at which each URL is fetched; at least one.
    pub edges: Vec<PointOfPresence>,
    /// The tasks to verify, each with what its URL should serve.
    pub expected: HashMap<Key, Expected>,
    /// Those of them that are fetched before anything is sent: what an edge served then shows what the refresh did there.
    pub witnesses: Vec<Key>,
    /// At most so many URLs that are stale are refreshed once more.
    pub most_repairs: usize,
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
    /// When the first request with a task left, by the task that was sent: one that another covers is never sent itself.
    sent: RefCell<HashMap<Key, Instant>>,
    /// What the edges served before anything was sent, by task, edge and encoding.
    before: RefCell<Vec<(Fetched, Before)>>,
    /// Those whose refresh is done.
    due: RefCell<Vec<Key>>,
    /// Those that are stale.
    stale: RefCell<Vec<Key>>,
    /// Set once no more will come: when the time is over.
    until: Cell<Option<Instant>>,
    news: Notify,
    places: Semaphore,
    limiter: RateLimiter,
    /// What each host cost at each edge with fetches that came to nothing, and how the last one ended.
    lost: RefCell<HashMap<(usize, String), (Duration, String)>>,
}

impl<'v> Verifier<'v> {
    pub(super) fn new(verify: &'v Verify, plan: &'v Plan) -> Self {
        Self {
            verify,
            plan,
            sent: RefCell::default(),
            before: RefCell::default(),
            due: RefCell::default(),
            stale: RefCell::default(),
            until: Cell::new(None),
            news: Notify::new(),
            places: Semaphore::new(AT_A_TIME),
            limiter: RateLimiter::new(&RATE),
            lost: RefCell::default(),
        }
    }

    /// Fetches the witnesses at each edge, before anything is sent. What doesn't come in time isn't waited for.
    pub(super) async fn look_before(&self) {
        let edges = 0..self.verify.edges.len();
        let looks = self.verify.witnesses.iter().flat_map(|key| edges.clone().map(move |edge| (*key, edge)));
        let look = async |key, edge| {
            let (url, expected) = (self.url(key), &self.verify.expected[&key]);
            let _place = self.places.acquire().await.expect("the semaphore is never closed");
            for encoding in ENCODINGS {
                let Ok(page) = self.get(edge, Fetch { url, encoding, most: MOST, keep: 0 }).await else { return };
                let before = Before::of(&page, expected);
                self.before.borrow_mut().push(((key, edge, encoding), before));
                if !has_encodings(&page) {
                    return;
                }
            }
        };
        let looks = looks.map(|(key, edge)| look(key, edge).boxed_local());
        // A verdict doesn't depend on them.
        let _ = timeout(BEFORE, all(looks.collect())).await;
    }

    fn url(&self, (lane, task): Key) -> &str {
        &self.plan.lanes[usize::from(lane)].tasks[task as usize].task.subject.value
    }

    /// Learns from an event of the run.
    pub(super) fn hear(&self, event: &EventKind) {
        match event {
            EventKind::BatchStarted { lane, tasks, .. } => {
                let mut sent = self.sent.borrow_mut();
                tasks.iter().for_each(|&task| {
                    sent.entry((*lane, task)).or_insert_with(Instant::now);
                });
            }
            EventKind::TaskFinished { lane, task, outcome: Outcome::Done, .. } => self.add((*lane, *task)),
            _ => {}
        }
    }

    /// Verifies a task from now on, if it is one to verify.
    pub(super) fn add(&self, key: Key) {
        if self.verify.expected.contains_key(&key) {
            self.due.borrow_mut().push(key);
            self.news.notify_one();
        }
    }

    /// No more tasks will come.
    pub(super) fn close(&self) {
        let each = u32::try_from(self.verify.expected.len() * self.verify.edges.len()).unwrap_or(u32::MAX);
        self.until.set(Some(Instant::now() + TIME + TIME_EACH.saturating_mul(each)));
        self.news.notify_one();
    }

    /// Takes the tasks that were found stale.
    pub(super) fn stale(&self) -> Vec<Key> {
        self.stale.take()
    }

    /// Verifies until no more tasks come, or a signal does.
    pub(super) async fn run(&self, emit: &dyn Fn(EventKind), interrupt: Interrupt) {
        let mut jobs = FuturesUnordered::new();
        loop {
            jobs.extend(self.due.take().into_iter().map(|key| self.verify(key)));
            if self.until.get().is_some() && jobs.is_empty() && self.due.borrow().is_empty() {
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

    async fn verify(&self, key: Key) -> EventKind {
        let (index, task) = key;
        let lane = &self.plan.lanes[usize::from(index)];
        let planned = &lane.tasks[task as usize];
        let carrier = planned.covered_by.unwrap_or(task);
        let sent = self.sent.borrow().get(&(index, carrier)).copied();
        if sent.is_some() && lane.is_done_when_accepted(lane.tasks[carrier as usize].task.operation) {
            sleep(SETTLING).await;
        }
        let seen: Vec<OnceCell<Verification>> = self.verify.edges.iter().map(|_| OnceCell::new()).collect();
        let at_each = seen.iter().enumerate().map(|(edge, seen)| {
            let verified = self.verify_at(edge, key, sent);
            async move { drop(seen.set(verified.await)) }.boxed_local()
        });
        all(at_each.collect()).await;
        let seen = seen.into_iter().filter_map(OnceCell::into_inner);
        let verification = seen.reduce(worse).expect("there is an edge to fetch from");
        if verification.verdict == Verdict::Stale {
            self.stale.borrow_mut().push(key);
        }
        EventKind::Verified { lane: index, task, verification }
    }

    /// Verifies a URL at one edge.
    async fn verify_at(&self, edge: usize, key: Key, sent: Option<Instant>) -> Verification {
        let mut tries = 0;
        let attempt = async || {
            tries += 1;
            self.fetch(edge, key, sent, tries).await
        };
        let is_over = |at| self.until.get().is_some_and(|until| at > until);
        let verified = retried(&self.places, &is_over, PAUSES, attempt).await;
        let unfetched = "not fetched: the time for verification was over";
        verified.unwrap_or_else(|| self.seen(edge, Verdict::Undecided, unfetched.to_owned(), ENCODINGS[0], 0))
    }

    /// Fetches a URL in each encoding, and gives the worst verdict; final unless another try may give a better one.
    async fn fetch(
        &self,
        edge: usize,
        key: Key,
        sent: Option<Instant>,
        tries: u32,
    ) -> ControlFlow<Verification, Verification> {
        let (url, expected) = (self.url(key), &self.verify.expected[&key]);
        let mut worst: Option<Verification> = None;
        // Whether another try would give the same.
        let mut is_final = false;
        for encoding in ENCODINGS {
            let mut has_more = true;
            let (verdict, evidence) = match self.get(edge, Fetch { url, encoding, most: MOST, keep: 0 }).await {
                Ok(page) => {
                    has_more = has_encodings(&page);
                    let (verdict, evidence) = judge(&page, expected, sent.map(|sent| sent.elapsed()));
                    let before = self.before.borrow();
                    let before = find(&before, (key, edge, encoding)).filter(|_| verdict == Verdict::Undecided);
                    let same = before.and_then(|before| before.evidence(&page, expected));
                    (verdict, same.unwrap_or(evidence))
                }
                Err(no) => {
                    is_final |= !no.may_pass;
                    (Verdict::Unreachable, no.why)
                }
            };
            let next = self.seen(edge, verdict, evidence, encoding, tries);
            worst = Some(match worst {
                Some(worst) => worse(worst, next),
                None => next,
            });
            // Nothing is worse than stale.
            if is_final || !has_more || verdict == Verdict::Stale {
                break;
            }
        }
        let mut worst = worst.expect("there is an encoding to fetch in");
        let before = self.before.borrow();
        let was_old = |encoding| find(&before, (key, edge, encoding)).map(|before| before.is_old);
        worst.was_old = ENCODINGS.into_iter().filter_map(was_old).max();
        match worst.verdict {
            Verdict::Stale | Verdict::Unreachable if !is_final => Continue(worst),
            _ => Break(worst),
        }
    }

    fn seen(&self, edge: usize, verdict: Verdict, evidence: String, encoding: &str, tries: u32) -> Verification {
        let edge = self.verify.edges[edge].name.clone();
        Verification {
            verdict,
            evidence,
            edge,
            encoding: encoding.to_owned(),
            tries,
            was_old: None,
            refreshed_again: false,
        }
    }

    /// Fetches once at an edge, unless the host has cost too much time there already.
    async fn get(&self, edge: usize, fetch: Fetch<'_>) -> Result<Page, NoAnswer> {
        let host = Url::parse(fetch.url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let place = (edge, host);
        if let Some((lost, why)) = self.lost.borrow().get(&place)
            && *lost >= LOST
        {
            return Err(NoAnswer::refused(format!("not fetched, since `{}` is down: {why}", place.1)));
        }
        self.limiter.acquire(1).await;
        let began = Instant::now();
        let answer = self.verify.edges[edge].edge.get(fetch).await;
        let failure = match &answer {
            Ok(page) => page.is_failure().then(|| page.status_word()),
            Err(no) => no.may_pass.then(|| no.why.clone()),
        };
        if let Some(failure) = failure {
            let mut lost = self.lost.borrow_mut();
            let (time, why) = lost.entry(place).or_default();
            *time += began.elapsed();
            *why = failure;
        }
        answer
    }
}

/// What was seen in this fetch; there are few.
fn find(before: &[(Fetched, Before)], fetched: Fetched) -> Option<&Before> {
    before.iter().find(|(other, _)| *other == fetched).map(|(_, before)| before)
}

/// The worse one, or the first.
fn worse(first: Verification, next: Verification) -> Verification {
    let was_old = first.was_old.max(next.was_old);
    let worse = if next.verdict > first.verdict { next } else { first };
    Verification { was_old, ..worse }
}

#[cfg(test)]
mod tests;
