//! What the search for changes may reach outside of the checkout, as a trait: the network, the log, a folder to write to.
//!
//! The pipeline gives it, so that this module opens no connection itself and its tests need none.

use std::ops::ControlFlow;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;

/// What a body's bytes are handed to, with the head of the answer they belong to. It can break the answer off.
pub type Take<'a> = dyn FnMut(&::http::response::Parts, &[u8]) -> ControlFlow<()> + 'a;

/// The world outside of the checkout.
#[async_trait(?Send)]
pub trait Outside {
    /// Sends one request, once: no redirect is followed. The body of the answer is handed on as it comes in.
    ///
    /// Only https, and plain http to this machine.
    ///
    /// # Errors
    /// Why no whole answer came, as a sentence fragment. Any HTTP status is an answer.
    async fn exchange(
        &self,
        request: ::http::Request<Bytes>,
        take: &mut Take<'_>,
    ) -> Result<::http::response::Parts, String>;

    /// Says something in the log.
    fn note(&self, text: &str);

    /// Says something in a log that is to hold everything.
    fn detail(&self, text: &str);

    /// Never lets this text out again.
    fn mask(&self, secret: &SecretString);
}

/// How a commit that isn't in the clone may be had.
pub struct Fetching<'a> {
    /// The way there.
    pub outside: &'a dyn Outside,
    /// Whether anything may be fetched from the repository's remote.
    pub is_on: bool,
    /// `token`, if given.
    pub token: Option<&'a SecretString>,
    /// Where a folder can be made for what is fetched; it is gone afterwards.
    pub temporary: PathBuf,
}
