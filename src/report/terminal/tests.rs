use crate::host::printer::tests::{hostile_text, runner_sees_a_command};
use crate::inputs::Mode;
use crate::report::sample;

use super::*;
use proptest::prelude::*;

#[test]
fn a_run_is_told_in_a_few_lines() {
    let plan = sample::plan();
    let report = sample::report(&plan, sample::context(Mode::Real), &sample::story());
    insta::assert_snapshot!(summary(&report), @"");
}

#[test]
fn a_dry_run_shows_addresses_and_cost() {
    let plan = sample::plan();
    let report = sample::report(&plan, sample::context(Mode::DryRun), &[]);
    insta::assert_snapshot!(super::plan(&report, 2), @"");
}

#[test]
fn nothing_to_do_is_said_in_one_line_and_why() {
    let mut plan = sample::plan();
    plan.lanes.clear();
    let report = sample::report(&plan, sample::context(Mode::Real), &[]);
    insta::assert_snapshot!(summary(&report), @"");
}

proptest! {
    #[test]
    fn hostile_addresses_stay_in_their_lines(urls in proptest::collection::vec(hostile_text(), 1..4)) {
        let plan = sample::plan_of(&urls);
        let report = sample::report(&plan, sample::context(Mode::DryRun), &[]);
        let text = super::plan(&report, usize::MAX);
        prop_assert_eq!(text.lines().count(), 5 + urls.len(), "{}", text);
        prop_assert!(!runner_sees_a_command(&text), "{}", text);
    }
}
