//! Parses a response: a success with its JSON object, or an error.

use bytes::Bytes;
use http::{HeaderMap, Response};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::body::{self, BodyFormat};
use super::credentials::{Credentials, SharedCredentials};
use super::error_format::{ErrorFields, ErrorFormat, SentRequest, unreadable, word};
use super::json::Row;
use super::sign::Signed;
use super::{Api, ApiError, ApiErrorKind, ApiName, CallSpec, Page, TaskState, clock};

impl ErrorFormat {
    /// Signs a call with the current credentials and time, sends it, once, and reads the answer. If it `submits`, it may change
    /// something, so that a lost answer leaves doubt.
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    pub async fn ask(
        &'static self,
        call: &CallSpec,
        submits: bool,
        credentials: &SharedCredentials,
        api: &dyn Api,
        sign: impl FnOnce(&Credentials, Timestamp) -> Result<Signed, ApiError>,
    ) -> Result<Answer, ApiError> {
        let &CallSpec { api: name, permission, .. } = call;
        let now = api.now();
        let signed = sign(&credentials.current(), now)?;
        let mut request = signed.request;
        request.extensions_mut().insert(ApiName(name));
        let response = api.call(request).await.map_err(|error| ApiError { api: name, ..error })?;
        let sent = SentRequest { api: name, permission, submits, signed_at: Some(now), signed: &signed.string_to_sign };
        let answer = self.read(&sent, &response);
        // An error is certainly the vendor's if it has a code and an id of the request.
        let date = match &answer {
            Ok(answer) => answer.base.server_time,
            Err(error) if error.code.is_some() && error.request_id.is_some() => error.server_time,
            Err(_) => None,
        };
        match date {
            // Nobody refused a clock that is far off: no time is too far from ours to be the vendor's.
            Some(date) if signed.string_to_sign.is_empty() => api.correct_clock(date),
            Some(date) => api.learn_server_time(date),
            None => {}
        }
        answer
    }

    /// What the envelope holds; anything else as it is.
    fn unwrapped(&self, mut body: Value) -> Value {
        match body.get_mut(self.envelope) {
            Some(inner @ Value::Object(_)) => inner.take(),
            _ => body,
        }
    }

    /// A body of another format.
    fn foreign(&self) -> String {
        match self.body {
            BodyFormat::Json => "HTML or XML instead of JSON, perhaps from a proxy".to_owned(),
            BodyFormat::Xml => "HTML, JSON or broken XML instead of the vendor's XML, perhaps from a proxy".to_owned(),
        }
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// What it refuses; `Ambiguous` or `Server` where it isn't the vendor's answer to this call.
    pub fn read(&'static self, sent: &SentRequest<'_>, response: &Response<Bytes>) -> Result<Answer, ApiError> {
        let (status, headers) = (response.status(), response.headers());
        let in_header = headers.get(self.request_id_header).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let base = ApiError {
            request_id: word(in_header),
            status: Some(status.as_u16()),
            server_time: clock::date(headers),
            ..ApiError::new(if sent.submits { ApiErrorKind::Ambiguous } else { ApiErrorKind::Server }, sent.api, "")
        };
        if status.is_redirection() {
            return Err(unreadable(base, &format!("a redirect to {}; nothing is sent there", redirect_host(headers))));
        }
        let body = match response.body().is_empty() && self.may_be_empty {
            true => Ok((self.body, Value::Object(Map::new()))),
            false => body::parse(response.body()).map(|(format, value)| (format, self.unwrapped(value))),
        };
        let mut fields = ErrorFields::of(self, body.as_ref().map_or(&Value::Null, |(_, value)| value));
        let base = ApiError { request_id: word(fields.request_id.clone()).or(base.request_id.clone()), ..base };
        let length = response.body().len();
        let is_good = self.good.contains(&status.as_u16());
        if self.status_is_code && !is_good && fields.message.is_some() {
            fields.code.get_or_insert_with(|| status.as_u16().to_string());
        }
        if !is_good || (self.errors_may_look_good && fields.code.is_some()) {
            return Err(self.refusal(fields, headers, sent, base));
        }
        match body {
            Ok((format, body @ Value::Object(_))) if format == self.body => {
                Ok(Answer { body, format: self, code: fields.code, base })
            }
            Ok((format, _)) if format == self.body => {
                Err(unreadable(base, &format!("{}, but not an object", format.name())))
            }
            Ok(_) => Err(unreadable(base, &self.foreign())),
            Err(error) => Err(unreadable(
                base,
                &match response.body().trim_ascii_start().first() {
                    None => "an empty body".to_owned(),
                    Some(b'<') => self.foreign(),
                    Some(_) if error.is_eof() => format!("JSON that breaks off after {length} bytes"),
                    Some(_) => format!("{length} bytes that can't be read as the answer"),
                },
            )),
        }
    }
}

/// A successful response: an object, and the context for an error about its content.
pub struct Answer {
    body: Value,
    format: &'static ErrorFormat,
    code: Option<String>,
    base: ApiError,
}

impl Answer {
    /// The object.
    pub fn row(&self) -> Row<'_> {
        Row(&self.body)
    }

    /// The vendor's id of the request.
    pub fn request_id(&self) -> Option<String> {
        self.base.request_id.clone()
    }

    /// The error code in it, which it should have none of.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The ids of accepted tasks, which are in one field, separated by commas. Without one nothing proves that the batch
    /// was accepted.
    ///
    /// # Errors
    /// [`Answer::without`] one.
    pub fn task_ids(&self, field: &str) -> Result<Vec<String>, ApiError> {
        let listed = self.row().word(field);
        let mut ids: Vec<String> = Vec::new();
        for id in listed.split(',').map(str::trim).filter(|id| is_plausible_id(id)) {
            if !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
        if ids.is_empty() { Err(self.without(&format!("a task id in `{field}`"))) } else { Ok(ids) }
    }

    /// The rows of a list. It may be left out of an answer that has the vendor's proof.
    ///
    /// # Errors
    /// [`Answer::without`] one.
    pub fn rows(&self, field: &str) -> Result<Vec<Row<'_>>, ApiError> {
        let may_be = self.code.is_none() && (self.format.nested_lists || !self.body[field].is_object());
        match self.row().rows(field).filter(|_| may_be) {
            Some(Some(rows)) => Ok(rows),
            Some(None) if self.row().text(self.format.proof).is_some() => Ok(Vec::new()),
            _ => Err(self.without(&format!("a list in `{field}`"))),
        }
    }

    /// A page of a list, with each row as `read` reads it; what it can't read is left out.
    ///
    /// # Errors
    /// [`Answer::without`] a list.
    pub fn page<T>(&self, field: &str, read: impl Fn(Row<'_>) -> Option<T>) -> Result<Page<T>, ApiError> {
        let rows: Vec<T> = self.rows(field)?.into_iter().filter_map(read).collect();
        let total = self.row().count(self.format.total).map_or(rows.len(), |total| total as usize);
        Ok(Page { rows, total })
    }

    /// That it is JSON of another shape; perhaps an error that came as a success.
    pub fn without(&self, missing: &str) -> ApiError {
        let code = self.code.as_ref().map(|code| format!(", with the code `{code}`"));
        self.unreadable(&format!("JSON without {missing}{}", code.unwrap_or_default()))
    }

    /// That it isn't the vendor's answer to this call: after a submission, whether it was accepted is not known.
    pub fn unreadable(&self, what: &str) -> ApiError {
        unreadable(self.base.clone(), what)
    }
}

/// How far a task is: the two final fields say so, in either case; any other counts as not finished.
pub fn state(status: &str, complete: &str, failed: &str, why: Option<String>) -> TaskState {
    if status.trim().eq_ignore_ascii_case(complete) {
        TaskState::Complete
    } else if status.trim().eq_ignore_ascii_case(failed) {
        TaskState::Failed(why.unwrap_or_else(|| "no description".to_owned()))
    } else {
        TaskState::Running
    }
}

/// Whether a text can be an id: letters, digits, `_` and `-`, as it may travel in a path.
pub fn is_plausible_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn redirect_host(headers: &HeaderMap) -> String {
    let location = headers.get("location").and_then(|location| location.to_str().ok());
    let host = location.and_then(|location| url::Url::parse(location).ok()?.host_str().map(str::to_owned));
    match (host, location) {
        (Some(host), _) => format!("`{host}`"),
        (None, Some(_)) => "another path of the same host".to_owned(),
        (None, None) => "nowhere".to_owned(),
    }
}
