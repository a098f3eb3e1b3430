//! Whole executions with credentials that expire meanwhile: refreshed in time, replaced when the vendor says that they have expired,
//! and an honest end when there are no others.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use cdn_purge::model::{EventKind, StopCause};
use http::{Request, Response};

use crate::world::{Bend, Story, World};

/// So many pages, with credentials that are valid for so long by the vendor's clock.
fn world(pages: usize, life: Duration) -> World {
    let mut world = World::of_pages(pages);
    world.settings.session_duration = life;
    world.settings.task_duration = Some(Duration::from_secs(30));
    world
}

fn refreshes(story: &Story) -> usize {
    let is_refresh =
        |kind: &EventKind| matches!(kind, EventKind::Noted { text } if text.contains("credentials refreshed"));
    story.events.iter().filter(|event| is_refresh(&event.kind)).count()
}

fn retries(story: &Story) -> usize {
    story.events.iter().filter(|event| matches!(event.kind, EventKind::BatchRetried { .. })).count()
}

#[test]
fn credentials_are_refreshed_before_they_expire_and_no_request_meets_expired_ones() {
    let life = Duration::from_secs(20);
    let story = World { role: Some((Some(life), 1_000)), ..world(2_000, life) }.run();
    story.assert_all_done().assert_ledger();
    assert!(refreshes(&story) >= 3, "{}", refreshes(&story));
    assert_eq!(retries(&story), 0);
}

#[test]
fn credentials_that_expire_unforeseen_are_replaced_and_their_requests_are_sent_again() {
    for seed in 0..4 {
        let mut world = world(600, Duration::from_millis(800 + 100 * seed));
        world.options.batch_size = Some(10);
        let story = World { role: Some((None, 1_000)), seed, ..world }.run();
        story.assert_all_done().assert_ledger();
        assert!(refreshes(&story) >= 2, "{}", refreshes(&story));
        assert!(retries(&story) >= 1);
    }
}

#[test]
fn without_new_credentials_the_rest_is_unsubmitted_and_nothing_is_doubled() {
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
fn a_task_left_unknown_by_expired_credentials_counts_as_a_credentials_problem() {
    // Accepted and followed; accepted with a lost response, so that the records must decide; accepted, with rows that name
    // another.
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
