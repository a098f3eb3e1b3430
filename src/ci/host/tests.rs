use std::fs;

use proptest::prelude::*;
use secrecy::SecretString;

use crate::config::options::{ENTRIES, OUTPUT_PREFIX};
use crate::error::ExitCode;
use crate::text::sanitize::tests::hostile_text;

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn github(folder: &Path) -> CiHost {
    let path = |name: &str| folder.join(name).display().to_string();
    CiHost::detect(&environment(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_OUTPUT", &path("output")),
        ("GITHUB_STEP_SUMMARY", &path("summary")),
        ("RUNNER_TEMP", &path("temp")),
    ]))
}

/// Reads a file of outputs as the runner does: line by line; whichever of `=` and `<<` comes first decides; a value between
/// delimiters ends at a line that is the delimiter, which a line break must follow.
fn runner_reads(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text;
    let mut next_line = || -> Option<(&str, bool)> {
        if rest.is_empty() {
            return None;
        }
        let (line, has_break) = rest.find('\n').map_or((rest, false), |end| (&rest[..end], true));
        rest = &rest[line.len() + usize::from(has_break)..];
        Some((line, has_break))
    };
    while let Some((line, _)) = next_line() {
        if line.is_empty() {
            continue;
        }
        let (equals, heredoc) = (line.find('=').unwrap_or(usize::MAX), line.find("<<").unwrap_or(usize::MAX));
        if equals < heredoc {
            pairs.push((line[..equals].to_owned(), line[equals + 1..].to_owned()));
        } else if heredoc < equals {
            let delimiter = &line[heredoc + 2..];
            let mut lines = Vec::new();
            loop {
                let (line_of_value, has_break) = next_line().ok_or("no delimiter at the end")?;
                if line_of_value == delimiter {
                    has_break.then_some(()).ok_or("no line break after the delimiter")?;
                    break;
                }
                lines.push(line_of_value);
            }
            pairs.push((line[..heredoc].to_owned(), lines.join("\n")));
        } else {
            return Err(format!("neither `=` nor `<<` in {line:?}"));
        }
    }
    Ok(pairs)
}

#[test]
fn hosts_are_recognised_by_their_variables() {
    assert!(matches!(CiHost::detect(&environment(&[("GITHUB_ACTIONS", "true")])), CiHost::GitHub { .. }));
    assert!(matches!(CiHost::detect(&environment(&[("GITLAB_CI", "true")])), CiHost::GitLab { .. }));
    for plain in
        [&[][..], &[("GITHUB_ACTIONS", ""), ("GITLAB_CI", "")], &[("GITHUB_ACTIONS", "false"), ("GITLAB_CI", "false")]]
    {
        assert!(matches!(CiHost::detect(&environment(plain)), CiHost::Plain { .. }), "{plain:?}");
    }
    let named = environment(&[("GITHUB_ACTIONS", "true"), ("RUNNER_TEMP", "/runner"), ("TMPDIR", "/other")]);
    assert_eq!(CiHost::detect(&named).temporary_folder(), Path::new("/runner"));
}

#[test]
fn outputs_are_appended_plain_where_they_are_plain() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("output"), "earlier=1\n").unwrap();
    let outputs = [("status", "done".to_owned()), ("task-ids", "1,2".into()), ("base", String::new())];
    github(folder.path()).write_outputs(&outputs, &Redactor::default()).unwrap();
    let text = fs::read_to_string(folder.path().join("output")).unwrap();
    assert_eq!(text, "earlier=1\nstatus=done\ntask-ids=1,2\nbase=\n");
}

#[test]
fn a_value_that_holds_the_delimiter_gets_another() {
    let mut guesses = ["guessed", "guessed", "fresh"].into_iter();
    let outputs = [("report", "x\ncdn_purge_guessed\nPATH=/evil".to_owned())];
    let text =
        super::github::output_records(&outputs, &Redactor::default(), || Ok(guesses.next().unwrap().into())).unwrap();
    assert_eq!(text, "report<<cdn_purge_fresh\nx\ncdn_purge_guessed\nPATH=/evil\ncdn_purge_fresh\n");
}

#[test]
fn a_host_without_its_files_is_an_error_and_no_silence() {
    let host = CiHost::detect(&environment(&[("GITHUB_ACTIONS", "true")]));
    let redactor = Redactor::default();
    let errors = [
        host.write_outputs(&[], &redactor).unwrap_err(),
        host.summary_budget().unwrap_err(),
        host.write_summary("x", &redactor).unwrap_err(),
        CiHost::detect(&environment(&[("GITLAB_CI", "true")])).write_outputs(&[], &redactor).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.exit_code(), ExitCode::Checkout, "{error}");
        assert!(error.to_string().ends_with("is not set"), "{error}");
    }
}

#[test]
fn a_file_that_can_not_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("output")).unwrap();
    let error = github(folder.path()).write_outputs(&[], &Redactor::default()).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Checkout);
}

#[test]
fn a_second_step_leaves_the_report_of_the_first_alone() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().display().to_string();
    let host = CiHost::detect(&environment(&[("GITHUB_ACTIONS", "true"), ("RUNNER_TEMP", &temporary)]));
    for name in ["cdn-purge-report.json", "cdn-purge-report-2.json", "cdn-purge-report-3.json"] {
        assert_eq!(host.report_file(), Some(folder.path().join(name)));
        fs::write(folder.path().join(name), "{}").unwrap();
    }
}

#[test]
fn a_summary_may_have_what_earlier_ones_left() {
    let folder = tempfile::tempdir().unwrap();
    let host = github(folder.path());
    assert_eq!(host.summary_budget().unwrap(), Some(SUMMARY_BYTES));
    let redactor = Redactor::new([&SecretString::from("hunter2")]);
    host.write_summary("# hunter2\n", &redactor).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("summary")).unwrap(), "# ***\n");
    assert_eq!(host.summary_budget().unwrap(), Some(SUMMARY_BYTES - 6));
    fs::write(folder.path().join("summary"), vec![b'x'; 1024 * 1024]).unwrap();
    assert_eq!(host.summary_budget().unwrap(), Some(0));
}

#[test]
fn gitlab_gets_a_dotenv_report_and_an_artifact() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().display().to_string();
    let host = CiHost::detect(&environment(&[("GITLAB_CI", "true"), ("CI_PROJECT_DIR", &project)]));
    let ids = (1_000_000..1_001_000).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    let outputs = [
        ("status", "partial".to_owned()),
        ("task-ids", ids.clone()),
        ("base", String::new()),
        ("report", "/builds/my project/report.json".into()),
    ];
    let left_out = host.write_outputs(&outputs, &Redactor::default()).unwrap();
    let text = fs::read_to_string(folder.path().join("cdn-purge.env")).unwrap();
    assert!(text.len() <= 5 * 1024, "{}", text.len());
    let (status, task_ids) = text.strip_suffix('\n').unwrap().split_once('\n').unwrap();
    assert_eq!(status, "CDN_PURGE_OUTPUT_STATUS=partial");
    let kept = task_ids.strip_prefix("CDN_PURGE_OUTPUT_TASK_IDS=").unwrap();
    assert!(ids.starts_with(&format!("{kept},")), "whole ids");
    // Later jobs have them in their environment, where the same program may run again.
    for (key, _) in text.lines().filter_map(|line| line.split_once('=')) {
        assert!(key.starts_with(OUTPUT_PREFIX) && ENTRIES.iter().all(|entry| entry.environment_name() != key), "{key}");
    }
    insta::assert_snapshot!(left_out.join("\n"), @"
    `CDN_PURGE_OUTPUT_REPORT` is not in `cdn-purge.env`: its value has characters that GitLab can't read there
    `CDN_PURGE_OUTPUT_TASK_IDS` in `cdn-purge.env` holds 632 of 1000: GitLab takes 5120 bytes
    ");
    host.write_summary("# done\n", &Redactor::default()).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("cdn-purge-summary.md")).unwrap(), "# done\n");
    assert_eq!(host.junit_file(), Some(folder.path().join("cdn-purge-junit.xml")));
}

proptest! {
    #[test]
    fn the_runner_reads_exactly_our_outputs(values in proptest::collection::vec(hostile_text(), 1..4)) {
        let names = ["status", "report", "task-ids"];
        let outputs: Vec<Output> = names.into_iter().zip(values).collect();
        let text = super::github::output_records(&outputs, &Redactor::default(), files::random_hex).unwrap();
        let read = runner_reads(&text).unwrap();
        let given: Vec<_> = outputs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        prop_assert_eq!(read, given);
    }

    #[test]
    fn a_dotenv_report_has_only_our_variables(values in proptest::collection::vec(hostile_text(), 1..4)) {
        let names = ["status", "report", "task-ids"];
        let outputs: Vec<Output> = names.into_iter().zip(values).collect();
        let (text, _) = gitlab::dotenv(&outputs, &Redactor::default());
        for line in text.lines() {
            let (key, value) = line.split_once('=').unwrap();
            let name = outputs.iter().find(|(name, _)| key == format!("{OUTPUT_PREFIX}{}", name.replace('-', "_").to_uppercase()));
            prop_assert!(name.is_some_and(|(_, given)| given.starts_with(value)), "{}", line);
            prop_assert!(!value.contains([' ', '$', '"', '\'', '`', '\\', '#']), "{}", line);
        }
    }
}
