//! Finds the folders of a repository that may hold its site, or from which a generator builds it.

use std::collections::BTreeMap;

use super::generators::{BUILD_FOLDERS, FOLDERS, FOREIGN, GENERATORS, Generator};
use super::hosts;
use super::paths::{above, ends_in, is_ignored, is_plain, is_workflow, join, name};

/// How deep a site's folder may lie below the repository's root.
pub(super) const DEPTH: usize = 3;

/// A site that the repository may be about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) kind: Kind,
    /// From the root of the repository to `/`: the site's own folder, or that of its sources; empty for the root itself.
    pub(super) folder: String,
    /// Whether it is the site, if it is the only candidate.
    pub(super) is_certain: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// The site itself is committed; with the generator that made it, if it is known, and the file that shows it.
    Finished(Option<(&'static Generator, String)>),
    /// It is built of these files into a directory that isn't committed.
    Built(Build),
    /// It is built into this directory, by a program that isn't known.
    Unknown(String),
    /// WordPress makes its pages, and serves the other files as they are.
    WordPress(WordPress),
}

/// What a repository holds of a WordPress site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordPress {
    /// One theme. Its URLs have the name of its folder there, which no file of it says.
    Theme,
    /// The folder `wp-content`, whose paths are those of the URLs.
    Content,
}

/// A generator, and what it makes.
#[derive(Clone, Debug)]
pub(super) struct Build {
    pub(super) generator: &'static Generator,
    /// The file that shows the generator.
    pub(super) marker: String,
    /// The directory, from the root, without a `/` at its end.
    pub(super) output: String,
    /// Whether git ignores the directory.
    pub(super) is_ignored: bool,
    /// Whether a pipeline of the repository runs the generator.
    pub(super) is_in_pipeline: bool,
    /// Whether the generator's settings are those that its preset assumes.
    pub(super) is_default: bool,
    /// Whether files without a hash in their name are copied into the folder of those with one.
    pub(super) mixes_names: bool,
}

impl PartialEq for Build {
    fn eq(&self, other: &Self) -> bool {
        self.generator.name == other.generator.name && self.output == other.output
    }
}

impl PartialEq for Generator {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Candidate {
    /// What `--site-dir` calls it.
    pub(super) fn site_dir(&self) -> &str {
        match &self.kind {
            Kind::Finished(_) | Kind::WordPress(_) if self.folder.is_empty() => ".",
            Kind::Finished(_) | Kind::WordPress(_) => self.folder.trim_end_matches('/'),
            Kind::Built(build) => &build.output,
            Kind::Unknown(output) => output,
        }
    }

    /// Why it may be the site.
    pub(super) fn evidence(&self) -> String {
        let place = if self.folder.is_empty() { "the repository's root" } else { &self.folder };
        match &self.kind {
            Kind::Finished(None) => format!("{place} has an `index.html`"),
            Kind::Finished(Some((generator, marker))) => {
                format!("{place} has an `index.html`, made by {} (`{marker}`)", generator.name)
            }
            Kind::Built(build) => format!("{} builds it (`{}`)", build.generator.name, build.marker),
            Kind::Unknown(output) => format!("git ignores `{output}/`, as it does with builds"),
            Kind::WordPress(WordPress::Theme) => format!("{place} is a theme of WordPress (`style.css`, `index.php`)"),
            Kind::WordPress(WordPress::Content) => "WordPress serves `wp-content/` as it is".to_owned(),
        }
    }
}

/// All candidates of a repository, those nearer to the root first.
pub(super) fn find(files: &[String], contents: &BTreeMap<String, String>) -> Vec<Candidate> {
    let has_page = |folder: &str| files.iter().any(|file| file.strip_prefix(folder) == Some("index.html"));
    let mut found: Vec<Candidate> = Vec::new();
    let mut reads_root_index = false;
    for (generator, folder, marker) in sources(files, contents) {
        reads_root_index |= folder.is_empty() && generator.reads_index;
        found.push(built(generator, folder, marker, files, contents));
    }
    found.extend(wordpress(files));
    let certain = |folder: &str| !has_build_script(&above(folder), contents) && !has_build_script("", contents);
    let statics: Vec<&str> = FOLDERS.iter().copied().filter(|folder| has_page(&format!("{folder}/"))).collect();
    let with_name = statics.iter().find(|folder| files.contains(&format!("{folder}/CNAME")));
    if has_page("") && !reads_root_index {
        found.push(Candidate { kind: Kind::Finished(None), folder: String::new(), is_certain: certain("") });
    } else if found.is_empty() {
        // A `CNAME` next to the pages is written by whoever serves them.
        for folder in with_name.map_or(statics.as_slice(), std::slice::from_ref) {
            let folder = format!("{folder}/");
            found.push(Candidate { kind: Kind::Finished(None), is_certain: certain(&folder), folder });
        }
    }
    if found.iter().all(|candidate| !candidate.is_certain)
        && !found.iter().any(|candidate| matches!(candidate.kind, Kind::Built(_)))
    {
        for output in BUILD_FOLDERS.iter().filter(|folder| is_ignored(contents, folder)) {
            found.push(Candidate {
                kind: Kind::Unknown((*output).to_owned()),
                folder: String::new(),
                is_certain: false,
            });
        }
    }
    found.sort_by_key(|candidate| candidate.folder.matches('/').count());
    found
}

/// Themes of WordPress, and its `wp-content`, which holds themes of its own.
///
/// Source: <https://developer.wordpress.org/themes/core-concepts/theme-structure/> (2026-11-30): each theme has `style.css`, and
/// `index.php` or `templates/index.html`; `functions.php` and `theme.json` are optional, and nobody else's next to it.
fn wordpress(files: &[String]) -> Vec<Candidate> {
    let candidate =
        |part, folder: &str| Candidate { kind: Kind::WordPress(part), folder: folder.to_owned(), is_certain: true };
    if files.iter().any(|file| file.starts_with("wp-content/themes/") || file.starts_with("wp-content/plugins/")) {
        return vec![candidate(WordPress::Content, "")];
    }
    let has = |folder: &str, names: [&str; 2]| names.iter().any(|name| files.contains(&format!("{folder}{name}")));
    let folders = files.iter().filter_map(|file| ends_in(file, "style.css"));
    let is_theme = |folder: &&str| {
        folder.matches('/').count() <= DEPTH
            && has(folder, ["functions.php", "theme.json"])
            && has(folder, ["index.php", "templates/index.html"])
    };
    folders.filter(is_theme).map(|folder| candidate(WordPress::Theme, folder)).collect()
}

/// Folders with an `index.html` that aren't among the candidates, for a word about them.
pub(super) fn others<'f>(files: &[String], chosen: &Candidate) -> Vec<&'f str> {
    let has_page = |folder: &&str| files.iter().any(|file| *file == format!("{folder}/index.html"));
    let is_inside = |folder: &str| match &chosen.kind {
        // What lies in a finished site is a part of it.
        Kind::Finished(_) | Kind::WordPress(_) => format!("{folder}/").starts_with(&chosen.folder),
        Kind::Built(build) => {
            build.output == folder
                || build.generator.copied.iter().any(|copied| format!("{}{copied}", chosen.folder) == folder)
        }
        Kind::Unknown(output) => output == folder,
    };
    FOLDERS.iter().copied().filter(has_page).filter(|folder| !is_inside(folder)).collect()
}

/// Each generator in whose sources there is a marker, with the folder and the marker: one for a folder.
fn sources(files: &[String], contents: &BTreeMap<String, String>) -> Vec<(&'static Generator, String, String)> {
    let mut found: Vec<(&'static Generator, String, String)> = Vec::new();
    for generator in GENERATORS {
        let own = files.iter().filter_map(|file| {
            let folder = generator.markers.iter().find_map(|marker| ends_in(file, marker))?;
            Some((folder.to_owned(), file.clone()))
        });
        let shared = contents.iter().filter_map(|(file, text)| {
            let is_of = |(marker, words): &&(&str, &[&str])| {
                ends_in(file, marker).is_some() && words.iter().any(|word| text.contains(word))
            };
            let (marker, _) = generator.shared_markers.iter().find(is_of)?;
            Some((ends_in(file, marker)?.to_owned(), file.clone()))
        });
        for (folder, marker) in own.chain(shared) {
            let is_deep = folder.matches('/').count() > DEPTH;
            let is_foreign = is_foreign(&folder);
            // VitePress in `docs/` is no second site of the Vite library around it, which has no page.
            let lacks_page = generator.name == "Vite" && !files.contains(&format!("{folder}index.html"));
            let is_needed = |text: &String| names(text, generator.needed);
            let package = format!("{folder}package.json");
            let makes_files = generator.needed.is_empty()
                || [&marker, &package].into_iter().filter_map(|file| contents.get(file)).any(is_needed);
            let is_taken = found.iter().any(|(_, other, _)| *other == folder);
            // The folder becomes a word of the drafted commands, and its name may be anybody's.
            if is_plain(&folder) && !is_deep && !is_foreign && !lacks_page && makes_files && !is_taken {
                found.push((generator, folder, marker));
            }
        }
    }
    found
}

/// Whether a path is in a folder that is no site of this repository's own.
pub(super) fn is_foreign(path: &str) -> bool {
    path.split('/').any(|part| FOREIGN.contains(&part))
}

/// Whether a text ends in this word, in quotes: `output: 'export'`.
fn names(text: &str, word: &str) -> bool {
    ['\'', '"', '`'].iter().any(|quote| text.contains(&format!("{word}{quote}")))
}

/// The names of generators that render pages on a server here: a changed file doesn't give their URLs.
pub(super) fn rendered_on_a_server(files: &[String], contents: &BTreeMap<String, String>) -> Vec<&'static str> {
    let is_one = |generator: &&Generator| {
        let has_marker = |file: &String| generator.markers.iter().any(|marker| ends_in(file, marker).is_some());
        !generator.needed.is_empty()
            && files.iter().any(has_marker)
            && !contents
                .iter()
                .any(|(file, text)| (has_marker(file) || name(file) == "package.json") && names(text, generator.needed))
    };
    GENERATORS.iter().filter(is_one).map(|generator| generator.name).collect()
}

fn built(
    generator: &'static Generator,
    folder: String,
    marker: String,
    files: &[String],
    contents: &BTreeMap<String, String>,
) -> Candidate {
    let configuration = contents.get(&marker).map_or("", String::as_str);
    let has_page = |output: &str| files.iter().any(|file| *file == format!("{output}/index.html"));
    let named = hosts::word_of(configuration, generator.output_key).and_then(|output| join(&folder, &output));
    let outputs: Vec<String> = match named {
        Some(output) => vec![output],
        None => generator.outputs.iter().map(|output| format!("{folder}{output}")).collect(),
    };
    let is_copied = |output: &String| generator.copied.iter().any(|copied| *output == format!("{folder}{copied}"));
    // Folders that are copied hold pages of their own at times.
    if let Some(output) = outputs.iter().find(|output| has_page(output) && !is_copied(output)) {
        let folder = format!("{output}/");
        return Candidate { kind: Kind::Finished(Some((generator, marker))), folder, is_certain: true };
    }
    let ignored = outputs.iter().find(|output| is_ignored(contents, output));
    let output = ignored.or_else(|| outputs.first()).cloned().unwrap_or_default();
    let last_word = generator.build.rsplit("&& ").next().unwrap_or_default();
    let runs = |text: &String| {
        let words: Vec<&str> =
            last_word.split(' ').filter(|word| !word.starts_with('-') && *word != "npx").take(2).collect();
        text.contains(&words.join(" ")) || text.contains(&format!("run: {}", words[0]))
    };
    let is_in_pipeline = contents.iter().any(|(file, text)| is_workflow(file) && runs(text));
    let copied = generator.copied.iter().map(|copied| format!("{folder}{copied}/{}", generator.fingerprinted));
    let mixes_names = !generator.fingerprinted.is_empty()
        && copied.into_iter().any(|copied| files.iter().any(|file| file.starts_with(&copied)));
    let is_default =
        generator.preset.is_some_and(|(_, unlike)| !unlike.iter().any(|word| configuration.contains(word)));
    let is_ignored = is_ignored(contents, &output);
    let build = Build { generator, marker, output, is_ignored, is_in_pipeline, is_default, mixes_names };
    Candidate { kind: Kind::Built(build), folder, is_certain: true }
}

/// Whether the `package.json` of a folder builds something: what lies there may be its sources.
fn has_build_script(folder: &str, contents: &BTreeMap<String, String>) -> bool {
    contents.get(&format!("{folder}package.json")).is_some_and(|text| text.contains("\"build\":"))
}

/// The site in a directory that a person names: a candidate, the files that are committed there, or what is built into it.
pub(super) fn named(candidates: &[Candidate], directory: &str, files: &[String]) -> Candidate {
    let directory = directory.trim_start_matches("./").trim_matches('/');
    let directory = if directory.is_empty() { "." } else { directory };
    if let Some(candidate) = candidates.iter().find(|candidate| candidate.site_dir() == directory) {
        return candidate.clone();
    }
    let folder = if directory == "." { String::new() } else { format!("{directory}/") };
    if files.iter().any(|file| file.starts_with(&folder)) {
        return Candidate { kind: Kind::Finished(None), folder, is_certain: true };
    }
    let built = candidates.iter().filter(|candidate| directory.starts_with(&candidate.folder));
    let built = built.filter_map(|candidate| match &candidate.kind {
        Kind::Built(build) => Some((build, &candidate.folder)),
        Kind::Finished(_) | Kind::Unknown(_) | Kind::WordPress(_) => None,
    });
    match built.max_by_key(|(_, folder)| folder.len()) {
        Some((build, folder)) => {
            let build = Build { output: directory.to_owned(), is_ignored: true, ..build.clone() };
            Candidate { kind: Kind::Built(build), folder: folder.clone(), is_certain: true }
        }
        None => Candidate { kind: Kind::Unknown(directory.to_owned()), folder: String::new(), is_certain: true },
    }
}
