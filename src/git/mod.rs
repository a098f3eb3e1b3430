//! The files that changed between two commits of a checkout.
//!
//! [`search`] is the whole step: `range` decides which two commits count, `last_success` looks up the last deployment, `fetch`
//! gets what the clone lacks, `revisions` looks the commits up, `tree_diff` compares their trees, `renames` pairs moved files,
//! `submodules` and `links` add the files behind those. `contents` reads the beginning of some, and `tracked` finds patterns that match
//! no tracked file. `newer_head` says whether the branch has another commit by now.
//! libgit2 reads the repository, on a thread with a time limit (`time_limit`). No process is started.

pub use self::checkout::{head_commit, root};
pub use self::choices::{Choices, choices};
pub use self::config_trust::trusted;
pub use self::contents::{content_at_head, contents};
pub use self::event::pull_request;
pub use self::io::{Fetching, HttpTransport, OnChunk};
pub use self::newer_head::newer_head;
pub use self::search::{Changed, Range, find, search};
pub use self::submodules::{Following, Unexpanded};
pub use self::tracked::{Tracked, TrackedSearch, tracked};
pub use self::worktree::{uncommitted, worktree_content};

mod checkout;
mod checkout_check;
mod choices;
mod config_trust;
mod contents;
mod errors;
mod event;
mod fetch;
mod history;
mod io;
mod last_success;
mod links;
mod newer_head;
mod oid;
mod range;
mod renames;
mod repository;
mod revisions;
mod search;
mod submodules;
mod tag_series;
mod time_limit;
mod tracked;
mod tree_diff;
mod workspace;
mod worktree;

#[cfg(test)]
mod tests;
