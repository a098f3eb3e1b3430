//! Huawei Cloud CDN in memory: a request in, the vendor's answer out, and a ledger of what was accepted.
//!
//! Written from the vendor's documentation and not from our client: the signatures are checked by code of its own
//! (`signature.rs`), so that a mistake on one side doesn't hide one on the other. Names and limits come from the same
//! data. Every address has its row, and every call its task id, whatever the settings say: the documentation leaves no
//! choice here.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;

use super::spec::HUAWEI_CDN;
use crate::model::{Operation, RefreshKind};
use crate::provider::ApiErrorKind;
use crate::provider::emulation::window::Window;
use crate::provider::emulation::{Emulator, EmulatorSettings, LedgerEntry};
use reply::{Refusal, reply};
use request::Arrived;
use tasks::Tasks;

mod asked;
mod calls;
mod records;
mod refusals;
mod reply;
mod request;
mod signature;
mod sts;
mod tasks;

/// The vendor in memory.
pub(super) struct HuaweiEmulator {
    settings: EmulatorSettings,
    tasks: Tasks,
    /// Used up, by day (counted from the epoch, in UTC+8) and operation.
    used: HashMap<(i64, Operation), u64>,
    window: Window,
    /// Wrong signatures in a row, and until when the key is locked because of them.
    wrong_signatures: u32,
    locked_until: Option<Timestamp>,
    requests: u64,
}

/// The calls it knows, some with what their path names.
enum Call<'r> {
    Refresh,
    Prefetch,
    Tasks,
    Detail(&'r str),
    Records,
    Quota,
    Domains,
    Statistics,
    Logs,
}

impl<'r> Call<'r> {
    fn of(method: &str, path: &'r str) -> Option<Self> {
        let call = path.strip_prefix("/v1.0/cdn/")?;
        let detail = || call.strip_prefix("historytasks/")?.strip_suffix("/detail").filter(|id| !id.contains('/'));
        Some(match (method, call) {
            ("POST", "content/refresh-tasks") => Self::Refresh,
            ("POST", "content/preheating-tasks") => Self::Prefetch,
            ("GET", "historytasks") => Self::Tasks,
            ("GET", "contentgateway/url-tasks") => Self::Records,
            ("GET", "quota") => Self::Quota,
            ("GET", "domains") => Self::Domains,
            ("GET", "statistics/domain-stats") => Self::Statistics,
            ("GET", "logs") => Self::Logs,
            ("GET", _) => Self::Detail(detail()?),
            _ => return None,
        })
    }

    /// The vendor's name of it, and how often in a second it may be made.
    fn limits(&self) -> (&'static str, f64) {
        let operation = |operation| HUAWEI_CDN.operation(operation).map(|limits| &limits.call);
        let asks = &HUAWEI_CDN.asks;
        let limit = match self {
            Self::Refresh => operation(Operation::Refresh(RefreshKind::Url)),
            Self::Prefetch => operation(Operation::Prefetch),
            Self::Tasks => return ("ShowHistoryTasks", 30.0), // reference 2025-11 (see `spec.rs`)
            Self::Detail(_) => HUAWEI_CDN.status(),
            Self::Records => HUAWEI_CDN.records().map(|list| &list.call),
            Self::Quota => HUAWEI_CDN.quota.as_ref().map(|quota| &quota.call),
            Self::Domains => asks.domains.as_ref(),
            Self::Statistics => asks.traffic.as_ref().map(|spec| &spec.call),
            Self::Logs => asks.logs.as_ref().map(|spec| &spec.call),
        };
        limit.map(|limit| (limit.api, limit.rate.amount_per_second())).unwrap_or_default()
    }
}

impl HuaweiEmulator {
    pub(super) fn new(settings: &EmulatorSettings) -> Self {
        Self {
            settings: settings.clone(),
            tasks: Tasks::default(),
            used: HashMap::new(),
            window: Window::default(),
            wrong_signatures: 0,
            locked_until: None,
            requests: 0,
        }
    }

    /// `now`: on the vendor's clock; `arrived_at`: on the caller's, for the ledger.
    fn answer(&mut self, request: &Arrived<'_>, now: Timestamp, arrived_at: Timestamp) -> Result<String, Refusal> {
        if sts::is_meant(request.path) {
            return self.sts(request, now);
        }
        let call = Call::of(request.method, request.path).ok_or_else(|| {
            Refusal::new("APIGW.0101", "The API does not exist or has not been published in the environment")
        })?;
        if request.body.len() > 12 << 20 {
            return Err(Refusal::new("APIGW.0201", "Bad request: the body is too large"));
        }
        self.let_in(request, now)?;
        let (name, calls_per_second) = call.limits();
        if self.settings.forbid.iter().any(|forbidden| forbidden == name) {
            return Err(Refusal::new("CDN.0004", "No permission to operate this resource."));
        }
        if !self.window.admits(name, self.settings.calls_per_second.unwrap_or(calls_per_second), now) {
            return Err(Refusal::new("APIGW.0308", TOO_FAST));
        }
        match call {
            Call::Refresh => self.refresh(request, now, arrived_at),
            Call::Prefetch => self.prefetch(request, now, arrived_at),
            Call::Tasks => self.history(request, now),
            Call::Detail(id) => self.detail(id, request, now),
            Call::Records => self.records(request, now).map_err(Refusal::flat),
            Call::Quota => Ok(self.quota(now)),
            Call::Domains => self.domains(request),
            Call::Statistics => asked::statistics(request, now),
            Call::Logs => asked::logs(request, now),
        }
    }

    /// Key, clock, signature and token. Five wrong signatures in a row lock the key for five minutes.
    /// (API Gateway FAQ of support.huaweicloud.com, read in November 2026)
    fn let_in(&mut self, request: &Arrived<'_>, now: Timestamp) -> Result<(), Refusal> {
        let given = signature::access_key_id(request).and_then(|id| self.settings.given(sts::PREFIX, id));
        let own = self.settings.access_key_secret.expose_secret();
        let secret = given.as_ref().map_or(own, |key| key.secret.as_str());
        let claim = signature::claim(request, secret)?;
        if self.locked_until.is_some_and(|until| now < until) {
            return Err(Refusal::unknown("AK access failed to reach the limit,forbidden."));
        }
        if given.is_none() && claim.access_key_id != self.settings.access_key_id {
            return Err(Refusal::unknown("get secretKey failed,ak is not exist"));
        }
        let skew = signature::time(claim.date).map(|time| now.duration_since(time).abs());
        if skew.is_none_or(|skew| skew > SignedDuration::from_mins(15)) {
            return Err(Refusal::new("APIGW.0303", "Incorrect app authentication information: the date has expired"));
        }
        if claim.signature != claim.expected {
            self.wrong_signatures += 1;
            if self.wrong_signatures >= 5 {
                self.wrong_signatures = 0;
                self.locked_until = Some(now + SignedDuration::from_mins(5));
            }
            return Err(Refusal::unknown("verify aksk signature fail"));
        }
        self.wrong_signatures = 0;
        if given.as_ref().is_some_and(|key| now >= key.ends) {
            return Err(Refusal::unknown("the security token has expired"));
        }
        let own = self.settings.security_token.as_ref().map(ExposeSecret::expose_secret);
        match (given.as_ref().map_or(own, |key| Some(key.token.as_str())), claim.token) {
            (None, None) => Ok(()),
            (Some(right), Some(token)) if right == token => Ok(()),
            _ => Err(Refusal::unknown("verify security token fail")),
        }
    }
}

const TOO_FAST: &str = "The throttling threshold has been reached: policy user over ratelimit";

impl Emulator for HuaweiEmulator {
    fn claims(&self, request: &Request<Bytes>) -> bool {
        request.uri().path().starts_with("/v1.0/cdn/") || sts::is_meant(request.uri().path())
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        self.requests += 1;
        let request_id =
            format!("{:032x}", (u128::from(now.as_second().unsigned_abs()) << 64) + u128::from(self.requests));
        let arrived = Arrived::read(request);
        if let Some(name) = arrived.path.strip_prefix(asked::LOG_FILES) {
            return reply::file(asked::log_file(name));
        }
        let vendors_clock = now + SignedDuration::from_secs(self.settings.clock_offset_seconds);
        reply(self.answer(&arrived, vendors_clock, now), &request_id, vendors_clock)
    }

    fn ledger(&self) -> &[LedgerEntry] {
        self.tasks.ledger()
    }

    fn api(&self, request: &Request<Bytes>) -> String {
        if sts::is_meant(request.uri().path()) {
            return super::credentials::API.to_owned();
        }
        let call = Call::of(request.method().as_str(), request.uri().path());
        call.map(|call| call.limits().0.to_owned()).unwrap_or_default()
    }

    fn throttled(&self, retry_after: Option<Duration>) -> Response<Bytes> {
        let mut response = reply::refused(&Refusal::new("APIGW.0308", TOO_FAST), "throttled");
        if let Some(wait) = retry_after {
            response.headers_mut().insert("retry-after", (wait.as_millis().div_ceil(1_000) as u64).into());
        }
        response
    }

    fn refusals(&self) -> &'static [(&'static str, ApiErrorKind)] {
        refusals::DOCUMENTED
    }

    fn refused(&self, code: &str, now: Timestamp) -> Response<Bytes> {
        let vendors_clock = now + SignedDuration::from_secs(self.settings.clock_offset_seconds);
        let refusal = Refusal::new(code, "The request is refused, as it was asked to be.");
        reply(Err(refusal), "refused", vendors_clock)
    }

    fn server_error(&self) -> Response<Bytes> {
        reply::refused(&Refusal::new("CDN.0000", "Internal error."), "failed")
    }
}
