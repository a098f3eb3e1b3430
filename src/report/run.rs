//! A run as the report sees it: the plan, with what became of each lane and task.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::{FailOn, Mode, OnEmpty, Wait};
use crate::git::Range;
use crate::model::{
    BatchNumber, Operation, Outcome, Quota, QuotaEntry, Signal, StopCause, Task, TaskIndex, Verdict, VerdictCounts,
    Verification,
};
use crate::plan::{Lane, Plan, PlannedTask};

/// What a report needs besides plan and events.
#[derive(Clone, Debug)]
pub struct Context {
    /// The operation.
    pub mode: Mode,
    /// Between which commits; `None` for a list of URLs or of changed files.
    pub range: Option<Range>,
    /// The list that named the changed files, as people call it.
    pub list: Option<String>,
    /// How many files differ.
    pub changed_files: usize,
    /// The built directory that the files are of; `None` for commits and for a list of URLs.
    pub built: Option<BuiltOrigin>,
    /// Which failures fail the step.
    pub fail_on: FailOn,
    /// What a run that has nothing to do means.
    pub on_empty: OnEmpty,
    /// What the run waits for: the rest is neither done nor failed.
    pub wait: Wait,
    /// When the program started.
    pub started: Timestamp,
    /// The beginning of the URL of a commit's page at the CI host, up to the commit.
    pub commit_page: Option<String>,
    /// Whether URLs were fetched through the CDN to verify them.
    pub verify: bool,
    /// The edges at which they were; empty: the one nearest to this machine.
    pub edges: Vec<String>,
    /// The configuration's path as it was named.
    pub config: Option<String>,
}

/// What the files of a built directory were compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BuiltOrigin {
    /// From the repository's root.
    pub directory: String,
    /// How many files there are, and what happened to them since when.
    #[serde(skip)]
    pub summary: String,
    /// The manifest that was read, 64 hex digits.
    pub read: Option<String>,
    /// The manifest that was written in its place.
    pub written: Option<String>,
}

/// How a run went. Made by [`Collector::finish`].
#[derive(Debug)]
pub struct Report<'a> {
    pub(super) plan: &'a Plan,
    pub(super) context: Context,
    /// One per lane of the plan.
    pub(super) lanes: Vec<LaneReport>,
    /// In the order in which the provider gave them, each once.
    pub(super) task_ids: Vec<String>,
    /// What was worth saying, in order.
    pub(super) notes: Vec<String>,
    pub(super) interrupted: Option<Signal>,
    /// Whether the execution ended by itself.
    pub(super) is_finished: bool,
    pub(super) calls: u64,
    pub(super) elapsed: Duration,
}

/// How it went at one target.
#[derive(Debug)]
pub(super) struct LaneReport {
    /// One per task of the lane.
    pub(super) ended: Vec<Ended>,
    pub(super) before: Option<Quota>,
    pub(super) after: Option<Quota>,
    pub(super) stops: Vec<Stop>,
    pub(super) timeline: Timeline,
    /// In the order in which they were first sent.
    pub(super) batches: Vec<BatchReport>,
    /// What fetches through the CDN showed, by task.
    pub(super) verified: BTreeMap<TaskIndex, Verification>,
}

/// What became of a batch that was sent.
#[derive(Debug)]
pub(super) struct BatchReport {
    pub(super) number: BatchNumber,
    pub(super) operation: Operation,
    /// How often it was sent.
    pub(super) attempts: u32,
    /// When it was first sent, since the run began; and so on.
    pub(super) sent: Duration,
    pub(super) accepted: Option<Duration>,
    /// When the last of its tasks had its outcome.
    pub(super) finished: Option<Duration>,
    /// The outcomes of its tasks; those of a batch that was split are counted in its halves.
    pub(super) counts: Counts,
    pub(super) task_ids: Vec<String>,
}

/// How a task ended, and under which of the provider's ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// `None`: a dry run, no quota was read.
    pub(super) outcome: Option<Outcome>,
    pub(super) task_id: Option<String>,
}

impl Ended {
    /// The word in reports.
    pub(super) fn name(&self) -> &'static str {
        self.outcome.as_ref().map_or("planned", Outcome::name)
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.outcome.as_ref().and_then(Outcome::reason)
    }

    pub(super) fn is_done(&self) -> bool {
        self.outcome == Some(Outcome::Done)
    }
}

/// Why nothing more was submitted.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    /// `None`: of any kind.
    pub(super) operation: Option<Operation>,
    pub(super) cause: StopCause,
    pub(super) why: String,
}

impl Stop {
    pub(super) fn covers(&self, operation: Operation) -> bool {
        self.operation.is_none_or(|stopped| stopped == operation)
    }
}

/// When things happened, since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Timeline {
    pub(super) first_submitted: Option<Duration>,
    pub(super) last_submitted: Option<Duration>,
    pub(super) last_refreshed: Option<Duration>,
    pub(super) first_prefetch: Option<Duration>,
    pub(super) last_prefetched: Option<Duration>,
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
    pub(super) fn add(&mut self, ended: &Ended) {
        self.planned += 1;
        ended.outcome.iter().for_each(|outcome| self.end(outcome));
    }

    /// Counts an outcome.
    pub fn end(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Done => self.done += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Unsubmitted(_) => self.unsubmitted += 1,
            Outcome::Unknown(_) => self.unknown += 1,
        }
    }
}

/// A task with its end: what a row of a report is made of.
#[derive(Clone, Copy)]
pub(super) struct Row<'r> {
    pub(super) lane: &'r Lane,
    pub(super) planned: &'r PlannedTask,
    pub(super) ended: &'r Ended,
    /// What a fetch through the CDN showed, if there was one.
    pub(super) verified: Option<&'r Verification>,
}

impl<'r> Row<'r> {
    pub(super) fn is_stale(&self) -> bool {
        self.verified.is_some_and(|verified| verified.verdict == Verdict::Stale)
    }

    /// The URL of the refresh that covers this one.
    pub(super) fn covered_by(&self) -> Option<Cow<'r, str>> {
        self.planned.covered_by.map(|wider| self.lane.tasks[wider as usize].task.subject.text())
    }
}

impl<'a> Report<'a> {
    /// The commit that the changes lead to; a list of URLs has none.
    pub fn head(&self) -> Option<&str> {
        Some(self.context.range.as_ref()?.head.as_str())
    }

    /// The plan.
    pub fn plan(&self) -> &'a Plan {
        self.plan
    }

    /// What was left of the quota of a lane's account before anything was sent, if it was read.
    pub fn quota_before(&self, lane: usize) -> Option<&Quota> {
        self.lanes[lane].before.as_ref()
    }

    /// Adds a sentence that is worth saying.
    pub fn add_note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// Notes the manifest that was written after the run.
    pub fn set_manifest(&mut self, id: String) {
        if let Some(built) = &mut self.context.built {
            built.written = Some(id);
        }
    }

    /// The tasks that aren't done, or whose URL is stale all the same, without prefetches that were submitted and that `wait` doesn't wait for.
    pub fn unfinished(&self) -> impl Iterator<Item = &Task> {
        let is_left = |row: &Row<'_>| match (&row.ended.outcome, row.planned.task.operation) {
            (Some(Outcome::Done), _) => row.is_stale(),
            (Some(Outcome::Unknown(_)), operation @ Operation::Prefetch) => self.context.wait.follows(operation),
            _ => true,
        };
        self.rows().filter(is_left).map(|row| &row.planned.task)
    }

    /// The counts of the tasks that `wanted` picks, over all targets.
    pub fn count(&self, wanted: impl Fn(Operation) -> bool) -> Counts {
        let mut counts = Counts::default();
        for row in self.rows().filter(|row| wanted(row.planned.task.operation)) {
            counts.add(row.ended);
        }
        counts
    }

    /// How many URLs were verified with each verdict; `None` where nothing was to be verified.
    pub fn verdicts(&self) -> Option<VerdictCounts> {
        let mut counts = VerdictCounts::default();
        self.rows().filter_map(|row| row.verified).for_each(|verified| *counts.of(verified.verdict) += 1);
        self.context.verify.then_some(counts)
    }

    /// How many URLs got their verdict by this evidence.
    pub fn count_verified_by(&self, evidence: &str) -> usize {
        self.rows().filter(|row| row.verified.is_some_and(|verified| verified.evidence == evidence)).count()
    }

    /// The URLs that aren't fresh, the worst first.
    pub(super) fn not_fresh(&self) -> impl Iterator<Item = (Row<'_>, &Verification)> {
        let verdicts = Verdict::ALL.into_iter().rev().filter(|verdict| *verdict != Verdict::Fresh);
        verdicts.flat_map(|verdict| {
            let verified = self.rows().filter_map(|row| Some((row, row.verified?)));
            verified.filter(move |(_, verified)| verified.verdict == verdict)
        })
    }

    /// The reasons why URLs were not submitted, with the number of URLs; the most frequent first.
    pub(super) fn unsubmitted_reasons(&self) -> Vec<(&str, usize)> {
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
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.lanes_with_reports().flat_map(|(lane, report)| lane_rows(lane, report))
    }

    pub(super) fn lanes_with_reports(&self) -> impl Iterator<Item = (&'a Lane, &LaneReport)> {
        self.plan.lanes.iter().zip(&self.lanes)
    }
}

pub(super) fn lane_rows<'r>(lane: &'r Lane, report: &'r LaneReport) -> impl Iterator<Item = Row<'r>> {
    let rows = (0..).zip(lane.tasks.iter().zip(&report.ended));
    rows.map(move |(task, (planned, ended))| Row { lane, planned, ended, verified: report.verified.get(&task) })
}

/// The counts of a lane, an entry for each operation that it holds.
pub(super) fn lane_counts(lane: &Lane, report: &LaneReport) -> Vec<(Operation, Counts)> {
    let mut all: BTreeMap<Operation, Counts> = BTreeMap::new();
    for row in lane_rows(lane, report) {
        all.entry(row.planned.task.operation).or_default().add(row.ended);
    }
    all.into_iter().collect()
}

/// A lane's quota per operation: before and after, as far as either was read.
pub(super) fn lane_quotas(report: &LaneReport) -> Vec<(Operation, Option<QuotaEntry>, Option<QuotaEntry>)> {
    let entry = |quota: &Option<Quota>, operation| {
        quota.as_ref().and_then(|quota| quota.entries.iter().copied().find(|entry| entry.operation == operation))
    };
    Operation::ALL
        .into_iter()
        .map(|operation| (operation, entry(&report.before, operation), entry(&report.after, operation)))
        .filter(|(_, before, after)| before.is_some() || after.is_some())
        .collect()
}
