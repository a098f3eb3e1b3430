//! Signals of the system: the first one stops the run in good order, a second of its kind exits at once.

#[cfg(unix)]
use tokio::signal::unix;
#[cfg(windows)]
use tokio::signal::windows;

use crate::error::{Error, ExitCode};
use crate::exec::interrupt::Interrupter;
use crate::model::Signal;

/// Listens from now on. A first SIGINT or SIGTERM stops new submissions; SIGTERM after SIGINT (a runner's second warning)
/// shortens what is left; the same signal twice ends the process, with the journal whole. Windows has Ctrl-C, and Ctrl-Break
/// for the second warning.
///
/// # Errors
/// [`Error::Checkout`] when the system doesn't let us listen.
pub(super) fn listen(interrupter: Interrupter) -> Result<(), Error> {
    let (mut interrupts, mut terminations) = open()?;
    tokio::spawn(async move {
        let mut heard = Vec::new();
        loop {
            let signal = tokio::select! {
                Some(()) = interrupts.recv() => Signal::Interrupt,
                Some(()) = terminations.recv() => Signal::Terminate,
                else => return,
            };
            if heard.contains(&signal) {
                leave(signal);
            }
            heard.push(signal);
            interrupter.interrupt(signal);
        }
    });
    Ok(())
}

#[cfg(unix)]
fn open() -> Result<(unix::Signal, unix::Signal), Error> {
    let open = |kind| {
        unix::signal(kind).map_err(|error| Error::Checkout {
            message: format!("signals can't be heard: {error}"),
            help: "run in an environment that lets a program handle SIGINT and SIGTERM".into(),
        })
    };
    Ok((open(unix::SignalKind::interrupt())?, open(unix::SignalKind::terminate())?))
}

#[cfg(windows)]
fn open() -> Result<(windows::CtrlC, windows::CtrlBreak), Error> {
    let refused = |error: std::io::Error| Error::Checkout {
        message: format!("Ctrl-C can't be heard: {error}"),
        help: "run in an environment that lets a program handle Ctrl-C and Ctrl-Break".into(),
    };
    Ok((windows::ctrl_c().map_err(refused)?, windows::ctrl_break().map_err(refused)?))
}

#[expect(clippy::exit, reason = "a second signal means to stop at once; the journal is on the disk")]
fn leave(signal: Signal) {
    std::process::exit(match signal {
        Signal::Interrupt => ExitCode::Interrupted as i32,
        Signal::Terminate => ExitCode::Terminated as i32,
    });
}
