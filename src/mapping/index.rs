//! Rules → those that may be about a path, by the directories that their patterns spell out.
//!
//! Most rules begin with a directory and most paths lie in another, so that most pairs need never be looked at.

use std::collections::HashMap;

use super::Rule;

/// Rules by the directories that their patterns spell out.
#[derive(Debug)]
pub(super) struct Index<'r> {
    rules: &'r [Rule],
    /// The directory with its `/`, empty for the root, → places in `rules`, ascending.
    by_directory: HashMap<&'r [u8], Vec<usize>>,
}

impl<'r> Index<'r> {
    /// Sorts rules into directories.
    pub(super) fn new(rules: &'r [Rule]) -> Self {
        let mut by_directory = HashMap::<_, Vec<_>>::new();
        for (place, rule) in rules.iter().enumerate() {
            for glob in rule.files.including() {
                let places = by_directory.entry(glob.directory()).or_default();
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
        }
        Self { rules, by_directory }
    }

    /// The rules that may be about a path, in their order; all others have no including pattern that matches it.
    pub(super) fn candidates(&self, path: &[u8]) -> impl Iterator<Item = &'r Rule> {
        let slashes = path.iter().enumerate().filter(|&(_, byte)| *byte == b'/');
        let directories = std::iter::once(0).chain(slashes.map(|(slash, _)| slash + 1)).map(|end| &path[..end]);
        let mut places: Vec<_> =
            directories.filter_map(|directory| self.by_directory.get(directory)).flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|place| &self.rules[place])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mapping::rules::Verdict;
    use crate::mapping::tests::rule;

    proptest! {
        #[test]
        fn every_rule_that_has_a_say_is_a_candidate(
            patterns in prop::collection::vec(prop::sample::select(vec!["a/**", "a/b/c", "a/b*/*", "{a,b}/**", "**/c", "a", "!a/b/**"]), 1..4),
            path in "[abc]{1,2}(/[abc]){0,3}",
        ) {
            let mut with_more = vec!["c/*"];
            with_more.extend(&patterns);
            let rules = [rule("more", &with_more, &[]), rule("b", &["b/**"], &[]), rule("all", &["**"], &[])];
            let index = Index::new(&rules);
            let with_a_say = |rule: &&Rule| !matches!(rule.files.judge(path.as_bytes()), Verdict::Unmatched);
            let names = |rule: &Rule| rule.name.clone();
            let expected: Vec<_> = rules.iter().filter(with_a_say).map(names).collect();
            let found: Vec<_> = index.candidates(path.as_bytes()).filter(with_a_say).map(names).collect();
            prop_assert_eq!(found, expected);
            let in_b = index.candidates(path.as_bytes()).any(|rule| &*rule.name == "b");
            prop_assert_eq!(in_b, path.starts_with("b/"), "a rule of another directory is not looked at");
        }
    }
}
