//! EdgeOne's calls: what is sent, what the answers mean, and how the zone is found.

use serde_json::{Value, json};

use super::super::{TENCENT_EDGEONE, open_edgeone};
use super::*;
use crate::provider::{Page, RecordFilter, TaskState};

const ZONE: &str = "zone-27q0p0bal192";
const TAG: Operation = Operation::Refresh(RefreshKind::Tag);
const HOST: Operation = Operation::Refresh(RefreshKind::Host);
const EVERYTHING: Operation = Operation::Refresh(RefreshKind::Everything);

fn edgeone(options: &[(&'static str, OptionValue)], hosts: &[&str]) -> Box<dyn Provider> {
    let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    let endpoint = url::Url::parse(TENCENT_EDGEONE.endpoint(&Options::new())).unwrap();
    let context = context(options, access_key(&EmulatorSettings::default()));
    open_edgeone(ProviderContext { spec: &TENCENT_EDGEONE, hosts, endpoint, ..context })
}

pub(super) fn edge_line(settings: &EmulatorSettings) -> Line {
    Line::to(emulators::tencent::edgeone(settings), Nonces::Unneeded)
}

/// A target whose zone was found by its host.
pub(super) fn prepared(line: &dyn Api, options: &[(&'static str, OptionValue)]) -> Box<dyn Provider> {
    let mut provider = edgeone(options, &["www.example.com"]);
    block_on(provider.prepare(line)).unwrap();
    provider
}

#[test]
fn the_bodies_are_those_of_the_official_sdk() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../../../tests/vectors/tencent.json")).unwrap();
    let theirs = |name: &str| -> Value {
        let vector = vectors.iter().find(|vector| vector["name"] == name).unwrap();
        serde_json::from_str(vector["request"]["body"].as_str().unwrap()).unwrap()
    };
    let line = edge_line(&EmulatorSettings::default());
    let headers = OptionValue::Headers([("X-Warm".to_owned(), vec!["1".to_owned()])].into());
    let provider = prepared(&line, &[("headers", headers)]);
    let submit = |operation: Operation, mode, text: &str| {
        let kind = if let Operation::Refresh(kind) = operation { kind } else { RefreshKind::Url };
        let subject = Subject::of(kind, text);
        block_on(
            provider
                .submit(Submission { operation, mode, subjects: &[&subject], reference: "cdn-purge-test-1" }, &line),
        )
        .unwrap()
    };
    submit(DIRECTORIES, PurgeMode::Soft, "https://www.example.com/static/");
    assert_eq!(last_body(&line), theirs("teo_purge_prefix"));
    submit(HOST, PurgeMode::Default, "https://www.example.com/");
    assert_eq!(last_body(&line), theirs("teo_purge_host"));
    submit(EVERYTHING, PurgeMode::Soft, "");
    assert_eq!(last_body(&line), theirs("teo_purge_all"));
    let urls = ["https://www.example.com/static/app.js", "https://www.example.com/index.html?v=1&lang=zh"];
    line.submit(&*provider, Operation::Prefetch, &urls).unwrap();
    assert_eq!(last_body(&line), theirs("teo_prefetch"));
    submit(TAG, PurgeMode::Default, "https://www.example.com/#a%2Fb");
    let tag = json!({"ZoneId": ZONE, "Type": "purge_cache_tag", "Targets": ["a/b"], "CacheTag": {"Domains": ["www.example.com"]}});
    assert_eq!(last_body(&line), tag);
    block_on(provider.status(&["1379afjk91u32h".to_owned()], 1, &line)).unwrap();
    let mut status = theirs("teo_describe_purge_tasks");
    status["Offset"] = 0.into();
    assert_eq!(last_body(&line), status);
}

#[test]
fn the_zone_is_the_one_with_the_longest_name_that_all_hosts_are_in() {
    let found = |options: &[(&'static str, OptionValue)], hosts: &[&str]| {
        let line = edge_line(&EmulatorSettings::default());
        let mut provider = edgeone(options, hosts);
        block_on(provider.prepare(&line))?;
        block_on(provider.quota(&line))?;
        Ok::<_, ApiError>(last_body(&line)["ZoneId"].as_str().unwrap().to_owned())
    };
    assert_eq!(found(&[], &["www.example.com", "example.com"]).unwrap(), ZONE);
    assert_eq!(found(&[], &["a.shop.example.com"]).unwrap(), "zone-2zpqp7qztest");
    assert_eq!(found(&[("zone", word("example.net"))], &["www.example.net"]).unwrap(), "zone-2noz78a8ev6k");
    assert_eq!(found(&[("zone", word(ZONE))], &[]).unwrap(), ZONE);
    let own = found(&[("zone", word("zone-3abcdefgh123"))], &["www.shop.test"]);
    assert_eq!(own.unwrap(), "zone-3abcdefgh123", "a zone of whoever simulates");
    // A query has no hosts.
    assert_eq!(found(&[("zone", word("Example.net"))], &[]).unwrap(), "zone-2noz78a8ev6k");
    let unknown = found(&[("zone", word("elsewhere.test"))], &[]).unwrap_err();
    assert!(unknown.message.contains("the zone `elsewhere.test`"), "{unknown}");
    for (zone, hosts, words) in [
        ("", vec!["www.elsewhere.test"], "a zone of the host `www.elsewhere.test`"),
        ("", vec!["notexample.com"], "a zone of the host"),
        ("", vec!["www.example.com", "www.example.net"], "`www.example.net` isn't in the zone `example.com`"),
        ("elsewhere.test", vec!["www.example.com"], "the zone `elsewhere.test`"),
        ("example.net", vec!["www.example.com"], "`www.example.com` isn't in the zone `example.net`"),
        ("", vec![], "the zone isn't known"),
    ] {
        let error = found(&[("zone", word(zone))], &hosts).unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Denied, "{hosts:?}");
        assert!(error.message.contains(words) && error.help.is_some(), "{error}");
    }
    let error = found(&[("zone", word("zone-of-another"))], &["www.example.com"]).unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ApiErrorKind::Denied, Some("InvalidParameter.ZoneNotFound")));
}

#[test]
fn what_is_refused_of_a_batch_is_named_with_its_reason_and_the_rest_is_taken() {
    let line = edge_line(&EmulatorSettings::default());
    let provider = prepared(&line, &[]);
    let accepted =
        line.submit(&*provider, FILES, &[URL, "https://www.elsewhere.test/2", "https://www.example.com/*"]).unwrap();
    let Accepted::Partly { rest: Some(rest), refused } = accepted else { panic!("{accepted:?}") };
    assert_eq!(refused.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [1, 2]);
    assert!(refused[0].1.contains("isn't in the zone") && !rest.task_ids().is_empty() && rest.request_id().is_some());
    assert_eq!(line.accepted(), 1);
    let accepted = line.submit(&*provider, FILES, &["https://www.elsewhere.test/2"]).unwrap();
    let expected = Accepted::Partly { rest: None, refused: vec![(0, "the target isn't in the zone".into())] };
    assert_eq!((accepted, line.accepted()), (expected, 1));
    let answered = |body: &'static str| line_less_submit(&ok(body));
    for body in [
        r#"{"Response":{"JobId":"","FailedList":[],"RequestId":"R"}}"#,
        r#"{"Response":{"JobId":"j","FailedList":[{"Reason":"r","Targets":["https://other.test/"]}],"RequestId":"R"}}"#,
        r#"{"Response":{"FailedList":null,"RequestId":"R"}}"#,
        r#"{"Response":{"JobId":"j","FailedList":3,"RequestId":"R"}}"#,
    ] {
        assert_eq!(answered(body).unwrap_err().kind, ApiErrorKind::Ambiguous, "{body}");
    }
    for list in ["null", "[]"] {
        let body = format!(r#"{{"Response":{{"JobId":"1379afjk91u32h","FailedList":{list},"RequestId":"R"}}}}"#);
        assert_eq!(line_less_submit(&ok(body)).unwrap().task_ids(), ["1379afjk91u32h"]);
    }
}

#[test]
fn a_target_that_is_refused_twice_is_one_and_the_others_of_its_batch_are_taken() {
    let submit = |list: &str| {
        let body = format!(r#"{{"Response":{{"JobId":"j","FailedList":[{list}],"RequestId":"R"}}}}"#);
        let mut provider = edgeone(&[("zone", word(ZONE))], &[]);
        block_on(provider.prepare(&ok(""))).unwrap();
        let subjects = [URL, "https://www.example.com/2"].map(Subject::url);
        let subjects: Vec<&Subject> = subjects.iter().collect();
        let submission = Submission {
            operation: FILES,
            mode: PurgeMode::Default,
            subjects: &subjects,
            reference: "cdn-purge-test-1",
        };
        block_on(provider.submit(submission, &ok(body))).unwrap()
    };
    let one = format!(r#"{{"Reason":"r","Targets":["{URL}"]}}"#);
    let within = format!(r#"{{"Reason":"r","Targets":["{URL}","{URL}"]}}"#);
    for list in [format!("{one},{one}"), within] {
        let Accepted::Partly { rest: Some(rest), refused } = submit(&list) else { panic!("{list}") };
        assert_eq!((rest.task_ids(), refused), (&["j".to_owned()][..], vec![(0, "r".to_owned())]), "{list}");
    }
}

fn line_less_submit(canned: &Canned) -> Result<Accepted, ApiError> {
    let mut provider = edgeone(&[("zone", word(ZONE))], &[]);
    block_on(provider.prepare(canned)).unwrap();
    let subject = Subject::url(URL);
    let submission =
        Submission { operation: FILES, mode: PurgeMode::Default, subjects: &[&subject], reference: "cdn-purge-test-1" };
    block_on(provider.submit(submission, canned))
}

#[test]
fn tasks_are_followed_and_found_each_kind_by_its_own_call() {
    let line = edge_line(&EmulatorSettings { fail: vec!["bad".into()], ..EmulatorSettings::default() });
    let provider = prepared(&line, &[]);
    let purge = line.submit(&*provider, FILES, &[URL, "https://www.example.com/bad"]).unwrap();
    line.submit(&*provider, HOST, &["https://www.example.com/"]).unwrap();
    let push = line.submit(&*provider, Operation::Prefetch, &[URL]).unwrap();
    line.pass(10);
    let page = block_on(provider.status(purge.task_ids(), 1, &line)).unwrap();
    let failed = TaskState::Failed("originPullFailed: the origin answered 502".into());
    let states: Vec<_> = page.rows.iter().rev().map(|row| row.state.clone()).collect();
    assert_eq!(states, [TaskState::Complete, failed]);
    assert_eq!(block_on(provider.status(push.task_ids(), 1, &line)).unwrap(), Page::default());
    let pushed = block_on(provider.prefetch_status(push.task_ids(), 1, &line)).unwrap();
    assert!(pushed.rows.len() == 1 && pushed.rows[0].prefetch && pushed.rows[0].created == Some(start()));
    let by = |url: &str| {
        let filter = RecordFilter { url: Some(url.into()), since: Some(start()), ..RecordFilter::default() };
        block_on(provider.records(&filter, 1, &line)).unwrap().rows.into_iter().map(|row| row.url).collect::<Vec<_>>()
    };
    assert_eq!(by(URL), [URL]);
    // A purge of a host names the host alone: of a root all rows are read.
    assert!(by("https://www.example.com/").contains(&"www.example.com".to_owned()));
    for (status, why) in [("timeout", "timeout"), ("canceled", "canceled"), ("invalid", "invalid")] {
        let body = format!(
            r#"{{"Response":{{"Tasks":[{{"JobId":"j","Target":"t","Type":"purge_url","Status":"{status}"}}],"TotalCount":1,"RequestId":"R"}}}}"#
        );
        let mut provider = edgeone(&[("zone", word(ZONE))], &[]);
        block_on(provider.prepare(&ok(""))).unwrap();
        let page = block_on(provider.status(&["j".to_owned()], 1, &ok(body))).unwrap();
        assert_eq!(page.rows[0].state, TaskState::Failed(why.into()));
    }
}

#[test]
fn what_is_left_and_the_zones_are_listed() {
    let line = edge_line(&EmulatorSettings::default());
    let provider = prepared(&line, &[]);
    line.submit(&*provider, Operation::Prefetch, &[URL]).unwrap();
    let quota = block_on(provider.quota(&line)).unwrap();
    assert_eq!((quota.remaining(Operation::Prefetch), quota.remaining(TAG)), (Some(9_999), Some(1_000)));
    let zones = block_on(provider.domains(TENCENT_EDGEONE.queries.domains.as_ref().unwrap(), 1, &line)).unwrap();
    let found: Vec<_> =
        zones.rows.iter().map(|zone| (zone.name.as_str(), zone.status.as_str(), zone.is_zone)).collect();
    assert_eq!(found[0], ("example.com", "online", true));
    assert_eq!(
        line.submit(&*provider, Operation::Refresh(RefreshKind::Regex), &[URL]).unwrap_err().kind,
        ApiErrorKind::Denied
    );
}
