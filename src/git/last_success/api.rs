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

/// The API of a CI, with what every request to it has in common.
pub(super) struct Api<'a> {
    /// The option that needs it, for messages: `base: last-success`.
    pub(super) option: &'a str,
    /// The root of the API, as the CI names it.
    pub(super) root: &'a str,
    /// The segments of every path: those of the project.
    pub(super) project: Vec<&'a str>,
    /// A header with a secret, if there is one.
    pub(super) credentials: Option<(&'static str, SecretString)>,
    pub(super) accept: &'static str,
    /// What to do about a refusal.
    pub(super) help: &'static str,
    pub(super) fetching: &'a Fetching<'a>,
}

impl<'a> Api<'a> {
    /// GitHub's, with the job's token.
    ///
    /// # Errors
    /// An environment without GitHub's variables.
    pub(super) fn github(
        option: &'a str,
        help: &'static str,
        environment: &'a Environment,
        fetching: &'a Fetching<'a>,
    ) -> Result<Self, Error> {
        let root = needed(environment, "GITHUB_API_URL", option)?;
        let repository = needed(environment, "GITHUB_REPOSITORY", option)?;
        let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
        let token = variable(environment, "GITHUB_TOKEN").map(SecretString::from);
        let token = fetching.token.or(token.as_ref());
        let credentials = token.map(|token| {
            fetching.transport.mask(token);
            ("authorization", SecretString::from(format!("Bearer {}", token.expose_secret())))
        });
        let (project, accept) = (vec!["repos", owner, name], "application/vnd.github+json");
        Ok(Self { option, root, project, credentials, accept, help, fetching })
    }

    /// GitLab's, with the given token or the job's own.
    ///
    /// # Errors
    /// An environment without GitLab's variables.
    pub(super) fn gitlab(
        option: &'a str,
        help: &'static str,
        environment: &'a Environment,
        fetching: &'a Fetching<'a>,
    ) -> Result<Self, Error> {
        let root = needed(environment, "CI_API_V4_URL", option)?;
        let project = vec!["projects", needed(environment, "CI_PROJECT_ID", option)?];
        let of_job = || Some(("job-token", SecretString::from(variable(environment, "CI_JOB_TOKEN")?)));
        let credentials = fetching.token.map(|token| ("private-token", token.clone())).or_else(of_job);
        credentials.iter().for_each(|(_, secret)| fetching.transport.mask(secret));
        Ok(Self { option, root, project, credentials, accept: "application/json", help, fetching })
    }

    /// The response to `GET` of a path below the project.
    ///
    /// # Errors
    /// No response, a refusal, and a response that isn't JSON.
    pub(super) async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Error> {
        let url = self.url(path, query)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let failed = |why: String| Error::Checkout {
            message: format!("`{}` can't be found: {why}", self.option),
            help: self.help.to_owned(),
        };
        let mut request = http::Request::builder().method(Method::GET).uri(url.as_str()).header("accept", self.accept);
        if let Some((name, secret)) = &self.credentials {
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
        let parts = self.fetching.transport.exchange(request, &mut collect).await.map_err(&failed)?;
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

    /// The items of a response that is a list, or that has one under a name.
    ///
    /// # Errors
    /// A response of another shape than the documented one.
    pub(super) fn items<'v>(&self, answer: &'v Value, name: Option<&str>) -> Result<&'v [Value], Error> {
        let list = name.map_or(Some(answer), |name| answer.get(name)).and_then(Value::as_array);
        let what = || name.map_or_else(|| "list".to_owned(), |name| format!("`{name}`"));
        list.map(Vec::as_slice).ok_or_else(|| self.misshaped(&what()))
    }

    /// A response of another shape than the documented one, without `what`.
    pub(super) fn misshaped(&self, what: &str) -> Error {
        let host = Url::parse(self.root).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        Error::Checkout {
            message: format!("`{}` can't be found: the response of `{host}` has no {what}", self.option),
            help: "give `base` otherwise, such as `file:PATH`, and report this".to_owned(),
        }
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, Error> {
        let unusable = || Error::Checkout {
            message: format!("`{}` isn't the URL of an API", self.root),
            help: "pass the CI's own variables to the process that runs this program".to_owned(),
        };
        let mut url = Url::parse(self.root).map_err(|_| unusable())?;
        url.path_segments_mut().map_err(|()| unusable())?.pop_if_empty().extend(&self.project).extend(path);
        url.query_pairs_mut().extend_pairs(query);
        Ok(url)
    }
}

/// A variable that the CI sets, and that `option` needs.
///
/// # Errors
/// An environment without it.
pub(super) fn needed<'a>(environment: &'a Environment, name: &str, option: &str) -> Result<&'a str, Error> {
    variable(environment, name).ok_or_else(|| Error::Checkout {
        message: format!("`{option}` can't be found in an environment without `{name}`"),
        help: format!("pass `{name}` to the process that runs this program, as the CI sets it"),
    })
}
