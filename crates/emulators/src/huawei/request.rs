//! A request as it arrived, taken apart.

use bytes::Bytes;
use http::{HeaderMap, Request};

/// Everything that an answer depends on.
pub(super) struct Arrived<'r> {
    pub(super) method: &'r str,
    /// As it was sent, encoded.
    pub(super) path: &'r str,
    /// Decoded.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: &'r HeaderMap,
    /// With its port, if it isn't the scheme's own.
    pub(super) host: &'r str,
    pub(super) body: &'r [u8],
}

impl<'r> Arrived<'r> {
    pub(super) fn read(request: &'r Request<Bytes>) -> Self {
        let in_address = || request.uri().authority().map(http::uri::Authority::as_str);
        let query = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        let headers = request.headers();
        Self {
            method: request.method().as_str(),
            path: request.uri().path(),
            query: query.into_owned().collect(),
            headers,
            host: headers.get("host").and_then(|host| host.to_str().ok()).or_else(in_address).unwrap_or_default(),
            body: request.body(),
        }
    }

    /// A parameter that is there and not empty.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    pub(super) fn header(&self, name: &str) -> Option<&'r str> {
        self.headers.get(name)?.to_str().ok()
    }
}
