//! The options of the query commands.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::layers::{Flags, LayeredOptions};
use super::options::CommandKind;
use super::parse_value::{ValueProblem, quoted};
use super::read::read_with;
use super::settings::Settings;
use super::time;
use crate::environment::Environment;
use crate::error::{Diagnostic, Error};
use crate::mapping::url;
use crate::provider::{Measure, RecordFilter, RecordKind, RecordStatus};
use crate::providers::PROVIDERS;

/// The query.
#[derive(Debug)]
pub enum Query {
    /// Task history: a filter for each task id and for each encoding of the URL; at most so many rows.
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
        range: (Option<Timestamp>, Option<Timestamp>),
        /// The width of a point.
        interval: Option<Duration>,
    },
    /// The log files of these domains; never empty.
    Logs {
        /// Whose.
        domains: Vec<String>,
        /// From when up to when.
        range: (Option<Timestamp>, Option<Timestamp>),
        /// Where to fetch them to.
        download: Option<PathBuf>,
        /// Whether the signed URLs are shown.
        show_signed_urls: bool,
    },
    /// The account's domains.
    Domains,
    /// What becomes of these tasks; never empty.
    Tasks(Vec<String>),
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
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

/// The options of a query command, parsed.
#[derive(Debug)]
pub struct QueryOptions {
    /// The targets and their credentials.
    pub settings: Settings,
    /// What.
    pub question: Query,
    /// How the answer is shown.
    pub shown: OutputFormat,
}

/// Reads the options of a query command; durations count back from `now`.
///
/// # Errors
/// [`Error::Inputs`] with every problem.
pub fn read(
    command: CommandKind,
    flags: &Flags,
    environment: &Environment,
    now: Timestamp,
) -> Result<QueryOptions, Error> {
    let settings = read_with(PROVIDERS, command, flags, environment).map(|reading| reading.settings);
    // Problems of the options themselves were reported above.
    let given = LayeredOptions::read(command, flags, environment, &mut Vec::new());
    let mut problems = Vec::new();
    let question = question(command, &given, now, &mut problems);
    let shown = shown(command, &given, &mut problems);
    match settings {
        Err(Error::Inputs(mut found)) => {
            found.extend(problems);
            Err(Error::Inputs(found))
        }
        Err(other) => Err(other),
        Ok(_) if !problems.is_empty() => Err(Error::Inputs(problems)),
        Ok(settings) => Ok(QueryOptions { settings, question, shown }),
    }
}

/// Whether `wait` is given task ids, and so queries them; else it resumes from a journal.
pub fn names_tasks(flags: &Flags, environment: &Environment) -> bool {
    LayeredOptions::read(CommandKind::Wait, flags, environment, &mut Vec::new()).is_explicit("task-id")
}

fn question(command: CommandKind, given: &LayeredOptions, now: Timestamp, problems: &mut Vec<Diagnostic>) -> Query {
    let range = (moment(given, "since", now, problems), moment(given, "until", now, problems));
    let domains = domains(given, problems);
    match command {
        CommandKind::Traffic | CommandKind::Bandwidth => {
            let interval = given.text("interval").and_then(|text| {
                time::span(&text).map_err(|problem| problems.push(diagnostic(given, "interval", problem))).ok()
            });
            let measure = if command == CommandKind::Traffic { Measure::Traffic } else { Measure::Bandwidth };
            Query::Measure { measure, domains, range, interval }
        }
        CommandKind::Logs => {
            if domains.is_empty() {
                problems.push(Diagnostic::new(
                    "`cdn-purge logs` needs a domain",
                    "name it with `--domain`; `cdn-purge domains` lists them",
                ));
            }
            let show_signed_urls = given.boolean("show-signed-urls") == Some(true);
            Query::Logs { domains, range, download: given.path("download"), show_signed_urls }
        }
        CommandKind::Quota => Query::Quota,
        CommandKind::Domains => Query::Domains,
        CommandKind::Wait => Query::Tasks(task_ids(given, problems)),
        _ => records(given, range, domains, problems),
    }
}

fn records(
    given: &LayeredOptions,
    (since, until): (Option<Timestamp>, Option<Timestamp>),
    domains: Vec<String>,
    problems: &mut Vec<Diagnostic>,
) -> Query {
    if domains.len() > 1 {
        problems.push(Diagnostic::new(
            format!("{} names {} domains", given.label("domain"), domains.len()),
            "ask for the records of one domain at a time",
        ));
    }
    let kind = given.choice("kind").and_then(|word| {
        let kind = match word {
            "url" => RecordKind::File,
            "directory" => RecordKind::Directory,
            "regex" => RecordKind::Regex,
            "prefetch" => RecordKind::Prefetch,
            other => {
                let title = format!("{} is `{other}`, which records don't tell apart", given.label("kind"));
                problems.push(Diagnostic::new(title, "write `file`, `directory`, `regex` or `prefetch`"));
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
    Query::Records(filters, most)
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

/// A URL as `refresh` would send it, and as it is written, where these differ: providers compare letter by letter.
fn spellings(url: String) -> Vec<String> {
    let sent = url::encode_given(&url);
    if sent == url { vec![url] } else { vec![sent, url] }
}

/// Ids that are valid in a URL and in a list.
fn task_ids(given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> Vec<String> {
    let ids = given.list("task-id").unwrap_or_default();
    let is_id = |id: &String| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    for id in ids.iter().filter(|id| !is_id(id)) {
        let title = format!("{} is {}", given.label("task-id"), quoted(id));
        problems.push(Diagnostic::new(title, "write the id alone, as the provider gave it: letters and digits"));
    }
    ids
}

fn moment(given: &LayeredOptions, name: &str, now: Timestamp, problems: &mut Vec<Diagnostic>) -> Option<Timestamp> {
    let text = given.text(name)?;
    time::moment(&text, now).map_err(|problem| problems.push(diagnostic(given, name, problem))).ok()
}

fn diagnostic(given: &LayeredOptions, name: &str, problem: ValueProblem) -> Diagnostic {
    Diagnostic::new(format!("{} {}", given.label(name), problem.message), problem.help)
}

/// Names of hosts, in lower case, each once.
fn domains(given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> Vec<String> {
    let label = given.label("domain");
    let mut domains = given.list("domain").unwrap_or_default();
    for domain in &domains {
        let is_name = domain.chars().all(|letter| letter.is_alphanumeric() || ".-_*".contains(letter));
        if !is_name {
            let help = "write a host's name, as `www.example.com`";
            problems.push(Diagnostic::new(format!("{label} is {}", quoted(domain)), help));
        }
    }
    domains.iter_mut().for_each(|domain| *domain = domain.to_lowercase());
    let mut seen = HashSet::new();
    domains.retain(|domain| seen.insert(domain.clone()));
    domains
}

fn shown(command: CommandKind, given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> OutputFormat {
    match given.choice("format") {
        Some("json") => OutputFormat::Json,
        Some("csv") => OutputFormat::Csv,
        Some("plot") if !matches!(command, CommandKind::Traffic | CommandKind::Bandwidth) => {
            let title = format!("{} is `plot`, and there is nothing to plot", given.label("format"));
            problems.push(Diagnostic::new(title, "write `table`, `json` or `csv`"));
            OutputFormat::Auto
        }
        Some("plot") => OutputFormat::Plot,
        Some("table") => OutputFormat::Table,
        _ => OutputFormat::Auto,
    }
}
