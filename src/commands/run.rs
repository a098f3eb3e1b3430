//! `run`, `plan`, `refresh`, `prefetch` and `wait`: the main job, in real or virtual time, with its secrets masked and its signals handled.

use jiff::Timestamp;

use super::signals;
use crate::ci::{CiHost, Console, Look, github_comment, gitlab_note};
use crate::config::{self, CommandKind, Flags, LogLevel, Mode, Settings};
use crate::credentials;
use crate::environment::Environment;
use crate::error::{Error, ExitCode};
use crate::exec::interrupt;
use crate::pipeline::Job;
use crate::provider::http::Network;
use crate::providers::REGISTRY;
use crate::report::markdown;
use crate::report::outputs::outputs_of_error;

/// Reads the inputs of a command and does the main job; `wait` only resumes from a journal.
///
/// # Errors
/// Whatever keeps the job from its report. The host gets `status=failed` then.
pub(super) fn run(
    command: CommandKind,
    flags: &Flags,
    environment: &Environment,
    console: &mut Console,
    is_terminal: bool,
    now: Timestamp,
) -> Result<ExitCode, Error> {
    let result = config::read(command, flags, environment).and_then(|settings| {
        prepare(&settings, environment, console, is_terminal);
        let paused = settings.mode == Mode::Simulate;
        block_on(paused, async {
            let (interrupter, interrupt) = interrupt::channel();
            signals::listen(interrupter)?;
            Job { settings: &settings, environment, network: &Network::new(environment), started: now }
                .run(console, interrupt)
                .await
        })?
    });
    if let Err(error) = &result {
        // The error itself is reported by the caller; a host that can't even take these changes nothing about it.
        let _ = console.host().write_outputs(&outputs_of_error(), console.redactor());
        let summary = markdown::error(error);
        if console.host().summary_budget().is_ok_and(|budget| budget.is_some_and(|bytes| summary.len() <= bytes)) {
            let _ = console.host().write_summary(&summary, console.redactor());
        }
    }
    result
}

/// Makes the output look as the options wish.
pub(super) fn set_look(settings: &Settings, environment: &Environment, console: &mut Console, is_terminal: bool) {
    let host = CiHost::detect(environment);
    let mut look = Look::decide(settings.log_level, settings.color, settings.progress, &host, environment, is_terminal);
    // In virtual time a bar would jump from nothing to everything.
    look.bar &= settings.mode != Mode::Simulate;
    console.set_look(look);
}

/// The same, and masks every secret before anything is said.
pub(super) fn prepare(settings: &Settings, environment: &Environment, console: &mut Console, is_terminal: bool) {
    set_look(settings, environment, console, is_terminal);
    for secret in credentials::secrets(REGISTRY, &settings.credentials, environment) {
        console.mask(&secret);
    }
    if let Some(token) = gitlab_note::token(environment) {
        console.mask(&token);
    }
    if settings.pull_request_comment
        && let Some(token) = github_comment::token(environment, settings.token.as_ref())
    {
        console.mask(&token);
    }
    for note in &settings.notes {
        console.note(LogLevel::Normal, note);
    }
}

/// Prints the result of a command.
pub(super) fn print(console: &mut Console, text: &str) -> ExitCode {
    console.result(text);
    ExitCode::Success
}

/// Prints the result of a command that is written for people alone.
pub(super) fn explain(console: &mut Console, text: &str) -> ExitCode {
    console.summary(text);
    ExitCode::Success
}

/// Runs a future on this thread, in real or in virtual time.
///
/// # Errors
/// [`Error::Checkout`] when the system gives no event loop.
pub(super) fn block_on<F: Future>(paused: bool, future: F) -> Result<F::Output, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build();
    let runtime = runtime.map_err(|error| Error::Checkout {
        message: format!("the system gives no event loop: {error}"),
        help: "raise the limit of open files".into(),
    })?;
    Ok(runtime.block_on(future))
}
