//! A signal, as a value that the execution can wait for.

use std::sync::Arc;

use super::watched::Watched;
use crate::model::Signal;

/// Whether and by what the run was interrupted.
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<Watched<Option<Signal>>>);

/// The other end: what hears the signals.
#[derive(Debug)]
pub struct Interrupter(Arc<Watched<Option<Signal>>>);

/// An interrupt that hasn't come yet, and the end that makes it come.
pub fn channel() -> (Interrupter, Interrupt) {
    let signal = Arc::default();
    (Interrupter(Arc::clone(&signal)), Interrupt(signal))
}

impl Interrupter {
    /// Reports a signal. A later one replaces an earlier one: the second warning is the graver.
    pub fn interrupt(&self, signal: Signal) {
        self.0.set(Some(signal));
    }
}

impl Interrupt {
    /// The signal that came, if one did.
    pub fn signal(&self) -> Option<Signal> {
        *self.0.value()
    }

    /// Waits for a signal that is not `known` yet; for ever if none comes.
    pub async fn other_than(&self, known: Option<Signal>) -> Signal {
        self.0.wait_for(|signal| signal.filter(|&signal| Some(signal) != known)).await
    }
}

/// The sentence for what an interruption leaves.
pub fn interrupted_by(signal: Signal) -> &'static str {
    match signal {
        Signal::Interrupt => "the run was interrupted (SIGINT)",
        Signal::Terminate => "the run was ended (SIGTERM)",
    }
}
