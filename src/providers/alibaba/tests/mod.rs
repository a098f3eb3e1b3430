//! The provider against the emulator, in process, and against canned answers.

use std::cell::{Cell, RefCell};
use std::future::Future;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};

use super::spec::{ALIBABA_CDN, ALIBABA_DCDN, ALIBABA_VOD, CDN};
use crate::model::{Kind, Operation};
use crate::provider::credentials::Keys;
use crate::provider::emulation::{Emulator, EmulatorSettings};
use crate::provider::{Accepted, Api, ApiError, Opening, OptionValue, Options, Provider, Spec, Submission};

mod answers;
mod calls;
mod credentials;
mod gateway;
mod products;
mod refusals;

const FILES: Operation = Operation::Refresh(Kind::File);

/// Runs what never waits.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn start() -> Timestamp {
    "2026-11-22T00:51:54Z".parse().unwrap()
}

/// A target with these options, and the emulator's default keys.
fn provider(options: &[(&'static str, OptionValue)]) -> Box<dyn Provider> {
    provider_with(options, None)
}

fn provider_with(options: &[(&'static str, OptionValue)], token: Option<&str>) -> Box<dyn Provider> {
    provider_of(&ALIBABA_CDN, options, token)
}

fn provider_of(spec: &'static Spec, options: &[(&'static str, OptionValue)], token: Option<&str>) -> Box<dyn Provider> {
    let settings = EmulatorSettings::default();
    let options = options.iter().cloned().collect::<Options>();
    (spec.open)(Opening {
        spec,
        endpoint: url::Url::parse(spec.endpoint(&options)).unwrap(),
        options,
        keys: Keys::new(settings.credentials().with_token(token.map(Into::into))),
    })
}

fn v1() -> (&'static str, OptionValue) {
    ("signature", OptionValue::Word("v1".into()))
}

type Tamper = Box<dyn Fn(Request<Bytes>) -> Request<Bytes>>;

/// The way to an emulator, with a clock that stands still until it is moved.
struct Line {
    emulator: RefCell<Box<dyn Emulator>>,
    now: Cell<Timestamp>,
    /// How far the caller's clock is off.
    skew: Cell<SignedDuration>,
    nonces: Cell<u64>,
    repeat_nonce: bool,
    tamper: Option<Tamper>,
    last: RefCell<Option<Request<Bytes>>>,
}

impl Line {
    fn to(settings: EmulatorSettings) -> Self {
        Self::to_product(&ALIBABA_CDN, settings)
    }

    fn to_product(spec: &'static Spec, settings: EmulatorSettings) -> Self {
        Self {
            emulator: RefCell::new((spec.emulator)(&settings)),
            now: Cell::new(start()),
            skew: Cell::new(SignedDuration::ZERO),
            nonces: Cell::new(0),
            repeat_nonce: false,
            tamper: None,
            last: RefCell::new(None),
        }
    }

    fn friendly() -> Self {
        Self::to(EmulatorSettings::default())
    }

    fn pass(&self, seconds: i64) {
        self.now.set(self.now.get() + SignedDuration::from_secs(seconds));
    }

    fn submit(&self, provider: &dyn Provider, operation: Operation, urls: &[&str]) -> Result<Accepted, ApiError> {
        block_on(provider.submit(Submission { operation, force: false, urls }, self))
    }

    fn accepted(&self) -> usize {
        self.emulator.borrow().ledger().len()
    }

    fn last_request(&self) -> Request<Bytes> {
        self.last.borrow().clone().unwrap()
    }
}

#[async_trait(?Send)]
impl Api for Line {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ApiError> {
        let request = self.tamper.as_ref().map_or_else(|| request.clone(), |tamper| tamper(request.clone()));
        *self.last.borrow_mut() = Some(request.clone());
        assert!(self.emulator.borrow().claims(&request));
        Ok(self.emulator.borrow_mut().handle(&request, self.now.get()))
    }

    fn now(&self) -> Timestamp {
        self.now.get() + self.skew.get()
    }

    fn nonce(&self) -> String {
        if !self.repeat_nonce {
            self.nonces.set(self.nonces.get() + 1);
        }
        format!("{:032x}", self.nonces.get())
    }

    fn correct_clock(&self, server: Timestamp) {
        self.skew.set(server.duration_since(self.now.get()));
    }
}

/// A server that has one answer to everything.
struct Canned(Response<Bytes>);

impl Canned {
    fn new(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Self(response.body(body.into()).unwrap())
    }

    fn error(status: u16, code: &str) -> Self {
        Self::new(status, &[], format!(r#"{{"Code":"{code}","Message":"words","RequestId":"R-1","HostId":"h"}}"#))
    }

    fn submit(&self) -> Result<Accepted, ApiError> {
        let submission = Submission { operation: FILES, force: false, urls: &["http://example.com/1"] };
        block_on(provider(&[]).submit(submission, self))
    }
}

#[async_trait(?Send)]
impl Api for Canned {
    async fn call(&self, _: Request<Bytes>) -> Result<Response<Bytes>, ApiError> {
        Ok(self.0.clone())
    }

    fn now(&self) -> Timestamp {
        start()
    }

    fn nonce(&self) -> String {
        "0".repeat(32)
    }

    fn correct_clock(&self, _: Timestamp) {}
}
