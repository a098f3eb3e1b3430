//! A repository on a thread of its own, with one time limit for everything that is read of it.
//!
//! libgit2 (1.9.7) loops forever on a loose object that was cut off and on deltas in a cycle, and waits forever for a pipe in
//! the place of a file. A thread can't be stopped from outside: one that hangs is abandoned and ends with the process.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::environment::Environment;
use crate::error::Error;

use super::errors;
use super::repository::Repository;

/// How long the repository may be read. The largest need some seconds on a cold disk; time on the network doesn't count.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// An open repository that answers within a time limit.
pub(super) struct Reader {
    questions: Sender<Question>,
    start: PathBuf,
    limit: Duration,
    left: Cell<Duration>,
}

type Question = Box<dyn FnOnce(&Repository) + Send>;

impl Reader {
    /// Opens the repository that `start` lies in.
    ///
    /// # Errors
    /// Those of [`Repository::open`]; a repository that can't be opened within `limit`.
    pub(super) fn open(start: &Path, environment: &Environment, limit: Duration) -> Result<Self, Error> {
        let (questions, queue) = channel::<Question>();
        let (opened, answer) = channel();
        let (place, environment) = (start.to_owned(), environment.clone());
        let serve = move || match Repository::open(&place, &environment) {
            Ok(repository) => {
                // Nobody waits for the answer after the time limit.
                let _ = opened.send(Ok(()));
                queue.iter().for_each(|question| question(&repository));
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let thread = thread::Builder::new().name("git".to_owned()).spawn(serve);
        thread.map_err(|error| errors::unopened(start, &error.to_string()))?;
        let reader = Self { questions, start: start.to_owned(), limit, left: Cell::new(limit) };
        reader.wait(&answer)?;
        Ok(reader)
    }

    /// Asks the repository.
    ///
    /// # Errors
    /// Those of the question; a repository that can't be read in the time that is left.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Repository) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        // The value has a place of its own, since a channel for each type of answer would be kilobytes of code for each.
        let value = Arc::new(Mutex::new(None));
        let place = Arc::clone(&value);
        let (answered, answer) = channel();
        let question = move |repository: &Repository| {
            let result = question(repository);
            let result = result.map(|value| *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(value));
            // Nobody waits for the answer after the time limit.
            let _ = answered.send(result);
        };
        // A failure to send shows below: the channel of the answer is closed.
        let _ = self.questions.send(Box::new(question));
        self.wait(&answer)?;
        let value = value.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(value.expect("a question that was answered without an error left its value"))
    }

    fn wait(&self, answer: &Receiver<Result<(), Error>>) -> Result<(), Error> {
        let begin = Instant::now();
        let result = answer.recv_timeout(self.left.get());
        self.left.set(self.left.get().saturating_sub(begin.elapsed()));
        match result {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(errors::out_of_time(&self.start, self.limit)),
            // git2 (0.21) panics at an object of no kind.
            Err(RecvTimeoutError::Disconnected) => {
                Err(errors::unreadable(&format!("the repository of `{}`", self.start.display()), "libgit2 gave up"))
            }
        }
    }
}
