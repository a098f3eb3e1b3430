//! Writes JUnit XML with a test case per URL, which GitLab shows in merge requests and pipelines.
//!
//! Failed and unknown are failures, unsubmitted and planned are skipped: a skipped test is neither green nor red.

use std::io::{self, Write};

use crate::model::{Outcome, Verdict, Verification};
use crate::report::phrases::{evidence, operation_word};
use crate::report::{Counts, Report, Row, lane_rows};
use crate::text::sanitize;

/// Writes the report; a suite per target.
///
/// # Errors
/// Those of the writer.
pub fn write(report: &Report<'_>, writer: &mut dyn Write) -> io::Result<()> {
    writeln!(writer, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(writer, "<testsuites name=\"cdn-purge\">")?;
    for (lane, of) in report.lanes_with_reports() {
        let mut counts = Counts::default();
        lane_rows(lane, of).for_each(|row| counts.add(row.ended));
        let verified = || lane_rows(lane, of).filter_map(|row| Some((row, row.verified?)));
        let stale = verified().filter(|(row, _)| row.is_stale()).count();
        let undecided = verified().filter(|(_, verified)| is_undecided(verified)).count();
        let failures = counts.failed + counts.unknown;
        let skipped = counts.planned - counts.done - failures;
        let name = escape(&lane.target.name);
        let tests = counts.planned + verified().count();
        let (failures, skipped) = (failures + stale, skipped + undecided);
        writeln!(
            writer,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" skipped=\"{skipped}\">"
        )?;
        for row in lane_rows(lane, of) {
            write_case(row, writer)?;
        }
        for (row, verified) in verified() {
            write_verification(row, verified, writer)?;
        }
        writeln!(writer, "  </testsuite>")?;
    }
    writeln!(writer, "</testsuites>")
}

fn write_case(row: Row<'_>, writer: &mut dyn Write) -> io::Result<()> {
    let task = &row.planned.task;
    let class = escape(&format!("{}.{}", task.target, operation_word(task.operation)));
    write!(writer, "    <testcase classname=\"{class}\" name=\"{}\"", escape(&task.subject.text()))?;
    let message = format!("{}: {}", row.ended.name(), row.ended.reason().unwrap_or("nothing was sent"));
    let element = match row.ended.outcome {
        Some(Outcome::Done) => return writeln!(writer, "/>"),
        Some(Outcome::Failed(_) | Outcome::Unknown(_)) => "failure",
        Some(Outcome::Unsubmitted(_)) | None => "skipped",
    };
    writeln!(writer, "><{element} message=\"{}\"/></testcase>", escape(&message))
}

/// A second test case of a URL: whether it is fresh.
fn write_verification(row: Row<'_>, verified: &Verification, writer: &mut dyn Write) -> io::Result<()> {
    let task = &row.planned.task;
    let class = escape(&format!("{}.verify", task.target));
    write!(writer, "    <testcase classname=\"{class}\" name=\"{}\"", escape(&task.subject.text()))?;
    let element = match verified.verdict {
        Verdict::Fresh => return writeln!(writer, "/>"),
        Verdict::Stale => "failure",
        Verdict::Undecided | Verdict::Unreachable => "skipped",
    };
    let message = format!("{}: {}", verified.verdict.name(), evidence(verified));
    writeln!(writer, "><{element} message=\"{}\"/></testcase>", escape(&message))
}

/// Whether nobody can say that a URL is fresh, or that it is stale.
fn is_undecided(verified: &Verification) -> bool {
    matches!(verified.verdict, Verdict::Undecided | Verdict::Unreachable)
}

/// Text inside an attribute; cleaning leaves no character that XML can't hold.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in sanitize(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
