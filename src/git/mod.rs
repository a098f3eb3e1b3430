//! A checkout becomes the list of files that changed between two commits.
//!
//! `range` decides which two, `earlier` asks what an earlier run left, `fetch` gets what the clone lacks, `git` looks the commits
//! up, `tree` walks over their trees, `renames` pairs what moved. Only `git` knows of repositories, so that the decision and the
//! walk are tested from plain values.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::config::{BaseSpec, Changes};
use crate::environment::Environment;
use crate::error::Error;
use crate::model::Change;

use self::fetch::Fetcher;
use self::git::{Repository, Resolved};
use self::range::{Base, Commit, Decision, Host, Told};

pub use self::choices::{Choices, choices};
pub use self::outside::{Fetching, Outside, Take};
pub use self::trust::trusted;

mod ancestry;
mod choices;
mod earlier;
mod entries;
mod fetch;
mod git;
mod outside;
mod range;
mod remedy;
mod renames;
mod submodules;
mod tree;
mod trust;

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

/// Finds the repository at or above `start`, decides the range, fetches what of it isn't in the clone, and walks the two trees.
///
/// With `submodules`, a changed submodule stands for the files that changed in it. The list is empty only if the two commits hold
/// the same files.
///
/// # Errors
/// [`Error::Checkout`] with its remedy: no repository, a bare one, no commit yet, an unknown revision, a base that isn't in
/// this clone and can't be fetched. Never an empty list in place of an error.
pub async fn search(
    start: &Path,
    changes: &Changes,
    submodules: bool,
    environment: &Environment,
    fetching: &Fetching<'_>,
) -> Result<Changed, Error> {
    let mut search = Search::begin(start, changes, environment)?;
    search.decide(changes, environment, fetching).await?;
    let mut fetcher = Fetcher::new(&search.repository, environment, fetching);
    fetcher.supply(&mut search.decision, &search.told).await?;
    search.finish(submodules.then_some(environment))
}

/// The same with nothing but the clone.
///
/// # Errors
/// As [`search`]; and for a base that an earlier run left, which takes more than the clone to find.
pub fn find(start: &Path, changes: &Changes, environment: &Environment) -> Result<Changed, Error> {
    if let Changes::Since { base: BaseSpec::LastSuccess | BaseSpec::File(_), .. } = changes {
        return Err(Error::usage(
            "`base` is what an earlier run left, which the clone doesn't tell",
            "give a revision",
        ));
    }
    Search::begin(start, changes, environment)?.finish(None)
}

/// A repository, and what was decided about it.
struct Search {
    repository: Repository,
    /// The commit of `head`, else the one that is checked out.
    told: Commit,
    decision: Decision,
}

impl Search {
    /// Opens the repository, and decides by what the host tells.
    fn begin(start: &Path, changes: &Changes, environment: &Environment) -> Result<Self, Error> {
        let (base, head) = match changes {
            Changes::Git { base, head } => (base.as_deref(), head.as_deref()),
            Changes::Since { head, .. } | Changes::All { head } => (None, head.as_deref()),
            Changes::Listed(_) => {
                return Err(Error::usage(
                    "addresses are given, so there are no changed files to find",
                    "leave `url-file` out to go by the changed files",
                ));
            }
        };
        let repository = Repository::open(start, environment)?;
        let told = match head {
            Some(revision) => repository.given(revision, "head")?,
            None => repository.head()?,
        };
        let decision = match changes {
            Changes::Since { base: BaseSpec::Tag(pattern), .. } => range::since_tag(pattern),
            // Decided by what is found outside of the clone.
            Changes::All { .. } | Changes::Since { .. } => range::everything(),
            Changes::Git { .. } | Changes::Listed(_) => by_host(base, head.is_some(), &told, environment)?,
        };
        Ok(Self { repository, told, decision })
    }

    /// Decides by what an earlier run left, where that was asked for; and by the host where there is nothing.
    async fn decide(
        &mut self,
        changes: &Changes,
        environment: &Environment,
        fetching: &Fetching<'_>,
    ) -> Result<(), Error> {
        let Changes::Since { base: base @ (BaseSpec::LastSuccess | BaseSpec::File(_)), head } = changes else {
            return Ok(());
        };
        self.decision = match earlier::find(base, environment, fetching).await? {
            earlier::Found::Commit(named, reason) => {
                Decision { base: Base::Named(named), head: range::Head::Told, reason }
            }
            earlier::Found::Nothing(why) => {
                let decision = by_host(None, head.is_some(), &self.told, environment)?;
                Decision { reason: format!("{}; {why}", decision.reason), ..decision }
            }
        };
        Ok(())
    }

    /// Looks the two commits up, and compares them; those of submodules too, if an environment to open them in is given.
    fn finish(self, submodules: Option<&Environment>) -> Result<Changed, Error> {
        let head = self.repository.resolve_head(&self.decision.head, self.told)?;
        let changed = compare(&self.repository, &self.decision.base, &head, self.decision.reason)?;
        match submodules {
            Some(environment) => submodules::expand(changed, &self.repository, environment),
            None => Ok(changed),
        }
    }
}

fn by_host(base: Option<&str>, head_given: bool, head: &Commit, environment: &Environment) -> Result<Decision, Error> {
    let event = if base.is_none() { read_event(environment)? } else { None };
    range::decide(&Told { base, head_given, head, environment, event: event.as_ref() })
}

/// Looks up the base and walks the two trees.
fn compare(repository: &Repository, base: &Base, head: &Commit, reason: String) -> Result<Changed, Error> {
    let Resolved { commit, tag } = repository.resolve_base(base, head)?;
    let differences = repository.differences(commit, head.id)?;
    let reason = match (base, tag) {
        (_, Some(tag)) => format!("{reason}: `{tag}`"),
        (Base::PreviousTag(_) | Base::MatchingTag(_), None) => format!("{reason}: there is none, so everything is new"),
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
