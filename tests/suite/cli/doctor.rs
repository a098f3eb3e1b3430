//! `doctor`: the surroundings of a run, and each problem with them.

use super::stage::{KEY, SECRET, Site};
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
