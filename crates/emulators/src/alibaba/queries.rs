//! Statistics, log files and domains: made up, and the same for the same query each time.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::errors::{missing, no_domain};
use super::products::{DOMAINS_PER_CALL, Measure};
use super::records::{paging, times};
use super::response::timestamp;
use super::state::Alibaba;
use crate::request::Received;
use crate::response::{Answer, ErrorCode, typed};
use crate::sample::{number, page};

/// The account's domain as long as nothing was submitted.
const FIRST_DOMAIN: &str = "www.example.com";

impl Alibaba {
    fn known_domains(&self) -> Vec<String> {
        let domains = self.account.domains(&[]);
        if domains.is_empty() { vec![FIRST_DOMAIN.to_owned()] } else { domains }
    }

    pub(super) fn measure(&self, measure: Measure, request: &Received<'_>, now: Timestamp) -> Answer {
        let invalid = |message: &str| ErrorCode::new("InvalidParameter", message);
        let seconds = request.number("Interval", 300, 1..=86_400).map_err(|message| invalid(&message))?;
        let interval = self.product.intervals.iter().find(|interval| interval.seconds == seconds as u64);
        let interval = interval.ok_or_else(|| invalid("Interval is not supported."))?;
        let (start, end) = times(request)?.unwrap_or((now - SignedDuration::from_hours(24), now));
        if end.duration_since(start).unsigned_abs() > interval.span || is_older(start, interval.kept, now) {
            return Err(ErrorCode::new("InvalidTime", "The range is too long, or too long ago."));
        }
        let requested = request.parameter("DomainName").unwrap_or_default();
        let domains: Vec<String> = match requested {
            "" => self.known_domains(),
            names => names.split(',').map(|name| name.trim().to_lowercase()).collect(),
        };
        if domains.len() > DOMAINS_PER_CALL {
            return Err(ErrorCode::new("DomainNameOverLimit", "DomainName holds too many domain names."));
        }
        let width = interval.seconds;
        let row = |second: i64| {
            let bytes: u64 = domains.iter().map(|domain| traffic(domain, second, width)).sum();
            let value = match measure {
                Measure::Traffic => bytes,
                Measure::Bandwidth => bytes * 8 / width,
            };
            let shown = if self.product.measures_as_text { json!(value.to_string()) } else { json!(value) };
            let at = timestamp(Timestamp::from_second(second).ok()?);
            Some(json!({
                "TimeStamp": at, "Value": shown, "DomesticValue": shown, "OverseasValue": "0",
                "HttpsValue": "0", "HttpsDomesticValue": "0", "HttpsOverseasValue": "0",
            }))
        };
        let first = start.as_second().div_euclid(width as i64) * width as i64;
        let rows: Vec<Value> = (first..end.as_second()).step_by(seconds).filter_map(row).collect();
        let per_interval = match measure {
            Measure::Traffic => "TrafficDataPerInterval",
            Measure::Bandwidth => "BpsDataPerInterval",
        };
        Ok(json!({
            "DomainName": requested, "StartTime": timestamp(start), "EndTime": timestamp(end),
            "DataInterval": seconds.to_string(), per_interval: {"DataModule": rows},
        })
        .to_string())
    }

    /// A file for each hour that is over, the newest first.
    pub(super) fn logs(&self, request: &Received<'_>, now: Timestamp) -> Answer {
        let domain = request.parameter("DomainName").ok_or_else(|| missing("DomainName is"))?;
        if domain.contains([',', '/']) || !domain.contains('.') {
            return Err(no_domain());
        }
        let (page_number, size) = paging(request, "PageNumber", 300, 1_000)?;
        let (start, end) = times(request)?.unwrap_or((now - SignedDuration::from_hours(24), now));
        if is_older(start, self.product.logs_kept, now) {
            return Err(ErrorCode::new("InvalidTime", "StartTime is too long ago."));
        }
        let hour = |time: Timestamp| time.as_second().div_euclid(3_600);
        let hours: Vec<i64> = (hour(start)..hour(end.min(now))).rev().collect();
        let file = |hour: &i64| {
            let since = Timestamp::from_second(hour * 3_600).ok()?;
            let until = Timestamp::from_second((hour + 1) * 3_600).ok()?;
            let name = format!("{domain}_{}.log", since.strftime("%Y_%m_%d_%H%M%S"));
            let expires = now.as_second() + 86_400;
            let signature = number(&format!("{name}{expires}"));
            let path = format!(
                "{}/logs/{}/{name}?Expires={expires}&OSSAccessKeyId=log-reader&Signature={signature:016x}",
                request.host, self.product.name
            );
            Some(json!({
                "LogName": name, "LogPath": path, "LogSize": text_of_log(&name).len(),
                "StartTime": timestamp(since), "EndTime": timestamp(until),
            }))
        };
        let files: Vec<Value> = page(&hours, (page_number - 1) * size, size).filter_map(file).collect();
        let paging = json!({self.product.log_page: page_number, "PageSize": size, "Total": hours.len()});
        Ok(json!({
            "DomainLogDetails": {"DomainLogDetail": [{
                "DomainName": domain, "LogCount": files.len(), "PageInfos": paging,
                "LogInfos": {"LogInfoDetail": files},
            }]},
        })
        .to_string())
    }

    pub(super) fn domains(&self, request: &Received<'_>, now: Timestamp) -> Answer {
        let (page_number, size) = paging(request, "PageNumber", 20, 500)?;
        let requested = request.parameter("DomainName");
        let search = request.parameter("DomainSearchType").unwrap_or("full_match");
        let fits = |name: &String| match (requested, search) {
            (None, _) => true,
            (Some(requested), "fuzzy_match") => name.contains(requested),
            (Some(requested), "pre_match") => name.starts_with(requested),
            (Some(requested), "suf_match") => name.ends_with(requested),
            (Some(requested), _) => name == requested,
        };
        let names: Vec<String> = self.known_domains().into_iter().filter(fits).collect();
        let row = |name: &String| {
            json!({
                "DomainName": name, "DomainStatus": "online", "CdnType": "web", "Coverage": "domestic",
                "Cname": format!("{name}.w.example-kunlun.com"), "SslProtocol": "on", "Sandbox": "normal",
                "GmtCreated": timestamp(now - SignedDuration::from_hours(24 * 365)),
            })
        };
        let rows: Vec<Value> = page(&names, (page_number - 1) * size, size).map(row).collect();
        Ok(json!({
            "PageNumber": page_number, "PageSize": size, "TotalCount": names.len(), "Domains": {"PageData": rows},
        })
        .to_string())
    }

    /// The name of the log file that a path leads to.
    pub(super) fn log_file<'p>(&self, path: &'p str) -> Option<&'p str> {
        let name = path.strip_prefix("/logs/")?.strip_prefix(self.product.name)?.strip_prefix('/')?;
        (!name.is_empty() && !name.contains('/')).then_some(name)
    }
}

/// A log file as it is fetched: plain text, where the vendor's is compressed.
pub(super) fn log_text(name: &str) -> Response<Bytes> {
    typed(200, "text/plain; charset=utf-8", text_of_log(name))
}

fn text_of_log(name: &str) -> String {
    let random = number(name);
    let lines = (0..1 + random % 5).map(|line| {
        let client = (random >> (line * 8)) & 0xFF;
        format!("192.0.2.{client} - \"GET https://{FIRST_DOMAIN}/{line}.html\" 200 {}\n", 1_000 + client)
    });
    lines.collect()
}

/// Bytes in a point: more by day than by night, and for each domain its own.
fn traffic(domain: &str, second: i64, width: u64) -> u64 {
    let hour = second.div_euclid(3_600).rem_euclid(24).unsigned_abs();
    let by_day = 12 - hour.abs_diff(12);
    (20_000 + number(domain) % 10_000 + by_day * 5_000 + number(&format!("{domain}{second}")) % 5_000) * width
}

/// Whether this is further back than something is kept, with a minute to spare.
fn is_older(time: Timestamp, kept: Duration, now: Timestamp) -> bool {
    let kept = SignedDuration::try_from(kept + Duration::from_secs(60)).unwrap_or(SignedDuration::MAX);
    now.duration_since(time) > kept
}
