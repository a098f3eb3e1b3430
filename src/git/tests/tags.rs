//! The tag before a tag: of the same series by its name, and the nearest one by the history.

use serde_json::json;

use crate::error::Error;
use crate::git::Changed;

use super::checkout::{Checkout, refusal};
use super::pairs::{EMPTY, assert_pair, files, parted};

const ZERO: &str = "0000000000000000000000000000000000000000";

/// In a job on GitHub for a push of this tag.
fn pushed(checkout: &Checkout, tag: &str) -> Result<Changed, Error> {
    let after = checkout.id("HEAD");
    let event = json!({ "ref": format!("refs/tags/{tag}"), "before": ZERO, "after": after });
    checkout.found_on_github("push", &event)
}

fn tag(checkout: &Checkout, name: &str, revision: &str) {
    checkout.git(&["tag", name, revision]);
}

/// [`parted`], with `v1` and `v10` on its first commit, `v2` on its third, and `v3` and `latest` on its last.
fn tagged() -> Checkout {
    let checkout = parted();
    checkout.git(&["tag", "--annotate", "--message=x", "v1", "main~3"]);
    for (name, revision) in [("v10", "main~3"), ("v2", "main~1"), ("v3", "main"), ("latest", "main")] {
        tag(&checkout, name, revision);
    }
    // Of another branch, and of no commit at all.
    tag(&checkout, "v2.9", "topic");
    tag(&checkout, "of-a-file", "main:b");
    checkout
}

#[test]
fn a_tag_counts_from_the_nearest_one_in_its_history() {
    let checkout = tagged();
    let found = pushed(&checkout, "v3").unwrap();
    assert_pair(&checkout, &found, "v2", "main");
    assert_eq!(found.range.reason, "the nearest tag in the history of the tag `v3`: `v2`");
    let gitlab =
        checkout.found(&[("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_TAG", "v3")]).unwrap();
    assert_pair(&checkout, &gitlab, "v2", "main");
}

#[test]
fn a_release_counts_from_the_tag_before_its_own() {
    let checkout = tagged();
    let event = json!({ "action": "published", "release": { "tag_name": "v3" } });
    assert_pair(&checkout, &checkout.found_on_github("release", &event).unwrap(), "v2", "main");
}

#[test]
fn a_run_that_is_repeated_after_later_tags_counts_from_the_same_one() {
    let checkout = tagged();
    checkout.git(&["checkout", "--quiet", "v2"]);
    let found = pushed(&checkout, "v2").unwrap();
    assert_pair(&checkout, &found, "v1", "v2");
    assert!(found.range.reason.ends_with("`v2`: `v1`"), "{}", found.range.reason);
}

#[test]
fn a_tag_is_never_its_own_base() {
    let checkout = tagged();
    tag(&checkout, "earlier", "main~1");
    checkout.git(&["tag", "--delete", "v2"]);
    let event = json!({ "action": "published", "release": { "tag_name": "earlier" } });
    let found = checkout.found_on_github("release", &event).unwrap();
    assert_pair(&checkout, &found, "v1", "main");
}

#[test]
fn the_first_tag_is_new_as_a_whole() {
    let checkout = parted();
    tag(&checkout, "v1", "main");
    tag(&checkout, "elsewhere", "topic");
    let found = pushed(&checkout, "v1").unwrap();
    assert_pair(&checkout, &found, EMPTY, "main");
    assert!(found.range.reason.ends_with("`v1`: there is none, so everything is new"), "{}", found.range.reason);
}

#[test]
fn tags_that_stand_side_by_side_are_a_named_error() {
    let checkout = parted();
    tag(&checkout, "v1.0.5", "topic");
    tag(&checkout, "v1.1", "main");
    checkout.git(&["checkout", "--quiet", "--force", "main"]);
    checkout.git(&["merge", "--quiet", "--no-ff", "--message=x", "topic"]);
    tag(&checkout, "v1.2", "HEAD");
    let refused = refusal(pushed(&checkout, "v1.2"));
    assert!(refused.contains("`v1.0.5` and `v1.1`") && refused.contains("give `base`"), "{refused}");

    checkout.import("main", Some("refs/heads/main^0"), &[files("a b z")]);
    tag(&checkout, "v1.3", "main");
    assert_pair(&checkout, &pushed(&checkout, "v1.3").unwrap(), "v1.2", "main");
}

#[test]
fn a_clock_that_was_wrong_does_not_make_an_older_tag_the_nearest() {
    let checkout = Checkout::empty(&[]);
    let commit = |branch: &str, time: u32, parents: &str| {
        let who = format!("tester <tester@example.com> {time} +0000");
        let file = format!("M 100644 inline {branch}\ndata 1\nx\n");
        format!("commit refs/heads/{branch}\ncommitter {who}\ndata 1\nx\n{parents}{file}\n")
    };
    let stream = [
        commit("old", 2_000_000_000, ""),
        commit("new", 1_000_000_000, "from refs/heads/old\n"),
        commit("side", 2_000_000_001, "from refs/heads/old\n"),
        commit("main", 2_000_000_002, "from refs/heads/side\nmerge refs/heads/new\n"),
    ];
    checkout.run(&["fast-import", "--quiet"], stream.concat().as_bytes());
    tag(&checkout, "v1", "old");
    tag(&checkout, "v2", "new");
    tag(&checkout, "v3", "main");
    assert_pair(&checkout, &pushed(&checkout, "v3").unwrap(), "v2", "main");
}

#[test]
fn a_clone_that_may_lack_tags_is_a_named_error() {
    let origin = tagged();
    let shallow = origin.clone(&["--depth=2", "--branch=v3"]);
    let refused = refusal(pushed(&shallow, "v3"));
    assert!(refused.contains("the tag before `v3`") && refused.contains("`fetch-depth: 0`"), "{refused}");
    for (variables, remedy) in [
        (&[("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_TAG", "v3")][..], "`GIT_DEPTH: 0`"),
        (&[("JENKINS_URL", "x"), ("BUILD_NUMBER", "7"), ("TAG_NAME", "v3")], "`cloneOption`"),
        (&[("CIRCLECI", "true"), ("CIRCLE_TAG", "v3")], "`method: full`"),
        (&[("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_TAG", "v3")], "`clone: { depth: full }`"),
        (
            &[("TF_BUILD", "True"), ("BUILD_REASON", "Manual"), ("BUILD_SOURCEBRANCH", "refs/tags/v3")],
            "`fetchDepth: 0`",
        ),
        (&[("BUILDKITE", "true"), ("BUILDKITE_TAG", "v3")], "`BUILDKITE_GIT_CLONE_FLAGS`"),
        (&[("CI", "woodpecker"), ("CI_PIPELINE_EVENT", "tag"), ("CI_COMMIT_TAG", "v3")], "`partial: false`"),
    ] {
        let refused = refusal(shallow.found(variables));
        assert!(refused.contains("shallow clone") && refused.contains(remedy), "{refused} lacks {remedy}");
    }
    let without_tags = origin.clone(&["--no-tags", "--branch=main"]);
    let refused = refusal(pushed(&without_tags, "v3"));
    assert!(refused.contains("the tag `v3` isn't in this clone") && refused.contains("git fetch --tags"), "{refused}");
}

/// Ten ways to name tags. `tags` lie on the commits of a straight history, from the first on; the last is pushed.
#[test]
fn a_tag_counts_from_the_one_before_it_in_its_own_series() {
    let schemes: [(&str, &[&[&str]], &str); 12] = [
        ("packages, as changesets names them", &[&["site@1.0.0"], &["docs@2.0.0"], &["site@1.1.0"]], "site@1.0.0"),
        ("scoped packages", &[&["@acme/site@1.0.0"], &["@acme/docs@1.0.0"], &["@acme/site@1.1.0"]], "@acme/site@1.0.0"),
        ("folders, as Go names modules", &[&["v1.0.0", "site/v1.2.2"], &["v1.1.0"], &["site/v1.2.3"]], "site/v1.2.2"),
        ("with a dash, as release-please does", &[&["site-v1.0.0"], &["docs-v3.0.0"], &["site-v1.1.0"]], "site-v1.0.0"),
        ("a `v` that came later", &[&["1.9.0"], &["nightly-2026-11-30"], &["v2.0.0"]], "1.9.0"),
        (
            "a stable version after candidates",
            &[&["v1.0.0"], &["v1.1.0-rc.1"], &["v1.1.0-rc.2"], &["v1.1.0"]],
            "v1.0.0",
        ),
        ("a candidate after a candidate", &[&["v1.0.0"], &["v1.1.0-rc.1"], &["v1.1.0-rc.2"]], "v1.1.0-rc.1"),
        ("a candidate after a stable version", &[&["v1.1.0-rc.1"], &["v1.1.0"], &["v1.2.0-beta"]], "v1.1.0"),
        ("Python's candidates", &[&["1.0"], &["1.1rc1"], &["1.1.dev2"], &["1.1"]], "1.0"),
        ("dates", &[&["2026-11-28"], &["2026-11-29", "v3.1.0"], &["v3.2.0"], &["2026-11-30"]], "2026-11-29"),
        ("dates after a word", &[&["live/2026.11.28"], &["test/2026.11.29"], &["live/2026.11.30"]], "live/2026.11.28"),
        ("counters, with a tag that moves", &[&["build-99"], &["v1.0.0", "latest"], &["build-100"]], "build-99"),
    ];
    for (scheme, commits, expected) in schemes {
        let tree: Vec<_> = (0..commits.len()).map(|number| files(&format!("a{number}"))).collect();
        let checkout = Checkout::with(&tree);
        for (number, names) in commits.iter().enumerate() {
            names.iter().for_each(|name| tag(&checkout, name, &format!("main~{}", commits.len() - 1 - number)));
        }
        let pushed_tag = commits.last().unwrap()[0];
        let found = pushed(&checkout, pushed_tag).unwrap();
        assert_pair(&checkout, &found, expected, "main");
        assert!(
            found.range.reason.ends_with(&format!("`{pushed_tag}`: `{expected}`")),
            "{scheme}: {}",
            found.range.reason
        );
    }
}

#[test]
fn the_first_tag_of_a_series_is_new_as_a_whole_and_names_its_series() {
    let checkout = parted();
    tag(&checkout, "docs@1.0.0", "main~2");
    tag(&checkout, "site@1.0.0-rc.1", "main~1");
    tag(&checkout, "site@1.0.0", "main");
    let found = pushed(&checkout, "site@1.0.0").unwrap();
    assert_pair(&checkout, &found, EMPTY, "main");
    let end = "there is none of its series (`site@*`), so everything is new";
    assert!(found.range.reason.ends_with(end), "{}", found.range.reason);
}

#[test]
fn a_tag_of_no_series_after_tags_of_several_is_refused_and_one_pattern_decides() {
    let checkout = parted();
    for (name, revision) in [("site@1.0.0", "main~3"), ("docs@1.0.0", "main~2"), ("next", "main~1"), ("live", "main")] {
        tag(&checkout, name, revision);
    }
    let refused = refusal(pushed(&checkout, "live"));
    assert!(refused.contains("several series (`docs@*`, `site@*`)"), "{refused}");
    assert!(refused.contains("`base: tag:docs@*`"), "{refused}");
    checkout.git(&["tag", "--delete", "docs@1.0.0"]);
    assert_pair(&checkout, &pushed(&checkout, "live").unwrap(), "main~1", "main");
    tag(&checkout, "docs@1.0.0", "topic");
    assert_pair(&checkout, &pushed(&checkout, "live").unwrap(), "main~1", "main");
}
