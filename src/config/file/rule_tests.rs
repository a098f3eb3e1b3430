//! What is said about a rule that can't be used, and where.

use super::keys::{KINDS, RULE_KEYS};
use super::tests::{HEAD, problems};
use crate::model::{Operation, RefreshKind};
use crate::providers::PROVIDERS;

/// The problems of a rule that begins at line 6, column 5 of a file that is right otherwise.
fn rule_problems(rule: &str) -> Vec<String> {
    problems(&format!("{HEAD}rules:\n  - {}\n", rule.replace('\n', "\n    ")))
}

#[test]
fn a_target_that_is_not_configured_is_told_with_the_nearest() {
    assert_eq!(
        rule_problems("files: a\nurls: https://example.com/{tail}\ntargets: [main, mian]"),
        ["8:21 this rule names a target that isn't configured: `mian` | did you mean `main`?"]
    );
}

/// What one rule may do by its name no other may by the same.
#[test]
fn no_two_rules_have_the_same_name() {
    let rules = "  - files: a\n    urls: https://e.example/a\n    name: rules[2]\n  - files: b\n    urls: https://e.example/b\n  \
                 - files: c\n    urls: https://e.example/c\n";
    assert_eq!(
        problems(&format!("{HEAD}rules:\n{rules}")),
        [
            "11:5 another rule is named `rules[2]` too | give each rule its own name: `allow-everything` and reports refer to it"
        ]
    );
}

#[test]
fn what_is_immutable_has_pages_alone() {
    let told = rule_problems(
        "files: a\nurls: https://e.example/a\ndirectories: https://e.example/b/\ntargets: main\nimmutable: true",
    );
    assert!(
        told.len() == 1 && told[0].contains("`directories` doesn't apply to this rule | the rule is `immutable`"),
        "{told:?}"
    );
    let told = rule_problems("files: a\nurls: https://e.example/b/\nkind: directory\ntargets: main\nimmutable: true");
    assert!(told.len() == 1 && told[0].contains("`immutable` doesn't apply to this rule"), "{told:?}");
    assert_eq!(rule_problems("files: a\nurls: https://e.example/a\nimmutable: true"), [""; 0]);
}

#[test]
fn a_rule_is_checked_key_by_key() {
    for (rule, expected) in [
        ("urls: https://e.example/", "6:5 this rule has no `files`"),
        ("files: a", "6:5 this rule maps to no URLs"),
        ("files: []\nurls: https://e.example/", "6:12 `files` is an empty list"),
        ("files: [a, '']\nurls: https://e.example/", "6:16 `files` is empty"),
        ("files: [a, [b]]\nurls: https://e.example/", "6:16 `files` is a list, not text"),
        ("files: {a: b}\nurls: https://e.example/", "6:12 `files` is a mapping, not text"),
        ("files: a\nurls: https://e.example/\nindex: a/b.html", "8:12 `a/b.html` isn't a file name"),
        ("files: a\nurls: https://e.example/\nencoded: cooked", "8:14 `encoded` is `cooked`"),
        (
            "files: a\nurls: https://e.example/\nqueries: '?a=1'",
            "8:14 a query string is written without the `?` | write it without `?`: `a=1`",
        ),
        ("files: a\nurls: https://e.example/\nqueries: a b", "8:14 `a b` isn't a query string"),
        ("files: a\nurls: https://e.example/\nprefetch: 1", "8:15 `prefetch` is `1`"),
        ("files: a\nurls: https://e.example/\nname: \"a\\nb\"", "8:11 this can't be a rule's name"),
        (
            "files: a\nurls: https://e.example/\nrefresh: false",
            "8:5 this rule neither refreshes nor prefetches | remove `refresh: false`, or add `prefetch: true`",
        ),
    ] {
        let found = rule_problems(rule);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{rule}: {found:?}");
    }
    assert!(rule_problems("just text")[0].starts_with("6:5 `rules[0]` is text, not a mapping"));
}

#[test]
fn what_would_change_nothing_beside_the_rest_of_a_rule_is_told() {
    let page = "files: a\nurls: https://e.example/{tail}\ntargets: main\n";
    let folder = "files: a\ndirectories: https://e.example/a/\ntargets: main\n";
    let tag = "files: a\ntags: https://e.example/#a\n";
    let below = "files: a\nurls: https://e.example/{dir}/\ntargets: main\n";
    for (rule, kind, key) in [
        (below, "kind: directory", "index: index.html"),
        (page, "kind: regex", "index: [index.html]"),
        (below, "kind: directory", "queries: a=1"),
        (page, "kind: regex", "queries: [a=1]"),
        (below, "kind: directory", "prefetch: true"),
        (page, "kind: regex", "prefetch: true"),
        (folder, "name: x", "index: index.html"),
        (folder, "name: x", "queries: a=1"),
        (folder, "name: x", "prefetch: true"),
        (folder, "name: x", "kind: directory"),
        (folder, "name: x", "complete: true"),
        (below, "kind: directory", "complete: true"),
        ("files: a\nurls: https://e.example/{front.slug}\ntargets: main\n", "name: x", "complete: true"),
        (page, "name: x", "allow-everything: true"),
    ] {
        let found = rule_problems(&format!("{rule}{kind}\n{key}"));
        let name = key.split(':').next().unwrap();
        assert_eq!(found.len(), 1, "{kind}, {key}: {found:?}");
        assert!(found[0].starts_with(&format!("10:5 `{name}` doesn't apply ")), "{kind}, {key}: {found:?}");
    }
    // No provider of these tests knows tags, which is reported too.
    for key in
        ["encoded: raw", "index: index.html", "queries: a=1", "prefetch: true", "kind: url", "allow-everything: true"]
    {
        let found = rule_problems(&format!("{tag}targets: main\n{key}"));
        let expected = format!("9:5 `{}` doesn't apply ", key.split(':').next().unwrap());
        assert!(found.len() == 2 && found[1].starts_with(&expected), "{key}: {found:?}");
    }
    for (rule, key) in [
        (page, "index: index.html\nqueries: a=1\nprefetch: true\nencoded: both"),
        (
            page,
            "index: index.html\nqueries: a=1\nprefetch: true\ndirectories: https://e.example/\nallow-everything: true",
        ),
        (page, "kind: regex\nencoded: raw\nallow-everything: true"),
        (page, "complete: true\nallow-everything: true"),
        (below, "kind: directory\nprefetch: false\nallow-everything: true"),
        (folder, "encoded: raw\nallow-everything: false\nprefetch: false"),
    ] {
        let found = rule_problems(&format!("{rule}{key}"));
        assert!(found.is_empty(), "{key}: {found:?}");
    }
}

#[test]
fn a_rule_that_only_prefetches_needs_a_page() {
    for rule in [
        "files: a\ndirectories: https://e.example/a/\ntargets: main\nprefetch: true\nrefresh: false",
        "files: a\nurls: https://e.example/a/\nkind: regex\ntargets: main\nprefetch: true\nrefresh: false",
    ] {
        let found = rule_problems(rule);
        assert!(found.len() == 1 && found[0].contains("this rule neither refreshes nor prefetches"), "{found:?}");
    }
}

#[test]
fn the_root_of_a_host_is_refreshed_only_when_asked_for() {
    let root = "files: a\ndirectories: https://e.example/\ntargets: main";
    assert_eq!(
        rule_problems(root),
        ["7:18 this refreshes everything of `e.example` | if that is meant, add `allow-everything: true` to the rule"]
    );
    assert!(rule_problems(&format!("{root}\nallow-everything: true")).is_empty());
    assert!(rule_problems("files: a\ndirectories: https://e.example/a/\ntargets: main").is_empty());
    assert_eq!(rule_problems("files: a\nurls: https://e.example/\nkind: directory\ntargets: main").len(), 1);
}

#[test]
fn what_a_provider_cannot_do_is_told_with_what_it_can() {
    assert_eq!(
        rule_problems("files: a\nurls: https://e.example/{tail}\nkind: regex"),
        [
            "8:11 `plain-cdn`, the provider of `other`, has no regex refreshes | it has URL refreshes: give this rule other `targets`, or change it"
        ]
    );
    // What has no prefetch is fetched through the CDN.
    assert!(rule_problems("files: a\nurls: https://e.example/{tail}\nprefetch: true").is_empty());
    assert_eq!(rule_problems("files: a\ndirectories: https://e.example/a/").len(), 1);
    assert!(rule_problems("files: a\nurls: https://e.example/{tail}\nkind: regex\ntargets: main").is_empty());
}

#[test]
fn duplicate_keys_are_told_with_the_first_place() {
    assert_eq!(
        rule_problems("files: a\nurls: https://e.example/\nfiles: b\nurls: c"),
        [
            "8:5 `files` is a duplicate key | it is already set in line 6: keep one of the two",
            "9:5 `urls` is a duplicate key | it is already set in line 7: keep one of the two",
        ]
    );
}

#[test]
fn an_unquoted_pattern_that_yaml_reads_otherwise_is_told_how_to_quote() {
    assert_eq!(
        rule_problems("files: [*.html]\nurls: https://e.example/"),
        ["6:13 `*.html` refers to an unknown anchor | if it is a pattern, quote it: `'*.html'`"]
    );
    let found = rule_problems("files:\n  - a\n  - !b/*.map\nurls: https://e.example/");
    assert!(
        found[0].starts_with("8:9 `!b/*.map` is a YAML tag; tags are not supported | if it is a pattern, quote it"),
        "{found:?}"
    );
}

#[test]
fn the_words_of_kind_are_the_refreshes_that_some_provider_offers() {
    let is_offered =
        |kind: &RefreshKind| PROVIDERS.iter().any(|provider| provider.operation(Operation::Refresh(*kind)).is_some());
    // A tag isn't a kind of URL: it has templates of its own.
    let kinds = RefreshKind::ALL.into_iter().filter(|kind| *kind != RefreshKind::Tag).filter(is_offered);
    assert!(KINDS.iter().copied().eq(kinds.map(RefreshKind::name)));
    assert!(RULE_KEYS.iter().all(|key| !key.help.ends_with('.')));
}

#[test]
fn a_glob_is_blamed_in_its_list() {
    let found = rule_problems("files:\n  - 'a/**'\n  - 'b/[a-'\n  - \"c/{d\"\nurls: https://e.example/{tail}");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("8:9 unclosed `[`") && found[1].starts_with("9:9 unclosed `{`"), "{found:?}");
    let found = rule_problems("files: '!a'\nurls: https://e.example/{tail}");
    assert!(found.len() == 1 && found[0].starts_with("6:12 "), "{found:?}");
}

#[test]
fn a_placeholder_is_blamed_at_its_own_column() {
    for (written, column) in [
        ("https://e.example/{tial}", 29),
        ("'https://e.example/{tial}'", 30),
        ("\"https://e.example/{tial}\"", 30),
        ("'https://e.example/ü/{tial}'", 32),
    ] {
        let found = rule_problems(&format!("files: a/**\n\nurls: {written}"));
        assert_eq!(found.len(), 1, "{written}: {found:?}");
        assert!(found[0].starts_with(&format!("8:{column} unknown placeholder `{{tial}}`")), "{written}: {found:?}");
        assert!(found[0].contains("`{tail}`"), "{found:?}");
    }
}

#[test]
fn text_that_yaml_spells_otherwise_is_blamed_as_a_whole() {
    for (written, place) in [
        ("\"https://e.example/\\x61/{tial}\"", "7:11 "),
        ("'https://e.example/''/{tial}'", "7:11 "),
        (">-\n  https://e.example/\n  {tial}", "8:7 "),
    ] {
        let found = rule_problems(&format!("files: a/**\nurls: {written}"));
        let unknown = found.iter().find(|problem| problem.contains("{tial}")).unwrap();
        assert!(unknown.starts_with(place), "{written}: {found:?}");
    }
}

#[test]
fn a_placeholder_that_no_wildcard_fills_is_told() {
    let found = rule_problems("files: 'posts/*/*.md'\nurls: 'https://e.example/{1}/{3}/'");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("7:34 `{3}` is never filled: a pattern of `files` has 2 wildcards"), "{found:?}");
    assert!(rule_problems("files: 'posts/*/*.md'\nurls: 'https://e.example/{1}/{2}/'").is_empty());
    let found = rule_problems("files: ['posts/*/*.md', 'x']\ndirectories: 'https://e.example/{1}/'\ntargets: main");
    assert!(found[0].contains("a pattern of `files` has no wildcard"), "{found:?}");
}
