//! A way out for tests: every request gets the same response.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;

use super::{Api, ApiError};

/// Gives this response to every request.
pub(crate) struct Canned(pub(crate) Response<Bytes>);

#[async_trait(?Send)]
impl Api for Canned {
    async fn call(&self, _: Request<Bytes>) -> Result<Response<Bytes>, ApiError> {
        Ok(self.0.clone())
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn nonce(&self) -> String {
        "0".repeat(32)
    }

    fn correct_clock(&self, _: Timestamp) {}
}
