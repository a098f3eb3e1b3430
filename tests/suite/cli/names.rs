//! File names that tools trip over, from the commit to the URL and into everything that a run leaves: nothing is lost.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::stage::{Run, Site};

/// Names below `public/`, as git stores them, and the same as one segment of a URL by RFC 3986, section 2.
const NAMES: &[(&[u8], &str)] = &[
    (b"a space.html", "a%20space.html"),
    (b" leading and trailing ", "%20leading%20and%20trailing%20"),
    (b"quote\".html", "quote%22.html"),
    (b"\"quoted\".html", "%22quoted%22.html"),
    (b"apostrophe'.html", "apostrophe'.html"),
    (b"back\\slash.html", "back%5Cslash.html"),
    (b"line\nbreak.html", "line%0Abreak.html"),
    (b"carriage\rreturn.html", "carriage%0Dreturn.html"),
    (b"tab\there.html", "tab%09here.html"),
    (b"escape\x1b[31m.html", "escape%1B%5B31m.html"),
    (b"100%.html", "100%25.html"),
    (b"twice%20.html", "twice%2520.html"),
    (b"hash#part.html", "hash%23part.html"),
    (b"what?x=1.html", "what%3Fx=1.html"),
    (b"::error::no command.html", "::error::no%20command.html"),
    (b"<b>&amp;]]>.html", "%3Cb%3E&amp;%5D%5D%3E.html"),
    (b"|pipe|`tick`.html", "%7Cpipe%7C%60tick%60.html"),
    (b"latin-1 caf\xe9.html", "latin-1%20caf%E9.html"),
    (b"no text \xff\xfe.html", "no%20text%20%FF%FE.html"),
    ("composed \u{e9}.html".as_bytes(), "composed%20%C3%A9.html"),
    ("composed e\u{301}.html".as_bytes(), "composed%20e%CC%81.html"),
    ("four bytes \u{1f600}.html".as_bytes(), "four%20bytes%20%F0%9F%98%80.html"),
    ("\u{65b0}\u{5e74}.html".as_bytes(), "%E6%96%B0%E5%B9%B4.html"),
    ("right\u{202e}left.html".as_bytes(), "right%E2%80%AEleft.html"),
];

/// A site whose last commit adds all of them. Through git alone, as no file system takes every name.
fn site() -> Site {
    let site = Site::new();
    let mut commands =
        b"commit refs/heads/main\ncommitter t <t@example.com> 1800000001 +0000\ndata 1\nx\nfrom refs/heads/main^0\n"
            .to_vec();
    for (name, _) in NAMES {
        let quoted: String = name.iter().map(|byte| format!("\\{byte:03o}")).collect();
        commands.extend_from_slice(format!("M 100644 inline \"public/{quoted}\"\ndata 1\nx\n").as_bytes());
    }
    let mut git = Command::new("git");
    let git = git.current_dir(site.repository()).args(["fast-import", "--quiet"]).stdin(Stdio::piped());
    let mut git = git.spawn().unwrap();
    git.stdin.take().unwrap().write_all(&commands).unwrap();
    assert!(git.wait().unwrap().success());
    site
}

fn dry_run(site: &Site) -> Run {
    let report = site.sibling("report.json");
    site.bare_run(&["run", "--dry-run", "--report-file", report.to_str().unwrap()])
}

fn urls() -> BTreeSet<String> {
    NAMES.iter().map(|(_, segment)| format!("https://www.example.com/{segment}")).collect()
}

/// The bytes of a path as the report shows it: text, or git's quoted form where it is none or opens with a quote.
fn bytes(reported: &str) -> Vec<u8> {
    let Some(quoted) = reported.strip_prefix('"').and_then(|reported| reported.strip_suffix('"')) else {
        return reported.as_bytes().to_vec();
    };
    let mut bytes = Vec::new();
    let mut rest = quoted.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'\\', [escaped @ (b'"' | b'\\'), after @ ..]) => (*escaped, after),
            (b'\\', [a, b, c, after @ ..]) => ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), after),
            _ => (first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

#[test]
fn the_report_has_every_url_with_the_bytes_of_its_file() {
    let site = site();
    let report = dry_run(&site).finish().ends_with(0).report.clone().unwrap();
    let rows = report["urls"].as_array().unwrap();
    let reported: BTreeSet<String> = rows.iter().map(|row| row["url"].as_str().unwrap().to_owned()).collect();
    assert_eq!(reported, urls());
    for (name, segment) in NAMES {
        let url = format!("https://www.example.com/{segment}");
        let of_it: Vec<&Value> = rows.iter().filter(|row| row["url"] == *url).collect();
        assert!(!of_it.is_empty());
        for row in of_it {
            let file = row["sources"][0]["file"].as_str().unwrap();
            assert_eq!(bytes(file), [b"public/", *name].concat(), "{file:?}");
        }
    }
}

#[test]
fn the_summary_and_the_junit_file_have_every_url_and_nothing_has_a_raw_control() {
    let site = site();
    let (summary, output) = (site.sibling("summary.md"), site.sibling("output"));
    let on_github = dry_run(&site)
        .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "workflow_dispatch")])
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("GITHUB_OUTPUT", &output)
        .finish();
    on_github.ends_with(0);
    let project = site.repository();
    let on_gitlab = dry_run(&site)
        .envs(&[("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", "web"), ("CI_COMMIT_BRANCH", "main")])
        .env("CI_PROJECT_DIR", &project)
        .finish();
    on_gitlab.ends_with(0);
    let junit = std::fs::read_to_string(project.join("cdn-purge-junit.xml")).unwrap();
    let junit = junit.replace("&apos;", "'").replace("&#39;", "'").replace("&amp;", "&");
    let summary = std::fs::read_to_string(summary).unwrap();
    for url in urls() {
        assert!(junit.contains(&url), "{url} isn't in {junit}");
        assert!(summary.contains(&url), "{url} isn't in {summary}");
    }
    for text in [&junit, &summary, &on_github.out, &on_github.err, &on_gitlab.out] {
        assert!(!text.contains(['\x1b', '\r', '\u{202e}']), "{text:?}");
        assert!(!text.contains("\n::error::no"), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn explain_takes_every_name_as_it_is() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let site = site();
    for (name, segment) in NAMES {
        let path = [b"public/", *name].concat();
        let finished = site.bare_run(&["explain"]).arg(OsStr::from_bytes(&path)).finish();
        finished.ends_with(0);
        assert!(finished.out.contains(&format!("https://www.example.com/{segment}")), "{segment}: {}", finished.out);
    }
}
