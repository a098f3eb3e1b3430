//! JSON from the API of a CI.

use std::ops::ControlFlow;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::environment::Environment;
use crate::error::Error;
use crate::git::io::Fetching;
use crate::git::range::variable;

/// The longest response that is read.
const RESPONSE_BYTES: usize = 8 << 20;

/// A request to an API.
pub(super) struct Question<'a> {
    pub(super) url: Url,
    pub(super) headers: Vec<(&'static str, &'a SecretString)>,
    pub(super) accept: &'static str,
    /// What to do about a refusal.
    pub(super) help: &'static str,
}

/// Sends a request to an API.
///
/// # Errors
/// No response, a refusal, and a response that isn't JSON.
pub(super) async fn ask(question: &Question<'_>, fetching: &Fetching<'_>) -> Result<Value, Error> {
    let host = question.url.host_str().unwrap_or_default().to_owned();
    let failed = |why: String| Error::Checkout {
        message: format!("`base: last-success` can't be found: {why}"),
        help: question.help.to_owned(),
    };
    let mut request = http::Request::builder().method(Method::GET).uri(question.url.as_str());
    request = request.header("accept", question.accept);
    for (name, secret) in &question.headers {
        let value = HeaderValue::from_str(secret.expose_secret());
        let mut value = value.map_err(|_| failed("the token holds a character that no token has".to_owned()))?;
        value.set_sensitive(true);
        request = request.header(*name, value);
    }
    let request = request.body(Bytes::new()).map_err(|error| failed(error.to_string()))?;
    let mut body = Vec::new();
    let mut collect = |_: &http::response::Parts, bytes: &[u8]| {
        body.extend_from_slice(bytes);
        if body.len() > RESPONSE_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let parts = fetching.transport.exchange(request, &mut collect).await.map_err(&failed)?;
    let json: Option<Value> = serde_json::from_slice(&body).ok();
    match json {
        Some(json) if parts.status == StatusCode::OK => Ok(json),
        _ if parts.status == StatusCode::OK => Err(failed(format!("the response of `{host}` isn't JSON"))),
        json => {
            // GitHub says `message`, GitLab that or `error`.
            let words = json.as_ref().and_then(|json| json.get("message").or_else(|| json.get("error")));
            let words = words.map_or_else(String::new, |words| {
                format!(": {}", words.as_str().map_or_else(|| words.to_string(), str::to_owned))
            });
            Err(failed(format!("`{host}` refuses (HTTP {}{words})", parts.status.as_u16())))
        }
    }
}

/// A response of another shape than the documented one.
pub(super) fn misshaped(host: &str, what: &str) -> Error {
    Error::Checkout {
        message: format!("`base: last-success` can't be found: the response of `{host}` has no {what}"),
        help: "give `base` otherwise, such as `file:PATH`, and report this".to_owned(),
    }
}

/// A variable that the CI sets.
///
/// # Errors
/// An environment without it.
pub(super) fn needed<'a>(environment: &'a Environment, name: &str) -> Result<&'a str, Error> {
    variable(environment, name).ok_or_else(|| Error::Checkout {
        message: format!("`base: last-success` can't be found in an environment without `{name}`"),
        help: format!("pass `{name}` to the process that runs this program, as the CI sets it"),
    })
}

/// The URL of an API with path segments below it.
///
/// # Errors
/// A URL that isn't one.
pub(super) fn below(base: &str, parts: &[&str], query: &[(&str, &str)]) -> Result<Url, Error> {
    let unusable = || Error::Checkout {
        message: format!("`{base}` isn't the URL of an API"),
        help: "pass the CI's own variables to the process that runs this program".to_owned(),
    };
    let mut url = Url::parse(base).map_err(|_| unusable())?;
    url.path_segments_mut().map_err(|()| unusable())?.pop_if_empty().extend(parts);
    url.query_pairs_mut().extend_pairs(query);
    Ok(url)
}
