//! bunny.net in memory: one pull zone, with the hostnames of the settings, or with any; then any id is a zone's.
//!
//! Sources, as the comments name them:
//! - `limits 2026`: "Purge Rate Limits" of docs.bunny.net, a stored copy of November 2026
//! - `clients 2026`: community clients and their tests, read in November 2026: the shapes of errors and lists

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::Meaning::{Credentials, Denied, Forbidden, Refused, Server, Throttled};
use crate::emulator::status_of;
use crate::rate_window::{Bucket, RateWindow};
use crate::request::{Received, contains_any, host_of, is_host};
use crate::response::{ErrorCode, dated, json as json_response, retry_after};
use crate::{DocumentedErrors, Emulator, EmulatorSettings, LedgerEntry, Operation};

/// The errors of a call here. One of 401 has no key.
const DOCUMENTED: &[DocumentedErrors] = &[
    DocumentedErrors::new(400, Refused, &["purge.url_invalid", "validation_error"]),
    DocumentedErrors::new(401, Credentials, &["401"]),
    DocumentedErrors::new(403, Forbidden, &["403"]),
    DocumentedErrors::new(404, Denied, &["pullZone.not_found"]),
    DocumentedErrors::new(429, Throttled, &["429"]),
    DocumentedErrors::new(500, Server, &["500"]),
];

/// The only pull zone.
const ZONE: &str = "12345";

/// bunny.net.
pub fn cdn(settings: &EmulatorSettings) -> Box<dyn Emulator> {
    Box::new(Bunny {
        settings: settings.clone(),
        ledger: Vec::new(),
        calls: RateWindow::default(),
        hosts: BTreeSet::new(),
        // Limits 2026; that of a zone isn't documented.
        exact: Bucket::new(120.0, 5.0),
        wide: Bucket::new(20.0, 0.5),
        zone: Bucket::new(20.0, 0.5),
    })
}

/// The vendor in memory.
struct Bunny {
    settings: EmulatorSettings,
    ledger: Vec<LedgerEntry>,
    calls: RateWindow,
    /// The hostnames that somebody searched, where any is the zone's.
    hosts: BTreeSet<String>,
    exact: Bucket,
    wide: Bucket,
    zone: Bucket,
}

/// A body with its status.
type Reply = Result<(u16, String), ErrorCode>;

fn error(code: &'static str, text: &str) -> ErrorCode {
    ErrorCode::new(code, text)
}

/// `purge`, `pullzone`, `purgeCache`.
fn call_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn busy(_: u64) -> ErrorCode {
    error("429", "The purge rate limit was exceeded.")
}

impl Bunny {
    fn answer(&mut self, request: &Received<'_>, now: Timestamp) -> Reply {
        let name = call_name(request.path);
        let key = request.header("accesskey");
        if key.is_none_or(|key| key != self.settings.access_key_secret.expose_secret()) {
            return Err(error("401", "Authorization has been denied for this request."));
        }
        if self.settings.forbid.iter().any(|forbidden| forbidden == name) {
            return Err(error("403", "The key may not do this."));
        }
        if self
            .settings
            .calls_per_second
            .is_some_and(|rate| name != "pullzone" && !self.calls.admits("purge", rate, now))
        {
            return Err(busy(1));
        }
        match (request.method, request.path) {
            ("GET", "/pullzone") => Ok((200, self.zones(request))),
            ("POST", "/purge") => self.purge(request, now),
            ("POST", path) if path.starts_with("/pullzone/") && name == "purgeCache" => {
                let zone = path["/pullzone/".len()..].split('/').next().unwrap_or_default();
                let is_any = self.settings.zones.is_empty() && zone.bytes().all(|byte| byte.is_ascii_digit());
                if zone != ZONE && !is_any {
                    return Err(error("pullZone.not_found", "The requested Pull Zone was not found."));
                }
                self.purge_zone(request, now)
            }
            _ => Err(error("validation_error", "There is no such call.")),
        }
    }

    fn zones(&mut self, request: &Received<'_>) -> String {
        let search = request.parameter("search").map(str::to_ascii_lowercase);
        let mut names = self.settings.zones.clone();
        if self.settings.zones.is_empty() {
            self.hosts.extend(search.clone());
            names = ["www.example.com".to_owned()].into_iter().chain(self.hosts.iter().cloned()).collect();
        }
        let found = search.is_none_or(|search| names.contains(&search));
        let hostnames: Vec<Value> =
            names.iter().map(|name| json!({"Id": 1, "Value": name, "IsSystemHostname": false})).collect();
        let zone = json!({"Id": 12_345, "Name": "site", "Enabled": true, "Hostnames": hostnames});
        let items =
            if found && request.parameter("page").is_none_or(|page| page == "1") { vec![zone] } else { Vec::new() };
        json!({"Items": items, "CurrentPage": 1, "TotalItems": items.len(), "HasMoreItems": false}).to_string()
    }

    fn purge(&mut self, request: &Received<'_>, now: Timestamp) -> Reply {
        let invalid = || error("purge.url_invalid", "The URL is invalid.");
        let url = request.parameter("url").filter(|url| url.starts_with("http")).ok_or_else(invalid)?;
        let host = host_of(url).filter(|host| is_host(host)).ok_or_else(invalid)?;
        if !self.settings.zones.is_empty() && !self.settings.zones.contains(&host) {
            return Err(error("pullZone.not_found", "The requested Pull Zone was not found."));
        }
        if contains_any(url, &self.settings.refuse) {
            return Err(invalid());
        }
        let is_exact = request.parameter("exactPath") == Some("true");
        let is_wide = url.contains('*') || (url.ends_with('/') && !is_exact);
        if is_wide { self.wide.take(1, now) } else { self.exact.take(1, now) }.map_err(busy)?;
        let operation = if is_wide { Operation::RefreshPrefix } else { Operation::RefreshUrl };
        let url = if is_wide { url.trim_end_matches('*') } else { url };
        self.accept(operation, url.to_owned(), now);
        Ok((200, String::new()))
    }

    fn purge_zone(&mut self, request: &Received<'_>, now: Timestamp) -> Reply {
        let body: Value = match request.body {
            b"" => Value::Null,
            body => serde_json::from_slice(body).map_err(|_| error("validation_error", "The body is no JSON."))?,
        };
        let tag = body["CacheTag"].as_str().map(str::to_owned);
        if tag
            .as_ref()
            .is_some_and(|tag| tag.is_empty() || tag.len() > 1_024 || contains_any(tag, &self.settings.refuse))
        {
            return Err(error("validation_error", "The tag is invalid."));
        }
        self.zone.take(1, now).map_err(busy)?;
        match tag {
            Some(tag) => self.accept(Operation::RefreshTag, format!("https://{ZONE}/#{tag}"), now),
            None => self.accept(Operation::RefreshEverything, format!("https://{ZONE}/"), now),
        }
        Ok((204, String::new()))
    }

    fn accept(&mut self, operation: Operation, url: String, now: Timestamp) {
        self.ledger.push(LedgerEntry { at: now, operation, url, task_id: String::new() });
    }
}

/// An error in the vendor's shape: one without a key where its code is a status.
fn refusal(code: &str, text: &str) -> Response<Bytes> {
    // A 400 is documented to be a refusal, whatever its key: one that nobody documents has another status.
    let status = code.parse().ok().or(status_of(DOCUMENTED, code)).unwrap_or(409);
    let body = match code.parse::<u16>() {
        Ok(_) => json!({"Message": text}),
        Err(_) => json!({"ErrorKey": code, "Field": "", "Message": text}),
    };
    json_response(status, body.to_string())
}

impl Emulator for Bunny {
    fn claims(&self, request: &Request<Bytes>) -> bool {
        let path = request.uri().path();
        path == "/purge" || path == "/pullzone" || path.starts_with("/pullzone/")
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let response = match self.answer(&Received::read(request), now) {
            Ok((status, body)) => json_response(status, body),
            Err(ErrorCode { code, message }) => refusal(code, &message),
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
        dated(refusal(code, "This refusal was requested."), now)
    }

    fn throttled(&self, wait: Option<Duration>) -> Response<Bytes> {
        retry_after(refusal("429", "The purge rate limit was exceeded."), wait)
    }

    fn server_error(&self) -> Response<Bytes> {
        refusal("500", "An internal error occurred.")
    }
}
