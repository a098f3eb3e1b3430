//! What everything in one story shares: its chance, its time, the effects at which it may be cut short, and the words for people.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use cdn_purge::exec::interrupt::Interrupter;
use cdn_purge::model::{Signal, TaskIndex};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::faults::FaultCounts;

/// More effects than a run can need: one that has more doesn't end.
const MOST_EFFECTS: u32 = 200_000;

/// What becomes of the process at an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It lives on.
    Lives,
    /// It is killed in the middle of this effect.
    Dies,
    /// It was killed before.
    Dead,
}

/// Where a run is cut short: effects count from 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cuts {
    /// Killed at this effect.
    pub kill: Option<u32>,
    /// A signal comes at this effect.
    pub signal: Option<(u32, Signal)>,
    /// The disk is full from this effect on.
    pub full: Option<u32>,
}

/// Shared by everything in a story.
pub struct Shared {
    /// Chance: everything that is drawn while the story happens.
    pub random: RefCell<fastrand::Rng>,
    /// The time at which the story began, on the vendors' clock, which is right.
    began: Timestamp,
    start: Instant,
    cuts: Cell<Cuts>,
    /// Effects of this run so far.
    pub effects: Cell<u32>,
    /// Whether this run was killed.
    pub is_dead: Cell<bool>,
    /// Wakes whoever has to drop the run.
    pub death: Notify,
    /// The end at which signals come in, during a run.
    pub interrupter: RefCell<Option<Interrupter>>,
    /// When a signal came in this run.
    pub signalled: Cell<Option<(Instant, Signal)>>,
    /// The URLs that were fetched through the CDN.
    pub fetched: RefCell<BTreeSet<String>>,
    /// What was injected.
    pub faults: RefCell<FaultCounts>,
    /// When each task was reported as failed last, by its place.
    pub failures: RefCell<BTreeMap<(usize, TaskIndex), Timestamp>>,
    /// What broke a rule while it happened.
    pub violations: RefCell<Vec<(&'static str, String)>>,
    story: RefCell<Option<String>>,
}

impl Shared {
    /// A story's beginning; with words for people, or without.
    pub fn new(seed: u64, began: Timestamp, is_told: bool) -> Self {
        Self {
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
            began,
            start: Instant::now(),
            cuts: Cell::default(),
            effects: Cell::new(0),
            is_dead: Cell::new(false),
            death: Notify::new(),
            interrupter: RefCell::default(),
            signalled: Cell::new(None),
            fetched: RefCell::default(),
            faults: RefCell::default(),
            failures: RefCell::default(),
            violations: RefCell::default(),
            story: RefCell::new(is_told.then(String::new)),
        }
    }

    /// The right time.
    pub fn now(&self) -> Timestamp {
        self.began.checked_add(self.start.elapsed()).expect("a story lasts hours, not ages")
    }

    /// A new run begins, to be cut there.
    pub fn begin_run(&self, cuts: Cuts) {
        self.cuts.set(cuts);
        self.effects.set(0);
        self.is_dead.set(false);
        self.signalled.set(None);
    }

    /// Counts an effect of the process, and says what becomes of it there.
    pub fn effect(&self, what: impl FnOnce() -> String) -> Fate {
        if self.is_dead.get() {
            return Fate::Dead;
        }
        let number = self.effects.get() + 1;
        self.effects.set(number);
        let cuts = self.cuts.get();
        if number > MOST_EFFECTS {
            self.break_rule("I8 bounded", format!("a run has more than {MOST_EFFECTS} effects"));
        }
        if cuts.kill == Some(number) || number > MOST_EFFECTS {
            self.say(|| format!("effect {number}: {}: kill -9", what()));
            self.is_dead.set(true);
            self.death.notify_one();
            return Fate::Dies;
        }
        self.say(|| format!("effect {number}: {}", what()));
        if let Some((_, signal)) = cuts.signal.filter(|(at, _)| *at == number)
            && let Some(interrupter) = &*self.interrupter.borrow()
        {
            self.say(|| format!("signal: {}", signal.name()));
            self.signalled.set(Some((Instant::now(), signal)));
            interrupter.interrupt(signal);
        }
        Fate::Lives
    }

    /// Ends when the run is killed.
    pub async fn dies(&self) {
        while !self.is_dead.get() {
            self.death.notified().await;
        }
    }

    /// Whether the disk is full.
    pub fn is_full(&self) -> bool {
        self.cuts.get().full.is_some_and(|from| self.effects.get() >= from)
    }

    /// Whether something happens that has this chance.
    pub fn happens(&self, chance: f64) -> bool {
        self.random.borrow_mut().f64() < chance
    }

    /// A number up to, and without, this one.
    pub fn draw(&self, below: u64) -> u64 {
        self.random.borrow_mut().u64(0..below.max(1))
    }

    /// A rule was broken.
    pub fn break_rule(&self, rule: &'static str, what: String) {
        self.say(|| format!("VIOLATION of {rule}: {what}"));
        let mut violations = self.violations.borrow_mut();
        // The first is what the others follow from.
        if !violations.iter().any(|(known, _)| *known == rule) {
            violations.push((rule, what));
        }
    }

    /// A line for people.
    pub fn say(&self, line: impl FnOnce() -> String) {
        if let Some(story) = &mut *self.story.borrow_mut() {
            let at: Duration = self.start.elapsed();
            writeln!(story, "{:>12.3} s  {}", at.as_secs_f64(), line()).expect("a string takes any text");
        }
    }

    /// Whether anybody listens.
    pub fn is_told(&self) -> bool {
        self.story.borrow().is_some()
    }

    /// The whole story.
    pub fn take_story(&self) -> String {
        self.story.borrow_mut().take().unwrap_or_default()
    }
}
