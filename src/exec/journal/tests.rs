use std::collections::BTreeSet;

use super::*;
use crate::model::PurgeMode;
use crate::model::RefreshKind;

fn identity() -> Identity {
    Identity {
        plan: "p1".into(),
        head: Some("c1".into()),
        lanes: vec!["site alibaba-cdn https://cdn.aliyuncs.com k1".into()],
        base: Some("c0".into()),
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
    }
}

fn taken(batch: BatchNumber, id: &str) -> Entry {
    Entry::Taken { lane: 0, batch, task_ids: vec![id.into()] }
}

fn ended(task: TaskIndex, outcome: Outcome) -> Entry {
    Entry::Ended { lane: 0, task, outcome, task_id: None }
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

/// What records tell of a run that began now.
fn told(records: &[Entry]) -> Past {
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
        let expected = if lines == 0 { Past::default() } else { told(&story()[..lines - 1]) };
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
        assert_eq!(past, told(&story()[..before - 1]), "byte {place}");
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
    assert!(message.contains("about the commit `c1`, this run is about `c2`"), "{message}");
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
    let (journal, _) = Journal::open(&path, &identity(), RUN, now()).unwrap();
    // What a child has between its fork and its program: another handle of the same open file.
    let _held_by_a_child = journal.file.as_ref().unwrap().try_clone().unwrap();
    drop(journal);
    Journal::open(&path, &identity(), RUN, now()).unwrap();
}

#[test]
fn a_journal_that_is_complete_or_older_than_the_providers_records_is_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let mut complete = story();
    complete.push(Entry::Closed { complete: true, as_asked: true, settled: false });
    written(&path, &complete);
    assert_eq!(Journal::open(&path, &identity(), RUN, now()).unwrap().1, Past::default());

    written(&directory.path().join("old"), &story());
    let later = now().checked_add(std::time::Duration::from_secs(73 * 3600)).unwrap();
    assert_eq!(Journal::open(&directory.path().join("old"), &identity(), RUN, later).unwrap().1, Past::default());
}

#[test]
fn a_journal_that_nobody_needs_any_more_stands_in_nobodys_way() {
    let directory = tempfile::tempdir().unwrap();
    let other = Identity {
        plan: "p2".into(),
        head: None,
        lanes: vec!["site alibaba-cdn https://cdn.aliyuncs.com k2".into()],
        base: None,
    };
    let refused = Entry::NotTaken { lane: 0, batch: 1, why: "the keys are wrong".into() };
    let complete = vec![
        sent(1, &[0]),
        taken(1, "17"),
        ended(0, Outcome::Done),
        Entry::Closed { complete: true, as_asked: true, settled: false },
    ];
    let sent_nothing = vec![sent(1, &[0]), refused, Entry::Closed { complete: false, as_asked: false, settled: false }];
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
        let closed = Entry::Closed { complete: false, as_asked, settled: false };
        [sent(1, &[0]), taken(1, "17"), ended(0, Outcome::Unknown(String::new())), closed]
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
        assert_eq!(Journal::open(&path, &next, purpose, now()).unwrap().1, Past::default(), "{name}");
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
        let closed = Entry::Closed { complete: false, as_asked: false, settled };
        written(&path, &[sent(1, &[0, 1]), taken(1, "17"), ended(0, Outcome::Done), failed, closed]);
        assert!(Journal::open(&path, &identity(), RUN, now()).unwrap().1.lanes[&0].done.contains_key(&0));
        assert_eq!(Journal::open(&path, &other, RUN, now()).is_err(), is_refused, "{settled}");
    }
}

/// No commit tells whether what it names is still what it was.
#[test]
fn given_addresses_are_sent_again_two_hours_after_their_run_began_and_a_commits_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let after = |minutes: i64| now() + jiff::SignedDuration::from_mins(minutes);
    let late = Entry::Sent {
        lane: 0,
        batch: 2,
        operation: Operation::Prefetch,
        mode: PurgeMode::Default,
        attempt: 1,
        tasks: vec![[2, 2]],
        at: after(240),
    };
    let left = |as_asked| {
        vec![
            sent(1, &[0, 1]),
            taken(1, "17"),
            ended(0, Outcome::Done),
            Entry::Closed { complete: false, as_asked, settled: false },
        ]
    };
    let killed = vec![sent(1, &[0, 1]), taken(1, "17"), ended(0, Outcome::Done), late];
    let ended_late =
        [killed.clone(), vec![Entry::Closed { complete: false, as_asked: false, settled: false }]].concat();
    let given = Identity { head: None, base: None, ..identity() };
    let all = Identity { base: None, ..identity() };
    for (name, whose, entries, minutes, goes_on) in [
        ("failed", &given, left(false), 119, true),
        ("failed, later", &given, left(false), 120, false),
        ("not waited for", &given, left(true), 119, true),
        ("not waited for, later", &given, left(true), 120, false),
        ("killed at work", &given, killed.clone(), 359, true),
        ("killed at work, later", &given, killed, 360, false),
        ("ended after hours of work", &given, ended_late, 241, false),
        ("of all files", &all, left(false), 120, false),
        ("of two commits", &identity(), left(false), 600, true),
    ] {
        let path = directory.path().join(name);
        let (mut journal, _) = Journal::open(&path, whose, RUN, now()).unwrap();
        entries.iter().for_each(|entry| journal.write(entry).unwrap());
        drop(journal);
        let finished = Journal::open(&path, whose, Purpose::Finish, after(minutes)).unwrap().1;
        assert!(
            finished.lanes.contains_key(&0),
            "{name}: who only finishes it goes on for as long as records are kept"
        );
        let past = Journal::open(&path, whose, RUN, after(minutes)).unwrap().1;
        assert_eq!(past.lanes.contains_key(&0), goes_on, "{name}");
        assert_eq!(past.outdated.is_none(), goes_on, "{name}");
        let again = Journal::open(&path, whose, RUN, after(minutes)).unwrap().1;
        assert_eq!((again.lanes.contains_key(&0), again.outdated), (goes_on, None), "{name}: it is begun anew once");
    }
}

#[test]
fn what_was_done_before_another_commit_was_deployed_is_done_again_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let minutes = |minutes: i64| now() + jiff::SignedDuration::from_mins(minutes);
    let run = |head: &str, base: &str, after: i64, purpose| {
        let plan = "0123456789abcdef".to_owned();
        let identity = Identity { plan, head: Some(head.into()), base: Some(base.into()), ..identity() };
        let path = folder.path().join(identity.file_name());
        Journal::open(&path, &identity, purpose, minutes(after)).unwrap()
    };
    let half = |mut journal: Journal, after: i64| {
        for entry in [sent(1, &[0, 1]), taken(1, "17"), ended(0, Outcome::Done)] {
            journal.write(&entry).unwrap();
        }
        journal.file.as_ref().unwrap().set_modified(minutes(after).into()).unwrap();
    };
    half(run("c1", "c0", 0, RUN).0, 1);
    half(run("c2", "c1", 10, RUN).0, 11);
    assert_eq!(run("c2", "c1", 15, RUN).1.lanes[&0].done.len(), 1, "c1 was deployed before this, not after");
    let (journal, past) = run("c1", "c0", 20, RUN);
    assert_eq!(past, Past::default(), "c2 was deployed since: this is a rollback, by the job of then");
    half(journal, 21);
    assert_eq!(run("c2", "c1", 25, Purpose::Finish).1.lanes[&0].done.len(), 1, "a wait begins nothing");
    let (journal, past) = run("c2", "c1", 30, RUN);
    assert_eq!(past, Past::default(), "c1 was live again since");
    half(journal, 31);
    assert_eq!(run("c2", "c1", 35, RUN).1.lanes[&0].done.len(), 1, "and not since this");
    // What somebody else's account was asked for is no deployment here.
    let other = Identity { head: Some("c3".into()), lanes: vec!["blog".into()], ..identity() };
    let (journal, _) = Journal::open(&folder.path().join("blog.journal"), &other, RUN, minutes(40)).unwrap();
    half(journal, 41);
    assert_eq!(run("c2", "c1", 45, RUN).1.lanes[&0].done.len(), 1);
}

#[test]
fn who_only_goes_on_changes_no_journal_of_another_plan() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let failed = ended(1, Outcome::Failed(String::new()));
    let closed = Entry::Closed { complete: false, as_asked: false, settled: true };
    written(&path, &[sent(1, &[0, 1]), taken(1, "17"), ended(0, Outcome::Done), failed, closed]);
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
