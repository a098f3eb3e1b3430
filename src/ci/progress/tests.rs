use crate::ci::console::Look;
use crate::ci::console::tests::{LOOK, console, plain};
use crate::model::{Operation, Resumed, Signal, StopCause};
use crate::report::fixture::{self, event, finished};

use super::*;

const EXPECTED: Expected = Expected {
    timeouts: [Duration::from_mins(15), Duration::from_mins(60)],
    usual: [Some(Duration::from_secs(330)), Some(Duration::from_secs(600))],
};

fn shown(level: LogLevel, plan: &Plan, events: &[Event]) -> String {
    let (mut console, _, err) = console(plain(), Look { level, ..LOOK });
    let mut progress = Progress::new(&mut console, plan, &[EXPECTED; 2]);
    events.iter().for_each(|event| progress.take(event));
    err.text()
}

#[test]
fn a_run_is_shown_at_milestones() {
    insta::assert_snapshot!(shown(LogLevel::Normal, &fixture::plan(), &fixture::story()), @"
    Purging and prefetching 6 URLs
    mainland: quota: 9,000 of 10,000 URL refreshes left today
    world: the response to batch 1 was lost, checking the provider's task records: connection reset
    mainland: 1 of 5 done, 1 failed after 5 min; waiting for 1 refresh (about 10 min left)
    world: 0 of 1 done after 5 min; 1 refresh to submit
    mainland: 2 of 5 done, 2 failed, 1 unsubmitted after 15 min
    world: 0 of 1 done after 15 min; 1 refresh to submit
    world: 0 of 1 done, 1 unknown after 15 min 1 s
    finished with 7 calls
    ");
}

#[test]
fn verbose_shows_every_batch_and_url() {
    insta::assert_snapshot!(shown(LogLevel::Verbose, &fixture::plan(), &fixture::story()), @"
    Purging and prefetching 6 URLs
    mainland: quota: 9,000 of 10,000 URL refreshes left today
    mainland: batch 1: refresh, 2 URLs
    mainland: batch 1 accepted as 704 (request id R-1)
    world: batch 1: refresh (directory), 1 URL
    world: the response to batch 1 was lost, checking the provider's task records: connection reset
    mainland: failed https://www.example.com/too-long.html: 1,025 characters, and Sample CDN takes 1,024
    mainland: done https://www.example.com/a.html
    mainland: 1 of 5 done, 1 failed after 5 min; waiting for 1 refresh (about 10 min left)
    world: 0 of 1 done after 5 min; 1 refresh to submit
    mainland: failed https://www.example.com/b.html: RefreshTask: OriginTimeout: the origin didn't answer (HTTP 200, request id 4B6F)
    mainland: unsubmitted https://www.example.com/b.html: its refresh failed
    mainland: batch 2: prefetch, 1 URL
    mainland: batch 2 accepted as 705
    mainland: done https://www.example.com/a.html
    mainland: 2 of 5 done, 2 failed, 1 unsubmitted after 15 min
    world: 0 of 1 done after 15 min; 1 refresh to submit
    world: unknown https://world.example.com/docs/: no answer came until the deadline
    world: 0 of 1 done, 1 unknown after 15 min 1 s
    mainland: quota: 8,998 of 10,000 URL refreshes left after the run
    finished with 7 calls
    ");
}

#[test]
fn problems_are_shown_in_the_providers_words() {
    let why = || "Throttling.User: Request was denied".to_owned();
    let begun = "2026-11-22T00:51:54Z".parse().unwrap();
    let resumed = Some(Resumed { tasks: 2, begun, journal: "run.journal".into() });
    let events = [
        event(0, EventKind::RunStarted { tasks: 6, resumed }),
        event(1, EventKind::BatchRetried { lane: 0, batch: 1, why: why(), after: Duration::from_millis(1_500) }),
        event(2, EventKind::BatchSplit { lane: 0, batch: 1, why: "MalformedURL".into() }),
        event(
            3,
            EventKind::LaneStopped {
                lane: 0,
                operation: Some(Operation::Prefetch),
                cause: StopCause::Quota,
                why: why(),
            },
        ),
        event(3, EventKind::LaneStopped { lane: 1, operation: None, cause: StopCause::Credentials, why: why() }),
        event(4, EventKind::Noted { text: "the clock was 20 min off".into() }),
        event(5, EventKind::Interrupted { signal: Signal::Interrupt }),
        event(5, EventKind::LaneStopped { lane: 0, operation: None, cause: StopCause::Interrupted, why: why() }),
        event(6, EventKind::BatchUncertain { lane: 9, batch: 1, why: why() }),
    ];
    insta::assert_snapshot!(shown(LogLevel::Normal, &fixture::plan(), &events), @"
    Purging and prefetching 6 URLs; 2 done or followed from the run that began at 2026-11-22T00:51:54Z; to send all again, delete its journal `run.journal`
    mainland: batch 1: retry in 1.5 s: Throttling.User: Request was denied
    warning: mainland: no more URL prefetches are submitted: Throttling.User: Request was denied
    warning: world: nothing more is submitted: Throttling.User: Request was denied
    the clock was 20 min off
    warning: SIGINT: no more submissions; writing the report
    lane 9: the response to batch 1 was lost, checking the provider's task records: Throttling.User: Request was denied
    ");
}

#[test]
fn many_failures_are_not_listed_one_by_one() {
    let urls: Vec<String> = (0..1_000).map(|number| format!("https://www.example.com/{number}")).collect();
    let plan = fixture::plan_of(&urls);
    let failed = |task| finished(1, 0, task, Outcome::Failed("refused".into()), None);
    let text = shown(LogLevel::Normal, &plan, &(0..1_000).map(failed).collect::<Vec<_>>());
    assert_eq!(text, "main: 0 of 1,000 done, 1,000 failed after 1.0 s\n");
}

#[test]
fn half_a_minute_without_news_is_news() {
    let urls: Vec<String> = (0..100).map(|number| format!("https://www.example.com/{number}")).collect();
    let plan = fixture::plan_of(&urls);
    let done = |task| finished(u64::from(task), 0, task, Outcome::Done, Some("1"));
    let text = shown(LogLevel::Normal, &plan, &(0..100).map(done).collect::<Vec<_>>());
    assert_eq!(text.lines().count(), 4, "at 30, 60, 90 s and the end: {text}");
}

#[test]
fn a_silence_is_broken_by_how_far_it_is() {
    let events: Vec<Event> = (1..=3).map(|half| event(30 * half, EventKind::Waiting { lane: 0, open: 1 })).collect();
    let text = shown(LogLevel::Normal, &fixture::plan_of(&["https://www.example.com/".to_owned()]), &events);
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.starts_with("main: 0 of 1 done after 30 s; 1 refresh to submit\n"), "{text}");
}

#[test]
fn a_bar_shows_counts_and_leaves_at_the_end() {
    let (mut console, _, err) = console(plain(), Look { bar: true, ..LOOK });
    let plan = fixture::plan();
    let mut progress = Progress::new(&mut console, &plan, &[EXPECTED; 2]);
    progress.bars.as_ref().unwrap().set_draw_target(ProgressDrawTarget::hidden());
    let story = fixture::story();
    let (end, before) = story.split_last().unwrap();
    before.iter().for_each(|event| progress.take(event));
    let bars: Vec<_> = progress.lanes.iter().map(|lane| lane.bar.as_ref().unwrap().bar.clone()).collect();
    let shown: Vec<_> = bars.iter().map(|bar| (bar.prefix(), bar.position(), bar.message())).collect();
    let bar = |name: &str, position, message: &str| (name.to_owned(), position, message.to_owned());
    assert_eq!(shown, [bar("mainland", 5, "done, 2 failed, 1 unsubmitted"), bar("world   ", 1, "done, 1 unknown")]);
    progress.take(end);
    assert!(progress.bars.is_none() && bars.iter().all(ProgressBar::is_finished));
    assert!(!err.text().contains("waiting"), "bars take the place of the lines: {}", err.text());
}

#[test]
fn a_line_says_what_is_waited_for_and_until_when() {
    let urls: Vec<String> = (0..2).map(|number| format!("https://www.example.com/{number}")).collect();
    let plan = fixture::plan_of(&urls);
    let sent = |batch, task| {
        let (lane, operation) = (0, fixture::REFRESH);
        event(1, EventKind::BatchStarted { lane, batch, operation, tasks: vec![task], attempt: 1 })
    };
    let accepted = |seconds, batch| {
        event(seconds, EventKind::BatchSubmitted { lane: 0, batch, task_ids: Vec::new(), request_id: None })
    };
    let waiting = |seconds| event(seconds, EventKind::Waiting { lane: 0, open: 1 });
    let done = finished(100, 0, 0, Outcome::Done, Some("1"));
    let events =
        [sent(1, 0), accepted(10, 1), waiting(40), sent(2, 1), accepted(60, 2), done, waiting(110), waiting(400)];
    insta::assert_snapshot!(shown(LogLevel::Normal, &plan, &events), @"
    main: 0 of 2 done after 40 s; waiting for 2 refreshes (about 5 min left)
    main: 0 of 2 done after 1 min; waiting for 2 refreshes (about 6 min left; timeout at 10:16:00 UTC)
    main: 1 of 2 done after 1 min 40 s; waiting for 1 refresh (about 50 s left; timeout at 10:16:00 UTC)
    main: 1 of 2 done after 6 min 40 s; waiting for 1 refresh (longer than usual; timeout at 10:16:00 UTC)
    ");
}
