//! A provider that limits what may be in progress, and knows a batch by its reference: what is too much waits, and a lost answer costs nothing.

use std::rc::Rc;
use std::time::Duration;

use cdn_purge::model::{EventKind, Operation, RefreshKind};
use cdn_purge::providers::cloudfront::CLOUDFRONT;

use crate::world::{REFRESH, Story, World};

const DIRECTORY: Operation = Operation::Refresh(RefreshKind::Directory);

fn urls(count: usize) -> World {
    let urls = (0..count).map(|page| (REFRESH, format!("https://www.example.com/page/{page}.html")));
    unmeasured(World::of(urls.collect()))
}

/// No run measured how long an invalidation takes.
fn unmeasured(mut world: World) -> World {
    world.options.durations = Default::default();
    world.at(&[&CLOUDFRONT])
}

fn directories(name: &str, count: usize) -> World {
    let urls = (0..count).map(|number| (DIRECTORY, format!("https://www.example.com/{name}/{number}/")));
    unmeasured(World::of(urls.collect()))
}

fn retries(story: &Story) -> usize {
    story.events.iter().filter(|event| matches!(event.kind, EventKind::BatchRetried { .. })).count()
}

#[test]
fn three_thousand_urls_take_hardly_longer_than_one_invalidation() {
    let mut world = urls(3_000);
    world.settings.task_duration = Some(Duration::from_secs(60));
    let story = world.run();
    story.assert_all_done().assert_ledger();
    assert!(story.took < Duration::from_secs(72), "{:?}", story.took);
    assert_eq!(retries(&story), 0);
}

#[test]
fn what_is_more_than_may_be_in_progress_waits_for_the_others_and_is_never_refused() {
    for (mut world, rounds) in [(urls(3_001), 2), (directories("a", 40), 3)] {
        world.settings.task_duration = Some(Duration::from_secs(60));
        let story = world.run();
        story.assert_all_done().assert_ledger();
        assert_eq!(retries(&story), 0);
        let bound = Duration::from_secs(60) * rounds;
        assert!(story.took > bound && story.took < bound.mul_f64(1.2), "{:?}, and {bound:?} would do", story.took);
    }
}

#[test]
fn files_and_wildcards_wait_for_each_other_no_more_than_the_vendor_says() {
    let files = (0..3_000).map(|page| (REFRESH, format!("https://www.example.com/page/{page}.html")));
    let wide = (0..15).map(|number| (DIRECTORY, format!("https://www.example.com/{number}/")));
    let mut world = unmeasured(World::of(files.chain(wide).collect()));
    world.settings.task_duration = Some(Duration::from_secs(60));
    let story = world.run();
    story.assert_all_done().assert_ledger();
    assert!(story.took < Duration::from_secs(72), "{:?}", story.took);
}

#[test]
fn invalidations_of_somebody_else_are_waited_for() {
    let mut theirs = directories("theirs", 15);
    theirs.settings.task_duration = Some(Duration::from_secs(200));
    theirs.killed_after = Some(Duration::from_secs(2));
    let theirs = theirs.run();
    assert_eq!(theirs.ledger.len(), 15);
    let mut ours = directories("ours", 3);
    ours.gateway = Some(Rc::clone(&theirs.gateway));
    let ours = ours.run();
    ours.assert_all_done();
    assert!(retries(&ours) >= 1 && ours.took > Duration::from_secs(200), "{:?}", ours.took);
    assert_eq!(ours.ledger.len(), 18);
}

#[test]
fn a_lost_answer_is_followed_by_the_same_request_which_is_executed_once() {
    for fault in
        ["drop-after", "truncate", "500-after", "html", "empty-object", "late:20000", "refuse-after:InternalError"]
    {
        let story = urls(60).with_faults(&[&format!("CreateInvalidation#1={fault}")]).run();
        story.assert_all_done().assert_ledger();
        let everything = (Operation::Refresh(RefreshKind::Everything), "https://www.example.com/".to_owned());
        let story = World::of(vec![everything]).at(&[&CLOUDFRONT]);
        story.with_faults(&[&format!("CreateInvalidation#1-2={fault}")]).run().assert_all_done().assert_ledger();
    }
}

#[test]
fn a_killed_run_is_resumed_with_the_references_that_it_had() {
    for milliseconds in (10..400).step_by(30) {
        let directory = tempfile::tempdir().unwrap();
        let make = || {
            let mut world = urls(60).with_faults(&["CreateInvalidation#2=slow:300"]);
            (world.options.batch_size, world.journal) = (Some(20), Some(directory.path().join("journal")));
            world
        };
        let mut first = make();
        first.killed_after = Some(Duration::from_millis(milliseconds));
        let first = first.run();
        let mut second = make();
        let later = second.started.checked_add(Duration::from_secs(5)).unwrap();
        (second.started, second.options.started, second.seed) = (later, later, 99);
        second.gateway = Some(Rc::clone(&first.gateway));
        let second = second.run();
        second.assert_all_done().assert_ledger();
        assert_eq!(second.ledger.len(), 60, "killed after {milliseconds} ms");
    }
}

#[test]
fn throttling_is_waited_out_and_a_missing_permission_stops_what_it_is_for() {
    for fault in ["throttle:20000", "throttle", "refuse:TooManyInvalidationsInProgress"] {
        let story = urls(60).with_faults(&[&format!("CreateInvalidation#1-3={fault}")]).run();
        story.assert_all_done().assert_ledger();
    }
    let mut forbidden = urls(3);
    forbidden.settings.forbid = vec!["CreateInvalidation".into()];
    let story = forbidden.run();
    assert_eq!((story.count("unsubmitted"), story.ledger.len()), (3, 0));
    let why = story.outcome(REFRESH, "https://www.example.com/page/0.html").reason().unwrap().to_owned();
    assert!(why.contains("grant `cloudfront:CreateInvalidation`"), "{why}");
    let mut blind = urls(3);
    blind.settings.forbid = vec!["GetInvalidation".into()];
    let story = blind.run();
    assert_eq!((story.count("unknown"), story.ledger.len()), (3, 3));
}

#[test]
fn the_plan_says_what_it_costs() {
    let price = |world: World| world.plan().lanes[0].price().map(|(count, price)| (count, price.free_in_a_month));
    assert_eq!(price(urls(3_100)), Some((3_100, 1_000)));
    assert_eq!(price(directories("a", 2)), Some((2, 1_000)));
    assert_eq!(price(World::of_pages(2)), None);
    let minutes = |world: World| world.plan().usual_duration().as_secs() / 60;
    assert_eq!((minutes(urls(3_000)), minutes(urls(9_000)), minutes(directories("a", 16))), (1, 3, 2));
}
