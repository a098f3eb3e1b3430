//! A checkout becomes the list of files that changed between two commits.
//!
//! `range` decides which two, `git` looks them up, `tree` walks over their trees, `renames` pairs what moved. Only `git` knows
//! of repositories, so that the decision and the walk are tested from plain values.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::error::Error;
use crate::inputs::{Changes, Environment};
use crate::model::Change;

use self::git::{Repository, Resolved};
use self::range::{Base, Commit, Host, Told};
use self::tree::Limits;

pub use self::choices::{Choices, choices};

mod choices;
mod entries;
mod git;
mod range;
mod remedy;
mod renames;
mod tree;

/// The two commits whose difference counts, and why these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The commit that was deployed before, 40 hex digits; `None`: everything in head is new.
    pub base: Option<String>,
    /// The commit that is deployed now, 40 hex digits.
    pub head: String,
    /// One sentence fragment for the log and the report: `` `before` of the push: what the CDN has served until now ``.
    pub reason: String,
}

/// What changed, and between which commits.
#[derive(Debug)]
pub struct Changed {
    /// Between which commits.
    pub range: Range,
    /// By path, in byte order. A path stands here twice, deleted and then added, if a file and a submodule changed places.
    pub files: Vec<Change>,
}

/// Finds the repository at or above `start`, decides the range and walks the two trees.
///
/// The list is empty only if the two commits hold the same files.
///
/// # Errors
/// [`Error::Checkout`] with its remedy: no repository, a bare one, no commit yet, an unknown revision, a base that isn't in
/// this clone. Never an empty list in place of an error.
pub fn find(start: &Path, changes: &Changes, environment: &Environment) -> Result<Changed, Error> {
    let (base, head, all) = match changes {
        Changes::Git { base, head } => (base.as_deref(), head.as_deref(), false),
        Changes::All { head } => (None, head.as_deref(), true),
        Changes::Listed(_) => {
            return Err(Error::usage(
                "addresses are given, so there are no changed files to find",
                "leave `url-file` out to go by the changed files",
            ));
        }
    };
    let repository = Repository::open(start, environment)?;
    let told_head = match head {
        Some(revision) => repository.given(revision, "head")?,
        None => repository.head()?,
    };
    let decision = if all {
        range::everything()
    } else {
        let event = if base.is_none() { read_event(environment)? } else { None };
        let head_given = head.is_some();
        range::decide(&Told { base, head_given, head: &told_head, environment, event: event.as_ref() })?
    };
    let head = repository.resolve_head(&decision.head, told_head)?;
    compare(&repository, &decision.base, &head, decision.reason)
}

/// Looks up the base and walks the two trees.
fn compare(repository: &Repository, base: &Base, head: &Commit, reason: String) -> Result<Changed, Error> {
    let Resolved { commit, tag } = repository.resolve_base(base, head)?;
    let base_tree = commit.map(|base| repository.tree(base)).transpose()?;
    let differences = tree::differences(&repository.trees()?, base_tree, repository.tree(head.id)?, Limits::default())?;
    let reason = match (base, tag) {
        (_, Some(tag)) => format!("{reason}: `{tag}`"),
        (Base::PreviousTag(_), None) => format!("{reason}: there is none, so everything is new"),
        _ if commit == Some(head.id) => format!("{reason}; base and head are the same commit, so nothing differs"),
        _ => reason,
    };
    let range = Range { base: commit.map(|base| base.to_string()), head: head.id.to_string(), reason };
    Ok(Changed { range, files: renames::pair(differences) })
}

/// GitHub's events are at most 25 MB (GitHub Docs, webhook events and payloads, 2026-11); this is above it.
const LARGEST_EVENT: u64 = 32 << 20;

/// The event that started this job on GitHub; `None` elsewhere.
fn read_event(environment: &Environment) -> Result<Option<Value>, Error> {
    let path = environment.get("GITHUB_EVENT_PATH").filter(|path| !path.is_empty());
    let (Host::GitHub, Some(path)) = (Host::of(environment), path) else {
        return Ok(None);
    };
    let unusable = |why: &str| Error::Checkout {
        message: format!("the event in `{path}` (`GITHUB_EVENT_PATH`) {why}"),
        help: "give `base`, so that the event isn't needed; in a container, check that the file is mounted".to_owned(),
    };
    let mut text = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST_EVENT + 1).read_to_end(&mut text))
        .map_err(|error| unusable(&format!("can't be read: {error}")))?;
    if text.len() as u64 > LARGEST_EVENT {
        return Err(unusable("is larger than 32 MiB"));
    }
    serde_json::from_slice(&text).map(Some).map_err(|error| unusable(&format!("isn't JSON: {error}")))
}

#[cfg(test)]
mod tests;
