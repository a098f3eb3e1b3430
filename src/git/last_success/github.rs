//! Finds the commit of a workflow's last successful run, through GitHub's API.
//!
//! `GET /repos/{owner}/{repo}/actions/workflows/{file}/runs`, newest first: GitHub Docs, "REST API endpoints for workflow runs"
//! (2026-11). It needs `actions: read`. A step that turned a run red, this one included, keeps it from ending well.

use git2::Oid;
use serde_json::Value;

use crate::environment::Environment;
use crate::error::Error;
use crate::git::io::Fetching;
use crate::git::oid;
use crate::git::range::{NamedCommit, Place, variable};

use super::api::{Api, needed};
use super::found::Found;

/// The most that one answer holds, and how many answers GitHub gives to one question: 1,000 runs (the same page).
const PER_PAGE: usize = 100;
const PAGES: usize = 10;

const HELP: &str = "give the job `permissions: actions: read` and `contents: read`, and this step the job's `token`; \
                    where there is no such interface, give `base: file:PATH`";

const OPTION: &str = "base: last-success";

/// Finds it.
///
/// # Errors
/// What keeps GitHub from answering.
pub(super) async fn find(environment: &Environment, fetching: &Fetching<'_>) -> Result<Found, Error> {
    let needed = |name| needed(environment, name, OPTION);
    let branch = match (variable(environment, "GITHUB_REF_TYPE"), variable(environment, "GITHUB_REF_NAME")) {
        (Some("branch"), Some(branch)) if !is_pull_request(needed("GITHUB_EVENT_NAME")?) => branch,
        _ => {
            let reference = variable(environment, "GITHUB_REF").unwrap_or("this run");
            return Ok(Found::Nothing(format!("`last-success` is about branches, and `{reference}` is none")));
        }
    };
    let api = Api::github(OPTION, HELP, environment, fetching)?;
    let run = needed("GITHUB_RUN_ID")?;
    let file = workflow(needed("GITHUB_WORKFLOW_REF")?, needed("GITHUB_REPOSITORY")?)?;
    let per_page = PER_PAGE.to_string();
    for page in 1..=PAGES {
        let page = page.to_string();
        let query = [("branch", branch), ("status", "success"), ("per_page", &per_page), ("page", &page)];
        let answer = api.get(&["actions", "workflows", file, "runs"], &query).await?;
        let runs = api.items(&answer, Some("workflow_runs"))?;
        if let Some((id, number)) = runs.iter().find_map(|one| last(one, run, branch)) {
            let reason = format!("the commit of run {number} of `{file}`, the last on `{branch}` that ended well");
            return Ok(Found::Commit(NamedCommit { id, field: "head_sha", place: Place::Run }, reason));
        }
        if runs.len() < PER_PAGE {
            break;
        }
    }
    Ok(Found::Nothing(format!("no run of `{file}` on `{branch}` has ended well yet")))
}

/// A run's commit and its number, if it ended well, is about the branch itself and isn't this one.
fn last(run: &Value, this: &str, branch: &str) -> Option<(Oid, u64)> {
    let text = |name: &str| run.get(name).and_then(Value::as_str);
    let is_this = run.get("id").and_then(Value::as_u64).is_none_or(|id| id.to_string() == this);
    let is_good = text("conclusion") == Some("success") && text("head_branch") == Some(branch);
    if is_this || !is_good || text("event").is_none_or(is_pull_request) {
        return None;
    }
    let id = oid::parse(text("head_sha")?)?;
    Some((id, run.get("run_number").and_then(Value::as_u64).unwrap_or_default()))
}

/// A pull request's run is about another commit than what its branch deploys.
fn is_pull_request(event: &str) -> bool {
    event.starts_with("pull_request")
}

/// The file's name in `owner/repository/.github/workflows/deploy.yml@refs/heads/main`.
fn workflow<'a>(reference: &'a str, repository: &str) -> Result<&'a str, Error> {
    let path = reference.split_once('@').map_or(reference, |(path, _)| path);
    let file = path.strip_prefix(repository).and_then(|path| path.strip_prefix('/'));
    let file = file.and_then(|path| path.rsplit('/').next()).filter(|file| !file.is_empty());
    file.ok_or_else(|| Error::Checkout {
        message: format!("`base: last-success` is about a workflow of `{repository}`, and this run's is `{path}`"),
        help: "give `base` otherwise, such as `file:PATH`".to_owned(),
    })
}
