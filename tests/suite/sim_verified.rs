//! Runs that fetch a sample of their URLs through the CDN, compared with the same runs that don't.

use std::rc::Rc;
use std::time::Duration;

use cdn_purge::exec::{PointOfPresence, Verify};
use cdn_purge::freshness::{Expected, FileVersion, Wanted};
use cdn_purge::model::{EventKind, Verdict};
use cdn_purge::provider::simulation::SimulatedEdge;

use crate::world::{REFRESH, Story, World};

/// How many URLs are verified, by default.
const SAMPLE: usize = 200;
/// There and back.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// A refresh and a prefetch of each of so many pages, at the vendor's usual rate.
fn world(pages: usize) -> World {
    let mut world = World::of_pages(pages);
    world.settings.calls_per_second = Some(50.0);
    world
}

/// The same, with a sample of the refreshes verified; each page is an empty file, which the edge has.
fn verified(pages: usize) -> Story {
    let mut world = world(pages);
    let plan = world.plan();
    let refreshes = (0..).zip(&plan.lanes[0].tasks).filter(|(_, planned)| planned.task.operation == REFRESH);
    let step = pages.div_ceil(SAMPLE);
    let empty = || Expected { wanted: Wanted::File(vec![FileVersion::of(b"")]), former: FileVersion::committed(b"x") };
    let expected = refreshes.step_by(step).map(|(task, _)| ((0, task), empty())).collect();
    let edges = vec![PointOfPresence { name: None, edge: Rc::new(SimulatedEdge(ROUND_TRIP)) }];
    world.verify = Some(Verify { edges, expected, witnesses: Vec::new(), most_repairs: usize::MAX });
    world.run()
}

fn verdicts(story: &Story) -> Vec<Verdict> {
    let verdict = |kind: &EventKind| match kind {
        EventKind::Verified { verification, .. } => Some(verification.verdict),
        _ => None,
    };
    story.events.iter().filter_map(|event| verdict(&event.kind)).collect()
}

#[test]
fn two_hundred_urls_behind_ten_thousand_cost_a_twentieth_of_the_run_at_most() {
    let (without, with) = (world(10_000).run(), verified(10_000));
    with.assert_all_done().assert_ledger();
    assert_eq!(verdicts(&with), [Verdict::Fresh; SAMPLE]);
    let ratio = with.took.as_secs_f64() / without.took.as_secs_f64();
    assert!(ratio <= 1.05, "{:?} without, {:?} with: {ratio:.3}", without.took, with.took);
}

#[test]
fn a_run_of_two_hundred_urls_takes_less_than_twelve_seconds_longer() {
    let (without, with) = (world(SAMPLE).run(), verified(SAMPLE));
    with.assert_all_done().assert_ledger();
    assert_eq!(verdicts(&with), [Verdict::Fresh; SAMPLE]);
    let more = with.took.saturating_sub(without.took);
    assert!(more < Duration::from_secs(12), "{more:?} longer");
}

#[test]
fn a_vendor_gets_the_same_requests_whether_or_not_urls_are_verified() {
    let (without, with) = (world(SAMPLE).run(), verified(SAMPLE));
    assert!(verdicts(&without).is_empty());
    let asked = |story: &Story| {
        let mut ledger: Vec<_> = story.ledger.iter().map(|entry| (entry.operation, entry.url.clone())).collect();
        ledger.sort();
        (ledger, story.arrivals.iter().map(|(call, _)| *call).collect::<Vec<_>>())
    };
    assert_eq!(asked(&without), asked(&with));
}
