//! The command line becomes a [`Command`]; its flags are printed from the option table.
//!
//! Values are not understood here but in `given`, beside inputs and environment, so that the same mistake is told in the
//! same words wherever it was made. Nothing exits or prints here: help is a value too.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches};

use super::init_options::{self, InitOptions};
use super::layers::Flags;
use super::man;
use super::mock_server::{self, MockServerOptions};
use super::options::{CommandKind, ENTRIES, Entry, Shape};
use crate::error::{Diagnostic, Error};

/// What was asked for.
#[derive(Debug)]
pub enum Command {
    /// The main job; `plan` is the same with `dry-run`.
    Run(Flags),
    /// Which rule turns these files into which addresses.
    Explain {
        /// The options.
        flags: Flags,
        /// As they were typed; at least one.
        paths: Vec<OsString>,
    },
    /// Which two commits count, and why.
    ExplainRange(Flags),
    /// Whether the inputs can be used.
    Check(Flags),
    /// The same, and whether the keys may do what the configuration does.
    CheckOnline(Flags),
    /// Follow what was submitted earlier.
    Wait(Flags),
    /// Refresh or prefetch addresses that are given.
    List(CommandKind, Flags),
    /// Ask the providers something; for `wait`, follow tasks by their ids.
    Ask(CommandKind, Flags),
    /// The table of providers.
    Providers,
    /// The configuration's JSON schema.
    Schema,
    /// A first configuration for the repository.
    Init(Box<InitOptions>),
    /// The emulators over HTTP.
    MockServer(Box<MockServerOptions>),
    /// The main job on a repository of its own, against the emulators.
    Demo(Flags),
    /// Help, version, manual or completions: print it to standard output; the exit code is 0.
    Print(String),
}

/// Reads the command line, the program's name first.
///
/// # Errors
/// [`Error::Inputs`] for an unknown flag or command, a missing argument, or text that isn't Unicode.
pub fn parse_arguments(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Whatever is wrong, or asks for help, is told by the whole program.
    let matches = named(&arguments).try_get_matches_from(&arguments);
    match matches.or_else(|_| whole_program().try_get_matches_from(&arguments)) {
        Ok(matches) => command(matches),
        Err(error)
            if matches!(error.kind(), clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion) =>
        {
            Ok(Command::Print(error.to_string()))
        }
        Err(error) => Err(usage(&error)),
    }
}

fn command(mut matches: ArgMatches) -> Result<Command, Error> {
    let Some((name, mut inner)) = matches.remove_subcommand() else {
        return Ok(Command::Run(flags(&mut matches, CommandKind::Run)));
    };
    Ok(match name.as_str() {
        "run" => Command::Run(flags(&mut inner, CommandKind::Run)),
        "plan" => {
            let mut flags = flags(&mut inner, CommandKind::Run);
            flags.add("dry-run", "true");
            Command::Run(flags)
        }
        "explain" if inner.get_flag("range") => Command::ExplainRange(flags(&mut inner, CommandKind::ExplainRange)),
        "explain" => Command::Explain {
            paths: inner.remove_many::<OsString>("paths").into_iter().flatten().collect(),
            flags: flags(&mut inner, CommandKind::Explain),
        },
        "check" if inner.get_flag("online") => Command::CheckOnline(flags(&mut inner, CommandKind::Check)),
        "check" => Command::Check(flags(&mut inner, CommandKind::Check)),
        "wait" => Command::Wait(flags(&mut inner, CommandKind::Wait)),
        "refresh" => list(&mut inner, CommandKind::Refresh),
        "prefetch" => list(&mut inner, CommandKind::Prefetch),
        "records" => Command::Ask(CommandKind::Records, flags(&mut inner, CommandKind::Records)),
        "quota" => Command::Ask(CommandKind::Quota, flags(&mut inner, CommandKind::Quota)),
        "traffic" => Command::Ask(CommandKind::Traffic, flags(&mut inner, CommandKind::Traffic)),
        "bandwidth" => Command::Ask(CommandKind::Bandwidth, flags(&mut inner, CommandKind::Bandwidth)),
        "logs" => Command::Ask(CommandKind::Logs, flags(&mut inner, CommandKind::Logs)),
        "domains" => Command::Ask(CommandKind::Domains, flags(&mut inner, CommandKind::Domains)),
        "providers" => Command::Providers,
        "schema" => Command::Schema,
        "init" => Command::Init(Box::new(init_options::read(&mut inner)?)),
        "completions" => {
            let shell = inner.remove_one::<String>("shell").unwrap_or_default();
            Command::Print(man::completions(&shell, whole_program())?)
        }
        "man" => Command::Print(man::page(&whole_program())),
        "mock-server" => Command::MockServer(Box::new(mock_server::read(&mut inner)?)),
        _ => Command::Demo(flags(&mut inner, CommandKind::Demo)),
    })
}

/// A command that is given addresses.
fn list(matches: &mut ArgMatches, used_by: CommandKind) -> Command {
    let addresses: Vec<String> = matches.remove_many("addresses").into_iter().flatten().collect();
    let mut flags = flags(matches, used_by);
    addresses.into_iter().for_each(|address| flags.add_argument(address));
    Command::List(used_by, flags)
}

/// Which options of the table are built.
type Wanted<'a> = &'a dyn Fn(&Entry) -> bool;

/// The program as clap knows it, with what each command takes.
pub(super) fn whole_program() -> clap::Command {
    let commands = COMMANDS.iter().map(|(name, about, _)| complete(clap::Command::new(*name).about(*about), &|_| true));
    program().subcommands(commands).args(arguments(CommandKind::Run, &|_| true)).after_help(PRECEDENCE)
}

/// The program with what is named on a command line and nothing else: to build all options of all commands would be the longest
/// part of a start.
fn named(line: &[OsString]) -> clap::Command {
    let is_named = |entry: &Entry| line.iter().any(|argument| names(argument.as_encoded_bytes(), entry));
    match line.get(1).and_then(|first| COMMANDS.iter().find(|(name, ..)| first == name)) {
        Some((name, ..)) => program().subcommand(complete(clap::Command::new(*name), &is_named)),
        None => program().args(arguments(CommandKind::Run, &is_named)),
    }
}

/// Whether an argument may be the flag of an option: `--name`, `--name=…`, or any with one hyphen.
fn names(argument: &[u8], entry: &Entry) -> bool {
    match argument.strip_prefix(b"--") {
        Some(long) => long.strip_prefix(entry.name.as_bytes()).is_some_and(|rest| matches!(rest, [] | [b'=', ..])),
        None => argument.starts_with(b"-") && short(entry).is_some(),
    }
}

fn program() -> clap::Command {
    clap::Command::new("cdn-purge")
        .bin_name("cdn-purge")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Refreshes and prefetches the CDN addresses of the files that changed between two commits, and reports the truth")
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
}

/// Every command: its name, what it does, and which options of the table it takes.
#[rustfmt::skip]
const COMMANDS: &[(&str, &str, Option<CommandKind>)] = &[
    ("run", "Changed files → addresses → refresh → prefetch → report (also without a command)", Some(CommandKind::Run)),
    ("plan", "The same up to the plan: no keys, nothing sent to a provider", Some(CommandKind::Run)),
    ("explain", "Which rule turns a file into which addresses, or why none does", Some(CommandKind::Explain)),
    ("check", "Reads the configuration and reports every problem at once", Some(CommandKind::Check)),
    ("wait", "Goes on with an earlier run from its journal, with the options that the run had; or follows tasks by their ids", Some(CommandKind::Wait)),
    ("refresh", "Refreshes the addresses that are given, and waits for them", Some(CommandKind::Refresh)),
    ("prefetch", "Prefetches the addresses that are given, and waits for them", Some(CommandKind::Prefetch)),
    ("records", "The provider's records of refreshes and prefetches", Some(CommandKind::Records)),
    ("quota", "What is left for today", Some(CommandKind::Quota)),
    ("traffic", "The bytes that were delivered", Some(CommandKind::Traffic)),
    ("bandwidth", "The bits per second that were delivered", Some(CommandKind::Bandwidth)),
    ("logs", "The log files of a domain; fetches them too", Some(CommandKind::Logs)),
    ("domains", "The domains of the account", Some(CommandKind::Domains)),
    ("init", "Writes a first configuration for this repository, from what is in it", None),
    ("providers", "What each provider can do, its limits and its environment names", None),
    ("schema", "The configuration's JSON schema", None),
    ("completions", "Completions for a shell", None),
    ("man", "The manual page, for `man -l -`", None),
    ("mock-server", "Serves a mock API of every provider over HTTP", None),
    ("demo", "The main job on a small repository of its own, against the emulators", Some(CommandKind::Demo)),
];

/// Gives a command what it takes: its options of the table, and what is its own.
fn complete(command: clap::Command, wanted: Wanted<'_>) -> clap::Command {
    let name = command.get_name().to_owned();
    let of_the_table = COMMANDS.iter().find(|(known, ..)| *known == name).and_then(|(.., used_by)| *used_by);
    let command = match of_the_table {
        // A plan is a dry run in any case.
        Some(used_by) => {
            let arguments =
                arguments(used_by, wanted).filter(|argument| name != "plan" || argument.get_id() != "dry-run");
            command.args(arguments).after_help(PRECEDENCE)
        }
        None => command,
    };
    match name.as_str() {
        "explain" => command.args([
            Arg::new("paths")
                .value_name("PATH")
                .help("Files, from the repository's root")
                .num_args(1..)
                .required_unless_present("range")
                .value_parser(clap::value_parser!(OsString)),
            Arg::new("range")
                .long("range")
                .help("Which two commits a run would compare, why, and what another base would mean")
                .action(ArgAction::SetTrue)
                .conflicts_with("paths"),
        ]),
        "check" => command.arg(
            Arg::new("online")
                .long("online")
                .help("Ask each target's provider which permissions the keys lack, changing nothing, and print the smallest policy")
                .action(ArgAction::SetTrue),
        ),
        "refresh" | "prefetch" => {
            command.arg(Arg::new("addresses").value_name("URL").help("Addresses, beside those of a file").num_args(0..))
        }
        "completions" => {
            let shells = format!("[{}]", man::SHELLS.join(", "));
            command.arg(Arg::new("shell").value_name("SHELL").help(shells).required(true))
        }
        "init" => command.args(init_options::options()),
        "mock-server" => command.args(mock_server::options()),
        _ => command,
    }
}

const PRECEDENCE: &str = "Every option of a run but color, progress and merge-request-note is also an input of the Action, and every option is an \
                          environment variable: --dry-run is the input dry-run and CDN_PURGE_DRY_RUN.\nA flag beats an input, that beats the \
                          variable, that beats the configuration file. An empty value counts as none.";

/// The flags of a command.
fn arguments(used_by: CommandKind, wanted: Wanted<'_>) -> impl Iterator<Item = Arg> {
    ENTRIES.iter().filter(move |entry| entry.used_by.contains(&used_by) && wanted(entry)).map(argument)
}

fn short(entry: &Entry) -> Option<char> {
    match entry.name {
        "repository" => Some('C'),
        "url-file" => Some('f'),
        _ => None,
    }
}

fn argument(entry: &'static Entry) -> Arg {
    let argument = Arg::new(entry.name).long(entry.name).help(help(entry)).value_name(value_name(entry.shape));
    let argument = argument.short(short(entry));
    // Read as it comes: one parser, for flags, inputs and environment alike, says what a value may be.
    let argument = argument.allow_hyphen_values(!matches!(entry.shape, Shape::Boolean)).hide_possible_values(true);
    match entry.shape {
        Shape::List(_) => argument.action(ArgAction::Append),
        Shape::Boolean => argument.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ => argument,
    }
}

fn help(entry: &Entry) -> String {
    let mut help = entry.help.replace('`', "");
    if entry.is_secret() {
        help.push_str("; other processes can read a command line: the environment is safer");
    }
    if let Shape::Choice(words) = entry.shape {
        help.push_str(&format!(" [{}]", words.join(", ")));
    }
    if let Some(default) = entry.default {
        help.push_str(&format!(" [default: {default}]"));
    }
    help
}

fn value_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Text | Shape::List(_) => "TEXT",
        Shape::Boolean => "true|false",
        Shape::Duration => "TIME",
        Shape::Count(_) => "N",
        Shape::Choice(_) => "WORD",
        Shape::Path => "PATH",
        Shape::Secret => "SECRET",
    }
}

fn flags(matches: &mut ArgMatches, used_by: CommandKind) -> Flags {
    let mut flags = Flags::new();
    for entry in ENTRIES.iter().filter(|entry| entry.used_by.contains(&used_by)) {
        // `plan` has no `--dry-run`.
        if let Ok(Some(texts)) = matches.try_remove_many::<String>(entry.name) {
            texts.for_each(|text| flags.add(entry.name, text));
        }
    }
    flags
}

/// Clap's own words, in our shape: the first paragraph is what happened, a tip what to do.
fn usage(error: &clap::Error) -> Error {
    let text = error.to_string();
    let mut paragraphs = text.split("\n\n");
    let title = paragraphs.next().unwrap_or_default();
    let title = title.strip_prefix("error: ").unwrap_or(title).split_whitespace().collect::<Vec<_>>().join(" ");
    let tip = paragraphs.find_map(|paragraph| paragraph.trim_start().strip_prefix("tip: "));
    let tip = tip.and_then(|tip| tip.lines().next());
    let help = tip.map_or_else(|| "`cdn-purge --help` lists commands and options".into(), |tip| tip.replace('\'', "`"));
    Error::Inputs(vec![Diagnostic::new(title.replace('\'', "`"), help)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(line: &str) -> Result<Command, Error> {
        parse_arguments(std::iter::once("cdn-purge").chain(line.split_whitespace()).map(OsString::from))
    }

    fn debug(line: &str) -> String {
        format!("{:?}", parse(line).unwrap())
    }

    #[test]
    fn clap_finds_nothing_wrong_with_the_table() {
        whole_program().debug_assert();
    }

    #[test]
    fn run_is_what_is_done_without_a_command() {
        assert_eq!(debug("--dry-run --wait none"), r#"Run({"dry-run", "wait"})"#);
        assert_eq!(debug("run --dry-run=false -C site"), r#"Run({"dry-run", "repository"})"#);
        assert_eq!(debug(""), "Run({})");
        assert_eq!(debug("plan"), r#"Run({"dry-run"})"#);
    }

    #[test]
    fn a_boolean_flag_stands_alone_and_takes_no_path_away() {
        let Command::Explain { flags, paths } = parse("explain --prefetch a.html b.html").unwrap() else { panic!() };
        assert_eq!(format!("{flags:?}"), r#"{"prefetch"}"#);
        assert_eq!(paths, ["a.html", "b.html"]);
    }

    #[test]
    fn a_range_is_explained_without_paths() {
        assert_eq!(debug("explain --range --base v1 --head=HEAD~1"), r#"ExplainRange({"base", "head"})"#);
        assert!(matches!(parse("explain --range a.html"), Err(Error::Inputs(_))));
    }

    #[test]
    fn every_command_is_known() {
        for (line, expected) in [
            ("check", "Check"),
            ("check --online --provider x", "CheckOnline"),
            ("wait --journal x", "Wait"),
            ("providers", "Providers"),
            ("schema", "Schema"),
            ("init --host www.shop.test", "Init"),
            ("completions fish", "Print"),
            ("man", "Print"),
            ("demo", "Demo"),
        ] {
            assert!(debug(line).starts_with(expected), "{line}");
        }
    }

    #[test]
    fn an_unknown_flag_is_a_usage_error_with_the_nearest_one() {
        let error = parse("--dryrun").unwrap_err();
        assert_eq!(error.exit_code(), crate::error::ExitCode::Usage);
        let told = &error.diagnostics()[0];
        assert_eq!(told.title, "unexpected argument `--dryrun` found");
        assert_eq!(told.help.as_deref(), Some("a similar argument exists: `--dry-run`"));
    }

    #[test]
    fn mistakes_on_the_command_line_are_errors_and_never_panics() {
        for line in [
            "explain",
            "rnu",
            "--wait",
            "--wait all --wait none",
            "explain --dry-run x",
            "--dry-run check",
            "plan --dry-run",
        ] {
            assert!(matches!(parse(line), Err(Error::Inputs(_))), "{line}");
        }
    }

    proptest! {
        /// Options that aren't named make no difference to what a command line is.
        #[test]
        fn a_line_is_read_as_by_the_whole_program(
            line in prop::collection::vec(prop::sample::select(words()), 0..7),
        ) {
            let line: Vec<OsString> = std::iter::once("cdn-purge").chain(line).map(OsString::from).collect();
            let few = named(&line).try_get_matches_from(&line).map(command);
            let all = whole_program().try_get_matches_from(&line).map(command);
            if let Ok(few) = few {
                prop_assert_eq!(format!("{few:?}"), format!("{:?}", all.unwrap()), "{:?}", line);
            }
        }
    }

    fn words() -> Vec<&'static str> {
        let some =
            ["--dry-run", "--dry-run=false", "--wait", "--wait=all", "--base", "--base=-C", "--target", "--task-id"];
        let odd = [
            "-C",
            "-Cx",
            "-f",
            "-h",
            "--help",
            "--",
            "-",
            "--wait-",
            "--unknown",
            "--since",
            "x",
            "--range",
            "--online",
        ];
        COMMANDS.iter().map(|(name, ..)| *name).chain(some).chain(odd).collect()
    }

    #[cfg(unix)]
    #[test]
    fn text_that_is_not_unicode_is_an_error() {
        use std::os::unix::ffi::OsStringExt;
        let foreign = OsString::from_vec(b"--base=\xff".to_vec());
        assert!(parse_arguments(["cdn-purge".into(), foreign]).is_err());
        // A path of the repository may be any bytes.
        assert!(parse_arguments(["cdn-purge".into(), "explain".into(), OsString::from_vec(b"\xff".to_vec())]).is_ok());
    }

    #[test]
    fn help_and_version_are_values() {
        let Command::Print(help) = parse("run --help").unwrap() else { panic!("help") };
        assert!(help.contains("--refresh-timeout") && help.contains("[default: 15m]"), "{help}");
        let Command::Print(version) = parse("--version").unwrap() else { panic!("version") };
        assert_eq!(version.trim(), concat!("cdn-purge ", env!("CARGO_PKG_VERSION")));
    }
}
