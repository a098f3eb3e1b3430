//! Writes the summary of a run, or the plan of a dry run, as plain text.

use std::fmt::Write as _;

use crate::config::Mode;
use crate::model::Outcome;
use crate::plan::Lane;
use crate::report::phrases::{
    NOTHING_MAPPED_HINT, carried_out, daily_share, done_means, evidence, operation_word, outcome_words, pace, price,
    purges_everything, short_commit, stop_word, usual_time, verdict, verified,
};
use crate::report::{LaneReport, Report, Row, Status, lane_counts, lane_quotas, lane_rows};
use crate::text::format::{counted, grouped};

/// Up to this many failed URLs, and unmapped files, are listed.
const LISTED: usize = 10;

/// Where the others are: outside CI there is a report only on request.
const ELSEWHERE: &str = "set `report-file` to get all of them";

/// What happened, in a few lines.
pub fn summary(report: &Report<'_>) -> String {
    outcome(report, true)
}

/// The same below a log, without the commits and the notes that the log has.
pub fn result(report: &Report<'_>) -> String {
    outcome(report, false)
}

fn outcome(report: &Report<'_>, is_alone: bool) -> String {
    let mut text = format!("cdn-purge: {}\n", verdict(report));
    if is_alone || report.plan.is_empty() {
        range(report, &mut text);
    }
    warning(report, &mut text);
    // Where nothing was to be sent, nothing is done.
    for (lane, of) in report.lanes_with_reports().filter(|_| report.context.mode != Mode::Verify) {
        lane_summary(lane, of, &mut text);
    }
    verification(report, &mut text);
    failures(report, &mut text);
    for note in report.notes.iter().filter(|_| is_alone) {
        line(&mut text, &format!("  note: {note}"));
    }
    skipped(report, &mut text);
    text
}

/// The plan of a dry run: what would be sent, what it costs, how long it may take. At most `shown` URLs of each
/// operation.
pub fn plan(report: &Report<'_>, shown: usize) -> String {
    let mut text = format!("cdn-purge: {}\n", verdict(report));
    range(report, &mut text);
    warning(report, &mut text);
    for (lane, of) in report.lanes_with_reports() {
        lane_plan(lane, of, shown, &mut text);
    }
    let time = usual_time(report).map(|time| format!("  {time}"));
    time.into_iter().for_each(|time| line(&mut text, &time));
    failures(report, &mut text);
    skipped(report, &mut text);
    text
}

fn range(report: &Report<'_>, text: &mut String) {
    let files = counted(report.context.changed_files, "changed file", "changed files");
    if let Some(built) = &report.context.built {
        return line(text, &format!("  {}", built.summary));
    }
    if let Some(list) = &report.context.list {
        line(text, &format!("  {files} in the list `{list}`"));
    }
    let Some(range) = &report.context.range else { return };
    let base = range.base.as_deref().map_or("(empty)", short_commit);
    line(text, &format!("  {base}..{}: {files} (base: {})", short_commit(&range.head), range.reason));
}

fn warning(report: &Report<'_>, text: &mut String) {
    purges_everything(report).iter().for_each(|warning| line(text, &format!("  WARNING: {warning}")));
}

fn lane_head(lane: &Lane) -> String {
    format!("  {} ({})", lane.target.name, lane.target.provider.title)
}

fn lane_summary(lane: &Lane, of: &LaneReport, text: &mut String) {
    line(text, &lane_head(lane));
    let quotas = lane_quotas(of);
    for (operation, counts) in lane_counts(lane, of) {
        let meaning = done_means(lane, of, operation).filter(|_| counts.done > 0).map(|text| format!(" ({text})"));
        let done =
            format!("{} of {} done{}", grouped(counts.done), grouped(counts.planned), meaning.unwrap_or_default());
        let mut parts = vec![done];
        parts.extend(outcome_words(counts).map(|(count, word)| format!("{} {word}", grouped(count))));
        if let Some((_, before, after)) = quotas.iter().find(|(of, ..)| *of == operation) {
            let left = after
                .or(*before)
                .map(|entry| format!("quota: {} of {} left", grouped(entry.remaining), grouped(entry.limit)));
            parts.extend(left);
        }
        line(text, &format!("    {:<24}{}", operation_word(operation), parts.join(", ")));
    }
    for stop in &of.stops {
        line(text, &format!("    {}: {}", stop_word(stop.operation), stop.why));
    }
}

fn failures(report: &Report<'_>, text: &mut String) {
    let is_failure = |row: &Row<'_>| matches!(row.ended.outcome, Some(Outcome::Failed(_) | Outcome::Unknown(_)));
    let count = report.rows().filter(is_failure).count();
    for row in report.rows().filter(is_failure).take(LISTED) {
        let task = &row.planned.task;
        let reason = row.ended.reason().unwrap_or_default();
        line(text, &format!("  {}: {} {}: {reason}", row.ended.name(), operation_word(task.operation), task.subject));
    }
    more(count, LISTED, "  ", ELSEWHERE, text);
    // The reason that stopped a target is shown with the target.
    let is_shown = |why: &str| report.lanes_with_reports().any(|(_, of)| of.stops.iter().any(|stop| stop.why == why));
    let reasons: Vec<_> = report.unsubmitted_reasons().into_iter().filter(|(why, _)| !is_shown(why)).collect();
    for (reason, count) in reasons.iter().take(LISTED) {
        line(text, &format!("  unsubmitted: {}: {reason}", counted(*count, "URL", "URLs")));
    }
    more(reasons.len(), LISTED, "  ", ELSEWHERE, text);
}

/// What fetches through the CDN showed, and each URL that isn't fresh, the worst first.
fn verification(report: &Report<'_>, text: &mut String) {
    let Some(sentence) = verified(report) else { return };
    line(text, &format!("  {sentence}"));
    for (row, verified) in report.not_fresh().take(LISTED) {
        let url = &row.planned.task.subject;
        line(text, &format!("    {}: {url}: {}", verified.verdict.name(), evidence(verified)));
    }
    more(report.not_fresh().count(), LISTED, "    ", ELSEWHERE, text);
}

fn lane_plan(lane: &Lane, of: &LaneReport, shown: usize, text: &mut String) {
    line(text, &lane_head(lane));
    for (operation, counts) in lane_counts(lane, of) {
        let batches = lane.batch_count(operation);
        let cost = daily_share(lane, operation, lane.cost(operation) as usize).map(|share| format!("; {share}"));
        let head = format!(
            "    {}: {} in {}{}",
            operation_word(operation),
            counted(counts.planned, "URL", "URLs"),
            counted(batches, "batch", "batches"),
            cost.unwrap_or_default()
        );
        line(text, &head);
        carried_out(lane, operation).into_iter().for_each(|how| line(text, &format!("      {how}")));
        let rows = || lane_rows(lane, of).filter(|row| row.planned.task.operation == operation);
        for row in rows().take(shown) {
            line(text, &format!("      {}", row.planned.task.subject));
        }
        more(counts.planned, shown, "      ", ELSEWHERE, text);
    }
    [pace(lane), price(lane)].iter().flatten().for_each(|more| line(text, &format!("    {more}")));
}

fn skipped(report: &Report<'_>, text: &mut String) {
    let skipped = &report.plan.skipped;
    if skipped.is_empty() {
        return;
    }
    line(text, &format!("  not mapped to a URL: {}:", counted(skipped.len(), "changed file", "changed files")));
    for skipped in skipped.iter().take(LISTED) {
        line(text, &format!("    {}: {}", skipped.file, skipped.why));
    }
    more(skipped.len(), LISTED, "    ", "see `cdn-purge explain`", text);
    if report.status() == Status::NothingToDo {
        line(text, &format!("  {NOTHING_MAPPED_HINT}"));
    }
}

fn more(count: usize, listed: usize, indent: &str, where_else: &str, text: &mut String) {
    if count > listed {
        line(text, &format!("{indent}… and {} more; {where_else}", grouped(count - listed)));
    }
}

/// One line, whatever it holds: a line break in a name must not forge a line.
fn line(text: &mut String, line: &str) {
    writeln!(text, "{}", crate::text::sanitize(line)).expect("writing to a string can't fail");
}

#[cfg(test)]
mod tests;
