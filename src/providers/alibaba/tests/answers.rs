//! Good answers in all their shapes, and answers that are none.

use super::*;
use crate::model::{PurgeMode, Quota, QuotaEntry, Subject};
use crate::provider::{ApiErrorKind, Page, RecordFilter, TaskState};

fn status(canned: &Canned) -> Result<Page, ApiError> {
    block_on(provider(&[]).status(&["704222904".to_owned()], 1, canned))
}

fn quota(body: &'static str) -> Result<Quota, ApiError> {
    block_on(provider(&[]).quota(&Canned::new(200, &[], body)))
}

#[test]
fn merged_and_repeated_task_ids_are_taken_apart() {
    let accepted = Canned::new(200, &[], include_str!("../fixtures/refresh.json")).submit().unwrap();
    assert_eq!(accepted.task_ids(), ["704222904", "704222905"]);
    assert_eq!(accepted.request_id(), Some("D61E4801-EAFF-4A63-AAE1-FBF6CE1CFD1C"));

    let canned = Canned::new(200, &[], include_str!("../fixtures/push.json"));
    let submission = Submission {
        operation: Operation::Prefetch,
        mode: PurgeMode::Default,
        subjects: &[&Subject::url("http://example.com/1")],
        reference: "cdn-purge-test-1",
    };
    let accepted = block_on(provider(&[]).submit(submission, &canned)).unwrap();
    assert_eq!(accepted.task_ids(), ["9524218"]);

    let number = Canned::new(200, &[], r#"{"RefreshTaskId":704222904,"RequestId":"R","New":{"a":[1]}}"#);
    assert_eq!(number.submit().unwrap().task_ids(), ["704222904"]);
}

#[test]
fn what_does_not_prove_that_a_batch_was_taken_leaves_doubt_and_says_what_came() {
    let answers = [
        (200, "", "an empty body"),
        (200, "  \n", "an empty body"),
        (200, "<html><body>Sign in to the guest network</body></html>", "HTML"),
        (200, "{\"RefreshTaskId\":\"70422", "breaks off after 23 bytes"),
        (200, "hello", "5 bytes"),
        (200, "[]", "not an object"),
        (200, "{}", "without a task id"),
        (200, r#"{"RequestId":"R"}"#, "without a task id"),
        (200, r#"{"RefreshTaskId":"","RequestId":"R"}"#, "without a task id"),
        (200, r#"{"RefreshTaskId":" , ,","RequestId":"R"}"#, "without a task id"),
        (200, r#"{"RefreshTaskId":null,"RequestId":"R"}"#, "without a task id"),
        (200, r#"{"RefreshTaskId":["1"],"RequestId":"R"}"#, "without a task id"),
        (200, r#"{"RefreshTaskId":"<script>","RequestId":"R"}"#, "without a task id"),
        (200, r#"{"PushTaskId":"1","RequestId":"R"}"#, "without a task id"),
        (200, r#"{"RefreshTaskId":"1"}"#, "without a request id"),
        (200, r#"{"Code":"Throttling","RequestId":"R"}"#, "with the code `Throttling`"),
        (204, "", "without a code"),
        (201, r#"{"RefreshTaskId":"1","RequestId":"R"}"#, "without a code"),
    ];
    for (code, body, seen) in answers {
        let error = Canned::new(code, &[], body).submit().unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Ambiguous, "{body}");
        assert!(error.message.contains(seen), "{body}: {}", error.message);
        assert_eq!(error.status, Some(code));
    }
    let nested = "[".repeat(100_000);
    assert_eq!(Canned::new(200, &[], nested).submit().unwrap_err().kind, ApiErrorKind::Ambiguous);
    let long = format!(r#"{{"RefreshTaskId":"{}","RequestId":"R"}}"#, "1".repeat(65));
    assert_eq!(Canned::new(200, &[], long).submit().unwrap_err().kind, ApiErrorKind::Ambiguous);
}

#[test]
fn a_redirect_is_named_and_not_followed() {
    for (status, location, seen) in [
        (301, "https://evil.example:8443/?a=b", "`evil.example`"),
        (307, "/login", "another path of the same host"),
        (302, "\t", "another path"),
    ] {
        let error = Canned::new(status, &[("location", location)], "").submit().unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Ambiguous);
        assert!(error.message.contains(seen), "{}", error.message);
        assert!(error.message.contains("nothing is sent there"));
    }
    assert!(Canned::new(308, &[], "").submit().unwrap_err().message.contains("nowhere"));
}

#[test]
fn a_read_that_cannot_be_read_is_a_server_error() {
    let unreadable =
        ["", "<html>", "{\"Tasks\":", "{}", r#"{"Tasks":7,"RequestId":"R"}"#, r#"{"Code":"X","RequestId":"R"}"#];
    for body in unreadable {
        let canned = Canned::new(200, &[], body);
        assert_eq!(status(&canned).unwrap_err().kind, ApiErrorKind::Server, "{body}");
        let records = block_on(provider(&[]).records(&RecordFilter::default(), 1, &canned));
        assert_eq!(records.unwrap_err().kind, ApiErrorKind::Server, "{body}");
    }
    for body in ["", "<html>", "{", "{}", r#"{"Code":"X","RequestId":"R"}"#] {
        assert_eq!(quota(body).unwrap_err().kind, ApiErrorKind::Server, "{body}");
    }
    let redirect = Canned::new(302, &[("location", "https://elsewhere.example/")], "");
    assert_eq!(status(&redirect).unwrap_err().kind, ApiErrorKind::Server);
}

#[test]
fn rows_are_read_plain_and_nested_with_words_compared_without_case() {
    let page = status(&Canned::new(200, &[], include_str!("../fixtures/tasks-by-id.json"))).unwrap();
    assert_eq!(page.total, 3);
    let states: Vec<_> = page.rows.iter().map(|record| record.state.clone()).collect();
    assert_eq!(states, [TaskState::Complete, TaskState::Failed("Internal Error".into()), TaskState::Running]);
    let percents: Vec<_> = page.rows.iter().map(|record| record.percent).collect();
    assert_eq!(percents, [Some(100.0), Some(10.0), Some(99.37)]);
    assert_eq!(page.rows[0].url, "http://example.com/examplefile.txt");
    assert_eq!(page.rows[2].status, "Pending");

    let page = status(&Canned::new(200, &[], include_str!("../fixtures/tasks.json"))).unwrap();
    assert_eq!((page.total, page.rows.len()), (2, 2));
    assert_eq!(page.rows[1].state, TaskState::Complete);
    assert_eq!((page.rows[1].task_id.as_str(), page.rows[1].kind.as_str()), ("704222905", "preload"));
    assert_eq!(page.rows[1].created, Some("2020-08-03T08:54:24Z".parse().unwrap()));
}

#[test]
fn an_absent_list_is_an_empty_one_and_an_unknown_word_is_not_finished() {
    for body in [
        r#"{"RequestId":"R"}"#,
        r#"{"RequestId":"R","Tasks":null,"TotalCount":null}"#,
        r#"{"RequestId":"R","Tasks":[]}"#,
        r#"{"Tasks":[]}"#,
        r#"{"RequestId":"R","Tasks":{"Task":[]},"TotalCount":"0"}"#,
        r#"{"RequestId":"R","Tasks":{}}"#,
        r#"{"RequestId":"R","Tasks":{"CDNTask":null},"TotalCount":0}"#,
    ] {
        assert_eq!(status(&Canned::new(200, &[], body)).unwrap(), Page::default(), "{body}");
    }
    for word in ["\"Complte\"", "\"\"", "null", "7", "\"Success\""] {
        let body = format!(r#"{{"RequestId":"R","Tasks":[{{"TaskId":"1","Status":{word},"Process":"n/a"}}]}}"#);
        let page = status(&Canned::new(200, &[], body)).unwrap();
        assert_eq!((&page.rows[0].state, page.rows[0].percent), (&TaskState::Running, None), "{word}");
    }
    let failed = status(&Canned::new(200, &[], r#"{"RequestId":"R","Tasks":[{"Status":"FAILED"}]}"#)).unwrap();
    assert_eq!(failed.rows[0].state, TaskState::Failed("no description".into()));
}

#[test]
fn a_quota_is_read_from_text_and_numbers_and_what_is_missing_is_left_out() {
    let entry = |operation, limit, remaining| QuotaEntry { operation, limit, remaining };
    assert_eq!(
        quota(include_str!("../fixtures/quota-text.json")).unwrap().entries,
        [
            entry(FILES, 10_000, 9_996),
            entry(Operation::Refresh(RefreshKind::Directory), 100, 99),
            entry(Operation::Refresh(RefreshKind::Regex), 20, 10),
            entry(Operation::Prefetch, 500, 400),
        ]
    );
    assert_eq!(
        quota(include_str!("../fixtures/quota-numbers.json")).unwrap().entries,
        [
            entry(FILES, 10_000, 0),
            entry(Operation::Refresh(RefreshKind::AnyQuery), 2_000, 2_000),
            entry(Operation::Prefetch, 500, 0),
        ]
    );
    assert_eq!(quota(r#"{"RequestId":"R"}"#).unwrap(), Quota::default());
}

proptest::proptest! {
    #[test]
    fn no_answer_makes_it_panic(status_code in 100_u16..=599, body: Vec<u8>, header in "[ -~]{0,40}") {
        let names = ["location", "date", "x-acs-retry-after", "retry-after", "x-acs-request-id"];
        let headers: Vec<_> = names.iter().map(|name| (*name, header.as_str())).collect();
        let canned = Canned::new(status_code, &headers, body);
        proptest::prop_assert!(canned.submit().is_err());
        proptest::prop_assert!(status(&canned).is_err());
    }
}

#[test]
fn a_time_is_read_with_its_offset_without_one_and_as_a_number() {
    let created = |time: &str| {
        let body = format!(r#"{{"RequestId":"R","Tasks":[{{"TaskId":"1","CreationTime":{time}}}]}}"#);
        status(&Canned::new(200, &[], body)).unwrap().rows[0].created
    };
    let noon = Some("2026-11-22T12:00:00Z".parse().unwrap());
    for time in [
        r#""2026-11-22T12:00:00Z""#,
        r#""2026-11-22T20:00:00+08:00""#,
        r#""2026-11-22T12:00:00""#,
        r#""2026-11-22 12:00:00""#,
        "1795348800",
        "1795348800000",
    ] {
        assert_eq!(created(time), noon, "{time}");
    }
    assert_eq!(created(r#""yesterday""#), None);
}
