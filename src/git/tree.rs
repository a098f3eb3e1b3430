//! Two trees become the list of paths that differ.
//!
//! Our own walk, because libgit2's visits every directory of both trees: this one skips directories that are the same object
//! on both sides, so its cost follows what changed and not what is there. It reads objects through [`TreeSource`] and knows
//! nothing of repositories.

use crate::error::Error;
use crate::model::EntryKind;

use super::entries::{Entries, Entry, Item, Mode, ObjectId};

/// Where trees are read from.
pub(super) trait TreeSource {
    /// The content of a tree object, without its header.
    ///
    /// # Errors
    /// An object that is missing, unreadable or no tree.
    fn read(&self, tree: ObjectId) -> Result<Vec<u8>, Error>;
}

/// One path that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// From the root, `/`-separated.
    pub(super) path: Vec<u8>,
    pub(super) side: Side,
    /// What stands there; in base for a deletion, in head otherwise.
    pub(super) entry: EntryKind,
    /// The object that stands there, on the same side.
    pub(super) id: ObjectId,
}

/// Where a differing path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// In head only.
    Added,
    /// In both.
    Modified,
    /// In base only.
    Deleted,
}

/// How far a walk goes before it takes the trees for an attack: a few kilobytes of crafted trees can stand for billions of paths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Directories inside each other. Git itself stops at 2,048.
    pub(super) depth: usize,
    /// Differing paths, and directories opened to find them.
    pub(super) steps: usize,
    /// What the differing paths take together, in bytes.
    pub(super) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 4096, steps: 8_000_000, bytes: 1 << 30 }
    }
}

/// The paths in which `base` and `head` differ, in byte order. Without a base every path of head is added.
///
/// A change of mode or of type is a modification, with two exceptions. A file that becomes a directory is a deletion, and
/// additions inside it. A file that becomes a submodule, or the other way, is a deletion and an addition of the same path,
/// in this order: the file's address changes, while a submodule has none.
///
/// # Errors
/// A tree that can't be read or is malformed, and trees beyond `limits`.
pub(super) fn differences(
    source: &impl TreeSource,
    base: Option<ObjectId>,
    head: ObjectId,
    limits: Limits,
) -> Result<Vec<Difference>, Error> {
    let directory = |id| Item { mode: Mode::Directory, id };
    let mut walk = Walk { source, limits, path: Vec::new(), open: Vec::new(), found: Vec::new(), steps: 0, bytes: 0 };
    if base != Some(head) {
        walk.enter(base.map(directory), Some(directory(head)))?;
    }
    walk.finish()
}

/// The state of a walk. It keeps its own stack, so that no tree can overflow the thread's.
struct Walk<'a, S> {
    source: &'a S,
    limits: Limits,
    /// The path of the entry at hand.
    path: Vec<u8>,
    /// The directories that the entry at hand lies in, outermost first.
    open: Vec<Pair>,
    found: Vec<Difference>,
    steps: usize,
    bytes: usize,
}

/// The two sides of a directory.
struct Pair {
    base: Entries,
    head: Entries,
    /// The length of its path, `/` included.
    path: usize,
}

impl<S: TreeSource> Walk<'_, S> {
    fn finish(mut self) -> Result<Vec<Difference>, Error> {
        while let Some(pair) = self.open.last_mut() {
            self.path.truncate(pair.path);
            let (old, new) = match (pair.base.current(), pair.head.current()) {
                (Some(old), Some(new)) if old.order(&new).is_lt() => (Some(old), None),
                (Some(old), Some(new)) if old.order(&new).is_gt() => (None, Some(new)),
                either => either,
            };
            let Some(Entry { name, .. }) = old.or(new) else {
                self.open.pop();
                continue;
            };
            if let (Some(one), Some(other)) = (old, new)
                && one.item == other.item
            {
                Entries::advance_both(&mut pair.base, &mut pair.head)?;
                continue;
            }
            self.path.extend_from_slice(name);
            let (old, new) = (old.map(|entry| entry.item), new.map(|entry| entry.item));
            if old.is_some() {
                pair.base.advance()?;
            }
            if new.is_some() {
                pair.head.advance()?;
            }
            self.visit(old, new)?;
        }
        Ok(self.found)
    }

    /// Takes a path whose sides differ. A directory and something else never meet here: they have different places in the order.
    fn visit(&mut self, old: Option<Item>, new: Option<Item>) -> Result<(), Error> {
        let leaf = |item: Item| item.mode.kind().map(|entry| (entry, item.id));
        match (old.and_then(leaf), new.and_then(leaf)) {
            (None, None) => {
                self.path.push(b'/');
                return self.enter(old, new);
            }
            (Some(old), None) => self.add(Side::Deleted, old)?,
            (None, Some(new)) => self.add(Side::Added, new)?,
            (Some(old), Some(new)) if (old.0 == EntryKind::Submodule) != (new.0 == EntryKind::Submodule) => {
                self.add(Side::Deleted, old)?;
                self.add(Side::Added, new)?;
            }
            (Some(_), Some(new)) => self.add(Side::Modified, new)?,
        }
        Ok(())
    }

    fn add(&mut self, side: Side, (entry, id): (EntryKind, ObjectId)) -> Result<(), Error> {
        self.step()?;
        self.bytes += self.path.len();
        if self.bytes > self.limits.bytes {
            return Err(crafted(format!("the paths that differ take more than {} MiB", self.limits.bytes >> 20)));
        }
        self.found.push(Difference { path: self.path.clone(), side, entry, id });
        Ok(())
    }

    fn enter(&mut self, old: Option<Item>, new: Option<Item>) -> Result<(), Error> {
        self.step()?;
        if self.open.len() >= self.limits.depth {
            return Err(crafted(format!("more than {} directories lie inside each other", self.limits.depth)));
        }
        let base = self.entries(old)?;
        let head = self.entries(new)?;
        self.open.push(Pair { base, head, path: self.path.len() });
        Ok(())
    }

    fn entries(&self, directory: Option<Item>) -> Result<Entries, Error> {
        match directory {
            Some(Item { id, .. }) => Entries::new(id, self.source.read(id)?),
            None => Ok(Entries::none()),
        }
    }

    fn step(&mut self) -> Result<(), Error> {
        self.steps += 1;
        if self.steps > self.limits.steps {
            return Err(crafted(format!("more than {} paths differ", self.limits.steps)));
        }
        Ok(())
    }
}

fn crafted(what: String) -> Error {
    Error::Checkout {
        message: format!("{what}, which is more than this program takes"),
        help: "give a `base` that is closer to `head`; if no one made such a tree on purpose, look for who did"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests;
