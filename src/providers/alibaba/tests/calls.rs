//! Each call of the provider against the vendor in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use emulators::Rows;

use super::*;
use crate::model::PurgeMode;
use crate::model::Subject;
use crate::plan::batch::encoded_length;
use crate::provider::{ApiErrorKind, Page, RecordFilter, TaskState};

const DIRECTORIES: Operation = Operation::Refresh(RefreshKind::Directory);

fn urls(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("http://example.com/{n}")).collect()
}

fn borrowed(urls: &[String]) -> Vec<&str> {
    urls.iter().map(String::as_str).collect()
}

fn parameters(request: &Request<Bytes>) -> BTreeMap<String, String> {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let pairs = |text| url::form_urlencoded::parse(text).into_owned();
    pairs(query).chain(pairs(request.body())).collect()
}

fn status(line: &Line, task_ids: &[String]) -> Page {
    block_on(provider(&[]).status(task_ids, 1, line)).unwrap()
}

fn records(line: &Line, filter: &RecordFilter, page: u32) -> Result<Page, ApiError> {
    block_on(provider(&[]).records(filter, page, line))
}

#[test]
fn every_kind_of_refresh_travels_in_a_form_and_is_taken() {
    let kinds = [
        (RefreshKind::Url, emulators::Operation::RefreshUrl, "http://example.com/a b/ä中文😀.png?x=1&y=2%20z"),
        (RefreshKind::Directory, emulators::Operation::RefreshDirectory, "https://example.com/dir/"),
        (RefreshKind::Regex, emulators::Operation::RefreshRegex, "http://example.com/.*\\.png"),
        (RefreshKind::AnyQuery, emulators::Operation::RefreshAnyQuery, "http://example.com/page"),
    ];
    for options in [vec![], vec![v1()]] {
        for (kind, of_vendor, url) in kinds {
            let line = friendly();
            let submission = Submission {
                operation: Operation::Refresh(kind),
                mode: PurgeMode::Hard,
                subjects: &[&Subject::url(url)],
                reference: "cdn-purge-test-1",
            };
            let accepted = block_on(provider(&options).submit(submission, &line)).unwrap();
            assert_eq!(accepted.task_ids().len(), 1);
            let entry = line.emulator.borrow().ledger()[0].clone();
            assert_eq!((entry.operation, entry.url.as_str()), (of_vendor, url));
            assert_eq!(entry.task_id, accepted.task_ids()[0]);

            let request = line.last_request();
            let form: BTreeMap<_, _> = url::form_urlencoded::parse(request.body()).into_owned().collect();
            assert_eq!(form["ObjectPath"], url);
            assert_eq!(form.get("Force").map(String::as_str), (kind != RefreshKind::Url).then_some("true"));
            assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
        }
    }
}

#[test]
fn a_prefetch_travels_in_the_query_with_the_targets_options() {
    let headers = BTreeMap::from([("Accept-Encoding".to_owned(), vec!["gzip".to_owned(), "br".to_owned()])]);
    let options = [
        ("area", OptionValue::Word("overseas".into())),
        ("l2-preload", OptionValue::Boolean(true)),
        ("headers", OptionValue::Headers(headers)),
        ("query-hash-key", OptionValue::Boolean(false)),
        ("consistency-hash", OptionValue::Boolean(true)),
    ];
    let line = friendly();
    let accepted = line.submit(&*provider(&options), Operation::Prefetch, &["http://example.com/1"]).unwrap();
    assert_eq!(accepted.task_ids().len(), 1);
    assert!(line.last_request().body().is_empty());
    let sent = parameters(&line.last_request());
    let expected = [
        ("Area", "overseas"),
        ("ConsistencyHash", "true"),
        ("L2Preload", "true"),
        ("ObjectPath", "http://example.com/1"),
        ("QueryHashkey", "false"),
        ("WithHeader", r#"{"Accept-Encoding":["gzip","br"]}"#),
    ];
    assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());

    line.submit(&*provider(&[]), Operation::Prefetch, &["http://example.com/1"]).unwrap();
    assert_eq!(parameters(&line.last_request()).into_keys().collect::<Vec<_>>(), ["ObjectPath"]);
}

#[test]
fn a_url_in_the_request_line_is_counted_as_it_is_encoded() {
    let provider = provider(&[]);
    let one = "http://example.com/ä b";
    let line = friendly();
    line.submit(&*provider, Operation::Prefetch, &[one, one]).unwrap();
    let counted = 2 * encoded_length(one);
    let query = line.last_request().uri().query().unwrap().len();
    assert_eq!(query, "ObjectPath=".len() + counted - "%0A".len());
}

#[test]
fn a_url_with_a_line_break_is_refused_before_it_becomes_two() {
    let line = friendly();
    for url in ["http://example.com/1\nhttp://example.com/2", "http://example.com/\r"] {
        let error = line.submit(&*provider(&[]), FILES, &["http://example.com/0", url]).unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Refused);
    }
    assert_eq!(line.accepted(), 0);
    assert!(line.last.borrow().is_none());
}

#[test]
fn a_task_is_refreshing_until_its_time_is_over() {
    let line = line(EmulatorSettings { task_duration: Some(Duration::from_secs(10)), ..EmulatorSettings::default() });
    let accepted = line.submit(&*provider(&[]), FILES, &["http://example.com/1"]).unwrap();
    let progress = |page: Page| (page.rows[0].state.clone(), page.rows[0].percent);
    assert_eq!(progress(status(&line, accepted.task_ids())), (TaskState::Running, Some(0.0)));
    line.pass(5);
    assert_eq!(progress(status(&line, accepted.task_ids())), (TaskState::Running, Some(50.0)));
    line.pass(5);
    assert_eq!(progress(status(&line, accepted.task_ids())), (TaskState::Complete, Some(100.0)));
}

#[test]
fn a_task_can_fail_or_never_end() {
    let settings =
        EmulatorSettings { fail: vec!["bad".into()], hang: vec!["slow".into()], ..EmulatorSettings::default() };
    let line = line(settings);
    let sent = ["http://example.com/bad", "http://example.com/slow", "http://example.com/good"];
    let accepted = line.submit(&*provider(&[]), FILES, &sent).unwrap();
    line.pass(3_600);
    let states: Vec<_> = status(&line, accepted.task_ids()).rows.into_iter().map(|record| record.state).collect();
    let failed = TaskState::Failed("Origin Return StatusCode 5XX".into());
    assert_eq!(states, [failed, TaskState::Running, TaskState::Complete]);
}

#[test]
fn a_row_for_each_task_ends_with_the_last_of_its_urls() {
    let settings = EmulatorSettings { rows: Rows::PerTask, fail: vec!["bad".into()], ..EmulatorSettings::default() };
    let line = line(settings);
    let accepted = line.submit(&*provider(&[]), FILES, &["http://example.com/1", "http://example.com/bad"]).unwrap();
    line.pass(5);
    let page = status(&line, accepted.task_ids());
    assert_eq!((page.total, page.rows.len()), (1, 1));
    assert_eq!(page.rows[0].url, "http://example.com/1");
    assert!(matches!(page.rows[0].state, TaskState::Failed(_)));
    assert_eq!(records(&line, &RecordFilter::default(), 1).unwrap().total, 1);
}

#[test]
fn urls_of_one_host_in_one_second_share_an_id_and_directories_do_not() {
    let line = line(EmulatorSettings { calls_per_second: Some(100.0), ..EmulatorSettings::default() });
    let provider = provider(&[]);
    let thousand = urls(1_000);
    let submit = |operation, urls: &[&str]| line.submit(&*provider, operation, urls).unwrap().task_ids().to_vec();
    let first = submit(FILES, &borrowed(&thousand));
    assert_eq!(first.len(), 1);
    assert_eq!(submit(FILES, &borrowed(&thousand)), first);
    assert_ne!(submit(FILES, &["http://example.com/2001"]), first);
    assert_eq!(submit(FILES, &["http://a.example.com/", "http://b.example.com/"]).len(), 2);
    assert_eq!(submit(DIRECTORIES, &["http://example.com/a/", "http://example.com/b/"]).len(), 2);
    let prefetched: Vec<_> =
        thousand.chunks(100).take(6).map(|some| submit(Operation::Prefetch, &borrowed(some))).collect();
    assert!(prefetched[..5].iter().all(|ids| *ids == prefetched[0]));
    assert_ne!(prefetched[5], prefetched[0]);
    line.pass(1);
    let next = line.submit(&*provider, Operation::Prefetch, &["http://example.com/x"]).unwrap().task_ids().to_vec();
    assert_ne!(next, prefetched[5]);
}

#[test]
fn ten_ids_are_asked_for_at_once_and_there_is_one_page() {
    let line = friendly();
    let directories: Vec<_> = (0..11).map(|n| format!("http://example.com/{n}/")).collect();
    let accepted = line.submit(&*provider(&[]), DIRECTORIES, &borrowed(&directories)).unwrap();
    let page = status(&line, &accepted.task_ids()[..10]);
    assert_eq!((page.total, page.rows.len()), (10, 10));
    assert_eq!(parameters(&line.last_request())["TaskId"], accepted.task_ids()[..10].join(","));
    assert_eq!(block_on(provider(&[]).status(accepted.task_ids(), 2, &line)).unwrap(), Page::default());
    let error = block_on(provider(&[]).status(accepted.task_ids(), 1, &line)).unwrap_err();
    assert_eq!(error.code.as_deref(), Some("InvalidTaskId.Malformed"));
    assert_eq!(status(&line, &["1".to_owned()]), Page::default());
}

#[test]
fn a_task_shows_up_after_the_listing_lag() {
    let line = line(EmulatorSettings { listing_lag: Duration::from_secs(10), ..EmulatorSettings::default() });
    let accepted = line.submit(&*provider(&[]), FILES, &["http://example.com/1"]).unwrap();
    let filter = RecordFilter { url: Some("http://example.com/1".into()), ..RecordFilter::default() };
    line.pass(9);
    assert_eq!(status(&line, accepted.task_ids()), Page::default());
    assert_eq!(records(&line, &filter, 1).unwrap(), Page::default());
    line.pass(1);
    assert_eq!(status(&line, accepted.task_ids()).rows.len(), 1);
    assert_eq!(records(&line, &filter, 1).unwrap().rows.len(), 1);
    line.pass(3 * 24 * 3_600);
    assert_eq!(status(&line, accepted.task_ids()), Page::default());
}

#[test]
fn records_are_listed_by_page_newest_first_and_by_url_id_and_time() {
    let line = line(EmulatorSettings { calls_per_second: Some(100.0), ..EmulatorSettings::default() });
    let many = urls(250);
    line.submit(&*provider(&[]), FILES, &borrowed(&many)).unwrap();
    line.pass(60);
    let later = line.submit(&*provider(&[]), Operation::Prefetch, &["http://example.com/7"]).unwrap();

    let all = RecordFilter::default();
    let pages: Vec<_> = (1..=4).map(|page| records(&line, &all, page).unwrap()).collect();
    assert_eq!(pages.iter().map(|page| page.rows.len()).collect::<Vec<_>>(), [100, 100, 51, 0]);
    assert!(pages.iter().all(|page| page.total == 251));
    assert_eq!((pages[0].rows[0].kind.as_str(), pages[0].rows[0].url.as_str()), ("preload", "http://example.com/7"));

    let of_url = RecordFilter { url: Some("http://example.com/7".into()), ..RecordFilter::default() };
    let kinds = |page: Page| page.rows.into_iter().map(|record| record.kind).collect::<Vec<_>>();
    assert_eq!(kinds(records(&line, &of_url, 1).unwrap()), ["preload", "file"]);
    let of_id = RecordFilter { task_id: Some(later.task_ids()[0].clone()), ..RecordFilter::default() };
    assert_eq!(kinds(records(&line, &of_id, 1).unwrap()), ["preload"]);
    let since = RecordFilter { since: Some(start() + SignedDuration::from_secs(30)), ..of_url.clone() };
    assert_eq!(kinds(records(&line, &since, 1).unwrap()), ["preload"]);
    let until = RecordFilter { until: Some(start() + SignedDuration::from_secs(30)), ..of_url };
    assert_eq!(kinds(records(&line, &until, 1).unwrap()), ["file"]);
}

#[test]
fn a_window_is_never_older_than_what_is_kept_and_never_without_an_end() {
    let line = friendly();
    let long_ago = Some(start() - SignedDuration::from_hours(1_000));
    for filter in [
        RecordFilter { since: long_ago, ..RecordFilter::default() },
        RecordFilter { until: long_ago, ..RecordFilter::default() },
        RecordFilter { since: Some(start()), until: Some(start()), ..RecordFilter::default() },
    ] {
        records(&line, &filter, 1).unwrap();
        let sent = parameters(&line.last_request());
        assert!(sent["StartTime"] < sent["EndTime"]);
    }
}

#[test]
fn the_quota_goes_down_refuses_what_is_too_much_and_comes_back_at_midnight_in_china() {
    let line = line(EmulatorSettings { quota: Some(10), ..EmulatorSettings::default() });
    let provider = provider(&[]);
    let remaining = || block_on(provider.quota(&line)).unwrap().remaining(FILES);
    assert_eq!(remaining(), Some(10));
    let many = urls(11);
    line.submit(&*provider, FILES, &borrowed(&many[..7])).unwrap();
    assert_eq!(remaining(), Some(3));
    let error = line.submit(&*provider, FILES, &borrowed(&many[..4])).unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ApiErrorKind::QuotaSpent, Some("QuotaExceeded.Refresh")));
    let error = line.submit(&*provider, Operation::Prefetch, &borrowed(&many)).unwrap_err();
    assert_eq!(error.code.as_deref(), Some("QuotaExceeded.Preload"));
    assert_eq!((remaining(), line.accepted()), (Some(3), 7));
    // It is 08:51:54 in China.
    line.pass(15 * 3_600 + 8 * 60 + 5);
    assert_eq!(remaining(), Some(3));
    line.pass(1);
    assert_eq!(remaining(), Some(10));
}

#[test]
fn an_undocumented_quota_is_left_out() {
    let quota = block_on(provider(&[]).quota(&friendly())).unwrap();
    assert_eq!(quota.entries.len(), 4);
    assert_eq!(quota.remaining(Operation::Refresh(RefreshKind::AnyQuery)), None);
    assert_eq!(quota.remaining(Operation::Refresh(RefreshKind::Regex)), Some(20));
}

#[test]
fn every_limit_of_a_call_is_kept_and_one_more_is_refused() {
    let line = friendly();
    let many = urls(1_001);
    let directories: Vec<_> = many.iter().map(|url| format!("{url}/")).collect();
    for (operation, most, urls) in [
        (FILES, 1_000, &many),
        (DIRECTORIES, 100, &directories),
        (Operation::Refresh(RefreshKind::Regex), 1, &many),
        (Operation::Prefetch, 100, &many),
    ] {
        let error = line.submit(&*provider(&[]), operation, &borrowed(&urls[..=most])).unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::TooLarge, "{operation:?}");
        line.submit(&*provider(&[]), operation, &borrowed(&urls[..most])).unwrap();
    }
    let hosts: Vec<_> = (0..11).map(|n| format!("http://{n}.example.com/")).collect();
    assert_eq!(line.submit(&*provider(&[]), FILES, &borrowed(&hosts)).unwrap_err().kind, ApiErrorKind::TooLarge);
    line.submit(&*provider(&[]), FILES, &borrowed(&hosts[..10])).unwrap();
}

#[test]
fn a_url_the_vendor_does_not_take_is_refused_and_nothing_else_of_its_batch_is_taken() {
    let line = line(EmulatorSettings { refuse: vec!["poison".into()], ..EmulatorSettings::default() });
    let long = format!("http://example.com/{}", "a".repeat(1_024));
    for (operation, url) in [
        (DIRECTORIES, "http://example.com/no-slash"),
        (FILES, "http://example.com/poison"),
        (FILES, "http://*.example.com/"),
        (FILES, "nohost"),
        (FILES, "http:///path"),
        (FILES, &long),
    ] {
        let error = line.submit(&*provider(&[]), operation, &["http://example.com/", url]).unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Refused, "{url}");
    }
    assert_eq!(line.accepted(), 0);
}

#[test]
fn a_name_of_1024_characters_counts_in_characters() {
    let url = format!("http://example.com/{}", "中".repeat(1_024 - "http://example.com/".len()));
    let line = friendly();
    line.submit(&*provider(&[]), Operation::Prefetch, &[&url]).unwrap();
    assert_eq!(line.accepted(), 1);
}

#[test]
fn calls_are_throttled_in_a_sliding_second_each_api_by_itself() {
    let line = line(EmulatorSettings { calls_per_second: Some(2.0), ..EmulatorSettings::default() });
    let provider = provider(&[]);
    let submit = || line.submit(&*provider, FILES, &["http://example.com/1"]).map_err(|error| error.kind);
    let move_by = |milliseconds| line.now.set(line.now.get() + SignedDuration::from_millis(milliseconds));
    assert!(submit().is_ok());
    move_by(600);
    assert!(submit().is_ok());
    move_by(399);
    assert_eq!(submit(), Err(ApiErrorKind::Throttled));
    block_on(provider.quota(&line)).unwrap();
    move_by(1);
    assert!(submit().is_ok());
    assert_eq!(submit(), Err(ApiErrorKind::Throttled));
    assert_eq!(line.accepted(), 3);
}

#[test]
fn a_call_that_the_key_may_not_make_names_the_permission() {
    let line = line(EmulatorSettings { forbid: vec!["PushObjectCache".into()], ..EmulatorSettings::default() });
    line.submit(&*provider(&[]), FILES, &["http://example.com/1"]).unwrap();
    let error = line.submit(&*provider(&[]), Operation::Prefetch, &["http://example.com/1"]).unwrap_err();
    assert_eq!((error.kind, error.status), (ApiErrorKind::Forbidden, Some(403)));
    assert!(error.help.unwrap().contains("`cdn:PushObjectCache`"));
}

#[test]
fn asking_for_ten_thousand_tasks_over_and_over_is_cheap() {
    let line = line(EmulatorSettings {
        calls_per_second: Some(1e9),
        quota: Some(1_000_000),
        rows: Rows::PerTask,
        ..EmulatorSettings::default()
    });
    let provider = provider(&[]);
    let mut ids = Vec::new();
    for batch in urls(10_000).chunks(20) {
        ids.extend(line.submit(&*provider, FILES, &borrowed(batch)).unwrap().task_ids().to_vec());
        line.pass(1);
    }
    assert_eq!(ids.len(), 500);
    for _ in 0..20 {
        let done = ids.chunks(10).map(|ten| block_on(provider.status(ten, 1, &line)).unwrap().rows.len());
        assert_eq!(done.sum::<usize>(), 500);
    }
}
