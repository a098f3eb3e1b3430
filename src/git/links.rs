//! Changes behind symbolic links: a link to a folder or file of the repository is another path of what it leads to.
//!
//! Where a link leads to the same place in base and head, the changes there are repeated at the link's path. Where that place differs,
//! the files of both places are compared. Targets are looked up in the trees of the commits, never in the work tree, so nothing
//! outside of the repository is read. A link that leads out of it, or to a folder that contains the link, isn't followed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use git2::Oid;

use crate::config::Symlinks;
use crate::error::Error;
use crate::mapping::Reach;
use crate::model::{Change, ChangeKind, EntryKind, RepoPath};

use super::errors;
use super::repository::Repository;
use super::tree_diff::{Entries, Entry, Item, Mode, TreeSource, may_hold_folders, may_hold_links};

/// The longest target, in bytes: no system takes a longer path.
const LONGEST_TARGET: usize = 4096;

/// Links on the way to one target; Linux stops there too.
const MOST_LINKS: usize = 40;

/// Changes that are found behind links: more than any provider takes. A few crafted links contain billions of paths.
const MOST_CHANGES: usize = 100_000;

/// Entries that are read to list the files behind one link.
const MOST_ENTRIES: usize = 1_000_000;

/// Folders that are searched for links by default, in addition to those that hold changes and those that the rules spell out.
const SEARCHED: usize = 256;

/// A repository at two commits, and what of it the rules select.
pub(super) struct Place<'a> {
    pub(super) repository: &'a Repository,
    /// The trees of the commits, if there are such.
    pub(super) base: Option<Oid>,
    pub(super) head: Option<Oid>,
    /// Where the repository lies in the outermost one, with a `/` at the end; empty for that itself.
    pub(super) above: &'a [u8],
    pub(super) reach: &'a Reach,
    pub(super) symlinks: Symlinks,
}

/// The result of following links.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// Changes at the paths of links, in addition to those that were given.
    pub(super) changes: Vec<Change>,
    /// Links to folders: a change of such a link is one of the folder.
    pub(super) folders: HashSet<RepoPath>,
    /// Paths of links below which a submodule's files aren't known, with the path of the submodule.
    pub(super) submodules: Vec<(RepoPath, RepoPath)>,
    /// Sentences about links that aren't followed.
    pub(super) warnings: Vec<String>,
    /// A sentence about folders that weren't searched.
    pub(super) note: Option<String>,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// To a path of the repository without links. The item is absent inside of a submodule.
    To { path: Vec<u8>, item: Option<Item> },
    /// To nothing; or no link is there.
    Nothing,
    /// To an absolute path.
    Absolute,
    /// Out of the repository.
    Outside,
    /// To itself, or through too many links.
    Circle,
    /// The text of a link isn't in this clone.
    Unknown,
}

/// Finds the changes behind links. `known` are links in the folders that hold changes; `are_links_changed` says whether any link is
/// among the changes.
///
/// # Errors
/// A tree that can't be read; links that lead to more files than this program takes.
pub(super) fn follow(
    place: &Place<'_>,
    changes: &[Change],
    known: BTreeSet<Vec<u8>>,
    are_links_changed: bool,
) -> Result<Followed, Error> {
    if changes.is_empty() {
        return Ok(Followed::default());
    }
    let head = View::new(place.repository, place.head)?;
    let mut search =
        Search { place, view: &head, links: BTreeMap::new(), searched: HashSet::new(), queue: VecDeque::new() };
    for path in known {
        search.add(path)?;
    }
    let is_complete = search.run()?;
    let links = search.links;
    let note = (!is_complete).then(|| {
        format!(
            "symbolic links were searched in {} folders, not in all: set `symlinks: everywhere` if one in another folder leads to changed \
             files, `symlinks: ignore` if there are none",
            search.searched.len()
        )
    });
    if links.is_empty() {
        return Ok(Followed { note, ..Followed::default() });
    }
    let base = View::new(place.repository, place.base)?;
    let mut following = Following {
        place,
        targets: BTreeMap::new(),
        links: Vec::new(),
        seen: changes.iter().flat_map(paths).map(<[u8]>::to_vec).collect(),
        repeated: 0,
        queue: VecDeque::new(),
        found: Followed { note, ..Followed::default() },
    };
    for (link, target) in links {
        following.add(link, target, (&base, &head), are_links_changed)?;
    }
    following.repeat(changes)?;
    Ok(following.found)
}

/// The paths of a change.
fn paths(change: &Change) -> impl Iterator<Item = &[u8]> {
    let from = if let ChangeKind::Renamed { from } = &change.kind { Some(from.as_bytes()) } else { None };
    from.into_iter().chain([change.path.as_bytes()])
}

/// The files of a commit.
struct View<'a> {
    repository: &'a Repository,
    objects: git2::Odb<'a>,
    root: Option<Oid>,
    /// The entries of trees on the way to targets.
    known: RefCell<HashMap<Oid, HashMap<Vec<u8>, Item>>>,
}

impl<'a> View<'a> {
    fn new(repository: &'a Repository, root: Option<Oid>) -> Result<Self, Error> {
        Ok(Self { repository, objects: repository.odb()?, root, known: RefCell::default() })
    }

    /// Calls `each` with the entries of a tree, until it returns `false`.
    fn each(&self, tree: Oid, each: impl FnMut(Entry<'_>) -> bool) -> Result<(), Error> {
        Self::each_of(tree, TreeSource::read(&self.objects, tree)?, each)
    }

    /// The same for a tree with this content.
    fn each_of(tree: Oid, bytes: Vec<u8>, mut each: impl FnMut(Entry<'_>) -> bool) -> Result<(), Error> {
        let mut entries = Entries::new(tree, bytes)?;
        while let Some(entry) = entries.current() {
            if !each(entry) {
                break;
            }
            entries.advance()?;
        }
        Ok(())
    }

    fn child(&self, tree: Oid, name: &[u8]) -> Result<Option<Item>, Error> {
        let mut found = None;
        self.each(tree, |entry| {
            if entry.name == name {
                found = Some(entry.item);
            }
            found.is_none()
        })?;
        Ok(found)
    }

    /// The same, for a tree in which more will be looked up.
    fn known_child(&self, tree: Oid, name: &[u8]) -> Result<Option<Item>, Error> {
        if let Some(entries) = self.known.borrow().get(&tree) {
            return Ok(entries.get(name).copied());
        }
        let mut entries = HashMap::new();
        self.each(tree, |entry| {
            entries.insert(entry.name.to_vec(), entry.item);
            true
        })?;
        let found = entries.get(name).copied();
        self.known.borrow_mut().insert(tree, entries);
        Ok(found)
    }

    /// Whether the commit has a file at a path, and no link.
    fn has_file(&self, path: &[u8]) -> Result<bool, Error> {
        let Some(mut tree) = self.root else { return Ok(false) };
        let mut names = parts(path);
        while let Some(name) = names.pop() {
            match self.known_child(tree, &name)? {
                Some(Item { mode: Mode::Directory, id }) => tree = id,
                Some(Item { mode, .. }) => return Ok(names.is_empty() && mode.is_file()),
                None => break,
            }
        }
        Ok(false)
    }

    /// Where the link at a path leads; [`Target::Nothing`] if there is none.
    fn target(&self, link: &[u8]) -> Result<Target, Error> {
        let Some(root) = self.root else { return Ok(Target::Nothing) };
        let mut above: Vec<(Vec<u8>, Oid)> = Vec::new();
        let mut open: Vec<Vec<u8>> = parts(link);
        let mut links = 0;
        while let Some(name) = open.pop() {
            match &*name {
                b"" | b"." => continue,
                b".." => match above.pop() {
                    Some(_) => continue,
                    None => return Ok(Target::Outside),
                },
                _ => {}
            }
            let tree = above.last().map_or(root, |(_, tree)| *tree);
            let Some(item) = self.known_child(tree, &name)? else { return Ok(Target::Nothing) };
            let path = |above: &[(Vec<u8>, Oid)]| {
                above.iter().map(|(name, _)| &name[..]).chain([&name[..]]).collect::<Vec<_>>().join(&b'/')
            };
            if item.mode != Mode::Symlink && links == 0 && open.is_empty() {
                return Ok(Target::Nothing);
            }
            match item.mode {
                Mode::Directory => above.push((name, item.id)),
                Mode::Symlink => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Ok(Target::Circle);
                    }
                    let Some(text) = self.repository.blob(item.id, LONGEST_TARGET)? else { return Ok(Target::Unknown) };
                    if text.starts_with(b"/") {
                        return Ok(Target::Absolute);
                    }
                    open.extend(parts(&text));
                }
                Mode::Submodule => {
                    open.retain(|part| !matches!(&**part, b"" | b"."));
                    if open.iter().any(|part| &**part == b"..") {
                        return Ok(Target::Unknown);
                    }
                    let mut inside = vec![path(&above)];
                    inside.extend(open.into_iter().rev());
                    return Ok(Target::To { path: inside.join(&b'/'), item: None });
                }
                Mode::File | Mode::Executable => {
                    let is_end = open.iter().all(|part| matches!(&**part, b"" | b"."));
                    let to = Target::To { path: path(&above), item: Some(item) };
                    return Ok(if is_end { to } else { Target::Nothing });
                }
            }
        }
        let names: Vec<&[u8]> = above.iter().map(|(name, _)| &name[..]).collect();
        let id = above.last().map_or(root, |(_, tree)| *tree);
        Ok(Target::To { path: names.join(&b'/'), item: Some(Item { mode: Mode::Directory, id }) })
    }

    /// The files below a folder, by their paths from there, with links followed. Adds the paths of links that aren't.
    fn files(&self, folder: &[u8], tree: Oid, notes: &mut Vec<Vec<u8>>) -> Result<BTreeMap<Vec<u8>, Item>, Error> {
        let mut files = BTreeMap::new();
        let mut open = vec![(Vec::new(), folder.to_vec(), tree, Vec::<Vec<u8>>::new())];
        let mut steps = 0;
        while let Some((relative, real, tree, links)) = open.pop() {
            let mut entries = Vec::new();
            self.each(tree, |entry| {
                entries.push((entry.name.to_vec(), entry.item));
                true
            })?;
            steps += 1 + entries.len();
            if steps > MOST_ENTRIES {
                return Err(errors::too_many_behind_links(&String::from_utf8_lossy(folder), MOST_ENTRIES));
            }
            for (name, item) in entries {
                let (relative, real) = (joined(&relative, &name), joined(&real, &name));
                match item.mode {
                    Mode::Directory => open.push((relative, real, item.id, links.clone())),
                    Mode::Symlink => match self.target(&real)? {
                        Target::To { path, item: Some(item) } if item.mode == Mode::Directory => {
                            if contains(&path, &real) || links.contains(&real) {
                                notes.push(real);
                            } else {
                                let links = [&links[..], &[real]].concat();
                                open.push((relative, path, item.id, links));
                            }
                        }
                        Target::To { item: Some(item), .. } => {
                            files.insert(relative, item);
                        }
                        Target::To { item: None, .. } => {
                            files.insert(relative, Item { mode: Mode::Submodule, id: item.id });
                        }
                        _ => {
                            files.insert(relative, item);
                        }
                    },
                    Mode::File | Mode::Executable | Mode::Submodule => {
                        files.insert(relative, item);
                    }
                }
            }
        }
        Ok(files)
    }
}

/// The parts of a path, the last one first.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec).collect()
}

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

/// Whether `path` is `folder`, or lies in it.
fn contains(folder: &[u8], path: &[u8]) -> bool {
    below(folder, path).is_some()
}

/// The path from `folder` to `path`: empty if they are the same; `None` if it lies elsewhere.
fn below<'p>(folder: &[u8], path: &'p [u8]) -> Option<&'p [u8]> {
    match path.strip_prefix(folder)? {
        rest if folder.is_empty() || rest.is_empty() => Some(rest),
        rest => rest.strip_prefix(b"/"),
    }
}

/// Looks for links in the folders of head.
struct Search<'a> {
    place: &'a Place<'a>,
    view: &'a View<'a>,
    links: BTreeMap<Vec<u8>, Target>,
    searched: HashSet<Vec<u8>>,
    /// Folders that are still to be searched, and whether a link leads to them: then folders in them are of interest even where no
    /// rule selects files.
    queue: VecDeque<(Vec<u8>, Oid, bool)>,
}

impl Search<'_> {
    /// Adds a link; its target is searched too.
    fn add(&mut self, link: Vec<u8>) -> Result<(), Error> {
        if self.links.contains_key(&link) {
            return Ok(());
        }
        let target = self.view.target(&link)?;
        if let Target::To { path, item: Some(Item { mode: Mode::Directory, id }) } = &target
            && self.is_of_interest(&link)
        {
            self.queue.push_back((path.clone(), *id, true));
        }
        self.links.insert(link, target);
        Ok(())
    }

    fn is_of_interest(&self, folder: &[u8]) -> bool {
        let above = self.place.above;
        let folder = if folder.is_empty() { above.to_vec() } else { [above, folder, b"/"].concat() };
        self.place.reach.selects_below(&folder)
    }

    /// Searches the folders that the rules spell out and those on the way, then folders in them, the nearest first. Gives whether
    /// that were all that the rules can select files in.
    fn run(&mut self) -> Result<bool, Error> {
        let Some(root) = self.view.root else { return Ok(true) };
        if self.place.symlinks == Symlinks::Everywhere {
            self.queue.push_back((Vec::new(), root, true));
        }
        for folder in self.place.reach.folders() {
            let Some(folder) = within(self.place.above, &folder) else { continue };
            let (mut path, mut tree) = (Vec::new(), root);
            let mut is_there = true;
            for name in folder.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
                self.folder(&path, tree, None)?;
                path = joined(&path, name);
                match self.view.child(tree, name)? {
                    Some(Item { mode: Mode::Directory, id }) => tree = id,
                    _ => {
                        is_there = false;
                        break;
                    }
                }
            }
            if is_there {
                self.queue.push_back((path, tree, false));
            }
        }
        let most =
            if self.place.symlinks == Symlinks::Everywhere { usize::MAX } else { self.searched.len() + SEARCHED };
        while let Some((path, tree, is_target)) = self.queue.pop_front() {
            if !is_target && !self.is_of_interest(&path) {
                continue;
            }
            if self.searched.len() >= most {
                return Ok(false);
            }
            self.folder(&path, tree, Some(is_target))?;
        }
        Ok(true)
    }

    /// Searches one folder; with `deep`, notes the folders in it for later.
    fn folder(&mut self, path: &[u8], tree: Oid, deep: Option<bool>) -> Result<(), Error> {
        if deep.is_some() && !self.searched.insert(path.to_vec()) {
            return Ok(());
        }
        let bytes = TreeSource::read(&self.view.objects, tree)?;
        if !may_hold_links(&bytes) && (deep.is_none() || !may_hold_folders(&bytes)) {
            return Ok(());
        }
        let (mut links, mut folders) = (Vec::new(), Vec::new());
        View::each_of(tree, bytes, |entry| {
            match entry.item.mode {
                Mode::Symlink => links.push(joined(path, entry.name)),
                Mode::Directory if deep.is_some() => folders.push((joined(path, entry.name), entry.item.id)),
                _ => {}
            }
            true
        })?;
        for link in links {
            self.add(link)?;
        }
        self.queue.extend(folders.into_iter().map(|(folder, tree)| (folder, tree, deep == Some(true))));
        Ok(())
    }
}

/// A folder of the outermost repository as one of the repository at `above`: its root, where it lies above or around.
fn within<'f>(above: &[u8], folder: &'f [u8]) -> Option<&'f [u8]> {
    folder.strip_prefix(above).or_else(|| above.starts_with(folder).then_some(&[][..]))
}

/// The links that are followed, and the changes behind them so far.
struct Following<'a> {
    place: &'a Place<'a>,
    /// By the path to which they lead, the numbers of the links that lead to the same place in both commits.
    targets: BTreeMap<Vec<u8>, Vec<usize>>,
    links: Vec<Vec<u8>>,
    /// The paths that have a change.
    seen: HashSet<Vec<u8>>,
    /// How many of them were found behind links.
    repeated: usize,
    /// Changes whose paths may lie behind a link, with the numbers of the links through which they were found.
    queue: VecDeque<(Vec<u8>, ChangeKind, EntryKind, Vec<usize>)>,
    found: Followed,
}

impl Following<'_> {
    fn named(&self, path: &[u8]) -> RepoPath {
        RepoPath::new([self.place.above, path].concat())
    }

    /// Adds a link, with its target in head.
    fn add(
        &mut self,
        link: Vec<u8>,
        head: Target,
        (base_view, head_view): (&View<'_>, &View<'_>),
        are_links_changed: bool,
    ) -> Result<(), Error> {
        let is_same = !are_links_changed && matches!(head, Target::To { .. });
        let base = if is_same { head.clone() } else { base_view.target(&link)? };
        let is_changed = self.seen.contains(&link);
        let number = self.links.len();
        self.links.push(link.clone());
        let leads_to_folder = |target: &Target| match target {
            Target::To { item, .. } => item.is_none_or(|item| item.mode == Mode::Directory),
            _ => false,
        };
        // Where a file was, or is, at the link's path, its change is that of the file.
        let is_folder = match (&base, &head) {
            (Target::To { .. }, Target::To { .. }) => leads_to_folder(&base) && leads_to_folder(&head),
            (_, Target::Nothing) => leads_to_folder(&base),
            (Target::Nothing, _) if is_changed && base_view.has_file(&link)? => false,
            _ => leads_to_folder(&head),
        };
        if is_folder {
            self.found.folders.insert(RepoPath::new(link.clone()));
        }
        match (&base, &head) {
            (_, Target::To { path, item })
                if item.is_none_or(|item| item.mode == Mode::Directory) && contains(path, &link) =>
            {
                self.found.folders.remove(&RepoPath::new(link.clone()));
                let path = if path.is_empty() { "the root".into() } else { format!("`{}`", self.named(path)) };
                self.refuse(&link, &format!("leads to {path}, which contains it"), true);
                if base != head {
                    self.compare(&link, number, Some(&base), &Target::Nothing, (base_view, head_view), false)?;
                }
            }
            (Target::To { path: old, .. }, Target::To { path: new, .. }) if old == new => {
                self.targets.entry(new.clone()).or_default().push(number);
            }
            (Target::To { item: None, .. }, Target::To { .. } | Target::Nothing)
            | (_, Target::To { item: None, .. }) => {
                self.refuse(
                    &link,
                    "leads into a submodule and was changed, so the changed files below it aren't known",
                    is_changed,
                );
                self.unknown(&link, &link);
            }
            (Target::Unknown, Target::To { .. }) => {
                let text = "was changed, and its old target isn't in this clone, so all files below it count as changed; files that are \
                            gone aren't known (a full clone has it)";
                self.refuse(&link, text, is_changed);
                self.compare(&link, number, None, &head, (base_view, head_view), true)?;
            }
            (_, Target::To { .. } | Target::Nothing) => {
                self.compare(&link, number, Some(&base), &head, (base_view, head_view), false)?;
            }
            (_, Target::Absolute | Target::Outside | Target::Circle | Target::Unknown) => {
                let (why, is_news) = match head {
                    Target::Absolute => ("leads to an absolute path, so it isn't followed", is_changed),
                    Target::Outside => ("leads out of the repository, so it isn't followed", is_changed),
                    Target::Circle => ("leads in a circle, so it isn't followed", is_changed),
                    _ => ("can't be read in this clone, so it isn't followed", true),
                };
                self.refuse(&link, why, is_news);
                // Whatever is served there now: what it led to before isn't.
                self.compare(&link, number, Some(&base), &Target::Nothing, (base_view, head_view), false)?;
            }
        }
        Ok(())
    }

    /// Notes why a link isn't followed, if a rule can select it or files below it.
    fn refuse(&mut self, link: &[u8], why: &str, is_news: bool) {
        let path = self.named(link);
        let folder = [path.as_bytes(), b"/"].concat();
        if is_news && (self.place.reach.selects(path.as_bytes()) || self.place.reach.selects_below(&folder)) {
            let note = format!("the symbolic link `{path}` {why}");
            if !self.found.warnings.contains(&note) {
                self.found.warnings.push(note);
            }
        }
    }

    /// Compares the files to which a link led with those to which it leads.
    fn compare(
        &mut self,
        link: &[u8],
        number: usize,
        base: Option<&Target>,
        head: &Target,
        (base_view, head_view): (&View<'_>, &View<'_>),
        is_unknown: bool,
    ) -> Result<(), Error> {
        let mut circles = Vec::new();
        let mut files = |view: &View<'_>, target: Option<&Target>| match target {
            Some(Target::To { path, item: Some(Item { mode: Mode::Directory, id }) }) => {
                view.files(path, *id, &mut circles)
            }
            Some(Target::To { item: Some(item), .. }) => Ok(BTreeMap::from([(Vec::new(), *item)])),
            _ => Ok(BTreeMap::new()),
        };
        let (old, new) = (files(base_view, base)?, files(head_view, Some(head))?);
        for circle in circles {
            self.refuse(link, &format!("contains a circle at `{}`, which isn't followed", self.named(&circle)), true);
        }
        let all: BTreeSet<&Vec<u8>> = old.keys().chain(new.keys()).collect();
        for path in all {
            let (kind, item) = match (old.get(path), new.get(path)) {
                (Some(old), Some(new)) if old == new => continue,
                (Some(_), Some(new)) => (ChangeKind::Modified, new),
                (Some(old), None) => (ChangeKind::Deleted, old),
                (None, Some(new)) if is_unknown => (ChangeKind::Modified, new),
                (None, Some(new)) => (ChangeKind::Added, new),
                (None, None) => continue,
            };
            let entry = item.mode.kind().unwrap_or(EntryKind::File);
            let path = if path.is_empty() { link.to_vec() } else { joined(link, path) };
            self.change(path, kind, entry, vec![number])?;
        }
        Ok(())
    }

    /// Adds a change at a link's path, unless that path has one already.
    fn change(&mut self, path: Vec<u8>, kind: ChangeKind, entry: EntryKind, links: Vec<usize>) -> Result<(), Error> {
        if self.seen.contains(&path) {
            return Ok(());
        }
        if self.repeated == MOST_CHANGES {
            let link = links.first().map_or(&path, |&link| &self.links[link]);
            return Err(errors::too_many_behind_links(&self.named(link).to_string(), MOST_CHANGES));
        }
        self.repeated += 1;
        self.seen.insert(path.clone());
        let outer = self.named(&path);
        // A folder's own path counts only for a rule that names it.
        let is_wanted = match entry {
            EntryKind::Folder => self.place.reach.names(outer.as_bytes()),
            EntryKind::Submodule => true,
            EntryKind::File | EntryKind::Symlink => self.place.reach.selects(outer.as_bytes()),
        };
        if is_wanted {
            self.found.changes.push(Change { path: RepoPath::new(path.clone()), kind: kind.clone(), entry });
        }
        self.queue.push_back((path, kind, entry, links));
        Ok(())
    }

    /// Repeats changes at the paths of all links behind which they lie.
    fn repeat(&mut self, changes: &[Change]) -> Result<(), Error> {
        if self.targets.is_empty() {
            return Ok(());
        }
        for change in changes {
            let path = change.path.as_bytes();
            let entry = if self.found.folders.contains(&change.path) { EntryKind::Folder } else { change.entry };
            match &change.kind {
                ChangeKind::Renamed { from } => {
                    self.behind(from.as_bytes(), &ChangeKind::Deleted, entry, &[])?;
                    self.behind(path, &ChangeKind::Added, entry, &[])?;
                }
                kind => self.behind(path, kind, entry, &[])?,
            }
        }
        while let Some((path, kind, entry, links)) = self.queue.pop_front() {
            self.behind(&path, &kind, entry, &links)?;
        }
        Ok(())
    }

    /// Repeats one change at the paths of the links that lead to it or to a folder around it.
    fn behind(&mut self, path: &[u8], kind: &ChangeKind, entry: EntryKind, through: &[usize]) -> Result<(), Error> {
        let folders = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(slash, _)| &path[..slash]);
        let around: Vec<(usize, Vec<u8>)> = [&[][..]]
            .into_iter()
            .chain(folders)
            .chain([path])
            .filter_map(|folder| Some((folder, self.targets.get(folder)?)))
            .flat_map(|(folder, links)| {
                let rest = below(folder, path).unwrap_or_default().to_vec();
                links.iter().map(move |&link| (link, rest.clone()))
            })
            .collect();
        for (link, rest) in around {
            let alias = self.links[link].clone();
            if through.contains(&link) {
                self.refuse(
                    &alias,
                    "leads through other links to a folder that contains it, so it is followed once",
                    true,
                );
                continue;
            }
            let through = [through, &[link]].concat();
            if rest.is_empty() && entry != EntryKind::Folder {
                // The file itself, or a submodule.
                let kind = if *kind == ChangeKind::Added { ChangeKind::Modified } else { kind.clone() };
                self.change(alias.clone(), kind, entry, through)?;
                if entry == EntryKind::Submodule {
                    self.unknown(&alias, path);
                }
                continue;
            }
            if !rest.is_empty() {
                let repeated = joined(&alias, &rest);
                if entry == EntryKind::Submodule {
                    self.unknown(&repeated, path);
                }
                self.change(repeated, kind.clone(), entry, through.clone())?;
            }
            self.change(alias, ChangeKind::Modified, EntryKind::Folder, through)?;
        }
        if entry == EntryKind::Submodule {
            let inside = [path, b"/"].concat();
            let links = self.targets.range(inside.clone()..).take_while(|(target, _)| target.starts_with(&inside));
            let links: Vec<usize> =
                links.flat_map(|(_, links)| links).copied().filter(|link| !through.contains(link)).collect();
            for link in links {
                let alias = self.links[link].clone();
                self.unknown(&alias, path);
                self.change(alias, ChangeKind::Modified, EntryKind::Submodule, [through, &[link]].concat())?;
            }
        }
        Ok(())
    }

    /// Notes that files of the submodule aren't known, which are served below `path` too.
    fn unknown(&mut self, path: &[u8], submodule: &[u8]) {
        self.found.submodules.push((RepoPath::new(path), RepoPath::new(submodule)));
    }
}
