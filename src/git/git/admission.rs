//! A repository that was found becomes one that may be read: by its owner, and by its format.

use std::path::{Path, PathBuf};

use git2::ErrorCode;

use super::enclosure::common_directory;
use super::format;
use super::libgit2::{self, Unanswered};

/// A repository that may be read.
pub(super) struct Admitted {
    /// The files that all work trees of the repository share.
    pub(super) common: PathBuf,
    pub(super) is_bare: bool,
}

/// Why one may not be read.
#[derive(Debug)]
pub(super) enum Refused {
    /// It belongs to someone else, and nobody said that it is safe (`safe.directory`).
    Foreign,
    /// Its format, or a part that is missing or damaged.
    Unreadable(String),
}

/// Looks at the repository of `directory`, whose files are in `own`. With `is_trusted` it may belong to anybody.
///
/// # Errors
/// As [`Refused`] says.
pub(super) fn admit(directory: &Path, own: &Path, is_trusted: bool) -> Result<Admitted, Refused> {
    let nowhere = || Refused::Unreadable("its `commondir` leads nowhere".to_owned());
    let common = common_directory(own).ok_or_else(nowhere)?;
    if !is_trusted && !is_ours(directory, own) {
        libgit2::ask(directory, false, |_| Ok(())).map_err(|unanswered| match unanswered {
            Unanswered::Refused(error) if error.code() == ErrorCode::Owner => Refused::Foreign,
            other => Refused::Unreadable(other.words().to_owned()),
        })?;
    }
    let is_bare = format::check(own, &common).map_err(Refused::Unreadable)?;
    Ok(Admitted { common, is_bare })
}

/// Whether all that git asks the owner of is plainly this user's own. Where it isn't, there are more rules.
#[cfg(unix)]
fn is_ours(directory: &Path, own: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    let places = [directory, &directory.join(".git"), own];
    places.into_iter().all(|place| match place.symlink_metadata() {
        Ok(metadata) => metadata.uid() == user,
        // A repository without a work tree has none of the second.
        Err(_) => place != directory && place != own,
    })
}

#[cfg(not(unix))]
fn is_ours(_: &Path, _: &Path) -> bool {
    false
}
