//! A little cache, as a CDN's edge or the shield behind it is one: it keeps the answers of an origin until they expire or are
//! purged.
//!
//! Nothing here does I/O, and time is passed in: what no copy answers is the caller's to fetch from the origin. An answer with
//! `Vary: Accept-Encoding` is kept for each value of that field as it is written, as nginx does it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AGE, CACHE_CONTROL, HeaderName, HeaderValue, VARY};
use http::{HeaderMap, Request, Response};

use crate::request::Received;
use crate::response::typed;

/// What a `PURGE` drops: `url`, which is the default, `any-query`, `directory`, `prefix`, `host` or `everything`.
pub const SCOPE: &str = "x-purge";
/// How a `PURGE` does it: `soft` leaves each copy to be served once more.
pub const MODE: &str = "x-purge-mode";

/// A cache in front of an origin.
pub struct Cache {
    lifetime: Duration,
    /// By host, path and query.
    copies: BTreeMap<String, Vec<StoredCopy>>,
}

/// An answer that is kept.
struct StoredCopy {
    /// The `Accept-Encoding` of its request, where the origin's answer depends on it.
    variant: Option<String>,
    response: Response<Bytes>,
    at: Duration,
    /// Served once more, and then dropped.
    is_last_time: bool,
}

impl Cache {
    /// A cache that keeps each answer this long.
    pub fn new(lifetime: Duration) -> Self {
        Self { lifetime, copies: BTreeMap::new() }
    }

    /// The answer to a request that came at `now`, counted from any moment. `None`: no copy is there. Fetch it from the origin,
    /// and give the origin's answer to [`Cache::store`].
    pub fn answer(&mut self, request: &Request<Bytes>, now: Duration) -> Option<Response<Bytes>> {
        match request.method().as_str() {
            "GET" => self.copy(request, now),
            "PURGE" => Some(self.purge(request)),
            _ => Some(text(405, "this cache takes GET and PURGE")),
        }
    }

    /// Keeps what the origin answered to a request, where it may be kept, and gives the answer to it.
    pub fn store(&mut self, request: &Request<Bytes>, response: Response<Bytes>, now: Duration) -> Response<Bytes> {
        let vary = field(response.headers(), &VARY);
        let variant = vary.eq_ignore_ascii_case("accept-encoding").then(|| encoding(request));
        let control = field(response.headers(), &CACHE_CONTROL);
        let is_private = control.contains("no-store") || control.contains("private");
        let is_kept = matches!(response.status().as_u16(), 200 | 301 | 308 | 404 | 410);
        if is_kept && !is_private && (vary.is_empty() || variant.is_some()) {
            let copies = self.copies.entry(key(request)).or_default();
            copies.retain(|copy| copy.variant.is_some() && copy.variant != variant);
            copies.push(StoredCopy { variant, response: response.clone(), at: now, is_last_time: false });
        }
        marked(response, "MISS", Duration::ZERO)
    }

    fn copy(&mut self, request: &Request<Bytes>, now: Duration) -> Option<Response<Bytes>> {
        let copies = self.copies.get_mut(&key(request))?;
        copies.retain(|copy| now.saturating_sub(copy.at) < self.lifetime);
        let fits = |copy: &StoredCopy| copy.variant.as_ref().is_none_or(|variant| *variant == encoding(request));
        let place = copies.iter().position(fits)?;
        let (age, response) = (now.saturating_sub(copies[place].at), copies[place].response.clone());
        if copies[place].is_last_time {
            copies.swap_remove(place);
        }
        Some(marked(response, "HIT", age))
    }

    fn purge(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let field = |name| field(request.headers(), &HeaderName::from_static(name)).to_owned();
        let (key, scope, is_soft) = (key(request), field(SCOPE), field(MODE) == "soft");
        let plain = |key: &str| key.split('?').next().unwrap_or_default().to_owned();
        let host = |key: &str| key.split('/').next().unwrap_or_default().to_owned();
        let is_meant: &dyn Fn(&str) -> bool = match scope.as_str() {
            "" | "url" => &|of| of == key,
            "any-query" => &|of| plain(of) == plain(&key),
            "directory" | "prefix" => &|of| of.starts_with(&key),
            "host" => &|of| host(of) == host(&key),
            "everything" => &|_| true,
            _ => return text(501, "this cache doesn't know that kind of purge"),
        };
        // Where the request names an encoding, the copies for the others stay.
        let wanted = Some(encoding(request)).filter(|encoding| !encoding.is_empty());
        let mut purged = 0;
        for (_, copies) in self.copies.iter_mut().filter(|(of, _)| is_meant(of)) {
            copies.retain_mut(|copy| {
                let is_left = copy.variant.is_some() && wanted.is_some() && copy.variant != wanted;
                purged += usize::from(!is_left);
                copy.is_last_time |= !is_left;
                is_left || is_soft
            });
        }
        text(200, &format!("{purged} purged"))
    }
}

/// Host, path and query of a request.
fn key(request: &Request<Bytes>) -> String {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    format!("{}{target}", Received::read(request).host.to_ascii_lowercase())
}

fn encoding(request: &Request<Bytes>) -> String {
    field(request.headers(), &ACCEPT_ENCODING).trim().to_ascii_lowercase()
}

fn field<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The answer, which says how old it is and whether a copy was there.
fn marked(mut response: Response<Bytes>, mark: &'static str, age: Duration) -> Response<Bytes> {
    response.headers_mut().insert(AGE, HeaderValue::from(age.as_secs()));
    response.headers_mut().insert("x-cache", HeaderValue::from_static(mark));
    response
}

fn text(status: u16, line: &str) -> Response<Bytes> {
    typed(status, "text/plain; charset=utf-8", format!("{line}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn request(method: &str, path: &str, fields: &[(&str, &str)]) -> Request<Bytes> {
        let request = Request::builder().method(method).uri(path).header("host", "www.example.com");
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(Bytes::new()).unwrap()
    }

    /// What a visitor gets, with the mark of the cache; the origin serves this body.
    fn visit(cache: &mut Cache, path: &str, encoding: &str, origin: &'static str, now: u64) -> String {
        let (request, now) = (request("GET", path, &[("accept-encoding", encoding)]), Duration::from_secs(now));
        let response = cache.answer(&request, now).unwrap_or_else(|| {
            let response =
                Response::builder().header(VARY, "Accept-Encoding").body(Bytes::from_static(origin.as_bytes()));
            cache.store(&request, response.unwrap(), now)
        });
        let body = String::from_utf8(response.body().to_vec()).unwrap();
        format!(
            "{body} {} {}",
            field(response.headers(), &HeaderName::from_static("x-cache")),
            field(response.headers(), &AGE)
        )
    }

    fn purge(cache: &mut Cache, path: &str, fields: &[(&str, &str)]) -> String {
        let response = cache.answer(&request("PURGE", path, fields), Duration::ZERO).unwrap();
        format!("{} {}", response.status().as_u16(), String::from_utf8_lossy(response.body()).trim_end())
    }

    #[test]
    fn a_copy_is_served_until_it_expires_or_is_purged() {
        let mut cache = Cache::new(HOUR);
        assert_eq!(visit(&mut cache, "/a", "gzip", "old", 0), "old MISS 0");
        assert_eq!(visit(&mut cache, "/a", "gzip", "new", 7), "old HIT 7");
        assert_eq!(purge(&mut cache, "/a", &[]), "200 1 purged");
        assert_eq!(visit(&mut cache, "/a", "gzip", "new", 8), "new MISS 0");
        assert_eq!(visit(&mut cache, "/a", "gzip", "newer", 8 + 3_600), "newer MISS 0");
    }

    #[test]
    fn each_encoding_has_a_copy_and_a_purge_may_leave_one() {
        let mut cache = Cache::new(HOUR);
        for encoding in ["identity", "gzip", "gzip, br"] {
            assert_eq!(visit(&mut cache, "/a", encoding, "old", 0), "old MISS 0");
        }
        assert_eq!(purge(&mut cache, "/a", &[("accept-encoding", "identity")]), "200 1 purged");
        assert_eq!(visit(&mut cache, "/a", "identity", "new", 1), "new MISS 0");
        assert_eq!(visit(&mut cache, "/a", "gzip", "new", 1), "old HIT 1");
        assert_eq!(purge(&mut cache, "/a", &[]), "200 3 purged");
    }

    #[test]
    fn a_soft_purge_serves_the_old_copy_once() {
        let mut cache = Cache::new(HOUR);
        visit(&mut cache, "/a", "", "old", 0);
        purge(&mut cache, "/a", &[(MODE, "soft")]);
        assert_eq!(visit(&mut cache, "/a", "", "new", 1), "old HIT 1");
        assert_eq!(visit(&mut cache, "/a", "", "new", 2), "new MISS 0");
    }

    #[test]
    fn a_purge_reaches_as_far_as_it_says() {
        for (scope, path, left) in [
            ("url", "/docs/a", vec!["/docs/a?b", "/docs/b", "/docsy", "/other"]),
            ("any-query", "/docs/a", vec!["/docs/b", "/docsy", "/other"]),
            ("directory", "/docs/", vec!["/docsy", "/other"]),
            ("prefix", "/docs", vec!["/other"]),
            ("host", "/", vec![]),
            ("everything", "/", vec![]),
        ] {
            let mut cache = Cache::new(HOUR);
            for path in ["/docs/a", "/docs/a?b", "/docs/b", "/docsy", "/other"] {
                visit(&mut cache, path, "", "old", 0);
            }
            let elsewhere = Request::get("/docs/a").header("host", "other.example.com").body(Bytes::new()).unwrap();
            cache.store(&elsewhere, Response::new(Bytes::new()), Duration::ZERO);
            assert!(purge(&mut cache, path, &[(SCOPE, scope)]).starts_with("200 "), "{scope}");
            let is_there = |path: &&str| cache.copies[&format!("www.example.com{path}")].len() == 1;
            let found: Vec<&str> = ["/docs/a?b", "/docs/b", "/docsy", "/other"].into_iter().filter(is_there).collect();
            assert_eq!(found, left, "{scope}");
            assert_eq!(cache.answer(&elsewhere, Duration::ZERO).is_some(), scope != "everything", "{scope}");
        }
        assert!(purge(&mut Cache::new(HOUR), "/", &[(SCOPE, "tag")]).starts_with("501 "));
    }

    #[test]
    fn what_may_not_be_kept_is_fetched_each_time() {
        for (status, name, value) in
            [(503, "x", "y"), (200, "cache-control", "no-store"), (200, "vary", "Cookie"), (302, "location", "/login")]
        {
            let (mut cache, request) = (Cache::new(HOUR), request("GET", "/a", &[]));
            let response = Response::builder().status(status).header(name, value).body(Bytes::new()).unwrap();
            cache.store(&request, response, Duration::ZERO);
            assert!(cache.answer(&request, Duration::ZERO).is_none(), "{status} {name}");
        }
        let mut cache = Cache::new(HOUR);
        let post = request("POST", "/a", &[]);
        assert_eq!(cache.answer(&post, Duration::ZERO).unwrap().status().as_u16(), 405);
    }
}
