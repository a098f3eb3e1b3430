//! What an earlier run left becomes the commit that was deployed last: the CI's own records of runs, or a file.
//!
//! That there is none is an answer, said aloud; that it can't be told is an error, and never taken for the other.

use std::io::{ErrorKind, Read};
use std::ops::ControlFlow;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::config::BaseSpec;
use crate::environment::Environment;
use crate::error::Error;

use super::entries::ObjectId;
use super::outside::Fetching;
use super::range::{Host, NamedCommit, Place};

mod github;
mod gitlab;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The commit, and why it is that one.
    Commit(NamedCommit, String),
    /// Nothing yet, and why; as the end of a sentence.
    Nothing(String),
}

/// Finds the commit of an earlier run.
///
/// # Errors
/// [`Error::Checkout`] when it can't be told whether there is one.
pub(super) async fn find(base: &BaseSpec, environment: &Environment, fetching: &Fetching<'_>) -> Result<Found, Error> {
    match base {
        BaseSpec::File(path) => in_file(path),
        _ if !fetching.is_on => Err(Error::Checkout {
            message: "`base: last-success` asks the CI for its runs, and `fetch` is `false`".to_owned(),
            help: "drop one of the two; `base: file:PATH` needs no network".to_owned(),
        }),
        _ => match Host::of(environment) {
            Host::GitHub => github::find(environment, fetching).await,
            Host::GitLab => gitlab::find(environment, fetching).await,
            _ => Err(Error::Checkout {
                message: "`base: last-success` is known on GitHub and GitLab only".to_owned(),
                help: "keep a file between the runs with `save-base: PATH`, and give `base: file:PATH`".to_owned(),
            }),
        },
    }
}

/// A commit's digits and a line break; more is no such file.
const LARGEST_FILE: u64 = 1024;

/// The commit that `save-base` wrote.
fn in_file(path: &Path) -> Result<Found, Error> {
    let shown = path.display();
    let unusable = |why: &str| Error::Checkout {
        message: format!("`base: file:{shown}` {why}"),
        help: format!("let an earlier run write it with `save-base: {shown}`; or remove it, to go by the CI's event"),
    };
    // A pipe would keep the reader for ever.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(unusable("is no regular file"));
    }
    let mut text = String::new();
    match std::fs::File::open(path).and_then(|file| file.take(LARGEST_FILE).read_to_string(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Found::Nothing(format!("the file `{shown}`, which an earlier run writes, isn't there yet")));
        }
        Err(error) => return Err(unusable(&format!("can't be read: {error}"))),
    }
    let id = ObjectId::from_hex(text.trim()).filter(|id| !id.is_zero());
    let id = id.ok_or_else(|| unusable("doesn't hold a commit of 40 digits"))?;
    let reason = format!("the commit in `{shown}`, which the last run that ended well wrote");
    Ok(Found::Commit(NamedCommit { id, field: "base", place: Place::File }, reason))
}

/// The longest answer of an interface that is read.
const ANSWER_BYTES: usize = 8 << 20;

/// What an interface is asked with.
struct Question<'a> {
    url: Url,
    headers: Vec<(&'static str, &'a SecretString)>,
    accept: &'static str,
    /// What to do about a refusal.
    help: &'static str,
}

/// Asks an interface for JSON.
async fn ask(question: &Question<'_>, fetching: &Fetching<'_>) -> Result<Value, Error> {
    let host = question.url.host_str().unwrap_or_default().to_owned();
    let failed = |why: String| Error::Checkout {
        message: format!("`base: last-success` can't be told: {why}"),
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
        if body.len() > ANSWER_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let parts = fetching.outside.exchange(request, &mut collect).await.map_err(&failed)?;
    let json: Option<Value> = serde_json::from_slice(&body).ok();
    match json {
        Some(json) if parts.status == StatusCode::OK => Ok(json),
        _ if parts.status == StatusCode::OK => Err(failed(format!("the answer of `{host}` isn't JSON"))),
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

/// An answer of another shape than the documented one.
fn misshaped(host: &str, what: &str) -> Error {
    Error::Checkout {
        message: format!("`base: last-success` can't be told: the answer of `{host}` has no {what}"),
        help: "give `base` otherwise, such as `file:PATH`, and report this".to_owned(),
    }
}

/// A variable that the CI sets and that this needs.
fn needed<'a>(environment: &'a Environment, name: &str) -> Result<&'a str, Error> {
    super::range::variable(environment, name).ok_or_else(|| Error::Checkout {
        message: format!("`base: last-success` can't be told in an environment without `{name}`"),
        help: format!("hand `{name}` on to the process that runs this program, as the CI sets it"),
    })
}

/// The address of an interface with a path's parts below it.
fn below(address: &str, parts: &[&str], query: &[(&str, &str)]) -> Result<Url, Error> {
    let unusable = || Error::Checkout {
        message: format!("`{address}` isn't the address of an interface"),
        help: "hand the CI's own variables on to the process that runs this program".to_owned(),
    };
    let mut url = Url::parse(address).map_err(|_| unusable())?;
    url.path_segments_mut().map_err(|()| unusable())?.pop_if_empty().extend(parts);
    url.query_pairs_mut().extend_pairs(query);
    Ok(url)
}
