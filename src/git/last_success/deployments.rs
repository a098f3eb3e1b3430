//! Finds the commit of the last successful deployment to an environment, through GitHub's or GitLab's API.
//!
//! - GitHub: `GET /repos/{owner}/{repo}/deployments`, newest first, and `…/deployments/{id}/statuses`: GitHub Docs, "REST API
//!   endpoints for deployments" and "… for deployment statuses" (2026-11). Both need `deployments: read`.
//! - GitLab: `GET /projects/:id/deployments`: GitLab Docs, "Deployments API" (2026-11). A job's own token is accepted by GitLab
//!   since issue 414549, else a `token` with `read_api` is needed.
//!
//! The records are in the order in which deployments began. One that waited for an approval may have ended after a newer one, so
//! that the last to end well is looked for, among a few. A deployment of the commits that are being deployed now is no earlier
//! one, even if it ended well: the job that deploys may have ended before this one began.

use git2::Oid;
use jiff::Timestamp;
use serde_json::Value;

use crate::environment::Environment;
use crate::error::Error;
use crate::git::io::Fetching;
use crate::git::oid;
use crate::git::range::{NamedCommit, Place};

use super::api::Api;
use super::found::Found;

/// The most that one answer holds, on both hosts (the same pages).
const PER_PAGE: usize = 100;
/// How many pages are read.
const PAGES: usize = 10;
/// How many deployments that aren't known to have ended well are looked at, on GitHub with a request each.
const MOST: usize = 100;
/// How many successful ones are compared.
const COMPARED: usize = 5;

const GITHUB_HELP: &str = "give the job `permissions: deployments: read` and `contents: read`, and this step the job's `token`; \
                           where there is no such interface, give `base: file:PATH`";
const GITLAB_HELP: &str = "where GitLab doesn't let a job's own token read deployments, give a `token` of the project with the scope \
                           `read_api` (and `read_repository`, if commits are to be fetched); or `base: file:PATH`";

/// A deployment that ended well.
struct Success {
    commit: Oid,
    id: u64,
    ended: Timestamp,
}

/// The successful deployments that were found, of which the last one counts.
struct Search<'a> {
    /// The name of the environment.
    name: &'a str,
    deploying: &'a [Oid],
    found: Vec<Success>,
    examined: usize,
}

impl<'a> Search<'a> {
    fn new(name: &'a str, deploying: &'a [Oid]) -> Self {
        Self { name, deploying, found: Vec::new(), examined: 0 }
    }

    /// A deployment's id and commit, if it is one to this environment and of another commit than the one that is deployed now.
    fn candidate(&self, deployment: &Value, name: Option<&str>, api: &Api<'_>) -> Result<Option<(u64, Oid)>, Error> {
        let id = deployment.get("id").and_then(Value::as_u64).ok_or_else(|| api.misshaped("`id`"))?;
        let commit = deployment.get("sha").and_then(Value::as_str).and_then(oid::parse);
        let commit = commit.ok_or_else(|| api.misshaped("`sha`"))?;
        // GitHub doesn't tell environments apart by the case of their letters.
        let is_of_it = name.is_some_and(|name| name.eq_ignore_ascii_case(self.name));
        Ok((is_of_it && !self.deploying.contains(&commit)).then_some((id, commit)))
    }

    fn is_enough(&self) -> bool {
        self.found.len() >= COMPARED || self.examined >= MOST
    }

    /// The result. `is_whole`: no deployment is left that wasn't looked at.
    fn finish(self, is_whole: bool, api: &Api<'_>) -> Result<Found, Error> {
        let Self { name, examined, .. } = self;
        let Some(last) = self.found.into_iter().max_by_key(|success| (success.ended, success.id)) else {
            return if is_whole {
                Ok(Found::Nothing(format!("no earlier deployment to `{name}` has succeeded yet")))
            } else {
                Err(Error::Checkout {
                    message: format!(
                        "`{}` can't be found: none of the last {examined} deployments to `{name}` succeeded",
                        api.option
                    ),
                    help: "give `base`: the commit whose content the CDN has served until now; or `changes: all`"
                        .to_owned(),
                })
            };
        };
        let reason = format!("the commit of deployment {}, the last to `{name}` that succeeded", last.id);
        Ok(Found::Commit(NamedCommit { id: last.commit, field: "sha", place: Place::Deployment }, reason))
    }
}

/// Finds it on GitHub.
///
/// # Errors
/// What keeps GitHub from answering; deployments of which none succeeded, for too long.
pub(super) async fn on_github(
    name: &str,
    deploying: &[Oid],
    environment: &Environment,
    fetching: &Fetching<'_>,
) -> Result<Found, Error> {
    let option = format!("base: deployment:{name}");
    let api = Api::github(&option, GITHUB_HELP, environment, fetching)?;
    let mut search = Search::new(name, deploying);
    let per_page = PER_PAGE.to_string();
    for page in 1..=PAGES {
        let query = [("environment", name), ("per_page", &per_page), ("page", &page.to_string())];
        let answer = api.get(&["deployments"], &query).await?;
        let deployments = api.items(&answer, None)?;
        for deployment in deployments {
            let environment = deployment.get("environment").and_then(Value::as_str);
            let Some((id, commit)) = search.candidate(deployment, environment, &api)? else { continue };
            if search.is_enough() {
                return search.finish(false, &api);
            }
            search.examined += 1;
            let path = ["deployments", &id.to_string(), "statuses"];
            let answer = api.get(&path, &[("per_page", &per_page)]).await?;
            // A success is followed by `inactive` once a newer deployment succeeds.
            let successes = api.items(&answer, None)?.iter().filter(|status| text(status, "state") == Some("success"));
            let ends: Vec<Timestamp> =
                successes.map(|status| moment(status, "created_at", &api)).collect::<Result<_, _>>()?;
            search.found.extend(ends.into_iter().max().map(|ended| Success { commit, id, ended }));
        }
        if deployments.len() < PER_PAGE {
            return search.finish(true, &api);
        }
    }
    search.finish(false, &api)
}

/// Finds it on GitLab.
///
/// # Errors
/// What keeps GitLab from answering.
pub(super) async fn on_gitlab(
    name: &str,
    deploying: &[Oid],
    environment: &Environment,
    fetching: &Fetching<'_>,
) -> Result<Found, Error> {
    let option = format!("base: deployment:{name}");
    let api = Api::gitlab(&option, GITLAB_HELP, environment, fetching)?;
    let mut search = Search::new(name, deploying);
    let per_page = PER_PAGE.to_string();
    for page in 1..=PAGES {
        let page = page.to_string();
        let query = [
            ("environment", name),
            ("status", "success"),
            ("order_by", "id"),
            ("sort", "desc"),
            ("per_page", &*per_page),
            ("page", &*page),
        ];
        let answer = api.get(&["deployments"], &query).await?;
        let deployments = api.items(&answer, None)?;
        for deployment in deployments {
            let environment = deployment.get("environment").and_then(|environment| text(environment, "name"));
            let is_success = text(deployment, "status") == Some("success");
            let Some((id, commit)) = search.candidate(deployment, environment.filter(|_| is_success), &api)? else {
                continue;
            };
            if search.is_enough() {
                return search.finish(false, &api);
            }
            search.examined += 1;
            // A deployment that came in through the API has no job.
            let job = deployment.get("deployable").filter(|job| text(job, "finished_at").is_some());
            let ended = match job {
                Some(job) => moment(job, "finished_at", &api)?,
                None => moment(deployment, "updated_at", &api)?,
            };
            search.found.push(Success { commit, id, ended });
        }
        if deployments.len() < PER_PAGE {
            return search.finish(true, &api);
        }
    }
    search.finish(false, &api)
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// A moment, which GitLab writes with a zone of its own.
fn moment(value: &Value, name: &str, api: &Api<'_>) -> Result<Timestamp, Error> {
    text(value, name).and_then(|text| text.parse().ok()).ok_or_else(|| api.misshaped(&format!("time in `{name}`")))
}
