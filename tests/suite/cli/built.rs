//! A built site that isn't in git: exactly what changed in it is purged, a red run loses nothing, and nothing is guessed.

use std::fs;

use super::stage::{Finished, Site, urls};
use super::vendor::{Trap, Vendor};

const CONFIGURATION: &str = r#"version: 1
changes: directory
directory: dist
targets:
  site: {provider: alibaba-cdn}
rules:
  - name: pages
    files: ["dist/**", "!dist/assets/**"]
    urls: "https://www.example.com/{tail}"
  - name: assets
    files: "dist/assets/**"
    urls: "https://www.example.com/assets/{tail}"
    immutable: true
"#;

/// A site that is built into `dist`, which git ignores.
fn site() -> Site {
    let site = Site::empty();
    site.git(&["init", "--quiet", "--initial-branch=main"]);
    site.write(".gitignore", "/dist\n/.cdn-purge\n");
    site.write("cdn-purge.yml", CONFIGURATION);
    site.write("dist/index.html", "<h1>home</h1>\n");
    site.write("dist/about/index.html", "<h1>about</h1>\n");
    site.write("dist/assets/app.1111.js", "1");
    site.commit("Begin");
    site
}

fn run(site: &Site, vendor: &Vendor, arguments: &[&str]) -> Finished {
    site.run(vendor.address(), &["run"]).args(arguments).finish()
}

/// A site whose first deployment was taken for fresh.
fn adopted(vendor: &Vendor) -> Site {
    let site = site();
    run(&site, vendor, &["--without-manifest", "adopt"]).ends_with(0).says(&["the caches are taken for fresh"]);
    assert_eq!(vendor.ledger(), [""; 0]);
    site
}

fn purged(finished: &Finished) -> Vec<String> {
    let keys = finished.outcomes().into_keys();
    let mut urls: Vec<String> = keys.map(|key| key.strip_prefix("refresh ").unwrap().to_owned()).collect();
    urls.sort();
    urls
}

fn manifest(site: &Site) -> std::path::PathBuf {
    site.repository().join(".cdn-purge/manifest.txt")
}

#[test]
fn exactly_what_the_build_changed_is_purged_and_the_same_build_sends_nothing() {
    let vendor = Vendor::start(&[]);
    let site = adopted(&vendor);
    site.write("dist/index.html", "<h1>news</h1>\n");
    site.write("dist/new page.html", "new");
    site.write("dist/assets/app.2222.js", "2");
    fs::remove_file(site.repository().join("dist/about/index.html")).unwrap();
    fs::remove_file(site.repository().join("dist/assets/app.1111.js")).unwrap();
    let finished = run(&site, &vendor, &[]);
    finished.ends_with(0).says(&["`dist`: 3 files, 1 changed, 2 added, 2 removed since", "not mapped to a URL: 2"]);
    let expected = urls(&["about/index.html", "index.html", "new%20page.html"]);
    vendor.accepted(&["about/index.html", "index.html", "new%20page.html"], &[]);
    let report = finished.report();
    assert_eq!(report["changes_from"], "directory");
    assert!(report["manifest"]["read"].is_string() && report["manifest"]["written"].is_string(), "{report}");
    assert_eq!(report["urls"].as_array().unwrap().len(), expected.len());
    let again = run(&site, &vendor, &[]);
    again.ends_with(0).says(&["nothing to do: no file changed", "none changed"]);
    assert_eq!(again.report()["manifest"]["read"], report["manifest"]["written"]);
}

#[test]
fn without_a_manifest_nothing_is_guessed_and_the_choices_have_their_cost() {
    let vendor = Vendor::start(&[]);
    let site = site();
    let finished = run(&site, &vendor, &["--max-urls", "1"]);
    finished.ends_with(3).says(&[
        "there is no manifest",
        "isn't known what the CDN holds of the 3 files in `dist`",
        "`all` purges every file (2 of 10,000 a day URL refreshes at `site`, more than `max-urls: 1` allows)",
        "`adopt` purges nothing",
    ]);
    assert!(!manifest(&site).exists());
    run(&site, &vendor, &["--without-manifest", "all"]).ends_with(0);
    vendor.accepted(&["about/index.html", "index.html"], &[]);
    assert!(manifest(&site).exists());
}

#[test]
fn a_plan_and_a_simulation_leave_the_manifest_alone() {
    let vendor = Vendor::start(&[]);
    let site = adopted(&vendor);
    let before = fs::read(manifest(&site)).unwrap();
    site.write("dist/index.html", "<h1>news</h1>\n");
    for arguments in [&["plan"][..], &["run", "--dry-run"], &["run", "--simulate"]] {
        let finished = site.run(vendor.address(), arguments).finish();
        finished.ends_with(0);
        assert_eq!(purged(&finished), urls(&["index.html"]), "{arguments:?}");
    }
    assert_eq!(fs::read(manifest(&site)).unwrap(), before);
    assert_eq!(vendor.ledger(), [""; 0]);
    let explained = site.bare_run(&["explain", "dist/index.html", "dist/about/index.html"]).finish();
    explained.ends_with(0).says(&["built: ", "manifest of ", "\n  changed", "\n  unchanged"]);
}

#[test]
fn a_red_run_loses_nothing_also_when_the_next_build_takes_it_back() {
    // The first URL is refused for good.
    let vendor = Vendor::start(&["--fault", "RefreshObjectCaches#1=refuse:InvalidDomain.NotFound"]);
    let site = adopted(&vendor);
    site.write("dist/index.html", "<h1>news</h1>\n");
    let red = run(&site, &vendor, &[]);
    assert_ne!(red.report()["exit_code"], 0);
    assert_eq!(vendor.accepted_by().get("alibaba-cdn"), None);
    // Back to the bytes that the manifest had: the caches may hold the others all the same.
    site.write("dist/index.html", "<h1>home</h1>\n");
    let green = run(&site, &vendor, &[]);
    green.ends_with(0).says(&["1 left over from an earlier run"]);
    vendor.accepted(&["index.html"], &[]);
    run(&site, &vendor, &[]).ends_with(0).says(&["nothing to do"]);
}

#[test]
fn changed_rules_purge_the_former_urls_and_the_new_ones() {
    let vendor = Vendor::start(&[]);
    let site = adopted(&vendor);
    let moved = CONFIGURATION.replace("www.example.com/{tail}", "www.example.com/blog/{tail}");
    site.write("cdn-purge.yml", moved);
    let finished = run(&site, &vendor, &[]);
    finished.ends_with(0).says(&["the rules changed since", "2 URLs that they no longer give, and 2 that are new"]);
    let pages = ["about/index.html", "index.html"];
    let all: Vec<String> = ["", "blog/"].iter().flat_map(|at| pages.map(|page| format!("{at}{page}"))).collect();
    let mut all: Vec<&str> = all.iter().map(String::as_str).collect();
    all.sort_unstable();
    vendor.accepted(&all, &[]);
    run(&site, &vendor, &[]).ends_with(0).says(&["nothing to do"]);
}

#[test]
fn another_content_under_an_immutable_name_is_refused_by_name() {
    let vendor = Vendor::start(&[]);
    let site = adopted(&vendor);
    site.write("dist/assets/app.1111.js", "2");
    run(&site, &vendor, &[])
        .ends_with(2)
        .says(&["the content of immutable files changed", "`dist/assets/app.1111.js`"]);
    assert_eq!(vendor.ledger(), [""; 0]);
}

#[test]
fn a_build_that_failed_is_not_a_deletion_of_the_site() {
    let trap = Trap::new();
    let vendor = Vendor::start(&[]);
    let site = adopted(&vendor);
    for file in ["about/index.html", "assets/app.1111.js"] {
        fs::remove_file(site.repository().join("dist").join(file)).unwrap();
    }
    let run = |arguments: &[&str]| site.run(trap.address(), &["run"]).args(arguments).finish();
    run(&[]).ends_with(3).says(&["holds 1 file, and it held 3 at the last deployment", "allow-shrink"]);
    fs::remove_file(site.repository().join("dist/index.html")).unwrap();
    run(&[]).ends_with(3).says(&["the built directory `dist` is empty"]);
    fs::remove_dir_all(site.repository().join("dist")).unwrap();
    run(&["--allow-shrink"]).ends_with(3).says(&["the built directory `dist` can't be read"]);
    trap.is_untouched();
    fs::create_dir(site.repository().join("dist")).unwrap();
    self::run(&site, &vendor, &["--allow-shrink"]).ends_with(0);
    vendor.accepted(&["about/index.html", "index.html"], &[]);
}

#[test]
fn a_bad_manifest_is_refused_by_name() {
    let trap = Trap::new();
    let site = adopted(&Vendor::start(&[]));
    let path = manifest(&site);
    let whole = fs::read_to_string(&path).unwrap();
    let run = || site.run(trap.address(), &["run"]).finish();
    for (text, why) in [
        (whole[..whole.len() / 2].to_owned(), "it was cut off or changed"),
        (whole.replacen("dist", "dust", 1), "it was cut off or changed"),
        (whole.replacen("manifest 1", "manifest 7", 1), "has the format 7"),
        ("{}".to_owned(), "doesn't begin as a manifest does"),
        ("x".repeat(33 << 20), "larger than 32 MiB"),
    ] {
        fs::write(&path, text).unwrap();
        run().ends_with(3).says(&["the manifest `", "manifest.txt`", why]);
    }
    fs::write(&path, &whole).unwrap();
    let moved = CONFIGURATION.replace("dist", "public");
    fs::rename(site.repository().join("dist"), site.repository().join("public")).unwrap();
    site.write("cdn-purge.yml", moved);
    run().ends_with(3).says(&["is another site's: its directory is `dist`, and this run's is `public`"]);
    trap.is_untouched();
}

/// A run of GitHub Actions of this number.
fn numbered(site: &Site, vendor: &Vendor, number: u32, arguments: &[&str]) -> Finished {
    let number = number.to_string();
    let run = site.run(vendor.address(), &["run"]).args(arguments).envs(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_RUN_ID", number.as_str()),
        ("GITHUB_RUN_NUMBER", number.as_str()),
        ("GITHUB_REPOSITORY", "acme/site"),
    ]);
    let [output, summary] = ["output", "summary"].map(|name| site.sibling(name));
    fs::write(&output, "").unwrap();
    fs::write(&summary, "").unwrap();
    run.env("GITHUB_OUTPUT", output).env("GITHUB_STEP_SUMMARY", summary).finish()
}

#[test]
fn an_older_run_is_refused_unless_it_is_a_rollback() {
    let vendor = Vendor::start(&[]);
    let site = site();
    numbered(&site, &vendor, 481, &["--without-manifest", "adopt"]).ends_with(0);
    site.write("dist/index.html", "<h1>older</h1>\n");
    numbered(&site, &vendor, 480, &[]).ends_with(3).says(&[
        "a newer deployment is live",
        "is of run 481",
        "this is run 480",
    ]);
    assert_eq!(vendor.ledger(), [""; 0]);
    numbered(&site, &vendor, 480, &["--rollback"]).ends_with(0).says(&["1 changed since run 481"]);
    vendor.accepted(&["index.html"], &[]);
}

#[test]
fn a_second_run_at_the_same_time_is_refused_before_it_sends_anything() {
    let vendor = Vendor::start(&["--fault", "RefreshObjectCaches#1=slow:3000"]);
    let site = adopted(&vendor);
    site.write("dist/index.html", "<h1>news</h1>\n");
    let first = site.run(vendor.address(), &["run", "--log-level", "verbose"]).start();
    first.wait_for("Purging");
    vendor.wait_for(1);
    let trap = Trap::new();
    let second = site.run(trap.address(), &["run"]).finish();
    second.ends_with(3).says(&["another run is at work with the manifest `", "manifest.txt`", "nothing was sent"]);
    trap.is_untouched();
    // A plan sends nothing, and isn't kept waiting.
    site.run(trap.address(), &["plan"]).finish().ends_with(0);
    first.finish().ends_with(0);
    run(&site, &vendor, &[]).ends_with(0).says(&["nothing to do"]);
    vendor.accepted(&["index.html"], &[]);
}

#[test]
fn a_manifest_that_another_run_wrote_meanwhile_is_kept_and_named() {
    let vendor = Vendor::start(&["--fault", "RefreshObjectCaches#1=slow:3000"]);
    let site = adopted(&vendor);
    let other = fs::read(manifest(&site)).unwrap();
    site.write("dist/index.html", "<h1>news</h1>\n");
    let started = site.run(vendor.address(), &["run", "--log-level", "verbose"]).start();
    started.wait_for("Purging");
    // After the marks, and before the response: another deployment's manifest.
    vendor.wait_for(1);
    fs::write(manifest(&site), &other).unwrap();
    let finished = started.finish();
    finished
        .ends_with(4)
        .says(&["deployed while this run was at work", "the next run purges what this one changed again"]);
    // The other run's manifest, in which the file of this run is marked: even if its content is the other run's, the caches may hold
    // what this one deployed.
    let kept = fs::read_to_string(manifest(&site)).unwrap();
    let entries = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with(['=', '!']));
        lines
            .map(|line| {
                line.split(' ').enumerate().filter(|(at, _)| *at != 3).map(|(_, word)| format!("{word} ")).collect()
            })
            .collect()
    };
    let marked = |line: String| if line.ends_with(" index.html ") { line.replacen('=', "!", 1) } else { line };
    let theirs = entries(&String::from_utf8(other).unwrap());
    assert_eq!(entries(&kept), theirs.into_iter().map(marked).collect::<Vec<_>>());
    site.write("dist/index.html", "<h1>home</h1>\n");
    let before = vendor.ledger().len();
    run(&site, &vendor, &[]).ends_with(0).says(&["1 left over from an earlier run"]);
    assert_eq!(vendor.ledger()[before..].iter().filter(|line| line.contains("index.html")).count(), 1);
}

#[cfg(unix)]
#[test]
fn a_killed_run_is_continued_by_the_same_command_and_by_wait() {
    for next in ["run", "wait"] {
        let vendor = Vendor::start(&["--fault", "RefreshObjectCaches#2=slow:1500"]);
        let site = adopted(&vendor);
        for page in ["index.html", "about/index.html"] {
            site.write(format!("dist/{page}"), "news");
        }
        let options = ["--sequential", "--batch-size", "1", "--log-level", "verbose"];
        let first = site.run(vendor.address(), &["run"]).args(&options).start();
        vendor.wait_for(1);
        first.signal("KILL");
        first.finish();
        let options = if next == "run" { &options[..] } else { &options[1..3] };
        let second = site.run(vendor.address(), &[next]).args(options).finish();
        second.ends_with(0);
        assert_eq!(purged(&second), urls(&["about/index.html", "index.html"]), "{next}");
        vendor.accepted(&["about/index.html", "index.html"], &[]);
        run(&site, &vendor, &[]).ends_with(0).says(&["nothing to do"]);
    }
}

#[cfg(unix)]
#[test]
fn a_manifest_is_written_through_no_link_of_the_checkout() {
    let trap = Trap::new();
    let site = site();
    let outside = site.sibling("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, site.repository().join(".cdn-purge")).unwrap();
    let finished = site.run(trap.address(), &["run", "--without-manifest", "adopt"]).finish();
    finished.ends_with(3).says(&["a symbolic link in the checkout"]);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    trap.is_untouched();
}

#[test]
fn a_listing_of_the_store_from_before_the_upload_needs_no_manifest() {
    let vendor = Vendor::start(&[]);
    let site = site();
    let listing = r#"[
{"Path":"index.html","Name":"index.html","Size":14,"IsDir":false,"Hashes":{"md5":"00000000000000000000000000000000"}},
{"Path":"about/index.html","Name":"index.html","Size":15,"IsDir":false,"Hashes":{"sha256":"SHA"}},
{"Path":"assets/app.1111.js","Name":"app.1111.js","Size":1,"IsDir":false,"Hashes":{"md5":"c4ca4238a0b923820dcc509a6f75849b"}}
]"#;
    let sha256 = site.git(&["-c", "alias.sum=!sha256sum dist/about/index.html", "sum"]);
    site.write("before.json", listing.replace("SHA", sha256.split(' ').next().unwrap()));
    let finished = run(&site, &vendor, &["--manifest", "listing:before.json"]);
    finished.ends_with(0).says(&["`dist`: 3 files, 1 changed, by the listing of the store"]);
    vendor.accepted(&["index.html"], &[]);
    assert!(!manifest(&site).exists());
    assert_eq!(finished.report()["manifest"]["read"], serde_json::Value::Null);
}

#[test]
fn the_listing_of_another_folder_of_the_store_is_refused_and_a_prefix_reads_it() {
    let vendor = Vendor::start(&[]);
    let site = site();
    let row = |name: &str, size: u32, etag: &str| {
        format!("2026-11-30 18:00:00 +0800 CST {size:>12}      Standard   {etag}      oss://bucket1/{name}\n")
    };
    let listing = [
        "LastModifiedTime                   Size(B)  StorageClass   ETAG                                  ObjectName\n"
            .to_owned(),
        row("blog/about/index.html", 15, "00000000000000000000000000000000"),
        // Of `1`.
        row("blog/assets/app.1111.js", 1, "C4CA4238A0B923820DCC509A6F75849B"),
        row("shop/index.html", 14, "00000000000000000000000000000000"),
        "Object Number is: 3\n\n0.066567(s) elapsed\n".to_owned(),
    ];
    site.write("before.txt", listing.concat());
    let listed = ["--manifest", "listing:before.txt"];
    run(&site, &vendor, &listed).ends_with(3).says(&[
        "before.txt` has 3 files, and none of them is in `dist`: it is of another bucket or folder",
        "set `listing-prefix`",
    ]);
    assert_eq!(vendor.ledger(), [""; 0]);
    let finished = run(&site, &vendor, &[&listed[..], &["--listing-prefix", "blog"]].concat());
    finished.ends_with(0).says(&["`dist`: 3 files, 1 changed, 1 added, by the listing of the store"]);
    vendor.accepted(&["about/index.html", "index.html"], &[]);
    run(&site, &vendor, &[&listed[..], &["--listing-prefix", "news"]].concat())
        .ends_with(3)
        .says(&["no name in it begins with `news/`, which is `listing-prefix`"]);
}

#[test]
fn rules_about_a_build_need_it_to_be_said() {
    let site = site();
    site.write("cdn-purge.yml", CONFIGURATION.replace("changes: directory\ndirectory: dist\n", ""));
    site.commit("Compare commits");
    site.bare_run(&["plan"]).finish().ends_with(3).says(&[
        "the rules only select files in `dist`, which isn't in git",
        "set `changes: directory` and `directory: dist`",
    ]);
}

#[test]
fn two_builds_are_held_against_each_other() {
    let site = Site::empty();
    site.write("one/index.html", "<p>built at 10:00</p>");
    site.write("two/index.html", "<p>built at 11:00</p>");
    let finished = site.bare_run(&["explain", "--twice", "one", "two"]).finish();
    finished.ends_with(0).says(&[
        "1 changed",
        "index.html, from byte 13",
        "- <p>built at 10:00</p>",
        "+ <p>built at 11:00</p>",
    ]);
}

#[test]
fn options_of_a_built_directory_need_one() {
    let site = site();
    for (arguments, said) in [
        (&["--changes", "git", "--allow-shrink"][..], "`--allow-shrink` needs `changes: directory`"),
        (&["--base", "HEAD~1"], "`--base` can't be combined with `changes: directory`"),
        (&["--directory", "."], "is the repository itself"),
        (&["--directory", "../dist"], "leads out of the repository"),
        (&["--manifest", "dist/m.txt"], "is `dist/m.txt`"),
        (&["--manifest", "file:dist/m.txt"], "lies in the built directory"),
        (&["--listing-prefix", "blog"], "`--listing-prefix` needs a manifest of the form `listing:FILE`"),
        (&["--manifest", "none", "--rollback"], "`--rollback` needs a manifest of the form `file:PATH`"),
    ] {
        site.bare_run(&["plan"]).args(arguments).finish().ends_with(2).says(&[said]);
    }
    site.write(
        "cdn-purge.yml",
        CONFIGURATION.replace("directory: dist", "manifest: file:/etc/passwd\ndirectory: dist"),
    );
    site.bare_run(&["check"]).finish().ends_with(2).says(&["leads out of the repository: `/etc/passwd`"]);
}

#[test]
fn a_switch_that_is_off_needs_no_built_directory() {
    let site = site();
    let switches = [("CDN_PURGE_ALLOW_SHRINK", "false"), ("CDN_PURGE_ROLLBACK", "false")];
    let finished = site.bare_run(&["plan", "--changes", "git"]).envs(&switches).finish();
    assert!(!finished.err.contains("needs `changes: directory`"), "{}", finished.err);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_build_is_named_and_not_waited_for() {
    let site = site();
    let made = std::process::Command::new("mkfifo").arg(site.repository().join("dist/pipe")).status().unwrap();
    assert!(made.success());
    site.bare_run(&["plan"]).finish().ends_with(3).says(&["holds what can't be compared: `pipe` (a named pipe)"]);
}

#[cfg(unix)]
#[test]
fn a_link_in_a_loop_is_named_and_no_file_is_read_twice() {
    let site = site();
    for (link, target) in [("self", "."), ("assets/up", "..")] {
        let place = site.repository().join("dist").join(link);
        std::os::unix::fs::symlink(target, &place).unwrap();
        let said = format!("holds what can't be compared: `{link}` (a link to a directory that it lies in)");
        site.bare_run(&["plan"]).finish().ends_with(3).says(&[&said]);
        fs::remove_file(place).unwrap();
    }
}

/// Other systems refuse such names.
#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf_8_has_the_url_of_its_bytes_and_keeps_it_in_the_manifest() {
    use std::os::unix::ffi::OsStrExt as _;
    let vendor = Vendor::start(&[]);
    let site = adopted(&vendor);
    let file = site.repository().join("dist").join(std::ffi::OsStr::from_bytes(b"caf\xe9.js"));
    fs::write(&file, "1").unwrap();
    run(&site, &vendor, &[]).ends_with(0);
    vendor.accepted(&["caf%E9.js"], &[]);
    run(&site, &vendor, &[]).ends_with(0).says(&["none changed"]);
    fs::remove_file(&file).unwrap();
    run(&site, &vendor, &[]).ends_with(0).says(&["1 removed"]);
    vendor.accepted(&["caf%E9.js", "caf%E9.js"], &[]);
}

#[test]
fn a_manifest_that_a_stranger_may_have_written_decides_nothing() {
    let vendor = Vendor::start(&[]);
    let site = adopted(&vendor);
    site.write("dist/index.html", "<h1>news</h1>\n");
    let commit = site.git(&["rev-parse", "HEAD"]);
    let [output, summary] = ["output", "summary"].map(|name| site.sibling(name));
    let run = |arguments: &[&str]| {
        fs::write(&output, "").unwrap();
        fs::write(&summary, "").unwrap();
        let run = site.run(vendor.address(), &["run"]).args(arguments);
        let run = run.envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "pull_request_target")]);
        run.env("GITHUB_SHA", &commit).env("GITHUB_OUTPUT", &output).env("GITHUB_STEP_SUMMARY", &summary).finish()
    };
    run(&[])
        .ends_with(3)
        .says(&["manifest.txt` isn't trusted to decide what is sent on a `pull_request_target` event"]);
    assert_eq!(vendor.ledger(), [""; 0]);
    // A plan sends nothing.
    run(&["--dry-run"]).ends_with(0);
    let outside = site.sibling("manifest.txt");
    fs::copy(manifest(&site), &outside).unwrap();
    run(&["--manifest", &format!("file:{}", outside.display())]).ends_with(0);
    vendor.accepted(&["index.html"], &[]);
}
