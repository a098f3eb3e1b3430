//! Git's smart HTTP, protocol version 2: one request for the server's capabilities, then one for each reference and pack.

use std::io::Write;
use std::ops::ControlFlow;

use bytes::Bytes;
use git2::Oid;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method, StatusCode};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::error::Error;
use crate::git::io::HttpTransport;

use super::capabilities::Capabilities;
use super::references::References;
use super::remote::Credential;
use super::request::{self, Request};
use super::response::{Piece, Response};

/// Capabilities are some hundred bytes. A server with an older protocol sends all references instead, of which the first is enough.
const CAPABILITIES_BYTES: usize = 128 << 10;
/// The directories of a repository with millions of files; from a server that can't leave contents out, one version of those
/// of an ordinary one.
const PACK_BYTES: u64 = 512 << 20;
/// The part of an error page that is searched for a useful line.
const PAGE_BYTES: usize = 4096;
/// Git itself follows that many, and a renamed repository needs one.
const REDIRECTS: usize = 3;

/// Why something couldn't be fetched.
#[derive(Debug)]
pub(super) struct Failure {
    /// A sentence fragment.
    pub(super) message: String,
    /// What to do, where it is another thing than making the clone deeper.
    pub(super) help: Option<String>,
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        let is_gone = message.contains("not our ref");
        let help = "it isn't there any more, or was never pushed: give a `base` that is, or `changes: all`";
        Self { message, help: is_gone.then(|| help.to_owned()) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Checkout { message, help } => Self { message, help: Some(help) },
            other => other.to_string().into(),
        }
    }
}

/// A server with known capabilities.
pub(super) struct Server<'a> {
    transport: &'a dyn HttpTransport,
    pub(super) url: Url,
    credential: Option<Credential>,
    capabilities: Capabilities,
    /// How many bytes were received.
    pub(super) bytes: u64,
    /// How many requests were sent.
    pub(super) requests: u32,
}

impl<'a> Server<'a> {
    /// Requests the server's capabilities; with each of the credentials, until one is accepted.
    ///
    /// # Errors
    /// No response, a refusal, and a server that speaks another protocol.
    pub(super) async fn open(
        url: Url,
        credentials: Vec<Credential>,
        transport: &'a dyn HttpTransport,
    ) -> Result<Self, Failure> {
        let capabilities = Capabilities::default();
        let mut server = Self { transport, url, credential: None, capabilities, bytes: 0, requests: 0 };
        let mut refused = Vec::new();
        let is_anonymous = credentials.is_empty();
        for credential in credentials.into_iter().map(Some).chain(is_anonymous.then_some(None)) {
            let place = credential.as_ref().map(|credential| credential.place);
            server.credential = credential;
            match server.discover().await? {
                Ok(capabilities) => {
                    server.capabilities = capabilities;
                    return Ok(server);
                }
                Err(words) => refused.push(place.map_or(words.clone(), |place| format!("{words} with {place}"))),
            }
        }
        let help = if is_anonymous {
            "give a `token` that may read the repository"
        } else {
            "give a `token` that may read the repository: on GitHub the job's own with `permissions: contents: read`"
        };
        Err(Failure { message: refused.join(", and "), help: Some(help.to_owned()) })
    }

    /// Whether it can send less than whole commits.
    pub(super) fn can_filter(&self) -> bool {
        self.capabilities.can_filter
    }

    /// The commit of the first of these references that it has.
    ///
    /// # Errors
    /// No response, a refusal, and an endless list.
    pub(super) async fn reference(&mut self, names: Vec<String>) -> Result<Option<Oid>, Failure> {
        let message = request::references(&names);
        let mut references = References::new(names);
        self.post(message, &mut |bytes| references.feed(bytes)).await?;
        Ok(references.finish()?)
    }

    /// Fetches a pack, and writes it to `pack`.
    ///
    /// # Errors
    /// No response, a refusal, a pack that isn't whole or too large, a disk that is full.
    pub(super) async fn fetch(&mut self, request: &Request, pack: &mut impl Write) -> Result<(), Failure> {
        if !self.capabilities.can_cut {
            return Err("the server can't send a single commit".to_owned().into());
        }
        let unwritten = |error: std::io::Error| format!("the server's pack can't be kept: {error}");
        let (transport, mut response, mut size) = (self.transport, Response::default(), 0_u64);
        let mut on_piece = |piece: Piece<'_>| match piece {
            Piece::Pack(bytes) => pack.write_all(bytes).map_err(unwritten),
            Piece::Progress(line) => {
                transport.detail(&format!("remote: {line}"));
                Ok(())
            }
        };
        let mut on_data = |bytes: &[u8]| {
            size += bytes.len() as u64;
            if size > PACK_BYTES {
                return Err(format!("the server sends more than {} MiB", PACK_BYTES >> 20));
            }
            response.feed(bytes, &mut on_piece)
        };
        self.post(request.message(self.capabilities.can_filter), &mut on_data).await?;
        response.finish()?;
        Ok(pack.flush().map_err(unwritten)?)
    }

    /// The server's capabilities, or its refusal in short.
    async fn discover(&mut self) -> Result<Result<Capabilities, String>, Failure> {
        for _ in 0..=REDIRECTS {
            let mut url = self.below("info/refs");
            url.set_query(Some("service=git-upload-pack"));
            let request = self.request(Method::GET, &url);
            let request = request.body(Bytes::new()).map_err(|error| error.to_string())?;
            let mut body = Vec::new();
            let parts = self.exchange(request, &mut |_, bytes| collect(&mut body, bytes, CAPABILITIES_BYTES)).await?;
            match parts.status {
                StatusCode::OK => return Ok(Ok(Capabilities::read(&body)?)),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                    return Ok(Err(self.status(&parts, &body)));
                }
                status if status.is_redirection() => self.follow(&parts, &url)?,
                _ => return Err(self.status(&parts, &body).into()),
            }
        }
        Err(format!("the server redirects more than {REDIRECTS} times").into())
    }

    /// Takes the repository's new URL on the same server; another server never gets the token.
    fn follow(&mut self, parts: &http::response::Parts, from: &Url) -> Result<(), Failure> {
        let to = parts.headers.get(LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| from.join(to).ok());
        let Some(mut to) = to else {
            return Err(format!("the server redirects (HTTP {}) without a location", parts.status).into());
        };
        if to.origin() != from.origin() {
            let host = to.host_str().unwrap_or_default();
            let message = format!("the server redirects to another one (`{host}`)");
            let help = Some("set the remote's URL to the repository's new one".to_owned());
            return Err(Failure { message, help });
        }
        let Some(path) = to.path().strip_suffix("/info/refs").map(str::to_owned) else {
            return Err(format!("the server redirects to `{}`, which is no repository", to.path()).into());
        };
        to.set_path(&path);
        to.set_query(None);
        to.set_fragment(None);
        let _ = to.set_username("");
        let _ = to.set_password(None);
        self.url = to;
        Ok(())
    }

    fn below(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{path}", self.url.path().trim_end_matches('/')));
        url
    }

    /// Posts a message of git's protocol, and passes on the body of the response.
    async fn post(
        &mut self,
        message: Vec<u8>,
        on_data: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), Failure> {
        let request = self.request(Method::POST, &self.below("git-upload-pack"));
        let request = request.header(CONTENT_TYPE, "application/x-git-upload-pack-request").header(ACCEPT, RESULT);
        let request = request.body(Bytes::from(message)).map_err(|error| error.to_string())?;
        let (mut page, mut failed) = (Vec::new(), None);
        let mut on_chunk = |parts: &http::response::Parts, bytes: &[u8]| {
            if !is_result(parts) {
                return collect(&mut page, bytes, PAGE_BYTES);
            }
            failed = on_data(bytes).err();
            if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let parts = self.exchange(request, &mut on_chunk).await?;
        match failed {
            Some(message) => Err(message.into()),
            None if is_result(&parts) => Ok(()),
            None => Err(self.status(&parts, &page).into()),
        }
    }

    fn request(&self, method: Method, url: &Url) -> http::request::Builder {
        let mut request = http::Request::builder().method(method).uri(url.as_str()).header("git-protocol", "version=2");
        if let Some(credential) = &self.credential
            && let Ok(mut value) = HeaderValue::from_str(credential.header.expose_secret())
        {
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        request
    }

    async fn exchange(
        &mut self,
        request: http::Request<Bytes>,
        on_chunk: &mut dyn FnMut(&http::response::Parts, &[u8]) -> ControlFlow<()>,
    ) -> Result<http::response::Parts, Failure> {
        self.requests += 1;
        let mut bytes = 0;
        let mut counted = |parts: &http::response::Parts, piece: &[u8]| {
            bytes += piece.len() as u64;
            on_chunk(parts, piece)
        };
        let result = self.transport.exchange(request, &mut counted).await;
        self.bytes += bytes;
        Ok(result?)
    }

    /// A response of another kind, in short, with the server's words for people.
    fn status(&self, parts: &http::response::Parts, page: &[u8]) -> String {
        let is_text = header(parts, CONTENT_TYPE.as_str()).starts_with("text/plain");
        let line = String::from_utf8_lossy(page).trim().chars().take(200).collect::<String>();
        let words = if is_text && !line.is_empty() { format!(": {line}") } else { String::new() };
        match parts.status {
            StatusCode::OK => format!("the server responds with `{}`", header(parts, CONTENT_TYPE.as_str())),
            StatusCode::UNAUTHORIZED if self.credential.is_none() => {
                format!("the server wants credentials (HTTP 401{words})")
            }
            status => format!("the server refuses (HTTP {}{words})", status.as_u16()),
        }
    }
}

const RESULT: &str = "application/x-git-upload-pack-result";

fn is_result(parts: &http::response::Parts) -> bool {
    parts.status == StatusCode::OK && header(parts, CONTENT_TYPE.as_str()) == RESULT
}

fn header<'p>(parts: &'p http::response::Parts, name: &str) -> &'p str {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Takes a body up to a size; the rest isn't read.
fn collect(body: &mut Vec<u8>, bytes: &[u8], most: usize) -> ControlFlow<()> {
    body.extend_from_slice(&bytes[..bytes.len().min(most - body.len())]);
    if body.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}
