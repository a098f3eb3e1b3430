//! A directory becomes an open repository, revisions become commits, commits become trees.
//!
//! Objects and references are read by the modules in the folder beside it; libgit2 is asked seldom (`libgit2.rs`), and takes in
//! what was fetched (`store.rs`). Nothing else is read: no list of files, no work tree, no filters, no hooks; nothing goes over
//! the network, and no process is started.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use git2::Oid;

use crate::environment::Environment;
use crate::error::Error;

use self::admission::{Admitted, Refused, admit};
use self::objects::{Objects, Peeled};
use self::references::{References, Target};
use self::remote::RemoteSettings;
use super::ancestry;
use super::entries::ObjectId;
use super::range::{Base, Commit, Head, Host, NamedCommit, Place};
use super::remedy::{self, Distance};
use super::tree::{self, Difference, Limits};

mod admission;
mod commits;
mod content;
mod delta;
mod enclosure;
mod folders;
mod format;
mod index;
mod libgit2;
mod loose;
mod objects;
mod pack;
mod place;
mod references;
mod remote;
mod revision;
pub(super) mod store;
mod submodule;
mod tags;
mod watch;

/// An open repository with a work tree.
pub(super) struct Repository {
    objects: Objects,
    references: References,
    /// What its settings say of the remote, once it was asked for.
    settings: OnceCell<RemoteSettings>,
    /// The commits of revisions that were looked up.
    resolved: RefCell<HashMap<String, Commit>>,
    /// The directory that holds `.git`.
    directory: PathBuf,
    /// The files that all work trees of the repository share.
    common: PathBuf,
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
        let own = enclosure::git_directory(&directory);
        let own = own.ok_or_else(|| remedy::unopened(&directory, "its `.git` leads nowhere"))?;
        match admit(&directory, &own, trusted.as_ref() == Some(&directory)) {
            Ok(Admitted { is_bare: true, .. }) => Err(remedy::bare(&directory)),
            Ok(admitted) => Ok(Self::new(admitted, own, directory, host)),
            Err(Refused::Foreign) => Err(remedy::foreign(&directory)),
            Err(Refused::Unreadable(why)) => Err(remedy::unopened(&directory, &why)),
        }
    }

    fn new(admitted: Admitted, own: PathBuf, directory: PathBuf, host: Host) -> Self {
        let Admitted { common, .. } = admitted;
        let objects = Objects::new(&common.join("objects"));
        let references = References::new(own, common.clone());
        let (settings, resolved) = Default::default();
        Self { objects, references, settings, resolved, directory, common, host }
    }

    /// The commit that is checked out.
    ///
    /// # Errors
    /// A branch without a commit; a commit that can't be read.
    pub(super) fn head(&self) -> Result<Commit, Error> {
        let id = self.references.resolve(b"HEAD")?.ok_or_else(|| remedy::unborn(&self.directory))?;
        match self.objects.peel(id)? {
            Peeled::Commit(commit) => Ok(commit),
            Peeled::Other(kind) => Err(remedy::unreadable("the commit of `HEAD`", &format!("`{id}` is a {kind}"))),
            Peeled::Absent => Err(remedy::unreadable("the commit of `HEAD`", &format!("`{id}` isn't here"))),
        }
    }

    /// The commit of head.
    ///
    /// # Errors
    /// A commit that isn't in this clone.
    pub(super) fn resolve_head(&self, head: &Head, told: Commit) -> Result<Commit, Error> {
        match head {
            Head::Told => Ok(told),
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
            Base::MergeBaseWithBranch(branch) => {
                self.complete(&format!("`{branch}`"))?;
                self.merge_base(head.id, self.branch(branch)?, &format!("`{branch}`"))?
            }
            Base::MergeBaseWith(named) => {
                self.complete(&format!("`{}`", named.field))?;
                self.merge_base(head.id, self.named(named)?.id, &format!("`{}`", named.field))?
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
        match self.references.read(b"refs/remotes/origin/HEAD").ok()?? {
            Target::Reference(name) => {
                Some(std::str::from_utf8(&name).ok()?.strip_prefix("refs/remotes/origin/")?.to_owned())
            }
            Target::Object(_) => None,
        }
    }

    /// In what the directories of two commits differ, as [`tree::differences`] says.
    ///
    /// # Errors
    /// As there; and a commit that can't be read.
    pub(super) fn differences(&self, base: Option<ObjectId>, head: ObjectId) -> Result<Vec<Difference>, Error> {
        let base = base.map(|base| self.objects.needed(base)).transpose()?;
        let head = self.objects.needed(head)?;
        tree::differences(&self.objects, base.map(|base| base.tree), head.tree, Limits::default())
    }

    /// An object by git's name of its kind, and what it holds; `None` if it isn't here.
    #[cfg(test)]
    pub(super) fn object(&self, id: ObjectId) -> Result<Option<(&'static str, objects::Content)>, Error> {
        Ok(self.objects.get(id)?.map(|object| (object.kind.name(), object.content)))
    }

    fn named(&self, named: &NamedCommit) -> Result<Commit, Error> {
        let id = named.id;
        let what = match named.place {
            Place::Event => format!("the commit `{id}` (`{}` of the event)", named.field),
            Place::Environment => format!("the commit `{id}` (`{}`)", named.field),
            Place::Run => format!("the commit `{id}` (`{}` of the last run that ended well)", named.field),
            Place::File => format!("the commit `{id}` (in the file of `{}`)", named.field),
        };
        match self.objects.peel(id)? {
            Peeled::Commit(commit) => Ok(commit),
            Peeled::Other(kind) => Err(remedy::unreadable(&what, &format!("it is a {kind}"))),
            Peeled::Absent => Err(remedy::not_here(&what, self.is_shallow(), self.host, Distance::Any)),
        }
    }

    fn parent(&self, parent: ObjectId) -> Result<ObjectId, Error> {
        let what = format!("the parent commit `{parent}`");
        match self.objects.commit(parent)? {
            Some(_) => Ok(parent),
            None => Err(remedy::not_here(&what, self.is_shallow(), self.host, Distance::One)),
        }
    }

    /// The tip of a branch: as the remote has it, else as this clone has it.
    fn branch(&self, branch: &str) -> Result<ObjectId, Error> {
        let names = [format!("refs/remotes/origin/{branch}"), format!("refs/heads/{branch}")];
        let absent = || remedy::not_here(&format!("the branch `{branch}`"), true, self.host, Distance::Any);
        self.first_commit(&names)?.ok_or_else(absent)
    }

    /// The commit of the first of these references that is here.
    fn first_commit(&self, names: &[String]) -> Result<Option<ObjectId>, Error> {
        for name in names {
            let Some(id) = self.references.resolve(name.as_bytes())? else { continue };
            if let Peeled::Commit(commit) = self.objects.peel(id)? {
                return Ok(Some(commit.id));
            }
        }
        Ok(None)
    }

    /// In a shallow clone a merge base may be missed, and an older one taken for it, so none is looked for.
    fn complete(&self, with: &str) -> Result<(), Error> {
        if self.is_shallow() { Err(remedy::merge_base_in_shallow(with, self.host)) } else { Ok(()) }
    }

    fn merge_base(&self, head: ObjectId, other: ObjectId, with: &str) -> Result<ObjectId, Error> {
        let found = ancestry::parting(head, other, |id| Ok(self.objects.needed(id)?.node))?;
        found.ok_or_else(|| remedy::unrelated(with))
    }

    /// Of a linked work tree, the file lies with the repository that it belongs to; libgit2 looks in the wrong place for it.
    fn is_shallow(&self) -> bool {
        let file = self.common.join("shallow");
        file.metadata().is_ok_and(|metadata| metadata.len() > 0)
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

fn object_id(oid: Oid) -> ObjectId {
    ObjectId::from_bytes(oid.as_bytes()).expect("this libgit2 is built for SHA-1, whose names have 20 bytes")
}
