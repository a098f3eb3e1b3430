//! The tag before a tag, by the history and never by the name.

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
    tag(&checkout, "behind", "main~1");
    checkout.git(&["tag", "--delete", "v2"]);
    let event = json!({ "action": "published", "release": { "tag_name": "behind" } });
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
