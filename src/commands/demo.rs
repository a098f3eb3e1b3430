//! `demo`: a story in five steps, the whole main job on a small repository that it makes itself, against the emulators over real
//! HTTP. It ends with the report, which stays.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use emulators::EmulatorSettings;
use emulators::faults::Faults;
use emulators::gateway::Gateway;
use git2::{FileMode, Oid, Repository, Signature, Time};
use jiff::Timestamp;
use tokio::net::TcpListener;

use super::{mock_server, run, signals};
use crate::ci::Console;
use crate::config::{self, CommandKind, Flags, LogLevel, MockServerOptions};
use crate::environment::Environment;
use crate::error::{Error, ExitCode};
use crate::exec::interrupt;
use crate::pipeline::Job;
use crate::provider::http::Network;
use crate::providers::{PROVIDERS, REGISTRY, emulators};

const CONFIGURATION: &str = r#"version: 1

targets:
  mainland:
    provider: alibaba-cdn

rules:
  - name: pages
    files: ["public/**/*.html", "!public/drafts/**"]
    urls: "https://www.example.com/{tail}"
    index: index.html
    prefetch: true
  - name: posts
    files: "content/posts/*/*.md"
    urls: "https://www.example.com/posts/{1}/{2}/"
    prefetch: true
  - name: assets
    files: "public/assets/**"
    urls: "https://static.example.com/{tail}"
  - name: theme
    files: "theme/**"
    directories: "https://www.example.com/archive/"
"#;

/// Makes the repository, serves the emulators, does the job, takes the repository away again and leaves the report.
///
/// # Errors
/// As the main job; and [`Error::Checkout`] when no repository can be made.
pub(super) fn run(
    flags: &Flags,
    environment: &Environment,
    console: &mut Console,
    is_terminal: bool,
    now: Timestamp,
) -> Result<ExitCode, Error> {
    let folder = make_site(console.host().temporary_folder()).map_err(|error| Error::Checkout {
        message: format!("the demo's repository can't be made: {error:#}"),
        help: "name a writable temporary folder with `TMPDIR`".into(),
    })?;
    run::block_on(false, perform(flags, environment, console, is_terminal, now, &folder.0))?
}

async fn perform(
    flags: &Flags,
    environment: &Environment,
    console: &mut Console,
    is_terminal: bool,
    now: Timestamp,
    folder: &Path,
) -> Result<ExitCode, Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let (listener, address) = listener
        .and_then(|listener| Ok((listener.local_addr()?, listener)))
        .map(|(address, listener)| (listener, address))
        .map_err(|error| Error::Network {
            message: format!("no port can be listened on: {error}"),
            help: "allow this program to serve on 127.0.0.1".into(),
        })?;
    let mut flags = flags.clone();
    flags.add("repository", folder.display().to_string());
    flags.add("config", folder.join("cdn-purge.yml").display().to_string());
    flags.add("journal", folder.join("journal").display().to_string());
    for spec in PROVIDERS {
        flags.add("endpoint", format!("{}=http://{address}", spec.name));
    }
    let environment = environment_of_demo(environment);
    let page = folder.with_extension("html");
    flags.add("report-html", page.display().to_string());
    let settings = config::read(CommandKind::Run, &flags, &environment)?;
    run::prepare(&settings, &environment, console, is_terminal);
    for step in [
        format!("1/5 Created a sample site in a git repository: `{}`", folder.display()),
        "2/5 Committed a change: posts, images, pages, one of them renamed, one deleted".to_owned(),
        format!("3/5 Started a mock CDN on http://{address}; a purge takes 2 s there"),
        "4/5 Running `cdn-purge run`: purge what changed, wait, prefetch".to_owned(),
    ] {
        console.note(LogLevel::Normal, &step);
    }

    let shape = MockServerOptions {
        latency: Duration::from_millis(50),
        vendor: EmulatorSettings { task_duration: Some(Duration::from_secs(2)), ..EmulatorSettings::default() },
        ..MockServerOptions::default()
    };
    let gateway = Gateway::new(emulators(REGISTRY, |spec| shape.settings(spec, &environment)), Faults::none());
    let (interrupter, interrupt) = interrupt::channel();
    signals::listen(interrupter)?;
    let server =
        mock_server::serve(listener, Rc::new(RefCell::new(gateway)), shape.latency, None, std::future::pending());
    let network = Network::new(&environment);
    let job = Job { settings: &settings, environment: &environment, network: &network, started: now };
    let code = tokio::select! {
        served = server => served.map(|()| ExitCode::Internal),
        code = job.run(console, interrupt) => code,
    }?;
    if page.exists() {
        console.summary(&format!("5/5 Wrote the report, with every URL and its source: open {}", page.display()));
    }
    Ok(code)
}

/// No CI and no proxy, wherever the demo is started, and the emulators' credentials.
fn environment_of_demo(environment: &Environment) -> Environment {
    let kept = ["PATH", "HOME", "TERM", "NO_COLOR", "TMPDIR", "XDG_STATE_HOME"];
    let mut own: Environment = environment
        .iter()
        .filter(|(name, _)| kept.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let settings = EmulatorSettings::default();
    for spec in PROVIDERS {
        own.extend(
            spec.credentials.first().map(|names| mock_server::variables(names, &settings)).into_iter().flatten(),
        );
    }
    own
}

/// A folder that goes away with its owner.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What can't be removed lies in the system's temporary folder, which is cleaned by others.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A sample site with its configuration, in a new folder.
fn make_site(parent: &Path) -> anyhow::Result<Folder> {
    let mut name = [0; 8];
    getrandom::fill(&mut name).context("no random name for its folder")?;
    let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = Folder(parent.join(format!("cdn-purge-demo-{name}")));
    make_repository(&folder.0).with_context(|| format!("in `{}`", folder.0.display()))?;
    std::fs::write(folder.0.join("cdn-purge.yml"), CONFIGURATION).context("its configuration")?;
    Ok(folder)
}

/// Two commits of a small site: pages, posts, assets, a draft, names that need encoding, a rename and a deletion.
fn make_repository(folder: &Path) -> Result<(), git2::Error> {
    let repository = Repository::init(folder)?;
    let mut before: Vec<(String, String)> = Vec::new();
    for number in 1..=40 {
        before.push((format!("content/posts/2026/post-{number:02}.md"), format!("# Post {number}\n")));
        before.push((format!("public/assets/image-{number:02}.svg"), format!("<svg id='{number}'/>\n")));
    }
    for page in
        ["index.html", "about/index.html", "contact/index.html", "old-name.html", "gone.html", "drafts/next.html"]
    {
        before.push((format!("public/{page}"), format!("<h1>{page}</h1>\n")));
    }
    before.push(("theme/page.css".into(), "h1 { color: black }\n".into()));
    before.push(("README.md".into(), "a site\n".into()));

    let mut after = before.clone();
    for (path, content) in &mut after {
        let changes = path.contains("post-0") || path.contains("image-1") || path.ends_with("index.html");
        if changes || path.starts_with("theme/") || path == "README.md" || path.contains("drafts/") {
            content.push_str("changed\n");
        }
        if path == "public/old-name.html" {
            *path = "public/new name.html".into();
        }
    }
    after.retain(|(path, _)| path != "public/gone.html");
    after.push(("content/posts/2026/新年快乐.md".into(), "# 新年快乐\n".into()));

    let first = commit(&repository, &before, None, "Begin the site")?;
    commit(&repository, &after, Some(first), "Change what a real push changes")?;
    Ok(())
}

fn commit(
    repository: &Repository,
    files: &[(String, String)],
    parent: Option<Oid>,
    message: &str,
) -> Result<Oid, git2::Error> {
    let mut index = git2::build::TreeUpdateBuilder::new();
    for (path, content) in files {
        index.upsert(path.as_str(), repository.blob(content.as_bytes())?, FileMode::Blob);
    }
    let empty = repository.find_tree(repository.treebuilder(None)?.write()?)?;
    let tree = repository.find_tree(index.create_updated(repository, &empty)?)?;
    let author = Signature::new("demo", "demo@example.com", &Time::new(1_800_000_000, 0))?;
    let parent = parent.map(|parent| repository.find_commit(parent)).transpose()?;
    let parents: Vec<_> = parent.iter().collect();
    repository.commit(Some("HEAD"), &author, &author, message, &tree, &parents)
}
