//! Refreshes once more what verification found stale: a refresh loses against a fetch of the old page that was on its way to a cache.
//!
//! It is a run inside the run, of a plan that holds these URLs alone: it keeps to the same rate limits and to what is left of the quota,
//! waits for the provider and verifies again. No outcome of the run changes by it, only verdicts. The journal names the URLs before the
//! first request, so that no run that continues this one refreshes them a third time.

use std::cell::Cell;
use std::rc::Rc;

use super::durations::Durations;
use super::journal::{Entry, Journal, Past, TASKS_PER_RECORD, ranges};
use super::lanes;
use super::run::Run;
use super::verification::{Verifier, Verify};
use crate::client::connection::Connection;
use crate::model::{Event, EventKind, LaneIndex, Moment, Outcome, TaskIndex, Verification};
use crate::plan::{Lane, Plan, PlannedTask};

/// Refreshes these tasks again, as far as no run did so before and the plan's cap allows it, and verifies them. Gives how long that took
/// them at the provider.
pub(super) async fn repair(
    plan: &Plan,
    connections: &[Connection<'_>],
    past: &Past,
    run: &Run<'_>,
    verify: &Verify,
    mut stale: Vec<(LaneIndex, TaskIndex)>,
) -> Durations {
    stale.retain(|key| !past.repaired.contains(key));
    stale.sort_unstable();
    stale.truncate(verify.most_repairs);
    if stale.is_empty() || run.interrupt.signal().is_some() || run.is_journal_broken() {
        return Durations::default();
    }
    let of = |index: LaneIndex| stale.iter().filter(move |(lane, _)| *lane == index).map(|(_, task)| *task);
    let tasks: Vec<Vec<TaskIndex>> = (0..).take(plan.lanes.len()).map(|index| of(index).collect()).collect();
    let records = (0..).zip(&tasks).flat_map(|(lane, tasks)| {
        tasks.chunks(TASKS_PER_RECORD as usize).map(move |tasks| Entry::Repaired { lane, tasks: ranges(tasks) })
    });
    run.record_synced(&records.collect::<Vec<_>>());
    if run.is_journal_broken() {
        return Durations::default();
    }
    run.note(&format!("refreshing {} once more", stale_urls(stale.len())));

    let lanes = plan.lanes.iter().zip(&tasks).map(|(lane, tasks)| Lane {
        target: lane.target.clone(),
        tasks: tasks.iter().map(|&task| PlannedTask::alone(lane.tasks[task as usize].task.clone())).collect(),
        batches: Vec::new(),
    });
    let digest = format!("again-{}", plan.digest());
    let again = Plan { lanes: lanes.collect(), skipped: Vec::new(), digest: digest.clone().into() };
    let keys =
        (0..).zip(&tasks).flat_map(|(lane, tasks)| (0..).zip(tasks).map(move |(task, of)| ((lane, task), (lane, *of))));
    let expected = keys.filter_map(|(key, of)| Some((key, verify.expected.get(&of)?.clone())));
    let (edges, witnesses) = (verify.edges.clone(), Vec::new());
    let verify = Verify { edges, expected: expected.collect(), witnesses, most_repairs: 0 };

    let (undone, why) = (Cell::new(0), Cell::new(None));
    let mut sink = |event: &Event| match &event.kind {
        EventKind::Verified { lane, task, verification } => {
            let task = tasks[usize::from(*lane)][*task as usize];
            let verification = Verification { refreshed_again: true, ..verification.clone() };
            run.emit(EventKind::Verified { lane: *lane, task, verification });
        }
        EventKind::TaskFinished { outcome: Outcome::Done, .. } => {}
        EventKind::TaskFinished { outcome, .. } => {
            undone.set(undone.get() + 1);
            why.set(outcome.reason().map(str::to_owned));
        }
        EventKind::QuotaRead { moment: Moment::After, .. } | EventKind::Waiting { .. } | EventKind::Noted { .. } => {
            run.emit(event.kind.clone());
        }
        EventKind::Interrupted { signal } => run.report_signal(*signal),
        _ => {}
    };
    let mut inner = Run::new(run.options, &digest, Journal::none(), run.interrupt.clone(), &mut sink);
    inner.limiters = Rc::clone(&run.limiters);
    inner.verifier = Some(Verifier::new(&verify, &again));
    let (_, durations) = lanes::perform(&again, connections, None, &Past::default(), &inner).await;
    run.count_calls(inner.calls());
    if let Some(why) = why.take() {
        run.note(&format!("not refreshed again: {}: {why}", stale_urls(undone.get())));
    }
    durations
}

fn stale_urls(count: usize) -> String {
    if count == 1 { "1 stale URL".to_owned() } else { format!("{count} stale URLs") }
}
