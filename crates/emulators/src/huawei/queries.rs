//! Domains, statistics and log files: made up, and the same for the same query each time.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::records::{DAY, moment, paging};
use super::response::malformed;
use super::state::Huawei;
use crate::request::Received;
use crate::response::{Answer, ErrorCode};
use crate::sample::{number, page};

/// The domains that are there from the beginning.
const DOMAINS: [&str; 2] = ["img.example.com", "www.example.com"];

/// Where log files can be fetched, by whoever has the link.
pub(super) const LOG_FILES: &str = "/v1.0/cdn/log-files/";

/// The narrowest width of a point, in seconds.
const SLOT: i64 = 300;

impl Huawei {
    /// Some domains, and every one that something was submitted for.
    pub(super) fn domains(&self, request: &Received<'_>) -> Answer {
        let (size, skipped) = paging(request, 30)?;
        let exactly = request.parameter("exact_match") == Some("true");
        let part = request.parameter("domain_name").unwrap_or_default();
        let mut names = self.account.domains(&DOMAINS);
        names.retain(|name| if exactly { name == part } else { name.contains(part) });
        let row = |name: &String| {
            json!({
                "id": format!("{:032x}", number(name)), "domain_name": name, "domain_status": "online",
                "business_type": "web", "service_area": "global", "cname": format!("{name}.c.cdnhwc1.com"),
                "disabled": 0, "locked": 0,
            })
        };
        let domains: Vec<Value> = page(&names, skipped, size).map(row).collect();
        Ok(json!({"total": names.len(), "domains": domains}).to_string())
    }
}

/// Statistics by width, of the sum or by domain.
pub(super) fn statistics(request: &Received<'_>, now: Timestamp) -> Answer {
    let refused = |code, why: &str| Err(ErrorCode::new(code, why));
    let (Some(start), Some(end)) = (moment(request, "start_time")?, moment(request, "end_time")?) else {
        return Err(malformed("start_time and end_time are missing"));
    };
    let requested = request.parameter("domain_name").ok_or_else(|| malformed("domain_name is missing"))?;
    let domains: Vec<&str> = if requested == "all" { DOMAINS.to_vec() } else { requested.split(',').collect() };
    if domains.len() > 20 {
        return refused("CDN.0201", "More than 20 domain names.");
    }
    if start >= end || start < now - 90 * DAY {
        return refused("CDN.0202", "The time is not within the last 90 days.");
    }
    let days = end.duration_since(start).unsigned_abs().as_secs().div_ceil(86_400);
    let least = if days > 7 { 3_600 } else { SLOT };
    let interval = match request.parameter("interval").map(str::parse::<i64>) {
        None => least,
        Some(Ok(interval @ (300 | 3_600 | 86_400))) if interval >= least && days <= 31 => interval,
        Some(_) => return refused("CDN.0203", "The interval does not fit the time."),
    };
    let names: Vec<&str> = request.parameter("stat_type").unwrap_or_default().split(',').collect();
    if names.iter().any(|name| name.is_empty()) || names.len() > 5 {
        return Err(malformed("stat_type is not one to five words"));
    }
    let is_summary = match request.parameter("action") {
        Some("summary") => true,
        Some("detail") => false,
        _ => return Err(malformed("action is neither summary nor detail")),
    };
    let of = |domains: &[&str]| -> Value {
        let series = |name: &&str| {
            let starts = (start.as_second()..end.as_second()).step_by(interval.unsigned_abs() as usize);
            let at = |at| domains.iter().map(|domain| value(name, domain, at, interval)).sum();
            let values: Vec<u64> = starts.map(at).collect();
            let shown = match is_summary {
                false => Value::from(values),
                true if name.ends_with("bw") => values.into_iter().max().unwrap_or_default().into(),
                true => values.into_iter().sum::<u64>().into(),
            };
            ((*name).to_owned(), shown)
        };
        Value::Object(names.iter().map(series).collect::<Map<_, _>>())
    };
    let result = if request.parameter("group_by") == Some("domain") {
        Value::Object(domains.iter().map(|domain| ((*domain).to_owned(), of(&[domain]))).collect())
    } else {
        of(&domains)
    };
    Ok(json!({ "result": result }).to_string())
}

/// A number for a domain and a width: for a bandwidth its highest slot, for everything else the sum of its slots.
fn value(name: &str, domain: &str, at: i64, interval: i64) -> u64 {
    let slots = (at.div_euclid(SLOT)..(at + interval).div_euclid(SLOT)).map(|slot| {
        let hour = slot.rem_euclid(288) / 12;
        (number(domain) % 1_000 + 1_000) * (hour.unsigned_abs() + 1) * 1_000
    });
    if name.ends_with("bw") { slots.max().unwrap_or_default() * 8 / SLOT.unsigned_abs() } else { slots.sum() }
}

/// A file for each whole hour.
pub(super) fn logs(request: &Received<'_>, now: Timestamp) -> Answer {
    let (size, skipped) = paging(request, 10)?;
    let domain = request.parameter("domain_name").filter(|name| !name.contains(','));
    let domain = domain.ok_or_else(|| malformed("domain_name is not one domain"))?;
    let start = moment(request, "start_time")?.unwrap_or(now - DAY);
    let end = moment(request, "end_time")?.unwrap_or(start + DAY);
    let is_whole = |time: Timestamp| time.as_second() % 3_600 == 0;
    if !is_whole(start) || !is_whole(end) || end.duration_since(start).unsigned_abs() > 30 * DAY {
        return Err(malformed("the times are no whole hours, 30 days apart at most"));
    }
    let hours: Vec<i64> = (start.as_second()..end.as_second().min(now.as_second())).step_by(3_600).collect();
    let row = |hour: &i64| {
        let time = Timestamp::from_second(*hour).unwrap_or(start);
        let name = format!("{}-{domain}-global.gz", time.strftime("%Y%m%d%H"));
        json!({
            "domain_name": domain, "start_time": hour * 1_000, "end_time": (hour + 3_600) * 1_000,
            "size": log_file(&name).len(), "link": format!("http://{}{LOG_FILES}{name}?signature=made-up", request.host),
            "name": name,
        })
    };
    let rows: Vec<Value> = page(&hours, skipped, size).map(row).collect();
    Ok(json!({"total": hours.len(), "logs": rows}).to_string())
}

/// What a link leads to: one line, as gzip without compression (RFC 1952, and RFC 1951, 3.2.4).
pub(super) fn log_file(name: &str) -> Vec<u8> {
    let text = format!("the log file {name} of an emulated account\n");
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let text = &text.as_bytes()[..usize::from(length)];
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(text);
    file.extend(crc32fast::hash(text).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}
