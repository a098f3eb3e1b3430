//! The options of URL lists: their source, and how the URLs are refreshed.

use std::path::PathBuf;

use super::file::keys::forms;
use super::layers::LayeredOptions;
use super::options::CommandKind;
use crate::error::Diagnostic;
use crate::mapping::Encoded;
use crate::model::PurgeMode;
use crate::model::RefreshKind;

/// URLs that are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlOptions {
    /// Those of the command line.
    pub arguments: Vec<String>,
    /// A file with one in each line; `-` is standard input.
    pub file: Option<PathBuf>,
    /// How they are refreshed.
    pub kind: RefreshKind,
    /// In which forms they are sent.
    pub encoded: Vec<Encoded>,
    /// Delete instead of revalidate.
    pub mode: PurgeMode,
    /// Whether a whole host may be refreshed.
    pub allow_everything: bool,
}

/// Reads the source of the URLs; `None` where none are given and the command can do without.
pub(super) fn read(
    command: CommandKind,
    given: &LayeredOptions,
    arguments: &[String],
    problems: &mut Vec<Diagnostic>,
) -> Option<UrlOptions> {
    let file = given.path("url-file");
    if file.is_none() && arguments.is_empty() {
        if command.takes_urls() {
            let help = format!(
                "write them after `cdn-purge {}`, or name a file of URLs with `--url-file` (`-`: standard input)",
                command.name()
            );
            problems.push(Diagnostic::new("no URL is given", help));
        }
        return None;
    }
    let kind = kind(command, given, problems);
    let warms = command == CommandKind::Refresh && given.boolean("prefetch") == Some(true);
    if warms && !matches!(kind, RefreshKind::Url | RefreshKind::AnyQuery) {
        problems.push(Diagnostic::new(
            format!("{} can't be combined with the kind `{}`", given.label("prefetch"), kind.name()),
            "only single URLs can be prefetched: drop one of the two, or list the pages",
        ));
    }
    Some(UrlOptions {
        arguments: arguments.to_vec(),
        file,
        kind,
        encoded: encoded(given, kind, problems),
        mode: given.choice("purge-mode").map_or(PurgeMode::Default, PurgeMode::of),
        allow_everything: given.boolean("allow-everything") == Some(true),
    })
}

fn encoded(given: &LayeredOptions, kind: RefreshKind, problems: &mut Vec<Diagnostic>) -> Vec<Encoded> {
    if given.is_explicit("encoded") && matches!(kind, RefreshKind::Regex | RefreshKind::Tag) {
        let title = format!("{} can't be combined with the kind `{}`", given.label("encoded"), kind.name());
        problems.push(Diagnostic::new(title, "patterns and tags are always sent as written: drop it"));
    }
    forms(given.choice("encoded").as_slice())
}

fn kind(command: CommandKind, given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> RefreshKind {
    let Some(word) = given.choice("kind").filter(|_| command == CommandKind::Refresh) else { return RefreshKind::Url };
    RefreshKind::ALL.into_iter().find(|kind| kind.name() == word).unwrap_or_else(|| {
        let title = format!("{} is `{word}`, which is no refresh", given.label("kind"));
        problems.push(Diagnostic::new(title, "use the command `cdn-purge prefetch`"));
        RefreshKind::Url
    })
}
