//! Every edge of a batch's diagram, without a runtime: values in, commands out.

use std::sync::Arc;

use super::*;
use crate::config::{Target, Wait};
use crate::exec::batch::ResumedBatch;
use crate::exec::journal::TaskIds;
use crate::mapping::Mapped;
use crate::model::{PurgeMode, Reason, Subject, Task};
use crate::plan::Limits;
use crate::provider::{AfterLostAnswer, CallSpec, OperationSpec, Rate, TrackingSpec};

const URL: Operation = Operation::Refresh(RefreshKind::Url);

const fn takes(operation: Operation) -> OperationSpec {
    OperationSpec::new(operation, CallSpec::new("Do", "test:Do", Rate::per_second(50)), 2, None, "")
}

/// Two URLs in a call; tasks can be followed, and records looked up.
static TRACKED: Spec = Spec { operations: &[takes(URL), takes(Operation::Prefetch)], ..Spec::BARE };
/// The same, where a call may be accepted in part.
static IN_PARTS: Spec = Spec { operations: &[OperationSpec { per_call: 3, ..takes(URL) }.in_parts()], ..Spec::BARE };
/// The same without records.
static UNRECORDED: Spec = Spec {
    tracking: Some(TrackingSpec { status: CallSpec::BARE, records: None, prefetches: None, whole_batches: false }),
    operations: &[takes(URL), takes(Operation::Prefetch)],
    ..Spec::BARE
};

/// Tracked by lists of one row a page.
static PAGED: Spec = Spec {
    tracking: Some(TrackingSpec {
        status: CallSpec::BARE.rows(1),
        records: None,
        prefetches: None,
        whole_batches: false,
    }),
    operations: &[takes(URL), takes(Operation::Prefetch)],
    ..Spec::BARE
};

/// Its tasks take five minutes.
static SLOW: Spec =
    Spec { operations: &[OperationSpec { typical: Duration::from_mins(5), ..takes(URL) }], ..Spec::BARE };

/// What it accepts is done, and what was lost is sent again.
static RESENDING: Spec = Spec {
    tracking: None,
    operations: &[OperationSpec { after_lost_answer: AfterLostAnswer::Resend, ..takes(URL) }],
    ..Spec::BARE
};

fn url(number: usize) -> String {
    format!("https://a.test/{number}")
}

/// A lane, and the time in it.
struct Scene {
    lane: Lane<'static>,
    start: Instant,
    events: Vec<EventKind>,
    entries: Vec<Entry>,
    commands: Vec<Command>,
}

impl Scene {
    /// A lane that refreshes so many URLs, started.
    fn of(spec: &'static Spec, count: usize) -> Self {
        let mut scene = Self::unstarted(spec, (0..count).map(|number| (URL, number)));
        scene.at(0.0, Input::Start(Preflight { credentials_proven: true, ..Preflight::default() }));
        scene
    }

    fn unstarted(spec: &'static Spec, tasks: impl Iterator<Item = (Operation, usize)>) -> Self {
        Self::unstarted_for(spec, tasks, Wait::All)
    }

    /// The same, waiting for so much of it.
    fn unstarted_for(spec: &'static Spec, tasks: impl Iterator<Item = (Operation, usize)>, wait: Wait) -> Self {
        let because = vec![Reason { rule: "rules[0]".into(), file: None }];
        let task = |(operation, number)| Task {
            target: Arc::from("site"),
            operation,
            mode: PurgeMode::Default,
            subject: Subject::url(url(number)),
            because: because.clone(),
        };
        let mapped = Mapped { tasks: tasks.map(task).collect(), ..Mapped::default() };
        let target = Target {
            name: "site".into(),
            provider: spec,
            options: Default::default(),
            credentials: Default::default(),
        };
        // Tests end before it matters.
        let plan = Box::leak(Box::new(plan::make(mapped, &[target], &Limits::default()).unwrap()));
        let options = Box::leak(Box::new(Options {
            wait,
            short_quota: crate::config::ShortQuota::Refuse,
            refresh_timeout: Duration::from_secs(900),
            prefetch_timeout: Duration::from_secs(900),
            batch_size: None,
            warm_concurrency: 4,
            sequential: false,
            durations: Default::default(),
            seed: 1,
            started: Timestamp::UNIX_EPOCH,
        }));
        let start = Instant::now();
        let lane = Lane::new(0, &plan.lanes[0], options, start);
        Self { lane, start, events: Vec::new(), entries: Vec::new(), commands: Vec::new() }
    }

    fn moment(&self, seconds: f64) -> Instant {
        self.start + Duration::from_secs_f64(seconds)
    }

    /// What happens so many seconds after the start.
    fn at(&mut self, seconds: f64, input: Input) -> &mut Self {
        let now = self.moment(seconds);
        self.commands.clear();
        for command in self.lane.step(now, input) {
            match command {
                Command::Emit(event) => self.events.push(event),
                Command::Journal(entry) => self.entries.push(entry),
                command => self.commands.push(command),
            }
        }
        self
    }

    fn submitted(
        &mut self,
        seconds: f64,
        batch: BatchNumber,
        result: Result<provider::Accepted, ApiError>,
    ) -> &mut Self {
        let sent = self.moment(seconds - 0.1);
        self.at(seconds, Input::Submitted { batch, sent, result })
    }

    /// The batches that leave now.
    fn leaving(&self) -> Vec<BatchNumber> {
        let batch = |command: &Command| match command {
            Command::Submit { batch, .. } => Some(batch.number),
            _ => None,
        };
        self.commands.iter().filter_map(batch).collect()
    }

    /// The URLs whose records are queried now, by their tasks.
    fn queried(&self) -> Vec<TaskIndex> {
        let task = |command: &Command| match command {
            Command::AskRecords { task, .. } => Some(*task),
            _ => None,
        };
        self.commands.iter().filter_map(task).collect()
    }

    fn records(&mut self, seconds: f64, batch: BatchNumber, task: TaskIndex, rows: Vec<Record>) -> &mut Self {
        let result = Ok(Page { total: rows.len(), rows });
        self.at(seconds, Input::Records { batch, task, accepted: always(), result })
    }

    fn status(&mut self, seconds: f64, rows: Vec<Record>) -> &mut Self {
        let place = self.commands.iter().position(|command| matches!(command, Command::AskStatus(_)));
        let Command::AskStatus(query) = self.commands.remove(place.expect("a status query")) else { unreachable!() };
        self.at(seconds, Input::Status { query, result: Ok(Page { total: rows.len(), rows }) })
    }

    fn state(&self, batch: BatchNumber) -> &'static str {
        match self.lane.batches.get(batch).map(|batch| &batch.state) {
            Some(BatchState::Queued { .. }) => "queued",
            Some(BatchState::InFlight) => "in flight",
            Some(BatchState::Uncertain(_)) => "uncertain",
            Some(BatchState::Accepted(_)) => "accepted",
            Some(BatchState::Closed) | None => "closed",
        }
    }

    /// How tasks ended, in the order in which they did.
    fn outcomes(&self) -> Vec<(TaskIndex, &'static str)> {
        let outcome = |event: &EventKind| match event {
            EventKind::TaskFinished { task, outcome, .. } => Some((*task, outcome.name())),
            _ => None,
        };
        self.events.iter().filter_map(outcome).collect()
    }

    fn not_taken(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry, Entry::NotTaken { .. })).count()
    }
}

/// Any time.
fn always() -> RangeInclusive<Timestamp> {
    Timestamp::UNIX_EPOCH..=Timestamp::MAX
}

fn error(kind: ApiErrorKind) -> ApiError {
    let server_time = Some(Timestamp::UNIX_EPOCH);
    ApiError { server_time, ..ApiError::new(kind, "Do", "it was made to fail") }
}

fn tracked(id: &str) -> Result<provider::Accepted, ApiError> {
    Ok(provider::Accepted::Tracked { task_ids: vec![id.into()], request_id: None })
}

fn partly(refused: &[usize], rest: Option<&str>) -> Result<provider::Accepted, ApiError> {
    let rest = rest.map(|id| Box::new(tracked(id).unwrap()));
    let refused = refused.iter().map(|&place| (place, "not of this zone".to_owned())).collect();
    Ok(provider::Accepted::Partly { rest, refused })
}

#[test]
fn what_the_provider_refuses_of_a_batch_has_failed_and_the_rest_is_followed() {
    let mut scene = Scene::of(&TRACKED, 2);
    scene.submitted(0.1, 1, partly(&[1], Some("a")));
    assert_eq!((scene.outcomes(), scene.state(1)), (vec![(1, "failed")], "accepted"));
    // Whoever replays the journal meets the failure before the ids, and takes the failed task for nothing else.
    let entries: Vec<&str> = scene
        .entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Ended { .. } => Some("ended"),
            Entry::Taken { .. } => Some("taken"),
            _ => None,
        })
        .collect();
    assert_eq!(entries, ["ended", "taken"]);
    while !scene.commands.iter().any(|command| matches!(command, Command::AskStatus(_))) {
        let next = scene.commands.iter().find_map(|command| match command {
            Command::Wake(at) => Some(*at),
            _ => None,
        });
        let seconds = (next.unwrap() - scene.moment(0.0)).as_secs_f64();
        scene.at(seconds, Input::Tick);
    }
    scene.status(600.0, vec![row(0, "a", TaskState::Complete), row(1, "a", TaskState::Complete)]);
    assert_eq!(scene.outcomes(), [(1, "failed"), (0, "done")]);
}

#[test]
fn a_batch_that_is_refused_subject_by_subject_is_closed() {
    let mut scene = Scene::of(&TRACKED, 2);
    scene.submitted(0.1, 1, partly(&[0, 1], None));
    assert_eq!((scene.outcomes(), scene.state(1)), (vec![(0, "failed"), (1, "failed")], "closed"));
    assert_eq!(scene.not_taken(), 0);
}

#[test]
fn what_a_provider_neither_refuses_nor_accepts_of_a_batch_is_unknown() {
    let mut scene = Scene::of(&TRACKED, 2);
    scene.submitted(0.1, 1, partly(&[0], None));
    assert_eq!((scene.outcomes(), scene.state(1)), (vec![(0, "failed"), (1, "unknown")], "closed"));
    assert_eq!((scene.lane.open(), scene.not_taken()), (0, 0));
}

fn row(number: usize, id: &str, state: TaskState) -> Record {
    Record {
        task_id: id.into(),
        url: url(number),
        prefetch: false,
        kind: String::new(),
        state,
        status: String::new(),
        percent: None,
        created: None,
    }
}

#[test]
fn queued_batches_leave_and_what_is_accepted_ends_as_its_rows_say() {
    let mut scene = Scene::of(&TRACKED, 3);
    assert_eq!((scene.leaving(), scene.state(1), scene.state(2)), (vec![1, 2], "in flight", "in flight"));
    scene.submitted(0.1, 1, tracked("a")).submitted(0.1, 2, tracked("b"));
    assert_eq!((scene.state(1), scene.state(2)), ("accepted", "accepted"));
    let failed = TaskState::Failed("origin".into());
    while !scene.commands.iter().any(|command| matches!(command, Command::AskStatus(_))) {
        let Some(Command::Wake(at)) = scene.commands.last() else { panic!("no wake") };
        let seconds = (*at - scene.start).as_secs_f64();
        scene.at(seconds, Input::Tick);
    }
    let rows = vec![row(0, "a", TaskState::Complete), row(1, "a", failed), row(2, "b", TaskState::Complete)];
    scene.status(600.0, rows);
    assert_eq!(scene.outcomes(), [(0, "done"), (1, "failed"), (2, "done")]);
    assert_eq!((scene.state(1), scene.state(2), scene.lane.open()), ("closed", "closed", 0));
    assert!(scene.commands.is_empty(), "nothing is left to do: {:?}", scene.commands);
}

#[test]
fn what_times_out_after_its_acceptance_is_unknown() {
    let mut scene = Scene::of(&TRACKED, 1);
    scene.submitted(0.1, 1, tracked("a")).at(900.2, Input::Tick);
    assert_eq!((scene.outcomes(), scene.state(1)), (vec![(0, "unknown")], "closed"));
}

#[test]
fn what_is_accepted_as_done_closes_at_once() {
    let mut scene = Scene::of(&TRACKED, 2);
    scene.submitted(0.1, 1, Ok(provider::Accepted::Done { request_id: None }));
    assert_eq!((scene.outcomes(), scene.state(1)), (vec![(0, "done"), (1, "done")], "closed"));
}

#[test]
fn a_batch_that_certainly_was_not_executed_is_queued_again() {
    for (kind, is_later) in [
        (ApiErrorKind::Throttled, true),
        (ApiErrorKind::Unsent, true),
        (ApiErrorKind::Clock, false),
        (ApiErrorKind::Expired, false),
    ] {
        let mut scene = Scene::of(&TRACKED, 1);
        scene.submitted(0.1, 1, Err(error(kind)));
        let state = if is_later { "queued" } else { "in flight" };
        assert_eq!((scene.state(1), scene.not_taken()), (state, 1), "{kind:?}");
        scene.at(120.0, Input::Tick);
        assert_eq!(scene.state(1), "in flight", "{kind:?}");
    }
    let mut scene = Scene::of(&TRACKED, 1);
    scene.at(0.1, Input::NotSent { batch: 1, error: None });
    assert_eq!((scene.leaving(), scene.not_taken()), (vec![1], 0), "it never left");
}

#[test]
fn a_refused_batch_is_cut_in_two_and_a_url_that_is_refused_alone_has_failed() {
    let mut scene = Scene::of(&TRACKED, 2);
    scene.submitted(0.1, 1, Err(error(ApiErrorKind::Refused)));
    assert_eq!((scene.state(1), scene.leaving()), ("closed", vec![3, 2]));
    scene.submitted(0.2, 3, Err(error(ApiErrorKind::Refused))).submitted(0.2, 2, tracked("a"));
    assert_eq!((scene.outcomes(), scene.state(2)), (vec![(0, "failed")], "accepted"));
}

#[test]
fn a_later_page_that_is_throttled_is_queried_again_three_times_and_then_the_first_one() {
    let mut scene = Scene::of(&PAGED, 2);
    scene.submitted(0.1, 1, tracked("a"));
    let is_query = |command: &Command| matches!(command, Command::AskStatus(_));
    let (mut seconds, mut pages) = (100.0, Vec::new());
    while pages.len() < 6 {
        if !scene.commands.iter().any(is_query) {
            scene.at(seconds, Input::Tick);
        }
        let place = scene.commands.iter().position(is_query);
        let Command::AskStatus(query) = scene.commands.remove(place.expect("a query")) else { unreachable!() };
        pages.push(query.page);
        let throttled = ApiError { retry_after: Some(Duration::from_secs(20)), ..error(ApiErrorKind::Throttled) };
        let first = Ok(Page { total: 2, rows: vec![row(0, "a", TaskState::Running)] });
        let result = if query.page == 1 { first } else { Err(throttled) };
        scene.at(seconds + 0.1, Input::Status { query, result });
        seconds += 100.0;
    }
    assert_eq!(pages, [1, 2, 2, 2, 2, 1]);
}

#[test]
fn twenty_urls_refused_alone_stop_the_others_unless_the_provider_accepted_one_in_an_earlier_run() {
    let open = ResumedBatch {
        content: plan::Batch { number: 1, operation: URL, mode: PurgeMode::Default, tasks: vec![0] },
        attempts: 1,
        sent: SentAt::Earlier { at: Timestamp::UNIX_EPOCH, is_providers: true, age: Duration::from_secs(60) },
        task_ids: vec!["z".into()],
    };
    for (resume, refused) in [
        (Resume::default(), 20),
        (Resume { done: vec![(0, Some("z".into()), None)], last_batch: 1, ..Resume::default() }, 59),
        (Resume { open: vec![open], last_batch: 1, ..Resume::default() }, 59),
    ] {
        let mut scene = Scene::unstarted(&TRACKED, (0..60).map(|number| (URL, number)));
        scene.at(0.0, Input::Start(Preflight { credentials_proven: true, resume, ..Preflight::default() }));
        let mut leaving = scene.leaving();
        while let Some(batch) = leaving.pop() {
            leaving.extend(scene.submitted(0.1, batch, Err(error(ApiErrorKind::Refused))).leaving());
        }
        let failed = scene.outcomes().iter().filter(|(_, outcome)| *outcome == "failed").count();
        assert_eq!(failed, refused);
    }
}

#[test]
fn what_is_stopped_while_it_waits_or_is_in_flight_is_unsubmitted() {
    for kind in [ApiErrorKind::QuotaSpent, ApiErrorKind::Credentials, ApiErrorKind::Forbidden, ApiErrorKind::Denied] {
        let mut scene = Scene::of(&TRACKED, 40);
        assert_eq!((scene.state(16), scene.state(17)), ("in flight", "queued"));
        scene.submitted(0.1, 1, Err(error(kind)));
        assert_eq!((scene.state(1), scene.state(17)), ("closed", "closed"), "{kind:?}");
        scene.at(0.2, Input::NotSent { batch: 2, error: None });
        assert_eq!(scene.state(2), "closed");
        assert!(scene.outcomes().iter().all(|(_, outcome)| *outcome == "unsubmitted"));
        assert_eq!(
            scene.outcomes().len(),
            12,
            "{kind:?}: ten that waited in the queue, and one in flight that never left"
        );
    }
}

#[test]
fn a_signal_stops_the_queue_and_leaves_what_is_in_flight_a_little_time() {
    let mut scene = Scene::of(&TRACKED, 40);
    scene.at(1.0, Input::Signal(Signal::Interrupt));
    assert_eq!((scene.state(1), scene.state(17)), ("in flight", "closed"));
    scene.submitted(2.0, 1, tracked("a"));
    assert_eq!((scene.state(1), scene.leaving()), ("accepted", vec![]));
    scene.submitted(2.0, 2, Err(error(ApiErrorKind::Ambiguous)));
    assert_eq!(scene.state(2), "closed", "the records aren't queried any more");
    scene.at(4.0, Input::Tick);
    assert_eq!(scene.lane.open(), 0);
    assert_eq!(scene.outcomes().iter().filter(|(_, outcome)| *outcome == "unknown").count(), 32);
}

#[test]
fn a_lost_answer_is_looked_up_in_the_records_and_found() {
    let mut scene = Scene::of(&TRACKED, 2);
    scene.submitted(15.1, 1, Err(error(ApiErrorKind::Ambiguous)));
    assert_eq!((scene.state(1), scene.queried()), ("uncertain", vec![]));
    scene.at(16.0, Input::Tick);
    assert_eq!(scene.queried(), [0]);
    scene.records(16.1, 1, 0, vec![row(0, "a", TaskState::Running)]);
    assert_eq!((scene.state(1), scene.not_taken()), ("accepted", 0));
}

#[test]
fn records_prove_an_absence_only_long_after_we_gave_up_on_the_answer() {
    let mut scene = Scene::of(&TRACKED, 2);
    let sent = scene.moment(0.0);
    scene.at(15.0, Input::Submitted { batch: 1, sent, result: Err(error(ApiErrorKind::Server)) });
    assert_eq!(scene.queried(), [0]);
    scene.records(15.1, 1, 0, vec![]);
    assert_eq!(scene.state(1), "uncertain");
    scene.at(44.0, Input::Tick);
    assert_eq!((scene.state(1), scene.queried()), ("uncertain", vec![]), "30 s after it left prove nothing");
    scene.at(45.0, Input::Tick);
    assert_eq!(scene.queried(), [1], "another URL of the batch");
    scene.records(45.1, 1, 1, vec![]);
    assert_eq!(
        (scene.state(1), scene.queried()),
        ("uncertain", vec![0]),
        "a row for all of its task names the first URL"
    );
    scene.records(45.2, 1, 0, vec![]);
    assert_eq!((scene.state(1), scene.leaving(), scene.not_taken()), ("in flight", vec![1], 1));
}

#[test]
fn of_a_lost_batch_that_may_be_accepted_in_part_every_url_is_looked_up_before_it_is_sent_again() {
    for accepted in [None, Some(2)] {
        let mut scene = Scene::of(&IN_PARTS, 3);
        scene.submitted(15.1, 1, Err(error(ApiErrorKind::Ambiguous))).at(50.0, Input::Tick);
        for task in 0..3 {
            assert_eq!((scene.state(1), scene.queried()), ("uncertain", vec![task]));
            let rows = accepted.filter(|only| *only == task).map(|_| row(task as usize, "a", TaskState::Running));
            scene.records(50.1 + f64::from(task), 1, task, rows.into_iter().collect());
        }
        let state = if accepted.is_some() { ("accepted", 0) } else { ("in flight", 1) };
        assert_eq!((scene.state(1), scene.not_taken()), state);
    }
}

#[test]
fn what_the_records_do_not_show_of_a_batch_that_was_accepted_in_part_is_sent_apart() {
    for is_readable in [true, false] {
        let mut scene = Scene::of(&IN_PARTS, 2);
        scene.submitted(15.1, 1, Err(error(ApiErrorKind::Ambiguous))).at(50.0, Input::Tick);
        scene.records(50.1, 1, 0, vec![]).records(50.2, 1, 1, vec![row(1, "a", TaskState::Running)]);
        while !scene.commands.iter().any(|command| matches!(command, Command::AskStatus(_))) {
            let next = scene.commands.iter().find_map(|command| match command {
                Command::Wake(at) => Some(*at),
                _ => None,
            });
            let seconds = (next.unwrap() - scene.moment(0.0)).as_secs_f64();
            scene.at(seconds, Input::Tick);
        }
        scene.status(600.0, vec![row(1, "a", TaskState::Complete)]);
        assert_eq!(scene.queried(), [0]);
        if is_readable {
            scene.records(600.1, 1, 0, vec![]);
            assert_eq!((scene.outcomes(), scene.state(1), scene.leaving()), (vec![(1, "done")], "closed", vec![2]));
            scene.submitted(601.0, 2, partly(&[0], None));
            assert_eq!(scene.outcomes(), [(1, "done"), (0, "failed")]);
        } else {
            let result = Err(error(ApiErrorKind::Forbidden));
            scene.at(600.1, Input::Records { batch: 1, task: 0, accepted: always(), result });
            assert_eq!(scene.outcomes(), [(1, "done"), (0, "unknown")], "what can't be read shows no absence");
        }
    }
}

#[test]
fn a_record_of_the_same_url_from_another_time_is_no_trace() {
    let mut scene = Scene::of(&TRACKED, 2);
    scene.submitted(1.0, 1, Err(error(ApiErrorKind::Server))).at(2.0, Input::Tick);
    let created = Some(Timestamp::from_second(99).unwrap());
    let older = Record { created, ..row(0, "a", TaskState::Complete) };
    let newer = Record { created: Some(Timestamp::from_second(201).unwrap()), ..older.clone() };
    let [first, last] = [100, 200].map(|second| Timestamp::from_second(second).unwrap());
    let page = Page { total: 2, rows: vec![older, newer] };
    scene.at(2.1, Input::Records { batch: 1, task: 0, accepted: first..=last, result: Ok(page) });
    assert_eq!(scene.state(1), "uncertain");
}

#[test]
fn a_record_of_an_earlier_submission_is_no_trace_and_another_of_its_task_id_is() {
    let mut scene = Scene::unstarted(&TRACKED, (0..2).map(|number| (URL, number)));
    let mut earlier = TaskIds::default();
    earlier.add("a", [0]);
    let resume = Resume { earlier, ..Resume::default() };
    scene.at(0.0, Input::Start(Preflight { credentials_proven: true, resume, ..Preflight::default() }));
    scene.submitted(1.0, 1, Err(error(ApiErrorKind::Server))).at(2.0, Input::Tick);
    scene.records(2.1, 1, 0, vec![row(0, "a", TaskState::Complete)]);
    assert_eq!(scene.state(1), "uncertain");
    scene.at(40.0, Input::Tick).records(40.1, 1, 1, vec![row(1, "a", TaskState::Complete)]);
    assert_eq!(scene.state(1), "accepted");
}

#[test]
fn a_refusal_that_is_not_documented_splits_the_batch_once_the_records_show_nothing() {
    let mut scene = Scene::of(&TRACKED, 2);
    let novel = error(ApiErrorKind::Undocumented);
    scene.submitted(1.0, 1, Err(novel.clone())).at(2.0, Input::Tick).records(2.1, 1, 0, vec![]);
    assert_eq!(scene.state(1), "uncertain");
    scene.at(31.0, Input::Tick).records(31.1, 1, 1, vec![]).records(31.2, 1, 0, vec![]);
    assert_eq!((scene.state(1), scene.leaving()), ("closed", vec![3, 2]));
    scene.submitted(32.0, 3, Err(novel)).at(33.0, Input::Tick).records(33.1, 3, 0, vec![]);
    scene.at(62.0, Input::Tick).records(62.1, 3, 0, vec![]);
    assert_eq!((scene.outcomes(), scene.state(3)), (vec![(0, "failed")], "closed"));
}

#[test]
fn what_nobody_can_tell_is_unknown_and_not_sent_again() {
    let mut scene = Scene::of(&UNRECORDED, 2);
    scene.submitted(1.0, 1, Err(error(ApiErrorKind::Ambiguous)));
    assert_eq!((scene.outcomes(), scene.state(1)), (vec![(0, "unknown"), (1, "unknown")], "closed"));
    let mut scene = Scene::of(&TRACKED, 2);
    scene.submitted(1.0, 1, Err(error(ApiErrorKind::Ambiguous))).at(2.0, Input::Tick);
    let result = Err(error(ApiErrorKind::Forbidden));
    scene.at(2.1, Input::Records { batch: 1, task: 0, accepted: always(), result });
    assert_eq!((scene.outcomes(), scene.state(1)), (vec![(0, "unknown"), (1, "unknown")], "closed"));
}

#[test]
fn a_lost_answer_is_sent_again_where_that_is_harmless_and_what_may_have_been_executed_is_never_unsubmitted() {
    let lost = || Err(error(ApiErrorKind::Ambiguous));
    let mut scene = Scene::of(&RESENDING, 2);
    scene.submitted(1.0, 1, lost());
    assert_eq!((scene.state(1), scene.not_taken()), ("queued", 0));
    scene.at(10.0, Input::Tick);
    assert_eq!(scene.leaving(), [1]);
    scene.submitted(11.0, 1, Ok(provider::Accepted::Done { request_id: None }));
    assert_eq!(scene.outcomes(), [(0, "done"), (1, "done")]);
    let mut scene = Scene::of(&RESENDING, 2);
    scene.submitted(1.0, 1, lost()).at(1.1, Input::Signal(Signal::Terminate));
    assert_eq!((scene.outcomes(), scene.state(1)), (vec![(0, "unknown"), (1, "unknown")], "closed"));
    let mut scene = Scene::of(&RESENDING, 1);
    let mut seconds = 0.0;
    while scene.state(1) != "closed" {
        assert!(seconds < 1_000.0, "it doesn't end");
        scene.submitted(seconds + 1.0, 1, lost()).at(seconds + 60.0, Input::Tick);
        seconds += 60.0;
    }
    assert_eq!(scene.outcomes(), [(0, "unknown")]);
}

#[test]
fn a_batch_is_resent_at_most_eight_times() {
    let mut scene = Scene::of(&TRACKED, 1);
    let mut seconds = 0.0;
    while scene.state(1) != "closed" {
        assert!(seconds < 400.0, "it doesn't end");
        scene.submitted(seconds + 1.0, 1, Err(error(ApiErrorKind::Server))).at(seconds + 2.0, Input::Tick);
        scene.records(seconds + 2.1, 1, 0, vec![]).at(seconds + 31.5, Input::Tick);
        scene.records(seconds + 31.6, 1, 0, vec![]);
        seconds += 32.0;
    }
    assert_eq!((scene.outcomes(), scene.not_taken()), (vec![(0, "unsubmitted")], 9));
}

#[test]
fn an_undocumented_refusal_is_resent_once_and_then_cut_in_two_where_a_resend_is_harmless() {
    let mut scene = Scene::of(&RESENDING, 2);
    let refused = || Err(error(ApiErrorKind::Undocumented));
    scene.submitted(1.0, 1, refused());
    assert_eq!((scene.leaving(), scene.state(1)), (vec![3, 2], "closed"), "its halves");
    scene.submitted(1.1, 2, Ok(provider::Accepted::Done { request_id: None }));
    scene.submitted(1.2, 3, refused());
    assert_eq!((scene.state(3), scene.outcomes().len()), ("queued", 1));
    scene.at(10.0, Input::Tick);
    assert_eq!(scene.leaving(), [3], "it may have been a moment's trouble");
    scene.submitted(10.1, 3, refused());
    assert_eq!(scene.outcomes().iter().map(|(_, outcome)| *outcome).collect::<Vec<_>>(), ["done", "failed"]);
}

#[test]
fn a_half_of_a_batch_with_an_undocumented_refusal_may_have_been_executed() {
    let mut scene = Scene::of(&RESENDING, 2);
    scene.submitted(1.0, 1, Err(error(ApiErrorKind::Undocumented)));
    scene.at(1.1, Input::JournalBroken);
    scene.at(1.2, Input::NotSent { batch: 2, error: None }).at(1.2, Input::NotSent { batch: 3, error: None });
    assert_eq!(scene.outcomes().iter().map(|(_, outcome)| *outcome).collect::<Vec<_>>(), ["unknown", "unknown"]);
}

#[test]
fn what_an_earlier_run_left_is_followed_or_looked_up() {
    let mut scene = Scene::unstarted(&TRACKED, (0..5).map(|number| (URL, number)));
    let sent = SentAt::Earlier { at: Timestamp::UNIX_EPOCH, is_providers: true, age: Duration::from_secs(60) };
    let batch = |number, tasks: &[TaskIndex], ids: &[&str]| ResumedBatch {
        content: plan::Batch { number, operation: URL, mode: PurgeMode::Default, tasks: tasks.to_vec() },
        attempts: 1,
        sent,
        task_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
    };
    let open = vec![batch(3, &[1], &["a"]), batch(7, &[2], &[])];
    let resume = Resume { done: vec![(0, Some("z".into()), None)], open, last_batch: 7, ..Resume::default() };
    scene.at(0.0, Input::Start(Preflight { credentials_proven: true, resume, ..Preflight::default() }));
    assert_eq!((scene.outcomes(), scene.state(3), scene.state(7)), (vec![(0, "done")], "accepted", "uncertain"));
    assert_eq!(scene.leaving(), [8], "the two others, under a new number");
}

#[test]
fn what_an_earlier_run_sent_is_polled_at_once_if_it_has_had_its_time_and_when_it_has_otherwise() {
    for (age, polled) in [(600, 0.0), (2, 28.0)] {
        let mut scene = Scene::unstarted(&SLOW, [(URL, 0)].into_iter());
        let open = vec![ResumedBatch {
            content: plan::Batch { number: 1, operation: URL, mode: PurgeMode::Default, tasks: vec![0] },
            attempts: 1,
            sent: SentAt::Earlier { at: Timestamp::UNIX_EPOCH, is_providers: true, age: Duration::from_secs(age) },
            task_ids: vec!["a".into()],
        }];
        let resume = Resume { open, last_batch: 1, ..Resume::default() };
        scene.at(0.0, Input::Start(Preflight { credentials_proven: true, resume, ..Preflight::default() }));
        let is_query = |command: &Command| matches!(command, Command::AskStatus(_));
        if polled > 0.0 {
            assert!(!scene.at(polled - 0.1, Input::Tick).commands.iter().any(is_query), "{age} s");
            scene.at(polled, Input::Tick);
        }
        assert!(scene.commands.iter().any(is_query), "{age} s");
    }
}

#[test]
fn a_prefetch_leaves_once_its_refresh_is_done_and_never_if_it_is_not() {
    for (state, ended, leaving) in [
        (TaskState::Complete, vec![(0, "done")], vec![2]),
        (TaskState::Failed("origin".into()), vec![(0, "failed"), (1, "unsubmitted")], vec![]),
    ] {
        let mut scene = Scene::unstarted(&TRACKED, [(URL, 0), (Operation::Prefetch, 0)].into_iter());
        scene.at(0.0, Input::Start(Preflight { credentials_proven: true, ..Preflight::default() }));
        scene.submitted(0.1, 1, tracked("a"));
        while !scene.commands.iter().any(|command| matches!(command, Command::AskStatus(_))) {
            let Some(Command::Wake(at)) = scene.commands.last() else { panic!("no wake") };
            let seconds = (*at - scene.start).as_secs_f64();
            scene.at(seconds, Input::Tick);
        }
        scene.status(600.0, vec![row(0, "a", state)]);
        if scene.lane.open() > 0 {
            scene.at(601.0, Input::Tick);
        }
        assert_eq!((scene.outcomes(), scene.leaving()), (ended, leaving));
    }
}

#[test]
fn a_prefetch_that_the_quota_leaves_out_is_left_to_the_next_run() {
    for wait in [Wait::All, Wait::Refresh, Wait::None] {
        let mut scene = Scene::unstarted_for(&TRACKED, [(URL, 0), (Operation::Prefetch, 0)].into_iter(), wait);
        let left_out = LeftOut { operations: vec![(Operation::Prefetch, "none is left".into(), vec![1])] };
        scene.at(0.0, Input::Start(Preflight { credentials_proven: true, left_out, ..Preflight::default() }));
        scene.submitted(0.1, 1, Ok(provider::Accepted::Done { request_id: None }));
        assert_eq!(scene.outcomes(), [(1, "unsubmitted"), (0, "done")]);
        let nothing = Summary { complete: false, as_asked: false, all_final: false };
        assert_eq!(scene.lane.summary(), nothing, "{wait:?}");
    }
}

#[test]
fn a_journal_that_breaks_ends_what_is_queued() {
    let mut scene = Scene::of(&TRACKED, 40);
    scene.at(1.0, Input::JournalBroken);
    assert_eq!((scene.state(1), scene.state(17)), ("in flight", "closed"));
}

#[test]
fn records_that_were_queried_before_they_can_prove_an_absence_prove_none_however_late_they_come() {
    let mut scene = Scene::of(&TRACKED, 2);
    scene.submitted(15.0, 1, Err(error(ApiErrorKind::Server))).at(16.0, Input::Tick);
    assert_eq!(scene.queried(), [0]);
    scene.records(46.0, 1, 0, vec![]);
    assert_eq!((scene.state(1), scene.queried(), scene.not_taken()), ("uncertain", vec![1], 0));
    scene.records(46.1, 1, 1, vec![]);
    assert_eq!((scene.state(1), scene.queried(), scene.not_taken()), ("uncertain", vec![0], 0), "the first URL, too");
    scene.records(46.2, 1, 0, vec![]);
    assert_eq!((scene.state(1), scene.not_taken()), ("in flight", 1));
}

#[test]
fn a_clock_that_the_records_refuse_is_corrected() {
    let mut scene = Scene::of(&TRACKED, 2);
    scene.submitted(15.0, 1, Err(error(ApiErrorKind::Server))).at(16.0, Input::Tick);
    let server_time = Some(Timestamp::UNIX_EPOCH);
    let result = Err(ApiError { server_time, ..error(ApiErrorKind::Clock) });
    scene.at(16.1, Input::Records { batch: 1, task: 0, accepted: always(), result });
    assert!(scene.commands.iter().any(|command| matches!(command, Command::CorrectClock(_))));
    assert_eq!(scene.queried(), [1], "at once, by the right clock");
}

#[test]
fn what_a_provider_without_a_status_accepts_under_an_id_is_unknown_at_once() {
    static SPEC: Spec = Spec { tracking: None, operations: &[takes(URL)], ..Spec::BARE };
    let mut scene = Scene::of(&SPEC, 2);
    scene.submitted(1.0, 1, tracked("a"));
    assert_eq!((scene.outcomes(), scene.lane.open()), (vec![(0, "unknown"), (1, "unknown")], 0));
}

#[test]
fn a_part_of_a_batch_that_may_have_been_executed_is_never_unsubmitted() {
    let mut scene = Scene::of(&RESENDING, 2);
    scene.submitted(1.0, 1, Err(error(ApiErrorKind::Ambiguous))).at(10.0, Input::Tick);
    scene.submitted(11.0, 1, Err(error(ApiErrorKind::TooLarge)));
    assert_eq!(scene.leaving(), [3, 2]);
    scene.submitted(12.0, 3, Err(error(ApiErrorKind::QuotaSpent)));
    assert_eq!(scene.outcomes(), [(0, "unknown")]);
    scene.submitted(12.1, 2, Err(error(ApiErrorKind::QuotaSpent)));
    assert_eq!(scene.outcomes(), [(0, "unknown"), (1, "unknown")]);
}

#[test]
fn a_batch_of_an_earlier_run_teaches_nothing_about_how_long_tasks_take() {
    let mut scene = Scene::unstarted(&TRACKED, [(URL, 0)].into_iter());
    let open = vec![ResumedBatch {
        content: plan::Batch { number: 1, operation: URL, mode: PurgeMode::Default, tasks: vec![0] },
        attempts: 1,
        sent: SentAt::Earlier { at: Timestamp::UNIX_EPOCH, is_providers: true, age: Duration::from_secs(300) },
        task_ids: vec!["a".into()],
    }];
    let resume = Resume { open, last_batch: 1, ..Resume::default() };
    scene.at(0.0, Input::Start(Preflight { credentials_proven: true, resume, ..Preflight::default() }));
    scene.status(0.1, vec![row(0, "a", TaskState::Complete)]);
    assert_eq!((scene.outcomes(), scene.lane.durations()), (vec![(0, "done")], Durations::default()));
}
