//! The main job without trouble: the requests, the messages and the report.

use super::stage::{CONFIGURATION, KEY, SECRET, STALE, Site, WARM, at_once, urls};
use super::vendor::{Trap, Vendor};

#[test]
fn what_changed_is_refreshed_and_what_still_exists_is_warmed() {
    let vendor = Vendor::start(&[]);
    let site = Site::new();
    let finished = site.run(vendor.address(), &["run"]).finish();
    finished.is_all_done().says(&["cdn-purge: all 6 URLs done"]);
    vendor.accepted(&STALE, &WARM);
    let ledger = vendor.ledger();
    assert!(ledger[..4].iter().all(|entry| entry.starts_with("refresh")), "{ledger:?}");

    let report = finished.report();
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../../report.schema.json")).unwrap();
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(report), names(&schema["properties"]));
    let row = &report["urls"][0];
    assert_eq!(names(row), names(&schema["$defs"]["url"]["properties"]));
    let mut expected: Vec<String> = urls(&STALE).iter().map(|url| format!("refresh {url}")).collect();
    expected.extend(urls(&WARM).iter().map(|url| format!("prefetch {url}")));
    expected.sort();
    assert_eq!(finished.outcomes().into_keys().collect::<Vec<_>>(), expected);
    assert_eq!((report["mode"].as_str(), report["exit_code"].as_u64()), (Some("real"), Some(0)));
    assert_eq!(report["head"], site.git(&["rev-parse", "HEAD"]));
    assert_eq!(report["base"], site.git(&["rev-parse", "HEAD~1"]));
    assert_eq!(report["skipped"][0]["file"], "README.md");
    assert!(report["urls"].as_array().unwrap().iter().all(|row| row["sources"][0]["rule"] == "pages"));
    assert!(report["task_ids"].as_array().unwrap().len() >= 2);
}

#[test]
fn a_dry_run_needs_no_keys_and_no_network_and_shows_the_plan() {
    let site = Site::new();
    let trap = Trap::new();
    let endpoint = format!("alibaba-cdn=http://{}", trap.address());
    let report = site.sibling("report.json");
    for command in [&["run", "--dry-run"][..], &["plan"], &["--dry-run"]] {
        let run = site.bare_run(command).args(&["--endpoint", &endpoint, "--report-file", report.to_str().unwrap()]);
        let finished = run.finish();
        finished.ends_with(0).says(&["6 URLs planned, nothing was sent", "4 of 10,000 URL refreshes a day"]);
        finished.says(&["https://www.example.com/about/old.html"]);
        assert_eq!(finished.report()["status"], "planned");
        assert!(finished.outcomes().values().all(|outcome| outcome == "planned"));
        assert_eq!(finished.outcomes().len(), 6);
    }
    trap.is_untouched();
}

#[test]
fn a_simulation_needs_no_keys_and_tells_the_minutes_without_taking_them() {
    let site = Site::new();
    let report = site.sibling("report.json");
    let finished = site.bare_run(&["run", "--simulate", "--report-file", report.to_str().unwrap()]).finish();
    finished.ends_with(0).says(&["a simulation: nothing was sent"]);
    // Nothing was sent, so no later step may take it for done.
    assert_eq!(finished.report()["status"], "planned");
    assert!(finished.outcomes().values().all(|outcome| outcome == "done"), "{}", finished.err);
    assert!(finished.report()["elapsed_seconds"].as_f64().unwrap() > 600.0);
    assert!(finished.took.as_secs() < 10, "{:?}", finished.took);
}

#[test]
fn where_nothing_changed_there_is_nothing_to_do() {
    let trap = Trap::new();
    let site = Site::new();
    let finished = site.run(trap.address(), &["run", "--base", "HEAD"]).finish();
    finished.ends_with(0).says(&["nothing to do: no file changed"]);
    assert_eq!(finished.report()["status"], "nothing-to-do");
    site.write("cdn-purge.yml", CONFIGURATION.replace("public/**", "elsewhere/**"));
    let finished = site.run(trap.address(), &["run"]).finish();
    finished.ends_with(0).says(&["nothing to do: no changed file is mapped to a URL", "no rule matches it"]);
    assert_eq!(finished.report()["skipped"].as_array().unwrap().len(), 5);
    trap.is_untouched();
}

#[test]
fn a_plan_that_is_too_large_or_goes_too_far_is_refused_before_anything_is_asked() {
    let trap = Trap::new();
    let site = Site::new();
    let refused = |arguments: &[&str], code: i32, said: &[&str]| {
        let finished = site.run(trap.address(), arguments).finish();
        finished.complains(code, said);
        assert!(finished.report.is_none());
    };
    refused(
        &["run", "--max-urls", "5"],
        5,
        &["6 refreshes and prefetches, and `max-urls` is 5", "set `max-urls` to 6"],
    );
    refused(
        &["run", "--allow-hosts", "cdn.example.com"],
        2,
        &["hosts that `allow-hosts` doesn't name: `www.example.com`", "add the hosts to `allow-hosts`"],
    );
    let root = "  - files: 'README.md'\n    directories: 'https://www.example.com/'\n";
    site.write("cdn-purge.yml", format!("{CONFIGURATION}{root}"));
    refused(&["run"], 2, &["this refreshes everything of `www.example.com`", "add `allow-everything: true`"]);
    let root = "  - files: 'README.md'\n    directories: 'https://www.example.com//'\n";
    site.write("cdn-purge.yml", format!("{CONFIGURATION}{root}"));
    let why = "`https://www.example.com//` refreshes a whole host for `README.md`, and the rule `rules[1]` doesn't ask for that";
    refused(&["run"], 2, &[why, "set `allow-everything: true` in the rule; nothing was sent"]);
    trap.is_untouched();
}

#[test]
fn the_root_of_a_host_is_refreshed_when_it_is_asked_for() {
    let vendor = Vendor::start(&[]);
    let site = Site::new();
    let root = "  - files: 'README.md'\n    directories: 'https://www.example.com/'\n    allow-everything: true\n";
    site.write("cdn-purge.yml", format!("{CONFIGURATION}{root}"));
    site.run(vendor.address(), &["run", "--prefetch=false"]).finish().is_all_done();
    // The root covers every other URL.
    vendor.accepted(&[""], &[]);
}

#[test]
fn given_urls_come_from_a_file_or_from_standard_input() {
    let list = "\u{feff}# pages\r\nhttps://www.example.com/a b\r\n\r\nhttps://www.example.com/a%20b\nhttps://www.example.com/é\n";
    at_once(&[true, false], |from_file| {
        let vendor = Vendor::start(&[]);
        let site = Site::empty();
        std::fs::write(site.sibling("list"), list).unwrap();
        let name = if *from_file { "../list" } else { "-" };
        let run = site.run(vendor.address(), &["run", "--provider", "alibaba-cdn", "--url-file", name]);
        run.input(if *from_file { "" } else { list }).finish().is_all_done();
        vendor.accepted(&["a%20b", "%C3%A9"], &[]);
    });
}

#[test]
fn an_empty_or_bad_list_of_urls_is_an_error_and_never_everything() {
    let trap = Trap::new();
    let site = Site::empty();
    let arguments = ["run", "--provider", "alibaba-cdn", "--url-file"];
    let run = |more: &[&str]| site.run(trap.address(), &[&arguments[..], more].concat());
    run(&["-"])
        .input("\n# none\n")
        .finish()
        .complains(2, &["`standard input` contains no URL", "an empty list never means everything"]);
    run(&["-"])
        .input("https://www.example.com/ok\nwww.example.com/x\n")
        .finish()
        .complains(2, &["`www.example.com/x` is not a valid URL", "standard input:2:1", "write a complete URL"]);
    run(&["nowhere"]).finish().complains(2, &["`nowhere` can't be read", "name a file"]);
    trap.is_untouched();
}

#[test]
fn what_was_not_waited_for_is_followed_and_finished_by_wait() {
    let vendor = Vendor::start(&[]);
    let site = Site::new();
    let journal = site.sibling("journal");
    let state = ["--journal", journal.to_str().unwrap(), "--base", "HEAD~1"];
    let left = site.run(vendor.address(), &["run", "--wait", "none"]).args(&state).finish();
    left.ends_with(0).says(&["`cdn-purge wait` with the same options continues from the journal"]);
    assert_eq!(left.report()["status"], "partial");
    vendor.accepted(&STALE, &[]);
    site.run(vendor.address(), &["wait"]).args(&state).finish().is_all_done();
    vendor.accepted(&STALE, &WARM);

    let nowhere = site.sibling("nowhere");
    let lost = site.run(vendor.address(), &["wait", "--journal", nowhere.to_str().unwrap()]).finish();
    lost.complains(3, &["there is no journal", "name the journal of the earlier run with `journal`"]);
    site.run(vendor.address(), &["run", "--wait", "none"]).args(&state).finish();
    site.run(vendor.address(), &["wait", "--prefetch=false"])
        .args(&state)
        .finish()
        .complains(3, &["can't be resumed: it belongs to another plan", "name another file with `journal`"]);
}

#[test]
fn sequential_sends_the_next_batch_when_the_one_before_is_done() {
    let vendor = Vendor::start(&[]);
    let arguments = ["run", "--prefetch=false", "--sequential", "--batch-size", "2", "--log-level", "verbose"];
    let finished = Site::new().run(vendor.address(), &arguments).finish();
    finished.is_all_done();
    let at = |text: &str| finished.err.find(text).unwrap_or_else(|| panic!("no `{text}` in {}", finished.err));
    assert!(at("batch 2: refresh") > at("mainland: done"), "{}", finished.err);
    vendor.accepted(&STALE, &[]);
}

#[test]
fn a_second_run_after_a_whole_one_begins_anew() {
    let vendor = Vendor::start(&[]);
    let site = Site::new();
    for _ in 0..2 {
        site.run(vendor.address(), &["run", "--prefetch=false"]).finish().is_all_done();
    }
    assert_eq!(vendor.ledger().len(), 8, "requested twice, done twice");
}

#[test]
fn two_targets_of_one_provider_both_get_every_url() {
    let vendor = Vendor::start(&[]);
    let site = Site::new();
    let targets =
        "  mainland: {provider: alibaba-cdn, area: domestic}\n  world: {provider: alibaba-cdn, area: overseas}";
    site.write("cdn-purge.yml", CONFIGURATION.replace("  mainland: {provider: alibaba-cdn}", targets));
    let finished = site.run(vendor.address(), &["run"]).finish();
    finished.ends_with(0);
    let rows = finished.report()["urls"].as_array().unwrap();
    assert_eq!(rows.len(), 12);
    assert!(rows.iter().all(|row| row["outcome"] == "done"));
    assert_eq!(vendor.ledger().len(), 12);
}

#[test]
fn tokens_and_the_older_signature_are_served() {
    let token = [("ALIBABA_CLOUD_SECURITY_TOKEN", "token-of-an-hour")];
    at_once(&["v1", "v3"], |signature| {
        let vendor = Vendor::with_environment(&[], &token);
        let site = Site::new();
        let target = format!("{{provider: alibaba-cdn, signature: {signature}}}");
        site.write("cdn-purge.yml", CONFIGURATION.replace("{provider: alibaba-cdn}", &target));
        site.run(vendor.address(), &["run"]).envs(&token).finish().is_all_done();
        vendor.accepted(&STALE, &WARM);
    });
}

#[test]
fn one_rule_needs_no_file_and_keys_may_be_inputs() {
    let vendor = Vendor::start(&[]);
    let site = Site::new();
    std::fs::remove_file(site.repository().join("cdn-purge.yml")).unwrap();
    let arguments = ["run", "--provider", "alibaba-cdn", "--files", "public/**\n!**/gone.html"];
    let run = site.run(vendor.address(), &arguments).args(&["--urls", "https://www.example.com/{tail}"]);
    let run = run.keys("nobody", "nothing-of-worth");
    run.envs(&[("INPUT_ACCESS-KEY-ID", KEY), ("INPUT_ACCESS_KEY_SECRET", SECRET)]).finish().is_all_done();
    vendor.accepted(&["about/new.html", "about/old.html", "index.html"], &[]);
}

#[test]
fn changes_all_takes_every_tracked_file() {
    let vendor = Vendor::start(&[]);
    let site = Site::new();
    site.write("public/untracked.html", "not in git");
    site.run(vendor.address(), &["run", "--changes", "all", "--prefetch=false"]).finish().is_all_done();
    vendor.accepted(&WARM, &[]);
}

#[test]
fn the_deployed_commit_is_kept_in_a_file_when_everything_is_done_and_the_next_run_begins_there() {
    let vendor = Vendor::start(&[]);
    let site = Site::new();
    let file = site.sibling("deployed");
    let named = file.to_str().unwrap();
    let base = format!("file:{named}");
    let arguments = ["--base", &base, "--save-base", named, "--prefetch=false"];
    site.run(vendor.address(), &["plan"]).args(&arguments[..4]).finish().ends_with(0);
    assert!(!file.exists(), "a plan deploys nothing");
    site.run(vendor.address(), &["run"]).args(&arguments).finish().is_all_done();
    let head = site.git(&["rev-parse", "HEAD"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{head}\n"));
    let second = site.run(vendor.address(), &["run"]).args(&arguments).finish();
    second.ends_with(0);
    assert_eq!(second.report()["base"], head.as_str());
    assert_eq!(second.report()["status"], "nothing-to-do");
    // What failed was not deployed.
    site.write("public/index.html", "changed");
    site.commit("changed");
    let failing = Vendor::start(&["--fail", "www.example.com"]);
    assert_ne!(site.run(failing.address(), &["run", "--changes=git"]).args(&arguments).finish().code, Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{head}\n"));
}
