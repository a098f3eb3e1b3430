//! The simulation: from a seed a world, in it a story of runs with faults and crashes, and over it a judge.
//!
//! Everything that the program does is the program's own code: plan, quota, state machine, driver, rate limits, journal, requests,
//! signatures, answers, clocks, report. Simulated are the vendors (the emulators), the way to them, the disk with the journal, the
//! time, and whoever kills the process and starts it again. See [`invariants::RULES`] for what is checked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use faults::FaultCounts;
use shared::Shared;
use story::Totals;
use world::World;

pub mod disk;
pub mod faults;
pub mod invariants;
pub mod shared;
pub mod spoil;
pub mod story;
pub mod token_cdn;
pub mod vendors;
pub mod world;

/// When each story begins: the afternoon, so that few of them meet the quotas' midnight.
const BEGINS: i64 = 1_800_000_000;
/// How many broken rules are kept.
const KEPT: usize = 100;

/// What came of one story.
pub struct Told {
    /// In numbers.
    pub totals: Totals,
    /// What was injected.
    pub faults: FaultCounts,
    /// The rules that were broken, each with what broke it.
    pub violations: Vec<(&'static str, String)>,
    /// The story in words, if they were asked for.
    pub story: String,
}

/// Tells the story of a seed, in words or not.
pub fn tell(seed: u64, in_words: bool) -> Told {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without I/O needs nothing");
    let (totals, shared) = runtime.block_on(async {
        let began = Timestamp::from_second(BEGINS).expect("a time of this century");
        let shared = Rc::new(Shared::new(seed, began, in_words));
        let world = World::of(seed);
        shared.say(|| world.describe());
        (story::tell(&world, &shared).await, shared)
    });
    let violations = shared.violations.take();
    let faults = *shared.faults.borrow();
    Told { totals, faults, violations, story: shared.take_story() }
}

/// The same, held against a second telling where the seed says so: I15.
fn tell_and_compare(seed: u64) -> Told {
    if !seed.is_multiple_of(256) {
        return tell(seed, false);
    }
    let (mut once, twice) = (tell(seed, true), tell(seed, true));
    if once.story != twice.story {
        let lines = once.story.lines().zip(twice.story.lines());
        let differs = lines.into_iter().find(|(one, other)| one != other);
        once.violations.push(("I15 determinism", format!("told twice, it differs: {differs:?}")));
    }
    once
}

/// Seed, rule, and what broke it.
pub type Violation = (u64, &'static str, String);

/// What came of many stories.
#[derive(Default)]
pub struct Tally {
    /// How many.
    pub stories: u64,
    /// In numbers.
    pub totals: Totals,
    /// What was injected.
    pub faults: FaultCounts,
    /// The first of them.
    pub violations: Vec<Violation>,
    /// How many there were.
    pub broken: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.stories += other.stories;
        self.totals.runs += other.totals.runs;
        self.totals.calls += other.totals.calls;
        self.totals.accepted += other.totals.accepted;
        self.totals.done += other.totals.done;
        self.faults.add(&other.faults);
        self.broken += other.broken;
        self.violations.extend(other.violations);
        self.violations.sort_by_key(|(seed, _, _)| *seed);
        self.violations.truncate(KEPT);
    }

    fn take(&mut self, seed: u64, told: Told) {
        let of_story = Self {
            stories: 1,
            totals: told.totals,
            faults: told.faults,
            broken: told.violations.len() as u64,
            violations: told.violations.into_iter().map(|(rule, what)| (seed, rule, what)).collect(),
        };
        self.add(of_story);
    }
}

/// Tells the stories of all seeds from one to, and without, another, on so many threads; to the end, or to the first that breaks a
/// rule. `progress` hears how many are told, and which rules the last of them broke.
pub fn tell_many(
    from: u64,
    to: u64,
    threads: usize,
    to_the_end: bool,
    progress: impl Fn(u64, &[Violation]) + Sync,
) -> Tally {
    const CHUNK: u64 = 64;
    let (next, tally) = (AtomicU64::new(from), Mutex::new(Tally::default()));
    let work = || {
        loop {
            let first = next.fetch_add(CHUNK, Ordering::Relaxed);
            if first >= to {
                return;
            }
            let mut told = Tally::default();
            for seed in first..(first + CHUNK).min(to) {
                match catch_unwind(AssertUnwindSafe(|| tell_and_compare(seed))) {
                    Ok(story) => told.take(seed, story),
                    Err(panic) => {
                        let why = panic.downcast_ref::<String>().cloned();
                        let why = why.or_else(|| panic.downcast_ref::<&str>().map(|why| (*why).to_owned()));
                        let what = format!("a panic: {}", why.unwrap_or_default());
                        told.stories += 1;
                        told.broken += 1;
                        told.violations.push((seed, "I5 exit truth", what));
                    }
                }
            }
            let mut tally = tally.lock().expect("no thread panics while it adds");
            let news = told.violations.clone();
            tally.add(told);
            progress(tally.stories, &news);
            if !to_the_end && tally.broken > 0 {
                next.store(to, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    tally.into_inner().expect("no thread panics while it adds")
}
