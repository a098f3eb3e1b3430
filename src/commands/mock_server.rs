//! `mock-server`: serves the emulated vendors on one port, to try a whole pipeline without an account.
//!
//! One thread serves all connections side by side; the latency is waited out around the vendor, never inside it. Caches that are
//! named get a `PURGE` before anybody is told that a task is complete.

use std::cell::{Cell, RefCell};
use std::fs::OpenOptions;
use std::future::Future;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use emulators::EmulatorSettings;
use emulators::edge::Edges;
use emulators::gateway::{Gateway, Reply, Wire};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::config::MockServerOptions;
use crate::environment::{Environment, nonempty};
use crate::error::Error;
use crate::provider::clock::Clock;
use crate::provider::credentials::{AccessKey, Credentials, Part};
use crate::provider::http::Network;
use crate::provider::{Api, CredentialSpec, Spec};
use crate::providers::{PROVIDERS, REGISTRY, emulators};
use body::{AnswerBody, Closed};
use connections::Server;

pub(super) mod body;
pub(super) mod connections;
#[cfg(test)]
mod tests;

/// How often caches are purged of what was completed meanwhile, should nobody ask.
const PURGE_INTERVAL: Duration = Duration::from_millis(20);

impl MockServerOptions {
    /// The settings of one provider's emulator: with the credentials in the provider's own variables, else with those of the demonstration.
    pub fn settings(&self, provider: &Spec, environment: &Environment) -> EmulatorSettings {
        let settings = self.vendor.clone();
        match credentials(provider, environment) {
            Some(Credentials::AccessKey(AccessKey { id, secret, security_token, .. })) => {
                EmulatorSettings { access_key_id: id, access_key_secret: secret, security_token, ..settings }
            }
            Some(Credentials::Token(token)) => EmulatorSettings { access_key_secret: token, ..settings },
            None => settings,
        }
    }
}

/// Listens, says where and with which credentials, and serves until SIGINT or SIGTERM.
///
/// # Errors
/// `Network` if listening on the socket address fails, or the ledger can't be written, or a cache can't be purged.
pub async fn run(options: &MockServerOptions, environment: &Environment, out: &mut dyn Write) -> Result<(), Error> {
    let ledger = options.ledger.as_deref().map(open_ledger).transpose()?;
    let gateway =
        Gateway::new(emulators(REGISTRY, |provider| options.settings(provider, environment)), options.faults.clone());
    let caches: Vec<String> = options.edges.iter().map(|edge| edge.as_str().trim_end_matches('/').to_owned()).collect();
    let (gateway, edge) = if caches.is_empty() {
        (gateway, None)
    } else {
        let api = Network::new(environment).open(&options.edges, Clock::new(Timestamp::now()))?;
        let edges = Edges::new(caches, options.edge_faults.clone());
        (gateway.with_edges(edges), Some(Box::new(api) as Box<dyn Api>))
    };
    let listener = TcpListener::bind(options.listen).await.map_err(|error| Error::Network {
        message: format!("can't listen on `{}`: {error}", options.listen),
        help: "choose another port, or 0 for any".to_owned(),
    })?;
    let stopped = stop_signal()?;
    greet(options, environment, &listener, out).map_err(|error| Error::Network {
        message: format!("can't say where the emulators listen: {error}"),
        help: "keep standard output open".to_owned(),
    })?;
    serve(listener, Rc::new(RefCell::new(gateway)), options.latency, ledger, edge, stopped).await
}

/// Serves the emulators until `stopped`, then lets open calls end. `edge` is the way to the caches that the gateway has purged.
///
/// # Errors
/// `Network` when the ledger can't be written, or a cache can't be purged.
pub async fn serve(
    listener: TcpListener,
    gateway: Rc<RefCell<Gateway>>,
    latency: Duration,
    ledger: Option<Box<dyn Write>>,
    edge: Option<Box<dyn Api>>,
    stopped: impl Future<Output = ()>,
) -> Result<(), Error> {
    let (ledger, failure) = (RefCell::new(ledger), Cell::new(None));
    let server = Vendors { gateway, latency, ledger, edge, turn: Mutex::default(), failure };
    connections::listen(listener, Rc::new(server), std::pin::pin!(stopped)).await
}

/// The emulated vendors as a server, with their ledger and their caches.
struct Vendors {
    gateway: Rc<RefCell<Gateway>>,
    latency: Duration,
    ledger: RefCell<Option<Box<dyn Write>>>,
    edge: Option<Box<dyn Api>>,
    /// Held while caches are purged, so that no other request is told meanwhile that they were.
    turn: Mutex<()>,
    failure: Cell<Option<Error>>,
}

#[async_trait(?Send)]
impl Server for Vendors {
    async fn answer(
        &self,
        request: http::Request<Bytes>,
        arrived: Instant,
    ) -> Result<http::Response<AnswerBody>, Closed> {
        tokio::time::sleep_until(arrived + self.latency / 2).await;
        let turn = self.turn.lock().await;
        let now = Timestamp::now();
        // What is reported as complete now was purged, and what is complete as soon as it is accepted, too.
        if !self.purge(now).await {
            return Err(Closed);
        }
        let Reply { delay, wire } = self.gateway.borrow_mut().answer(&request, now);
        // The client gets no answer that isn't written down, or that the caches don't show.
        if !self.write_ledger() || !self.purge(now).await {
            return Err(Closed);
        }
        drop(turn);
        tokio::time::sleep(delay + self.latency / 2).await;
        match wire {
            Wire::Whole(response) => Ok(response.map(AnswerBody::whole)),
            Wire::Cut(response) => Ok(response.map(AnswerBody::cut)),
            Wire::Endless(response) => Ok(response.map(AnswerBody::endless)),
            Wire::Closed => Err(Closed),
        }
    }

    fn failure(&self) -> Option<Error> {
        self.failure.take()
    }

    /// Purges also while nobody asks.
    async fn work(&self) {
        if self.edge.is_none() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(PURGE_INTERVAL).await;
            let _turn = self.turn.lock().await;
            if !self.purge(Timestamp::now()).await {
                return;
            }
        }
    }
}

impl Vendors {
    /// Has the caches purged of what is complete by now; whether that was possible.
    async fn purge(&self, now: Timestamp) -> bool {
        let Some(edge) = &self.edge else { return true };
        let requests = self.gateway.borrow_mut().edge_requests(now);
        for request in requests {
            let (method, url) = (request.method().clone(), request.uri().to_string());
            let problem = match edge.call(request).await {
                // Some caches say so where they have no copy.
                Ok(answer) if method == http::Method::GET || answer.status().is_success() => continue,
                Ok(answer) if answer.status() == http::StatusCode::NOT_FOUND => continue,
                Ok(answer) => format!("HTTP {}", answer.status().as_u16()),
                Err(error) => error.message,
            };
            self.failure.set(Some(Error::Network {
                message: format!("the cache doesn't take `{method} {url}`: {problem}"),
                help: "without its cache a mock server proves nothing, so it stops here".to_owned(),
            }));
            return false;
        }
        true
    }

    /// Writes down what was accepted; whether that was possible.
    fn write_ledger(&self) -> bool {
        let mut ledger = self.ledger.borrow_mut();
        let Some(file) = ledger.as_mut() else { return true };
        let written = self.gateway.borrow_mut().newly_accepted().iter().try_for_each(|acceptance| {
            let mut line = serde_json::to_vec(acceptance)?;
            line.push(b'\n');
            file.write_all(&line)
        });
        let problem = written.and_then(|()| file.flush()).err();
        let is_written = problem.is_none();
        if let Some(error) = problem {
            self.failure.set(Some(ledger_problem(&error)));
        }
        is_written
    }
}

/// The credentials in the provider's own variables; an empty one is absent.
fn credentials(provider: &Spec, environment: &Environment) -> Option<Credentials> {
    let found =
        |names: &CredentialSpec| names.credentials(|part| nonempty(environment, names.name(part)?).map(Into::into));
    provider.credentials.iter().find_map(found)
}

/// The variables of credentials that an emulator with these settings accepts.
pub(super) fn variables(names: &CredentialSpec, settings: &EmulatorSettings) -> Vec<(String, String)> {
    let value = |part| match part {
        Part::Id => Some(settings.access_key_id.clone()),
        Part::Secret | Part::Token => Some(settings.access_key_secret.expose_secret().to_owned()),
        Part::SecurityToken | Part::AccountId => None,
    };
    names.0.iter().filter_map(|field| Some((field.name.to_owned(), value(field.part)?))).collect()
}

/// Says where to find the emulators, and how to get in.
fn greet(
    options: &MockServerOptions,
    environment: &Environment,
    listener: &TcpListener,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    for provider in PROVIDERS {
        // Only credentials that are no secret are shown: those of the demonstration.
        match (credentials(provider, environment), provider.credentials.first()) {
            (None, Some(names)) => {
                let variables = variables(names, &options.settings(provider, environment));
                let shown: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
                writeln!(out, "{}: {}", provider.name, shown.join(" "))?;
            }
            (Some(_), _) => writeln!(out, "{}: the credentials of this environment", provider.name)?,
            (None, None) => {}
        }
    }
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    out.flush()
}

fn open_ledger(path: &Path) -> Result<Box<dyn Write>, Error> {
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| Error::Network {
        message: format!("can't open the ledger `{}`: {error}", path.display()),
        help: "name a file in a folder that can be written".to_owned(),
    })?;
    Ok(Box::new(file))
}

fn ledger_problem(error: &std::io::Error) -> Error {
    Error::Network {
        message: format!("can't write the ledger: {error}"),
        help: "without its ledger a mock server proves nothing, so it stops here".to_owned(),
    }
}

/// Ends at SIGINT or SIGTERM; the handlers are installed when this returns, so that no signal is missed.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| {
        signal(kind).map_err(|error| Error::Network {
            message: format!("can't listen for signals: {error}"),
            help: "this is a limit of the system".to_owned(),
        })
    };
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ends at Ctrl-C, the only signal there is.
#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>, Error> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
