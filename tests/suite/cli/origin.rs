//! Runs that wait until the origin serves what was deployed.

use super::little_cache::LittleCache;
use super::stage::{CONFIGURATION, Finished, STALE, Site};
use super::vendor::Vendor;

/// The site, whose origin still has what the first commit deployed.
fn stage() -> (Site, LittleCache) {
    let site = Site::new();
    site.write("cdn-purge.yml", CONFIGURATION.replace("    prefetch: true\n", ""));
    let origin = LittleCache::new(None);
    origin.with(|state| state.keeps_nothing = true);
    for (path, body) in
        [("/index.html", "<h1>home</h1>\n"), ("/about/old.html", "<h1>about</h1>\n"), ("/gone.html", "<h1>gone</h1>\n")]
    {
        origin.deploy(path, body);
    }
    (site, origin)
}

fn deploy(origin: &LittleCache) {
    origin.with(|state| state.origin.clear());
    origin.deploy("/index.html", "<h1>news</h1>\n");
    origin.deploy("/about/new.html", "<h1>about</h1>\n");
}

fn run(site: &Site, vendor: &Vendor, arguments: &[&str]) -> Finished {
    let run = site.run(vendor.address(), &["run", "--base", "HEAD~1", "--edge", "127.0.0.1:9"]);
    run.args(arguments).finish()
}

#[test]
fn what_the_origin_does_not_serve_yet_is_not_purged_and_the_rest_is() {
    let (vendor, (site, origin)) = (Vendor::start(&[]), stage());
    origin.with(|state| state.origin.retain(|path, _| path == "/index.html"));
    let origin_url = format!("http://{}", origin.address());
    let finished = run(&site, &vendor, &["--origin", &origin_url, "--gate-timeout", "1s"]);
    finished.ends_with(1).says(&[
        "its origin doesn't serve the new version: the bytes of the file before",
        "its origin doesn't serve the new version: HTTP 404, though its file exists",
    ]);
    vendor.accepted(&["about/old.html", "gone.html"], &[]);
    deploy(&origin);
    run(&site, &vendor, &["--origin", &origin_url, "--gate-timeout", "1s"]).is_all_done();
    vendor.accepted(&STALE, &[]);
}

#[test]
fn nothing_is_purged_while_the_origin_is_down() {
    let (vendor, (site, origin)) = (Vendor::start(&[]), stage());
    origin.with(|state| state.origin_status = Some(503));
    let finished = run(&site, &vendor, &["--origin", &format!("http://{}", origin.address()), "--gate-timeout", "1s"]);
    finished.ends_with(1).says(&["the origin is down, and a purge would remove the last good copy: HTTP 503"]);
    assert!(finished.outcomes().values().all(|outcome| outcome == "unsubmitted"));
    vendor.accepted(&[], &[]);
}

#[test]
fn an_origin_that_has_one_page_for_everything_is_not_taken_for_deployed() {
    let (vendor, (site, origin)) = (Vendor::start(&[]), stage());
    site.write("public/app.js", "let version = 2;\n");
    site.commit("Add a script");
    origin.with(|state| {
        state.origin.clear();
        state.fallback = Some("<h1>our app</h1>");
    });
    let arguments = ["--base", "HEAD~2", "--origin", &format!("http://{}", origin.address()), "--gate-timeout", "1s"];
    let run = || {
        let run = site.run(vendor.address(), &["run", "--edge", "127.0.0.1:9"]);
        run.args(&arguments).finish()
    };
    let finished = run();
    finished.ends_with(1).says(&[
        "its origin doesn't serve the new version: the page that the origin also has for a URL that can't exist",
        "2 URLs are purged without proof that the new version is deployed",
    ]);
    let unsubmitted = finished.outcomes().into_iter().filter(|(_, outcome)| outcome == "unsubmitted");
    assert_eq!(unsubmitted.map(|(task, _)| task).collect::<Vec<_>>(), ["refresh https://www.example.com/app.js"]);
    let absent = |requests: Vec<String>| requests.iter().filter(|path| path.starts_with("/cdn-purge-")).count();
    assert_eq!(absent(origin.requests()), 1);
    origin.deploy("/app.js", "let version = 2;\n");
    run().is_all_done();
    vendor.accepted(&["about/new.html", "about/old.html", "app.js", "gone.html", "index.html"], &[]);
}

#[test]
fn a_text_is_waited_for_before_anything_is_sent() {
    let (vendor, (site, origin)) = (Vendor::start(&[]), stage());
    let condition = format!("http://{}/version.txt contains {{head}}", origin.address());
    let arguments = ["--wait-for", &condition, "--gate-timeout", "1s", "--allow-hosts", "www.example.com,127.0.0.1"];
    run(&site, &vendor, &arguments).complains(1, &["didn't contain `", "deploy before this step"]);
    vendor.accepted(&[], &[]);
    origin.deploy("/version.txt", &format!("commit {}\n", site.git(&["rev-parse", "HEAD"])));
    run(&site, &vendor, &arguments).is_all_done();
    vendor.accepted(&STALE, &[]);
    // Not a host of the plan, and listed nowhere.
    let finished = run(&site, &vendor, &arguments[..4]);
    finished.complains(2, &["`127.0.0.1` isn't a host of this plan", "add `127.0.0.1` to `allow-hosts`"]);
}

#[test]
fn a_resumed_run_waits_for_the_origin_too() {
    let (vendor, (site, origin)) = (Vendor::start(&[]), stage());
    origin.with(|state| state.origin.retain(|path, _| path == "/index.html"));
    let origin_url = format!("http://{}", origin.address());
    let arguments = ["--origin", &origin_url, "--gate-timeout", "1s", "--resume"];
    run(&site, &vendor, &arguments[..4]).ends_with(1);
    vendor.accepted(&["about/old.html", "gone.html"], &[]);
    origin.requests();
    run(&site, &vendor, &arguments).ends_with(1).says(&["its origin doesn't serve the new version"]);
    vendor.accepted(&["about/old.html", "gone.html"], &[]);
    // For the sake of the URLs that weren't sent alone.
    let requests = origin.requests();
    assert!(requests.iter().all(|path| path == "/index.html" || path == "/about/new.html"), "{requests:?}");
    deploy(&origin);
    run(&site, &vendor, &arguments).is_all_done();
    vendor.accepted(&STALE, &[]);
}

#[test]
fn every_url_is_waited_for_where_a_sample_is_verified() {
    let (vendor, (site, origin)) = (Vendor::start(&[]), stage());
    let origin_url = format!("http://{}", origin.address());
    let arguments = ["--origin", &origin_url, "--gate-timeout", "1s", "--verify", "--verify-urls", "1"];
    let finished = run(&site, &vendor, &arguments);
    finished.ends_with(1).says(&["waiting until the origin serves 4 URLs as deployed"]);
    vendor.accepted(&[], &[]);
}

#[test]
fn what_could_never_be_waited_for_is_refused_before_anything_is_sent() {
    let (vendor, (site, _)) = (Vendor::start(&[]), stage());
    let refused = |arguments: &[&str], parts: &[&str]| {
        run(&site, &vendor, arguments).complains(2, parts);
    };
    refused(
        &["--origin", "https://10.0.0.1"],
        &["`origin` can't be fetched from: 10.0.0.1 isn't a public IP address", "name a server"],
    );
    refused(&["--origin", "http://origin.example.net"], &["`--origin` holds `http://origin.example.net`", "use https"]);
    refused(
        &["--wait-for", "https://www.example.net/ contains x"],
        &["`wait-for` can't be fetched: `www.example.net` isn't a host of this plan", "`allow-hosts`"],
    );
    let list = site.run(vendor.address(), &["refresh", "https://www.example.com/", "--provider", "alibaba-cdn"]);
    list.args(&["--wait-for", "https://www.example.com/ contains {head}"])
        .finish()
        .complains(2, &["`wait-for` names `{head}`, and this plan isn't of a commit", "write the text itself"]);
    vendor.accepted(&[], &[]);
}

#[test]
fn an_origin_that_the_list_of_hosts_does_not_name_is_refused() {
    let (vendor, (site, _)) = (Vendor::start(&[]), stage());
    let finished = run(&site, &vendor, &["--origin", "https://origin.example.net", "--allow-hosts", "www.example.com"]);
    finished.complains(
        2,
        &["the origin's host `origin.example.net` isn't one that `allow-hosts` names", "add the host to `allow-hosts`"],
    );
    run(&site, &vendor, &["--origin", "ftp://a"]).complains(2, &["`--origin` holds `ftp://a`", "write it as"]);
    run(&site, &vendor, &["--wait-for", "tomorrow"]).complains(2, &["`--wait-for` is `tomorrow`", "write it as"]);
    vendor.accepted(&[], &[]);
}
