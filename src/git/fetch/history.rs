//! A piece of the history becomes the merge base of two commits, or the word that it can't be told from this piece.
//!
//! In a history that is cut off, a merge base may be missed and an older one taken for it. It can be told for sure exactly
//! when everything that is cut off lies behind commits that both sides have: nothing behind those can be closer.

use std::collections::{HashMap, HashSet};

use crate::git::entries::ObjectId;

/// Commits by id. A parent that isn't here is cut off.
pub(in crate::git) type History = HashMap<ObjectId, Node>;

/// A commit of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) struct Node {
    pub(in crate::git) parents: Vec<ObjectId>,
    /// When it was committed, in seconds since 1970.
    pub(in crate::git) time: i64,
}

/// What a piece of history says of two commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::git) enum Parting {
    /// This is where they parted; of several, the one that was committed last.
    At(ObjectId),
    /// They have no commit in common.
    Never,
    /// It may be behind what is cut off.
    Hidden,
}

/// Where two commits parted.
pub(in crate::git) fn parting(history: &History, one: ObjectId, other: ObjectId) -> Parting {
    let (ours, theirs) = (reachable(history, one), reachable(history, other));
    let is_cut = |id: &ObjectId| {
        history.get(id).is_none_or(|node| node.parents.iter().any(|parent| !history.contains_key(parent)))
    };
    if ours.symmetric_difference(&theirs).any(is_cut) {
        return Parting::Hidden;
    }
    let common: HashSet<ObjectId> = ours.intersection(&theirs).copied().collect();
    // Whatever is common has common parents, so the closest ones are those that are nobody's parent.
    let parents: HashSet<ObjectId> =
        common.iter().filter_map(|id| history.get(id)).flat_map(|node| node.parents.iter().copied()).collect();
    let closest: Vec<ObjectId> = common.iter().copied().filter(|id| !parents.contains(id)).collect();
    // One of several may stand before another one, with what lies between them cut off.
    if closest.len() > 1 && common.iter().any(is_cut) {
        return Parting::Hidden;
    }
    let time = |id: &ObjectId| history.get(id).map_or(i64::MIN, |node| node.time);
    closest.into_iter().max_by_key(|id| (time(id), *id)).map_or(Parting::Never, Parting::At)
}

/// A commit and everything before it that is here. A commit that isn't here itself counts as cut off.
fn reachable(history: &History, from: ObjectId) -> HashSet<ObjectId> {
    let mut found = HashSet::from([from]);
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        for parent in history.get(&id).into_iter().flat_map(|node| &node.parents) {
            if history.contains_key(parent) && found.insert(*parent) {
                open.push(*parent);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: usize) -> ObjectId {
        ObjectId::from_hex(&format!("{number:040x}")).unwrap()
    }

    fn history(commits: &[(usize, &[usize])]) -> History {
        let node = |number: usize, parents: &[usize]| {
            let parents = parents.iter().map(|&parent| id(parent)).collect();
            (id(number), Node { parents, time: i64::try_from(number).unwrap() })
        };
        commits.iter().map(|(number, parents)| node(*number, parents)).collect()
    }

    #[test]
    fn two_branches_part_where_they_parted() {
        let whole = history(&[(1, &[]), (2, &[1]), (3, &[2]), (4, &[2])]);
        assert_eq!(parting(&whole, id(3), id(4)), Parting::At(id(2)));
        assert_eq!(parting(&whole, id(3), id(1)), Parting::At(id(1)));
        assert_eq!(parting(&whole, id(3), id(3)), Parting::At(id(3)));
        let unrelated = history(&[(1, &[]), (2, &[])]);
        assert_eq!(parting(&unrelated, id(1), id(2)), Parting::Never);
    }

    #[test]
    fn a_cut_behind_the_parting_hides_nothing() {
        let cut = history(&[(2, &[1]), (3, &[2]), (4, &[2])]);
        assert_eq!(parting(&cut, id(3), id(4)), Parting::At(id(2)));
    }

    #[test]
    fn an_older_common_commit_is_not_taken_while_a_closer_one_may_be_hidden() {
        // 9 merged the old branch tip 2; the true parting from 8 is 6, behind the cut at 7.
        let cut = history(&[(1, &[]), (2, &[1]), (7, &[6]), (9, &[7, 2]), (8, &[2])]);
        assert_eq!(parting(&cut, id(9), id(8)), Parting::Hidden);
        assert_eq!(parting(&history(&[(3, &[2])]), id(3), id(4)), Parting::Hidden);
        // 5 and 3 are common, and 4, which joins them, isn't here.
        let joined = history(&[(3, &[]), (5, &[4]), (6, &[5, 3]), (7, &[5, 3])]);
        assert_eq!(parting(&joined, id(6), id(7)), Parting::Hidden);
    }

    proptest! {
        /// Whatever is told from a piece is what the whole history says.
        #[test]
        fn a_piece_never_tells_another_parting_than_the_whole(
            edges in proptest::collection::vec((0_usize..30, 0_usize..30), 2..30),
            gone in proptest::collection::vec(0_usize..30, 0..12),
        ) {
            // Commit n has parents below n; the first pick is the first parent.
            let commits: Vec<(usize, Vec<usize>)> = edges.iter().enumerate().map(|(number, (one, other))| {
                let mut parents: Vec<usize> = [*one, *other].into_iter().filter(|&parent| parent < number).collect();
                parents.dedup();
                (number, parents)
            }).collect();
            let rows: Vec<(usize, &[usize])> = commits.iter().map(|(number, parents)| (*number, &parents[..])).collect();
            let whole = history(&rows);
            let mut piece = whole.clone();
            gone.iter().for_each(|&number| drop(piece.remove(&id(number))));
            let (one, other) = (id(commits.len() - 1), id(commits.len() - 2));
            let told = parting(&piece, one, other);
            if told != Parting::Hidden {
                prop_assert_eq!(told, parting(&whole, one, other));
            }
        }
    }
}
