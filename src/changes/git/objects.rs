//! The name of an object becomes what it holds.
//!
//! All that is read of a history, a tag or a directory comes through here. An object in a file of its own is read by us
//! (`loose.rs`), and what stands in packs by libgit2, on a thread that is watched (`watch.rs`).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use git2::{ErrorCode, ObjectType};

use crate::changes::entries::{Entries, Item, Mode, ObjectId};
use crate::changes::range::Commit;
use crate::changes::remedy;
use crate::changes::tree::TreeSource;
use crate::error::Error;

use super::commits::{self, Parsed};
use super::watch::{PATIENCE, Watch};
use super::{Repository, loose, oid};

/// No object that people make is larger: as a directory it has several million files.
pub(super) const LARGEST: usize = 256 << 20;

/// Tags of tags of tags. People have two.
const DEEPEST_TAG: usize = 64;

/// A repository that several threads may have, one after the other.
pub(super) struct Shared {
    repository: Mutex<git2::Repository>,
    /// The folders that have objects in files of their own.
    loose: Mutex<Vec<PathBuf>>,
    watch: Watch,
}

impl Shared {
    pub(super) fn new(repository: git2::Repository) -> Self {
        let loose = loose::folders(&repository.commondir().join("objects"));
        Self { repository: Mutex::new(repository), loose: Mutex::new(loose), watch: Watch::default() }
    }

    /// The repository itself, for what isn't read from objects.
    ///
    /// # Errors
    /// A thread has it that was left behind.
    pub(super) fn repository(&self) -> Result<MutexGuard<'_, git2::Repository>, Error> {
        match self.repository.try_lock() {
            Ok(repository) => Ok(repository),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(self.endless()),
        }
    }

    /// Reads objects from one more folder.
    pub(super) fn add(&self, objects: &std::path::Path) {
        self.loose.lock().unwrap_or_else(PoisonError::into_inner).extend(loose::folders(objects));
    }

    fn endless(&self) -> Error {
        remedy::endless(self.watch.now().1, PATIENCE.as_secs())
    }
}

impl Repository {
    /// Reads objects.
    ///
    /// # Errors
    /// What `work` can't read, and reading that doesn't end.
    pub(super) fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Objects<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        drop(self.shared.repository()?);
        let shared = Arc::clone(&self.shared);
        let done = self.shared.watch.over(move || {
            let repository = shared.repository()?;
            let odb = repository.odb().map_err(|error| remedy::unreadable("the object database", error.message()))?;
            let loose = shared.loose.lock().unwrap_or_else(PoisonError::into_inner).clone();
            work(&Objects { repository: &repository, odb, loose, watch: &shared.watch })
        });
        done.map_err(|error| remedy::unreadable("the repository", &error.to_string()))?
            .ok_or_else(|| self.shared.endless())?
    }
}

/// What an object is.
pub(super) struct Object {
    pub(super) kind: ObjectType,
    /// Without its header. Of a file it may be left out.
    pub(super) content: Vec<u8>,
}

/// What a name leads to, through any number of tags.
pub(super) enum Peeled {
    Commit(Commit),
    /// Something else, by its kind.
    Other(&'static str),
    /// Nothing that is here.
    Absent,
}

/// The objects of a repository.
pub(super) struct Objects<'a> {
    pub(super) repository: &'a git2::Repository,
    odb: git2::Odb<'a>,
    loose: Vec<PathBuf>,
    watch: &'a Watch,
}

impl Objects<'_> {
    /// An object; `None` if it isn't here.
    ///
    /// # Errors
    /// One that is damaged.
    pub(super) fn get(&self, id: ObjectId) -> Result<Option<Object>, Error> {
        self.watch.begin(id);
        for folder in &self.loose {
            if let Some(object) = loose::read(folder, id)? {
                return Ok(Some(object));
            }
        }
        let unreadable = |words: &str| remedy::unreadable(&format!("the object `{id}`"), words);
        // Not asked for its kind and size before: git2 (0.21) panics at a kind that there isn't.
        match self.odb.read(oid(id)) {
            Ok(object) if object.len() > LARGEST && object.kind() != ObjectType::Blob => {
                Err(unreadable(&format!("it has {} bytes", object.len())))
            }
            Ok(object) => Ok(Some(Object { kind: object.kind(), content: object.data().to_vec() })),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(unreadable(error.message())),
        }
    }

    /// A commit; `None` if it isn't here.
    ///
    /// # Errors
    /// An object that is damaged, or no commit.
    pub(super) fn commit(&self, id: ObjectId) -> Result<Option<Parsed>, Error> {
        let Some(Object { kind, content }) = self.get(id)? else { return Ok(None) };
        let unreadable = |words: &str| remedy::unreadable(&format!("the commit `{id}`"), words);
        if kind != ObjectType::Commit {
            return Err(unreadable(&format!("it is a {}", kind.str())));
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
                ObjectType::Commit => {
                    let parents = commits::read(&content).ok_or_else(unreadable)?.node.parents;
                    return Ok(Peeled::Commit(Commit { id: at, parents }));
                }
                ObjectType::Tag => at = commits::named_by_tag(&content).ok_or_else(unreadable)?,
                kind => return Ok(Peeled::Other(kind.str())),
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

    /// What stands at a path in a commit, `/`-separated.
    ///
    /// # Errors
    /// A commit or a directory that can't be read.
    pub(super) fn at(&self, commit: ObjectId, path: &[u8]) -> Result<Option<Item>, Error> {
        let mut item = Item { mode: Mode::Directory, id: self.needed(commit)?.tree };
        for name in path.split(|&byte| byte == b'/') {
            if item.mode != Mode::Directory {
                return Ok(None);
            }
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

    /// The only object whose name begins with these digits, at least four.
    ///
    /// # Errors
    /// libgit2's: there is none, or several.
    pub(super) fn beginning(&self, digits: &str) -> Result<ObjectId, git2::Error> {
        self.odb.exists_prefix(git2::Oid::from_str(digits)?, digits.len()).map(super::object_id)
    }
}

impl TreeSource for Objects<'_> {
    fn read(&self, tree: ObjectId) -> Result<Vec<u8>, Error> {
        match self.get(tree)? {
            Some(Object { kind: ObjectType::Tree, content }) => Ok(content),
            Some(Object { kind, .. }) => Err(remedy::not_a_tree(tree, kind.str())),
            None => Err(remedy::tree_not_here(tree)),
        }
    }
}
