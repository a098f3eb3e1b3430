//! The commits behind two others become the one where they parted, and those behind one become the nearest that have a mark.
//!
//! Newest first, so that as little of a history is read as tells it; but no date decides anything, for clocks differ. `read` gets
//! a commit, and is asked once for each.

use std::collections::{BinaryHeap, HashMap};

use crate::error::Error;

use super::entries::ObjectId;
use super::fetch::history::Node;

/// Behind the first of two commits, or a head.
const ONE: u8 = 1;
/// Behind the second.
const OTHER: u8 = 2;
/// Behind something that was found.
const BEHIND: u8 = 4;

/// Where two commits parted: the closest of the commits that are both their ancestors; of several, none behind another, the one
/// that was committed last. `None`: they have nothing in common.
///
/// # Errors
/// Those of `read`.
pub(super) fn parting(
    one: ObjectId,
    other: ObjectId,
    read: impl FnMut(ObjectId) -> Result<Node, Error>,
) -> Result<Option<ObjectId>, Error> {
    let mut walk = Walk::new(read);
    walk.mark(one, ONE)?;
    walk.mark(other, OTHER)?;
    let found = walk.find(|_, marks| marks == ONE | OTHER)?;
    Ok(found.into_iter().max_by_key(|id| (walk.seen[id].node.time, *id)))
}

/// The nearest commits with a mark that are one of `heads` or behind them: those that aren't behind another one with a mark.
///
/// # Errors
/// Those of `read`.
pub(super) fn nearest(
    heads: &[ObjectId],
    is_marked: impl Fn(ObjectId) -> bool,
    read: impl FnMut(ObjectId) -> Result<Node, Error>,
) -> Result<Vec<ObjectId>, Error> {
    let mut walk = Walk::new(read);
    for head in heads {
        walk.mark(*head, ONE)?;
    }
    walk.find(|id, _| is_marked(id))
}

/// A commit that was read.
struct Seen {
    node: Node,
    marks: u8,
    /// Whether its parents are still to get its marks.
    is_open: bool,
}

struct Walk<R> {
    read: R,
    seen: HashMap<ObjectId, Seen>,
    /// Those that are open, by time.
    open: BinaryHeap<(i64, ObjectId)>,
    /// How many of them aren't behind anything that was found.
    ahead: usize,
}

impl<R: FnMut(ObjectId) -> Result<Node, Error>> Walk<R> {
    fn new(read: R) -> Self {
        Self { read, seen: HashMap::new(), open: BinaryHeap::new(), ahead: 0 }
    }

    /// The commits that fit, without those behind others that do.
    fn find(&mut self, fits: impl Fn(ObjectId, u8) -> bool) -> Result<Vec<ObjectId>, Error> {
        let mut found = Vec::new();
        while self.ahead > 0 {
            let Some((id, marks)) = self.next() else { break };
            let is_found = marks & BEHIND == 0 && fits(id, marks);
            if is_found && !found.contains(&id) {
                found.push(id);
            }
            self.pass_on(id, if is_found { marks | BEHIND } else { marks })?;
        }
        found.retain(|id| self.seen[id].marks & BEHIND == 0);
        // With clocks that were wrong, one may be behind another one all the same, some way further back.
        while found.len() > 1 {
            let Some((id, marks)) = self.next() else { break };
            self.pass_on(id, marks)?;
            found.retain(|id| self.seen[id].marks & BEHIND == 0);
        }
        Ok(found)
    }

    /// The newest of those that are open, which isn't any more.
    fn next(&mut self) -> Option<(ObjectId, u8)> {
        let (_, id) = self.open.pop()?;
        let seen = self.seen.get_mut(&id)?;
        seen.is_open = false;
        self.ahead -= usize::from(seen.marks & BEHIND == 0);
        Some((id, seen.marks))
    }

    fn pass_on(&mut self, id: ObjectId, marks: u8) -> Result<(), Error> {
        let parents = self.seen.get(&id).map(|seen| seen.node.parents.clone()).unwrap_or_default();
        parents.into_iter().try_for_each(|parent| self.mark(parent, marks))
    }

    fn mark(&mut self, id: ObjectId, marks: u8) -> Result<(), Error> {
        let seen = match self.seen.entry(id) {
            std::collections::hash_map::Entry::Occupied(seen) => seen.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(Seen { node: (self.read)(id)?, marks: 0, is_open: false })
            }
        };
        if seen.marks & marks == marks {
            return Ok(());
        }
        self.ahead -= usize::from(seen.is_open && seen.marks & BEHIND == 0);
        seen.marks |= marks;
        self.ahead += usize::from(seen.marks & BEHIND == 0);
        if !std::mem::replace(&mut seen.is_open, true) {
            self.open.push((seen.node.time, id));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use proptest::prelude::*;

    use super::super::fetch::history::{self, History, Parting};
    use super::*;

    fn id(number: usize) -> ObjectId {
        ObjectId::from_hex(&format!("{number:040x}")).unwrap()
    }

    /// Commit n has parents below n, and a clock of its own.
    fn history(picks: &[(usize, usize, i64)]) -> History {
        let node = |(number, (one, other, time)): (usize, &(usize, usize, i64))| {
            let below = [*one, *other].into_iter().filter(|parent| *parent < number);
            (id(number), Node { parents: below.collect::<BTreeSet<_>>().into_iter().map(id).collect(), time: *time })
        };
        picks.iter().enumerate().map(node).collect()
    }

    fn behind(history: &History, heads: &[ObjectId]) -> HashSet<ObjectId> {
        let mut found: HashSet<ObjectId> = heads.iter().copied().collect();
        let mut open = heads.to_vec();
        while let Some(id) = open.pop() {
            open.extend(history[&id].parents.iter().filter(|parent| found.insert(**parent)));
        }
        found
    }

    #[test]
    fn no_more_of_a_history_is_read_than_tells_it() {
        let line: Vec<(usize, usize, i64)> =
            (0..1000_usize).map(|at| (at.wrapping_sub(1), usize::MAX, at as i64)).collect();
        let line = history(&line);
        let mut count = 0;
        let mut read = |id: ObjectId| {
            count += 1;
            Ok(line[&id].clone())
        };
        assert_eq!(parting(id(999), id(990), &mut read).unwrap(), Some(id(990)));
        assert_eq!(nearest(&[id(999)], |at| at == id(980) || at == id(3), &mut read).unwrap(), [id(980)]);
        assert!(count < 50, "{count}");
    }

    proptest! {
        #[test]
        fn commits_part_where_the_whole_history_says_whatever_the_clocks_say(
            picks in proptest::collection::vec((0_usize..30, 0_usize..30, 0_i64..9), 2..30),
        ) {
            let whole = history(&picks);
            let (one, other) = (id(picks.len() - 1), id(picks.len() - 2));
            let expected = match history::parting(&whole, one, other) {
                Parting::At(base) => Some(base),
                _ => None,
            };
            prop_assert_eq!(parting(one, other, |id| Ok(whole[&id].clone())).unwrap(), expected);
        }

        #[test]
        fn the_nearest_are_those_that_are_behind_no_other(
            picks in proptest::collection::vec((0_usize..30, 0_usize..30, 0_i64..9), 2..30),
            marked in proptest::collection::hash_set(0_usize..30, 0..6),
        ) {
            let whole = history(&picks);
            let heads = [id(picks.len() - 1), id(picks.len() - 2)];
            let all = behind(&whole, &heads);
            let marked: HashSet<ObjectId> = marked.into_iter().map(id).filter(|id| all.contains(id)).collect();
            let is_hidden = |one: &ObjectId| marked.iter().any(|other| other != one && behind(&whole, &[*other]).contains(one));
            let expected: BTreeSet<ObjectId> = marked.iter().copied().filter(|id| !is_hidden(id)).collect();
            let found = nearest(&heads, |id| marked.contains(&id), |id| Ok(whole[&id].clone())).unwrap();
            prop_assert_eq!(found.len(), expected.len());
            prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
        }
    }
}
