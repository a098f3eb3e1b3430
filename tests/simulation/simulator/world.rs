//! A world, as it follows from a seed: the plan, the vendors and their limits, the runner and its clock, and what goes wrong.

use std::time::Duration;

use cdn_purge::config::{ShortQuota, Target, Wait};
use cdn_purge::exec::durations::{Distribution, Durations};
use cdn_purge::mapping::Mapped;
use cdn_purge::model::{Operation, PurgeMode, Reason, RefreshKind, Subject, Task};
use cdn_purge::plan::{self, Limits, Plan};
use cdn_purge::provider::{self, Spec};
use cdn_purge::providers::REGISTRY;
use emulators::{EmulatorSettings, Ids, Rows};

use super::token_cdn::TOKEN_CDN;

/// How long a client waits for an answer that doesn't come.
pub const GIVES_UP: Duration = cdn_purge::provider::http::READ_TIMEOUT;
/// How long after a client gave up its request can show up in the records at last. No vendor states it; the program assumes half
/// a minute.
pub const LATEST: Duration = Duration::from_secs(29);
/// More than anybody asks for.
const AMPLE: u64 = 1_000_000;
/// What a URL contains that the vendor refuses, whose task fails, or whose task never ends.
pub const BAD: [&str; 3] = ["/refused/", "/fails/", "/hangs/"];

/// How the runner's clock is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunnerClock {
    /// By so many seconds, always.
    Constant(i64),
    /// By so many seconds until the second run, when it is set right.
    SetRight(i64),
    /// By up to a minute, otherwise in each run.
    Stepped,
}

/// A world.
pub struct World {
    /// The seed.
    pub seed: u64,
    /// The targets' providers.
    pub providers: Vec<&'static Spec>,
    /// What is asked for: at which target, what, and of which URL.
    pub tasks: Vec<(usize, Operation, String)>,
    /// How the vendors behave.
    pub settings: EmulatorSettings,
    /// There and back.
    pub latency: Duration,
    /// What the run waits for.
    pub wait: Wait,
    /// For a refresh, and for a prefetch.
    pub timeouts: [Duration; 2],
    /// URLs in a batch.
    pub batch_size: Option<usize>,
    /// One batch after the other.
    pub sequential: bool,
    /// What goes out where the quota is short.
    pub short_quota: ShortQuota,
    /// How long tasks take, as far as earlier runs measured it.
    pub durations: Durations,
    /// The chance that something goes wrong with a call.
    pub fault_rate: f64,
    /// Whether the faults are only those after which nobody knows whether a request was executed.
    pub loses_only: bool,
    /// The chance that a run is killed, that a signal comes, that the disk fills up, that nothing can be published.
    pub chances: [f64; 4],
    /// How many runs meet faults.
    pub faulty_runs: u32,
    /// Whether others take from the quota, on the same account and host.
    pub has_stranger: bool,
    /// The runner's clock.
    pub clock: RunnerClock,
    /// A role's credentials: how long they live.
    pub role: Option<Duration>,
    /// Whether quotas suffice, whatever happens.
    pub is_quota_ample: bool,
}

impl World {
    /// The world of a seed.
    pub fn of(seed: u64) -> Self {
        let random = &mut fastrand::Rng::with_seed(seed ^ 0x5EED);
        let providers = providers(random);
        let is_alibaba = providers.iter().all(|spec| spec.name.starts_with("alibaba"));
        let tasks = tasks(random, providers.len());
        let mut settings = settings(random, &tasks);
        let is_quota_ample = settings.quota == Some(AMPLE);
        let role = (is_alibaba && chance(random, 0.08)).then(|| Duration::from_secs(random.u64(30..1_200)));
        if let Some(life) = role {
            settings.session_duration = life;
        }
        let fault_rate = *pick(random, &[0.0, 0.03, 0.1, 0.1, 0.25, 0.5]);
        let loses_only = chance(random, 0.25);
        let rough = chance(random, 0.6);
        let mut chances = [0.0; 4];
        if rough {
            chances = [0.45, 0.15, 0.05, 0.2];
        }
        let clock = match random.u32(0..100) {
            0..55 => RunnerClock::Constant(0),
            55..75 => RunnerClock::Constant(random.i64(-120..120)),
            75..85 => RunnerClock::Constant(random.i64(-840..840)),
            85..90 => RunnerClock::Constant(random.i64(-86_400..86_400)),
            // A vendor that never says its time leaves a journal in the runner's.
            90..96 if providers.iter().any(|spec| spec.name == TOKEN_CDN.name) => {
                RunnerClock::SetRight(random.i64(-600..600))
            }
            90..96 => RunnerClock::SetRight(random.i64(-20_000..20_000)),
            _ => RunnerClock::Stepped,
        };
        let tasks_count = tasks.len();
        let durations = durations(random, &providers, settings.task_duration);
        Self {
            seed,
            tasks,
            latency: Duration::from_millis(*pick(random, &[2, 20, 60, 250, 1_500])),
            wait: *pick(
                random,
                &[Wait::All, Wait::All, Wait::All, Wait::All, Wait::All, Wait::All, Wait::Refresh, Wait::None],
            ),
            timeouts: match chance(random, 0.15) {
                true => [random.u64(20..120), random.u64(20..120)].map(Duration::from_secs),
                false => [900, 3_600].map(Duration::from_secs),
            },
            batch_size: chance(random, 0.4).then(|| random.usize(1..4) * (1 + tasks_count / 40)),
            sequential: chance(random, 0.08),
            short_quota: if seed.is_multiple_of(2) { ShortQuota::Refuse } else { ShortQuota::Fit },
            durations,
            fault_rate,
            loses_only,
            chances,
            faulty_runs: random.u32(1..4),
            has_stranger: chance(random, 0.08),
            clock,
            role,
            is_quota_ample,
            providers,
            settings,
        }
    }

    /// The plan, as the program makes it.
    pub fn plan(&self) -> Plan {
        let names: Vec<std::sync::Arc<str>> =
            (0..self.providers.len()).map(|place| format!("site{place}").into()).collect();
        let targets: Vec<Target> = names
            .iter()
            .zip(&self.providers)
            .map(|(name, provider)| Target {
                name: name.clone(),
                provider,
                options: provider::Options::new(),
                credentials: Default::default(),
            })
            .collect();
        let task = |(target, operation, text): &(usize, Operation, String)| Task {
            target: names[*target].clone(),
            operation: *operation,
            mode: PurgeMode::Default,
            subject: match operation {
                Operation::Refresh(kind) => Subject::of(*kind, text),
                Operation::Prefetch => Subject::url(text),
            },
            because: vec![Reason { rule: "rules[0]".into(), file: None }],
        };
        let mapped = Mapped { tasks: self.tasks.iter().map(task).collect(), ..Mapped::default() };
        let limits = Limits { batch_size: self.batch_size, ..Limits::default() };
        plan::make(mapped, &targets, &limits).expect("the plan holds no root and is within its limits")
    }

    /// Whether everything that isn't bad in itself has to be done in the end, once nothing goes wrong any more.
    pub fn converges(&self) -> bool {
        // A URL whose id was in a lost answer is looked for once all rows of the ids that are known have ended: not as long as one
        // of them never ends.
        let never_ends = |(_, _, url): &(usize, Operation, String)| url.contains(BAD[2]);
        let may_hide = self.settings.ids != Ids::PerCall && self.tasks.iter().any(never_ends);
        // What fails is sent again by each run: it is seen to fail only in the time that a run waits.
        let takes = self.settings.task_duration.unwrap_or_default();
        let is_slow = takes >= self.timeouts[0].min(self.timeouts[1]);
        let fails = |(_, _, url): &(usize, Operation, String)| url.contains(BAD[1]);
        let is_tag =
            |(_, operation, _): &(usize, Operation, String)| *operation == Operation::Refresh(RefreshKind::Tag);
        self.wait == Wait::All
            && self.is_quota_ample
            && self.timeouts.iter().min().is_some_and(|least| *least > GIVES_UP + LATEST + Duration::from_secs(10))
            && self.settings.forbid.is_empty()
            && self.settings.rows == Rows::PerUrl
            && !self.tasks.iter().any(is_tag)
            && !may_hide
            && !(is_slow && self.tasks.iter().any(fails))
    }

    /// For people: what kind of world it is.
    pub fn describe(&self) -> String {
        let providers: Vec<&str> = self.providers.iter().map(|spec| spec.name).collect();
        let tasks: Vec<String> = self
            .tasks
            .iter()
            .map(|(target, operation, url)| format!("\n    site{target}: {} of {url}", operation.unit()))
            .collect();
        let settings = &self.settings;
        format!(
            "seed {}: {} with {} tasks; latency {:?}, tasks take {:?}, listed after {:?}, quota {:?}, rate {:?}, rows {:?}, \
             ids {:?}, forbidden {:?}; wait {:?}, timeouts {:?}, batches of {:?}, sequential {}, role {:?}; faults at {} of calls \
             ({}), in {} runs; chances of kill, signal, full disk, no publication {:?}; stranger {}; runner's clock {:?}{}",
            self.seed,
            providers.join(", "),
            self.tasks.len(),
            self.latency,
            settings.task_duration,
            settings.listing_lag,
            settings.quota,
            settings.calls_per_second,
            settings.rows,
            settings.ids,
            settings.forbid,
            self.wait,
            self.timeouts,
            self.batch_size,
            self.sequential,
            self.role,
            self.fault_rate,
            if self.loses_only { "lost answers only" } else { "of all kinds" },
            self.faulty_runs,
            self.chances,
            self.has_stranger,
            self.clock,
            tasks.concat(),
        )
    }
}

fn chance(random: &mut fastrand::Rng, chance: f64) -> bool {
    random.f64() < chance
}

fn pick<'t, T>(random: &mut fastrand::Rng, of: &'t [T]) -> &'t T {
    &of[random.usize(0..of.len())]
}

fn providers(random: &mut fastrand::Rng) -> Vec<&'static Spec> {
    let registered = |place: usize| REGISTRY[place].spec;
    let one = |random: &mut fastrand::Rng| match random.u32(0..100) {
        0..50 => registered(0),
        50..62 => registered(1),
        62..72 => registered(2),
        72..90 => registered(3),
        _ => &TOKEN_CDN,
    };
    let count = *pick(random, &[1, 1, 1, 1, 1, 1, 2, 2, 3]);
    (0..count).map(|_| one(random)).collect()
}

fn tasks(random: &mut fastrand::Rng, targets: usize) -> Vec<(usize, Operation, String)> {
    let pages = match random.u32(0..1_000) {
        0..850 => random.usize(1..4),
        850..985 => random.usize(4..10),
        985..999 => random.usize(10..40),
        _ => random.usize(40..400),
    };
    let [prefetches, directories, alone] = [0.5, 0.15, 0.1];
    let has_bad = chance(random, 0.25);
    let has_tags = chance(random, 0.03);
    let mut tasks = Vec::new();
    for page in 0..pages {
        let target = random.usize(0..targets);
        let host = *pick(random, &["www.example.com", "www.example.com", "static.example.org"]);
        let mark = if has_bad && chance(random, 0.4) { *pick(random, &BAD) } else { "/" };
        let url = format!("https://{host}/t{target}{mark}page-{page}.html");
        match random.f64() {
            at if at < directories => {
                let directory = format!("https://{host}/t{target}{mark}folder-{page}/");
                if chance(random, prefetches) {
                    tasks.push((target, Operation::Prefetch, format!("{directory}index.html")));
                }
                tasks.push((target, Operation::Refresh(RefreshKind::Directory), directory));
            }
            at if at < directories + alone => tasks.push((target, Operation::Prefetch, url)),
            at if has_tags && at < 0.6 => {
                tasks.push((target, Operation::Refresh(RefreshKind::Tag), format!("https://{host}/#tag-{page}")));
            }
            at => {
                if chance(random, prefetches) {
                    tasks.push((target, Operation::Prefetch, url.clone()));
                }
                let too_long = if at > 0.995 { "x".repeat(1_100) } else { String::new() };
                tasks.push((target, Operation::Refresh(RefreshKind::Url), url + &too_long));
            }
        }
    }
    tasks
}

fn settings(random: &mut fastrand::Rng, tasks: &[(usize, Operation, String)]) -> EmulatorSettings {
    let refreshes = tasks.iter().filter(|(_, operation, _)| *operation == Operation::Refresh(RefreshKind::Url)).count();
    let most = refreshes as u64 + 3;
    let calls = ["DescribeRefreshTaskById", "DescribeRefreshTasks", "DescribeRefreshQuota", "PushObjectCache"];
    let [refuse, mut fail, mut hang] = BAD.map(|part| vec![part.to_owned()]);
    let mut ids = *pick(random, &[Ids::Merged, Ids::Merged, Ids::PerCall, Ids::PerUrl]);
    let rows = if chance(random, 0.1) { Rows::PerTask } else { Rows::PerUrl };
    if rows == Rows::PerTask {
        // One URL's end would be that of all URLs of its row, and nobody could find a batch whose row names another batch's URL.
        (fail, hang) = (Vec::new(), Vec::new());
        ids = *pick(random, &[Ids::PerCall, Ids::PerUrl]);
    }
    EmulatorSettings {
        task_duration: Some(Duration::from_millis(*pick(random, &[0, 700, 5_000, 5_000, 30_000, 100_000, 330_000]))),
        listing_lag: match random.u32(0..10) {
            0..6 => Duration::ZERO,
            6..8 => Duration::from_millis(random.u64(0..3_000)),
            _ => Duration::from_millis(random.u64(0..24_000)),
        },
        calls_per_second: chance(random, 0.1).then(|| random.u64(1..6) as f64),
        quota: match random.u32(0..100) {
            0..75 => Some(AMPLE),
            75..82 => None,
            _ => Some(random.u64(0..most)),
        },
        refuse,
        fail,
        hang,
        rows,
        ids,
        forbid: match chance(random, 0.06) {
            true => vec![(*pick(random, &calls)).to_owned()],
            false => Vec::new(),
        },
        ..EmulatorSettings::default()
    }
}

fn durations(random: &mut fastrand::Rng, providers: &[&'static Spec], takes: Option<Duration>) -> Durations {
    let usual = Distribution { median: takes.unwrap_or_default().as_secs_f64().max(0.1), spread: 0.1 };
    let kinds = |spec: &&'static Spec| ["refresh", "prefetch"].map(|kind| (format!("{} {kind}", spec.name), usual));
    match random.u32(0..12) {
        0..5 => Durations::default(),
        5 => Durations::unknown(providers.iter().map(|spec| spec.name)),
        _ => Durations(providers.iter().flat_map(kinds).collect()),
    }
}
