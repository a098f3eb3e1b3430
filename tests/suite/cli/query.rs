//! Queries to providers, and how the results are shown.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::stage::{Finished, Site, urls};
use super::vendor::{Trap, Vendor};

const PROVIDER: [&str; 2] = ["--provider", "alibaba-cdn"];

/// A vendor that took a refresh of three pages and a prefetch of one.
fn busy(site: &Site) -> Vendor {
    let vendor = Vendor::start(&[]);
    let list = urls(&["a", "b", "c"]).join("\n");
    site.run(vendor.address(), &["refresh", "-f", "-"]).args(&PROVIDER).input(&list).finish().is_all_done();
    site.run(vendor.address(), &["prefetch", "https://www.example.com/a"]).args(&PROVIDER).finish().is_all_done();
    vendor
}

fn ask(site: &Site, vendor: &Vendor, arguments: &[&str]) -> Finished {
    let endpoint = format!("alibaba-cdn=http://{}", vendor.address());
    let keys = (super::stage::KEY, super::stage::SECRET);
    site.bare_run(arguments).args(&PROVIDER).args(&["--endpoint", &endpoint]).keys(keys.0, keys.1).finish()
}

fn json(finished: &Finished) -> Value {
    finished.ends_with(0);
    serde_json::from_str(&finished.out).unwrap_or_else(|error| panic!("{error}:\n{}", finished.out))
}

#[test]
fn records_are_listed_filtered_and_written_for_programs() {
    let site = Site::empty();
    let vendor = busy(&site);
    let all = json(&ask(&site, &vendor, &["records", "--format", "json"]));
    let rows = all["records"].as_array().unwrap();
    assert_eq!((all["version"].as_u64(), rows.len()), (Some(1), 4));
    assert!(rows.iter().all(|row| row["status"] == "complete" && row["target"] == "default"), "{rows:?}");
    let count = |arguments: &[&str]| {
        let answer = json(&ask(&site, &vendor, &[&["records", "--format", "json"], arguments].concat()));
        answer["records"].as_array().unwrap().len()
    };
    let id = rows[0]["task_id"].as_str().unwrap();
    for (arguments, expected) in [
        (&["--url", "https://www.example.com/b"][..], 1),
        (&["--kind", "prefetch"], 1),
        (&["--kind", "url"], 3),
        (&["--status", "failed"], 0),
        (&["--status", "complete"], 4),
        (&["--domain", "www.example.com"], 4),
        (&["--domain", "other.example", "--kind", "url"], 0),
        (&["--since", "1h"], 4),
        (&["--since", "2h", "--until", "1h"], 0),
        (&["--limit", "2"], 2),
        (&["--task-id", id, "--kind", "prefetch"], 1),
    ] {
        assert_eq!(count(arguments), expected, "{arguments:?}");
    }

    let table = ask(&site, &vendor, &["records"]);
    table.ends_with(0).says(&["target", "created", "https://www.example.com/c", "prefetch"]);
    let csv = ask(&site, &vendor, &["records", "--format", "csv"]);
    assert!(
        csv.ends_with(0).out.starts_with("target,created,operation,kind,status,percent,url,task_id,"),
        "{}",
        csv.out
    );
    assert_eq!(csv.out.lines().count(), 5);
    let none = ask(&site, &vendor, &["records", "--status", "failed"]);
    none.ends_with(0).says(&["nothing was found"]);
}

/// The provider knows the URL as it was sent.
#[test]
fn the_records_of_a_url_are_found_as_it_was_given() {
    let site = Site::empty();
    let vendor = Vendor::start(&[]);
    let page = "https://www.example.com/新 闻/%20?q=ü";
    site.run(vendor.address(), &["refresh", page]).args(&PROVIDER).finish().is_all_done();
    for url in [page, "https://www.example.com/%E6%96%B0%20%E9%97%BB/%20?q=%C3%BC"] {
        let answer = json(&ask(&site, &vendor, &["records", "--format", "json", "--url", url]));
        assert_eq!(answer["records"].as_array().unwrap().len(), 1, "{url}: {answer}");
    }
}

#[test]
fn the_quota_is_told_by_operation() {
    let site = Site::empty();
    let vendor = busy(&site);
    let quota = json(&ask(&site, &vendor, &["quota", "--format", "json"]));
    let rows = quota["quota"].as_array().unwrap();
    let refresh = rows.iter().find(|row| row["operation"] == "refresh").unwrap();
    assert_eq!((refresh["limit"].as_u64(), refresh["used"].as_u64()), (Some(10_000), Some(3)));
    ask(&site, &vendor, &["quota"]).ends_with(0).says(&["9,997", "00:00 UTC+8"]);
}

#[test]
fn tasks_are_followed_by_their_ids_without_a_journal() {
    let site = Site::empty();
    let vendor = Vendor::start(&[]);
    let journal = site.sibling("journal");
    let state = ["--journal", journal.to_str().unwrap(), "--wait", "none"];
    let sent =
        site.run(vendor.address(), &["refresh", "https://www.example.com/a"]).args(&PROVIDER).args(&state).finish();
    let id = sent.report()["task_ids"][0].as_str().unwrap().to_owned();
    ask(&site, &vendor, &["wait", "--task-id", &id]).ends_with(0).says(&["https://www.example.com/a", "complete"]);
    let endpoint = format!("alibaba-cdn=http://{}", vendor.address());
    let keys = (super::stage::KEY, super::stage::SECRET);
    let run = site.bare_run(&["wait"]).args(&PROVIDER).args(&["--endpoint", &endpoint]).keys(keys.0, keys.1);
    run.env("CDN_PURGE_TASK_ID", &id).finish().ends_with(0).says(&["https://www.example.com/a", "complete"]);
    let lost = ["wait", "--task-id", "1234567", "--timeout", "1s"];
    ask(&site, &vendor, &lost).ends_with(4).says(&["task 1234567: isn't known to the provider"]);
}

/// Huawei Cloud's days begin at 16:00 UTC.
#[test]
fn each_day_of_a_range_has_its_traffic_wherever_the_vendors_days_begin() {
    let site = Site::empty();
    let keys = [("HUAWEICLOUD_SDK_AK", super::stage::KEY), ("HUAWEICLOUD_SDK_SK", super::stage::SECRET)];
    let vendor = Vendor::with_environment(&[], &keys);
    let endpoint = format!("huawei-cdn=http://{}", vendor.address());
    let now = Timestamp::now();
    let what = ["traffic", "--provider", "huawei-cdn", "--endpoint", &endpoint, "--domain", "www.example.com"];
    let measured = site.bare_run(&what).args(&["--since", "40d", "--interval", "1d", "--format", "json"]);
    let measured = json(&measured.envs(&keys).finish());
    let at = |point: &Value| point["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let days: Vec<Timestamp> = measured["traffic"].as_array().unwrap().iter().map(at).collect();
    let day = SignedDuration::from_hours(24);
    assert!(days.iter().all(|day| day.to_string().ends_with("T16:00:00Z")), "{days:?}");
    assert!(days.windows(2).all(|pair| pair[1].duration_since(pair[0]) == day), "{days:?}");
    // The first is the one that the beginning of the range lies in.
    let since = now - day * 40;
    assert!(days[0] <= since && since < days[1], "{days:?}");
    assert!(days.len() >= 40, "{days:?}");
}

#[test]
fn traffic_and_bandwidth_are_plotted_and_written_for_programs() {
    let site = Site::empty();
    let vendor = busy(&site);
    // Three ranges of one call each, for widths of five minutes.
    let range = ["--since", "7d", "--interval", "5m", "--format", "json"];
    let answer = json(&ask(&site, &vendor, &[&["traffic", "--domain", "www.example.com"][..], &range].concat()));
    let points = answer["traffic"].as_array().unwrap();
    assert!((7 * 288..=7 * 288 + 1).contains(&points.len()), "{}", points.len());
    let times: Vec<&str> = points.iter().map(|point| point["at"].as_str().unwrap()).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(points.iter().all(|point| point["bytes"].is_u64() && point["domain"] == "www.example.com"));
    let plot = ask(&site, &vendor, &["bandwidth", "--since", "1d", "--format", "plot"]);
    plot.ends_with(0).says(&["┤", "bit/s at most", "on average", "UTC"]);
    ask(&site, &vendor, &["traffic", "--since", "1h"]).ends_with(0).says(&[
        "target",
        "bytes",
        "of all domains",
        "in all",
    ]);
    let two = ["traffic", "--since", "1h", "--domain", "www.example.com", "--domain", "b.example.com"];
    ask(&site, &vendor, &two).ends_with(0).says(&["traffic of 2 domains together"]);
    ask(&site, &vendor, &["traffic", "--since", "3000d"]).complains(2, &["reach back to", "begin at most"]);
    ask(&site, &vendor, &["traffic", "--interval", "7m"])
        .complains(2, &["isn't available by the interval `7m`", "`5m`"]);
}

#[test]
fn log_files_are_listed_without_their_links_fetched_once_and_skipped_then() {
    let site = Site::empty();
    let vendor = busy(&site);
    let arguments = ["logs", "--domain", "www.example.com", "--since", "5h"];
    let listed = json(&ask(&site, &vendor, &[&arguments[..], &["--format", "json"]].concat()));
    let files = listed["logs"].as_array().unwrap();
    assert!(files.len() >= 4 && files.iter().all(|file| file.get("url").is_none()), "{listed}");
    let twice =
        json(&ask(&site, &vendor, &[&arguments[..], &["--domain", "WWW.example.com", "--format", "json"]].concat()));
    assert_eq!(twice["logs"], listed["logs"]);
    let folder = site.sibling("logs");
    let download = [&arguments[..], &["--download", folder.to_str().unwrap()]].concat();
    let finished = ask(&site, &vendor, &download);
    finished.ends_with(0).says(&["files fetched into", "0 there already"]);
    assert!(!finished.out.contains("Signature") && !finished.err.contains("Signature"));
    for file in files {
        let path = folder.join("www.example.com").join(file["name"].as_str().unwrap());
        assert_eq!(std::fs::metadata(path).unwrap().len(), file["bytes"].as_u64().unwrap());
    }
    ask(&site, &vendor, &download).ends_with(0).says(&["0 files fetched into", "there already"]);
    let links = json(&ask(&site, &vendor, &[&arguments[..], &["--show-signed-urls", "--format", "json"]].concat()));
    assert!(links["logs"][0]["url"].as_str().unwrap().contains("Signature="));
    ask(&site, &vendor, &["logs", "--domain", "nobody.example"]).says(&["nobody.example"]);
}

/// Which size a vendor lists isn't documented everywhere.
#[test]
fn a_log_file_of_another_size_than_is_listed_is_kept_when_it_comes_twice() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let file = format!(r#"{{"domain_name":"www.example.com","name":"x.gz","size":9,"link":"http://{address}/x.gz"}}"#);
    let answers = [format!(r#"{{"total":1,"logs":[{file}]}}"#), "cut".into(), "whole".into(), "whole".into()];
    let served = std::thread::spawn(move || {
        for body in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4_096]).unwrap();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).unwrap();
        }
    });
    let site = Site::empty();
    let folder = site.sibling("logs");
    let run = site.bare_run(&["logs", "--provider", "huawei-cdn", "--domain", "www.example.com", "--since", "5m"]);
    let run =
        run.args(&["--endpoint", &format!("huawei-cdn=http://{address}"), "--download", folder.to_str().unwrap()]);
    let finished = run.envs(&[("HUAWEICLOUD_SDK_AK", "key"), ("HUAWEICLOUD_SDK_SK", "secret")]).finish();
    finished.ends_with(0).says(&["`x.gz`: 5 bytes came, twice, and the provider lists 9", "1 file fetched"]);
    served.join().unwrap();
    assert_eq!(std::fs::read_to_string(folder.join("www.example.com/x.gz")).unwrap(), "whole");
}

#[test]
fn the_domains_of_the_account_are_listed() {
    let site = Site::empty();
    let vendor = busy(&site);
    let domains = json(&ask(&site, &vendor, &["domains", "--format", "json"]));
    assert_eq!(domains["domains"][0]["name"], "www.example.com");
}

#[test]
fn what_cannot_be_asked_is_told_before_anything_is_sent() {
    let site = Site::empty();
    let trap = Trap::new();
    let run = |arguments: &[&str]| {
        let endpoint = format!("alibaba-cdn=http://{}", trap.address());
        site.bare_run(arguments).args(&PROVIDER).args(&["--endpoint", &endpoint]).keys("id", "secret").finish()
    };
    run(&["records", "--since", "30d"]).complains(2, &["reach back to", "begin at most 3d ago"]);
    run(&["records", "--since", "1h", "--until", "2h"]).complains(2, &["the range begins at", "name a start"]);
    run(&["records", "--since", "yesterday"]).complains(2, &["`--since` is `yesterday`", "`3h`"]);
    run(&["records", "--kind", "any-query"]).complains(2, &["records don't tell apart", "`prefetch`"]);
    run(&["records", "--task-id", "12,../quota"]).complains(2, &["`--task-id` is `../quota`", "letters and digits"]);
    run(&["wait", "--task-id", "a b"]).complains(2, &["`--task-id` is `a b`", "as the provider gave it"]);
    run(&["records", "--format", "plot"]).complains(2, &["there is nothing to plot", "`csv`"]);
    run(&["traffic", "--interval", "soon"]).complains(2, &["`--interval` is `soon`", "`1h`"]);
    run(&["traffic", "--domain", "https://a.test/"])
        .complains(2, &["`--domain` is `https://a.test/`", "a host's name"]);
    run(&["logs"]).complains(2, &["needs a domain", "`cdn-purge domains`"]);
    trap.is_untouched();
}

#[test]
fn keys_that_are_refused_end_a_question_with_their_code() {
    let site = Site::empty();
    let vendor = Vendor::start(&[]);
    let endpoint = format!("alibaba-cdn=http://{}", vendor.address());
    let run = site.bare_run(&["quota"]).args(&PROVIDER).args(&["--endpoint", &endpoint]);
    run.keys("LTAI5tSomebodyElse", "secret").finish().ends_with(6).says(&["InvalidAccessKeyId", "request id"]);
}

/// After five refusals in a row the vendor would lock the key.
#[test]
fn keys_that_are_refused_are_not_tried_for_target_after_target() {
    let site = Site::empty();
    let vendor =
        Vendor::with_environment(&[], &[("HUAWEICLOUD_SDK_AK", "right"), ("HUAWEICLOUD_SDK_SK", "right-secret")]);
    let targets: String = (1..=6).map(|number| format!("  t{number}: {{provider: huawei-cdn}}\n")).collect();
    let rules = "rules:\n  - {files: '**', urls: 'https://www.example.com/{tail}'}\n";
    site.write("cdn-purge.yml", format!("version: 1\ntargets:\n{targets}{rules}"));
    let run = |arguments: &[&str], secret: &str| {
        let run = site.bare_run(arguments).args(&["--endpoint", &format!("huawei-cdn=http://{}", vendor.address())]);
        run.envs(&[("HUAWEICLOUD_SDK_AK", "right"), ("HUAWEICLOUD_SDK_SK", secret)]).finish()
    };
    run(&["quota"], "wrong-secret")
        .ends_with(6)
        .says(&["t3: skipped, since `huawei-cdn` refused the credentials", "t6: "]);
    run(&["check", "--online"], "wrong-secret").ends_with(6).says(&["t6: skipped, since"]);
    run(&["quota"], "right-secret").ends_with(0).says(&["t6"]);
    // A missing permission doesn't mean that the credentials are wrong.
    let keys = [("HUAWEICLOUD_SDK_AK", "right"), ("HUAWEICLOUD_SDK_SK", "right-secret")];
    let strict = Vendor::with_environment(&["--forbid", "ShowQuota"], &keys);
    let run = site.bare_run(&["quota"]).args(&["--endpoint", &format!("huawei-cdn=http://{}", strict.address())]);
    let forbidden = run.envs(&keys).finish();
    forbidden.ends_with(6);
    assert!(!forbidden.err.contains("skipped, since"), "{}", forbidden.err);
}
