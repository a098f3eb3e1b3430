//! The judge: what the vendors' ledgers say of a story, held against what the program said.
//!
//! Each rule is a check of its name here, unless the execution can't break it; [`RULES`] says where those are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use cdn_purge::config::{ShortQuota, Wait};
use cdn_purge::error::ExitCode;
use cdn_purge::exec::journal::{Identity, Journal, Past, Purpose, Storage};
use cdn_purge::model::{Operation, Outcome, RefreshKind, Signal, StopCause};
use cdn_purge::plan::{Plan, PlannedTask};
use cdn_purge::provider::{Rate, Spec};
use cdn_purge::report::Status;
use emulators::Rows;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::disk::Disk;
use super::shared::Shared;
use super::story::{Place, RunEnd};
use super::vendors::Vendors;
use super::world::{CLOUDFRONT, GIVES_UP, LATEST, World, is_resent};

/// The invariants, each with where it is kept.
pub const RULES: [(&str, &str); 17] = [
    (
        "I1 partition",
        "here, after each run: every planned URL has one outcome, the counts are theirs, and no outcome is untrue",
    ),
    (
        "I2 at most once",
        "here, after each run: no URL is accepted twice, unless the vendor itself reported a failure between",
    ),
    ("I3 write ahead", "in `vendors.rs`, as each submission leaves: its record is on the disk"),
    ("I4 order", "here, after each run: no prefetch is accepted before its refreshes are done and their pause is over"),
    ("I5 exit truth", "here, after each run: the exit code and the status are those of the outcomes"),
    (
        "I6 budget",
        "here, after the first run: where the quota was read and is short, whole rules are submitted, or as many as fit",
    ),
    (
        "I7 rate",
        "here, after each run: no window holds more calls than documented; in `vendors.rs`: no vendor refuses one of the first run",
    ),
    ("I8 bounded", "here, after each run: its time is bounded; in `shared.rs`: its effects are"),
    (
        "I9 journal",
        "here, before each run: the journal, however torn, holds all that was accepted, and replays alike twice",
    ),
    ("I10 secrecy", "here, for one story in sixteen: no secret in reports and journal; else tests of `ci/redactor.rs`"),
    (
        "I11 no injection",
        "here, for one story in sixteen: hostile words are no commands; else tests of `text/sanitize.rs`",
    ),
    ("I12 coverage", "`tests/cases` and the laws of `mapping`: from changed files to planned URLs"),
    (
        "I13 no over-purge",
        "here, after each run: nothing is accepted that isn't planned; else tests of `plan/limits.rs`",
    ),
    ("I14 convergence", "here, at the end: without faults, everything that can be is done after a few runs"),
    ("I15 determinism", "in `mod.rs`, for one story in 256: told twice, it is the same"),
    ("I16 cancel", "in `vendors.rs`, as each submission leaves, and here, after each run: a signal ends it in time"),
    ("I17 fresh origin", "tests of `exec/origin_gate.rs` and `cli/origin.rs`: no vendor of a story has an origin"),
];

/// The longest time from a signal to the end.
const GRACE: [(Signal, Duration); 2] =
    [(Signal::Interrupt, Duration::from_millis(3_050)), (Signal::Terminate, Duration::from_millis(550))];

/// How long after a later attempt was refused an earlier one may be executed at last.
const LATE: SignedDuration = SignedDuration::from_secs((GIVES_UP.as_secs() + LATEST.as_secs()) as i64);

/// How an acceptance ends at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Complete(Timestamp),
    Failed(Timestamp),
    Never,
}

/// When what was accepted, by provider, operation and URL.
type Accepted = BTreeMap<(&'static str, Operation, String), Vec<Timestamp>>;

/// Judges a story.
pub struct Judge<'a> {
    world: &'a World,
    plan: &'a Plan,
    shared: &'a Rc<Shared>,
    /// Since when what was accepted counts: since then nothing may be accepted twice.
    since: Timestamp,
    /// What the vendors had accepted when the run began.
    before: BTreeSet<Place>,
}

impl<'a> Judge<'a> {
    /// A judge of a story that begins.
    pub fn new(world: &'a World, plan: &'a Plan, shared: &'a Rc<Shared>) -> Self {
        Self { world, plan, shared, since: shared.now(), before: BTreeSet::new() }
    }

    /// Whether the texts of this story are read.
    pub fn reads_texts(&self) -> bool {
        self.world.seed.is_multiple_of(16)
    }

    /// The same command was rightly taken as a new run.
    pub fn start_over(&mut self, now: Timestamp) {
        self.since = now;
        self.before.clear();
    }

    fn planned(&self) -> impl Iterator<Item = (Place, &'static Spec, &'a PlannedTask)> {
        let lanes = self.plan.lanes.iter().enumerate();
        lanes.flat_map(|(lane, planned)| {
            let tasks = (0..).zip(&planned.tasks);
            tasks.map(move |(task, of)| ((lane, task), planned.target.provider, of))
        })
    }

    fn accepted(&self, vendors: &Vendors) -> Accepted {
        let mut accepted = Accepted::new();
        vendors.ledgers(|spec, ledger| {
            for entry in ledger.iter().filter(|entry| entry.at >= self.since && !entry.url.contains("/stranger/")) {
                let key = key(spec, operation(entry.operation), &entry.url);
                accepted.entry(key).or_default().push(entry.at);
            }
        });
        accepted
    }

    /// When a task was accepted, or the one that covers it.
    fn times<'t>(&self, accepted: &'t Accepted, lane: usize, planned: &PlannedTask) -> &'t [Timestamp] {
        let lane = &self.plan.lanes[lane];
        let sent = planned.covered_by.map_or(planned, |wider| &lane.tasks[wider as usize]);
        let key = key(lane.target.provider, sent.task.operation, &sent.task.subject.text());
        accepted.get(&key).map_or(&[], Vec::as_slice)
    }

    fn end_of(&self, spec: &Spec, url: &str, at: Timestamp) -> End {
        if spec.tracking.is_none() {
            return End::Complete(at);
        }
        let takes = self.world.settings.task_duration.unwrap_or_default();
        let over = at.checked_add(takes).expect("minutes later");
        match () {
            () if contains(&self.world.settings.hang, url) => End::Never,
            () if contains(&self.world.settings.fail, url) => End::Failed(over),
            () => End::Complete(over),
        }
    }

    fn broken(&self, rule: &'static str, what: String) {
        self.shared.break_rule(rule, what);
    }

    /// Before a run: I9.
    pub fn before_run(&mut self, vendors: &Vendors, disk: &Disk) {
        let accepted = self.accepted(vendors);
        let failed = |planned: &PlannedTask| contains(&self.world.settings.fail, &planned.task.subject.text());
        let is_accepted = |(place, spec, planned): (Place, &Spec, &PlannedTask)| {
            // Where a second execution changes nothing, a refusal of the second makes the first forgotten.
            let fails = spec.tracking.is_some() && failed(planned);
            let counts = !is_resent(spec, planned.task.operation) && !fails && planned.covered_by.is_none();
            (counts && !self.times(&accepted, place.0, planned).is_empty()).then_some(place)
        };
        self.before = self.planned().filter_map(is_accepted).collect();
        self.check_clocks(&disk.content());
        if self.world.seed.is_multiple_of(4) {
            self.check_replay(disk.content());
        }
    }

    /// I9: a time on the provider's clock comes after what tells the next run how far that clock is from its own.
    fn check_clocks(&self, content: &[u8]) {
        let (text, mut known) = (String::from_utf8_lossy(content), BTreeSet::new());
        // What follows a damaged line is no run's word.
        let is_whole = |line: &&str| {
            let sum = line.get(..8).and_then(|sum| u32::from_str_radix(sum, 16).ok());
            sum.is_some() && sum == line.get(9..).map(|record| crc32fast::hash(record.as_bytes()))
        };
        for line in text.lines().take_while(is_whole) {
            let lane = line.split_once(r#""lane":"#).and_then(|(_, rest)| rest.split(',').next());
            if line.contains(r#""record":"continued""#) {
                known.clear();
            } else if line.contains(r#""record":"clock""#) {
                known.extend(lane);
            } else if line.contains(r#""is_provider_time":true"#) && !lane.is_some_and(|lane| known.contains(lane)) {
                self.broken("I9 journal", format!("nothing before it says what the provider's clock shows: {line}"));
            }
        }
    }

    /// I9: replaying twice is replaying once.
    fn check_replay(&self, content: Vec<u8>) {
        let identity = Identity {
            plan: self.plan.digest().to_owned(),
            head: Some("c0ffee".into()),
            lanes: vec!["simulated".into()],
        };
        let replay = |content: Vec<u8>| {
            let copy = Copy(Rc::new(std::cell::RefCell::new(content)));
            let written = Rc::clone(&copy.0);
            let purpose = Purpose::Run(self.world.wait);
            let opened = Journal::over(Box::new(copy), Path::new("copy"), &identity, purpose, self.shared.now());
            opened.map(|(_, past)| past).ok().map(|past| (past, written.take()))
        };
        let Some((once, content)) = replay(content) else { return };
        let twice = replay(content).map(|(past, _)| past);
        if once.begun.is_some() && twice.as_ref() != Some(&once) {
            self.broken("I9 journal", format!("replayed once: {once:?}, and twice: {twice:?}"));
        }
    }

    /// A run opened the journal: I9.
    pub fn opened(&self, past: &Past) {
        let knows = |(lane, task): &Place| {
            past.lanes.get(&(*lane as u16)).is_some_and(|lane| {
                lane.done.contains_key(task) || lane.open.values().any(|batch| batch.tasks.contains(task))
            })
        };
        if let Some(lost) = self.before.iter().find(|place| !knows(place)) {
            let url = &self.plan.lanes[lost.0].tasks[lost.1 as usize].task.subject;
            self.broken("I9 journal", format!("the vendor accepted {url}, and the journal holds nothing of it"));
        }
    }

    /// After a run, whatever cut it.
    pub fn after_run(&self, end: &RunEnd, vendors: &Vendors) {
        let accepted = self.accepted(vendors);
        self.check_once(&accepted);
        self.check_order(&accepted);
        self.check_scope(&accepted);
        self.check_rate(vendors);
        self.check_bounds(end);
        if !end.is_cut {
            self.check_partition(end);
            self.check_truth(end, &accepted);
            self.check_exit(end);
            self.check_budget(end, vendors);
            self.check_texts(end);
        }
    }

    /// At the end of a story: what was held back is executed by now.
    pub fn at_the_end(&self, end: &RunEnd, vendors: &Vendors) {
        self.check_once(&self.accepted(vendors));
        if !end.is_cut {
            self.check_convergence(end);
        }
    }

    /// I2: nothing is accepted twice, unless the vendor reported the first as failed, or a second execution changes nothing.
    fn check_once(&self, accepted: &Accepted) {
        for ((provider, operation, url), times) in accepted.iter().filter(|(_, times)| times.len() > 1) {
            let spec = self.world.providers.iter().find(|spec| spec.name == *provider).expect("a vendor of this world");
            let is_again =
                |pair: &[Timestamp]| !matches!(self.end_of(spec, url, pair[0]), End::Failed(at) if at <= pair[1]);
            if !is_resent(spec, *operation) && times.windows(2).any(is_again) {
                self.broken("I2 at most once", format!("{} of {url} accepted at {times:?}", operation.unit()));
            }
        }
    }

    /// I4: a prefetch comes after its refreshes.
    fn check_order(&self, accepted: &Accepted) {
        for ((lane, _), spec, planned) in self.planned().filter(|(_, _, planned)| !planned.after.is_empty()) {
            let pause = spec.prefetch_delay(&self.plan.lanes[lane].target.options);
            let Some(first) = self.times(accepted, lane, planned).first() else { continue };
            for &refresh in &planned.after {
                let refresh = &self.plan.lanes[lane].tasks[refresh as usize];
                let url = refresh.task.subject.to_string();
                let is_over = |&at: &Timestamp| {
                    let over = matches!(self.end_of(spec, &url, at), End::Complete(over) if over <= *first);
                    over && first.duration_since(at).unsigned_abs() >= pause
                };
                if !self.times(accepted, lane, refresh).iter().any(is_over) {
                    self.broken("I4 order", format!("{url} isn't done, and its prefetch was accepted at {first}"));
                }
            }
        }
    }

    /// I13: nothing is accepted that isn't planned.
    fn check_scope(&self, accepted: &Accepted) {
        let key_of = |(_, spec, planned): (Place, &'static Spec, &PlannedTask)| {
            key(spec, planned.task.operation, &planned.task.subject.text())
        };
        let planned: BTreeSet<_> = self.planned().map(key_of).collect();
        if let Some((_, operation, url)) = accepted.keys().find(|key| !planned.contains(*key)) {
            self.broken("I13 no over-purge", format!("{} of {url} isn't planned", operation.unit()));
        }
    }

    /// I7: no window holds more calls than documented.
    fn check_rate(&self, vendors: &Vendors) {
        for ((provider, name), times) in &*vendors.departures.borrow() {
            let spec = self.world.providers.iter().find(|spec| spec.name == *provider).expect("a vendor of this world");
            let Some(rate) = rate(spec, name) else { continue };
            let most = rate.most() as usize;
            let is_crowded = |(first, last): (&Instant, &Instant)| *last - *first < rate.per;
            if times.iter().zip(times.iter().skip(most)).any(is_crowded) {
                self.broken("I7 rate", format!("{name} more than {most} times in {:?}", rate.per));
            }
        }
    }

    /// I8 and I16: a run ends.
    fn check_bounds(&self, end: &RunEnd) {
        let tasks = u32::try_from(self.world.tasks.len()).expect("some thousand tasks");
        let waits = self.world.timeouts[0] + self.world.timeouts[1];
        if end.took > waits * (tasks + 4) + Duration::from_secs(4 * 3_600) {
            self.broken("I8 bounded", format!("the run took {:?}", end.took));
        }
        if let Some((at, signal)) = self.shared.signalled.get().filter(|_| !end.is_cut) {
            let grace = GRACE.iter().find(|(of, _)| *of == signal).map_or(Duration::ZERO, |(_, grace)| *grace);
            let before = self.shared.now().duration_since(end.began).unsigned_abs().saturating_sub(at.elapsed());
            let after = end.took.saturating_sub(before);
            if after > grace {
                self.broken("I16 cancel", format!("the run ended {after:?} after {}", signal.name()));
            }
        }
    }

    /// I1: one outcome for each planned URL, and the counts are theirs.
    fn check_partition(&self, end: &RunEnd) {
        for ((lane, task), _, planned) in self.planned() {
            let outcomes = &end.outcomes[lane][task as usize];
            if outcomes.len() != 1 {
                self.broken("I1 partition", format!("{} has the outcomes {outcomes:?}", planned.task.subject));
            }
        }
        let count = |name| self.outcomes(end).filter(|(_, outcome, _)| outcome.name() == name).count();
        let counts = end.counts;
        let reported = [counts.done, counts.failed, counts.unsubmitted, counts.unknown];
        let counted = ["done", "failed", "unsubmitted", "unknown"].map(count);
        if reported != counted || counts.planned != counted.iter().sum::<usize>() || counts.planned != self.plan.len() {
            self.broken("I1 partition", format!("the report counts {counts:?}, the outcomes are {counted:?}"));
        }
    }

    fn outcomes<'e>(&self, end: &'e RunEnd) -> impl Iterator<Item = (Place, &'e Outcome, Option<&'e str>)> {
        let lanes = end.outcomes.iter().enumerate();
        lanes.flat_map(|(lane, tasks)| {
            let tasks = (0..).zip(tasks);
            tasks.filter_map(move |(task, outcomes)| {
                let (outcome, id) = outcomes.first()?;
                Some(((lane, task), outcome, id.as_deref()))
            })
        })
    }

    /// I1: what the report says of a URL is true at the vendor.
    fn check_truth(&self, end: &RunEnd, accepted: &Accepted) {
        let over = end.began.checked_add(end.took).expect("the end of a run");
        for ((lane, task), outcome, _) in self.outcomes(end) {
            let (spec, planned) = (self.plan.lanes[lane].target.provider, &self.plan.lanes[lane].tasks[task as usize]);
            let (url, times) = (planned.task.subject.to_string(), self.times(accepted, lane, planned));
            let is_resent = is_resent(spec, planned.task.operation);
            let failed = self.shared.failures.borrow().get(&(lane, task)).copied().filter(|_| is_resent);
            let is_complete = |&at: &Timestamp| matches!(self.end_of(spec, &url, at), End::Complete(at) if at <= over);
            let may_complete = |&at: &Timestamp| matches!(self.end_of(spec, &url, at), End::Complete(_));
            let is_warmed = spec.is_warmed(planned.task.operation);
            let lie = match outcome {
                Outcome::Done if is_warmed => !self.shared.fetched.borrow().contains(&url),
                Outcome::Done => !times.iter().any(is_complete),
                // What failed at the vendor is tried again, and then may not be submitted.
                Outcome::Unsubmitted(_) => times.iter().any(|&at| {
                    let has_failed = matches!(self.end_of(spec, &url, at), End::Failed(end) if end <= over);
                    // Where a second execution changes nothing, its refusal makes the first forgotten, which may be executed late.
                    let is_forgotten = failed.is_some_and(|failed| at.duration_since(failed) <= LATE);
                    at <= over && !has_failed && !is_forgotten
                }),
                // With a row for each task, one URL's failure is all URLs'. What was lost and is refused the second time has failed.
                Outcome::Failed(_) => {
                    self.world.settings.rows == Rows::PerUrl && !is_resent && times.iter().any(may_complete)
                }
                Outcome::Unknown(_) => false,
            };
            if lie {
                self.broken("I1 partition", format!("{url} is called {outcome:?}; it was accepted at {times:?}"));
            }
        }
    }

    /// The outcomes that aren't what was asked for: done, or not waited for. What a stop left out wasn't waited for either,
    /// unless that counts.
    fn left<'e>(&self, end: &'e RunEnd, stops_count: bool) -> Vec<(Place, &'e Outcome, Option<&'e str>)> {
        let stops = |lane: usize, operation: Operation| {
            let of = move |stop: &&(u16, Option<Operation>, StopCause)| {
                usize::from(stop.0) == lane && stop.1.is_none_or(|stopped| stopped == operation)
            };
            end.stops.iter().filter(of)
        };
        let was_left = |(lane, task): Place| {
            let (outcome, id) = end.outcomes[lane][task as usize].first()?;
            let operation = self.plan.lanes[lane].tasks[task as usize].task.operation;
            let is_left = matches!(outcome, Outcome::Unknown(_)) && id.is_some() && !self.world.wait.follows(operation);
            is_left.then_some(())
        };
        let is_as_asked = |((lane, task), outcome, _): &(Place, &Outcome, Option<&str>)| {
            let planned = &self.plan.lanes[*lane].tasks[*task as usize];
            let follows_left = || planned.after.iter().any(|&refresh| was_left((*lane, refresh)).is_some());
            match outcome {
                Outcome::Done => true,
                Outcome::Unknown(_) => was_left((*lane, *task)).is_some(),
                Outcome::Unsubmitted(_) => {
                    let is_stopped = stops(*lane, planned.task.operation).next().is_some();
                    self.world.wait == Wait::None && !(stops_count && is_stopped) && follows_left()
                }
                Outcome::Failed(_) => false,
            }
        };
        self.outcomes(end).filter(|outcome| !is_as_asked(outcome)).collect()
    }

    /// Whether everything is as it was asked for, and published: the same command rightly begins again.
    pub fn is_over(&self, end: &RunEnd) -> bool {
        end.is_published && self.is_as_asked(end)
    }

    /// Whether everything is as it was asked for.
    pub fn is_as_asked(&self, end: &RunEnd) -> bool {
        !end.is_cut && self.left(end, false).is_empty()
    }

    /// I5: the exit code and the status are those of the outcomes.
    fn check_exit(&self, end: &RunEnd) {
        let open = self.left(end, true);
        let has = |name: &str| open.iter().any(|(_, outcome, _)| outcome.name() == name);
        let stopped_for = |wanted: StopCause| end.stops.iter().any(|(_, _, cause)| *cause == wanted);
        let fits = match (end.interrupted, end.exit) {
            (Some(Signal::Interrupt), code) => code == ExitCode::Interrupted,
            (Some(Signal::Terminate), code) => code == ExitCode::Terminated,
            (None, ExitCode::Success) => open.is_empty(),
            (None, ExitCode::Unknown) => has("unknown"),
            (None, ExitCode::Quota) => {
                has("unsubmitted") && !has("failed") && !has("unknown") && stopped_for(StopCause::Quota)
            }
            (None, ExitCode::Credentials) => !open.is_empty() && stopped_for(StopCause::Credentials),
            (None, ExitCode::Checkout) => has("unsubmitted") && stopped_for(StopCause::Journal),
            (None, ExitCode::Failed) => (has("failed") || has("unsubmitted")) && !has("unknown"),
            (None, _) => false,
        };
        // A signal that nobody heard any more changes nothing; any other names the code.
        let is_all_done = self.outcomes(end).all(|(_, outcome, _)| *outcome == Outcome::Done);
        if !fits || (end.status == Some(Status::Done)) != is_all_done {
            let names: Vec<&str> = self.outcomes(end).map(|(_, outcome, _)| outcome.name()).collect();
            let what =
                format!("exit code {:?} and status {:?} for {names:?}, stops {:?}", end.exit, end.status, end.stops);
            self.broken("I5 exit truth", what);
        }
    }

    /// I6: where a quota was read and is short, a rule's refreshes go out together or not at all, unless as many as fit are wanted; no
    /// short quota touches another operation.
    fn check_budget(&self, end: &RunEnd, vendors: &Vendors) {
        let Some(daily) = self.world.settings.quota.filter(|_| end.number == 0 && !self.world.has_stranger) else {
            return;
        };
        for (name, accepted) in vendors.ledgers(|spec, ledger| {
            let operations: Vec<Operation> = ledger.iter().map(|entry| operation(entry.operation)).collect();
            (spec.name, operations)
        }) {
            let spec = self.world.providers.iter().find(|spec| spec.name == name).expect("a vendor of this world");
            for limits in spec.operations.iter().filter(|limits| !limits.quota.is_empty()) {
                let wanted = limits.operation;
                let Some(quota) = &spec.quota else { continue };
                let call =
                    quota.of_prefetches.as_ref().filter(|_| wanted == Operation::Prefetch).unwrap_or(&quota.call);
                if !vendors.quotas_read.borrow().contains(&(name, call.api)) {
                    continue;
                }
                let of_lane = |lane: &(Place, &'static Spec, &PlannedTask)| {
                    lane.1.name == name && lane.2.refused.is_none() && lane.2.task.operation == wanted
                };
                let mut per_lane: BTreeMap<_, u64> = BTreeMap::new();
                self.planned().filter(of_lane).for_each(|(place, ..)| *per_lane.entry(place.0).or_default() += 1);
                let cost: u64 = per_lane.values().sum();
                let sent = accepted.iter().filter(|&&other| other == wanted).count() as u64;
                let is_refresh = matches!(wanted, Operation::Refresh(_));
                let may_go = match self.world.short_quota {
                    _ if cost <= daily => cost,
                    ShortQuota::Refuse if is_refresh => {
                        // The rules of a lane are one here, and lanes are taken in their order.
                        per_lane.values().fold(0, |sum, cost| if sum + cost <= daily { sum + cost } else { sum })
                    }
                    _ => daily,
                };
                if sent > may_go {
                    let what = format!(
                        "{name} had {daily} left, {cost} {wanted:?} were planned, {sent} accepted instead of {may_go}"
                    );
                    self.broken("I6 budget", what);
                }
            }
        }
    }

    /// I10 and I11: what is rendered holds no secret, and nothing that a runner takes for a command.
    fn check_texts(&self, end: &RunEnd) {
        let secrets = ["demonstration-secret", super::token_cdn::TOKEN];
        for text in &end.texts {
            if let Some(secret) = secrets.into_iter().find(|secret| text.contains(secret)) {
                self.broken("I10 secrecy", format!("{secret} is in: {text}"));
            }
        }
        let is_command =
            |line: &str| line.trim_start().starts_with("::set-output") || line.trim_start().starts_with("##[");
        for text in end.texts.iter().take(2) {
            if let Some(line) = text.lines().find(|line| is_command(line)) {
                self.broken("I11 no injection", format!("a line is a command: {line:?}"));
            }
        }
    }

    /// The tasks that haven't the outcome that they have to have in the end, each with that outcome.
    pub fn unexpected(&self, end: &RunEnd) -> impl Iterator<Item = (Place, &'static str)> {
        self.planned().filter_map(|(place, _, _)| {
            let expected = self.expected(place);
            let outcome = end.outcomes.get(place.0).and_then(|lane| lane[place.1 as usize].first());
            let outcome = outcome.map(|(outcome, _)| outcome.name());
            // A prefetch that can't be planned either is one or the other.
            let is_either = expected == "failed" && outcome == Some("unsubmitted") && self.waits_for_ever(place);
            (outcome != Some(expected) && !is_either).then_some((place, expected))
        })
    }

    /// Whether a refresh before it isn't done in the end.
    fn waits_for_ever(&self, (lane, task): Place) -> bool {
        let after = &self.plan.lanes[lane].tasks[task as usize].after;
        after.iter().any(|&refresh| self.expected((lane, refresh)) != "done")
    }

    fn expected(&self, (lane, task): Place) -> &'static str {
        let planned = &self.plan.lanes[lane].tasks[task as usize];
        if let Some(wider) = planned.covered_by {
            return self.expected((lane, wider));
        }
        let spec = self.plan.lanes[lane].target.provider;
        let is_plain = spec.tracking.is_none();
        let url = planned.task.subject.text();
        match () {
            () if planned.refused.is_some() => "failed",
            () if self.waits_for_ever((lane, task)) => "unsubmitted",
            // The CDN itself has each page, whatever the vendor's API would refuse.
            () if spec.is_warmed(planned.task.operation) => "done",
            () if contains(&self.world.settings.refuse, &url) => "failed",
            () if contains(&self.world.settings.fail, &url) && !is_plain => "failed",
            () if contains(&self.world.settings.hang, &url) && !is_plain => "unknown",
            () => "done",
        }
    }

    /// I14: in the end everything is as it has to be.
    fn check_convergence(&self, end: &RunEnd) {
        if let Some((place, expected)) = self.unexpected(end).next().filter(|_| self.world.converges()) {
            let url = &self.plan.lanes[place.0].tasks[place.1 as usize].task.subject;
            let outcome = end.outcomes.get(place.0).map(|lane| &lane[place.1 as usize]);
            self.broken("I14 convergence", format!("{url} should be {expected} in the end, and is {outcome:?}"));
        }
    }
}

/// A journal's copy.
#[derive(Debug)]
struct Copy(Rc<std::cell::RefCell<Vec<u8>>>);

impl Storage for Copy {
    fn length(&self) -> std::io::Result<u64> {
        Ok(self.0.borrow().len() as u64)
    }

    fn content(&mut self) -> std::io::Result<Box<dyn std::io::BufRead + '_>> {
        Ok(Box::new(std::io::Cursor::new(self.0.borrow().clone())))
    }

    fn cut(&mut self, length: u64) -> std::io::Result<()> {
        self.0.borrow_mut().truncate(length as usize);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.borrow_mut().extend(bytes);
        Ok(())
    }

    fn sync(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn contains(parts: &[String], url: &str) -> bool {
    parts.iter().any(|part| url.contains(&**part))
}

/// The rate of a provider's call; none where the call has several, of which the vendor itself judges.
fn rate(spec: &Spec, name: &str) -> Option<Rate> {
    let submissions = spec.operations.iter().map(|operation| &operation.call);
    let calls = submissions.chain(spec.reading_calls(&Operation::ALL).into_iter().map(|(call, _)| call));
    let mut rates = calls.filter(|call| call.api == name).map(|call| call.rate);
    let first = rates.next()?;
    rates.all(|rate| rate == first).then_some(first)
}

/// What a provider accepted, or is planned there, whatever the vendor calls it: a tag is one of the zone or the service, and a
/// directory what begins like it. CloudFront's paths name no host.
fn key(spec: &Spec, operation: Operation, url: &str) -> (&'static str, Operation, String) {
    let (operation, url) = match operation {
        Operation::Refresh(RefreshKind::Prefix) => (Operation::Refresh(RefreshKind::Directory), url),
        Operation::Refresh(RefreshKind::Tag) => (operation, url.split_once('#').map_or(url, |(_, tag)| tag)),
        Operation::Refresh(RefreshKind::Everything) => (operation, ""),
        _ => (operation, url),
    };
    let path = if spec.name == CLOUDFRONT { url.splitn(4, '/').nth(3) } else { None };
    (spec.name, operation, path.unwrap_or(url).to_owned())
}

/// The vendor's operation as ours.
fn operation(of_vendor: emulators::Operation) -> Operation {
    Operation::Refresh(match of_vendor {
        emulators::Operation::Prefetch => return Operation::Prefetch,
        emulators::Operation::RefreshUrl => RefreshKind::Url,
        emulators::Operation::RefreshDirectory => RefreshKind::Directory,
        emulators::Operation::RefreshRegex => RefreshKind::Regex,
        emulators::Operation::RefreshAnyQuery => RefreshKind::AnyQuery,
        emulators::Operation::RefreshPrefix => RefreshKind::Prefix,
        emulators::Operation::RefreshTag => RefreshKind::Tag,
        emulators::Operation::RefreshHost => RefreshKind::Host,
        emulators::Operation::RefreshEverything => RefreshKind::Everything,
    })
}
