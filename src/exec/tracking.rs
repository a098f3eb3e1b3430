//! How far the accepted tasks are: whom to ask, for which ids, when, and what their rows said.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::durations::{self, ASSUMED_SPREAD, Distribution, Durations, Measurement};
use crate::model::{BatchNumber, Operation};
use crate::provider::{CallSpec, Page, Record, RecordsSpec, Spec, TaskState};

/// The time between two polls, as a share of the task's age: the delay of a verdict stays below it, and is half of it on
/// average.
const SHARE: f64 = 0.08;
/// The same once some rows of an id have ended.
const SHARE_AT_THE_END: f64 = 0.05;
/// The same where nobody knows how long tasks take: of the first id, and of all once something has ended.
const SHARE_WHERE_UNKNOWN: f64 = 0.02;
/// The shortest and the longest time between two polls of a task that is overdue.
const BOUNDS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));
/// The first polls, as shares of the time that the vendor says tasks take, where no run measured it: it may be far from true.
const PROBES: [f64; 3] = [0.1, 0.4, 1.0];
/// The longest time from one poll to the expected end, as a share of the age: an expectation may be wrong.
const LONGEST: f64 = 0.5;
/// The same where the shares at two ages show how far apart tasks end.
const LONGEST_BY_TWO: f64 = 0.7;
/// The last poll is so long before a task times out: its answer must be here by then, and others may wait for their turn too.
/// Of a short timeout it is a tenth.
const LAST: Duration = Duration::from_secs(3);
/// The most rows that one answer should hold.
const ROWS: usize = 5_000;
/// The most pages that are read of one list: what doesn't end isn't a list.
pub(super) const PAGES: u32 = 100;

/// Who says how far tasks are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StatusSource {
    /// The call that takes task ids.
    ByTaskId,
    /// The records, one id at a time, since that call can't be used.
    ByRecords,
    /// Nobody, and why.
    Unavailable(String),
}

/// What a row of a task id covers; no vendor documents it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowShape {
    /// Not seen yet.
    Unknown,
    /// The provider was seen to keep one row for each batch.
    PerBatch,
    /// The provider was seen to keep more rows than batches: a row covers its URL alone.
    PerUrl,
}

/// A query for the status of some ids, with what its pages said so far.
#[derive(Debug, Default)]
pub(super) struct StatusQuery {
    /// The ids.
    pub task_ids: Vec<String>,
    /// Whether the records are queried.
    pub by_records: bool,
    /// Whether the tasks are prefetches, of a provider that tracks them apart.
    pub are_prefetches: bool,
    /// From 1.
    pub page: u32,
    /// How often the page couldn't be had.
    pub failures: u32,
    /// When it may be queried, if not at once.
    pub not_before: Option<Instant>,
    seen: usize,
    rows: HashMap<String, IdRows>,
}

impl StatusQuery {
    /// The call that it is made by.
    pub(super) fn call<'s>(&self, spec: &'s Spec) -> Option<&'s CallSpec> {
        let tracking = spec.tracking_of(self.are_prefetches)?;
        if self.by_records { tracking.records.as_ref().map(RecordsSpec::of_task) } else { Some(&tracking.status) }
    }
}

/// What the rows of an id said.
#[derive(Debug, Default)]
struct IdRows {
    count: usize,
    /// How many of them have ended.
    ended: usize,
    /// The number of batches with this id when the first row came; they end while rows are read.
    batches: Option<usize>,
    is_running: bool,
    failure: Option<String>,
}

/// What follows from a page of a status query.
pub(super) enum AfterPage {
    /// The next page is needed.
    Next(StatusQuery),
    /// The provider doesn't give all rows by id.
    Cut,
    /// Each row of these ids has ended.
    Complete(Vec<String>),
}

/// A task id that is followed.
#[derive(Debug)]
struct Followed {
    batches: Vec<BatchNumber>,
    /// The number of batches that ever had this id.
    submissions: usize,
    class: usize,
    /// When it was accepted, as far as that is known.
    since: Instant,
    /// Since when this run waits for it.
    waited: Instant,
    next: Instant,
    is_asked: bool,
    /// Polled in a call of its own: a call with others was refused.
    alone: bool,
    rows: usize,
    /// Its age at the last poll.
    polled: Duration,
    complete: Option<CompleteRows>,
}

/// A task id whose rows have all ended.
#[derive(Clone, Debug)]
pub(super) struct CompleteRows {
    /// Whether there are no more rows than batches: then a row may cover all URLs of its batch.
    pub is_row_per_batch: bool,
    /// The description of a row that failed.
    pub failure: Option<String>,
}

/// All task ids of a lane that are followed.
#[derive(Debug)]
pub(super) struct Tracking {
    /// Who says how far tasks are.
    pub source: StatusSource,
    /// What a row covers.
    pub row_shape: RowShape,
    spec: &'static Spec,
    ids: HashMap<Rc<str>, Followed>,
    /// Those that aren't being polled, by the time of their next poll.
    waiting: BTreeSet<(Instant, Rc<str>)>,
    /// Refreshes, and prefetches.
    classes: [Class; 2],
}

/// How long refreshes, or prefetches, take.
#[derive(Clone, Debug)]
struct Class {
    /// By the vendor.
    typical: Duration,
    /// By earlier runs.
    usual: Option<Distribution>,
    /// The shortest time in this run.
    fastest: Option<Duration>,
    /// The first id. Where nobody knows how long tasks take, it's polled often, and the others seldom until something has ended.
    scout: Option<Rc<str>>,
    /// The shares that had ended in this run, by age.
    points: Vec<(Duration, f64)>,
    measured: Measurement,
    timeout: Duration,
}

impl Class {
    /// The age at which the tasks of an id should be polled first.
    fn first(&self) -> Duration {
        match (self.fastest, self.usual) {
            (Some(fastest), _) => fastest.mul_f64(0.95),
            (None, Some(usual)) => Duration::from_secs_f64(usual.median),
            (None, None) => self.typical.mul_f64(PROBES[0]),
        }
    }

    /// The age at which an id is polled again that was polled at this age, and at `before`, with this share of its rows ended.
    fn next(&self, (before, age): (Duration, Duration), share: f64, rows: usize, is_scout: bool) -> Duration {
        // Once some have ended, the others will soon; and where nothing is known, they may at any time.
        let step = match self.usual {
            Some(usual) if usual.is_unknown() && (is_scout || self.fastest.is_some()) => SHARE_WHERE_UNKNOWN,
            Some(usual) if usual.is_unknown() => LONGEST,
            _ if share > 0.0 => SHARE_AT_THE_END,
            _ => SHARE,
        };
        let step = age.mul_f64(step).clamp(BOUNDS.0, BOUNDS.1);
        let expected = if share > 0.0 {
            // Some have ended: the shares so far predict when the last will.
            // What was measured is as coarse as the polls were.
            let mut spread = self.usual.map_or(ASSUMED_SPREAD, |usual| usual.spread.min(ASSUMED_SPREAD));
            if self.points.len() == 1 {
                // Not one had ended at the poll before: they are no further apart than that.
                let none = (before, 0.6 / rows.max(1) as f64);
                let most = Distribution::through(&[none, (age, share)], None);
                spread = most.map_or(spread, |most| most.spread.min(spread));
            }
            Distribution::through(&self.points, Some(spread)).map(|found| found.last_of(rows))
        } else if let Some(fastest) = self.fastest {
            Some(fastest.mul_f64(0.95))
        } else if self.usual.is_none() {
            PROBES.iter().map(|share| self.typical.mul_f64(*share)).find(|probe| *probe > age + step)
        } else {
            None
        };
        let expected = expected.unwrap_or_default();
        let longest = match self.points.len() {
            _ if share == 0.0 => Duration::MAX,
            0 | 1 => age.mul_f64(1.0 + LONGEST),
            _ => age.mul_f64(1.0 + LONGEST_BY_TWO),
        };
        expected.min(longest).max(age + step)
    }
}

impl Tracking {
    /// Follows nothing yet; a refresh, and a prefetch, will be waited for so long. Earlier runs measured these durations.
    pub(super) fn new(spec: &'static Spec, timeouts: [Duration; 2], durations: &Durations) -> Self {
        let class = |number: usize| {
            let of = spec.operations.iter().filter(|limits| limits.operation.class() == number);
            Class {
                typical: of.map(|limits| limits.typical).min().unwrap_or_default(),
                usual: durations.of(spec.name, number),
                fastest: None,
                scout: None,
                points: Vec::new(),
                measured: Measurement::default(),
                timeout: timeouts[number],
            }
        };
        Self {
            source: match spec.status() {
                Some(_) => StatusSource::ByTaskId,
                None => StatusSource::Unavailable("the provider accepted it, and it has no status to query".to_owned()),
            },
            row_shape: RowShape::Unknown,
            spec,
            ids: HashMap::new(),
            waiting: BTreeSet::new(),
            classes: [class(0), class(1)],
        }
    }

    /// Follows an id for a batch of so many URLs that was accepted so long ago.
    pub(super) fn follow(
        &mut self,
        id: &str,
        batch: BatchNumber,
        size: usize,
        operation: Operation,
        (now, age): (Instant, Duration),
    ) {
        let class = operation.class();
        let first = self.classes[class].first().saturating_sub(age);
        let last = last_poll(self.classes[class].timeout);
        let first = if last.is_zero() { first } else { first.min(last) };
        let id: Rc<str> = id.into();
        self.classes[class].scout.get_or_insert_with(|| Rc::clone(&id));
        let followed = self.ids.entry(Rc::clone(&id)).or_insert_with(|| {
            let next = now + first;
            self.waiting.insert((next, id));
            Followed {
                batches: Vec::new(),
                submissions: 0,
                class,
                since: now.checked_sub(age).unwrap_or(now),
                waited: now,
                next,
                is_asked: false,
                alone: false,
                rows: 0,
                polled: Duration::ZERO,
                complete: None,
            }
        });
        followed.batches.push(batch);
        followed.submissions += 1;
        followed.rows += size;
        // Its rows didn't speak of this batch yet.
        followed.complete = None;
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

    /// The outcome of an id's rows, once each has ended.
    pub(super) fn complete(&self, id: &str) -> Option<&CompleteRows> {
        self.ids.get(id)?.complete.as_ref()
    }

    /// Queries these ids one by one from now on.
    pub(super) fn separate(&mut self, ids: &[String]) {
        for id in ids {
            if let Some(followed) = self.ids.get_mut(&**id) {
                followed.alone = true;
            }
        }
    }

    /// A query for the ids that are due now, and for those that soon will be. They count as being polled until [`Tracking::answered`].
    pub(super) fn due(&mut self, now: Instant) -> Option<StatusQuery> {
        let (by_records, most) = match self.source {
            StatusSource::ByTaskId => (false, self.spec.status().map_or(1, |status| status.ids_per_call.max(1))),
            StatusSource::ByRecords => (true, 1),
            StatusSource::Unavailable(_) => return None,
        };
        let (_, first) = self.waiting.first().filter(|(next, _)| *next <= now)?;
        // Where prefetches are tracked apart, one call is about either.
        let apart = self.spec.tracks_prefetches_apart();
        let class = self.ids.get(first).map(|followed| followed.class);
        let mut rows = 0;
        let mut due: Vec<(Instant, Rc<str>)> = Vec::new();
        for (next, id) in self.waiting.iter().take(most * 4) {
            let Some(followed) = self.ids.get(id).filter(|followed| !apart || class == Some(followed.class)) else {
                continue;
            };
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
                followed.is_asked = true;
            }
        }
        let task_ids = due.into_iter().map(|(_, id)| id.to_string()).collect();
        let are_prefetches = apart && class == Some(Operation::Prefetch.class());
        Some(StatusQuery { task_ids, by_records, are_prefetches, page: 1, ..StatusQuery::default() })
    }

    /// No response came for some ids: they are polled again at `at`, however long their usual pause is. What is throttled since others
    /// are polled at the same moment would be throttled each time.
    pub(super) fn unanswered(&mut self, ids: &[String], at: Instant) {
        for id in ids {
            let Some(followed) = self.ids.get_mut(&**id).filter(|followed| followed.is_asked) else { continue };
            followed.is_asked = false;
            followed.next = at;
            self.waiting.insert((at, id.as_str().into()));
        }
    }

    /// The response for some ids is here; those that are still followed are polled again, not before `not_before`.
    pub(super) fn answered(&mut self, ids: &[String], not_before: Instant, now: Instant) {
        self.poll_again(ids, not_before, now, |_| 0.0);
    }

    /// The same, where a share of the rows of each id has ended.
    fn poll_again(&mut self, ids: &[String], not_before: Instant, now: Instant, share: impl Fn(&str) -> f64) {
        for id in ids {
            let Some(followed) = self.ids.get_mut(&**id).filter(|followed| followed.is_asked) else { continue };
            followed.is_asked = false;
            // What was submitted at different times under one id says nothing about how long it takes.
            let (age, share) = (now - followed.since, if followed.submissions > 1 { 0.0 } else { share(id) });
            let class = &mut self.classes[followed.class];
            // Of a task of an earlier run, some rows may have ended long ago.
            if share > 0.0 && share < 1.0 && followed.since == followed.waited {
                class.points.push((age, share));
            }
            let last = followed.waited + last_poll(class.timeout);
            let is_scout = class.scout.as_deref() == Some(id);
            let mut next = followed.since + class.next((followed.polled, age), share, followed.rows, is_scout);
            if now < last {
                // A task that ends between two polls would end as unknown if the second came too late.
                next = next.min(last);
            }
            followed.polled = age;
            followed.next = next.max(not_before);
            self.waiting.insert((followed.next, id.as_str().into()));
        }
    }

    /// A task under an id took this long from its acceptance to its verdict.
    pub(super) fn learn(&mut self, id: &str, operation: Operation, took: Duration) {
        let polled = self.ids.get(id).map_or(Duration::ZERO, |followed| followed.polled);
        let number = operation.class();
        let class = &mut self.classes[number];
        let is_first = class.fastest.is_none();
        class.fastest = Some(class.fastest.map_or(took, |fastest| fastest.min(took)));
        class.measured.add(polled.min(took), took);
        if is_first {
            self.expect_others(number);
        }
    }

    /// The first task of a class has ended: the others are polled as soon as they can have ended, too.
    fn expect_others(&mut self, class: usize) {
        let times = &self.classes[class];
        let is_other = |followed: &Followed| followed.class == class && !followed.is_asked;
        for (id, followed) in self.ids.iter_mut().filter(|(_, followed)| is_other(followed)) {
            let next = followed
                .next
                .min(followed.since + times.next((Duration::ZERO, followed.polled), 0.0, followed.rows, false));
            self.waiting.remove(&(followed.next, Rc::clone(id)));
            self.waiting.insert((next, Rc::clone(id)));
            followed.next = next;
        }
    }

    /// What this run measured.
    pub(super) fn durations(&self) -> Durations {
        let measured = self.classes.iter().enumerate().filter_map(|(number, class)| {
            Some((durations::key(self.spec.name, number), class.measured.distribution()?))
        });
        Durations(measured.collect())
    }

    /// When the next id is due.
    pub(super) fn next(&self) -> Option<Instant> {
        match self.source {
            StatusSource::Unavailable(_) => None,
            _ => self.waiting.first().map(|(next, _)| *next),
        }
    }

    /// Counts the rows of a page; those of polled ids are left in it, each with its id.
    pub(super) fn count_rows(&mut self, query: &mut StatusQuery, page: &mut Page) {
        query.seen += page.rows.len();
        if let [id] = &query.task_ids[..] {
            // If one id is polled, a row needn't repeat it.
            page.rows.iter_mut().filter(|row| row.task_id.is_empty()).for_each(|row| row.task_id.clone_from(id));
        }
        page.rows.retain(|row: &Record| query.task_ids.contains(&row.task_id));
        for row in &page.rows {
            if !query.rows.contains_key(&row.task_id) {
                query.rows.insert(row.task_id.clone(), IdRows::default());
            }
            let Some(rows) = query.rows.get_mut(&row.task_id) else { continue };
            rows.count += 1;
            rows.batches = rows.batches.or_else(|| self.ids.get(&*row.task_id).map(|followed| followed.submissions));
            if rows.batches.is_some_and(|batches| rows.count > batches) {
                self.row_shape = RowShape::PerUrl;
            }
            match &row.state {
                TaskState::Running => rows.is_running = true,
                TaskState::Failed(why) => rows.failure = Some(why.clone()),
                TaskState::Complete => {}
            }
            if row.state != TaskState::Running {
                rows.ended += 1;
            }
        }
    }

    /// What follows once the rows of a page were read; `rows` and `total` as the page had them.
    pub(super) fn after_page(&mut self, mut query: StatusQuery, rows: usize, total: usize, now: Instant) -> AfterPage {
        let call = query.call(self.spec);
        if call.is_some_and(|call| has_more(call, query.page, rows, query.seen, total)) {
            (query.page, query.failures, query.not_before) = (query.page + 1, 0, None);
            return AfterPage::Next(query);
        }
        let share = |id: &str| query.rows.get(id).map_or(0.0, |rows| rows.ended as f64 / rows.count.max(1) as f64);
        self.poll_again(&query.task_ids, now, now, share);
        let is_cut = query.seen < total;
        if is_cut && !query.by_records {
            return AfterPage::Cut;
        }
        let mut complete = Vec::new();
        for (id, rows) in query.rows.into_iter().filter(|(_, rows)| !rows.is_running) {
            // Rows that are counted and not given speak for URLs of their own all the same.
            let count = if is_cut { rows.count.max(total) } else { rows.count };
            if let Some(followed) = self.ids.get_mut(&*id) {
                let is_row_per_batch = count <= followed.submissions;
                followed.complete = Some(CompleteRows { is_row_per_batch, failure: rows.failure });
            }
            complete.push(id);
        }
        complete.sort();
        AfterPage::Complete(complete)
    }
}

/// Whether to read another page after this one, with `rows` rows, and `seen` over all pages.
pub(super) fn has_more(call: &CallSpec, number: u32, rows: usize, seen: usize, total: usize) -> bool {
    number < PAGES && call.has_next_page(rows, seen, total)
}

/// When to poll for the last time, of so long a timeout.
fn last_poll(timeout: Duration) -> Duration {
    timeout.saturating_sub(LAST.min(timeout / 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{OperationSpec, TrackingSpec};

    static SPEC: Spec = Spec {
        tracking: Some(TrackingSpec { status: CallSpec::BARE, records: None, prefetches: None, whole_batches: false }),
        operations: &[OperationSpec { typical: Duration::from_secs(330), ..OperationSpec::BARE }],
        ..Spec::BARE
    };
    const KIND: Operation = Operation::Prefetch;

    fn tracking(durations: &Durations) -> Tracking {
        Tracking::new(&SPEC, [Duration::from_secs(3_600); 2], durations)
    }

    /// Polls an id until its tasks, which take so long, have ended; how often, and how long after the last one did.
    fn polled(tasks: &[Duration], durations: &Durations) -> (usize, Duration, Durations) {
        let start = Instant::now();
        let mut tracking = tracking(durations);
        tracking.follow("1", 1, tasks.len(), KIND, (start, Duration::ZERO));
        let (mut ended, mut polls) = (0, 0);
        let last = *tasks.iter().max().unwrap();
        loop {
            let now = tracking.next().unwrap();
            let query = tracking.due(now).unwrap();
            polls += 1;
            let age = now - start;
            let is_over = tasks.iter().filter(|task| **task <= age).count();
            for _ in ended..is_over {
                tracking.learn("1", KIND, age);
            }
            ended = is_over;
            if ended == tasks.len() {
                return (polls, age - last, tracking.durations());
            }
            let share = ended as f64 / tasks.len() as f64;
            tracking.poll_again(&query.task_ids, now, now, |_| share);
        }
    }

    /// So many lognormal durations.
    fn drawn(count: usize, median: f64, spread: f64, random: &mut fastrand::Rng) -> Vec<Duration> {
        let normal = |random: &mut fastrand::Rng| {
            (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
        };
        (0..count).map(|_| Duration::from_secs_f64(median * (spread * normal(random)).exp())).collect()
    }

    #[test]
    fn a_thousand_urls_with_a_realistic_spread_take_few_polls_and_end_within_four_per_cent_of_the_last() {
        // A quota before and after, and the submission, come on top.
        for (median, spread, with_history, most, latest) in [
            (330.0, 0.15, false, 5, 0.04),
            (330.0, 0.15, true, 5, 0.04),
            (330.0, 0.3, true, 6, 0.04),
            // Not what the vendor says.
            (250.0, 0.1, false, 5, 0.04),
            (400.0, 0.2, false, 5, 0.04),
        ] {
            let (mut polls, mut delays) = (Vec::new(), Vec::new());
            let (mut fixed_polls, mut fixed_delays) = (Vec::new(), Vec::new());
            for seed in 0..1_000 {
                let mut random = fastrand::Rng::with_seed(seed);
                let mut durations = Durations::default();
                if with_history {
                    durations = polled(&drawn(1_000, median, spread, &mut random), &durations).2;
                }
                let tasks = drawn(1_000, median, spread, &mut random);
                let (count, delay, _) = polled(&tasks, &durations);
                let last = tasks.iter().max().unwrap().as_secs_f64();
                polls.push(count);
                delays.push(delay.as_secs_f64() / last);
                // As others do it: every ten seconds.
                let fixed = (last / 10.0).ceil();
                fixed_polls.push(fixed as usize);
                fixed_delays.push(fixed * 10.0 / last - 1.0);
            }
            for counts in [&mut polls, &mut fixed_polls] {
                counts.sort_unstable();
            }
            for shares in [&mut delays, &mut fixed_delays] {
                shares.sort_by(f64::total_cmp);
            }
            let (polls, delay) = (polls[500], delays[500]);
            println!(
                "median {median} s, spread {spread}, history {with_history}: {polls} polls and {} calls in all, {:.1} % late; \
                 polled every 10 s: {} polls, {:.1} % late",
                polls + 3,
                delay * 100.0,
                fixed_polls[500],
                fixed_delays[500] * 100.0,
            );
            assert!(polls <= most && delay <= latest, "{median} {spread}: {polls}, {delay}");
        }
    }

    #[test]
    fn tasks_that_all_take_as_long_as_the_vendor_says_take_three_polls() {
        let (polls, delay, measured) = polled(&[Duration::from_secs(330); 1_000], &Durations::default());
        assert_eq!((polls, delay), (3, Duration::ZERO));
        let (polls, delay, _) = polled(&[Duration::from_secs(330); 1_000], &measured);
        assert!(polls <= 6 && delay < Duration::from_secs(27), "{polls} {delay:?}");
    }

    #[test]
    fn what_ended_tells_when_the_others_can_end() {
        let start = Instant::now();
        let mut tracking = tracking(&Durations::default());
        tracking.learn("0", KIND, Duration::from_secs(100));
        tracking.follow("1", 1, 10, KIND, (start, Duration::ZERO));
        assert_eq!(tracking.next(), Some(start + Duration::from_secs(95)));
    }

    #[test]
    fn a_call_asks_for_no_more_ids_and_rows_than_an_answer_should_hold() {
        let start = Instant::now();
        let mut tracking = tracking(&Durations::default());
        for id in 0..25 {
            tracking.follow(&format!("{id:02}"), id, 600, KIND, (start, Duration::ZERO));
        }
        let later = start + Duration::from_secs(34);
        assert_eq!(tracking.due(later).map(|query| query.task_ids.len()), Some(8));
        tracking.source = StatusSource::ByRecords;
        assert_eq!(tracking.due(later).map(|query| query.task_ids.len()), Some(1));
    }

    #[test]
    fn what_an_id_came_to_is_forgotten_when_another_batch_comes_under_it() {
        let start = Instant::now();
        let mut tracking = tracking(&Durations::default());
        let complete = |tracking: &mut Tracking, rows: usize| {
            let later = start + Duration::from_secs(400);
            let mut query = tracking.due(later).unwrap();
            let row = |number: usize| Record {
                task_id: "1".into(),
                url: number.to_string(),
                prefetch: true,
                kind: String::new(),
                state: TaskState::Complete,
                status: String::new(),
                percent: None,
                created: None,
            };
            tracking.count_rows(&mut query, &mut Page { total: rows, rows: (0..rows).map(row).collect() });
            assert!(matches!(tracking.after_page(query, rows, rows, start), AfterPage::Complete(ids) if ids == ["1"]));
        };
        tracking.follow("1", 1, 10, KIND, (start, Duration::ZERO));
        complete(&mut tracking, 10);
        assert!(!tracking.complete("1").unwrap().is_row_per_batch);
        tracking.follow("1", 2, 10, KIND, (start, Duration::ZERO));
        assert!(tracking.complete("1").is_none());
        complete(&mut tracking, 2);
        assert!(tracking.complete("1").unwrap().is_row_per_batch);
    }

    #[test]
    fn an_id_whose_poll_failed_is_polled_again_as_soon_as_it_may_be() {
        let start = Instant::now();
        let mut tracking = tracking(&Durations::default());
        tracking.follow("1", 1, 10, KIND, (start, Duration::ZERO));
        let later = start + Duration::from_secs(1_000);
        let query = tracking.due(later).expect("it is due");
        tracking.unanswered(&query.task_ids, later + Duration::from_secs(1));
        assert_eq!(tracking.next(), Some(later + Duration::from_secs(1)));
        assert!(tracking.due(later).is_none());
        assert!(tracking.due(later + Duration::from_secs(1)).is_some());
    }

    #[test]
    fn an_id_that_spoils_a_call_is_asked_for_alone() {
        let start = Instant::now();
        let mut tracking = tracking(&Durations::default());
        for id in ["1", "2", "3"] {
            tracking.follow(id, 1, 10, KIND, (start, Duration::ZERO));
        }
        let later = start + Duration::from_secs(34);
        tracking.separate(&["1".into(), "2".into()]);
        for id in ["1", "2", "3"] {
            assert_eq!(tracking.due(later).map(|query| query.task_ids), Some(vec![id.to_owned()]));
        }
        assert!(tracking.due(later).is_none());
    }
}
