//! A provider in memory whose lists move, whose totals lie and whose answers get lost: the answer is whole all the same.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use tokio::time::Instant;

use super::client::TIMEOUT;
use super::*;
use crate::client::connection::Connection;
use crate::error::ExitCode;
use crate::model::{Operation, Quota};
use crate::provider::{
    Accepted, Api, ApiError, ApiErrorKind, CallSpec, Domain, Grants, IntervalSpec, LogFile, LogQuestion, LogSpec,
    Measure, MeasureQuestion, MeasureSpec, OperationSpec, Page, Point, Provider, QuerySpec, Record, RecordFilter,
    RecordKind, RecordStatus, Spec, Submission, TaskState,
};

const ROWS: usize = 100;
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

const PAGED: CallSpec = CallSpec { rows_per_page: ROWS, ..CallSpec::BARE };

static SPEC: Spec = Spec {
    tracking: Some(crate::provider::TrackingSpec {
        status: CallSpec { ids_per_call: 3, ..CallSpec::BARE },
        records: Some(crate::provider::RecordsSpec {
            call: PAGED,
            of_task: None,
            kept: crate::provider::days(3),
            span: crate::provider::days(1),
        }),
        prefetches: None,
        whole_batches: false,
    }),
    queries: QuerySpec {
        traffic: Some(MeasureSpec {
            call: CallSpec::BARE,
            name: "",
            domains_per_call: 2,
            intervals: &[
                IntervalSpec::new(Duration::from_secs(300), DAY, Duration::from_secs(90 * 86_400)),
                IntervalSpec::new(HOUR, Duration::from_secs(31 * 86_400), Duration::from_secs(365 * 86_400)),
            ],
        }),
        bandwidth: None,
        logs: Some(LogSpec { call: PAGED, step: HOUR, span: DAY, kept: Duration::from_secs(30 * 86_400) }),
        grants: None,
        domains: Some(PAGED),
    },
    ..Spec::BARE
};

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

fn ago(span: Duration) -> Timestamp {
    now() - SignedDuration::try_from(span).unwrap()
}

/// What happens to a call: nothing, or an error in its place.
type Fault = Box<dyn Fn(usize) -> Option<ApiErrorKind>>;
/// What happens to the list before a page is read, by the number of the call.
type Motion = Box<dyn Fn(usize, &mut Vec<Record>)>;

struct Fake {
    spec: &'static Spec,
    list: RefCell<Vec<Record>>,
    fault: Fault,
    motion: Motion,
    /// What the total says of the real one.
    total: fn(usize) -> usize,
    ignores_pages: bool,
    /// The page from which on nothing comes, although there is more.
    breaks_off: Option<u32>,
    /// The most rows that are given of tasks by their ids, which the total counts.
    most_by_id: usize,
    calls: Cell<usize>,
    windows: RefCell<Vec<String>>,
    corrected: Cell<bool>,
}

fn row(number: usize, age: Duration) -> Record {
    Record {
        task_id: format!("{}", number / 10),
        url: format!("https://a.test/{number}"),
        prefetch: number.is_multiple_of(2),
        kind: "file".into(),
        state: TaskState::Complete,
        status: "Complete".into(),
        percent: Some(100.0),
        created: Some(Timestamp::from_second(ago(age).as_second()).unwrap()),
    }
}

/// Rows over three days, the newest first.
fn fake(count: usize) -> Fake {
    let age = |number: usize| Duration::from_millis(3 * 86_400_000 * number as u64 / count.max(1) as u64 + 5_000);
    let list = (0..count).map(|number| row(number, age(number).min(DAY * 3 - Duration::from_secs(5)))).collect();
    Fake {
        spec: &SPEC,
        list: RefCell::new(list),
        fault: Box::new(|_| None),
        motion: Box::new(|_, _| {}),
        total: |total| total,
        ignores_pages: false,
        breaks_off: None,
        most_by_id: usize::MAX,
        calls: Cell::new(0),
        windows: RefCell::default(),
        corrected: Cell::new(false),
    }
}

impl Fake {
    fn call(&self, api: &'static str) -> Result<usize, ApiError> {
        let number = self.calls.get();
        self.calls.set(number + 1);
        match (self.fault)(number) {
            Some(kind) => Err(ApiError { server_time: Some(now()), ..ApiError::new(kind, api, "it was made to fail") }),
            None => Ok(number),
        }
    }
}

#[async_trait(?Send)]
impl Provider for &Fake {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    async fn submit(&self, _: Submission<'_>, _: &dyn Api) -> Result<Accepted, ApiError> {
        unreachable!("a question changes nothing")
    }

    async fn status(&self, ids: &[String], _: u32, _: &dyn Api) -> Result<Page, ApiError> {
        let number = self.call("Ask")?;
        assert!(ids.len() <= 3);
        (self.motion)(number, &mut self.list.borrow_mut());
        let list = self.list.borrow();
        let found: Vec<&Record> = list.iter().filter(|row| ids.contains(&row.task_id)).collect();
        let rows = found.iter().take(self.most_by_id).map(|row| (*row).clone()).collect();
        Ok(Page { total: found.len(), rows })
    }

    async fn records(&self, filter: &RecordFilter, page: u32, _: &dyn Api) -> Result<Page, ApiError> {
        let number = self.call("Ask")?;
        (self.motion)(number, &mut self.list.borrow_mut());
        let (since, until) = (filter.since.unwrap_or(Timestamp::MIN), filter.until.unwrap_or(Timestamp::MAX));
        assert!(filter.task_id.is_some() || until.duration_since(since) <= SignedDuration::from_hours(24));
        let list = self.list.borrow();
        let status = |row: &&Record| filter.status != Some(RecordStatus::Running) || row.state == TaskState::Running;
        let id = |row: &&Record| filter.task_id.as_ref().is_none_or(|id| row.task_id == *id);
        let found: Vec<&Record> = list
            .iter()
            // A second more, as a provider that rounds to whole seconds gives.
            .filter(|row| row.created.is_none_or(|at| since <= at && at <= until))
            .filter(status)
            .filter(id)
            .collect();
        let first = if self.ignores_pages { 0 } else { (page as usize - 1) * ROWS };
        let most = if self.breaks_off.is_some_and(|from| page >= from) { 0 } else { ROWS };
        let rows = found.iter().skip(first).take(most).map(|row| (*row).clone()).collect();
        Ok(Page { rows, total: (self.total)(found.len()) })
    }

    async fn quota(&self, _: &dyn Api) -> Result<Quota, ApiError> {
        self.call("Ask")?;
        Ok(Quota::default())
    }

    async fn measure(&self, question: &MeasureQuestion, _: &dyn Api) -> Result<Vec<Point>, ApiError> {
        self.call("Ask")?;
        assert!(question.domains.len() <= 2);
        self.windows.borrow_mut().push(format!("{} {}", question.since, question.until));
        let step = SignedDuration::try_from(question.interval).unwrap();
        let mut points = Vec::new();
        let mut at = question.since;
        // The end is reported too, as some do.
        while at <= question.until {
            points.push(Point { at, domain: None, value: question.domains.len().max(1) as f64 });
            at += step;
        }
        Ok(points)
    }

    async fn logs(&self, question: &LogQuestion, page: u32, _: &dyn Api) -> Result<Page<LogFile>, ApiError> {
        self.call("Ask")?;
        let hours = question.until.duration_since(question.since).as_hours();
        let file = |hour: i64| {
            let since = question.since + SignedDuration::from_hours(hour);
            LogFile {
                domain: question.domain.clone(),
                name: format!("{since}.gz"),
                url: "https://logs.test/x".into(),
                bytes: 1,
                since: Some(since),
                until: None,
            }
        };
        let rows = if page == 1 { (0..=hours).map(file).collect() } else { Vec::new() };
        Ok(Page { total: rows.len(), rows })
    }

    async fn grants(&self, offer: &CallSpec, _: &dyn Api) -> Result<Grants, ApiError> {
        self.call(offer.api).map(|_| Grants::default())
    }

    async fn domains(&self, _: &CallSpec, page: u32, _: &dyn Api) -> Result<Page<Domain>, ApiError> {
        self.call("Ask")?;
        let domain = |n: u32| Domain {
            name: format!("{n}.test"),
            status: String::new(),
            service: String::new(),
            cname: None,
            is_zone: false,
        };
        let first = (page - 1) * 100;
        Ok(Page { rows: (first..250.min(first + 100)).map(domain).collect(), total: 250 })
    }
}

struct Out<'a>(&'a Fake);

#[async_trait(?Send)]
impl Api for Out<'_> {
    async fn call(&self, _: ::http::Request<Bytes>) -> Result<::http::Response<Bytes>, ApiError> {
        unreachable!("the provider is in memory")
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn nonce(&self) -> String {
        String::new()
    }

    fn correct_clock(&self, _: Timestamp) {
        self.0.corrected.set(true);
    }
}

fn connection(fake: &Fake) -> Connection<'_> {
    Connection {
        target: "site".into(),
        account: "fake".into(),
        provider: Box::new(fake),
        api: Rc::new(Out(fake)),
        refresh: None,
        edge: Rc::new(crate::provider::simulation::SimulatedEdge(Duration::ZERO)),
    }
}

/// QuerySpec, and returns the answer and the messages.
macro_rules! ask {
    ($fake:expr, |$client:ident| $question:expr) => {{
        let said = RefCell::new(Vec::<String>::new());
        let tell = |text: &str| said.borrow_mut().push(text.to_owned());
        let fake: &Fake = &$fake;
        let connection = connection(fake);
        let $client = &QueryClient::new(&connection, 7, &tell);
        let answer = $question.await;
        (answer, said.take())
    }};
}

async fn all(fake: &Fake, filter: &RecordFilter, most: Option<usize>) -> (Vec<Record>, Vec<String>) {
    let mut rows = Vec::new();
    let (count, said) = ask!(*fake, |client| records(client, filter, most, &mut |row| rows.push(row)));
    assert_eq!(count.unwrap(), rows.len());
    (rows, said)
}

fn numbers(rows: &[Record]) -> Vec<usize> {
    rows.iter().map(|row| row.url["https://a.test/".len()..].parse().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_list_of_31548_rows_is_read_to_its_end_newest_first_and_each_once() {
    let fake = fake(31_548);
    let (rows, said) = all(&fake, &RecordFilter::default(), None).await;
    assert_eq!(numbers(&rows), (0..31_548).collect::<Vec<_>>());
    assert!(said.is_empty(), "{said:?}");
    // One pass: no more calls than pages, and one more for the end of each of three ranges.
    assert!(fake.calls.get() <= 316 + 6, "{}", fake.calls.get());
}

#[tokio::test(start_paused = true)]
async fn a_total_that_lies_is_only_a_hint() {
    let lies: [fn(usize) -> usize; 4] = [|_| 0, |_| 1, |total| total * 7, |_| usize::MAX];
    for total in lies {
        let fake = Fake { total, ..fake(750) };
        let (rows, _) = all(&fake, &RecordFilter::default(), None).await;
        assert_eq!(numbers(&rows), (0..750).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_come_while_the_list_is_read_push_none_out_and_double_none() {
    let fake = Fake {
        motion: Box::new(|call, list| {
            if call < 4 {
                (0..7).for_each(|n| list.insert(0, row(10_000 + call * 10 + n, Duration::from_secs(1))));
            }
        }),
        ..fake(900)
    };
    let (rows, said) = all(&fake, &RecordFilter::default(), None).await;
    let mut found = numbers(&rows);
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), rows.len(), "none is there twice");
    assert!((0..900).all(|number| found.binary_search(&number).is_ok()), "none is missing");
    assert!(said.is_empty(), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn rows_that_leave_while_the_list_is_read_make_none_of_the_others_missing() {
    let running = |mut row: Record| {
        row.state = TaskState::Running;
        row
    };
    let mut fake = fake(0);
    fake.list = RefCell::new((0..450).map(|number| running(row(number, HOUR))).collect());
    fake.motion = Box::new(|call, list| {
        if call == 1 || call == 3 {
            list.drain(0..20);
        }
    });
    let filter =
        RecordFilter { status: Some(RecordStatus::Running), since: Some(ago(HOUR * 2)), ..RecordFilter::default() };
    let (rows, _) = all(&fake, &filter, None).await;
    let found = numbers(&rows);
    assert!((40..450).all(|number| found.contains(&number)), "what stayed is there");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_gives_the_same_page_for_ever_is_taken_for_finished_aloud() {
    let fake = Fake { ignores_pages: true, ..fake(2_000) };
    let filter = RecordFilter { since: Some(ago(HOUR * 23)), ..RecordFilter::default() };
    let (rows, said) = all(&fake, &filter, None).await;
    assert!(!rows.is_empty() && fake.calls.get() < 20, "{}", fake.calls.get());
    assert!(said.iter().any(|text| text.contains("repeats earlier pages")), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_breaks_off_before_its_total_is_told_aloud() {
    for from in [1, 3] {
        let fake = Fake { breaks_off: Some(from), ..fake(2_000) };
        let filter = RecordFilter { since: Some(ago(HOUR * 23)), ..RecordFilter::default() };
        let (rows, said) = all(&fake, &filter, None).await;
        assert_eq!(rows.len(), ROWS * (from as usize - 1));
        assert!(said.iter().any(|text| text.contains("reports more rows than it returns")), "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_kept_and_reads_no_more_pages_than_it_needs() {
    let fake = fake(5_000);
    let (rows, _) = all(&fake, &RecordFilter::default(), Some(150)).await;
    assert_eq!(numbers(&rows), (0..150).collect::<Vec<_>>());
    assert_eq!(fake.calls.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn filters_hold_where_the_provider_does_not_keep_them() {
    let fake = fake(300);
    let filter = RecordFilter { kind: Some(RecordKind::Prefetch), ..RecordFilter::default() };
    let (rows, _) = all(&fake, &filter, Some(40)).await;
    assert_eq!(rows.len(), 40);
    assert!(rows.iter().all(|row| row.prefetch));
    let filter = RecordFilter { kind: Some(RecordKind::Directory), ..RecordFilter::default() };
    assert_eq!(all(&fake, &filter, None).await.0.len(), 0);
    for (domain, expected) in [("A.test", 300), ("test", 0), ("b.test", 0)] {
        let filter = RecordFilter { domain: Some(domain.into()), ..RecordFilter::default() };
        assert_eq!(all(&fake, &filter, None).await.0.len(), expected, "{domain}");
    }
    let filter = RecordFilter { task_id: Some("3".into()), ..RecordFilter::default() };
    assert_eq!(numbers(&all(&fake, &filter, None).await.0), (30..40).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_the_provider_will_not_take_is_kept_here() {
    let refuses = || Fake { fault: Box::new(|call| (call == 0).then_some(ApiErrorKind::Denied)), ..fake(60) };
    let filter = RecordFilter { status: Some(RecordStatus::Complete), ..RecordFilter::default() };
    assert_eq!(all(&refuses(), &filter, None).await.0.len(), 60);
    // Where there is no other way to ask, its refusal is what is reported.
    let fake = refuses();
    let (result, _) = ask!(fake, |client| records(client, &RecordFilter::default(), None, &mut |_| {}));
    assert!(result.unwrap_err().to_string().contains("made to fail"));
}

#[tokio::test(start_paused = true)]
async fn a_range_that_is_not_kept_is_told_before_anything_is_asked() {
    let fake = fake(10);
    let filter = RecordFilter { since: Some(ago(DAY * 30)), ..RecordFilter::default() };
    let (result, _) = ask!(fake, |client| records(client, &filter, None, &mut |_| {}));
    let error = result.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Usage);
    assert!(error.to_string().contains("reach back to 2026-11-22T12:00:00Z"), "{error}");
    assert_eq!(fake.calls.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_throttled_or_unsent_is_asked_again_and_nothing_is_missing() {
    use ApiErrorKind::{Ambiguous, Clock, Server, Throttled, Unsent};
    let kinds = [Throttled, Ambiguous, Server, Unsent];
    let fake = Fake {
        fault: Box::new(move |call| match call {
            0 => Some(Clock),
            _ if call.is_multiple_of(3) => Some(kinds[call / 3 % 4]),
            _ => None,
        }),
        ..fake(800)
    };
    let (rows, _) = all(&fake, &RecordFilter::default(), None).await;
    assert_eq!(numbers(&rows), (0..800).collect::<Vec<_>>());
    assert!(fake.corrected.get());
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answers_is_given_up_and_one_that_refuses_at_once() {
    for (kind, code, least) in [
        (ApiErrorKind::Unsent, ExitCode::Failed, 3),
        (ApiErrorKind::Throttled, ExitCode::Failed, 3),
        (ApiErrorKind::Refused, ExitCode::Failed, 1),
        (ApiErrorKind::Forbidden, ExitCode::Credentials, 1),
        (ApiErrorKind::Credentials, ExitCode::Credentials, 1),
        (ApiErrorKind::Clock, ExitCode::Failed, 2),
    ] {
        let fake = Fake { fault: Box::new(move |_| Some(kind)), ..fake(1) };
        let began = Instant::now();
        let (result, _) = ask!(fake, |client| quota(client));
        assert_eq!(result.unwrap_err().exit_code(), code, "{kind:?}");
        assert!(began.elapsed() <= TIMEOUT, "{kind:?}");
        assert!(
            fake.calls.get() >= least && (least > 2 || fake.calls.get() == least),
            "{kind:?}: {}",
            fake.calls.get()
        );
    }
}

fn wanted(since: Duration, interval: Option<Duration>, domains: &[&str]) -> MetricsQuery {
    let domains = domains.iter().map(|&domain| domain.to_owned()).collect();
    MetricsQuery { measure: Measure::Traffic, domains, since: Some(ago(since)), until: None, interval }
}

#[tokio::test(start_paused = true)]
async fn points_over_several_calls_have_no_gap_and_no_double() {
    let fake = fake(0);
    let five = Duration::from_secs(300);
    let (measured, _) = ask!(fake, |client| metrics(client, &wanted(DAY * 5 + HOUR, Some(five), &[])));
    let measured = measured.unwrap();
    assert_eq!(fake.calls.get(), 6);
    assert_eq!(measured.points.len(), (5 * 24 + 1) * 12);
    let step = SignedDuration::try_from(five).unwrap();
    assert!(measured.points.windows(2).all(|pair| pair[1].at.duration_since(pair[0].at) == step));
    assert!(measured.points.iter().all(|point| point.value == 1.0));
}

#[tokio::test(start_paused = true)]
async fn domains_beyond_one_call_are_summed_where_the_provider_sums_them() {
    let fake = fake(0);
    let (measured, _) =
        ask!(fake, |client| metrics(client, &wanted(HOUR, None, &["a.test", "b.test", "c.test", "d.test"])));
    let measured = measured.unwrap();
    assert_eq!((fake.calls.get(), measured.interval), (2, Duration::from_secs(300)));
    assert!(measured.points.iter().all(|point| point.value == 4.0 && point.domain.is_none()));
    // The last call is about one alone, and its points belong to the sum all the same.
    let (measured, _) = ask!(fake, |client| metrics(client, &wanted(HOUR, None, &["a.test", "b.test", "c.test"])));
    assert!(measured.unwrap().points.iter().all(|point| point.value == 3.0 && point.domain.is_none()));
    let (measured, _) = ask!(fake, |client| metrics(client, &wanted(HOUR, None, &["a.test"])));
    assert!(measured.unwrap().points.iter().all(|point| point.domain.as_deref() == Some("a.test")));
}

#[tokio::test(start_paused = true)]
async fn the_width_of_a_point_follows_the_range_and_a_wrong_one_is_told() {
    let edge = wanted(DAY * 90, Some(Duration::from_secs(300)), &[]);
    assert!(ask!(fake(0), |client| metrics(client, &edge)).0.is_ok(), "as long ago as points are kept");
    for (since, expected) in [(HOUR, 300), (DAY, 300), (DAY * 2, 3600), (DAY * 60, 3600), (DAY * 200, 3600)] {
        let (measured, _) = ask!(fake(0), |client| metrics(client, &wanted(since, None, &[])));
        assert_eq!(measured.unwrap().interval.as_secs(), expected, "{since:?}");
    }
    for (since, interval, said) in [
        (HOUR, 60, "isn't available by the interval `1m`"),
        (DAY * 200, 300, "by the interval `5m` is kept for 2160 h only"),
        (DAY * 400, 3600, "reach back to 2025-11-25T12:00:00Z"),
    ] {
        let wanted = wanted(since, Some(Duration::from_secs(interval)), &[]);
        let (measured, _) = ask!(fake(0), |client| metrics(client, &wanted));
        let message = measured.unwrap_err().to_string();
        assert!(message.contains(said), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_does_not_offer_is_said_and_not_asked_for() {
    let bandwidth = MetricsQuery { measure: Measure::Bandwidth, ..wanted(HOUR, None, &[]) };
    let (measured, _) = ask!(fake(0), |client| metrics(client, &bandwidth));
    let problem = measured.unwrap_err().diagnostics().remove(0);
    assert_eq!(problem.title, "Bare CDN offers no bandwidth");
    assert_eq!(problem.help.unwrap(), "it offers records, quota, traffic, logs, domains");

    static NOTHING: Spec = Spec::BARE;
    let bare = Fake { spec: &NOTHING, ..fake(0) };
    let traffic = wanted(HOUR, None, &[]);
    let (measured, _) = ask!(bare, |client| metrics(client, &traffic));
    let (files, _) = ask!(bare, |client| logs(client, "a.test", (None, None)));
    let (domains, _) = ask!(bare, |client| domains(client));
    let errors = [measured.err(), files.err(), domains.err()].map(|error| error.unwrap().diagnostics().remove(0).title);
    assert_eq!(errors, ["traffic", "logs", "domains"].map(|what| format!("Bare CDN offers no {what}")));
    assert_eq!(bare.calls.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn log_files_of_several_ranges_are_listed_once_and_domains_to_the_end() {
    let (files, _) = ask!(fake(0), |client| logs(client, "a.test", (Some(ago(DAY * 3)), None)));
    let names: Vec<String> = files.unwrap().into_iter().map(|file| file.name).collect();
    assert_eq!(names.len(), 73);
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
    let (domains, _) = ask!(fake(0), |client| domains(client));
    assert_eq!(domains.unwrap().len(), 250);
}

#[tokio::test(start_paused = true)]
async fn log_files_are_asked_for_in_whole_steps_around_the_range() {
    let half_past = |hours| Some(ago(HOUR * hours + HOUR / 2));
    let (files, _) = ask!(fake(0), |client| logs(client, "a.test", (half_past(2), half_past(1))));
    let since: Vec<String> = files.unwrap().into_iter().map(|file| file.since.unwrap().to_string()).collect();
    assert_eq!(since, ["2026-11-25T09:00:00Z", "2026-11-25T10:00:00Z", "2026-11-25T11:00:00Z"]);
}

#[tokio::test(start_paused = true)]
async fn tasks_are_followed_by_their_ids_until_they_have_ended() {
    let ids: Vec<String> = (0..5).map(|id| id.to_string()).collect();
    let mut moving = fake(50);
    moving.list.borrow_mut().iter_mut().for_each(|row| row.state = TaskState::Running);
    moving.motion = Box::new(|call, list| {
        if call >= 6 {
            list.iter_mut().for_each(|row| row.state = TaskState::Failed("no".into()));
        }
    });
    let (tasks, _) = ask!(moving, |client| wait(client, &ids, HOUR));
    let tasks = tasks.unwrap();
    assert_eq!(tasks.iter().map(|task| &task.task_id).collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
    assert!(tasks.iter().all(|task| task.has_ended() && task.rows.len() == 10));

    let began = Instant::now();
    let (tasks, said) = ask!(fake(10), |client| wait(client, &["0".into(), "nowhere".into()], HOUR));
    let ended: Vec<bool> = tasks.unwrap().iter().map(WaitedTask::has_ended).collect();
    assert_eq!(ended, [true, false]);
    assert!(began.elapsed() <= HOUR && !said.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_shortly_before_the_time_is_over_has_ended() {
    for seconds in 0..25 {
        let patience = HOUR + Duration::from_secs(seconds);
        let ends = Instant::now() + patience - Duration::from_secs(4);
        let mut late = fake(10);
        late.motion = Box::new(move |_, list| {
            let state = if Instant::now() < ends { TaskState::Running } else { TaskState::Complete };
            list.iter_mut().for_each(|row| row.state = state.clone());
        });
        let (tasks, _) = ask!(late, |client| wait(client, &["0".into()], patience));
        assert!(tasks.unwrap()[0].has_ended(), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_running_and_vanishes_ends_no_task() {
    let vanishing = Fake {
        motion: Box::new(|call, list| match call {
            0 => list[3].state = TaskState::Running,
            1 => drop(list.remove(3)),
            _ => {}
        }),
        ..fake(10)
    };
    let (tasks, _) = ask!(vanishing, |client| wait(client, &["0".into()], HOUR));
    let task = tasks.unwrap().remove(0);
    assert_eq!((task.rows.len(), task.has_ended()), (10, false));
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_rows_do_not_all_come_by_its_id_is_looked_up_in_the_records() {
    let cut = Fake { most_by_id: 4, ..fake(20) };
    cut.list.borrow_mut()[7].state = TaskState::Failed("no".into());
    let (tasks, said) = ask!(cut, |client| wait(client, &["0".into(), "1".into()], HOUR));
    let tasks = tasks.unwrap();
    assert!(tasks.iter().all(|task| task.rows.len() == 10 && task.has_ended()), "{said:?}");
    assert!(tasks[0].rows.iter().any(|row| row.state == TaskState::Failed("no".into())));
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_refused_are_shown_once_and_no_way_out_is_tried_for_a_short_time() {
    let refused = Fake { fault: Box::new(|_| Some(ApiErrorKind::Credentials)), ..fake(3) };
    let (report, _) = ask!(refused, |client| permissions(client, &[]));
    assert_eq!((refused.calls.get(), report.domains), (1, None));
    let is_refused = |status: &PermissionStatus| matches!(status, PermissionStatus::Unknown(error) if error.kind == ApiErrorKind::Credentials);
    assert!(report.permissions.iter().all(|permission| is_refused(&permission.status)));

    let cut_off = Fake { fault: Box::new(|_| Some(ApiErrorKind::Unsent)), ..fake(3) };
    let said = |_: &str| {};
    let connection = connection(&cut_off);
    let client = QueryClient::new(&connection, 7, &said).with_timeout(Duration::from_secs(5));
    let began = tokio::time::Instant::now();
    let report = permissions(&client, &[]).await;
    assert!(began.elapsed() <= Duration::from_secs(6) && cut_off.calls.get() <= 5, "{}", cut_off.calls.get());
    assert!(
        matches!(&report.permissions[0].status, PermissionStatus::Unknown(error) if error.kind == ApiErrorKind::Unsent)
    );
}

/// A provider that says which permissions there are, and has nothing else to query.
static SAYING: Spec = Spec {
    operations: &[OperationSpec::BARE],
    tracking: None,
    quota: None,
    queries: QuerySpec { grants: Some(CallSpec::BARE), ..QuerySpec::NOTHING },
    ..Spec::BARE
};

#[tokio::test(start_paused = true)]
async fn permissions_that_the_provider_does_not_say_are_unknown_for_its_reason() {
    for kind in [ApiErrorKind::Server, ApiErrorKind::Forbidden] {
        let mute = Fake { spec: &SAYING, fault: Box::new(move |_| Some(kind)), ..fake(3) };
        let (report, _) = ask!(mute, |client| permissions(client, &[Operation::Prefetch]));
        let [permission] = &report.permissions[..] else { panic!("{report:?}") };
        assert!(matches!(&permission.status, PermissionStatus::Unknown(error) if error.kind == kind), "{permission:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_granted_brings_the_domains_too() {
    let fake = fake(3);
    let (report, _) = ask!(fake, |client| permissions(client, &[]));
    assert!(report.permissions.iter().all(|permission| permission.status == PermissionStatus::Granted));
    assert_eq!(report.domains.unwrap().len(), 250);
}
