//! A provider that nobody sells goes through plan, execution and report by its `Spec` alone: what a new one costs is a folder
//! like this file, and one line in the registry.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cdn_purge::config::{FailOn, Mode, OnEmpty, Wait};
use cdn_purge::model::{EventSink, Operation, Quota, QuotaEntry, RefreshKind};
use cdn_purge::provider::{
    Accepted, Api, ApiError, ApiErrorKind, ApiName, CallSpec, EndpointSpec, OperationSpec, Page, PolicySpec, Provider,
    ProviderContext, QuerySpec, QuotaSpec, Rate, Record, RecordFilter, RecordsSpec, Spec, Submission, TaskState,
    TrackingSpec, days,
};
use cdn_purge::providers::Registration;
use cdn_purge::report::{self, Collector, Context};
use emulators::{Emulator, EmulatorSettings, LedgerEntry};
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::{REFRESH, World};

static PAPER: Spec = Spec {
    name: "paper",
    title: "Paper CDN",
    docs: "https://paper.example/",
    endpoints: &[EndpointSpec { region: "here", url: "https://api.paper.example" }],
    options: &[],
    credentials: &[],
    operations: &[operation(REFRESH, "Forget"), operation(Operation::Prefetch, "Fetch")],
    tracking: Some(TrackingSpec {
        status: call("Look").ids(5),
        records: Some(RecordsSpec { call: call("List"), of_task: None, kept: days(1), span: days(1) }),
        prefetches: None,
        whole_batches: false,
    }),
    quota: Some(QuotaSpec { call: call("Left"), of_prefetches: None, reset: "noon" }),
    signature_validity: Duration::from_mins(15),
    url_characters: 200,
    prefetch_delay: Duration::ZERO,
    queries: QuerySpec::NOTHING,
    policy: PolicySpec { version: "1", is_lower_case: false, resource: None, always: &[] },
    signs: &[],
};

static REGISTRY: [Registration; 1] = [Registration {
    spec: &PAPER,
    open: |context| Box::new(Paper(context)),
    roles: None,
    profiles: &[],
    emulator: Some(|settings| Box::new(PaperMill { settings: settings.clone(), ledger: Vec::new() })),
}];

const fn call(api: &'static str) -> CallSpec {
    CallSpec::new(api, "paper", Rate::per_second(5))
}

const fn operation(operation: Operation, api: &'static str) -> OperationSpec {
    let typical = Duration::from_secs(3);
    OperationSpec { typical, ..OperationSpec::new(operation, call(api), 4, None, "") }
}

struct Paper(ProviderContext);

impl Paper {
    async fn call(&self, api_name: &'static str, body: Value, api: &dyn Api) -> Result<Value, ApiError> {
        let request = Request::post(self.0.endpoint.join(api_name).unwrap().as_str())
            .extension(ApiName(api_name))
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let response = api.call(request).await?;
        let error = |kind| ApiError::new(kind, api_name, "a torn page");
        match response.status().as_u16() {
            200 => serde_json::from_slice(response.body()).map_err(|_| error(ApiErrorKind::Ambiguous)),
            429 => Err(error(ApiErrorKind::Throttled)),
            _ => Err(error(ApiErrorKind::Server)),
        }
    }

    fn page(answer: &Value) -> Page {
        let rows = answer.as_array().cloned().unwrap_or_default();
        let record = |row: &Value| Record {
            task_id: row["id"].as_str().unwrap().into(),
            url: row["url"].as_str().unwrap().into(),
            prefetch: row["fetch"].as_bool().unwrap(),
            kind: String::new(),
            state: if row["done"] == true { TaskState::Complete } else { TaskState::Running },
            status: row["done"].to_string(),
            percent: None,
            created: row["at"].as_str().unwrap().parse().ok(),
        };
        Page { rows: rows.iter().map(record).collect(), total: rows.len() }
    }
}

#[async_trait(?Send)]
impl Provider for Paper {
    fn spec(&self) -> &'static Spec {
        self.0.spec
    }

    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError> {
        let name = self.0.spec.operation(submission.operation).unwrap().call.api;
        let answer = self.call(name, json!(submission.values()), api).await?;
        let id = answer["id"].as_str().ok_or_else(|| ApiError::new(ApiErrorKind::Ambiguous, name, "no id"))?;
        Ok(Accepted::Tracked { task_ids: vec![id.to_owned()], request_id: None })
    }

    async fn status(&self, task_ids: &[String], _: u32, api: &dyn Api) -> Result<Page, ApiError> {
        Ok(Self::page(&self.call("Look", json!(task_ids), api).await?))
    }

    async fn records(&self, filter: &RecordFilter, _: u32, api: &dyn Api) -> Result<Page, ApiError> {
        Ok(Self::page(&self.call("List", json!(filter.url), api).await?))
    }

    async fn quota(&self, api: &dyn Api) -> Result<Quota, ApiError> {
        self.call("Left", json!(null), api).await?;
        Ok(Quota { entries: vec![QuotaEntry { operation: REFRESH, limit: 100, remaining: 100 }] })
    }
}

struct PaperMill {
    settings: EmulatorSettings,
    ledger: Vec<LedgerEntry>,
}

impl PaperMill {
    fn rows(&self, now: Timestamp, fits: impl Fn(&LedgerEntry) -> bool) -> Value {
        let takes = self.settings.task_duration.unwrap_or_default();
        let row = |entry: &LedgerEntry| {
            let is_over = now.duration_since(entry.at).unsigned_abs() >= takes;
            let fetch = entry.operation == emulators::Operation::Prefetch;
            json!({"id": entry.task_id, "url": entry.url, "fetch": fetch, "done": is_over, "at": entry.at})
        };
        self.ledger.iter().filter(|entry| fits(entry)).map(row).collect()
    }
}

impl Emulator for PaperMill {
    fn claims(&self, _: &Request<Bytes>) -> bool {
        true
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let texts = || body.as_array().into_iter().flatten().filter_map(Value::as_str);
        let answer = match request.uri().path() {
            "/Look" => self.rows(now, |entry| texts().any(|id| id == entry.task_id)),
            "/List" => self.rows(now, |entry| body == *entry.url),
            "/Left" => json!({}),
            path => {
                let is_prefetch = path == "/Fetch";
                let refresh = emulators::Operation::RefreshUrl;
                let operation = if is_prefetch { emulators::Operation::Prefetch } else { refresh };
                let task_id = format!("p{}", self.ledger.len());
                let entry = |url: &str| LedgerEntry { at: now, operation, url: url.into(), task_id: task_id.clone() };
                let entries: Vec<LedgerEntry> = texts().map(entry).collect();
                self.ledger.extend(entries);
                json!({"id": task_id})
            }
        };
        Response::new(answer.to_string().into())
    }

    fn ledger(&self) -> &[LedgerEntry] {
        &self.ledger
    }

    fn call_name(&self, request: &Request<Bytes>) -> String {
        request.uri().path().trim_start_matches('/').to_owned()
    }
}

#[test]
fn a_made_up_provider_is_planned_executed_and_reported_by_its_spec_alone() {
    let mut world = World::of_pages(10).with_faults(&["Forget#2=drop-after", "Fetch#1=throttle", "Look#1=500-before"]);
    world.providers = vec![&PAPER];
    world.registry = &REGISTRY;
    world.tasks.push((Operation::Refresh(RefreshKind::Directory), "https://www.example.com/other/".to_owned()));
    world.tasks.push((REFRESH, format!("https://www.example.com/{}", "x".repeat(200))));
    let started = world.started;
    let story = world.run();
    story.assert_partition().assert_ledger().assert_rate("Forget", 5);
    assert_eq!((story.count("done"), story.count("failed"), story.ledger.len()), (20, 2, 20));
    assert_eq!(story.plan.lanes[0].batches.iter().map(|batch| batch.tasks.len()).max(), Some(4));

    let context = Context {
        mode: Mode::Real,
        verify: false,
        edges: Vec::new(),
        range: None,
        built: None,
        list: None,
        changed_files: 0,
        fail_on: FailOn::Any,
        on_empty: OnEmpty::Warn,
        wait: Wait::All,
        commit_page: None,
        started,
        config: None,
    };
    let mut collector = Collector::new(&story.plan, context);
    story.events.iter().for_each(|event| collector.take(event));
    let summary = report::terminal::summary(&collector.finish());
    assert!(summary.contains("Paper CDN offers no directory refreshes"), "{summary}");
    assert!(summary.contains("Paper CDN takes 200 at most"), "{summary}");
}
