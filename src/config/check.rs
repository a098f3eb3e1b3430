//! `check`: lists every problem of the inputs, or prints the effective configuration.

use std::fmt::Write;

use super::directory_options::ManifestSource;
use super::layers::Flags;
use super::options::CommandKind;
use super::read::{Reading, read_with};
use super::settings::{Changes, Settings};
use super::url_options::UrlOptions;
use crate::environment::Environment;
use crate::error::Error;
use crate::mapping::Rule;
use crate::model::PurgeMode;
use crate::provider::OptionValue;
use crate::providers::PROVIDERS;

/// Reads everything that a run would read, and describes it in lines of text. It uses no network and no repository.
///
/// # Errors
/// As [`super::read`]: every problem at once.
pub fn check(flags: &Flags, environment: &Environment) -> Result<String, Error> {
    read(flags, environment).map(|(text, _)| text)
}

/// The same with the settings that it describes.
///
/// # Errors
/// As [`check`].
pub fn read(flags: &Flags, environment: &Environment) -> Result<(String, Settings), Error> {
    read_with(PROVIDERS, CommandKind::Check, flags, environment).map(|reading| (summary(&reading), reading.settings))
}

fn summary(reading: &Reading) -> String {
    let settings = &reading.settings;
    let mut text = match &settings.config {
        Some(path) => format!("`{}` is valid\n", path.display()),
        None => "the options are valid\n".to_owned(),
    };
    for note in &settings.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text.push_str("\ntargets\n");
    for target in &settings.targets {
        let _ = write!(text, "  {}: {}", target.name, target.provider.name);
        for (name, value) in &target.options {
            let _ = write!(text, ", {name} {}", option(value));
        }
        text.push('\n');
    }
    if let Changes::Urls(UrlOptions { file, .. }) = &settings.changes {
        let path = file.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
        let _ = writeln!(text, "\nURLs come from `{path}`");
    } else {
        if let Changes::Directory(built) = &settings.changes {
            let with = match &built.manifest {
                ManifestSource::File(path) => format!("compared with the manifest `{}`", path.display()),
                ManifestSource::Listing(path) => format!("compared with the listing `{}`", path.display()),
                ManifestSource::None => "all of them".to_owned(),
            };
            let _ = writeln!(text, "\nchanges\n  files of the built directory `{}`, {with}", built.directory);
        }
        if let Changes::List(list) = &settings.changes {
            let _ = writeln!(text, "\nchanges\n  the files that the list `{}` names", list.file.display());
        }
        text.push_str("\nrules\n");
        for (rule, written) in settings.rules.iter().zip(&reading.rule_texts) {
            let _ = writeln!(text, "  {}: {}", rule.name, written.files.join("  "));
            for url in &written.urls {
                let _ = writeln!(text, "    → {url}");
            }
            if rule.is_warning_only() {
                text.push_str("    refreshes nothing: a change of these files is a warning\n");
                continue;
            }
            let at = if rule.targets.is_empty() { "no chosen target".to_owned() } else { rule.targets.join(", ") };
            let _ = writeln!(text, "    {} at {at}", operations(rule));
        }
    }
    text
}

fn operations(rule: &Rule) -> String {
    let refresh = if rule.urls.is_empty() {
        "refresh".to_owned()
    } else {
        format!(
            "refresh ({}{})",
            rule.kind.name(),
            if rule.mode == PurgeMode::Default { String::new() } else { format!(", {}", rule.mode.name()) }
        )
    };
    match (rule.refresh, rule.prefetch) {
        (true, true) => format!("{refresh}, then prefetch,"),
        (true, false) => refresh,
        (false, _) => "prefetch".to_owned(),
    }
}

fn option(value: &OptionValue) -> String {
    match value {
        OptionValue::Boolean(boolean) => boolean.to_string(),
        OptionValue::Word(word) => word.clone(),
        OptionValue::Number(number) => number.to_string(),
        OptionValue::Duration(span) => format!("{} s", span.as_secs()),
        // Their values may be anything, a token included.
        OptionValue::Headers(headers) => headers.keys().map(String::as_str).collect::<Vec<_>>().join(" and "),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::PROVIDERS;
    use super::*;

    #[test]
    fn a_right_configuration_is_told_in_words() {
        let directory = tempfile::tempdir().unwrap();
        let text = "version: 1
targets:
  main: {provider: swift-cdn, area: domestic, l2: true, headers: {X-Token: hunter2}}
  other: {provider: plain-cdn}
rules:
  - files: ['public/**', '!**/*.map']
    urls: 'https://www.example.com/{tail}'
  - name: posts
    files: 'posts/*.md'
    urls: 'https://www.example.com/posts/{1}/'
    directories: 'https://www.example.com/posts/'
    targets: main
    prefetch: true
    purge-mode: hard
";
        std::fs::write(directory.path().join("cdn-purge.yml"), text).unwrap();
        let mut flags = Flags::new();
        flags.add("repository", directory.path().to_str().unwrap());
        let reading = read_with(PROVIDERS, CommandKind::Check, &flags, &Environment::new()).unwrap();
        let summarized = summary(&reading).replace(&format!("{}/", directory.path().display()), "");
        assert_eq!(
            summarized,
            "`cdn-purge.yml` is valid

targets
  main: swift-cdn, area domestic, headers X-Token, l2 true
  other: plain-cdn

rules
  rules[0]: public/**  !**/*.map
    → https://www.example.com/{tail}
    refresh (url) at main, other
  posts: posts/*.md
    → https://www.example.com/posts/{1}/
    → https://www.example.com/posts/
    refresh (url, hard), then prefetch, at main
"
        );
        flags.add("url-file", "list.txt");
        let reading = read_with(PROVIDERS, CommandKind::Check, &flags, &Environment::new()).unwrap();
        assert!(summary(&reading).ends_with("\nURLs come from `list.txt`\n"));
    }
}
