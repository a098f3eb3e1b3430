//! Sends requests over HTTP and reads the responses: the only file that names reqwest.
//!
//! Apart because what a provider may do after an error depends on whether a byte of the request was written, and only
//! the transport can know. One request in, one request out: no retry, no redirect, no cookie, no plain text.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use jiff::Timestamp;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::Instant;
use url::{Host, Url};

use self::proxy::Proxy;
use super::clock::Clock;
use super::{Api, ApiError, ApiErrorKind, ApiName};
use crate::error::Error;

mod download;
pub mod edge;
mod exchange;
mod proxy;
mod public_address;
mod roots;

#[cfg(test)]
mod tests;

/// How long a connection, with its name look-up and its handshakes, may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the other side may stay silent.
pub const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a call may take in all.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer that is read.
pub const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// The most header fields of an answer; hyper's buffer bounds their size.
const ANSWER_HEADERS: usize = 100;
/// Connections that were idle for longer are not used again: gateways close them, often after a minute, and a request
/// that meets the closing is an outcome nobody knows.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// What this machine has for the network. Make one per process: connections stay warm, and the certificate authorities are
/// read once, when the first request needs them. A clone is the same network.
#[derive(Clone)]
pub struct Network(Rc<Shared>);

struct Shared {
    environment: BTreeMap<String, String>,
    names: OnceCell<Names>,
    tls: OnceCell<Result<rustls::ClientConfig, String>>,
    client: OnceCell<Result<reqwest::Client, String>>,
}

impl Network {
    /// The network as the environment describes it: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` (in lower case too),
    /// `SSL_CERT_FILE`, `SSL_CERT_DIR`. Nothing is read or sent yet.
    pub fn new(environment: &BTreeMap<String, String>) -> Self {
        let environment = environment.clone();
        Self(Rc::new(Shared { environment, names: OnceCell::new(), tls: OnceCell::new(), client: OnceCell::new() }))
    }

    /// Gets ready to reach these endpoints. Nothing is sent.
    ///
    /// # Errors
    /// `Network`: an endpoint in plain http that isn't this machine, a proxy that can't be understood, or a name to look
    /// up and no resolver configuration.
    pub fn open(&self, endpoints: &[Url], clock: Clock) -> Result<HttpApi, Error> {
        let proxy = Proxy::of(&self.0.environment)?;
        for endpoint in endpoints {
            check_scheme(endpoint).map_err(|message| Error::Network {
                message,
                help: "use https; plain http is for an emulator on this machine".to_owned(),
            })?;
            let connected = proxy.as_ref().filter(|proxy| proxy.serves(endpoint)).map_or(endpoint, |proxy| &proxy.url);
            if let Some(Host::Domain(name)) = connected.host()
                && !is_localhost(name)
                && self.names().0.is_none()
            {
                return Err(Error::Network {
                    message: format!("can't look up `{name}`: {NO_NAMES}"),
                    help: "give the container a resolver, as in `docker run --dns …`, or mount `/etc/resolv.conf`"
                        .to_owned(),
                });
            }
        }
        Ok(HttpApi { network: self.clone(), proxy, clock, calls: Cell::new(0) })
    }

    fn names(&self) -> &Names {
        self.0.names.get_or_init(Names::system)
    }

    fn client(&self) -> Result<&reqwest::Client, &str> {
        self.0.client.get_or_init(|| self.build()).as_ref().map_err(String::as_str)
    }

    /// The proxy that the environment names.
    fn proxy(&self) -> Result<Option<Proxy>, String> {
        Proxy::of(&self.0.environment).map_err(|error| error.to_string())
    }

    fn build(&self) -> Result<reqwest::Client, String> {
        self.builder(Arc::new(self.names().clone()), self.proxy()?.as_ref())?.build().map_err(chain)
    }

    /// A client that looks names up with `names`, and takes this proxy.
    fn builder(&self, names: Arc<dyn Resolve>, proxy: Option<&Proxy>) -> Result<reqwest::ClientBuilder, String> {
        let read = || roots::client_config(&self.0.environment).map_err(|error| error.to_string());
        let tls = self.0.tls.get_or_init(read).clone()?;
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(names)
            .no_proxy()
            .http1_only()
            .http1_max_headers(ANSWER_HEADERS)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("cdn-purge/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT);
        let Some(proxy) = proxy else { return Ok(builder) };
        let except = reqwest::NoProxy::from_string(&proxy.except);
        Ok(builder.proxy(reqwest::Proxy::https(proxy.url.clone()).map_err(chain)?.no_proxy(except)))
    }
}

/// A way over the network, with a clock of its own: the providers' clocks may differ.
pub struct HttpApi {
    network: Network,
    proxy: Option<Proxy>,
    clock: Clock,
    calls: Cell<u64>,
}

impl HttpApi {
    /// How many requests were sent or tried.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// The host and port of the proxy that requests to `endpoint` go through, if any; never its credentials.
    pub fn proxy(&self, endpoint: &Url) -> Option<String> {
        self.proxy.as_ref().filter(|proxy| proxy.serves(endpoint)).map(|proxy| authority(&proxy.url))
    }

    /// Sends a request, and waits for the head of its answer.
    async fn send(
        &self,
        request: ::http::Request<Bytes>,
        timeout: Duration,
    ) -> Result<(Call, reqwest::Response), ApiError> {
        self.calls.set(self.calls.get() + 1);
        let api = ApiName::of(&request);
        let unsent = |message: String| ApiError::new(ApiErrorKind::Unsent, api, message);
        let mut request = reqwest::Request::try_from(request).map_err(|error| unsent(chain(error)))?;
        *request.timeout_mut() = Some(timeout);
        check_scheme(request.url()).map_err(unsent)?;
        let client = self.network.client().map_err(|message| unsent(format!("can't start TLS: {message}")))?;
        let proxy = self.proxy.as_ref().filter(|proxy| proxy.serves(request.url())).map(|proxy| authority(&proxy.url));
        let call = Call { api, host: authority(request.url()), proxy, began: Instant::now() };
        let response = client.execute(request).await.map_err(|error| call.failed(&error))?;
        Ok((call, response))
    }
}

#[async_trait(?Send)]
impl Api for HttpApi {
    async fn call(&self, request: ::http::Request<Bytes>) -> Result<::http::Response<Bytes>, ApiError> {
        let (call, response) = self.send(request, TOTAL_TIMEOUT).await?;
        call.read(response).await
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
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the kernel's randomness is there on every system that we run on");
        format!("{:032x}", u128::from_be_bytes(bytes))
    }

    fn correct_clock(&self, server: Timestamp) {
        self.clock.correct(server);
    }
}

/// One call under way: what its errors need to say. The host only, never the query: it holds signatures.
struct Call {
    api: &'static str,
    host: String,
    proxy: Option<String>,
    began: Instant,
}

impl Call {
    async fn read(&self, mut response: reqwest::Response) -> Result<::http::Response<Bytes>, ApiError> {
        let too_large = || {
            let limit = ANSWER_BYTES / (1024 * 1024);
            self.ambiguous(format!("the answer of `{}` is longer than {limit} MiB", self.host))
        };
        if response.content_length().is_some_and(|length| length > ANSWER_BYTES as u64) {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(&error, body.len() as u64))? {
            if body.len() + chunk.len() > ANSWER_BYTES {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = ::http::Response::new(body.freeze());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }

    /// No answer's head came.
    fn failed(&self, error: &reqwest::Error) -> ApiError {
        let host = &self.host;
        if !nothing_was_written(error) {
            return self.ambiguous(if error.is_timeout() {
                format!("no answer from `{host}` within {} s", self.began.elapsed().as_secs())
            } else {
                format!("the connection to `{host}` broke before an answer came: {}", root(error))
            });
        }
        let via = self.proxy.as_ref().map(|proxy| format!(" through the proxy `{proxy}`")).unwrap_or_default();
        let reason = root(error);
        let mut unsent = ApiError::new(
            ApiErrorKind::Unsent,
            self.api,
            if error.is_timeout() {
                format!("no connection to `{host}`{via} within {} s", CONNECT_TIMEOUT.as_secs())
            } else {
                format!("can't connect to `{host}`{via}: {reason}")
            },
        );
        if reason.contains("proxy authorization required") {
            unsent.message =
                format!("the proxy `{}` wants other credentials (HTTP 407)", self.proxy.as_deref().unwrap_or(""));
            unsent.help = Some("give them in the proxy's URL: `http://user:password@host:port`".to_owned());
        } else if let Some(rustls::Error::InvalidCertificate(problem)) = find_tls_error(error) {
            unsent.message = format!("the certificate of `{host}`{via} is not accepted: {problem}");
            unsent.help = Some("name the file of a private certificate authority in `SSL_CERT_FILE`".to_owned());
        }
        unsent
    }

    /// The head of an answer came, and then it broke off.
    fn broken(&self, error: &reqwest::Error, read: u64) -> ApiError {
        let host = &self.host;
        self.ambiguous(if error.is_timeout() {
            let seconds = self.began.elapsed().as_secs();
            format!("the answer of `{host}` stopped after {read} bytes, and nothing more came within {seconds} s")
        } else {
            format!("the answer of `{host}` broke off after {read} bytes: {}", root(error))
        })
    }

    fn ambiguous(&self, message: String) -> ApiError {
        ApiError::new(ApiErrorKind::Ambiguous, self.api, message)
    }
}

/// Whether the transport proves that no byte of the request left.
///
/// Read in hyper-util 0.1.21 (`client/legacy/client.rs`) and hyper 1.12.0 (`proto/h1/dispatch.rs`, `client/dispatch.rs`):
/// the kind `Connect` covers name look-up, TCP, TLS, a proxy's CONNECT and the pool, all before a connection takes a
/// request; hyper's `canceled` is only made together with handing the request back unstarted. A pooled connection that
/// closes as we write is `incomplete message` or an I/O error, and stays ambiguous.
fn nothing_was_written(error: &reqwest::Error) -> bool {
    error.is_builder()
        || error.is_connect()
        || sources(error).filter_map(|source| source.downcast_ref::<hyper::Error>()).any(hyper::Error::is_canceled)
}

/// The error and what caused it, outermost first.
fn sources<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let current = next?;
        next = current.source();
        Some(current)
    })
}

/// The innermost cause, in its own words: the outer ones say "error sending request" and the whole URL.
fn root(error: &reqwest::Error) -> String {
    sources(error).last().map_or_else(String::new, ToString::to_string)
}

fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    sources(&error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The TLS error inside the I/O errors that carry it: each hides its content from `source`.
fn find_tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    sources(error).find_map(|source| {
        let mut current = source;
        while let Some(inner) = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            current = inner;
        }
        current.downcast_ref()
    })
}

/// Looks names up without the C library, whose static form may load foreign code.
#[derive(Clone)]
struct Names(Option<TokioResolver>);

/// Why there is no resolver. Its default would be a public one, which must not learn whom we talk to.
const NO_NAMES: &str = "`/etc/resolv.conf` is missing or names no server";

impl Names {
    fn system() -> Self {
        let resolver = TokioResolver::builder_tokio().and_then(|mut builder| {
            builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
            builder.build()
        });
        Self(resolver.ok())
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.0.clone();
        Box::pin(async move {
            let found: Vec<IpAddr> = if is_localhost(name.as_str()) {
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            } else {
                let resolver = resolver.ok_or(NO_NAMES)?;
                match resolver.lookup_ip(name.as_str()).await {
                    Ok(found) => found.iter().collect(),
                    Err(error) if error.is_no_records_found() => return Err("the name isn't in the DNS".into()),
                    Err(error) => return Err(error.into()),
                }
            };
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

fn check_scheme(url: &Url) -> Result<(), String> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        scheme => Err(format!("won't send a signed request to `{}` over {scheme}", authority(url))),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_localhost(name: &str) -> bool {
    name.trim_end_matches('.').eq_ignore_ascii_case("localhost")
}

/// Host, and port if it is an unusual one.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
