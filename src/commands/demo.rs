//! `demo`: a story in six steps, the whole main job on a small repository that it makes itself, against the emulators over real
//! HTTP, which purge a little cache. It ends with the report, which stays, and with what the cache's bytes prove.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use emulators::EmulatorSettings;
use emulators::edge::Edges;
use emulators::faults::Faults;
use emulators::gateway::Gateway;
use git2::{FileMode, Oid, Repository, Signature, Time};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

use super::little_cache::{CacheServer, OriginServer};
use super::mock_server::connections::{self, Server};
use super::{mock_server, run, signals};
use crate::ci::Console;
use crate::config::{self, CommandKind, Flags, LogLevel, MockServerOptions};
use crate::environment::Environment;
use crate::error::{Error, ExitCode};
use crate::exec::interrupt;
use crate::model::Verdict;
use crate::pipeline::Job;
use crate::provider::Api;
use crate::provider::clock::Clock;
use crate::provider::http::Network;
use crate::providers::{PROVIDERS, REGISTRY, emulators};

const CONFIGURATION: &str = r#"version: 1

targets:
  mainland:
    provider: alibaba-cdn

rules:
  - name: pages
    files: ["public/**/*.html", "!public/posts/**", "!public/drafts/**"]
    urls: "http://www.example.com/{tail}"
    index: index.html
    prefetch: true
  - name: posts
    files: "public/posts/*/*.html"
    urls: "http://www.example.com/posts/{1}/{2}/"
    prefetch: true
  - name: assets
    files: "public/assets/**"
    urls: "http://static.example.com/{tail}"
  - name: theme
    files: "theme/**"
    directories: "http://www.example.com/archive/"
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
    run::block_on(false, perform(flags, environment, console, is_terminal, now, &folder))?
}

async fn perform(
    flags: &Flags,
    environment: &Environment,
    console: &mut Console,
    is_terminal: bool,
    now: Timestamp,
    site: &Site,
) -> Result<ExitCode, Error> {
    let [(vendor, vendor_url), (edge, edge_url), (origin, origin_url)] =
        [listen().await?, listen().await?, listen().await?];
    let (folder, report) = (&site.folder.0, site.folder.0.join("report.json"));
    let mut flags = flags.clone();
    flags.add("repository", folder.display().to_string());
    flags.add("config", folder.join("cdn-purge.yml").display().to_string());
    flags.add("journal", folder.join("journal").display().to_string());
    flags.add("report-file", report.display().to_string());
    for spec in PROVIDERS {
        flags.add("endpoint", format!("{}={vendor_url}", spec.name));
    }
    flags.add("verify", "true".to_owned());
    flags.add("edge", edge_url["http://".len()..].to_owned());
    let environment = environment_of_demo(environment);
    let page = folder.with_extension("html");
    flags.add("report-html", page.display().to_string());
    let settings = config::read(CommandKind::Run, &flags, &environment)?;
    run::prepare(&settings, &environment, console, is_terminal);
    for step in [
        format!("1/6 Created a sample site in a git repository: `{}`", folder.display()),
        "2/6 Committed a change: posts, images, pages, one of them renamed, one deleted".to_owned(),
        format!("3/6 Started a mock CDN on {vendor_url}, where a purge takes 2 s, and its little cache on {edge_url}"),
        "4/6 Running `cdn-purge run`: purge what changed, wait, prefetch, and fetch it through the cache".to_owned(),
    ] {
        console.note(LogLevel::Normal, &step);
    }

    let shape = MockServerOptions {
        latency: Duration::from_millis(50),
        vendor: EmulatorSettings { task_duration: Some(Duration::from_secs(2)), ..EmulatorSettings::default() },
        ..MockServerOptions::default()
    };
    let gateway = Gateway::new(emulators(REGISTRY, |spec| shape.settings(spec, &environment)), Faults::none())
        .with_edges(Edges::new(vec![edge_url.clone()], Vec::new()));
    let (interrupter, interrupt) = interrupt::channel();
    signals::listen(interrupter)?;
    let network = Network::new(&environment);
    let open = || network.open(&[], Clock::new(now));
    let (gateway, api, to_edge) = (Rc::new(RefCell::new(gateway)), Rc::new(open()?), Box::new(open()?));
    let vendors = mock_server::serve(vendor, gateway, shape.latency, None, Some(to_edge), pending());
    let files = Rc::new(OriginServer::default());
    let cache = Rc::new(CacheServer::new(origin_url, Rc::clone(&api) as Rc<dyn Api>));
    let (mut never, mut ever) = (std::pin::pin!(pending()), std::pin::pin!(pending()));
    let cache = connections::listen(edge, cache, never.as_mut());
    let origin = connections::listen(origin, Rc::clone(&files) as Rc<dyn Server>, ever.as_mut());

    let job = Job { settings: &settings, environment: &environment, network: &network, started: now };
    let story = async {
        files.files.replace(site.before.clone());
        let seen_before = visit(&*api, &edge_url, site.before.keys()).await;
        files.files.replace(site.after.clone());
        Ok::<_, Error>((job.run(console, interrupt).await?, seen_before))
    };
    let (code, seen_before) = tokio::select! {
        served = vendors => return served.map(|()| ExitCode::Internal),
        served = cache => return served.map(|()| ExitCode::Internal),
        served = origin => return served.map(|()| ExitCode::Internal),
        ended = story => ended?,
    };
    if page.exists() {
        console.summary(&format!("5/6 Wrote the report, with every URL and its source: open {}", page.display()));
    }
    let report: Value =
        std::fs::read(&report).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let proof = proof(&report, &seen_before, &site.after);
    let proof = proof.unwrap_or_else(|| "Proved nothing: the run ended without a report".to_owned());
    console.summary(&format!("6/6 {proof}"));
    Ok(code)
}

/// A port of this machine, and its URL.
async fn listen() -> Result<(TcpListener, String), Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listening = listener.and_then(|listener| Ok((format!("http://{}", listener.local_addr()?), listener)));
    listening.map(|(url, listener)| (listener, url)).map_err(|error| Error::Network {
        message: format!("no port can be listened on: {error}"),
        help: "allow this program to serve on 127.0.0.1".into(),
    })
}

/// What visitors get of these URLs from the cache, which keeps it from now on.
async fn visit(api: &dyn Api, edge: &str, urls: impl Iterator<Item = &String>) -> Files {
    let mut seen = Files::new();
    for url in urls {
        let (host, path) = url["http://".len()..].split_once('/').unwrap_or_default();
        let request = http::Request::get(format!("{edge}/{path}")).header(http::header::HOST, host).body(Bytes::new());
        if let Ok(request) = request
            && let Ok(answer) = api.call(request).await
        {
            seen.insert(url.clone(), answer.into_body());
        }
    }
    seen
}

/// What the bytes prove that the cache served, by the report's own verdicts.
fn proof(report: &Value, seen_before: &Files, deployed: &Files) -> Option<String> {
    let rows = report["urls"].as_array()?.iter();
    let rows: Vec<_> = rows.filter(|row| row["verification"].is_object()).collect();
    let is_fresh = |row: &&&Value| row["verification"]["verdict"] == Verdict::Fresh.name();
    let is_by_bytes = |row: &&&Value| {
        let evidence = row["verification"]["evidence"].as_str().unwrap_or_default();
        is_fresh(row) && evidence.starts_with("the bytes")
    };
    let urls: Vec<&str> = rows.iter().filter(is_by_bytes).filter_map(|row| row["url"].as_str()).collect();
    let was_old = |url: &&&str| seen_before.get(**url).is_some_and(|old| Some(old) != deployed.get(**url));
    let (proved, turned) = (urls.len(), urls.iter().filter(was_old).count());
    let is_deployed = |row: &&&Value| row["url"].as_str().is_some_and(|url| deployed.contains_key(url));
    let gone = rows.iter().filter(is_fresh).filter(|row| !is_deployed(row)).count();
    Some(format!(
        "Proved by bytes: the cache serves {proved} of {} verified URLs as deployed, and held old copies of {turned} of them before the \
         purge; {gone} more are gone, like their files",
        rows.len()
    ))
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

/// The paths and contents of a commit.
type Version = Vec<(String, String)>;
/// Files by the URLs that they are served at.
type Files = BTreeMap<String, Bytes>;

/// A sample site: its repository, and what its origin serves before and after the deployment.
struct Site {
    folder: Folder,
    before: Files,
    after: Files,
}

/// A sample site with its configuration, in a new folder.
fn make_site(parent: &Path) -> anyhow::Result<Site> {
    let mut name = [0; 8];
    getrandom::fill(&mut name).context("no random name for its folder")?;
    let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = Folder(parent.join(format!("cdn-purge-demo-{name}")));
    let (before, after) = versions();
    make_repository(&folder.0, &before, &after).with_context(|| format!("in `{}`", folder.0.display()))?;
    std::fs::write(folder.0.join("cdn-purge.yml"), CONFIGURATION).context("its configuration")?;
    Ok(Site { folder, before: served(&before), after: served(&after) })
}

/// What an origin serves of a version: as the rules of the configuration map it.
fn served(version: &[(String, String)]) -> Files {
    let mut files = Files::new();
    for (path, content) in version {
        let Some(path) = path.strip_prefix("public/") else { continue };
        let url = match (path.strip_prefix("assets/"), path.strip_prefix("posts/")) {
            (Some(asset), _) => format!("http://static.example.com/{asset}"),
            (None, Some(post)) => format!("http://www.example.com/posts/{}/", post.trim_end_matches(".html")),
            (None, None) => format!("http://www.example.com/{path}"),
        };
        let folder = url.strip_suffix("index.html").map(str::to_owned);
        let without_slash = folder.as_deref().and_then(|folder| folder.strip_suffix('/')).map(str::to_owned);
        for url in [Some(url), folder, without_slash].into_iter().flatten() {
            if let Ok(url) = Url::parse(&url) {
                files.insert(url.into(), content.clone().into());
            }
        }
    }
    files
}

/// Two versions of a small site: pages, posts, assets, a draft, names that need encoding, a rename and a deletion.
fn versions() -> (Version, Version) {
    let mut before = Version::new();
    for number in 1..=40 {
        before.push((format!("public/posts/2026/post-{number:02}.html"), format!("<h1>Post {number}</h1>\n")));
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
    after.push(("public/posts/2026/新年快乐.html".into(), "<h1>新年快乐</h1>\n".into()));
    (before, after)
}

/// Two commits of the site.
fn make_repository(folder: &Path, before: &[(String, String)], after: &[(String, String)]) -> Result<(), git2::Error> {
    let repository = Repository::init(folder)?;
    let first = commit(&repository, before, None, "Begin the site")?;
    commit(&repository, after, Some(first), "Change what a real push changes")?;
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_url_without_a_file_is_gone_and_only_bytes_prove_one_that_has_it() {
        let files = |pairs: &[(&str, &'static str)]| -> Files {
            pairs.iter().map(|(url, text)| ((*url).to_owned(), Bytes::from(*text))).collect()
        };
        let row = |url: &str, verdict: Verdict, evidence: &str| json!({"url": url, "verification": {"verdict": verdict.name(), "evidence": evidence}});
        let report = json!({"urls": [
            row("http://a.test/a", Verdict::Fresh, "the bytes of the file"),
            row("http://a.test/b", Verdict::Fresh, "the bytes of the file"),
            row("http://a.test/c", Verdict::Fresh, "the digest of the file"),
            row("http://a.test/gone", Verdict::Fresh, "404, as its file is gone"),
            row("http://a.test/d", Verdict::Stale, "the bytes of the file before"),
            {"url": "http://a.test/assets/"},
        ]});
        let before = files(&[("http://a.test/a", "1"), ("http://a.test/b", "1"), ("http://a.test/gone", "1")]);
        let after = files(&[
            ("http://a.test/a", "2"),
            ("http://a.test/b", "1"),
            ("http://a.test/c", "1"),
            ("http://a.test/d", "2"),
        ]);
        let said = proof(&report, &before, &after).unwrap();
        assert!(said.contains("2 of 5 verified URLs as deployed, and held old copies of 1 of them"), "{said}");
        assert!(said.ends_with("; 1 more are gone, like their files"), "{said}");
        assert_eq!(proof(&Value::Null, &before, &after), None);
    }
}
