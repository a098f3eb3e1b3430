//! Each call, against the emulator.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::model::PurgeMode;
use crate::model::Subject;
use crate::provider::{
    ApiErrorKind, LogQuestion, Measure, MeasureQuestion, Page, RecordFilter, RecordKind, RecordStatus, Submission,
    TaskState,
};

fn status(line: &Line, ids: &[String]) -> Page {
    block_on(provider(&[]).status(ids, 1, line)).unwrap()
}

fn records(line: &Line, filter: &RecordFilter, page: u32) -> Page {
    block_on(provider(&[]).records(filter, page, line)).unwrap()
}

fn urls(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("https://www.example.com/{number}")).collect()
}

fn borrowed(urls: &[String]) -> Vec<&str> {
    urls.iter().map(String::as_str).collect()
}

#[test]
fn nothing_is_sent_that_the_target_did_not_ask_for() {
    let line = friendly();
    line.submit(&*provider(&[]), FILES, &[URL]).unwrap();
    assert_eq!(last_body(&line), json!({"refresh_task": {"type": "file", "urls": [URL]}}));
    line.submit(&*provider(&[]), DIRECTORIES, &["https://www.example.com/a/"]).unwrap();
    assert_eq!(last_body(&line)["refresh_task"], json!({"type": "directory", "urls": ["https://www.example.com/a/"]}));
    line.submit(&*provider(&[]), Operation::Prefetch, &[URL]).unwrap();
    assert_eq!(last_body(&line), json!({"preheating_task": {"urls": [URL]}}));
    assert_eq!(line.last_request().uri(), "https://cdn.myhuaweicloud.com/v1.0/cdn/content/preheating-tasks");
}

#[test]
fn a_directorys_purge_mode_becomes_the_vendors_word_and_a_urls_has_none() {
    let line = friendly();
    for (mode, operation, word) in [
        (PurgeMode::Soft, DIRECTORIES, Some("detect_modify_refresh")),
        (PurgeMode::Hard, DIRECTORIES, Some("all")),
        (PurgeMode::Default, DIRECTORIES, None),
        (PurgeMode::Hard, FILES, None),
    ] {
        let subject = Subject::url(if operation == DIRECTORIES { "https://www.example.com/a/" } else { URL });
        block_on(
            provider(&[])
                .submit(Submission { operation, mode, subjects: &[&subject], reference: "cdn-purge-test-1" }, &line),
        )
        .unwrap();
        assert_eq!(last_body(&line)["refresh_task"].get("mode").and_then(serde_json::Value::as_str), word);
    }
}

#[test]
fn the_targets_options_go_where_they_belong() {
    let options = [("zh-url-encode", OptionValue::Boolean(true)), ("enterprise-project", word("all"))];
    let line = friendly();
    let provider = provider(&options);
    line.submit(&*provider, DIRECTORIES, &["https://www.example.com/a/"]).unwrap();
    let task = last_body(&line)["refresh_task"].clone();
    assert_eq!((task.get("mode"), &task["zh_url_encode"]), (None, &json!(true)));
    assert_eq!(last_parameters(&line)["enterprise_project_id"], "all");
    line.submit(&*provider, FILES, &[URL]).unwrap();
    assert_eq!(last_body(&line)["refresh_task"].get("mode"), None);
    let accepted = line.submit(&*provider, Operation::Prefetch, &[URL]).unwrap();
    assert_eq!(last_body(&line)["preheating_task"]["zh_url_encode"], true);
    block_on(provider.status(accepted.task_ids(), 1, &line)).unwrap();
    assert_eq!(last_parameters(&line)["enterprise_project_id"], "all");
    block_on(provider.records(&RecordFilter::default(), 1, &line)).unwrap();
    assert!(!last_parameters(&line).contains_key("enterprise_project_id"), "the record query knows no project");
}

#[test]
fn what_the_vendor_does_not_offer_is_denied_and_not_sent() {
    let line = friendly();
    for kind in [RefreshKind::Regex, RefreshKind::AnyQuery] {
        let error = line.submit(&*provider(&[]), Operation::Refresh(kind), &[URL]).unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Denied);
    }
    assert!(line.last.borrow().is_none());
}

#[test]
fn a_task_waits_then_works_and_then_ends_and_a_failed_one_says_why() {
    let settings = EmulatorSettings {
        task_duration: Some(Duration::from_secs(10)),
        fail: vec!["bad".into()],
        hang: vec!["slow".into()],
        ..EmulatorSettings::default()
    };
    let line = line(settings);
    let sent = ["https://www.example.com/good", "https://www.example.com/bad", "https://www.example.com/slow"];
    let accepted = line.submit(&*provider(&[]), Operation::Prefetch, &sent).unwrap();
    let words = || status(&line, accepted.task_ids()).rows.into_iter().map(|row| row.status).collect::<Vec<_>>();
    assert_eq!(words(), ["waiting"; 3]);
    line.pass(5);
    assert_eq!(words(), ["preheating"; 3]);
    line.pass(5);
    assert_eq!(words(), ["succeed", "failed", "preheating"]);
    let failed = TaskState::Failed("ORIGIN_ERROR: the origin server answered 502".into());
    assert_eq!(status(&line, accepted.task_ids()).rows[1].state, failed);
}

#[test]
fn a_task_shows_up_after_the_listing_lag() {
    let line = line(EmulatorSettings { listing_lag: Duration::from_secs(10), ..EmulatorSettings::default() });
    let accepted = line.submit(&*provider(&[]), FILES, &[URL]).unwrap();
    let filter = RecordFilter { url: Some(URL.into()), ..RecordFilter::default() };
    line.pass(9);
    assert_eq!(status(&line, accepted.task_ids()), Page::default());
    assert_eq!(records(&line, &filter, 1), Page::default());
    line.pass(1);
    assert_eq!(status(&line, accepted.task_ids()).rows.len(), 1);
    assert_eq!(records(&line, &filter, 1).rows.len(), 1);
}

#[test]
fn a_whole_batch_is_one_page_of_its_details() {
    let line = friendly();
    let many = urls(1_000);
    let accepted = line.submit(&*provider(&[]), FILES, &borrowed(&many)).unwrap();
    let page = status(&line, accepted.task_ids());
    assert_eq!((page.total, page.rows.len()), (1_000, 1_000));
    assert_eq!(last_parameters(&line)["page_size"], "2000");
    assert_eq!(block_on(provider(&[]).status(accepted.task_ids(), 2, &line)).unwrap().rows.len(), 0);
    assert_eq!(block_on(provider(&[]).status(&[], 1, &line)).unwrap(), Page::default());
}

#[test]
fn records_are_listed_by_page_newest_first_and_by_each_filter() {
    let line = line(EmulatorSettings { calls_per_second: Some(100.0), ..EmulatorSettings::default() });
    let many = urls(250);
    let first = line.submit(&*provider(&[]), FILES, &borrowed(&many)).unwrap();
    line.pass(60);
    line.submit(&*provider(&[]), DIRECTORIES, &["https://img.example.com/a/"]).unwrap();
    line.submit(&*provider(&[]), Operation::Prefetch, &["https://www.example.com/7"]).unwrap();

    let all = RecordFilter::default();
    let pages: Vec<_> = (1..=4).map(|page| records(&line, &all, page)).collect();
    assert_eq!(pages.iter().map(|page| page.rows.len()).collect::<Vec<_>>(), [100, 100, 52, 0]);
    assert!(pages.iter().all(|page| page.total == 252));
    assert!(pages[0].rows[0].prefetch);

    let found = |filter: RecordFilter| records(&line, &filter, 1).rows.len();
    assert_eq!(found(RecordFilter { url: Some(many[7].clone()), ..all.clone() }), 2);
    assert_eq!(found(RecordFilter { kind: Some(RecordKind::Prefetch), ..all.clone() }), 1);
    assert_eq!(found(RecordFilter { kind: Some(RecordKind::Directory), ..all.clone() }), 1);
    assert_eq!(found(RecordFilter { kind: Some(RecordKind::Regex), ..all.clone() }), 0);
    // There is no parameter for these: the page comes as it is.
    assert_eq!(found(RecordFilter { domain: Some("img.example.com".into()), ..all.clone() }), 100);
    assert_eq!(found(RecordFilter { status: Some(RecordStatus::Running), ..all.clone() }), 100);
    assert_eq!(found(RecordFilter { status: Some(RecordStatus::Complete), ..all.clone() }), 100);
    assert_eq!(found(RecordFilter { status: Some(RecordStatus::Failed), ..all.clone() }), 0);
    assert_eq!(found(RecordFilter { since: Some(start() + SignedDuration::from_secs(30)), ..all.clone() }), 2);
    assert_eq!(found(RecordFilter { until: Some(start() + SignedDuration::from_secs(30)), ..all.clone() }), 100);
    // By a task's id the details are listed, whose pages are longer.
    let of_task = RecordFilter { task_id: Some(first.task_ids()[0].clone()), ..all.clone() };
    assert_eq!([1, 2].map(|page| records(&line, &of_task, page).rows.len()), [250, 0]);
    let one = RecordFilter { task_id: Some(first.task_ids()[0].clone()), url: Some(many[7].clone()), ..all };
    assert_eq!(found(one), 1);
}

#[test]
fn a_task_is_found_for_seven_days_and_longer_from_a_beginning_on() {
    let line = friendly();
    let id = line.submit(&*provider(&[]), FILES, &[URL]).unwrap().task_ids()[0].clone();
    line.pass(8 * 24 * 3_600);
    let of_id = RecordFilter { task_id: Some(id), ..RecordFilter::default() };
    assert_eq!(records(&line, &of_id, 1).rows.len(), 0);
    let since = Some(line.now.get() - SignedDuration::from_hours(24 * 9));
    assert_eq!(records(&line, &RecordFilter { since, ..of_id }, 1).rows.len(), 1);
}

#[test]
fn a_window_has_both_ends_and_is_never_longer_than_a_day() {
    let line = friendly();
    let long_ago = Some(start() - SignedDuration::from_hours(1_000));
    for filter in [
        RecordFilter { since: long_ago, ..RecordFilter::default() },
        RecordFilter { until: long_ago, ..RecordFilter::default() },
        RecordFilter { since: long_ago, until: Some(start()), ..RecordFilter::default() },
        RecordFilter { since: Some(start()), until: Some(start()), ..RecordFilter::default() },
    ] {
        records(&line, &filter, 1);
        let sent = last_parameters(&line);
        let at = |name: &str| sent[name].parse::<i64>().unwrap();
        assert!((1..=86_400_000).contains(&(at("end_time") - at("start_time"))), "{sent:?}");
    }
}

#[test]
fn the_quota_goes_down_refuses_what_is_too_much_and_comes_back_at_midnight_in_china() {
    let line = line(EmulatorSettings { quota: Some(10), ..EmulatorSettings::default() });
    let provider = provider(&[]);
    let remaining = || {
        line.pass(1);
        block_on(provider.quota(&line)).unwrap().remaining(FILES)
    };
    assert_eq!(remaining(), Some(10));
    let many = urls(11);
    line.submit(&*provider, FILES, &borrowed(&many[..7])).unwrap();
    assert_eq!(remaining(), Some(3));
    let error = line.submit(&*provider, FILES, &borrowed(&many[..4])).unwrap_err();
    assert_eq!(
        (error.kind, error.status, error.code.as_deref()),
        (ApiErrorKind::QuotaSpent, Some(200), Some("CDN.0110"))
    );
    assert_eq!((remaining(), line.accepted()), (Some(3), 7));
    line.pass(24 * 3_600);
    assert_eq!(remaining(), Some(10));
}

#[test]
fn every_limit_of_a_call_is_kept_and_one_more_is_refused() {
    let line = friendly();
    let many = urls(1_001);
    let directories: Vec<_> = many.iter().map(|url| format!("{url}/")).collect();
    for (operation, most, urls) in
        [(FILES, 1_000, &many), (DIRECTORIES, 100, &directories), (Operation::Prefetch, 1_000, &many)]
    {
        assert!(line.submit(&*provider(&[]), operation, &borrowed(&urls[..=most])).is_err(), "{operation:?}");
        line.submit(&*provider(&[]), operation, &borrowed(&urls[..most])).unwrap();
    }
    let longest = format!("https://www.example.com/{}", "中".repeat(4_096 - "https://www.example.com/".len()));
    line.submit(&*provider(&[]), FILES, &[&longest]).unwrap();
    let error = line.submit(&*provider(&[]), FILES, &[&format!("{longest}x")]).unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Refused);
}

#[test]
fn a_url_the_vendor_does_not_take_is_refused_and_nothing_else_of_its_batch_is_taken() {
    let line = line(EmulatorSettings { refuse: vec!["poison".into()], ..EmulatorSettings::default() });
    for (operation, url) in [
        (DIRECTORIES, "https://www.example.com/no-slash"),
        (FILES, "https://www.example.com/poison"),
        (FILES, "https://*.example.com/"),
        (FILES, "www.example.com/without-scheme"),
        (FILES, "https:///path"),
    ] {
        let error = line.submit(&*provider(&[]), operation, &["https://www.example.com/", url]).unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Refused, "{url}");
    }
    assert_eq!(line.accepted(), 0);
}

#[test]
fn a_call_that_the_key_may_not_make_names_the_permission_and_too_many_are_throttled() {
    let settings = EmulatorSettings {
        forbid: vec!["CreatePreheatingTasks".into()],
        calls_per_second: Some(2.0),
        ..EmulatorSettings::default()
    };
    let line = line(settings);
    line.submit(&*provider(&[]), FILES, &[URL]).unwrap();
    let error = line.submit(&*provider(&[]), Operation::Prefetch, &[URL]).unwrap_err();
    assert_eq!((error.kind, error.status), (ApiErrorKind::Forbidden, Some(403)));
    assert!(error.help.unwrap().contains("`cdn:configuration:preheatCache`"));
    line.submit(&*provider(&[]), FILES, &[URL]).unwrap();
    let error = line.submit(&*provider(&[]), FILES, &[URL]).unwrap_err();
    assert_eq!((error.kind, error.status), (ApiErrorKind::Throttled, Some(429)));
}

fn question(hours: i64, interval: u64) -> MeasureQuestion {
    MeasureQuestion {
        offer: HUAWEI_CDN.queries.measure(Measure::Traffic).unwrap(),
        domains: vec!["www.example.com".into()],
        since: start() - SignedDuration::from_hours(hours),
        until: start(),
        interval: Duration::from_secs(interval),
    }
}

#[test]
fn what_is_measured_is_told_in_whole_widths_from_the_beginning_on() {
    let line = line(EmulatorSettings { calls_per_second: Some(100.0), ..EmulatorSettings::default() });
    for (hours, interval, count) in [(1, 300, 12), (24, 3_600, 24), (72, 86_400, 3)] {
        let question = question(hours, interval);
        let points = block_on(provider(&[]).measure(&question, &line)).unwrap();
        let width = SignedDuration::from_secs(interval as i64);
        assert!(points.iter().enumerate().all(|(n, point)| point.at == question.since + width * n as i32));
        assert_eq!(points.len(), count, "{interval}");
        assert!(points.iter().all(|point| point.domain.as_deref() == Some("www.example.com") && point.value > 0.0));
        assert_eq!(last_parameters(&line)["service_area"], "global");
        // One that isn't over is left out, unless there is no other.
        let less = MeasureQuestion { until: question.until - SignedDuration::from_secs(1), ..question.clone() };
        assert_eq!(block_on(provider(&[]).measure(&less, &line)).unwrap(), points[..count - 1]);
        let least = MeasureQuestion { until: question.since, ..question };
        assert_eq!(block_on(provider(&[]).measure(&least, &line)).unwrap(), points[..1]);
    }
    // Ranges that follow each other have each point once.
    let whole = block_on(provider(&[]).measure(&question(2, 300), &line)).unwrap();
    let half = MeasureQuestion { until: start() - SignedDuration::from_hours(1), ..question(2, 300) };
    let mut parts = block_on(provider(&[]).measure(&half, &line)).unwrap();
    parts.extend(block_on(provider(&[]).measure(&question(1, 300), &line)).unwrap());
    assert_eq!(whole, parts);

    let bandwidth = MeasureQuestion {
        offer: HUAWEI_CDN.queries.measure(Measure::Bandwidth).unwrap(),
        domains: vec![],
        ..question(1, 300)
    };
    let points = block_on(provider(&[("region", word("europe"))]).measure(&bandwidth, &line)).unwrap();
    assert_eq!(points.len(), 24);
    let sent = last_parameters(&line);
    assert_eq!((sent["stat_type"].as_str(), sent["domain_name"].as_str()), ("bw", "all"));
    assert!(!sent.contains_key("service_area"));
}

#[test]
fn what_the_vendor_does_not_keep_is_refused_in_its_words() {
    let line = friendly();
    let code = |question: MeasureQuestion| block_on(provider(&[]).measure(&question, &line)).unwrap_err().code.unwrap();
    assert_eq!(code(question(24 * 100, 86_400)), "CDN.0202");
    assert_eq!(code(question(24 * 8, 300)), "CDN.0203");
    let many = (0..21).map(|number| format!("{number}.example.com")).collect();
    assert_eq!(code(MeasureQuestion { domains: many, ..question(1, 300) }), "CDN.0201");
}

#[test]
fn log_files_are_those_of_whole_hours_and_their_links_lead_to_gzip() {
    use secrecy::ExposeSecret;
    let line = friendly();
    // A query's range ends on whole steps: `step`.
    let question = LogQuestion {
        offer: HUAWEI_CDN.queries.logs.as_ref().unwrap(),
        domain: "www.example.com".into(),
        since: "2026-11-21T21:00:00Z".parse().unwrap(),
        until: "2026-11-22T00:00:00Z".parse().unwrap(),
    };
    let page = block_on(provider(&[]).logs(&question, 1, &line)).unwrap();
    assert_eq!((page.total, page.rows.len()), (3, 3));
    assert_eq!(page.rows[0].name, "2026112121-www.example.com-global.gz");
    assert_eq!(page.rows[0].since, Some("2026-11-21T21:00:00Z".parse().unwrap()));
    let link = page.rows[0].url.expose_secret();
    let request = Request::get(link).body(Bytes::new()).unwrap();
    let file = line.emulator.borrow_mut().handle(&request, start());
    assert_eq!(file.body().len() as u64, page.rows[0].bytes);
    assert!(file.body().starts_with(&[0x1f, 0x8b, 8]));
}

#[test]
fn domains_are_listed_with_those_that_something_was_submitted_for() {
    let line = friendly();
    line.submit(&*provider(&[]), FILES, &["https://cdn.example.net/1"]).unwrap();
    let page = block_on(provider(&[]).domains(HUAWEI_CDN.queries.domains.as_ref().unwrap(), 1, &line)).unwrap();
    let names: Vec<_> = page.rows.iter().map(|domain| domain.name.as_str()).collect();
    assert_eq!(names, ["cdn.example.net", "img.example.com", "www.example.com"]);
    assert_eq!(page.total, 3);
    assert_eq!(
        block_on(provider(&[]).domains(HUAWEI_CDN.queries.domains.as_ref().unwrap(), 2, &line)).unwrap().rows,
        []
    );
}

#[test]
fn the_list_of_tasks_shows_files_unless_directories_are_asked_for() {
    let line = friendly();
    line.submit(&*provider(&[]), FILES, &[URL]).unwrap();
    line.submit(&*provider(&[]), DIRECTORIES, &["https://www.example.com/a/"]).unwrap();
    let ask = |query: &[(&'static str, &str)]| {
        let endpoint = url::Url::parse("https://cdn.myhuaweicloud.com").unwrap();
        let call = crate::provider::sign::sdk_hmac::Call {
            method: http::Method::GET,
            endpoint: &endpoint,
            path: "/v1.0/cdn/historytasks",
            query: query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            body: None,
        };
        let key = access_key(&EmulatorSettings::default());
        let request = crate::provider::sign::sdk_hmac::sign(&call, &key, start()).unwrap().request;
        let response = line.emulator.borrow_mut().handle(&request, line.now.get());
        serde_json::from_slice::<serde_json::Value>(response.body()).unwrap()
    };
    let files = ask(&[]);
    assert_eq!((&files["total"], &files["tasks"][0]["file_type"]), (&json!(1), &json!("file")));
    assert_eq!(files["tasks"][0]["status"], "task_inprocess");
    line.pass(10);
    let directories = ask(&[("file_type", "directory"), ("status", "task_done")]);
    assert_eq!(directories["tasks"][0]["succeed"], 1);
    assert_eq!(ask(&[("page_size", "10")])["error"]["error_code"], "CDN.0001");
}
