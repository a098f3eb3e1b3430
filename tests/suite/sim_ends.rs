//! How whole executions end: by signals and kills at any moment, by deadlines, by a provider that is never reached, and what
//! the next run makes of it.

use std::rc::Rc;
use std::time::Duration;

use cdn_purge::config::Wait;
use cdn_purge::model::{EventKind, Operation, Outcome, RefreshKind, Signal, StopCause};
use cdn_purge::provider::{ApiError, ApiErrorKind};
use emulators::Ids;
use http::Response;

use crate::world::{REFRESH, Story, World};

fn page(number: usize) -> String {
    format!("https://www.example.com/page/{number}.html")
}

fn interruptions(story: &Story) -> usize {
    story.events.iter().filter(|event| matches!(event.kind, EventKind::Interrupted { .. })).count()
}

fn refusal(code: &str) -> Response<bytes::Bytes> {
    Response::builder()
        .status(400)
        .body(format!(r#"{{"RequestId":"R","Code":"{code}","Message":"no"}}"#).into())
        .unwrap()
}

/// The first run is cut off, the second one finishes; both meet the same vendor, and the first leaves a journal.
fn killed_and_resumed(make: impl Fn() -> World, cut: impl Fn(&mut World)) -> (Story, Option<Story>) {
    let directory = tempfile::tempdir().unwrap();
    let mut first = make();
    first.journal = Some(directory.path().join("state"));
    cut(&mut first);
    let first = first.run();
    if !first.killed {
        return (first, None);
    }
    let mut second = make();
    let later = second.started.checked_add(first.took + Duration::from_secs(1)).unwrap();
    (second.started, second.options.started, second.seed) = (later, later, 99);
    second.gateway = Some(Rc::clone(&first.gateway));
    second.journal = Some(directory.path().join("state"));
    second.options.batch_size = Some(11);
    (first, Some(second.run()))
}

#[test]
fn a_kill_at_any_event_under_many_faults_neither_loses_nor_doubles() {
    let patterns: [&[&str]; 4] = [
        &["RefreshObjectCaches#2=drop-after", "PushObjectCache#1=500-after"],
        &["RefreshObjectCaches#1=drop-before", "DescribeRefreshTasks#1=throttle"],
        &["*%0.1=drop-after", "*%0.1=500-before", "*%0.1=throttle:300"],
        &["PushObjectCache#1-2=truncate", "DescribeRefreshTaskById#1-3=html"],
    ];
    for (seed, faults) in (0..).zip(patterns) {
        let make = || {
            let mut world = World::of_pages(30).with_faults(faults);
            (world.seed, world.options.seed, world.options.batch_size) = (seed, seed, Some(7));
            world.settings.listing_lag = Duration::from_secs(4 * seed);
            world.settings.ids = [Ids::Merged, Ids::PerCall, Ids::PerUrl][seed as usize % 3];
            world
        };
        for at in (1 + seed as usize..).step_by(3) {
            let (_, second) = killed_and_resumed(make, |world| world.killed_at = Some(at));
            let Some(second) = second else { break };
            second.assert_partition().assert_ledger();
            assert_eq!(second.count("done"), 60, "pattern {seed}, event {at}");
        }
    }
}

#[test]
fn a_kill_at_any_time_neither_loses_nor_doubles() {
    let make = || {
        let mut world = World::of_pages(30).with_faults(&["RefreshObjectCaches#2=drop-after", "*%0.1=500-after"]);
        world.options.batch_size = Some(7);
        world.settings.listing_lag = Duration::from_secs(3);
        world
    };
    for step in 0..120 {
        let after = Duration::from_millis(if step < 60 { step * 7 } else { (step - 60) * 700 });
        let (_, second) = killed_and_resumed(make, |world| world.killed_after = Some(after));
        if let Some(second) = second {
            second.assert_all_done().assert_ledger();
        }
    }
}

#[test]
fn a_signal_between_the_journals_record_and_the_request_neither_loses_nor_doubles() {
    for (signal, latency) in [(Signal::Interrupt, 50), (Signal::Terminate, 50), (Signal::Terminate, 1_500)] {
        let make = || {
            let mut world = World::of_pages(30);
            (world.options.batch_size, world.latency) = (Some(7), Duration::from_millis(latency));
            world
        };
        let whole = make().run();
        // The event is reported after the record is written, and before the request leaves.
        let is_start = |at: &usize| matches!(whole.events[at - 1].kind, EventKind::BatchStarted { .. });
        let starts: Vec<usize> = (1..=whole.events.len()).filter(is_start).collect();
        assert!(starts.len() >= 10, "{}", starts.len());
        for at in starts {
            let directory = tempfile::tempdir().unwrap();
            let state = Some(directory.path().join("state"));
            let first = World { signalled_at: Some((at, signal)), journal: state.clone(), ..make() }.run();
            first.assert_partition();
            assert_eq!(interruptions(&first), 1, "event {at}");
            let later = make().started.checked_add(first.took + Duration::from_secs(1)).unwrap();
            let gateway = Some(Rc::clone(&first.gateway));
            let mut second = World { gateway, started: later, journal: state, ..make() };
            second.options.started = later;
            second.run().assert_all_done().assert_ledger();
        }
    }
}

#[test]
fn what_was_not_waited_for_is_followed_by_the_next_run() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = World::of_pages(30);
    (first.options.wait, first.journal) = (Wait::None, Some(directory.path().join("state")));
    let first = first.run();
    assert_eq!((first.count("unknown"), first.count("unsubmitted")), (30, 30));
    let mut second = World::of_pages(30);
    (second.gateway, second.journal) = (Some(Rc::clone(&first.gateway)), Some(directory.path().join("state")));
    second.options.batch_size = Some(3);
    second.run().assert_all_done().assert_ledger();
}

#[test]
fn a_signal_is_told_once_and_at_any_moment_even_when_the_first_target_is_done() {
    for (milliseconds, signal) in
        [(0, Signal::Interrupt), (40, Signal::Interrupt), (300, Signal::Terminate), (5_700, Signal::Interrupt)]
    {
        let mut world = World::of_pages(10);
        world.targets = 2;
        world.settings.hang = vec!["page/9.html".into()];
        world.signals =
            vec![(Duration::from_millis(milliseconds), signal), (Duration::from_millis(100), Signal::Terminate)];
        let story = world.run();
        story.assert_partition().assert_ledger();
        assert_eq!(interruptions(&story), 1, "after {milliseconds} ms");
        assert!(story.took < Duration::from_millis(milliseconds + 700), "{milliseconds}: {:?}", story.took);
    }
}

#[test]
fn a_signal_while_the_quota_is_read_ends_the_run_at_once() {
    let mut world = World::of_pages(10).with_faults(&["DescribeRefreshQuota=slow:14000"]);
    world.signals = vec![(Duration::from_secs(1), Signal::Interrupt)];
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert_eq!((story.count("unsubmitted"), interruptions(&story)), (20, 1));
    assert!(story.took < Duration::from_millis(1_200), "{:?}", story.took);
    let mut world = World::of_pages(10).with_faults(&["DescribeRefreshQuota#2=slow:14000"]);
    world.signals = vec![(Duration::from_secs(20), Signal::Terminate)];
    let story = world.run();
    story.assert_all_done();
    assert!(story.took < Duration::from_millis(20_100), "{:?}", story.took);
}

#[test]
fn a_signal_while_an_answer_is_in_doubt_leaves_it_unknown() {
    let mut world = World::of_pages(10).with_faults(&["RefreshObjectCaches=drop-before"]);
    world.signals = vec![(Duration::from_secs(10), Signal::Interrupt)];
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert_eq!((story.count("unknown"), story.count("unsubmitted")), (10, 10));
    assert!(story.took < Duration::from_millis(10_100), "{:?}", story.took);
}

#[test]
fn records_and_status_that_fail_for_ever_end_the_run_at_its_deadlines() {
    for faults in [
        &["DescribeRefreshTasks=500-before", "RefreshObjectCaches#1=drop-after"][..],
        &["DescribeRefreshTaskById=500-before"],
        &["DescribeRefreshTaskById=throttle", "DescribeRefreshTasks=throttle"],
        &["DescribeRefreshTaskById=empty-object", "DescribeRefreshTasks=html", "RefreshObjectCaches=empty-object"],
        &["RefreshObjectCaches=500-before"],
        &["*=drop-after"],
    ] {
        let mut world = World::of_pages(20).with_faults(faults);
        world.options.batch_size = Some(10);
        let story = world.run();
        story.assert_partition().assert_ledger();
        assert!(story.count("unknown") + story.count("unsubmitted") >= 20, "{faults:?}");
        assert!(story.took < Duration::from_secs(2 * 15 * 60 + 60), "{faults:?}: {:?}", story.took);
    }
}

#[test]
fn a_wait_shorter_than_the_records_need_leaves_a_lost_batch_unknown() {
    let mut world = World::of_pages(20).with_faults(&["RefreshObjectCaches#1=drop-before"]);
    world.options.refresh_timeout = Duration::from_secs(10);
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert_eq!((story.count("unknown"), story.count("unsubmitted")), (20, 20));
    assert!(story.took < Duration::from_secs(12), "{:?}", story.took);
}

#[test]
fn what_ends_shortly_before_its_time_is_over_is_known_to_be_done() {
    let shortly = |timeouts: std::ops::Range<u64>, before| timeouts.map(move |timeout| (timeout, before));
    for (timeout, before) in shortly(890..910, 4).chain(shortly(50..60, 4)).chain(shortly(5..8, 1)) {
        let mut world = World::of((0..20).map(|number| (REFRESH, page(number))).collect());
        world.options.refresh_timeout = Duration::from_secs(timeout);
        world.settings.task_duration = Some(Duration::from_secs(timeout - before));
        let story = world.run();
        story.assert_partition().assert_ledger();
        assert_eq!(story.count("done"), 20, "{before} s before {timeout} s");
        assert!(story.took <= Duration::from_secs(timeout + 1), "{:?}", story.took);
    }
}

#[test]
fn a_batch_in_doubt_is_cleared_up_even_when_nothing_more_is_sent() {
    let seen = std::cell::Cell::new(0);
    let mut world = World::of_pages(20).with_faults(&["RefreshObjectCaches#1=drop-after"]);
    world.options.batch_size = Some(10);
    world.options.sequential = false;
    world.bend = Some(Rc::new(move |api, _, answer| {
        seen.set(seen.get() + usize::from(api == "RefreshObjectCaches"));
        if api == "RefreshObjectCaches" { refusal("AccountArrears") } else { answer }
    }));
    let story = world.run();
    story.assert_partition();
    assert_eq!((story.count("done"), story.count("unknown")), (20, 0), "the first batch and its prefetches");
}

#[test]
fn a_provider_that_is_never_reached_ends_the_run_within_about_a_minute_and_says_why() {
    let mut world = World::of_pages(2_000);
    world.options.batch_size = Some(50);
    let unsent =
        ApiError::new(ApiErrorKind::Unsent, "RefreshObjectCaches", "can't connect to `cdn.example`: no such host");
    world.unreachable = Some(unsent);
    let story = world.run();
    story.assert_partition();
    assert_eq!(story.count("unsubmitted"), 4_000);
    assert!(story.took < Duration::from_secs(150), "{:?}", story.took);
    assert!(story.calls < 60, "{} calls", story.calls);
    let Outcome::Unsubmitted(why) = story.outcome(REFRESH, &page(1)) else { panic!() };
    assert!(why.contains("`cdn.example`"), "{why}");
}

#[test]
fn a_wait_that_passes_without_a_batch_taken_says_what_the_last_answer_was() {
    let mut world = World::of_pages(20);
    world.options.refresh_timeout = Duration::from_secs(10);
    world.refuse = Some(Rc::new(|api, _, _| (api == "RefreshObjectCaches").then_some("Throttling.User")));
    let story = world.run();
    story.assert_partition();
    let Outcome::Unsubmitted(why) = story.outcome(REFRESH, &page(1)) else { panic!() };
    assert!(why.contains("before the timeout") && why.contains("Throttling.User"), "{why}");
}

#[test]
fn a_quota_that_is_spent_for_one_kind_stops_that_kind_alone() {
    let mut tasks: Vec<(Operation, String)> = (0..20).map(|number| (REFRESH, page(number))).collect();
    tasks.push((Operation::Refresh(RefreshKind::Directory), "https://www.example.com/docs/".into()));
    tasks.extend((0..20).map(|number| (Operation::Prefetch, page(number))));
    let mut world = World::of(tasks);
    world.bend = Some(Rc::new(
        |api, _, answer| if api == "PushObjectCache" { refusal("QuotaExceeded.Preload") } else { answer },
    ));
    let story = world.run();
    story.assert_partition();
    assert_eq!((story.count("done"), story.count("unsubmitted")), (21, 20));
}

#[test]
fn a_minutes_quota_is_waited_for_and_holds_up_no_other_operation() {
    let mut tasks: Vec<(Operation, String)> = (0..4_000).map(|number| (REFRESH, page(number))).collect();
    tasks.push((Operation::Prefetch, "https://www.example.com/other".into()));
    let mut world = World::of(tasks);
    world.options.batch_size = Some(20);
    world.refuse = Some(Rc::new(|api, _, elapsed| {
        let is_early = api == "RefreshObjectCaches" && elapsed < Duration::from_secs(600);
        is_early.then_some("QuotaPerMinuteExceeded.Refresh")
    }));
    let story = world.run();
    story.assert_all_done().assert_ledger();
    let other = story.events.iter().find(|event| matches!(&event.kind, EventKind::TaskFinished { task: 4_000, .. }));
    assert!(other.unwrap().elapsed < Duration::from_secs(20));
    let stops = story.events.iter().any(|event| matches!(event.kind, EventKind::LaneStopped { .. }));
    assert!(!stops && story.took < Duration::from_secs(800), "{:?}", story.took);
}

#[test]
fn a_full_prefetch_queue_does_not_block_refreshes_or_end_them() {
    let mut world = World::of_pages(100);
    world.options.batch_size = Some(10);
    world.bend =
        Some(Rc::new(|api, _, answer| if api == "PushObjectCache" { refusal("PreloadQueueFull") } else { answer }));
    let story = world.run();
    story.assert_partition();
    assert_eq!((story.count("done"), story.count("unsubmitted")), (100, 100));
    assert!(story.took < Duration::from_secs(2 * 60 * 60), "{:?}", story.took);
}

#[test]
fn urls_that_are_all_refused_do_not_cost_two_calls_each() {
    let mut world = World::of_pages(5_000);
    world.settings.refuse = vec!["page/".into()];
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert!(story.ledger.is_empty() && story.calls < 400, "{} calls", story.calls);
    assert!(
        story.events.iter().any(|event| matches!(event.kind, EventKind::LaneStopped { cause: StopCause::Denied, .. }))
    );
}

#[test]
fn a_long_wait_is_not_silent() {
    let mut world = World::of_pages(2);
    world.settings.task_duration = Some(Duration::from_secs(600));
    let story = world.run();
    story.assert_all_done();
    let gaps = story.events.windows(2).map(|pair| pair[1].elapsed - pair[0].elapsed);
    assert!(gaps.max().unwrap() <= Duration::from_secs(31));
    let waits = story.events.iter().filter(|event| matches!(event.kind, EventKind::Waiting { .. })).count();
    assert!((30..45).contains(&waits), "{waits}");
}

#[test]
fn one_target_that_stops_does_not_stop_the_other() {
    let mut world = World::of_pages(20);
    world.targets = 2;
    world.settings.refuse = vec!["page/1".into()];
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert!(story.count("done") > 0 && story.count("failed") > 0);
}

#[test]
fn a_limit_that_was_halved_is_learned_once() {
    let mut world = World::of((0..20_000).map(|number| (REFRESH, page(number))).collect());
    world.refuse = Some(Rc::new(|api, request, _| {
        let urls = request.body().windows(3).filter(|bytes| bytes == b"%0A").count() + 1;
        (api == "RefreshObjectCaches" && urls > 500).then_some("InvalidObjectPath.ExceedsMaximum")
    }));
    let story = world.run();
    story.assert_all_done().assert_ledger();
    let sent = story.events.iter().filter(|event| matches!(event.kind, EventKind::BatchStarted { .. })).count();
    assert!(sent <= 40 + 16, "{sent}: forty halves, and what was in flight before the first was refused");
}

#[test]
fn a_time_to_wait_for_prefetches_that_is_shorter_than_their_refreshes_take_ends_none_of_them() {
    // More batches than may be in flight, ready a minute and a half after the beginning.
    let mut world = World::of_pages(400);
    world.options.batch_size = Some(20);
    world.options.prefetch_timeout = Duration::from_secs(60);
    world.refuse = Some(Rc::new(|api, _, elapsed| {
        (api == "RefreshObjectCaches" && elapsed < Duration::from_secs(90)).then_some("Throttling.User")
    }));
    world.run().assert_all_done().assert_ledger();
}

#[test]
fn one_batch_at_a_time_may_take_longer_in_all_than_the_time_to_wait_for_one() {
    let mut world = World::of_pages(60);
    world.options.batch_size = Some(20);
    world.options.sequential = true;
    world.settings.task_duration = Some(Duration::from_secs(60));
    world.options.refresh_timeout = Duration::from_secs(90);
    world.options.prefetch_timeout = Duration::from_secs(90);
    world.run().assert_all_done().assert_ledger();
}

#[test]
fn a_second_signal_never_gives_more_time_than_the_first_left() {
    let mut world = World::of_pages(20);
    world.latency = Duration::from_secs(4);
    world.signals = vec![(Duration::from_secs(5), Signal::Terminate), (Duration::from_millis(100), Signal::Interrupt)];
    let story = world.run();
    story.assert_partition();
    assert!(story.took < Duration::from_millis(5_600), "{:?}", story.took);
}
