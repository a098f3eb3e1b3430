//! Pairs additions and deletions of the same content as renames.
//!
//! By object id alone: a rename is worth knowing because both URLs change, and a file whose content changed on the way
//! is found as a deletion and an addition, which means the same for a CDN. So no content is ever read.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use crate::model::{Change, ChangeKind, EntryKind, RepoPath};

use super::tree_diff::{Difference, Side};

/// The id of the blob without content.
const EMPTY_BLOB: &[u8] = b"\xe6\x9d\xe2\x9b\xb2\xd1\xd6\x43\x4b\x8b\x29\xae\x77\x5a\xd8\xc2\xe4\x8c\x53\x91";

/// Turns differences into changes, in the same order. A deletion that became the origin of a rename is left out.
///
/// A deletion is used once. Where several fit, those with the same file name are paired first, then the rest, both in the
/// order of paths. Empty files are never paired: that they are equal says nothing.
pub(super) fn pair(differences: Vec<Difference>) -> Vec<Change> {
    let mut origins = vec![None; differences.len()];
    let mut used = vec![false; differences.len()];
    pair_by(&differences, &mut origins, &mut used, |difference| {
        (difference.id, difference.entry == EntryKind::Symlink, file_name(&difference.path))
    });
    pair_by(&differences, &mut origins, &mut used, |difference| {
        (difference.id, difference.entry == EntryKind::Symlink)
    });

    let from: Vec<Option<RepoPath>> =
        origins.iter().map(|origin| origin.map(|at: usize| RepoPath::new(differences[at].path.as_slice()))).collect();
    differences
        .into_iter()
        .zip(from)
        .zip(used)
        .filter(|(_, used)| !used)
        .map(|((difference, from), _)| Change {
            path: RepoPath::new(difference.path),
            kind: match (difference.side, from) {
                (_, Some(from)) => ChangeKind::Renamed { from },
                (Side::Added, None) => ChangeKind::Added,
                (Side::Modified, None) => ChangeKind::Modified,
                (Side::Deleted, None) => ChangeKind::Deleted,
            },
            entry: difference.entry,
        })
        .collect()
}

/// Pairs each addition that has no origin yet with the first unused deletion of the same `key`.
fn pair_by<'a, K: Hash + Eq>(
    differences: &'a [Difference],
    origins: &mut [Option<usize>],
    used: &mut [bool],
    key: impl Fn(&'a Difference) -> K,
) {
    let mut deletions: HashMap<K, VecDeque<usize>> = HashMap::new();
    for (at, difference) in differences.iter().enumerate() {
        if difference.side == Side::Deleted && !used[at] && can_move(difference) {
            deletions.entry(key(difference)).or_default().push_back(at);
        }
    }
    if deletions.is_empty() {
        return;
    }
    for (at, difference) in differences.iter().enumerate() {
        if difference.side == Side::Added && origins[at].is_none() && can_move(difference) {
            let origin = deletions.get_mut(&key(difference)).and_then(VecDeque::pop_front);
            if let Some(origin) = origin {
                origins[at] = Some(origin);
                used[origin] = true;
            }
        }
    }
}

/// A submodule's id names a commit of another repository, no content of this one.
fn can_move(difference: &Difference) -> bool {
    difference.id.as_bytes() != EMPTY_BLOB && difference.entry != EntryKind::Submodule
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use git2::Oid;

    use super::*;

    fn difference(side: Side, path: &str, content: u8) -> Difference {
        entry(side, path, content, EntryKind::File)
    }

    fn entry(side: Side, path: &str, content: u8, entry: EntryKind) -> Difference {
        let id = Oid::from_bytes(&[content; 20]).unwrap();
        Difference { path: path.as_bytes().to_vec(), side, entry, id }
    }

    fn paired(differences: Vec<Difference>) -> Vec<String> {
        pair(differences)
            .iter()
            .map(|change| match &change.kind {
                ChangeKind::Added => format!("A {}", change.path),
                ChangeKind::Modified => format!("M {}", change.path),
                ChangeKind::Deleted => format!("D {}", change.path),
                ChangeKind::Renamed { from } => format!("R {from} {}", change.path),
            })
            .collect()
    }

    use Side::{Added, Deleted, Modified};

    #[test]
    fn the_same_content_at_another_path_is_a_rename_and_the_deletion_disappears() {
        let list = vec![difference(Added, "a", 1), difference(Modified, "b", 1), difference(Deleted, "c", 1)];
        assert_eq!(paired(list), ["R c a", "M b"]);
    }

    #[test]
    fn a_copy_is_an_addition_because_its_origin_is_still_there() {
        assert_eq!(paired(vec![difference(Added, "a", 1), difference(Modified, "b", 1)]), ["A a", "M b"]);
    }

    #[test]
    fn the_same_file_name_goes_first_then_the_order_of_paths() {
        let list = vec![
            difference(Deleted, "old/x", 1),
            difference(Deleted, "old/y", 1),
            difference(Deleted, "old/z", 1),
            difference(Added, "new/p", 1),
            difference(Added, "new/y", 1),
            difference(Added, "new/q", 1),
            difference(Added, "new/r", 1),
        ];
        assert_eq!(paired(list), ["R old/x new/p", "R old/y new/y", "R old/z new/q", "A new/r"]);
    }

    #[test]
    fn empty_files_submodules_and_other_kinds_are_not_paired() {
        let mut empty = vec![difference(Added, "a", 0), difference(Deleted, "b", 0)];
        empty.iter_mut().for_each(|difference| difference.id = Oid::from_bytes(EMPTY_BLOB).unwrap());
        assert_eq!(paired(empty), ["A a", "D b"]);
        let submodules = vec![entry(Added, "a", 1, EntryKind::Submodule), entry(Deleted, "b", 1, EntryKind::Submodule)];
        assert_eq!(paired(submodules), ["A a", "D b"]);
        let kinds = vec![entry(Added, "a", 1, EntryKind::Symlink), entry(Deleted, "b", 1, EntryKind::File)];
        assert_eq!(paired(kinds), ["A a", "D b"]);
        let links = vec![entry(Added, "a", 1, EntryKind::Symlink), entry(Deleted, "b", 1, EntryKind::Symlink)];
        assert_eq!(paired(links), ["R b a"]);
    }
}
