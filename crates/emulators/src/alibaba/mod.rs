//! Alibaba Cloud's CDN, DCDN and VOD in memory.
//!
//! Sources, as the comments name them:
//! - `reference 2026-04`: the OpenAPI metadata of the vendor, github.com/aliyun/aliyun-openapi-meta at 2563691 of 2026-04-21
//! - `guide 2021-07`: github.com/AlibabaCloudDocs/cdn, July 2021
//! - `VOD guide 2021-07`: github.com/AlibabaCloudDocs/vod, July 2021
//! - `signature 2023-10`: "Request structure and signature, V3" of help.aliyun.com, October 2023
//! - `STS page 2024-12` and `STS codes 2026`: the pages of the Security Token Service of help.aliyun.com

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};

use crate::account::Account;
use crate::request::Received;
use crate::response::{Answer, ErrorCode, dated};
use crate::{DocumentedErrors, Emulator, EmulatorSettings, LedgerEntry, Operation};
use products::{Call, Product};
use response::{action, respond, version};

mod errors;
mod products;
mod purge;
mod queries;
mod records;
mod response;
mod signature;
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

/// One of the products.
struct Alibaba {
    product: &'static Product,
    account: Account,
    /// The id that further URLs of an operation and host get within the same second.
    open_ids: HashMap<(Operation, String), OpenId>,
    nonces: Nonces,
}

struct OpenId {
    second: i64,
    id: u64,
    size: usize,
}

/// The first task id; the vendor's are of this size: guide 2021-07.
const FIRST_ID: u64 = 18_392_588_710;

/// How long tasks are listed: reference 2026-04.
const KEPT: SignedDuration = SignedDuration::from_hours(72);

const TOO_FAST: &str = "Request was denied due to user flow control.";

impl Alibaba {
    fn new(product: &'static Product, settings: &EmulatorSettings) -> Self {
        let account = Account::new(settings.clone(), FIRST_ID, KEPT);
        Self { product, account, open_ids: HashMap::new(), nonces: Nonces::default() }
    }

    /// `now`: on the vendor's clock.
    fn answer(&mut self, request: &Received<'_>, now: Timestamp) -> Answer {
        if sts::is_meant(request) {
            return self.sts(request, now);
        }
        if version(request) != Some(self.product.version) {
            return Err(ErrorCode::new("InvalidVersion", "Specified parameter Version is not valid."));
        }
        let asked = action(request).filter(|_| request.path == "/");
        let known = self.product.calls.iter().find(|(_, name, _)| Some(*name) == asked);
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

    /// Key, clock, signature, nonce and token, in the order in which the gateway checks them.
    fn authenticate(&mut self, request: &Received<'_>, now: Timestamp) -> Result<(), ErrorCode> {
        let claim = signature::claim(request)?;
        let key = self.account.settings.key(sts::PREFIX, claim.access_key_id);
        let key =
            key.ok_or_else(|| ErrorCode::new("InvalidAccessKeyId.NotFound", "Specified access key is not found."))?;
        let time = signature::time(claim.time).ok_or_else(|| {
            ErrorCode::new("InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
        })?;
        // A request is good for 15 minutes: signature 2023-10.
        if (now - time).get_seconds().abs() > 15 * 60 {
            return Err(ErrorCode::new("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."));
        }
        if claim.signature != claim.expected(&key.secret) {
            let message = "Specified signature is not matched with our calculation. server string to sign is:";
            return Err(ErrorCode::new("SignatureDoesNotMatch", format!("{message}{}", claim.string_to_sign)));
        }
        if !self.nonces.is_new(claim.nonce, now) {
            return Err(ErrorCode::new("SignatureNonceUsed", "Specified signature nonce was used already."));
        }
        let refused = |code, message| Err(ErrorCode::new(code, message));
        match (key.token.as_deref(), claim.token) {
            (None, None) => Ok(()),
            (Some(right), Some(token)) if right == token => match key.expires {
                Some(expires) if now >= expires => {
                    refused("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
                }
                _ => Ok(()),
            },
            (Some(_), None) => refused("MissingSecurityToken", "SecurityToken is mandatory."),
            _ => refused(
                "InvalidSecurityToken.MismatchWithAccessKey",
                "Specified SecurityToken mismatch with the AccessKey.",
            ),
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

    fn call_name(&self, request: &Request<Bytes>) -> String {
        action(&Received::read(request)).unwrap_or("log file").to_owned()
    }

    fn errors(&self) -> &'static [DocumentedErrors] {
        errors::DOCUMENTED
    }

    fn error(&self, code: &str, now: Timestamp) -> Response<Bytes> {
        let response = response::error(code, "The request is refused, as it was asked to be.");
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
