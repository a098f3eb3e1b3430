//! A request as the gateway sees it: parameters from the query and from a form alike, decoded.

use bytes::Bytes;
use http::{HeaderMap, Request};
use url::form_urlencoded;

/// A request, taken apart.
pub(super) struct Arrived<'r> {
    pub(super) method: &'r str,
    pub(super) path: &'r str,
    /// Decoded, in the order of the request.
    pub(super) query: Vec<(String, String)>,
    /// Decoded; empty unless the body is a form.
    pub(super) form: Vec<(String, String)>,
    pub(super) headers: &'r HeaderMap,
    /// From the header, else from the address.
    pub(super) host: &'r str,
    pub(super) body: &'r [u8],
}

impl<'r> Arrived<'r> {
    pub(super) fn read(request: &'r Request<Bytes>) -> Self {
        let decoded = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect::<Vec<_>>();
        let headers = request.headers();
        let content_type = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_form = content_type.trim().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
        let in_address = || request.uri().authority().map(http::uri::Authority::as_str);
        Self {
            method: request.method().as_str(),
            path: request.uri().path(),
            query: decoded(request.uri().query().unwrap_or_default().as_bytes()),
            form: if is_form { decoded(request.body()) } else { Vec::new() },
            headers,
            host: headers.get("host").and_then(|host| host.to_str().ok()).or_else(in_address).unwrap_or_default(),
            body: request.body(),
        }
    }

    /// All parameters.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().chain(&self.form).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A parameter that is there and not empty.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().find(|(known, value)| *known == name && !value.is_empty()).map(|(_, value)| value)
    }

    pub(super) fn header(&self, name: &str) -> Option<&'r str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether it is signed by V3; if not, V1 it must be.
    pub(super) fn is_v3(&self) -> bool {
        self.header("authorization").is_some_and(|text| text.starts_with("ACS3-HMAC-SHA256"))
    }

    pub(super) fn action(&self) -> Option<&str> {
        if self.is_v3() { self.header("x-acs-action") } else { self.parameter("Action") }
    }

    pub(super) fn version(&self) -> Option<&str> {
        if self.is_v3() { self.header("x-acs-version") } else { self.parameter("Version") }
    }

    /// V3 always, V1 if it asks for it: the default of V1 is XML.
    pub(super) fn wants_json(&self) -> bool {
        self.is_v3() || self.parameter("Format").is_some_and(|format| format.eq_ignore_ascii_case("json"))
    }
}
