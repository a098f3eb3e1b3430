//! The page of errors is checked against the sources: every message in them has its row, and no row is left of one
//! that is gone.

use std::collections::BTreeSet;
use std::path::Path;

use cdn_purge::error::Diagnostic;
use regex::Regex;

use crate::generated::path;

const PAGE: &str = "docs/errors.md";

/// What makes an error or a finding, and the literal of its message, which may be inside `format!`: in place, or as a `title`
/// before it.
const MESSAGES: [&str; 3] = [
    r#"(?s)(?:\bcheckout\(|\bError::usage\(|\bmessage: |\bDiagnostic::new\(|\blet title =)\s*(?:&[\w.&\[\]]+,\s*)?(?:format!\(\s*)?"((?:[^"\\]|\\.)*)""#,
    r#"(?s)(?:\bunusable\(|\btitle: )\s*format!\(\s*"((?:[^"\\]|\\.)*)""#,
    r#"(?s)(?:findings\.report|self\.stop)\((?:[^",()]|\([^",()]*\))+,\s*(?:format!\(\s*)?"((?:[^"\\]|\\.)*)""#,
];

/// A message of which less is fixed than this is put together elsewhere.
const FEWEST_WORDS: usize = 2;

fn sources(folder: &Path, texts: &mut Vec<String>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !["tests", "fixtures"].contains(&name) {
                sources(&path, texts);
            }
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "fixtures.rs" {
            let text = std::fs::read_to_string(&path).unwrap();
            texts.push(text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned());
        }
    }
}

/// A message as a person may see it: what is filled in becomes `…`.
fn shown(literal: &str) -> String {
    let literal = Regex::new(r"\\\n\s*").unwrap().replace_all(literal, "");
    let literal = literal.replace("\\\"", "\"").replace("\\\\", "\\");
    let holes = Regex::new(r"\{\w*(?::[^}]*)?\}").unwrap();
    let text = holes.replace_all(&literal.replace("{{", "\u{1}").replace("}}", "\u{2}"), "…").into_owned();
    text.replace('\u{1}', "{").replace('\u{2}', "}")
}

fn messages() -> BTreeSet<String> {
    let mut texts = Vec::new();
    sources(&path("src"), &mut texts);
    let patterns = MESSAGES.map(|pattern| Regex::new(pattern).unwrap());
    let found = texts
        .iter()
        .flat_map(|text| patterns.iter().flat_map(|pattern| pattern.captures_iter(text)).map(|found| shown(&found[1])));
    found.filter(|text| text.split_whitespace().filter(|word| !word.contains('…')).count() >= FEWEST_WORDS).collect()
}

/// The ids of the page's tables of messages, each with its message.
fn rows(page: &str) -> Vec<(String, String)> {
    let tables = page.split("\n\n").filter(|part| part.starts_with("| id | message |"));
    let rows = tables.flat_map(|table| table.lines().skip(2)).map(|row| {
        let cells: Vec<&str> = row.trim_start_matches("| ").split(" | ").collect();
        let id = cells[0].rsplit('>').next().unwrap();
        assert_eq!(cells[0], format!("<a id=\"{}\"></a>{id}", id.to_lowercase()));
        (id.to_owned(), cells[1].replace("\\|", "|"))
    });
    rows.collect()
}

#[test]
fn every_message_has_its_row_on_the_page_of_errors_and_every_row_its_message() {
    let page = std::fs::read_to_string(path(PAGE)).unwrap();
    let messages = messages();
    let rows: BTreeSet<String> = rows(&page).into_iter().map(|(_, message)| message).collect();
    assert!(messages.len() > 80, "the sources hold {} messages: the pattern no longer finds them", messages.len());
    let missing: Vec<_> = messages.difference(&rows).collect();
    let gone: Vec<_> = rows.difference(&messages).collect();
    assert!(missing.is_empty() && gone.is_empty(), "{PAGE} lacks {missing:#?}\nand has, of the past, {gone:#?}");
}

#[test]
fn every_message_of_the_page_is_found_by_an_id_of_its_own() {
    let rows = rows(&std::fs::read_to_string(path(PAGE)).unwrap());
    let ids: BTreeSet<_> = rows.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), rows.len(), "two messages have the same id");
    for (id, message) in &rows {
        for filling in ["x", "docs/a b.html", ""] {
            let problem = Diagnostic::new(message.replace('…', filling), "");
            assert_eq!(problem.id(), Some(&**id), "{}", problem.title);
        }
    }
    assert_eq!(Diagnostic::new("QuotaExceeded.Refresh: no more", "").id(), None);
}
