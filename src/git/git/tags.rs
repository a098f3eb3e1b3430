//! A commit becomes the nearest tag in its history.
//!
//! By the history alone: names don't sort reliably, and a tag of another branch was never deployed before this one.

use std::collections::BTreeMap;

use crate::config::TagPattern;
use crate::error::Error;
use crate::git::ancestry;
use crate::git::entries::ObjectId;
use crate::git::range::Commit;
use crate::git::remedy;

use super::objects::{Objects, Peeled};
use super::{Repository, Resolved};

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
        let tags = self.objects.tagged(self.tags(fits)?)?;
        let is_tagged = |commit| tags.contains_key(&commit);
        let nearest = ancestry::nearest(&head.parents, is_tagged, |id| Ok(self.objects.needed(id)?.node))?;
        match *nearest {
            [] => Ok(Resolved::default()),
            [commit] => Ok(Resolved { commit: Some(commit), tag: Some(tags[&commit].clone()) }),
            [one, other, ..] => Err(remedy::tags_side_by_side(tag, &tags[&one], &tags[&other])),
        }
    }

    /// The tags whose names fit, by name in byte order, with what each stands for.
    fn tags(&self, fits: impl Fn(&str) -> bool) -> Result<Vec<(String, ObjectId)>, Error> {
        let tags = self.references.below("refs/tags/")?.into_iter();
        let named = tags.map(|(name, id)| (name.strip_prefix("refs/tags/").map_or(name.clone(), str::to_owned), id));
        Ok(named.filter(|(name, _)| fits(name)).collect())
    }

    /// Whether every earlier tag can be seen here: in a shallow clone one may be missed, and in a clone without tags all are.
    fn complete_for_tags(&self, tag: Option<&str>) -> Result<(), Error> {
        if self.is_shallow() {
            return Err(remedy::tag_in_shallow(tag, self.host));
        }
        let Some(tag) = tag else {
            return Ok(());
        };
        match self.references.read(format!("refs/tags/{tag}").as_bytes())? {
            Some(_) => Ok(()),
            None => Err(remedy::no_tags_here(tag)),
        }
    }
}

impl Objects {
    /// The commits of tags, with the first name of each.
    fn tagged(&self, named: Vec<(String, ObjectId)>) -> Result<BTreeMap<ObjectId, String>, Error> {
        let mut tags = BTreeMap::new();
        for (name, id) in named {
            match self.peel(id)? {
                Peeled::Commit(commit) => drop(tags.entry(commit.id).or_insert(name)),
                // A tag can stand for a file or a directory, too: no content was ever deployed by that.
                Peeled::Other(_) => {}
                Peeled::Absent => {
                    return Err(remedy::unreadable(&format!("the tag `{name}`"), &format!("`{id}` isn't here")));
                }
            }
        }
        Ok(tags)
    }
}
