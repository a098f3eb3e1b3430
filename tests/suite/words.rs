//! The words that no text uses, because the field has others: in the documents, the help and the messages.

use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

/// A pattern, and the field's word for it.
const BANNED: &[(&str, &str)] = &[
    ("address(?:es)?", "URL, endpoint or host"),
    ("told", "logged, reported, given"),
    ("stands?|stood", "is, means, matches"),
    ("anew", "again"),
    ("in vain", "without result"),
    ("goes on|went on", "continues, resumes"),
    ("comes? to|came to", "is, results in"),
    ("beside", "with, next to, in addition to"),
    ("asked", "queried, requested"),
    ("spellings?", "form, encoding"),
    ("moments", "points in time"),
    ("said aloud", "logged"),
    ("held against", "checked against"),
    ("rehears(?:e|al)", "simulate"),
    ("as you like", "at your option"),
    ("turns? (?:the step )?red", "fails the step"),
    ("plays? a role|role to play", "assume a role"),
    ("partly", "partial"),
];

/// The same words where they are the field's own.
const ALLOWED: &[&str] = &[
    r"\b(?:loopback|IP|socket) address(?:es)?\b",
    r"\baddress and (?:a )?port\b",
    r"(?-i:\bADDRESS\b)", // the value's name in the help of `--listen`
    r"\bstands? in for\b",
    r"`--rehearse`|status `partly`", // old names, in the changelog
];

/// Each use of a banned word in a text, as `WORD in LINE; use …`.
fn banned(text: &str) -> Vec<String> {
    let allowed = Regex::new(&format!("(?i){}", ALLOWED.join("|"))).unwrap();
    let text = allowed.replace_all(text, "");
    let mut found = Vec::new();
    for (pattern, instead) in BANNED {
        let word = Regex::new(&format!(r"(?i)\b(?:{pattern})\b")).unwrap();
        for line in text.lines() {
            if let Some(found_word) = word.find(line) {
                found.push(format!("`{}` in `{}`; use: {instead}", found_word.as_str(), line.trim()));
            }
        }
    }
    found
}

/// The string literals of a Rust file above its tests, without the names in placeholders, which are code.
fn literals(source: &str) -> String {
    let token = Regex::new(r##"(?s)//[^\n]*|r#".*?"#|r"[^"]*"|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])'"##).unwrap();
    let placeholder = Regex::new(r"\{[A-Za-z_][^{}]*\}").unwrap();
    let source = source.split("#[cfg(test)]").next().unwrap_or(source);
    let found = token.find_iter(source).map(|found| found.as_str()).filter(|text| !text.starts_with("//"));
    found.map(|text| placeholder.replace_all(text, "").into_owned()).collect::<Vec<_>>().join("\n")
}

fn files(folder: &str, suffix: &str, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(path.to_str().unwrap(), suffix, into);
        } else if path.to_str().unwrap().ends_with(suffix) {
            into.push(path);
        }
    }
}

#[test]
fn documents_use_the_words_of_the_field() {
    let mut documents = Vec::new();
    files("docs", ".md", &mut documents);
    files("src/providers", ".md", &mut documents);
    let others = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "action.yml"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    documents
        .extend(others.iter().chain(&["templates/cdn-purge.yml", "benches/README.md"]).map(|name| root.join(name)));
    assert!(documents.len() > 20, "{documents:#?}");
    let mut found = Vec::new();
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap();
        found.extend(banned(&text).into_iter().map(|one| format!("{}: {one}", document.display())));
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The manual page has every command and option with its help.
#[test]
fn the_help_uses_the_words_of_the_field() {
    let manual = Command::new(env!("CARGO_BIN_EXE_cdn-purge")).arg("man").env_clear().output().unwrap();
    let manual = String::from_utf8(manual.stdout).unwrap();
    assert!(manual.contains("mock\\-server") || manual.contains("mock-server"), "{manual}");
    assert_eq!(banned(&manual), [""; 0]);
}

#[test]
fn messages_use_the_words_of_the_field() {
    let mut sources = Vec::new();
    ["src", "crates/emulators/src"].iter().for_each(|folder| files(folder, ".rs", &mut sources));
    sources.retain(|path| {
        !path.to_str().unwrap().ends_with("tests.rs") && path.components().all(|part| part.as_os_str() != "tests")
    });
    assert!(sources.len() > 150, "{}", sources.len());
    let mut found = Vec::new();
    for source in sources {
        let text = literals(&std::fs::read_to_string(&source).unwrap());
        found.extend(banned(&text).into_iter().map(|one| format!("{}: {one}", source.display())));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_banned_word_is_found_in_messages_and_not_in_code() {
    let source = r##"
        let told = format!("{told} ends"); // nor in a comment: address
        let quote = '"';
        let message = "no address\" is given";
        let raw = r#"it stands behind the "?""#;
        let allowed = "a loopback address, listening behind a proxy";
        #[cfg(test)]
        mod tests { const NAME: &str = "told"; }
    "##;
    let found = banned(&literals(source));
    let words: Vec<_> = found.iter().map(|one| one.split('`').nth(1).unwrap()).collect();
    assert_eq!(words, ["address", "stands"], "{found:#?}");
}
