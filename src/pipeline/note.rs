//! Posts the summary as a comment on the pull request or a note on the merge request, if that is requested. A failure is only a
//! warning.

use std::time::Duration;

use super::job::Job;
use crate::ci::github_comment::{self, Comment, Found};
use crate::ci::gitlab_note::{self, Note};
use crate::ci::{CiHost, Console, Severity};
use crate::config::{LogLevel, Mode};
use crate::error::Error;
use crate::exec::{self, interrupt::Interrupt};
use crate::git;
use crate::provider::Api as _;
use crate::provider::clock::Clock;

/// The timeout of all requests together: the outcome is written by now, and the job waits for nothing else.
const TIMEOUT: Duration = Duration::from_secs(45);

/// Where the summary is posted.
enum Post {
    /// On a merge request.
    Note(Note),
    /// On a pull request.
    Comment(Comment),
}

impl Post {
    /// What is requested and can be; nothing where the job isn't about a pull request or a merge request.
    fn of(job: &Job<'_>, console: &mut Console) -> Result<Option<Self>, Error> {
        let settings = job.settings;
        let no_request = |console: &mut Console, what: &str| {
            console
                .note(LogLevel::Verbose, &format!("the summary isn't posted: this job isn't one of a {what} request"));
        };
        match console.host() {
            CiHost::GitHub { .. } if settings.pull_request_comment => {
                let Some(number) = git::pull_request(job.environment)? else {
                    no_request(console, "pull");
                    return Ok(None);
                };
                Comment::of(job.environment, number, settings.token.as_ref())
                    .map(|comment| Some(Self::Comment(comment)))
            }
            CiHost::GitLab { .. } if settings.merge_request_note => {
                let note = Note::of(job.environment)?;
                if note.is_none() {
                    no_request(console, "merge");
                }
                Ok(note.map(Self::Note))
            }
            _ => {
                let (option, host) = match settings.merge_request_note {
                    true => ("merge-request-note", "GitLab CI"),
                    false => ("pull-request-comment", "GitHub Actions"),
                };
                console.announce(Severity::Warning, &format!("`{option}` has a meaning in jobs of {host} only"));
                Ok(None)
            }
        }
    }

    fn what(&self) -> (&'static str, &'static str) {
        match self {
            Self::Note(_) => ("GitLab", "note on the merge request"),
            Self::Comment(_) => ("GitHub", "comment on the pull request"),
        }
    }
}

/// Creates or updates the note or comment with the text of `markdown`, which gets the limit in bytes. Never fails: what can't be
/// posted doesn't change the run's result. A signal, also an earlier one, cancels it.
pub(super) async fn write(
    job: &Job<'_>,
    markdown: impl FnOnce(usize) -> String,
    interrupt: Interrupt,
    console: &mut Console,
) {
    if !job.settings.merge_request_note && !job.settings.pull_request_comment {
        return;
    }
    if job.settings.mode == Mode::Simulate {
        // What was simulated took virtual time; an answer takes real time.
        tokio::time::resume();
    }
    let post = match Post::of(job, console) {
        Ok(Some(post)) => post,
        Ok(None) => return,
        Err(error) => {
            for problem in error.diagnostics() {
                console.diagnostic(&problem, Severity::Warning);
            }
            return;
        }
    };
    let bytes = gitlab_note::BYTES.min(github_comment::BYTES);
    let markdown = console.redactor().redact(&markdown(bytes)).into_owned();
    let (host, what) = post.what();
    let sent = tokio::select! {
        biased;
        signal = interrupt.other_than(None) => Err(exec::interrupted_by(signal).to_owned()),
        sent = tokio::time::timeout(TIMEOUT, send(job, &post, &markdown)) => {
            sent.unwrap_or_else(|_| Err(format!("{host} took longer than {} s", TIMEOUT.as_secs())))
        }
    };
    match sent {
        Ok(()) => console.note(LogLevel::Normal, &format!("the summary is a {what}")),
        Err(why) => console.announce(Severity::Warning, &format!("the summary isn't a {what}: {why}")),
    }
}

async fn send(job: &Job<'_>, post: &Post, markdown: &str) -> Result<(), String> {
    let gateway = match post {
        Post::Note(note) => note.gateway(),
        Post::Comment(comment) => comment.gateway(),
    };
    let api = job.network.open(std::slice::from_ref(gateway), Clock::new(job.started));
    let api = api.map_err(|error| error.to_string())?;
    let call = async |request| api.call(request).await.map_err(|error| error.message);
    match post {
        Post::Note(note) => {
            let author = gitlab_note::user(&call(note.who()).await?)?;
            let mut earlier = None;
            for number in 1..=gitlab_note::PAGES {
                let (found, has_more) = note.find(&call(note.page(number)).await?, author)?;
                earlier = found;
                if found.is_some() || !has_more {
                    break;
                }
            }
            gitlab_note::written(&call(note.write(earlier, markdown)).await?)
        }
        Post::Comment(comment) => {
            let mut found: Found = comment.find(&call(comment.page(None)).await?)?;
            for _ in 1..github_comment::PAGES {
                let Some(before) = found.before.take().filter(|_| found.comment.is_none()) else { break };
                found = comment.find(&call(comment.page(Some(&before))).await?)?;
            }
            github_comment::written(&call(comment.write(&found, markdown)).await?)
        }
    }
}
