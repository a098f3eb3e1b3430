//! The keys of the configuration file as data, for the parser and the schema.

use crate::mapping::Encoded;
use crate::model::PurgeMode;

/// A key that is allowed at one level of the file.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// One sentence, without the final period.
    pub(crate) help: &'static str,
    /// The values that are allowed there.
    pub(crate) shape: KeyShape,
}

/// The values that are allowed at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyShape {
    /// The number 1.
    Version,
    /// Names of targets with their settings.
    Targets,
    /// A list of rules.
    Rules,
    /// A generator with the root of its site.
    Site,
    /// The name of a provider.
    Provider,
    /// The name of credentials.
    Name,
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

/// The keys of the file itself, besides the options that a file may set.
pub(crate) static FILE_KEYS: &[Key] = &[
    key("version", KeyShape::Version, "The version of this format: 1"),
    key("targets", KeyShape::Targets, "CDN accounts to purge, by name: a provider and its options"),
    key("rules", KeyShape::Rules, "Which changed files map to which URLs; every matching rule applies"),
    key("site", KeyShape::Site, "Rules for the sources of a site that a known generator builds"),
];

/// The generators that `site` knows.
pub(crate) const GENERATORS: &[&str] =
    &["hugo", "jekyll", "hexo", "mkdocs", "docusaurus", "vitepress", "eleventy", "sphinx"];

/// The keys of `site`.
pub(crate) static SITE_KEYS: &[Key] = &[
    key("generator", KeyShape::OneOf(GENERATORS), "Generator that builds the site; its default settings are assumed"),
    key("url", KeyShape::Text, "URL of the site's root, such as `https://www.example.com/`"),
    key("folder", KeyShape::Text, "Folder of the generator's configuration; default the repository's root"),
    key("targets", KeyShape::Texts, "Targets of the URLs; default all"),
    key(
        "allow-everything",
        KeyShape::Boolean,
        "Whether layouts and settings purge the whole site when they change; default false, with a warning",
    ),
];

/// The keys of a target, besides its provider's options.
pub(crate) static TARGET_KEYS: &[Key] = &[
    key("provider", KeyShape::Provider, "Provider of the CDN"),
    key(
        "credentials",
        KeyShape::Name,
        "Name of the credentials, for several accounts of one vendor: `brand-a` reads the provider's own variables with the prefix \
         `BRAND_A_`",
    ),
    key("profile", KeyShape::Text, "Profile in the vendor's own files of credentials"),
];

/// The words of a rule's `kind`.
pub(crate) const KINDS: &[&str] = &["url", "directory", "prefix", "regex", "any-query", "host", "everything"];

/// The words of a rule's `encoded`.
pub(crate) const FORMS: &[&str] = &["encoded", "browser", "raw", "both"];

/// The forms that some of these words mean together, never none.
pub(crate) fn forms(words: &[&str]) -> Vec<Encoded> {
    let has = |word| words.contains(&word);
    let forms = [
        (Encoded::Encoded, has("encoded") || has("both") || words.is_empty()),
        (Encoded::Browser, has("browser")),
        (Encoded::Raw, has("raw") || has("both")),
    ];
    forms.into_iter().filter(|(_, is_asked)| *is_asked).map(|(form, _)| form).collect()
}

/// The keys of a rule.
pub(crate) static RULE_KEYS: &[Key] = &[
    key("name", KeyShape::Text, "Name of the rule in reports; default its place in the list"),
    key("files", KeyShape::Texts, "Globs of the files; `!` excludes"),
    key(
        "urls",
        KeyShape::Texts,
        "URL templates; `{path}`, `{tail}`, `{dir}`, `{name}`, `{stem}`, `{ext}`, `{1}` to `{9}` and `{front.KEY}` are filled in, \
         with transforms after a `|`",
    ),
    key("directories", KeyShape::Texts, "URL templates of directories to purge, each ending in `/`"),
    key("tags", KeyShape::Texts, "Templates of cache tags to purge, each as `https://www.example.com/#TAG`"),
    key("targets", KeyShape::Texts, "Targets of the URLs; default all"),
    key("refresh", KeyShape::Boolean, "Whether to purge (refresh) the URLs; default true"),
    key("prefetch", KeyShape::Boolean, "Whether to prefetch the URLs of files that still exist; default false"),
    key("kind", KeyShape::OneOf(KINDS), "How `urls` are refreshed; default `url`"),
    key(
        "purge-mode",
        KeyShape::OneOf(&PurgeMode::WORDS),
        "`hard` deletes cached copies, `soft` marks them stale; default: as the provider does",
    ),
    key("index", KeyShape::Texts, "File names that are also served as their directory, such as `index.html`"),
    key(
        "encoded",
        KeyShape::SomeOf(FORMS),
        "Encoding of characters that not all clients percent-encode: non-ASCII, `[`, `]`, `|`, `^`; default `encoded`",
    ),
    key("queries", KeyShape::Texts, "Query strings, without `?`, to purge in addition to the plain URL"),
    key(
        "immutable",
        KeyShape::Boolean,
        "Whether the content under a name never changes, as with a hash in the name; its URLs are never purged; default false",
    ),
    key("allow-everything", KeyShape::Boolean, "Whether a whole host may be purged; default false"),
    key(
        "complete",
        KeyShape::Boolean,
        "Whether nothing is served below the fixed beginning of its URLs but files of the rules, so that `collapse` may purge directories; default false",
    ),
    key("warning", KeyShape::Text, "Warning for each changed file of the rule, which needs no URLs then"),
];
