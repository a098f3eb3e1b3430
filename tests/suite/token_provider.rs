//! A provider of the simplest kind: a bearer token, one call, and what it accepts is done. No status, no records, no quota.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cdn_purge::model::{Operation, RefreshKind};
use cdn_purge::provider::{
    Accepted, AfterLostAnswer, Api, ApiError, ApiErrorKind, ApiName, CallSpec, EndpointSpec, OperationSpec, PolicySpec,
    Provider, ProviderContext, QuerySpec, Rate, Spec, Submission,
};
use cdn_purge::providers::Registration;
use emulators::{Emulator, LedgerEntry};
use http::{Request, Response};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::world::{REFRESH, World};

const PURGE: CallSpec = CallSpec::new("Purge", "purge", Rate::per_minute(300).burst(25));

const fn purge(kind: RefreshKind) -> OperationSpec {
    let operation = OperationSpec::new(Operation::Refresh(kind), PURGE, 3, None, "");
    OperationSpec { after_lost_answer: AfterLostAnswer::Resend, ..operation }
}

static PLAIN: Spec = Spec {
    name: "plain",
    title: "Plain CDN",
    docs: "https://plain.example/",
    endpoints: &[EndpointSpec { region: "everywhere", url: "https://api.plain.example" }],
    options: &[],
    credentials: &[],
    operations: &[purge(RefreshKind::Url), purge(RefreshKind::Prefix)],
    tracking: None,
    quota: None,
    signature_validity: Duration::from_mins(15),
    url_characters: 1_000,
    prefetch_delay: Duration::ZERO,
    queries: QuerySpec::NOTHING,
    policy: PolicySpec { version: "1", is_lower_case: false, resource: None, always: &[] },
    signs: &[],
};

struct Plain(ProviderContext);

#[async_trait(?Send)]
impl Provider for Plain {
    fn spec(&self) -> &'static Spec {
        &PLAIN
    }

    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError> {
        let credentials = self.0.credentials.current();
        let request = Request::post(self.0.endpoint.join("purge").unwrap().as_str())
            .header("authorization", format!("Bearer {}", credentials.token(PURGE.api)?.expose_secret()))
            .extension(ApiName(PURGE.api))
            .body(Bytes::from(json!(submission.values()).to_string()))
            .map_err(|error| ApiError::unsignable(PURGE.api, &error))?;
        let error = |kind| ApiError::new(kind, PURGE.api, "refused");
        match api.call(request).await?.status().as_u16() {
            200 => Ok(Accepted::Done { request_id: None }),
            401 => Err(error(ApiErrorKind::Credentials)),
            429 => Err(error(ApiErrorKind::Throttled)),
            _ => Err(error(ApiErrorKind::Ambiguous)),
        }
    }
}

// What a provider costs ends here; the rest is the vendor's side, and the test.

static REGISTRY: [Registration; 1] = [Registration {
    spec: &PLAIN,
    open: |context| Box::new(Plain(context)),
    roles: None,
    profiles: &[],
    emulator: Some(|_| Box::new(Vendor(Vec::new()))),
}];

struct Vendor(Vec<LedgerEntry>);

impl Emulator for Vendor {
    fn claims(&self, _: &Request<Bytes>) -> bool {
        true
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        if request.headers().get("authorization").is_none_or(|value| value != "Bearer open sesame") {
            return Response::builder().status(401).body(Bytes::new()).unwrap();
        }
        let urls: Vec<String> = serde_json::from_slice(request.body()).unwrap();
        let operation = emulators::Operation::RefreshUrl;
        let entry = |url| LedgerEntry { at: now, operation, url, task_id: String::new() };
        self.0.extend(urls.into_iter().map(entry));
        Response::new(Value::Null.to_string().into())
    }

    fn ledger(&self) -> &[LedgerEntry] {
        &self.0
    }

    fn call_name(&self, _: &Request<Bytes>) -> String {
        PURGE.api.to_owned()
    }
}

fn world(token: &'static str, faults: &[&str]) -> World {
    let mut world = World::of_pages(0).with_faults(faults);
    world.providers = vec![&PLAIN];
    world.registry = &REGISTRY;
    world.token = Some(token);
    world.tasks = (0..10).map(|number| (REFRESH, format!("https://www.example.com/{number}"))).collect();
    world
}

#[test]
fn what_such_a_provider_accepts_is_done_at_once() {
    let story = world("open sesame", &["Purge#2=throttle"]).run();
    story.assert_partition();
    assert_eq!((story.count("done"), story.ledger.len(), story.calls), (10, 10, 5));
}

#[test]
fn a_lost_answer_is_followed_by_the_same_request() {
    let story = world("open sesame", &["Purge#1=drop-after"]).run();
    story.assert_partition();
    assert_eq!((story.count("done"), story.ledger.len(), story.calls), (10, 13, 5));
}

#[test]
fn a_wrong_token_is_sent_once() {
    let story = world("barley", &[]).run();
    story.assert_partition();
    assert_eq!((story.count("unsubmitted"), story.ledger.len(), story.calls), (10, 0, 1));
}
