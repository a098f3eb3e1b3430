//! One configuration with targets at several providers: one run, one report, the worst exit code.

use std::collections::BTreeMap;

use super::stage::{KEY, SECRET, STALE, Site, WARM};
use super::vendor::{ClosedPort, Vendor};

const HUAWEI: [(&str, &str); 2] = [("HUAWEICLOUD_SDK_AK", "AK-of-tests"), ("HUAWEICLOUD_SDK_SK", "SK/of+tests")];

const CONFIGURATION: &str = r#"version: 1
targets:
  pages: {provider: alibaba-cdn}
  videos: {provider: alibaba-vod}
  abroad: {provider: huawei-cdn, prefetch-delay: 1s, enterprise-project: all}
rules:
  - files: "public/**"
    urls: "https://www.example.com/{tail}"
    prefetch: true
"#;

/// How many URLs ended how, by target.
type Ends = BTreeMap<(String, String), usize>;

/// A run at three providers: its exit code, its ends, and what each vendor accepted.
fn run(faults: &[&str], secret: &str) -> (i64, Ends, BTreeMap<String, usize>) {
    let vendor = Vendor::with_environment(faults, &HUAWEI);
    let site = Site::new();
    site.write("cdn-purge.yml", CONFIGURATION);
    let gateway = vendor.address();
    let others = ["alibaba-vod", "huawei-cdn"].map(|name| format!("{name}=http://{gateway}"));
    let finished = site
        .run(gateway, &["run", "--endpoint", &others[0], "--endpoint", &others[1]])
        .keys(KEY, SECRET)
        .envs(&[HUAWEI[0], ("HUAWEICLOUD_SDK_SK", secret)])
        .finish();
    let code = finished.report()["exit_code"].as_i64().unwrap();
    (code, finished.ends(), vendor.accepted_by())
}

fn ends(expected: &[(&str, &str, usize)]) -> Ends {
    expected.iter().map(|(target, outcome, count)| (((*target).into(), (*outcome).into()), *count)).collect()
}

#[test]
fn three_providers_are_done_in_one_go() {
    let (code, outcomes, accepted) = run(&[], HUAWEI[1].1);
    let all = STALE.len() + WARM.len();
    assert_eq!(outcomes, ends(&[("pages", "done", all), ("videos", "done", all), ("abroad", "done", all)]));
    assert_eq!(code, 0);
    let expected = ["alibaba-cdn", "alibaba-vod", "huawei-cdn"].map(|name| (name.to_owned(), all));
    assert_eq!(accepted, expected.into());
}

#[test]
fn one_that_refuses_its_keys_stops_no_other_and_gives_the_worst_exit_code() {
    let (code, outcomes, accepted) = run(&[], "wrong");
    let all = STALE.len() + WARM.len();
    assert_eq!(outcomes, ends(&[("pages", "done", all), ("videos", "done", all), ("abroad", "unsubmitted", all)]));
    assert_eq!(code, i64::from(cdn_purge::error::ExitCode::Credentials as u8));
    assert_eq!(accepted.get("huawei-cdn"), None);
}

const FIVE: &str = r#"version: 1
targets:
  alibaba: {provider: alibaba-cdn}
  cloudflare: {provider: cloudflare}
  cloudfront: {provider: cloudfront}
  fastly: {provider: fastly}
  tencent: {provider: tencent-cdn}
rules:
  - files: "public/**"
    urls: "https://www.example.com/{tail}"
"#;

/// A run at five providers, of which one is down if it is named: its ends, and what each vendor accepted.
fn run_at_five(down: &str) -> (Ends, BTreeMap<String, usize>) {
    let keys = [
        ("CLOUDFLARE_API_TOKEN", SECRET),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("FASTLY_API_TOKEN", SECRET),
        ("TENCENTCLOUD_SECRET_ID", KEY),
        ("TENCENTCLOUD_SECRET_KEY", SECRET),
    ];
    let vendor = Vendor::with_environment(&[], &keys);
    let site = Site::new();
    site.write("cdn-purge.yml", FIVE);
    let port = ClosedPort::new();
    let closed = port.address();
    let names = ["cloudflare", "cloudfront", "fastly", "tencent-cdn"];
    let endpoints = names.map(|name| format!("{name}=http://{}", if name == down { closed } else { vendor.address() }));
    let mut run = site.run(if down == "alibaba-cdn" { closed } else { vendor.address() }, &["run", "--timeout", "10s"]);
    for endpoint in &endpoints {
        run = run.args(&["--endpoint", endpoint]);
    }
    let finished = run.keys(KEY, SECRET).envs(&keys).finish();
    let report = finished.report();
    let mut ends = Ends::new();
    for row in report["urls"].as_array().unwrap() {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        *ends.entry((text("target"), text("outcome"))).or_default() += 1;
    }
    (ends, vendor.accepted_by())
}

#[test]
fn five_vendors_run_in_one_go_and_one_that_is_down_stops_no_other() {
    let targets = ["alibaba", "cloudflare", "cloudfront", "fastly", "tencent"];
    let providers = ["alibaba-cdn", "cloudflare", "cloudfront", "fastly", "tencent-cdn"];
    for down in ["", "cloudfront", "alibaba-cdn"] {
        let (outcomes, accepted) = run_at_five(down);
        let end = |name: &str| if name == down { "unsubmitted" } else { "done" };
        let expected = targets.iter().zip(providers).map(|(target, name)| (*target, end(name), STALE.len()));
        assert_eq!(outcomes, ends(&expected.collect::<Vec<_>>()), "{down}");
        let others = providers.iter().filter(|name| **name != down).map(|name| ((*name).to_owned(), STALE.len()));
        assert_eq!(accepted, others.collect(), "{down}");
    }
}
