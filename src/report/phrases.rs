//! The phrases that reports and progress share.

use std::time::Duration;

use crate::config::Mode;
use crate::model::{Operation, QuotaEntry, Resumed, Verdict, VerdictCounts, Verification};
use crate::plan::{Lane, Pace};
use crate::provider::warm;
use crate::report::{Counts, LaneReport, Report, Row, Status, lane_rows};
use crate::text::format::{counted, duration, grouped};

/// The progress of an earlier run that this run resumes, and how to start over.
pub fn earlier_run(earlier: &Resumed) -> String {
    let Resumed { tasks, begun, journal } = earlier;
    let begun = begun.strftime("%Y-%m-%dT%H:%M:%SZ");
    let (tasks, journal) = (grouped(*tasks), journal.display());
    format!(
        "{tasks} done or followed from the run that began at {begun}; to send all again, delete its journal `{journal}`"
    )
}

/// `9,988 of 10,000 URL refreshes`.
pub fn quota_word(entry: &QuotaEntry) -> String {
    format!("{} of {} {}", grouped(entry.remaining), grouped(entry.limit), entry.operation.unit())
}

/// `no more URL refreshes are submitted`, `nothing more is submitted`.
pub fn stop_word(operation: Option<Operation>) -> String {
    match operation {
        Some(operation) => format!("no more {} are submitted", operation.unit()),
        None => "nothing more is submitted".into(),
    }
}

/// How long the rate limit makes the purges of single URLs take, and what would be faster; `None` where that isn't long.
pub(super) fn pace(lane: &Lane) -> Option<String> {
    let Pace { urls, takes, directories } = lane.pace()?;
    let faster = directories.map(|(count, time)| {
        let count = counted(count, "directory", "directories");
        let time = if time < Duration::from_secs(1) { "no time".to_owned() } else { duration(time) };
        format!("; as {count} they would take {time}, and everything below would be purged (`directories` in a rule)")
    });
    let urls = counted(urls, "URL takes", "URLs take");
    Some(format!("{urls} {} at the provider's rate limit{}", duration(takes), faster.unwrap_or_default()))
}

/// What a target's part of the plan may cost; `None` where it costs nothing.
pub(super) fn price(lane: &Lane) -> Option<String> {
    let (count, price) = lane.price()?;
    let sum = |count: u64| format!("US$ {:.2}", price.each * count as f64);
    let beyond = match count.saturating_sub(price.free_in_a_month) {
        0 => "nothing".to_owned(),
        beyond => sum(beyond),
    };
    Some(format!(
        "{} at US$ {} each: {}, or {beyond} if the account has used none of the {} that are free each month",
        counted(count as usize, price.item.0, price.item.1),
        price.each,
        sum(count),
        grouped(price.free_in_a_month as usize),
    ))
}

/// How an operation is carried out in the plan, where it isn't by a call of the provider's API.
pub(super) fn carried_out(lane: &Lane, operation: Operation) -> Option<&'static str> {
    lane.target.provider.is_warmed(operation).then_some(
        "this CDN has no prefetch API, so each URL is fetched once through the CDN: this warms the point of presence nearest \
         to this machine and the shield behind it",
    )
}

/// What `done` means at a target; `None` where the provider confirms it.
pub(super) fn done_means(lane: &Lane, of: &LaneReport, operation: Operation) -> Option<&'static str> {
    if lane.target.provider.is_warmed(operation) {
        return Some(warm::MEANING);
    }
    match (lane.is_done_when_accepted(operation), is_confirmed(lane, of, operation)) {
        (true, true) => Some("accepted, and seen fresh through the CDN; it has no status API"),
        (true, false) => Some("accepted; this CDN has no status API"),
        (false, _) => None,
    }
}

/// Whether what is done of an operation is more than accepted: the provider says so, or every URL was seen fresh.
pub(super) fn is_confirmed(lane: &Lane, of: &LaneReport, operation: Operation) -> bool {
    let is_fresh = |row: Row<'_>| row.verified.is_some_and(|verified| verified.verdict == Verdict::Fresh);
    let mut done = lane_rows(lane, of).filter(|row| row.planned.task.operation == operation && row.ended.is_done());
    // Of an operation of which nothing is done, nothing is confirmed either.
    !lane.is_done_when_accepted(operation) || (done.next().is_some_and(is_fresh) && done.all(is_fresh))
}

/// What fetches through the CDN showed: `3 of 4 URLs verified through the CDN: 2 fresh, 1 stale`; nothing where none was to be
/// verified.
pub(super) fn verified(report: &Report<'_>) -> Option<String> {
    let verdicts = report.verdicts()?;
    let Some(words) = verdict_words(verdicts) else { return Some("no URL was verified through the CDN".to_owned()) };
    let all = report.rows().filter(|row| row.planned.task.operation != Operation::Prefetch).count();
    let queried = match &report.context.edges[..] {
        [] => "the point of presence nearest to this machine was".to_owned(),
        [edge] => format!("the point of presence at {edge} was"),
        several => format!("the points of presence at {} were", several.join(", ")),
    };
    let fresh = report.rows().filter_map(|row| row.verified).filter(|seen| seen.verdict == Verdict::Fresh);
    let before: Vec<bool> = fresh.filter_map(|seen| seen.was_old).collect();
    let before = match before.iter().filter(|was_old| **was_old).count() {
        _ if before.is_empty() => String::new(),
        old => format!(
            "; of {} that were also fetched before the refresh, {old} had been old",
            counted(before.len(), "fresh URL", "fresh URLs")
        ),
    };
    Some(format!(
        "{} of {} verified through the CDN: {words}. Only {queried} queried{before}",
        grouped(verdicts.total()),
        counted(all, "URL", "URLs")
    ))
}

/// `2 fresh, 1 stale`, the best first; nothing where no URL was verified.
fn verdict_words(mut counts: VerdictCounts) -> Option<String> {
    let of = |verdict| (verdict, *counts.of(verdict));
    let words = Verdict::ALL.map(of).into_iter().filter(|(_, count)| *count > 0);
    let words: Vec<_> = words.map(|(verdict, count)| format!("{} {}", grouped(count), verdict.name())).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// How a verdict is told: `the bytes of the file before (gzip at 203.0.113.7, fetched 4 times); refreshed again`.
pub(super) fn evidence(verified: &Verification) -> String {
    let times = if verified.tries > 1 { format!(", fetched {} times", verified.tries) } else { String::new() };
    let again = if verified.refreshed_again { "; refreshed again" } else { "" };
    let at = verified.edge.as_ref().map(|edge| format!(" at {edge}")).unwrap_or_default();
    format!("{} ({}{at}{times}){again}", verified.evidence, verified.encoding)
}

/// The first 12 digits of a commit's id.
pub fn short_commit(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// `refresh`, `refresh (directory)`, `prefetch`.
pub fn operation_word(operation: Operation) -> String {
    match operation {
        Operation::Refresh(crate::model::RefreshKind::Url) | Operation::Prefetch => operation.name().into(),
        Operation::Refresh(kind) => format!("refresh ({})", kind.name()),
    }
}

/// The run in a sentence: `12 of 15 URLs done, 1 failed, 2 unknown, in 41 s`.
pub(super) fn verdict(report: &Report<'_>) -> String {
    let counts = report.count(|_| true);
    let how = if report.context.mode == Mode::Simulate { " (a simulation: nothing was sent)" } else { "" };
    match report.status() {
        Status::NothingToDo if report.context.changed_files == 0 => "nothing to do: no file changed".into(),
        Status::NothingToDo => "nothing to do: no changed file is mapped to a URL".into(),
        Status::Planned if report.context.mode == Mode::DryRun => {
            let cant = if counts.failed > 0 {
                format!(", {} of them can't be sent", grouped(counts.failed))
            } else {
                String::new()
            };
            format!("{} planned{cant}, nothing was sent", counted(counts.planned, "URL", "URLs"))
        }
        _ if report.context.mode == Mode::Verify => {
            let verdicts = report.verdicts().unwrap_or_default();
            let words = match verdict_words(verdicts) {
                Some(words) => format!("{words} of {}", counted(verdicts.total(), "URL", "URLs")),
                None => "no URL was verified".to_owned(),
            };
            format!("{words}, after {}; nothing was purged", duration(report.elapsed))
        }
        Status::Stale => {
            let stale = report.rows().filter(Row::is_stale).count();
            let done = counted(counts.done, "URL", "URLs");
            format!("all {done} done, and {} stale all the same, after {}", grouped(stale), duration(report.elapsed))
        }
        Status::Planned | Status::Done => {
            let all = if counts.done > 1 { "all " } else { "" };
            format!("{all}{} done in {}{how}", counted(counts.done, "URL", "URLs"), duration(report.elapsed))
        }
        Status::Partial | Status::Failed | Status::TimedOut => {
            let mut parts =
                vec![format!("{} of {} done", grouped(counts.done), counted(counts.planned, "URL", "URLs"))];
            for (count, word) in outcome_words(counts) {
                parts.push(format!("{} {word}", grouped(count)));
            }
            let interrupted = report.interrupted.map(|signal| format!(", interrupted by {}", signal.name()));
            format!("{}, after {}{}{how}", parts.join(", "), duration(report.elapsed), interrupted.unwrap_or_default())
        }
    }
}

/// ``PURGES EVERYTHING on `www.example.com` ``, where the plan does that.
pub(super) fn purges_everything(report: &Report<'_>) -> Option<String> {
    let hosts: Vec<String> = report.plan.purged_hosts().iter().map(|host| format!("`{host}`")).collect();
    (!hosts.is_empty()).then(|| format!("PURGES EVERYTHING on {}", hosts.join(", ")))
}

/// The outcomes besides done, those that there are, each with its count.
pub fn outcome_words(counts: Counts) -> impl Iterator<Item = (usize, &'static str)> {
    [(counts.failed, "failed"), (counts.unsubmitted, "unsubmitted"), (counts.unknown, "unknown")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
}

/// `12 of 10,000 URL refreshes a day`; `None` where the provider's standard quota isn't known.
pub(super) fn daily_share(lane: &Lane, operation: Operation, count: usize) -> Option<String> {
    let per_day = lane.daily_quota(operation)?;
    Some(format!("{} of {} {} a day", grouped(count), grouped(per_day), operation.unit()))
}

/// `about 15 min, if each task takes its usual time`; `None` for less than a second.
pub(super) fn usual_time(report: &Report<'_>) -> Option<String> {
    let usual = report.plan.usual_duration();
    (usual >= Duration::from_secs(1)).then(|| format!("about {}, if each task takes its usual time", duration(usual)))
}

/// What to do when no changed file is mapped to a URL.
pub(super) const NOTHING_MAPPED_HINT: &str =
    "if one of them is part of the site, run `cdn-purge explain PATH` to see how each rule treats it";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;
    use crate::model::{EventKind, Outcome};
    use crate::provider::{OperationSpec, Spec};
    use crate::report::Context;
    use crate::report::fixture::{self, REFRESH};

    static UNTRACKED: Spec = Spec {
        operations: &[OperationSpec { operation: REFRESH, ..OperationSpec::BARE }],
        tracking: None,
        ..Spec::BARE
    };

    #[test]
    fn an_operation_is_confirmed_once_something_is_done_and_all_of_that_was_seen_fresh() {
        let urls = ["a", "b"].map(|page| format!("https://www.example.com/{page}"));
        let mut plan = fixture::plan_of(&urls);
        plan.lanes[0].target.provider = &UNTRACKED;
        let seen = |task, verdict| {
            let verification = Verification {
                verdict,
                evidence: String::new(),
                edge: None,
                encoding: String::new(),
                tries: 1,
                was_old: None,
                refreshed_again: false,
            };
            fixture::event(2, EventKind::Verified { lane: 0, task, verification })
        };
        let [first, second] = [0, 1].map(|task| fixture::finished(1, 0, task, Outcome::Done, None));
        let fresh = |task| seen(task, Verdict::Fresh);
        for (events, is_confirmed) in [
            (vec![], false),
            (vec![fresh(0)], false),
            (vec![first.clone()], false),
            (vec![first.clone(), fresh(0)], true),
            (vec![first.clone(), second.clone(), fresh(0)], false),
            (vec![first.clone(), second.clone(), fresh(0), seen(1, Verdict::Undecided)], false),
            (vec![first, second, fresh(0), fresh(1)], true),
        ] {
            let report = fixture::report(&plan, fixture::context(Mode::Real), &events);
            let (lane, of) = report.lanes_with_reports().next().expect("the plan has a lane");
            assert_eq!(super::is_confirmed(lane, of, REFRESH), is_confirmed, "{events:?}");
        }
    }

    #[test]
    fn the_edges_are_named_and_what_they_served_before_the_refresh() {
        let plan = fixture::plan_of(&["a", "b", "c"].map(|page| format!("https://www.example.com/{page}")));
        let seen = |task, verdict, was_old| {
            let (evidence, encoding) = ("the bytes of the file before".to_owned(), "gzip".to_owned());
            let edge = Some("203.0.113.7".to_owned());
            let verification =
                Verification { verdict, evidence, edge, encoding, tries: 4, was_old, refreshed_again: true };
            fixture::event(2, EventKind::Verified { lane: 0, task, verification })
        };
        let edges = ["203.0.113.7", "edge2.example.net"].map(str::to_owned).to_vec();
        let context = Context { verify: true, edges, ..fixture::context(Mode::Real) };
        let (fresh, stale) = (Verdict::Fresh, Verdict::Stale);
        let events = [seen(0, fresh, Some(true)), seen(1, fresh, Some(false)), seen(2, stale, Some(true))];
        let report = fixture::report(&plan, context, &events);
        let expected = "3 of 3 URLs verified through the CDN: 2 fresh, 1 stale. Only the points of presence at 203.0.113.7, \
                        edge2.example.net were queried; of 2 fresh URLs that were also fetched before the refresh, 1 had been old";
        assert_eq!(verified(&report).as_deref(), Some(expected));
        let (_, worst) = report.not_fresh().next().expect("one is stale");
        let expected = "the bytes of the file before (gzip at 203.0.113.7, fetched 4 times); refreshed again";
        assert_eq!(evidence(worst), expected);
    }

    #[test]
    fn a_run_that_verified_nothing_says_so() {
        let plan = fixture::plan_of(&["https://www.example.com/".to_owned()]);
        let context = Context { verify: true, ..fixture::context(Mode::Verify) };
        let report = fixture::report(&plan, context, &[]);
        assert_eq!(verified(&report).as_deref(), Some("no URL was verified through the CDN"));
        assert_eq!(verdict(&report), "no URL was verified, after 0.0 s; nothing was purged");
    }
}
