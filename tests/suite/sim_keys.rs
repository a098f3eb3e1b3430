//! Whole executions with keys that end while they go on: renewed in time, replaced when the vendor says that they have ended,
//! and an honest end when there are no others.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use cdn_purge::model::{EventKind, StopCause};
use http::{Request, Response};

use crate::world::{Bend, Story, World};

/// So many pages, with keys that live for so long by the vendor's clock.
fn world(pages: usize, life: Duration) -> World {
    let mut world = World::of_pages(pages);
    world.settings.token_life = life;
    world.settings.task_duration = Some(Duration::from_secs(30));
    world
}

fn renewals(story: &Story) -> usize {
    let is_renewal =
        |kind: &EventKind| matches!(kind, EventKind::Noted { text } if text.contains("credentials refreshed"));
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

#[test]
fn what_is_unknown_because_the_keys_have_ended_is_a_matter_of_keys() {
    // Taken and followed; taken with an answer that is lost, so that the records must tell; taken, with rows that name another.
    let renamed = |_: &str, _: &Request<Bytes>, answer: Response<Bytes>| {
        let text = String::from_utf8_lossy(answer.body()).replace("/page/0.html", "/other.html");
        answer.map(|_| Bytes::from(text))
    };
    let cases: [(&[&str], Option<Bend>, u64); 3] =
        [(&[], None, 700), (&["RefreshObjectCaches#1=drop-after"], None, 700), (&[], Some(Rc::new(renamed)), 8_000)];
    for (case, (faults, bend, life)) in cases.into_iter().enumerate() {
        let life = Duration::from_millis(life);
        let mut world = World { role: Some((Some(life), 1)), bend, ..world(1, life) }.with_faults(faults);
        world.settings.task_duration = Some(Duration::from_secs(5));
        let story = world.run();
        story.assert_partition();
        assert_eq!((story.count("unknown"), story.count("unsubmitted")), (1, 1), "{case}: {:?}", story.outcomes);
        let is_stop =
            |kind: &EventKind| matches!(kind, EventKind::LaneStopped { cause, .. } if *cause == StopCause::Credentials);
        assert!(story.events.iter().any(|event| is_stop(&event.kind)), "{case}: {:?}", story.outcomes);
    }
}
