//! Alibaba Cloud's CDN, DCDN and VOD in memory.
//!
//! Sources, as the comments name them:
//! - `reference 2026-04`: the OpenAPI metadata of the vendor, github.com/aliyun/aliyun-openapi-meta at 2563691 of 2026-04-21
//! - `guide 2021-07`: github.com/AlibabaCloudDocs/cdn, July 2021
//! - `VOD guide 2021-07`: github.com/AlibabaCloudDocs/vod, July 2021
//! - `signature 2023-10`: "Request structure and signature, V3" of help.aliyun.com, October 2023
//! - `STS page 2024-12` and `STS codes 2026`: the pages of the Security Token Service of help.aliyun.com

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;

use crate::request::Received;
use crate::response::{Answer, ErrorCode, dated};
use crate::{DocumentedErrors, Emulator, EmulatorSettings, LedgerEntry};
use products::Call;
use response::{action, respond, version};
use state::Alibaba;

mod errors;
mod products;
mod purge;
mod queries;
mod records;
mod response;
mod signature;
mod state;
mod sts;

/// CDN, API version 2018-05-10.
pub fn cdn(settings: &EmulatorSettings) -> Box<dyn Emulator> {
    Box::new(Alibaba::new(&products::CDN, settings))
}

/// DCDN, API version 2018-01-15.
pub fn dcdn(settings: &EmulatorSettings) -> Box<dyn Emulator> {
    Box::new(Alibaba::new(&products::DCDN, settings))
}

/// The CDN of ApsaraVideo VOD, API version 2017-03-21.
pub fn vod(settings: &EmulatorSettings) -> Box<dyn Emulator> {
    Box::new(Alibaba::new(&products::VOD, settings))
}

const TOO_FAST: &str = "Request was denied due to user flow control.";

impl Alibaba {
    /// `now`: on the vendor's clock.
    fn answer(&mut self, request: &Received<'_>, now: Timestamp) -> Answer {
        if sts::is_meant(request) {
            return self.sts(request, now);
        }
        if version(request) != Some(self.product.version) {
            return Err(ErrorCode::new("InvalidVersion", "Specified parameter Version is not valid."));
        }
        let requested = action(request).filter(|_| request.path == "/");
        let known = self.product.calls.iter().find(|(_, name, _)| Some(*name) == requested);
        let &(call, name, calls_per_second) = known.ok_or_else(|| {
            ErrorCode::new("InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
        })?;
        self.authenticate(request, now)?;
        if self.account.is_forbidden(name) {
            let message = "User not authorized to operate on the specified resource, or this API doesn't support RAM.";
            return Err(ErrorCode::new("Forbidden.RAM", message));
        }
        if !self.account.admits(name, calls_per_second, now) {
            return Err(ErrorCode::new("Throttling.User", TOO_FAST));
        }
        match call {
            Call::Refresh => self.refresh(request, now),
            Call::RefreshTags => self.refresh_tags(request, now),
            Call::Prefetch => self.prefetch(request, now),
            Call::Status => self.status(request, now),
            Call::Records => self.records(request, now),
            Call::Quota => Ok(self.quota(now)),
            Call::Measure(measure) => self.measure(measure, request, now),
            Call::Logs => self.logs(request, now),
            Call::Domains => self.domains(request, now),
        }
    }
}

impl Emulator for Alibaba {
    fn claims(&self, request: &Request<Bytes>) -> bool {
        let request = Received::read(request);
        version(&request) == Some(self.product.version)
            || sts::is_meant(&request)
            || self.log_file(request.path).is_some()
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let number = self.account.next_request();
        let request_id = format!("{:08X}-CD17-4A11-8A11-{number:012X}", now.as_second() & 0xFFFF_FFFF);
        let request = Received::read(request);
        if let Some(name) = self.log_file(request.path) {
            return queries::log_text(name);
        }
        let vendors_clock = self.account.vendors_clock(now);
        respond(self.answer(&request, vendors_clock), &request, &request_id, vendors_clock)
    }

    fn ledger(&self) -> &[LedgerEntry] {
        self.account.tasks.ledger()
    }

    fn takes(&self, place: usize) -> Option<Duration> {
        self.account.tasks.takes(place)
    }

    fn call_name(&self, request: &Request<Bytes>) -> String {
        action(&Received::read(request)).unwrap_or("log file").to_owned()
    }

    fn errors(&self) -> &'static [DocumentedErrors] {
        errors::DOCUMENTED
    }

    fn error(&self, code: &str, now: Timestamp) -> Response<Bytes> {
        let response = response::error(code, "This refusal was requested with --fault.");
        dated(response, self.account.vendors_clock(now))
    }

    fn throttled(&self, retry_after: Option<Duration>) -> Response<Bytes> {
        let mut response = response::error("Throttling.User", TOO_FAST);
        if let Some(wait) = retry_after.and_then(|wait| u64::try_from(wait.as_millis()).ok()) {
            response.headers_mut().insert("x-acs-retry-after", wait.into());
        }
        response
    }

    fn server_error(&self) -> Response<Bytes> {
        response::error("InternalError", "The request processing has failed due to some unknown error.")
    }
}
