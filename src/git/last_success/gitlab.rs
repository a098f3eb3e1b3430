//! Finds the commit of the last successful pipeline, through GitLab's API.
//!
//! `GET /projects/:id/pipelines`, newest first: GitLab Docs, "Pipelines API" (2026-11). A job's own token may not read them on
//! every GitLab: "GitLab CI/CD job token" (2026-11) doesn't list this call, and an open issue requests it
//! (gitlab-org/gitlab issue 506668). So if it is refused, the error tells to pass a `token` with `read_api`.

use git2::Oid;
use serde_json::Value;

use crate::environment::Environment;
use crate::error::Error;
use crate::git::io::Fetching;
use crate::git::oid;
use crate::git::range::{NamedCommit, Place, variable};

use super::api::{Api, needed};
use super::found::Found;

const HELP: &str = "a job's own token may not read pipelines: give a `token` of the project with the scope `read_api` \
                    (and `read_repository`, if commits are to be fetched); or `base: file:PATH`";

const OPTION: &str = "base: last-success";

/// Finds it.
///
/// # Errors
/// What keeps GitLab from answering.
pub(super) async fn find(environment: &Environment, fetching: &Fetching<'_>) -> Result<Found, Error> {
    let source = needed(environment, "CI_PIPELINE_SOURCE", OPTION)?;
    let Some(branch) = variable(environment, "CI_COMMIT_BRANCH").filter(|_| !is_merge_request(source)) else {
        return Ok(Found::Nothing("`last-success` is about branches, and this pipeline is for none".to_owned()));
    };
    let api = Api::gitlab(OPTION, HELP, environment, fetching)?;
    let this = needed(environment, "CI_PIPELINE_ID", OPTION)?;
    let query = [("ref", branch), ("status", "success"), ("order_by", "id"), ("sort", "desc"), ("per_page", "100")];
    let answer = api.get(&["pipelines"], &query).await?;
    let pipelines = api.items(&answer, None)?;
    Ok(match pipelines.iter().find_map(|one| last(one, this, branch)) {
        Some((id, pipeline)) => {
            let reason = format!("the commit of pipeline {pipeline}, the last on `{branch}` that ended well");
            Found::Commit(NamedCommit { id, field: "sha", place: Place::Run }, reason)
        }
        None => Found::Nothing(format!("no pipeline on `{branch}` has ended well yet")),
    })
}

/// A pipeline's commit and its id, if it ended well, is about the branch itself and isn't this one.
fn last(pipeline: &Value, this: &str, branch: &str) -> Option<(Oid, u64)> {
    let text = |name: &str| pipeline.get(name).and_then(Value::as_str);
    let id = pipeline.get("id").and_then(Value::as_u64).filter(|id| id.to_string() != this)?;
    let is_good = text("status") == Some("success") && text("ref") == Some(branch);
    // Old versions of GitLab don't say the source.
    if !is_good || text("source").is_some_and(is_merge_request) {
        return None;
    }
    Some((oid::parse(text("sha")?)?, id))
}

fn is_merge_request(source: &str) -> bool {
    matches!(source, "merge_request_event" | "external_pull_request_event")
}
