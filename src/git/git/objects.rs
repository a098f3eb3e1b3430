//! The name of an object becomes what it holds.
//!
//! All that is read of a history, a tag or a directory comes through here: from a file of the object's own (`loose.rs`) or from
//! a pack (`pack.rs`), in the repository's folder of objects and those that it leads to (`folders.rs`).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;

use git2::{ObjectType, Oid};

use crate::error::Error;
use crate::git::entries::{Entries, Item, Mode, ObjectId};
use crate::git::range::Commit;
use crate::git::remedy;
use crate::git::tree::TreeSource;

use super::commits::{self, Parsed};
use super::folders::{self, Folder};
use super::loose;
use super::object_id;
use super::pack::Reader;

/// No object that people make is larger: as a directory it has several million files.
pub(super) const LARGEST: usize = 256 << 20;

/// Tags of tags of tags. People have two.
const DEEPEST_TAG: usize = 64;

/// The objects of a repository.
pub(super) struct Objects {
    open: RefCell<Open>,
}

/// What reading changes.
struct Open {
    folders: Vec<Folder>,
    /// How many packs were opened.
    packs: usize,
    reader: Reader,
    /// What was read last: commits are looked at several times, by what finds them, fetches them and compares them.
    recent: VecDeque<(ObjectId, Object)>,
}

/// So many objects are kept: two commits, and their directories.
const RECENT: usize = 4;

/// What an object is.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) content: Content,
}

/// What an object holds, without its header. Of a file it may be left out.
pub(super) type Content = Rc<Vec<u8>>;

/// The kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Commit,
    Tree,
    Blob,
    Tag,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Commit, Self::Tree, Self::Blob, Self::Tag];

    /// As git names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    /// The name of the object of this kind that holds `content`.
    pub(super) fn digest(self, content: &[u8]) -> Option<ObjectId> {
        let kind = ObjectType::from_str(self.name())?;
        Oid::hash_object(kind, content).ok().map(object_id)
    }

    /// From git's name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a name leads to, through any number of tags.
pub(super) enum Peeled {
    Commit(Commit),
    /// Something else, by its kind.
    Other(&'static str),
    /// Nothing that is here.
    Absent,
}

/// What the first digits of a name lead to.
pub(super) enum Beginning {
    /// The only object whose name begins so.
    One(ObjectId),
    Several,
    Absent,
}

impl Open {
    fn find(&mut self, id: ObjectId) -> Result<Option<Object>, Error> {
        if let Some((_, object)) = self.recent.iter().find(|(known, _)| *known == id) {
            return Ok(Some(object.clone()));
        }
        match self.read(id)? {
            None if self.look_again() => self.read(id),
            found => Ok(found),
        }
    }

    fn read(&mut self, id: ObjectId) -> Result<Option<Object>, Error> {
        let unreadable = |why: String| remedy::unreadable(&format!("the object `{id}`"), &why);
        let mut damaged = None;
        for folder in &mut self.folders {
            match folder.find(id, &mut self.packs) {
                Ok(Some((pack, place))) => {
                    let (kind, content) = pack.read(place, &mut self.reader).map_err(unreadable)?;
                    return Ok(Some(Object { kind, content }));
                }
                Ok(None) => {}
                Err(why) => damaged = damaged.or(Some(why)),
            }
        }
        // Last, as git does it: a look for a file takes longer than one into an index.
        for folder in self.folders.iter().filter(|folder| folder.is_loose) {
            if let Some(object) = loose::read(&folder.path, id)? {
                return Ok(Some(object));
            }
        }
        damaged.map_or(Ok(None), |why| Err(unreadable(why)))
    }

    /// Whether there is any more to look through than before: somebody may have packed the objects meanwhile.
    fn look_again(&mut self) -> bool {
        self.folders.iter_mut().filter_map(|folder| folder.look_again().then_some(())).count() > 0
    }
}

impl Objects {
    /// Those of a folder of objects.
    pub(super) fn new(folder: &Path) -> Self {
        let (folders, recent) = (folders::all(folder), VecDeque::with_capacity(RECENT));
        let open = Open { folders, packs: 0, reader: Reader::default(), recent };
        Self { open: RefCell::new(open) }
    }

    /// Reads objects from one more folder, and those that it leads to.
    pub(super) fn add(&self, folder: &Path) {
        let known = &mut self.open.borrow_mut().folders;
        for new in folders::all(folder) {
            if known.iter().all(|folder| folder.path != new.path) {
                known.push(new);
            }
        }
    }

    /// An object; `None` if it isn't here.
    ///
    /// # Errors
    /// One that is damaged.
    pub(super) fn get(&self, id: ObjectId) -> Result<Option<Object>, Error> {
        let mut open = self.open.borrow_mut();
        let found = open.find(id)?;
        if let Some(object) = &found
            && open.recent.iter().all(|(known, _)| *known != id)
        {
            if open.recent.len() == RECENT {
                open.recent.pop_front();
            }
            open.recent.push_back((id, object.clone()));
        }
        Ok(found)
    }

    /// A commit; `None` if it isn't here.
    ///
    /// # Errors
    /// An object that is damaged, or no commit.
    pub(super) fn commit(&self, id: ObjectId) -> Result<Option<Parsed>, Error> {
        let Some(Object { kind, content }) = self.get(id)? else { return Ok(None) };
        let unreadable = |words: &str| remedy::unreadable(&format!("the commit `{id}`"), words);
        if kind != Kind::Commit {
            return Err(unreadable(&format!("it is a {}", kind.name())));
        }
        commits::read(&content).map(Some).ok_or_else(|| unreadable("it doesn't begin as a commit does"))
    }

    /// A commit that others name.
    ///
    /// # Errors
    /// As for [`Objects::commit`]; and one that isn't here.
    pub(super) fn needed(&self, id: ObjectId) -> Result<Parsed, Error> {
        let absent = || remedy::unreadable(&format!("the commit `{id}`"), "it isn't here");
        self.commit(id)?.ok_or_else(absent)
    }

    /// What a name leads to.
    ///
    /// # Errors
    /// An object that is damaged.
    pub(super) fn peel(&self, id: ObjectId) -> Result<Peeled, Error> {
        let mut at = id;
        for _ in 0..DEEPEST_TAG {
            let Some(Object { kind, content }) = self.get(at)? else { return Ok(Peeled::Absent) };
            let unreadable = || remedy::unreadable(&format!("the object `{at}`"), "it doesn't begin as its kind does");
            match kind {
                Kind::Commit => {
                    let parents = commits::read(&content).ok_or_else(unreadable)?.node.parents;
                    return Ok(Peeled::Commit(Commit { id: at, parents }));
                }
                Kind::Tag => at = commits::named_by_tag(&content).ok_or_else(unreadable)?,
                Kind::Tree | Kind::Blob => return Ok(Peeled::Other(kind.name())),
            }
        }
        Err(remedy::unreadable(&format!("the tag `{id}`"), "it stands for tags without an end"))
    }

    /// Whether a commit is here, and its directory.
    ///
    /// # Errors
    /// An object that is damaged.
    pub(super) fn holds(&self, id: ObjectId) -> Result<bool, Error> {
        let Some(commit) = self.commit(id)? else { return Ok(false) };
        Ok(self.get(commit.tree)?.is_some())
    }

    /// What stands at a path in a commit, `/`-separated. By the digest of each object on the way: whoever can write to the
    /// repository's files could put another object in the place of one.
    ///
    /// # Errors
    /// A commit or a directory that can't be read, or isn't what its name says.
    pub(super) fn at(&self, commit: ObjectId, path: &[u8]) -> Result<Option<Item>, Error> {
        let tree = self.needed(commit)?.tree;
        self.verify(commit)?;
        let mut item = Item { mode: Mode::Directory, id: tree };
        for name in path.split(|&byte| byte == b'/') {
            if item.mode != Mode::Directory {
                return Ok(None);
            }
            self.verify(item.id)?;
            let mut entries = Entries::new(item.id, TreeSource::read(self, item.id)?)?;
            loop {
                match entries.current() {
                    Some(entry) if entry.name == name => break item = entry.item,
                    Some(_) => entries.advance()?,
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(item))
    }

    /// That an object which is no file is what its name says. What is read next under this name is what was looked at here.
    fn verify(&self, id: ObjectId) -> Result<(), Error> {
        let unreadable = || remedy::unreadable(&format!("the object `{id}`"), "it isn't what its name says");
        let Some(Object { kind, content }) = self.get(id)? else { return Ok(()) };
        if kind.digest(&content) == Some(id) { Ok(()) } else { Err(unreadable()) }
    }

    /// The object whose name begins with these hexadecimal digits, 2 to 40.
    ///
    /// # Errors
    /// A pack's index that is damaged.
    pub(super) fn beginning(&self, digits: &str) -> Result<Beginning, Error> {
        let digits = digits.to_ascii_lowercase();
        let Some(first) = ObjectId::from_hex(&format!("{digits:0<40}")) else { return Ok(Beginning::Absent) };
        let fits = |id: &ObjectId| id.to_string().starts_with(&digits);
        let unreadable = |why: String| remedy::unreadable(&format!("the objects that begin with `{digits}`"), &why);
        let mut found: Vec<ObjectId> = Vec::new();
        let open = &mut *self.open.borrow_mut();
        for folder in &mut open.folders {
            found.extend(loose::beginning(&folder.path, &digits));
            for pack in folder.opened(&mut open.packs).map_err(unreadable)? {
                found.extend(pack.from(first, fits).map_err(unreadable)?);
            }
        }
        // The same object may lie in several places.
        found.sort_unstable();
        found.dedup();
        Ok(match found[..] {
            [] => Beginning::Absent,
            [id] => Beginning::One(id),
            _ => Beginning::Several,
        })
    }
}

impl TreeSource for Objects {
    fn read(&self, tree: ObjectId) -> Result<Vec<u8>, Error> {
        // Of a walk each is read once, so none is kept.
        match self.open.borrow_mut().find(tree)? {
            Some(Object { kind: Kind::Tree, content }) => Ok(Rc::unwrap_or_clone(content)),
            Some(Object { kind, .. }) => Err(remedy::not_a_tree(tree, kind.name())),
            None => Err(remedy::tree_not_here(tree)),
        }
    }
}
