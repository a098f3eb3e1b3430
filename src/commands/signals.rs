//! The system's signals become interruptions: the first stops in good order, a second of its kind leaves at once.

use crate::error::Error;
use crate::exec::interrupt::Interrupter;

/// Listens from now on. A first SIGINT or SIGTERM stops new submissions; SIGTERM after SIGINT (a runner's second warning)
/// shortens what is left; the same signal twice ends the process, with the journal whole.
///
/// # Errors
/// [`Error::Checkout`] when the system doesn't let us listen.
#[cfg(unix)]
pub(super) fn listen(interrupter: Interrupter) -> Result<(), Error> {
    use crate::model::Signal;
    use tokio::signal::unix::{SignalKind, signal};

    let open = |kind| {
        signal(kind).map_err(|error| Error::Checkout {
            message: format!("signals can't be heard: {error}"),
            help: "run in an environment that lets a program handle SIGINT and SIGTERM".into(),
        })
    };
    let (mut interrupts, mut terminations) = (open(SignalKind::interrupt())?, open(SignalKind::terminate())?);
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

/// Listens from now on, to what Windows has instead: Ctrl-C, and Ctrl-Break, which is a runner's second warning there.
///
/// # Errors
/// [`Error::Checkout`] when the system doesn't let us listen.
#[cfg(windows)]
pub(super) fn listen(interrupter: Interrupter) -> Result<(), Error> {
    use crate::model::Signal;
    use tokio::signal::windows::{ctrl_break, ctrl_c};

    let refused = |error: std::io::Error| Error::Checkout {
        message: format!("Ctrl-C can't be heard: {error}"),
        help: "run in an environment that lets a program handle Ctrl-C and Ctrl-Break".into(),
    };
    let (mut interrupts, mut terminations) = (ctrl_c().map_err(refused)?, ctrl_break().map_err(refused)?);
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

#[expect(clippy::exit, reason = "a second signal asks for exactly this; the journal is on the disk")]
fn leave(signal: crate::model::Signal) {
    use crate::error::ExitCode;
    use crate::model::Signal;

    std::process::exit(match signal {
        Signal::Interrupt => ExitCode::Interrupted as i32,
        Signal::Terminate => ExitCode::Terminated as i32,
    });
}
