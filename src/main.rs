//! Parses the command line, runs the command and exits with its code.

use std::ffi::OsString;
use std::io::{IsTerminal, stderr, stdout};
use std::process::ExitCode;

use cdn_purge::commands::{World, execute};
use cdn_purge::environment::NOT_UTF8;
use cdn_purge::error;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(cdn_purge::ci::internal_error));
    let world = World {
        arguments: std::env::args_os().collect(),
        environment: std::env::vars_os().filter_map(variable).collect(),
        out: Box::new(stdout()),
        err: Box::new(stderr()),
        is_terminal: stderr().is_terminal(),
        out_columns: stdout().is_terminal().then(|| columns(terminal_size::terminal_size_of(stdout()))),
        err_columns: stderr().is_terminal().then(|| columns(terminal_size::terminal_size_of(stderr()))),
        now: jiff::Timestamp::now(),
    };
    let code: error::ExitCode = execute(world);
    ExitCode::from(code as u8)
}

/// How wide a terminal is; as wide as most, where it doesn't say.
fn columns(size: Option<(terminal_size::Width, terminal_size::Height)>) -> usize {
    size.map_or(80, |(width, _)| usize::from(width.0))
}

/// A variable as text. What isn't UTF-8 is no text and left out, but not where it may be an option: to be without a limit
/// that somebody set would be worse than a complaint.
fn variable((name, value): (OsString, OsString)) -> Option<(String, String)> {
    let name = name.into_string().ok()?;
    let may_be_option = name.starts_with("CDN_PURGE_") || name.starts_with("INPUT_");
    let value = value.into_string().ok().or_else(|| may_be_option.then(|| NOT_UTF8.to_owned()))?;
    Some((name, value))
}
