//! Runs that are ended from outside, and what the next run makes of what they left: nothing doubled, nothing lost.

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use super::stage::{Run, STALE, Site, Started, WARM, at_once};
use super::vendor::Vendor;

/// What a second run must make good after a first one was killed.
#[derive(Clone, Copy)]
enum Moment {
    /// The first run has said this.
    Said(&'static str),
    /// The vendor has accepted so many URLs, and its answer is still on the way.
    Accepted(usize),
}

fn run(site: &Site, vendor: &Vendor) -> Run {
    let journal = site.sibling("journal");
    let arguments = ["run", "--sequential", "--batch-size", "2", "--log-level", "verbose"];
    site.run(vendor.address(), &arguments).args(&["--journal", journal.to_str().unwrap()])
}

#[test]
fn a_run_that_is_killed_is_finished_by_the_next_one() {
    let moments = [
        Moment::Said("Purging"),
        Moment::Said("batch 1 accepted"),
        Moment::Said("batch 2 accepted"),
        Moment::Said("batch 3 accepted"),
        Moment::Accepted(2),
        Moment::Accepted(4),
        Moment::Accepted(6),
    ];
    at_once(&moments, |&moment| {
        let slow = ["--fault", "RefreshObjectCaches#1-2=slow:1500", "--fault", "PushObjectCache#1=slow:1500"];
        let vendor = Vendor::start(if matches!(moment, Moment::Accepted(_)) { &slow } else { &[] });
        let site = Site::new();
        let first = run(&site, &vendor).start();
        match moment {
            Moment::Said(text) => first.wait_for(text),
            Moment::Accepted(count) => vendor.wait_for(count),
        }
        first.signal("KILL");
        let first = first.finish();
        assert_eq!((first.code, first.report), (None, None), "it was killed before its end");
        run(&site, &vendor).finish().is_all_done();
        vendor.accepted(&STALE, &WARM);
    });
}

#[test]
fn an_interruption_leaves_everything_told_and_the_next_run_goes_on() {
    let vendor = Vendor::start(&["--task-seconds", "3"]);
    let site = Site::new();
    let (output, summary) = (site.sibling("output"), site.sibling("summary"));
    let first = run(&site, &vendor).envs(&[("GITHUB_ACTIONS", "true"), ("RUNNER_TEMP", "/nonexistent")]);
    let first = first.args(&["--base", "HEAD~1"]).env("GITHUB_OUTPUT", &output).env("GITHUB_STEP_SUMMARY", &summary);
    let first = first.start();
    first.wait_for("batch 1 accepted");
    let signalled = Instant::now();
    first.signal("INT");
    let first = first.finish();
    assert!(signalled.elapsed() < Duration::from_secs(5), "{:?}", signalled.elapsed());
    first.ends_with(130).says(&["the run was interrupted (SIGINT)"]);
    let report = first.report();
    assert_eq!((&report["interrupted"], &report["exit_code"]), (&"SIGINT".into(), &130.into()));
    let outcomes = first.outcomes();
    let count = |wanted: &str| outcomes.values().filter(|outcome| *outcome == wanted).count();
    assert_eq!((outcomes.len(), count("unknown"), count("unsubmitted")), (6, 2, 4), "{outcomes:?}");
    let outputs = std::fs::read_to_string(output).unwrap();
    for line in ["status=failed\n", "unknown=2\n", "unsubmitted=4\n", "changed-files=4\n"] {
        assert!(outputs.contains(line), "no {line} in {outputs}");
    }
    assert!(std::fs::read_to_string(summary).unwrap().contains("SIGINT"));
    assert_eq!(vendor.ledger().len(), 2);

    let journal = site.sibling("journal");
    let second =
        site.run(vendor.address(), &["run", "--base", "HEAD~1", "--journal", journal.to_str().unwrap()]).finish();
    second.is_all_done();
    vendor.accepted(&STALE, &WARM);
}

#[test]
fn an_end_by_the_system_takes_a_second() {
    let vendor = Vendor::start(&["--task-seconds", "600"]);
    let site = Site::new();
    let started = run(&site, &vendor).start();
    started.wait_for("batch 1 accepted");
    let signalled = Instant::now();
    started.signal("TERM");
    let finished = started.finish();
    // Of its own it takes half a second; the rest is for a machine that is busy.
    assert!(signalled.elapsed() < Duration::from_secs(2), "{:?}", signalled.elapsed());
    finished.ends_with(143);
    assert_eq!(finished.report()["interrupted"], "SIGTERM");
    assert_eq!(finished.outcomes().len(), 6);
}

#[test]
fn a_second_interruption_leaves_at_once_with_the_journal_whole() {
    let vendor = Vendor::start(&["--fault", "RefreshObjectCaches#1=slow:20000"]);
    let site = Site::new();
    let started = run(&site, &vendor).start();
    vendor.wait_for(2);
    started.signal("INT");
    started.wait_for("the run was interrupted (SIGINT)");
    let signalled = Instant::now();
    started.signal("INT");
    let finished = started.finish();
    // One interruption alone would give the request in flight three seconds.
    assert!(signalled.elapsed() < Duration::from_secs(2), "{:?}", signalled.elapsed());
    assert_eq!((finished.code, finished.report), (Some(130), None));
    run(&site, &vendor).finish().is_all_done();
    vendor.accepted(&STALE, &WARM);
}

#[test]
fn two_runs_never_share_a_journal() {
    let vendor = Vendor::start(&["--task-seconds", "600"]);
    let site = Site::new();
    let first = run(&site, &vendor).start();
    first.wait_for("batch 1 accepted");
    run(&site, &vendor).finish().complains(3, &["another run has the journal", "name another file with `journal`"]);
    assert_eq!(vendor.ledger().len(), 2);
}

#[test]
fn a_run_whose_log_or_outputs_could_not_be_written_sends_nothing_when_it_is_started_again() {
    let lost = ["exec >/dev/full 2>/dev/full", "export GITHUB_OUTPUT=/dev/full"];
    at_once(&lost, |lost| {
        let (vendor, site) = (Vendor::start(&[]), Site::new());
        let output = site.sibling("output");
        let again = || {
            on_github(run(&site, &vendor).args(&["--base", "HEAD~1"]), &output)
                .env("GITHUB_STEP_SUMMARY", site.sibling("summary"))
        };
        for _ in 0..2 {
            again().after(lost).finish().ends_with(3);
            vendor.accepted(&STALE, &WARM);
        }
        again().finish().is_all_done();
        vendor.accepted(&STALE, &WARM);
    });
}

/// A run that waits before it has sent anything ends at once, and says that it sent nothing.
fn is_interrupted(started: Started, output: &std::path::Path, during: &str) {
    let signalled = Instant::now();
    started.signal("INT");
    let finished = started.finish();
    assert!(signalled.elapsed() < Duration::from_secs(2), "{:?}", signalled.elapsed());
    finished.ends_with(130).says(&[&format!("interrupted while {during}: nothing was sent")]);
    assert_eq!(std::fs::read_to_string(output).unwrap(), "status=failed\n");
}

fn on_github(run: Run, output: &std::path::Path) -> Run {
    run.envs(&[("GITHUB_ACTIONS", "true"), ("RUNNER_TEMP", "/nonexistent")]).env("GITHUB_OUTPUT", output)
}

#[test]
fn a_signal_while_the_keys_are_asked_for_ends_the_run_at_once() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let output = site.sibling("output");
    let started = on_github(run(&site, &vendor), &output)
        .args(&["--base", "HEAD~1"])
        .env("ALIBABA_CLOUD_STS_ENDPOINT", format!("http://{}", silent.local_addr().unwrap()))
        .env("CDN_PURGE_ROLE", "acs:ram::1234567890123456:role/cdn-purge")
        .start();
    let _asked = silent.accept().unwrap();
    is_interrupted(started, &output, "credentials were requested");
    vendor.accepted(&[], &[]);
}

#[test]
fn a_signal_while_gitlab_does_not_answer_leaves_the_note_and_ends_the_run() {
    let site = Site::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let project = site.sibling("project");
    std::fs::create_dir(&project).unwrap();
    let started = site
        .bare_run(&["plan", "--base", "HEAD~1", "--merge-request-note"])
        .env("CI_PROJECT_DIR", &project)
        .env("CI_API_V4_URL", format!("http://{}/api/v4", silent.local_addr().unwrap()))
        .envs(&[("GITLAB_CI", "true"), ("CI_SERVER_HOST", "127.0.0.1"), ("GITLAB_TOKEN", "glpat-token-of-tests")])
        .envs(&[("CI_PROJECT_ID", "1"), ("CI_MERGE_REQUEST_IID", "2")])
        .start();
    let _asked = silent.accept().unwrap();
    let signalled = Instant::now();
    started.signal("TERM");
    let finished = started.finish();
    assert!(signalled.elapsed() < Duration::from_secs(2), "{:?}", signalled.elapsed());
    finished.ends_with(0).says(&["the summary isn't a note on the merge request: the run was ended (SIGTERM)"]);
    assert!(std::fs::read_to_string(project.join("cdn-purge.env")).unwrap().contains("STATUS=planned"));
}

#[test]
fn a_signal_while_a_list_of_urls_does_not_end_ends_the_run_at_once() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let (output, list) = (site.sibling("output"), site.sibling("list"));
    assert!(Command::new("mkfifo").arg(&list).status().unwrap().success());
    let started = on_github(site.run(vendor.address(), &["refresh", "-f", list.to_str().unwrap()]), &output).start();
    // Opening it waits for the other end.
    let _writer = std::fs::OpenOptions::new().write(true).open(&list).unwrap();
    is_interrupted(started, &output, "the changes were looked for");
    vendor.accepted(&[], &[]);
}

#[test]
fn a_journal_that_can_not_be_written_any_more_stops_the_run_and_the_next_one_goes_on() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    // A disk that is full after two blocks.
    let finished = run(&site, &vendor).after("trap '' XFSZ; ulimit -f 2").finish();
    finished.ends_with(3).says(&["the journal can't be written any more, so nothing more may be sent"]);
    let sent = vendor.ledger().len();
    assert!((1..6).contains(&sent), "{sent} URLs were sent");
    run(&site, &vendor).finish().is_all_done();
    vendor.accepted(&STALE, &WARM);
}

/// The site with one page changed by the last commit.
fn next_commit(site: &Site, content: &str) {
    site.write("public/index.html", content);
    site.commit("Change the page");
}

fn run_of_the_last_commit(site: &Site, vendor: &Vendor, arguments: &[&str]) -> Run {
    let journal = site.sibling("journal");
    let run = site.run(vendor.address(), arguments).args(&["--base", "HEAD~1", "--prefetch=false"]);
    run.args(&["--journal", journal.to_str().unwrap()])
}

#[test]
fn what_an_earlier_commit_left_is_no_reason_not_to_send_the_same_urls_for_the_next_one() {
    let vendor = Vendor::start(&["--task-seconds", "600"]);
    let site = Site::new();
    for content in ["one", "two"] {
        next_commit(&site, content);
        let home = site.run(vendor.address(), &["run", "--base", "HEAD~1", "--prefetch=false"]);
        home.args(&["--timeout", "1s"]).finish().ends_with(4);
    }
    vendor.accepted(&["index.html", "index.html"], &[]);
}

#[test]
fn a_run_that_was_not_asked_to_wait_stands_in_no_later_runs_way() {
    let vendor = Vendor::start(&["--task-seconds", "600"]);
    let site = Site::new();
    run_of_the_last_commit(&site, &vendor, &["run", "--wait", "none"]).finish().ends_with(0);
    for content in ["one", "two"] {
        next_commit(&site, content);
        run_of_the_last_commit(&site, &vendor, &["run", "--wait", "none"]).finish().ends_with(0);
    }
    vendor.accepted(&[&STALE[..], &["index.html", "index.html"]].concat(), &[]);
}

#[test]
fn a_list_that_was_not_waited_for_is_sent_again_when_it_is_given_again() {
    let vendor = Vendor::start(&[]);
    let site = Site::new();
    let arguments = ["https://www.example.com/index.html", "--prefetch", "--wait", "none"];
    for _ in 0..2 {
        site.run(vendor.address(), &["refresh"]).args(&arguments).finish().ends_with(0);
    }
    vendor.accepted(&["index.html", "index.html"], &[]);
}

#[test]
fn what_timed_out_is_finished_by_wait_and_refused_to_another_commit_with_what_to_do() {
    let vendor = Vendor::start(&["--task-seconds", "4"]);
    let site = Site::new();
    let first = site.git(&["rev-parse", "HEAD"]);
    run_of_the_last_commit(&site, &vendor, &["run", "--timeout", "1s"]).finish().ends_with(4);
    next_commit(&site, "one");
    let refused = run_of_the_last_commit(&site, &vendor, &["run"]).finish();
    refused.complains(3, &["can't be resumed: it is about the commit", &first[..12], "`cdn-purge wait`"]);
    let (base, journal) = (format!("{first}~1"), site.sibling("journal"));
    let wait = site.run(vendor.address(), &["wait", "--base", &base, "--head", &first, "--prefetch=false"]);
    wait.args(&["--journal", journal.to_str().unwrap()]).finish().is_all_done();
    run_of_the_last_commit(&site, &vendor, &["run"]).finish().is_all_done();
    vendor.accepted(&[&STALE[..], &["index.html"]].concat(), &[]);
}

#[test]
fn a_signal_while_a_long_log_is_read_ends_the_run_at_once() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    // One line of zeros that takes no place on the disk, and a while to be read.
    let log = std::fs::File::create(site.repository().join("access.log")).unwrap();
    log.set_len(6 << 30).unwrap();
    let output = site.sibling("output");
    let run = on_github(run(&site, &vendor), &output).args(&["--base", "HEAD~1", "--popularity", "access.log"]);
    let started = run.start();
    started.wait_for("4 changed files");
    is_interrupted(started, &output, "the plan was made");
    vendor.accepted(&[], &[]);
}
