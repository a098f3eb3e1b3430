//! The repository's settings become the place it was cloned from, with the credentials that git would use there.
//!
//! Read as git reads them, with what `include` and `includeIf` bring in: that is where the checkout step of a CI leaves its
//! token. No credential helper is run.

use std::path::{Path, PathBuf};

use super::super::entries::ObjectId;
use super::super::range::Host;
use super::super::remedy;
use super::admission::{Refused, admit};
use super::enclosure::{git_directory, is_inside};
use super::objects::{Kind, Object};
use super::{Repository, libgit2, place, trusted_directory};
use crate::environment::Environment;
use crate::error::Error;

/// The most commits that a server is told of as being here: it stops at the first one it knows.
const HELD: usize = 32;

/// The list of the commits behind which history is cut off: a million of them.
const LONGEST_LIST: u64 = 64 << 20;

/// What the settings say of the remote.
pub(in crate::git) struct RemoteSettings {
    /// The address: of `origin`, or of the only remote. `None` without one.
    ///
    /// It may hold credentials. What `url.….insteadOf` says of it is done.
    pub(in crate::git) address: Option<String>,
    /// Every `http.extraheader` and `http.<address>.extraheader` in the order of the files, with the address (empty: any) and the
    /// header's line.
    pub(in crate::git) extra_headers: Vec<(String, String)>,
}

impl RemoteSettings {
    fn read(repository: &git2::Repository) -> Self {
        Self { address: address(repository), extra_headers: extra_headers(repository) }
    }
}

fn address(repository: &git2::Repository) -> Option<String> {
    let names = repository.remotes().ok()?;
    let names: Vec<&str> = names.iter().flatten().flatten().collect();
    let name = if names.contains(&"origin") { "origin" } else { names.first().filter(|_| names.len() == 1)? };
    let remote = repository.find_remote(name).ok()?;
    remote.url().ok().filter(|url| !url.is_empty()).map(str::to_owned)
}

fn extra_headers(repository: &git2::Repository) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Ok(entries) = repository.config().and_then(|mut config| config.snapshot()) else { return found };
    let Ok(entries) = entries.entries(Some(r"^http\..*extraheader$")) else { return found };
    let _ = entries.for_each(|entry| {
        // A name without a value would make git2 panic at the value.
        if !entry.has_value() {
            return;
        }
        if let (Ok(name), Ok(value)) = (entry.name(), entry.value()) {
            let address = name.strip_prefix("http.").and_then(|name| name.strip_suffix("extraheader"));
            let address = address.map(|address| address.strip_suffix('.').unwrap_or(address));
            if let Some(address) = address {
                found.push((address.to_owned(), value.to_owned()));
            }
        }
    });
    found
}

impl Repository {
    /// What the settings say of the remote; they are read the first time.
    ///
    /// # Errors
    /// Settings that can't be read.
    pub(in crate::git) fn remote(&self) -> Result<&RemoteSettings, Error> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let told = libgit2::ask(&self.directory, true, |repository| Ok(RemoteSettings::read(repository)));
        let told = told.map_err(|unanswered| remedy::unopened(&self.directory, unanswered.words()))?;
        Ok(self.settings.get_or_init(|| told))
    }

    /// Where its objects lie.
    pub(in crate::git) fn objects(&self) -> PathBuf {
        self.common.join("objects")
    }

    /// Reads objects from this folder too, from now on and in this process alone: nothing is written for it.
    pub(in crate::git) fn read_also(&self, objects: &Path) {
        self.objects.add(objects);
    }

    /// Whether a commit is here, and its tree; what is damaged isn't.
    pub(in crate::git) fn holds(&self, commit: ObjectId) -> bool {
        self.objects.holds(commit).unwrap_or(false)
    }

    /// Whether a commit is here, whatever is with it.
    pub(in crate::git) fn knows(&self, commit: ObjectId) -> bool {
        self.objects.commit(commit).is_ok_and(|commit| commit.is_some())
    }

    /// The tip of a branch, if this clone has it.
    pub(in crate::git) fn tip(&self, branch: &str) -> Option<ObjectId> {
        self.branch(branch).ok()
    }

    /// Commits that are here with their trees, `head` first, then what the remote's branches were.
    pub(in crate::git) fn held(&self, head: ObjectId) -> Vec<ObjectId> {
        let tips = self.references.below("refs/remotes/").unwrap_or_default().into_iter().map(|(_, tip)| tip);
        let mut held = Vec::new();
        for id in std::iter::once(head).chain(tips) {
            if held.len() < HELD && !held.contains(&id) && self.holds(id) {
                held.push(id);
            }
        }
        held
    }

    /// The commits behind which this clone's history is cut off.
    pub(in crate::git) fn ends(&self) -> Vec<ObjectId> {
        let text = place::whole(&self.common.join("shallow"), LONGEST_LIST).ok().flatten().unwrap_or_default();
        String::from_utf8_lossy(&text).lines().filter_map(ObjectId::from_hex).collect()
    }

    /// Whether something else than a commit stands here under an id.
    pub(in crate::git) fn is_other_than_commit(&self, id: ObjectId) -> bool {
        let found = self.objects.get(id);
        found.is_ok_and(|object| object.is_some_and(|Object { kind, .. }| kind != Kind::Commit))
    }

    /// A folder as the remote's address names it, seen from the work tree.
    pub(in crate::git) fn beside(&self, folder: &Path) -> PathBuf {
        self.directory.join(folder)
    }

    /// Whether the repository in a folder may be read as the remote. Where the CI names the directory that it made, only inside of
    /// that: the settings that name it may be a stranger's.
    pub(in crate::git) fn may_read(&self, folder: &Path, environment: &Environment) -> bool {
        let workspace = trusted_directory(environment).filter(|workspace| self.directory.starts_with(workspace));
        let files = git_directory(folder).or_else(|| folder.canonicalize().ok());
        workspace.is_none_or(|workspace| is_inside(files, &workspace))
    }

    /// The commit of the first of these references that another repository of this machine has.
    ///
    /// # Errors
    /// Why that repository can't be opened or read.
    pub(in crate::git) fn reference_in(folder: &Path, names: &[String]) -> Result<Option<ObjectId>, String> {
        let own = git_directory(folder).unwrap_or_else(|| folder.to_owned());
        let admitted = admit(folder, &own, false).map_err(|refused| match refused {
            Refused::Foreign => "it belongs to another user".to_owned(),
            Refused::Unreadable(why) => why,
        })?;
        let other = Self::new(admitted, own, folder.to_owned(), Host::Local);
        other.first_commit(names).map_err(|error| error.to_string())
    }

    /// Whether the history of this clone is cut off.
    pub(in crate::git) fn is_cut_off(&self) -> bool {
        self.is_shallow()
    }
}
