//! The scope of a rule: the operations and hosts that it can ever ask for, whatever changes.

use std::collections::BTreeSet;

use super::rule::{Overrides, Rule};
use crate::model::{Operation, RefreshKind};

impl Rule {
    /// Every operation that a change can cause, in the order of [`Operation::ALL`].
    pub fn operations(&self, overrides: Overrides) -> Vec<Operation> {
        let refreshes = overrides.refresh.unwrap_or(self.refresh);
        let prefetches = overrides.prefetch.unwrap_or(self.prefetch);
        let is_asked = |operation: &Operation| match operation {
            Operation::Refresh(kind) => refreshes && !self.immutable && self.kinds().contains(kind),
            Operation::Prefetch => {
                prefetches && !self.urls.is_empty() && matches!(self.kind, RefreshKind::Url | RefreshKind::AnyQuery)
            }
        };
        Operation::ALL.into_iter().filter(is_asked).collect()
    }

    /// The hosts of its URLs, in lower case. A pattern that may match at several hosts counts for none.
    pub fn hosts(&self) -> BTreeSet<String> {
        let urls = self.urls.iter().map(|template| template.host(self.kind == RefreshKind::Regex));
        let others = self.directories.iter().chain(&self.tags).map(|template| template.host(false));
        urls.chain(others).flatten().map(|host| host.to_lowercase()).collect()
    }

    fn kinds(&self) -> BTreeSet<RefreshKind> {
        let of = |templates: &[_], kind: RefreshKind| (!templates.is_empty()).then_some(kind);
        let kinds = [
            of(&self.urls, self.kind),
            of(&self.directories, RefreshKind::Directory),
            of(&self.tags, RefreshKind::Tag),
        ];
        kinds.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Template, tests};

    fn rule(kind: RefreshKind, urls: &[&str], directories: &[&str], tags: &[&str]) -> Rule {
        let of_urls = if kind == RefreshKind::Regex { Template::parse_expression } else { Template::parse };
        let templates = |texts: &[&str]| texts.iter().map(|text| of_urls(text).unwrap()).collect();
        Rule {
            urls: templates(urls),
            directories: templates(directories),
            tags: tags.iter().map(|text| Template::parse_tag(text).unwrap()).collect(),
            kind,
            ..tests::rule("rule", &["**"], &[])
        }
    }

    const PAGES: &[&str] = &["https://WWW.example.com:8443/{tail}"];

    #[test]
    fn every_form_of_url_is_an_operation_of_its_own() {
        use Operation::{Prefetch, Refresh};
        let usual = Overrides::default();
        let pages = rule(RefreshKind::Url, PAGES, &[], &[]);
        assert_eq!(pages.operations(usual), [Refresh(RefreshKind::Url), Prefetch]);
        let all = rule(RefreshKind::AnyQuery, PAGES, &["https://b.test/{dir}/"], &["https://c.test/#{stem}"]);
        let refreshes = [Refresh(RefreshKind::Directory), Refresh(RefreshKind::AnyQuery), Refresh(RefreshKind::Tag)];
        assert_eq!(all.operations(usual), [&refreshes[..], &[Prefetch]].concat());
        // What isn't one page can't be fetched.
        assert_eq!(rule(RefreshKind::Directory, PAGES, &[], &[]).operations(usual), [Refresh(RefreshKind::Directory)]);
        assert_eq!(
            rule(RefreshKind::Url, &[], &["https://b.test/{dir}/"], &[]).operations(usual),
            [Refresh(RefreshKind::Directory)]
        );
    }

    #[test]
    fn the_whole_runs_options_replace_those_of_the_rule() {
        let pages = rule(RefreshKind::Url, PAGES, &[], &[]);
        let only = |refresh, prefetch| pages.operations(Overrides { refresh: Some(refresh), prefetch: Some(prefetch) });
        assert_eq!(only(false, true), [Operation::Prefetch]);
        assert_eq!(only(true, false), [Operation::Refresh(RefreshKind::Url)]);
        assert!(only(false, false).is_empty());
    }

    #[test]
    fn hosts_are_those_of_all_urls() {
        let all = rule(RefreshKind::Url, PAGES, &["https://b.test/{dir}/"], &["https://c.test/#{stem}"]);
        assert_eq!(Vec::from_iter(all.hosts()), ["b.test", "c.test", "www.example.com"]);
        let pattern = rule(RefreshKind::Regex, &[r"https://a.test/{dir}/.*\.html"], &[], &[]);
        assert_eq!(Vec::from_iter(pattern.hosts()), ["a.test"]);
        let several = rule(RefreshKind::Regex, &[r"https://a.test/{dir}/x|https://b.test/y"], &[], &[]);
        assert!(several.hosts().is_empty());
    }
}
