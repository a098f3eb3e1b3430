//! Decides whether the configuration file may be trusted on events that strangers can trigger.
//!
//! GitHub starts `pull_request_target` and its like with the project's secrets, for people who may not write to it (GitHub Docs,
//! "Securely using pull_request_target", 2026-11). What such a job checks out can be theirs, and what an earlier job left as an
//! artifact too. So there the file must be the one that the project's own commit holds, or lie outside of every checkout, where
//! only the workflow itself can have put it.

use std::io::Read;
use std::path::Path;

use git2::{ObjectType, Oid};
use serde_json::Value;

use crate::environment::Environment;
use crate::error::Error;

use super::range::{Commit, Host, variable};
use super::repository::Repository;
use super::time_limit::{LIMIT, Reader};
use super::tree_diff::Mode;
use super::{event, oid};

/// Events that run with the project's secrets whoever causes them, and on whose behalf something else than the project's own
/// branch may be checked out.
const OPEN_TO_STRANGERS: &[&str] =
    &["pull_request_target", "workflow_run", "issue_comment", "issues", "discussion", "discussion_comment"];

/// What the first workflow of a `workflow_run` was started by, where only people who may write to the project can start it.
const BY_WRITERS: &[&str] = &["push", "schedule", "workflow_dispatch", "repository_dispatch", "release", "merge_group"];

/// More than a configuration file may hold.
const LARGEST: u64 = 1 << 20;

/// Refuses a configuration file that a stranger may have written.
///
/// # Errors
/// [`Error::Checkout`] that names the event, the commit and what to do; an event file that can't be read.
pub fn trusted(config: &Path, environment: &Environment) -> Result<(), Error> {
    let Some(event) = variable(environment, "GITHUB_EVENT_NAME").filter(|name| OPEN_TO_STRANGERS.contains(name)) else {
        return Ok(());
    };
    if Host::of(environment) != Host::GitHub {
        return Ok(());
    }
    let refused = |why: String| {
        Error::Checkout {
        message: format!(
            "`{}` isn't trusted to decide what is sent on a `{event}` event, which anyone can cause: {why}",
            config.display()
        ),
        help: "check out the project's own branch (`actions/checkout` without `ref`), or write the configuration in the workflow: \
               `provider`, `files` and `urls`, or a file in `$RUNNER_TEMP`"
            .to_owned(),
    }
    };
    let unread = |error: std::io::Error| refused(format!("it can't be read again: {error}"));
    let file = config.canonicalize().map_err(unread)?;
    let directory = file.parent().unwrap_or(Path::new("/"));
    // In a checkout, even in a broken one.
    if !directory.ancestors().any(|above| above.join(".git").symlink_metadata().is_ok()) {
        return Ok(());
    }
    let repository = Reader::open(directory, environment, LIMIT)?;
    let head = repository.ask(Repository::head)?;
    if !is_the_projects(&head, event, environment)? {
        return Err(refused(format!(
            "the checkout that it lies in is at `{}`, which isn't the project's own commit (`GITHUB_SHA`)",
            head.id
        )));
    }
    let mut content = Vec::new();
    std::fs::File::open(&file).and_then(|file| file.take(LARGEST).read_to_end(&mut content)).map_err(unread)?;
    let commit = head.id;
    if repository.ask(move |repository| Ok(has_content(repository, commit, &file, &content)))? {
        return Ok(());
    }
    Err(refused(format!("the commit `{commit}` that is checked out holds another file, or none, in its place")))
}

/// Whether `commit` has this content at the place of `file`, an absolute path without links.
fn has_content(repository: &Repository, commit: Oid, file: &Path, content: &[u8]) -> bool {
    let Ok(place) = file.strip_prefix(&repository.directory) else { return false };
    let Ok(id) = Oid::hash_object(ObjectType::Blob, content) else { return false };
    let names: Vec<&[u8]> = place.iter().map(std::ffi::OsStr::as_encoded_bytes).collect();
    let is_file = |mode| matches!(mode, Mode::File | Mode::Executable | Mode::Symlink);
    let found = repository.entry(commit, &names.join(&b'/'));
    found.is_ok_and(|item| item.is_some_and(|item| is_file(item.mode) && item.id == id))
}

/// Whether only people who may write to the project can have made this commit: the one that GitHub names for the job, or for a
/// `workflow_run` the one of the first workflow, if one of them started that.
fn is_the_projects(head: &Commit, event: &str, environment: &Environment) -> Result<bool, Error> {
    let named = |text: Option<&str>| text.and_then(oid::parse) == Some(head.id);
    if named(variable(environment, "GITHUB_SHA")) {
        return Ok(true);
    }
    if event != "workflow_run" {
        return Ok(false);
    }
    let Some(content) = event::read(environment)? else { return Ok(false) };
    let text = |path: &[&str]| path.iter().try_fold(&content, |value, key| value.get(*key)).and_then(Value::as_str);
    let is_own = text(&["repository", "full_name"])
        .is_some_and(|project| text(&["workflow_run", "head_repository", "full_name"]) == Some(project));
    let by_writer = text(&["workflow_run", "event"]).is_some_and(|first| BY_WRITERS.contains(&first));
    Ok(is_own && by_writer && named(text(&["workflow_run", "head_sha"])))
}
