//! The report of a run, as Markdown, JSON, JUnit, plain text and outputs. Pure: values in, text out.
//!
//! Every planned URL has exactly one outcome, and together they are the plan. Which of these texts is shown, and where, is
//! decided in `ci`.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::{FailOn, Mode, Wait};
use crate::git::Range;
use crate::model::{Operation, Outcome, Quota, QuotaEntry, Signal, StopCause};
use crate::plan::{Lane, Plan, PlannedTask};

mod collector;
mod exit_status;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod outputs;
pub mod phrases;
pub mod plot;
pub mod query_columns;
pub mod table;
pub mod terminal;

pub use collector::Collector;
pub use exit_status::Status;

#[cfg(test)]
pub(crate) mod fixture;

/// What a report needs besides plan and events.
#[derive(Clone, Debug)]
pub struct Context {
    /// What was asked.
    pub mode: Mode,
    /// Between which commits; `None` for a list of URLs.
    pub range: Option<Range>,
    /// How many files differ.
    pub changed_files: usize,
    /// Which failures fail the step.
    pub fail_on: FailOn,
    /// What the run waits for: the rest is neither done nor failed.
    pub wait: Wait,
    /// When the program started.
    pub started: Timestamp,
    /// The configuration's path as it was named.
    pub config: Option<String>,
}

/// How a run went. Made by [`Collector::finish`].
#[derive(Debug)]
pub struct Report<'a> {
    plan: &'a Plan,
    context: Context,
    /// One per lane of the plan.
    lanes: Vec<LaneReport>,
    /// In the order in which the provider gave them, each once.
    task_ids: Vec<String>,
    /// What was worth saying, in order.
    notes: Vec<String>,
    interrupted: Option<Signal>,
    /// Whether the execution came to its own end.
    is_finished: bool,
    calls: u64,
    elapsed: Duration,
}

/// How it went at one target.
#[derive(Debug)]
struct LaneReport {
    /// One per task of the lane.
    ended: Vec<Ended>,
    before: Option<Quota>,
    after: Option<Quota>,
    stops: Vec<Stop>,
    timeline: Timeline,
}

/// How a task ended, and under which of the provider's ids.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ended {
    /// `None`: a dry run, nothing was asked.
    outcome: Option<Outcome>,
    task_id: Option<String>,
}

impl Ended {
    /// The word in reports.
    fn name(&self) -> &'static str {
        self.outcome.as_ref().map_or("planned", Outcome::name)
    }

    fn reason(&self) -> Option<&str> {
        self.outcome.as_ref().and_then(Outcome::reason)
    }

    fn is_done(&self) -> bool {
        self.outcome == Some(Outcome::Done)
    }
}

/// Why nothing more was submitted.
#[derive(Clone, Debug)]
struct Stop {
    /// `None`: of any kind.
    operation: Option<Operation>,
    cause: StopCause,
    why: String,
}

impl Stop {
    fn covers(&self, operation: Operation) -> bool {
        self.operation.is_none_or(|stopped| stopped == operation)
    }
}

/// When things happened, since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Timeline {
    first_submitted: Option<Duration>,
    last_submitted: Option<Duration>,
    last_refreshed: Option<Duration>,
    last_prefetched: Option<Duration>,
}

/// The number of URLs by outcome. After a run, the four outcomes sum up to `planned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All.
    pub planned: usize,
    /// [`Outcome::Done`].
    pub done: usize,
    /// [`Outcome::Failed`].
    pub failed: usize,
    /// [`Outcome::Unsubmitted`].
    pub unsubmitted: usize,
    /// [`Outcome::Unknown`].
    pub unknown: usize,
}

impl Counts {
    fn add(&mut self, ended: &Ended) {
        self.planned += 1;
        match ended.outcome {
            None => {}
            Some(Outcome::Done) => self.done += 1,
            Some(Outcome::Failed(_)) => self.failed += 1,
            Some(Outcome::Unsubmitted(_)) => self.unsubmitted += 1,
            Some(Outcome::Unknown(_)) => self.unknown += 1,
        }
    }
}

/// A task with its end: what a row of a report is made of.
#[derive(Clone, Copy)]
struct Row<'r> {
    lane: &'r Lane,
    planned: &'r PlannedTask,
    ended: &'r Ended,
}

impl<'a> Report<'a> {
    /// The commit that the changes lead to; a list of URLs has none.
    pub fn head(&self) -> Option<&str> {
        Some(self.context.range.as_ref()?.head.as_str())
    }

    /// The counts of the tasks that `wanted` picks, over all targets.
    pub fn count(&self, wanted: impl Fn(Operation) -> bool) -> Counts {
        let mut counts = Counts::default();
        for row in self.rows().filter(|row| wanted(row.planned.task.operation)) {
            counts.add(row.ended);
        }
        counts
    }

    /// The reasons why URLs were not submitted, with the number of URLs; the most frequent first.
    fn unsubmitted_reasons(&self) -> Vec<(&str, usize)> {
        let mut reasons = BTreeMap::new();
        for row in self.rows() {
            if let Some(Outcome::Unsubmitted(reason)) = &row.ended.outcome {
                *reasons.entry(reason.as_str()).or_default() += 1;
            }
        }
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }

    /// Every task with its end, in the order of the plan.
    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.lanes_with_reports().flat_map(|(lane, report)| lane_rows(lane, report))
    }

    fn lanes_with_reports(&self) -> impl Iterator<Item = (&'a Lane, &LaneReport)> {
        self.plan.lanes.iter().zip(&self.lanes)
    }
}

fn lane_rows<'r>(lane: &'r Lane, report: &'r LaneReport) -> impl Iterator<Item = Row<'r>> {
    lane.tasks.iter().zip(&report.ended).map(move |(planned, ended)| Row { lane, planned, ended })
}

/// The counts of a lane, an entry for each operation that it holds.
fn lane_counts(lane: &Lane, report: &LaneReport) -> Vec<(Operation, Counts)> {
    let of = |operation| {
        let mut counts = Counts::default();
        for row in lane_rows(lane, report).filter(|row| row.planned.task.operation == operation) {
            counts.add(row.ended);
        }
        (operation, counts)
    };
    Operation::ALL.into_iter().map(of).filter(|(_, counts)| counts.planned > 0).collect()
}

/// A lane's quota per operation: before and after, as far as either was read.
fn lane_quotas(report: &LaneReport) -> Vec<(Operation, Option<QuotaEntry>, Option<QuotaEntry>)> {
    let entry = |quota: &Option<Quota>, operation| {
        quota.as_ref().and_then(|quota| quota.entries.iter().copied().find(|entry| entry.operation == operation))
    };
    Operation::ALL
        .into_iter()
        .map(|operation| (operation, entry(&report.before, operation), entry(&report.after, operation)))
        .filter(|(_, before, after)| before.is_some() || after.is_some())
        .collect()
}
