//! What each error allows to do next.

use std::time::Duration;

use super::*;
use crate::provider::ApiErrorKind::{
    self, Ambiguous, Clock, Credentials as Keys, Denied, Expired, Forbidden, QuotaSpent, Refused, Server, Throttled,
    TooLarge, Undocumented,
};

/// Code, status, what may be done next, seconds to wait. The statuses are those of the documentation, which names
/// several for some codes.
const DOCUMENTED: &[(&str, u16, ApiErrorKind, u64)] = &[
    ("Throttling", 400, Throttled, 0),
    ("Throttling.User", 400, Throttled, 0),
    ("Throttling.User", 503, Throttled, 0),
    ("Throttling.Api", 503, Throttled, 0),
    ("Rejected.Throttling", 400, Throttled, 0),
    ("TooManyRequests", 429, Throttled, 0),
    ("ServiceUnavailable", 503, Server, 0),
    ("ServiceUnAvailable", 503, Server, 0),
    ("InternalError", 500, Server, 0),
    ("UnknownError", 500, Server, 0),
    ("ServiceBusy", 403, Throttled, 30),
    ("SystemBusy", 403, Throttled, 30),
    ("QuotaPerMinuteExceeded.Refresh", 400, Throttled, 60),
    ("TooMany.Refresh", 400, Throttled, 60),
    ("PreloadQueueFull", 400, Throttled, 60),
    ("PreloadQueueFull", 403, Throttled, 60),
    ("QuotaExceeded.Refresh", 400, QuotaSpent, 0),
    ("QuotaExceeded.Preload", 400, QuotaSpent, 0),
    ("SingleRequest.OverLimit", 400, TooLarge, 0),
    ("InvalidObjectPath.ExceedsMaximum", 400, TooLarge, 0),
    ("InvalidObjectPath.Size.Malformed", 400, TooLarge, 0),
    ("InvalidObjectPath.Malformed", 400, Refused, 0),
    ("ObjectPath.Malformed", 400, Refused, 0),
    ("MissingParameter", 400, Denied, 0),
    ("InvalidObjectType.Malformed", 400, Denied, 0),
    ("InvalidObjectType.ValueNotSupported", 400, Denied, 0),
    ("InvalidExtensiveDomain.ValueNotSupported", 400, Refused, 0),
    ("InvalidCustomHeader", 400, Denied, 0),
    ("InvalidDomain.NotFound", 404, Refused, 0),
    ("InvalidDomain.Offline", 404, Refused, 0),
    ("InvalidDomain.Configure_failed", 500, Refused, 0),
    ("IllegalOperation", 403, Denied, 0),
    ("OperationDenied", 403, Denied, 0),
    ("OperationDenied.Suspended", 403, Denied, 0),
    ("AccountArrears", 400, Denied, 0),
    ("InsufficientBalance", 400, Denied, 0),
    ("Forbidden", 403, Forbidden, 0),
    ("Forbidden.RAM", 403, Forbidden, 0),
    ("NoPermission", 403, Forbidden, 0),
    ("InvalidTaskId.Malformed", 400, Refused, 0),
    ("MissingParameter.ObjectType", 400, Denied, 0),
    ("MissingTimeParameter", 400, Denied, 0),
    ("InvalidTime", 400, Denied, 0),
    ("InvalidStartTime.Malformed", 400, Denied, 0),
    ("InvalidEndTime.Mismatch", 400, Denied, 0),
    ("InvalidStatus.ValueNotSupported", 400, Denied, 0),
    ("DomainNameOverLimit", 500, Denied, 0),
    ("SignatureDoesNotMatch", 400, Keys, 0),
    ("SignatureDoesNotMatch", 403, Keys, 0),
    ("SignatureNonceUsed", 400, Ambiguous, 0),
    ("InvalidTimeStamp.Expired", 400, Clock, 0),
    ("InvalidTimeStamp.Format", 400, Denied, 0),
    ("InvalidAccessKeyId.NotFound", 404, Keys, 0),
    ("InvalidAccessKeyId.Inactive", 400, Keys, 0),
    ("InvalidSecurityToken.Expired", 400, Expired, 0),
    ("InvalidSecurityToken.Malformed", 400, Keys, 0),
    ("InvalidSecurityToken.MismatchWithAccessKey", 400, Keys, 0),
    ("MissingSecurityToken", 400, Keys, 0),
];

#[test]
fn every_documented_code_is_read_as_what_may_be_done_next() {
    for (code, status, kind, wait) in DOCUMENTED {
        for code in [(*code).to_owned(), code.to_ascii_lowercase()] {
            let error = refusing(*status, &code).submit().unwrap_err();
            assert_eq!(error.kind, *kind, "{code}");
            assert_eq!(error.retry_after, (*wait > 0).then(|| Duration::from_secs(*wait)), "{code}");
            assert_eq!(error.code.as_ref(), Some(&code));
            assert_eq!((error.status, error.request_id.as_deref()), (Some(*status), Some("R-1")));
        }
    }
}

#[test]
fn every_row_of_the_table_is_met_by_a_documented_code() {
    let format = &super::super::answer::ERROR_FORMAT;
    for row in format.codes {
        for pattern in row.patterns {
            // These two are the gateway's answer to a call it doesn't know, which the list of a single API doesn't hold.
            let elsewhere = ["InvalidAction*", "InvalidVersion*"].contains(pattern);
            let begins = |code: &str| match pattern.strip_suffix('*') {
                Some(start) => code.starts_with(start),
                None => code == *pattern,
            };
            let met =
                |code: &str| begins(code) && format.meaning(code, None).is_some_and(|found| std::ptr::eq(found, row));
            assert!(elsewhere || DOCUMENTED.iter().any(|(code, ..)| met(code)), "{pattern}");
        }
    }
}

#[test]
fn an_unknown_code_proves_nothing_about_a_submission() {
    assert_eq!(refusing(400, "Novel.Code").submit().unwrap_err().kind, Undocumented);
    assert_eq!(refusing(502, "Novel.Code").submit().unwrap_err().kind, Server);
}

#[test]
fn a_status_without_a_code_is_read_by_the_status() {
    let expected = [
        (400, Ambiguous),
        (403, Ambiguous),
        (404, Ambiguous),
        (413, TooLarge),
        (414, TooLarge),
        (429, Throttled),
        (500, Server),
        (502, Server),
        (503, Server),
        (504, Server),
    ];
    for (status, kind) in expected {
        let error = Canned::new(status, &[], "<html>no</html>").submit().unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
    }
}

#[test]
fn an_error_is_read_in_every_shape_the_gateways_use() {
    let json = Canned::new(404, &[], include_str!("../fixtures/error.json")).submit().unwrap_err();
    assert_eq!((json.kind, json.code.as_deref()), (Refused, Some("InvalidDomain.NotFound")));
    assert_eq!(json.message, "The domain provided does not belong to you.");
    assert!(json.help.unwrap().contains("belong to the account"));

    let lower = Canned::new(400, &[], include_str!("../fixtures/error-lower-case.json")).submit().unwrap_err();
    assert_eq!((lower.kind, lower.request_id.as_deref()), (Throttled, Some("7463B73D-35CC-4D19-A010-6B8D65D242EF")));

    let xml = Canned::new(403, &[], include_str!("../fixtures/error.xml")).submit().unwrap_err();
    assert_eq!((xml.kind, xml.code.as_deref()), (Forbidden, Some("Forbidden.RAM")));
    assert_eq!(xml.message, "User not authorized to operate on <resource> & more.");
    assert_eq!(xml.help.as_deref(), Some("grant `cdn:RefreshObjectCaches` to the RAM user or role"));
}

#[test]
fn the_request_id_of_the_header_stands_in_for_a_missing_one() {
    let error = Canned::new(500, &[("x-acs-request-id", "H-1")], r#"{"Code":"InternalError"}"#).submit().unwrap_err();
    assert_eq!(error.request_id.as_deref(), Some("H-1"));
    assert_eq!(error.message, "no message");
}

#[test]
fn a_header_that_asks_to_wait_means_throttling_and_is_held_within_bounds() {
    let with = |status, code: &str, header: &str, value: &str| {
        let body = format!(r#"{{"Code":"{code}","RequestId":"R"}}"#);
        let error = Canned::new(status, &[(header, value)], body).submit().unwrap_err();
        (error.kind, error.retry_after)
    };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(with(400, "Novel", "x-acs-retry-after", "2500"), (Undocumented, Some(Duration::from_millis(2_500))));
    assert_eq!(with(503, "ServiceUnavailable", "x-acs-retry-after", "1000"), (Server, seconds(1)));
    assert_eq!(with(503, "Throttling.User", "x-acs-retry-after", "1000"), (Throttled, seconds(1)));
    assert_eq!(with(400, "Throttling.User", "x-acs-retry-after", "999999999"), (Throttled, seconds(120)));
    assert_eq!(with(400, "TooMany.Refresh", "x-acs-retry-after", "5"), (Throttled, seconds(60)));
    assert_eq!(with(400, "QuotaExceeded.Refresh", "x-acs-retry-after", "1000"), (QuotaSpent, seconds(1)));
    assert_eq!(with(429, "TooManyRequests", "retry-after", "7"), (Throttled, seconds(7)));
    for nonsense in ["-1", "0", "soon", "", "1e9", "99999999999999999999999", "Wed, 21 Oct 2015 07:28:00 GMT"] {
        assert_eq!(with(503, "ServiceUnavailable", "x-acs-retry-after", nonsense), (Server, None), "{nonsense}");
    }
    let without_code = Canned::new(503, &[("x-acs-retry-after", "1000")], "").submit().unwrap_err();
    assert_eq!((without_code.kind, without_code.retry_after), (Server, seconds(1)));
}

#[test]
fn the_servers_clock_is_taken_unless_the_answer_lay_in_a_cache() {
    let date = ("date", "Sun, 22 Nov 2026 01:11:54 GMT");
    let body = r#"{"Code":"InvalidTimeStamp.Expired","RequestId":"R"}"#;
    let error = Canned::new(400, &[date], body).submit().unwrap_err();
    assert_eq!((error.kind, error.server_time), (Clock, Some("2026-11-22T01:11:54Z".parse().unwrap())));
    assert_eq!(Canned::new(400, &[date, ("age", "30")], body).submit().unwrap_err().server_time, None);
    assert_eq!(Canned::new(400, &[("date", "yesterday")], body).submit().unwrap_err().server_time, None);
}

#[test]
fn a_servers_message_is_cut_and_counted_in_characters() {
    let body =
        serde_json::json!({"Code": "C".repeat(5_000), "Message": "é".repeat(5_000), "RequestId": "R".repeat(5_000)});
    let error = Canned::new(400, &[], body.to_string()).submit().unwrap_err();
    assert_eq!(error.message.chars().count(), 1_000);
    assert_eq!(error.code.unwrap().len(), 128);
    assert_eq!(error.request_id.unwrap().len(), 128);
}

#[test]
fn a_refused_signature_tells_a_wrong_secret_from_an_altered_request_and_shows_neither_text() {
    for options in [vec![], vec![v1()]] {
        let mut line = line(EmulatorSettings { access_key_secret: "another".into(), ..EmulatorSettings::default() });
        let urls: Vec<_> = (0..500).map(|n| format!("http://example.com/{n}/a.path.ends.")).collect();
        let urls: Vec<_> = urls.iter().map(String::as_str).collect();
        let error = line.submit(&*provider(&options), FILES, &urls).unwrap_err();
        assert_eq!(error.kind, Keys);
        assert_eq!(error.message, "Specified signature is not matched with our calculation");
        assert!(error.help.unwrap().contains("secret is wrong"));

        line.tamper = Some(Box::new(|mut request| {
            *request.uri_mut() =
                format!("{}{}Extra=1", request.uri(), if request.uri().query().is_some() { "&" } else { "?" })
                    .parse()
                    .unwrap();
            request
        }));
        let error = line.submit(&*provider(&options), FILES, &urls).unwrap_err();
        assert_eq!(error.kind, Keys);
        assert!(error.help.unwrap().contains("alters the request"));
        assert_eq!(line.accepted(), 0);
    }
}
