//! Writes the job summary in Markdown, as GitHub and GitLab render it.
//!
//! Names and messages of others are code spans, where Markdown, HTML, mentions and links have no effect. The summary is cut
//! at whole rows and counts the rows it leaves out, because a CI host drops a summary that is too long without a word.

use crate::config::Mode;
use crate::error::Error;
use crate::model::{Operation, Outcome};
use crate::plan::Lane;
use crate::report::phrases::{NOTHING_MAPPED_HINT, operation_word, short_commit, stop_word, verdict};
use crate::report::{Counts, LaneReport, Report, Row, Status, Timeline, lane_counts, lane_quotas, lane_rows};
use crate::text::format::{counted, duration, grouped};
use crate::text::sanitize;

use self::page::{Page, code, html, prose};

mod page;
mod plan;

/// Up to this many unmapped files are shown unfolded in a plan.
const SHOWN: usize = 20;

/// The summary, in at most `budget` bytes.
pub fn markdown(report: &Report<'_>, budget: usize) -> String {
    let mut page = Page::new(budget);
    page.block(&heading(report));
    page.block(&question(report));
    targets(report, &mut page);
    stops(report, &mut page);
    failures(report, &mut page);
    unsubmitted(report, &mut page);
    notes(report, &mut page);
    urls(report, &mut page);
    skipped(report, &mut page);
    page.into_text()
}

/// The summary of a run that failed before sending anything: what, where, and what to do, for each problem.
pub fn error(error: &Error) -> String {
    let mut text = "### ❌ cdn-purge: failed before sending anything\n\n".to_owned();
    for problem in error.diagnostics() {
        let place = problem.place.map(|place| format!("{}: ", code(&place.to_string()))).unwrap_or_default();
        let help = problem.help.map(|help| format!("  \n  help: {}", prose(&sanitize(&help)))).unwrap_or_default();
        text.push_str(&format!("- {place}{}{help}\n", prose(&sanitize(&problem.title))));
    }
    text.push('\n');
    text
}

fn heading(report: &Report<'_>) -> String {
    let mark = match (report.status(), report.exit_code() as u8) {
        (Status::Done | Status::NothingToDo | Status::Planned, 0) => "✅",
        (_, 0) => "⚠️",
        _ => "❌",
    };
    format!("### {mark} cdn-purge: {}", verdict(report))
}

fn question(report: &Report<'_>) -> String {
    let files = counted(report.context.changed_files, "changed file", "changed files");
    let mut lines = match &report.context.range {
        Some(range) => {
            let base = range.base.as_deref().map_or_else(|| "(empty)".into(), |base| code(short_commit(base)));
            vec![format!("{base} → {}: {files}. Base: {}", code(short_commit(&range.head)), prose(&range.reason))]
        }
        None => vec!["URLs from a list".to_owned()],
    };
    if let Some(config) = &report.context.config {
        lines.push(format!("Rules: {}", code(config)));
    }
    lines.join("  \n")
}

fn targets(report: &Report<'_>, page: &mut Page) {
    if report.context.mode == Mode::DryRun {
        return plan::costs(report, page);
    }
    for (lane, of) in report.lanes_with_reports() {
        page.block(&format!("**{}** ({})", code(&lane.target.name), lane.target.provider.title));
        let quotas = lane_quotas(of);
        let counts = lane_counts(lane, of);
        let row = |(operation, counts): &(Operation, Counts)| {
            let quota = quotas.iter().find(|(quota, ..)| quota == operation).map(|(_, before, after)| {
                let left = |entry: &Option<_>| {
                    entry.map_or("?".to_owned(), |entry: crate::model::QuotaEntry| grouped(entry.remaining))
                };
                let limit = after.or(*before).map_or("?".to_owned(), |entry| grouped(entry.limit));
                format!("{} → {} of {limit}", left(before), left(after))
            });
            let mut cells = vec![operation_word(*operation), grouped(counts.planned)];
            cells.extend([counts.done, counts.failed, counts.unsubmitted, counts.unknown].map(grouped));
            cells.push(quota.unwrap_or_else(|| "–".into()));
            cells
        };
        let header = ["operation", "planned", "done", "failed", "unsubmitted", "unknown", "quota left: before → after"];
        page.table(None, &header, counts.len(), counts.iter().map(row));
        page.block(&timeline(of.timeline, report));
    }
}

fn timeline(timeline: Timeline, report: &Report<'_>) -> String {
    let moments = [
        ("first batch accepted", timeline.first_submitted),
        ("last batch accepted", timeline.last_submitted),
        ("last refresh done", timeline.last_refreshed),
        ("last prefetch done", timeline.last_prefetched),
        ("end", (timeline != Timeline::default()).then_some(report.elapsed)),
    ];
    let shown: Vec<_> =
        moments.into_iter().filter_map(|(what, at)| at.map(|at| format!("{what} {}", duration(at)))).collect();
    if shown.is_empty() { String::new() } else { format!("Timeline: {}", shown.join(" · ")) }
}

fn stops(report: &Report<'_>, page: &mut Page) {
    for (lane, of) in report.lanes_with_reports() {
        for stop in &of.stops {
            page.block(&format!("- {}: {}: {}", code(&lane.target.name), stop_word(stop.operation), code(&stop.why)));
        }
    }
}

fn failures(report: &Report<'_>, page: &mut Page) {
    let is_failure = |row: &Row<'_>| !matches!(row.ended.outcome, None | Some(Outcome::Done | Outcome::Unsubmitted(_)));
    let count = report.rows().filter(is_failure).count();
    if count == 0
        || !page.block(&format!(
            "**{} {} attention**",
            counted(count, "URL", "URLs"),
            if count == 1 { "needs" } else { "need" }
        ))
    {
        return;
    }
    let cells = |row: Row<'_>| {
        let task_id = row.ended.task_id.as_deref().map_or("–".into(), code);
        vec![
            row.ended.name().into(),
            operation_word(row.planned.task.operation),
            code(&row.planned.task.subject.text()),
            code(row.ended.reason().unwrap_or_default()),
            task_id,
        ]
    };
    let header = ["outcome", "operation", "URL", "reason, in the provider's words", "task id"];
    page.table(None, &header, count, report.rows().filter(is_failure).map(cells));
}

fn unsubmitted(report: &Report<'_>, page: &mut Page) {
    let reasons = report.unsubmitted_reasons();
    if reasons.is_empty() || !page.block("**Not submitted**") {
        return;
    }
    let cells = |(reason, count): &(&str, usize)| vec![grouped(*count), code(reason)];
    page.table(None, &["URLs", "reason"], reasons.len(), reasons.iter().map(cells));
}

fn notes(report: &Report<'_>, page: &mut Page) {
    for note in &report.notes {
        page.block(&format!("- {}", prose(note)));
    }
}

fn urls(report: &Report<'_>, page: &mut Page) {
    for (lane, of) in report.lanes_with_reports() {
        if report.context.mode == Mode::DryRun {
            plan::urls(lane, of, page);
        } else {
            lane_urls(lane, of, page);
        }
    }
}

fn lane_urls(lane: &Lane, of: &LaneReport, page: &mut Page) {
    let count = lane.tasks.len();
    let title = format!("{} at {}", counted(count, "URL", "URLs"), html(&lane.target.name));
    let cells = |row: Row<'_>| {
        let because = row.planned.task.because.first().map_or_else(
            || "–".to_owned(),
            |reason| {
                let file =
                    reason.file.as_ref().map(|file| format!("{} by ", code(&file.to_string()))).unwrap_or_default();
                let more = row.planned.task.because.len() - 1;
                let more = if more > 0 { format!(" and {} more", grouped(more)) } else { String::new() };
                format!("{file}{}{more}", code(&reason.rule))
            },
        );
        vec![
            code(&row.planned.task.subject.text()),
            operation_word(row.planned.task.operation),
            row.ended.name().into(),
            because,
        ]
    };
    page.table(Some(&title), &["URL", "operation", "outcome", "source file"], count, lane_rows(lane, of).map(cells));
}

fn skipped(report: &Report<'_>, page: &mut Page) {
    let skipped = &report.plan.skipped;
    let title = format!("{} not mapped to a URL", counted(skipped.len(), "changed file", "changed files"));
    let cells = |skipped: &crate::model::Skipped| vec![code(&skipped.file.to_string()), prose(&skipped.why)];
    // In a plan, a reader looks for files that should have been mapped.
    let is_open = report.context.mode == Mode::DryRun && !skipped.is_empty() && skipped.len() <= SHOWN;
    if is_open {
        page.block(&format!("**{title}**"));
    }
    let fold = Some(title.as_str()).filter(|_| !is_open);
    page.table(fold, &["file", "reason"], skipped.len(), skipped.iter().map(cells));
    if report.status() == Status::NothingToDo && !skipped.is_empty() {
        page.block(&prose(NOTHING_MAPPED_HINT));
    }
}

#[cfg(test)]
mod tests;
