//! The search for changed files: opens the repository, decides which two commits count, fetches one that is missing, compares them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use git2::Oid;

use crate::config::{BaseSpec, Changes};
use crate::environment::Environment;
use crate::error::Error;
use crate::model::{Change, RepoPath};

use super::fetch::Fetcher;
use super::io::Fetching;
use super::last_success::{self, Found};
use super::range::{self, Base, Commit, Decision, Head, Host, NamedCommit, Run};
use super::repository::Repository;
use super::revisions::Resolved;
use super::submodules::{Expansion, Following, Level, Unexpanded};
use super::time_limit::{LIMIT, Reader};
use super::tree_diff::{Item, Mode, Walked};
use super::{checkout_check, errors, event, oid, renames};

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
    /// By path, in byte order. A path occurs twice, deleted and then added, if a file and a submodule changed places.
    pub files: Vec<Change>,
    /// Changed submodules whose changed files aren't known; in `files` they are submodules.
    pub unexpanded: Vec<Unexpanded>,
    /// Folders that the rules spell out, which the checkout has and the head commit hasn't. Other rules are about folders that it has.
    pub built: Vec<RepoPath>,
    /// Sentences about links that aren't followed, and submodules whose old commit is missing.
    pub warnings: Vec<String>,
    /// Sentences about what wasn't looked for.
    pub notes: Vec<String>,
}

impl Changed {
    /// The differences as they are.
    pub(super) fn without_following(range: Range, walked: Walked) -> Self {
        Self {
            range,
            files: renames::pair(walked.differences),
            unexpanded: Vec::new(),
            built: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// Finds the repository at or above `start`, decides the range, fetches what of it isn't in the clone, and walks the two trees.
///
/// Changed submodules are followed by the files that changed in them, and changes behind symbolic links are listed at the links' paths
/// too. The list is empty only if the two commits hold the same files.
///
/// # Errors
/// [`Error::Checkout`] with its remedy: no repository, a bare one, no commit yet, an unknown revision, a base that isn't in
/// this clone and can't be fetched. Never an empty list in place of an error.
pub async fn search(
    start: &Path,
    changes: &Changes,
    following: &Following,
    environment: &Environment,
    fetching: &Fetching<'_>,
) -> Result<Changed, Error> {
    let mut search = Search::begin(start, changes, environment, LIMIT)?;
    search.decide(changes, environment, fetching).await?;
    let Search { ref reader, ref checked_out, ref about, ref mut decision } = search;
    let mut fetcher = Fetcher::new(reader, environment, fetching);
    let lineage = checkout_check::in_clone(reader, checked_out, about)?;
    let ancestor = checkout_check::ancestor(lineage, checked_out, about, &mut fetcher, Host::of(environment)).await?;
    checkout_check::follow(decision, ancestor.as_ref());
    fetcher.fetch_missing(decision, checked_out).await?;
    search.finish(Some((following, environment)))
}

/// The same with nothing but the clone.
///
/// # Errors
/// As [`search`]; and for a base that an earlier run left, since that takes more than the clone to find.
pub fn find(start: &Path, changes: &Changes, environment: &Environment) -> Result<Changed, Error> {
    find_within(start, changes, environment, LIMIT)
}

/// The same within another time limit.
pub(super) fn find_within(
    start: &Path,
    changes: &Changes,
    environment: &Environment,
    limit: Duration,
) -> Result<Changed, Error> {
    if matches!(changes, Changes::Since { base, .. } if !matches!(base, BaseSpec::Tag(_))) {
        return Err(Error::usage(
            "`base` is the commit of an earlier run, which can't be found in the clone",
            "give a revision",
        ));
    }
    let mut search = Search::begin(start, changes, environment, limit)?;
    let Search { reader, checked_out, about, decision } = &mut search;
    let lineage = checkout_check::in_clone(reader, checked_out, about)?;
    let ancestor = checkout_check::known(lineage, checked_out, about, Host::of(environment))?;
    checkout_check::follow(decision, ancestor.as_ref());
    search.finish(None)
}

/// A repository, and what was decided about it.
pub(super) struct Search {
    reader: Reader,
    /// The commit of `head`, else the one that is checked out.
    checked_out: Commit,
    /// The commits that the run is about, where the base follows from its event: HEAD has to be one of them or descend from one.
    about: Vec<NamedCommit>,
    decision: Decision,
}

impl Search {
    /// Opens the repository, and decides by what the host says.
    pub(super) fn begin(
        start: &Path,
        changes: &Changes,
        environment: &Environment,
        limit: Duration,
    ) -> Result<Self, Error> {
        let (base, head) = match changes {
            Changes::Git { base, head } => (base.as_deref(), head.clone()),
            Changes::Since { head, .. } | Changes::All { head } => (None, head.clone()),
            Changes::Directory(_) => {
                return Err(Error::usage(
                    "a built directory is compared with its manifest, so no commits are compared",
                    "leave `changes: directory` out to go by the commits",
                ));
            }
            Changes::List(_) => {
                return Err(Error::usage(
                    "a deploy tool's list says which files changed, so no commits are compared",
                    "leave `changes: list` out to go by the commits",
                ));
            }
            Changes::Urls(_) => {
                return Err(Error::usage(
                    "URLs are given, so there are no changed files to find",
                    "leave `url-file` out to go by the changed files",
                ));
            }
        };
        let reader = Reader::open(start, environment, limit)?;
        let head_given = head.is_some();
        let checked_out = reader.ask(move |repository| match head {
            Some(revision) => repository.given(&revision, "head"),
            None => repository.head(),
        })?;
        let (decision, about) = match changes {
            Changes::Since { base: BaseSpec::Tag(pattern), .. } => (range::since_tag(pattern), Vec::new()),
            // Decided by what is found outside of the clone.
            Changes::All { .. } | Changes::Since { .. } => (range::everything(), Vec::new()),
            Changes::Git { .. } | Changes::Directory(_) | Changes::List(_) | Changes::Urls(_) => {
                by_host(base, head_given, &checked_out, environment)?
            }
        };
        Ok(Self { reader, checked_out, about, decision })
    }

    /// Decides by the base that an earlier run saved, if `base` names it; and by the CI if there is none.
    async fn decide(
        &mut self,
        changes: &Changes,
        environment: &Environment,
        fetching: &Fetching<'_>,
    ) -> Result<(), Error> {
        let Changes::Since { base, head } = changes else { return Ok(()) };
        if matches!(base, BaseSpec::Tag(_)) {
            return Ok(());
        }
        // The variables alone name the job's commit, too.
        let event = event::read(environment).ok().flatten();
        let about = range::event_commits(environment, event.as_ref());
        let deploying: Vec<Oid> = about.iter().map(|named| named.id).chain([self.checked_out.id]).collect();
        (self.decision, self.about) = match last_success::find(base, &deploying, environment, fetching).await? {
            Found::Commit(named, reason) => {
                let is_of_the_ci = matches!(base, BaseSpec::LastSuccess | BaseSpec::Deployment(_));
                let about = if is_of_the_ci && head.is_none() && !about.is_empty() {
                    // A branch that descends from what was deployed last is compared with the right commit, too.
                    [about, vec![named.clone()]].concat()
                } else {
                    Vec::new()
                };
                (Decision { base: Base::Named(named), head: Head::CheckedOut, reason }, about)
            }
            Found::Nothing(why) => {
                let (decision, about) = by_host(None, head.is_some(), &self.checked_out, environment)?;
                (Decision { reason: format!("{}; {why}", decision.reason), ..decision }, about)
            }
        };
        Ok(())
    }

    /// Looks the two commits up, and compares them. Submodules and links are followed if it is said how, and in which environment.
    pub(super) fn finish(&self, following: Option<(&Following, &Environment)>) -> Result<Changed, Error> {
        let (decision, checked_out) = (self.decision.clone(), self.checked_out.clone());
        let following = following.map(|(following, environment)| (following.clone(), environment.clone()));
        self.reader.ask(move |repository| {
            let head = repository.resolve_head(&decision.head, checked_out)?;
            let (range, walked) = compare(repository, &decision.base, &head, decision.reason)?;
            let Some((following, environment)) = following else {
                return Ok(Changed::without_following(range, walked));
            };
            let mut expansion = Expansion::new(&following, &environment);
            let base = range.base.as_deref().and_then(oid::parse);
            let files = expansion.changes(&Level::outermost(repository, base, head.id), walked)?;
            let Expansion { unexpanded, warnings, notes, .. } = expansion;
            let is_changed = |folder: &[u8]| files.iter().any(|change| change.path.as_bytes().starts_with(folder));
            let folders = following.reach.folders();
            let still: Vec<_> = folders.iter().filter(|folder| !is_changed(folder)).collect();
            let built = built_folders(repository, head.id, &still)?;
            let is_built = |folder: &[u8]| built.iter().any(|built| folder.starts_with(built.as_bytes()));
            if let Some(first) = built.first().filter(|_| folders.iter().all(|folder| is_built(folder))) {
                return Err(errors::nothing_in_git(&first.to_string()));
            }
            Ok(Changed { range, files, unexpanded, built: built.into_iter().collect(), warnings, notes })
        })
    }
}

/// Those of these folders, each ending in `/`, that the checkout has and the commit hasn't, each once.
fn built_folders(repository: &Repository, commit: Oid, folders: &[&Vec<u8>]) -> Result<BTreeSet<RepoPath>, Error> {
    let mut built = BTreeSet::new();
    for folder in folders {
        let Ok(text) = std::str::from_utf8(folder) else { continue };
        if folder.is_empty() || !repository.directory.join(text).is_dir() {
            continue;
        }
        for (end, _) in folder.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            match repository.entry(commit, &folder[..end])? {
                Some(Item { mode: Mode::Directory, .. }) => {}
                // A submodule, or a link.
                Some(_) => break,
                None => {
                    built.insert(RepoPath::new(&folder[..end]));
                    break;
                }
            }
        }
    }
    Ok(built)
}

/// The host's decision, and the commits that it is about; none where a person chose a commit.
fn by_host(
    base: Option<&str>,
    head_given: bool,
    head: &Commit,
    environment: &Environment,
) -> Result<(Decision, Vec<NamedCommit>), Error> {
    let event = if base.is_none() { event::read(environment)? } else { None };
    let is_chosen = base.is_some() || head_given;
    let about = if is_chosen { Vec::new() } else { range::event_commits(environment, event.as_ref()) };
    let decision = range::decide(&Run { base, head_given, head, environment, event: event.as_ref(), about: &about })?;
    Ok((decision, about))
}

/// Looks up the base, and compares the trees of the two commits.
///
/// # Errors
/// A base that can't be found, and trees that can't be read.
pub(super) fn compare(
    repository: &Repository,
    base: &Base,
    head: &Commit,
    reason: String,
) -> Result<(Range, Walked), Error> {
    let Resolved { commit, tag, series } = repository.resolve_base(base, head)?;
    let walked = repository.walk(commit, head.id)?;
    let reason = match (base, tag) {
        (_, Some(tag)) => format!("{reason}: `{tag}`"),
        (Base::ParentOf(_), None) if commit.is_none() => format!("{reason}: it has none, so everything is new"),
        (Base::PreviousTag(_), None) if series.is_some() => {
            let series = series.unwrap_or_default();
            format!("{reason}: there is none of its series (`{series}`), so everything is new")
        }
        (Base::PreviousTag(_) | Base::MatchingTag(_), None) => format!("{reason}: there is none, so everything is new"),
        _ if commit == Some(head.id) => format!("{reason}; base and head are the same commit, so nothing differs"),
        _ => reason,
    };
    let range = Range { base: commit.map(|base| base.to_string()), head: head.id.to_string(), reason };
    Ok((range, walked))
}
