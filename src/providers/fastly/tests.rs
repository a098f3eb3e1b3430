//! The provider against the emulator, against requests of the vendor's own clients, and against canned answers.

use emulators::EmulatorSettings;
use serde_json::{Value, json};

use super::{FASTLY, open};
use crate::model::Operation::Refresh;
use crate::model::{PurgeMode, RefreshKind, Subject};
use crate::provider::ApiErrorKind::{
    self, Ambiguous, Credentials as Keys, Denied, Forbidden, Refused, Server, Throttled,
};
use crate::provider::credentials::{Credentials, SharedCredentials};
use crate::provider::test_harness::{Canned, Line, Nonces, block_on, start};
use crate::provider::{Accepted, Api, ApiError, OptionValue, Provider, ProviderContext, Submission};

const SERVICE: &str = "SU1Z0isxPaozGVKXdv0eYx";
const URL: &str = "https://www.example.com/a/b.html";

fn provider(service: Option<&str>, token: &str) -> Box<dyn Provider> {
    open(ProviderContext {
        spec: &FASTLY,
        options: service.map(|id| ("service", OptionValue::Word(id.to_owned()))).into_iter().collect(),
        hosts: vec!["www.example.com".into()],
        endpoint: url::Url::parse("https://api.fastly.com").unwrap(),
        credentials: SharedCredentials::new(Credentials::Token(token.into())),
    })
}

fn friendly() -> Box<dyn Provider> {
    provider(Some(SERVICE), "demonstration-secret")
}

fn line(settings: EmulatorSettings) -> Line {
    Line::to(emulators::fastly::cdn(&settings), Nonces::Unneeded)
}

fn submit(
    provider: &dyn Provider,
    api: &dyn Api,
    kind: RefreshKind,
    mode: PurgeMode,
    texts: &[&str],
) -> Result<Accepted, ApiError> {
    let subjects: Vec<Subject> = texts.iter().map(|text| Subject::of(kind, text)).collect();
    let subjects: Vec<&Subject> = subjects.iter().collect();
    block_on(
        provider.submit(
            Submission { operation: Refresh(kind), mode, subjects: &subjects, reference: "cdn-purge-test-1" },
            api,
        ),
    )
}

fn kind(status: u16, body: &Value) -> ApiErrorKind {
    let canned = Canned::new(status, &[], body.to_string());
    submit(&*friendly(), &canned, RefreshKind::Url, PurgeMode::Default, &[URL]).unwrap_err().kind
}

#[test]
fn requests_are_those_of_the_vendors_own_clients_with_keys_in_the_body() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../../tests/vectors/fastly.json")).unwrap();
    for vector in &vectors {
        let (name, request) = (vector["name"].as_str().unwrap(), &vector["request"]);
        let url = url::Url::parse(request["url"].as_str().unwrap()).unwrap();
        let token = vector["credentials"]["api_token"].as_str().unwrap();
        let service = url.path().strip_prefix("/service/").map(|rest| rest.split('/').next().unwrap());
        let header = |name: &str| {
            let headers = request["headers"].as_array().unwrap();
            headers
                .iter()
                .find(|header| header[0].as_str().unwrap().eq_ignore_ascii_case(name))
                .map(|header| header[1].as_str().unwrap())
        };
        let mode = if header("fastly-soft-purge").is_some() { PurgeMode::Soft } else { PurgeMode::Default };
        let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap_or_default();
        let in_body =
            body["surrogate_keys"].as_array().map(|keys| keys.iter().map(|key| key.as_str().unwrap()).collect());
        let in_path = url.path().split_once("/purge/").filter(|_| service.is_some()).map(|(_, key)| vec![key]);
        let keys: Option<Vec<&str>> =
            in_body.or(header("surrogate-key").map(|keys| keys.split(' ').collect())).or(in_path);
        let (kind, texts) = match (&keys, service) {
            (Some(keys), _) => {
                (RefreshKind::Tag, keys.iter().map(|key| format!("https://www.example.com/#{key}")).collect())
            }
            (None, Some(_)) => (RefreshKind::Everything, vec!["https://www.example.com/".to_owned()]),
            (None, None) => {
                let rest = url.as_str().split_once("/purge/").unwrap().1;
                (RefreshKind::Url, vec![format!("https://{rest}")])
            }
        };
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        // The vectors' service has 21 characters, and so do the vendor's ids; ours here has one more.
        let line = line(EmulatorSettings { access_key_secret: token.into(), ..EmulatorSettings::default() });
        let _ = submit(&*provider(service, token), &line, kind, mode, &texts);
        let sent = line.last_request();
        let path = if keys.is_some() { format!("/service/{}/purge", service.unwrap()) } else { url.path().to_owned() };
        assert_eq!(
            (sent.method().as_str(), sent.uri().path(), sent.uri().query()),
            ("POST", &*path, url.query()),
            "{name}"
        );
        assert_eq!(sent.headers()["fastly-key"], token, "{name}");
        assert_eq!(sent.headers().get("fastly-soft-purge").is_some(), mode == PurgeMode::Soft, "{name}");
        let expected = keys.map_or(Value::Null, |keys| json!({ "surrogate_keys": keys }));
        assert_eq!(serde_json::from_slice::<Value>(sent.body()).unwrap_or_default(), expected, "{name}");
    }
    assert_eq!(vectors.len(), 10);
}

#[test]
fn each_kind_is_accepted_and_what_the_vendor_leaves_out_of_its_answer_is_in_doubt() {
    let line = line(EmulatorSettings::default());
    let done = |kind, mode, texts: &[&str]| {
        submit(&*friendly(), &line, kind, mode, texts).map(|done| done.request_id().is_some())
    };
    assert_eq!(done(RefreshKind::Url, PurgeMode::Soft, &[URL]), Ok(true));
    let keys: Vec<String> = (0..256).map(|key| format!("https://www.example.com/#a%2F{key}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert_eq!(done(RefreshKind::Tag, PurgeMode::Hard, &keys), Ok(false));
    assert_eq!(done(RefreshKind::Everything, PurgeMode::Default, &["https://www.example.com/"]), Ok(false));
    assert_eq!(line.accepted(), 258);
    let one = Canned::new(200, &[], r#"{"a":"1"}"#);
    let two = ["https://www.example.com/#a", "https://www.example.com/#b"];
    let error = submit(&*friendly(), &one, RefreshKind::Tag, PurgeMode::Default, &two).unwrap_err();
    assert!(error.kind == Ambiguous && error.message.contains("the key `b`"), "{error}");
    assert_eq!(kind(200, &json!({"status": "no"})), Ambiguous);
}

#[test]
fn what_needs_a_service_isnt_sent_without_one() {
    let line = line(EmulatorSettings::default());
    for service in [None, Some("../x"), Some("a b")] {
        let provider = provider(service, "demonstration-secret");
        for (kind, text) in
            [(RefreshKind::Tag, "https://www.example.com/#a"), (RefreshKind::Everything, "https://www.example.com/")]
        {
            let error = submit(&*provider, &line, kind, PurgeMode::Default, &[text]).unwrap_err();
            assert!(error.kind == Denied && error.to_string().contains("`service`"), "{error}");
        }
    }
    assert!(line.last.borrow().is_none());
}

#[test]
fn a_status_says_what_may_follow() {
    for (status, expected) in
        [(400, Refused), (401, Keys), (403, Forbidden), (404, Denied), (405, Denied), (429, Throttled), (503, Server)]
    {
        assert_eq!(kind(status, &json!({"msg": "no", "detail": "more"})), expected, "{status}");
    }
    // Something on the way refuses without the vendor's words.
    let page = |status| {
        let canned = Canned::new(status, &[("content-type", "text/html")], "<html>no</html>");
        submit(&*friendly(), &canned, RefreshKind::Url, PurgeMode::Default, &[URL]).unwrap_err().kind
    };
    assert_eq!([401, 403, 404].map(page), [Keys, Ambiguous, Denied]);
    let wrong = submit(
        &*provider(None, "another"),
        &line(EmulatorSettings::default()),
        RefreshKind::Url,
        PurgeMode::Default,
        &[URL],
    );
    let wrong = wrong.unwrap_err();
    assert!(wrong.kind == Keys && wrong.to_string().contains("Provided credentials are missing or invalid"), "{wrong}");
    let other = line(EmulatorSettings { zones: vec!["www.shop.test".into()], ..EmulatorSettings::default() });
    let foreign = submit(&*friendly(), &other, RefreshKind::Url, PurgeMode::Default, &[URL]).unwrap_err();
    assert!(foreign.kind == Denied && foreign.to_string().contains("one of its domains"), "{foreign}");
}

#[test]
fn a_throttle_ends_when_the_vendor_says() {
    let wait = |headers: &[(&str, &str)]| {
        let canned = Canned::new(429, headers, r#"{"msg":"slow down"}"#);
        let error = submit(&*friendly(), &canned, RefreshKind::Url, PurgeMode::Default, &[URL]).unwrap_err();
        (error.kind, error.retry_after.map(|wait| wait.as_secs()))
    };
    let at = |seconds: i64| (start().as_second() + seconds).to_string();
    assert_eq!(wait(&[("fastly-ratelimit-reset", &at(40))]), (Throttled, Some(40)));
    assert_eq!(wait(&[("fastly-ratelimit-reset", &at(3_600))]), (Throttled, Some(120)));
    assert_eq!(wait(&[("fastly-ratelimit-reset", &at(-5))]), (Throttled, None));
    assert_eq!(wait(&[("retry-after", "7"), ("fastly-ratelimit-reset", &at(40))]), (Throttled, Some(7)));
    assert_eq!(wait(&[("fastly-ratelimit-reset", "soon")]), (Throttled, None));
    assert_eq!(wait(&[]), (Throttled, None));
}

#[test]
fn the_scope_of_a_token_says_what_it_may() {
    let grants = |forbid: &str| {
        let line = line(EmulatorSettings { forbid: vec![forbid.into()], ..EmulatorSettings::default() });
        let grants = block_on(friendly().grants(&super::spec::TOKEN, &line)).unwrap();
        (grants.granted, grants.missing)
    };
    assert_eq!(grants("nothing"), (vec!["purge_select", "purge_all"], Vec::new()));
    assert_eq!(grants("purge_all"), (vec!["purge_select"], vec!["purge_all"]));
}
