//! EdgeOne, API version 2022-09-01: everything happens in a zone.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::answer;
use super::client::{Client, paging, parameters};
use super::spec::{TENCENT_EDGEONE, ZONE_PREFETCHES, ZONE_PURGES, ZONE_QUOTA, ZONES};
use crate::model::{Operation, PurgeMode, Quota, RefreshKind};
use crate::provider::{
    Accepted, Api, ApiError, CallSpec, Domain, Page, Provider, ProviderContext, RecordFilter, RecordKind, RecordStatus,
    RecordsSpec, Spec, Submission, zone,
};

/// The product, opened for one target.
struct EdgeOne {
    client: Client,
    /// The zone's id; empty until it is known.
    zone: String,
}

/// Opens it for a target.
pub fn open(context: ProviderContext) -> Box<dyn Provider> {
    Box::new(EdgeOne { client: Client { context, service: "teo", version: "2022-09-01" }, zone: String::new() })
}

impl EdgeOne {
    /// One call in the zone.
    async fn call(
        &self,
        call: &CallSpec,
        submits: bool,
        body: Map<String, Value>,
        api: &dyn Api,
    ) -> Result<crate::provider::answer::Answer, ApiError> {
        if self.zone.is_empty() {
            return Err(zone::unknown(ZONES.api));
        }
        let body = [("ZoneId".to_owned(), self.zone.as_str().into())].into_iter().chain(body).collect();
        self.client.call(call, submits, body, api).await
    }

    async fn list(
        &self,
        list: &RecordsSpec,
        filters: &[(&str, &str)],
        window: Option<(String, String)>,
        page: u32,
        api: &dyn Api,
    ) -> Result<Page, ApiError> {
        let filters: Vec<Value> =
            filters.iter().map(|(name, value)| json!({"Name": name, "Values": [value]})).collect();
        let (start, end) = window.unzip();
        let [offset, limit] = paging(&list.call, page);
        let body = parameters([
            ("Filters", (!filters.is_empty()).then(|| filters.into())),
            ("StartTime", start.map(Value::from)),
            ("EndTime", end.map(Value::from)),
            offset,
            limit,
        ]);
        answer::zone_records(&self.call(&list.call, false, body, api).await?)
    }
}

#[async_trait(?Send)]
impl Provider for EdgeOne {
    fn spec(&self) -> &'static Spec {
        &TENCENT_EDGEONE
    }

    /// Finds the zone: by its name, else the one with the longest name that the hosts end in.
    async fn prepare(&mut self, api: &dyn Api) -> Result<(), ApiError> {
        let context = &self.client.context;
        let named = context.word("zone");
        if let Some(id) = named.filter(|named| named.starts_with("zone-") && !named.contains('.')) {
            self.zone = id.to_owned();
            return Ok(());
        }
        let named = named.map(str::to_ascii_lowercase);
        let host = context.hosts.first().map_or("", String::as_str);
        if named.is_none() && host.is_empty() {
            return Ok(());
        }
        let fits = |name: &str| named.as_ref().map_or_else(|| zone::is_in(host, name), |named| named == name);
        let (mut found, mut seen): (Vec<(String, String)>, usize) = (Vec::new(), 0);
        for page in 1..=100 {
            let answer = self.client.call(&ZONES, false, parameters(paging(&ZONES, page)), api).await?;
            let rows = answer.rows("Zones")?;
            seen += rows.len();
            let zones =
                rows.iter().filter_map(|row| Some((row.text("ZoneName")?.to_ascii_lowercase(), row.text("ZoneId")?)));
            found.extend(zones.filter(|(name, _)| fits(name)));
            let total = answer.row().count("TotalCount").unwrap_or_default();
            if !ZONES.has_next_page(rows.len(), seen, total as usize) {
                break;
            }
        }
        let Some((name, id)) = found.into_iter().max_by_key(|(name, _)| name.len()) else {
            let help = "check that the credentials are for this account and may list its zones, or set the target's `zone` to its id";
            return Err(zone::missing(named.as_deref(), host, ZONES.api, help));
        };
        zone::holds(&context.hosts, &name, ZONES.api)?;
        self.zone = id;
        Ok(())
    }

    async fn submit(&self, submission: Submission<'_>, api: &dyn Api) -> Result<Accepted, ApiError> {
        let Submission { operation, mode, .. } = submission;
        let limits = TENCENT_EDGEONE.able(operation)?;
        let mut body = parameters([("EncodeUrl", self.client.encodes())]);
        let host_of = |url: &str| {
            let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
            rest.trim_end_matches('/').to_owned()
        };
        let values = submission.values();
        let mut targets: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let kind = match operation {
            Operation::Refresh(RefreshKind::Directory) => "purge_prefix",
            Operation::Refresh(RefreshKind::Tag) => {
                let host = submission.subjects.first().and_then(|subject| subject.host.as_deref()).unwrap_or_default();
                body.insert("CacheTag".into(), json!({ "Domains": [host] }));
                "purge_cache_tag"
            }
            Operation::Refresh(RefreshKind::Host) => {
                targets = values.iter().map(|url| host_of(url)).collect();
                "purge_host"
            }
            Operation::Refresh(RefreshKind::Everything) => {
                targets.clear();
                "purge_all"
            }
            Operation::Refresh(_) => "purge_url",
            Operation::Prefetch => "",
        };
        if !targets.is_empty() {
            body.insert("Targets".into(), json!(targets));
        }
        if operation == Operation::Prefetch {
            body.extend(self.client.headers().map(|headers| ("Headers".to_owned(), headers)));
        } else {
            body.insert("Type".into(), kind.into());
            // `invalidate` believes the origin's 304, `delete` drops; only these kinds know them: sdk 3.1.194.
            if !limits.modes.is_empty() {
                let method = if mode == PurgeMode::Soft { "invalidate" } else { "delete" };
                body.insert("Method".into(), method.into());
            }
        }
        answer::zone_accepted(&self.call(&limits.call, true, body, api).await?, &targets)
    }

    async fn status(&self, task_ids: &[String], page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let id = task_ids.first().map_or("", String::as_str);
        self.list(&ZONE_PURGES, &[("job-id", id)], None, page, api).await
    }

    async fn prefetch_status(&self, task_ids: &[String], page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let id = task_ids.first().map_or("", String::as_str);
        self.list(&ZONE_PREFETCHES, &[("job-id", id)], None, page, api).await
    }

    async fn records(&self, filter: &RecordFilter, page: u32, api: &dyn Api) -> Result<Page, ApiError> {
        let list = if filter.kind == Some(RecordKind::Prefetch) { &ZONE_PREFETCHES } else { &ZONE_PURGES };
        let mut filters: Vec<(&str, &str)> = Vec::new();
        filters.extend(filter.task_id.as_deref().map(|id| ("job-id", id)));
        // A purge of a host names the host, and one of everything nothing: of a root all rows are read.
        let path =
            |url: &str| url.split_once("://").map_or(url, |(_, rest)| rest).split_once('/').map(|(_, path)| path.len());
        let target = filter.url.as_deref().filter(|url| path(url).is_some_and(|length| length > 0));
        filters.extend(target.map(|url| ("target", url)));
        filters.extend(filter.domain.as_deref().map(|domain| ("domains", domain)));
        filters.extend(match filter.kind {
            Some(RecordKind::File) => Some(("type", "purge_url")),
            Some(RecordKind::Directory) => Some(("type", "purge_prefix")),
            Some(RecordKind::Regex) => return Ok(Page::default()),
            Some(RecordKind::Prefetch) | None => None,
        });
        filters.extend(match filter.status {
            Some(RecordStatus::Running) => Some(("statuses", "processing")),
            Some(RecordStatus::Complete) => Some(("statuses", "success")),
            // Failed, timed out, canceled or invalid: the caller filters.
            Some(RecordStatus::Failed) | None => None,
        });
        let window = filter.window_or_latest(list, &TENCENT_EDGEONE, api);
        let text = |time: jiff::Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.list(list, &filters, window.map(|(start, end)| (text(start), text(end))), page, api).await
    }

    async fn quota(&self, api: &dyn Api) -> Result<Quota, ApiError> {
        answer::zone_quota(&self.call(&ZONE_QUOTA, false, Map::new(), api).await?, &TENCENT_EDGEONE)
    }

    async fn domains(&self, _: &CallSpec, page: u32, api: &dyn Api) -> Result<Page<Domain>, ApiError> {
        let body = parameters(paging(&ZONES, page));
        self.client.call(&ZONES, false, body, api).await?.page("Zones", answer::zone)
    }
}
