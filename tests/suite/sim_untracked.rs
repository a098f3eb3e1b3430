//! Providers that report no status: what they accept is done, and a lost answer is followed by the same request where that is harmless.

use std::time::Duration;

use cdn_purge::model::{EventKind, Operation, Outcome, RefreshKind};
use cdn_purge::provider::{OptionValue, Spec};
use cdn_purge::providers::bunny::BUNNY;
use cdn_purge::providers::cloudflare::CLOUDFLARE;
use cdn_purge::providers::fastly::FASTLY;

use crate::world::{REFRESH, Story, World};

const EVERYTHING: Operation = Operation::Refresh(RefreshKind::Everything);

fn urls(spec: &'static Spec, count: usize) -> World {
    let urls = (0..count).map(|page| (REFRESH, format!("https://www.example.com/page/{page}.html")));
    World::of(urls.collect()).at(&[spec])
}

fn tags(spec: &'static Spec, count: usize) -> World {
    let tag = Operation::Refresh(RefreshKind::Tag);
    World::of((0..count).map(|tag_| (tag, format!("https://www.example.com/#page-{tag_}"))).collect()).at(&[spec])
}

fn retries(story: &Story) -> usize {
    story.events.iter().filter(|event| matches!(event.kind, EventKind::BatchRetried { .. })).count()
}

#[test]
fn ten_thousand_urls_take_hardly_longer_than_the_limits_of_the_vendor_allow() {
    let story = urls(&CLOUDFLARE, 10_000).run();
    story.assert_all_done().assert_ledger();
    // 800 URLs in a second.
    let bound = Duration::from_secs_f64(10_000.0 / 800.0);
    assert!(story.took < bound.mul_f64(1.2), "{:?} and {:?} would do", story.took, bound);
    assert_eq!((story.calls, retries(&story)), (334, 0));
}

#[test]
fn forty_thousand_urls_keep_to_the_limit_of_all_calls_too() {
    let story = urls(&CLOUDFLARE, 40_000).run();
    story.assert_all_done().assert_ledger();
    // 1,334 calls, and 1,200 in five minutes.
    assert!(story.took > Duration::from_secs(300) && story.took < Duration::from_secs(330), "{:?}", story.took);
    assert_eq!(retries(&story), 0);
}

#[test]
fn a_bucket_is_emptied_at_once_and_then_filled_by_the_minute_without_a_refusal() {
    let story = tags(&CLOUDFLARE, 3_000).run();
    story.assert_all_done().assert_ledger();
    // 30 calls, 25 of them at once.
    assert_eq!((story.calls, retries(&story)), (30, 0));
    assert!(story.took < Duration::from_secs(75), "{:?}", story.took);
}

#[test]
fn a_target_may_send_more_urls_in_a_call_and_learns_how_many_are_taken() {
    let mut more = urls(&CLOUDFLARE, 500);
    more.target_options.insert("files-per-call", OptionValue::Number(100));
    more.settings.per_call = Some(100);
    let more = more.run();
    more.assert_all_done().assert_ledger();
    assert_eq!(more.calls, 5);
    let mut fewer = urls(&CLOUDFLARE, 500);
    fewer.settings.per_call = Some(10);
    let fewer = fewer.run();
    fewer.assert_all_done().assert_ledger();
    // One learns that 30, and 15, are too many; then there are 8 in each.
    assert!(fewer.calls < 75, "{} calls", fewer.calls);
}

/// The providers, each with the call that purges URLs, and the one that purges everything.
const ALL: [(&Spec, &str, &str); 3] = [
    (&CLOUDFLARE, "purge_cache", "purge_cache"),
    (&FASTLY, "purge_single_url", "purge_all"),
    (&BUNNY, "purge", "purgeCache"),
];

#[test]
fn a_lost_answer_is_followed_by_the_same_purge_and_everything_is_purged_once() {
    for (spec, call, call_of_all) in ALL {
        for fault in ["drop-after", "truncate", "500-after", "html"] {
            let story = urls(spec, 60).with_faults(&[&format!("{call}#1={fault}")]).run();
            story.assert_all_done();
            assert!(story.ledger.len() <= 90, "{spec:?} {fault}: {}", story.ledger.len());
        }
        let everything = World::of(vec![(EVERYTHING, "https://www.example.com/".into())]).at(&[spec]);
        let story = everything.with_faults(&[&format!("{call_of_all}#1=drop-after")]).run();
        assert_eq!(story.ledger.len(), 1, "{spec:?}");
        let Outcome::Unknown(why) = story.outcome(EVERYTHING, "https://www.example.com/") else { panic!("{spec:?}") };
        assert!(why.contains("isn't known") && why.contains("no records"), "{why}");
    }
}

#[test]
fn a_thousand_urls_of_a_small_bucket_take_as_long_as_the_plan_says() {
    let world = urls(&BUNNY, 1_000);
    let pace = world.plan().lanes[0].pace().unwrap();
    // (1,000 - 120) / 5 seconds.
    assert_eq!((pace.urls, pace.takes.as_secs(), pace.directories.map(|(count, _)| count)), (1_000, 176, Some(1)));
    let story = world.run();
    story.assert_all_done().assert_ledger();
    assert!(story.took < pace.takes.mul_f64(1.2), "{:?}", story.took);
    assert_eq!(retries(&story), 0);
    assert_eq!(urls(&BUNNY, 100).plan().lanes[0].pace(), None);
    let queries = (0..1_000).map(|number| (REFRESH, format!("https://www.example.com/page?from=/{number}/")));
    let pace = World::of(queries.collect()).at(&[&BUNNY]).plan().lanes[0].pace().unwrap();
    assert_eq!(pace.directories.map(|(count, _)| count), Some(1), "a slash of a query begins no directory");
    assert_eq!(urls(&FASTLY, 1_000).plan().lanes[0].pace(), None);
}

#[test]
fn keys_leave_in_hundreds_and_urls_alone() {
    assert_eq!((tags(&FASTLY, 1_000).run().calls, urls(&FASTLY, 40).run().calls), (4, 40));
}

#[test]
fn a_failure_inside_a_success_is_tried_again_and_never_called_done() {
    let once = urls(&CLOUDFLARE, 60).with_faults(&["purge_cache#1=refuse:99999"]).run();
    once.assert_all_done().assert_ledger();
    let always = urls(&CLOUDFLARE, 5).with_faults(&["purge_cache=refuse:99999"]).run();
    always.assert_partition();
    assert_eq!((always.count("done"), always.ledger.len()), (0, 0));
}

#[test]
fn a_throttle_is_waited_out_with_and_without_a_time_from_the_vendor() {
    for (spec, call, _) in ALL {
        for (fault, least) in [("throttle:20000", 20), ("throttle", 1)] {
            let count = if spec.name == "cloudflare" { 300 } else { 40 };
            let story = urls(spec, count).with_faults(&[&format!("{call}#3={fault}")]).run();
            story.assert_all_done().assert_ledger();
            let range = Duration::from_millis(least * 500)..Duration::from_secs(least + 15);
            assert!(retries(&story) >= 1 && range.contains(&story.took), "{spec:?} {fault}: {:?}", story.took);
        }
    }
}

#[test]
fn everything_of_a_target_is_purged_once_whatever_hosts_it_is_asked_at() {
    let tasks = ["a", "b"].map(|host| (EVERYTHING, format!("https://{host}.example.com/")));
    let story = World::of(tasks.to_vec()).at(&[&CLOUDFLARE]).run();
    story.assert_all_done().assert_ledger();
    assert_eq!(story.ledger.len(), 1);
}
