//! Configurations and options that can't be used: every problem at once, with its place and remedy, and nothing is sent.

use super::stage::{CONFIGURATION, Finished, Site};
use super::vendor::Trap;

/// Runs with this configuration, against an endpoint that must not be called.
fn run(configuration: impl AsRef<[u8]>) -> Finished {
    let site = Site::new();
    site.write("cdn-purge.yml", configuration);
    refused(&site, &["run"], &[])
}

/// A run that says what is wrong with what it was given, and goes no further. `check` says the same.
fn refused(site: &Site, arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
    let trap = Trap::new();
    let finished = site.run(trap.address(), arguments).envs(environment).finish();
    trap.is_untouched();
    assert!(finished.report.is_none(), "there is nothing to report");
    assert!(finished.out.is_empty(), "{}", finished.out);
    let mut checked = arguments.to_vec();
    checked[0] = "check";
    let checked = site.run(trap.address(), &checked).envs(environment).finish();
    assert_eq!((checked.code, &checked.err), (Some(2), &finished.err), "`check` and `run` differ");
    finished
}

/// [`CONFIGURATION`] with a line of it replaced.
fn with(from: &str, to: &str) -> String {
    assert!(CONFIGURATION.contains(from));
    CONFIGURATION.replace(from, to)
}

#[test]
fn a_missing_file_is_said_with_the_names_that_were_looked_for() {
    let site = Site::new();
    std::fs::remove_file(site.repository().join("cdn-purge.yml")).unwrap();
    refused(&site, &["run"], &[])
        .complains(2, &["no configuration in `.`", "`.github/cdn-purge.yml`", "give `provider`, `files` and `urls`"]);
    refused(&site, &["run", "--config", "other.yml"], &[])
        .complains(2, &["`other.yml` can't be read", "look at the path"]);
}

#[test]
fn an_empty_file_is_said() {
    for empty in ["", "\n# nothing\n", "---\n"] {
        run(empty).complains(2, &["this file is empty", "cdn-purge.yml:1:", "begin with `version: 1`"]);
    }
}

#[test]
fn what_is_not_yaml_is_said_with_its_line() {
    run("version: 1\nrules: [\n").complains(2, &["YAML", "cdn-purge.yml:", "check the indentation"]);
    run("version: 1\n\trules: x\n").complains(2, &["YAML", "cdn-purge.yml:2", "indent with spaces"]);
    run(b"version: 1\nname: caf\xe9\n").complains(2, &["isn't UTF-8 in line 2", "save it as UTF-8"]);
    run([0_u8, 159, 146, 150]).complains(2, &["isn't UTF-8 in line 1", "save it as UTF-8"]);
}

#[test]
fn a_file_of_ten_mebibytes_is_refused_at_once() {
    let mut large = CONFIGURATION.to_owned();
    large.push_str(&"# padding\n".repeat(1024 * 1024));
    let finished = run(&large);
    finished.complains(2, &["`cdn-purge.yml` is larger than 256 KiB", "use globs in place of long lists"]);
    assert!(finished.took.as_secs() < 5, "{:?}", finished.took);
}

#[test]
fn an_unknown_key_is_said_with_the_nearest_one() {
    run(with("    prefetch: true", "    prefech: true"))
        .complains(2, &["`prefech`", "cdn-purge.yml:8:5", "did you mean `prefetch`?"]);
    run(with("targets:", "tragets:"))
        .complains(2, &["`targets` is missing", "`tragets`", "cdn-purge.yml:2:1", "did you mean `targets`?"]);
    run(with("{provider: alibaba-cdn}", "{provider: alibaba-cdn, aera: domestic}"))
        .complains(2, &["`aera`", "cdn-purge.yml:3:37", "did you mean `area`?"]);
    run(with("alibaba-cdn", "alibabacdn"))
        .complains(2, &["unknown provider `alibabacdn`", "cdn-purge.yml:3:24", "did you mean `alibaba-cdn`?"]);
}

#[test]
fn a_bad_glob_is_said_with_its_place() {
    run(with("\"public/**\"", "\"public/[a-\""))
        .complains(2, &["unclosed `[`", "cdn-purge.yml:6:12", "close it with `]`"]);
    run(with("\"public/**\"", "\"/public/**\""))
        .complains(2, &["a pattern begins at the repository's root", "cdn-purge.yml:6:12", "write `public/**`"]);
}

#[test]
fn an_unknown_placeholder_is_said_with_the_nearest_one() {
    run(with("{tail}", "{tial}")).complains(2, &["`{tial}`", "cdn-purge.yml:7:36", "did you mean `{tail}`?"]);
    run(with("{tail}", "{3}")).complains(2, &["`{3}` is never filled", "cdn-purge.yml:7:36", "use a lower number"]);
}

#[test]
fn a_duplicate_key_is_said_with_both_places() {
    run(with("    prefetch: true", "    prefetch: true\n    prefetch: false"))
        .complains(2, &["`prefetch` is a duplicate key", "cdn-purge.yml:9:5", "it is already set in line 8"]);
}

#[test]
fn a_file_names_no_endpoint_and_no_secret() {
    run(format!("{CONFIGURATION}endpoint: alibaba-cdn=https://evil.example\n")).complains(
        2,
        &["`endpoint`: endpoints don't belong in", "cdn-purge.yml:9:1", "set it with the flag `--endpoint`"],
    );
    let secret = run(format!("{CONFIGURATION}access-key-secret: hunter2-in-a-file\n"));
    secret.complains(
        2,
        &["`access-key-secret`: secrets don't belong in", "cdn-purge.yml:9:1", "remove it and revoke it"],
    );
    assert!(!secret.err.contains("hunter2"), "{}", secret.err);
}

#[test]
fn every_problem_is_told_at_once_in_order_with_the_line_and_a_caret() {
    let finished = run("version: 2
targets:
  mainland: {provider: alibaba-cdn, area: moon}
rules:
  - files: \"public/[\"
    urls: \"https://www.example.com/{tial}\"
    prefetch: perhaps
  - files: \"a/**\"
");
    finished.ends_with(2);
    let places: Vec<usize> = finished
        .err
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--> cdn-purge.yml:")?.split(':').next()?.parse().ok())
        .collect();
    assert_eq!(places, [1, 3, 5, 6, 7, 8], "{}", finished.err);
    assert_eq!(finished.err.matches("help: ").count(), 6, "{}", finished.err);
    finished.says(&["moon", "^"]);
}

#[test]
fn options_that_contradict_each_other_or_mean_nothing_are_said() {
    let site = Site::new();
    refused(&site, &["run", "--wait", "some"], &[]).complains(2, &["`--wait`", "`all`"]);
    refused(&site, &["run", "--dry-run", "--simulate"], &[])
        .complains(2, &["`--dry-run` and `--simulate` can't be combined", "drop one"]);
    refused(&site, &["run"], &[("CDN_PURGE_DRYRUN", "true")]).complains(2, &["CDN_PURGE_DRYRUN", "CDN_PURGE_DRY_RUN"]);
    refused(&site, &["run"], &[("INPUT_DRY-RUN", "yes")]).complains(2, &["input `dry-run`", "true"]);
    refused(&site, &["run", "--timeout", "soon"], &[]).complains(2, &["`--timeout` is `soon`", "write a time span"]);
    refused(&site, &["run", "--files", "public/**"], &[])
        .complains(2, &["`--files` given without `provider` and `urls`", "write a configuration file"]);
}

#[test]
fn keys_go_to_no_plain_http_outside_this_machine() {
    let site = Site::new();
    let finished = site
        .bare_run(&["run", "--endpoint", "alibaba-cdn=http://gateway.example"])
        .keys(super::stage::KEY, super::stage::SECRET)
        .finish();
    finished.complains(2, &["`--endpoint`", "use https"]);
}

#[test]
fn an_unknown_flag_or_command_is_said_with_the_nearest_one() {
    let site = Site::new();
    site.bare_run(&["run", "--dryrun"]).finish().complains(2, &["`--dryrun`", "`--dry-run`"]);
    site.bare_run(&["chekc"]).finish().complains(2, &["`chekc`", "`check`"]);
}

#[cfg(unix)]
#[test]
fn a_limit_that_is_no_text_is_refused_and_never_left_out() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    for name in ["CDN_PURGE_ALLOW_HOSTS", "INPUT_ALLOW_HOSTS", "CDN_PURGE_JOURNAL"] {
        let site = Site::new();
        let finished = site.bare_run(&["plan"]).env(name, OsStr::from_bytes(b"cdn.example.com\xff")).finish();
        assert_eq!(finished.code, Some(2), "{name}: {}", finished.out);
        finished.says(&["isn't UTF-8"]);
    }
}

#[test]
fn a_value_may_hold_the_character_that_stands_for_what_is_no_text() {
    let site = Site::new();
    let name = "public/\u{fffd}.html";
    site.write(name, "x");
    site.commit("Keep a name that some archive spoiled");
    let rule = ["--provider", "alibaba-cdn", "--files", name, "--urls", "https://www.example.com/{tail}"];
    let plan = || site.bare_run(&["plan", "--base", "HEAD~1"]);
    plan().args(&rule).finish().ends_with(0).says(&["https://www.example.com/%EF%BF%BD.html"]);
    let plan = plan().args(&rule[..2]).args(&rule[4..]).env("CDN_PURGE_FILES", name).finish();
    plan.ends_with(0).says(&["https://www.example.com/%EF%BF%BD.html"]);
}
