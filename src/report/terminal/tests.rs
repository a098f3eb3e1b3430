use crate::config::Mode;
use crate::report::fixture;
use crate::text::sanitize::tests::{hostile_text, runner_sees_a_command};

use super::*;
use proptest::prelude::*;

#[test]
fn a_run_is_told_in_a_few_lines() {
    let plan = fixture::plan();
    let report = fixture::report(&plan, fixture::context(Mode::Real), &fixture::story());
    insta::assert_snapshot!(summary(&report), @"
    cdn-purge: 2 of 6 URLs done, 2 failed, 1 unsubmitted, 1 unknown, after 15 min 2 s
      111111111111..222222222222: 6 changed files (base: the push's `before`, what the CDN has served until now)
      mainland (Sample CDN)
        refresh                 1 of 3 done, 2 failed, quota: 8,998 of 10,000 left
        prefetch                1 of 2 done, 1 unsubmitted
      world (Sample CDN)
        refresh (directory)     0 of 1 done, 1 unknown
      failed: refresh https://www.example.com/b.html: RefreshTask: OriginTimeout: the origin didn't answer (HTTP 200, request id 4B6F)
      failed: refresh https://www.example.com/too-long.html: 1,025 characters, and Sample CDN takes 1,024
      unknown: refresh (directory) https://world.example.com/docs/: no answer came until the deadline
      unsubmitted: 1 URL: its refresh failed
      note: world: the response to batch 1 was lost: connection reset
      not mapped to a URL: 2 changed files:
        README.md: no rule matches it
        vendor/lib: a submodule; its files live in another repository
    ");
}

#[test]
fn a_dry_run_shows_addresses_and_cost() {
    let plan = fixture::plan();
    let report = fixture::report(&plan, fixture::context(Mode::DryRun), &[]);
    insta::assert_snapshot!(super::plan(&report, 2), @"
    cdn-purge: 6 URLs planned, 1 of them can't be sent, nothing was sent
      111111111111..222222222222: 6 changed files (base: the push's `before`, what the CDN has served until now)
      mainland (Sample CDN)
        refresh: 3 URLs in 1 batch; 2 of 10,000 URL refreshes a day
          https://www.example.com/a.html
          https://www.example.com/b.html
          … and 1 more; set `report-file` to get all of them
        prefetch: 2 URLs in 1 batch; 2 of 1,000 URL prefetches a day
          https://www.example.com/a.html
          https://www.example.com/b.html
      world (Sample CDN)
        refresh (directory): 1 URL in 1 batch; 1 of 100 directory refreshes a day
          https://world.example.com/docs/
      about 15 min 30 s, if each task takes its usual time
      failed: refresh https://www.example.com/too-long.html: 1,025 characters, and Sample CDN takes 1,024
      not mapped to a URL: 2 changed files:
        README.md: no rule matches it
        vendor/lib: a submodule; its files live in another repository
    ");
}

#[test]
fn nothing_to_do_is_said_in_one_line_and_why() {
    let mut plan = fixture::plan();
    plan.lanes.clear();
    let report = fixture::report(&plan, fixture::context(Mode::Real), &[]);
    insta::assert_snapshot!(summary(&report), @"
    cdn-purge: nothing to do: no changed file is mapped to a URL
      111111111111..222222222222: 6 changed files (base: the push's `before`, what the CDN has served until now)
      not mapped to a URL: 2 changed files:
        README.md: no rule matches it
        vendor/lib: a submodule; its files live in another repository
      if one of them is part of the site, run `cdn-purge explain PATH` to see how each rule treats it
    ");
}

proptest! {
    #[test]
    fn hostile_addresses_stay_in_their_lines(urls in proptest::collection::vec(hostile_text(), 1..4)) {
        let plan = fixture::plan_of(&urls);
        let report = fixture::report(&plan, fixture::context(Mode::DryRun), &[]);
        let text = super::plan(&report, usize::MAX);
        prop_assert_eq!(text.lines().count(), 5 + urls.len(), "{}", text);
        prop_assert!(!runner_sees_a_command(&text), "{}", text);
    }
}
