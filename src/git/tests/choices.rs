//! What a run would compare, and what other bases would mean.

use crate::config::Changes;
use crate::git::Choices;

use super::checkout::{Checkout, Variables, environment_of, refusal};
use super::forge::Forge;
use super::pairs::parted;

fn chosen(checkout: &Checkout, base: Option<&str>, variables: &[(&str, &str)]) -> Choices {
    let changes = Changes::Git { base: base.map(str::to_owned), head: None };
    Forge::empty().choices(&checkout.path, &changes, &environment_of(variables)).unwrap()
}

#[test]
fn a_decision_is_told_with_what_else_it_could_have_been() {
    let origin = parted();
    origin.git(&["tag", "v1", "main~3"]);
    let clone = origin.clone(&["--branch=topic"]);
    clone.git(&["remote", "set-head", "origin", "main"]);
    let explained = chosen(&clone, Some("origin/main~1"), &[]).lines();
    let [head, given] = [origin.id("topic"), origin.id("main~1")];
    let [parent, tag, left] = [origin.id("topic~1"), origin.id("v1"), origin.id("main~2")];
    assert_eq!(
        explained,
        [
            "run      no CI".to_owned(),
            format!("base     {given}"),
            format!("head     {head}"),
            "because  `base` as given".to_owned(),
            "changes  4 files".to_owned(),
            String::new(),
            "Another base would have been".to_owned(),
            format!("  {parent}     2 files  the first parent of head"),
            format!("  {tag}     2 files  the nearest tag in the history of head: `v1`"),
            format!("  {left}     3 files  the merge base with `main`"),
            format!("  {:40}     3 files  every tracked file (`changes: all`)", "none"),
        ]
    );
}

#[test]
fn a_refusal_is_told_with_the_choices_that_are_left() {
    let clone = parted().clone(&["--depth=2"]);
    let choices = chosen(&clone, None, &[("CI", "true"), ("CIRCLECI", "true")]);
    let explained = choices.lines().join("\n");
    assert!(refusal(choices.decided).contains("CircleCI"));
    assert!(explained.starts_with("run      CircleCI\nbase     undecided"), "{explained}");
    assert!(explained.contains(&format!("  {} ", clone.id("HEAD~1"))), "{explained}");
    assert!(explained.contains("the nearest tag in the history of head: the tag before head can't"), "{explained}");
}

#[test]
fn without_a_repository_there_is_nothing_to_choose() {
    let directory = tempfile::tempdir().unwrap();
    let changes = Changes::Git { base: None, head: None };
    let refused = refusal(Forge::empty().choices(directory.path(), &changes, &environment_of(&[])));
    assert!(refused.contains("no git repository"), "{refused}");
}

/// On every host: what started the run, the decision with its reason, and what the other bases would have meant.
#[test]
fn every_host_is_told_with_its_alternatives() {
    let checkout = parted();
    checkout.git(&["tag", "v1", "main~3"]);
    checkout.git(&["checkout", "--quiet", "topic"]);
    let previous = checkout.id("topic~1");
    let rows: [(Variables<'_>, &str, Option<&str>); 10] = [
        (
            &[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "schedule")],
            "GitHub Actions, `schedule`",
            Some("topic~1"),
        ),
        (&[("GITEA_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "schedule")], "Gitea Actions, `schedule`", Some("topic~1")),
        (&[("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", "web")], "GitLab CI, `web`", Some("topic~1")),
        (
            &[("JENKINS_URL", "x"), ("BUILD_NUMBER", "7"), ("CHANGE_TARGET", "main"), ("BRANCH_NAME", "PR-3")],
            "Jenkins, `PR-3`",
            Some("main~2"),
        ),
        (&[("CIRCLECI", "true"), ("CIRCLE_BRANCH", "topic")], "CircleCI, `topic`", None),
        (&[("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_BRANCH", "topic")], "Bitbucket Pipelines, `topic`", None),
        (
            &[("TF_BUILD", "True"), ("BUILD_REASON", "Manual"), ("BUILD_SOURCEBRANCH", "refs/heads/topic")],
            "Azure Pipelines, `Manual`",
            Some("topic~1"),
        ),
        (&[("BUILDKITE", "true"), ("BUILDKITE_SOURCE", "ui")], "Buildkite, `ui`", Some("topic~1")),
        (
            &[
                ("CI", "woodpecker"),
                ("CI_PIPELINE_EVENT", "push"),
                ("CI_COMMIT_BRANCH", "topic"),
                ("CI_PREV_COMMIT_SHA", &previous),
                ("CI_PREV_PIPELINE_EVENT", "push"),
            ],
            "Woodpecker CI, `push`",
            Some("topic~1"),
        ),
        (&[("CI", "true")], "an unknown CI", None),
    ];
    for (variables, run, base) in rows {
        let variables = [variables, &[("CI_DEFAULT_BRANCH", "main")]].concat();
        let choices = chosen(&checkout, None, &variables);
        let explained = choices.lines();
        assert_eq!(explained[0], format!("run      {run}"));
        let decided = base.map_or("undecided: the error below says why".to_owned(), |base| checkout.id(base));
        assert_eq!(explained[1], format!("base     {decided}"), "{run}");
        assert_eq!(choices.decided.is_ok(), base.is_some());
        if base.is_some() {
            assert!(
                explained[3].starts_with("because  ") && explained[3].len() > 20 && explained[4].ends_with(" files"),
                "{explained:#?}"
            );
        }
        let others = explained.split(|line| line == "Another base would have been").nth(1).unwrap();
        assert_eq!(others.len(), 4, "{others:#?}");
        let named = ["the first parent of head", "`v1`", "the merge base with `main`", "`changes: all`"];
        for (line, name) in others.iter().zip(named) {
            assert!(line.contains(name) && line.contains(" file"), "{line}");
        }
    }
}
