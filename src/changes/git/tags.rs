//! A commit becomes the nearest tag in its history.
//!
//! By the history alone: names don't sort reliably, and a tag of another branch was never deployed before this one.

use std::collections::BTreeMap;

use git2::ErrorCode;

use crate::changes::entries::ObjectId;
use crate::changes::range::Commit;
use crate::changes::remedy;
use crate::error::Error;
use crate::inputs::TagPattern;

use super::{Repository, Resolved, object_id, oid};

impl Repository {
    /// The nearest tag in the history of `head`, other than `tag`, with its name. Tags on `head` itself are no earlier ones:
    /// the new tag, and others for the same content.
    pub(super) fn previous_tag(&self, tag: Option<&str>, head: &Commit) -> Result<Resolved, Error> {
        self.complete_for_tags(tag)?;
        self.nearest_tag(tag, head, |name| Some(name) != tag)
    }

    /// The nearest tag of these names in the history of `head`, with its name; not one on `head` itself.
    pub(super) fn matching_tag(&self, pattern: &TagPattern, head: &Commit) -> Result<Resolved, Error> {
        self.complete_for_tags(None)?;
        self.nearest_tag(None, head, |name| pattern.matches(name))
    }

    fn nearest_tag(&self, tag: Option<&str>, head: &Commit, fits: impl Fn(&str) -> bool) -> Result<Resolved, Error> {
        let tags = self.tags(fits)?;
        let nearest = self.first_tagged(&head.parents, None, &tags)?;
        let Some(mut nearest) = nearest else {
            return Ok(Resolved::default());
        };
        // By date comes first what may be older by history: clocks differ. And a merge may bring in a tag of its own.
        while let Some(beside) = self.first_tagged(&head.parents, Some(nearest), &tags)? {
            let is_later = self.inner.graph_descendant_of(oid(beside), oid(nearest));
            if !is_later.map_err(|error| remedy::unreadable("the history of the tags", error.message()))? {
                return Err(remedy::tags_side_by_side(tag, &tags[&nearest], &tags[&beside]));
            }
            nearest = beside;
        }
        Ok(Resolved { commit: Some(nearest), tag: Some(tags[&nearest].clone()) })
    }

    /// The commits of all tags whose names fit, with the first name of each in byte order.
    fn tags(&self, fits: impl Fn(&str) -> bool) -> Result<BTreeMap<ObjectId, String>, Error> {
        let mut named = Vec::new();
        let listed = self.inner.tag_foreach(|id, name| {
            let name = String::from_utf8_lossy(name);
            named.push((name.strip_prefix("refs/tags/").unwrap_or(&name).to_owned(), id));
            true
        });
        listed.map_err(|error| remedy::unreadable("the list of tags", error.message()))?;
        named.sort_unstable();
        let mut tags = BTreeMap::new();
        for (name, id) in named.into_iter().filter(|(name, _)| fits(name)) {
            // A tag can stand for a file or a directory, too: no content was ever deployed by that.
            if let Ok(commit) = self.inner.find_object(id, None).and_then(|object| object.peel_to_commit()) {
                tags.entry(object_id(commit.id())).or_insert(name);
            }
        }
        Ok(tags)
    }

    /// The first commit with a tag on the way from `heads` back, without what `hidden` has in its history.
    fn first_tagged(
        &self,
        heads: &[ObjectId],
        hidden: Option<ObjectId>,
        tags: &BTreeMap<ObjectId, String>,
    ) -> Result<Option<ObjectId>, Error> {
        let unreadable = |error: git2::Error| remedy::unreadable("the history of head", error.message());
        let mut walk = self.inner.revwalk().map_err(unreadable)?;
        walk.set_sorting(git2::Sort::TIME).map_err(unreadable)?;
        for head in heads {
            walk.push(oid(*head)).map_err(unreadable)?;
        }
        if let Some(hidden) = hidden {
            walk.hide(oid(hidden)).map_err(unreadable)?;
        }
        for commit in walk {
            let commit = object_id(commit.map_err(unreadable)?);
            if tags.contains_key(&commit) {
                return Ok(Some(commit));
            }
        }
        Ok(None)
    }

    /// Whether every earlier tag can be seen here: in a shallow clone one may be missed, and in a clone without tags all are.
    fn complete_for_tags(&self, tag: Option<&str>) -> Result<(), Error> {
        if self.is_shallow() {
            return Err(remedy::tag_in_shallow(tag, self.host));
        }
        let Some(tag) = tag else {
            return Ok(());
        };
        match self.inner.find_reference(&format!("refs/tags/{tag}")) {
            Ok(_) => Ok(()),
            Err(error) if error.code() == ErrorCode::NotFound => Err(remedy::no_tags_here(tag)),
            Err(error) => Err(remedy::unreadable(&format!("the tag `{tag}`"), error.message())),
        }
    }
}
