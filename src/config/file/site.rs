//! The key `site`: rules for the sources of a site that a known generator builds.
//!
//! A preset is a list of rules as a person would write them (`presets/`), with `FOLDER/` for the site's folder, `URL/` for its root
//! and `SHARED` for what a change of all pages does. It is read by the same code as the rules of the file.

use super::keys::SITE_KEYS;
use super::read::{Map, boolean, keys_of, map, text, texts, unknown_key, word};
use super::rule::{self, RuleText};
use super::source::{Findings, Source};
use super::target::Targets;
use super::tree::{self, Node, NodeValue};
use crate::config::parse_value::quoted;
use crate::mapping::{Rule, url};

/// The presets by the names of their generators.
const PRESETS: &[(&str, &str)] = &[
    ("hugo", include_str!("presets/hugo.yml")),
    ("jekyll", include_str!("presets/jekyll.yml")),
    ("hexo", include_str!("presets/hexo.yml")),
    ("mkdocs", include_str!("presets/mkdocs.yml")),
    ("docusaurus", include_str!("presets/docusaurus.yml")),
    ("vitepress", include_str!("presets/vitepress.yml")),
    ("eleventy", include_str!("presets/eleventy.yml")),
    ("sphinx", include_str!("presets/sphinx.yml")),
];

/// Reads the key into the rules of its preset; none where a problem leaves nothing to use.
pub(super) fn read(node: &Node, targets: &Targets, findings: &mut Findings<'_>) -> Vec<(Rule, RuleText)> {
    const EXAMPLE: &str = "write `generator: hugo` and `url: https://www.example.com/` below it, each on its line";
    let Some(fields) = map(node, "site", || EXAMPLE.into(), findings) else { return Vec::new() };
    let known: Vec<&str> = keys_of(SITE_KEYS).collect();
    for (key, _) in fields.entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
        unknown_key(key, &known, "`site`", findings);
    }
    let before = findings.count();
    for name in ["generator", "url"].into_iter().filter(|name| fields.node(name).is_none()) {
        findings.report(fields.span, format!("`site` has no `{name}`"), EXAMPLE);
    }
    let generator =
        fields.node("generator").and_then(|node| word(node, "generator", super::keys::GENERATORS, findings));
    let root = root(&fields, findings);
    let folder = folder(&fields, findings);
    let is_shared = fields.node("allow-everything").and_then(|node| boolean(node, "allow-everything", findings));
    let names = fields.node("targets").and_then(|node| texts(node, "targets", findings)).unwrap_or_default();
    if findings.count() > before {
        return Vec::new();
    }
    let Some((name, preset)) = PRESETS.iter().find(|(name, _)| Some(*name) == generator) else { return Vec::new() };
    let names: Vec<String> = names.iter().map(|name| serde_json::Value::from(name.text).to_string()).collect();
    let end = if names.is_empty() { String::new() } else { format!("\n  targets: [{}]", names.join(", ")) };
    let shared = if is_shared == Some(true) {
        "directories: \"URL/\"\n  allow-everything: true".to_owned()
    } else {
        format!(
            "warning: \"every page may have changed, and none is refreshed for it: set `allow-everything: true` at `site`, or refresh \
             the site's directory after a change of what all pages of {name} share\""
        )
    };
    let rules = preset.split("\n- name").skip(1).map(|rule| format!("- name{}{end}\n", rule.trim_end()));
    let rules = rules.collect::<String>().replace("SHARED", &shared);
    let rules = rules.replace("FOLDER/", &folder).replace("URL/", &root);
    expand(name, &rules, node, targets, findings)
}

/// The rules of a preset's text. A problem in them is one of the place where it is used.
fn expand(
    name: &str,
    text: &str,
    node: &Node,
    targets: &Targets,
    findings: &mut Findings<'_>,
) -> Vec<(Rule, RuleText)> {
    let source = Source::new(format!("the preset {name}"), text);
    let mut own = Findings::new(&source);
    let root = tree::compose(&mut own);
    let items = match root.as_ref().map(|root| &root.value) {
        Some(NodeValue::List(items)) => items.as_slice(),
        _ => &[],
    };
    let rules: Vec<_> =
        items.iter().enumerate().filter_map(|(index, item)| rule::read(index, item, targets, &mut own)).collect();
    let problems = own.into_diagnostics();
    for problem in &problems {
        let title = format!("the rules for {name} can't be used: {}", problem.title);
        findings.report(&node.span, title, problem.help.clone().unwrap_or_default());
    }
    // Places in the preset's text are none in the file.
    let unplaced = rules.into_iter().map(|(rule, text)| (rule, RuleText { spans: Vec::new(), ..text }));
    if problems.is_empty() { unplaced.collect() } else { Vec::new() }
}

/// The URL of the site's root, with a `/` at its end.
fn root(fields: &Map<'_>, findings: &mut Findings<'_>) -> String {
    let Some(node) = fields.node("url") else { return String::new() };
    let Some(scalar) = text(node, "url", findings) else { return String::new() };
    let problem = url::check(&scalar.text).err();
    let problem = problem
        .or_else(|| scalar.text.contains(['{', '}', '?', '"', '\\']).then(|| "a character that no root has".into()));
    if let Some(problem) = problem {
        let title = format!("{} can't be a site's root: {problem}", quoted(&scalar.text));
        findings.report(&node.span, title, "write it as `https://www.example.com/` or `https://www.example.com/docs/`");
    }
    format!("{}/", scalar.text.trim_end_matches('/'))
}

/// The folder of the site's sources, with a `/` at its end; empty for the repository's root.
fn folder(fields: &Map<'_>, findings: &mut Findings<'_>) -> String {
    let Some(node) = fields.node("folder") else { return String::new() };
    let Some(scalar) = text(node, "folder", findings) else { return String::new() };
    let folder = scalar.text.trim_matches('/');
    if folder.contains(['*', '?', '[', ']', '{', '}', '!', '\\', '"', ',']) || folder.contains(char::is_control) {
        let title = format!("{} can't be a site's folder", quoted(&scalar.text));
        findings.report(&node.span, title, "write its path from the repository's root: `website`");
    }
    if matches!(folder, "" | ".") { String::new() } else { format!("{folder}/") }
}
