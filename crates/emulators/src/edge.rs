//! What accepted tasks do at caches: the requests that real caches get once a task is complete, and the ways in which a real CDN
//! reports a purge that visitors don't see.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT_ENCODING, HOST};
use jiff::Timestamp;

use crate::cache::{MODE, SCOPE};
use crate::faults::{RuleError, nearest};
use crate::request::host_of;
use crate::{LedgerEntry, Operation};

/// How a purge goes wrong although its task is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// No cache is purged.
    NotPurged,
    /// The last cache isn't purged.
    OneForgotten,
    /// Purged when the task is accepted, and not when it is complete.
    TooEarly,
    /// The copies for other encodings than `identity` are left.
    VariantLeft,
    /// Each copy is served once more.
    Soft,
    /// The last cache is purged three seconds after the others.
    ShieldLate,
}

/// The kinds as they are written.
const KINDS: [(&str, Kind); 6] = [
    ("not-purged", Kind::NotPurged),
    ("one-forgotten", Kind::OneForgotten),
    ("too-early", Kind::TooEarly),
    ("variant-left", Kind::VariantLeft),
    ("soft", Kind::Soft),
    ("shield-late", Kind::ShieldLate),
];

/// How much later than the others the last cache is purged.
const LATE: Duration = Duration::from_secs(3);

/// What goes wrong with purges whose URL contains a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeFault {
    kind: Kind,
    text: String,
}

impl EdgeFault {
    /// Reads `KIND`, or `KIND:TEXT` for the URLs that contain a text. The kinds are `not-purged`, `one-forgotten`, `too-early`,
    /// `variant-left`, `soft` and `shield-late`.
    ///
    /// # Errors
    /// There is no such kind.
    pub fn parse(written: &str) -> Result<Self, RuleError> {
        let (name, text) = written.split_once(':').unwrap_or((written, ""));
        match KINDS.into_iter().find(|(known, _)| *known == name.trim()) {
            Some((_, kind)) => Ok(Self { kind, text: text.to_owned() }),
            None => Err(RuleError {
                message: format!("the fault `{written}` can't be read: `{name}` is no fault of a cache"),
                help: nearest(name, &KINDS.map(|(name, _)| name)),
            }),
        }
    }
}

/// The caches that a CDN consists of. The last one is the shield, or the most distant point of presence.
pub struct Edges {
    /// Scheme, host and port of each.
    caches: Vec<String>,
    faults: Vec<EdgeFault>,
    /// What is still to be done, and when.
    pending: Vec<(Timestamp, Request<Bytes>)>,
}

impl Edges {
    /// Caches at these URLs, of scheme, host and port; they are purged in this order.
    pub fn new(caches: Vec<String>, faults: Vec<EdgeFault>) -> Self {
        Self { caches, faults, pending: Vec::new() }
    }

    /// Learns of an accepted task, and of how long after its acceptance it is complete; `None`: never.
    pub(crate) fn accept(&mut self, entry: &LedgerEntry, takes: Option<Duration>) {
        let fault = self.faults.iter().find(|fault| entry.url.contains(&fault.text)).map(|fault| fault.kind);
        let fault = fault.filter(|_| entry.operation != Operation::Prefetch);
        let takes = if fault == Some(Kind::TooEarly) { Some(Duration::ZERO) } else { takes };
        let Some(takes) = takes.filter(|_| fault != Some(Kind::NotPurged)) else { return };
        for (number, cache) in self.caches.iter().enumerate() {
            let is_last = number + 1 == self.caches.len();
            let late = match fault {
                Some(Kind::OneForgotten) if is_last => continue,
                Some(Kind::ShieldLate) if is_last => LATE,
                _ => Duration::ZERO,
            };
            if let Some(request) = request(cache, entry, fault) {
                self.pending.push((entry.at.saturating_add(takes + late).unwrap_or(Timestamp::MAX), request));
            }
        }
    }

    /// The requests whose time has come, the earliest first; each is returned once.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Request<Bytes>> {
        let mut due: Vec<_> = self.pending.extract_if(.., |(at, _)| *at <= now).collect();
        due.sort_by_key(|(at, _)| *at);
        due.into_iter().map(|(_, request)| request).collect()
    }
}

/// What a cache gets: a `GET` for a prefetch, otherwise a `PURGE`. `None`: the URL isn't one.
fn request(cache: &str, entry: &LedgerEntry, fault: Option<Kind>) -> Option<Request<Bytes>> {
    let url = entry.url.split_once("://").map_or(entry.url.as_str(), |(_, rest)| rest);
    let (host, path) = (host_of(&entry.url)?, url.find('/').map_or("/", |slash| &url[slash..]));
    let (path, scope) = match entry.operation {
        Operation::Prefetch => (path, ""),
        Operation::RefreshUrl => (path, "url"),
        Operation::RefreshDirectory => (path, "directory"),
        Operation::RefreshAnyQuery => (path, "any-query"),
        Operation::RefreshPrefix => (path, "prefix"),
        Operation::RefreshHost => ("/", "host"),
        Operation::RefreshEverything => ("/", "everything"),
        Operation::RefreshRegex => ("/", "regex"),
        Operation::RefreshTag => ("/", "tag"),
    };
    let method = if scope.is_empty() { "GET" } else { "PURGE" };
    let mut request = Request::builder().method(method).uri(format!("{cache}{path}")).header(HOST, host);
    if !scope.is_empty() {
        request = request.header(SCOPE, scope);
    }
    match entry.operation {
        Operation::RefreshRegex => request = request.header(VALUE, entry.url.as_str()),
        Operation::RefreshTag => request = request.header(VALUE, url.split_once('#')?.1),
        _ => {}
    }
    match fault {
        Some(Kind::VariantLeft) => request = request.header(ACCEPT_ENCODING, "identity"),
        Some(Kind::Soft) => request = request.header(MODE, "soft"),
        _ => {}
    }
    request.body(Bytes::new()).ok()
}

/// The regular expression or the tag of a `PURGE`.
const VALUE: &str = "x-purge-value";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn entry(operation: Operation, url: &str) -> LedgerEntry {
        LedgerEntry { at: at(0), operation, url: url.to_owned(), task_id: String::new() }
    }

    /// What the caches get by then, as `METHOD URL host` with the header fields of a purge.
    fn due(edges: &mut Edges, seconds: i64) -> Vec<String> {
        let shown = |request: Request<Bytes>| {
            let fields = [SCOPE, VALUE, MODE, "accept-encoding"].map(|name| request.headers().get(name).cloned());
            let fields: Vec<_> = fields.iter().flatten().map(|value| value.to_str().unwrap()).collect();
            let host = request.headers()["host"].to_str().unwrap();
            format!("{} {} {host} {}", request.method(), request.uri(), fields.join(" "))
        };
        edges.due(at(seconds)).into_iter().map(shown).collect()
    }

    fn two(faults: &[&str]) -> Edges {
        let faults = faults.iter().map(|fault| EdgeFault::parse(fault).unwrap()).collect();
        let mut edges = Edges::new(vec!["http://127.0.0.1:1".into(), "http://127.0.0.1:2".into()], faults);
        edges.accept(&entry(Operation::RefreshUrl, "https://www.example.com/a"), Some(Duration::from_secs(5)));
        edges
    }

    #[test]
    fn every_cache_is_purged_when_the_task_is_complete_and_not_before() {
        let mut edges = two(&[]);
        assert!(due(&mut edges, 4).is_empty());
        let [one, other] =
            ["http://127.0.0.1:1", "http://127.0.0.1:2"].map(|at| format!("PURGE {at}/a www.example.com url"));
        assert_eq!(due(&mut edges, 5), [one, other]);
        assert!(due(&mut edges, 9).is_empty());
        edges.accept(&entry(Operation::RefreshUrl, "https://www.example.com/hangs"), None);
        assert!(due(&mut edges, 1_000).is_empty());
    }

    #[test]
    fn each_fault_is_what_its_name_says() {
        for (fault, times, last) in [
            ("not-purged", [0, 0, 0], ""),
            ("one-forgotten", [0, 1, 1], "PURGE http://127.0.0.1:1/a www.example.com url"),
            ("too-early", [2, 2, 2], "PURGE http://127.0.0.1:2/a www.example.com url"),
            ("variant-left", [0, 2, 2], "PURGE http://127.0.0.1:2/a www.example.com url identity"),
            ("soft", [0, 2, 2], "PURGE http://127.0.0.1:2/a www.example.com url soft"),
            ("shield-late", [0, 1, 2], "PURGE http://127.0.0.1:2/a www.example.com url"),
            ("not-purged:/b", [0, 2, 2], "PURGE http://127.0.0.1:2/a www.example.com url"),
            ("not-purged:/a", [0, 0, 0], ""),
        ] {
            let (mut edges, mut found) = (two(&[fault]), Vec::new());
            let counts = [0, 5, 8].map(|second| {
                found.append(&mut due(&mut edges, second));
                found.len()
            });
            assert_eq!((counts, found.last().map_or("", String::as_str)), (times, last), "{fault}");
        }
    }

    #[test]
    fn every_operation_is_a_request() {
        let mut edges = Edges::new(vec!["http://127.0.0.1:1".into()], Vec::new());
        for (operation, url, expected) in [
            (Operation::RefreshDirectory, "https://a.test/docs/", "PURGE http://127.0.0.1:1/docs/ a.test directory"),
            (Operation::RefreshAnyQuery, "https://a.test/b", "PURGE http://127.0.0.1:1/b a.test any-query"),
            (Operation::RefreshPrefix, "a.test/docs", "PURGE http://127.0.0.1:1/docs a.test prefix"),
            (Operation::RefreshHost, "https://a.test/", "PURGE http://127.0.0.1:1/ a.test host"),
            (Operation::RefreshEverything, "https://a.test/", "PURGE http://127.0.0.1:1/ a.test everything"),
            (Operation::RefreshTag, "https://a.test/#v1", "PURGE http://127.0.0.1:1/ a.test tag v1"),
            (Operation::RefreshRegex, "https://a.test/.*", "PURGE http://127.0.0.1:1/ a.test regex https://a.test/.*"),
            (Operation::Prefetch, "https://a.test/b?c=d", "GET http://127.0.0.1:1/b?c=d a.test "),
        ] {
            edges.accept(&entry(operation, url), Some(Duration::ZERO));
            assert_eq!(due(&mut edges, 0), [expected]);
        }
    }

    #[test]
    fn a_fault_that_nobody_knows_is_refused_with_a_remedy() {
        let error = EdgeFault::parse("not-purge").unwrap_err();
        assert_eq!(error.message, "the fault `not-purge` can't be read: `not-purge` is no fault of a cache");
        assert_eq!(error.help, "did you mean `not-purged`?");
        assert!(EdgeFault::parse("everything").unwrap_err().help.starts_with("the kinds are `not-purged`"));
    }
}
