//! Shows the progress of a run: a bar for each target in a terminal, plain lines elsewhere.
//!
//! Both say what is being waited for. The time left is that of the usual time of a task, from earlier runs or the vendor, and
//! of the first tasks of this run as soon as they are done.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::ci::console::{Console, Severity};
use crate::config::LogLevel;
use crate::model::{
    BatchNumber, Event, EventKind, EventSink, LaneIndex, Moment, Operation, Outcome, Quota, StopCause, TaskIndex,
    Verdict,
};
use crate::plan::Plan;
use crate::report::Counts;
use crate::report::phrases::{earlier_run, operation_word, outcome_words, quota_word, stop_word};
use crate::text::format::{counted, duration, grouped};
use crate::text::sanitize;

/// The time between two lines about a lane.
const BETWEEN_LINES: Duration = Duration::from_secs(30);

/// The longest name of a target before a bar, in characters.
const NAME_CHARACTERS: usize = 16;

/// Shows the progress of a run on a console.
pub struct Progress<'a> {
    console: &'a mut Console,
    plan: &'a Plan,
    lanes: Vec<LaneProgress>,
    bars: Option<MultiProgress>,
}

/// How long things take, of refreshes and of prefetches.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// After how long an accepted batch times out.
    pub timeouts: [Duration; 2],
    /// How long a task usually takes; `None` if nobody knows.
    pub usual: [Option<Duration>; 2],
}

struct LaneProgress {
    counts: Counts,
    sizes: BTreeMap<BatchNumber, (Operation, usize)>,
    expected: Expected,
    classes: [ClassProgress; 2],
    shown_at: Duration,
    bar: Option<Bar>,
}

/// The refreshes or the prefetches of a lane.
#[derive(Clone, Copy, Default)]
struct ClassProgress {
    tasks: usize,
    submitted: usize,
    ended: usize,
    first_accepted: Option<Duration>,
    last_accepted: Option<Duration>,
    /// How long a task of this run took.
    measured: Option<Duration>,
}

/// A bar, and when it is expected to be full: in milliseconds since the run began, 0 if nobody knows.
struct Bar {
    bar: ProgressBar,
    end: Arc<AtomicU64>,
}

impl LaneProgress {
    fn ended(&self) -> usize {
        self.classes.iter().map(|class| class.ended).sum()
    }

    fn submitted(&self) -> usize {
        self.classes.iter().map(|class| class.submitted).sum()
    }

    fn class(&mut self, operation: Operation) -> &mut ClassProgress {
        &mut self.classes[operation.class()]
    }

    /// What the lane does now: the class that isn't over, and whether all of it is submitted.
    fn phase(&self) -> Option<(usize, bool)> {
        let is_open = |class: &ClassProgress| class.ended < class.tasks;
        let waits = |class: &ClassProgress| is_open(class) && class.last_accepted.is_some();
        let place = self.classes.iter().position(waits).or_else(|| self.classes.iter().position(is_open))?;
        Some((place, self.classes[place].submitted + self.never_sent(place) >= self.classes[place].tasks))
    }

    /// Tasks that ended without having been submitted.
    fn never_sent(&self, place: usize) -> usize {
        self.classes[place].ended.saturating_sub(self.classes[place].submitted)
    }

    /// When everything is expected to have ended, since the run began.
    fn expected_end(&self, now: Duration) -> Option<Duration> {
        // Where nobody knows, a task takes as long as those of the other kind took.
        let measured = self.classes.iter().find_map(|class| class.measured);
        let mut end = now;
        for (class, usual) in self.classes.iter().zip(self.expected.usual) {
            if class.ended < class.tasks {
                let usual = class.measured.or(usual).or(measured)?;
                // What isn't sent yet waits for what is before it.
                end = class.last_accepted.map_or(end + usual, |accepted| end.max(accepted + usual));
            }
        }
        Some(end)
    }

    /// `waiting for 64 refreshes (about 3 min left; timeout at 10:15:02 UTC)`; nothing at the end.
    fn waiting(&self, now: Duration, clock: Timestamp) -> Option<String> {
        let (place, is_sent) = self.phase()?;
        let class = &self.classes[place];
        let noun = [("refresh", "refreshes"), ("prefetch", "prefetches")][place];
        let open = counted(class.tasks - class.ended, noun.0, noun.1);
        // Where the provider has no status to query, what it accepted has ended.
        let ends_at_once = self.expected.usual[place] == Some(Duration::ZERO);
        if class.last_accepted.is_none() || ends_at_once {
            return Some(format!("{} to submit", open));
        }
        let mut when = Vec::new();
        if let Some(end) = self.expected_end(now) {
            when.push(time_left(end.saturating_sub(now)));
        }
        if let Some(accepted) = class.last_accepted.filter(|_| is_sent) {
            let rest = (accepted + self.expected.timeouts[place]).saturating_sub(now);
            if let Ok(at) = clock.checked_add(rest) {
                when.push(format!("timeout at {}", at.strftime("%H:%M:%S UTC")));
            }
        }
        let when = if when.is_empty() { String::new() } else { format!(" ({})", when.join("; ")) };
        Some(format!("waiting for {open}{when}"))
    }
}

/// `about 3 min left`.
fn time_left(left: Duration) -> String {
    match left.as_secs() {
        0 => "longer than usual".to_owned(),
        seconds @ 1..60 => format!("about {seconds} s left"),
        seconds => format!("about {} left", duration(Duration::from_secs(seconds.div_ceil(60) * 60))),
    }
}

impl<'a> Progress<'a> {
    /// Begins; draws nothing before the first event. `expected` is for each lane of the plan.
    pub fn new(console: &'a mut Console, plan: &'a Plan, expected: &[Expected]) -> Self {
        let bars = console.look().bar.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        let names: Vec<String> =
            plan.lanes.iter().map(|lane| sanitize(&lane.target.name).chars().take(NAME_CHARACTERS).collect()).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let lanes = plan.lanes.iter().zip(expected).zip(names).map(|((lane, expected), name)| {
            let mut classes = [ClassProgress::default(); 2];
            for planned in &lane.tasks {
                classes[planned.task.operation.class()].tasks += 1;
            }
            let bar = bars
                .as_ref()
                .map(|bars| new_bar(bars, &format!("{name:width$}"), lane.tasks.len(), console.look().color));
            LaneProgress {
                counts: Counts { planned: lane.tasks.len(), ..Counts::default() },
                sizes: BTreeMap::new(),
                expected: *expected,
                classes,
                shown_at: Duration::ZERO,
                bar,
            }
        });
        let lanes = lanes.collect();
        Self { console, plan, lanes, bars }
    }

    /// Hides a secret from now on.
    pub fn mask(&mut self, secret: &SecretString) {
        let Self { console, bars, .. } = self;
        match bars {
            Some(bars) => bars.suspend(|| console.mask(secret)),
            None => console.mask(secret),
        }
    }

    fn say(&mut self, level: LogLevel, text: &str) {
        let Self { console, bars, .. } = self;
        match bars {
            Some(bars) => bars.suspend(|| console.note(level, text)),
            None => console.note(level, text),
        }
    }

    fn warn(&mut self, text: &str) {
        let Self { console, bars, .. } = self;
        match bars {
            Some(bars) => bars.suspend(|| console.announce(Severity::Warning, text)),
            None => console.announce(Severity::Warning, text),
        }
    }

    fn name(&self, lane: LaneIndex) -> String {
        match self.plan.lanes.get(usize::from(lane)) {
            Some(lane) => lane.target.name.to_string(),
            None => format!("lane {lane}"),
        }
    }

    /// What the plan does: refreshes, prefetches, or both.
    fn verb(&self) -> &'static str {
        let tasks = || self.plan.lanes.iter().flat_map(|lane| &lane.tasks).map(|planned| planned.task.operation);
        let prefetches = tasks().filter(|operation| *operation == Operation::Prefetch).count();
        match prefetches {
            0 => "Purging",
            some if some == tasks().count() => "Prefetching",
            _ => "Purging and prefetching",
        }
    }

    fn url(&self, lane: LaneIndex, task: TaskIndex) -> Cow<'_, str> {
        let lane = self.plan.lanes.get(usize::from(lane));
        lane.and_then(|lane| lane.tasks.get(task as usize))
            .map_or(Cow::Borrowed("a URL outside the plan"), |task| task.task.subject.text())
    }

    fn batch_event(&mut self, event: &EventKind, elapsed: Duration) {
        match event {
            EventKind::BatchStarted { lane, batch, operation, tasks, attempt } => {
                if let Some(progress) = self.lanes.get_mut(usize::from(*lane)) {
                    progress.sizes.insert(*batch, (*operation, tasks.len()));
                }
                let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                let urls = counted(tasks.len(), "URL", "URLs");
                let operation = operation_word(*operation);
                let text = format!("{}: batch {batch}: {operation}, {urls}{again}", self.name(*lane));
                self.say(LogLevel::Verbose, &text);
            }
            EventKind::BatchSubmitted { lane, batch, task_ids, request_id } => {
                if let Some(progress) = self.lanes.get_mut(usize::from(*lane))
                    && let Some((operation, size)) = progress.sizes.remove(batch)
                {
                    let class = progress.class(operation);
                    class.submitted += size;
                    class.first_accepted.get_or_insert(elapsed);
                    class.last_accepted = Some(elapsed);
                }
                let request = request_id.as_ref().map(|id| format!(" (request id {id})")).unwrap_or_default();
                let text = format!("{}: batch {batch} accepted as {}{request}", self.name(*lane), task_ids.join(", "));
                self.say(LogLevel::Verbose, &text);
            }
            EventKind::BatchRetried { lane, batch, why, after } => {
                let text = format!("{}: batch {batch}: retry in {}: {why}", self.name(*lane), duration(*after));
                self.say(LogLevel::Normal, &text);
            }
            EventKind::BatchSplit { lane, batch, why } => {
                let text =
                    format!("{}: batch {batch} rejected, splitting to find the bad URL: {why}", self.name(*lane));
                self.say(LogLevel::Verbose, &text);
            }
            EventKind::BatchUncertain { lane, batch, why } => {
                let text = format!(
                    "{}: the response to batch {batch} was lost, checking the provider's task records: {why}",
                    self.name(*lane)
                );
                self.say(LogLevel::Normal, &text);
            }
            _ => {}
        }
    }

    fn task_finished(&mut self, lane: LaneIndex, task: TaskIndex, outcome: &Outcome, elapsed: Duration) {
        let planned = self.plan.lanes.get(usize::from(lane)).and_then(|lane| lane.tasks.get(task as usize));
        if let (Some(progress), Some(planned)) = (self.lanes.get_mut(usize::from(lane)), planned) {
            let class = progress.class(planned.task.operation);
            class.ended += 1;
            if *outcome == Outcome::Done {
                class.measured = class.first_accepted.map(|accepted| elapsed.saturating_sub(accepted));
            }
            progress.counts.end(outcome);
        }
        // The summary lists what failed.
        let reason = outcome.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        let text = format!("{}: {} {}{reason}", self.name(lane), outcome.name(), self.url(lane, task));
        self.say(LogLevel::Verbose, &text);
    }

    /// What is left of the operations that the plan has; after the run the summary says it.
    fn quota_read(&mut self, lane: LaneIndex, quota: &Quota, moment: Moment) {
        let Some(planned) = self.plan.lanes.get(usize::from(lane)) else { return };
        let is_used = |operation| planned.tasks.iter().any(|planned| planned.task.operation == operation);
        let entries = quota.entries.iter().filter(|entry| is_used(entry.operation));
        let entries: Vec<_> = entries.map(quota_word).collect();
        if !entries.is_empty() {
            let (level, when) = match moment {
                Moment::Before => (LogLevel::Normal, "left today"),
                Moment::After => (LogLevel::Verbose, "left after the run"),
            };
            self.say(level, &format!("{}: quota: {} {when}", self.name(lane), entries.join(", ")));
        }
    }

    /// Shows a lane's progress at milestones, and half a minute after the last line; moves the bars.
    fn show(&mut self, event: &Event) {
        let Event { at, elapsed, kind } = event;
        let is_submission = matches!(kind, EventKind::BatchSubmitted { .. });
        let is_end = matches!(kind, EventKind::TaskFinished { .. });
        for index in 0..self.lanes.len() {
            let is_this = lane_of(kind).is_some_and(|of| usize::from(of) == index);
            let lane = &mut self.lanes[index];
            if let Some(bar) = &lane.bar {
                if is_this || matches!(kind, EventKind::RunStarted { .. }) {
                    bar.show(lane, *elapsed);
                }
                continue;
            }
            let is_due = elapsed.saturating_sub(lane.shown_at) >= BETWEEN_LINES && lane.ended() < lane.counts.planned;
            let is_milestone = is_this
                && (is_submission && lane.submitted() == lane.counts.planned
                    || is_end && lane.ended() == lane.counts.planned);
            if is_due || is_milestone {
                lane.shown_at = *elapsed;
                let state = state(lane, *elapsed, *at);
                let text = format!("{}: {state}", self.plan.lanes[index].target.name);
                self.say(LogLevel::Normal, &text);
            }
        }
    }
}

impl EventSink for Progress<'_> {
    fn take(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted { tasks, resumed } => {
                let resumed =
                    resumed.as_ref().map_or_else(String::new, |earlier| format!("; {}", earlier_run(earlier)));
                let text = format!("{} {}{resumed}", self.verb(), counted(*tasks, "URL", "URLs"));
                self.say(LogLevel::Normal, &text);
            }
            EventKind::QuotaRead { lane, quota, moment } => self.quota_read(*lane, quota, *moment),
            EventKind::TaskFinished { lane, task, outcome, .. } => {
                self.task_finished(*lane, *task, outcome, event.elapsed);
            }
            EventKind::Verified { lane, task, verification } => {
                let is_stale = verification.verdict == Verdict::Stale;
                let level = if is_stale { LogLevel::Normal } else { LogLevel::Verbose };
                let lane = &self.plan.lanes[usize::from(*lane)];
                let url = &lane.tasks[*task as usize].task.subject;
                let (name, verdict) = (&lane.target.name, verification.verdict.name());
                self.say(level, &format!("{name}: {verdict} {url}: {}", verification.evidence));
            }
            // The signal is shown once, not for each lane.
            EventKind::LaneStopped { cause: StopCause::Interrupted, .. } => {}
            EventKind::LaneStopped { lane, operation, why, .. } => {
                let text = format!("{}: {}: {why}", self.name(*lane), stop_word(*operation));
                self.warn(&text);
            }
            EventKind::Noted { text } => self.say(LogLevel::Normal, text),
            EventKind::Interrupted { signal } => {
                let text = format!("{}: no more submissions; writing the report", signal.name());
                self.warn(&text);
            }
            EventKind::RunFinished { calls } => {
                for bar in self.lanes.iter_mut().filter_map(|lane| lane.bar.take()) {
                    bar.bar.finish_and_clear();
                }
                self.bars = None;
                self.say(LogLevel::Normal, &format!("finished with {}", counted(*calls as usize, "call", "calls")));
                return;
            }
            batch => self.batch_event(batch, event.elapsed),
        }
        self.show(event);
    }
}

/// `62 of 130 done, 2 failed; waiting for 64 refreshes (…)`.
fn state(lane: &LaneProgress, elapsed: Duration, clock: Timestamp) -> String {
    let mut parts = vec![format!("{} of {} done", grouped(lane.counts.done), grouped(lane.counts.planned))];
    parts.extend(outcome_words(lane.counts).map(|(count, word)| format!("{} {word}", grouped(count))));
    match lane.waiting(elapsed, clock) {
        Some(waiting) => format!("{} after {}; {waiting}", parts.join(", "), duration(elapsed)),
        None => format!("{} after {}", parts.join(", "), duration(elapsed)),
    }
}

fn lane_of(kind: &EventKind) -> Option<LaneIndex> {
    match kind {
        EventKind::BatchSubmitted { lane, .. }
        | EventKind::TaskFinished { lane, .. }
        | EventKind::Waiting { lane, .. } => Some(*lane),
        _ => None,
    }
}

impl Bar {
    fn show(&self, lane: &LaneProgress, elapsed: Duration) {
        self.bar.set_position(lane.ended() as u64);
        let end = lane.expected_end(elapsed).map_or(0, |end| u64::try_from(end.as_millis()).unwrap_or(0));
        self.end.store(end, Ordering::Relaxed);
        let phase = match lane.phase() {
            Some((0, false)) => "purging",
            Some((_, false)) => "prefetching",
            Some((0, true)) => "waiting for refreshes",
            Some((_, true)) => "waiting for prefetches",
            None => "done",
        };
        let rare: String =
            outcome_words(lane.counts).map(|(count, word)| format!(", {} {word}", grouped(count))).collect();
        self.bar.set_message(format!("{phase}{rare}"));
    }
}

fn new_bar(bars: &MultiProgress, name: &str, tasks: usize, is_colored: bool) -> Bar {
    let end = Arc::new(AtomicU64::new(0));
    let known = Arc::clone(&end);
    let left = move |state: &ProgressState, writer: &mut dyn std::fmt::Write| {
        let left = match known.load(Ordering::Relaxed) {
            0 => String::new(),
            _ if state.len() == Some(state.pos()) => String::new(),
            end => format!("{}, ", time_left(Duration::from_millis(end).saturating_sub(state.elapsed()))),
        };
        // What can't be drawn is drawn again a second later.
        let _ = writer.write_str(&left);
    };
    let bar = if is_colored { "{bar:20.green}" } else { "{bar:20}" };
    let template = format!("{{prefix}} {bar} {{human_pos}} of {{human_len}}  {{left}}{{wide_msg}}");
    let style = ProgressStyle::with_template(&template).expect("a template that a test draws").with_key("left", left);
    let bar = ProgressBar::with_draw_target(Some(tasks as u64), ProgressDrawTarget::hidden()).with_style(style);
    let bar = bars.add(bar);
    bar.set_prefix(name.to_owned());
    bar.enable_steady_tick(Duration::from_secs(1));
    Bar { bar, end }
}

#[cfg(test)]
mod tests;
