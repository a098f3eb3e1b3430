//! A folder of objects becomes the folders that it leads to, and in each what holds objects: files of their own, and packs.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::git::entries::ObjectId;

use super::enclosure::native;
use super::pack::Pack;
use super::place;

/// How far a repository's objects may lead to another's. Git and libgit2 stop at five.
const DEEPEST: usize = 6;

/// So many packs of a folder are open at a time: there may be hundreds, and a process has 256 files (macOS).
const MOST_OPEN: usize = 32;

/// A list of other folders of objects is a few lines.
const LONGEST_LIST: u64 = 1 << 20;

/// A folder of objects.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// Whether any object has a file of its own: in the clones of a CI none has, which saves a look for each.
    pub(super) is_loose: bool,
    packs: Vec<Pack>,
    /// The packs whose indexes weren't opened yet.
    closed: Vec<PathBuf>,
}

/// This folder, and those that it leads to (`info/alternates`).
pub(super) fn all(objects: &Path) -> Vec<Folder> {
    // Without links, so that a folder of many names is one, and a list that leads to itself ends.
    let objects = objects.canonicalize().unwrap_or_else(|_| objects.to_owned());
    let mut all = vec![objects.clone()];
    let mut open = vec![(objects, 0)];
    while let Some((folder, depth)) = open.pop() {
        if depth == DEEPEST {
            continue;
        }
        for other in others(&folder).into_iter().filter_map(|other| other.canonicalize().ok()) {
            if !all.contains(&other) {
                all.push(other.clone());
                open.push((other, depth + 1));
            }
        }
    }
    all.into_iter().map(Folder::new).collect()
}

impl Folder {
    fn new(path: PathBuf) -> Self {
        let is_loose = names(&path).any(|name| name.len() == 2);
        let closed = packs(&path);
        Self { path, is_loose, packs: Vec::new(), closed }
    }

    /// The pack that has an object, and the object's place in it. `number` counts the packs that are opened.
    ///
    /// # Errors
    /// An index that is damaged, unless the object is in another pack.
    pub(super) fn find(&mut self, id: ObjectId, number: &mut usize) -> Result<Option<(&Pack, u64)>, String> {
        let (mut next, mut damaged) = (0, None);
        loop {
            if next == self.packs.len() {
                match self.open_one(number) {
                    Ok(true) => {}
                    Ok(false) => return damaged.map_or(Ok(None), Err),
                    Err(why) => damaged = damaged.or(Some(why)),
                }
                continue;
            }
            let was_open = self.packs[next].is_open();
            if let Some(place) = self.packs[next].find(id)? {
                // What comes next stands with it, most of the time.
                self.packs.swap(0, next);
                if !was_open && self.packs.iter().filter(|pack| pack.is_open()).count() > MOST_OPEN {
                    self.packs[1..].iter_mut().for_each(Pack::close);
                }
                return Ok(Some((&self.packs[0], place)));
            }
            next += 1;
        }
    }

    /// All packs, open.
    ///
    /// # Errors
    /// An index that is damaged.
    pub(super) fn opened(&mut self, number: &mut usize) -> Result<&[Pack], String> {
        while self.open_one(number)? {}
        Ok(&self.packs)
    }

    /// Looks again for what holds objects; whether there is anything new.
    pub(super) fn look_again(&mut self) -> bool {
        let now = Self::new(std::mem::take(&mut self.path));
        let is_new = |path: &PathBuf| self.packs.iter().all(|pack| pack.path() != path);
        let closed: Vec<PathBuf> = now.closed.into_iter().filter(is_new).collect();
        let has_more = closed != self.closed || now.is_loose && !self.is_loose;
        (self.path, self.is_loose, self.closed) = (now.path, now.is_loose, closed);
        has_more
    }

    fn open_one(&mut self, number: &mut usize) -> Result<bool, String> {
        let Some(path) = self.closed.pop() else { return Ok(false) };
        *number += 1;
        self.packs.extend(Pack::open(path, *number)?);
        Ok(true)
    }
}

fn packs(objects: &Path) -> Vec<PathBuf> {
    let folder = objects.join("pack");
    let names: BTreeSet<OsString> = names(&folder).collect();
    // A hidden one is no pack yet, or what macOS keeps beside a file.
    let shown = names.iter().filter(|name| !name.as_encoded_bytes().starts_with(b"."));
    let stems = shown.map(Path::new).filter(|name| name.extension() == Some(OsStr::new("pack")));
    stems.filter(|name| names.contains(name.with_extension("idx").as_os_str())).map(|name| folder.join(name)).collect()
}

/// The names in a folder; none of one that can't be read.
pub(super) fn names(folder: &Path) -> impl Iterator<Item = OsString> + use<> {
    folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.file_name())
}

/// As git reads the list: a path is seen from the folder.
fn others(objects: &Path) -> Vec<PathBuf> {
    // Where it can't be read, what lies elsewhere isn't here, and is told so when it is needed.
    let text = place::whole(&objects.join("info/alternates"), LONGEST_LIST).ok().flatten().unwrap_or_default();
    let lines = text.split(|byte| b"\r\n".contains(byte)).filter(|line| !line.is_empty() && line[0] != b'#');
    lines.filter_map(|line| Some(objects.join(native(line)?))).collect()
}
