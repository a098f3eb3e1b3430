//! The vendors, and the way to them: the emulators, with a gateway in front that loses, spoils and delays.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cdn_purge::config::Wait;
use cdn_purge::provider::clock::Clock;
use cdn_purge::provider::{Api, ApiError, ApiErrorKind, ApiName, Spec};
use cdn_purge::providers::{REGISTRY, Registration};
use emulators::{Emulator, EmulatorSettings, LedgerEntry, Meaning};
use http::{Request, Response, StatusCode};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::disk::Disk;
use super::faults::Fault;
use super::shared::{Fate, Shared};
use super::spoil;
use super::token_cdn;
use super::world::{GIVES_UP, LATEST, World};

/// A text that a runner would take for a command, were it printed as it is.
pub const HOSTILE: &str = "no\n::set-output name=status::done\n##[command]rm -rf /\u{1b}[2J\u{202e}";

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It changes something.
    Submission,
    /// The status of tasks.
    Status,
    /// The list of tasks.
    Records,
    /// The quota.
    Quota,
    /// What a target needs before its first batch.
    Lookup,
}

/// A vendor's product.
pub struct Vendor {
    /// The provider.
    pub spec: &'static Spec,
    emulator: Box<dyn Emulator>,
    /// Requests that a gateway holds, and when each is executed.
    held: Vec<(Timestamp, Request<Bytes>)>,
}

impl Vendor {
    /// What it accepted.
    pub fn ledger(&self) -> &[LedgerEntry] {
        self.emulator.ledger()
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        self.settle(now);
        self.emulator.handle(request, now)
    }

    /// Executes what was held and is due.
    fn settle(&mut self, now: Timestamp) {
        let mut due: Vec<_> = self.held.extract_if(.., |(at, _)| *at <= now).collect();
        due.sort_by_key(|(at, _)| *at);
        for (at, request) in due {
            self.emulator.handle(&request, at);
        }
    }
}

/// All vendors of a story, and what reaches them.
pub struct Vendors {
    shared: Rc<Shared>,
    all: RefCell<Vec<Vendor>>,
    latency: Duration,
    listing_lag: Duration,
    fault_rate: Cell<f64>,
    faults: RefCell<Vec<Fault>>,
    /// When each call left in this run, by its provider and its name.
    pub departures: RefCell<BTreeMap<(&'static str, &'static str), Vec<Instant>>>,
    /// Whether the vendors' buckets are as full as the program believes, so that none may refuse a call for its rate.
    is_rate_known: Cell<bool>,
    /// Submissions that left in this run.
    pub submissions: Cell<usize>,
    /// When the last one of all runs left.
    pub last_submission: Cell<Option<Timestamp>>,
    /// Providers and calls whose quota was read in this run before anything was submitted.
    pub quotas_read: RefCell<Vec<(&'static str, &'static str)>>,
}

/// What a provider is in the program, made up or not.
pub fn registration(spec: &Spec) -> &'static Registration {
    REGISTRY.iter().find(|entry| entry.spec.name == spec.name).unwrap_or(&token_cdn::REGISTRATION)
}

/// Whether only so much may be under way at a time, whoever it is of.
fn limits_progress(spec: &Spec) -> bool {
    spec.operations.iter().any(|operation| operation.in_progress.is_some())
}

/// Whether a run knows what is under way where that is limited: nothing of another target, and nothing that it
/// doesn't wait for or can't follow.
fn knows_progress(world: &World) -> bool {
    let takes = world.settings.task_duration.unwrap_or_default();
    let waits = world.wait == Wait::All
        && world.settings.forbid.is_empty()
        && world.timeouts.iter().all(|timeout| *timeout > takes + GIVES_UP);
    match world.providers.iter().filter(|spec| limits_progress(spec)).count() {
        0 => true,
        1 => waits,
        _ => false,
    }
}

impl Vendors {
    /// The vendors of a world.
    pub fn of(world: &World, shared: &Rc<Shared>) -> Self {
        let mut all: Vec<Vendor> = Vec::new();
        for spec in &world.providers {
            if !all.iter().any(|vendor| vendor.spec.name == spec.name) {
                let emulator = registration(spec).emulator.expect("every provider here has an emulator");
                all.push(Vendor { spec, emulator: emulator(&world.settings), held: Vec::new() });
            }
        }
        let mut faults = Fault::OF_SUBMISSIONS.to_vec();
        if !world.loses_only {
            faults.extend([Fault::OF_ANY, Fault::OF_LISTS, Fault::OF_STATUS].concat());
            faults.extend(Fault::OF_NEWER.iter().filter(|_| world.is_newer));
        }
        Self {
            shared: Rc::clone(shared),
            all: RefCell::new(all),
            latency: world.latency,
            listing_lag: world.settings.listing_lag,
            fault_rate: Cell::new(0.0),
            faults: RefCell::new(faults),
            departures: RefCell::default(),
            is_rate_known: Cell::new(
                world.settings.calls_per_second.is_none() && !world.has_stranger && knows_progress(world),
            ),
            submissions: Cell::new(0),
            last_submission: Cell::new(None),
            quotas_read: RefCell::default(),
        }
    }

    /// A new run begins, with so many faults.
    pub fn begin_run(&self, fault_rate: f64) {
        // What an earlier run took from a bucket no run knows.
        self.is_rate_known.set(self.is_rate_known.get() && self.last_submission.get().is_none());
        self.fault_rate.set(fault_rate);
        self.departures.borrow_mut().clear();
        self.submissions.set(0);
        self.quotas_read.borrow_mut().clear();
    }

    /// What each accepted so far, once everything is executed that will have been by now.
    pub fn ledgers<T>(&self, mut read: impl FnMut(&'static Spec, &[LedgerEntry]) -> T) -> Vec<T> {
        let now = self.shared.now();
        let mut all = self.all.borrow_mut();
        all.iter_mut()
            .map(|vendor| {
                vendor.settle(now);
                read(vendor.spec, vendor.ledger())
            })
            .collect()
    }

    /// Executes whatever is still held, whenever that would be.
    pub fn settle(&self) {
        self.all.borrow_mut().iter_mut().for_each(|vendor| vendor.settle(Timestamp::MAX));
    }

    fn with<T>(&self, spec: &Spec, act: impl FnOnce(&mut Vendor) -> T) -> T {
        let mut all = self.all.borrow_mut();
        let vendor = all.iter_mut().find(|vendor| vendor.spec.name == spec.name);
        act(vendor.expect("every provider of the world has its vendor"))
    }

    /// Which fault a call meets, if any.
    fn draw(&self, purpose: Purpose) -> Option<Fault> {
        if !self.shared.happens(self.fault_rate.get()) {
            return None;
        }
        let may_be = |fault: &Fault| match fault {
            fault if Fault::OF_ANY.contains(fault) || Fault::OF_NEWER.contains(fault) => true,
            fault if Fault::OF_SUBMISSIONS.contains(fault) => purpose == Purpose::Submission,
            fault if Fault::OF_STATUS.contains(fault) => purpose == Purpose::Status,
            _ => matches!(purpose, Purpose::Status | Purpose::Records),
        };
        let fitting: Vec<Fault> = self.faults.borrow().iter().copied().filter(may_be).collect();
        let fault = fitting.get(self.shared.draw(fitting.len() as u64) as usize).copied();
        fault.inspect(|&fault| {
            self.shared.faults.borrow_mut().count(fault);
            self.shared.say(|| format!("fault: {fault:?}"));
        })
    }

    /// What the client sees of a request that arrived, and how much later than usual.
    fn answer(&self, spec: &'static Spec, request: &Request<Bytes>, fault: Option<Fault>) -> (Duration, Reply) {
        let now = self.shared.now();
        let execute = || {
            let response = self.with(spec, |vendor| vendor.handle(request, now));
            self.check_rate(spec, &response);
            response
        };
        let Some(fault) = fault else { return (Duration::ZERO, Reply::Whole(execute())) };
        if limits_progress(spec) {
            // What is lost may be under way.
            self.is_rate_known.set(false);
        }
        let at_once = |reply| (Duration::ZERO, reply);
        let vendors =
            |error: &dyn Fn(&dyn Emulator) -> Response<Bytes>| self.with(spec, |vendor| error(&*vendor.emulator));
        match fault {
            Fault::NoConnection => at_once(Reply::Unsent),
            Fault::LostBefore => at_once(Reply::Lost),
            Fault::LostAfter | Fault::BrokenOff | Fault::Endless => {
                execute();
                at_once(Reply::Lost)
            }
            Fault::ServerErrorBefore => at_once(Reply::Whole(vendors(&|emulator| emulator.server_error()))),
            Fault::ServerErrorAfter => {
                execute();
                at_once(Reply::Whole(vendors(&|emulator| emulator.server_error())))
            }
            Fault::GatewayPageBefore => at_once(Reply::Whole(self.page(503))),
            Fault::GatewayPageAfter => {
                execute();
                at_once(Reply::Whole(self.page(502)))
            }
            Fault::PortalPage => at_once(Reply::Whole(self.page(200))),
            Fault::Redirect => {
                let mut response = self.page(307);
                response.headers_mut().insert("location", http::HeaderValue::from_static("https://login.example/"));
                at_once(Reply::Whole(response))
            }
            Fault::CutJson => {
                let (head, body) = execute().into_parts();
                at_once(Reply::Whole(Response::from_parts(head, body.slice(..body.len() / 2))))
            }
            Fault::EmptyObject => {
                let (head, _) = execute().into_parts();
                at_once(Reply::Whole(Response::from_parts(head, Bytes::from_static(b"{}"))))
            }
            Fault::Slow => (Duration::from_millis(self.shared.draw(14_000)), Reply::Whole(execute())),
            Fault::Silent => {
                execute();
                (GIVES_UP, Reply::Lost)
            }
            Fault::ExecutedLate => {
                let most = (GIVES_UP + LATEST).saturating_sub(self.listing_lag + self.latency);
                let after = Duration::from_millis(self.shared.draw(most.as_millis() as u64));
                let at = now.checked_add(after).expect("seconds later");
                self.is_rate_known.set(false);
                self.shared.say(|| format!("a gateway holds it for {after:?}"));
                self.with(spec, |vendor| vendor.held.push((at, request.clone())));
                (after.min(GIVES_UP), Reply::Lost)
            }
            Fault::Throttled => {
                let wait = [None, Some(2), Some(20), Some(1_000_000_000)][self.shared.draw(4) as usize];
                let wait = wait.map(Duration::from_secs);
                at_once(Reply::Whole(vendors(&|emulator| emulator.throttled(wait))))
            }
            Fault::Refused => {
                let code = self.documented(spec, |meaning| !matches!(meaning, Meaning::Server | Meaning::Ambiguous));
                at_once(Reply::Whole(self.refusal(spec, code)))
            }
            Fault::DocumentedDoubt => {
                let code = self.documented(spec, |meaning| matches!(meaning, Meaning::Server | Meaning::Ambiguous));
                if self.shared.happens(0.5) {
                    execute();
                }
                at_once(Reply::Whole(self.refusal(spec, code)))
            }
            Fault::UndocumentedBefore => at_once(Reply::Whole(self.refusal(spec, Some("Novel.Trouble")))),
            Fault::UndocumentedAfter => {
                execute();
                at_once(Reply::Whole(self.refusal(spec, Some("Novel.Trouble"))))
            }
            Fault::RefusedWithSuccess => {
                let code = self.documented(spec, |meaning| meaning == Meaning::Refused);
                let mut response = self.refusal(spec, code);
                *response.status_mut() = StatusCode::OK;
                at_once(Reply::Whole(response))
            }
            Fault::HostileMessage => {
                let code = self.documented(spec, |meaning| meaning == Meaning::Refused);
                let (head, body) = self.refusal(spec, code).into_parts();
                at_once(Reply::Whole(Response::from_parts(head, spoil::message(&body, HOSTILE))))
            }
            Fault::NoDate | Fault::CachedDate => {
                let mut response = execute();
                let date = response.headers_mut().remove("date");
                if fault == Fault::CachedDate && date.is_some() {
                    let headers = response.headers_mut();
                    headers.insert("date", http::HeaderValue::from_static("Sun, 22 Nov 2020 12:00:10 GMT"));
                    headers.insert("age", http::HeaderValue::from_static("3600"));
                }
                at_once(Reply::Whole(response))
            }
            _ => {
                let response = execute();
                at_once(Reply::Whole(spoil::rows(response, fault, &self.shared)))
            }
        }
    }

    /// Whether a response has a documented error, of a meaning that fits; some come with the status of a success.
    fn is_error(&self, spec: &Spec, response: &Response<Bytes>, fits: impl Fn(Meaning) -> bool) -> bool {
        let body = String::from_utf8_lossy(response.body());
        let ways = |code: &str| [format!("\"{code}\""), format!(":{code},"), format!(">{code}<")];
        let says = |code: &&str| ways(code).iter().any(|way| body.contains(way));
        let all = self.with(spec, |vendor| vendor.emulator.errors());
        all.iter().filter(|errors| fits(errors.meaning)).flat_map(|errors| errors.codes).any(says)
    }

    /// I7: the vendor refuses no call for its rate.
    fn check_rate(&self, spec: &Spec, response: &Response<Bytes>) {
        let is_busy = response.status() == StatusCode::TOO_MANY_REQUESTS;
        let is_refused = || is_busy || self.is_error(spec, response, |meaning| meaning == Meaning::Throttled);
        if self.is_rate_known.get() && is_refused() {
            let body = String::from_utf8_lossy(response.body());
            self.shared.break_rule("I7 rate", format!("{} refuses a call for its rate: {body}", spec.name));
        }
    }

    /// A documented code whose meaning fits; those after which a run continues are far more frequent.
    fn documented(&self, spec: &Spec, fits: impl Fn(Meaning) -> bool) -> Option<&'static str> {
        let ends = |meaning| {
            matches!(meaning, Meaning::QuotaSpent | Meaning::Credentials | Meaning::Forbidden | Meaning::Denied)
        };
        let may_end = self.shared.happens(0.08);
        let all = self.with(spec, |vendor| vendor.emulator.errors());
        let fitting = all.iter().filter(|errors| fits(errors.meaning) && (may_end || !ends(errors.meaning)));
        let codes: Vec<&'static str> = fitting.flat_map(|errors| errors.codes).copied().collect();
        codes.get(self.shared.draw(codes.len() as u64) as usize).copied()
    }

    fn refusal(&self, spec: &Spec, code: Option<&str>) -> Response<Bytes> {
        let now = self.shared.now();
        self.shared.say(|| format!("refused with {}", code.unwrap_or("a server error")));
        self.with(spec, |vendor| match code {
            Some(code) => vendor.emulator.error(code, now),
            None => vendor.emulator.server_error(),
        })
    }

    /// A page of something on the way, whose clock isn't the vendor's.
    fn page(&self, status: u16) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from_static(b"<html><body><h1>Sign in</h1></body></html>\n"));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        let date = self.shared.now().checked_sub(Duration::from_secs(600)).expect("minutes ago");
        let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers_mut().insert("date", date.parse().expect("a date is visible ASCII"));
        response
    }
}

/// What the client gets.
enum Reply {
    Whole(Response<Bytes>),
    /// No byte of the request left.
    Unsent,
    /// It left, and no answer comes.
    Lost,
}

/// The way to one vendor, with a clock of its own.
pub struct Way {
    vendors: Rc<Vendors>,
    disk: Rc<Disk>,
    spec: &'static Spec,
    clock: Clock,
    /// A stranger's calls meet no fault, and aren't ours.
    is_strangers: bool,
}

impl Way {
    /// A way to a vendor, for a program whose clock shows this time.
    pub fn to(spec: &'static Spec, vendors: &Rc<Vendors>, disk: &Rc<Disk>, local: Timestamp) -> Self {
        let (vendors, disk) = (Rc::clone(vendors), Rc::clone(disk));
        Self { vendors, disk, spec, clock: Clock::new(local), is_strangers: false }
    }

    /// The same for a stranger.
    pub fn of_stranger(spec: &'static Spec, vendors: &Rc<Vendors>, disk: &Rc<Disk>) -> Self {
        Self { is_strangers: true, ..Self::to(spec, vendors, disk, vendors.shared.now()) }
    }

    fn purpose(&self, name: &str) -> Purpose {
        let is = |call: Option<&cdn_purge::provider::CallSpec>| call.is_some_and(|call| call.api == name);
        if self.spec.operations.iter().any(|operation| operation.call.api == name) {
            Purpose::Submission
        } else if [false, true]
            .into_iter()
            .filter_map(|of_prefetches| self.spec.tracking_of(of_prefetches))
            .any(|tracking| is(tracking.records.as_ref().map(|records| &records.call)))
        {
            Purpose::Records
        } else if is(self.spec.status()) || is(self.spec.tracking_of(true).map(|tracking| &tracking.status)) {
            Purpose::Status
        } else if self
            .spec
            .quota
            .as_ref()
            .is_some_and(|quota| is(Some(&quota.call)) || is(quota.of_prefetches.as_ref()))
        {
            Purpose::Quota
        } else {
            Purpose::Lookup
        }
    }

    /// I3 and I16: what is checked at the moment in which a request leaves.
    fn check_departure(&self, name: &'static str, purpose: Purpose) {
        let shared = &self.vendors.shared;
        if shared.is_dead.get() {
            return;
        }
        self.vendors.departures.borrow_mut().entry((self.spec.name, name)).or_default().push(Instant::now());
        if purpose != Purpose::Submission {
            return;
        }
        let sent = self.vendors.submissions.get() + 1;
        self.vendors.submissions.set(sent);
        self.vendors.last_submission.set(Some(shared.now()));
        if sent > self.disk.leaving.get() {
            let durable = self.disk.leaving.get();
            shared.break_rule("I3 write ahead", format!("submission {sent} leaves with {durable} durable records"));
        }
        if shared.signalled.get().is_some() && sent > self.disk.leaving_at_signal.get() {
            shared.break_rule("I16 cancel", format!("submission {sent} was begun after the signal"));
        }
    }
}

#[async_trait(?Send)]
impl Api for Way {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ApiError> {
        let vendors = &self.vendors;
        let shared = &vendors.shared;
        let name = ApiName::of(&request);
        if self.is_strangers {
            sleep(vendors.latency).await;
            let now = shared.now();
            return Ok(vendors.with(self.spec, |vendor| vendor.handle(&request, now)));
        }
        let purpose = self.purpose(name);
        self.check_departure(name, purpose);
        let fault = vendors.draw(purpose);
        let lost = |message: &str| ApiError::new(ApiErrorKind::Ambiguous, name, message);
        let half = vendors.latency / 2;
        match shared.effect(|| format!("{name} leaves")) {
            Fate::Lives => {}
            fate => {
                if fate == Fate::Dies && shared.happens(0.5) {
                    // The kernel sends it all the same.
                    let at = shared.now().checked_add(half).expect("a moment later");
                    vendors.with(self.spec, |vendor| vendor.held.push((at, request.clone())));
                }
                std::future::pending::<()>().await;
            }
        }
        sleep(half).await;
        let (delay, reply) = vendors.answer(self.spec, &request, fault);
        sleep(delay + half).await;
        let fate = shared.effect(|| match &reply {
            Reply::Whole(response) => {
                let body = String::from_utf8_lossy(response.body());
                format!(
                    "{name} is answered: {} {}",
                    response.status().as_u16(),
                    body.chars().take(400).collect::<String>()
                )
            }
            Reply::Unsent => format!("{name}: no connection"),
            Reply::Lost => format!("{name}: no answer"),
        });
        if fate != Fate::Lives {
            std::future::pending::<()>().await;
        }
        match reply {
            Reply::Whole(response) => {
                let is_before = vendors.submissions.get() == 0;
                let is_good =
                    || response.status() == StatusCode::OK && !vendors.is_error(self.spec, &response, |_| true);
                if is_before && purpose == Purpose::Quota && fault.is_none() && is_good() {
                    vendors.quotas_read.borrow_mut().push((self.spec.name, name));
                }
                Ok(response)
            }
            Reply::Unsent => Err(ApiError::new(ApiErrorKind::Unsent, name, "can't connect")),
            Reply::Lost => Err(lost("the connection broke before an answer came")),
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn machine_time(&self) -> Timestamp {
        self.clock.uncorrected()
    }

    fn server_time(&self) -> Option<Timestamp> {
        self.clock.server_time()
    }

    fn learn_server_time(&self, date: Timestamp) {
        self.clock.learn(date);
    }

    fn nonce(&self) -> String {
        format!("{:032x}", self.vendors.shared.random.borrow_mut().u128(..))
    }

    fn correct_clock(&self, server: Timestamp) {
        self.clock.correct(server);
    }
}

/// The settings' own key, or a session's.
pub fn session(settings: &EmulatorSettings, now: Timestamp) -> emulators::SessionCredentials {
    settings.issue("STS.", now, settings.session_duration)
}
