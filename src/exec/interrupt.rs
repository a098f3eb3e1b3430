//! A signal, as a value that the execution can wait for.

use tokio::sync::watch;

use crate::model::Signal;

/// Whether and by what the run was interrupted.
#[derive(Clone, Debug)]
pub struct Interrupt(watch::Receiver<Option<Signal>>);

/// The other end: what hears the signals.
#[derive(Debug)]
pub struct Interrupter(watch::Sender<Option<Signal>>);

/// An interrupt that hasn't come yet, and the end that makes it come.
pub fn channel() -> (Interrupter, Interrupt) {
    let (sender, receiver) = watch::channel(None);
    (Interrupter(sender), Interrupt(receiver))
}

impl Interrupter {
    /// Reports a signal. A later one replaces an earlier one: the second warning is the graver.
    pub fn interrupt(&self, signal: Signal) {
        // Nobody listens any more when the run is over, and then there is nothing to stop.
        let _ = self.0.send(Some(signal));
    }
}

impl Interrupt {
    /// The signal that came, if one did.
    pub fn signal(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Waits for a signal that is not `known` yet; for ever if none comes.
    pub async fn other_than(&mut self, known: Option<Signal>) -> Signal {
        loop {
            if let Some(signal) = self.signal().filter(|&signal| Some(signal) != known) {
                return signal;
            }
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// The sentence for what an interruption leaves.
pub fn interrupted_by(signal: Signal) -> &'static str {
    match signal {
        Signal::Interrupt => "the run was interrupted (SIGINT)",
        Signal::Terminate => "the run was ended (SIGTERM)",
    }
}
