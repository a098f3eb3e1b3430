//! A rule of the configuration: the files that it selects, and the URLs of each.

use std::sync::Arc;

use super::encoding::Encoded;
use super::files::{Globs, Match};
use super::greedy::greedy;
use super::placeholder::TemplateContext;
use super::template::{Form, Template};
use super::url;
use crate::model::{PurgeMode, RefreshKind, TargetName};

/// A rule of the configuration, ready to use.
#[derive(Debug)]
pub struct Rule {
    /// Its `name:`, else `rules[0]`.
    pub name: Arc<str>,
    /// The files that it selects.
    pub files: Globs,
    /// URLs of those files.
    pub urls: Vec<Template>,
    /// Directories to refresh for those files.
    pub directories: Vec<Template>,
    /// Cache tags to refresh for those files, as URLs of [`crate::model::Tag`].
    pub tags: Vec<Template>,
    /// The targets that serve the URLs; never empty.
    pub targets: Vec<TargetName>,
    /// Whether to refresh.
    pub refresh: bool,
    /// Whether to prefetch the pages of files that still exist.
    pub prefetch: bool,
    /// How `urls` are refreshed.
    pub kind: RefreshKind,
    /// Delete instead of revalidate.
    pub mode: PurgeMode,
    /// File names that are also served for their directory (`index.html`).
    pub index: Vec<String>,
    /// The forms of characters that clients send in different ways; never empty.
    pub encoded: Vec<Encoded>,
    /// Query strings (without `?`) that are cached as variants of the plain URL.
    pub queries: Vec<String>,
    /// Whether `directories` may name the root of a host.
    pub allow_everything: bool,
    /// Whether the content under a name never changes, as with a fingerprint in the name: nothing is ever refreshed.
    pub immutable: bool,
    /// Whether everything that is served below the fixed beginning of its URLs is of files that a rule selects, so that a directory
    /// may be refreshed in place of URLs.
    pub complete: bool,
    /// A warning for every changed file that it selects: the rule knows that pages are stale, and not which.
    pub warning: Option<Arc<str>>,
}

/// Options of the whole run that replace those of the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// In place of [`Rule::refresh`].
    pub refresh: Option<bool>,
    /// In place of [`Rule::prefetch`].
    pub prefetch: Option<bool>,
}

/// A URL that a rule gives for a file, and how it is refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RuleUrl {
    pub(super) url: String,
    pub(super) kind: RefreshKind,
    /// Whether it is a page that a prefetch fetches. Of a page that has forms by an index file, that is the one of its directory.
    pub(super) is_fetched: bool,
}

/// The URLs that a rule gives for a file.
#[derive(Debug, Default)]
pub(super) struct RuleUrls {
    /// In the order of the templates.
    pub(super) urls: Vec<RuleUrl>,
    /// Why templates give no URL, a sentence fragment each.
    pub(super) missing: Vec<String>,
}

impl Rule {
    /// Whether a template takes values from the front matter of files.
    pub fn needs_front_matter(&self) -> bool {
        self.templates().any(|template| template.front_matter().is_some())
    }

    /// The directories, each ending in `/`, of which everything is known if the rule is complete: the fixed beginnings of its URLs.
    pub fn complete_below(&self) -> Vec<String> {
        let urls = self.urls.iter().filter(|template| self.complete && !template.is_constant());
        urls.map(|template| url::encode_given(template.fixed_directory())).collect()
    }

    /// The warning about captures of a pattern that a template uses and a greedy wildcard takes apart.
    pub(super) fn greedy_warning(&self, found: &Match<'_, '_>) -> Option<[String; 2]> {
        let highest = self.templates().filter_map(|template| Some(template.highest_capture()?.0)).max()?;
        let captures = found.captures();
        let greedy = greedy(found.pattern(), captures.all()).filter(|greedy| greedy.number <= highest)?;
        Some(greedy.warning(found.pattern(), captures.all()))
    }

    /// Whether it has no URLs, and warns instead.
    pub fn is_warning_only(&self) -> bool {
        self.warning.is_some() && self.templates().next().is_none()
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        self.urls.iter().chain(&self.directories).chain(&self.tags)
    }

    /// Whether what it gives for a folder as a whole, by [`Rule::urls_of_folder`], is what it gives for all files in it.
    pub(super) fn covers_folders(&self) -> bool {
        self.urls.iter().all(|template| self.is_for_folders(template)) && self.tags.iter().all(Template::is_constant)
    }

    /// Whether a template of `urls` can be about a folder: it is about more than a page, or about one that is always the same.
    fn is_for_folders(&self, template: &Template) -> bool {
        template.is_constant() || !matches!(self.kind, RefreshKind::Url | RefreshKind::AnyQuery)
    }

    /// The URLs of a folder whose files aren't known: all but those of single files.
    pub(super) fn urls_of_folder(&self, context: &TemplateContext<'_>) -> RuleUrls {
        self.urls_by(context, |template| self.is_for_folders(template))
    }

    /// Every URL of a file, in the order of the templates.
    pub(super) fn urls_of(&self, context: &TemplateContext<'_>) -> RuleUrls {
        self.urls_by(context, |_| true)
    }

    fn urls_by(&self, context: &TemplateContext<'_>, is_asked: impl Fn(&Template) -> bool) -> RuleUrls {
        let (mut urls, mut missing) = (Vec::new(), Vec::new());
        for template in self.urls.iter().filter(|template| is_asked(template)) {
            for url in forms(template, context, &self.encoded, self.kind == RefreshKind::Regex, &mut missing) {
                let kind = self.kind;
                match kind {
                    RefreshKind::Directory => {
                        urls.push(RuleUrl { url: url::as_directory(url), kind, is_fetched: false });
                    }
                    RefreshKind::Url | RefreshKind::AnyQuery => {
                        let of_index = url::of_index(&url, &self.index);
                        let fetched = usize::from(!of_index.is_empty());
                        for (form, url) in std::iter::once(url).chain(of_index).enumerate() {
                            let is_fetched = form == fetched;
                            let variants: Vec<_> =
                                self.queries.iter().map(|query| url::with_query(&url, query)).collect();
                            urls.extend(std::iter::once(url).chain(variants).map(|url| RuleUrl {
                                url,
                                kind,
                                is_fetched,
                            }));
                        }
                    }
                    RefreshKind::Prefix
                    | RefreshKind::Regex
                    | RefreshKind::Tag
                    | RefreshKind::Host
                    | RefreshKind::Everything => urls.push(RuleUrl { url, kind, is_fetched: false }),
                }
            }
        }
        for template in &self.directories {
            let forms = forms(template, context, &self.encoded, false, &mut missing);
            let kind = RefreshKind::Directory;
            urls.extend(forms.into_iter().map(|url| RuleUrl { url: url::as_directory(url), kind, is_fetched: false }));
        }
        for template in &self.tags {
            let forms = forms(template, context, &[Encoded::Encoded], false, &mut missing);
            urls.extend(forms.into_iter().map(|url| RuleUrl { url, kind: RefreshKind::Tag, is_fetched: false }));
        }
        RuleUrls { urls, missing }
    }
}

/// The forms in which a template's URLs are submitted, each once. A template without a URL adds the reason to `missing`.
fn forms(
    template: &Template,
    context: &TemplateContext<'_>,
    encoded: &[Encoded],
    expression: bool,
    missing: &mut Vec<String>,
) -> Vec<String> {
    let mut urls = Vec::with_capacity(encoded.len());
    for &encoded in encoded {
        match template.render(context, Form { encoded, expression }) {
            Ok(rendered) => {
                for url in rendered {
                    let url = if expression { url } else { url::with_head_of_clients(url) };
                    if !urls.contains(&url) {
                        urls.push(url);
                    }
                }
            }
            Err(problem) => {
                missing.push(problem);
                break;
            }
        }
    }
    urls
}
