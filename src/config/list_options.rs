//! The options of `changes: list`: the list that a deploy tool wrote, its format, and the directory that its paths are relative to.

use std::path::{Path, PathBuf};

use super::directory_options::inside;
use super::layers::LayeredOptions;
use crate::error::Diagnostic;

/// A list of changed files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOptions {
    /// From the repository's root, or absolute; `-` is standard input.
    pub file: PathBuf,
    /// How it is written.
    pub format: ListFormat,
    /// What its paths are relative to, from the repository's root; `None`: the root.
    pub directory: Option<String>,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFormat {
    /// A path a line, or with a NUL after each.
    Names,
    /// `git diff --name-status`, with or without `-z`.
    Git,
    /// `rclone check --combined`.
    RcloneCombined,
    /// `rsync --itemize-changes`.
    RsyncItemize,
}

impl ListFormat {
    fn of(word: &str) -> Self {
        match word {
            "git" => Self::Git,
            "rclone-combined" => Self::RcloneCombined,
            "rsync-itemize" => Self::RsyncItemize,
            _ => Self::Names,
        }
    }
}

/// Reports options of a list where the changes come from elsewhere.
pub(super) fn refuse(given: &LayeredOptions, problems: &mut Vec<Diagnostic>) {
    for name in ["list", "list-format"].into_iter().filter(|name| given.is_explicit(name)) {
        problems.push(Diagnostic::new(
            format!("{} needs `changes: list`", given.label(name)),
            "set `changes` to `list`, or drop it",
        ));
    }
}

/// Reads the options of a list.
pub(super) fn read(given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> ListOptions {
    let file = given.path("list");
    if file.is_none() {
        problems.push(Diagnostic::new(
            format!("{} is `list`, and no list is given", given.label("changes")),
            "set `list` to the file that your deploy tool writes, or to `-` for standard input",
        ));
    }
    let format = given.choice("list-format");
    if format.is_none() {
        problems.push(Diagnostic::new(
            format!("{} is `list`, and no format is given", given.label("changes")),
            "set `list-format` to `names`, `git`, `rclone-combined` or `rsync-itemize`",
        ));
    }
    for name in ["base", "head", "save-base", "submodules"].into_iter().filter(|name| given.is_explicit(name)) {
        problems.push(Diagnostic::new(
            format!("{} can't be combined with `changes: list`", given.label(name)),
            "the list says which files changed, whatever was committed: drop it",
        ));
    }
    let file = file.unwrap_or_default();
    let file = if file == Path::new("-") { Some("-".to_owned()) } else { inside("list", &file, given, problems) };
    let directory = given.path("directory").and_then(|directory| inside("directory", &directory, given, problems));
    ListOptions {
        file: file.unwrap_or_default().into(),
        format: format.map_or(ListFormat::Names, ListFormat::of),
        directory: directory.filter(|directory| !directory.is_empty()),
    }
}
