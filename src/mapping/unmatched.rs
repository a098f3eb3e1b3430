//! The patterns of rules that match no file: each file that is taken removes the patterns that select it.
//!
//! A search needs to enter only the folders in which one of the patterns that are left may still match, and is over once none is left.

use super::files::Globs;
use super::rule::Rule;

/// The place of a pattern in the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternPlace {
    /// The place of its rule, from 0.
    pub rule: usize,
    /// Its place in the rule's `files`, from 0.
    pub pattern: usize,
}

/// Including patterns that have selected no file so far.
#[derive(Clone, Debug)]
pub struct Unmatched {
    /// Of each rule, the patterns that are left.
    left: Vec<(usize, Globs, Vec<Left>)>,
}

/// A pattern that is left.
#[derive(Clone, Debug)]
struct Left {
    /// Its place in the rule's `files`, from 0.
    pattern: usize,
    /// A file that it matches, and another pattern excludes.
    excluded: Option<Vec<u8>>,
}

impl Unmatched {
    /// All including patterns of the rules whose places are wanted.
    pub fn of(rules: &[Rule], is_wanted: impl Fn(usize) -> bool) -> Self {
        let wanted = rules.iter().enumerate().filter(|(place, _)| is_wanted(*place));
        Self { left: wanted.map(|(place, rule)| left_of(place, &rule.files)).collect() }
    }

    /// Whether every pattern has selected a file.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Whether one of the patterns may match below a folder; its path ends in `/`. In doubt it may.
    pub fn may_match_below(&self, folder: &[u8]) -> bool {
        self.left.iter().any(|(_, globs, left)| left.iter().any(|left| globs.may_match_at(left.pattern, folder)))
    }

    /// Removes the patterns by which a rule selects this file.
    pub fn take(&mut self, path: &[u8]) {
        self.retain(|globs, left| match globs.match_at(left.pattern, path) {
            None => true,
            Some(true) => false,
            Some(false) => {
                left.excluded.get_or_insert_with(|| path.to_vec());
                true
            }
        });
    }

    /// Removes the patterns that may match below a folder whose files aren't known; its path ends in `/`.
    pub fn take_folder(&mut self, folder: &[u8]) {
        self.retain(|globs, left| !globs.may_match_at(left.pattern, folder));
    }

    /// The patterns that are left, each with a file that it matches and another pattern excludes, if there is one.
    pub fn places(&self) -> impl Iterator<Item = (PatternPlace, Option<&[u8]>)> {
        let places = self.left.iter().flat_map(|(rule, _, left)| left.iter().map(|left| (*rule, left)));
        places.map(|(rule, left)| (PatternPlace { rule, pattern: left.pattern }, left.excluded.as_deref()))
    }

    fn retain(&mut self, mut is_left: impl FnMut(&Globs, &mut Left) -> bool) {
        self.left.retain_mut(|(_, globs, left)| {
            left.retain_mut(|left| is_left(globs, left));
            !left.is_empty()
        });
    }
}

/// All including patterns of a rule.
fn left_of(rule: usize, globs: &Globs) -> (usize, Globs, Vec<Left>) {
    let all = globs.including_places().map(|pattern| Left { pattern, excluded: None });
    (rule, globs.clone(), all.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(patterns: &[&str], files: &[&str], folders: &[&str]) -> Vec<usize> {
        let texts: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
        let globs = Globs::parse(&texts).unwrap();
        let mut unmatched = Unmatched { left: vec![left_of(0, &globs)] };
        files.iter().for_each(|file| unmatched.take(file.as_bytes()));
        folders.iter().for_each(|folder| unmatched.take_folder(folder.as_bytes()));
        unmatched.places().map(|(place, _)| place.pattern).collect()
    }

    #[test]
    fn patterns_that_select_a_file_are_removed_and_the_others_are_left() {
        assert_eq!(left(&["public/**", "*.md", "!**/*.map"], &["public/a.html"], &[]), [1]);
        assert_eq!(left(&["public/**", "!public/drafts/**"], &["public/drafts/a.html"], &[]), [0]);
        assert_eq!(left(&["a", "b"], &["a", "b"], &[]), [0; 0]);
    }

    #[test]
    fn a_pattern_whose_only_files_are_excluded_is_left_with_the_first_of_them() {
        let texts = ["public/**", "!public/drafts/**", "*.md"].map(str::to_owned);
        let mut unmatched = Unmatched { left: vec![left_of(0, &Globs::parse(&texts).unwrap())] };
        ["public/drafts/a", "public/drafts/b"].iter().for_each(|file| unmatched.take(file.as_bytes()));
        let left: Vec<_> = unmatched.places().map(|(place, excluded)| (place.pattern, excluded)).collect();
        assert_eq!(left, [(0, Some(&b"public/drafts/a"[..])), (2, None)]);
    }

    #[test]
    fn a_pattern_that_may_match_in_a_folder_of_unknown_files_is_removed() {
        assert_eq!(left(&["themes/mini/**", "docs/**"], &[], &["themes/mini/"]), [1]);
        assert_eq!(left(&["themes/mini"], &[], &["themes/mini/"]), [0]);
    }
}
