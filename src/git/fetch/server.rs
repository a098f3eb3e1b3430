//! A remote's address becomes a conversation with its server: what it can do, which references it has, and packs.
//!
//! Git's smart HTTP, version 2 where the server speaks it. One question what it can do, then one request for each thing wanted.

use std::ops::ControlFlow;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method, StatusCode};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::git::entries::ObjectId;
use crate::git::git::store::Store;
use crate::git::outside::Outside;

use super::advertisement::{self, Advertisement, Reference};
use super::answer::{Answer, Piece};
use super::source::Credential;
use super::wanted::{self, Wanted};

/// The older protocol lists every reference, some 65 bytes each: this is a million of them.
const ADVERTISEMENT_BYTES: usize = 64 << 20;
/// The directories of a repository with millions of files; from a server that can't leave contents out, one version of those
/// of an ordinary one.
const PACK_BYTES: u64 = 512 << 20;
/// As much of an error's page as is looked at for a line that helps.
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
        Self { message, help: None }
    }
}

/// A server, after its first answer.
pub(super) struct Server<'a> {
    outside: &'a dyn Outside,
    url: Url,
    credential: Option<Credential>,
    said: Advertisement,
    /// How many bytes of answers came.
    pub(super) bytes: u64,
    /// How many requests were sent.
    pub(super) requests: u32,
}

impl<'a> Server<'a> {
    /// Asks the server what it can do; with each of the credentials, until one opens the door.
    pub(super) async fn open(
        url: Url,
        credentials: Vec<Credential>,
        outside: &'a dyn Outside,
    ) -> Result<Self, Failure> {
        let said = Advertisement::default();
        let mut server = Self { outside, url, credential: None, said, bytes: 0, requests: 0 };
        let mut refused = Vec::new();
        let is_anonymous = credentials.is_empty();
        for credential in credentials.into_iter().map(Some).chain(is_anonymous.then_some(None)) {
            let place = credential.as_ref().map(|credential| credential.place);
            server.credential = credential;
            match server.discover().await? {
                Ok(said) => {
                    server.said = said;
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

    /// Whether it can leave out what isn't wanted.
    pub(super) fn can_filter(&self) -> bool {
        self.said.can_filter
    }

    /// The first of these references that it has.
    pub(super) async fn reference(&mut self, names: &[String]) -> Result<Option<ObjectId>, Failure> {
        let asked;
        let references: &[Reference] = if self.said.is_version_2 {
            let request = self.post(wanted::references(names))?;
            let mut body = Vec::new();
            let parts = self.exchange(request, &mut |_, bytes| collect(&mut body, bytes, ADVERTISEMENT_BYTES)).await?;
            self.check(&parts, &body)?;
            asked = advertisement::references(&body)?;
            &asked
        } else {
            &self.said.references
        };
        let find = |name: &String| references.iter().find(|reference| reference.name == *name);
        Ok(names.iter().find_map(find).map(|reference| reference.id))
    }

    /// Fetches into `store`.
    pub(super) async fn fetch(&mut self, wanted: &Wanted, store: &Store) -> Result<(), Failure> {
        if !self.said.can_mix || !self.said.can_cut {
            return Err("the server is too old to send a single commit".to_owned().into());
        }
        let request = self.post(wanted.request(&self.said))?;
        let mut pack = store.pack()?;
        let (mut answer, mut page, mut size) = (Answer::default(), Vec::new(), 0_u64);
        let mut failed = None;
        let outside = self.outside;
        let parts = self
            .exchange(request, &mut |parts, bytes| {
                if !is_result(parts) {
                    return collect(&mut page, bytes, PAGE_BYTES);
                }
                size += bytes.len() as u64;
                let fed = answer.feed(bytes, &mut |piece| match piece {
                    Piece::Pack(bytes) => pack.write(bytes),
                    Piece::Progress(line) => {
                        outside.detail(&format!("remote: {line}"));
                        Ok(())
                    }
                });
                let fed = match fed {
                    Ok(()) if size > PACK_BYTES => Err(format!("the server sends more than {} MiB", PACK_BYTES >> 20)),
                    fed => fed,
                };
                failed = fed.err();
                if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .await?;
        if let Some(message) = failed {
            let help = message.contains("not our ref").then(|| {
                "it isn't there any more, or was never pushed: give a `base` that is, or `changes: all`".to_owned()
            });
            return Err(Failure { message, help });
        }
        self.check(&parts, &page)?;
        answer.finish()?;
        pack.finish()?;
        Ok(())
    }

    /// What the server says of itself, or in short why it doesn't.
    async fn discover(&mut self) -> Result<Result<Advertisement, String>, Failure> {
        for _ in 0..=REDIRECTS {
            let mut url = self.below("info/refs");
            url.set_query(Some("service=git-upload-pack"));
            let request = self.request(Method::GET, &url).header("git-protocol", "version=2");
            let request = request.body(Bytes::new()).map_err(|error| error.to_string())?;
            let mut body = Vec::new();
            let parts = self.exchange(request, &mut |_, bytes| collect(&mut body, bytes, ADVERTISEMENT_BYTES)).await?;
            match parts.status {
                StatusCode::OK => return Ok(Ok(Advertisement::read(&body)?)),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                    return Ok(Err(self.status(&parts, &body)));
                }
                status if status.is_redirection() => self.follow(&parts, &url)?,
                _ => return Err(self.status(&parts, &body).into()),
            }
        }
        Err(format!("the server sends the request on more than {REDIRECTS} times").into())
    }

    /// Takes the repository's new address on the same server; another one never gets to see the token.
    fn follow(&mut self, parts: &http::response::Parts, from: &Url) -> Result<(), Failure> {
        let to = parts.headers.get(LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| from.join(to).ok());
        let Some(mut to) = to else {
            return Err(format!("the server sends the request on (HTTP {}), and not where to", parts.status).into());
        };
        if to.origin() != from.origin() {
            let host = to.host_str().unwrap_or_default();
            let message = format!("the server sends the request on to another one (`{host}`)");
            let help = Some("set the remote's address to where the repository is now".to_owned());
            return Err(Failure { message, help });
        }
        let Some(path) = to.path().strip_suffix("/info/refs").map(str::to_owned) else {
            return Err(format!("the server sends the request on to `{}`, which is no repository", to.path()).into());
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

    fn post(&self, body: Vec<u8>) -> Result<http::Request<Bytes>, Failure> {
        let mut request = self
            .request(Method::POST, &self.below("git-upload-pack"))
            .header(CONTENT_TYPE, "application/x-git-upload-pack-request")
            .header(ACCEPT, RESULT);
        if self.said.is_version_2 {
            request = request.header("git-protocol", "version=2");
        }
        Ok(request.body(Bytes::from(body)).map_err(|error| error.to_string())?)
    }

    fn request(&self, method: Method, url: &Url) -> http::request::Builder {
        let mut request = http::Request::builder().method(method).uri(url.as_str());
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
        take: &mut dyn FnMut(&http::response::Parts, &[u8]) -> ControlFlow<()>,
    ) -> Result<http::response::Parts, Failure> {
        self.requests += 1;
        let mut bytes = 0;
        let mut counted = |parts: &http::response::Parts, piece: &[u8]| {
            bytes += piece.len() as u64;
            take(parts, piece)
        };
        let result = self.outside.exchange(request, &mut counted).await;
        self.bytes += bytes;
        Ok(result?)
    }

    /// Whether an answer is what was asked for.
    fn check(&self, parts: &http::response::Parts, page: &[u8]) -> Result<(), Failure> {
        if is_result(parts) { Ok(()) } else { Err(self.status(parts, page).into()) }
    }

    /// An answer of another kind, in short, with what the server says for people.
    fn status(&self, parts: &http::response::Parts, page: &[u8]) -> String {
        let is_text = header(parts, CONTENT_TYPE.as_str()).starts_with("text/plain");
        let line = String::from_utf8_lossy(page).trim().chars().take(200).collect::<String>();
        let words = if is_text && !line.is_empty() { format!(": {line}") } else { String::new() };
        match parts.status {
            StatusCode::OK => format!("the server answers with `{}`", header(parts, CONTENT_TYPE.as_str())),
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
