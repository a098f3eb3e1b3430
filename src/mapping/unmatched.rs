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

/// Including patterns that have matched no file so far.
#[derive(Clone, Debug)]
pub struct Unmatched {
    /// Of each rule, and the places of its patterns that are left.
    left: Vec<(usize, Globs, Vec<usize>)>,
}

impl Unmatched {
    /// All including patterns of the rules whose places are wanted.
    pub fn of(rules: &[Rule], is_wanted: impl Fn(usize) -> bool) -> Self {
        let wanted = rules.iter().enumerate().filter(|(place, _)| is_wanted(*place));
        let left = wanted.map(|(place, rule)| (place, rule.files.clone(), rule.files.including_places().collect()));
        Self { left: left.collect() }
    }

    /// Whether every pattern has matched a file.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Whether one of the patterns may match below a folder; its path ends in `/`. In doubt it may.
    pub fn may_match_below(&self, folder: &[u8]) -> bool {
        self.left.iter().any(|(_, globs, left)| left.iter().any(|pattern| globs.may_match_at(*pattern, folder)))
    }

    /// Removes the patterns by which a rule selects this file.
    pub fn take(&mut self, path: &[u8]) {
        self.remove(|globs, pattern| globs.selects_by(pattern, path));
    }

    /// Removes the patterns that may match below a folder whose files aren't known; its path ends in `/`.
    pub fn take_folder(&mut self, folder: &[u8]) {
        self.remove(|globs, pattern| globs.may_match_at(pattern, folder));
    }

    /// The patterns that are left.
    pub fn places(&self) -> impl Iterator<Item = PatternPlace> {
        let places = self.left.iter().map(|(rule, _, left)| left.iter().map(|pattern| (*rule, *pattern)));
        places.flatten().map(|(rule, pattern)| PatternPlace { rule, pattern })
    }

    fn remove(&mut self, is_matched: impl Fn(&Globs, usize) -> bool) {
        self.left.retain_mut(|(_, globs, left)| {
            left.retain(|pattern| !is_matched(globs, *pattern));
            !left.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(patterns: &[&str], files: &[&str], folders: &[&str]) -> Vec<usize> {
        let texts: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
        let globs = Globs::parse(&texts).unwrap();
        let places = globs.including_places().collect();
        let mut unmatched = Unmatched { left: vec![(0, globs, places)] };
        files.iter().for_each(|file| unmatched.take(file.as_bytes()));
        folders.iter().for_each(|folder| unmatched.take_folder(folder.as_bytes()));
        unmatched.places().map(|place| place.pattern).collect()
    }

    #[test]
    fn patterns_that_select_a_file_are_removed_and_the_others_are_left() {
        assert_eq!(left(&["public/**", "*.md", "!**/*.map"], &["public/a.html"], &[]), [1]);
        assert_eq!(left(&["public/**", "!public/drafts/**"], &["public/drafts/a.html"], &[]), [0]);
        assert_eq!(left(&["a", "b"], &["a", "b"], &[]), [0; 0]);
    }

    #[test]
    fn a_pattern_that_may_match_in_a_folder_of_unknown_files_is_removed() {
        assert_eq!(left(&["themes/mini/**", "docs/**"], &[], &["themes/mini/"]), [1]);
        assert_eq!(left(&["themes/mini"], &[], &["themes/mini/"]), [0]);
    }
}
