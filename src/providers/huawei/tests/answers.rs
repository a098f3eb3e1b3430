//! Good answers in all their shapes, and answers that are none.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;
use crate::model::PurgeMode;
use crate::model::Subject;
use crate::provider::{ApiErrorKind, LogQuestion, Measure, MeasureQuestion, Page, RecordFilter, TaskState};

fn ok(body: impl Into<Bytes>) -> Canned {
    Canned::new(200, &[("x-request-id", "R-1")], body)
}

fn status(canned: &Canned) -> Result<Page, ApiError> {
    block_on(provider(&[]).status(&["2000345".to_owned()], 1, canned))
}

fn records(canned: &Canned) -> Result<Page, ApiError> {
    block_on(provider(&[]).records(&RecordFilter::default(), 1, canned))
}

#[test]
fn a_task_id_is_text_or_a_number_and_the_request_id_is_in_a_header() {
    let accepted = ok(include_str!("../fixtures/refresh.json")).submit().unwrap();
    let expected = Accepted::Tracked { task_ids: vec!["2000345".to_owned()], request_id: Some("R-1".to_owned()) };
    assert_eq!(accepted, expected);
    assert_eq!(ok(r#"{"refresh_task":2000345,"new":[1]}"#).submit().unwrap().task_ids(), ["2000345"]);

    let canned = Canned::new(200, &[], include_str!("../fixtures/preheat.json"));
    let submission = Submission {
        operation: Operation::Prefetch,
        mode: PurgeMode::Default,
        subjects: &[&Subject::url(URL)],
        reference: "cdn-purge-test-1",
    };
    let accepted = block_on(provider(&[]).submit(submission, &canned)).unwrap();
    assert_eq!(accepted.task_ids(), ["ff8080828edcb4a9018edcf1b2f400a1"]);
    assert_eq!(accepted.request_id(), None);
}

#[test]
fn what_does_not_prove_that_a_batch_was_taken_leaves_doubt_and_says_what_came() {
    for (code, body, seen) in [
        (200, "", "an empty body"),
        (200, "<html><body>Sign in to the guest network</body></html>", "HTML"),
        (200, "{\"refresh_task\":\"20003", "breaks off after 22 bytes"),
        (200, "hello", "5 bytes"),
        (200, "[]", "not an object"),
        (200, "{}", "without a task id"),
        (200, r#"{"refresh_task":""}"#, "without a task id"),
        (200, r#"{"refresh_task":null}"#, "without a task id"),
        (200, r#"{"refresh_task":["1"]}"#, "without a task id"),
        (200, r#"{"refresh_task":"../../x"}"#, "without a task id"),
        (200, r#"{"preheating_task":"1"}"#, "without a task id"),
        (200, r#"{"error":{}}"#, "without a task id"),
        (204, "", "an empty body"),
        (418, "", "without a code"),
    ] {
        let error = Canned::new(code, &[], body).submit().unwrap_err();
        assert_eq!((error.kind, error.status), (ApiErrorKind::Ambiguous, Some(code)), "{body}");
        assert!(error.message.contains(seen), "{body}: {}", error.message);
    }
    assert_eq!(ok("[".repeat(100_000)).submit().unwrap_err().kind, ApiErrorKind::Ambiguous);
    let long = format!(r#"{{"refresh_task":"{}"}}"#, "1".repeat(65));
    assert_eq!(ok(long).submit().unwrap_err().kind, ApiErrorKind::Ambiguous);
}

#[test]
fn the_rows_of_a_task_decide_and_not_that_it_is_done() {
    let page = status(&ok(include_str!("../fixtures/detail.json"))).unwrap();
    assert_eq!(page.total, 2);
    let states: Vec<_> = page.rows.iter().map(|record| record.state.clone()).collect();
    assert_eq!(states, [TaskState::Complete, TaskState::Failed("ORIGIN_ERROR: origin 502".into())]);
    // They are queried by this id, whatever id they contain.
    assert!(page.rows.iter().all(|record| record.task_id == "2000345" && record.prefetch));
    assert_eq!(page.rows[0].created, Timestamp::from_second(1_700_000_000).ok());
}

#[test]
fn statuses_are_read_in_either_case_and_a_new_word_is_not_finished() {
    let page = records(&ok(include_str!("../fixtures/url-tasks.json"))).unwrap();
    let states: Vec<_> = page.rows.iter().map(|record| record.state.clone()).collect();
    let failed = TaskState::Failed("no description".into());
    assert_eq!(states, [TaskState::Running, TaskState::Complete, failed, TaskState::Running]);
    let words: Vec<_> = page.rows.iter().map(|record| (record.kind.as_str(), record.prefetch)).collect();
    assert_eq!(words, [("directory", false), ("file", false), ("PREHEATING", true), ("PREHEATING", true)]);
    assert_eq!((page.rows[3].status.as_str(), page.rows[3].task_id.as_str()), ("SOMETHING_NEW", "2000347"));
    assert_eq!(page.rows[3].created, None);
}

#[test]
fn a_refresh_after_a_prefetch_is_a_refresh() {
    let body = r#"{"total":1,"urls":[{"url":"u","status":"succeed","task_type":"REFRESH_AFTER_PREHEATING"}]}"#;
    let page = status(&ok(body)).unwrap();
    assert!(!page.rows[0].prefetch);
}

#[test]
fn a_task_that_is_not_visible_yet_is_an_empty_page_and_nothing_else_is() {
    let unseen = r#"{"error":{"error_code":"CDN.0108","error_msg":"not the domain of the current tenant"}}"#;
    assert_eq!(status(&ok(unseen)).unwrap(), Page::default());
    assert_eq!(records(&ok(unseen)).unwrap_err().kind, ApiErrorKind::Refused);
    let empty = r#"{"total":0,"count":0,"result":[]}"#;
    assert_eq!(records(&ok(empty)).unwrap(), Page::default());
    for body in ["", "{}", "[]", r#"{"urls":{}}"#, r#"{"result":3}"#] {
        assert_eq!(status(&ok(body)).unwrap_err().kind, ApiErrorKind::Server, "{body}");
        assert_eq!(records(&ok(body)).unwrap_err().kind, ApiErrorKind::Server, "{body}");
    }
}

#[test]
fn a_quota_is_what_is_left_and_never_below_nothing() {
    let quota = block_on(provider(&[]).quota(&ok(include_str!("../fixtures/quota.json")))).unwrap();
    assert_eq!(quota.entries.len(), 3);
    assert_eq!(quota.remaining(FILES), Some(2_000));
    assert_eq!(quota.remaining(DIRECTORIES), Some(1_995));
    assert_eq!(quota.remaining(Operation::Prefetch), Some(0));
    let quota = block_on(provider(&[]).quota(&ok(r#"{"quotas":[{"type":"preheat","quota_limit":"x"}]}"#))).unwrap();
    assert_eq!(quota.remaining(Operation::Prefetch), None);
}

#[test]
fn points_follow_each_other_from_the_beginning_by_domain_or_not() {
    let question = MeasureQuestion {
        offer: HUAWEI_CDN.queries.measure(Measure::Traffic).unwrap(),
        domains: vec![],
        since: "2026-11-22T00:50:00Z".parse().unwrap(),
        until: start() + SignedDuration::from_mins(10),
        interval: Duration::from_secs(300),
    };
    let measure = |body: &'static str| block_on(provider(&[]).measure(&question, &ok(body)));
    let points = measure(include_str!("../fixtures/statistics.json")).unwrap();
    assert_eq!(points.iter().map(|point| point.value).collect::<Vec<_>>(), [1000.0, 0.0, 0.0]);
    assert_eq!(points[1].at, "2026-11-22T00:55:00Z".parse().unwrap());
    assert_eq!(points[1].domain, None);
    let points = measure(include_str!("../fixtures/statistics-by-domain.json")).unwrap();
    let of_image = points.iter().filter(|point| point.domain.as_deref() == Some("img.example.com"));
    assert_eq!(of_image.map(|point| point.value).collect::<Vec<_>>(), [3.0, 4.0]);
    assert_eq!(measure(r#"{"result":{}}"#).unwrap(), []);
    assert_eq!(measure("{}").unwrap_err().kind, ApiErrorKind::Server);
}

#[test]
fn log_files_and_domains_are_listed() {
    let question = LogQuestion {
        offer: HUAWEI_CDN.queries.logs.as_ref().unwrap(),
        domain: "www.example.com".into(),
        since: start(),
        until: start(),
    };
    let page = block_on(provider(&[]).logs(&question, 1, &ok(include_str!("../fixtures/logs.json")))).unwrap();
    assert_eq!((page.total, page.rows[0].bytes), (1, 1_234));
    assert!(page.rows[0].url.expose_secret().ends_with("?signature=s"));
    assert!(!format!("{page:?}").contains("signature"));
    let page = block_on(provider(&[]).domains(
        HUAWEI_CDN.queries.domains.as_ref().unwrap(),
        1,
        &ok(include_str!("../fixtures/domains.json")),
    ))
    .unwrap();
    assert_eq!((page.rows[0].name.as_str(), page.rows[0].status.as_str()), ("www.example.com", "online"));
    assert_eq!(page.rows[0].service, "web");
}

#[test]
fn a_redirect_is_named_and_not_followed() {
    for (status, location, seen) in
        [(301, "https://evil.example:8443/?a=b", "`evil.example`"), (307, "/login", "another path of the same host")]
    {
        let error = Canned::new(status, &[("location", location)], "").submit().unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Ambiguous);
        assert!(error.message.contains(seen), "{}", error.message);
    }
    assert!(Canned::new(308, &[], "").submit().unwrap_err().message.contains("nowhere"));
}
