//! The proxy that the environment names, and the URLs that it is for.

use std::collections::BTreeMap;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::error::Error;

/// What the environment says about proxies for https; plain http goes to this machine alone, and never through one.
pub(super) struct Proxy {
    pub(super) url: Url,
    /// What is reached without it, as `NO_PROXY` writes it.
    pub(super) except: String,
    matcher: Matcher,
}

impl Proxy {
    /// The proxy that the environment names, if it names one.
    ///
    /// # Errors
    /// `Network`: one that can't be understood.
    pub(super) fn of(environment: &BTreeMap<String, String>) -> Result<Option<Self>, Error> {
        let given = |name: &'static str| Some((name, environment.get(name).filter(|value| !value.trim().is_empty())?));
        let names = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        let Some((name, value)) = names.into_iter().find_map(given) else { return Ok(None) };
        let value = value.trim();
        let url = if value.contains("://") { Url::parse(value) } else { Url::parse(&format!("http://{value}")) };
        let url =
            url.ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()).ok_or_else(|| {
                // The value may hold a password, so it isn't shown.
                let message = format!("the proxy in `{name}` can't be used");
                Error::Network { message, help: "write it as `http://host:port` or `https://host:port`".to_owned() }
            })?;
        let except = ["no_proxy", "NO_PROXY"].into_iter().find_map(given).map_or("", |(_, value)| value.as_str());
        let except = format!("{except},localhost,127.0.0.0/8,::1");
        let matcher = Matcher::builder().https(url.as_str()).no(except.as_str()).build();
        Ok(Some(Self { url, except, matcher }))
    }

    /// Whether requests to this URL go through it; reqwest decides by the same matcher.
    pub(super) fn serves(&self, url: &Url) -> bool {
        url.as_str().parse().is_ok_and(|uri| self.matcher.intercept(&uri).is_some())
    }
}
