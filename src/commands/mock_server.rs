//! `mock-server`: serves the emulated vendors on one port, to try a whole pipeline without an account.
//!
//! One thread serves all connections side by side; the latency is waited out around the vendor, never inside it.

use std::cell::{Cell, RefCell};
use std::fs::OpenOptions;
use std::future::Future;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use emulators::EmulatorSettings;
use emulators::gateway::{Gateway, Reply, Wire};
use futures_util::stream::{FuturesUnordered, StreamExt};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::config::MockServerOptions;
use crate::environment::{Environment, nonempty};
use crate::error::Error;
use crate::provider::credentials::{AccessKey, Credentials, Part};
use crate::provider::{CredentialSpec, Spec};
use crate::providers::{PROVIDERS, REGISTRY, emulators};
use body::{AnswerBody, Closed};

mod body;
#[cfg(test)]
mod tests;

/// The longest request body that is accepted.
const REQUEST_BODY_BYTES: usize = 16 * 1024 * 1024;
/// How long open connections may continue after the shutdown was requested.
const FAREWELL: Duration = Duration::from_secs(1);

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
/// `Network` if listening on the socket address fails, or the ledger can't be
/// written.
pub async fn run(options: &MockServerOptions, environment: &Environment, out: &mut dyn Write) -> Result<(), Error> {
    let ledger = options.ledger.as_deref().map(open_ledger).transpose()?;
    let gateway =
        Gateway::new(emulators(REGISTRY, |provider| options.settings(provider, environment)), options.faults.clone());
    let listener = TcpListener::bind(options.listen).await.map_err(|error| Error::Network {
        message: format!("can't listen on `{}`: {error}", options.listen),
        help: "choose another port, or 0 for any".to_owned(),
    })?;
    let stopped = stop_signal()?;
    greet(options, environment, &listener, out).map_err(|error| Error::Network {
        message: format!("can't say where the emulators listen: {error}"),
        help: "keep standard output open".to_owned(),
    })?;
    serve(listener, Rc::new(RefCell::new(gateway)), options.latency, ledger, stopped).await
}

/// Serves the emulators until `stopped`, then lets open calls end.
///
/// # Errors
/// `Network` when the ledger can't be written.
pub async fn serve(
    listener: TcpListener,
    gateway: Rc<RefCell<Gateway>>,
    latency: Duration,
    ledger: Option<Box<dyn Write>>,
    stopped: impl Future<Output = ()>,
) -> Result<(), Error> {
    let (stop, stopping) = watch::channel(false);
    let server = Rc::new(Server { gateway, latency, ledger: RefCell::new(ledger), ledger_error: Cell::new(None) });
    let mut connections = FuturesUnordered::new();
    let mut stopped = std::pin::pin!(stopped);
    loop {
        tokio::select! {
            biased;
            () = &mut stopped => break,
            Some(()) = connections.next() => {}
            // An error of `accept` is that connection's, or a moment without file descriptors: the next one may do.
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.push(connection(stream, Rc::clone(&server), stopping.clone()));
            }
        }
        if let Some(error) = server.ledger_error.take() {
            return Err(error);
        }
    }
    drop(listener);
    // Without receivers there is nobody to notify.
    let _ = stop.send(true);
    let _ = tokio::time::timeout(FAREWELL, async { while connections.next().await.is_some() {} }).await;
    server.ledger_error.take().map_or(Ok(()), Err)
}

struct Server {
    gateway: Rc<RefCell<Gateway>>,
    latency: Duration,
    ledger: RefCell<Option<Box<dyn Write>>>,
    ledger_error: Cell<Option<Error>>,
}

impl Server {
    /// What the client gets; an error closes the connection.
    async fn answer(&self, request: http::Request<Incoming>) -> Result<http::Response<AnswerBody>, Closed> {
        let arrival = tokio::time::Instant::now() + self.latency / 2;
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, REQUEST_BODY_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return Ok(refused(http::StatusCode::PAYLOAD_TOO_LARGE)),
        };
        tokio::time::sleep_until(arrival).await;
        let request = http::Request::from_parts(head, body);
        let Reply { delay, wire } = self.gateway.borrow_mut().answer(&request, Timestamp::now());
        self.write_ledger();
        tokio::time::sleep(delay + self.latency / 2).await;
        match wire {
            Wire::Whole(response) => Ok(response.map(AnswerBody::whole)),
            Wire::Cut(response) => Ok(response.map(AnswerBody::cut)),
            Wire::Endless(response) => Ok(response.map(AnswerBody::endless)),
            Wire::Closed => Err(Closed),
        }
    }

    fn write_ledger(&self) {
        let mut ledger = self.ledger.borrow_mut();
        let Some(file) = ledger.as_mut() else { return };
        let written = self.gateway.borrow_mut().newly_accepted().iter().try_for_each(|acceptance| {
            let mut line = serde_json::to_vec(acceptance)?;
            line.push(b'\n');
            file.write_all(&line)
        });
        if let Err(error) = written.and_then(|()| file.flush()) {
            self.ledger_error.set(Some(ledger_problem(&error)));
        }
    }
}

/// One connection, as long as the client keeps it.
async fn connection(stream: TcpStream, server: Rc<Server>, mut stopping: watch::Receiver<bool>) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let server = Rc::clone(&server);
        async move { server.answer(request).await }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // How a connection ends is the client's affair, and often the fault that `--fault` requests.
        _ = &mut connection => return,
        _ = stopping.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

fn refused(status: http::StatusCode) -> http::Response<AnswerBody> {
    let mut response = http::Response::new(AnswerBody::whole(Bytes::new()));
    *response.status_mut() = status;
    response
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
