use crate::inputs::Mode;
use crate::report::sample;

use super::*;

fn xml(report: &Report<'_>) -> String {
    let mut text = Vec::new();
    write(report, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn every_address_is_a_case() {
    let plan = sample::plan();
    let report = sample::report(&plan, sample::context(Mode::Real), &sample::story());
    insta::assert_snapshot!(xml(&report), @"");
}

#[test]
fn an_address_can_not_leave_its_attribute() {
    let urls = ["https://x/\"><testcase name='y&z\u{0}\u{ffff}\n".to_owned()];
    let plan = sample::plan_of(&urls);
    let text = xml(&sample::report(&plan, sample::context(Mode::DryRun), &[]));
    assert!(text.contains(r"https://x/&quot;&gt;&lt;testcase name=&apos;y&amp;z\x00\u{ffff}\n"), "{text}");
}
