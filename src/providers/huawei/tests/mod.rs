//! The provider against the emulator, in process, and against canned answers.

use std::cell::{Cell, RefCell};
use std::future::Future;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};

use super::HUAWEI_CDN;
use crate::model::{Kind, Operation};
use crate::provider::credentials::{Credentials, Keys};
use crate::provider::emulation::{Emulator, EmulatorSettings};
use crate::provider::{Accepted, Api, ApiError, Opening, OptionValue, Options, Provider, Submission};

mod answers;
mod calls;
mod gateway;
mod refusals;

const FILES: Operation = Operation::Refresh(Kind::File);
const DIRECTORIES: Operation = Operation::Refresh(Kind::Directory);
const URL: &str = "https://www.example.com/1";

/// Runs what never waits.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn start() -> Timestamp {
    "2026-11-22T00:51:54Z".parse().unwrap()
}

fn word(text: &str) -> OptionValue {
    OptionValue::Word(text.into())
}

/// A target with these options, and the emulator's default keys.
fn provider(options: &[(&'static str, OptionValue)]) -> Box<dyn Provider> {
    provider_with(options, EmulatorSettings::default().credentials())
}

fn provider_with(options: &[(&'static str, OptionValue)], credentials: Credentials) -> Box<dyn Provider> {
    let options: Options = options.iter().cloned().collect();
    let endpoint = url::Url::parse(HUAWEI_CDN.endpoint(&options)).unwrap();
    (HUAWEI_CDN.open)(Opening { spec: &HUAWEI_CDN, options, endpoint, keys: Keys::new(credentials) })
}

type Tamper = Box<dyn Fn(Request<Bytes>) -> Request<Bytes>>;

/// The way to an emulator, with a clock that stands still until it is moved.
struct Line {
    emulator: RefCell<Box<dyn Emulator>>,
    now: Cell<Timestamp>,
    /// How far the caller's clock is off.
    skew: Cell<SignedDuration>,
    tamper: Option<Tamper>,
    last: RefCell<Option<Request<Bytes>>>,
}

impl Line {
    fn to(settings: EmulatorSettings) -> Self {
        Self {
            emulator: RefCell::new((HUAWEI_CDN.emulator)(&settings)),
            now: Cell::new(start()),
            skew: Cell::new(SignedDuration::ZERO),
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

    fn last_parameters(&self) -> std::collections::BTreeMap<String, String> {
        let request = self.last_request();
        url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect()
    }

    fn last_body(&self) -> serde_json::Value {
        serde_json::from_slice(self.last_request().body()).unwrap()
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
        unreachable!("this signature needs none")
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
        Self::new(status, &[], format!(r#"{{"error":{{"error_code":"{code}","error_msg":"words"}}}}"#))
    }

    fn submit(&self) -> Result<Accepted, ApiError> {
        block_on(provider(&[]).submit(Submission { operation: FILES, force: false, urls: &[URL] }, self))
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
        unreachable!("this signature needs none")
    }

    fn correct_clock(&self, _: Timestamp) {}
}
