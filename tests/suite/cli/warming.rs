//! Prefetches at a CDN without an API for them: fetches through its edge.

use super::little_cache::LittleCache;
use super::stage::{CONFIGURATION, Finished, Site};
use super::vendor::{Trap, Vendor};

const TOKEN: &str = "tokenOfTheTests0123456789abcdefghijklmno";

fn site() -> Site {
    let site = Site::new();
    let text = CONFIGURATION.replace("{provider: alibaba-cdn}", "{provider: cloudflare}");
    site.write("cdn-purge.yml", text.replace("https://", "http://"));
    site
}

fn vendor() -> Vendor {
    Vendor::with_environment(&[], &[("CLOUDFLARE_API_TOKEN", TOKEN)])
}

fn run(site: &Site, vendor: &Vendor, edge: &str, arguments: &[&str]) -> Finished {
    let endpoint = format!("cloudflare=http://{}", vendor.address());
    let run = site.bare_run(&["run", "--base", "HEAD~1", "--endpoint", &endpoint, "--edge", edge]);
    run.args(arguments)
        .env("CDN_PURGE_REPORT_FILE", site.sibling("report.json"))
        .env("CLOUDFLARE_API_TOKEN", TOKEN)
        .finish()
}

#[test]
fn pages_are_purged_and_then_fetched_once_through_the_edge() {
    let (site, vendor) = (site(), vendor());
    let cache = LittleCache::new(None);
    for page in ["/index.html", "/about/new.html"] {
        cache.deploy(page, "a page");
    }
    let finished = run(&site, &vendor, &cache.address(), &[]);
    finished.is_all_done();
    finished.says(&["2 of 2 done (fetched through the CDN: warm in the point of presence nearest to this machine"]);
    assert_eq!(vendor.ledger().len(), 4, "{:?}", vendor.ledger());
    assert_eq!(cache.requests(), ["/about/new.html gzip", "/index.html gzip"]);
}

#[test]
fn of_several_edges_the_first_is_warmed() {
    let (site, vendor, trap) = (site(), vendor(), Trap::new());
    let cache = LittleCache::new(None);
    for page in ["/index.html", "/about/new.html"] {
        cache.deploy(page, "a page");
    }
    run(&site, &vendor, &format!("{},{}", cache.address(), trap.address()), &[]).is_all_done();
    assert_eq!(cache.requests(), ["/about/new.html gzip", "/index.html gzip"]);
    trap.is_untouched();
}

#[test]
fn a_page_that_can_not_be_fetched_has_failed_and_the_status_is_named() {
    let (site, vendor) = (site(), vendor());
    let cache = LittleCache::new(None);
    cache.deploy("/index.html", "a page");
    let finished = run(&site, &vendor, &cache.address(), &[]);
    finished.ends_with(1).says(&["failed: prefetch http://www.example.com/about/new.html: refused: GET: HTTP 404"]);
    assert_eq!(finished.outcomes().values().filter(|outcome| *outcome == "done").count(), 5);
}

#[test]
fn a_plan_says_how_it_would_be_done_and_asks_nobody() {
    let (site, trap) = (site(), Trap::new());
    let edge = trap.address().to_string();
    let finished = site.bare_run(&["plan", "--base", "HEAD~1", "--edge", &edge]).finish();
    finished.ends_with(0).says(&["this CDN has no prefetch API, so each URL is fetched once through the CDN"]);
    let simulated = site.bare_run(&["run", "--simulate", "--base", "HEAD~1", "--edge", &edge]).finish();
    simulated.ends_with(0).says(&["fetched through the CDN"]);
    trap.is_untouched();
}

#[test]
fn an_edge_that_is_no_address_is_refused() {
    let finished = site().bare_run(&["plan", "--edge", "203.0.113.7, https://www.example.com"]).finish();
    finished.complains(2, &["`--edge` holds `https://www.example.com`", "write an IP address"]);
}
