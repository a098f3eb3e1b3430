//! Work that may never end becomes an answer, or the word that it gets no further: it is done on another thread.
//!
//! libgit2 (1.9.7) goes round for ever where objects of a pack stand on each other (`pack_dependency_chain`), and waits for ever
//! where a file of the repository is a pipe; what else there is of this kind nobody knows. A thread can't be stopped from
//! outside, so it is left behind, and ends with the process.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
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

/// A thread that reads, and how far it has come. It is made by the first work, and used for all that follows.
#[derive(Default)]
pub(super) struct Watch {
    progress: Mutex<(u64, Option<ObjectId>)>,
    thread: Mutex<Option<(Sender<Work>, JoinHandle<()>)>>,
}

type Work = Box<dyn FnOnce() + Send>;

impl Watch {
    /// Begins with the next object.
    pub(super) fn begin(&self, object: ObjectId) {
        let mut now = unpoisoned(&self.progress);
        *now = (now.0 + 1, Some(object));
    }

    /// Goes on with what is no object of its own.
    pub(super) fn step(&self) {
        unpoisoned(&self.progress).0 += 1;
    }

    /// How many were begun, and the last of them.
    pub(super) fn now(&self) -> (u64, Option<ObjectId>) {
        *unpoisoned(&self.progress)
    }

    /// Does `work` on the thread. `None`: it has made no progress for [`PATIENCE`], and may go on for ever.
    pub(super) fn over<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<Option<T>> {
        let mut thread = unpoisoned(&self.thread);
        let (told, news) = channel();
        // Nobody may be waiting any more.
        let work: Work = Box::new(move || drop(told.send(work())));
        let (works, _) = match &mut *thread {
            Some(running) => running,
            none => none.insert(begin()?),
        };
        // One that can't be handed over is dropped, and so is its news.
        drop(works.send(work));
        let (mut seen, mut waited) = (self.now(), 0);
        loop {
            match news.recv_timeout(PATIENCE / GLANCES) {
                Ok(result) => return Ok(Some(result)),
                Err(RecvTimeoutError::Timeout) => {
                    let now = self.now();
                    waited = if now == seen { waited + 1 } else { 0 };
                    seen = now;
                    if waited == GLANCES {
                        // What comes next must not wait for it.
                        *thread = None;
                        return Ok(None);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => match thread.take().map(|(_, thread)| thread.join()) {
                    Some(Err(panic)) => std::panic::resume_unwind(panic),
                    Some(Ok(())) | None => return Ok(None),
                },
            }
        }
    }
}

/// A thread that works until nobody can hand over anything any more.
fn begin() -> std::io::Result<(Sender<Work>, JoinHandle<()>)> {
    let (works, handed_over) = channel::<Work>();
    let thread = thread::Builder::new().spawn(move || handed_over.into_iter().for_each(|work| work()))?;
    Ok((works, thread))
}

fn unpoisoned<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_ends_is_waited_for_and_what_gets_no_further_is_left_behind() {
        let watch = Arc::new(Watch::default());
        assert_eq!(watch.over(|| 7).unwrap(), Some(7));
        let (_never, nothing) = channel::<()>();
        assert!(watch.over(move || nothing.recv()).unwrap().is_none());
        assert_eq!(watch.over(|| 8).unwrap(), Some(8));
        // As long as there is any progress, it may take its time.
        let (steps, waiting) = (Arc::clone(&watch), channel::<()>());
        let done = watch.over(move || {
            for _ in 0..4 {
                steps.step();
                assert!(waiting.1.recv_timeout(PATIENCE / 3).is_err());
            }
            9
        });
        assert_eq!(done.unwrap(), Some(9));
    }
}
