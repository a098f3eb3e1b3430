//! A connection to a provider: calls with valid credentials, at the rate limit, and again while that may help.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::credential_refresh::{CredentialRefresh, without_refresh};
use super::rate_limit::RateLimiter;
use super::retry;
use crate::model::Quota;
use crate::provider::edge::Edge;
use crate::provider::{Accepted, Api, ApiError, ApiErrorKind, Page, Provider, RecordFilter, Spec, Submission, warm};

/// How often a provider is prepared, where a failure may pass.
const PREPARATIONS: u32 = 3;
/// How often a URL is fetched to warm it, where a failure may pass.
const WARMINGS: u32 = 2;
/// The pause between two fetches.
const WARMING_PAUSE: Duration = Duration::from_secs(2);

/// A connection to the provider of one target.
pub struct Connection<'p> {
    /// The target's name.
    pub target: Arc<str>,
    /// The key of its account, which may be that of other targets, too: see [`Target::account`](crate::config::Target::account).
    pub account: Arc<str>,
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
        transient: impl FnMut(u32, &ApiError) -> Option<Duration>,
    ) -> Result<T, ApiError> {
        let next = again(&*self.api, note, transient);
        retry::until(async || self.call(limiter, note, &request).await, next).await
    }

    /// Submits a batch: to the provider, or, where its prefetches are fetches through the CDN, to the edge. What the provider responds
    /// says how it is with the credentials; what the edge does says nothing of them.
    ///
    /// # Errors
    /// Those of [`Provider::submit`], as [`Connection::observe`] sees them; `Refused` where a URL wasn't fetched through the CDN.
    pub async fn submit(&self, submission: Submission<'_>) -> Result<Accepted, ApiError> {
        match submission.subjects {
            [subject] if self.provider.spec().is_warmed(submission.operation) => {
                warmed(&*self.edge, &subject.value).await
            }
            _ => {
                let sent = Instant::now();
                self.observe(sent, self.provider.submit(submission, &*self.api).await)
            }
        }
    }

    /// Looks up what the provider needs before its first batch; see [`Provider::prepare`]. Where that fails, the provider answers
    /// each batch with the error from then on, and sends nothing.
    ///
    /// # Errors
    /// What the provider refuses, after a few tries where trying may help.
    pub async fn prepare(&mut self, note: &dyn Fn(&str), random: &mut fastrand::Rng) -> Result<(), ApiError> {
        let spec = self.provider.spec();
        let nothing = ApiError::new(ApiErrorKind::Denied, "", "the target isn't prepared");
        let unusable: Box<dyn Provider> = Box::new(Unusable { spec, error: nothing });
        let mut provider = std::mem::replace(&mut self.provider, unusable);
        let transient =
            |errors: u32, error: &ApiError| (errors < PREPARATIONS).then(|| retry::delay(errors, error, random));
        let prepare = async || {
            self.ensure_valid(note).await?;
            let sent = Instant::now();
            self.observe(sent, provider.prepare(&*self.api).await)
        };
        let prepared = retry::until(prepare, again(&*self.api, note, transient)).await;
        self.provider = match &prepared {
            Ok(()) => provider,
            Err(error) => Box::new(Unusable { spec, error: error.clone() }),
        };
        prepared
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

/// When a call that changes nothing is made again: at once with other credentials or by the provider's clock, or after the time
/// that `transient` gives for the `n`th error (from 1) that may pass.
fn again(
    api: &dyn Api,
    note: &dyn Fn(&str),
    mut transient: impl FnMut(u32, &ApiError) -> Option<Duration>,
) -> impl FnMut(u32, &ApiError) -> Option<Duration> {
    let mut corrected = false;
    move |errors, error| match (error.kind, error.server_time) {
        (ApiErrorKind::Expired, _) => Some(Duration::ZERO),
        (ApiErrorKind::Clock, Some(server)) if !corrected => {
            corrected = true;
            api.correct_clock(server);
            note(&format!("this machine's clock is wrong; requests are signed by the provider's: {error}"));
            Some(Duration::ZERO)
        }
        (kind, _) if retry::is_transient(kind) => transient(errors, error),
        _ => None,
    }
}

/// Fetches a URL through the CDN, again where a failure may pass. After the last one it is certain that the URL isn't warm.
async fn warmed(edge: &dyn Edge, url: &str) -> Result<Accepted, ApiError> {
    let again =
        |errors, error: &ApiError| (errors < WARMINGS && retry::is_transient(error.kind)).then_some(WARMING_PAUSE);
    let warmed = retry::until(async || warm::warm(edge, url).await, again).await;
    warmed.map_err(|error| ApiError { kind: ApiErrorKind::Refused, ..error })
}

/// A provider whose account can't be used, or that couldn't look up what its target needs: it answers everything with that error,
/// and sends nothing.
pub struct Unusable {
    /// What it is.
    pub spec: &'static Spec,
    /// The error.
    pub error: ApiError,
}

#[async_trait(?Send)]
impl Provider for Unusable {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    async fn submit(&self, _: Submission<'_>, _: &dyn Api) -> Result<Accepted, ApiError> {
        self.refuse()
    }

    async fn status(&self, _: &[String], _: u32, _: &dyn Api) -> Result<Page, ApiError> {
        self.refuse()
    }

    async fn prefetch_status(&self, _: &[String], _: u32, _: &dyn Api) -> Result<Page, ApiError> {
        self.refuse()
    }

    async fn records(&self, _: &RecordFilter, _: u32, _: &dyn Api) -> Result<Page, ApiError> {
        self.refuse()
    }

    async fn quota(&self, _: &dyn Api) -> Result<Quota, ApiError> {
        self.refuse()
    }

    async fn prefetch_quota(&self, _: &dyn Api) -> Result<Quota, ApiError> {
        self.refuse()
    }
}

impl Unusable {
    /// The error: nothing was sent, and trying again is of no use.
    fn refuse<T>(&self) -> Result<T, ApiError> {
        let kind = match self.error.kind {
            kind @ (ApiErrorKind::Credentials | ApiErrorKind::Forbidden) => kind,
            _ => ApiErrorKind::Denied,
        };
        Err(ApiError { kind, ..self.error.clone() })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::provider::edge::{BodyReader, Fetch, NoAnswer, Page as Fetched};

    /// An edge that gives these answers, and the last of them again and again.
    struct Script(RefCell<Vec<Result<u16, NoAnswer>>>);

    #[async_trait(?Send)]
    impl Edge for Script {
        async fn get(&self, _: Fetch<'_>) -> Result<Fetched, NoAnswer> {
            let mut answers = self.0.borrow_mut();
            let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
            Ok(BodyReader::new(0).page(answer?, ::http::HeaderMap::new(), true))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_url_is_fetched_a_second_time_to_warm_it_where_the_failure_may_pass() {
        let (down, foreign) = (NoAnswer::unreachable("down".to_owned()), NoAnswer::refused("foreign".to_owned()));
        for (answers, failure, fetches) in [
            (vec![Ok(200)], None, 1),
            (vec![Ok(404), Ok(200)], Some("HTTP 404"), 1),
            (vec![Ok(503), Ok(200)], None, 2),
            (vec![Ok(429), Ok(429), Ok(200)], Some("HTTP 429"), 2),
            (vec![Err(down.clone()), Ok(200)], None, 2),
            (vec![Err(down.clone()), Err(down), Ok(200)], Some("down"), 2),
            (vec![Err(foreign), Ok(200)], Some("foreign"), 1),
        ] {
            let began = Instant::now();
            let warmed = warmed(&Script(RefCell::new(answers)), "https://www.example.com/a").await;
            let error = warmed.as_ref().err().map(|error| (error.kind, error.message.as_str()));
            assert_eq!(error, failure.map(|why| (ApiErrorKind::Refused, why)));
            assert_eq!(began.elapsed(), WARMING_PAUSE * (fetches - 1), "{failure:?}");
        }
    }
}
