//! How a vendor fields its errors, as data; and what a refusal allows to do next, decided here alike for all of them.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

use super::body::BodyFormat;
use super::json::Row;
use super::{ApiError, ApiErrorKind};

/// The longest wait that we take from a header; alibabacloud_tea_openapi 0.4.6 cuts it there too.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// In characters: what a server says is not trusted to be short.
const LONGEST_MESSAGE: usize = 1_000;
/// In characters, of a code or an id.
const LONGEST_WORD: usize = 128;

/// How a vendor fields its errors, and what all of its good answers are like.
#[derive(Debug)]
pub struct ErrorFormat {
    /// The format of a good answer.
    pub body: BodyFormat,
    /// The statuses of a good answer.
    pub good: RangeInclusive<u16>,
    /// Whether an error may come with such a status: then it is one. Else its code only makes the answer unreadable.
    pub errors_may_look_good: bool,
    /// Whether a list may be nested one level down.
    pub nested_lists: bool,
    /// Where an answer says how many rows a list has over all pages.
    pub total: &'static str,
    /// What proves that an answer is the vendor's, so that it may leave out a list that is empty.
    pub proof: &'static str,
    /// The object that wraps every answer; empty: there is none.
    pub envelope: &'static str,
    /// The object that holds an error's fields, or a list that begins with it; where it isn't there, they are at the top level.
    pub inside: &'static str,
    /// Whether the vendor has no codes: an error with its message has the status as its code.
    pub status_is_code: bool,
    /// Whether a good answer may be empty.
    pub may_be_empty: bool,
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
    /// The header with the time, in seconds since the epoch, from which on calls are taken again; empty: there is none.
    pub reset: &'static str,
    /// Two beginnings of a code that mean the same: the first is read as the second.
    pub alias: (&'static str, &'static str),
    /// What each code allows; of two that fit, the first counts.
    pub codes: &'static [Code],
    /// What a status allows, with whether there is a code, an unknown one; besides what 413, 414, 429 and those from 500 on do.
    pub by_status: fn(u16, bool) -> Option<ApiErrorKind>,
    /// How far our clock may be off. Beyond it a 401 is the clock's fault, whatever it is called; `None`: a code says so.
    pub skew: Option<Duration>,
    /// Looks at an error once more, with what was sent and before its message is cut.
    pub amend: fn(&mut ApiError, &SentRequest<'_>),
}

impl ErrorFormat {
    /// What is usual; a vendor says how it differs.
    pub const USUAL: Self = Self {
        body: BodyFormat::Json,
        good: 200..=299,
        errors_may_look_good: false,
        nested_lists: false,
        total: "total",
        proof: "",
        envelope: "",
        inside: "",
        status_is_code: false,
        may_be_empty: false,
        code: &["code"],
        message: &["message"],
        request_id: &["request_id"],
        link: &[],
        request_id_header: "x-request-id",
        waits: &[("retry-after", Duration::from_secs(1))],
        reset: "",
        alias: ("", ""),
        codes: &[],
        by_status: |status, has_code| match status {
            401 => Some(ApiErrorKind::Credentials),
            // Without a code it may be anything on the way that refuses.
            403 if has_code => Some(ApiErrorKind::Forbidden),
            _ => None,
        },
        skew: None,
        amend: |_, _| {},
    };

    /// The row of a code that came with this status.
    pub fn meaning(&self, code: &str, status: Option<u16>) -> Option<&'static Code> {
        let (from, to) = self.alias;
        let head = code.get(..from.len()).filter(|head| !from.is_empty() && head.eq_ignore_ascii_case(from));
        let code = head.map_or_else(|| code.to_owned(), |_| format!("{to}{}", &code[from.len()..]));
        let is_it = |pattern: &&str| match pattern.strip_suffix('*') {
            Some(start) => code.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
            None => code.eq_ignore_ascii_case(pattern),
        };
        self.codes.iter().find(|row| (row.status.is_none() || row.status == status) && row.patterns.iter().any(is_it))
    }

    /// What a refusal allows to do next, in the vendor's fields: its code decides, and the status only where the code is unknown
    /// or there is none.
    pub(super) fn refusal(
        &self,
        fields: ErrorFields,
        headers: &HeaderMap,
        sent: &SentRequest<'_>,
        base: ApiError,
    ) -> ApiError {
        let status = base.status.unwrap_or_default();
        let known = fields.code.as_deref().and_then(|code| self.meaning(code, base.status));
        let now = base.server_time.or(sent.signed_at);
        let asked_to_wait = self.asked_to_wait(headers).or_else(|| self.until_reset(headers, now?));
        let by_status = (self.by_status)(status, fields.code.is_some()).or(match status {
            413 | 414 => Some(ApiErrorKind::TooLarge),
            429 => Some(ApiErrorKind::Throttled),
            // Nothing says that the call wasn't executed, whatever the headers: a batch must not be sent twice.
            500.. => Some(ApiErrorKind::Server),
            // A response with a wait is a throttle, whatever its code; it doesn't say whether a submission was executed.
            _ => asked_to_wait.filter(|_| !sent.submits).map(|_| ApiErrorKind::Throttled),
        });
        let kind = match (known, &fields.code, by_status) {
            (Some(row), ..) => row.kind,
            (None, _, Some(kind)) => kind,
            // Only what the vendor documents is certain: another refusal may come after the call was executed.
            (None, Some(_), None) if sent.submits => ApiErrorKind::Undocumented,
            (None, Some(_), None) => ApiErrorKind::Refused,
            // The gateway in front of the API may refuse in its own way; this is neither's.
            (None, None, None) => return unreadable(base, "an error without a code, perhaps from a proxy"),
        };
        let is_key = kind == ApiErrorKind::Credentials && (known.is_some() || fields.code.is_none());
        let kind = if is_key && status == 401 && self.is_off(sent, &base) { ApiErrorKind::Clock } else { kind };
        let message = fields.message.unwrap_or_else(|| match fields.code {
            Some(_) => "no message".to_owned(),
            None => {
                let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
                format!("an error without a code: {}", reason.unwrap_or("no reason given"))
            }
        });
        let at_least = known.map(|row| Duration::from_secs(row.wait_seconds)).filter(|wait| !wait.is_zero());
        let known = known.filter(|_| kind != ApiErrorKind::Clock);
        let help = known.map(|row| row.help.replace("{permission}", sent.permission)).filter(|help| !help.is_empty());
        let link = fields.link.filter(|link| link.starts_with("https://")).map(|link| format!("see {link}"));
        let help = help.or(link);
        let mut error =
            ApiError { kind, message, code: fields.code, retry_after: asked_to_wait.max(at_least), help, ..base };
        (self.amend)(&mut error, sent);
        error.message = cut(&error.message, LONGEST_MESSAGE);
        error
    }

    /// Whether our clock was so far off that no signature could be right.
    fn is_off(&self, sent: &SentRequest<'_>, answer: &ApiError) -> bool {
        let off =
            sent.signed_at.zip(answer.server_time).map(|(ours, theirs)| theirs.duration_since(ours).unsigned_abs());
        self.skew.zip(off).is_some_and(|(skew, off)| off > skew)
    }

    /// How long it takes until calls are taken again, if that is said.
    fn until_reset(&self, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
        let name = Some(self.reset).filter(|name| !name.is_empty())?;
        let reset: i64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
        let seconds = u64::try_from(reset.saturating_sub(now.as_second())).ok()?;
        Some(Duration::from_secs(seconds.max(1)).min(LONGEST_WAIT)).filter(|_| seconds < 86_400)
    }

    /// Nonsense is as good as nothing.
    fn asked_to_wait(&self, headers: &HeaderMap) -> Option<Duration> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok().filter(|wait| *wait > 0);
        let times = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let wait = self.waits.iter().find_map(|(name, unit)| Some(unit.saturating_mul(times(number(name)?))))?;
        Some(wait.min(LONGEST_WAIT))
    }
}

/// What some error codes allow to do next.
#[derive(Debug)]
pub struct Code {
    /// The codes, or their beginnings where they end in `*`. Compared without regard to case.
    pub patterns: &'static [&'static str],
    /// The status that they come with; `None`: any.
    pub status: Option<u16>,
    /// What may be done next.
    pub kind: ApiErrorKind,
    /// Wait at least so many seconds before the next attempt.
    pub wait_seconds: u64,
    /// What to do; `{permission}` is replaced by the permission of the call. Empty if there is nothing to say.
    pub help: &'static str,
}

impl Code {
    /// What these codes allow, with any status.
    pub const fn new(kind: ApiErrorKind, help: &'static str, patterns: &'static [&'static str]) -> Self {
        Self { patterns, status: None, kind, wait_seconds: 0, help }
    }

    /// The same if they come with this status.
    #[must_use]
    pub const fn at(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The next attempt waits for so many seconds at least.
    #[must_use]
    pub const fn wait(self, wait_seconds: u64) -> Self {
        Self { wait_seconds, ..self }
    }
}

/// A call that was sent: the context in which its response is read.
#[derive(Clone, Copy)]
pub struct SentRequest<'a> {
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

/// A vendor's fields in an answer, in any of the shapes its services and gateways use. None is trusted.
pub(super) struct ErrorFields {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) link: Option<String>,
}

impl ErrorFields {
    pub(super) fn of(format: &ErrorFormat, body: &Value) -> Self {
        let inside = &body[format.inside];
        let inside = inside.get(0).unwrap_or(inside);
        let fields = Row(if inside.is_object() { inside } else { body });
        let first = |names: &[&str]| fields.first(names);
        Self {
            code: word(first(format.code)),
            message: first(format.message),
            request_id: first(format.request_id).or_else(|| Row(body).first(format.request_id)),
            link: first(format.link).map(|link| cut(&link, 500)),
        }
    }
}

pub(super) fn unreadable(base: ApiError, what: &str) -> ApiError {
    ApiError { message: cut(&format!("the answer is {what}"), LONGEST_MESSAGE), ..base }
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

pub(super) fn word(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(|text| cut(&text, LONGEST_WORD))
}
