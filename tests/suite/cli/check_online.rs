//! `check --online`: the permissions of the credentials, the hosts, and the smallest policy, with nothing changed at the vendor.

use super::stage::{Finished, KEY, SECRET, Site};
use super::vendor::{ClosedPort, Trap, Vendor};

fn check(site: &Site, vendor: std::net::SocketAddr, keys: (&str, &str)) -> Finished {
    let endpoint = format!("alibaba-cdn=http://{vendor}");
    site.bare_run(&["check", "--online", "--endpoint", &endpoint]).keys(keys.0, keys.1).finish()
}

#[test]
fn what_is_granted_untested_and_needed_is_told_and_nothing_changes() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let finished = check(&site, vendor.address(), (KEY, SECRET));
    finished.ends_with(0).says(&[
        "`cdn-purge.yml` is valid",
        "mainland: Alibaba Cloud CDN",
        "`alibaba-cdn`: credentials from `ALIBABA_CLOUD_ACCESS_KEY_ID`",
        "untested  cdn:RefreshObjectCaches (URL refreshes)",
        "untested  cdn:PushObjectCache (URL prefetches)",
        "granted   cdn:DescribeRefreshTasks",
        "granted   cdn:DescribeRefreshQuota",
        "granted   cdn:DescribeUserDomains",
        "host www.example.com: online",
    ]);
    let policy: serde_json::Value =
        serde_json::from_str(finished.out.split_once("the credentials of Alibaba Cloud CDN\n").unwrap().1).unwrap();
    let actions: Vec<&str> =
        policy["Statement"][0]["Action"].as_array().unwrap().iter().filter_map(|action| action.as_str()).collect();
    let expected = [
        "cdn:RefreshObjectCaches",
        "cdn:PushObjectCache",
        "cdn:DescribeRefreshTaskById",
        "cdn:DescribeRefreshTasks",
        "cdn:DescribeRefreshQuota",
    ];
    assert_eq!(actions, expected);
    assert!(!finished.out.contains(KEY) && !finished.out.contains(SECRET));
    vendor.accepted(&[], &[]);
}

#[test]
fn a_missing_permission_is_named_with_the_vendors_words() {
    let (site, vendor) = (Site::new(), Vendor::start(&["--forbid", "DescribeRefreshQuota"]));
    let finished = check(&site, vendor.address(), (KEY, SECRET));
    finished.complains(
        6,
        &["target `mainland`: DescribeRefreshQuota: Forbidden.RAM", "request id", "grant `cdn:DescribeRefreshQuota`"],
    );
    finished.says(&["missing   cdn:DescribeRefreshQuota", "granted   cdn:DescribeRefreshTasks", "the smallest policy"]);
    vendor.accepted(&[], &[]);
}

#[test]
fn a_permission_that_only_the_check_would_use_is_not_missed() {
    let (site, vendor) = (Site::new(), Vendor::start(&["--forbid", "DescribeUserDomains"]));
    let finished = check(&site, vendor.address(), (KEY, SECRET));
    finished.ends_with(0).says(&["not given cdn:DescribeUserDomains", "a run doesn't"]);
    assert!(!finished.out.contains("host www.example.com"));
}

#[test]
fn keys_that_are_refused_or_absent_are_told_with_the_policy_all_the_same() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let finished = check(&site, vendor.address(), ("LTAI5tNobody", SECRET));
    finished.complains(6, &["InvalidAccessKeyId.NotFound", "check the access key id"]);
    finished.says(&["unknown   cdn:RefreshObjectCaches", "the smallest policy"]);
    let without = site.bare_run(&["check", "--online"]).finish();
    without
        .complains(6, &["no credentials for `alibaba-cdn`", "`ALIBABA_CLOUD_ACCESS_KEY_ID`"])
        .says(&["the smallest policy"]);
    vendor.accepted(&[], &[]);
}

#[test]
fn a_host_of_another_account_is_named() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    site.write(
        "cdn-purge.yml",
        super::stage::CONFIGURATION.replace("https://www.example.com", "https://www.elsewhere.test"),
    );
    let finished = check(&site, vendor.address(), (KEY, SECRET));
    finished.complains(
        1,
        &["`www.elsewhere.test` is not among the account's domains", "in the account of the credentials"],
    );
}

#[test]
fn a_configuration_with_problems_is_told_of_before_anything_is_asked() {
    let (site, trap) = (Site::new(), Trap::new());
    site.write("cdn-purge.yml", "version: 1\ntargets: {main: {provider: alibaba-cdn}}\nrules:\n  - {files: '**'}\n");
    check(&site, trap.address(), (KEY, SECRET)).ends_with(2);
    trap.is_untouched();
}

#[test]
fn a_provider_that_cannot_be_reached_is_the_networks_fault() {
    let site = Site::new();
    let closed = ClosedPort::new();
    let finished = check(&site, closed.address(), (KEY, SECRET));
    finished.complains(3, &["target `mainland`: DescribeRefreshQuota", "check the network"]);
    finished.says(&["unknown   cdn:DescribeRefreshTasks"]);
}

#[test]
fn each_vendors_policy_is_its_own() {
    let keys = [("HUAWEICLOUD_SDK_AK", KEY), ("HUAWEICLOUD_SDK_SK", SECRET)];
    let (site, vendor) = (Site::new(), Vendor::with_environment(&["--forbid", "ShowUrlTaskInfo"], &keys));
    let targets = "targets:\n  abroad: {provider: huawei-cdn}\n  idle: {provider: alibaba-vod}\n";
    let rules = "rules:\n  - {files: '**', urls: 'https://www.example.com/{path}', targets: abroad}\n";
    site.write("cdn-purge.yml", format!("version: 1\n{targets}{rules}"));
    let run = site.bare_run(&["check", "--online", "--endpoint", &format!("huawei-cdn=http://{}", vendor.address())]);
    let finished = run.envs(&keys).finish();
    finished.complains(6, &["target `abroad`: ShowUrlTaskInfo", "grant `cdn:configuration:queryCacheHistoryTask`"]);
    finished.says(&["\"Version\": \"1.1\"", "cdn:configuration:refreshCache", "no rule is about it"]);
    assert!(!finished.out.contains("preheatCache") && !finished.out.contains("vod:"), "{}", finished.out);
    vendor.accepted(&[], &[]);
}
