use crate::config::Mode;
use crate::report::{fixture, json};
use crate::text::sanitize::tests::HOSTILE;

use super::*;

fn page(report: &[u8]) -> String {
    let mut page = Vec::new();
    write(report, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

fn report_of(urls: &[String]) -> Vec<u8> {
    let plan = fixture::plan_of(urls);
    let report = fixture::report(&plan, fixture::context(Mode::DryRun), &[]);
    let mut bytes = Vec::new();
    json::write(&report, &mut bytes).unwrap();
    bytes
}

/// What the script reads.
fn data(page: &str) -> Value {
    let (_, data) = page.split_once("id=\"data\">").unwrap();
    serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn the_page_holds_every_url_with_its_outcome_and_sources() {
    let plan = fixture::plan();
    let report = fixture::report(&plan, fixture::context(Mode::Real), &fixture::story());
    let mut bytes = Vec::new();
    json::write(&report, &mut bytes).unwrap();
    let data = data(&page(&bytes));
    let text = |place: &Value| data["texts"][place.as_u64().unwrap() as usize].as_str().unwrap();
    let rows = data["urls"].as_array().unwrap().iter();
    let rows: Vec<String> =
        rows.map(|row| row.as_array().unwrap().iter().map(text).collect::<Vec<_>>().join(" | ")).collect();
    insta::assert_snapshot!(rows.join("\n"), @"
    https://www.example.com/a.html | mainland | refresh | done | 704 |  | pages | a.html
    https://www.example.com/b.html | mainland | refresh | failed | 704 | RefreshTask: OriginTimeout: the origin didn't answer (HTTP 200, request id 4B6F) | pages | b.html
    https://www.example.com/too-long.html | mainland | refresh | failed |  | 1,025 characters, and Sample CDN takes 1,024 | pages | too-long.html
    https://www.example.com/a.html | mainland | prefetch | done | 705 |  | pages | a.html
    https://www.example.com/b.html | mainland | prefetch | unsubmitted |  | its refresh failed | pages | b.html
    https://world.example.com/docs/ | world | refresh (directory) | unknown |  | no answer came until the deadline | pages | docs/x.md
    ");
    let json: Value = serde_json::from_slice(&bytes).unwrap();
    for name in ["counts", "targets", "notes", "skipped", "status", "purged_hosts"] {
        assert_eq!(data["report"][name], json[name], "{name}");
    }
    assert_eq!(json["targets"][0]["batches"].as_array().unwrap().len(), 2);
}

#[test]
fn nothing_in_a_report_ends_the_element_of_its_data() {
    let mut hostile: Vec<String> = HOSTILE.iter().map(|text| format!("https://www.example.com/{text}")).collect();
    hostile
        .extend(["</script><script>alert(1)</script>", "<!--<script>", "</SCRIPT >", "\u{2028}]]>"].map(str::to_owned));
    let page = page(&report_of(&hostile));
    assert_eq!(page.matches('<').count(), self::page(&report_of(&[])).matches('<').count(), "no tag is added");
    let data = data(&page);
    let texts = data["texts"].as_array().unwrap();
    assert!(hostile.iter().all(|url| texts.contains(&Value::from(sanitize(url)))), "{texts:?}");
}

#[test]
fn the_policy_allows_the_script_and_the_style_sheet_alone() {
    let page = page(&report_of(&[]));
    let between = |begin: &str, end: &str| page.split_once(begin).unwrap().1.split_once(end).unwrap().0;
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = between("Content-Security-Policy\" content=\"", "\"");
    let script = digest(between("<script>", "</script>"));
    let style = digest(between("<style>", "</style>"));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
        )
    );
    assert!(["src=", "href=", "url(", "@import"].iter().all(|loader| !page.contains(loader)), "{page}");
}

#[test]
fn another_file_is_refused() {
    let report = String::from_utf8(report_of(&[])).unwrap();
    let newer = report.replacen("\"version\": 1", "\"version\": 2", 1);
    let shortened = &report[..report.len() / 2];
    for other in ["", "[]", "{}", "{\"version\": 1}", "nothing", &newer, shortened, &format!("{report}{report}")] {
        let error = write(other.as_bytes(), &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{other}");
    }
}
