//! What a provider is: data ([`Spec`]), the requests it can make ([`Provider`]), the way out ([`Api`]), and what an error
//! allows to do next ([`ApiErrorKind`]).
//!
//! Every method of a provider sends exactly one request, so that pace, retry, journal and waiting can be wrapped around
//! all of them in the same way by `exec`, and a signed request is never sent twice.

use async_trait::async_trait;

use crate::model::{Operation, PurgeMode, Quota, Subject};
use credentials::SharedCredentials;

pub mod answer;
mod api;
pub mod assume_role;
mod body;
pub mod clock;
pub mod credentials;
pub mod edge;
pub mod error_format;
pub mod http;
pub mod json;
mod options;
mod policy;
pub mod profile;
mod query;
pub mod sign;
pub mod simulation;
mod spec;
#[cfg(test)]
pub(crate) mod test_harness;
pub mod warm;
pub mod zone;

pub use api::{Api, ApiError, ApiErrorKind, ApiName};
pub use body::BodyFormat;
pub use credentials::CredentialSpec;
pub use options::{OptionSpec, OptionValue, OptionValueSpec, Options};
pub use policy::PolicySpec;
pub use query::{
    Domain, Grants, LogFile, LogQuestion, MeasureQuestion, Page, Point, Record, RecordFilter, RecordKind, RecordStatus,
    TaskState, latest_now,
};
pub use spec::{
    AfterLostAnswer, Burst, CallSpec, EndpointSpec, InProgress, IntervalSpec, LogSpec, Measure, MeasureSpec,
    OperationSpec, Price, QuerySpec, QuotaSpec, Rate, RateScope, RateUnit, RecordsSpec, SharedRate, Spec, TrackingSpec,
    WARMING, days,
};

/// What a provider is made of.
pub struct ProviderContext {
    /// Which one; one implementation may serve several.
    pub spec: &'static Spec,
    /// The target's options.
    pub options: Options,
    /// The hosts of the target's URLs, in lower case, each once; empty where nothing will be submitted.
    pub hosts: Vec<String>,
    /// Where to send requests: scheme, host and port, no path.
    pub endpoint: url::Url,
    /// The account's credentials; read for each request, since a run may refresh them.
    pub credentials: SharedCredentials,
}

impl ProviderContext {
    /// The word that an option is set to.
    pub fn word(&self, option: &str) -> Option<&str> {
        match self.options.get(option) {
            Some(OptionValue::Word(word)) if !word.is_empty() => Some(word),
            _ => None,
        }
    }

    /// The options that travel as parameters, each under the vendor's name of it; what isn't set isn't sent.
    pub fn parameters(&self) -> Parameters {
        let sent = self.spec.options.iter().filter(|option| !option.sent_as.is_empty());
        sent.filter_map(|option| Some((option.sent_as, self.options.get(option.name)?.to_string()))).collect()
    }
}

/// Parameters of a request, decoded, in any order.
pub type Parameters = Vec<(&'static str, String)>;

/// Those of some parameters that are set.
pub fn present<const N: usize>(parameters: [(&'static str, Option<&str>); N]) -> Parameters {
    parameters.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect()
}

/// Subjects that go out in one request; they share everything else.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// What to do with them.
    pub operation: Operation,
    /// How a refresh treats what it drops.
    pub mode: PurgeMode,
    /// The subjects, in the plan's order; never empty.
    pub subjects: &'a [&'a Subject],
    /// The same for each attempt of this batch, in a resumed run too, and for no other batch: letters, digits and `-`. A vendor that
    /// takes such a reference executes the batch once.
    pub reference: &'a str,
}

impl Submission<'_> {
    /// The subjects' values: URLs, patterns or cache tags.
    pub fn values(&self) -> Vec<&str> {
        self.subjects.iter().map(|subject| &*subject.value).collect()
    }
}

/// A batch that the provider accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is done: the provider has no status to query.
    Done {
        /// The provider's id of the request.
        request_id: Option<String>,
    },
    /// The provider works on it, and reports the status of its tasks.
    Tracked {
        /// The tasks' ids; never empty.
        task_ids: Vec<String>,
        /// The provider's id of the request.
        request_id: Option<String>,
    },
    /// It refused some of the batch's subjects, and accepted the others.
    Partly {
        /// How it accepted the others; `None`: there are none.
        rest: Option<Box<Self>>,
        /// The places of the refused subjects in the batch, each with the provider's reason.
        refused: Vec<(usize, String)>,
    },
}

impl Accepted {
    /// The tasks' ids; none where it is done.
    pub fn task_ids(&self) -> &[String] {
        match self {
            Self::Done { .. } => &[],
            Self::Tracked { task_ids, .. } => task_ids,
            Self::Partly { rest, .. } => rest.as_ref().map_or(&[], |rest| rest.task_ids()),
        }
    }

    /// The provider's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Done { request_id } | Self::Tracked { request_id, .. } => request_id.as_deref(),
            Self::Partly { rest, .. } => rest.as_ref().and_then(|rest| rest.request_id()),
        }
    }
}

/// A provider, opened for one target. **Every method sends exactly one request.**
///
/// Only [`Provider::spec`] and [`Provider::submit`] are for every provider. The others are called where the [`Spec`] offers
/// them: `tracking`, `quota`, `queries`.
#[async_trait(?Send)]
pub trait Provider {
    /// What it is.
    fn spec(&self) -> &'static Spec;

    /// Looks up what the target needs before its first batch, such as the id of the zone of its hosts. Called once.
    ///
    /// # Errors
    /// Any [`ApiErrorKind`]; nothing is submitted to this target then, and its tasks end with this error.
    async fn prepare(&mut self, api: &dyn Api) -> Result<(), ApiError> {
        let _ = api;
        Ok(())
    }

    /// A request for an operation on some URLs. Signed again at each call.
    ///
    /// # Errors
    /// Any [`ApiErrorKind`]; an answer without task ids is `Ambiguous`.
    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError>;

    /// QuerySpec how far some tasks are: at most `spec().status.ids_per_call` ids, a page of rows (from 1).
    ///
    /// An empty page means "not visible yet", never "done".
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn status(&self, task_ids: &[String], page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let _ = (task_ids, page, api);
        Err(unanswered("status"))
    }

    /// The same of prefetches, where they are tracked apart: see [`TrackingSpec::prefetches`].
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn prefetch_status(&self, task_ids: &[String], page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let _ = (task_ids, page, api);
        Err(unanswered("status of prefetches"))
    }

    /// Lists records, newest first, a page at a time (from 1). Where prefetches are tracked apart, those of prefetches if the
    /// filter's kind is one, else those of refreshes.
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn records(&self, filter: &RecordFilter, page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let _ = (filter, page, api);
        Err(unanswered("records"))
    }

    /// QuerySpec what is left for today.
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn quota(&self, api: &dyn Api) -> Result<Quota, ApiError> {
        let _ = api;
        Err(unanswered("quota"))
    }

    /// The same of prefetches, where that is another call: see [`QuotaSpec::of_prefetches`].
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn prefetch_quota(&self, api: &dyn Api) -> Result<Quota, ApiError> {
        let _ = api;
        Err(unanswered("quota of prefetches"))
    }

    /// QuerySpec what was measured in one range of time, which is no longer than the interval's `span`.
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn measure(&self, question: &MeasureQuestion, api: &dyn Api) -> Result<Vec<Point>, ApiError> {
        let _ = api;
        Err(unanswered(question.offer.call.api))
    }

    /// Lists the log files of a domain, a page at a time (from 1).
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn logs(&self, question: &LogQuestion, page: u32, api: &dyn Api) -> Result<Page<LogFile>, ApiError> {
        let _ = (page, api);
        Err(unanswered(question.offer.call.api))
    }

    /// Asks which of the permissions that the [`Spec`] names the credentials have.
    ///
    /// # Errors
    /// Any [`ApiErrorKind`]; `Credentials` where they aren't valid.
    async fn grants(&self, offer: &CallSpec, api: &dyn Api) -> Result<Grants, ApiError> {
        let _ = api;
        Err(unanswered(offer.api))
    }

    /// Lists the account's domains by the call that is offered for it, a page at a time (from 1).
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    async fn domains(&self, offer: &CallSpec, page: u32, api: &dyn Api) -> Result<Page<Domain>, ApiError> {
        let _ = (page, api);
        Err(unanswered(offer.api))
    }
}

/// The answer to a query that the provider's [`Spec`] offers and its code doesn't make.
fn unanswered(api: &'static str) -> ApiError {
    ApiError::new(ApiErrorKind::Denied, api, "the program doesn't know how to query this")
}
