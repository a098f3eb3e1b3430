//! The server over real sockets, called by the real transport.

use std::collections::BTreeMap;
use std::future::pending;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use emulators::faults::Faults;
use emulators::test_emulator::TestEmulator;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::oneshot;

use super::connections::REQUEST_BODY_BYTES;
use super::*;
use crate::provider::ApiErrorKind;
use crate::provider::http::HttpApi;

struct World {
    api: HttpApi,
    address: SocketAddr,
    gateway: Rc<RefCell<Gateway>>,
}

impl World {
    fn request(&self, url: &str) -> http::Request<Bytes> {
        http::Request::post(format!("http://{}/test?url={url}", self.address)).body(Bytes::new()).unwrap()
    }

    fn accepted(&self) -> Vec<String> {
        self.gateway.borrow().ledger().map(|(_, entry)| entry.url.clone()).collect()
    }
}

/// Runs `story` against a server with these faults.
async fn with_server<F: AsyncFnOnce(World)>(faults: &[&str], ledger: Option<Box<dyn Write>>, story: F) {
    let gateway = Gateway::new(vec![("test", Box::new(TestEmulator::default()))], Faults::parse(faults, 0).unwrap());
    let gateway = Rc::new(RefCell::new(gateway));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let api = Network::new(&BTreeMap::new()).open(&[], Clock::new(Timestamp::now())).unwrap();
    let world = World { api, address, gateway: Rc::clone(&gateway) };
    tokio::select! {
        ended = serve(listener, gateway, Duration::ZERO, ledger, None, pending()) => panic!("the server ended: {ended:?}"),
        () = story(world) => {}
    }
}

#[tokio::test]
async fn a_request_reaches_its_vendor_and_the_answer_comes_back() {
    with_server(&[], None, async |world| {
        let answer = world.api.call(world.request("a")).await.unwrap();
        assert_eq!((answer.status().as_u16(), &**answer.body()), (200, &br#"{"task":"1"}"#[..]));
        assert!(answer.headers().contains_key("date"));
        assert_eq!(world.accepted(), ["a"]);
    })
    .await;
}

#[tokio::test]
async fn what_no_vendor_claims_is_a_clear_404() {
    with_server(&[], None, async |world| {
        let request = http::Request::get(format!("http://{}/", world.address)).body(Bytes::new()).unwrap();
        let answer = world.api.call(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), 404);
        assert_eq!(answer.body(), "no emulator takes GET /; there are: test\n");
    })
    .await;
}

#[tokio::test]
async fn broken_answers_reach_the_client_as_ambiguous_and_the_ledger_tells_the_truth() {
    for (kind, accepted) in [("drop-before", 0), ("drop-after", 1), ("truncate", 1), ("huge", 1)] {
        with_server(&[&format!("*={kind}")], None, async |world| {
            let error = world.api.call(world.request("a")).await.unwrap_err();
            assert_eq!(error.kind, ApiErrorKind::Ambiguous, "{kind}: {error}");
            assert_eq!(world.accepted().len(), accepted, "{kind}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_truncated_answer_shows_its_first_half() {
    with_server(&["*=truncate"], None, async |world| {
        let error = world.api.call(world.request("a")).await.unwrap_err();
        assert!(error.message.contains("broke off after 6 bytes"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_never_reaches_a_vendor() {
    with_server(&[], None, async |world| {
        let mut request = world.request("a");
        *request.body_mut() = Bytes::from(vec![b'x'; REQUEST_BODY_BYTES + 1]);
        // Refused while it is still being written: the answer may or may not be read.
        if let Ok(answer) = world.api.call(request).await {
            assert_eq!(answer.status().as_u16(), 413);
        }
        assert!(world.accepted().is_empty());
    })
    .await;
}

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_ledger_has_a_line_for_every_accepted_url_before_the_answer() {
    let file = Shared::default();
    with_server(&["*#2=500-before"], Some(Box::new(file.clone())), async |world| {
        for url in ["a", "b", "c"] {
            world.api.call(world.request(url)).await.unwrap();
        }
        let text = String::from_utf8(file.0.borrow().clone()).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let urls: Vec<_> = lines.iter().map(|line| (&line["provider"], &line["url"], &line["operation"])).collect();
        assert_eq!(
            urls,
            [(&"test".into(), &"a".into(), &"prefetch".into()), (&"test".into(), &"c".into(), &"prefetch".into())]
        );
    })
    .await;
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_ledger_that_cannot_be_written_ends_the_server_with_an_error() {
    let gateway = Gateway::new(vec![("test", Box::new(TestEmulator::default()))], Faults::none());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = serve(listener, Rc::new(RefCell::new(gateway)), Duration::ZERO, Some(Box::new(Full)), None, pending());
    let client = async {
        let api = Network::new(&BTreeMap::new()).open(&[], Clock::new(Timestamp::now())).unwrap();
        let request = http::Request::post(format!("http://{address}/test?url=a")).body(Bytes::new()).unwrap();
        let _ = api.call(request).await;
    };
    let (ended, ()) = tokio::join!(server, client);
    assert!(ended.unwrap_err().to_string().starts_with("can't write the ledger"));
}

/// A cache, which answers each connection once, and counts.
fn cache() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            lines.by_ref().map_while(Result::ok).find(String::is_empty);
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (address, count)
}

/// What comes of a server that has this cache purged, once a client was served and `then` is over, which is given whether the client
/// had an answer. Its connection is open until then.
async fn serve_with_edge(edge: SocketAddr, then: impl AsyncFnOnce(bool)) -> Result<(), Error> {
    let edges = Edges::new(vec![format!("http://{edge}")], Vec::new());
    let gateway = Gateway::new(vec![("test", Box::new(TestEmulator::default()))], Faults::none()).with_edges(edges);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let api = || Network::new(&BTreeMap::new()).open(&[], Clock::new(Timestamp::now())).unwrap();
    let server =
        serve(listener, Rc::new(RefCell::new(gateway)), Duration::ZERO, None, Some(Box::new(api())), pending());
    let client = async {
        let request = http::Request::post(format!("http://{address}/test?url=a.test/a")).body(Bytes::new()).unwrap();
        let api = api();
        then(api.call(request).await.is_ok()).await;
    };
    tokio::select! {
        ended = server => ended,
        () = client => Ok(()),
    }
}

#[tokio::test]
async fn a_cache_is_told_before_the_client_is() {
    let (address, count) = cache();
    let told = async |_| assert_eq!(count.load(Ordering::SeqCst), 1);
    serve_with_edge(address, told).await.unwrap();
}

#[tokio::test]
async fn a_cache_that_is_not_there_ends_the_server_with_an_error() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let waits = async |is_answered: bool| {
        assert!(!is_answered, "the client must not hear of a purge that failed");
        pending::<()>().await;
    };
    let error = serve_with_edge(address, waits).await.unwrap_err().to_string();
    assert!(error.starts_with("the cache doesn't take `GET http://127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn an_end_lets_the_call_under_way_finish_and_closes_idle_connections() {
    let gateway = Gateway::new(vec![("test", Box::new(TestEmulator::default()))], Faults::none());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let latency = Duration::from_millis(100);
    let gateway = Rc::new(RefCell::new(gateway));
    let server = serve(listener, Rc::clone(&gateway), latency, None, None, async {
        let _ = stopped.await;
    });
    let client = async {
        let api = Network::new(&BTreeMap::new()).open(&[], Clock::new(Timestamp::now())).unwrap();
        let request =
            |url: &str| http::Request::post(format!("http://{address}/test?url={url}")).body(Bytes::new()).unwrap();
        api.call(request("a")).await.unwrap();
        let under_way = api.call(request("b"));
        let end = async {
            // The vendor has accepted it, and its answer is on the way for the other half of the latency.
            while gateway.borrow().ledger().count() < 2 {
                tokio::task::yield_now().await;
            }
            stop.send(()).unwrap();
        };
        tokio::join!(under_way, end).0.unwrap()
    };
    let (ended, answer) = tokio::join!(server, client);
    ended.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
}

#[tokio::test]
async fn fifty_calls_at_once_take_one_latency() {
    let gateway = Gateway::new(vec![("test", Box::new(TestEmulator::default()))], Faults::none());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let latency = Duration::from_millis(100);
    let server = serve(listener, Rc::new(RefCell::new(gateway)), latency, None, None, pending());
    let clients = async {
        let api = Network::new(&BTreeMap::new()).open(&[], Clock::new(Timestamp::now())).unwrap();
        let began = tokio::time::Instant::now();
        let calls: FuturesUnordered<_> = (0..50)
            .map(|number| {
                api.call(http::Request::post(format!("http://{address}/test?url={number}")).body(Bytes::new()).unwrap())
            })
            .collect();
        assert_eq!(calls.filter(|answer| std::future::ready(answer.is_ok())).count().await, 50);
        began.elapsed()
    };
    tokio::select! {
        _ = server => panic!("the server ended"),
        // One after the other they would take five seconds.
        elapsed = clients => assert!(latency <= elapsed && elapsed < latency * 25, "{elapsed:?}"),
    }
}
