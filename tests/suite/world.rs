//! A world for whole executions: a plan, the vendor in memory, and virtual time. Everything follows from its fields.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cdn_purge::client::connection::Connection;
use cdn_purge::client::credential_refresh::CredentialRefresh;
use cdn_purge::config::{Target, Wait};
use cdn_purge::exec::durations::{Distribution, Durations};
use cdn_purge::exec::interrupt::{self, Interrupter};
use cdn_purge::exec::journal::{Identity, Journal, Purpose};
use cdn_purge::exec::{self, Execution, Options, Verify};
use cdn_purge::mapping::Mapped;
use cdn_purge::model::{Event, EventKind, Operation, Outcome, PurgeMode, Reason, RefreshKind, Signal, Subject, Task};
use cdn_purge::plan::{self, Limits, Plan};
use cdn_purge::provider::clock::Clock;
use cdn_purge::provider::credentials::{AccessKey, CredentialSource, Credentials, Issued, SharedCredentials};
use cdn_purge::provider::simulation::{SimulatedEdge, SimulationApi, credentials};
use cdn_purge::provider::{self, Api, ApiError, ApiErrorKind, ApiName, ProviderContext, Spec};
use cdn_purge::providers::alibaba::ALIBABA_CDN;
use cdn_purge::providers::{REGISTRY, Registration, emulators};
use emulators::faults::Faults;
use emulators::gateway::Gateway;
use emulators::{EmulatorSettings, LedgerEntry};
use http::{Request, Response};
use jiff::Timestamp;
use tokio::time::Instant;

pub const REFRESH: Operation = Operation::Refresh(RefreshKind::Url);

/// An answer becomes another, given the request and the name of the call.
pub type Bend = Rc<dyn Fn(&str, &Request<Bytes>, Response<Bytes>) -> Response<Bytes>>;

/// The code that a call is refused with, if it is: given its name, the request, and the time.
pub type Refuse = Rc<dyn Fn(&str, &Request<Bytes>, Duration) -> Option<&'static str>>;

/// What happens in a world.
pub struct World {
    pub tasks: Vec<(Operation, String)>,
    pub settings: EmulatorSettings,
    pub faults: Vec<String>,
    pub latency: Duration,
    pub options: Options,
    pub secret: Option<&'static str>,
    /// The credentials are a role's, with a life as the client believes it (`None`: it doesn't know), and so many exchanges in all.
    pub role: Option<(Option<Duration>, usize)>,
    pub clock_offset_seconds: i64,
    /// Signals, and when they come.
    pub signals: Vec<(Duration, Signal)>,
    /// Drops the execution at this event, as `kill -9` would.
    pub killed_at: Option<usize>,
    /// A signal comes while this event, from 1, is reported.
    pub signalled_at: Option<(usize, Signal)>,
    /// Drops it after this time.
    pub killed_after: Option<Duration>,
    /// What another maker's server would answer instead.
    pub bend: Option<Bend>,
    /// The result of every call, should no host be there.
    pub unreachable: Option<ApiError>,
    /// With which code a call is refused, unexecuted, that arrives so long after the start.
    pub refuse: Option<Refuse>,
    /// How many targets, all on one account of each provider.
    pub targets: usize,
    /// The targets' providers, in turn.
    pub providers: Vec<&'static Spec>,
    /// What the program can do with them.
    pub registry: &'static [Registration],
    /// A bearer token, in place of an access key.
    pub token: Option<&'static str>,
    /// The targets' options.
    pub target_options: provider::Options,
    pub journal: Option<PathBuf>,
    /// Whether what comes of it can be published.
    pub publishes: bool,
    /// Whether the run only continues another one.
    pub finishes: bool,
    /// What an earlier run's vendor had accepted.
    pub gateway: Option<Rc<RefCell<Gateway>>>,
    /// What is fetched through the CDN once its refresh is done.
    pub verify: Option<Verify>,
    pub started: Timestamp,
    pub seed: u64,
}

/// What a vendor accepted.
#[derive(Debug)]
pub struct Acceptance {
    pub at: Timestamp,
    pub operation: Operation,
    pub url: String,
}

/// The vendor's operation as ours.
pub fn operation(of_vendor: emulators::Operation) -> Operation {
    Operation::Refresh(match of_vendor {
        emulators::Operation::Prefetch => return Operation::Prefetch,
        emulators::Operation::RefreshUrl => RefreshKind::Url,
        emulators::Operation::RefreshDirectory => RefreshKind::Directory,
        emulators::Operation::RefreshRegex => RefreshKind::Regex,
        emulators::Operation::RefreshAnyQuery => RefreshKind::AnyQuery,
        emulators::Operation::RefreshPrefix => RefreshKind::Prefix,
        emulators::Operation::RefreshTag => RefreshKind::Tag,
        emulators::Operation::RefreshHost => RefreshKind::Host,
        emulators::Operation::RefreshEverything => RefreshKind::Everything,
    })
}

/// What came of it.
pub struct Story {
    pub plan: Plan,
    pub events: Vec<Event>,
    /// By operation and URL.
    pub outcomes: BTreeMap<(Operation, String), Outcome>,
    pub ledger: Vec<Acceptance>,
    pub took: Duration,
    pub calls: u64,
    pub gateway: Rc<RefCell<Gateway>>,
    pub killed: bool,
    /// When calls reached the server, by their names.
    pub arrivals: Vec<(&'static str, Duration)>,
}

/// The way to the vendor, who is of another make.
struct Way {
    inner: SimulationApi,
    bend: Option<Bend>,
    unreachable: Option<ApiError>,
    refuse: Option<Refuse>,
    latency: Duration,
    start: Instant,
    arrivals: RefCell<Vec<(&'static str, Duration)>>,
}

#[async_trait(?Send)]
impl Api for Way {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ApiError> {
        let name = ApiName::of(&request);
        self.arrivals.borrow_mut().push((name, self.start.elapsed() + self.latency / 2));
        if let Some(error) = &self.unreachable {
            tokio::time::sleep(self.latency).await;
            return Err(error.clone());
        }
        if let Some(code) = self.refuse.as_ref().and_then(|refuse| refuse(name, &request, self.start.elapsed())) {
            tokio::time::sleep(self.latency).await;
            let body = format!(r#"{{"RequestId":"R","Code":"{code}","Message":"no"}}"#);
            return Ok(Response::builder().status(400).body(body.into()).unwrap());
        }
        let copy = request.clone();
        let answer = self.inner.call(request).await?;
        Ok(match &self.bend {
            Some(bend) => bend(name, &copy, answer),
            None => answer,
        })
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn machine_time(&self) -> Timestamp {
        self.inner.machine_time()
    }

    fn server_time(&self) -> Option<Timestamp> {
        self.inner.server_time()
    }

    fn learn_server_time(&self, date: Timestamp) {
        self.inner.learn_server_time(date);
    }

    fn nonce(&self) -> String {
        self.inner.nonce()
    }

    fn correct_clock(&self, server: Timestamp) {
        self.inner.correct_clock(server);
    }
}

/// A service that issues credentials of a role, without a network.
struct Service {
    settings: EmulatorSettings,
    life: Option<Duration>,
    left: Cell<usize>,
}

#[async_trait(?Send)]
impl CredentialSource for Service {
    async fn obtain(&self, api: &dyn Api) -> Result<Issued, ApiError> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let refused = || ApiError::new(ApiErrorKind::Credentials, "Assume", "the role is gone");
        self.left.set(self.left.get().checked_sub(1).ok_or_else(refused)?);
        let key = self.settings.issue("STS.", api.now(), Duration::from_secs(3_600));
        let access_key = AccessKey::new(key.id, key.secret.into()).with_token(Some(key.token.into()));
        Ok(Issued { lifetime: self.life, ..Issued::forever(access_key) })
    }
}

impl World {
    /// A refresh and a prefetch of each of so many pages.
    pub fn of_pages(count: usize) -> Self {
        let urls = (0..count).map(|page| format!("https://www.example.com/page/{page}.html"));
        let tasks = urls.flat_map(|url| [(REFRESH, url.clone()), (Operation::Prefetch, url)]).collect();
        Self::of(tasks)
    }

    pub fn of(tasks: Vec<(Operation, String)>) -> Self {
        let started = Timestamp::from_second(1_800_000_000).unwrap();
        Self {
            tasks,
            settings: EmulatorSettings { quota: Some(1_000_000), ..EmulatorSettings::default() },
            faults: Vec::new(),
            latency: Duration::from_millis(50),
            options: Options {
                wait: Wait::All,
                short_quota: cdn_purge::config::ShortQuota::Refuse,
                refresh_timeout: Duration::from_secs(15 * 60),
                prefetch_timeout: Duration::from_secs(60 * 60),
                batch_size: None,
                warm_concurrency: 4,
                sequential: false,
                durations: measured(),
                seed: 1,
                started,
            },
            secret: None,
            role: None,
            clock_offset_seconds: 0,
            signals: Vec::new(),
            killed_at: None,
            signalled_at: None,
            killed_after: None,
            bend: None,
            unreachable: None,
            refuse: None,
            targets: 1,
            providers: vec![&ALIBABA_CDN],
            registry: REGISTRY,
            token: None,
            target_options: provider::Options::new(),
            journal: None,
            publishes: true,
            finishes: false,
            gateway: None,
            verify: None,
            started,
            seed: 1,
        }
    }

    pub fn with_faults(mut self, faults: &[&str]) -> Self {
        self.faults = faults.iter().map(|fault| (*fault).to_owned()).collect();
        self
    }

    /// The same at these providers, a target for each: task by task in turn.
    pub fn at(mut self, providers: &[&'static Spec]) -> Self {
        (self.providers, self.targets) = (providers.to_vec(), providers.len());
        self
    }

    fn target(&self, place: usize) -> Target {
        let provider = self.providers[place % self.providers.len()];
        let mut options = target_options(provider);
        options.extend(self.target_options.clone());
        Target { name: format!("site{place}").into(), provider, options, credentials: Default::default() }
    }

    pub fn plan(&self) -> Plan {
        let reason = || vec![Reason { rule: "rules[0]".into(), file: None }];
        let targets: Vec<Target> = (0..self.targets).map(|place| self.target(place)).collect();
        let tasks = self.tasks.iter().zip((0..self.targets).cycle()).map(|((operation, url), place)| Task {
            target: targets[place].name.clone(),
            operation: *operation,
            mode: PurgeMode::Default,
            subject: match operation {
                Operation::Refresh(kind) => Subject::of(*kind, url),
                Operation::Prefetch => Subject::url(url),
            },
            because: reason(),
        });
        let mapped = Mapped { tasks: tasks.collect(), ..Mapped::default() };
        let limits =
            Limits { batch_size: self.options.batch_size, roots_allowed: vec!["rules[0]".into()], ..Limits::default() };
        plan::make(mapped, &targets, &limits).unwrap()
    }

    /// Lets it happen, in virtual time.
    pub fn run(self) -> Story {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(self.happen())
    }

    fn registration(&self, spec: &Spec) -> &'static Registration {
        self.registry.iter().find(|entry| entry.spec.name == spec.name).unwrap()
    }

    async fn happen(self) -> Story {
        let plan = self.plan();
        let gateway = self.gateway.clone().unwrap_or_else(|| {
            let settings = self.settings.clone();
            let registered: Vec<Registration> = self.providers.iter().map(|spec| *self.registration(spec)).collect();
            let emulators = emulators(&registered, |_| settings.clone());
            Rc::new(RefCell::new(Gateway::new(emulators, faults(&self.faults, self.seed))))
        });
        let emulator_clock_start = self.started;
        let clock = Clock::new(
            emulator_clock_start.checked_add(Duration::from_secs(self.clock_offset_seconds.unsigned_abs())).unwrap(),
        );
        let start = Instant::now();
        let api = Rc::new(Way {
            inner: SimulationApi::new(Rc::clone(&gateway), self.latency, clock, self.seed),
            bend: self.bend.clone(),
            unreachable: self.unreachable.clone(),
            refuse: self.refuse.clone(),
            latency: self.latency,
            start,
            arrivals: RefCell::default(),
        });
        let refresh = match self.role {
            None => None,
            Some((life, exchanges)) => {
                let left = Cell::new(exchanges);
                let source = Service { settings: self.settings.clone(), life, left };
                Some(Rc::new(CredentialRefresh::start(Box::new(source), api.clone(), self.seed).await.unwrap()))
            }
        };
        let settings = EmulatorSettings {
            access_key_secret: self.secret.map_or(self.settings.access_key_secret.clone(), Into::into),
            ..self.settings.clone()
        };
        let configured = |spec: &Spec| match self.token {
            Some(token) => Credentials::Token(token.into()),
            None => credentials(spec, &settings),
        };
        let mut connections: Vec<Connection<'static>> = plan
            .lanes
            .iter()
            .map(|lane| Connection {
                target: lane.target.name.clone(),
                account: lane.target.account().into(),
                provider: (self.registration(lane.target.provider).open)(ProviderContext {
                    spec: lane.target.provider,
                    hosts: hosts(lane),
                    options: lane.target.options.clone(),
                    endpoint: lane.target.provider.endpoint(&lane.target.options).parse().unwrap(),
                    credentials: refresh.as_ref().map_or_else(
                        || SharedCredentials::new(configured(lane.target.provider)),
                        |refresh| refresh.credentials(),
                    ),
                }),
                api: api.clone(),
                refresh: refresh.clone(),
                edge: Rc::new(SimulatedEdge(Duration::from_millis(50))),
            })
            .collect();
        for connection in &mut connections {
            connection.prepare(&|_| {}, &mut fastrand::Rng::with_seed(self.seed)).await.unwrap();
        }
        let identity = Identity { plan: plan.digest().to_owned(), head: None, lanes: vec!["site".into()] };
        let (journal, past) = match &self.journal {
            Some(path) => {
                let purpose = if self.finishes { Purpose::Finish } else { Purpose::Run(self.options.wait) };
                Journal::open(path, &identity, purpose, self.started).unwrap()
            }
            None => (Journal::none(), Default::default()),
        };
        let (interrupter, interrupt) = interrupt::channel();
        let (kill, killed) = tokio::sync::oneshot::channel::<()>();
        let events = RefCell::new(Vec::new());
        let mut kill = Some(kill);
        let mut sink = |event: &Event| {
            let mut events = events.borrow_mut();
            if kill.is_none() && self.killed_at.is_some() {
                return;
            }
            events.push(event.clone());
            if let Some((at, signal)) = self.signalled_at
                && at == events.len()
            {
                interrupter.interrupt(signal);
            }
            if Some(events.len()) == self.killed_at {
                let _ = kill.take().map(|kill| kill.send(()));
            }
        };
        let (options, verify) = (&self.options, self.verify.as_ref());
        let (connections, past) = (&*connections, &past);
        let execution = Execution { plan: &plan, connections, quotas: None, options, past, verify };
        let execution = exec::execute(execution, journal, interrupt, &mut sink);
        let was_killed = tokio::select! {
            biased;
            Ok(()) = killed => true,
            () = after(self.killed_after) => true,
            mut executed = execution => {
                if self.publishes {
                    executed.journal.published().unwrap();
                }
                false
            }
            () = signals(&self.signals, &interrupter) => unreachable!("signals never end"),
        };
        let events = events.into_inner();
        let mut outcomes = BTreeMap::new();
        for event in &events {
            if let EventKind::TaskFinished { lane, task, outcome, .. } = &event.kind {
                let task = &plan.lanes[usize::from(*lane)].tasks[*task as usize].task;
                let before = outcomes.insert((task.operation, task.subject.to_string()), outcome.clone());
                assert_eq!(before, None, "{} ended twice", task.subject);
            }
        }
        let acceptance = |(name, entry): (&str, &LedgerEntry)| {
            let LedgerEntry { at, url, .. } = entry.clone();
            let lane = plan.lanes.iter().find(|lane| lane.target.provider.name == name);
            // Where the vendor gets paths without their host.
            let url = match (url.strip_prefix(WITHOUT_HOST), lane) {
                (Some(path), Some(lane)) => format!("https://{}{path}", hosts(lane)[0]),
                _ => url,
            };
            Acceptance { at, operation: operation(entry.operation), url }
        };
        let ledger = gateway.borrow().ledger().map(acceptance).collect();
        let calls = events.iter().find_map(|event| match event.kind {
            EventKind::RunFinished { calls } => Some(calls),
            _ => None,
        });
        Story {
            plan,
            outcomes,
            ledger,
            took: start.elapsed(),
            calls: calls.unwrap_or_default(),
            events,
            gateway,
            killed: was_killed,
            arrivals: api.arrivals.take(),
        }
    }
}

impl Story {
    /// Every planned task has exactly one outcome, and they are the plan.
    pub fn assert_partition(&self) -> &Self {
        let planned: BTreeSet<(Operation, String)> = self
            .plan
            .lanes
            .iter()
            .flat_map(|lane| &lane.tasks)
            .map(|p| (p.task.operation, p.task.subject.to_string()))
            .collect();
        let ended: BTreeSet<(Operation, String)> = self.outcomes.keys().cloned().collect();
        assert_eq!(planned, ended);
        self
    }

    /// No second holds more calls of one name than the limit.
    pub fn assert_rate(&self, name: &str, limit: usize) -> &Self {
        let times: Vec<Duration> = self.arrivals.iter().filter(|(api, _)| *api == name).map(|(_, at)| *at).collect();
        let crowded =
            times.iter().zip(times.iter().skip(limit)).find(|(one, other)| **other - **one < Duration::from_secs(1));
        assert_eq!(crowded, None, "{name} more than {limit} times in a second");
        self
    }

    /// Nothing was accepted twice; what is done was accepted; a prefetch came after its refresh was accepted.
    pub fn assert_ledger(&self) -> &Self {
        let mut accepted: BTreeMap<(Operation, &str), usize> = BTreeMap::new();
        for entry in &self.ledger {
            *accepted.entry(key(entry.operation, &entry.url)).or_default() += 1;
        }
        let doubled: Vec<_> = accepted.iter().filter(|(_, count)| **count > 1).collect();
        assert!(doubled.is_empty(), "accepted more than once: {doubled:?}");
        for ((operation, url), outcome) in &self.outcomes {
            let is_accepted = accepted.contains_key(&key(*operation, url));
            if *outcome == Outcome::Done {
                assert!(is_accepted, "{url} is done and was never accepted");
            }
            if matches!(outcome, Outcome::Unsubmitted(_)) {
                assert!(!is_accepted, "{url} is unsubmitted and was accepted: {outcome:?}");
            }
        }
        self
    }

    pub fn assert_all_done(&self) -> &Self {
        self.assert_partition();
        let others: Vec<_> = self.outcomes.iter().filter(|(_, outcome)| **outcome != Outcome::Done).take(3).collect();
        assert!(others.is_empty(), "not done: {others:?}\n{}", self.tail());
        self
    }

    pub fn count(&self, name: &str) -> usize {
        self.outcomes.values().filter(|outcome| outcome.name() == name).count()
    }

    pub fn outcome(&self, operation: Operation, url: &str) -> &Outcome {
        &self.outcomes[&(operation, url.to_owned())]
    }

    fn tail(&self) -> String {
        let events = self.events.iter().filter(|event| !matches!(event.kind, EventKind::TaskFinished { .. }));
        let lines: Vec<String> = events.map(|event| format!("{:?} {:?}", event.elapsed, event.kind)).collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

/// How a vendor who gets paths alone calls the host in its ledger.
pub const WITHOUT_HOST: &str = "https://d111111abcdef8.cloudfront.net";

/// What a target needs, of the options that its provider has.
pub fn target_options(spec: &Spec) -> provider::Options {
    let needed = [("service", "SU1Z0isxPaozGVKXdv0eYx"), ("pull-zone", "12345"), ("distribution", "EDFDVBD6EXAMPLE")];
    let options = spec.options.iter().filter_map(|option| {
        let (_, value) = needed.iter().find(|(name, _)| *name == option.name)?;
        Some((option.name, provider::OptionValue::Word((*value).to_owned())))
    });
    options.collect()
}

/// What a vendor and a plan call the same: some vendors aren't told the host of a tag, or of everything.
fn key(operation: Operation, url: &str) -> (Operation, &str) {
    let name = match operation {
        Operation::Refresh(RefreshKind::Tag) => url.split_once("/#").map_or(url, |(_, tag)| tag),
        Operation::Refresh(RefreshKind::Everything) => "",
        // One of the two is told as the other.
        Operation::Refresh(RefreshKind::Directory) if !url.is_empty() => {
            return (Operation::Refresh(RefreshKind::Prefix), url);
        }
        _ => url,
    };
    (operation, name)
}

/// The hosts of a lane's URLs, each once.
fn hosts(lane: &plan::Lane) -> Vec<String> {
    let subjects = lane.tasks.iter().map(|planned| &planned.task.subject);
    let hosts = subjects.filter_map(|subject| cdn_purge::mapping::url::host_of_subject(subject).map(str::to_owned));
    hosts.collect::<BTreeSet<_>>().into_iter().collect()
}

fn faults(rules: &[String], seed: u64) -> Faults {
    Faults::parse(rules, seed).unwrap()
}

/// What earlier runs measured: a task takes five seconds.
fn measured() -> Durations {
    let kinds =
        REGISTRY.iter().flat_map(|entry| ["refresh", "prefetch"].map(|kind| format!("{} {kind}", entry.spec.name)));
    Durations(kinds.map(|kind| (kind, Distribution { median: 5.0, spread: 0.0 })).collect())
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

async fn signals(signals: &[(Duration, Signal)], interrupter: &Interrupter) {
    for (after, signal) in signals {
        tokio::time::sleep(*after).await;
        interrupter.interrupt(*signal);
    }
    std::future::pending::<()>().await;
}
