//! What CDN, DCDN and VOD differ in, and the queries of each besides tasks and quota.

use std::collections::BTreeMap;
use std::time::Duration;

use emulators::Rows;
use secrecy::ExposeSecret;

use super::*;
use crate::model::PurgeMode;
use crate::model::Subject;
use crate::provider::{
    ApiErrorKind, LogQuestion, Measure, MeasureQuestion, RecordFilter, RecordKind, RecordStatus, TaskState,
};

const PRODUCTS: [&Spec; 3] = [&ALIBABA_CDN, &ALIBABA_DCDN, &ALIBABA_VOD];
const TAGS: Operation = Operation::Refresh(RefreshKind::Tag);

fn quick(spec: &'static Spec) -> Line {
    line_to(spec, EmulatorSettings { task_duration: Some(Duration::ZERO), ..EmulatorSettings::default() })
}

fn hours_ago(hours: i64) -> Timestamp {
    start() - SignedDuration::from_hours(hours)
}

fn parameters(request: &Request<Bytes>) -> BTreeMap<String, String> {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let pairs = |text| url::form_urlencoded::parse(text).into_owned();
    pairs(query).chain(pairs(request.body())).collect()
}

#[test]
fn every_operation_of_every_product_is_taken_and_followed_to_its_end() {
    for spec in PRODUCTS {
        for limits in spec.operations {
            let line = quick(spec);
            let provider = provider_of(spec, &[], None);
            let url = match limits.operation {
                TAGS => "https://www.example.com/#product-1",
                Operation::Refresh(RefreshKind::Directory) => "https://www.example.com/a/",
                _ => "https://www.example.com/a",
            };
            let accepted = line.submit(&*provider, limits.operation, &[url]).unwrap();
            let request = line.last_request();
            assert_eq!(request.headers()["x-acs-action"], limits.call.api);
            assert_eq!(request.uri().host(), url::Url::parse(spec.endpoints[0].url).unwrap().host_str());
            assert_eq!(line.emulator.borrow().ledger()[0].url, url);
            let page = block_on(provider.status(accepted.task_ids(), 1, &line)).unwrap();
            assert_eq!(page.rows.len(), 1, "{} {}", spec.name, limits.call.api);
            assert_eq!(page.rows[0].state, TaskState::Complete);
            assert_eq!(page.rows[0].prefetch, limits.operation == Operation::Prefetch);
            assert_eq!(line.last_request().headers()["x-acs-action"], spec.status().unwrap().api);
        }
    }
}

#[test]
fn only_cdn_sends_a_refresh_in_a_form() {
    for spec in PRODUCTS {
        let line = quick(spec);
        line.submit(&*provider_of(spec, &[], None), FILES, &["https://www.example.com/a"]).unwrap();
        let form = spec.name == "alibaba-cdn";
        assert_eq!(line.last_request().body().is_empty(), !form, "{}", spec.name);
        let counted = spec.operation(FILES).unwrap().request_line_bytes.is_some();
        assert_eq!(counted, !form, "what travels in the request line is counted there");
    }
}

#[test]
fn tags_of_one_host_travel_together_decoded_and_those_of_two_do_not() {
    for spec in [&ALIBABA_CDN, &ALIBABA_DCDN] {
        let line = quick(spec);
        let provider = provider_of(spec, &[], None);
        let urls = ["https://www.example.com/#a%2Fb", "https://www.example.com/#c"];
        let tags = urls.map(|url| Subject::tag(url).unwrap());
        let submission = Submission {
            operation: TAGS,
            mode: PurgeMode::Hard,
            subjects: &tags.each_ref(),
            reference: "cdn-purge-test-1",
        };
        block_on(provider.submit(submission, &line)).unwrap();
        let sent = parameters(&line.last_request());
        let expected = [("CacheTag", "a/b,c"), ("DomainName", "www.example.com"), ("Force", "true")];
        assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        let urls_taken: Vec<String> = line.emulator.borrow().ledger().iter().map(|entry| entry.url.clone()).collect();
        assert_eq!(urls_taken, urls);

        let apart = ["https://www.example.com/#a", "https://img.example.com/#a"];
        assert_eq!(line.submit(&*provider, TAGS, &apart).unwrap_err().kind, ApiErrorKind::Refused);
        let joined = ["https://www.example.com/#a%2Cb"];
        assert_eq!(line.submit(&*provider, TAGS, &joined).unwrap_err().kind, ApiErrorKind::Refused);
        assert_eq!(line.accepted(), 2);
    }
    let error = quick(&ALIBABA_VOD).submit(&*provider_of(&ALIBABA_VOD, &[], None), TAGS, &["https://a.example/#a"]);
    assert_eq!(error.unwrap_err().kind, ApiErrorKind::Denied);
}

#[test]
fn vod_has_no_call_by_id_so_its_list_is_read_page_by_page() {
    let spec = &ALIBABA_VOD;
    let settings =
        EmulatorSettings { task_duration: Some(Duration::ZERO), rows: Rows::PerUrl, ..EmulatorSettings::default() };
    let line = line_to(spec, settings);
    let provider = provider_of(spec, &[], None);
    let urls: Vec<String> = (0..120).map(|n| format!("https://www.example.com/{n}")).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let ids = line.submit(&*provider, FILES, &urls).unwrap().task_ids().to_vec();
    assert_eq!(ids.len(), 1);
    let mut seen = Vec::new();
    for (page, rows) in [(1, 50), (2, 50), (3, 20), (4, 0)] {
        let answer = block_on(provider.status(&ids, page, &line)).unwrap();
        assert_eq!((answer.rows.len(), answer.total), (rows, 120));
        seen.extend(answer.rows.into_iter().map(|record| record.url));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 120);
    assert_eq!((spec.status().unwrap().ids_per_call, spec.status().unwrap().rows_per_page), (1, 50));
}

#[test]
fn the_quota_is_told_for_what_a_product_counts() {
    for (spec, count) in [(&ALIBABA_CDN, 5), (&ALIBABA_DCDN, 5), (&ALIBABA_VOD, 3)] {
        let settings = EmulatorSettings { quota: Some(7), ..EmulatorSettings::default() };
        let line = line_to(spec, settings);
        let provider = provider_of(spec, &[], None);
        line.submit(&*provider, Operation::Prefetch, &["https://www.example.com/a"]).unwrap();
        let quota = block_on(provider.quota(&line)).unwrap();
        assert_eq!(quota.entries.len(), count);
        assert_eq!((quota.remaining(FILES), quota.remaining(Operation::Prefetch)), (Some(7), Some(6)));
    }
}

#[test]
fn records_are_asked_for_by_domain_kind_and_status() {
    for spec in PRODUCTS {
        let line = quick(spec);
        let provider = provider_of(spec, &[], None);
        for host in ["www", "img"] {
            line.submit(&*provider, FILES, &[&format!("https://{host}.example.com/a")]).unwrap();
        }
        line.submit(&*provider, Operation::Prefetch, &["https://img.example.com/b"]).unwrap();
        let ask = |domain: Option<&str>, kind, status| {
            let filter = RecordFilter { domain: domain.map(str::to_owned), kind, status, ..RecordFilter::default() };
            block_on(provider.records(&filter, 1, &line))
        };
        let urls = |domain, kind, status| -> Vec<String> {
            ask(domain, kind, status).unwrap().rows.into_iter().map(|record| record.url).collect()
        };
        let www = Some("www.example.com");
        assert_eq!(urls(www, Some(RecordKind::File), None), ["https://www.example.com/a"]);
        assert_eq!(urls(www, Some(RecordKind::Prefetch), None), Vec::<String>::new());
        assert_eq!(urls(None, Some(RecordKind::Prefetch), None), ["https://img.example.com/b"]);
        assert_eq!(urls(None, Some(RecordKind::File), Some(RecordStatus::Complete)).len(), 2);
        assert_eq!(urls(None, Some(RecordKind::File), Some(RecordStatus::Running)).len(), 0);
        // The vendor wants a kind along with them.
        assert_eq!(ask(www, None, None).unwrap_err().kind, ApiErrorKind::Denied);
    }
}

#[test]
fn traffic_and_bandwidth_have_a_point_for_each_interval() {
    for spec in [&ALIBABA_CDN, &ALIBABA_VOD] {
        let line = quick(spec);
        let provider = provider_of(spec, &[], None);
        for offer in [&spec.queries.traffic, &spec.queries.bandwidth].map(|offer| offer.as_ref().unwrap()) {
            for interval in offer.intervals {
                let since = "2026-11-20T00:00:00Z".parse().unwrap();
                let until = since + SignedDuration::from_hours(24);
                let domains = vec!["www.example.com".to_owned(), "img.example.com".to_owned()];
                let question = MeasureQuestion { offer, domains, since, until, interval: interval.interval };
                let points = block_on(provider.measure(&question, &line)).unwrap();
                assert_eq!(points.len() as u64, 86_400 / interval.interval.as_secs());
                assert_eq!(points[0].at, since);
                assert!(points.iter().all(|point| point.value > 0.0));
                assert_eq!(points, block_on(provider.measure(&question, &line)).unwrap());

                // The longest range is accepted, and a longer one isn't.
                let most = |extra: u64| {
                    let since = start() - SignedDuration::try_from(interval.span).unwrap();
                    let question = MeasureQuestion {
                        since: since - SignedDuration::from_secs(extra as i64),
                        until: start(),
                        ..question.clone()
                    };
                    block_on(provider.measure(&question, &line))
                };
                most(0).unwrap();
                assert_eq!(most(2).unwrap_err().kind, ApiErrorKind::Denied);
            }
        }
    }
    assert!(ALIBABA_DCDN.queries.measure(Measure::Traffic).is_none(), "it is refused before a call");
}

#[test]
fn log_files_are_listed_page_by_page_and_can_be_fetched() {
    for spec in [&ALIBABA_CDN, &ALIBABA_VOD] {
        let line = quick(spec);
        let provider = provider_of(spec, &[], None);
        let question = LogQuestion {
            offer: spec.queries.logs.as_ref().unwrap(),
            domain: "www.example.com".into(),
            since: hours_ago(400),
            until: hours_ago(0),
        };
        let first = block_on(provider.logs(&question, 1, &line)).unwrap();
        let second = block_on(provider.logs(&question, 2, &line)).unwrap();
        assert_eq!((first.rows.len(), first.total, second.rows.len()), (300, 400, 100));
        let file = &first.rows[0];
        assert_eq!(
            (file.domain.as_str(), file.until),
            ("www.example.com", Some("2026-11-22T00:00:00Z".parse().unwrap()))
        );
        let url = file.url.expose_secret();
        assert!(url.starts_with(&format!("{}/logs/{}/", spec.endpoints[0].url, spec.name)), "{url}");
        let fetch = Request::get(url).body(Bytes::new()).unwrap();
        assert!(line.emulator.borrow().claims(&fetch));
        for other in PRODUCTS.into_iter().filter(|other| other.name != spec.name) {
            assert!(!quick(other).emulator.borrow().claims(&fetch));
        }
        let log = line.emulator.borrow_mut().handle(&fetch, start());
        assert_eq!((log.status().as_u16(), log.body().len() as u64), (200, file.bytes));
    }
}

#[test]
fn the_accounts_domains_are_those_of_the_urls_it_was_asked_for() {
    let line = quick(&ALIBABA_CDN);
    let provider = provider(&[]);
    let names = || -> Vec<String> {
        block_on(provider.domains(ALIBABA_CDN.queries.domains.as_ref().unwrap(), 1, &line))
            .unwrap()
            .rows
            .into_iter()
            .map(|domain| domain.name)
            .collect()
    };
    assert_eq!(names(), ["www.example.com"]);
    line.submit(&*provider, FILES, &["https://b.example.com/", "http://A.example.com:80/x"]).unwrap();
    assert_eq!(names(), ["a.example.com", "b.example.com"]);
    assert_eq!(block_on(provider.domains(ALIBABA_CDN.queries.domains.as_ref().unwrap(), 2, &line)).unwrap().rows, []);
}

#[test]
fn the_region_chooses_where_the_api_is_asked() {
    let overseas: Options = [("region", OptionValue::Word("overseas".into()))].into();
    assert_eq!(ALIBABA_CDN.endpoint(&overseas), "https://cdn.ap-southeast-1.aliyuncs.com");
    assert_eq!(ALIBABA_CDN.endpoint(&Options::new()), "https://cdn.aliyuncs.com");
}

#[test]
fn what_was_measured_is_read_as_the_documentation_shows_it() {
    let ask = |file: &'static str, measure| {
        let question = MeasureQuestion {
            offer: ALIBABA_CDN.queries.measure(measure).unwrap(),
            domains: Vec::new(),
            since: hours_ago(1),
            until: start(),
            interval: Duration::from_secs(300),
        };
        block_on(provider(&[]).measure(&question, &Canned::new(200, &[], file))).unwrap()
    };
    let traffic = ask(include_str!("../fixtures/traffic.json"), Measure::Traffic);
    assert_eq!(traffic.iter().map(|point| point.value).collect::<Vec<_>>(), [0.0, 423_304_182.0]);
    assert_eq!(traffic[0].at, "2015-12-10T20:00:00Z".parse().unwrap());
    let bandwidth = ask(include_str!("../fixtures/bandwidth.json"), Measure::Bandwidth);
    assert_eq!(bandwidth.iter().map(|point| point.value).collect::<Vec<_>>(), [11_288_111.0]);
}

#[test]
fn log_files_and_domains_are_read_as_the_documentation_shows_them() {
    let question = LogQuestion {
        offer: ALIBABA_CDN.queries.logs.as_ref().unwrap(),
        domain: "example.com".into(),
        since: hours_ago(24),
        until: start(),
    };
    let canned = |file: &'static str| Canned::new(200, &[], file);
    let page = block_on(provider(&[]).logs(&question, 1, &canned(include_str!("../fixtures/logs.json")))).unwrap();
    assert_eq!((page.rows.len(), page.total, page.rows[0].bytes), (1, 10, 258));
    assert!(page.rows[0].url.expose_secret().starts_with("https://guide-logs.example-oss.aliyuncs.com/"));
    let page = block_on(provider(&[]).logs(&question, 1, &canned(include_str!("../fixtures/logs-vod.json")))).unwrap();
    assert_eq!((page.rows.len(), page.total), (1, 20));
    let domains = canned(include_str!("../fixtures/domains.json"));
    let page = block_on(provider(&[]).domains(ALIBABA_CDN.queries.domains.as_ref().unwrap(), 1, &domains)).unwrap();
    let domain = &page.rows[0];
    assert_eq!(
        (domain.name.as_str(), domain.status.as_str(), domain.service.as_str()),
        ("example.com", "online", "web")
    );
    assert_eq!((domain.cname.as_deref(), page.total), (Some("example.com.w.kunlunhuf.com"), 16));
    let nothing = Canned::new(200, &[], r#"{"RequestId":"R"}"#);
    assert_eq!(
        block_on(provider(&[]).domains(ALIBABA_CDN.queries.domains.as_ref().unwrap(), 1, &nothing)).unwrap().rows,
        []
    );
    let stranger = Canned::new(200, &[], "{}");
    assert_eq!(block_on(provider(&[]).logs(&question, 1, &stranger)).unwrap_err().kind, ApiErrorKind::Server);
}
