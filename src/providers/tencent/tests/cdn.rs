//! The CDN's calls: what is sent, and what the answers mean.

use serde_json::{Value, json};

use super::*;
use crate::provider::{Page, RecordFilter, RecordKind, RecordStatus, TaskState};

fn submit(
    line: &Line,
    options: &[(&'static str, OptionValue)],
    operation: Operation,
    mode: PurgeMode,
    url: &str,
) -> Accepted {
    let subject = Subject::url(url);
    block_on(
        provider(options)
            .submit(Submission { operation, mode, subjects: &[&subject], reference: "cdn-purge-test-1" }, line),
    )
    .unwrap()
}

#[test]
fn the_bodies_are_those_of_the_official_sdk() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../../../tests/vectors/tencent.json")).unwrap();
    let theirs = |name: &str| -> Value {
        let vector = vectors.iter().find(|vector| vector["name"] == name).unwrap();
        serde_json::from_str(vector["request"]["body"].as_str().unwrap()).unwrap()
    };
    let line = friendly();
    let urls = ["https://www.example.com/static/app.js", "https://www.example.com/index.html?v=1&lang=zh"];
    line.submit(&*provider(&[]), FILES, &urls).unwrap();
    assert_eq!(last_body(&line), theirs("cdn_purge_urls"));
    line.submit(&*provider(&[]), Operation::Prefetch, &urls).unwrap();
    assert_eq!(last_body(&line), theirs("cdn_push_urls"));
    let headers = OptionValue::Headers([("X-Warm".to_owned(), vec!["1".to_owned()])].into());
    let options = [("area", word("global")), ("headers", headers), ("url-encode", OptionValue::Boolean(true))];
    line.submit(&*provider(&options), Operation::Prefetch, &urls).unwrap();
    let mut all = theirs("cdn_push_urls_all_fields");
    // Fields that no option of ours sets.
    for name in ["UserAgent", "Layer", "ParseM3U8"] {
        all.as_object_mut().unwrap().remove(name).unwrap();
    }
    assert_eq!(last_body(&line), all);
    block_on(provider(&[]).status(&["1516179012-1".to_owned()], 1, &line)).unwrap();
    assert_eq!(last_body(&line), json!({"TaskId": "1516179012-1", "Offset": 0, "Limit": 100}));
    block_on(provider(&[]).quota(&line)).unwrap();
    assert_eq!(last_body(&line), theirs("cdn_describe_purge_quota"));
    block_on(provider(&[]).prefetch_quota(&line)).unwrap();
    assert_eq!(last_body(&line), theirs("cdn_describe_push_quota"));
}

#[test]
fn a_directory_is_dropped_whole_unless_a_soft_purge_is_asked_for() {
    let line = friendly();
    let directory = "https://www.example.com/a/";
    for (mode, flush) in [(PurgeMode::Default, "delete"), (PurgeMode::Hard, "delete"), (PurgeMode::Soft, "flush")] {
        submit(&line, &[], DIRECTORIES, mode, directory);
        assert_eq!(last_body(&line), json!({"Paths": [directory], "FlushType": flush}));
    }
    // A purge has no word for both areas, which are its default.
    for (area, sent) in [("global", Value::Null), ("overseas", json!("overseas"))] {
        submit(&line, &[("area", word(area))], FILES, PurgeMode::Default, URL);
        assert_eq!(last_body(&line)["Area"], sent, "{area}");
    }
    assert_eq!(line.last_request().headers()["x-tc-action"], "PurgeUrlsCache");
}

#[test]
fn an_account_of_the_international_site_has_another_host() {
    let line = friendly();
    submit(&line, &[("region", word("international"))], FILES, PurgeMode::Default, URL);
    assert_eq!(line.last_request().uri().host(), Some("cdn.intl.tencentcloudapi.com"));
}

#[test]
fn tasks_are_followed_from_their_acceptance_to_their_end_each_kind_by_its_own_call() {
    let line = line(&EmulatorSettings { fail: vec!["bad".into()], ..EmulatorSettings::default() });
    let provider = provider(&[]);
    let urls: Vec<String> = (0..150)
        .map(|number| format!("https://www.example.com/{number}{}", if number == 7 { "bad" } else { "" }))
        .collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let purge = line.submit(&*provider, FILES, &urls).unwrap();
    let push = line.submit(&*provider, Operation::Prefetch, &urls).unwrap();
    let status = |page| block_on(provider.status(purge.task_ids(), page, &line)).unwrap();
    let prefetch_status = |page| block_on(provider.prefetch_status(push.task_ids(), page, &line)).unwrap();
    let running = |page: &Page| page.rows.iter().filter(|row| row.state == TaskState::Running).count();
    assert_eq!((status(1).total, running(&status(1)), running(&status(2))), (150, 100, 50));
    assert_eq!((prefetch_status(1).rows[0].percent, prefetch_status(1).rows[0].prefetch), (Some(0.0), true));
    line.pass(10);
    let failed = |page: Page| {
        page.rows
            .into_iter()
            .filter(|row| matches!(row.state, TaskState::Failed(_)))
            .map(|row| row.url)
            .collect::<Vec<_>>()
    };
    assert_eq!(running(&status(1)), 0);
    assert_eq!([failed(status(1)), failed(status(2))].concat(), ["https://www.example.com/7bad"]);
    assert_eq!([failed(prefetch_status(1)), failed(prefetch_status(2))].concat(), ["https://www.example.com/7bad"]);
    // Neither call knows the other's tasks: not visible, and never done.
    assert_eq!(block_on(provider.status(push.task_ids(), 1, &line)).unwrap(), Page::default());
    assert_eq!(block_on(provider.prefetch_status(purge.task_ids(), 1, &line)).unwrap(), Page::default());
}

#[test]
fn records_of_any_time_are_found_although_the_vendors_clock_is_ahead_of_what_is_known() {
    let zone_line = super::edgeone::edge_line(&EmulatorSettings::default());
    let zone = super::edgeone::prepared(&zone_line, &[]);
    for (provider, line) in [(provider(&[]), friendly()), (zone, zone_line)] {
        line.submit(&*provider, FILES, &[URL]).unwrap();
        line.skew.set(SignedDuration::from_secs(-16));
        let filter = RecordFilter { url: Some(URL.into()), ..RecordFilter::default() };
        assert_eq!(block_on(provider.records(&filter, 1, &line)).unwrap().rows.len(), 1);
    }
}

#[test]
fn records_are_found_by_url_time_kind_and_status_in_the_vendors_time_zone() {
    let line = friendly();
    let provider = provider(&[]);
    line.submit(&*provider, FILES, &[URL, "https://img.example.com/2"]).unwrap();
    line.submit(&*provider, DIRECTORIES, &["https://www.example.com/a/"]).unwrap();
    line.submit(&*provider, Operation::Prefetch, &[URL]).unwrap();
    let since = start() - SignedDuration::from_secs(1);
    let records = |filter: RecordFilter| {
        let filter = RecordFilter { since: Some(since), until: Some(start() + SignedDuration::from_mins(1)), ..filter };
        block_on(provider.records(&filter, 1, &line)).unwrap().rows
    };
    let all = records(RecordFilter::default());
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|row| row.created == Some(start()) && !row.prefetch), "{all:?}");
    assert_eq!(last_body(&line)["StartTime"], "2026-11-22 08:51:53");
    let by = |filter: RecordFilter| records(filter).into_iter().map(|row| row.url).collect::<Vec<_>>();
    assert_eq!(by(RecordFilter { url: Some(URL.into()), ..RecordFilter::default() }), [URL]);
    assert_eq!(by(RecordFilter { domain: Some("img.example.com".into()), ..RecordFilter::default() }).len(), 1);
    assert_eq!(
        by(RecordFilter { kind: Some(RecordKind::Directory), ..RecordFilter::default() }),
        ["https://www.example.com/a/"]
    );
    assert_eq!(by(RecordFilter { kind: Some(RecordKind::File), ..RecordFilter::default() }).len(), 2);
    let prefetches = records(RecordFilter { kind: Some(RecordKind::Prefetch), ..RecordFilter::default() });
    assert!(prefetches.len() == 1 && prefetches[0].prefetch && prefetches[0].kind == "push", "{prefetches:?}");
    assert!(by(RecordFilter { kind: Some(RecordKind::Regex), ..RecordFilter::default() }).is_empty());
    assert_eq!(by(RecordFilter { status: Some(RecordStatus::Complete), ..RecordFilter::default() }).len(), 0);
    assert_eq!(by(RecordFilter { status: Some(RecordStatus::Running), ..RecordFilter::default() }).len(), 3);
    // Without a task and a time, a day is asked for: the vendor requires either.
    assert_eq!(block_on(provider.records(&RecordFilter::default(), 1, &line)).unwrap().rows.len(), 3);
}

#[test]
fn a_new_word_is_not_finished_and_times_are_those_of_the_vendors_zone() {
    let page =
        block_on(provider(&[]).records(&RecordFilter::default(), 1, &ok(include_str!("../fixtures/purge-tasks.json"))))
            .unwrap();
    let failed = TaskState::Failed("no description".into());
    let states: Vec<_> = page.rows.iter().map(|row| row.state.clone()).collect();
    assert_eq!(states, [TaskState::Complete, TaskState::Running, failed, TaskState::Running]);
    assert_eq!(page.rows[0].created, Some("2018-08-08T00:00:00Z".parse().unwrap()));
    assert_eq!((page.rows[0].kind.as_str(), page.rows[3].created, page.total), ("path", None, 4));
    let ids = ["1516179013-1".to_owned()];
    let page =
        block_on(provider(&[]).prefetch_status(&ids, 1, &ok(include_str!("../fixtures/push-tasks.json")))).unwrap();
    assert!(matches!(&page.rows[2].state, TaskState::Failed(why) if why.contains("origin")), "{page:?}");
    assert_eq!((page.rows[1].state.clone(), page.rows[1].percent), (TaskState::Running, Some(40.0)));
    for body in ["", "{}", "[]", r#"{"Response":{}}"#, r#"{"Response":{"PurgeLogs":3,"RequestId":"R"}}"#] {
        let error = block_on(provider(&[]).status(&ids, 1, &ok(body))).unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Server, "{body}");
    }
    let empty = r#"{"Response":{"PurgeLogs":null,"TotalCount":0,"RequestId":"R"}}"#;
    assert_eq!(block_on(provider(&[]).status(&ids, 1, &ok(empty))).unwrap(), Page::default());
}

#[test]
fn what_is_left_is_that_of_the_targets_area_else_of_the_area_with_the_most() {
    let quota = |area: Option<&str>, body: &'static str| {
        let options: Vec<_> = area.map(|area| ("area", word(area))).into_iter().collect();
        block_on(provider(&options).quota(&ok(body)))
    };
    let both = include_str!("../fixtures/purge-quota.json");
    assert_eq!(quota(None, both).unwrap().remaining(FILES), Some(9_999));
    assert_eq!(quota(Some("mainland"), both).unwrap().remaining(FILES), Some(3));
    assert_eq!(quota(None, both).unwrap().remaining(DIRECTORIES), Some(7));
    assert_eq!(quota(None, both).unwrap().remaining(Operation::Prefetch), None);
    let push = quota(None, include_str!("../fixtures/push-quota.json")).unwrap();
    assert_eq!((push.entries.len(), push.remaining(Operation::Prefetch)), (1, Some(12)));
    assert_eq!(quota(None, r#"{"Response":{"RequestId":"R"}}"#).unwrap_err().kind, ApiErrorKind::Server);
}

#[test]
fn what_the_vendor_does_not_take_is_refused_in_its_words_and_nothing_is_taken() {
    let code = |operation, url: &str| {
        let line = line(&EmulatorSettings { refuse: vec!["foreign".into()], ..EmulatorSettings::default() });
        let error = line.submit(&*provider(&[]), operation, &[URL, url]).unwrap_err();
        assert_eq!((error.kind, line.accepted()), (ApiErrorKind::Refused, 0), "{error}");
        error.code.unwrap()
    };
    assert_eq!(code(FILES, "https://www.example.com/*"), "InvalidParameter.CdnPurgeWildcardNotAllowed");
    assert_eq!(
        code(Operation::Prefetch, "https://www.example.com/a*.js"),
        "InvalidParameter.CdnPushWildcardNotAllowed"
    );
    assert_eq!(code(FILES, "https://foreign.example.com/"), "UnauthorizedOperation.CdnHostUnauthorized");
    let error = friendly().submit(&*provider(&[]), Operation::Refresh(RefreshKind::Regex), &[URL]).unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Denied);
    let urls: Vec<String> = (0..=1_000).map(|number| format!("https://www.example.com/{number}")).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    assert_eq!(friendly().submit(&*provider(&[]), FILES, &urls).unwrap_err().kind, ApiErrorKind::TooLarge);
}

#[test]
fn the_accounts_domains_are_listed() {
    let line = friendly();
    let call = TENCENT_CDN.queries.domains.as_ref().unwrap();
    let page = block_on(provider(&[]).domains(call, 1, &line)).unwrap();
    let found: Vec<_> = page.rows.iter().map(|domain| (domain.name.as_str(), domain.status.as_str())).collect();
    assert_eq!(found, [("img.example.com", "online"), ("www.example.com", "online")]);
}
