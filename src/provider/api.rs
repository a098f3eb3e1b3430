//! [`Api`], the trait through which a provider sends requests, and the kinds of its errors.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

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

    /// The time as this machine believes it to be, whatever was learned.
    fn machine_time(&self) -> Timestamp {
        self.now()
    }

    /// The time on the provider's clock, once one of its responses contained it: what its records are compared with.
    fn server_time(&self) -> Option<Timestamp> {
        None
    }

    /// The same, or the time to sign with as long as it isn't known.
    fn server_now(&self) -> Timestamp {
        self.server_time().unwrap_or_else(|| self.now())
    }

    /// Learns the provider's clock from the `Date` of an answer that is certainly the provider's, just now.
    fn learn_server_time(&self, date: Timestamp) {
        let _ = date;
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
    /// A submission was refused with a code that the vendor doesn't document: no proof that nothing was executed.
    Undocumented,
    /// The clock is off; certainly not executed: correct it by the server's and send again, once.
    Clock,
    /// The day's quota for this operation is gone; nothing was executed.
    QuotaSpent,
    /// Credentials or signature are refused.
    Credentials,
    /// The token has ended; certainly not executed: get another and send again, once. `Credentials` where there is no other.
    Expired,
    /// The credentials lack the permission.
    Forbidden,
    /// The provider refuses this operation whatever the URLs.
    Denied,
    /// At least one URL of the batch is refused, and none was accepted: halve it to find which.
    Refused,
    /// More URLs than the provider accepts in one call; none was accepted: send fewer.
    TooLarge,
}

/// An error of a provider's API: our reading of it, along with the provider's own words.
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
    /// How long the provider wants the client to wait.
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

impl ApiError {
    /// What the provider refuses whatever the URLs, and what to do.
    pub fn denied(api: &'static str, message: impl Into<String>, help: &str) -> Self {
        Self::new(ApiErrorKind::Denied, api, message).helped(help)
    }

    /// The same error with another remedy.
    #[must_use]
    pub fn helped(self, help: &str) -> Self {
        Self { help: Some(help.to_owned()).filter(|help| !help.is_empty()), ..self }
    }

    /// A request that can't be built; nothing was sent.
    pub fn unsignable(api: &'static str, error: &::http::Error) -> Self {
        if error.is::<::http::uri::InvalidUri>() {
            return Self::new(ApiErrorKind::TooLarge, api, "the query is too long for one request line");
        }
        let help =
            "look for a line break or a stray character in the access key id, the security token and the account's id";
        let error =
            Self::new(ApiErrorKind::Credentials, api, "the credentials hold a character that no request can carry");
        Self { help: Some(help.into()), ..error }
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
