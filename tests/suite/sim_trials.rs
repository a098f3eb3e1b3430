//! Whole executions of what hostile trials found: nothing is sent twice, whatever the clocks say, however late a request is
//! executed, and whatever a refusal is called.

use std::rc::Rc;
use std::time::Duration;

use cdn_purge::model::{EventKind, Moment, Operation, Outcome, RefreshKind, Signal};
use cdn_purge::providers::huawei::HUAWEI_CDN;
use emulators::Rows;
use http::Response;
use serde_json::{Value, json};

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
fn what_a_run_got_done_that_ended_seconds_ago_is_no_trace_of_a_lost_request() {
    for milliseconds in [None, Some(80), Some(3_140), Some(12_000)] {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        let world = || {
            // Of the second run.
            let faults = ["DescribeRefreshQuota#3-12=drop-before", "RefreshObjectCaches#2=drop-before"];
            let mut world = World { journal: Some(journal.clone()), ..World::of_pages(12).with_faults(&faults) };
            world.settings.task_duration = Some(Duration::ZERO);
            world
        };
        let first = world().run();
        first.assert_all_done();
        let mut second = next(&first, &journal, Duration::from_millis(10), world());
        second.killed_after = milliseconds.map(Duration::from_millis);
        let mut last = second.run();
        if last.killed {
            let already = last.ledger.len();
            let took = first.took + last.took;
            last = next(&Story { took, ..last }, &journal, Duration::from_secs(1), world()).run();
            assert!(already < last.ledger.len());
        }
        last.assert_all_done();
        assert_eq!(last.ledger.len(), 48, "{milliseconds:?}");
    }
}

#[test]
fn the_record_of_a_task_that_failed_is_no_trace_of_its_next_request() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let world = || {
        let faults = ["RefreshObjectCaches#2=drop-before"];
        let mut world = World { journal: Some(journal.clone()), ..World::of_pages(3).with_faults(&faults) };
        world.settings.task_duration = Some(Duration::ZERO);
        world.settings.fail = vec!["page/1.html".into()];
        world
    };
    let first = world().run();
    let second = next(&first, &journal, Duration::from_millis(10), world()).run();
    let sent = |story: &Story| story.ledger.iter().filter(|entry| entry.url == page(1)).count();
    assert_eq!((sent(&first), sent(&second)), (1, 2));
    assert_eq!((second.count("done"), second.count("failed"), second.count("unsubmitted")), (4, 1, 1));
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

#[test]
fn one_row_for_a_task_of_several_urls_shows_that_all_of_them_were_accepted() {
    for (lag, fault) in [(0, "drop-after"), (2, "drop-after"), (20, "500-after")] {
        let faults = [format!("RefreshObjectCaches#1={fault}"), format!("PushObjectCache#1={fault}")];
        let mut world = World::of_pages(12).with_faults(&[&faults[0], &faults[1]]);
        (world.settings.rows, world.settings.listing_lag) = (Rows::PerTask, Duration::from_secs(lag));
        world.run().assert_partition().assert_ledger();
    }
}

#[test]
fn a_run_on_a_machine_whose_clock_is_a_day_off_is_continued_and_not_started_over() {
    for behind in [86_400, -86_400, 3 * 3_600] {
        for milliseconds in [700, 5_500, 7_000] {
            let folder = tempfile::tempdir().unwrap();
            let journal = folder.path().join("journal");
            let mut first = unclocked(behind, &[]);
            (first.journal, first.killed_after) = (Some(journal.clone()), Some(Duration::from_millis(milliseconds)));
            let first = first.run();
            assert!(first.killed && !first.ledger.is_empty(), "{behind} s, {milliseconds} ms");
            let second = next(&first, &journal, Duration::from_secs(2), unclocked(behind, &[])).run();
            second.assert_all_done().assert_ledger();
            assert_eq!(second.ledger.len(), 24);
        }
    }
}

#[test]
fn an_answer_that_comes_after_we_gave_up_on_it_is_no_second_result() {
    for api in ["RefreshObjectCaches", "PushObjectCache"] {
        let story = World::of_pages(12).with_faults(&[&format!("{api}#1=slow:20000")]).run();
        story.assert_all_done().assert_ledger();
        assert_eq!(story.ledger.len(), 24, "{api}");
    }
}

#[test]
fn what_is_done_stays_done_when_its_status_goes_backwards() {
    for later in ["Refreshing", "Failed"] {
        let mut world = World::of_pages(12);
        world.settings.hang = vec!["page/7.".into()];
        world.options.refresh_timeout = Duration::from_secs(60);
        let seen = std::cell::Cell::new(0);
        world.bend = Some(Rc::new(move |api, _, answer| {
            if api != "DescribeRefreshTaskById" {
                return answer;
            }
            let mut body: Value = serde_json::from_slice(answer.body()).unwrap();
            for row in body["Tasks"].as_array_mut().into_iter().flatten() {
                if row["ObjectPath"] == page(1) && row["ObjectType"] == "file" && row["Status"] == "Complete" {
                    seen.set(seen.get() + 1);
                    if seen.get() > 1 {
                        row["Status"] = json!(later);
                    }
                }
            }
            let (head, _) = answer.into_parts();
            Response::from_parts(head, body.to_string().into())
        }));
        let story = world.run();
        story.assert_partition().assert_ledger();
        assert_eq!(*story.outcome(REFRESH, &page(1)), Outcome::Done, "{later}");
        assert_eq!((story.count("done"), story.count("unknown")), (22, 1));
    }
}

#[test]
fn pages_of_records_that_shift_while_they_are_read_hide_no_row() {
    // Whatever URL is asked for, all rows are listed, a hundred on a page and the newest first; between two pages others come.
    let mut world = World::of_pages(12).with_faults(&["RefreshObjectCaches#1=drop-after"]);
    let theirs = std::cell::Cell::new(130);
    world.bend = Some(Rc::new(move |api, request, answer| {
        if api != "DescribeRefreshTasks" {
            return answer;
        }
        let mut body: Value = serde_json::from_slice(answer.body()).unwrap();
        let query = request.uri().query().unwrap_or_default();
        let number: usize = query.split("PageNumber=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
        let foreign = |row: usize| {
            let url = format!("https://www.example.com/foreign/{row}");
            json!({"TaskId": "77", "ObjectPath": url, "ObjectType": "file", "Status": "Complete", "CreationTime": "2027-01-15T08:00:05Z"})
        };
        let count: usize = theirs.get();
        theirs.set(count + 40);
        let mut rows: Vec<Value> = (0..count).rev().map(foreign).collect();
        if number > 1 || count < 100 {
            let url = page(0);
            rows.push(json!({"TaskId": "18392588710", "ObjectPath": url, "ObjectType": "file", "Status": "Complete", "CreationTime": "2027-01-15T08:00:00Z"}));
        } else {
            rows.push(foreign(count));
        }
        body["TotalCount"] = json!(rows.len());
        body["Tasks"]["CDNTask"] = rows.into_iter().skip((number - 1) * 100).take(100).collect();
        let (head, _) = answer.into_parts();
        Response::from_parts(head, body.to_string().into())
    }));
    world.run().assert_all_done().assert_ledger();
}

#[test]
fn a_run_over_the_end_of_the_vendors_day_uses_both_days_quotas_and_reports_the_new_one() {
    // Midnight in China, where nobody else's day ends.
    let midnight: jiff::Timestamp = "2027-01-15T16:00:00Z".parse().unwrap();
    let on = |seconds_before: i64| {
        let mut world = World::of_pages(12);
        world.settings.quota = Some(12);
        world.started = midnight - jiff::SignedDuration::from_secs(seconds_before);
        world.options.started = world.started;
        world
    };
    let left = |story: &Story| {
        let read = story.events.iter().find_map(|event| match &event.kind {
            EventKind::QuotaRead { quota, moment: Moment::After, .. } => Some(quota.clone()),
            _ => None,
        });
        let read = read.unwrap();
        [REFRESH, Operation::Prefetch].map(|operation| read.remaining(operation))
    };
    let within = on(3_600).run();
    within.assert_all_done().assert_ledger();
    assert_eq!(left(&within), [Some(0), Some(0)]);
    let over = on(3).run();
    over.assert_all_done().assert_ledger();
    assert_eq!(left(&over), [Some(12), Some(0)], "the prefetches are the new day's");
}

#[test]
fn what_an_earlier_run_spent_of_the_days_quota_is_not_asked_for_again() {
    for before in [3_600, 4] {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        let world = || {
            let mut world = World::of_pages(12);
            world.settings.quota = Some(12);
            world.started =
                "2027-01-15T16:00:00Z".parse::<jiff::Timestamp>().unwrap() - jiff::SignedDuration::from_secs(before);
            world.options.started = world.started;
            world.journal = Some(journal.clone());
            world
        };
        let first = World { killed_after: Some(Duration::from_millis(700)), ..world() }.run();
        assert_eq!(first.ledger.len(), 12);
        let second = next(&first, &journal, Duration::from_secs(10), world()).run();
        second.assert_all_done().assert_ledger();
    }
}

#[test]
fn a_list_that_is_longer_than_a_days_quota_is_finished_on_the_next_days_and_nothing_is_sent_twice() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let world = |finishes| {
        let mut world = World::of((0..25).map(|number| (REFRESH, page(number))).collect());
        (world.settings.quota, world.options.short_quota) = (Some(12), cdn_purge::config::ShortQuota::Fit);
        (world.finishes, world.journal) = (finishes, Some(journal.clone()));
        world
    };
    let first = world(false).run();
    assert_eq!((first.ledger.len(), first.count("unsubmitted")), (12, 13));
    let day = Duration::from_hours(24);
    let second = next(&first, &journal, day, world(true)).run();
    assert_eq!((second.ledger.len(), second.count("done")), (24, 24));
    next(&second, &journal, 2 * day, world(true)).run().assert_all_done().assert_ledger();
}

#[test]
fn batches_that_wait_for_the_rate_limit_do_not_leave_after_a_stop() {
    let world = || {
        let mut world = World::of((0..200).map(|number| (REFRESH, page(number))).collect());
        (world.options.batch_size, world.settings.calls_per_second) = (Some(1), None);
        world
    };
    // At 50 calls a second: some are in flight when the stop comes, and the rest of the sixteen wait for their turn.
    let stopped = Duration::from_millis(1_000);
    let grace = Duration::from_millis(90);
    let mut refused = world();
    refused.refuse = Some(Rc::new(move |api, _, at| {
        (api == "RefreshObjectCaches" && at >= stopped).then_some("InvalidAccessKeyId.NotFound")
    }));
    let mut signalled = world();
    signalled.signals = vec![(stopped, Signal::Interrupt)];
    for (name, world) in [("credentials", refused), ("signal", signalled)] {
        let story = world.run();
        story.assert_partition().assert_ledger();
        let arrivals = story.arrivals.iter().filter(|(api, _)| *api == "RefreshObjectCaches").map(|(_, at)| *at);
        // Credentials are known to be refused when the first call is, and a full second may have held that back.
        let first = arrivals.clone().find(|at| *at >= stopped).filter(|_| name == "credentials").unwrap_or(stopped);
        assert_eq!(arrivals.filter(|at| *at > first + grace).count(), 0, "{name}");
        assert!(story.count("unsubmitted") > 100, "{name}: {} unsubmitted", story.count("unsubmitted"));
        assert_eq!(story.count("unsubmitted") + story.ledger.len(), 200, "{name}");
    }
}

#[test]
fn a_forged_journal_costs_no_memory_and_makes_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut first = World::of_pages(12);
    (first.journal, first.killed_after) = (Some(path.clone()), Some(Duration::from_millis(700)));
    let first = first.run();
    let honest = std::fs::read_to_string(&path).unwrap();
    let tag = serde_json::to_value(Operation::Refresh(RefreshKind::Tag)).unwrap();
    let sent = |change: &dyn Fn(&mut Value)| {
        let line = honest.lines().find(|line| line.contains(r#""record":"sent""#)).unwrap();
        let mut record: Value = serde_json::from_str(&line[9..]).unwrap();
        change(&mut record);
        let json = record.to_string();
        format!("{honest}{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
    };
    for (name, forged) in [
        ("tasks beyond the plan", sent(&|record| record["tasks"] = json!([[20, 9_000]]))),
        ("a lane beyond the plan", sent(&|record| record["lane"] = json!(900))),
        ("another operation", sent(&|record| record["operation"] = tag.clone())),
    ] {
        std::fs::write(&path, forged).unwrap();
        let story = next(&first, &path, Duration::from_secs(2), World::of_pages(12)).run();
        story.assert_partition();
        assert_eq!(story.count("done"), 24, "{name}");
    }
}

#[test]
fn a_request_that_is_on_its_way_when_its_run_is_killed_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let world = || {
        let mut world = World::of_pages(12).with_faults(&["RefreshObjectCaches#1=late:28000"]);
        world.settings.listing_lag = Duration::from_secs(10);
        world
    };
    let mut first = World { journal: Some(journal.clone()), ..world() };
    first.killed_after = Some(Duration::from_millis(200));
    let first = first.run();
    assert!(first.killed);
    let second = next(&first, &journal, Duration::from_secs(1), world()).run();
    second.assert_all_done().assert_ledger();
    assert_eq!(second.ledger.len(), 24);
}

#[test]
fn the_pause_before_a_prefetch_counts_from_a_refresh_that_was_executed_late() {
    let mut world = World::of_pages(3).with_faults(&["CreateRefreshTasks#1=late:40000"]).at(&[&HUAWEI_CDN]);
    world.settings.listing_lag = Duration::from_secs(2);
    let story = world.run();
    story.assert_all_done().assert_ledger();
    for prefetch in story.ledger.iter().filter(|entry| entry.operation == Operation::Prefetch) {
        let refresh =
            story.ledger.iter().find(|entry| entry.operation == REFRESH && entry.url == prefetch.url).unwrap();
        let pause = prefetch.at.duration_since(refresh.at);
        assert!(pause.as_secs() >= 5 * 60, "{} was prefetched {pause} after its refresh", prefetch.url);
    }
}

#[test]
fn the_pause_before_a_prefetch_is_kept_by_the_next_run_where_the_vendors_time_came_with_a_slow_answer() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let world = || {
        let faults = ["ShowQuota#1=slow:9000", "CreateRefreshTasks#1=late:40000"];
        World { journal: Some(journal.clone()), ..World::of_pages(3).with_faults(&faults).at(&[&HUAWEI_CDN]) }
    };
    let first = World { killed_after: Some(Duration::from_secs(12)), ..world() }.run();
    assert!(first.killed);
    let second = next(&first, &journal, Duration::from_secs(60), world()).run();
    second.assert_all_done().assert_ledger();
    for prefetch in second.ledger.iter().filter(|entry| entry.operation == Operation::Prefetch) {
        let refresh =
            second.ledger.iter().find(|entry| entry.operation == REFRESH && entry.url == prefetch.url).unwrap();
        let pause = prefetch.at.duration_since(refresh.at);
        assert!(pause.as_secs() >= 5 * 60, "{} was prefetched {pause} after its refresh", prefetch.url);
    }
}
