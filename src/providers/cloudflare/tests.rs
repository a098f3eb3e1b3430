//! The provider against the emulator, against requests of the vendor's own clients, and against canned answers.

use emulators::EmulatorSettings;
use serde_json::{Value, json};

use super::{CLOUDFLARE, open};
use crate::model::Operation::{self, Refresh};
use crate::model::{PurgeMode, RefreshKind, Subject};
use crate::provider::ApiErrorKind::{
    Ambiguous, Credentials as Refusal, Denied, Forbidden, Refused, Server, Throttled, TooLarge, Undocumented,
};
use crate::provider::credentials::{AccessKey, Credentials, SharedCredentials};
use crate::provider::simulation::credentials;
use crate::provider::test_harness::{Canned, Line, Nonces, block_on};
use crate::provider::{
    Accepted, Api, ApiError, ApiErrorKind, OptionValue, Options, Provider, ProviderContext, Submission,
};

const FILES: Operation = Refresh(RefreshKind::Url);
const ZONE: &str = "023e105f4ecef8ad9ca31a8372d0c353";

fn provider_with(hosts: &[&str], options: &[(&'static str, OptionValue)], keys: Credentials) -> Box<dyn Provider> {
    let options: Options = options.iter().cloned().collect();
    open(ProviderContext {
        spec: &CLOUDFLARE,
        options,
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        endpoint: url::Url::parse("https://api.cloudflare.com").unwrap(),
        credentials: SharedCredentials::new(keys),
    })
}

fn provider(hosts: &[&str], options: &[(&'static str, OptionValue)]) -> Box<dyn Provider> {
    provider_with(hosts, options, credentials(&CLOUDFLARE, &EmulatorSettings::default()))
}

fn word(text: &str) -> OptionValue {
    OptionValue::Word(text.into())
}

fn in_zone(id: &str) -> Box<dyn Provider> {
    prepared(provider(&[], &[("zone", word(id))]), &line(EmulatorSettings::default())).unwrap()
}

fn line(settings: EmulatorSettings) -> Line {
    Line::to(emulators::cloudflare::cdn(&settings), Nonces::Unneeded)
}

fn prepared(mut provider: Box<dyn Provider>, api: &dyn Api) -> Result<Box<dyn Provider>, ApiError> {
    block_on(async { provider.prepare(api).await }).map(|()| provider)
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

/// What an answer allows.
fn kind(status: u16, headers: &[(&str, &str)], body: &Value) -> ApiErrorKind {
    let canned = Canned::new(status, headers, body.to_string());
    submit(&*in_zone(ZONE), &canned, RefreshKind::Url, PurgeMode::Default, &["https://www.example.com/a"])
        .unwrap_err()
        .kind
}

fn failure(code: u64, message: &str) -> Value {
    json!({"success": false, "errors": [{"code": code, "message": message}], "messages": [], "result": null})
}

#[test]
fn requests_are_those_of_the_vendors_own_clients() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../../tests/vectors/cloudflare.json")).unwrap();
    let mut seen = 0;
    for vector in &vectors {
        let (name, request) = (vector["name"].as_str().unwrap(), &vector["request"]);
        let url = url::Url::parse(request["url"].as_str().unwrap()).unwrap();
        let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap_or_default();
        let text = |name: &str| vector["credentials"][name].as_str().map(str::to_owned);
        let (keys, secret) = match text("api_token") {
            Some(token) => (Credentials::Token(token.clone().into()), token),
            None => {
                let secret = text("api_key").or(text("global_key")).unwrap_or_else(|| "cf-test-global-key-0001".into());
                (AccessKey::new("user@example.com", secret.clone().into()).into(), secret)
            }
        };
        let settings = EmulatorSettings {
            access_key_id: "user@example.com".into(),
            access_key_secret: secret.into(),
            ..EmulatorSettings::default()
        };
        let line = line(settings);
        if name == "zone_by_name" {
            prepared(provider_with(&["www.example.com"], &[("zone", word("example.com"))], keys), &line).unwrap();
        } else if url.path().contains("/zones/") {
            let headers = body["files"][0]["headers"].as_object().map(|headers| {
                let header =
                    |(name, value): (&String, &Value)| (name.clone(), vec![value.as_str().unwrap().to_owned()]);
                ("headers", OptionValue::Headers(headers.iter().map(header).collect()))
            });
            let options: Vec<_> = [("zone", word(ZONE))].into_iter().chain(headers).collect();
            let provider = prepared(provider_with(&[], &options, keys), &line).unwrap();
            let (field, items) = body.as_object().unwrap().iter().next().unwrap();
            let items: Vec<&str> = items.as_array().map_or(vec![""], |items| {
                items.iter().map(|item| item.as_str().unwrap_or_else(|| item["url"].as_str().unwrap())).collect()
            });
            let (kind, before) = match field.as_str() {
                "tags" => (RefreshKind::Tag, "https://www.example.com/#"),
                "hosts" => (RefreshKind::Host, "https://"),
                "prefixes" => (RefreshKind::Prefix, "https://"),
                "purge_everything" => (RefreshKind::Everything, "https://www.example.com/"),
                _ => (RefreshKind::Url, ""),
            };
            let texts: Vec<String> = items.iter().map(|item| format!("{before}{item}")).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let mode = if url.path().ends_with("invalidate_cache") { PurgeMode::Soft } else { PurgeMode::Default };
            submit(&*provider, &line, kind, mode, &texts).unwrap();
        } else {
            assert_eq!(name, "token_verify");
            continue;
        }
        let sent = line.last_request();
        assert_eq!(sent.method().as_str(), request["method"].as_str().unwrap(), "{name}");
        assert_eq!((sent.uri().path(), sent.uri().query()), (url.path(), url.query()), "{name}");
        assert_eq!(serde_json::from_slice::<Value>(sent.body()).unwrap_or_default(), body, "{name}");
        for header in request["headers"].as_array().unwrap() {
            let name = header[0].as_str().unwrap().to_lowercase();
            if ["authorization", "x-auth-email", "x-auth-key"].contains(&&*name) {
                assert_eq!(sent.headers()[&name].to_str().unwrap(), header[1].as_str().unwrap());
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 15);
}

#[test]
fn the_zone_is_the_longest_name_that_the_hosts_end_in() {
    let settings = EmulatorSettings {
        zones: vec!["example.com".into(), "shop.example.com".into()],
        ..EmulatorSettings::default()
    };
    let line = line(settings);
    let provider = prepared(provider(&["a.shop.example.com", "shop.example.com"], &[]), &line).unwrap();
    assert!(line.last_request().uri().query().unwrap().contains("name=shop.example.com"));
    submit(&*provider, &line, RefreshKind::Url, PurgeMode::Default, &["https://a.shop.example.com/x"]).unwrap();
    let other = submit(&*provider, &line, RefreshKind::Url, PurgeMode::Default, &["https://www.example.com/x"]);
    assert_eq!((other.unwrap_err().kind, line.accepted()), (Refused, 1));
}

#[test]
fn a_zone_is_found_by_its_name_without_hosts_and_whatever_the_case() {
    let line = line(EmulatorSettings::default());
    let provider = prepared(provider(&[], &[("zone", word("Example.COM"))]), &line).unwrap();
    assert!(line.last_request().uri().query().unwrap().contains("name=example.com"));
    submit(&*provider, &line, RefreshKind::Tag, PurgeMode::Default, &["https://www.example.com/#a"]).unwrap();
    assert_eq!(line.accepted(), 1);
}

#[test]
fn a_target_without_a_zone_says_which_host_has_none_and_sends_no_purge() {
    let settings = EmulatorSettings { zones: vec!["example.com".into()], ..EmulatorSettings::default() };
    let line = line(settings);
    let problem = |hosts: &[&str], options: &[(&'static str, OptionValue)]| {
        prepared(provider(hosts, options), &line).err().unwrap().to_string()
    };
    let no_zone = problem(&["www.shop.test"], &[]);
    assert!(no_zone.contains("doesn't have a zone of the host `www.shop.test`"), "{no_zone}");
    let unknown = problem(&["www.example.com"], &[("zone", word("example.org"))]);
    assert!(unknown.contains("doesn't have the zone `example.org`"), "{unknown}");
    let two = problem(&["www.example.com", "www.shop.test"], &[]);
    assert!(two.contains("`www.shop.test` isn't in the zone `example.com`") && two.contains("for each"), "{two}");
    let values = OptionValue::Headers([("CF-Device-Type".to_owned(), vec!["a".to_owned(), "b".to_owned()])].into());
    assert!(problem(&["www.example.com"], &[("headers", values)]).contains("several values of `CF-Device-Type`"));
    let unprepared = provider(&[], &[]);
    let error = submit(&*unprepared, &line, RefreshKind::Url, PurgeMode::Default, &["https://www.example.com/"]);
    assert_eq!((error.unwrap_err().kind, line.accepted()), (Denied, 0));
}

#[test]
fn a_token_that_is_wrong_lacks_a_permission_or_is_for_another_zone_is_refused_with_what_to_do() {
    let keys = Credentials::Token("another".into());
    let wrong = prepared(provider_with(&["www.example.com"], &[], keys), &line(EmulatorSettings::default()));
    assert_eq!(wrong.err().unwrap().kind, Refusal);
    let forbid = |call: &str| line(EmulatorSettings { forbid: vec![call.into()], ..EmulatorSettings::default() });
    let no_read = prepared(provider(&["www.example.com"], &[]), &forbid("zones")).err().unwrap();
    assert!(no_read.kind == Forbidden && no_read.to_string().contains("set the target's `zone`"), "{no_read}");
    let urls = ["https://www.example.com/a"];
    let no_purge = submit(&*in_zone(ZONE), &forbid("purge_cache"), RefreshKind::Url, PurgeMode::Default, &urls);
    let no_purge = no_purge.unwrap_err();
    assert!(no_purge.kind == Forbidden && no_purge.to_string().contains("Cache Purge"), "{no_purge}");
    let settings = EmulatorSettings { zones: vec!["example.com".into()], ..EmulatorSettings::default() };
    let foreign = submit(&*in_zone(ZONE), &line(settings), RefreshKind::Url, PurgeMode::Default, &urls).unwrap_err();
    assert_eq!((foreign.kind, foreign.status), (Refusal, Some(401)));
    let no_id = "g".repeat(32);
    let by_name = prepared(provider(&[], &[("zone", word(&no_id))]), &line(EmulatorSettings::default()));
    assert_eq!(by_name.err().unwrap().kind, Denied);
}

#[test]
fn each_kind_is_checked_by_the_vendor_and_a_refused_call_executes_nothing() {
    let line = line(EmulatorSettings::default());
    let provider = prepared(provider(&["www.example.com"], &[]), &line).unwrap();
    let refused = |kind, texts: &[&str]| submit(&*provider, &line, kind, PurgeMode::Default, texts).unwrap_err().kind;
    assert_eq!(refused(RefreshKind::Url, &["https://www.example.com/a", "https://www.example.com/*"]), Refused);
    assert_eq!(refused(RefreshKind::Url, &["https://www.example.com/a", "https://www.example.org/a"]), Refused);
    assert_eq!(refused(RefreshKind::Prefix, &["https://www.example.com/a*b/"]), Refused);
    let deep = format!("https://www.example.com/{}", "a/".repeat(31));
    assert_eq!(refused(RefreshKind::Directory, &[&deep]), Refused);
    assert_eq!(line.accepted(), 0);
    for (kind, text) in [
        (RefreshKind::Directory, "https://www.example.com/dir/"),
        (RefreshKind::Prefix, "https://www.example.com/dir"),
        (RefreshKind::Tag, "https://www.example.com/#page-1"),
        (RefreshKind::Host, "https://www.example.com/"),
        (RefreshKind::Everything, "https://www.example.com/"),
    ] {
        for mode in [PurgeMode::Soft, PurgeMode::Hard] {
            assert_eq!(
                submit(&*provider, &line, kind, mode, &[text]).map(|done| done.task_ids().len()),
                Ok(0),
                "{text}"
            );
        }
    }
    assert_eq!(line.accepted(), 10);
}

#[test]
fn more_urls_than_a_call_takes_are_too_many_whatever_the_code() {
    let line = line(EmulatorSettings::default());
    let provider = prepared(provider(&["www.example.com"], &[]), &line).unwrap();
    let urls: Vec<String> = (0..31).map(|number| format!("https://www.example.com/{number}")).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let error = submit(&*provider, &line, RefreshKind::Url, PurgeMode::Default, &urls).unwrap_err();
    assert_eq!((error.kind, line.accepted()), (TooLarge, 0));
    submit(&*provider, &line, RefreshKind::Url, PurgeMode::Default, &urls[..30]).unwrap();
    for message in ["You can't purge more than 30 files", "Max exceeded: 30 at most", "too many files: 31"] {
        assert_eq!(kind(400, &[], &failure(4_711, message)), TooLarge, "{message}");
    }
    assert_eq!(kind(400, &[], &failure(4_711, "Invalid URL 7")), Refused);
    let options: Options = [("files-per-call", OptionValue::Number(100))].into();
    assert_eq!(CLOUDFLARE.operation(FILES).map(|limits| limits.per_call(&options)), Some(100));
}

#[test]
fn a_throttle_is_one_by_its_status_or_by_its_code_with_and_without_a_time_to_wait() {
    let busy =
        failure(1_134, "Unable to purge, rate limit reached. Please wait and consider throttling your request speed");
    for (status, headers, expected) in [(429, &[("retry-after", "7")][..], Some(7)), (429, &[], None), (200, &[], None)]
    {
        let canned = Canned::new(status, headers, busy.to_string());
        let error =
            submit(&*in_zone(ZONE), &canned, RefreshKind::Url, PurgeMode::Default, &["https://www.example.com/a"]);
        let error = error.unwrap_err();
        assert_eq!((error.kind, error.retry_after.map(|wait| wait.as_secs())), (Throttled, expected), "{status}");
    }
    assert_eq!(kind(429, &[], &failure(9_999, "?")), Throttled);
}

#[test]
fn a_failure_inside_a_success_is_never_a_success() {
    assert_eq!(kind(200, &[], &failure(10_000, "Authentication error")), Undocumented);
    assert_eq!(kind(200, &[], &failure(7_003, "Could not route")), Denied);
    for body in [json!({"success": false, "errors": []}), json!({"errors": [], "result": {"id": "1"}}), json!({})] {
        assert_eq!(kind(200, &[], &body), Ambiguous, "{body}");
    }
    assert_eq!(kind(200, &[], &json!([])), Ambiguous);
    assert_eq!(kind(500, &[], &failure(10_001, "Internal error")), Server);
    let page = Canned::new(403, &[("content-type", "text/html")], "<html>blocked</html>");
    let error = submit(&*in_zone(ZONE), &page, RefreshKind::Url, PurgeMode::Default, &["https://www.example.com/a"]);
    assert_eq!(error.unwrap_err().kind, Ambiguous);
}

#[test]
fn the_zones_are_the_domains() {
    let line =
        line(EmulatorSettings { zones: vec!["example.com".into(), "shop.test".into()], ..EmulatorSettings::default() });
    let page = block_on(provider(&[], &[]).domains(&super::ZONES, 1, &line)).unwrap();
    let names: Vec<_> = page.rows.iter().map(|zone| (zone.name.as_str(), zone.status.as_str(), zone.is_zone)).collect();
    assert_eq!(names, [("example.com", "active", true), ("shop.test", "active", true)]);
}
