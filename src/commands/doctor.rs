//! `doctor`: whether everything around a run is in order: the CI, the checkout, the configuration, credentials, the network and the
//! clock. It signs nothing, and changes nothing anywhere.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use url::Url;

use super::{explain, run};
use crate::ci::{CiHost, Console};
use crate::config::{
    self, Changes, CommandKind, DirectoryOptions, Flags, ListOptions, ManifestSource, Settings, Target, WithoutManifest,
};
use crate::credentials::search;
use crate::directory::{self, Manifest};
use crate::environment::Environment;
use crate::error::{Error, ExitCode};
use crate::git::{self, Range};
use crate::pipeline::{self, connect};
use crate::provider::clock::{self, Clock};
use crate::provider::http::Network;
use crate::provider::{Api, ApiName};
use crate::report::phrases::short_commit;
use crate::text::format::counted;

/// How far a clock may be off without a remark: a `Date` has whole seconds, and its way takes time too.
const PUNCTUAL: SignedDuration = SignedDuration::from_secs(3);

/// Checks everything, and reports each problem where it is found. The exit code is that of the worst.
///
/// # Errors
/// [`Error::Checkout`] when the system gives no event loop.
pub(super) fn run(
    flags: &Flags,
    environment: &Environment,
    console: &mut Console,
    is_terminal: bool,
    now: Timestamp,
) -> Result<ExitCode, Error> {
    console.summary(&format!("version        {}", env!("CARGO_PKG_VERSION")));
    console.summary(&format!("CI             {}", CiHost::detect(environment).name()));
    let settings = match config::read(CommandKind::Check, flags, environment) {
        Ok(settings) => settings,
        // Without settings there is no target to look at.
        Err(error) => return Ok(problem(console, "configuration", &error)),
    };
    run::prepare(&settings, environment, console, is_terminal);
    let (rules, targets) = (settings.rules.len(), settings.targets.len());
    let source = settings.config.as_ref().map_or("the options".to_owned(), |path| format!("`{}`", path.display()));
    console.summary(&format!("configuration  {source}: rules: {rules}, targets: {targets}"));

    let network = Network::new(environment);
    let (name, compared) = match &settings.changes {
        Changes::Directory(options) => ("built site", built_site(&git::root(&settings.repository), options)),
        Changes::List(options) => ("changes", listed(&settings, options)),
        Changes::Git { .. } | Changes::Since { .. } | Changes::All { .. } | Changes::Urls(_) => {
            let found = explain::choices(&settings, environment, console, &network, now);
            ("checkout", found.and_then(|found| found.decided).map(|changed| range(&changed.range)))
        }
    };
    let mut code = match compared {
        Ok(words) => {
            console.summary(&format!("{name:<15}{words}"));
            ExitCode::Success
        }
        Err(error) => problem(console, name, &error),
    };
    let journals = settings.journal.as_ref().and_then(|file| file.parent().map(Path::to_path_buf));
    let journals = journals.unwrap_or_else(|| console.host().state_folder(environment));
    console.summary(&format!("journals       `{}`", journals.display()));
    let mut reached = BTreeSet::new();
    for target in &settings.targets {
        console.summary(&format!("{}: {}", target.name, target.provider.title));
        code = code.worst(credentials(&settings, target, environment, console));
        let endpoint = connect::endpoint(&settings, target.provider, target.provider.endpoint(&target.options));
        if reached.insert(endpoint.to_string()) {
            code = code.worst(run::block_on(false, reach(&endpoint, &network, console, now))?);
        }
    }
    Ok(code)
}

/// The commits that a run would compare.
fn range(range: &Range) -> String {
    let base = range.base.as_deref().map_or("the beginning", short_commit);
    format!("{base}..{}, {}", short_commit(&range.head), range.reason)
}

/// The number of changes in a deploy tool's list.
///
/// # Errors
/// A list that a run would refuse.
fn listed(settings: &Settings, options: &ListOptions) -> Result<String, Error> {
    // Nobody may be writing to it.
    if options.file == Path::new("-") {
        return Ok("those of a list on standard input, which only a run reads".to_owned());
    }
    let list = run::block_on(false, pipeline::read_list(settings, options))??;
    let (changed, unchanged) = (counted(list.changes.len(), "changed file", "changed files"), list.unchanged);
    let others = if unchanged > 0 { format!(" and {unchanged} unchanged") } else { String::new() };
    Ok(format!("{changed}{others} in the list `{}`", options.file.display()))
}

/// The built directory, and what a run would compare it with.
///
/// # Errors
/// A directory, a manifest or a listing that a run would refuse.
fn built_site(root: &Path, options: &DirectoryOptions) -> Result<String, Error> {
    let files = counted(directory::find(root, &options.directory)?.count(), "file", "files");
    let before = match &options.manifest {
        ManifestSource::None => "no manifest, so every file counts as changed".to_owned(),
        ManifestSource::Listing(path) => {
            let listed = directory::read_listing(&root.join(path), &options.listing_prefix)?.len();
            format!("the listing `{}` has {}", path.display(), counted(listed, "file", "files"))
        }
        ManifestSource::File(path) => match Manifest::read(&root.join(path))? {
            Some(manifest) => format!("the manifest `{}` is of {}", path.display(), manifest.origin()),
            None => {
                let first = match options.without_manifest {
                    WithoutManifest::Error => "set `without-manifest` to `all` or `adopt` for the first run",
                    WithoutManifest::All => "`without-manifest` is `all`, so a run purges every file",
                    WithoutManifest::Adopt => "`without-manifest` is `adopt`, so a run purges nothing, and writes it",
                };
                format!("no manifest `{}` yet: {first}", path.display())
            }
        },
    };
    Ok(format!("`{}`: {files}; {before}", options.directory))
}

/// Reports a problem under the name of what has it.
fn problem(console: &mut Console, name: &str, error: &Error) -> ExitCode {
    console.summary(&format!("{name:<15}has a problem:"));
    console.error(error);
    error.exit_code()
}

/// Where the credentials come from. They aren't used: `check --online` does that.
fn credentials(settings: &Settings, target: &Target, environment: &Environment, console: &mut Console) -> ExitCode {
    match search::source(target.provider, &target.credentials, &settings.credentials, environment, &settings.repository)
    {
        Ok(source) => {
            console.summary(&format!("  credentials  {}", source.words()));
            ExitCode::Success
        }
        Err(error) => problem(console, "  credentials", &error),
    }
}

/// Whether an endpoint answers, and what its clock shows. Any answer will do: the request isn't signed.
async fn reach(endpoint: &Url, network: &Network, console: &mut Console, now: Timestamp) -> ExitCode {
    let host = endpoint.host_str().unwrap_or_default();
    let api = match network.open(std::slice::from_ref(endpoint), Clock::new(now)) {
        Ok(api) => api,
        Err(error) => return problem(console, "  network", &error),
    };
    let via = api.proxy(endpoint).map(|proxy| format!(" through the proxy `{proxy}`")).unwrap_or_default();
    let request = Request::get(endpoint.as_str()).extension(ApiName("GET /")).body(Bytes::new());
    let request = request.expect("a URL is a request's target");
    let sent = Instant::now();
    match api.call(request).await {
        Ok(answer) => {
            console.summary(&format!("  network      `{host}` answers{via} in {} ms", sent.elapsed().as_millis()));
            let Some(date) = clock::date(answer.headers()) else { return ExitCode::Success };
            let ahead = api.machine_time().duration_since(date);
            console.summary(&match ahead.abs() <= PUNCTUAL {
                true => "  clock        right".to_owned(),
                false => format!(
                    "  clock        {} s {} the provider's; requests are signed by the provider's time",
                    ahead.as_secs().abs(),
                    if ahead.is_negative() { "behind" } else { "ahead of" }
                ),
            });
            ExitCode::Success
        }
        Err(error) => {
            let help = error.help.clone().unwrap_or_else(|| {
                "allow this machine to reach the host, or set `HTTPS_PROXY`; on a self-hosted runner ask its operator".to_owned()
            });
            problem(console, "  network", &Error::Network { message: error.message, help })
        }
    }
}
