//! Resolves revisions, branches and tags to commits of an open repository.

use std::collections::{BTreeMap, BTreeSet};

use git2::{ErrorCode, Oid};

use crate::config::TagPattern;
use crate::error::Error;

use super::errors::{self, Distance};
use super::history::{self, MergeBase};
use super::oid;
use super::range::{Base, Commit, Head, NamedCommit};
use super::repository::{Peeled, Repository};
use super::tag_series::{self, Series, Version};

/// The commit of a [`Base`].
#[derive(Default)]
pub(super) struct Resolved {
    /// `None`: everything in head is new.
    pub(super) commit: Option<Oid>,
    /// The tag that was found for it, if one was looked for.
    pub(super) tag: Option<String>,
    /// The series in which no tag was found, if the history has tags of others.
    pub(super) series: Option<String>,
}

/// Why a revision is no commit.
enum Unresolved {
    /// Nothing of this name is here.
    Unknown,
    /// More than one object has an id that begins so.
    Ambiguous,
    /// It is something else, by its kind.
    Other(&'static str),
    Unreadable(Error),
}

impl From<Error> for Unresolved {
    fn from(error: Error) -> Self {
        Self::Unreadable(error)
    }
}

impl Repository {
    /// The commit of a revision that a person gave for `option`; an annotated tag means its commit.
    ///
    /// # Errors
    /// A revision that isn't known, isn't unique or is no commit.
    pub(super) fn given(&self, revision: &str, option: &str) -> Result<Commit, Error> {
        self.resolve(revision).map_err(|unresolved| match unresolved {
            Unresolved::Unknown => {
                let remote = format!("origin/{revision}");
                let known = self.resolve(&remote).is_ok().then_some(remote.as_str());
                errors::unknown(revision, option, known, self.is_shallow(), self.host)
            }
            Unresolved::Ambiguous => errors::ambiguous(revision, option),
            Unresolved::Other(kind) => errors::no_commit(revision, option, kind),
            Unresolved::Unreadable(error) => error,
        })
    }

    /// The same; `None` for a revision that isn't known here.
    ///
    /// # Errors
    /// As for [`Repository::given`].
    pub(super) fn given_if_known(&self, revision: &str, option: &str) -> Result<Option<Commit>, Error> {
        match self.resolve(revision) {
            Ok(commit) => Ok(Some(commit)),
            Err(Unresolved::Unknown) => Ok(None),
            Err(_) => self.given(revision, option).map(Some),
        }
    }

    fn resolve(&self, revision: &str) -> Result<Commit, Unresolved> {
        // libgit2 takes an empty name for `HEAD`, and git for nothing. No name has a zero byte.
        if revision.is_empty() || revision.contains('\0') {
            return Err(Unresolved::Unknown);
        }
        let id = match oid::parse(revision) {
            Some(id) => id,
            None => {
                self.git.revparse_single(revision).map(|object| object.id()).map_err(|error| match error.code() {
                    ErrorCode::Ambiguous => Unresolved::Ambiguous,
                    ErrorCode::NotFound | ErrorCode::InvalidSpec => Unresolved::Unknown,
                    _ => errors::unreadable(&format!("`{revision}`"), error.message()).into(),
                })?
            }
        };
        match self.peel(id)? {
            Peeled::Commit(commit) => Ok(commit),
            Peeled::Other(kind) => Err(Unresolved::Other(kind)),
            Peeled::Absent => Err(Unresolved::Unknown),
        }
    }

    /// The commit of head.
    ///
    /// # Errors
    /// A commit that isn't in this clone.
    pub(super) fn resolve_head(&self, head: &Head, checked_out: Commit) -> Result<Commit, Error> {
        match head {
            Head::CheckedOut => Ok(checked_out),
            Head::Named(named) => self.named(named),
        }
    }

    /// The commit of base.
    ///
    /// # Errors
    /// A commit that isn't in this clone or can't be found in it for sure.
    pub(super) fn resolve_base(&self, base: &Base, head: &Commit) -> Result<Resolved, Error> {
        let commit = match base {
            Base::Given(revision) => self.given(revision, "base")?.id,
            Base::Named(named) => self.named(named)?.id,
            Base::Parent(parent) => self.parent(*parent)?,
            Base::ParentOf(named) => match self.named(named)?.parents.first() {
                Some(parent) => self.parent(*parent)?,
                None => return Ok(Resolved::default()),
            },
            Base::MergeBaseWithBranch(branch) => {
                let with = format!("`{branch}`");
                self.complete(&with)?;
                let absent = || errors::not_here(&format!("the branch {with}"), true, self.host, Distance::Any);
                let tip = self.branch_head(branch)?.ok_or_else(absent)?;
                self.certain_merge_base(head.id, tip, &with)?
            }
            Base::MergeBaseWith(named) => {
                let with = format!("`{}`", named.field);
                self.complete(&with)?;
                self.certain_merge_base(head.id, self.named(named)?.id, &with)?
            }
            Base::PreviousTag(tag) => return self.previous_tag(tag.as_deref(), head),
            Base::MatchingTag(pattern) => return self.matching_tag(pattern, head),
            Base::Found(commit) => *commit,
            Base::Nothing => return Ok(Resolved::default()),
        };
        Ok(Resolved { commit: Some(commit), ..Resolved::default() })
    }

    /// The head of a branch: of the remote, else of this clone. `None` if neither is here.
    ///
    /// # Errors
    /// A reference that can't be read.
    pub(super) fn branch_head(&self, branch: &str) -> Result<Option<Oid>, Error> {
        self.first_commit(&[format!("refs/remotes/origin/{branch}"), format!("refs/heads/{branch}")])
    }

    /// The merge base of two commits, from the history that is here and was fetched.
    ///
    /// # Errors
    /// Commits that can't be read.
    pub(super) fn merge_base(&self, head: Oid, other: Oid) -> Result<MergeBase, Error> {
        history::merge_base(&self.whole, head, other)
            .map_err(|error| errors::unreadable("the history", error.message()))
    }

    /// Whether `head` is `other` or descends from it. `None`: a commit on the way isn't here.
    ///
    /// # Errors
    /// Commits that can't be read.
    pub(super) fn descends(&self, head: &Commit, other: Oid) -> Result<Option<bool>, Error> {
        // An annotated tag can be named in the place of its commit.
        let other = match self.peel(other)? {
            Peeled::Commit(commit) => commit.id,
            Peeled::Other(_) => return Ok(Some(false)),
            Peeled::Absent if head.parents.contains(&other) => return Ok(Some(true)),
            // The history of a complete clone holds every commit that head descends from.
            Peeled::Absent => return Ok(if self.is_shallow() { None } else { Some(false) }),
        };
        let unreadable = |error: git2::Error| errors::unreadable("the history", error.message());
        if head.id == other
            || head.parents.contains(&other)
            || self.git.graph_descendant_of(head.id, other).map_err(unreadable)?
        {
            return Ok(Some(true));
        }
        // A shallow clone may hide the way.
        Ok(match self.merge_base(head.id, other)? {
            MergeBase::At(base) => Some(base == other),
            MergeBase::Unrelated => Some(false),
            MergeBase::Hidden => None,
        })
    }

    fn certain_merge_base(&self, head: Oid, other: Oid, with: &str) -> Result<Oid, Error> {
        match self.merge_base(head, other)? {
            MergeBase::At(commit) => Ok(commit),
            MergeBase::Unrelated => Err(errors::unrelated(with)),
            MergeBase::Hidden => Err(errors::unreadable("the history", "a commit of it isn't here")),
        }
    }

    fn named(&self, named: &NamedCommit) -> Result<Commit, Error> {
        let what = named.description();
        match self.peel(named.id)? {
            Peeled::Commit(commit) => Ok(commit),
            Peeled::Other(kind) => Err(errors::unreadable(&what, &format!("it is a {kind}"))),
            Peeled::Absent => Err(errors::not_here(&what, self.is_shallow(), self.host, Distance::Any)),
        }
    }

    fn parent(&self, parent: Oid) -> Result<Oid, Error> {
        if self.has_commit(parent)? {
            return Ok(parent);
        }
        let what = format!("the parent commit `{parent}`");
        Err(errors::not_here(&what, self.is_shallow(), self.host, Distance::One))
    }

    /// In a shallow clone a merge base may be missed, and an older one taken for it, so none is looked for.
    fn complete(&self, with: &str) -> Result<(), Error> {
        if self.is_shallow() { Err(errors::merge_base_in_shallow(with, self.host)) } else { Ok(()) }
    }

    /// The nearest tag in the history of `head`, other than `tag`, with its name; of the same series, if `tag` is a version. Tags
    /// on `head` itself are no earlier ones: the new tag, and others for the same content.
    fn previous_tag(&self, tag: Option<&str>, head: &Commit) -> Result<Resolved, Error> {
        self.complete_for_tags(tag)?;
        let Some(version) = tag.and_then(tag_series::parse) else {
            let found = self.nearest_tag(tag, head, |name| Some(name) != tag)?;
            // Of two series, the nearer tag is that of another thing as likely as not.
            let series = self.series_before(tag, head)?;
            return if series.len() > 1 { Err(errors::several_series(tag, &series)) } else { Ok(found) };
        };
        let is_before =
            |other: &Version| other.series == version.series && (version.is_candidate || !other.is_candidate);
        let found = self.nearest_tag(tag, head, |name| {
            Some(name) != tag && tag_series::parse(name).is_some_and(|other| is_before(&other))
        })?;
        if found.commit.is_some() {
            return Ok(found);
        }
        let is_alone = self.series_before(tag, head)?.is_empty();
        Ok(Resolved { series: (!is_alone).then_some(version.pattern), ..found })
    }

    /// The nearest tag of these names in the history of `head`, with its name; not one on `head` itself.
    fn matching_tag(&self, pattern: &TagPattern, head: &Commit) -> Result<Resolved, Error> {
        self.complete_for_tags(None)?;
        self.nearest_tag(None, head, |name| pattern.matches(name))
    }

    fn nearest_tag(&self, tag: Option<&str>, head: &Commit, fits: impl Fn(&str) -> bool) -> Result<Resolved, Error> {
        let tags = self.tags(tag, fits)?;
        let wanted: BTreeSet<Oid> = tags.keys().copied().collect();
        let nearest = history::nearest(&self.git, &head.parents, &wanted)
            .map_err(|error| errors::unreadable("the history", error.message()))?;
        match *nearest {
            [] => Ok(Resolved::default()),
            [commit] => {
                Ok(Resolved { commit: Some(commit), tag: tags[&commit].first().cloned(), ..Resolved::default() })
            }
            [one, other, ..] => Err(errors::tags_side_by_side(tag, &tags[&one][0], &tags[&other][0])),
        }
    }

    /// The patterns of the series that have tags other than `tag` in the history of `head`; sorted.
    fn series_before(&self, tag: Option<&str>, head: &Commit) -> Result<Vec<String>, Error> {
        let tags = self.tags(tag, |name| Some(name) != tag)?;
        let reached = history::reached(&self.git, &head.parents, |commit| tags.contains_key(&commit));
        let reached = reached.map_err(|error| errors::unreadable("the history", error.message()))?;
        let names = reached.iter().flat_map(|commit| &tags[commit]);
        let series: BTreeMap<Series, String> =
            names.filter_map(|name| tag_series::parse(name)).map(|version| (version.series, version.pattern)).collect();
        Ok(series.into_values().collect())
    }

    /// The commits of the tags whose names fit, with these names. `known` is a tag that is here.
    fn tags(&self, known: Option<&str>, fits: impl Fn(&str) -> bool) -> Result<BTreeMap<Oid, Vec<String>>, Error> {
        let all = self.references("refs/tags/*")?;
        if known.is_some_and(|tag| !all.iter().any(|(name, _)| name.strip_prefix("refs/tags/") == Some(tag))) {
            // libgit2 (1.9.7) ends the list at a folder that it can't read, as if there were no more.
            return Err(errors::unreadable("the references in `refs/tags/`", "some of them can't be listed"));
        }
        let mut tags: BTreeMap<Oid, Vec<String>> = BTreeMap::new();
        for (name, id) in all {
            let name = name.strip_prefix("refs/tags/").unwrap_or(&name);
            if !fits(name) {
                continue;
            }
            match self.peel(id)? {
                Peeled::Commit(commit) => tags.entry(commit.id).or_default().push(name.to_owned()),
                // A tag can name a file or a directory, too: no content was ever deployed by that.
                Peeled::Other(_) => {}
                Peeled::Absent => {
                    return Err(errors::unreadable(&format!("the tag `{name}`"), &format!("`{id}` isn't here")));
                }
            }
        }
        Ok(tags)
    }

    /// Whether every earlier tag can be seen here: in a shallow clone one may be missed, and in a clone without tags all are.
    fn complete_for_tags(&self, tag: Option<&str>) -> Result<(), Error> {
        if self.is_shallow() {
            return Err(errors::tag_in_shallow(tag, self.host));
        }
        match tag {
            Some(tag) if self.reference(&format!("refs/tags/{tag}"))?.is_none() => Err(errors::no_tags_here(tag)),
            _ => Ok(()),
        }
    }
}
