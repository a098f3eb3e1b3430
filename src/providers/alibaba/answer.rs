//! An answer becomes accepted task ids, a page of records, or a quota; anything else becomes an error. What is measured,
//! logs and domains are read in `asked.rs`.
//!
//! The vendor sends numbers as numbers or as text, leaves lists out when they are empty, and nests a list by one level
//! in one call and not in the other: all of it is read alike.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use http::{Response, StatusCode};
use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::{Operation, Quota, QuotaEntry};
use crate::provider::{Accepted, ApiError, Page, Record, TaskState};

mod asked;

/// What came back from one call.
pub(super) struct Answer {
    pub(super) api: &'static str,
    pub(super) permission: &'static str,
    /// Whether the call may have changed something.
    pub(super) submits: bool,
    /// What we signed; compared with what the server says, never shown.
    pub(super) string_to_sign: String,
    pub(super) response: Response<Bytes>,
}

impl Answer {
    /// The task ids of an accepted batch. Without one of them nothing proves that it was taken.
    pub(super) fn accepted(&self, field: &str) -> Result<Accepted, ApiError> {
        let fields: BTreeMap<String, Scalar> = self.fields()?;
        let mut task_ids: Vec<String> = Vec::new();
        let listed = fields.get(field).map_or("", |ids| &ids.0);
        for id in listed.split(',').map(str::trim).filter(|id| is_plausible_id(id)) {
            if !task_ids.iter().any(|known| known == id) {
                task_ids.push(id.to_owned());
            }
        }
        if task_ids.is_empty() {
            return Err(self.without(&format!("a task id in `{field}`"), fields.get("Code")));
        }
        let Some(request_id) = self.request_id(fields.get("RequestId")) else {
            return Err(self.without("a request id", fields.get("Code")));
        };
        Ok(Accepted { task_ids, request_id: Some(request_id) })
    }

    /// The rows of `Tasks`.
    pub(super) fn page(&self) -> Result<Page, ApiError> {
        let body: Tasks = self.read()?;
        // A list that is absent is an empty one, if this is the vendor's answer at all.
        if (body.tasks.is_none() && self.request_id(body.request_id.as_ref()).is_none()) || body.code.is_some() {
            return Err(self.without("a request id or a list", body.code.as_ref()));
        }
        let rows = body.tasks.unwrap_or_default().0;
        let records: Vec<Record> = rows.into_iter().map(Row::into_record).collect();
        let total = body.total_count.and_then(|count| count.0.trim().parse().ok()).unwrap_or(records.len());
        Ok(Page { records, total })
    }

    /// What is left; an operation whose numbers are missing or unreadable is left out. `prefixes`: how the names of its
    /// fields begin.
    pub(super) fn quota(&self, prefixes: &[(Operation, &str)]) -> Result<Quota, ApiError> {
        let fields: BTreeMap<String, Scalar> = self.fields()?;
        let number = |prefix: &str, suffix: &str| {
            let number: i64 = fields.get(&format!("{prefix}{suffix}"))?.0.trim().parse().ok()?;
            Some(u64::try_from(number).unwrap_or(0))
        };
        let entry = |&(operation, prefix): &(Operation, &str)| {
            Some(QuotaEntry { operation, limit: number(prefix, "Quota")?, remaining: number(prefix, "Remain")? })
        };
        let entries: Vec<QuotaEntry> = prefixes.iter().filter_map(entry).collect();
        let is_answer = !entries.is_empty() || self.request_id(fields.get("RequestId")).is_some();
        if !is_answer || fields.contains_key("Code") {
            return Err(self.without("a request id or a quota", fields.get("Code")));
        }
        Ok(Quota { entries })
    }

    /// The scalar fields of an answer without a list.
    fn fields(&self) -> Result<BTreeMap<String, Scalar>, ApiError> {
        self.read()
    }

    fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ApiError> {
        if self.response.status() != StatusCode::OK {
            return Err(self.refusal());
        }
        let body = self.response.body();
        serde_json::from_slice(body).map_err(|error| {
            self.unreadable(&match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None => "an empty body".to_owned(),
                Some(b'<') => "HTML or XML instead of JSON, perhaps from a proxy".to_owned(),
                Some(_) if error.is_eof() => format!("JSON that breaks off after {} bytes", body.len()),
                Some(_) => format!("{} bytes that can't be read as the answer", body.len()),
            })
        })
    }

    /// JSON of another shape; perhaps an error that came as a success.
    fn without(&self, missing: &str, code: Option<&Scalar>) -> ApiError {
        let code = code.map(|code| format!(", with the code `{}`", code.0.chars().take(128).collect::<String>()));
        self.unreadable(&format!("JSON without {missing}{}", code.unwrap_or_default()))
    }

    /// The vendor's id of the request: in the body, else in a header.
    pub(super) fn request_id(&self, in_body: Option<&Scalar>) -> Option<String> {
        let in_header = || self.response.headers().get("x-acs-request-id")?.to_str().ok();
        let id = in_body.map(|id| id.0.as_str()).filter(|id| !id.is_empty()).or_else(in_header)?;
        (!id.is_empty()).then(|| id.chars().take(128).collect())
    }
}

fn is_plausible_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A list of tasks. Unknown fields are ignored everywhere.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tasks {
    request_id: Option<Scalar>,
    total_count: Option<Scalar>,
    code: Option<Scalar>,
    tasks: Option<List<Row>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Row {
    task_id: Scalar,
    object_path: Scalar,
    object_type: Scalar,
    status: Scalar,
    process: Scalar,
    creation_time: Scalar,
    description: Scalar,
}

impl Row {
    /// Any status but the two final words counts as not finished.
    fn into_record(self) -> Record {
        let state = match self.status.0.trim().to_ascii_lowercase().as_str() {
            "complete" => TaskState::Complete,
            "failed" if self.description.0.is_empty() => TaskState::Failed("no description".to_owned()),
            "failed" => TaskState::Failed(self.description.0),
            _ => TaskState::Running,
        };
        Record {
            percent: leading_number(&self.process.0),
            created: moment(self.creation_time.0.trim()),
            task_id: self.task_id.0,
            url: self.object_path.0,
            prefetch: self.object_type.0.eq_ignore_ascii_case("preload"),
            kind: self.object_type.0,
            status: self.status.0,
            state,
        }
    }
}

/// A time with its offset, or without one in UTC as the vendor's are; or seconds or milliseconds since the epoch.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse::<i64>() {
        let seconds = if number.abs() >= 100_000_000_000 { number / 1_000 } else { number };
        return Timestamp::from_second(seconds).ok();
    }
    let civil =
        || Some(text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp());
    text.parse().ok().or_else(civil)
}

/// `99.37` of `99.37%`.
fn leading_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].parse().ok()
}

/// A list, plain or one level down (`Tasks.CDNTask`).
struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list, or an object that holds it")
            }

            fn visit_unit<E>(self) -> Result<List<T>, E> {
                Ok(List::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = list.next_element()? {
                    rows.push(row);
                }
                Ok(List(rows))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<List<T>, A::Error> {
                let mut rows = Vec::new();
                while map.next_key::<IgnoredAny>()?.is_some() {
                    rows.append(&mut map.next_value::<Option<Vec<T>>>()?.unwrap_or_default());
                }
                Ok(List(rows))
            }
        }
        deserializer.deserialize_any(Read(std::marker::PhantomData))
    }
}

/// A field that may come as text, number, truth value or null; an object or a list is read as empty.
#[derive(Default)]
pub(super) struct Scalar(pub(super) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a number")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned()))
            }

            fn visit_bool<E>(self, yes: bool) -> Result<Scalar, E> {
                Ok(Scalar(yes.to_string()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::default())
            }
        }
        deserializer.deserialize_any(Read)
    }
}
