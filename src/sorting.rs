//! Ordered lists, sets and maps with little code: the standard library's sort is four kilobytes for each type and order, and
//! `collect` into a `BTreeSet` or a `BTreeMap` brings one of its own.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Sorts a list; what is equal keeps its order.
pub fn sort_by<T>(list: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut places = sorted_places(list.len(), &|one, other| compare(&list[one], &list[other]));
    for start in 0..places.len() {
        // Each item moves to its place along a cycle, which ends where it began.
        let mut at = start;
        while places[at] != start {
            let next = std::mem::replace(&mut places[at], at);
            list.swap(at, next);
            at = next;
        }
        places[at] = at;
    }
}

/// Sorts a list by a key; what has the same keeps its order.
pub fn sort_by_key<T, K: Ord>(list: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(list, |one, other| key(one).cmp(&key(other)));
}

/// Collects a set.
pub fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    items.into_iter().for_each(|item| _ = set.insert(item));
    set
}

/// Collects a map; of two entries with the same key, the later one counts.
pub fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    entries.into_iter().for_each(|(key, value)| _ = map.insert(key, value));
    map
}

/// The places of a list's items, in their order.
fn sorted_places(length: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..length).collect();
    places.sort_by(|one, other| compare(*one, *other));
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_list_is_sorted_as_the_standard_library_sorts_it(items: Vec<(u8, u16)>) {
            let (mut ours, mut theirs) = (items.clone(), items.clone());
            sort_by_key(&mut ours, |item| item.0 % 16);
            theirs.sort_by_key(|item| item.0 % 16);
            prop_assert_eq!(&ours, &theirs);
            prop_assert_eq!(set(items.iter()), items.iter().collect());
            prop_assert_eq!(map(items.iter().copied()), items.into_iter().collect());
        }
    }
}
