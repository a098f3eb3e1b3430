//! What was measured, log files and domains: made up, and the same for the same question each time.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::AlibabaEmulator;
use super::filter::{number, refusal, times};
use super::reply::Refusal;
use super::request::Arrived;
use crate::provider::sign::acs::timestamp;
use crate::provider::{Measure, MeasureSpec};

/// The account's domain as long as it was asked for none.
const FIRST_DOMAIN: &str = "www.example.com";

impl AlibabaEmulator {
    /// The domains of every address that was accepted, in order.
    fn known_domains(&self) -> Vec<String> {
        let host = |url: &str| {
            url.split_once("://")
                .map_or(url, |(_, rest)| rest)
                .split(['/', '?', '#', ':'])
                .next()?
                .to_lowercase()
                .into()
        };
        let hosts: BTreeSet<String> = self.tasks.ledger().iter().filter_map(|entry| host(&entry.url)).collect();
        if hosts.is_empty() { vec![FIRST_DOMAIN.to_owned()] } else { hosts.into_iter().collect() }
    }

    pub(super) fn measure(&self, measure: Measure, request: &Arrived<'_>, now: Timestamp) -> Result<String, Refusal> {
        let spec = match measure {
            Measure::Traffic => &self.spec.asks.traffic,
            Measure::Bandwidth => &self.spec.asks.bandwidth,
        };
        let Some(MeasureSpec { domains_per_call, intervals, .. }) = spec else {
            return Err(Refusal::new(404, "InvalidAction.NotFound", "Specified api is not found."));
        };
        let seconds = number(request, "Interval", 300, 86_400)? as u64;
        let Some(interval) = intervals.iter().find(|spec| spec.interval.as_secs() == seconds) else {
            return Err(refusal("InvalidParameter", "Interval is not supported."));
        };
        let (start, end) = times(request)?.unwrap_or((now - SignedDuration::from_hours(24), now));
        let (span, kept) = (interval.span, interval.kept + Duration::from_secs(60));
        if end.duration_since(start).unsigned_abs() > span || now.duration_since(start) > signed(kept) {
            return Err(refusal("InvalidTime", "The range is too long, or too long ago."));
        }
        let asked = request.parameter("DomainName").unwrap_or_default();
        let domains: Vec<String> = match asked {
            "" => self.known_domains(),
            names => names.split(',').map(|name| name.trim().to_lowercase()).collect(),
        };
        if domains.len() > *domains_per_call {
            return Err(Refusal::new(500, "DomainNameOverLimit", "DomainName holds too many domain names."));
        }
        let width = seconds as i64;
        let first = start.as_second().div_euclid(width) * width;
        let rows: Vec<Value> = (first..end.as_second())
            .step_by(seconds as usize)
            .filter_map(|second| {
                let bytes: u64 = domains.iter().map(|domain| traffic(domain, second, seconds)).sum();
                let value = match measure {
                    Measure::Traffic => bytes,
                    Measure::Bandwidth => bytes * 8 / seconds,
                };
                let shown = if self.shape.measures_as_text { json!(value.to_string()) } else { json!(value) };
                let at = timestamp(Timestamp::from_second(second).ok()?);
                Some(json!({
                    "TimeStamp": at, "Value": shown, "DomesticValue": shown, "OverseasValue": "0",
                    "HttpsValue": "0", "HttpsDomesticValue": "0", "HttpsOverseasValue": "0",
                }))
            })
            .collect();
        let per_interval = match measure {
            Measure::Traffic => "TrafficDataPerInterval",
            Measure::Bandwidth => "BpsDataPerInterval",
        };
        Ok(json!({
            "DomainName": asked, "StartTime": timestamp(start), "EndTime": timestamp(end),
            "DataInterval": seconds.to_string(), per_interval: {"DataModule": rows},
        })
        .to_string())
    }

    /// A file for each hour that is over, the newest first.
    pub(super) fn logs(&self, request: &Arrived<'_>, now: Timestamp) -> Result<String, Refusal> {
        let Some(domain) = request.parameter("DomainName") else {
            return Err(refusal("MissingParameter", "DomainName is mandatory for this action."));
        };
        if domain.contains([',', '/']) || !domain.contains('.') {
            return Err(Refusal::new(404, "InvalidDomain.NotFound", "The specified domain does not exist."));
        }
        let page = number(request, "PageNumber", 1, 100_000)?;
        let size = number(request, "PageSize", 300, 1_000)?;
        let (start, end) = times(request)?.unwrap_or((now - SignedDuration::from_hours(24), now));
        let kept = self.spec.asks.logs.as_ref().map_or(Duration::ZERO, |logs| logs.kept) + Duration::from_secs(60);
        if now.duration_since(start) > signed(kept) {
            return Err(refusal("InvalidTime", "StartTime is too long ago."));
        }
        let hour = |time: Timestamp| time.as_second().div_euclid(3_600);
        let hours: Vec<i64> = (hour(start)..hour(end.min(now))).rev().collect();
        let files: Vec<Value> = hours
            .iter()
            .skip((page - 1) * size)
            .take(size)
            .filter_map(|hour| {
                let since = Timestamp::from_second(hour * 3_600).ok()?;
                let until = Timestamp::from_second((hour + 1) * 3_600).ok()?;
                let name = format!("{domain}_{}.log", since.strftime("%Y_%m_%d_%H%M%S"));
                let expires = now.as_second() + 86_400;
                let signature = fnv(&format!("{name}{expires}"));
                let path = format!(
                    "{}/logs/{}/{name}?Expires={expires}&OSSAccessKeyId=log-reader&Signature={signature:016x}",
                    request.host, self.spec.name
                );
                Some(json!({
                    "LogName": name, "LogPath": path, "LogSize": text_of_log(&name).len(),
                    "StartTime": timestamp(since), "EndTime": timestamp(until),
                }))
            })
            .collect();
        let paging = json!({self.shape.log_page: page, "PageSize": size, "Total": hours.len()});
        Ok(json!({
            "DomainLogDetails": {"DomainLogDetail": [{
                "DomainName": domain, "LogCount": files.len(), "PageInfos": paging,
                "LogInfos": {"LogInfoDetail": files},
            }]},
        })
        .to_string())
    }

    pub(super) fn domains(&self, request: &Arrived<'_>, now: Timestamp) -> Result<String, Refusal> {
        let page = number(request, "PageNumber", 1, 100_000)?;
        let size = number(request, "PageSize", 20, 500)?;
        let asked = request.parameter("DomainName");
        let search = request.parameter("DomainSearchType").unwrap_or("full_match");
        let fits = |name: &String| match (asked, search) {
            (None, _) => true,
            (Some(asked), "fuzzy_match") => name.contains(asked),
            (Some(asked), "pre_match") => name.starts_with(asked),
            (Some(asked), "suf_match") => name.ends_with(asked),
            (Some(asked), _) => name == asked,
        };
        let names: Vec<String> = self.known_domains().into_iter().filter(fits).collect();
        let row = |name: &String| {
            json!({
                "DomainName": name, "DomainStatus": "online", "CdnType": "web", "Coverage": "domestic",
                "Cname": format!("{name}.w.example-kunlun.com"), "SslProtocol": "on", "Sandbox": "normal",
                "GmtCreated": timestamp(now - SignedDuration::from_hours(24 * 365)),
            })
        };
        let rows: Vec<Value> = names.iter().skip((page - 1) * size).take(size).map(row).collect();
        Ok(json!({
            "PageNumber": page, "PageSize": size, "TotalCount": names.len(), "Domains": {"PageData": rows},
        })
        .to_string())
    }

    /// The name of the log file that a path of ours stands for.
    pub(super) fn log_file<'p>(&self, path: &'p str) -> Option<&'p str> {
        let name = path.strip_prefix("/logs/")?.strip_prefix(self.spec.name)?.strip_prefix('/')?;
        (!name.is_empty() && !name.contains('/')).then_some(name)
    }
}

/// A log file as it is fetched: plain text, where the vendor's is compressed.
pub(super) fn log_text(name: &str) -> Response<Bytes> {
    Response::builder()
        .header("content-type", "text/plain; charset=utf-8")
        .body(text_of_log(name).into())
        .expect("a header that is spelt above")
}

fn text_of_log(name: &str) -> String {
    let random = fnv(name);
    let lines = (0..1 + random % 5).map(|line| {
        let address = (random >> (line * 8)) & 0xFF;
        format!("192.0.2.{address} - \"GET https://{FIRST_DOMAIN}/{line}.html\" 200 {}\n", 1_000 + address)
    });
    lines.collect()
}

/// Bytes in a point: more by day than by night, and for each domain its own.
fn traffic(domain: &str, second: i64, width: u64) -> u64 {
    let hour = second.div_euclid(3_600).rem_euclid(24).unsigned_abs();
    let by_day = 12 - hour.abs_diff(12);
    let rate = 20_000 + fnv(domain) % 10_000 + by_day * 5_000 + fnv(&format!("{domain}{second}")) % 5_000;
    rate * width
}

/// A number that looks like chance and is the same for the same text (FNV-1a).
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}
