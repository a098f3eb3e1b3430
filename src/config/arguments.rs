//! Reads the command line into a [`Command`]; its flags are printed from the option table.
//!
//! Values are parsed in `layers`, together with inputs and environment, so that the same mistake is reported in the same words
//! wherever it was made. Nothing exits or prints here: help is a value too.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches};

use super::init_options::{self, InitOptions};
use super::layers::Flags;
use super::man;
use super::mock_server::{self, MockServerOptions};
use super::options::{CommandKind, ENTRIES, Entry, Shape};
use crate::error::{Diagnostic, Error};

/// A parsed command line.
#[derive(Debug)]
pub enum Command {
    /// The main job; `plan` is the same with `dry-run`.
    Run(Flags),
    /// Show which rule maps these files to which URLs.
    Explain {
        /// The options.
        flags: Flags,
        /// As they were typed; at least one.
        paths: Vec<OsString>,
    },
    /// Show where two builds of a site differ.
    ExplainTwice([OsString; 2]),
    /// Show which two commits are compared, and why.
    ExplainRange(Flags),
    /// Validate options and configuration.
    Check(Flags),
    /// The same, and list the permissions that the credentials lack.
    CheckOnline(Flags),
    /// Check the surroundings of a run.
    Doctor(Flags),
    /// Resume an earlier run.
    Wait(Flags),
    /// Refresh or prefetch a list of URLs.
    List(CommandKind, Flags),
    /// Query the providers; with `wait`, follow tasks by their ids.
    Query(CommandKind, Flags),
    /// Make an HTML report.
    Report {
        /// The JSON report.
        report: PathBuf,
        /// Where the HTML report goes, if it is named.
        page: Option<PathBuf>,
    },
    /// The table of providers.
    Providers,
    /// The configuration's JSON schema.
    Schema,
    /// Write a first configuration for the repository.
    Init(Box<InitOptions>),
    /// Serve the mock API over HTTP.
    MockServer(Box<MockServerOptions>),
    /// The main job on a sample repository, against a mock CDN.
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
    // What can be typed is the same for both: they differ in what help shows.
    let detail = if arguments.iter().any(|argument| argument == "-h") { Detail::Basic } else { Detail::Everything };
    match reader(detail).try_get_matches_from(&arguments) {
        Ok(matches) => command(matches),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Ok(Command::Print(error.to_string()))
        }
        Err(error) => Err(usage(&error)),
    }
}

fn command(mut matches: ArgMatches) -> Result<Command, Error> {
    let Some((name, mut inner)) = matches.remove_subcommand() else {
        return Ok(Command::Run(flags(&mut matches, CommandKind::Run)));
    };
    let kind = COMMANDS.iter().find(|known| known.name == name).and_then(|known| known.kind);
    Ok(match (name.as_str(), kind) {
        ("plan", Some(kind)) => {
            let mut flags = flags(&mut inner, kind);
            flags.add("dry-run", "true");
            Command::Run(flags)
        }
        ("verify", Some(kind)) => Command::List(kind, flags(&mut inner, kind)),
        ("run", Some(kind)) => Command::Run(flags(&mut inner, kind)),
        ("explain", _) if inner.get_flag("range") => {
            Command::ExplainRange(flags(&mut inner, CommandKind::ExplainRange))
        }
        ("explain", _) if inner.contains_id("twice") => {
            let mut builds = inner.remove_many::<OsString>("twice").into_iter().flatten();
            let mut next = || builds.next().unwrap_or_default();
            Command::ExplainTwice([next(), next()])
        }
        ("explain", Some(kind)) => Command::Explain {
            paths: inner.remove_many::<OsString>("paths").into_iter().flatten().collect(),
            flags: flags(&mut inner, kind),
        },
        ("check", Some(kind)) if inner.get_flag("online") => Command::CheckOnline(flags(&mut inner, kind)),
        ("doctor", Some(kind)) => Command::Doctor(flags(&mut inner, kind)),
        ("check", Some(kind)) => Command::Check(flags(&mut inner, kind)),
        ("wait", Some(kind)) => Command::Wait(flags(&mut inner, kind)),
        ("demo", Some(kind)) => Command::Demo(flags(&mut inner, kind)),
        (_, Some(kind)) if kind.takes_urls() => {
            let urls: Vec<String> = inner.remove_many("urls").into_iter().flatten().collect();
            let mut flags = flags(&mut inner, kind);
            urls.into_iter().for_each(|url| flags.add_argument(url));
            Command::List(kind, flags)
        }
        (_, Some(kind)) => Command::Query(kind, flags(&mut inner, kind)),
        ("report", None) => {
            Command::Report { report: inner.remove_one("report").unwrap_or_default(), page: inner.remove_one("html") }
        }
        ("providers", None) => Command::Providers,
        ("schema", None) => Command::Schema,
        ("init", None) => Command::Init(Box::new(init_options::read(&mut inner)?)),
        ("completions", None) => {
            let shell = inner.remove_one::<String>("shell").unwrap_or_default();
            Command::Print(man::completions(&shell, program(Detail::Everything))?)
        }
        ("man", None) => Command::Print(man::page(program(Detail::Everything))),
        ("mock-server", None) => Command::MockServer(Box::new(mock_server::read(&mut inner)?)),
        _ => Command::Print(VERSION_LINE.to_owned()),
    })
}

const VERSION_LINE: &str = concat!("cdn-purge ", env!("CARGO_PKG_VERSION"));

/// How much help lists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// `-h`: what a newcomer needs.
    Basic,
    /// `--help`, the manual page, completions.
    Everything,
}

/// A command of the program.
struct Known {
    name: &'static str,
    /// Other words for it.
    aliases: &'static [&'static str],
    about: &'static str,
    /// Which options of the table it takes, if any.
    kind: Option<CommandKind>,
    /// Whether `-h` lists it.
    is_basic: bool,
}

const fn basic(name: &'static str, about: &'static str, kind: Option<CommandKind>) -> Known {
    Known { name, aliases: &[], about, kind, is_basic: true }
}

const fn other(name: &'static str, about: &'static str, kind: Option<CommandKind>) -> Known {
    Known { is_basic: false, ..basic(name, about, kind) }
}

impl Known {
    const fn or(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }
}

#[rustfmt::skip]
const COMMANDS: &[Known] = &[
    basic("init", "Write a first configuration for this repository", None),
    basic("check", "Validate the configuration and print what it does", Some(CommandKind::Check)),
    basic("plan", "Print what a run would purge, without sending anything", Some(CommandKind::Run)),
    basic("run", "Purge the URLs of the changed files and wait (the default)", Some(CommandKind::Run)),
    basic("wait", "Resume an earlier run from its journal, or follow tasks by ID", Some(CommandKind::Wait)),
    basic("verify", "Fetch the URLs of a run through the CDN and compare them with the files", Some(CommandKind::Verify)),
    basic("explain", "Show which rule maps a file to which URLs", Some(CommandKind::Explain)),
    basic("refresh", "Purge the URLs you list, and wait", Some(CommandKind::Refresh)).or(&["purge"]),
    basic("prefetch", "Load the URLs you list into the caches, and wait", Some(CommandKind::Prefetch)).or(&["preload", "warm"]),
    other("doctor", "Check the CI, checkout, configuration, credentials, network and clock", Some(CommandKind::Check)),
    other("records", "List the provider's refresh and prefetch tasks", Some(CommandKind::Records)),
    other("quota", "Show what is left of today's quota", Some(CommandKind::Quota)),
    other("traffic", "Show the bytes delivered", Some(CommandKind::Traffic)),
    other("bandwidth", "Show the bits per second delivered", Some(CommandKind::Bandwidth)),
    other("logs", "List or download the log files of a domain", Some(CommandKind::Logs)),
    other("domains", "List the domains of the account", Some(CommandKind::Domains)),
    other("report", "Make an HTML report of the JSON report of a run", None),
    basic("providers", "List CDNs with their limits and environment variables", None),
    basic("demo", "Run on a sample site against a local mock CDN", Some(CommandKind::Demo)),
    other("mock-server", "Serve a mock API of every provider over HTTP", None),
    other("schema", "Print the JSON schema of the configuration", None),
    other("completions", "Print completions for a shell", None),
    other("man", "Print the manual page, for `man -l -`", None),
    other("version", "Print the version", None),
];

/// The program as clap knows it.
pub(super) fn program(detail: Detail) -> clap::Command {
    tree(detail, |command| complete(command, detail))
}

/// The same, for reading a command line: only the command that was typed gets its options.
fn reader(detail: Detail) -> clap::Command {
    tree(detail, |command| {
        command.defer(match detail {
            Detail::Basic => |command| complete(command, Detail::Basic),
            Detail::Everything => |command| complete(command, Detail::Everything),
        })
    })
}

fn tree(detail: Detail, complete: impl Fn(clap::Command) -> clap::Command) -> clap::Command {
    let commands = COMMANDS.iter().map(|known| {
        let command = clap::Command::new(known.name).about(known.about).visible_aliases(known.aliases);
        complete(command.hide(detail == Detail::Basic && !known.is_basic))
    });
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).global(true);
    let help = help.help(match detail {
        Detail::Basic => "Print this summary; `--help` lists all commands and options",
        Detail::Everything => "Print help; `-h` prints a summary",
    });
    let program = clap::Command::new("cdn-purge")
        .bin_name("cdn-purge")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Purge exactly the CDN URLs that your last deploy changed, and wait until the CDN confirms")
        .args_conflicts_with_subcommands(true)
        .disable_help_flag(true)
        .arg(help.display_order(1000))
        .subcommands(commands)
        .args(arguments(CommandKind::Run, detail));
    program.after_help(match detail {
        Detail::Basic => EXAMPLES.to_owned(),
        Detail::Everything => format!("{EXAMPLES}\n\n{PRECEDENCE}"),
    })
}

const EXAMPLES: &str = "Examples:
  cdn-purge demo                                try it in five seconds, without an account
  cdn-purge init && cdn-purge plan              configure this repository, show what would be purged
  cdn-purge run --base v1.4.0                   purge what changed since the tag v1.4.0
  cdn-purge purge https://www.example.com/a/    purge one URL, with the targets of cdn-purge.yml";

const PRECEDENCE: &str = "Every option is also an environment variable, and most options of `run` are inputs of the GitHub Action: \
                          --dry-run is the input dry-run and the variable CDN_PURGE_DRY_RUN.\nA flag overrides an input, an input \
                          the variable, the variable the configuration file. An empty value counts as unset.";

/// Adds a command's options and arguments.
fn complete(command: clap::Command, detail: Detail) -> clap::Command {
    let name = command.get_name().to_owned();
    let command = match COMMANDS.iter().find(|known| known.name == name).and_then(|known| known.kind) {
        Some(kind) => {
            // A plan is a dry run in any case.
            let is_meant = |argument: &Arg| name != "plan" || argument.get_id() != "dry-run";
            let command = command.args(arguments(kind, detail).filter(is_meant));
            if detail == Detail::Everything { command.after_help(PRECEDENCE) } else { command }
        }
        None => command,
    };
    match name.as_str() {
        "explain" => command.args([
            Arg::new("paths")
                .value_name("PATH")
                .help("Files, relative to the root of the repository")
                .num_args(1..)
                .required_unless_present_any(["range", "twice"])
                .conflicts_with_all(["range", "twice"])
                .value_parser(clap::value_parser!(OsString)),
            Arg::new("range")
                .long("range")
                .help("Show which two commits a run would compare, why, and what other bases would give")
                .action(ArgAction::SetTrue),
            Arg::new("twice")
                .long("twice")
                .value_names(["DIR", "DIR"])
                .num_args(2)
                .help("Show where two builds of the same sources differ")
                .conflicts_with("range")
                .value_parser(clap::value_parser!(OsString)),
        ]),
        "check" => command.arg(
            Arg::new("online")
                .long("online")
                .help("Also list the permissions that the credentials lack, changing nothing, and print the smallest policy")
                .action(ArgAction::SetTrue),
        ),
        "refresh" | "prefetch" => {
            command.arg(Arg::new("urls").value_name("URL").help("URLs, in addition to those of `--url-file`").num_args(0..))
        }
        "completions" => {
            let shells = format!("[{}]", man::SHELLS.join(", "));
            command.arg(Arg::new("shell").value_name("SHELL").help(shells).required(true))
        }
        "report" => command.args([
            Arg::new("report")
                .value_name("FILE")
                .help("JSON report: the file that `report-file` named, or the output `report`")
                .required(true)
                .value_parser(clap::value_parser!(PathBuf)),
            Arg::new("html")
                .long("html")
                .value_name("FILE")
                .help("Write an HTML report. Default file: that of the JSON report, with the ending `html`")
                .num_args(0..=1)
                .require_equals(true)
                .required(true)
                .value_parser(clap::value_parser!(PathBuf)),
        ]),
        "init" => command.args(init_options::options()),
        "mock-server" => command.args(mock_server::options()),
        _ => command,
    }
}

/// The flags of a command.
fn arguments(kind: CommandKind, detail: Detail) -> impl Iterator<Item = Arg> {
    ENTRIES.iter().filter(move |entry| entry.used_by.contains(&kind)).map(move |entry| argument(entry, detail))
}

fn argument(entry: &'static Entry, detail: Detail) -> Arg {
    let argument = Arg::new(entry.name).long(entry.name).short(entry.short).value_name(placeholder(entry.shape));
    // Any text is accepted here: one parser, for flags, inputs and environment alike, says what a value may be.
    let argument = argument.allow_hyphen_values(!matches!(entry.shape, Shape::Boolean)).hide_possible_values(true);
    let argument = match detail {
        Detail::Basic => argument.help(entry.summary().replace('`', "")).hide(!entry.group.is_basic()),
        Detail::Everything if entry.group.is_basic() => argument.help(help(entry)),
        Detail::Everything => argument.help(help(entry)).help_heading(entry.group.heading()),
    };
    match entry.shape {
        Shape::List(..) => argument.action(ArgAction::Append),
        Shape::Boolean => argument.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ => argument,
    }
}

fn help(entry: &Entry) -> String {
    let mut help = entry.help.replace('`', "");
    if entry.is_secret() {
        help.push_str(". Other processes can read a command line: prefer the environment");
    }
    if let (Shape::Choice(words), "WORD") = (entry.shape, placeholder(entry.shape).as_str()) {
        help.push_str(&format!(" [{}]", words.join(", ")));
    }
    if let Some(default) = entry.default {
        help.push_str(&format!(" [default: {default}]"));
    }
    help.push_str(&format!(" [env: {}]", entry.environment_name()));
    help
}

/// What help shows for a value: `FILE`, `all|refresh|none`.
fn placeholder(shape: Shape) -> String {
    match shape {
        Shape::Text(placeholder) | Shape::List(placeholder, _) | Shape::Path(placeholder) => placeholder.to_owned(),
        Shape::Boolean => "BOOL".to_owned(),
        Shape::Duration => "DURATION".to_owned(),
        Shape::Count(_) => "N".to_owned(),
        Shape::Choice(words) if words.len() < 4 => words.join("|"),
        Shape::Choice(_) => "WORD".to_owned(),
        Shape::Secret => "SECRET".to_owned(),
    }
}

fn flags(matches: &mut ArgMatches, kind: CommandKind) -> Flags {
    let mut flags = Flags::new();
    for entry in ENTRIES.iter().filter(|entry| entry.used_by.contains(&kind)) {
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
    let is_stray_path =
        title.split('\'').nth(1).is_some_and(|word| !word.starts_with('-') && word.contains(['/', '.']));
    let help = match tip {
        Some(tip) => tip.replace('\'', "`"),
        None if is_stray_path => "quote a pattern, or the shell puts files in its place: `--files 'public/**'`".into(),
        None => "`cdn-purge --help` lists commands and options".into(),
    };
    Error::Inputs(vec![Diagnostic::new(title.replace('\'', "`"), help)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, Error> {
        parse_arguments(std::iter::once("cdn-purge").chain(line.split_whitespace()).map(OsString::from))
    }

    fn debug(line: &str) -> String {
        format!("{:?}", parse(line).unwrap())
    }

    #[test]
    fn clap_finds_nothing_wrong_with_the_table() {
        program(Detail::Everything).debug_assert();
        program(Detail::Basic).debug_assert();
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
            ("report run.json --html", "Report { report: \"run.json\", page: None }"),
            ("report run.json --html=a.html", "Report { report: \"run.json\", page: Some"),
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
        let problem = &error.diagnostics()[0];
        assert_eq!(problem.title, "unexpected argument `--dryrun` found");
        assert_eq!(problem.help.as_deref(), Some("a similar argument exists: `--dry-run`"));
    }

    #[test]
    fn files_that_a_shell_put_in_place_of_a_pattern_are_an_error_that_says_so() {
        for line in ["plan --files dist/a.html dist/b.html", "--files dist/a.html dist/b.html"] {
            let help = parse(line).unwrap_err().diagnostics()[0].help.clone();
            assert_eq!(
                help.as_deref(),
                Some("quote a pattern, or the shell puts files in its place: `--files 'public/**'`"),
                "{line}"
            );
        }
        let help = parse("plan public").unwrap_err().diagnostics()[0].help.clone();
        assert_eq!(help.as_deref(), Some("`cdn-purge --help` lists commands and options"));
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

    #[test]
    fn the_fields_other_words_name_the_same_commands() {
        for (line, expected) in [
            ("purge https://a.test/", "List(Refresh"),
            ("preload -f x", "List(Prefetch"),
            ("warm -f x", "List(Prefetch"),
            ("version", "Print"),
            ("help", "Print"),
            ("help run", "Print"),
            ("quota", "Query(Quota"),
        ] {
            assert!(debug(line).starts_with(expected), "{line}: {}", debug(line));
        }
    }

    #[test]
    fn short_help_fits_on_a_screen_and_long_help_has_everything() {
        let Command::Print(short) = parse("-h").unwrap() else { panic!("help") };
        assert!(short.lines().count() <= 40, "{short}");
        assert!(
            short.contains("--allow-hosts <HOST>") && short.contains("Examples:") && !short.contains("--endpoint"),
            "{short}"
        );
        let Command::Print(long) = parse("--help").unwrap() else { panic!("help") };
        let one_line = long.split_whitespace().collect::<Vec<_>>().join(" ");
        for entry in ENTRIES.iter().filter(|entry| entry.used_by.contains(&CommandKind::Run)) {
            assert!(
                long.contains(&format!("--{}", entry.name))
                    && one_line.contains(&format!("[env: {}]", entry.environment_name())),
                "{}",
                entry.name
            );
        }
        assert!(COMMANDS.iter().all(|known| long.contains(&format!("\n  {} ", known.name))), "{long}");
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
        assert!(help.contains("--timeout <DURATION>") && help.contains("[default: all]"), "{help}");
        let Command::Print(version) = parse("--version").unwrap() else { panic!("version") };
        assert_eq!(version.trim(), concat!("cdn-purge ", env!("CARGO_PKG_VERSION")));
    }
}
