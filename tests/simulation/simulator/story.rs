//! A story: the same command again and again, each run cut short by whatever its seed holds, until everything is over.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use cdn_purge::client::connection::Connection;
use cdn_purge::client::credential_refresh::CredentialRefresh;
use cdn_purge::config::{FailOn, Mode, OnEmpty, Target};
use cdn_purge::error::ExitCode;
use cdn_purge::exec::durations::Durations;
use cdn_purge::exec::journal::{Identity, Journal, Past, Purpose};
use cdn_purge::exec::{self, Execution, Options, interrupt};
use cdn_purge::mapping::url;
use cdn_purge::model::{Event, EventKind, EventSink, LaneIndex, Operation, Outcome, Signal, StopCause, TaskIndex};
use cdn_purge::plan::Plan;
use cdn_purge::provider::credentials::{AccessKey, CredentialSource, Credentials, Issued, SharedCredentials};
use cdn_purge::provider::edge::{Edge, Fetch, NoAnswer, Page};
use cdn_purge::provider::simulation::SimulatedEdge;
use cdn_purge::provider::{Api, ApiError, ApiErrorKind, ProviderContext, Spec, Submission, simulation};
use cdn_purge::report::{self, Collector, Context, Counts, Status};
use emulators::EmulatorSettings;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::disk::{Disk, OpenFile};
use super::faults::Fault;
use super::invariants::Judge;
use super::shared::{Cuts, Shared};
use super::token_cdn::{TOKEN, TOKEN_CDN};
use super::vendors::{Vendors, Way, registration, session};
use super::world::{RunnerClock, World};

/// So many runs without faults in a row that bring a story no nearer to its end are its end.
const CALM_RUNS: u32 = 8;
/// So long after the last submission or end the same command starts over.
const CONTINUED: SignedDuration = SignedDuration::from_hours(2);
/// How far the runner's clock and the program's idea of the vendor's may make that look different.
const UNSURE: SignedDuration = SignedDuration::from_mins(20);

/// How a task ended, each time that it was reported, with its task id.
pub type Ends = Vec<(Outcome, Option<String>)>;

/// How a run ended.
pub struct RunEnd {
    /// From 0.
    pub number: u32,
    /// When it began.
    pub began: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// Killed, or it couldn't start: there is no report.
    pub is_cut: bool,
    /// What the journal gave it.
    pub past: Past,
    /// By lane and task.
    pub outcomes: Vec<Vec<Ends>>,
    /// What stopped submitting, where, and why.
    pub stops: Vec<(LaneIndex, Option<Operation>, StopCause)>,
    /// The signal that was reported.
    pub interrupted: Option<Signal>,
    /// The exit code.
    pub exit: ExitCode,
    /// The status.
    pub status: Option<Status>,
    /// The report's counts.
    pub counts: Counts,
    /// Whether the result was published.
    pub is_published: bool,
    /// Whether it was, though the journal may not say so: the process was killed or the disk was full just then.
    pub may_be_published: bool,
    /// What was rendered for people and programs, if this story is one whose texts are read.
    pub texts: Vec<String>,
}

impl RunEnd {
    /// A run without a report.
    fn cut(number: u32, began: Timestamp, took: Duration, past: Past) -> Self {
        Self {
            number,
            began,
            took,
            is_cut: true,
            past,
            outcomes: Vec::new(),
            stops: Vec::new(),
            interrupted: None,
            exit: ExitCode::Checkout,
            status: None,
            counts: Counts::default(),
            is_published: false,
            may_be_published: false,
            texts: Vec::new(),
        }
    }
}

/// What came of a story, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Runs.
    pub runs: u64,
    /// Requests that left.
    pub calls: u64,
    /// URLs, directories and tags that vendors accepted.
    pub accepted: u64,
    /// Runs after which everything was done.
    pub done: u64,
}

/// Tells the story of a world.
pub async fn tell(world: &World, shared: &Rc<Shared>) -> Totals {
    let plan = world.plan();
    let vendors = Rc::new(Vendors::of(world, shared));
    let disk = Rc::new(Disk::default());
    let mut judge = Judge::new(world, &plan, shared);
    let mut durations = world.durations.clone();
    let mut totals = Totals::default();
    let mut last_end: Option<Timestamp> = None;
    // Whether the last run that came to its end left nothing to do, and perhaps the note that this is published.
    let mut is_in_doubt = false;
    let (mut fewest, mut idle) = (usize::MAX, 0);
    for number in 0.. {
        let is_calm = number >= world.faulty_runs;
        let cuts = if is_calm { Cuts::default() } else { draw_cuts(world, shared) };
        vendors.begin_run(if is_calm { 0.0 } else { world.fault_rate });
        shared.begin_run(cuts);
        disk.begin_run();
        if number > 0 {
            judge.before_run(&vendors, &disk);
        }
        let last_sign = last_end.max(vendors.last_submission.get());
        let may_start_over =
            is_in_doubt || last_sign.is_none_or(|last| shared.now().duration_since(last) >= CONTINUED - UNSURE);
        let teller = Teller { world, plan: &plan, shared, vendors: &vendors, disk: &disk, is_calm };
        let end = teller.run(number, &mut durations, &mut judge, may_start_over).await;
        if !end.is_cut {
            last_end = Some(shared.now());
            is_in_doubt = end.may_be_published && judge.is_as_asked(&end);
        }
        totals.runs += 1;
        totals.calls += vendors.departures.borrow().values().map(|times| times.len() as u64).sum::<u64>();
        judge.after_run(&end, &vendors);
        let is_done = judge.is_over(&end);
        totals.done += u64::from(is_done);
        if is_calm {
            let unexpected = judge.unexpected(&end).count();
            idle = if unexpected < fewest { 0 } else { idle + 1 };
            fewest = fewest.min(unexpected);
        }
        if is_done || fewest == 0 || idle == CALM_RUNS {
            vendors.settle();
            judge.at_the_end(&end, &vendors);
            break;
        }
        let gap = gap(shared, is_calm);
        shared.say(|| format!("{gap:?} pass"));
        sleep(gap).await;
    }
    totals.accepted = vendors.ledgers(|_, ledger| ledger.len() as u64).into_iter().sum();
    totals
}

fn draw_cuts(world: &World, shared: &Shared) -> Cuts {
    let [kill, signal, full, _] = world.chances;
    // Most runs of small plans have some dozens of effects.
    let effect = || 1 + shared.draw([12, 40, 150][shared.draw(3) as usize]) as u32;
    let cuts = Cuts {
        kill: shared.happens(kill).then(effect),
        signal: shared
            .happens(signal)
            .then(|| (effect(), if shared.happens(0.5) { Signal::Interrupt } else { Signal::Terminate })),
        full: shared.happens(full).then(effect),
    };
    shared.say(|| format!("this run: {cuts:?}"));
    cuts
}

/// The time until the same command is started again.
fn gap(shared: &Shared, is_calm: bool) -> Duration {
    if is_calm {
        return Duration::from_secs(60 + shared.draw(400));
    }
    let milliseconds = match shared.draw(100) {
        0..35 => shared.draw(3_000),
        35..70 => shared.draw(60_000),
        70..96 => shared.draw(20 * 60_000),
        _ => (125 + shared.draw(100)) * 60_000,
    };
    Duration::from_millis(milliseconds)
}

struct Teller<'a> {
    world: &'a World,
    plan: &'a Plan,
    shared: &'a Rc<Shared>,
    vendors: &'a Rc<Vendors>,
    disk: &'a Rc<Disk>,
    is_calm: bool,
}

impl Teller<'_> {
    /// What the runner's clock shows.
    fn local(&self, number: u32) -> Timestamp {
        let off = match self.world.clock {
            RunnerClock::Constant(off) => off,
            RunnerClock::SetRight(off) if number == 0 => off,
            RunnerClock::SetRight(_) => 0,
            RunnerClock::Stepped => self.shared.draw(120) as i64 - 60,
        };
        if off != 0 {
            self.shared.faults.borrow_mut().count(Fault::WrongClock);
        }
        self.shared.now().checked_add(SignedDuration::from_secs(off)).expect("a clock within a day")
    }

    async fn run(&self, number: u32, durations: &mut Durations, judge: &mut Judge<'_>, may_start_over: bool) -> RunEnd {
        let Self { world, plan, shared, disk, .. } = *self;
        let (began, start) = (shared.now(), Instant::now());
        let local = self.local(number);
        shared.say(|| format!("run {number} begins; the runner's clock shows {local}, the vendors' {began}"));
        let identity =
            Identity { plan: plan.digest().to_owned(), head: Some("c0ffee".into()), lanes: vec!["simulated".into()] };
        let storage = Box::new(OpenFile::open(disk, shared));
        let path = Path::new("cdn-purge.journal");
        let opened = Journal::over(storage, path, &identity, Purpose::Run(world.wait), local);
        let (journal, past) = match opened {
            _ if shared.is_dead.get() => return self.killed(number, began, start.elapsed(), Past::default()),
            Ok(opened) => opened,
            Err(error) => {
                shared.say(|| format!("the run can't start: {error}"));
                if !shared.is_full() {
                    shared.break_rule("I9 journal", format!("a run can't start: {error}"));
                }
                return RunEnd::cut(number, began, start.elapsed(), Past::default());
            }
        };
        if past.begun.is_none() && may_start_over {
            judge.start_over(began);
        }
        judge.opened(&past);
        let ways = self.ways(local);
        let connections = tokio::select! {
            biased;
            () = shared.dies() => return self.killed(number, began, start.elapsed(), Past::default()),
            connections = self.connections(&ways) => connections,
        };
        let Ok(connections) = connections else {
            return RunEnd::cut(number, began, start.elapsed(), past);
        };
        let options = Options {
            wait: world.wait,
            short_quota: world.short_quota,
            refresh_timeout: world.timeouts[0],
            prefetch_timeout: world.timeouts[1],
            batch_size: world.batch_size,
            warm_concurrency: 4,
            sequential: world.sequential,
            durations: durations.clone(),
            seed: world.seed ^ u64::from(number),
            started: local,
        };
        let context = Context {
            mode: Mode::Real,
            verify: false,
            edges: Vec::new(),
            range: None,
            list: None,
            changed_files: 0,
            built: None,
            fail_on: FailOn::Any,
            on_empty: OnEmpty::Warn,
            wait: world.wait,
            started: local,
            commit_page: None,
            config: None,
        };
        let mut collector = Collector::new(plan, context);
        let mut end = RunEnd::cut(number, began, Duration::ZERO, past);
        end.outcomes = plan.lanes.iter().map(|lane| vec![Vec::new(); lane.tasks.len()]).collect();
        let (interrupter, interrupt) = interrupt::channel();
        shared.interrupter.replace(Some(interrupter));
        let (outcomes, stops, interrupted) = (&mut end.outcomes, &mut end.stops, &mut end.interrupted);
        let mut sink = |event: &Event| {
            if shared.is_dead.get() {
                return;
            }
            shared.say(|| format!("event: {:?}", event.kind));
            collector.take(event);
            match &event.kind {
                EventKind::TaskFinished { lane, task, outcome, task_id } => {
                    if matches!(outcome, Outcome::Failed(_)) {
                        shared.failures.borrow_mut().insert((usize::from(*lane), *task), shared.now());
                    }
                    outcomes[usize::from(*lane)][*task as usize].push((outcome.clone(), task_id.clone()));
                }
                EventKind::LaneStopped { lane, operation, cause, .. } => stops.push((*lane, *operation, *cause)),
                EventKind::Interrupted { signal } => *interrupted = Some(*signal),
                _ => {}
            }
        };
        let execution = Execution {
            plan,
            connections: &connections,
            quotas: None,
            options: &options,
            past: &end.past,
            verify: None,
        };
        let execution = exec::execute(execution, journal, interrupt, &mut sink);
        let executed = tokio::select! {
            biased;
            () = shared.dies() => None,
            executed = execution => Some(executed),
            () = self.stranger() => None,
        };
        shared.interrupter.replace(None);
        let executed = executed.filter(|_| !shared.is_dead.get());
        let Some(mut executed) = executed else { return self.killed(number, began, start.elapsed(), end.past) };
        durations.0.extend(executed.durations.0);
        end.took = start.elapsed();
        let report = collector.finish();
        (end.is_cut, end.exit, end.status) = (false, report.exit_code(), Some(report.status()));
        end.counts = report.count(|_| true);
        if shared.signalled.get().is_some() {
            shared.faults.borrow_mut().count(Fault::Signal);
        }
        if judge.reads_texts() {
            end.texts = vec![
                report::markdown::markdown(&report, 1 << 20),
                report::terminal::summary(&report),
                String::from_utf8_lossy(&disk.content()).into_owned(),
            ];
        }
        let is_published = self.is_calm || !shared.happens(world.chances[3]);
        if !is_published {
            shared.faults.borrow_mut().count(Fault::Unpublished);
        }
        end.may_be_published = is_published;
        end.is_published = is_published && executed.journal.published().is_ok() && !shared.is_dead.get();
        if shared.is_dead.get() {
            self.killed(number, began, end.took, Past::default());
        }
        shared.say(|| {
            let status = end.status.map_or("", Status::name);
            format!("run {number} ends: {status}, exit code {:?}, published {}", end.exit, end.is_published)
        });
        end
    }

    fn killed(&self, number: u32, began: Timestamp, took: Duration, past: Past) -> RunEnd {
        self.shared.faults.borrow_mut().count(Fault::Kill);
        self.disk.crash(self.shared);
        RunEnd::cut(number, began, took, past)
    }

    /// A way to each provider.
    fn ways(&self, local: Timestamp) -> Vec<(&'static str, Rc<dyn Api>)> {
        let mut ways: Vec<(&'static str, Rc<dyn Api>)> = Vec::new();
        for spec in &self.world.providers {
            if !ways.iter().any(|(name, _)| *name == spec.name) {
                ways.push((spec.name, Rc::new(Way::to(spec, self.vendors, self.disk, local))));
            }
        }
        ways
    }

    async fn connections(&self, ways: &[(&'static str, Rc<dyn Api>)]) -> Result<Vec<Connection<'static>>, ApiError> {
        let refresh = match self.world.role {
            None => None,
            Some(_) => {
                let left = Cell::new(if self.is_calm { usize::MAX } else { 1 + self.shared.draw(4) as usize });
                let settings = self.world.settings.clone();
                let source = TokenService { shared: Rc::clone(self.shared), settings, left };
                let (_, way) = &ways[0];
                Some(Rc::new(CredentialRefresh::start(Box::new(source), Rc::clone(way), self.world.seed).await?))
            }
        };
        let mut connections = Vec::new();
        for lane in &self.plan.lanes {
            let spec = lane.target.provider;
            let way = ways.iter().find(|(name, _)| *name == spec.name).map(|(_, way)| Rc::clone(way));
            let credentials = match &refresh {
                Some(refresh) => refresh.credentials(),
                None => credentials(spec, &self.world.settings),
            };
            let hosts = lane.tasks.iter().filter_map(|task| url::host_of_subject(&task.task.subject));
            let hosts: BTreeSet<String> = hosts.map(str::to_owned).collect();
            let context = context(&lane.target, hosts.into_iter().collect(), credentials);
            let mut connection = Connection {
                target: lane.target.name.clone(),
                account: lane.target.account().into(),
                provider: (registration(spec).open)(context),
                api: way.expect("each provider of the world has its way"),
                refresh: refresh.clone(),
                edge: Rc::new(RecordedEdge(Rc::clone(self.shared))),
            };
            let note = |text: &str| self.shared.say(|| text.to_owned());
            if let Err(error) = connection.prepare(&note, &mut fastrand::Rng::with_seed(self.world.seed)).await {
                self.shared.say(|| format!("{} can't be prepared: {error}", connection.target));
            }
            connections.push(connection);
        }
        Ok(connections)
    }

    /// Somebody else on the same account, host and day; never ends.
    async fn stranger(&self) {
        let Some(target) = self.plan.lanes.iter().map(|lane| &lane.target).find(|target| &*target.name == "site0")
        else {
            return std::future::pending().await;
        };
        let spec = target.provider;
        let mut is_there = self.world.has_stranger && spec.tracking.is_some();
        while is_there {
            sleep(Duration::from_millis(self.shared.draw(20_000))).await;
            let hosts = vec!["www.example.com".to_owned()];
            let context = context(target, hosts, credentials(spec, &self.world.settings));
            let mut provider = (registration(spec).open)(context);
            let way = Way::of_stranger(spec, self.vendors, self.disk);
            let prepared = provider.prepare(&way).await;
            self.shared.say(|| format!("a stranger is prepared: {prepared:?}"));
            let pages = 1 + self.shared.draw(3);
            let subjects: Vec<_> = (0..pages)
                .map(|page| cdn_purge::model::Subject::url(format!("https://www.example.com/stranger/{page}.html")))
                .collect();
            let subjects: Vec<_> = subjects.iter().collect();
            let operation = Operation::Refresh(cdn_purge::model::RefreshKind::Url);
            let submission =
                Submission { operation, mode: Default::default(), subjects: &subjects, reference: "cdn-purge-test-1" };
            self.shared.faults.borrow_mut().count(Fault::Stranger);
            let accepted = provider.submit(submission, &way).await;
            self.shared.say(|| format!("a stranger submits {pages} URLs: {accepted:?}"));
            is_there = self.shared.happens(0.5);
        }
        std::future::pending::<()>().await;
    }
}

fn credentials(spec: &Spec, settings: &EmulatorSettings) -> SharedCredentials {
    if spec.name == TOKEN_CDN.name {
        SharedCredentials::new(Credentials::Token(TOKEN.into()))
    } else {
        SharedCredentials::new(simulation::credentials(spec, settings))
    }
}

fn context(target: &Target, hosts: Vec<String>, credentials: SharedCredentials) -> ProviderContext {
    let (spec, options) = (target.provider, target.options.clone());
    let endpoint = spec.endpoint(&options).parse().expect("an endpoint is a URL");
    ProviderContext { spec, options, hosts, endpoint, credentials }
}

/// Issues a role's credentials, so many times.
struct TokenService {
    shared: Rc<Shared>,
    settings: EmulatorSettings,
    left: Cell<usize>,
}

#[async_trait(?Send)]
impl CredentialSource for TokenService {
    async fn obtain(&self, _: &dyn Api) -> Result<Issued, ApiError> {
        sleep(Duration::from_millis(50)).await;
        let gone = || ApiError::new(ApiErrorKind::Credentials, "Assume", "the role is gone");
        self.left.set(self.left.get().checked_sub(1).ok_or_else(gone)?);
        self.shared.faults.borrow_mut().count(Fault::Expiry);
        let key = session(&self.settings, self.shared.now());
        self.shared.say(|| format!("a role's credentials are issued until {}", key.expires));
        let access_key = AccessKey::new(key.id, key.secret.into()).with_token(Some(key.token.into()));
        let lifetime = self.shared.happens(0.5).then_some(self.settings.session_duration);
        Ok(Issued { lifetime, ..Issued::forever(access_key) })
    }
}

/// Of which task an outcome is.
pub type Place = (usize, TaskIndex);

/// The edge of every CDN: it has each URL, and remembers who fetched it.
struct RecordedEdge(Rc<Shared>);

#[async_trait(?Send)]
impl Edge for RecordedEdge {
    async fn get(&self, fetch: Fetch<'_>) -> Result<Page, NoAnswer> {
        let page = SimulatedEdge(Duration::from_millis(50)).get(fetch).await;
        self.0.fetched.borrow_mut().insert(fetch.url.to_owned());
        page
    }
}
