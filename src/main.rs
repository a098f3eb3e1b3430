//! Parse → pipeline → exit code.

use std::io::{IsTerminal, stderr, stdout};
use std::process::ExitCode;

use cdn_purge::commands::{World, execute};
use cdn_purge::error;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(cdn_purge::host::internal_error));
    let world = World {
        arguments: std::env::args_os().collect(),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        out: Box::new(stdout()),
        err: Box::new(stderr()),
        is_terminal: stderr().is_terminal(),
        out_columns: stdout().is_terminal().then(|| {
            let size = terminal_size::terminal_size_of(stdout());
            size.map_or(80, |(width, _)| usize::from(width.0))
        }),
        now: jiff::Timestamp::now(),
    };
    let code: error::ExitCode = execute(world);
    ExitCode::from(code as u8)
}
