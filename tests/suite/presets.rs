//! The presets of `site` against the generators: the rules for a small site's sources give the URLs that its generator made.
//!
//! `tests/presets/run` builds the sites and writes each `urls.txt`; no generator is needed here.

use std::collections::BTreeSet;
use std::path::Path;

use cdn_purge::config::{self, CommandKind, Flags, Settings};
use cdn_purge::environment::Environment;
use cdn_purge::mapping::{self, FrontMatter, Mapped, Overrides};
use cdn_purge::model::{Change, ChangeKind, EntryKind, RepoPath};

use crate::generated::path;

/// The generators, with what each writes that comes from no source of the site: its themes' files, by beginning or end.
const OWN: &[(&str, &[&str])] = &[
    ("hugo", &["/404.html"]),
    ("jekyll", &[]),
    ("hexo", &[]),
    (
        "mkdocs",
        &[
            "/404.html",
            "/css/",
            "/js/",
            "/webfonts/",
            "/img/favicon.ico",
            "/img/grid.png",
            "/search/lunr.js",
            "/search/main.js",
            "/search/worker.js",
        ],
    ),
    ("docusaurus", &["/404.html", "/assets/", "/img/"]),
    ("vitepress", &["/404.html", "/assets/", "/vp-icons.css"]),
    ("eleventy", &["/assets/"]),
    ("sphinx", &["/.buildinfo", "/_static/"]),
];

const ROOT: &str = "https://www.example.com/";

fn settings(text: &str) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("cdn-purge.yml");
    std::fs::write(&config, text).unwrap();
    let mut flags = Flags::new();
    flags.add("config", config.to_str().unwrap());
    config::read(CommandKind::Check, &flags, &Environment::new())
        .unwrap_or_else(|error| panic!("{:#?}\n{text}", error.diagnostics()))
}

fn preset(generator: &str, more: &str) -> Settings {
    let site = format!("site:\n  generator: {generator}\n  url: {ROOT}\n{more}");
    settings(&format!("version: 1\ntargets:\n  cdn: {{provider: alibaba-cdn}}\n{site}"))
}

fn files_below(folder: &Path, prefix: &str, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            files_below(&entry.path(), &format!("{name}/"), files);
        } else {
            files.push((name, std::fs::read(entry.path()).unwrap()));
        }
    }
}

/// The site's sources with their contents.
fn sources(generator: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    files_below(&path(&format!("tests/presets/{generator}/site")), "", &mut files);
    files.sort();
    files
}

fn mapped(settings: &Settings, files: &[(String, Vec<u8>)]) -> Mapped {
    let change =
        |name: &String| Change { path: RepoPath::new(name.as_str()), kind: ChangeKind::Added, entry: EntryKind::File };
    let changes: Vec<Change> = files.iter().map(|(name, _)| change(name)).collect();
    let wanted = mapping::front_matter_files(&changes, &settings.rules);
    let content = |path: &RepoPath| &files.iter().find(|(name, _)| name.as_bytes() == path.as_bytes()).unwrap().1;
    let fronts = wanted.into_iter().map(|file| (file.clone(), FrontMatter::parse(content(&file.1)))).collect();
    mapping::map_with(&changes, &settings.rules, Overrides::default(), &fronts)
}

/// A page's URL in one of its forms: below a folder without the index file's name and without a `/` at its end.
fn page(url: &str) -> String {
    let url = url.strip_suffix("index.html").filter(|url| url.ends_with('/')).unwrap_or(url);
    url.trim_end_matches('/').replace(' ', "%20")
}

#[test]
fn every_preset_gives_the_urls_that_the_generator_makes() {
    for (generator, own) in OWN {
        let listed = std::fs::read_to_string(path(&format!("tests/presets/{generator}/urls.txt"))).unwrap();
        let is_own = |url: &&str| own.iter().any(|own| url.starts_with(own));
        let expected: BTreeSet<String> = listed.lines().filter(|line| !is_own(line)).map(page).collect();
        assert!(expected.len() > 4, "{generator}: the list is gone");
        let settings = preset(generator, "");
        let mapped = mapped(&settings, &sources(generator));
        let urls = mapped.tasks.iter().map(|task| task.subject.value.strip_prefix(ROOT.trim_end_matches('/')).unwrap());
        let given: BTreeSet<String> = urls.map(page).collect();
        let missing: Vec<_> = expected.difference(&given).collect();
        let invented: Vec<_> = given.difference(&expected).collect();
        assert!(missing.is_empty() && invented.is_empty(), "{generator}: missing {missing:?}, invented {invented:?}");
        let shared = format!("{generator}'s");
        let unread = mapped.warnings.iter().find(|warning| !warning.contains("every page may have changed"));
        assert_eq!(unread, None, "{shared}");
        assert!(!mapped.warnings.is_empty(), "{generator}: no source is shared by all pages");
    }
}

#[test]
fn what_all_pages_share_refreshes_everything_only_where_that_is_allowed() {
    for (generator, _) in OWN {
        let files = sources(generator);
        let refused = mapped(&preset(generator, ""), &files);
        assert!(refused.tasks.iter().all(|task| task.subject.value != ROOT || task.operation.name() != "directory"));
        let everything = |mapped: &Mapped| {
            let is_root = |task: &&cdn_purge::model::Task| {
                task.operation == cdn_purge::model::Operation::Refresh(cdn_purge::model::RefreshKind::Directory)
            };
            mapped.tasks.iter().filter(is_root).map(|task| task.subject.value.clone()).collect::<BTreeSet<_>>()
        };
        assert!(everything(&refused).is_empty(), "{generator}");
        let allowed = mapped(&preset(generator, "  allow-everything: true\n"), &files);
        assert_eq!(everything(&allowed), BTreeSet::from([ROOT.to_owned()]), "{generator}");
        assert!(allowed.warnings.is_empty(), "{generator}: {:?}", allowed.warnings);
    }
}

#[test]
fn a_site_may_lie_in_a_folder_and_below_a_path_and_a_rule_of_the_same_name_replaces_its_own() {
    let text = "version: 1
targets: {cdn: {provider: alibaba-cdn}, other: {provider: alibaba-cdn}}
site:
  generator: mkdocs
  url: https://www.example.com/guide
  folder: website/
  targets: other
rules:
  - name: mkdocs-lists
    files: website/mkdocs.yml
    urls: https://www.example.com/guide/sitemap.xml
";
    let settings = settings(text);
    let files = ["website/docs/a/b.md", "docs/c.md", "website/mkdocs.yml"].map(|name| (name.to_owned(), Vec::new()));
    let mapped = mapped(&settings, &files);
    let tasks: Vec<String> = mapped.tasks.iter().map(|task| format!("{} {}", task.target, task.subject)).collect();
    let sitemap = "https://www.example.com/guide/sitemap.xml";
    assert_eq!(
        tasks,
        ["other https://www.example.com/guide/a/b/".to_owned(), format!("cdn {sitemap}"), format!("other {sitemap}"),]
    );
}

#[test]
fn every_problem_of_a_site_is_reported_at_its_place() {
    let text = "version: 1
targets: {cdn: {provider: alibaba-cdn}}
site:
  generator: huggo
  url: www.example.com
  folder: a/*
  theme: x
";
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("cdn-purge.yml");
    std::fs::write(&config, text).unwrap();
    let mut flags = Flags::new();
    flags.add("config", config.to_str().unwrap());
    let error = config::read(CommandKind::Check, &flags, &Environment::new()).unwrap_err();
    let lines: Vec<usize> = error.diagnostics().iter().map(|problem| problem.place.as_ref().unwrap().line).collect();
    assert_eq!(lines, [4, 5, 6, 7], "{:#?}", error.diagnostics());
}
