//! Every job that a document shows is run as its CI would run it: with the event, the variables and the permissions that it
//! has there, and no others.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regex::{Captures, Regex};
use serde_json::{Map, Value, json};

use super::blocks::{Block, DOCUMENTS, blocks, configuration};
use super::commands::runnable;
use super::ground::{Ground, KEYS, assert_done};
use crate::cli::github::runner_outputs;
use crate::cli::stage::{Run, at_once};
use crate::generated::path;

const ORDINARY: &str = "cdn-purge";

/// The document whose jobs compare a build with an earlier one.
const BUILT: &str = "docs/built-sites.md";

/// A token of a job; the emulator knows no issuer's keys.
fn oidc_token(audience: &str) -> String {
    let claims = json!({"iss": "https://ci.example", "aud": audience, "exp": 4_000_000_000_u32});
    format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

/// The entries of a mapping as the environment holds them.
fn entries(value: Option<&Value>) -> Vec<(String, String)> {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    value.and_then(Value::as_object).into_iter().flatten().map(|(name, value)| (name.clone(), plain(value))).collect()
}

/// What GitHub answers a job: a token that proves who it is, and the workflow's last good run.
fn github(good: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    // It ends with the tests.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
            let request = lines.next().unwrap_or_default();
            lines.find(String::is_empty);
            let answer = if request.starts_with("GET /token?") {
                let audience = request.split("audience=").nth(1).unwrap().split(' ').next().unwrap();
                json!({"value": oidc_token(audience)})
            } else {
                assert!(request.starts_with("GET /repos/octo/site/actions/workflows/cdn.yml/runs?"), "{request}");
                json!({"workflow_runs": [{
                    "id": 41, "run_number": 4, "event": "push", "conclusion": "success", "head_branch": "main", "head_sha": good,
                }]})
            }
            .to_string();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
            write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len()).unwrap();
        }
    });
    address
}

/// A workflow's run on GitHub.
struct Workflow<'a> {
    ground: &'a Ground,
    event: &'a str,
    permissions: Map<String, Value>,
    outputs: Vec<(String, String)>,
    /// Of what GitHub answers.
    address: String,
}

impl<'a> Workflow<'a> {
    fn new(ground: &'a Ground, workflow: &'a Value) -> Self {
        let on = &workflow["on"];
        let event = on.as_str().or_else(|| on.as_object()?.keys().next().map(String::as_str)).expect("an event");
        let permissions = workflow["permissions"].as_object().expect("a job has few permissions").clone();
        let (before, after) = (ground.commit("HEAD~1"), ground.commit("HEAD"));
        let payload = match event {
            "push" => json!({"ref": "refs/heads/main", "forced": false, "before": before, "after": after}),
            "schedule" => json!({"schedule": on["schedule"][0]["cron"]}),
            "pull_request" => {
                ground.site.git(&["checkout", "--quiet", "-b", "merge", "HEAD~1"]);
                ground.site.git(&["merge", "--quiet", "--no-ff", "--message", "merge", "main"]);
                let side = |name: &str, sha: &str| json!({"ref": name, "sha": sha});
                json!({"number": 3, "pull_request": {"base": side("main", &before), "head": side("topic", &after)}})
            }
            other => panic!("no document had a job for `{other}` before: tell here what its event holds"),
        };
        let mut payload = payload;
        payload["repository"] = json!({"full_name": "octo/site", "default_branch": "main"});
        std::fs::write(ground.site.sibling("event.json"), payload.to_string()).unwrap();
        let address = github(ground.commit("HEAD~1"));
        Self { ground, event, permissions, outputs: Vec::new(), address }
    }

    fn may(&self, what: &str, how: &str) -> bool {
        self.permissions.get(what).is_some_and(|given| given == how)
    }

    /// A script of a step, in the environment that the runner gives it.
    fn step(&self, script: &str, step: &Value) -> Run {
        let sibling = |name: &str| self.ground.site.sibling(name);
        for name in ["output", "summary"] {
            std::fs::write(sibling(name), "").unwrap();
        }
        let branch = if self.event == "pull_request" { "3/merge" } else { "main" };
        let mut run = self
            .ground
            .script(script)
            .envs(&[("CI", "true"), ("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", self.event)])
            .envs(&[("GITHUB_REPOSITORY", "octo/site"), ("GITHUB_REF_TYPE", "branch"), ("GITHUB_REF_NAME", branch)])
            .envs(&[
                ("GITHUB_RUN_ID", "77"),
                ("GITHUB_SERVER_URL", "https://github.com"),
                ("GITHUB_API_URL", &self.address),
            ])
            .env("GITHUB_WORKFLOW_REF", "octo/site/.github/workflows/cdn.yml@refs/heads/main")
            .env("GITHUB_SHA", self.ground.commit("HEAD"))
            .env("GITHUB_EVENT_PATH", sibling("event.json"))
            .env("GITHUB_OUTPUT", sibling("output"))
            .env("GITHUB_STEP_SUMMARY", sibling("summary"))
            .env("RUNNER_TEMP", sibling("temporary"));
        if self.may("id-token", "write") {
            run = run.env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/token?api-version=2.0", self.address));
            run = run.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "bearer-of-the-runner-0123456789");
        }
        entries(step.get("env")).into_iter().fold(run, |run, (name, value)| run.env(&name, self.evaluated(&value)))
    }

    /// A value of the workflow with its expressions evaluated.
    fn evaluated(&self, value: &str) -> String {
        let expression = Regex::new(r"\$\{\{ (\S+) \}\}").unwrap();
        let stands_for = |found: &Captures<'_>| {
            let parts: Vec<&str> = found[1].split('.').collect();
            match parts.as_slice() {
                ["secrets", secret] => {
                    KEYS.iter().find(|(name, _)| name == secret).map(|(_, value)| (*value).to_owned())
                }
                ["steps", _, "outputs", output] => {
                    self.outputs.iter().find(|(name, _)| name == output).map(|(_, value)| value.clone())
                }
                _ => None,
            }
            .unwrap_or_else(|| panic!("`{}` has no value", &found[1]))
        };
        expression.replace_all(value, stands_for).into_owned()
    }

    /// The action, which hands its inputs over in the environment.
    fn act(&mut self, step: &Value, place: &str) {
        let inputs = entries(step.get("with"));
        let given = |wanted: &str| inputs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        assert!(
            given("base") != Some("last-success") || self.may("actions", "read"),
            "{place}: GitHub would refuse it"
        );
        let variable = |name: &str| format!("INPUT_{}", name.to_uppercase().replace('-', "_"));
        let of_the_action = ["binary", "download-url"];
        let run =
            inputs.iter().filter(|(name, _)| !of_the_action.contains(&name.as_str())).fold(
                self.step("exec cdn-purge", step).env("INPUT_TOKEN", "token-of-the-job"),
                |run, (name, value)| run.env(&variable(name), self.evaluated(value)),
            );
        let finished = run.finish();
        assert_done(&finished, place);
        let read = |name: &str| std::fs::read_to_string(self.ground.site.sibling(name)).unwrap();
        assert!(read("summary").contains("URLs"), "{place}: {}", read("summary"));
        self.outputs = runner_outputs(&read("output"));
        let output = |wanted: &str| self.outputs.iter().find(|(name, _)| name == wanted).unwrap().1.as_str();
        let expected = if given("dry-run") == Some("true") { "planned" } else { "done" };
        assert_eq!(output("status"), expected, "{place}");
        assert_eq!(self.ground.vendor.ledger().is_empty(), expected == "planned", "{place}");
        if given("base") == Some("last-success") {
            assert!(finished.out.contains("the commit of run 4"), "{place}: {}", finished.out);
        }
    }
}

/// Runs the steps of a workflow, and gives how many were run.
fn run_workflow(document: &str, block: &Block, ground: &Ground, workflow: &Value) -> usize {
    let mut count = 0;
    prepare(document, ground);
    for job in workflow["jobs"].as_object().unwrap().values() {
        let mut run = Workflow::new(ground, workflow);
        for step in job["steps"].as_array().unwrap() {
            let place = format!("{document}:{}: {step}", block.line);
            if let Some(script) = text(step, "run").and_then(|script| runnable(document, script)) {
                assert_done(&run.step(&script, step).finish(), &place);
                count += 1;
            } else if text(step, "uses").is_some_and(|uses| uses.contains(ORDINARY)) {
                run.act(step, &place);
                count += 1;
            }
        }
    }
    count
}

/// A built site has the manifest of an earlier deployment, which the CI's cache restored, and a page that changed since.
fn prepare(document: &str, ground: &Ground) {
    if document == BUILT {
        ground.script("cdn-purge run --without-manifest adopt").envs(&KEYS).finish().ends_with(0);
        ground.site.write("dist/index.html", "built again\n");
    }
}

/// Runs a job as GitLab's runner does, and looks at what it is to keep.
fn run_job(document: &str, block: &Block, ground: &Ground, name: &str, job: &Value) {
    prepare(document, ground);
    let place = format!("{document}:{}: {name}", block.line);
    let lines: Vec<&str> = job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let tokens = job.get("id_tokens").and_then(Value::as_object);
    let mut run = ground
        .script(&lines.join("\n"))
        .envs(&[("CI", "true"), ("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", "push"), ("CI_DEFAULT_BRANCH", "main")])
        .envs(&[("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_REF_NAME", "main"), ("CI_JOB_ID", "7")])
        .envs(&[("CI_SERVER_URL", "https://gitlab.example.com"), ("CI_PROJECT_PATH", "group/site")])
        .env("CI_COMMIT_SHA", ground.commit("HEAD"))
        .env("CI_COMMIT_BEFORE_SHA", ground.commit("HEAD~1"))
        .env("CI_PROJECT_DIR", ground.site.repository());
    for (name, value) in entries(job.get("variables")) {
        run = run.env(&name, value);
    }
    match tokens {
        // The credentials are variables of the project, unless the job sets others.
        None => run = run.envs(&KEYS),
        Some(tokens) => {
            for (name, token) in tokens {
                run = run.env(name, oidc_token(text(token, "aud").unwrap()));
            }
        }
    }
    assert_done(&run.finish(), &place);
    assert!(!ground.vendor.ledger().is_empty(), "{place}");
    let kept = |file: &str| assert!(ground.site.repository().join(file).exists(), "{place}: there is no {file}");
    let artifacts = &job["artifacts"];
    artifacts["paths"].as_array().into_iter().flatten().for_each(|file| kept(file.as_str().unwrap()));
    entries(artifacts.get("reports")).iter().for_each(|(_, file)| kept(file));
}

/// A component takes its inputs alone; what it does with them is tried in a runner of GitLab's.
fn check_component(block: &Block, include: &Value) {
    let spec: String = std::fs::read_to_string(path("templates/cdn-purge.yml")).unwrap();
    let spec: Value = serde_saphyr::from_str(spec.split("\n---\n").next().unwrap()).unwrap();
    for (name, _) in include.as_array().into_iter().flatten().flat_map(|one| entries(one.get("inputs"))) {
        assert!(spec["spec"]["inputs"].get(&name).is_some(), "line {}: the component has no `{name}`", block.line);
    }
}

fn run(document: &str) {
    let all = blocks(document);
    let jobs: Vec<&Block> = all.iter().filter(|block| block.language == "yaml" && !block.is_configuration()).collect();
    at_once(&jobs, |block| {
        let mut pipeline: Value = serde_saphyr::from_str(&block.text).unwrap();
        if pipeline.is_array() {
            pipeline = serde_json::json!({"on": {"push": null}, "permissions": {"contents": "read"}, "jobs": {"steps of a job": {"steps": pipeline}}});
        }
        let configuration = configuration(&all, block).map(|block| block.text.as_str());
        if pipeline.get("jobs").is_some() {
            let ground = Ground::new(configuration);
            assert!(run_workflow(document, block, &ground, &pipeline) > 0, "{document}:{}: nothing is run", block.line);
        } else if let Some(include) = pipeline.get("include") {
            check_component(block, include);
        } else {
            for (name, job) in pipeline.as_object().unwrap() {
                run_job(document, block, &Ground::new(configuration), name, job);
            }
        }
    });
}

#[test]
fn the_jobs_of_the_readme_do_what_it_says() {
    run("README.md");
}

#[test]
fn the_jobs_of_the_recipes_do_what_they_say() {
    run("docs/recipes.md");
}

#[test]
fn the_jobs_of_built_sites_do_what_they_say() {
    run(BUILT);
}

#[test]
fn no_other_document_has_jobs() {
    for document in DOCUMENTS.iter().filter(|document| !["README.md", "docs/recipes.md", BUILT].contains(document)) {
        let is_job = |block: &Block| block.language == "yaml" && !block.is_configuration();
        assert!(!blocks(document).iter().any(is_job), "{document} has a job that nothing runs");
    }
}

/// Each rule of each configuration that a document or an example shows finds a file that changed.
#[test]
fn every_rule_of_a_configuration_gives_urls() {
    let shown = DOCUMENTS.iter().flat_map(|document| {
        let configurations = blocks(document).into_iter().filter(Block::is_configuration);
        configurations.map(move |block| (format!("{document}:{}", block.line), block.text))
    });
    let examples = std::fs::read_dir(path("examples")).unwrap().map(|entry| entry.unwrap().path());
    let is_configuration = |path: &Path| path.extension().is_some_and(|kind| kind == "yml");
    let examples = examples.filter(|path| is_configuration(path));
    let examples = examples.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
    let configurations: Vec<(String, String)> = shown.chain(examples).collect();
    let ground = Ground::new(None);
    at_once(&(0..configurations.len()).collect::<Vec<_>>(), |number| {
        let (place, configuration) = &configurations[*number];
        let (file, report) =
            (ground.site.sibling(&format!("{number}.yml")), ground.site.sibling(&format!("{number}.json")));
        std::fs::write(&file, configuration).unwrap();
        let first = if configuration.contains("changes: directory") { "--without-manifest all" } else { "" };
        let plan = format!("cdn-purge plan {first} --config '{}' --report-file '{}'", file.display(), report.display());
        assert_done(&ground.script(&plan).finish(), place);
        let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
        let rows = report["urls"].as_array().unwrap();
        let used: Vec<&str> = rows
            .iter()
            .flat_map(|row| row["sources"].as_array().unwrap())
            .filter_map(|one| text(one, "rule"))
            .collect();
        let parsed: Value = serde_saphyr::from_str(configuration).unwrap();
        for (index, rule) in parsed["rules"].as_array().unwrap().iter().enumerate() {
            let name = text(rule, "name").map_or_else(|| format!("rules[{index}]"), str::to_owned);
            assert!(used.contains(&name.as_str()), "{place}: no file that changed matches `{name}`: {used:?}");
        }
    });
}
