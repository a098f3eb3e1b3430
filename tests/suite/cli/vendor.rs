//! The provider of a run: `mock-server` as a process of its own, with a ledger; or a port that must not be called.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::stage::{KEY, SECRET, STUCK, urls};

/// `mock-server` as a process of its own; it ends with its owner.
pub struct Vendor {
    child: Child,
    address: SocketAddr,
    ledger: PathBuf,
    _folder: TempDir,
}

impl Vendor {
    pub fn start(arguments: &[&str]) -> Self {
        Self::with_environment(arguments, &[])
    }

    pub fn with_environment(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger");
        let mut child = Command::new(env!("CARGO_BIN_EXE_cdn-purge"))
            .args(["mock-server", "--listen", "127.0.0.1:0", "--ledger"])
            .arg(&ledger)
            .args(arguments)
            .args(if arguments.contains(&"--task-seconds") { &[][..] } else { &["--task-seconds", "0.2"] })
            .env_clear()
            .envs([("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET)])
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| Some(line.unwrap().strip_prefix("listening on http://")?.to_owned()));
        Self { child, address: line.unwrap().parse().unwrap(), ledger, _folder: folder }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn ledger_file(&self) -> PathBuf {
        self.ledger.clone()
    }

    /// Everything that was accepted, as `operation url`, in order.
    pub fn ledger(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.ledger).unwrap();
        let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let operation = |entry: &Value| if entry["operation"] == "prefetch" { "prefetch" } else { "refresh" };
        entries.map(|entry| format!("{} {}", operation(&entry), entry["url"].as_str().unwrap())).collect()
    }

    /// How many URLs each provider accepted.
    pub fn accepted_by(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for line in std::fs::read_to_string(&self.ledger).unwrap().lines() {
            let entry: Value = serde_json::from_str(line).unwrap();
            *counts.entry(entry["provider"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        counts
    }

    /// Every one of these was accepted once, and nothing else.
    #[track_caller]
    pub fn accepted(&self, refreshed: &[&str], prefetched: &[&str]) {
        let mut expected: Vec<String> = urls(refreshed).iter().map(|url| format!("refresh {url}")).collect();
        expected.extend(urls(prefetched).iter().map(|url| format!("prefetch {url}")));
        expected.sort();
        let mut ledger = self.ledger();
        ledger.sort();
        assert_eq!(ledger, expected);
    }

    /// Waits until so many URLs were accepted.
    pub fn wait_for(&self, count: usize) {
        let deadline = Instant::now() + STUCK;
        while std::fs::read_to_string(&self.ledger).unwrap().lines().count() < count {
            assert!(Instant::now() < deadline, "{:?}", self.ledger());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that refuses connections as long as this is there: it is taken, and nobody listens. One that is let go may be another
/// test's server a moment later.
pub struct ClosedPort(tokio::net::TcpSocket);

impl ClosedPort {
    pub fn new() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }
}

/// A port that must not be called.
pub struct Trap(TcpListener);

impl Trap {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    #[track_caller]
    pub fn is_untouched(&self) {
        let came = self.0.accept();
        assert!(matches!(&came, Err(error) if error.kind() == ErrorKind::WouldBlock), "{came:?} came");
    }
}
