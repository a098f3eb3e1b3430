//! The files of a built directory that changed since the last deployment.
//!
//! A built site isn't in git, so it is compared by content: `walk` lists the files, `digest` reads them, `compare` holds them
//! against what the caches may still hold: the `manifest` that the last run wrote, or a `listing` of the object store from
//! before the upload. `site` says which site, which build and which run it is; `reproducible` recognizes builds that differ
//! although their sources don't; `difference` shows where two builds do.

pub use self::built_file::BuiltFile;
pub use self::compare::{Comparison, Counts, compare, compare_listing};
pub use self::difference::{difference, lines_of};
pub use self::digest::{Digest, DigestKind};
pub use self::errors::{empty, shrunk, unreadable_rules, unrelated};
pub use self::explain::explain;
pub use self::files::{BuiltFiles, FoundFiles, find, read};
pub use self::listing::{ListedFile, read_listing};
pub use self::lock::Lock;
pub use self::manifest::{Entry, Header, Manifest, State, Stored};
pub use self::site::{Run, Site};

mod built_file;
mod compare;
mod difference;
mod digest;
mod errors;
mod explain;
mod files;
mod listing;
mod lock;
mod manifest;
pub mod reproducible;
mod site;
mod stamp;
mod walk;

#[cfg(test)]
mod tests;
