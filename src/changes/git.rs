//! A directory becomes an open repository, revisions become commits, commits become trees.
//!
//! With the folder beside it, the one place that names git2. It reads objects, references and the settings of the remote, and
//! nothing else: no index, no work tree, no filters, no hooks, no network, and no process is started.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use git2::{ErrorCode, ObjectType, Oid, RepositoryOpenFlags};

use crate::error::Error;
use crate::inputs::Environment;

use super::entries::ObjectId;
use super::range::{Base, Commit, Head, Host, NamedCommit, Place};
use super::remedy::{self, Distance};
use super::tree::TreeSource;

mod commits;
mod content;
mod enclosure;
mod loose;
mod remote;
pub(super) mod store;
mod submodule;
mod tags;

/// An open repository with a work tree.
pub(super) struct Repository {
    inner: git2::Repository,
    /// The directory that holds `.git`.
    directory: PathBuf,
    host: Host,
}

/// What a [`Base`] is in a repository.
#[derive(Default)]
pub(super) struct Resolved {
    /// `None`: everything in head is new.
    pub(super) commit: Option<ObjectId>,
    /// The tag that was found for it, if one was looked for.
    pub(super) tag: Option<String>,
}

impl Repository {
    /// Opens the repository that `start` lies in.
    ///
    /// # Errors
    /// No repository, a bare one, one that belongs to someone else, one in a format that can't be read.
    pub(super) fn open(start: &Path, environment: &Environment) -> Result<Self, Error> {
        let host = Host::of(environment);
        let start = start.canonicalize().map_err(|error| remedy::no_directory(start, &error))?;
        let directory = find_directory(&start, host)?;
        let trusted = trusted_directory(environment);
        if let Some(workspace) = &trusted {
            enclosure::enclosed(&directory, workspace)?;
        }
        let inner = open_trusted(&directory, trusted.as_deref()).map_err(|error| match error.code() {
            ErrorCode::Owner => remedy::foreign(&directory),
            _ => remedy::unopened(&directory, error.message()),
        })?;
        if inner.is_bare() {
            return Err(remedy::bare(&directory));
        }
        Ok(Self { inner, directory, host })
    }

    /// The commit that is checked out.
    ///
    /// # Errors
    /// A branch without a commit; a commit that can't be read.
    pub(super) fn head(&self) -> Result<Commit, Error> {
        let head = self.inner.head().map_err(|error| match error.code() {
            ErrorCode::UnbornBranch | ErrorCode::NotFound => remedy::unborn(&self.directory),
            _ => remedy::unreadable("`HEAD`", error.message()),
        })?;
        self.check(head.target().map(object_id))?;
        let commit =
            head.peel_to_commit().map_err(|error| remedy::unreadable("the commit of `HEAD`", error.message()))?;
        Ok(read_commit(&commit))
    }

    /// The commit of a revision that a person gave for `option`; an annotated tag stands for its commit.
    ///
    /// # Errors
    /// A revision that isn't known, isn't unique or is no commit.
    pub(super) fn given(&self, revision: &str, option: &str) -> Result<Commit, Error> {
        let named =
            self.inner.resolve_reference_from_short_name(revision).ok().and_then(|reference| reference.target());
        self.check(ObjectId::from_hex(revision).or(named.map(object_id)))?;
        let object = self.inner.revparse_single(revision).map_err(|error| self.unknown(revision, option, &error))?;
        match object.peel_to_commit() {
            Ok(commit) => Ok(read_commit(&commit)),
            Err(_) => Err(remedy::no_commit(revision, option, object.kind().map_or("an object", |kind| kind.str()))),
        }
    }

    /// The commit of head.
    ///
    /// # Errors
    /// A commit that isn't in this clone.
    pub(super) fn resolve_head(&self, head: &Head, told: Commit) -> Result<Commit, Error> {
        match head {
            Head::Told => Ok(told),
            Head::Named(named) => {
                let id = self.named(named)?;
                let commit = self.inner.find_commit(oid(id));
                commit
                    .map(|commit| read_commit(&commit))
                    .map_err(|error| remedy::unreadable(&format!("the commit `{id}`"), error.message()))
            }
        }
    }

    /// The commit of base.
    ///
    /// # Errors
    /// A commit that isn't in this clone or can't be found in it for sure.
    pub(super) fn resolve_base(&self, base: &Base, head: &Commit) -> Result<Resolved, Error> {
        let commit = match base {
            Base::Given(revision) => self.given(revision, "base")?.id,
            Base::Named(named) => self.named(named)?,
            Base::Parent(parent) => self.parent(*parent)?,
            Base::MergeBaseWithBranch(branch) => {
                self.complete(&format!("`{branch}`"))?;
                self.merge_base(head.id, self.branch(branch)?, &format!("`{branch}`"))?
            }
            Base::MergeBaseWith(named) => {
                self.complete(&format!("`{}`", named.field))?;
                self.merge_base(head.id, self.named(named)?, &format!("`{}`", named.field))?
            }
            Base::PreviousTag(tag) => return self.previous_tag(tag.as_deref(), head),
            Base::MatchingTag(pattern) => return self.matching_tag(pattern, head),
            Base::Found(commit) => *commit,
            Base::Nothing => return Ok(Resolved::default()),
        };
        Ok(Resolved { commit: Some(commit), tag: None })
    }

    /// The default branch of the remote that was cloned, if this clone knows it.
    pub(super) fn default_branch(&self) -> Option<String> {
        let reference = self.inner.find_reference("refs/remotes/origin/HEAD").ok()?;
        let target = reference.symbolic_target().ok().flatten()?;
        target.strip_prefix("refs/remotes/origin/").map(str::to_owned)
    }

    /// The tree of a commit.
    ///
    /// # Errors
    /// A commit that can't be read.
    pub(super) fn tree(&self, commit: ObjectId) -> Result<ObjectId, Error> {
        let commit = self
            .inner
            .find_commit(oid(commit))
            .map_err(|error| remedy::unreadable(&format!("the commit `{commit}`"), error.message()))?;
        Ok(object_id(commit.tree_id()))
    }

    /// Where the walk reads from.
    ///
    /// # Errors
    /// An object database that can't be opened.
    pub(super) fn trees(&self) -> Result<Trees<'_>, Error> {
        let odb = self.inner.odb().map_err(|error| remedy::unreadable("the object database", error.message()))?;
        let objects = Some(self.objects()).filter(|objects| loose::any(objects));
        Ok(Trees { odb, objects })
    }

    /// That libgit2 can read an object, if it has a file of its own.
    fn check(&self, object: Option<ObjectId>) -> Result<(), Error> {
        object.map_or(Ok(()), |object| loose::check(&self.objects(), object))
    }

    fn named(&self, named: &NamedCommit) -> Result<ObjectId, Error> {
        self.check(Some(named.id))?;
        let commit = self.inner.find_object(oid(named.id), None).and_then(|object| object.peel_to_commit());
        let what = match named.place {
            Place::Event => format!("the commit `{}` (`{}` of the event)", named.id, named.field),
            Place::Environment => format!("the commit `{}` (`{}`)", named.id, named.field),
            Place::Run => format!("the commit `{}` (`{}` of the last run that ended well)", named.id, named.field),
            Place::File => format!("the commit `{}` (in the file of `{}`)", named.id, named.field),
        };
        commit.map(|commit| object_id(commit.id())).map_err(|error| match error.code() {
            ErrorCode::NotFound => remedy::not_here(&what, self.is_shallow(), self.host, Distance::Any),
            _ => remedy::unreadable(&what, error.message()),
        })
    }

    fn parent(&self, parent: ObjectId) -> Result<ObjectId, Error> {
        self.check(Some(parent))?;
        let what = format!("the parent commit `{parent}`");
        self.inner.find_commit(oid(parent)).map(|commit| object_id(commit.id())).map_err(|error| match error.code() {
            ErrorCode::NotFound => remedy::not_here(&what, self.is_shallow(), self.host, Distance::One),
            _ => remedy::unreadable(&what, error.message()),
        })
    }

    /// The tip of a branch: as the remote has it, else as this clone has it.
    fn branch(&self, branch: &str) -> Result<ObjectId, Error> {
        [format!("refs/remotes/origin/{branch}"), format!("refs/heads/{branch}")]
            .iter()
            .find_map(|name| self.inner.find_reference(name).and_then(|reference| reference.peel_to_commit()).ok())
            .map(|commit| object_id(commit.id()))
            .ok_or_else(|| remedy::not_here(&format!("the branch `{branch}`"), true, self.host, Distance::Any))
    }

    /// In a shallow clone a merge base may be missed, and an older one taken for it, so none is looked for.
    fn complete(&self, with: &str) -> Result<(), Error> {
        if self.is_shallow() { Err(remedy::merge_base_in_shallow(with, self.host)) } else { Ok(()) }
    }

    fn merge_base(&self, head: ObjectId, other: ObjectId, with: &str) -> Result<ObjectId, Error> {
        let base = self.inner.merge_base(oid(head), oid(other)).map_err(|error| match error.code() {
            ErrorCode::NotFound => remedy::unrelated(with),
            _ => remedy::unreadable(&format!("the history between head and {with}"), error.message()),
        })?;
        Ok(object_id(base))
    }

    fn unknown(&self, revision: &str, option: &str, error: &git2::Error) -> Error {
        match error.code() {
            ErrorCode::Ambiguous => remedy::ambiguous(revision, option),
            ErrorCode::NotFound | ErrorCode::InvalidSpec => {
                let remote = format!("origin/{revision}");
                let known = self.inner.revparse_single(&remote).is_ok().then_some(remote.as_str());
                remedy::unknown(revision, option, known, self.is_shallow(), self.host)
            }
            _ => remedy::unreadable(&format!("`{option}` (`{revision}`)"), error.message()),
        }
    }

    /// Of a linked work tree, the file lies with the repository that it belongs to; libgit2 looks in the wrong place for it.
    fn is_shallow(&self) -> bool {
        let file = self.inner.commondir().join("shallow");
        file.metadata().is_ok_and(|metadata| metadata.len() > 0)
    }
}

/// The trees of a repository.
pub(super) struct Trees<'a> {
    odb: git2::Odb<'a>,
    /// The folder of the repository's own objects, if any of them isn't packed.
    objects: Option<PathBuf>,
}

/// No tree that people make is larger: this is a directory of several million files.
const LARGEST_TREE: usize = 256 << 20;

impl TreeSource for Trees<'_> {
    fn read(&self, tree: ObjectId) -> Result<Vec<u8>, Error> {
        let failed = |error: git2::Error| match error.code() {
            ErrorCode::NotFound => remedy::tree_not_here(tree),
            _ => remedy::unreadable(&format!("the tree `{tree}`"), error.message()),
        };
        if let Some(objects) = &self.objects {
            loose::check(objects, tree)?;
        }
        // Asked for first, so that a few compressed bytes can't fill the memory.
        let (size, kind) = self.odb.read_header(oid(tree)).map_err(failed)?;
        if kind != ObjectType::Tree || size > LARGEST_TREE {
            return Err(remedy::not_a_tree(tree, kind.str(), size));
        }
        Ok(self.odb.read(oid(tree)).map_err(failed)?.data().to_vec())
    }
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
            return Err(remedy::bare(directory));
        }
    }
    Err(remedy::no_repository(start, host))
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

/// The one directory that the CI itself made for this job. In a container it belongs to another user than ours.
fn trusted_directory(environment: &Environment) -> Option<PathBuf> {
    let name = match Host::of(environment) {
        Host::GitHub => "GITHUB_WORKSPACE",
        Host::GitLab => "CI_PROJECT_DIR",
        _ => return None,
    };
    environment.get(name).and_then(|path| Path::new(path).canonicalize().ok())
}

/// Opening looks at settings of the whole process, so only one thread opens at a time.
static OPENING: Mutex<()> = Mutex::new(());

fn open_trusted(directory: &Path, trusted: Option<&Path>) -> Result<git2::Repository, git2::Error> {
    let _opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    // The walk reads each tree once: a cache and a second hash of what git has checked cost a third of its time.
    git2::opts::strict_hash_verification(false);
    git2::opts::enable_caching(false);
    accept_partial_clones()?;
    let open = || git2::Repository::open_ext(directory, RepositoryOpenFlags::NO_SEARCH, &[] as &[&Path]);
    match open() {
        Err(error) if error.code() == ErrorCode::Owner && trusted == Some(directory) => {
            verify_owner(false)?;
            let opened = open();
            verify_owner(true)?;
            opened
        }
        opened => opened,
    }
}

/// Some versions of git mark a partial clone by an extension, which libgit2 doesn't know. It says that objects can be absent: an
/// absent tree is an error here anyway, and file contents aren't read.
#[expect(unsafe_code, reason = "git2 leaves it to its caller that no other thread reads the list meanwhile")]
fn accept_partial_clones() -> Result<(), git2::Error> {
    // SAFETY: libgit2 reads this list when it opens a repository, and this program opens repositories in `open_trusted` only,
    // which holds `OPENING` around this call and around the opening.
    unsafe { git2::opts::set_extensions(&["partialclone"]) }
}

#[expect(unsafe_code, reason = "git2 leaves it to its caller that no other thread reads the setting meanwhile")]
fn verify_owner(on: bool) -> Result<(), git2::Error> {
    // SAFETY: libgit2 reads this setting when it opens a repository, and this program opens repositories in `open_trusted`
    // only, which holds `OPENING` around the opening and around both calls of this function.
    unsafe { git2::opts::set_verify_owner_validation(on) }
}

/// The parents come from the commit's own text: in a shallow clone libgit2 pretends that the last commits have none.
fn read_commit(commit: &git2::Commit<'_>) -> Commit {
    let parents = commit
        .raw_header_bytes()
        .split(|&byte| byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line.strip_prefix(b"parent ")?).ok())
        .filter_map(ObjectId::from_hex)
        .collect();
    Commit { id: object_id(commit.id()), parents }
}

fn oid(id: ObjectId) -> Oid {
    Oid::from_bytes(id.as_bytes()).expect("an object id has the 20 bytes that SHA-1 needs")
}

fn object_id(oid: Oid) -> ObjectId {
    ObjectId::from_bytes(oid.as_bytes()).expect("this libgit2 is built for SHA-1, whose names have 20 bytes")
}
