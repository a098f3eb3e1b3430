//! Reads YAML nodes as texts, lists and mappings; anything else is a finding that names the expected type.

use std::ops::Range;

use super::keys::Key as KnownKey;
use super::source::{Findings, Source, secret_key};
use super::tree::{Key, Node, NodeValue, Scalar};
use crate::config::options::{CommandKind, ENTRIES, Entry};
use crate::config::parse_value::{self, quoted};
use crate::text::suggest::{any_of, did_you_mean};

/// A mapping and its position.
pub(super) struct Map<'a> {
    /// Its keys and values.
    pub(super) entries: &'a [(Key, Node)],
    /// Its position.
    pub(super) span: &'a Range<usize>,
}

impl<'a> Map<'a> {
    /// The value at a key, and the key.
    pub(super) fn entry(&self, name: &str) -> Option<&'a (Key, Node)> {
        self.entries.iter().find(|(key, _)| key.text == name)
    }

    /// The value at a key.
    pub(super) fn node(&self, name: &str) -> Option<&'a Node> {
        self.entry(name).map(|(_, node)| node)
    }
}

/// The names of some keys.
pub(super) fn keys_of(keys: &'static [KnownKey]) -> impl Iterator<Item = &'static str> {
    keys.iter().map(|key| key.name)
}

/// Reports a key that isn't allowed where it is: a secret, an endpoint, an option that is given elsewhere, or a mistake.
pub(super) fn unknown_key(key: &Key, known: &[&str], place: &str, findings: &mut Findings<'_>) {
    let name = key.text.as_str();
    let elsewhere = |entry: &Entry| {
        format!("set it with the flag `--{}`, the input `{}` or `{}`", entry.name, entry.name, entry.environment_name())
    };
    // An option that only other commands have is no more than a word here.
    let mut of_a_run = ENTRIES.iter().filter(|entry| entry.used_by.contains(&CommandKind::Run));
    let entry = of_a_run.find(|entry| entry.name == name.to_ascii_lowercase().replace('_', "-"));
    let (title, help) = if secret_key(name) {
        let how = entry.map_or_else(
            || {
                "set the inputs `access-key-id` and `access-key-secret`, or the provider's own environment variables"
                    .into()
            },
            elsewhere,
        );
        (format!("`{name}`: secrets don't belong in the configuration file"), format!("remove it and revoke it; {how}"))
    } else if matches!(name.to_ascii_lowercase().as_str(), "endpoint" | "endpoints" | "gateway") {
        let title = format!("`{name}`: endpoints don't belong in the configuration file");
        let how = "whoever edits the file could send the credentials elsewhere: set it with the flag `--endpoint`, the input \
                   `endpoint` or `CDN_PURGE_ENDPOINT`";
        (title, how.to_owned())
    } else {
        match entry.filter(|entry| !known.contains(&entry.name)) {
            Some(entry) if entry.in_file => {
                let help = format!("`{}` is set for the whole run: write it at the top of the file", entry.name);
                (format!("`{name}` isn't a key of {place}"), help)
            }
            Some(entry) => (format!("`{name}` can't be set in the configuration file"), elsewhere(entry)),
            None => {
                let help = did_you_mean(name, known.iter().copied(), || {
                    format!("known are {}", any_of(known.iter().copied()))
                });
                (format!("unknown key {} in {place}", quoted(name)), help)
            }
        }
    };
    findings.report(&key.span, title, help);
}

/// The mapping at a key.
pub(super) fn map<'a>(
    node: &'a Node,
    name: &str,
    example: impl FnOnce() -> String,
    findings: &mut Findings<'_>,
) -> Option<Map<'a>> {
    if let NodeValue::Map(entries) = &node.value {
        return Some(Map { entries, span: &node.span });
    }
    findings.report(&node.span, format!("`{name}` is {}, not a mapping", node.describe()), example());
    None
}

/// The list at a key.
pub(super) fn list<'a>(
    node: &'a Node,
    name: &str,
    example: impl FnOnce() -> String,
    findings: &mut Findings<'_>,
) -> Option<&'a [Node]> {
    if let NodeValue::List(items) = &node.value {
        return Some(items);
    }
    findings.report(&node.span, format!("`{name}` is {}, not a list", node.describe()), example());
    None
}

/// The text at a key, not empty.
pub(super) fn text<'a>(node: &'a Node, name: &str, findings: &mut Findings<'_>) -> Option<&'a Scalar> {
    match &node.value {
        NodeValue::Scalar(scalar) if !scalar.text.trim().is_empty() => return Some(scalar),
        NodeValue::Scalar(_) | NodeValue::Null => {
            findings.report(&node.span, format!("`{name}` is empty"), "remove it, or write a value");
        }
        NodeValue::List(_) | NodeValue::Map(_) => {
            findings.report(&node.span, format!("`{name}` is {}, not text", node.describe()), "write one value");
        }
    }
    None
}

/// A text of a list, and the node it came from.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    /// The text.
    pub(super) text: &'a str,
    /// Its position.
    pub(super) node: &'a Node,
}

/// The texts at a key: one, or a list of them; none is empty. `None` where some can't be read.
pub(super) fn texts<'a>(node: &'a Node, name: &str, findings: &mut Findings<'_>) -> Option<Vec<Item<'a>>> {
    let before = findings.count();
    let nodes = match &node.value {
        NodeValue::List(items) if items.is_empty() => {
            findings.report(&node.span, format!("`{name}` is an empty list"), "remove it, or write a value");
            return None;
        }
        NodeValue::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let items = nodes
        .iter()
        .filter_map(|node| text(node, name, findings).map(|scalar| Item { text: scalar.text.as_str(), node }))
        .collect();
    (findings.count() == before).then_some(items)
}

/// True or false at a key; it must be unquoted.
pub(super) fn boolean(node: &Node, name: &str, findings: &mut Findings<'_>) -> Option<bool> {
    let scalar = text(node, name, findings)?;
    match parse_value::boolean(&scalar.text) {
        Ok(_) if !scalar.plain => {
            let help = format!("write `{}` without quotes", scalar.text);
            findings.report(&node.span, format!("`{name}` is text"), help);
            None
        }
        Ok(value) => Some(value),
        Err(problem) => {
            findings.report(&node.span, format!("`{name}` {}", problem.message), problem.help);
            None
        }
    }
}

/// One of some words at a key.
pub(super) fn word(
    node: &Node,
    name: &str,
    words: &'static [&'static str],
    findings: &mut Findings<'_>,
) -> Option<&'static str> {
    let scalar = text(node, name, findings)?;
    match parse_value::choice(&scalar.text, words) {
        Ok(word) => Some(word),
        Err(problem) => {
            findings.report(&node.span, format!("`{name}` {}", problem.message), problem.help);
            None
        }
    }
}

/// The position of a part of a scalar's text in the file. Where the two spell it differently (escapes, several lines) the
/// whole scalar is to blame.
pub(super) fn part(source: &Source, node: &Node, text: &str, within: &Range<usize>) -> Range<usize> {
    let written = source.text().get(node.span.clone()).unwrap_or_default();
    let quote = usize::from(written.starts_with(['"', '\'']));
    let inner = written.get(quote..written.len().saturating_sub(quote)).unwrap_or_default();
    if inner != text || within.end > text.len() || within.start > within.end {
        return node.span.clone();
    }
    let begin = node.span.start + quote;
    begin + within.start..begin + within.end
}
