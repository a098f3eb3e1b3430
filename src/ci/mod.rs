//! Where we run, and everything it reads or shows: GitHub Actions, GitLab CI, or neither.
//!
//! CI hosts differ in five things: how log lines are folded, how a line of a file is annotated, how secrets are masked,
//! where outputs go and where the summary goes. [`CiHost`] decides the last two, [`Console`] the first three. Nothing else in
//! the program finds out where it runs.

mod comment_mark;
pub mod console;
pub mod downloads;
pub mod files;
mod github;
mod gitlab;
pub mod host;
mod paint;
pub mod progress;
pub mod redactor;

pub use console::{Console, Look, Severity};
pub use github::comment as github_comment;
pub use gitlab::note as gitlab_note;
pub use host::CiHost;
pub use progress::Progress;
pub use redactor::Redactor;

/// Ends the program after an internal error: names the place, but no values, which may be secret. The journal has what was
/// sent.
#[expect(clippy::exit, reason = "a panic is never 0, whatever thread it came from")]
pub fn internal_error(panic: &std::panic::PanicHookInfo<'_>) {
    // git2 panics at an object of no kind, on the thread that reads the repository.
    if std::thread::current().name() == Some("git") {
        let text = "error: the repository can't be read: libgit2 gave up\n  help: check it with `git fsck`\n";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
        std::process::exit(crate::error::ExitCode::Checkout as i32);
    }
    let place = panic.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    let text = format!(
        "error: internal error (bug) in cdn-purge {}{place}\n  help: run the same command again to resume from the journal; \
         report this line with the command and its log\n",
        env!("CARGO_PKG_VERSION")
    );
    // Where even this can't be written, the exit code is all there is.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    std::process::exit(crate::error::ExitCode::Internal as i32);
}
