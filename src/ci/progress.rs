//! Events → a person's feeling for how far it is: a bar in a terminal, plain lines at sensible moments elsewhere.
//!
//! How long is left is not shown: providers say nothing about it, and a guess would be a lie.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use secrecy::SecretString;

use crate::ci::console::{Console, Severity};
use crate::config::LogLevel;
use crate::model::{BatchNumber, Event, EventKind, EventSink, LaneIndex, Moment, Outcome, Quota, StopCause, TaskIndex};
use crate::plan::Plan;
use crate::report::phrases::{earlier_run, operation_word, quota_word, stop_word};
use crate::text::format::{counted, duration, grouped};

/// A line about each lane at least so far apart.
const BETWEEN_LINES: Duration = Duration::from_secs(30);

/// So many addresses that came to no good end are told one by one; the report has them all.
const TOLD_FAILURES: usize = 20;

/// Shows how far an execution is, on a console.
pub struct Progress<'a> {
    console: &'a mut Console,
    plan: &'a Plan,
    lanes: Vec<LaneProgress>,
    bar: Option<ProgressBar>,
    told_failures: usize,
}

#[derive(Default)]
struct LaneProgress {
    tasks: usize,
    sizes: BTreeMap<BatchNumber, usize>,
    submitted: usize,
    done: usize,
    failed: usize,
    unsubmitted: usize,
    unknown: usize,
    told_at: Duration,
}

impl LaneProgress {
    fn ended(&self) -> usize {
        self.done + self.failed + self.unsubmitted + self.unknown
    }
}

impl<'a> Progress<'a> {
    /// Begins; draws nothing before the first event.
    pub fn new(console: &'a mut Console, plan: &'a Plan) -> Self {
        let lanes: Vec<_> =
            plan.lanes.iter().map(|lane| LaneProgress { tasks: lane.tasks.len(), ..Default::default() }).collect();
        let bar = console.look().bar.then(|| new_bar(lanes.iter().map(|lane| lane.tasks).sum()));
        Self { console, plan, lanes, bar, told_failures: 0 }
    }

    /// Hides a secret from now on.
    pub fn mask(&mut self, secret: &SecretString) {
        let Self { console, bar, .. } = self;
        match bar {
            Some(bar) => bar.suspend(|| console.mask(secret)),
            None => console.mask(secret),
        }
    }

    fn say(&mut self, level: LogLevel, text: &str) {
        let Self { console, bar, .. } = self;
        match bar {
            Some(bar) => bar.suspend(|| console.note(level, text)),
            None => console.note(level, text),
        }
    }

    fn warn(&mut self, text: &str) {
        let Self { console, bar, .. } = self;
        match bar {
            Some(bar) => bar.suspend(|| console.announce(Severity::Warning, text)),
            None => console.announce(Severity::Warning, text),
        }
    }

    fn name(&self, lane: LaneIndex) -> String {
        match self.plan.lanes.get(usize::from(lane)) {
            Some(lane) => lane.target.name.to_string(),
            None => format!("lane {lane}"),
        }
    }

    fn url(&self, lane: LaneIndex, task: TaskIndex) -> Cow<'_, str> {
        let lane = self.plan.lanes.get(usize::from(lane));
        lane.and_then(|lane| lane.tasks.get(task as usize))
            .map_or(Cow::Borrowed("a URL outside the plan"), |task| task.task.subject.text())
    }

    fn batch_event(&mut self, event: &EventKind) {
        match event {
            EventKind::BatchStarted { lane, batch, operation, size, attempt } => {
                if let Some(progress) = self.lanes.get_mut(usize::from(*lane)) {
                    progress.sizes.insert(*batch, *size);
                }
                let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                let addresses = counted(*size, "address", "addresses");
                let operation = operation_word(*operation);
                let text = format!("{}: batch {batch}: {operation}, {addresses}{again}", self.name(*lane));
                self.say(LogLevel::Verbose, &text);
            }
            EventKind::BatchSubmitted { lane, batch, task_ids, request_id } => {
                if let Some(progress) = self.lanes.get_mut(usize::from(*lane)) {
                    progress.submitted += progress.sizes.remove(batch).unwrap_or(0);
                }
                let request = request_id.as_ref().map(|id| format!(" (request id {id})")).unwrap_or_default();
                let text = format!("{}: batch {batch} taken as {}{request}", self.name(*lane), task_ids.join(", "));
                self.say(LogLevel::Verbose, &text);
            }
            EventKind::BatchRetried { lane, batch, why, after } => {
                let text = format!("{}: batch {batch} is sent again in {}: {why}", self.name(*lane), duration(*after));
                self.say(LogLevel::Normal, &text);
            }
            EventKind::BatchSplit { lane, batch, why } => {
                let text = format!("{}: batch {batch} is cut in two to find what is refused: {why}", self.name(*lane));
                self.say(LogLevel::Normal, &text);
            }
            EventKind::BatchUncertain { lane, batch, why } => {
                let text = format!(
                    "{}: the answer to batch {batch} was lost, the provider's records are asked: {why}",
                    self.name(*lane)
                );
                self.say(LogLevel::Normal, &text);
            }
            _ => {}
        }
    }

    fn task_finished(&mut self, lane: LaneIndex, task: TaskIndex, outcome: &Outcome) {
        if let Some(progress) = self.lanes.get_mut(usize::from(lane)) {
            match outcome {
                Outcome::Done => progress.done += 1,
                Outcome::Failed(_) => progress.failed += 1,
                Outcome::Unsubmitted(_) => progress.unsubmitted += 1,
                Outcome::Unknown(_) => progress.unknown += 1,
            }
        }
        let reason = outcome.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        let text = format!("{}: {} {}{reason}", self.name(lane), outcome.name(), self.url(lane, task));
        let is_news = matches!(outcome, Outcome::Failed(_) | Outcome::Unknown(_));
        self.told_failures += usize::from(is_news);
        if is_news && self.told_failures <= TOLD_FAILURES {
            self.say(LogLevel::Normal, &text);
            if self.told_failures == TOLD_FAILURES {
                self.say(LogLevel::Normal, "more of these aren't told one by one");
            }
        } else {
            self.say(LogLevel::Verbose, &text);
        }
    }

    fn quota_read(&mut self, lane: LaneIndex, quota: &Quota, moment: Moment) {
        let entries: Vec<_> = quota.entries.iter().map(quota_word).collect();
        if !entries.is_empty() {
            let when = if moment == Moment::Before { "left today" } else { "left afterwards" };
            self.say(LogLevel::Normal, &format!("{}: {when}: {}", self.name(lane), entries.join(", ")));
        }
    }

    /// Says how far a lane is when something changed for good, or half a minute after the last time; moves the bar.
    fn show(&mut self, kind: &EventKind, elapsed: Duration) {
        if let Some(bar) = &self.bar {
            let sum = |count: fn(&LaneProgress) -> usize| self.lanes.iter().map(count).sum::<usize>();
            bar.set_position(sum(LaneProgress::ended) as u64);
            let (done, bad) = (sum(|lane| lane.done), sum(|lane| lane.failed + lane.unsubmitted + lane.unknown));
            let open = sum(|lane| lane.tasks).saturating_sub(done + bad);
            bar.set_message(format!("{} done, {} not, {} open", grouped(done), grouped(bad), grouped(open)));
            return;
        }
        let is_submission = matches!(kind, EventKind::BatchSubmitted { .. });
        let is_end = matches!(kind, EventKind::TaskFinished { .. });
        for index in 0..self.lanes.len() {
            let lane = &mut self.lanes[index];
            let is_due = elapsed.saturating_sub(lane.told_at) >= BETWEEN_LINES && lane.ended() < lane.tasks;
            let is_this = lane_of(kind).is_some_and(|of| usize::from(of) == index);
            let is_milestone =
                is_this && (is_submission && lane.submitted == lane.tasks || is_end && lane.ended() == lane.tasks);
            if is_due || is_milestone {
                lane.told_at = elapsed;
                let text = format!("{}: {}", self.plan.lanes[index].target.name, state(&self.lanes[index], elapsed));
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
                let text = format!("{} to do{resumed}", counted(*tasks, "address", "addresses"));
                self.say(LogLevel::Normal, &text);
            }
            EventKind::QuotaRead { lane, quota, moment } => self.quota_read(*lane, quota, *moment),
            EventKind::TaskFinished { lane, task, outcome, .. } => self.task_finished(*lane, *task, outcome),
            // The signal itself says so, once for all lanes.
            EventKind::LaneStopped { cause: StopCause::Interrupted, .. } => {}
            EventKind::LaneStopped { lane, operation, why, .. } => {
                let text = format!("{}: {}: {why}", self.name(*lane), stop_word(*operation));
                self.warn(&text);
            }
            EventKind::Noted { text } => self.say(LogLevel::Normal, text),
            EventKind::Interrupted { signal } => {
                let text = format!("{}: nothing more is submitted; the report is written", signal.name());
                self.warn(&text);
            }
            EventKind::RunFinished { calls } => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                let text = format!(
                    "ended after {} and {}",
                    duration(event.elapsed),
                    counted(*calls as usize, "call", "calls")
                );
                self.say(LogLevel::Normal, &text);
                return;
            }
            batch => self.batch_event(batch),
        }
        self.show(&event.kind, event.elapsed);
    }
}

fn state(lane: &LaneProgress, elapsed: Duration) -> String {
    let mut parts = vec![format!("{} done", grouped(lane.done))];
    for (count, word) in [(lane.failed, "failed"), (lane.unsubmitted, "unsubmitted"), (lane.unknown, "unknown")] {
        if count > 0 {
            parts.push(format!("{} {word}", grouped(count)));
        }
    }
    format!(
        "{} of {} submitted, {} after {}",
        grouped(lane.submitted),
        grouped(lane.tasks),
        parts.join(", "),
        duration(elapsed)
    )
}

fn lane_of(kind: &EventKind) -> Option<LaneIndex> {
    match kind {
        EventKind::BatchSubmitted { lane, .. } | EventKind::TaskFinished { lane, .. } => Some(*lane),
        _ => None,
    }
}

fn new_bar(tasks: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} · {msg} · {elapsed}")
        .expect("a template that a test draws");
    let bar = ProgressBar::with_draw_target(Some(tasks as u64), ProgressDrawTarget::stderr()).with_style(style);
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

#[cfg(test)]
mod tests;
