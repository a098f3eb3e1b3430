//! `refresh` and `prefetch`: URLs that are given, checked before anything is sent, and reported as a run reports.

use super::stage::{Site, urls};
use super::vendor::{Trap, Vendor};

const PROVIDER: [&str; 2] = ["--provider", "alibaba-cdn"];

#[test]
fn arguments_and_a_file_are_refreshed_and_warmed() {
    let vendor = Vendor::start(&[]);
    let site = Site::empty();
    std::fs::write(site.sibling("list"), "# pages\r\nhttps://www.example.com/a b\r\n\r\nhttps://www.example.com/c\n")
        .unwrap();
    let run = site.run(vendor.address(), &["refresh", "https://www.example.com/c", "-f", "../list", "--prefetch"]);
    run.args(&PROVIDER).finish().is_all_done().says(&["1 URL from the command line", "2 URLs from `../list`"]);
    vendor.accepted(&["a%20b", "c"], &["a%20b", "c"]);
}

#[test]
fn a_list_from_standard_input_is_prefetched_with_the_targets_options() {
    let vendor = Vendor::start(&[]);
    let site = Site::empty();
    let options =
        ["--area", "overseas", "--l2-only", "--header", "Accept-Encoding: br", "--option", "consistency-hash=true"];
    let run = site.run(vendor.address(), &["prefetch", "-f", "-"]).args(&PROVIDER).args(&options);
    let finished = run.input("https://www.example.com/a\nhttps://www.example.com/b\n").finish();
    finished.is_all_done();
    assert!(finished.outcomes().keys().all(|name| name.starts_with("prefetch ")));
    assert_eq!(finished.report()["urls"][0]["sources"][0]["rule"], "url-file");
    vendor.accepted(&[], &["a", "b"]);
}

#[test]
fn every_bad_url_is_named_and_nothing_is_sent() {
    let trap = Trap::new();
    let site = Site::empty();
    let long = format!("https://www.example.com/{}", "x".repeat(1_100));
    let list = format!(
        "https://www.example.com/ok\nwww.example.com/x\nftp://www.example.com/\nhttps://www.example.com/\u{7}\n{long}\nhttps://other.example/x\nhttps://*.example.com/a\n"
    );
    let run = site.run(trap.address(), &["refresh", "-f", "-", "--allow-hosts", "www.example.com"]).args(&PROVIDER);
    let finished = run.input(&list).finish();
    finished.complains(2, &["`www.example.com/x` is not a valid URL", "write a complete URL"]);
    for line in 2..=7 {
        finished.says(&[&format!("standard input:{line}:1")]);
    }
    finished.says(&["a `*` in the host, which no request has", "help: write one URL for each host; nothing was sent"]);
    finished.says(&["control character", "1124 characters", "`allow-hosts` doesn't name its host"]);
    assert!(!finished.err.contains("standard input:1:1"));
    site.run(trap.address(), &["refresh", "--kind", "directory", "https://www.example.com/a"])
        .args(&PROVIDER)
        .finish()
        .complains(2, &["argument 1: ", "a directory ends in `/`", "add the `/`"]);
    site.run(trap.address(), &["refresh", "--kind", "directory", "https://www.example.com/"])
        .args(&PROVIDER)
        .finish()
        .complains(2, &["refreshes a whole host", "--allow-everything"]);
    let homeless = site.run(trap.address(), &["refresh", "https://www.example.com/a"]).finish();
    homeless.complains(2, &["no configuration in", "or give `provider`"]);
    assert!(!homeless.err.contains("`files`"), "{}", homeless.err);
    site.run(trap.address(), &["refresh"]).args(&PROVIDER).finish().complains(2, &["no URL is given", "`--url-file`"]);
    trap.is_untouched();
}

#[test]
fn an_option_that_the_provider_does_not_have_is_told_with_those_it_has() {
    let site = Site::empty();
    let run =
        |more: &[&str]| site.bare_run(&["prefetch", "https://www.example.com/a"]).args(&PROVIDER).args(more).finish();
    run(&["--option", "speed=fast"]).complains(2, &["`alibaba-cdn` has no option `speed`", "`area`"]);
    run(&["--area", "everywhere"]).complains(2, &["`--area` is `everywhere`", "`domestic` or `overseas`"]);
    run(&["--header", "no-colon"]).complains(2, &["`--header` has no `:`", "`Name: value`"]);
    run(&["--option", "l2-preload"]).complains(2, &["`--option` is `l2-preload`", "`NAME=VALUE`"]);
    let twice = ["--area", "overseas", "--option", "area=domestic"];
    run(&twice).complains(2, &["`--option`: `area` is given as `domestic` and as `overseas`", "give it once"]);
}

#[test]
fn of_several_targets_one_must_be_named() {
    let vendor = Vendor::start(&[]);
    let site = Site::empty();
    let targets = "targets:\n  north: {provider: alibaba-cdn}\n  south: {provider: alibaba-cdn, area: overseas}\n";
    let rules = "rules:\n  - {files: '**', urls: 'https://www.example.com/{tail}'}\n";
    site.write("cdn-purge.yml", format!("version: 1\n{targets}{rules}"));
    let url = "https://www.example.com/a";
    let refresh = |more: &[&str]| site.run(vendor.address(), &["refresh", url]).args(more).finish();
    refresh(&[]).complains(2, &["needs a target", "name `north` or `south` with `--target`"]);
    refresh(&["--target", "nroth"]).complains(2, &["there is no target `nroth`", "did you mean `north`?"]);
    refresh(&["--target", "south"]).is_all_done();
    vendor.accepted(&["a"], &[]);
    refresh(&["--target", "north", "--target", "south"]).ends_with(0).says(&["refreshed twice"]);
}

#[test]
fn a_list_is_sent_as_scripts_do_and_goes_on_from_its_journal() {
    let vendor = Vendor::start(&[]);
    let site = Site::empty();
    let journal = site.sibling("journal");
    let pages = ["1", "2", "3", "4", "5"];
    let list = urls(&pages).join("\n");
    let arguments = ["refresh", "-f", "-", "--batch-size", "2", "--sequential", "--journal", journal.to_str().unwrap()];
    let refresh =
        |more: &[&str]| site.run(vendor.address(), &arguments).args(&PROVIDER).args(more).input(&list).finish();
    refresh(&["--dry-run"]).ends_with(0).says(&["5 URLs in 3 batches"]);
    refresh(&["--simulate"]).ends_with(0).says(&["a simulation"]);
    vendor.accepted(&[], &[]);
    let left = refresh(&["--wait", "none"]);
    left.says(&["`cdn-purge wait` with the same options continues from the journal"]);
    refresh(&[]).is_all_done();
    vendor.accepted(&pages, &[]);
}

#[test]
fn urls_that_are_given_again_after_a_failure_tell_what_is_not_sent_again_and_how_it_would_be() {
    let vendor = Vendor::start(&["--fail", "/2"]);
    let site = Site::empty();
    let journal = site.sibling("journal");
    let arguments = ["refresh", "https://www.example.com/1", "https://www.example.com/2"];
    let state = ["--journal", journal.to_str().unwrap()];
    let refresh = || site.run(vendor.address(), &arguments).args(&PROVIDER).args(&state).finish();
    refresh().ends_with(1);
    let again = refresh();
    let hint = format!("to send all again, delete its journal `{}`", journal.display());
    again.ends_with(1).says(&["2 URLs; 1 done or followed from the run that began at 20", &hint]);
    assert!(again.report()["notes"][0].as_str().unwrap().ends_with(&hint));
    vendor.accepted(&["1", "2", "2"], &[]);
    std::fs::remove_file(&journal).unwrap();
    refresh().ends_with(1);
    vendor.accepted(&["1", "2", "2", "1", "2"], &[]);
    // Who only wants to resume says so.
    let resume = |more: &[&str]| {
        let run = site.run(vendor.address(), &arguments).args(&PROVIDER).args(&state);
        run.args(&["--resume"]).args(more).finish()
    };
    resume(&[]).ends_with(1);
    vendor.accepted(&["1", "2", "2", "1", "2", "2"], &[]);
    resume(&["--dry-run"]).complains(2, &["`--resume` can't be combined with `--dry-run`", "drop one"]);
    std::fs::remove_file(&journal).unwrap();
    resume(&[]).ends_with(3).says(&["there is no journal", "to continue from"]);
    vendor.accepted(&["1", "2", "2", "1", "2", "2"], &[]);
}

#[test]
fn both_forms_of_a_name_are_sent_unless_the_provider_would_encode_them_anyway() {
    let site = Site::empty();
    let page = "https://www.example.com/新";
    let plan = |more: &[&str]| site.bare_run(&["refresh", page, "--dry-run"]).args(more).finish();
    let huawei = ["--provider", "huawei-cdn", "--encoded", "both"];
    plan(&huawei).ends_with(0).says(&["2 URLs", page, "https://www.example.com/%E6%96%B0"]);
    let anyway = [&huawei[..], &["--option", "zh-url-encode=true"]].concat();
    plan(&anyway).complains(2, &["`encoded` sends raw URLs", "`zh-url-encode`", "drop"]);
    plan(&["--provider", "huawei-cdn", "--option", "zh-url-encode=true"]).ends_with(0);
    let regex = site.bare_run(&["refresh", page, "--dry-run", "--kind", "regex"]).args(&PROVIDER);
    regex.args(&["--encoded", "raw"]).finish().complains(2, &["can't be combined with the kind `regex`", "drop it"]);
    let rule = "{name: pages, files: '**', urls: 'https://www.example.com/{tail}', encoded: both}";
    let targets = "{main: {provider: huawei-cdn, zh-url-encode: true}}";
    site.write("cdn-purge.yml", format!("version: 1\ntargets: {targets}\nrules:\n  - {rule}\n"));
    site.bare_run(&["check"]).finish().complains(2, &["`encoded` of the rule `pages`", "drop `zh-url-encode`"]);
}
