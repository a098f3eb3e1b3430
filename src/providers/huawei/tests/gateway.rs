//! Our requests at the vendor's gateway, as they are and after someone touched them.

use http::{HeaderValue, Method};

use super::*;
use crate::provider::ApiErrorKind;

fn error_after(tamper: impl Fn(Request<Bytes>) -> Request<Bytes> + 'static) -> ApiError {
    let mut line = friendly();
    line.tamper = Some(Box::new(tamper));
    let error = line.submit(&*provider(&[]), FILES, &[URL]).unwrap_err();
    assert_eq!(line.accepted(), 0);
    error
}

#[test]
fn a_request_that_someone_touched_is_refused() {
    let changed_body = |mut request: Request<Bytes>| {
        *request.body_mut() = String::from_utf8_lossy(request.body()).replace("com/1", "com/2").into_bytes().into();
        request
    };
    assert_eq!(error_after(changed_body).kind, ApiErrorKind::Credentials);
    let added = |mut request: Request<Bytes>| {
        *request.uri_mut() = format!("{}?enterprise_project_id=all", request.uri()).parse().unwrap();
        request
    };
    assert_eq!(error_after(added).kind, ApiErrorKind::Credentials);
    for (name, value) in [("host", "elsewhere.example"), ("x-domain-id", "unsigned"), ("x-security-token", "unsigned")]
    {
        let changed = move |mut request: Request<Bytes>| {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
            request
        };
        assert_eq!(error_after(changed).code.as_deref(), Some("APIGW.0301"), "{name}");
    }
    for missing in ["authorization", "x-sdk-date"] {
        let changed = move |mut request: Request<Bytes>| {
            request.headers_mut().remove(missing);
            request
        };
        assert_eq!(error_after(changed).code.as_deref(), Some("APIGW.0301"), "{missing}");
    }
    let deleted = |mut request: Request<Bytes>| {
        *request.method_mut() = Method::DELETE;
        request
    };
    let error = error_after(deleted);
    assert_eq!((error.kind, error.code.as_deref()), (ApiErrorKind::Denied, Some("APIGW.0101")));
}

#[test]
fn a_clock_may_be_off_by_15_minutes_and_is_corrected_by_the_servers() {
    for minutes in [-20, 20, 60 * 24 * 365] {
        let line = friendly();
        line.skew.set(SignedDuration::from_mins(minutes));
        let error = line.submit(&*provider(&[]), FILES, &[URL]).unwrap_err();
        assert_eq!((error.kind, error.server_time), (ApiErrorKind::Clock, Some(start())));
        line.correct_clock(error.server_time.unwrap());
        line.submit(&*provider(&[]), FILES, &[URL]).unwrap();
    }
    let line = friendly();
    line.skew.set(SignedDuration::from_mins(-15));
    line.submit(&*provider(&[]), FILES, &[URL]).unwrap();
}

#[test]
fn five_wrong_signatures_in_a_row_lock_the_key_for_five_minutes() {
    let line = friendly();
    let wrong = provider_with(&[], AccessKey::new("demonstration-key", "wrong".into()));
    let right = provider(&[]);
    for _ in 0..4 {
        assert!(line.submit(&*wrong, FILES, &[URL]).is_err());
    }
    line.submit(&*right, FILES, &[URL]).unwrap();
    for _ in 0..5 {
        assert!(line.submit(&*wrong, FILES, &[URL]).is_err());
    }
    let error = line.submit(&*right, FILES, &[URL]).unwrap_err();
    assert!(error.kind == ApiErrorKind::Credentials && error.message.contains("reach the limit"), "{error}");
    line.pass(300);
    line.submit(&*right, FILES, &[URL]).unwrap();
}

#[test]
fn temporary_keys_need_their_token_and_the_accounts_id_goes_with_them() {
    let line = line(EmulatorSettings { security_token: Some("a/token+==".into()), ..EmulatorSettings::default() });
    let key = |token: Option<&str>| access_key(&EmulatorSettings::default()).with_token(token.map(Into::into));
    let submit = |options: &[_], key| line.submit(&*provider_with(options, key), FILES, &[URL]);
    assert!(submit(&[], key(Some("a/token+=="))).is_ok());
    assert!(line.last_request().headers().get("x-domain-id").is_none());
    assert_eq!(submit(&[], key(None)).unwrap_err().kind, ApiErrorKind::Credentials);
    assert_eq!(submit(&[], key(Some("another"))).unwrap_err().kind, ApiErrorKind::Credentials);
    let with_account = AccessKey { account_id: Some("of-the-key".into()), ..key(Some("a/token+==")) };
    assert!(submit(&[], with_account.clone()).is_ok());
    assert_eq!(line.last_request().headers()["x-domain-id"], "of-the-key");
    assert!(submit(&[("domain-id", word("of-the-target"))], with_account).is_ok());
    assert_eq!(line.last_request().headers()["x-domain-id"], "of-the-target");
}

#[test]
fn what_can_not_be_a_request_is_an_error_and_not_sent() {
    let line = friendly();
    let key = access_key(&EmulatorSettings::default()).with_token(Some("token\n".into()));
    let error = line.submit(&*provider_with(&[], key), FILES, &[URL]).unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Credentials);
    assert!(!error.to_string().contains("token\n"));
    assert!(line.last.borrow().is_none());
}

#[test]
fn the_european_cloud_is_another_host() {
    let line = friendly();
    line.submit(&*provider(&[("region", word("europe"))]), FILES, &[URL]).unwrap();
    assert_eq!(line.last_request().uri().host(), Some("cdn.myhuaweicloud.eu"));
}

#[test]
fn a_body_of_more_than_twelve_megabytes_is_too_large() {
    let large = |mut request: Request<Bytes>| {
        *request.body_mut() = vec![b' '; (12 << 20) + 1].into();
        request
    };
    let error = error_after(large);
    assert_eq!((error.kind, error.status), (ApiErrorKind::TooLarge, Some(413)));
}
