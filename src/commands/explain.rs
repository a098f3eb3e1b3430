//! `explain PATH…`: which rule turned a file into which URLs, or why none did; `explain --range`: which commits count;
//! `explain --twice`: where two builds differ.

use std::ffi::OsString;
use std::path::Path;

use jiff::Timestamp;

use super::run;
use crate::ci::Console;
use crate::config::{self, Changes, CommandKind, Flags, ManifestSource, Settings};
use crate::directory::{self, Manifest};
use crate::environment::Environment;
use crate::error::{Error, ExitCode};
use crate::git::{self, Choices};
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
    is_terminal: bool,
) -> Result<ExitCode, Error> {
    let settings = config::read(CommandKind::Explain, flags, environment)?;
    run::set_look(&settings, environment, console, is_terminal);
    let needs_front = settings.rules.iter().any(Rule::needs_front_matter);
    let root = git::root(&settings.repository);
    let built = match &settings.changes {
        Changes::Directory(options) => {
            let manifest = match &options.manifest {
                ManifestSource::File(path) => Manifest::read(&root.join(path))?,
                ManifestSource::Listing(_) | ManifestSource::None => None,
            };
            Some((options, manifest))
        }
        _ => None,
    };
    let explained = paths.iter().map(|path| {
        let path = path.as_encoded_bytes();
        let path = RepoPath::new(path.strip_prefix(b"./").unwrap_or(path));
        let front = if needs_front { front_matter(&settings, &path, environment) } else { Ok(FrontMatter::default()) };
        let mut lines = mapping::explain(&path, &settings.rules, &front).lines();
        if let Some((options, manifest)) = &built {
            lines.extend(directory::explain(&root, &options.directory, manifest.as_ref(), &path));
        }
        lines.join("\n")
    });
    let text = explained.collect::<Vec<_>>().join("\n\n");
    Ok(run::explain(console, &text))
}

/// The front matter of a file as it is committed now.
fn front_matter(settings: &Settings, path: &RepoPath, environment: &Environment) -> Result<FrontMatter, String> {
    let most = mapping::MOST_FRONT_MATTER_BYTES;
    let content = git::content_at_head(&settings.repository, path, most, environment);
    let content = content.map_err(|error| error.to_string())??;
    FrontMatter::parse(&content)
}

/// Shows the first differing bytes of the files in which two builds differ.
///
/// # Errors
/// [`Error::Checkout`] for a directory that can't be read.
pub(super) fn twice(builds: &[OsString; 2], console: &mut Console, now: Timestamp) -> Result<ExitCode, Error> {
    let [one, other] = builds;
    let difference = directory::difference(Path::new(one), Path::new(other), now)?;
    Ok(run::explain(console, &directory::lines_of(&difference).join("\n")))
}

/// Explains which two commits a run would compare. Where it would refuse, the other choices are listed before the error.
///
/// # Errors
/// [`Error::Inputs`] when the inputs can't be read, [`Error::Checkout`] for what a run would refuse.
pub(super) fn range(
    flags: &Flags,
    environment: &Environment,
    console: &mut Console,
    is_terminal: bool,
    now: Timestamp,
) -> Result<ExitCode, Error> {
    let settings = config::read(CommandKind::ExplainRange, flags, environment)?;
    run::set_look(&settings, environment, console, is_terminal);
    let choices = choices(&settings, environment, console, &Network::new(environment), now)?;
    let code = run::explain(console, &choices.lines().join("\n"));
    choices.decided.map(|_| code)
}

/// What a run would compare, and the alternatives.
///
/// # Errors
/// [`Error::Checkout`] when there is no repository or no head to speak of.
pub(super) fn choices(
    settings: &Settings,
    environment: &Environment,
    console: &mut Console,
    network: &Network,
    now: Timestamp,
) -> Result<Choices, Error> {
    let transport = FetchTransport::new(console, settings, network, now);
    let (fetching, following) = (transport.fetching(), pipeline::following(settings));
    run::block_on(false, git::choices(&settings.repository, &settings.changes, &following, environment, &fetching))?
}
