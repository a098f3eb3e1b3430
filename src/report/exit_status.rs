//! The status and the exit code of a run.

use std::fmt;

use crate::config::{FailOn, Mode, OnEmpty, Wait};
use crate::error::ExitCode;
use crate::model::{Operation, Outcome, Signal, StopCause, VerdictCounts};
use crate::report::{LaneReport, Report, Row, lane_rows};

/// How a run went, in a word; the `status` output. It doesn't depend on `fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing changed, or nothing that a rule maps.
    NothingToDo,
    /// A dry run, or a simulation that went well: nothing was sent.
    Planned,
    /// Every URL done.
    Done,
    /// Some done, some not; or submitted and, because of `wait`, not waited for.
    Partial,
    /// None done.
    Failed,
    /// Some outcome unknown at the deadline, none failed.
    TimedOut,
    /// Every URL done, and some of them stale all the same.
    Stale,
}

impl Status {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::NothingToDo => "nothing-to-do",
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
            Self::Stale => "stale",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Report<'_> {
    /// How it went, in a word.
    pub fn status(&self) -> Status {
        let counts = self.count(|_| true);
        if counts.planned == 0 {
            return Status::NothingToDo;
        }
        if self.context.mode == Mode::DryRun {
            return Status::Planned;
        }
        let is_stale = self.rows().any(|row| row.is_stale());
        if self.context.mode == Mode::Verify {
            let VerdictCounts { fresh, unreachable, undecided, .. } = self.verdicts().unwrap_or_default();
            let is_whole = self.is_finished && self.interrupted.is_none() && unreachable + undecided == 0;
            return match (is_stale, is_whole) {
                (true, _) => Status::Stale,
                (false, true) if fresh > 0 => Status::Done,
                (false, _) => Status::Partial,
            };
        }
        if counts.done == counts.planned && is_stale {
            return Status::Stale;
        }
        if counts.done == counts.planned {
            // A step that reads `done` must be able to believe it: in a simulation nothing was sent.
            return if self.context.mode == Mode::Simulate { Status::Planned } else { Status::Done };
        }
        let is_over = self.interrupted.is_none() && self.is_finished;
        let is_as_asked =
            |(lane, row): (&LaneReport, Row<'_>)| row.ended.is_done() || self.was_not_waited_for(lane, row);
        if is_over && self.rows_with_lanes().all(is_as_asked) {
            Status::Partial
        } else if is_over && counts.unknown > 0 && counts.failed == 0 {
            Status::TimedOut
        } else if counts.done > 0 {
            Status::Partial
        } else {
            Status::Failed
        }
    }

    /// The exit code: the worst over all URLs that count.
    ///
    /// | a URL that | gives |
    /// | --- | --- |
    /// | is done or planned, or was submitted and by `wait` not followed | 0 |
    /// | is done, and was found stale afterwards | 7 |
    /// | failed | 1; 6 when the credentials don't allow this operation |
    /// | is unknown | 4; 6 as above |
    /// | is unsubmitted | 5 for quota, 6 for credentials, 3 for the journal, 1 for anything else; a prefetch whose refresh isn't done, as that refresh |
    ///
    /// A run without URLs gives 0, with `on-empty: fail` 1.
    ///
    /// `fail-on: refresh` looks at refreshes only, `never` at none. Neither hides an interruption (130, 143) or a journal
    /// that couldn't be written (3).
    pub fn exit_code(&self) -> ExitCode {
        let mut code = match self.interrupted {
            Some(Signal::Interrupt) => ExitCode::Interrupted,
            Some(Signal::Terminate) => ExitCode::Terminated,
            None => ExitCode::Success,
        };
        if self.context.on_empty == OnEmpty::Fail && self.status() == Status::NothingToDo {
            code = code.worst(ExitCode::Failed);
        }
        for (lane, row) in self.rows_with_lanes() {
            let url_code = self.url_code(lane, row);
            if self.counts_as_failure(row.planned.task.operation) || url_code == ExitCode::Checkout {
                code = code.worst(url_code);
            }
        }
        code
    }

    fn rows_with_lanes(&self) -> impl Iterator<Item = (&LaneReport, Row<'_>)> {
        self.lanes_with_reports().flat_map(|(lane, report)| lane_rows(lane, report).map(move |row| (report, row)))
    }

    fn counts_as_failure(&self, operation: Operation) -> bool {
        match self.context.fail_on {
            FailOn::Any => true,
            FailOn::Refresh => matches!(operation, Operation::Refresh(_)),
            FailOn::Never => false,
        }
    }

    fn url_code(&self, lane: &LaneReport, row: Row<'_>) -> ExitCode {
        let base = match &row.ended.outcome {
            None | Some(Outcome::Done) if row.is_stale() => return ExitCode::Stale,
            None | Some(Outcome::Done) => return ExitCode::Success,
            _ if self.was_not_waited_for(lane, row) => return ExitCode::Success,
            Some(Outcome::Failed(_)) => ExitCode::Failed,
            Some(Outcome::Unknown(_)) => ExitCode::Unknown,
            Some(Outcome::Unsubmitted(_)) => return self.unsubmitted_code(lane, row),
        };
        let lacks_permission = stops(lane, row).any(|cause| cause == StopCause::Credentials);
        if lacks_permission { base.worst(ExitCode::Credentials) } else { base }
    }

    fn unsubmitted_code(&self, lane: &LaneReport, row: Row<'_>) -> ExitCode {
        if let Some(code) = stops(lane, row).map(stop_code).reduce(ExitCode::worst) {
            return code;
        }
        let refreshes = row.planned.after.iter().filter_map(|&index| {
            let (planned, ended) = (row.lane.tasks.get(index as usize)?, lane.ended.get(index as usize)?);
            // Refreshes wait for nothing, so this goes one step deep; data that said otherwise would only end here.
            planned
                .after
                .is_empty()
                .then(|| self.url_code(lane, Row { lane: row.lane, planned, ended, verified: None }))
        });
        refreshes.filter(|code| *code != ExitCode::Success).reduce(ExitCode::worst).unwrap_or(ExitCode::Failed)
    }

    /// Whether this URL isn't done because of `wait`: it was accepted and not tracked, or it is a prefetch after such a
    /// refresh.
    fn was_not_waited_for(&self, lane: &LaneReport, row: Row<'_>) -> bool {
        let is_followed = self.context.wait.follows(row.planned.task.operation);
        let was_left =
            |ended: &super::Ended| matches!(ended.outcome, Some(Outcome::Unknown(_))) && ended.task_id.is_some();
        match row.ended.outcome {
            _ if is_followed => false,
            Some(Outcome::Unknown(_)) => was_left(row.ended),
            Some(Outcome::Unsubmitted(_)) => {
                let mut refreshes = row.planned.after.iter().filter_map(|&index| lane.ended.get(index as usize));
                self.context.wait == Wait::None && stops(lane, row).next().is_none() && refreshes.any(was_left)
            }
            _ => false,
        }
    }
}

/// Why the lane stopped submitting this row's operation.
fn stops<'r>(lane: &'r LaneReport, row: Row<'r>) -> impl Iterator<Item = StopCause> {
    lane.stops.iter().filter(move |stop| stop.covers(row.planned.task.operation)).map(|stop| stop.cause)
}

fn stop_code(cause: StopCause) -> ExitCode {
    match cause {
        StopCause::Quota => ExitCode::Quota,
        StopCause::Credentials => ExitCode::Credentials,
        StopCause::Journal => ExitCode::Checkout,
        StopCause::RetriesSpent | StopCause::Denied | StopCause::Interrupted | StopCause::Deadline => ExitCode::Failed,
    }
}

#[cfg(test)]
mod tests;
