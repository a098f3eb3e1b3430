//! HTTP connections on one thread, side by side, until somebody stops them.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

use super::body::{AnswerBody, Closed};
use crate::error::Error;

/// The longest request body that is accepted.
pub(super) const REQUEST_BODY_BYTES: usize = 16 * 1024 * 1024;
/// How long open connections may continue after the shutdown was requested.
const FAREWELL: Duration = Duration::from_secs(1);

/// Who answers the requests of all connections.
#[async_trait(?Send)]
pub(in crate::commands) trait Server {
    /// What the client gets for a request that began to come at `arrived`; an error closes the connection.
    async fn answer(
        &self,
        request: http::Request<Bytes>,
        arrived: Instant,
    ) -> Result<http::Response<AnswerBody>, Closed>;

    /// What makes it pointless to serve any longer.
    fn failure(&self) -> Option<Error> {
        None
    }

    /// What the server does by itself, until it fails.
    async fn work(&self) {
        std::future::pending::<()>().await;
    }
}

/// Serves until `stopped`, then lets open calls end.
///
/// # Errors
/// The server's own failure.
pub(in crate::commands) async fn listen(
    listener: TcpListener,
    server: Rc<dyn Server>,
    mut stopped: Pin<&mut dyn Future<Output = ()>>,
) -> Result<(), Error> {
    let (stop, stopping) = watch::channel(false);
    let mut connections = FuturesUnordered::new();
    let mut work = server.work();
    loop {
        tokio::select! {
            biased;
            () = &mut stopped => break,
            () = &mut work => break,
            Some(()) = connections.next() => {}
            // An error of `accept` is that connection's, or a moment without file descriptors: the next one may do.
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.push(connection(stream, Rc::clone(&server), stopping.clone()));
            }
        }
        if let Some(error) = server.failure() {
            return Err(error);
        }
    }
    drop(listener);
    // Without receivers there is nobody to notify.
    let _ = stop.send(true);
    let _ = tokio::time::timeout(FAREWELL, async { while connections.next().await.is_some() {} }).await;
    server.failure().map_or(Ok(()), Err)
}

/// One connection, as long as the client keeps it.
async fn connection(stream: TcpStream, server: Rc<dyn Server>, mut stopping: watch::Receiver<bool>) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let server = Rc::clone(&server);
        async move {
            let arrived = Instant::now();
            let (head, body) = request.into_parts();
            match Limited::new(body, REQUEST_BODY_BYTES).collect().await {
                Ok(body) => server.answer(http::Request::from_parts(head, body.to_bytes()), arrived).await,
                Err(_) => Ok(empty(http::StatusCode::PAYLOAD_TOO_LARGE)),
            }
        }
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

/// A status without a body.
pub(in crate::commands) fn empty(status: http::StatusCode) -> http::Response<AnswerBody> {
    let mut response = http::Response::new(AnswerBody::whole(Bytes::new()));
    *response.status_mut() = status;
    response
}
