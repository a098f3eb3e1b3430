//! CloudFront as a process of its own meets it: an access key, a role without a name of its OIDC provider, permissions, a plan with its price.

use super::no_credentials::{hides, token};
use super::stage::{KEY, SECRET, STALE, Site};
use super::vendor::Vendor;

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)];

fn site(target: &str) -> Site {
    let site = Site::new();
    let configuration = super::stage::CONFIGURATION.replace("{provider: alibaba-cdn}", target);
    site.write("cdn-purge.yml", configuration.replace("    prefetch: true\n", ""));
    site
}

fn endpoint(vendor: &Vendor) -> String {
    format!("cloudfront=http://{}", vendor.address())
}

fn invalidated(vendor: &Vendor) {
    let expected = STALE.map(|path| format!("refresh https://d111111abcdef8.cloudfront.net/{path}"));
    let mut ledger = vendor.ledger();
    ledger.sort();
    assert_eq!(ledger, expected);
}

#[test]
fn a_site_is_invalidated_in_the_distribution_of_its_host() {
    let (site, vendor) = (site("{provider: cloudfront}"), Vendor::with_environment(&[], &KEYS));
    let report = site.sibling("report.json").to_str().unwrap().to_owned();
    let run = site.bare_run(&["run", "--base", "HEAD~1", "--endpoint", &endpoint(&vendor)]);
    run.env("CDN_PURGE_REPORT_FILE", report).envs(&KEYS).finish().is_all_done();
    invalidated(&vendor);
    let plan = site.bare_run(&["run", "--base", "HEAD~1", "--dry-run"]).finish();
    plan.ends_with(0).says(&["4 invalidation paths at US$ 0.005 each: US$ 0.02", "1,000 that are free each month"]);
}

#[test]
fn a_role_is_assumed_with_the_token_alone_and_refreshed_during_the_run() {
    let vendor = Vendor::with_environment(&["--token-seconds", "3", "--task-seconds", "5"], &KEYS);
    let site = site("{provider: cloudfront, distribution: EDFDVBD6EXAMPLE}");
    let token = token("sts.amazonaws.com", 4_000_000_000);
    let report = site.sibling("report.json").to_str().unwrap().to_owned();
    let gateway = format!("http://{}", vendor.address());
    let finished = site
        .bare_run(&["run", "--base", "HEAD~1", "--endpoint", &endpoint(&vendor)])
        .args(&["--role", "arn:aws:iam::123456789012:role/ci"])
        .env("CDN_PURGE_REPORT_FILE", report)
        .envs(&[("AWS_ENDPOINT_URL_STS", gateway.as_str()), ("CDN_PURGE_OIDC_TOKEN", &token)])
        .finish();
    finished.is_all_done().says(&[
        "`cloudfront`: credentials of the role arn:aws:iam::123456789012:role/ci",
        "`cloudfront`: credentials refreshed, valid until ",
    ]);
    hides(&finished, &token);
    invalidated(&vendor);
}

#[test]
fn permissions_and_hosts_are_checked_without_an_invalidation() {
    let vendor = Vendor::with_environment(&["--forbid", "GetInvalidation"], &KEYS);
    let site = site("{provider: cloudfront}");
    let check = site.bare_run(&["check", "--online", "--endpoint", &endpoint(&vendor)]).envs(&KEYS).finish();
    check.complains(6, &["cloudfront:GetInvalidation", "grant `cloudfront:GetInvalidation`"]);
    check.says(&[
        "granted   cloudfront:ListDistributions",
        "untested  cloudfront:CreateInvalidation",
        "\"2012-10-17\"",
    ]);
    check.says(&["host www.example.com: online"]);
    assert_eq!(vendor.ledger().len(), 0);
}

#[test]
fn a_simulation_takes_the_id_that_the_configuration_names() {
    for target in
        ["{provider: cloudfront, distribution: E2MYOWN1234567}", "{provider: cloudfront, distribution: dt_mine}"]
    {
        let finished = site(target).bare_run(&["run", "--base", "HEAD~1", "--simulate"]).finish();
        finished.ends_with(0).says(&["all 4 URLs done"]);
    }
}
