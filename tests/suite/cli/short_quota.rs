//! Plans that are too large for the day's quota: directories in place of URLs, prefetches by popularity, and the next day.

use super::stage::{KEY, SECRET, Site, at_once, urls};
use super::vendor::Vendor;

/// Each provider with a daily quota, and the variables of its credentials.
const VENDORS: [(&str, [(&str, &str); 2]); 5] = [
    ("alibaba-cdn", [("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET)]),
    ("alibaba-dcdn", [("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET)]),
    ("alibaba-vod", [("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET)]),
    ("huawei-cdn", [("HUAWEICLOUD_SDK_AK", KEY), ("HUAWEICLOUD_SDK_SK", SECRET)]),
    ("tencent-cdn", [("TENCENTCLOUD_SECRET_ID", KEY), ("TENCENTCLOUD_SECRET_KEY", SECRET)]),
];
const HUAWEI: usize = 3;

/// A site of these files, with its configuration's rules; the second commit changes some of them.
struct Shop {
    site: Site,
    vendor: Vendor,
    provider: usize,
}

impl Shop {
    fn new(provider: usize, quota: &str, rules: &str, files: &[String], changed: &[String]) -> Self {
        let (name, credentials) = VENDORS[provider];
        // Its pause is minutes long.
        let delay = if provider == HUAWEI { ", prefetch-delay: 0s" } else { "" };
        let site = Site::empty();
        site.git(&["init", "--quiet", "--initial-branch=main"]);
        site.write(
            "cdn-purge.yml",
            format!("version: 1\ntargets: {{site: {{provider: {name}{delay}}}}}\nrules:\n{rules}"),
        );
        files.iter().for_each(|file| site.write(file, "1\n"));
        site.commit("Begin");
        changed.iter().for_each(|file| site.write(file, "2\n"));
        site.commit("Change");
        Self { site, vendor: Vendor::with_environment(&["--quota", quota], &credentials), provider }
    }

    /// Removes what git knows of a folder, as in a clone that has only a part of it.
    fn lose(&self, folder: &str) {
        let tree = self.site.git(&["rev-parse", &format!("HEAD:{folder}")]);
        let (start, rest) = tree.split_at(2);
        std::fs::remove_file(self.site.repository().join(format!(".git/objects/{start}/{rest}"))).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> super::stage::Finished {
        let (name, credentials) = VENDORS[self.provider];
        let endpoint = format!("{name}=http://{}", self.vendor.address());
        let run = self.site.bare_run(arguments).args(&["--endpoint", &endpoint]).envs(&credentials);
        let report = self.site.sibling("report.json");
        run.args(&["--report-file", report.to_str().unwrap()]).finish()
    }
}

fn files(folder: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("public/{folder}/{number:04}.html")).collect()
}

const COMPLETE: &str = "  - files: 'public/**'\n    urls: 'https://www.example.com/{tail}'\n    complete: true\n";

#[test]
fn a_prefetch_quota_that_is_short_keeps_no_page_from_being_refreshed_at_any_vendor() {
    let all: Vec<usize> = (0..VENDORS.len()).collect();
    at_once(&all, |&provider| {
        let pages = files("p", 30);
        let rules = "  - files: 'public/**'\n    urls: 'https://www.example.com/{tail}'\n    prefetch: true\n";
        let shop = Shop::new(provider, "40", rules, &pages, &pages);
        let warm: Vec<String> = (0..15).map(|number| format!("warm{number}.html")).collect();
        let warm = urls(&warm.iter().map(String::as_str).collect::<Vec<_>>());
        let mut earlier = vec!["prefetch", "--provider", VENDORS[provider].0];
        earlier.extend(warm.iter().map(String::as_str));
        shop.run(&earlier).ends_with(0);
        let finished = shop.run(&["run", "--fail-on", "refresh"]);
        finished.ends_with(0).says(&["30 URL prefetches are planned and 25 are left today, so 25 go out"]);
        let ledger = shop.vendor.ledger();
        let count = |operation| ledger.iter().filter(|entry| entry.starts_with(operation)).count();
        assert_eq!((count("refresh"), count("prefetch")), (30, 40), "{}", VENDORS[provider].0);
    });
}

#[test]
fn a_directory_of_the_configuration_covers_every_page_at_huawei() {
    let pages: Vec<String> = (0..2_100).map(|number| format!("docs/{}/{number}.md", number % 130)).collect();
    let rules = "  - files: 'docs/**/*.md'\n    urls: 'https://docs.example.com/{1}/{stem}/'\n  - name: everything\n    files: [mkdocs.yml]\n    \
                 directories: 'https://docs.example.com/'\n    allow-everything: true\n  - files: 'docs/**'\n    \
                 directories: 'https://docs.example.com/{dir}/'\n";
    let all = [&pages[..], &["mkdocs.yml".to_owned()]].concat();
    let shop = Shop::new(HUAWEI, "2000", rules, &all, &all);
    let finished = shop.run(&["run"]);
    finished.is_all_done();
    // With 130 sections below the root, which the root covers as well.
    assert_eq!(shop.vendor.ledger(), ["refresh https://docs.example.com/"]);
    let urls = finished.report()["urls"].as_array().unwrap();
    assert!(urls.len() > 2_230 && urls.iter().filter(|row| row["covered_by"].is_null()).count() == 1);
}

#[test]
fn directories_take_the_place_of_urls_that_do_not_fit() {
    let changed = [files("blog", 30), files("docs", 20)].concat();
    let all = [&changed[..], &["public/docs/old.html".into(), "public/index.html".into()]].concat();
    let shop = Shop::new(0, "25", COMPLETE, &all, &changed);
    // The default is to purge no more than what changed, and to say what would fit.
    let said = "with `collapse: auto`, 2 directories would take the place of 50 URLs: 48 refreshes fewer, and 1 unchanged file";
    shop.run(&["run"]).ends_with(5).says(&["50 URL refreshes are planned and 25 are left today", said]);
    assert_eq!(shop.vendor.ledger().len(), 0);
    let said = "2 directories take the place of 50 URLs";
    let finished = shop.run(&["run", "--collapse", "auto"]);
    finished.is_all_done().says(&[said, "`https://www.example.com/blog/` covers 30 URLs"]);
    let mut ledger = shop.vendor.ledger();
    ledger.sort();
    assert_eq!(ledger, ["refresh https://www.example.com/blog/", "refresh https://www.example.com/docs/"]);
    let report = finished.report();
    assert!(report["notes"].to_string().contains(said), "{}", report["notes"]);
    let covered = report["urls"].as_array().unwrap().iter();
    let covered =
        covered.filter(|row| row["covered_by"] == "https://www.example.com/blog/" && row["outcome"] == "done");
    assert_eq!(covered.count(), 30);
}

#[test]
fn a_run_that_is_continued_keeps_its_directories_whatever_is_left_of_the_quota() {
    let changed = [files("blog", 30), files("docs", 20)].concat();
    let all = [&changed[..], &["other/page.html".into()]].concat();
    let shop = Shop::new(0, "25", COMPLETE, &all, &changed);
    let finished = shop.run(&["run", "--collapse", "auto", "--wait", "none"]);
    finished.ends_with(0);
    // The quota before and after, and one batch of directories.
    assert_eq!(finished.report()["calls"], 3);
    let sent = shop.vendor.ledger();
    assert_eq!(sent.len(), 2);
    // With 23 directories and 25 URLs left, it would decide otherwise today. Nobody needs to list the other files for it.
    shop.lose("other");
    let said = "2 refreshes and prefetches, and `max-urls` is 1";
    shop.run(&["run", "--collapse", "auto", "--max-urls", "1"]).ends_with(5).says(&[said]);
    let said = "2 directories take the place of 50 URLs, as in the run that is continued";
    shop.run(&["wait", "--collapse", "auto"]).is_all_done().says(&[said]);
    assert_eq!(shop.vendor.ledger(), sent);
}

#[test]
fn no_run_fails_or_loses_its_report_for_want_of_a_suggestion() {
    let changed = files("blog", 30);
    let all = [&changed[..], &["other/page.html".into()]].concat();
    let shop = Shop::new(0, "25", COMPLETE, &all, &changed);
    // Nothing that changed is in it, so only a list of all files needs it.
    shop.lose("other");
    let said = "what `collapse: auto` would save isn't known";
    let finished = shop.run(&["run"]);
    finished.ends_with(5).says(&["30 URL refreshes are planned and 25 are left today", said]);
    assert!(finished.report()["notes"].to_string().contains(said), "{}", finished.report()["notes"]);
    let finished = shop.run(&["plan", "--max-urls", "25"]);
    finished.ends_with(5).says(&[said, "30 refreshes and prefetches, and `max-urls` is 25"]);
}

#[test]
fn a_suggestion_says_if_it_is_not_enough() {
    let changed = [files("blog", 30), (0..9).map(|number| format!("public/{number}.html")).collect()].concat();
    let shop = Shop::new(0, "5", COMPLETE, &changed, &changed);
    let said = "with `collapse: auto`, 1 directory would take the place of 30 URLs: 29 refreshes fewer, and no unchanged file is \
                refreshed; what is left still doesn't fit";
    shop.run(&["run"]).ends_with(5).says(&[said]);
}

#[test]
fn a_plan_shows_what_is_collapsed_and_which_unchanged_files_it_touches() {
    let changed = [files("blog", 300), files("docs", 20)].concat();
    let all = [&changed[..], &["public/blog/old1.html".into(), "public/blog/old2.html".into()]].concat();
    let shop = Shop::new(0, "1", COMPLETE, &all, &changed);
    let plan = |more: &[&str]| shop.run(&[&["plan"], more].concat());
    plan(&["--collapse", "always"]).ends_with(0).says(&[
        "1 directory takes the place of 300 URLs: 299 refreshes fewer, and 2 unchanged files are refreshed too",
        "`https://www.example.com/blog/` covers 300 URLs, and 2 unchanged files: `public/blog/old1.html`, `public/blog/old2.html`",
        "20 of 10,000 URL refreshes a day",
    ]);
    // Everything must have changed below a directory: none is left.
    plan(&["--collapse", "always", "--over-refresh", "0x"]).ends_with(0).says(&["320 of 10,000 URL refreshes a day"]);
    // The standard quota has room, so nothing is collapsed for it.
    plan(&["--collapse", "auto"]).ends_with(0).says(&["320 of 10,000 URL refreshes a day"]);
    // A cap that the URLs exceed.
    let said = "1 directory takes the place of 300 URLs";
    plan(&["--collapse", "auto", "--max-urls", "100"]).ends_with(0).says(&[said]);
    let said = "with `collapse: auto`, 1 directory would take the place of 300 URLs";
    plan(&["--max-urls", "100"]).ends_with(5).says(&[said, "320 refreshes and prefetches, and `max-urls` is 100"]);
}

#[test]
fn ten_thousand_files_in_four_hundred_folders_fit_a_hundred_directories() {
    let changed: Vec<String> =
        (0..10_000).map(|number| format!("public/{}/{}/{number}.html", number % 20, number % 400)).collect();
    let unchanged = (0..400).map(|folder| format!("public/{}/{folder}/old.html", folder % 20));
    let all: Vec<String> = changed.iter().cloned().chain(unchanged).collect();
    let shop = Shop::new(0, "100", COMPLETE, &all, &changed);
    let said = "20 directories take the place of 10,000 URLs: 9,980 refreshes fewer, and 400 unchanged files are refreshed too";
    shop.run(&["run", "--collapse", "auto"]).is_all_done().says(&[said]);
    assert_eq!(shop.vendor.ledger().len(), 20);
}

#[test]
fn the_most_popular_pages_are_prefetched_where_not_all_can_be() {
    let pages = files("p", 30);
    let rules =
        "  - files: 'public/**'\n    urls: 'https://www.example.com/{tail}'\n    prefetch: true\n    refresh: false\n";
    let hot = ["/p/0029.html", "/p/0007.html", "/p/0013.html"];
    let request = |path: &str| format!("192.0.2.1 - - [30/Nov/2026:10:00:00 +0000] \"GET {path} HTTP/1.1\" 200 17\n");
    let log: String = hot.iter().zip([9, 5, 3]).map(|(path, count)| request(path).repeat(count)).collect();
    at_once(&["hot.txt", "access.log", "access.log.gz"], |name| {
        let shop = Shop::new(HUAWEI, "3", rules, &pages, &pages);
        shop.site.write("hot.txt", hot.join("\n"));
        shop.site.write("access.log", &log);
        let gzip = std::process::Command::new("gzip").arg("-k").arg(shop.site.repository().join("access.log")).status();
        assert!(gzip.unwrap().success());
        let finished = shop.run(&["run", "--popularity", name]);
        finished.ends_with(5).says(&["knows 3 of 30 prefetches: the most popular ones go out first"]);
        let mut ledger = shop.vendor.ledger();
        ledger.sort();
        let mut expected = hot.map(|path| format!("prefetch https://www.example.com{path}"));
        expected.sort();
        assert_eq!(ledger, expected);
    });
}

#[test]
fn what_cannot_be_used_is_refused_before_anything_is_sent() {
    let pages = files("p", 3);
    let rules = "  - files: 'public/**'\n    urls: 'https://www.example.com/{tail}'\n    prefetch: true\n";
    let shop = Shop::new(0, "100", rules, &pages, &pages);
    shop.site.write("page.json", "{\"hot\": []}\n");
    shop.site.write("broken.gz", [0x1f, 0x8b, 8, 0, 0]);
    for (arguments, said) in [
        (
            ["--popularity", "page.json"],
            "`page.json`, line 1: neither a URL or path nor a line of a common or combined log",
        ),
        (["--popularity", "broken.gz"], "`broken.gz` can't be read"),
        (["--popularity", "nowhere.log"], "`nowhere.log` can't be read"),
        (["--popularity", "../x.log"], "leads out of the repository"),
        (["--over-refresh", "101x"], "`over-refresh` takes a number from `0x` to `100x`"),
        (["--over-refresh", "-1x"], "`over-refresh` takes a number"),
        (["--over-refresh", "2"], "`over-refresh` takes a number"),
    ] {
        shop.run(&[&["run"], &arguments[..]].concat()).ends_with(2).says(&[said, "help: "]);
    }
    assert_eq!(shop.vendor.ledger(), [""; 0]);
    // Nobody looks at it where nothing is prefetched.
    shop.run(&["plan", "--prefetch=false", "--popularity", "nowhere.log"]).ends_with(0);
    shop.run(&["plan", "--collapse", "auto"]).ends_with(0).says(&["no rule says `complete: true`"]);
}
