//! An open repository: its settings, references and objects, read by libgit2.
//!
//! Nothing else is read: no index, no work tree, no filters, no hooks. Nothing goes over the network, and no process is started.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use git2::{ErrorCode, ObjectType, Odb, Oid, RepositoryOpenFlags};

use crate::environment::Environment;
use crate::error::Error;

use super::range::{Commit, Host};
use super::tree_diff::{self, Entries, Item, Limits, Mode, TreeSource, Walked};
use super::{errors, oid, workspace};

/// No commit, tag or directory that people make is larger: as a directory it has several million files.
const LARGEST: usize = 256 << 20;

/// A page whose front matter is read is smaller, in bytes.
const LARGEST_PAGE: usize = 32 << 20;

/// The most commits that a server is sent as present: it stops at the first one it knows.
const MOST_HELD: usize = 32;

/// An open repository with a work tree.
pub(super) struct Repository {
    pub(super) git: git2::Repository,
    /// The same objects with the whole history that is here: `git` ends a shallow clone's history where git does.
    pub(super) whole: git2::Repository,
    /// The directory that holds `.git`.
    pub(super) directory: PathBuf,
    pub(super) host: Host,
}

/// The object of an id, peeled through tags.
pub(super) enum Peeled {
    Commit(Commit),
    /// Something else, by its kind.
    Other(&'static str),
    /// An object that isn't here.
    Absent,
}

/// The settings of the remote.
#[derive(Clone, Debug, Default)]
pub(super) struct RemoteSettings {
    /// The URL of `origin`, or of the only remote, after `url.….insteadOf`. `None` without one. It may hold credentials.
    pub(super) url: Option<String>,
    /// Every `http.extraheader` and `http.<url>.extraheader` in the order of the files, with the URL (empty: any) and the header.
    pub(super) extra_headers: Vec<(String, String)>,
}

impl Repository {
    /// Opens the repository that `start` lies in.
    ///
    /// # Errors
    /// No repository, a bare one, one outside of the workspace, one that belongs to someone else, one in an unknown format.
    pub(super) fn open(start: &Path, environment: &Environment) -> Result<Self, Error> {
        let host = Host::of(environment);
        let start = start.canonicalize().map_err(|error| errors::no_directory(start, &error))?;
        let directory = find_directory(&start, host)?;
        let workspace = workspace::of(environment);
        if let Some(workspace) = &workspace {
            workspace::enclosed(&directory, workspace)?;
        }
        let is_trusted = workspace.as_ref() == Some(&directory);
        let opened = Self::open_in(&directory, host, is_trusted).map_err(|error| match error.code() {
            ErrorCode::Owner => errors::foreign(&directory),
            _ => errors::unopened(&directory, error.message()),
        })?;
        if opened.git.is_bare() { Err(errors::bare(&directory)) } else { Ok(opened) }
    }

    /// Opens the repository of a directory. With `is_trusted` it may belong to anybody.
    ///
    /// # Errors
    /// What libgit2 says.
    pub(super) fn open_in(directory: &Path, host: Host, is_trusted: bool) -> Result<Self, git2::Error> {
        Self::of(open(directory, is_trusted, RepositoryOpenFlags::empty())?, directory, host)
    }

    /// Opens a repository by the directory of its own files, without a work tree.
    ///
    /// # Errors
    /// What libgit2 says.
    pub(super) fn open_bare(files: &Path, host: Host, is_trusted: bool) -> Result<Self, git2::Error> {
        Self::of(open(files, is_trusted, RepositoryOpenFlags::BARE)?, files, host)
    }

    fn of(git: git2::Repository, directory: &Path, host: Host) -> Result<Self, git2::Error> {
        let whole = git2::Repository::from_odb(git.odb()?)?;
        Ok(Self { git, whole, directory: directory.to_owned(), host })
    }

    /// The commit that is checked out.
    ///
    /// # Errors
    /// A branch without a commit; a commit that can't be read.
    pub(super) fn head(&self) -> Result<Commit, Error> {
        let id = self.reference("HEAD")?.ok_or_else(|| errors::unborn(&self.directory))?;
        match self.peel(id)? {
            Peeled::Commit(commit) => Ok(commit),
            Peeled::Other(kind) => Err(errors::unreadable("the commit of `HEAD`", &format!("`{id}` is a {kind}"))),
            Peeled::Absent => Err(errors::unreadable("the commit of `HEAD`", &format!("`{id}` isn't here"))),
        }
    }

    /// The object of a reference by its full name; `None` if there is none.
    ///
    /// # Errors
    /// A reference that can't be read.
    pub(super) fn reference(&self, name: &str) -> Result<Option<Oid>, Error> {
        match self.git.refname_to_id(name) {
            Ok(id) => Ok(Some(id)),
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => Ok(None),
            Err(error) => Err(errors::unreadable(&format!("`{name}`"), error.message())),
        }
    }

    /// The commit of the first of these references that is here.
    ///
    /// # Errors
    /// A reference or an object that can't be read.
    pub(super) fn first_commit(&self, names: &[String]) -> Result<Option<Oid>, Error> {
        for name in names {
            let Some(id) = self.reference(name)? else { continue };
            if let Peeled::Commit(commit) = self.peel(id)? {
                return Ok(Some(commit.id));
            }
        }
        Ok(None)
    }

    /// All references that match a glob, such as `refs/tags/*`, with their objects; by name in byte order.
    ///
    /// # Errors
    /// References that can't be listed.
    pub(super) fn references(&self, glob: &str) -> Result<Vec<(String, Oid)>, Error> {
        let unreadable = |error: git2::Error| errors::unreadable(&format!("the references `{glob}`"), error.message());
        let mut found = Vec::new();
        for reference in self.git.references_glob(glob).map_err(unreadable)? {
            let reference = reference.map_err(unreadable)?;
            let id = reference.target().or_else(|| reference.resolve().ok()?.target());
            found.extend(id.map(|id| (String::from_utf8_lossy(reference.name_bytes()).into_owned(), id)));
        }
        found.sort();
        Ok(found)
    }

    /// The commit that an object is, directly or as a tag.
    ///
    /// # Errors
    /// An object that is damaged.
    pub(super) fn peel(&self, id: Oid) -> Result<Peeled, Error> {
        let mut at = id;
        loop {
            let unreadable = |error| unreadable(at, &error);
            match self.kind(at)? {
                None => return Ok(Peeled::Absent),
                Some(ObjectType::Tag) => at = self.git.find_tag(at).map_err(unreadable)?.target_id(),
                Some(ObjectType::Commit) => {
                    return Ok(Peeled::Commit(named(&self.git.find_commit(at).map_err(unreadable)?)));
                }
                Some(kind) => return Ok(Peeled::Other(kind.str())),
            }
        }
    }

    /// Whether a commit is here.
    ///
    /// # Errors
    /// An object that is damaged.
    pub(super) fn has_commit(&self, id: Oid) -> Result<bool, Error> {
        Ok(self.kind(id)? == Some(ObjectType::Commit))
    }

    /// Whether a commit is here with its tree; a damaged one isn't.
    pub(super) fn holds(&self, commit: Oid) -> bool {
        self.tree(commit).is_ok_and(|tree| self.kind(tree).is_ok_and(|kind| kind.is_some()))
    }

    /// Commits that are here with their trees, `head` first, then the branches of the remote.
    pub(super) fn held(&self, head: Oid) -> Vec<Oid> {
        let branches = self.references("refs/remotes/*").unwrap_or_default().into_iter().map(|(_, branch)| branch);
        let mut held = Vec::new();
        for id in std::iter::once(head).chain(branches) {
            if held.len() < MOST_HELD && !held.contains(&id) && self.holds(id) {
                held.push(id);
            }
        }
        held
    }

    /// The commits at which the history of a shallow clone ends.
    pub(super) fn shallow_commits(&self) -> Vec<Oid> {
        // libgit2 looks in the wrong place for a linked work tree.
        let text = std::fs::read_to_string(self.git.commondir().join("shallow")).unwrap_or_default();
        text.lines().filter_map(oid::parse).collect()
    }

    /// Whether this is a shallow clone.
    pub(super) fn is_shallow(&self) -> bool {
        self.git.commondir().join("shallow").metadata().is_ok_and(|metadata| metadata.len() > 0)
    }

    /// The default branch of the remote that was cloned, if this clone knows it.
    pub(super) fn default_branch(&self) -> Option<String> {
        let head = self.git.find_reference("refs/remotes/origin/HEAD").ok()?;
        let branch = head.symbolic_target().ok()??;
        Some(branch.strip_prefix("refs/remotes/origin/")?.to_owned())
    }

    /// The differences of two commits, as [`tree_diff::walk`] says.
    ///
    /// # Errors
    /// As there; and a commit that can't be read.
    pub(super) fn walk(&self, base: Option<Oid>, head: Oid) -> Result<Walked, Error> {
        let base = base.map(|base| self.tree(base)).transpose()?;
        tree_diff::walk(&self.odb()?, base, self.tree(head)?, Limits::default())
    }

    /// The entry at a `/`-separated path of a commit. Each object on the way is verified by its hash: whoever can write to the
    /// repository's files could put another one in its place.
    ///
    /// # Errors
    /// A commit or a directory that can't be read or has another hash.
    pub(super) fn entry(&self, commit: Oid, path: &[u8]) -> Result<Option<Item>, Error> {
        let text = self.verified(commit, ObjectType::Commit)?;
        let tree = text.get(5..45).and_then(|digits| oid::parse(std::str::from_utf8(digits).ok()?));
        let malformed = || errors::unreadable(&format!("the commit `{commit}`"), "it names no tree");
        let mut item = Item { mode: Mode::Directory, id: tree.ok_or_else(malformed)? };
        for name in path.split(|&byte| byte == b'/') {
            if item.mode != Mode::Directory {
                return Ok(None);
            }
            let mut entries = Entries::new(item.id, self.verified(item.id, ObjectType::Tree)?)?;
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

    /// The contents of these files of a commit that aren't here. A file that can't be found has none.
    pub(super) fn absent_contents(&self, commit: Oid, paths: &[Vec<u8>]) -> Vec<Oid> {
        let file = |path: &Vec<u8>| self.entry(commit, path).ok().flatten().filter(|item| item.mode.is_file());
        let ids = paths.iter().filter_map(file).map(|item| item.id);
        ids.filter(|id| self.kind(*id).is_ok_and(|kind| kind.is_none())).collect()
    }

    /// The first bytes of a file of a commit: one more than `most`, if it has more.
    ///
    /// # Errors
    /// A sentence fragment on why there is none: no file at this path, or one whose contents aren't here.
    pub(super) fn content(&self, commit: Oid, path: &[u8], most: usize) -> Result<Vec<u8>, String> {
        let absent = || "it isn't in this clone: check out with the whole history (`fetch-depth: 0`)".to_owned();
        if !self.holds(commit) {
            return Err(absent());
        }
        let item = self.entry(commit, path).map_err(|error| error.to_string())?;
        let item = item.ok_or_else(|| "it isn't committed".to_owned())?;
        if !item.mode.is_file() {
            return Err("it isn't a regular file".to_owned());
        }
        let odb = self.odb().map_err(|error| error.to_string())?;
        match odb.read_header(item.id) {
            Ok((size, _)) if size > LARGEST_PAGE => {
                Err(format!("the file has {size} bytes, and {LARGEST_PAGE} is the limit"))
            }
            Ok(_) => {
                let object = odb.read(item.id).map_err(|error| error.message().to_owned())?;
                let data = object.data();
                Ok(data[..data.len().min(most + 1)].to_vec())
            }
            Err(error) if error.code() == ErrorCode::NotFound => Err(absent()),
            Err(error) => Err(error.message().to_owned()),
        }
    }

    /// The settings of the remote.
    pub(super) fn remote(&self) -> RemoteSettings {
        RemoteSettings { url: self.remote_url(), extra_headers: self.extra_headers().unwrap_or_default() }
    }

    fn remote_url(&self) -> Option<String> {
        let names = self.git.remotes().ok()?;
        let names: Vec<&str> = names.iter().flatten().flatten().collect();
        let name = if names.contains(&"origin") { "origin" } else { names.first().filter(|_| names.len() == 1)? };
        let remote = self.git.find_remote(name).ok()?;
        remote.url().ok().filter(|url| !url.is_empty()).map(str::to_owned)
    }

    fn extra_headers(&self) -> Result<Vec<(String, String)>, git2::Error> {
        let mut found = Vec::new();
        self.git.config()?.snapshot()?.entries(Some(r"^http\..*extraheader$"))?.for_each(|entry| {
            // git2 panics at the value of a name without one.
            if !entry.has_value() {
                return;
            }
            if let (Ok(name), Ok(value)) = (entry.name(), entry.value()) {
                let url = name.strip_prefix("http.").and_then(|name| name.strip_suffix("extraheader"));
                found.extend(url.map(|url| (url.strip_suffix('.').unwrap_or(url).to_owned(), value.to_owned())));
            }
        })?;
        Ok(found)
    }

    /// Reads objects from this folder too, in this process alone: nothing is written to the repository.
    ///
    /// # Errors
    /// A folder that can't be read.
    pub(super) fn add_objects(&self, objects: &Path) -> Result<(), Error> {
        let unreadable = |why: &str| errors::unreadable(&format!("`{}`", objects.display()), why);
        let path = objects.to_str().ok_or_else(|| unreadable("its name isn't Unicode"))?;
        self.odb()?.add_disk_alternate(path).map_err(|error| unreadable(error.message()))
    }

    pub(super) fn odb(&self) -> Result<Odb<'_>, Error> {
        self.git.odb().map_err(|error| errors::unreadable("the repository", error.message()))
    }

    /// The kind of an object; `None` if it isn't here.
    pub(super) fn kind(&self, id: Oid) -> Result<Option<ObjectType>, Error> {
        header(&self.odb()?, id)
    }

    /// The content of a file or link; `None` if it isn't here, is something else, or has more than `most` bytes.
    ///
    /// # Errors
    /// An object that is damaged.
    pub(super) fn blob(&self, id: Oid, most: usize) -> Result<Option<Vec<u8>>, Error> {
        let odb = self.odb()?;
        if header(&odb, id)? != Some(ObjectType::Blob) {
            return Ok(None);
        }
        let (size, _) = odb.read_header(id).map_err(|error| unreadable(id, &error))?;
        if size > most {
            return Ok(None);
        }
        let object = odb.read(id).map_err(|error| unreadable(id, &error))?;
        Ok(Some(object.data().to_vec()))
    }

    /// The tree of a commit that has to be here.
    ///
    /// # Errors
    /// A commit that isn't here or can't be read.
    pub(super) fn tree(&self, commit: Oid) -> Result<Oid, Error> {
        let unreadable = |why: &str| errors::unreadable(&format!("the commit `{commit}`"), why);
        match self.kind(commit)? {
            Some(ObjectType::Commit) => {
                self.git.find_commit(commit).map(|commit| commit.tree_id()).map_err(|error| unreadable(error.message()))
            }
            Some(kind) => Err(unreadable(&format!("it is a {kind}"))),
            None => Err(unreadable("it isn't here")),
        }
    }

    /// The content of an object whose hash is its id.
    fn verified(&self, id: Oid, kind: ObjectType) -> Result<Vec<u8>, Error> {
        self.kind(id)?;
        let odb = self.odb()?;
        let object = odb.read(id).map_err(|error| unreadable(id, &error))?;
        if object.kind() != kind || Oid::hash_object(kind, object.data()).ok() != Some(id) {
            return Err(errors::unreadable(&format!("the object `{id}`"), "it isn't what its id says"));
        }
        Ok(object.data().to_vec())
    }
}

impl TreeSource for Odb<'_> {
    fn read(&self, tree: Oid) -> Result<Vec<u8>, Error> {
        match header(self, tree)? {
            Some(ObjectType::Tree) => {
                let object = Odb::read(self, tree).map_err(|error| unreadable(tree, &error))?;
                Ok(object.data().to_vec())
            }
            Some(kind) => Err(errors::not_a_tree(tree, kind.str())),
            None => Err(errors::tree_not_here(tree)),
        }
    }
}

/// The kind of an object; `None` if it isn't here. Called before an object is read, so that none fills the memory.
fn header(odb: &Odb<'_>, id: Oid) -> Result<Option<ObjectType>, Error> {
    match odb.read_header(id) {
        Ok((size, kind)) if size > LARGEST && kind != ObjectType::Blob => {
            Err(errors::unreadable(&format!("the object `{id}`"), &format!("it has {size} bytes")))
        }
        Ok((_, kind)) => Ok(Some(kind)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(unreadable(id, &error)),
    }
}

fn unreadable(id: Oid, error: &git2::Error) -> Error {
    errors::unreadable(&format!("the object `{id}`"), error.message())
}

/// The parents as the commit itself names them: for libgit2, the last commits of a shallow clone have none.
fn named(commit: &git2::Commit<'_>) -> Commit {
    let lines = commit.raw_header_bytes().split(|&byte| byte == b'\n');
    let parent = |line: &[u8]| oid::parse(std::str::from_utf8(line.strip_prefix(b"parent ")?).ok()?);
    Commit { id: commit.id(), parents: lines.filter_map(parent).collect() }
}

/// Opening reads settings of the whole process, so only one thread opens at a time.
static OPENING: Mutex<()> = Mutex::new(());

fn open(directory: &Path, is_trusted: bool, flags: RepositoryOpenFlags) -> Result<git2::Repository, git2::Error> {
    let _opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    // The hash of every tree of a walk would double its time. What decides about trust is verified by `Repository::entry`.
    git2::opts::strict_hash_verification(false);
    // Each tree is read once: kept, they would only fill the memory.
    git2::opts::enable_caching(false);
    accept_extensions()?;
    let flags = RepositoryOpenFlags::NO_SEARCH | flags;
    let open = || git2::Repository::open_ext(directory, flags, &[] as &[&Path]);
    match open() {
        Err(error) if error.code() == ErrorCode::Owner && is_trusted => {
            verify_owner(false)?;
            let opened = open();
            verify_owner(true)?;
            opened
        }
        opened => opened,
    }
}

/// Extensions that libgit2 doesn't know and that change nothing here. In a partial clone objects can be absent: an absent tree
/// is an error here anyway, and file contents aren't read.
#[expect(unsafe_code, reason = "git2 leaves it to its caller that no other thread reads the list meanwhile")]
fn accept_extensions() -> Result<(), git2::Error> {
    // SAFETY: libgit2 reads this list when it opens a repository, and only `open` does that, which holds `OPENING` meanwhile.
    unsafe { git2::opts::set_extensions(&["partialclone", "relativeworktrees"]) }
}

#[expect(unsafe_code, reason = "git2 leaves it to its caller that no other thread reads the setting meanwhile")]
fn verify_owner(on: bool) -> Result<(), git2::Error> {
    // SAFETY: libgit2 reads this setting when it opens a repository, and only `open` does that, which holds `OPENING` meanwhile.
    unsafe { git2::opts::set_verify_owner_validation(on) }
}
/// The closest directory at or above `start` that holds a repository, on the same file system, as git looks for it.
fn find_directory(start: &Path, host: Host) -> Result<PathBuf, Error> {
    let device = device(start);
    for directory in start.ancestors().take_while(|directory| self::device(directory) == device) {
        let dot_git = directory.join(".git");
        if dot_git.is_file() || dot_git.join("HEAD").exists() {
            return Ok(directory.to_owned());
        }
        let is_repository = ["HEAD", "objects", "refs"].iter().all(|name| directory.join(name).exists());
        if is_repository && directory.file_name().is_none_or(|name| name != ".git") {
            return Err(errors::bare(directory));
        }
    }
    Err(errors::no_repository(start, host))
}

#[cfg(unix)]
fn device(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|metadata| metadata.dev())
}

#[cfg(not(unix))]
fn device(_: &Path) -> Option<u64> {
    None
}
