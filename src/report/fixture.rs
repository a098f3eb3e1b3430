//! A plan, and the story of its execution, for the tests of everything that reads events.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{FailOn, Mode, OnEmpty, Target, Wait};
use crate::git::Range;
use crate::model::{
    Event, EventKind, EventSink as _, LaneIndex, Moment, Operation, Outcome, PurgeMode, Quota, QuotaEntry, Reason,
    RefreshKind, RepoPath, Skipped, Subject, Task, TaskIndex,
};
use crate::plan::{Batch, Lane, Plan, PlannedTask};
use crate::provider::{OperationSpec, Spec};
use crate::report::{Collector, Context, Report};

pub(crate) const REFRESH: Operation = Operation::Refresh(RefreshKind::Url);
pub(crate) const DIRECTORY: Operation = Operation::Refresh(RefreshKind::Directory);

static SPEC: Spec = Spec {
    name: "sample-cdn",
    title: "Sample CDN",
    operations: &[
        operation(REFRESH, 1_000, 10_000, 330),
        operation(DIRECTORY, 100, 100, 330),
        operation(Operation::Prefetch, 100, 1_000, 600),
    ],
    quota: Some(crate::provider::QuotaSpec {
        call: crate::provider::CallSpec::BARE,
        of_prefetches: None,
        reset: "00:00 UTC",
    }),
    ..Spec::BARE
};

const fn operation(operation: Operation, per_call: usize, per_day: u64, typical_seconds: u64) -> OperationSpec {
    let (per_day, typical) = (Some(per_day), Duration::from_secs(typical_seconds));
    OperationSpec { operation, per_call, per_day, typical, ..OperationSpec::BARE }
}

/// Two targets. `mainland`: three refreshes (0, 1, 2, the last one refused) and two prefetches (3 after 0, 4 after 1);
/// `world`: a directory (0).
pub(crate) fn plan() -> Plan {
    let refresh = |page: &str| task("mainland", REFRESH, &format!("https://www.example.com/{page}"), page);
    let prefetch = |page: &str, after| PlannedTask {
        after: vec![after],
        ..task("mainland", Operation::Prefetch, &format!("https://www.example.com/{page}"), page)
    };
    let mut too_long = refresh("too-long.html");
    too_long.refused = Some("1,025 characters, and Sample CDN takes 1,024".into());
    let mainland = vec![refresh("a.html"), refresh("b.html"), too_long, prefetch("a.html", 0), prefetch("b.html", 1)];
    let world = vec![task("world", DIRECTORY, "https://world.example.com/docs/", "docs/x.md")];
    Plan {
        lanes: vec![
            lane("mainland", mainland, &[(REFRESH, &[0, 1]), (Operation::Prefetch, &[3, 4])]),
            lane("world", world, &[(DIRECTORY, &[0])]),
        ],
        skipped: vec![
            Skipped { file: RepoPath::new("README.md"), why: "no rule matches it".into() },
            Skipped {
                file: RepoPath::new("vendor/lib"),
                why: "a submodule; its files live in another repository".into(),
            },
        ],
        digest: "0123456789abcdef".repeat(4).into(),
    }
}

/// A plan of refreshes of these URLs at one target, each from a file of the same name.
pub(crate) fn plan_of(urls: &[String]) -> Plan {
    plan_of_kind(REFRESH, urls)
}

/// As [`plan_of`], with directories.
pub(crate) fn plan_of_directories(urls: &[String]) -> Plan {
    plan_of_kind(DIRECTORY, urls)
}

fn plan_of_kind(operation: Operation, urls: &[String]) -> Plan {
    let tasks: Vec<_> = urls.iter().map(|url| task("main", operation, url, url)).collect();
    let indices: Vec<TaskIndex> = (0..).take(tasks.len()).collect();
    Plan {
        lanes: vec![lane("main", tasks, &[(operation, &indices)])],
        skipped: Vec::new(),
        digest: "0".repeat(64).into(),
    }
}

pub(crate) fn context(mode: Mode) -> Context {
    Context {
        mode,
        verify: false,
        edges: Vec::new(),
        range: Some(Range {
            base: Some("1111111111111111111111111111111111111111".into()),
            head: "2222222222222222222222222222222222222222".into(),
            reason: "the push's `before`, what the CDN has served until now".into(),
        }),
        list: None,
        changed_files: 6,
        built: None,
        fail_on: FailOn::Any,
        on_empty: OnEmpty::Warn,
        wait: Wait::All,
        started: "2026-11-22T10:00:00Z".parse().unwrap(),
        commit_page: Some("https://github.com/octo/site/commit/".into()),
        config: Some("cdn-purge.yml".into()),
    }
}

pub(crate) fn event(seconds: u64, kind: EventKind) -> Event {
    let started: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    Event { at: started + Duration::from_secs(seconds), elapsed: Duration::from_secs(seconds), kind }
}

pub(crate) fn finished(
    seconds: u64,
    lane: LaneIndex,
    task: TaskIndex,
    outcome: Outcome,
    task_id: Option<&str>,
) -> Event {
    event(seconds, EventKind::TaskFinished { lane, task, outcome, task_id: task_id.map(str::to_owned) })
}

/// A run of [`plan`] in which one URL is done, one fails, one can't be sent, and the rest follows from that.
pub(crate) fn story() -> Vec<Event> {
    let quota = |remaining| Quota { entries: vec![QuotaEntry { operation: REFRESH, limit: 10_000, remaining }] };
    let failed = "RefreshTask: OriginTimeout: the origin didn't answer (HTTP 200, request id 4B6F)";
    vec![
        event(0, EventKind::RunStarted { tasks: 6, resumed: None }),
        event(0, EventKind::QuotaRead { lane: 0, quota: quota(9_000), moment: Moment::Before }),
        event(1, EventKind::BatchStarted { lane: 0, batch: 1, operation: REFRESH, tasks: vec![0, 1], attempt: 1 }),
        event(
            1,
            EventKind::BatchSubmitted {
                lane: 0,
                batch: 1,
                task_ids: vec!["704".into()],
                request_id: Some("R-1".into()),
            },
        ),
        event(1, EventKind::BatchStarted { lane: 1, batch: 1, operation: DIRECTORY, tasks: vec![0], attempt: 1 }),
        event(2, EventKind::BatchUncertain { lane: 1, batch: 1, why: "connection reset".into() }),
        finished(2, 0, 2, Outcome::Failed("1,025 characters, and Sample CDN takes 1,024".into()), None),
        finished(300, 0, 0, Outcome::Done, Some("704")),
        finished(310, 0, 1, Outcome::Failed(failed.into()), Some("704")),
        finished(310, 0, 4, Outcome::Unsubmitted("its refresh failed".into()), None),
        event(
            311,
            EventKind::BatchStarted { lane: 0, batch: 2, operation: Operation::Prefetch, tasks: vec![3], attempt: 1 },
        ),
        event(311, EventKind::BatchSubmitted { lane: 0, batch: 2, task_ids: vec!["705".into()], request_id: None }),
        finished(900, 0, 3, Outcome::Done, Some("705")),
        finished(901, 1, 0, Outcome::Unknown("no answer came until the deadline".into()), None),
        event(902, EventKind::QuotaRead { lane: 0, quota: quota(8_998), moment: Moment::After }),
        event(902, EventKind::RunFinished { calls: 7 }),
    ]
}

pub(crate) fn report<'a>(plan: &'a Plan, context: Context, events: &[Event]) -> Report<'a> {
    let mut collector = Collector::new(plan, context);
    events.iter().for_each(|event| collector.take(event));
    collector.finish()
}

fn task(target: &str, operation: Operation, url: &str, file: &str) -> PlannedTask {
    PlannedTask {
        task: Task {
            target: target.into(),
            operation,
            mode: PurgeMode::Default,
            subject: Subject::url(url),
            because: vec![Reason { rule: "pages".into(), file: Some(Arc::new(RepoPath::new(file))) }],
        },
        refused: None,
        held: None,
        covered_by: None,
        after: Vec::new(),
        rank: u32::MAX,
    }
}

fn lane(name: &str, tasks: Vec<PlannedTask>, batches: &[(Operation, &[TaskIndex])]) -> Lane {
    let target =
        Target { name: name.into(), provider: &SPEC, options: Default::default(), credentials: Default::default() };
    let batch = |(number, (operation, tasks)): (u32, &(Operation, &[TaskIndex]))| Batch {
        number,
        operation: *operation,
        mode: PurgeMode::Default,
        tasks: tasks.to_vec(),
    };
    Lane { target, tasks, batches: (1..).zip(batches).map(batch).collect() }
}
