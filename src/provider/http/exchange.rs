//! Sends requests that no provider makes, and streams the response body: the transport for fetching commits.
//!
//! The same connections, certificate authorities, names and proxies as the providers have, and no retry and no redirect either.

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;

use super::HttpApi;
use crate::provider::ApiError;

/// How long an exchange may take in all: a server may have to look through a large repository first. It must not stay silent
/// meanwhile for longer than a provider may.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(300);

impl HttpApi {
    /// Sends one request, once. `take` gets the answer's head and the next bytes of its body, and can break it off.
    ///
    /// # Errors
    /// As [`Api::call`](crate::provider::Api::call). Any HTTP status is an answer.
    pub async fn exchange(
        &self,
        request: ::http::Request<Bytes>,
        take: &mut dyn FnMut(&::http::response::Parts, &[u8]) -> ControlFlow<()>,
    ) -> Result<::http::response::Parts, ApiError> {
        let (call, mut response) = self.send(request, EXCHANGE_TIMEOUT).await?;
        let mut head = ::http::Response::new(());
        *head.status_mut() = response.status();
        *head.headers_mut() = std::mem::take(response.headers_mut());
        let (head, ()) = head.into_parts();
        let mut read = 0;
        while let Some(chunk) = response.chunk().await.map_err(|error| call.broken(&error, read as u64))? {
            read += chunk.len();
            if take(&head, &chunk).is_break() {
                break;
            }
        }
        Ok(head)
    }
}
