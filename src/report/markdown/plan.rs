//! The parts of a dry run's summary: the cost of the plan, and which file refreshes which URL.

use super::page::{Page, code, html, link};
use crate::model::Operation;
use crate::plan::Lane;
use crate::report::phrases::{carried_out, daily_share, operation_word, pace, price, usual_time};
use crate::report::{Counts, LaneReport, Report, Row, lane_counts, lane_rows};
use crate::text::format::{counted, grouped};

/// The requests, quota and time that the plan would take.
pub(super) fn costs(report: &Report<'_>, page: &mut Page) {
    for (lane, of) in report.lanes_with_reports() {
        page.block(&format!("**{}** ({})", code(&lane.target.name), lane.target.provider.title));
        let counts = lane_counts(lane, of);
        let row = |(operation, counts): &(Operation, Counts)| {
            let share = daily_share(lane, *operation, lane.cost(*operation) as usize);
            let batches = lane.batch_count(*operation);
            let share = share.unwrap_or_else(|| "–".into());
            vec![operation_word(*operation), grouped(counts.planned), grouped(batches), share]
        };
        let header = ["operation", "URLs", "requests", "quota use"];
        page.table(None, &header, counts.len(), counts.iter().map(row));
        for (operation, _) in &counts {
            page.block(
                &carried_out(lane, *operation)
                    .map(|how| format!("{}: {how}.", operation_word(*operation)))
                    .unwrap_or_default(),
            );
        }
        for text in [pace(lane), price(lane)].into_iter().flatten() {
            page.block(&format!("{text}."));
        }
    }
    page.block(&usual_time(report).map(|time| format!("It would take {time}.")).unwrap_or_default());
}

/// Which file would refresh or prefetch which URL.
pub(super) fn urls(lane: &Lane, of: &LaneReport, page: &mut Page) {
    let count = lane.tasks.len();
    let title = format!("{} at {}", counted(count, "URL", "URLs"), html(&lane.target.name));
    let cells = |row: Row<'_>| {
        let task = &row.planned.task;
        let first = task.because.first();
        let file =
            first.and_then(|reason| reason.file.as_ref()).map_or_else(|| "–".into(), |file| code(&file.to_string()));
        let more = match task.because.len() {
            0 | 1 => String::new(),
            several => format!(" and {} more", grouped(several - 1)),
        };
        let rule = first.map_or_else(|| "–".into(), |reason| code(&reason.rule));
        let operation = operation_word(task.operation);
        let operation = match row.covered_by() {
            Some(wider) => format!("{operation}, covered by {}", link(&wider)),
            None => operation,
        };
        vec![format!("{file}{more}"), link(&task.subject.text()), operation, rule]
    };
    page.table(Some(&title), &["file", "URL", "operation", "rule"], count, lane_rows(lane, of).map(cells));
}
