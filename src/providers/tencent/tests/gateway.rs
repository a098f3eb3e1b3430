//! Our requests at the vendor's gateway, as they are and after someone touched them; and what each refusal allows.

use http::HeaderValue;

use super::super::codes::CODES;
use super::*;

fn error_after(tamper: impl Fn(Request<Bytes>) -> Request<Bytes> + 'static) -> ApiError {
    let mut line = friendly();
    line.tamper = Some(Box::new(tamper));
    let error = line.submit(&*provider(&[]), FILES, &[URL]).unwrap_err();
    assert_eq!(line.accepted(), 0);
    error
}

fn with_header(name: &'static str, value: &'static str) -> impl Fn(Request<Bytes>) -> Request<Bytes> {
    move |mut request| {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
        request
    }
}

#[test]
fn a_request_that_someone_touched_is_refused() {
    let changed_body = |mut request: Request<Bytes>| {
        *request.body_mut() = String::from_utf8_lossy(request.body()).replace("com/1", "com/2").into_bytes().into();
        request
    };
    assert_eq!(error_after(changed_body).code.as_deref(), Some("AuthFailure.SignatureFailure"));
    for (name, value, code) in [
        ("host", "elsewhere.example", "AuthFailure.SignatureFailure"),
        ("content-type", "text/plain", "AuthFailure.SignatureFailure"),
        ("x-tc-timestamp", "1763772715", "AuthFailure.SignatureFailure"),
        ("x-tc-token", "unsigned", "AuthFailure.TokenFailure"),
        ("authorization", "TC3-HMAC-SHA256 Credential=x", "AuthFailure.InvalidAuthorization"),
        ("x-tc-action", "DropEverything", "InvalidAction"),
    ] {
        assert_eq!(error_after(with_header(name, value)).code.as_deref(), Some(code), "{name}");
    }
}

#[test]
fn a_clock_may_be_off_by_five_minutes_and_is_corrected_by_the_servers() {
    for minutes in [-20, 6, 60 * 24 * 365] {
        let line = friendly();
        line.skew.set(SignedDuration::from_mins(minutes));
        let error = line.submit(&*provider(&[]), FILES, &[URL]).unwrap_err();
        assert_eq!((error.kind, error.server_time), (ApiErrorKind::Clock, Some(start())));
        line.correct_clock(error.server_time.unwrap());
        line.submit(&*provider(&[]), FILES, &[URL]).unwrap();
    }
    let line = friendly();
    line.skew.set(SignedDuration::from_mins(-5));
    line.submit(&*provider(&[]), FILES, &[URL]).unwrap();
}

#[test]
fn an_error_inside_a_success_is_an_error_with_the_vendors_words() {
    let error = ok(include_str!("../fixtures/error.json")).submit().unwrap_err();
    assert_eq!((error.kind, error.status), (ApiErrorKind::Credentials, Some(200)));
    assert_eq!(error.request_id.as_deref(), Some("ed93f3cb-f35e-473f-b9f3-0d451b8b79c6"));
    assert!(error.message.contains("check your signature") && error.help.is_some(), "{error}");
    // A task id along with an error is worth nothing.
    let both =
        r#"{"Response":{"TaskId":"1","Error":{"Code":"LimitExceeded.CdnPurgeUrlExceedDayLimit","Message":"m"}}}"#;
    assert_eq!(ok(both).submit().unwrap_err().kind, ApiErrorKind::QuotaSpent);
}

#[test]
fn every_code_has_its_kind_whatever_the_status() {
    for (row, code) in CODES.iter().flat_map(|row| row.patterns.iter().map(move |code| (row, code.replace('*', "")))) {
        for status in [200, 400, 500] {
            let body = format!(r#"{{"Response":{{"Error":{{"Code":"{code}","Message":"words"}}}}}}"#);
            let error = Canned::new(status, &[], body).submit().unwrap_err();
            assert_eq!((error.kind, error.code.as_deref()), (row.kind, Some(&*code)), "{status}");
        }
    }
    assert_eq!(refusing("InternalError.CdnDbError").submit().unwrap_err().kind, ApiErrorKind::Server);
    // A code that nobody documents proves nothing.
    assert_eq!(refusing("Novel.Code").submit().unwrap_err().kind, ApiErrorKind::Undocumented);
}

#[test]
fn a_missing_permission_is_named() {
    let error = refusing("UnauthorizedOperation.CdnCamUnauthorized").submit().unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Forbidden);
    assert_eq!(error.help.as_deref(), Some("grant `cdn:PurgeUrlsCache` to the CAM user or role"));
    let line = line(&EmulatorSettings { forbid: vec!["PurgeUrlsCache".into()], ..EmulatorSettings::default() });
    let error = line.submit(&*provider(&[]), FILES, &[URL]).unwrap_err();
    assert_eq!((error.kind, line.accepted()), (ApiErrorKind::Forbidden, 0));
}

#[test]
fn throttling_waits_as_long_as_the_server_says_and_a_second_where_it_does_not() {
    let body = r#"{"Response":{"Error":{"Code":"RequestLimitExceeded","Message":"m"},"RequestId":"R"}}"#;
    let wait = |headers: &[(&str, &str)]| {
        let error = Canned::new(200, headers, body).submit().unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Throttled);
        error.retry_after.map(|wait| wait.as_secs())
    };
    assert_eq!((wait(&[]), wait(&[("retry-after", "7")])), (Some(1), Some(7)));
}

#[test]
fn what_does_not_prove_that_a_batch_was_taken_leaves_doubt_and_says_what_came() {
    for (body, seen) in [
        ("", "an empty body"),
        ("<html><body>Sign in to the guest network</body></html>", "HTML"),
        ("{\"Response\":{\"TaskId\":\"15161", "breaks off after 28 bytes"),
        ("[]", "not an object"),
        ("{}", "without a task id"),
        (r#"{"Response":{}}"#, "without a task id"),
        (r#"{"Response":[]}"#, "without a task id"),
        (r#"{"Response":{"TaskId":null}}"#, "without a task id"),
        (r#"{"Response":{"TaskId":"../../x"}}"#, "without a task id"),
    ] {
        let error = ok(body).submit().unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Ambiguous, "{body}");
        assert!(error.message.contains(seen), "{body}: {}", error.message);
    }
}
