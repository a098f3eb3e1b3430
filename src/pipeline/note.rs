//! Posts the summary as a note on the merge request, if that is requested. A failure is only a warning.

use std::time::Duration;

use super::job::Job;
use crate::ci::gitlab_note::{self, Note};
use crate::ci::{CiHost, Console, Severity};
use crate::config::{LogLevel, Mode};
use crate::exec::{self, interrupt::Interrupt};
use crate::provider::Api as _;
use crate::provider::clock::Clock;

/// The timeout of all requests together: the outcome is written by now, and the job waits for nothing else.
const TIMEOUT: Duration = Duration::from_secs(45);

/// Creates or updates the note with the text of `markdown`, which gets the limit in bytes. Never fails: a note that can't be
/// posted doesn't change the run's result. A signal, also an earlier one, cancels it.
pub(super) async fn write(
    job: &Job<'_>,
    markdown: impl FnOnce(usize) -> String,
    mut interrupt: Interrupt,
    console: &mut Console,
) {
    if !job.settings.merge_request_note {
        return;
    }
    if !matches!(console.host(), CiHost::GitLab { .. }) {
        console.announce(Severity::Warning, "`merge-request-note` has a meaning in jobs of GitLab CI only");
        return;
    }
    if job.settings.mode == Mode::Simulate {
        // What was simulated took virtual time; GitLab's answer takes real time.
        tokio::time::resume();
    }
    let note = match Note::of(job.environment) {
        Ok(Some(note)) => note,
        Ok(None) => {
            return console.note(LogLevel::Verbose, "no note: this pipeline isn't one of a merge request");
        }
        Err(error) => {
            for problem in error.diagnostics() {
                console.diagnostic(&problem, Severity::Warning);
            }
            return;
        }
    };
    let markdown = console.redactor().redact(&markdown(gitlab_note::BYTES)).into_owned();
    let sent = tokio::select! {
        biased;
        signal = interrupt.other_than(None) => Err(exec::interrupted_by(signal).to_owned()),
        sent = tokio::time::timeout(TIMEOUT, send(job, &note, &markdown)) => {
            sent.unwrap_or_else(|_| Err(format!("GitLab took longer than {} s", TIMEOUT.as_secs())))
        }
    };
    match sent {
        Ok(()) => console.note(LogLevel::Normal, "the summary is a note on the merge request"),
        Err(why) => {
            console.announce(Severity::Warning, &format!("the summary isn't a note on the merge request: {why}"));
        }
    }
}

async fn send(job: &Job<'_>, note: &Note, markdown: &str) -> Result<(), String> {
    let gateway = std::slice::from_ref(note.gateway());
    let api = job.network.open(gateway, Clock::new(job.started)).map_err(|error| error.to_string())?;
    let call = async |request| api.call(request).await.map_err(|error| error.message);
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
