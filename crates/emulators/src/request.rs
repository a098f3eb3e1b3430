//! A request as a gateway sees it, decoded.

use std::ops::RangeInclusive;

use bytes::Bytes;
use http::{HeaderMap, Request};

/// A request, taken apart.
pub(crate) struct Received<'r> {
    pub(crate) method: &'r str,
    /// As it was sent, encoded.
    pub(crate) path: &'r str,
    /// Decoded, in the order of the request.
    pub(crate) query: Vec<(String, String)>,
    /// Decoded; empty unless the body is a form.
    pub(crate) form: Vec<(String, String)>,
    pub(crate) headers: &'r HeaderMap,
    /// From the header, else from the URL.
    pub(crate) host: &'r str,
    pub(crate) body: &'r [u8],
}

impl<'r> Received<'r> {
    pub(crate) fn read(request: &'r Request<Bytes>) -> Self {
        let decoded = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect::<Vec<_>>();
        let headers = request.headers();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let content_type = text("content-type").unwrap_or_default().trim().to_ascii_lowercase();
        let is_form = content_type.starts_with("application/x-www-form-urlencoded");
        let authority = || request.uri().authority().map(http::uri::Authority::as_str);
        Self {
            method: request.method().as_str(),
            path: request.uri().path(),
            query: decoded(request.uri().query().unwrap_or_default().as_bytes()),
            form: if is_form { decoded(request.body()) } else { Vec::new() },
            headers,
            host: text("host").or_else(authority).unwrap_or_default(),
            body: request.body(),
        }
    }

    /// All parameters.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().chain(&self.form).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A parameter that is there and not empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().find(|(known, value)| *known == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// A number within a range, or the default; the error says what is wrong.
    pub(crate) fn number(&self, name: &str, default: usize, range: RangeInclusive<usize>) -> Result<usize, String> {
        match self.parameter(name).map(str::parse::<usize>) {
            None => Ok(default),
            Some(Ok(number)) if range.contains(&number) => Ok(number),
            Some(_) => Err(format!("{name} is not between {} and {}", range.start(), range.end())),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&'r str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The host of a URL in lower case, with its port if it has one; a scheme may be missing.
pub(crate) fn host_of(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    rest.split(['/', '?', '#']).next().map(str::to_ascii_lowercase)
}

/// Whether a vendor would take this for a host.
pub(crate) fn is_host(host: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "*\\%@".contains(c);
    let name = host.split(':').next().unwrap_or_default();
    name.contains('.') && !name.contains(is_odd)
}

/// Whether a URL contains one of these.
pub(crate) fn contains_any(url: &str, parts: &[String]) -> bool {
    parts.iter().any(|part| url.contains(part.as_str()))
}
