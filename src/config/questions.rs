//! The options of a command that asks become its question.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::given::{Flags, Given, unplaced};
use super::settings::{labelled, read_with};
use super::table::Use;
use super::value::{ValueProblem, quoted};
use super::{Settings, moments};
use crate::environment::Environment;
use crate::error::{Diagnostic, Error};
use crate::mapping::url;
use crate::provider::{Measure, RecordFilter, RecordKind, RecordStatus};
use crate::providers::PROVIDERS;

/// What is asked for.
#[derive(Debug)]
pub enum Question {
    /// Records of tasks: a filter for each task id that is named and each spelling of the address; at most so many rows.
    Records(Vec<RecordFilter>, Option<usize>),
    /// What is left for today.
    Quota,
    /// What was measured.
    Measure {
        /// What.
        measure: Measure,
        /// Of these domains; empty: of the whole account.
        domains: Vec<String>,
        /// From when up to when.
        asked: (Option<Timestamp>, Option<Timestamp>),
        /// The width of a point.
        interval: Option<Duration>,
    },
    /// The log files of these domains; never empty.
    Logs {
        /// Whose.
        domains: Vec<String>,
        /// From when up to when.
        asked: (Option<Timestamp>, Option<Timestamp>),
        /// Where to fetch them to.
        download: Option<PathBuf>,
        /// Whether the signed addresses are shown.
        show_signed_urls: bool,
    },
    /// The account's domains.
    Domains,
    /// What becomes of these tasks; never empty.
    Tasks(Vec<String>),
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As suits where it goes.
    Auto,
    /// Aligned columns.
    Table,
    /// A plot.
    Plot,
    /// One JSON document.
    Json,
    /// Comma-separated values.
    Csv,
}

/// A command that asks, parsed.
#[derive(Debug)]
pub struct Asking {
    /// Whom, with which keys.
    pub settings: Settings,
    /// What.
    pub question: Question,
    /// How the answer is shown.
    pub shown: Shown,
}

/// Reads what a command asks for; spans count back from `now`.
///
/// # Errors
/// [`Error::Inputs`] with every problem.
pub fn read(used_by: Use, flags: &Flags, environment: &Environment, now: Timestamp) -> Result<Asking, Error> {
    let settings = read_with(PROVIDERS, used_by, flags, environment).map(|reading| reading.settings);
    // What is wrong with the options themselves was told above.
    let given = Given::read(used_by, flags, environment, &mut Vec::new());
    let mut problems = Vec::new();
    let question = question(used_by, &given, now, &mut problems);
    let shown = shown(used_by, &given, &mut problems);
    match settings {
        Err(Error::Inputs(mut found)) => {
            found.extend(problems);
            Err(Error::Inputs(found))
        }
        Err(other) => Err(other),
        Ok(_) if !problems.is_empty() => Err(Error::Inputs(problems)),
        Ok(settings) => Ok(Asking { settings, question, shown }),
    }
}

/// Whether `wait` is told tasks by their ids, and so asks; else it goes on from a journal.
pub fn names_tasks(flags: &Flags, environment: &Environment) -> bool {
    Given::read(Use::Wait, flags, environment, &mut Vec::new()).is_explicit("task-id")
}

fn question(used_by: Use, given: &Given, now: Timestamp, problems: &mut Vec<Diagnostic>) -> Question {
    let asked = (moment(given, "since", now, problems), moment(given, "until", now, problems));
    let domains = domains(given, problems);
    match used_by {
        Use::Traffic | Use::Bandwidth => {
            let interval = given.text("interval").and_then(|text| {
                moments::span(&text).map_err(|problem| problems.push(told(given, "interval", problem))).ok()
            });
            let measure = if used_by == Use::Traffic { Measure::Traffic } else { Measure::Bandwidth };
            Question::Measure { measure, domains, asked, interval }
        }
        Use::Logs => {
            if domains.is_empty() {
                problems.push(unplaced(
                    "`cdn-purge logs` isn't told of which domain",
                    "name it by `--domain`; `cdn-purge domains` lists them",
                ));
            }
            let show_signed_urls = given.boolean("show-signed-urls") == Some(true);
            Question::Logs { domains, asked, download: given.path("download"), show_signed_urls }
        }
        Use::Quota => Question::Quota,
        Use::Domains => Question::Domains,
        Use::Wait => Question::Tasks(task_ids(given, problems)),
        _ => records(given, asked, domains, problems),
    }
}

fn records(
    given: &Given,
    (since, until): (Option<Timestamp>, Option<Timestamp>),
    domains: Vec<String>,
    problems: &mut Vec<Diagnostic>,
) -> Question {
    if domains.len() > 1 {
        problems.push(unplaced(
            format!("{} names {} domains", labelled(given, "domain"), domains.len()),
            "ask for the records of one domain at a time",
        ));
    }
    let kind = given.choice("kind").and_then(|word| {
        let kind = match word {
            "file" => RecordKind::File,
            "directory" => RecordKind::Directory,
            "regex" => RecordKind::Regex,
            "prefetch" => RecordKind::Prefetch,
            other => {
                let title = format!("{} is `{other}`, which records don't tell apart", labelled(given, "kind"));
                problems.push(unplaced(title, "write `file`, `directory`, `regex` or `prefetch`"));
                return None;
            }
        };
        Some(kind)
    });
    let status = given.choice("status").map(|word| match word {
        "complete" => RecordStatus::Complete,
        "failed" => RecordStatus::Failed,
        _ => RecordStatus::Running,
    });
    let domain = domains.into_iter().next();
    let filter = RecordFilter { task_id: None, url: None, domain, kind, status, since, until };
    let ids = task_ids(given, problems);
    let urls = given.text("url").map(spellings).unwrap_or_default();
    let filters = each(vec![filter], &ids, |filter, id| RecordFilter { task_id: Some(id), ..filter.clone() });
    let filters = each(filters, &urls, |filter, url| RecordFilter { url: Some(url), ..filter.clone() });
    let most = given.count("limit").map(|most| usize::try_from(most).unwrap_or(usize::MAX));
    Question::Records(filters, most)
}

/// Each filter with each value; as they are where there is none.
fn each(
    filters: Vec<RecordFilter>,
    values: &[String],
    with: fn(&RecordFilter, String) -> RecordFilter,
) -> Vec<RecordFilter> {
    if values.is_empty() {
        return filters;
    }
    filters.iter().flat_map(|filter| values.iter().map(move |value| with(filter, value.clone()))).collect()
}

/// An address as `refresh` would send it, and as it is written, where these differ: providers compare letter by letter.
fn spellings(url: String) -> Vec<String> {
    let sent = url::encode_given(&url);
    if sent == url { vec![url] } else { vec![sent, url] }
}

/// Ids that can stand in an address and in a list.
fn task_ids(given: &Given, problems: &mut Vec<Diagnostic>) -> Vec<String> {
    let ids = given.list("task-id").unwrap_or_default();
    let is_id = |id: &String| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    for id in ids.iter().filter(|id| !is_id(id)) {
        let title = format!("{} is {}", labelled(given, "task-id"), quoted(id));
        problems.push(unplaced(title, "write the id alone, as the provider gave it: letters and digits"));
    }
    ids
}

fn moment(given: &Given, name: &str, now: Timestamp, problems: &mut Vec<Diagnostic>) -> Option<Timestamp> {
    let text = given.text(name)?;
    moments::moment(&text, now).map_err(|problem| problems.push(told(given, name, problem))).ok()
}

fn told(given: &Given, name: &str, problem: ValueProblem) -> Diagnostic {
    unplaced(format!("{} {}", labelled(given, name), problem.message), problem.help)
}

/// Names of hosts, in lower case, each once.
fn domains(given: &Given, problems: &mut Vec<Diagnostic>) -> Vec<String> {
    let label = labelled(given, "domain");
    let mut domains = given.list("domain").unwrap_or_default();
    for domain in &domains {
        let is_name = domain.chars().all(|letter| letter.is_alphanumeric() || ".-_*".contains(letter));
        if !is_name {
            let help = "write a host's name, as `www.example.com`";
            problems.push(unplaced(format!("{label} is {}", quoted(domain)), help));
        }
    }
    domains.iter_mut().for_each(|domain| *domain = domain.to_lowercase());
    let mut seen = HashSet::new();
    domains.retain(|domain| seen.insert(domain.clone()));
    domains
}

fn shown(used_by: Use, given: &Given, problems: &mut Vec<Diagnostic>) -> Shown {
    match given.choice("format") {
        Some("json") => Shown::Json,
        Some("csv") => Shown::Csv,
        Some("plot") if !matches!(used_by, Use::Traffic | Use::Bandwidth) => {
            let title = format!("{} is `plot`, and there is nothing to plot", labelled(given, "format"));
            problems.push(unplaced(title, "write `table`, `json` or `csv`"));
            Shown::Auto
        }
        Some("plot") => Shown::Plot,
        Some("table") => Shown::Table,
        _ => Shown::Auto,
    }
}
