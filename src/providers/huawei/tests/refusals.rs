//! What each error allows to do next.

use super::super::codes::CODES;
use super::*;
use crate::provider::ApiErrorKind::{
    self, Ambiguous, Clock, Credentials as Keys, Denied, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge,
    Undocumented,
};

fn kind(canned: &Canned) -> ApiErrorKind {
    canned.submit().unwrap_err().kind
}

#[test]
fn every_documented_code_has_its_kind_in_every_shape_and_with_every_status() {
    for (row, code) in CODES.iter().flat_map(|row| row.patterns.iter().map(move |code| (row, *code))) {
        let nested = format!(r#"{{"error":{{"error_code":"{code}","error_msg":"words"}}}}"#);
        let flat = format!(r#"{{"error_code":"{code}","error_msg":"words","request_id":"R"}}"#);
        let other = format!(r#"{{"code":"{code}","message":"words"}}"#);
        let camel = format!(r#"{{"errorCode":"{code}","errorMsg":"words"}}"#);
        for body in [nested, flat, other, camel] {
            let statuses = row.status.map_or(vec![200, 403, 404, 409], |status| vec![status]);
            for status in statuses {
                let error = Canned::new(status, &[], body.clone()).submit().unwrap_err();
                assert_eq!((error.kind, error.code.as_deref()), (row.kind, Some(code)), "{status} {body}");
                assert_eq!(error.message, "words");
            }
        }
    }
}

#[test]
fn no_code_is_listed_twice_and_all_are_told_apart() {
    let mut codes: Vec<_> =
        CODES.iter().flat_map(|row| row.patterns.iter().map(move |code| (*code, row.status))).collect();
    codes.sort_unstable();
    let count = codes.len();
    codes.dedup();
    assert_eq!(codes.len(), count);
}

#[test]
fn a_business_error_in_a_success_is_an_error_and_no_success() {
    let error =
        Canned::new(200, &[("x-request-id", "R-7")], include_str!("../fixtures/error.json")).submit().unwrap_err();
    assert_eq!((error.kind, error.status, error.code.as_deref()), (Refused, Some(200), Some("CDN.0105")));
    assert_eq!(error.request_id.as_deref(), Some("R-7"));
    assert!(error.help.unwrap().contains("the domain must belong"));
    // A task id along with an error is worth nothing.
    let both = r#"{"refresh_task":"1","error":{"error_code":"CDN.0005","error_msg":"m"}}"#;
    assert_eq!(kind(&Canned::new(200, &[], both)), QuotaSpent);
    let none = r#"{"refresh_task":"1","error":null}"#;
    assert!(Canned::new(200, &[], none).submit().is_ok());
}

#[test]
fn both_spellings_of_the_gateway_are_one() {
    for code in ["APIGW.0308", "APIG.0308", "apigw.0308"] {
        let is_known = kind(&refusing(429, code)) == Throttled;
        assert!(is_known, "{code}");
    }
    let error = Canned::new(401, &[], include_str!("../fixtures/error-gateway.json")).submit().unwrap_err();
    assert_eq!((error.kind, error.request_id.as_deref()), (Keys, Some("5ecb1f5d1b1c11f0")));
    assert!(error.help.unwrap().contains("five refused signatures"));
}

#[test]
fn an_unknown_code_is_read_by_its_status() {
    let statuses = [
        (200, Undocumented),
        (400, Undocumented),
        (401, Keys),
        (403, Forbidden),
        (429, Throttled),
        (500, Server),
        (503, Server),
    ];
    for (status, expected) in statuses {
        assert_eq!(kind(&refusing(status, "CDN.9999")), expected, "{status}");
    }
}

#[test]
fn without_a_code_the_status_decides_and_a_401_is_never_tried_again() {
    let statuses = [(401, Keys), (403, Ambiguous), (413, TooLarge), (414, TooLarge), (429, Throttled), (502, Server)];
    for (status, expected) in statuses {
        assert_eq!(kind(&Canned::new(status, &[], "<html></html>")), expected, "{status}");
    }
    assert_eq!(kind(&refusing(413, "APIGW.0201")), TooLarge);
    assert_eq!(kind(&refusing(400, "APIGW.0201")), Denied);
}

#[test]
fn a_refused_signature_is_the_clocks_fault_if_the_server_says_another_time() {
    let date = |date: &'static str| [("date", date)];
    for code in ["APIGW.0301", "APIGW.0303", "CDN.0002"] {
        let body = format!(r#"{{"error_code":"{code}","error_msg":"words"}}"#);
        let with = |headers: &[(&str, &str)]| Canned::new(401, headers, body.clone()).submit().unwrap_err();
        let off = with(&date("Sun, 22 Nov 2026 01:11:54 GMT"));
        assert_eq!((off.kind, off.server_time), (Clock, Some("2026-11-22T01:11:54Z".parse().unwrap())));
        assert_eq!(with(&date("Sun, 22 Nov 2026 01:01:54 GMT")).kind, Keys);
        assert_eq!(with(&date("yesterday")).kind, Keys);
        assert_eq!(with(&[("date", "Sun, 22 Nov 2026 01:11:54 GMT"), ("age", "30")]).kind, Keys);
        assert_eq!(with(&[]).kind, Keys);
    }
}

#[test]
fn a_wait_is_taken_from_the_header_and_kept_short() {
    for (header, seconds) in [("7", Some(7)), ("9999", Some(120)), ("0", None), ("soon", None)] {
        let body = r#"{"error_code":"APIGW.0308","error_msg":"m"}"#;
        let error = Canned::new(429, &[("retry-after", header)], body).submit().unwrap_err();
        assert_eq!(error.retry_after.map(|wait| wait.as_secs()), seconds);
    }
}

#[test]
fn a_servers_words_are_cut_and_counted_in_characters() {
    let body = serde_json::json!({"error_code": "C".repeat(5_000), "error_msg": "é".repeat(5_000), "request_id": "R".repeat(5_000)});
    let error = Canned::new(400, &[], body.to_string()).submit().unwrap_err();
    assert_eq!(error.message.chars().count(), 1_000);
    assert_eq!(error.code.unwrap().len(), 128);
    assert_eq!(error.request_id.unwrap().len(), 128);
}

#[test]
fn a_permission_and_a_project_are_named_where_they_are_missing() {
    let help = |code: &str| refusing(403, code).submit().unwrap_err().help.unwrap();
    assert!(help("CDN.0004").contains("`cdn:configuration:refreshCache`"));
    assert!(help("CDN.0020").contains("`enterprise-project`"));
}
