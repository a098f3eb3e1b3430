//! The way to a CDN's edge, guarded: the hosts come from a plan, and so perhaps from a stranger's pull request.
//!
//! Only the hosts of the plan are asked, over HTTPS, at public addresses: each name is looked up once for a connection, and only
//! the addresses that pass are connected to. Plain HTTP and loopback are for a test on this machine, whose user says so.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::Instant;
use url::{Host, Url};

use super::public_address::is_public;
use super::{Call, Names, Network, Proxy, authority, sources};
use crate::provider::edge::{BodyReader, Edge, Fetch, NoAnswer, Page, USER_AGENT};

/// How long a fetch may take in all: a server that never ends its answer is left then.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);

/// What may be fetched.
#[derive(Clone, Debug, Default)]
pub struct EdgeLimits {
    /// The hosts, in lower case; no other is asked.
    pub hosts: BTreeSet<String>,
    /// Where to connect to, whatever the host.
    pub connect_to: Option<ConnectTo>,
    /// Whether hosts that are loopback addresses are fetched, also over plain HTTP.
    pub allow_loopback: bool,
    /// Whether the user listed the hosts: a proxy looks names up by itself, so that their addresses can't be checked here.
    pub are_hosts_listed: bool,
}

/// Where to connect to in place of where a URL's host leads. A port of 0 is the URL's; another one counts where the URL has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectTo {
    /// An IP address. Given by the user of this machine, so it may be a loopback address.
    Address(SocketAddr),
    /// A name and a port. It is looked up, and only public addresses are connected to.
    Name(String, u16),
}

impl fmt::Display for ConnectTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) if address.port() == 0 => address.ip().fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Name(name, 0) => f.write_str(name),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

impl Network {
    /// The way to the CDN's edge for these hosts. Nothing is read, looked up or sent before the first fetch.
    pub fn edge(&self, limits: EdgeLimits) -> HttpEdge {
        HttpEdge { network: self.clone(), limits, client: OnceCell::new() }
    }
}

/// The way to a CDN's edge.
pub struct HttpEdge {
    network: Network,
    limits: EdgeLimits,
    client: OnceCell<Result<Client, String>>,
}

/// A client, and the proxy that it goes through.
struct Client {
    http: reqwest::Client,
    proxy: Option<Proxy>,
}

impl Client {
    fn new(network: &Network, connect_to: Option<&ConnectTo>) -> Result<Self, String> {
        let names = GuardedNames { names: network.names().clone(), connect_to: connect_to.cloned() };
        let proxy = if connect_to.is_none() { network.proxy()? } else { None };
        let http = network.builder(Arc::new(names), proxy.as_ref())?.user_agent(USER_AGENT).timeout(FETCH_TIMEOUT);
        Ok(Self { http: http.build().map_err(super::chain)?, proxy })
    }
}

impl HttpEdge {
    fn client(&self) -> Result<&Client, String> {
        let client = self.client.get_or_init(|| Client::new(&self.network, self.limits.connect_to.as_ref()));
        client.as_ref().map_err(|message| format!("can't start TLS: {message}"))
    }

    /// Whether a URL may be fetched, as far as it is known before its host is looked up. Nothing is sent.
    ///
    /// # Errors
    /// Why it may not, as a sentence fragment.
    pub fn check(&self, url: &Url) -> Result<(), String> {
        let host = url.host_str().unwrap_or_default();
        if !self.limits.hosts.contains(&host.to_lowercase()) {
            return Err(format!("`{host}` isn't a host of this plan"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL holds a user name".to_owned());
        }
        let connected = match self.limits.connect_to {
            Some(ConnectTo::Address(address)) => Some(address.ip()),
            Some(ConnectTo::Name(..)) | None => None,
        };
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::from(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::from(address)),
            _ => None,
        };
        let is_allowed = |address: IpAddr| is_public(address) || (self.limits.allow_loopback && address.is_loopback());
        if connected.is_none()
            && let Some(address) = literal.filter(|address| !is_allowed(*address))
        {
            return Err(format!("{address} isn't a public IP address"));
        }
        // A literal address is connected to as it is.
        if literal.is_some() && self.limits.connect_to.is_some() && connected != literal {
            return Err("a URL with an IP address for its host can't be fetched from another one".to_owned());
        }
        match url.scheme() {
            "https" => {}
            "http" if connected.or(literal).is_some_and(|address| address.is_loopback()) => {}
            _ => return Err("only https is fetched".to_owned()),
        }
        if let Some(proxy) = &self.client()?.proxy
            && proxy.serves(url)
            && !self.limits.are_hosts_listed
        {
            let proxy = authority(&proxy.url);
            return Err(format!(
                "the proxy `{proxy}` looks `{host}` up by itself, so that its IP address can't be checked: name the hosts in \
                 `allow-hosts`"
            ));
        }
        Ok(())
    }
}

#[async_trait(?Send)]
impl Edge for HttpEdge {
    async fn get(&self, fetch: Fetch<'_>) -> Result<Page, NoAnswer> {
        let url = Url::parse(fetch.url)
            .map_err(|error| NoAnswer::refused(format!("it isn't a URL that can be fetched: {error}")))?;
        self.check(&url).map_err(NoAnswer::refused)?;
        let client = self.client().map_err(NoAnswer::refused)?;
        // The whole URL is never in an error: its query may hold a secret.
        let proxy = client.proxy.as_ref().filter(|proxy| proxy.serves(&url)).map(|proxy| authority(&proxy.url));
        let call = Call { api: "GET", host: authority(&url), proxy, began: Instant::now() };
        let request = client.http.get(url).header("accept", "*/*").header("accept-encoding", fetch.encoding);
        let failed = |error: reqwest::Error| match find_not_public(&error) {
            Some(not_public) => NoAnswer::refused(not_public.to_string()),
            None => NoAnswer::unreachable(call.failed(&error).message),
        };
        let mut response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        let mut body = BodyReader::new(fetch.keep);
        let broken = |error: reqwest::Error, read: u64| NoAnswer::unreachable(call.broken(&error, read).message);
        while let Some(piece) = response.chunk().await.map_err(|error| broken(error, body.bytes()))? {
            body.update(&piece);
            if body.bytes() > fetch.most {
                // Dropping the response closes the connection.
                return Ok(body.page(status, headers, false));
            }
        }
        Ok(body.page(status, headers, true))
    }
}

/// A name leads to this address alone, or to several that aren't public either.
#[derive(Debug)]
struct NotPublic(IpAddr);

impl std::error::Error for NotPublic {}

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its name leads to {}, which isn't a public IP address", self.0)
    }
}

fn find_not_public(error: &reqwest::Error) -> Option<&NotPublic> {
    sources(error).find_map(|source| source.downcast_ref())
}

/// Looks names up, and gives public addresses alone.
struct GuardedNames {
    names: Names,
    connect_to: Option<ConnectTo>,
}

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (name, port) = match &self.connect_to {
            None => (Ok(name), 0),
            Some(ConnectTo::Name(name, port)) => (name.parse(), *port),
            Some(ConnectTo::Address(address)) => {
                let address = *address;
                return Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) });
            }
        };
        let found = name.map(|name| self.names.resolve(name));
        Box::pin(async move {
            let found = found?.await?.map(|address| SocketAddr::new(address.ip(), port));
            let (public, others): (Vec<_>, Vec<_>) = found.partition(|address| is_public(address.ip()));
            match others.first() {
                Some(other) if public.is_empty() => Err(NotPublic(other.ip()).into()),
                _ => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests;
