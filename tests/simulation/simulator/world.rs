//! A world, as it follows from a seed: the plan, the vendors and their limits, the runner and its clock, and what goes wrong.

use std::time::Duration;

use cdn_purge::config::{ShortQuota, Target, Wait};
use cdn_purge::exec::durations::{Distribution, Durations};
use cdn_purge::mapping::Mapped;
use cdn_purge::model::{Operation, PurgeMode, Reason, RefreshKind, Subject, Task};
use cdn_purge::plan::{self, Limits, Plan};
use cdn_purge::provider::{self, AfterLostAnswer, OptionValue, Spec};
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

/// The providers of the newer kinds, by name: what Cloudflare, Fastly and Bunny accept is done, and their limits are buckets and
/// windows of an hour; Tencent's errors come with a success's status, and EdgeOne refuses a part of a batch. Cloudflare, Bunny and
/// EdgeOne look up a zone first.
const NEWER: [&str; 5] = ["cloudflare", "fastly", "bunny", "tencent-cdn", "tencent-edgeone"];
/// Whose paths name no host, of which only so many may be under way, and which does nothing twice that has the same reference.
pub const CLOUDFRONT: &str = "cloudfront";

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
    /// Whether providers of the newer kinds are in it, and errors that look like successes.
    pub is_newer: bool,
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
        let mut world = Self {
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
            is_newer: false,
            providers,
            settings,
        };
        // A fifth of the seeds, chosen without a draw: the stories of all others are as they were before.
        if seed % 5 == 3 {
            world.renew(random, &NEWER, 0.04);
        } else if matches!(seed % 25, 19 | 24) {
            // One end is that of a whole invalidation, and none fails.
            (world.settings.fail, world.settings.hang) = (Vec::new(), Vec::new());
            world.renew(random, &[CLOUDFRONT], 0.2);
            if world.providers.iter().filter(|spec| spec.name == CLOUDFRONT).count() > 1 {
                // The searches for their distributions follow each other without a pause.
                let calls = world.settings.calls_per_second.map(|calls| calls.max(3.0));
                world.settings.calls_per_second = calls;
            }
        } else if seed % 25 == 4 {
            world.share_ids(random);
        }
        world
    }

    /// Drops what is fetched through the CDN itself: it is in no vendor's ledger.
    fn drop_warmed(&mut self) {
        let providers = &self.providers;
        self.tasks.retain(|(target, operation, _)| !providers[*target].is_warmed(*operation));
        if self.tasks.is_empty() {
            let url = "https://www.example.com/t0/page-0.html".to_owned();
            self.tasks.push((0, Operation::Refresh(RefreshKind::Url), url));
        }
    }

    /// Moves targets to these providers, of the newer kinds; so many worlds have more tasks than a bucket holds.
    fn renew(&mut self, random: &mut fastrand::Rng, names: &[&str], crowded: f64) {
        self.is_newer = true;
        self.role = None;
        for (target, place) in self.providers.iter_mut().enumerate() {
            if target == 0 || chance(random, 0.7) {
                let name = *pick(random, names);
                *place =
                    REGISTRY.iter().map(|entry| entry.spec).find(|spec| spec.name == name).expect("it is registered");
            }
        }
        if chance(random, crowded) {
            let (count, kind) = (random.usize(20..150), *pick(random, &[RefreshKind::Url, RefreshKind::Directory]));
            let end = if kind == RefreshKind::Url { ".html" } else { "/" };
            let more = (0..count).map(|page| format!("https://www.example.com/t0/more-{page}{end}"));
            self.tasks.extend(more.map(|url| (0, Operation::Refresh(kind), url)));
            self.batch_size = self.batch_size.map(|size| size.min(3));
        }
        let providers = &self.providers;
        let is_newer = |target: usize| names.contains(&providers[target].name);
        for (target, operation, url) in self.tasks.iter_mut().filter(|(target, ..)| is_newer(*target)) {
            // A target has one zone.
            *url = url.replace("static.example.org", "static.example.com");
            let tag =
                |url: &str| format!("https://www.example.com/#tag-{}", url.rsplit('/').next().unwrap_or_default());
            let is_page = *operation == Operation::Refresh(RefreshKind::Url);
            let offers = |operation| providers[*target].operation(operation).is_some();
            if is_page && url.len() < 200 && offers(Operation::Refresh(RefreshKind::Tag)) && chance(random, 0.15) {
                (*operation, *url) = (Operation::Refresh(RefreshKind::Tag), tag(url));
            }
        }
        self.tasks.retain(|(target, operation, _)| providers[*target].operation(*operation).is_some());
        self.drop_warmed();
        let providers = &self.providers;
        let wide = Operation::Refresh(*pick(random, &[RefreshKind::Everything, RefreshKind::Host]));
        if providers.len() == 1 && providers[0].operation(wide).is_some() && chance(random, 0.1) {
            self.tasks.push((0, wide, "https://www.example.com/".to_owned()));
        }
        if let RunnerClock::SetRight(off) = &mut self.clock
            && self.providers.iter().any(|spec| spec.tracking.is_none())
        {
            // The vendor may not say its time before the run ends; then the journal is in the runner's.
            *off %= 600;
        }
        let calls: &[&str] = match names {
            [CLOUDFRONT] => &["ListDistributions", "CreateInvalidation", "GetInvalidation"],
            _ => &[
                "zones",
                "pullzone",
                "DescribeZones",
                "purge_cache",
                "purge_single_url",
                "purge",
                "CreatePrefetchTask",
                "DescribePurgeTasks",
                "DescribePrefetchTasks",
                "DescribePushTasks",
                "DescribeContentQuota",
                "DescribePurgeQuota",
            ],
        };
        self.settings.forbid = match chance(random, 0.06) {
            true => vec![(*pick(random, calls)).to_owned()],
            false => Vec::new(),
        };
        self.durations = durations(random, &self.providers, self.settings.task_duration);
    }

    /// Lets calls share a task id that has one row. What was lost couldn't be found there, so nothing is lost.
    fn share_ids(&mut self, random: &mut fastrand::Rng) {
        (self.settings.rows, self.settings.ids) = (Rows::PerTask, Ids::Merged);
        (self.settings.fail, self.settings.hang) = (Vec::new(), Vec::new());
        (self.fault_rate, self.chances, self.faulty_runs) = (0.0, [0.0; 4], 1);
        self.batch_size = Some(random.usize(1..4));
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
                options: options(provider),
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
        let roots_allowed = vec!["rules[0]".into()];
        let limits = Limits { batch_size: self.batch_size, roots_allowed, ..Limits::default() };
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
        // Of what has neither records that name it nor a harmless second execution nobody can tell whether it was executed.
        let is_nameless = |(target, operation, _): &(usize, Operation, String)| {
            let kind = matches!(operation, Operation::Refresh(RefreshKind::Tag | RefreshKind::Everything));
            kind && !is_resent(self.providers[*target], *operation)
        };
        self.wait == Wait::All
            && self.is_quota_ample
            && self.timeouts.iter().min().is_some_and(|least| *least > GIVES_UP + LATEST + Duration::from_secs(10))
            && self.settings.forbid.is_empty()
            && self.settings.rows == Rows::PerUrl
            && !self.tasks.iter().any(is_nameless)
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

/// Whether a second execution changes nothing, so that what is lost is sent again.
pub fn is_resent(provider: &Spec, operation: Operation) -> bool {
    provider.operation(operation).is_some_and(|limits| limits.after_lost_answer == AfterLostAnswer::Resend)
}

/// What a target has to name.
fn options(provider: &Spec) -> provider::Options {
    let has_service = provider.options.iter().any(|option| option.name == "service");
    let service = || ("service", OptionValue::Word("SU1Z0isxPaozGVKXdv0eY".into()));
    has_service.then(service).into_iter().collect()
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
