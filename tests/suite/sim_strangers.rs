//! Whole executions against servers that another maker built from the same documentation: what it leaves open, they do
//! otherwise than our emulator, and still nothing is lost, doubled, or reported better than it is.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use cdn_purge::model::{Operation, Outcome, RefreshKind};
use emulators::{Ids, Rows};
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::world::{Bend, REFRESH, World};

const BY_ID: &str = "DescribeRefreshTaskById";
const RECORDS: &str = "DescribeRefreshTasks";

fn refused(status: u16, code: &str) -> Response<Bytes> {
    let body = json!({"RequestId": "R", "Code": code, "Message": "no"}).to_string();
    Response::builder().status(status).body(body.into()).unwrap()
}

fn with_body(answer: Response<Bytes>, body: &Value) -> Response<Bytes> {
    let (head, _) = answer.into_parts();
    Response::from_parts(head, body.to_string().into())
}

/// Changes the JSON of good answers.
fn json_bend(change: impl Fn(&str, &mut Value) + 'static) -> Option<Bend> {
    Some(Rc::new(move |api, _, answer| {
        if answer.status() != StatusCode::OK {
            return answer;
        }
        let mut body = serde_json::from_slice(answer.body()).unwrap();
        change(api, &mut body);
        with_body(answer, &body)
    }))
}

/// Changes every row of the records.
fn row_bend(change: impl Fn(&mut Value) + 'static) -> Option<Bend> {
    json_bend(move |_, body| {
        let tasks = &mut body["Tasks"];
        let rows = if tasks.is_array() { tasks.as_array_mut() } else { tasks["CDNTask"].as_array_mut() };
        rows.into_iter().flatten().for_each(&change);
    })
}

/// Lost answers to the first refresh and the first prefetch, among pages whose URLs can be spelled in several ways.
fn doubtful(bend: Option<Bend>) -> World {
    let urls = (0..12).map(|page| format!("https://www.example.com/%E9%A1%B5/{page}/"));
    let tasks = urls.flat_map(|url| [(REFRESH, url.clone()), (Operation::Prefetch, url)]).collect();
    let mut world = World::of(tasks).with_faults(&["RefreshObjectCaches#1=drop-after", "PushObjectCache#1=500-after"]);
    world.bend = bend;
    world
}

#[test]
fn rows_in_another_spelling_are_known_as_ours() {
    let spell = |spell: fn(&str) -> String| {
        row_bend(move |row| row["ObjectPath"] = spell(row["ObjectPath"].as_str().unwrap()).into())
    };
    let spellings: [fn(&str) -> String; 5] = [
        |url| url.replace("%E9%A1%B5", "页"),
        |url| url.trim_end_matches('/').to_owned(),
        |url| format!("{url}\r\n"),
        |url| url.replace("https://", ""),
        |url| url.to_lowercase().replace("www.", "WWW."),
    ];
    for (number, spelling) in spellings.into_iter().enumerate() {
        let story = doubtful(spell(spelling)).run();
        story.assert_all_done().assert_ledger();
        assert!(story.took < Duration::from_secs(60), "{number}: {:?}", story.took);
    }
}

#[test]
fn a_row_in_another_spelling_speaks_for_the_url_that_is_nearest_and_for_no_other() {
    let without_scheme = |url: &str| url.replace("https://", "");
    let host = |url: &str| url.replace("www.example", "WWW.example");
    let encoding = |url: &str| url.replace("https://", "").replace("%E9%A1%B5", "%e9%a1%b5");
    let spellings: [fn(&str) -> String; 3] = [without_scheme, host, encoding];
    for spell in spellings {
        for (done, failed) in
            [("/docs", "/docs/"), ("/%E9%A1%B5", "/%E9%A1%B5/"), ("/a/b", "/a%2Fb"), ("/é", "/%C3%A9")]
        {
            let urls = [done, failed].map(|path| format!("https://www.example.com{path}"));
            let mut world = World::of(urls.iter().map(|url| (REFRESH, url.clone())).collect());
            world.settings.fail = vec![failed.trim_start_matches('/').into()];
            world.bend = row_bend(move |row| row["ObjectPath"] = spell(row["ObjectPath"].as_str().unwrap()).into());
            let story = world.run();
            story.assert_partition().assert_ledger();
            let outcomes = urls.map(|url| story.outcome(REFRESH, &url).name().to_owned());
            assert_eq!(
                outcomes,
                ["done", "failed"],
                "{done}, {failed} as {}",
                spell("https://www.example.com/%E9%A1%B5")
            );
        }
    }
}

#[test]
fn a_row_that_may_be_of_two_urls_makes_neither_done() {
    let urls = ["http", "https"].map(|scheme| format!("{scheme}://www.example.com/a"));
    let mut world = World::of(urls.iter().map(|url| (REFRESH, url.clone())).collect());
    world.settings.fail = vec!["https://".into()];
    world.bend = row_bend(|row| row["ObjectPath"] = "www.example.com/a".into());
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert_eq!((story.count("unknown"), story.count("done")), (2, 0));
}

#[test]
fn task_ids_may_stand_for_a_call_or_for_one_url() {
    for ids in [Ids::PerCall, Ids::PerUrl] {
        for rows in [Rows::PerUrl, Rows::PerTask] {
            let mut world = World::of_pages(45);
            (world.settings.ids, world.settings.rows, world.options.batch_size) = (ids, rows, Some(20));
            world.run().assert_all_done().assert_ledger();
        }
        let mut world = doubtful(None);
        world.settings.ids = ids;
        world.run().assert_all_done().assert_ledger();
    }
}

#[test]
fn words_numbers_and_times_may_come_in_any_form() {
    let bend = json_bend(|_, body| {
        let tasks = body.as_object_mut().unwrap().remove("Tasks");
        body.as_object_mut().unwrap().remove("TotalCount");
        if let Some(mut tasks) = tasks {
            let mut rows = if tasks.is_array() { tasks.take() } else { tasks["CDNTask"].take() };
            for row in rows.as_array_mut().unwrap() {
                row["TaskId"] = row["TaskId"].as_str().unwrap().parse::<u64>().unwrap().into();
                let status = row["Status"].as_str().unwrap();
                row["Status"] = if status == "Refreshing" { "Pending".into() } else { status.to_uppercase().into() };
                row["CreationTime"] = row["CreationTime"].as_str().unwrap().replace('Z', "+00:00").into();
            }
            body["Tasks"] = json!({ "Task": rows });
        }
    });
    let mut world = doubtful(bend);
    world.settings.fail = vec!["/7/".into()];
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert!(matches!(story.outcome(REFRESH, "https://www.example.com/%E9%A1%B5/7/"), Outcome::Failed(_)));
    assert_eq!(story.count("done"), 22);
}

#[test]
fn answers_without_a_request_id_are_believed_where_nothing_can_be_doubled() {
    let bend = json_bend(|_, body| drop(body.as_object_mut().unwrap().remove("RequestId")));
    let bend: Option<Bend> = bend.map(|bend| {
        Rc::new(move |api: &str, request: &Request<Bytes>, answer| {
            let mut answer = bend(api, request, answer);
            answer.headers_mut().remove("x-acs-request-id");
            answer
        }) as Bend
    });
    let mut world = World::of_pages(30);
    world.bend = bend;
    world.run().assert_all_done().assert_ledger();
}

#[test]
fn an_id_that_is_not_visible_yet_may_be_refused() {
    for lag in [2, 20] {
        let mut world = World::of_pages(60);
        world.options.batch_size = Some(20);
        world.settings.ids = Ids::PerCall;
        world.settings.listing_lag = Duration::from_secs(lag);
        world.bend = Some(Rc::new(|api, request, answer| {
            let target = request.uri().query().unwrap_or_default().to_owned();
            let requested = target.split("TaskId=").nth(1).unwrap_or_default().split('&').next().unwrap().to_owned();
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            let hidden = requested.split("%2C").any(|id| !body.contains(id));
            if api == BY_ID && hidden { refused(404, "InvalidTaskId.NotFound") } else { answer }
        }));
        world.run().assert_all_done().assert_ledger();
    }
}

#[test]
fn without_the_call_by_id_the_records_tell_how_far_tasks_are() {
    for code in ["Forbidden.RAM", "InvalidAction.NotFound"] {
        let mut world = World::of_pages(450);
        world.bend = Some(Rc::new(move |api, _, answer| if api == BY_ID { refused(403, code) } else { answer }));
        let story = world.run();
        story.assert_all_done().assert_ledger().assert_rate(RECORDS, 5);
        assert!(story.took < Duration::from_secs(60), "{:?}", story.took);
    }
}

#[test]
fn an_answer_by_id_that_holds_a_part_of_the_rows_only_is_made_whole_by_the_records() {
    let mut world = World::of_pages(150);
    world.settings.fail = vec!["page/140.html".into()];
    world.bend = json_bend(|api, body| {
        if api == BY_ID {
            body["Tasks"].as_array_mut().unwrap().truncate(20);
        }
    });
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert_eq!((story.count("done"), story.count("failed"), story.count("unsubmitted")), (298, 1, 1));
}

#[test]
fn totals_that_are_missing_or_wrong_hide_no_row() {
    for total in [json!(null), json!(1), json!("1000000")] {
        let mut world = World::of_pages(250);
        world.settings.forbid = vec![BY_ID.into()];
        world.bend = json_bend(move |api, body| {
            if api == RECORDS {
                body["TotalCount"] = total.clone();
            }
        });
        world.run().assert_all_done().assert_ledger();
    }
}

#[test]
fn records_that_refuse_a_time_range_are_asked_without_one() {
    for code in ["InvalidEndTime.Mismatch", "InvalidStartTime.ValueNotSupported", "Novel.Time"] {
        let story = doubtful(Some(Rc::new(move |api, request, answer| {
            let has_range = request.uri().query().is_some_and(|query| query.contains("StartTime"));
            if api == RECORDS && has_range { refused(400, code) } else { answer }
        })))
        .run();
        story.assert_all_done().assert_ledger();
    }
}

#[test]
fn records_that_ignore_the_url_are_read_to_their_end() {
    // Three hundred foreign rows on three pages, ours on the last.
    let bend: Bend = Rc::new(|api, request, answer| {
        if api != RECORDS {
            return answer;
        }
        let query = request.uri().query().unwrap_or_default();
        let page: usize = query.split("PageNumber=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
        let mut body: Value = serde_json::from_slice(answer.body()).unwrap();
        let foreign = |row: usize| {
            let url = format!("https://www.example.com/foreign/{page}/{row}");
            json!({"TaskId": "77", "ObjectPath": url, "ObjectType": "file", "Status": "Complete", "CreationTime": "2027-01-15T08:00:05Z"})
        };
        if page <= 3 {
            body["Tasks"]["CDNTask"] = (0..100).map(foreign).collect();
        } else if let Ok(Value::Array(rows)) = LAST.with(|last| last.take()).ok_or(()).map(Value::Array) {
            body["Tasks"]["CDNTask"] = rows.into();
        }
        with_body(answer, &body)
    });
    thread_local!(static LAST: Cell<Option<Vec<Value>>> = const { Cell::new(None) });
    let remember: Bend = Rc::new(move |api, request, answer| {
        if api == RECORDS
            && request
                .uri()
                .query()
                .is_some_and(|query| query.contains("PageNumber=1&") || query.ends_with("PageNumber=1"))
        {
            let body: Value = serde_json::from_slice(answer.body()).unwrap();
            LAST.with(|last| last.set(body["Tasks"]["CDNTask"].as_array().cloned()));
        }
        bend(api, request, answer)
    });
    let story = doubtful(Some(remember)).run();
    story.assert_all_done().assert_ledger();
}

#[test]
fn a_clock_that_is_off_by_seconds_neither_doubles_nor_takes_an_older_purge_for_ours() {
    for (ours, theirs) in [(10, 0), (0, 10), (100, -100), (0, -10)] {
        let mut world = doubtful(None);
        world.clock_offset_seconds = ours;
        world.settings.clock_offset_seconds = theirs;
        world.run().assert_all_done().assert_ledger();
    }
    // An older purge of the same pages, half a minute before one that is lost on its way.
    let first = World::of_pages(3);
    let (started, gateway) = (first.started, first.run().gateway);
    let mut second = World::of_pages(3).with_faults(&["RefreshObjectCaches#1=drop-before"]);
    second.seed = 2;
    let later = started.checked_add(Duration::from_secs(30)).unwrap();
    (second.started, second.options.started, second.gateway) = (later, later, Some(gateway));
    let story = second.run();
    story.assert_all_done();
    assert_eq!(story.ledger.len(), 12, "each page twice: once in each run");
}

#[test]
fn a_directory_and_a_page_of_one_url_are_told_apart() {
    let url = "https://www.example.com/docs/".to_owned();
    let directory = Operation::Refresh(RefreshKind::Directory);
    // The directory covers the page in the same spelling.
    let tasks = vec![(REFRESH, url.replace("www", "WWW")), (directory, url)];
    let story = World::of(tasks).with_faults(&["RefreshObjectCaches#1=drop-before"]).run();
    story.assert_all_done().assert_ledger();
    assert_eq!(story.ledger.len(), 2);
}

#[test]
fn equal_ids_of_a_refresh_and_a_prefetch_are_not_taken_for_each_other() {
    let mut world = World::of_pages(1);
    world.settings.hang = vec!["never".into()];
    world.bend = json_bend(|api, body| {
        // Every id is 7, and the answers by id show refreshes alone.
        for field in ["RefreshTaskId", "PushTaskId"] {
            if body.get(field).is_some() {
                body[field] = "7".into();
            }
        }
        if api == BY_ID {
            let row = |kind: &str, status: &str| json!({"TaskId": "7", "ObjectPath": "https://www.example.com/page/0.html", "ObjectType": kind, "Status": status});
            body["Tasks"] = json!([row("file", "Complete"), row("preload", "Refreshing")]);
        }
    });
    world.options.prefetch_timeout = Duration::from_secs(120);
    let story = world.run();
    story.assert_partition();
    assert_eq!((story.count("done"), story.count("unknown")), (1, 1));
}

/// Leaves the rows of these pages out of a list.
fn drop_rows(body: &mut Value, pages: std::ops::Range<usize>) {
    let is_kept = |row: &Value| {
        !pages.clone().any(|page| row["ObjectPath"] == format!("https://www.example.com/page/{page}.html"))
    };
    let tasks = &mut body["Tasks"];
    let rows = if tasks.is_array() { tasks.as_array_mut() } else { tasks["CDNTask"].as_array_mut() };
    rows.into_iter().for_each(|rows| rows.retain(is_kept));
    if body.get("TotalCount").is_some() {
        body["TotalCount"] = json!(0);
    }
}

#[test]
fn a_url_that_a_server_dropped_from_a_batch_it_took_is_never_done() {
    // It lists a row for each URL, and none for this one.
    let mut world = World::of_pages(20);
    world.bend = json_bend(|_, body| drop_rows(body, 7..8));
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert!(matches!(story.outcome(REFRESH, "https://www.example.com/page/7.html"), Outcome::Unknown(_)));
    assert_eq!((story.count("done"), story.count("unknown"), story.count("unsubmitted")), (38, 1, 1));
}

#[test]
fn a_server_that_counts_two_rows_and_gives_one_keeps_no_row_for_each_task() {
    let mut world =
        World::of((0..2).map(|page| (REFRESH, format!("https://www.example.com/page/{page}.html"))).collect());
    world.bend = json_bend(|_, body| {
        let total = body.get("TotalCount").cloned();
        drop_rows(body, 1..2);
        if let Some(total) = total {
            body["TotalCount"] = total;
        }
    });
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert!(matches!(story.outcome(REFRESH, "https://www.example.com/page/1.html"), Outcome::Unknown(_)));
    assert_eq!((story.count("done"), story.count("unknown")), (1, 1));
}

#[test]
fn a_list_that_breaks_off_proves_no_absence() {
    // It ignores the URL in the query, and the page with our row never comes.
    let mut world = World::of_pages(10).with_faults(&["RefreshObjectCaches#1=drop-after"]);
    world.bend = Some(Rc::new(|api, request: &Request<Bytes>, answer| {
        if api != RECORDS || answer.status() != StatusCode::OK {
            return answer;
        }
        let is_first = !request.uri().query().is_some_and(|query| query.contains("PageNumber=2"));
        let theirs = json!({"TaskId": "1", "ObjectPath": "https://www.example.com/theirs", "Status": "Complete"});
        let rows = if is_first { json!([theirs]) } else { json!([]) };
        with_body(answer, &json!({"RequestId": "R", "TotalCount": 2, "Tasks": {"CDNTask": rows}}))
    }));
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert_eq!((story.count("unknown"), story.count("unsubmitted")), (10, 10));
}

#[test]
fn rows_of_others_under_our_id_change_nothing() {
    let mut world = World::of_pages(20);
    world.bend = json_bend(|api, body| {
        if api == BY_ID && body["Tasks"].as_array().is_some_and(|rows| !rows.is_empty()) {
            let id = body["Tasks"][0]["TaskId"].clone();
            let foreign = json!({"TaskId": id, "ObjectPath": "https://www.example.com/theirs", "Status": "Failed", "Description": "x"});
            body["Tasks"].as_array_mut().unwrap().push(foreign);
        }
    });
    world.run().assert_all_done().assert_ledger();
}

#[test]
fn a_server_error_that_asks_to_wait_may_have_been_executed() {
    let seen = Cell::new(0);
    let mut world = World::of_pages(20);
    world.bend = Some(Rc::new(move |api, _, answer| {
        seen.set(seen.get() + usize::from(api == "RefreshObjectCaches"));
        if api == "RefreshObjectCaches" && seen.get() == 1 {
            let mut answer = refused(503, "ServiceUnavailable");
            answer.headers_mut().insert("x-acs-retry-after", 1000.into());
            return answer;
        }
        answer
    }));
    world.run().assert_all_done().assert_ledger();
}

#[test]
fn a_server_that_takes_fewer_calls_than_documented_is_followed_down() {
    let mut world = World::of_pages(200);
    world.options.batch_size = Some(5);
    world.settings.calls_per_second = Some(4.0);
    world.run().assert_all_done().assert_ledger();
}

#[test]
fn no_second_holds_more_calls_than_the_limit_at_the_server() {
    let mut world = World::of_pages(3_000).with_faults(&["*%0.02=drop-after", "*%0.02=throttle:200"]);
    (world.options.batch_size, world.settings.ids, world.targets) = (Some(10), Ids::PerCall, 2);
    let story = world.run();
    story.assert_partition().assert_ledger();
    for (api, limit) in
        [("RefreshObjectCaches", 50), ("PushObjectCache", 50), (BY_ID, 30), (RECORDS, 5), ("DescribeRefreshQuota", 20)]
    {
        story.assert_rate(api, limit);
    }
}

/// Three tags of one host, in one call, at a server whose rows this changes.
fn tagged(bend: Option<Bend>, ids: Ids, rows: Rows) -> World {
    let tags = (0..3).map(|tag| (Operation::Refresh(RefreshKind::Tag), format!("https://www.example.com/#tag-{tag}")));
    let mut world = World::of(tags.collect());
    (world.bend, world.settings.ids, world.settings.rows) = (bend, ids, rows);
    world
}

#[test]
fn a_tag_is_done_when_a_row_names_it_or_stands_for_its_whole_call() {
    let spell = |spell: fn(&str) -> String| {
        row_bend(move |row| row["ObjectPath"] = spell(row["ObjectPath"].as_str().unwrap()).into())
    };
    let whole: fn(&str) -> String = |tag| format!("https://www.example.com/#{tag}");
    for (ids, rows, bend) in [
        (Ids::Merged, Rows::PerUrl, None),
        (Ids::PerCall, Rows::PerUrl, None),
        (Ids::PerUrl, Rows::PerUrl, spell(whole)),
        (Ids::PerCall, Rows::PerTask, None),
        (Ids::PerCall, Rows::PerTask, spell(|_| "tag-0,tag-1,tag-2".into())),
        (Ids::PerCall, Rows::PerTask, spell(|_| "www.example.com".into())),
    ] {
        tagged(bend, ids, rows).run().assert_all_done().assert_ledger();
    }
    // Three rows that name none of them could be anybody's.
    for ids in [Ids::Merged, Ids::PerCall] {
        let story = tagged(spell(|_| "www.example.com".into()), ids, Rows::PerUrl).run();
        story.assert_partition().assert_ledger();
        assert_eq!((story.count("unknown"), story.ledger.len()), (3, 3));
    }
}

#[test]
fn tags_whose_answer_was_lost_end_as_unknown_and_are_not_sent_again_since_no_row_has_to_name_them() {
    let story =
        tagged(None, Ids::PerCall, Rows::PerUrl).with_faults(&["RefreshObjectCacheByCacheTag#1=drop-after"]).run();
    story.assert_partition().assert_ledger();
    assert_eq!((story.count("unknown"), story.ledger.len()), (3, 3));
}

#[test]
fn a_prefetch_waits_for_a_tag_of_its_host_and_for_none_of_another() {
    let mut world = tagged(None, Ids::Merged, Rows::PerUrl);
    world.settings.hang = vec!["#tag-1".into()];
    world.tasks.push((Operation::Prefetch, "https://www.example.com/a".into()));
    world.tasks.push((Operation::Prefetch, "https://img.example.com/a".into()));
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert_eq!(story.outcome(Operation::Prefetch, "https://img.example.com/a"), &Outcome::Done);
    let waiting = story.outcome(Operation::Prefetch, "https://www.example.com/a");
    assert!(matches!(waiting, Outcome::Unsubmitted(_)), "{waiting:?}");
}

#[test]
fn a_server_that_was_seen_to_list_every_url_speaks_for_none_that_it_does_not_list() {
    // It lists a row for each URL of the first two batches, and of the last one a single row.
    let mut world = World::of_pages(45);
    (world.settings.ids, world.options.batch_size) = (Ids::PerCall, Some(20));
    world.bend = json_bend(|_, body| drop_rows(body, 41..45));
    let story = world.run();
    story.assert_partition().assert_ledger();
    assert_eq!((story.count("done"), story.count("unknown"), story.count("unsubmitted")), (82, 4, 4));
}
