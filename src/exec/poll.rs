//! When to ask how far tasks are: many ids in one call, at times that follow how long tasks take.
//!
//! The time between two looks grows with the age of a task, so that the delay is a small part of its duration whatever that
//! is, with few calls. What ended already in this run tells how long the others will take at least.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::BatchNumber;

/// The time between two looks, as a share of the task's age: the delay of a verdict stays below it.
const SHARE: f64 = 0.08;
/// The shortest and the longest time between two looks.
const BOUNDS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// The first look.
const FIRST: Duration = Duration::from_secs(1);
/// Rows that one answer should hold at most.
const ROWS: usize = 5_000;

/// A task id that is followed.
#[derive(Debug)]
struct Followed {
    batches: Vec<BatchNumber>,
    prefetch: bool,
    since: Instant,
    next: Instant,
    asking: bool,
    rows: usize,
}

/// All task ids of a lane that are followed.
#[derive(Debug, Default)]
pub(super) struct Poll {
    ids: HashMap<String, Followed>,
    /// The shortest time that a refresh, and a prefetch, took in this run.
    fastest: [Option<Duration>; 2],
}

impl Poll {
    /// Follows an id for a batch of so many addresses.
    pub(super) fn follow(&mut self, id: &str, batch: BatchNumber, size: usize, prefetch: bool, now: Instant) {
        let learned = self.fastest[usize::from(prefetch)].map_or(FIRST, |fastest| fastest.mul_f64(0.95));
        let followed = self.ids.entry(id.to_owned()).or_insert_with(|| Followed {
            batches: Vec::new(),
            prefetch,
            since: now,
            next: now + learned,
            asking: false,
            rows: 0,
        });
        followed.batches.push(batch);
        followed.rows += size;
    }

    /// No longer follows an id for a batch.
    pub(super) fn leave(&mut self, id: &str, batch: BatchNumber) {
        if let Some(followed) = self.ids.get_mut(id) {
            followed.batches.retain(|&other| other != batch);
            if followed.batches.is_empty() {
                self.ids.remove(id);
            }
        }
    }

    /// The batches that an id is followed for.
    pub(super) fn batches(&self, id: &str) -> &[BatchNumber] {
        self.ids.get(id).map_or(&[], |followed| &followed.batches)
    }

    /// The ids to ask for in one call now: those that are due, and with them those that soon will be. They count as asked
    /// until [`Poll::asked`].
    pub(super) fn due(&mut self, most: usize, now: Instant) -> Option<Vec<String>> {
        let mut waiting: Vec<(&String, &Followed)> = self.ids.iter().filter(|(_, followed)| !followed.asking).collect();
        waiting.sort_unstable_by_key(|&(id, followed)| (followed.next, id));
        if waiting.first().is_none_or(|(_, first)| first.next > now) {
            return None;
        }
        let mut rows = 0;
        let soon = |followed: &Followed| followed.next <= now + (now - followed.since).mul_f64(SHARE / 2.0);
        let mut due = Vec::new();
        for (id, followed) in waiting.into_iter().take(most) {
            rows += followed.rows;
            if !soon(followed) || (rows > ROWS && !due.is_empty()) {
                break;
            }
            due.push(id.clone());
        }
        for id in &due {
            if let Some(followed) = self.ids.get_mut(id) {
                followed.asking = true;
            }
        }
        Some(due)
    }

    /// The answer for some ids is here; those that are still followed are looked at again, not before `not_before`.
    pub(super) fn asked(&mut self, ids: &[String], not_before: Instant, now: Instant) {
        for id in ids {
            let Some(followed) = self.ids.get_mut(id) else { continue };
            followed.asking = false;
            let wait = (now - followed.since).mul_f64(SHARE).clamp(BOUNDS.0, BOUNDS.1);
            let fastest = self.fastest[usize::from(followed.prefetch)];
            let learned = fastest.map_or(now, |fastest| followed.since + fastest.mul_f64(0.95));
            followed.next = (now + wait).max(not_before).max(learned);
        }
    }

    /// A task took this long from its acceptance to the verdict.
    pub(super) fn learn(&mut self, prefetch: bool, took: Duration) {
        let fastest = &mut self.fastest[usize::from(prefetch)];
        *fastest = Some(fastest.map_or(took, |fastest| fastest.min(took)));
    }

    /// When the next id is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.ids.values().filter(|followed| !followed.asking).map(|followed| followed.next).min()
    }
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
}
