//! Carries the HTTP requests of a fetch over the network, and its notes to the log.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use crate::ci::Console;
use crate::config::{LogLevel, Mode, Settings};
use crate::git::{Fetching, HttpTransport, OnChunk};
use crate::provider::clock::Clock;
use crate::provider::http::{HttpApi, Network};

/// The network and the log of this process, for a fetch.
pub(crate) struct FetchTransport<'a> {
    console: RefCell<&'a mut Console>,
    settings: &'a Settings,
    network: &'a Network,
    started: Timestamp,
    /// By host: connections stay warm.
    connections: RefCell<HashMap<String, Rc<HttpApi>>>,
}

impl<'a> FetchTransport<'a> {
    /// Opens no connection yet.
    pub(crate) fn new(
        console: &'a mut Console,
        settings: &'a Settings,
        network: &'a Network,
        started: Timestamp,
    ) -> Self {
        if let Some(token) = &settings.token {
            console.mask(token);
        }
        Self { console: RefCell::new(console), settings, network, started, connections: RefCell::default() }
    }

    /// How the search for changes may fetch.
    pub(crate) fn fetching(&self) -> Fetching<'_> {
        Fetching {
            transport: self,
            is_on: self.settings.fetch,
            token: self.settings.token.as_ref(),
            temporary: self.console.borrow().host().temporary_folder().to_owned(),
        }
    }

    fn connection(&self, url: &Url) -> Result<Rc<HttpApi>, String> {
        let host = url.origin().ascii_serialization();
        if let Some(connection) = self.connections.borrow().get(&host) {
            return Ok(Rc::clone(connection));
        }
        let connection = self.network.open(std::slice::from_ref(url), Clock::new(self.started));
        let connection = Rc::new(connection.map_err(|error| error.to_string())?);
        if let Some(proxy) = connection.proxy(url) {
            self.note(&format!("requests to `{host}` go through the proxy {proxy}, as set in the environment"));
        }
        self.connections.borrow_mut().insert(host, Rc::clone(&connection));
        Ok(connection)
    }
}

#[async_trait(?Send)]
impl HttpTransport for FetchTransport<'_> {
    async fn exchange(
        &self,
        request: ::http::Request<Bytes>,
        on_chunk: &mut OnChunk<'_>,
    ) -> Result<::http::response::Parts, String> {
        let url = Url::parse(&request.uri().to_string()).map_err(|error| error.to_string())?;
        let connection = self.connection(&url)?;
        // A simulation's time is virtual, and a server's isn't.
        let is_virtual = self.settings.mode == Mode::Simulate;
        if is_virtual {
            tokio::time::resume();
        }
        let result = connection.exchange(request, on_chunk).await;
        if is_virtual {
            tokio::time::pause();
        }
        result.map_err(|error| error.help.map_or(error.message.clone(), |help| format!("{}; {help}", error.message)))
    }

    fn note(&self, text: &str) {
        self.console.borrow_mut().note(LogLevel::Normal, text);
    }

    fn detail(&self, text: &str) {
        self.console.borrow_mut().note(LogLevel::Verbose, text);
    }

    fn mask(&self, secret: &SecretString) {
        self.console.borrow_mut().mask(secret);
    }
}
