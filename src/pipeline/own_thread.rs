//! Reads that may never return, on a thread of their own.

/// Reads something on a thread of its own, because a disk, a pipe or a person may keep the reader waiting, and a signal must be heard
/// meanwhile.
pub(super) async fn apart<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, news) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // After a signal nobody is interested any more.
        let _ = sender.send(read());
    });
    news.await.expect("a reader that ends without an answer has ended the process")
}
