//! Shows the progress of a run: a bar in a terminal, plain lines elsewhere.
//!
//! The time left is not shown: providers don't report it, and a guess would be wrong.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use secrecy::SecretString;

use crate::ci::console::{Console, Severity};
use crate::config::LogLevel;
use crate::model::{
    BatchNumber, Event, EventKind, EventSink, LaneIndex, Moment, Operation, Outcome, Quota, StopCause, TaskIndex,
};
use crate::plan::Plan;
use crate::report::phrases::{earlier_run, operation_word, quota_word, stop_word};
use crate::text::format::{counted, duration, grouped};

/// The time between two lines about a lane.
const BETWEEN_LINES: Duration = Duration::from_secs(30);

/// The number of failed URLs that are listed one by one; the report has all.
const LISTED_FAILURES: usize = 20;

/// Shows the progress of a run on a console.
pub struct Progress<'a> {
    console: &'a mut Console,
    plan: &'a Plan,
    lanes: Vec<LaneProgress>,
    bar: Option<ProgressBar>,
    listed_failures: usize,
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
    shown_at: Duration,
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
        Self { console, plan, lanes, bar, listed_failures: 0 }
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

    fn batch_event(&mut self, event: &EventKind) {
        match event {
            EventKind::BatchStarted { lane, batch, operation, tasks, attempt } => {
                if let Some(progress) = self.lanes.get_mut(usize::from(*lane)) {
                    progress.sizes.insert(*batch, tasks.len());
                }
                let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                let urls = counted(tasks.len(), "URL", "URLs");
                let operation = operation_word(*operation);
                let text = format!("{}: batch {batch}: {operation}, {urls}{again}", self.name(*lane));
                self.say(LogLevel::Verbose, &text);
            }
            EventKind::BatchSubmitted { lane, batch, task_ids, request_id } => {
                if let Some(progress) = self.lanes.get_mut(usize::from(*lane)) {
                    progress.submitted += progress.sizes.remove(batch).unwrap_or(0);
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
                self.say(LogLevel::Normal, &text);
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
        self.listed_failures += usize::from(is_news);
        if is_news && self.listed_failures <= LISTED_FAILURES {
            self.say(LogLevel::Normal, &text);
            if self.listed_failures == LISTED_FAILURES {
                self.say(LogLevel::Normal, "further failures are listed in the report only");
            }
        } else {
            self.say(LogLevel::Verbose, &text);
        }
    }

    fn quota_read(&mut self, lane: LaneIndex, quota: &Quota, moment: Moment) {
        let entries: Vec<_> = quota.entries.iter().map(quota_word).collect();
        if !entries.is_empty() {
            let when = if moment == Moment::Before { "left today" } else { "left after the run" };
            self.say(LogLevel::Normal, &format!("{}: quota: {} {when}", self.name(lane), entries.join(", ")));
        }
    }

    /// Shows a lane's progress at milestones, and half a minute after the last line; moves the bar.
    fn show(&mut self, kind: &EventKind, elapsed: Duration) {
        if let Some(bar) = &self.bar {
            let sum = |count: fn(&LaneProgress) -> usize| self.lanes.iter().map(count).sum::<usize>();
            bar.set_position(sum(LaneProgress::ended) as u64);
            let pending = sum(|lane| lane.tasks).saturating_sub(sum(LaneProgress::ended));
            let mut parts = vec![(sum(|lane| lane.done), "done"), (sum(|lane| lane.failed), "failed")];
            let rare = [(sum(|lane| lane.unsubmitted), "unsubmitted"), (sum(|lane| lane.unknown), "unknown")];
            parts.extend(rare.into_iter().filter(|(count, _)| *count > 0));
            parts.push((pending, "pending"));
            let parts: Vec<_> = parts.iter().map(|(count, word)| format!("{} {word}", grouped(*count))).collect();
            bar.set_message(parts.join(" · "));
            return;
        }
        let is_submission = matches!(kind, EventKind::BatchSubmitted { .. });
        let is_end = matches!(kind, EventKind::TaskFinished { .. });
        for index in 0..self.lanes.len() {
            let lane = &mut self.lanes[index];
            let is_due = elapsed.saturating_sub(lane.shown_at) >= BETWEEN_LINES && lane.ended() < lane.tasks;
            let is_this = lane_of(kind).is_some_and(|of| usize::from(of) == index);
            let is_milestone =
                is_this && (is_submission && lane.submitted == lane.tasks || is_end && lane.ended() == lane.tasks);
            if is_due || is_milestone {
                lane.shown_at = elapsed;
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
                let text = format!("{} {}{resumed}", self.verb(), counted(*tasks, "URL", "URLs"));
                self.say(LogLevel::Normal, &text);
            }
            EventKind::QuotaRead { lane, quota, moment } => self.quota_read(*lane, quota, *moment),
            EventKind::TaskFinished { lane, task, outcome, .. } => self.task_finished(*lane, *task, outcome),
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
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                let text = format!(
                    "finished after {} and {}",
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
