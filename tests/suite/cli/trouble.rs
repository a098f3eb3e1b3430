//! Vendors that refuse, break off, lie or never answer: nothing is sent twice, nothing is reported better than it is.

use super::stage::{Finished, KEY, SECRET, STALE, Site, WARM, at_once, urls};
use super::vendor::{Trap, Vendor};

/// Refreshes at this vendor, without prefetches: one stage is enough.
fn refresh(vendor: &Vendor, arguments: &[&str]) -> Finished {
    let site = Site::new();
    site.run(vendor.address(), &["run", "--prefetch=false"]).args(arguments).finish()
}

#[test]
fn keys_that_are_refused_send_nothing_and_are_never_shown() {
    let cases = [
        (KEY, "another-secret-that-is-wrong", "SignatureDoesNotMatch"),
        ("LTAI5tNobodysKey", SECRET, "InvalidAccessKeyId"),
    ];
    at_once(&cases, |&(id, secret, code)| {
        let vendor = Vendor::start(&[]);
        let finished = Site::new().run(vendor.address(), &["run", "--log-level", "verbose"]).keys(id, secret).finish();
        finished.ends_with(6).says(&[code, "DescribeRefreshQuota"]);
        vendor.accepted(&[], &[]);
        assert_eq!(finished.report()["status"], "failed");
        assert_eq!(finished.report()["counts"]["unsubmitted"], 6);
        let said = format!("{}{}{}", finished.out, finished.err, finished.report());
        assert!(!said.contains(secret), "{said}");
    });
}

#[test]
fn missing_or_incomplete_credentials_are_reported_before_anything_is_sent() {
    let trap = Trap::new();
    let site = Site::new();
    let endpoint = format!("alibaba-cdn=http://{}", trap.address());
    let arguments = ["run", "--endpoint", &endpoint];
    site.bare_run(&arguments)
        .finish()
        .complains(6, &["no credentials for `alibaba-cdn`", "`ALIBABA_CLOUD_ACCESS_KEY_ID` and"]);
    site.bare_run(&arguments).env("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY).finish().complains(
        6,
        &["is set without `ALIBABA_CLOUD_ACCESS_KEY_SECRET`", "a secret that a workflow may not read arrives empty"],
    );
    let spaced = site.bare_run(&arguments).keys(KEY, "hunter2 with spaces").finish();
    spaced.complains(6, &["`ALIBABA_CLOUD_ACCESS_KEY_SECRET` for `alibaba-cdn`", "store the value alone"]);
    assert!(!spaced.err.contains("hunter2"), "{}", spaced.err);
    trap.is_untouched();
}

#[test]
fn a_token_that_is_needed_and_missing_sends_nothing() {
    let vendor = Vendor::with_environment(&[], &[("ALIBABA_CLOUD_SECURITY_TOKEN", "token-of-an-hour")]);
    refresh(&vendor, &[]).ends_with(6).says(&["SecurityToken"]);
    vendor.accepted(&[], &[]);
}

#[test]
fn a_clock_that_is_twenty_minutes_off_is_corrected_by_the_servers() {
    at_once(&["1200", "-1200"], |offset| {
        let vendor = Vendor::start(&["--clock-offset", offset]);
        refresh(&vendor, &[]).is_all_done().says(&["clock is wrong"]);
        vendor.accepted(&STALE, &[]);
    });
}

#[test]
fn a_permission_that_is_missing_is_named_and_the_rest_is_done() {
    let vendor = Vendor::start(&["--forbid", "RefreshObjectCaches"]);
    refresh(&vendor, &[]).ends_with(6).says(&["grant `cdn:RefreshObjectCaches`"]);
    vendor.accepted(&[], &[]);
}

#[test]
fn fail_on_decides_the_exit_code_and_never_the_status() {
    let cases = [("any", 6), ("refresh", 0), ("never", 0)];
    let vendors = cases.map(|_| Vendor::start(&["--forbid", "PushObjectCache"]));
    let indexed: Vec<_> = cases.iter().zip(&vendors).collect();
    at_once(&indexed, |((fail_on, code), vendor)| {
        let finished = Site::new().run(vendor.address(), &["run", "--fail-on", fail_on]).finish();
        finished.ends_with(*code);
        assert_eq!(finished.report()["status"], "partial");
        assert_eq!(finished.report()["exit_code"], *code);
        assert_eq!(finished.report()["counts"]["done"], 4);
        vendor.accepted(&STALE, &[]);
    });
}

#[test]
fn a_quota_that_is_short_sends_nothing_and_says_the_numbers() {
    let vendor = Vendor::start(&["--quota", "3"]);
    let finished = refresh(&vendor, &[]);
    finished.ends_with(5).says(&["4 URL refreshes are planned and 3 are left today", "00:00 UTC+8"]);
    vendor.accepted(&[], &[]);
    assert!(finished.outcomes().values().all(|outcome| outcome == "unsubmitted"));
}

#[test]
fn as_many_refreshes_as_fit_go_out_where_that_is_wanted() {
    let vendor = Vendor::start(&["--quota", "3"]);
    let finished = refresh(&vendor, &["--on-short-quota", "fit"]);
    finished.ends_with(5).says(&["4 URL refreshes are planned and 3 are left today, so 3 go out"]);
    assert_eq!(finished.report()["counts"]["done"], 3);
    assert_eq!(finished.report()["counts"]["unsubmitted"], 1);
    vendor.accepted(&STALE[..3], &[]);
}

#[test]
fn a_short_quota_of_prefetches_keeps_no_visitor_from_the_new_pages() {
    let cases = [("any", 5), ("refresh", 0)];
    at_once(&cases, |(fail_on, code)| {
        let vendor = Vendor::start(&["--quota", "4"]);
        let site = Site::new();
        let warm = ["w1.html", "w2.html", "w3.html"];
        let mut earlier = vec!["prefetch".to_owned()];
        earlier.extend(urls(&warm));
        let earlier: Vec<&str> = earlier.iter().map(String::as_str).collect();
        site.run(vendor.address(), &earlier).finish().ends_with(0);
        let finished = site.run(vendor.address(), &["run", "--fail-on", fail_on]).finish();
        finished.ends_with(*code).says(&["2 URL prefetches are planned and 1 is left today, so 1 goes out"]);
        assert_eq!(finished.report()["counts"]["done"], 5);
        assert_eq!(finished.report()["counts"]["unsubmitted"], 1);
        vendor.accepted(&STALE, &[&warm[..], &WARM[..1]].concat());
    });
}

#[test]
fn what_passes_is_waited_out() {
    let cases = [
        ["RefreshObjectCaches#1-2=throttle:300", ""],
        ["DescribeRefreshQuota#1=500-before", ""],
        ["DescribeRefreshTaskById#1=500-before", "DescribeRefreshTaskById#2=html"],
        ["DescribeRefreshTaskById#1=truncate", "DescribeRefreshTaskById#2=empty-object"],
    ];
    at_once(&cases, |faults| {
        let arguments: Vec<&str> =
            faults.iter().filter(|fault| !fault.is_empty()).flat_map(|f| ["--fault", f]).collect();
        let vendor = Vendor::start(&arguments);
        refresh(&vendor, &[]).is_all_done();
        vendor.accepted(&STALE, &[]);
    });
}

#[test]
fn an_answer_that_is_lost_is_found_in_the_records_and_nothing_is_sent_twice() {
    at_once(&["500-after", "drop-after", "truncate", "huge", "empty-object"], |fault| {
        let vendor = Vendor::start(&["--fault", &format!("RefreshObjectCaches#1={fault}")]);
        refresh(&vendor, &[]).is_all_done().says(&["the response to batch 1 was lost"]);
        vendor.accepted(&STALE, &[]);
    });
}

#[test]
fn an_answer_that_is_none_is_unknown_at_the_deadline_and_never_done() {
    at_once(&["500-before", "503-html", "html", "drop-before"], |fault| {
        let vendor = Vendor::start(&["--fault", &format!("RefreshObjectCaches={fault}")]);
        let finished = refresh(&vendor, &["--timeout", "1s"]);
        finished.ends_with(4);
        assert_eq!(finished.report()["status"], "timed-out");
        assert!(finished.outcomes().values().all(|outcome| outcome == "unknown"));
        vendor.accepted(&[], &[]);
    });
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Trap::new();
    let fault = format!("RefreshObjectCaches=redirect:{}", elsewhere.address().port());
    let quota = format!("DescribeRefreshQuota#1=redirect:{}", elsewhere.address().port());
    let vendor = Vendor::start(&["--fault", &fault, "--fault", &quota]);
    refresh(&vendor, &["--timeout", "1s"]).ends_with(4).says(&["redirect"]);
    elsewhere.is_untouched();
    vendor.accepted(&[], &[]);
}

#[test]
fn a_gateway_that_is_not_there_is_said_and_nothing_is_done() {
    let finished = Site::new().run("127.0.0.1:1".parse().unwrap(), &["run", "--timeout", "1s"]).finish();
    finished.ends_with(1).says(&["127.0.0.1"]);
    assert!(finished.outcomes().values().all(|outcome| outcome == "unsubmitted"), "{}", finished.err);
}

#[test]
fn a_task_that_fails_is_failed_and_is_not_prefetched() {
    let vendor = Vendor::start(&["--fail", "about/new.html"]);
    let finished = Site::new().run(vendor.address(), &["run"]).finish();
    finished.ends_with(1).says(&["failed: refresh https://www.example.com/about/new.html: the provider's task"]);
    let outcomes = finished.outcomes();
    assert_eq!(outcomes["refresh https://www.example.com/about/new.html"], "failed");
    assert_eq!(outcomes["prefetch https://www.example.com/about/new.html"], "unsubmitted");
    assert_eq!(outcomes.values().filter(|outcome| *outcome == "done").count(), 4);
    assert_eq!(finished.report()["status"], "partial");
    vendor.accepted(&STALE, &["index.html"]);
}

#[test]
fn a_task_that_never_ends_is_unknown_at_its_deadline() {
    let vendor = Vendor::start(&["--hang", "gone.html"]);
    let finished = Site::new().run(vendor.address(), &["run", "--timeout", "2s"]).finish();
    finished.ends_with(4);
    assert_eq!(finished.report()["status"], "timed-out");
    assert_eq!(finished.outcomes()["refresh https://www.example.com/gone.html"], "unknown");
    assert_eq!(finished.report()["counts"]["done"], 5);
    vendor.accepted(&STALE, &WARM);
}

#[test]
fn one_bad_url_fails_alone() {
    let vendor = Vendor::start(&["--refuse", "gone.html"]);
    let finished = refresh(&vendor, &[]);
    finished.ends_with(1).says(&["InvalidObjectPath"]);
    assert_eq!(finished.report()["counts"]["done"], 3);
    vendor.accepted(&["about/new.html", "about/old.html", "index.html"], &[]);
}

#[test]
fn an_unknown_domain_is_told_with_the_providers_words_and_whose_it_must_be() {
    let vendor = Vendor::start(&["--fault", "RefreshObjectCaches=refuse:InvalidDomain.NotFound"]);
    let finished = refresh(&vendor, &[]);
    finished.ends_with(1).says(&["InvalidDomain.NotFound", "the domain must belong to the account of the access key"]);
    assert_eq!(finished.report()["counts"]["failed"], 4);
    vendor.accepted(&[], &[]);
}

/// One file in a cache serves every run; what failed for good must not block what is deployed next.
#[test]
fn a_journal_that_serves_every_run_is_free_again_when_all_is_done_or_failed() {
    let vendor = Vendor::start(&["--fail", "about/new.html"]);
    let site = Site::new();
    let state = site.sibling("kept.journal");
    let run = |more: &[&str]| site.run(vendor.address(), more).args(&["--journal", state.to_str().unwrap()]).finish();
    run(&["run"]).ends_with(1);
    site.write("public/index.html", "<h1>more news</h1>\n");
    site.commit("Deploy once more");
    run(&["run"]).is_all_done();
    let both = ["run", "--dry-run", "--journal", "x", "--report-file", "x"];
    site.bare_run(&both).finish().complains(2, &["`--journal` and `--report-file` are one file", "a file for each"]);
}

#[test]
fn a_file_that_is_no_report_makes_no_page_and_a_report_the_same_page_as_its_run() {
    let site = Site::new();
    site.bare_run(&["report", "cdn-purge.yml", "--html"])
        .finish()
        .complains(2, &["isn't a JSON report", "report-file"]);
    assert!(!site.repository().join("cdn-purge.html").exists());
    let files = ["--report-file", "plan.json", "--report-html", "plan.html"];
    site.bare_run(&["plan", "--base", "HEAD~1"]).args(&files).finish().ends_with(0);
    site.bare_run(&["report", "plan.json", "--html=again.html"]).finish().ends_with(0);
    let page = |name: &str| std::fs::read_to_string(site.repository().join(name)).unwrap();
    assert_eq!(page("again.html"), page("plan.html"));
    assert!(page("plan.html").contains("https://www.example.com/about/new.html"));
    let twice = ["plan", "--report-file", "x", "--report-html", "x"];
    site.bare_run(&twice)
        .finish()
        .complains(2, &["`--report-file` and `--report-html` are one file", "a file for each"]);
}
