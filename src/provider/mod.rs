//! What a provider is: data ([`Spec`]), four kinds of request ([`Provider`]), the way out ([`Api`]), and what an error
//! allows to do next ([`ApiErrorKind`]).
//!
//! Every method of a provider sends exactly one request, so that pace, retry, journal and waiting can be wrapped around
//! all of them in the same way by `exec`, and a signed request is never sent twice.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use crate::model::{Operation, Quota};
use credentials::Credentials;

pub mod clock;
pub mod credentials;
pub mod emulation;
pub mod http;
pub mod sign;

/// A provider as data: everything the inputs, the plan, the documentation and the schema need to know of it.
pub struct Spec {
    /// In configuration and flags: `alibaba-cdn`.
    pub name: &'static str,
    /// For people: `Alibaba Cloud CDN`.
    pub title: &'static str,
    /// The vendor's own documentation.
    pub docs: &'static str,
    /// Where its API is served, without a trailing slash.
    pub endpoint: &'static str,
    /// What a target may set.
    pub options: &'static [OptionSpec],
    /// Where its credentials come from, in order.
    pub credentials: &'static [CredentialSpec],
    /// What it can do, each with its limits.
    pub operations: &'static [OperationSpec],
    /// The status of tasks by id.
    pub status: CallLimit,
    /// The records of tasks by address and time.
    pub records: CallLimit,
    /// What is left for today.
    pub quota: CallLimit,
    /// When a day's quota comes back, in words: `00:00 UTC+8`.
    pub quota_reset: &'static str,
    /// The longest address it takes, in characters.
    pub url_characters: usize,
    /// Makes the provider of one target.
    pub open: fn(Opening) -> Box<dyn Provider>,
    /// Makes the vendor in memory.
    pub emulator: fn(&emulation::EmulatorSettings) -> Box<dyn emulation::Emulator>,
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

/// The limits of a call that only asks.
#[derive(Debug)]
pub struct CallLimit {
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

/// What an option may hold.
#[derive(Debug)]
pub enum OptionValueSpec {
    /// True or false.
    Boolean,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A mapping of header names to one value or a list of them.
    Headers,
}

/// The value of a target's option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// For [`OptionValueSpec::Boolean`].
    Boolean(bool),
    /// For [`OptionValueSpec::OneOf`].
    Word(String),
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
}

/// What a provider is made of.
pub struct Opening {
    /// Which one; one implementation may serve several.
    pub spec: &'static Spec,
    /// The target's options.
    pub options: Options,
    /// Where to send requests: scheme, host and port, no path.
    pub endpoint: url::Url,
    /// The keys.
    pub credentials: Credentials,
}

/// Addresses that go out in one request; they share everything but the address.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// What to do with them.
    pub operation: Operation,
    /// Delete instead of revalidate.
    pub force: bool,
    /// The addresses, in the plan's order; never empty.
    pub urls: &'a [&'a str],
}

/// A batch that the provider took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its task ids; never empty.
    pub task_ids: Vec<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
}

/// How far a task is, in the provider's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Not finished, or a word we don't know.
    Running,
    /// Finished well.
    Complete,
    /// Finished badly, with the provider's description.
    Failed(String),
}

/// One row of the provider's records.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The provider's task id.
    pub task_id: String,
    /// The address as the provider spells it; several, separated by line breaks or commas, if it keeps one row per task.
    pub url: String,
    /// Whether it is a prefetch; else some refresh.
    pub prefetch: bool,
    /// What was asked, in the provider's word.
    pub kind: String,
    /// How far it is.
    pub state: TaskState,
    /// The status in the provider's own word.
    pub status: String,
    /// Progress in percent, if given.
    pub percent: Option<f64>,
    /// When it was created.
    pub created: Option<Timestamp>,
}

/// A page of records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The rows of this page.
    pub records: Vec<Record>,
    /// How many there are over all pages, as the provider says; a hint only.
    pub total: usize,
}

/// Which records to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Of this task.
    pub task_id: Option<String>,
    /// Of exactly this address.
    pub url: Option<String>,
    /// Created at or after this.
    pub since: Option<Timestamp>,
    /// Created before this.
    pub until: Option<Timestamp>,
}

/// A provider, opened for one target. **Every method sends exactly one request.**
#[async_trait(?Send)]
pub trait Provider {
    /// What it is.
    fn spec(&self) -> &'static Spec;

    /// Asks for an operation on some addresses. Signs anew at each call.
    ///
    /// # Errors
    /// Any [`ApiErrorKind`]; an answer without task ids is `Ambiguous`.
    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError>;

    /// Asks how far some tasks are: at most `spec().status.ids_per_call` ids, a page of rows (from 1).
    ///
    /// An empty page means "not visible yet", never "done".
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn status(&self, task_ids: &[String], page: u32, api: &dyn Api) -> Result<Page, ApiError>;

    /// Lists records, newest first, a page at a time (from 1).
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn records(&self, filter: &RecordFilter, page: u32, api: &dyn Api) -> Result<Page, ApiError>;

    /// Asks what is left for today.
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn quota(&self, api: &dyn Api) -> Result<Quota, ApiError>;
}

/// The only way out of a provider; time and chance come from here too.
#[async_trait(?Send)]
pub trait Api {
    /// Sends one request, once: no retry, no redirect.
    ///
    /// # Errors
    /// `Unsent` when no byte of the request was written, `Ambiguous` when the answer didn't arrive whole. Any HTTP status
    /// is an answer, not an error.
    async fn call(&self, request: ::http::Request<Bytes>) -> Result<::http::Response<Bytes>, ApiError>;

    /// The time to sign with: the clock, corrected by what [`Api::correct_clock`] learned.
    fn now(&self) -> Timestamp;

    /// The time on the provider's clock, as far as its answers told: what its records are compared with.
    fn server_now(&self) -> Timestamp {
        self.now()
    }

    /// A new nonce: 32 lower-case hex digits.
    fn nonce(&self) -> String;

    /// Takes the server's clock as the right one from now on.
    fn correct_clock(&self, server: Timestamp);
}

/// The vendor's name of a call, carried by a request as an extension: [`Api`] names it in its errors, and faults are
/// aimed by it. A request without it is called `request`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiName(pub &'static str);

impl ApiName {
    /// The name that a request carries.
    pub fn of<B>(request: &::http::Request<B>) -> &'static str {
        request.extensions().get::<Self>().map_or("request", |name| name.0)
    }
}

/// What may be done after an error: not where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiErrorKind {
    /// No byte left, or the provider certainly did nothing: may be sent again.
    Unsent,
    /// Refused for its rate, certainly not executed: may be sent again, later and slower.
    Throttled,
    /// A server error; whether it was executed is not known.
    Server,
    /// It left, and no readable answer came: whether it was executed is not known.
    Ambiguous,
    /// The clock is off; certainly not executed: correct it by the server's and send again, once.
    Clock,
    /// The day's quota for this operation is gone; nothing was executed.
    QuotaSpent,
    /// Keys, token or signature are refused.
    Credentials,
    /// The keys may not do this.
    Forbidden,
    /// The provider refuses this operation whatever the addresses.
    Denied,
    /// At least one address of the batch is refused, and none was taken: halve it to find which.
    Refused,
    /// More addresses than the provider takes in one call; none was taken: send fewer.
    TooLarge,
}

/// An error of a provider's API: our reading of it, and the provider's own words beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What may be done next.
    pub kind: ApiErrorKind,
    /// The vendor's name of the call: `RefreshObjectCaches`.
    pub api: &'static str,
    /// Our sentence fragment, or the provider's message word for word where there is one.
    pub message: String,
    /// The provider's own code.
    pub code: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// The server's clock, from the answer's `Date` header.
    pub server_time: Option<Timestamp>,
    /// What to do, where we know it: `grant cdn:RefreshObjectCaches`.
    pub help: Option<String>,
}

impl ApiError {
    /// An error with nothing but a kind, a call and a sentence.
    pub fn new(kind: ApiErrorKind, api: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            api,
            message: message.into(),
            code: None,
            status: None,
            request_id: None,
            retry_after: None,
            server_time: None,
            help: None,
        }
    }
}

/// `RefreshObjectCaches: InvalidDomain.NotFound: the domain … (HTTP 404, request id 4B6…): help`.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.api)?;
        if let Some(code) = &self.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)?;
        match (self.status, &self.request_id) {
            (Some(status), Some(id)) => write!(f, " (HTTP {status}, request id {id})")?,
            (Some(status), None) => write!(f, " (HTTP {status})")?,
            (None, Some(id)) => write!(f, " (request id {id})")?,
            (None, None) => {}
        }
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}
