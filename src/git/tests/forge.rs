//! A forge without a network: requests go to a real `git upload-pack`, or get a response that a test wrote.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{Changes, Submodules, Symlinks};
use crate::environment::Environment;
use crate::error::Error;
use crate::git::{
    Changed, Choices, Fetching, Following, HttpTransport, OnChunk, Range, choices, contents, newer_head, search,
};
use crate::model::{RepoPath, Side};

use super::checkout::{Checkout, environment_of};

/// Where the forge pretends to be.
pub(super) const REMOTE_URL: &str = "https://forge.example/team/site.git";

type Answers = Box<dyn Fn(&http::Request<Bytes>) -> Option<Response<Vec<u8>>>>;

/// The forge, its log and its memory.
pub(super) struct Forge {
    pub(super) repository: PathBuf,
    /// The protocol it speaks at most.
    pub(super) version: u8,
    /// The password it wants, if any.
    pub(super) password: Option<&'static str>,
    /// Answers that come before git's.
    pub(super) answers: Answers,
    pub(super) temporary: tempfile::TempDir,
    pub(super) is_on: bool,
    pub(super) token: Option<SecretString>,
    /// Method, URL and authorization of every request.
    pub(super) requests: RefCell<Vec<String>>,
    pub(super) notes: RefCell<Vec<String>>,
    pub(super) masked: RefCell<Vec<String>>,
    pub(super) bytes: Cell<usize>,
}

impl Forge {
    /// A forge that has this repository.
    pub(super) fn of(origin: &Checkout) -> Self {
        origin.git(&["config", "uploadpack.allowFilter", "true"]);
        Self::at(&origin.path)
    }

    /// A forge without any repository.
    pub(super) fn empty() -> Self {
        Self::at(Path::new("/nonexistent"))
    }

    fn at(repository: &Path) -> Self {
        Self {
            repository: repository.to_owned(),
            version: 2,
            password: None,
            answers: Box::new(|_| None),
            temporary: tempfile::tempdir().unwrap(),
            is_on: true,
            token: None,
            requests: RefCell::default(),
            notes: RefCell::default(),
            masked: RefCell::default(),
            bytes: Cell::default(),
        }
    }

    fn fetching(&self) -> Fetching<'_> {
        Fetching {
            transport: self,
            is_on: self.is_on,
            token: self.token.as_ref(),
            temporary: self.temporary.path().to_owned(),
        }
    }

    /// What a run finds with the help of this forge.
    pub(super) fn search(
        &self,
        clone: &Checkout,
        changes: &Changes,
        environment: &Environment,
    ) -> Result<Changed, Error> {
        block_on(search(&clone.path, changes, &following(), environment, &self.fetching()))
    }

    /// The beginnings of files that a run reads with the help of this forge.
    pub(super) fn contents(
        &self,
        clone: &Checkout,
        range: &Range,
        wanted: &[(Side, RepoPath)],
    ) -> Result<Vec<Result<Vec<u8>, String>>, Error> {
        block_on(contents(&clone.path, range, wanted, 4, &Environment::new(), &self.fetching()))
    }

    /// The branch of a job and its newer commit, as a run learns it from this forge.
    pub(super) fn newer_head(&self, clone: &Checkout, head: &str, job: &[(&str, &str)]) -> Option<(String, String)> {
        block_on(newer_head(&clone.path, head, &environment_of(job), &self.fetching()))
    }

    /// What `explain --range` finds with the help of this forge.
    pub(super) fn choices(&self, start: &Path, changes: &Changes, environment: &Environment) -> Result<Choices, Error> {
        block_on(choices(start, changes, &following(), environment, &self.fetching()))
    }

    fn answer(&self, request: &http::Request<Bytes>) -> Response<Vec<u8>> {
        let plain = |status: StatusCode, text: &str| {
            let response = Response::builder().status(status).header("content-type", "text/plain");
            response.body(text.as_bytes().to_vec()).unwrap()
        };
        if let Some(answer) = (self.answers)(request) {
            return answer;
        }
        let authorization = request.headers().get("authorization").map(|value| value.to_str().unwrap());
        let wanted = self.password.map(|password| basic("x-access-token", password));
        if wanted.is_some() && authorization != wanted.as_deref() {
            return plain(StatusCode::UNAUTHORIZED, "Bad credentials\n");
        }
        let is_advertisement = request.method() == Method::GET;
        let header = request.headers().get("git-protocol").map(|value| value.to_str().unwrap());
        let protocol = header.filter(|_| self.version == 2).unwrap_or("version=0");
        let extra: &[&str] = if is_advertisement { &["--http-backend-info-refs"] } else { &[] };
        let mut child = Command::new("git")
            .args(["upload-pack", "--stateless-rpc"])
            .args(extra)
            .arg(&self.repository)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"].map(|name| (name, "/dev/null")))
            .env("GIT_PROTOCOL", protocol)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(request.body()).unwrap();
        let mut body = child.wait_with_output().unwrap().stdout;
        if is_advertisement && protocol == "version=0" {
            body.splice(0..0, b"001e# service=git-upload-pack\n0000".iter().copied());
        }
        let kind = if is_advertisement { "advertisement" } else { "result" };
        let response = Response::builder().header("content-type", format!("application/x-git-upload-pack-{kind}"));
        response.body(body).unwrap()
    }
}

#[async_trait(?Send)]
impl HttpTransport for Forge {
    async fn exchange(
        &self,
        request: http::Request<Bytes>,
        on_chunk: &mut OnChunk<'_>,
    ) -> Result<http::response::Parts, String> {
        let authorization = request.headers().get("authorization").map_or("-", |value| value.to_str().unwrap());
        self.requests.borrow_mut().push(format!("{} {} {authorization}", request.method(), request.uri()));
        let (parts, body) = self.answer(&request).into_parts();
        self.bytes.set(self.bytes.get() + body.len());
        for piece in body.chunks(1000) {
            if on_chunk(&parts, piece) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(parts)
    }

    fn note(&self, text: &str) {
        self.notes.borrow_mut().push(text.to_owned());
    }

    fn detail(&self, _: &str) {}

    fn mask(&self, secret: &SecretString) {
        self.masked.borrow_mut().push(secret.expose_secret().to_owned());
    }
}

/// What a run without rules follows.
fn following() -> Following {
    let reach = std::iter::empty().collect();
    Following { submodules: Submodules::Ignore, symlinks: Symlinks::Ignore, reach }
}

/// The header that opens a door.
pub(super) fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
