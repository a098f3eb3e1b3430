//! What a runner of GitHub Actions gets: outputs, a summary, masks, and no command that anybody else wrote.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::stage::{CONFIGURATION, Finished, KEY, Run, SECRET, STALE, Site, WARM};
use super::vendor::{Trap, Vendor};

/// A job that a push to `main` started.
struct Job {
    site: Site,
}

impl Job {
    fn new() -> Self {
        Self::of(Site::new())
    }

    fn of(site: Site) -> Self {
        let commit = |revision| site.git(&["rev-parse", revision]);
        let event = json!({
            "ref": "refs/heads/main", "forced": false, "repository": {"default_branch": "main"},
            "before": commit("HEAD~1"), "after": commit("HEAD"),
        });
        std::fs::write(site.sibling("event.json"), event.to_string()).unwrap();
        for name in ["output", "summary"] {
            std::fs::write(site.sibling(name), "").unwrap();
        }
        Self { site }
    }

    /// A step: every input that wasn't given is there and empty, as the runner hands them over.
    fn step(&self, gateway: SocketAddr, inputs: &[(&str, &str)]) -> Run {
        let runner = [("GITHUB_ACTIONS", "true"), ("CI", "true"), ("GITHUB_EVENT_NAME", "push")];
        let none = ["INPUT_CONFIG", "INPUT_BASE", "INPUT_HEAD", "INPUT_DRY-RUN", "INPUT_URL-FILE", "INPUT_PREFETCH"];
        let run = self.site.bare_run(&[]).envs(&runner).envs(&none.map(|name| (name, "")));
        let run = run.env("GITHUB_EVENT_PATH", self.path("event.json")).env("RUNNER_TEMP", self.path("temporary"));
        let run = run.env("GITHUB_OUTPUT", self.path("output")).env("GITHUB_STEP_SUMMARY", self.path("summary"));
        let run = run.env("INPUT_ENDPOINT", format!("alibaba-cdn=http://{gateway}"));
        run.env("INPUT_REPORT_FILE", self.path("report.json")).keys(KEY, SECRET).envs(inputs)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.site.sibling(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn output(&self, name: &str) -> String {
        let outputs = runner_outputs(&self.read("output"));
        outputs.iter().rfind(|(of, _)| of == name).unwrap_or_else(|| panic!("no {name} in {outputs:?}")).1.clone()
    }
}

/// Reads a file of outputs as the runner does (actions/runner, `FileCommandManager.cs`): line by line; whichever of `=` and
/// `<<` comes first decides; a value between delimiters ends at a line that is the delimiter.
pub fn runner_outputs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut lines = text.split('\n');
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (equals, heredoc) = (line.find('=').unwrap_or(usize::MAX), line.find("<<").unwrap_or(usize::MAX));
        assert_ne!(equals, heredoc, "the runner can't read {line:?}");
        if equals < heredoc {
            pairs.push((line[..equals].to_owned(), line[equals + 1..].to_owned()));
        } else {
            let delimiter = &line[heredoc + 2..];
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            pairs.push((line[..heredoc].to_owned(), value.join("\n")));
        }
    }
    pairs
}

/// The commands that the runner reads in a log (actions/runner, `ActionCommand.cs`): lines that begin with `::name … ::`
/// after white space, and `##[name …]` anywhere in a line. A line ends at either break.
fn runner_commands(log: &str) -> Vec<(String, String)> {
    let mut commands = Vec::new();
    for line in log.split(['\n', '\r']) {
        let new = line.trim_start().strip_prefix("::").and_then(|rest| rest.split_once("::"));
        let old = line.find("##[").and_then(|at| line[at + 3..].split_once(']'));
        for (head, data) in new.into_iter().chain(old) {
            commands.push((head.split(' ').next().unwrap().to_owned(), data.to_owned()));
        }
    }
    commands
}

/// The log holds no command but those that the program means to give, and nothing that moves a cursor.
#[track_caller]
fn commands_are_ours(finished: &Finished) {
    for log in [&finished.out, &finished.err] {
        for (name, data) in runner_commands(log) {
            let ours = ["add-mask", "group", "endgroup", "error", "warning", "notice"];
            assert!(ours.contains(&name.as_str()), "::{name}::{data} in\n{log}");
            assert!(name != "add-mask" || !data.contains("evil"), "a mask of someone else's: {data}");
        }
        assert!(!log.contains(['\x1b', '\r', '\u{85}', '\u{2028}']), "{log:?}");
    }
}

/// Every form that a secret is likely to travel in.
fn forms(secret: &str) -> Vec<String> {
    use base64::Engine as _;
    let standard = base64::engine::general_purpose::STANDARD;
    let plain = |byte: u8| byte.is_ascii_alphanumeric().then(|| char::from(byte).to_string());
    let percent: String = secret.bytes().map(|byte| plain(byte).unwrap_or_else(|| format!("%{byte:02X}"))).collect();
    let lower: String = secret.bytes().map(|byte| plain(byte).unwrap_or_else(|| format!("%{byte:02x}"))).collect();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        secret.to_owned(),
        standard.encode(secret),
        standard.encode(format!("{KEY}:{secret}")),
        hex.to_uppercase(),
        hex,
        lower,
        percent,
    ]
}

/// A secret is nowhere but in the masks.
#[track_caller]
fn secrets_are_hidden(job: &Job, finished: &Finished, secrets: &[&str]) {
    let log = format!("{}{}", finished.out, finished.err);
    let shown: Vec<&str> = log.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    let mut texts = vec![shown.join("\n")];
    let mut folders = vec![job.path("temporary"), job.path("home"), job.path("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() && entry.file_name() != "site" => folders.push(entry.path()),
                kind if kind.is_file() => {
                    texts.push(String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into());
                }
                _ => {}
            }
        }
    }
    assert!(texts.len() > 3, "outputs, summary and event at least");
    for form in secrets.iter().flat_map(|secret| forms(secret)) {
        for text in &texts {
            assert!(!text.contains(&form), "`{form}` in\n{text}");
        }
    }
}

#[test]
fn a_push_is_refreshed_and_the_runner_reads_what_came_of_it() {
    let vendor = Vendor::start(&[]);
    let job = Job::new();
    let finished = job.step(vendor.address(), &[]).finish();
    finished.is_all_done();
    assert!(finished.err.is_empty(), "the runner mixes two streams out of order: {}", finished.err);
    vendor.accepted(&STALE, &WARM);
    let names: Vec<String> = runner_outputs(&job.read("output")).into_iter().map(|(name, _)| name).collect();
    let documented = [
        "status",
        "base",
        "head",
        "changed-files",
        "refreshed",
        "prefetched",
        "failed",
        "unsubmitted",
        "unknown",
        "fresh",
        "stale",
        "unreachable",
        "undecided",
        "task-ids",
        "report",
    ];
    assert_eq!(names, documented);
    for (name, value) in [
        ("status", "done"),
        ("base", &job.site.git(&["rev-parse", "HEAD~1"])),
        ("head", &job.site.git(&["rev-parse", "HEAD"])),
        ("changed-files", "4"),
        ("refreshed", "4"),
        ("prefetched", "2"),
        ("failed", "0"),
        ("unsubmitted", "0"),
        ("unknown", "0"),
        ("report", job.path("report.json").to_str().unwrap()),
    ] {
        assert_eq!(job.output(name), value, "{name}");
    }
    assert!(job.output("task-ids").split(',').count() >= 2);
    let summary = job.read("summary");
    assert!(summary.starts_with('#') && summary.contains("mainland") && summary.contains('|'), "{summary}");
    commands_are_ours(&finished);
    secrets_are_hidden(&job, &finished, &[SECRET]);
}

#[test]
fn masks_come_before_anything_else() {
    let vendor = Vendor::start(&[]);
    let job = Job::new();
    let token = "token+of/an=hour";
    let inputs = [("INPUT_ACCESS-KEY-ID", KEY), ("INPUT_ACCESS-KEY-SECRET", SECRET), ("INPUT_SECURITY-TOKEN", token)];
    let finished = job.step(vendor.address(), &inputs).finish();
    let lines: Vec<&str> = finished.out.lines().collect();
    let masks = lines.iter().take_while(|line| line.starts_with("::add-mask::")).count();
    assert!(masks >= 2, "{}", finished.out);
    assert!(!lines[masks..].iter().any(|line| line.starts_with("::add-mask::")), "{}", finished.out);
    for secret in [SECRET, token] {
        assert!(lines[..masks].contains(&format!("::add-mask::{}", secret.replace('%', "%25")).as_str()));
    }
    secrets_are_hidden(&job, &finished, &[SECRET, token]);
}

#[test]
fn names_of_files_are_never_commands() {
    let hostile = [
        "::set-output name=evil::y",
        "##[add-mask]evil",
        "a\n::error::evil",
        "b\r::add-mask::evil",
        "c\u{1b}[31m::warning::evil",
        "d\u{2028}::stop-commands::evil",
        "e'$(touch evil)`|<b>",
    ];
    let site = Site::new();
    for name in hostile {
        site.write(format!("public/{name}"), "mapped");
        site.write(format!("unmapped {name}"), "skipped");
        site.write(name, "skipped");
    }
    site.commit("Add names that nobody gives");
    let job = Job::of(site);
    let vendor = Vendor::start(&["--fail", "evil"]);
    let finished = job.step(vendor.address(), &[("INPUT_LOG-LEVEL", "verbose")]).finish();
    finished.ends_with(1).says(&["evil"]);
    assert_eq!(vendor.ledger().len(), hostile.len());
    commands_are_ours(&finished);
    for (name, value) in runner_outputs(&job.read("output")) {
        assert!(!value.contains("evil"), "{name}={value}");
    }

    let dry = job.step(vendor.address(), &[("INPUT_DRY-RUN", "true"), ("INPUT_LOG-LEVEL", "verbose")]).finish();
    dry.ends_with(0);
    commands_are_ours(&dry);
}

#[test]
fn what_a_vendor_says_is_never_a_command_and_shows_no_secret() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It refuses everything, in words that repeat the secret in many forms and try to give commands. It ends with the test.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 65_536];
            let _ = stream.read(&mut request);
            let message =
                format!("\n::set-env name=PATH::evil\r\n##[command]evil \u{1b}[2J {}", forms(SECRET).join(" "));
            let body = json!({"Code": "Forbidden.RAM", "Message": message, "RequestId": "::evil::"}).to_string();
            let head = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nConnection: close";
            let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    let job = Job::new();
    let finished = job.step(address, &[("INPUT_LOG-LEVEL", "verbose")]).finish();
    finished.ends_with(6).says(&["Forbidden.RAM"]);
    assert_eq!(job.output("status"), "failed");
    commands_are_ours(&finished);
    secrets_are_hidden(&job, &finished, &[SECRET]);
}

#[test]
fn an_error_before_the_run_still_gives_a_status() {
    let trap = Trap::new();
    let job = Job::new();
    job.step(trap.address(), &[("INPUT_BASE", "nosuch")]).finish().ends_with(3);
    assert_eq!(job.output("status"), "failed");

    let job = Job::new();
    job.site.write("cdn-purge.yml", CONFIGURATION.replace("{tail}", "{tial}"));
    let finished = job.step(trap.address(), &[]).finish();
    finished.ends_with(2).says(&["::error file=cdn-purge.yml,line=7,col=36,"]);
    let summary = job.read("summary");
    assert!(summary.contains("- `cdn-purge.yml:7:36`: unknown placeholder `{tial}`"), "{summary}");
    assert!(summary.contains("help: did you mean `{tail}`?"), "{summary}");
    assert_eq!(job.output("status"), "failed");

    let job = Job::new();
    job.step(trap.address(), &[("INPUT_WAIT", "some")]).finish().ends_with(2);
    assert_eq!(job.output("status"), "failed");

    let job = Job::new();
    job.step(trap.address(), &[("INPUT_MAX-URLS", "1")]).finish().ends_with(5);
    assert_eq!(job.output("status"), "failed");
    trap.is_untouched();
}

#[test]
fn a_report_that_can_not_be_written_takes_neither_outputs_nor_summary_along() {
    let vendor = Vendor::start(&[]);
    let job = Job::new();
    let folder = job.site.repository();
    let finished = job.step(vendor.address(), &[("INPUT_REPORT_FILE", folder.to_str().unwrap())]).finish();
    finished.ends_with(3).says(&["can't be written: Is a directory"]);
    assert_eq!(job.output("status"), "done", "the URLs are fresh all the same");
    assert_eq!(job.output("report"), "", "there is none");
    assert!(job.read("summary").contains("URLs done"), "{}", job.read("summary"));
}

#[test]
fn an_error_is_not_folded_away() {
    let trap = Trap::new();
    let finished = Job::new().step(trap.address(), &[("INPUT_BASE", "nosuch")]).finish();
    let place = |text: &str| finished.out.find(text).unwrap_or_else(|| panic!("no `{text}` in\n{}", finished.out));
    assert!(
        place("::group::") < place("::endgroup::") && place("::endgroup::") < place("\nerror["),
        "{}",
        finished.out
    );
}

#[test]
fn a_runner_that_takes_no_outputs_is_no_silence() {
    let vendor = Vendor::start(&[]);
    let job = Job::new();
    let dry = ("INPUT_DRY-RUN", "true");
    let finished = job.step(vendor.address(), &[dry, ("GITHUB_OUTPUT", "")]).finish();
    finished.ends_with(3).says(&["outputs can't be written: `GITHUB_OUTPUT` is not set"]);
    let finished = job.step(vendor.address(), &[dry, ("GITHUB_STEP_SUMMARY", "")]).finish();
    finished.ends_with(3).says(&["`GITHUB_STEP_SUMMARY` is not set"]);
    assert!(vendor.ledger().is_empty());
}

#[test]
fn a_base_that_cannot_be_written_turns_the_step_red_and_leaves_the_outputs_true() {
    let vendor = Vendor::start(&[]);
    let job = Job::new();
    let below_a_file = job.path("event.json").join("deployed");
    let finished = job.step(vendor.address(), &[("INPUT_SAVE-BASE", below_a_file.to_str().unwrap())]).finish();
    finished.ends_with(3).says(&["deployed` can't be written"]);
    assert_eq!(job.output("status"), "done");
    assert_eq!(
        job.output("refreshed"),
        vendor.ledger().iter().filter(|line| line.starts_with("refresh ")).count().to_string()
    );
}

/// GitHub's GraphQL API as far as a comment needs it: a pull request with comments, and who they are of.
struct Forge {
    address: SocketAddr,
    comments: Arc<Mutex<Vec<(String, String)>>>,
}

impl Forge {
    fn start(is_refusing: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let comments = Arc::new(Mutex::new(vec![("reviewer".to_owned(), "looks good".to_owned())]));
        let shared = Arc::clone(&comments);
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let (mut line, mut length, mut has_token) = (String::new(), 0, false);
                while reader.read_line(&mut line).unwrap() > 2 {
                    let lower = line.to_lowercase();
                    if let Some(value) = lower.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    has_token |= lower.trim() == "authorization: bearer ghs-token-of-tests";
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let request: Value = serde_json::from_slice(&body).unwrap();
                let answer = match has_token {
                    true if is_refusing => json!({"errors": [{"message": "Resource not accessible by integration"}]}),
                    true => answer(&request, &mut shared.lock().unwrap()),
                    false => json!({"message": "Bad credentials"}),
                };
                let answer = answer.to_string();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
                reader.get_mut().write_all((head + &answer).as_bytes()).unwrap();
            }
        });
        Self { address, comments }
    }

    /// The plan of a pull request's job.
    fn plan(&self, site: &Site, more: &[(&str, &str)]) -> Finished {
        let event = json!({"pull_request": {"number": 12, "base": {"sha": site.git(&["rev-parse", "HEAD~1"])}}});
        std::fs::write(site.sibling("event.json"), event.to_string()).unwrap();
        let run = site.bare_run(&["plan", "--base", "HEAD~1"]).env("GITHUB_EVENT_PATH", site.sibling("event.json"));
        let run = run.envs(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "pull_request"),
            ("GITHUB_REPOSITORY", "octo/site"),
        ]);
        let run = run
            .env("GITHUB_GRAPHQL_URL", format!("http://{}/graphql", self.address))
            .env("GITHUB_API_URL", "http://127.0.0.1");
        let run = run.env("GITHUB_OUTPUT", site.sibling("output")).env("GITHUB_STEP_SUMMARY", site.sibling("summary"));
        run.env("INPUT_TOKEN", "ghs-token-of-tests").envs(more).finish()
    }

    fn ours(&self) -> Vec<String> {
        let comments = self.comments.lock().unwrap();
        comments.iter().filter(|(author, _)| author == "us").map(|(_, body)| body.clone()).collect()
    }
}

/// What GitHub answers. A page has one comment, so that more than one page is looked at.
fn answer(request: &Value, comments: &mut Vec<(String, String)>) -> Value {
    let variables = &request["variables"];
    let query = request["query"].as_str().unwrap();
    let body = || variables["body"].as_str().unwrap().to_owned();
    let index = |text: &str| text.parse::<usize>().unwrap();
    if query.contains("addComment") {
        assert_eq!(variables["id"], "PR_12");
        comments.push(("us".to_owned(), body()));
    } else if query.contains("updateIssueComment") {
        comments[index(variables["id"].as_str().unwrap())].1 = body();
    } else {
        assert_eq!(
            (&variables["owner"], &variables["name"], &variables["number"]),
            (&json!("octo"), &json!("site"), &json!(12))
        );
        let at = variables["before"].as_str().map_or(comments.len(), index).checked_sub(1);
        let nodes: Vec<Value> = at.iter().map(|&at| {
            let (author, body) = &comments[at];
            json!({"id": at.to_string(), "body": body, "viewerDidAuthor": author == "us", "author": {"login": author, "__typename": "User"}})
        }).collect();
        let at = at.unwrap_or(0);
        let page = json!({"hasPreviousPage": at > 0, "startCursor": at.to_string()});
        let pull_request = json!({"id": "PR_12", "comments": {"nodes": nodes, "pageInfo": page}});
        return json!({"data": {"viewer": {"login": "us"}, "repository": {"pullRequest": pull_request}}});
    }
    json!({"data": {"done": {}}})
}

#[test]
fn a_plan_is_one_comment_on_the_pull_request_and_kept_up_to_date() {
    let (site, forge) = (Site::new(), Forge::start(false));
    forge.plan(&site, &[]).ends_with(0);
    assert!(forge.ours().is_empty(), "it is off by default");
    let on = [("INPUT_PULL_REQUEST_COMMENT", "true")];
    forge.plan(&site, &on).ends_with(0).says(&["the summary is a comment on the pull request"]);
    let first = forge.ours();
    assert!(
        first.len() == 1 && first[0].contains("6 URLs planned") && first[0].contains("about/new.html"),
        "{first:?}"
    );
    // Somebody copies it, and somebody else answers.
    forge.comments.lock().unwrap().push(("stranger".to_owned(), first[0].clone()));
    site.write("public/index.html", "<h1>once more</h1>\n");
    site.write("public/second.html", "<h1>second</h1>\n");
    site.commit("Push to the branch");
    let finished = forge.plan(&site, &on);
    finished.ends_with(0);
    assert!(finished.out.contains("::add-mask::ghs-token-of-tests"), "{}", finished.out);
    let second = forge.ours();
    assert!(second.len() == 1 && second[0] != first[0] && second[0].contains("second.html"), "{second:?}");
    assert_eq!(forge.comments.lock().unwrap()[2], ("stranger".to_owned(), first[0].clone()));
}

#[test]
fn a_comment_that_can_not_be_written_is_a_warning_with_the_permission() {
    let (site, forge) = (Site::new(), Forge::start(true));
    let finished = forge.plan(&site, &[("INPUT_PULL_REQUEST_COMMENT", "true")]);
    finished.ends_with(0).says(&["Resource not accessible by integration", "pull-requests: write"]);
    assert!(forge.ours().is_empty());
}
