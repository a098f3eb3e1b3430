use crate::model::{Event, EventKind, EventSink as _};
use crate::report::fixture::{self, context, event, finished, report};
use crate::report::{Collector, Context};

use super::*;

const PREFETCH: Operation = Operation::Prefetch;

fn done(lane: u16, task: u32) -> Event {
    finished(5, lane, task, Outcome::Done, Some("1"))
}

fn unsubmitted(lane: u16, task: u32) -> Event {
    finished(5, lane, task, Outcome::Unsubmitted("stopped".into()), None)
}

fn unknown(lane: u16, task: u32, task_id: Option<&str>) -> Event {
    finished(5, lane, task, Outcome::Unknown("no answer".into()), task_id)
}

fn stopped(lane: u16, operation: Option<Operation>, cause: StopCause) -> Event {
    event(4, EventKind::LaneStopped { lane, operation, cause, why: "why".into() })
}

fn end() -> Event {
    event(9, EventKind::RunFinished { calls: 1 })
}

/// The sample without its refused URL, so that everything can be done.
fn plan() -> crate::plan::Plan {
    let mut plan = fixture::plan();
    plan.lanes[0].tasks[2].refused = None;
    plan
}

/// Everything done but what `others` say, which come first and so count.
fn judge(others: &[Event], context: Context) -> (Status, ExitCode) {
    let plan = plan();
    let named = |event: &Event| match event.kind {
        EventKind::TaskFinished { lane, task, .. } => Some((lane, task)),
        _ => None,
    };
    let mut collector = Collector::new(&plan, context);
    others.iter().for_each(|event| collector.take(event));
    for (lane, task) in [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (1, 0)] {
        if others.iter().all(|other| named(other) != Some((lane, task))) {
            collector.take(&done(lane, task));
        }
    }
    collector.take(&end());
    let report = collector.finish();
    let counts = report.count(|_| true);
    assert_eq!(counts.planned, counts.done + counts.failed + counts.unsubmitted + counts.unknown, "a partition");
    (report.status(), report.exit_code())
}

fn judge_real(others: &[Event]) -> (Status, ExitCode) {
    judge(others, context(Mode::Real))
}

#[test]
fn all_done_is_done() {
    assert_eq!(judge_real(&[]), (Status::Done, ExitCode::Success));
}

#[test]
fn one_failure_is_partly_and_red() {
    let failed = finished(5, 0, 0, Outcome::Failed("no".into()), Some("1"));
    assert_eq!(judge_real(&[failed]), (Status::Partial, ExitCode::Failed));
}

#[test]
fn an_unknown_outcome_is_timed_out() {
    assert_eq!(judge_real(&[unknown(1, 0, Some("9"))]), (Status::TimedOut, ExitCode::Unknown));
}

#[test]
fn spent_quota_is_told_from_other_reasons() {
    let quota = [stopped(0, Some(PREFETCH), StopCause::Quota), unsubmitted(0, 3), unsubmitted(0, 4)];
    assert_eq!(judge_real(&quota), (Status::Partial, ExitCode::Quota));
    let retries = [stopped(0, Some(PREFETCH), StopCause::RetriesSpent), unsubmitted(0, 3)];
    assert_eq!(judge_real(&retries), (Status::Partial, ExitCode::Failed));
}

#[test]
fn a_prefetch_that_waited_for_a_refresh_without_quota_is_a_matter_of_quota() {
    let events = [stopped(0, Some(fixture::REFRESH), StopCause::Quota), unsubmitted(0, 0), unsubmitted(0, 3)];
    assert_eq!(judge_real(&events), (Status::Partial, ExitCode::Quota));
}

#[test]
fn a_stop_of_another_target_or_operation_explains_nothing() {
    let elsewhere = [stopped(1, None, StopCause::Quota), unsubmitted(0, 0)];
    assert_eq!(judge_real(&elsewhere), (Status::Partial, ExitCode::Failed));
    let other = [stopped(0, Some(PREFETCH), StopCause::Quota), unsubmitted(0, 0)];
    assert_eq!(judge_real(&other), (Status::Partial, ExitCode::Failed));
}

#[test]
fn refused_keys_are_a_matter_of_credentials() {
    let forbidden = finished(5, 0, 3, Outcome::Failed("Forbidden.RAM".into()), None);
    let events = [stopped(0, Some(PREFETCH), StopCause::Credentials), forbidden, unsubmitted(0, 4)];
    assert_eq!(judge_real(&events), (Status::Partial, ExitCode::Credentials));
}

#[test]
fn the_worst_of_all_targets_wins() {
    let events = [stopped(0, None, StopCause::Quota), unsubmitted(0, 0), unknown(1, 0, None)];
    assert_eq!(judge_real(&events), (Status::TimedOut, ExitCode::Unknown));
}

#[test]
fn an_interruption_is_never_hidden() {
    for (signal, code) in [(Signal::Interrupt, ExitCode::Interrupted), (Signal::Terminate, ExitCode::Terminated)] {
        let events = [event(4, EventKind::Interrupted { signal }), unsubmitted(1, 0)];
        let never = Context { fail_on: FailOn::Never, ..context(Mode::Real) };
        assert_eq!(judge(&events, never), (Status::Partial, code));
    }
}

#[test]
fn fail_on_refresh_ignores_prefetches_and_their_stops() {
    let lenient = || Context { fail_on: FailOn::Refresh, ..context(Mode::Real) };
    let prefetches = [stopped(0, Some(PREFETCH), StopCause::Credentials), unsubmitted(0, 3), unknown(0, 4, Some("1"))];
    assert_eq!(judge(&prefetches, lenient()), (Status::TimedOut, ExitCode::Success));
    assert_eq!(judge(&[unknown(0, 0, None)], lenient()), (Status::TimedOut, ExitCode::Unknown));
}

#[test]
fn fail_on_never_hides_outcomes_but_not_the_status_nor_the_journal() {
    let never = || Context { fail_on: FailOn::Never, ..context(Mode::Real) };
    let failed = finished(5, 0, 0, Outcome::Failed("no".into()), None);
    assert_eq!(judge(&[failed, unknown(1, 0, None)], never()), (Status::Partial, ExitCode::Success));
    let journal = [stopped(1, None, StopCause::Journal), unsubmitted(1, 0)];
    assert_eq!(judge(&journal, never()), (Status::Partial, ExitCode::Checkout));
}

#[test]
fn what_was_not_to_be_waited_for_is_no_failure() {
    let waiting = |wait| Context { wait, ..context(Mode::Real) };
    let prefetches = [unknown(0, 3, Some("1")), unknown(0, 4, Some("1"))];
    assert_eq!(judge(&prefetches, waiting(Wait::Refresh)), (Status::Partial, ExitCode::Success));
    assert_eq!(judge(&prefetches, waiting(Wait::All)), (Status::TimedOut, ExitCode::Unknown));
    let everything = [unknown(0, 0, Some("1")), unsubmitted(0, 3), unknown(1, 0, Some("2"))];
    assert_eq!(judge(&everything, waiting(Wait::None)), (Status::Partial, ExitCode::Success));
}

#[test]
fn without_waiting_what_was_perhaps_never_taken_is_still_unknown() {
    let waiting = Context { wait: Wait::None, ..context(Mode::Real) };
    assert_eq!(judge(&[unknown(0, 0, None)], waiting.clone()), (Status::TimedOut, ExitCode::Unknown));
    assert_eq!(judge(&[unsubmitted(0, 0)], waiting), (Status::Partial, ExitCode::Failed));
}

#[test]
fn a_run_that_ends_early_has_no_outcome_that_is_done() {
    let plan = plan();
    let report = report(&plan, context(Mode::Real), &[]);
    assert_eq!((report.status(), report.exit_code()), (Status::Failed, ExitCode::Unknown));
    assert_eq!(report.count(|_| true).unknown, 6);
}

#[test]
fn a_dry_run_is_planned_and_tells_what_could_not_be_sent() {
    let good = plan();
    let dry = report(&good, context(Mode::DryRun), &[]);
    assert_eq!((dry.status(), dry.exit_code()), (Status::Planned, ExitCode::Success));
    let refused = fixture::plan();
    let dry = report(&refused, context(Mode::DryRun), &[]);
    assert_eq!((dry.status(), dry.exit_code()), (Status::Planned, ExitCode::Failed));
    assert_eq!(dry.count(|_| true).failed, 1);
}

#[test]
fn nothing_to_do_is_a_success() {
    let mut plan = plan();
    plan.lanes.clear();
    let report = report(&plan, context(Mode::Real), &[end()]);
    assert_eq!((report.status(), report.exit_code()), (Status::NothingToDo, ExitCode::Success));
}

#[test]
fn two_stories_about_one_address_are_told_and_the_worse_counts() {
    let plan = plan();
    let events = [done(0, 0), finished(6, 0, 0, Outcome::Failed("no".into()), None), done(0, 0), done(7, 7), end()];
    let report = report(&plan, context(Mode::Real), &events);
    assert_eq!(report.count(|_| true).failed, 1);
    assert_eq!(report.notes.len(), 3, "{:?}", report.notes);
}
