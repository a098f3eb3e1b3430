//! `cases/*.md`: each configuration with its changes yields exactly the plan that is printed below them.
//!
//! A case is prose around fenced blocks: `yaml` is a configuration, `options` are flags for it (`name: value`), `changes` are
//! changed paths, `plan` is what must come out. A plan belongs to the blocks above it, which stay for the next one. A block of
//! `head PATH` or `base PATH` is the content of a file in a commit, for the front matter.
//! `UPDATE_GENERATED=1 cargo test` writes the plans again.

use std::collections::BTreeMap;
use std::path::Path;

use cdn_purge::config::{self, CommandKind, Flags};
use cdn_purge::environment::Environment;
use cdn_purge::error::Error;
use cdn_purge::mapping::{self, FrontMatter, Overrides};
use cdn_purge::model::{Change, ChangeKind, EntryKind, Operation, PurgeMode, RefreshKind, RepoPath, Side, Task};
use cdn_purge::plan::{self, Limits, Plan};

use crate::generated::{path, settle};

#[test]
fn every_case_ends_in_the_plan_that_it_shows() {
    let mut files: Vec<_> =
        std::fs::read_dir(path("tests/cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "md"));
    files.sort();
    assert!(files.len() >= 12, "the cases are gone: {files:?}");
    for file in files {
        let written = std::fs::read_to_string(&file).unwrap();
        let (text, plans) = settled(&written, &file);
        assert!(plans > 0, "{}: a case without a plan shows nothing", file.display());
        settle(&file, &text);
    }
}

/// The file with every plan as the program makes it, and how many there are.
fn settled(written: &str, file: &Path) -> (String, usize) {
    let (mut config, mut options, mut changes) = (String::new(), String::new(), String::new());
    let mut contents = BTreeMap::new();
    let (mut text, mut plans) = (String::new(), 0);
    let mut lines = written.lines();
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        let Some(language) = line.strip_prefix("```") else { continue };
        let block: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| line.to_owned() + "\n").collect();
        match language {
            "yaml" => (config, options) = (block.clone(), String::new()),
            "options" => options.clone_from(&block),
            "changes" => changes.clone_from(&block),
            "plan" => {
                plans += 1;
                text.push_str(&planned(&config, &options, &changes, &contents));
            }
            other => {
                let side = match other.split_once(' ') {
                    Some(("head", path)) => (Side::Head, repo_path(path)),
                    Some(("base", path)) => (Side::Base, repo_path(path)),
                    _ => panic!("{}: a block of `{other}`", file.display()),
                };
                contents.insert(side, block.clone());
            }
        }
        if language != "plan" {
            text.push_str(&block);
        }
        text.push_str("```\n");
    }
    (text, plans)
}

fn planned(config: &str, options: &str, changes: &str, contents: &BTreeMap<(Side, RepoPath), String>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cdn-purge.yml");
    std::fs::write(&file, config).unwrap();
    let mut flags = Flags::new();
    flags.add("config", file.to_str().unwrap());
    for line in options.lines() {
        let (name, value) = line.split_once(": ").expect("an option is `name: value`");
        flags.add(name, value);
    }
    let settings = match config::read(CommandKind::Run, &flags, &Environment::new()) {
        Ok(settings) => settings,
        Err(error) => return refused(&error, folder.path()),
    };
    let changes: Vec<Change> = changes.lines().map(change).collect();
    let overrides = Overrides { refresh: settings.refresh, prefetch: settings.prefetch };
    let wanted = mapping::front_matter_files(&changes, &settings.rules);
    let front = |file: &(Side, RepoPath)| match contents.get(file) {
        Some(content) => FrontMatter::parse(content.as_bytes()),
        None => Err("it isn't committed".to_owned()),
    };
    let fronts = wanted.into_iter().map(|file| (file.clone(), front(&file))).collect();
    let mapped = mapping::map_with(&changes, &settings.rules, overrides, &fronts);
    let warnings: String = mapped.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    match plan::make(mapped, &settings.targets, &Limits::of(&settings)) {
        Ok(plan) => described(&plan, settings.targets.len() > 1) + &warnings,
        Err(error) => refused(&error, folder.path()),
    }
}

fn refused(error: &Error, folder: &Path) -> String {
    let folder = format!("{}/", folder.display());
    let described = error.diagnostics().into_iter().map(|problem| {
        let place = problem.place.map(|place| format!("{place}: ")).unwrap_or_default();
        let help = problem.help.map(|help| format!("  help: {help}\n")).unwrap_or_default();
        format!("refused: {place}{}\n{help}", problem.title).replace(&folder, "")
    });
    described.collect()
}

/// `A path`, `M path`, `D path`, `R old -> new`, `S path` for a submodule; a path in double quotes is as git quotes it.
fn change(line: &str) -> Change {
    let (letter, rest) = line.split_once(' ').expect("a change is a letter and a path");
    let (kind, rest) = match letter {
        "A" => (ChangeKind::Added, rest),
        "M" | "S" => (ChangeKind::Modified, rest),
        "D" => (ChangeKind::Deleted, rest),
        "R" => {
            let (old, new) = rest.split_once(" -> ").expect("a rename is `R old -> new`");
            (ChangeKind::Renamed { from: repo_path(old) }, new)
        }
        other => panic!("`{other}` is no kind of change"),
    };
    let entry = if letter == "S" { EntryKind::Submodule } else { EntryKind::File };
    Change { path: repo_path(rest), kind, entry }
}

fn repo_path(text: &str) -> RepoPath {
    let Some(quoted) = text.strip_prefix('"') else { return RepoPath::new(text) };
    let mut bytes = quoted.strip_suffix('"').expect("a quoted path ends in a quote").bytes();
    let mut path = Vec::new();
    while let Some(byte) = bytes.next() {
        path.push(match byte {
            b'\\' => match bytes.next().unwrap() {
                b'n' => b'\n',
                b't' => b'\t',
                first @ b'0'..=b'3' => {
                    let digit = |byte: u8| byte - b'0';
                    (digit(first) << 6) | (digit(bytes.next().unwrap()) << 3) | digit(bytes.next().unwrap())
                }
                other => other,
            },
            other => other,
        });
    }
    RepoPath::new(path)
}

/// A line per URL, and one per file without any.
fn described(plan: &Plan, with_target: bool) -> String {
    let mut text = String::new();
    for planned in plan.lanes.iter().flat_map(|lane| &lane.tasks) {
        let task = &planned.task;
        let target = if with_target { format!("{}: ", task.target) } else { String::new() };
        let because: Vec<String> = task
            .because
            .iter()
            .map(|reason| match &reason.file {
                Some(file) => format!("{}: {file}", reason.rule),
                None => reason.rule.to_string(),
            })
            .collect();
        text.push_str(&format!("{target}{} {} <- {}\n", word(task), task.subject, because.join(", ")));
        if let Some(why) = &planned.refused {
            text.push_str(&format!("  can't be sent: {why}\n"));
        }
        if let Some(wider) = planned.covered_by {
            let lane = plan.lanes.iter().find(|lane| lane.target.name == task.target).unwrap();
            text.push_str(&format!("  covered by {}\n", lane.tasks[wider as usize].task.subject));
        }
    }
    for skipped in &plan.skipped {
        text.push_str(&format!("skipped {}: {}\n", skipped.file, skipped.why));
    }
    if text.is_empty() { "nothing\n".into() } else { text }
}

fn word(task: &Task) -> String {
    let word = match task.operation {
        Operation::Refresh(RefreshKind::Url) => "refresh",
        Operation::Refresh(kind) => kind.name(),
        Operation::Prefetch => "prefetch",
    };
    match task.mode {
        PurgeMode::Default => word.to_owned(),
        mode => format!("{word} ({})", mode.name()),
    }
}
