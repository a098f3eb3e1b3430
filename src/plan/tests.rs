use proptest::prelude::*;

use super::*;
use crate::config::CredentialChoice;
use crate::error::ExitCode;
use crate::model::{PurgeMode, Reason};
use crate::provider::{OperationSpec, Spec};

const fn limits(operation: Operation, per_call: usize, bytes: Option<usize>) -> OperationSpec {
    OperationSpec { operation, per_call, hosts_per_call: Some(3), request_line_bytes: bytes, ..OperationSpec::BARE }
}

static SPEC: Spec = Spec {
    name: "test",
    title: "Test CDN",
    operations: &[
        limits(Operation::Refresh(RefreshKind::Url), 10, None),
        limits(Operation::Refresh(RefreshKind::Directory), 4, None).covering(),
        limits(Operation::Refresh(RefreshKind::Regex), 1, None),
        limits(Operation::Prefetch, 5, Some(200)),
    ],
    url_characters: 60,
    ..Spec::BARE
};

fn target(name: &str) -> Target {
    Target { name: name.into(), provider: &SPEC, options: Default::default(), credentials: Default::default() }
}

pub(super) fn task(operation: Operation, url: &str) -> Task {
    let because = vec![Reason { rule: "rules[0]".into(), file: None }];
    Task { target: "site".into(), operation, mode: PurgeMode::Default, subject: Subject::url(url), because }
}

const FILE: Operation = Operation::Refresh(RefreshKind::Url);
const DIRECTORY: Operation = Operation::Refresh(RefreshKind::Directory);
const REGEX: Operation = Operation::Refresh(RefreshKind::Regex);

fn planned(tasks: Vec<Task>, limits: &Limits<'_>) -> Result<Plan, Error> {
    make(Mapped { tasks, ..Mapped::default() }, &[target("site"), target("other")], limits)
}

pub(super) fn free(tasks: Vec<Task>) -> Plan {
    planned(tasks, &Limits::default()).unwrap()
}

fn refusal(tasks: Vec<Task>, limits: &Limits<'_>) -> (String, ExitCode) {
    let error = planned(tasks, limits).unwrap_err();
    (error.to_string(), error.exit_code())
}

#[test]
fn a_url_is_planned_once_and_remembers_everything_that_asked_for_it() {
    let mut again = task(FILE, "https://a.test/x");
    again.because[0].rule = "rules[1]".into();
    again.mode = PurgeMode::Hard;
    let plan = free(vec![task(FILE, "https://a.test/x"), again, task(FILE, "https://a.test/x")]);
    let only = &plan.lanes[0].tasks[0].task;
    assert_eq!(plan.len(), 1);
    assert_eq!(only.mode, PurgeMode::Hard);
    assert_eq!(only.because.iter().map(|reason| &*reason.rule).collect::<Vec<_>>(), ["rules[0]", "rules[1]"]);
}

#[test]
fn a_url_that_browsers_spell_otherwise_is_noted_unless_both_forms_are_planned() {
    let of_file = |url: &str| {
        let mut task = task(FILE, url);
        task.because[0].file = Some(std::sync::Arc::new(crate::model::RepoPath::new("[a].js")));
        task
    };
    let (encoded, plain) = ("https://a.test/%5Ba%5D.js?b=%5B", "https://a.test/[a].js?b=%5B");
    let note = limits::in_one_form_of_two(&free(vec![of_file(encoded), of_file("https://a.test/b?%7C")])).unwrap();
    assert!(note.starts_with("1 URL has") && note.contains(encoded) && note.contains("rule `rules[0]`"), "{note}");
    assert_eq!(limits::in_one_form_of_two(&free(vec![of_file(encoded), of_file(plain)])), None);
    assert_eq!(limits::in_one_form_of_two(&free(vec![task(FILE, encoded)])), None, "a person wrote it so");
}

#[test]
fn a_target_without_tasks_has_no_lane_and_nothing_planned_is_an_empty_plan() {
    let mut elsewhere = task(FILE, "https://a.test/x");
    elsewhere.target = "other".into();
    assert_eq!(&*free(vec![elsewhere]).lanes[0].target.name, "other");
    assert!(free(Vec::new()).is_empty());
}

#[test]
fn a_prefetch_waits_for_every_refresh_that_covers_it() {
    let plan = free(vec![
        task(Operation::Prefetch, "https://a.test/d/x"),
        task(Operation::Prefetch, "https://a.test/e/y"),
        task(FILE, "https://a.test/d/x"),
        task(DIRECTORY, "https://a.test/d/"),
        task(REGEX, r"https://a\.test/d/.*"),
    ]);
    let lane = &plan.lanes[0];
    let operations: Vec<Operation> = lane.tasks.iter().map(|planned| planned.task.operation).collect();
    assert_eq!(operations, [FILE, DIRECTORY, REGEX, Operation::Prefetch, Operation::Prefetch]);
    // The refresh of the URL itself is covered by that of the directory.
    assert_eq!((lane.tasks[0].covered_by, &*lane.tasks[3].after), (Some(1), &[1, 2][..]));
    assert!(lane.tasks[4].after.is_empty());
}

#[test]
fn a_prefetch_waits_for_a_pattern_that_ignores_case_and_where_it_isnt_ascii_for_every_pattern() {
    let plan = free(vec![
        task(Operation::Prefetch, "https://a.test/d/x"),
        task(Operation::Prefetch, "https://a.test/e/y"),
        task(Operation::Prefetch, "https://a.test/é/y"),
        task(REGEX, r"(?i)https://a\.test/D/.*"),
    ]);
    let after: Vec<&[TaskIndex]> = plan.lanes[0].tasks[1..].iter().map(|planned| &*planned.after).collect();
    assert_eq!(after, [&[0][..], &[], &[0]]);
}

#[test]
fn what_cannot_be_sent_fails_with_a_reason_and_costs_nothing() {
    let plan = free(vec![
        task(FILE, &format!("https://a.test/{}", "x".repeat(60))),
        task(Operation::Refresh(RefreshKind::AnyQuery), "https://a.test/x"),
        task(FILE, "ftp://a.test/x"),
        task(FILE, "https://a.test/ok"),
    ]);
    let lane = &plan.lanes[0];
    let refused: Vec<&str> = lane.tasks.iter().filter_map(|planned| planned.refused.as_deref()).collect();
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(refused[0].contains("75 characters") && refused[0].contains("60 at most"), "{}", refused[0]);
    assert_eq!(lane.cost(FILE), 1);
    assert_eq!(lane.batches.iter().map(|batch| batch.tasks.len()).sum::<usize>(), 1);
}

#[test]
fn a_plan_above_the_limit_is_refused_with_the_numbers_and_the_way_out() {
    let urls = (0..7).map(|n| task(FILE, &format!("https://a.test/{n}"))).collect();
    let (message, code) = refusal(urls, &Limits { max_urls: Some(6), ..Limits::default() });
    assert!(message.contains("7 refreshes and prefetches, and `max-urls` is 6"), "{message}");
    assert_eq!(code, ExitCode::Quota);
}

#[test]
fn a_host_that_is_not_allowed_is_refused_also_inside_a_pattern() {
    let hosts = ["a.test".to_owned()];
    let limits = Limits { allow_hosts: Some(&hosts), ..Limits::default() };
    assert!(planned(vec![task(FILE, "https://A.test/x"), task(REGEX, r"https://a\.test/x/.*")], &limits).is_ok());
    let (message, code) = refusal(vec![task(FILE, "https://b.test/x"), task(REGEX, r"https://c\.test/.*")], &limits);
    assert!(message.contains("`b.test`, `c.test`"), "{message}");
    assert_eq!(code, ExitCode::Usage);
}

#[test]
fn a_pattern_that_may_match_at_another_host_is_refused_even_where_a_root_is_allowed() {
    let hosts = ["a.test".to_owned()];
    let roots_allowed = vec!["rules[0]".into()];
    let limits = Limits { allow_hosts: Some(&hosts), roots_allowed, ..Limits::default() };
    for pattern in [
        "https://a.test/x|https://b.test/.*",
        "https://a.test/x[(]|.*",
        r"https://a.test/\Q(\E|.*",
        "https://a.test/(?#()x|.*",
        "https://a.test?.b.test/x",
        "https://a.test/?.b.test/x",
        "https://a.test",
    ] {
        let (message, _) = refusal(vec![task(REGEX, pattern)], &limits);
        assert!(message.contains(&format!("`allow-hosts` doesn't name: `{pattern}`")), "{message}");
    }
    for pattern in ["https://a.test/x/(y|z)", "https://a.test/x/[|(]", r"https://a.test/x\|y", "https://a.test:8443/.*"]
    {
        assert!(planned(vec![task(REGEX, pattern)], &limits).is_ok(), "{pattern}");
    }
}

#[test]
fn a_whole_host_is_refreshed_only_when_its_rule_asks_for_it() {
    for root in [task(DIRECTORY, "https://a.test/"), task(REGEX, r"https://a.test/.*")] {
        let (message, _) = refusal(vec![root.clone()], &Limits::default());
        assert!(message.contains("refreshes a whole host"), "{message}");
        let allowed = Limits { roots_allowed: vec!["rules[0]".into()], ..Limits::default() };
        assert!(planned(vec![root], &allowed).is_ok());
    }
}

#[test]
fn a_url_that_two_targets_of_one_account_refresh_is_said_aloud() {
    let mut elsewhere = task(FILE, "https://a.test/x");
    elsewhere.target = "other".into();
    assert_eq!(limits::doubled(&free(vec![task(FILE, "https://a.test/x")])), None);
    let sentence = limits::doubled(&free(vec![task(FILE, "https://a.test/x"), elsewhere.clone()])).unwrap();
    assert!(sentence.starts_with("1 URL is refreshed twice, for the targets `site` and `other`"), "{sentence}");
    let named = Target { credentials: CredentialChoice::Named("b".into()), ..target("other") };
    let tasks = vec![task(FILE, "https://a.test/x"), elsewhere];
    let of_two = make(Mapped { tasks, ..Mapped::default() }, &[target("site"), named], &Limits::default()).unwrap();
    assert_eq!(limits::doubled(&of_two), None);
}

#[test]
fn the_digest_is_the_same_for_the_same_plan_and_differs_by_any_url() {
    let one = || vec![task(FILE, "https://a.test/x"), task(Operation::Prefetch, "https://a.test/x")];
    assert_eq!(free(one()).digest(), free(one()).digest());
    let mut other = one();
    other[1].subject.value.push('y');
    assert_ne!(free(one()).digest(), free(other).digest());
}

#[test]
fn a_soft_purge_is_never_made_a_hard_one() {
    let mut soft = task(FILE, "https://a.test/x");
    soft.mode = PurgeMode::Soft;
    let plan = free(vec![soft]);
    let refused = plan.lanes[0].tasks[0].refused.as_deref().unwrap();
    assert!(refused.starts_with("Test CDN has no soft purge"), "{refused}");
    assert!(plan.lanes[0].batches.is_empty());
}

proptest! {
    #[test]
    fn batches_hold_every_sendable_task_once_and_keep_every_limit(
        urls in prop::collection::vec((0..5u8, 0..40u16, any::<bool>(), 0..4usize), 0..120),
        batch_size in prop::option::of(1..12usize),
    ) {
        let operations = [FILE, DIRECTORY, REGEX, Operation::Prefetch];
        let tasks = urls.iter().map(|&(host, path, is_hard, operation)| {
            let slash = if operation == 1 { "/" } else { "" };
            let mut task = task(operations[operation], &format!("https://h{host}.test/p é/{path}{slash}").replace(' ', "%20"));
            task.mode = if is_hard { PurgeMode::Hard } else { PurgeMode::Default };
            task
        });
        let plan = planned(tasks.collect(), &Limits { batch_size, ..Limits::default() }).unwrap();
        for lane in &plan.lanes {
            let mut sent: Vec<TaskIndex> = Vec::new();
            for (number, batch) in (1..).zip(&lane.batches) {
                prop_assert_eq!(batch.number, number);
                let limits = SPEC.operation(batch.operation).unwrap();
                prop_assert!(!batch.tasks.is_empty() && batch.tasks.len() <= limits.per_call);
                prop_assert!(batch_size.is_none_or(|most| batch.tasks.len() <= most));
                let of = |task: &TaskIndex| &lane.tasks[*task as usize].task;
                let hosts: std::collections::HashSet<_> = batch.tasks.iter().map(|task| url::host(&of(task).subject.value)).collect();
                prop_assert!(hosts.len() <= 3);
                let alike = |task: &TaskIndex| of(task).operation == batch.operation && of(task).mode == batch.mode;
                prop_assert!(batch.tasks.iter().all(alike));
                sent.extend(&batch.tasks);
            }
            sent.sort_unstable();
            let sendable = (0..).zip(&lane.tasks).filter(|(_, planned)| planned.refused.is_none());
            prop_assert_eq!(sent, sendable.map(|(index, _)| index).collect::<Vec<TaskIndex>>());
        }
    }
}
