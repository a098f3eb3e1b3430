//! The documents are checked against the program: commands, configurations, workflows, links, the map of the code.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use cdn_purge::config::{Flags, check, options, parse_arguments};
use cdn_purge::environment::Environment;
use regex::Regex;
use serde_json::Value;

use self::blocks::{DOCUMENTS, blocks, read};
use crate::generated::path;

mod blocks; // the fenced blocks

#[cfg(unix)]
mod commands; // every command is run
#[cfg(unix)]
mod ground; // where
#[cfg(unix)]
mod jobs; // and every job of a pipeline

/// The words of a simple command: split at spaces, except between single quotes; a comment ends it.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (index, part) in command.split('\'').enumerate() {
        if index % 2 == 1 {
            words.last_mut().unwrap().push_str(part);
            continue;
        }
        for (index, word) in part.split(' ').enumerate() {
            if index > 0 {
                words.push(String::new());
            }
            words.last_mut().unwrap().push_str(word);
        }
    }
    words.retain(|word| !word.is_empty());
    let comment = words.iter().position(|word| word.starts_with('#')).unwrap_or(words.len());
    words.truncate(comment);
    words
}

/// What `cdn-purge` would be given by a line of a shell block; `None` if the line starts something else.
fn arguments(line: &str) -> Option<Vec<String>> {
    let words = words(line);
    let is_assignment = |word: &String| word.split_once('=').is_some_and(|(name, _)| name == name.to_ascii_uppercase());
    let words: Vec<&str> = words.iter().skip_while(|word| is_assignment(word)).map(String::as_str).collect();
    let arguments = match words.as_slice() {
        ["cargo", "run", rest @ ..] => {
            let dashes = rest.iter().position(|word| *word == "--")?;
            &rest[dashes + 1..]
        }
        ["cdn-purge", rest @ ..] => rest,
        _ => return None,
    };
    let end = arguments.iter().position(|word| ["|", ">", "&", "&&"].contains(word)).unwrap_or(arguments.len());
    Some(arguments[..end].iter().map(|word| (*word).to_owned()).collect())
}

#[test]
fn every_document_calls_the_action_by_the_name_of_its_repository() {
    let action = env!("CARGO_PKG_REPOSITORY").trim_start_matches("https://github.com/");
    let mut found = 0;
    for document in DOCUMENTS {
        for line in read(document).lines().filter(|line| line.contains("uses:") && line.contains("cdn-purge")) {
            assert!(line.contains(&format!("uses: {action}@v1")), "{document}: {line}");
            found += 1;
        }
    }
    assert!(found >= 5, "only {found} workflows use the action");
}

#[test]
fn every_command_in_a_document_is_one_that_the_program_takes() {
    let mut tried = 0;
    for document in DOCUMENTS {
        for block in blocks(document).iter().filter(|block| block.language == "sh") {
            for line in block.text.replace("\\\n", " ").lines() {
                let Some(arguments) = arguments(line) else { continue };
                let line_of_command = std::iter::once("cdn-purge".to_owned()).chain(arguments).map(OsString::from);
                let parsed = parse_arguments(line_of_command);
                assert!(parsed.is_ok(), "{document}:{}: `{line}`: {}", block.line, parsed.unwrap_err());
                tried += 1;
            }
        }
    }
    assert!(tried >= 8, "only {tried} commands were found");
}

/// Commands in the middle of a sentence; words in capitals are placeholders.
#[test]
fn every_command_in_a_sentence_is_one_that_the_program_takes() {
    let span = Regex::new("`(cdn-purge [a-z-][^`]*)`").unwrap();
    let mut tried = 0;
    for document in DOCUMENTS {
        for found in span.captures_iter(&read(document)) {
            let words: Vec<OsString> =
                words(&found[1]).into_iter().filter(|word| word != "…").map(OsString::from).collect();
            let parsed = parse_arguments(words);
            assert!(parsed.is_ok(), "{document}: `{}`: {}", &found[1], parsed.unwrap_err());
            tried += 1;
        }
    }
    assert!(tried >= 10, "only {tried} commands were found");
}

/// Holds a configuration against everything that `check` knows.
fn assert_can_be_used(config: &Path, place: &str) {
    let mut flags = Flags::new();
    flags.add("config", config.to_str().unwrap());
    if let Err(error) = check::check(&flags, &Environment::new()) {
        let problems = error.diagnostics().into_iter();
        let problems: Vec<_> = problems.map(|one| format!("{}\n{}{:?}", one.title, one.snippet, one.help)).collect();
        panic!("{place}: {}", problems.join("\n"));
    }
}

#[test]
fn every_configuration_in_a_document_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("cdn-purge.yml");
    let mut tried = 0;
    for document in DOCUMENTS {
        for block in blocks(document).iter().filter(|block| block.is_configuration()) {
            std::fs::write(&config, &block.text).unwrap();
            assert_can_be_used(&config, &format!("{document}:{}", block.line));
            tried += 1;
        }
    }
    assert!(tried > 1, "only {tried} configurations were found");
}

#[test]
fn every_example_can_be_used() {
    let examples = std::fs::read_dir(path("examples")).unwrap().map(|entry| entry.unwrap().path());
    let examples: Vec<_> = examples.filter(|path| path.extension().is_some_and(|kind| kind == "yml")).collect();
    assert!(examples.len() >= 3, "{examples:?}");
    for example in examples {
        assert_can_be_used(&example, &example.display().to_string());
    }
}

#[test]
fn a_workflow_to_copy_gives_inputs_and_variables_that_exist() {
    let known = |name: &str| options::find(name).is_some() || ["binary", "download-url"].contains(&name);
    let variable = |name: &str| name.strip_prefix("CDN_PURGE_").map(|rest| rest.to_lowercase().replace('_', "-"));
    let mut seen = BTreeMap::new();
    let all = DOCUMENTS.iter().flat_map(|document| blocks(document).into_iter().map(move |block| (document, block)));
    for (document, block) in all.filter(|(_, block)| block.language == "yaml") {
        let workflow: Value = serde_saphyr::from_str(&block.text).unwrap();
        walk(&workflow, &mut |object| {
            let uses = object.get("uses").and_then(Value::as_str).unwrap_or_default();
            if let Some(with) = object.get("with").and_then(Value::as_object).filter(|_| uses.contains("cdn-purge")) {
                for name in with.keys() {
                    assert!(known(name), "{document}:{}: there is no input `{name}`", block.line);
                    *seen.entry("input").or_insert(0) += 1;
                }
            }
            for name in object.keys().filter_map(|name| variable(name)) {
                assert!(known(&name), "{document}:{}: there is no variable for `{name}`", block.line);
                *seen.entry("variable").or_insert(0) += 1;
            }
        });
    }
    assert!(seen.len() == 2, "a workflow for GitHub and a job for GitLab: {seen:?}");
}

fn walk(value: &Value, visit: &mut dyn FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values().for_each(|value| walk(value, visit));
        }
        Value::Array(list) => list.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

/// The names by which a text's headings can be linked to: in lower case, without marks, with `-` for spaces.
fn headings(text: &str) -> BTreeSet<String> {
    let is_kept = |letter: &char| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter);
    let name = |heading: &str| heading.to_lowercase().chars().filter(is_kept).collect::<String>().replace(' ', "-");
    text.lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')))
        .map(name)
        .collect()
}

#[test]
fn every_link_inside_the_repository_leads_somewhere() {
    for document in DOCUMENTS {
        let text = read(document);
        for (at, _) in text.match_indices("](") {
            let target = &text[at + 2..];
            let target = &target[..target.find(')').unwrap()];
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let there = if file.is_empty() { path(document) } else { path(document).parent().unwrap().join(file) };
            assert!(there.exists(), "{document} links to `{file}`, which isn't there");
            let headings = || headings(&std::fs::read_to_string(&there).unwrap());
            assert!(
                heading.is_empty() || headings().contains(heading),
                "{document} links to `{target}`, which isn't there"
            );
        }
    }
}

#[test]
fn the_map_of_the_code_names_every_module() {
    let map = read("ARCHITECTURE.md");
    for module in read("src/lib.rs").lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
        let named = [format!("`{module}/`"), format!("`{module}.rs`")];
        assert!(named.iter().any(|name| map.contains(name)), "ARCHITECTURE.md doesn't name `{module}`");
    }
}

#[test]
fn the_readme_opens_with_what_the_program_does() {
    let sentence = "Purge exactly the CDN URLs that your deployment changed, wait until the CDN confirms each of them, and fail the build if it doesn't.";
    let head = |text: &str| text.lines().take(5).collect::<Vec<_>>().join(" ");
    assert!(head(&read("README.md")).contains(sentence));
    assert!(read("src/lib.rs").starts_with(&format!("//! {sentence}\n")));
}
