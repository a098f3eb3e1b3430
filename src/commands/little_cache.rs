//! A little cache over HTTP in front of a little origin, both on this machine: what the demo proves its purges with.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use emulators::cache::Cache;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderValue};
use http::{Request, Response, StatusCode};
use tokio::time::Instant;

use super::mock_server::body::{AnswerBody, Closed};
use super::mock_server::connections::{Server, empty};
use crate::provider::Api;

/// How long the cache keeps a copy.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// The cache.
pub(super) struct CacheServer {
    cache: RefCell<Cache>,
    /// Scheme, host and port of the origin.
    origin: String,
    api: Rc<dyn Api>,
    began: Instant,
}

impl CacheServer {
    /// An empty cache in front of an origin.
    pub(super) fn new(origin: String, api: Rc<dyn Api>) -> Self {
        Self { cache: RefCell::new(Cache::new(LIFETIME)), origin, api, began: Instant::now() }
    }
}

#[async_trait(?Send)]
impl Server for CacheServer {
    async fn answer(&self, request: Request<Bytes>, _: Instant) -> Result<Response<AnswerBody>, Closed> {
        let copy = self.cache.borrow_mut().answer(&request, self.began.elapsed());
        if let Some(copy) = copy {
            return Ok(copy.map(AnswerBody::whole));
        }
        let answer = match forwarded(&self.origin, &request) {
            Some(forwarded) => self.api.call(forwarded).await.ok(),
            None => None,
        };
        Ok(match answer {
            Some(answer) => {
                self.cache.borrow_mut().store(&request, answer, self.began.elapsed()).map(AnswerBody::whole)
            }
            None => empty(StatusCode::BAD_GATEWAY),
        })
    }
}

/// The same request at another server.
fn forwarded(server: &str, request: &Request<Bytes>) -> Option<Request<Bytes>> {
    let path = request.uri().path_and_query()?;
    let mut forwarded = Request::get(format!("{server}{path}")).body(Bytes::new()).ok()?;
    for name in [HOST, ACCEPT_ENCODING] {
        if let Some(value) = request.headers().get(&name) {
            forwarded.headers_mut().insert(name, value.clone());
        }
    }
    Some(forwarded)
}

/// The origin: files by their URL.
#[derive(Default)]
pub(super) struct OriginServer {
    pub(super) files: RefCell<BTreeMap<String, Bytes>>,
}

#[async_trait(?Send)]
impl Server for OriginServer {
    async fn answer(&self, request: Request<Bytes>, _: Instant) -> Result<Response<AnswerBody>, Closed> {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let file = self.files.borrow().get(&format!("http://{host}{}", request.uri())).cloned();
        let Some(file) = file else { return Ok(empty(StatusCode::NOT_FOUND)) };
        let mut response = Response::new(AnswerBody::whole(file));
        let kind = if request.uri().path().ends_with(".svg") { "image/svg+xml" } else { "text/html; charset=utf-8" };
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Ok(response)
    }
}
