//! The CI host that the program runs on: where its outputs, summary, reports and journals go.
//!
//! A new host is a variant of [`CiHost`]; the compiler names every place that has to know it.

use std::path::{Path, PathBuf};

use crate::ci::redactor::Redactor;
use crate::ci::{files, github, gitlab};
use crate::environment::Environment;
use crate::error::Error;
use crate::report::outputs::Output;

/// The most a summary may hold, in bytes of UTF-8, with what other commands of the same step wrote into it.
///
/// GitHub drops a summary above 1 MiB while the job stays green (docs.github.com, workflow commands, and actions/runner
/// `AttachmentSizeLimit`, 2026-11-22).
const SUMMARY_BYTES: usize = 900 * 1024;

/// The name of the JSON report, where nobody gives one.
const REPORT_FILE: &str = "cdn-purge-report.json";

/// Where the program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CiHost {
    /// A step of a GitHub Actions job.
    GitHub {
        /// `GITHUB_OUTPUT`.
        outputs: Option<PathBuf>,
        /// `GITHUB_STEP_SUMMARY`.
        summary: Option<PathBuf>,
        /// `RUNNER_TEMP`, else the system's.
        temporary: PathBuf,
    },
    /// A job of GitLab CI.
    GitLab {
        /// `CI_PROJECT_DIR`: artifacts must lie in it.
        project: Option<PathBuf>,
        /// The system's temporary folder.
        temporary: PathBuf,
    },
    /// A terminal, another CI, a cron job.
    Plain {
        /// The system's temporary folder.
        temporary: PathBuf,
    },
}

impl CiHost {
    /// Recognises the host by its environment. An empty variable counts as absent.
    pub fn detect(environment: &Environment) -> Self {
        let value = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let path = |name: &str| value(name).map(PathBuf::from);
        let temporary = path("TMPDIR").unwrap_or_else(std::env::temp_dir);
        if value("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
            Self::GitHub {
                outputs: path("GITHUB_OUTPUT"),
                summary: path("GITHUB_STEP_SUMMARY"),
                temporary: path("RUNNER_TEMP").unwrap_or(temporary),
            }
        } else if value("GITLAB_CI").is_some_and(|value| value == "true") {
            Self::GitLab { project: path("CI_PROJECT_DIR"), temporary }
        } else {
            Self::Plain { temporary }
        }
    }

    /// The beginning of the URL of a commit's page: GitHub's variables as Gitea and Forgejo set them too, else GitLab's.
    pub fn commit_page(environment: &Environment) -> Option<String> {
        let value = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let page = match (value("GITHUB_SERVER_URL"), value("GITHUB_REPOSITORY"), value("CI_PROJECT_URL")) {
            (Some(server), Some(repository), _) => format!("{server}/{repository}/commit/"),
            (_, _, Some(project)) => format!("{project}/-/commit/"),
            _ => return None,
        };
        // It becomes a link in a page that others read.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/.-_".contains(&byte);
        (page.starts_with("https://") && page.bytes().all(is_plain)).then_some(page)
    }

    /// For people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::GitHub { .. } => "GitHub Actions",
            Self::GitLab { .. } => "GitLab CI",
            Self::Plain { .. } => "no CI host",
        }
    }

    /// Where the journal and the report go when nobody names a place: the runner's temporary folder.
    pub fn temporary_folder(&self) -> &Path {
        match self {
            Self::GitHub { temporary, .. } | Self::GitLab { temporary, .. } | Self::Plain { temporary } => temporary,
        }
    }

    /// Where journals go when nobody names a place: the runner's temporary folder; on a person's machine their own state
    /// folder, which outlives a restart and nobody else can write.
    pub fn state_folder(&self, environment: &Environment) -> PathBuf {
        let value = |name: &str| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        match self {
            Self::GitHub { temporary, .. } | Self::GitLab { temporary, .. } => temporary.clone(),
            Self::Plain { temporary } => value("XDG_STATE_HOME")
                .or_else(|| value("HOME").map(|home| home.join(".local/state")))
                .map_or_else(|| temporary.clone(), |state| state.join("cdn-purge")),
        }
    }

    /// Where the JSON report goes when nobody names a place: a folder that a later step can read, or an artifact be made of;
    /// nowhere without a CI host. The report of an earlier step is kept.
    pub fn report_file(&self) -> Option<PathBuf> {
        match self {
            Self::GitLab { project: Some(project), .. } => Some(project.join(REPORT_FILE)),
            Self::GitHub { temporary, .. } | Self::GitLab { temporary, .. } => {
                let first = temporary.join(REPORT_FILE);
                let others = (2..1000).map(|number| temporary.join(format!("cdn-purge-report-{number}.json")));
                Some(std::iter::once(first.clone()).chain(others).find(|file| !file.exists()).unwrap_or(first))
            }
            Self::Plain { .. } => None,
        }
    }

    /// Hands the outputs to the host: appended to `GITHUB_OUTPUT`, written as `cdn-purge.env` for a dotenv report of GitLab,
    /// nowhere else. Returns a sentence for each value that was left out.
    ///
    /// # Errors
    /// [`Error::Checkout`] when the host's file is not named or can't be written: a later step would read nothing and continue.
    pub fn write_outputs(&self, outputs: &[Output], redactor: &Redactor) -> Result<Vec<String>, Error> {
        match self {
            Self::GitHub { outputs: file, .. } => {
                let file = named(file.as_deref(), "GITHUB_OUTPUT", "outputs")?;
                let records = github::output_records(outputs, redactor, files::random_hex)?;
                files::append(file, &records)?;
                Ok(Vec::new())
            }
            Self::GitLab { project, .. } => {
                let project = named(project.as_deref(), "CI_PROJECT_DIR", "outputs")?;
                let (text, left_out) = gitlab::dotenv(outputs, redactor);
                files::replace(&project.join(gitlab::DOTENV_FILE), redactor, |file| file.write_all(text.as_bytes()))?;
                Ok(left_out)
            }
            Self::Plain { .. } => Ok(Vec::new()),
        }
    }

    /// How many bytes a summary may have; `None` where no summary is wanted.
    ///
    /// # Errors
    /// [`Error::Checkout`] when the host's file is not named or can't be read.
    pub fn summary_budget(&self) -> Result<Option<usize>, Error> {
        match self {
            Self::GitHub { summary, .. } => {
                let file = named(summary.as_deref(), "GITHUB_STEP_SUMMARY", "the summary")?;
                Ok(Some(SUMMARY_BYTES.saturating_sub(files::length(file)?)))
            }
            Self::GitLab { .. } => Ok(Some(SUMMARY_BYTES)),
            Self::Plain { .. } => Ok(None),
        }
    }

    /// Shows a summary of at most [`CiHost::summary_budget`] bytes: appended to `GITHUB_STEP_SUMMARY`, written as
    /// `cdn-purge-summary.md` for an artifact of GitLab, nowhere else.
    ///
    /// # Errors
    /// [`Error::Checkout`] when the host's file is not named or can't be written.
    pub fn write_summary(&self, markdown: &str, redactor: &Redactor) -> Result<(), Error> {
        match self {
            Self::GitHub { summary, .. } => {
                let file = named(summary.as_deref(), "GITHUB_STEP_SUMMARY", "the summary")?;
                files::append(file, &redactor.redact(markdown))
            }
            Self::GitLab { project, .. } => {
                let file = named(project.as_deref(), "CI_PROJECT_DIR", "the summary")?.join(gitlab::SUMMARY_FILE);
                files::replace(&file, redactor, |file| file.write_all(markdown.as_bytes()))
            }
            Self::Plain { .. } => Ok(()),
        }
    }

    /// Where a JUnit report is of use: GitLab shows it in the merge request and the pipeline.
    pub fn junit_file(&self) -> Option<PathBuf> {
        match self {
            Self::GitLab { project: Some(project), .. } => Some(project.join(gitlab::JUNIT_FILE)),
            _ => None,
        }
    }
}

fn named<'p>(file: Option<&'p Path>, variable: &str, what: &str) -> Result<&'p Path, Error> {
    file.ok_or_else(|| Error::Checkout {
        message: format!("{what} can't be written: `{variable}` is not set"),
        help: format!(
            "hand `{variable}` on to the process that runs this program, in a container with the file it names"
        ),
    })
}

#[cfg(test)]
mod tests;
