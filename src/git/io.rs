//! The network, the log and the temporary folder of the search for changes, as a trait that the caller implements.

use std::ops::ControlFlow;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;

/// Called with each chunk of a response body and the head of that response. It can break the response off.
pub type OnChunk<'a> = dyn FnMut(&::http::response::Parts, &[u8]) -> ControlFlow<()> + 'a;

/// Sends requests, and logs.
#[async_trait(?Send)]
pub trait HttpTransport {
    /// Sends one request, once: no redirect is followed. The response body is passed on as it arrives.
    ///
    /// Only https, and plain http to this machine.
    ///
    /// # Errors
    /// Why no complete response came, as a sentence fragment. Any HTTP status is a response.
    async fn exchange(
        &self,
        request: ::http::Request<Bytes>,
        on_chunk: &mut OnChunk<'_>,
    ) -> Result<::http::response::Parts, String>;

    /// Logs a line.
    fn note(&self, text: &str);

    /// Logs a line for the verbose log.
    fn detail(&self, text: &str);

    /// Redacts this text in all output from now on.
    fn mask(&self, secret: &SecretString);
}

/// How a commit that isn't in the clone can be fetched.
pub struct Fetching<'a> {
    /// The network and the log.
    pub transport: &'a dyn HttpTransport,
    /// Whether anything may be fetched from the repository's remote.
    pub is_on: bool,
    /// `token`, if given.
    pub token: Option<&'a SecretString>,
    /// Where a folder is made for fetched objects; it is removed at the end.
    pub temporary: PathBuf,
}
