//! What a configuration says, and what is said about one that can't be used.

use proptest::prelude::*;

use super::source::Source;
use super::{Configuration, parse};
use crate::config::fixtures::PROVIDERS;
use crate::config::settings::CredentialChoice;
use crate::error::Diagnostic;
use crate::mapping::Encoded;
use crate::model::PurgeMode;
use crate::model::RefreshKind;
use crate::provider::OptionValue;

fn read(text: &str) -> Result<Configuration, Vec<Diagnostic>> {
    parse(&Source::new("cdn.yml", text), PROVIDERS)
}

/// Every problem as `line:column title | help`.
pub(super) fn problems(text: &str) -> Vec<String> {
    let found = read(text).err().unwrap_or_default();
    found
        .iter()
        .map(|problem| {
            let place =
                problem.place.as_ref().map_or_else(String::new, |place| format!("{}:{} ", place.line, place.column));
            format!("{place}{} | {}", problem.title, problem.help.as_deref().unwrap_or("no help"))
        })
        .collect()
}

/// A right beginning of four lines.
pub(super) const HEAD: &str = "version: 1\ntargets:\n  main: {provider: swift-cdn}\n  other: {provider: plain-cdn}\n";

#[test]
fn the_whole_format_is_read() {
    let configuration = read(
        "\u{feff}# yaml-language-server: $schema=./schema.json\r
version: 1\r
wait: refresh\r
timeout: 90\r
batch-size: 20\r
sequential: true\r
targets:\r
  mainland:\r
    provider: swift-cdn\r
    area: domestic\r
    l2: false\r
    headers: {X-One: a, X-Two: [b, c], X-None: ''}\r
  world:\r
    provider: plain-cdn\r
rules:\r
  - files: [\"public/**\", \"!public/**/*.map\"]\r
    urls: \"https://www.example.com/{tail}\"\r
  - name: posts\r
    files: content/posts/*/*.md\r
    urls:\r
      - https://www.example.com/posts/{1}/{2}/\r
    directories: https://www.example.com/\r
    targets: [mainland]\r
    refresh: True\r
    prefetch: true\r
    kind: any-query\r
    purge-mode: hard\r
    index: index.html\r
    encoded: [encoded, raw]\r
    queries: [a=1, b=2]\r
    allow-everything: true\r
",
    )
    .unwrap();
    let names: Vec<_> = configuration.targets.iter().map(|target| (&*target.name, target.provider.name)).collect();
    assert_eq!(names, [("mainland", "swift-cdn"), ("world", "plain-cdn")]);
    let options = &configuration.targets[0].options;
    assert_eq!(options["area"], OptionValue::Word("domestic".into()));
    assert_eq!(options["l2"], OptionValue::Boolean(false));
    let OptionValue::Headers(headers) = &options["headers"] else { panic!("headers") };
    assert_eq!((&headers["X-Two"][..], &headers["X-None"][..]), (&["b".into(), "c".into()][..], &[" ".into()][..]));
    let [first, second] = configuration.rules.as_slice() else { panic!("two rules") };
    assert_eq!((&*first.name, first.urls.len(), first.targets.len()), ("rules[0]", 1, 2));
    assert!(first.refresh && !first.prefetch && first.mode == PurgeMode::Default && !first.allow_everything);
    assert_eq!((first.kind, &*first.encoded), (RefreshKind::Url, &[Encoded::Encoded][..]));
    assert_eq!((&*second.name, second.kind), ("posts", RefreshKind::AnyQuery));
    assert_eq!(second.encoded, [Encoded::Encoded, Encoded::Raw]);
    assert!(second.refresh && second.prefetch && second.mode == PurgeMode::Hard && second.allow_everything);
    assert_eq!((second.directories.len(), &*second.targets[0], second.targets.len()), (1, "mainland", 1));
    assert_eq!((second.index.as_slice(), second.queries.len()), (["index.html".to_owned()].as_slice(), 2));
    let set: Vec<_> = configuration.options.iter().map(|(entry, _)| entry.name).collect();
    assert_eq!(set, ["wait", "timeout", "batch-size", "sequential"]);
    assert_eq!(configuration.rule_texts[0].files, ["public/**", "!public/**/*.map"]);
}

#[test]
fn every_problem_is_told_at_once_in_order_of_place() {
    assert_eq!(
        problems(
            "version: 2
waits: all
targets:
  main:
    provider: swfit-cdn
  other:
    provider: swift-cdn
    aera: domestic
    l2: yes
rules:
  - file: 'a/**'
    urls: https://example.com/{tail}
    targets: [othr, main]
  - files: 'b/**'
"
        ),
        [
            "1:10 `version` is `2` | this program reads `version: 1`",
            "2:1 unknown key `waits` in the file | did you mean `wait`?",
            "5:15 unknown provider `swfit-cdn` | did you mean `swift-cdn`?",
            "8:5 unknown key `aera` in a target of `swift-cdn` | did you mean `area`?",
            "9:9 `l2` is `yes` | write `true` or `false`",
            "11:5 unknown key `file` in a rule | did you mean `files`?",
            "11:5 this rule has no `files` | add `files:` with one or more globs",
            "13:15 this rule names a target that isn't configured: `othr` | did you mean `other`?",
            "14:5 this rule maps to no URLs | add `urls`, `directories` or `tags`",
        ]
    );
}

#[test]
fn the_line_is_shown_with_a_caret_under_the_word() {
    let problem = read(&format!("{HEAD}rules:\n  - files: a\n    urls: https://e.example/\n    kind: regexp\n"))
        .unwrap_err()
        .remove(0);
    assert_eq!(problem.snippet, " --> cdn.yml:8:11\n  |\n8 |     kind: regexp\n  |           ^^^^^^");
    assert_eq!(problem.help.as_deref(), Some("did you mean `regex`?"));
}

#[test]
fn an_endpoint_in_the_file_is_refused_with_its_reason() {
    for text in ["endpoint: swift-cdn=https://evil.example", "Endpoint: x"] {
        let expected = problems(&format!("{text}\n{HEAD}rules: [{{files: a, urls: 'https://e.example/{{tail}}'}}]\n"));
        assert_eq!(expected.len(), 1, "{expected:?}");
        assert!(
            expected[0].contains("endpoints don't belong in the configuration file")
                && expected[0].contains("`CDN_PURGE_ENDPOINT`")
        );
    }
    let expected = problems(
        "version: 1\ntargets:\n  main:\n    provider: swift-cdn\n    endpoint: https://evil.example\nrules: [{files: a, urls: 'https://e.example/'}]\n",
    );
    assert!(expected[0].starts_with("5:5 `endpoint`: endpoints don't belong"), "{expected:?}");
}

#[test]
fn a_secret_in_the_file_is_refused_and_never_repeated() {
    for key in ["access-key-secret", "access_key_id", "secret", "security-token", "apiToken", "SK", "password"] {
        for text in [
            format!("{key}: hunter2\n{HEAD}rules: [{{files: a, urls: 'https://e.example/'}}]\n"),
            format!(
                "version: 1\ntargets:\n  main:\n    provider: swift-cdn\n    {key}: hunter2\nrules: [{{files: a, urls: 'https://e.example/', '{key}': hunter2}}]\n"
            ),
        ] {
            let found = read(&text).unwrap_err();
            assert!(
                found[0].title.contains("secrets don't belong in the configuration file"),
                "{key}: {}",
                found[0].title
            );
            assert!(!format!("{found:?}").contains("hunter2"), "{key}: {found:?}");
        }
    }
    // Not even where the file can't be read at all.
    let found = read("access-key-secret: 'hunter2\nx: [").unwrap_err();
    assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
}

#[test]
fn an_option_that_the_file_may_not_set_is_sent_where_it_belongs() {
    assert_eq!(
        problems(&format!("dry-run: true\n{HEAD}rules: [{{files: a, urls: 'https://e.example/', wait: all}}]\n")),
        [
            "1:1 `dry-run` can't be set in the configuration file | set it with the flag `--dry-run`, the input `dry-run` or `CDN_PURGE_DRY_RUN`",
            "6:48 `wait` isn't a key of a rule | `wait` is set for the whole run: write it at the top of the file",
        ]
    );
}

#[test]
fn options_of_the_file_are_read_as_strictly_as_flags() {
    let text = |option: &str| format!("{HEAD}rules: [{{files: a, urls: 'https://e.example/'}}]\n{option}\n");
    for (option, expected) in [
        ("wait: refesh", "6:7 `wait` is `refesh` | did you mean `refresh`?"),
        ("batch-size: '20'", "6:13 `batch-size` is text | write `20` without quotes"),
        ("batch-size: 0", "6:13 `batch-size` is `0` | write a whole number, at least 1"),
        ("sequential: yes", "6:13 `sequential` is `yes` | write `true` or `false`"),
        (
            "timeout: soon",
            "6:10 `timeout` is `soon` | write a time span as `90s`, `15m`, `2h` or `1h30m`; a plain number counts seconds",
        ),
        ("wait:", "6:5 `wait` is empty | remove it, or write a value"),
        ("wait: [all]", "6:7 `wait` is a list, not text | write one value"),
    ] {
        assert_eq!(problems(&text(option)), [expected]);
    }
}

#[test]
fn files_that_are_no_configuration_are_told_so() {
    for (text, expected) in [
        ("", "1:1 this file is empty"),
        ("# only a remark\n", "1:1 this file is empty"),
        ("~", "1:1 this file is empty"),
        ("- a\n- b\n", "1:1 this file is a list, not a mapping"),
        ("public/**", "1:1 this file is text, not a mapping"),
        ("<html><body>404: not found</body></html>", "1:1 unknown key `<html><body>404` in the file"),
    ] {
        let found = problems(text);
        assert!(found.iter().any(|problem| problem.starts_with(expected)), "{text}: {found:?}");
    }
}

#[test]
fn what_is_missing_at_the_top_is_told() {
    let found = problems("version: 1\n");
    assert!(found[0].contains("`targets` is missing") && found[1].contains("`rules` is missing"), "{found:?}");
    assert!(problems("wait: all\n")[0].starts_with("1:1 `version` is missing | write `version: 1`"));
    assert_eq!(problems("version: '1'\ntargets: {}\nrules: []\n").len(), 3);
    assert_eq!(
        problems("version: 1\ntargets: [main]\nrules: {files: a}\n"),
        [
            "2:10 `targets` is a list, not a mapping | write `targets:`, and below it a name with its `provider: swift-cdn`",
            "3:8 `rules` is a mapping, not a list | write `rules:`, and below it `- files: …` with its `urls: …`",
        ]
    );
}

#[test]
fn targets_need_a_name_and_a_provider() {
    let text = "version: 1\ntargets:\n  main: swift-cdn\n  'a b':\n    provider: swift-cdn\n  none: {}\n  plain: {provider: plain-cdn, area: x}\nrules: [{files: a, urls: 'https://e.example/'}]\n";
    assert_eq!(
        problems(text),
        [
            "3:9 `main` is text, not a mapping | write `provider: …` below it",
            "4:3 `a b` isn't a name for a target | use letters, digits, `-`, `_` and `.`, beginning with a letter or digit, at most 64",
            "6:3 the target `none` has no `provider` | add `provider:` with `swift-cdn` or `plain-cdn`",
            "7:32 unknown key `area` in a target of `plain-cdn` | known are `provider` or `credentials`",
        ]
    );
}

#[test]
fn a_target_names_its_credentials_and_never_holds_them() {
    let target = |rest: &str| {
        format!(
            "version: 1\ntargets: {{main: {{provider: swift-cdn, {rest}}}}}\nrules: [{{files: a, urls: 'https://e.example/'}}]\n"
        )
    };
    let choice = |rest: &str| read(&target(rest)).unwrap().targets[0].credentials.clone();
    assert_eq!(choice("area: overseas"), CredentialChoice::Default);
    assert_eq!(choice("credentials: brand-a"), CredentialChoice::Named("brand-a".into()));
    for secret in ["a/b+c", "1abc", "'a b'", "a.b", "'-'", &"a".repeat(65)] {
        let problems = problems(&target(&format!("credentials: {secret}")));
        assert!(problems[0].contains("`credentials` isn't a name for credentials | write letters"), "{problems:?}");
        assert!(!problems[0].contains(secret.trim_matches('\'')) || secret == "'-'", "{problems:?}");
    }
    // It has no files of profiles.
    let problems = problems(&target("profile: ops"));
    assert!(problems[0].contains("unknown key `profile` in a target of `swift-cdn`"), "{problems:?}");
}

#[test]
fn options_of_a_target_are_checked_against_its_provider() {
    let text = "version: 1\ntargets:\n  main:\n    provider: swift-cdn\n    area: domestik\n    l2: 'true'\n    headers:\n      'X Y': a\n      X-Z: \"a\\nb\"\nrules: [{files: a, urls: 'https://e.example/'}]\n";
    assert_eq!(
        problems(text),
        [
            "5:11 `area` is `domestik` | did you mean `domestic`?",
            "6:9 `l2` is text | write `true` without quotes",
            "8:7 `X Y` isn't a header's name | a header's name is made of letters, digits and `-`",
            "9:12 this can't be a header's value | a header's value is one line of visible ASCII characters",
        ]
    );
}

#[test]
fn text_that_is_no_yaml_is_told_with_its_place() {
    for (text, place) in [
        ("version: 1\n\ttargets: x\n", "2:"),
        ("version: 'x\n", "2:"),
        ("a: [b\n", "1:"),
        ("a: b: c\n", "1:"),
        ("%YAML 1.2\n---\na: b\n", "1:1 "),
    ] {
        let found = problems(text);
        assert!(
            found.len() == 1 && found[0].starts_with(place) && found[0].contains("can't be read as YAML"),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn anchors_serve_within_a_small_limit() {
    let text = |targets: &str| {
        format!(
            "{HEAD}rules:\n  - &first {{files: a, urls: 'https://e.example/{{tail}}', targets: &t [main]}}\n  - {{files: b, urls: 'https://e.example/', targets: {targets}}}\n"
        )
    };
    assert_eq!(read(&text("*t")).unwrap().rules[1].targets.len(), 1);
    let bomb: String = std::iter::once("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned())
        .chain(
            (1..9).map(|level| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", "))),
        )
        .collect();
    assert!(problems(&bomb).iter().any(|problem| problem.contains("more than")), "a bomb");
    assert!(problems("a: &a [*a]\n")[0].contains("refers to itself"));
    let many = format!("a: &a x\nb: [{}]\n", vec!["*a"; 200].join(", "));
    assert!(problems(&many)[0].contains("more than 100 aliases"));
}

#[test]
fn depth_and_number_are_limited() {
    let deep = format!("a: {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(problems(&deep).len(), 1);
    let deep = (0..5_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>();
    assert_eq!(problems(&deep).len(), 1);
    let wide = format!("a: [{}]\n", vec!["x"; 60_000].join(","));
    assert!(problems(&wide)[0].contains("more than 50000 values"));
}

#[test]
fn very_many_targets_and_rules_are_refused_in_good_time() {
    let targets: String = (0..4_000).map(|index| format!("  t{index}: {{provider: swift-cdn}}\n")).collect();
    let rules = "  - {files: a, urls: 'https://e.example/a'}\n".repeat(2_000);
    let found = problems(&format!("version: 1\ntargets:\n{targets}rules:\n{rules}"));
    assert_eq!(found, ["103:3 more than 100 targets | split the configuration over several runs"]);
}

#[test]
fn of_very_many_problems_the_first_are_told_and_the_rest_counted() {
    let text: String = (0..1_000).map(|index| format!("key{index}: x\n")).collect();
    let found = problems(&text);
    assert_eq!(found.len(), 51);
    assert!(found[50].starts_with("and 953 more problems in `cdn.yml`"), "{}", found[50]);
}

#[test]
fn a_second_document_is_refused() {
    let found = problems(&format!("{HEAD}rules: [{{files: a, urls: 'https://e.example/'}}]\n---\nversion: 1\n"));
    assert_eq!(found, ["6:1 a second document begins here | keep one document in the file: remove `---`"]);
}

proptest! {
    /// Whatever the file contains, there is a result, and every problem has a place and a remedy.
    #[test]
    fn no_text_makes_the_reader_panic(text in prop_oneof![
        ".{0,200}",
        proptest::collection::vec(prop_oneof![
            Just("version: 1\n"), Just("targets:\n"), Just("  main:\n"), Just("    provider: swift-cdn\n"), Just("rules:\n"),
            Just("  - files: "), Just("    urls: "), Just("'a/**'\n"), Just("[é, b]\n"), Just("*a "), Just("&a "), Just("!t "), Just("\t"),
            Just("- "), Just("{"), Just("}"), Just("\"\\u00e9\"\n"), Just("|\n  x\n"), Just("? "), Just(": "), Just("\r\n"), Just("---\n"), Just("<<: "),
        ], 0..30).prop_map(|parts| parts.concat()),
    ]) {
        for problem in read(&text).err().unwrap_or_default() {
            prop_assert!(problem.help.is_some());
        }
    }
}
