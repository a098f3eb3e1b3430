//! When to ask how far tasks are: many ids in one call, at times that follow how long tasks take.
//!
//! The time between two looks grows with the age of a task, so that the delay is a small part of its duration whatever that
//! is, with few calls. What ended already in this run tells how long the others will take at least.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::BatchNumber;

/// The time between two looks, as a share of the task's age: the delay of a verdict stays below it.
const SHARE: f64 = 0.08;
/// The shortest and the longest time between two looks.
const BOUNDS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// The first look.
const FIRST: Duration = Duration::from_secs(1);
/// The last look is so long before a task's time is over: its answer must be here by then, and others may wait for their
/// turn too. Of a short time it is a tenth.
const LAST: Duration = Duration::from_secs(3);
/// Rows that one answer should hold at most.
const ROWS: usize = 5_000;

/// A task id that is followed.
#[derive(Debug)]
struct Followed {
    batches: Vec<BatchNumber>,
    /// How many batches it ever stood for.
    submissions: usize,
    prefetch: bool,
    since: Instant,
    next: Instant,
    asking: bool,
    /// Asked for in a call of its own: a call with others was refused.
    alone: bool,
    rows: usize,
    settled: Option<Settled>,
}

/// What a task id came to, once each of its rows has ended.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    /// Whether there are no more rows than batches: then a row stands for all addresses of its batch.
    pub(super) is_row_per_batch: bool,
    /// The description of a row that failed.
    pub(super) failure: Option<String>,
}

/// All task ids of a lane that are followed.
#[derive(Debug, Default)]
pub(super) struct Poll {
    ids: HashMap<Rc<str>, Followed>,
    /// Those that aren't being asked for, by the time they are due.
    waiting: BTreeSet<(Instant, Rc<str>)>,
    /// The shortest time that a refresh, and a prefetch, took in this run.
    fastest: [Option<Duration>; 2],
    /// How long a refresh, and a prefetch, is waited for.
    timeouts: [Duration; 2],
}

impl Poll {
    /// Follows nothing yet; a refresh, and a prefetch, will be waited for so long.
    pub(super) fn new(timeouts: [Duration; 2]) -> Self {
        Self { timeouts, ..Self::default() }
    }

    /// Follows an id for a batch of so many addresses.
    pub(super) fn follow(&mut self, id: &str, batch: BatchNumber, size: usize, prefetch: bool, now: Instant) {
        let learned = self.fastest[usize::from(prefetch)].map_or(FIRST, |fastest| fastest.mul_f64(0.95));
        let last = last_look(self.timeouts[usize::from(prefetch)]);
        let first = if last.is_zero() { learned } else { learned.min(last) };
        let id: Rc<str> = id.into();
        let followed = self.ids.entry(Rc::clone(&id)).or_insert_with(|| {
            let next = now + first;
            self.waiting.insert((next, id));
            Followed {
                batches: Vec::new(),
                submissions: 0,
                prefetch,
                since: now,
                next,
                asking: false,
                alone: false,
                rows: 0,
                settled: None,
            }
        });
        followed.batches.push(batch);
        followed.submissions += 1;
        followed.rows += size;
        // What its rows said was said before this batch.
        followed.settled = None;
    }

    /// No longer follows an id for a batch.
    pub(super) fn leave(&mut self, id: &str, batch: BatchNumber) {
        if let Some(followed) = self.ids.get_mut(id) {
            followed.batches.retain(|&other| other != batch);
            if followed.batches.is_empty()
                && let Some((id, followed)) = self.ids.remove_entry(id)
            {
                self.waiting.remove(&(followed.next, id));
            }
        }
    }

    /// The batches that an id is followed for.
    pub(super) fn batches(&self, id: &str) -> &[BatchNumber] {
        self.ids.get(id).map_or(&[], |followed| &followed.batches)
    }

    /// How many batches an id that is followed ever stood for.
    pub(super) fn submissions(&self, id: &str) -> Option<usize> {
        self.ids.get(id).map(|followed| followed.submissions)
    }

    /// Each of so many rows of an id has ended.
    pub(super) fn settle(&mut self, id: &str, rows: usize, failure: Option<String>) {
        if let Some(followed) = self.ids.get_mut(id) {
            followed.settled = Some(Settled { is_row_per_batch: rows <= followed.submissions, failure });
        }
    }

    /// What an id came to.
    pub(super) fn settled(&self, id: &str) -> Option<&Settled> {
        self.ids.get(id)?.settled.as_ref()
    }

    /// Asks for these ids one by one from now on.
    pub(super) fn part(&mut self, ids: &[String]) {
        for id in ids {
            if let Some(followed) = self.ids.get_mut(&**id) {
                followed.alone = true;
            }
        }
    }

    /// The ids to ask for in one call now: those that are due, and with them those that soon will be. They count as asked
    /// until [`Poll::asked`].
    pub(super) fn due(&mut self, most: usize, now: Instant) -> Option<Vec<String>> {
        self.waiting.first().filter(|(next, _)| *next <= now)?;
        let mut rows = 0;
        let mut due: Vec<(Instant, Rc<str>)> = Vec::new();
        for (next, id) in self.waiting.iter().take(most * 4) {
            let Some(followed) = self.ids.get(id) else { continue };
            rows += followed.rows;
            let soon = *next <= now + (now - followed.since).mul_f64(SHARE / 2.0);
            if !soon || due.len() >= most || (rows > ROWS && !due.is_empty()) {
                break;
            }
            if followed.alone && !due.is_empty() {
                continue;
            }
            due.push((*next, Rc::clone(id)));
            if followed.alone {
                break;
            }
        }
        for place in &due {
            self.waiting.remove(place);
            if let Some(followed) = self.ids.get_mut(&place.1) {
                followed.asking = true;
            }
        }
        Some(due.into_iter().map(|(_, id)| id.to_string()).collect())
    }

    /// The answer for some ids is here; those that are still followed are looked at again, not before `not_before`.
    pub(super) fn asked(&mut self, ids: &[String], not_before: Instant, now: Instant) {
        for id in ids {
            let Some(followed) = self.ids.get_mut(&**id).filter(|followed| followed.asking) else { continue };
            followed.asking = false;
            let wait = (now - followed.since).mul_f64(SHARE).clamp(BOUNDS.0, BOUNDS.1);
            let fastest = self.fastest[usize::from(followed.prefetch)];
            let learned = fastest.map_or(now, |fastest| followed.since + fastest.mul_f64(0.95));
            let last = followed.since + last_look(self.timeouts[usize::from(followed.prefetch)]);
            followed.next = (now + wait).max(learned);
            if now < last {
                // A task that ends between two looks would be told as unknown if the second came too late.
                followed.next = followed.next.min(last);
            }
            followed.next = followed.next.max(not_before);
            self.waiting.insert((followed.next, id.as_str().into()));
        }
    }

    /// A task took this long from its acceptance to the verdict.
    pub(super) fn learn(&mut self, prefetch: bool, took: Duration) {
        let fastest = &mut self.fastest[usize::from(prefetch)];
        *fastest = Some(fastest.map_or(took, |fastest| fastest.min(took)));
    }

    /// When the next id is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting.first().map(|(next, _)| *next)
    }
}

/// When to look for the last time, of so long a wait.
fn last_look(timeout: Duration) -> Duration {
    timeout.saturating_sub(LAST.min(timeout / 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn looks_come_at_a_growing_distance_that_stays_a_small_share_of_the_age() {
        let start = Instant::now();
        let mut poll = Poll::default();
        poll.follow("1", 1, 10, false, start);
        let mut looks = 0;
        while let Some(next) = poll.next().filter(|&next| next < start + Duration::from_secs(330)) {
            let ids = poll.due(10, next).unwrap();
            poll.asked(&ids, next, next);
            let gap = poll.next().unwrap() - next;
            assert!(gap <= (next - start).mul_f64(SHARE).max(BOUNDS.0) + Duration::from_millis(1));
            looks += 1;
        }
        assert!((20..80).contains(&looks), "{looks}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_ended_tells_when_the_others_can_end() {
        let start = Instant::now();
        let mut poll = Poll::default();
        poll.learn(false, Duration::from_secs(100));
        poll.follow("1", 1, 10, false, start);
        poll.follow("2", 2, 10, true, start);
        assert_eq!(poll.due(10, start + Duration::from_secs(5)), Some(vec!["2".into()]));
        assert_eq!(poll.next(), Some(start + Duration::from_secs(95)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_asks_for_no_more_ids_and_rows_than_an_answer_should_hold() {
        let start = Instant::now();
        let mut poll = Poll::default();
        for id in 0..25 {
            poll.follow(&format!("{id:02}"), id, 600, false, start);
        }
        let later = start + Duration::from_secs(2);
        assert_eq!(poll.due(10, later).map(|ids| ids.len()), Some(8));
        assert_eq!(poll.due(3, later).map(|ids| ids.len()), Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn an_id_that_spoils_a_call_is_asked_for_alone() {
        let start = Instant::now();
        let mut poll = Poll::default();
        for id in ["1", "2", "3"] {
            poll.follow(id, 1, 10, false, start);
        }
        let later = start + Duration::from_secs(2);
        poll.part(&["1".into(), "2".into()]);
        assert_eq!(poll.due(10, later), Some(vec!["1".into()]));
        assert_eq!(poll.due(10, later), Some(vec!["2".into()]));
        assert_eq!(poll.due(10, later), Some(vec!["3".into()]));
        assert_eq!(poll.due(10, later), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_id_came_to_is_forgotten_when_another_batch_comes_under_it() {
        let start = Instant::now();
        let mut poll = Poll::default();
        poll.follow("1", 1, 10, false, start);
        poll.settle("1", 10, None);
        assert!(!poll.settled("1").unwrap().is_row_per_batch);
        poll.follow("1", 2, 10, false, start);
        assert!(poll.settled("1").is_none());
        poll.settle("1", 2, None);
        assert!(poll.settled("1").unwrap().is_row_per_batch);
    }
}
