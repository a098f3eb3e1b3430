//! A value whose changes can be waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A value whose changes can be waited for. Those who wait learn of one in the order in which they began to, so that a simulated
/// run is the same each time: tokio's own channel for this wakes them in a random order.
#[derive(Debug, Default)]
pub(super) struct Watched<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T> Watched<T> {
    /// Replaces the value.
    pub(super) fn set(&self, value: T) {
        *self.value() = value;
        self.changed.notify_waiters();
    }

    /// The value now.
    pub(super) fn value(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the value is such a one, and gives what the test makes of it.
    pub(super) async fn wait_for<R>(&self, test: impl Fn(&T) -> Option<R>) -> R {
        loop {
            // It hears of every change from now on.
            let changed = self.changed.notified();
            if let Some(result) = test(&self.value()) {
                return result;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn those_who_wait_are_woken_in_the_order_in_which_they_began_to() {
        let (watched, woken) = (Watched::<bool>::default(), RefCell::new(Vec::new()));
        let wait = async |number: usize| {
            watched.wait_for(|is_set| is_set.then_some(())).await;
            woken.borrow_mut().push(number);
        };
        // As many as `join_all` polls by what woke them, and not by their place.
        let all = join_all((0..100).map(wait));
        tokio::join!(all, async { watched.set(true) });
        assert_eq!(woken.into_inner(), (0..100).collect::<Vec<_>>());
    }
}
