//! The provider against the emulator, against requests of community clients, and against canned answers.

use std::collections::BTreeMap;

use emulators::EmulatorSettings;
use serde_json::{Value, json};

use super::{BUNNY, ZONES, open};
use crate::model::Operation::Refresh;
use crate::model::{PurgeMode, RefreshKind, Subject};
use crate::provider::ApiErrorKind::{self, Credentials as Keys, Denied, Refused, Server, Throttled, Undocumented};
use crate::provider::credentials::{Credentials, SharedCredentials};
use crate::provider::test_harness::{Canned, Line, Nonces, block_on};
use crate::provider::{Accepted, Api, ApiError, OptionValue, Provider, ProviderContext, Submission};

const URL: &str = "https://www.example.com/a.html";

fn provider(hosts: &[&str], zone: Option<&str>, key: &str) -> Box<dyn Provider> {
    open(ProviderContext {
        spec: &BUNNY,
        options: zone.map(|id| ("pull-zone", OptionValue::Word(id.to_owned()))).into_iter().collect(),
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        endpoint: url::Url::parse("https://api.bunny.net").unwrap(),
        credentials: SharedCredentials::new(Credentials::Token(key.into())),
    })
}

fn prepared(mut provider: Box<dyn Provider>, api: &dyn Api) -> Result<Box<dyn Provider>, ApiError> {
    block_on(async { provider.prepare(api).await }).map(|()| provider)
}

fn friendly() -> Box<dyn Provider> {
    prepared(provider(&[], Some("12345"), "demonstration-secret"), &line(&[])).unwrap()
}

fn line(zones: &[&str]) -> Line {
    let zones = zones.iter().map(|zone| (*zone).to_owned()).collect();
    Line::to(emulators::bunny::cdn(&EmulatorSettings { zones, ..EmulatorSettings::default() }), Nonces::Unneeded)
}

fn submit(provider: &dyn Provider, api: &dyn Api, kind: RefreshKind, text: &str) -> Result<Accepted, ApiError> {
    let subject = Subject::of(kind, text);
    let submission = Submission {
        operation: Refresh(kind),
        mode: PurgeMode::Default,
        subjects: &[&subject],
        reference: "cdn-purge-test-1",
    };
    block_on(provider.submit(submission, api))
}

fn kind(status: u16, headers: &[(&str, &str)], body: &Value) -> ApiErrorKind {
    submit(&*friendly(), &Canned::new(status, headers, body.to_string()), RefreshKind::Url, URL).unwrap_err().kind
}

fn parameters(url: &str) -> BTreeMap<String, String> {
    url::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

#[test]
fn requests_are_those_of_other_clients_and_say_what_they_leave_open() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../../tests/vectors/bunny.json")).unwrap();
    for vector in &vectors {
        let (name, request) = (vector["name"].as_str().unwrap(), &vector["request"]);
        let theirs = url::Url::parse(request["url"].as_str().unwrap()).unwrap();
        let key = vector["credentials"]["access_key"].as_str().unwrap();
        let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap_or_default();
        let line = Line::to(
            emulators::bunny::cdn(&EmulatorSettings { access_key_secret: key.into(), ..EmulatorSettings::default() }),
            Nonces::Unneeded,
        );
        let provider = prepared(provider(&[], Some("12345"), key), &line).unwrap();
        let their_url = parameters(theirs.as_str()).remove("url");
        let (kind, text) = match (&their_url, body["CacheTag"].as_str()) {
            (_, Some(tag)) => (RefreshKind::Tag, format!("https://www.example.com/#{tag}")),
            (None, None) => (RefreshKind::Everything, "https://www.example.com/".to_owned()),
            (Some(url), None) => match url.strip_suffix('*') {
                Some(start) => (RefreshKind::Prefix, start.to_owned()),
                None => (RefreshKind::Url, url.clone()),
            },
        };
        submit(&*provider, &line, kind, &text).unwrap();
        let sent = line.last_request();
        assert_eq!((sent.method().as_str(), sent.uri().path()), ("POST", theirs.path()), "{name}");
        assert_eq!(sent.headers()["accesskey"], key, "{name}");
        let ours = parameters(&sent.uri().to_string());
        assert_eq!(ours.get("url"), their_url.as_ref(), "{name}");
        assert!(their_url.is_none() || ours["async"] == "false", "{name}");
        assert_eq!(serde_json::from_slice::<Value>(sent.body()).unwrap_or_default(), body, "{name}");
    }
    assert_eq!(vectors.len(), 5);
}

#[test]
fn a_slash_at_the_end_is_a_directory_only_where_one_is_meant() {
    let line = line(&[]);
    for (kind, text, url, exact) in [
        (RefreshKind::Url, "https://www.example.com/dir/", "https://www.example.com/dir/", "true"),
        (RefreshKind::Url, "https://www.example.com/dir/?a=1&b=2", "https://www.example.com/dir/?a=1&b=2", "true"),
        (RefreshKind::Url, "https://www.example.com/b%20c?a=/", "https://www.example.com/b%20c?a=/", "true"),
        (RefreshKind::Url, "https://www.example.com/b?a", "https://www.example.com/b?a", "false"),
        (RefreshKind::Directory, "https://www.example.com/dir/", "https://www.example.com/dir/", "false"),
        (RefreshKind::Prefix, "https://www.example.com/di", "https://www.example.com/di*", "false"),
    ] {
        submit(&*friendly(), &line, kind, text).unwrap();
        let sent = parameters(&line.last_request().uri().to_string());
        assert_eq!((&*sent["url"], &*sent["exactPath"]), (url, exact), "{text}");
    }
    let purged: Vec<_> = line.emulator.borrow().ledger().iter().map(|entry| entry.operation).collect();
    let wide = [emulators::Operation::RefreshPrefix; 2];
    assert_eq!(
        (purged[..4].iter().all(|purge| *purge == emulators::Operation::RefreshUrl), &purged[4..]),
        (true, &wide[..])
    );
}

#[test]
fn a_star_anywhere_is_refused_before_it_purges_more_than_was_meant() {
    let line = line(&[]);
    for kind in [RefreshKind::Url, RefreshKind::Directory, RefreshKind::Prefix] {
        let error = submit(&*friendly(), &line, kind, "https://www.example.com/a*b/").unwrap_err();
        assert!(error.kind == Refused && error.to_string().contains("use the kind `prefix`"), "{error}");
    }
    assert!(line.last.borrow().is_none());
}

#[test]
fn the_pull_zone_is_found_by_its_hostnames() {
    let found = line(&["www.example.com", "img.example.com"]);
    let keyed = |hosts: &[&str], zone| provider(hosts, zone, "demonstration-secret");
    let tag = "https://www.example.com/#a";
    let ready = prepared(keyed(&["img.example.com", "www.example.com"], None), &found).unwrap();
    submit(&*ready, &found, RefreshKind::Tag, tag).unwrap();
    assert_eq!(found.last_request().uri().path(), "/pullzone/12345/purgeCache");
    let problem = |hosts: &[&str], zone| prepared(keyed(hosts, zone), &found).err().unwrap().to_string();
    let none = problem(&["www.shop.test"], None);
    assert!(none.contains("no pull zone of the account has the hostname `www.shop.test`"), "{none}");
    let two = problem(&["www.example.com", "www.shop.test"], None);
    assert!(two.contains("`www.shop.test` isn't a hostname of the pull zone"), "{two}");
    assert!(problem(&[], Some("site")).contains("which is no id"));
    let unknown = submit(&*keyed(&[], None), &found, RefreshKind::Tag, tag).unwrap_err();
    assert!(unknown.kind == Denied && unknown.to_string().contains("`pull-zone`"), "{unknown}");
    let other = prepared(keyed(&[], Some("777")), &found).unwrap();
    assert_eq!(submit(&*other, &found, RefreshKind::Everything, "https://www.example.com/").unwrap_err().kind, Denied);
    let own = line(&[]);
    let simulated = prepared(keyed(&[], Some("777")), &own).unwrap();
    assert!(submit(&*simulated, &own, RefreshKind::Everything, "https://www.example.com/").is_ok(), "any zone is one");
    let page = block_on(keyed(&[], None).domains(&ZONES, 1, &found)).unwrap();
    assert_eq!(
        page.rows.iter().map(|row| (&*row.name, &*row.status)).collect::<Vec<_>>(),
        [("www.example.com", "online"), ("img.example.com", "online")]
    );
}

#[test]
fn an_error_allows_what_its_key_or_its_status_says() {
    let keyed = |key: &str| json!({"ErrorKey": key, "Field": "url", "Message": "no"});
    assert_eq!(kind(400, &[], &keyed("purge.url_invalid")), Refused);
    for key in ["pullZone.not_found", "pullzone.not_found"] {
        assert_eq!(kind(404, &[], &keyed(key)), Denied, "{key}");
    }
    assert_eq!(kind(500, &[], &json!({})), Server);
    assert_eq!(kind(409, &[], &keyed("novel")), Undocumented);
    let denied = Canned::new(401, &[], r#"{"Message":"Authorization has been denied for this request."}"#);
    let denied = submit(&*friendly(), &denied, RefreshKind::Url, URL).unwrap_err();
    assert!(denied.kind == Keys && denied.to_string().contains("not the password of a storage zone"), "{denied}");
    for (headers, expected) in [(&[("retry-after", "3")][..], Some(3)), (&[], None)] {
        let busy = submit(&*friendly(), &Canned::new(429, headers, ""), RefreshKind::Url, URL).unwrap_err();
        assert_eq!((busy.kind, busy.retry_after.map(|wait| wait.as_secs())), (Throttled, expected));
    }
    let wrong = prepared(provider(&["www.example.com"], None, "another"), &line(&[])).err().unwrap();
    assert_eq!(wrong.kind, Keys);
    let foreign = submit(&*friendly(), &line(&["www.shop.test"]), RefreshKind::Url, URL).unwrap_err();
    assert!(foreign.kind == Denied && foreign.to_string().contains("one of a pull zone's hostnames"), "{foreign}");
}

#[test]
fn a_list_of_pull_zones_is_read_as_long_as_the_vendor_has_more() {
    for (more, next) in [(true, true), (false, false)] {
        let body = json!({"Items": [{"Name": "a", "Hostnames": [{"Value": "a.example"}]}], "HasMoreItems": more});
        let api = Canned::new(200, &[], body.to_string());
        let page = block_on(provider(&[], None, "key").domains(&ZONES, 1, &api)).unwrap();
        assert_eq!(ZONES.has_next_page(page.rows.len(), page.rows.len(), page.total), next);
    }
}

#[test]
fn an_empty_answer_is_a_good_one() {
    for status in [200, 204] {
        assert!(submit(&*friendly(), &Canned::new(status, &[], ""), RefreshKind::Url, URL).is_ok());
    }
}

#[test]
fn a_success_that_holds_an_error_is_none() {
    let invalid = json!({ "ErrorKey": "purge.url_invalid", "Field": "", "Message": "The URL is invalid." });
    assert_eq!(kind(200, &[], &invalid), Undocumented);
    assert_eq!(kind(200, &[], &json!({ "Message": "Internal error." })), ApiErrorKind::Ambiguous);
    let done = submit(&*friendly(), &Canned::new(200, &[], "{}".to_owned()), RefreshKind::Url, URL);
    assert!(matches!(done, Ok(Accepted::Done { .. })), "{done:?}");
}

#[test]
fn the_vendors_time_is_learned_however_wrong_the_machines_is_since_nothing_is_signed() {
    let line = line(&[]);
    line.skew.set(jiff::SignedDuration::from_hours(-5));
    submit(&*friendly(), &line, RefreshKind::Url, URL).unwrap();
    assert_eq!(line.skew.get().as_secs(), 0);
}
