//! A connection to a provider: calls with valid credentials, at the rate limit, and again while that may help.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::credential_refresh::{CredentialRefresh, without_refresh};
use super::rate_limit::RateLimiter;
use super::retry;
use crate::provider::edge::Edge;
use crate::provider::{Accepted, Api, ApiError, ApiErrorKind, Provider, Submission, warm};

/// How often a provider is prepared, where a failure may pass.
const PREPARATIONS: u32 = 3;

/// A connection to the provider of one target.
pub struct Connection<'p> {
    /// The target's name.
    pub target: Arc<str>,
    /// The provider, opened for the target.
    pub provider: Box<dyn Provider + 'p>,
    /// The network, or an emulator.
    pub api: Rc<dyn Api + 'p>,
    /// How its credentials are refreshed, if they expire and others can be obtained.
    pub refresh: Option<Rc<CredentialRefresh>>,
    /// The CDN as visitors reach it, to warm what can't be prefetched by the provider's API.
    pub edge: Rc<dyn Edge + 'p>,
}

impl Connection<'_> {
    /// Makes one call: with valid credentials, in its turn at the rate limit. Both learn from the response. `note` gets a
    /// sentence for the log when the credentials were refreshed.
    ///
    /// # Errors
    /// The error of the call; `Credentials`: they have expired, and there are no others.
    pub async fn call<T>(
        &self,
        limiter: &RateLimiter,
        note: &dyn Fn(&str),
        request: impl AsyncFnOnce() -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.ensure_valid(note).await?;
        limiter.acquire(1).await;
        let sent = Instant::now();
        self.observe(sent, limiter.on_response(request().await))
    }

    /// Makes a call that changes nothing, again while that may help: with other credentials, by the provider's clock, or after
    /// the time that `transient` gives for the `n`th error (from 1) that may pass.
    ///
    /// # Errors
    /// The error of the last call.
    pub async fn query<T>(
        &self,
        limiter: &RateLimiter,
        note: &dyn Fn(&str),
        request: impl AsyncFn() -> Result<T, ApiError>,
        mut transient: impl FnMut(u32, &ApiError) -> Option<Duration>,
    ) -> Result<T, ApiError> {
        let mut corrected = false;
        let next = |errors: u32, error: &ApiError| match (error.kind, error.server_time) {
            (ApiErrorKind::Expired, _) => Some(Duration::ZERO),
            (ApiErrorKind::Clock, Some(server)) if !corrected => {
                corrected = true;
                self.api.correct_clock(server);
                note(&format!("this machine's clock is wrong; requests are signed by the provider's: {error}"));
                Some(Duration::ZERO)
            }
            (kind, _) if retry::is_transient(kind) => transient(errors, error),
            _ => None,
        };
        retry::until(async || self.call(limiter, note, &request).await, next).await
    }

    /// Submits a batch: to the provider, or, where its prefetches are fetches through the CDN, to the edge.
    ///
    /// # Errors
    /// Those of [`Provider::submit`], and of [`warm::warm`].
    pub async fn submit(&self, submission: Submission<'_>) -> Result<Accepted, ApiError> {
        match submission.subjects {
            [subject] if self.provider.spec().is_warmed(submission.operation) => {
                warm::warm(&*self.edge, &subject.value).await
            }
            _ => self.provider.submit(submission, &*self.api).await,
        }
    }

    /// Looks up what the provider needs before its first batch; see [`Provider::prepare`].
    ///
    /// # Errors
    /// What the provider refuses, after a few tries where trying may help.
    pub async fn prepare(&mut self, random: &mut fastrand::Rng) -> Result<(), ApiError> {
        let (provider, api) = (&mut self.provider, &*self.api);
        let next = |errors: u32, error: &ApiError| {
            (retry::is_transient(error.kind) && errors < PREPARATIONS).then(|| retry::delay(errors, error, random))
        };
        retry::until(async || provider.prepare(api).await, next).await
    }

    /// Refreshes the credentials if they expire soon; see [`CredentialRefresh::ensure_valid`].
    ///
    /// # Errors
    /// `Credentials`: they have expired, and there are no others.
    pub async fn ensure_valid(&self, note: &dyn Fn(&str)) -> Result<(), ApiError> {
        if let Some(refresh) = &self.refresh
            && let Some(refreshed) = refresh.ensure_valid().await?
        {
            note(&refreshed.sentence(self.provider.spec().name));
        }
        Ok(())
    }

    /// Learns from the response to a request that was sent at `sent`; see [`CredentialRefresh::observe`].
    ///
    /// # Errors
    /// The response's error; its kind says whether other credentials may help.
    pub fn observe<T>(&self, sent: Instant, result: Result<T, ApiError>) -> Result<T, ApiError> {
        match &self.refresh {
            Some(refresh) => refresh.observe(sent, result),
            None => without_refresh(result),
        }
    }
}
