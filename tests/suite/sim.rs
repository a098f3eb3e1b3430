//! Whole executions against the vendor in memory, in virtual time: what holds whatever goes wrong.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use cdn_purge::config::Wait;
use cdn_purge::model::{EventKind, Operation, Outcome, RefreshKind, Signal, StopCause};
use cdn_purge::providers::{REGISTRY, emulators};
use emulators::faults::Faults;
use emulators::gateway::Gateway;
use emulators::{EmulatorSettings, Rows};

use crate::world::{REFRESH, Story, World};

fn page(number: usize) -> String {
    format!("https://www.example.com/page/{number}.html")
}

fn stops(story: &Story) -> Vec<StopCause> {
    let causes = story.events.iter().filter_map(|event| match event.kind {
        EventKind::LaneStopped { cause, .. } => Some(cause),
        _ => None,
    });
    causes.collect()
}

#[test]
fn every_page_is_refreshed_then_prefetched_and_nothing_twice() {
    let story = World::of_pages(300).run();
    story.assert_all_done().assert_ledger();
    for entry in story.ledger.iter().filter(|entry| entry.operation == Operation::Prefetch) {
        let refresh = story.ledger.iter().find(|other| other.operation == REFRESH && other.url == entry.url).unwrap();
        let gap = entry.at.duration_since(refresh.at);
        assert!(gap.as_secs() >= 5, "{} was prefetched {gap} after its refresh was accepted", entry.url);
    }
}

#[test]
fn ten_thousand_pages_come_within_a_tenth_of_the_lower_bound() {
    let mut world = World::of_pages(10_000);
    world.settings.calls_per_second = Some(50.0);
    let story = world.run();
    story.assert_all_done().assert_ledger();
    // L + C_r + (P-1)/q + C_p + L, with P = 100 prefetch calls at 50 a second.
    let bound = 0.05 + 5.0 + 99.0 / 50.0 + 5.0 + 0.05;
    let ratio = story.took.as_secs_f64() / bound;
    assert!(ratio < 1.10, "{:?} is {ratio:.3} of the bound", story.took);
    assert!(story.calls < 300, "{} calls", story.calls);
}

#[test]
fn an_answer_that_is_lost_costs_no_second_purge() {
    for fault in ["drop-after", "500-after", "truncate", "huge", "empty-object"] {
        for api in ["RefreshObjectCaches", "PushObjectCache"] {
            let story = World::of_pages(30).with_faults(&[&format!("{api}#1={fault}")]).run();
            story.assert_all_done().assert_ledger();
            assert_eq!(story.ledger.len(), 60, "{fault}");
        }
    }
}

#[test]
fn a_request_that_was_lost_before_it_was_executed_is_sent_again_once_its_absence_is_proved() {
    for fault in ["500-before", "503-html", "html", "drop-before", "redirect:9"] {
        let story = World::of_pages(30).with_faults(&[&format!("RefreshObjectCaches#1={fault}")]).run();
        story.assert_all_done().assert_ledger();
        assert!(story.took >= Duration::from_secs(30), "{fault}: the records were given time to show it");
    }
}

#[test]
fn a_listing_that_lags_behind_never_makes_a_purge_double() {
    let mut world =
        World::of_pages(30).with_faults(&["RefreshObjectCaches#1=drop-after", "PushObjectCache#1=500-after"]);
    world.settings.listing_lag = Duration::from_secs(20);
    world.run().assert_all_done().assert_ledger();
}

#[test]
fn a_throttle_is_waited_out_and_the_servers_wish_is_obeyed() {
    let story = World::of_pages(30).with_faults(&["RefreshObjectCaches#1-3=throttle:20000"]).run();
    story.assert_all_done().assert_ledger();
    assert!(story.took >= Duration::from_secs(60), "{:?}", story.took);
}

#[test]
fn a_throttling_storm_ends_the_run_and_says_so() {
    let mut world = World::of_pages(30).with_faults(&["RefreshObjectCaches=throttle"]);
    world.options.refresh_timeout = Duration::from_secs(600);
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert_eq!(story.count("unsubmitted"), 60);
    assert!(story.took < Duration::from_secs(700), "{:?}", story.took);
}

#[test]
fn one_bad_url_does_not_sink_its_batch() {
    let mut world = World::of_pages(700);
    world.settings.refuse = vec!["page/13.html".into(), "page/600.html".into()];
    let story = world.run();
    story.assert_partition().assert_ledger();
    for bad in [13, 600] {
        let Outcome::Failed(reason) = story.outcome(REFRESH, &page(bad)) else { panic!("{bad} isn't failed") };
        assert!(reason.contains("InvalidObjectPath.Malformed"), "{reason}");
        assert!(matches!(story.outcome(Operation::Prefetch, &page(bad)), Outcome::Unsubmitted(_)));
    }
    assert_eq!(story.count("done"), 2 * 698);
    let calls = story.events.iter().filter(|event| matches!(event.kind, EventKind::BatchStarted { .. })).count();
    assert!(calls < 60, "{calls} submissions");
}

#[test]
fn a_task_that_fails_is_failed_and_its_prefetch_never_leaves() {
    let mut world = World::of_pages(20);
    world.settings.fail = vec!["page/7.html".into()];
    let story = world.run();
    story.assert_partition().assert_ledger();
    let Outcome::Failed(reason) = story.outcome(REFRESH, &page(7)) else { panic!("not failed") };
    assert!(reason.contains("Origin"), "{reason}");
    assert!(matches!(story.outcome(Operation::Prefetch, &page(7)), Outcome::Unsubmitted(_)));
    assert_eq!(story.count("done"), 38);
}

#[test]
fn a_task_that_never_ends_is_unknown_at_its_deadline_and_holds_up_nothing_else() {
    let mut world = World::of_pages(20);
    world.settings.hang = vec!["page/7.html".into()];
    world.options.refresh_timeout = Duration::from_secs(60);
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert!(matches!(story.outcome(REFRESH, &page(7)), Outcome::Unknown(_)));
    assert_eq!(story.count("done"), 38);
    assert!(story.took < Duration::from_secs(63), "{:?}", story.took);
}

#[test]
fn a_vendor_that_keeps_one_row_for_each_task_is_believed_after_a_while() {
    let mut world = World::of_pages(20);
    world.settings.rows = Rows::PerTask;
    let story = world.run();
    story.assert_all_done().assert_ledger();
    assert!(story.took < Duration::from_secs(120), "{:?}", story.took);
}

#[test]
fn a_quota_that_is_short_sends_nothing() {
    let mut world = World::of_pages(20);
    world.settings.quota = Some(19);
    let story = world.run();
    story.assert_partition();
    assert!(story.ledger.is_empty());
    assert_eq!(story.count("unsubmitted"), 40);
    assert_eq!(stops(&story), [StopCause::Quota]);
}

#[test]
fn a_short_quota_for_prefetches_is_used_up_after_all_refreshes() {
    let mut world = World::of_pages(20);
    world.tasks.extend((0..10).map(|number| (Operation::Prefetch, format!("https://www.example.com/other/{number}"))));
    world.settings.quota = Some(25);
    let story = world.run();
    story.assert_partition();
    assert_eq!((story.count("done"), story.count("unsubmitted"), story.ledger.len()), (45, 5, 45));
    assert_eq!(stops(&story), [StopCause::Quota]);
}

#[test]
fn what_a_directory_covers_is_done_with_it_and_never_sent() {
    let mut world = World::of_pages(0);
    let (directory, page) = ("https://www.example.com/docs/", "https://www.example.com/docs/a.html");
    let refresh = Operation::Refresh(RefreshKind::Directory);
    world.tasks = vec![(REFRESH, page.into()), (refresh, directory.into()), (Operation::Prefetch, page.into())];
    let story = world.run();
    story.assert_all_done();
    assert_eq!(story.ledger.len(), 2);
    let order: Vec<_> = story.ledger.iter().map(|entry| (entry.operation, &*entry.url)).collect();
    assert_eq!(order, [(refresh, directory), (Operation::Prefetch, page)]);
}

#[test]
fn what_a_directory_covers_has_the_outcome_of_it() {
    let mut world = World::of_pages(0);
    let (directory, page) = ("https://www.example.com/docs/", "https://www.example.com/docs/a.html");
    world.tasks = vec![(REFRESH, page.into()), (Operation::Refresh(RefreshKind::Directory), directory.into())];
    world.settings.quota = Some(0);
    let story = world.run();
    story.assert_partition();
    assert_eq!((story.count("unsubmitted"), story.ledger.len()), (2, 0));
    let outcome = &story.outcomes[&(REFRESH, page.to_owned())];
    assert!(format!("{outcome:?}").contains("covered by `https://www.example.com/docs/`"), "{outcome:?}");
}

#[test]
fn a_wrong_secret_sends_nothing_and_is_not_tried_twice() {
    let mut world = World::of_pages(20);
    world.secret = Some("not the secret");
    let story = world.run();
    story.assert_partition();
    assert!(story.ledger.is_empty());
    assert_eq!(stops(&story), [StopCause::Credentials]);
    assert!(story.calls <= 2, "{} calls with rejected credentials", story.calls);
}

#[test]
fn a_clock_that_is_off_is_corrected_by_the_servers() {
    let mut world = World::of_pages(20);
    world.clock_offset_seconds = 20 * 60;
    world.settings.clock_offset_seconds = -20 * 60;
    world.run().assert_all_done().assert_ledger();
}

#[test]
fn a_permission_that_is_missing_for_prefetches_leaves_the_refreshes_done() {
    let mut world = World::of_pages(20);
    world.settings.forbid = vec!["PushObjectCache".into()];
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert_eq!((story.count("done"), story.count("unsubmitted")), (20, 20));
    assert_eq!(stops(&story), [StopCause::Credentials]);
}

#[test]
fn without_the_permission_to_ask_what_was_taken_is_unknown_and_never_done() {
    let mut world = World::of_pages(20);
    world.settings.forbid = vec!["DescribeRefreshTaskById".into(), "DescribeRefreshTasks".into()];
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert_eq!((story.count("done"), story.count("unknown")), (0, 20));
}

#[test]
fn waiting_for_nothing_leaves_as_soon_as_everything_is_submitted() {
    let mut world = World::of_pages(20);
    world.options.wait = Wait::None;
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert!(story.took < Duration::from_secs(2), "{:?}", story.took);
    assert_eq!((story.count("unknown"), story.count("unsubmitted")), (20, 20));
}

#[test]
fn sequential_never_has_two_batches_out() {
    let mut world = World::of_pages(40);
    world.options.batch_size = Some(20);
    world.options.sequential = true;
    let story = world.run();
    story.assert_all_done().assert_ledger();
    // Two batches of refreshes and two of prefetches, five seconds each.
    assert!(story.took >= Duration::from_secs(20), "{:?}", story.took);
}

#[test]
fn all_kinds_go_out_in_their_own_calls_and_a_directory_holds_back_what_is_below_it() {
    let prefetch = "https://www.example.com/docs/a.html".to_owned();
    let tasks = vec![
        (Operation::Refresh(RefreshKind::Directory), "https://www.example.com/docs/".to_owned()),
        (Operation::Refresh(RefreshKind::Regex), "https://www.example.com/img/.*".to_owned()),
        (Operation::Refresh(RefreshKind::AnyQuery), "https://www.example.com/q".to_owned()),
        (Operation::Prefetch, prefetch.clone()),
    ];
    let story = World::of(tasks).run();
    story.assert_all_done().assert_ledger();
    let last = story.ledger.last().unwrap();
    assert_eq!((last.operation, &last.url), (Operation::Prefetch, &prefetch));
}

#[test]
fn a_signal_stops_new_submissions_and_every_task_still_has_its_outcome() {
    for (signal, within) in [(Signal::Interrupt, 3_050), (Signal::Terminate, 600)] {
        let mut world = World::of_pages(2_000);
        world.options.batch_size = Some(20);
        world.latency = Duration::from_secs(2);
        world.signals = vec![(Duration::from_millis(4_000), signal)];
        let story = world.run();
        story.assert_partition().assert_ledger();
        assert!(story.took <= Duration::from_millis(4_000 + within), "{signal:?}: {:?}", story.took);
        let late = story.events.iter().filter(|event| event.elapsed > Duration::from_millis(4_000));
        assert!(!late.into_iter().any(|event| matches!(event.kind, EventKind::BatchStarted { .. })));
        assert!(story.count("unsubmitted") > 0 && story.count("done") == 0);
    }
}

#[test]
fn a_run_that_is_killed_anywhere_is_finished_by_the_next_one_without_a_double_or_a_loss() {
    let mut at = 1;
    loop {
        let directory = tempfile::tempdir().unwrap();
        let world = || {
            let mut world = World::of_pages(60).with_faults(&["RefreshObjectCaches#2=drop-after"]);
            world.options.batch_size = Some(20);
            world.journal = Some(directory.path().join("state"));
            world
        };
        let first = World { killed_at: Some(at), ..world() }.run();
        if !first.killed {
            assert!(at > 30, "the story is long enough to be cut in many places");
            break;
        }
        let started = first.plan.lanes.len() as u64; // the second run begins when the first is dead
        let later = world().started.checked_add(first.took + Duration::from_secs(started)).unwrap();
        let mut second = World { gateway: Some(Rc::clone(&first.gateway)), started: later, ..world() };
        second.options.started = later;
        second.run().assert_all_done().assert_ledger();
        at += 7;
    }
}

#[test]
fn a_run_that_failed_is_resumed_and_only_what_is_not_done_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = World::of_pages(20);
    first.settings.fail = vec!["page/7.html".into()];
    first.journal = Some(directory.path().join("state"));
    let first = first.run();
    assert_eq!(first.count("done"), 38);
    let mut second = World::of_pages(20);
    second.journal = Some(directory.path().join("state"));
    let settings = EmulatorSettings { quota: Some(100), ..EmulatorSettings::default() };
    let gateway = Gateway::new(emulators(&REGISTRY[..1], |_| settings.clone()), Faults::none());
    second.gateway = Some(Rc::new(RefCell::new(gateway)));
    let second = second.run();
    second.assert_all_done();
    let sent: Vec<&str> = second.ledger.iter().map(|entry| &*entry.url).collect();
    assert_eq!(sent, [page(7), page(7)], "its refresh and its prefetch");
}

#[test]
fn whatever_goes_wrong_nothing_is_lost_or_doubled_or_told_better_than_it_is() {
    for seed in 0..40 {
        let mut world = World::of_pages(60).with_faults(&[
            "*%0.04=drop-after",
            "*%0.04=500-after",
            "*%0.04=500-before",
            "*%0.04=drop-before",
            "*%0.04=truncate",
            "*%0.04=throttle:500",
            "*%0.03=html",
            "*%0.03=empty-object",
        ]);
        world.seed = seed;
        world.options.seed = seed;
        world.options.batch_size = Some(7);
        world.settings.listing_lag = Duration::from_secs(seed % 12);
        let story = world.run();
        story.assert_partition().assert_ledger();
        assert!(story.count("done") > 0, "seed {seed}");
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let story = || {
        let mut world = World::of_pages(60).with_faults(&["*%0.1=drop-after", "*%0.1=throttle"]);
        world.options.batch_size = Some(7);
        world.run().events
    };
    assert_eq!(story(), story());
}
