//! A provider as data: what the inputs, the plan, the documentation and the schema need to know of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::exchange::Exchange;
use super::profile::ProfileSpec;
use super::{ApiError, ApiErrorKind, PolicySpec};
use crate::model::Operation;

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
    /// How it gives keys that end for a proof of who asks, if it does.
    pub exchange: Option<&'static dyn Exchange>,
    /// Files in a person's home that hold keys, in order.
    pub profiles: &'static [ProfileSpec],
    /// What it can do, each with its limits.
    pub operations: &'static [OperationSpec],
    /// The status of tasks by id.
    pub status: CallSpec,
    /// The records of tasks by address and time.
    pub records: CallSpec,
    /// How long the records reach back.
    pub records_kept: Duration,
    /// The longest range of time that one question to the records may name.
    pub records_span: Duration,
    /// What is left for today.
    pub quota: CallSpec,
    /// When a day's quota comes back, in words: `00:00 UTC+8`.
    pub quota_reset: &'static str,
    /// The longest address it takes, in characters.
    pub url_characters: usize,
    /// How long after a refresh was taken its address may be prefetched; the option `settle` of a target replaces it.
    pub settle: Duration,
    /// What else it can be asked.
    pub asks: Asks,
    /// How the vendor grants the permissions that operations and calls above name.
    pub policy: PolicySpec,
    /// Makes the provider of one target.
    pub open: fn(super::Opening) -> Box<dyn super::Provider>,
    /// Makes the vendor in memory.
    pub emulator: fn(&super::emulation::EmulatorSettings) -> Box<dyn super::emulation::Emulator>,
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Spec {
    /// The limits of an operation; `None` when the provider can't do it.
    pub fn operation(&self, operation: Operation) -> Option<&'static OperationSpec> {
        self.operations.iter().find(|spec| spec.operation == operation)
    }

    /// The limits of an operation that is asked for.
    ///
    /// # Errors
    /// `Denied` when the provider can't do it.
    pub fn able(&self, operation: Operation) -> Result<&'static OperationSpec, ApiError> {
        self.operation(operation).ok_or_else(|| {
            let message = format!("{} can't do this: {}", self.title, operation.unit());
            ApiError::new(ApiErrorKind::Denied, operation.name(), message)
        })
    }

    /// Where the API of a target is served, without a trailing slash: by its option `region`.
    pub fn endpoint(&self, options: &Options) -> &'static str {
        let region = match options.get("region") {
            Some(OptionValue::Word(word)) => self.endpoints.iter().find(|endpoint| endpoint.region == word),
            _ => None,
        };
        region.or(self.endpoints.first()).map_or("", |endpoint| endpoint.url)
    }

    /// How long after a refresh was taken its address may be prefetched at a target: by its option `settle`.
    pub fn settle(&self, options: &Options) -> Duration {
        match options.get("settle") {
            Some(OptionValue::Duration(settle)) => *settle,
            _ => self.settle,
        }
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
    /// The vendor's name of the call: `RefreshObjectCaches`.
    pub api: &'static str,
    /// The permission it needs, as the vendor's policies spell it: `cdn:RefreshObjectCaches`.
    pub permission: &'static str,
    /// Addresses in one call.
    pub per_call: usize,
    /// Addresses in a day for an account that never asked for more.
    pub per_day: Option<u64>,
    /// Distinct hosts in one call.
    pub hosts_per_call: Option<usize>,
    /// How many bytes the addresses of a call may take in the request line, percent-encoded, when they travel there.
    pub request_line_bytes: Option<usize>,
    /// Calls in a second and account.
    pub calls_per_second: f64,
    /// How long a task usually takes.
    pub typical: Duration,
}

/// One of the vendor's calls that only ask, with its limits.
#[derive(Debug)]
pub struct CallSpec {
    /// The vendor's name of the call; empty when there is none.
    pub api: &'static str,
    /// The permission it needs.
    pub permission: &'static str,
    /// Calls in a second and account.
    pub calls_per_second: f64,
    /// Task ids in one call (1 where ids are not asked for).
    pub ids_per_call: usize,
    /// Rows in one page; 0 where an answer always holds all of them.
    pub rows_per_page: usize,
}

impl CallSpec {
    /// The parameters of a page (from 1): its length and its number, under these names.
    pub fn page(&self, names: [&'static str; 2], page: u32) -> Vec<(&'static str, String)> {
        vec![(names[0], self.rows_per_page.to_string()), (names[1], page.max(1).to_string())]
    }
}

/// What a provider can be asked beside tasks and quota; `None` where it offers none.
#[derive(Debug)]
pub struct Asks {
    /// Bytes.
    pub traffic: Option<MeasureSpec>,
    /// Bits per second.
    pub bandwidth: Option<MeasureSpec>,
    /// Log files.
    pub logs: Option<LogSpec>,
    /// The account's domains.
    pub domains: Option<CallSpec>,
}

impl Asks {
    /// Nothing of it.
    pub const NOTHING: Self = Self { traffic: None, bandwidth: None, logs: None, domains: None };
}

/// How something measured can be asked for.
#[derive(Debug)]
pub struct MeasureSpec {
    /// The call.
    pub call: CallSpec,
    /// Domains in one question.
    pub domains_per_call: usize,
    /// The widths of a point that can be asked for, from the narrowest.
    pub intervals: &'static [IntervalSpec],
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
}

/// How log files can be asked for.
#[derive(Debug)]
pub struct LogSpec {
    /// The call.
    pub call: CallSpec,
    /// The longest range of time that one question may name.
    pub span: Duration,
    /// How long they are kept.
    pub kept: Duration,
}

/// An option of a target, as data: the configuration, the schema, the flags and the documentation read it.
#[derive(Debug)]
pub struct OptionSpec {
    /// In the configuration: `area`.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// What it may hold.
    pub value: OptionValueSpec,
}

impl OptionSpec {
    /// An option that every provider's target has: see [`Spec::settle`].
    pub const SETTLE: Self = Self {
        name: "settle",
        help: "how long after a refresh was taken its address may be prefetched; unset: as the provider asks",
        value: OptionValueSpec::Duration,
    };
}

/// What an option may hold.
#[derive(Debug)]
pub enum OptionValueSpec {
    /// True or false.
    Boolean,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One line of text.
    Text,
    /// A time span, as `90s`, `15m` or `1h30m`.
    Duration,
    /// A mapping of header names to one value or a list of them.
    Headers,
}

/// The value of a target's option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// For [`OptionValueSpec::Boolean`].
    Boolean(bool),
    /// For [`OptionValueSpec::OneOf`] and [`OptionValueSpec::Text`].
    Word(String),
    /// For [`OptionValueSpec::Duration`].
    Duration(Duration),
    /// For [`OptionValueSpec::Headers`].
    Headers(BTreeMap<String, Vec<String>>),
}

/// A target's options by name.
pub type Options = BTreeMap<&'static str, OptionValue>;

/// The environment variables of one way to give credentials.
#[derive(Debug)]
pub struct CredentialSpec {
    /// The access key's id.
    pub access_key_id: &'static str,
    /// The access key's secret.
    pub access_key_secret: &'static str,
    /// A temporary token beside them, if the environment holds one.
    pub security_token: &'static str,
    /// The account's id, where the vendor wants it beside them; empty: there is no name for it.
    pub account_id: &'static str,
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
        exchange: None,
        profiles: &[],
        operations: &[],
        status: CallSpec::BARE,
        records: CallSpec::BARE,
        records_kept: Duration::from_secs(3 * 24 * 3600),
        records_span: Duration::from_secs(24 * 3600),
        quota: CallSpec::BARE,
        quota_reset: "midnight",
        url_characters: 1_024,
        settle: Duration::ZERO,
        asks: Asks::NOTHING,
        policy: PolicySpec { version: "1", resource: None, always: &[] },
        open: |_| panic!("this test opens no provider"),
        emulator: |_| panic!("this test needs no emulator"),
    };
}

#[cfg(test)]
impl CallSpec {
    /// A call like any other.
    pub(crate) const BARE: Self =
        Self { api: "Ask", permission: "test:Ask", calls_per_second: 10.0, ids_per_call: 10, rows_per_page: 0 };
}

#[cfg(test)]
impl OperationSpec {
    /// An operation like any other.
    pub(crate) const BARE: Self = Self {
        operation: Operation::Prefetch,
        api: "Do",
        permission: "test:Do",
        per_call: 10,
        per_day: None,
        hosts_per_call: None,
        request_line_bytes: None,
        calls_per_second: 50.0,
        typical: Duration::from_secs(5),
    };
}
