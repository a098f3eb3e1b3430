//! A provider as data: what the inputs, the plan, the documentation and the schema need to know of it.

use std::fmt;
use std::time::Duration;

use super::credentials::CredentialSpec;
use super::{ApiError, ApiErrorKind, OptionSpec, OptionValue, Options, PolicySpec};
use crate::model::{Operation, PurgeMode, Quota, QuotaEntry};

/// A provider as data: everything the inputs, the plan, the documentation and the schema need to know of it.
pub struct Spec {
    /// In configuration and flags: `alibaba-cdn`.
    pub name: &'static str,
    /// For people: `Alibaba Cloud CDN`.
    pub title: &'static str,
    /// The vendor's own documentation.
    pub docs: &'static str,
    /// Where its API is served, by region; the first one is the default. Never empty.
    pub endpoints: &'static [EndpointSpec],
    /// What a target may set.
    pub options: &'static [OptionSpec],
    /// Where its credentials come from, in order.
    pub credentials: &'static [CredentialSpec],
    /// What it can do, each with its limits.
    pub operations: &'static [OperationSpec],
    /// How accepted tasks are followed; `None`: what the provider accepts is done.
    pub tracking: Option<TrackingSpec>,
    /// How the day's quota is read; `None`: the provider has none, or doesn't report it.
    pub quota: Option<QuotaSpec>,
    /// How far the clock that signs may be from the provider's.
    pub signature_validity: Duration,
    /// The longest URL it takes, in characters.
    pub url_characters: usize,
    /// How long after a refresh was accepted its URL may be prefetched; the option `prefetch-delay` of a target replaces it.
    pub prefetch_delay: Duration,
    /// Its read-only queries.
    pub queries: QuerySpec,
    /// How the vendor grants the permissions that operations and calls above name.
    pub policy: PolicySpec,
    /// What shows that a repository uses it: names of files (with a dot), and words in Terraform files and pipelines.
    pub signs: &'static [&'static str],
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Spec {
    /// The limits of an operation, which may be warming; `None` when it can't be done at this provider.
    pub fn operation(&self, operation: Operation) -> Option<&'static OperationSpec> {
        if self.is_warmed(operation) {
            return Some(&WARMING);
        }
        self.operations.iter().find(|spec| spec.operation == operation)
    }

    /// Whether URLs are fetched through the CDN for this operation, since its API has no prefetch: see [`super::warm`].
    pub fn is_warmed(&self, operation: Operation) -> bool {
        operation == Operation::Prefetch && self.operations.iter().all(|spec| spec.operation != operation)
    }

    /// The limits of an operation of the provider's own API.
    ///
    /// # Errors
    /// `Denied` when the provider can't do it.
    pub fn able(&self, operation: Operation) -> Result<&'static OperationSpec, ApiError> {
        let own = self.operations.iter().find(|spec| spec.operation == operation);
        own.ok_or_else(|| {
            let message = format!("{} can't do this: {}", self.title, operation.unit());
            ApiError::new(ApiErrorKind::Denied, operation.name(), message)
        })
    }

    /// A call that a provider may lack.
    ///
    /// # Errors
    /// `Denied` when it does.
    pub fn offered<T>(&self, call: Option<T>, what: &'static str) -> Result<T, ApiError> {
        call.ok_or_else(|| ApiError::new(ApiErrorKind::Denied, what, format!("{} offers no {what}", self.title)))
    }

    /// What is left for today, by what the vendor calls each operation there: `find` looks up how many URLs the day has and
    /// how many of them are left. An operation that it doesn't find is left out.
    pub fn left(&self, find: impl Fn(&str) -> Option<(u64, u64)>) -> Quota {
        let entry = |&OperationSpec { operation, quota, .. }: &OperationSpec| {
            let (limit, remaining) = find(quota).filter(|_| !quota.is_empty())?;
            Some(QuotaEntry { operation, limit, remaining })
        };
        Quota { entries: self.operations.iter().filter_map(entry).collect() }
    }

    /// How prefetches, or refreshes, are followed.
    pub fn tracking_of(&self, is_prefetch: bool) -> Option<&TrackingSpec> {
        let tracking = self.tracking.as_ref()?;
        Some(tracking.prefetches.filter(|_| is_prefetch).unwrap_or(tracking))
    }

    /// Whether prefetches are followed by calls of their own.
    pub fn tracks_prefetches_apart(&self) -> bool {
        self.tracking.as_ref().is_some_and(|tracking| tracking.prefetches.is_some())
    }

    /// The call for the status of tasks by id; of refreshes, where prefetches have their own.
    pub fn status(&self) -> Option<&CallSpec> {
        self.tracking.as_ref().map(|tracking| &tracking.status)
    }

    /// The list of tasks; of refreshes, where prefetches have their own.
    pub fn records(&self) -> Option<&RecordsSpec> {
        self.tracking.as_ref()?.records.as_ref()
    }

    /// The calls that only read and that go with these operations, each with its purpose in words: tracking and quota, as far
    /// as the provider has them.
    pub fn reading_calls(&self, operations: &[Operation]) -> Vec<(&CallSpec, &'static str)> {
        let prefetches = operations.contains(&Operation::Prefetch);
        let mut calls = Vec::new();
        let tracking = [Some(false), prefetches.then_some(true).filter(|_| self.tracks_prefetches_apart())];
        for tracking in tracking.into_iter().flatten().filter_map(|is_prefetch| self.tracking_of(is_prefetch)) {
            calls.push((&tracking.status, "status of tasks"));
            let records = tracking.records.as_ref();
            calls.extend(records.map(|records| (&records.call, "outcome of a request without an answer")));
        }
        if let Some(quota) = &self.quota {
            let of_prefetches = quota.of_prefetches.as_ref().filter(|_| prefetches);
            calls.extend([&quota.call].into_iter().chain(of_prefetches).map(|call| (call, "today's remaining quota")));
        }
        calls
    }

    /// Where the API of a target is served, without a trailing slash: by its option `region`.
    pub fn endpoint(&self, options: &Options) -> &'static str {
        let region = match options.get("region") {
            Some(OptionValue::Word(word)) => self.endpoints.iter().find(|endpoint| endpoint.region == word),
            _ => None,
        };
        region.or(self.endpoints.first()).map_or("", |endpoint| endpoint.url)
    }

    /// How long after a refresh was accepted its URL may be prefetched at a target: by its option `prefetch-delay`.
    pub fn prefetch_delay(&self, options: &Options) -> Duration {
        match options.get("prefetch-delay") {
            Some(OptionValue::Duration(prefetch_delay)) => *prefetch_delay,
            _ => self.prefetch_delay,
        }
    }
}

/// How a provider reports on the tasks that it accepted.
#[derive(Clone, Copy, Debug)]
pub struct TrackingSpec {
    /// The status of tasks by id.
    pub status: CallSpec,
    /// The list of tasks by URL and time; `None`: a lost answer can't be looked up.
    pub records: Option<RecordsSpec>,
    /// How prefetches are followed, where the vendor has calls of their own for them; `None`: by the same calls.
    pub prefetches: Option<&'static Self>,
    /// Whether a task id stands for all of its batch: then a row about it names no URL, and its state is that of each.
    pub whole_batches: bool,
}

/// The list of a provider's tasks.
#[derive(Clone, Copy, Debug)]
pub struct RecordsSpec {
    /// The call.
    pub call: CallSpec,
    /// The call for one task id, with a rate and pages of its own; `None`: the same.
    pub of_task: Option<CallSpec>,
    /// How far back the list reaches.
    pub kept: Duration,
    /// The longest time range of one call.
    pub span: Duration,
}

impl RecordsSpec {
    /// The call for one task id.
    pub fn of_task(&self) -> &CallSpec {
        self.of_task.as_ref().unwrap_or(&self.call)
    }
}

/// How the day's quota is read.
#[derive(Clone, Copy, Debug)]
pub struct QuotaSpec {
    /// The call.
    pub call: CallSpec,
    /// The call for prefetches, where the first says only what is left of refreshes.
    pub of_prefetches: Option<CallSpec>,
    /// When the quota comes back, in words: `00:00 UTC+8`.
    pub reset: &'static str,
}

/// How much a provider lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Calls or items in each `per`.
    pub amount: u32,
    /// The window.
    pub per: Duration,
    /// How many may leave at once after a pause.
    pub burst: Burst,
    /// What is counted.
    pub counts: RateUnit,
    /// Who shares it.
    pub scope: RateScope,
}

/// How many may leave at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Burst {
    /// Not documented, so a small part of the amount.
    Undocumented,
    /// So many on top of the amount, as in a bucket that is full at the start.
    Bucket(u32),
    /// The whole amount: what is limited is the sum over the window.
    Window,
}

/// What a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateUnit {
    /// Requests.
    Calls,
    /// The subjects inside them.
    Items,
}

/// Who shares a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateScope {
    /// Every target of the account.
    Account,
    /// One target: a zone, a service.
    Target,
}

impl Rate {
    /// So many calls of the account in a second.
    pub const fn per_second(amount: u32) -> Self {
        Self {
            amount,
            per: Duration::from_secs(1),
            burst: Burst::Undocumented,
            counts: RateUnit::Calls,
            scope: RateScope::Account,
        }
    }

    /// So many calls of the account in a minute.
    pub const fn per_minute(amount: u32) -> Self {
        Self { per: Duration::from_mins(1), ..Self::per_second(amount) }
    }

    /// So many calls of the account in any time of this length, all at once if need be.
    pub const fn in_window(amount: u32, per: Duration) -> Self {
        Self { per, burst: Burst::Window, ..Self::per_second(amount) }
    }

    /// So many may leave at once after a pause.
    #[must_use]
    pub const fn burst(self, burst: u32) -> Self {
        Self { burst: Burst::Bucket(burst), ..self }
    }

    /// The most that any window may hold.
    pub fn most(&self) -> u32 {
        let amount = self.amount.max(1);
        if let Burst::Bucket(burst) = self.burst { amount + burst } else { amount }
    }

    /// How long it takes until so many calls with so many items may have left.
    fn time_of(&self, calls: usize, items: usize) -> Duration {
        let count = if self.counts == RateUnit::Calls { calls } else { items } as f64;
        let at_once = match self.burst {
            Burst::Undocumented => 0.0,
            Burst::Bucket(burst) => f64::from(burst),
            // Each window begins when the one before is over.
            Burst::Window => return self.per.mul_f64(((count - 1.0) / f64::from(self.amount.max(1))).floor().max(0.0)),
        };
        Duration::try_from_secs_f64((count - at_once).max(0.0) / self.amount_per_second()).unwrap_or(Duration::MAX)
    }

    /// Subjects are counted, not calls.
    #[must_use]
    pub const fn of_items(self) -> Self {
        Self { counts: RateUnit::Items, ..self }
    }

    /// Each target has its own.
    #[must_use]
    pub const fn of_target(self) -> Self {
        Self { scope: RateScope::Target, ..self }
    }

    /// Calls or items in a second, on average.
    pub fn amount_per_second(&self) -> f64 {
        f64::from(self.amount.max(1)) / self.per.as_secs_f64()
    }
}

/// Where an API is served.
#[derive(Debug)]
pub struct EndpointSpec {
    /// The region's name, as the option `region` of a target says it.
    pub region: &'static str,
    /// Scheme and host, without a trailing slash.
    pub url: &'static str,
}

/// What an operation may ask for.
#[derive(Debug)]
pub struct OperationSpec {
    /// The operation.
    pub operation: Operation,
    /// The call that submits it.
    pub call: CallSpec,
    /// URLs in one call.
    pub per_call: usize,
    /// The option of a target that says another number of URLs in one call; empty: there is none.
    pub per_call_option: &'static str,
    /// URLs in a day for an account with the default quota.
    pub per_day: Option<u64>,
    /// What the vendor calls it where it says what is left for today; empty: it doesn't say.
    pub quota: &'static str,
    /// Distinct hosts in one call.
    pub hosts_per_call: Option<usize>,
    /// How many bytes the URLs of a call may take in the request line, percent-encoded, when they travel there.
    pub request_line_bytes: Option<usize>,
    /// How long a task usually takes.
    pub typical: Duration,
    /// The modes that it knows beyond the default.
    pub modes: &'static [PurgeMode],
    /// Whether it certainly refreshes everything below its directory, or of its host or target, whatever the query string.
    pub covers: bool,
    /// Whether a call may be accepted in part: some of its subjects are refused, and the others accepted.
    pub has_parts: bool,
    /// What may follow a request whose answer was lost.
    pub after_lost_answer: AfterLostAnswer,
    /// How many of its subjects may be under way at a target; `None`: no such limit is known.
    pub in_progress: Option<&'static InProgress>,
    /// What a subject costs; `None`: nothing.
    pub price: Option<&'static Price>,
}

/// How many subjects may be under way at a target, from their acceptance until they are done. Operations may share the limit.
#[derive(Debug)]
pub struct InProgress {
    /// What counts, in the plural: `files`. The same for each of the operations that share it.
    pub name: &'static str,
    /// Subjects.
    pub most: usize,
}

/// What the vendor charges for a subject.
#[derive(Debug)]
pub struct Price {
    /// What it is on the bill, for one and for several: `("path", "paths")`.
    pub item: (&'static str, &'static str),
    /// In US dollars.
    pub each: f64,
    /// How many cost nothing in a month, for the whole account.
    pub free_in_a_month: u64,
}

/// What may follow a request whose answer was lost: it may have been executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterLostAnswer {
    /// Look for it in the provider's records, and send it again only if they don't show it.
    AskRecords,
    /// Send it again: a second execution costs nothing and changes nothing.
    Resend,
}

impl OperationSpec {
    /// An operation by a call that takes so many URLs, as many in a day, and that the quota calls so. Hosts and the length of
    /// the request line don't matter, and a task takes as long as usual: a refresh five minutes, a prefetch ten.
    pub const fn new(
        operation: Operation,
        call: CallSpec,
        per_call: usize,
        per_day: Option<u64>,
        quota: &'static str,
    ) -> Self {
        let typical = Duration::from_mins(if matches!(operation, Operation::Prefetch) { 10 } else { 5 });
        Self {
            operation,
            call,
            per_call,
            per_call_option: "",
            per_day,
            quota,
            hosts_per_call: None,
            request_line_bytes: None,
            typical,
            modes: &[],
            covers: false,
            has_parts: false,
            after_lost_answer: AfterLostAnswer::AskRecords,
            in_progress: None,
            price: None,
        }
    }

    /// A second execution costs nothing and changes nothing.
    #[must_use]
    pub const fn resent(self) -> Self {
        Self { after_lost_answer: AfterLostAnswer::Resend, ..self }
    }

    /// It is done when the provider accepts it.
    #[must_use]
    pub const fn at_once(self) -> Self {
        Self { typical: Duration::ZERO, ..self }
    }

    /// URLs in one call at a target with these options.
    pub fn per_call(&self, options: &Options) -> usize {
        match options.get(self.per_call_option) {
            Some(OptionValue::Number(number)) => *number as usize,
            _ => self.per_call,
        }
    }

    /// It certainly refreshes everything below its directory, or of its host or target.
    #[must_use]
    pub const fn covering(self) -> Self {
        Self { covers: true, ..self }
    }

    /// A call may be accepted in part.
    #[must_use]
    pub const fn in_parts(self) -> Self {
        Self { has_parts: true, ..self }
    }

    /// It knows these modes beyond the default.
    #[must_use]
    pub const fn modes(self, modes: &'static [PurgeMode]) -> Self {
        Self { modes, ..self }
    }
}

/// Warming, a prefetch by one GET through the CDN: see [`super::warm`]. A fetch that may have been made is made again, since it
/// changes nothing. Each target has its own rate: it is the site's, and not that of an account.
pub static WARMING: OperationSpec =
    OperationSpec::new(Operation::Prefetch, CallSpec::new("GET", "", Rate::per_second(20).of_target()), 1, None, "")
        .resent()
        .at_once();

/// A rate that several calls share.
#[derive(Clone, Copy, Debug)]
pub struct SharedRate {
    /// The same for each of these calls.
    pub name: &'static str,
    /// How much the provider lets through of all of them together.
    pub rate: Rate,
}

/// One of the vendor's calls.
#[derive(Clone, Copy, Debug)]
pub struct CallSpec {
    /// The vendor's name of it: `RefreshObjectCaches`; empty when there is none.
    pub api: &'static str,
    /// The permission it needs, as the vendor's policies spell it: `cdn:RefreshObjectCaches`.
    pub permission: &'static str,
    /// How often it may be called.
    pub rate: Rate,
    /// The rates that it shares with other calls.
    pub shared: &'static [SharedRate],
    /// Task ids in one call (1 if tasks aren't polled by id).
    pub ids_per_call: usize,
    /// Rows in one page; 0 where an answer always holds all of them.
    pub rows_per_page: usize,
}

impl CallSpec {
    /// A call for one thing, with an answer in one piece.
    pub const fn new(api: &'static str, permission: &'static str, rate: Rate) -> Self {
        Self { api, permission, rate, shared: &[], ids_per_call: 1, rows_per_page: 0 }
    }

    /// It shares these rates with other calls.
    #[must_use]
    pub const fn sharing(self, shared: &'static [SharedRate]) -> Self {
        Self { shared, ..self }
    }

    /// Every rate that it keeps to.
    pub fn rates(&self) -> impl Iterator<Item = &Rate> {
        std::iter::once(&self.rate).chain(self.shared.iter().map(|shared| &shared.rate))
    }

    /// How long it takes until so many calls with so many items may have left.
    pub fn time_of(&self, calls: usize, items: usize) -> Duration {
        self.rates().map(|rate| rate.time_of(calls, items)).max().unwrap_or_default()
    }

    /// It takes so many task ids.
    #[must_use]
    pub const fn ids(self, ids_per_call: usize) -> Self {
        Self { ids_per_call, ..self }
    }

    /// Whether another page follows one of `rows` rows, after `seen` rows over all pages: the page is full, or the total that
    /// the provider reports isn't reached. Neither alone can be trusted.
    pub fn has_next_page(&self, rows: usize, seen: usize, total: usize) -> bool {
        self.rows_per_page > 0 && rows > 0 && (rows >= self.rows_per_page || seen < total)
    }

    /// Its answer has pages of so many rows.
    #[must_use]
    pub const fn rows(self, rows_per_page: usize) -> Self {
        Self { rows_per_page, ..self }
    }

    /// The parameters of a page (from 1): its length and its number, under these names.
    pub fn page(&self, names: [&'static str; 2], page: u32) -> Vec<(&'static str, String)> {
        vec![(names[0], self.rows_per_page.to_string()), (names[1], page.max(1).to_string())]
    }
}

/// The queries of a provider besides tasks and quota; `None` where it offers none.
#[derive(Debug)]
pub struct QuerySpec {
    /// Bytes.
    pub traffic: Option<MeasureSpec>,
    /// Bits per second.
    pub bandwidth: Option<MeasureSpec>,
    /// Log files.
    pub logs: Option<LogSpec>,
    /// The account's domains.
    pub domains: Option<CallSpec>,
    /// Which permissions the credentials have.
    pub grants: Option<CallSpec>,
}

impl QuerySpec {
    /// Nothing of it.
    pub const NOTHING: Self = Self { traffic: None, bandwidth: None, logs: None, domains: None, grants: None };

    /// How this is queried.
    pub const fn measure(&self, measure: Measure) -> Option<&MeasureSpec> {
        match measure {
            Measure::Traffic => self.traffic.as_ref(),
            Measure::Bandwidth => self.bandwidth.as_ref(),
        }
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Bytes delivered within a point's width.
    Traffic,
    /// Bits per second, over a point's width.
    Bandwidth,
}

impl Measure {
    /// The word in commands and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Traffic => "traffic",
            Self::Bandwidth => "bandwidth",
        }
    }
}

/// How a metric is queried.
#[derive(Debug)]
pub struct MeasureSpec {
    /// The call.
    pub call: CallSpec,
    /// What the vendor calls it.
    pub name: &'static str,
    /// Domains in one question.
    pub domains_per_call: usize,
    /// The intervals of a point that can be queried, the shortest first.
    pub intervals: &'static [IntervalSpec],
}

/// Days of 24 hours.
pub const fn days(count: u64) -> Duration {
    Duration::from_hours(24 * count)
}

/// A width of a point.
#[derive(Debug)]
pub struct IntervalSpec {
    /// The width.
    pub interval: Duration,
    /// The longest range of time that one question may name.
    pub span: Duration,
    /// How long points of this width are kept.
    pub kept: Duration,
    /// How long after a multiple of it since the epoch one begins.
    pub begins: Duration,
}

impl IntervalSpec {
    /// Points of this interval, queried in ranges up to `span`, and `kept` so long.
    pub const fn new(interval: Duration, span: Duration, kept: Duration) -> Self {
        Self { interval, span, kept, begins: Duration::ZERO }
    }

    /// One begins so long after a multiple of the width since the epoch.
    #[must_use]
    pub const fn begins(self, begins: Duration) -> Self {
        Self { begins, ..self }
    }
}

/// How log files are queried.
#[derive(Debug)]
pub struct LogSpec {
    /// The call.
    pub call: CallSpec,
    /// A range of time begins and ends at a multiple of this.
    pub step: Duration,
    /// The longest range of time that one question may name.
    pub span: Duration,
    /// How long they are kept.
    pub kept: Duration,
}

#[cfg(test)]
impl Spec {
    /// A provider that can do nothing, for tests to begin with.
    pub(crate) const BARE: Self = Self {
        name: "bare",
        title: "Bare CDN",
        docs: "",
        endpoints: &[EndpointSpec { region: "everywhere", url: "https://cdn.test" }],
        options: &[],
        credentials: &[],
        operations: &[],
        tracking: Some(TrackingSpec {
            status: CallSpec::BARE,
            records: Some(RecordsSpec { call: CallSpec::BARE, of_task: None, kept: days(3), span: days(1) }),
            prefetches: None,
            whole_batches: false,
        }),
        quota: Some(QuotaSpec { call: CallSpec::BARE, of_prefetches: None, reset: "midnight" }),
        signature_validity: Duration::from_mins(15),
        url_characters: 1_024,
        prefetch_delay: Duration::ZERO,
        queries: QuerySpec::NOTHING,
        policy: PolicySpec { version: "1", is_lower_case: false, resource: None, always: &[] },
        signs: &[],
    };
}

#[cfg(test)]
impl CallSpec {
    /// A call like any other.
    pub(crate) const BARE: Self = Self::new("Ask", "test:Ask", Rate::per_second(10)).ids(10);
}

#[cfg(test)]
impl OperationSpec {
    /// An operation like any other.
    pub(crate) const BARE: Self = Self {
        typical: Duration::from_secs(5),
        ..Self::new(Operation::Prefetch, CallSpec::new("Do", "test:Do", Rate::per_second(50)), 10, None, "")
    };
}
