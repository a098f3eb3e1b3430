//! Collects the events of a run into a [`Report`], in which every planned task has exactly one outcome.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::config::Mode;
use crate::model::{
    BatchNumber, Event, EventKind, EventSink, LaneIndex, Moment, Operation, Outcome, Signal, TaskIndex,
};
use crate::plan::{Lane, Plan};
use crate::report::phrases::earlier_run;
use crate::report::{BatchReport, Context, Counts, Ended, LaneReport, Report, Stop, Timeline};
use crate::text::format::grouped;

/// The number of notes that are kept; the rest is counted.
const NOTES: usize = 200;

/// The reason of a task without an outcome.
const UNHEARD: &str = "the run ended before this URL did; it isn't known whether the provider accepted it";

/// Collects events; the sink between the execution and everything a person or program reads afterwards.
#[derive(Debug)]
pub struct Collector<'a> {
    plan: &'a Plan,
    context: Context,
    lanes: Vec<LaneRecord>,
    task_ids: Vec<String>,
    known_task_ids: HashSet<String>,
    notes: Vec<String>,
    more_notes: usize,
    interrupted: Option<Signal>,
    is_finished: bool,
    calls: u64,
    elapsed: Duration,
}

#[derive(Debug)]
struct LaneRecord {
    ended: Vec<Option<Ended>>,
    /// The place in the report of the batch that each task was last sent in.
    batches: Vec<Option<u32>>,
    report: LaneReport,
}

impl LaneRecord {
    fn batch_sent(
        &mut self,
        number: BatchNumber,
        operation: Operation,
        tasks: &[TaskIndex],
        attempts: u32,
        sent: Duration,
    ) {
        let batches = &mut self.report.batches;
        let earlier = (attempts > 1).then(|| batches.iter_mut().rfind(|sent| sent.number == number)).flatten();
        if let Some(batch) = earlier {
            batch.attempts = attempts;
            return;
        }
        let place = u32::try_from(batches.len()).ok();
        for task in tasks {
            if let Some(batch) = self.batches.get_mut(*task as usize) {
                *batch = place;
            }
        }
        let (accepted, finished, counts, task_ids) = (None, None, Counts::default(), Vec::new());
        batches.push(BatchReport { number, operation, attempts, sent, accepted, finished, counts, task_ids });
    }
}

impl<'a> Collector<'a> {
    /// A collector without events.
    pub fn new(plan: &'a Plan, context: Context) -> Self {
        let new_record = |lane: &Lane| LaneRecord {
            ended: vec![None; lane.tasks.len()],
            batches: vec![None; lane.tasks.len()],
            report: LaneReport {
                ended: Vec::new(),
                before: None,
                after: None,
                stops: Vec::new(),
                timeline: Timeline::default(),
                batches: Vec::new(),
                verified: BTreeMap::new(),
            },
        };
        Self {
            plan,
            context,
            lanes: plan.lanes.iter().map(new_record).collect(),
            task_ids: Vec::new(),
            known_task_ids: HashSet::new(),
            notes: Vec::new(),
            more_notes: 0,
            interrupted: None,
            is_finished: false,
            calls: 0,
            elapsed: Duration::ZERO,
        }
    }

    /// The report. A task without an outcome is unknown, never done. In a dry run every task is planned, except for URLs that
    /// can't be sent at all: they count as failed.
    pub fn finish(mut self) -> Report<'a> {
        if self.more_notes > 0 {
            self.notes.push(format!("and {} more notes like these", grouped(self.more_notes)));
        }
        let is_dry = matches!(self.context.mode, Mode::DryRun | Mode::Verify);
        let mut lanes = Vec::with_capacity(self.lanes.len());
        for (lane, mut record) in self.plan.lanes.iter().zip(self.lanes) {
            let unheard = |refused: &Option<String>| Ended {
                outcome: match refused {
                    Some(why) => Some(Outcome::Failed(why.clone())),
                    None if is_dry => None,
                    None => Some(Outcome::Unknown(UNHEARD.into())),
                },
                task_id: None,
            };
            let heard = record.ended.into_iter().zip(&lane.tasks);
            record.report.ended = heard.map(|(ended, task)| ended.unwrap_or_else(|| unheard(&task.refused))).collect();
            lanes.push(record.report);
        }
        Report {
            plan: self.plan,
            context: self.context,
            lanes,
            task_ids: self.task_ids,
            notes: self.notes,
            interrupted: self.interrupted,
            is_finished: self.is_finished,
            calls: self.calls,
            elapsed: self.elapsed,
        }
    }

    /// Adds a sentence that is worth saying.
    pub fn note(&mut self, text: String) {
        if self.notes.len() < NOTES {
            self.notes.push(text);
        } else {
            self.more_notes += 1;
        }
    }

    fn know_task_id(&mut self, task_id: &str) {
        if !self.known_task_ids.contains(task_id) {
            self.known_task_ids.insert(task_id.to_owned());
            self.task_ids.push(task_id.to_owned());
        }
    }

    fn target(&self, lane: LaneIndex) -> String {
        self.plan
            .lanes
            .get(usize::from(lane))
            .map_or_else(|| format!("lane {lane}"), |lane| lane.target.name.to_string())
    }

    fn task_finished(&mut self, lane: LaneIndex, task: TaskIndex, ended: Ended) {
        // A batch may have been accepted under several ids, and the response doesn't always say which id a task has.
        for task_id in ended.task_id.iter().flat_map(|ids| ids.split(',')) {
            self.know_task_id(task_id);
        }
        let elapsed = self.elapsed;
        let planned = self.plan.lanes.get(usize::from(lane)).and_then(|lane| lane.tasks.get(task as usize));
        let (Some(planned), Some(record)) = (planned, self.lanes.get_mut(usize::from(lane))) else {
            self.note(format!("an outcome came for task {task} of lane {lane}, which is not in the plan"));
            return;
        };
        if ended.is_done() {
            let timeline = &mut record.report.timeline;
            match planned.task.operation {
                Operation::Refresh(_) => timeline.last_refreshed = Some(elapsed),
                Operation::Prefetch => timeline.last_prefetched = Some(elapsed),
            }
        }
        let place = &mut record.ended[task as usize];
        match place {
            None => {
                let batch =
                    record.batches[task as usize].and_then(|batch| record.report.batches.get_mut(batch as usize));
                if let Some(batch) = batch {
                    batch.counts.add(&ended);
                    batch.finished = Some(elapsed);
                }
                *place = Some(ended);
            }
            Some(first) if *first == ended => {}
            Some(first) => {
                // Two outcomes of one task: the worse one counts, so that no report is better than its events.
                let text =
                    format!("`{}` ended twice: as {} and as {}", planned.task.subject, first.name(), ended.name());
                if first.is_done() {
                    *first = ended;
                }
                self.note(text);
            }
        }
    }
}

impl EventSink for Collector<'_> {
    fn take(&mut self, event: &Event) {
        self.elapsed = self.elapsed.max(event.elapsed);
        match &event.kind {
            EventKind::RunStarted { resumed: Some(earlier), .. } => self.note(earlier_run(earlier)),
            EventKind::QuotaRead { lane, quota, moment } => {
                if let Some(record) = self.lanes.get_mut(usize::from(*lane)) {
                    match moment {
                        Moment::Before => record.report.before = Some(quota.clone()),
                        Moment::After => record.report.after = Some(quota.clone()),
                    }
                }
            }
            EventKind::BatchStarted { lane, batch, operation, tasks, attempt } => {
                if let Some(record) = self.lanes.get_mut(usize::from(*lane)) {
                    if *operation == Operation::Prefetch {
                        record.report.timeline.first_prefetch.get_or_insert(event.elapsed);
                    }
                    record.batch_sent(*batch, *operation, tasks, *attempt, event.elapsed);
                }
            }
            EventKind::BatchSubmitted { lane, batch, task_ids, .. } => {
                for task_id in task_ids {
                    self.know_task_id(task_id);
                }
                if let Some(record) = self.lanes.get_mut(usize::from(*lane)) {
                    let timeline = &mut record.report.timeline;
                    timeline.first_submitted.get_or_insert(event.elapsed);
                    timeline.last_submitted = Some(event.elapsed);
                    if let Some(batch) = record.report.batches.iter_mut().rfind(|sent| sent.number == *batch) {
                        batch.accepted = Some(event.elapsed);
                        batch.task_ids.clone_from(task_ids);
                    }
                }
            }
            EventKind::BatchUncertain { lane, batch, why } => {
                let text = format!("{}: the response to batch {batch} was lost: {why}", self.target(*lane));
                self.note(text);
            }
            EventKind::TaskFinished { lane, task, outcome, task_id } => {
                let ended = Ended { outcome: Some(outcome.clone()), task_id: task_id.clone() };
                self.task_finished(*lane, *task, ended);
            }
            EventKind::Verified { lane, task, verification } => {
                if let Some(record) = self.lanes.get_mut(usize::from(*lane)) {
                    record.report.verified.insert(*task, verification.clone());
                }
            }
            EventKind::LaneStopped { lane, operation, cause, why } => {
                if let Some(record) = self.lanes.get_mut(usize::from(*lane)) {
                    record.report.stops.push(Stop { operation: *operation, cause: *cause, why: why.clone() });
                }
            }
            EventKind::Noted { text } => self.note(text.clone()),
            EventKind::Interrupted { signal } => self.interrupted = Some(*signal),
            EventKind::RunFinished { calls } => {
                self.calls = *calls;
                self.is_finished = true;
            }
            EventKind::RunStarted { .. }
            | EventKind::BatchRetried { .. }
            | EventKind::BatchSplit { .. }
            | EventKind::Waiting { .. } => {}
        }
    }
}
