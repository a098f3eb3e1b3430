//! What a run would compare, and what other bases would mean.

use crate::changes::Choices;
use crate::inputs::Changes;

use super::checkout::{Checkout, environment_of, refusal};
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
    let told = chosen(&clone, Some("origin/main~1"), &[]).lines();
    let [head, given] = [origin.id("topic"), origin.id("main~1")];
    let [parent, tag, left] = [origin.id("topic~1"), origin.id("v1"), origin.id("main~2")];
    assert_eq!(
        told,
        [
            format!("base     {given}"),
            format!("head     {head}"),
            "because  `base` as given".to_owned(),
            "changes  4 files".to_owned(),
            String::new(),
            "Another base would have been".to_owned(),
            format!("  {parent}     2 files  the first parent of head"),
            format!("  {tag}     2 files  the nearest tag in the history of head: `v1`"),
            format!("  {left}     3 files  the merge base with `origin/main`"),
            format!("  {:40}     3 files  every tracked file (`changes: all`)", "none"),
        ]
    );
}

#[test]
fn a_refusal_is_told_with_the_choices_that_are_left() {
    let clone = parted().clone(&["--depth=2"]);
    let choices = chosen(&clone, None, &[("CI", "true"), ("CIRCLECI", "true")]);
    let told = choices.lines().join("\n");
    assert!(refusal(choices.decided).contains("CircleCI"));
    assert!(told.starts_with("base     undecided"), "{told}");
    assert!(told.contains(&format!("  {} ", clone.id("HEAD~1"))), "{told}");
    assert!(told.contains("the nearest tag in the history of head: the tag before head can't"), "{told}");
}

#[test]
fn without_a_repository_there_is_nothing_to_choose() {
    let directory = tempfile::tempdir().unwrap();
    let changes = Changes::Git { base: None, head: None };
    let refused = refusal(Forge::empty().choices(directory.path(), &changes, &environment_of(&[])));
    assert!(refused.contains("no git repository"), "{refused}");
}
