//! Alibaba Cloud's products in memory: a request in, the vendor's answer out, and a ledger of what was accepted.
//!
//! Written from the vendor's documentation and not from our client: the signatures are checked by code of its own
//! (`signature.rs`), so that a mistake on one side doesn't hide one on the other. Names and limits come from the same
//! data.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;

use super::spec::Product;
use crate::model::{Operation, RefreshKind};
use crate::provider::emulation::window::Window;
use crate::provider::emulation::{Emulator, EmulatorSettings, LedgerEntry};
use crate::provider::{ApiErrorKind, Measure, Spec};
use reply::{Refusal, reply};
use request::Arrived;
use tasks::Tasks;

mod asked;
mod calls;
mod filter;
mod refusals;
mod reply;
mod request;
mod signature;
mod sts;
mod tasks;

/// The vendor in memory.
pub(super) struct AlibabaEmulator {
    spec: &'static Spec,
    product: &'static Product,
    shape: Shape,
    settings: EmulatorSettings,
    tasks: Tasks,
    /// Used up, by day (counted from the epoch, in UTC+8) and operation.
    used: HashMap<(i64, Operation), u64>,
    nonces: Nonces,
    window: Window,
    requests: u64,
}

/// What a product's answers look like, where that makes no difference to whoever reads them.
struct Shape {
    /// The level between `Tasks` and the rows.
    rows: &'static str,
    /// The name of a page's number in a list of log files.
    log_page: &'static str,
    /// Whether measured values come as text.
    measures_as_text: bool,
}

impl Shape {
    fn of(spec: &Spec) -> Self {
        match spec.name {
            // Reference 2026-04; guide 2021-07 (see `spec.rs`).
            "alibaba-cdn" => Self { rows: "CDNTask", log_page: "PageIndex", measures_as_text: true },
            // Reference 2026-04; VOD guide 2021-07 shows numbers.
            _ => Self { rows: "Task", log_page: "PageNumber", measures_as_text: false },
        }
    }
}

/// The calls it knows.
#[derive(Clone, Copy)]
enum Action {
    Refresh,
    RefreshTags,
    Prefetch,
    Status,
    Records,
    Quota,
    Measure(Measure),
    Logs,
    Domains,
}

impl AlibabaEmulator {
    pub(super) fn new(spec: &'static Spec, product: &'static Product, settings: &EmulatorSettings) -> Self {
        Self {
            spec,
            product,
            shape: Shape::of(spec),
            settings: settings.clone(),
            tasks: Tasks::default(),
            used: HashMap::new(),
            nonces: Nonces::default(),
            window: Window::default(),
            requests: 0,
        }
    }

    /// `now`: on the vendor's clock; `arrived_at`: on the caller's, for the ledger.
    fn answer(&mut self, request: &Arrived<'_>, now: Timestamp, arrived_at: Timestamp) -> Result<String, Refusal> {
        if sts::is_meant(request) {
            return self.sts(request, now);
        }
        let (action, name, calls_per_second) = self.known_action(request)?;
        self.let_in(request, now)?;
        if self.settings.forbid.iter().any(|forbidden| forbidden == name) {
            let message = "User not authorized to operate on the specified resource, or this API doesn't support RAM.";
            return Err(Refusal::new(403, "Forbidden.RAM", message));
        }
        if !self.window.admits(name, self.settings.calls_per_second.unwrap_or(calls_per_second), now) {
            return Err(Refusal::new(400, "Throttling.User", TOO_FAST));
        }
        match action {
            Action::Refresh => self.refresh(request, now, arrived_at),
            Action::RefreshTags => self.refresh_tags(request, now, arrived_at),
            Action::Prefetch => self.prefetch(request, now, arrived_at),
            Action::Status => self.status(request, now),
            Action::Records => self.records(request, now),
            Action::Quota => Ok(self.quota(now)),
            Action::Measure(measure) => self.measure(measure, request, now),
            Action::Logs => self.logs(request, now),
            Action::Domains => self.domains(request, now),
        }
    }

    fn known_action(&self, request: &Arrived<'_>) -> Result<(Action, &'static str, f64), Refusal> {
        let operations = [
            (Action::Refresh, Operation::Refresh(RefreshKind::Url)),
            (Action::RefreshTags, Operation::Refresh(RefreshKind::Tag)),
            (Action::Prefetch, Operation::Prefetch),
        ];
        let submissions = operations.into_iter().filter_map(|(action, operation)| {
            let limit = self.spec.operation(operation)?;
            Some((action, limit.call.api, limit.call.rate.amount_per_second()))
        });
        let Spec { quota, asks, .. } = self.spec;
        // A product without a call by id names the list twice; the list it is.
        let reads = [
            (Action::Records, self.spec.records().map(|list| &list.call)),
            (Action::Status, self.spec.status()),
            (Action::Quota, quota.as_ref().map(|quota| &quota.call)),
        ];
        let reads = reads.into_iter().filter_map(|(action, call)| Some((action, call?)));
        let measured = [(Measure::Traffic, &asks.traffic), (Measure::Bandwidth, &asks.bandwidth)].into_iter();
        let measured = measured.filter_map(|(measure, spec)| Some((Action::Measure(measure), &spec.as_ref()?.call)));
        let logs = asks.logs.iter().map(|spec| (Action::Logs, &spec.call));
        let domains = asks.domains.iter().map(|call| (Action::Domains, call));
        let reads = reads.chain(measured).chain(logs).chain(domains);
        let reads = reads.map(|(action, limit)| (action, limit.api, limit.rate.amount_per_second()));
        let asked = request.action().unwrap_or_default();
        if request.version() != Some(self.product.version) {
            return Err(Refusal::new(400, "InvalidVersion", "Specified parameter Version is not valid."));
        }
        submissions.chain(reads).find(|(_, api, _)| *api == asked && request.path == "/").ok_or_else(|| {
            let message = "Specified api is not found, please check your url and method.";
            Refusal::new(404, "InvalidAction.NotFound", message)
        })
    }

    /// Keys, clock, signature, nonce and token, in the order in which the gateway looks at them.
    fn let_in(&mut self, request: &Arrived<'_>, now: Timestamp) -> Result<(), Refusal> {
        let mut claim = signature::claim(request, self.settings.access_key_secret.expose_secret())?;
        let temporary = self.settings.given(sts::PREFIX, claim.access_key_id);
        if let Some(key) = &temporary {
            claim = signature::claim(request, &key.secret)?;
        } else if claim.access_key_id != self.settings.access_key_id {
            return Err(Refusal::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."));
        }
        let Some(time) = signature::time(claim.time) else {
            let message = "Specified time stamp or date value is not well formatted.";
            return Err(Refusal::new(400, "InvalidTimeStamp.Format", message));
        };
        // Source: the signature page of help.aliyun.com, 2023-10: a request is good for 15 minutes.
        if (now - time).get_seconds().abs() > 15 * 60 {
            return Err(Refusal::new(
                400,
                "InvalidTimeStamp.Expired",
                "Specified time stamp or date value is expired.",
            ));
        }
        if claim.signature != claim.expected {
            let message = format!(
                "Specified signature is not matched with our calculation. server string to sign is:{}",
                claim.string_to_sign
            );
            return Err(Refusal::new(400, "SignatureDoesNotMatch", message));
        }
        if !self.nonces.is_new(claim.nonce, now) {
            return Err(Refusal::new(400, "SignatureNonceUsed", "Specified signature nonce was used already."));
        }
        if let Some(key) = temporary.as_ref().filter(|key| claim.token == Some(&key.token)) {
            return if now < key.ends {
                Ok(())
            } else {
                let message = "Specified SecurityToken is expired.";
                Err(Refusal::new(400, "InvalidSecurityToken.Expired", message))
            };
        }
        let right = if temporary.is_some() { &None } else { &self.settings.security_token };
        match (right, claim.token) {
            (None, None) if temporary.is_some() => {
                Err(Refusal::new(400, "MissingSecurityToken", "SecurityToken is mandatory."))
            }
            (None, None) => Ok(()),
            (Some(right), Some(token)) if right.expose_secret() == token => Ok(()),
            (Some(_), None) => Err(Refusal::new(400, "MissingSecurityToken", "SecurityToken is mandatory.")),
            _ => {
                let message = "Specified SecurityToken mismatch with the AccessKey.";
                Err(Refusal::new(400, "InvalidSecurityToken.MismatchWithAccessKey", message))
            }
        }
    }
}

const TOO_FAST: &str = "Request was denied due to user flow control.";

impl Emulator for AlibabaEmulator {
    fn claims(&self, request: &Request<Bytes>) -> bool {
        let arrived = Arrived::read(request);
        arrived.version() == Some(self.product.version)
            || sts::is_meant(&arrived)
            || self.log_file(arrived.path).is_some()
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        self.requests += 1;
        let request_id = format!("{:08X}-CD17-4A11-8A11-{:012X}", now.as_second() & 0xFFFF_FFFF, self.requests);
        let arrived = Arrived::read(request);
        if let Some(name) = self.log_file(arrived.path) {
            return asked::log_text(name);
        }
        let vendors_clock = now + SignedDuration::from_secs(self.settings.clock_offset_seconds);
        let answer = self.answer(&arrived, vendors_clock, now);
        reply(answer, &arrived, &request_id, vendors_clock)
    }

    fn ledger(&self) -> &[LedgerEntry] {
        self.tasks.ledger()
    }

    fn api(&self, request: &Request<Bytes>) -> String {
        Arrived::read(request).action().unwrap_or("log file").to_owned()
    }

    fn throttled(&self, retry_after: Option<Duration>) -> Response<Bytes> {
        let mut response = reply::error(400, "Throttling.User", TOO_FAST);
        if let Some(wait) = retry_after.and_then(|wait| u64::try_from(wait.as_millis()).ok()) {
            response.headers_mut().insert("x-acs-retry-after", wait.into());
        }
        response
    }

    fn refusals(&self) -> &'static [(&'static str, ApiErrorKind)] {
        refusals::DOCUMENTED
    }

    fn refused(&self, code: &str, now: Timestamp) -> Response<Bytes> {
        let vendors_clock = now + SignedDuration::from_secs(self.settings.clock_offset_seconds);
        let mut response = reply::error(refusals::status(code), code, "The request is refused, as it was asked to be.");
        response.headers_mut().insert("date", reply::date(vendors_clock));
        response
    }

    fn server_error(&self) -> Response<Bytes> {
        reply::error(500, "InternalError", "The request processing has failed due to some unknown error.")
    }
}

/// The nonces of the last half hour: as long as a signature can be good, whichever way the caller's clock is off.
#[derive(Default)]
struct Nonces {
    known: HashSet<String>,
    by_age: VecDeque<(Timestamp, String)>,
}

impl Nonces {
    fn is_new(&mut self, nonce: &str, now: Timestamp) -> bool {
        while self.by_age.front().is_some_and(|(seen, _)| now.duration_since(*seen) > SignedDuration::from_mins(30)) {
            if let Some((_, old)) = self.by_age.pop_front() {
                self.known.remove(&old);
            }
        }
        let new = self.known.insert(nonce.to_owned());
        if new {
            self.by_age.push_back((now, nonce.to_owned()));
        }
        new
    }
}
