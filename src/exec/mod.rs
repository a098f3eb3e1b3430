//! Executes a plan and emits events; the only part that waits for a provider's tasks.
//!
//! A lane (`lane.rs`) is a state machine without I/O: it decides. A driver (`driver.rs`) performs: every request passes the
//! rate limit of its API and, if it changes something, the journal (`journal.rs`) first.

use std::borrow::Cow;

use tokio::time::Instant;

use crate::client::connection::Connection;
use crate::model::{Event, EventKind, LaneIndex, Operation, Resumed, TaskIndex};
use crate::plan::Plan;
use durations::Durations;
use interrupt::Interrupt;
use journal::{Entry, Journal, Past, PastBatch, PastLane};
use lane::Summary;
use run::Run;
use verification::Verifier;

mod batch;
mod driver;
pub mod durations;
mod fetch_retries;
mod gate;
pub mod interrupt;
pub mod journal;
mod lane;
mod lanes;
mod options;
pub mod origin_gate;
mod prefetch_gate;
mod quota;
mod record_match;
mod repair;
mod run;
mod tracking;
mod verification;
mod watched;

pub use interrupt::interrupted_by;
pub use options::Options;
pub use quota::{AccountQuotas, read_quotas};
pub use verification::{PointOfPresence, Verify, verify};

/// What is carried out, and how.
pub struct Execution<'e> {
    /// The plan.
    pub plan: &'e Plan,
    /// The connections of its lanes, in order.
    pub connections: &'e [Connection<'e>],
    /// Quotas that are known already: they aren't read again.
    pub quotas: Option<AccountQuotas>,
    /// How it is carried out.
    pub options: &'e Options,
    /// What an earlier run left.
    pub past: &'e Past,
    /// The URLs that are fetched through the CDN once their refresh is done.
    pub verify: Option<&'e Verify>,
}

/// What is left to do when a plan was carried out.
pub struct Executed {
    /// The journal, to note that the result is published.
    pub journal: Journal,
    /// How long tasks took, to be kept for later runs.
    pub durations: Durations,
}

/// Carries out a plan. Every task ends in exactly one outcome, reported to `sink`.
pub async fn execute(
    execution: Execution<'_>,
    journal: Journal,
    interrupt: Interrupt,
    sink: &mut dyn FnMut(&Event),
) -> Executed {
    let Execution { plan, connections, quotas, options, past, verify } = execution;
    let (path, started) = (journal.path().to_owned(), Instant::now());
    let mut run = Run::new(options, plan.digest(), journal, interrupt, sink);
    run.verifier = verify.map(|verify| Verifier::new(verify, plan));
    let past = &*planned(past, plan);
    let resumed = past.begun.map(|begun| {
        let lanes = past.lanes.values();
        let tasks = lanes.map(|past| past.done.len() + past.open.values().map(|open| open.tasks.len()).sum::<usize>());
        Resumed { tasks: tasks.sum(), begun, journal: path }
    });
    if let Some(begun) = past.outdated {
        let begun = begun.strftime("%Y-%m-%dT%H:%M:%SZ");
        let text = format!(
            "the run that began at {begun} is too old to continue, or another commit was deployed since: all of its URLs are \
             sent"
        );
        run.emit(EventKind::Noted { text });
    }
    run.emit(EventKind::RunStarted { tasks: plan.len(), resumed });

    if let Some(verifier) = &run.verifier {
        run.unless_interrupted(verifier.look_before()).await;
    }
    let (summary, mut durations) = lanes::perform(plan, connections, quotas, past, &run).await;
    if let (Some(verify), Some(verifier)) = (verify, &run.verifier) {
        durations.0.extend(repair::repair(plan, connections, past, &run, verify, verifier.stale()).await.0);
    }
    let Summary { complete, as_asked, all_final } = summary;
    let now = options.started.checked_add(started.elapsed()).unwrap_or(options.started);
    // One target's provider may never have said its time.
    let known = connections.iter().find_map(|connection| connection.api.server_time());
    let at = known.or(connections.first().map(|connection| connection.api.server_now())).unwrap_or(now);
    run.record_synced(&[Entry::Closed { at, complete, as_asked, all_final }]);
    if run.is_journal_broken() {
        run.emit(EventKind::Noted { text: "the journal's last record couldn't be written".into() });
    }
    run.emit(EventKind::RunFinished { calls: run.calls() });
    Executed { journal: run.take_journal(), durations }
}

/// What a journal says of this plan's tasks: one that somebody else wrote may name any others.
fn planned<'p>(past: &'p Past, plan: &Plan) -> Cow<'p, Past> {
    let is_task = |lane: LaneIndex, task: TaskIndex, operation: Option<Operation>| {
        let planned = plan.lanes.get(usize::from(lane)).and_then(|lane| lane.tasks.get(task as usize));
        planned.is_some_and(|planned| operation.is_none_or(|operation| operation == planned.task.operation))
    };
    let is_batch =
        |lane: LaneIndex, batch: &PastBatch| batch.tasks.iter().all(|&task| is_task(lane, task, Some(batch.operation)));
    let mut past = Cow::Borrowed(past);
    let is_lane = |(index, lane): (&LaneIndex, &PastLane)| {
        let are_tasks = lane.done.keys().all(|&task| is_task(*index, task, None));
        are_tasks && lane.open.values().all(|batch| is_batch(*index, batch))
    };
    if !past.lanes.iter().all(is_lane) {
        for (index, lane) in &mut past.to_mut().lanes {
            lane.done.retain(|&task, _| is_task(*index, task, None));
            lane.open.retain(|_, batch| is_batch(*index, batch));
        }
    }
    past
}
