use crate::ci::console::Look;
use crate::ci::console::tests::{LOOK, console, plain};
use crate::model::{Operation, Resumed, Signal, StopCause};
use crate::report::fixture::{self, event, finished};

use super::*;

fn shown(level: LogLevel, plan: &Plan, events: &[Event]) -> String {
    let (mut console, _, err) = console(plain(), Look { level, ..LOOK });
    let mut progress = Progress::new(&mut console, plan);
    events.iter().for_each(|event| progress.take(event));
    err.text()
}

#[test]
fn a_run_is_shown_at_milestones() {
    insta::assert_snapshot!(shown(LogLevel::Normal, &fixture::plan(), &fixture::story()), @"
    Purging and prefetching 6 URLs
    mainland: quota: 9,000 of 10,000 URL refreshes left today
    world: the response to batch 1 was lost, checking the provider's task records: connection reset
    mainland: failed https://www.example.com/too-long.html: 1,025 characters, and Sample CDN takes 1,024
    mainland: 2 of 5 submitted, 1 done, 1 failed after 5 min
    world: 0 of 1 submitted, 0 done after 5 min
    mainland: failed https://www.example.com/b.html: RefreshTask: OriginTimeout: the origin didn't answer (HTTP 200, request id 4B6F)
    mainland: 3 of 5 submitted, 2 done, 2 failed, 1 unsubmitted after 15 min
    world: 0 of 1 submitted, 0 done after 15 min
    world: unknown https://world.example.com/docs/: no answer came until the deadline
    world: 0 of 1 submitted, 0 done, 1 unknown after 15 min 1 s
    mainland: quota: 8,998 of 10,000 URL refreshes left after the run
    finished after 15 min 2 s and 7 calls
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
    mainland: 2 of 5 submitted, 1 done, 1 failed after 5 min
    world: 0 of 1 submitted, 0 done after 5 min
    mainland: failed https://www.example.com/b.html: RefreshTask: OriginTimeout: the origin didn't answer (HTTP 200, request id 4B6F)
    mainland: unsubmitted https://www.example.com/b.html: its refresh failed
    mainland: batch 2: prefetch, 1 URL
    mainland: batch 2 accepted as 705
    mainland: done https://www.example.com/a.html
    mainland: 3 of 5 submitted, 2 done, 2 failed, 1 unsubmitted after 15 min
    world: 0 of 1 submitted, 0 done after 15 min
    world: unknown https://world.example.com/docs/: no answer came until the deadline
    world: 0 of 1 submitted, 0 done, 1 unknown after 15 min 1 s
    mainland: quota: 8,998 of 10,000 URL refreshes left after the run
    finished after 15 min 2 s and 7 calls
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
    mainland: batch 1 rejected, splitting to find the bad URL: MalformedURL
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
    assert_eq!(text.lines().count(), LISTED_FAILURES + 2, "{text}");
    assert!(text.ends_with("main: 0 of 1,000 submitted, 0 done, 1,000 failed after 1.0 s\n"), "{text}");
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
    assert!(text.starts_with("main: 0 of 1 submitted, 0 done after 30 s\n"), "{text}");
}

#[test]
fn a_bar_shows_counts_and_leaves_at_the_end() {
    let (mut console, _, err) = console(plain(), Look { bar: true, ..LOOK });
    let plan = fixture::plan();
    let mut progress = Progress::new(&mut console, &plan);
    progress.bar.as_ref().unwrap().set_draw_target(ProgressDrawTarget::hidden());
    let story = fixture::story();
    let (end, before) = story.split_last().unwrap();
    before.iter().for_each(|event| progress.take(event));
    let bar = progress.bar.clone().unwrap();
    assert_eq!(
        (bar.position(), bar.message().as_str()),
        (6, "2 done · 2 failed · 1 unsubmitted · 1 unknown · 0 pending")
    );
    progress.take(end);
    assert!(progress.bar.is_none());
    assert!(!err.text().contains("submitted,"), "a bar takes the place of the lines: {}", err.text());
}
