//! Work of libgit2's that may never end becomes an answer, or the word that it gets no further: it is done on another thread.
//!
//! libgit2 (1.9.7) goes round for ever where objects of a pack stand on each other (`pack_dependency_chain`), and waits for ever
//! where a file of the repository is a pipe; what else there is of this kind nobody knows. A thread can't be stopped from
//! outside, so it is left behind, and ends with the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How long the work may go without a step. The slowest disk needs a fraction of it, and what goes round in a pack takes some
/// hundred megabytes of memory until then.
#[cfg(not(test))]
const PATIENCE: Duration = Duration::from_secs(10);
#[cfg(test)]
const PATIENCE: Duration = Duration::from_secs(3);

/// How often it is looked at within that time.
const GLANCES: u32 = 10;

/// How far the work has come.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<AtomicU64>);

impl Progress {
    /// It gets on.
    pub(super) fn step(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Does `work` on a thread of its own.
///
/// # Errors
/// In words: it has made no step for [`PATIENCE`], and may go on for ever; or the system gives no thread.
pub(super) fn over<T: Send + 'static>(
    progress: &Progress,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (told, news) = channel();
    // Nobody may be waiting any more.
    let thread = thread::Builder::new().spawn(move || drop(told.send(work())));
    let thread = thread.map_err(|error| error.to_string())?;
    let (mut seen, mut waited) = (progress.now(), 0);
    loop {
        match news.recv_timeout(PATIENCE / GLANCES) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => {
                let now = progress.now();
                waited = if now == seen { waited + 1 } else { 0 };
                seen = now;
                if waited == GLANCES {
                    return Err(nothing());
                }
            }
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => return Err(nothing()),
            },
        }
    }
}

fn nothing() -> String {
    format!("nothing came of it within {} s", PATIENCE.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_is_waited_for_and_what_gets_no_further_is_left_behind() {
        let progress = Progress::default();
        assert_eq!(over(&progress, || 7), Ok(7));
        let (_never, nothing) = channel::<()>();
        assert_eq!(over(&progress, move || nothing.recv()), Err(super::nothing()));
        // As long as there is any progress, it may take its time.
        let (steps, waiting) = (progress.clone(), channel::<()>());
        let done = over(&progress, move || {
            for _ in 0..4 {
                steps.step();
                assert!(waiting.1.recv_timeout(PATIENCE / 3).is_err());
            }
            9
        });
        assert_eq!(done, Ok(9));
    }
}
