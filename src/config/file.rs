//! Parses the configuration file into targets, rules and options; reports every problem at once, each with its position.
//!
//! Apart from the other inputs because it is the only one with places, and because it comes with the checkout: it may be
//! written by whoever opens a pull request, so it is data, small, and names no endpoint and no secret.

use std::sync::Arc;

use self::keys::FILE_KEYS;
use self::read::{Map, list, map, text, unknown_key};
use self::rule::RuleText;
use self::source::{Findings, Source};
use self::target::Targets;
use self::tree::{Node, NodeValue, Scalar};
use super::options::{ENTRIES, Entry, Shape};
use super::parse_value::{self, Value, quoted};
use super::settings::Target;
use crate::error::Diagnostic;
use crate::mapping::Rule;
use crate::provider::Spec;

pub(super) mod document;
pub(super) mod keys;
pub(super) mod lint;
mod read;
pub(super) mod rule;
mod site;
pub(super) mod source;
pub(super) mod target;
mod tree;

/// What a configuration file says.
#[derive(Debug, Default)]
pub(super) struct Configuration {
    /// In the order of the file.
    pub(super) targets: Vec<Target>,
    /// In the order of the file.
    pub(super) rules: Vec<Rule>,
    /// What the rules say, in the file's words; one for each rule.
    pub(super) rule_texts: Vec<RuleText>,
    /// The options it sets.
    pub(super) options: Vec<(&'static Entry, Value)>,
    /// What can be used, and is most likely not what was meant.
    pub(super) warnings: Vec<Diagnostic>,
}

/// Reads the text of a configuration file.
///
/// # Errors
/// Every problem in it, in order of place.
pub(super) fn parse(source: &Source, providers: &[&'static Spec]) -> Result<Configuration, Vec<Diagnostic>> {
    let mut findings = Findings::new(source);
    let configuration = tree::compose(&mut findings).and_then(|root| walk(&root, providers, &mut findings));
    if configuration.is_none() && findings.count() == 0 {
        findings.report(&(0..0), "this file is empty", HOW_TO_BEGIN);
    }
    match configuration {
        Some(mut configuration) if findings.count() == 0 => {
            configuration.warnings = findings.take_warnings();
            Ok(configuration)
        }
        _ => Err(findings.into_diagnostics()),
    }
}

const HOW_TO_BEGIN: &str = "begin with `version: 1`, then `targets:` and `rules:`";

/// `None` where a problem leaves nothing to use.
fn walk(root: &Node, providers: &[&'static Spec], findings: &mut Findings<'_>) -> Option<Configuration> {
    let entries = match &root.value {
        NodeValue::Null => {
            findings.report(&root.span, "this file is empty", HOW_TO_BEGIN);
            return None;
        }
        NodeValue::Map(entries) => entries,
        _ => {
            findings.report(&root.span, format!("this file is {}, not a mapping", root.describe()), HOW_TO_BEGIN);
            return None;
        }
    };
    let fields = Map { entries, span: &root.span };
    let in_file = || ENTRIES.iter().filter(|entry| entry.in_file);
    let known: Vec<&str> = FILE_KEYS.iter().map(|key| key.name).chain(in_file().map(|entry| entry.name)).collect();
    for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
        unknown_key(key, &known, "the file", findings);
    }
    version(&fields, findings);
    let targets_read = targets(&fields, providers, findings);
    let (rules, rule_texts) = rules(&fields, &targets_read, findings);
    let options =
        in_file().filter_map(|entry| Some((entry, option(entry, fields.node(entry.name)?, findings)?))).collect();
    if let Some(node) = fields.node("targets").filter(|_| !rules.is_empty()) {
        lint::targets(node, &targets_read, &rules, findings);
    }
    let targets = targets_read.into_iter().filter_map(|(_, target)| target).collect();
    Some(Configuration { targets, rules, rule_texts, options, warnings: Vec::new() })
}

fn version(fields: &Map<'_>, findings: &mut Findings<'_>) {
    let Some(node) = fields.node("version") else {
        findings.report(&(0..0), "`version` is missing", "write `version: 1` on the first line");
        return;
    };
    match &node.value {
        NodeValue::Scalar(Scalar { text, plain: true }) if text == "1" => {}
        NodeValue::Scalar(Scalar { text, .. }) => {
            findings.report(&node.span, format!("`version` is {}", quoted(text)), "this program reads `version: 1`");
        }
        _ => findings.report(&node.span, format!("`version` is {}", node.describe()), "write `version: 1`"),
    }
}

/// Every rule is looked at with every target.
const MOST_TARGETS: usize = 100;

fn targets(fields: &Map<'_>, providers: &[&'static Spec], findings: &mut Findings<'_>) -> Targets {
    let example = || {
        let provider = providers.first().map_or("PROVIDER", |spec| spec.name);
        format!("write `targets:`, and below it a name with its `provider: {provider}`")
    };
    let Some(node) = fields.node("targets") else {
        findings.report(&(0..0), "`targets` is missing", example());
        return Vec::new();
    };
    let Some(entries) = map(node, "targets", example, findings) else { return Vec::new() };
    if entries.entries.is_empty() {
        findings.report(&node.span, "`targets` is empty", example());
    }
    if let Some((key, _)) = entries.entries.get(MOST_TARGETS) {
        findings.report(
            &key.span,
            format!("more than {MOST_TARGETS} targets"),
            "split the configuration over several runs",
        );
    }
    entries
        .entries
        .iter()
        .take(MOST_TARGETS)
        .map(|(key, node)| (Arc::from(key.text.as_str()), target::read(key, node, providers, findings)))
        .collect()
}

fn rules(fields: &Map<'_>, targets: &Targets, findings: &mut Findings<'_>) -> (Vec<Rule>, Vec<RuleText>) {
    let example = || "write `rules:`, and below it `- files: …` with its `urls: …`".to_owned();
    let site = fields.node("site").map(|node| site::read(node, targets, findings));
    let Some(node) = fields.node("rules") else {
        if let Some(site) = site {
            return site.into_iter().unzip();
        }
        findings.report(&(0..0), "`rules` is missing", example());
        return Default::default();
    };
    let Some(items) = list(node, "rules", example, findings) else { return Default::default() };
    if items.is_empty() {
        findings.report(&node.span, "`rules` is empty", example());
    }
    let mut read: Vec<(Rule, RuleText)> = Vec::new();
    let mut of_site = site.unwrap_or_default();
    for (index, node) in items.iter().enumerate() {
        let Some((rule, texts)) = rule::read(index, node, targets, findings) else { continue };
        if read.iter().any(|(other, _)| other.name == rule.name) {
            let title = format!("another rule is named {} too", parse_value::quoted(&rule.name));
            findings.report(
                &node.span,
                title,
                "give each rule its own name: `allow-everything` and reports refer to it",
            );
        }
        read.push((rule, texts));
    }
    // A rule of the file replaces the one that has its name.
    of_site.retain(|(rule, _)| read.iter().all(|(other, _)| other.name != rule.name));
    of_site.into_iter().chain(read).unzip()
}

/// An option of the table that the file sets.
fn option(entry: &'static Entry, node: &Node, findings: &mut Findings<'_>) -> Option<Value> {
    let scalar = text(node, entry.name, findings)?;
    let typed = matches!(entry.shape, Shape::Boolean | Shape::Count(_));
    if typed && !scalar.plain {
        let title = format!("`{}` is text", entry.name);
        findings.report(&node.span, title, format!("write `{}` without quotes", scalar.text));
        return None;
    }
    match parse_value::parse(entry, std::slice::from_ref(&scalar.text)) {
        Ok(Some(value)) => Some(value),
        Ok(None) => {
            findings.report(&node.span, format!("`{}` is empty", entry.name), "remove it, or write a value");
            None
        }
        Err(problem) => {
            findings.report(&node.span, format!("`{}` {}", entry.name, problem.message), problem.help);
            None
        }
    }
}

#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod tests;
