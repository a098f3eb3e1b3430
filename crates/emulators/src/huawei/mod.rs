//! Huawei Cloud CDN in memory. Every URL has its row, and every call its task id, whatever the settings say: the documentation
//! leaves no choice here.
//!
//! Sources, as the comments name them:
//! - `sdk 3.1.219`: huaweicloudsdkcdn 3.1.219 for Python, November 2026
//! - `reference 2025-11`, `reference 2026-01`: the API pages of support.huaweicloud.com/intl/en-us/api-cdn as of these months
//! - `quotas 2026`: the quota page of huaweicloud.com, read in November 2026
//! - `terraform 2026`: terraform-provider-huaweicloud, its CDN resources
//! - `gateway FAQ 2026`: the API Gateway FAQ of support.huaweicloud.com, read in November 2026

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;

use crate::request::Received;
use crate::response::{Answer, ErrorCode, retry_after, typed};
use crate::{DocumentedErrors, Emulator, EmulatorSettings, LedgerEntry};
use response::{bad_request, respond};
use state::Huawei;

mod errors;
mod purge;
mod queries;
mod records;
mod response;
mod signature;
mod state;
mod sts;

/// Huawei Cloud CDN, API version 1.0.
pub fn cdn(settings: &EmulatorSettings) -> Box<dyn Emulator> {
    Box::new(Huawei::new(settings))
}

const TOO_FAST: &str = "The throttling threshold has been reached: policy user over ratelimit";

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

    /// The vendor's name of it, and how often in a second it may be called: reference 2025-11; the last four: reference 2026-01.
    fn rate(&self) -> (&'static str, f64) {
        match self {
            Self::Refresh => ("CreateRefreshTasks", 30.0),
            Self::Prefetch => ("CreatePreheatingTasks", 30.0),
            Self::Tasks => ("ShowHistoryTasks", 30.0),
            Self::Detail(_) => ("ShowHistoryTaskDetails", 30.0),
            Self::Records => ("ShowUrlTaskInfo", 5.0),
            Self::Logs => ("ShowLogs", 20.0),
            Self::Quota => ("ShowQuota", 5.0),
            Self::Statistics => ("ShowDomainStats", 15.0),
            Self::Domains => ("ListDomains", 15.0), // not documented: as for statistics
        }
    }
}

impl Huawei {
    /// `now`: on the vendor's clock.
    fn answer(&mut self, request: &Received<'_>, now: Timestamp) -> Answer {
        if sts::is_meant(request.path) {
            return self.sts(request, now);
        }
        let call = Call::of(request.method, request.path).ok_or_else(|| {
            ErrorCode::new("APIGW.0101", "The API does not exist or has not been published in the environment")
        })?;
        if request.body.len() > 12 << 20 {
            return Err(bad_request("the body is too large"));
        }
        self.authenticate(request, now)?;
        let (name, calls_per_second) = call.rate();
        if self.account.is_forbidden(name) {
            return Err(ErrorCode::new("CDN.0004", "No permission to operate this resource."));
        }
        if !self.account.admits(name, calls_per_second, now) {
            return Err(ErrorCode::new("APIGW.0308", TOO_FAST));
        }
        match call {
            Call::Refresh => self.refresh(request, now),
            Call::Prefetch => self.prefetch(request, now),
            Call::Tasks => self.history(request, now),
            Call::Detail(id) => self.detail(id, request, now),
            Call::Records => self.records(request, now),
            Call::Quota => Ok(self.quota(now)),
            Call::Domains => self.domains(request),
            Call::Statistics => queries::statistics(request, now),
            Call::Logs => queries::logs(request, now),
        }
    }
}

impl Emulator for Huawei {
    fn claims(&self, request: &Request<Bytes>) -> bool {
        request.uri().path().starts_with("/v1.0/cdn/") || sts::is_meant(request.uri().path())
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let number = self.account.next_request();
        let request_id = format!("{:016x}{number:016x}", now.as_second());
        let request = Received::read(request);
        if let Some(name) = request.path.strip_prefix(queries::LOG_FILES) {
            return typed(200, "application/gzip", queries::log_file(name));
        }
        let vendors_clock = self.account.vendors_clock(now);
        respond(self.answer(&request, vendors_clock), request.path, &request_id, vendors_clock)
    }

    fn ledger(&self) -> &[LedgerEntry] {
        self.account.tasks.ledger()
    }

    fn takes(&self, place: usize) -> Option<Duration> {
        self.account.tasks.takes(place)
    }

    fn call_name(&self, request: &Request<Bytes>) -> String {
        if sts::is_meant(request.uri().path()) {
            return sts::API.to_owned();
        }
        let call = Call::of(request.method().as_str(), request.uri().path());
        call.map(|call| call.rate().0.to_owned()).unwrap_or_default()
    }

    fn errors(&self) -> &'static [DocumentedErrors] {
        errors::DOCUMENTED
    }

    fn error(&self, code: &str, now: Timestamp) -> Response<Bytes> {
        let response = response::error(code, "This refusal was requested with --fault.", "", "refused");
        crate::response::dated(response, self.account.vendors_clock(now))
    }

    fn throttled(&self, wait: Option<Duration>) -> Response<Bytes> {
        retry_after(response::error("APIGW.0308", TOO_FAST, "", "throttled"), wait)
    }

    fn server_error(&self) -> Response<Bytes> {
        response::error("CDN.0000", "Internal error.", "", "failed")
    }
}
