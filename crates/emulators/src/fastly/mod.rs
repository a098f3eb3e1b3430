//! Fastly in memory: purges of URLs, surrogate keys and services.
//!
//! Sources, as the comments name them:
//! - `reference 2026`: the API reference of fastly.com/documentation, stored copies read in November 2026
//! - `tests 2026`: test suites of other clients, read in November 2026: the words of errors

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use crate::Meaning::{Credentials, Denied, Forbidden, Refused, Server, Throttled};
use crate::rate_window::RateWindow;
use crate::request::{Received, contains_any, host_of, is_host};
use crate::response::{Answer, ErrorCode, dated, json as json_response, retry_after};
use crate::{DocumentedErrors, Emulator, EmulatorSettings, LedgerEntry, Operation};

/// The errors of a call here, by their status: there are no codes.
const DOCUMENTED: &[DocumentedErrors] = &[
    DocumentedErrors::new(400, Refused, &["400"]),
    DocumentedErrors::new(401, Credentials, &["401"]),
    DocumentedErrors::new(403, Forbidden, &["403"]),
    DocumentedErrors::new(404, Denied, &["404"]),
    DocumentedErrors::new(405, Denied, &["405"]),
    DocumentedErrors::new(429, Throttled, &["429"]),
    DocumentedErrors::new(500, Server, &["500", "503"]),
];

/// Purges in an hour, of URLs and keys; and all other writes: reference 2026.
const PURGES: f64 = 100_000.0;
const WRITES: f64 = 1_000.0;

/// Keys in a call: reference 2026.
const KEYS: usize = 256;

/// Fastly.
pub fn cdn(settings: &EmulatorSettings) -> Box<dyn Emulator> {
    Box::new(Fastly { settings: settings.clone(), ledger: Vec::new(), calls: RateWindow::default(), purges: 0 })
}

/// The vendor in memory.
struct Fastly {
    settings: EmulatorSettings,
    ledger: Vec<LedgerEntry>,
    calls: RateWindow,
    purges: u64,
}

fn error(status: &'static str, text: &str) -> ErrorCode {
    ErrorCode::new(status, text)
}

/// The name that the vendor's clients give a call.
fn call_name(path: &str) -> &'static str {
    match path.strip_prefix("/service/").and_then(|rest| rest.split_once('/')).map(|(_, call)| call) {
        _ if path.starts_with("/purge/") => "purge_single_url",
        Some("purge_all") => "purge_all",
        Some("purge") => "bulk_purge_tag",
        Some(_) => "purge_tag",
        None => "get_token_current",
    }
}

impl Fastly {
    fn answer(&mut self, request: &Received<'_>, target: &str, now: Timestamp) -> Answer {
        let name = call_name(request.path);
        let token = request.header("fastly-key");
        if token.is_none_or(|token| token != self.settings.access_key_secret.expose_secret()) {
            return Err(error("401", "Provided credentials are missing or invalid"));
        }
        if self.settings.forbid.iter().any(|forbidden| forbidden == name) {
            return Err(error("403", "You are not authorized to perform this action"));
        }
        if name == "get_token_current" {
            return if request.path == "/tokens/self" && request.method == "GET" {
                Ok(json!({"id": "5Yo3XXnrQpjc20u0ybrf2g", "scope": self.scope(), "services": []}).to_string())
            } else {
                Err(error("404", "Record not found"))
            };
        }
        if request.method != "POST" {
            return Err(error("405", "Method not allowed"));
        }
        let is_fast = self.settings.calls_per_second.is_some_and(|rate| !self.calls.admits("all", rate, now));
        let most = if name == "purge_all" { WRITES } else { PURGES };
        if is_fast || !self.calls.admits_in(name, most, SignedDuration::from_hours(1), now) {
            return Err(error("429", "You have exceeded your hourly rate limit"));
        }
        self.purges += 1;
        let id = format!("108-{}-{}", now.as_second(), self.purges);
        if name == "purge_single_url" {
            let url = format!("https://{}", target.strip_prefix("/purge/").unwrap_or_default());
            let host = host_of(&url).filter(|host| is_host(host));
            let is_served = |host: &String| self.settings.zones.is_empty() || self.settings.zones.contains(host);
            if !host.as_ref().is_some_and(is_served) {
                return Err(error("404", "Record not found"));
            }
            if contains_any(&url, &self.settings.refuse) {
                return Err(error("400", "Bad request"));
            }
            self.accept(Operation::RefreshUrl, url, now);
            return Ok(json!({"status": "ok", "id": id}).to_string());
        }
        let (service, call) = request.path["/service/".len()..].split_once('/').unwrap_or_default();
        if !(21..=22).contains(&service.len()) || !service.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(error("404", "Record not found"));
        }
        if name == "purge_all" {
            self.accept(Operation::RefreshEverything, format!("https://{service}/"), now);
            return Ok(json!({"status": "ok"}).to_string());
        }
        let keys = match call.strip_prefix("purge/") {
            Some(key) => vec![key.to_owned()],
            None => keys(request).ok_or_else(|| error("400", "Bad request"))?,
        };
        let is_key = |key: &String| !key.is_empty() && key.len() <= 1_024 && !key.contains(char::is_whitespace);
        if keys.is_empty()
            || keys.len() > KEYS
            || !keys.iter().all(is_key)
            || keys.iter().any(|key| contains_any(key, &self.settings.refuse))
        {
            return Err(error("400", "Bad request"));
        }
        let mut ids = Map::new();
        for (number, key) in keys.into_iter().enumerate() {
            ids.insert(key.clone(), format!("{id}-{number}").into());
            self.accept(Operation::RefreshTag, format!("https://{service}/#{key}"), now);
        }
        let of_one = || json!({"status": "ok", "id": id});
        Ok(if name == "purge_tag" { of_one() } else { Value::Object(ids) }.to_string())
    }

    /// The scopes of the token: all but those of calls that it may not make.
    fn scope(&self) -> &'static str {
        let forbids = |name: &str| self.settings.forbid.iter().any(|forbidden| forbidden == name);
        match (forbids("purge_all"), forbids("purge_single_url")) {
            (true, false) => "purge_select",
            (false, true) => "purge_all",
            (true, true) => "global:read",
            (false, false) => "global",
        }
    }

    fn accept(&mut self, operation: Operation, url: String, now: Timestamp) {
        self.ledger.push(LedgerEntry { at: now, operation, url, task_id: String::new() });
    }

    fn refusal(&self, code: &str, text: &str) -> Response<Bytes> {
        let status = code.parse().unwrap_or(409);
        json_response(status, json!({"msg": text, "detail": "see the reference"}).to_string())
    }
}

/// The keys of a call, in its header or its body.
fn keys(request: &Received<'_>) -> Option<Vec<String>> {
    if let Some(header) = request.header("surrogate-key") {
        return Some(header.split(' ').map(str::to_owned).collect());
    }
    let body: Value = serde_json::from_slice(request.body).ok()?;
    body["surrogate_keys"].as_array()?.iter().map(|key| key.as_str().map(str::to_owned)).collect()
}

impl Emulator for Fastly {
    fn claims(&self, request: &Request<Bytes>) -> bool {
        ["/purge/", "/service/", "/tokens/"].iter().any(|start| request.uri().path().starts_with(start))
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let target = request.uri().path_and_query().map_or("", |target| target.as_str());
        let response = match self.answer(&Received::read(request), target, now) {
            Ok(body) => json_response(200, body),
            Err(ErrorCode { code: "429", message }) => {
                let mut response = self.refusal("429", &message);
                let reset = HeaderValue::from(now.as_second() + 3);
                response.headers_mut().insert("fastly-ratelimit-reset", reset);
                response
            }
            Err(ErrorCode { code, message }) => self.refusal(code, &message),
        };
        dated(response, now + SignedDuration::from_secs(self.settings.clock_offset_seconds))
    }

    fn ledger(&self) -> &[LedgerEntry] {
        &self.ledger
    }

    fn call_name(&self, request: &Request<Bytes>) -> String {
        call_name(request.uri().path()).to_owned()
    }

    fn errors(&self) -> &'static [DocumentedErrors] {
        DOCUMENTED
    }

    fn error(&self, code: &str, now: Timestamp) -> Response<Bytes> {
        dated(self.refusal(code, "This refusal was requested."), now)
    }

    fn throttled(&self, wait: Option<Duration>) -> Response<Bytes> {
        retry_after(self.refusal("429", "You have exceeded your hourly rate limit"), wait)
    }

    fn server_error(&self) -> Response<Bytes> {
        self.refusal("500", "Internal error")
    }
}
