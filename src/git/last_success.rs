//! The commit of the last successful deployment: from the CI's own records of runs and deployments, or from a file.
//!
//! That there is none is a result, and logged; that it can't be found out is an error, and never taken for the other.

use std::io::{ErrorKind, Read};
use std::path::Path;

use git2::Oid;

use crate::config::BaseSpec;
use crate::environment::Environment;
use crate::error::Error;

use super::io::Fetching;
use super::oid;
use super::range::{Host, NamedCommit, Place};

pub(super) use self::found::Found;

mod api;
mod deployments;
mod found;
mod github;
mod gitlab;

/// Finds the commit of an earlier run. `deploying` are the commits that this run is about: a deployment of one of them may be
/// this run's own.
///
/// # Errors
/// [`Error::Checkout`] when it isn't known whether there is one.
pub(super) async fn find(
    base: &BaseSpec,
    deploying: &[Oid],
    environment: &Environment,
    fetching: &Fetching<'_>,
) -> Result<Found, Error> {
    if let BaseSpec::File(path) = base {
        return in_file(path);
    }
    if !fetching.is_on {
        return Err(Error::Checkout {
            message: format!("`base: {base}` queries the CI, and `fetch` is `false`"),
            help: "drop one of the two; `base: file:PATH` needs no network".to_owned(),
        });
    }
    match (Host::of(environment), base) {
        (Host::GitHub, BaseSpec::Deployment(name)) => {
            deployments::on_github(name, deploying, environment, fetching).await
        }
        (Host::GitLab, BaseSpec::Deployment(name)) => {
            deployments::on_gitlab(name, deploying, environment, fetching).await
        }
        (Host::GitHub, _) => github::find(environment, fetching).await,
        (Host::GitLab, _) => gitlab::find(environment, fetching).await,
        _ => Err(Error::Checkout {
            message: format!("`base: {base}` is known on GitHub and GitLab only"),
            help: "keep a file between the runs with `save-base: PATH`, and give `base: file:PATH`".to_owned(),
        }),
    }
}

/// A commit's digits and a line break; more is no such file.
const LARGEST_FILE: u64 = 1024;

/// The commit that `save-base` wrote.
fn in_file(path: &Path) -> Result<Found, Error> {
    let shown = path.display();
    let unusable = |why: &str| Error::Checkout {
        message: format!("`base: file:{shown}` {why}"),
        help: format!("let an earlier run write it with `save-base: {shown}`; or remove it, to go by the CI's event"),
    };
    // A pipe would keep the reader for ever.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(unusable("is no regular file"));
    }
    let mut text = String::new();
    match std::fs::File::open(path).and_then(|file| file.take(LARGEST_FILE).read_to_string(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Found::Nothing(format!("the file `{shown}`, which an earlier run writes, isn't there yet")));
        }
        Err(error) => return Err(unusable(&format!("can't be read: {error}"))),
    }
    let id = oid::parse(text.trim()).filter(|id| !id.is_zero());
    let id = id.ok_or_else(|| unusable("doesn't hold a commit of 40 digits"))?;
    let reason = format!("the commit in `{shown}`, which the last run that ended well wrote");
    Ok(Found::Commit(NamedCommit { id, field: "base", place: Place::File }, reason))
}
