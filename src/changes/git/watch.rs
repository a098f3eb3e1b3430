//! Work that may never end becomes an answer, or the word that it gets no further: it is done on a thread of its own.
//!
//! libgit2 (1.9.7) goes round for ever where objects of a pack stand on each other (`pack_dependency_chain`), and waits for ever
//! where a file of the repository is a pipe; what else there is of this kind nobody knows. A thread can't be stopped from
//! outside, so it is left behind, and ends with the process.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::changes::entries::ObjectId;

/// How long one object may take. The slowest disk needs a fraction of it, and what goes round in a pack takes some hundred
/// megabytes of memory until then.
#[cfg(not(test))]
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
#[cfg(test)]
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// How often it is looked at within that time.
const GLANCES: u32 = 10;

/// How far the reading has come.
#[derive(Default)]
pub(super) struct Progress(Mutex<(u64, Option<ObjectId>)>);

impl Progress {
    /// Begins with the next object.
    pub(super) fn begin(&self, object: ObjectId) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = (now.0 + 1, Some(object));
    }

    /// Goes on with what is no object of its own.
    pub(super) fn step(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 += 1;
    }

    /// How many were begun, and the last of them.
    pub(super) fn now(&self) -> (u64, Option<ObjectId>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does `work` on a thread of its own. `None`: it has made no progress for [`PATIENCE`], and may go on for ever.
pub(super) fn watched<T: Send + 'static>(
    progress: &Progress,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<Option<T>> {
    let (told, news) = channel();
    // Nobody may be waiting any more.
    let thread = thread::Builder::new().spawn(move || drop(told.send(work())))?;
    let (mut seen, mut waited) = (progress.now(), 0);
    loop {
        match news.recv_timeout(PATIENCE / GLANCES) {
            Ok(result) => return Ok(Some(result)),
            Err(RecvTimeoutError::Timeout) => {
                let now = progress.now();
                waited = if now == seen { waited + 1 } else { 0 };
                seen = now;
                if waited == GLANCES {
                    return Ok(None);
                }
            }
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => return Ok(None),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_ends_is_waited_for_and_what_gets_no_further_is_left_behind() {
        let progress = Arc::new(Progress::default());
        assert_eq!(watched(&progress, || 7).unwrap(), Some(7));
        let (_never, nothing) = channel::<()>();
        assert!(watched(&progress, move || nothing.recv()).unwrap().is_none());
        // As long as there is any progress, it may take its time.
        let (steps, waiting) = (Arc::clone(&progress), channel::<()>());
        let done = watched(&progress, move || {
            for _ in 0..4 {
                steps.step();
                assert!(waiting.1.recv_timeout(PATIENCE / 3).is_err());
            }
            9
        });
        assert_eq!(done.unwrap(), Some(9));
    }
}
