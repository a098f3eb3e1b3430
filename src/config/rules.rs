//! Where targets and rules come from: the configuration file, or `provider`, `files` and `urls` for one rule without it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::rule::{self, RuleText};
use super::file::source::Source;
use super::file::{self, Configuration, document, lint};
use super::layers::LayeredOptions;
use super::options::CommandKind;
use super::parse_value::quoted;
use super::problems::unknown_provider;
use super::settings::{CredentialChoice, Target};
use crate::error::Diagnostic;
use crate::mapping::{Encoded, Globs, Rule, Template};
use crate::model::{Operation, PurgeMode, RefreshKind};
use crate::provider::{Options, Spec};
use crate::text::suggest::all_of;

/// Targets and rules, and where they were found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The file; `None` in the one-rule mode.
    pub(super) path: Option<PathBuf>,
    /// What a person should know about it.
    pub(super) notes: Vec<String>,
    /// The file's text.
    pub(super) source: Option<Source>,
    /// What it says; empty where there was a problem.
    pub(super) configuration: Configuration,
}

/// Finds targets and rules.
pub(super) fn find(
    command: CommandKind,
    given: &LayeredOptions,
    providers: &[&'static Spec],
    problems: &mut Vec<Diagnostic>,
) -> Found {
    let repository = given.path("repository").unwrap_or_else(|| PathBuf::from("."));
    let one_rule: Vec<&str> =
        ["provider", "files", "urls"].into_iter().filter(|name| given.is_explicit(name)).collect();
    let needs_no_rule = given.is_explicit("url-file") || names_no_files(command, given);
    let needed: &[&str] = if needs_no_rule { &["provider"] } else { &["provider", "files", "urls"] };
    let before = problems.len();
    exclusive(given, &one_rule, problems);
    if problems.len() > before {
        return Found::default();
    }
    let mut found = if one_rule.is_empty() {
        from_file(command, given, &repository, providers, needed, problems)
    } else {
        let configuration = complete(given, &one_rule, needed, problems)
            .then(|| from_options(command, given, providers, problems))
            .flatten()
            .unwrap_or_default();
        let unused = document::find(&repository).map(|file| file.path);
        let note = |path: PathBuf| {
            let names = all_of(one_rule.iter().copied());
            let replace = if one_rule.len() == 1 { "replaces" } else { "replace" };
            format!("ignoring `{}`, because {names} {replace} it", path.display())
        };
        Found { path: None, notes: unused.map(note).into_iter().collect(), source: None, configuration }
    };
    if needs_no_rule {
        found.configuration.rules.clear();
        found.configuration.rule_texts.clear();
        found.configuration.warnings.clear();
    }
    found
}

/// Whether a command maps no files: it takes URLs, or only queries.
fn names_no_files(command: CommandKind, given: &LayeredOptions) -> bool {
    command.takes_urls() || command.is_query() || given.is_explicit("task-id")
}

/// Whether reading a pattern already warned that it has other tools' syntax.
pub fn has_foreign_syntax(pattern: &str) -> bool {
    lint::foreign_syntax(pattern).is_some()
}

/// The configuration that a run in this directory would read.
pub fn configuration_of(repository: &Path) -> Option<PathBuf> {
    document::find(repository).map(|found| found.path)
}

/// Reports options that contradict each other.
fn exclusive(given: &LayeredOptions, one_rule: &[&str], problems: &mut Vec<Diagnostic>) {
    if given.is_explicit("config") && !one_rule.is_empty() {
        let names = || all_of(one_rule.iter().copied());
        problems.push(Diagnostic::new(
            format!("{} can't be combined with {}", given.label("config"), names()),
            format!("the rules come from one of the two: drop `config`, or drop {}", names()),
        ));
    }
    if given.is_explicit("url-file") {
        for name in one_rule.iter().filter(|name| **name != "provider") {
            problems.push(Diagnostic::new(
                format!("{} can't be combined with {}", given.label(name), given.label("url-file")),
                "with a URL list no files are mapped: drop one of the two",
            ));
        }
    }
}

/// Whether all that is needed is given; reports what isn't.
fn complete(
    given: &LayeredOptions,
    one_rule: &[&str],
    needed: &[&'static str],
    problems: &mut Vec<Diagnostic>,
) -> bool {
    let missing: Vec<&str> = needed.iter().copied().filter(|name| !given.is_explicit(name)).collect();
    if !missing.is_empty() {
        let labels: Vec<String> = one_rule.iter().map(|name| given.label(name)).collect();
        let missing = || all_of(missing.iter().copied());
        problems.push(Diagnostic::new(
            format!("{} given without {}", labels.join(" and "), missing()),
            format!(
                "give {} too, or drop {} and write a configuration file",
                missing(),
                all_of(one_rule.iter().copied())
            ),
        ));
    }
    missing.is_empty()
}

fn from_file(
    command: CommandKind,
    given: &LayeredOptions,
    repository: &Path,
    providers: &[&'static Spec],
    needed: &[&str],
    problems: &mut Vec<Diagnostic>,
) -> Found {
    let mut notes = Vec::new();
    let path = given.path("config").or_else(|| {
        let found = document::find(repository)?;
        notes.extend(found.shadowed.iter().map(|other| {
            format!("ignoring `{}`, because `{}` takes precedence", other.display(), found.path.display())
        }));
        Some(found.path)
    });
    let Some(path) = path else {
        // Which commits are compared can be explained before there is one.
        if command != CommandKind::ExplainRange {
            problems.push(document::none_found(repository, needed));
        }
        return Found::default();
    };
    let read = document::read(&path, repository).map_err(|problem| vec![problem]);
    let parsed = read.and_then(|source| Ok((file::parse(&source, providers)?, source)));
    match parsed {
        Ok((configuration, source)) => Found { path: Some(path), notes, source: Some(source), configuration },
        Err(found) => {
            problems.extend(found);
            Found { path: Some(path), notes, ..Found::default() }
        }
    }
}

/// One target named `default`, and one rule where files are given.
fn from_options(
    command: CommandKind,
    given: &LayeredOptions,
    providers: &[&'static Spec],
    problems: &mut Vec<Diagnostic>,
) -> Option<Configuration> {
    let name: Arc<str> = Arc::from("default");
    let provider = provider(command, given, providers, problems);
    let mut configuration = Configuration::default();
    if let (Some(files), Some(urls)) = (given.list("files"), given.list("urls")) {
        let globs = globs(given, &files, problems);
        configuration.warnings.extend(files.iter().filter_map(|pattern| {
            let (found, help) = lint::foreign_syntax(pattern)?;
            let label = given.label("files");
            Some(Diagnostic::new(format!("{label}: {}", lint::foreign_title(found)), help))
        }));
        let templates = templates(given, &urls, globs.as_ref(), problems);
        configuration.rules.push(Rule {
            name: Arc::from("rules[0]"),
            files: globs?,
            urls: templates,
            directories: Vec::new(),
            tags: Vec::new(),
            targets: vec![Arc::clone(&name)],
            refresh: given.boolean("refresh").unwrap_or(true),
            prefetch: given.boolean("prefetch").unwrap_or(false),
            kind: RefreshKind::Url,
            mode: PurgeMode::Default,
            index: Vec::new(),
            encoded: vec![Encoded::Encoded],
            queries: Vec::new(),
            allow_everything: false,
            immutable: false,
            complete: false,
            warning: None,
        });
        let spans = vec![0..0; files.len()];
        configuration.rule_texts.push(RuleText { files, urls, spans });
    }
    configuration.targets.push(Target {
        name,
        provider: provider?,
        options: Options::new(),
        credentials: CredentialChoice::Default,
    });
    Some(configuration)
}

fn provider(
    command: CommandKind,
    given: &LayeredOptions,
    providers: &[&'static Spec],
    problems: &mut Vec<Diagnostic>,
) -> Option<&'static Spec> {
    let name = given.text("provider")?;
    let Some(provider) = providers.iter().copied().find(|spec| spec.name == name) else {
        problems.push(unknown_provider(&given.label("provider"), &name, providers));
        return None;
    };
    let wanted = [("refresh", true, Operation::Refresh(RefreshKind::Url)), ("prefetch", false, Operation::Prefetch)];
    // A list's operations are checked against its targets; a query has none.
    for (option, default, operation) in wanted.into_iter().filter(|_| !names_no_files(command, given)) {
        if given.boolean(option).unwrap_or(default) && provider.operation(operation).is_none() {
            problems.push(Diagnostic::new(
                format!("`{name}` has no {}", operation.unit()),
                format!("set `{option}` to `false`, or choose another provider: `cdn-purge providers` lists them"),
            ));
        }
    }
    Some(provider)
}

fn globs(given: &LayeredOptions, files: &[String], problems: &mut Vec<Diagnostic>) -> Option<Globs> {
    let label = given.label("files");
    Globs::parse(files)
        .map_err(|found| {
            problems.extend(found.into_iter().map(|problem| {
                let pattern =
                    files.get(problem.pattern).map_or_else(String::new, |text| format!(" in {}", quoted(text)));
                Diagnostic::new(format!("{label}: {}{pattern}", problem.message), problem.help)
            }));
        })
        .ok()
}

fn templates(
    given: &LayeredOptions,
    urls: &[String],
    globs: Option<&Globs>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Template> {
    let label = given.label("urls");
    let mut templates = Vec::new();
    for text in urls {
        match Template::parse(text) {
            Ok(template) => {
                let filled = globs.map_or(usize::MAX, Globs::wildcards);
                if let Some((highest, _)) = template.highest_capture().filter(|(highest, _)| *highest > filled) {
                    let title = format!("{label}: {}", rule::missing_wildcards(highest, filled));
                    problems.push(Diagnostic::new(title, rule::WILDCARD_HELP));
                }
                templates.push(template);
            }
            Err(found) => problems.extend(found.into_iter().map(|problem| {
                let help = problem.help.unwrap_or_else(|| rule::TEMPLATE_HELP.into());
                Diagnostic::new(format!("{label}: {} in {}", problem.message, quoted(text)), help)
            })),
        }
    }
    templates
}
