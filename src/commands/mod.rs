//! The commands: one file for each that is more than a call.

use std::ffi::OsString;
use std::io::Write;

use jiff::Timestamp;

use crate::ci::{CiHost, Console, Look, Severity};
use crate::config::{Command, CommandKind, LogLevel, When, check, parse_arguments, query_options, schema};
use crate::environment::Environment;
use crate::error::{Error, ExitCode};
use crate::pipeline::lint;

mod check_online;
mod demo;
mod doctor;
mod explain;
mod init;
mod little_cache;
pub mod mock_server;
pub mod providers;
mod query;
mod report;
mod run;
mod signals;

/// What the program is started in.
pub struct World {
    /// The command line, the program's name first.
    pub arguments: Vec<OsString>,
    /// The environment variables that are Unicode.
    pub environment: Environment,
    /// Standard output.
    pub out: Box<dyn Write>,
    /// Standard error.
    pub err: Box<dyn Write>,
    /// Whether standard error is a terminal.
    pub is_terminal: bool,
    /// How wide standard output is, in columns; `None` if it is no terminal.
    pub out_columns: Option<usize>,
    /// The same of standard error.
    pub err_columns: Option<usize>,
    /// The wall clock.
    pub now: Timestamp,
}

/// Runs the command that the command line names.
pub fn execute(world: World) -> ExitCode {
    let World { arguments, environment, mut out, err, is_terminal, out_columns, err_columns, now } = world;
    let columns = (out_columns, err_columns);
    let command = match parse_arguments(arguments) {
        Ok(command) => command,
        Err(error) => {
            let mut console = plain_console(&environment, out, err, is_terminal, columns);
            return conclude(Err(error), &mut console);
        }
    };
    if let Command::MockServer(options) = &command {
        let served = run::block_on(false, mock_server::run(options, &environment, &mut *out)).and_then(|served| served);
        let mut console = plain_console(&environment, out, err, is_terminal, columns);
        return conclude(served.map(|()| ExitCode::Success), &mut console);
    }
    let mut console = plain_console(&environment, out, err, is_terminal, columns);
    let stage = query::Stage { environment: &environment, is_terminal, out_columns, now };
    let result = match command {
        Command::Run(flags) => run::run(CommandKind::Run, &flags, &environment, &mut console, is_terminal, now),
        Command::List(command, flags) => run::run(command, &flags, &environment, &mut console, is_terminal, now),
        Command::Query(command, flags) => query::run(command, &flags, stage, &mut console),
        Command::Wait(flags) if query_options::names_tasks(&flags, &environment) => {
            query::run(CommandKind::Wait, &flags, stage, &mut console)
        }
        Command::Wait(flags) => run::run(CommandKind::Wait, &flags, &environment, &mut console, is_terminal, now),
        Command::Demo(flags) => demo::run(&flags, &environment, &mut console, is_terminal, now),
        Command::Explain { flags, paths } => explain::run(&flags, &paths, &environment, &mut console, is_terminal),
        Command::ExplainTwice(builds) => explain::twice(&builds, &mut console, now),
        Command::ExplainRange(flags) => explain::range(&flags, &environment, &mut console, is_terminal, now),
        Command::Check(flags) => check::read(&flags, &environment).map(|(text, settings)| {
            run::set_look(&settings, &environment, &mut console, is_terminal);
            for warning in lint::check(&settings, &environment) {
                console.diagnostic(&warning, Severity::Warning);
            }
            run::explain(&mut console, &text)
        }),
        Command::CheckOnline(flags) => check_online::run(&flags, &environment, &mut console, is_terminal, now),
        Command::Doctor(flags) => doctor::run(&flags, &environment, &mut console, is_terminal, now),
        Command::Init(options) => init::run(&options, &mut console, is_terminal),
        Command::Report { report, page } => report::run(&report, page, &mut console),
        Command::Providers => Ok(run::print(&mut console, &providers::table())),
        Command::Schema => Ok(run::print(&mut console, &schema::text())),
        Command::Print(text) => Ok(run::print(&mut console, &text)),
        Command::MockServer(_) => unreachable!("served above"),
    };
    conclude(result, &mut console)
}

/// A console before any option is read.
fn plain_console(
    environment: &Environment,
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    is_terminal: bool,
    (out_columns, err_columns): (Option<usize>, Option<usize>),
) -> Console {
    let host = CiHost::detect(environment);
    let look = Look::decide(LogLevel::Normal, When::Auto, When::Auto, &host, environment, is_terminal);
    let mut console = Console::new(host, look, out, err);
    console.set_columns(out_columns, err_columns);
    console
}

/// Says what went wrong, if something did, and ends in good order.
fn conclude(result: Result<ExitCode, Error>, console: &mut Console) -> ExitCode {
    let code = result.unwrap_or_else(|error| {
        console.error(&error);
        error.exit_code()
    });
    match console.finish() {
        Ok(()) => code,
        Err(error) => code.worst(error.exit_code()),
    }
}
