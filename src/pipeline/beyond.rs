//! The way from the search for changes to the network and the log.

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
use crate::git::{Fetching, Outside, Take};
use crate::provider::clock::Clock;
use crate::provider::http::{HttpApi, Network};

/// The network and the log of this process.
pub(crate) struct Beyond<'a> {
    console: RefCell<&'a mut Console>,
    settings: &'a Settings,
    network: &'a Network,
    started: Timestamp,
    /// By host: connections stay warm.
    ways: RefCell<HashMap<String, Rc<HttpApi>>>,
}

impl<'a> Beyond<'a> {
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
        Self { console: RefCell::new(console), settings, network, started, ways: RefCell::default() }
    }

    /// How the search for changes may fetch.
    pub(crate) fn fetching(&self) -> Fetching<'_> {
        Fetching {
            outside: self,
            is_on: self.settings.fetch,
            token: self.settings.token.as_ref(),
            temporary: self.console.borrow().host().temporary_folder().to_owned(),
        }
    }

    fn way(&self, url: &Url) -> Result<Rc<HttpApi>, String> {
        let host = url.origin().ascii_serialization();
        if let Some(way) = self.ways.borrow().get(&host) {
            return Ok(Rc::clone(way));
        }
        let way = self.network.open(std::slice::from_ref(url), Clock::new(self.started));
        let way = Rc::new(way.map_err(|error| error.to_string())?);
        if let Some(proxy) = way.proxy(url) {
            self.note(&format!("requests to `{host}` go through the proxy {proxy}, as the environment says"));
        }
        self.ways.borrow_mut().insert(host, Rc::clone(&way));
        Ok(way)
    }
}

#[async_trait(?Send)]
impl Outside for Beyond<'_> {
    async fn exchange(
        &self,
        request: ::http::Request<Bytes>,
        take: &mut Take<'_>,
    ) -> Result<::http::response::Parts, String> {
        let url = Url::parse(&request.uri().to_string()).map_err(|error| error.to_string())?;
        let way = self.way(&url)?;
        // A simulation's time is virtual, and a server's isn't.
        let is_virtual = self.settings.mode == Mode::Simulate;
        if is_virtual {
            tokio::time::resume();
        }
        let result = way.exchange(request, take).await;
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
