//! `doctor`: the surroundings of a run, and each problem with them.

use super::stage::{CONFIGURATION, KEY, SECRET, Site};
use super::vendor::Vendor;

#[test]
fn what_is_in_order_is_listed_and_nothing_is_sent() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let endpoint = format!("alibaba-cdn=http://{}", vendor.address());
    let finished = site.bare_run(&["doctor", "--endpoint", &endpoint]).keys(KEY, SECRET).finish();
    finished.ends_with(0).says(&[
        concat!("version        ", env!("CARGO_PKG_VERSION")),
        "CI             no CI host",
        "configuration  `cdn-purge.yml`: rules: 1, targets: 1",
        "the first parent of `HEAD`",
        "mainland: Alibaba Cloud CDN",
        "credentials  from `ALIBABA_CLOUD_ACCESS_KEY_ID`",
        "network      `127.0.0.1` answers in",
        "clock        right",
    ]);
    assert!(!finished.out.contains(KEY) && !finished.out.contains(SECRET));
    vendor.accepted(&[], &[]);
}

#[test]
fn every_problem_is_reported_where_it_is() {
    let site = Site::new();
    let finished = site.bare_run(&["doctor", "--endpoint", "alibaba-cdn=http://127.0.0.1:1", "--base", "v9"]).finish();
    finished.says(&["checkout       has a problem:", "credentials  has a problem:", "network      has a problem:"]);
    finished
        .complains(3, &["`v9`", "no credentials for `alibaba-cdn`", "can't connect to `127.0.0.1:1`", "HTTPS_PROXY"]);
}

#[test]
fn without_a_configuration_the_rest_is_not_looked_at() {
    let site = Site::empty();
    let finished = site.bare_run(&["doctor"]).finish();
    finished.says(&["CI             no CI host", "configuration  has a problem:"]);
    finished.complains(2, &["no configuration in", "cdn-purge init"]);
}

#[test]
fn a_built_site_is_looked_at_with_its_manifest_and_no_commits_are() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let built = CONFIGURATION.replace("rules:", "changes: directory\ndirectory: public\nrules:");
    site.write("cdn-purge.yml", &built);
    let endpoint = format!("alibaba-cdn=http://{}", vendor.address());
    let doctor = || site.bare_run(&["doctor", "--endpoint", &endpoint]).keys(KEY, SECRET).finish();
    let finished = doctor();
    finished.ends_with(0).says(&["built site     `public`: 2 files; no manifest `.cdn-purge/manifest.txt` yet: set"]);
    assert!(!finished.out.contains("checkout"), "{}", finished.out);
    for (choice, said) in [("all", "`all`, so a run purges every file"), ("adopt", "`adopt`, so a run purges nothing")]
    {
        site.write("cdn-purge.yml", built.replace("rules:", &format!("without-manifest: {choice}\nrules:")));
        let said = format!("no manifest `.cdn-purge/manifest.txt` yet: `without-manifest` is {said}");
        doctor().ends_with(0).says(&[&said]);
    }
    site.write("cdn-purge.yml", &built);
    site.run(vendor.address(), &["run", "--without-manifest", "adopt"]).finish().ends_with(0);
    doctor().ends_with(0).says(&["`public`: 2 files; the manifest `.cdn-purge/manifest.txt` is of the run of 20"]);
    site.write(".cdn-purge/manifest.txt", "{}");
    let finished = doctor();
    finished.says(&["built site     has a problem:"]);
    finished.complains(3, &["the manifest `", "doesn't begin as a manifest does", "without-manifest"]);
    std::fs::remove_dir_all(site.repository().join("public")).unwrap();
    doctor().complains(3, &["the built directory `public` can't be read", "run the build before this step"]);
}

#[test]
fn a_deploy_tools_list_is_read_as_a_run_reads_it() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let listed =
        CONFIGURATION.replace("rules:", "changes: list\nlist: changes.txt\nlist-format: rclone-combined\nrules:");
    site.write("cdn-purge.yml", listed);
    let endpoint = format!("alibaba-cdn=http://{}", vendor.address());
    let doctor = || site.bare_run(&["doctor", "--endpoint", &endpoint]).keys(KEY, SECRET).finish();
    site.write("changes.txt", "* public/index.html\n= public/b.html\n");
    doctor().ends_with(0).says(&["changes        1 changed file and 1 unchanged in the list `changes.txt`"]);
    site.write("changes.txt", "public/index.html\n");
    doctor().says(&["changes        has a problem:"]);
    std::fs::remove_file(site.repository().join("changes.txt")).unwrap();
    doctor().says(&["changes        has a problem:"]);
}
