//! Every provider × every operation × every refusal that its vendor documents: the kind is what the documentation says, and
//! an execution ends each URL as it must. A provider joins by its line in the registry.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cdn_purge::model::{Operation, Outcome, PurgeMode, RefreshKind, Subject};
use cdn_purge::provider::ApiErrorKind::{
    self, Ambiguous, Clock, Credentials, Denied, Expired, Forbidden, QuotaSpent, Refused, Server, Throttled, TooLarge,
    Undocumented, Unsent,
};
use cdn_purge::provider::clock;
use cdn_purge::provider::credentials::SharedCredentials;
use cdn_purge::provider::simulation::{SimulationApi, credentials};
use cdn_purge::provider::{
    AfterLostAnswer, Api, ApiError, ApiName, CallSpec, OperationSpec, Provider, ProviderContext, RecordFilter, Spec,
    Submission,
};
use cdn_purge::providers::{self, REGISTRY, Registration};
use emulators::faults::Faults;
use emulators::gateway::Gateway;
use emulators::{EmulatorSettings, Meaning};
use jiff::Timestamp;

use crate::world::{Story, World, target_options};

/// How many URLs an execution has.
const COUNT: usize = 3;
const TAG: Operation = Operation::Refresh(RefreshKind::Tag);

fn test_url(operation: Operation, number: usize) -> String {
    match operation {
        Operation::Refresh(RefreshKind::Directory) => format!("https://www.example.com/{number}/"),
        Operation::Refresh(RefreshKind::Regex) => format!("https://www.example.com/{number}/.*"),
        Operation::Refresh(RefreshKind::Tag) => format!("https://www.example.com/#tag-{number}"),
        Operation::Refresh(RefreshKind::Host | RefreshKind::Everything) => format!("https://www-{number}.example.com/"),
        Operation::Refresh(RefreshKind::Url | RefreshKind::AnyQuery | RefreshKind::Prefix) | Operation::Prefetch => {
            format!("https://www.example.com/{number}")
        }
    }
}

fn emulated(spec: &Spec, settings: &EmulatorSettings, faults: Faults) -> Gateway {
    let entry = *Registration::of(spec).unwrap();
    Gateway::new(providers::emulators(&[entry], |_| settings.clone()), faults)
}

/// Every error that the vendor documents, with what the client must make of it.
fn documented(spec: &Spec) -> impl Iterator<Item = (&'static str, ApiErrorKind)> {
    let errors = emulated(spec, &EmulatorSettings::default(), Faults::none()).errors(spec.name);
    errors.iter().flat_map(|errors| errors.codes.iter().map(|code| (*code, kind(errors.meaning))))
}

fn kind(meaning: Meaning) -> ApiErrorKind {
    match meaning {
        Meaning::Throttled => Throttled,
        Meaning::Server => Server,
        Meaning::Ambiguous => Ambiguous,
        Meaning::Clock => Clock,
        Meaning::QuotaSpent => QuotaSpent,
        Meaning::Credentials => Credentials,
        Meaning::Expired => Expired,
        Meaning::Forbidden => Forbidden,
        Meaning::Denied => Denied,
        Meaning::Refused => Refused,
        Meaning::TooLarge => TooLarge,
    }
}

fn faults(rule: String) -> Faults {
    Faults::parse(&[rule], 0).unwrap()
}

fn opened(spec: &'static Spec, credentials: SharedCredentials) -> Box<dyn Provider> {
    let options = target_options(spec);
    let endpoint = spec.endpoint(&options).parse().unwrap();
    providers::open(ProviderContext { spec, options, hosts: vec!["www.example.com".into()], endpoint, credentials })
}

/// One submission to a vendor who refuses it.
fn submitted(spec: &'static Spec, operation: &OperationSpec, code: &str) -> (Result<(), ApiError>, usize) {
    let settings = EmulatorSettings::default();
    let credentials = SharedCredentials::new(credentials(spec, &settings));
    let faults = faults(format!("{}=refuse:{code}", operation.call.api));
    let gateway = Rc::new(RefCell::new(emulated(spec, &settings, faults)));
    let clock = clock::Clock::new(Timestamp::from_second(1_800_000_000).unwrap());
    let api = SimulationApi::new(Rc::clone(&gateway), Duration::from_millis(50), clock, 1);
    let mut provider = opened(spec, credentials);
    let url = test_url(operation.operation, 0);
    let subject = match operation.operation {
        Operation::Refresh(kind) => Subject::of(kind, &url),
        Operation::Prefetch => Subject::url(&url),
    };
    let submission = Submission {
        operation: operation.operation,
        mode: PurgeMode::Default,
        subjects: &[&subject],
        reference: "cdn-purge-test-1",
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let result = runtime.block_on(async {
        provider.prepare(&api).await.unwrap();
        provider.submit(submission, &api).await
    });
    let result = result.map(|_| ());
    let accepted = gateway.borrow().ledger().count();
    (result, accepted)
}

/// An execution of one operation with this fault.
fn executed(spec: &'static Spec, operation: Operation, fault: String) -> Story {
    let tasks = (0..COUNT).map(|number| (operation, test_url(operation, number))).collect();
    let mut world = World::of(tasks);
    world.providers = vec![spec];
    world.settings.task_duration = Some(Duration::from_secs(2));
    world.faults = vec![fault];
    world.run()
}

/// What becomes of an operation whose answer never says whether it was executed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Doubt {
    /// The records show it.
    Settled,
    /// It is sent again.
    Resent,
    /// Nobody can tell.
    Unknown,
}

fn doubt(spec: &Spec, operation: &OperationSpec) -> Doubt {
    match operation.after_lost_answer {
        AfterLostAnswer::Resend => Doubt::Resent,
        // No record has to name a tag, so nothing proves that it wasn't executed.
        AfterLostAnswer::AskRecords if spec.records().is_none() || operation.operation == TAG => Doubt::Unknown,
        AfterLostAnswer::AskRecords => Doubt::Settled,
    }
}

/// The providers that have an emulator.
fn emulated_providers() -> impl Iterator<Item = &'static Spec> {
    REGISTRY.iter().filter(|entry| entry.emulator.is_some()).map(|entry| entry.spec)
}

#[test]
fn every_provider_lists_what_its_vendor_documents() {
    for spec in emulated_providers() {
        let listed: Vec<_> = documented(spec).collect();
        assert!(listed.len() >= 7, "{} lists {} errors", spec.name, listed.len());
        for kind in [Throttled, Server, QuotaSpent, Credentials, Forbidden, Denied, Refused] {
            let has_none = kind == QuotaSpent && spec.quota.is_none();
            assert!(
                has_none || listed.iter().any(|(_, listed)| *listed == kind),
                "{}: no {kind:?} is listed",
                spec.name
            );
        }
    }
}

#[test]
fn every_refusal_of_every_operation_allows_what_the_documentation_says() {
    for spec in emulated_providers() {
        for operation in spec.operations {
            for (code, kind) in documented(spec) {
                let place = format!("{} {} {code}", spec.name, operation.call.api);
                let (result, accepted) = submitted(spec, operation, code);
                let error = result.expect_err(&place);
                assert_eq!((error.kind, accepted), (kind, 0), "{place}: {error}");
                assert_eq!((error.api, error.code.as_deref()), (operation.call.api, Some(code)), "{place}");
                assert!(kind != Clock || error.server_time.is_some(), "{place}: the time to correct by");
            }
        }
    }
}

/// The network, which notes the calls that leave.
struct Noting {
    inner: SimulationApi,
    calls: RefCell<Vec<&'static str>>,
}

#[async_trait(?Send)]
impl Api for Noting {
    async fn call(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, ApiError> {
        self.calls.borrow_mut().push(ApiName::of(&request));
        self.inner.call(request).await
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn nonce(&self) -> String {
        self.inner.nonce()
    }

    fn correct_clock(&self, server: Timestamp) {
        self.inner.correct_clock(server);
    }
}

#[test]
fn every_query_is_the_call_whose_rate_it_waits_for() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    for spec in emulated_providers() {
        let settings = EmulatorSettings::default();
        let gateway = Rc::new(RefCell::new(emulated(spec, &settings, Faults::none())));
        let clock = clock::Clock::new(Timestamp::from_second(1_800_000_000).unwrap());
        let inner = SimulationApi::new(gateway, Duration::from_millis(50), clock, 1);
        let api = Noting { inner, calls: RefCell::default() };
        let mut provider = opened(spec, SharedCredentials::new(credentials(spec, &settings)));
        let queries = async {
            let mut expected = Vec::new();
            provider.prepare(&api).await.unwrap();
            api.calls.take();
            if let Some(records) = spec.records() {
                let by_id = RecordFilter { task_id: Some("1".into()), ..RecordFilter::default() };
                let by_url = RecordFilter { url: Some("https://www.example.com/".into()), ..RecordFilter::default() };
                for filter in [by_id, by_url] {
                    let _ = provider.records(&filter, 1, &api).await;
                    expected.push(records.call_for(&filter).api);
                }
            }
            if let Some(status) = spec.status() {
                let _ = provider.status(&["1".into()], 1, &api).await;
                expected.push(status.api);
            }
            if let Some(quota) = &spec.quota {
                let _ = provider.quota(&api).await;
                expected.push(quota.call.api);
            }
            expected
        };
        let expected = runtime.block_on(queries);
        assert_eq!(api.calls.take(), expected, "{}", spec.name);
    }
}

#[test]
fn after_one_refusal_nothing_is_lost_and_nothing_is_doubled() {
    for spec in emulated_providers() {
        for limits in spec.operations {
            let OperationSpec { operation, call: CallSpec { api, .. }, .. } = limits;
            for (code, kind) in documented(spec) {
                let place = format!("{} {operation:?} {code}", spec.name);
                let story = executed(spec, *operation, format!("{api}#1=refuse:{code}"));
                story.assert_partition().assert_ledger();
                let count = story.outcomes.len();
                let (done, failed, unsubmitted) =
                    (story.count("done"), story.count("failed"), story.count("unsubmitted"));
                match kind {
                    Server | Ambiguous if doubt(spec, limits) == Doubt::Unknown => {
                        // Those of the same batch.
                        let unknown = story.plan.lanes[0].batches[0].tasks.len();
                        assert_eq!((story.count("unknown"), done), (unknown, count - unknown), "{place}");
                    }
                    Unsent | Throttled | Server | Ambiguous | Clock => {
                        assert_eq!(done, count, "{place}: {:?}", story.outcomes);
                    }
                    Undocumented => panic!("{place}: it is documented"),
                    // A batch of one can't be halved: then that URL is the one that is refused.
                    Refused | TooLarge => {
                        let alone = usize::from(story.plan.lanes[0].batches[0].tasks.len() == 1);
                        assert_eq!((done, failed), (count - alone, alone), "{place}: {:?}", story.outcomes);
                    }
                    // What was in flight at the same time may have been accepted.
                    QuotaSpent | Credentials | Expired | Forbidden | Denied => {
                        assert_eq!(done + unsubmitted + story.count("unknown"), count, "{place}: {:?}", story.outcomes);
                        assert!(unsubmitted >= 1, "{place}: {:?}", story.outcomes);
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_always_refused_is_never_told_as_done_and_says_the_vendors_code() {
    for spec in emulated_providers() {
        for limits in spec.operations {
            let OperationSpec { operation, call: CallSpec { api, .. }, .. } = limits;
            for (code, kind) in documented(spec) {
                let place = format!("{} {operation:?} {code}", spec.name);
                let story = executed(spec, *operation, format!("{api}=refuse:{code}"));
                story.assert_partition().assert_ledger();
                assert!(story.ledger.is_empty(), "{place}");
                let expected = match kind {
                    Refused | TooLarge => "failed",
                    Server | Ambiguous if doubt(spec, limits) != Doubt::Settled => "unknown",
                    _ => "unsubmitted",
                };
                assert_eq!(story.count(expected), story.outcomes.len(), "{place}: {:?}", story.outcomes);
                for outcome in story.outcomes.values() {
                    assert!(outcome.reason().is_some_and(|reason| reason.contains(code)), "{place}: {outcome:?}");
                }
            }
        }
    }
}

#[test]
fn a_refused_question_loses_no_url_and_makes_none_better_than_it_is() {
    for spec in emulated_providers() {
        if spec.status().is_none() {
            continue;
        }
        for operation in spec.operations.iter().map(|limits| limits.operation) {
            for (code, kind) in documented(spec) {
                let place = format!("{} {operation:?} {code}", spec.name);
                let status = &spec.tracking_of(operation == Operation::Prefetch).unwrap().status;
                let sent_once = |story: &Story| {
                    story.assert_partition().assert_ledger();
                    assert_eq!(story.ledger.len(), story.outcomes.len(), "{place}");
                };
                let once = executed(spec, operation, format!("{}#1=refuse:{code}", status.api));
                sent_once(&once);
                if matches!(kind, Unsent | Throttled | Server | Ambiguous | Refused | TooLarge | Clock) {
                    assert_eq!(once.count("done"), once.outcomes.len(), "{place}: {:?}", once.outcomes);
                }
                if let Some(quota) = &spec.quota {
                    let quota = executed(spec, operation, format!("{}=refuse:{code}", quota.call.api));
                    quota.assert_partition().assert_ledger();
                    assert_eq!(quota.count("failed"), 0, "{place}: {:?}", quota.outcomes);
                }
                let never = executed(spec, operation, format!("{}=refuse:{code}", status.api));
                sent_once(&never);
                let known = |outcome: &Outcome| matches!(outcome, Outcome::Done | Outcome::Unknown(_));
                assert!(never.outcomes.values().all(known), "{place}: {:?}", never.outcomes);
            }
        }
    }
}
