use crate::config::Mode;
use crate::report::fixture;

use super::*;

fn xml(report: &Report<'_>) -> String {
    let mut text = Vec::new();
    write(report, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn every_address_is_a_case() {
    let plan = fixture::plan();
    let report = fixture::report(&plan, fixture::context(Mode::Real), &fixture::story());
    insta::assert_snapshot!(xml(&report), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="cdn-purge">
      <testsuite name="mainland" tests="5" failures="2" skipped="1">
        <testcase classname="mainland.refresh" name="https://www.example.com/a.html"/>
        <testcase classname="mainland.refresh" name="https://www.example.com/b.html"><failure message="failed: RefreshTask: OriginTimeout: the origin didn&apos;t answer (HTTP 200, request id 4B6F)"/></testcase>
        <testcase classname="mainland.refresh" name="https://www.example.com/too-long.html"><failure message="failed: 1,025 characters, and Sample CDN takes 1,024"/></testcase>
        <testcase classname="mainland.prefetch" name="https://www.example.com/a.html"/>
        <testcase classname="mainland.prefetch" name="https://www.example.com/b.html"><skipped message="unsubmitted: its refresh failed"/></testcase>
      </testsuite>
      <testsuite name="world" tests="1" failures="1" skipped="0">
        <testcase classname="world.refresh (directory)" name="https://world.example.com/docs/"><failure message="unknown: no answer came until the deadline"/></testcase>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn an_address_can_not_leave_its_attribute() {
    let urls = ["https://x/\"><testcase name='y&z\u{0}\u{ffff}\n".to_owned()];
    let plan = fixture::plan_of(&urls);
    let text = xml(&fixture::report(&plan, fixture::context(Mode::DryRun), &[]));
    assert!(text.contains(r"https://x/&quot;&gt;&lt;testcase name=&apos;y&amp;z\x00\u{ffff}\n"), "{text}");
}
