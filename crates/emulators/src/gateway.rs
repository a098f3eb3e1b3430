//! One gateway to several emulators: it hands a request to the one that claims it, and breaks the response on request.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderValue, LOCATION};
use jiff::Timestamp;

use crate::edge::Edges;
use crate::faults::{Fault, Faults};
use crate::response::{json, typed};
use crate::{DocumentedErrors, Emulator, LedgerEntry};

/// The longest request line that is accepted, as a gateway's front server would: nginx's `large_client_header_buffers` is
/// 8 KiB (nginx documentation, ngx_http_core_module); no vendor documents its own.
pub const REQUEST_LINE_BYTES: usize = 8 * 1024;

/// A gateway to emulators of several vendors, with faults.
pub struct Gateway {
    vendors: Vec<Vendor>,
    faults: Faults,
    /// Requests that are held back, and when each is executed.
    late: Vec<(Timestamp, http::Request<Bytes>)>,
    edges: Option<Edges>,
}

struct Vendor {
    name: &'static str,
    emulator: Box<dyn Emulator>,
    /// How much of its ledger was returned by [`Gateway::newly_accepted`].
    returned: usize,
    /// How much of it the caches were purged of.
    purged: usize,
}

/// A line of the ledger over all vendors.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Acceptance {
    /// The provider's name.
    pub provider: &'static str,
    /// What it accepted.
    #[serde(flatten)]
    pub entry: LedgerEntry,
}

/// What a client gets to see of an answer.
#[derive(Debug)]
pub struct Reply {
    /// How much later than usual it comes.
    pub delay: Duration,
    /// What comes.
    pub wire: Wire,
}

/// What goes over the connection.
#[derive(Debug)]
pub enum Wire {
    /// The answer.
    Whole(http::Response<Bytes>),
    /// The head and the first half of the body; then the connection closes.
    Cut(http::Response<Bytes>),
    /// The head, and the body over and over.
    Endless(http::Response<Bytes>),
    /// Nothing: the connection closes.
    Closed,
}

impl Gateway {
    /// These emulators, each with its provider's name.
    pub fn new(emulators: Vec<(&'static str, Box<dyn Emulator>)>, faults: Faults) -> Self {
        let vendors = emulators.into_iter().map(|(name, emulator)| Vendor { name, emulator, returned: 0, purged: 0 });
        Self { vendors: vendors.collect(), faults, late: Vec::new(), edges: None }
    }

    /// Has these caches purged of what is accepted.
    #[must_use]
    pub fn with_edges(self, edges: Edges) -> Self {
        Self { edges: Some(edges), ..self }
    }

    /// The requests that the caches should have got by `now`, in order; each is returned once.
    pub fn edge_requests(&mut self, now: Timestamp) -> Vec<http::Request<Bytes>> {
        let Some(edges) = &mut self.edges else { return Vec::new() };
        for vendor in &mut self.vendors {
            let ledger = vendor.emulator.ledger();
            for (place, entry) in ledger.iter().enumerate().skip(vendor.purged) {
                edges.accept(entry, vendor.emulator.takes(place));
            }
            vendor.purged = ledger.len();
        }
        edges.due(now)
    }

    /// Answers a request that arrived at `now`.
    pub fn answer(&mut self, request: &http::Request<Bytes>, now: Timestamp) -> Reply {
        if request_line(request) > REQUEST_LINE_BYTES {
            return whole(page(414, "414 Request-URI Too Large"));
        }
        let Some(vendor) = self.vendors.iter_mut().find(|vendor| vendor.emulator.claims(request)) else {
            return whole(typed(404, "text/plain; charset=utf-8", self.lost(request)));
        };
        let vendor = vendor.emulator.as_mut();
        // What was held back is done as if it came in between.
        let due: Vec<_> = self.late.extract_if(.., |(at, held)| *at <= now && vendor.claims(held)).collect();
        for (at, held) in due {
            vendor.handle(&held, at);
        }
        let fault = if self.faults.is_empty() { None } else { self.faults.next(&vendor.call_name(request)) };
        match fault {
            None => whole(vendor.handle(request, now)),
            Some(fault) => {
                if let Fault::Late(delay) = fault {
                    self.late.push((now.saturating_add(delay).unwrap_or(now), request.clone()));
                }
                afflict(vendor, fault, request, now)
            }
        }
    }

    /// Everything that was accepted, vendor by vendor, each in its order.
    pub fn ledger(&self) -> impl Iterator<Item = (&'static str, &LedgerEntry)> {
        self.vendors.iter().flat_map(|vendor| vendor.emulator.ledger().iter().map(|entry| (vendor.name, entry)))
    }

    /// Every error that a provider's vendor documents.
    pub fn errors(&self, provider: &str) -> &'static [DocumentedErrors] {
        let vendor = self.vendors.iter().find(|vendor| vendor.name == provider);
        vendor.map_or(&[], |vendor| vendor.emulator.errors())
    }

    /// What was accepted since the last call of this.
    pub fn newly_accepted(&mut self) -> Vec<Acceptance> {
        let mut news = Vec::new();
        for vendor in &mut self.vendors {
            let entries = vendor.emulator.ledger();
            let new = entries.get(vendor.returned..).unwrap_or_default();
            news.extend(new.iter().map(|entry| Acceptance { provider: vendor.name, entry: entry.clone() }));
            vendor.returned = entries.len();
        }
        news
    }

    fn lost(&self, request: &http::Request<Bytes>) -> String {
        let names: Vec<_> = self.vendors.iter().map(|vendor| vendor.name).collect();
        format!("no emulator takes {} {}; there are: {}\n", request.method(), request.uri().path(), names.join(", "))
    }
}

/// Lets the vendor do its work if the fault says so, and spoils the answer.
fn afflict(vendor: &mut dyn Emulator, fault: Fault, request: &http::Request<Bytes>, now: Timestamp) -> Reply {
    let answer = if fault.executes() { vendor.handle(request, now) } else { http::Response::default() };
    match fault {
        Fault::ErrorBefore | Fault::ErrorAfter => whole(vendor.server_error()),
        Fault::UnavailablePage => whole(page(503, "503 Service Temporarily Unavailable")),
        Fault::Page => whole(page(200, "Sign in to this network")),
        Fault::Redirect(port) => {
            let mut response = page(307, "307 Temporary Redirect");
            let location = HeaderValue::try_from(format!("http://127.0.0.1:{port}/"))
                .expect("digits and ASCII letters make a header value");
            response.headers_mut().insert(LOCATION, location);
            whole(response)
        }
        Fault::DropBefore | Fault::DropAfter => Reply { delay: Duration::ZERO, wire: Wire::Closed },
        Fault::Truncate => Reply { delay: Duration::ZERO, wire: Wire::Cut(answer) },
        Fault::Huge => {
            let (head, _) = answer.into_parts();
            let endless = http::Response::from_parts(head, Bytes::from(vec![b' '; 64 * 1024]));
            Reply { delay: Duration::ZERO, wire: Wire::Endless(endless) }
        }
        Fault::Slow(delay) => Reply { delay, wire: Wire::Whole(answer) },
        Fault::EmptyObject => whole(json(200, "{}")),
        Fault::Throttle(wait) => whole(vendor.throttled(wait)),
        Fault::Refuse(code) | Fault::RefuseAfter(code) => whole(vendor.error(&code, now)),
        Fault::Late(delay) => Reply { delay, wire: Wire::Closed },
    }
}

fn whole(response: http::Response<Bytes>) -> Reply {
    Reply { delay: Duration::ZERO, wire: Wire::Whole(response) }
}

/// The bytes of `POST /?… HTTP/1.1`.
fn request_line(request: &http::Request<Bytes>) -> usize {
    let target = request.uri().path_and_query().map_or(1, |target| target.as_str().len());
    request.method().as_str().len() + target + " ".len() + " HTTP/1.1".len()
}

fn page(status: u16, title: &str) -> http::Response<Bytes> {
    let text = format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n");
    typed(status, "text/html; charset=utf-8", text)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use proptest::prelude::*;

    use super::*;
    use crate::test_emulator::TestEmulator;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn gateway(faults: &[&str]) -> Gateway {
        Gateway::new(vec![("test", Box::new(TestEmulator::default()))], Faults::parse(faults, 0).unwrap())
    }

    fn request(url: &str) -> http::Request<Bytes> {
        http::Request::post(format!("http://127.0.0.1/test?url={url}")).body(Bytes::new()).unwrap()
    }

    fn body(reply: Reply) -> (StatusCode, Bytes) {
        let Wire::Whole(response) = reply.wire else { panic!("{reply:?}") };
        (response.status(), response.into_body())
    }

    #[test]
    fn a_request_that_no_vendor_claims_is_told_who_is_there() {
        let request = http::Request::get("http://127.0.0.1/elsewhere?Signature=x").body(Bytes::new()).unwrap();
        let (status, text) = body(gateway(&[]).answer(&request, now()));
        assert_eq!(
            (status, &*text),
            (StatusCode::NOT_FOUND, &b"no emulator takes GET /elsewhere; there are: test\n"[..])
        );
    }

    #[test]
    fn a_request_line_above_the_limit_is_refused_and_one_at_the_limit_is_not() {
        let mut gateway = gateway(&[]);
        let fixed = request_line(&request(""));
        let fits = request(&"x".repeat(REQUEST_LINE_BYTES - fixed));
        assert_eq!(body(gateway.answer(&fits, now())).0, StatusCode::OK);
        let long = request(&"x".repeat(REQUEST_LINE_BYTES - fixed + 1));
        assert_eq!(body(gateway.answer(&long, now())).0, StatusCode::URI_TOO_LONG);
        assert_eq!(gateway.ledger().count(), 1);
    }

    #[test]
    fn what_was_accepted_is_told_once() {
        let mut gateway = gateway(&[]);
        gateway.answer(&request("a"), now());
        gateway.answer(&request("b"), now());
        let urls: Vec<_> = gateway.newly_accepted().into_iter().map(|new| (new.provider, new.entry.url)).collect();
        assert_eq!(urls, [("test", "a".to_owned()), ("test", "b".to_owned())]);
        assert_eq!(gateway.newly_accepted(), []);
        assert_eq!(gateway.ledger().count(), 2);
    }

    #[test]
    fn a_line_of_the_ledger_is_flat_json() {
        let mut gateway = gateway(&[]);
        gateway.answer(&request("a"), now());
        let line = serde_json::to_string(&gateway.newly_accepted()[0]).unwrap();
        assert_eq!(
            line,
            r#"{"provider":"test","at":"2026-11-22T12:00:00Z","operation":"prefetch","url":"a","task_id":"1"}"#
        );
    }

    #[test]
    fn each_fault_executes_or_does_not_as_it_says() {
        for (kind, accepted) in [
            ("500-before", 0),
            ("500-after", 1),
            ("503-html", 0),
            ("html", 0),
            ("redirect:81", 0),
            ("drop-before", 0),
            ("drop-after", 1),
            ("truncate", 1),
            ("huge", 1),
            ("slow:20", 1),
            ("empty-object", 1),
            ("throttle", 0),
            ("refuse:X", 0),
            ("refuse-after:X", 1),
            ("late:28000", 0),
        ] {
            let mut gateway = gateway(&[&format!("Take={kind}")]);
            gateway.answer(&request("a"), now());
            assert_eq!(gateway.ledger().count(), accepted, "{kind}");
        }
    }

    #[test]
    fn what_is_held_back_is_executed_when_its_time_has_come() {
        let mut gateway = gateway(&["Take#1=late:28000"]);
        let reply = gateway.answer(&request("a"), now());
        assert!(matches!(reply, Reply { delay, wire: Wire::Closed } if delay == Duration::from_secs(28)));
        let later = |seconds| now() + jiff::SignedDuration::from_secs(seconds);
        gateway.answer(&request("b"), later(27));
        gateway.answer(&request("c"), later(40));
        let ledger: Vec<_> = gateway.ledger().map(|(_, entry)| (entry.url.clone(), entry.at)).collect();
        assert_eq!(ledger, [("b".to_owned(), later(27)), ("a".to_owned(), later(28)), ("c".to_owned(), later(40))]);
    }

    #[test]
    fn faults_look_like_what_they_are_called() {
        let reply = |kind: &str| gateway(&[&format!("Take={kind}")]).answer(&request("a"), now());
        assert_eq!(body(reply("500-after")).0, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(body(reply("503-html")).0, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body(reply("html")).1.starts_with(b"<html>"));
        assert_eq!(body(reply("empty-object")).1, "{}");
        assert_eq!(reply("slow:20").delay, Duration::from_millis(20));
        assert!(matches!(reply("drop-after").wire, Wire::Closed));
        assert!(matches!(reply("truncate").wire, Wire::Cut(response) if response.body() == r#"{"task":"1"}"#));
        assert!(matches!(reply("huge").wire, Wire::Endless(_)));
        let Wire::Whole(response) = reply("redirect:81").wire else { panic!() };
        assert_eq!(response.headers()["location"], "http://127.0.0.1:81/");
        let Wire::Whole(response) = reply("throttle:1500").wire else { panic!() };
        assert_eq!(
            (response.status(), &response.headers()["retry-after"]),
            (StatusCode::TOO_MANY_REQUESTS, &"2".parse().unwrap())
        );
    }

    #[test]
    fn a_call_without_a_name_is_aimed_at_by_method_and_path() {
        let mut gateway = gateway(&["GET /test=empty-object"]);
        let request = http::Request::get("http://127.0.0.1/test?url=a").body(Bytes::new()).unwrap();
        assert_eq!(body(gateway.answer(&request, now())).1, "{}");
    }

    proptest! {
        #[test]
        fn no_request_makes_it_panic(path in "/[!-~]{0,60}", payload in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(request) = http::Request::post(path).body(Bytes::from(payload)) {
                gateway(&[]).answer(&request, now());
            }
        }
    }
}
