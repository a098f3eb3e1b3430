//! Whether the branch of a CI job has another commit by now: a newer deployment may have replaced pages of this one.

use std::path::Path;
use std::time::Duration;

use crate::environment::Environment;

use super::fetch::Fetcher;
use super::io::Fetching;
use super::range::{Host, variable};
use super::time_limit::Reader;

/// How long the repository is read at most.
const LIMIT: Duration = Duration::from_secs(10);

/// The job's branch and its commit at the remote, if that is another one than `head`. `None`: it is the same, this isn't a job of
/// that commit on a branch, the remote can't be fetched from, or it doesn't say.
pub async fn newer_head(
    start: &Path,
    head: &str,
    environment: &Environment,
    fetching: &Fetching<'_>,
) -> Option<(String, String)> {
    let (branch, commit) = match Host::of(environment) {
        Host::GitHub => (variable(environment, "GITHUB_REF")?.strip_prefix("refs/heads/")?, "GITHUB_SHA"),
        Host::GitLab => (variable(environment, "CI_COMMIT_BRANCH")?, "CI_COMMIT_SHA"),
        _ => return None,
    };
    if variable(environment, commit)? != head {
        return None;
    }
    let reader = Reader::open(start, environment, LIMIT).ok()?;
    let mut fetcher = Fetcher::new(&reader, environment, fetching);
    if !fetcher.can_fetch().ok()? {
        return None;
    }
    let tip = fetcher.branch_head(branch).await.ok()?.to_string();
    (tip != head).then(|| (branch.to_owned(), tip))
}
