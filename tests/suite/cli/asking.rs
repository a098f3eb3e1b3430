//! What providers are asked, and how the answers are shown.

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
        (&["--kind", "file"], 3),
        (&["--status", "failed"], 0),
        (&["--status", "complete"], 4),
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
    let journal = site.beside("journal");
    let state = ["--state", journal.to_str().unwrap(), "--wait", "none"];
    let sent =
        site.run(vendor.address(), &["refresh", "https://www.example.com/a"]).args(&PROVIDER).args(&state).finish();
    let id = sent.report()["task_ids"][0].as_str().unwrap().to_owned();
    ask(&site, &vendor, &["wait", "--task-id", &id]).ends_with(0).says(&["https://www.example.com/a", "complete"]);
    let lost = ["wait", "--task-id", "1234567", "--refresh-timeout", "1s", "--prefetch-timeout", "1s"];
    ask(&site, &vendor, &lost).ends_with(4).says(&["task 1234567: isn't known to the provider"]);
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
    run(&["records", "--since", "1h", "--until", "2h"]).complains(2, &["the range begins at", "name a beginning"]);
    run(&["records", "--since", "yesterday"]).complains(2, &["`--since` is `yesterday`", "`3h`"]);
    run(&["records", "--kind", "ignore-params"]).complains(2, &["records don't tell apart", "`prefetch`"]);
    run(&["records", "--format", "plot"]).complains(2, &["there is nothing to plot", "`csv`"]);
    run(&["traffic", "--interval", "soon"]).complains(2, &["`--interval` is `soon`", "`1h`"]);
    run(&["traffic", "--domain", "https://a.test/"])
        .complains(2, &["`--domain` is `https://a.test/`", "a host's name"]);
    run(&["logs"]).complains(2, &["isn't told of which domain", "`cdn-purge domains`"]);
    run(&["wait", "--target", "x"]).ends_with(2).says(&["`--target` has no meaning for `cdn-purge wait`", "`task-id`"]);
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
