//! Bases from an earlier run or a tag: what the CI's interfaces answer, in the shapes of their documentation.

use http::{Response, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::config::{BaseSpec, Changes, CommandKind, Flags, read};
use crate::environment::Environment;
use crate::error::Error;
use crate::git::Changed;

use super::checkout::{Checkout, environment_of, refusal};
use super::forge::Forge;

/// `base` as a person types it.
fn since(base: &str) -> Changes {
    let mut flags = Flags::new();
    for (name, text) in [("provider", "alibaba-cdn"), ("files", "**"), ("urls", "https://www.example.com/{path}")] {
        flags.add(name, text);
    }
    flags.add("base", base);
    read(CommandKind::Explain, &flags, &Environment::new()).unwrap().changes
}

fn on_github(checkout: &Checkout, more: &[(&str, &str)]) -> Environment {
    let event = json!({
        "ref": "refs/heads/main", "before": checkout.id("HEAD~1"), "after": checkout.id("HEAD"),
        "repository": { "default_branch": "main" },
    });
    let file = checkout.outside().join("event.json");
    std::fs::write(&file, event.to_string()).unwrap();
    let mut environment = environment_of(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_EVENT_PATH", file.to_str().unwrap()),
        ("GITHUB_API_URL", "https://api.github.example"),
        ("GITHUB_REPOSITORY", "team/site"),
        ("GITHUB_WORKFLOW_REF", "team/site/.github/workflows/deploy site.yml@refs/heads/main"),
        ("GITHUB_RUN_ID", "900"),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_REF_TYPE", "branch"),
        ("GITHUB_REF_NAME", "main"),
        ("GITHUB_TOKEN", "from-environment"),
    ]);
    environment.extend(environment_of(more));
    environment
}

fn on_gitlab(more: &[(&str, &str)]) -> Environment {
    let mut environment = environment_of(&[
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_SOURCE", "push"),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_DEFAULT_BRANCH", "main"),
        ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
        ("CI_PROJECT_ID", "42"),
        ("CI_PIPELINE_ID", "900"),
        ("CI_JOB_TOKEN", "job-token"),
    ]);
    environment.extend(environment_of(more));
    environment
}

/// A forge whose interface always answers this.
fn interface(status: StatusCode, answer: &Value) -> Forge {
    let answer = answer.to_string().into_bytes();
    Forge {
        answers: Box::new(move |_| Some(Response::builder().status(status).body(answer.clone()).unwrap())),
        ..Forge::empty()
    }
}

fn last_success(forge: &Forge, checkout: &Checkout, environment: &Environment) -> Result<Changed, Error> {
    forge.search(checkout, &Changes::Since { base: BaseSpec::LastSuccess, head: None }, environment)
}

/// A run as GitHub describes it.
fn run(id: u64, event: &str, branch: &str, conclusion: &str, commit: &str) -> Value {
    json!({
        "id": id, "run_number": id - 800, "event": event, "head_branch": branch, "status": "completed",
        "conclusion": conclusion, "head_sha": commit,
    })
}

#[test]
fn github_tells_the_last_run_that_ended_well_on_the_branch() {
    let checkout = Checkout::with_three_commits();
    let base = checkout.id("HEAD~2");
    let runs = json!({ "total_count": 6, "workflow_runs": [
        run(900, "push", "main", "success", &checkout.id("HEAD")),
        run(899, "pull_request", "main", "success", &checkout.id("HEAD")),
        run(898, "push", "main", "failure", &checkout.id("HEAD~1")),
        run(897, "push", "other", "success", &checkout.id("HEAD~1")),
        run(896, "workflow_dispatch", "main", "success", &base),
        run(895, "push", "main", "success", &checkout.id("HEAD~1")),
    ]});
    let forge = interface(StatusCode::OK, &runs);
    let found = last_success(&forge, &checkout, &on_github(&checkout, &[])).unwrap();
    assert_eq!(found.range.base, Some(base));
    let reason = "the commit of run 96 of `deploy site.yml`, the last on `main` that ended well";
    assert_eq!(found.range.reason, reason);
    let requested = "GET https://api.github.example/repos/team/site/actions/workflows/deploy%20site.yml/runs\
                 ?branch=main&status=success&per_page=100&page=1 Bearer from-environment";
    assert_eq!(forge.requests.borrow()[..], [requested]);
    assert_eq!(forge.masked.borrow()[..], ["from-environment"]);
}

#[test]
fn github_is_asked_with_the_given_token_before_that_of_the_environment() {
    let checkout = Checkout::with_three_commits();
    let forge = Forge {
        token: Some(SecretString::from("given-token")),
        ..interface(StatusCode::OK, &json!({ "workflow_runs": [] }))
    };
    last_success(&forge, &checkout, &on_github(&checkout, &[])).unwrap();
    assert!(forge.requests.borrow()[0].ends_with(" Bearer given-token"));
}

#[test]
fn without_such_a_run_the_event_decides_and_the_reason_says_so() {
    let checkout = Checkout::with_three_commits();
    let forge = interface(StatusCode::OK, &json!({ "total_count": 0, "workflow_runs": [] }));
    let found = last_success(&forge, &checkout, &on_github(&checkout, &[])).unwrap();
    assert_eq!(found.range.base, Some(checkout.id("HEAD~1")));
    let reason = "`before` of the push: what the CDN has served until now; no run of `deploy site.yml` on `main` has ended well yet";
    assert_eq!(found.range.reason, reason);
    // A full page of runs that don't count is followed by the next, and not for ever.
    let page: Vec<Value> =
        (0..100).map(|id| run(1000 + id, "pull_request", "main", "success", &checkout.id("HEAD"))).collect();
    let forge = interface(StatusCode::OK, &json!({ "workflow_runs": page }));
    last_success(&forge, &checkout, &on_github(&checkout, &[])).unwrap();
    assert_eq!(forge.requests.borrow().len(), 10);
    assert!(forge.requests.borrow()[9].contains("&page=10 "));
}

#[test]
fn pull_requests_and_tags_have_no_last_run_and_the_event_decides() {
    let checkout = Checkout::with_three_commits();
    let forge = interface(StatusCode::INTERNAL_SERVER_ERROR, &json!({}));
    let on_tag = on_github(&checkout, &[("GITHUB_REF_TYPE", "tag"), ("GITHUB_REF", "refs/tags/v1")]);
    let found = last_success(&forge, &checkout, &on_tag).unwrap();
    assert!(found.range.reason.ends_with("; `last-success` is about branches, and `refs/tags/v1` is none"));
    let gitlab = on_gitlab(&[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "")]);
    let refused = last_success(&forge, &checkout, &gitlab);
    assert!(forge.requests.borrow().is_empty(), "{refused:?}");
}

#[test]
fn what_github_refuses_is_an_error_with_its_words_and_never_a_guess() {
    let checkout = Checkout::with_three_commits();
    let environment = on_github(&checkout, &[]);
    for (status, answer, words) in [
        (403, json!({ "message": "Resource not accessible by integration" }), "(HTTP 403: Resource not accessible"),
        (404, json!({ "message": "Not Found" }), "(HTTP 404: Not Found)"),
        (500, json!([]), "(HTTP 500)"),
    ] {
        let forge = interface(StatusCode::from_u16(status).unwrap(), &answer);
        let refused = refusal(last_success(&forge, &checkout, &environment));
        assert!(refused.contains(words) && refused.contains("actions: read"), "{refused}");
        assert!(!refused.contains("from-environment"));
    }
    for answer in [json!({}), json!({ "workflow_runs": 7 }), json!([])] {
        let refused = refusal(last_success(&interface(StatusCode::OK, &answer), &checkout, &environment));
        assert!(refused.contains("no `workflow_runs`"), "{refused}");
    }
    let forge = Forge { answers: Box::new(|_| Some(Response::new(b"<html>".to_vec()))), ..Forge::empty() };
    assert!(refusal(last_success(&forge, &checkout, &environment)).contains("isn't JSON"));
    let other = on_github(&checkout, &[("GITHUB_WORKFLOW_REF", "org/rules/.github/workflows/x.yml@main")]);
    assert!(refusal(last_success(&forge, &checkout, &other)).contains("is about a workflow of `team/site`"));
    for name in ["GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_WORKFLOW_REF"] {
        let refused = refusal(last_success(&forge, &checkout, &on_github(&checkout, &[(name, "")])));
        assert!(refused.contains(name), "{refused}");
    }
}

#[test]
fn gitlab_tells_the_last_pipeline_that_ended_well_on_the_branch() {
    let checkout = Checkout::with_three_commits();
    let base = checkout.id("HEAD~2");
    let pipeline = |id: u64, name: &str, status: &str, source: &str, commit: &str| json!({ "id": id, "ref": name, "status": status, "source": source, "sha": commit });
    let pipelines = json!([
        pipeline(900, "main", "success", "push", &checkout.id("HEAD")),
        pipeline(899, "main", "failed", "push", &checkout.id("HEAD~1")),
        pipeline(898, "main", "success", "merge_request_event", &checkout.id("HEAD~1")),
        pipeline(897, "main", "success", "schedule", &base),
    ]);
    let forge = interface(StatusCode::OK, &pipelines);
    let found = last_success(&forge, &checkout, &on_gitlab(&[])).unwrap();
    assert_eq!(
        (found.range.base, found.range.reason.as_str()),
        (Some(base), "the commit of pipeline 897, the last on `main` that ended well")
    );
    assert!(forge.requests.borrow()[0].starts_with(
        "GET https://gitlab.example/api/v4/projects/42/pipelines?ref=main&status=success&order_by=id&sort=desc&per_page=100 "
    ));
    let refusing = interface(StatusCode::NOT_FOUND, &json!({ "message": "404 Project Not Found" }));
    let refused = refusal(last_success(&refusing, &checkout, &on_gitlab(&[])));
    assert!(refused.contains("(HTTP 404: 404 Project Not Found)") && refused.contains("`read_api`"), "{refused}");
    assert_eq!(refusing.masked.borrow()[..], ["job-token"]);
}

#[test]
fn elsewhere_and_without_fetch_last_success_is_refused_with_the_remedy() {
    let checkout = Checkout::with_three_commits();
    let refused = refusal(last_success(&Forge::empty(), &checkout, &Environment::new()));
    assert!(refused.contains("GitHub and GitLab only") && refused.contains("save-base"), "{refused}");
    let off = Forge { is_on: false, ..Forge::empty() };
    assert!(refusal(last_success(&off, &checkout, &on_github(&checkout, &[]))).contains("`fetch` is `false`"));
}

/// The last run on the branch of the event says nothing of another branch, unless that descends from its commit.
#[test]
fn a_last_run_is_not_compared_with_a_checkout_of_something_else() {
    let checkout = Checkout::with_three_commits();
    let environment = on_github(&checkout, &[("GITHUB_SHA", &checkout.id("main"))]);
    let runs = json!({ "workflow_runs": [run(896, "push", "main", "success", &checkout.id("main~1"))] });
    checkout.git(&["checkout", "--quiet", "-b", "fork", "main~1"]);
    checkout.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    let found = last_success(&interface(StatusCode::OK, &runs), &checkout, &environment).unwrap();
    assert_eq!(found.range.base, Some(checkout.id("main~1")));
    checkout.git(&["checkout", "--quiet", "--orphan", "built"]);
    checkout.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    let refused = refusal(last_success(&interface(StatusCode::OK, &runs), &checkout, &environment));
    assert!(refused.contains("is checked out; this run is about"), "{refused}");
}

#[test]
fn a_file_tells_what_the_last_run_deployed() {
    let checkout = Checkout::with_three_commits();
    let file = checkout.outside().join("deployed");
    let changes = since(&format!("file:{}", file.display()));
    let forge = Forge::empty();
    let found = forge.search(&checkout, &changes, &Environment::new()).unwrap();
    assert_eq!(found.range.base, Some(checkout.id("HEAD~1")), "as without the file");
    assert!(found.range.reason.ends_with("which an earlier run writes, isn't there yet"), "{}", found.range.reason);
    std::fs::write(&file, format!("{}\n", checkout.id("HEAD~2"))).unwrap();
    let found = forge.search(&checkout, &changes, &Environment::new()).unwrap();
    assert_eq!(found.range.base, Some(checkout.id("HEAD~2")));
    for text in ["", "main", "0000000000000000000000000000000000000000", "x\n1111111111111111111111111111111111111111"]
    {
        std::fs::write(&file, text).unwrap();
        let refused = refusal(forge.search(&checkout, &changes, &Environment::new()));
        assert!(refused.contains("doesn't hold a commit of 40 digits"), "{refused}");
    }
    // A device, or a pipe, would keep the reader for ever.
    let folder = since(&format!("file:{}", checkout.outside().display()));
    assert!(refusal(forge.search(&checkout, &folder, &Environment::new())).contains("is no regular file"));
}

#[test]
fn a_pattern_finds_the_nearest_tag_that_matches_and_not_head_itself() {
    let checkout = Checkout::with_three_commits();
    for (tag, commit) in [("v1", "HEAD~2"), ("beta-2", "HEAD~1"), ("v2", "HEAD"), ("release/3", "HEAD~1")] {
        checkout.git(&["tag", tag, commit]);
    }
    let forge = Forge::empty();
    let found =
        |pattern: &str| forge.search(&checkout, &since(&format!("tag:{pattern}")), &Environment::new()).unwrap().range;
    let (base, reason) =
        (Some(checkout.id("HEAD~2")), "the nearest tag in the history of head whose name matches `v*`: `v1`");
    assert_eq!((found("v*").base, found("v*").reason.as_str()), (base, reason));
    assert_eq!(found("{beta-*,v*}").base, Some(checkout.id("HEAD~1")));
    assert_eq!(found("release/*").base, Some(checkout.id("HEAD~1")));
    assert_eq!(found("w*").base, None);
    assert!(found("w*").reason.ends_with("there is none, so everything is new"));
}
