//! Writes the job summary in Markdown, as GitHub and GitLab render it.
//!
//! Names and messages of others are code spans, where Markdown, HTML, mentions and links have no effect. The summary is cut
//! at whole rows and counts the rows it leaves out, because a CI host drops a summary that is too long without a word.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::config::Mode;
use crate::error::{Diagnostic, Error};
use crate::model::{Operation, Outcome, Verification};
use crate::plan::Lane;
use crate::report::phrases::{
    NOTHING_MAPPED_HINT, done_means, evidence, operation_word, purges_everything, short_commit, stop_word, verdict,
    verified,
};
use crate::report::{Counts, LaneReport, Report, Row, Status, Timeline, lane_counts, lane_quotas, lane_rows};
use crate::text::format::{counted, duration, grouped};
use crate::text::sanitize;

use self::page::{Page, code, html, link, prose};

mod page;
mod plan;

/// Up to this many unmapped files are shown unfolded in a plan.
const SHOWN: usize = 20;

/// Up to this many URLs that need attention are listed: the results of the targets come after them.
const LISTED: usize = 500;

/// The summary, in at most `budget` bytes.
pub fn markdown(report: &Report<'_>, budget: usize) -> String {
    let mut page = Page::new(budget);
    page.block(&heading(report));
    page.block(&question(report));
    page.block(&purges_everything(report).map(|text| format!("> [!WARNING]\n> {}", prose(&text))).unwrap_or_default());
    verification(report, &mut page);
    failures(report, &mut page);
    unsubmitted(report, &mut page);
    targets(report, &mut page);
    stops(report, &mut page);
    notes(report, &mut page);
    page.block(&timeline(report));
    urls(report, &mut page);
    skipped(report, &mut page);
    page.into_text()
}

/// The summary of a run that failed before sending anything: what, where, and what to do, for each problem.
pub fn error(error: &Error) -> String {
    let mut text = "### ❌ cdn-purge: failed before sending anything\n\n".to_owned();
    for problem in error.diagnostics() {
        let id = problem.id().map(|id| format!("[{id}]({}) ", Diagnostic::link(id))).unwrap_or_default();
        let place = problem.place.map(|place| format!("{}: ", code(&place.to_string()))).unwrap_or_default();
        let help = problem.help.map(|help| format!("help: {help}")).unwrap_or_default();
        let help: String = help.lines().map(|line| format!("  \n  {}", prose(&sanitize(line)))).collect();
        text.push_str(&format!("- {id}{place}{}{help}\n", prose(&sanitize(&problem.title))));
    }
    text.push('\n');
    text
}

fn heading(report: &Report<'_>) -> String {
    let mark = match (report.status(), report.exit_code() as u8) {
        (Status::Planned, 0) if report.context.mode == Mode::DryRun => "📝",
        // Files changed, and no rule maps them: perhaps as it should be, perhaps a mistake in the rules.
        (Status::NothingToDo, 0) if report.context.changed_files > 0 => "⚠️",
        (Status::Done | Status::NothingToDo | Status::Planned, 0) => "✅",
        (_, 0) => "⚠️",
        _ => "❌",
    };
    format!("### {mark} cdn-purge: {}", verdict(report))
}

fn question(report: &Report<'_>) -> String {
    let files = counted(report.context.changed_files, "changed file", "changed files");
    let mut lines = match (&report.context.built, &report.context.range) {
        (Some(built), _) => vec![prose(&built.summary)],
        (None, Some(range)) => {
            let commit = |id: &str| match &report.context.commit_page {
                Some(page) if id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                    format!("[{}]({page}{id})", code(short_commit(id)))
                }
                _ => code(short_commit(id)),
            };
            let base = range.base.as_deref().map_or_else(|| "(empty)".into(), commit);
            vec![format!("{base} → {}: {files}. Base: {}", commit(&range.head), prose(&range.reason))]
        }
        (None, None) => vec![match &report.context.list {
            Some(list) => format!("{files} in the list {}", code(list)),
            None => "URLs from a list".to_owned(),
        }],
    };
    if let Some(config) = &report.context.config {
        lines.push(format!("Rules: {}", code(config)));
    }
    lines.join("  \n")
}

fn targets(report: &Report<'_>, page: &mut Page) {
    match report.context.mode {
        Mode::DryRun => return plan::costs(report, page),
        Mode::Verify => return,
        Mode::Real | Mode::Simulate => {}
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
            if let Some(meaning) = done_means(lane, of, *operation).filter(|_| counts.done > 0) {
                cells[2] = format!("{} ({meaning})", cells[2]);
            }
            cells.push(quota.unwrap_or_else(|| "–".into()));
            cells
        };
        let header = ["operation", "planned", "done", "failed", "unsubmitted", "unknown", "quota left: before → after"];
        page.table(None, &header, counts.len(), counts.iter().map(row));
    }
}

/// When each target submitted, refreshed and prefetched, as a chart that GitHub and GitLab draw.
fn timeline(report: &Report<'_>) -> String {
    let mut chart = String::new();
    for (lane, of) in report.lanes_with_reports() {
        let Timeline { first_submitted, last_submitted, last_refreshed, first_prefetch, last_prefetched } = of.timeline;
        let bars = [
            ("submit", first_submitted, last_submitted),
            ("refresh", first_submitted, last_refreshed),
            ("prefetch", first_prefetch, last_prefetched),
        ];
        let mut section = String::new();
        for (name, from, to) in bars {
            if let (Some(from), Some(to)) = (from, to) {
                let _ = writeln!(
                    section,
                    "    {name} {} :{}, {}",
                    duration(to.saturating_sub(from)),
                    moment(from),
                    moment(to)
                );
            }
        }
        if !section.is_empty() {
            let name: String =
                lane.target.name.chars().filter(|letter| letter.is_alphanumeric() || "-_.".contains(*letter)).collect();
            let _ = write!(chart, "    section {name}\n{section}");
        }
    }
    if chart.is_empty() {
        return chart;
    }
    format!(
        "<details><summary>Timeline</summary>\n\n```mermaid\ngantt\n    dateFormat YYYY-MM-DD HH:mm:ss.SSS\n    axisFormat %H:%M:%S\n{chart}```\n\n</details>"
    )
}

/// A time since the run began, on a made-up day: Mermaid knows no other than a moment in the reader's time zone.
fn moment(elapsed: Duration) -> String {
    let start = jiff::civil::date(2000, 1, 1).at(0, 0, 0, 0);
    start.saturating_add(elapsed).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
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
            code(&row.lane.target.name),
            operation_word(row.planned.task.operation),
            link(&row.planned.task.subject.text()),
            code(row.ended.reason().unwrap_or_default()),
            task_id,
        ]
    };
    let header = ["outcome", "target", "operation", "URL", "reason, in the provider's words", "task id"];
    page.table(None, &header, count, report.rows().filter(is_failure).take(LISTED).map(cells));
}

/// What fetches through the CDN showed, and each URL that isn't fresh, the worst first.
fn verification(report: &Report<'_>, page: &mut Page) {
    let Some(sentence) = verified(report) else { return };
    page.block(&format!("{sentence}."));
    let cells = |(row, verified): (Row<'_>, &Verification)| {
        let url = link(&row.planned.task.subject.text());
        vec![verified.verdict.name().into(), code(&row.lane.target.name), url, code(&evidence(verified))]
    };
    page.table(
        None,
        &["verdict", "target", "URL", "evidence"],
        report.not_fresh().count(),
        report.not_fresh().take(LISTED).map(cells),
    );
}

fn unsubmitted(report: &Report<'_>, page: &mut Page) {
    let mut reasons: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in report.rows() {
        if let Some(Outcome::Unsubmitted(reason)) = &row.ended.outcome {
            *reasons.entry((&row.lane.target.name, reason)).or_default() += 1;
        }
    }
    if reasons.is_empty() || !page.block("**Not submitted**") {
        return;
    }
    let cells = |((target, reason), count): (&(&str, &str), &usize)| vec![grouped(*count), code(target), code(reason)];
    page.table(None, &["URLs", "target", "reason"], reasons.len(), reasons.iter().map(cells));
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
            link(&row.planned.task.subject.text()),
            operation_word(row.planned.task.operation),
            match row.covered_by() {
                Some(wider) => format!("{}, covered by {}", row.ended.name(), link(&wider)),
                None => row.ended.name().into(),
            },
            because,
        ]
    };
    page.table(Some(&title), &["URL", "operation", "outcome", "source file"], count, lane_rows(lane, of).map(cells));
}

fn skipped(report: &Report<'_>, page: &mut Page) {
    let skipped = &report.plan.skipped;
    let heading = format!("{} not mapped to a URL", counted(skipped.len(), "changed file", "changed files"));
    let cells = |skipped: &crate::model::Skipped| vec![code(&skipped.file.to_string()), prose(&skipped.why)];
    // In a plan, a reader looks for files that should have been mapped.
    let is_open = report.context.mode == Mode::DryRun && !skipped.is_empty() && skipped.len() <= SHOWN;
    if is_open {
        page.block(&format!("**{heading}**"));
    }
    let fold = Some(heading.as_str()).filter(|_| !is_open);
    page.table(fold, &["file", "reason"], skipped.len(), skipped.iter().map(cells));
    if report.status() == Status::NothingToDo && !skipped.is_empty() {
        page.block(&prose(NOTHING_MAPPED_HINT));
    }
}

#[cfg(test)]
mod tests;
