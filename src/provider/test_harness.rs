//! Ways out for tests of providers: to an emulator, in process and with a stopped clock, and to a response that is
//! written out.

use std::cell::{Cell, RefCell};
use std::future::Future;

use async_trait::async_trait;
use bytes::Bytes;
use emulators::Emulator;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};

use crate::model::Operation;
use crate::model::PurgeMode;
use crate::model::RefreshKind;
use crate::model::Subject;
use crate::provider::{Accepted, Api, ApiError, Provider, Submission};

/// Runs what never waits.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn start() -> Timestamp {
    "2026-11-22T00:51:54Z".parse().unwrap()
}

/// Which nonces a caller gets.
#[derive(Clone, Copy)]
pub(crate) enum Nonces {
    New,
    /// One, again and again.
    Repeated,
    /// None, for a signature without any.
    Unneeded,
}

type Tamper = Box<dyn Fn(Request<Bytes>) -> Request<Bytes>>;

/// The way to an emulator, with a clock that is stopped until it is moved.
pub(crate) struct Line {
    pub(crate) emulator: RefCell<Box<dyn Emulator>>,
    pub(crate) now: Cell<Timestamp>,
    /// How far the caller's clock is off.
    pub(crate) skew: Cell<SignedDuration>,
    pub(crate) nonces: Nonces,
    pub(crate) tamper: Option<Tamper>,
    given: Cell<u64>,
    pub(crate) last: RefCell<Option<Request<Bytes>>>,
}

impl Line {
    pub(crate) fn to(emulator: Box<dyn Emulator>, nonces: Nonces) -> Self {
        Self {
            emulator: RefCell::new(emulator),
            now: Cell::new(start()),
            skew: Cell::new(SignedDuration::ZERO),
            nonces,
            tamper: None,
            given: Cell::new(0),
            last: RefCell::new(None),
        }
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.now.set(self.now.get() + SignedDuration::from_secs(seconds));
    }

    pub(crate) fn submit(
        &self,
        provider: &dyn Provider,
        operation: Operation,
        urls: &[&str],
    ) -> Result<Accepted, ApiError> {
        let kind = if let Operation::Refresh(kind) = operation { kind } else { RefreshKind::Url };
        let subjects: Vec<Subject> = urls.iter().map(|url| Subject::of(kind, url)).collect();
        let subjects: Vec<&Subject> = subjects.iter().collect();
        let submission =
            Submission { operation, mode: PurgeMode::Default, subjects: &subjects, reference: "cdn-purge-test-1" };
        block_on(provider.submit(submission, self))
    }

    /// How many URLs the emulator took.
    pub(crate) fn accepted(&self) -> usize {
        self.emulator.borrow().ledger().len()
    }

    pub(crate) fn last_request(&self) -> Request<Bytes> {
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
        match self.nonces {
            Nonces::New => self.given.set(self.given.get() + 1),
            Nonces::Repeated => {}
            Nonces::Unneeded => panic!("this signature needs none"),
        }
        format!("{:032x}", self.given.get())
    }

    fn correct_clock(&self, server: Timestamp) {
        self.skew.set(server.duration_since(self.now.get()));
    }
}

/// A server that has one answer to everything.
pub(crate) struct Canned(pub(crate) Response<Bytes>);

impl Canned {
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Self(response.body(body.into()).unwrap())
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
