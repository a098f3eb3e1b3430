//! A rule of the file: its files, its URLs and its operations.

use std::ops::Range;
use std::sync::Arc;

use super::keys::{FORMS, KINDS, RULE_KEYS, forms};
use super::lint;
use super::read::{Item, Map, boolean, keys_of, map, part, text, texts, unknown_key, word};
use super::source::Findings;
use super::target::Targets;
use super::tree::Node;
use crate::config::parse_value::quoted;
use crate::mapping::{Encoded, Globs, Rule, Template, TemplateProblem};
use crate::model::{Operation, PurgeMode, RefreshKind, TargetName};
use crate::text::suggest::{any_of, did_you_mean};

/// A rule in the words it was written in, for people.
#[derive(Clone, Debug)]
pub(in crate::config) struct RuleText {
    /// Its globs.
    pub(in crate::config) files: Vec<String>,
    /// Its URL templates, those of directories last.
    pub(in crate::config) urls: Vec<String>,
    /// Where each of its globs is in the file.
    pub(in crate::config) spans: Vec<Range<usize>>,
}

/// The field's other word for the key `refresh`.
const PURGE: &str = "purge";

/// The keys that name URLs.
const URL_KEYS: [&str; 3] = ["urls", "directories", "tags"];

/// Reads a rule; `None` where a problem leaves nothing to use.
pub(super) fn read(
    index: usize,
    node: &Node,
    targets: &Targets,
    findings: &mut Findings<'_>,
) -> Option<(Rule, RuleText)> {
    let place = format!("rules[{index}]");
    let fields = map(node, &place, || "write `files: …` and `urls: …`, each on its line".into(), findings)?;
    let known: Vec<&str> = keys_of(RULE_KEYS).chain([PURGE]).collect();
    for (key, _) in fields.entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
        unknown_key(key, &known, "a rule", findings);
    }
    let refresh = if fields.node(PURGE).is_some() { PURGE } else { "refresh" };
    if let Some((key, _)) = fields.entry("refresh").filter(|_| refresh == PURGE) {
        findings.report(&key.span, "`purge` and `refresh` are the same key", "keep one of the two");
    }
    let kind = kind(&fields, findings);
    let allow_everything = flag(&fields, "allow-everything", false, findings);
    let (files, file_items) = globs(&fields, findings).unwrap_or_default();
    let file_texts: Vec<String> = file_items.iter().map(|item| item.text.to_owned()).collect();
    lint::patterns(&file_items, findings);
    let of_urls = match kind {
        RefreshKind::Regex => Template::parse_expression,
        RefreshKind::Directory => Template::parse_directory,
        _ => Template::parse,
    };
    let (urls, url_items) = templates(&fields, "urls", files.as_ref(), findings, of_urls);
    lint::urls(&url_items, &file_texts, findings);
    let (directories, directory_items) =
        templates(&fields, "directories", files.as_ref(), findings, Template::parse_directory);
    let (tags, tag_items) = templates(&fields, "tags", files.as_ref(), findings, Template::parse_tag);
    let warning = warning(&fields, findings);
    if URL_KEYS.iter().all(|name| fields.node(name).is_none()) && fields.node("warning").is_none() {
        findings.report(fields.span, "this rule maps to no URLs", "add `urls`, `directories` or `tags`");
    }
    if !allow_everything {
        let roots = directory_items.iter().chain(url_items.iter().filter(|_| kind.is_wide()));
        roots.for_each(|item| root(item, findings));
    }
    let rule = Rule {
        name: name(&fields, &place, findings),
        targets: target_names(&fields, targets, findings),
        refresh: flag(&fields, refresh, true, findings),
        prefetch: flag(&fields, "prefetch", false, findings),
        kind,
        mode: mode(&fields, findings),
        index: index_names(&fields, findings),
        encoded: encoded(&fields, findings),
        queries: queries(&fields, findings),
        allow_everything,
        immutable: flag(&fields, "immutable", false, findings),
        complete: flag(&fields, "complete", false, findings),
        warning,
        urls,
        directories,
        tags,
        // Last: problems of the other keys are reported too.
        files: files?,
    };
    if operates(&rule, &fields, findings) {
        meaningless(&rule, &fields, findings);
    }
    unsupported(&rule, &fields, targets, findings);
    let urls = url_items.iter().chain(&directory_items).chain(&tag_items).map(|item| item.text.to_owned()).collect();
    Some((rule, RuleText { files: file_texts, urls, spans: lint::spans(&file_items) }))
}

/// The name of the rule: its `name`, else its place.
fn name(fields: &Map<'_>, place: &str, findings: &mut Findings<'_>) -> Arc<str> {
    let Some(node) = fields.node("name") else { return Arc::from(place) };
    let Some(scalar) = text(node, "name", findings) else { return Arc::from(place) };
    let name = scalar.text.trim();
    if name.contains(char::is_control) || name.chars().count() > 100 {
        findings.report(&node.span, "this can't be a rule's name", "write one line of at most 100 characters");
    }
    Arc::from(name)
}

/// The text of the warning for every file of the rule.
fn warning(fields: &Map<'_>, findings: &mut Findings<'_>) -> Option<Arc<str>> {
    let node = fields.node("warning")?;
    let text = text(node, "warning", findings)?.text.trim();
    if text.is_empty() || text.contains(char::is_control) || text.chars().count() > 300 {
        findings.report(&node.span, "this can't be a warning", "write one line of at most 300 characters");
    }
    Some(Arc::from(text))
}

fn flag(fields: &Map<'_>, name: &str, default: bool, findings: &mut Findings<'_>) -> bool {
    fields.node(name).and_then(|node| boolean(node, name, findings)).unwrap_or(default)
}

fn kind(fields: &Map<'_>, findings: &mut Findings<'_>) -> RefreshKind {
    let word = fields.node("kind").and_then(|node| word(node, "kind", KINDS, findings));
    word.and_then(|word| RefreshKind::ALL.into_iter().find(|kind| kind.name() == word)).unwrap_or(RefreshKind::Url)
}

fn mode(fields: &Map<'_>, findings: &mut Findings<'_>) -> PurgeMode {
    let word = fields.node("purge-mode").and_then(|node| word(node, "purge-mode", &PurgeMode::WORDS, findings));
    word.map_or(PurgeMode::Default, PurgeMode::of)
}

/// The globs, where they could be read, and their texts.
fn globs<'a>(fields: &Map<'a>, findings: &mut Findings<'_>) -> Option<(Option<Globs>, Vec<Item<'a>>)> {
    let Some(node) = fields.node("files") else {
        findings.report(fields.span, "this rule has no `files`", "add `files:` with one or more globs");
        return None;
    };
    let items = texts(node, "files", findings)?;
    let patterns: Vec<String> = items.iter().map(|item| item.text.to_owned()).collect();
    match Globs::parse(&patterns) {
        Ok(globs) => Some((Some(globs), items)),
        Err(problems) => {
            for problem in problems {
                let blamed = items.get(problem.pattern).map_or(node, |item| item.node);
                findings.report(&blamed.span, problem.message, problem.help);
            }
            Some((None, items))
        }
    }
}

/// How the text of a template is read.
type ParseTemplate = fn(&str) -> Result<Template, Vec<TemplateProblem>>;

fn templates<'a>(
    fields: &Map<'a>,
    name: &str,
    files: Option<&Globs>,
    findings: &mut Findings<'_>,
    parse: ParseTemplate,
) -> (Vec<Template>, Vec<Item<'a>>) {
    let Some(items) = fields.node(name).and_then(|node| texts(node, name, findings)) else { return Default::default() };
    let templates = items.iter().filter_map(|item| template(item, files, findings, parse)).collect();
    (templates, items)
}

fn template(
    item: &Item<'_>,
    files: Option<&Globs>,
    findings: &mut Findings<'_>,
    parse: ParseTemplate,
) -> Option<Template> {
    let place = |within: &Range<usize>, findings: &Findings<'_>| part(findings.source(), item.node, item.text, within);
    match parse(item.text) {
        Err(problems) => {
            for problem in problems {
                let span = place(&problem.span, findings);
                let help = problem.help.unwrap_or_else(|| TEMPLATE_HELP.into());
                findings.report(&span, problem.message, help);
            }
            None
        }
        Ok(template) => {
            let filled = files.map_or(usize::MAX, Globs::wildcards);
            if let Some((highest, within)) = template.highest_capture().filter(|(highest, _)| *highest > filled) {
                findings.report(&place(&within, findings), missing_wildcards(highest, filled), WILDCARD_HELP);
            }
            Some(template)
        }
    }
}

/// What to do about a template, where the problem itself doesn't say.
pub(in crate::config) const TEMPLATE_HELP: &str = "write it as `https://www.example.com/{tail}`";

/// What is wrong with a placeholder that no wildcard fills.
pub(in crate::config) fn missing_wildcards(highest: usize, filled: usize) -> String {
    format!(
        "`{{{highest}}}` is never filled: a pattern of `files` has {}",
        match filled {
            0 => "no wildcard".to_owned(),
            1 => "one wildcard".to_owned(),
            several => format!("{several} wildcards"),
        }
    )
}

/// What to do about it.
pub(in crate::config) const WILDCARD_HELP: &str = "wildcards are counted from the left in every pattern that doesn't begin with `!`: use a lower number, or another rule";

/// Refuses a directory without placeholders that is the root of a host: everything of a site, at every change.
fn root(item: &Item<'_>, findings: &mut Findings<'_>) {
    let Ok(url) = url::Url::parse(item.text) else { return };
    if item.text.contains('{') || url.path() != "/" {
        return;
    }
    let title = format!("this refreshes everything of `{}`", url.host_str().unwrap_or_default());
    findings.report(&item.node.span, title, "if that is meant, add `allow-everything: true` to the rule");
}

fn target_names(fields: &Map<'_>, targets: &Targets, findings: &mut Findings<'_>) -> Vec<TargetName> {
    let all = || targets.iter().map(|(name, _)| Arc::clone(name));
    let Some(node) = fields.node("targets") else { return all().collect() };
    let mut names: Vec<TargetName> = Vec::new();
    for item in texts(node, "targets", findings).unwrap_or_default() {
        match all().find(|name| **name == *item.text) {
            Some(name) if names.contains(&name) => {}
            Some(name) => names.push(name),
            None => {
                let known = || targets.iter().map(|(name, _)| &**name);
                let help = did_you_mean(item.text, known(), || match targets.len() {
                    0 => "configure it under `targets`".into(),
                    _ => format!("configured are {}", any_of(known())),
                });
                let title = format!("this rule names a target that isn't configured: {}", quoted(item.text));
                findings.report(&item.node.span, title, help);
            }
        }
    }
    names
}

fn index_names(fields: &Map<'_>, findings: &mut Findings<'_>) -> Vec<String> {
    let items = fields.node("index").and_then(|node| texts(node, "index", findings)).unwrap_or_default();
    for item in items.iter().filter(|item| item.text.contains(['/', '*', '\\']) || item.text.contains(char::is_control))
    {
        let help = "write the name of a file, without a directory: `index.html`";
        findings.report(&item.node.span, format!("{} isn't a file name", quoted(item.text)), help);
    }
    items.iter().map(|item| item.text.to_owned()).collect()
}

fn encoded(fields: &Map<'_>, findings: &mut Findings<'_>) -> Vec<Encoded> {
    let Some(node) = fields.node("encoded") else { return forms(&[]) };
    let items = texts(node, "encoded", findings).unwrap_or_default();
    let words: Vec<_> = items.iter().filter_map(|item| word(item.node, "encoded", FORMS, findings)).collect();
    forms(&words)
}

fn queries(fields: &Map<'_>, findings: &mut Findings<'_>) -> Vec<String> {
    let items = fields.node("queries").and_then(|node| texts(node, "queries", findings)).unwrap_or_default();
    for item in &items {
        if item.text.starts_with('?') {
            let help = format!("write it without `?`: {}", quoted(item.text.trim_start_matches('?')));
            findings.report(&item.node.span, "a query string is written without the `?`", help);
        } else if item.text.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '#') {
            let help = "percent-encode spaces as `%20` and `#` as `%23`";
            findings.report(&item.node.span, format!("{} isn't a query string", quoted(item.text)), help);
        }
    }
    items.iter().map(|item| item.text.to_owned()).collect()
}

/// Whether a rule does anything at all; refuses one that doesn't.
fn operates(rule: &Rule, fields: &Map<'_>, findings: &mut Findings<'_>) -> bool {
    if rule.refresh || rule.warning.is_some() || (rule.prefetch && has_pages(rule, fields)) {
        return true;
    }
    let span = fields.entry("refresh").map_or(fields.span, |(key, _)| &key.span);
    let help = if rule.prefetch {
        "directories, patterns and tags can't be prefetched: remove `refresh: false`, or add `urls` of pages"
    } else {
        "remove `refresh: false`, or add `prefetch: true`"
    };
    findings.report(span, "this rule neither refreshes nor prefetches", help);
    false
}

/// Whether it has URLs of single pages.
fn has_pages(rule: &Rule, fields: &Map<'_>) -> bool {
    fields.node("urls").is_some() && matches!(rule.kind, RefreshKind::Url | RefreshKind::AnyQuery)
}

/// Refuses a setting that has no effect, because the rule has no URL that it applies to.
fn meaningless(rule: &Rule, fields: &Map<'_>, findings: &mut Findings<'_>) {
    const PAGES: &str = "it is about pages, which are `urls` of the kind `file` or `any-query`: remove it, or give the pages a rule of their own";
    let [urls, directories, tags] = URL_KEYS.map(|name| fields.node(name).is_some());
    let pages = has_pages(rule, fields);
    let wide = directories || (urls && !pages);
    for (name, has_meaning, help) in [
        ("kind", urls, "it is about `urls`: remove it, or add `urls`"),
        ("index", pages, PAGES),
        ("queries", pages, PAGES),
        ("prefetch", pages || !rule.prefetch, PAGES),
        ("immutable", pages || !rule.immutable, PAGES),
        ("complete", pages || !rule.complete, PAGES),
        (
            "complete",
            !rule.complete || !rule.needs_front_matter(),
            "the URLs depend on front matter, which is read of changed files only, so those of the others aren't known: remove it",
        ),
        (
            "directories",
            !rule.immutable,
            "the rule is `immutable`, so nothing is refreshed: give the directories a rule of their own",
        ),
        (
            "tags",
            !rule.immutable,
            "the rule is `immutable`, so nothing is refreshed: give the tags a rule of their own",
        ),
        ("encoded", urls || directories, "it is about `urls` and `directories`, and a tag has one form: remove it"),
        (
            "allow-everything",
            wide || rule.complete || !rule.allow_everything,
            "it is about directories and patterns, and this rule has none: remove it",
        ),
    ] {
        if let Some((key, _)) = fields.entry(name).filter(|_| !has_meaning && (urls || directories || tags)) {
            findings.report(&key.span, format!("`{name}` doesn't apply to this rule"), help);
        }
    }
}

/// Refuses operations that a target's provider can't do.
fn unsupported(rule: &Rule, fields: &Map<'_>, targets: &Targets, findings: &mut Findings<'_>) {
    let mut wanted = Vec::new();
    if rule.refresh && fields.node("urls").is_some() {
        wanted.push((if fields.node("kind").is_some() { "kind" } else { "urls" }, Operation::Refresh(rule.kind)));
    }
    if rule.refresh && fields.node("directories").is_some() {
        wanted.push(("directories", Operation::Refresh(RefreshKind::Directory)));
    }
    if rule.refresh && fields.node("tags").is_some() {
        wanted.push(("tags", Operation::Refresh(RefreshKind::Tag)));
    }
    if rule.prefetch && has_pages(rule, fields) {
        wanted.push(("prefetch", Operation::Prefetch));
    }
    let configured = targets.iter().filter_map(|(_, target)| target.as_ref());
    for target in configured.filter(|target| rule.targets.contains(&target.name)) {
        for (field, operation) in &wanted {
            if target.provider.operation(*operation).is_some() {
                continue;
            }
            let span = fields.entry(field).map_or(fields.span, |(_, node)| &node.span);
            let title =
                format!("`{}`, the provider of `{}`, has no {}", target.provider.name, target.name, operation.unit());
            let units = target.provider.operations.iter().map(|known| known.operation.unit());
            let help = format!(
                "it has {}: give this rule other `targets`, or change it",
                units.collect::<Vec<_>>().join(", ")
            );
            findings.report(span, title, help);
        }
    }
}
