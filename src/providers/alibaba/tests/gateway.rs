//! Our requests at the vendor's gateway, as they are and after someone touched them.

use http::{HeaderValue, Method};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::provider::ApiErrorKind;

/// Both schemes, by a target's options.
fn schemes() -> [Vec<(&'static str, OptionValue)>; 2] {
    [vec![], vec![v1()]]
}

fn code_after(
    options: &[(&'static str, OptionValue)],
    tamper: impl Fn(Request<Bytes>) -> Request<Bytes> + 'static,
) -> String {
    let mut line = friendly();
    line.tamper = Some(Box::new(tamper));
    let error = line.submit(&*provider(options), FILES, &["http://example.com/1"]).unwrap_err();
    assert_eq!(line.accepted(), 0);
    error.code.unwrap()
}

fn with_uri(mut request: Request<Bytes>, change: impl Fn(String) -> String) -> Request<Bytes> {
    *request.uri_mut() = change(request.uri().to_string()).parse().unwrap();
    request
}

#[test]
fn a_request_that_someone_touched_is_refused() {
    for options in schemes() {
        let changed_body = |mut request: Request<Bytes>| {
            *request.body_mut() = String::from_utf8_lossy(request.body()).replace("%2F1", "%2F2").into_bytes().into();
            request
        };
        assert_eq!(code_after(&options, changed_body), "SignatureDoesNotMatch");
        let changed_method = |mut request: Request<Bytes>| {
            *request.method_mut() = Method::GET;
            request
        };
        assert_eq!(code_after(&options, changed_method), "SignatureDoesNotMatch");
        let added = |request| {
            with_uri(request, |uri| format!("{uri}{}Area=overseas", if uri.contains('?') { "&" } else { "?" }))
        };
        assert_eq!(code_after(&options, added), "SignatureDoesNotMatch");
    }
    let version = |request| with_uri(request, |uri| uri.replace("RefreshObjectCaches", "PushObjectCache"));
    assert_eq!(code_after(&[v1()], version), "SignatureDoesNotMatch");
    for (name, value) in [("x-acs-action", "PushObjectCache"), ("host", "elsewhere.example"), ("x-acs-new", "unsigned")]
    {
        let changed = move |mut request: Request<Bytes>| {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
            request
        };
        assert_eq!(code_after(&[], changed), "SignatureDoesNotMatch", "{name}");
    }
}

#[test]
fn a_request_without_its_proof_is_refused() {
    let anonymous = |mut request: Request<Bytes>| {
        request.headers_mut().remove("authorization");
        with_uri(request, |_| {
            "https://cdn.aliyuncs.com/?Action=RefreshObjectCaches&Version=2018-05-10&Format=JSON".into()
        })
    };
    assert_eq!(code_after(&[], anonymous), "MissingParameter");
    let no_nonce = |mut request: Request<Bytes>| {
        request.headers_mut().remove("x-acs-signature-nonce");
        request
    };
    assert_eq!(code_after(&[], no_nonce), "MissingParameter");
    let other_key = |mut request: Request<Bytes>| {
        let changed = request.headers()["authorization"].to_str().unwrap().replace("demonstration-key", "other");
        request.headers_mut().insert("authorization", changed.parse().unwrap());
        request
    };
    assert_eq!(code_after(&[], other_key), "InvalidAccessKeyId.NotFound");
    let other_key = |request| with_uri(request, |uri| uri.replace("demonstration-key", "other"));
    assert_eq!(code_after(&[v1()], other_key), "InvalidAccessKeyId.NotFound");
    let other_path = |request| with_uri(request, |uri| uri.replace(".com/", ".com/elsewhere"));
    assert_eq!(code_after(&[v1()], other_path), "InvalidAction.NotFound");
    let unknown = |request| with_uri(request, |uri| uri.replace("RefreshObjectCaches", "DropEverything"));
    assert_eq!(code_after(&[v1()], unknown), "InvalidAction.NotFound");
    let deleted = |mut request: Request<Bytes>| {
        *request.method_mut() = Method::DELETE;
        request
    };
    assert_eq!(code_after(&[], deleted), "UnsupportedHTTPMethod");
}

#[test]
fn a_nonce_is_taken_once() {
    for options in schemes() {
        let mut line = friendly();
        line.nonces = Nonces::Repeated;
        line.submit(&*provider(&options), FILES, &["http://example.com/1"]).unwrap();
        let error = line.submit(&*provider(&options), FILES, &["http://example.com/1"]).unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ApiErrorKind::Ambiguous, Some("SignatureNonceUsed")));
        assert_eq!(line.accepted(), 1);
        line.pass(31 * 60);
        line.submit(&*provider(&options), FILES, &["http://example.com/1"]).unwrap();
    }
}

#[test]
fn a_clock_may_be_off_by_15_minutes_and_is_corrected_by_the_servers() {
    for options in schemes() {
        for minutes in [-20, 20, 60 * 24 * 365] {
            let line = friendly();
            line.skew.set(SignedDuration::from_mins(minutes));
            let error = line.submit(&*provider(&options), FILES, &["http://example.com/1"]).unwrap_err();
            assert_eq!((error.kind, error.server_time), (ApiErrorKind::Clock, Some(start())));
            line.correct_clock(error.server_time.unwrap());
            line.submit(&*provider(&options), FILES, &["http://example.com/1"]).unwrap();
        }
        let line = friendly();
        line.skew.set(SignedDuration::from_mins(-15));
        line.submit(&*provider(&options), FILES, &["http://example.com/1"]).unwrap();
    }
    let line = line(EmulatorSettings { clock_offset_seconds: 1_200, ..EmulatorSettings::default() });
    let error = line.submit(&*provider(&[]), FILES, &["http://example.com/1"]).unwrap_err();
    assert_eq!(error.server_time, Some(start() + SignedDuration::from_mins(20)));
}

#[test]
fn a_security_token_is_asked_for_and_compared() {
    let token = "a/token+with=signs==";
    for options in schemes() {
        let line = line(EmulatorSettings { security_token: Some(token.into()), ..EmulatorSettings::default() });
        let submit = |token| line.submit(&*provider_with(&options, token), FILES, &["http://example.com/1"]);
        assert!(submit(Some(token)).is_ok());
        assert_eq!(submit(None).unwrap_err().code.as_deref(), Some("MissingSecurityToken"));
        let code = submit(Some("another")).unwrap_err().code;
        assert_eq!(code.as_deref(), Some("InvalidSecurityToken.MismatchWithAccessKey"));
        assert_eq!(line.accepted(), 1);
    }
}

#[test]
fn what_can_not_be_a_request_is_an_error_and_not_sent() {
    let line = friendly();
    let long = format!("http://example.com/{}", "中".repeat(1_000));
    let error = line.submit(&*provider(&[]), Operation::Prefetch, &[&*long; 10]).unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::TooLarge);
    let error = line.submit(&*provider_with(&[], Some("token\n")), FILES, &["http://example.com/1"]).unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Credentials);
    assert!(!error.to_string().contains("token\n"));
    assert!(line.last.borrow().is_none());
}

#[test]
fn another_port_is_part_of_the_signed_host() {
    let settings = EmulatorSettings::default();
    let provider = open(ProviderContext {
        spec: &ALIBABA_CDN,
        hosts: Vec::new(),
        options: Options::new(),
        endpoint: url::Url::parse("http://127.0.0.1:18081").unwrap(),
        credentials: SharedCredentials::new(access_key(&settings)),
    });
    let line = line(settings);
    line.submit(&*provider, FILES, &["http://example.com/1"]).unwrap();
    assert_eq!(line.last_request().headers()["host"], "127.0.0.1:18081");
}

#[test]
fn the_list_of_records_refuses_what_the_documentation_says_it_refuses() {
    let refused = [
        ("TaskId=a", "InvalidTaskId.Malformed"),
        ("DomainName=example.com", "MissingParameter.ObjectType"),
        ("Status=Complete", "MissingParameter.ObjectType"),
        ("Status=Done&ObjectType=file", "InvalidStatus.ValueNotSupported"),
        ("ObjectType=thing", "InvalidObjectType.ValueNotSupported"),
        ("ObjectType=file&DomainName=a.com,b.com", "DomainNameOverLimit"),
        ("StartTime=2026-11-22T00:00:00Z", "MissingTimeParameter"),
        ("StartTime=yesterday&EndTime=2026-11-22T00:00:00Z", "InvalidStartTime.Malformed"),
        ("StartTime=2026-11-22T00:00:00Z&EndTime=today", "InvalidEndTime.Malformed"),
        ("StartTime=2026-11-22T00:00:00Z&EndTime=2026-11-21T00:00:00Z", "InvalidEndTime.Mismatch"),
        ("StartTime=2026-11-01T00:00:00Z&EndTime=2026-11-21T00:00:00Z", "InvalidTime"),
        ("StartTime=2026-12-01T00:00:00Z&EndTime=2026-12-02T00:00:00Z", "InvalidStartTime.ValueNotSupported"),
        ("PageSize=101", "InvalidParameter"),
        ("PageNumber=0", "InvalidParameter"),
    ];
    let settings = EmulatorSettings { calls_per_second: Some(100.0), ..EmulatorSettings::default() };
    let mut emulator = emulator(&ALIBABA_CDN, &settings);
    let mut ask = |query: &str, nonce: usize| {
        let endpoint = url::Url::parse("https://cdn.aliyuncs.com").unwrap();
        let pairs: Vec<(&'static str, String)> = url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (&*name.into_owned().leak(), value.into_owned()))
            .collect();
        let call = crate::provider::sign::acs::Call {
            method: Method::GET,
            endpoint: &endpoint,
            action: "DescribeRefreshTasks",
            version: "2018-05-10",
            query: pairs,
            form: Vec::new(),
        };
        let key = access_key(&settings);
        let signed = crate::provider::sign::acs3::sign(&call, &key, start(), &nonce.to_string()).unwrap();
        let response = emulator.handle(&signed.request, start());
        serde_json::from_slice::<Value>(response.body()).unwrap()
    };
    for (nonce, (query, code)) in refused.into_iter().enumerate() {
        assert_eq!(ask(query, nonce)["Code"], code, "{query}");
    }
    let all = "ObjectType=file&DomainName=example.com&Status=Complete&PageSize=100&PageNumber=2\
        &StartTime=2026-11-21T00:00:00Z&EndTime=2026-11-22T00:00:00Z";
    assert_eq!(ask(all, 1_000)["TotalCount"], 0);
}

proptest! {
    #[test]
    fn whatever_the_url_and_the_headers_our_signature_is_accepted(
        path in "[^\\p{C}\\p{Z}]{0,60}",
        value in "\\PC{0,20}",
        prefetch: bool,
        v1_scheme: bool,
    ) {
        let url = format!("http://example.com/{path}");
        let headers = [("X-Name".to_owned(), vec![value])].into();
        let mut options = vec![("headers", OptionValue::Headers(headers))];
        options.extend(v1_scheme.then(v1));
        let operation = if prefetch { Operation::Prefetch } else { FILES };
        let line = friendly();
        let accepted = line.submit(&*provider(&options), operation, &[&url]);
        prop_assert!(accepted.is_ok(), "{:?}", accepted);
        let ledger = line.emulator.borrow().ledger().to_vec();
        prop_assert_eq!(&ledger[0].url, &url);
    }
}
