//! Cloudflare in memory: its zones, and the purge and the invalidation of their caches.
//!
//! Sources, as the comments name them:
//! - `limits 2026-07`: the purge limits of developers.cloudflare.com, those of the Free plan, July 2026
//! - `issue 21338`: cloudflare/cloudflare-docs #21338, 2025, and what users met since: 30 URLs in a call
//! - `sdk 5.9.0`: cloudflare 5.9.0 for Python, November 2026

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::rate_window::{Bucket, RateWindow};
use crate::request::Received;
use crate::response::{Answer, ErrorCode, dated, json as json_response, retry_after};
use crate::sample::number;
use crate::{DocumentedErrors, Emulator, EmulatorSettings, LedgerEntry};

mod errors;
mod purge;

/// Where the API begins: sdk 5.9.0.
const ROOT: &str = "/client/v4";

/// How many calls of any kind a user may make in five minutes; from memory, and an issue of 2017.
const CALLS: f64 = 1_200.0;

/// Cloudflare, API version 4.
pub fn cdn(settings: &EmulatorSettings) -> Box<dyn Emulator> {
    Box::new(Cloudflare {
        settings: settings.clone(),
        ledger: Vec::new(),
        calls: RateWindow::default(),
        all_calls: RateWindow::default(),
        urls: Bucket::new(800.0, 800.0),       // limits 2026-07
        purges: Bucket::new(25.0, 5.0 / 60.0), // limits 2026-07
        known: BTreeSet::new(),
        requests: 0,
    })
}

/// The vendor in memory.
struct Cloudflare {
    settings: EmulatorSettings,
    ledger: Vec<LedgerEntry>,
    /// What the settings' rate admits.
    calls: RateWindow,
    all_calls: RateWindow,
    urls: Bucket,
    purges: Bucket,
    /// The ids of the zones that somebody asked for.
    known: BTreeSet<String>,
    requests: u64,
}

/// The id of a zone: follows from its name.
fn zone_id(name: &str) -> String {
    let turned: String = name.chars().rev().collect();
    format!("{:016x}{:016x}", number(name), number(&turned))
}

impl Cloudflare {
    /// Whether the account has a zone of this name.
    fn has_zone(&self, name: &str) -> bool {
        match &*self.settings.zones {
            [] => name.split('.').filter(|label| !label.is_empty()).count() == 2 && name.matches('.').count() == 1,
            zones => zones.iter().any(|zone| zone == name),
        }
    }

    /// The zone of a host: the longest name that it ends in.
    fn zone_of(&self, host: &str) -> Option<String> {
        let host = host.split(':').next().unwrap_or_default();
        let below = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]);
        std::iter::once(host).chain(below).find(|name| self.has_zone(name)).map(zone_id)
    }

    fn answer(&mut self, request: &Received<'_>, now: Timestamp) -> Answer {
        let name = call_name(request.path);
        self.authenticate(request)?;
        if self.settings.forbid.iter().any(|forbidden| forbidden == name) {
            return Err(ErrorCode::new("9109", "Unauthorized to access requested resource"));
        }
        self.within_rate(name, now)?;
        let path = request.path.strip_prefix(ROOT).unwrap_or_default();
        let purge = || {
            let (zone, call) = path.strip_prefix("/zones/")?.split_once('/')?;
            matches!(call, "purge_cache" | "invalidate_cache").then_some(zone)
        };
        match (request.method, path) {
            ("GET", "/zones") => Ok(self.zones(request)),
            ("GET", "/user/tokens/verify") => {
                Ok(success(&json!({"id": "ed17574386854bf78a67040be0a770b0", "status": "active"})))
            }
            ("POST", _) if purge().is_some() => self.purge(purge().unwrap_or_default(), request.body, now),
            _ => Err(ErrorCode::new("7000", "No route for that URI")),
        }
    }

    /// A token, or the global key with its owner's address.
    fn authenticate(&self, request: &Received<'_>) -> Result<(), ErrorCode> {
        use secrecy::ExposeSecret;
        let secret = self.settings.access_key_secret.expose_secret();
        let is_known =
            match (request.header("authorization"), request.header("x-auth-email"), request.header("x-auth-key")) {
                (Some(authorization), ..) => {
                    let token = authorization.strip_prefix("Bearer ");
                    let token = token.ok_or_else(|| ErrorCode::new("6003", "Invalid request headers"))?;
                    token == secret
                }
                (None, Some(email), Some(key)) => email == self.settings.access_key_id && key == secret,
                _ => return Err(ErrorCode::new("9106", "Missing X-Auth-Key, X-Auth-Email or Authorization headers")),
            };
        if is_known { Ok(()) } else { Err(ErrorCode::new("10000", "Authentication error")) }
    }

    fn within_rate(&mut self, name: &str, now: Timestamp) -> Result<(), ErrorCode> {
        let is_purge = name.ends_with("_cache");
        let within =
            self.settings.calls_per_second.is_none_or(|rate| !is_purge || self.calls.admits("purge", rate, now));
        let within_all = self.all_calls.admits_in("all", CALLS, SignedDuration::from_mins(5), now);
        if within_all && within { Ok(()) } else { Err(errors::too_many()) }
    }

    /// The zones, all or the one of a name.
    fn zones(&mut self, request: &Received<'_>) -> String {
        let names: Vec<String> = match request.parameter("name") {
            Some(name) => Some(name.to_owned()).filter(|name| self.has_zone(name)).into_iter().collect(),
            None if self.settings.zones.is_empty() => vec!["example.com".to_owned()],
            None => self.settings.zones.clone(),
        };
        // There is one page.
        let names = if request.parameter("page").is_some_and(|page| page != "1") { Vec::new() } else { names };
        self.known.extend(names.iter().map(|name| zone_id(name)));
        let row = |name: &String| {
            json!({
                "id": zone_id(name), "name": name, "status": "active",
                "plan": {"id": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "legacy_id": "free", "name": "Free Website"},
            })
        };
        let info =
            json!({"page": 1, "per_page": 50, "count": names.len(), "total_count": names.len(), "total_pages": 1});
        let rows: Vec<Value> = names.iter().map(row).collect();
        json!({"success": true, "errors": [], "messages": [], "result": rows, "result_info": info}).to_string()
    }
}

fn success(result: &Value) -> String {
    json!({"success": true, "errors": [], "messages": [], "result": result}).to_string()
}

/// The last part of the path: `purge_cache`, `zones`, `verify`.
fn call_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

impl Emulator for Cloudflare {
    fn claims(&self, request: &Request<Bytes>) -> bool {
        request.uri().path().starts_with(&format!("{ROOT}/"))
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        self.requests += 1;
        let ray = format!("{:016x}-FRA", self.requests);
        let now_there = now + SignedDuration::from_secs(self.settings.clock_offset_seconds);
        let mut response = match self.answer(&Received::read(request), now) {
            Ok(body) => json_response(200, body),
            Err(ErrorCode { code, message }) => errors::respond(code, &message),
        };
        response.headers_mut().insert("cf-ray", ray.parse().expect("digits and letters make a header value"));
        dated(response, now_there)
    }

    fn ledger(&self) -> &[LedgerEntry] {
        &self.ledger
    }

    fn call_name(&self, request: &Request<Bytes>) -> String {
        call_name(request.uri().path()).to_owned()
    }

    fn errors(&self) -> &'static [DocumentedErrors] {
        errors::DOCUMENTED
    }

    fn error(&self, code: &str, now: Timestamp) -> Response<Bytes> {
        let message = if code == "1094" { errors::maximum(30) } else { "This refusal was requested.".to_owned() };
        dated(errors::respond(code, &message), now)
    }

    fn throttled(&self, wait: Option<Duration>) -> Response<Bytes> {
        let ErrorCode { code, message } = errors::too_many();
        retry_after(errors::respond(code, &message), wait)
    }

    fn server_error(&self) -> Response<Bytes> {
        errors::respond("10001", "Internal error")
    }
}
