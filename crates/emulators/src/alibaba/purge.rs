//! Refreshes, prefetches, their status by id, and the quota.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::errors::{missing, no_domain, unknown_type};
use super::products::{HOSTS_PER_CALL, IDS_PER_CALL, URL_CHARACTERS};
use super::state::{Alibaba, OpenId};
use crate::account::{Limit, limit};
use crate::request::{Received, host_of, is_host};
use crate::response::{Answer, ErrorCode};
use crate::signing::escape;
use crate::{Ids, Operation};

/// What `ObjectType` can say; tags have a call of their own. Reference 2026-04 in Chinese; its English text says ExQuery.
const OBJECT_TYPES: [(&str, Operation); 4] = [
    ("File", Operation::RefreshUrl),
    ("Directory", Operation::RefreshDirectory),
    ("Regex", Operation::RefreshRegex),
    ("IgnoreParams", Operation::RefreshAnyQuery),
];

impl Alibaba {
    pub(super) fn refresh(&mut self, request: &Received<'_>, now: Timestamp) -> Answer {
        let word = request.parameter("ObjectType").unwrap_or("File");
        let known = OBJECT_TYPES.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
        boolean(request, "Force")?;
        self.submit(known.ok_or_else(unknown_type)?.1, request, now)
    }

    pub(super) fn refresh_tags(&mut self, request: &Received<'_>, now: Timestamp) -> Answer {
        boolean(request, "Force")?;
        let (Some(host), Some(tags)) = (request.parameter("DomainName"), request.parameter("CacheTag")) else {
            return Err(missing("DomainName and CacheTag are"));
        };
        if host.contains([',', '/', '*']) || !host.contains('.') {
            return Err(no_domain());
        }
        let tags = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        let urls: Vec<String> = tags.map(|tag| format!("https://{host}/#{}", escape(tag))).collect();
        let limit = limit(self.product.limits, Operation::RefreshTag).ok_or_else(unknown_type)?;
        if urls.len() > limit.per_call {
            return Err(ErrorCode::new("SingleRequest.OverLimit", "CacheTag holds too many tags."));
        }
        if urls.iter().any(|url| self.account.refuses(url)) {
            return Err(ErrorCode::new("InvalidObjectPath.Malformed", "CacheTag is not valid."));
        }
        let host = host.to_ascii_lowercase();
        self.accept(limit, urls.iter().map(|url| (url.as_str(), host.clone())).collect(), now)
    }

    pub(super) fn prefetch(&mut self, request: &Received<'_>, now: Timestamp) -> Answer {
        for name in ["L2Preload", "QueryHashkey", "ConsistencyHash"] {
            boolean(request, name)?;
        }
        if request.parameter("Area").is_some_and(|area| !matches!(area, "domestic" | "overseas")) {
            return Err(ErrorCode::new("InvalidParameter", "Area is neither domestic nor overseas."));
        }
        let is_text_list = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        let headers = request.parameter("WithHeader").map(serde_json::from_str::<Map<String, Value>>);
        if headers.is_some_and(|headers| !headers.is_ok_and(|headers| headers.values().all(is_text_list))) {
            return Err(ErrorCode::new("InvalidCustomHeader", "WithHeader is not an object of lists."));
        }
        self.submit(Operation::Prefetch, request, now)
    }

    fn submit(&mut self, operation: Operation, request: &Received<'_>, now: Timestamp) -> Answer {
        let limit = limit(self.product.limits, operation).ok_or_else(unknown_type)?;
        let path = request.parameter("ObjectPath").unwrap_or_default();
        let urls: Vec<&str> = path.split('\n').map(str::trim).filter(|url| !url.is_empty()).collect();
        if urls.is_empty() {
            return Err(missing("ObjectPath is"));
        }
        if urls.len() > limit.per_call {
            return Err(ErrorCode::new("InvalidObjectPath.ExceedsMaximum", "ObjectPath holds too many URLs."));
        }
        let with_host = |url| Ok((url, self.host(operation, url)?));
        let urls: Vec<_> = urls.into_iter().map(with_host).collect::<Result<_, _>>()?;
        if urls.iter().map(|(_, host)| host).collect::<HashSet<_>>().len() > HOSTS_PER_CALL {
            return Err(ErrorCode::new("SingleRequest.OverLimit", "ObjectPath holds too many domain names."));
        }
        self.accept(limit, urls, now)
    }

    /// The host of a URL, if the vendor would take it. Documented with and without a scheme.
    fn host(&self, operation: Operation, url: &str) -> Result<String, ErrorCode> {
        let malformed = || ErrorCode::new("InvalidObjectPath.Malformed", format!("ObjectPath {url} is not valid."));
        let wrong_end = operation == Operation::RefreshDirectory && !url.ends_with('/');
        if wrong_end || self.account.refuses(url) || url.chars().count() > URL_CHARACTERS {
            return Err(malformed());
        }
        let host = host_of(url).unwrap_or_default();
        if host.starts_with("*.") || host.starts_with('.') {
            let message = "Wildcard domain names are not supported.";
            return Err(ErrorCode::new("InvalidExtensiveDomain.ValueNotSupported", message));
        }
        if operation == Operation::RefreshRegex || is_host(&host) { Ok(host) } else { Err(malformed()) }
    }

    /// Spends the quota, and takes URLs, each with its host.
    fn accept(&mut self, limit: &Limit, urls: Vec<(&str, String)>, now: Timestamp) -> Answer {
        let operation = limit.operation;
        if !self.account.spend(limit, urls.len() as u64, now) {
            return Err(match operation {
                Operation::Prefetch => ErrorCode::new("QuotaExceeded.Preload", "The preload quota is exceeded."),
                _ => ErrorCode::new("QuotaExceeded.Refresh", "The refresh quota is exceeded."),
            });
        }
        let mut ids: Vec<u64> = Vec::new();
        let of_call = self.account.tasks.next_id();
        for (url, host) in urls {
            let id = match self.account.settings.ids {
                Ids::Merged => self.merged_id(operation, host, now),
                Ids::PerCall => of_call,
                Ids::PerUrl => self.account.tasks.next_id(),
            };
            self.account.tasks.accept(id, operation, url, now, limit.typical);
            if ids.last() != Some(&id) && !ids.contains(&id) {
                ids.push(id);
            }
        }
        let field = if operation == Operation::Prefetch { self.product.prefetch_ids } else { "RefreshTaskId" };
        let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
        Ok(json!({ field: ids.join(",") }).to_string())
    }

    /// URLs of one host share an id within one second, up to 2,000 refreshes or 500 prefetches; a directory, a regular expression
    /// and a tag have one each. Source: the operation notes in alibabacloud_cdn20180510 9.2.0.
    fn merged_id(&mut self, operation: Operation, host: String, now: Timestamp) -> u64 {
        let shared_by = match operation {
            Operation::RefreshUrl | Operation::RefreshAnyQuery => 2_000,
            Operation::Prefetch => 500,
            _ => 1,
        };
        let (id, second) = (self.account.tasks.next_id(), now.as_second());
        let open = self.open_ids.entry((operation, host)).or_insert(OpenId { second, id, size: 0 });
        if open.second != second || open.size >= shared_by {
            *open = OpenId { second, id, size: 0 };
        }
        open.size += 1;
        open.id
    }

    pub(super) fn status(&self, request: &Received<'_>, now: Timestamp) -> Answer {
        let requested = request.parameter("TaskId").ok_or_else(|| missing("TaskId is"))?;
        let ids: Option<HashSet<u64>> = requested.split(',').map(|id| id.trim().parse().ok()).collect();
        let ids = ids
            .filter(|_| requested.split(',').count() <= IDS_PER_CALL)
            .ok_or_else(|| ErrorCode::new("InvalidTaskId.Malformed", "TaskId is not a list of up to ten numbers."))?;
        let tasks = &self.account.tasks;
        let places = ids.iter().flat_map(|id| tasks.of_id(*id)).copied();
        let mut places: Vec<_> = places.filter(|place| tasks.is_listed(*place, now)).collect();
        places.sort_unstable();
        let rows: Vec<_> = places.iter().map(|place| self.row(*place, now)).collect();
        let rows_text = serde_json::to_string(&rows).expect("rows hold nothing but text");
        Ok(format!("{{\"TotalCount\":{},\"Tasks\":{rows_text}}}", rows.len()))
    }

    /// Numbers as text, as the vendor's examples show them.
    pub(super) fn quota(&self, now: Timestamp) -> String {
        let mut fields = Map::new();
        for limit in self.product.limits.iter().filter(|limit| !limit.quota.is_empty()) {
            if let Some(daily) = self.account.daily(limit) {
                let left = daily.saturating_sub(self.account.spent(limit, now));
                fields.insert(format!("{}Quota", limit.quota), daily.to_string().into());
                fields.insert(format!("{}Remain", limit.quota), left.to_string().into());
            }
        }
        Value::Object(fields).to_string()
    }
}

fn boolean(request: &Received<'_>, name: &str) -> Result<(), ErrorCode> {
    match request.parameter(name).map(str::to_ascii_lowercase).as_deref() {
        None | Some("true" | "false") => Ok(()),
        Some(_) => Err(ErrorCode::new("InvalidParameter", format!("{name} is neither true nor false."))),
    }
}
