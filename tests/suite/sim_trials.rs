//! Whole executions of what hostile trials found: nothing is sent twice, whatever the clocks say, however late a request is
//! executed, and whatever a refusal is called.

use std::rc::Rc;
use std::time::Duration;

use cdn_purge::model::Outcome;

use crate::world::{REFRESH, Story, World};

const QUOTA: &str = "DescribeRefreshQuota";

fn page(number: usize) -> String {
    format!("https://www.example.com/page/{number}.html")
}

/// Nothing is known of the provider's clock before the first batch leaves, and its clock is so many seconds behind ours.
fn unclocked(behind: i64, faults: &[&str]) -> World {
    let mut world = World::of_pages(12).with_faults(faults);
    world.settings.clock_offset_seconds = -behind;
    world
}

/// The run that continues what another left, so long after that began.
fn next(first: &Story, journal: &std::path::Path, after: Duration, mut world: World) -> World {
    let started = world.started.checked_add(first.took + after).unwrap();
    (world.started, world.options.started, world.seed) = (started, started, 99);
    (world.gateway, world.journal) = (Some(Rc::clone(&first.gateway)), Some(journal.to_owned()));
    world
}

#[test]
fn a_lost_answer_is_not_sent_again_where_our_clock_is_ahead_and_the_quota_could_not_be_read() {
    for behind in [3, 10, 60, 600, -60] {
        for quota in ["=500-before", "=drop-before", "=refuse:Forbidden.RAM"] {
            for lost in ["RefreshObjectCaches#1=drop-after", "PushObjectCache#1=500-after"] {
                let story = unclocked(behind, &[&format!("{QUOTA}{quota}"), lost]).run();
                story.assert_all_done().assert_ledger();
                assert_eq!(story.ledger.len(), 24, "{behind} s, {quota}, {lost}");
            }
        }
    }
}

#[test]
fn a_killed_run_whose_clock_was_ahead_is_finished_by_the_next_one_and_nothing_is_sent_twice() {
    for behind in [3, 10, 600] {
        for milliseconds in [80, 3_140, 7_000, 12_000] {
            let folder = tempfile::tempdir().unwrap();
            let journal = folder.path().join("journal");
            let faults = &["DescribeRefreshQuota=500-before", "RefreshObjectCaches#1=drop-after"];
            let mut first = unclocked(behind, faults);
            first.journal = Some(journal.clone());
            first.killed_after = Some(Duration::from_millis(milliseconds));
            let first = first.run();
            assert!(first.killed);
            let second = next(&first, &journal, Duration::from_secs(2), unclocked(behind, faults)).run();
            second.assert_all_done().assert_ledger();
        }
    }
}

#[test]
fn a_request_that_a_gateway_executes_long_after_we_gave_up_is_not_sent_again() {
    for (api, seconds, lag) in [
        ("RefreshObjectCaches", 16, 0),
        ("RefreshObjectCaches", 28, 4),
        ("RefreshObjectCaches", 28, 15),
        ("PushObjectCache", 40, 2),
    ] {
        let mut world = World::of_pages(12).with_faults(&[&format!("{api}#1=late:{seconds}000")]);
        world.settings.listing_lag = Duration::from_secs(lag);
        let story = world.run();
        story.assert_all_done().assert_ledger();
        assert_eq!(story.ledger.len(), 24, "{api} after {seconds} s, in the records {lag} s later");
    }
}

#[test]
fn a_run_that_did_everything_and_could_not_publish_sends_nothing_when_it_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let world = || World { publishes: false, journal: Some(journal.clone()), ..World::of_pages(12) };
    let first = world().run();
    first.assert_all_done();
    for _ in 0..2 {
        let again = next(&first, &journal, Duration::from_secs(60), world()).run();
        again.assert_all_done().assert_ledger();
        assert_eq!((again.arrivals.len(), again.calls), (0, 0));
    }
    let mut published = next(&first, &journal, Duration::from_secs(120), world());
    published.publishes = true;
    assert_eq!(published.run().arrivals.len(), 0);
    let anew = next(&first, &journal, Duration::from_secs(180), world()).run();
    anew.assert_all_done();
    assert_eq!(anew.ledger.len(), 48, "the same command after a published end is a new run");
}

#[test]
fn a_refusal_that_no_vendor_documents_is_no_proof_that_nothing_was_executed() {
    let story = World::of_pages(12).with_faults(&["RefreshObjectCaches#1=refuse-after:Novel.Trouble"]).run();
    story.assert_all_done().assert_ledger();
    assert_eq!(story.ledger.len(), 24);
}

#[test]
fn an_undocumented_refusal_of_one_url_does_not_sink_its_batch_once_the_records_show_nothing() {
    let mut world = World::of_pages(12);
    world.refuse = Some(Rc::new(|api, request, _| {
        let is_bad = request.body().windows(9).any(|bytes| bytes == b"page%2F7.");
        (api == "RefreshObjectCaches" && is_bad).then_some("Novel.Trouble")
    }));
    let story = world.run();
    story.assert_partition().assert_ledger();
    let Outcome::Failed(why) = story.outcome(REFRESH, &page(7)) else { panic!("{:?}", story.outcomes) };
    assert!(why.contains("Novel.Trouble") && why.contains("don't show it"), "{why}");
    assert_eq!(story.count("done"), 22);
}
