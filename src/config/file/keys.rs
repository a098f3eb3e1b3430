//! The keys of the configuration file as data: the reader knows them from here, and the schema is printed from here.

use crate::mapping::Encoded;
use crate::model::PurgeMode;

/// A key that may stand at one level of the file.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// One sentence, without the final period.
    pub(crate) help: &'static str,
    /// What may stand there.
    pub(crate) shape: KeyShape,
}

/// What may stand at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyShape {
    /// The number 1.
    Version,
    /// Names of targets with their settings.
    Targets,
    /// A list of rules.
    Rules,
    /// The name of a provider.
    Provider,
    /// A text.
    Text,
    /// A text or a list of texts.
    Texts,
    /// True or false.
    Boolean,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One or several of these words.
    SomeOf(&'static [&'static str]),
}

const fn key(name: &'static str, shape: KeyShape, help: &'static str) -> Key {
    Key { name, help, shape }
}

/// The keys of the file itself, beside the options that a file may set.
pub(crate) static FILE_KEYS: &[Key] = &[
    key("version", KeyShape::Version, "The version of this format: 1"),
    key("targets", KeyShape::Targets, "Where addresses live, by name: a provider and its settings"),
    key("rules", KeyShape::Rules, "Which changed files become which addresses; each rule contributes"),
];

/// The keys of a target, beside its provider's options.
pub(crate) static TARGET_KEYS: &[Key] = &[key("provider", KeyShape::Provider, "The provider")];

/// The words of a rule's `kind`.
pub(crate) const KINDS: &[&str] = &["url", "directory", "regex", "any-query"];

/// The words of a rule's `encoded`.
pub(crate) const FORMS: &[&str] = &["encoded", "raw", "both"];

/// The forms that some of these words mean together.
pub(crate) fn forms(words: &[&str]) -> Encoded {
    match (words.contains(&"encoded"), words.contains(&"raw"), words.contains(&"both")) {
        (_, _, true) | (true, true, _) => Encoded::Both,
        (_, true, _) => Encoded::Raw,
        _ => Encoded::Encoded,
    }
}

/// The keys of a rule.
pub(crate) static RULE_KEYS: &[Key] = &[
    key("name", KeyShape::Text, "What reports call the rule; without it its place in the list"),
    key("files", KeyShape::Texts, "Globs of the files that the rule is about; those that begin with `!` exclude"),
    key(
        "urls",
        KeyShape::Texts,
        "Templates of the files' addresses; `{path}`, `{tail}`, `{dir}`, `{name}`, `{stem}`, `{ext}` and `{1}` to `{9}` are filled in",
    ),
    key("directories", KeyShape::Texts, "Templates of directories to refresh for the files, each ending in `/`"),
    key(
        "tags",
        KeyShape::Texts,
        "Templates of cache tags to refresh for the files, each as `https://www.example.com/#TAG`",
    ),
    key("targets", KeyShape::Texts, "The targets where the addresses live; without it all of them"),
    key("refresh", KeyShape::Boolean, "Whether to refresh; true without it"),
    key("prefetch", KeyShape::Boolean, "Whether to prefetch what still exists; false without it"),
    key("kind", KeyShape::OneOf(KINDS), "How `urls` are refreshed; `file` without it"),
    key(
        "purge-mode",
        KeyShape::OneOf(&PurgeMode::WORDS),
        "`hard` deletes the cached copy, `soft` marks it stale; the provider's own default without it",
    ),
    key("index", KeyShape::Texts, "File names that also stand for their directory, as `index.html`"),
    key("encoded", KeyShape::SomeOf(FORMS), "In which form names outside ASCII are submitted; `encoded` without it"),
    key("queries", KeyShape::Texts, "Query strings, without `?`, that are cached as variants beside the plain address"),
    key("allow-everything", KeyShape::Boolean, "Whether the root of a host may be refreshed; false without it"),
];
