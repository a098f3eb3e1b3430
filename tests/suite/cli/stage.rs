//! What a run is seen on: a site in a git repository, and everything that the run left.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes: a run that takes so long is stuck.
pub const STUCK: Duration = Duration::from_secs(60);

pub const KEY: &str = "LTAI5tExampleKeyOfTests";
pub const SECRET: &str = "oRd3r+of/Tests=Secret&0123";

/// One target, and a rule that prefetches.
pub const CONFIGURATION: &str = r#"version: 1
targets:
  mainland: {provider: alibaba-cdn}
rules:
  - name: pages
    files: "public/**"
    urls: "https://www.example.com/{tail}"
    prefetch: true
"#;

/// The URLs that a [`Site`]'s last commit makes stale, and those of them that still exist.
pub const STALE: [&str; 4] = ["about/new.html", "about/old.html", "gone.html", "index.html"];
pub const WARM: [&str; 2] = ["about/new.html", "index.html"];

pub fn urls(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| format!("https://www.example.com/{path}")).collect()
}

/// A folder with the repository `site` and a home of its own; it goes away with its owner.
pub struct Site {
    folder: TempDir,
}

impl Site {
    /// A site of two commits: the last one changes a page, renames one and deletes one, and touches what no rule maps.
    pub fn new() -> Self {
        let site = Self::empty();
        site.git(&["init", "--quiet", "--initial-branch=main"]);
        site.write("cdn-purge.yml", CONFIGURATION);
        site.write("README.md", "a site\n");
        site.write("public/index.html", "<h1>home</h1>\n");
        site.write("public/about/old.html", "<h1>about</h1>\n");
        site.write("public/gone.html", "<h1>gone</h1>\n");
        site.commit("Begin the site");
        site.write("README.md", "a better site\n");
        site.write("public/index.html", "<h1>news</h1>\n");
        site.git(&["mv", "public/about/old.html", "public/about/new.html"]);
        site.git(&["rm", "--quiet", "public/gone.html"]);
        site.commit("Change what a push changes");
        site
    }

    /// The folder alone: no repository in it.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["site", "home", "temporary"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    /// A path outside the repository, in the same folder.
    pub fn sibling(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn repository(&self) -> PathBuf {
        self.sibling("site")
    }

    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.repository().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.repository(), arguments)
    }

    pub fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(folder)
            .args(["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false"])
            .args(["-c", "core.quotePath=false", "-c", "protocol.file.allow=always"])
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")])
            .envs([("GIT_AUTHOR_DATE", "1800000000 +0000"), ("GIT_COMMITTER_DATE", "1800000000 +0000")])
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    /// The program in the repository, with a cleared environment: no CI, no credentials.
    pub fn bare_run(&self, arguments: &[&str]) -> Run {
        self.start_of(env!("CARGO_BIN_EXE_cdn-purge"), arguments)
    }

    /// The same of another program.
    pub fn start_of(&self, program: &str, arguments: &[&str]) -> Run {
        let mut command = Command::new(program);
        command.current_dir(self.repository()).args(arguments).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.sibling("home")).env("TMPDIR", self.sibling("temporary"));
        command.env("GIT_CONFIG_GLOBAL", "/dev/null");
        Run { command, input: None, report: self.sibling("report.json"), is_group: false }
    }

    /// The same with credentials, a report and an endpoint.
    pub fn run(&self, gateway: SocketAddr, arguments: &[&str]) -> Run {
        let run = self.bare_run(arguments).args(&["--endpoint", &format!("alibaba-cdn=http://{gateway}")]);
        let report = run.report.clone();
        run.args(&["--report-file", report.to_str().unwrap()]).keys(KEY, SECRET)
    }
}

/// A run that is about to start.
pub struct Run {
    command: Command,
    input: Option<String>,
    report: PathBuf,
    is_group: bool,
}

impl Run {
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn envs(self, pairs: &[(&str, &str)]) -> Self {
        pairs.iter().fold(self, |run, (name, value)| run.env(name, value))
    }

    pub fn keys(self, id: &str, secret: &str) -> Self {
        self.env("ALIBABA_CLOUD_ACCESS_KEY_ID", id).env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret)
    }

    pub fn input(mut self, text: &str) -> Self {
        self.input = Some(text.to_owned());
        self
    }

    /// What the program starts is killed with it.
    #[cfg(unix)]
    pub fn with_its_children(mut self) -> Self {
        std::os::unix::process::CommandExt::process_group(&mut self.command, 0);
        self.is_group = true;
        self
    }

    /// The same, started by a shell that does this first.
    #[cfg(unix)]
    pub fn after(self, script: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{script}; exec \"$0\" \"$@\"")]);
        command.arg(self.command.get_program()).args(self.command.get_args());
        command.current_dir(self.command.get_current_dir().unwrap()).env_clear();
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self { command, ..self }
    }

    /// Runs to the end.
    pub fn finish(self) -> Finished {
        self.start().finish()
    }

    pub fn start(mut self) -> Started {
        let _ = std::fs::remove_file(&self.report);
        self.command.stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() });
        let began = Instant::now();
        let mut child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if let Some(text) = self.input {
            child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        }
        let (sender, news) = channel();
        let out = reader(child.stdout.take().unwrap(), sender.clone());
        let err = reader(child.stderr.take().unwrap(), sender);
        let (child, out, err) = (Some(child), Some(out), Some(err));
        Started { child, out, err, news, began, report: self.report, is_group: self.is_group }
    }
}

/// Reads all that comes, and passes each line on.
fn reader(from: impl Read + Send + 'static, sender: std::sync::mpsc::Sender<String>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let (mut from, mut all) = (BufReader::new(from), Vec::new());
        loop {
            let start = all.len();
            if from.read_until(b'\n', &mut all).unwrap() == 0 {
                return all;
            }
            // Nobody may be interested any more.
            let _ = sender.send(String::from_utf8_lossy(&all[start..]).into_owned());
        }
    })
}

/// A run that is going on; it is killed if nobody waits for its end.
pub struct Started {
    child: Option<Child>,
    out: Option<JoinHandle<Vec<u8>>>,
    err: Option<JoinHandle<Vec<u8>>>,
    news: Receiver<String>,
    began: Instant,
    report: PathBuf,
    is_group: bool,
}

impl Started {
    /// Waits for a line that holds this.
    pub fn wait_for(&self, text: &str) {
        self.line_with(text);
    }

    /// The next line that holds this.
    pub fn line_with(&self, text: &str) -> String {
        let deadline = Instant::now() + STUCK;
        let mut lines = String::new();
        loop {
            match self.news.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => lines += &line,
                Err(_) => panic!("`{text}` wasn't said, but\n{lines}"),
            }
        }
    }

    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().unwrap();
        assert!(sent.success());
    }

    pub fn finish(mut self) -> Finished {
        // Both streams end when the program does, so the wait ends.
        let deadline = Instant::now() + STUCK;
        loop {
            match self.news.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the run is stuck"),
            }
        }
        let status = self.child.take().unwrap().wait().unwrap();
        let took = self.began.elapsed();
        let text = |stream: Option<JoinHandle<Vec<u8>>>| String::from_utf8(stream.unwrap().join().unwrap()).unwrap();
        let (out, err) = (text(self.out.take()), text(self.err.take()));
        let report = std::fs::read(&self.report).ok().map(|bytes| serde_json::from_slice(&bytes).unwrap());
        Finished { code: status.code(), out, err, took, report }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            if self.is_group {
                let _ = Command::new("sh").args(["-c", &format!("kill -KILL -- -{}", child.id())]).status();
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What a run left. A code of `None`: a signal ended it.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub took: Duration,
    pub report: Option<Value>,
}

impl Finished {
    #[track_caller]
    pub fn ends_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "\n-- out\n{}\n-- err\n{}", self.out, self.err);
        self
    }

    /// Ends with a code and says all of this on standard error, the first as an error and the last as what to do.
    #[track_caller]
    pub fn complains(&self, code: i32, said: &[&str]) -> &Self {
        self.ends_with(code);
        let first = self.err.lines().find(|line| line.starts_with("error: ") || line.starts_with("error["));
        assert!(first.is_some_and(|line| line.contains(said[0])), "`{}` isn't the error in\n{}", said[0], self.err);
        let helps: Vec<&str> = self.err.lines().filter(|line| line.contains("help: ")).collect();
        let last = said.last().unwrap();
        assert!(helps.iter().any(|line| line.contains(last)), "`{last}` is no help in\n{}", self.err);
        self.says(said)
    }

    /// Says all of this, anywhere.
    #[track_caller]
    pub fn says(&self, said: &[&str]) -> &Self {
        for text in said {
            assert!(self.out.contains(text) || self.err.contains(text), "no `{text}` in\n{}\n{}", self.out, self.err);
        }
        self
    }

    #[track_caller]
    pub fn report(&self) -> &Value {
        self.report.as_ref().unwrap_or_else(|| panic!("no report:\n{}\n{}", self.out, self.err))
    }

    /// How many URLs of each target ended how.
    #[track_caller]
    pub fn ends(&self) -> BTreeMap<(String, String), usize> {
        let mut ends = BTreeMap::new();
        for row in self.report()["urls"].as_array().unwrap() {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            *ends.entry((text("target"), text("outcome"))).or_default() += 1;
        }
        ends
    }

    /// The report's rows as `operation url` → outcome; a URL that is listed twice is a failure.
    #[track_caller]
    pub fn outcomes(&self) -> BTreeMap<String, String> {
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        let mut outcomes = BTreeMap::new();
        for row in self.report()["urls"].as_array().unwrap() {
            let name = format!("{} {}", text(row, "operation"), text(row, "url"));
            assert_eq!(outcomes.insert(name.clone(), text(row, "outcome")), None, "{name} is there twice");
        }
        outcomes
    }

    /// Exits with 0, and every URL is done.
    #[track_caller]
    pub fn is_all_done(&self) -> &Self {
        self.ends_with(0);
        assert_eq!(self.report()["status"], "done", "{}", self.err);
        assert!(self.outcomes().values().all(|outcome| outcome == "done"), "{}", self.err);
        self
    }
}

/// Does the same for each case, all at the same time: most of their time is waiting.
pub fn at_once<C: Sync>(cases: &[C], test: impl Fn(&C) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| test(case));
        }
    });
}
