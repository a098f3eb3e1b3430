//! Settings as a whole: where rules come from, and what contradicts what.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fixtures::PROVIDERS;
use super::layers::Flags;
use super::read::{Reading, read_with};
use super::{Changes, CommandKind, FailOn, LogLevel, Mode, UrlOptions, Wait, When};
use crate::environment::Environment;
use crate::error::ExitCode;
use crate::mapping::Encoded;
use crate::model::PurgeMode;
use crate::model::RefreshKind;

const CONFIGURATION: &str = "version: 1
wait: none
max-urls: 10
targets:
  main: {provider: swift-cdn, area: domestic}
rules:
  - files: 'public/**'
    urls: 'https://www.example.com/{tail}'
    prefetch: true
";

struct World {
    directory: tempfile::TempDir,
    environment: Environment,
}

/// The URLs of a file, to be refreshed one by one.
fn listed(file: &str) -> Changes {
    let file = Some(PathBuf::from(file));
    Changes::Urls(UrlOptions {
        arguments: Vec::new(),
        file,
        kind: RefreshKind::Url,
        encoded: vec![Encoded::Encoded],
        mode: PurgeMode::Default,
        allow_everything: false,
    })
}

impl World {
    fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join(".git")).unwrap();
        Self { directory, environment: Environment::new() }
    }

    fn configured() -> Self {
        let world = Self::empty();
        world.write("cdn-purge.yml", CONFIGURATION);
        world
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn set(mut self, name: &str, text: &str) -> Self {
        self.environment.insert(name.into(), text.into());
        self
    }

    fn read(&self, used_by: CommandKind, flags: &[(&str, &str)]) -> Result<Reading, Vec<String>> {
        let mut typed = Flags::new();
        typed.add("repository", self.path().to_str().unwrap());
        flags.iter().for_each(|(name, text)| typed.add(name, *text));
        read_with(PROVIDERS, used_by, &typed, &self.environment).map_err(|error| {
            assert_eq!(error.exit_code(), ExitCode::Usage);
            let reported = error.diagnostics().into_iter();
            let directory = format!("{}/", self.path().display());
            reported
                .map(|one| format!("{} | {}", one.title, one.help.unwrap_or_default()).replace(&directory, ""))
                .collect()
        })
    }

    fn run(&self, flags: &[(&str, &str)]) -> Reading {
        self.read(CommandKind::Run, flags).unwrap()
    }

    fn problems(&self, flags: &[(&str, &str)]) -> Vec<String> {
        self.read(CommandKind::Run, flags).err().unwrap_or_default()
    }
}

const ONE_RULE: [(&str, &str); 3] =
    [("provider", "swift-cdn"), ("files", "public/**\n!**/*.map"), ("urls", "https://www.example.com/{tail}")];

#[test]
fn everything_has_a_default() {
    let settings = World::empty().run(&ONE_RULE).settings;
    assert_eq!(settings.config, None);
    assert_eq!(settings.changes, Changes::Git { base: None, head: None });
    assert_eq!((settings.mode, settings.wait, settings.fail_on), (Mode::Real, Wait::All, FailOn::Any));
    assert_eq!(settings.refresh_timeout, Duration::from_secs(15 * 60));
    assert_eq!(settings.prefetch_timeout, Duration::from_secs(60 * 60));
    assert_eq!((settings.refresh, settings.prefetch), (None, None));
    assert_eq!((settings.color, settings.progress, settings.log_level), (When::Auto, When::Auto, LogLevel::Normal));
    assert_eq!((settings.batch_size, settings.sequential), (None, false));
    assert!(settings.allow_hosts.is_none() && settings.endpoints.is_empty() && settings.notes.is_empty());
}

#[test]
fn one_rule_needs_no_file() {
    let reading = World::empty().set("INPUT_PREFETCH", "true").run(&ONE_RULE);
    let settings = reading.settings;
    assert_eq!((&*settings.targets[0].name, settings.targets[0].provider.name), ("default", "swift-cdn"));
    let rule = &settings.rules[0];
    assert!(rule.refresh && rule.prefetch && rule.urls.len() == 1);
    assert_eq!(&*rule.targets[0], "default");
    assert_eq!(reading.rule_texts[0].files, ["public/**", "!**/*.map"]);
}

#[test]
fn one_rule_that_is_not_whole_names_what_is_missing() {
    let world = World::empty().set("INPUT_PROVIDER", "swift-cdn");
    assert_eq!(
        world.problems(&[("files", "a")]),
        [
            "input `provider` and `--files` given without `urls` | give `urls` too, or drop `provider` and `files` and write a configuration file"
        ]
    );
}

#[test]
fn a_provider_that_is_not_known_is_told_with_the_nearest() {
    let flags = [("provider", "swift-cnd"), ONE_RULE[1], ONE_RULE[2]];
    assert_eq!(
        World::empty().problems(&flags),
        ["`--provider`: unknown provider `swift-cnd` | did you mean `swift-cdn`?"]
    );
    let flags = [("provider", "plain-cdn"), ONE_RULE[1], ONE_RULE[2], ("prefetch", "true")];
    assert_eq!(World::empty().run(&flags).settings.prefetch, Some(true));
}

#[test]
fn the_file_is_found_and_its_options_count() {
    let world = World::configured();
    let settings = world.run(&[]).settings;
    assert_eq!(settings.config, Some(world.path().join("cdn-purge.yml")));
    assert_eq!((settings.wait, settings.max_urls), (Wait::None, Some(10)));
    assert_eq!(world.run(&[("wait", "all")]).settings.wait, Wait::All);
}

#[test]
fn a_second_file_is_noted() {
    let world = World::configured();
    world.write(".cdn-purge.yml", "nonsense");
    let notes = world.run(&[]).settings.notes;
    assert!(notes.len() == 1 && notes[0].contains(".cdn-purge.yml`, because"), "{notes:?}");
    let notes = world.run(&ONE_RULE).settings.notes;
    assert!(notes[0].ends_with("cdn-purge.yml`, because `provider`, `files` and `urls` replace it"), "{notes:?}");
}

#[test]
fn no_file_at_all_names_the_places_and_the_remedy() {
    let reported = World::empty().problems(&[]);
    assert!(
        reported[0].contains("there is no `cdn-purge.yml`, `.cdn-purge.yml` or `.github/cdn-purge.yml`"),
        "{reported:?}"
    );
    assert!(
        reported[0].ends_with(
            "| `cdn-purge init` writes a first one; or name one with `config`, or give `provider`, `files` and `urls`"
        ),
        "{reported:?}"
    );
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let world = World::configured();
    let reported = world.problems(&[("config", "/nowhere/cdn.yml")]);
    assert!(reported[0].starts_with("`/nowhere/cdn.yml` can't be read"), "{reported:?}");
}

#[test]
fn a_file_and_one_rule_at_once_are_refused() {
    let world = World::configured();
    let path = world.path().join("cdn-purge.yml");
    let flags = [("config", path.to_str().unwrap()), ONE_RULE[0], ONE_RULE[1]];
    assert_eq!(
        world.problems(&flags),
        [
            "`--config` can't be combined with `provider` and `files` | the rules come from one of the two: drop `config`, or drop `provider` and `files`"
        ]
    );
}

#[test]
fn urls_from_a_file_need_targets_and_no_rules() {
    let world = World::configured();
    let settings = world.run(&[("url-file", "-")]).settings;
    assert_eq!((settings.changes, settings.targets.len(), settings.rules.len()), (listed("-"), 1, 0));
    let settings = World::empty().run(&[("url-file", "list.txt"), ONE_RULE[0]]).settings;
    assert_eq!((settings.changes, &*settings.targets[0].name), (listed("list.txt"), "default"));
    assert_eq!(
        world.problems(&[("url-file", "-"), ONE_RULE[0], ONE_RULE[1]]),
        ["`--files` can't be combined with `--url-file` | with a URL list no files are mapped: drop one of the two"]
    );
    assert_eq!(
        world.problems(&[("url-file", "-"), ("base", "v1")]),
        ["`--base` can't be combined with `--url-file` | with a URL list no commits are compared: drop one of the two"]
    );
}

#[test]
fn changes_come_from_two_commits_or_from_all_files() {
    let world = World::configured();
    assert_eq!(
        world.run(&[("base", "v1"), ("head", "v2")]).settings.changes,
        Changes::Git { base: Some("v1".into()), head: Some("v2".into()) }
    );
    assert_eq!(world.run(&[("changes", "all")]).settings.changes, Changes::All { head: None });
    assert!(
        world.problems(&[("changes", "all"), ("base", "v1")])[0]
            .starts_with("`--base` can't be combined with `changes: all`")
    );
}

#[test]
fn a_dry_run_and_a_simulation_exclude_each_other() {
    let world = World::configured().set("INPUT_SIMULATE", "true");
    assert_eq!(world.run(&[]).settings.mode, Mode::Simulate);
    assert!(
        world.problems(&[("dry-run", "true")])[0].starts_with("`--dry-run` and input `simulate` can't be combined")
    );
    assert_eq!(world.run(&[("simulate", "false"), ("dry-run", "true")]).settings.mode, Mode::DryRun);
}

#[test]
fn a_run_that_would_do_nothing_is_refused() {
    let reported = World::configured().problems(&[("refresh", "false"), ("prefetch", "false")]);
    assert_eq!(
        reported,
        ["`--refresh` and `--prefetch` are both false, so nothing would be sent | drop one of the two"]
    );
}

#[test]
fn endpoints_are_read_and_checked() {
    let world = World::configured();
    let settings =
        world.run(&[("endpoint", "swift-cdn=http://127.0.0.1:8700, plain-cdn=https://gateway.example")]).settings;
    assert_eq!(settings.endpoints[0].0.name, "swift-cdn");
    assert_eq!(settings.endpoints[1].1.as_str(), "https://gateway.example/");
    let reported = world.problems(&[("endpoint", "swift-cdn=http://gateway.example\nswfit-cdn=https://a.example\nhttps://b.example\nplain-cdn=https://user:hunter2@c.example")]);
    assert_eq!(reported.len(), 4, "{reported:?}");
    assert!(
        reported[0].contains("use https")
            && reported[1].contains("did you mean `swift-cdn`?")
            && reported[2].contains("PROVIDER=URL"),
        "{reported:?}"
    );
    assert!(!reported.concat().contains("hunter2"));
    assert!(
        world.problems(&[("endpoint", "swift-cdn=https://a.example,swift-cdn=https://b.example")])[0].contains("twice")
    );
}

#[test]
fn hosts_are_whole_names_in_lower_case() {
    let world = World::configured();
    let hosts = world.run(&[("allow-hosts", "WWW.Example.com,bücher.example")]).settings.allow_hosts;
    assert_eq!(hosts, Some(vec!["www.example.com".into(), "xn--bcher-kva.example".into()]));
    for text in ["https://www.example.com", "www.example.com:443", "*.example.com", "www.example.com/a", "a b"] {
        assert_eq!(world.problems(&[("allow-hosts", text)]).len(), 1, "{text}");
    }
}

#[test]
fn an_origin_is_a_plain_url_for_a_host_or_for_all_of_them() {
    let world = World::configured();
    let given = "https://a.example/x=y, BÜCHER.example=https://b.example/site, c.example=http://127.0.0.1:8700";
    let origins = world.run(&[("origin", given)]).settings.origins;
    let origins: Vec<_> = origins.iter().map(|(host, url)| (host.as_deref(), url.as_str())).collect();
    let of = [None, Some("xn--bcher-kva.example"), Some("c.example")];
    assert_eq!(
        origins,
        [(of[0], "https://a.example/x=y"), (of[1], "https://b.example/site"), (of[2], "http://127.0.0.1:8700/")]
    );
    for (given, said) in [
        ("http://a.example", "use https"),
        ("http://localhost", "use https"),
        ("ftp://a.example", "write it as `https://HOST`"),
        ("a.example", "write it as"),
        ("https://a.example/?token=x", "leave out the query"),
        ("https://a.example/?token=hunter2", "leave out the query"),
        ("b.example:443=http://a.example/?token=hunter2", "use https"),
        ("*.b.example=https://a.example", "no wildcard"),
        ("b.example:443=https://a.example", "no port"),
        ("=https://a.example", "a whole host name"),
        ("https://a.example, https://b.example", "two origins for all hosts"),
        ("b.example=https://a.example, B.example=https://b.example", "two origins for `b.example`"),
        ("https://user:hunter2@a.example", "leave out the user name"),
        ("https://user:hunter2@a.example:x", "write it as"),
        ("b.example=https://hunter2@a.example", "leave out the user name"),
    ] {
        let reported = world.problems(&[("origin", given)]);
        assert!(reported.len() == 1 && reported[0].contains(said) && !reported[0].contains("hunter2"), "{reported:?}");
    }
}

#[test]
fn the_url_that_is_waited_for_can_be_fetched_without_a_password() {
    let world = World::configured();
    let waited = world.run(&[("wait-for", "https://a.example/v?x=1 contains {head} contains b")]).settings.wait_for;
    let (url, text) = waited.unwrap();
    assert_eq!((url.as_str(), text.as_str()), ("https://a.example/v?x=1", "{head} contains b"));
    for (given, said) in [
        ("https://a.example/v", "write it as"),
        ("https://a.example/v contains ", "write it as"),
        ("a.example/v contains x", "write it as"),
        ("http://a.example/v contains x", "use https"),
        ("https://user:hunter2@a.example/v contains x", "leave out the user name"),
        ("https://user:hunter2@a.example:x/v contains x", "write it as"),
        ("http://a.example/v?token=hunter2 contains x", "use https"),
        ("https://a.example/v?token=hunter2", "write it as"),
    ] {
        let reported = world.problems(&[("wait-for", given)]);
        assert!(reported.len() == 1 && reported[0].contains(said) && !reported[0].contains("hunter2"), "{reported:?}");
    }
}

#[test]
fn problems_of_flags_environment_and_file_are_told_together() {
    let world = World::empty().set("CDN_PURGE_WIAT", "all");
    world
        .write("cdn-purge.yml", &CONFIGURATION.replace("wait: none", "wait: nothing").replace("swift-cdn", "swft-cdn"));
    let reported = world.problems(&[("fail-on", "sometimes"), ("dry-run", "true"), ("simulate", "true")]);
    let begins = [
        "`--fail-on` is",
        "`CDN_PURGE_WIAT` is set",
        "`--dry-run` and `--simulate`",
        "`wait` is `nothing`",
        "unknown provider `swft-cdn`",
    ];
    assert_eq!(reported.len(), begins.len(), "{reported:?}");
    assert!(reported.iter().zip(begins).all(|(reported, begin)| reported.starts_with(begin)), "{reported:?}");
}

#[test]
fn a_command_reads_the_options_it_uses() {
    let world = World::configured().set("INPUT_URL-FILE", "list.txt").set("CDN_PURGE_FAIL_ON", "nonsense");
    let settings = world.read(CommandKind::Explain, &[]).unwrap().settings;
    assert_eq!((settings.rules.len(), settings.fail_on), (1, FailOn::Any));
}

#[test]
fn waiting_reads_everything_that_the_plan_was_made_of() {
    let world = World::empty().set("INPUT_JOURNAL", "journal").set("INPUT_MAX-URLS", "9");
    let reported = world.read(CommandKind::Wait, &ONE_RULE[..1]).err().unwrap();
    assert!(reported[0].starts_with("`--provider` given without `files` and `urls`"), "{reported:?}");
    let flags = [ONE_RULE[0], ONE_RULE[1], ONE_RULE[2], ("base", "v1")];
    let settings = world.read(CommandKind::Wait, &flags).unwrap().settings;
    assert_eq!((settings.journal, settings.rules.len()), (Some("journal".into()), 1));
    assert_eq!(settings.changes, Changes::Git { base: Some("v1".into()), head: None });
    assert_eq!((settings.wait, settings.max_urls), (Wait::All, Some(9)));
}

#[test]
fn keys_are_handed_on_and_a_token_alone_is_refused() {
    let world = World::configured().set("INPUT_ACCESS-KEY-ID", "id").set("INPUT_ACCESS_KEY_SECRET", "hunter2");
    let settings = world.run(&[]).settings;
    assert_eq!(settings.credentials.access_key_id.as_deref(), Some("id"));
    assert!(settings.credentials.access_key_secret.is_some() && !format!("{settings:?}").contains("hunter2"));
    assert!(World::configured().problems(&[("security-token", "t")])[0].contains("needs an access key"));
}

#[test]
fn mistakes_in_one_rule_name_the_option() {
    let reported = World::empty()
        .set("INPUT_URLS", "https://www.example.com/{tial}\nhttps://www.example.com/{2}")
        .problems(&[ONE_RULE[0], ("files", "a/*\n[b")]);
    assert_eq!(reported.len(), 2, "{reported:?}");
    assert!(reported[0].starts_with("`--files`: ") && reported[0].contains("in `[b`"), "{reported:?}");
    assert!(reported[1].starts_with("input `urls`: unknown placeholder `{tial}` in `https://"), "{reported:?}");
    let reported = World::empty().problems(&[ONE_RULE[0], ("files", "a/*"), ("urls", "https://www.example.com/{2}")]);
    assert!(
        reported[0].starts_with("`--urls`: `{2}` is never filled: a pattern of `files` has one wildcard"),
        "{reported:?}"
    );
}
