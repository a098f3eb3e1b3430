//! What Alibaba Cloud's two schemes share: a call before it is signed, the signed request, and the form of a time.

use http::Method;
use jiff::Timestamp;
use url::Url;

use super::Signed;
use super::canonical::{self, joined};
use crate::provider::credentials::AccessKey;

/// A call of an RPC-style API, before it is signed.
#[derive(Debug)]
pub struct Call<'a> {
    /// `POST` for everything this program does; the documentation's examples have `GET` too.
    pub method: Method,
    /// Scheme, host and port; the path is always `/`.
    pub endpoint: &'a Url,
    /// `RefreshObjectCaches`.
    pub action: &'a str,
    /// `2018-05-10`.
    pub version: &'a str,
    /// Parameters that travel in the query, decoded, in any order.
    pub query: Vec<(&'static str, String)>,
    /// Parameters that travel in a form body, decoded, in any order; empty for no body.
    pub form: Vec<(&'static str, String)>,
}

impl Call<'_> {
    /// The host as it is in the `Host` header.
    pub(super) fn host(&self) -> String {
        canonical::host(self.endpoint)
    }

    /// The form body; empty if there is none.
    pub(super) fn body(&self) -> String {
        joined(self.form.iter().map(|(name, value)| (*name, value.as_str())))
    }

    /// The absolute URL of the request, with this query.
    pub(super) fn uri(&self, query: &str) -> String {
        canonical::url(self.endpoint, "/", query)
    }
}

/// Signs a call: the same shape for both schemes.
///
/// # Errors
/// When the access key holds characters that can't travel in a header.
pub type Sign = fn(&Call<'_>, &AccessKey, Timestamp, &str) -> Result<Signed, http::Error>;

/// The content type of a form body.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// `2026-11-22T00:51:54Z`, for both schemes and for every time in a parameter.
pub fn timestamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
