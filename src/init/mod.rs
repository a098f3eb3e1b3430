//! Recognises the kind of site in a repository, and writes a first configuration for it.
//!
//! Values in, values out. A page that a rule misses stays stale and looks green, so where it isn't known which page comes of a
//! file, every file refreshes the whole site, and a comment says how to do better.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use self::generators::{BUILD_FOLDERS, FOLDERS, GENERATORS, Generator};
pub use self::hosts::SiteUrl;
use crate::provider::Spec;

mod generators;
mod hosts;

/// Contents larger than this are no configuration of a site, in bytes.
pub const MOST_BYTES: u64 = 64 * 1024;

/// How deep a site's folder may lie below the repository's root.
const DEPTH: usize = 3;

/// What a glob reads otherwise than as itself.
const GLOB_MARKS: &[char] = &['*', '?', '[', ']', '{', '}', '!', '\\'];

/// What a repository was recognised as.
#[derive(Debug)]
pub struct Site {
    kind: Kind,
    /// From the root of the repository to `/`; empty for the root itself.
    folder: String,
    /// With the file that names each.
    urls: Vec<(SiteUrl, String)>,
    /// The provider whose credentials the repository's pipelines name, or whose files are there.
    provider: Option<&'static Spec>,
    /// Whether a finished site has pages that aren't the index of their folder.
    has_named_pages: bool,
    /// Other pipelines' files, to say what to copy.
    has_gitlab: bool,
}

#[derive(Debug)]
enum Kind {
    /// The site itself is committed; with the generator that made it, if it is known, and the file that shows it.
    Finished(Option<(&'static Generator, String)>),
    /// It is built of these files into a directory that isn't committed; the file that shows the generator, and the directory.
    Built(&'static Generator, String, String),
    /// It is built into a directory that git ignores, by a generator that isn't known.
    Ignored(String),
    /// Nothing that is known.
    Unknown,
}

/// The files whose contents are worth reading.
pub fn wanted(files: &[String]) -> impl Iterator<Item = &str> {
    let shared = || GENERATORS.iter().flat_map(|generator| generator.shared_markers).map(|(name, _)| *name);
    let own = || GENERATORS.iter().flat_map(|generator| generator.markers).copied();
    files.iter().map(String::as_str).filter(move |file| {
        let name = name(file);
        let is_pipeline = file.starts_with(".github/workflows/") || *file == ".gitlab-ci.yml";
        let is_known = matches!(name, "CNAME" | "package.json" | ".gitignore") || name.ends_with(".tf") || is_pipeline;
        let is_marker = || shared().any(|marker| marker == name) || own().any(|marker| ends_in(file, marker).is_some());
        file.matches('/').count() <= DEPTH + 1 && (is_known || is_marker())
    })
}

/// Looks at the files of a repository, from its root with `/`, and at the contents of those that are [`wanted`].
pub fn recognise(files: &[String], contents: &BTreeMap<String, String>, providers: &[&'static Spec]) -> Site {
    // A folder with such a name can't be spelled in a glob as simply as it is here.
    let is_spelled = |file: &&String| {
        !file.contains(GLOB_MARKS) && !file.contains(char::is_control) && !file.starts_with(char::is_whitespace)
    };
    let files: Vec<String> = files.iter().filter(is_spelled).cloned().collect();
    let contents: BTreeMap<String, String> =
        contents.iter().filter(|(file, _)| is_spelled(file)).map(|(file, text)| (file.clone(), text.clone())).collect();
    let (files, contents) = (files.as_slice(), &contents);
    let (kind, folder) = kind(files, contents);
    let mut urls: Vec<(SiteUrl, String)> = Vec::new();
    // What was written for a host to read is surer than what may be a link.
    let mut sources: Vec<&String> = contents.keys().collect();
    sources.sort_by_key(|path| (rank(path), path.matches('/').count()));
    let best = sources.iter().map(|path| (rank(path), hosts::find(path, &contents[*path]), *path));
    let mut best_rank = usize::MAX;
    for (rank, found, path) in best {
        if !found.is_empty() && rank <= best_rank {
            best_rank = rank;
            urls.extend(found.into_iter().map(|url| (url, path.clone())));
        }
    }
    if let Kind::Built(generator, ..) | Kind::Finished(Some((generator, _))) = &kind
        && let Some(base) = base(generator, contents)
    {
        for (url, _) in urls.iter_mut().filter(|(url, _)| url.path == "/") {
            url.path.clone_from(&base);
        }
    }
    urls.sort_by_key(|(url, _)| url.clone());
    urls.dedup_by(|left, right| left.0 == right.0);
    let names_keys = |spec: &&&'static Spec| {
        let names = spec.credentials.iter().filter_map(|names| names.required().next());
        names.into_iter().any(|name| contents.values().any(|text| text.contains(name)))
    };
    let shows = |spec: &&&'static Spec| {
        let is_file = |sign: &&&str| files.iter().any(|file| name(file) == **sign);
        let is_word = |sign: &&&str| !sign.contains('.') && contents.values().any(|text| text.contains(**sign));
        spec.signs.iter().any(|sign| is_file(&sign) || is_word(&sign))
    };
    let provider = providers.iter().find(names_keys).or_else(|| providers.iter().find(shows)).copied();
    let has_gitlab = files.iter().any(|file| file == ".gitlab-ci.yml");
    let is_named_page = |file: &String| {
        file.starts_with(&folder) && file.ends_with(".html") && !["index.html", "404.html"].contains(&name(file))
    };
    let has_named_pages = files.iter().any(is_named_page);
    Site { kind, folder, urls, provider, has_named_pages, has_gitlab }
}

/// The path below which the generator puts the site, if a file of its own names it.
fn base(generator: &Generator, contents: &BTreeMap<String, String>) -> Option<String> {
    let shared = generator.shared_markers.iter().map(|(name, _)| name);
    let is_its_own =
        |file: &str| generator.markers.iter().chain(shared.clone()).any(|name| ends_in(file, name).is_some());
    contents.iter().filter(|(file, _)| is_its_own(file)).find_map(|(_, text)| hosts::base(text))
}

/// How sure the URLs of a file are: the lower the surer.
fn rank(path: &str) -> usize {
    match name(path) {
        "CNAME" => 0,
        other if other.ends_with(".tf") => 1,
        "package.json" => 3,
        _ if path.starts_with('.') => 4,
        _ => 2,
    }
}

fn kind(files: &[String], contents: &BTreeMap<String, String>) -> (Kind, String) {
    let known = GENERATORS.iter().find_map(|generator| {
        let (folder, marker) = marker(generator, files, contents)?;
        Some((generator, folder, marker))
    });
    let has_page = |folder: &str| files.iter().any(|file| file.strip_prefix(folder) == Some("index.html"));
    if let Some((generator, folder, marker)) = known {
        let finished = generator.outputs.iter().map(|output| format!("{folder}{output}/")).find(|output| {
            // Folders that are copied hold pages of their own at times.
            has_page(output) && !generator.copied.iter().any(|copied| *output == format!("{folder}{copied}/"))
        });
        return match finished {
            Some(output) => (Kind::Finished(Some((generator, marker))), output),
            None => {
                let outputs = || generator.outputs.iter().map(|output| format!("{folder}{output}"));
                let ignored = outputs().find(|output| is_ignored(contents, output));
                let output = ignored.or_else(|| outputs().next()).unwrap_or_default();
                (Kind::Built(generator, marker, output), folder)
            }
        };
    }
    let folders = FOLDERS.iter().map(|folder| format!("{folder}/")).chain([String::new()]);
    match folders.into_iter().find(|folder| has_page(folder)) {
        Some(folder) => (Kind::Finished(None), folder),
        None => match BUILD_FOLDERS.iter().find(|folder| is_ignored(contents, folder)) {
            Some(folder) => (Kind::Ignored((*folder).to_owned()), String::new()),
            None => (Kind::Unknown, String::new()),
        },
    }
}

/// Whether a `.gitignore` above a folder names it.
fn is_ignored(contents: &BTreeMap<String, String>, folder: &str) -> bool {
    let files = contents.iter().filter_map(|(file, text)| Some((file.strip_suffix(".gitignore")?, text)));
    let below = files.filter_map(|(above, text)| Some((folder.strip_prefix(above)?, text)));
    below.into_iter().any(|(below, text)| {
        let last = below.rsplit('/').next().unwrap_or(below);
        let patterns = text
            .lines()
            .map(str::trim)
            .map(|line| line.trim_end_matches("/**").trim_end_matches("/*").trim_matches('/'));
        patterns.into_iter().any(|pattern| pattern == below || pattern == last)
    })
}

/// The folder of the site that this generator makes, and the file that shows it: the one nearest to the root.
fn marker(generator: &Generator, files: &[String], contents: &BTreeMap<String, String>) -> Option<(String, String)> {
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
    own.chain(shared)
        .filter(|(folder, _)| folder.matches('/').count() <= DEPTH)
        .min_by_key(|(folder, file)| (folder.matches('/').count(), file.clone()))
}

/// The part of a path before the marker, if it ends in it: `site/` for `site/hugo.toml`. A `*` is any ending.
fn ends_in<'f>(file: &'f str, marker: &str) -> Option<&'f str> {
    let folder = match marker.strip_suffix('*') {
        Some(start) => {
            let at = file.rfind(start)?;
            let ending = &file[at + start.len()..];
            (!ending.contains('/') && !ending.is_empty()).then(|| &file[..at])?
        }
        None => file.strip_suffix(marker)?,
    };
    (folder.is_empty() || folder.ends_with('/')).then_some(folder)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a person decided.
#[derive(Debug, Default)]
pub struct Choices {
    /// The provider; without it the one that the repository names, else the first.
    pub provider: Option<&'static Spec>,
    /// Where the site is served; empty: as the repository says.
    pub urls: Vec<SiteUrl>,
    /// The schema's file, as an editor finds it from the configuration.
    pub schema: Option<String>,
}

/// A first configuration.
#[derive(Debug)]
pub struct Draft {
    /// The text of the file.
    pub text: String,
    /// What was recognised, a sentence each.
    pub recognised: Vec<String>,
    /// What a person must change before it is of use, a sentence each.
    pub open: Vec<String>,
    /// The provider that it is for.
    pub provider: &'static Spec,
    /// Whether the repository has a pipeline of GitLab.
    pub has_gitlab: bool,
    /// The hosts that it names.
    pub hosts: Vec<String>,
}

/// Where a host is needed and none is known.
const STAND_IN: &str = "www.example.com";

/// Writes a configuration for the site.
///
/// # Panics
/// Without any provider.
pub fn draft(site: &Site, choices: &Choices, providers: &[&'static Spec]) -> Draft {
    let provider = choices.provider.or(site.provider).or(providers.first().copied()).expect("there are providers");
    let mut recognised = Vec::new();
    let mut open = Vec::new();
    let (urls, is_stand_in) = urls(site, choices, &mut recognised);
    if is_stand_in {
        open.push(format!(
            "`{STAND_IN}` is a placeholder: nothing in the repository names your host; replace it, or pass `--host`"
        ));
    }
    let mut text = String::from(
        "# Which changed files become which URLs at the CDN. `cdn-purge init` wrote it from what it found in the repository:\n\
         # read it, and correct it. `cdn-purge check` validates it, `cdn-purge explain PATH` shows the URLs of a file.\n",
    );
    if let Some(schema) = &choices.schema {
        let _ = writeln!(text, "# yaml-language-server: $schema={schema}");
    }
    let others: Vec<&str> = providers.iter().map(|spec| spec.name).filter(|name| *name != provider.name).collect();
    let others = if others.is_empty() { String::new() } else { format!("; others: {}", others.join(", ")) };
    let _ = write!(
        text,
        "version: 1\n\n# Where the URLs live. `cdn-purge providers` lists what else a target takes{others}.\n\
         targets:\n  site:\n    provider: {}\n",
        provider.name
    );
    if let Kind::Built(_, _, output) | Kind::Ignored(output) = &site.kind {
        let _ = write!(
            text,
            "\n# The site is built in the CI: its files are compared with a manifest of the last deployment.\n\
             changes: directory\ndirectory: {}\n",
            quoted(output)
        );
    }
    text.push_str("\nrules:\n");
    recognised.insert(0, rules(site, &urls, &mut text, &mut open));
    let hosts = urls.into_iter().map(|url| url.host).collect();
    Draft { text, recognised, open, provider, has_gitlab: site.has_gitlab, hosts }
}

fn urls(site: &Site, choices: &Choices, recognised: &mut Vec<String>) -> (Vec<SiteUrl>, bool) {
    if !choices.urls.is_empty() {
        return (choices.urls.clone(), false);
    }
    for (url, path) in &site.urls {
        recognised.push(format!("it is served at `{}`, says `{path}`", url.root()));
    }
    let found: Vec<SiteUrl> = site.urls.iter().map(|(url, _)| url.clone()).collect();
    let stand_in = || SiteUrl::parse(STAND_IN).into_iter().collect();
    if found.is_empty() { (stand_in(), true) } else { (found, false) }
}

/// Writes the rules, and gives the sentence of what they are for.
fn rules(site: &Site, urls: &[SiteUrl], text: &mut String, open: &mut Vec<String>) -> String {
    let folder = &site.folder;
    match &site.kind {
        Kind::Finished(generator) => {
            let place = if folder.is_empty() { "the repository's root".to_owned() } else { format!("`{folder}`") };
            text.push_str("  # The site is committed as it is served, so each file has its own URL. A page that is the index of its folder\n");
            text.push_str("  # has two more: /docs/index.html is /docs/ and /docs too.\n");
            rule(text, "pages", &files(folder), "urls", urls, if folder.is_empty() { "{path}" } else { "{tail}" });
            text.push_str("    index: index.html\n    # prefetch: true            # fetch each into the caches again, as soon as it is refreshed\n");
            if site.has_named_pages {
                text.push_str("\n  # Many servers give /about.html out as /about too, and links leave the ending out. Where yours doesn't, drop this rule.\n");
                let pages = ["**/*.html", "!**/index.html", "!**/404.html"];
                let pages = pages.map(|page| page.replacen("**", &format!("{folder}**"), 1));
                rule(text, "pages-without-ending", &pages, "urls", urls, "{1}/{stem}");
            }
            match generator {
                Some((generator, marker)) => {
                    format!("a finished site in {place}, made by {} (`{marker}`)", generator.name)
                }
                None => format!("a finished site in {place}"),
            }
        }
        Kind::Built(generator, marker, output) => {
            built_rules(text, output, generator.fingerprinted, urls);
            open.push(KEEP.into());
            if generator.name == "Next.js" || generator.name == "Nuxt" {
                open.push(format!(
                    "{} can render pages on a server: such a page isn't in `{output}`, and may change without a build",
                    generator.name
                ));
            }
            format!("{} builds the site (`{marker}`) into `{output}`, which isn't committed", generator.name)
        }
        Kind::Ignored(output) => {
            built_rules(text, output, "", urls);
            open.push(KEEP.into());
            format!("a site that is built into `{output}`, which git ignores")
        }
        Kind::Unknown => {
            text.push_str("  # Nothing here tells how files become pages, so a change of any file refreshes the whole site. Where files are served\n");
            text.push_str("  # as they are, this is exact and cheaper:\n");
            text.push_str(
                "  #   - files: \"public/**\"\n  #     urls: \"https://HOST/{tail}\"\n  #     index: index.html\n",
            );
            rule(text, "all", &files(""), "directories", urls, "");
            allow_everything(text, urls);
            open.push(
                "no generator and no finished site was recognised, so any change refreshes the whole site".into(),
            );
            "nothing that makes a site".to_owned()
        }
    }
}

/// What a person has to do for a site that isn't committed.
const KEEP: &str = "`.cdn-purge/manifest.txt` has to be kept between the runs, in the CI's cache or as an artifact, and `.cdn-purge` belongs \
                    into `.gitignore`; the first run asks what to do without it (docs/built-sites.md)";

/// The rules of a built directory.
fn built_rules(text: &mut String, output: &str, fingerprinted: &str, urls: &[SiteUrl]) {
    text.push_str("  # Each file of the build has its own URL. A page that is the index of its folder has two more: /docs/index.html is\n");
    text.push_str("  # /docs/ and /docs too.\n");
    let mut pages = vec![format!("{output}/**"), format!("!{output}/**/*.map")];
    if !fingerprinted.is_empty() {
        pages.push(format!("!{output}/{fingerprinted}**"));
    }
    rule(text, "pages", &pages, "urls", urls, "{tail}");
    text.push_str("    index: index.html\n    # prefetch: true            # fetch each into the caches again, as soon as it is refreshed\n");
    if !fingerprinted.is_empty() {
        text.push_str(
            "\n  # Names with a hash of the content: never purged, and a change under the same name is an error.\n",
        );
        let files = [format!("{output}/{fingerprinted}**")];
        rule(text, "fingerprinted", &files, "urls", urls, &format!("{fingerprinted}{{tail}}"));
        text.push_str("    immutable: true\n");
    }
}

/// Everything in a folder, without what is none of the site.
fn files(folder: &str) -> Vec<String> {
    let mut files = vec![format!("{folder}**")];
    if folder.is_empty() {
        let never = [".github/**", ".gitlab-ci.yml", ".gitignore", "cdn-purge.yml", "cdn-purge.schema.json"];
        files.extend(never.iter().map(|never| format!("!{never}")));
    }
    files
}

fn rule(text: &mut String, name: &str, files: &[String], key: &str, urls: &[SiteUrl], tail: &str) {
    let list = |items: Vec<String>| match items.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    let files = list(files.iter().map(|file| quoted(file)).collect());
    let urls = list(urls.iter().map(|url| quoted(&format!("{}{tail}", url.root()))).collect());
    let _ = write!(text, "  - name: {name}\n    files: {files}\n    {key}: {urls}\n");
}

/// The root of a host is refreshed only on request; a site below a path has none.
fn allow_everything(text: &mut String, urls: &[SiteUrl]) {
    if urls.iter().any(|url| url.path == "/") {
        text.push_str("    allow-everything: true            # the root of a host is never refreshed without this\n");
    }
}

/// A text as a YAML scalar, whatever it holds.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
