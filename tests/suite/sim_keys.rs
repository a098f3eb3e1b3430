//! Whole executions with keys that end while they go on: renewed in time, replaced when the vendor says that they have ended,
//! and an honest end when there are no others.

use std::time::Duration;

use cdn_purge::model::EventKind;

use crate::world::{Story, World};

/// So many pages, with keys that live for so long by the vendor's clock.
fn world(pages: usize, life: Duration) -> World {
    let mut world = World::of_pages(pages);
    world.settings.token_life = life;
    world.settings.task_duration = Some(Duration::from_secs(30));
    world
}

fn renewals(story: &Story) -> usize {
    let is_renewal = |kind: &EventKind| matches!(kind, EventKind::Noted { text } if text.contains("new keys"));
    story.events.iter().filter(|event| is_renewal(&event.kind)).count()
}

fn retries(story: &Story) -> usize {
    story.events.iter().filter(|event| matches!(event.kind, EventKind::BatchRetried { .. })).count()
}

#[test]
fn keys_are_renewed_before_they_end_and_no_request_meets_ended_ones() {
    let life = Duration::from_secs(20);
    let story = World { role: Some((Some(life), 1_000)), ..world(2_000, life) }.run();
    story.assert_all_done().assert_ledger();
    assert!(renewals(&story) >= 3, "{}", renewals(&story));
    assert_eq!(retries(&story), 0);
}

#[test]
fn keys_that_end_unforeseen_are_replaced_and_what_they_sent_is_sent_once_more() {
    for seed in 0..4 {
        let mut world = world(600, Duration::from_millis(800 + 100 * seed));
        world.options.batch_size = Some(10);
        let story = World { role: Some((None, 1_000)), seed, ..world }.run();
        story.assert_all_done().assert_ledger();
        assert!(renewals(&story) >= 2, "{}", renewals(&story));
        assert!(retries(&story) >= 1);
    }
}

#[test]
fn without_new_keys_the_rest_is_unsubmitted_and_nothing_is_doubled() {
    let life = Duration::from_millis(700);
    for believed in [Some(life), None] {
        let story = World { role: Some((believed, 1)), ..world(2_000, life) }.run();
        story.assert_partition().assert_ledger();
        assert!(story.count("unsubmitted") >= 1 && story.count("failed") == 0, "{:?}", story.count("done"));
        assert!(!story.ledger.is_empty());
        let reasons: Vec<_> = story.outcomes.values().filter_map(|outcome| outcome.reason()).collect();
        assert!(reasons.iter().any(|reason| reason.contains("the role is gone")), "{:?}", reasons.first());
    }
}
