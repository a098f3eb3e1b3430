//! An answer that isn't a good one becomes an error that says what may be done next, with the vendor's own words.
//!
//! The code decides, for the vendor sends one code with different statuses; the status decides only where there is no
//! code.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::{Answer, Scalar};
use super::spec::{Code, meaning};
use crate::provider::{ApiError, ApiErrorKind, clock};

/// The longest wait that we take from a header. Source: alibabacloud_tea_openapi 0.4.6 cuts it there too.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// In characters: what a server says is not trusted to be short.
const LONGEST_MESSAGE: usize = 1_000;

impl Answer {
    /// The error in an answer whose status isn't 200.
    pub(super) fn refusal(&self) -> ApiError {
        let status = self.response.status();
        if status.is_redirection() {
            return self.unreadable(&format!("a redirect to {}; nothing is sent there", self.redirect_host()));
        }
        let words = Words::read(self.response.body());
        let Some(code) = words.code.clone() else {
            return self.refusal_without_code(&words);
        };
        let known = meaning(&code);
        let asked_to_wait = self.asked_to_wait();
        let mut kind = known.map_or(ApiErrorKind::Refused, |known| known.kind);
        if known.is_none() && status.is_server_error() {
            kind = ApiErrorKind::Server;
        }
        // What carries this header is throttling, whatever it is called; but with a server error nothing says that the call
        // wasn't executed, and a batch must not be sent twice.
        if asked_to_wait.is_some() && known.is_none() && !status.is_server_error() {
            kind = ApiErrorKind::Throttled;
        }
        let mut error = self.error(kind, words.message.as_deref().unwrap_or("no message"));
        error.request_id = self.request_id(words.request_id.as_ref());
        error.retry_after = asked_to_wait.max(known.map(minimum_wait).filter(|wait| !wait.is_zero()));
        error.help = self.help(known, &words);
        if code.eq_ignore_ascii_case("SignatureDoesNotMatch") {
            self.explain_signature(words.message.as_deref().unwrap_or_default(), &mut error);
        }
        error.code = Some(code);
        error
    }

    /// Something that isn't the vendor's answer to this call: after a submission, whether it was taken is not known.
    pub(super) fn unreadable(&self, what: &str) -> ApiError {
        let kind = if self.submits { ApiErrorKind::Ambiguous } else { ApiErrorKind::Server };
        ApiError { request_id: self.request_id(None), ..self.error(kind, &format!("the answer is {what}")) }
    }

    /// The gateway in front of the API may refuse in its own way.
    fn refusal_without_code(&self, words: &Words) -> ApiError {
        let status = self.response.status();
        let kind = match status.as_u16() {
            413 | 414 => ApiErrorKind::TooLarge,
            429 => ApiErrorKind::Throttled,
            500..=599 => ApiErrorKind::Server,
            _ if self.asked_to_wait().is_some() => ApiErrorKind::Throttled,
            _ => return self.unreadable("an error without a code, perhaps from a proxy"),
        };
        let reason = status.canonical_reason().unwrap_or("no reason given");
        let message = words.message.clone().unwrap_or_else(|| format!("an error without a code: {reason}"));
        let request_id = self.request_id(words.request_id.as_ref());
        ApiError { retry_after: self.asked_to_wait(), request_id, ..self.error(kind, &message) }
    }

    fn error(&self, kind: ApiErrorKind, message: &str) -> ApiError {
        let message: String = message.chars().take(LONGEST_MESSAGE).collect();
        ApiError {
            status: Some(self.response.status().as_u16()),
            server_time: clock::date(self.response.headers()),
            ..ApiError::new(kind, self.api, message)
        }
    }

    fn help(&self, known: Option<&Code>, words: &Words) -> Option<String> {
        match known.map(|known| known.help).filter(|help| !help.is_empty()) {
            Some(help) => Some(help.replace("{permission}", self.permission)),
            None => {
                words.recommend.as_ref().filter(|link| link.starts_with("https://")).map(|link| format!("see {link}"))
            }
        }
    }

    /// The server says what it signed: if that is what we signed, only the secret can differ. Neither text is passed
    /// on, for V1's holds the security token.
    fn explain_signature(&self, message: &str, error: &mut ApiError) {
        let signed = self.string_to_sign.lines().last().unwrap_or_default();
        let belongs_to_it = |c: char| c.is_ascii_alphanumeric() || "&%-_.~".contains(c);
        let same = message.split(|c| !belongs_to_it(c)).any(|part| part.trim_end_matches('.') == signed);
        error.message = message.split(['.', ':', '[']).next().unwrap_or_default().chars().take(200).collect();
        error.help = Some(if same {
            "the server signed the same text, so the access key secret is wrong: look for a stray character".into()
        } else {
            "check the access key secret; if it is right, something on the way alters the request".into()
        });
    }

    /// `x-acs-retry-after` in milliseconds, else `Retry-After` in seconds; nonsense is as good as nothing.
    fn asked_to_wait(&self) -> Option<Duration> {
        let number = |name: &str| -> Option<u64> {
            let number = self.response.headers().get(name)?.to_str().ok()?.trim().parse().ok()?;
            (number > 0).then_some(number)
        };
        let milliseconds = number("x-acs-retry-after").map(Duration::from_millis);
        let wait = milliseconds.or_else(|| number("retry-after").map(Duration::from_secs))?;
        Some(wait.min(LONGEST_WAIT))
    }

    fn redirect_host(&self) -> String {
        let location = self.response.headers().get("location").and_then(|location| location.to_str().ok());
        let host = location.and_then(|location| url::Url::parse(location).ok()?.host_str().map(str::to_owned));
        match (host, location) {
            (Some(host), _) => format!("`{host}`"),
            (None, Some(_)) => "another path of the same host".to_owned(),
            (None, None) => "nowhere".to_owned(),
        }
    }
}

fn minimum_wait(code: &Code) -> Duration {
    Duration::from_secs(code.wait_seconds)
}

/// The vendor's words in an error, in any of the shapes its gateways use. None is trusted.
#[derive(Default)]
struct Words {
    code: Option<String>,
    message: Option<String>,
    request_id: Option<Scalar>,
    recommend: Option<String>,
}

impl Words {
    fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let mut fields: BTreeMap<String, Scalar> = serde_json::from_slice(body).unwrap_or_default();
        let mut field = |name: &str| -> Option<String> {
            let lower_first = name[..1].to_ascii_lowercase() + &name[1..];
            let found = fields.remove(name).or_else(|| fields.remove(&lower_first)).map(|scalar| scalar.0);
            found.or_else(|| element(&text, name)).filter(|word| !word.is_empty())
        };
        let cut = |text: String, characters: usize| text.chars().take(characters).collect();
        Self {
            code: field("Code").map(|code| cut(code, 128)),
            message: field("Message"),
            request_id: field("RequestId").map(Scalar),
            recommend: field("Recommend").map(|link| cut(link, 500)),
        }
    }
}

/// The text of an XML error's element: `<Error><Code>…</Code>…</Error>`.
fn element(body: &str, name: &str) -> Option<String> {
    let inside = body.split_once("<Error>")?.1.split_once(&format!("<{name}>"))?.1.split_once(&format!("</{name}>"))?.0;
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let unescape = |text: Cow<'_, str>, (entity, character): (&str, &str)| Cow::Owned(text.replace(entity, character));
    Some(entities.into_iter().fold(Cow::Borrowed(inside), unescape).into_owned())
}
