//! Events → [`Report`] → Markdown, JSON, terminal, outputs. Pure: values in, text out.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::changes::Range;
use crate::error::ExitCode;
use crate::inputs::{FailOn, Mode};
use crate::model::{Event, LaneIndex, Moment, Operation, Outcome, Quota, Signal, StopCause, TaskIndex};
use crate::plan::Plan;

/// What a report needs besides plan and events.
#[derive(Clone, Debug)]
pub struct Context {
    /// What was asked.
    pub mode: Mode,
    /// Between which commits; `None` with `url-file`.
    pub range: Option<Range>,
    /// How many files differ.
    pub changed_files: usize,
    /// Which failures turn the step red.
    pub fail_on: FailOn,
    /// When the program started.
    pub started: Timestamp,
    /// The configuration's path as it was named.
    pub config: Option<String>,
}

/// Collects events; the sink between the execution and everything a person or program reads afterwards.
#[derive(Debug)]
pub struct Recorder<'a> {
    plan: &'a Plan,
    context: Context,
    outcomes: BTreeMap<(LaneIndex, TaskIndex), (Outcome, Option<String>)>,
    quotas: Vec<(LaneIndex, Moment, Quota)>,
    stops: Vec<(LaneIndex, Option<Operation>, StopCause, String)>,
    notes: Vec<String>,
    interrupted: Option<Signal>,
    calls: u64,
    elapsed: Duration,
}

impl<'a> Recorder<'a> {
    /// Begins with nothing heard yet.
    pub fn new(plan: &'a Plan, context: Context) -> Self {
        Self {
            plan,
            context,
            outcomes: BTreeMap::new(),
            quotas: Vec::new(),
            stops: Vec::new(),
            notes: Vec::new(),
            interrupted: None,
            calls: 0,
            elapsed: Duration::ZERO,
        }
    }

    /// Takes one event.
    pub fn take(&mut self, event: &Event) {
        let _ = (event, self.plan, &self.context, &self.outcomes, &self.quotas, &self.stops, &self.notes);
        let _ = (&self.interrupted, self.calls, self.elapsed);
    }
}

/// How a run went, in a word; the `status` output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing changed, or nothing that a rule maps.
    NothingToDo,
    /// A dry run.
    Planned,
    /// Every address done.
    Done,
    /// Some done, some not.
    Partly,
    /// None done.
    Failed,
    /// Some outcome unknown at the deadline, none failed.
    TimedOut,
}

#[allow(dead_code)]
fn unused(_: ExitCode) {}
