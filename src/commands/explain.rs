//! `explain PATH…`: which rule turned a file into which URLs, or why none did; `explain --range`: which commits count.

use std::ffi::OsString;

use jiff::Timestamp;

use super::run;
use crate::ci::Console;
use crate::config::{self, CommandKind, Flags, Settings};
use crate::environment::Environment;
use crate::error::{Error, ExitCode};
use crate::git;
use crate::mapping::{self, FrontMatter, Rule};
use crate::model::RepoPath;
use crate::pipeline::{self, git_http::FetchTransport};
use crate::provider::http::Network;

/// Explains each path, as it would be named from the repository's root.
///
/// # Errors
/// [`Error::Inputs`] when the rules can't be read.
pub(super) fn run(
    flags: &Flags,
    paths: &[OsString],
    environment: &Environment,
    console: &mut Console,
) -> Result<ExitCode, Error> {
    let settings = config::read(CommandKind::Explain, flags, environment)?;
    let needs_front = settings.rules.iter().any(Rule::needs_front_matter);
    let explained = paths.iter().map(|path| {
        let path = path.as_encoded_bytes();
        let path = path.strip_prefix(b"./").unwrap_or(path);
        let path = RepoPath::new(path);
        let front = if needs_front { front_matter(&settings, &path, environment) } else { Ok(FrontMatter::default()) };
        mapping::explain(&path, &settings.rules, &front).lines().join("\n")
    });
    let text = explained.collect::<Vec<_>>().join("\n\n");
    Ok(run::print(console, &text))
}

/// The front matter of a file as it is committed now.
fn front_matter(settings: &Settings, path: &RepoPath, environment: &Environment) -> Result<FrontMatter, String> {
    let most = mapping::MOST_FRONT_MATTER_BYTES;
    let content = git::content_at_head(&settings.repository, path, most, environment);
    let content = content.map_err(|error| error.to_string())??;
    FrontMatter::parse(&content)
}

/// Explains which two commits a run would compare. Where it would refuse, the other choices are listed before the error.
///
/// # Errors
/// [`Error::Inputs`] when the inputs can't be read, [`Error::Checkout`] for what a run would refuse.
pub(super) fn range(
    flags: &Flags,
    environment: &Environment,
    console: &mut Console,
    now: Timestamp,
) -> Result<ExitCode, Error> {
    let settings = config::read(CommandKind::ExplainRange, flags, environment)?;
    let network = Network::new(environment);
    let choices = {
        let transport = FetchTransport::new(console, &settings, &network, now);
        let fetching = transport.fetching();
        run::block_on(
            false,
            git::choices(
                &settings.repository,
                &settings.changes,
                &pipeline::following(&settings),
                environment,
                &fetching,
            ),
        )??
    };
    let code = run::print(console, &choices.lines().join("\n"));
    choices.decided.map(|_| code)
}
