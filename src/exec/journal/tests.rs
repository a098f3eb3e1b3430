use std::collections::BTreeSet;
use std::io::{Seek, SeekFrom};

use super::*;
use crate::config::Wait;
use crate::model::{BatchNumber, LaneIndex, Operation, Outcome, PurgeMode, RefreshKind, TaskIndex};

fn identity() -> Identity {
    Identity {
        plan: "p1".into(),
        head: Some("c1".into()),
        lanes: vec!["site alibaba-cdn https://cdn.aliyuncs.com k1".into()],
    }
}

/// A run that waits for everything.
const RUN: Purpose = Purpose::Run(Wait::All);

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn sent(batch: BatchNumber, tasks: &[TaskIndex]) -> Entry {
    let tasks = ranges(tasks);
    Entry::Sent {
        lane: 0,
        batch,
        operation: Operation::Refresh(RefreshKind::Url),
        mode: PurgeMode::Default,
        attempt: 1,
        tasks,
        at: now(),
        is_provider_time: true,
    }
}

fn taken(batch: BatchNumber, id: &str) -> Entry {
    Entry::Taken { lane: 0, batch, task_ids: vec![id.into()], is_done: false }
}

fn ended(task: TaskIndex, outcome: Outcome) -> Entry {
    Entry::Ended { lane: 0, task, outcome, task_id: None }
}

fn closed(complete: bool, as_asked: bool, all_final: bool) -> Entry {
    Entry::Closed { at: now(), complete, as_asked, all_final }
}

/// What a first run leaves that was killed after these records.
fn written(path: &Path, entries: &[Entry]) {
    let (mut journal, past) = Journal::open(path, &identity(), RUN, now()).unwrap();
    assert_eq!(past, Past::default());
    for entry in entries {
        journal.write(entry).unwrap();
    }
}

fn story() -> Vec<Entry> {
    vec![
        sent(1, &[0, 1, 2, 3]),
        taken(1, "17"),
        sent(2, &[4, 5, 9]),
        Entry::NotTaken { lane: 0, batch: 2, why: "throttled".into() },
        sent(2, &[4, 5, 9]),
        ended(0, Outcome::Done),
        ended(1, Outcome::Failed("origin".into())),
        sent(3, &[6]),
    ]
}

#[test]
fn a_second_run_hears_what_was_taken_what_is_in_doubt_and_what_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/state");
    written(&path, &story());
    let (_journal, past) = Journal::open(&path, &identity(), RUN, now()).unwrap();
    let lane = &past.lanes[&0];
    assert_eq!(lane.done.keys().copied().collect::<Vec<_>>(), [0]);
    assert_eq!(lane.last_batch, 3);
    assert_eq!(lane.open[&1].task_ids, ["17"]);
    assert_eq!(lane.open[&1].tasks, BTreeSet::from([2, 3]));
    assert!(lane.open[&2].task_ids.is_empty());
    assert_eq!(lane.open[&2].tasks, BTreeSet::from([4, 5, 9]));
    assert_eq!(lane.open[&3].tasks, BTreeSet::from([6]));
}

/// What is left of a run that starts over, but for its task ids.
fn without_ids(past: Past) -> Past {
    let lanes = past.lanes.into_iter().map(|(index, lane)| (index, PastLane { earlier: TaskIds::default(), ..lane }));
    Past { lanes: lanes.filter(|(_, lane)| *lane != PastLane::default()).collect(), ..past }
}

fn replay(records: &[Entry]) -> Past {
    let mut replay = Replay::default();
    records.iter().for_each(|record| replay.take(record));
    replay.past
}

/// The records' content for a run that began now.
fn replayed(records: &[Entry]) -> Past {
    let past = replay(records);
    Past { begun: past.holds_something().then(now), ..past }
}

#[test]
fn any_prefix_of_a_journal_replays_and_doubts_at_most_what_it_saw_leave() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    written(&path, &story());
    let bytes = std::fs::read(&path).unwrap();
    for length in 0..=bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let (journal, past) = Journal::open(&path, &identity(), RUN, now()).unwrap();
        drop(journal);
        let lines = bytes[..length].iter().filter(|&&byte| byte == b'\n').count();
        let expected = if lines == 0 { Past::default() } else { replayed(&story()[..lines - 1]) };
        assert_eq!(past, expected, "{length} bytes");
        let again = Journal::open(&path, &identity(), RUN, now()).unwrap().1;
        assert_eq!(again, past, "replaying twice is replaying once");
    }
}

#[test]
fn a_flipped_bit_ends_the_journal_before_it_or_has_it_refused_if_more_was_sent_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    written(&path, &story());
    let bytes = std::fs::read(&path).unwrap();
    let last = bytes[..bytes.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 0x04;
        std::fs::write(&path, &flipped).unwrap();
        // The last record is one that was sent; the line break before it makes it a part of what is broken.
        if place < last - 1 {
            let message = Journal::open(&path, &identity(), RUN, now()).unwrap_err().to_string();
            assert!(message.contains("is damaged") || message.contains("doesn't begin"), "byte {place}: {message}");
            assert_eq!(std::fs::read(&path).unwrap(), flipped, "it is left as it was");
            continue;
        }
        let before = bytes[..place].iter().filter(|&&byte| byte == b'\n').count();
        let (_journal, past) = Journal::open(&path, &identity(), RUN, now()).unwrap();
        assert_eq!(past, replayed(&story()[..before - 1]), "byte {place}");
    }
}

#[test]
fn a_journal_of_another_plan_account_or_nature_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    written(&path, &story());
    let other_plan = Identity { plan: "p2".into(), ..identity() };
    let message = Journal::open(&path, &other_plan, RUN, now()).unwrap_err().to_string();
    assert!(message.contains("another plan"), "{message}");
    let other_commit = Identity { head: Some("c2".into()), ..identity() };
    let message = Journal::open(&path, &other_commit, RUN, now()).unwrap_err().to_string();
    assert!(message.contains("about the commit or build `c1`, this run is about `c2`"), "{message}");
    let no_commit = Identity { head: None, ..identity() };
    assert!(Journal::open(&path, &no_commit, RUN, now()).is_err());
    let other_account = Identity { lanes: vec!["site alibaba-cdn https://cdn.aliyuncs.com k2".into()], ..identity() };
    let message = Journal::open(&path, &other_account, RUN, now()).unwrap_err().to_string();
    assert!(message.contains("k1") && message.contains("k2"), "{message}");

    let precious = directory.path().join("thesis.txt");
    std::fs::write(&precious, "Chapter 1\nIt was\n").unwrap();
    let message = Journal::open(&precious, &identity(), RUN, now()).unwrap_err().to_string();
    assert!(message.contains("doesn't begin as a journal"), "{message}");
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "Chapter 1\nIt was\n");
}

#[test]
fn a_lane_that_had_no_credentials_is_continued_by_the_account_that_they_belong_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let of = |key: &str| {
        let lanes = [
            "site alibaba-cdn https://cdn.aliyuncs.com k1".to_owned(),
            format!("b alibaba-cdn https://cdn.aliyuncs.com {key}"),
        ];
        Identity { lanes: lanes.into(), ..identity() }
    };
    let (mut journal, _) = Journal::open(&path, &of(NO_ACCOUNT), RUN, now()).unwrap();
    for entry in [sent(1, &[0]), taken(1, "t1"), ended(0, Outcome::Done)] {
        journal.write(&entry).unwrap();
    }
    drop(journal);
    let done = |past: Past| past.lanes[&0].done.len();
    assert_eq!(done(Journal::open(&path, &of("k2"), RUN, now()).unwrap().1), 1);
    // From now on it is that account's, also where it lacks its credentials again.
    assert_eq!(done(Journal::open(&path, &of(NO_ACCOUNT), RUN, now()).unwrap().1), 1);
    let message = Journal::open(&path, &of("k3"), RUN, now()).unwrap_err().to_string();
    assert!(message.contains("k2") && message.contains("k3"), "{message}");
    let elsewhere = Identity {
        lanes: vec![of("k2").lanes[0].clone(), "c alibaba-cdn https://cdn.aliyuncs.com -".into()],
        ..identity()
    };
    assert!(Journal::open(&path, &elsewhere, RUN, now()).is_err());
}

#[test]
fn two_runs_never_share_a_journal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let (_first, _) = Journal::open(&path, &identity(), RUN, now()).unwrap();
    let message = Journal::open(&path, &identity(), RUN, now()).unwrap_err().to_string();
    assert!(message.contains("another run has the journal"), "{message}");
}

#[test]
fn the_next_run_has_the_journal_at_once_even_while_a_child_process_still_holds_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let file = LockedFile::lock(options().open(&path).unwrap(), &path).unwrap();
    // What a child has between its fork and its program: another handle of the same open file.
    let _held_by_a_child = file.file.try_clone().unwrap();
    let (journal, _) = Journal::over(Box::new(file), &path, &identity(), RUN, now()).unwrap();
    drop(journal);
    Journal::open(&path, &identity(), RUN, now()).unwrap();
}

#[test]
fn a_journal_that_is_complete_and_published_or_older_than_the_providers_records_is_started_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let mut complete = story();
    complete.extend([closed(true, true, true), Entry::Published]);
    written(&path, &complete);
    assert_eq!(without_ids(Journal::open(&path, &identity(), RUN, now()).unwrap().1), Past::default());

    written(&directory.path().join("old"), &story());
    let later = now().checked_add(std::time::Duration::from_secs(73 * 3600)).unwrap();
    assert_eq!(
        without_ids(Journal::open(&directory.path().join("old"), &identity(), RUN, later).unwrap().1),
        Past::default()
    );
}

/// Task ids with their tasks.
fn ids(ids: &[(&str, &[TaskIndex])]) -> TaskIds {
    let mut all = TaskIds::default();
    ids.iter().for_each(|(id, tasks)| all.add(id, tasks.iter().copied()));
    all
}

fn earlier(past: &Past) -> TaskIds {
    past.lanes.get(&0).map(|lane| lane.earlier.clone()).unwrap_or_default()
}

/// A task ended with task ids.
fn under(task: TaskIndex, ids: &str, outcome: Outcome) -> Entry {
    Entry::Ended { lane: 0, task, outcome, task_id: Some(ids.into()) }
}

/// Directories that take the place of URLs in a lane.
fn decided(lane: LaneIndex, mode: PurgeMode, directories: &[&str]) -> Entry {
    Entry::Collapsed { lane, mode, directories: directories.iter().map(|url| (*url).to_owned()).collect() }
}

#[test]
fn a_run_that_starts_over_knows_the_task_ids_of_the_last_one_and_no_other_plans() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let published = [closed(true, true, true), Entry::Published];
    let first = [sent(1, &[0, 1, 2]), taken(1, "17"), under(0, "17", Outcome::Done), under(2, "17,18", Outcome::Done)];
    written(&path, &first);
    let (mut journal, past) = Journal::open(&path, &identity(), RUN, now()).unwrap();
    assert_eq!((earlier(&past), &past.lanes[&0].ended), (ids(&[]), &ids(&[("17", &[0, 2]), ("18", &[2])])));
    journal.write_all(&[[under(1, "17", Outcome::Done)].as_slice(), &published].concat()).unwrap();
    drop(journal);
    // Whether it gets to sending something or not.
    for _ in 0..2 {
        let (_, past) = Journal::open(&path, &identity(), RUN, now()).unwrap();
        assert_eq!((earlier(&past), past.begun), (ids(&[("17", &[0, 1, 2]), ("18", &[2])]), None));
    }
    let (mut journal, _) = Journal::open(&path, &identity(), RUN, now()).unwrap();
    journal.write_all(&[sent(1, &[0]), taken(1, "19")]).unwrap();
    drop(journal);
    let later = now().checked_add(std::time::Duration::from_secs(3 * 3600)).unwrap();
    let (mut journal, past) = Journal::open(&path, &identity(), RUN, later).unwrap();
    assert_eq!((earlier(&past), past.outdated), (ids(&[("19", &[0])]), Some(now())));
    journal.write_all(&published).unwrap();
    drop(journal);
    let other = Identity { plan: "p2".into(), ..identity() };
    assert_eq!(Journal::open(&path, &other, RUN, later).unwrap().1, Past::default());
}

#[test]
fn task_ids_of_a_plan_with_other_directories_are_of_no_task_that_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let published = [closed(true, true, true), Entry::Published];
    let directories = || decided(0, PurgeMode::Default, &["https://a.test/x/"]);
    let first = || [sent(1, &[0, 1]), taken(1, "17"), under(0, "17", Outcome::Done), under(1, "17", Outcome::Done)];
    let next = |path: &Path, entries: &[Entry]| {
        let (mut journal, past) = Journal::open(path, &identity(), RUN, now()).unwrap();
        journal.write_all(entries).unwrap();
        past
    };

    // The run has no directories, and that before it had some: whether it gets to sending something or not.
    let path = directory.path().join("no more");
    written(&path, &[&[directories()][..], &first(), &published].concat());
    for _ in 0..2 {
        assert_eq!(earlier(&next(&path, &[])), ids(&[("17", &[])]));
    }
    next(&path, &[sent(1, &[0]), taken(1, "19")]);
    assert_eq!(earlier(&next(&path, &[])), ids(&[("17", &[])]), "continued");

    // The run takes directories, and is killed: one that continues it has the same.
    let path = directory.path().join("taken");
    written(&path, &[&first()[..], &published].concat());
    let past = next(&path, &[directories(), sent(1, &[0]), taken(1, "19"), under(0, "19", Outcome::Done)]);
    assert_eq!(earlier(&past), ids(&[("17", &[0, 1])]));
    let past = next(&path, &[under(1, "17", Outcome::Failed(String::new()))]);
    assert_eq!((earlier(&past), &past.lanes[&0].ended), (ids(&[("17", &[])]), &ids(&[("19", &[0])])));

    // All that was sent for directories has failed: the run that continues it decides for itself.
    let path = directory.path().join("failed");
    let failed = |task| under(task, "17", Outcome::Failed(String::new()));
    written(&path, &[directories(), sent(1, &[0]), taken(1, "17"), failed(0)]);
    for _ in 0..2 {
        let past = next(&path, &[]);
        assert_eq!((&past.lanes[&0].ended, past.collapsed.len()), (&ids(&[("17", &[])]), 0));
    }
    next(&path, &[sent(2, &[0]), taken(2, "17"), failed(0)]);
    assert_eq!(next(&path, &[]).lanes[&0].ended, ids(&[("17", &[])]));
}

#[test]
fn an_attempt_that_never_left_says_nothing_of_the_one_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let never_left = || Entry::NotTaken { lane: 0, batch: 2, why: "it never left".into() };
    let open = |name: &str, entries: &[Entry]| {
        let path = directory.path().join(name);
        written(&path, entries);
        let past = Journal::open(&path, &identity(), RUN, now()).unwrap().1;
        past.lanes.values().flat_map(|lane| lane.open.keys().copied()).collect::<Vec<_>>()
    };
    assert_eq!(open("once", &[sent(2, &[0, 1]), never_left()]), [0; 0]);
    assert_eq!(open("again", &[sent(2, &[0, 1]), never_left(), sent(2, &[0, 1]), never_left()]), [0; 0]);
    assert_eq!(open("lost", &[sent(2, &[0, 1]), sent(2, &[0, 1]), never_left()]), [2]);
    assert_eq!(open("half", &[sent(1, &[0, 1]), sent(2, &[0]), never_left()]), [1, 2]);
}

#[test]
fn a_journal_that_nobody_needs_any_more_stands_in_nobodys_way() {
    let directory = tempfile::tempdir().unwrap();
    let other =
        Identity { plan: "p2".into(), head: None, lanes: vec!["site alibaba-cdn https://cdn.aliyuncs.com k2".into()] };
    let refused = Entry::NotTaken { lane: 0, batch: 1, why: "the credentials are wrong".into() };
    let complete = vec![sent(1, &[0]), taken(1, "17"), ended(0, Outcome::Done), closed(true, true, false)];
    let sent_nothing = vec![sent(1, &[0]), refused, closed(false, false, false)];
    for (name, entries) in [("complete", complete), ("nothing", sent_nothing), ("killed early", vec![])] {
        let path = directory.path().join(name);
        written(&path, &entries);
        assert_eq!(Journal::open(&path, &other, RUN, now()).unwrap().1, Past::default(), "{name}");
        assert_eq!(
            Journal::open(&path, &other, RUN, now()).unwrap().1,
            Past::default(),
            "{name}, it is the other's now"
        );
    }
    let old = directory.path().join("old");
    written(&old, &story());
    let later = now().checked_add(std::time::Duration::from_secs(73 * 3600)).unwrap();
    assert_eq!(Journal::open(&old, &other, RUN, later).unwrap().1, Past::default());
}

#[test]
fn what_nobody_wanted_to_wait_for_is_taken_up_only_by_who_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let left = |as_asked| {
        let end = [closed(false, as_asked, false), Entry::Published];
        [&[sent(1, &[0]), taken(1, "17"), ended(0, Outcome::Unknown(String::new()))][..], &end].concat()
    };
    let other = Identity { plan: "p2".into(), ..identity() };
    written(&path, &left(true));
    assert!(Journal::open(&path, &other, Purpose::Finish, now()).is_err(), "it isn't the one to be finished");
    for purpose in [Purpose::Finish, RUN, Purpose::Run(Wait::Refresh)] {
        let past = Journal::open(&path, &identity(), purpose, now()).unwrap().1;
        assert_eq!(past.lanes[&0].open[&1].task_ids, ["17"], "{purpose:?}");
    }
    // One that waits was killed before its end.
    let (mut journal, _) = Journal::open(&path, &identity(), RUN, now()).unwrap();
    journal.write(&ended(0, Outcome::Unknown(String::new()))).unwrap();
    drop(journal);
    assert!(Journal::open(&path, &other, RUN, now()).is_err(), "somebody wants to know");

    for (name, next, purpose) in [("same", identity(), Purpose::Run(Wait::None)), ("another", other, RUN)] {
        let path = directory.path().join(name);
        written(&path, &left(true));
        assert_eq!(without_ids(Journal::open(&path, &next, purpose, now()).unwrap().1), Past::default(), "{name}");
    }
    let timed_out = directory.path().join("timed out");
    written(&timed_out, &left(false));
    let past = Journal::open(&timed_out, &identity(), Purpose::Run(Wait::None), now()).unwrap().1;
    assert!(past.lanes.contains_key(&0));
}

#[test]
fn what_failed_for_good_stands_in_no_other_plans_way() {
    let directory = tempfile::tempdir().unwrap();
    let other = Identity { plan: "p2".into(), head: Some("c2".into()), ..identity() };
    for (settled, is_refused) in [(true, false), (false, true)] {
        let path = directory.path().join(settled.to_string());
        let failed = ended(1, Outcome::Failed(String::new()));
        let end = closed(false, false, settled);
        written(&path, &[sent(1, &[0, 1]), taken(1, "17"), ended(0, Outcome::Done), failed, end]);
        assert!(Journal::open(&path, &identity(), RUN, now()).unwrap().1.lanes[&0].done.contains_key(&0));
        assert_eq!(Journal::open(&path, &other, RUN, now()).is_err(), is_refused, "{settled}");
    }
}

#[test]
fn an_unfinished_run_is_continued_for_two_hours_after_its_last_request_or_its_end_whatever_it_is_about() {
    let directory = tempfile::tempdir().unwrap();
    let after = |minutes: i64| now() + jiff::SignedDuration::from_mins(minutes);
    let half = || vec![sent(1, &[0, 1]), taken(1, "17"), ended(0, Outcome::Done)];
    let with = |entry: Entry| [half(), vec![entry]].concat();
    let late = || Entry::Sent {
        lane: 0,
        batch: 2,
        operation: Operation::Prefetch,
        mode: PurgeMode::Default,
        attempt: 1,
        tasks: vec![[2, 2]],
        at: after(240),
        is_provider_time: true,
    };
    let end = |minutes, as_asked| Entry::Closed { at: after(minutes), complete: false, as_asked, all_final: false };
    let listed = Identity { head: None, ..identity() };
    for (name, whose, entries, minutes, is_continued) in [
        ("a list", &listed, half(), 119, true),
        ("a list, later", &listed, half(), 120, false),
        ("a commit", &identity(), half(), 119, true),
        ("a commit, later", &identity(), half(), 120, false),
        ("not waited for", &listed, with(end(0, true)), 119, true),
        ("not waited for, later", &listed, with(end(0, true)), 120, false),
        ("killed at work", &listed, with(late()), 359, true),
        ("killed at work, later", &listed, with(late()), 360, false),
        ("ended after hours of work", &listed, with(end(240, false)), 359, true),
        ("ended after hours of work, later", &listed, with(end(240, false)), 360, false),
    ] {
        let path = directory.path().join(name);
        let (mut journal, _) = Journal::open(&path, whose, RUN, now()).unwrap();
        entries.iter().for_each(|entry| journal.write(entry).unwrap());
        drop(journal);
        let finished = Journal::open(&path, whose, Purpose::Finish, after(minutes)).unwrap().1;
        assert!(finished.lanes.contains_key(&0), "{name}: `wait` continues it as long as records are kept");
        let past = Journal::open(&path, whose, RUN, after(minutes)).unwrap().1;
        assert_eq!(past.holds_something(), is_continued, "{name}");
        assert_eq!(past.outdated.is_none(), is_continued, "{name}");
        let again = Journal::open(&path, whose, RUN, after(minutes)).unwrap().1;
        assert_eq!((again.holds_something(), again.outdated), (is_continued, None), "{name}: it starts over once");
    }
}

#[test]
fn a_run_that_did_everything_is_finished_only_once_its_result_is_published() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    written(&path, &[sent(1, &[0]), taken(1, "17"), ended(0, Outcome::Done), closed(true, true, true)]);
    for purpose in [RUN, Purpose::Finish] {
        let past = Journal::open(&path, &identity(), purpose, now()).unwrap().1;
        assert_eq!(past.lanes[&0].done.keys().copied().collect::<Vec<_>>(), [0], "{purpose:?}");
        assert!(past.lanes[&0].open.is_empty());
    }
    let (mut journal, _) = Journal::open(&path, &identity(), RUN, now()).unwrap();
    journal.write(&closed(true, true, true)).unwrap();
    journal.published().unwrap();
    drop(journal);
    assert_eq!(Journal::open(&path, &identity(), RUN, now()).unwrap().1, Past::default());
}

#[test]
fn times_from_before_the_providers_clock_was_known_are_corrected_by_it_and_by_no_later_runs() {
    let unclocked = |batch, tasks: &[TaskIndex]| match sent(batch, tasks) {
        Entry::Sent { lane, batch, operation, mode, attempt, tasks, at, .. } => {
            Entry::Sent { lane, batch, operation, mode, attempt, tasks, at, is_provider_time: false }
        }
        other => other,
    };
    let behind = Entry::Clock { lane: 0, ahead: -90_000 };
    let elsewhere = Entry::Clock { lane: 1, ahead: 5_000 };
    let continued = Entry::Continued { at: now(), lanes: Vec::new() };
    let past = replay(&[
        unclocked(1, &[0]),
        elsewhere,
        unclocked(2, &[1]),
        behind.clone(),
        unclocked(3, &[2]),
        continued,
        behind,
    ]);
    let sent = |batch: BatchNumber| past.lanes[&0].open[&batch].sent;
    let corrected = SentTime { at: now() - jiff::SignedDuration::from_secs(90), is_providers: true };
    assert_eq!((sent(1), sent(2)), (corrected, corrected));
    assert_eq!(sent(3), SentTime { at: now(), is_providers: false }, "that run was killed before it knew");
}

#[test]
fn the_age_of_a_journal_is_in_the_providers_time_where_that_was_known() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    // The machine's clock was four days behind when the run started, and is right when it is started again.
    let started = now() - jiff::SignedDuration::from_hours(96);
    let (mut journal, _) = Journal::open(&path, &identity(), RUN, started).unwrap();
    [sent(1, &[0, 1]), taken(1, "17"), ended(0, Outcome::Done)].iter().for_each(|entry| journal.write(entry).unwrap());
    drop(journal);
    let later = now() + jiff::SignedDuration::from_mins(1);
    assert_eq!(Journal::open(&path, &identity(), RUN, later).unwrap().1.lanes[&0].done.len(), 1);
}

#[test]
fn what_was_done_before_another_commit_was_deployed_is_done_again_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let minutes = |minutes: i64| now() + jiff::SignedDuration::from_mins(minutes);
    let run = |head: &str, after: i64, purpose| {
        let plan = "0123456789abcdef".to_owned();
        let identity = Identity { plan, head: Some(head.into()), ..identity() };
        let path = folder.path().join(identity.file_name());
        Journal::open(&path, &identity, purpose, minutes(after)).unwrap()
    };
    let half = |mut journal: Journal| {
        for entry in [sent(1, &[0, 1]), taken(1, "17"), ended(0, Outcome::Done)] {
            journal.write(&entry).unwrap();
        }
    };
    half(run("c1", 0, RUN).0);
    half(run("c2", 10, RUN).0);
    assert_eq!(run("c2", 15, RUN).1.lanes[&0].done.len(), 1, "c1 was deployed before this, not after");
    let (journal, past) = run("c1", 20, RUN);
    let overtaken = |past: &Past, begun: i64| !past.holds_something() && past.outdated == Some(minutes(begun));
    assert!(overtaken(&past, 0), "c2 was deployed since: this is a rollback, by the job of then");
    half(journal);
    assert_eq!(run("c2", 25, Purpose::Finish).1.lanes[&0].done.len(), 1, "a wait begins nothing");
    let (journal, past) = run("c2", 30, RUN);
    assert!(overtaken(&past, 10), "c1 was live again since");
    half(journal);
    assert_eq!(run("c2", 35, RUN).1.lanes[&0].done.len(), 1, "and not since this");
    // What was sent to another account is no deployment here.
    let other = Identity { head: Some("c3".into()), lanes: vec!["blog".into()], ..identity() };
    let (journal, _) = Journal::open(&folder.path().join("blog.journal"), &other, RUN, minutes(40)).unwrap();
    half(journal);
    assert_eq!(run("c2", 45, RUN).1.lanes[&0].done.len(), 1);
    // A run without credentials begins no other deployment than one with them.
    let lane = |account: &str| vec![format!("site alibaba-cdn https://cdn.aliyuncs.com {account}")];
    let lacking = Identity { head: Some("c4".into()), lanes: lane(NO_ACCOUNT), ..identity() };
    drop(Journal::open(&folder.path().join("lacking.journal"), &lacking, RUN, minutes(50)).unwrap());
    assert!(overtaken(&run("c2", 55, RUN).1, 30), "c4 was deployed since");
}

#[test]
fn who_only_goes_on_changes_no_journal_of_another_plan() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let failed = ended(1, Outcome::Failed(String::new()));
    let end = closed(false, false, true);
    written(&path, &[sent(1, &[0, 1]), taken(1, "17"), ended(0, Outcome::Done), failed, end]);
    let before = std::fs::read(&path).unwrap();
    let other = Identity { plan: "p2".into(), head: Some("c2".into()), ..identity() };
    assert!(Journal::open(&path, &other, Purpose::Finish, now()).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_no_journal_and_is_not_read() {
    for path in ["/dev/null", "/dev/full", "/dev/zero", "/"] {
        let error = Journal::open(Path::new(path), &identity(), RUN, now()).unwrap_err();
        assert!(error.to_string().contains("it is no regular file"), "{error}");
    }
}

#[test]
fn ranges_name_every_task_once() {
    assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), [[0, 2], [5, 5], [7, 8]]);
    assert_eq!(ranges(&[]), Vec::<[TaskIndex; 2]>::new());
}

#[test]
fn a_batch_that_was_accepted_as_done_is_done_even_if_the_run_was_killed_before_it_wrote_its_tasks_down() {
    let entries = [sent(1, &[0, 1]), Entry::Taken { lane: 0, batch: 1, task_ids: Vec::new(), is_done: true }];
    for ends in [vec![], vec![ended(0, Outcome::Done)]] {
        let past = replayed(&[&entries[..], &ends].concat());
        let lane = &past.lanes[&0];
        assert_eq!((lane.done.keys().copied().collect::<Vec<_>>(), lane.open.len()), (vec![0, 1], 0));
        assert_eq!(lane.done_after.len(), 2);
    }
}

#[test]
fn a_journal_that_no_run_can_have_written_is_refused_before_it_takes_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let all = |batch, attempt, tasks: Vec<[TaskIndex; 2]>| match sent(1, &[0]) {
        Entry::Sent { lane, operation, mode, at, is_provider_time, .. } => {
            Entry::Sent { lane, batch, operation, mode, attempt, tasks, at, is_provider_time }
        }
        other => other,
    };
    for forged in [
        all(1, 1, vec![[0, TaskIndex::MAX]]),
        all(1, 1, vec![[0, 9_999], [0, 9_999]]),
        all(1, 1, vec![[7, 3]]),
        all(BatchNumber::MAX, 1, vec![[0, 1]]),
        all(1, u32::MAX, vec![[0, 1]]),
        ended(TaskIndex::MAX, Outcome::Done),
        Entry::Earlier { lane: 0, task_id: "17".into(), tasks: vec![[0, TaskIndex::MAX]] },
    ] {
        let _ = std::fs::remove_file(&path);
        written(&path, &[sent(1, &[0]), forged.clone()]);
        let before = std::fs::read(&path).unwrap();
        let error = Journal::open(&path, &identity(), RUN, now()).unwrap_err();
        assert!(error.to_string().contains("no run writes what its line 3 says"), "{forged:?}: {error}");
        assert!(error.diagnostics()[0].help.as_ref().is_some_and(|help| help.contains("delete it")), "{error:?}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_line_without_an_end_is_read_in_part_and_a_file_that_is_far_too_large_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    written(&path, &story());
    let whole = std::fs::metadata(&path).unwrap().len();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    // Sparse: nothing is on the disk.
    file.set_len(LARGEST).unwrap();
    let mut reader = BufReader::new(File::open(&path).unwrap());
    reader.seek(SeekFrom::Start(whole)).unwrap();
    let mut line = Vec::new();
    assert_eq!(next(&mut reader, &mut line).unwrap(), 1 << 20);
    assert!(line.capacity() <= 4 << 20, "{} bytes", line.capacity());
    assert!(Journal::open(&path, &identity(), RUN, now()).unwrap().1.lanes.contains_key(&0), "zeros are a torn write");
    file.set_len(LARGEST + 1).unwrap();
    let error = Journal::open(&path, &identity(), RUN, now()).unwrap_err();
    assert!(error.to_string().contains("larger than 64 MiB"), "{error}");
    let help = error.diagnostics()[0].help.clone().unwrap_or_default();
    assert!(help.contains("name another file with `journal`"), "{help}");
}

#[test]
fn the_age_of_a_journal_is_right_where_the_machines_clock_is_wrong_in_both_runs() {
    let directory = tempfile::tempdir().unwrap();
    for hours in [24, 72, -24] {
        let path = directory.path().join(hours.to_string());
        let local =
            |minutes: i64| now() + jiff::SignedDuration::from_hours(hours) + jiff::SignedDuration::from_mins(minutes);
        let (mut journal, _) = Journal::open(&path, &identity(), RUN, local(0)).unwrap();
        let clock = Entry::Clock { lane: 0, ahead: -hours * 3_600_000 };
        for entry in [clock, sent(1, &[0, 1]), taken(1, "17"), ended(0, Outcome::Done)] {
            journal.write(&entry).unwrap();
        }
        drop(journal);
        // Also at once, where rounding makes the age negative.
        let at_once = local(0) - jiff::SignedDuration::from_millis(400);
        for again in [at_once, local(1)] {
            assert_eq!(Journal::open(&path, &identity(), RUN, again).unwrap().1.lanes[&0].done.len(), 1, "{hours} h");
        }
        let past = Journal::open(&path, &identity(), RUN, local(125)).unwrap().1;
        assert!(past.outdated.is_some(), "{hours} h: two hours have passed");
    }
}

#[test]
fn directories_that_a_run_decided_on_count_until_another_decision() {
    let decided = |mode, url: &str| decided(1, mode, &[url]);
    let first = decided(PurgeMode::Default, "https://a.test/x/");
    let continued = Entry::Continued { at: now(), lanes: Vec::new() };
    let second = [decided(PurgeMode::Default, "https://a.test/y/"), decided(PurgeMode::Hard, "https://a.test/z/")];
    let of = |records: &[Entry]| replay(records).collapsed.into_iter().map(|(_, _, url)| url).collect::<Vec<_>>();
    assert_eq!(of(std::slice::from_ref(&first)), ["https://a.test/x/"]);
    assert_eq!(of(&[first.clone(), sent(1, &[0]), continued.clone()]), ["https://a.test/x/"]);
    let again = [&[first, continued][..], &second].concat();
    assert_eq!(of(&again), ["https://a.test/y/", "https://a.test/z/"]);
}
