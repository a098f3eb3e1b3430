//! Reads flags, inputs, environment and the configuration file into [`Settings`], or reports every problem.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::directory_options::ManifestSource;
use super::file::Configuration;
use super::file::rule::RuleText;
use super::layers::{Flags, LayeredOptions};
use super::options::CommandKind;
use super::parse_value::quoted;
use super::pattern_places::PatternPlaces;
use super::rules::{self, Found};
use super::{
    BaseSpec, Changes, Collapse, CredentialInputs, FailOn, LogLevel, Mode, OnEmpty, Settings, ShortQuota, Submodules,
    Symlinks, Target, UrlOptions, Wait, When, directory_options, list_options, network, targets, url_options,
};
use crate::environment::Environment;
use crate::error::{Diagnostic, Error};
use crate::mapping::{Encoded, PatternPlace, Unmatched};
use crate::model::Operation;
use crate::provider::{OptionValue, Spec};
use crate::providers::PROVIDERS;

/// How long to wait for refreshes, unless `timeout` says otherwise: vendors promise them within five to ten minutes.
const REFRESH_TIMEOUT: Duration = Duration::from_mins(15);

/// And for prefetches, which take as long as the origin needs.
const PREFETCH_TIMEOUT: Duration = Duration::from_mins(60);

/// A directory with more unchanged files than this for a changed one is as good as the whole site.
const MOST_OVER_REFRESH: u32 = 100;

/// Reads flags, inputs, environment and the configuration file for a command.
///
/// # Errors
/// [`Error::Inputs`] with every problem: those without a place first, then those of the file in order of place.
pub fn read(command: CommandKind, flags: &Flags, environment: &Environment) -> Result<Settings, Error> {
    read_with(PROVIDERS, command, flags, environment).map(|reading| reading.settings)
}

/// Settings, and their rules in the words they were written in.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) settings: Settings,
    pub(super) rule_texts: Vec<RuleText>,
}

/// The same over other providers than the registry's.
pub(super) fn read_with(
    providers: &[&'static Spec],
    command: CommandKind,
    flags: &Flags,
    environment: &Environment,
) -> Result<Reading, Error> {
    let mut problems = Vec::new();
    let mut given = LayeredOptions::read(command, flags, environment, &mut problems);
    let Found { path, notes, source, configuration } = rules::find(command, &given, providers, &mut problems);
    let Configuration { targets, mut rules, rule_texts, options, warnings } = configuration;
    let spans = rule_texts.iter().map(|text| text.spans.clone()).collect();
    given.add_file(command, options);
    given.add_defaults();
    let listing = url_options::read(command, &given, flags.arguments(), &mut problems);
    let count = targets.len();
    let targets = targets_of(command, &given, targets, listing.as_ref(), &mut problems);
    let is_part = targets.len() < count;
    // A rule without a target is still one that selects files.
    for rule in &mut rules {
        rule.targets.retain(|name| targets.iter().any(|target| target.name == *name));
    }
    let mut settings = Settings {
        config: path,
        targets,
        rules,
        changes: changes(&given, listing, &mut problems),
        worktree: given.boolean("worktree") == Some(true),
        submodules: match given.choice("submodules") {
            Some("require") => Submodules::Require,
            Some("ignore") => Submodules::Ignore,
            _ => Submodules::Follow,
        },
        symlinks: match given.choice("symlinks") {
            Some("everywhere") => Symlinks::Everywhere,
            Some("ignore") => Symlinks::Ignore,
            _ => Symlinks::Follow,
        },
        repository: given.path("repository").unwrap_or_else(|| PathBuf::from(".")),
        fetch: given.boolean("fetch") != Some(false),
        token: given.secret("token"),
        save_base: given.path("save-base"),
        mode: if command == CommandKind::Verify { Mode::Verify } else { mode(&given, &mut problems) },
        refresh: if command == CommandKind::Prefetch { Some(false) } else { given.boolean("refresh") },
        prefetch: if command == CommandKind::Prefetch { Some(true) } else { given.boolean("prefetch") },
        resume: command == CommandKind::Wait || given.boolean("resume") == Some(true),
        wait: wait(&given),
        refresh_timeout: given.duration("timeout").unwrap_or(REFRESH_TIMEOUT),
        prefetch_timeout: given.duration("timeout").unwrap_or(PREFETCH_TIMEOUT),
        fail_on: fail_on(&given),
        short_quota: if given.choice("on-short-quota") == Some("fit") { ShortQuota::Fit } else { ShortQuota::Refuse },
        collapse: match given.choice("collapse") {
            Some("auto") => Collapse::Auto,
            Some("always") => Collapse::Always,
            _ => Collapse::Never,
        },
        over_refresh: over_refresh(&given, &mut problems),
        popularity: given
            .path("popularity")
            .and_then(|file| directory_options::inside("popularity", &file, &given, &mut problems).map(PathBuf::from)),
        on_empty: match given.choice("on-empty") {
            Some("fail") => OnEmpty::Fail,
            Some("ok") => OnEmpty::Ok,
            _ => OnEmpty::Warn,
        },
        max_urls: given.count("max-urls"),
        allow_hosts: network::hosts(&given, &mut problems),
        journal: given.path("journal"),
        report_file: given.path("report-file"),
        report_html: given.path("report-html"),
        pull_request_comment: given.boolean("pull-request-comment") == Some(true),
        merge_request_note: given.boolean("merge-request-note") == Some(true),
        endpoints: network::endpoints(&given, providers, &mut problems),
        credentials: credentials(&given, &mut problems),
        batch_size: given.count("batch-size").map(|size| usize::try_from(size).unwrap_or(usize::MAX)),
        warm_concurrency: given.count("warm-concurrency").and_then(|count| usize::try_from(count).ok()).unwrap_or(4),
        edges: network::edges(&given, &mut problems),
        origins: network::origins(&given, &mut problems),
        wait_for: network::wait_for(&given, &mut problems),
        gate_timeout: given.duration("gate-timeout").unwrap_or(Duration::from_mins(5)),
        verify: given.boolean("verify") == Some(true) || command == CommandKind::Verify,
        verify_urls: given.count("verify-urls").and_then(|count| usize::try_from(count).ok()).unwrap_or(200),
        sequential: given.boolean("sequential") == Some(true),
        color: when(&given, "color"),
        progress: when(&given, "progress"),
        log_level: log_level(&given),
        notes,
        warnings,
        patterns: PatternPlaces { source, spans },
    };
    problems.extend(encoded_anyway(&settings));
    problems.extend(worktree(&given, &settings));
    problems.extend(manifest_of_all(&given, &settings, is_part));
    if settings.collapse != Collapse::Never
        && !settings.rules.is_empty()
        && settings.rules.iter().all(|rule| !rule.complete)
    {
        settings.warnings.push(Diagnostic::new(
            "`collapse` changes nothing: no rule says `complete: true`",
            "set `complete: true` in the rules below whose URLs nothing is served but files of your rules; or drop `collapse`",
        ));
    }
    let outside = outside_of_the_build(&settings);
    settings.warnings.extend(outside);
    let files = [
        ("journal", &settings.journal),
        ("report-file", &settings.report_file),
        ("report-html", &settings.report_html),
    ];
    for (index, (name, file)) in files.iter().enumerate() {
        if let Some((other, _)) = files[..index].iter().find(|(_, other)| file.is_some() && other == file) {
            let (name, other) = (given.label(name), given.label(other));
            problems.push(Diagnostic::new(format!("{other} and {name} are one file"), "name a file for each"));
        }
    }
    if settings.refresh == Some(false) && settings.prefetch == Some(false) {
        problems.push(Diagnostic::new(
            format!(
                "{} and {} are both false, so nothing would be sent",
                given.label("refresh"),
                given.label("prefetch")
            ),
            "drop one of the two",
        ));
    }
    if settings.resume && settings.mode != Mode::Real {
        let names = ["resume", if settings.mode == Mode::DryRun { "dry-run" } else { "simulate" }];
        let [resume, other] = names.map(|name| given.label(name));
        problems.push(Diagnostic::new(format!("{resume} can't be combined with {other}"), "drop one of the two"));
    }
    // The file's problems come in order already; those of flags and environment are short, and are listed first.
    problems.sort_by_key(|problem| problem.place.is_some());
    if problems.is_empty() { Ok(Reading { settings, rule_texts }) } else { Err(Error::Inputs(problems)) }
}

/// URLs that are to be sent as they are to targets whose provider encodes all of them: it would take none of them so.
fn encoded_anyway(settings: &Settings) -> Vec<Diagnostic> {
    let encodes = |target: &Target| {
        let mut options = target.provider.options.iter().filter(|option| option.encodes);
        options
            .find(|option| target.options.get(option.name) == Some(&OptionValue::Boolean(true)))
            .map(|option| option.name)
    };
    let problem = |target: &Target, whose: &str| {
        let option = encodes(target)?;
        let title = format!("{whose} sends raw URLs to the target `{}`, whose `{option}` encodes them", target.name);
        Some(Diagnostic::new(
            title,
            format!("drop `{option}`, so that each form is purged as it is sent; or drop `encoded`"),
        ))
    };
    let listed = match &settings.changes {
        Changes::Urls(listing) if listing.encoded.contains(&Encoded::Raw) => &settings.targets[..],
        _ => &[],
    };
    let listed = listed.iter().filter_map(|target| problem(target, "`encoded`"));
    let rules = settings.rules.iter().filter(|rule| rule.encoded.contains(&Encoded::Raw));
    let ruled = rules.flat_map(|rule| {
        let targets = settings.targets.iter().filter(|target| rule.targets.contains(&target.name));
        targets.filter_map(|target| problem(target, &format!("`encoded` of the rule `{}`", rule.name)))
    });
    listed.chain(ruled).collect()
}

/// How many unchanged URLs a directory may have for each changed one: `2x`.
fn over_refresh(given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> u32 {
    let text = given.text("over-refresh").unwrap_or_default();
    let times = text.strip_suffix('x').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let times = times.and_then(|digits| digits.parse().ok()).filter(|times| *times <= MOST_OVER_REFRESH);
    times.unwrap_or_else(|| {
        let given = given.is_explicit("over-refresh") || !text.is_empty();
        if given {
            problems.push(Diagnostic::new(
                format!("`over-refresh` takes a number from `0x` to `{MOST_OVER_REFRESH}x`, not {}", quoted(&text)),
                "write how many unchanged files may be refreshed for each changed one: `2x`",
            ));
        }
        0
    })
}

/// A working directory where it can't be the source of the changes.
fn worktree(given: &LayeredOptions, settings: &Settings) -> Option<Diagnostic> {
    if !settings.worktree {
        return None;
    }
    let label = given.label("worktree");
    if settings.mode != Mode::DryRun {
        let help = "run `cdn-purge plan --worktree`; what isn't committed isn't deployed either";
        return Some(Diagnostic::new(format!("{label} is for a plan"), help));
    }
    let other = match &settings.changes {
        Changes::Git { head: None, .. } => return None,
        Changes::Git { head: Some(_), .. } => "head",
        Changes::Since { .. } => "base",
        Changes::Urls(_) => "url-file",
        Changes::All { .. } | Changes::Directory(_) | Changes::List(_) => "changes",
    };
    let title = format!("{label} can't be combined with {}", given.label(other));
    Some(Diagnostic::new(title, "drop one of the two: the working directory is compared with one commit"))
}

/// A manifest that the whole configuration keeps, in a run of a part of it: the other targets would never learn of the changes.
fn manifest_of_all(given: &LayeredOptions, settings: &Settings, is_part: bool) -> Option<Diagnostic> {
    let Changes::Directory(built) = &settings.changes else { return None };
    let ManifestSource::File(path) = &built.manifest else { return None };
    let is_shared = is_part && settings.mode == Mode::Real && !given.is_explicit("manifest");
    is_shared.then(|| {
        let title = format!("{} would write the manifest `{}` of all targets", given.label("target"), path.display());
        Diagnostic::new(
            title,
            "keep a manifest for each part: `--manifest file:PATH`, in a cache or an artifact of its own",
        )
    })
}

/// Patterns that can't match a file of the one directory whose files count.
fn outside_of_the_build(settings: &Settings) -> Vec<Diagnostic> {
    let directory = match &settings.changes {
        Changes::Directory(options) => Some(&options.directory),
        Changes::List(options) => options.directory.as_ref(),
        Changes::Git { .. } | Changes::Since { .. } | Changes::All { .. } | Changes::Urls(_) => None,
    };
    // An absolute path is one in the repository, or is refused when it is read.
    let Some(directory) = directory.filter(|directory| !directory.starts_with('/')) else { return Vec::new() };
    let folder = format!("{directory}/");
    let all = Unmatched::of(&settings.rules, |rule| settings.patterns.is_written(rule));
    let warning = |place: PatternPlace| {
        let globs = &settings.rules[place.rule].files;
        if globs.may_match_at(place.pattern, folder.as_bytes()) {
            return None;
        }
        let title =
            format!("`{}` can't match: the files that count are those in `{directory}`", globs.text(place.pattern));
        let help = format!("write it as a path from the repository's root: `{directory}/**`; or set `directory`");
        Some(settings.patterns.warning(place, title, help))
    };
    all.places().filter_map(|(place, _)| warning(place)).collect()
}

/// The targets that the command is about, with what it sets in their options.
fn targets_of(
    command: CommandKind,
    given: &LayeredOptions,
    found: Vec<Target>,
    listing: Option<&UrlOptions>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Target> {
    let mut chosen = targets::choose(command, given, found, problems);
    if let Some(listing) = listing.filter(|_| command.takes_urls()) {
        let refresh = (command == CommandKind::Refresh).then_some(Operation::Refresh(listing.kind));
        let warms = command == CommandKind::Prefetch || given.boolean("prefetch") == Some(true);
        let wanted: Vec<Operation> = refresh.into_iter().chain(warms.then_some(Operation::Prefetch)).collect();
        targets::can_do(&chosen, &wanted, problems);
        targets::set_options(given, &mut chosen, problems);
    }
    chosen
}

fn changes(given: &LayeredOptions, listing: Option<UrlOptions>, problems: &mut Vec<Diagnostic>) -> Changes {
    let (base, head) = (given.text("base"), given.text("head"));
    if let Some(listing) = listing {
        let without_meaning =
            ["changes", "base", "head", "save-base"].into_iter().filter(|name| given.is_explicit(name));
        for name in without_meaning {
            problems.push(Diagnostic::new(
                format!("{} can't be combined with {}", given.label(name), given.label("url-file")),
                "with a URL list no commits are compared: drop one of the two",
            ));
        }
        directory_options::refuse(given, &[], problems);
        list_options::refuse(given, problems);
        return Changes::Urls(listing);
    }
    if given.choice("changes") == Some("list") {
        directory_options::refuse(given, &["directory"], problems);
        return Changes::List(list_options::read(given, problems));
    }
    list_options::refuse(given, problems);
    if given.choice("changes") == Some("directory") {
        return Changes::Directory(directory_options::read(given, problems));
    }
    directory_options::refuse(given, &[], problems);
    if given.choice("changes") != Some("all") {
        return match base.as_deref().and_then(BaseSpec::parse) {
            None => Changes::Git { base, head },
            Some(Ok(base)) => Changes::Since { base, head },
            Some(Err((message, help))) => {
                problems.push(Diagnostic::new(format!("{} {message}", given.label("base")), help));
                Changes::Git { base, head }
            }
        };
    }
    if base.is_some() {
        problems.push(Diagnostic::new(
            format!("{} can't be combined with `changes: all`", given.label("base")),
            "all tracked files are purged, whatever changed: drop one of the two",
        ));
    }
    Changes::All { head }
}

fn mode(given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> Mode {
    match (given.boolean("dry-run") == Some(true), given.boolean("simulate") == Some(true)) {
        (false, false) => Mode::Real,
        (true, false) => Mode::DryRun,
        (false, true) => Mode::Simulate,
        (true, true) => {
            problems.push(Diagnostic::new(
                format!("{} and {} can't be combined", given.label("dry-run"), given.label("simulate")),
                "drop one: a dry run prints the plan, a simulation executes it against emulators",
            ));
            Mode::DryRun
        }
    }
}

/// The credentials as given. An id without a secret is reported where credentials are resolved, along with the other sources.
fn credentials(given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> CredentialInputs {
    let inputs = CredentialInputs {
        access_key_id: given.secret("access-key-id").map(|id| id.expose_secret().to_owned()),
        access_key_secret: given.secret("access-key-secret"),
        security_token: given.secret("security-token"),
        role: given.text("role"),
        oidc_provider: given.text("oidc-provider"),
        oidc_audience: given.text("oidc-audience"),
        oidc_token: given.secret("oidc-token"),
    };
    if given.is_explicit("security-token")
        && !given.is_explicit("access-key-id")
        && !given.is_explicit("access-key-secret")
    {
        problems.push(Diagnostic::new(
            format!("{} needs an access key", given.label("security-token")),
            "set `access-key-id` and `access-key-secret` too, or drop it",
        ));
    }
    inputs
}

fn wait(given: &LayeredOptions) -> Wait {
    match given.choice("wait") {
        Some("none") => Wait::None,
        Some("refresh") => Wait::Refresh,
        _ => Wait::All,
    }
}

fn fail_on(given: &LayeredOptions) -> FailOn {
    match given.choice("fail-on") {
        Some("never") => FailOn::Never,
        Some("refresh") => FailOn::Refresh,
        _ => FailOn::Any,
    }
}

fn when(given: &LayeredOptions, name: &str) -> When {
    match given.choice(name) {
        Some("always") => When::Always,
        Some("never") => When::Never,
        _ => When::Auto,
    }
}

fn log_level(given: &LayeredOptions) -> LogLevel {
    match given.choice("log-level") {
        Some("quiet") => LogLevel::Quiet,
        Some("verbose") => LogLevel::Verbose,
        _ => LogLevel::Normal,
    }
}
