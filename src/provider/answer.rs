//! What comes back from one call becomes a good answer's object, or the error that it is. How a vendor words its errors is data
//! ([`Wording`]); what a refusal allows to do next is decided here, alike for all of them.
//!
//! The vendor's code decides; the status decides only where the code is unknown or there is none.

use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

use super::credentials::{Credentials, Keys};
use super::json::Row;
use super::sign::Signed;
use super::{Api, ApiError, ApiErrorKind, ApiName, CallSpec, Page, TaskState, clock};

/// The longest wait that we take from a header; alibabacloud_tea_openapi 0.4.6 cuts it there too.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// In characters: what a server says is not trusted to be short.
const LONGEST_MESSAGE: usize = 1_000;
/// In characters, of a code or an id.
const LONGEST_WORD: usize = 128;

/// How a vendor words its errors, and what all of its good answers are like.
#[derive(Debug)]
pub struct Wording {
    /// The statuses of a good answer.
    pub good: RangeInclusive<u16>,
    /// Whether an error may come with such a status: then it is one. Else its code only makes the answer unreadable.
    pub errors_may_look_good: bool,
    /// Whether a list may stand one level down.
    pub nested_lists: bool,
    /// Where an answer says how many rows a list has over all pages.
    pub total: &'static str,
    /// What proves that an answer is the vendor's, so that it may leave out a list that is empty.
    pub proof: &'static str,
    /// The object that holds an error's fields; where it isn't there, they stand by themselves.
    pub inside: &'static str,
    /// The names of the code, any of them; like the others in XML too, where the vendor's gateways send some.
    pub code: &'static [&'static str],
    /// The names of the message.
    pub message: &'static [&'static str],
    /// The names of the request's id, which good answers have too.
    pub request_id: &'static [&'static str],
    /// The names of a page that explains it.
    pub link: &'static [&'static str],
    /// The header with the request's id.
    pub request_id_header: &'static str,
    /// The headers that ask to wait, each with what its number counts.
    pub waits: &'static [(&'static str, Duration)],
    /// Two beginnings of a code that mean the same: the first is read as the second.
    pub alias: (&'static str, &'static str),
    /// What each code allows; of two that fit, the first counts.
    pub codes: &'static [Code],
    /// What a status allows where that is said by this vendor alone; with whether there is a code, an unknown one.
    pub by_status: fn(u16, bool) -> Option<ApiErrorKind>,
    /// Looks at an error once more, with what was sent and before its message is cut.
    pub amend: fn(&mut ApiError, &Sent<'_>),
}

/// What an error code allows to do next.
#[derive(Debug)]
pub struct Code {
    /// The code, or its beginning if it ends in `*`. Compared without regard to case.
    pub pattern: &'static str,
    /// What may be done next.
    pub kind: ApiErrorKind,
    /// Wait at least so many seconds before the next attempt.
    pub wait_seconds: u64,
    /// What to do; `{permission}` stands for the permission of the call. Empty if there is nothing to say.
    pub help: &'static str,
}

/// A call that was sent: what its answer is held against.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    /// The vendor's name of the call.
    pub api: &'static str,
    /// The permission it needs.
    pub permission: &'static str,
    /// Whether it may have changed something, so that a lost answer leaves doubt.
    pub submits: bool,
    /// The time in the signature; `None` where nothing was signed.
    pub signed_at: Option<Timestamp>,
    /// What the signature covers, where the server says what it covers; never shown.
    pub signed: &'a str,
}

impl Wording {
    /// Signs a call with the keys and the time of now, sends it, once, and reads the answer. If it `submits`, it may change
    /// something, so that a lost answer leaves doubt.
    ///
    /// # Errors
    /// Any [`ApiErrorKind`].
    pub async fn ask(
        &'static self,
        call: &CallSpec,
        submits: bool,
        keys: &Keys,
        api: &dyn Api,
        sign: impl FnOnce(Credentials, Timestamp) -> Result<Signed, http::Error>,
    ) -> Result<Answer, ApiError> {
        let &CallSpec { api: name, permission, .. } = call;
        let now = api.now();
        let signed = sign(keys.current(), now).map_err(|error| ApiError::unsignable(name, &error))?;
        let mut request = signed.request;
        request.extensions_mut().insert(ApiName(name));
        let response = api.call(request).await.map_err(|error| ApiError { api: name, ..error })?;
        let sent = Sent { api: name, permission, submits, signed_at: Some(now), signed: &signed.string_to_sign };
        self.read(&sent, &response)
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// What it refuses; `Ambiguous` or `Server` where it isn't the vendor's answer to this call.
    pub fn read(&'static self, sent: &Sent<'_>, response: &Response<Bytes>) -> Result<Answer, ApiError> {
        let (status, headers) = (response.status(), response.headers());
        let in_header = headers.get(self.request_id_header).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let blank = ApiError {
            request_id: word(in_header),
            status: Some(status.as_u16()),
            server_time: clock::date(headers),
            ..ApiError::new(if sent.submits { ApiErrorKind::Ambiguous } else { ApiErrorKind::Server }, sent.api, "")
        };
        if status.is_redirection() {
            return Err(unreadable(blank, &format!("a redirect to {}; nothing is sent there", redirect_host(headers))));
        }
        let body = serde_json::from_slice::<Value>(response.body());
        let text = String::from_utf8_lossy(response.body());
        let words = Words::of(self, body.as_ref().unwrap_or(&Value::Null), &text);
        let blank = ApiError { request_id: word(words.request_id.clone()).or(blank.request_id.clone()), ..blank };
        let length = response.body().len();
        let is_good = self.good.contains(&status.as_u16());
        if !is_good || (self.errors_may_look_good && words.code.is_some()) {
            return Err(self.refusal(words, headers, sent, blank));
        }
        match body {
            Ok(body @ Value::Object(_)) => Ok(Answer { body, wording: self, code: words.code, blank }),
            Ok(_) => Err(unreadable(blank, "JSON, but not an object")),
            Err(error) => Err(unreadable(
                blank,
                &match text.trim_start().chars().next() {
                    None => "an empty body".to_owned(),
                    Some('<') => "HTML or XML instead of JSON, perhaps from a proxy".to_owned(),
                    Some(_) if error.is_eof() => format!("JSON that breaks off after {length} bytes"),
                    Some(_) => format!("{length} bytes that can't be read as the answer"),
                },
            )),
        }
    }

    /// The row of a code.
    pub fn meaning(&self, code: &str) -> Option<&'static Code> {
        let (from, to) = self.alias;
        let head = code.get(..from.len()).filter(|head| !from.is_empty() && head.eq_ignore_ascii_case(from));
        let code = head.map_or_else(|| code.to_owned(), |_| format!("{to}{}", &code[from.len()..]));
        self.codes.iter().find(|row| match row.pattern.strip_suffix('*') {
            Some(start) => code.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
            None => code.eq_ignore_ascii_case(row.pattern),
        })
    }

    fn refusal(&self, words: Words, headers: &HeaderMap, sent: &Sent<'_>, blank: ApiError) -> ApiError {
        let status = blank.status.unwrap_or_default();
        let known = words.code.as_deref().and_then(|code| self.meaning(code));
        let asked_to_wait = self.asked_to_wait(headers);
        let by_status = (self.by_status)(status, words.code.is_some()).or(match status {
            413 | 414 => Some(ApiErrorKind::TooLarge),
            429 => Some(ApiErrorKind::Throttled),
            // Nothing says that the call wasn't executed, whatever the headers: a batch must not be sent twice.
            500.. => Some(ApiErrorKind::Server),
            // Whoever asks to wait throttles, whatever it is called.
            _ => asked_to_wait.map(|_| ApiErrorKind::Throttled),
        });
        let kind = match (known, &words.code, by_status) {
            (Some(row), _, _) => row.kind,
            (None, _, Some(kind)) => kind,
            (None, Some(_), None) => ApiErrorKind::Refused,
            // The gateway in front of the API may refuse in its own way; this is neither's.
            (None, None, None) => return unreadable(blank, "an error without a code, perhaps from a proxy"),
        };
        let message = words.message.unwrap_or_else(|| match words.code {
            Some(_) => "no message".to_owned(),
            None => {
                let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
                format!("an error without a code: {}", reason.unwrap_or("no reason given"))
            }
        });
        let at_least = known.map(|row| Duration::from_secs(row.wait_seconds)).filter(|wait| !wait.is_zero());
        let help = known.map(|row| row.help.replace("{permission}", sent.permission)).filter(|help| !help.is_empty());
        let link = words.link.filter(|link| link.starts_with("https://")).map(|link| format!("see {link}"));
        let help = help.or(link);
        let mut error =
            ApiError { kind, message, code: words.code, retry_after: asked_to_wait.max(at_least), help, ..blank };
        (self.amend)(&mut error, sent);
        error.message = cut(&error.message, LONGEST_MESSAGE);
        error
    }

    /// Nonsense is as good as nothing.
    fn asked_to_wait(&self, headers: &HeaderMap) -> Option<Duration> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok().filter(|wait| *wait > 0);
        let times = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let wait = self.waits.iter().find_map(|(name, unit)| Some(unit.saturating_mul(times(number(name)?))))?;
        Some(wait.min(LONGEST_WAIT))
    }
}

/// A good answer: an object, and what is needed to say that it isn't what was asked for.
pub struct Answer {
    body: Value,
    wording: &'static Wording,
    code: Option<String>,
    blank: ApiError,
}

impl Answer {
    /// The object.
    pub fn row(&self) -> Row<'_> {
        Row(&self.body)
    }

    /// The vendor's id of the request.
    pub fn request_id(&self) -> Option<String> {
        self.blank.request_id.clone()
    }

    /// The error code in it, which it should have none of.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The ids of accepted tasks, which stand in a field with commas between them. Without one nothing proves that the batch
    /// was taken.
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
        let may_be = self.code.is_none() && (self.wording.nested_lists || !self.body[field].is_object());
        match self.row().rows(field).filter(|_| may_be) {
            Some(Some(rows)) => Ok(rows),
            Some(None) if self.row().text(self.wording.proof).is_some() => Ok(Vec::new()),
            _ => Err(self.without(&format!("a list in `{field}`"))),
        }
    }

    /// A page of a list, with each row as `read` reads it; what it can't read is left out.
    ///
    /// # Errors
    /// [`Answer::without`] a list.
    pub fn page<T>(&self, field: &str, read: impl Fn(Row<'_>) -> Option<T>) -> Result<Page<T>, ApiError> {
        let rows: Vec<T> = self.rows(field)?.into_iter().filter_map(read).collect();
        let total = self.row().count(self.wording.total).map_or(rows.len(), |total| total as usize);
        Ok(Page { rows, total })
    }

    /// That it is JSON of another shape; perhaps an error that came as a success.
    pub fn without(&self, missing: &str) -> ApiError {
        let code = self.code.as_ref().map(|code| format!(", with the code `{code}`"));
        self.unreadable(&format!("JSON without {missing}{}", code.unwrap_or_default()))
    }

    /// That it isn't the vendor's answer to this call: after a submission, whether it was taken is not known.
    pub fn unreadable(&self, what: &str) -> ApiError {
        unreadable(self.blank.clone(), what)
    }
}

/// How far a task is: the two final words say so, in either case; any other counts as not finished.
pub fn state(status: &str, complete: &str, failed: &str, why: Option<String>) -> TaskState {
    if status.trim().eq_ignore_ascii_case(complete) {
        TaskState::Complete
    } else if status.trim().eq_ignore_ascii_case(failed) {
        TaskState::Failed(why.unwrap_or_else(|| "no description".to_owned()))
    } else {
        TaskState::Running
    }
}

fn unreadable(blank: ApiError, what: &str) -> ApiError {
    ApiError { message: cut(&format!("the answer is {what}"), LONGEST_MESSAGE), ..blank }
}

fn is_plausible_id(id: &str) -> bool {
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

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

fn word(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(|text| cut(&text, LONGEST_WORD))
}

/// A vendor's words in an answer, in any of the shapes its services and gateways use. None is trusted.
struct Words {
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
    link: Option<String>,
}

impl Words {
    fn of(wording: &Wording, body: &Value, text: &str) -> Self {
        let inside = &body[wording.inside];
        let fields = Row(if inside.is_object() { inside } else { body });
        let first = |names: &[&str]| {
            let in_xml = || names.iter().find_map(|name| element(text, name)).filter(|text| !text.is_empty());
            fields.first(names).or_else(|| if body.is_null() { in_xml() } else { None })
        };
        Self {
            code: word(first(wording.code)),
            message: first(wording.message),
            request_id: first(wording.request_id).or_else(|| Row(body).first(wording.request_id)),
            link: first(wording.link).map(|link| cut(&link, 500)),
        }
    }
}

/// The text of an XML error's element: `<Error><Code>…</Code>…</Error>`.
fn element(body: &str, name: &str) -> Option<String> {
    let inside = body.split_once("<Error>")?.1.split_once(&format!("<{name}>"))?.1.split_once(&format!("</{name}>"))?.0;
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    Some(entities.iter().fold(inside.to_owned(), |text, (entity, character)| text.replace(entity, character)))
}
