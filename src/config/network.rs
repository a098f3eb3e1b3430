//! The options that name other machines: endpoints that get the credentials, and hosts that a plan may refresh.

use std::net::SocketAddr;

use url::{Host, Url};

use super::layers::LayeredOptions;
use super::parse_value::quoted;
use super::problems::unknown_provider;
use crate::error::Diagnostic;
use crate::provider::Spec;
use crate::provider::http::edge::ConnectTo;

/// Other gateways, by provider.
pub(super) fn endpoints(
    given: &LayeredOptions,
    providers: &[&'static Spec],
    problems: &mut Vec<Diagnostic>,
) -> Vec<(&'static Spec, Url)> {
    let label = given.label("endpoint");
    let mut endpoints: Vec<(&'static Spec, Url)> = Vec::new();
    for text in given.list("endpoint").unwrap_or_default() {
        let Some((name, value)) = text.split_once('=').map(|(name, value)| (name.trim(), value.trim())) else {
            problems.push(Diagnostic::new(format!("{label} is {}", quoted(&text)), "write it as `PROVIDER=URL`"));
            continue;
        };
        let provider = providers.iter().copied().find(|spec| spec.name == name);
        if provider.is_none() {
            problems.push(unknown_provider(&label, name, providers));
        }
        let url = endpoint(value).map_err(|help| {
            problems.push(Diagnostic::new(format!("{label}: the URL for `{name}` can't be used as an endpoint"), help));
        });
        match (provider, url) {
            (Some(provider), Ok(_)) if endpoints.iter().any(|(other, _)| other.name == provider.name) => {
                problems.push(Diagnostic::new(format!("{label} names `{name}` twice"), "keep one of the two"));
            }
            (Some(provider), Ok(url)) => endpoints.push((provider, url)),
            _ => {}
        }
    }
    endpoints
}

/// A URL of scheme, host and port only; the error says what it should be. The text itself is never shown: it may hold
/// a password.
pub(crate) fn endpoint(text: &str) -> Result<Url, &'static str> {
    let url = secure(text, "write it as `https://HOST` or `https://HOST:PORT`", true)?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("leave out everything after the host and the port");
    }
    Ok(url)
}

/// A URL without a user name, of https, or of http at a loopback address, which may be `localhost` if `allows_localhost`. The
/// error says what it should be: `form` if it isn't such a URL.
fn secure(text: &str, form: &'static str, allows_localhost: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| form)?;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => allows_localhost && name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(form),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("leave out the user name and the password");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        "http" if allows_localhost => {
            Err("use https: plain http is for loopback addresses only (127.0.0.0/8, `[::1]`, `localhost`)")
        }
        "http" => Err("use https: plain http is for loopback addresses only (127.0.0.0/8, `[::1]`)"),
        _ => Err(form),
    }
}

/// The edges: `203.0.113.7`, `203.0.113.7:8443`, `2001:db8::1`, `[2001:db8::1]:8443`, `edge.example.net:8443`. Without a port, it is
/// the URL's.
pub(super) fn edges(given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> Vec<ConnectTo> {
    let label = given.label("edge");
    let texts = given.list("edge").unwrap_or_default();
    let edges = texts.iter().filter_map(|text| {
        let edge = edge(text.trim());
        if edge.is_none() {
            let help = "write an IP address or a host name, with a port if need be: `203.0.113.7:8443`";
            problems.push(Diagnostic::new(format!("{label} holds {}", quoted(text)), help));
        }
        edge
    });
    edges.collect()
}

fn edge(text: &str) -> Option<ConnectTo> {
    let address = text.parse().ok().or_else(|| Some(SocketAddr::new(text.parse().ok()?, 0)));
    if let Some(address) = address {
        return Some(ConnectTo::Address(address));
    }
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) => (name, port.parse().ok().filter(|port| *port > 0)?),
        None => (text, 0),
    };
    match Host::parse(name) {
        Ok(Host::Domain(domain)) if !name.contains(['*', '%']) => Some(ConnectTo::Name(domain.to_lowercase(), port)),
        _ => None,
    }
}

/// The origins: `https://origin.example.com`, or `www.example.com=https://origin.example.com/site` for one host.
pub(super) fn origins(given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> Vec<(Option<String>, Url)> {
    let label = given.label("origin");
    let mut origins: Vec<(Option<String>, Url)> = Vec::new();
    for text in given.list("origin").unwrap_or_default() {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) if !name.contains("://") => (Some(name.trim()), value.trim()),
            _ => (None, text.trim()),
        };
        let host = name.map(host).transpose();
        let url = page(value).and_then(|url| match (url.query(), url.fragment()) {
            (None, None) => Ok(url),
            _ => Err("leave out the query"),
        });
        match (host, url) {
            (Ok(host), Ok(_)) if origins.iter().any(|(other, _)| *other == host) => {
                let of = host.map_or("all hosts".to_owned(), |host| quoted(&host));
                problems.push(Diagnostic::new(format!("{label} names two origins for {of}"), "keep one of the two"));
            }
            (Ok(host), Ok(url)) => origins.push((host, url)),
            (Err(help), Ok(_)) => problems.push(Diagnostic::new(format!("{label} holds {}", quoted(&text)), help)),
            (_, Err(help)) => problems.push(Diagnostic::new(format!("{label} holds {}", without_secret(&text)), help)),
        }
    }
    origins
}

/// `URL contains TEXT`.
pub(super) fn wait_for(given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> Option<(Url, String)> {
    let text = given.text("wait-for")?;
    let parts = text.split_once(" contains ").map(|(url, text)| (page(url.trim()), text.trim()));
    let help = match parts {
        Some((Ok(url), text)) if !text.is_empty() => return Some((url, text.to_owned())),
        Some((Err(help), text)) if !text.is_empty() => help,
        _ => "write it as `https://www.example.com/version.txt contains {head}`",
    };
    problems.push(Diagnostic::new(format!("{} is {}", given.label("wait-for"), without_secret(&text)), help));
    None
}

/// A URL that may be fetched without credentials; the error says what it should be.
fn page(text: &str) -> Result<Url, &'static str> {
    secure(text, "write it as `https://HOST`, with a path if need be", false)
}

/// A text for a message. What has an `@` may hold a password, and what has a `?` a token, whatever else is wrong with it.
fn without_secret(text: &str) -> String {
    if text.contains(['@', '?']) { "a URL with a user name, a password or a query".to_owned() } else { quoted(text) }
}

/// A host as URLs have it: in lower case and ASCII; the error says what it should be.
fn host(text: &str) -> Result<String, &'static str> {
    match Host::parse(text) {
        Ok(host) if !text.contains(['*', '%']) => Ok(host.to_string().to_lowercase()),
        _ => Err("write a whole host name, as `www.example.com`: no scheme, no port, no path, no wildcard"),
    }
}

/// The hosts that a plan may touch: lower case, and in the ASCII form that URLs take.
pub(super) fn hosts(given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> Option<Vec<String>> {
    let label = given.label("allow-hosts");
    let texts = given.list("allow-hosts")?;
    let hosts = texts.iter().filter_map(|text| {
        let refused = |help| problems.push(Diagnostic::new(format!("{label} holds {}", quoted(text)), help));
        host(text).map_err(refused).ok()
    });
    Some(hosts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_an_ip_address_or_a_name() {
        for (text, shown) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7:8443", "203.0.113.7:8443"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:8443", "[2001:db8::1]:8443"),
            ("Edge2.example.net", "edge2.example.net"),
            ("edge2.example.net:8443", "edge2.example.net:8443"),
        ] {
            assert_eq!(edge(text).map(|edge| edge.to_string()).as_deref(), Some(shown));
        }
        // `1.2.3` would be a short form of an IP address.
        for text in ["", "https://a.example", "a.example:0", "a.example:x", "a b", "*.example", "1.2.3", "a.example/b"]
        {
            assert_eq!(edge(text), None, "{text}");
        }
    }

    #[test]
    fn plain_http_goes_to_loopback_only() {
        for text in [
            "http://127.0.0.1:8700",
            "http://127.9.9.9",
            "http://[::1]:1",
            "http://localhost:8700",
            "https://gateway.example",
        ] {
            assert!(endpoint(text).is_ok(), "{text}");
        }
        for text in
            ["http://gateway.example", "http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example"]
        {
            assert!(endpoint(text).unwrap_err().starts_with("use https"), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_scheme_host_and_port_only() {
        for text in [
            "gateway.example",
            "ftp://gateway.example",
            "https://gateway.example/path",
            "https://gateway.example/?a=b",
            "https://gateway.example/#x",
            "https://user:hunter2@gateway.example",
            "https://",
            "",
            "file:///etc/passwd",
        ] {
            assert!(endpoint(text).is_err(), "{text}");
        }
        assert_eq!(endpoint("https://Gateway.Example:8443/").unwrap().as_str(), "https://gateway.example:8443/");
    }
}
