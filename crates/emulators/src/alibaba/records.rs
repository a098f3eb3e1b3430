//! The list of records by filter, a page at a time, with the refusals that are documented.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::AlibabaEmulator;
use super::reply::Refusal;
use super::request::Arrived;
use super::signature::time;
use super::tasks::{Tasks, object_type};

/// What a call asks for.
struct Filter<'r> {
    task_id: Option<u64>,
    url: Option<&'r str>,
    object_type: Option<&'r str>,
    domain: Option<&'r str>,
    status: Option<&'r str>,
    start: Timestamp,
    end: Timestamp,
    page: usize,
    size: usize,
}

pub(super) fn refusal(code: &'static str, what: &str) -> Refusal {
    Refusal::new(400, code, what)
}

impl AlibabaEmulator {
    /// Newest first.
    pub(super) fn records(&self, request: &Arrived<'_>, now: Timestamp) -> Result<String, Refusal> {
        let filter = Filter::read(request, self.spec.records().map_or(0, |list| list.call.rows_per_page), now)?;
        let fits = |place: &usize| {
            self.tasks.is_listed(*place, &self.settings, now)
                && filter.fits(*place, &self.tasks)
                && filter.status.is_none_or(|status| self.tasks.status(*place, &self.settings, now) == status)
        };
        let places: Vec<usize> = match (filter.task_id, filter.url) {
            (Some(id), _) => self.tasks.of_id(id).iter().rev().copied().filter(fits).collect(),
            (None, Some(url)) => self.tasks.of_url(url).iter().rev().copied().filter(fits).collect(),
            (None, None) => self.tasks.created_within(filter.start, filter.end).rev().filter(fits).collect(),
        };
        let page = places.iter().skip((filter.page - 1) * filter.size).take(filter.size);
        let rows: Vec<_> = page.map(|place| self.tasks.shown(*place, &self.settings, now)).collect();
        let rows =
            serde_json::to_string(&BTreeMap::from([(self.shape.rows, rows)])).expect("rows hold nothing but text");
        let Filter { page, size, .. } = filter;
        Ok(format!("{{\"PageNumber\":{page},\"PageSize\":{size},\"TotalCount\":{},\"Tasks\":{rows}}}", places.len()))
    }
}

impl<'r> Filter<'r> {
    fn read(request: &'r Arrived<'r>, largest_page: usize, now: Timestamp) -> Result<Self, Refusal> {
        let (start, end) = window(request, now)?;
        let filter = Self {
            task_id: match request.parameter("TaskId").map(str::parse) {
                None => None,
                Some(Ok(id)) => Some(id),
                Some(Err(_)) => return Err(refusal("InvalidTaskId.Malformed", "TaskId is not a number.")),
            },
            url: request.parameter("ObjectPath"),
            object_type: request.parameter("ObjectType"),
            domain: request.parameter("DomainName"),
            status: request.parameter("Status"),
            start,
            end,
            page: number(request, "PageNumber", 1, 100_000)?,
            size: number(request, "PageSize", 20, largest_page)?,
        };
        if (filter.domain.is_some() || filter.status.is_some()) && filter.object_type.is_none() {
            return Err(refusal("MissingParameter.ObjectType", "ObjectType must go with DomainName or Status."));
        }
        if filter.domain.is_some_and(|domain| domain.contains(',')) {
            return Err(Refusal::new(500, "DomainNameOverLimit", "Only one DomainName is supported."));
        }
        if filter.status.is_some_and(|status| !matches!(status, "Complete" | "Refreshing" | "Failed")) {
            return Err(refusal("InvalidStatus.ValueNotSupported", "Status is not supported."));
        }
        let known = ["file", "directory", "regex", "preload", "ignoreParams", "cacheTag"];
        if filter.object_type.is_some_and(|word| !known.iter().any(|known| known.eq_ignore_ascii_case(word))) {
            return Err(refusal("InvalidObjectType.ValueNotSupported", "ObjectType is not supported."));
        }
        Ok(filter)
    }

    /// Everything but the status.
    fn fits(&self, place: usize, tasks: &Tasks) -> bool {
        let created = tasks.created(place);
        let url = tasks.url(place);
        let host = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
        (self.start..=self.end).contains(&created)
            && self.task_id.is_none_or(|id| tasks.id_of(place) == id)
            && self.url.is_none_or(|asked| asked == url)
            && self.domain.is_none_or(|domain| domain.eq_ignore_ascii_case(host))
            && self.object_type.is_none_or(|word| word.eq_ignore_ascii_case(object_type(tasks.operation(place))))
    }
}

/// Start and end, both or none.
pub(super) fn times(request: &Arrived<'_>) -> Result<Option<(Timestamp, Timestamp)>, Refusal> {
    let (start, end) = match (request.parameter("StartTime"), request.parameter("EndTime")) {
        (None, None) => return Ok(None),
        (Some(start), Some(end)) => (time(start), time(end)),
        _ => return Err(refusal("MissingTimeParameter", "StartTime and EndTime must be given together.")),
    };
    let start = start.ok_or_else(|| refusal("InvalidStartTime.Malformed", "StartTime is not well formatted."))?;
    let end = end.ok_or_else(|| refusal("InvalidEndTime.Malformed", "EndTime is not well formatted."))?;
    if end <= start {
        return Err(refusal("InvalidEndTime.Mismatch", "EndTime is not after StartTime."));
    }
    Ok(Some((start, end)))
}

/// Not older than three days. The whole second of the end counts.
fn window(request: &Arrived<'_>, now: Timestamp) -> Result<(Timestamp, Timestamp), Refusal> {
    let oldest = now - SignedDuration::from_hours(72);
    let Some((start, end)) = times(request)? else { return Ok((oldest, now)) };
    match () {
        () if start < oldest => Err(refusal("InvalidTime", "StartTime is more than three days ago.")),
        () if start > now => Err(refusal("InvalidStartTime.ValueNotSupported", "StartTime is in the future.")),
        () => Ok((start, end + SignedDuration::from_millis(999))),
    }
}

/// A number from 1 to `most`. Which code the vendor has for another is not documented.
pub(super) fn number(request: &Arrived<'_>, name: &str, default: usize, most: usize) -> Result<usize, Refusal> {
    match request.parameter(name).map(str::parse::<usize>) {
        None => Ok(default),
        Some(Ok(number)) if (1..=most).contains(&number) => Ok(number),
        Some(_) => Err(refusal("InvalidParameter", &format!("{name} is not between 1 and {most}."))),
    }
}
