//! Lists the paths that differ between two trees.
//!
//! Our own walk, because libgit2's visits every directory of both trees: this one skips directories that are the same object
//! on both sides, so its cost follows what changed and not what is there. It reads objects through [`TreeSource`] and knows
//! nothing of repositories.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;

use git2::Oid;
use memchr::memmem;

use crate::error::Error;
use crate::model::EntryKind;

/// Where trees are read from.
pub(super) trait TreeSource {
    /// The content of a tree object, without its header.
    ///
    /// # Errors
    /// An object that is missing, unreadable or no tree.
    fn read(&self, tree: Oid) -> Result<Vec<u8>, Error>;
}

/// One path that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// From the root, `/`-separated.
    pub(super) path: Vec<u8>,
    pub(super) side: Side,
    /// The kind of entry; in base for a deletion, in head otherwise.
    pub(super) entry: EntryKind,
    /// The object of the entry, on the same side.
    pub(super) id: Oid,
}

/// The result of a walk over two trees.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) differences: Vec<Difference>,
    /// The symbolic links among the differences and, in head, next to them: in every folder that holds a difference, at any depth.
    pub(super) links: BTreeSet<Vec<u8>>,
    /// Whether any of the differences is, or was, a symbolic link.
    pub(super) are_links_changed: bool,
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

/// How far a walk goes before it takes the trees for an attack: a few kilobytes of crafted trees can contain billions of paths.
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
/// in this order: the file's URL changes, while a submodule has none.
///
/// # Errors
/// A tree that can't be read or is malformed, and trees beyond `limits`.
pub(super) fn walk(source: &impl TreeSource, base: Option<Oid>, head: Oid, limits: Limits) -> Result<Walked, Error> {
    let directory = |id| Item { mode: Mode::Directory, id };
    let mut walk =
        Walk { source, limits, path: Vec::new(), open: Vec::new(), found: Walked::default(), steps: 0, bytes: 0 };
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
    found: Walked,
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
    fn finish(mut self) -> Result<Walked, Error> {
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
        if [old, new].into_iter().flatten().any(|item| item.mode == Mode::Symlink) {
            self.found.links.insert(self.path.clone());
            self.found.are_links_changed = true;
        }
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

    fn add(&mut self, side: Side, (entry, id): (EntryKind, Oid)) -> Result<(), Error> {
        self.step()?;
        self.bytes += self.path.len();
        if self.bytes > self.limits.bytes {
            return Err(crafted(format!("the paths that differ take more than {} MiB", self.limits.bytes >> 20)));
        }
        self.found.differences.push(Difference { path: self.path.clone(), side, entry, id });
        Ok(())
    }

    fn enter(&mut self, old: Option<Item>, new: Option<Item>) -> Result<(), Error> {
        self.step()?;
        if self.open.len() >= self.limits.depth {
            return Err(crafted(format!("more than {} directories lie inside each other", self.limits.depth)));
        }
        let base = self.entries(old)?;
        let head = self.entries(new)?;
        // Of an added folder every entry is visited.
        if old.is_some() {
            self.found.links.extend(head.links()?.into_iter().map(|name| [&self.path[..], &name].concat()));
        }
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

/// What an entry is. Git's historical modes count as what git reads them as: `100664` is a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    File,
    Executable,
    Symlink,
    Submodule,
    Directory,
}

impl Mode {
    /// What a changed path is reported as; `None` for a directory, which is never reported itself.
    pub(super) fn kind(self) -> Option<EntryKind> {
        match self {
            Self::File | Self::Executable => Some(EntryKind::File),
            Self::Symlink => Some(EntryKind::Symlink),
            Self::Submodule => Some(EntryKind::Submodule),
            Self::Directory => None,
        }
    }

    /// Whether it is a regular file.
    pub(super) fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }

    fn parse(digits: &[u8]) -> Option<Self> {
        if digits.is_empty() || digits.len() > 6 {
            return None;
        }
        let mut bits = 0_u32;
        for digit in digits {
            match digit {
                b'0'..=b'7' => bits = bits << 3 | u32::from(digit - b'0'),
                _ => return None,
            }
        }
        match bits & 0o170_000 {
            0o100_000 if bits & 0o100 != 0 => Some(Self::Executable),
            0o100_000 => Some(Self::File),
            0o120_000 => Some(Self::Symlink),
            0o160_000 => Some(Self::Submodule),
            0o040_000 => Some(Self::Directory),
            _ => None,
        }
    }
}

/// The mode and object of an entry: two entries are the same if and only if these are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) mode: Mode,
    pub(super) id: Oid,
}

/// An entry with its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) item: Item,
}

impl Entry<'_> {
    /// Git's order: by bytes, a directory as if its name ended in `/`. Depth first, this is the byte order of whole paths.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let shared = self.name.len().min(other.name.len());
        self.name[..shared].cmp(&other.name[..shared]).then_with(|| self.byte_at(shared).cmp(&other.byte_at(shared)))
    }

    fn byte_at(&self, place: usize) -> Option<u8> {
        let end = (self.item.mode == Mode::Directory).then_some(b'/');
        self.name.get(place).copied().or(end)
    }
}

/// The entries of one tree, read one after the other.
pub(super) struct Entries {
    tree: Option<Oid>,
    bytes: Vec<u8>,
    current: Option<(Range<usize>, Item)>,
    next: usize,
}

impl Entries {
    /// Those of a tree that isn't there.
    pub(super) fn none() -> Self {
        Self { tree: None, bytes: Vec::new(), current: None, next: 0 }
    }

    /// Those of `tree`, whose content is `bytes`.
    ///
    /// # Errors
    /// A first entry that is malformed.
    pub(super) fn new(tree: Oid, bytes: Vec<u8>) -> Result<Self, Error> {
        let mut entries = Self { tree: Some(tree), bytes, current: None, next: 0 };
        entries.advance()?;
        Ok(entries)
    }

    /// The entry at hand; `None` at the end.
    pub(super) fn current(&self) -> Option<Entry<'_>> {
        self.current.as_ref().map(|(name, item)| Entry { name: &self.bytes[name.clone()], item: *item })
    }

    /// Advances to the next entry.
    ///
    /// # Errors
    /// An entry that is malformed or doesn't come after the one before.
    pub(super) fn advance(&mut self) -> Result<(), Error> {
        let read =
            if self.next == self.bytes.len() { None } else { Some(self.read().map_err(|why| self.malformed(why))?) };
        let previous = std::mem::replace(&mut self.current, read);
        if let (Some((name, item)), Some(current)) = (previous, self.current()) {
            let previous = Entry { name: &self.bytes[name], item };
            // The merge of two trees would miss changes in one that isn't sorted.
            if previous.order(&current) != Ordering::Less {
                return Err(self.malformed("its entries aren't in order"));
            }
        }
        Ok(())
    }

    /// The names of the symbolic links from the entry at hand on.
    ///
    /// # Errors
    /// As for [`Entries::advance`].
    fn links(&self) -> Result<Vec<Vec<u8>>, Error> {
        let (Some(tree), true) = (self.tree, may_hold_links(&self.bytes)) else { return Ok(Vec::new()) };
        let mut links = Vec::new();
        let mut entries = Self::new(tree, self.bytes.clone())?;
        while let Some(entry) = entries.current() {
            if entry.item.mode == Mode::Symlink {
                links.push(entry.name.to_vec());
            }
            entries.advance()?;
        }
        Ok(links)
    }

    /// Advances in both trees, past all entries that are the same bytes on both sides: in a large directory nearly all are, and
    /// finding where they end costs a fraction of reading them.
    ///
    /// # Errors
    /// As for [`Entries::advance`].
    pub(super) fn advance_both(base: &mut Self, head: &mut Self) -> Result<(), Error> {
        let shared = shared_length(&base.bytes[base.next..], &head.bytes[head.next..]);
        let rest = &base.bytes[base.next..base.next + shared];
        let (mut last, mut end) = (None, 0);
        // The shortest mode has five digits, so no name's end is looked for in them or in the object's name before.
        while let Some(length) = rest.get(end + 5..).and_then(zero) {
            let after = end + 5 + length + 21;
            if after > shared {
                break;
            }
            (last, end) = (Some(end), after);
        }
        for entries in [base, head] {
            if let Some(last) = last {
                // The last of them is read once more, because the next one must come after it.
                entries.current = None;
                entries.next += last;
                entries.advance()?;
            }
            entries.advance()?;
        }
        Ok(())
    }

    /// Reads `<mode> SP <name> NUL <20 bytes>` at `next`.
    fn read(&mut self) -> Result<(Range<usize>, Item), &'static str> {
        let rest = &self.bytes[self.next..];
        let space = rest.iter().take(8).position(|&byte| byte == b' ').ok_or("an entry has no mode")?;
        let mode = Mode::parse(&rest[..space]).ok_or("an entry has a mode that git doesn't know")?;
        let length = zero(&rest[space + 1..]).ok_or("it ends inside a name")?;
        let start = self.next + space + 1;
        let name = start..start + length;
        let id = self.bytes.get(name.end + 1..name.end + 21).ok_or("it ends inside an object's name")?;
        let id = Oid::from_bytes(id).expect("20 bytes were cut out");
        match &self.bytes[name.clone()] {
            b"" | b"." | b".." | b".git" => return Err("an entry has a name that no checkout can hold"),
            bytes if bytes.contains(&b'/') => return Err("an entry has a `/` in its name"),
            _ => {}
        }
        self.next = name.end + 21;
        Ok((name, Item { mode, id }))
    }

    fn malformed(&self, why: &str) -> Error {
        let name = self.tree.map_or_else(String::new, |tree| format!(" `{tree}`"));
        Error::Checkout {
            message: format!("the tree{name} is malformed: {why}"),
            help: "run `git fsck` in a full clone to find the commit it came with, and rewrite that commit".to_owned(),
        }
    }
}

/// Whether a tree can hold symbolic links. Nearly none does, and looking for their mode costs a fraction of reading all entries.
pub(super) fn may_hold_links(tree: &[u8]) -> bool {
    memmem::find(tree, b"120000 ").is_some()
}

/// The same for folders.
pub(super) fn may_hold_folders(tree: &[u8]) -> bool {
    memmem::find(tree, b"40000 ").is_some()
}

/// How many bytes come before the first zero.
fn zero(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(0, bytes)
}

/// How many bytes two texts have in common from their beginning.
fn shared_length(one: &[u8], other: &[u8]) -> usize {
    const BLOCK: usize = 128;
    let blocks = one.chunks_exact(BLOCK).zip(other.chunks_exact(BLOCK)).take_while(|(one, other)| one == other).count();
    let [one, other] = [one, other].map(|bytes| &bytes[blocks * BLOCK..]);
    blocks * BLOCK + one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests;
