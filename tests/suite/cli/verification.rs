//! Verification through a little cache that drops what the vendor was asked to purge, or doesn't.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::little_cache::LittleCache;
use super::stage::{CONFIGURATION, Finished, Run, STALE, Site};
use super::vendor::{Trap, Vendor};

const OLD_HOME: &str = "<h1>home</h1>\n";
const NEW_HOME: &str = "<h1>news</h1>\n";
const ABOUT: &str = "<h1>about</h1>\n";
const GONE: &str = "<h1>gone</h1>\n";

/// The site, whose pages a cache in front of its origin holds as they were an hour ago; the new ones are deployed.
fn stage(vendor: Option<&Vendor>) -> (Site, LittleCache) {
    let site = Site::new();
    site.write("cdn-purge.yml", CONFIGURATION.replace("https://", "http://").replace("    prefetch: true\n", ""));
    (site, cache(vendor))
}

/// A cache that holds the pages as they were an hour ago, in front of an origin that has the new ones.
fn cache(vendor: Option<&Vendor>) -> LittleCache {
    let cache = LittleCache::new(vendor.map(Vendor::ledger_file));
    for (path, body) in [("/index.html", OLD_HOME), ("/about/old.html", ABOUT), ("/gone.html", GONE)] {
        cache.deploy(path, body);
        cache.visited(path, Duration::from_secs(3_600));
    }
    cache.with(|state| state.origin.clear());
    cache.deploy("/index.html", NEW_HOME);
    cache.deploy("/about/new.html", ABOUT);
    cache.requests();
    cache
}

fn run(site: &Site, vendor: &Vendor, cache: &LittleCache) -> Run {
    run_at(site, vendor, &cache.address())
}

/// A run that verifies at these edges.
fn run_at(site: &Site, vendor: &Vendor, edges: &str) -> Run {
    site.run(vendor.address(), &["run", "--base", "HEAD~1", "--verify", "--edge", edges])
}

/// The verdict and the evidence of each URL, by its path.
fn verdicts(finished: &Finished) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = finished.report()["urls"].as_array().unwrap().iter();
    rows.map(|row| {
        let path = text(&row["url"]).replace("http://www.example.com", "");
        let seen = &row["verification"];
        format!("{path} {}: {}", text(&seen["verdict"]), text(&seen["evidence"]))
    })
    .collect()
}

#[test]
fn what_was_purged_is_seen_to_be_fresh_in_both_encodings() {
    let vendor = Vendor::start(&[]);
    let (site, cache) = stage(Some(&vendor));
    let finished = run(&site, &vendor, &cache).env("CDN_PURGE_LOG_LEVEL", "verbose").finish();
    finished.is_all_done();
    let gone = "fresh: HTTP 404, as its file is gone";
    let mut seen = verdicts(&finished);
    seen.sort();
    let bytes = "fresh: the bytes of the file; this edge held no copy";
    let expected = [
        format!("/about/new.html {bytes}"),
        format!("/about/old.html {gone}"),
        format!("/gone.html {gone}"),
        format!("/index.html {bytes}"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(finished.report()["verdicts"]["fresh"], 4);
    let requests = cache.requests();
    // What was there before is fetched before its refresh, too.
    let pages = STALE.iter().flat_map(|page| vec![page; if *page == "about/new.html" { 1 } else { 2 }]);
    let mut pages: Vec<_> = pages.flat_map(|page| [format!("/{page}"), format!("/{page} gzip")]).collect();
    pages.sort();
    assert_eq!(requests, pages);
    finished.says(&["4 of 4 URLs verified through the CDN: 4 fresh. Only the point of presence nearest"]);
    finished.says(&["queried; of 3 fresh URLs that were also fetched before the refresh, 3 had been old"]);
    let rows = finished.report()["urls"].as_array().unwrap();
    let seen_old = rows.iter().filter(|row| row["verification"]["was_old"] == true);
    assert!(seen_old.count() == 3 && rows.len() == 4, "{rows:?}");
    for content in ["<h1>", "news</h1>"] {
        assert!(!finished.err.contains(content) && !finished.report().to_string().contains(content));
    }
}

#[test]
fn without_verification_nobody_asks_the_edge() {
    let (vendor, trap) = (Vendor::start(&[]), Trap::new());
    let (site, _) = stage(None);
    let edge = trap.address().to_string();
    let finished = site.run(vendor.address(), &["run", "--base", "HEAD~1", "--edge", &edge]).finish();
    finished.is_all_done();
    assert_eq!(finished.report()["verdicts"], Value::Null);
    trap.is_untouched();
}

#[test]
fn a_purge_that_did_nothing_is_stale_and_red() {
    let vendor = Vendor::start(&[]);
    let (site, cache) = stage(Some(&vendor));
    cache.with(|state| state.lost_purges = usize::MAX);
    let base = site.sibling("base");
    let finished = run(&site, &vendor, &cache).arg("--save-base").arg(&base).finish();
    finished.ends_with(7);
    assert!(!base.exists(), "the next run has to begin where this one did");
    assert_eq!(finished.report()["status"], "stale");
    let mut seen = verdicts(&finished);
    seen.sort();
    let expected = [
        "/about/new.html fresh: the bytes of the file; this edge held no copy",
        "/about/old.html stale: the bytes of the deleted file are still served",
        "/gone.html stale: the bytes of the deleted file are still served",
        "/index.html stale: the bytes of the file before",
    ];
    assert_eq!(seen, expected);
    finished.says(&[
        "all 4 URLs done, and 3 stale all the same",
        "stale: http://www.example.com/index.html: the bytes of the file before (identity, fetched 4 times)",
        "the same command purges and verifies all URLs of this plan again",
    ]);
    // The same command purges again.
    cache.with(|state| state.lost_purges = 0);
    let again = run(&site, &vendor, &cache).finish();
    again.is_all_done();
    assert_eq!(again.report()["verdicts"]["fresh"], 4);
    // 2, 5 and 15 seconds apart.
    assert!(finished.took >= Duration::from_secs(22), "{:?}", finished.took);
}

#[test]
fn a_variant_that_a_purge_forgot_is_stale() {
    let vendor = Vendor::start(&[]);
    let (site, cache) = stage(Some(&vendor));
    cache.with(|state| state.forgets_gzip = true);
    let finished = run(&site, &vendor, &cache).finish();
    finished.ends_with(7);
    finished.says(&["index.html: the gzip checksum and length of the file before (gzip, fetched 4 times)"]);
}

#[test]
fn what_nobody_can_tell_is_not_red_and_is_not_called_fresh() {
    let vendor = Vendor::start(&[]);
    for (status, verdict) in [(403, "undecided"), (302, "undecided"), (503, "unreachable")] {
        let (site, cache) = stage(Some(&vendor));
        cache.with(|state| state.origin_status = Some(status));
        if status == 503 {
            // A server error is tried again for 22 seconds, which one file is enough for.
            site.write(
                "cdn-purge.yml",
                CONFIGURATION.replace("https://", "http://").replace("public/**", "public/index.html"),
            );
        }
        let finished = run(&site, &vendor, &cache).args(&["--prefetch=false"]).finish();
        finished.is_all_done();
        let seen = verdicts(&finished);
        assert!(seen.iter().all(|seen| seen.contains(&format!("{verdict}: HTTP {status}"))), "{seen:?}");
    }
}

#[test]
fn html_for_everything_is_undecided() {
    let vendor = Vendor::start(&[]);
    let (site, cache) = stage(Some(&vendor));
    for page in STALE {
        cache.deploy(&format!("/{page}"), "<h1>our app</h1>");
    }
    let finished = run(&site, &vendor, &cache).finish();
    finished.is_all_done();
    assert!(verdicts(&finished).iter().all(|seen| seen.contains("undecided: ")), "{:?}", verdicts(&finished));
}

#[test]
fn a_url_behind_a_login_is_undecided_and_the_login_page_is_not_fetched() {
    let vendor = Vendor::start(&[]);
    for (status, header, said) in [
        (
            302,
            "Location: http://www.example.com/login?next=secret",
            "HTTP 302 to `http://www.example.com/login`, which",
        ),
        (401, "WWW-Authenticate: Basic realm=\"staff\"", "HTTP 401"),
    ] {
        let (site, cache) = stage(Some(&vendor));
        cache.with(|state| (state.origin_status, state.origin_header) = (Some(status), Some(header)));
        let finished = run(&site, &vendor, &cache).finish();
        finished.is_all_done();
        let seen = verdicts(&finished);
        assert!(seen.iter().all(|seen| seen.contains(&format!("undecided: {said}"))), "{seen:?}");
        assert!(cache.requests().iter().all(|request| STALE.iter().any(|page| request.contains(page))));
    }
}

#[test]
fn the_pages_of_another_host_are_never_fresh() {
    let vendor = Vendor::start(&[]);
    let (site, cache) = stage(Some(&vendor));
    for page in STALE {
        cache.deploy(&format!("/{page}"), &format!("<h1>{page} of www.example.net</h1>"));
    }
    let finished = run(&site, &vendor, &cache).finish();
    finished.is_all_done();
    let seen = verdicts(&finished);
    assert!(seen.iter().all(|seen| seen.contains("undecided: ")), "{seen:?}");
    assert_eq!(finished.report()["verdicts"]["fresh"], 0);
}

#[test]
fn a_body_of_a_gibibyte_is_left_after_five_mebibytes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (edge, written) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&written);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            lines.by_ref().map_while(Result::ok).find(|line| line.is_empty());
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
            while stream.write_all(&[b'x'; 65_536]).is_ok() {
                counted.fetch_add(65_536, Ordering::Relaxed);
            }
        }
    });
    let (site, vendor) = (stage(None).0, Vendor::start(&[]));
    let finished = site.run(vendor.address(), &["run", "--base", "HEAD~1", "--verify", "--edge", &edge]).finish();
    finished.is_all_done();
    let seen = verdicts(&finished);
    assert!(seen.iter().any(|seen| seen.contains("its body is longer than 5")), "{seen:?}");
    // Four pages in two encodings, each with what the system holds of a connection.
    assert!(written.load(Ordering::Relaxed) < 8 * 24 * 1024 * 1024, "{written:?}");
}

/// A run whose mock server purges a cache by itself when a task is complete, with these flags.
fn run_with_edge(flags: &[&str]) -> Finished {
    let (site, cache) = stage(None);
    let edge = format!("http://{}", cache.address());
    let vendor = Vendor::start(&[&["--edge", &edge], flags].concat());
    run(&site, &vendor, &cache).finish()
}

#[test]
fn a_mock_server_purges_a_cache_when_its_tasks_are_complete() {
    let finished = run_with_edge(&[]);
    finished.is_all_done();
    assert_eq!(finished.report()["verdicts"]["fresh"], 4);
}

#[test]
fn a_mock_server_forgets_what_it_is_told_to_forget() {
    let finished = run_with_edge(&["--edge-fault", "variant-left:index.html", "--edge-fault", "not-purged:gone"]);
    finished.ends_with(7);
    let mut seen = verdicts(&finished);
    seen.sort();
    assert_eq!(seen[2], "/gone.html stale: the bytes of the deleted file are still served");
    assert_eq!(seen[3], "/index.html stale: the gzip checksum and length of the file before");
    assert_eq!(finished.report()["verdicts"]["fresh"], 2);
}

#[test]
fn a_point_of_presence_that_a_purge_forgot_is_seen_stale_where_it_is_one_of_the_edges() {
    let ((site, near), far) = (stage(None), cache(None));
    let urls = [&near, &far].map(|cache| format!("http://{}", cache.address()));
    let vendor = Vendor::start(&["--edge", &urls[0], "--edge", &urls[1], "--edge-fault", "one-forgotten"]);
    let finished = run(&site, &vendor, &near).finish();
    finished.is_all_done();
    assert_eq!(finished.report()["verdicts"]["fresh"], 4);
    let edges = format!("{}, {}", near.address(), far.address());
    let verify = site.bare_run(&["verify", "--base", "HEAD~1", "--edge", &edges, "--report-file"]);
    let finished = verify.arg(site.sibling("report.json")).finish();
    let far = far.address();
    finished.ends_with(7).says(&[
        &format!("verifying 4 URLs through the CDN at {edges}"),
        "1 fresh, 3 stale of 4 URLs",
        &format!("index.html: the bytes of the file before (identity at {far}, fetched 4 times)"),
        &format!("Only the points of presence at {edges} were queried"),
    ]);
    let rows = finished.report()["urls"].as_array().unwrap();
    let stale = rows.iter().filter(|row| row["verification"]["verdict"] == "stale");
    assert!(stale.into_iter().all(|row| row["verification"]["edge"] == far), "{rows:?}");
}

#[test]
fn an_edge_elsewhere_is_named_and_not_called_the_nearest() {
    let (site, _) = stage(None);
    // Plain HTTP is refused there, so nothing is sent.
    let verify = site.bare_run(&["verify", "--base", "HEAD~1", "--edge", "203.0.113.7", "--report-file"]);
    let finished = verify.arg(site.sibling("report.json")).finish();
    finished.says(&[
        "verifying 4 URLs through the CDN at 203.0.113.7, from this machine",
        "index.html: only https is fetched (identity at 203.0.113.7)",
        "Only the point of presence at 203.0.113.7 was queried",
    ]);
    assert!(verdicts(&finished).iter().all(|seen| seen.ends_with(" unreachable: only https is fetched")));
}

#[test]
fn what_is_stale_at_one_of_several_edges_is_refreshed_once_more() {
    let vendor = Vendor::start(&[]);
    let ((site, near), far) = (stage(Some(&vendor)), cache(Some(&vendor)));
    far.with(|state| state.lost_purges = STALE.len());
    let finished = run_at(&site, &vendor, &format!("{},{}", near.address(), far.address())).finish();
    finished.is_all_done();
    finished.says(&["refreshing 3 stale URLs once more", "4 of 4 URLs verified through the CDN: 4 fresh"]);
    assert_eq!(vendor.ledger().len(), 7);
}

#[test]
fn the_command_verify_sends_nothing_and_needs_no_credentials() {
    let (site, cache) = stage(None);
    let trap = Trap::new();
    let endpoint = format!("alibaba-cdn=http://{}", trap.address());
    let verify = || {
        let report = site.sibling("report.json");
        let run = site.bare_run(&["verify", "--base", "HEAD~1", "--edge", &cache.address(), "--report-file"]);
        run.arg(report).env("CDN_PURGE_ENDPOINT", &endpoint).finish()
    };
    let finished = verify();
    finished.ends_with(7).says(&["1 fresh, 3 stale of 4 URLs", "nothing was purged"]);
    assert_eq!(finished.report()["mode"], "verify");
    cache.with(|state| state.purge_all());
    let finished = verify();
    finished.ends_with(0).says(&["4 fresh of 4 URLs"]);
    assert_eq!((&finished.report()["status"], &finished.report()["verdicts"]["fresh"]), (&"done".into(), &4.into()));
    trap.is_untouched();
}

#[test]
fn a_newer_deployment_is_named_where_a_page_is_neither_old_nor_new() {
    let (site, cache) = stage(None);
    let forge = site.repository().join(".git/forge").display().to_string();
    site.git(&["clone", "--quiet", "--bare", ".", &forge]);
    site.git(&["remote", "add", "origin", &forge]);
    let head = site.git(&["rev-parse", "HEAD"]);
    let verify = || {
        cache.with(|state| state.purge_all());
        let verify = site.bare_run(&["verify", "--base", "HEAD~1", "--edge", &cache.address(), "--report-file"]);
        let job = [("GITLAB_CI", "true"), ("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_SHA", head.trim())];
        verify.arg(site.sibling("report.json")).envs(&job).env("CI_PROJECT_DIR", site.repository()).finish()
    };
    let says_newer = |finished: &Finished| finished.err.contains("a newer deployment may have replaced");
    cache.deploy("/index.html", "<h1>later</h1>\n");
    let finished = verify();
    assert!(!says_newer(finished.ends_with(0)), "the branch is where it was");
    let later = site.git(&["commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "Say it later"]);
    let later = later.trim();
    site.git(&["push", "--quiet", "origin", &format!("{later}:refs/heads/main")]);
    let finished = verify();
    let note =
        format!("`main` is now at {}: a newer deployment may have replaced 1 URL, which serves neither", &later[..12]);
    finished.ends_with(0).says(&["3 fresh, 1 undecided of 4 URLs", &note]);
    assert!(finished.report()["notes"].to_string().contains(&note), "{}", finished.report()["notes"]);
    cache.deploy("/index.html", NEW_HOME);
    assert!(!says_newer(verify().ends_with(0)), "no page is of a newer deployment");
    // What is stale stays so.
    cache.deploy("/index.html", OLD_HOME);
    assert!(!says_newer(verify().ends_with(7)), "an old page isn't newer");
}

#[test]
fn urls_of_a_list_are_verified_by_what_the_cache_says() {
    let (site, cache) = stage(None);
    let run = site.bare_run(&["verify", "--url-file", "-", "--edge", &cache.address(), "--report-file"]);
    let finished = run.arg(site.sibling("report.json")).input("http://www.example.com/index.html\n").finish();
    finished.ends_with(0);
    assert_eq!(verdicts(&finished), ["/index.html undecided: no single file is known for it"]);
}

#[test]
fn a_stale_url_is_refreshed_once_more_and_then_fresh() {
    let vendor = Vendor::start(&[]);
    let (site, cache) = stage(Some(&vendor));
    cache.with(|state| state.lost_purges = STALE.len());
    let finished = run(&site, &vendor, &cache).finish();
    finished.is_all_done();
    finished.says(&["refreshing 3 stale URLs once more", "4 of 4 URLs verified through the CDN: 4 fresh"]);
    let rows = finished.report()["urls"].as_array().unwrap();
    let again = rows.iter().filter(|row| row["verification"]["refreshed_again"] == true);
    let again: Vec<_> = again.map(|row| row["url"].as_str().unwrap().rsplit('/').next().unwrap()).collect();
    assert_eq!((again.len(), again.contains(&"new.html"), vendor.ledger().len()), (3, false, 7), "{again:?}");
}

#[test]
fn a_run_that_continues_refreshes_no_stale_url_a_third_time() {
    let vendor = Vendor::start(&[]);
    let (site, cache) = stage(Some(&vendor));
    cache.with(|state| state.lost_purges = usize::MAX);
    let started = run(&site, &vendor, &cache).start();
    started.wait_for("refreshing 3 stale URLs once more");
    vendor.wait_for(7);
    drop(started);
    let finished = run(&site, &vendor, &cache).finish();
    finished.ends_with(7).says(&["3 stale all the same"]);
    assert_eq!(vendor.ledger().len(), 7);
}

#[test]
fn a_stale_url_is_not_refreshed_again_beyond_the_cap() {
    let vendor = Vendor::start(&[]);
    let (site, cache) = stage(Some(&vendor));
    cache.with(|state| state.lost_purges = STALE.len());
    let finished = run(&site, &vendor, &cache).args(&["--max-urls", "5"]).finish();
    finished.ends_with(7).says(&["refreshing 1 stale URL once more", "2 stale all the same"]);
    assert_eq!(vendor.ledger().len(), 5);
}
