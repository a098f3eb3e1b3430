//! Tencent Cloud's products as a process of their own meets them: keys, a role, permissions.

use super::no_credentials::{hides, token};
use super::stage::{KEY, SECRET, STALE, Site, WARM};
use super::vendor::Vendor;

const KEYS: [(&str, &str); 2] = [("TENCENTCLOUD_SECRET_ID", KEY), ("TENCENTCLOUD_SECRET_KEY", SECRET)];

fn report_file(site: &Site) -> String {
    site.sibling("report.json").to_str().unwrap().to_owned()
}

fn site(target: &str) -> Site {
    let site = Site::new();
    site.write("cdn-purge.yml", super::stage::CONFIGURATION.replace("{provider: alibaba-cdn}", target));
    site
}

#[test]
fn a_site_is_refreshed_and_prefetched_at_the_cdn() {
    let (site, vendor) = (site("{provider: tencent-cdn}"), Vendor::with_environment(&[], &KEYS));
    let endpoint = format!("tencent-cdn=http://{}", vendor.address());
    let finished = site
        .bare_run(&["run", "--base", "HEAD~1", "--endpoint", &endpoint])
        .env("CDN_PURGE_REPORT_FILE", report_file(&site))
        .envs(&KEYS)
        .finish();
    finished.is_all_done();
    vendor.accepted(&STALE, &WARM);
    let list = |more: &[&str]| {
        let run = site.bare_run(&["records", "--provider", "tencent-cdn", "--since", "1h", "--endpoint", &endpoint]);
        run.args(more).envs(&KEYS).finish()
    };
    // Refreshes and prefetches have lists of their own; one question is about both.
    list(&[]).ends_with(0).says(&["push", "https://www.example.com/gone.html"]);
    let quota = site.bare_run(&["quota", "--provider", "tencent-cdn", "--endpoint", &endpoint]).envs(&KEYS).finish();
    quota.ends_with(0).says(&["9,996", "998"]);
}

#[test]
fn a_missing_permission_of_prefetches_is_named_where_something_is_prefetched() {
    let (site, vendor) =
        (site("{provider: tencent-cdn}"), Vendor::with_environment(&["--forbid", "DescribePushTasks"], &KEYS));
    let endpoint = format!("tencent-cdn=http://{}", vendor.address());
    let check =
        |more: &[&str]| site.bare_run(&["check", "--online", "--endpoint", &endpoint]).args(more).envs(&KEYS).finish();
    let finished = check(&[]);
    finished.complains(6, &["DescribePushTasks", "grant `cdn:DescribePushTasks`"]);
    finished.says(&["granted   cdn:DescribePushQuota", "granted   cdn:DescribePurgeTasks", "\"effect\": \"allow\""]);
    let without = check(&["--prefetch=false"]);
    without.ends_with(0);
    assert!(!without.out.contains("Push"), "{}", without.out);
    vendor.accepted(&[], &[]);
}

#[test]
fn a_role_of_tencent_cloud_gives_credentials_that_are_refreshed_during_the_run() {
    let vendor = Vendor::with_environment(&["--token-seconds", "3", "--task-seconds", "5"], &KEYS);
    let (site, gateway) = (site("{provider: tencent-cdn}"), format!("http://{}", vendor.address()));
    let token = token("sts.tencentcloudapi.com", 4_000_000_000);
    let finished = site
        .bare_run(&["run", "--base", "HEAD~1", "--endpoint", &format!("tencent-cdn={gateway}")])
        .args(&["--role", "qcs::cam::uin/100000000001:roleName/ci", "--oidc-provider", "gitlab"])
        .env("CDN_PURGE_REPORT_FILE", report_file(&site))
        .envs(&[("TENCENTCLOUD_STS_ENDPOINT", gateway.as_str()), ("CDN_PURGE_OIDC_TOKEN", &token)])
        .finish();
    finished.is_all_done().says(&[
        "`tencent-cdn`: credentials of the role qcs::cam::uin/100000000001:roleName/ci",
        "`tencent-cdn`: credentials refreshed, valid until ",
    ]);
    hides(&finished, &token);
    vendor.accepted(&STALE, &WARM);
}

#[test]
fn edgeone_finds_the_zone_by_the_host_and_stops_where_there_is_none() {
    let vendor = Vendor::with_environment(&[], &KEYS);
    let endpoint = format!("tencent-edgeone=http://{}", vendor.address());
    let run = |site: &Site| {
        let run = site.bare_run(&["run", "--base", "HEAD~1", "--endpoint", &endpoint]).envs(&KEYS);
        run.env("CDN_PURGE_REPORT_FILE", report_file(site)).finish()
    };
    let site = site("{provider: tencent-edgeone}");
    run(&site).is_all_done();
    vendor.accepted(&STALE, &WARM);
    let configuration = super::stage::CONFIGURATION.replace("{provider: alibaba-cdn}", "{provider: tencent-edgeone}");
    site.write("cdn-purge.yml", configuration.replace("https://www.example.com", "https://www.elsewhere.test"));
    let finished = run(&site);
    finished.says(&["doesn't have a zone of the host `www.elsewhere.test`"]);
    vendor.accepted(&STALE, &WARM);
}
