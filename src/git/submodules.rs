//! The changed files inside of changed submodules, and behind symbolic links, in the place of those.
//!
//! Each submodule is compared in its own repository, between the two commits that it was at. One that can't be compared stays in the
//! list as a submodule, with the reason; where its old commit alone is missing, all of its files count as changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid};

use crate::config::{Submodules, Symlinks};
use crate::environment::Environment;
use crate::error::Error;
use crate::mapping::Reach;
use crate::model::{Change, ChangeKind, EntryKind, RepoPath};

use super::repository::Repository;
use super::tree_diff::{Mode, Side, Walked};
use super::{errors, links, renames, workspace};

/// Submodules inside each other. People have two or three.
const DEEPEST: usize = 16;

/// The largest `.gitmodules` that is read.
const LARGEST_GITMODULES: usize = 1 << 20;

/// Which changes are replaced by those that they lead to.
#[derive(Clone, Debug)]
pub struct Following {
    /// Whether changed submodules are.
    pub submodules: Submodules,
    /// Whether symbolic links are, and where they are searched.
    pub symlinks: Symlinks,
    /// What the rules select: links and folders elsewhere don't matter.
    pub reach: Reach,
}

/// A changed submodule whose changed files aren't known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexpanded {
    /// Its path, or that of a link to it, in the outermost repository.
    pub path: RepoPath,
    /// Why, as a sentence.
    pub message: String,
    /// The remedy.
    pub help: String,
}

/// Replaces submodules and links by the files behind them.
pub(super) struct Expansion<'a> {
    following: &'a Following,
    environment: &'a Environment,
    /// Sentences about links that aren't followed, and submodules whose old commit is missing.
    pub(super) warnings: Vec<String>,
    /// Sentences about what wasn't looked for.
    pub(super) notes: Vec<String>,
    pub(super) unexpanded: Vec<Unexpanded>,
}

/// A repository whose changes are at hand.
pub(super) struct Level<'a> {
    repository: &'a Repository,
    /// Its two commits.
    base: Option<Oid>,
    head: Option<Oid>,
    /// Where it lies in the outermost one, with a `/` at the end; empty for that itself.
    above: Vec<u8>,
    depth: usize,
}

impl<'a> Level<'a> {
    /// The outermost repository.
    pub(super) fn outermost(repository: &'a Repository, base: Option<Oid>, head: Oid) -> Self {
        Self { repository, base, head: Some(head), above: Vec::new(), depth: 0 }
    }

    fn named(&self, path: &RepoPath) -> RepoPath {
        RepoPath::new([&self.above[..], path.as_bytes()].concat())
    }
}

impl<'a> Expansion<'a> {
    pub(super) fn new(following: &'a Following, environment: &'a Environment) -> Self {
        Self { following, environment, warnings: Vec::new(), notes: Vec::new(), unexpanded: Vec::new() }
    }

    /// The changes of a repository, by their paths there, with those of submodules and behind links.
    ///
    /// # Errors
    /// A tree that can't be read, and links beyond all bounds. What is wrong with a submodule is no error.
    pub(super) fn changes(&mut self, level: &Level<'_>, walked: Walked) -> Result<Vec<Change>, Error> {
        let Walked { differences, links, are_links_changed } = walked;
        let mut changes = Vec::with_capacity(differences.len());
        let mut unselected = Vec::new();
        for change in renames::pair(differences) {
            if change.entry == EntryKind::Submodule && self.following.submodules != Submodules::Ignore {
                let folder = [change.path.as_bytes(), b"/"].concat();
                if !self.following.reach.selects_below(&[&level.above[..], &folder].concat()) {
                    unselected.push(folder);
                }
                self.submodule(level, change, &mut changes)?;
            } else {
                changes.push(change);
            }
        }
        if self.following.symlinks != Symlinks::Ignore {
            self.links(level, &mut changes, links, are_links_changed)?;
        }
        // They were of interest behind links alone.
        let is_unselected = |path: &RepoPath| unselected.iter().any(|folder| path.as_bytes().starts_with(folder));
        changes.retain(|change| !is_unselected(&change.path));
        // By path; a deleted and added path keeps that order.
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(merged(changes))
    }

    fn links(
        &mut self,
        level: &Level<'_>,
        changes: &mut Vec<Change>,
        known: BTreeSet<Vec<u8>>,
        are_links_changed: bool,
    ) -> Result<(), Error> {
        let tree = |commit: Option<Oid>| commit.map(|commit| level.repository.tree(commit)).transpose();
        let place = links::Place {
            repository: level.repository,
            base: tree(level.base)?,
            head: tree(level.head)?,
            above: &level.above,
            reach: &self.following.reach,
            symlinks: self.following.symlinks,
        };
        let found = links::follow(&place, changes, known, are_links_changed)?;
        for change in changes.iter_mut().filter(|change| change.entry == EntryKind::Symlink) {
            if found.folders.contains(&change.path) {
                change.entry = EntryKind::Folder;
            }
        }
        changes.extend(found.changes);
        self.warnings.extend(found.warnings);
        self.notes.extend(found.note);
        for (path, submodule) in found.submodules {
            let submodule = level.named(&submodule);
            let path = level.named(&path);
            let reason = self.unexpanded.iter().find(|unexpanded| unexpanded.path == submodule);
            let reason = reason.map_or_else(
                || Unexpanded::new(path.clone(), errors::link_into_submodule(&path.to_string())),
                |reason| Unexpanded { path: path.clone(), ..reason.clone() },
            );
            if submodule == path {
                let inside = RepoPath::new(&path.as_bytes()[level.above.len()..]);
                changes.retain(|change| change.path != inside);
                changes.push(Change { path: inside, kind: ChangeKind::Modified, entry: EntryKind::Submodule });
            }
            self.unexpanded.push(reason);
        }
        Ok(())
    }

    /// Adds the changes that a changed submodule means: its own, and those of its files.
    fn submodule(&mut self, level: &Level<'_>, mut change: Change, found: &mut Vec<Change>) -> Result<(), Error> {
        let at = |commit: Option<Oid>| match commit {
            Some(commit) => commit_of(level.repository, commit, change.path.as_bytes()),
            None => Ok(None),
        };
        let (base, head) = match change.kind {
            ChangeKind::Added => (None, at(level.head)?),
            ChangeKind::Deleted => (at(level.base)?, None),
            _ => (at(level.base)?, at(level.head)?),
        };
        match self.inside(level, &change, base, head) {
            Ok(inside) => {
                let prefix = [change.path.as_bytes(), b"/"].concat();
                let below = |path: &RepoPath| RepoPath::new([&prefix[..], path.as_bytes()].concat());
                change.entry = EntryKind::Folder;
                found.push(change);
                found.extend(inside.into_iter().map(|change| Change {
                    path: below(&change.path),
                    kind: match change.kind {
                        ChangeKind::Renamed { from } => ChangeKind::Renamed { from: below(&from) },
                        kind => kind,
                    },
                    entry: change.entry,
                }));
            }
            Err(error) => {
                self.unexpanded.push(Unexpanded::new(level.named(&change.path), error));
                found.push(change);
            }
        }
        Ok(())
    }

    /// The changes in a submodule, by their paths in it.
    fn inside(
        &mut self,
        level: &Level<'_>,
        change: &Change,
        base: Option<Oid>,
        head: Option<Oid>,
    ) -> Result<Vec<Change>, Error> {
        let outer = level.named(&change.path);
        if level.depth == DEEPEST {
            return Err(errors::submodules_too_deep(&outer.to_string()));
        }
        // For its name, which is that of its repository.
        let commit = if head.is_some() { level.head } else { level.base };
        let repository = open(level.repository, change.path.as_bytes(), commit, self.environment)?;
        let is_here = |commit: Oid| repository.has_commit(commit);
        let absent = |commit| {
            errors::submodule_commit_not_here(&outer.to_string(), commit, repository.is_shallow(), repository.host)
        };
        let above = [outer.as_bytes(), b"/"].concat();
        let (base, head) = match (base, head) {
            (_, Some(head)) if !is_here(head)? => return Err(absent(head)),
            (Some(base), None) if !is_here(base)? => return Err(absent(base)),
            (Some(base), Some(head)) if !is_here(base)? => {
                let level =
                    Level { repository: &repository, base: None, head: Some(head), above, depth: level.depth + 1 };
                let mut changes = self.changes(&level, repository.walk(None, head)?)?;
                for change in changes.iter_mut().filter(|change| change.kind == ChangeKind::Added) {
                    change.kind = ChangeKind::Modified;
                }
                if self.following.reach.selects_below(&level.above) {
                    self.warnings.push(errors::all_of_submodule(absent(base), changes.len()));
                }
                return Ok(changes);
            }
            pair => pair,
        };
        let mut walked = match (base, head) {
            (base, Some(head)) => repository.walk(base, head)?,
            (Some(base), None) => repository.walk(None, base)?,
            (None, None) => return Ok(Vec::new()),
        };
        if head.is_none() {
            walked.differences.iter_mut().for_each(|difference| difference.side = Side::Deleted);
        }
        self.changes(&Level { repository: &repository, base, head, above, depth: level.depth + 1 }, walked)
    }
}

impl Unexpanded {
    fn new(path: RepoPath, error: Error) -> Self {
        let (message, help) = match error {
            Error::Checkout { message, help } => (message, help),
            other => (other.to_string(), "check the repository with `git fsck`".to_owned()),
        };
        Self { path, message, help }
    }
}

/// One modification in place of a deletion and an addition of the same path: a folder and a submodule changed places.
fn merged(changes: Vec<Change>) -> Vec<Change> {
    let is_file = |change: &Change| matches!(change.entry, EntryKind::File | EntryKind::Symlink);
    let mut merged: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        match merged.last_mut() {
            Some(last) if last.path == change.path && is_file(last) && is_file(&change) => {
                *last = Change { kind: ChangeKind::Modified, ..change };
            }
            _ => merged.push(change),
        }
    }
    merged
}

/// The commit that a submodule is at in `commit`; `None` if no submodule is there.
fn commit_of(repository: &Repository, commit: Oid, path: &[u8]) -> Result<Option<Oid>, Error> {
    let found = repository.entry(commit, path)?;
    Ok(found.filter(|item| item.mode == Mode::Submodule).map(|item| item.id))
}

/// The repository of the submodule at `path`, which must lie where git puts it: at its path or, where its files are gone, among the
/// repositories of submodules, under the name that `commit` gives it.
fn open(parent: &Repository, path: &[u8], commit: Option<Oid>, environment: &Environment) -> Result<Repository, Error> {
    let shown = String::from_utf8_lossy(path);
    let absent = || errors::submodule_not_checked_out(&shown, parent.host);
    let directory = parent.directory.join(workspace::native(path).ok_or_else(absent)?);
    let shared = parent.git.commondir().canonicalize().unwrap_or_default();
    let is_checked_out = directory.join(".git").symlink_metadata().is_ok();
    // The real place of the files, before any of them is read.
    let (files, is_own) = if is_checked_out {
        let files = workspace::git_directory(&directory);
        let inside = [&parent.directory, &shared];
        (
            files.filter(|files| inside.iter().any(|own| files.starts_with(own))),
            directory.canonicalize().is_ok_and(|real| real == directory),
        )
    } else {
        let name = name_of(parent, path, commit)?.and_then(|name| workspace::native(&name)).ok_or_else(absent)?;
        let is_plain = name.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let place = shared.join("modules").join(name);
        if !is_plain || !place.join("HEAD").exists() {
            return Err(absent());
        }
        let is_own = place.canonicalize().is_ok_and(|real| real == place);
        (Some(place), is_own)
    };
    // It was checked out together with the one directory that is trusted.
    let trusted = workspace::of(environment).filter(|trusted| directory.starts_with(trusted));
    let has_way_out = |files: &Path| trusted.as_ref().is_some_and(|trusted| workspace::leads_out(files, trusted));
    let is_whole = |files: &PathBuf| workspace::common_directory(files).as_ref() == Some(files);
    let Some(files) = files.filter(|files| is_own && !has_way_out(files) && is_whole(files)) else {
        return Err(errors::submodule_elsewhere(&shown));
    };
    let opened = if is_checked_out {
        Repository::open_in(&directory, parent.host, trusted.is_some())
    } else {
        Repository::open_bare(&files, parent.host, trusted.is_some())
    };
    opened.map_err(|error| match error.code() {
        ErrorCode::Owner => errors::submodule_unopened(&shown, "it belongs to another user"),
        _ => errors::submodule_unopened(&shown, error.message()),
    })
}

/// The name of the submodule at `path`: the one in `.gitmodules` at `commit`, else its path, which git takes for a new submodule.
fn name_of(parent: &Repository, path: &[u8], commit: Option<Oid>) -> Result<Option<Vec<u8>>, Error> {
    let Some(commit) = commit else { return Ok(None) };
    let text = match parent.entry(commit, b".gitmodules")? {
        Some(item) if item.mode != Mode::Directory => parent.blob(item.id, LARGEST_GITMODULES)?,
        _ => None,
    };
    let name = text.and_then(|text| name_in(&text, path));
    Ok(Some(name.unwrap_or_else(|| path.to_vec())))
}

/// The name of the section of `.gitmodules` with this `path`.
fn name_in(text: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    let mut name = None;
    for line in text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii) {
        if let Some(section) = line.strip_prefix(b"[") {
            name = section.strip_prefix(b"submodule \"").and_then(|section| section.strip_suffix(b"\"]"));
        } else if let Some(equals) = line.iter().position(|&byte| byte == b'=')
            && line[..equals].trim_ascii().eq_ignore_ascii_case(b"path")
        {
            let value = line[equals + 1..].trim_ascii();
            let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
            if value == path && name.is_some() {
                return name.map(<[u8]>::to_vec);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submodules_name_is_that_of_the_section_with_its_path() {
        let text = b"[core]\n\tpath = a\n[submodule \"one\"]\n\tpath = a\r\n\turl = b\n[submodule \"two/x\"]\n  Path=\"c d\"\n";
        assert_eq!(name_in(text, b"a").as_deref(), Some(&b"one"[..]));
        assert_eq!(name_in(text, b"c d").as_deref(), Some(&b"two/x"[..]));
        assert_eq!(name_in(text, b"b"), None);
    }
}
