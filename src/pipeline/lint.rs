//! Warnings about rules that can never work, found in the files that they are about: patterns that match none of them.
//!
//! In a run the tree of the commit is searched only as far as it takes to find a match of each pattern, and no further than
//! [`MOST_VISITED`]: a correct configuration costs a few folders.

use std::collections::{BTreeMap, BTreeSet};

use super::built::BuiltSite;
use crate::config::{Changes, Settings, has_foreign_syntax};
use crate::environment::Environment;
use crate::error::Diagnostic;
use crate::git::{self, Changed, TrackedSearch};
use crate::mapping::{self, Globs, PatternPlace, Unmatched};
use crate::model::RepoPath;
use crate::text::format::counted;
use crate::text::suggest::nearest;

/// So many files and folders are visited in a run.
const MOST_VISITED: usize = 20_000;

/// So many are visited by `check`, which nobody waits for in a deployment.
const MOST_CHECKED: usize = 2_000_000;

/// So many are listed to find the one that was meant, in a run and by `check`: what is listed is held against each wrong pattern.
const MOST_LISTED: [usize; 2] = [5_000, 100_000];

/// The files that the patterns are about.
struct Universe<'u> {
    /// In the singular: `tracked file`.
    noun: &'static str,
    files: &'u [Vec<u8>],
    ignore_files: &'u [(String, String)],
    /// Folders that the checkout has and the commit hasn't.
    built: &'u [RepoPath],
}

/// A folder of which git sees no file.
struct Hidden {
    /// With a `/` at its end.
    folder: String,
    why: String,
}

/// The warnings of a run about the committed files.
pub(super) fn committed(settings: &Settings, changed: &Changed, environment: &Environment) -> Vec<Diagnostic> {
    let Changed { range, files: changes, built, .. } = changed;
    let mut unmatched = written(settings);
    // Most patterns select a changed file; and the last file of a pattern may just have been deleted.
    changes.iter().for_each(|change| unmatched.take(change.path.as_bytes()));
    // Who resumes a run has seen them.
    if settings.resume {
        return Vec::new();
    }
    let (commit, [most_listed, _]) = (Some(range.head.clone()), MOST_LISTED);
    let search = TrackedSearch { commit, most: MOST_VISITED, most_listed, lists_files: false };
    let found = if unmatched.is_empty() {
        None
    } else {
        // A repository that can't be read has been reported before.
        git::tracked(&settings.repository, &search, unmatched, environment).ok().flatten()
    };
    match &found {
        Some(found) => {
            let (files, ignore_files) = (&found.files, &found.ignore_files);
            warnings(settings, &found.unmatched, &Universe { noun: "tracked file", files, ignore_files, built })
        }
        None => built.iter().map(isnt_in_git).collect(),
    }
}

/// The warnings about the files of a built directory.
pub(super) fn built(settings: &Settings, built: &BuiltSite) -> Vec<Diagnostic> {
    let mut unmatched = written(settings);
    for file in built.paths() {
        unmatched.take(file.as_bytes());
        if unmatched.is_empty() {
            return Vec::new();
        }
    }
    let files: Vec<Vec<u8>> = built.paths().map(|file| file.as_bytes().to_vec()).collect();
    let universe = Universe { noun: "file of the build", files: &files, ignore_files: &[], built: &[] };
    warnings(settings, &unmatched, &universe)
}

/// All warnings about a configuration, without a run: those of its text, and those about the commit that is checked out.
pub fn check(settings: &Settings, environment: &Environment) -> Vec<Diagnostic> {
    let mut all = settings.warnings.clone();
    if !matches!(settings.changes, Changes::Git { .. } | Changes::Since { .. } | Changes::All { .. }) {
        return all;
    }
    let [_, most_listed] = MOST_LISTED;
    let search = TrackedSearch { commit: None, most: MOST_CHECKED, most_listed, lists_files: true };
    // Without a repository there are no tracked files to look at.
    let Ok(Some(found)) = git::tracked(&settings.repository, &search, written(settings), environment) else {
        return all;
    };
    let (files, ignore_files) = (&found.files, &found.ignore_files);
    let universe = Universe { noun: "tracked file", files, ignore_files, built: &[] };
    all.extend(warnings(settings, &found.unmatched, &universe));
    let files: Vec<RepoPath> = found.files.iter().map(|file| RepoPath::new(file.as_slice())).collect();
    for (place, file, [title, help]) in mapping::greedy_captures(&settings.rules, &files) {
        if settings.patterns.is_written(place.rule) {
            all.push(settings.patterns.warning(place, format!("on `{file}`, {title}"), help));
        }
    }
    all
}

/// The patterns that a person wrote, and no preset.
fn written(settings: &Settings) -> Unmatched {
    Unmatched::of(&settings.rules, |rule| settings.patterns.is_written(rule))
}

fn warnings(settings: &Settings, unmatched: &Unmatched, universe: &Universe<'_>) -> Vec<Diagnostic> {
    let reported: BTreeSet<_> = settings.warnings.iter().filter_map(line_of).collect();
    let pattern_at = |place: PatternPlace| settings.rules[place.rule].files.text(place.pattern);
    // What is wrong with a pattern's syntax is said already.
    let is_said = |place: PatternPlace| {
        let line = line_of(&settings.patterns.warning(place, "", ""));
        line.map_or_else(|| has_foreign_syntax(pattern_at(place)), |line| reported.contains(&line))
    };
    let places = unmatched.places().filter(|(place, _)| !is_said(*place)).map(|(place, excluded)| {
        let pattern = pattern_at(place);
        (place, excluded, if excluded.is_none() { universe.hidden(pattern) } else { None })
    });
    let places: Vec<_> = places.collect();
    // How many patterns a folder hides: they have one cause, so they are one warning.
    let mut hidden: BTreeMap<String, usize> = BTreeMap::new();
    for Hidden { folder, .. } in places.iter().filter_map(|(_, _, hides)| hides.as_ref()) {
        *hidden.entry(folder.clone()).or_default() += 1;
    }
    let is_named = |built: &&RepoPath| {
        let built = format!("{built}/");
        hidden.keys().any(|folder| folder.starts_with(&built) || built.starts_with(folder))
    };
    let unnamed: Vec<_> = universe.built.iter().filter(|built| !is_named(built)).map(isnt_in_git).collect();
    let mut all = Vec::new();
    for (place, excluded, hides) in places {
        let pattern = pattern_at(place);
        let (title, help) = match hides {
            Some(Hidden { folder, why }) => {
                // With the first of them, all are said.
                let Some(patterns) = hidden.remove(&folder) else { continue };
                let others = match patterns - 1 {
                    0 => String::new(),
                    others => format!(" and {}", counted(others, "other pattern", "other patterns")),
                };
                (format!("`{pattern}`{others} can't match: {why}"), compare_builds(&folder))
            }
            None => universe.why_unmatched(pattern, excluded),
        };
        all.push(settings.patterns.warning(place, title, help));
    }
    all.extend(unnamed);
    all
}

/// The warning about a folder that is built in the checkout, and that no pattern with a place is about.
fn isnt_in_git(folder: &RepoPath) -> Diagnostic {
    Diagnostic::new(
        format!("no commit changes what the rules select in `{folder}`, which isn't in git"),
        compare_builds(&folder.to_string()),
    )
}

fn compare_builds(folder: &str) -> String {
    format!(
        "compare the built files with the last deployment's: `changes: directory` and `directory: {}`",
        folder.trim_end_matches('/')
    )
}

fn line_of(warning: &Diagnostic) -> Option<(usize, usize)> {
    warning.place.as_ref().map(|place| (place.line, place.column))
}

impl Universe<'_> {
    /// Why a pattern selects no file, and what to do about it; `excluded` is a file that it matches and another pattern excludes.
    fn why_unmatched(&self, pattern: &str, excluded: Option<&[u8]>) -> (String, String) {
        let noun = self.noun;
        if let Some(file) = excluded {
            let file = String::from_utf8_lossy(file);
            return (
                format!("every file that `{pattern}` matches is excluded by a pattern with `!`, as `{file}`"),
                "remove the pattern, or the exclusion".into(),
            );
        }
        let help = self.meant(pattern).map_or_else(
            || "a pattern is matched from the repository's root: `**/*.md` matches in every folder, `docs/**` everything in one".into(),
            |meant| format!("did you mean `{meant}`?"),
        );
        (format!("`{pattern}` matches no {noun}"), help)
    }

    /// The folder of a pattern that git sees no file of, if there is one.
    fn hidden(&self, pattern: &str) -> Option<Hidden> {
        if let Some((folder, file, line)) = self.ignored(pattern) {
            let why = format!("`{folder}` is ignored by `{file}`, line {line}, so git never sees its files");
            return Some(Hidden { folder: folder.to_owned(), why });
        }
        let folders = self.built.iter().map(|built| format!("{built}/"));
        let folder = folders.into_iter().find(|folder| pattern.starts_with(folder))?;
        Some(Hidden { why: format!("`{folder}` isn't in git, so no commit changes its files"), folder })
    }

    /// A pattern near to this one that matches a file.
    fn meant(&self, pattern: &str) -> Option<String> {
        let below = pattern.strip_suffix("/*").map(|folder| format!("{folder}/**"));
        let mut candidates: Vec<String> = below.into_iter().collect();
        candidates.extend([format!("{pattern}/**"), format!("**/{pattern}")]);
        candidates.extend(self.respelled(pattern));
        let matches_one = |candidate: &String| {
            let parsed = Globs::parse(std::slice::from_ref(candidate)).ok();
            parsed.is_some_and(|globs| self.files.iter().any(|file| globs.matches(file)))
        };
        candidates.into_iter().find(matches_one)
    }

    /// The pattern with the first of its names that isn't there replaced by the most similar one that is.
    fn respelled(&self, pattern: &str) -> Option<String> {
        let mut known = String::new();
        for (number, name) in pattern.split('/').enumerate() {
            let is_last = number == pattern.matches('/').count();
            if name.contains(['*', '?', '[', '{', '\\']) {
                let (stem, extension) =
                    name.rsplit_once('.').filter(|(_, end)| is_last && !end.contains(['{', '*', '[', '?']))?;
                let others: BTreeSet<&str> =
                    self.names_in(&known, true).filter_map(|name| Some(name.rsplit_once('.')?.1)).collect();
                let other = nearest(extension, others)?;
                return Some(format!("{known}{stem}.{other}"));
            }
            let names: BTreeSet<&str> = self.names_in(&known, false).collect();
            if !names.contains(name) {
                let other = nearest(name, names)?;
                let rest = &pattern[known.len() + name.len()..];
                return Some(format!("{known}{other}{rest}"));
            }
            known = format!("{known}{name}/");
        }
        None
    }

    /// The names in a folder, which ends in `/` or is empty; with `deep` those of all files below it.
    fn names_in<'n>(&'n self, folder: &'n str, deep: bool) -> impl Iterator<Item = &'n str> {
        self.files.iter().filter_map(move |file| {
            let rest = std::str::from_utf8(file).ok()?.strip_prefix(folder)?;
            if deep { rest.rsplit('/').next() } else { rest.split('/').next() }
        })
    }

    /// The folder of a pattern that a `.gitignore` hides, and the file and line that do it.
    fn ignored<'p>(&self, pattern: &'p str) -> Option<(&'p str, &str, usize)> {
        let fixed = &pattern[..pattern.find(['*', '?', '[', '{', '\\']).unwrap_or(pattern.len())];
        let folders = fixed.match_indices('/').map(|(slash, _)| &pattern[..=slash]);
        // The file that is nearest to the folder first.
        let files = || self.ignore_files.iter().rev().map(|(file, text)| (file.as_str(), text.as_str()));
        let mut hiding = folders.filter_map(|folder| {
            let (file, line) = mapping::ignored_by(files(), folder.trim_end_matches('/'))?;
            Some((folder, file, line))
        });
        hiding.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(pattern: &str, files: &[&str], ignore_files: &[(&str, &str)]) -> String {
        let files: Vec<Vec<u8>> = files.iter().map(|file| file.as_bytes().to_vec()).collect();
        let ignore_files: Vec<_> = ignore_files.iter().map(|(file, text)| ((*file).into(), (*text).into())).collect();
        let universe = Universe { noun: "tracked file", files: &files, ignore_files: &ignore_files, built: &[] };
        let (pattern, exclusion) = pattern.split_once(" !").unwrap_or((pattern, ""));
        let excluding = Globs::parse(&[exclusion.to_owned()]).ok();
        let is_excluded = |file: &&Vec<u8>| excluding.as_ref().is_some_and(|globs| globs.matches(file));
        let (title, help) = universe.why_unmatched(pattern, universe.files.iter().find(is_excluded).map(Vec::as_slice));
        format!("{title}: {help}")
    }

    #[test]
    fn the_nearest_pattern_that_matches_is_suggested() {
        for (pattern, meant) in [
            ("publc/**", "public/**"),
            ("Public/**/*.html", "public/**/*.html"),
            ("*.html", "**/*.html"),
            ("public", "public/**"),
            ("public/blog/*", "public/blog/**"),
            ("public/*.htm", "public/*.html"),
            ("public/blgo/**", "public/blog/**"),
        ] {
            let why = why(pattern, &["README", "public/index.html", "public/blog/2026/a.html"], &[]);
            assert_eq!(why, format!("`{pattern}` matches no tracked file: did you mean `{meant}`?"));
        }
    }

    #[test]
    fn a_pattern_unlike_every_file_is_explained_and_none_is_suggested() {
        let why = why("assets/**", &["README", "public/index.html"], &[]);
        assert!(
            why.starts_with("`assets/**` matches no tracked file: a pattern is matched from the repository's root"),
            "{why}"
        );
    }

    #[test]
    fn a_folder_that_git_ignores_or_lacks_is_named_with_the_line_that_ignores_it() {
        let ignore_files =
            [(".gitignore".into(), "*.log\n".into()), ("web/.gitignore".into(), "# built\ndist/\n".into())];
        let built = [RepoPath::new("web/dist"), RepoPath::new("out")];
        let universe = Universe { noun: "tracked file", files: &[], ignore_files: &ignore_files, built: &built };
        let why = |pattern: &str| universe.hidden(pattern).map(|Hidden { why, .. }| why);
        let ignored = "`web/dist/` is ignored by `web/.gitignore`, line 2, so git never sees its files";
        assert_eq!(why("web/dist/index.html").as_deref(), Some(ignored));
        assert_eq!(why("out/*.html").as_deref(), Some("`out/` isn't in git, so no commit changes its files"));
        assert_eq!(why("outer/*.html"), None);
    }

    #[test]
    fn exclusions_that_leave_nothing_are_named() {
        let why = why("public/drafts/** !public/drafts/**", &["public/drafts/a.html"], &[]);
        assert!(why.starts_with("every file that `public/drafts/**` matches is excluded"), "{why}");
    }
}
