//! Compares a build with what the caches may hold: which files were added, changed, removed or renamed.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use super::built_file::BuiltFile;
use super::digest::Digest;
use super::listing::ListedFile;
use super::manifest::{Entry, State};
use crate::model::{Change, ChangeKind, EntryKind, RepoPath};
use crate::text::format::{counted, grouped};

/// What a build changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// By path from the repository's root, in byte order. A removed file that became the origin of a rename has no entry of its own.
    pub changes: Vec<Change>,
    /// Those of `changes` whose content is as before: their refresh wasn't done.
    pub repeated: Vec<RepoPath>,
    /// Files without a change whose prefetch wasn't done.
    pub unprefetched: Vec<RepoPath>,
    /// How many there are.
    pub counts: Counts,
}

/// The sizes of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files of the build.
    pub files: usize,
    /// Files before.
    pub before: usize,
    /// Files with another content.
    pub changed: usize,
    /// Files that weren't there, without renames.
    pub added: usize,
    /// Files that aren't there any more, without renames.
    pub removed: usize,
    /// Files whose content has another path.
    pub renamed: usize,
    /// Files whose refresh or prefetch wasn't done before, and that have no other change.
    pub repeated: usize,
}

impl Counts {
    /// In a phrase: `612 files, 14 changed, 3 added, 1 removed`.
    pub fn words(&self) -> String {
        let mut words = counted(self.files, "file", "files");
        let parts = [
            (self.changed, "changed"),
            (self.added, "added"),
            (self.removed, "removed"),
            (self.renamed, "renamed"),
            (self.repeated, "left over from an earlier run"),
        ];
        for (count, word) in parts.into_iter().filter(|(count, _)| *count > 0) {
            words.push_str(&format!(", {} {word}", grouped(count)));
        }
        if self.is_same() {
            words.push_str(", none changed");
        }
        words
    }

    fn is_same(&self) -> bool {
        [self.changed, self.added, self.removed, self.renamed, self.repeated].iter().all(|count| *count == 0)
    }

    /// Whether more than half of the files differ.
    pub fn is_mostly_new(&self) -> bool {
        (self.changed + self.added + self.removed) * 2 > self.files.max(self.before)
    }

    /// Whether there were files before, and none of them is at its place.
    pub fn shares_nothing(&self) -> bool {
        self.before > 0 && self.removed + self.renamed == self.before
    }

    /// Whether less than half of the files are left.
    pub fn is_shrunk(&self) -> bool {
        self.files * 2 < self.before
    }
}

/// What the caches may hold of a file.
struct Past<'a> {
    path: &'a [u8],
    /// `None`: the file wasn't there. A digest of `None` fits no content.
    content: Option<(Option<Digest>, u64)>,
    state: State,
}

/// Compares a build with a manifest's entries; `directory` is from the repository's root.
pub fn compare(before: &[Entry], built: &[BuiltFile], directory: &str) -> Comparison {
    let past = before.iter().map(|entry| Past {
        path: &entry.path,
        content: entry.content.map(|(digest, size)| (Some(digest), size)),
        state: entry.state,
    });
    compare_with(past, built, directory)
}

/// Compares a build with a listing, which is in the order of paths.
pub fn compare_listing(before: &[ListedFile], built: &[BuiltFile], directory: &str) -> Comparison {
    let past = before.iter().map(|listed| Past {
        path: &listed.path,
        content: Some((listed.digest, listed.size)),
        state: State::Fresh,
    });
    compare_with(past, built, directory)
}

/// A path that differs.
struct Difference<'a> {
    path: &'a [u8],
    kind: Kind,
    /// Of the side that is there; of a changed file, of the build.
    content: Option<(Digest, u64)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Added,
    Changed,
    Removed,
}

fn compare_with<'a>(before: impl Iterator<Item = Past<'a>>, built: &'a [BuiltFile], directory: &str) -> Comparison {
    let mut comparison = Comparison::default();
    comparison.counts.files = built.len();
    let full = |path: &[u8]| RepoPath::new([directory.as_bytes(), b"/", path].concat());
    let mut differences = Vec::new();
    let (mut before, mut built) = (before.peekable(), built.iter().peekable());
    loop {
        let path: &'a [u8] = match (before.peek(), built.peek()) {
            (None, None) => break,
            (Some(old), None) => old.path,
            (None, Some(new)) => &new.path,
            (Some(old), Some(new)) => old.path.min(&new.path),
        };
        let old = before.next_if(|old| old.path == path);
        let new = built.next_if(|new| *new.path == *path);
        let state = old.as_ref().map_or(State::Fresh, |old| old.state);
        let past = old.and_then(|old| old.content);
        let counts = &mut comparison.counts;
        counts.before += usize::from(past.is_some());
        let content = new.map(|new| (new.digest, new.size));
        let kind = match (past, content) {
            (Some((digest, size)), Some(new)) if (digest, size) == (Some(new.0), new.1) => {
                counts.repeated += usize::from(state != State::Fresh);
                match state {
                    State::Fresh => continue,
                    State::Unprefetched => {
                        comparison.unprefetched.push(full(path));
                        continue;
                    }
                    State::Unrefreshed => comparison.repeated.push(full(path)),
                }
                Kind::Changed
            }
            (Some(_), Some(_)) => {
                counts.changed += 1;
                Kind::Changed
            }
            (None, Some(_)) => {
                counts.added += 1;
                Kind::Added
            }
            (Some(_), None) => {
                counts.removed += 1;
                Kind::Removed
            }
            // Added by a build whose refresh wasn't done, and gone again.
            (None, None) => {
                counts.repeated += 1;
                Kind::Removed
            }
        };
        let content = content.or_else(|| past.and_then(|(digest, size)| Some((digest?, size))));
        differences.push(Difference { path, kind, content });
    }
    let origins = origins(&differences);
    let mut moved = vec![false; differences.len()];
    for origin in origins.iter().flatten() {
        moved[*origin] = true;
    }
    let counts = &mut comparison.counts;
    counts.renamed = origins.iter().flatten().count();
    counts.added -= counts.renamed;
    counts.removed -= counts.renamed;
    for ((difference, origin), _) in differences.iter().zip(&origins).zip(moved).filter(|(_, moved)| !moved) {
        let kind = match (difference.kind, origin) {
            (_, Some(origin)) => ChangeKind::Renamed { from: full(differences[*origin].path) },
            (Kind::Added, None) => ChangeKind::Added,
            (Kind::Changed, None) => ChangeKind::Modified,
            (Kind::Removed, None) => ChangeKind::Deleted,
        };
        comparison.changes.push(Change { path: full(difference.path), kind, entry: EntryKind::File });
    }
    comparison
}

/// For each added file, the removed file of the same content that it was before: one of the same name first, then by the order of
/// paths. A removed file is used once. Empty files are never paired: that they are equal says nothing.
fn origins(differences: &[Difference<'_>]) -> Vec<Option<usize>> {
    let mut origins = vec![None; differences.len()];
    let mut used = vec![false; differences.len()];
    pair(differences, &mut origins, &mut used, |difference| {
        (difference.content, difference.path.rsplit(|&byte| byte == b'/').next())
    });
    pair(differences, &mut origins, &mut used, |difference| difference.content);
    origins
}

fn pair<'a, K: Hash + Eq>(
    differences: &'a [Difference<'_>],
    origins: &mut [Option<usize>],
    used: &mut [bool],
    key: impl Fn(&'a Difference<'_>) -> K,
) {
    let can_move = |difference: &Difference<'_>| difference.content.is_some_and(|(_, size)| size > 0);
    let mut removed: HashMap<K, VecDeque<usize>> = HashMap::new();
    for (place, difference) in differences.iter().enumerate() {
        if difference.kind == Kind::Removed && !used[place] && can_move(difference) {
            removed.entry(key(difference)).or_default().push_back(place);
        }
    }
    if removed.is_empty() {
        return;
    }
    for (place, difference) in differences.iter().enumerate() {
        if difference.kind == Kind::Added && origins[place].is_none() && can_move(difference) {
            origins[place] = removed.get_mut(&key(difference)).and_then(VecDeque::pop_front);
            if let Some(origin) = origins[place] {
                used[origin] = true;
            }
        }
    }
}
