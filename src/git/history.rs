//! Merge bases, and the nearest of some commits in a history.

use std::collections::BTreeSet;

use git2::{Error, ErrorClass, ErrorCode, Oid, Repository, Sort};

/// The merge base of two commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MergeBase {
    /// This commit; of several, the one that was committed last.
    At(Oid),
    /// The two have no commit in common.
    Unrelated,
    /// A commit on the way isn't here, so the merge base can't be known for sure.
    Hidden,
}

/// The merge base of two commits. `repository` must not cut the history off (`.git/shallow`): only a missing commit shows that
/// a closer merge base may be hidden.
///
/// # Errors
/// A commit that can't be read.
pub(super) fn merge_base(repository: &Repository, one: Oid, other: Oid) -> Result<MergeBase, Error> {
    match repository.merge_base(one, other) {
        Ok(id) => Ok(MergeBase::At(id)),
        Err(error) if error.code() == ErrorCode::NotFound && error.class() == ErrorClass::Merge => {
            Ok(MergeBase::Unrelated)
        }
        Err(error) if is_missing(&error) => Ok(MergeBase::Hidden),
        Err(error) => Err(error),
    }
}

/// Whether an object isn't here; for a parent of a commit, libgit2 (1.9.7) doesn't keep the code of the error.
fn is_missing(error: &Error) -> bool {
    error.class() == ErrorClass::Odb
        && (error.code() == ErrorCode::NotFound || error.message().starts_with("object not found"))
}

/// Which of `wanted` are nearest in the history of `heads`, these included: those that no other one descends from.
///
/// # Errors
/// A commit that can't be read.
pub(super) fn nearest(repository: &Repository, heads: &[Oid], wanted: &BTreeSet<Oid>) -> Result<Vec<Oid>, Error> {
    let mut found: Vec<Oid> = Vec::new();
    loop {
        let mut walk = repository.revwalk()?;
        walk.set_sorting(Sort::TIME)?;
        heads.iter().try_for_each(|head| walk.push(*head))?;
        found.iter().try_for_each(|id| walk.hide(*id))?;
        match walk.find(|id| id.as_ref().map_or(true, |id| wanted.contains(id))) {
            Some(id) => found.push(id?),
            None => break,
        }
    }
    // With a clock that was wrong, an ancestor can come first.
    let mut nearest = Vec::new();
    for id in &found {
        let mut is_ancestor = false;
        for other in found.iter().filter(|other| *other != id) {
            is_ancestor = is_ancestor || repository.graph_descendant_of(*other, *id)?;
        }
        if !is_ancestor {
            nearest.push(*id);
        }
    }
    Ok(nearest)
}

/// The wanted commits in the history of `heads`, these included.
///
/// # Errors
/// A commit that can't be read.
pub(super) fn reached(
    repository: &Repository,
    heads: &[Oid],
    is_wanted: impl Fn(Oid) -> bool,
) -> Result<Vec<Oid>, Error> {
    let mut walk = repository.revwalk()?;
    heads.iter().try_for_each(|head| walk.push(*head))?;
    walk.filter(|id| id.as_ref().map_or(true, |id| is_wanted(*id))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use git2::{ObjectType, Odb};
    use proptest::prelude::*;

    use super::*;

    /// Commit n has parents below n, and a clock of its own.
    type Picks = Vec<(usize, usize, i64)>;

    fn picks() -> impl Strategy<Value = Picks> {
        proptest::collection::vec((0_usize..30, 0_usize..30, 0_i64..9), 2..30)
    }

    /// A history, its commits by number, and what is known of each: parents and time.
    struct World {
        ids: Vec<Oid>,
        commits: BTreeMap<Oid, (Vec<Oid>, i64, Vec<u8>)>,
    }

    impl World {
        fn new(picks: &Picks) -> Self {
            let (mut ids, mut commits) = (Vec::new(), BTreeMap::new());
            for (number, (one, other, time)) in picks.iter().enumerate() {
                let parents: BTreeSet<usize> = [*one, *other].into_iter().filter(|parent| *parent < number).collect();
                let parents: Vec<Oid> = parents.into_iter().map(|parent| ids[parent]).collect();
                let lines: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
                let who = format!("t <t@example.com> {time} +0000");
                let tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
                let text = format!("tree {tree}\n{lines}author {who}\ncommitter {who}\n\n{number}\n").into_bytes();
                let id = Oid::hash_object(ObjectType::Commit, &text).unwrap();
                ids.push(id);
                commits.insert(id, (parents, *time, text));
            }
            Self { ids, commits }
        }

        /// A repository without the commits of these numbers.
        fn repository(&self, gone: &[usize]) -> Repository {
            let odb = Odb::new().unwrap();
            odb.add_new_mempack_backend(1).unwrap();
            for (number, id) in self.ids.iter().enumerate().filter(|(number, _)| !gone.contains(number)) {
                assert_eq!(odb.write(ObjectType::Commit, &self.commits[id].2).unwrap(), *id, "{number}");
            }
            Repository::from_odb(odb).unwrap()
        }

        fn history(&self, heads: &[Oid]) -> HashSet<Oid> {
            let mut found: HashSet<Oid> = heads.iter().copied().collect();
            let mut open = heads.to_vec();
            while let Some(id) = open.pop() {
                open.extend(self.commits[&id].0.iter().filter(|parent| found.insert(**parent)));
            }
            found
        }

        /// Those of `all` that no other of them descends from.
        fn nearest(&self, all: &HashSet<Oid>) -> BTreeSet<Oid> {
            let is_hidden = |one: &Oid| all.iter().any(|other| other != one && self.history(&[*other]).contains(one));
            all.iter().copied().filter(|id| !is_hidden(id)).collect()
        }

        /// The last two commits.
        fn last(&self) -> (Oid, Oid) {
            (self.ids[self.ids.len() - 1], self.ids[self.ids.len() - 2])
        }
    }

    #[test]
    fn a_cut_before_the_merge_base_hides_nothing() {
        let world = World::new(&vec![(9, 9, 0), (0, 9, 1), (1, 9, 2), (2, 9, 3), (2, 9, 4)]);
        let found = |gone: &[usize]| merge_base(&world.repository(gone), world.ids[3], world.ids[4]).unwrap();
        assert_eq!(found(&[]), MergeBase::At(world.ids[2]));
        assert_eq!(found(&[0]), MergeBase::At(world.ids[2]));
        assert_eq!(found(&[2]), MergeBase::Hidden);
        let unrelated = World::new(&vec![(9, 9, 0), (9, 9, 1)]);
        let (one, other) = unrelated.last();
        assert_eq!(merge_base(&unrelated.repository(&[]), one, other).unwrap(), MergeBase::Unrelated);
    }

    proptest! {
        /// A merge base in a piece of the history is that of the whole history.
        #[test]
        fn a_piece_never_tells_another_merge_base_than_the_whole(
            picks in picks(),
            gone in proptest::collection::vec(0_usize..30, 0..12),
        ) {
            let world = World::new(&picks);
            let (one, other) = world.last();
            let common: HashSet<Oid> =
                world.history(&[one]).intersection(&world.history(&[other])).copied().collect();
            let best = world.nearest(&common);
            let latest = best.iter().map(|id| world.commits[id].1).max();
            for (gone, may_hide) in [(&[][..], false), (&gone[..], true)] {
                match merge_base(&world.repository(gone), one, other).unwrap() {
                    MergeBase::At(id) => {
                        prop_assert!(best.contains(&id));
                        prop_assert_eq!(Some(world.commits[&id].1), latest);
                    }
                    MergeBase::Unrelated => prop_assert!(best.is_empty()),
                    MergeBase::Hidden => prop_assert!(may_hide),
                }
            }
        }

        #[test]
        fn the_nearest_are_those_that_no_other_descends_from(
            picks in picks(),
            marked in proptest::collection::hash_set(0_usize..30, 0..6),
        ) {
            let world = World::new(&picks);
            let heads = <[Oid; 2]>::from(world.last());
            let marked: BTreeSet<Oid> = marked.into_iter().filter_map(|number| world.ids.get(number)).copied().collect();
            let seen: HashSet<Oid> = world.history(&heads).into_iter().filter(|id| marked.contains(id)).collect();
            let repository = world.repository(&[]);
            let reached = reached(&repository, &heads, |id| marked.contains(&id)).unwrap();
            prop_assert_eq!(&reached.into_iter().collect::<HashSet<_>>(), &seen);
            let found = nearest(&repository, &heads, &marked).unwrap();
            prop_assert_eq!(found.len(), world.nearest(&seen).len());
            prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), world.nearest(&seen));
        }
    }
}
