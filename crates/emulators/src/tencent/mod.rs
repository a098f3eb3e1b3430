//! Tencent Cloud's products in memory: CDN, EdgeOne and the Security Token Service. Every URL has its row, and every call its task id.
//!
//! Sources, as the comments name them:
//! - `reference 2024-12`: the API pages of tencentcloud.com/document/product/228 as of December 2024
//! - `sdk 3.1.169`: tencentcloud-sdk-python-cdn 3.1.169, November 2026
//! - `quotas 2026`: the pages about purges and prefetches of tencentcloud.com/document/product/228, read in November 2026

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::Value;

use crate::request::Received;
use crate::response::{Answer, ErrorCode, dated, retry_after};
use crate::{DocumentedErrors, Emulator, EmulatorSettings, LedgerEntry};
use response::{error, respond};
use state::{CALLS_PER_SECOND, Tencent, malformed};

mod cdn;
mod edgeone;
mod errors;
mod response;
mod signature;
mod state;
mod sts;

/// EdgeOne, API version 2022-09-01.
pub fn edgeone(settings: &EmulatorSettings) -> Box<dyn Emulator> {
    Box::new(Tencent::new(settings, &edgeone::PRODUCT))
}

/// Content Delivery Network, API version 2018-06-06.
pub fn cdn(settings: &EmulatorSettings) -> Box<dyn Emulator> {
    Box::new(Tencent::new(settings, &cdn::PRODUCT))
}

const TOO_FAST: &str =
    "Your current request times equals to `21` in a second, which exceeds the frequency limit `20` for a second.";

impl Tencent {
    /// `now`: on the vendor's clock.
    fn answer(&mut self, request: &Received<'_>, now: Timestamp) -> Answer {
        let action = request.header("x-tc-action").unwrap_or_default();
        if request.method != "POST" || request.path != "/" {
            return Err(ErrorCode::new("UnsupportedProtocol", "Only POST requests to the root are supported."));
        }
        let body: Value = serde_json::from_slice(request.body).unwrap_or_default();
        if sts::is_meant(request) {
            return self.sts(request, &body, now);
        }
        let Some(action) = self.product.actions.iter().copied().find(|known| *known == action) else {
            return Err(ErrorCode::new("InvalidAction", format!("The action `{action}` is not found.")));
        };
        signature::authenticate(request, self.product.service, &self.account.settings, now)?;
        if self.account.is_forbidden(action) {
            let message = "you are not authorized to perform operation";
            let code =
                if self.product.service == "cdn" { errors::FORBIDDEN } else { "UnauthorizedOperation.CamUnauthorized" };
            return Err(ErrorCode::new(code, format!("{message} ({}:{action})", self.product.service)));
        }
        if !self.account.admits(action, CALLS_PER_SECOND, now) {
            return Err(ErrorCode::new("RequestLimitExceeded", TOO_FAST));
        }
        if !body.is_object() {
            return Err(malformed("the body is no JSON object"));
        }
        (self.product.answer)(self, action, &body, now)
    }
}

impl Emulator for Tencent {
    fn claims(&self, request: &Request<Bytes>) -> bool {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_api = !header("x-tc-action").is_empty();
        is_api && [self.product.version, sts::VERSION].contains(&header("x-tc-version"))
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let number = self.account.next_request();
        let request_id = format!("{:08x}-0000-4000-8000-{number:012x}", now.as_second());
        let vendors_clock = self.account.vendors_clock(now);
        let answer = self.answer(&Received::read(request), vendors_clock);
        dated(respond(answer, &request_id), vendors_clock)
    }

    fn ledger(&self) -> &[LedgerEntry] {
        self.account.tasks.ledger()
    }

    fn takes(&self, place: usize) -> Option<Duration> {
        self.account.tasks.takes(place)
    }

    fn call_name(&self, request: &Request<Bytes>) -> String {
        let action = request.headers().get("x-tc-action").and_then(|value| value.to_str().ok());
        action.unwrap_or_default().to_owned()
    }

    fn errors(&self) -> &'static [DocumentedErrors] {
        errors::DOCUMENTED
    }

    fn error(&self, code: &str, now: Timestamp) -> Response<Bytes> {
        dated(error(code, "This refusal was requested with --fault.", "refused"), self.account.vendors_clock(now))
    }

    fn throttled(&self, wait: Option<Duration>) -> Response<Bytes> {
        retry_after(error("RequestLimitExceeded", TOO_FAST, "throttled"), wait)
    }

    fn server_error(&self) -> Response<Bytes> {
        error("InternalError", "An internal error has occurred. Please try again later.", "failed")
    }
}
