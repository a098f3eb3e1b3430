use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::{Change, ChangeKind, EntryKind, Operation, PurgeMode, Reason, RefreshKind, RepoPath};

/// A rule over every file, at one target, that refreshes and prefetches.
pub(crate) fn rule(name: &str, files: &[&str], urls: &[&str]) -> Rule {
    Rule {
        name: name.into(),
        files: Globs::parse(&files.iter().map(|&text| text.to_owned()).collect::<Vec<_>>()).unwrap(),
        urls: urls.iter().map(|text| Template::parse(text).unwrap()).collect(),
        directories: Vec::new(),
        tags: Vec::new(),
        targets: vec!["main".into()],
        refresh: true,
        prefetch: true,
        kind: RefreshKind::Url,
        mode: PurgeMode::Default,
        index: Vec::new(),
        encoded: vec![Encoded::Encoded],
        queries: Vec::new(),
        allow_everything: false,
        immutable: false,
        complete: false,
        warning: None,
    }
}

fn change(path: &str, kind: ChangeKind) -> Change {
    Change { path: RepoPath::new(path), kind, entry: EntryKind::File }
}

fn modified(path: &str) -> Change {
    change(path, ChangeKind::Modified)
}

/// Tasks and skipped files as text, a line each.
fn lines(mapped: &Mapped) -> Vec<String> {
    let tasks = mapped.tasks.iter().map(|task| {
        let kind = match task.operation {
            Operation::Refresh(RefreshKind::Url) | Operation::Prefetch => String::new(),
            Operation::Refresh(kind) => format!(" {}", kind.name()),
        };
        let mode = if task.mode == PurgeMode::Hard { " hard" } else { "" };
        format!("{}: {}{kind}{mode} {}", task.target, task.operation.name(), task.subject)
    });
    tasks.chain(mapped.skipped.iter().map(|skipped| format!("{}: {}", skipped.file, skipped.why))).collect()
}

fn mapped(change: Change, rules: &[Rule]) -> Vec<String> {
    lines(&map(&[change], rules, Overrides::default()))
}

#[test]
fn a_changed_file_is_refreshed_and_prefetched_at_every_target() {
    let mut rule = rule("site", &["public/**"], &["https://h.example/{tail}"]);
    rule.targets = vec!["mainland".into(), "world".into()];
    rule.mode = PurgeMode::Hard;
    let result = map(&[modified("public/a.html")], &[rule], Overrides::default());
    assert_eq!(
        lines(&result),
        [
            "mainland: refresh hard https://h.example/a.html",
            "mainland: prefetch https://h.example/a.html",
            "world: refresh hard https://h.example/a.html",
            "world: prefetch https://h.example/a.html",
        ]
    );
    let reason = Reason { rule: "site".into(), file: Some(Arc::new(RepoPath::new("public/a.html"))) };
    assert!(result.tasks.iter().all(|task| task.because == [reason.clone()]));
}

#[test]
fn every_matching_rule_contributes() {
    let rules =
        [rule("a", &["**"], &["https://a.example/{path}"]), rule("b", &["*.md"], &["https://b.example/{stem}"])];
    let urls: Vec<_> = map(&[modified("x.md")], &rules, Overrides::default())
        .tasks
        .into_iter()
        .map(|task| task.subject.value)
        .collect();
    assert_eq!(
        urls,
        ["https://a.example/x.md", "https://a.example/x.md", "https://b.example/x", "https://b.example/x"]
    );
}

#[test]
fn a_deleted_file_is_refreshed_and_never_prefetched() {
    let rules = [rule("a", &["**"], &["https://h.example/{path}"])];
    assert_eq!(mapped(change("x", ChangeKind::Deleted), &rules), ["main: refresh https://h.example/x"]);
}

#[test]
fn a_renamed_file_is_refreshed_at_both_urls_by_the_rules_of_each() {
    let rules = [
        rule("old", &["old/*"], &["https://old.example/{1}"]),
        rule("new", &["new/*", "!new/hidden*"], &["https://new.example/{1}"]),
    ];
    let renamed = |from: &str, to: &str| change(to, ChangeKind::Renamed { from: RepoPath::new(from) });
    assert_eq!(
        mapped(renamed("old/a", "new/b"), &rules),
        [
            "main: refresh https://old.example/a",
            "main: refresh https://new.example/b",
            "main: prefetch https://new.example/b"
        ]
    );
    assert_eq!(
        mapped(renamed("x", "new/hidden"), &rules),
        ["x: no rule matches it", "new/hidden: excluded by `!new/hidden*` of rule `new`"]
    );
    assert_eq!(mapped(renamed("old/a", "x"), &rules), ["main: refresh https://old.example/a", "x: no rule matches it"]);
}

#[test]
fn a_symlink_is_a_file_and_a_submodule_or_folder_counts_for_rules_that_are_not_about_its_files() {
    let rules = [rule("a", &["**"], &["https://h.example/{path}"])];
    let of = |entry| mapped(Change { entry, ..modified("x") }, &rules);
    assert_eq!(of(EntryKind::Symlink), of(EntryKind::File));
    assert_eq!(of(EntryKind::Submodule), ["x: a submodule whose changed files aren't known; rule `a` may select some"]);
    assert_eq!(of(EntryKind::Folder), ["x: a folder; rule `a` is about the files that changed in it"]);
    let mut site = rule("site", &["themes/**"], &["https://h.example/"]);
    (site.kind, site.prefetch) = (RefreshKind::Directory, false);
    let mut named = rule("named", &["themes/*"], &["https://h.example/{name}.css"]);
    named.prefetch = false;
    let rules = [site, named, rule("other", &["public/**", "*"], &["https://h.example/{path}"])];
    let of = |entry| {
        let changes = [Change { entry, ..modified("themes/mini") }];
        let mapped = map(&changes, &rules, Overrides::default());
        let unresolved: Vec<_> = mapped.unresolved.iter().map(|(path, rule)| format!("{path} {rule}")).collect();
        (lines(&mapped), unresolved)
    };
    let (all, named) = ("main: refresh(directory) https://h.example/", "main: refresh https://h.example/mini.css");
    let (tasks, unresolved) = of(EntryKind::Submodule);
    assert!(tasks.len() == 2 && tasks[0].ends_with(" https://h.example/") && tasks[1] == named, "{all}: {tasks:?}");
    assert_eq!(unresolved, [""; 0]);
    assert_eq!(of(EntryKind::Folder).0, [named]);
}

#[test]
fn a_submodule_is_unresolved_where_a_rule_may_have_urls_for_files_in_it() {
    let of = |patterns: &[&str], refresh| {
        let pages = rule("pages", patterns, &["https://h.example/{path}"]);
        let mut with_folder = rule("folder", patterns, &["https://h.example/{path}"]);
        with_folder.directories = vec![Template::parse_directory("https://h.example/{dir}/").unwrap()];
        let change = [Change { entry: EntryKind::Submodule, ..modified("docs/lib") }];
        let overrides = Overrides { refresh: Some(refresh), prefetch: Some(false) };
        map(&change, &[pages, with_folder], overrides).unresolved.len()
    };
    assert_eq!(of(&["**"], true), 1);
    assert_eq!(of(&["**/*.html"], true), 1);
    assert_eq!(of(&["docs/lib/x/*"], true), 1);
    assert_eq!(of(&["**", "!docs/lib/**"], true), 0);
    assert_eq!(of(&["docs/*"], true), 0);
    assert_eq!(of(&["public/**"], true), 0);
    assert_eq!(of(&["**"], false), 0, "nothing is to be done");
}

#[test]
fn overrides_beat_the_rules() {
    let mut quiet = rule("quiet", &["**"], &["https://h.example/{path}"]);
    (quiet.refresh, quiet.prefetch) = (false, false);
    let with = |refresh, prefetch, kind| {
        lines(&map(&[change("x", kind)], std::slice::from_ref(&quiet), Overrides { refresh, prefetch }))
    };
    assert_eq!(with(Some(true), None, ChangeKind::Added), ["main: refresh https://h.example/x"]);
    assert_eq!(with(None, Some(true), ChangeKind::Added), ["main: prefetch https://h.example/x"]);
    assert_eq!(
        with(None, Some(true), ChangeKind::Deleted),
        ["x: rule `quiet` matches it and doesn't refresh; a deleted file is never prefetched"]
    );
    assert_eq!(
        with(None, None, ChangeKind::Added),
        ["x: rule `quiet` matches it and neither refreshes nor prefetches"]
    );
}

#[test]
fn directories_and_expressions_are_never_prefetched() {
    let mut templates = rule("templates", &["templates/**"], &[]);
    templates.directories = vec![Template::parse("https://h.example/{dir}").unwrap()];
    let mut expression = rule("expression", &["lib/**"], &[]);
    expression.urls = vec![Template::parse_expression(r"https://h.example/{dir}/.*\.js").unwrap()];
    expression.kind = RefreshKind::Regex;
    let mut directory = rule("directory", &["docs/*/**"], &["https://h.example/{1}"]);
    directory.kind = RefreshKind::Directory;
    let mut pages = rule("pages", &["pages/*"], &["https://h.example/{1}"]);
    pages.kind = RefreshKind::AnyQuery;
    let rules = [templates, expression, directory, pages];
    assert_eq!(
        mapped(modified("templates/a/b.tpl"), &rules),
        ["main: refresh directory https://h.example/templates/a/"]
    );
    assert_eq!(mapped(modified("lib/c++/a.js"), &rules), [r"main: refresh regex https://h.example/lib/c\+\+/.*\.js"]);
    assert_eq!(mapped(modified("docs/x/y/z"), &rules), ["main: refresh directory https://h.example/x/"]);
    assert_eq!(
        mapped(modified("pages/a"), &rules),
        ["main: refresh any-query https://h.example/a", "main: prefetch https://h.example/a"]
    );
    let only_prefetch = Overrides { refresh: Some(false), prefetch: None };
    assert_eq!(
        lines(&map(&[modified("lib/a.js")], &rules, only_prefetch)),
        ["lib/a.js: rule `expression` matches it and only prefetches, and has no page to fetch"]
    );
}

#[test]
fn index_files_encoded_forms_and_queries_multiply() {
    let mut rule = rule("site", &["**"], &["https://h.example/{path}"]);
    rule.prefetch = false;
    rule.index = vec!["index.html".into()];
    rule.encoded = vec![Encoded::Encoded, Encoded::Raw];
    rule.queries = vec!["w=1".into()];
    assert_eq!(
        mapped(modified("é/index.html"), &[rule]),
        [
            "main: refresh https://h.example/%C3%A9/index.html",
            "main: refresh https://h.example/%C3%A9/index.html?w=1",
            "main: refresh https://h.example/%C3%A9/",
            "main: refresh https://h.example/%C3%A9/?w=1",
            "main: refresh https://h.example/%C3%A9",
            "main: refresh https://h.example/%C3%A9?w=1",
            "main: refresh https://h.example/é/index.html",
            "main: refresh https://h.example/é/index.html?w=1",
            "main: refresh https://h.example/é/",
            "main: refresh https://h.example/é/?w=1",
            "main: refresh https://h.example/é",
            "main: refresh https://h.example/é?w=1",
        ]
    );
}

#[test]
fn both_forms_of_a_name_in_ascii_are_one() {
    let mut rule = rule("site", &["**"], &["https://h.example/{path}"]);
    (rule.prefetch, rule.encoded) = (false, vec![Encoded::Encoded, Encoded::Raw]);
    assert_eq!(mapped(modified("a b"), std::slice::from_ref(&rule)), ["main: refresh https://h.example/a%20b"]);
    rule.encoded = vec![Encoded::Raw];
    assert_eq!(mapped(modified("文 b"), &[rule]), ["main: refresh https://h.example/文%20b"]);
}

/// As clients spell it: a provider may compare letter by letter.
#[test]
fn scheme_and_host_are_in_lower_case_and_the_path_stays() {
    let mut site = rule("site", &["public/**"], &["HTTPS://Docs.Example.com/{tail}"]);
    site.prefetch = false;
    assert_eq!(mapped(modified("public/A/b.HTML"), &[site]), ["main: refresh https://docs.example.com/A/b.HTML"]);
}

fn any_change() -> impl Strategy<Value = Change> {
    let path = || "[abé]{1,2}(/[abé.]{1,3}){0,2}".prop_map(RepoPath::new);
    let kind = prop_oneof![
        Just(ChangeKind::Added),
        Just(ChangeKind::Modified),
        Just(ChangeKind::Deleted),
        path().prop_map(|from| ChangeKind::Renamed { from }),
    ];
    let entry =
        prop::sample::select(vec![EntryKind::File, EntryKind::Symlink, EntryKind::Submodule, EntryKind::Folder]);
    (path(), kind, entry).prop_map(|(path, kind, entry)| Change { path, kind, entry })
}

proptest! {
    #[test]
    fn every_path_is_in_a_task_or_skipped_and_never_both(
        changes in prop::collection::vec(any_change(), 0..8),
        patterns in prop::collection::vec(prop::sample::select(vec!["a/**", "b", "**/é", "*", "!a/b/*", "!**/a"]), 1..4),
        refresh: Option<bool>,
        prefetch: Option<bool>,
    ) {
        let mut patterns = patterns;
        patterns.push("*/{a,b}*");
        let rules = [
            rule("one", &patterns, &["https://h.example/{tail}"]),
            rule("two", &["a*/*/**"], &["https://h.example/{1}/{3}", "https://h.example/{dir}/"]),
        ];
        for change in changes {
            let mapped = map(std::slice::from_ref(&change), &rules, Overrides { refresh, prefetch });
            let gone = match &change.kind {
                ChangeKind::Deleted => Some(&change.path),
                ChangeKind::Renamed { from } => Some(from),
                _ => None,
            };
            prop_assume!(change.kind == ChangeKind::Deleted || gone != Some(&change.path));
            for path in gone.into_iter().chain([&change.path]) {
                let tasks = || mapped.tasks.iter().filter(|task| task.because.iter().any(|reason| reason.file.as_deref() == Some(path)));
                let skipped = mapped.skipped.iter().filter(|skipped| skipped.file == *path).count();
                prop_assert_eq!(usize::from(tasks().count() > 0) + skipped, 1);
                prop_assert!(gone != Some(path) || tasks().all(|task| task.operation != Operation::Prefetch));
            }
            prop_assert!(mapped.tasks.iter().all(|task| url::host(&task.subject.value) == Some("h.example")));
        }
    }
}
