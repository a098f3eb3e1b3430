//! Fetches that are repeated until their answer is final: a few at a time, with pauses in which others have their turn.

use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Duration;

use futures_util::future::{LocalBoxFuture, join_all};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

/// Waits for all of them. They are boxed, because each type of future would have its own copy of the machinery in the binary.
pub(super) async fn all(futures: Vec<LocalBoxFuture<'_, ()>>) {
    join_all(futures).await;
}

/// Makes an attempt, and after each pause another one, until the outcome of one is final, no pause is left or the time is over, as
/// `is_over` says of a moment; gives the last outcome. A place is held for an attempt alone, so that whoever waits for another one
/// keeps nobody from the network. `None`: there was no place in time.
pub(super) async fn retried<T>(
    places: &Semaphore,
    is_over: &dyn Fn(Instant) -> bool,
    pauses: impl IntoIterator<Item = Duration>,
    mut attempt: impl AsyncFnMut() -> ControlFlow<T, T>,
) -> Option<T> {
    let (mut last, mut pauses) = (None, pauses.into_iter());
    loop {
        let place = match places.try_acquire() {
            Ok(place) => place,
            Err(_) => {
                let place = places.acquire().await.expect("the semaphore is never closed");
                if is_over(Instant::now()) {
                    return last;
                }
                place
            }
        };
        let outcome = attempt().await;
        drop(place);
        match outcome {
            Break(end) => return Some(end),
            Continue(so_far) => last = Some(so_far),
        }
        match pauses.next().filter(|pause| !is_over(Instant::now() + *pause)) {
            Some(pause) => sleep(pause).await,
            None => return last,
        }
    }
}
