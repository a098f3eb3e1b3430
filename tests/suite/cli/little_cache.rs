//! A little cache over HTTP in front of a little origin, as a CDN's edge. It drops what it is told to purge, or what the vendor's ledger
//! says was purged.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use emulators::cache::Cache;
use http::{Request, Response};
use serde_json::Value;

/// How long it keeps a copy; the oldest visit was not so long ago.
const LIFETIME: Duration = Duration::from_secs(24 * 3_600);

/// The cache; its threads end with the test's process.
pub struct LittleCache {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

pub struct State {
    /// What the origin serves, by path.
    pub origin: BTreeMap<String, Vec<u8>>,
    /// What it serves, as HTML, where it has nothing.
    pub fallback: Option<&'static str>,
    /// What the origin answers in place of all that.
    pub origin_status: Option<u16>,
    /// A header field of each of the origin's answers, as `Location: /login`.
    pub origin_header: Option<&'static str>,
    /// The ledger of whoever purges.
    pub ledger: Option<PathBuf>,
    /// Nothing is kept: it is the origin alone.
    pub keeps_nothing: bool,
    /// So many purges of each path have no effect.
    pub lost_purges: usize,
    /// A purge drops the plain variant alone.
    pub forgets_gzip: bool,
    cache: Cache,
    began: Instant,
    purges: usize,
    requests: Vec<String>,
}

impl LittleCache {
    pub fn new(ledger: Option<PathBuf>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::new(ledger)));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address, state }
    }

    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Deploys a file to the origin.
    pub fn deploy(&self, path: &str, body: &str) {
        self.with(|state| state.origin.insert(path.to_owned(), body.into()));
    }

    pub fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    /// A visitor's request of both variants, so long ago.
    pub fn visited(&self, path: &str, ago: Duration) {
        self.with(|state| {
            let then = state.now() - ago;
            for encoding in ["identity", "gzip"] {
                state.serve(&request("GET", path, &[("accept-encoding", encoding)]), then);
            }
        });
    }

    /// What came since, as `PATH` or `PATH gzip`; sorted.
    pub fn requests(&self) -> Vec<String> {
        let mut requests = self.with(|state| std::mem::take(&mut state.requests));
        requests.sort();
        requests
    }
}

impl State {
    fn new(ledger: Option<PathBuf>) -> Self {
        Self {
            origin: BTreeMap::new(),
            fallback: None,
            origin_status: None,
            origin_header: None,
            ledger,
            keeps_nothing: false,
            lost_purges: 0,
            forgets_gzip: false,
            cache: Cache::new(LIFETIME),
            began: Instant::now(),
            purges: 0,
            requests: Vec::new(),
        }
    }

    /// The time on the cache's clock, which has run for a day when it starts.
    fn now(&self) -> Duration {
        LIFETIME + self.began.elapsed()
    }

    fn purge(&mut self) {
        let Some(ledger) = &self.ledger else { return };
        let text = std::fs::read_to_string(ledger).unwrap();
        let urls =
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["url"].as_str().unwrap().to_owned());
        let urls: Vec<String> = urls.collect();
        for url in &urls[self.purges..] {
            if self.lost_purges > 0 {
                self.lost_purges -= 1;
                continue;
            }
            let path = &url[url.find("www.example.com").unwrap() + "www.example.com".len()..];
            let fields: &[_] = if self.forgets_gzip { &[("accept-encoding", "identity")] } else { &[] };
            self.cache.answer(&request("PURGE", path, fields), Duration::ZERO);
        }
        self.purges = urls.len();
    }

    pub fn purge_all(&mut self) {
        self.cache = Cache::new(LIFETIME);
    }

    fn serve(&mut self, request: &Request<Bytes>, now: Duration) -> Response<Bytes> {
        if let Some(copy) = self.cache.answer(request, now) {
            return copy;
        }
        let path = request.uri().path_and_query().unwrap().as_str();
        let (status, body) = match (self.origin_status, self.origin.get(path)) {
            (Some(status), _) => (status, Vec::new()),
            (None, Some(body)) => (200, body.clone()),
            (None, None) => match self.fallback {
                Some(page) => (200, page.into()),
                None => (404, b"no such page".to_vec()),
            },
        };
        let mut response = Response::builder().status(status).header("vary", "accept-encoding");
        if let Some((name, value)) = self.origin_header.and_then(|header| header.split_once(": ")) {
            response = response.header(name, value);
        }
        let response = if is_gzip(request) {
            response.header("content-encoding", "gzip").body(gzip(&body).into())
        } else {
            response.body(body.into())
        };
        let response = response.unwrap();
        if self.keeps_nothing { response } else { self.cache.store(request, response, now) }
    }
}

fn request(method: &str, path: &str, fields: &[(&str, &str)]) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(path).header("host", "www.example.com");
    fields.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(Bytes::new()).unwrap()
}

fn is_gzip(request: &Request<Bytes>) -> bool {
    request.headers().get("accept-encoding").is_some_and(|value| value.to_str().unwrap().contains("gzip"))
}

/// A gzip stream of one block that isn't compressed.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1];
    stream.extend(length.to_le_bytes());
    stream.extend((!length).to_le_bytes());
    stream.extend(body);
    stream.extend(crc32fast::hash(body).to_le_bytes());
    stream.extend(u32::from(length).to_le_bytes());
    stream
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut writer = stream;
    while let Some(Ok(first)) = lines.next() {
        let mut words = first.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let fields: Vec<String> = lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let fields = fields.iter().filter_map(|line| line.split_once(": "));
        let fields: Vec<_> = fields.filter(|(name, _)| !name.eq_ignore_ascii_case("host")).collect();
        let request = request(method, path, &fields);
        let answer = {
            let mut state = state.lock().unwrap();
            state.purge();
            if method == "GET" {
                let name = if is_gzip(&request) { " gzip" } else { "" };
                state.requests.push(format!("{path}{name}"));
            }
            let now = state.now();
            let response = state.serve(&request, now);
            let mut head = format!("HTTP/1.1 {} X\r\n", response.status().as_u16());
            for (name, value) in response.headers() {
                head += &format!("{name}: {}\r\n", value.to_str().unwrap());
            }
            head += &format!("Content-Length: {}\r\n\r\n", response.body().len());
            [head.as_bytes(), response.body()].concat()
        };
        if writer.write_all(&answer).is_err() {
            return;
        }
    }
}
