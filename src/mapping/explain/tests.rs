use super::*;
use crate::mapping::tests::rule;
use crate::mapping::{Encoded, Overrides, map};
use crate::model::{Change, ChangeKind, EntryKind, Operation};

fn lines(path: impl Into<Vec<u8>>, rules: &[Rule]) -> String {
    explain(&RepoPath::new(path), rules, &Ok(FrontMatter::default())).lines().join("\n")
}

fn rules() -> [Rule; 4] {
    let mut site = rule("site", &["public/**", "!**/*.map"], &["https://h.example/{tail}"]);
    site.index = vec!["index.html".into()];
    site.targets = vec!["mainland".into(), "world".into()];
    let posts = rule("posts", &["content/posts/*/*.md"], &["https://h.example/posts/{1}/{2}/"]);
    let mut docs = rule("docs", &["{docs,public/docs}/**"], &["https://h.example/{1}/{dir}"]);
    (docs.kind, docs.prefetch) = (RefreshKind::Directory, false);
    let mut quiet = rule("quiet", &["*"], &["https://h.example/{name}"]);
    (quiet.refresh, quiet.prefetch) = (false, false);
    [site, posts, docs, quiet]
}

#[test]
fn a_matched_path_shows_patterns_placeholders_and_urls() {
    insta::assert_snapshot!(lines("public/docs/index.html", &rules()));
}

#[test]
fn an_excluded_path_names_the_pattern_and_no_closest_rule() {
    insta::assert_snapshot!(lines("public/a.js.map", &rules()));
}

#[test]
fn a_path_without_a_rule_names_the_closest() {
    let last = |path: &str| explain(&RepoPath::new(path), &rules(), &Ok(FrontMatter::default())).closest;
    let closest = |rule: &str, rest: &str| Some(format!("rule `{rule}` comes closest: its pattern {rest}"));
    assert_eq!(last("content/posts/a.md"), closest("posts", "`content/posts/*/*.md` begins with `content/posts/` too"));
    assert_eq!(last("Public/**"), closest("site", "is `public/**`"));
    assert_eq!(last("文/文文文"), None);
    assert_eq!(explain(&RepoPath::new("a"), &[], &Ok(FrontMatter::default())).lines(), ["a"]);
}

#[test]
fn names_outside_utf8_and_urls_that_can_not_be_requested_are_shown() {
    let rules = [rule("dots", &["?*.html"], &["https://h.example/{1}/{stem}/x"])];
    insta::assert_snapshot!(
        lines(b"caf\xe9.html", &[rule("latin", &["*"], &["https://h.example/{1}"])]) + "\n" + &lines("...html", &rules)
    );
}

#[test]
fn the_explanation_names_the_urls_that_the_mapping_gives() {
    let mut site = rule("site", &["**"], &["https://h.example/{path}"]);
    (site.index, site.encoded, site.queries) =
        (vec!["i".into()], vec![Encoded::Encoded, Encoded::Raw], vec!["q".into()]);
    let rules = [site];
    let path = RepoPath::new("é/i");
    let Finding::Matched { urls, .. } = &explain(&path, &rules, &Ok(FrontMatter::default())).rules[0].finding else {
        panic!("not matched")
    };
    let explained: Vec<_> = urls
        .iter()
        .flat_map(|url| {
            let refresh = url.refresh.map(|kind| (Operation::Refresh(kind), url.url.clone()));
            refresh.into_iter().chain(url.prefetch.then(|| (Operation::Prefetch, url.url.clone())))
        })
        .collect();
    let change = Change { path, kind: ChangeKind::Added, entry: EntryKind::File };
    let mapped = map(&[change], &rules, Overrides::default()).tasks;
    assert_eq!(
        explained,
        mapped.into_iter().map(|task| (task.operation, task.subject.to_string())).collect::<Vec<_>>()
    );
}
