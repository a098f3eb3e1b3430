//! A little cache in front of a little origin, as a CDN's edge: it drops what the vendor's ledger says was purged.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The cache; its threads end with the test's process.
pub struct LittleCache {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub struct State {
    /// What the origin serves, by path.
    pub origin: BTreeMap<String, Vec<u8>>,
    /// What the origin answers in place of all that.
    pub origin_status: Option<u16>,
    /// The ledger of whoever purges.
    pub ledger: Option<PathBuf>,
    /// Nothing is kept: it is the origin alone.
    pub keeps_nothing: bool,
    /// So many purges of each path have no effect.
    pub lost_purges: usize,
    /// A purge drops the plain variant alone.
    pub forgets_gzip: bool,
    stored: BTreeMap<(String, bool), Stored>,
    purges: usize,
    requests: Vec<String>,
}

#[derive(Clone)]
struct Stored {
    status: u16,
    body: Vec<u8>,
    at: Instant,
}

impl LittleCache {
    pub fn new(ledger: Option<PathBuf>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { ledger, ..State::default() }));
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
            for is_gzip in [false, true] {
                state.serve(path, is_gzip);
                let stored = state.stored.get_mut(&(path.to_owned(), is_gzip)).unwrap();
                stored.at = Instant::now().checked_sub(ago).unwrap();
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
            let forgets = self.forgets_gzip;
            self.stored.retain(|(stored, is_gzip), _| stored != path || (*is_gzip && forgets));
        }
        self.purges = urls.len();
    }

    pub fn purge_all(&mut self) {
        self.stored.clear();
    }

    /// The answer, and whether it was stored already.
    fn serve(&mut self, path: &str, is_gzip: bool) -> (Stored, bool) {
        let key = (path.to_owned(), is_gzip);
        if let Some(stored) = self.stored.get(&key) {
            return (stored.clone(), true);
        }
        let (status, body) = match (self.origin_status, self.origin.get(path)) {
            (Some(status), _) => (status, Vec::new()),
            (None, Some(body)) => (200, body.clone()),
            (None, None) => (404, b"no such page".to_vec()),
        };
        let stored = Stored { status, body: if is_gzip { gzip(&body) } else { body }, at: Instant::now() };
        if !self.keeps_nothing {
            self.stored.insert(key, stored.clone());
        }
        (stored, false)
    }
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
        let path = first.split(' ').nth(1).unwrap().to_owned();
        let mut is_gzip = false;
        for line in lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()) {
            is_gzip |= line.to_ascii_lowercase().starts_with("accept-encoding:") && line.contains("gzip");
        }
        let answer = {
            let mut state = state.lock().unwrap();
            state.purge();
            let name = if is_gzip { " gzip" } else { "" };
            state.requests.push(format!("{path}{name}"));
            let (stored, is_hit) = state.serve(&path, is_gzip);
            let age = stored.at.elapsed().as_secs();
            let coding = if is_gzip { "Content-Encoding: gzip\r\n" } else { "" };
            let word = if is_hit { "HIT" } else { "MISS" };
            let cache = format!("Age: {age}\r\nX-Cache: {word}\r\n");
            let length = stored.body.len();
            let head = format!("HTTP/1.1 {} X\r\n{coding}{cache}Content-Length: {length}\r\n\r\n", stored.status);
            [head.as_bytes(), &stored.body].concat()
        };
        if writer.write_all(&answer).is_err() {
            return;
        }
    }
}
