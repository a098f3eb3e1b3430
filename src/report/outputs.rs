//! The step's outputs: counts, ids and a path, never a name that someone else chose.
//!
//! People paste outputs into shell scripts, so a file name in an output would allow code injection (CVE-2023-51664).

use std::path::Path;

use crate::config::Mode;
use crate::model::VerdictCounts;
use crate::report::{Report, Status};

/// The largest list of task ids, in bytes; all outputs of a job together may have 1 MB (docs.github.com, 2026-11-22).
const TASK_IDS_BYTES: usize = 100_000;

/// One output: its name as documented (`task-ids`) and its value.
pub type Output = (&'static str, String);

/// The outputs in their documented order, and a sentence for each thing that had to be left out.
pub fn outputs(report: &Report<'_>, report_file: Option<&Path>) -> (Vec<Output>, Vec<String>) {
    let all = report.count(|_| true);
    let is_real = report.context.mode == Mode::Real;
    let refreshed = report.count(|operation| is_real && operation.name() == "refresh").done;
    let prefetched = report.count(|operation| is_real && operation.name() == "prefetch").done;
    let range = report.context.range.as_ref();
    let VerdictCounts { fresh, stale, unreachable, undecided } = report.verdicts().unwrap_or_default();
    let (task_ids, left_out) = task_ids(&report.task_ids);
    let outputs = vec![
        ("status", report.status().name().to_owned()),
        ("base", range.and_then(|range| range.base.clone()).unwrap_or_default()),
        ("head", range.map(|range| range.head.clone()).unwrap_or_default()),
        ("changed-files", report.context.changed_files.to_string()),
        ("refreshed", refreshed.to_string()),
        ("prefetched", prefetched.to_string()),
        ("failed", all.failed.to_string()),
        ("unsubmitted", all.unsubmitted.to_string()),
        ("unknown", all.unknown.to_string()),
        ("fresh", fresh.to_string()),
        ("stale", stale.to_string()),
        ("unreachable", unreachable.to_string()),
        ("undecided", undecided.to_string()),
        ("task-ids", task_ids),
        ("report", report_file.map(|file| file.display().to_string()).unwrap_or_default()),
    ];
    let notes = match left_out {
        0 => Vec::new(),
        some => vec![format!("`task-ids` leaves out {some} of {}; the report has them all", report.task_ids.len())],
    };
    (outputs, notes)
}

/// The outputs of a run that failed before there was a report, so that a later step reads a correct `status`.
pub fn outputs_of_error() -> Vec<Output> {
    vec![("status", Status::Failed.name().to_owned())]
}

/// As many whole ids as fit. An id with characters that no provider's ids have is not handed on.
fn task_ids(task_ids: &[String]) -> (String, usize) {
    let mut list = String::new();
    let mut left_out = 0;
    for task_id in task_ids {
        let is_plain = |character: char| character.is_ascii_alphanumeric() || "._:-".contains(character);
        let fits = list.len() + 1 + task_id.len() <= TASK_IDS_BYTES;
        if task_id.is_empty() || !task_id.chars().all(is_plain) || !fits {
            left_out += 1;
            continue;
        }
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(task_id);
    }
    (list, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;
    use crate::report::fixture;

    #[test]
    fn outputs_are_counts_ids_and_a_path() {
        let plan = fixture::plan();
        let report = fixture::report(&plan, fixture::context(Mode::Real), &fixture::story());
        let (outputs, notes) = outputs(&report, Some(Path::new("/tmp/report.json")));
        let lines: Vec<_> = outputs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        status=partial
        base=1111111111111111111111111111111111111111
        head=2222222222222222222222222222222222222222
        changed-files=6
        refreshed=1
        prefetched=1
        failed=2
        unsubmitted=1
        unknown=1
        fresh=0
        stale=0
        unreachable=0
        undecided=0
        task-ids=704,705
        report=/tmp/report.json
        ");
        assert_eq!(notes, Vec::<String>::new());
    }

    #[test]
    fn ids_are_cut_at_whole_ids_and_strange_ones_are_left_out() {
        let mut ids: Vec<String> = (0..20_000).map(|id| format!("{id:08}")).collect();
        ids.insert(0, "$(reboot)".into());
        ids.insert(1, "a,b".into());
        let (list, left_out) = task_ids(&ids);
        assert!(list.len() <= TASK_IDS_BYTES && list.split(',').all(|id| id.len() == 8));
        assert_eq!(list.split(',').count() + left_out, ids.len());
    }

    #[test]
    fn names_never_reach_an_output() {
        let urls = ["https://x/$(touch pwned)".to_owned()];
        let plan = fixture::plan_of(&urls);
        let report = fixture::report(&plan, fixture::context(Mode::DryRun), &[]);
        let (outputs, _) = outputs(&report, None);
        assert!(outputs.iter().all(|(_, value)| !value.contains("pwned")));
    }
}
