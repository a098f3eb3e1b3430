//! Writes the JSON report, version 1: the content of the summary, for programs. `report.schema.json` describes it.
//!
//! The report is streamed: a run over a hundred thousand URLs holds none of it in memory.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::config::Mode;
use crate::model::{BatchNumber, Operation, QuotaEntry, Reason, RefreshKind, StopCause, Verification};
use crate::plan::Lane;
use crate::report::phrases::is_confirmed;
use crate::report::{BatchReport, Counts, LaneReport, Report, Row, Timeline, lane_counts, lane_quotas};
use crate::text::json;

/// Raised when a program that reads the report could be misled; new fields don't raise it.
pub(super) const VERSION: u32 = 1;

/// Writes the report, indented, with a line break at its end.
///
/// # Errors
/// Those of the writer.
pub fn write(report: &Report<'_>, mut writer: &mut dyn Write) -> io::Result<()> {
    json::to_writer_pretty(&mut writer, report)?;
    writer.write_all(b"\n")
}

impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let context = &self.context;
        let range = context.range.as_ref();
        let mut report = serializer.serialize_struct("Report", 25)?;
        report.serialize_field("version", &VERSION)?;
        report.serialize_field("program", concat!("cdn-purge ", env!("CARGO_PKG_VERSION")))?;
        report.serialize_field("status", self.status().name())?;
        report.serialize_field("exit_code", &(self.exit_code() as u8))?;
        report.serialize_field("mode", mode_name(context.mode))?;
        report.serialize_field("config", &context.config)?;
        report.serialize_field("changes_from", self.changes_from())?;
        report.serialize_field("base", &range.and_then(|range| range.base.as_deref()))?;
        report.serialize_field("head", &range.map(|range| &range.head))?;
        report.serialize_field("range_reason", &range.map(|range| &range.reason))?;
        report.serialize_field("changed_files", &context.changed_files)?;
        report.serialize_field("manifest", &context.built)?;
        report.serialize_field("plan_digest", self.plan.digest())?;
        report.serialize_field("started", &context.started)?;
        report.serialize_field("elapsed_seconds", &seconds(self.elapsed))?;
        report.serialize_field("calls", &self.calls)?;
        report.serialize_field("purged_hosts", &self.plan.purged_hosts())?;
        report.serialize_field("interrupted", &self.interrupted)?;
        report.serialize_field("counts", &self.count(|_| true))?;
        report.serialize_field("verdicts", &self.verdicts())?;
        report.serialize_field("targets", &Sequence(|| self.lanes_with_reports().map(TargetDocument::new)))?;
        report.serialize_field("notes", &self.notes)?;
        report.serialize_field("task_ids", &self.task_ids)?;
        report.serialize_field("urls", &Sequence(|| self.rows().map(UrlDocument::new)))?;
        report.serialize_field("skipped", &self.plan.skipped)?;
        report.end()
    }
}

impl Report<'_> {
    fn changes_from(&self) -> &'static str {
        match (&self.context.built, &self.context.range) {
            (Some(_), _) => "directory",
            (None, Some(_)) => "git",
            (None, None) if self.context.list.is_some() => "list",
            (None, None) => "urls",
        }
    }
}

/// One URL.
#[derive(serde::Serialize)]
struct UrlDocument<'r> {
    url: Cow<'r, str>,
    target: &'r str,
    operation: &'static str,
    kind: Option<RefreshKind>,
    outcome: &'static str,
    task_id: Option<&'r str>,
    reason: Option<&'r str>,
    covered_by: Option<Cow<'r, str>>,
    verification: Option<&'r Verification>,
    sources: &'r [Reason],
}

impl<'r> UrlDocument<'r> {
    fn new(row: Row<'r>) -> Self {
        let task = &row.planned.task;
        Self {
            url: task.subject.text(),
            target: &task.target,
            operation: task.operation.name(),
            kind: kind(task.operation),
            outcome: row.ended.name(),
            task_id: row.ended.task_id.as_deref(),
            reason: row.ended.reason(),
            covered_by: row.covered_by(),
            verification: row.verified,
            sources: &task.because,
        }
    }
}

/// One target.
#[derive(serde::Serialize)]
struct TargetDocument<'r> {
    name: &'r str,
    provider: &'static str,
    operations: Vec<OperationDocument>,
    stops: Vec<StopDocument<'r>>,
    timeline: TimelineDocument,
    batches: Vec<BatchDocument<'r>>,
}

/// A batch that was sent; times are seconds since the run began.
#[derive(serde::Serialize)]
struct BatchDocument<'r> {
    number: BatchNumber,
    operation: &'static str,
    kind: Option<RefreshKind>,
    attempts: u32,
    sent: f64,
    accepted: Option<f64>,
    finished: Option<f64>,
    counts: Counts,
    task_ids: &'r [String],
}

impl<'r> BatchDocument<'r> {
    fn new(batch: &'r BatchReport) -> Self {
        Self {
            number: batch.number,
            operation: batch.operation.name(),
            kind: kind(batch.operation),
            attempts: batch.attempts,
            sent: seconds(batch.sent),
            accepted: batch.accepted.map(seconds),
            finished: batch.finished.map(seconds),
            counts: batch.counts,
            task_ids: &batch.task_ids,
        }
    }
}

/// One operation at a target.
#[derive(serde::Serialize)]
struct OperationDocument {
    operation: &'static str,
    kind: Option<RefreshKind>,
    counts: Counts,
    /// Whether the provider confirms what is done, or has only accepted it.
    confirmed: bool,
    quota: Option<QuotaDocument>,
}

#[derive(serde::Serialize)]
struct QuotaDocument {
    limit: u64,
    before: Option<u64>,
    after: Option<u64>,
}

#[derive(serde::Serialize)]
struct StopDocument<'r> {
    operation: Option<&'static str>,
    kind: Option<RefreshKind>,
    cause: StopCause,
    why: &'r str,
}

impl<'r> TargetDocument<'r> {
    fn new((lane, report): (&'r Lane, &'r LaneReport)) -> Self {
        let quotas = lane_quotas(report);
        let operation_document = |(operation, counts): (Operation, Counts)| OperationDocument {
            operation: operation.name(),
            kind: kind(operation),
            counts,
            confirmed: is_confirmed(lane, report, operation),
            quota: quotas
                .iter()
                .find(|(of, ..)| *of == operation)
                .and_then(|(_, before, after)| quota(*before, *after)),
        };
        Self {
            name: &lane.target.name,
            provider: lane.target.provider.name,
            operations: lane_counts(lane, report).into_iter().map(operation_document).collect(),
            stops: report
                .stops
                .iter()
                .map(|stop| StopDocument {
                    operation: stop.operation.map(Operation::name),
                    kind: stop.operation.and_then(kind),
                    cause: stop.cause,
                    why: &stop.why,
                })
                .collect(),
            timeline: TimelineDocument::new(report.timeline),
            batches: report.batches.iter().map(BatchDocument::new).collect(),
        }
    }
}

/// Seconds since the run began.
#[derive(serde::Serialize)]
struct TimelineDocument {
    first_submitted: Option<f64>,
    last_submitted: Option<f64>,
    last_refreshed: Option<f64>,
    last_prefetched: Option<f64>,
}

impl TimelineDocument {
    fn new(timeline: Timeline) -> Self {
        Self {
            first_submitted: timeline.first_submitted.map(seconds),
            last_submitted: timeline.last_submitted.map(seconds),
            last_refreshed: timeline.last_refreshed.map(seconds),
            last_prefetched: timeline.last_prefetched.map(seconds),
        }
    }
}

/// A list that is made while it is written.
struct Sequence<F>(F);

impl<F, I> Serialize for Sequence<F>
where
    F: Fn() -> I,
    I: Iterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}

/// To the millisecond.
fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

fn kind(operation: Operation) -> Option<RefreshKind> {
    match operation {
        Operation::Refresh(kind) => Some(kind),
        Operation::Prefetch => None,
    }
}

fn quota(before: Option<QuotaEntry>, after: Option<QuotaEntry>) -> Option<QuotaDocument> {
    let limit = after.or(before)?.limit;
    Some(QuotaDocument {
        limit,
        before: before.map(|entry| entry.remaining),
        after: after.map(|entry| entry.remaining),
    })
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Real => "real",
        Mode::DryRun => "dry-run",
        Mode::Simulate => "simulate",
        Mode::Verify => "verify",
    }
}

#[cfg(test)]
mod tests;
