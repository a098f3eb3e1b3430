//! `layouts/*.txt`: kinds of repositories, each with the configuration that `init` writes for it, and the URLs that a change of each kind
//! of file then refreshes; or with what `init` asks.
//!
//! A layout is a sentence, the command, the files of the repository (`--- PATH`, and its content), and what comes of it: `=== asks` or
//! `=== cdn-purge.yml` with `=== urls`, where the URLs of a changed file are indented below it. `UPDATE_GENERATED=1 cargo test` writes the
//! configurations again, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cdn_purge::config::{self, CommandKind, Flags, Settings};
use cdn_purge::environment::Environment;
use cdn_purge::init::{self, Choices, SiteUrl};
use cdn_purge::mapping::{self, FrontMatter, Overrides, Unmatched};
use cdn_purge::model::{Change, ChangeKind, EntryKind, Operation, RepoPath, Side};
use cdn_purge::providers::PROVIDERS;

use crate::generated::{path, settle};

/// A layout, parsed.
struct Layout {
    /// The sentence, the command and the files, as they are written.
    head: String,
    choices: Choices,
    files: BTreeMap<String, String>,
    /// The lines below `=== asks`, if it is such a layout.
    asks: Option<String>,
    /// Changed files, and the URLs of each.
    urls: Vec<(String, Vec<String>)>,
}

fn parse(text: &str) -> Layout {
    let mut sections = text.split("\n=== ");
    let head = sections.next().unwrap().to_owned();
    let mut parts = head.split("\n--- ");
    let command = parts.next().unwrap().lines().find_map(|line| line.strip_prefix("$ init")).expect("a command");
    let mut choices = Choices::default();
    let mut words = command.split_whitespace();
    while let (Some(option), value) = (words.next(), words.next()) {
        let value = value.expect("an option has a value");
        match option {
            "--provider" => choices.provider = PROVIDERS.iter().copied().find(|spec| spec.name == value),
            "--site-dir" => choices.site_dir = Some(value.to_owned()),
            "--host" => choices.urls.push(SiteUrl::parse(value).unwrap()),
            other => panic!("`{other}` is no option of a layout"),
        }
    }
    let files = parts.map(|part| {
        let (name, content) = part.split_once('\n').unwrap_or((part, ""));
        (name.to_owned(), content.to_owned())
    });
    let files = files.collect();
    let (mut asks, mut urls) = (None, Vec::<(String, Vec<String>)>::new());
    for section in sections {
        let (title, body) = section.split_once('\n').unwrap_or((section, ""));
        match title {
            "asks" => asks = Some(body.to_owned()),
            "urls" => {
                for line in body.lines() {
                    match line.strip_prefix("  ") {
                        Some(url) => urls.last_mut().expect("a file comes first").1.push(url.to_owned()),
                        None => urls.push((line.to_owned(), Vec::new())),
                    }
                }
            }
            "cdn-purge.yml" => {}
            other => panic!("`{other}` is no section of a layout"),
        }
    }
    Layout { head, choices, files, asks, urls }
}

/// The questions as a layout shows them. The list of all providers is as long as the registry.
fn asked(questions: &[init::Question]) -> String {
    let mut text = String::new();
    for question in questions {
        let option = question.subject.option();
        if question.subject == init::Subject::Provider {
            let _ = writeln!(text, "{option}");
            continue;
        }
        let _ = writeln!(text, "{option}: {}", question.title);
        question.answers.iter().for_each(|(answer, evidence)| text.push_str(&format!("  {answer}: {evidence}\n")));
    }
    text
}

fn settings(text: &str, name: &str) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cdn-purge.yml");
    std::fs::write(&file, text).unwrap();
    let mut flags = Flags::new();
    flags.add("config", file.to_str().unwrap());
    config::read(CommandKind::Check, &flags, &Environment::new())
        .unwrap_or_else(|error| panic!("{name}: {:#?}\n{text}", error.diagnostics()))
}

/// The URLs that a change of a file refreshes.
fn refreshed(settings: &Settings, file: &str, files: &BTreeMap<String, String>) -> Vec<String> {
    let change = Change { path: RepoPath::new(file), kind: ChangeKind::Modified, entry: EntryKind::File };
    let wanted = mapping::front_matter_files(std::slice::from_ref(&change), &settings.rules);
    let front = |(side, path): (Side, RepoPath)| {
        let content = files.get(&path.to_string()).map_or("", String::as_str);
        ((side, path), FrontMatter::parse(content.as_bytes()))
    };
    let fronts = wanted.into_iter().map(front).collect();
    // Files with a hash in their name don't change: they come and go.
    let kind = if settings.rules.iter().any(|rule| rule.immutable) { ChangeKind::Added } else { ChangeKind::Modified };
    let mapped = mapping::map_with(&[Change { kind, ..change }], &settings.rules, Overrides::default(), &fronts);
    let refreshes = mapped.tasks.iter().filter(|task| matches!(task.operation, Operation::Refresh(_)));
    let urls: BTreeSet<String> = refreshes.map(|task| task.subject.to_string()).collect();
    urls.into_iter().collect()
}

#[test]
fn init_writes_for_each_layout_what_it_shows_or_asks() {
    let mut layouts: Vec<_> =
        std::fs::read_dir(path("tests/layouts")).unwrap().map(|entry| entry.unwrap().path()).collect();
    layouts.sort();
    assert!(layouts.len() >= 40, "the layouts are gone: {}", layouts.len());
    let mut wrong = Vec::new();
    for file in layouts {
        let written = std::fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let layout = parse(&written);
        let names: Vec<String> = layout.files.keys().cloned().collect();
        let contents: BTreeMap<String, String> =
            init::wanted(&names).map(|name| (name.to_owned(), layout.files[name].clone())).collect();
        let repository = init::recognise(&names, &contents, PROVIDERS);
        let decision = repository.decide(&layout.choices, PROVIDERS);
        let decision = match (decision, &layout.asks) {
            (Ok(decision), None) => decision,
            (Err(questions), Some(expected)) => {
                if asked(&questions) != *expected {
                    wrong.push(format!("{name} asks\n{}", asked(&questions)));
                }
                continue;
            }
            (Ok(_), Some(_)) => {
                wrong.push(format!("{name} asks nothing"));
                continue;
            }
            (Err(questions), None) => {
                wrong.push(format!("{name} asks\n{}", asked(&questions)));
                continue;
            }
        };
        let draft = init::draft(&repository, &decision, &layout.choices);
        let settings = settings(&draft.text, &name);
        for (changed, expected) in &layout.urls {
            let mut expected = expected.clone();
            expected.sort();
            let found = refreshed(&settings, changed, &layout.files);
            if found != expected {
                wrong.push(format!("{name}: {changed} refreshes\n  {}", found.join("\n  ")));
            }
        }
        harmless(&name, &draft.text, &settings, &names, &mut wrong);
        let urls: String = layout
            .urls
            .iter()
            .map(|(changed, urls)| urls.iter().fold(format!("{changed}\n"), |text, url| text + "  " + url + "\n"))
            .collect();
        settle(&file, &format!("{}\n=== cdn-purge.yml\n{}\n=== urls\n{urls}", layout.head, draft.text));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What holds for every configuration that `init` writes.
fn harmless(name: &str, text: &str, settings: &Settings, files: &[String], wrong: &mut Vec<String>) {
    if settings.rules.iter().any(|rule| rule.allow_everything) {
        wrong.push(format!("{name}: purges everything"));
    }
    if text.contains("\"**\"") {
        wrong.push(format!("{name}: a rule for every file"));
    }
    if !settings.warnings.is_empty() {
        wrong.push(format!("{name}: {:?}", settings.warnings));
    }
    // The files of a build aren't there.
    if matches!(settings.changes, config::Changes::Git { .. }) {
        let mut unmatched = Unmatched::of(&settings.rules, |rule| settings.patterns.is_written(rule));
        files.iter().for_each(|file| unmatched.take(file.as_bytes()));
        let places: Vec<_> = unmatched.places().collect();
        if !places.is_empty() {
            wrong.push(format!("{name}: patterns that match no file: {places:?}"));
        }
    }
}
