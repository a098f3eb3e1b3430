//! The network of `--simulate` and of the tests: the emulators, in process.
//!
//! Time is tokio's, so that under a paused clock an hour of waiting takes no time and a run is a function of its seed.
//! Faults come back as the errors that the real transport would give.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use emulators::EmulatorSettings;
use emulators::gateway::{Gateway, Wire};
use jiff::Timestamp;

use crate::provider::clock::Clock;
use crate::provider::credentials::{AccessKey, Credentials, Part};
use crate::provider::edge::{BodyReader, Edge, Fetch, NoAnswer, Page};
use crate::provider::http::{ANSWER_BYTES, READ_TIMEOUT};
use crate::provider::{Api, ApiError, ApiErrorKind, ApiName, Spec};

/// The access key that an emulator accepts.
pub fn access_key(settings: &EmulatorSettings) -> AccessKey {
    AccessKey::new(settings.access_key_id.clone(), settings.access_key_secret.clone())
        .with_token(settings.security_token.clone())
}

/// The credentials that a provider's emulator accepts.
pub fn credentials(spec: &Spec, settings: &EmulatorSettings) -> Credentials {
    match spec.credentials.first().and_then(|names| names.name(Part::Token)) {
        Some(_) => Credentials::Token(settings.access_key_secret.clone()),
        None => access_key(settings).into(),
    }
}

/// The way to the emulators without a network.
pub struct SimulationApi {
    gateway: Rc<RefCell<Gateway>>,
    latency: Duration,
    clock: Clock,
    random: RefCell<fastrand::Rng>,
    calls: Cell<u64>,
}

impl SimulationApi {
    /// Reaches `gateway` with `latency` there and back together; nonces come from `seed`.
    pub fn new(gateway: Rc<RefCell<Gateway>>, latency: Duration, clock: Clock, seed: u64) -> Self {
        let random = RefCell::new(fastrand::Rng::with_seed(seed));
        Self { gateway, latency, clock, random, calls: Cell::new(0) }
    }

    /// How many requests were sent.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// The other side, with its ledger.
    pub fn gateway(&self) -> &Rc<RefCell<Gateway>> {
        &self.gateway
    }
}

#[async_trait(?Send)]
impl Api for SimulationApi {
    async fn call(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, ApiError> {
        self.calls.set(self.calls.get() + 1);
        let api = ApiName::of(&request);
        let host = request.uri().authority().map_or("the emulators", |authority| authority.as_str());
        let ambiguous = |message: String| ApiError::new(ApiErrorKind::Ambiguous, api, message);
        tokio::time::sleep(self.latency / 2).await;
        let reply = self.gateway.borrow_mut().answer(&request, self.clock.uncorrected());
        if reply.delay >= READ_TIMEOUT {
            tokio::time::sleep(READ_TIMEOUT).await;
            return Err(ambiguous(format!("no answer from `{host}` within {} s", READ_TIMEOUT.as_secs())));
        }
        tokio::time::sleep(reply.delay + self.latency / 2).await;
        Err(ambiguous(match reply.wire {
            Wire::Whole(response) => return Ok(response),
            Wire::Cut(response) => {
                format!("the answer of `{host}` broke off after {} bytes", response.body().len() / 2)
            }
            Wire::Endless(_) => format!("the answer of `{host}` is longer than {} MiB", ANSWER_BYTES / (1024 * 1024)),
            Wire::Closed => format!("the connection to `{host}` broke before an answer came"),
        }))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn machine_time(&self) -> Timestamp {
        self.clock.uncorrected()
    }

    fn server_time(&self) -> Option<Timestamp> {
        self.clock.server_time()
    }

    fn learn_server_time(&self, date: Timestamp) {
        self.clock.learn(date);
    }

    fn nonce(&self) -> String {
        format!("{:032x}", self.random.borrow_mut().u128(..))
    }

    fn correct_clock(&self, server: Timestamp) {
        self.clock.correct(server);
    }
}

/// A CDN's edge without a network: it has every URL, after this time there and back.
pub struct SimulatedEdge(pub Duration);

#[async_trait(?Send)]
impl Edge for SimulatedEdge {
    async fn get(&self, _: Fetch<'_>) -> Result<Page, NoAnswer> {
        tokio::time::sleep(self.0).await;
        Ok(BodyReader::new(0).page(200, http::HeaderMap::new(), true))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use emulators::faults::Faults;
    use emulators::test_emulator::TestEmulator;

    use super::*;

    fn api(faults: &[&str]) -> SimulationApi {
        let gateway =
            Gateway::new(vec![("test", Box::new(TestEmulator::default()))], Faults::parse(faults, 0).unwrap());
        let clock = Clock::new("2026-11-22T12:00:00Z".parse().unwrap());
        SimulationApi::new(Rc::new(RefCell::new(gateway)), Duration::from_millis(50), clock, 1)
    }

    fn request() -> http::Request<Bytes> {
        http::Request::post("https://fake.example/test?url=a").extension(ApiName("Take")).body(Bytes::new()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn half_the_latency_passes_before_and_half_after_the_vendor() {
        let api = api(&["Take#2=slow:1000"]);
        let began = Instant::now();
        assert_eq!(api.call(request()).await.unwrap().body(), r#"{"task":"1"}"#);
        assert_eq!(began.elapsed(), Duration::from_millis(50));
        api.call(request()).await.unwrap();
        assert_eq!(began.elapsed(), Duration::from_millis(1100));
        let gateway = api.gateway().borrow();
        let times: Vec<_> = gateway.ledger().map(|(_, entry)| entry.at.to_string()).collect();
        assert_eq!(times, ["2026-11-22T12:00:00.025Z", "2026-11-22T12:00:00.075Z"]);
        assert_eq!(api.calls(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_answer_is_ambiguous_whether_or_not_the_vendor_did_its_work() {
        for (kind, accepted) in [("drop-before", 0), ("drop-after", 1), ("truncate", 1), ("huge", 1), ("slow:15000", 1)]
        {
            let api = api(&[&format!("*={kind}")]);
            let error = api.call(request()).await.unwrap_err();
            assert_eq!((error.kind, error.api), (ApiErrorKind::Ambiguous, "Take"), "{kind}");
            assert!(error.message.contains("`fake.example`"), "{error}");
            assert_eq!(api.gateway().borrow().ledger().count(), accepted, "{kind}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nonces_differ_and_come_back_from_their_seed() {
        let (one, other) = (api(&[]), api(&[]));
        let nonces = [one.nonce(), one.nonce()];
        assert_eq!(nonces, [other.nonce(), other.nonce()]);
        assert_ne!(nonces[0], nonces[1]);
        assert_eq!(nonces[0].len(), 32);
    }
}
