//! Submissions, the status by id and the quota, each with the refusals that are documented.

use std::time::Duration;

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::super::spec::{REFRESH_IDS, object_type};
use super::AlibabaEmulator;
use super::reply::Refusal;
use super::request::Arrived;
use crate::model::{Operation, RefreshKind, Tag};
use crate::provider::OperationSpec;

impl AlibabaEmulator {
    pub(super) fn refresh(&mut self, request: &Arrived<'_>, now: Timestamp, at: Timestamp) -> Result<String, Refusal> {
        let kind = match request.parameter("ObjectType") {
            None => RefreshKind::Url,
            Some(word) => {
                FILES_AND_MORE.into_iter().find(|kind| object_type(*kind).eq_ignore_ascii_case(word)).ok_or_else(
                    || Refusal::new(400, "InvalidObjectType.ValueNotSupported", "ObjectType is not supported."),
                )?
            }
        };
        boolean(request, "Force")?;
        self.submit(Operation::Refresh(kind), request, now, at)
    }

    pub(super) fn refresh_tags(
        &mut self,
        request: &Arrived<'_>,
        now: Timestamp,
        at: Timestamp,
    ) -> Result<String, Refusal> {
        boolean(request, "Force")?;
        let (host, tags) = (request.parameter("DomainName"), request.parameter("CacheTag"));
        let (Some(host), Some(tags)) = (host, tags) else {
            return Err(Refusal::new(
                400,
                "MissingParameter",
                "DomainName and CacheTag are mandatory for this action.",
            ));
        };
        if host.contains([',', '/', '*']) || !host.contains('.') {
            return Err(Refusal::new(404, "InvalidDomain.NotFound", "The specified domain does not exist."));
        }
        let names = tags.split(',').map(str::trim).filter(|name| !name.is_empty());
        let addresses: Vec<String> =
            names.map(|name| Tag { host: host.to_owned(), name: name.to_owned() }.address()).collect();
        let operation = Operation::Refresh(RefreshKind::Tag);
        if self.spec.operation(operation).is_none_or(|limit| addresses.len() > limit.per_call) {
            return Err(Refusal::new(400, "SingleRequest.OverLimit", "CacheTag holds too many tags."));
        }
        let is_refused = |address: &String| self.settings.refuse.iter().any(|mark| address.contains(mark.as_str()));
        if addresses.iter().any(is_refused) {
            return Err(Refusal::new(400, "InvalidObjectPath.Malformed", "CacheTag is not valid."));
        }
        let urls: Vec<_> = addresses.iter().map(|address| (address.as_str(), host.to_ascii_lowercase())).collect();
        self.accept(operation, &urls, now, at)
    }

    pub(super) fn prefetch(&mut self, request: &Arrived<'_>, now: Timestamp, at: Timestamp) -> Result<String, Refusal> {
        for name in ["L2Preload", "QueryHashkey", "ConsistencyHash"] {
            boolean(request, name)?;
        }
        if request.parameter("Area").is_some_and(|area| !matches!(area, "domestic" | "overseas")) {
            return Err(Refusal::new(400, "InvalidParameter", "Area is neither domestic nor overseas."));
        }
        let is_text_list = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        let headers = request.parameter("WithHeader").map(serde_json::from_str::<Map<String, Value>>);
        if headers.is_some_and(|headers| !headers.is_ok_and(|headers| headers.values().all(is_text_list))) {
            return Err(Refusal::new(400, "InvalidCustomHeader", "WithHeader is not an object of lists."));
        }
        self.submit(Operation::Prefetch, request, now, at)
    }

    fn submit(
        &mut self,
        operation: Operation,
        request: &Arrived<'_>,
        now: Timestamp,
        at: Timestamp,
    ) -> Result<String, Refusal> {
        let urls = self.addresses(operation, request.parameter("ObjectPath").unwrap_or_default())?;
        self.accept(operation, &urls, now, at)
    }

    fn accept(
        &mut self,
        operation: Operation,
        urls: &[(&str, String)],
        now: Timestamp,
        at: Timestamp,
    ) -> Result<String, Refusal> {
        self.charge(operation, urls.len() as u64, now)?;
        let typical = || self.spec.operation(operation).map_or(Duration::ZERO, |limit| limit.typical);
        let takes = self.settings.task_duration.unwrap_or_else(typical);
        let ids = self.tasks.accept(operation, urls, &self.settings, (now, at), takes);
        let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
        let field = match operation {
            Operation::Refresh(_) => REFRESH_IDS,
            Operation::Prefetch => self.product.prefetch_ids,
        };
        Ok(json!({ field: ids.join(",") }).to_string())
    }

    /// The addresses of a call, each with its host.
    fn addresses<'p>(&self, operation: Operation, path: &'p str) -> Result<Vec<(&'p str, String)>, Refusal> {
        let Some(limit) = self.spec.operation(operation) else {
            return Err(Refusal::new(400, "InvalidObjectType.ValueNotSupported", "ObjectType is not supported."));
        };
        let urls: Vec<&str> = path.split('\n').map(str::trim).filter(|url| !url.is_empty()).collect();
        if urls.is_empty() {
            return Err(Refusal::new(400, "MissingParameter", "ObjectPath is mandatory for this action."));
        }
        if urls.len() > limit.per_call {
            return Err(Refusal::new(400, "InvalidObjectPath.ExceedsMaximum", "ObjectPath holds too many addresses."));
        }
        let urls: Vec<_> =
            urls.into_iter().map(|url| Ok((url, self.host(operation, url)?))).collect::<Result<_, _>>()?;
        let hosts: HashSet<_> = urls.iter().map(|(_, host)| host).collect();
        if limit.hosts_per_call.is_some_and(|most| hosts.len() > most) {
            return Err(Refusal::new(400, "SingleRequest.OverLimit", "ObjectPath holds too many domain names."));
        }
        Ok(urls)
    }

    /// The host of an address, if the vendor would take it.
    fn host(&self, operation: Operation, url: &str) -> Result<String, Refusal> {
        let refusal = || Refusal::new(400, "InvalidObjectPath.Malformed", format!("ObjectPath {url} is not valid."));
        let wrong_end = operation == Operation::Refresh(RefreshKind::Directory) && !url.ends_with('/');
        let to_refuse = self.settings.refuse.iter().any(|mark| url.contains(mark.as_str()));
        if wrong_end || to_refuse || url.chars().count() > self.spec.url_characters {
            return Err(refusal());
        }
        // Documented with and without a scheme.
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        if host.starts_with("*.") || host.starts_with('.') {
            let message = "Wildcard domain names are not supported.";
            return Err(Refusal::new(400, "InvalidExtensiveDomain.ValueNotSupported", message));
        }
        let is_regex = operation == Operation::Refresh(RefreshKind::Regex);
        let name = host.split(':').next().unwrap_or_default();
        let is_name =
            name.contains('.') && !name.contains(|c: char| c.is_whitespace() || c.is_control() || "\\%@".contains(c));
        if is_regex || is_name { Ok(host) } else { Err(refusal()) }
    }

    /// Takes from the day's quota: all or nothing.
    fn charge(&mut self, operation: Operation, count: u64, now: Timestamp) -> Result<(), Refusal> {
        let limit = self.daily(operation);
        let used = self.used.entry((day(now), operation)).or_default();
        if limit.is_some_and(|limit| *used + count > limit) {
            return Err(match operation {
                Operation::Refresh(_) => Refusal::new(400, "QuotaExceeded.Refresh", "The refresh quota is exceeded."),
                Operation::Prefetch => Refusal::new(400, "QuotaExceeded.Preload", "The preload quota is exceeded."),
            });
        }
        *used += count;
        Ok(())
    }

    fn daily(&self, operation: Operation) -> Option<u64> {
        self.settings.quota.or_else(|| self.spec.operation(operation)?.per_day)
    }

    pub(super) fn status(&self, request: &Arrived<'_>, now: Timestamp) -> Result<String, Refusal> {
        let asked = request.parameter("TaskId").unwrap_or_default();
        if asked.is_empty() {
            return Err(Refusal::new(400, "MissingParameter", "TaskId is mandatory for this action."));
        }
        let ids: Option<HashSet<u64>> = asked.split(',').map(|id| id.trim().parse().ok()).collect();
        let Some(ids) =
            ids.filter(|_| asked.split(',').count() <= self.spec.status().map_or(1, |status| status.ids_per_call))
        else {
            return Err(Refusal::new(400, "InvalidTaskId.Malformed", "TaskId is not a list of up to ten numbers."));
        };
        let places = ids.iter().flat_map(|id| self.tasks.of_id(*id)).copied();
        let mut places: Vec<_> = places.filter(|place| self.tasks.is_listed(*place, &self.settings, now)).collect();
        places.sort_unstable();
        let rows: Vec<_> = places.into_iter().map(|place| self.tasks.shown(place, &self.settings, now)).collect();
        let rows_text = serde_json::to_string(&rows).expect("rows hold nothing but text");
        Ok(format!("{{\"TotalCount\":{},\"Tasks\":{rows_text}}}", rows.len()))
    }

    /// Numbers as text, as the vendor's examples show them.
    pub(super) fn quota(&self, now: Timestamp) -> String {
        let mut fields = Map::new();
        for &OperationSpec { operation, quota, .. } in self.spec.operations.iter().filter(|row| !row.quota.is_empty()) {
            if let Some(limit) = self.daily(operation) {
                let used = self.used.get(&(day(now), operation)).copied().unwrap_or(0);
                fields.insert(format!("{quota}Quota"), limit.to_string().into());
                fields.insert(format!("{quota}Remain"), limit.saturating_sub(used).to_string().into());
            }
        }
        Value::Object(fields).to_string()
    }
}

/// What `ObjectType` can say; tags have a call of their own.
const FILES_AND_MORE: [RefreshKind; 4] =
    [RefreshKind::Url, RefreshKind::Directory, RefreshKind::Regex, RefreshKind::AnyQuery];

/// The day in UTC+8, where the quota begins anew.
fn day(now: Timestamp) -> i64 {
    (now + SignedDuration::from_hours(8)).as_second().div_euclid(86_400)
}

fn boolean(request: &Arrived<'_>, name: &str) -> Result<(), Refusal> {
    match request.parameter(name).map(str::to_ascii_lowercase).as_deref() {
        None | Some("true" | "false") => Ok(()),
        Some(_) => Err(Refusal::new(400, "InvalidParameter", format!("{name} is neither true nor false."))),
    }
}
