//! `base: deployment:ENVIRONMENT`, by the deployments that GitHub and GitLab record. The records are shaped as in GitHub Docs,
//! "REST API endpoints for deployments" (<https://docs.github.com/en/rest/deployments/deployments>), and GitLab Docs,
//! "Deployments API" (<https://docs.gitlab.com/api/deployments/>), both of 2026-11.

use std::collections::BTreeMap;

use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::config::{BaseSpec, Changes};
use crate::environment::Environment;
use crate::error::Error;
use crate::git::Changed;

use super::checkout::{Checkout, environment_of, refusal};
use super::forge::Forge;
use super::pairs::{assert_pair, files};

/// `main` has six commits, of which the last is deployed now; `side` left it after the second.
fn world() -> Checkout {
    let world = Checkout::with(&["a", "a b", "a b c", "b c", "b c d", "b c d e"].map(files));
    world.import("side", Some("refs/heads/main~4"), &[files("a b s")]);
    world
}

fn on_github(world: &Checkout) -> Environment {
    environment_of(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "workflow_dispatch"),
        ("GITHUB_SHA", &world.id("main")),
        ("GITHUB_API_URL", "https://api.github.example"),
        ("GITHUB_REPOSITORY", "team/site"),
        ("GITHUB_TOKEN", "from-environment"),
    ])
}

fn on_gitlab(world: &Checkout) -> Environment {
    environment_of(&[
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_SOURCE", "web"),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_COMMIT_SHA", &world.id("main")),
        ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
        ("CI_PROJECT_ID", "42"),
        ("CI_JOB_TOKEN", "job-token"),
    ])
}

/// An interface that answers by the path after the project; what it doesn't have is a 404.
fn interface(answers: impl IntoIterator<Item = (String, Value)>) -> Forge {
    let answers: BTreeMap<String, Value> = answers.into_iter().collect();
    Forge {
        answers: Box::new(move |request| {
            let (_, path) = request.uri().path().split_once("/deployments").unwrap();
            let page = request.uri().query().unwrap().split('&').find_map(|pair| pair.strip_prefix("page="));
            let key = match page {
                Some(page) if page != "1" => format!("{path}?{page}"),
                _ => path.to_owned(),
            };
            let found = answers.get(&key).cloned();
            let status = if found.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
            let body = found.unwrap_or_else(|| json!({ "message": "Not Found" })).to_string().into_bytes();
            Some(Response::builder().status(status).body(body).unwrap())
        }),
        ..Forge::empty()
    }
}

fn since(forge: &Forge, world: &Checkout, name: &str, environment: &Environment) -> Result<Changed, Error> {
    let changes = Changes::Since { base: BaseSpec::Deployment(name.to_owned()), head: None };
    forge.search(world, &changes, environment)
}

/// A deployment as GitHub lists it.
fn deployment(id: u64, environment: &str, commit: &str) -> Value {
    json!({
        "id": id, "sha": commit, "ref": "main", "task": "deploy", "payload": {}, "environment": environment,
        "original_environment": environment, "production_environment": true, "transient_environment": false,
        "created_at": "2026-11-30T10:00:00Z", "statuses_url": format!("https://api.github.example/{id}/statuses"),
    })
}

/// Its statuses, newest first, each with the minute of its day.
fn statuses(id: u64, states: &[(&str, u32)]) -> (String, Value) {
    let states = states.iter().map(|(state, minute)| {
        let time = format!("2026-11-30T{:02}:{:02}:00Z", minute / 60, minute % 60);
        json!({ "state": state, "created_at": time, "environment": "production", "log_url": "" })
    });
    (format!("/{id}/statuses"), states.collect())
}

fn list(deployments: &[Value]) -> (String, Value) {
    (String::new(), json!(deployments))
}

#[test]
fn github_names_the_last_deployment_that_succeeded_and_not_this_runs_own() {
    let world = world();
    let forge = interface([
        list(&[
            deployment(9, "production", &world.id("main")),
            deployment(8, "staging", &world.id("main~1")),
            deployment(7, "production", &world.id("main~1")),
            deployment(6, "Production", &world.id("main~2")),
            deployment(5, "production", &world.id("main~3")),
        ]),
        // Even when the job that deploys has ended already.
        statuses(9, &[("success", 700), ("in_progress", 690)]),
        statuses(7, &[("failure", 600), ("in_progress", 590)]),
        statuses(6, &[("inactive", 700), ("success", 500), ("in_progress", 490)]),
        statuses(5, &[("inactive", 500), ("success", 400)]),
    ]);
    let found = since(&forge, &world, "production", &on_github(&world)).unwrap();
    assert_pair(&world, &found, "main~2", "main");
    assert_eq!(found.range.reason, "the commit of deployment 6, the last to `production` that succeeded");
    let requests = forge.requests.borrow();
    let root = "GET https://api.github.example/repos/team/site/deployments";
    assert_eq!(requests[0], format!("{root}?environment=production&per_page=100&page=1 Bearer from-environment"));
    assert_eq!(requests[1], format!("{root}/7/statuses?per_page=100 Bearer from-environment"));
    assert_eq!(requests.len(), 4, "{requests:?}");
    assert_eq!(forge.masked.borrow()[..], ["from-environment"]);
}

#[test]
fn a_deployment_that_waited_and_ended_last_is_what_the_cdn_serves() {
    let world = world();
    let forge = interface([
        list(&[deployment(7, "production", &world.id("main~1")), deployment(6, "production", &world.id("main~2"))]),
        statuses(7, &[("inactive", 700), ("success", 500)]),
        statuses(6, &[("success", 700), ("waiting", 400)]),
    ]);
    assert_pair(&world, &since(&forge, &world, "production", &on_github(&world)).unwrap(), "main~2", "main");
    let job = |id: u64, finished: &str, commit: &str| {
        json!({
            "id": id, "iid": id, "ref": "main", "sha": world.id(commit), "status": "success",
            "created_at": "2026-11-30T10:00:00.000Z", "updated_at": "2026-11-30T23:00:00.000Z",
            "environment": { "id": 9, "name": "production", "external_url": "https://www.example.com" },
            "deployable": { "id": 600 + id, "finished_at": finished, "pipeline": { "id": 36, "sha": world.id(commit) } },
        })
    };
    let mut from_outside = job(3, "", "main~3");
    from_outside["deployable"] = Value::Null;
    from_outside["updated_at"] = json!("2026-11-30T01:00:00.000Z");
    let forge = interface([list(&[
        job(9, "2026-11-30T23:30:00.000Z", "main"),
        job(7, "2026-11-30T11:00:00.000Z", "main~1"),
        // Later, in another zone.
        job(6, "2026-11-30T13:30:00.000+02:00", "main~2"),
        from_outside.clone(),
    ])]);
    let found = since(&forge, &world, "production", &on_gitlab(&world)).unwrap();
    assert_pair(&world, &found, "main~2", "main");
    assert_eq!(found.range.reason, "the commit of deployment 6, the last to `production` that succeeded");
    assert_eq!(
        forge.requests.borrow()[0],
        "GET https://gitlab.example/api/v4/projects/42/deployments?environment=production&status=success&order_by=id&sort=desc\
         &per_page=100&page=1 -"
    );
    assert_eq!(forge.masked.borrow()[..], ["job-token"]);
    let found = since(&interface([list(&[from_outside])]), &world, "production", &on_gitlab(&world)).unwrap();
    assert_pair(&world, &found, "main~3", "main");
}

#[test]
fn a_rollback_and_another_branch_were_served_all_the_same() {
    let world = world();
    for deployed in ["side", "main~5"] {
        let forge = interface([
            list(&[
                deployment(7, "eu/production", &world.id(deployed)),
                deployment(6, "eu/production", &world.id("main~1")),
            ]),
            statuses(7, &[("success", 700)]),
            statuses(6, &[("inactive", 700), ("success", 500)]),
        ]);
        assert_pair(&world, &since(&forge, &world, "eu/production", &on_github(&world)).unwrap(), deployed, "main");
        assert!(forge.requests.borrow()[0].contains("?environment=eu%2Fproduction&"), "{:?}", forge.requests);
    }
}

/// Of built files, say: `gh-pages` is deployed by GitHub Pages, whose deployments have its commits.
#[test]
fn a_branch_is_compared_with_its_own_deployment_in_a_run_that_is_about_another() {
    let world = world();
    world.import("pages", None, &[files("index"), files("index about")]);
    world.git(&["checkout", "--quiet", "--force", "pages"]);
    let of = |commit: &str| {
        let forge =
            interface([list(&[deployment(7, "github-pages", &world.id(commit))]), statuses(7, &[("success", 700)])]);
        since(&forge, &world, "github-pages", &on_github(&world))
    };
    assert_pair(&world, &of("pages~1").unwrap(), "pages~1", "pages");
    let refused = refusal(of("main~1"));
    assert!(refused.contains("is checked out; this run is about") && refused.contains("`GITHUB_SHA`"), "{refused}");
}

#[test]
fn without_a_deployment_the_event_decides_and_too_many_failures_are_an_error() {
    let world = world();
    let first = [deployment(9, "production", &world.id("main"))];
    for forge in [interface([list(&[])]), interface([list(&first), statuses(9, &[("success", 700)])])] {
        let found = since(&forge, &world, "production", &on_github(&world)).unwrap();
        assert_pair(&world, &found, "main~1", "main");
        assert!(
            found.range.reason.ends_with("; no earlier deployment to `production` has succeeded yet"),
            "{}",
            found.range.reason
        );
    }
    let page = |first: u64, count: u64| -> Value {
        (first..first + count).map(|id| deployment(id, "production", &world.id("main~1"))).collect()
    };
    let failures = (1000..1300).map(|id| statuses(id, &[("failure", 100)]));
    let pages = [(String::new(), page(1000, 100)), ("?2".to_owned(), page(1100, 100))];
    let forge = interface(pages.into_iter().chain(failures));
    let refused = refusal(since(&forge, &world, "production", &on_github(&world)));
    assert!(refused.contains("none of the last 100 deployments to `production` succeeded"), "{refused}");
    assert_eq!(forge.requests.borrow().len(), 102, "two pages, and a hundred statuses");
    // Of the same commit, or to another environment: a full page is followed by the next.
    let own: Value = (0..100).map(|id| deployment(id, "production", &world.id("main"))).collect();
    let next = ("?2".to_owned(), json!([deployment(7, "production", &world.id("main~2"))]));
    let forge = interface([(String::new(), own), next, statuses(7, &[("success", 100)])]);
    assert_pair(&world, &since(&forge, &world, "production", &on_github(&world)).unwrap(), "main~2", "main");
}

#[test]
fn a_refusal_and_another_shape_are_errors_with_the_remedy_and_without_the_token() {
    let world = world();
    for (environment, remedy) in
        [(on_github(&world), "`permissions: deployments: read`"), (on_gitlab(&world), "`read_api`")]
    {
        let refused = refusal(since(&interface([]), &world, "production", &environment));
        assert!(
            refused.contains("`base: deployment:production` can't be found")
                && refused.contains("(HTTP 404: Not Found)"),
            "{refused}"
        );
        assert!(
            refused.contains(remedy) && !refused.contains("from-environment") && !refused.contains("job-token"),
            "{refused}"
        );
        for (answer, missing) in [
            (json!({}), "no list"),
            (json!([{ "sha": world.id("main~1") }]), "no `id`"),
            (json!([{ "id": 7, "sha": "main" }]), "no `sha`"),
        ] {
            let refused = refusal(since(&interface([(String::new(), answer)]), &world, "production", &environment));
            assert!(refused.contains(missing), "{refused}");
        }
        let off = Forge { is_on: false, ..interface([]) };
        assert!(refusal(since(&off, &world, "production", &environment)).contains("`fetch` is `false`"));
    }
    let one = list(&[deployment(7, "production", &world.id("main~1"))]);
    for (answer, missing) in
        [(json!({}), "no list"), (json!([{ "state": "success", "created_at": "now" }]), "no time in `created_at`")]
    {
        let forge = interface([one.clone(), ("/7/statuses".to_owned(), answer)]);
        assert!(refusal(since(&forge, &world, "production", &on_github(&world))).contains(missing));
    }
    let elsewhere = refusal(since(&interface([]), &world, "production", &environment_of(&[("CIRCLECI", "true")])));
    assert!(elsewhere.contains("`base: deployment:production` is known on GitHub and GitLab only"), "{elsewhere}");
    for name in ["GITHUB_API_URL", "GITHUB_REPOSITORY"] {
        let mut environment = on_github(&world);
        environment.insert(name.to_owned(), String::new());
        assert!(refusal(since(&interface([]), &world, "production", &environment)).contains(name));
    }
}
